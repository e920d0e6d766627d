//! What reads one partition, mostly forward, and compares it with the history.

use std::rc::Rc;
use std::time::Duration;

use base::{Offset, SeededRandom};
use shard::task_queues::FOREGROUND;
use shard::{ReadError, Shard};

use crate::mover::Moves;
use crate::storage::{Fault, World};

pub(crate) struct Reader {
    pub(crate) world: Rc<World>,
    pub(crate) moves: Rc<Moves>,
    /// Place of the partition in the histories.
    pub(crate) index: usize,
    pub(crate) next: Offset,
    pub(crate) random: SeededRandom,
}

impl Reader {
    pub(crate) fn begin(self, shard: Rc<Shard>) {
        drop(rt::spawn(FOREGROUND, self.run(shard)));
    }

    /// Reads until the partition is gone; follows one that changes its core.
    async fn run(mut self, shard: Rc<Shard>) {
        let (world, index) = (Rc::clone(&self.world), self.index);
        let spec = world.specs.borrow()[index];
        let (id, fault, retention) = (spec.id, world.plan.fault, spec.retention);
        loop {
            let next = self.next;
            match shard.read(id, next, u32::try_from(self.random.between(1, 300_000)).expect("small")).await {
                Ok(data) if data.bytes == 0 => {
                    let after = next.previous();
                    let watch = shard.watch(&[(id, after.map_or(next, |_| next))]);
                    let _ = rt::timeout(Duration::from_millis(20), watch.moved()).await;
                }
                Ok(data) => {
                    let bytes = data.parts.concat();
                    world.histories.borrow_mut()[index].read(next, &bytes, &spec);
                    let last = wire::batch::batches(&bytes).last().expect("some").expect("whole");
                    self.next = last.header().next_offset();
                }
                Err(ReadError::OutOfRange { offsets, .. }) if next < offsets.log_start => {
                    world.histories.borrow_mut()[index].begins_at(offsets.log_start, retention);
                    self.next = offsets.log_start;
                }
                Err(ReadError::Disk(_)) if fault != Fault::None => rt::sleep(Duration::from_millis(5)).await,
                Err(_) if world.spec_of(id).is_none() => return,
                Err(ReadError::UnknownPartition(_)) => {
                    let moves = Rc::clone(&self.moves);
                    return moves.follow(id, |shard| self.begin(shard));
                }
                Err(error) => panic!("a read at {next} failed: {error}"),
            }
            if self.random.one_in(10) {
                self.next = Offset::new(self.random.below(self.next.get() + 1)).expect("small");
            }
            rt::sleep(Duration::from_micros(self.random.below(4_000))).await;
        }
    }
}
