//! `corelane loadgen`: load for any log broker, and what it measures.

mod echo;
mod knee;
mod progress;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use loadgen::compare::{Allowed, Change, compare};
use loadgen::door::Target;
use loadgen::result::RunResult;
use loadgen::run::{RunOptions, run};
use loadgen::scenario::{Scenario, library, read};

type Outcome = Result<(), Box<dyn Error>>;

/// Load any log broker through its own door or Kafka's, and measure what it does.
///
/// Latency counts from when each record was due, so that a broker that stalls cannot hide it. Every record is checked on
/// its way back. A run that cannot be trusted says so and ends with an error.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Loadgen {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  corelane loadgen list
  corelane loadgen run small-batches --target kafka://127.0.0.1:9092
  corelane loadgen run single-record-latency --target native://127.0.0.1:9292 --set load.rate=5000 --html report.html
  corelane loadgen run my.toml --target kafka://127.0.0.1:9092 --json a.json --hlog a.hlog
  corelane loadgen compare a.json b.json
  corelane loadgen report a.json b.json --html both.html
  corelane loadgen knee single-record-latency --slo 'p99<5ms' --target native://127.0.0.1:9292
  corelane loadgen ceiling
  corelane loadgen echo --topic echoed --target kafka://broker:9092     (on a second host)
  corelane loadgen run fan-out-5 --target kafka://broker:9092 --set topic.name=echoed --set consume.echo=true

How it measures, what each field of a result means, and where the limits of the method lie: docs/loadgen.md";

#[derive(Subcommand)]
enum Command {
    Run(Run),
    /// Show the scenarios that come with the program.
    List,
    Compare(Compare),
    Report(Report),
    Knee(knee::Find),
    Echo(echo::Echo),
    Ceiling(Ceiling),
}

/// A scenario and a target.
#[derive(Args)]
struct What {
    /// Name of a scenario (see `corelane loadgen list`), or a TOML file.
    #[arg(value_name = "NAME|FILE")]
    scenario: String,
    /// The broker, as kafka://HOST:PORT or native://HOST:PORT.
    #[arg(long, value_name = "URL")]
    target: Target,
    /// A key of the scenario, such as load.rate=5000; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Threads of the generator; 0 takes half of the cores.
    #[arg(long, default_value_t = 0)]
    threads: u32,
    /// The server's process, whose CPU and memory are to be recorded; found by its port where that is possible.
    #[arg(long, value_name = "PID")]
    server_pid: Option<u32>,
    /// Commit of the sources that are measured, for the result.
    #[arg(long, value_name = "ID", env = "CORELANE_COMMIT", default_value = "unknown")]
    commit: String,
}

/// Run a scenario.
#[derive(Args)]
struct Run {
    #[command(flatten)]
    what: What,
    /// Write the result as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write a report to look at.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write all histograms, second by second, in HdrHistogram's log format, with tags due, service and end-to-end.
    #[arg(long, value_name = "FILE")]
    hlog: Option<PathBuf>,
    /// Show no progress.
    #[arg(long)]
    quiet: bool,
}

/// Compare runs with the first one. Ends with an error if one is worse by more than noise.
#[derive(Args)]
struct Compare {
    #[arg(value_name = "JSON", num_args = 2.., required = true)]
    files: Vec<PathBuf>,
    /// Compare although the machines differ.
    #[arg(long)]
    different_machines: bool,
    /// Compare although the scenarios differ.
    #[arg(long)]
    different_scenarios: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Put runs side by side in one HTML file.
#[derive(Args)]
struct Report {
    #[arg(value_name = "JSON", required = true)]
    files: Vec<PathBuf>,
    #[arg(long, value_name = "FILE")]
    html: PathBuf,
}

/// Measure how much the generator itself can do on this machine, against a server that keeps nothing.
#[derive(Args)]
struct Ceiling {
    /// Of each record's value.
    #[arg(long, default_value_t = 100)]
    bytes: usize,
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// Leave the checksums out of the records.
    #[arg(long)]
    no_checksum: bool,
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Loadgen {
    pub(crate) fn run(self) -> Outcome {
        match self.command {
            Command::Run(command) => command.run(),
            Command::List => {
                list();
                Ok(())
            }
            Command::Compare(command) => command.run(),
            Command::Report(command) => command.run(),
            Command::Knee(command) => command.run(),
            Command::Echo(command) => command.run(),
            Command::Ceiling(command) => command.run(),
        }
    }
}

fn list() {
    for embedded in library::ALL {
        let about = read(embedded.name, embedded.text, &[]).map(|scenario| scenario.about).unwrap_or_default();
        println!("{:<40} {about}", embedded.name);
    }
}

impl What {
    fn scenario(&self, more: &[String]) -> Result<Scenario, Box<dyn Error>> {
        let overrides: Vec<String> = self.set.iter().chain(more).cloned().collect();
        if let Some(embedded) = library::find(&self.scenario) {
            return Ok(read(embedded.name, embedded.text, &overrides)?);
        }
        let text = std::fs::read_to_string(&self.scenario).map_err(|error| {
            format!("{}: neither a scenario (corelane loadgen list) nor a file: {error}", self.scenario)
        })?;
        Ok(read(&self.scenario, &text, &overrides)?)
    }

    fn options(&self) -> RunOptions {
        RunOptions {
            target: self.target,
            threads: self.threads,
            server_pid: self.server_pid,
            commit: self.commit.clone(),
            handicap: Duration::ZERO,
        }
    }
}

impl Run {
    fn run(self) -> Outcome {
        let scenario = self.what.scenario(&[])?;
        let mut progress = progress::Line::new(self.quiet);
        let result = run(&scenario, &self.what.options(), &mut |now| progress.show(now))?;
        progress.end();
        print!("{}", loadgen::report::table(&result));
        if let Some(file) = &self.json {
            write(file, result.to_json().as_bytes())?;
        }
        if let Some(file) = &self.hlog {
            write(file, &loadgen::report::hlog(&result))?;
        }
        if let Some(file) = &self.html {
            let page = loadgen::report::html(&[(self.what.target.to_string(), result.clone())]);
            write(file, page.as_bytes())?;
        }
        if result.is_valid { Ok(()) } else { Err("the run is not valid: its problems are listed above".into()) }
    }
}

fn write(file: &Path, bytes: &[u8]) -> Outcome {
    std::fs::write(file, bytes).map_err(|error| format!("{}: {error}", file.display()).into())
}

fn load(file: &Path) -> Result<(String, RunResult), Box<dyn Error>> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let result = RunResult::from_json(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let name = file.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Ok((name, result))
}

impl Compare {
    fn run(self) -> Outcome {
        let runs: Vec<(String, RunResult)> = self.files.iter().map(|file| load(file)).collect::<Result<_, _>>()?;
        let allowed = Allowed { machines: self.different_machines, scenarios: self.different_scenarios };
        let (first, others) = runs.split_first().expect("the command line has two files at least");
        let mut worse = 0;
        for other in others {
            let differences = compare((&first.0, &first.1), (&other.0, &other.1), allowed)?;
            worse += differences.iter().filter(|difference| difference.verdict == Change::Worse).count();
            if self.json {
                println!("{}", serde_json::to_string_pretty(&differences)?);
                continue;
            }
            println!("{} compared with {} (95 % intervals, block bootstrap over seconds)", other.0, first.0);
            println!("{:<20}{:>12}{:>12}{:>10}   {:<22}", "", first.0, other.0, "change", "interval");
            for d in &differences {
                let verdict = match d.verdict {
                    Change::Better => "better",
                    Change::Worse => "WORSE",
                    Change::WithinNoise => "within noise",
                };
                println!(
                    "{:<20}{:>12.3}{:>12.3}{:>+9.1}%   {:>+7.1}% to {:>+7.1}%  {verdict}",
                    d.metric, d.before, d.after, d.change, d.low, d.high
                );
            }
        }
        if worse > 0 { Err(format!("{worse} quantities are worse by more than noise").into()) } else { Ok(()) }
    }
}

impl Report {
    fn run(self) -> Outcome {
        let runs: Vec<(String, RunResult)> = self.files.iter().map(|file| load(file)).collect::<Result<_, _>>()?;
        write(&self.html, loadgen::report::html(&runs).as_bytes())
    }
}

impl Ceiling {
    fn run(self) -> Outcome {
        const PARTITIONS: u32 = 4;
        let sink =
            loadgen::sink::Sink::start(std::sync::Arc::new(loadgen::sink::Discard::new(PARTITIONS)), PARTITIONS)?;
        let overrides = [
            format!("topic.partitions={PARTITIONS}"),
            format!("records.bytes={}", self.bytes),
            format!("records.checksum={}", !self.no_checksum),
            format!("time.measured_s={}", self.seconds),
        ];
        let text = "name = \"ceiling\"\n[load]\nloop = \"closed\"\n[produce]\nproducers = 2\nin_flight = 4\n\
                    batch_bytes = 131072\nrequest_bytes = 1048576\n[time]\nwarm_up_s = 1.0\ncool_down_s = 0.0\n";
        let scenario = read("ceiling", text, &overrides)?;
        let options = RunOptions {
            target: Target { door: loadgen::door::Door::Kafka, address: sink.address },
            threads: 1,
            server_pid: None,
            commit: String::new(),
            handicap: Duration::ZERO,
        };
        let mut progress = progress::Line::new(false);
        let result = run(&scenario, &options, &mut |now| progress.show(now))?;
        progress.end();
        let rate = result.throughput.acked_per_second;
        println!(
            "one thread: {rate:.0} records/s of {} B, {:.0} MB/s",
            self.bytes, result.throughput.acked_mb_per_second
        );
        println!(
            "it used {:.0} % of a core, so {:.0} records/s per core",
            result.health.busy_share * 100.0,
            rate / result.health.busy_share.max(0.01)
        );
        match &self.json {
            Some(file) => write(file, result.to_json().as_bytes()),
            None => Ok(()),
        }
    }
}
