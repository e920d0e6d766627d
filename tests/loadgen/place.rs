//! A broker that can be killed and started again where it was, and loads against it.

use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use loadgen::door::{Door, Target};
use loadgen::result::RunResult;
use loadgen::run::{RunError, RunOptions, run};
use loadgen::scenario::{self, Scenario};
use tempfile::TempDir;
use tests::broker::{Broker, binary, folder};

pub(crate) const DOORS: [Door; 2] = [Door::Kafka, Door::Native];

/// Ports below those that the kernel gives to connections, so that nobody takes one while the broker is down.
const PORTS: std::ops::Range<u16> = 21_000..31_000;
/// One for the Kafka door, and one for each core.
const PORTS_EACH: u16 = 64;

fn free_ports() -> (u16, u16) {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let places = (PORTS.end - PORTS.start) / PORTS_EACH;
    let own = u16::try_from(std::process::id() % u32::from(places)).expect("below the number of places");
    loop {
        let place = (own + NEXT.fetch_add(1, Ordering::Relaxed)) % places;
        let first = PORTS.start + place * PORTS_EACH;
        if (first..first + 4).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return (first, first + 1);
        }
    }
}

/// A data folder and two cores' ports.
pub(crate) struct Place {
    data: TempDir,
    listen: [String; 2],
}

impl Place {
    pub(crate) fn new() -> Self {
        let (kafka, native) = free_ports();
        let listen = [format!("kafka.listen=127.0.0.1:{kafka}"), format!("native.listen=127.0.0.1:{native}")];
        Self { data: folder(), listen }
    }

    pub(crate) fn start(&self) -> Broker {
        let [kafka, native] = self.listen.each_ref();
        Broker::start(self.data.path(), &["--set", kafka, "--set", native])
    }
}

pub(crate) fn target(broker: &Broker, door: Door) -> Target {
    let address: SocketAddr = match door {
        Door::Kafka => broker.kafka,
        Door::Native => broker.native,
    };
    Target { door, address }
}

/// A scenario of the library, or of that name with all defaults.
pub(crate) fn scenario(name: &str, overrides: &[&str]) -> Scenario {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    let plain = format!("name = \"{name}\"\n");
    let text = scenario::library::find(name).map_or(plain.as_str(), |embedded| embedded.text);
    scenario::read(name, text, &overrides).unwrap_or_else(|error| panic!("{error}"))
}

/// A run on a thread of its own.
pub(crate) struct Running {
    seconds: Receiver<u64>,
    thread: JoinHandle<Result<RunResult, RunError>>,
}

impl Running {
    pub(crate) fn start(scenario: Scenario, target: Target) -> Self {
        let (tell, seconds) = channel();
        let options =
            RunOptions { target, threads: 1, server_pid: None, commit: String::new(), handicap: Duration::ZERO };
        let thread = std::thread::spawn(move || {
            run(&scenario, &options, &mut |now| {
                // Nobody listens to the later ones.
                let _ = tell.send(now.second);
            })
        });
        Self { seconds, thread }
    }

    /// Waits until so many seconds of the load are over.
    pub(crate) fn wait_for_second(&self, second: u64) {
        while self.seconds.recv().expect("the load runs for longer") < second {}
    }

    #[track_caller]
    pub(crate) fn finish(self) -> RunResult {
        let outcome = self.thread.join().expect("the run does not panic");
        outcome.unwrap_or_else(|error| panic!("the run failed: {error}"))
    }
}

/// Kills a broker that has just stopped answering, so that requests are under way, and starts it again.
pub(crate) fn kill_and_restart(broker: Broker, place: &Place) -> Broker {
    let stop = Command::new("kill").args(["-STOP", &broker.id().to_string()]).status().expect("kill runs");
    assert!(stop.success(), "the broker is gone already");
    std::thread::sleep(Duration::from_millis(200));
    broker.kill();
    place.start()
}

/// Nothing is wrong with what was read, and everything that was due was acknowledged and read.
#[track_caller]
pub(crate) fn assert_verified(result: &RunResult) {
    let context = || format!("{}\n{:?}", result.problems.join("\n"), result.service);
    let counts = result.counts;
    assert_eq!(counts.failed, 0, "records were never acknowledged: {}", context());
    assert!(result.verification.iter().all(loadgen::verify::Findings::is_clean), "{}", context());
    assert_eq!(result.damaged_batches, 0, "{}", context());
    for found in &result.verification {
        let expected = counts.acked + result.scenario.consume.backlog_records;
        assert_eq!(found.received, expected, "what was acknowledged was read: {}", context());
    }
}

pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `corelane loadgen`.
pub(crate) fn corelane(arguments: &[&str]) -> Outcome {
    let mut command = Command::new(binary());
    let output = command.arg("loadgen").args(arguments).stdin(Stdio::null()).output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the output is UTF-8");
    let code = output.status.code().unwrap_or_else(|| panic!("{arguments:?} was killed: {}", output.status));
    Outcome { code, stdout: text(output.stdout), stderr: text(output.stderr) }
}
