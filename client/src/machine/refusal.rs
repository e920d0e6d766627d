//! What a broker's refusal means to the one who asked.

use std::fmt;
use std::sync::Arc;

use wire::ErrorCode;
use wire::native;

/// A broker has said no: Kafka's code, and the broker's words if it had any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    code: native::ErrorCode,
    message: Option<Arc<str>>,
}

impl Refusal {
    pub fn new(code: native::ErrorCode, message: Option<&str>) -> Self {
        Self { code, message: message.filter(|message| !message.is_empty()).map(Arc::from) }
    }

    /// The number that travelled.
    pub fn number(&self) -> i16 {
        self.code.0
    }

    /// `None` for a number that is newer than this client.
    pub fn code(&self) -> Option<ErrorCode> {
        ErrorCode::from_code(self.code.0)
    }

    /// What the broker said, for people.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    pub fn is(&self, code: ErrorCode) -> bool {
        self.code() == Some(code)
    }

    /// The same request may succeed when it is sent again.
    pub fn is_retriable(&self) -> bool {
        self.code().is_some_and(ErrorCode::is_retriable)
    }

    /// The topic, or the partition, is not there, or not known yet to the one who was asked.
    pub fn is_unknown_topic(&self) -> bool {
        self.is(ErrorCode::UnknownTopicOrPartition) || self.is(ErrorCode::UnknownTopicId)
    }

    /// The client knows something about the partition that is no longer true: where it is, or that it exists.
    pub fn is_about_routes(&self) -> bool {
        self.code().is_some_and(|code| ROUTES_CHANGED.contains(&code))
    }
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self::new(native::ErrorCode(code.code()), None)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code(), self.message()) {
            (Some(code), Some(message)) => write!(f, "{code}: {message}"),
            (Some(code), None) => write!(f, "{code}: {}", code.message()),
            (None, Some(message)) => write!(f, "error {}: {message}", self.code),
            (None, None) => write!(f, "error {}, which is newer than this client", self.code),
        }
    }
}

/// Kafka's clients refresh their metadata after these.
const ROUTES_CHANGED: [ErrorCode; 11] = [
    ErrorCode::UnknownTopicOrPartition,
    ErrorCode::LeaderNotAvailable,
    ErrorCode::NotLeaderOrFollower,
    ErrorCode::ReplicaNotAvailable,
    ErrorCode::NetworkException,
    ErrorCode::KafkaStorageError,
    ErrorCode::ListenerNotFound,
    ErrorCode::FencedLeaderEpoch,
    ErrorCode::UnknownLeaderEpoch,
    ErrorCode::UnknownTopicId,
    ErrorCode::InconsistentTopicId,
];

/// After these the batch may be in the log all the same.
const APPENDED_PERHAPS: [ErrorCode; 5] = [
    ErrorCode::UnknownServerError,
    ErrorCode::RequestTimedOut,
    ErrorCode::NetworkException,
    ErrorCode::NotEnoughReplicasAfterAppend,
    ErrorCode::KafkaStorageError,
];

/// What is known of a batch that was sent without success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// No attempt has put it into the log, and none that was made will.
    NotAppended,
    /// An attempt went unanswered, or was answered in a way that leaves it open.
    Unknown,
}

/// What a producer does about a batch that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Send it again after a while.
    Retry,
    /// Find out where the partition is now, then send it again.
    RefreshAndRetry,
    /// The broker misses the batches before it, or knows nothing of the producer.
    OutOfSequence,
    /// The broker has seen a later epoch of this producer.
    Fenced,
    /// It is in the log already, the broker has forgotten where.
    Duplicate,
    /// Sending it again would not help.
    GiveUp,
}

impl Refusal {
    /// What became of a batch that was refused like this, as far as this attempt goes.
    pub fn fate_of_batch(&self) -> Fate {
        match self.code() {
            Some(code) if !APPENDED_PERHAPS.contains(&code) => Fate::NotAppended,
            Some(_) | None => Fate::Unknown,
        }
    }

    pub fn reaction_of_producer(&self) -> Reaction {
        match self.code() {
            Some(ErrorCode::OutOfOrderSequenceNumber | ErrorCode::UnknownProducerId) => Reaction::OutOfSequence,
            Some(ErrorCode::InvalidProducerEpoch | ErrorCode::ProducerFenced) => Reaction::Fenced,
            Some(ErrorCode::DuplicateSequenceNumber) => Reaction::Duplicate,
            _ if self.is_about_routes() => Reaction::RefreshAndRetry,
            _ if self.is_retriable() => Reaction::Retry,
            _ => Reaction::GiveUp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_a_newer_broker_are_given_up_and_leave_the_batch_in_doubt() {
        let newer = Refusal::new(native::ErrorCode(999), None);
        assert_eq!((newer.reaction_of_producer(), newer.fate_of_batch()), (Reaction::GiveUp, Fate::Unknown));
        assert_eq!(newer.to_string(), "error 999, which is newer than this client");
        let worded = Refusal::new(native::ErrorCode(999), Some("no more room on the moon"));
        assert_eq!(worded.to_string(), "error 999: no more room on the moon");
    }

    #[test]
    fn what_asks_for_fresh_metadata_is_retriable() {
        for code in ROUTES_CHANGED {
            assert!(Refusal::from(code).is_retriable(), "{code}");
            assert_eq!(Refusal::from(code).reaction_of_producer(), Reaction::RefreshAndRetry);
        }
    }

    #[test]
    fn a_refusal_says_its_code_and_the_brokers_words() {
        let refusal = Refusal::new(native::ErrorCode(10), Some("2 MiB is too much"));
        assert_eq!(refusal.to_string(), "MESSAGE_TOO_LARGE (10): 2 MiB is too much");
        assert_eq!(
            Refusal::from(ErrorCode::MessageTooLarge).to_string(),
            "MESSAGE_TOO_LARGE (10): The batch is larger than the topic allows."
        );
        assert_eq!(refusal.reaction_of_producer(), Reaction::GiveUp);
        assert_eq!(refusal.fate_of_batch(), Fate::NotAppended);
    }
}
