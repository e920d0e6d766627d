//! The topics of a plan.

use std::collections::BTreeMap;

use base::{BrokerId, TopicId};
use cluster::metadata::{
    Command, CreateTopic, CreationDefaults, Incarnation, Metadata, MetadataImage, NewPartitions, TopicName,
};

use crate::plan::Plan;

pub(crate) fn topics(plan: &Plan) -> (MetadataImage, BTreeMap<TopicName, u32>) {
    let mut metadata = Metadata::default();
    let mut decide = |command| {
        let decision = metadata.decide(command).expect("a valid command");
        decision.records.iter().for_each(|record| metadata.apply(record));
    };
    decide(Command::RegisterBroker { broker: BrokerId(0), incarnation: Incarnation::FIRST });
    let mut partitions = BTreeMap::new();
    for (number, count) in plan.topics.iter().enumerate() {
        let name = format!("topic-{number}");
        decide(Command::CreateTopic(CreateTopic {
            name: name.clone(),
            topic_id: TopicId::from_random((number as u128 + 1) << 80),
            partitions: NewPartitions::Count(Some(*count)),
            replication_factor: None,
            settings: Vec::new(),
            validate_only: false,
            defaults: CreationDefaults { partitions: 1, replication_factor: 1 },
        }));
        partitions.insert(TopicName::new(&name).expect("a valid name"), *count);
    }
    (metadata.image().clone(), partitions)
}
