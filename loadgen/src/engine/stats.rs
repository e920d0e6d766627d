//! What a worker counts: over the measured time as a whole, and second by second.

use serde::{Deserialize, Serialize};

use crate::latency::Latency;

/// Plain counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Arrivals that were due.
    pub due: u64,
    pub requests: u64,
    pub acked: u64,
    /// Of the values of acknowledged records.
    pub acked_bytes: u64,
    pub consumed: u64,
    pub consumed_bytes: u64,
    /// Records sent again after an error or a lost connection.
    pub retried: u64,
    /// Records that were given up.
    pub failed: u64,
    /// Error codes and lost connections.
    pub errors: u64,
}

impl Counts {
    pub fn add(&mut self, other: &Self) {
        self.due += other.due;
        self.requests += other.requests;
        self.acked += other.acked;
        self.acked_bytes += other.acked_bytes;
        self.consumed += other.consumed;
        self.consumed_bytes += other.consumed_bytes;
        self.retried += other.retried;
        self.failed += other.failed;
        self.errors += other.errors;
    }
}

/// The histograms of one span of time.
#[derive(Clone, Debug, Default)]
pub struct Latencies {
    /// From when a record was due to its ack. In a closed loop from when it was sent.
    pub due: Latency,
    /// From when a request was written to its answer; one value a request.
    pub service: Latency,
    /// From when a record was due to when a reader had it.
    pub end_to_end: Latency,
}

impl Latencies {
    pub fn merge(&mut self, other: &Self) {
        self.due.merge(&other.due);
        self.service.merge(&other.service);
        self.end_to_end.merge(&other.end_to_end);
    }

    pub fn clear(&mut self) {
        self.due.clear();
        self.service.clear();
        self.end_to_end.clear();
    }
}

/// One second of one worker, by when answers came.
#[derive(Clone, Debug, Default)]
pub struct Second {
    /// Seconds since the load began.
    pub index: u64,
    pub counts: Counts,
    pub latencies: Latencies,
    /// Longest lag behind the schedule, in nanoseconds.
    pub lag_max: u64,
}

impl Second {
    pub fn clear(&mut self) {
        self.counts = Counts::default();
        self.latencies.clear();
        self.lag_max = 0;
    }

    pub fn merge(&mut self, other: &Self) {
        self.counts.add(&other.counts);
        self.latencies.merge(&other.latencies);
        self.lag_max = self.lag_max.max(other.lag_max);
    }
}

/// A time in which a connection got no answer, on the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    pub from: u64,
    pub to: u64,
}

/// How one producer's requests were answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answers {
    pub producer: u32,
    /// Batches that waited when the run was over, and since when the first of them did, in nanoseconds.
    pub unanswered: u64,
    pub waited: u64,
    /// Answers in the measured time.
    pub measured: u64,
    /// The longest wait for an answer, that at the end included, in nanoseconds.
    pub longest: u64,
}

/// Outages remembered by one worker; more are only counted.
pub const OUTAGES_MAX: usize = 4_096;

/// Everything that a worker counts.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Of records due in the measured time.
    pub measured: Latencies,
    pub lag: Latency,
    /// From the first packet of a connection to the answer of its first request.
    pub connect: Latency,
    /// Over the whole run, and in the measured time alone.
    pub counts: Counts,
    pub window: Counts,
    /// Arrivals due in the measured time, and those that were given up.
    pub scheduled: u64,
    pub scheduled_failed: u64,
    pub abandoned: u64,
    pub second: Second,
    pub outages: Vec<Outage>,
    /// Of each producer, once the run is over.
    pub answers: Vec<Answers>,
    /// Batches whose own checksum was wrong when they were read.
    pub damaged_batches: u64,
    /// The latest error, for people.
    pub last_error: String,
    /// Processor time and time spent waiting for a processor in the measured time, in nanoseconds.
    pub busy_ns: u64,
    pub waited_ns: u64,
    /// The thread ran before all ordinary ones.
    pub runs_first: bool,
}

impl Stats {
    pub(super) fn outage(&mut self, from: u64, to: u64) {
        if self.outages.len() < OUTAGES_MAX {
            self.outages.push(Outage { from, to });
        }
    }

    /// Counts something that happened in or out of the measured time.
    pub(super) fn count(&mut self, is_measured: bool, add: impl Fn(&mut Counts)) {
        add(&mut self.counts);
        add(&mut self.second.counts);
        if is_measured {
            add(&mut self.window);
        }
    }

    pub(super) fn error(&mut self, is_measured: bool, text: impl FnOnce() -> String) {
        self.count(is_measured, |counts| counts.errors += 1);
        self.last_error = text();
    }

    pub fn merge(&mut self, other: &Self) {
        self.measured.merge(&other.measured);
        self.lag.merge(&other.lag);
        self.connect.merge(&other.connect);
        self.counts.add(&other.counts);
        self.window.add(&other.window);
        self.scheduled += other.scheduled;
        self.scheduled_failed += other.scheduled_failed;
        self.abandoned += other.abandoned;
        self.outages.extend_from_slice(&other.outages);
        self.answers.extend_from_slice(&other.answers);
        self.damaged_batches += other.damaged_batches;
        if !other.last_error.is_empty() {
            self.last_error.clone_from(&other.last_error);
        }
        self.busy_ns = self.busy_ns.max(other.busy_ns);
        self.waited_ns = self.waited_ns.max(other.waited_ns);
        self.runs_first |= other.runs_first;
    }
}

/// Time covered by any of the outages.
pub fn without_service(outages: &[Outage]) -> u64 {
    let mut sorted = outages.to_vec();
    sorted.sort_by_key(|outage| outage.from);
    let (mut total, mut end) = (0, 0);
    for outage in sorted {
        total += outage.to.saturating_sub(outage.from.max(end));
        end = end.max(outage.to);
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_without_service_counts_overlapping_outages_once() {
        let outage = |from, to| Outage { from, to };
        assert_eq!(without_service(&[outage(10, 20), outage(0, 5), outage(15, 30), outage(16, 17)]), 25);
        assert_eq!(without_service(&[]), 0);
    }
}
