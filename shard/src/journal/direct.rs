//! The marker of a batch that is written straight to its segment.
//!
//! A large batch would cost more to write twice than its segment costs to flush. Its group writes and flushes the blocks
//! that only this batch has bytes in, and the journal holds the rest: its header, its place, and the bytes at both of its
//! ends that share a block with others. So nothing that is written to a segment later touches what a marker counts on.
//!
//! ```text
//!  0                61           69         73      77
//! +----------------+------------+----------+-------+---------------------+---------------------+
//! | batch's header | segment    | position | crc   | first bytes (0 ..)  | last bytes (0 ..)   |
//! +----------------+------------+----------+-------+---------------------+---------------------+
//! ```
//!
//! `segment` is its base offset, `position` the byte in it where the batch begins, `crc` is CRC-32C over segment,
//! position and the bytes of both ends.

use base::Offset;
use rt::BLOCK_BYTES;
use wire::batch::crc::{append, crc32c};
use wire::batch::{Batch, BatchHeader, HEADER_BYTES};

use crate::bytes::{length, position, u32_at, u64_at};
use crate::log::SegmentPosition;

/// Place and checksum, between the header and the ends.
const PLACE_BYTES: usize = 16;
/// Of the smallest batch that may go this way: at least one block is all its own.
#[expect(clippy::cast_possible_truncation, reason = "a small number")]
pub const DIRECT_BYTES_MIN: u32 = 3 * BLOCK_BYTES as u32;

/// Bytes at the ends of a batch that lie in blocks which it shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ends {
    first: usize,
    last: usize,
}

impl Ends {
    fn of(at: u32, bytes: u32) -> Self {
        let block = u32::try_from(BLOCK_BYTES).expect("a small number");
        let first = at.next_multiple_of(block) - at;
        let last = (at + bytes) % block;
        Self { first: length(first.into()), last: length(last.into()) }
    }
}

/// A marker's body after the batch's header, in pieces.
#[derive(Debug)]
pub struct Marker<'a> {
    place: [u8; PLACE_BYTES],
    /// The first bytes: those that are in the header, and those after it.
    first: [&'a [u8]; 2],
    last: &'a [u8],
}

impl<'a> Marker<'a> {
    /// Of a batch of at least [`DIRECT_BYTES_MIN`] that lies at `at`.
    pub fn new(at: SegmentPosition, header: &'a [u8; HEADER_BYTES], payload: &'a [u8]) -> Self {
        let bytes = position(HEADER_BYTES + payload.len());
        assert!(bytes >= DIRECT_BYTES_MIN, "a batch of {bytes} bytes has no block of its own");
        let ends = Ends::of(at.position, bytes);
        let in_header = ends.first.min(HEADER_BYTES);
        let first = [&header[..in_header], &payload[..ends.first - in_header]];
        let last = &payload[payload.len() - ends.last..];
        let mut place = [0; PLACE_BYTES];
        place[..8].copy_from_slice(&at.segment.get().to_le_bytes());
        place[8..12].copy_from_slice(&at.position.to_le_bytes());
        let crc = [first[0], first[1], last].into_iter().fold(crc32c(&place[..12]), append);
        place[12..].copy_from_slice(&crc.to_le_bytes());
        Self { place, first, last }
    }

    pub fn pieces(&self) -> [&[u8]; 4] {
        [&self.place, self.first[0], self.first[1], self.last]
    }
}

/// Where a marker says that its batch is, and the bytes that it holds of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed<'a> {
    pub at: SegmentPosition,
    header: &'a [u8],
    bytes: u32,
    first: &'a [u8],
    last: &'a [u8],
}

impl<'a> Placed<'a> {
    /// Reads a marker's body; `None` when it is damaged. `batch` is the header at its front.
    pub fn read(body: &'a [u8], batch: &BatchHeader) -> Option<Self> {
        let (header, rest) = body.split_at_checked(HEADER_BYTES)?;
        let (place, ends) = rest.split_at_checked(PLACE_BYTES)?;
        if append(crc32c(&place[..12]), ends) != u32_at(place, 12) {
            return None;
        }
        let at = SegmentPosition { segment: Offset::new(u64_at(place, 0))?, position: u32_at(place, 8) };
        let bytes = u32::try_from(batch.size()).ok()?;
        let end = at.position.checked_add(bytes)?;
        // Rounding up to a block stays within 32 bits, too.
        if bytes < DIRECT_BYTES_MIN || end > u32::MAX / 2 {
            return None;
        }
        let wanted = Ends::of(at.position, bytes);
        let (first, last) = ends.split_at_checked(wanted.first)?;
        (last.len() == wanted.last).then_some(Self { at, header, bytes, first, last })
    }

    /// Where the blocks begin that the batch has for itself, and how many bytes they are.
    pub fn blocks(&self) -> (u32, usize) {
        let from = self.at.position + position(self.first.len());
        (from, length(self.bytes.into()) - self.first.len() - self.last.len())
    }

    /// The batch, if these are its blocks.
    pub fn join(&self, blocks: &[u8]) -> Option<Vec<u8>> {
        let batch = [self.first, blocks, self.last].concat();
        let is_whole = batch.len() == length(self.bytes.into()) && batch.starts_with(self.header);
        let is_whole = is_whole && Batch::parse(&batch).is_ok_and(|(batch, _)| batch.verify_crc().is_ok());
        is_whole.then_some(batch)
    }
}

#[cfg(test)]
mod tests {
    use wire::batch::{BatchBuilder, BatchOptions, NewRecord};
    use wire::compress::Compressor;

    use super::*;

    fn batch(bytes: usize) -> Vec<u8> {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        builder.push(&NewRecord { value: Some(&vec![b'v'; bytes]), ..NewRecord::default() }).unwrap();
        builder.finish(&mut Compressor::new()).to_vec()
    }

    fn marker_of(at: u32, batch: &[u8]) -> Vec<u8> {
        let (header, payload) = batch.split_first_chunk::<HEADER_BYTES>().unwrap();
        let at = SegmentPosition { segment: Offset::new(77).unwrap(), position: at };
        let marker = Marker::new(at, header, payload);
        [&header[..], &marker.pieces().concat()].concat()
    }

    #[test]
    fn a_marker_and_the_blocks_between_its_ends_are_the_batch() {
        for at in [0, 1, 4_035, 4_036, 4_095, 4_096, 10_000] {
            for bytes in [12_300, 16_384, 20_001, 100_000] {
                let batch = batch(bytes);
                let body = marker_of(at, &batch);
                assert!(body.len() < HEADER_BYTES + PLACE_BYTES + 2 * BLOCK_BYTES);
                let header = BatchHeader::read(&body).unwrap();
                let placed = Placed::read(&body, &header).expect("it is whole");
                assert_eq!(placed.at.position, at);
                let (from, count) = placed.blocks();
                assert!(from.is_multiple_of(4_096) && count.is_multiple_of(4_096) && count > 0, "{from} {count}");
                let start = (from - at) as usize;
                assert_eq!(placed.join(&batch[start..start + count]), Some(batch.clone()));
                let mut other = batch[start..start + count].to_vec();
                other[count / 2] ^= 1;
                assert_eq!(placed.join(&other), None, "a bit is wrong");
                assert_eq!(placed.join(&batch[start..start + count - 1]), None, "a byte is missing");
            }
        }
    }

    #[test]
    fn a_flipped_bit_anywhere_after_the_header_is_found() {
        let batch = batch(13_000);
        let body = marker_of(1_000, &batch);
        let header = BatchHeader::read(&body).unwrap();
        for bit in HEADER_BYTES * 8..body.len() * 8 {
            let mut damaged = body.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Placed::read(&damaged, &header), None, "bit {bit}");
        }
        for bytes in 0..body.len() {
            assert_eq!(Placed::read(&body[..bytes], &header), None, "{bytes} bytes");
        }
    }
}
