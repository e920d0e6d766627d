//! The cluster's metadata: brokers, topics, partitions, settings, and the producer ids given out.
//!
//! [`Metadata::decide`] proposes records, the log commits them, [`Metadata::apply`] alone changes state. The state is the
//! fold of the records, and a [`Snapshot`] is a shorter list of records with the same fold. Readers get a
//! [`MetadataImage`].

mod alter;
mod command;
mod decide;
mod error;
mod image;
mod name;
mod record;
mod replicas;
mod snapshot;

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{BrokerId, PartitionIndex, TopicId};

pub use command::{
    AlterOwnerSettings, AlterSettings, Command, CreatePartitions, CreateTopic, CreationDefaults, Decision,
    NewPartitions, OtherSettings, OwnerChange, Reply, SettingChange, SettingOperation, TopicReference,
    replicas_from_wire,
};
pub use error::MetadataError;
pub use image::{Broker, MetadataImage};
pub use name::{InvalidTopicName, TopicName};
pub use record::{Incarnation, MetadataRecord, Partition, PartitionEpoch, ProducerIdBlock, SettingsOwner, Topic};
pub use snapshot::Snapshot;

use crate::limits;
use image::Content;

/// The owner's state of the metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    image: MetadataImage,
    /// Names with `.` or `_` by what they collide on; see [`TopicName`].
    collision_keys: BTreeMap<String, TopicName>,
    last_producer_ids: Option<ProducerIdBlock>,
}

impl Metadata {
    /// The fold of a log or a snapshot.
    pub fn from_records<'a>(records: impl IntoIterator<Item = &'a MetadataRecord>) -> Self {
        let mut metadata = Self::default();
        records.into_iter().for_each(|record| metadata.apply(record));
        metadata
    }

    /// Takes one committed record.
    ///
    /// # Panics
    /// When the record does not fit the state, which means that the log is not the one this state was made from.
    pub fn apply(&mut self, record: &MetadataRecord) {
        match record {
            MetadataRecord::BrokerRegistered { broker, incarnation } => self.register(*broker, *incarnation),
            MetadataRecord::TopicCreated(topic) => self.add_topic(topic),
            MetadataRecord::TopicDeleted { topic } => self.delete_topic(*topic),
            MetadataRecord::PartitionsAdded { topic, first, partitions } => {
                self.add_partitions(*topic, *first, partitions);
            }
            MetadataRecord::SettingsAltered { topic, changes } => {
                let topic = self.topic_mut(*topic);
                changes.iter().for_each(|(name, value)| topic.settings.set(name, value.as_deref()));
            }
            MetadataRecord::ProducerIdsReserved(block) => {
                let end = self.producer_ids_end();
                assert!(block.first >= end, "producer ids from {} on, but all below {end} are taken", block.first);
                assert!(block.end > block.first, "producer ids end at {} before {}", block.end, block.first);
                assert!(block.end <= limits::PRODUCER_IDS_END, "producer ids end at {}", block.end);
                self.last_producer_ids = Some(*block);
            }
            MetadataRecord::OwnerSettingsAltered { owner, changes } => self.alter_owner(owner, changes),
            MetadataRecord::SnapshotBegun { .. } => *self = Self::default(),
        }
        self.check();
    }

    fn register(&mut self, broker: BrokerId, incarnation: Incarnation) {
        let content = self.image.content_mut();
        let previous = content.brokers.insert(broker, Broker { incarnation });
        if let Some(Broker { incarnation: previous }) = previous {
            assert!(incarnation > previous, "broker {broker}: incarnation {incarnation} after {previous}");
        }
        let led = |topic: &Topic| topic.partitions.iter().any(|partition| partition.leader == broker);
        let topics: Vec<_> = content.topics.iter().filter(|(_, topic)| led(topic)).map(|(id, _)| *id).collect();
        for topic in topics {
            for partition in &mut self.topic_mut(topic).partitions {
                if partition.leader == broker {
                    partition.leader_epoch = partition.leader_epoch.next();
                    partition.partition_epoch = partition.partition_epoch.next();
                }
            }
        }
    }

    fn add_topic(&mut self, topic: &Topic) {
        topic.check();
        let Content { topics, names, partitions, .. } = self.image.content_mut();
        let same_id = topics.insert(topic.id, Arc::new(topic.clone()));
        assert!(same_id.is_none(), "topic id {} is taken", topic.id);
        let same_name = names.insert(topic.name.clone(), topic.id);
        assert!(same_name.is_none(), "topic name {} is taken", topic.name);
        *partitions += topic.partitions.len();
        if let Some(key) = topic.name.collision_key() {
            let collided = self.collision_keys.insert(key, topic.name.clone());
            assert!(collided.is_none(), "topic name {} collides with {collided:?}", topic.name);
        }
    }

    fn delete_topic(&mut self, id: TopicId) {
        let Content { topics, names, partitions, .. } = self.image.content_mut();
        let topic = topics.remove(&id).unwrap_or_else(|| panic!("topic {id} is deleted but does not exist"));
        assert_eq!(names.remove(&topic.name), Some(id), "the name {} belongs to another topic", topic.name);
        *partitions -= topic.partitions.len();
        if let Some(key) = topic.name.collision_key() {
            self.collision_keys.remove(&key);
        }
    }

    fn add_partitions(&mut self, id: TopicId, first: PartitionIndex, added: &[Partition]) {
        added.iter().for_each(Partition::check);
        let topic = self.topic_mut(id);
        let end = topic.partitions.len();
        assert_eq!(usize::try_from(first.0), Ok(end), "partitions are added to {} from {first} on", topic.name);
        topic.partitions.extend_from_slice(added);
        self.image.content_mut().partitions += added.len();
    }

    fn alter_owner(&mut self, owner: &SettingsOwner, changes: &BTreeMap<String, Option<String>>) {
        let all = &mut self.image.content_mut().owner_settings;
        let mut settings = all.get(owner).cloned().unwrap_or_default();
        changes.iter().for_each(|(name, value)| settings.set(name, value.as_deref()));
        if settings.is_empty() {
            all.remove(owner);
        } else {
            all.insert(owner.clone(), settings);
        }
    }

    fn topic_mut(&mut self, id: TopicId) -> &mut Topic {
        let topic = self.image.content_mut().topics.get_mut(&id);
        Arc::make_mut(topic.unwrap_or_else(|| panic!("a record changes topic {id}, which does not exist")))
    }

    /// The state for readers; clone it to publish it.
    pub fn image(&self) -> &MetadataImage {
        &self.image
    }

    /// The incarnation that a broker should register with when it starts.
    pub fn next_incarnation(&self, broker: BrokerId) -> Incarnation {
        self.image.broker(broker).map_or(Incarnation::FIRST, |known| known.incarnation.next())
    }

    /// The first producer id that nobody has.
    fn producer_ids_end(&self) -> u64 {
        self.last_producer_ids.map_or(0, |block| block.end)
    }

    /// Whether a log of so many records should be replaced by a [snapshot](Self::snapshot): one that is several times as
    /// long, so that a start reads little, and all snapshots together cost less than the records themselves.
    pub fn is_snapshot_due(&self, records: u64) -> bool {
        let shortest = self.image.topic_count() + self.image.broker_count() + self.image.owner_count() + 2;
        records >= limits::METADATA_LOG_RECORDS_MIN.max(limits::METADATA_LOG_GROWTH * shortest as u64)
    }

    /// This state, to be written down in place of the log. `deleted` are topics that may have files still.
    pub fn snapshot(&self, deleted: Vec<TopicId>) -> Snapshot {
        Snapshot { image: self.image.clone(), last_producer_ids: self.last_producer_ids, deleted }
    }

    /// Names and ids are one to one; all counts are right; every partition is sound.
    fn check(&self) {
        let Content { topics, names, partitions, .. } = self.image.content();
        assert_eq!(topics.len(), names.len(), "topics by id and by name differ");
        assert!(self.collision_keys.len() <= names.len(), "more collision keys than names");
        assert!(*partitions >= topics.len(), "{partitions} partitions of {} topics", topics.len());
        debug_assert!(self.is_consistent());
    }

    fn is_consistent(&self) -> bool {
        let Content { topics, names, partitions, .. } = self.image.content();
        let mut counted = 0;
        for (id, topic) in topics.iter() {
            assert_eq!((*id, names.get(&topic.name)), (topic.id, Some(id)), "topic {} is misplaced", topic.name);
            let collides = topic.name.collision_key().map(|key| self.collision_keys.get(&key));
            assert!(collides.is_none_or(|name| name == Some(&topic.name)), "topic {} lost its key", topic.name);
            topic.check();
            counted += topic.partitions.len();
        }
        assert_eq!(counted, *partitions, "partitions are counted wrongly");
        true
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod properties;
