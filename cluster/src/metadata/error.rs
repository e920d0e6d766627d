//! Why a command on the metadata is refused.

use base::{BrokerId, TopicId};

use super::{Incarnation, InvalidTopicName, TopicName};
use crate::settings::InvalidSetting;

/// Each variant is one of Kafka's error codes, named in its description; the sender of the command must act.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// `UNKNOWN_TOPIC_OR_PARTITION` (3).
    #[error("there is no topic {name:?}")]
    UnknownTopic { name: String },
    /// `INVALID_TOPIC_EXCEPTION` (17).
    #[error(transparent)]
    InvalidTopicName(#[from] InvalidTopicName),
    /// `INVALID_TOPIC_EXCEPTION` (17): metrics could not tell the two apart.
    #[error("{name} and the existing topic {existing} differ in '.' and '_' only")]
    TopicNameCollides { name: TopicName, existing: TopicName },
    /// `TOPIC_ALREADY_EXISTS` (36).
    #[error("topic {name} exists already")]
    TopicExists { name: TopicName },
    /// `INVALID_PARTITIONS` (37).
    #[error("{reason}")]
    InvalidPartitions { reason: String },
    /// `INVALID_REPLICATION_FACTOR` (38).
    #[error("{reason}")]
    InvalidReplicationFactor { reason: String },
    /// `INVALID_REPLICA_ASSIGNMENT` (39).
    #[error("{reason}")]
    InvalidAssignment { reason: String },
    /// `INVALID_CONFIG` (40).
    #[error(transparent)]
    InvalidSetting(#[from] InvalidSetting),
    /// `INVALID_REQUEST` (42).
    #[error("{reason}")]
    InvalidRequest { reason: String },
    /// `POLICY_VIOLATION` (44): a limit of the cluster is reached, and something must go before more can come.
    #[error("the cluster is at its limit of {limit} {what}")]
    LimitReached { what: &'static str, limit: usize },
    /// `STALE_BROKER_EPOCH` (77): the broker has been started again since.
    #[error("incarnation {got} of broker {broker} is older than {current}")]
    StaleIncarnation { broker: BrokerId, got: Incarnation, current: Incarnation },
    /// `UNKNOWN_TOPIC_ID` (100).
    #[error("there is no topic with the id {id}")]
    UnknownTopicId { id: TopicId },
    /// `BROKER_ID_NOT_REGISTERED` (102).
    #[error("broker {broker} is not registered")]
    UnknownBroker { broker: BrokerId },
}
