//! Topics that come and go while a life goes on: their owner puts it on record, and each core follows in its own time.

use std::rc::Rc;
use std::time::Duration;

use base::{LeaderEpoch, SeededRandom, TopicId};
use shard::{PartitionRow, Shard};

use crate::appender::{Appender, Counts};
use crate::mover::Moves;
use crate::storage::World;

/// Topics beside the lasting ones, at most.
const TOPICS_MAX: usize = 6;

pub(crate) struct Churn {
    pub(crate) world: Rc<World>,
    pub(crate) moves: Rc<Moves>,
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
            for index in add_missing(&self.world, &self.moves, &shard, self.cores, self.turn) {
                let number = self.world.next_appender.replace_with(|next| *next + 1);
                let (world, moves, counts) = (Rc::clone(&self.world), Rc::clone(&self.moves), Rc::clone(&counts));
                let pause = random.below(2_000);
                let appender = Appender::new(world, moves, counts, index, number, self.epoch, pause, random.fork());
                appender.begin(Rc::clone(&shard));
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
pub(crate) fn add_missing(world: &World, moves: &Moves, shard: &Rc<Shard>, cores: u16, turn: u64) -> Vec<usize> {
    let mut added = Vec::new();
    for (index, spec) in world.existing() {
        let is_ours = world.core_of(spec.id, cores, turn) == Some(shard.core()) && !moves.has_moved(spec.id);
        if is_ours && shard.offsets(spec.id).is_none() {
            shard.add_partition(spec, &PartitionRow::new(spec.id));
            added.push(index);
        }
    }
    added
}
