//! Storage under seeds: shards on a simulated disk that tears, loses and reorders what was not flushed, killed at any
//! moment and started again on another number of cores; while records are deleted by hand and by retention,
//! logs compacted, and partitions handed from core to core.
//!
//! `CORELANE_SEEDS=n` runs so many seeds, `CORELANE_SEEDS=a..b` those from a to before b, `CORELANE_SEED=s` one. A failure
//! names its seed.

mod appender;
mod churn;
mod keyed;
mod life;
mod lying_disk;
mod mover;
mod oracle;
mod reader;
mod rot;
mod storage;
mod trimmer;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rot::Found;
use storage::{Fault, Plan, Summary, run};

/// Runs `check` for each seed; a panic inside is reported with its seed.
fn for_seeds(default: u64, check: impl Fn(u64)) {
    if let Ok(seed) = std::env::var("CORELANE_SEED") {
        return check(seed.parse().expect("CORELANE_SEED is a number"));
    }
    let number = |text: &str| text.parse().expect("CORELANE_SEEDS is a number, or two with .. between them");
    let (first, end) = match std::env::var("CORELANE_SEEDS") {
        Ok(text) => match text.split_once("..") {
            Some((first, end)) => (number(first), number(end)),
            None => (0, number(&text)),
        },
        Err(_) => (0, default),
    };
    for seed in first..end {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| check(seed))) {
            eprintln!("failed with CORELANE_SEED={seed}");
            std::panic::resume_unwind(panic);
        }
    }
    println!("{} seeds", end - first);
}

#[test]
fn acknowledged_batches_survive_crashes_in_order_and_once() {
    for_seeds(300, |seed| {
        run(&Plan::of_seed(seed));
    });
}

/// Deletion is among what all seeds above do; here it is seen to.
#[test]
fn records_are_deleted_by_hand_and_by_retention_and_their_segments_are_removed() {
    let all: Vec<_> = (0..40).map(|seed| run(&Plan::of_seed(seed))).collect();
    let sum = |of: fn(&Summary) -> usize| all.iter().map(of).sum::<usize>();
    let (trimmed, expired) = (sum(|summary| summary.trimmed), sum(|summary| summary.expired));
    let removed: u64 = all.iter().map(|summary| summary.segments_removed).sum();
    let scrubbed: u64 = all.iter().map(|summary| summary.segments_scrubbed).sum();
    println!(
        "40 seeds: {trimmed} partitions trimmed, {expired} by retention, {removed} segments removed, {scrubbed} scrubbed"
    );
    assert!(trimmed > 40 && expired > 40 && removed > 400);
    assert!(scrubbed > 400, "segments are scrubbed while others are removed");
}

/// So are batches that go straight to their segments.
#[test]
fn large_batches_are_written_straight_to_their_segments() {
    let direct: Vec<u64> = (0..40).map(|seed| run(&Plan::of_seed(seed)).direct_bytes).collect();
    let seeds = direct.iter().filter(|bytes| **bytes > 100_000).count();
    println!("40 seeds: {} bytes straight to segments, {seeds} seeds with much of it", direct.iter().sum::<u64>());
    assert!(seeds >= 10, "{direct:?}");
}

/// As above: compaction is among what all seeds do.
#[test]
fn logs_are_compacted_and_keep_the_last_value_of_each_key() {
    for fault in [Fault::None, Fault::IoErrors, Fault::NoSpace] {
        let all: Vec<_> = (0..40).map(|seed| run(&Plan::of_seed(seed).with(fault))).collect();
        let cleanings: u64 = all.iter().map(|summary| summary.cleanings).sum();
        let dropped: u64 = all.iter().map(|summary| summary.records_dropped).sum();
        println!("40 seeds, {fault:?}: {cleanings} cleanings, {dropped} records dropped");
        assert!(cleanings > 100 && dropped > 5_000);
    }
}

/// As above: partitions change their cores in most seeds.
#[test]
fn partitions_are_handed_from_core_to_core_while_they_are_used() {
    for fault in [Fault::None, Fault::IoErrors, Fault::NoSpace] {
        let all: Vec<_> = (0..40).map(|seed| run(&Plan::of_seed(seed).with(fault))).collect();
        let moved: u64 = all.iter().map(|summary| summary.moved).sum();
        let given_up: u64 = all.iter().map(|summary| summary.moves_given_up).sum();
        println!("40 seeds, {fault:?}: {moved} moves, {given_up} given up");
        assert!(moved > 400 && given_up > 20, "{moved} moves, {given_up} given up");
    }
}

#[test]
fn acknowledged_batches_survive_a_disk_that_fails() {
    for_seeds(150, |seed| {
        run(&Plan::of_seed(seed).with(Fault::IoErrors));
    });
}

#[test]
fn acknowledged_batches_survive_a_disk_that_fills_up() {
    for_seeds(100, |seed| {
        run(&Plan::of_seed(seed).with(Fault::NoSpace));
    });
}

#[test]
fn damage_on_the_medium_is_named_and_nothing_wrong_is_served() {
    let found = RefCell::new(BTreeMap::<_, u64>::new());
    for_seeds(150, |seed| {
        let came = run(&Plan::of_seed(seed).with(Fault::Rot)).rot;
        *found.borrow_mut().entry(came).or_default() += 1;
    });
    let found = found.into_inner();
    println!("{found:?}");
    if found.values().sum::<u64>() >= 100 {
        for way in [Found::Harmless, Found::AtStart, Found::AtRead] {
            assert!(found.get(&Some(way)).is_some_and(|seeds| *seeds > 5), "{way:?}: {found:?}");
        }
    }
}

#[test]
fn a_seed_runs_the_same_way_twice() {
    for seed in 0..10 {
        let (first, second) = (run(&Plan::of_seed(seed)), run(&Plan::of_seed(seed)));
        assert_eq!(first, second, "seed {seed}");
        assert!(first.acknowledged > 0, "seed {seed} did nothing");
    }
}

/// The checker itself is checked: a disk that says "flushed" and has not must be found out.
#[test]
fn a_disk_that_lies_about_flushes_is_found_out() {
    let caught = (0..40)
        .filter(|seed| {
            let plan = Plan::of_seed(*seed).with(Fault::LyingFlush);
            catch_unwind(AssertUnwindSafe(|| run(&plan))).is_err()
        })
        .count();
    assert!(caught >= 20, "only {caught} of 40 seeds noticed that nothing was flushed");
}
