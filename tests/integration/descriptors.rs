//! The limit on open files: connections do not take what the log needs, and a broker that is short lives on.

use std::io::Read as _;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tests::broker::{Broker, folder};
use tests::kafka::{Client, code};
use wire::ErrorCode;

use crate::{batch, client_with_topic};

const ONE_CORE: [&str; 2] = ["--cores", "1"];

fn limited(limit: &str, data: &std::path::Path, arguments: &[&str]) -> Broker {
    let arguments = [&ONE_CORE, arguments].concat();
    Broker::try_start_limited(limit, data, &arguments).unwrap_or_else(|log| panic!("it does not start:\n{log}"))
}

fn connections(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    (0..count).map(|_| TcpStream::connect(address).expect("the kernel takes it")).collect()
}

/// Those that the broker has not closed.
fn open(connections: &[TcpStream]) -> usize {
    let is_open = |mut stream: &TcpStream| {
        stream.set_nonblocking(true).expect("it is ours");
        stream.read(&mut [0; 1]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    };
    connections.iter().filter(|stream| is_open(stream)).count()
}

#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(30), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Somebody new is served.
fn serves(broker: &Broker) -> bool {
    Client::connect(broker.kafka).and_then(|mut client| client.list_offset("t", 0, -1)).is_ok()
}

#[test]
fn the_soft_limit_is_raised_to_the_hard_one() {
    let data = folder();
    let broker = limited("-Sn 200", data.path(), &[]);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", broker.id())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let numbers: Vec<&str> = line["Max open files".len()..].split_whitespace().collect();
    assert_eq!(numbers[0], numbers[1], "{line}");
    assert_ne!(numbers[0], "200", "{line}");
}

#[test]
fn a_limit_that_is_too_low_is_refused_with_what_to_do() {
    let data = folder();
    let log = Broker::try_start_limited("-n 100", data.path(), &ONE_CORE).err().expect("it is too low");
    for word in ["open files is 100", "1 cores need at least", "ulimit -n", "LimitNOFILE"] {
        assert!(log.contains(word), "{word:?} is not in: {log}");
    }
}

#[test]
fn connections_beyond_the_limit_are_closed_and_leave_the_log_its_files() {
    let data = folder();
    let broker = limited("-n 400", data.path(), &[]);
    let warned = "fewer connections than connections.max";
    until("it warns", || broker.log().contains(warned));
    let mut client = client_with_topic(&broker, "t", 20);
    let many = connections(broker.kafka, 350);
    until("most are closed", || open(&many) < 200);
    assert!(open(&many) > 50, "{}", open(&many));
    // Each partition needs a file of its own.
    for partition in 0..20 {
        let produced = client.produce("t", partition, &batch(10)).expect("it answers");
        assert_eq!(code(produced.error_code), ErrorCode::None);
    }
    assert!(!serves(&broker));
    drop(many);
    until("somebody new is served", || serves(&broker));
    let (_, well, log) = broker.stop_with_log();
    assert!(well, "{log}");
    let told = log.matches("no more connections are possible with this limit on open files").count();
    assert!((1..=3).contains(&told), "one line for all of some seconds, not {told}");
}

/// As when other processes use up what the machine has. What the log needs is not there either then; that is not looked at.
#[test]
fn when_descriptors_run_out_all_the_same_the_log_says_so_and_connections_come_again() {
    let data = folder();
    let broker = limited("-n 4096", data.path(), &[]);
    let mut client = client_with_topic(&broker, "t", 1);
    let process = Pid::from_raw(broker.id().cast_signed());
    let limit = |current: u64| Rlimit { current: Some(current), maximum: Some(4_096) };
    let before = prlimit(process, Resource::Nofile, limit(broker.descriptors() as u64 + 4)).expect("it is ours");
    let many = connections(broker.kafka, 40);
    until("the log says so", || broker.log().contains("too many files are open"));
    assert_eq!(client.list_offset("t", 0, -1).expect("who is connected is answered").0, ErrorCode::None);
    let cpu = broker.cpu_seconds();
    std::thread::sleep(Duration::from_secs(2));
    assert!(broker.cpu_seconds() - cpu < 1.0, "it spins");
    assert!(broker.log().matches("too many files are open").count() <= 2, "{}", broker.log());
    drop(many);
    prlimit(process, Resource::Nofile, before).expect("it is ours");
    until("somebody new is served", || serves(&broker));
}

/// After kill -9 all partitions that were written to are in the journals, and a start keeps the segments of no more of them
/// open than the limit allows.
#[test]
fn a_start_opens_no_more_files_than_the_limit_allows() {
    const PARTITIONS: i32 = 400;
    let data = folder();
    let broker = limited("-n 300", data.path(), &[]);
    let mut client = client_with_topic(&broker, "t", PARTITIONS);
    for partition in 0..PARTITIONS {
        let produced = client.produce("t", partition, &batch(10)).expect("it answers");
        assert_eq!(code(produced.error_code), ErrorCode::None);
    }
    broker.kill();
    let broker = limited("-n 300", data.path(), &[]);
    let mut client = Client::connect(broker.kafka).expect("it serves");
    for partition in 0..PARTITIONS {
        let (code, end, _) = client.list_offset("t", partition, -1).expect("it answers");
        assert_eq!((code, end), (ErrorCode::None, 10));
    }
}
