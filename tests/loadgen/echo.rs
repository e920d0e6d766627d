//! A round trip: the run in this process, the echo in another one as on another host.

use std::process::{Child, Command, Stdio};

use loadgen::door::{Door, Target};
use loadgen::report;
use tests::broker::binary;

use crate::place::{DOORS, Place, Running, assert_verified, corelane, kill_and_restart, scenario, target};

fn start_echo(target: Target) -> Child {
    let mut command = Command::new(binary());
    command.args(["loadgen", "echo", "--quiet", "--topic", "there", "--target", &target.to_string()]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
}

/// The echo ends when the run has removed its topics; gives what it says.
#[track_caller]
fn end_of(echo: Child) -> String {
    let output = echo.wait_with_output().expect("the output can be read");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("the output is UTF-8")
}

const LOAD: [&str; 10] = [
    "topic.name=there",
    "topic.partitions=3",
    "load.rate=1000",
    "records.bytes=100",
    "records.keys=uniform",
    "consume.readers=1",
    "consume.echo=true",
    "time.warm_up_s=0",
    "time.cool_down_s=0",
    "time.drain_s=60",
];

fn come_back(door: Door, more: &[&str]) {
    let place = Place::new();
    let broker = place.start();
    let echo = start_echo(target(&broker, door));
    let load = scenario("echo", &[&LOAD[..], &["time.measured_s=2"], more].concat());
    let result = Running::start(load, target(&broker, door)).finish();
    assert_verified(&result);
    assert_eq!(result.verification[0].received, 2_000);
    assert!(result.end_to_end_label.starts_with("ROUND TRIP by echo"), "{}", result.end_to_end_label);
    let table = report::table(&result);
    assert!(table.contains("end to end  ROUND TRIP by echo on one clock"), "{table}");
    assert!(!table.contains("due to consumed"), "{table}");
    if let Some(latency) = &result.latency {
        let read = latency.end_to_end.expect("records came back");
        assert!(read.count == 2_000 && read.p50 > latency.due.p50, "{read:?}, {:?}", latency.due);
    }
    let said = end_of(echo);
    assert!(said.starts_with("echoed 2000 records; from read to acknowledged"), "{said}");
}

#[test]
fn every_record_comes_back_through_the_kafka_door() {
    come_back(Door::Kafka, &["produce.codec=lz4", "produce.linger_ms=5", "produce.idempotent=true"]);
}

#[test]
fn every_record_comes_back_through_the_native_door() {
    come_back(Door::Native, &["produce.linger_ms=5"]);
}

#[test]
fn a_round_trip_survives_a_kill_of_the_broker_and_one_of_the_echo() {
    for door in DOORS {
        let place = Place::new();
        let broker = place.start();
        let mut echo = start_echo(target(&broker, door));
        let load = scenario("echo", &[&LOAD[..], &["time.measured_s=8", "produce.idempotent=true"]].concat());
        let running = Running::start(load, target(&broker, door));
        running.wait_for_second(2);
        echo.kill().expect("the echo can be killed");
        echo.wait().expect("it ends");
        let echo = start_echo(target(&broker, door));
        running.wait_for_second(4);
        let broker = kill_and_restart(broker, &place);
        let result = running.finish();
        assert_verified(&result);
        assert_eq!(result.verification[0].received, 8_000);
        assert!(result.service.outages >= 1 && result.service.records_retried > 0, "{:?}", result.service);
        let said = end_of(echo);
        assert!(said.contains("outages of connections"), "{said}");
        drop(broker);
    }
}

#[test]
fn a_run_to_which_nothing_comes_back_asks_for_the_echo() {
    let place = Place::new();
    let broker = place.start();
    let overrides = [&LOAD[..8], &["time.cool_down_s=0", "time.measured_s=0.5", "time.drain_s=0.5"]].concat();
    let result = Running::start(scenario("echo", &overrides), target(&broker, Door::Kafka)).finish();
    assert!(!result.is_valid);
    let hint = "Nothing came back: is `corelane loadgen echo --topic there` running on the other host?";
    assert!(result.problems.iter().any(|problem| problem == hint), "{:?}", result.problems);
}

#[test]
fn an_echo_without_a_broker_says_so() {
    let outcome = corelane(&["echo", "--topic", "there", "--target", "kafka://127.0.0.1:1"]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("kafka://127.0.0.1:1"), "{}", outcome.stderr);
}
