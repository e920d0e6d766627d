//! What happens to a producer, what it wants done, and what becomes of batches.

use std::time::Duration;

use base::{CoreId, Offset, PartitionId, ProducerEpoch, ProducerId, Timestamp, TopicId};
use bytes::Bytes;
use wire::native::{Acks, ProducedPartition, StageTimings};

use crate::machine::accumulator::{AccumulatorOptions, BatchId};
use crate::machine::backoff::BackoffOptions;
use crate::machine::refusal::{Fate, Refusal};
use crate::machine::route::{Destination, Routes};

/// How a producer sends.
#[derive(Clone, Copy, Debug)]
pub struct ProducerOptions {
    pub accumulator: AccumulatorOptions,
    pub acks: Acks,
    pub idempotence: Idempotence,
    /// Bytes of batches in one request, but always one whole batch.
    pub request_bytes_max: usize,
    /// Unanswered requests to one core.
    pub requests_in_flight_max: usize,
    /// Unanswered batches of one partition, [`crate::limits::PARTITION_BATCHES_IN_FLIGHT_MAX`] at most. Without
    /// idempotence one, because a repetition would overtake the batches after it.
    pub batches_in_flight_max: usize,
    /// From a batch's first record to its failure.
    pub delivery_timeout: Duration,
    pub retry: BackoffOptions,
}

/// Whether the broker can tell a repeated batch from a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idempotence {
    /// Each record is appended once, in order, whatever is sent twice.
    On,
    /// A record whose acknowledgement was lost is appended again.
    Off,
}

/// Under which name a producer numbers its batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerIdentity {
    pub id: ProducerId,
    pub epoch: ProducerEpoch,
}

/// One produce request of this producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// Whether any of a request can have reached the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    Perhaps,
    Never,
}

/// What has happened.
#[derive(Clone)]
pub enum ProducerEvent<'a> {
    /// Requests may be sent there.
    Connected {
        destination: Destination,
        requests_in_flight_max: usize,
        payload_bytes_max: usize,
    },
    /// The connection is gone. What was unanswered on it is reported as lost beside this.
    Disconnected {
        destination: Destination,
    },
    /// There is no connection, after a try and a pause.
    ConnectFailed {
        destination: Destination,
    },
    /// The broker has judged each batch.
    Answered {
        request: RequestId,
        partitions: &'a [ProducedPartition<'a>],
        timings: Option<StageTimings>,
    },
    /// The broker has refused the request as a whole.
    Refused {
        request: RequestId,
        refusal: Refusal,
    },
    /// There will be no answer.
    Lost {
        request: RequestId,
        sent: Sent,
    },
    /// A request that is not acknowledged has been handed to the kernel.
    Written {
        request: RequestId,
    },
    RoutesChanged(&'a dyn Routes),
    IdentityGiven(ProducerIdentity),
    IdentityRefused(Refusal),
    /// No answer to the wish for an identity.
    IdentityLost,
    /// All records that were appended so far are to leave without waiting for more.
    FlushRequested,
    /// The time that [`super::ProducerCore::next_wakeup`] named has come.
    TimePassed,
    /// Whatever is not done is given up.
    Aborted,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum ProducerAction {
    Connect(Destination),
    RequestIdentity,
    /// What is known of this topic's partitions is not true.
    RefreshMetadata(TopicId),
    /// The broker has passed a batch on to this core: what is known may be out of date.
    FoundElsewhere(PartitionId, CoreId),
    Send(ProduceCall),
    /// The partition's batch takes no more records: the next record without a key may as well go elsewhere.
    BatchClosed(PartitionId),
    Complete {
        batch: BatchId,
        outcome: Result<Delivered, DeliveryError>,
    },
}

/// A produce request.
#[derive(Clone, Debug)]
pub struct ProduceCall {
    pub request: RequestId,
    pub destination: Destination,
    pub acks: Acks,
    /// One batch for each partition.
    pub batches: Vec<(PartitionId, Bytes)>,
}

/// A batch that was acknowledged, or with acks 0 written to the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    pub partition: PartitionId,
    /// Offset of the batch's first record; those of the others follow. `None` without an acknowledgement, and for a
    /// repeated batch whose place the broker has forgotten.
    pub base_offset: Option<Offset>,
    /// Where the topic's records are stamped by the broker.
    pub log_append_time: Option<Timestamp>,
    /// Where the broker spent its time on the request.
    pub timings: Option<StageTimings>,
    /// From the batch's first record to its first departure.
    pub queued: Duration,
    /// From the last departure to the answer.
    pub answered: Duration,
}

/// Why a batch was not delivered. [`Self::fate`] says whether its records may be in the log all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// Sending the same again would not help.
    #[error("the broker refused the batch: {refusal}")]
    Refused { partition: PartitionId, refusal: Refusal, fate: Fate },
    #[error("not delivered within {limit:?}{}", last_refusal(.last))]
    TimedOut { partition: PartitionId, limit: Duration, fate: Fate, last: Option<Refusal> },
    /// The broker no longer knows what this producer sent, and an attempt to send this batch went unanswered. Sending it
    /// again could append it twice.
    #[error("the broker has lost track of this producer while an attempt to send the batch was unanswered")]
    InDoubt { partition: PartitionId },
    #[error("the broker gives this producer no identity: {refusal}")]
    NoIdentity { partition: PartitionId, refusal: Refusal },
    #[error("the topic was deleted")]
    TopicGone { partition: PartitionId, fate: Fate },
    #[error("the producer was closed before the batch was delivered")]
    Closed { partition: PartitionId, fate: Fate },
}

impl DeliveryError {
    pub fn partition(&self) -> PartitionId {
        match self {
            Self::Refused { partition, .. }
            | Self::TimedOut { partition, .. }
            | Self::InDoubt { partition }
            | Self::NoIdentity { partition, .. }
            | Self::TopicGone { partition, .. }
            | Self::Closed { partition, .. } => *partition,
        }
    }

    /// Whether the batch is known not to be in the log.
    pub fn fate(&self) -> Fate {
        match self {
            Self::Refused { fate, .. }
            | Self::TimedOut { fate, .. }
            | Self::TopicGone { fate, .. }
            | Self::Closed { fate, .. } => *fate,
            Self::InDoubt { .. } => Fate::Unknown,
            Self::NoIdentity { .. } => Fate::NotAppended,
        }
    }
}

fn last_refusal(last: &Option<Refusal>) -> String {
    last.as_ref().map_or_else(String::new, |refusal| format!("; the last answer was {refusal}"))
}
