//! `corelane partition`.

use tests::broker::{Broker, folder};

use crate::program::{Door, Outcome, ask, run};

fn partition(broker: &Broker, arguments: &[&str]) -> Outcome {
    let address = broker.native.to_string();
    let all = [&["partition"], arguments, &["--broker", address.as_str()]].concat();
    run(&all, b"")
}

#[test]
fn partitions_are_listed_with_their_cores_and_moved() {
    if std::thread::available_parallelism().expect("the system knows").get() < 2 {
        return println!("this needs two cores");
    }
    let data = folder();
    let broker = Broker::start(data.path(), &["--cores", "2", "--set", "balancer.enabled=false"]);
    for (topic, partitions) in [("a", "2"), ("b", "1")] {
        ask(&broker, Door::Native, &["topic", "create", topic, "--partitions", partitions], b"").well();
    }
    ask(&broker, Door::Native, &["produce", "a", "--partition", "1"], b"x\ny\n").well();
    let all = partition(&broker, &["list", "--json"]).well().json();
    let places: Vec<_> =
        all.iter().map(|row| (row["topic"].as_str().unwrap(), row["partition"].as_u64().unwrap())).collect();
    assert_eq!(places, [("a", 0), ("a", 1), ("b", 0)]);
    assert_eq!(all[0]["log_bytes"], 0);
    assert!(all[1]["log_bytes"].as_u64().unwrap() > 0 && all[1]["busy_us_per_s"].is_u64());
    let from = all[1]["core"].as_u64().unwrap();
    let to = (1 - from).to_string();
    let moved = partition(&broker, &["move", "a", "1", "--to-core", &to, "--json"]).well().json();
    assert_eq!((moved[0]["from_core"].as_u64(), moved[0]["to_core"].to_string()), (Some(from), to.clone()));
    assert!(moved[0]["pause_us"].as_u64().unwrap() > 0);
    let listed = partition(&broker, &["list", "a", "--json"]).well().json();
    assert_eq!((listed.len(), listed[1]["core"].to_string()), (2, to.clone()));
    assert!(partition(&broker, &["list"]).well().text().starts_with("TOPIC  PARTITION  CORE  US/S  BYTES\n"));
    // It is the same log, and takes more.
    ask(&broker, Door::Kafka, &["produce", "a", "--partition", "1"], b"z\n").well();
    let read = ask(&broker, Door::Native, &["consume", "a", "--partition", "1", "--to-end"], b"").well();
    assert_eq!(read.text(), "x\ny\nz\n");

    let refused = |arguments: &[&str], words: &[&str]| partition(&broker, arguments).refused_naming(words);
    refused(&["move", "a", "1", "--to-core", &to], &["\"a\"", "on core", "already"]);
    refused(&["move", "a", "2", "--to-core", "1"], &["no partition 2"]);
    refused(&["move", "nowhere", "0", "--to-core", "1"], &["nowhere"]);
    refused(&["move", "a", "1", "--to-core", "7"], &["no core 7", "0 to 1"]);
    refused(&["list", "nowhere"], &["nowhere", "corelane topic list"]);
    broker.kill();
    let broker = Broker::start(data.path(), &["--cores", "2"]);
    let listed = partition(&broker, &["list", "a", "--json"]).well().json();
    assert_eq!(listed[1]["core"].to_string(), to, "where it was moved to is remembered");
}
