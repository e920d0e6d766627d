//! What happens to a consumer, and what it wants done.

use base::{CoreId, Offset, PartitionId, Timestamp, TopicId};
use bytes::Bytes;
use wire::native::{FetchData, FetchGrant, FetchOpen, FetchOpened, OffsetAnswer, OffsetQuery, StreamId};

use crate::machine::backoff::BackoffOptions;
use crate::machine::refusal::Refusal;
use crate::machine::route::{Destination, Routes};

/// How a consumer reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerOptions {
    /// Bytes of batches held or asked for, of all partitions together. Each gets an equal part, but at least
    /// [`crate::limits::PARTITION_BUFFER_BYTES_MIN`].
    pub buffer_bytes_max: usize,
    /// Of one partition.
    pub partition_buffer_bytes_max: usize,
    /// Bytes of batches in one frame, but always one whole batch.
    pub frame_bytes_max: usize,
    pub reset: ResetPolicy,
    pub checksums: Checksums,
    pub retry: BackoffOptions,
}

/// Where to go on when the log no longer has, or does not yet have, the wanted offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetPolicy {
    Earliest,
    Latest,
    /// Nowhere: it is an error.
    Fail,
}

/// Whether batches are compared with their checksums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksums {
    Verify,
    /// The network and the broker are believed.
    Trust,
}

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    Offset(Offset),
    /// The first record that there is.
    Earliest,
    /// The first record that is written from now on.
    Latest,
    /// The first record that is not older; where there is none, as [`Start::Latest`].
    Timestamp(Timestamp),
}

/// One request for offsets of this consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueryId(pub u64);

/// What has happened.
#[derive(Clone)]
pub enum ConsumerEvent<'a> {
    Connected {
        destination: Destination,
    },
    /// The connection is gone. Its streams and queries are reported as lost beside this.
    Disconnected {
        destination: Destination,
    },
    /// There is no connection, after a try and a pause.
    ConnectFailed {
        destination: Destination,
    },
    Opened {
        stream: StreamId,
        opened: FetchOpened,
    },
    OpenRefused {
        stream: StreamId,
        refusal: Refusal,
    },
    Data {
        stream: StreamId,
        data: FetchData,
        payload: Bytes,
    },
    /// `None` for a stream that we closed.
    Ended {
        stream: StreamId,
        refusal: Option<Refusal>,
    },
    /// The connection broke, or there was none.
    StreamLost {
        stream: StreamId,
    },
    OffsetsListed {
        query: QueryId,
        answers: &'a [OffsetAnswer],
    },
    OffsetsRefused {
        query: QueryId,
        refusal: Refusal,
    },
    OffsetsLost {
        query: QueryId,
    },
    RoutesChanged(&'a dyn Routes),
    /// The time that [`super::ConsumerCore::next_wakeup`] named has come.
    TimePassed,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsumerAction {
    Connect(Destination),
    /// What is known of this topic's partitions is not true.
    RefreshMetadata(TopicId),
    /// The broker reads from this core for another one: what is known may be out of date.
    FoundElsewhere(PartitionId, CoreId),
    ListOffsets {
        query: QueryId,
        destination: Destination,
        queries: Vec<OffsetQuery>,
    },
    OpenStream {
        destination: Destination,
        open: FetchOpen,
    },
    Grant {
        destination: Destination,
        grant: FetchGrant,
    },
    Close {
        destination: Destination,
        stream: StreamId,
    },
    /// The log did not have the wanted offset, and the consumer goes on elsewhere.
    Reset {
        partition: PartitionId,
        wanted: Offset,
        offset: Offset,
    },
    /// There are records, or an error, where there was nothing.
    Wake,
}

/// Why a partition gives no records at present.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConsumeError {
    /// Seek to go on.
    #[error("offset {offset} is not in the log, and the consumer is not told where to go on")]
    OutOfRange { partition: PartitionId, offset: Offset },
    #[error("the topic was deleted")]
    TopicGone { partition: PartitionId },
    /// It is tried again after a while.
    #[error("the broker refused: {refusal}")]
    Refused { partition: PartitionId, refusal: Refusal },
    /// The same offset is fetched again, in case the damage happened on the way.
    #[error("the data at offset {offset} is damaged: {what}")]
    Damaged { partition: PartitionId, offset: Offset, what: String },
    /// The stream is opened again.
    #[error("the broker broke the protocol at offset {offset}: {what}")]
    Protocol { partition: PartitionId, offset: Offset, what: &'static str },
}

impl ConsumeError {
    pub fn partition(&self) -> PartitionId {
        match self {
            Self::OutOfRange { partition, .. }
            | Self::TopicGone { partition }
            | Self::Refused { partition, .. }
            | Self::Damaged { partition, .. }
            | Self::Protocol { partition, .. } => *partition,
        }
    }
}
