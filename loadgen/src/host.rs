//! What /proc says about this machine and about the server's process on it.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The machine that ran the load.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    pub cpu: String,
    pub cores: u64,
    pub memory_mib: u64,
    pub kernel: String,
    /// Device and file system of the folder in which the server, or else the generator, works.
    pub disk: String,
}

/// Processor time and memory of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProcessUsage {
    pub cpu_seconds: f64,
    pub rss_mib: f64,
}

fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.split(':').next().is_some_and(|left| left.trim() == name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

impl Machine {
    pub fn look(server: Option<u32>) -> Self {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let kib = field(&memory, "MemTotal")
            .and_then(|text| text.split_whitespace().next().and_then(|number| number.parse::<u64>().ok()));
        let folder = server.map_or_else(|| ".".to_owned(), |pid| format!("/proc/{pid}/cwd"));
        Self {
            cpu: field(&cpu, "model name").unwrap_or_else(|| "unknown".to_owned()),
            cores: std::thread::available_parallelism().map_or(1, |cores| crate::number::large(cores.get())),
            memory_mib: kib.unwrap_or(0) / 1_024,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            disk: disk_of(Path::new(&folder)).unwrap_or_else(|| "unknown".to_owned()),
        }
    }
}

/// The mount with the longest path above a folder.
fn disk_of(folder: &Path) -> Option<String> {
    let folder = fs::canonicalize(folder).ok()?;
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let fields = mounts.lines().filter_map(|line| {
        let mut parts = line.split_whitespace();
        Some((parts.next()?, parts.next()?, parts.next()?))
    });
    let above = fields.filter(|(_, path, _)| folder.starts_with(path));
    above.max_by_key(|(_, path, _)| path.len()).map(|(device, _, kind)| format!("{device} ({kind})"))
}

/// `None` when the process is gone.
pub fn usage(pid: u32) -> Option<ProcessUsage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before the last parenthesis may hold anything.
    let fields: Vec<&str> = stat[stat.rfind(')')? + 1..].split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kib = field(&status, "VmRSS")?.split_whitespace().next()?.parse::<f64>().ok()?;
    // The kernel counts in hundredths of a second, on every architecture that Linux lists in its manual.
    Some(ProcessUsage { cpu_seconds: (ticks(11)? + ticks(12)?) / 100.0, rss_mib: kib / 1_024.0 })
}

/// How a process was started.
pub fn command_line(pid: u32) -> Option<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let words: Vec<String> =
        bytes.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    Some(words.join(" ").trim().to_owned())
}

/// The process on this host that listens on an address, if we may see it.
pub fn listener(address: SocketAddr) -> Option<u32> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|file| {
        let text = fs::read_to_string(file).ok()?;
        text.lines().skip(1).find_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let port = u16::from_str_radix(fields.get(1)?.rsplit(':').next()?, 16).ok()?;
            // 0A: the socket listens.
            (port == address.port() && *fields.get(3)? == "0A")
                .then(|| fields.get(9).map(|inode| (*inode).to_owned()))?
        })
    })?;
    let wanted = format!("socket:[{inode}]");
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let mut files = fs::read_dir(entry.path().join("fd")).ok()?.flatten();
        let is_it = files.any(|file| fs::read_link(file.path()).is_ok_and(|link| link.to_str() == Some(&wanted)));
        is_it.then_some(pid)
    })
}

/// Lets the calling thread run before all ordinary ones, so that a busy broker on the same cores doesn't delay the
/// schedule; or again as all others do. False where the process may not (it needs root or CAP_SYS_NICE).
pub(crate) fn run_first(first: bool) -> bool {
    let (policy, sched_priority) = if first { (libc::SCHED_FIFO, 1) } else { (libc::SCHED_OTHER, 0) };
    let parameter = libc::sched_param { sched_priority };
    // SAFETY: changes how this thread is scheduled and nothing else; the parameter lives across the call.
    unsafe { libc::sched_setscheduler(0, policy, &raw const parameter) == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_process_is_found_by_its_port_and_uses_memory() {
        let listener_socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let found = listener(listener_socket.local_addr().expect("an address"));
        assert_eq!(found, Some(std::process::id()));
        let usage = usage(std::process::id()).expect("we run");
        assert!(usage.rss_mib > 1.0, "{usage:?}");
        assert!(command_line(std::process::id()).is_some_and(|line| line.contains("loadgen")));
    }

    #[test]
    fn the_machine_is_described() {
        let machine = Machine::look(None);
        assert!(machine.cores > 0 && machine.memory_mib > 0 && !machine.kernel.is_empty(), "{machine:?}");
    }
}
