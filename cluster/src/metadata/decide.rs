//! What follows from a command: records to append and the reply to hold until they are committed.

use std::sync::Arc;

use base::{BrokerId, PartitionIndex};

use super::replicas::{check_assignment, spread};
use super::{
    Command, CreatePartitions, CreateTopic, Decision, Incarnation, Metadata, MetadataError, MetadataRecord,
    NewPartitions, Partition, ProducerIdBlock, Reply, Topic, TopicName, TopicReference,
};
use crate::limits;
use crate::settings::{SettingOverrides, quoted};

impl Metadata {
    /// Says what a command would do, and changes nothing. Needs no clock: nothing in the metadata has a time.
    pub fn decide(&self, command: Command) -> Result<Decision, MetadataError> {
        match command {
            Command::RegisterBroker { broker, incarnation } => self.register_broker(broker, incarnation),
            Command::CreateTopic(command) => self.create_topic(command),
            Command::DeleteTopic { topic } => {
                let topic = self.find(&topic)?.id;
                let records = vec![MetadataRecord::TopicDeleted { topic }];
                Ok(Decision { records, reply: Reply::TopicDeleted { id: topic } })
            }
            Command::CreatePartitions(command) => self.create_partitions(command),
            Command::AlterSettings(command) => self.alter_settings(command),
            Command::AlterOwnerSettings(command) => self.alter_owner_settings(command),
            Command::ReserveProducerIds { broker, count } => self.reserve_producer_ids(broker, count),
        }
    }

    fn register_broker(&self, broker: BrokerId, incarnation: Incarnation) -> Result<Decision, MetadataError> {
        let mut records = vec![MetadataRecord::BrokerRegistered { broker, incarnation }];
        match self.image().broker(broker).map(|known| known.incarnation) {
            Some(current) if incarnation < current => {
                return Err(MetadataError::StaleIncarnation { broker, got: incarnation, current });
            }
            Some(current) if incarnation == current => records.clear(),
            None if self.image().broker_count() >= limits::BROKERS_MAX => {
                return Err(MetadataError::LimitReached { what: "brokers", limit: limits::BROKERS_MAX });
            }
            Some(_) | None => {}
        }
        Ok(Decision { records, reply: Reply::BrokerRegistered })
    }

    fn create_topic(&self, command: CreateTopic) -> Result<Decision, MetadataError> {
        let name = self.new_name(&command.name)?;
        if self.image().topic(command.topic_id).is_some() {
            let reason = format!("the topic id {} is taken", command.topic_id);
            return Err(MetadataError::InvalidRequest { reason });
        }
        if self.image().topic_count() >= limits::TOPICS_MAX {
            return Err(MetadataError::LimitReached { what: "topics", limit: limits::TOPICS_MAX });
        }
        if command.settings.len() > limits::SETTING_CHANGES_MAX {
            return Err(too_many_settings(command.settings.len()));
        }
        let settings = SettingOverrides::from_request(
            command.settings.iter().map(|(name, value)| (name.as_str(), value.as_deref())),
        )?;
        let replicas = self.new_replicas(&command)?;
        let topic = Topic {
            name,
            id: command.topic_id,
            settings,
            partitions: replicas.into_iter().map(Partition::new).collect(),
        };
        let records = unless(command.validate_only, || MetadataRecord::TopicCreated(topic.clone()));
        Ok(Decision { records, reply: Reply::TopicCreated(topic) })
    }

    fn new_name(&self, text: &str) -> Result<TopicName, MetadataError> {
        let name = TopicName::new(text)?;
        if self.image().topic_id(text).is_some() {
            return Err(MetadataError::TopicExists { name });
        }
        match name.collision_key().and_then(|key| self.collision_keys.get(&key)) {
            Some(existing) => Err(MetadataError::TopicNameCollides { name, existing: existing.clone() }),
            None => Ok(name),
        }
    }

    /// Replicas of each partition of a new topic.
    fn new_replicas(&self, command: &CreateTopic) -> Result<Vec<Vec<BrokerId>>, MetadataError> {
        let brokers: Vec<_> = self.image().brokers().map(|(id, _)| id).collect();
        match &command.partitions {
            NewPartitions::Assignment(_) if command.replication_factor.is_some() => {
                let reason = "with an assignment of replicas the replication factor must be -1".to_owned();
                Err(MetadataError::InvalidRequest { reason })
            }
            NewPartitions::Assignment(assignment) => {
                self.check_growth(0, assignment.len())?;
                check_assignment(assignment, assignment[0].len(), &brokers)?;
                Ok(assignment.clone())
            }
            NewPartitions::Count(count) => {
                let factor = replication_factor(command, brokers.len())?;
                let count = count.unwrap_or(command.defaults.partitions);
                self.check_growth(0, usize::try_from(count).unwrap_or(usize::MAX))?;
                Ok(spread(command.topic_id, 0, count, factor, &brokers))
            }
        }
    }

    /// A topic of `current` partitions may grow to `total`.
    fn check_growth(&self, current: usize, total: usize) -> Result<(), MetadataError> {
        let refused = |reason| Err(MetadataError::InvalidPartitions { reason });
        if total <= current {
            return refused(format!("the topic has {current} partitions, so it cannot grow to {total}"));
        }
        if u32::try_from(total).is_ok_and(|total| total <= limits::PARTITIONS_PER_TOPIC_MAX) {
            if self.image().partition_count() + (total - current) <= limits::PARTITIONS_MAX {
                return Ok(());
            }
            return Err(MetadataError::LimitReached { what: "partitions", limit: limits::PARTITIONS_MAX });
        }
        refused(format!("{total} partitions, above the limit of {} for a topic", limits::PARTITIONS_PER_TOPIC_MAX))
    }

    fn create_partitions(&self, command: CreatePartitions) -> Result<Decision, MetadataError> {
        let topic = self.find(&TopicReference::Name(command.name))?;
        let current = topic.partitions.len();
        let total = u32::try_from(command.total).map_err(|_| MetadataError::InvalidPartitions {
            reason: format!("a topic cannot have {} partitions", command.total),
        })?;
        self.check_growth(current, usize::try_from(total).unwrap_or(usize::MAX))?;
        let first = u32::try_from(current).expect("partitions of a topic are limited");
        let brokers: Vec<_> = self.image().brokers().map(|(id, _)| id).collect();
        let factor = topic.replication_factor();
        let added = total - first;
        let replicas = match command.assignments {
            None => spread(topic.id, first, added, factor, &brokers),
            Some(assignments) if u32::try_from(assignments.len()) == Ok(added) => {
                check_assignment(&assignments, factor, &brokers)?;
                assignments
            }
            Some(assignments) => {
                let reason = format!("an assignment of {} partitions where {added} are added", assignments.len());
                return Err(MetadataError::InvalidAssignment { reason });
            }
        };
        let records = unless(command.validate_only, || MetadataRecord::PartitionsAdded {
            topic: topic.id,
            first: PartitionIndex(first),
            partitions: replicas.into_iter().map(Partition::new).collect(),
        });
        Ok(Decision { records, reply: Reply::PartitionsCreated { total } })
    }

    fn reserve_producer_ids(&self, broker: BrokerId, count: u64) -> Result<Decision, MetadataError> {
        if self.image().broker(broker).is_none() {
            return Err(MetadataError::UnknownBroker { broker });
        }
        if !(1..=limits::PRODUCER_IDS_PER_RESERVATION_MAX).contains(&count) {
            let limit = limits::PRODUCER_IDS_PER_RESERVATION_MAX;
            let reason = format!("{count} producer ids in one reservation; from 1 to {limit} can be asked for");
            return Err(MetadataError::InvalidRequest { reason });
        }
        let first = self.producer_ids_end();
        let end = first + count.next_multiple_of(limits::PRODUCER_ID_BLOCK);
        assert!(end <= limits::PRODUCER_IDS_END, "a cluster has run out of producer ids");
        let block = ProducerIdBlock { broker, first, end };
        let records = vec![MetadataRecord::ProducerIdsReserved(block)];
        Ok(Decision { records, reply: Reply::ProducerIdsReserved(block) })
    }

    pub(super) fn find(&self, reference: &TopicReference) -> Result<&Arc<Topic>, MetadataError> {
        match reference {
            TopicReference::Name(name) => {
                self.image().topic_named(name).ok_or_else(|| MetadataError::UnknownTopic { name: quoted(name) })
            }
            TopicReference::Id(id) => self.image().topic(*id).ok_or(MetadataError::UnknownTopicId { id: *id }),
        }
    }
}

/// Nothing when only validation is asked for, else one record.
pub(super) fn unless(validate_only: bool, record: impl FnOnce() -> MetadataRecord) -> Vec<MetadataRecord> {
    if validate_only { Vec::new() } else { vec![record()] }
}

pub(super) fn too_many_settings(count: usize) -> MetadataError {
    let limit = limits::SETTING_CHANGES_MAX;
    MetadataError::InvalidRequest { reason: format!("{count} settings in one command, above the limit of {limit}") }
}

fn replication_factor(command: &CreateTopic, brokers: usize) -> Result<usize, MetadataError> {
    let refused = |reason| Err(MetadataError::InvalidReplicationFactor { reason });
    let factor = match command.replication_factor {
        Some(factor @ ..1) => return refused(format!("a replication factor of {factor}; -1 asks for the default")),
        Some(factor) => usize::from(factor.unsigned_abs()),
        None => usize::from(command.defaults.replication_factor),
    };
    if !(1..=limits::REPLICAS_PER_PARTITION_MAX).contains(&factor) {
        let limit = limits::REPLICAS_PER_PARTITION_MAX;
        return refused(format!("a replication factor of {factor}; from 1 to {limit} is possible"));
    }
    if factor > brokers {
        return refused(format!("a replication factor of {factor} where {brokers} brokers are registered"));
    }
    Ok(factor)
}
