//! Groups under seeds: members of both protocols join, leave, crash and come back, with the other protocol at times, so
//! that groups change theirs; messages are delayed, repeated and lost; appends fail; the coordinator restarts from its
//! log. At no time do two members own a partition, offsets do not go back, and when the disturbance ends every group
//! settles and nobody waits. What is broken on purpose is found.
//!
//! `CORELANE_SEEDS=n` runs so many seeds, `CORELANE_SEED=s` one. A failure names its seed.

mod assignor;
mod churn;
mod classic;
mod client;
mod consumer;
mod embedded;
mod ledger;
mod oracle;
mod plan;
mod sabotage;
mod summary;
mod topics;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use plan::{Mix, Plan};
use summary::Summary;
use world::World;

/// Unless the environment says otherwise.
const SEEDS: u64 = 3;
/// A run has one or two changes of protocol each way, and all runs together must have had both.
const SEEDS_MIXED: u64 = 5;

/// Runs each seed and sums up what happened; a panic inside is reported with its seed.
fn run_seeds(default: u64, mix: Mix) -> Summary {
    let variable = |name| {
        #[expect(clippy::disallowed_methods, reason = "a test is told by its environment how long to run")]
        let text = std::env::var(name).ok()?;
        Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
    };
    let run = |seed| World::new(&Plan::of_seed(seed, mix)).run();
    if let Some(seed) = variable("CORELANE_SEED") {
        return run(seed);
    }
    let count = variable("CORELANE_SEEDS").unwrap_or(default);
    let mut total = Summary::default();
    for seed in 0..count {
        match catch_unwind(AssertUnwindSafe(|| run(seed))) {
            Ok(summary) => total.add(&summary),
            Err(panic) => {
                eprintln!("failed with CORELANE_SEED={seed}");
                std::panic::resume_unwind(panic);
            }
        }
    }
    println!("{count} seeds: {total:?}");
    if count >= default {
        total.check_that_it_happened();
    }
    total
}

#[test]
fn classic_groups_settle_and_no_partition_has_two_owners_in_a_generation() {
    let total = run_seeds(SEEDS, Mix::Classic);
    assert!(total.seeds < SEEDS || total.given_back > 10, "no cooperative member gave anything back: {total:?}");
}

#[test]
fn consumer_groups_settle_and_no_two_members_have_a_partition() {
    run_seeds(SEEDS, Mix::Consumer);
}

#[test]
fn groups_that_change_their_protocol_settle_and_no_two_members_have_a_partition() {
    let total = run_seeds(SEEDS_MIXED, Mix::Both);
    if total.seeds < SEEDS_MIXED {
        return;
    }
    assert!(total.upgrades > 0, "no classic group with members became a consumer group: {total:?}");
    assert!(total.downgrades > 0, "no consumer group with members became a classic one: {total:?}");
    assert!(total.given_back > 10, "no cooperative member gave anything back: {total:?}");
}
