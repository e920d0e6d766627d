//! One seed: a plan, several lives on one disk, and the checks between them.

use std::cell::RefCell;
use std::rc::Rc;

use base::{CoreId, PartitionId, SeededRandom, TopicId};
use rt::sim::{DiskOperation, SimDisk, SimDiskConfig};
use shard::journal::ring::RingLayout;
use shard::{Durability, PartitionSpec};

use crate::life::{Ending, Life};
use crate::oracle::History;

/// What goes wrong beside crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    IoErrors,
    NoSpace,
    LyingFlush,
}

/// All that a seed decides beforehand.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) fault: Fault,
    lives: u64,
    partitions: u32,
    segment_bytes: u32,
    cache_bytes: u64,
    relaxed_percent: u64,
    large_batches: bool,
}

impl Plan {
    pub(crate) fn of_seed(seed: u64) -> Self {
        let mut random = SeededRandom::new(seed);
        Self {
            seed,
            fault: Fault::None,
            lives: random.between(2, 6),
            partitions: u32::try_from(random.between(1, 7)).expect("few"),
            segment_bytes: 1 << random.between(15, 21),
            cache_bytes: 1 << random.between(18, 23),
            relaxed_percent: if random.one_in(3) { 40 } else { 0 },
            large_batches: random.one_in(3),
        }
    }

    pub(crate) fn with(self, fault: Fault) -> Self {
        Self { fault, ..self }
    }
}

/// What a run came to; equal for equal plans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) acknowledged: usize,
    fingerprint: u64,
}

pub(crate) type Histories = Rc<RefCell<Vec<History>>>;

/// What the lives of one seed share.
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) disk: SimDisk,
    pub(crate) specs: Rc<Vec<PartitionSpec>>,
    pub(crate) histories: Histories,
    /// Numbers given out to appenders, over all lives.
    pub(crate) next_appender: RefCell<u32>,
    pub(crate) lives_lived: RefCell<u32>,
}

impl World {
    fn new(plan: &Plan) -> Self {
        let mut random = SeededRandom::new(plan.seed ^ 0x5eed);
        let specs = (0..plan.partitions).map(|index| {
            let relaxed = random.percent(plan.relaxed_percent);
            let durability = if relaxed { Durability::Relaxed } else { Durability::Flushed };
            let id = PartitionId::new(TopicId::from_random(u128::from(index / 3)), index % 3);
            PartitionSpec { id, segment_bytes: plan.segment_bytes, durability }
        });
        let specs: Vec<PartitionSpec> = specs.collect();
        let histories = specs.iter().map(|_| History::default()).collect();
        Self {
            disk: SimDisk::new(random.next_u64(), SimDiskConfig::default()),
            specs: Rc::new(specs),
            histories: Rc::new(RefCell::new(histories)),
            next_appender: RefCell::new(0),
            lives_lived: RefCell::new(0),
            plan: plan.clone(),
        }
    }

    pub(crate) fn layout() -> RingLayout {
        RingLayout::of_total(1 << 20)
    }

    pub(crate) fn large_batches(&self) -> bool {
        self.plan.large_batches
    }

    pub(crate) fn cache_bytes(&self) -> u64 {
        self.plan.cache_bytes
    }
}

pub(crate) fn run(plan: &Plan) -> Summary {
    let world = Rc::new(World::new(plan));
    let mut random = SeededRandom::new(plan.seed ^ 0xacce55);
    let mut fingerprint = 0;
    for _ in 0..plan.lives {
        let cores = u16::try_from(random.between(1, 4)).expect("few");
        inject(&world, &mut random);
        let life = Life::new(Rc::clone(&world), cores, random.next_u64());
        let ending = life.live(&mut random);
        fingerprint ^= life.fingerprint().rotate_left(1);
        drop(life);
        world.disk.heal();
        world.disk.set_capacity(None);
        if ending == Ending::Killed {
            world.disk.crash();
        }
    }
    let last = Life::new(Rc::clone(&world), 1, random.next_u64());
    last.check_everything();
    let acknowledged = world.histories.borrow().iter().map(History::acknowledged).sum();
    Summary { acknowledged, fingerprint: fingerprint ^ last.fingerprint() }
}

fn inject(world: &World, random: &mut SeededRandom) {
    match world.plan.fault {
        Fault::None | Fault::LyingFlush => {}
        Fault::IoErrors if random.percent(70) => {
            let operation = if random.percent(50) { DiskOperation::Write } else { DiskOperation::Sync };
            world.disk.fail_nth(operation, random.between(1, 200));
        }
        Fault::IoErrors => {}
        // The journals' rings fit; segments soon do not.
        Fault::NoSpace => world.disk.set_capacity(Some((1 << 20) * 3 + random.between(1 << 20, 16 << 20))),
    }
}

/// Where each partition lives in a life.
pub(crate) fn core_of(specs: &[PartitionSpec], id: PartitionId, cores: u16, turn: u64) -> Option<CoreId> {
    let index = specs.iter().position(|spec| spec.id == id)? as u64;
    Some(CoreId(u16::try_from((index + turn) % u64::from(cores)).expect("few cores")))
}
