//! `cargo run -p schemas -- generate`: write the generated files. `… check`: name those that are stale.

use std::path::PathBuf;
use std::process::ExitCode;

use schemas::output::{self, OutputError};

const USAGE: &str = "usage: cargo run -p schemas -- generate | check";

fn main() -> ExitCode {
    let command = std::env::args().nth(1);
    let outcome = match command.as_deref() {
        Some("generate") => generate(),
        Some("check") => check(),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}

/// Cargo sets the package's folder at run time; without it, the current folder is taken for the workspace's.
fn workspace() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from("."), |package| PathBuf::from(package).join(".."))
}

fn generate() -> Result<ExitCode, OutputError> {
    for path in output::write(&workspace())? {
        println!("wrote {}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn check() -> Result<ExitCode, OutputError> {
    let stale = output::stale(&workspace())?;
    for path in &stale {
        eprintln!("{} is stale: run `cargo run -p schemas -- generate`", path.display());
    }
    Ok(if stale.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
