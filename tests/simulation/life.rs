//! One life of a broker's storage: recovery, shards on some cores, appenders and readers, and an end.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use base::{
    CoreId, LeaderEpoch, Offset, PartitionId, ProducerEpoch, ProducerId, SeededRandom, Sequence, Timestamp, TopicId,
};
use rt::Disk;
use rt::sim::{Sim, SimConfig};
use shard::journal::ring::RingLayout;
use shard::recovery::{OnDamage, Recovery, RecoveryError, RecoveryPlan, ReplayedProducerBatch};
use shard::task_queues::{FOREGROUND, TASK_QUEUES};
use shard::{AppendBatch, AppendError, Durability, PartitionSpec, ReadError, Shard, ShardConfig};
use wire::batch::{BatchBuilder, BatchHeader, BatchOptions, HEADER_BYTES, NewRecord, ProducerStamp};
use wire::compress::{Codec, Compressor};

use crate::lying_disk::LyingDisk;
use crate::oracle::BatchName;
use crate::storage::{Fault, World, core_of};

/// Between two attempts of an appender that is refused.
const REFUSED_PAUSE: Duration = Duration::from_micros(100);

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
    shards: Rc<RefCell<Vec<Rc<Shard>>>>,
}

/// The owner's state of a partition in this test: how many batches it has appended with a producer's stamp.
type Counts = Rc<RefCell<std::collections::BTreeMap<PartitionId, u64>>>;

struct Start {
    specs: Rc<Vec<PartitionSpec>>,
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

    fn core_of(&self, id: PartitionId) -> Option<CoreId> {
        core_of(&self.specs, id, self.cores, self.turn)
    }

    fn was_deleted(&self, _: TopicId) -> bool {
        false
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
        Self { world, cores, epoch, sim: Sim::new(config), shards: Rc::default() }
    }

    pub(crate) fn fingerprint(&self) -> u64 {
        self.sim.fingerprint()
    }

    /// Starts, works, and ends: sometimes in the middle of the start.
    pub(crate) fn live(&self, random: &mut SeededRandom) -> Ending {
        let turn = random.below(3);
        if random.one_in(4) {
            drop(self.sim.spawn_on(CoreId(0), self.start(turn)));
            self.sim.run_for(Duration::from_micros(random.below(60_000)));
            return Ending::Killed;
        }
        let counts = match self.sim.block_on(CoreId(0), self.start(turn)) {
            Ok(counts) => counts,
            // A start may fail when the disk does; nothing was promised since.
            Err(error) => {
                assert!(self.world.plan.fault != Fault::None, "a start failed on a good disk: {error}");
                return Ending::Killed;
            }
        };
        self.check_logs(&counts);
        self.spawn_work(&counts, random);
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

    /// The last life: everything that was ever promised must be there.
    pub(crate) fn check_everything(&self) {
        let counts = self.sim.block_on(CoreId(0), self.start(0)).expect("the last start succeeds");
        self.check_logs(&counts);
    }

    fn start(&self, turn: u64) -> impl Future<Output = Result<Counts, RecoveryError>> + 'static {
        let (world, cores, shards) = (Rc::clone(&self.world), self.cores, Rc::clone(&self.shards));
        let lying = self.world.plan.fault == Fault::LyingFlush;
        async move {
            let attach = || match lying {
                true => Rc::new(LyingDisk(world.disk.attach())) as Rc<dyn Disk>,
                false => world.disk.attach(),
            };
            let mut recovery = Recovery::begin(attach(), OnDamage::Refuse).await?;
            let spec_of = |id| world.specs.iter().find(|spec| spec.id == id).copied();
            // Twice, as the broker does for its metadata and the rest.
            recovery.replay(|id| spec_of(id).filter(|spec| spec.id == world.specs[0].id)).await?;
            recovery.replay(spec_of).await?;
            let plan = Start { specs: Rc::clone(&world.specs), cores, turn };
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
                };
                let shard = Shard::open(attach(), config, start.start, partitions).await?;
                let source = Rc::clone(&counts);
                shard.set_attachments(Rc::new(move |id| {
                    source.borrow().get(&id).copied().unwrap_or_default().to_le_bytes().to_vec()
                }));
                for spec in world.specs.iter().filter(|spec| plan.core_of(spec.id) == Some(core)) {
                    if shard.offsets(spec.id).is_none() {
                        shard.add_partition(*spec, &shard::PartitionRow::new(spec.id));
                    }
                }
                shards.borrow_mut().push(shard);
            }
            Ok(counts)
        }
    }

    fn shard_of(&self, id: PartitionId) -> Rc<Shard> {
        let shards = self.shards.borrow();
        let shard = shards.iter().find(|shard| shard.offsets(id).is_some()).expect("every partition has a shard");
        Rc::clone(shard)
    }

    /// Reads every log from its beginning and compares it with the history.
    fn check_logs(&self, counts: &Counts) {
        for (index, spec) in self.world.specs.iter().enumerate() {
            let shard = self.shard_of(spec.id);
            let id = spec.id;
            let (log, end) = self.sim.block_on(CoreId(0), async move {
                let end = shard.offsets(id).expect("it is here").high_watermark;
                let mut log = Vec::new();
                let mut next = Offset::ZERO;
                while next < end {
                    let data = shard.read(id, next, 100_000).await.expect("a log can be read after a start");
                    let bytes = data.parts.concat();
                    next = wire::batch::batches(&bytes).last().expect("some").expect("whole").header().next_offset();
                    log.extend_from_slice(&bytes);
                }
                (log, end)
            });
            let stamped = wire::batch::batches(&log)
                .filter(|batch| batch.as_ref().is_ok_and(|b| b.header().producer().is_some()));
            let (stamped, known) = (stamped.count() as u64, counts.borrow().get(&id).copied().unwrap_or_default());
            let flushed = spec.durability == Durability::Flushed;
            self.world.histories.borrow_mut()[index].check_log(&log, end, flushed);
            assert_eq!(known, stamped, "{id}: the owner's state and its log disagree");
        }
    }

    fn spawn_work(&self, counts: &Counts, random: &mut SeededRandom) {
        for index in 0..self.world.specs.len() {
            for _ in 0..random.between(1, 4) {
                let number = self.world.next_appender.replace_with(|next| *next + 1);
                self.spawn_appender(index, number, counts, random.fork());
            }
            self.spawn_reader(index, random.fork());
        }
    }

    fn spawn_appender(&self, index: usize, appender: u32, counts: &Counts, mut random: SeededRandom) {
        let (world, counts) = (Rc::clone(&self.world), Rc::clone(counts));
        let id = world.specs[index].id;
        let shard = self.shard_of(id);
        let core = shard.core();
        let pause = random.below(3_000);
        let leader_epoch = self.epoch;
        let task = async move {
            for number in 0.. {
                let name = BatchName { appender, number };
                let bytes = make_batch(name, &mut random, world.large_batches());
                world.histories.borrow_mut()[index].submit(name, &bytes);
                let header = BatchHeader::read(&bytes).expect("whole");
                let (head, payload) = bytes.split_first_chunk::<HEADER_BYTES>().expect("whole");
                let batch = AppendBatch {
                    header: head,
                    payload,
                    offsets: header.last_offset_delta() + 1,
                    max_timestamp: header.max_timestamp().map_or(-1, Timestamp::to_wire),
                    leader_epoch,
                };
                let result = match (shard.room(batch.bytes()), shard.turn()) {
                    (Some(Ok(())), _) => shard.append_now(id, batch),
                    (Some(Err(error)), _) | (None, Err(error)) => Err(error),
                    (None, Ok(turn)) => match turn.wait(batch.bytes()).await {
                        Ok(()) => turn.append(id, batch),
                        Err(error) => Err(error),
                    },
                };
                match result {
                    Ok(appended) => {
                        if header.producer().is_some() {
                            *counts.borrow_mut().entry(id).or_default() += 1;
                        }
                        if shard.safe(appended).await.is_ok() {
                            world.histories.borrow_mut()[index].acknowledge(appended.base_offset, name);
                        }
                    }
                    // Without a pause an appender that is refused would never give the others a turn.
                    Err(AppendError::NoSpace | AppendError::TooLarge { .. }) => rt::sleep(REFUSED_PAUSE).await,
                    Err(AppendError::Closing | AppendError::Poisoned(_)) => return,
                    Err(error) => panic!("an append failed: {error}"),
                }
                if pause > 0 {
                    rt::sleep(Duration::from_micros(random.below(pause + 1))).await;
                }
            }
        };
        // A task of this core would count as crossing cores otherwise: shards are not shared in the broker.
        drop(self.sim.spawn_on(core, async move { rt::spawn(FOREGROUND, task).await }));
    }

    fn spawn_reader(&self, index: usize, mut random: SeededRandom) {
        let world = Rc::clone(&self.world);
        let id = world.specs[index].id;
        let shard = self.shard_of(id);
        let core = shard.core();
        let fault = world.plan.fault;
        let task = async move {
            let mut next = Offset::ZERO;
            loop {
                match shard.read(id, next, u32::try_from(random.between(1, 300_000)).expect("small")).await {
                    Ok(data) if data.bytes == 0 => {
                        let after = next.previous();
                        let watch = shard.watch(&[(id, after.map_or(next, |_| next))]);
                        let _ = rt::timeout(Duration::from_millis(20), watch.moved()).await;
                    }
                    Ok(data) => {
                        let bytes = data.parts.concat();
                        world.histories.borrow_mut()[index].read(next, &bytes);
                        let last = wire::batch::batches(&bytes).last().expect("some").expect("whole");
                        next = last.header().next_offset();
                    }
                    Err(ReadError::Disk(_)) if fault != Fault::None => rt::sleep(Duration::from_millis(5)).await,
                    Err(error) => panic!("a read at {next} failed: {error}"),
                }
                if random.one_in(10) {
                    next = Offset::new(random.below(next.get() + 1)).expect("small");
                }
                rt::sleep(Duration::from_micros(random.below(4_000))).await;
            }
        };
        drop(self.sim.spawn_on(core, task));
    }
}

thread_local! {
    static COMPRESSOR: RefCell<Compressor> = RefCell::new(Compressor::new());
}

fn make_batch(name: BatchName, random: &mut SeededRandom, large: bool) -> Vec<u8> {
    let stamp = ProducerStamp {
        id: ProducerId::new(u64::from(name.appender)).expect("small"),
        epoch: ProducerEpoch::ZERO,
        base_sequence: Some(Sequence::ZERO),
    };
    let codec = [Codec::None, Codec::None, Codec::Lz4, Codec::Zstd][random.index(4)];
    let producer = random.percent(50).then_some(stamp);
    let mut builder = BatchBuilder::new(BatchOptions { codec, producer, ..BatchOptions::default() });
    let records = 1 + random.index(8);
    let bytes = match (large, random.below(20)) {
        (true, 0) => random.index(120_000),
        (_, 1) => random.index(9_000),
        _ => random.index(400),
    };
    for _ in 0..records {
        let mut value = name.encode().to_vec();
        value.resize(8 + bytes, 0);
        random.fill(&mut value[8..]);
        let timestamp = Timestamp::from_wire(i64::try_from(random.below(1 << 40)).expect("41 bits"));
        builder.push(&NewRecord { timestamp, value: Some(&value), ..NewRecord::default() }).expect("it fits");
    }
    COMPRESSOR.with_borrow_mut(|compressor| builder.finish(compressor).to_vec())
}
