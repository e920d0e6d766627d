//! Latency in histograms: microseconds, three significant digits, merged and never averaged.

use std::time::{Duration, SystemTime};

use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use serde::{Deserialize, Serialize};

use crate::number;

/// Longest latency that a histogram tells from longer ones: one hour.
const MICROS_MAX: u64 = 3_600_000_000;

/// A histogram of microseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Latency {
    histogram: Histogram<u64>,
}

impl Default for Latency {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, MICROS_MAX, 3).expect("the bounds are valid");
        Self { histogram }
    }
}

/// The percentiles that results name, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    pub count: u64,
    pub mean: f64,
    pub p50: f64,
    pub p90: f64,
    pub p95: f64,
    pub p99: f64,
    pub p99_9: f64,
    pub p99_99: f64,
    pub max: f64,
}

impl Latency {
    /// Counts `count` things that took so many nanoseconds.
    #[inline]
    pub fn record(&mut self, nanos: u64, count: u64) {
        self.histogram.saturating_record_n(number::micros(nanos), count);
    }

    pub fn merge(&mut self, other: &Self) {
        self.histogram.add(&other.histogram).expect("all histograms have the same bounds");
    }

    pub fn clear(&mut self) {
        self.histogram.reset();
    }

    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// Milliseconds below which so large a part lies; zero when there is nothing.
    pub fn millis_at(&self, quantile: f64) -> f64 {
        if self.histogram.is_empty() { 0.0 } else { self.histogram.value_at_quantile(quantile) as f64 / 1e3 }
    }

    pub fn percentiles(&self) -> Percentiles {
        Percentiles {
            count: self.count(),
            mean: self.histogram.mean() / 1e3,
            p50: self.millis_at(0.5),
            p90: self.millis_at(0.9),
            p95: self.millis_at(0.95),
            p99: self.millis_at(0.99),
            p99_9: self.millis_at(0.999),
            p99_99: self.millis_at(0.9999),
            max: self.histogram.max() as f64 / 1e3,
        }
    }

    /// Recorded values and how often they came.
    pub fn values(&self) -> Vec<(u64, u64)> {
        self.histogram.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value())).collect()
    }

    /// How many are longer than so many nanoseconds, to the histogram's resolution.
    pub fn count_above(&self, nanos: u64) -> u64 {
        let limit = self.histogram.highest_equivalent(number::micros(nanos));
        self.values().iter().filter(|(value, _)| *value > limit).map(|(_, count)| count).sum()
    }

    /// Points of the percentile curve: (quantile, milliseconds), denser towards the end.
    pub fn curve(&self) -> Vec<(f64, f64)> {
        if self.histogram.is_empty() {
            return Vec::new();
        }
        let mut points: Vec<(f64, f64)> = Vec::new();
        for step in self.histogram.iter_quantiles(8) {
            points.push((step.quantile_iterated_to().min(1.0), step.value_iterated_to() as f64 / 1e3));
        }
        points
    }

    /// HdrHistogram's compressed form, version 2, in base64.
    pub fn encode(&self) -> String {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&self.histogram, &mut bytes).expect("writing into memory does not fail");
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes)
    }

    /// `None` for text that no histogram of these bounds was encoded to.
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).ok()?;
        let histogram: Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).ok()?;
        let mut latency = Self::default();
        latency.histogram.add(&histogram).ok()?;
        Some(latency)
    }
}

/// One histogram of the log: when its interval began, how long it was, its tag.
#[derive(Debug)]
pub struct LogEntry<'a> {
    pub start: Duration,
    pub length: Duration,
    pub tag: &'static str,
    pub latency: &'a Latency,
}

/// All histograms of a run in the `.hlog` format that HdrHistogram's tools read; values are microseconds.
pub fn write_hlog(base: SystemTime, comment: &str, entries: &[LogEntry<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let mut builder = IntervalLogWriterBuilder::new();
    builder
        .add_comment(comment)
        .add_comment("values are microseconds")
        .with_base_time(base)
        .with_max_value_divisor(1e3);
    let mut writer = builder.begin_log_with(&mut bytes, &mut serializer).expect("writing into memory does not fail");
    for entry in entries {
        let tag = Tag::new(entry.tag).expect("the tags are plain words");
        writer
            .write_histogram(&entry.latency.histogram, entry.start, entry.length, Some(tag))
            .expect("writing into memory does not fail");
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_merged_histograms_are_those_of_all_values() {
        let (mut low, mut high, mut all) = (Latency::default(), Latency::default(), Latency::default());
        for millis in 1..=1_000_u64 {
            let part = if millis <= 990 { &mut low } else { &mut high };
            part.record(millis * 1_000_000, 1);
            all.record(millis * 1_000_000, 1);
        }
        low.merge(&high);
        assert_eq!(low, all);
        let percentiles = low.percentiles();
        assert_eq!(percentiles.count, 1_000);
        for (got, expected) in [(percentiles.p50, 500.0), (percentiles.p99, 990.0), (percentiles.p99_9, 999.0)] {
            assert!((got - expected).abs() <= expected * 0.001, "{got}, expected {expected}");
        }
    }

    #[test]
    fn a_histogram_survives_its_encoding() {
        let mut latency = Latency::default();
        latency.record(1_234_567, 3);
        latency.record(u64::MAX, 1);
        assert_eq!(Latency::decode(&latency.encode()), Some(latency));
        assert_eq!(Latency::decode("no histogram"), None);
    }

    #[test]
    fn short_times_round_up_to_a_microsecond() {
        let mut latency = Latency::default();
        latency.record(0, 1);
        latency.record(1_001, 1);
        assert_eq!(latency.values(), [(1, 1), (2, 1)]);
        assert_eq!(latency.count_above(1_000), 1);
    }

    #[test]
    fn the_log_is_read_back_by_the_library() {
        use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry as Read};
        let mut latency = Latency::default();
        latency.record(5_000_000, 7);
        let entry = LogEntry { start: Duration::ZERO, length: Duration::from_secs(1), tag: "due", latency: &latency };
        let bytes = write_hlog(SystemTime::UNIX_EPOCH, "test", &[entry]);
        let intervals: Vec<_> = IntervalLogIterator::new(&bytes)
            .map(|entry| entry.expect("the log is well formed"))
            .filter_map(|entry| match entry {
                Read::Interval(interval) => Some(interval.encoded_histogram().to_owned()),
                _ => None,
            })
            .collect();
        assert_eq!(intervals.len(), 1);
        assert_eq!(Latency::decode(&intervals[0]), Some(latency));
    }
}
