//! Records in and out, byte for byte.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::broker::{Broker, folder};
use tests::kafka::Client;
use wire::batch::Batch;
use wire::{Codec, Decompressor};

use crate::program::{DOORS, Door, ask};

/// Records that are easily mangled.
fn lines() -> Vec<Value> {
    let long = "x".repeat(100_000);
    vec![
        json!({"key": "k", "value": "v", "timestamp": 1_700_000_000_001_u64}),
        json!({"key": null, "value": null, "timestamp": 1}),
        json!({"key": "", "value": "", "timestamp": 0}),
        json!({"key": "tab\tfeed\nquote\"back\\slash", "value": "\u{0}\u{1f}\u{7f}\u{2028}\u{1f600}", "timestamp": 2}),
        json!({"key": {"base64": "//79"}, "value": {"base64": "AP+AgQ=="}, "timestamp": 3}),
        json!({"key": "k", "value": "{\"base64\": \"AAAA\"}", "timestamp": 4}),
        json!({"key": "k", "value": long, "timestamp": 5}),
        json!({
            "key": "k", "value": "with headers", "timestamp": 6,
            "headers": [["a", "1"], ["a", "2"], ["", ""], ["null", null], ["bytes", {"base64": "gA=="}]],
        }),
    ]
}

fn text_of(lines: &[Value]) -> Vec<u8> {
    lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect()
}

/// A consumed line without its place, which must be the one expected.
fn without_place(mut line: Value, topic: &str, offset: usize) -> Value {
    let fields = line.as_object_mut().expect("a line is an object");
    let place = ["topic", "partition", "offset"].map(|name| fields.remove(name).expect("it says its place"));
    assert_eq!(place, [json!(topic), json!(0), json!(offset)]);
    line
}

#[test]
fn json_survives_every_codec_in_and_out_of_either_door() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    for door in DOORS {
        for codec in Codec::ALL {
            let topic = format!("{door:?}-{codec}");
            ask(&broker, Door::Kafka, &["topic", "create", &topic, "--config", "retention.ms=-1"], b"").well();
            let produce = ["produce", &topic, "--format", "json", "--codec", codec.name()];
            let produced = ask(&broker, door, &produce, &text_of(&lines())).well();
            assert!(produced.stderr.contains("acknowledged 8 records"), "{}", produced.stderr);

            let consume = ["consume", &topic, "--to-end", "--format", "json"];
            let by_kafka = ask(&broker, Door::Kafka, &consume, b"").well();
            let by_native = ask(&broker, Door::Native, &consume, b"").well();
            assert!(by_kafka.stdout == by_native.stdout, "{topic}: the doors differ");
            let read: Vec<Value> = by_kafka.json();
            let read: Vec<Value> =
                read.into_iter().enumerate().map(|(at, line)| without_place(line, &topic, at)).collect();
            assert_eq!(read, lines(), "{topic}");

            // What was printed goes back in as it is.
            let copy = format!("{topic}-copy");
            ask(&broker, door, &["topic", "create", &copy, "--config", "retention.ms=-1"], b"").well();
            ask(&broker, door, &["produce", &copy, "--format", "json", "--quiet"], &by_kafka.stdout).well();
            let again = ask(&broker, door, &["consume", &copy, "--to-end", "--format", "json"], b"").well();
            let renamed = by_kafka.text().replace(&format!("\"{topic}\""), &format!("\"{copy}\""));
            assert!(again.text() == renamed, "{topic}: the copy differs");
        }
    }
}

#[test]
fn the_log_holds_exactly_the_bytes_that_a_line_stands_for() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    for door in DOORS {
        let topic = format!("raw-{door:?}");
        ask(&broker, door, &["topic", "create", &topic, "--config", "retention.ms=-1"], b"").well();
        let line = br#"{"key": {"base64": "/w=="}, "value": {"a": [1, 2.50]}, "headers": {"h": null, "g": "2"}}"#;
        let produce = ["produce", &topic, "--format", "json", "--codec", "zstd", "--header", "all=same"];
        ask(&broker, door, &produce, line).well();
        let log = client.fetch_all(&topic, 0).expect("the log can be read");
        let (batch, rest) = Batch::parse(&log).expect("a batch");
        assert!(rest.is_empty(), "one record is one batch");
        assert_eq!(batch.header().codec(), Codec::Zstd);
        assert_eq!(
            batch.header().producer().map(|stamp| stamp.base_sequence.is_some()),
            Some(true),
            "it is idempotent"
        );
        let mut decompressor = Decompressor::new();
        let records: Vec<_> = batch.decode(&mut decompressor, 1 << 20).expect("it decompresses").collect();
        let record = records.into_iter().next().expect("a record").expect("it is whole");
        assert_eq!(record.key, Some(&b"\xff"[..]));
        assert_eq!(record.value, Some(&br#"{"a": [1, 2.50]}"#[..]));
        let headers: Vec<(&[u8], Option<&[u8]>)> =
            record.headers.into_iter().map(|header| (header.key, header.value)).collect();
        assert_eq!(headers, [(&b"h"[..], None), (b"g", Some(&b"2"[..])), (b"all", Some(b"same"))]);
    }
}

#[test]
fn text_formats_and_keys_from_fields_go_through_both_doors() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut homes: Vec<BTreeMap<String, u64>> = Vec::new();
    for door in DOORS {
        let topic = format!("text-{door:?}");
        ask(&broker, door, &["topic", "create", &topic, "--partitions", "1", "--config", "retention.ms=-1"], b"")
            .well();
        let lines = b"k1:v1\n:\nk2:v:2\r\nlast:no line feed";
        ask(&broker, door, &["produce", &topic, "--key-separator", ":"], lines).well();
        let read =
            ask(&broker, door, &["consume", &topic, "--to-end", "--format", "lines", "--key-separator", ":"], b"");
        assert_eq!(read.well().stdout, [&lines[..], b"\n"].concat());
        let values = ask(&broker, door, &["consume", &topic, "-e", "--stats"], b"").well();
        assert_eq!(values.stdout, b"v1\n\nv:2\r\nno line feed\n");
        assert!(values.stderr.contains("read 4 records"), "{}", values.stderr);

        let keyed = format!("keyed-{door:?}");
        ask(&broker, door, &["topic", "create", &keyed, "--partitions", "8", "--config", "retention.ms=-1"], b"")
            .well();
        let lines: String = (0..400).map(|n| format!("{{\"n\": {n}, \"user\": \"user {}\"}}\n", n % 40)).collect();
        ask(&broker, door, &["produce", &keyed, "--key-field", "user", "--codec", "lz4"], lines.as_bytes()).well();
        let read = ask(&broker, door, &["consume", &keyed, "--to-end", "--format", "json"], b"").well();
        let mut home = BTreeMap::new();
        let mut last: BTreeMap<String, u64> = BTreeMap::new();
        for record in read.json() {
            let key = record["key"].as_str().unwrap().to_owned();
            let value: Value = serde_json::from_str(record["value"].as_str().unwrap()).unwrap();
            assert_eq!(value["user"], key);
            let n = value["n"].as_u64().unwrap();
            assert!(last.insert(key.clone(), n).is_none_or(|before| before < n), "records of {key} changed places");
            let partition = record["partition"].as_u64().unwrap();
            assert_eq!(*home.entry(key).or_insert(partition), partition, "a key lives in one partition");
        }
        assert_eq!((home.len(), read.json().len()), (40, 400));
        homes.push(home);
    }
    assert_eq!(homes[0], homes[1], "the doors put keys into the same partitions");
}
