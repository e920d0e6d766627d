//! What may be asked of the metadata, and what is answered.

use base::{BrokerId, TopicId};

use super::{Incarnation, MetadataError, MetadataRecord, ProducerIdBlock, SettingsOwner, Topic};
use crate::settings::TopicDefaults;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A broker has started. Asked again with the same incarnation, nothing changes.
    RegisterBroker {
        broker: BrokerId,
        incarnation: Incarnation,
    },
    CreateTopic(CreateTopic),
    DeleteTopic {
        topic: TopicReference,
    },
    CreatePartitions(CreatePartitions),
    AlterSettings(AlterSettings),
    AlterOwnerSettings(AlterOwnerSettings),
    /// Rounded up to whole blocks of 1,000 ids.
    ReserveProducerIds {
        broker: BrokerId,
        count: u64,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateTopic {
    pub name: String,
    /// From the driver's randomness.
    pub topic_id: TopicId,
    pub partitions: NewPartitions,
    /// As on the wire, but -1 is `None`: the default, or the length of the assignment's lists.
    pub replication_factor: Option<i16>,
    /// A name without a value is refused, as Kafka does.
    pub settings: Vec<(String, Option<String>)>,
    /// Say what would happen, change nothing.
    pub validate_only: bool,
    pub defaults: CreationDefaults,
}

/// What a broker's configuration says about new topics that say nothing themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreationDefaults {
    pub partitions: u32,
    pub replication_factor: u16,
}

/// How many partitions a new topic has, or where each one goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewPartitions {
    /// `None` is the broker's default.
    Count(Option<u32>),
    /// Replicas of each partition by index, the preferred leader first.
    Assignment(Vec<Vec<BrokerId>>),
}

impl NewPartitions {
    /// Reads Kafka's two fields: a count, where -1 means the default, and lists of brokers by partition index.
    pub fn from_wire(count: i32, assignments: Vec<(i32, Vec<i32>)>) -> Result<Self, MetadataError> {
        if assignments.is_empty() {
            return match u32::try_from(count) {
                Ok(count @ 1..) => Ok(Self::Count(Some(count))),
                Err(_) if count == -1 => Ok(Self::Count(None)),
                _ => Err(MetadataError::InvalidPartitions {
                    reason: format!("a topic cannot have {count} partitions; -1 asks for the default"),
                }),
            };
        }
        if count != -1 {
            return Err(MetadataError::InvalidRequest {
                reason: "with an assignment of replicas the number of partitions must be -1".to_owned(),
            });
        }
        let mut sorted = assignments;
        sorted.sort_by_key(|(index, _)| *index);
        if !sorted.iter().zip(0..).all(|((index, _), expected)| *index == expected) {
            return Err(MetadataError::InvalidAssignment {
                reason: "an assignment needs each partition from 0 on exactly once".to_owned(),
            });
        }
        sorted
            .into_iter()
            .map(|(_, brokers)| replicas_from_wire(brokers))
            .collect::<Result<_, _>>()
            .map(Self::Assignment)
    }
}

/// Reads one list of replicas; broker ids are not negative.
pub fn replicas_from_wire(brokers: Vec<i32>) -> Result<Vec<BrokerId>, MetadataError> {
    brokers
        .into_iter()
        .map(|id| u32::try_from(id).map(BrokerId))
        .collect::<Result<_, _>>()
        .map_err(|_| MetadataError::InvalidAssignment { reason: "a broker's id cannot be negative".to_owned() })
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopicReference {
    Name(String),
    Id(TopicId),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatePartitions {
    pub name: String,
    /// Partitions that the topic shall have in all, as on the wire.
    pub total: i32,
    /// Replicas of the new partitions only; `None` lets the cluster choose.
    pub assignments: Option<Vec<Vec<BrokerId>>>,
    pub validate_only: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlterSettings {
    pub topic: TopicReference,
    /// Each name at most once.
    pub changes: Vec<SettingChange>,
    pub others: OtherSettings,
    pub validate_only: bool,
    /// What is in force where the topic says nothing: lists are added to that.
    pub defaults: TopicDefaults,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlterOwnerSettings {
    pub owner: SettingsOwner,
    /// Each name at most once.
    pub changes: Vec<OwnerChange>,
    pub others: OtherSettings,
    pub validate_only: bool,
    /// As for topics.
    pub defaults: TopicDefaults,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnerChange {
    /// Of a topic setting's default, by the broker's name for it.
    TopicDefault(SettingChange),
    /// Of a setting that is declared elsewhere, where the value was checked; `None` is back to the default.
    Checked { name: String, value: Option<String> },
}

/// What becomes of settings that a command does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherSettings {
    /// They stay, as with Kafka's `IncrementalAlterConfigs`.
    Stay,
    /// They go back to their defaults, as with Kafka's `AlterConfigs`.
    Reset,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingChange {
    pub name: String,
    pub operation: SettingOperation,
}

/// The operations of Kafka's `IncrementalAlterConfigs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingOperation {
    Set(String),
    /// Back to the default.
    Unset,
    /// Add to a list.
    Append(String),
    /// Take from a list.
    Subtract(String),
}

/// Records for the log, and the reply to send once they are committed and applied.
///
/// The records fit the state that they were decided on: apply them before the next decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Empty when nothing changes, or when only validation was asked for.
    pub records: Vec<MetadataRecord>,
    pub reply: Reply,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    BrokerRegistered,
    /// The topic as it is, or would be.
    TopicCreated(Topic),
    TopicDeleted {
        id: TopicId,
    },
    /// Partitions that the topic has in all.
    PartitionsCreated {
        total: u32,
    },
    SettingsAltered,
    ProducerIdsReserved(ProducerIdBlock),
}
