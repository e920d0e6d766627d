//! The generator judged: does it see what a server does to it, and does it say when it was itself to blame?

#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers of tests are small")]

#[path = "support/plan.rs"]
mod plan;
#[path = "support/store.rs"]
mod store;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use loadgen::door::{Door, Target};
use loadgen::engine::worker::Part;
use loadgen::engine::{Clock, Shared, Worker};
use loadgen::health::Verdict;
use loadgen::latency::Latency;
use loadgen::report;
use loadgen::result::RunResult;
use loadgen::run::{RunOptions, run};
use loadgen::scenario;
use loadgen::sink::{Discard, Sink, Store};
use store::{Counting, Fault, Spoiling, Stalling};

fn run_against<S: Store>(store: Arc<S>, partitions: u32, overrides: &[&str], handicap: Duration) -> RunResult {
    let sink = Sink::start(store, partitions).expect("a free port");
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    let scenario = scenario::read("self-test", "name = \"self-test\"\n", &overrides).expect("the scenario is valid");
    let options = RunOptions {
        target: Target { door: Door::Kafka, address: sink.address },
        threads: 1,
        server_pid: None,
        commit: String::new(),
        handicap,
    };
    run(&scenario, &options, &mut |_| {}).expect("the sink serves")
}

/// 100 ms in 10 s at 10,000 arrivals a second. What the machine adds is in the run's own lag and service time, or the
/// server measured it, so that the bounds hold on a busy machine, too.
#[test]
fn a_stall_is_seen_by_all_that_were_due_in_it_and_hides_in_the_service_time() {
    const RATE: f64 = 10_000.0;
    const SECONDS: f64 = 10.0;
    const CONNECTIONS: u32 = 2;
    let store = Arc::new(Stalling::new(Duration::from_secs(5), Duration::from_millis(100)));
    let sink = Sink::start(store.clone(), 4).expect("a free port");
    let clock = Clock::new();
    let plan = Arc::new(plan::open_loop(sink.address, clock, RATE, SECONDS, CONNECTIONS));
    let shared = Arc::new(Shared::new(&plan));
    let worker = Worker::new(plan, shared, clock, Part { index: 0, of: 1 }, None).expect("a worker");
    let stats = worker.run().stats;
    let (due, service) = (&stats.measured.due, &stats.measured.service);

    let stalled = store.stalled.lock().expect("no panics").expect("the server stalled");
    let stalled_ms = stalled.as_secs_f64() * 1e3;
    assert_eq!(stats.scheduled, (RATE * SECONDS) as u64, "the schedule is kept whatever the server does");
    assert_eq!(due.count(), stats.scheduled, "each arrival is in the histogram");

    // Half of those that were due in the stall waited for more than half of it.
    let half = u64::try_from(stalled.as_nanos() / 2).expect("short");
    let due_slow = due.count_above(half);
    let expected = RATE * stalled.as_secs_f64() / 2.0;
    assert!(due_slow as f64 >= 0.9 * expected, "{due_slow} arrivals waited for long, expected {expected}");

    // One request a connection was under way: no more than these are slow because of the stall, and each is seen.
    let held = store.held.lock().expect("no panics").iter().filter(|held| **held > stalled / 2).count() as u64;
    assert!((1..=u64::from(CONNECTIONS)).contains(&held), "{held} requests were held back");
    let service_slow = service.count_above(half);
    assert!(service_slow >= held, "{service_slow} slow requests, the server held {held} back");
    assert!(due_slow >= 100 * held, "{due_slow} slow arrivals, {held} requests held back");

    // 1 % of the arrivals were due in the stall, so that a tenth of them waited for more than nine tenths of it.
    let p99_9 = due.millis_at(0.999);
    let floor = stalled_ms * 0.85;
    assert!(p99_9 >= floor, "p99.9 from the due time is {p99_9} ms, the stall makes it {floor} at least");
    // An arrival is taken late, waits for the request in front and for its own, and before each of the two its thread may
    // have been held up. Whatever holds the thread up makes arrivals late that are due meanwhile.
    let (longest, lag) = (service.millis_at(1.0), stats.lag.millis_at(1.0));
    let ceiling = (2.0 * longest + 3.0 * lag) * 1.01;
    assert!(
        p99_9 <= ceiling,
        "p99.9 from the due time is {p99_9} ms; requests of {longest} and a lag of {lag} make {ceiling}"
    );
    println!("stall {stalled_ms:.1} ms: p99.9 {p99_9:.1} ms from due, {:.1} ms of service", service.millis_at(0.999));
}

#[test]
fn a_generator_made_slow_on_purpose_refuses_its_numbers() {
    let overrides = ["load.rate=5000", "time.warm_up_s=0.2", "time.measured_s=1.0", "time.cool_down_s=0.0"];
    let result = run_against(Arc::new(Discard::new(1)), 1, &overrides, Duration::from_millis(1));
    assert_eq!(result.health.verdict, Verdict::GeneratorWasBottleneck);
    assert_eq!(result.latency, None, "no latency is printed as the broker's");
    assert!(!result.is_valid && !result.problems.is_empty());
    assert!(result.series.iter().all(|second| second.due.count == 0), "nor is it in the series");
}

/// By tag, how many values the log has.
fn counts_by_tag(log: &[u8]) -> BTreeMap<String, u64> {
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
    let mut counts = BTreeMap::new();
    for entry in IntervalLogIterator::new(log) {
        if let LogEntry::Interval(interval) = entry.expect("the log is well formed") {
            let latency = Latency::decode(interval.encoded_histogram()).expect("a histogram");
            let tag = interval.tag().expect("each histogram has a tag").as_str().to_owned();
            *counts.entry(tag).or_default() += latency.count();
        }
    }
    counts
}

#[test]
fn the_histogram_log_has_each_kind_of_latency_under_its_tag() {
    let overrides = [
        "load.rate=500",
        "load.burst=5",
        "records.bytes=64",
        "consume.readers=1",
        "time.warm_up_s=0",
        "time.measured_s=2",
        "time.cool_down_s=0",
    ];
    let result = run_against(Arc::new(Spoiling::new(1, Fault::None, 0)), 1, &overrides, Duration::ZERO);
    assert_eq!(result.verification[0].received, 1_000);
    let mut expected = BTreeMap::new();
    // A generator that this machine held back writes no latency, here as little as elsewhere.
    if result.latency.is_some() {
        expected.insert("due".to_owned(), 1_000);
        expected.insert("end-to-end".to_owned(), 1_000);
        expected.insert("service".to_owned(), result.counts.requests);
    }
    assert_eq!(counts_by_tag(&report::hlog(&result)), expected);

    // A file of the version before, which had no service time by second.
    let mut old: serde_json::Value = serde_json::from_str(&result.to_json()).expect("JSON");
    old["schema"] = "corelane-loadgen-result/1".into();
    for second in old["series"].as_array_mut().expect("a list") {
        let second = second.as_object_mut().expect("an object");
        second.retain(|field, _| !["service", "service_hdr"].contains(&field.as_str()));
    }
    let old = RunResult::from_json(&old.to_string()).expect("it is read");
    expected.remove("service");
    assert_eq!(counts_by_tag(&report::hlog(&old)), expected);
    assert!(RunResult::from_json(&result.to_json().replace("result/2", "result/3")).is_err());
}

#[test]
fn a_closed_loop_keeps_its_number_of_batches_under_way_and_no_more() {
    let overrides = [
        "load.loop=closed",
        "topic.partitions=4",
        "produce.producers=2",
        "produce.in_flight=3",
        "records.size=uniform",
        "records.bytes_min=50",
        "records.bytes_max=900",
        "time.warm_up_s=0.2",
        "time.measured_s=1.0",
        "time.cool_down_s=0",
    ];
    let result = run_against(Arc::new(Discard::new(4)), 4, &overrides, Duration::ZERO);
    assert!(result.loop_label.starts_with("CLOSED with 3 in flight"), "{}", result.loop_label);
    assert!(result.counts.acked > 1_000, "{:?}", result.counts);
    assert_eq!((result.counts.due, result.counts.failed), (0, 0), "a closed loop has no schedule, and nothing failed");
    // Batches that waited in a queue behind others would make the latency many times the service time. A request holds
    // one batch of each partition, so three batches under way wait for three answers at most.
    if let Some(latency) = result.latency {
        assert!(latency.due.p50 <= 8.0 * latency.service.p50.max(0.05), "{:?}, {:?}", latency.due, latency.service);
    }
}

#[test]
fn a_batch_has_a_record_at_least_and_a_size_of_zero_makes_it_one() {
    for batch_bytes in ["produce.batch_bytes=0", "produce.batch_bytes=1"] {
        let overrides = [
            batch_bytes,
            "load.rate=400",
            "load.burst=5",
            "topic.partitions=4",
            "records.bytes=200",
            "time.warm_up_s=0",
            "time.measured_s=0.5",
            "time.cool_down_s=0",
        ];
        let store = Arc::new(Counting::default());
        let result = run_against(store.clone(), 4, &overrides, Duration::ZERO);
        let (batches, records) = (store.batches.load(Ordering::Relaxed), store.records.load(Ordering::Relaxed));
        assert_eq!((batches, records), (200, 200), "{batch_bytes}: batches and records");
        assert_eq!((result.counts.acked, result.counts.failed), (200, 0), "{batch_bytes}");
    }
}

/// Reads a backlog of more than 100,000 records of which one was spoilt.
fn spoilt(fault: Fault) -> RunResult {
    let overrides = [
        "topic.partitions=2",
        "load.loop=none",
        "produce.producers=2",
        "records.bytes=64",
        "records.keys=uniform",
        "records.key_count=1",
        "consume.readers=1",
        "consume.connections=2",
        "consume.backlog_records=120000",
        // Longer than it takes: reading only has none.
        "time.warm_up_s=50",
        "time.measured_s=60",
        "time.cool_down_s=0",
    ];
    run_against(Arc::new(Spoiling::new(2, fault, 100_000)), 2, &overrides, Duration::ZERO)
}

#[test]
fn a_target_that_keeps_everything_is_found_clean() {
    let result = spoilt(Fault::None);
    assert_eq!(result.problems, Vec::<String>::new());
    assert_eq!(result.verification[0].received, 120_000);
    assert!(result.throughput.consumed_per_second > 0.0, "{:?}", result.throughput);
}

#[test]
fn one_record_in_a_hundred_thousand_that_is_dropped_is_found() {
    let result = spoilt(Fault::Drop);
    let found = result.verification[0];
    assert_eq!((found.lost, found.duplicated, found.reordered, found.corrupted), (1, 0, 0, 0));
    assert!(!result.is_valid);
}

#[test]
fn one_record_in_a_hundred_thousand_that_is_doubled_is_found() {
    let result = spoilt(Fault::Double);
    let found = result.verification[0];
    assert_eq!((found.lost, found.duplicated, found.reordered, found.corrupted), (0, 1, 0, 0));
    assert!(!result.is_valid);
}

#[test]
fn two_records_in_a_hundred_thousand_that_change_places_are_found() {
    let result = spoilt(Fault::Reorder);
    let found = result.verification[0];
    assert_eq!((found.lost, found.duplicated, found.reordered, found.corrupted), (0, 0, 1, 0));
    assert_eq!(found.reordered_in_key, 1);
    assert!(!result.is_valid);
}

#[test]
fn one_bit_in_a_hundred_thousand_records_that_flips_is_found() {
    let result = spoilt(Fault::Flip);
    let found = result.verification[0];
    assert_eq!((found.corrupted, found.duplicated, found.reordered), (1, 0, 0));
    assert!(!result.is_valid);
}
