//! What can be wrong with a batch, and the error code that says so to a Kafka client.

use std::fmt;

use crate::compress::DecompressError;
use crate::error_code::ErrorCode;
use crate::varint::VarintError;

/// Why bytes are not a batch, or not one that may be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    #[error("a batch of {needed} bytes is cut off after {available}")]
    Truncated { needed: usize, available: usize },
    #[error("no batch is {claimed} bytes long")]
    Size { claimed: i64 },
    #[error("magic {magic} is no record format")]
    UnknownMagic { magic: i8 },
    #[error("records of magic {magic} are too old: send record batches of magic 2")]
    LegacyMagic { magic: i8 },
    #[error("there is no whole batch")]
    NoBatch,
    #[error("there is more than one batch for a partition")]
    SeveralBatches,
    #[error("codec {bits} does not exist")]
    UnknownCodec { bits: u8 },
    #[error("zstd needs version 7 of the produce API, not {produce_version}")]
    ZstdTooEarly { produce_version: i16 },
    #[error("base offset {got} is not acceptable")]
    BaseOffset { got: i64 },
    #[error("the batch has {size} bytes, the topic allows {max}")]
    TooLarge { size: usize, max: usize },
    #[error("the batch has {size} bytes, a segment holds {max}")]
    LargerThanSegment { size: usize, max: usize },
    #[error("the bytes have checksum {computed:#010x}, the batch says {stored:#010x}")]
    Checksum { stored: u32, computed: u32 },
    #[error("last offset delta {last_offset_delta} is not acceptable")]
    LastOffsetDelta { last_offset_delta: i32 },
    #[error("{count} records do not go with last offset delta {last_offset_delta}")]
    RecordCount { count: i32, last_offset_delta: i32 },
    #[error("{count} records do not fit into {bytes} bytes")]
    RecordsPacked { count: u32, bytes: usize },
    #[error("only the broker writes control records")]
    ControlFromClient,
    #[error("producer {producer_id} sent epoch {epoch}")]
    ProducerEpoch { producer_id: i64, epoch: i16 },
    #[error("producer {producer_id} sent sequence {sequence}")]
    Sequence { producer_id: i64, sequence: i32 },
    #[error("record {index} is malformed at byte {at} of the records: {damage}")]
    Record { index: u32, at: usize, damage: RecordDamage },
    #[error("{bytes} bytes follow the last record")]
    Leftover { bytes: usize },
    #[error("the batch's timestamp {got} is not within [{earliest}, {latest}]")]
    Timestamp { got: i64, earliest: i64, latest: i64 },
    #[error(transparent)]
    Records(#[from] RecordErrors),
    #[error(transparent)]
    Decompress(#[from] DecompressError),
}

impl BatchError {
    /// What Kafka's broker answers in the same case.
    ///
    /// Kafka answers UNKNOWN_SERVER_ERROR where it trips over its own code: a codec that does not exist, records that
    /// don't decompress, a length near 2^31. Here these have the code that says what is wrong.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Truncated { .. } | Self::Size { .. } | Self::UnknownMagic { .. } | Self::Checksum { .. } => {
                ErrorCode::CorruptMessage
            }
            Self::UnknownCodec { .. } | Self::ZstdTooEarly { .. } => ErrorCode::UnsupportedCompressionType,
            Self::TooLarge { .. } => ErrorCode::MessageTooLarge,
            Self::LargerThanSegment { .. } => ErrorCode::RecordListTooLarge,
            Self::Timestamp { .. } => ErrorCode::InvalidTimestamp,
            Self::Records(errors) => errors.code(),
            Self::Decompress(DecompressError::OverBudget { .. }) => ErrorCode::MessageTooLarge,
            Self::LegacyMagic { .. }
            | Self::NoBatch
            | Self::SeveralBatches
            | Self::BaseOffset { .. }
            | Self::LastOffsetDelta { .. }
            | Self::RecordCount { .. }
            | Self::RecordsPacked { .. }
            | Self::ControlFromClient
            | Self::ProducerEpoch { .. }
            | Self::Sequence { .. }
            | Self::Record { .. }
            | Self::Leftover { .. }
            | Self::Decompress(DecompressError::Damaged { .. }) => ErrorCode::InvalidRecord,
        }
    }

    /// The records that are to blame, where single ones are (KIP-467); their text is the error's.
    pub fn record_errors(&self) -> &[RecordError] {
        match self {
            Self::Records(errors) => &errors.listed,
            _ => &[],
        }
    }
}

/// What is wrong inside one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordDamage {
    #[error("{0}")]
    Number(#[from] VarintError),
    #[error("a length of {claimed} goes beyond the {available} bytes left")]
    Length { claimed: i32, available: usize },
    #[error("it has {count} headers in {available} bytes")]
    HeaderCount { count: i32, available: usize },
    #[error("a header's key has length {0}")]
    HeaderKey(i32),
    #[error("{0} bytes follow its last header")]
    Leftover(usize),
    #[error("offset delta {0} lies outside the batch")]
    OffsetDelta(i32),
}

/// Single records that broke a rule of the topic. The whole batch is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordErrors {
    /// In the order of the batch; the first [`RecordErrors::LISTED_MAX`] of them.
    listed: Vec<RecordError>,
    count: u32,
    has_invalid_timestamp: bool,
}

impl RecordErrors {
    /// A response names this many bad records at most; beyond that, clients treat a record as one of a bad batch.
    pub const LISTED_MAX: usize = 1_024;

    pub(super) fn new() -> Self {
        Self { listed: Vec::new(), count: 0, has_invalid_timestamp: false }
    }

    /// The first `count` records of a batch, all for one reason.
    pub(super) fn all(count: u32, reason: RecordErrorReason) -> Self {
        let listed = (0..count).take(Self::LISTED_MAX).map(|batch_index| RecordError { batch_index, reason }).collect();
        Self { listed, count, has_invalid_timestamp: reason.is_timestamp() }
    }

    pub(super) fn push(&mut self, error: RecordError) {
        self.has_invalid_timestamp |= error.reason.is_timestamp();
        self.count += 1;
        if self.listed.len() < Self::LISTED_MAX {
            self.listed.push(error);
        }
    }

    pub(super) fn into_result(self) -> Result<(), Self> {
        if self.count == 0 { Ok(()) } else { Err(self) }
    }

    /// How many records broke a rule, listed or not.
    pub fn count(&self) -> u32 {
        self.count
    }

    fn code(&self) -> ErrorCode {
        if self.has_invalid_timestamp { ErrorCode::InvalidTimestamp } else { ErrorCode::InvalidRecord }
    }
}

impl std::error::Error for RecordErrors {}

impl fmt::Display for RecordErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of the records are not acceptable", self.count)?;
        for (index, error) in self.listed.iter().take(3).enumerate() {
            write!(f, "{} record {}: {error}", if index == 0 { ":" } else { ";" }, error.batch_index)?;
        }
        Ok(())
    }
}

/// One record that broke a rule; its text is the message for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct RecordError {
    /// Position of the record in its batch, from 0.
    pub batch_index: u32,
    pub reason: RecordErrorReason,
}

/// The rule that a record broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordErrorReason {
    #[error("a compacted topic needs a key in every record")]
    KeyMissing,
    #[error("timestamp {got} is not within [{earliest}, {latest}]")]
    TimestampOutOfRange { got: i64, earliest: i64, latest: i64 },
    #[error("only the broker sets the time of append: send the time of creation")]
    LogAppendTime,
}

impl RecordErrorReason {
    fn is_timestamp(self) -> bool {
        match self {
            Self::KeyMissing => false,
            Self::TimestampOutOfRange { .. } | Self::LogAppendTime => true,
        }
    }
}
