//! What clients ask of a group.

use std::sync::Arc;

use base::{LeaderEpoch, Offset, PartitionIndex, Timestamp};

use super::{Blob, Epoch, GroupId, InstanceId, MemberId, Partitions, Protocol};
use crate::metadata::TopicName;

/// A request that may change a group. Reading ones are methods of the coordinator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    Join(JoinRequest),
    Sync(SyncRequest),
    Heartbeat(HeartbeatRequest),
    Leave(LeaveRequest),
    ConsumerHeartbeat(ConsumerHeartbeatRequest),
    OffsetCommit(OffsetCommitRequest),
    OffsetDelete(OffsetDeleteRequest),
    /// One group of a `DeleteGroups` request.
    DeleteGroup(GroupId),
}

impl Request {
    pub fn group(&self) -> &GroupId {
        match self {
            Self::Join(request) => &request.group,
            Self::Sync(request) => &request.group,
            Self::Heartbeat(request) => &request.group,
            Self::Leave(request) => &request.group,
            Self::ConsumerHeartbeat(request) => &request.group,
            Self::OffsetCommit(request) => &request.group,
            Self::OffsetDelete(request) => &request.group,
            Self::DeleteGroup(group) => group,
        }
    }
}

/// Who is asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    pub id: Arc<str>,
    pub host: Arc<str>,
}

/// `JoinGroup`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinRequest {
    pub group: GroupId,
    /// Empty when the client has none yet.
    pub member: MemberId,
    /// Unused by anybody: what the client becomes if it needs an id. The driver draws it: in Kafka the instance id or else
    /// the client id, a hyphen, and a UUID.
    pub new_member: MemberId,
    pub instance: Option<InstanceId>,
    pub client: Client,
    pub session_timeout_ms: u32,
    /// That of the session where the version of the request has none.
    pub rebalance_timeout_ms: u32,
    pub protocol_type: Arc<str>,
    /// The preferred one first.
    pub protocols: Vec<Protocol>,
    /// From version 4 on a new dynamic member is given its id before it may join.
    pub knows_member_id_required: bool,
    /// From version 9 on a leader that comes back can be told that its assignment stands.
    pub knows_skip_assignment: bool,
}

/// `SyncGroup`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncRequest {
    pub group: GroupId,
    pub member: MemberId,
    pub instance: Option<InstanceId>,
    pub generation: Epoch,
    pub protocol_type: Option<Arc<str>>,
    pub protocol: Option<Arc<str>>,
    /// By the leader for everybody.
    pub assignments: Vec<(MemberId, Blob)>,
}

/// `Heartbeat`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeartbeatRequest {
    pub group: GroupId,
    pub member: MemberId,
    pub instance: Option<InstanceId>,
    pub generation: Epoch,
}

/// `LeaveGroup`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaveRequest {
    pub group: GroupId,
    pub members: Vec<Leaver>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaver {
    /// Empty to remove whoever has the instance id.
    pub member: MemberId,
    pub instance: Option<InstanceId>,
}

/// `ConsumerGroupHeartbeat`. A field that is `None` has not changed since the last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerHeartbeatRequest {
    pub group: GroupId,
    pub member: MemberId,
    /// Unused by anybody: the id of a client that joins without one (version 0).
    pub new_member: MemberId,
    /// 0 to join, -1 to leave, -2 to leave for a while.
    pub epoch: Epoch,
    pub instance: Option<InstanceId>,
    pub rack: Option<Arc<str>>,
    pub rebalance_timeout_ms: Option<u32>,
    pub client: Client,
    pub topics: Option<Vec<TopicName>>,
    /// Empty to have none any more.
    pub regex: Option<Arc<str>>,
    pub assignor: Option<Arc<str>>,
    pub owned: Option<Partitions>,
}

/// `OffsetCommit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetCommitRequest {
    pub group: GroupId,
    /// Empty for a committer that is no member.
    pub member: MemberId,
    pub instance: Option<InstanceId>,
    /// [`Epoch::NONE`] for a committer that is no member.
    pub generation: Epoch,
    /// From version 9 on members of the consumer protocol may commit.
    pub knows_member_epoch: bool,
    pub expires_at: Option<Timestamp>,
    pub offsets: Vec<OffsetToCommit>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetToCommit {
    pub topic: TopicName,
    pub partition: PartitionIndex,
    /// `None` for one below zero, with which clients say that the group has no place to resume at.
    pub offset: Option<Offset>,
    pub leader_epoch: Option<LeaderEpoch>,
    pub metadata: Arc<str>,
}

/// `OffsetDelete`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetDeleteRequest {
    pub group: GroupId,
    pub partitions: Vec<(TopicName, PartitionIndex)>,
}
