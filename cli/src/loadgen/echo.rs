//! `corelane loadgen echo`: the other host's part of a round trip.

use clap::Args;
use loadgen::door::Target;
use loadgen::echo::{EchoOptions, run};
use loadgen::run::Progress;

use super::{Outcome, progress};

/// Write whatever comes into a topic into a second one, for a run with consume.echo on another host.
///
/// Two hosts have two clocks, and no latency is the difference of both. With an echo the first host's run produces into
/// NAME and reads NAME-echo: its end-to-end latency is the round trip on its own clock. This command waits until the run has
/// made both topics, and ends when they are removed. Each record goes to the partition and offset that it came from, so
/// that an echo that was stopped goes on where it was.
#[derive(Args)]
pub(super) struct Echo {
    /// The broker, as kafka://HOST:PORT or native://HOST:PORT.
    #[arg(long, value_name = "URL")]
    target: Target,
    /// The topic that the run produces into: its topic.name.
    #[arg(long, value_name = "NAME")]
    topic: String,
    /// When the topics are removed, wait for the next run's.
    #[arg(long)]
    again: bool,
    /// Show no progress.
    #[arg(long)]
    quiet: bool,
}

impl Echo {
    pub(super) fn run(self) -> Outcome {
        let options = EchoOptions { target: self.target, topic: self.topic };
        loop {
            eprintln!("waiting for {} and {}", options.topic, loadgen::echo::echo_of(&options.topic));
            let mut line = progress::Line::new(self.quiet);
            let outcome = run(&options, &mut |last| {
                line.show(&Progress { phase: "echo", second: last.index + 1, seconds: 0, last });
            })?;
            line.end();
            let delay = outcome.delay;
            println!(
                "echoed {} records; from read to acknowledged p50 {:.3} ms, p99 {:.3} ms, max {:.3} ms",
                outcome.records, delay.p50, delay.p99, delay.max
            );
            if outcome.outages > 0 {
                println!(
                    "{} outages of connections, {:.3} s without service, {} records retried",
                    outcome.outages,
                    outcome.without_service.as_secs_f64(),
                    outcome.retried
                );
            }
            if !self.again {
                return Ok(());
            }
        }
    }
}
