//! A stop in good order, while clients wait for things that may never come.

use std::io::Read;
use std::time::{Duration, Instant};

use base::{Offset, PartitionIndex};
use tests::broker::{Broker, folder};
use tests::kafka::{Client, fetch_request};
use tests::native;
use wire::ErrorCode;
use wire::batch::{BatchBuilder, BatchOptions, NewRecord};
use wire::compress::Compressor;
use wire::native::{FetchOpen, FetchOpened, StreamId};

/// What a stop may take. An idle one takes some tens of milliseconds, almost all of it for the disk; the rest is for a
/// machine that is busy with something else.
const STOP: Duration = Duration::from_secs(2);
const GIVEN_UP: &str = "requests in progress are given up";

fn waiting_clients(broker: &Broker) -> (Vec<Client>, Vec<native::Client>) {
    let mut maker = Client::connect(broker.kafka).expect("the broker serves");
    assert_eq!(maker.create_topic("quiet", 8, &[]).expect("it answers"), ErrorCode::None);
    let mut kafka = vec![maker];
    for number in 0..16 {
        let mut client = Client::connect(broker.kafka).expect("the broker serves");
        // Half of them idle, half with a fetch that waits for records.
        if number % 2 == 0 {
            client.send(12, &fetch_request("quiet", number % 8, 0, 30_000)).expect("it can be sent");
        }
        kafka.push(client);
    }
    let mut native = Vec::new();
    for _ in 0..8 {
        let mut client = native::Client::greeted(broker.native).expect("the broker greets");
        let (topic, _) = client.topic("quiet").expect("the topic is there");
        for partition in 0..8 {
            // With credit they wait for records, without for credit.
            let credit_bytes = if partition % 2 == 0 { 1 << 20 } else { 0 };
            client
                .send(&FetchOpen {
                    stream: StreamId(partition),
                    topic,
                    partition: PartitionIndex(partition),
                    offset: Offset::ZERO,
                    credit_bytes,
                    frame_bytes_max: 1 << 20,
                })
                .expect("it can be sent");
            client.receive().expect("it answers").open::<FetchOpened>().expect("the stream opens");
        }
        native.push(client);
    }
    // So that the fetches have been taken up.
    std::thread::sleep(Duration::from_millis(300));
    (kafka, native)
}

fn stops_soon(cores: &str) {
    let data = folder();
    // Connections that do not end by themselves hold up the stop for longer than it may take.
    let broker = Broker::start(data.path(), &["--cores", cores, "--set", "runtime.stop_time_max=1 min"]);
    let (mut kafka, mut native) = waiting_clients(&broker);
    let (took, well, log) = broker.stop_with_log();
    println!("a stop on {cores} cores with idle connections, parked fetches and open streams took {took:.0?}");
    assert!(well, "the broker ended with an error");
    assert!(took < STOP && !log.contains(GIVEN_UP), "the stop took {took:?}:\n{log}");
    // Everybody is told: with an answer, or at least with the connection's end.
    let begun = Instant::now();
    let mut rest = Vec::new();
    for client in &mut kafka {
        client.stream().read_to_end(&mut rest).expect("the connection ends in good order");
    }
    for client in &mut native {
        client.stream().read_to_end(&mut rest).expect("the connection ends in good order");
    }
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(!rest.is_empty(), "parked fetches are answered");
}

#[test]
fn a_stop_with_waiting_clients_on_one_core_is_quick() {
    stops_soon("1");
}

#[test]
fn a_stop_with_waiting_clients_on_all_cores_is_quick() {
    stops_soon("all");
}

/// Clients that have asked for much and read nothing of it.
#[test]
fn a_stop_with_clients_that_do_not_read_waits_no_longer_than_its_setting() {
    let data = folder();
    let broker = Broker::start(data.path(), &["--set", "runtime.stop_time_max=700 ms"]);
    let mut maker = Client::connect(broker.kafka).expect("the broker serves");
    assert_eq!(maker.create_topic("bulk", 2, &[]).expect("it answers"), ErrorCode::None);
    for number in 0..40 {
        let mut value = vec![0; 900_000];
        base::SeededRandom::new(number).fill(&mut value);
        let mut builder = BatchBuilder::new(BatchOptions::default());
        builder.push(&NewRecord { value: Some(&value), ..NewRecord::default() }).expect("there is room");
        let batch = builder.finish(&mut Compressor::new());
        for partition in 0..2 {
            assert_eq!(maker.produce("bulk", partition, batch).expect("it answers").error_code, 0);
        }
    }
    let mut native = Vec::new();
    let mut kafka = Vec::new();
    for partition in 0..2 {
        let mut client = native::Client::greeted(broker.native).expect("the broker greets");
        let (topic, _) = client.topic("bulk").expect("the topic is there");
        let open = FetchOpen {
            stream: StreamId(0),
            topic,
            partition: PartitionIndex(partition),
            offset: Offset::ZERO,
            credit_bytes: u32::MAX,
            frame_bytes_max: 4 << 20,
        };
        client.send(&open).expect("it can be sent");
        native.push(client);
        let mut client = Client::connect(broker.kafka).expect("the broker serves");
        let mut request = fetch_request("bulk", i32::try_from(partition).expect("small"), 0, 0);
        request.max_bytes = 50 << 20;
        request.topics[0].partitions[0].partition_max_bytes = 50 << 20;
        client.send(12, &request).expect("it can be sent");
        kafka.push(client);
    }
    std::thread::sleep(Duration::from_millis(500));
    let (took, well, log) = broker.stop_with_log();
    println!("a stop with clients that do not read took {took:.0?}");
    assert!(well, "the broker ended with an error");
    assert!(log.contains(GIVEN_UP), "the clients had room for everything");
    assert!(took < Duration::from_millis(700) + STOP, "the stop took {took:?}");
}

#[test]
fn a_stop_without_clients_is_quick() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let (took, well) = broker.stop();
    println!("a stop without clients took {took:.0?}");
    assert!(well && took < STOP, "the stop took {took:?}");
}
