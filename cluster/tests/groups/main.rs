//! Groups under seeds: members of both protocols join, leave, crash and come back; messages are delayed, repeated and
//! lost; appends fail; the coordinator restarts from its log. At no time do two members own a partition, offsets do not
//! go back, and when the disturbance ends every group settles and nobody waits.
//!
//! `CORELANE_SEEDS=n` runs so many seeds, `CORELANE_SEED=s` one. A failure names its seed.

mod classic;
mod client;
mod consumer;
mod oracle;
mod plan;
mod world;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use plan::{Mix, Plan};
use world::{Summary, World};

/// Runs `check` for each seed and says how many there were; a panic inside is reported with its seed.
fn for_seeds(default: u64, check: impl Fn(u64)) -> u64 {
    let variable = |name| {
        #[expect(clippy::disallowed_methods, reason = "a test is told by its environment how long to run")]
        let text = std::env::var(name).ok()?;
        Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
    };
    if let Some(seed) = variable("CORELANE_SEED") {
        check(seed);
        return 1;
    }
    let count = variable("CORELANE_SEEDS").unwrap_or(default);
    for seed in 0..count {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| check(seed))) {
            eprintln!("failed with CORELANE_SEED={seed}");
            std::panic::resume_unwind(panic);
        }
    }
    println!("{count} seeds");
    count
}

#[test]
fn classic_groups_settle_and_no_partition_has_two_owners_in_a_generation() {
    for_seeds(3, |seed| {
        let summary = World::new(&Plan::of_seed(seed, Mix::Classic)).run();
        check_that_it_happened(&summary);
    });
}

#[test]
fn consumer_groups_settle_and_no_two_members_have_a_partition() {
    for_seeds(3, |seed| {
        let summary = World::new(&Plan::of_seed(seed, Mix::Consumer)).run();
        check_that_it_happened(&summary);
    });
}

#[test]
fn groups_that_change_their_protocol_settle_and_no_two_members_have_a_partition() {
    let upgrades = Cell::new(0);
    let seeds = for_seeds(3, |seed| {
        let summary = World::new(&Plan::of_seed(seed, Mix::Both)).run();
        check_that_it_happened(&summary);
        upgrades.set(upgrades.get() + summary.upgrades);
    });
    assert!(seeds < 3 || upgrades.get() > 0, "no classic group became a consumer group");
}

/// A simulation in which nothing goes wrong shows nothing.
fn check_that_it_happened(summary: &Summary) {
    assert!(summary.restarts > 0, "{summary:?}");
    assert!(summary.failed_appends > 0, "{summary:?}");
    assert!(summary.lost_messages > 10, "{summary:?}");
    assert!(summary.crashes > 10, "{summary:?}");
    assert!(summary.rebalances > 3, "{summary:?}");
    assert!(summary.commits > 100, "{summary:?}");
}
