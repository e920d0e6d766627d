//! The balancer of a real broker: it moves partitions off the core that has too much to do, and comes to rest.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base::CoreId;
use client::{Client, ConsumerConfig, ProducerConfig, ProducerRecord};
use tests::broker::{Broker, folder};
use wire::native::Acks;

use super::support::{gather, has_two_cores, make_topic, read_all, with_client, with_client_within};

/// Each has a producer of its own, in a thread of its own: together they ask for more than one core can do.
const TOPICS: [&str; 3] = ["busy-a", "busy-b", "busy-c"];
/// Of each topic.
const PARTITIONS: u32 = 4;
const INTERVAL: Duration = Duration::from_millis(100);
/// More looks than a partition rests for after a move, and those before the next one.
const QUIET_LOOKS: u32 = 40;
/// Nothing here takes so long, however little of the machine is left for it.
const PATIENCE: Duration = Duration::from_secs(240);
/// Records that a producer has not heard of yet. No batch has more than one or two of them.
const RECORDS_AT_ONCE: usize = 400;

#[test]
fn the_balancer_moves_partitions_off_a_busy_core_and_comes_to_rest() {
    if !has_two_cores() {
        return;
    }
    let data = folder();
    let interval = format!("balancer.interval={} ms", INTERVAL.as_millis());
    let log = ["--log", "info,broker::balancing=debug"];
    let broker = Broker::start(data.path(), &["--cores", "2", "--set", &interval, log[0], log[1]]);
    let native = broker.native;
    with_client(native, |client| async move {
        // Nothing is done for them yet, so nothing moves back.
        for topic in TOPICS {
            make_topic(&client, topic, PARTITIONS).await;
            gather(&client, topic, CoreId(0)).await;
        }
    });
    let by_hand = moves(&broker);
    let over = Arc::new(AtomicBool::new(false));
    // They find all partitions on core 0, and connect there.
    let load = TOPICS.map(|topic| {
        let over = Arc::clone(&over);
        let work = move || with_client_within(PATIENCE, native, move |client| produce(client, topic, over));
        (topic, std::thread::spawn(work))
    });
    let begun = Instant::now();
    let places = wait_for_places(native, |places| places.values().any(|core| *core != CoreId(0)));
    println!("the first move after {:.1?}: {places:?}", begun.elapsed());
    let mut last = (moves(&broker), Instant::now());
    while last.1.elapsed() < INTERVAL * QUIET_LOOKS {
        assert!(begun.elapsed() < PATIENCE, "it does not come to rest: {} moves", last.0 - by_hand);
        std::thread::sleep(INTERVAL);
        let now = moves(&broker);
        if now != last.0 {
            last = (now, Instant::now());
        }
    }
    let moved = last.0 - by_hand;
    println!("at rest after {:.1?} and {moved} moves", last.1.duration_since(begun));
    assert!(moved >= 1, "a partition is elsewhere");
    over.store(true, Ordering::Relaxed);
    for (topic, load) in load {
        let sent = load.join().expect("the producer saw an error");
        assert!(sent > 0, "there was a load");
        with_client(native, move |client| async move { check_records(&client, topic, sent).await });
        println!("{sent} records in each partition of {topic}");
    }
    println!("{}", looks(&broker));
}

/// Each number once, at the offset that it names. What was taken into memory is readable once it is flushed: what is lost
/// never becomes so, and this ends with the client's time.
async fn check_records(client: &Client, topic: &str, sent: u64) {
    let expected: Vec<(u64, u64)> = (0..sent).map(|number| (number, number)).collect();
    loop {
        let read = read_all(client, topic, ConsumerConfig::default()).await.expect("all can be read");
        assert_eq!(read.len(), PARTITIONS as usize);
        for (partition, records) in &read {
            assert!(expected.starts_with(records), "{topic}/{partition}: out of order, a hole, or something twice");
        }
        if read.values().all(|records| records.len() == expected.len()) {
            return;
        }
        println!("{topic} is not all flushed yet: {:?} of {sent}", read.values().map(Vec::len).collect::<Vec<_>>());
        rt::sleep(INTERVAL).await;
    }
}

/// Numbers for each partition from 0 on, until it is over; gives how many. Record and offset are the same.
async fn produce(client: Client, topic: &'static str, over: Arc<AtomicBool>) -> u64 {
    // From memory: with a flush for each answer a slow disk would keep the core from being busy.
    let config =
        ProducerConfig { acks: Acks::Leader, linger: Duration::ZERO, batch_bytes: 128, ..ProducerConfig::default() };
    let producer = client.producer(config).expect("a producer");
    let (mut sent, mut under_way) = (0_u64, VecDeque::new());
    while !over.load(Ordering::Relaxed) || !under_way.is_empty() {
        if !over.load(Ordering::Relaxed) && under_way.len() < RECORDS_AT_ONCE {
            for partition in 0..PARTITIONS {
                let value = sent.to_string();
                let record = ProducerRecord::new(topic).partition(partition).value(value.as_bytes());
                under_way.push_back((sent, producer.send(record).await.expect("the record is taken")));
            }
            sent += 1;
            continue;
        }
        let Some((number, delivery)) = under_way.pop_front() else { break };
        let told = delivery.await.expect("the record is delivered");
        assert_eq!(told.offset.map(base::Offset::get), Some(number), "{topic}: out of order, or twice");
    }
    sent
}

type Places = BTreeMap<(String, u32), CoreId>;

/// Waits until the places of the partitions are as wanted.
fn wait_for_places(native: SocketAddr, wanted: impl Fn(&Places) -> bool + Send + 'static) -> Places {
    with_client_within(PATIENCE, native, move |client| async move {
        loop {
            let listed = client.admin().list_partitions(None).await.expect("partitions are listed");
            let places: Places =
                listed.iter().map(|(topic, load)| ((topic.to_string(), load.index.0), load.core)).collect();
            if wanted(&places) {
                return places;
            }
            rt::sleep(INTERVAL).await;
        }
    })
}

/// How often a partition has changed its core.
fn moves(broker: &Broker) -> usize {
    broker.log().matches("a partition was moved").count()
}

/// What the balancer saw, for whoever looks at this test's output.
fn looks(broker: &Broker) -> String {
    let log = broker.log();
    let lines = log.lines().filter(|line| line.contains("busy_us_per_s") || line.contains("was moved"));
    lines.map(|line| format!("{line}\n")).collect()
}
