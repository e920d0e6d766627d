//! What a group answers.

use std::sync::Arc;

use super::{Blob, Epoch, GroupError, InstanceId, Leaver, MemberId, Partitions, Request, Token};

/// A reply and the request that it belongs to. It may be sent: whatever it depends on is flushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub token: Token,
    pub reply: Reply,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Join(Result<Joined, JoinRefused>),
    Sync(Result<Synced, GroupError>),
    Heartbeat(Result<(), GroupError>),
    /// One for each leaver, in their order.
    Leave(Result<Vec<Left>, GroupError>),
    ConsumerHeartbeat(Result<ConsumerHeartbeatReply, GroupError>),
    /// One for each offset, in their order.
    OffsetCommit(Result<Vec<Result<(), GroupError>>, GroupError>),
    /// One for each partition, in their order.
    OffsetDelete(Result<Vec<Result<(), GroupError>>, GroupError>),
    DeleteGroup(Result<(), GroupError>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    pub member: MemberId,
    pub generation: Epoch,
    pub protocol_type: Option<Arc<str>>,
    pub protocol: Option<Arc<str>>,
    /// A member that finds itself here assigns for all.
    pub leader: MemberId,
    /// For the leader only.
    pub members: Vec<JoinedMember>,
    pub skip_assignment: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedMember {
    pub member: MemberId,
    pub instance: Option<InstanceId>,
    pub metadata: Blob,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinRefused {
    pub error: GroupError,
    /// The id to come back with; empty for none.
    pub member: MemberId,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Synced {
    pub protocol_type: Option<Arc<str>>,
    pub protocol: Option<Arc<str>>,
    pub assignment: Blob,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    pub member: MemberId,
    pub instance: Option<InstanceId>,
    pub result: Result<(), GroupError>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerHeartbeatReply {
    pub member: MemberId,
    pub epoch: Epoch,
    pub heartbeat_interval_ms: u32,
    /// What the member may own from now on; `None` when it has not changed.
    pub assignment: Option<Partitions>,
}

impl Left {
    /// Of somebody that the group does not know.
    pub(super) fn unknown(leaver: &Leaver) -> Self {
        let result = Err(GroupError::UnknownMemberId);
        Self { member: leaver.member.clone(), instance: leaver.instance.clone(), result }
    }
}

impl Reply {
    /// The refusal of a request.
    pub(super) fn refusal(request: &Request, error: GroupError) -> Self {
        match request {
            Request::Join(request) => Self::join_refused(error, request.member.clone()),
            Request::Sync(_) => Self::Sync(Err(error)),
            Request::Heartbeat(_) => Self::Heartbeat(Err(error)),
            Request::Leave(_) => Self::Leave(Err(error)),
            Request::ConsumerHeartbeat(_) => Self::ConsumerHeartbeat(Err(error)),
            Request::OffsetCommit(_) => Self::OffsetCommit(Err(error)),
            Request::OffsetDelete(_) => Self::OffsetDelete(Err(error)),
            Request::DeleteGroup(_) => Self::DeleteGroup(Err(error)),
        }
    }

    /// The refusal to give instead of this reply, because what it says could not be made durable.
    pub(super) fn refused(self, error: GroupError) -> Self {
        match self {
            Self::Join(_) => Self::join_refused(error, MemberId::new("")),
            Self::Sync(_) => Self::Sync(Err(error)),
            Self::Heartbeat(_) => Self::Heartbeat(Err(error)),
            Self::Leave(_) => Self::Leave(Err(error)),
            Self::ConsumerHeartbeat(_) => Self::ConsumerHeartbeat(Err(error)),
            Self::OffsetCommit(_) => Self::OffsetCommit(Err(error)),
            Self::OffsetDelete(_) => Self::OffsetDelete(Err(error)),
            Self::DeleteGroup(_) => Self::DeleteGroup(Err(error)),
        }
    }

    pub(super) fn join_refused(error: GroupError, member: MemberId) -> Self {
        Self::Join(Err(JoinRefused { error, member }))
    }
}
