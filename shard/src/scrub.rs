//! Scrubbing: once in an interval all segments are read and compared with their checksums, slowly, so that damage is
//! found before somebody needs the bytes.
//!
//! A pass goes through the partitions in the order of their ids, one segment at a time; nothing is kept of what is read.
//! Where it stands is written down now and then, so that a restart goes on there. Of the segment that is written to, it
//! reads what the newest checkpoint has, once, after the finished ones. What came later is left to the next pass: the
//! journal still has it, and may have it alone.

mod check;
mod standing;

use std::rc::Rc;
use std::time::Duration;

use base::{Instant, Offset, PartitionId};

use self::check::Part;
use self::standing::Standing;
use crate::limits;
use crate::log::TailSpan;
use crate::log::start::ClosedSegment;
use crate::pace::time_at_rate;
use crate::shard::Shard;

/// How segments are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScrubConfig {
    /// From the beginning of one pass to that of the next; `None` for never.
    pub interval: Option<Duration>,
    /// At most so many bytes are read in a second.
    pub bytes_per_second: u64,
}

/// What has been done since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ScrubCounts {
    pub(crate) passes: u64,
    pub(crate) segments: u64,
    pub(crate) bytes: u64,
}

/// Keeps reads apart, so that they come to no more than a rate.
pub(crate) struct Pace {
    bytes_per_second: u64,
    next: Instant,
}

/// The shard is closing.
pub(crate) struct Closing;

impl Pace {
    fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second, next: rt::now() }
    }

    /// When a read of so many bytes may begin.
    fn turn(&mut self, bytes: u64, now: Instant) -> Instant {
        let begin = self.next.max(now);
        self.next = begin.plus(time_at_rate(bytes, self.bytes_per_second));
        begin
    }
}

impl Shard {
    pub(crate) async fn scrub_segments(self: Rc<Self>) {
        let Some(interval) = self.config.scrub.interval else { return };
        let mut standing = Standing::read(&self).await;
        let mut pace = Pace::new(self.config.scrub.bytes_per_second);
        let mut pause = limits::SCRUB_FIRST.min(interval);
        loop {
            futures_lite::future::or(rt::sleep(pause), self.gate.closing()).await;
            if self.gate.is_closing() {
                return;
            }
            let now = rt::wall_clock();
            pause = standing.until_next(interval, now);
            if !pause.is_zero() {
                continue;
            }
            standing.begin(now);
            if self.pass(&mut standing, &mut pace).await.is_err() {
                standing.write(&self).await;
                return;
            }
            standing.end();
            standing.write(&self).await;
            let mut counts = self.scrubbed.get();
            counts.passes += 1;
            self.scrubbed.set(counts);
            let ScrubCounts { segments, bytes, .. } = counts;
            tracing::info!(core = %self.config.core, segments, bytes, "all segments have been read and checked up to their last checkpoint");
        }
    }

    /// Goes through all partitions from where the pass stands.
    async fn pass(&self, standing: &mut Standing, pace: &mut Pace) -> Result<(), Closing> {
        let mut written = rt::now();
        while let Some((id, slot)) = self.store.partition_from(standing.partition()) {
            standing.enter(id);
            if let Err(cause) = self.store.load_closed_segments(slot, id).await {
                tracing::warn!(%id, %cause, "the segments of a partition cannot be found to check them");
            }
            while let Some(segment) = self.next_segment(slot, standing.segment()) {
                self.check_segment(slot, id, Part::Finished(segment), pace).await?;
                standing.passed(segment.base);
                if rt::now().since(written) >= limits::SCRUB_WRITE_INTERVAL {
                    standing.write(self).await;
                    written = rt::now();
                }
            }
            if let Some(end) = self.checkpointed_end(slot) {
                self.check_segment(slot, id, Part::Checkpointed(end), pace).await?;
            }
            standing.passed_partition();
            if self.gate.is_closing() {
                return Err(Closing);
            }
            rt::yield_if_needed().await;
        }
        Ok(())
    }

    /// The oldest finished segment after one that was checked.
    fn next_segment(&self, slot: u32, after: Option<Offset>) -> Option<ClosedSegment> {
        self.store.with_slot(slot, |log| {
            log.closed_segments()?.iter().find(|segment| after.is_none_or(|after| segment.base > after)).copied()
        })?
    }

    /// Where a checkpoint has ended a segment that is not finished, if that has anything before.
    fn checkpointed_end(&self, slot: u32) -> Option<TailSpan> {
        let end = self.store.with_slot(slot, |log| {
            let end = log.checkpointed();
            log.tail_segment(end.segment).map(|_| end)
        })??;
        (end.span.end_position() > 0).then_some(end)
    }

    /// Waits until a read of so many bytes keeps to the rate.
    pub(crate) async fn wait_for_turn(&self, pace: &mut Pace, bytes: u64) -> Result<(), Closing> {
        let begin = pace.turn(bytes, rt::now());
        futures_lite::future::or(rt::sleep_until(begin), self.gate.closing()).await;
        if self.gate.is_closing() { Err(Closing) } else { Ok(()) }
    }
}

impl crate::store::Store {
    /// The first partition with this id or a larger one.
    fn partition_from(&self, from: Option<PartitionId>) -> Option<(PartitionId, u32)> {
        let logs = self.logs.borrow();
        let mut rest = match from {
            Some(from) => logs.by_id.range(from..),
            None => logs.by_id.range(..),
        };
        rest.next().map(|(id, slot)| (*id, *slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_come_to_no_more_than_the_rate_and_lost_time_is_not_caught_up() {
        let mut pace = Pace { bytes_per_second: 1_000_000, next: Instant::ZERO };
        let at = |millis| Instant::ZERO.plus(Duration::from_millis(millis));
        assert_eq!(pace.turn(500_000, at(0)), at(0));
        assert_eq!(pace.turn(100_000, at(10)), at(500));
        assert_eq!(pace.turn(1, at(610)), at(610));
        assert_eq!(pace.turn(1_000_000, at(5_000)), at(5_000));
        assert_eq!(pace.turn(1, at(5_000)), at(6_000));
    }
}
