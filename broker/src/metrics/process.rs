//! What the kernel knows of the process. Reading it may take milliseconds, so it is done on another thread.

use std::time::Duration;

use super::samples::Samples;
use super::table::Id;

/// Ticks of the kernel's clock in a second, as /proc counts them: 100 on every Linux.
const TICKS_PER_SECOND: u64 = 100;
const PAGE_BYTES: u64 = 4_096;

#[derive(Clone, Copy, Debug, Default)]
struct Process {
    cpu: Option<Duration>,
    resident_bytes: Option<u64>,
    files: Option<usize>,
}

/// Samples of the process; `files_max` is its limit on open files, `age` the time since it began.
pub(crate) async fn process_samples(samples: &mut Samples, files_max: u64, age: Duration) {
    let look = || Process { cpu: processor_time(), resident_bytes: resident_bytes(), files: open_files() };
    let process = rt::blocking(look).await.unwrap_or_default();
    if let Some(cpu) = process.cpu {
        samples.add(Id::ProcessCpu, cpu);
    }
    if let Some(bytes) = process.resident_bytes {
        samples.add(Id::ProcessResident, bytes);
    }
    if let Some(files) = process.files {
        samples.add(Id::ProcessFiles, files);
    }
    samples.add(Id::ProcessFilesMax, files_max);
    let now = Duration::from_millis(u64::try_from(rt::wall_clock().to_wire()).unwrap_or(0));
    samples.add(Id::ProcessStart, now.saturating_sub(age));
}

/// Time of the processor that this process has used, in the kernel and outside.
pub(crate) fn processor_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program may hold anything, and ends with the last parenthesis.
    let fields: Vec<&str> = stat[stat.rfind(')')? + 1..].split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND))
}

pub(crate) fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    statm.split_whitespace().nth(1)?.parse::<u64>().ok().map(|pages| pages * PAGE_BYTES)
}

fn open_files() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count())
}
