//! When the active segment ends: by size, and by time as Kafka counts it.

use std::time::Duration;

use base::{Offset, SeededRandom, Timestamp};

use super::{PartitionLog, TailSegment};
use crate::limits;
use crate::segment::index::Span;

/// Whether a batch begins a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Roll {
    /// By the partition's settings.
    ByRule,
    /// It did the first time.
    Yes,
    /// It did not the first time.
    No,
}

/// Timestamps of a segment's batches, as the wire has them: -1 when there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentTimes {
    /// The largest one of the first batch.
    pub first: i64,
    /// The largest one of all batches.
    pub max: i64,
}

impl Default for SegmentTimes {
    fn default() -> Self {
        Self { first: -1, max: -1 }
    }
}

impl PartitionLog {
    /// Begins the next segment if a batch is not to go to the active one.
    pub(super) fn roll_for(&mut self, bytes: u32, timestamp: i64, roll: Roll, clock: impl Fn() -> Timestamp) {
        let active = self.active().bytes;
        let due = match roll {
            Roll::Yes => true,
            // A journal of an earlier version does not say it.
            Roll::No => active + bytes > limits::SEGMENT_BYTES_MAX,
            Roll::ByRule => {
                let is_full = active + bytes > self.spec.segment_bytes.min(limits::SEGMENT_BYTES_MAX);
                is_full || self.is_too_old_for(timestamp, clock)
            }
        };
        if active > 0 && due {
            self.roll();
        }
    }

    /// By the timestamps of its first batch and of the one that comes; by the clock if the first has none.
    fn is_too_old_for(&mut self, timestamp: i64, clock: impl Fn() -> Timestamp) -> bool {
        if self.spec.segment_time == Duration::MAX {
            return false;
        }
        let active = self.active_mut();
        let waited = match active.times.first {
            0.. => timestamp.saturating_sub(active.times.first),
            _ => {
                let now = clock();
                now.to_wire() - active.begun.get_or_insert(now).to_wire()
            }
        };
        waited > self.segment_time_ms(self.active().base)
    }

    /// `segment.ms` less a part of `segment.jitter.ms`, which is another one for each segment, so that segments of many
    /// partitions do not end together.
    fn segment_time_ms(&self, segment: Offset) -> i64 {
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let time = milliseconds(self.spec.segment_time);
        let jitter = milliseconds(self.spec.segment_jitter).min(time);
        let taken = match jitter {
            0 => 0,
            _ => {
                let id = self.spec.id;
                let topic = id.topic.as_u128();
                let names = [(topic >> 64) ^ topic, u128::from(id.index.0) << 40, u128::from(segment.get())];
                let seed = names.into_iter().fold(0, |seed, name| seed ^ name) & u128::from(u64::MAX);
                SeededRandom::new(u64::try_from(seed).expect("it was cut")).below(jitter)
            }
        };
        i64::try_from(time - taken).unwrap_or(i64::MAX)
    }

    /// A batch was added to the active segment.
    pub(super) fn note_times(&mut self, is_first: bool, timestamp: i64, clock: impl Fn() -> Timestamp) {
        let active = self.active_mut();
        if is_first {
            active.times.first = timestamp;
        }
        active.times.max = active.times.max.max(timestamp);
        if timestamp < 0 {
            let now = clock();
            active.begun.get_or_insert(now);
            active.written = Some(now);
        }
    }

    /// Ends the active segment and begins the next one at the end of the log.
    pub(super) fn roll(&mut self) {
        if !self.open_span.is_empty() {
            self.close_span();
        }
        self.open_span = Span::empty(self.end, 0);
        self.tail.push_back(TailSegment::new(self.end));
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use base::{LeaderEpoch, PartitionId, TopicId};
    use wire::batch::HEADER_BYTES;

    use super::*;
    use crate::checkpoint::PartitionRow;
    use crate::journal::Durability;
    use crate::log::{AppendBatch, BY_RULE, PartitionSpec};
    use crate::pool::ChunkPool;

    const SECOND: u64 = 1_000;

    /// A log whose segments last ten seconds, on a clock of its own.
    struct Timed {
        log: PartitionLog,
        pool: ChunkPool,
        now: Cell<u64>,
    }

    impl Timed {
        fn new(index: u32, jitter: Duration) -> Self {
            let id = PartitionId::new(TopicId::METADATA, index);
            let (segment_time, segment_jitter) = (Duration::from_secs(10), jitter);
            let spec =
                PartitionSpec { segment_time, segment_jitter, ..PartitionSpec::new(id, 1 << 20, Durability::Flushed) };
            let log = PartitionLog::from_row(spec, &PartitionRow::new(id));
            Self { log, pool: ChunkPool::new(1 << 30), now: Cell::new(1 << 40) }
        }

        /// Appends a batch with a timestamp, or with none; gives the number of segments.
        fn append(&mut self, timestamp: Option<u64>) -> usize {
            let max_timestamp = timestamp.map_or(-1, u64::cast_signed);
            let header = [0; HEADER_BYTES];
            let (payload, leader_epoch) = (&[0; 40][..], LeaderEpoch::ZERO);
            let batch = AppendBatch { header: &header, payload, offsets: 1, max_timestamp, leader_epoch };
            self.log.append(batch, BY_RULE, &self.pool, || Timestamp::from_millis(self.now.get()));
            self.log.tail.len()
        }
    }

    #[test]
    fn a_segment_ends_by_the_timestamps_of_its_first_batch_and_of_the_next() {
        let mut timed = Timed::new(0, Duration::ZERO);
        assert_eq!(timed.append(Some(50 * SECOND)), 1);
        // Time that passes without records, and records that look back, end nothing.
        timed.now.set(1 << 41);
        assert_eq!(timed.append(Some(0)), 1);
        assert_eq!(timed.append(None), 1);
        assert_eq!(timed.append(Some(60 * SECOND)), 1);
        assert_eq!(timed.append(Some(60 * SECOND + 1)), 2);
        assert_eq!(timed.append(Some(70 * SECOND + 1)), 2);
        assert_eq!(timed.log.active().times, SegmentTimes { first: 60_001, max: 70_001 });
        assert_eq!(timed.append(Some(70 * SECOND + 2)), 3);
    }

    #[test]
    fn without_a_timestamp_in_its_first_batch_a_segment_ends_by_the_clock() {
        let mut timed = Timed::new(0, Duration::ZERO);
        let begun = timed.now.get();
        assert_eq!(timed.append(None), 1);
        timed.now.set(begun + 10 * SECOND);
        assert_eq!(timed.append(Some(1)), 1);
        timed.now.set(begun + 10 * SECOND + 1);
        assert_eq!(timed.append(Some(1)), 2);
        // After a restart the clock begins anew, as in Kafka.
        let mut row = timed.log.row(bytes::Bytes::new());
        row.times.first = -1;
        timed.log = PartitionLog::from_row(timed.log.spec, &row);
        timed.now.set(begun + 50 * SECOND);
        assert_eq!(timed.append(None), 1);
        timed.now.set(begun + 61 * SECOND);
        assert_eq!(timed.append(None), 2);
    }

    #[test]
    fn jitter_ends_segments_of_different_partitions_at_different_times_and_never_late() {
        let lasted = |index| {
            let mut timed = Timed::new(index, Duration::from_secs(4));
            timed.append(Some(0));
            (0..20_000).find(|time| timed.append(Some(*time)) > 1).expect("it ends")
        };
        let all: Vec<u64> = (0..20).map(lasted).collect();
        assert!(all.iter().all(|time| (6 * SECOND..=10 * SECOND + 1).contains(time)), "{all:?}");
        assert!(all.iter().max() > all.iter().min().map(|least| least + SECOND).as_ref(), "{all:?}");
        assert_eq!(lasted(7), all[7], "a segment lasts as long in the next life");
    }
}
