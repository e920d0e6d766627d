//! The partitions of one core and their way to segment files; what a running shard and a recovery share.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use base::{Offset, PartitionId};
use rt::{Disk, DiskError, Notify};

use crate::checkpoint::PartitionRow;
use crate::compaction::swap::SegmentLocks;
use crate::damage::DamageList;
use crate::direct::Direct;
use crate::flush::SharedFlushes;
use crate::freeing::Freeing;
use crate::journal::{Durability, Touched};
use crate::log::chunks::{DirectBlocks, WriteWhat};
use crate::log::passing::PassedLog;
use crate::log::{AppendBatch, AppendedBatch, HowToAppend, PartitionLog, PartitionSpec, SegmentPosition};
use crate::pool::ChunkPool;
use crate::removal::Removal;
use crate::segment::reader::Reader;
use crate::shard::AppendError;
use crate::write_back::WriteBack;

#[derive(Default)]
pub(crate) struct Logs {
    /// Slots are never used again, so that a late report about a deleted partition finds nothing.
    pub(crate) slots: Vec<Option<Box<PartitionLog>>>,
    pub(crate) by_id: BTreeMap<PartitionId, u32>,
    /// Logs whose oldest chunk may be let go of, by the tick of their last use. Others would be walked past again and
    /// again: a thousand slow partitions, each with an unfinished chunk, are colder than a busy one.
    by_use: BTreeSet<(u64, u32)>,
    tick: u64,
}

pub(crate) struct Store {
    pub(crate) disk: Rc<dyn Disk>,
    pub(crate) logs: RefCell<Logs>,
    pub(crate) pool: ChunkPool,
    pub(crate) write_back: WriteBack,
    pub(crate) direct: Direct,
    pub(crate) reader: Reader,
    pub(crate) removal: Removal,
    pub(crate) freeing: Freeing,
    pub(crate) damage: DamageList,
    pub(crate) segment_locks: SegmentLocks,
    /// Memory was freed, a write ended, space returned: somebody who waits should look again.
    pub(crate) progress: Notify,
    /// Partitions that were brought to segments for a checkpoint, since the start.
    pub(crate) settled: Cell<u64>,
    pub(crate) shared_flushes: SharedFlushes,
    poisoned: RefCell<Option<DiskError>>,
}

/// A batch that a log has taken.
pub(crate) struct Taken {
    pub(crate) base_offset: Offset,
    pub(crate) log_start: Offset,
    /// With base offset and leader epoch.
    pub(crate) header: [u8; wire::batch::HEADER_BYTES],
    pub(crate) at: SegmentPosition,
    /// It is to be written straight to its segment.
    pub(crate) direct: Option<DirectBlocks>,
    pub(crate) touched: Touched,
}

impl Store {
    pub(crate) fn new(
        disk: Rc<dyn Disk>,
        cache_bytes: u64,
        open_files_max: usize,
        shared_flushes: SharedFlushes,
    ) -> Rc<Self> {
        Rc::new(Self {
            disk,
            logs: RefCell::default(),
            pool: ChunkPool::new(cache_bytes),
            write_back: WriteBack::new(open_files_max),
            direct: Direct::default(),
            reader: Reader::default(),
            removal: Removal::default(),
            freeing: Freeing::default(),
            damage: DamageList::default(),
            segment_locks: SegmentLocks::default(),
            progress: Notify::new(),
            settled: Cell::new(0),
            shared_flushes,
            poisoned: RefCell::new(None),
        })
    }

    pub(crate) fn add(&self, spec: PartitionSpec, row: &PartitionRow) -> u32 {
        assert_eq!(spec.id, row.id, "the row is another partition's");
        self.put(PartitionLog::from_row(spec, row))
    }

    /// Takes in a log that was another core's.
    pub(crate) fn add_passed(&self, spec: PartitionSpec, row: &PartitionRow, passed: PassedLog) -> u32 {
        assert_eq!(spec.id, row.id, "the row is another partition's");
        self.put(PartitionLog::from_passed(spec, row, passed))
    }

    fn put(&self, log: PartitionLog) -> u32 {
        let (id, has_start) = (log.spec.id, log.log_start() > Offset::ZERO);
        let mut logs = self.logs.borrow_mut();
        let slot = u32::try_from(logs.slots.len()).expect("slots are limited far below 2^32");
        let before = logs.by_id.insert(id, slot);
        assert!(before.is_none(), "partition {id} is here already");
        logs.slots.push(Some(Box::new(log)));
        if has_start {
            // A life before this one may have left segments that lie before the start.
            self.removal.enqueue(slot);
        }
        slot
    }

    /// Takes a partition out and gives its slot; `None` when it was not here. Whoever waits on it is woken. Work on its
    /// files that has begun goes on: see [`SlotsAtWork::idle`](crate::write_back::SlotsAtWork::idle).
    pub(crate) fn remove(&self, id: PartitionId) -> Option<u32> {
        let (slot, removed) = {
            let mut logs = self.logs.borrow_mut();
            let slot = logs.by_id.remove(&id)?;
            self.reader.forget(slot);
            let removed = logs.slots[slot as usize].take();
            if let Some(used) = removed.as_ref().and_then(|log| log.listed) {
                logs.by_use.remove(&(used, slot));
            }
            (slot, removed)
        };
        if let Some(mut log) = removed {
            log.chunks.drop_all(&self.pool);
            log.raise_all();
        }
        self.damage.forget_partition(id);
        self.write_back.synced_topics.borrow_mut().remove(&id.topic);
        self.progress.notify_all();
        Some(slot)
    }

    /// Gives a batch its offsets and copies it into the partition's chunk, if the partition is here to stay.
    pub(crate) fn append(
        &self,
        id: PartitionId,
        batch: AppendBatch<'_>,
        how: HowToAppend,
    ) -> Result<Taken, AppendError> {
        let mut logs = self.logs.borrow_mut();
        let slot = *logs.by_id.get(&id).ok_or(AppendError::UnknownPartition(id))?;
        let log = logs.slots[slot as usize].as_mut().ok_or(AppendError::UnknownPartition(id))?;
        if log.leaving {
            return Err(AppendError::Leaving(id));
        }
        let AppendedBatch { base, header, at, direct } = log.append(batch, how, &self.pool, rt::wall_clock);
        let touched = log.touched(slot);
        let log_start = log.log_start();
        note_use(&mut logs, slot);
        Ok(Taken { base_offset: base, log_start, header, at, direct, touched })
    }

    /// The journal says up to where partitions have become safe.
    pub(crate) fn became_safe(&self, touched: &[Touched], level: Durability) {
        if level == Durability::Flushed {
            self.reader.note_flush();
        }
        let mut logs = self.logs.borrow_mut();
        for touched in touched {
            let Some(log) = logs.slots[touched.slot as usize].as_mut() else { continue };
            if touched.durability <= level {
                log.advance_stable(touched.end, touched.position);
            }
            if level == Durability::Flushed {
                if log.advance_start(touched.log_start) {
                    self.removal.enqueue(touched.slot);
                }
                log.flushed_position = log.flushed_position.max(touched.position);
                if log.has_writes(WriteWhat::Complete) {
                    self.write_back.enqueue(touched.slot);
                }
                if let Some((segment, end)) = log.direct_space_due() {
                    self.direct.enqueue(touched.slot, segment, end);
                }
            }
        }
    }

    pub(crate) fn with<R>(&self, id: PartitionId, act: impl FnOnce(&mut PartitionLog) -> R) -> Option<R> {
        let mut logs = self.logs.borrow_mut();
        let slot = *logs.by_id.get(&id)?;
        logs.slots[slot as usize].as_mut().map(|log| act(log))
    }

    pub(crate) fn with_slot<R>(&self, slot: u32, act: impl FnOnce(&mut PartitionLog) -> R) -> Option<R> {
        self.logs.borrow_mut().slots[slot as usize].as_mut().map(|log| act(log))
    }

    /// Whether the partition of a slot was taken out. Slots are never used again.
    pub(crate) fn is_gone(&self, slot: u32) -> bool {
        self.logs.borrow().slots[slot as usize].is_none()
    }

    /// As [`Store::is_gone`], or about to be.
    pub(crate) fn is_leaving(&self, slot: u32) -> bool {
        self.with_slot(slot, |log| log.leaving).unwrap_or(true)
    }

    /// Slots that were ever given out.
    pub(crate) fn slots(&self) -> std::ops::Range<u32> {
        0..u32::try_from(self.logs.borrow().slots.len()).expect("slots are limited far below 2^32")
    }

    pub(crate) fn slot_of(&self, id: PartitionId) -> Option<u32> {
        self.logs.borrow().by_id.get(&id).copied()
    }

    /// A failure that only a restart can recover from: nothing more is accepted; reads go on.
    pub(crate) fn poison(&self, what: &str, cause: DiskError) {
        let mut poisoned = self.poisoned.borrow_mut();
        if poisoned.is_none() {
            tracing::error!(core = %rt::core(), %cause, "{what}; this core accepts no records until a restart");
            *poisoned = Some(cause);
        }
        drop(poisoned);
        self.progress.notify_all();
    }

    pub(crate) fn poisoned(&self) -> Option<DiskError> {
        self.poisoned.borrow().clone().or_else(|| self.shared_flushes.failed())
    }

    /// A reader has used a partition's memory.
    pub(crate) fn note_use(&self, slot: u32) {
        note_use(&mut self.logs.borrow_mut(), slot);
    }

    /// The oldest chunk of a partition may have become clean, or another one.
    pub(crate) fn note_oldest_chunk(&self, slot: u32) {
        let Logs { slots, by_use, .. } = &mut *self.logs.borrow_mut();
        if let Some(log) = slots[slot as usize].as_mut() {
            list(by_use, log, slot);
        }
    }

    /// Lets go of clean chunks of the coldest partitions until the pool is within its limit with `more` bytes. Each log
    /// that is looked at has one.
    pub(crate) fn evict_for(&self, more: u64) {
        self.pool.reap();
        if self.pool.excess_with(more) == 0 {
            return;
        }
        let mut logs = self.logs.borrow_mut();
        let Logs { slots, by_use, tick, .. } = &mut *logs;
        *tick += 1;
        while self.pool.excess_with(more) > 0 {
            let Some((_, slot)) = by_use.first().copied() else {
                debug_assert!(!slots.iter().flatten().any(|log| log.chunks.can_evict()), "a log is not listed");
                return;
            };
            let log = slots[slot as usize].as_mut().expect("a log that was taken out is not listed");
            while self.pool.excess_with(more) > 0 && log.chunks.evict_oldest(&self.pool).is_some() {}
            log.forget_old_spans();
            list(by_use, log, slot);
        }
    }
}

/// Puts down when a log was used. The tick stands still most of the time, so this is mostly a comparison.
fn note_use(logs: &mut Logs, slot: u32) {
    let Logs { slots, by_use, tick, .. } = logs;
    let Some(log) = slots[slot as usize].as_mut() else { return };
    log.used = *tick;
    list(by_use, log, slot);
}

/// Moves a log to where it belongs in the order of use: out of it, if it has nothing to let go of. Due after each use
/// and whenever its oldest chunk may have become another or clean, or not clean because something was added to it.
fn list(by_use: &mut BTreeSet<(u64, u32)>, log: &mut PartitionLog, slot: u32) {
    let wanted = log.chunks.can_evict().then_some(log.used);
    if log.listed == wanted {
        return;
    }
    if let Some(used) = std::mem::replace(&mut log.listed, wanted) {
        by_use.remove(&(used, slot));
    }
    if let Some(used) = wanted {
        by_use.insert((used, slot));
    }
}
