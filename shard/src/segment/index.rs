//! The index of a segment: one record for each span of whole batches.
//!
//! A span is the unit of finding (by offset, by time) and of checking: its CRC-32C covers the bytes as they lie in the
//! segment, base offsets and leader epochs included, and it lies in another file, so that a lost or misdirected write
//! of either shows. Records have a fixed size and a check of their own.
//!
//! ```text
//!  0         4          8         12         16              24       28           32
//! +---------+----------+---------+----------+---------------+--------+------------+
//! | offset  | position | length  | data crc | max timestamp | count  | record crc |
//! +---------+----------+---------+----------+---------------+--------+------------+
//! ```
//!
//! `offset` is relative to the segment's base; `count` is how many offsets the span covers. Record 0 is the file's
//! header: magic and version in the first 8 bytes, the base offset in the next 8.

use std::path::Path;

use base::{Offset, Timestamp};
use rt::{Disk, DiskError, OpenMode};
use wire::batch::BatchHeader;

use crate::bytes::{FieldReader, position, u32_at, u64_at};
use crate::write_back::write_bytes_at;
use crate::{flush, limits};

pub const RECORD_BYTES: usize = 32;
const MAGIC: &[u8; 4] = b"CLIX";
const VERSION: u32 = 1;

/// A run of whole batches in one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub base: Offset,
    /// Offset after the last record.
    pub end: Offset,
    /// Position in the segment, in bytes.
    pub position: u32,
    pub length: u32,
    pub crc: u32,
    /// Largest timestamp in the span, as the wire has it: -1 when no record has one.
    pub max_timestamp: i64,
}

impl Span {
    /// A span that begins here and holds nothing yet.
    pub fn empty(base: Offset, position: u32) -> Self {
        Self { base, end: base, position, length: 0, crc: 0, max_timestamp: -1 }
    }

    /// Takes in one more batch, given in pieces. Whether the span is long enough then.
    pub(crate) fn add(&mut self, batch: &[&[u8]], end: Offset, max_timestamp: i64) -> bool {
        for piece in batch {
            self.crc = wire::batch::crc::append(self.crc, piece);
            self.length += position(piece.len());
        }
        self.end = end;
        self.max_timestamp = self.max_timestamp.max(max_timestamp);
        self.length >= limits::SPAN_BYTES_MIN
    }

    pub fn end_position(&self) -> u32 {
        self.position + self.length
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub fn encode(&self, segment: Offset) -> [u8; RECORD_BYTES] {
        let relative = u32::try_from(self.base.since(segment)).expect("a segment holds fewer than 2^32 offsets");
        let count = u32::try_from(self.end.since(self.base)).expect("a span holds fewer than 2^32 offsets");
        let mut out = [0; RECORD_BYTES];
        out[0..4].copy_from_slice(&relative.to_le_bytes());
        out[4..8].copy_from_slice(&self.position.to_le_bytes());
        out[8..12].copy_from_slice(&self.length.to_le_bytes());
        out[12..16].copy_from_slice(&self.crc.to_le_bytes());
        out[16..24].copy_from_slice(&self.max_timestamp.to_le_bytes());
        out[24..28].copy_from_slice(&count.to_le_bytes());
        let check = wire::batch::crc::crc32c(&out[..28]);
        out[28..32].copy_from_slice(&check.to_le_bytes());
        out
    }

    /// `None` when the record's check fails or its numbers make no sense.
    pub fn decode(record: &[u8], segment: Offset) -> Option<Self> {
        if record.len() != RECORD_BYTES || wire::batch::crc::crc32c(&record[..28]) != u32_at(record, 28) {
            return None;
        }
        let mut fields = FieldReader::new(record);
        let relative = fields.u32()?;
        let (position, length, crc) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let (max_timestamp, count) = (fields.i64()?, fields.u32()?);
        let base = Offset::new(segment.get().checked_add(u64::from(relative))?)?;
        let end = Offset::new(base.get().checked_add(u64::from(count))?)?;
        position.checked_add(length)?;
        (length > 0 && count > 0).then_some(Self { base, end, position, length, crc, max_timestamp })
    }
}

/// The spans of a segment that is gone through batch by batch.
#[derive(Default)]
pub(crate) struct SpanBuilder {
    closed: Vec<Span>,
    open: Option<Span>,
}

impl SpanBuilder {
    /// Takes in the next batch, which lies at this position.
    pub(crate) fn add(&mut self, header: &BatchHeader, batch: &[u8], position: u32) {
        let span = self.open.get_or_insert_with(|| Span::empty(header.base_offset(), position));
        let max_timestamp = header.max_timestamp().map_or(-1, Timestamp::to_wire);
        if span.add(&[batch], header.next_offset(), max_timestamp) {
            self.closed.extend(self.open.take());
        }
    }

    pub(crate) fn finish(mut self) -> Vec<Span> {
        self.closed.extend(self.open);
        self.closed
    }
}

/// The records of some spans.
pub(crate) fn encode_records(segment: Offset, spans: &[Span]) -> Vec<u8> {
    spans.iter().flat_map(|span| span.encode(segment)).collect()
}

/// Writes the index of a finished segment, whole, and flushes it. Gives its bytes.
pub(crate) async fn write_file(
    disk: &dyn Disk,
    (path, mode): (&Path, OpenMode),
    segment: Offset,
    spans: &[Span],
) -> Result<u64, DiskError> {
    let bytes = [&encode_header(segment)[..], &encode_records(segment, spans)].concat();
    let file = disk.open(path, mode).await?;
    write_bytes_at(&*file, 0, &bytes).await?;
    file.set_len(bytes.len() as u64).await?;
    flush::sync(&*file).await?;
    file.close().await?;
    Ok(bytes.len() as u64)
}

pub fn encode_header(segment: Offset) -> [u8; RECORD_BYTES] {
    let mut out = [0; RECORD_BYTES];
    out[0..4].copy_from_slice(MAGIC);
    out[4..8].copy_from_slice(&VERSION.to_le_bytes());
    out[8..16].copy_from_slice(&segment.get().to_le_bytes());
    let check = wire::batch::crc::crc32c(&out[..28]);
    out[28..32].copy_from_slice(&check.to_le_bytes());
    out
}

pub fn is_header(record: &[u8], segment: Offset) -> bool {
    record.len() == RECORD_BYTES
        && record[0..4] == *MAGIC
        && u32_at(record, 4) == VERSION
        && u64_at(record, 8) == segment.get()
        && wire::batch::crc::crc32c(&record[..28]) == u32_at(record, 28)
}

/// Where the record after `count` spans lies in the index file.
pub fn record_position(count: u32) -> u64 {
    (1 + u64::from(count)) * RECORD_BYTES as u64
}

/// The spans of an index file that continue each other from the start; stops at the first record that does not.
pub fn decode_file(bytes: &[u8], segment: Offset) -> Vec<Span> {
    let mut records = bytes.chunks_exact(RECORD_BYTES);
    if !records.next().is_some_and(|record| is_header(record, segment)) {
        return Vec::new();
    }
    let mut spans: Vec<Span> = Vec::new();
    for record in records {
        let Some(span) = Span::decode(record, segment) else { break };
        let expected = spans.last().map_or((segment, 0), |last| (last.end, last.end_position()));
        // Offsets may skip where compaction removed records; positions never do.
        if span.base < expected.0 || span.position != expected.1 {
            break;
        }
        spans.push(span);
    }
    spans
}

/// The span that holds `offset`, or the first one after it.
pub fn find_offset(spans: &[Span], offset: Offset) -> usize {
    spans.partition_point(|span| span.end <= offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(value: u64) -> Offset {
        Offset::new(value).unwrap()
    }

    fn spans() -> Vec<Span> {
        let first = Span { base: offset(100), end: offset(110), position: 0, length: 50, crc: 1, max_timestamp: 7 };
        let second = Span { base: offset(110), end: offset(111), position: 50, length: 9, crc: 2, max_timestamp: -1 };
        vec![first, second]
    }

    fn file() -> Vec<u8> {
        let mut bytes = encode_header(offset(100)).to_vec();
        for span in spans() {
            bytes.extend_from_slice(&span.encode(offset(100)));
        }
        bytes
    }

    #[test]
    fn an_index_is_read_back_up_to_the_first_record_that_is_not_whole() {
        let bytes = file();
        assert_eq!(decode_file(&bytes, offset(100)), spans());
        assert_eq!(decode_file(&bytes, offset(101)), [], "another segment's index");
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            let whole = at / RECORD_BYTES;
            assert_eq!(decode_file(&damaged, offset(100)), spans()[..whole.saturating_sub(1).min(2)], "byte {at}");
        }
    }

    #[test]
    fn zeroes_after_the_last_record_end_the_index() {
        let mut bytes = file();
        bytes.resize(4096, 0);
        assert_eq!(decode_file(&bytes, offset(100)), spans());
    }

    #[test]
    fn an_offset_is_found_in_its_span() {
        assert_eq!(find_offset(&spans(), offset(100)), 0);
        assert_eq!(find_offset(&spans(), offset(109)), 0);
        assert_eq!(find_offset(&spans(), offset(110)), 1);
        assert_eq!(find_offset(&spans(), offset(111)), 2);
    }
}
