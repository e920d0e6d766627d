//! What compaction has to know of a log: how far it is compacted, how much is not, and who is at its segments.

use std::collections::BTreeMap;
use std::time::Duration;

use base::{Offset, Timestamp};

use super::PartitionLog;
use super::start::ClosedSegment;
use crate::compaction::state::CompactionState;
use crate::pool::ChunkPool;

/// When and how a log is compacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compaction {
    /// `min.cleanable.dirty.ratio` in millionths: so much of the log must be dirty, and more.
    pub dirty_millionths: u32,
    /// `delete.retention.ms`: how long a tombstone stays after it was first come across.
    pub delete_retention: Duration,
    /// `min.compaction.lag.ms`: younger segments are left alone.
    pub lag_min: Duration,
    /// `max.compaction.lag.ms`: an older record is compacted whatever the ratio.
    pub lag_max: Option<Duration>,
}

/// How far a log is compacted and what is being done about it.
#[derive(Default)]
pub(crate) struct Progress {
    /// As it is on the disk; `None` until somebody has looked.
    pub(crate) state: Option<CompactionState>,
    /// Counts how often segments were replaced by others.
    pub(crate) generation: u64,
    /// Segments are being replaced in this moment: what is read may be of either.
    pub(crate) is_swapping: bool,
    /// Segments that are being compacted: nobody else removes them.
    held: Vec<Offset>,
    /// Timestamps of first batches, once they were looked up; -1 for none.
    pub(super) first_times: BTreeMap<Offset, i64>,
}

impl Progress {
    /// Nobody has to look.
    pub(super) fn of_new_log() -> Self {
        Self { state: Some(CompactionState::default()), ..Self::default() }
    }
}

/// A part of a log that may be compacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dirty {
    pub(crate) from: Offset,
    pub(crate) end: Offset,
    /// Share of the log, in millionths.
    pub(crate) millionths: u64,
}

/// What became of a look at a log, or what has to be found out before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DirtyLook {
    Nothing,
    Dirty(Dirty),
    /// First: which finished segments are there, and how far are they compacted?
    NeedsSegments,
    /// First: how new are the records of this segment?
    NeedsTime(Offset),
    /// First: of what time is its first batch?
    NeedsFirstTime(Offset),
}

/// A finished segment and where it ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reach {
    pub(crate) segment: ClosedSegment,
    /// Base offset of the next one.
    pub(crate) end: Offset,
}

impl PartitionLog {
    /// What of the log is to be compacted now, if enough of it is.
    pub(crate) fn look_for_dirt(&self, settings: &Compaction, now: Timestamp) -> DirtyLook {
        let Some(state) = self.compaction.state.as_ref().filter(|_| self.closed_segments().is_some()) else {
            return DirtyLook::NeedsSegments;
        };
        // A log that was cut by a loss is looked at anew.
        let known = if state.first_dirty > self.end() { Offset::ZERO } else { state.first_dirty };
        let from = known.max(self.log_start());
        let (mut clean_bytes, mut dirty_bytes, mut end, mut is_overdue) = (0_u64, 0_u64, from, false);
        for Reach { segment, end: segment_end } in self.reaches().filter(|reach| reach.end > self.log_start()) {
            if segment_end <= from {
                clean_bytes += u64::from(segment.bytes);
                continue;
            }
            // The one guard of what a start might write to: nothing is compacted beyond the end that this gives.
            if segment_end > self.stable() || segment.base >= self.checkpointed.segment {
                break;
            }
            if settings.lag_min > Duration::ZERO {
                let Some(time) = segment.time else { return DirtyLook::NeedsTime(segment.base) };
                if now.since(time) < settings.lag_min {
                    break;
                }
            }
            if let Some(lag) = settings.lag_max {
                match self.compaction.first_times.get(&segment.base).copied().map(Timestamp::from_wire) {
                    None => return DirtyLook::NeedsFirstTime(segment.base),
                    Some(first) => is_overdue |= first.is_some_and(|first| now.since(first) > lag),
                }
            }
            dirty_bytes += u64::from(segment.bytes);
            end = segment_end;
        }
        let millionths = (dirty_bytes * MILLION).checked_div(clean_bytes + dirty_bytes).unwrap_or_default();
        match dirty_bytes > 0 && (is_overdue || millionths > u64::from(settings.dirty_millionths)) {
            true => DirtyLook::Dirty(Dirty { from, end, millionths }),
            false => DirtyLook::Nothing,
        }
    }

    /// Whether the active segment has to end so that its oldest record is compacted in time.
    pub(crate) fn is_active_overdue(&self, settings: &Compaction, now: Timestamp) -> bool {
        let first = Timestamp::from_wire(self.active().times.first).filter(|_| self.active().bytes > 0);
        settings.lag_max.zip(first).is_some_and(|(lag, first)| now.since(first) > lag)
    }

    pub(crate) fn note_first_time(&mut self, segment: Offset, time: i64) {
        self.compaction.first_times.insert(segment, time);
    }

    /// Finished segments, oldest first, each with its end. The last ones may be such that a start might write to.
    pub(crate) fn reaches(&self) -> impl Iterator<Item = Reach> {
        let closed = self.closed_segments().into_iter().flatten();
        let ends = closed.clone().skip(1).map(|segment| segment.base).chain([self.oldest_unfinished()]);
        closed.zip(ends).map(|(segment, end)| Reach { segment: *segment, end })
    }

    /// Keeps others from removing these segments; false if not all of them are there.
    pub(crate) fn hold_segments(&mut self, segments: &[Offset]) -> bool {
        let closed = self.closed_segments().into_iter().flatten();
        let there = closed.filter(|segment| segments.contains(&segment.base)).count();
        let all = there == segments.len();
        if all {
            self.compaction.held = segments.to_vec();
        }
        all
    }

    pub(crate) fn let_go_of_segments(&mut self) {
        self.compaction.held.clear();
    }

    pub(crate) fn is_held(&self, segment: Offset) -> bool {
        self.compaction.held.contains(&segment)
    }

    /// From here until [`PartitionLog::end_swap`], files of segments do not belong together.
    pub(crate) fn begin_swap(&mut self) {
        self.compaction.is_swapping = true;
        self.compaction.generation += 1;
    }

    pub(crate) fn end_swap(&mut self) {
        self.compaction.is_swapping = false;
        self.compaction.generation += 1;
    }

    /// One segment has taken the place of some. What memory holds of those lies elsewhere now.
    pub(crate) fn replace_segments(&mut self, replaced: &[Offset], segment: ClosedSegment, pool: &ChunkPool) {
        while self.chunks.start().is_some_and(|start| replaced.last().is_some_and(|last| start.segment <= *last)) {
            self.chunks.evict_oldest(pool).expect("all of a finished segment is in its file");
        }
        self.forget_old_spans();
        for base in replaced {
            self.compaction.first_times.remove(base);
        }
        let Some(closed) = &mut self.closed else { return };
        let Some(at) = closed.iter().position(|old| old.base == segment.base) else { return };
        closed.retain(|old| !replaced.contains(&old.base));
        closed.insert(at, segment);
        self.closed_bytes = closed.iter().map(|segment| u64::from(segment.bytes)).sum();
        // What is cleaned is stable to its end; and what is left of it may be longer than it was, if it was compressed.
        if self.stable_position.segment == segment.base {
            self.stable_position.position = segment.bytes;
        }
    }
}

const MILLION: u64 = 1_000_000;
