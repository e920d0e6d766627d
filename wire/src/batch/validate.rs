//! The rules for a batch from a producer, in Kafka's order and with Kafka's codes (Kafka 4.3).
//!
//! What is compressed is judged by its header alone; [`validate_compressed`] looks inside where a topic needs it.
//! Rules that need more than the batch and the topic's settings are the broker's: authorisation, leadership, the order
//! of producer sequences, transactions.
//!
//! Where this differs from Kafka, as its own validator (4.3.1) was seen to judge the cases in the tests:
//! - A compressed batch is judged by its header, and its largest timestamp is taken from there. Kafka looks inside,
//!   corrects a header whose timestamps are wrong, and names the records that are to blame.
//! - Offset deltas need not be 0, 1, 2 …, as in Kafka, but an offset outside of the batch's own is refused: it would be
//!   an offset of another batch. Kafka keeps it in a batch that is not compressed, and rewrites one that is.
//! - Numbers of more bits than they may have are refused ([`crate::varint`]), and so is a producer id without an epoch.
//! - What makes Kafka fail gets a code that says what is wrong ([`BatchError::code`]).

use std::time::Duration;

use base::Timestamp;

use super::error::{BatchError, RecordError, RecordErrorReason, RecordErrors};
use super::header::{self, HEADER_BYTES, NO_TIMESTAMP, RawHeader, TimestampType};
use super::patch::{HeaderPatch, TimestampPatch};
use super::record::{RECORD_BYTES_MIN, RawRecord, checked_offset_delta, record_timestamp};
use super::{Batch, next_size};
use crate::compress::{Codec, Decompressor};

#[cfg(test)]
mod tests;

/// Who wants to write a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Client,
    /// The broker itself, into its internal topics: control records are allowed.
    Broker,
}

/// Which records a topic keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    Optional,
    /// `cleanup.policy` has `compact`: a record without a key could never be told from another.
    Required,
}

/// What the topic and the request demand of a batch.
#[derive(Clone, Copy, Debug)]
pub struct ProduceRules {
    pub origin: Origin,
    /// Version of the produce API that the batch came with; zstd is as old as version 7.
    pub produce_version: i16,
    /// `max.message.bytes`: a batch as it travels, header included.
    pub batch_bytes_max: usize,
    /// `segment.bytes`.
    pub segment_bytes: usize,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    pub now: Timestamp,
    /// `message.timestamp.before.max.ms`.
    pub timestamp_before_max: Duration,
    /// `message.timestamp.after.max.ms`.
    pub timestamp_after_max: Duration,
    pub keys: Keys,
}

impl ProduceRules {
    /// Those of a client's newest request to a topic with Kafka's default settings.
    pub fn kafka_defaults(now: Timestamp) -> Self {
        Self {
            origin: Origin::Client,
            produce_version: 13,
            batch_bytes_max: 1_048_588,
            segment_bytes: 1 << 30,
            timestamp_type: TimestampType::CreateTime,
            now,
            timestamp_before_max: Duration::from_millis(i64::MAX.cast_unsigned()),
            timestamp_after_max: Duration::from_hours(1),
            keys: Keys::Optional,
        }
    }

    fn timestamps(&self) -> TimestampSpan {
        TimestampSpan {
            earliest: self.now.to_wire().saturating_sub(millis(self.timestamp_before_max)),
            latest: self.now.to_wire().saturating_add(millis(self.timestamp_after_max)),
        }
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A batch that may be appended.
#[derive(Clone, Copy, Debug)]
pub struct ProducedBatch<'a> {
    pub batch: Batch<'a>,
    /// What the log has to say about its timestamps instead of what the producer wrote.
    pub timestamps: Option<TimestampPatch>,
    /// The largest timestamp, after `timestamps`.
    pub max_timestamp: Option<Timestamp>,
    /// Whether the records' offsets are known to follow one another without a gap. They are unknown while compressed.
    pub offsets: Offsets,
    /// Bytes behind the batch that are no whole batch: not to be written, as in Kafka.
    pub trimmed_bytes: usize,
}

/// What is known of the offsets in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offsets {
    Dense,
    /// Some are missing, repeated or out of order.
    Irregular,
    Unknown,
}

impl ProducedBatch<'_> {
    /// The header to be written before the batch's payload.
    pub fn header(&self, base_offset: base::Offset, leader_epoch: base::LeaderEpoch) -> [u8; HEADER_BYTES] {
        self.batch.patched_header(&HeaderPatch { base_offset, leader_epoch, timestamps: self.timestamps })
    }
}

/// Judges what a producer sent for one partition.
pub fn validate_produced<'a>(bytes: &'a [u8], rules: &ProduceRules) -> Result<ProducedBatch<'a>, BatchError> {
    let bytes_of_batch = only_batch(bytes, rules)?;
    let size = bytes_of_batch.len();
    let base_offset = header::peek_base_offset_field(bytes_of_batch).expect("the smallest batch begins with it");
    if rules.origin == Origin::Client && base_offset != 0 {
        return Err(BatchError::BaseOffset { got: base_offset });
    }
    if size > rules.batch_bytes_max {
        return Err(BatchError::TooLarge { size, max: rules.batch_bytes_max });
    }
    if size < HEADER_BYTES {
        return Err(BatchError::Size { claimed: i64::try_from(size).expect("less than a header") });
    }
    // Nothing else in the header is believed before the CRC says that it is what the producer wrote.
    let raw = RawHeader::read(bytes_of_batch)?;
    let computed = super::crc::crc32c(&bytes_of_batch[header::at::ATTRIBUTES..]);
    if raw.crc != computed {
        return Err(BatchError::Checksum { stored: raw.crc, computed });
    }
    if raw.attributes.codec().is_none() {
        return Err(BatchError::UnknownCodec { bits: raw.attributes.codec_bits() });
    }
    if rules.origin == Origin::Client {
        check_client_header(&raw)?;
    }
    let batch = Batch::new(bytes_of_batch, raw.check()?);
    let inside = match batch.header().codec() {
        Codec::None => walk(&batch, batch.payload(), rules)?,
        codec => judge_header(&batch, codec, rules)?,
    };
    if size > rules.segment_bytes {
        return Err(BatchError::LargerThanSegment { size, max: rules.segment_bytes });
    }
    Ok(inside.produced(batch, rules, bytes.len() - size))
}

/// Judges the records inside a compressed batch as well, where the topic needs it; `budget` bounds what they decompress
/// to, and with it how long the calling core does nothing else. A batch that is not compressed comes back as it is.
pub fn validate_compressed<'a>(
    produced: ProducedBatch<'a>,
    rules: &ProduceRules,
    decompressor: &mut Decompressor,
    budget: usize,
) -> Result<ProducedBatch<'a>, BatchError> {
    let batch = produced.batch;
    let codec = batch.header().codec();
    if codec == Codec::None {
        return Ok(produced);
    }
    judge_records(produced, decompressor.decompress(codec, batch.payload(), budget)?, rules)
}

/// Judges a batch by its records, which are `payload` once they are decompressed.
pub(super) fn judge_records<'a>(
    produced: ProducedBatch<'a>,
    payload: &[u8],
    rules: &ProduceRules,
) -> Result<ProducedBatch<'a>, BatchError> {
    let batch = produced.batch;
    Ok(walk(&batch, payload, rules)?.produced(batch, rules, produced.trimmed_bytes))
}

/// The one whole batch in `bytes`; a part of another may follow.
fn only_batch<'a>(bytes: &'a [u8], rules: &ProduceRules) -> Result<&'a [u8], BatchError> {
    let size = next_size(bytes)?.ok_or(BatchError::NoBatch)?;
    let (batch, rest) = bytes.split_at(size);
    header::check_magic(header::peek_magic(batch).expect("the smallest batch reaches beyond the magic"))?;
    let codec_bits = batch[header::at::ATTRIBUTES + 1];
    let codec = header::Attributes::from_bits(u16::from(codec_bits)).codec();
    if codec == Some(Codec::Zstd) && rules.produce_version < ZSTD_VERSION_MIN {
        return Err(BatchError::ZstdTooEarly { produce_version: rules.produce_version });
    }
    match next_size(rest)? {
        Some(_) => Err(BatchError::SeveralBatches),
        None => Ok(batch),
    }
}

/// The first version of the produce API whose clients all know zstd.
const ZSTD_VERSION_MIN: i16 = 7;

fn check_client_header(raw: &RawHeader) -> Result<(), BatchError> {
    let (count, last_offset_delta) = (raw.record_count, raw.last_offset_delta);
    if last_offset_delta < 0 {
        return Err(BatchError::LastOffsetDelta { last_offset_delta });
    }
    // So it is at least one.
    if i64::from(count) != i64::from(last_offset_delta) + 1 {
        return Err(BatchError::RecordCount { count, last_offset_delta });
    }
    if raw.attributes.is_control() {
        return Err(BatchError::ControlFromClient);
    }
    if raw.producer_id >= 0 && raw.base_sequence < 0 {
        return Err(BatchError::Sequence { producer_id: raw.producer_id, sequence: raw.base_sequence });
    }
    Ok(())
}

/// What a look at the records, or at what the header says of them, has shown.
struct Inside {
    max_timestamp: i64,
    offsets: Offsets,
}

impl Inside {
    fn produced<'a>(self, batch: Batch<'a>, rules: &ProduceRules, trimmed_bytes: usize) -> ProducedBatch<'a> {
        let max_timestamp = match rules.timestamp_type {
            TimestampType::CreateTime => Timestamp::from_wire(self.max_timestamp),
            TimestampType::LogAppendTime => Some(rules.now),
        };
        let patch = TimestampPatch { timestamp_type: rules.timestamp_type, max_timestamp };
        let wire_max_timestamp = max_timestamp.map_or(NO_TIMESTAMP, Timestamp::to_wire);
        let is_as_written = batch.header().attributes().timestamp_type() == rules.timestamp_type
            && batch.header().raw().max_timestamp == wire_max_timestamp;
        let timestamps = (!is_as_written).then_some(patch);
        ProducedBatch { batch, timestamps, max_timestamp, offsets: self.offsets, trimmed_bytes }
    }
}

/// Walks the records without keeping any. Damage in one counts for more than rules that others broke.
fn walk(batch: &Batch<'_>, payload: &[u8], rules: &ProduceRules) -> Result<Inside, BatchError> {
    let header = batch.header();
    let span = rules.timestamps();
    let mut errors = RecordErrors::new();
    let mut inside = Inside { max_timestamp: NO_TIMESTAMP, offsets: Offsets::Dense };
    let mut rest = payload;
    for index in 0..header.record_count() {
        let at = payload.len() - rest.len();
        let damaged = |damage| BatchError::Record { index, at, damage };
        let record = RawRecord::take(&mut rest).map_err(damaged)?;
        if checked_offset_delta(header, &record).map_err(damaged)? != index {
            inside.offsets = Offsets::Irregular;
        }
        let timestamp = record_timestamp(header, &record);
        inside.max_timestamp = inside.max_timestamp.max(timestamp);
        if let Some(reason) = broken_rule(batch, record.key, timestamp, span, rules) {
            errors.push(RecordError { batch_index: index, reason });
        }
    }
    if !rest.is_empty() {
        return Err(BatchError::Leftover { bytes: rest.len() });
    }
    errors.into_result()?;
    Ok(inside)
}

/// The first rule of the topic that a record breaks.
#[inline]
fn broken_rule(
    batch: &Batch<'_>,
    key: Option<&[u8]>,
    timestamp: i64,
    span: TimestampSpan,
    rules: &ProduceRules,
) -> Option<RecordErrorReason> {
    if rules.keys == Keys::Required && key.is_none() {
        return Some(RecordErrorReason::KeyMissing);
    }
    if rules.timestamp_type == TimestampType::CreateTime && timestamp != NO_TIMESTAMP {
        return (!span.contains(timestamp)).then(|| span.record_error(timestamp));
    }
    let claims_append = batch.header().attributes().timestamp_type() == TimestampType::LogAppendTime;
    claims_append.then_some(RecordErrorReason::LogAppendTime)
}

/// The same rules as far as the header of a compressed batch shows whether they are kept.
fn judge_header(batch: &Batch<'_>, codec: Codec, rules: &ProduceRules) -> Result<Inside, BatchError> {
    let raw = batch.header().raw();
    let count = batch.header().record_count();
    // A few bytes must not claim millions of offsets.
    let content_bytes_max = (batch.payload().len() as u64).saturating_mul(codec.ratio_max());
    if u64::from(count) * RECORD_BYTES_MIN as u64 > content_bytes_max {
        return Err(BatchError::RecordsPacked { count, bytes: batch.payload().len() });
    }
    let claims_append = batch.header().attributes().timestamp_type() == TimestampType::LogAppendTime;
    let timestamps = if claims_append { [raw.max_timestamp; 2] } else { [raw.base_timestamp, raw.max_timestamp] };
    let max_timestamp = timestamps[0].max(timestamps[1]).max(NO_TIMESTAMP);
    let span = rules.timestamps();
    if rules.timestamp_type == TimestampType::CreateTime && max_timestamp != NO_TIMESTAMP {
        let outside = timestamps.into_iter().find(|got| *got != NO_TIMESTAMP && !span.contains(*got));
        if let Some(got) = outside {
            return Err(span.batch_error(got));
        }
    } else if claims_append {
        return Err(RecordErrors::all(count, RecordErrorReason::LogAppendTime).into());
    }
    Ok(Inside { max_timestamp, offsets: Offsets::Unknown })
}

/// The acceptable timestamps.
#[derive(Clone, Copy, Debug)]
struct TimestampSpan {
    earliest: i64,
    latest: i64,
}

impl TimestampSpan {
    fn contains(self, timestamp: i64) -> bool {
        (self.earliest..=self.latest).contains(&timestamp)
    }

    fn batch_error(self, got: i64) -> BatchError {
        BatchError::Timestamp { got, earliest: self.earliest, latest: self.latest }
    }

    fn record_error(self, got: i64) -> RecordErrorReason {
        RecordErrorReason::TimestampOutOfRange { got, earliest: self.earliest, latest: self.latest }
    }
}
