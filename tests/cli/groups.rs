//! `corelane group`.

mod members;
mod resetting;

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tests::broker::{Broker, folder};

use crate::program::{Door, Outcome, ask, run};
pub(crate) use members::commit;
use members::{ClassicMember, ConsumerMember};

fn start(data: &std::path::Path) -> Broker {
    Broker::start(data, &["--set", "groups.initial_rebalance_delay=100 ms", "--set", "balancer.enabled=false"])
}

fn group(broker: &Broker, arguments: &[&str]) -> Outcome {
    let address = broker.kafka.to_string();
    run(&[&["group"], arguments, &["--broker", &address]].concat(), b"")
}

fn make(broker: &Broker, topic: &str, partitions: &str) {
    ask(broker, Door::Kafka, &["topic", "create", topic, "--partitions", partitions], b"").well();
}

/// Writes records of these times to a partition, in one batch.
fn write(broker: &Broker, topic: &str, partition: &str, millis: &[u64]) {
    let lines: String =
        millis.iter().map(|millis| format!("{}\n", json!({"value": "v", "timestamp": millis}))).collect();
    let produce = ["produce", topic, "--partition", partition, "--format", "json", "--codec", "lz4"];
    ask(broker, Door::Kafka, &produce, lines.as_bytes()).well();
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    u64::try_from(now.as_millis()).expect("it fits")
}

#[track_caller]
fn assert_about(seconds: &Value, expected: f64) {
    let seconds = seconds.as_f64().unwrap_or_else(|| panic!("{seconds} is no number"));
    assert!((expected..expected + 100.0).contains(&seconds), "{seconds} is not {expected} or a little more");
}

#[test]
fn groups_of_both_protocols_are_listed_and_found_by_state_and_type() {
    let data = folder();
    let broker = start(data.path());
    assert!(group(&broker, &["list"]).well().text().contains("there are no groups"));
    assert_eq!(group(&broker, &["list", "--json"]).well().text(), "");
    make(&broker, "a", "3");
    let _classic = ClassicMember::join(&broker, "old", "client-o", &[("a", &[0, 1, 2])]);
    let _consumer = ConsumerMember::join(&broker, "new", "a", 3);
    commit(&broker, "idle", "a", &[(0, 0)]);

    let listed = group(&broker, &["list", "--json"]).well().json();
    let expected = [
        json!({"group": "idle", "type": "classic", "protocol": "", "state": "Empty", "members": 0}),
        json!({"group": "new", "type": "consumer", "protocol": "consumer", "state": "Stable", "members": 1}),
        json!({"group": "old", "type": "classic", "protocol": "consumer", "state": "Stable", "members": 1}),
    ];
    assert_eq!(listed, expected);
    let text = group(&broker, &["list"]).well();
    let expected = "\
GROUP  TYPE      PROTOCOL  STATE   MEMBERS
idle   classic   -         Empty         0
new    consumer  consumer  Stable        1
old    classic   consumer  Stable        1
";
    assert_eq!(text.text(), expected);
    let names = |arguments: &[&str]| {
        let listed = group(&broker, &[&["list", "--json"], arguments].concat()).well().json();
        listed.iter().map(|line| line["group"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&["--state", "stable"]), ["new", "old"]);
    assert_eq!(names(&["--state", "Empty,Stable", "--type", "classic"]), ["idle", "old"]);
    assert_eq!(names(&["--type", "consumer"]), ["new"]);
    assert!(group(&broker, &["list", "--state", "Dead"]).well().text().contains("no such groups"));
}

#[test]
fn a_description_has_members_offsets_and_the_lag_in_records_and_seconds() {
    let data = folder();
    let broker = start(data.path());
    make(&broker, "a", "4");
    let hour = now() - 3_600_000;
    // Partition 0: the third of five records in a compressed batch is the first that waits.
    write(&broker, "a", "0", &[hour, hour + 1_000, hour + 600_000, hour + 601_000, hour + 602_000]);
    write(&broker, "a", "1", &[hour, hour]);
    write(&broker, "a", "2", &[hour]);
    let member = ClassicMember::join(&broker, "g", "client-1", &[("a", &[0, 1, 3])]);
    member.commit("a", &[(0, 2, "half way"), (1, 2, ""), (2, 0, "")]);

    let described = group(&broker, &["describe", "g", "--json"]).well().json();
    assert_eq!(described.len(), 1);
    let described = &described[0];
    assert_eq!((&described["state"], &described["type"]), (&json!("Stable"), &json!("classic")));
    assert_eq!((&described["assignor"], &described["coordinator"]), (&json!("range"), &json!(1)));
    let [shown] = &described["members"].as_array().unwrap()[..] else { panic!("{described}") };
    assert_eq!((&shown["client_id"], &shown["host"]), (&json!("client-1"), &json!("127.0.0.1")));
    assert_eq!((&shown["member_id"], &shown["instance_id"]), (&json!(member.id), &json!("client-1-instance")));
    assert_eq!(shown["assignment"], json!({"a": [0, 1, 3]}));

    let partitions = described["partitions"].as_array().unwrap();
    let row = |index: usize| {
        let names = ["partition", "committed_offset", "end_offset", "lag", "leader_epoch", "metadata", "client_id"];
        json!(names.map(|name| &partitions[index][name]))
    };
    assert_eq!(row(0), json!([0, 2, 5, 3, 0, "half way", "client-1"]));
    assert_eq!(row(1), json!([1, 2, 2, 0, 0, "", "client-1"]));
    assert_eq!(row(2), json!([2, 0, 1, 1, 0, "", null]));
    // It is assigned, and nothing is committed.
    assert_eq!(row(3), json!([3, null, 0, null, null, null, "client-1"]));
    assert_about(&partitions[0]["lag_seconds"], 3_000.0);
    assert_eq!(partitions[1]["lag_seconds"], json!(0.0));
    assert_about(&partitions[2]["lag_seconds"], 3_600.0);
    assert_eq!(partitions[3]["lag_seconds"], Value::Null);
    assert_eq!(described["lag"], 4);
    assert_about(&described["lag_seconds"], 3_600.0);

    let text = group(&broker, &["describe", "g"]).well();
    for part in
        ["group g: Stable, classic protocol, assignor range", "a:0-1,3", "half way", "lag: 4 in 2 of 4 partitions"]
    {
        assert!(text.text().contains(part), "{part:?} is not in {}", text.text());
    }
    let members = group(&broker, &["describe", "g", "--members"]).well();
    assert!(members.text().contains(&member.id) && !members.text().contains("lag"), "{}", members.text());
    let offsets = group(&broker, &["describe", "g", "--offsets", "--json"]).well().json();
    assert!(offsets[0].get("members").is_none() && offsets[0]["lag"] == 4);
}

#[test]
fn lag_counts_from_what_is_left_where_records_were_deleted_or_have_no_time() {
    let data = folder();
    let broker = start(data.path());
    make(&broker, "a", "2");
    let hour = now() - 3_600_000;
    write(&broker, "a", "0", &[1, 1, hour]);
    commit(&broker, "g", "a", &[(0, 1)]);
    ask(&broker, Door::Kafka, &["topic", "trim", "a", "--partition", "0", "--before", "2"], b"").well();
    let described = group(&broker, &["describe", "g", "--json"]).well().json();
    let partition = &described[0]["partitions"][0];
    assert_eq!(json!([partition["start_offset"], partition["lag"]]), json!([2, 2]));
    assert_about(&partition["lag_seconds"], 3_600.0);
    let text = group(&broker, &["describe", "g"]).well();
    assert!(text.text().contains("partition 0 of topic a: what was committed is deleted"), "{}", text.text());
    assert!(text.text().contains("it has no members"), "{}", text.text());

    let all = group(&broker, &["describe", "--all", "--json"]).well().json();
    assert_eq!(all, described_without_time(&described, &all));
    group(&broker, &["describe", "nope"]).refused_naming(&["\"nope\"", "corelane group list"]);
}

/// The same, with the times of the other.
fn described_without_time(described: &[Value], other: &[Value]) -> Vec<Value> {
    let mut same = described.to_vec();
    for (one, other) in same.iter_mut().zip(other) {
        one["lag_seconds"] = other["lag_seconds"].clone();
        one["partitions"][0]["lag_seconds"] = other["partitions"][0]["lag_seconds"].clone();
    }
    same
}

#[test]
fn members_of_the_consumer_protocol_are_described_with_their_epochs() {
    let data = folder();
    let broker = start(data.path());
    make(&broker, "a", "3");
    write(&broker, "a", "1", &[now() - 60_000]);
    let member = ConsumerMember::join(&broker, "new", "a", 3);
    let described = group(&broker, &["describe", "new", "--json"]).well().json();
    let shown = &described[0]["members"][0];
    assert_eq!((&described[0]["type"], &described[0]["assignor"]), (&json!("consumer"), &json!("uniform")));
    assert_eq!((&shown["member_id"], &shown["epoch"]), (&json!("member-new"), &json!(member.epoch)));
    assert_eq!(shown["assignment"], json!({"a": [0, 1, 2]}));
    let partitions = described[0]["partitions"].as_array().unwrap();
    assert!(partitions.iter().all(|partition| partition["member_id"] == "member-new"), "{partitions:?}");
    let text = group(&broker, &["describe", "new"]).well();
    assert!(text.text().contains("consumer protocol, epoch") && text.text().contains("a:0-2"), "{}", text.text());
}

#[test]
fn groups_and_offsets_are_deleted_unless_somebody_uses_them() {
    let data = folder();
    let broker = start(data.path());
    make(&broker, "a", "3");
    make(&broker, "b", "1");
    let _member = ClassicMember::join(&broker, "busy", "client", &[("a", &[0])]);
    group(&broker, &["delete", "busy"]).refused_naming(&["\"busy\"", "NON_EMPTY_GROUP", "--members"]);
    group(&broker, &["delete", "nope"]).refused_naming(&["\"nope\"", "--if-exists"]);
    commit(&broker, "reading", "b", &[(0, 0)]);
    let _reader = ConsumerMember::join(&broker, "reading", "b", 1);
    let refused = group(&broker, &["delete-offsets", "reading", "--topic", "b"]);
    refused.refused_naming(&["\"reading\"", "partition 0", "\"b\"", "GROUP_SUBSCRIBED_TO_TOPIC", "stopped first"]);
    assert_eq!(refused.text(), "");
    commit(&broker, "g", "a", &[(0, 0), (1, 0), (2, 0)]);
    commit(&broker, "g", "b", &[(0, 0)]);

    let deleted = group(&broker, &["delete-offsets", "g", "--topic", "a:0-1", "--json"]).well().json();
    let line = |partition| json!({"group": "g", "topic": "a", "partition": partition, "offset": 0});
    assert_eq!(deleted, [line(0), line(1)]);
    let left = |expected: &[(&str, u64)]| {
        let described = group(&broker, &["describe", "g", "--json"]).well().json();
        let partitions = described[0]["partitions"].as_array().unwrap();
        let left = partitions.iter().map(|one| (one["topic"].as_str().unwrap(), one["partition"].as_u64().unwrap()));
        assert_eq!(left.collect::<Vec<_>>(), expected);
    };
    left(&[("a", 2), ("b", 0)]);
    group(&broker, &["delete-offsets", "g", "--topic", "a:0"]).refused_naming(&["\"g\"", "partition 0", "\"a\""]);
    group(&broker, &["delete-offsets", "g", "--topic", "c"]).refused_naming(&["\"g\"", "\"c\"", "--offsets"]);
    let text = group(&broker, &["delete-offsets", "g", "--topic", "a"]).well();
    assert_eq!(text.text(), "offset 0 of partition 2 of topic a is deleted\n");
    left(&[("b", 0)]);

    let deleted = group(&broker, &["delete", "nope", "g", "--if-exists", "--json"]).well().json();
    assert_eq!(deleted, [json!({"group": "nope", "deleted": false}), json!({"group": "g", "deleted": true})]);
    group(&broker, &["describe", "g"]).refused_naming(&["\"g\""]);
}
