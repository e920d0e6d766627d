//! `corelane topic`.

use serde_json::json;
use tests::broker::{Broker, folder};

use crate::program::{DOORS, ask, run};

#[test]
fn topics_are_made_listed_described_and_deleted_through_both_doors() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    for door in DOORS {
        let topic = |arguments: &[&str]| {
            let all: Vec<&str> = ["topic"].iter().chain(arguments).copied().collect();
            ask(&broker, door, &all, b"")
        };
        assert_eq!(topic(&["list", "--json"]).well().stdout, b"");
        assert!(topic(&["list"]).well().text().contains("there are no topics"));
        topic(&["create", "a", "--partitions", "3", "--config", "segment.bytes=2097152"]).well();
        topic(&["create", "b"]).well();
        topic(&["create", "a"]).refused_naming(&["\"a\"", "--if-not-exists"]);
        topic(&["create", "a", "--if-not-exists"]).well();
        topic(&["create", "c", "--config", "no.such=1"]).refused_naming(&["\"c\"", "no.such"]);
        topic(&["create", "c/d"]).refused_naming(&["c/d"]);

        let listed = topic(&["list", "--json"]).well().json();
        let names: Vec<&str> = listed.iter().map(|topic| topic["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(listed[0]["partitions"], 3);
        assert!(topic(&["list"]).well().text().contains("a               3  "));

        for _ in 0..5 {
            ask(&broker, door, &["produce", "a", "--partition", "1"], b"x\ny\n").well();
        }
        let described = topic(&["describe", "a", "b", "--json"]).well().json();
        assert_eq!(described.len(), 2);
        assert_eq!(described[0]["configs"], serde_json::json!({"segment.bytes": "2097152"}));
        assert_eq!(described[1]["configs"], serde_json::json!({}));
        let partitions = described[0]["partitions"].as_array().unwrap();
        let ends: Vec<u64> = partitions.iter().map(|partition| partition["end_offset"].as_u64().unwrap()).collect();
        assert_eq!(ends, [0, 10, 0]);
        assert!(partitions.iter().all(|partition| partition["leader"] == 1 && partition["start_offset"] == 0));
        assert_eq!(described[0]["id"], listed[0]["id"]);
        let text = topic(&["describe", "a"]).well();
        assert!(text.text().contains("segment.bytes=2097152"), "{}", text.text());

        topic(&["describe", "nope"]).refused_naming(&["\"nope\"", "corelane topic create"]);
        topic(&["delete", "nope"]).refused_naming(&["\"nope\"", "--if-exists"]);
        let made = topic(&["create", "a", "--if-not-exists", "--json"]).well();
        assert_eq!(made.json(), [json!({"topic": "a", "created": false})]);
        let deleted = topic(&["delete", "a", "nope", "--if-exists", "--json"]).well();
        assert_eq!(
            deleted.json(),
            [("a", true), ("nope", false)].map(|(topic, gone)| json!({"topic": topic, "deleted": gone}))
        );
        topic(&["delete", "b", "--if-exists", "--yes"]).well();
        assert_eq!(topic(&["list", "--json"]).well().stdout, b"");
    }
}

#[test]
fn wrong_usage_ends_with_2_and_help_with_0() {
    for arguments in
        [&["topic"][..], &["topic", "create"], &["produce"], &["consume", "t", "--from", "x"], &["nope"], &["inspect"]]
    {
        let outcome = run(arguments, b"");
        assert_eq!(outcome.code, 2, "{arguments:?}: {}", outcome.stderr);
    }
    for command in ["serve", "topic", "group", "produce", "consume", "inspect"] {
        let help = run(&[command, "--help"], b"").well();
        assert!(help.text().contains("Usage: corelane"), "{}", help.text());
    }
    assert!(run(&["--version"], b"").well().text().starts_with("corelane "));
}
