//! One seed: a plan, several lives on one disk, and the checks between them.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use base::{CoreId, Offset, PartitionId, SeededRandom, TopicId};
use rt::sim::{DiskOperation, SimDisk, SimDiskConfig};
use shard::journal::direct::DIRECT_BYTES_MIN;
use shard::journal::ring::RingLayout;
use shard::{Compaction, Durability, PartitionSpec, Retention, layout};

use crate::life::{Ending, Life};
use crate::oracle::History;
use crate::rot::Found;

/// Operations that fail in one life.
pub(crate) const FAULTS_MAX: usize = 2;

/// What goes wrong beside crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    IoErrors,
    NoSpace,
    LyingFlush,
    /// Something on the medium changes before the last life.
    Rot,
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
    deletes: bool,
    /// Whether larger batches go straight to their segments.
    direct: bool,
    compacts: bool,
    key_bytes: u64,
    /// Whether partitions change their cores.
    moves: bool,
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
            deletes: random.percent(70),
            direct: random.percent(80),
            compacts: random.percent(60),
            // Room for a few keys, or for all.
            key_bytes: if random.one_in(2) { 0 } else { 1 << 16 },
            moves: random.percent(70),
        }
    }

    /// What a partition is like, for its whole life.
    fn spec(&self, id: PartitionId, durability: Durability) -> PartitionSpec {
        let name = id.topic.as_u128() ^ u128::from(id.index.0);
        let mut random = SeededRandom::new(self.seed ^ u64::try_from(name & u128::from(u64::MAX)).expect("it was cut"));
        let mut spec = PartitionSpec::new(id, self.segment_bytes, durability);
        let (mut of_compaction, is_compacted) = (random.fork(), random.one_in(2));
        if self.compacts && is_compacted {
            spec.compaction = Some(compaction(&mut of_compaction));
            // Of a relaxed log nothing is promised.
            spec.durability = Durability::Flushed;
        }
        if !self.deletes {
            return spec;
        }
        let mut milliseconds = |from, to| Duration::from_millis(random.between(from, to));
        let (segment_time, segment_jitter, kept) = (milliseconds(5, 300), milliseconds(0, 50), milliseconds(0, 300));
        let retention = Retention {
            time: random.one_in(3).then_some(kept),
            bytes: random.one_in(3).then(|| random.below(1 << 19)),
        };
        PartitionSpec { segment_time, segment_jitter, retention, ..spec }
    }

    pub(crate) fn key_bytes(&self) -> u64 {
        self.key_bytes
    }

    pub(crate) fn moves(&self) -> bool {
        self.moves
    }

    /// Whether somebody deletes records.
    pub(crate) fn deletes(&self) -> bool {
        self.deletes
    }

    /// The partitions that are there in all lives.
    pub(crate) fn lasting_partitions(&self) -> usize {
        self.partitions as usize
    }

    pub(crate) fn with(self, fault: Fault) -> Self {
        Self { fault, ..self }
    }
}

fn compaction(random: &mut SeededRandom) -> Compaction {
    let milliseconds = |random: &mut SeededRandom, most| Duration::from_millis(random.below(most));
    Compaction {
        dirty_millionths: u32::try_from(random.below(700_000)).expect("below a million"),
        delete_retention: milliseconds(random, 100),
        lag_min: if random.one_in(3) { milliseconds(random, 40) } else { Duration::ZERO },
        lag_max: random.one_in(3).then(|| Duration::from_millis(40) + milliseconds(random, 200)),
    }
}

/// What a run came to; equal for equal plans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) acknowledged: usize,
    /// Partitions of which records were deleted because somebody asked for it, and because of retention.
    pub(crate) trimmed: usize,
    pub(crate) expired: usize,
    /// Segments that were removed for that, in all lives.
    pub(crate) segments_removed: u64,
    /// Bytes of batches that went straight to their segments.
    pub(crate) direct_bytes: u64,
    /// Segments that were checked by scrubbing, in all lives.
    pub(crate) segments_scrubbed: u64,
    /// Cleanings by compaction that came to their end, and records that were dropped, in all lives.
    pub(crate) cleanings: u64,
    pub(crate) records_dropped: u64,
    /// Partitions that came to another core, and those that stayed where they were in the end.
    pub(crate) moved: u64,
    pub(crate) moves_given_up: u64,
    /// What damage came to; `None` when there was none.
    pub(crate) rot: Option<Found>,
    fingerprint: u64,
}

pub(crate) type Histories = Rc<RefCell<Vec<History>>>;

/// What the lives of one seed share.
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) disk: SimDisk,
    /// All partitions that ever were; those of a removed topic stay here. The first ones are never removed.
    pub(crate) specs: RefCell<Vec<PartitionSpec>>,
    pub(crate) removed: RefCell<BTreeSet<TopicId>>,
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
            plan.spec(id, durability)
        });
        let specs: Vec<PartitionSpec> = specs.collect();
        let histories = specs.iter().map(|_| History::default()).collect();
        Self {
            disk: SimDisk::new(random.next_u64(), SimDiskConfig::default()),
            specs: RefCell::new(specs),
            removed: RefCell::default(),
            histories: Rc::new(RefCell::new(histories)),
            next_appender: RefCell::new(0),
            lives_lived: RefCell::new(0),
            plan: plan.clone(),
        }
    }

    /// Takes a topic in, with so many partitions. The owner of the partitions has this on record from here on.
    pub(crate) fn create_topic(&self, partitions: u32) {
        let mut specs = self.specs.borrow_mut();
        let topic = TopicId::from_random(1_000 + specs.len() as u128);
        for index in 0..partitions {
            let id = PartitionId::new(topic, index);
            specs.push(self.plan.spec(id, Durability::Flushed));
            self.histories.borrow_mut().push(History::default());
        }
    }

    /// Puts the removal of a topic on record; the cores follow.
    pub(crate) fn remove_topic(&self, topic: TopicId) {
        self.removed.borrow_mut().insert(topic);
    }

    /// Partitions of topics that exist, with their places in the histories.
    pub(crate) fn existing(&self) -> Vec<(usize, PartitionSpec)> {
        let removed = self.removed.borrow();
        let specs = self.specs.borrow();
        specs.iter().copied().enumerate().filter(|(_, spec)| !removed.contains(&spec.id.topic)).collect()
    }

    pub(crate) fn spec_of(&self, id: PartitionId) -> Option<PartitionSpec> {
        if self.removed.borrow().contains(&id.topic) {
            return None;
        }
        self.specs.borrow().iter().find(|spec| spec.id == id).copied()
    }

    /// Where each partition lives in a life.
    pub(crate) fn core_of(&self, id: PartitionId, cores: u16, turn: u64) -> Option<CoreId> {
        self.spec_of(id)?;
        let index = self.specs.borrow().iter().position(|spec| spec.id == id)? as u64;
        Some(CoreId(u16::try_from((index + turn) % u64::from(cores)).expect("few cores")))
    }

    /// Bytes of a partition's segments, and the base offsets of all its files.
    pub(crate) fn files_of(&self, id: PartitionId) -> (u64, BTreeSet<Offset>) {
        let folder = format!("{}/{}/", id.topic, id.index);
        let (mut bytes, mut bases) = (0, BTreeSet::new());
        for (path, length) in self.disk.files() {
            let Some((_, name)) = path.split_once(&folder) else { continue };
            bases.extend(layout::segment_base(name).or_else(|| layout::index_base(name)));
            bytes += if layout::segment_base(name).is_some() { length } else { 0 };
        }
        (bytes, bases)
    }

    /// What was removed leaves nothing behind, and nothing else counts as lost.
    fn check_files(&self) {
        let removed = self.removed.borrow();
        for (path, _) in self.disk.files() {
            assert!(!path.contains("lost+found"), "{path} was taken for lost");
            let gone = removed.iter().find(|topic| path.contains(&topic.to_string()));
            assert!(gone.is_none(), "{path} belongs to a topic that was removed");
        }
    }

    pub(crate) fn layout() -> RingLayout {
        RingLayout::of_total(1 << 20)
    }

    pub(crate) fn large_batches(&self) -> bool {
        self.plan.large_batches
    }

    pub(crate) fn direct_bytes_min(&self) -> u32 {
        if self.plan.direct { DIRECT_BYTES_MIN } else { u32::MAX }
    }

    pub(crate) fn cache_bytes(&self) -> u64 {
        self.plan.cache_bytes
    }
}

pub(crate) fn run(plan: &Plan) -> Summary {
    let world = Rc::new(World::new(plan));
    let mut random = SeededRandom::new(plan.seed ^ 0xacce55);
    let (mut fingerprint, mut segments_removed, mut cleanings, mut records_dropped) = (0, 0, 0, 0);
    let (mut segments_scrubbed, mut direct_bytes, mut moved, mut moves_given_up) = (0, 0, 0, 0);
    for _ in 0..plan.lives {
        let cores = u16::try_from(random.between(1, 4)).expect("few");
        inject(&world, &mut random);
        let life = Life::new(Rc::clone(&world), cores, random.next_u64());
        let ending = life.live(&mut random);
        fingerprint ^= life.fingerprint().rotate_left(1);
        segments_removed += life.segments_removed();
        direct_bytes += life.direct_bytes();
        segments_scrubbed += life.segments_scrubbed();
        (moved, moves_given_up) = (moved + life.moved().0, moves_given_up + life.moved().1);
        life.check_damage();
        let (done, dropped) = life.compacted();
        (cleanings, records_dropped) = (cleanings + done, records_dropped + dropped);
        drop(life);
        world.disk.heal();
        world.disk.set_capacity(None);
        if ending == Ending::Killed {
            world.disk.crash();
        }
    }
    let last = Life::new(Rc::clone(&world), 1, random.next_u64());
    let rot = match plan.fault {
        Fault::Rot => last.check_rot(&mut random),
        _ => {
            last.check_everything();
            world.check_files();
            None
        }
    };
    let histories = world.histories.borrow();
    Summary {
        acknowledged: histories.iter().map(History::acknowledged).sum(),
        trimmed: histories.iter().filter(|history| history.deleted().0).count(),
        expired: histories.iter().filter(|history| history.deleted().1).count(),
        segments_removed: segments_removed + last.segments_removed(),
        direct_bytes,
        segments_scrubbed: segments_scrubbed + last.segments_scrubbed(),
        cleanings: cleanings + last.compacted().0,
        records_dropped: records_dropped + last.compacted().1,
        moved,
        moves_given_up,
        rot,
        fingerprint: fingerprint ^ last.fingerprint(),
    }
}

fn inject(world: &World, random: &mut SeededRandom) {
    match world.plan.fault {
        Fault::None | Fault::LyingFlush | Fault::Rot => {}
        // At any call, and sometimes at a second one.
        Fault::IoErrors if random.percent(70) => {
            for _ in 0..random.between(1, FAULTS_MAX as u64 + 1) {
                let (operation, within) = match random.below(8) {
                    0 | 1 => (DiskOperation::Write, 200),
                    2 | 3 => (DiskOperation::Sync, 200),
                    4 => (DiskOperation::SyncDir, 100),
                    5 => (DiskOperation::Read, 300),
                    6 => (DiskOperation::Folders, 300),
                    _ if random.one_in(2) => (DiskOperation::SetLen, 20),
                    _ => (DiskOperation::Allocate, 20),
                };
                world.disk.fail_nth(operation, random.between(1, within));
            }
        }
        Fault::IoErrors => {}
        // The journals' rings fit; segments soon do not.
        Fault::NoSpace => world.disk.set_capacity(Some((1 << 20) * 3 + random.between(1 << 20, 16 << 20))),
    }
}
