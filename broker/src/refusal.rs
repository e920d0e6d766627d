//! The one table from errors to the codes that clients get.

use cluster::groups::GroupError;
use cluster::metadata::MetadataError;
use cluster::producers::ProducerError;
use shard::{AppendError, DepartureError, ReadError, TrimError};
use wire::ErrorCode;
use wire::batch::BatchError;

/// Why a request, or one partition of it, is refused. Travels between cores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode,
    pub(crate) message: Option<String>,
    /// Records of the batch that are at fault (KIP-467).
    pub(crate) records: Vec<(u32, String)>,
}

impl Refusal {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: Some(message.into()), records: Vec::new() }
    }

    pub(crate) fn text(&self) -> &str {
        self.message.as_deref().unwrap_or_else(|| self.code.message())
    }
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self { code, message: None, records: Vec::new() }
    }
}

impl From<AppendError> for Refusal {
    fn from(error: AppendError) -> Self {
        let code = match &error {
            AppendError::UnknownPartition(_) | AppendError::Leaving(_) => ErrorCode::NotLeaderOrFollower,
            AppendError::TooLarge { .. } => ErrorCode::RecordListTooLarge,
            // Retriable, and clients refresh their metadata, which does no harm.
            AppendError::NoSpace | AppendError::Poisoned(_) => ErrorCode::KafkaStorageError,
            AppendError::Overloaded { .. } => ErrorCode::RequestTimedOut,
            AppendError::Closing => ErrorCode::NotLeaderOrFollower,
        };
        Self::new(code, error.to_string())
    }
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        let code = match &error {
            ReadError::UnknownPartition(_) => ErrorCode::NotLeaderOrFollower,
            ReadError::OutOfRange { .. } => ErrorCode::OffsetOutOfRange,
            ReadError::Damaged { .. } | ReadError::Disk(_) => ErrorCode::KafkaStorageError,
        };
        Self::new(code, error.to_string())
    }
}

impl From<TrimError> for Refusal {
    fn from(error: TrimError) -> Self {
        match error {
            TrimError::OutOfRange { .. } => Self::new(ErrorCode::OffsetOutOfRange, error.to_string()),
            TrimError::Refused(error) => error.into(),
        }
    }
}

impl From<DepartureError> for Refusal {
    fn from(error: DepartureError) -> Self {
        let code = match &error {
            DepartureError::UnknownPartition(_) => ErrorCode::UnknownTopicOrPartition,
            DepartureError::Leaving(_) => ErrorCode::ReassignmentInProgress,
            DepartureError::Poisoned(_) | DepartureError::NoSpace => ErrorCode::KafkaStorageError,
            DepartureError::TooSlow { .. } => ErrorCode::RequestTimedOut,
            DepartureError::Closing => ErrorCode::BrokerNotAvailable,
        };
        Self::new(code, error.to_string())
    }
}

impl From<ProducerError> for Refusal {
    fn from(error: ProducerError) -> Self {
        let code = match &error {
            ProducerError::OutOfOrder { .. } => ErrorCode::OutOfOrderSequenceNumber,
            ProducerError::Duplicate { .. } => ErrorCode::DuplicateSequenceNumber,
            ProducerError::OldEpoch { .. } => ErrorCode::InvalidProducerEpoch,
            ProducerError::TransactionOpen { .. } => ErrorCode::InvalidTxnState,
            ProducerError::TooManyTransactions { .. } => ErrorCode::ThrottlingQuotaExceeded,
        };
        Self::new(code, error.to_string())
    }
}

impl From<MetadataError> for Refusal {
    fn from(error: MetadataError) -> Self {
        let code = match &error {
            MetadataError::UnknownTopic { .. } => ErrorCode::UnknownTopicOrPartition,
            MetadataError::InvalidTopicName(_) | MetadataError::TopicNameCollides { .. } => {
                ErrorCode::InvalidTopicException
            }
            MetadataError::TopicExists { .. } => ErrorCode::TopicAlreadyExists,
            MetadataError::InvalidPartitions { .. } => ErrorCode::InvalidPartitions,
            MetadataError::InvalidReplicationFactor { .. } => ErrorCode::InvalidReplicationFactor,
            MetadataError::InvalidAssignment { .. } => ErrorCode::InvalidReplicaAssignment,
            MetadataError::InvalidSetting(_) => ErrorCode::InvalidConfig,
            MetadataError::InvalidRequest { .. } => ErrorCode::InvalidRequest,
            MetadataError::LimitReached { .. } => ErrorCode::PolicyViolation,
            MetadataError::StaleIncarnation { .. } => ErrorCode::StaleBrokerEpoch,
            MetadataError::UnknownTopicId { .. } => ErrorCode::UnknownTopicId,
            MetadataError::UnknownBroker { .. } => ErrorCode::BrokerIdNotRegistered,
        };
        Self::new(code, error.to_string())
    }
}

impl From<&GroupError> for Refusal {
    fn from(error: &GroupError) -> Self {
        let code = match error {
            GroupError::UnknownServerError { .. } => ErrorCode::UnknownServerError,
            GroupError::OffsetMetadataTooLarge { .. } => ErrorCode::OffsetMetadataTooLarge,
            GroupError::CoordinatorNotAvailable { .. } | GroupError::CoordinatorFull { .. } => {
                ErrorCode::CoordinatorNotAvailable
            }
            GroupError::NotCoordinator => ErrorCode::NotCoordinator,
            GroupError::IllegalGeneration { .. } => ErrorCode::IllegalGeneration,
            GroupError::InconsistentGroupProtocol => ErrorCode::InconsistentGroupProtocol,
            GroupError::InvalidGroupId => ErrorCode::InvalidGroupId,
            GroupError::UnknownMemberId => ErrorCode::UnknownMemberId,
            GroupError::InvalidSessionTimeout { .. } => ErrorCode::InvalidSessionTimeout,
            GroupError::RebalanceInProgress => ErrorCode::RebalanceInProgress,
            GroupError::UnsupportedVersion { .. } => ErrorCode::UnsupportedVersion,
            GroupError::InvalidRequest { .. } => ErrorCode::InvalidRequest,
            GroupError::LimitReached { .. } => ErrorCode::PolicyViolation,
            GroupError::NonEmptyGroup => ErrorCode::NonEmptyGroup,
            GroupError::GroupIdNotFound => ErrorCode::GroupIdNotFound,
            GroupError::MemberIdRequired => ErrorCode::MemberIdRequired,
            GroupError::GroupMaxSizeReached { .. } => ErrorCode::GroupMaxSizeReached,
            GroupError::FencedInstanceId => ErrorCode::FencedInstanceId,
            GroupError::GroupSubscribedToTopic => ErrorCode::GroupSubscribedToTopic,
            GroupError::FencedMemberEpoch { .. } => ErrorCode::FencedMemberEpoch,
            GroupError::UnreleasedInstanceId => ErrorCode::UnreleasedInstanceId,
            GroupError::UnsupportedAssignor => ErrorCode::UnsupportedAssignor,
            GroupError::StaleMemberEpoch { .. } => ErrorCode::StaleMemberEpoch,
            GroupError::InvalidRegularExpression { .. } => ErrorCode::InvalidRegularExpression,
        };
        Self::new(code, error.to_string())
    }
}

impl From<GroupError> for Refusal {
    fn from(error: GroupError) -> Self {
        Self::from(&error)
    }
}

impl From<&BatchError> for Refusal {
    fn from(error: &BatchError) -> Self {
        let records = error.record_errors().iter().map(|record| (record.batch_index, record.reason.to_string()));
        Self { code: error.code(), message: Some(error.to_string()), records: records.collect() }
    }
}
