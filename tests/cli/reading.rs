//! `corelane consume`: where it begins, where it ends, and how it waits.

use std::io::{BufRead as _, BufReader, Read as _};

use tests::broker::{Broker, folder};

use crate::program::{DOORS, ask, interrupt, start};

#[test]
fn reading_begins_and_ends_where_it_is_told_to() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    for door in DOORS {
        let topic = format!("range-{door:?}");
        ask(&broker, door, &["topic", "create", &topic, "--partitions", "2"], b"").well();
        let lines: String =
            (0..1_000).map(|n| format!("{{\"value\": \"{n}\", \"timestamp\": {}}}\n", 1_000_000 + n)).collect();
        let produce = ["produce", &topic, "--format", "json", "--partition", "1", "--batch-bytes", "1KiB"];
        ask(&broker, door, &produce, lines.as_bytes()).well();
        let consume = |arguments: &[&str]| {
            let all: Vec<&str> = ["consume", &topic].iter().chain(arguments).copied().collect();
            ask(&broker, door, &all, b"")
        };
        let numbers = |arguments: &[&str]| -> Vec<u32> {
            consume(arguments).well().text().lines().map(|line| line.parse().expect("a number")).collect()
        };
        let all: Vec<u32> = (0..1_000).collect();
        assert_eq!(numbers(&["--to-end"]), all);
        assert_eq!(numbers(&["--to-end", "--partition", "1"]), all);
        assert!(numbers(&["--to-end", "--partition", "0"]).is_empty());
        assert_eq!(numbers(&["--to-end", "--partition", "1", "--from", "990"]), all[990..]);
        assert_eq!(numbers(&["--count", "7"]), all[..7]);
        assert_eq!(numbers(&["--count", "3", "--partition", "1", "--from", "500"]), all[500..503]);
        assert_eq!(numbers(&["--to-end", "--from", "@1000995"]), all[995..]);
        assert_eq!(numbers(&["--to-end", "--from", "1970-01-01T00:16:40.998Z"]), all[998..]);
        assert!(numbers(&["--to-end", "--from", "2300-01-01"]).is_empty());
        assert!(numbers(&["--to-end", "--from", "latest"]).is_empty());
        assert!(numbers(&["--to-end", "--partition", "1", "--from", "1000"]).is_empty());
        assert!(numbers(&["--count", "0"]).is_empty());
        let beyond = consume(&["--to-end", "--partition", "1", "--from", "1001"]);
        beyond.refused_naming(&["partition 1", &topic, "0 up to 1000", "1001", "--from"]);
        consume(&["--partition", "1", "--from", "1001"]).refused_naming(&["0 up to 1000"]);
        consume(&["--partition", "2", "--to-end"]).refused_naming(&["partition 2", &topic]);
    }
}

#[test]
fn reading_follows_what_comes_until_ctrl_c_which_ends_it_in_good_order() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    for door in DOORS {
        let topic = format!("follow-{door:?}");
        ask(&broker, door, &["topic", "create", &topic, "--partitions", "3"], b"").well();
        ask(&broker, door, &["produce", &topic], b"before\n").well();
        let at = door.arguments(&broker);
        let mut child = start(&["consume", &topic, &at[0], &at[1], &at[2], &at[3]]);
        let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = || {
            let mut line = String::new();
            out.read_line(&mut line).expect("the output can be read");
            line
        };
        assert_eq!(line(), "before\n");
        for n in 0..3 {
            // Each line is there although the program could gather more.
            let partition = n.to_string();
            let text = format!("record {n}\n");
            ask(&broker, door, &["produce", &topic, "--partition", &partition], text.as_bytes()).well();
            assert_eq!(line(), text);
        }
        interrupt(&child);
        let status = child.wait().expect("the program ends");
        let mut stderr = String::new();
        child.stderr.take().expect("it is piped").read_to_string(&mut stderr).expect("it can be read");
        assert_eq!(status.code(), Some(0), "{stderr}");
        assert!(stderr.contains("read 4 records"), "{stderr}");
    }
}

#[test]
fn reading_ends_quietly_when_nobody_takes_its_output() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    ask(&broker, DOORS[0], &["topic", "create", "much"], b"").well();
    ask(&broker, DOORS[0], &["produce", "much"], &b"a line of some length\n".repeat(100_000)).well();
    for door in DOORS {
        let at = door.arguments(&broker);
        let mut child = start(&["consume", "much", &at[0], &at[1], &at[2], &at[3]]);
        let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        out.read_line(&mut line).expect("the output can be read");
        assert_eq!(line, "a line of some length\n");
        drop(out);
        let output = child.wait_with_output().expect("the program ends");
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}
