//! `corelane`: the broker and the tools around it, one file a command.

mod allocator;
mod confirm;
mod consume;
mod door;
mod escape;
mod format;
mod group;
mod inspect;
mod kafka;
mod loadgen;
mod logging;
mod native;
mod partition;
mod produce;
mod record_json;
mod serve;
mod status;
mod table;
mod time;
mod topic;

use std::error::Error;
use std::io::{self, BufWriter, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A streaming log broker for Linux: one executor per core, io_uring, direct I/O; speaks Kafka's protocol and its own.
#[derive(Parser)]
#[command(name = "corelane", version = version(), propagate_version = true, max_term_width = 120)]
#[command(after_help = "\
A first try:
  corelane serve      # on 127.0.0.1:9092, data in ./corelane-data; then, in another terminal:
  corelane topic create greetings
  echo hello | corelane produce greetings
  corelane consume greetings --to-end

Exit codes: 0 done, 1 it failed and stderr says why, 2 wrong usage.")]
struct Arguments {
    /// What to log: error, warn, info, debug, trace, or a filter such as `info,shard=debug` [default: info for serve,
    /// warn for the others].
    #[arg(
        long,
        global = true,
        value_name = "FILTER",
        env = "CORELANE_LOG",
        hide_env_values = true,
        help_heading = "Logging"
    )]
    log: Option<String>,
    /// Log as JSON lines.
    #[arg(long, global = true, help_heading = "Logging")]
    log_json: bool,
    #[command(subcommand)]
    command: Command,
}

/// With the commit, where whoever built it has named it in `CORELANE_COMMIT`.
fn version() -> &'static str {
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    match option_env!("CORELANE_COMMIT") {
        Some(commit) => Box::leak(format!("{VERSION} ({commit})").into_boxed_str()),
        None => VERSION,
    }
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Serve),
    Topic(topic::Topic),
    Group(group::Group),
    Partition(partition::Partition),
    Produce(produce::Produce),
    Consume(consume::Consume),
    Status(status::Status),
    Inspect(inspect::Inspect),
    Loadgen(loadgen::Loadgen),
}

impl Command {
    fn log_default(&self) -> &'static str {
        match self {
            Self::Serve(_) => "info",
            _ => "warn",
        }
    }
}

fn main() -> ExitCode {
    allocator::keep_freed_memory();
    let arguments = Arguments::parse();
    let filter = arguments.log.as_deref().unwrap_or(arguments.command.log_default());
    let logging = match logging::start(filter, arguments.log_json) {
        Ok(logging) => logging,
        Err(error) => {
            eprintln!("corelane: --log: {error}");
            return ExitCode::from(2);
        }
    };
    let result = match arguments.command {
        Command::Serve(serve) => serve.run(),
        Command::Topic(topic) => topic.run(),
        Command::Group(group) => group.run(),
        Command::Partition(partition) => partition.run(),
        Command::Produce(produce) => produce.run(),
        Command::Consume(consume) => consume.run(),
        Command::Status(status) => status.run(),
        Command::Inspect(inspect) => inspect.run(),
        Command::Loadgen(loadgen) => loadgen.run(),
    };
    logging.flush();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("corelane: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes to stdout. That nobody reads is no failure.
fn say(text: &str) -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(io::stdout().lock());
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
