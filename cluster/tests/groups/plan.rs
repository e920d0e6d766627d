//! What one seed is about.

use base::SeededRandom;

use crate::sabotage::Sabotage;

/// Which protocols the members speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mix {
    Classic,
    Consumer,
    /// Both in the same groups, which change with those who come and go.
    Both,
}

#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) mix: Mix,
    pub(crate) groups: usize,
    pub(crate) members: usize,
    /// Partitions of each topic.
    pub(crate) topics: Vec<u32>,
    pub(crate) disturbed_ms: u64,
    /// Percent of all messages.
    pub(crate) lost: u64,
    pub(crate) repeated: u64,
    /// Percent of all appends.
    pub(crate) failed: u64,
    /// Mean time between two crashes of the coordinator.
    pub(crate) restart_ms: u64,
    /// Mean time between two crashes, departures and arrivals of members.
    pub(crate) churn_ms: u64,
    /// Mean time between two changes of a group's protocol.
    pub(crate) roll_ms: u64,
    /// What is broken, so that it must be found.
    pub(crate) sabotage: Option<Sabotage>,
}

#[expect(clippy::disallowed_methods, reason = "the seed of a simulation is drawn from here")]
pub(crate) fn random_of(seed: u64) -> SeededRandom {
    SeededRandom::new(seed)
}

impl Plan {
    pub(crate) fn of_seed(seed: u64, mix: Mix) -> Self {
        let mut random = random_of(seed ^ 0x6f70_7570);
        Self {
            seed,
            mix,
            groups: 1 + random.index(8),
            members: 200,
            topics: (0..4).map(|_| u32::try_from(random.between(1, 40)).expect("below 40")).collect(),
            disturbed_ms: 240_000,
            lost: random.below(6) + 1,
            repeated: random.below(6),
            failed: random.below(10) + 1,
            restart_ms: random.between(15_000, 60_000),
            churn_ms: random.between(300, 4_000),
            roll_ms: random.between(4_000, 20_000),
            sabotage: None,
        }
    }
}
