//! `corelane loadgen knee`: the highest rate that keeps a promise.

use std::path::PathBuf;

use clap::Args;
use loadgen::compare::SECONDS_MIN;
use loadgen::knee::{Probe, Search, Slo};
use loadgen::run::run;

use super::{Outcome, What, progress, write};

/// Find the highest rate at which a percentile from due to ack stays below a limit.
///
/// Doubles the rate until the promise breaks, then halves the distance. Each rate is judged by a percentile and its
/// 95 % interval (block bootstrap over seconds).
#[derive(Args)]
pub(super) struct Find {
    #[command(flatten)]
    what: What,
    /// The promise, such as p99<5ms, p99.9<20ms or p50<800us.
    #[arg(long)]
    slo: Slo,
    /// The rate to begin with; the scenario's own without it.
    #[arg(long, value_name = "RECORDS_PER_SECOND")]
    from: Option<f64>,
    /// How close the rates must come, as a part of the rate.
    #[arg(long, default_value_t = 0.05)]
    precision: f64,
    /// Measured seconds at each rate; an interval needs five.
    #[arg(long, default_value_t = 15.0)]
    seconds: f64,
    /// Write the knee and all probes as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Find {
    pub(super) fn run(self) -> Outcome {
        if !(0.001..=1.0).contains(&self.precision) {
            return Err("--precision: from 0.001 to 1 is possible".into());
        }
        if self.seconds < SECONDS_MIN as f64 {
            return Err(format!("--seconds: {SECONDS_MIN} at least, so that the interval can be known").into());
        }
        let first = match self.from {
            Some(rate) => rate,
            None => self.what.scenario(&[])?.load.rate,
        };
        let mut search = Search::new(self.slo, first, self.precision);
        while let Some(rate) = search.next() {
            let overrides = [
                format!("load.rate={rate:.3}"),
                format!("time.measured_s={}", self.seconds),
                "time.warm_up_s=3.0".to_owned(),
                "time.drain_s=5.0".to_owned(),
            ];
            let scenario = self.what.scenario(&overrides)?;
            let mut line = progress::Line::new(false);
            let result = run(&scenario, &self.what.options(), &mut |now| line.show(now))?;
            line.end();
            let probe = Probe::of(rate, &result, self.slo);
            let held = if probe.millis < self.slo.millis { "held" } else { "broken" };
            println!("{rate:>12.0} records/s  {:.3} ms ({:.3} to {:.3})  {held}", probe.millis, probe.low, probe.high);
            search.add(probe);
        }
        let knee = search.finish();
        let rate_or_none = |rate: Option<f64>| match rate {
            Some(rate) => format!("at {rate:.0}"),
            None => "at none of these rates".to_owned(),
        };
        let held = rate_or_none(Some(knee.surely_held).filter(|rate| *rate > 0.0));
        let broken = rate_or_none(knee.surely_broken);
        println!("knee {:.0} records/s; surely held {held}, surely broken {broken}", knee.rate);
        if knee.is_lower_bound {
            println!("The generator was the bottleneck beyond it: the broker's knee may be higher.");
        }
        match &self.json {
            Some(file) => write(file, serde_json::to_string_pretty(&knee)?.as_bytes()),
            None => Ok(()),
        }
    }
}
