//! What can go wrong, with whom, about what, and what to do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base::PartitionIndex;
use wire::native::ApiKey;

use crate::config::ConfigError;
use crate::machine::accumulator::RecordRefused;
use crate::machine::connection::ConnectionError;
use crate::machine::consumer::ConsumeError;
use crate::machine::metadata::Address;
use crate::machine::producer::DeliveryError;
use crate::machine::refusal::Refusal;

/// Why an operation of the client failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClientError {
    /// Correct the setting.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Check that a broker runs there, and that nothing is in the way.
    #[error("none of the brokers {} can be used; the last attempt says: {last}", list(.tried))]
    NoBroker { tried: Vec<SocketAddr>, last: Arc<ConnectionError> },
    /// What was asked may have been done all the same.
    #[error("broker {broker} failed while it was asked for {api:?}: {error}")]
    Connection { broker: Address, api: ApiKey, error: Arc<ConnectionError> },
    /// The refusal says what to do.
    #[error("broker {broker} refused {api:?}{}: {refusal}", about(.topic))]
    Refused { broker: Address, api: ApiKey, topic: Option<Arc<str>>, refusal: Refusal },
    /// Create the topic, or correct its name.
    #[error("there is no topic {topic:?}: create it first, or correct the name")]
    UnknownTopic { topic: Arc<str> },
    /// Try again in a moment, or use [`send`](crate::Producer::send), which waits.
    #[error("where topic {topic:?} is has been asked, and not answered yet")]
    TopicAwaited { topic: Arc<str> },
    /// Correct the partition, or add partitions to the topic.
    #[error("topic {topic:?} has no partition {partition}: it has {partitions}, counted from 0")]
    NoSuchPartition { topic: Arc<str>, partition: PartitionIndex, partitions: u32 },
    /// Make it smaller, allow larger ones, or wait.
    #[error("topic {topic:?}: {refused}")]
    Record { topic: Arc<str>, refused: RecordRefused },
    /// [`DeliveryError::fate`] says whether the record may be in the log.
    #[error("a record for partition {partition} of topic {topic:?} was not delivered: {error}")]
    Delivery { topic: Arc<str>, partition: PartitionIndex, error: DeliveryError },
    /// The error says whether it passes by itself.
    #[error("partition {partition} of topic {topic:?} cannot be read: {error}")]
    Consume { topic: Arc<str>, partition: PartitionIndex, error: ConsumeError },
    /// Try again later, or allow more time.
    #[error("{what} took longer than {limit:?}{}", because(.last))]
    TimedOut { what: String, limit: Duration, last: Option<Arc<ClientError>> },
    /// Assign the partition first.
    #[error("partition {partition} of topic {topic:?} is not assigned to this consumer")]
    NotAssigned { topic: Arc<str>, partition: PartitionIndex },
    /// It was closed by this program.
    #[error("the {what} is closed")]
    Closed { what: &'static str },
}

impl ClientError {
    /// The same operation may succeed if it is tried again.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::NoBroker { .. } | Self::Connection { .. } | Self::TopicAwaited { .. } | Self::TimedOut { .. } => true,
            Self::Refused { refusal, .. } => refusal.is_retriable(),
            Self::Record { refused, .. } => matches!(refused, RecordRefused::BufferFull { .. }),
            Self::Consume { error, .. } => matches!(
                error,
                ConsumeError::Damaged { .. } | ConsumeError::Protocol { .. } | ConsumeError::Refused { .. }
            ),
            Self::Config(_)
            | Self::UnknownTopic { .. }
            | Self::NoSuchPartition { .. }
            | Self::Delivery { .. }
            | Self::NotAssigned { .. }
            | Self::Closed { .. } => false,
        }
    }
}

fn list(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn about(topic: &Option<Arc<str>>) -> String {
    topic.as_ref().map_or_else(String::new, |topic| format!(" for topic {topic:?}"))
}

fn because(last: &Option<Arc<ClientError>>) -> String {
    last.as_ref().map_or_else(String::new, |last| format!("; the last attempt says: {last}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_who_and_what() {
        let broker = Address::Socket("192.0.2.1:9".parse().unwrap());
        let refusal = Refusal::from(wire::ErrorCode::TopicAlreadyExists);
        let error = ClientError::Refused { broker, api: ApiKey::CreateTopics, topic: Some("logs".into()), refusal };
        assert_eq!(
            error.to_string(),
            "broker 192.0.2.1:9 refused CreateTopics for topic \"logs\": TOPIC_ALREADY_EXISTS (36): A topic of this name exists."
        );
        let tried = vec!["192.0.2.1:9".parse().unwrap(), "192.0.2.2:9".parse().unwrap()];
        let error = ClientError::NoBroker { tried, last: Arc::new(ConnectionError::Closed) };
        assert_eq!(
            error.to_string(),
            "none of the brokers 192.0.2.1:9, 192.0.2.2:9 can be used; the last attempt says: the broker closed the connection"
        );
        assert!(error.is_retriable());
    }
}
