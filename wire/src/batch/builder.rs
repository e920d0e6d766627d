//! Writes batches, one after another, out of buffers that are used again.

use base::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

use super::crc;
use super::header::{
    Attributes, HEADER_BYTES, LENGTH_END, NO_TIMESTAMP, ProducerStamp, RawHeader, TimestampType, at, put,
};
use super::record::Header;
use crate::compress::{Codec, Compressor};
use crate::varint;

/// Builders refuse to hold more: whatever a codec adds, the length field can still say it.
pub const SIZE_MAX: usize = 1 << 30;

/// What the header of a new batch says, beside what follows from its records.
#[derive(Clone, Copy, Debug)]
pub struct BatchOptions {
    pub codec: Codec,
    /// The codec's own scale; `None` is its default.
    pub level: Option<i32>,
    pub timestamp_type: TimestampType,
    pub producer: Option<ProducerStamp>,
    pub transactional: bool,
    pub control: bool,
    /// Becomes the base timestamp, and says that compaction put it there.
    pub delete_horizon: Option<Timestamp>,
    /// Clients leave it at zero: the broker assigns offsets.
    pub base_offset: Offset,
    /// Clients leave it out.
    pub leader_epoch: Option<LeaderEpoch>,
    /// Bytes of the batch before compression at which it is full; [`SIZE_MAX`] at most.
    pub size_max: usize,
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self {
            codec: Codec::None,
            level: None,
            timestamp_type: TimestampType::CreateTime,
            producer: None,
            transactional: false,
            control: false,
            delete_horizon: None,
            base_offset: Offset::ZERO,
            leader_epoch: None,
            size_max: SIZE_MAX,
        }
    }
}

/// A record to be written.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewRecord<'a> {
    pub timestamp: Option<Timestamp>,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: &'a [Header<'a>],
}

/// The batch has no room for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a record of {record_bytes} bytes does not fit into a batch that has {size} of {size_max} bytes")]
pub struct BatchFull {
    pub record_bytes: usize,
    pub size: usize,
    pub size_max: usize,
}

/// Gathers records and makes batches of them.
///
/// ```
/// use wire::batch::{BatchBuilder, BatchOptions, NewRecord};
/// use wire::{Codec, Compressor};
///
/// let mut compressor = Compressor::new();
/// let mut builder = BatchBuilder::new(BatchOptions { codec: Codec::Lz4, ..BatchOptions::default() });
/// let record = NewRecord { value: Some(b"hello"), ..NewRecord::default() };
/// builder.push(&record)?;
/// let batch: &[u8] = builder.finish(&mut compressor);
/// # assert_eq!(wire::batch::peek_size(batch), Some(batch.len()));
/// builder.clear();
/// # Ok::<(), wire::batch::BatchFull>(())
/// ```
#[derive(Debug)]
pub struct BatchBuilder {
    options: BatchOptions,
    /// Room for the header, then the records.
    plain: Vec<u8>,
    /// The finished batch, if its codec changes the records.
    compressed: Vec<u8>,
    base_timestamp: i64,
    max_timestamp: i64,
    record_count: u32,
    /// How many offsets the batch spans: one more than its last offset delta.
    span: u32,
    /// What earlier batches shrank to, in thousandths.
    ratio: u64,
}

/// As large as the last offset delta can say.
const SPAN_MAX: u32 = 1 << 31;
const RATIO_ONE: u64 = 1_000;

impl BatchBuilder {
    pub fn new(options: BatchOptions) -> Self {
        let mut builder = Self {
            options,
            plain: Vec::new(),
            compressed: Vec::new(),
            base_timestamp: NO_TIMESTAMP,
            max_timestamp: NO_TIMESTAMP,
            record_count: 0,
            span: 0,
            ratio: RATIO_ONE,
        };
        builder.reset(options);
        builder
    }

    /// Forgets the records and begins the next batch with the same options.
    pub fn clear(&mut self) {
        self.reset(self.options);
    }

    /// Forgets the records and begins the next batch with other options.
    pub fn reset(&mut self, options: BatchOptions) {
        self.options = BatchOptions { size_max: options.size_max.min(SIZE_MAX), ..options };
        self.plain.clear();
        self.plain.resize(HEADER_BYTES, 0);
        self.base_timestamp = options.delete_horizon.map_or(NO_TIMESTAMP, Timestamp::to_wire);
        self.max_timestamp = NO_TIMESTAMP;
        self.record_count = 0;
        self.span = 0;
    }

    /// The producer and its sequence are often known only when the batch is sent.
    pub fn set_producer(&mut self, producer: Option<ProducerStamp>) {
        self.options.producer = producer;
    }

    /// Adds a record at the next offset; gives back the size of the batch before compression.
    pub fn push(&mut self, record: &NewRecord<'_>) -> Result<usize, BatchFull> {
        self.push_at(self.span, record)
    }

    /// Adds a record at some distance from the base offset. Compaction leaves gaps.
    ///
    /// # Panics
    /// When a record or [`set_span`](Self::set_span) reached that offset already.
    pub fn push_at(&mut self, offset_delta: u32, record: &NewRecord<'_>) -> Result<usize, BatchFull> {
        assert!(offset_delta >= self.span, "offset delta {offset_delta} is taken: the batch spans {}", self.span);
        let timestamp = record.timestamp.map_or(NO_TIMESTAMP, Timestamp::to_wire);
        let is_first = self.record_count == 0 && self.options.delete_horizon.is_none();
        let base_timestamp = if is_first { timestamp } else { self.base_timestamp };
        let sized = Sized::new(record, timestamp.wrapping_sub(base_timestamp), offset_delta);
        let size_max = self.options.size_max;
        let size = self.plain.len();
        if sized.record_bytes > size_max.saturating_sub(size) || offset_delta >= SPAN_MAX {
            return Err(BatchFull { record_bytes: sized.record_bytes, size, size_max });
        }
        sized.write(&mut self.plain);
        self.base_timestamp = base_timestamp;
        self.max_timestamp = self.max_timestamp.max(timestamp);
        self.record_count += 1;
        self.span = offset_delta + 1;
        Ok(self.plain.len())
    }

    /// Makes the batch span more offsets than its records take, as before a compaction.
    ///
    /// # Panics
    /// When a record lies beyond, or no last offset delta can say it.
    pub fn set_span(&mut self, offsets: u32) {
        assert!(offsets >= self.span, "a span of {offsets} offsets cuts off records: {} are taken", self.span);
        assert!(offsets <= SPAN_MAX, "a span of {offsets} offsets is too long for a batch");
        self.span = offsets;
    }

    pub fn record_count(&self) -> u32 {
        self.record_count
    }

    pub fn is_empty(&self) -> bool {
        self.record_count == 0
    }

    /// Size of the batch before compression, header included.
    pub fn uncompressed_size(&self) -> usize {
        self.plain.len()
    }

    /// About the size that the batch will have, judged by how well earlier ones of this builder were compressed.
    pub fn estimated_size(&self) -> usize {
        if self.options.codec == Codec::None {
            return self.plain.len();
        }
        let records = (self.plain.len() - HEADER_BYTES) as u64;
        HEADER_BYTES + usize::try_from(records * self.ratio / RATIO_ONE).expect("no more than twice what is in memory")
    }

    /// The batch, in a buffer of this builder.
    ///
    /// # Panics
    /// When nothing was pushed, nor a span set.
    pub fn finish(&mut self, compressor: &mut Compressor) -> &[u8] {
        if self.options.codec == Codec::None {
            seal(self.header(), &mut self.plain);
        } else {
            let mut compressed = std::mem::take(&mut self.compressed);
            compressed.clear();
            self.finish_into(compressor, &mut compressed);
            self.compressed = compressed;
        }
        self.finished()
    }

    /// What [`finish`](Self::finish) gave last.
    pub fn finished(&self) -> &[u8] {
        if self.options.codec == Codec::None { &self.plain } else { &self.compressed }
    }

    /// Appends the batch to `out`.
    ///
    /// # Panics
    /// When nothing was pushed, nor a span set.
    pub fn finish_into(&mut self, compressor: &mut Compressor, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0; HEADER_BYTES]);
        let records = &self.plain[HEADER_BYTES..];
        compressor.compress(self.options.codec, self.options.level, records, out);
        let compressed_bytes = (out.len() - start - HEADER_BYTES) as u64;
        let plain_bytes = (records.len() as u64).max(1);
        let ratio = (compressed_bytes * RATIO_ONE / plain_bytes).min(2 * RATIO_ONE);
        // Up at once, down by and by: a batch that turns out too large is worse than one that could hold more.
        self.ratio = ratio.max((7 * self.ratio + ratio) / 8);
        seal(self.header(), &mut out[start..]);
    }

    fn header(&self) -> RawHeader {
        let last = self.span.checked_sub(1).expect("a batch spans an offset at least");
        let options = &self.options;
        let mut attributes = Attributes::new(options.codec, options.timestamp_type);
        if options.transactional {
            attributes = attributes.transactional();
        }
        if options.control {
            attributes = attributes.control();
        }
        if options.delete_horizon.is_some() {
            attributes = attributes.delete_horizon();
        }
        let producer = options.producer.as_ref();
        RawHeader {
            base_offset: options.base_offset.to_wire(),
            length: 0,
            leader_epoch: options.leader_epoch.map_or(-1, LeaderEpoch::to_wire),
            crc: 0,
            attributes,
            last_offset_delta: last.cast_signed(),
            base_timestamp: self.base_timestamp,
            max_timestamp: self.max_timestamp,
            producer_id: producer.map_or(-1, |producer| ProducerId::to_wire(producer.id)),
            producer_epoch: producer.map_or(-1, |producer| ProducerEpoch::to_wire(producer.epoch)),
            base_sequence: producer.and_then(|producer| producer.base_sequence).map_or(-1, Sequence::to_wire),
            record_count: self.record_count.cast_signed(),
        }
    }
}

/// Writes the header of a batch whose records are in place.
fn seal(header: RawHeader, batch: &mut [u8]) {
    let length = i32::try_from(batch.len() - LENGTH_END).expect("builders hold less than the length can say");
    let bytes = RawHeader { length, ..header }.write();
    batch[..HEADER_BYTES].copy_from_slice(&bytes);
    let crc = crc::crc32c(&batch[at::ATTRIBUTES..]);
    put(batch.first_chunk_mut().expect("a batch has a header"), at::CRC, crc.to_be_bytes());
}

/// A record whose size was counted before it is written.
struct Sized<'r> {
    record: &'r NewRecord<'r>,
    timestamp_delta: i64,
    offset_delta: u32,
    /// What the length in front of the record says.
    body_bytes: usize,
    record_bytes: usize,
}

impl<'r> Sized<'r> {
    #[inline]
    fn new(record: &'r NewRecord<'r>, timestamp_delta: i64, offset_delta: u32) -> Self {
        let headers = record.headers.iter().map(|header| sized(Some(header.key)) + sized(header.value)).sum::<usize>();
        let body_bytes = 1
            + varint::size_i64(timestamp_delta)
            + varint::size_u64(u64::from(offset_delta) << 1)
            + sized(record.key)
            + sized(record.value)
            + varint::size_u64((record.headers.len() as u64) << 1)
            + headers;
        let record_bytes = varint::size_u64((body_bytes as u64) << 1) + body_bytes;
        Self { record, timestamp_delta, offset_delta, body_bytes, record_bytes }
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>) {
        out.reserve(self.record_bytes);
        // Length, attributes, two deltas and the key's length.
        let mut front = [0; varint::BYTES_MAX_32 + 1 + varint::BYTES_MAX_64 + 2 * varint::BYTES_MAX_32];
        let mut at = varint::write_u64(&mut front, (self.body_bytes as u64) << 1);
        at += 1;
        at += varint::write_i64(&mut front[at..], self.timestamp_delta);
        at += varint::write_u64(&mut front[at..], u64::from(self.offset_delta) << 1);
        at += varint::write_u64(&mut front[at..], length_of(self.record.key));
        out.extend_from_slice(&front[..at]);
        out.extend_from_slice(self.record.key.unwrap_or_default());
        write_nullable(self.record.value, out);
        write_number((self.record.headers.len() as u64) << 1, out);
        for header in self.record.headers {
            write_nullable(Some(header.key), out);
            write_nullable(header.value, out);
        }
    }
}

/// Bytes that a length and what it counts will take.
#[inline]
fn sized(bytes: Option<&[u8]>) -> usize {
    varint::size_u64(length_of(bytes)) + bytes.map_or(0, <[u8]>::len)
}

/// The zigzag form of a length; -1 for null.
#[inline]
fn length_of(bytes: Option<&[u8]>) -> u64 {
    bytes.map_or(1, |bytes| (bytes.len() as u64) << 1)
}

#[inline]
fn write_nullable(bytes: Option<&[u8]>, out: &mut Vec<u8>) {
    write_number(length_of(bytes), out);
    out.extend_from_slice(bytes.unwrap_or_default());
}

#[inline]
fn write_number(value: u64, out: &mut Vec<u8>) {
    if value < 0x80 {
        out.push(value.to_le_bytes()[0]);
        return;
    }
    let mut bytes = [0; varint::BYTES_MAX_64];
    let length = varint::write_u64(&mut bytes, value);
    out.extend_from_slice(&bytes[..length]);
}
