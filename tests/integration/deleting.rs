//! Records deleted by a client, and by retention.

use tests::broker::{Broker, folder};
use tests::kafka::{Client, code, fetch_request};
use wire::ErrorCode;
use wire::kafka::delete_records::{DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic};

use crate::{batch, client_with_topic};

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
