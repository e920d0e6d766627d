//! What can go wrong with a broker, and what to do about it.

use std::io;

use wire::ErrorCode;
use wire::kafka::{ApiKey, DecodeError, EncodeError};

#[derive(Debug, thiserror::Error)]
pub(crate) enum KafkaError {
    #[error("no broker can be reached at {broker}: {source}; is it running, and is this its Kafka address (--broker)?")]
    Connect { broker: String, source: io::Error },
    /// What was asked may have been done all the same.
    #[error("the connection to broker {broker} is lost during {}: {source}", .api.name())]
    Lost { broker: String, api: ApiKey, source: io::Error },
    #[error(
        "{broker} does not answer as a Kafka broker does ({what}); give its Kafka address, or --door native for the native one"
    )]
    NotKafka { broker: String, what: String },
    #[error("broker {broker} serves {} in versions {theirs}, and {ours} are known here", .api.name())]
    Version { broker: String, api: ApiKey, theirs: String, ours: String },
    #[error("the answer of broker {broker} to {} makes no sense: {what}", .api.name())]
    Answer { broker: String, api: ApiKey, what: String },
    #[error("broker {broker} refused {}{}: {}", .api.name(), about(.topic.as_deref(), *.partition), refusal(*.code, .message.as_deref(), .topic.as_deref()))]
    Refused {
        broker: String,
        api: ApiKey,
        topic: Option<String>,
        partition: Option<i32>,
        code: i16,
        message: Option<String>,
    },
    #[error("broker {broker} refused {}{}: {}", .api.name(), about_group(.group.as_deref()), group_refusal(*.code, .message.as_deref(), .group.as_deref()))]
    Group { broker: String, api: ApiKey, group: Option<String>, code: i16, message: Option<String> },
    #[error("partition {partition} of topic {topic:?} has no leader: {why}")]
    NoLeader { topic: String, partition: i32, why: String },
    #[error("topic {topic:?} has no partition {partition}: it has {partitions}, counted from 0")]
    NoPartition { topic: String, partition: u32, partitions: usize },
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl KafkaError {
    pub(crate) fn answer(broker: &str, api: ApiKey, error: &DecodeError) -> Self {
        Self::Answer { broker: broker.to_owned(), api, what: error.to_string() }
    }

    /// The same may succeed in a moment, on another connection or with newer metadata.
    pub(crate) fn is_retriable(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Lost { .. } | Self::NoLeader { .. } => true,
            Self::Refused { code, .. } | Self::Group { code, .. } => {
                ErrorCode::from_code(*code).is_some_and(ErrorCode::is_retriable)
            }
            Self::NotKafka { .. }
            | Self::Version { .. }
            | Self::Answer { .. }
            | Self::NoPartition { .. }
            | Self::Encode(_) => false,
        }
    }

    pub(crate) fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { code, .. } | Self::Group { code, .. } => ErrorCode::from_code(*code),
            _ => None,
        }
    }
}

fn about(topic: Option<&str>, partition: Option<i32>) -> String {
    match (topic, partition) {
        (Some(topic), Some(partition)) => format!(" for partition {partition} of topic {topic:?}"),
        (Some(topic), None) => format!(" for topic {topic:?}"),
        (None, _) => String::new(),
    }
}

fn about_group(group: Option<&str>) -> String {
    group.map_or_else(String::new, |group| format!(" for group {group:?}"))
}

/// The same for a group.
fn group_refusal(code: i16, message: Option<&str>, group: Option<&str>) -> String {
    let Some(known) = ErrorCode::from_code(code) else { return format!("error {code}") };
    let said = message.filter(|message| !message.is_empty()).unwrap_or(known.message());
    let advice = match (known, group) {
        (ErrorCode::NonEmptyGroup | ErrorCode::UnknownMemberId | ErrorCode::IllegalGeneration, Some(group)) => {
            format!(
                " It has members, who are to be stopped first: `corelane group describe {group} --members` shows them."
            )
        }
        (ErrorCode::GroupIdNotFound, _) => " `corelane group list` shows the groups that there are.".to_owned(),
        _ => String::new(),
    };
    format!("{known}: {said}{advice}")
}

/// Kafka's name for the error, what the broker says of it, and what to do.
fn refusal(code: i16, message: Option<&str>, topic: Option<&str>) -> String {
    let Some(known) = ErrorCode::from_code(code) else { return format!("error {code}") };
    let said = message.filter(|message| !message.is_empty()).unwrap_or(known.message());
    let advice = match (known, topic) {
        (ErrorCode::UnknownTopicOrPartition, Some(topic)) => {
            format!(" Create it with `corelane topic create {topic}`, or look for its name with `corelane topic list`.")
        }
        (ErrorCode::MessageTooLarge, _) => {
            " Use a smaller --batch-bytes, or allow larger ones by the topic's max.message.bytes.".to_owned()
        }
        (ErrorCode::OffsetOutOfRange, Some(topic)) => {
            format!(" `corelane topic describe {topic}` shows the offsets that there are.")
        }
        _ => String::new(),
    };
    format!("{known}: {said}{advice}")
}
