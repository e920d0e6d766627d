//! The 61 bytes before a batch's records.
//!
//! ```text
//!  0        8        12       16 17    21    23     27         35         43         51    53       57      61
//!  | base   | length | leader |m | crc |attri| last | base     | max      | producer |epoch| base   | record|
//!  | offset |        | epoch  |  |     |butes| delta| timestamp| timestamp| id       |     | seq.   | count |
//!  |        |        |        |  |     |<---------------------- covered by the CRC, as are the records ------ ...
//! ```

use base::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

use super::error::BatchError;
use crate::compress::Codec;

/// Length of a batch's header: its records follow.
pub const HEADER_BYTES: usize = 61;
/// The one record format, by the number at byte 16.
pub const MAGIC: i8 = 2;
/// "No timestamp", as the wire has it.
pub(super) const NO_TIMESTAMP: i64 = -1;
/// The length field counts from behind itself.
pub(super) const LENGTH_END: usize = 12;
/// The largest batch that the length field can describe.
pub const BATCH_BYTES_MAX: usize = i32::MAX as usize + LENGTH_END;

/// Where the fields begin.
pub(super) mod at {
    pub(in super::super) const BASE_OFFSET: usize = 0;
    pub(in super::super) const LENGTH: usize = 8;
    pub(in super::super) const LEADER_EPOCH: usize = 12;
    pub(in super::super) const MAGIC: usize = 16;
    pub(in super::super) const CRC: usize = 17;
    /// The CRC covers everything from here to the end of the batch.
    pub(in super::super) const ATTRIBUTES: usize = 21;
    pub(in super::super) const LAST_OFFSET_DELTA: usize = 23;
    pub(in super::super) const BASE_TIMESTAMP: usize = 27;
    pub(in super::super) const MAX_TIMESTAMP: usize = 35;
    pub(in super::super) const PRODUCER_ID: usize = 43;
    pub(in super::super) const PRODUCER_EPOCH: usize = 51;
    pub(in super::super) const BASE_SEQUENCE: usize = 53;
    pub(in super::super) const RECORD_COUNT: usize = 57;
}

/// What the timestamps of a batch's records mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TimestampType {
    /// Each record has the time that its producer gave it.
    #[default]
    CreateTime,
    /// All records have the time at which the broker appended them: the batch's max timestamp.
    LogAppendTime,
}

/// The flags at byte 21.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attributes(u16);

impl Attributes {
    const CODEC: u16 = 0b111;
    const LOG_APPEND_TIME: u16 = 1 << 3;
    const TRANSACTIONAL: u16 = 1 << 4;
    const CONTROL: u16 = 1 << 5;
    const DELETE_HORIZON: u16 = 1 << 6;

    pub const fn new(codec: Codec, timestamp_type: TimestampType) -> Self {
        Self(codec.bits() as u16).with_timestamp_type(timestamp_type)
    }

    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    pub const fn bits(self) -> u16 {
        self.0
    }

    /// `None` for a number that means no codec.
    pub const fn codec(self) -> Option<Codec> {
        Codec::from_bits(self.codec_bits())
    }

    pub(super) const fn codec_bits(self) -> u8 {
        (self.0 & Self::CODEC).to_le_bytes()[0]
    }

    pub const fn timestamp_type(self) -> TimestampType {
        if self.has(Self::LOG_APPEND_TIME) { TimestampType::LogAppendTime } else { TimestampType::CreateTime }
    }

    /// The records belong to a transaction: a read-committed consumer waits for its end.
    pub const fn is_transactional(self) -> bool {
        self.has(Self::TRANSACTIONAL)
    }

    /// The batch is the broker's own, such as the end of a transaction; consumers skip it.
    pub const fn is_control(self) -> bool {
        self.has(Self::CONTROL)
    }

    /// The base timestamp is the time from which compaction may drop the batch's tombstones.
    pub const fn has_delete_horizon(self) -> bool {
        self.has(Self::DELETE_HORIZON)
    }

    #[must_use]
    pub(super) fn with_codec(self, codec: Codec) -> Self {
        Self((self.0 & !Self::CODEC) | u16::from(codec.bits()))
    }

    #[must_use]
    pub const fn with_timestamp_type(self, timestamp_type: TimestampType) -> Self {
        match timestamp_type {
            TimestampType::CreateTime => Self(self.0 & !Self::LOG_APPEND_TIME),
            TimestampType::LogAppendTime => Self(self.0 | Self::LOG_APPEND_TIME),
        }
    }

    #[must_use]
    pub const fn transactional(self) -> Self {
        Self(self.0 | Self::TRANSACTIONAL)
    }

    #[must_use]
    pub const fn control(self) -> Self {
        Self(self.0 | Self::CONTROL)
    }

    #[must_use]
    pub const fn delete_horizon(self) -> Self {
        Self(self.0 | Self::DELETE_HORIZON)
    }

    const fn has(self, flag: u16) -> bool {
        self.0 & flag != 0
    }
}

/// Who sent a batch, for the idempotence and the fencing of producers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProducerStamp {
    pub id: ProducerId,
    pub epoch: ProducerEpoch,
    /// Sequence of the batch's first record. Control batches, such as the end of a transaction, have none.
    pub base_sequence: Option<Sequence>,
}

/// A header whose fields make sense together: its offsets can be counted with, its codec exists, and its producer, if
/// any, has an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader(RawHeader);

impl BatchHeader {
    /// Reads the header at the front of `bytes`. The records need not be there, and the CRC is not checked.
    pub fn read(bytes: &[u8]) -> Result<Self, BatchError> {
        RawHeader::read(bytes)?.check()
    }

    pub fn base_offset(&self) -> Offset {
        Offset::from_wire(self.0.base_offset).expect("checked when it was read")
    }

    /// Offset of the last record that the batch ever had; compaction may have removed it since.
    pub fn last_offset(&self) -> Offset {
        self.base_offset().plus(u64::from(self.last_offset_delta()))
    }

    /// Base offset of the batch after this one, unless that was compacted away.
    pub fn next_offset(&self) -> Offset {
        self.last_offset().plus(1)
    }

    /// Bytes of the whole batch, this header included.
    pub fn size(&self) -> usize {
        self.0.size().expect("checked when it was read")
    }

    /// `None` in a batch that no leader has appended yet.
    pub fn leader_epoch(&self) -> Option<LeaderEpoch> {
        LeaderEpoch::from_wire(self.0.leader_epoch)
    }

    /// The CRC-32C that the batch says it has.
    pub fn crc(&self) -> u32 {
        self.0.crc
    }

    pub fn attributes(&self) -> Attributes {
        self.0.attributes
    }

    pub fn codec(&self) -> Codec {
        self.0.attributes.codec().expect("checked when it was read")
    }

    /// How many offsets the batch spans, less one. Also the distance to its last sequence.
    pub fn last_offset_delta(&self) -> u32 {
        self.0.last_offset_delta.cast_unsigned()
    }

    /// Timestamp of the first record, or compaction's horizon: [`Attributes::has_delete_horizon`].
    pub fn base_timestamp(&self) -> Option<Timestamp> {
        Timestamp::from_wire(self.0.base_timestamp)
    }

    pub fn max_timestamp(&self) -> Option<Timestamp> {
        Timestamp::from_wire(self.0.max_timestamp)
    }

    /// `None` for a producer that is not idempotent.
    pub fn producer(&self) -> Option<ProducerStamp> {
        let id = ProducerId::from_wire(self.0.producer_id)?;
        let epoch = ProducerEpoch::from_wire(self.0.producer_epoch).expect("checked when it was read");
        Some(ProducerStamp { id, epoch, base_sequence: Sequence::from_wire(self.0.base_sequence) })
    }

    /// Sequence of the last record; `None` where there is no base sequence.
    pub fn last_sequence(&self) -> Option<Sequence> {
        Some(self.producer()?.base_sequence?.plus(self.last_offset_delta()))
    }

    /// How many records are in the batch; less than it spans offsets once it was compacted, down to none.
    pub fn record_count(&self) -> u32 {
        self.0.record_count.cast_unsigned()
    }

    pub(super) fn raw(&self) -> &RawHeader {
        &self.0
    }
}

/// A header as it is on the wire, believed in nothing but its magic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RawHeader {
    pub(super) base_offset: i64,
    pub(super) length: i32,
    pub(super) leader_epoch: i32,
    pub(super) crc: u32,
    pub(super) attributes: Attributes,
    pub(super) last_offset_delta: i32,
    pub(super) base_timestamp: i64,
    pub(super) max_timestamp: i64,
    pub(super) producer_id: i64,
    pub(super) producer_epoch: i16,
    pub(super) base_sequence: i32,
    pub(super) record_count: i32,
}

impl RawHeader {
    /// Looks at the magic first: other formats have other fields.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, BatchError> {
        if let Some(magic) = peek_magic(bytes) {
            check_magic(magic)?;
        }
        let truncated = BatchError::Truncated { needed: HEADER_BYTES, available: bytes.len() };
        let bytes: &[u8; HEADER_BYTES] = bytes.first_chunk().ok_or(truncated)?;
        Ok(Self {
            base_offset: i64::from_be_bytes(array(bytes, at::BASE_OFFSET)),
            length: i32::from_be_bytes(array(bytes, at::LENGTH)),
            leader_epoch: i32::from_be_bytes(array(bytes, at::LEADER_EPOCH)),
            crc: u32::from_be_bytes(array(bytes, at::CRC)),
            attributes: Attributes(u16::from_be_bytes(array(bytes, at::ATTRIBUTES))),
            last_offset_delta: i32::from_be_bytes(array(bytes, at::LAST_OFFSET_DELTA)),
            base_timestamp: i64::from_be_bytes(array(bytes, at::BASE_TIMESTAMP)),
            max_timestamp: i64::from_be_bytes(array(bytes, at::MAX_TIMESTAMP)),
            producer_id: i64::from_be_bytes(array(bytes, at::PRODUCER_ID)),
            producer_epoch: i16::from_be_bytes(array(bytes, at::PRODUCER_EPOCH)),
            base_sequence: i32::from_be_bytes(array(bytes, at::BASE_SEQUENCE)),
            record_count: i32::from_be_bytes(array(bytes, at::RECORD_COUNT)),
        })
    }

    /// `None` where the length leaves no room for this header.
    fn size(&self) -> Option<usize> {
        size_of_length(self.length).filter(|size| *size >= HEADER_BYTES)
    }

    pub(super) fn check(self) -> Result<BatchHeader, BatchError> {
        if self.size().is_none() {
            return Err(BatchError::Size { claimed: claimed_size(self.length) });
        }
        if self.attributes.codec().is_none() {
            return Err(BatchError::UnknownCodec { bits: self.attributes.codec_bits() });
        }
        if self.last_offset_delta < 0 {
            return Err(BatchError::LastOffsetDelta { last_offset_delta: self.last_offset_delta });
        }
        // The last possible offset stays free, so that every batch has a next offset.
        let base_offset_end = i64::MAX - i64::from(self.last_offset_delta);
        if !(0..base_offset_end).contains(&self.base_offset) {
            return Err(BatchError::BaseOffset { got: self.base_offset });
        }
        if !(0..=i64::from(self.last_offset_delta) + 1).contains(&i64::from(self.record_count)) {
            let (count, last_offset_delta) = (self.record_count, self.last_offset_delta);
            return Err(BatchError::RecordCount { count, last_offset_delta });
        }
        if self.producer_id >= 0 && self.producer_epoch < 0 {
            return Err(BatchError::ProducerEpoch { producer_id: self.producer_id, epoch: self.producer_epoch });
        }
        Ok(BatchHeader(self))
    }

    /// The header's bytes, the CRC as it stands in `crc`.
    pub(super) fn write(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        put(&mut bytes, at::BASE_OFFSET, self.base_offset.to_be_bytes());
        put(&mut bytes, at::LENGTH, self.length.to_be_bytes());
        put(&mut bytes, at::LEADER_EPOCH, self.leader_epoch.to_be_bytes());
        put(&mut bytes, at::MAGIC, MAGIC.to_be_bytes());
        put(&mut bytes, at::CRC, self.crc.to_be_bytes());
        put(&mut bytes, at::ATTRIBUTES, self.attributes.0.to_be_bytes());
        put(&mut bytes, at::LAST_OFFSET_DELTA, self.last_offset_delta.to_be_bytes());
        put(&mut bytes, at::BASE_TIMESTAMP, self.base_timestamp.to_be_bytes());
        put(&mut bytes, at::MAX_TIMESTAMP, self.max_timestamp.to_be_bytes());
        put(&mut bytes, at::PRODUCER_ID, self.producer_id.to_be_bytes());
        put(&mut bytes, at::PRODUCER_EPOCH, self.producer_epoch.to_be_bytes());
        put(&mut bytes, at::BASE_SEQUENCE, self.base_sequence.to_be_bytes());
        put(&mut bytes, at::RECORD_COUNT, self.record_count.to_be_bytes());
        bytes
    }
}

/// Base offset of the batch at the front of `bytes`; `None` if it is cut off before, or negative.
pub fn peek_base_offset(bytes: &[u8]) -> Option<Offset> {
    Offset::from_wire(peek_base_offset_field(bytes)?)
}

pub(super) fn peek_base_offset_field(bytes: &[u8]) -> Option<i64> {
    bytes.first_chunk().map(|field| i64::from_be_bytes(*field))
}

/// Size of the whole batch at the front of `bytes`; `None` if its length is cut off, or leaves no room for a header.
pub fn peek_size(bytes: &[u8]) -> Option<usize> {
    size_of_length(peek_length(bytes)?).filter(|size| *size >= HEADER_BYTES)
}

/// What the length field says.
pub(super) fn peek_length(bytes: &[u8]) -> Option<i32> {
    bytes.get(at::LENGTH..LENGTH_END)?.first_chunk().map(|field| i32::from_be_bytes(*field))
}

pub(super) fn peek_magic(bytes: &[u8]) -> Option<i8> {
    bytes.get(at::MAGIC).map(|byte| byte.cast_signed())
}

pub(super) fn check_magic(magic: i8) -> Result<(), BatchError> {
    match magic {
        MAGIC => Ok(()),
        0 | 1 => Err(BatchError::LegacyMagic { magic }),
        _ => Err(BatchError::UnknownMagic { magic }),
    }
}

/// Size of a batch by its length field; `None` if that is negative.
pub(super) fn size_of_length(length: i32) -> Option<usize> {
    usize::try_from(length).ok().map(|length| length + LENGTH_END)
}

/// The same for error messages, whatever the field says.
pub(super) fn claimed_size(length: i32) -> i64 {
    i64::from(length) + i64::try_from(LENGTH_END).expect("it is small")
}

fn array<const N: usize>(bytes: &[u8; HEADER_BYTES], at: usize) -> [u8; N] {
    *bytes[at..].first_chunk().expect("all fields lie in the header")
}

pub(super) fn put<const N: usize>(header: &mut [u8; HEADER_BYTES], at: usize, field: [u8; N]) {
    header[at..at + N].copy_from_slice(&field);
}
