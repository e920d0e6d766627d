//! Once a load runs, the thread that makes it takes no memory.

#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers of tests are small")]

#[path = "../../wire/tests/support/counting_allocator.rs"]
mod counting_allocator;
#[path = "support/plan.rs"]
mod plan;

use std::sync::Arc;

use loadgen::engine::worker::Part;
use loadgen::engine::{Clock, Shared, Worker};
use loadgen::sink::{Discard, Sink};

#[global_allocator]
static ALLOCATOR: counting_allocator::CountingAllocator = counting_allocator::CountingAllocator;

#[test]
fn a_worker_allocates_nothing_between_its_first_and_its_last_second() {
    let sink = Sink::start(Arc::new(Discard::new(4)), 4).expect("a free port");
    let clock = Clock::new();
    // A rate that no machine falls behind: a queue that grows longer than ever before takes memory, once.
    let plan = Arc::new(plan::open_loop(sink.address, clock, 500.0, 3.0, 2));
    let (start, end) = (plan.start, plan.load_end);
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
