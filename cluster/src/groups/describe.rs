//! What groups look like from outside: `ListGroups`, `DescribeGroups`, `ConsumerGroupDescribe`.

use std::sync::Arc;

use super::classic::ClassicState;
use super::dispatch::Kind;
use super::embedded::CONSUMER;
use super::{
    AssignorName, Blob, ConsumerGroup, Coordinator, Epoch, GroupError, GroupId, InstanceId, MemberId, MemberState,
    Partitions,
};
use crate::metadata::TopicName;

/// Which protocol a group speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupType {
    Classic,
    Consumer,
}

/// How far a group is, in either protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupPhase {
    Empty,
    Stable,
    PreparingRebalance,
    CompletingRebalance,
    /// The next target is still to be made.
    Assigning,
    /// Members are on their way to the target.
    Reconciling,
    /// There is no such group.
    Dead,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedGroup {
    pub group: GroupId,
    pub protocol_type: Arc<str>,
    pub phase: GroupPhase,
    pub group_type: GroupType,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedClassicGroup {
    pub phase: GroupPhase,
    pub protocol_type: Arc<str>,
    /// Of a stable group; empty otherwise, as is what members say for it. Assignments are the last ones.
    pub protocol: Arc<str>,
    pub members: Vec<DescribedClassicMember>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedClassicMember {
    pub member: MemberId,
    pub instance: Option<InstanceId>,
    pub client_id: Arc<str>,
    pub client_host: Arc<str>,
    pub metadata: Blob,
    pub assignment: Blob,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedConsumerGroup {
    pub phase: GroupPhase,
    pub epoch: Epoch,
    pub target_epoch: Epoch,
    pub assignor: AssignorName,
    pub members: Vec<DescribedConsumerMember>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedConsumerMember {
    pub member: MemberId,
    pub instance: Option<InstanceId>,
    pub rack: Option<Arc<str>>,
    pub epoch: Epoch,
    pub client_id: Arc<str>,
    pub client_host: Arc<str>,
    pub topics: Vec<TopicName>,
    pub regex: Option<Arc<str>>,
    pub assigned: Partitions,
    pub target: Partitions,
    /// The protocol that the member speaks.
    pub speaks: GroupType,
}

impl Coordinator {
    /// All groups in the order of their names.
    pub fn list(&self) -> impl Iterator<Item = ListedGroup> {
        self.state.groups().map(|(id, _)| self.listed(id))
    }

    fn listed(&self, id: &GroupId) -> ListedGroup {
        let (protocol_type, phase, group_type) = match self.kind(id) {
            Kind::Consumer => {
                let phase = self.state.group(id).map_or(GroupPhase::Dead, |group| group.consumer().phase());
                (Arc::from(CONSUMER), phase, GroupType::Consumer)
            }
            Kind::Classic => {
                let group = &self.classic[id];
                let protocol_type = group.protocol_type().cloned().unwrap_or_default();
                (protocol_type, group.state().phase(), GroupType::Classic)
            }
            Kind::Absent | Kind::OffsetsOnly => (Arc::default(), GroupPhase::Empty, GroupType::Classic),
        };
        ListedGroup { group: id.clone(), protocol_type, phase, group_type }
    }

    /// One group of `DescribeGroups`. Versions before 6 say [`GroupPhase::Dead`] instead of the error.
    pub fn describe_classic(&self, id: &GroupId) -> Result<DescribedClassicGroup, GroupError> {
        let group = match self.kind(id) {
            Kind::Classic => &self.classic[id],
            Kind::OffsetsOnly => {
                let (phase, members) = (GroupPhase::Empty, Vec::new());
                let none = Arc::<str>::default();
                return Ok(DescribedClassicGroup { phase, protocol_type: none.clone(), protocol: none, members });
            }
            Kind::Absent | Kind::Consumer => return Err(GroupError::GroupIdNotFound),
        };
        let protocol = group.protocol().filter(|_| group.state() == ClassicState::Stable);
        let members = group.members().map(|(id, member)| DescribedClassicMember {
            member: id.clone(),
            instance: member.instance.clone(),
            client_id: member.client.id.clone(),
            client_host: member.client.host.clone(),
            metadata: member.metadata(protocol),
            assignment: member.assignment.clone(),
        });
        Ok(DescribedClassicGroup {
            phase: group.state().phase(),
            protocol_type: group.protocol_type().cloned().unwrap_or_default(),
            protocol: protocol.cloned().unwrap_or_default(),
            members: members.collect(),
        })
    }

    /// One group of `ConsumerGroupDescribe`.
    pub fn describe_consumer(&self, id: &GroupId) -> Result<DescribedConsumerGroup, GroupError> {
        if self.kind(id) != Kind::Consumer {
            return Err(GroupError::GroupIdNotFound);
        }
        let group = self.state.group(id).ok_or(GroupError::GroupIdNotFound)?.consumer();
        let members = group.members().map(|(id, metadata)| DescribedConsumerMember {
            member: id.clone(),
            instance: metadata.instance.clone(),
            rack: metadata.rack.clone(),
            epoch: group.member_epoch(id),
            client_id: metadata.client_id.clone(),
            client_host: metadata.client_host.clone(),
            topics: metadata.topics.clone(),
            regex: metadata.regex.clone(),
            assigned: group.current(id).map_or(Partitions::EMPTY, |current| current.assigned.clone()),
            target: group.target(id).map_or(Partitions::EMPTY, |target| (**target).clone()),
            speaks: if metadata.classic.is_some() { GroupType::Classic } else { GroupType::Consumer },
        });
        Ok(DescribedConsumerGroup {
            phase: group.phase(),
            epoch: group.epoch(),
            target_epoch: group.target_epoch(),
            assignor: group.preferred_assignor(self.settings.default_assignor),
            members: members.collect(),
        })
    }
}

impl ConsumerGroup {
    fn phase(&self) -> GroupPhase {
        let is_there = |member: &MemberId| {
            let current = self.current(member);
            current.is_some_and(|current| current.state == MemberState::Stable && current.epoch == self.target_epoch())
        };
        if self.member_count() == 0 {
            GroupPhase::Empty
        } else if self.epoch() != self.target_epoch() {
            GroupPhase::Assigning
        } else if self.members().all(|(member, _)| is_there(member)) {
            GroupPhase::Stable
        } else {
            GroupPhase::Reconciling
        }
    }
}

impl ClassicState {
    const fn phase(self) -> GroupPhase {
        match self {
            Self::Empty => GroupPhase::Empty,
            Self::Preparing => GroupPhase::PreparingRebalance,
            Self::Completing => GroupPhase::CompletingRebalance,
            Self::Stable => GroupPhase::Stable,
        }
    }
}

impl GroupPhase {
    const ALL: [Self; 7] = [
        Self::Empty,
        Self::Stable,
        Self::PreparingRebalance,
        Self::CompletingRebalance,
        Self::Assigning,
        Self::Reconciling,
        Self::Dead,
    ];

    /// Kafka's spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Stable => "Stable",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Assigning => "Assigning",
            Self::Reconciling => "Reconciling",
            Self::Dead => "Dead",
        }
    }

    /// In any case, as filters are written. A filter that is no phase matches no group.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.as_str().eq_ignore_ascii_case(text))
    }
}

impl GroupType {
    /// Kafka's spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Consumer => "consumer",
        }
    }

    /// In any case, as filters are written. A filter that is no type matches no group.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Classic, Self::Consumer].into_iter().find(|known| known.as_str().eq_ignore_ascii_case(text))
    }
}
