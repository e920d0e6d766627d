//! Figures of one shard, for metrics and tests.

use crate::shard::Shard;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardStats {
    pub partitions: usize,
    /// Bytes of chunks, readers' holds included.
    pub cache_bytes: u64,
    /// Segment files that are kept open.
    pub files_open: usize,
    /// Bytes of chunks that are in no segment file yet.
    pub dirty_bytes: u64,
    /// Appends that wait for room.
    pub appends_waiting: usize,
    /// Share of the journal, in percent, that waits to be recycled.
    pub journal_used_percent: u64,
    /// Number of the next checkpoint.
    pub next_checkpoint: u64,
    pub accepts_appends: bool,
    /// Segments, and bytes of them, that were removed because they lay before the start of their log.
    pub segments_removed: u64,
    pub segment_bytes_removed: u64,
    /// Bytes of large batches that were written straight to their segments.
    pub direct_bytes: u64,
}

impl Shard {
    pub fn stats(&self) -> ShardStats {
        ShardStats {
            partitions: self.store.logs.borrow().slots.iter().flatten().count(),
            cache_bytes: self.store.pool.in_use(),
            files_open: self.store.write_back.open_files.count(),
            dirty_bytes: self.store.pool.dirty(),
            appends_waiting: self.turnstile.len(),
            journal_used_percent: self.journal().used_percent(),
            next_checkpoint: self.next_checkpoint.get(),
            accepts_appends: self.failed().is_none() && !self.space.is_short(),
            segments_removed: self.store.removal.segments.get(),
            segment_bytes_removed: self.store.removal.bytes.get(),
            direct_bytes: self.journal().direct_bytes(),
        }
    }
}
