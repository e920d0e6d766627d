//! Starting again: checkpoints are read, journals replayed over them, and everything brought to segments, so that the
//! shards begin with empty journals, on however many cores.
//!
//! The work is bounded by the journals' size, not by the data stored: of segments only the large batches are read that
//! the journals name. It may be interrupted at any point and done again: until the new checkpoints are flushed, the old
//! ones and the journals stay as they are.

mod cleanup;
mod finish;
mod found;
mod leftovers;
mod pace;
mod progress;
mod taking;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use base::{CoreId, Offset, PartitionId, TopicId};
use bytes::Bytes;
use rt::{Disk, DiskError, WatchedDisk};
use wire::batch::{BatchHeader, ProducerStamp};

use self::cleanup::remove_retired;
use self::found::{FoundCore, JournalEnd};
use self::leftovers::Leftovers;
use self::progress::{Progress, Stage};
use crate::checkpoint::{PartitionRow, SLOTS, slot_of};
use crate::flush::SharedFlushes;
use crate::journal::direct::Placed;
use crate::journal::entry::{EntryBody, EntryHeader, EntryKind};
use crate::journal::replay::{Replay, ReplayError, ReplayFrom};
use crate::journal::ring::{RingLayout, RingState};
use crate::log::chunks::WriteWhat;
use crate::log::{PartitionSpec, SegmentPosition};
use crate::segment::reader::ReadError;
use crate::shard::ShardStart;
use crate::store::Store;
use crate::{flush, layout, limits};

/// Memory for replayed batches on their way to segments.
const CACHE_BYTES: u64 = 64 << 20;

#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The disk is too full to bring the journals to segments.
    #[error(
        "the disk is full: recovery has to write {needed} bytes that are in the journals only, and {free} are free; \
         free {missing} more bytes where the data folder lies and start again ({cause})",
        missing = needed.saturating_sub(*free)
    )]
    NoSpace { needed: u64, free: u64, cause: DiskError },
    /// Both checkpoint files of a core that has run are damaged.
    #[error("journal/{core}: neither checkpoint-a nor checkpoint-b can be read, but the journal was in use")]
    NoCheckpoint { core: CoreId },
    /// The newest checkpoint was flushed and is damaged; the one before it does not know what was given up since.
    #[error(
        "journal/{core}: checkpoint {lost} was flushed to {file} and cannot be read any more, and the one before it is \
         too old to start from: the journal after it is overwritten; bring back {file} as it was, or start with \
         recovery.damaged_journal = accept-loss, which goes back to the older one and loses what was written since",
        file = SLOTS[slot_of(*lost)]
    )]
    DamagedCheckpoint { core: CoreId, lost: u64 },
    /// The journals lack batches between a partition's checkpoint and a batch that they hold.
    #[error("partition {id}: the journals hold a batch at offset {found}, but {expected} is the next one")]
    Gap { id: PartitionId, expected: Offset, found: Offset },
    /// A replay would write a batch elsewhere than the first time, over others that are in segments only.
    #[error("partition {id}: a batch that is in its segment at {expected:?} belongs at {found:?} by the journal")]
    Misplaced { id: PartitionId, expected: SegmentPosition, found: SegmentPosition },
    /// The journals lack batches before the start of a log.
    #[error("partition {id}: its log begins at offset {start}, but what there is of it ends at {end}")]
    StartBeyondEnd { id: PartitionId, start: Offset, end: Offset },
}

/// What to do about acknowledged records that are damaged in a journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDamage {
    /// Refuse to start and say where.
    #[default]
    Refuse,
    /// Cut the journal there, say what is lost, and go on. For an operator who has nothing better.
    AcceptLoss,
}

/// A batch of an idempotent producer that was replayed: its owner's state must hear of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayedProducerBatch {
    pub producer: ProducerStamp,
    pub base_offset: Offset,
    pub header: BatchHeader,
}

/// What one core of the broker begins with.
#[derive(Debug)]
pub struct RecoveredCore {
    pub start: ShardStart,
    pub rows: Vec<PartitionRow>,
}

/// What the owner of the partitions wants of this start.
pub trait RecoveryPlan {
    /// On how many cores the broker will run.
    fn cores(&self) -> u16;

    /// Shape of the journals' rings.
    fn layout(&self) -> RingLayout;

    /// How long the next start may take: it bounds what the journals will hold.
    fn target(&self) -> Duration;

    /// Where a partition goes; `None` when it exists no more. A topic exists as long as its partition 0.
    fn core_of(&self, id: PartitionId) -> Option<CoreId>;

    /// Whether the owner's records say that this topic was deleted. Files of a topic that it never heard of are kept.
    fn was_deleted(&self, topic: TopicId) -> bool;

    /// The owner's state of a partition: what the checkpoint had, and batches of producers that came after it.
    fn attachment(&self, id: PartitionId, old: &[u8], replayed: &[ReplayedProducerBatch]) -> Vec<u8>;

    /// What is attached to the rows that one core begins with may be too much together: the owner makes it less.
    fn bound_attachments(&self, _rows: &mut [PartitionRow]) {}
}

/// A batch on its way out of a journal.
struct Replayed {
    bytes: Vec<u8>,
    /// It began its segment.
    is_first: bool,
    /// Where it is in a segment already.
    direct: Option<SegmentPosition>,
}

/// One recovery, from the folder's state at start to new checkpoints.
pub struct Recovery {
    disk: Rc<dyn Disk>,
    store: Rc<Store>,
    on_damage: OnDamage,
    cores: Vec<FoundCore>,
    incarnation: u32,
    /// The newest row of each partition.
    rows: BTreeMap<PartitionId, PartitionRow>,
    /// Partitions that were replayed.
    touched: BTreeSet<PartitionId>,
    /// Partitions whose segments hold batches of which the journals have the place only.
    direct: BTreeSet<PartitionId>,
    /// Those of them whose folder has still to be cleared of what an earlier life left.
    uncleared: RefCell<Vec<Leftovers>>,
    replayed: BTreeMap<PartitionId, Vec<ReplayedProducerBatch>>,
    /// Batches that came before the ones they follow: their partition was on two cores.
    early: BTreeMap<PartitionId, BTreeMap<Offset, Replayed>>,
    /// Where the journals say that logs begin.
    log_starts: BTreeMap<PartitionId, Offset>,
    /// Bytes that each partition's segments get from the journals.
    gained: BTreeMap<PartitionId, u64>,
    begun: base::Instant,
    progress: Rc<Progress>,
    /// Bytes of the journals that were replayed, over all passes.
    replayed_bytes: u64,
    /// A journal was cut where acknowledged records had followed.
    lossy: bool,
    /// The disk is full; from then on batches are only counted, to say how much space is missing.
    full: Option<DiskError>,
}

impl Recovery {
    /// Reads the checkpoints of all cores that ever ran here. At most `open_files_max` segments are kept open.
    pub async fn begin(disk: Rc<dyn Disk>, on_damage: OnDamage, open_files_max: usize) -> Result<Self, RecoveryError> {
        let begun = rt::now();
        let watched = WatchedDisk::new(disk, limits::DISK_STALL);
        let disk: Rc<dyn Disk> = Rc::new(watched.clone());
        let store = Store::new(Rc::clone(&disk), CACHE_BYTES, open_files_max, SharedFlushes::default());
        let progress = Progress::begin(watched, &store);
        disk.create_dir_all(Path::new(layout::JOURNALS)).await?;
        disk.create_dir_all(Path::new(layout::TOPICS)).await?;
        flush::sync_dir(&*disk, Path::new("")).await?;
        let mut cores = Vec::new();
        let folders = disk.list(Path::new(layout::JOURNALS)).await?;
        remove_retired(&*disk, &folders).await?;
        for entry in folders {
            if let Ok(number) = entry.name.parse() {
                let found = FoundCore::find(&*disk, CoreId(number)).await?;
                if let Some(lost) = found.lost {
                    let damage = RecoveryError::DamagedCheckpoint { core: found.core, lost };
                    match on_damage {
                        OnDamage::Refuse => return Err(damage),
                        OnDamage::AcceptLoss => {
                            tracing::error!(%damage, "going back, as asked: acknowledged records are lost");
                        }
                    }
                }
                cores.push(found);
            }
        }
        let lossy = cores.iter().any(|core| core.lost.is_some());
        let newest = cores.iter().filter_map(|core| core.checkpoint.as_ref()).map(|c| c.identity.incarnation).max();
        let mut recovery = Self {
            store,
            disk,
            on_damage,
            cores,
            incarnation: newest.map_or(0, |newest| newest + 1),
            rows: BTreeMap::new(),
            touched: BTreeSet::new(),
            direct: BTreeSet::new(),
            uncleared: RefCell::default(),
            replayed: BTreeMap::new(),
            early: BTreeMap::new(),
            log_starts: BTreeMap::new(),
            gained: BTreeMap::new(),
            begun,
            progress,
            replayed_bytes: 0,
            lossy,
            full: None,
        };
        recovery.merge_rows();
        if lossy {
            recovery.begin_anew_where_the_end_is_gone().await?;
        }
        Ok(recovery)
    }

    /// Counts this start of the broker, from 0.
    pub fn incarnation(&self) -> u32 {
        self.incarnation
    }

    /// Bytes of the journals that were replayed so far.
    pub fn replayed_bytes(&self) -> u64 {
        self.replayed_bytes
    }

    /// Of a partition that several checkpoints know, the row of the latest incarnation counts.
    fn merge_rows(&mut self) {
        let mut from: BTreeMap<PartitionId, u32> = BTreeMap::new();
        for checkpoint in self.cores.iter().filter_map(|core| core.checkpoint.as_ref()) {
            for row in &checkpoint.rows {
                let incarnation = checkpoint.identity.incarnation;
                let newer = match (from.get(&row.id), self.rows.get(&row.id)) {
                    (Some(known), Some(kept)) => (incarnation, row.progress()) > (*known, kept.progress()),
                    _ => true,
                };
                if newer {
                    from.insert(row.id, incarnation);
                    self.rows.insert(row.id, row.clone());
                }
            }
        }
    }

    /// Replays the journals' batches of the partitions that `spec_of` knows. May be called again for others. What fits in
    /// memory stays there until [`Recovery::finish`].
    pub async fn replay(
        &mut self,
        spec_of: impl Fn(PartitionId) -> Option<PartitionSpec>,
    ) -> Result<(), RecoveryError> {
        self.replay_cores(|_| true, spec_of).await
    }

    /// As [`Recovery::replay`], from one journal: for partitions that never were on another core.
    pub async fn replay_core(
        &mut self,
        core: CoreId,
        spec_of: impl Fn(PartitionId) -> Option<PartitionSpec>,
    ) -> Result<(), RecoveryError> {
        self.replay_cores(|found| found == core, spec_of).await
    }

    async fn replay_cores(
        &mut self,
        is_wanted: impl Fn(CoreId) -> bool,
        spec_of: impl Fn(PartitionId) -> Option<PartitionSpec>,
    ) -> Result<(), RecoveryError> {
        let mut replays = Vec::new();
        for (index, found) in self.cores.iter().enumerate().filter(|(_, found)| is_wanted(found.core)) {
            let Some(checkpoint) = &found.checkpoint else { continue };
            let (from, folder) = (ReplayFrom::checkpoint(checkpoint), layout::journal_folder(found.core));
            let Some(mut replay) = Replay::open(&*self.disk, &folder, from).await? else { continue };
            let bytes = replay.estimated_bytes().await?;
            replays.push((bytes, index, replay));
        }
        // The busiest first: should one be damaged, it is more likely this one, and the start says so sooner.
        replays.sort_by_key(|(bytes, ..)| std::cmp::Reverse(*bytes));
        self.progress.enter(Stage::Replaying { bytes: replays.iter().map(|(bytes, ..)| bytes).sum() });
        for (_, index, mut replay) in replays {
            let journal = replay.journal();
            let begun = self.progress.replayed.get();
            self.replay_one(&mut replay, &spec_of).await?;
            self.replayed_bytes += self.progress.replayed.get() - begun;
            replay.flush_new_files(&*self.disk).await?;
            self.cores[index].end = Some(JournalEnd {
                lsn: replay.position().lsn,
                journal,
                ring: RingState { layout: replay.layout(), prepared: replay.usable_files() },
            });
        }
        if self.lossy {
            for (id, waiting) in std::mem::take(&mut self.early) {
                let batches = waiting.len();
                tracing::error!(%id, batches, "dropped: they follow batches that are lost");
            }
        }
        if self.full.is_none()
            && let Some((id, waiting)) = self.early.iter().next()
        {
            let expected = self.store.with(*id, |log| log.end()).unwrap_or_default();
            let found = waiting.keys().next().copied().unwrap_or_default();
            return Err(RecoveryError::Gap { id: *id, expected, found });
        }
        match self.full.take() {
            Some(cause) => Err(self.no_space(cause).await),
            None => Ok(()),
        }
    }

    async fn replay_one(
        &mut self,
        replay: &mut Replay,
        spec_of: &impl Fn(PartitionId) -> Option<PartitionSpec>,
    ) -> Result<(), RecoveryError> {
        loop {
            let entry = match replay.next().await {
                Ok(Some(entry)) => entry,
                Ok(None) => return Ok(()),
                Err(error) => return self.cut_at(error),
            };
            let (header, id) = (entry.header, entry.header.partition);
            let bytes = EntryHeader::total_bytes(header.body_bytes);
            self.progress.replayed.set(self.progress.replayed.get() + bytes);
            let Some(spec) = spec_of(id) else { continue };
            let batch = match entry.body {
                EntryBody::Batch(_) => {
                    let is_first = header.kind == EntryKind::FirstBatch;
                    Replayed { bytes: entry.bytes.to_vec(), is_first, direct: None }
                }
                EntryBody::Direct(batch) => {
                    let placed = Placed::read(entry.bytes, &batch).expect("the replay has checked it");
                    self.direct.insert(id);
                    if self.has(id, batch.base_offset()) {
                        continue;
                    }
                    let Some(bytes) = self.read_direct(id, &placed).await? else {
                        let (segment, byte) = (layout::segment_file(id, placed.at.segment), placed.at.position);
                        return match replay.end_before(&header, segment, byte).await {
                            Ok(()) => Ok(()),
                            Err(error) => self.cut_at(error),
                        };
                    };
                    Replayed { bytes, is_first: false, direct: Some(placed.at) }
                }
                EntryBody::LogStart(start) => {
                    let known = self.log_starts.entry(id).or_default();
                    *known = start.max(*known);
                    continue;
                }
            };
            self.take(spec, batch).await?;
            self.take_early_ones(spec).await?;
            rt::yield_if_needed().await;
        }
    }

    /// Goes on after damage if that was asked for.
    fn cut_at(&mut self, error: ReplayError) -> Result<(), RecoveryError> {
        match (error, self.on_damage) {
            (ReplayError::Disk(cause), _) => Err(ReplayError::Disk(cause).into()),
            (damage, OnDamage::Refuse) => Err(damage.into()),
            (damage, OnDamage::AcceptLoss) => {
                tracing::error!(%damage, "cut here, as asked: acknowledged records are lost");
                self.lossy = true;
                Ok(())
            }
        }
    }

    /// Makes room: a complete chunk of anybody, else all of the partition at hand.
    pub(super) async fn write_some(&self, slot: u32) -> Result<(), RecoveryError> {
        self.clear_pending().await?;
        if let Some(queued) = self.store.write_back.pop() {
            while self.store.write_one(queued, WriteWhat::Complete).await? {}
        } else if !self.store.write_one(slot, WriteWhat::Everything).await? {
            self.settle().await?;
        }
        Ok(())
    }

    /// Gives back what this attempt has written so far, and says how much space the next one needs.
    async fn no_space(&self, cause: DiskError) -> RecoveryError {
        // But for segments that hold batches which are nowhere else.
        for id in self.touched.difference(&self.direct) {
            if let Err(error) = Leftovers::all(&self.row_of(*id)).clear(&*self.disk).await {
                return error.into();
            }
        }
        // A partition's bytes end inside a block, and its index, its folder and their entries take some more.
        let needed = self.gained.values().map(|bytes| bytes + limits::PARTITION_OVERHEAD_BYTES).sum();
        match self.disk.free_bytes().await {
            Ok(free) => RecoveryError::NoSpace { needed, free, cause },
            Err(other) => other.into(),
        }
    }

    /// Brings everything that was replayed to segments and flushes it.
    async fn settle(&self) -> Result<(), RecoveryError> {
        self.clear_pending().await?;
        let dirty: Vec<_> = (0_u32..)
            .zip(&mut self.store.logs.borrow_mut().slots)
            .filter_map(|(slot, log)| {
                let log = log.as_mut()?;
                std::mem::take(&mut log.dirty).then(|| (slot, log.end_position()))
            })
            .collect();
        let (partitions, before) = (dirty.len() as u64, self.store.settled.get());
        self.progress.enter(Stage::Settling { partitions, before });
        Ok(self.store.settle_all(&dirty).await?)
    }

    /// What the checkpoints know of a partition.
    fn row_of(&self, id: PartitionId) -> PartitionRow {
        self.rows.get(&id).cloned().unwrap_or_else(|| PartitionRow::new(id))
    }

    /// Every batch of a partition from its log start on, that of the journals if it was replayed, for state that is kept as
    /// a log.
    pub async fn read_all(&mut self, spec: PartitionSpec) -> Result<Vec<Bytes>, RecoveryError> {
        self.clear_pending().await?;
        let row = self.row_of(spec.id);
        if self.store.slot_of(spec.id).is_none() {
            self.touched.insert(spec.id);
            self.store.add(spec, &row);
        }
        let mut batches = Vec::new();
        let mut next = row.log_start.max(self.log_starts.get(&spec.id).copied().unwrap_or_default());
        let end = self.store.with(spec.id, |log| log.end()).unwrap_or_default();
        while next < end {
            let read = match self.store.with(spec.id, |log| log.find(next, limits::READ_AHEAD_BYTES_MAX)) {
                Some(crate::log::find::Found::Memory(run)) => run.parts.concat(),
                _ => {
                    let data = self.store.read_from_disk(spec.id, next, limits::READ_AHEAD_BYTES_MAX).await?;
                    data.parts.concat()
                }
            };
            let mut rest = Bytes::from(read);
            while !rest.is_empty() {
                let (_, after, bytes) = crate::segment::scan::walk(&rest).expect("what is read was checked");
                let batch = rest.split_to(bytes as usize);
                if after > next {
                    next = after;
                    batches.push(batch);
                }
            }
        }
        Ok(batches)
    }

    /// Partitions that the data folder knows anything of.
    pub fn known(&self) -> BTreeSet<PartitionId> {
        let started = self.log_starts.keys().copied();
        self.rows.keys().copied().chain(self.touched.iter().copied()).chain(started).collect()
    }
}
