//! `corelane inspect`: look at a data folder, or at one file of it, without a broker.

mod file;
mod folder;
mod metadata;
mod read_only;
mod report;

use std::error::Error;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Instant;

use base::CoreId;
use clap::Args;
use rt::sim::{Sim, SimConfig};

use report::{Detail, Report};

/// Show and verify what is in a data folder, or in one file of it; needs no broker, and changes nothing.
///
/// Every batch of every segment is read and its checksum verified, indexes and checkpoints are compared with the segments,
/// and the journals are read as a start of the broker would. Damage is named by file and byte position.
///
/// Exit code: 0 all is well, 1 damage was found or something cannot be read, 2 wrong usage.
#[derive(Args)]
#[command(after_help = "\
Examples:
  corelane inspect corelane-data                   what is there, one line a segment
  corelane inspect corelane-data --verify          look deeper, and say only what is wrong
  corelane inspect corelane-data --json | jq 'select(.kind == \"damage\")'
  corelane inspect corelane-data/topics/ID/0/00000000000000000000.log --records
  corelane inspect corelane-data/journal/0/ring-0  entries of a journal's file, of whatever age")]
pub(crate) struct Inspect {
    /// A data folder, or a file of one: a segment, an index, a ring file of a journal, a checkpoint.
    #[arg(value_name = "DIR|FILE")]
    path: PathBuf,
    /// Show each batch. A file shows its batches anyway.
    #[arg(long)]
    batches: bool,
    /// Show each batch and each record.
    #[arg(long)]
    records: bool,
    /// One JSON object a line; `kind` says what it is.
    #[arg(long)]
    json: bool,
    /// Also decompress every batch and walk through its records; show only damage and a summary.
    #[arg(long, conflicts_with_all = ["batches", "records"])]
    verify: bool,
    /// Do not read the segments of a folder, only what is said about them.
    #[arg(long, conflicts_with_all = ["batches", "records", "verify"])]
    quick: bool,
}

impl Inspect {
    pub(crate) fn run(self) -> Result<(), Box<dyn Error>> {
        let metadata = std::fs::metadata(&self.path).map_err(|error| format!("{}: {error}", self.path.display()))?;
        let is_folder = metadata.is_dir();
        let detail = match () {
            () if self.records => Detail::Records,
            () if self.batches || (!is_folder && !self.verify) => Detail::Batches,
            () if self.verify => Detail::Damage,
            () if self.quick => Detail::Outline,
            () => Detail::Segments,
        };
        let begun = Instant::now();
        let mut report = Report::new(detail, self.json);
        let path = self.path.clone();
        // What reads the formats is written for `rt`. Its simulated world runs it on this thread, with real files: so
        // this works where there is no io_uring.
        let sim = Sim::new(SimConfig::new(0));
        let result = sim.block_on(CoreId(0), async move {
            let result = match is_folder {
                true => folder::inspect(&path, &mut report).await,
                false => file::inspect(&path, &mut report).await,
            };
            result.map(|()| report)
        });
        let mut report = match result {
            Ok(report) => report,
            Err(error) if report::is_broken_pipe(&*error) => return Ok(()),
            Err(error) => return Err(error),
        };
        match report.finish(begun.elapsed()) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            other => other?,
        }
        match report.damages() {
            0 => Ok(()),
            1 => Err(format!("1 damage was found in {}", self.path.display()).into()),
            count => Err(format!("{count} damages were found in {}", self.path.display()).into()),
        }
    }
}

/// Whether a broker runs in the folder.
fn is_locked(folder: &Path) -> bool {
    let Ok(file) = File::open(folder.join("LOCK")) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}
