//! What retention deletes of a log, by Kafka's rules: whole segments, the oldest first, nothing that is not yet safe.

use base::{Offset, Timestamp};

use super::{PartitionLog, Retention};

/// What became of a look at a log, or what has to be found out before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    /// Everything is to be kept.
    Keep,
    /// The log is to begin here.
    BeginAt(Offset),
    /// As [`Judged::BeginAt`] its end: the active segment is among what goes and has to end first.
    BeginAtEnd,
    /// First: which finished segments are there?
    NeedsSegments,
    /// First: how new are the records of this segment?
    NeedsTime(Offset),
}

/// A segment as retention sees it.
#[derive(Clone, Copy)]
struct Segment {
    base: Offset,
    /// Offset after its last record.
    end: Offset,
    bytes: u64,
    /// Of its newest record.
    time: Option<Timestamp>,
}

impl PartitionLog {
    pub(crate) fn judge(&self, now: Timestamp) -> Judged {
        let Retention { time, bytes } = self.spec.retention;
        if (time.is_none() && bytes.is_none()) || self.promised_start == self.end || self.leaving {
            return Judged::Keep;
        }
        if self.closed.is_none() {
            return Judged::NeedsSegments;
        }
        let all: u64 = self.segments_from_start().map(|segment| segment.bytes).sum();
        // As long as the oldest segment fits into what is too much, it goes.
        let mut too_much = bytes.and_then(|bytes| all.checked_sub(bytes));
        let mut start = self.promised_start;
        for segment in self.segments_from_start() {
            if segment.end > self.stable || segment.bytes == 0 {
                break;
            }
            match too_much.and_then(|too_much| too_much.checked_sub(segment.bytes)) {
                Some(less) => too_much = Some(less),
                None => {
                    too_much = None;
                    let Some(limit) = time else { break };
                    let Some(newest) = segment.time else { return Judged::NeedsTime(segment.base) };
                    if now.since(newest) <= limit {
                        break;
                    }
                }
            }
            start = segment.end;
        }
        match start {
            start if start == self.promised_start => Judged::Keep,
            start if start == self.end && self.active().bytes > 0 => Judged::BeginAtEnd,
            start => Judged::BeginAt(start),
        }
    }

    /// Segments that hold records from the start on, oldest first.
    fn segments_from_start(&self) -> impl Iterator<Item = Segment> {
        let closed = self.closed.iter().flatten().map(|closed| (closed.base, closed.bytes, closed.time));
        let tail = self.tail.iter().map(|tail| (tail.base, tail.bytes, tail.newest()));
        let all = closed.chain(tail);
        let ends = all.clone().skip(1).map(|(base, ..)| base).chain([self.end]);
        let start = self.promised_start;
        all.zip(ends).filter_map(move |((base, bytes, time), end)| {
            (end > start).then_some(Segment { base, end, bytes: u64::from(bytes), time })
        })
    }

    /// Retention takes the newest record of a segment for one of this time.
    pub(crate) fn note_segment_time(&mut self, segment: Offset, time: Timestamp) {
        if let Some(tail) = self.tail.iter_mut().find(|tail| tail.base == segment) {
            tail.written.get_or_insert(time);
        } else if let Some(closed) = self.closed.iter_mut().flatten().find(|closed| closed.base == segment) {
            closed.time.get_or_insert(time);
        }
    }

    /// Ends the active segment although nothing is appended: all of it is about to be deleted.
    pub(crate) fn roll_idle(&mut self) {
        if !self.leaving {
            self.roll();
            self.dirty = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use base::{LeaderEpoch, PartitionId, TopicId};
    use wire::batch::HEADER_BYTES;

    use super::*;
    use crate::checkpoint::PartitionRow;
    use crate::journal::Durability;
    use crate::log::{AppendBatch, BY_RULE, PartitionSpec};
    use crate::pool::ChunkPool;

    /// Bytes of each batch; two of them are a segment.
    const BATCH: u32 = 1_000;

    /// A log of batches with these timestamps in milliseconds, -1 for none; all of it safe.
    fn log_of(timestamps: &[i64], retention: Retention) -> PartitionLog {
        let id = PartitionId::new(TopicId::METADATA, 0);
        let spec = PartitionSpec { retention, ..PartitionSpec::new(id, 2 * BATCH, Durability::Flushed) };
        let mut log = PartitionLog::from_row(spec, &PartitionRow::new(id));
        let pool = ChunkPool::new(1 << 30);
        let payload = vec![0; BATCH as usize - HEADER_BYTES];
        for max_timestamp in timestamps {
            let (header, leader_epoch) = ([0; HEADER_BYTES], LeaderEpoch::ZERO);
            let batch = AppendBatch {
                header: &header,
                payload: &payload,
                offsets: 1,
                max_timestamp: *max_timestamp,
                leader_epoch,
            };
            log.append(batch, BY_RULE, &pool, || at(5_000));
        }
        log.advance_stable(log.end(), log.end_position());
        log
    }

    fn at(milliseconds: u64) -> Timestamp {
        Timestamp::from_millis(milliseconds)
    }

    fn begin(offset: u64) -> Judged {
        Judged::BeginAt(Offset::new(offset).unwrap())
    }

    const fn for_milliseconds(time: u64) -> Retention {
        Retention { time: Some(Duration::from_millis(time)), bytes: None }
    }

    const fn of_bytes(bytes: u64) -> Retention {
        Retention { time: None, bytes: Some(bytes) }
    }

    #[test]
    fn a_segment_goes_when_its_newest_record_is_too_old_and_those_after_it_wait_for_it() {
        let log = log_of(&[10, 30, 20, 20, 40, 50, 60], for_milliseconds(100));
        assert_eq!(log.judge(at(130)), Judged::Keep);
        assert_eq!(log.judge(at(131)), begin(4));
        assert_eq!(log.judge(at(150)), begin(4));
        assert_eq!(log.judge(at(151)), begin(6));
        assert_eq!(log.judge(at(160)), begin(6));
        assert_eq!(log.judge(at(161)), Judged::BeginAtEnd, "the active segment goes as well");
        assert_eq!(log_of(&[10, 1_000, 10, 10], for_milliseconds(100)).judge(at(500)), Judged::Keep);
        assert_eq!(log_of(&[10; 9], Retention::default()).judge(at(1 << 40)), Judged::Keep);
    }

    #[test]
    fn what_is_not_yet_safe_is_kept() {
        let mut log = log_of(&[10; 5], for_milliseconds(0));
        assert_eq!(log.judge(at(11)), Judged::BeginAtEnd);
        let more = log_of(&[10; 3], for_milliseconds(0));
        log.stable = more.stable;
        assert_eq!(log.judge(at(11)), begin(2));
    }

    #[test]
    fn the_oldest_segments_go_as_long_as_what_is_left_is_no_less_than_retention_bytes() {
        let size = |bytes| log_of(&[10; 7], of_bytes(bytes)).judge(at(0));
        assert_eq!(size(7_000), Judged::Keep);
        assert_eq!(size(5_001), Judged::Keep);
        assert_eq!(size(5_000), begin(2));
        assert_eq!(size(1_001), begin(4));
        assert_eq!(size(1_000), begin(6));
        assert_eq!(size(1), begin(6));
        assert_eq!(size(0), Judged::BeginAtEnd);
        let both = Retention { bytes: Some(5_000), ..for_milliseconds(100) };
        assert_eq!(log_of(&[1, 1, 500, 1, 1, 1, 1], both).judge(at(300)), begin(2));
        assert_eq!(log_of(&[1, 1, 1, 1, 500, 1, 1], both).judge(at(300)), begin(4));
    }

    #[test]
    fn records_that_are_deleted_already_count_for_nothing() {
        let mut log = log_of(&[10; 7], of_bytes(3_000));
        log.promise_start(Offset::new(3).unwrap());
        // The segment that the log begins in counts whole.
        assert_eq!(log.judge(at(0)), begin(4));
        log.promise_start(Offset::new(4).unwrap());
        assert_eq!(log.judge(at(0)), Judged::Keep);
        log.promise_start(log.end());
        assert_eq!(log.judge(at(0)), Judged::Keep);
    }

    #[test]
    fn a_segment_that_was_ended_for_retention_is_not_ended_again() {
        let mut log = log_of(&[10; 3], for_milliseconds(0));
        assert_eq!(log.judge(at(11)), Judged::BeginAtEnd);
        log.roll_idle();
        assert_eq!(log.judge(at(11)), begin(3));
    }

    #[test]
    fn a_segment_without_timestamps_is_as_old_as_its_last_write_or_else_as_what_is_known_of_it() {
        let log = log_of(&[-1, -1, -1], for_milliseconds(100));
        assert_eq!(log.judge(at(5_100)), Judged::Keep);
        assert_eq!(log.judge(at(5_101)), Judged::BeginAtEnd);
        // In the next life nobody knows.
        let mut log = PartitionLog::from_row(log.spec, &log.row(bytes::Bytes::new()));
        assert_eq!(log.judge(at(9_000)), Judged::NeedsSegments);
        log.closed_segments_are(std::iter::empty());
        let active = log.active().base;
        assert_eq!(log.judge(at(9_000)), Judged::NeedsTime(active));
        log.note_segment_time(active, at(9_000));
        assert_eq!(log.judge(at(9_100)), Judged::Keep);
        assert_eq!(log.judge(at(9_101)), Judged::BeginAtEnd);
    }
}
