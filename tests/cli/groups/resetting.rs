//! `corelane group reset-offsets`.

use serde_json::{Value, json};
use tests::broker::{Broker, folder};

use super::members::{ClassicMember, commit};
use super::{group, make, now, start, write};
use crate::program::{Door, ask};

/// Topic a with partition 0 of ten records, the first deleted two, and partition 1 of four; the group has 5 and nothing.
fn prepared(broker: &Broker, time: u64) {
    make(broker, "a", "2");
    let times: Vec<u64> = (0..10).map(|index| time + index * 1_000).collect();
    write(broker, "a", "0", &times);
    write(broker, "a", "1", &times[..4]);
    ask(broker, Door::Kafka, &["topic", "trim", "a", "--partition", "0", "--before", "2"], b"").well();
    commit(broker, "g", "a", &[(0, 5)]);
}

/// Old and new offsets by partition.
fn changes(lines: &[Value]) -> Vec<(u64, Option<u64>, u64)> {
    let change = |line: &Value| {
        let number = |name: &str| line[name].as_u64();
        assert_eq!((&line["group"], &line["topic"]), (&json!("g"), &json!("a")));
        (number("partition").unwrap(), number("old_offset"), number("new_offset").unwrap())
    };
    lines.iter().map(change).collect()
}

#[test]
fn each_target_is_shown_and_nothing_is_done_without_execute() {
    let data = folder();
    let broker = start(data.path());
    let time = now() - 7_200_000;
    prepared(&broker, time);
    let (at, iso) = (format!("@{}", time + 3_500), "2100-01-01");
    let duration = format!("{} s", 7_200 - 60);
    let cases: [(&[&str], [u64; 2], &[&str]); 11] = [
        (&["--to-earliest"], [2, 0], &[]),
        (&["--to-latest"], [10, 4], &[]),
        (&["--to-offset", "3"], [3, 3], &[]),
        (&["--to-offset", "7"], [7, 4], &["partition 1", "0 up to 4: 4 is taken for 7"]),
        (&["--to-offset", "1"], [2, 1], &["partition 0", "2 up to 10: 2 is taken for 1"]),
        (&["--to-datetime", &at], [4, 4], &[]),
        (&["--to-datetime", iso], [10, 4], &[]),
        (&["--to-datetime", "2001-01-01T00:00:00+02:00"], [2, 0], &[]),
        (&["--by-duration", "P1D"], [2, 0], &[]),
        (&["--by-duration", &duration], [10, 4], &[]),
        (&["--to-current"], [5, 4], &[]),
    ];
    for (target, [first, second], words) in cases {
        let all = [&["reset-offsets", "g", "--topic", "a", "--json"], target].concat();
        let outcome = group(&broker, &all).well();
        assert_eq!(changes(&outcome.json()), [(0, Some(5), first), (1, None, second)], "{target:?}");
        assert!(outcome.json().iter().all(|line| line["executed"] == false));
        for word in words.iter().chain(&["nothing is changed yet: --execute"]) {
            assert!(outcome.stderr.contains(word), "{word:?} is not in {}", outcome.stderr);
        }
    }
    let shifted = |by: &str| {
        let all = ["reset-offsets", "g", "--all-topics", "--shift-by", by, "--json"];
        changes(&group(&broker, &all).well().json())
    };
    assert_eq!(shifted("-2"), [(0, Some(5), 3)]);
    assert_eq!(shifted("3"), [(0, Some(5), 8)]);
    assert_eq!(shifted("-4"), [(0, Some(5), 2)]);
    let text = group(&broker, &["reset-offsets", "g", "--topic", "a", "--to-earliest", "--dry-run"]).well();
    let table = "\
TOPIC  PARTITION  START  END  OLD  NEW
a              0      2   10    5    2
a              1      0    4    -    0
";
    assert_eq!(text.text(), table);
}

#[test]
fn what_is_executed_is_where_the_group_resumes() {
    let data = folder();
    let broker = start(data.path());
    prepared(&broker, now());
    let reset = |name: &str, arguments: &[&str]| group(&broker, &[&["reset-offsets", name], arguments].concat());
    let committed = |name: &str| {
        let described = group(&broker, &["describe", name, "--json"]).well().json();
        let partitions = described[0]["partitions"].as_array().unwrap();
        let offset = |one: &Value| (one["partition"].as_u64().unwrap(), one["committed_offset"].as_u64().unwrap());
        partitions.iter().map(offset).collect::<Vec<_>>()
    };
    let done = reset("g", &["--topic", "a:1", "--to-latest", "--execute", "--json"]).well();
    assert_eq!(changes(&done.json()), [(1, None, 4)]);
    assert!(done.json()[0]["executed"] == true && !done.stderr.contains("nothing is changed"));
    assert_eq!(committed("g"), [(0, 5), (1, 4)]);

    // Out to a file, and in again, for a group that is not there yet.
    let exported = reset("g", &["--all-topics", "--to-current", "--export"]).well();
    assert_eq!(exported.text(), "a,0,5\na,1,4\n");
    let file = data.path().join("offsets.csv");
    std::fs::write(&file, exported.text()).unwrap();
    let file = file.to_str().unwrap();
    let made = reset("other", &["--from-file", file, "--execute"]).well();
    assert!(made.stderr.contains("no group \"other\" yet"), "{}", made.stderr);
    assert_eq!(committed("other"), [(0, 5), (1, 4)]);
    std::fs::write(file, "\"a\",1,99\n").unwrap();
    let clamped = reset("other", &["--from-file", file, "--execute"]).well();
    assert!(clamped.stderr.contains("4 is taken for 99"), "{}", clamped.stderr);
    assert_eq!(committed("other"), [(0, 5), (1, 4)]);
}

#[test]
fn what_cannot_be_reset_is_refused_with_what_to_do() {
    let data = folder();
    let broker = start(data.path());
    prepared(&broker, now());
    let refused = |arguments: &[&str], words: &[&str]| {
        group(&broker, &[&["reset-offsets"], arguments].concat()).refused_naming(words);
    };
    refused(&["g", "--topic", "nope", "--to-latest"], &["\"nope\"", "corelane topic list"]);
    refused(&["g", "--topic", "a:0,7", "--to-latest"], &["\"a\"", "no partition 7"]);
    refused(&["g", "--topic", "a", "--shift-by", "1"], &["\"g\"", "partition 1", "\"a\"", "--all-topics"]);
    refused(&["nope", "--all-topics", "--to-latest"], &["\"nope\"", "corelane group list"]);
    refused(&["g", "--from-file", "/no/such/file"], &["/no/such/file"]);
    let file = data.path().join("offsets.csv");
    std::fs::write(&file, "a,0,1\na,x,1\n").unwrap();
    refused(&["g", "--from-file", file.to_str().unwrap()], &["offsets.csv", "line 2", "\"x\""]);

    let _member = ClassicMember::join(&broker, "busy", "client", &[("a", &[0])]);
    for execute in [&["--execute"][..], &[]] {
        let all = [&["busy", "--topic", "a", "--to-latest"], execute].concat();
        refused(&all, &["\"busy\"", "Stable", "1 member", "--members"]);
    }
    for arguments in [
        &["g", "--to-latest"][..],
        &["g", "--all-topics"],
        &["g", "--all-topics", "--to-latest", "--to-earliest"],
        &["g", "--all-topics", "--topic", "a", "--to-latest"],
        &["g", "--all-topics", "--to-latest", "--execute", "--dry-run"],
        &["g", "--all-topics", "--by-duration", "5"],
    ] {
        let outcome = group(&broker, &[&["reset-offsets"], arguments].concat());
        assert_eq!(outcome.code, 2, "{arguments:?}: {}", outcome.stderr);
    }
}
