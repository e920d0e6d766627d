//! When to move which partition to another core of the broker, so that no core has much more to do than another.
//!
//! A move is proposed when the busiest core is above a floor, and has been further ahead of the least busy one than a
//! threshold for several looks in a row. It goes from the busiest to the least busy, and is the one that leaves the
//! busier of the two least busy. It must take a part of the threshold off the busiest, so the larger of the two only ever gets
//! smaller by a move: with loads that stay the same, moves come to an end, and a partition that is nearly all that its
//! core has to do stays where it is.
//!
//! What is measured of a partition is only a part of what it costs: its requests are also received, parsed and answered.
//! So all that a core was busy with is shared out among its partitions, by what was measured of each. Where some of that
//! has nothing to do with them, they are taken for larger than they are, and rather stay where they are.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use base::{CoreId, PartitionId};

/// What a core that does nothing else is busy with, in microseconds per second.
const WHOLE_CORE: u64 = 1_000_000;
/// A core that is less busy has nothing to gain.
const FLOOR: u64 = WHOLE_CORE * 30 / 100;
/// So many looks in a row must find the same before a move.
const LOOKS_IN_A_ROW: u32 = 3;
/// A partition that was moved, or could not be, stays where it is for so many looks.
const REST_LOOKS: u64 = 30;
/// A move must take this part of the threshold off the busier of its two cores.
const GAIN_SHARE: u64 = 2;

/// What a core was busy with since the last look, in microseconds per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoreLoad {
    pub core: CoreId,
    pub busy: u64,
}

/// What of that was for one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionLoad {
    pub partition: PartitionId,
    pub core: CoreId,
    pub busy: u64,
}

/// A partition that should change its core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProposedMove {
    pub partition: PartitionId,
    pub from: CoreId,
    pub to: CoreId,
}

/// See the module's documentation. Told of all loads again and again, by intervals of the same length.
#[derive(Clone, Debug)]
pub struct Balancer {
    threshold: u64,
    looks: u64,
    /// The core that was too busy, and in how many looks in a row.
    too_busy: Option<(CoreId, u32)>,
    /// Until which look partitions rest.
    resting: BTreeMap<PartitionId, u64>,
}

impl Balancer {
    /// The threshold is in percent of a core's time.
    pub fn new(threshold_percent: u32) -> Self {
        let threshold = u64::from(threshold_percent) * WHOLE_CORE / 100;
        Self { threshold, looks: 0, too_busy: None, resting: BTreeMap::new() }
    }

    /// Takes in what was measured since the last look. Partitions that nothing was done for need not be among the loads.
    pub fn look(&mut self, cores: &[CoreLoad], partitions: &[PartitionLoad]) -> Option<ProposedMove> {
        self.looks += 1;
        let now = self.looks;
        self.resting.retain(|_, until| *until > now);
        let busiest = *cores.iter().max_by_key(|load| (load.busy, std::cmp::Reverse(load.core)))?;
        let idlest = *cores.iter().min_by_key(|load| (load.busy, load.core))?;
        if busiest.busy < FLOOR || busiest.busy - idlest.busy <= self.threshold {
            self.too_busy = None;
            return None;
        }
        let in_a_row = match self.too_busy {
            Some((core, looks)) if core == busiest.core => looks + 1,
            _ => 1,
        };
        self.too_busy = Some((busiest.core, in_a_row));
        if in_a_row < LOOKS_IN_A_ROW {
            return None;
        }
        let proposed = self.best_move(busiest, idlest, partitions)?;
        self.too_busy = None;
        self.resting.insert(proposed.partition, now + REST_LOOKS);
        Some(proposed)
    }

    fn best_move(&self, from: CoreLoad, to: CoreLoad, partitions: &[PartitionLoad]) -> Option<ProposedMove> {
        let here = || partitions.iter().filter(|load| load.core == from.core && load.busy > 0);
        let measured: u64 = here().map(|load| load.busy).fold(0, u64::saturating_add);
        let cost = |load: &PartitionLoad| share_of(from.busy, load.busy, measured);
        let after = |load: &PartitionLoad| (from.busy - cost(load)).max(to.busy.saturating_add(cost(load)));
        let candidates = here().filter(|load| !self.resting.contains_key(&load.partition));
        let best = candidates.min_by_key(|load| (after(load), load.partition))?;
        let gain = from.busy.saturating_sub(after(best));
        let is_worth_it = gain > 0 && gain >= self.threshold / GAIN_SHARE;
        is_worth_it.then_some(ProposedMove { partition: best.partition, from: from.core, to: to.core })
    }
}

/// What falls to one of those who divide `whole` by what was measured of each; rounded up, and never more than all.
fn share_of(whole: u64, measured: u64, measured_of_all: u64) -> u64 {
    let share = (u128::from(whole) * u128::from(measured)).div_ceil(u128::from(measured_of_all.max(1)));
    u64::try_from(share).map_or(whole, |share| share.min(whole))
}
