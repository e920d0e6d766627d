//! Counts of what falls between fixed bounds: what a metric can be made of without knowing what will be asked of it.

use std::cell::Cell;

/// A count for each range between bounds that were chosen beforehand. Taking one in costs a search of the bounds and two
/// additions.
#[derive(Clone, Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// Of each range up to its bound, inclusive, and of what lies beyond the last.
    counts: Box<[Cell<u64>]>,
    sum: Cell<u64>,
}

/// A histogram at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistogramCounts {
    /// The largest value of each range but the last, which has none. They rise.
    pub bounds: &'static [u64],
    /// One more than there are bounds.
    pub counts: Vec<u64>,
    pub sum: u64,
}

impl Histogram {
    pub fn new(bounds: &'static [u64]) -> Self {
        assert!(bounds.is_sorted_by(|left, right| left < right), "the bounds of a histogram rise: {bounds:?}");
        Self { bounds, counts: vec![Cell::new(0); bounds.len() + 1].into(), sum: Cell::new(0) }
    }

    pub fn record(&self, value: u64) {
        self.record_many(value, 1);
    }

    pub fn record_many(&self, value: u64, times: u64) {
        let count = &self.counts[self.bounds.partition_point(|bound| *bound < value)];
        count.set(count.get() + times);
        self.sum.set(self.sum.get().saturating_add(value.saturating_mul(times)));
    }

    pub fn counts(&self) -> HistogramCounts {
        HistogramCounts {
            bounds: self.bounds,
            counts: self.counts.iter().map(Cell::get).collect(),
            sum: self.sum.get(),
        }
    }
}

impl HistogramCounts {
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_falls_into_the_first_range_whose_bound_it_does_not_exceed() {
        let histogram = Histogram::new(&[1, 10, 100]);
        for value in [0, 1, 2, 10, 11, 100, 101, u64::from(u32::MAX)] {
            histogram.record(value);
        }
        histogram.record_many(5, 3);
        let counts = histogram.counts();
        assert_eq!(counts.counts, [2, 5, 2, 2]);
        assert_eq!((counts.total(), counts.sum), (11, 240 + u64::from(u32::MAX)));
    }

    #[test]
    fn a_sum_that_is_too_large_stays_at_the_end_of_its_numbers() {
        let histogram = Histogram::new(&[1]);
        histogram.record(u64::MAX);
        histogram.record_many(u64::MAX, 2);
        assert_eq!((histogram.counts().sum, histogram.counts().counts), (u64::MAX, vec![0, 3]));
    }

    #[test]
    #[should_panic(expected = "the bounds of a histogram rise")]
    fn bounds_that_do_not_rise_are_a_mistake() {
        drop(Histogram::new(&[1, 1]));
    }
}
