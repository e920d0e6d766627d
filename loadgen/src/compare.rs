//! Whether two runs differ by more than their own noise.
//!
//! Each run is a row of seconds with a histogram each. Blocks of consecutive seconds are drawn with replacement, their
//! histograms merged, and the percentile taken: a thousand times for each run. Blocks keep what lasts longer than a second
//! (a flush, a collection of garbage) together. A difference is said to exist where 95 % of the drawn differences lie on
//! one side of zero.

use base::SeededRandom;
use serde::Serialize;

use crate::latency::Latency;
use crate::number;
use crate::result::RunResult;

/// Draws of each run.
const DRAWS: usize = 1_000;
/// Fewer measured seconds than this say nothing about their spread.
pub const SECONDS_MIN: usize = 5;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    #[error("{name} was not valid: {reason}")]
    Invalid { name: String, reason: String },
    #[error("{name} has {seconds} measured seconds; {SECONDS_MIN} are needed")]
    TooShort { name: String, seconds: usize },
    #[error("{first} and {second} ran on different machines ({what}); --different-machines compares them all the same")]
    Machines { first: String, second: String, what: String },
    #[error("{first} and {second} ran different scenarios; --different-scenarios compares them all the same")]
    Scenarios { first: String, second: String },
}

/// What may differ between the runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Allowed {
    pub machines: bool,
    pub scenarios: bool,
}

/// One quantity of the baseline and of another run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    pub metric: String,
    pub before: f64,
    pub after: f64,
    /// In percent of the baseline: the middle and the ends of the 95 % interval.
    pub change: f64,
    pub low: f64,
    pub high: f64,
    pub verdict: Change,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    Better,
    Worse,
    WithinNoise,
}

/// Histograms of some seconds, over the values that occur in any of them, so that drawing is cheap.
#[derive(Clone, Debug)]
struct Spread {
    /// In order.
    values: Vec<u64>,
    /// By second: index into `values`, and count.
    seconds: Vec<Vec<(usize, u64)>>,
}

impl Spread {
    fn new(seconds: &[Vec<(u64, u64)>]) -> Self {
        let mut values: Vec<u64> = seconds.iter().flatten().map(|(value, _)| *value).collect();
        values.sort_unstable();
        values.dedup();
        let place = |value: &u64| values.binary_search(value).expect("all values are in the list");
        let seconds =
            seconds.iter().map(|second| second.iter().map(|(value, count)| (place(value), *count)).collect()).collect();
        Self { values, seconds }
    }

    /// A percentile, in milliseconds, of the merged seconds.
    fn quantile(&self, picked: &[usize], quantile: f64) -> f64 {
        let mut merged = vec![0; self.values.len()];
        for index in picked {
            self.seconds[*index].iter().for_each(|(place, count)| merged[*place] += count);
        }
        let total: u64 = merged.iter().sum();
        let rank = number::whole((total as f64 * quantile).ceil()).max(1);
        let mut seen = 0;
        for (value, count) in self.values.iter().zip(merged) {
            seen += count;
            if seen >= rank {
                return *value as f64 / 1e3;
            }
        }
        0.0
    }
}

#[derive(Debug)]
struct Seconds {
    due: Spread,
    end_to_end: Spread,
    acked: Vec<f64>,
}

impl Seconds {
    fn of(name: &str, run: &RunResult) -> Result<Self, CompareError> {
        if !run.is_valid {
            let reason = run.problems.first().cloned().unwrap_or_default();
            return Err(CompareError::Invalid { name: name.to_owned(), reason });
        }
        let measured: Vec<_> = run.series.iter().filter(|second| second.is_measured).collect();
        if measured.len() < SECONDS_MIN {
            return Err(CompareError::TooShort { name: name.to_owned(), seconds: measured.len() });
        }
        let values = |text: &str| Latency::decode(text).map(|latency| latency.values()).unwrap_or_default();
        Ok(Self {
            due: Spread::new(&measured.iter().map(|second| values(&second.due_hdr)).collect::<Vec<_>>()),
            end_to_end: Spread::new(&measured.iter().map(|second| values(&second.end_to_end_hdr)).collect::<Vec<_>>()),
            acked: measured.iter().map(|second| second.counts.acked as f64).collect(),
        })
    }
}

/// Indices of seconds, drawn in blocks.
fn draw_blocks(seconds: usize, random: &mut SeededRandom, into: &mut Vec<usize>) {
    into.clear();
    let block = usize::try_from(number::whole((number::large(seconds) as f64).sqrt())).unwrap_or(1).max(1);
    while into.len() < seconds {
        let start = random.index(seconds);
        into.extend((0..block).map(|step| (start + step) % seconds));
    }
    into.truncate(seconds);
}

/// The middle and the 95 % interval of what is drawn from one run's seconds.
pub fn interval_of_percentile(name: &str, run: &RunResult, quantile: f64) -> Result<(f64, f64, f64), CompareError> {
    let seconds = Seconds::of(name, run)?;
    let mut random = SeededRandom::new(1);
    let mut picked = Vec::new();
    let mut drawn: Vec<f64> = (0..DRAWS)
        .map(|_| {
            draw_blocks(seconds.acked.len(), &mut random, &mut picked);
            seconds.due.quantile(&picked, quantile)
        })
        .collect();
    let all: Vec<usize> = (0..seconds.acked.len()).collect();
    let (low, high) = ends(&mut drawn);
    Ok((seconds.due.quantile(&all, quantile), low, high))
}

/// Ends of the 95 % interval.
fn ends(drawn: &mut [f64]) -> (f64, f64) {
    drawn.sort_by(f64::total_cmp);
    (drawn[drawn.len() / 40], drawn[drawn.len() - 1 - drawn.len() / 40])
}

/// Compares a run with a baseline, both by the names that people gave them.
pub fn compare(
    (first, before): (&str, &RunResult),
    (second, after): (&str, &RunResult),
    allowed: Allowed,
) -> Result<Vec<Difference>, CompareError> {
    if before.machine != after.machine && !allowed.machines {
        let what = format!("{:?} and {:?}", before.machine, after.machine);
        return Err(CompareError::Machines { first: first.to_owned(), second: second.to_owned(), what });
    }
    if before.scenario != after.scenario && !allowed.scenarios {
        return Err(CompareError::Scenarios { first: first.to_owned(), second: second.to_owned() });
    }
    let (old, new) = (Seconds::of(first, before)?, Seconds::of(second, after)?);
    let mut differences = vec![difference("acked/s", &old, &new, Better::More, |seconds, picked| {
        picked.iter().map(|index| seconds.acked[*index]).sum::<f64>() / number::large(picked.len()) as f64
    })];
    for (name, quantile) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
        let due = |seconds: &Seconds, picked: &[usize]| seconds.due.quantile(picked, quantile);
        differences.push(difference(&format!("due {name}, ms"), &old, &new, Better::Less, due));
    }
    if before.scenario.consume.readers > 0 && after.scenario.consume.readers > 0 {
        for (name, quantile) in [("p50", 0.5), ("p99", 0.99)] {
            let read = |seconds: &Seconds, picked: &[usize]| seconds.end_to_end.quantile(picked, quantile);
            differences.push(difference(&format!("end to end {name}, ms"), &old, &new, Better::Less, read));
        }
    }
    Ok(differences)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Better {
    More,
    Less,
}

fn difference(
    metric: &str,
    old: &Seconds,
    new: &Seconds,
    better: Better,
    measure: impl Fn(&Seconds, &[usize]) -> f64,
) -> Difference {
    let all = |seconds: &Seconds| (0..seconds.acked.len()).collect::<Vec<_>>();
    let (before, after) = (measure(old, &all(old)), measure(new, &all(new)));
    let percent = |before: f64, after: f64| if before == 0.0 { 0.0 } else { (after - before) / before * 100.0 };
    let mut random = SeededRandom::new(2);
    let (mut picked_old, mut picked_new) = (Vec::new(), Vec::new());
    let mut drawn: Vec<f64> = (0..DRAWS)
        .map(|_| {
            draw_blocks(old.acked.len(), &mut random, &mut picked_old);
            draw_blocks(new.acked.len(), &mut random, &mut picked_new);
            percent(measure(old, &picked_old), measure(new, &picked_new))
        })
        .collect();
    let (low, high) = ends(&mut drawn);
    let verdict = match (better, low > 0.0, high < 0.0) {
        (_, false, false) => Change::WithinNoise,
        (Better::More, true, _) | (Better::Less, _, true) => Change::Better,
        (Better::More, ..) | (Better::Less, ..) => Change::Worse,
    };
    Difference { metric: metric.to_owned(), before, after, change: percent(before, after), low, high, verdict }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(scale: f64, seed: u64) -> Seconds {
        let mut random = SeededRandom::new(seed);
        let mut one = || {
            let mut latency = Latency::default();
            for _ in 0..500 {
                latency.record(number::whole(scale * 1e6 * (0.5 + random.unit())), 1);
            }
            latency.values()
        };
        let due = Spread::new(&(0..30).map(|_| one()).collect::<Vec<_>>());
        Seconds { end_to_end: due.clone(), due, acked: vec![500.0; 30] }
    }

    fn p99(old: &Seconds, new: &Seconds) -> Difference {
        difference("p99", old, new, Better::Less, |seconds, picked| seconds.due.quantile(picked, 0.99))
    }

    #[test]
    fn two_runs_of_the_same_thing_are_within_noise() {
        assert_eq!(p99(&seconds(1.0, 1), &seconds(1.0, 2)).verdict, Change::WithinNoise);
    }

    #[test]
    fn a_fifth_more_latency_is_worse_and_a_fifth_less_is_better() {
        let worse = p99(&seconds(1.0, 1), &seconds(1.2, 2));
        assert_eq!(worse.verdict, Change::Worse);
        assert!(worse.low < 20.0 && worse.high > 20.0 && worse.low > 10.0, "{worse:?}");
        assert_eq!(p99(&seconds(1.2, 1), &seconds(1.0, 2)).verdict, Change::Better);
    }

    #[test]
    fn a_noisy_second_widens_the_interval_instead_of_deciding() {
        let calm = seconds(1.0, 1);
        let mut noisy = seconds(1.0, 2);
        // One second with a latency that is thirty times as long.
        let top = noisy.due.values.len();
        noisy.due.values.push(30_000);
        noisy.due.seconds[7] = vec![(top, 500)];
        let change = p99(&calm, &noisy);
        assert_eq!(change.verdict, Change::WithinNoise, "{change:?}");
        assert!(change.high > 100.0, "{change:?}");
    }
}
