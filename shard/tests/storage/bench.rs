//! A broker's storage without a broker: recovery and one shard, started again and again on one simulated disk.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use base::{CoreId, LeaderEpoch, Offset, PartitionId, Timestamp, TopicId};
use rt::Disk;
use rt::sim::{Sim, SimConfig, SimDisk, SimDiskConfig};
use shard::journal::direct::DIRECT_BYTES_MIN;
use shard::journal::ring::RingLayout;
use shard::recovery::{OnDamage, Recovery, RecoveryError, RecoveryPlan, ReplayedProducerBatch};
use shard::task_queues::TASK_QUEUES;
use shard::{
    AppendBatch, AppendError, Compaction, Durability, PartitionRow, PartitionSpec, Reserve, Retention, ScrubConfig,
    Shard, ShardConfig, Turn,
};
use wire::batch::{BatchBuilder, BatchHeader, BatchOptions, HEADER_BYTES, NewRecord};
use wire::compress::Compressor;

pub(crate) const RING_BYTES: u64 = 1 << 20;

/// Puts something between the storage and its disk.
pub(crate) type View = fn(Rc<dyn Disk>) -> Rc<dyn Disk>;

/// What lives on between two starts: the disk, and what the owner of the partitions knows.
pub(crate) struct Bench {
    pub(crate) disk: SimDisk,
    pub(crate) partitions: RefCell<Vec<PartitionId>>,
    pub(crate) deleted: RefCell<BTreeSet<TopicId>>,
    pub(crate) on_damage: Cell<OnDamage>,
    pub(crate) checkpoint_interval: Cell<Duration>,
    pub(crate) free_space_floor: Cell<u64>,
    pub(crate) segment_bytes: Cell<u32>,
    pub(crate) retention: Cell<Retention>,
    pub(crate) retention_check_interval: Cell<Duration>,
    pub(crate) compaction: Cell<Option<Compaction>>,
    pub(crate) compaction_check_interval: Cell<Duration>,
    pub(crate) compaction_key_bytes: Cell<u64>,
    pub(crate) cache_bytes: Cell<u64>,
    pub(crate) direct_bytes_min: Cell<u32>,
    pub(crate) ring_bytes: Cell<u64>,
    pub(crate) recovery_target: Cell<Duration>,
    pub(crate) scrub: Cell<ScrubConfig>,
    /// What the storage sees of the disk.
    pub(crate) view: Cell<View>,
    lives: Cell<u64>,
}

struct Plan {
    ring_bytes: u64,
    target: Duration,
    partitions: Vec<PartitionId>,
    deleted: BTreeSet<TopicId>,
}

impl RecoveryPlan for Plan {
    fn cores(&self) -> u16 {
        1
    }

    fn layout(&self) -> RingLayout {
        RingLayout::of_total(self.ring_bytes)
    }

    fn target(&self) -> Duration {
        self.target
    }

    fn core_of(&self, id: PartitionId) -> Option<CoreId> {
        self.partitions.contains(&id).then_some(CoreId(0))
    }

    fn was_deleted(&self, topic: TopicId) -> bool {
        self.deleted.contains(&topic)
    }

    fn attachment(&self, _: PartitionId, old: &[u8], _: &[ReplayedProducerBatch]) -> Vec<u8> {
        old.to_vec()
    }
}

pub(crate) fn partition(topic: u32, index: u32) -> PartitionId {
    PartitionId::new(TopicId::from_random(u128::from(topic)), index)
}

/// What partitions of this test are like.
#[derive(Clone, Copy)]
struct Settings {
    segment_bytes: u32,
    retention: Retention,
    compaction: Option<Compaction>,
}

impl Settings {
    fn spec(&self, id: PartitionId) -> PartitionSpec {
        let Self { segment_bytes, retention, compaction } = *self;
        PartitionSpec { retention, compaction, ..PartitionSpec::new(id, segment_bytes, Durability::Flushed) }
    }
}

impl Bench {
    pub(crate) fn new(partitions: &[PartitionId]) -> Rc<Self> {
        Rc::new(Self {
            disk: SimDisk::new(7, SimDiskConfig::default()),
            partitions: RefCell::new(partitions.to_vec()),
            deleted: RefCell::default(),
            on_damage: Cell::new(OnDamage::Refuse),
            checkpoint_interval: Cell::new(Duration::from_secs(3600)),
            free_space_floor: Cell::new(0),
            segment_bytes: Cell::new(256 << 10),
            retention: Cell::default(),
            retention_check_interval: Cell::new(Duration::from_secs(1)),
            compaction: Cell::default(),
            compaction_check_interval: Cell::new(Duration::from_secs(1)),
            compaction_key_bytes: Cell::new(1 << 20),
            cache_bytes: Cell::new(1 << 20),
            direct_bytes_min: Cell::new(DIRECT_BYTES_MIN),
            ring_bytes: Cell::new(RING_BYTES),
            recovery_target: Cell::new(Duration::from_secs(5)),
            scrub: Cell::new(ScrubConfig { interval: None, bytes_per_second: 64 << 20 }),
            view: Cell::new(|disk| disk),
            lives: Cell::new(0),
        })
    }

    /// Runs one life of the process. It ends by being killed when `work` is done.
    pub(crate) fn live<T: 'static>(self: &Rc<Self>, work: impl AsyncFnOnce(Rc<Bench>) -> T + 'static) -> T {
        let life = self.lives.replace(self.lives.get() + 1);
        let sim = Sim::new(SimConfig { cores: 1, queues: TASK_QUEUES, ..SimConfig::new(life) });
        let bench = Rc::clone(self);
        sim.block_on(CoreId(0), async move { work(bench).await })
    }

    /// A life that appends so many records of 10,000 bytes, and ends in good order.
    pub(crate) fn live_and_append(self: &Rc<Self>, id: PartitionId, records: usize) {
        self.live(async move |bench| {
            let shard = bench.start().await.expect("the folder opens");
            for _ in 0..records {
                append(&shard, id, 10_000).await.expect("a good disk takes it");
            }
            shard.close().await.expect("it closes");
        });
    }

    /// Changes files while no process runs.
    pub(crate) fn meddle(self: &Rc<Self>, work: impl AsyncFnOnce(Rc<dyn Disk>) + 'static) {
        self.live(async move |bench| work(bench.disk.attach()).await);
    }

    /// Recovers the disk and opens a shard on it.
    pub(crate) async fn start(&self) -> Result<Rc<Shard>, RecoveryError> {
        let disk = (self.view.get())(self.disk.attach());
        let (segment_bytes, retention, compaction) =
            (self.segment_bytes.get(), self.retention.get(), self.compaction.get());
        let settings = Settings { segment_bytes, retention, compaction };
        let mut recovery =
            Recovery::begin(Rc::clone(&disk), self.on_damage.get(), shard::limits::OPEN_FILES_MAX).await?;
        let plan = Plan {
            ring_bytes: self.ring_bytes.get(),
            target: self.recovery_target.get(),
            partitions: self.partitions.borrow().clone(),
            deleted: self.deleted.borrow().clone(),
        };
        recovery.remove_deleted(|topic| plan.deleted.contains(&topic)).await?;
        recovery.replay(|id| plan.partitions.contains(&id).then(|| settings.spec(id))).await?;
        let recovered = recovery.finish(&plan).await?.remove(0);
        let rows = recovered.rows.into_iter().map(|row| (settings.spec(row.id), row)).collect();
        let config = ShardConfig {
            core: CoreId(0),
            cache_bytes: self.cache_bytes.get(),
            flush_interval: Duration::from_millis(20),
            checkpoint_interval: self.checkpoint_interval.get(),
            free_space_floor: self.free_space_floor.get(),
            retention_check_interval: self.retention_check_interval.get(),
            direct_bytes_min: self.direct_bytes_min.get(),
            freed_at_once_bytes_max: shard::limits::FREED_AT_ONCE_BYTES_MAX,
            scrub: self.scrub.get(),
            compaction_check_interval: self.compaction_check_interval.get(),
            compaction_key_bytes: self.compaction_key_bytes.get(),
            compaction_bytes_per_second: 100 << 20,
            open_files_max: shard::limits::OPEN_FILES_MAX,
        };
        let shard = Shard::open(disk, config, recovered.start, rows).await?;
        for id in &plan.partitions {
            if shard.offsets(*id).is_none() {
                shard.add_partition(settings.spec(*id), &PartitionRow::new(*id));
            }
        }
        Ok(shard)
    }

    /// Every file and its length, for comparison.
    pub(crate) fn files_below(&self, folder: &str) -> Vec<String> {
        let files = self.disk.files().into_iter().map(|(path, _)| path);
        files.filter(|path| Path::new(path.trim_start_matches('/')).starts_with(folder)).collect()
    }
}

/// Takes a new partition in, if it is not here.
pub(crate) fn add(shard: &Rc<Shard>, id: PartitionId, segment_bytes: u32) {
    if shard.offsets(id).is_none() {
        let settings = Settings { segment_bytes, retention: Retention::default(), compaction: None };
        shard.add_partition(settings.spec(id), &PartitionRow::new(id));
    }
}

/// A batch of one record with about so many bytes.
fn batch(bytes: usize, timestamp: Option<Timestamp>) -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    let value = vec![b'v'; bytes];
    builder.push(&NewRecord { timestamp, value: Some(&value), ..NewRecord::default() }).expect("it fits");
    builder.finish(&mut Compressor::new()).to_vec()
}

/// As [`append`], as the owner appends to its own log.
pub(crate) async fn append_own(
    shard: &Rc<Shard>,
    id: PartitionId,
    bytes: usize,
    reserve: Reserve,
) -> Result<Offset, AppendError> {
    let bytes = batch(bytes, None);
    shard.room_for_own(u32::try_from(bytes.len()).expect("small"), reserve).await?;
    let appended = shard.append_now(id, append_batch(&bytes))?;
    shard.safe(appended).await.map_err(AppendError::Poisoned)?;
    Ok(appended.end)
}

/// Appends one record and waits until it is safe; gives the offset after it.
pub(crate) async fn append(shard: &Rc<Shard>, id: PartitionId, bytes: usize) -> Result<Offset, AppendError> {
    append_batch_of(shard, id, batch(bytes, None)).await
}

/// As [`append`], of a record with a timestamp.
pub(crate) async fn append_at(shard: &Rc<Shard>, id: PartitionId, bytes: usize, time: Timestamp) -> Offset {
    append_batch_of(shard, id, batch(bytes, Some(time))).await.expect("a good disk takes it")
}

pub(crate) async fn append_batch_of(shard: &Rc<Shard>, id: PartitionId, bytes: Vec<u8>) -> Result<Offset, AppendError> {
    append_in_turn(shard, shard.turn()?, id, &bytes).await
}

/// As [`append`], from a place in the line that was taken before.
pub(crate) async fn append_after(
    shard: &Rc<Shard>,
    turn: Turn,
    id: PartitionId,
    bytes: usize,
) -> Result<Offset, AppendError> {
    append_in_turn(shard, turn, id, &batch(bytes, None)).await
}

async fn append_in_turn(shard: &Rc<Shard>, turn: Turn, id: PartitionId, bytes: &[u8]) -> Result<Offset, AppendError> {
    turn.wait(u32::try_from(bytes.len()).expect("small")).await?;
    let appended = turn.append(id, append_batch(bytes))?;
    shard.safe(appended).await.map_err(AppendError::Poisoned)?;
    Ok(appended.end)
}

fn append_batch(bytes: &[u8]) -> AppendBatch<'_> {
    let header = BatchHeader::read(bytes).expect("whole");
    let (head, payload) = bytes.split_first_chunk::<HEADER_BYTES>().expect("whole");
    let offsets = header.last_offset_delta() + 1;
    let max_timestamp = header.max_timestamp().map_or(-1, Timestamp::to_wire);
    AppendBatch { header: head, payload, offsets, max_timestamp, leader_epoch: LeaderEpoch::ZERO }
}

/// Reads a log from its start; gives the offset after its last record.
pub(crate) async fn read_all(shard: &Rc<Shard>, id: PartitionId) -> Offset {
    let end = shard.offsets(id).expect("it is here").high_watermark;
    let mut next = shard.offsets(id).expect("it is here").log_start;
    while next < end {
        let data = shard.read(id, next, 100_000).await.expect("what is safe can be read");
        for batch in wire::batch::batches(&data.parts.concat()) {
            let header = *batch.expect("whole").header();
            assert_eq!(header.base_offset(), next, "the log has a hole");
            next = header.next_offset();
        }
    }
    next
}

/// Bytes that are taken on the disk.
pub(crate) fn used(disk: &SimDisk) -> u64 {
    disk.files().iter().map(|(_, bytes)| bytes.next_multiple_of(4096)).sum()
}

/// Appends until the disk is said to be full.
pub(crate) async fn fill_disk(shard: &Rc<Shard>, id: PartitionId) {
    for _ in 0..10_000 {
        match append(shard, id, 10_000).await {
            Ok(_) => {}
            Err(AppendError::NoSpace) => return,
            Err(other) => panic!("{other}"),
        }
    }
    panic!("the disk takes everything");
}
