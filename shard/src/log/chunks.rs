//! The chunks of a partition: its newest bytes in memory, in large aligned pieces as they go to the segment files.

use std::collections::VecDeque;

use bytes::Bytes;
use rt::{BLOCK_BYTES, IoBuf};

pub(crate) use self::direct::DirectBlocks;
use super::SegmentPosition;
use crate::bytes::{block_floor, length, position};
use crate::limits;
use crate::pool::ChunkPool;

mod direct;

/// A run of one segment's bytes in memory. `at` is where byte 0 of the buffer lies, a multiple of the block size.
pub(crate) struct Chunk {
    at: SegmentPosition,
    /// The buffer's bytes before this are not ours: they are on disk, from before this chunk was begun.
    head: usize,
    buffer: IoBuf,
    /// The buffer's bytes before this are in the segment file.
    written: usize,
    in_flight: bool,
}

/// One write to a segment file.
pub(crate) struct SegmentWrite {
    /// Names the chunk when the write is reported done.
    pub(crate) chunk: SegmentPosition,
    /// Where the buffer goes: a multiple of the block size.
    pub(crate) at: SegmentPosition,
    pub(crate) buffer: IoBuf,
    /// So many bytes at the buffer's front must be read from the file first and filled in.
    pub(crate) head: usize,
    /// What of the chunk is in the file once this write is done.
    pub(crate) written: usize,
}

#[derive(Default)]
pub(crate) struct Chunks {
    list: VecDeque<Chunk>,
    /// So many chunks from the front are known to be in their files whole. There can be thousands: nobody walks them.
    clean: usize,
    next_bytes: usize,
}

/// Which chunks a write may be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteWhat {
    /// Chunks that nothing more will be added to.
    Complete,
    /// Everything, for a checkpoint.
    Everything,
    /// The blocks of a batch that goes straight to its segment.
    Direct(DirectBlocks),
}

impl Chunk {
    fn end(&self) -> SegmentPosition {
        SegmentPosition { position: self.at.position + position(self.buffer.len()), ..self.at }
    }

    fn start(&self) -> SegmentPosition {
        SegmentPosition { position: self.at.position + position(self.head), ..self.at }
    }

    /// So many of the buffer's bytes lie before `allowed`.
    fn allowed_bytes(&self, allowed: SegmentPosition) -> usize {
        if self.end() <= allowed {
            return self.buffer.len();
        }
        if allowed.segment != self.at.segment || allowed.position <= self.at.position {
            return 0;
        }
        length(u64::from(allowed.position - self.at.position))
    }

    fn is_clean(&self) -> bool {
        self.written >= self.buffer.len() && !self.in_flight
    }

    fn dirty_bytes(&self) -> u64 {
        (self.buffer.len() - self.written) as u64
    }
}

impl Chunks {
    /// Adds bytes that go to `at`, which is where the last ones ended or the start of a new segment.
    pub(crate) fn append(&mut self, mut at: SegmentPosition, mut bytes: &[u8], pool: &ChunkPool) {
        pool.add_dirty(bytes.len() as u64);
        while !bytes.is_empty() {
            if !self.last_takes(at) {
                self.begin(at, bytes.len(), pool);
            }
            let last = self.list.back().expect("a chunk was begun");
            let taken = last.buffer.append(bytes);
            bytes = &bytes[taken..];
            at.position += position(taken);
        }
    }

    fn begin(&mut self, at: SegmentPosition, bytes: usize, pool: &ChunkPool) {
        let grown = self.next_bytes.clamp(limits::CHUNK_BYTES_MIN, limits::CHUNK_BYTES_MAX);
        let head = head_of(at);
        // A batch that is large for its partition gets a chunk that holds it, up to the largest size.
        let wanted = (head + bytes).next_multiple_of(BLOCK_BYTES).min(limits::CHUNK_BYTES_MAX);
        let capacity = grown.max(wanted);
        self.next_bytes = capacity * limits::CHUNK_GROWTH;
        self.push(at, capacity, pool);
    }

    /// Begins a chunk of the block that `at` lies in and those after it.
    fn push(&mut self, at: SegmentPosition, capacity: usize, pool: &ChunkPool) {
        let head = head_of(at);
        let buffer = pool.allocate(capacity);
        buffer.advance(head);
        let at = SegmentPosition { position: at.position - position(head), ..at };
        self.list.push_back(Chunk { at, head, buffer, written: head, in_flight: false });
    }

    /// Whether bytes that go to `at` may go to the newest chunk.
    fn last_takes(&self, at: SegmentPosition) -> bool {
        self.list.back().is_some_and(|last| last.end() == at && last.buffer.remaining() > 0)
    }

    /// The next write, if one is due. Writes of one chunk never overlap in time.
    /// Only bytes before `allowed` are written.
    pub(crate) fn next_write(&mut self, what: WriteWhat, allowed: SegmentPosition) -> Option<SegmentWrite> {
        let mut unwritten = self.clean..self.list.len();
        let index = unwritten.find(|index| self.is_due(*index, what, allowed) && !self.list[*index].in_flight)?;
        Some(self.begin_write(index, allowed))
    }

    pub(crate) fn has_writes(&self, what: WriteWhat, allowed: SegmentPosition) -> bool {
        (self.clean..self.list.len()).any(|index| self.is_due(index, what, allowed))
    }

    fn is_due(&self, index: usize, what: WriteWhat, allowed: SegmentPosition) -> bool {
        let chunk = &self.list[index];
        let complete = index + 1 < self.list.len() || chunk.buffer.remaining() == 0;
        match what {
            WriteWhat::Complete => complete && chunk.written < chunk.buffer.len() && chunk.end() <= allowed,
            WriteWhat::Everything => chunk.written < chunk.allowed_bytes(allowed),
            WriteWhat::Direct(blocks) => blocks.contain(chunk) && chunk.written < chunk.buffer.len(),
        }
    }

    fn begin_write(&mut self, index: usize, allowed: SegmentPosition) -> SegmentWrite {
        let chunk = &mut self.list[index];
        chunk.in_flight = true;
        let written = chunk.allowed_bytes(allowed);
        let from = length(block_floor(chunk.written as u64));
        if from == 0 && chunk.head == 0 && written == chunk.buffer.capacity() {
            return SegmentWrite { chunk: chunk.at, at: chunk.at, buffer: chunk.buffer.clone(), head: 0, written };
        }
        // Blocks are in the file already or not ours, or the chunk is not full: write a copy of the blocks that changed.
        let head = chunk.head.saturating_sub(from);
        let copy = IoBuf::alloc((written - from).next_multiple_of(BLOCK_BYTES));
        copy.append(&chunk.buffer.as_slice()[from..written]);
        let at = SegmentPosition { position: chunk.at.position + position(from), ..chunk.at };
        SegmentWrite { chunk: chunk.at, at, buffer: copy, head, written }
    }

    /// A write is done (`written` as the write said) or has failed (`None`).
    pub(crate) fn end_write(&mut self, chunk: SegmentPosition, written: Option<usize>, pool: &ChunkPool) {
        let mut unwritten = self.list.iter_mut().skip(self.clean);
        let chunk = unwritten.find(|other| other.at == chunk).expect("a chunk in flight stays");
        assert!(chunk.in_flight, "the chunk at {:?} was not in flight", chunk.at);
        chunk.in_flight = false;
        if let Some(written) = written {
            pool.remove_dirty((written - chunk.written) as u64);
            chunk.written = written;
        }
        // The newest chunk may still grow.
        while self.clean + 1 < self.list.len() && self.list[self.clean].is_clean() {
            self.clean += 1;
        }
    }

    pub(crate) fn in_flight(&self) -> bool {
        self.list.iter().skip(self.clean).any(|chunk| chunk.in_flight)
    }

    /// Whether every byte before `target` is in its segment file.
    pub(crate) fn written_up_to(&self, target: SegmentPosition) -> bool {
        self.list.iter().skip(self.clean).take_while(|chunk| chunk.start() < target).all(|chunk| {
            let written = SegmentPosition { position: chunk.at.position + position(chunk.written), ..chunk.at };
            written >= target.min(chunk.end())
        })
    }

    /// The first byte that is not in its segment file.
    pub(crate) fn first_unwritten(&self) -> Option<SegmentPosition> {
        let mut chunks = self.list.iter().skip(self.clean);
        chunks.find(|chunk| chunk.written < chunk.buffer.len()).map(|chunk| {
            let written = position(chunk.written.max(chunk.head));
            SegmentPosition { position: chunk.at.position + written, ..chunk.at }
        })
    }

    /// Whether everything in the oldest chunk is in its file. Appends, and writes that end, may change that; a write that
    /// begins does not, as it is of a chunk that has something to write.
    pub(crate) fn can_evict(&self) -> bool {
        self.list.front().is_some_and(Chunk::is_clean)
    }

    /// Lets go of the oldest chunk, if everything in it is in its file. Returns how many bytes that was.
    pub(crate) fn evict_oldest(&mut self, pool: &ChunkPool) -> Option<u64> {
        if !self.can_evict() {
            return None;
        }
        let chunk = self.list.pop_front().expect("the front was looked at");
        self.clean = self.clean.saturating_sub(1);
        let bytes = chunk.buffer.capacity() as u64;
        if self.list.is_empty() {
            // Cold by now: the next chunk starts small again.
            self.next_bytes = 0;
        }
        pool.release(chunk.buffer);
        Some(bytes)
    }

    /// Lets go of everything: the partition is going away. Writes in flight keep their own hold of the memory.
    pub(crate) fn drop_all(&mut self, pool: &ChunkPool) {
        self.clean = 0;
        for chunk in self.list.drain(..) {
            pool.remove_dirty(chunk.dirty_bytes());
            pool.release(chunk.buffer);
        }
    }

    /// Where memory begins; `None` when nothing is in memory.
    pub(crate) fn start(&self) -> Option<SegmentPosition> {
        self.list.front().map(Chunk::start)
    }

    /// Copies bytes out; false when not all of them are in memory.
    pub(crate) fn copy_out(&self, mut at: SegmentPosition, mut out: &mut [u8]) -> bool {
        while !out.is_empty() {
            let Some(chunk) = self.chunk_at(at) else { return false };
            let from = length(u64::from(at.position - chunk.at.position));
            let taken = (chunk.buffer.len() - from).min(out.len());
            let (now, later) = out.split_at_mut(taken);
            now.copy_from_slice(&chunk.buffer.as_slice()[from..from + taken]);
            out = later;
            at.position += position(taken);
        }
        true
    }

    /// References to the bytes from `at` up to `end` in the same segment; `None` when not all of them are in memory.
    pub(crate) fn share(&self, mut at: SegmentPosition, end: u32, parts: &mut Vec<Bytes>) -> Option<()> {
        while at.position < end {
            let chunk = self.chunk_at(at)?;
            let from = length(u64::from(at.position - chunk.at.position));
            let to = chunk.buffer.len().min(length(u64::from(end - chunk.at.position)));
            parts.push(chunk.buffer.share(from..to));
            at.position += position(to - from);
        }
        Some(())
    }

    fn chunk_at(&self, at: SegmentPosition) -> Option<&Chunk> {
        let after = self.list.partition_point(|chunk| chunk.at <= at);
        let chunk = self.list.get(after.checked_sub(1)?)?;
        (chunk.start() <= at && at < chunk.end()).then_some(chunk)
    }
}

/// Bytes between `at` and the start of its block.
fn head_of(at: SegmentPosition) -> usize {
    length(u64::from(at.position) - block_floor(at.position.into()))
}
