//! `corelane loadgen knee` against a real broker.

use loadgen::door::Door;
use serde_json::Value;

use crate::place::{Place, corelane, target};

#[test]
fn the_knee_of_a_broker_is_found() {
    let place = Place::new();
    let broker = place.start();
    let target = target(&broker, Door::Kafka).to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("knee.json");
    let file = file.to_str().expect("the path is UTF-8");
    // Lingering makes latencies beside which the lag of a busy machine is small.
    let outcome = corelane(
        &[
            &["knee", "omb-1-topic-16-partitions-1kb", "--target", &target, "--slo", "p50<250ms", "--threads", "1"][..],
            &["--from", "8000", "--precision", "1", "--seconds", "5", "--json", file],
            &["--set", "produce.linger_ms=50", "--set", "consume.readers=0", "--set", "produce.buffer_bytes=1048576"],
        ]
        .concat(),
    );
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let knee: Value = serde_json::from_slice(&std::fs::read(file).expect("it was written")).expect("JSON");
    let rate = knee["rate"].as_f64().expect("a number");
    println!("{}", outcome.stdout);
    assert!(rate > 0.0, "{}", outcome.stdout);
    let held = knee["surely_held"].as_f64().expect("a number");
    assert!(held <= rate, "{knee}");
    let broken = knee["probes"].as_array().expect("a list").iter().filter(|probe| {
        // JSON has no infinity: a run that was not valid has no percentile.
        probe["millis"].as_f64().is_none_or(|millis| millis >= 250.0)
    });
    assert!(broken.count() >= 1, "the search goes on until the promise breaks: {knee}");
}

#[test]
fn a_search_that_is_too_short_for_an_interval_is_refused() {
    let outcome = corelane(
        &[
            &["knee", "single-record-latency", "--target", "kafka://127.0.0.1:1"][..],
            &["--slo", "p99<5ms", "--seconds", "2"],
        ]
        .concat(),
    );
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("--seconds: 5 at least"), "{}", outcome.stderr);
}
