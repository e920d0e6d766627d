//! Figures of one shard, for metrics and tests.

use std::time::Duration;

use base::HistogramCounts;
use rt::DiskOperations;

use crate::damage::Damage;
use crate::journal::measured::GroupCommits;
use crate::limits;
use crate::shard::Shard;
use crate::traffic::Traffic;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardStats {
    pub partitions: usize,
    pub traffic: Traffic,
    /// Bytes of chunks, readers' holds included, and their budget.
    pub cache_bytes: u64,
    pub cache_bytes_max: u64,
    /// Segment files that are kept open, and how many may be.
    pub files_open: usize,
    pub files_open_max: usize,
    /// Bytes of chunks that are in no segment file yet.
    pub dirty_bytes: u64,
    /// Appends that wait for room, and how many may.
    pub appends_waiting: usize,
    pub appends_waiting_max: usize,
    /// Share of the journal, in percent, that waits to be recycled.
    pub journal_used_percent: u64,
    /// Number of the next checkpoint.
    pub next_checkpoint: u64,
    pub accepts_appends: bool,
    /// What the disk last said is free, and below how much appends are refused.
    pub free_bytes: Option<u64>,
    pub free_bytes_floor: u64,
    /// Appends are refused for want of space.
    pub is_short_of_space: bool,
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
            partitions: self.store.logs.borrow().by_id.len(),
            traffic: self.traffic.get(),
            cache_bytes: self.store.pool.in_use(),
            cache_bytes_max: self.config.cache_bytes,
            files_open: self.store.write_back.open_files.count(),
            files_open_max: self.config.open_files_max,
            dirty_bytes: self.store.pool.dirty(),
            appends_waiting: self.turnstile.len(),
            appends_waiting_max: self.turnstile.limit(),
            journal_used_percent: self.journal().used_percent(),
            next_checkpoint: self.next_checkpoint.get(),
            accepts_appends: self.failed().is_none() && !self.space.is_short(),
            free_bytes: self.space.free(),
            free_bytes_floor: self.tuning.get().free_space_floor,
            is_short_of_space: self.space.is_short(),
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
        self.first_damage(limits::DAMAGE_KNOWN_MAX)
    }

    /// At most so much of it.
    pub fn first_damage(&self, most: usize) -> Vec<Damage> {
        self.store.damage.known(most)
    }

    /// What the shard's disk was asked, by kinds of operations.
    pub fn disk_operations(&self) -> Vec<DiskOperations> {
        self.disk.operations()
    }

    /// What group commits were like.
    pub fn group_commits(&self) -> GroupCommits {
        self.journal().group_commits()
    }

    /// How long checkpoints took that came to their end, in microseconds.
    pub fn checkpoint_times(&self) -> HistogramCounts {
        self.checkpoint_times.counts()
    }

    /// Bytes of all segments of this core. In slices: there may be many thousands of partitions.
    pub async fn segment_bytes(&self) -> u64 {
        let (mut bytes, mut slot, mut slices) = (0, 0, rt::Slices::begin());
        while slot < self.store.slots().end {
            bytes += self.store.with_slot(slot, |log| log.bytes()).unwrap_or(0);
            slot += 1;
            slices.pause().await;
        }
        bytes
    }
}
