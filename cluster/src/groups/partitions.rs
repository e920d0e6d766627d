//! Sets of partitions.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base::{PartitionIndex, TopicId};

/// Partitions by topic; no topic without a partition.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Partitions(BTreeMap<TopicId, BTreeSet<PartitionIndex>>);

impl Partitions {
    pub const EMPTY: Self = Self(BTreeMap::new());

    pub fn insert(&mut self, topic: TopicId, partition: PartitionIndex) -> bool {
        self.0.entry(topic).or_default().insert(partition)
    }

    pub fn remove(&mut self, topic: TopicId, partition: PartitionIndex) -> bool {
        let Some(partitions) = self.0.get_mut(&topic) else { return false };
        let removed = partitions.remove(&partition);
        if partitions.is_empty() {
            self.0.remove(&topic);
        }
        removed
    }

    pub fn contains(&self, topic: TopicId, partition: PartitionIndex) -> bool {
        self.0.get(&topic).is_some_and(|partitions| partitions.contains(&partition))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Partitions of all topics together.
    pub fn len(&self) -> usize {
        self.0.values().map(BTreeSet::len).sum()
    }

    pub fn iter(&self) -> impl Iterator<Item = (TopicId, PartitionIndex)> {
        self.topics().flat_map(|(topic, partitions)| partitions.iter().map(move |partition| (topic, *partition)))
    }

    pub fn topics(&self) -> impl Iterator<Item = (TopicId, &BTreeSet<PartitionIndex>)> {
        self.0.iter().map(|(topic, partitions)| (*topic, partitions))
    }

    pub(super) fn of_topic(&self, topic: TopicId) -> Option<&BTreeSet<PartitionIndex>> {
        self.0.get(&topic)
    }

    pub fn is_subset(&self, of: &Self) -> bool {
        self.iter().all(|(topic, partition)| of.contains(topic, partition))
    }

    pub fn is_disjoint(&self, other: &Self) -> bool {
        !self.iter().any(|(topic, partition)| other.contains(topic, partition))
    }

    /// Those of the set for which `keep` holds.
    pub(super) fn filtered(&self, mut keep: impl FnMut(TopicId, PartitionIndex) -> bool) -> Self {
        self.iter().filter(|(topic, partition)| keep(*topic, *partition)).collect()
    }
}

impl FromIterator<(TopicId, PartitionIndex)> for Partitions {
    fn from_iter<T: IntoIterator<Item = (TopicId, PartitionIndex)>>(partitions: T) -> Self {
        let mut set = Self::default();
        set.extend(partitions);
        set
    }
}

impl Extend<(TopicId, PartitionIndex)> for Partitions {
    fn extend<T: IntoIterator<Item = (TopicId, PartitionIndex)>>(&mut self, partitions: T) {
        for (topic, partition) in partitions {
            self.insert(topic, partition);
        }
    }
}

impl fmt::Debug for Partitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.0.iter().map(|(topic, all)| (topic, all.iter().map(|p| p.0).collect::<Vec<_>>())))
            .finish()
    }
}
