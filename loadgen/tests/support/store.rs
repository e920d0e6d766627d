//! Servers for the self-test: one that stalls, and ones that spoil a record.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, RwLock};
use std::time::{Duration, Instant};

use loadgen::sink::Store;
use wire::batch::{Batch, BatchBuilder, BatchOptions, NewRecord, Record};
use wire::{Compressor, Decompressor};

/// Keeps nothing; holds every request back once for a while, and measures for how long.
#[derive(Debug)]
pub(crate) struct Stalling {
    after: Duration,
    length: Duration,
    begun: OnceLock<Instant>,
    gate: RwLock<()>,
    pub(crate) stalled: Mutex<Option<Duration>>,
    /// For how long each request was held back that met the stall.
    pub(crate) held: Mutex<Vec<Duration>>,
    next: AtomicU64,
}

impl Stalling {
    pub(crate) fn new(after: Duration, length: Duration) -> Self {
        Self {
            after,
            length,
            begun: OnceLock::new(),
            gate: RwLock::new(()),
            stalled: Mutex::new(None),
            held: Mutex::default(),
            next: AtomicU64::new(0),
        }
    }
}

impl Store for Stalling {
    fn append(&self, _: u32, _: &[u8]) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    fn read(&self, _: u32, _: u64) -> Vec<u8> {
        Vec::new()
    }

    fn end(&self, _: u32) -> u64 {
        0
    }

    fn before_produce(&self) {
        let begun = *self.begun.get_or_init(Instant::now);
        let arrived = Instant::now();
        if begun.elapsed() >= self.after && self.stalled.lock().expect("no panics").is_none() {
            let _closed = self.gate.write().expect("no panics");
            let is_first = self.stalled.lock().expect("no panics").is_none();
            if is_first {
                let from = Instant::now();
                std::thread::sleep(self.length);
                *self.stalled.lock().expect("no panics") = Some(from.elapsed());
            }
        } else if let Ok(_open) = self.gate.try_read() {
            return;
        } else {
            drop(self.gate.read().expect("no panics"));
        }
        self.held.lock().expect("no panics").push(arrived.elapsed());
    }
}

/// Keeps nothing and counts what comes.
#[derive(Debug, Default)]
pub(crate) struct Counting {
    pub(crate) batches: AtomicU64,
    pub(crate) records: AtomicU64,
}

impl Store for Counting {
    fn append(&self, _: u32, bytes: &[u8]) -> u64 {
        let batch = Batch::parse(bytes).expect("a batch").0;
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.records.fetch_add(u64::from(batch.header().record_count()), Ordering::Relaxed)
    }

    fn read(&self, _: u32, _: u64) -> Vec<u8> {
        Vec::new()
    }

    fn end(&self, _: u32) -> u64 {
        0
    }
}

/// What is done to one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    Drop,
    Double,
    /// Swapped with the next one.
    Reorder,
    /// One bit of the value, under a checksum of the batch that is right again.
    Flip,
}

/// Base offset and bytes of each batch.
type Log = Vec<(u64, Vec<u8>)>;

/// A broker in memory, which spoils the record of one number of all that it gets.
#[derive(Debug)]
pub(crate) struct Spoiling {
    fault: Fault,
    victim: u64,
    seen: AtomicU64,
    /// By partition.
    logs: Vec<Mutex<Log>>,
}

impl Spoiling {
    pub(crate) fn new(partitions: u32, fault: Fault, victim: u64) -> Self {
        Self { fault, victim, seen: AtomicU64::new(0), logs: (0..partitions).map(|_| Mutex::default()).collect() }
    }
}

fn end_of(log: &[(u64, Vec<u8>)]) -> u64 {
    log.last().map_or(0, |(_, bytes)| Batch::parse(bytes).expect("we wrote it").0.header().next_offset().get())
}

/// A batch at an offset with other records in it.
fn rebuild(records: &[Record<'_>], flipped: Option<usize>, base: u64) -> Vec<u8> {
    let base_offset = base::Offset::new(base).expect("small");
    let mut builder = BatchBuilder::new(BatchOptions { base_offset, ..BatchOptions::default() });
    for (index, record) in records.iter().enumerate() {
        let mut value = record.value.unwrap_or_default().to_vec();
        if flipped == Some(index) {
            let middle = value.len() - 5;
            value[middle] ^= 4;
        }
        let record = NewRecord { key: record.key, value: Some(&value), timestamp: record.timestamp, headers: &[] };
        builder.push(&record).expect("it had room before");
    }
    builder.finish(&mut Compressor::new()).to_vec()
}

impl Store for Spoiling {
    fn append(&self, partition: u32, bytes: &[u8]) -> u64 {
        let mut log = self.logs[partition as usize].lock().expect("no panics");
        let base = end_of(&log);
        let batch = Batch::parse(bytes).expect("a batch").0;
        let mut decompressor = Decompressor::new();
        let records = batch.decode(&mut decompressor, 1 << 30).expect("records");
        let mut records: Vec<Record<'_>> = records.map(|record| record.expect("a record")).collect();
        let before = self.seen.fetch_add(records.len() as u64, Ordering::Relaxed);
        let at = self.victim.checked_sub(before).map(|at| at as usize).filter(|at| *at + 1 < records.len());
        let mut flipped = None;
        match (self.fault, at) {
            (Fault::None, _) | (_, None) => {}
            (Fault::Drop, Some(at)) => drop(records.remove(at)),
            (Fault::Double, Some(at)) => records.insert(at, records[at]),
            (Fault::Reorder, Some(at)) => records.swap(at, at + 1),
            (Fault::Flip, Some(at)) => flipped = Some(at),
        }
        log.push((base, rebuild(&records, flipped, base)));
        base
    }

    fn read(&self, partition: u32, offset: u64) -> Vec<u8> {
        let log = self.logs[partition as usize].lock().expect("no panics");
        let from = log.partition_point(|(base, _)| *base <= offset).saturating_sub(1);
        if offset >= end_of(&log) {
            return Vec::new();
        }
        let mut bytes = Vec::new();
        for (_, batch) in &log[from..] {
            if !bytes.is_empty() && bytes.len() + batch.len() > 1 << 20 {
                break;
            }
            bytes.extend_from_slice(batch);
        }
        bytes
    }

    fn end(&self, partition: u32) -> u64 {
        end_of(&self.logs[partition as usize].lock().expect("no panics"))
    }
}
