//! Whether the generator kept its own schedule: if it did not, the latency is its own and not the broker's.

use serde::{Deserialize, Serialize};

use crate::latency::{Latency, Percentiles};

/// A lag below this never matters, in milliseconds.
pub const LAG_ALLOWED_MS: f64 = 0.1;
/// The part of a latency that may be the generator's lag.
pub const LAG_SHARE_MAX: f64 = 0.25;
/// The part of a core that a thread may use before it is called saturated.
pub const BUSY_SHARE_MAX: f64 = 0.95;

/// What the generator observed of itself in the measured time.
#[derive(Debug)]
pub struct Observed<'a> {
    /// From when an arrival was due, or could first be taken on, to when it was.
    pub lag: &'a Latency,
    /// Latency from the due time.
    pub due: &'a Latency,
    /// Processor time over elapsed time of the busiest thread.
    pub busy_share: f64,
    /// Time that the thread was ready to run but another ran, over elapsed time; the worst thread.
    pub waited_share: f64,
    /// Arrivals that the schedule had in the measured time, and those in the histogram.
    pub scheduled: u64,
    pub recorded: u64,
    /// Arrivals that were never sent, because the run had to end.
    pub abandoned: u64,
    pub is_open_loop: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Health {
    pub verdict: Verdict,
    /// Why, in full sentences; empty when all is well.
    pub reasons: Vec<String>,
    /// Lag behind its own schedule, in milliseconds.
    pub lag: Percentiles,
    pub busy_share: f64,
    pub waited_for_cpu_share: f64,
    /// Arrivals due in the measured time.
    pub scheduled: u64,
    /// Of these, in the latency histogram. The two are equal in a sound open-loop run.
    pub recorded: u64,
    pub abandoned: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The latency is the broker's.
    Sound,
    /// The generator could not keep up: its latency says nothing of the broker.
    GeneratorWasBottleneck,
}

/// Judges a run.
pub fn judge(observed: &Observed<'_>) -> Health {
    let mut reasons = Vec::new();
    if observed.is_open_loop {
        judge_lag(observed, &mut reasons);
        if observed.scheduled != observed.recorded {
            reasons.push(format!(
                "The schedule had {} arrivals in the measured time, the histogram has {}.",
                observed.scheduled, observed.recorded
            ));
        }
    }
    if observed.busy_share > BUSY_SHARE_MAX {
        reasons.push(format!(
            "A thread of the generator was busy {:.0} % of the time: give it more threads or cores, or less to do.",
            observed.busy_share * 100.0
        ));
    }
    let verdict = if reasons.is_empty() { Verdict::Sound } else { Verdict::GeneratorWasBottleneck };
    Health {
        verdict,
        reasons,
        lag: observed.lag.percentiles(),
        busy_share: observed.busy_share,
        waited_for_cpu_share: observed.waited_share,
        scheduled: observed.scheduled,
        recorded: observed.recorded,
        abandoned: observed.abandoned,
    }
}

fn judge_lag(observed: &Observed<'_>, reasons: &mut Vec<String>) {
    for (name, quantile) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
        let (lag, latency) = (observed.lag.millis_at(quantile), observed.due.millis_at(quantile));
        let allowed = (latency * LAG_SHARE_MAX).max(LAG_ALLOWED_MS);
        if lag > allowed {
            reasons.push(format!(
                "The generator was {lag:.3} ms behind its own schedule at {name}, where the latency is {latency:.3} ms; \
                 {allowed:.3} ms would do."
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(millis: &[(u64, u64)]) -> Latency {
        let mut latency = Latency::default();
        millis.iter().for_each(|(micros, count)| latency.record(micros * 1_000, *count));
        latency
    }

    fn observed<'a>(lag: &'a Latency, due: &'a Latency) -> Observed<'a> {
        Observed {
            lag,
            due,
            busy_share: 0.4,
            waited_share: 0.0,
            scheduled: due.count(),
            recorded: due.count(),
            abandoned: 0,
            is_open_loop: true,
        }
    }

    #[test]
    fn a_small_lag_is_sound() {
        let (lag, due) = (of(&[(20, 9_990), (90, 10)]), of(&[(300, 10_000)]));
        let health = judge(&observed(&lag, &due));
        assert_eq!((health.verdict, health.reasons.len()), (Verdict::Sound, 0));
    }

    #[test]
    fn a_lag_that_is_small_beside_the_latency_is_sound() {
        let (lag, due) = (of(&[(20, 9_900), (9_000, 100)]), of(&[(300, 9_900), (90_000, 100)]));
        assert_eq!(judge(&observed(&lag, &due)).verdict, Verdict::Sound);
    }

    #[test]
    fn a_lag_that_makes_up_the_latency_is_refused_with_its_percentile() {
        let (lag, due) = (of(&[(20, 9_000), (5_000, 1_000)]), of(&[(300, 9_000), (5_300, 1_000)]));
        let health = judge(&observed(&lag, &due));
        assert_eq!(health.verdict, Verdict::GeneratorWasBottleneck);
        assert!(health.reasons.iter().any(|reason| reason.contains("at p99,")), "{:?}", health.reasons);
    }

    #[test]
    fn a_saturated_thread_and_arrivals_unaccounted_for_are_refused() {
        let (lag, due) = (of(&[(20, 100)]), of(&[(300, 100)]));
        let busy = Observed { busy_share: 0.99, ..observed(&lag, &due) };
        assert_eq!(judge(&busy).verdict, Verdict::GeneratorWasBottleneck);
        let missing = Observed { scheduled: 101, ..observed(&lag, &due) };
        assert_eq!(judge(&missing).verdict, Verdict::GeneratorWasBottleneck);
        // A closed loop has no schedule to keep.
        let closed = Observed { scheduled: 0, is_open_loop: false, ..observed(&due, &lag) };
        assert_eq!(judge(&closed).verdict, Verdict::Sound);
    }
}
