//! Records deleted by a client, and by retention.

use std::time::{Duration, Instant};

use tests::broker::{Broker, folder};
use tests::kafka::{Client, code, fetch_request, produce_request};
use wire::ErrorCode;
use wire::kafka::delete_records::{DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic};

use crate::{batch, batch_at, client_with_topic};

const EARLIEST: i64 = -2;
const HIGH_WATERMARK: i64 = -1;

/// Deletes before an offset in each partition; gives codes and low watermarks.
fn delete(client: &mut Client, topic: &str, partitions: &[(i32, i64)], version: i16) -> Vec<(ErrorCode, i64)> {
    let partition = |(partition_index, offset): &(i32, i64)| DeleteRecordsPartition {
        partition_index: *partition_index,
        offset: *offset,
    };
    let partitions = partitions.iter().map(partition).collect();
    let topics = vec![DeleteRecordsTopic { name: topic.to_owned(), partitions }];
    let mut answer = client.ask(version, &DeleteRecordsRequest { topics, timeout_ms: 10_000 }).unwrap();
    let results = answer.topics.remove(0).partitions;
    results.iter().map(|result| (code(result.error_code), result.low_watermark)).collect()
}

/// sarama and aiokafka send `acks=1` unless told otherwise.
#[test]
fn records_that_are_acknowledged_from_memory_can_be_deleted_at_once() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "fresh", 2);
    for round in 1..=50 {
        for (partition, to) in [(0, round * 10 - 1), (1, HIGH_WATERMARK)] {
            let produced = client.ask(9, &produce_request("fresh", partition, &batch(10), 1)).unwrap();
            assert_eq!(code(produced.responses[0].partition_responses[0].error_code), ErrorCode::None);
            let left = if to == HIGH_WATERMARK { round * 10 } else { to };
            assert_eq!(delete(&mut client, "fresh", &[(partition, to)], 2), [(ErrorCode::None, left)]);
        }
        assert_eq!(delete(&mut client, "fresh", &[(0, round * 10 + 1)], 2), [(ErrorCode::OffsetOutOfRange, -1)]);
    }
}

/// What Kafka 4.3 answers.
#[test]
fn records_of_a_log_that_is_only_compacted_are_not_deleted_by_offset() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).unwrap();
    for (policy, expected) in [
        ("compact", (ErrorCode::PolicyViolation, -1)),
        ("compact,delete", (ErrorCode::None, 0)),
        ("delete", (ErrorCode::None, 0)),
    ] {
        let topic = policy.replace(',', "-and-");
        assert_eq!(client.create_topic(&topic, 1, &[("cleanup.policy", policy)]).unwrap(), ErrorCode::None);
        let unknown = (ErrorCode::UnknownTopicOrPartition, -1);
        assert_eq!(
            delete(&mut client, &topic, &[(0, 0), (0, HIGH_WATERMARK), (1, 0)], 2),
            [expected, expected, unknown]
        );
    }
}

#[test]
fn deleted_records_are_out_of_range_and_stay_so_after_kill_9() {
    use ErrorCode::{None, OffsetOutOfRange, UnknownTopicOrPartition};
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "shrinking", 4);
    // Partitions on all cores.
    for partition in 0..4 {
        for _ in 0..10 {
            client.produce("shrinking", partition, &batch(10)).unwrap();
        }
    }
    for version in 0..=2 {
        let to = i64::from(version) * 10 + 15;
        let asked = [(0, to), (1, HIGH_WATERMARK), (2, 101), (3, to), (9, 0), (0, to - 5)];
        let done = delete(&mut client, "shrinking", &asked, version);
        let out_of_range = (OffsetOutOfRange, -1);
        let unknown = (UnknownTopicOrPartition, -1);
        assert_eq!(done, [(None, to), (None, 100), out_of_range, (None, to), unknown, (None, to)]);
    }
    let check = |client: &mut Client| {
        let starts: Vec<i64> =
            (0..4).map(|partition| client.list_offset("shrinking", partition, EARLIEST).unwrap().1).collect();
        assert_eq!(starts, [35, 100, 0, 35]);
        let answer = client.ask(12, &fetch_request("shrinking", 0, 34, 0)).unwrap();
        let answered = &answer.responses[0].partitions[0];
        assert_eq!((code(answered.error_code), answered.log_start_offset), (OffsetOutOfRange, 35));
        let answer = client.ask(12, &fetch_request("shrinking", 0, 35, 0)).unwrap();
        let answered = &answer.responses[0].partitions[0];
        assert_eq!((code(answered.error_code), answered.log_start_offset, answered.high_watermark), (None, 35, 100));
    };
    check(&mut client);
    broker.kill();
    let broker = Broker::start(data.path(), &["--cores", "1"]);
    let mut client = Client::connect(broker.kafka).unwrap();
    check(&mut client);
    let made = client.produce("shrinking", 1, &batch(1)).unwrap();
    assert_eq!((code(made.error_code), made.base_offset, made.log_start_offset), (None, 100, 100));
}

/// Waits until a partition begins at an offset.
fn until_it_begins_at(client: &mut Client, topic: &str, offset: i64) {
    let begun = Instant::now();
    while client.list_offset(topic, 0, EARLIEST).unwrap().1 != offset {
        assert!(begun.elapsed() < Duration::from_secs(60), "{topic} does not come to begin at {offset}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn retention_deletes_what_a_topic_or_the_brokers_defaults_say_and_nothing_else() {
    let data = folder();
    let settings = ["--set", "retention.check_interval=100 ms", "--set", "topics.defaults.retention.ms=3600000"];
    let broker = Broker::start(data.path(), &settings);
    let mut client = Client::connect(broker.kafka).unwrap();
    let mut make = |name: &str, configs: &[(&str, &str)]| client.create_topic(name, 1, configs).unwrap();
    assert_eq!(make("default", &[]), ErrorCode::None);
    assert_eq!(make("kept", &[("retention.ms", "-1")]), ErrorCode::None);
    assert_eq!(
        make("small", &[("retention.ms", "-1"), ("retention.bytes", "3000000"), ("segment.bytes", "1048576")]),
        ErrorCode::None
    );
    assert_eq!(
        make("timed", &[("retention.ms", "-1"), ("segment.ms", "1000"), ("retention.bytes", "1")]),
        ErrorCode::None
    );
    assert_eq!(make("compacted", &[("cleanup.policy", "compacted")]), ErrorCode::InvalidConfig);
    assert_eq!(make("odd", &[("segment.ms", "0")]), ErrorCode::InvalidConfig);
    // The records are some years old.
    for topic in ["default", "kept"] {
        assert_eq!(code(client.produce(topic, 0, &batch(7)).unwrap().error_code), ErrorCode::None);
    }
    for _ in 0..60 {
        client.produce("small", 0, &batch_at(&[0], 100_000, None)).unwrap();
    }
    for milliseconds in [0, 500, 2_000, 5_000] {
        client.produce("timed", 0, &batch_at(&[milliseconds], 10, None)).unwrap();
    }
    until_it_begins_at(&mut client, "default", 7);
    until_it_begins_at(&mut client, "timed", 3);
    // Ten records of 100,000 bytes are a segment of 1 MiB; three segments are just enough.
    until_it_begins_at(&mut client, "small", 30);
    std::thread::sleep(Duration::from_millis(500));
    let check = |client: &mut Client| {
        let mut start = |topic: &str| client.list_offset(topic, 0, EARLIEST).unwrap().1;
        assert_eq!(["default", "kept", "small", "timed"].map(&mut start), [7, 0, 30, 3]);
        assert_eq!(client.fetch_all("kept", 0).unwrap(), client.fetch("kept", 0, 0, 0).unwrap().records);
    };
    check(&mut client);
    broker.kill();
    let broker = Broker::start(data.path(), &settings);
    let mut client = Client::connect(broker.kafka).unwrap();
    check(&mut client);
    let made = client.produce("default", 0, &batch(1)).unwrap();
    assert_eq!((made.base_offset, made.log_start_offset), (7, 7));
}
