//! How much is read from segments at a time: a disk that is kept busy by readers lets the journal's flushes wait.

use std::cell::Cell;
use std::time::Duration;

use base::Instant;
use rt::Notify;

use crate::limits;

/// So long after a flush, more are expected.
const BUSY_FOR: Duration = Duration::from_millis(100);

#[derive(Default)]
pub(super) struct ReadPace {
    in_flight: Cell<u64>,
    flushed: Cell<Option<Instant>>,
    ended: Notify,
}

/// A read under way.
pub(super) struct Reading<'a> {
    pace: &'a ReadPace,
    bytes: u64,
}

impl ReadPace {
    /// The journal has flushed records that somebody waited for.
    pub(super) fn flushed(&self, now: Instant) {
        self.flushed.set(Some(now));
    }

    fn is_beside_flushes(&self, now: Instant) -> bool {
        self.flushed.get().is_some_and(|flushed| now.since(flushed) < BUSY_FOR)
    }

    /// Largest single read.
    pub(super) fn bytes_max(&self, now: Instant) -> u32 {
        if self.is_beside_flushes(now) { limits::READ_BESIDE_FLUSHES_BYTES } else { limits::READ_AHEAD_BYTES_MAX }
    }

    /// Largest piece that the disk is asked for at once.
    pub(super) fn at_once_max(&self, now: Instant) -> usize {
        if self.is_beside_flushes(now) { limits::READ_AT_ONCE_BESIDE_FLUSHES_BYTES } else { usize::MAX }
    }

    /// Waits until a read of so many bytes may begin: one at a time beside flushes, else as many as the read-ahead cache
    /// allows. One that is larger than the limit goes alone.
    pub(super) async fn begin(&self, bytes: u32) -> Reading<'_> {
        let bytes = u64::from(bytes);
        while !self.may_begin(rt::now(), bytes) {
            self.ended.notified().await;
        }
        self.in_flight.set(self.in_flight.get() + bytes);
        Reading { pace: self, bytes }
    }

    fn may_begin(&self, now: Instant, bytes: u64) -> bool {
        let limit = if self.is_beside_flushes(now) {
            u64::from(limits::READ_BESIDE_FLUSHES_BYTES)
        } else {
            limits::READ_AHEAD_CACHE_BYTES as u64
        };
        self.in_flight.get() == 0 || self.in_flight.get() + bytes <= limit
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.pace.in_flight.set(self.pace.in_flight.get() - self.bytes);
        self.pace.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beside_flushes_reads_are_small_and_one_at_a_time() {
        let pace = ReadPace::default();
        let (start, small) = (Instant::ZERO, u64::from(limits::READ_BESIDE_FLUSHES_BYTES));
        assert_eq!(pace.bytes_max(start), limits::READ_AHEAD_BYTES_MAX);
        pace.in_flight.set(8 * small);
        assert!(pace.may_begin(start, small), "nobody waits for a flush");
        pace.flushed(start);
        assert!(!pace.may_begin(start, small) && pace.bytes_max(start) < limits::READ_AHEAD_BYTES_MAX);
        pace.in_flight.set(0);
        assert!(pace.may_begin(start, 100 * small), "one goes alone, however large");
        pace.in_flight.set(8 * small);
        assert!(pace.may_begin(start.plus(BUSY_FOR), small), "the last flush was long ago");
    }
}
