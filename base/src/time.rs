//! Time as plain numbers: nobody here reads a clock.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point on a monotonic clock, in nanoseconds since some start that is the same for one process or one simulation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub u64);

impl Instant {
    pub const ZERO: Self = Self(0);

    /// Saturates at the end of time, which is 584 years after the start.
    pub const fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }

    /// Zero when `earlier` is the later one.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

const fn nanos(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000_000).saturating_add(duration.subsec_nanos() as u64)
}

/// Milliseconds since 1970-01-01 UTC, as record batches carry them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(i64);

impl Timestamp {
    /// -1 means "no timestamp" on the wire and is `None` here, as is every other negative number.
    pub const fn from_wire(value: i64) -> Option<Self> {
        if value < 0 { None } else { Some(Self(value)) }
    }

    pub const fn from_millis(millis: u64) -> Self {
        assert!(millis <= i64::MAX as u64, "a timestamp has 63 bits");
        Self(millis.cast_signed())
    }

    pub const fn to_wire(self) -> i64 {
        self.0
    }

    pub const fn as_millis(self) -> u64 {
        self.0.cast_unsigned()
    }

    /// Zero when `earlier` is the later one.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.as_millis().saturating_sub(earlier.as_millis()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_never_runs_backwards() {
        let start = Instant(5);
        assert_eq!(start.plus(Duration::from_nanos(7)), Instant(12));
        assert_eq!(start.since(Instant(12)), Duration::ZERO);
        assert_eq!(start.plus(Duration::MAX), Instant(u64::MAX));
        assert_eq!(Timestamp::from_millis(5).since(Timestamp::from_millis(9)), Duration::ZERO);
    }
}
