//! `corelane status`.

use tests::broker::{Broker, folder};

use crate::program::{Door, ask, run};

#[test]
fn a_brokers_state_and_the_stages_of_its_requests_are_shown() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    ask(&broker, Door::Native, &["topic", "create", "a", "--partitions", "3"], b"").well();
    ask(&broker, Door::Native, &["produce", "a"], b"x\ny\n").well();

    let address = broker.native.to_string();
    let status = |arguments: &[&str]| run(&[&["status", "--broker", address.as_str()], arguments].concat(), b"");
    let brokers = status(&["--json"]).well().json();
    assert_eq!(brokers.len(), 1);
    assert_eq!(brokers[0]["broker"], 1);
    assert!(brokers[0]["resident_bytes"].as_u64().unwrap() > 1 << 20);
    let cores = brokers[0]["cores"].as_array().unwrap();
    let partitions: u64 = cores.iter().map(|core| core["partitions"].as_u64().unwrap()).sum();
    assert_eq!(brokers[0]["partitions"].as_u64(), Some(partitions));
    assert!(partitions >= 3, "{partitions}");
    let flushes = cores.iter().flat_map(|core| core["stages"].as_array().unwrap());
    let flushed = flushes.filter(|stage| stage["stage"] == "flush").map(|stage| stage["count"].as_u64().unwrap());
    assert_eq!(flushed.sum::<u64>(), 1, "there was one batch");
    let asked = |field: &str| cores.iter().map(|core| core[field].as_u64().unwrap()).sum::<u64>();
    assert_eq!((asked("direct"), asked("crossed")), (1, 0), "a native client goes to the owner");

    let text = status(&[]).well();
    let text = text.text();
    for part in ["broker 1: corelane", "CORE  CONNECTIONS  PARTITIONS  DIRECT  CROSSED", "STAGE", "flush", "P99.9"] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

#[test]
fn what_is_to_be_looked_after_is_shown() {
    let data = folder();
    let broker = Broker::start(data.path(), &["--cores", "1"]);
    let address = broker.native.to_string();
    let status = |arguments: &[&str]| run(&[&["status", "--broker", address.as_str()], arguments].concat(), b"");
    let well = status(&["--json"]).well().json();
    assert_eq!(well[0]["cores"][0]["troubles"].as_array().map(Vec::len), Some(0), "{well:?}");
    assert!(!status(&[]).well().text().contains("to look after"));
    drop(broker);
    let broker = Broker::start(data.path(), &["--cores", "1", "--set", "disk.free_floor=60 TiB"]);
    let address = broker.native.to_string();
    let expected = "refuses records for want of space: ";
    // The disk is looked at soon after the start.
    let text = loop {
        let told = run(&["status", "--broker", address.as_str()], b"").well();
        if told.text().contains("to look after") {
            break told.text().to_owned();
        }
    };
    assert!(
        text.contains("TROUBLE") && text.contains(expected) && text.contains("disk.free_floor is 60 TiB"),
        "{text}"
    );
}

#[test]
fn a_broker_that_is_not_there_is_named() {
    let told = run(&["status", "--broker", "127.0.0.1:1"], b"");
    told.refused_naming(&["127.0.0.1:1", "--broker"]);
}
