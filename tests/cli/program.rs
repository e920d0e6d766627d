//! Running the program.

use std::fs::File;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;
use tests::broker::{Broker, binary};

/// Long enough for any command here on a busy machine.
const TIME_MAX: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Kafka,
    Native,
}

pub(crate) const DOORS: [Door; 2] = [Door::Kafka, Door::Native];

impl Door {
    pub(crate) fn arguments(self, broker: &Broker) -> [String; 4] {
        let (name, address) = match self {
            Self::Kafka => ("kafka", broker.kafka),
            Self::Native => ("native", broker.native),
        };
        ["--door".to_owned(), name.to_owned(), "--broker".to_owned(), address.to_string()]
    }
}

#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Outcome {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("the output is UTF-8")
    }

    /// One JSON value a line.
    pub(crate) fn json(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"))).collect()
    }

    #[track_caller]
    pub(crate) fn well(self) -> Self {
        assert_eq!(self.code, 0, "it failed: {}", self.stderr);
        self
    }

    /// Fails with 1, says why in one line, and names all of this.
    #[track_caller]
    pub(crate) fn refused_naming(&self, words: &[&str]) {
        assert_eq!(self.code, 1, "stdout: {}\nstderr: {}", String::from_utf8_lossy(&self.stdout), self.stderr);
        let line = self.stderr.lines().last().unwrap_or_default();
        assert!(line.starts_with("corelane: "), "{}", self.stderr);
        for word in words {
            assert!(line.contains(word), "{word:?} is not in: {line}");
        }
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).env_remove("CORELANE_BROKER").env_remove("CORELANE_LOG");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts the program with its stdin and stdout open.
pub(crate) fn start(arguments: &[&str]) -> Child {
    command(arguments).spawn().expect("the program starts")
}

pub(crate) fn run(arguments: &[&str], stdin: &[u8]) -> Outcome {
    let mut child = start(arguments);
    let mut pipe = child.stdin.take().expect("it is piped");
    let input = stdin.to_vec();
    // A program that ends early does not read all of it.
    let feeder = std::thread::spawn(move || drop(pipe.write_all(&input)));
    let outcome = finish(child, arguments);
    feeder.join().expect("the feeder does not panic");
    outcome
}

/// Runs a command whose stdin is a terminal at which somebody types this. What it writes is not shown there.
pub(crate) fn run_at_terminal(arguments: &[&str], typed: &str) -> Outcome {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("there are terminals");
    grantpt(&terminal).and_then(|()| unlockpt(&terminal)).expect("the terminal is ours");
    let name = ptsname(&terminal, Vec::new()).expect("the terminal has a name");
    let name = name.into_string().expect("its name is plain");
    let stdin = File::options().read(true).write(true).open(name).expect("the terminal opens");
    let mut keyboard = File::from(terminal);
    keyboard.write_all(typed.as_bytes()).expect("a terminal holds a few keys");
    let child = command(arguments).stdin(stdin).spawn().expect("the program starts");
    let outcome = finish(child, arguments);
    drop(keyboard);
    outcome
}

/// Waits for the end of a program.
fn finish(child: Child, arguments: &[&str]) -> Outcome {
    let pid = child.id();
    let (done, watched) = std::sync::mpsc::channel::<()>();
    let watchdog = std::thread::spawn(move || {
        if watched.recv_timeout(TIME_MAX) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
        }
    });
    let output = child.wait_with_output().expect("the program's output can be read");
    drop(done);
    watchdog.join().expect("the watchdog does not panic");
    let code = output.status.code().unwrap_or_else(|| panic!("{arguments:?} was killed: {}", output.status));
    Outcome { code, stdout: output.stdout, stderr: String::from_utf8_lossy(&output.stderr).into_owned() }
}

/// Runs a command against a broker.
pub(crate) fn ask(broker: &Broker, door: Door, arguments: &[&str], stdin: &[u8]) -> Outcome {
    let door = door.arguments(broker);
    let all: Vec<&str> = arguments.iter().copied().chain(door.iter().map(String::as_str)).collect();
    run(&all, stdin)
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < TIME_MAX, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn interrupt(child: &Child) {
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(status.success(), "the program has ended already");
}
