//! Why a request to a group is refused.

use super::Epoch;

/// Each variant is one of Kafka's error codes, named in its description; the client must act.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// `UNKNOWN_SERVER_ERROR` (-1).
    #[error("{reason}")]
    UnknownServerError { reason: &'static str },
    /// `OFFSET_METADATA_TOO_LARGE` (12).
    #[error("the metadata of a committed offset has {bytes} bytes, above the limit of {limit}")]
    OffsetMetadataTooLarge { bytes: usize, limit: usize },
    /// `COORDINATOR_NOT_AVAILABLE` (15): the same request may succeed a little later.
    #[error("the coordinator cannot take the request now: {reason}")]
    CoordinatorNotAvailable { reason: &'static str },
    /// `NOT_COORDINATOR` (16): another broker coordinates the group.
    #[error("this broker does not coordinate the group any more")]
    NotCoordinator,
    /// `ILLEGAL_GENERATION` (22).
    #[error("generation {got} is not the group's, which is {current}")]
    IllegalGeneration { got: Epoch, current: Epoch },
    /// `INCONSISTENT_GROUP_PROTOCOL` (23).
    #[error("the group and the member have no protocol in common")]
    InconsistentGroupProtocol,
    /// `INVALID_GROUP_ID` (24).
    #[error("a group must have a name")]
    InvalidGroupId,
    /// `UNKNOWN_MEMBER_ID` (25): the member joins again, with a new id.
    #[error("the group has no such member")]
    UnknownMemberId,
    /// `INVALID_SESSION_TIMEOUT` (26).
    #[error("a session timeout of {got} ms; from {min} to {max} is possible")]
    InvalidSessionTimeout { got: u32, min: u32, max: u32 },
    /// `REBALANCE_IN_PROGRESS` (27): the member joins again.
    #[error("the group is rebalancing, so the member must join again")]
    RebalanceInProgress,
    /// `UNSUPPORTED_VERSION` (35).
    #[error("{reason}")]
    UnsupportedVersion { reason: &'static str },
    /// `INVALID_REQUEST` (42).
    #[error("{reason}")]
    InvalidRequest { reason: &'static str },
    /// `POLICY_VIOLATION` (44): the group is too large, and will be when it is tried again.
    #[error("the limit of {limit} {what} is reached")]
    LimitReached { what: &'static str, limit: usize },
    /// `COORDINATOR_NOT_AVAILABLE` (15): something must go before more can come. Clients try again.
    #[error("the coordinator has no room for more: it is at its limit of {limit} {what}")]
    CoordinatorFull { what: &'static str, limit: usize },
    /// `NON_EMPTY_GROUP` (68).
    #[error("the group has members")]
    NonEmptyGroup,
    /// `GROUP_ID_NOT_FOUND` (69).
    #[error("there is no such group")]
    GroupIdNotFound,
    /// `MEMBER_ID_REQUIRED` (79): the member joins again with the id that comes with this.
    #[error("the member must join with the id that it has been given")]
    MemberIdRequired,
    /// `GROUP_MAX_SIZE_REACHED` (81).
    #[error("the group has {limit} members already")]
    GroupMaxSizeReached { limit: usize },
    /// `FENCED_INSTANCE_ID` (82): another process has come under the same instance id.
    #[error("the instance id belongs to another member now")]
    FencedInstanceId,
    /// `GROUP_SUBSCRIBED_TO_TOPIC` (86).
    #[error("the group is subscribed to the topic")]
    GroupSubscribedToTopic,
    /// `FENCED_MEMBER_EPOCH` (110): the member gives up its partitions and joins again.
    #[error("member epoch {got} is not the member's, which is {current}")]
    FencedMemberEpoch { got: Epoch, current: Epoch },
    /// `UNRELEASED_INSTANCE_ID` (111): the earlier process has not left yet.
    #[error("the instance id is still in use by another member")]
    UnreleasedInstanceId,
    /// `UNSUPPORTED_ASSIGNOR` (112).
    #[error("there is no such assignor; \"uniform\" and \"range\" exist")]
    UnsupportedAssignor,
    /// `STALE_MEMBER_EPOCH` (113): the member takes its new epoch from its next heartbeat and retries.
    #[error("member epoch {got} is not the member's, which is {current}")]
    StaleMemberEpoch { got: Epoch, current: Epoch },
    /// `INVALID_REGULAR_EXPRESSION` (128).
    #[error("the regular expression of the subscription is not valid: {reason}")]
    InvalidRegularExpression { reason: String },
}

/// Why records could not be appended, as far as a client of a group can tell the difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppendFailure {
    /// Too few replicas, a timeout, a full disk: retry.
    Unavailable,
    /// The log was lost to another leader, or to a bad disk.
    NotCoordinator,
    /// The batch is larger than the log takes.
    TooLarge,
}

impl From<AppendFailure> for GroupError {
    fn from(failure: AppendFailure) -> Self {
        match failure {
            AppendFailure::Unavailable => Self::CoordinatorNotAvailable { reason: "the group's log takes no records" },
            AppendFailure::NotCoordinator => Self::NotCoordinator,
            AppendFailure::TooLarge => {
                Self::UnknownServerError { reason: "the group's record is too large for its log" }
            }
        }
    }
}
