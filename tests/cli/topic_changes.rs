//! `corelane topic` changing what there is: records trimmed, partitions added, settings shown.

use serde_json::{Value, json};
use tests::broker::{Broker, folder};

use crate::program::{Door, Outcome, ask};

fn topic(broker: &Broker, arguments: &[&str]) -> Outcome {
    ask(broker, Door::Kafka, &[&["topic"], arguments].concat(), b"")
}

fn write(broker: &Broker, partition: &str, millis: &[u64]) {
    let line = |millis: &u64| format!("{}\n", json!({"value": "v", "timestamp": millis}));
    let lines: String = millis.iter().map(line).collect();
    let produce = ["produce", "a", "--partition", partition, "--format", "json"];
    ask(broker, Door::Kafka, &produce, lines.as_bytes()).well();
}

fn starts(broker: &Broker) -> Vec<u64> {
    let described = topic(broker, &["describe", "a", "--json"]).well().json();
    let partitions = described[0]["partitions"].as_array().unwrap();
    partitions.iter().map(|partition| partition["start_offset"].as_u64().unwrap()).collect()
}

#[test]
fn records_are_trimmed_before_an_offset_before_a_time_or_to_the_end() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    topic(&broker, &["create", "a", "--partitions", "3", "--config", "retention.ms=-1"]).well();
    write(&broker, "0", &[1_000, 2_000, 3_000, 4_000]);
    write(&broker, "1", &[1_000, 1_500]);
    let trim = |arguments: &[&str]| topic(&broker, &[&["trim", "a"], arguments].concat());

    let dry = trim(&["--partition", "0", "--before", "1", "--dry-run"]).well();
    let table = "\
PARTITION  OLD START  START  END  DELETED
        0          0      1    4        1
";
    assert_eq!(dry.text(), table);
    assert!(dry.stderr.contains("nothing is deleted yet"), "{}", dry.stderr);
    assert_eq!(starts(&broker), [0, 0, 0]);
    assert_eq!(trim(&["--partition", "0", "--before", "1"]).well().text(), table);
    assert_eq!(starts(&broker), [1, 0, 0]);

    let by_time = trim(&["--all", "--before-time", "@2001", "--json"]).well().json();
    let line = |partition: u32, old: u64, start: u64, end: u64| {
        json!({"topic": "a", "partition": partition, "old_start_offset": old, "start_offset": start, "end_offset": end,
            "executed": true})
    };
    assert_eq!(by_time, [line(0, 1, 2, 4), line(1, 0, 2, 2), line(2, 0, 0, 0)]);
    assert_eq!(starts(&broker), [2, 2, 0]);
    // What is gone already stays gone, and is no error.
    assert_eq!(trim(&["--partition", "0", "--before", "1", "--json"]).well().json(), [line(0, 2, 2, 4)]);
    trim(&["--partition", "1", "--before", "3"]).refused_naming(&["\"a\"", "partition 1", "offset 2", "--to-end"]);
    trim(&["--partition", "7", "--to-end"]).refused_naming(&["\"a\"", "no partition 7"]);
    trim(&["--partition", "0", "--partition", "1", "--to-end", "--yes"]).well();
    assert_eq!(starts(&broker), [4, 2, 0]);

    let native = ask(&broker, Door::Native, &["topic", "trim", "a", "--all", "--to-end"], b"");
    native.refused_naming(&["--door kafka"]);
    for arguments in
        [&["--all"][..], &["--to-end"], &["--all", "--before", "1"], &["--all", "--to-end", "--before-time", "@1"]]
    {
        let outcome = trim(arguments);
        assert_eq!(outcome.code, 2, "{arguments:?}: {}", outcome.stderr);
    }
}

#[test]
fn partitions_are_added_and_never_taken_away() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    topic(&broker, &["create", "a", "--partitions", "2", "--config", "retention.ms=-1"]).well();
    let add = |arguments: &[&str]| topic(&broker, &[&["add-partitions", "a"], arguments].concat());
    let would = add(&["3", "--dry-run"]).well();
    assert_eq!(would.text(), "topic a would have 5 partitions, after 2\n");
    assert_eq!(starts(&broker).len(), 2);
    assert_eq!(add(&["3"]).well().text(), "topic a has 5 partitions now, after 2\n");
    assert_eq!(starts(&broker).len(), 5);
    let grown = add(&["--total", "6", "--json"]).well().json();
    assert_eq!(grown, [json!({"topic": "a", "old_partitions": 5, "partitions": 6, "executed": true})]);
    add(&["--total", "6"]).refused_naming(&["\"a\"", "INVALID_PARTITIONS"]);
    add(&["--total", "3"]).refused_naming(&["\"a\"", "INVALID_PARTITIONS"]);
    topic(&broker, &["add-partitions", "nope", "1"]).refused_naming(&["\"nope\"", "corelane topic list"]);
    for arguments in [&[][..], &["0"], &["1", "--total", "9"]] {
        assert_eq!(add(arguments).code, 2, "{arguments:?}");
    }
    write(&broker, "5", &[1_700_000_000_000]);
}

#[test]
fn settings_are_shown_with_defaults_sources_and_meanings() {
    let data = folder();
    let broker = Broker::start(data.path(), &["--set", "topics.defaults.segment.bytes=4194304"]);
    topic(&broker, &["create", "a", "--config", "retention.ms=60000"]).well();
    topic(&broker, &["create", "plain"]).well();
    let own = topic(&broker, &["configs", "a"]).well();
    let table = "\
SETTING       VALUE    DEFAULT  SOURCE
retention.ms  60000  604800000  topic
";
    assert_eq!(own.text(), table);
    let all = topic(&broker, &["configs", "a", "--all", "--json"]).well().json();
    assert!(all.len() > 15, "{} settings", all.len());
    let named = |name: &str| all.iter().find(|line| line["name"] == name).unwrap();
    let fields = |line: &Value| json!(["topic", "value", "default", "source"].map(|name| &line[name]));
    assert_eq!(fields(named("retention.ms")), json!(["a", "60000", "604800000", "topic"]));
    assert_eq!(fields(named("segment.bytes")), json!(["a", "4194304", "4194304", "broker"]));
    assert_eq!(fields(named("cleanup.policy")), json!(["a", "delete", "delete", "default"]));
    assert!(all.iter().all(|line| line["documentation"].as_str().is_some_and(|text| text.len() > 10)), "{all:?}");
    let docs = topic(&broker, &["configs", "a", "--docs"]).well();
    assert!(docs.text().starts_with("retention.ms = 60000 (set by the topic; without that 604800000)\n    "));
    assert!(topic(&broker, &["configs", "plain"]).well().text().contains("--all shows them"));
    topic(&broker, &["configs", "nope"]).refused_naming(&["\"nope\"", "corelane topic list"]);
}
