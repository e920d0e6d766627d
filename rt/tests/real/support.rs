//! What the tests have in common.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use base::ByteSize;
use rt::{CoresConfig, CpuPlacement, run_one};

pub(crate) const MS: Duration = Duration::from_millis(1);

pub(crate) fn config() -> CoresConfig {
    CoresConfig { io_memory: ByteSize::mib(2), ..CoresConfig::default() }
}

/// Two cores, each on a CPU of its own.
pub(crate) fn two_cores() -> CoresConfig {
    let cpus = rt::online_cpus();
    assert!(cpus.len() >= 2, "these tests need two CPUs, and may run on {cpus:?}");
    CoresConfig { cpus: cpus[..2].iter().map(|cpu| CpuPlacement::Pinned(*cpu)).collect(), ..config() }
}

/// Runs a task on an executor of its own.
pub(crate) fn on_core<T: Send + 'static, F: Future<Output = T> + 'static>(
    main: impl FnOnce() -> F + Send + 'static,
) -> T {
    run_one(config(), main).expect("this machine can run an executor")
}

/// A new folder on a file system that has direct I/O.
pub(crate) fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    if path.exists() {
        fs::remove_dir_all(&path).expect("what an earlier test has left can be removed");
    }
    fs::create_dir_all(&path).expect("the test's folder can be made");
    path
}

/// How many descriptors of this process point to something whose name contains `part`.
pub(crate) fn descriptors(part: &str) -> usize {
    let entries = fs::read_dir("/proc/self/fd").expect("a process may list its descriptors");
    let targets = entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    targets.filter(|target| target.to_string_lossy().contains(part)).count()
}

const CHILD: &str = "RT_TEST_CHILD";
const WORD: &str = "RT_TEST_WORD";

/// Runs `body` in a process of its own, which is this test again: `test` is its full name. In the child this doesn't
/// return.
pub(crate) fn in_child(test: &str, body: impl FnOnce()) -> Output {
    in_child_with(test, "", |_| body())
}

/// As [`in_child`], with a word for the child.
pub(crate) fn in_child_with(test: &str, word: &str, body: impl FnOnce(&str)) -> Output {
    if std::env::var_os(CHILD).is_some_and(|child| child == *test) {
        body(&std::env::var(WORD).expect("set by the parent"));
        std::process::exit(0);
    }
    let this = std::env::current_exe().expect("a process knows its program");
    let mut command = Command::new(this);
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(CHILD, test).env(WORD, word);
    command.output().expect("the test can be started again")
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Bytes of memory that this process has in use.
pub(crate) fn resident_bytes() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").expect("a process may read its memory use");
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("the second number");
    pages * 4096
}
