//! The shard: all that one core owns, behind one handle.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use base::{CoreId, Histogram, LeaderEpoch, Offset, PartitionId, ProducerId, Timestamp};
use futures_lite::future::BoxedLocal;
use rt::{Disk, DiskError, Flag, Gate, Notify, WatchedDisk};

use crate::admission::Turnstile;
use crate::checkpoint::{CheckpointFiles, PartitionRow};
use crate::compaction::Cleaned;
use crate::departure::Departures;
use crate::flush::SharedFlushes;
use crate::journal::direct::DIRECT_BYTES_MIN;
use crate::journal::entry::Lsn;
use crate::journal::measured;
use crate::journal::ring::RingState;
use crate::journal::{Durability, Journal, JournalBatch, JournalOwner, JournalStart, Touched};
use crate::log::find::{Found, MemoryRun};
use crate::log::{AppendBatch, HowToAppend, PartitionSpec, Roll};
use crate::scrub::{ScrubConfig, ScrubCounts};
use crate::segment::reader::{ReadData, ReadError, ReadSource};
use crate::space::Space;
use crate::store::Store;
use crate::task_queues::FOREGROUND;
use crate::traffic::TrafficCounts;
use crate::tuning::ShardTuning;
use crate::{layout, limits};

/// What a shard is given of the machine.
#[derive(Clone, Debug)]
pub struct ShardConfig {
    pub core: CoreId,
    /// Bytes of chunks: data on its way to segments, and recent data.
    pub cache_bytes: u64,
    /// Longest time that a write of a relaxed partition stays unflushed.
    pub flush_interval: Duration,
    /// A checkpoint is taken this long after an append at the latest.
    pub checkpoint_interval: Duration,
    /// Appends are refused while the disk has less than this free.
    pub free_space_floor: u64,
    /// How often retention looks at all partitions.
    pub retention_check_interval: Duration,
    /// Batches of at least so many bytes are written straight to their segment instead of to the journal first; at
    /// least [`DIRECT_BYTES_MIN`](crate::journal::direct::DIRECT_BYTES_MIN).
    pub direct_bytes_min: u32,
    /// Larger files that are removed give their blocks back in pieces of so many bytes.
    pub freed_at_once_bytes_max: u64,
    pub scrub: ScrubConfig,
    /// How often logs are looked at that compaction keeps, once nothing is left to do.
    pub compaction_check_interval: Duration,
    /// Bytes for the keys of a cleaning, while one runs.
    pub compaction_key_bytes: u64,
    /// Bytes that compaction reads and writes in a second.
    pub compaction_bytes_per_second: u64,
    /// Segment files kept open; at most [`OPEN_FILES_MAX`](limits::OPEN_FILES_MAX).
    pub open_files_max: usize,
}

/// How a shard begins: what recovery has left for its core.
#[derive(Clone, Debug)]
pub struct ShardStart {
    pub journal: JournalStart,
    /// Number of the next checkpoint.
    pub next_checkpoint: u64,
    /// The journal may hold so much that is in no checkpoint; appends wait rather than exceed it.
    pub unreplayed_bytes_max: u64,
    /// The same one for all cores.
    pub shared_flushes: SharedFlushes,
}

/// A batch has its offsets and is in memory; see [`Shard::safe`] for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    pub base_offset: Offset,
    /// Offset after the batch's last record.
    pub end: Offset,
    pub log_start: Offset,
    lsn: Lsn,
    durability: Durability,
}

/// A log's offsets at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOffsets {
    pub log_start: Offset,
    /// End of what is safe and may be read: the high watermark of a log without followers.
    pub high_watermark: Offset,
    pub log_end: Offset,
    /// Bytes of all segments.
    pub bytes: u64,
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// The partition was deleted, or belongs to another core.
    #[error("partition {0} is not on this core")]
    UnknownPartition(PartitionId),
    /// The other core takes it in a moment, or this one again.
    #[error("partition {0} is on its way to another core")]
    Leaving(PartitionId),
    #[error("the batch has {bytes} bytes; the journal takes at most {limit}")]
    TooLarge { bytes: u32, limit: u32 },
    /// The disk is full, or below its free-space floor. Clears by itself when space returns.
    #[error("the disk has no space left for new records")]
    NoSpace,
    /// A write or flush failed. Nothing is accepted until a restart has recovered what is on disk.
    #[error("storage has failed: {0}")]
    Poisoned(#[source] DiskError),
    /// Too many appends wait already.
    #[error("queue {queue} is full at its limit of {limit}")]
    Overloaded { queue: &'static str, limit: usize },
    #[error("the broker is shutting down")]
    Closing,
}

/// Something to wait on until records beyond an offset are safe in one of several partitions.
pub struct Watch {
    store: Rc<Store>,
    flag: Rc<Flag>,
    slots: Vec<u32>,
}

impl Watch {
    /// Resolves once one of the partitions has moved, or is gone.
    pub async fn moved(&self) {
        self.flag.wait().await;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        for slot in &self.slots {
            self.store.with_slot(*slot, |log| log.unwatch(&self.flag));
        }
    }
}

/// See the crate's documentation.
pub struct Shard {
    pub(crate) config: ShardConfig,
    pub(crate) tuning: Cell<ShardTuning>,
    pub(crate) tuned: Notify,
    /// The store's disk, as the one who watches it sees it.
    pub(crate) disk: WatchedDisk,
    pub(crate) store: Rc<Store>,
    journal: OnceCell<Rc<Journal>>,
    pub(crate) turnstile: Turnstile,
    pub(crate) checkpoints: CheckpointFiles,
    pub(crate) next_checkpoint: Cell<u64>,
    /// The ring as the newest checkpoint knows it.
    pub(crate) ring_in_checkpoint: Cell<Option<RingState>>,
    pub(crate) checkpoint_wanted: Flag,
    pub(crate) checkpointing: Cell<bool>,
    /// How long checkpoints took, in microseconds.
    pub(crate) checkpoint_times: Histogram,
    pub(crate) traffic: TrafficCounts,
    pub(crate) space: Rc<Space>,
    pub(crate) gate: Gate,
    pub(crate) scrubbed: Cell<ScrubCounts>,
    /// As old as this are segments of earlier lives whose records have no timestamps.
    pub(crate) opened: Timestamp,
    pub(crate) attachments: RefCell<Rc<Attachments>>,
    pub(crate) producers: RefCell<Rc<LastOfProducers>>,
    pub(crate) cleaned: Cleaned,
    pub(crate) departures: Departures,
}

/// Gives the last offset of each producer that is remembered of a partition.
pub type LastOfProducers = dyn Fn(PartitionId) -> Option<BoxedLocal<BTreeMap<ProducerId, Offset>>>;

/// What the owner attaches to a partition's row: its state in the moment of the call, put into bytes with pauses after it.
/// `None` for nothing.
pub type Attachments = dyn Fn(PartitionId) -> Option<BoxedLocal<Vec<u8>>>;

impl Shard {
    /// Opens a shard with the partitions that recovery found for it, and starts its background tasks.
    pub async fn open(
        disk: Rc<dyn Disk>,
        config: ShardConfig,
        start: ShardStart,
        partitions: Vec<(PartitionSpec, PartitionRow)>,
    ) -> Result<Rc<Self>, DiskError> {
        assert!(config.direct_bytes_min >= DIRECT_BYTES_MIN, "smaller batches have no block of their own");
        let watched = WatchedDisk::new(disk, limits::DISK_STALL);
        let disk: Rc<dyn Disk> = Rc::new(watched.clone());
        let folder = layout::journal_folder(config.core);
        let checkpoints = CheckpointFiles::open(&*disk, config.core).await?;
        let store =
            Store::new(Rc::clone(&disk), config.cache_bytes, config.open_files_max, start.shared_flushes.clone());
        store.freeing.at_once_bytes_max.set(config.freed_at_once_bytes_max);
        for (spec, row) in partitions {
            store.add(spec, &row);
        }
        let listening = Rc::clone(&store);
        let listener = Rc::new(move |touched: &[Touched], level: Durability| {
            listening.became_safe(touched, level);
            listening.progress.notify_all();
        });
        let shard = Rc::new(Self {
            disk: watched,
            store,
            journal: OnceCell::new(),
            turnstile: Turnstile::new("shard.appends", limits::APPENDS_WAITING_MAX),
            checkpoints,
            next_checkpoint: Cell::new(start.next_checkpoint),
            ring_in_checkpoint: Cell::new(Some(start.journal.ring())),
            checkpoint_wanted: Flag::new(),
            checkpointing: Cell::new(false),
            checkpoint_times: Histogram::new(measured::MICROSECONDS),
            traffic: TrafficCounts::default(),
            space: Space::new(config.core),
            gate: Gate::new("shard"),
            scrubbed: Cell::default(),
            opened: rt::wall_clock(),
            attachments: RefCell::new(Rc::new(|_| None)),
            producers: RefCell::new(Rc::new(|_| None)),
            cleaned: Cleaned::default(),
            departures: Departures::default(),
            tuning: Cell::new(ShardTuning::of(&config)),
            tuned: Notify::new(),
            config,
        });
        let writing = Rc::clone(&shard.store);
        let write_direct = Rc::new(move |slot, blocks| {
            let store = Rc::clone(&writing);
            rt::spawn(FOREGROUND, async move { store.write_direct(slot, blocks).await })
        });
        let owner = JournalOwner { listener, write_direct };
        let journal = Journal::open(disk, folder, start.journal, owner).await?;
        journal.bound(start.unreplayed_bytes_max);
        shard.journal.set(journal).ok().expect("the journal is set once");
        shard.start_tasks();
        Ok(shard)
    }

    /// Takes a partition into this shard, as new (`PartitionRow::new`) or as recovery found it.
    pub fn add_partition(&self, spec: PartitionSpec, row: &PartitionRow) {
        self.store.add(spec, row);
    }

    /// Changes the settings of a partition that is here.
    pub fn update_partition(&self, spec: PartitionSpec) {
        self.store.with(spec.id, |log| log.spec = spec);
    }

    /// Forgets a partition at once, for good, and removes its files in the background. Its id is never used again.
    pub fn remove_partition(self: &Rc<Self>, id: PartitionId) {
        if let Some(slot) = self.store.remove(id) {
            self.remove_files_later(id, slot);
        }
    }

    /// Gives a batch its offsets and copies it into the journal and the partition's chunk. [`Shard::room`] or
    /// [`Turn::wait`](crate::Turn::wait) has just said that there is room.
    pub fn append_now(&self, id: PartitionId, batch: AppendBatch<'_>) -> Result<Appended, AppendError> {
        if let Some(cause) = self.failed() {
            return Err(AppendError::Poisoned(cause));
        }
        let how = HowToAppend { roll: Roll::ByRule, direct_bytes_min: self.config.direct_bytes_min };
        let taken = self.store.append(id, batch, how)?;
        self.traffic.appended(batch.bytes(), batch.offsets);
        let entry = JournalBatch { partition: id, header: &taken.header, payload: batch.payload, at: taken.at };
        let lsn = match taken.direct {
            Some(blocks) => self.journal().append_direct(entry, blocks, taken.touched),
            None => self.journal().append(entry, taken.touched),
        };
        let lsn = lsn.map_err(AppendError::Poisoned)?;
        self.checkpoint_wanted_if_due();
        Ok(Appended {
            base_offset: taken.base_offset,
            end: taken.touched.end,
            log_start: taken.log_start,
            lsn,
            durability: taken.touched.durability,
        })
    }

    /// Resolves once an append is as safe as its partition's durability asks, or cannot become so.
    pub async fn safe(&self, appended: Appended) -> Result<(), DiskError> {
        self.journal().reached(appended.lsn, appended.durability).await
    }

    /// Whether [`Shard::safe`] would resolve at once, and how.
    pub fn is_safe(&self, appended: Appended) -> Option<Result<(), DiskError>> {
        self.journal().has_reached(appended.lsn, appended.durability)
    }

    /// Resolves once everything before `end` in a partition is safe: for an answer to a repeated append.
    pub async fn safe_up_to(&self, id: PartitionId, end: Offset) -> Result<(), AppendError> {
        loop {
            if let Some(cause) = self.failed() {
                return Err(AppendError::Poisoned(cause));
            }
            match self.store.with(id, |log| log.stable() >= end) {
                None => return Err(AppendError::UnknownPartition(id)),
                Some(true) => return Ok(()),
                // A journal that fails moves nothing in the store.
                Some(false) => {
                    futures_lite::future::or(self.store.progress.notified(), self.journal().room_changed()).await;
                }
            }
        }
    }

    /// Whole batches from `offset` on, at most `bytes_max` bytes but at least one batch; none when `offset` is the end.
    pub async fn read(&self, id: PartitionId, offset: Offset, bytes_max: u32) -> Result<ReadData, ReadError> {
        match self.read_memory(id, offset, bytes_max) {
            Some(result) => result,
            None => self.store.read_from_disk(id, offset, bytes_max).await.inspect(|data| self.traffic.read(data)),
        }
    }

    /// As [`Shard::read`], but only if no disk has to be waited for; `None` otherwise.
    pub fn read_memory(&self, id: PartitionId, offset: Offset, bytes_max: u32) -> Option<Result<ReadData, ReadError>> {
        let Some(slot) = self.store.slot_of(id) else { return Some(Err(ReadError::UnknownPartition(id))) };
        let (found, offsets) = self.store.with_slot(slot, |log| (log.find(offset, bytes_max), log.offsets()))?;
        let (parts, bytes, next_offset) = match found {
            Found::OutOfRange => return Some(Err(ReadError::OutOfRange { wanted: offset, offsets })),
            Found::Disk => return None,
            Found::AtEnd => (Vec::new(), 0, offset),
            Found::Memory(MemoryRun { parts, bytes, next }) => (parts, bytes, next),
        };
        self.store.note_use(slot);
        let data = ReadData { parts, bytes, next_offset, offsets, source: ReadSource::Memory };
        self.traffic.read(&data);
        Some(Ok(data))
    }

    /// Watches partitions of this core for records beyond the given offsets. Unknown partitions count as moved.
    pub fn watch(&self, partitions: &[(PartitionId, Offset)]) -> Watch {
        let flag = Rc::new(Flag::new());
        let mut slots = Vec::with_capacity(partitions.len());
        for (id, after) in partitions {
            match self.store.slot_of(*id) {
                Some(slot) => {
                    slots.push(slot);
                    self.store.with_slot(slot, |log| log.watch(*after, &flag));
                }
                None => flag.raise(),
            }
        }
        Watch { store: Rc::clone(&self.store), flag, slots }
    }

    pub fn offsets(&self, id: PartitionId) -> Option<LogOffsets> {
        self.store.with(id, |log| log.offsets())
    }

    /// The largest leader epoch not above `wanted` in a partition's log, and the offset after its last record.
    pub fn end_of_epoch(&self, id: PartitionId, wanted: LeaderEpoch) -> Option<(LeaderEpoch, Offset)> {
        self.store.with(id, |log| log.end_of_epoch(wanted))
    }

    /// Sets where the owner's own state per partition comes from when a checkpoint is taken.
    pub fn set_attachments(&self, source: Rc<Attachments>) {
        *self.attachments.borrow_mut() = source;
    }

    /// Sets who knows the last offsets of producers: compaction keeps the headers of those batches.
    pub fn set_producers(&self, source: Rc<LastOfProducers>) {
        *self.producers.borrow_mut() = source;
    }

    pub fn core(&self) -> CoreId {
        self.config.core
    }

    /// Why this shard accepts nothing any more, if so.
    pub fn failed(&self) -> Option<DiskError> {
        self.store.poisoned().or_else(|| self.journal().poisoned())
    }

    /// Flushes everything, takes a last checkpoint and ends the tasks. Appends from now on are refused.
    pub async fn close(self: &Rc<Self>) -> Result<(), DiskError> {
        self.turnstile.close();
        self.store.progress.notify_all();
        let result = match self.last_checkpoint().await {
            Ok(()) => {
                self.store.give_back_direct_space().await;
                self.journal().close().await
            }
            Err(cause) => Err(cause),
        };
        self.gate.close().await;
        result
    }

    pub(crate) fn journal(&self) -> &Rc<Journal> {
        self.journal.get().expect("the journal is set while the shard opens")
    }
}
