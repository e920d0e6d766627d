//! Once a load runs, the thread that makes it takes no memory.

#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers of tests are small")]

#[path = "../../wire/tests/support/counting_allocator.rs"]
mod counting_allocator;
#[path = "support/native_sink.rs"]
mod native_sink;
#[path = "support/plan.rs"]
mod plan;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use loadgen::door::Door;
use loadgen::engine::worker::Part;
use loadgen::engine::{Clock, Plan, Shared, Worker};
use loadgen::record::KeyChoice;
use loadgen::sink::{Discard, Sink};
use native_sink::NativeSink;

#[global_allocator]
static ALLOCATOR: counting_allocator::CountingAllocator = counting_allocator::CountingAllocator;

#[track_caller]
fn assert_takes_no_memory(plan: Plan, clock: Clock) {
    let (start, end) = (plan.start, plan.load_end);
    let plan = Arc::new(plan);
    let shared = Arc::new(Shared::new(&plan));
    let mut worker = Worker::new(plan, shared, clock, Part { index: 0, of: 1 }, None).expect("a worker");
    worker.run_until(start + 1_000_000_000).expect("the load runs");
    // A stall of the machine may make a queue longer than ever before, which takes memory once: three tries.
    let mut counts = Vec::new();
    for part in 0..3 {
        let until = start + 1_600_000_000 + part * 500_000_000;
        counts.push(counting_allocator::measure(|| worker.run_until(until.min(end)).expect("the load runs")).1);
    }
    assert!(counts.contains(&0), "allocations in three half seconds: {counts:?}");
}

#[test]
fn a_worker_allocates_nothing_between_its_first_and_its_last_second() {
    let sink = Sink::start(Arc::new(Discard::new(4)), 4).expect("a free port");
    let clock = Clock::new();
    // A rate that no machine falls behind: a queue that grows longer than ever before takes memory, once.
    assert_takes_no_memory(plan::open_loop(sink.address, clock, 500.0, 3.0, 2), clock);
}

#[test]
fn nor_does_it_at_the_native_door_with_several_batches_in_each_request() {
    let sink = NativeSink::start(Duration::from_millis(10)).expect("a free port");
    let clock = Clock::new();
    let mut plan = plan::open_loop(sink.address, clock, 1_000.0, 3.0, 2);
    plan.route.door = Door::Native;
    plan.route.topic_id = base::TopicId::from_u128(5);
    plan.records.keys = KeyChoice::Uniform { count: 100 };
    assert_takes_no_memory(plan, clock);
    let batches_max = sink.batches_max.load(Ordering::Relaxed);
    assert!(batches_max > 2, "{batches_max} batches in one request");
}
