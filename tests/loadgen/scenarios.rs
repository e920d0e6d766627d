//! Each scenario of the library for about a second, smaller than it is.

use loadgen::door::Door;
use loadgen::scenario::library;
use loadgen::scenario::{LoopKind, Scenario, ScheduleKind};

use tests::kafka::Client;

use crate::place::{Place, Running, assert_verified, scenario, target};

/// The same load with fewer records, partitions and seconds.
fn small(name: &str) -> Scenario {
    let mut small = scenario(name, &[]);
    small.load.rate = small.load.rate.min(500.0);
    small.load.low_rate = small.load.low_rate.min(100.0);
    if small.load.schedule == ScheduleKind::OnOff {
        (small.load.on_s, small.load.off_s) = (0.3, 0.2);
    }
    small.topic.partitions = small.topic.partitions.min(500);
    small.consume.delay_s = small.consume.delay_s.min(0.3);
    small.consume.backlog_records = small.consume.backlog_records.min(5_000);
    (small.time.warm_up_s, small.time.measured_s) = (0.2, 1.0);
    (small.time.cool_down_s, small.time.drain_s) = (0.1, 60.0);
    small
}

fn run_all(door: Door) {
    let place = Place::new();
    let broker = place.start();
    for embedded in library::ALL {
        let result = Running::start(small(embedded.name), target(&broker, door)).finish();
        let (acked, read) = (result.counts.acked, result.counts.consumed);
        println!("{door:?} {}: {acked} acked, {read} read, {} errors", embedded.name, result.counts.errors);
        assert_verified(&result);
        assert_eq!(result.counts.errors, 0, "{}: {:?}", embedded.name, result.problems);
        match result.scenario.load.kind {
            LoopKind::Open => assert_eq!(acked, result.counts.due, "{}", embedded.name),
            LoopKind::Closed => assert!(acked > 0, "{}", embedded.name),
            LoopKind::None => assert_eq!(read, 5_000, "{}", embedded.name),
        }
    }
}

#[test]
fn each_scenario_runs_through_the_kafka_door() {
    run_all(Door::Kafka);
}

#[test]
fn each_scenario_runs_through_the_native_door() {
    run_all(Door::Native);
}

#[test]
fn batches_that_are_sent_again_and_again_are_all_in_the_log() {
    for door in [Door::Kafka, Door::Native] {
        let place = Place::new();
        let broker = place.start();
        let set = ["produce.repeat_batches=true", "topic.keep=true", "topic.name=again", "time.warm_up_s=0"];
        let mut repeated = scenario("large-batches", &set);
        repeated.time.measured_s = 1.0;
        let (partitions, batch) = (repeated.topic.partitions, 1_000);
        let result = Running::start(repeated, target(&broker, door)).finish();
        assert_eq!(result.counts.errors, 0, "{:?}", result.problems);
        let mut client = Client::connect(broker.kafka).expect("the broker serves");
        let end = |partition| client.list_offset("again", partition, -1).expect("the broker answers").1;
        let ends: i64 = (0..i32::try_from(partitions).expect("few")).map(end).sum();
        println!("{door:?}: {} records acknowledged, {ends} in the log", result.counts.acked);
        assert!(result.counts.acked > 20 * batch, "more than was made once");
        assert!(ends.cast_unsigned() >= result.counts.acked);
    }
}
