//! The records in a batch, read in place.
//!
//! ```text
//! length | attributes i8 | timestamp delta | offset delta | key length | key | value length | value
//!        | header count | { key length | key | value length | value }*
//! ```
//! Lengths, deltas and counts are zigzag numbers of variable length; a negative length of a key or value means null.

use base::{Offset, Timestamp};

use super::error::{BatchError, RecordDamage};
use super::header::{BatchHeader, TimestampType};
use crate::varint::{self, VarintError};

/// A record with nothing in it: length, attributes, two deltas, two lengths and a count.
pub(super) const RECORD_BYTES_MIN: usize = 7;

/// One record; its bytes are the batch's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    pub offset: Offset,
    /// `None` where the producer gave none. The same for all records of a [`TimestampType::LogAppendTime`] batch.
    pub timestamp: Option<Timestamp>,
    /// Distance to the batch's base offset.
    pub offset_delta: u32,
    /// Distance to the batch's base timestamp, in milliseconds, as the producer wrote it.
    pub timestamp_delta: i64,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: Headers<'a>,
}

/// A record's headers, in order and with duplicates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Headers<'a> {
    /// Walked once when the record was read.
    bytes: &'a [u8],
    count: u32,
}

impl<'a> Headers<'a> {
    pub fn len(self) -> usize {
        self.count as usize
    }

    pub fn is_empty(self) -> bool {
        self.count == 0
    }

    /// The last header of a name, which is the one that counts where only one may.
    pub fn last(self, key: &[u8]) -> Option<Header<'a>> {
        self.into_iter().filter(|header| header.key == key).last()
    }
}

impl<'a> IntoIterator for Headers<'a> {
    type Item = Header<'a>;
    type IntoIter = HeadersIter<'a>;

    fn into_iter(self) -> HeadersIter<'a> {
        HeadersIter { rest: self.bytes, left: self.count }
    }
}

/// One header. Kafka's clients write UTF-8 keys; nobody checks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    pub key: &'a [u8],
    pub value: Option<&'a [u8]>,
}

/// See [`Headers`].
#[derive(Clone, Debug)]
pub struct HeadersIter<'a> {
    rest: &'a [u8],
    left: u32,
}

impl<'a> Iterator for HeadersIter<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        self.left = self.left.checked_sub(1)?;
        Some(take_header(&mut self.rest).expect("the headers were walked when the record was read"))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl ExactSizeIterator for HeadersIter<'_> {}

/// Reads a batch's uncompressed records one by one. Ends with an error where the bytes are not exactly the records
/// that the header counts.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    payload: &'a [u8],
    rest: &'a [u8],
    header: BatchHeader,
    next_index: u32,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading,
    Done,
}

impl<'a> Records<'a> {
    /// `payload` is what follows the header, decompressed.
    pub(super) fn new(header: BatchHeader, payload: &'a [u8]) -> Self {
        Self { payload, rest: payload, header, next_index: 0, state: State::Reading }
    }

    fn step(&mut self) -> Result<Option<Record<'a>>, BatchError> {
        if self.next_index == self.header.record_count() {
            return match self.rest.len() {
                0 => Ok(None),
                bytes => Err(BatchError::Leftover { bytes }),
            };
        }
        let at = self.payload.len() - self.rest.len();
        let damaged = |damage| BatchError::Record { index: self.next_index, at, damage };
        let raw = RawRecord::take(&mut self.rest).map_err(damaged)?;
        let offset_delta = self.offset_delta(&raw).map_err(damaged)?;
        self.next_index += 1;
        Ok(Some(Record {
            offset: self.header.base_offset().plus(u64::from(offset_delta)),
            timestamp: Timestamp::from_wire(self.timestamp(&raw)),
            offset_delta,
            timestamp_delta: raw.timestamp_delta,
            key: raw.key,
            value: raw.value,
            headers: raw.headers,
        }))
    }

    fn offset_delta(&self, raw: &RawRecord<'_>) -> Result<u32, RecordDamage> {
        checked_offset_delta(&self.header, raw)
    }

    fn timestamp(&self, raw: &RawRecord<'_>) -> i64 {
        record_timestamp(&self.header, raw)
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.state == State::Done {
            return None;
        }
        let step = self.step().transpose();
        if !matches!(step, Some(Ok(_))) {
            self.state = State::Done;
        }
        step
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // The count is only claimed: the bytes bound it.
        let left = (self.header.record_count() - self.next_index) as usize;
        (0, Some(left.min(self.rest.len() / RECORD_BYTES_MIN) + 1))
    }
}

impl std::iter::FusedIterator for Records<'_> {}

/// The delta, if it is one of those that the batch spans: outside, it would name another batch's offset.
pub(super) fn checked_offset_delta(header: &BatchHeader, raw: &RawRecord<'_>) -> Result<u32, RecordDamage> {
    u32::try_from(raw.offset_delta)
        .ok()
        .filter(|delta| *delta <= header.last_offset_delta())
        .ok_or(RecordDamage::OffsetDelta(raw.offset_delta))
}

/// The record's timestamp, as the wire has it. Like Java's, the sum wraps.
pub(super) fn record_timestamp(header: &BatchHeader, raw: &RawRecord<'_>) -> i64 {
    match header.attributes().timestamp_type() {
        TimestampType::CreateTime => header.raw().base_timestamp.wrapping_add(raw.timestamp_delta),
        TimestampType::LogAppendTime => header.raw().max_timestamp,
    }
}

/// A record before its deltas are added up.
pub(super) struct RawRecord<'a> {
    pub(super) timestamp_delta: i64,
    pub(super) offset_delta: i32,
    pub(super) key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    headers: Headers<'a>,
}

impl<'a> RawRecord<'a> {
    /// Takes one record off the front of `rest`, its headers walked.
    #[inline]
    pub(super) fn take(rest: &mut &'a [u8]) -> Result<Self, RecordDamage> {
        let length = varint::take_i32(rest)?;
        let mut body =
            take_bytes(rest, length)?.ok_or(RecordDamage::Length { claimed: length, available: rest.len() })?;
        // The attributes of a record mean nothing.
        body.split_off_first().ok_or(VarintError::Truncated)?;
        let timestamp_delta = varint::take_i64(&mut body)?;
        let offset_delta = varint::take_i32(&mut body)?;
        let key = take_nullable(&mut body)?;
        let value = take_nullable(&mut body)?;
        let count = varint::take_i32(&mut body)?;
        let headers = if count == 0 { Headers::default() } else { take_headers(&mut body, count)? };
        if !body.is_empty() {
            return Err(RecordDamage::Leftover(body.len()));
        }
        Ok(Self { timestamp_delta, offset_delta, key, value, headers })
    }
}

fn take_headers<'a>(body: &mut &'a [u8], count: i32) -> Result<Headers<'a>, RecordDamage> {
    let bytes = *body;
    let refused = RecordDamage::HeaderCount { count, available: bytes.len() };
    // A header takes two bytes at least.
    let count = u32::try_from(count).ok().filter(|count| *count as usize <= bytes.len() / 2).ok_or(refused)?;
    for _ in 0..count {
        take_header(body)?;
    }
    Ok(Headers { bytes: &bytes[..bytes.len() - body.len()], count })
}

fn take_header<'a>(bytes: &mut &'a [u8]) -> Result<Header<'a>, RecordDamage> {
    let length = varint::take_i32(bytes)?;
    let key = take_bytes(bytes, length)?.ok_or(RecordDamage::HeaderKey(length))?;
    Ok(Header { key, value: take_nullable(bytes)? })
}

/// A length and as many bytes; `None` for null.
#[inline]
fn take_nullable<'a>(bytes: &mut &'a [u8]) -> Result<Option<&'a [u8]>, RecordDamage> {
    let length = varint::take_i32(bytes)?;
    take_bytes(bytes, length)
}

/// `length` bytes; `None` where that is negative.
#[inline]
fn take_bytes<'a>(bytes: &mut &'a [u8], length: i32) -> Result<Option<&'a [u8]>, RecordDamage> {
    let Ok(count) = usize::try_from(length) else { return Ok(None) };
    match bytes.split_off(..count) {
        Some(taken) => Ok(Some(taken)),
        None => Err(RecordDamage::Length { claimed: length, available: bytes.len() }),
    }
}
