//! The load itself: threads with connections of their own, none of which waits for another.
//!
//! A [`Worker`](worker::Worker) owns some producers and some readers' connections, an epoll instance and all memory that
//! they need, so that nothing is allocated once the load runs. Its clock is the process's monotonic one; due times are
//! on it, and travel inside the records.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::door::Route;
use crate::door::admin::ProducerIdentity;
use crate::record::RecordShape;
use crate::schedule::{Placement, RateCurve};

mod batch;
mod consumer;
mod lane;
mod poll;
mod producer;
pub mod stats;
pub mod worker;

pub use worker::{Worker, WorkerOutcome};

/// Nanoseconds since the process began to measure.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    #[expect(clippy::new_without_default, reason = "a clock begins at a moment, which a default hides")]
    pub fn new() -> Self {
        Self(Instant::now())
    }

    pub fn now(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Which records a producer makes, and when.
#[derive(Clone, Debug)]
pub enum Pace {
    /// At the times of a schedule that begins with the load.
    Open { curve: Arc<RateCurve>, placement: Placement, burst: u32 },
    /// As fast as the answers come.
    Closed {
        /// Of one producer; without it the load ends at its time.
        records_max: Option<u64>,
    },
    /// What the readers of the same worker read is passed on as it is, to the same partition.
    Echo,
}

/// Everything that the workers need to know; it does not change.
#[derive(Clone, Debug)]
pub struct Plan {
    pub route: Route,
    /// What readers read: the same topic, or the one in which its records come back.
    pub read_route: Route,
    /// By partition, where readers begin; at the beginning where it says nothing.
    pub read_from: Vec<u64>,
    /// The first so many partitions are used.
    pub partitions: u32,
    pub producers: u32,
    /// Producers of this load have numbers from here on, so that a backlog's are told apart.
    pub producer_base: u32,
    /// How many producers' records a reader may meet.
    pub producers_known: u32,
    pub pace: Pace,
    pub acks: i16,
    pub in_flight: usize,
    pub batch_bytes: usize,
    pub batch_records: u32,
    pub request_bytes: usize,
    pub linger_ns: u64,
    pub codec: wire::Codec,
    /// Of a closed loop: batches are sent again as they are.
    pub repeats_batches: bool,
    pub reconnect_every: u32,
    pub buffer_bytes: usize,
    pub headers: u32,
    pub header_bytes: usize,
    /// By producer; empty for producers that are not idempotent.
    pub identities: Vec<ProducerIdentity>,
    pub records: RecordShape,
    pub readers: u32,
    pub reader_connections: u32,
    pub fetch_bytes: u32,
    pub fetch_wait_ms: u32,
    pub run: u32,
    pub seed: u64,
    /// On the clock.
    pub start: u64,
    pub measure_from: u64,
    pub measure_to: u64,
    /// Arrivals end here; a closed loop stops.
    pub load_end: u64,
    pub readers_from: u64,
    /// Whatever is not answered or read by then is given up.
    pub deadline: u64,
    /// Slows each arrival down by so much, to test that it is noticed.
    pub handicap_ns: u64,
}

impl Plan {
    pub fn is_echo(&self) -> bool {
        matches!(self.pace, Pace::Echo)
    }
}

/// What workers tell each other and the one who waits for them.
#[derive(Debug)]
pub struct Shared {
    pub stop: AtomicBool,
    /// Producers that have not finished.
    pub producers_left: AtomicU32,
    pub consumers_left: AtomicU32,
    pub connections: AtomicU32,
    /// By partition: the offset after the last acknowledged record.
    pub acked_end: Vec<AtomicU64>,
    /// By partition: where readers may end, once `targets_known`.
    pub targets: Vec<AtomicU64>,
    pub targets_known: AtomicBool,
    /// The first error that ends the run.
    pub failure: Mutex<Option<String>>,
}

impl Shared {
    pub fn new(plan: &Plan) -> Self {
        let zeroes = || (0..plan.partitions).map(|_| AtomicU64::new(0)).collect();
        Self {
            stop: AtomicBool::new(false),
            producers_left: AtomicU32::new(0),
            consumers_left: AtomicU32::new(0),
            connections: AtomicU32::new(0),
            acked_end: zeroes(),
            targets: zeroes(),
            targets_known: AtomicBool::new(false),
            failure: Mutex::new(None),
        }
    }

    /// Ends the run; the first reason is kept.
    pub fn fail(&self, reason: impl FnOnce() -> String) {
        self.failure.lock().expect("nobody panics with the lock").get_or_insert_with(reason);
        self.stop.store(true, Ordering::Release);
    }

    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}
