//! Fetches that wait, and how much they bring.

use std::time::{Duration, Instant};

use tests::broker::{Broker, folder};
use tests::kafka::{Client, code, fetch_request};
use wire::ErrorCode;
use wire::batch::batches;
use wire::kafka::fetch::{FetchPartition, FetchRequest};

use crate::{batch, batch_at, client_with_topic};

/// Far longer than anything here takes: who waited for it was not woken.
const LONG_MS: i32 = 60_000;

#[test]
fn a_parked_fetch_is_woken_by_a_record_on_any_core() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut producer = client_with_topic(&broker, "tail", 4);
    // Connections go to the cores in turn: each of these waits for partitions of all cores.
    for reader in 0..4 {
        let mut client = Client::connect(broker.kafka).unwrap();
        for partition in 0..4 {
            let offset = reader;
            client.send(12, &fetch_request("tail", partition, offset, LONG_MS)).unwrap();
            std::thread::sleep(Duration::from_millis(20));
            producer.produce("tail", partition, &batch(1)).unwrap();
            let begun = Instant::now();
            let answer = client.receive::<FetchRequest>(12).unwrap();
            let answered = &answer.responses[0].partitions[0];
            assert_eq!((code(answered.error_code), answered.high_watermark), (ErrorCode::None, offset + 1));
            assert!(begun.elapsed() < Duration::from_secs(30), "the fetch was not woken");
        }
    }
}

#[test]
fn a_fetch_waits_for_min_bytes_and_no_longer_than_max_wait() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut producer = client_with_topic(&broker, "tail", 1);
    let mut client = Client::connect(broker.kafka).unwrap();
    let wanted = FetchRequest { min_bytes: 1_000, ..fetch_request("tail", 0, 0, LONG_MS) };
    client.send(12, &wanted).unwrap();
    producer.produce("tail", 0, &batch_at(&[0], 300, None)).unwrap();
    client.stream().set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert!(client.receive_raw().is_err(), "300 bytes are not 1,000");
    client.stream().set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    producer.produce("tail", 0, &batch_at(&[0], 800, None)).unwrap();
    let answer = client.receive::<FetchRequest>(12).unwrap();
    let records = answer.responses[0].partitions[0].records.clone().expect("there are records").to_vec();
    assert_eq!(batches(&records).count(), 2);
    // Nothing more comes: the wait ends by its time with an empty answer.
    let begun = Instant::now();
    let fetched = client.fetch("tail", 0, 2, 300).unwrap();
    assert_eq!((fetched.error, fetched.records.len()), (ErrorCode::None, 0));
    assert!(begun.elapsed() >= Duration::from_millis(290), "{:?}", begun.elapsed());
}

/// KIP-74: limits are limits, except that the first batch always comes whole.
#[test]
fn limits_on_bytes_hold_except_for_the_first_batch() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "large", 3);
    for partition in 0..3 {
        for _ in 0..4 {
            client.produce("large", partition, &batch_at(&[0], 100_000, None)).unwrap();
        }
    }
    let mut fetch = |partition_max: i32, max: i32| -> Vec<usize> {
        let part =
            |partition| FetchPartition { partition, partition_max_bytes: partition_max, ..FetchPartition::default() };
        let mut request = FetchRequest { max_bytes: max, ..fetch_request("large", 0, 0, 0) };
        request.topics[0].partitions = (0..3).map(part).collect();
        let answer = client.ask(12, &request).unwrap();
        let partitions = &answer.responses[0].partitions;
        assert_eq!(partitions.len(), 3);
        let count =
            |records: Vec<u8>| batches(&records).inspect(|batch| assert!(batch.is_ok(), "only whole batches")).count();
        let records = partitions.iter().map(|each| each.records.as_ref().map_or(0, |records| count(records.to_vec())));
        records.collect()
    };
    assert_eq!(fetch(250_000, 8 << 20), [2, 2, 2], "two batches fit into a partition's limit");
    assert_eq!(fetch(1, 8 << 20)[0], 1, "the first batch comes whole");
    assert_eq!(fetch(1 << 20, 1).iter().sum::<usize>(), 1, "one batch, and no more, when nothing fits");
    assert_eq!(fetch(0, 0).iter().sum::<usize>(), 1);
}

#[test]
fn offsets_beyond_the_log_are_out_of_range() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "short", 1);
    client.produce("short", 0, &batch(3)).unwrap();
    assert_eq!(client.fetch("short", 0, 3, 0).unwrap().error, ErrorCode::None);
    for offset in [4, i64::MAX, -1] {
        let fetched = client.fetch("short", 0, offset, LONG_MS).unwrap();
        assert_eq!(fetched.error, ErrorCode::OffsetOutOfRange, "{offset}");
    }
    assert_eq!(client.fetch("short", 1, 0, 0).unwrap().error, ErrorCode::UnknownTopicOrPartition);
    assert_eq!(client.fetch("none", 0, 0, 0).unwrap().error, ErrorCode::UnknownTopicOrPartition);
}

/// A reader that asks for the middle of a batch gets the batch from its start.
#[test]
fn a_fetch_into_a_batch_brings_the_whole_batch() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "middle", 1);
    for _ in 0..3 {
        client.produce("middle", 0, &batch(10)).unwrap();
    }
    let fetched = client.fetch("middle", 0, 17, 0).unwrap();
    let first = batches(&fetched.records).next().expect("there are records").expect("a whole batch");
    assert_eq!(first.header().base_offset().to_wire(), 10);
}

/// The wait for what lies on another core goes on between the fetches of a connection: nothing may be lost by that.
#[test]
fn a_reader_of_partitions_on_all_cores_gets_each_record_once_and_soon() {
    const PARTITIONS: i32 = 8;
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut producer = client_with_topic(&broker, "tail", PARTITIONS);
    let mut client = Client::connect(broker.kafka).unwrap();
    let mut next = [0; PARTITIONS as usize];
    let mut read = |next: &mut [i64], wait_ms: i32| -> i64 {
        let part = |(partition, offset): (i32, &i64)| FetchPartition {
            partition,
            fetch_offset: *offset,
            partition_max_bytes: 1 << 20,
            ..FetchPartition::default()
        };
        let mut request = fetch_request("tail", 0, 0, wait_ms);
        request.topics[0].partitions = (0..).zip(next.iter()).map(part).collect();
        let answer = client.ask(12, &request).unwrap();
        let mut found = 0;
        for partition in &answer.responses[0].partitions {
            assert_eq!(code(partition.error_code), ErrorCode::None);
            let records = partition.records.as_ref().map_or_else(Vec::new, |records| records.to_vec());
            for batch in batches(&records) {
                let header = *batch.expect("a whole batch").header();
                let at = &mut next[usize::try_from(partition.partition_index).unwrap()];
                assert_eq!(header.base_offset().to_wire(), *at, "partition {}", partition.partition_index);
                *at = header.next_offset().to_wire();
                found += i64::from(header.last_offset_delta()) + 1;
            }
        }
        found
    };
    let mut written = 0;
    let begun = Instant::now();
    for round in 0..40 {
        // Some while nobody waits, some in a fetch that goes on; on one core, on several, on none.
        for partition in (0..PARTITIONS).filter(|partition| (round * 7 + partition * 3) % 5 == 0) {
            producer.produce("tail", partition, &batch(1)).unwrap();
            written += 1;
        }
        while next.iter().sum::<i64>() < written {
            assert!(read(&mut next, LONG_MS) > 0, "a fetch that waits brings records");
        }
        assert_eq!(read(&mut next, 10), 0, "there is nothing more");
        assert_eq!(read(&mut next, 0), 0);
    }
    assert!(begun.elapsed() < Duration::from_secs(30), "a fetch was not woken");
    // What was trimmed or deleted meanwhile is told, too.
    producer.produce("tail", 3, &batch(5)).unwrap();
    assert_eq!(read(&mut next, 0), 5, "a fetch that does not wait sees what is there");
}
