//! How long a start takes after kill -9 under load, with many partitions that have a history.
//!
//! By itself a small case; `CORELANE_RESTART_PARTITIONS`, `_HISTORY_MIB`, `_LOAD_SECONDS` and `_ROUNDS` make it a
//! measurement.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use base::SeededRandom;
use tests::broker::{Broker, folder};
use tests::kafka::{Client, code};
use wire::ErrorCode;
use wire::batch::{BatchBuilder, BatchOptions, NewRecord};
use wire::compress::Compressor;

const TOPIC: &str = "restart";
const PRODUCERS: u64 = 16;
const HISTORY_BATCH_BYTES: usize = 64 << 10;
const LOAD_BATCH_BYTES: usize = 4 << 10;
/// Partitions that are looked at after each start.
const LOOKED_AT: u64 = 200;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(format!("CORELANE_RESTART_{name}")).map_or(default, |text| text.parse().expect("a number"))
}

/// Ends of what was acknowledged, by partition.
type Ends = Arc<Vec<AtomicI64>>;

fn batch(bytes: usize) -> Vec<u8> {
    let value = vec![b'r'; bytes];
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.push(&NewRecord { value: Some(&value), ..NewRecord::default() }).expect("it fits");
    builder.finish(&mut Compressor::new()).to_vec()
}

/// Produces one batch with `acks=all`; false when the broker is gone.
fn produce(client: &mut Client, partition: usize, batch: &[u8], ends: &Ends) -> bool {
    let Ok(response) = client.produce(TOPIC, i32::try_from(partition).expect("few"), batch) else { return false };
    match code(response.error_code) {
        ErrorCode::None => {}
        ErrorCode::NotLeaderOrFollower | ErrorCode::KafkaStorageError => return false,
        other => panic!("refused: {}", other.name()),
    }
    ends[partition].fetch_max(response.base_offset + 1, Ordering::Relaxed);
    true
}

/// Brings a history to all partitions, by several connections.
fn make_history(address: SocketAddr, ends: &Ends, bytes: u64) {
    let rounds = bytes / (ends.len() as u64 * HISTORY_BATCH_BYTES as u64);
    let threads = (0..PRODUCERS).map(|producer| {
        let ends = Arc::clone(ends);
        std::thread::spawn(move || {
            let batch = batch(HISTORY_BATCH_BYTES);
            let mut client = Client::connect(address).expect("the broker serves");
            for _ in 0..rounds {
                for partition in (0..ends.len()).filter(|partition| *partition as u64 % PRODUCERS == producer) {
                    assert!(produce(&mut client, partition, &batch, &ends), "the broker takes a history");
                }
            }
        })
    });
    for thread in threads.collect::<Vec<_>>() {
        thread.join().expect("a history is made");
    }
}

/// Appends to any partitions until the broker is killed.
fn load_until_killed(broker: Broker, ends: &Ends, lasting: Duration, random: &mut SeededRandom) -> u64 {
    let (address, stop, acknowledged) = (broker.kafka, Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let threads = (0..PRODUCERS).map(|_| {
        let (ends, stop, acknowledged, mut random) =
            (Arc::clone(ends), Arc::clone(&stop), Arc::clone(&acknowledged), random.fork());
        std::thread::spawn(move || {
            let batch = batch(LOAD_BATCH_BYTES);
            let Ok(mut client) = Client::connect(address) else { return };
            while !stop.load(Ordering::Relaxed) {
                let partition = usize::try_from(random.below(ends.len() as u64)).expect("few");
                if !produce(&mut client, partition, &batch, &ends) {
                    return;
                }
                acknowledged.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    let threads: Vec<_> = threads.collect();
    std::thread::sleep(lasting);
    broker.kill();
    stop.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().expect("nothing was refused");
    }
    acknowledged.load(Ordering::Relaxed)
}

#[test]
fn a_start_takes_no_longer_for_the_history_that_its_partitions_have() {
    let (partitions, history) = (number("PARTITIONS", 200), number("HISTORY_MIB", 50) << 20);
    let (lasting, rounds) = (Duration::from_secs(number("LOAD_SECONDS", 1)), number("ROUNDS", 3));
    let journal = format!("journal.bytes={} MiB", number("JOURNAL_MIB", 16));
    let arguments = ["--set", journal.as_str()];
    let data = folder();
    let ends: Ends = Arc::new((0..partitions).map(|_| AtomicI64::new(0)).collect());
    let mut random = SeededRandom::new(0x9e57a7);
    let mut broker = Broker::start(data.path(), &arguments);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    let made = client.create_topic(TOPIC, i32::try_from(partitions).expect("few"), &[]).expect("the broker answers");
    assert_eq!(made, ErrorCode::None);
    let begun = Instant::now();
    make_history(broker.kafka, &ends, history);
    println!("{partitions} partitions, {} MiB of history in {:.0?}", history >> 20, begun.elapsed());
    let mut restarts = Vec::new();
    for round in 0..rounds {
        let acknowledged = load_until_killed(broker, &ends, lasting, &mut random);
        let begun = Instant::now();
        broker = Broker::start(data.path(), &arguments);
        let serving = begun.elapsed();
        let mut client = Client::connect(broker.kafka).expect("the broker serves");
        let partition = usize::try_from(random.below(partitions)).expect("few");
        assert!(produce(&mut client, partition, &batch(100), &ends), "the broker takes records again");
        let took = begun.elapsed();
        println!(
            "round {round}: {acknowledged} batches before the kill, serving after {serving:.2?}, first ack after {took:.2?}"
        );
        for line in broker.log().lines().filter(|line| line.contains("recover") || line.contains("replay")) {
            println!("  {line}");
        }
        restarts.push(took);
        for _ in 0..LOOKED_AT.min(partitions) {
            let partition = usize::try_from(random.below(partitions)).expect("few");
            let latest =
                client.list_offset(TOPIC, i32::try_from(partition).expect("few"), -1).expect("the broker answers");
            let promised = ends[partition].load(Ordering::Relaxed);
            assert!(latest.1 >= promised, "partition {partition} ends at {}, and {promised} was promised", latest.1);
        }
    }
    restarts.sort_unstable();
    println!(
        "restart to first ack: median {:.2?}, longest {:.2?} of {rounds}",
        restarts[restarts.len() / 2],
        restarts[restarts.len() - 1]
    );
}
