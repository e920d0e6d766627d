//! `corelane`: the broker and the tools around it, one file a command.

mod loadgen;
mod logging;
mod serve;

use std::process::ExitCode;

/// Frees on another core than the one that allocated are common here, and large buffers come and go.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use clap::{Parser, Subcommand};

/// A streaming log broker for Linux: one executor per core, io_uring, direct I/O; speaks Kafka's protocol and its own.
#[derive(Parser)]
#[command(name = "corelane", version, propagate_version = true, max_term_width = 120)]
struct Arguments {
    /// What to log: error, warn, info, debug, trace, or a filter such as `info,shard=debug`.
    #[arg(long, global = true, value_name = "FILTER", env = "CORELANE_LOG", default_value = "info")]
    log: String,
    /// Log as JSON lines.
    #[arg(long, global = true)]
    log_json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Serve),
    Loadgen(loadgen::Loadgen),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let logging = match logging::start(&arguments.log, arguments.log_json) {
        Ok(logging) => logging,
        Err(error) => {
            eprintln!("corelane: --log: {error}");
            return ExitCode::from(2);
        }
    };
    let result = match arguments.command {
        Command::Serve(serve) => serve.run(),
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
