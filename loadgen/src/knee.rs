//! The highest rate that keeps a promise about latency.

use serde::Serialize;

use crate::compare;
use crate::result::RunResult;

/// A promise such as `p99<5ms`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slo {
    pub quantile: f64,
    pub millis: f64,
}

impl std::str::FromStr for Slo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?}: write a promise as p99<5ms, p99.9<20ms or p50<800us");
        let (percentile, limit) = text.split_once('<').ok_or_else(wrong)?;
        let percentile: f64 = percentile.trim().strip_prefix('p').and_then(|p| p.parse().ok()).ok_or_else(wrong)?;
        let limit = limit.trim();
        let (number, scale) = if let Some(number) = limit.strip_suffix("ms") {
            (number, 1.0)
        } else if let Some(number) = limit.strip_suffix("us") {
            (number, 1e-3)
        } else {
            (limit.strip_suffix('s').ok_or_else(wrong)?, 1e3)
        };
        let millis = number.trim().parse::<f64>().map_err(|_| wrong())? * scale;
        let is_possible = (0.0..100.0).contains(&percentile) && percentile > 0.0 && millis > 0.0 && millis.is_finite();
        if is_possible { Ok(Self { quantile: percentile / 100.0, millis }) } else { Err(wrong()) }
    }
}

/// What a run at one rate said.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Probe {
    pub rate: f64,
    /// The percentile and its 95 % interval, in milliseconds; infinite for a run that was not valid.
    pub millis: f64,
    pub low: f64,
    pub high: f64,
    pub generator_was_bottleneck: bool,
}

impl Probe {
    pub fn of(rate: f64, run: &RunResult, slo: Slo) -> Self {
        let generator_was_bottleneck = run.latency.is_none();
        match compare::interval_of_percentile("probe", run, slo.quantile) {
            Ok((millis, low, high)) => Self { rate, millis, low, high, generator_was_bottleneck },
            Err(_) => {
                let never = f64::INFINITY;
                Self { rate, millis: never, low: never, high: never, generator_was_bottleneck }
            }
        }
    }
}

/// Decides which rate to try next: doubles until the promise breaks, then halves the distance.
#[derive(Clone, Debug)]
pub struct Search {
    slo: Slo,
    first: f64,
    /// The search ends when the rates are this close, relatively.
    precision: f64,
    probes: Vec<Probe>,
}

/// Where the knee lies.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Knee {
    /// Highest rate that kept the promise and below which no other broke it.
    pub rate: f64,
    /// The promise surely held up to here: the whole 95 % interval is inside of it.
    pub surely_held: f64,
    /// From here on it was surely broken; `None` if no rate tried was.
    pub surely_broken: Option<f64>,
    pub probes: Vec<Probe>,
    /// The generator gave up before the broker did: the knee may be higher.
    pub is_lower_bound: bool,
}

const PROBES_MAX: usize = 40;

impl Search {
    pub fn new(slo: Slo, first: f64, precision: f64) -> Self {
        Self { slo, first, precision, probes: Vec::new() }
    }

    fn held(&self) -> f64 {
        let broken = self.broken();
        let held = self.probes.iter().filter(|probe| probe.millis < self.slo.millis && probe.rate < broken);
        held.map(|probe| probe.rate).fold(0.0, f64::max)
    }

    fn broken(&self) -> f64 {
        let broken = self.probes.iter().filter(|probe| probe.millis >= self.slo.millis);
        broken.map(|probe| probe.rate).fold(f64::INFINITY, f64::min)
    }

    /// The next rate; `None` when the knee is known.
    pub fn next(&self) -> Option<f64> {
        let (held, broken) = (self.held(), self.broken());
        if self.probes.is_empty() {
            return Some(self.first);
        }
        if self.probes.len() >= PROBES_MAX {
            return None;
        }
        if broken.is_infinite() {
            return Some(held * 2.0);
        }
        if held == 0.0 {
            return (broken > self.first / 1_024.0).then_some(broken / 4.0);
        }
        (broken / held > 1.0 + self.precision).then_some(f64::midpoint(held, broken))
    }

    pub fn add(&mut self, probe: Probe) {
        self.probes.push(probe);
    }

    pub fn finish(mut self) -> Knee {
        self.probes.sort_by(|a, b| a.rate.total_cmp(&b.rate));
        let surely = |probe: &&Probe| probe.high < self.slo.millis;
        let surely_held = self.probes.iter().take_while(surely).map(|probe| probe.rate).fold(0.0, f64::max);
        let broken = self.probes.iter().filter(|probe| probe.low >= self.slo.millis).map(|probe| probe.rate);
        let surely_broken = broken.reduce(f64::min);
        let first_broken = self.probes.iter().find(|probe| probe.millis >= self.slo.millis);
        Knee {
            rate: self.held(),
            surely_held,
            surely_broken,
            is_lower_bound: first_broken.is_some_and(|probe| probe.generator_was_bottleneck),
            probes: self.probes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_are_read() {
        assert_eq!("p99<5ms".parse(), Ok(Slo { quantile: 0.99, millis: 5.0 }));
        assert_eq!("p50 < 800us".parse(), Ok(Slo { quantile: 0.5, millis: 0.8 }));
        assert_eq!("p99.9<1s".parse::<Slo>().map(|slo| slo.millis), Ok(1_000.0));
        for wrong in ["p99", "99<5ms", "p100<5ms", "p99<5", "p99<-1ms", "p99<xms"] {
            assert!(wrong.parse::<Slo>().is_err(), "{wrong}");
        }
    }

    /// A broker whose latency rises as a queue's does.
    fn probe(rate: f64) -> Probe {
        let millis = 1.0 / (1.0 - (rate / 10_000.0).min(0.999_999));
        let noise = millis * 0.1;
        Probe { rate, millis, low: millis - noise, high: millis + noise, generator_was_bottleneck: false }
    }

    #[test]
    fn the_knee_is_found_within_the_precision_and_its_interval_holds_it() {
        for first in [100.0, 9_000.0, 500_000.0] {
            let mut search = Search::new(Slo { quantile: 0.99, millis: 5.0 }, first, 0.02);
            while let Some(rate) = search.next() {
                search.add(probe(rate));
            }
            let knee = search.finish();
            // 1 / (1 - r) < 5 up to r = 0.8.
            assert!((7_800.0..=8_000.0).contains(&knee.rate), "from {first}: {}", knee.rate);
            assert!(knee.surely_held <= 8_000.0 && knee.surely_broken.is_some_and(|rate| rate >= 8_000.0), "{knee:?}");
            assert!(!knee.is_lower_bound);
        }
    }
}
