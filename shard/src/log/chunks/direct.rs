//! Chunks of batches that are written straight to their segment.
//!
//! Such a batch is one write. Its chunk begins with the block that the batch before has begun, if that one is in memory
//! by itself, and ends with its own last whole block; so the chunk is full, is written without a copy, and nobody else
//! has anything to write in it. What is left over begins the next chunk of this kind.

use base::Offset;
use rt::{BLOCK_BYTES, IoBuf};

use super::{Chunk, Chunks};
use crate::bytes::{block_ceil, block_floor, length, position};
use crate::limits;
use crate::log::SegmentPosition;
use crate::pool::ChunkPool;

/// The blocks of a segment that a large batch is written to at once. What it has in other blocks shares them with its
/// neighbours, and is in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectBlocks {
    pub segment: Offset,
    pub from: u32,
    pub to: u32,
}

impl DirectBlocks {
    pub(super) fn contain(&self, chunk: &Chunk) -> bool {
        chunk.at.segment == self.segment && (self.from..self.to).contains(&chunk.at.position)
    }

    pub(crate) fn end(&self) -> SegmentPosition {
        SegmentPosition { segment: self.segment, position: self.to }
    }
}

/// What is left of a batch.
struct Rest<'a>([&'a [u8]; 2]);

impl Rest<'_> {
    fn len(&self) -> usize {
        self.0[0].len() + self.0[1].len()
    }

    /// Moves so many bytes, or all that there are or that fit.
    fn move_to(&mut self, buffer: &IoBuf, mut most: usize) {
        for piece in &mut self.0 {
            let taken = buffer.append(&piece[..piece.len().min(most)]);
            *piece = &piece[taken..];
            most -= taken;
        }
    }
}

impl Chunks {
    /// Adds a batch, header and payload, that goes to `at`, which is where the last one ended.
    pub(crate) fn append_direct(&mut self, at: SegmentPosition, batch: [&[u8]; 2], pool: &ChunkPool) -> DirectBlocks {
        let mut rest = Rest(batch);
        pool.add_dirty(rest.len() as u64);
        let to = position(length(block_floor(u64::from(at.position) + rest.len() as u64)));
        let begun = self.take_begun_block(at);
        let from = match &begun {
            Some(block) => block.at.position,
            None => self.fill_block(at, &mut rest, pool),
        };
        let mut begin = from;
        while begin < to {
            let bytes = length(u64::from(to - begin)).min(limits::DIRECT_WRITE_BYTES_MAX);
            self.push(SegmentPosition { position: begin, ..at }, bytes, pool);
            let chunk = self.list.back_mut().expect("a chunk was begun");
            if let (true, Some(block)) = (begin == from, &begun) {
                chunk.buffer.append(block.buffer.as_slice());
                chunk.written = block.written;
            }
            rest.move_to(&chunk.buffer, bytes);
            begin += position(bytes);
        }
        if let Some(block) = begun {
            pool.release(block.buffer);
        }
        if rest.len() > 0 {
            self.push(SegmentPosition { position: to, ..at }, BLOCK_BYTES, pool);
            let chunk = self.list.back().expect("a chunk was begun");
            rest.move_to(&chunk.buffer, BLOCK_BYTES);
        }
        DirectBlocks { segment: at.segment, from, to }
    }

    /// The chunk of the block that ends at `at`, if it has no other and is complete in memory.
    fn take_begun_block(&mut self, at: SegmentPosition) -> Option<Chunk> {
        let fits = self.last_takes(at);
        self.list.pop_back_if(|last| fits && last.head == 0 && last.buffer.capacity() == BLOCK_BYTES && !last.in_flight)
    }

    /// Fills the block that `at` lies in, unless it lies at its start; gives the start of the next one.
    fn fill_block(&mut self, at: SegmentPosition, rest: &mut Rest<'_>, pool: &ChunkPool) -> u32 {
        let next = position(length(block_ceil(at.position.into())));
        if next > at.position {
            if !self.last_takes(at) {
                self.push(at, BLOCK_BYTES, pool);
            }
            let last = self.list.back().expect("a chunk was begun");
            rest.move_to(&last.buffer, length(u64::from(next - at.position)));
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use base::SeededRandom;

    use super::*;
    use crate::log::chunks::WriteWhat;

    /// One segment: its chunks, the bytes that were appended, and the file as the writes have left it.
    struct Twin {
        chunks: Chunks,
        pool: ChunkPool,
        bytes: Vec<u8>,
        file: Vec<u8>,
    }

    impl Twin {
        fn new() -> Self {
            Self { chunks: Chunks::default(), pool: ChunkPool::new(1 << 30), bytes: Vec::new(), file: Vec::new() }
        }

        fn at(bytes: usize) -> SegmentPosition {
            SegmentPosition { segment: Offset::ZERO, position: position(bytes) }
        }

        fn end(&self) -> SegmentPosition {
            Self::at(self.bytes.len())
        }

        fn batch(&mut self, bytes: usize, random: &mut SeededRandom) -> (SegmentPosition, Vec<u8>) {
            let at = self.end();
            let batch: Vec<u8> = (0..bytes).map(|_| random.below(256).to_le_bytes()[0]).collect();
            self.bytes.extend_from_slice(&batch);
            (at, batch)
        }

        fn append(&mut self, bytes: usize, random: &mut SeededRandom) {
            let (at, batch) = self.batch(bytes, random);
            self.chunks.append(at, &batch, &self.pool);
        }

        fn append_direct(&mut self, bytes: usize, random: &mut SeededRandom) -> DirectBlocks {
            let (at, batch) = self.batch(bytes, random);
            let (header, payload) = batch.split_at(61);
            self.chunks.append_direct(at, [header, payload], &self.pool)
        }

        /// Carries out all writes that are due; gives how many and how many bytes, and how many of them are copies.
        fn write(&mut self, what: WriteWhat, allowed: SegmentPosition) -> (usize, usize, usize) {
            let (mut count, mut bytes, mut copies) = (0, 0, 0);
            while let Some(write) = self.chunks.next_write(what, allowed) {
                let at = length(write.at.position.into());
                let blocks = write.buffer.as_slice();
                (count, bytes) = (count + 1, bytes + blocks.len());
                copies += usize::from(!write.buffer.is_shared());
                self.file.resize(self.file.len().max(at + blocks.len().next_multiple_of(BLOCK_BYTES)), 0);
                self.file[at + write.head..at + blocks.len()].copy_from_slice(&blocks[write.head..]);
                self.chunks.end_write(write.chunk, Some(write.written), &self.pool);
            }
            (count, bytes, copies)
        }

        fn check(&self, to: usize) {
            assert!(self.file[..to] == self.bytes[..to], "the file is another");
        }
    }

    #[test]
    fn large_batches_one_after_the_other_are_one_write_each_without_a_copy() {
        let (mut twin, mut random) = (Twin::new(), SeededRandom::new(1));
        for round in 0..20 {
            let bytes = 200_000 + 997 * round;
            let blocks = twin.append_direct(bytes, &mut random);
            // The end of the batch before comes with this one.
            let wanted = length(u64::from(blocks.to - blocks.from));
            assert!(blocks.from < twin.end().position && wanted >= bytes - BLOCK_BYTES);
            assert_eq!(twin.write(WriteWhat::Direct(blocks), blocks.end()), (1, wanted, 0));
            assert_eq!(twin.write(WriteWhat::Complete, twin.end()), (0, 0, 0), "nothing is left for others");
            twin.check(length(blocks.to.into()));
        }
        assert_eq!(twin.pool.dirty(), (twin.bytes.len() % BLOCK_BYTES) as u64);
    }

    #[test]
    fn a_checkpoint_between_two_large_batches_costs_no_copy() {
        let (mut twin, mut random) = (Twin::new(), SeededRandom::new(2));
        twin.append_direct(200_001, &mut random);
        twin.write(WriteWhat::Everything, twin.end());
        assert_eq!(twin.pool.dirty(), 0);
        let blocks = twin.append_direct(200_001, &mut random);
        let written = twin.write(WriteWhat::Direct(blocks), blocks.end());
        assert_eq!((written.0, written.2), (1, 0));
        twin.check(length(blocks.to.into()));
    }

    #[test]
    fn batches_of_all_sizes_are_in_the_file_and_in_memory_whatever_is_written_when() {
        let mut taken = 0;
        for seed in 0..300 {
            let (mut twin, mut random) = (Twin::new(), SeededRandom::new(seed));
            let mut pending: Vec<DirectBlocks> = Vec::new();
            // As in a log: others write what is flushed, and that comes in order.
            let mut flushed = 0;
            for _ in 0..60 {
                match random.below(6) {
                    0 | 1 => twin.append(1 + random.index(9_000), &mut random),
                    2 | 3 => {
                        let before = twin.end().position;
                        let blocks = twin.append_direct(3 * BLOCK_BYTES + random.index(60_000), &mut random);
                        taken += usize::from(blocks.from < before);
                        pending.push(blocks);
                    }
                    4 => {
                        for blocks in pending.drain(..) {
                            twin.write(WriteWhat::Direct(blocks), blocks.end());
                        }
                        flushed = twin.bytes.len();
                    }
                    _ => {
                        let what = if random.one_in(2) { WriteWhat::Complete } else { WriteWhat::Everything };
                        twin.write(what, Twin::at(flushed));
                    }
                }
                let mut all = vec![0; twin.bytes.len()];
                assert!(twin.bytes.is_empty() || twin.chunks.copy_out(Twin::at(0), &mut all));
                assert!(all == twin.bytes, "seed {seed}: memory has something else");
            }
            twin.write(WriteWhat::Everything, twin.end());
            twin.check(twin.bytes.len());
            assert_eq!(twin.pool.dirty(), 0, "seed {seed}");
            twin.chunks.drop_all(&twin.pool);
            assert_eq!(twin.pool.in_use(), 0, "seed {seed}");
        }
        assert!(taken > 100, "the block of the batch before was taken over {taken} times");
    }
}
