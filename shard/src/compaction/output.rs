//! Writing a compacted segment and its index beside the ones that they will replace.

use std::rc::Rc;

use base::{Offset, PartitionId};
use rt::{BLOCK_BYTES, Disk, DiskError, DiskFile, IoBuf, OpenMode};
use wire::batch::BatchHeader;

use crate::bytes::position;
use crate::removal::unless_gone;
use crate::segment::index::{self, SpanBuilder};
use crate::{flush, layout, limits};

/// Bytes of one write.
const WRITE_BYTES: usize = 256 << 10;
const _: () = assert!(WRITE_BYTES.is_multiple_of(BLOCK_BYTES));

pub(super) struct Output {
    id: PartitionId,
    segment: Offset,
    file: Rc<dyn DiskFile>,
    buffer: IoBuf,
    written: u64,
    bytes: u32,
    spans: SpanBuilder,
}

/// A segment that is whole and flushed, but for the name.
pub(super) struct Finished {
    pub(super) bytes: u32,
    /// The largest timestamp of its batches, as the wire has it.
    pub(super) max_timestamp: i64,
    /// What was still to be written, index and all.
    pub(super) written: u64,
}

impl Output {
    /// Removes what an earlier attempt has left under the names that are used here.
    pub(super) async fn create(disk: &dyn Disk, id: PartitionId, segment: Offset) -> Result<Self, DiskError> {
        remove(disk, id, segment).await?;
        let path = layout::cleaned(&layout::segment_file(id, segment));
        let file = disk.open(&path, OpenMode::CreateNew).await?;
        let buffer = IoBuf::alloc(WRITE_BYTES);
        Ok(Self { id, segment, file, buffer, written: 0, bytes: 0, spans: SpanBuilder::default() })
    }

    /// Whether a batch of so many bytes still fits: positions in a segment have a limit.
    pub(super) fn has_room_for(&self, bytes: usize) -> bool {
        u64::from(self.bytes) + bytes as u64 <= u64::from(limits::SEGMENT_BYTES_MAX + limits::BATCH_BYTES_MAX)
    }

    /// Adds one whole batch. Gives the bytes that were written to the disk for that.
    pub(super) async fn append(&mut self, header: &BatchHeader, batch: &[u8]) -> Result<u64, DiskError> {
        self.spans.add(header, batch, self.bytes);
        self.bytes += position(batch.len());
        let before = self.written;
        let mut rest = batch;
        while !rest.is_empty() {
            let taken = self.buffer.append(rest);
            rest = &rest[taken..];
            if self.buffer.remaining() == 0 {
                self.write().await?;
            }
        }
        Ok(self.written - before)
    }

    async fn write(&mut self) -> Result<(), DiskError> {
        let full = std::mem::replace(&mut self.buffer, IoBuf::alloc(WRITE_BYTES));
        let bytes = full.len() as u64;
        self.file.write(full, self.written).await?;
        self.written += bytes;
        Ok(())
    }

    /// Writes the rest and the index and flushes both.
    pub(super) async fn finish(mut self, disk: &dyn Disk) -> Result<Finished, DiskError> {
        let before = self.written;
        if !self.buffer.is_empty() {
            self.write().await?;
        }
        let rest = self.written - before;
        self.file.set_len(u64::from(self.bytes)).await?;
        flush::sync(&*self.file).await?;
        self.file.close().await?;
        let spans = self.spans.finish();
        let path = layout::cleaned(&layout::index_file(self.id, self.segment));
        let index = index::write_file(disk, (&path, OpenMode::CreateNew), self.segment, &spans).await?;
        let max_timestamp = spans.iter().map(|span| span.max_timestamp).max().unwrap_or(-1);
        Ok(Finished { bytes: self.bytes, max_timestamp, written: rest + index })
    }
}

/// Removes an output that was not finished, or is not wanted.
pub(super) async fn remove(disk: &dyn Disk, id: PartitionId, segment: Offset) -> Result<(), DiskError> {
    for path in [layout::segment_file(id, segment), layout::index_file(id, segment)] {
        unless_gone(disk.remove_file(&layout::cleaned(&path)).await)?;
    }
    Ok(())
}
