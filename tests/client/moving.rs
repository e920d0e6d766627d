//! Partitions that change their core all the time, under producers and consumers of both doors.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use base::{CoreId, PartitionIndex, ProducerEpoch, ProducerId, SeededRandom, Sequence};
use client::{Client, ConsumerConfig, ProducerConfig, ProducerRecord, Start};
use tests::broker::{Broker, folder};
use tests::kafka::{self, code, produce_request};
use wire::ErrorCode;
use wire::batch::{BatchBuilder, BatchOptions, NewRecord, ProducerStamp, batches};
use wire::compress::Compressor;
use wire::kafka::produce::ProduceRequest;

use super::support::{make_topic, number, with_client};

const PARTITIONS: u32 = 3;
/// Of the Kafka producers: what one connection has under way.
const REQUESTS_IN_FLIGHT: usize = 6;

/// What is done as long as partitions move.
#[derive(Clone)]
struct Shift {
    over: Arc<AtomicBool>,
    moves: Arc<AtomicU64>,
}

impl Shift {
    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }
}

#[test]
fn partitions_change_their_core_and_no_client_sees_more_than_a_pause() {
    if std::thread::available_parallelism().expect("the system knows").get() < 2 {
        return println!("this needs two cores");
    }
    let data = folder();
    let settings = [
        "balancer.enabled=false",
        "topics.defaults.segment.bytes=1048576",
        "journal.checkpoint_interval=300 ms",
        "compaction.check_interval=50 ms",
        "retention.check_interval=50 ms",
    ];
    let arguments: Vec<&str> =
        ["--cores", "2"].into_iter().chain(settings.into_iter().flat_map(|s| ["--set", s])).collect();
    let broker = Broker::start(data.path(), &arguments);
    let (kafka, native) = (broker.kafka, broker.native);
    with_client(native, |client| async move {
        make_topic(&client, "kafka", PARTITIONS).await;
        make_topic(&client, "native", PARTITIONS).await;
    });
    let shift = Shift { over: Arc::default(), moves: Arc::default() };
    let (begun, mut workers) = (Instant::now(), Vec::new());
    for partition in 0..PARTITIONS {
        let (of_producer, of_consumer) = (shift.clone(), shift.clone());
        workers.push(std::thread::spawn(move || produce_kafka(kafka, partition, &of_producer)));
        workers.push(std::thread::spawn(move || consume_kafka(kafka, partition, &of_consumer)));
    }
    for work in [NativeWork::Produce, NativeWork::Consume] {
        let shift = shift.clone();
        workers.push(std::thread::spawn(move || work_natively(native, work, shift)));
    }
    let mover = shift.clone();
    let mover = std::thread::spawn(move || move_partitions(native, mover));
    std::thread::sleep(Duration::from_secs(8));
    shift.over.store(true, Ordering::Relaxed);
    mover.join().expect("a partition could not be moved");
    let counts: Vec<u64> = workers.into_iter().map(|worker| worker.join().expect("a client saw an error")).collect();
    let moves = shift.moves.load(Ordering::Relaxed);
    println!("{moves} moves in {:.1?}; produced and consumed: {counts:?}", begun.elapsed());
    assert!(moves >= 50, "only {moves} moves");
    // And what is there is whole after a crash.
    let mut before = kafka::Client::connect(kafka).expect("the broker serves");
    let logs = |client: &mut kafka::Client| -> Vec<Vec<u8>> {
        let places = ["kafka", "native"].into_iter().flat_map(|topic| (0..3).map(move |partition| (topic, partition)));
        places.map(|(topic, partition)| client.fetch_all(topic, partition).expect("it can be read")).collect()
    };
    let known = logs(&mut before);
    broker.kill();
    let broker = Broker::start(data.path(), &arguments);
    let mut after = kafka::Client::connect(broker.kafka).expect("the broker serves");
    assert!(logs(&mut after) == known, "the logs are not what they were before the crash");
}

/// Moves partitions until the shift is over.
fn move_partitions(native: SocketAddr, shift: Shift) {
    with_client(native, |client| async move {
        let mut random = SeededRandom::new(5);
        while shift.goes_on() {
            let topic = if random.one_in(2) { "kafka" } else { "native" };
            let listed = client.admin().list_partitions(Some(topic)).await.expect("partitions are listed");
            let (_, load) = &listed[random.index(listed.len())];
            let to = CoreId(1 - load.core.0);
            let moved = client.admin().move_partition(topic, load.index, to).await.expect("the broker answers");
            let moved = moved.unwrap_or_else(|refusal| panic!("{topic}/{} is not moved: {refusal}", load.index));
            assert_eq!(moved.from, load.core);
            shift.moves.fetch_add(1, Ordering::Relaxed);
            rt::sleep(Duration::from_millis(random.below(40))).await;
        }
    });
}

/// Values that name the batch's place in its partition. Now and then a batch that goes straight to its segment.
fn batch(producer: i64, sequence: u32, records: u32, first: u64, bytes: usize) -> Vec<u8> {
    let stamp = ProducerStamp {
        id: ProducerId::from_wire(producer).expect("an id"),
        epoch: ProducerEpoch::ZERO,
        base_sequence: Some(Sequence::ZERO.plus(sequence)),
    };
    let mut builder = BatchBuilder::new(BatchOptions { producer: Some(stamp), ..BatchOptions::default() });
    let padding = vec![b'-'; bytes];
    for number in first..first + u64::from(records) {
        let value = [number.to_string().as_bytes(), &padding].concat();
        builder.push(&NewRecord { value: Some(&value), ..NewRecord::default() }).expect("there is room");
    }
    builder.finish(&mut Compressor::new()).to_vec()
}

/// An idempotent producer with several requests under way: what comes out of order is refused.
fn produce_kafka(address: SocketAddr, partition: u32, shift: &Shift) -> u64 {
    let mut client = kafka::Client::connect(address).expect("the broker serves");
    let id = client.producer_id().expect("the broker gives ids");
    let index = i32::try_from(partition).expect("few");
    let mut random = SeededRandom::new(partition.into());
    let (mut sent, mut acknowledged, mut under_way) = (0_u64, 0_u64, std::collections::VecDeque::new());
    while shift.goes_on() || !under_way.is_empty() {
        while shift.goes_on() && under_way.len() < REQUESTS_IN_FLIGHT {
            let records = u32::try_from(random.between(1, 5)).expect("few");
            let bytes = if random.one_in(50) { 60_000 } else { 100 };
            let batch = batch(id, u32::try_from(sent).expect("few"), records, sent, bytes);
            client.send(9, &produce_request("kafka", index, &batch, -1)).expect("it can be sent");
            under_way.push_back(records);
            sent += u64::from(records);
        }
        let Some(records) = under_way.pop_front() else { break };
        let response = client.receive::<ProduceRequest>(9).expect("the broker answers");
        let answer = &response.responses[0].partition_responses[0];
        assert_eq!(code(answer.error_code), ErrorCode::None, "{partition}: {:?}", answer.error_message);
        assert_eq!(answer.base_offset, i64::try_from(acknowledged).expect("few"), "{partition}: out of order");
        acknowledged += u64::from(records);
    }
    acknowledged
}

/// Reads everything once and in order; where it ends, waits for more.
fn consume_kafka(address: SocketAddr, partition: u32, shift: &Shift) -> u64 {
    let mut client = kafka::Client::connect(address).expect("the broker serves");
    let index = i32::try_from(partition).expect("few");
    let mut next = 0_i64;
    loop {
        let goes_on = shift.goes_on();
        let fetched = client.fetch("kafka", index, next, 300).expect("the broker answers");
        assert_eq!(fetched.error, ErrorCode::None, "{partition}: a fetch at {next}");
        for batch in batches(&fetched.records) {
            let batch = batch.expect("whole batches");
            batch.verify_crc().expect("undamaged");
            assert_eq!(batch.header().base_offset().to_wire(), next, "{partition}: a hole, or something twice");
            next = batch.header().next_offset().to_wire();
        }
        if !goes_on && fetched.records.is_empty() {
            return next.unsigned_abs();
        }
    }
}

#[derive(Clone, Copy)]
enum NativeWork {
    Produce,
    Consume,
}

fn work_natively(native: SocketAddr, work: NativeWork, shift: Shift) -> u64 {
    with_client(native, move |client| async move {
        match work {
            NativeWork::Produce => produce_native(&client, &shift).await,
            NativeWork::Consume => consume_native(&client, &shift).await,
        }
    })
}

/// Numbers, for each partition from 0 on; record and offset are the same.
async fn produce_native(client: &Client, shift: &Shift) -> u64 {
    let producer = client.producer(ProducerConfig::default()).expect("a producer");
    let mut sent = 0_u64;
    while shift.goes_on() {
        let mut deliveries = Vec::new();
        for _ in 0..20 {
            for partition in 0..PARTITIONS {
                let value = sent.to_string();
                let record = ProducerRecord::new("native").partition(partition).value(value.as_bytes());
                deliveries.push((sent, producer.send(record).await.expect("the record is taken")));
            }
            sent += 1;
        }
        for (number, delivery) in deliveries {
            let told = delivery.await.expect("the record is delivered");
            assert_eq!(told.offset.map(base::Offset::get), Some(number), "out of order, or twice");
        }
    }
    sent
}

async fn consume_native(client: &Client, shift: &Shift) -> u64 {
    let consumer = client.consumer(ConsumerConfig::default()).expect("a consumer");
    consumer.assign_topic("native", Start::Earliest).await.expect("the topic is there");
    let mut next = [0_u64; PARTITIONS as usize];
    loop {
        let goes_on = shift.goes_on();
        let Some(records) = consumer.poll(Duration::from_millis(500)).await.expect("the stream goes on") else {
            if goes_on {
                continue;
            }
            return next.iter().sum();
        };
        let PartitionIndex(partition) = records.partition();
        for record in records.iter() {
            let expected = &mut next[partition as usize];
            assert_eq!((record.offset().get(), number(record.value())), (*expected, *expected), "{partition}");
            *expected += 1;
        }
    }
}

/// Records a second, and for how long.
const RATE: u64 = 2_000;
const MEASURED: Duration = Duration::from_secs(40);

/// Latencies of records by when they were due, in an open loop, while one partition is moved every second.
#[test]
#[ignore = "a measurement: run it alone, in release"]
fn the_pause_that_a_client_sees() {
    let data = folder();
    let broker = Broker::start(data.path(), &["--cores", "2", "--set", "balancer.enabled=false"]);
    with_client(broker.native, |client| async move {
        make_topic(&client, "paced", PARTITIONS).await;
        let latencies: Latencies = std::rc::Rc::default();
        let moving = rt::spawn(rt::TaskQueue::DEFAULT, move_every_second(client.clone()));
        let producer = client.producer(ProducerConfig::default()).expect("a producer");
        let begun = rt::now();
        let value = [b'v'; 100];
        for number in 0..RATE * MEASURED.as_secs() {
            let due = begun.plus(Duration::from_micros(number * 1_000_000 / RATE));
            rt::sleep_until(due).await;
            let partition = u32::try_from(number % u64::from(PARTITIONS)).expect("few");
            let record = ProducerRecord::new("paced").partition(partition).value(&value);
            let delivery = producer.send(record).await.expect("the record is taken");
            let latencies = std::rc::Rc::clone(&latencies);
            drop(rt::spawn(rt::TaskQueue::DEFAULT, async move {
                delivery.await.expect("the record is delivered");
                latencies.borrow_mut().push((partition, due, rt::now().since(due)));
            }));
        }
        producer.flush().await;
        let moves = moving.await;
        report(&latencies.borrow(), &moves);
    });
}

type Latencies = std::rc::Rc<std::cell::RefCell<Vec<(u32, base::Instant, Duration)>>>;

/// When each move began and ended, and how long the broker says that appends were held.
async fn move_every_second(client: Client) -> Vec<(base::Instant, base::Instant, Duration)> {
    let mut moves = Vec::new();
    rt::sleep(Duration::from_millis(1_500)).await;
    for _ in 0..MEASURED.as_secs() - 3 {
        let begun = rt::now();
        let listed = client.admin().list_partitions(Some("paced")).await.expect("partitions are listed");
        let to = CoreId(1 - listed[0].1.core.0);
        let moved = client.admin().move_partition("paced", PartitionIndex(0), to).await.expect("the broker answers");
        moves.push((begun, rt::now(), moved.expect("it is moved").pause));
        rt::sleep_until(begun.plus(Duration::from_secs(1))).await;
    }
    moves
}

fn report(latencies: &[(u32, base::Instant, Duration)], moves: &[(base::Instant, base::Instant, Duration)]) {
    let margin = Duration::from_millis(20);
    let is_near =
        |due: base::Instant| moves.iter().any(|(from, to, _)| due.plus(margin) >= *from && due <= to.plus(margin));
    let show = |what: &str, mut all: Vec<Duration>| {
        all.sort_unstable();
        let at = |permille: usize| all[(all.len() - 1) * permille / 1_000];
        println!("{what}: {} of them, median {:.2?}, p99 {:.2?}, worst {:.2?}", all.len(), at(500), at(990), at(1_000));
    };
    let of = |keep: &dyn Fn(u32, base::Instant) -> bool| -> Vec<Duration> {
        latencies.iter().filter(|(partition, due, _)| keep(*partition, *due)).map(|(.., latency)| *latency).collect()
    };
    let worst_of = |(from, to, _): &(base::Instant, base::Instant, Duration)| {
        let near =
            |partition: u32, due: base::Instant| partition == 0 && due.plus(margin) >= *from && due <= to.plus(margin);
        of(&near).into_iter().max().expect("records were due then")
    };
    show("records away from moves", of(&|_, due| !is_near(due)));
    show("records of other partitions while one moves", of(&|partition, due| partition != 0 && is_near(due)));
    show("longest wait of a record of the moved partition, for each move", moves.iter().map(worst_of).collect());
    show("time that the broker held appends, for each move", moves.iter().map(|(.., pause)| *pause).collect());
}
