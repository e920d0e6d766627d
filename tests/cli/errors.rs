//! What is said when it cannot be done: who, what, and what to do.

use std::net::TcpListener;

use tests::broker::{Broker, folder};

use crate::program::{DOORS, Door, ask, run};

#[test]
fn a_topic_that_is_not_there_is_named_with_the_way_to_make_it() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    for door in DOORS {
        for command in [&["consume", "nope", "--to-end"][..], &["produce", "nope"], &["topic", "describe", "nope"]] {
            let outcome = ask(&broker, door, command, b"x\n");
            let address = if door == Door::Kafka { broker.kafka } else { broker.native };
            outcome.refused_naming(&["\"nope\"", &address.to_string(), "corelane topic create nope"]);
        }
        let listed = ask(&broker, door, &["topic", "list", "--json"], b"").well();
        assert_eq!(listed.text(), "", "asking for a topic makes none");
    }
}

#[test]
fn nobody_there_and_the_wrong_door_are_told_apart() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    // Taken and given back: nobody listens there.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").to_string();
    for door in ["kafka", "native"] {
        for command in [&["topic", "list"][..], &["consume", "t"], &["produce", "t"]] {
            let all: Vec<&str> = command.iter().copied().chain(["--door", door, "--broker", &free]).collect();
            run(&all, b"x\n").refused_naming(&[&free, "is it running", "--broker"]);
        }
    }
    let (kafka, native) = (broker.kafka.to_string(), broker.native.to_string());
    run(&["topic", "list", "--broker", &native], b"").refused_naming(&[&native, "--door native"]);
    run(&["topic", "list", "--door", "native", "--broker", &kafka], b"").refused_naming(&[&kafka, "native address"]);
    run(&["topic", "list", "--broker", "no-port"], b"").refused_naming(&["no-port"]);
}

#[test]
fn a_batch_that_the_topic_does_not_take_is_refused_with_what_to_change() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    ask(&broker, Door::Kafka, &["topic", "create", "small", "--config", "max.message.bytes=2000"], b"").well();
    let outcome = ask(&broker, Door::Kafka, &["produce", "small"], &b"a line\n".repeat(2_000));
    outcome.refused_naming(&["partition 0", "\"small\"", "MESSAGE_TOO_LARGE", "--batch-bytes", "not acknowledged"]);
    ask(&broker, Door::Kafka, &["produce", "small", "--batch-bytes", "1KiB"], &b"a line\n".repeat(2_000)).well();
}

#[test]
fn a_file_that_is_not_there_is_named_before_anything_is_sent() {
    run(&["produce", "t", "--file", "/no/such/file"], b"").refused_naming(&["/no/such/file"]);
    run(&["inspect", "/no/such/folder"], b"").refused_naming(&["/no/such/folder"]);
    let empty = folder();
    run(&["inspect", empty.path().to_str().unwrap()], b"").refused_naming(&["no data folder"]);
}
