//! What group commits were like: how much they took and how long.

use std::cell::Cell;
use std::time::Duration;

use base::{Histogram, HistogramCounts};

use super::entry::Lsn;

/// Bytes of a group: a block to what may be unflushed, each four times the one before.
const BYTES: &[u64] = &[4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20];
const ENTRIES: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024];
/// Microseconds: of a fast device to one that stalls.
pub(crate) const MICROSECONDS: &[u64] = &[
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    10_000_000,
];

/// Group commits since a journal was opened. What went straight to segments is not in their bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupCommits {
    pub bytes: HistogramCounts,
    pub entries: HistogramCounts,
    /// From the moment that a group was closed until it was on the disk as its partitions ask, in microseconds.
    pub microseconds: HistogramCounts,
}

pub(super) struct Measured {
    bytes: Histogram,
    entries: Histogram,
    microseconds: Histogram,
    /// Where the next group begins.
    sealed: Cell<Lsn>,
}

impl Measured {
    pub(super) fn new(start: Lsn) -> Self {
        Self {
            bytes: Histogram::new(BYTES),
            entries: Histogram::new(ENTRIES),
            microseconds: Histogram::new(MICROSECONDS),
            sealed: Cell::new(start),
        }
    }

    /// A group was closed that ends here.
    pub(super) fn sealed(&self, end: Lsn, entries: u64) {
        self.bytes.record(end.since(self.sealed.replace(end)));
        self.entries.record(entries);
    }

    pub(super) fn done(&self, took: Duration) {
        self.microseconds.record(microseconds(took));
    }

    pub(super) fn counts(&self) -> GroupCommits {
        GroupCommits {
            bytes: self.bytes.counts(),
            entries: self.entries.counts(),
            microseconds: self.microseconds.counts(),
        }
    }
}

pub(crate) fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
