//! How long a core is kept by one step of the work on a full table of producers, and how much memory producers take.
//!
//! ```text
//! cargo run --release -p cluster --example producer_tables
//! ```

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "it measures; nothing here decides")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use base::{Offset, PartitionId, ProducerEpoch, ProducerId, SeededRandom, Sequence, Timestamp, TopicId};
use cluster::producers::{AppendedBatch, BatchKind, BatchStamp, ProducerBudget, ProducerTable};

const PRODUCERS: usize = 20_000;
const AT_ONCE: usize = 128;

fn batch(id: u64, number: u32, millis: u64) -> AppendedBatch {
    let stamp = BatchStamp {
        producer: ProducerId::new(id).expect("in bounds"),
        epoch: ProducerEpoch::ZERO,
        base_sequence: Sequence::ZERO.plus(number),
        record_count: 1,
        kind: BatchKind::Plain,
    };
    let base_offset = Offset::new(number.into()).expect("in bounds");
    AppendedBatch { stamp, base_offset, max_timestamp: None, appended_at: Timestamp::from_millis(millis) }
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("this is Linux");
    let pages =
        statm.split(' ').nth(1).and_then(|field| field.parse::<u64>().ok()).expect("the second field is a number");
    pages * 4_096
}

/// How long each step took.
#[derive(Default)]
struct Times(Vec<Duration>);

impl Times {
    fn of<R>(&mut self, work: impl FnOnce() -> R) -> R {
        let begun = Instant::now();
        let result = black_box(work());
        self.0.push(begun.elapsed());
        result
    }

    /// The longest are the scheduler's where the machine has other work; one in a thousand says more.
    fn print(&mut self, what: &str) {
        self.0.sort_unstable();
        let of = |thousandths: usize| self.0[(self.0.len() - 1) * thousandths / 1_000];
        println!("{what:<54} median {:>9.2?}, 99.9 % below {:>9.2?}", of(500), of(999));
    }
}

fn main() {
    let mut random = SeededRandom::new(1);
    let ids: Vec<u64> = (0..PRODUCERS).map(|_| random.below(1 << 62)).collect();
    let mut table = ProducerTable::new(PRODUCERS);
    let mut new = Times::default();
    for (millis, id) in (0..).zip(&ids) {
        new.of(|| table.apply(&batch(*id, 0, millis)));
    }
    new.print("a producer that is not known");
    let [mut snapshots, mut first, mut slices, mut known] = [const { Times(Vec::new()) }; 4];
    for round in 1..6_u32 {
        let snapshot = snapshots.of(|| table.snapshot());
        for (step, id) in (0..).zip(&ids) {
            let times = if step == 0 { &mut first } else { &mut known };
            times.of(|| table.apply(&batch(*id, round, 100_000 * u64::from(round) + step)));
        }
        let mut entries = snapshot.entries();
        while slices.of(|| entries.by_ref().take(AT_ONCE).map(|entry| entry.batches.len()).sum::<usize>()) > 0 {}
    }
    snapshots.print("a snapshot of 20,000");
    first.print("the first batch after it");
    known.print("a producer that is known, while a snapshot is there");
    slices.print("a slice of 128 producers");
    let mut beyond = Times::default();
    for step in 0..PRODUCERS as u64 {
        beyond.of(|| table.apply(&batch(random.below(1 << 62), 0, 1_000_000 + step)));
    }
    beyond.print("one beyond the table's limit");
    let mut dropped = Times::default();
    dropped.of(|| drop(table));
    dropped.print("all of them let go of");

    // Kept, so that what comes later takes memory of its own.
    let mut kept = Vec::new();
    for (tables, each) in [(100_000_u32, 1_u32), (10_000, 10), (13, 20_000)] {
        let before = resident_bytes();
        let mut all = BTreeMap::new();
        let mut budget = ProducerBudget::new(200_000);
        for index in 0..tables {
            let id = PartitionId::new(TopicId::from_random(1), index);
            let table = all.entry(id).or_insert_with(|| ProducerTable::new(PRODUCERS));
            for _ in 0..each {
                table.apply(&batch(random.below(1 << 62), 0, index.into()));
                budget.note(id, table);
            }
        }
        let producers = budget.remembered() as u64;
        println!("{tables} tables of {each}: {} bytes for each producer", (resident_bytes() - before) / producers);
        let (now, expiration, mut looks) = (Timestamp::default(), Duration::MAX, Times::default());
        while let Some(id) = budget.due(now, expiration) {
            let table = all.get_mut(&id).expect("it is listed");
            looks.of(|| budget.look_at(id, table, now, expiration));
        }
        if !looks.0.is_empty() {
            looks.print("one of the core's beyond its limit");
        }
        kept.push(all);
    }
}
