//! Exact steps first, then what holds under any schedule.

mod exact;
mod log;
mod world;

use proptest::prelude::*;

use super::*;
use world::World;

/// Schedules for each property; `PROPTEST_CASES` asks for others.
fn cases() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(100), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn every_record_is_read_once_and_in_order_however_streams_are_torn(seed: u64) {
        let mut world = World::new(seed, world::options());
        world.run(3_000);
        world.read_to_the_end();
        prop_assert!(world.records_read > 300, "{} records were read", world.records_read);
    }

    #[test]
    fn readers_that_seek_and_pause_read_what_they_sought_and_no_more_than_their_share_is_held(seed: u64) {
        let mut world = World::new(seed, world::options());
        world.user_is_restless();
        world.run(3_000);
        world.read_to_the_end();
        prop_assert!(world.records_read > 100, "{} records were read", world.records_read);
    }

    #[test]
    fn a_log_whose_beginning_is_deleted_is_read_from_its_new_beginning_on(seed: u64) {
        let mut world = World::new(seed, world::options());
        world.log_is_shortened();
        world.run(3_000);
        world.read_to_the_end();
        prop_assert!(world.records_read > 100, "{} records were read", world.records_read);
    }
}
