//! Where a request's time goes: one histogram per stage and core.

use std::cell::RefCell;
use std::time::Duration;

use base::HistogramCounts;
use hdrhistogram::Histogram;
use wire::native::{Stage, StageTimings};

/// Microseconds up to a minute, to three digits.
const MICROSECONDS_MAX: u64 = 60_000_000;

/// What metrics tell them apart by, in microseconds.
const BOUNDS: &[u64] = &[
    10, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 10_000_000,
];

pub(crate) struct Stages {
    histograms: RefCell<Vec<Histogram<u64>>>,
}

/// A stage's times, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StageSummary {
    pub(crate) count: u64,
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    pub(crate) p999: u64,
    pub(crate) max: u64,
}

impl Stages {
    pub(crate) fn new() -> Self {
        let new = || Histogram::new_with_bounds(1, MICROSECONDS_MAX, 2).expect("the bounds are valid");
        Self { histograms: RefCell::new(Stage::ALL.iter().map(|_| new()).collect()) }
    }

    pub(crate) fn record(&self, stage: Stage, microseconds: u32) {
        self.histograms.borrow_mut()[stage as usize].saturating_record(u64::from(microseconds));
    }

    pub(crate) fn record_all(&self, timings: &StageTimings) {
        for stage in Stage::ALL {
            self.record(stage, timings.get(stage));
        }
    }

    /// Each stage's times, in microseconds.
    pub(crate) async fn histograms(&self, slices: &mut rt::Slices) -> Vec<(Stage, HistogramCounts)> {
        let mut all = Vec::with_capacity(Stage::ALL.len());
        for stage in Stage::ALL {
            all.push((stage, counts_of(&self.histograms.borrow()[stage as usize])));
            slices.pause().await;
        }
        all
    }

    pub(crate) fn summaries(&self) -> Vec<(Stage, StageSummary)> {
        let histograms = self.histograms.borrow();
        let summary = |stage: Stage| {
            let histogram = &histograms[stage as usize];
            StageSummary {
                count: histogram.len(),
                p50: histogram.value_at_quantile(0.5),
                p90: histogram.value_at_quantile(0.9),
                p99: histogram.value_at_quantile(0.99),
                p999: histogram.value_at_quantile(0.999),
                max: histogram.max(),
            }
        };
        Stage::ALL.into_iter().map(|stage| (stage, summary(stage))).collect()
    }
}

/// Values that were recorded as one number fall to that one's largest; so the sum is up to a hundredth too large.
fn counts_of(histogram: &Histogram<u64>) -> HistogramCounts {
    let counts = base::Histogram::new(BOUNDS);
    for recorded in histogram.iter_recorded() {
        counts.record_many(recorded.value_iterated_to(), recorded.count_at_value());
    }
    counts.counts()
}

/// Whole microseconds; saturates at more than an hour.
pub(crate) fn microseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}
