//! The records of the metadata log.

use std::collections::BTreeMap;
use std::fmt;

use base::{BrokerId, LeaderEpoch, PartitionIndex, TopicId};

use super::TopicName;
use crate::limits;
use crate::settings::SettingOverrides;

/// What happened to the metadata. The state is the fold of these, in the order of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetadataRecord {
    /// A broker has started. Every partition that it leads gets the next leader epoch, which fences what was meant for
    /// its earlier life.
    BrokerRegistered {
        broker: BrokerId,
        incarnation: Incarnation,
    },
    TopicCreated(Topic),
    TopicDeleted {
        topic: TopicId,
    },
    /// Partitions from `first` on, where the topic ended before.
    PartitionsAdded {
        topic: TopicId,
        first: PartitionIndex,
        partitions: Vec<Partition>,
    },
    /// New values by name; `None` returns a setting to its default.
    SettingsAltered {
        topic: TopicId,
        changes: BTreeMap<String, Option<String>>,
    },
    ProducerIdsReserved(ProducerIdBlock),
    /// As for topics.
    OwnerSettingsAltered {
        owner: SettingsOwner,
        changes: BTreeMap<String, Option<String>>,
    },
    /// All that came before is replaced by what follows: see [`Snapshot`](super::Snapshot).
    SnapshotBegun {
        /// Topics that were deleted and may have files still. The state knows nothing of them.
        deleted: Vec<TopicId>,
    },
}

/// Who beside topics has settings that can be altered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SettingsOwner {
    /// What brokers have that have no value of their own.
    AllBrokers,
    Broker(BrokerId),
    /// A group, whether or not it is there.
    Group(String),
}

/// Which start of a broker: a later one has a greater number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation(pub u64);

impl Incarnation {
    pub const FIRST: Self = Self(1);

    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Producer ids from `first` up to, not including, `end`, for one broker to give out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerIdBlock {
    pub broker: BrokerId,
    pub first: u64,
    pub end: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    pub name: TopicName,
    pub id: TopicId,
    pub settings: SettingOverrides,
    /// By index.
    pub partitions: Vec<Partition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    pub leader: BrokerId,
    pub leader_epoch: LeaderEpoch,
    /// The preferred leader first.
    pub replicas: Vec<BrokerId>,
    pub isr: Vec<BrokerId>,
    pub partition_epoch: PartitionEpoch,
}

/// Counts every change of a partition's leader, replicas or ISR, so that a change decided on an older state is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionEpoch(u32);

impl PartitionEpoch {
    pub const ZERO: Self = Self(0);

    /// `None` above what the wire's signed 32 bits can carry.
    pub const fn new(value: u32) -> Option<Self> {
        if value > i32::MAX.cast_unsigned() { None } else { Some(Self(value)) }
    }

    pub const fn get(self) -> u32 {
        self.0
    }

    pub const fn next(self) -> Self {
        assert!(self.0 < i32::MAX.cast_unsigned(), "a partition has run out of partition epochs");
        Self(self.0 + 1)
    }
}

impl fmt::Display for PartitionEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Topic {
    pub fn partition(&self, index: PartitionIndex) -> Option<&Partition> {
        self.partitions.get(usize::try_from(index.0).ok()?)
    }

    /// Partitions with their index, in order.
    pub fn indexed_partitions(&self) -> impl Iterator<Item = (PartitionIndex, &Partition)> {
        (0..).map(PartitionIndex).zip(&self.partitions)
    }

    /// Replicas of each partition at creation; all partitions start alike.
    pub fn replication_factor(&self) -> usize {
        self.partitions.first().map_or(0, |partition| partition.replicas.len())
    }

    /// There is a partition, and each is sound.
    pub(super) fn check(&self) {
        assert!(!self.partitions.is_empty(), "topic {} has no partition", self.name);
        self.partitions.iter().for_each(Partition::check);
    }
}

impl Partition {
    /// A partition at its beginning: all replicas are in sync, the first one leads.
    pub(super) fn new(replicas: Vec<BrokerId>) -> Self {
        Self {
            leader: *replicas.first().expect("an assignment without replicas is refused before"),
            leader_epoch: LeaderEpoch::ZERO,
            isr: replicas.clone(),
            replicas,
            partition_epoch: PartitionEpoch::ZERO,
        }
    }

    /// leader ∈ ISR ⊆ replicas, none twice.
    pub(super) fn check(&self) {
        let Self { leader, isr, replicas, .. } = self;
        assert!(replicas.len() <= limits::BROKERS_MAX, "{} replicas, more than brokers", replicas.len());
        assert!(isr.contains(leader), "leader {leader} is not in the ISR {isr:?}");
        assert!(isr.iter().all(|broker| replicas.contains(broker)), "ISR {isr:?} is not among {replicas:?}");
        for (rank, broker) in replicas.iter().enumerate() {
            assert!(!replicas[..rank].contains(broker), "broker {broker} is twice in {replicas:?}");
        }
    }
}
