//! The start of a log: how it moves forward, and which segments nobody can ask for any more.

use std::collections::VecDeque;

use base::{Offset, Timestamp};

use super::{EpochStart, Newest, PartitionLog, TailSpan};

/// A segment that is finished: whole and flushed in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClosedSegment {
    pub(crate) base: Offset,
    pub(crate) bytes: u32,
    /// Of its newest record, or of its last write if its records have no timestamps; `None` if only the file is known.
    pub(crate) time: Option<Timestamp>,
}

/// Forgets the epochs that ended before the start of a log. The one that it begins in begins there.
pub(crate) fn trim_epochs(epochs: &mut Vec<EpochStart>, start: Offset) {
    let after = epochs.partition_point(|epoch| epoch.start <= start);
    if let Some(first) = after.checked_sub(1) {
        epochs.drain(..first);
        epochs[0].start = start;
    }
}

impl PartitionLog {
    /// What is written about the log from now on says that it begins at `start`; readers see that once it is flushed,
    /// see [`PartitionLog::advance_start`]. Gives the promise that holds, which may be a later one.
    pub(crate) fn promise_start(&mut self, start: Offset) -> Offset {
        self.promised_start = self.promised_start.max(start);
        self.check();
        self.promised_start
    }

    /// It is flushed that the log begins at `start`. Whether that is news.
    pub(crate) fn advance_start(&mut self, start: Offset) -> bool {
        if start <= self.log_start {
            return false;
        }
        self.log_start = start;
        trim_epochs(&mut self.epochs, start);
        self.check();
        self.tell_followers();
        true
    }

    /// A checkpoint is flushed that has this as the active segment and its open span.
    pub(crate) fn was_checkpointed(&mut self, end: TailSpan) {
        if self.is_behind(end) {
            self.checkpointed = end;
        }
    }

    /// Whether the newest flushed checkpoint knows less of the log than this.
    pub(crate) fn is_behind(&self, end: TailSpan) -> bool {
        let place = |end: &TailSpan| (end.segment, end.span.end_position());
        place(&end) > place(&self.checkpointed)
    }

    /// Where the log ended when the newest flushed checkpoint was taken.
    pub(crate) fn checkpointed(&self) -> TailSpan {
        self.checkpointed
    }

    /// Takes the oldest closed segment if all of it lies before the start, no start of the broker would write to it, and
    /// it is not being compacted.
    pub(crate) fn take_removable(&mut self) -> Option<ClosedSegment> {
        let oldest = self.oldest_before_start()?;
        if oldest.base >= self.checkpointed.segment || self.is_held(oldest.base) {
            return None;
        }
        self.closed_bytes -= u64::from(oldest.bytes);
        self.closed.as_mut()?.pop_front()
    }

    /// Whether a segment lies before the start that cannot be removed yet.
    pub(crate) fn has_segments_before_start(&self) -> bool {
        self.oldest_before_start().is_some() || self.tail.get(1).is_some_and(|second| second.base <= self.log_start)
    }

    fn oldest_before_start(&self) -> Option<ClosedSegment> {
        let closed = self.closed.as_ref()?;
        let oldest = *closed.front()?;
        let next = closed.get(1).map_or_else(|| self.oldest_unfinished(), |next| next.base);
        (next <= self.log_start).then_some(oldest)
    }

    /// Whether a closed segment is here no more, or will not be for long: the log begins after it.
    pub(crate) fn is_before_start(&self, segment: Offset) -> bool {
        let next_closed = self.closed.iter().flatten().map(|closed| closed.base).find(|base| *base > segment);
        let next = next_closed.or_else(|| self.tail.iter().map(|tail| tail.base).find(|base| *base > segment));
        next.is_some_and(|next| next <= self.log_start)
    }

    /// Finished segments, oldest first; `None` until they were [looked for](PartitionLog::closed_segments_are).
    pub(crate) fn closed_segments(&self) -> Option<&VecDeque<ClosedSegment>> {
        self.closed.as_ref()
    }

    pub(crate) fn closed_bytes_of(&self, segment: Offset) -> Option<u32> {
        self.closed.iter().flatten().find(|closed| closed.base == segment).map(|closed| closed.bytes)
    }

    /// Segment files that were found in the partition's folder, oldest first. Unfinished ones don't count.
    pub(crate) fn closed_segments_are(&mut self, found: impl Iterator<Item = ClosedSegment>) {
        let unfinished = self.oldest_unfinished();
        let closed: VecDeque<ClosedSegment> = found.filter(|segment| segment.base < unfinished).collect();
        self.closed_bytes = closed.iter().map(|segment| u64::from(segment.bytes)).sum();
        self.closed = Some(closed);
    }

    /// The record with the largest timestamp was deleted; `newest` is the one that is left. Nothing is noted while there
    /// are records that whoever looked could not see.
    pub(crate) fn found_newest(&mut self, deleted: Newest, newest: Newest) {
        if self.newest == deleted && self.stable == self.end {
            self.newest = newest;
        }
    }

    pub(crate) fn oldest_unfinished(&self) -> Offset {
        self.tail.front().expect("a log has an active segment").base
    }
}

#[cfg(test)]
mod tests {
    use base::LeaderEpoch;

    use super::*;

    #[test]
    fn epochs_that_ended_before_the_start_are_forgotten() {
        let epoch = |epoch, start| EpochStart { epoch: LeaderEpoch::new(epoch).unwrap(), start: offset(start) };
        let all = vec![epoch(1, 0), epoch(3, 10), epoch(4, 20)];
        let trimmed = |start| {
            let mut epochs = all.clone();
            trim_epochs(&mut epochs, offset(start));
            epochs
        };
        assert_eq!(trimmed(0), all);
        assert_eq!(trimmed(9), [epoch(1, 9), epoch(3, 10), epoch(4, 20)]);
        assert_eq!(trimmed(10), [epoch(3, 10), epoch(4, 20)]);
        assert_eq!(trimmed(25), [epoch(4, 25)]);
    }

    fn offset(value: u64) -> Offset {
        Offset::new(value).unwrap()
    }
}
