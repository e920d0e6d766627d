//! A broker as a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

/// Where the workspace lies.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests lies in the workspace").to_owned()
}

/// The program under test: `CORELANE_BIN`, or what this workspace builds, in the profile of the tests.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| std::env::var_os("CORELANE_BIN").map_or_else(build, PathBuf::from))
}

fn build() -> PathBuf {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(cargo);
    command.args(["build", "--package", "cli", "--bin", "corelane", "--message-format", "json-render-diagnostics"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output = command.current_dir(workspace()).stderr(Stdio::inherit()).output().expect("cargo runs");
    assert!(output.status.success(), "the program does not build");
    let text = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    let mut executable = text.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    });
    executable.next_back().expect("cargo says where the program is")
}

/// A folder that is removed with its owner. It lies in the build folder, on a disk that knows direct I/O.
pub fn folder() -> tempfile::TempDir {
    let base = binary().parent().expect("a program lies in a folder").join("test-data");
    std::fs::create_dir_all(&base).expect("the build folder can be written");
    tempfile::Builder::new().prefix("data-").tempdir_in(base).expect("the build folder can be written")
}

/// A running broker. Killed when dropped.
pub struct Broker {
    child: Child,
    pub kafka: SocketAddr,
    pub native: SocketAddr,
    pub http: SocketAddr,
    /// Of the first lane, if there are any.
    pub lanes: Option<SocketAddr>,
    log: Arc<Mutex<String>>,
}

impl Broker {
    /// Starts a broker on free ports, with a small journal and cache, and waits until it serves.
    pub fn start(data: &Path, arguments: &[&str]) -> Self {
        Self::try_start(data, arguments).unwrap_or_else(|log| panic!("the broker does not start:\n{log}"))
    }

    /// As [`Broker::start`]; the log is the error when the broker gives up.
    pub fn try_start(data: &Path, arguments: &[&str]) -> Result<Self, String> {
        Self::launch(Command::new(binary()), data, arguments)
    }

    /// As [`Broker::try_start`], with a limit on open files, as options of the shell's `ulimit`.
    pub fn try_start_limited(limit: &str, data: &Path, arguments: &[&str]) -> Result<Self, String> {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("ulimit {limit} && exec \"$0\" \"$@\"")).arg(binary());
        Self::launch(command, data, arguments)
    }

    fn launch(mut command: Command, data: &Path, arguments: &[&str]) -> Result<Self, String> {
        command.arg("serve").arg("--data").arg(data);
        command.args(["--kafka", "127.0.0.1:0", "--native", "127.0.0.1:0", "--set", "http.listen=127.0.0.1:0"]);
        command.args(["--set", "journal.bytes=16 MiB", "--set", "memory.cache=64 MiB", "--set", "disk.free_floor=0"]);
        command.args(arguments);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program can be started");
        let log = Arc::new(Mutex::new(String::new()));
        collect(child.stderr.take().expect("it is piped"), Arc::clone(&log));
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        stdout.read_line(&mut line).expect("the program's output can be read");
        let Some(Ready { kafka, http, native, lanes }) = ready_line(&line) else {
            let _ = child.wait();
            std::thread::sleep(Duration::from_millis(50));
            return Err(log.lock().expect("nobody panics with the lock").clone());
        };
        Ok(Self { child, kafka, native, http, lanes, log })
    }

    /// Ends the process at once, as a crash would.
    pub fn kill(mut self) {
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process ends");
    }

    /// Asks the broker to stop, and says how long it took and whether it ended well.
    pub fn stop(self) -> (Duration, bool) {
        let (took, well, _) = self.stop_with_log();
        (took, well)
    }

    /// As [`Broker::stop`], with the log of the broker's whole life.
    pub fn stop_with_log(mut self) -> (Duration, bool, String) {
        let begun = Instant::now();
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        assert!(asked.success(), "the broker is gone already");
        let status = self.child.wait().expect("the process ends");
        let took = begun.elapsed();
        // Its last words are still on their way through the pipe.
        std::thread::sleep(Duration::from_millis(50));
        (took, status.success(), self.log())
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process is still there.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("the process can be looked at").is_none()
    }

    pub fn log(&self) -> String {
        self.log.lock().expect("nobody panics with the lock").clone()
    }

    /// A number from /proc, of lines such as `VmRSS:  1234 kB`.
    pub fn status_kib(&self, field: &str) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("the broker runs");
        let line =
            text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).expect("the kernel knows it");
        line.trim().trim_end_matches("kB").trim().parse().expect("a number")
    }

    /// Files and sockets that the broker has open.
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.id())).expect("the broker runs").count()
    }

    /// Seconds of processor that the broker has used.
    pub fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).expect("the broker runs");
        let fields: Vec<&str> = stat[stat.rfind(')').expect("a name") + 1..].split_whitespace().collect();
        let ticks = |index: usize| fields[index].parse::<f64>().expect("a number");
        (ticks(11) + ticks(12)) / 100.0
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the broker's log:\n{}", self.log());
        }
    }
}

struct Ready {
    kafka: SocketAddr,
    http: SocketAddr,
    native: SocketAddr,
    lanes: Option<SocketAddr>,
}

fn ready_line(line: &str) -> Option<Ready> {
    let rest = line.trim().strip_prefix("ready ")?;
    let address = |name: &str| rest.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    let lanes = address("lanes").map(str::parse).transpose().ok()?;
    let [kafka, http, native] = ["kafka", "http", "native"].map(|name| address(name)?.parse().ok());
    Some(Ready { kafka: kafka?, http: http?, native: native?, lanes })
}

fn collect(mut from: impl Read + Send + 'static, log: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 4_096];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let mut log = log.lock().expect("nobody panics with the lock");
            log.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    });
}
