//! One life of a broker's storage: recovery, shards on some cores, appenders and readers, and an end.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use base::{CoreId, LeaderEpoch, Offset, PartitionId, SeededRandom, TopicId};
use rt::sim::{Between, Sim, SimConfig};
use rt::{BLOCK_BYTES, Disk};
use shard::journal::ring::RingLayout;
use shard::recovery::{OnDamage, Recovery, RecoveryError, RecoveryPlan, ReplayedProducerBatch};
use shard::task_queues::{FOREGROUND, TASK_QUEUES};
use shard::{LogOffsets, PartitionSpec, ReadError, ScrubConfig, Shard, ShardConfig};

use crate::appender::{Appender, Counts};
use crate::churn::{Churn, add_missing};
use crate::lying_disk::Lies;
use crate::mover::{Mover, Moves};
use crate::reader::Reader;
use crate::storage::{FAULTS_MAX, Fault, World};
use crate::trimmer::Trimmer;

/// A whole log as a reader gets it.
pub(crate) struct ReadLog {
    pub(crate) bytes: Vec<u8>,
    pub(crate) start: Offset,
    end: Offset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Killed,
    Closed,
}

pub(crate) struct Life {
    world: Rc<World>,
    cores: u16,
    epoch: LeaderEpoch,
    sim: Sim,
    moves: Rc<Moves>,
    shards: Rc<RefCell<Vec<Rc<Shard>>>>,
}

impl Drop for Life {
    fn drop(&mut self) {
        self.moves.end();
    }
}

struct Start {
    world: Rc<World>,
    cores: u16,
    turn: u64,
}

impl RecoveryPlan for Start {
    fn cores(&self) -> u16 {
        self.cores
    }

    fn layout(&self) -> RingLayout {
        World::layout()
    }

    fn target(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn core_of(&self, id: PartitionId) -> Option<CoreId> {
        self.world.core_of(id, self.cores, self.turn)
    }

    fn was_deleted(&self, topic: TopicId) -> bool {
        self.world.removed.borrow().contains(&topic)
    }

    fn attachment(&self, _: PartitionId, old: &[u8], replayed: &[ReplayedProducerBatch]) -> Vec<u8> {
        (count_of(old) + replayed.len() as u64).to_le_bytes().to_vec()
    }
}

fn count_of(attachment: &[u8]) -> u64 {
    attachment.try_into().map_or(0, u64::from_le_bytes)
}

impl Life {
    pub(crate) fn new(world: Rc<World>, cores: u16, seed: u64) -> Self {
        let config = SimConfig { cores, queues: TASK_QUEUES, ..SimConfig::new(seed) };
        let epoch = LeaderEpoch::new(world.lives_lived.replace_with(|lived| *lived + 1)).expect("few");
        Self { world, cores, epoch, sim: Sim::new(config), moves: Rc::default(), shards: Rc::default() }
    }

    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    pub(crate) fn fingerprint(&self) -> u64 {
        self.sim.fingerprint()
    }

    /// Segments that lay before the start of their log.
    pub(crate) fn direct_bytes(&self) -> u64 {
        self.shards.borrow().iter().map(|shard| shard.stats().direct_bytes).sum()
    }

    pub(crate) fn segments_removed(&self) -> u64 {
        self.shards.borrow().iter().map(|shard| shard.stats().segments_removed).sum()
    }

    /// What was written well is never taken for damaged, whatever is added, rolled, trimmed and removed meanwhile.
    pub(crate) fn check_damage(&self) {
        if matches!(self.world.plan.fault, Fault::None | Fault::NoSpace) {
            for shard in &*self.shards.borrow() {
                assert_eq!(shard.damage(), [], "on a disk that damages nothing");
            }
        }
    }

    /// Segments that were read and compared with their checksums.
    pub(crate) fn segments_scrubbed(&self) -> u64 {
        self.shards.borrow().iter().map(|shard| shard.stats().segments_scrubbed).sum()
    }

    /// Moves between cores, and those that were given up.
    pub(crate) fn moved(&self) -> (u64, u64) {
        (self.moves.done.get(), self.moves.given_up.get())
    }

    /// Cleanings by compaction, and the records that they dropped.
    pub(crate) fn compacted(&self) -> (u64, u64) {
        let shards = self.shards.borrow();
        let all = shards.iter().map(|shard| shard.stats().compaction);
        all.fold((0, 0), |sum, stats| (sum.0 + stats.cleanings, sum.1 + stats.records_dropped))
    }

    /// Starts, works, and ends: sometimes in the middle of the start.
    pub(crate) fn live(&self, random: &mut SeededRandom) -> Ending {
        let turn = random.below(3);
        if random.one_in(4) {
            drop(self.sim.spawn_on(CoreId(0), self.start(turn, OnDamage::Refuse)));
            self.sim.run_for(Duration::from_micros(random.below(60_000)));
            return Ending::Killed;
        }
        let counts = match self.sim.block_on(CoreId(0), self.start(turn, OnDamage::Refuse)) {
            Ok(counts) => counts,
            // A start may fail when the disk does; nothing was promised since.
            Err(error) => {
                assert!(self.world.plan.fault != Fault::None, "a start failed on a good disk: {error}");
                return Ending::Killed;
            }
        };
        self.check_logs(&counts);
        self.spawn_work(&counts, random);
        for core in CoreId::all(self.cores) {
            let shard = Rc::clone(&self.shards.borrow()[core.as_usize()]);
            let (world, moves) = (Rc::clone(&self.world), Rc::clone(&self.moves));
            let churn = Churn { world, moves, cores: self.cores, turn, epoch: self.epoch };
            let task = churn.run(shard, Rc::clone(&counts), random.fork());
            drop(self.sim.spawn_on(core, async move { rt::spawn(FOREGROUND, task).await }));
        }
        self.sim.run_for(Duration::from_millis(random.between(1, 400)));
        if random.percent(70) {
            return Ending::Killed;
        }
        let shards = self.shards.borrow().clone();
        let closed = self.sim.block_on(CoreId(0), async move {
            for shard in shards {
                if shard.close().await.is_err() {
                    return false;
                }
            }
            true
        });
        if closed { Ending::Closed } else { Ending::Killed }
    }

    /// With a map of few keys a log takes many rounds.
    fn wait_for_compaction(&self) {
        let bytes_read = || self.shards.borrow().iter().map(|shard| shard.stats().compaction.bytes_read).sum::<u64>();
        for _ in 0..600 {
            let before = bytes_read();
            self.sim.run_for(Duration::from_millis(500));
            if bytes_read() == before {
                return;
            }
        }
        panic!("compaction never comes to its end");
    }

    /// The last life: everything that was ever promised must be there.
    pub(crate) fn check_everything(&self) {
        let counts = self.begin(OnDamage::Refuse).expect("the last start succeeds");
        self.check_logs(&counts);
        self.settle_down();
        for _ in 0..20 {
            if self.left_over().is_none() {
                break;
            }
            self.sim.run_for(Duration::from_millis(500));
        }
        assert_eq!(self.left_over(), None);
    }

    /// As a life starts in which nobody appends.
    pub(crate) fn begin(&self, on_damage: OnDamage) -> Result<Counts, RecoveryError> {
        self.sim.block_on(CoreId(0), self.start(0, on_damage))
    }

    /// A checkpoint, and what may be removed after it, a piece at a time; and compaction.
    pub(crate) fn settle_down(&self) {
        self.sim.run_for(Duration::from_secs(1));
        self.wait_for_compaction();
    }

    /// A partition that has files which its log does not need, or lacks some.
    fn left_over(&self) -> Option<String> {
        self.world.existing().into_iter().find_map(|(_, spec)| {
            let offsets = self.shard_of(spec.id).offsets(spec.id).expect("it is here");
            let (bytes, bases) = self.world.files_of(spec.id);
            // A life that was killed leaves the space that the active segment had for large batches.
            let spare = if self.world.direct_bytes_min() == u32::MAX { 0 } else { u64::from(spec.segment_bytes) };
            let needed = bases.range(..=offsets.log_start).next_back().copied().unwrap_or_default();
            let fits = bytes <= offsets.bytes + BLOCK_BYTES as u64 + spare && bytes >= offsets.bytes;
            (!fits || bases.range(..needed).next().is_some()).then(|| {
                format!(
                    "{} takes {bytes} bytes of the disk, its log {offsets:?}, and there are files of {bases:?}",
                    spec.id
                )
            })
        })
    }

    fn start(&self, turn: u64, on_damage: OnDamage) -> impl Future<Output = Result<Counts, RecoveryError>> + 'static {
        let (world, cores, shards) = (Rc::clone(&self.world), self.cores, Rc::clone(&self.shards));
        let moves = Rc::clone(&self.moves);
        let lying = self.world.plan.fault == Fault::LyingFlush;
        async move {
            let attach = || match lying {
                true => Rc::new(Between::new(world.disk.attach(), Lies)) as Rc<dyn Disk>,
                false => world.disk.attach(),
            };
            let mut recovery = Recovery::begin(attach(), on_damage, shard::limits::OPEN_FILES_MAX).await?;
            let spec_of = |id| world.spec_of(id);
            let first = world.specs.borrow()[0].id;
            // Twice, as the broker does for its metadata and the rest.
            recovery.replay(|id| spec_of(id).filter(|spec| spec.id == first)).await?;
            recovery.remove_deleted(|topic| world.removed.borrow().contains(&topic)).await?;
            recovery.replay(spec_of).await?;
            let plan = Start { world: Rc::clone(&world), cores, turn };
            let recovered = recovery.finish(&plan).await?;
            let counts: Counts = Rc::default();
            for (core, start) in CoreId::all(cores).zip(recovered) {
                let mut partitions = Vec::new();
                for row in start.rows {
                    counts.borrow_mut().insert(row.id, count_of(&row.attachment));
                    partitions.push((spec_of(row.id).expect("the plan knows it"), row));
                }
                let config = ShardConfig {
                    core,
                    cache_bytes: world.cache_bytes(),
                    flush_interval: Duration::from_millis(20),
                    checkpoint_interval: Duration::from_millis(150),
                    free_space_floor: 0,
                    retention_check_interval: Duration::from_millis(20),
                    direct_bytes_min: world.direct_bytes_min(),
                    freed_at_once_bytes_max: 16 << 10,
                    scrub: ScrubConfig { interval: Some(Duration::from_millis(60)), bytes_per_second: 64 << 20 },
                    compaction_check_interval: Duration::from_millis(10),
                    compaction_key_bytes: world.plan.key_bytes(),
                    compaction_bytes_per_second: 1 << 30,
                    open_files_max: shard::limits::OPEN_FILES_MAX,
                };
                let shard = Shard::open(attach(), config, start.start, partitions).await?;
                let source = Rc::clone(&counts);
                shard.set_attachments(Rc::new(move |id| {
                    let count = source.borrow().get(&id).copied().unwrap_or_default();
                    let encoded = async move {
                        rt::yield_if_needed().await;
                        count.to_le_bytes().to_vec()
                    };
                    Some(Box::pin(encoded) as Pin<Box<dyn Future<Output = Vec<u8>>>>)
                }));
                add_missing(&world, &moves, &shard, cores, turn);
                shards.borrow_mut().push(shard);
            }
            Ok(counts)
        }
    }

    pub(crate) fn shard_of(&self, id: PartitionId) -> Rc<Shard> {
        let shards = self.shards.borrow();
        let shard = shards.iter().find(|shard| shard.offsets(id).is_some()).expect("every partition has a shard");
        Rc::clone(shard)
    }

    /// Reads every log from its beginning and compares it with the history.
    fn check_logs(&self, counts: &Counts) {
        for (index, spec) in self.world.existing() {
            // An operation that fails once, as a plan has it, succeeds when it is asked for again.
            let fails_now = |read: &Result<ReadLog, ReadError>| {
                matches!(read, Err(ReadError::Disk(_))) && self.world.plan.fault == Fault::IoErrors
            };
            let tries = std::iter::repeat_with(|| self.read_log(spec.id));
            let read = tries.take(FAULTS_MAX + 1).find(|read| !fails_now(read));
            let read = read.expect("each fault comes once").expect("a log can be read after a start");
            self.check_log(index, &spec, read, counts);
        }
    }

    pub(crate) fn read_log(&self, id: PartitionId) -> Result<ReadLog, ReadError> {
        let shard = self.shard_of(id);
        self.sim.block_on(CoreId(0), async move {
            let LogOffsets { log_start: mut start, high_watermark: end, .. } = shard.offsets(id).expect("it is here");
            let mut bytes = Vec::new();
            let mut next = start;
            while next < end {
                let data = match shard.read(id, next, 100_000).await {
                    // Retention was quicker.
                    Err(ReadError::OutOfRange { offsets, .. }) if offsets.log_start > next => {
                        start = offsets.log_start;
                        next = start;
                        bytes.clear();
                        continue;
                    }
                    data => data?.parts.concat(),
                };
                next = wire::batch::batches(&data).last().expect("some").expect("whole").header().next_offset();
                bytes.extend_from_slice(&data);
            }
            Ok(ReadLog { bytes, start, end })
        })
    }

    pub(crate) fn check_log(&self, index: usize, spec: &PartitionSpec, read: ReadLog, counts: &Counts) {
        let (id, ReadLog { bytes, start, end }) = (spec.id, read);
        let stamped =
            wire::batch::batches(&bytes).filter(|batch| batch.as_ref().is_ok_and(|b| b.header().producer().is_some()));
        let (stamped, known) = (stamped.count() as u64, counts.borrow().get(&id).copied().unwrap_or_default());
        self.world.histories.borrow_mut()[index].check_log(&bytes, (start, end), spec);
        // The owner's state is of all records that ever were.
        let is_whole = start == Offset::ZERO && spec.compaction.is_none();
        let agrees = if is_whole { known == stamped } else { known >= stamped };
        assert!(agrees, "{id}: the owner knows of {known} batches, its log from {start} on has {stamped}");
    }

    fn spawn_work(&self, counts: &Counts, random: &mut SeededRandom) {
        let here = || (Rc::clone(&self.world), Rc::clone(&self.moves));
        for (index, spec) in self.world.existing() {
            let shard = self.shard_of(spec.id);
            for _ in 0..random.between(1, 4) {
                let number = self.world.next_appender.replace_with(|next| *next + 1);
                let ((world, moves), counts) = (here(), Rc::clone(counts));
                let (pause, random) = (random.below(3_000), random.fork());
                let appender = Appender::new(world, moves, counts, index, number, self.epoch, pause, random);
                self.on_core_of(&shard, |shard| appender.begin(shard));
            }
            let (world, moves) = here();
            let reader = Reader { world, moves, index, next: Offset::ZERO, random: random.fork() };
            self.on_core_of(&shard, |shard| reader.begin(shard));
            if self.world.plan.deletes() && random.one_in(2) {
                let (world, moves) = here();
                let trimmer = Trimmer { world, moves, index, random: random.fork() };
                self.on_core_of(&shard, |shard| trimmer.begin(shard));
            }
        }
        if self.world.plan.moves() {
            for shard in &*self.shards.borrow() {
                let mover =
                    || Mover { world: Rc::clone(&self.world), moves: Rc::clone(&self.moves), cores: self.cores };
                let (send, receive, sends, receives) = (mover(), mover(), random.fork(), random.fork());
                self.on_core_of(shard, |shard| {
                    drop(rt::spawn(FOREGROUND, send.send(Rc::clone(&shard), sends)));
                    drop(rt::spawn(FOREGROUND, receive.receive(shard, receives)));
                });
            }
        }
    }

    /// A task of another core would count as crossing cores: shards are not shared in the broker.
    fn on_core_of(&self, shard: &Rc<Shard>, begin: impl FnOnce(Rc<Shard>) + 'static) {
        let (core, shard) = (shard.core(), Rc::clone(shard));
        drop(self.sim.spawn_on(core, async move { begin(shard) }));
    }
}
