//! Partitions that go from core to core while everything else goes on, and those who work on them and follow.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use base::{CoreId, PartitionId, SeededRandom};
use shard::task_queues::FOREGROUND;
use shard::{Departure, DepartureError, DepartureNumber, Shard};

use crate::storage::{Fault, World};

/// What goes on with a partition's work on the core that it has come to.
type Follower = Box<dyn FnOnce(Rc<Shard>)>;

/// What is on its way between the cores of one life.
#[derive(Default)]
pub(crate) struct Moves {
    /// Partitions that have ever left the core that this life began with.
    moved: RefCell<BTreeSet<PartitionId>>,
    arriving: RefCell<BTreeMap<CoreId, Vec<(CoreId, Departure)>>>,
    kept: RefCell<BTreeMap<CoreId, Vec<(PartitionId, DepartureNumber)>>>,
    followers: RefCell<Vec<(PartitionId, Follower)>>,
    /// Moves that came to their end, and those that were given up.
    pub(crate) done: Cell<u64>,
    pub(crate) given_up: Cell<u64>,
}

impl Moves {
    pub(crate) fn has_moved(&self, id: PartitionId) -> bool {
        self.moved.borrow().contains(&id)
    }

    /// Nobody follows any more. Those who would hold this, so that it would never be let go of.
    pub(crate) fn end(&self) {
        let followers = std::mem::take(&mut *self.followers.borrow_mut());
        drop(followers);
    }

    /// Goes on with `task` wherever the partition is next; nowhere if it is gone for good.
    pub(crate) fn follow(&self, id: PartitionId, task: impl FnOnce(Rc<Shard>) + 'static) {
        self.followers.borrow_mut().push((id, Box::new(task)));
    }
}

pub(crate) struct Mover {
    pub(crate) world: Rc<World>,
    pub(crate) moves: Rc<Moves>,
    pub(crate) cores: u16,
}

impl Mover {
    /// Sends partitions away, for ever.
    pub(crate) async fn send(self, shard: Rc<Shard>, mut random: SeededRandom) {
        let longest = [2_000, 20_000, 100_000][random.index(3)];
        loop {
            rt::sleep(Duration::from_micros(random.below(longest))).await;
            let here: Vec<PartitionId> = self.world.existing().iter().map(|(_, spec)| spec.id).collect();
            let here: Vec<PartitionId> = here.into_iter().filter(|id| shard.offsets(*id).is_some()).collect();
            if here.is_empty() {
                continue;
            }
            let id = here[random.index(here.len())];
            let to = CoreId(u16::try_from(random.below(self.cores.into())).expect("few cores"));
            if random.one_in(2) && self.failed(id, shard.prepare_departure(id).await) {
                return;
            }
            let limit = Duration::from_micros(if random.one_in(4) { random.below(3_000) } else { 2_000_000 });
            match shard.depart(id, limit).await {
                Ok(departure) => {
                    self.moves.moved.borrow_mut().insert(id);
                    let mut arriving = self.moves.arriving.borrow_mut();
                    arriving.entry(to).or_default().push((shard.core(), departure));
                }
                failed => {
                    self.moves.given_up.set(self.moves.given_up.get() + 1);
                    if self.failed(id, failed.map(drop)) {
                        return;
                    }
                }
            }
        }
    }

    /// Whether this core will never send anything again.
    fn failed(&self, id: PartitionId, result: Result<(), DepartureError>) -> bool {
        let fault = self.world.plan.fault;
        match result {
            Ok(()) | Err(DepartureError::TooSlow { .. }) => false,
            Err(DepartureError::Closing) => true,
            Err(DepartureError::NoSpace) if fault == Fault::NoSpace => false,
            Err(DepartureError::Poisoned(_)) if fault != Fault::None => true,
            Err(DepartureError::UnknownPartition(_)) if self.world.spec_of(id).is_none() => false,
            Err(error) => panic!("{id} cannot be moved: {error}"),
        }
    }

    /// Takes in what comes to this core, for ever.
    pub(crate) async fn receive(self, shard: Rc<Shard>, mut random: SeededRandom) {
        let core = shard.core();
        loop {
            rt::sleep(Duration::from_micros(random.below(200))).await;
            let arrived = self.moves.arriving.borrow_mut().remove(&core).unwrap_or_default();
            for (from, departure) in arrived {
                self.take_in(&shard, from, departure);
            }
            for (id, number) in self.moves.kept.borrow_mut().remove(&core).unwrap_or_default() {
                shard.forget_departed(id, number);
            }
            let is_here = |id: PartitionId| shard.offsets(id).is_some() || self.world.spec_of(id).is_none();
            let here: Vec<_> = self.moves.followers.borrow_mut().extract_if(.., |(id, _)| is_here(*id)).collect();
            for (id, follower) in here {
                if self.world.spec_of(id).is_some() {
                    follower(Rc::clone(&shard));
                }
            }
        }
    }

    fn take_in(&self, shard: &Rc<Shard>, from: CoreId, departure: Departure) {
        let (id, number) = (departure.id(), departure.number());
        let spec = self.world.specs.borrow().iter().find(|spec| spec.id == id).copied().expect("it was made");
        let arrival = shard.arrive(spec, departure);
        self.moves.done.set(self.moves.done.get() + 1);
        let (shard, moves) = (Rc::clone(shard), Rc::clone(&self.moves));
        drop(rt::spawn(FOREGROUND, async move {
            if shard.is_kept(arrival).await {
                moves.kept.borrow_mut().entry(from).or_default().push((id, number));
            }
        }));
    }
}
