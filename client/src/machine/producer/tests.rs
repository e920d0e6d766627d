//! Exact steps first, then what holds under any schedule.

mod exact;
mod world;

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use world::{Faults, MS, World, core_of, options, partition};

const ALL_FAULTS: Faults =
    Faults { passing: 100, ambiguous: 50, fatal: 30, unexpected: 30, breaks: 20, moves: 10, jumps: 5 };

/// Schedules for each property; `PROPTEST_CASES` asks for others.
fn cases() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(100), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn every_record_is_appended_once_and_in_order_whatever_is_lost_delayed_or_refused_for_a_while(seed: u64) {
        let faults = Faults { passing: 150, ambiguous: 100, breaks: 20, moves: 10, ..Faults::default() };
        // Nothing runs out of time, so nothing may fail.
        let options = ProducerOptions { delivery_timeout: Duration::from_secs(1_000_000), ..options() };
        let mut world = World::new(seed, options, faults);
        world.run(3_000);
        world.settle();
        world.check();
        let failed: Vec<_> = world.outcomes.values().filter_map(|outcome| outcome.as_ref().err()).collect();
        prop_assert!(failed.is_empty(), "{:?}", failed);
        prop_assert!(world.taken.len() > 200);
        prop_assert_eq!(world.core.buffered_bytes(), 0);
    }

    #[test]
    fn what_failed_is_not_in_the_log_unless_it_is_said_to_be_in_doubt(seed: u64) {
        let mut world = World::new(seed, options(), ALL_FAULTS);
        world.run(3_000);
        world.settle();
        world.check();
        prop_assert_eq!(world.core.buffered_bytes(), 0);
    }

    /// Another producer id does not fence what was sent under the one before, so what was given up may come late then.
    #[test]
    fn the_same_holds_when_epochs_run_out_but_what_is_in_doubt_may_come_late(seed: u64) {
        let mut world = World::new(seed, options(), ALL_FAULTS);
        world.first_epoch = i16::MAX - 1;
        world.run(3_000);
        world.settle();
        world.check_but_for_doubts();
        prop_assert_eq!(world.core.buffered_bytes(), 0);
    }

    #[test]
    fn without_idempotence_records_may_be_repeated_but_never_overtake_one_another(seed: u64) {
        let faults = Faults { passing: 150, ambiguous: 100, breaks: 20, moves: 10, ..Faults::default() };
        let options = ProducerOptions {
            acks: Acks::Leader,
            idempotence: Idempotence::Off,
            batches_in_flight_max: 1,
            delivery_timeout: Duration::from_secs(1_000_000),
            ..options()
        };
        let mut world = World::new(seed, options, faults);
        world.without_zombies();
        world.run(3_000);
        world.settle();
        for index in 0..3 {
            let log = world.log(partition(index));
            // Each is there, and the first appearances are in order.
            let mut seen = 0;
            for value in log {
                prop_assert!(*value <= seen, "{} comes before {}", value, seen);
                seen = seen.max(*value + 1);
            }
            prop_assert_eq!(seen, world.taken.iter().filter(|(id, ..)| *id == partition(index)).count() as u64);
        }
        prop_assert!(world.outcomes.values().all(Result::is_ok));
    }

    #[test]
    fn all_that_was_given_up_at_the_end_is_reported_and_its_memory_comes_back(seed: u64) {
        let faults = Faults { passing: 150, ambiguous: 100, breaks: 20, moves: 10, ..Faults::default() };
        let mut world = World::new(seed, options(), faults);
        world.run(500);
        world.abort();
        prop_assert_eq!(world.core.first_incomplete(), None);
        prop_assert_eq!(world.core.buffered_bytes(), 0);
        world.settle();
        world.check();
    }
}
