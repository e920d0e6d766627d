//! Thousands of connections that take nothing and send half of what they announce do not push the broker over its budgets.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tests::broker::{Broker, folder};
use tests::kafka::{Client, code, encode, fetch_request, produce_request};
use wire::ErrorCode;
use wire::batch::{BatchBuilder, BatchOptions, NewRecord};
use wire::compress::Compressor;
use wire::kafka::metadata::MetadataRequest;

const CONNECTIONS: usize = 5_000;
const LARGE: usize = 1_000_000;
const SETTINGS: [&str; 10] = [
    "--set",
    "kafka.request_bytes_max=16 MiB",
    "--set",
    "memory.requests=32 MiB",
    "--set",
    "memory.answers=32 MiB",
    "--set",
    "connections.request_time_max=10 min",
    "--cores",
    "2",
];
/// Requests and answers of two cores, and what the records leave of their caches, which the harness sets to 64 MiB each.
const BUDGETS_KIB: u64 = (2 * (32 + 32 + 64) - 80) << 10;
/// What a connection may take beyond what is counted for its requests and answers.
const CONNECTION_KIB: u64 = 12;

fn large_batch() -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    let value = vec![b'v'; LARGE];
    builder.push(&NewRecord { value: Some(&value), ..NewRecord::default() }).expect("the batch has room");
    builder.finish(&mut Compressor::new()).to_vec()
}

/// As far as the socket takes it at once.
fn push(mut stream: &TcpStream, bytes: &[u8]) {
    stream.set_nonblocking(true).expect("a socket can be set so");
    let _ = stream.write(bytes).expect("an empty socket takes some");
}

#[test]
fn five_thousand_connections_do_not_push_the_broker_over_its_budgets() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("a soft limit can be raised");
    // Some more are open on both sides.
    let most = limit.maximum.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX).saturating_sub(500));
    let data = folder();
    let broker = Broker::start(data.path(), &SETTINGS);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    let made = client.create_topic("large", 4, &[("retention.ms", "-1")]).expect("the broker answers");
    assert_eq!(made, ErrorCode::None);
    let batch = large_batch();
    for round in 0..80 {
        let produced = client.produce("large", round % 4, &batch).expect("the broker answers");
        assert_eq!(code(produced.error_code), ErrorCode::None);
    }
    let before_kib = broker.status_kib("VmRSS");

    let fetch = encode(12, &fetch_request("large", 0, 0, 100)).expect("it can be encoded");
    let produce = encode(9, &produce_request("large", 1, &batch, -1)).expect("it can be encoded");
    let begun = Instant::now();
    let held: Vec<TcpStream> = (0..CONNECTIONS.min(most))
        .map(|number| {
            let stream = TcpStream::connect(broker.kafka).expect("the broker takes connections");
            match number % 2 {
                // Answers of a mebibyte each, of which nobody takes more than the sockets do.
                0 => (0..2).for_each(|_| push(&stream, &fetch)),
                _ => push(&stream, &produce[..LARGE / 2]),
            }
            stream
        })
        .collect();
    println!("connected after {:.1?}", begun.elapsed());
    let begun = Instant::now();
    let mut most_kib = 0;
    while begun.elapsed() < Duration::from_secs(10) {
        most_kib = most_kib.max(broker.status_kib("VmRSS"));
        std::thread::sleep(Duration::from_millis(100));
    }
    let bound_kib = before_kib + BUDGETS_KIB + CONNECTIONS as u64 * CONNECTION_KIB;
    println!(
        "{} connections: {} MiB before, {} MiB at most, bound {} MiB",
        held.len(),
        before_kib >> 10,
        most_kib >> 10,
        bound_kib >> 10
    );
    assert!(most_kib < bound_kib, "{most_kib} KiB, and the budgets allow {bound_kib}");
    // Whoever asks for little is served beside them.
    let begun = Instant::now();
    let mut other = Client::connect(broker.kafka).expect("the broker takes connections");
    let answer = other.ask(9, &MetadataRequest::default()).expect("an answer within 30 s");
    assert_eq!(answer.brokers.len(), 1);
    println!("another client has its answer after {:.1?}", begun.elapsed());
    // Once they are gone there is room for everybody again.
    drop(held);
    let begun = Instant::now();
    while Client::connect(broker.kafka).and_then(|mut later| later.produce("large", 2, &batch)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(120), "nobody is served after the others have gone");
    }
}
