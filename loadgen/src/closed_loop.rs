//! A closed loop: each connection keeps a number of requests in flight.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use base::{Offset, SeededRandom};
use bytes::Bytes;
use hdrhistogram::Histogram;
use wire::batch::{BatchBuilder, BatchOptions, NewRecord, batches};
use wire::compress::Compressor;

use crate::target::{Door, Target};

/// What is run.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub connections: u32,
    pub in_flight: usize,
    pub records_per_batch: usize,
    pub record_bytes: usize,
    pub acks: i16,
    /// Left out of the figures.
    pub warm_up: Duration,
    pub measured: Duration,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    pub requests: u64,
    pub records: u64,
    /// Of the records' values.
    pub bytes: u64,
    pub seconds: f64,
    /// Microseconds from sending to the answer; empty for reading.
    pub latency: Histogram<u64>,
}

impl Outcome {
    pub fn megabytes_per_second(&self) -> f64 {
        self.bytes as f64 / 1e6 / self.seconds
    }

    /// Milliseconds.
    pub fn quantile(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1e3
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 600_000_000, 3).expect("the bounds are valid")
}

/// A batch of records with values that do not compress to nothing.
pub fn make_batch(shape: &Shape, seed: u64) -> Bytes {
    let mut random = SeededRandom::new(seed);
    let mut builder = BatchBuilder::new(BatchOptions::default());
    let mut value = vec![0; shape.record_bytes];
    for _ in 0..shape.records_per_batch {
        random.fill(&mut value);
        let record = NewRecord { value: Some(&value), ..NewRecord::default() };
        builder.push(&record).expect("batches of this size are possible");
    }
    Bytes::copy_from_slice(builder.finish(&mut Compressor::new()))
}

struct Shared {
    stop: AtomicBool,
    measuring: AtomicBool,
    requests: AtomicU64,
    bytes: AtomicU64,
}

/// Produces on each connection to a partition of its own.
pub fn produce(target: &Target, shape: Shape) -> io::Result<Outcome> {
    run(shape, |connection, shared| produce_one(target, shape, connection, shared))
}

fn produce_one(target: &Target, shape: Shape, number: u32, shared: &Shared) -> io::Result<Histogram<u64>> {
    let partition = number % u32::try_from(target.cores.len()).map_err(io::Error::other)?;
    let mut connection = target.connect(partition)?;
    let batch = make_batch(&shape, u64::from(number));
    let request = connection.prepare_produce(target, partition, &batch, shape.acks)?;
    let mut latency = histogram();
    let mut sent = VecDeque::with_capacity(shape.in_flight);
    while !shared.stop.load(Ordering::Relaxed) {
        while sent.len() < shape.in_flight {
            sent.push_back(Instant::now());
            connection.send(&request)?;
        }
        connection.produced()?;
        let began = sent.pop_front().expect("an answer belongs to a request");
        if shared.measuring.load(Ordering::Relaxed) {
            let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
            latency.saturating_record(micros.max(1));
            shared.requests.fetch_add(1, Ordering::Relaxed);
            shared.bytes.fetch_add((shape.records_per_batch * shape.record_bytes) as u64, Ordering::Relaxed);
        }
    }
    while sent.pop_front().is_some() {
        connection.produced()?;
    }
    Ok(latency)
}

/// Reads each partition from its beginning on a connection of its own, again and again. `bytes` is the size of one
/// fetch, or of a stream's credit. The bytes counted are those of whole batches.
pub fn consume(target: &Target, shape: Shape, bytes: u32) -> io::Result<Outcome> {
    run(shape, |connection, shared| consume_one(target, connection, bytes, shared).map(|()| histogram()))
}

fn consume_one(target: &Target, number: u32, bytes: u32, shared: &Shared) -> io::Result<()> {
    let partition = number % u32::try_from(target.cores.len()).map_err(io::Error::other)?;
    let credit = bytes.saturating_mul(4);
    let mut connection = target.connect(partition)?;
    let mut next = Offset::ZERO;
    let mut asked = false;
    while !shared.stop.load(Ordering::Relaxed) {
        if !asked {
            connection.fetch(target, partition, next, if target.door == Door::Native { credit } else { bytes })?;
        }
        asked = target.door == Door::Native;
        let mut got = 0;
        let data = connection.fetched(|records| {
            got = records.len();
            // Headers only: what a reader must do at least.
            next = batches(records).flatten().last().map_or(next, |last| last.header().next_offset());
        })?;
        if target.door == Door::Native && got > 0 {
            connection.grant(partition, u32::try_from(got).map_err(io::Error::other)?)?;
        }
        if !data && target.door == Door::Kafka {
            next = Offset::ZERO;
        }
        if shared.measuring.load(Ordering::Relaxed) {
            shared.requests.fetch_add(1, Ordering::Relaxed);
            shared.bytes.fetch_add(got as u64, Ordering::Relaxed);
        }
    }
    Ok(())
}

fn run(shape: Shape, one: impl Fn(u32, &Shared) -> io::Result<Histogram<u64>> + Sync) -> io::Result<Outcome> {
    let shared = Arc::new(Shared {
        stop: AtomicBool::new(false),
        measuring: AtomicBool::new(false),
        requests: AtomicU64::new(0),
        bytes: AtomicU64::new(0),
    });
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..shape.connections)
            .map(|number| {
                let (shared, one) = (Arc::clone(&shared), &one);
                scope.spawn(move || {
                    let result = one(number, &shared);
                    // One that fails ends the run for all.
                    if result.is_err() {
                        shared.stop.store(true, Ordering::Relaxed);
                    }
                    result
                })
            })
            .collect();
        sleep_unless_stopped(shape.warm_up, &shared);
        shared.measuring.store(true, Ordering::Relaxed);
        let begun = Instant::now();
        sleep_unless_stopped(shape.measured, &shared);
        shared.measuring.store(false, Ordering::Relaxed);
        let seconds = begun.elapsed().as_secs_f64();
        shared.stop.store(true, Ordering::Relaxed);
        let mut latency = histogram();
        for thread in threads {
            let part = thread.join().expect("a load thread does not panic")?;
            latency.add(&part).map_err(io::Error::other)?;
        }
        let requests = shared.requests.load(Ordering::Relaxed);
        let records = requests * shape.records_per_batch as u64;
        Ok(Outcome { requests, records, bytes: shared.bytes.load(Ordering::Relaxed), seconds, latency })
    })
}

fn sleep_unless_stopped(time: Duration, shared: &Shared) {
    let end = Instant::now() + time;
    while Instant::now() < end && !shared.stop.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(5).min(end.saturating_duration_since(Instant::now())));
    }
}
