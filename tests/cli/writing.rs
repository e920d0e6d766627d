//! `corelane produce`: what it sends when, and what it does about trouble.

use std::io::Write as _;
use std::time::Duration;

use tests::broker::{Broker, folder};

use crate::program::{DOORS, Door, ask, run, start, until};

#[test]
fn a_line_is_sent_although_no_other_follows() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    for door in DOORS {
        let topic = format!("slow-{door:?}");
        ask(&broker, door, &["topic", "create", &topic], b"").well();
        let at = door.arguments(&broker);
        let mut child = start(&["produce", &topic, &at[0], &at[1], &at[2], &at[3]]);
        let mut stdin = child.stdin.take().expect("it is piped");
        stdin.write_all(b"first\n").expect("it is read");
        let read = || ask(&broker, door, &["consume", &topic, "--to-end"], b"").well().stdout;
        until("the line is in the log", || read() == b"first\n");
        stdin.write_all(b"second").expect("it is read");
        drop(stdin);
        assert!(child.wait().expect("it ends").success());
        assert_eq!(read(), b"first\nsecond\n");
    }
}

#[test]
fn every_kind_of_acknowledgement_brings_all_records() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let lines: String = (0..20_000).map(|n| format!("line {n}\n")).collect();
    for door in DOORS {
        for acks in ["0", "1", "all"] {
            let topic = format!("acks-{acks}-{door:?}");
            ask(&broker, door, &["topic", "create", &topic], b"").well();
            let produce = ["produce", &topic, "--acks", acks, "--batch-bytes", "4KiB", "--linger", "0ms"];
            let sent = ask(&broker, door, &produce, lines.as_bytes()).well();
            assert!(sent.stderr.contains("20 000 records"), "{}", sent.stderr);
            let consume = ["consume", &topic, "--to-end"];
            // An unacknowledged record may come to the log a little later.
            until("all lines are there", || ask(&broker, door, &consume, b"").well().stdout == lines.as_bytes());
        }
    }
}

#[test]
fn files_are_read_one_after_another_and_decompressed() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let files = folder();
    let plain = files.path().join("plain.txt");
    let packed = files.path().join("packed.txt.zst");
    std::fs::write(&plain, "1\n2").unwrap();
    let mut compressed = Vec::new();
    wire::Compressor::new().compress(wire::Codec::Zstd, None, b"3\n4\n", &mut compressed);
    std::fs::write(&packed, compressed).unwrap();
    for door in DOORS {
        let topic = format!("files-{door:?}");
        ask(&broker, door, &["topic", "create", &topic], b"").well();
        let files = ["produce", &topic, "--file", plain.to_str().unwrap(), packed.to_str().unwrap()];
        ask(&broker, door, &files, b"").well();
        assert_eq!(ask(&broker, door, &["consume", &topic, "--to-end"], b"").well().stdout, b"1\n2\n3\n4\n");
    }
}

#[test]
fn a_line_that_is_no_record_is_named_and_what_came_before_is_acknowledged() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let files = folder();
    let (good, bad) = (files.path().join("good"), files.path().join("bad"));
    std::fs::write(&good, "{\"value\": 1}\n{\"value\": 2}\n").unwrap();
    std::fs::write(&bad, "{\"value\": 3}\n\n{\"value\": 4, \"vlaue\": 5}\n{\"value\": 6}\n").unwrap();
    for door in DOORS {
        let topic = format!("bad-{door:?}");
        ask(&broker, door, &["topic", "create", &topic], b"").well();
        let (good, bad) = (good.to_str().unwrap(), bad.to_str().unwrap());
        let outcome = ask(&broker, door, &["produce", &topic, "--format", "json", "--file", good, bad], b"");
        outcome.refused_naming(&[bad, "line 3", "vlaue"]);
        assert!(outcome.stderr.contains("acknowledged 3 records"), "{}", outcome.stderr);
        assert_eq!(ask(&broker, door, &["consume", &topic, "--to-end"], b"").well().stdout, b"1\n2\n3\n");

        let outcome = ask(&broker, door, &["produce", &topic, "--key-separator", ":"], b"a:b\nc\n");
        outcome.refused_naming(&["stdin line 2", "key separator"]);
        let outcome = ask(&broker, door, &["produce", &topic, "--key-field", "id"], b"{\"id\": 1}\n{}\n");
        outcome.refused_naming(&["stdin line 2", "\"id\""]);
        let outcome = ask(&broker, door, &["produce", &topic, "--format", "json"], b"{\"value\": 1, \"partition\": 9}");
        outcome.refused_naming(&["stdin line 1", &topic, "9"]);
    }
}

#[test]
fn records_survive_a_broker_that_is_killed_and_started_again_once_each() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    ask(&broker, Door::Kafka, &["topic", "create", "restart", "--partitions", "4"], b"").well();
    let address = broker.kafka.to_string();
    let mut child =
        start(&["produce", "restart", "--broker", &address, "--batch-bytes", "8KiB", "--key-separator", ":"]);
    let mut stdin = child.stdin.take().expect("it is piped");
    let feeder = std::thread::spawn(move || {
        for n in 0..60_000 {
            writeln!(stdin, "{}:{n}", n % 7).expect("it is read");
            if n % 500 == 0 {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    });
    let listen = format!("kafka.listen={address}");
    let mut broker = broker;
    for _ in 0..3 {
        std::thread::sleep(Duration::from_millis(250));
        broker.kill();
        std::thread::sleep(Duration::from_millis(100));
        broker = Broker::start(data.path(), &["--set", &listen]);
    }
    feeder.join().expect("all of it is read");
    let output = child.wait_with_output().expect("the program ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.contains("acknowledged 60 000 records"), "{stderr}");
    let read = run(&["consume", "restart", "--to-end", "--format", "lines", "--broker", &address], b"").well();
    let mut last = [None; 7];
    let mut count = 0;
    for line in read.text().lines() {
        let (key, n) = line.split_once('\t').expect("a key");
        let (key, n): (usize, u32) = (key.parse().unwrap(), n.parse().unwrap());
        let expected = last[key].map_or(u32::try_from(key).unwrap(), |before: u32| before + 7);
        assert_eq!(n, expected, "of key {key}, record {count}");
        last[key] = Some(n);
        count += 1;
    }
    assert_eq!(count, 60_000);
}
