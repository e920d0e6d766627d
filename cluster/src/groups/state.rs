//! What the log says of all groups: the fold of its records.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base::PartitionIndex;

use super::consumer::ConsumerGroup;
use super::{ClassicMetadata, CommittedOffset, GroupId, GroupRecord, memory};
use crate::metadata::TopicName;

/// The durable half of a coordinator's state. Only [`GroupState::apply`] changes it, live and in recovery alike.
///
/// Keys do not touch each other, so that a compacted log, in which the last record of each key is left, has the same
/// fold wherever compaction has come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupState {
    groups: BTreeMap<GroupId, StoredGroup>,
    /// Groups with offsets of a topic.
    committers: BTreeMap<TopicName, BTreeSet<GroupId>>,
    /// Of all groups together.
    offsets: usize,
    memory: usize,
}

/// What the log says of one group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredGroup {
    classic: Option<Arc<ClassicMetadata>>,
    /// What that takes.
    classic_memory: usize,
    consumer: ConsumerGroup,
    offsets: StoredOffsets,
}

/// The offsets of one group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredOffsets {
    by_topic: BTreeMap<TopicName, BTreeMap<PartitionIndex, CommittedOffset>>,
    count: usize,
    memory: usize,
}

impl GroupState {
    /// The fold of a log, compacted or not.
    pub fn from_records<'a>(records: impl IntoIterator<Item = &'a GroupRecord>) -> Self {
        let mut state = Self::default();
        records.into_iter().for_each(|record| state.apply(record));
        state
    }

    /// Takes one record of the log.
    pub fn apply(&mut self, record: &GroupRecord) {
        if record.is_tombstone() && !self.groups.contains_key(record.group()) {
            return;
        }
        let group = self.groups.entry(record.group().clone()).or_default();
        self.memory -= group.memory(record.group());
        match record {
            GroupRecord::Offset { group: id, topic, partition, value } => {
                self.offsets -= group.offsets.len();
                let had_topic = group.offsets.has_topic(topic);
                let has_topic = group.offsets.set(topic, *partition, value.clone());
                self.offsets += group.offsets.len();
                if has_topic == had_topic {
                    // As with almost every commit.
                } else if has_topic {
                    self.committers.entry(topic.clone()).or_default().insert(id.clone());
                } else if let Some(groups) = self.committers.get_mut(topic) {
                    groups.remove(id);
                    if groups.is_empty() {
                        self.committers.remove(topic);
                    }
                }
            }
            GroupRecord::Classic { value, .. } => {
                group.classic_memory = value.as_ref().map_or(0, |value| memory::of_classic(value));
                group.classic.clone_from(value);
            }
            GroupRecord::Consumer { value, .. } => group.consumer.set_metadata(*value),
            GroupRecord::Member { member, value, .. } => group.consumer.set_member(member, value.clone()),
            GroupRecord::TargetEpoch { value, .. } => group.consumer.set_target_epoch(*value),
            GroupRecord::Target { member, value, .. } => group.consumer.set_target(member, value.clone()),
            GroupRecord::Current { member, value, .. } => group.consumer.set_current(member, value.clone()),
            GroupRecord::Regex { regex, value, .. } => group.consumer.set_regex(regex, value.clone()),
        }
        self.memory += group.memory(record.group());
        if group.is_empty() {
            self.groups.remove(record.group());
        }
    }

    pub fn group(&self, id: &GroupId) -> Option<&StoredGroup> {
        self.groups.get(id)
    }

    /// All groups in the order of their names.
    pub fn groups(&self) -> impl Iterator<Item = (&GroupId, &StoredGroup)> {
        self.groups.iter()
    }

    /// Groups after one, in order.
    pub(super) fn groups_after<'a>(&'a self, id: Option<&'a GroupId>) -> impl Iterator<Item = &'a GroupId> + use<'a> {
        use std::ops::Bound::{Excluded, Unbounded};
        let after = id.map_or(Unbounded, Excluded);
        self.groups.range::<GroupId, _>((after, Unbounded)).map(|(id, _)| id)
    }

    pub fn len(&self) -> usize {
        self.groups.len()
    }

    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Offsets of all groups together.
    pub fn offset_count(&self) -> usize {
        self.offsets
    }

    /// Bytes that all groups take.
    pub fn memory(&self) -> usize {
        self.memory
    }

    /// Groups that have committed offsets of a topic.
    pub(super) fn committers(&self, topic: &TopicName) -> impl Iterator<Item = &GroupId> {
        self.committers.get(topic).into_iter().flatten()
    }

    /// Records whose fold is this state.
    pub fn snapshot(&self) -> Vec<GroupRecord> {
        let mut records = Vec::new();
        for (id, group) in &self.groups {
            if let Some(classic) = &group.classic {
                records.push(GroupRecord::Classic { group: id.clone(), value: Some(classic.clone()) });
            }
            group.consumer.snapshot(id, &mut records);
            records.extend(group.offsets.iter().map(|(topic, partition, value)| GroupRecord::Offset {
                group: id.clone(),
                topic: topic.clone(),
                partition,
                value: Some(value.clone()),
            }));
        }
        records
    }
}

impl StoredGroup {
    /// Bytes that the group takes.
    fn memory(&self, id: &GroupId) -> usize {
        if self.is_empty() {
            return 0;
        }
        memory::of_group(id) + self.classic_memory + self.consumer.memory() + self.offsets.memory
    }

    fn is_empty(&self) -> bool {
        self.classic.is_none() && self.consumer.is_absent() && self.offsets.is_empty()
    }

    pub fn classic(&self) -> Option<&Arc<ClassicMetadata>> {
        self.classic.as_ref()
    }

    pub fn consumer(&self) -> &ConsumerGroup {
        &self.consumer
    }

    pub fn offsets(&self) -> &StoredOffsets {
        &self.offsets
    }
}

impl StoredOffsets {
    /// Sets or removes one offset, and says whether the topic has any now.
    fn set(&mut self, topic: &TopicName, partition: PartitionIndex, value: Option<CommittedOffset>) -> bool {
        match value {
            Some(value) => {
                let partitions = self.by_topic.entry(topic.clone()).or_insert_with(|| {
                    self.memory += memory::of_topic(topic);
                    BTreeMap::new()
                });
                self.memory += memory::of_offset(&value);
                match partitions.insert(partition, value) {
                    Some(before) => self.memory -= memory::of_offset(&before),
                    None => self.count += 1,
                }
                true
            }
            None => {
                let Some(partitions) = self.by_topic.get_mut(topic) else { return false };
                if let Some(before) = partitions.remove(&partition) {
                    self.memory -= memory::of_offset(&before);
                    self.count -= 1;
                }
                let has_topic = !partitions.is_empty();
                if !has_topic {
                    self.memory -= memory::of_topic(topic);
                    self.by_topic.remove(topic);
                }
                has_topic
            }
        }
    }

    pub(super) fn has_topic(&self, topic: &TopicName) -> bool {
        self.by_topic.contains_key(topic)
    }

    pub fn get(&self, topic: &str, partition: PartitionIndex) -> Option<&CommittedOffset> {
        self.by_topic.get(topic)?.get(&partition)
    }

    /// All offsets in the order of topics and partitions.
    pub fn iter(&self) -> impl Iterator<Item = (&TopicName, PartitionIndex, &CommittedOffset)> {
        self.by_topic
            .iter()
            .flat_map(|(topic, partitions)| partitions.iter().map(move |(index, value)| (topic, *index, value)))
    }

    pub(super) fn of_topic(&self, topic: &TopicName) -> impl Iterator<Item = PartitionIndex> {
        self.by_topic.get(topic).into_iter().flat_map(|partitions| partitions.keys().copied())
    }

    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.by_topic.is_empty()
    }
}
