//! What a partition knows of its producers, whatever becomes of their records.

use std::time::{Duration, Instant};

use tests::broker::{Broker, folder};
use tests::kafka::{Client, code, produce_request};
use wire::ErrorCode;
use wire::batch::{BatchBuilder, BatchOptions, NewRecord, ProducerStamp, batches};
use wire::compress::Compressor;
use wire::kafka::describe_producers::{DescribeProducersRequest, TopicRequest};
use wire::kafka::produce::{ProduceRequest, ProduceResponse};

use crate::producing::stamp;
use crate::{EPOCH, client_with_topic};

const OFTEN: [&str; 6] = [
    "--set",
    "journal.checkpoint_interval=300 ms",
    "--set",
    "compaction.check_interval=100 ms",
    "--set",
    "retention.check_interval=100 ms",
];

/// A batch of 3 records of one key.
fn keyed(producer: Option<ProducerStamp>, key: &str, bytes: usize) -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions { producer, ..BatchOptions::default() });
    let value = vec![b'v'; bytes];
    for _ in 0..3 {
        let timestamp = base::Timestamp::from_wire(EPOCH);
        let record = NewRecord { timestamp, key: Some(key.as_bytes()), value: Some(&value), headers: &[] };
        builder.push(&record).expect("the batch has room");
    }
    builder.finish(&mut Compressor::new()).to_vec()
}

fn produce(client: &mut Client, topic: &str, batch: &[u8]) -> (ErrorCode, i64) {
    let answer = client.produce(topic, 0, batch).unwrap();
    (code(answer.error_code), answer.base_offset)
}

/// After the sequences 0 to 29, in batches of 3: the last five batches are known, and a gap is none.
fn check_the_last_five(client: &mut Client, topic: &str, id: i64) {
    for sequence in [15, 18, 21, 24, 27] {
        let again = produce(client, topic, &keyed(stamp(id, 0, sequence), "k", 100));
        assert_eq!(again, (ErrorCode::None, i64::from(sequence)), "{topic}");
    }
    let gap = produce(client, topic, &keyed(stamp(id, 0, 33), "k", 100));
    assert_eq!(gap.0, ErrorCode::OutOfOrderSequenceNumber, "{topic}");
}

#[test]
fn deleted_records_leave_their_producers_sequences_through_kill_9() {
    let data = folder();
    let broker = Broker::start(data.path(), &OFTEN);
    let mut client = client_with_topic(&broker, "trimmed", 1);
    let id = client.producer_id().unwrap();
    for sequence in (0..30).step_by(3) {
        let made = produce(&mut client, "trimmed", &keyed(stamp(id, 0, sequence), "k", 100));
        assert_eq!(made, (ErrorCode::None, i64::from(sequence)));
    }
    assert_eq!(client.delete_records("trimmed", 0, -1).unwrap().low_watermark, 30);
    broker.kill();
    let broker = Broker::start(data.path(), &OFTEN);
    let mut client = Client::connect(broker.kafka).unwrap();
    check_the_last_five(&mut client, "trimmed", id);
    // And once more, with what a checkpoint has kept.
    std::thread::sleep(Duration::from_millis(700));
    broker.kill();
    let broker = Broker::start(data.path(), &OFTEN);
    let mut client = Client::connect(broker.kafka).unwrap();
    check_the_last_five(&mut client, "trimmed", id);
    assert_eq!(produce(&mut client, "trimmed", &keyed(stamp(id, 0, 30), "k", 100)), (ErrorCode::None, 30));
}

#[test]
fn records_that_retention_or_compaction_takes_leave_their_producers_sequences_through_kill_9() {
    let data = folder();
    let broker = Broker::start(data.path(), &OFTEN);
    let mut client = Client::connect(broker.kafka).unwrap();
    let segments = ("segment.bytes", "1048576");
    let expired = [segments, ("retention.ms", "1")];
    let compacted = [segments, ("cleanup.policy", "compact"), ("min.cleanable.dirty.ratio", "0.01")];
    let mut ids = Vec::new();
    for (topic, settings) in [("expired", &expired[..]), ("compacted", &compacted[..])] {
        assert_eq!(client.create_topic(topic, 1, settings).unwrap(), ErrorCode::None);
        let id = client.producer_id().unwrap();
        for sequence in (0..30).step_by(3) {
            let made = produce(&mut client, topic, &keyed(stamp(id, 0, sequence), "k", 100));
            assert_eq!(made, (ErrorCode::None, i64::from(sequence)));
        }
        // Another producer fills segments, so that those of the first one are finished.
        for _ in 0..8 {
            assert_eq!(produce(&mut client, topic, &keyed(None, "k", 200_000)).0, ErrorCode::None);
        }
        let begun = Instant::now();
        loop {
            let (_, start, _) = client.list_offset(topic, 0, -2).unwrap();
            let log = client.fetch(topic, 0, start, 0).unwrap().records;
            let first = batches(&log).find_map(|batch| {
                let header = *batch.expect("whole").header();
                (header.record_count() > 0 && header.producer().is_some()).then_some(header)
            });
            if first.is_none() {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{topic}: nothing has gone");
            std::thread::sleep(Duration::from_millis(100));
        }
        check_the_last_five(&mut client, topic, id);
        ids.push((topic, id));
    }
    broker.kill();
    let broker = Broker::start(data.path(), &OFTEN);
    let mut client = Client::connect(broker.kafka).unwrap();
    for (topic, id) in ids {
        check_the_last_five(&mut client, topic, id);
        assert_eq!(produce(&mut client, topic, &keyed(stamp(id, 0, 30), "k", 100)).0, ErrorCode::None, "{topic}");
    }
}

/// As Kafka does since 2.5: who is not known may begin anywhere, so that nobody has to start over who was forgotten.
#[test]
fn a_producer_that_is_not_known_may_begin_anywhere_and_one_that_was_quiet_long_is_not_known() {
    let data = folder();
    let arguments = [&OFTEN[..], &["--set", "producers.expiration=1 s"]].concat();
    let broker = Broker::start(data.path(), &arguments);
    let mut client = client_with_topic(&broker, "quiet", 1);
    let id = client.producer_id().unwrap();
    assert_eq!(produce(&mut client, "quiet", &keyed(stamp(id, 0, 600), "k", 10)), (ErrorCode::None, 0));
    assert_eq!(
        produce(&mut client, "quiet", &keyed(stamp(id, 0, 900), "k", 10)).0,
        ErrorCode::OutOfOrderSequenceNumber
    );
    let begun = Instant::now();
    loop {
        std::thread::sleep(Duration::from_millis(200));
        // Checkpoints are taken where there is something to check.
        produce(&mut client, "quiet", &keyed(None, "other", 10));
        match produce(&mut client, "quiet", &keyed(stamp(id, 0, 900), "k", 10)).0 {
            ErrorCode::None => break,
            error => assert_eq!(error, ErrorCode::OutOfOrderSequenceNumber),
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "it is never forgotten");
    }
    assert!(begun.elapsed() >= Duration::from_millis(900), "{:?}", begun.elapsed());
}

/// What `memory.producers` of a MiB is enough for.
const PRODUCERS_OF_A_MIB: usize = 2_048;

/// A batch of each of these producers, to partition 0 and 1 in turn; none is a repetition.
fn write_of_each(client: &mut Client, topic: &str, ids: std::ops::Range<i64>) {
    let of = |id: i64| i32::try_from(id % 2).expect("0 or 1");
    let ids: Vec<i64> = ids.collect();
    for ids in ids.chunks(50) {
        for id in ids {
            let batch = keyed(stamp(*id, 0, 0), "k", 10);
            client.send(9, &produce_request(topic, of(*id), &batch, 1)).unwrap();
        }
        for id in ids {
            let answer: ProduceResponse = client.receive::<ProduceRequest>(9).unwrap();
            let partition = &answer.responses[0].partition_responses[0];
            assert_eq!(code(partition.error_code), ErrorCode::None, "producer {id}");
        }
    }
}

fn ids_known(client: &mut Client, topic: &str) -> Vec<i64> {
    let asked = TopicRequest { name: topic.to_owned(), partition_indexes: vec![0, 1] };
    let answer = client.ask(0, &DescribeProducersRequest { topics: vec![asked] }).unwrap();
    let partitions = answer.topics[0].partitions.iter();
    let mut ids: Vec<i64> = partitions.flat_map(|p| p.active_producers.iter().map(|each| each.producer_id)).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn a_core_forgets_the_producers_that_wrote_longest_ago_and_more_so_with_less_memory() {
    let data = folder();
    let with = |memory| [&OFTEN[..], &["--cores", "1", "--set", memory]].concat();
    let broker = Broker::start(data.path(), &with("memory.producers=2 MiB"));
    let mut client = client_with_topic(&broker, "many", 2);
    let last = 2 * 2_048 + 100;
    // A hundred that are to be forgotten, after one that goes on writing. Within a millisecond nobody wrote before another.
    write_of_each(&mut client, "many", 1_000..1_101);
    std::thread::sleep(Duration::from_millis(20));
    write_of_each(&mut client, "many", 1_101..900 + last);
    std::thread::sleep(Duration::from_millis(20));
    let again = produce(&mut client, "many", &keyed(stamp(1_000, 0, 3), "k", 10));
    assert_eq!(again.0, ErrorCode::None);
    let end = again.1 + 3;
    std::thread::sleep(Duration::from_millis(20));
    write_of_each(&mut client, "many", 900 + last..1_000 + last);
    let mut known = vec![1_000];
    known.extend(1_101..1_000 + last);
    assert_eq!(ids_known(&mut client, "many"), known);
    // Who is known repeats, who is not begins.
    assert_eq!(produce(&mut client, "many", &keyed(stamp(1_000, 0, 3), "k", 10)), again);
    assert_eq!(produce(&mut client, "many", &keyed(stamp(1_002, 0, 0), "k", 10)), (ErrorCode::None, end + 150));
    let before = ids_known(&mut client, "many");
    assert_eq!((before.len(), before[..2].to_vec()), (2 * PRODUCERS_OF_A_MIB, vec![1_000, 1_002]));

    // What a start finds is more than it may keep: those who wrote last stay, in the order that the checkpoint knows.
    broker.stop();
    let broker = Broker::start(data.path(), &with("memory.producers=1 MiB"));
    let mut client = Client::connect(broker.kafka).unwrap();
    let known = ids_known(&mut client, "many");
    assert_eq!(known.len(), PRODUCERS_OF_A_MIB);
    assert_eq!(known[..2], [1_000, 1_002], "they wrote late");
    assert_eq!(known[known.len() - 100..], (900 + last..1_000 + last).collect::<Vec<_>>(), "they wrote last");
    write_of_each(&mut client, "many", 1..11);
    let known = ids_known(&mut client, "many");
    assert_eq!((known.len(), known[9]), (PRODUCERS_OF_A_MIB, 10));
    broker.kill();
    let broker = Broker::start(data.path(), &with("memory.producers=1 MiB"));
    let mut client = Client::connect(broker.kafka).unwrap();
    assert_eq!(ids_known(&mut client, "many"), known);
}
