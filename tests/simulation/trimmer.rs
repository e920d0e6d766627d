//! Who deletes records of one partition, now and then.

use std::rc::Rc;
use std::time::Duration;

use base::{Offset, SeededRandom};
use shard::{AppendError, Shard, TrimError, TrimTo};

use crate::storage::{Fault, World};

pub(crate) struct Trimmer {
    pub(crate) world: Rc<World>,
    /// Place of the partition in the histories.
    pub(crate) index: usize,
}

impl Trimmer {
    /// Deletes until the shard or the partition is gone.
    pub(crate) async fn run(self, shard: Rc<Shard>, mut random: SeededRandom) {
        let Self { world, index } = self;
        let spec = world.specs.borrow()[index];
        loop {
            rt::sleep(Duration::from_micros(random.below(60_000))).await;
            let Some(offsets) = shard.offsets(spec.id) else { return };
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
                Err(_) if world.plan.fault != Fault::None || world.spec_of(spec.id).is_none() => return,
                Err(error) => panic!("a deletion could not finish: {error}"),
            }
        }
    }
}
