//! The records of one partition of `__consumer_offsets`, one to one with Kafka's; how they become bytes is decided
//! elsewhere.

use std::sync::Arc;

use base::{LeaderEpoch, Offset, PartitionIndex, Timestamp};

use super::{Blob, Epoch, GroupId, InstanceId, MemberId, Partitions};
use crate::metadata::TopicName;

/// What happened to a group. `None` as value is a tombstone. The state is the fold of these, and each key is on its own:
/// of the records of one key only the last one counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupRecord {
    /// `OffsetCommit`.
    Offset { group: GroupId, topic: TopicName, partition: PartitionIndex, value: Option<CommittedOffset> },
    /// `GroupMetadata`.
    Classic { group: GroupId, value: Option<Arc<ClassicMetadata>> },
    /// `ConsumerGroupMetadata`.
    Consumer { group: GroupId, value: Option<ConsumerMetadata> },
    /// `ConsumerGroupMemberMetadata`.
    Member { group: GroupId, member: MemberId, value: Option<Arc<MemberMetadata>> },
    /// `ConsumerGroupTargetAssignmentMetadata`: the epoch of the group that the target was made for.
    TargetEpoch { group: GroupId, value: Option<Epoch> },
    /// `ConsumerGroupTargetAssignmentMember`.
    Target { group: GroupId, member: MemberId, value: Option<Arc<Partitions>> },
    /// `ConsumerGroupCurrentMemberAssignment`.
    Current { group: GroupId, member: MemberId, value: Option<Arc<CurrentAssignment>> },
    /// `ConsumerGroupRegularExpression`.
    Regex { group: GroupId, regex: Arc<str>, value: Option<Arc<ResolvedRegex>> },
}

/// What compaction keeps the last record of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupRecordKey {
    Offset(GroupId, TopicName, PartitionIndex),
    Classic(GroupId),
    Consumer(GroupId),
    Member(GroupId, MemberId),
    TargetEpoch(GroupId),
    Target(GroupId, MemberId),
    Current(GroupId, MemberId),
    Regex(GroupId, Arc<str>),
}

impl GroupRecord {
    pub fn group(&self) -> &GroupId {
        match self {
            Self::Offset { group, .. }
            | Self::Classic { group, .. }
            | Self::Consumer { group, .. }
            | Self::Member { group, .. }
            | Self::TargetEpoch { group, .. }
            | Self::Target { group, .. }
            | Self::Current { group, .. }
            | Self::Regex { group, .. } => group,
        }
    }

    pub fn key(&self) -> GroupRecordKey {
        let group = self.group().clone();
        match self {
            Self::Offset { topic, partition, .. } => GroupRecordKey::Offset(group, topic.clone(), *partition),
            Self::Classic { .. } => GroupRecordKey::Classic(group),
            Self::Consumer { .. } => GroupRecordKey::Consumer(group),
            Self::Member { member, .. } => GroupRecordKey::Member(group, member.clone()),
            Self::TargetEpoch { .. } => GroupRecordKey::TargetEpoch(group),
            Self::Target { member, .. } => GroupRecordKey::Target(group, member.clone()),
            Self::Current { member, .. } => GroupRecordKey::Current(group, member.clone()),
            Self::Regex { regex, .. } => GroupRecordKey::Regex(group, regex.clone()),
        }
    }

    /// The same of a classic group that has to assign anew, whenever its coordinator comes to it.
    pub(super) fn without_leader(self) -> Self {
        let Self::Classic { group, value: Some(value) } = self else { return self };
        let value = ClassicMetadata { leader: None, ..(*value).clone() };
        Self::Classic { group, value: Some(Arc::new(value)) }
    }

    pub fn is_tombstone(&self) -> bool {
        match self {
            Self::Offset { value, .. } => value.is_none(),
            Self::Classic { value, .. } => value.is_none(),
            Self::Consumer { value, .. } => value.is_none(),
            Self::Member { value, .. } => value.is_none(),
            Self::TargetEpoch { value, .. } => value.is_none(),
            Self::Target { value, .. } => value.is_none(),
            Self::Current { value, .. } => value.is_none(),
            Self::Regex { value, .. } => value.is_none(),
        }
    }
}

/// Where a group resumes in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedOffset {
    pub offset: Offset,
    pub leader_epoch: Option<LeaderEpoch>,
    /// Given back as it came.
    pub metadata: Arc<str>,
    pub committed_at: Timestamp,
    /// Asked for by very old clients; counts instead of the retention when set.
    pub expires_at: Option<Timestamp>,
}

/// A group of the classic protocol, as it was when its last generation became stable or empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassicMetadata {
    /// Empty when nobody has joined yet.
    pub protocol_type: Arc<str>,
    pub generation: Epoch,
    pub protocol: Option<Arc<str>>,
    pub leader: Option<MemberId>,
    pub state_since: Option<Timestamp>,
    pub members: Vec<ClassicMemberMetadata>,
}

impl ClassicMetadata {
    /// A group that was of the consumer protocol, and has not assigned anew what those had who went: members without a
    /// leader. Kafka has such a record only of a group without members, and forgets to assign after a restart.
    pub(super) fn calls_for_rebalance(&self) -> bool {
        self.leader.is_none() && !self.members.is_empty()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassicMemberMetadata {
    pub member: MemberId,
    pub instance: Option<InstanceId>,
    pub client_id: Arc<str>,
    pub client_host: Arc<str>,
    pub rebalance_timeout_ms: u32,
    pub session_timeout_ms: u32,
    /// What the member said under the protocol that was chosen.
    pub subscription: Blob,
    pub assignment: Blob,
}

/// Version of a group of the consumer protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsumerMetadata {
    pub epoch: Epoch,
    /// Of the topics that the group is subscribed to; 0 when there are none. Another value means another assignment.
    pub metadata_hash: u64,
}

/// What a member of the consumer protocol has said about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberMetadata {
    pub instance: Option<InstanceId>,
    pub rack: Option<Arc<str>>,
    pub client_id: Arc<str>,
    pub client_host: Arc<str>,
    /// Sorted, none twice.
    pub topics: Vec<TopicName>,
    pub regex: Option<Arc<str>>,
    pub rebalance_timeout_ms: u32,
    pub assignor: Option<AssignorName>,
    /// Present while the member speaks the classic protocol.
    pub classic: Option<ClassicProtocols>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassicProtocols {
    pub session_timeout_ms: u32,
    pub protocols: Vec<Protocol>,
}

/// One way to assign that a classic member knows, and what it says for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protocol {
    pub name: Arc<str>,
    pub metadata: Blob,
}

/// The assignors of the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AssignorName {
    Uniform,
    Range,
}

impl AssignorName {
    pub const ALL: [Self; 2] = [Self::Uniform, Self::Range];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Range => "range",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|assignor| assignor.as_str() == text)
    }
}

/// What a member of the consumer protocol owns now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentAssignment {
    pub epoch: Epoch,
    /// A member whose last answer was lost comes with this one.
    pub previous_epoch: Epoch,
    pub state: MemberState,
    pub assigned: Partitions,
    /// The member must say that it has given these back before anyone else gets them.
    pub revoking: Partitions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MemberState {
    /// It has all that its epoch's target gives it.
    Stable,
    /// It has been told to give something back, and has not said that it did.
    Unrevoked,
    /// It waits for partitions that others have not given back.
    Unreleased,
}

/// The topics that a regular expression matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedRegex {
    /// Sorted, none twice.
    pub topics: Vec<TopicName>,
    /// Of the list of topics that it was matched against.
    pub version: u64,
    pub resolved_at: Timestamp,
}
