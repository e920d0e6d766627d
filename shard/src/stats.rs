//! Figures of one shard, for metrics and tests.

use std::time::Duration;

use crate::damage::Damage;
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
    /// Bytes of segments that large batches were written straight to.
    pub direct_bytes: u64,
    /// Bytes of the journal that a start would replay now, and how many there may be.
    pub unreplayed_bytes: u64,
    pub unreplayed_bytes_max: u64,
    /// Passes over all segments, segments and bytes that were checked.
    pub scrub_passes: u64,
    pub segments_scrubbed: u64,
    pub bytes_scrubbed: u64,
    /// Places in segments that were found damaged, by readers and by scrubbing, since the start; and those that are
    /// still there.
    pub damage_found: u64,
    pub damage_known: usize,
    /// Disk operations that took longer than a second, those of them that are under way, and the longest.
    pub disk_stalls: u64,
    pub disk_stalls_under_way: usize,
    pub disk_stall_longest: Duration,
    /// How often a task kept this core for too long, and the longest time; [`rt::task_stalls`] names them.
    pub task_stalls: u64,
    pub task_stall_longest: Duration,
    pub compaction: CompactionStats,
}

/// What compaction has done since the shard was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompactionStats {
    /// Cleanings that came to their end.
    pub cleanings: u64,
    pub bytes_read: u64,
    pub bytes_written: u64,
    pub records_dropped: u64,
    /// Time that cleanings took, pauses included, also of those that were given up.
    pub time: Duration,
}

impl Shard {
    pub fn stats(&self) -> ShardStats {
        let (disk, scrubbed, tasks) = (self.disk.stalls(), self.scrubbed.get(), rt::task_stalls());
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
            unreplayed_bytes: self.journal().unrecycled_bytes(),
            unreplayed_bytes_max: self.journal().bound_of_unreplayed(),
            scrub_passes: scrubbed.passes,
            segments_scrubbed: scrubbed.segments,
            bytes_scrubbed: scrubbed.bytes,
            damage_found: self.store.damage.found(),
            damage_known: self.store.damage.known_count(),
            disk_stalls: disk.count,
            disk_stalls_under_way: disk.under_way,
            disk_stall_longest: disk.longest,
            task_stalls: tasks.iter().map(|queue| queue.count).sum(),
            task_stall_longest: tasks.iter().map(|queue| queue.longest).max().unwrap_or_default(),
            compaction: self.cleaned.stats.get(),
        }
    }

    /// What is known to be damaged in this core's segments.
    pub fn damage(&self) -> Vec<Damage> {
        self.store.damage.known()
    }
}
