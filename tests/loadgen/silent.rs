//! A peer that takes requests and does not answer: the run says so, and is not taken for a small load.

use std::process::Command;
use std::time::Duration;

use loadgen::door::Door;
use loadgen::report;
use loadgen::result::RunResult;
use tests::broker::Broker;

use crate::place::{DOORS, Place, Running, scenario, target};

const LOAD: [&str; 9] = [
    "load.loop=closed",
    "topic.partitions=2",
    "topic.keep=true",
    "records.bytes=100",
    "produce.producers=2",
    "consume.readers=0",
    "time.warm_up_s=2",
    "time.measured_s=1",
    "time.cool_down_s=0",
];

/// The kernel goes on to take what is sent to a process that is stopped.
fn signal(broker: &Broker, name: &str) {
    let status = Command::new("kill").args([name, &broker.id().to_string()]).status().expect("kill runs");
    assert!(status.success(), "the broker is gone");
}

fn says(result: &RunResult, what: &str) {
    assert!(!result.is_valid);
    assert!(result.problems.iter().any(|problem| problem.contains(what)), "{what:?} in {:?}", result.problems);
    assert!(report::table(result).contains(what), "people read the table");
}

#[test]
fn a_closed_loop_that_is_never_answered_again_names_its_producers_and_their_time() {
    for door in DOORS {
        let place = Place::new();
        let broker = place.start();
        let load = scenario("closed", &[&LOAD[..], &["time.drain_s=1"]].concat());
        let running = Running::start(load, target(&broker, door));
        running.wait_for_second(1);
        signal(&broker, "-STOP");
        let result = running.finish();
        assert!(result.counts.acked > 0 && result.throughput.acked_per_second < 0.5, "{:?}", result.counts);
        let ended = "Producers without an answer when the run was over: 0 (";
        says(&result, ended);
        says(&result, "Nothing was measured");
        let problem = result.problems.iter().find(|problem| problem.starts_with(ended)).expect("it was there");
        assert!(problem.contains(", 1 ("), "both waited: {problem}");
        // From the first second to the fourth.
        let waited = problem.rsplit_once("for ").and_then(|(_, time)| time.strip_suffix(" s).")?.parse::<f64>().ok());
        assert!(waited.is_some_and(|seconds| (1.5..4.5).contains(&seconds)), "{problem}");
        broker.kill();
    }
}

/// All answers come in the end, and what was measured is nothing all the same.
#[test]
fn a_closed_loop_that_is_answered_after_the_measured_time_has_measured_nothing() {
    let place = Place::new();
    let broker = place.start();
    let load = scenario("closed", &[&LOAD[..], &["time.drain_s=60"]].concat());
    let running = Running::start(load, target(&broker, Door::Kafka));
    running.wait_for_second(1);
    signal(&broker, "-STOP");
    running.wait_for_second(3);
    std::thread::sleep(Duration::from_millis(500));
    signal(&broker, "-CONT");
    let result = running.finish();
    assert_eq!(result.counts.failed, 0, "everything was acknowledged: {:?}", result.problems);
    says(&result, "Nothing was measured: no record was acknowledged in the measured time.");
    says(&result, "Producers without an answer in the measured time: 0 (waited for up to ");
    assert_eq!(result.problems.len(), 2, "nothing else gives it away: {:?}", result.problems);
}
