//! A core whose storage has failed, in a broker that goes on.

use std::path::Path;
use std::time::{Duration, Instant};

use base::{CoreId, PartitionIndex};
use client::{Client, ProducerConfig, ProducerRecord};
use tests::broker::{Broker, folder};
use tests::kafka::{self, code};
use tests::metrics::Metrics;
use wire::ErrorCode;
use wire::batch::{BatchBuilder, BatchOptions, NewRecord};
use wire::compress::Compressor;

use super::support::{gather, has_two_cores, make_topic, send_numbers, with_client};

/// Nothing here takes so long, unless something never comes.
const PATIENCE: Duration = Duration::from_secs(40);
const ARGUMENTS: [&str; 6] =
    ["--cores", "2", "--set", "balancer.enabled=false", "--set", "journal.checkpoint_interval=200 ms"];

#[test]
fn a_core_whose_storage_has_failed_refuses_appends_and_moves_and_goes_on_reading() {
    if !has_two_cores() {
        return;
    }
    let data = folder();
    let broker = Broker::start(data.path(), &ARGUMENTS);
    with_client(broker.native, |client| async move {
        for topic in ["lost", "intact"] {
            make_topic(&client, topic, 1).await;
            gather(&client, topic, CoreId(1)).await;
        }
        make_topic(&client, "well", 1).await;
        gather(&client, "well", CoreId(0)).await;
    });
    let mut connection = kafka::Client::connect(broker.kafka).expect("the broker serves");
    let mut acknowledged = [("lost", Vec::new()), ("intact", Vec::new()), ("well", Vec::new())];
    for (topic, _) in acknowledged.iter().skip(1) {
        assert_eq!(produce(&mut connection, topic), (ErrorCode::None, 0, String::new()));
    }
    spoil(&broker, data.path(), "lost");
    // The journal takes some; then the core finds that there is no way to the segment.
    let (refused, text) = produce_until_refused(&mut connection, "lost");
    assert_eq!(refused, ErrorCode::KafkaStorageError, "{text}");
    assert!(text.contains("storage has failed"), "{text}");
    // It is the core that is poisoned, not one partition; and only that core.
    let (refused, _, text) = produce(&mut connection, "intact");
    assert_eq!(refused, ErrorCode::KafkaStorageError, "{text}");
    assert_eq!(produce(&mut connection, "well"), (ErrorCode::None, 1, String::new()));
    let ready = tests::http::get(broker.http, "/readyz").expect("the broker answers");
    assert_eq!(ready.status, 503);
    let told = "not ready: core 1 refuses records until a restart: ";
    assert!(ready.body.starts_with(told) && ready.body.contains("topics/"), "{}", ready.body);
    let metrics = Metrics::scrape(broker.http);
    assert_eq!(metrics.value("corelane_core_poisoned", &[("core", "0"), ("reason", "")]), 0.0);
    let poisoned = metrics.series("corelane_core_poisoned", &[("core", "1")]);
    let [(labels, 1.0)] = poisoned.as_slice() else { panic!("core 1 is poisoned: {poisoned:?}") };
    assert!(labels["reason"].contains("topics/"), "{labels:?}");
    assert!(metrics.value("corelane_appends_refused_total", &[("core", "1"), ("reason", "poisoned")]) >= 1.0);
    assert_eq!(metrics.value("corelane_ready", &[]), 0.0);
    for (topic, records) in &mut acknowledged {
        *records = connection.fetch_all(topic, 0).expect("what was acknowledged can be read");
        assert!(!records.is_empty(), "{topic} is empty");
    }
    with_client(broker.native, |client| async move {
        refuse_move(&client, "lost", 0, "storage has failed").await;
        refuse_move(&client, "intact", 0, "storage has failed").await;
        refuse_move(&client, "well", 1, "storage of core 1 has failed; the partition stays where it is").await;
        let places = client.admin().list_partitions(None).await.expect("partitions are listed");
        let places: Vec<_> = places.iter().map(|(topic, load)| (&**topic, load.core.0)).collect();
        assert_eq!(places, [("intact", 1), ("lost", 1), ("well", 0)]);
        // It was on its way, and goes on.
        let producer = client.producer(ProducerConfig::default()).expect("a producer");
        assert_eq!(send_numbers(&producer, "well", 0, 0..3).await, [2, 3, 4]);
    });
    for (topic, records) in &acknowledged[..2] {
        assert!(connection.fetch_all(topic, 0).expect("reads go on") == *records, "{topic} has changed");
    }
}

/// Ids of producers come from the log of metadata, which is core 0's.
#[test]
fn a_producer_that_gets_no_identity_since_core_0_has_failed_is_told_why() {
    let data = folder();
    let broker = Broker::start(data.path(), &["--set", "journal.checkpoint_interval=200 ms", "--cores", "1"]);
    with_client(broker.native, |client| async move { make_topic(&client, "lost", 1).await });
    spoil(&broker, data.path(), "lost");
    let mut connection = kafka::Client::connect(broker.kafka).expect("the broker serves");
    produce_until_refused(&mut connection, "lost");
    with_client(broker.native, |client| async move {
        let config = ProducerConfig { delivery_timeout: Duration::from_secs(2), ..ProducerConfig::default() };
        let producer = client.producer(config).expect("a producer");
        let record = ProducerRecord::new("lost").partition(0).value(b"0");
        let told = producer.send(record).await.expect("the record is taken").await;
        let told = told.expect_err("the core takes nothing").to_string();
        assert!(told.contains("KAFKA_STORAGE_ERROR") && told.contains("storage has failed"), "{told}");
    });
}

/// Something else lies where the topic's folder is to be made.
fn spoil(broker: &Broker, data: &Path, topic: &str) {
    let mut connection = tests::native::Client::greeted(broker.native).expect("the broker serves");
    let (id, _) = connection.topic(topic).expect("the topic is there");
    std::fs::write(data.join("topics").join(id.to_string()), b"no folder").expect("nothing is there yet");
}

/// Code, offset and text of the answer.
fn produce(connection: &mut kafka::Client, topic: &str) -> (ErrorCode, i64, String) {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.push(&NewRecord { value: Some(b"0"), ..NewRecord::default() }).expect("there is room");
    let answer = connection.produce(topic, 0, builder.finish(&mut Compressor::new())).expect("the broker answers");
    (code(answer.error_code), answer.base_offset, answer.error_message.unwrap_or_default())
}

fn produce_until_refused(connection: &mut kafka::Client, topic: &str) -> (ErrorCode, String) {
    let begun = Instant::now();
    for expected in 0.. {
        assert!(begun.elapsed() < PATIENCE, "the core never finds out");
        match produce(connection, topic) {
            (ErrorCode::None, offset, _) => assert_eq!(offset, expected),
            (refused, _, text) => return (refused, text),
        }
    }
    unreachable!("it ends before the numbers do")
}

async fn refuse_move(client: &Client, topic: &str, to: u16, text: &str) {
    let moved = client.admin().move_partition(topic, PartitionIndex(0), CoreId(to)).await;
    let refusal = moved.expect("the broker answers").expect_err("it cannot be moved");
    assert!(refusal.is(ErrorCode::KafkaStorageError), "{refusal}");
    assert!(refusal.message().is_some_and(|message| message.contains(text)), "{refusal}, not {text:?}");
}
