//! Topics that come and go while a life goes on: their owner puts it on record, and each core follows in its own time.

use std::rc::Rc;
use std::time::Duration;

use base::{LeaderEpoch, SeededRandom, TopicId};
use shard::task_queues::FOREGROUND;
use shard::{PartitionRow, Shard};

use crate::appender::{Appender, Counts};
use crate::storage::World;

/// Topics beside the lasting ones, at most.
const TOPICS_MAX: usize = 6;

pub(crate) struct Churn {
    pub(crate) world: Rc<World>,
    pub(crate) cores: u16,
    pub(crate) turn: u64,
    pub(crate) epoch: LeaderEpoch,
}

impl Churn {
    pub(crate) async fn run(self, shard: Rc<Shard>, counts: Counts, mut random: SeededRandom) {
        loop {
            rt::sleep(Duration::from_micros(random.below(15_000))).await;
            self.change_topics(&mut random);
            let removed = self.world.removed.borrow().clone();
            let specs = self.world.specs.borrow().clone();
            for spec in specs.iter().filter(|spec| removed.contains(&spec.id.topic)) {
                shard.remove_partition(spec.id);
            }
            for index in add_missing(&self.world, &shard, self.cores, self.turn) {
                let number = self.world.next_appender.replace_with(|next| *next + 1);
                let (world, counts) = (Rc::clone(&self.world), Rc::clone(&counts));
                let appender = Appender { world, counts, index, appender: number, epoch: self.epoch };
                drop(rt::spawn(FOREGROUND, appender.run(Rc::clone(&shard), random.below(2_000), random.fork())));
            }
        }
    }

    fn change_topics(&self, random: &mut SeededRandom) {
        let lasting = self.world.plan.lasting_partitions();
        let mut topics: Vec<TopicId> = self
            .world
            .existing()
            .iter()
            .filter(|(index, _)| *index >= lasting)
            .map(|(_, spec)| spec.id.topic)
            .collect();
        topics.dedup();
        if topics.len() < TOPICS_MAX && random.one_in(3) {
            self.world.create_topic(u32::try_from(random.between(1, 3)).expect("few"));
        }
        if !topics.is_empty() && random.one_in(4) {
            self.world.remove_topic(topics[random.index(topics.len())]);
        }
    }
}

/// Takes in the partitions that are this core's and not here yet; gives their places in the histories.
pub(crate) fn add_missing(world: &World, shard: &Rc<Shard>, cores: u16, turn: u64) -> Vec<usize> {
    let mut added = Vec::new();
    for (index, spec) in world.existing() {
        if world.core_of(spec.id, cores, turn) == Some(shard.core()) && shard.offsets(spec.id).is_none() {
            shard.add_partition(spec, &PartitionRow::new(spec.id));
            added.push(index);
        }
    }
    added
}
