//! Who deletes records of one partition, now and then.

use std::rc::Rc;
use std::time::Duration;

use base::{Offset, SeededRandom};
use shard::task_queues::FOREGROUND;
use shard::{AppendError, Shard, TrimError, TrimTo};

use crate::mover::Moves;
use crate::storage::{Fault, World};

pub(crate) struct Trimmer {
    pub(crate) world: Rc<World>,
    pub(crate) moves: Rc<Moves>,
    /// Place of the partition in the histories.
    pub(crate) index: usize,
    pub(crate) random: SeededRandom,
}

impl Trimmer {
    pub(crate) fn begin(self, shard: Rc<Shard>) {
        drop(rt::spawn(FOREGROUND, self.run(shard)));
    }

    fn follow(self) {
        let (moves, id) = (Rc::clone(&self.moves), self.world.specs.borrow()[self.index].id);
        moves.follow(id, |shard| self.begin(shard));
    }

    /// Deletes until the shard or the partition is gone.
    async fn run(mut self, shard: Rc<Shard>) {
        let (world, index) = (Rc::clone(&self.world), self.index);
        let spec = world.specs.borrow()[index];
        loop {
            let random = &mut self.random;
            rt::sleep(Duration::from_micros(random.below(60_000))).await;
            let Some(offsets) = shard.offsets(spec.id) else { return self.follow() };
            let to = match random.below(10) {
                0 => TrimTo::HighWatermark,
                _ => {
                    // Often the log has come further until this is looked at.
                    let end = offsets.log_end.get() + random.below(3);
                    let from = offsets.log_start.get().saturating_sub(2);
                    // More often near the start.
                    let share = random.between(1, 5);
                    let offset = Offset::new(from + random.below(1 + (end - from) / share)).expect("small");
                    world.histories.borrow_mut()[index].ask_for_start(offset);
                    TrimTo::Offset(offset)
                }
            };
            let begun = shard.begin_trim(spec.id, to).await;
            if to == TrimTo::HighWatermark && begun.is_ok() {
                let all = shard.offsets(spec.id).expect("it was here just now").high_watermark;
                world.histories.borrow_mut()[index].ask_for_start(all);
            }
            let trim = match begun {
                Ok(trim) => trim,
                Err(TrimError::OutOfRange { wanted, offsets }) => {
                    assert!(wanted > offsets.high_watermark, "{wanted} is refused, the log has {offsets:?}");
                    continue;
                }
                Err(TrimError::Refused(AppendError::NoSpace)) => continue,
                Err(TrimError::Refused(AppendError::Closing)) => return,
                Err(TrimError::Refused(AppendError::Poisoned(_))) if world.plan.fault != Fault::None => return,
                Err(_) if world.spec_of(spec.id).is_none() => return,
                Err(TrimError::Refused(AppendError::Leaving(_) | AppendError::UnknownPartition(_))) => {
                    return self.follow();
                }
                Err(error) => panic!("a deletion failed: {error}"),
            };
            if random.one_in(10) {
                // Nobody waits for it; it happens all the same.
                continue;
            }
            match shard.finish_trim(trim).await {
                Ok(offsets) => {
                    if let TrimTo::Offset(asked) = to {
                        assert!(offsets.log_start >= asked, "the log begins at {}, not {asked}", offsets.log_start);
                    }
                    world.histories.borrow_mut()[index].begins_at(offsets.log_start, spec.retention);
                }
                // It has left since, and begins there all the same.
                Err(TrimError::Refused(AppendError::UnknownPartition(_))) if world.spec_of(spec.id).is_some() => {
                    return self.follow();
                }
                Err(_) if world.plan.fault != Fault::None || world.spec_of(spec.id).is_none() => return,
                Err(error) => panic!("a deletion could not finish: {error}"),
            }
        }
    }
}
