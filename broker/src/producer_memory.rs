//! What a core remembers of producers, in all its partitions together.

use std::collections::BTreeMap;
use std::rc::Rc;

use base::{Offset, PartitionId, ProducerId};
use cluster::producers::{ProducerEntry, ProducerSnapshot, ProducerTable};
use shard::task_queues::CONTROL;
use wire::ErrorCode;

use crate::config::Config;
use crate::core::Core;
use crate::leader::Leader;
use crate::limits;
use crate::refusal::Refusal;

/// Producers that each core remembers.
pub(crate) fn producers_max(config: &Config, cores: u16) -> usize {
    let of_memory = config.producer_memory.as_usize() / limits::PRODUCER_BYTES;
    of_memory.min(limits::PRODUCERS_MAX / usize::from(cores))
}

impl Core {
    /// Looks after those that were quiet too long, until the broker stops.
    pub(crate) fn keep_producers(self: &Rc<Self>) {
        let core = Rc::clone(self);
        let keep = async move {
            while !core.connections.is_closing() {
                Rc::clone(&core).forget_due_producers().await;
                futures_lite::future::or(rt::sleep(limits::PRODUCERS_CHECK), core.connections.closing()).await;
            }
        };
        drop(self.connections.spawn(CONTROL, keep).expect("the broker is starting"));
    }

    /// Gives a partition that has just come the producers that it remembers.
    pub(crate) fn take_in_producers(&self, id: PartitionId, producers: ProducerTable) {
        if let Some(leader) = self.leaders.borrow_mut().get_mut(&id) {
            assert!(leader.producers.is_empty(), "{id} remembers producers before it has come");
            leader.producers = producers;
            self.producers.borrow_mut().note(id, &mut leader.producers);
        }
    }

    pub(crate) fn remove_leader(&self, id: PartitionId) -> Option<Leader> {
        let mut leader = self.leaders.borrow_mut().remove(&id)?;
        self.producers.borrow_mut().release(id, &mut leader.producers);
        Some(leader)
    }

    /// For each append, so that there is no line of those to be forgotten.
    pub(crate) fn forget_producers_beyond_limit(&self) {
        if self.producers.borrow().is_over() {
            self.look_at_producers(limits::PRODUCER_LOOKS_AT_ONCE);
        }
    }

    /// Forgets all that are too many or were quiet too long, with pauses.
    pub(crate) async fn forget_due_producers(self: Rc<Self>) {
        while self.look_at_producers(limits::PRODUCER_LOOKS_OF_CHECK) {
            rt::yield_if_needed().await;
        }
    }

    /// Whether more are due after so many looks.
    fn look_at_producers(&self, looks: usize) -> bool {
        let (now, expiration) = (rt::wall_clock(), self.live().producer_expiration);
        let (mut budget, mut leaders) = (self.producers.borrow_mut(), self.leaders.borrow_mut());
        for _ in 0..looks {
            let Some(id) = budget.due(now, expiration) else { return false };
            let leader = leaders.get_mut(&id).expect("a partition that has gone is not listed");
            budget.look_at(id, &mut leader.producers, now, expiration);
        }
        budget.due(now, expiration).is_some()
    }

    /// The producers that a partition remembers now; `None` if there are none.
    pub(crate) fn producers_now(&self, id: PartitionId) -> Option<ProducerSnapshot> {
        let leaders = self.leaders.borrow();
        leaders.get(&id).map(|leader| leader.producers.snapshot()).filter(|producers| !producers.is_empty())
    }

    /// Producers that a partition of this core remembers, without those that were quiet too long.
    pub(crate) async fn producers_here(&self, id: PartitionId) -> Result<Vec<ProducerEntry>, Refusal> {
        if !self.leaders.borrow().contains_key(&id) {
            return Err(ErrorCode::NotLeaderOrFollower.into());
        }
        let (now, expiration) = (rt::wall_clock(), self.live().producer_expiration);
        let mut found = Vec::new();
        if let Some(producers) = self.producers_now(id) {
            for (index, entry) in producers.entries().enumerate() {
                if now.since(entry.last_appended_at) < expiration {
                    found.push(entry);
                }
                pause_after(index).await;
            }
        }
        Ok(found)
    }
}

/// The last record of each producer. With pauses.
pub(crate) async fn last_offsets(producers: ProducerSnapshot) -> BTreeMap<ProducerId, Offset> {
    let mut found = BTreeMap::new();
    for (index, entry) in producers.entries().enumerate() {
        found.extend(entry.batches.last().map(|batch| (entry.producer, batch.last_offset())));
        pause_after(index).await;
    }
    found
}

/// To be called after each of a partition's producers.
pub(crate) async fn pause_after(index: usize) {
    if (index + 1).is_multiple_of(limits::PRODUCERS_AT_ONCE) {
        rt::yield_if_needed().await;
    }
}
