//! Handing a partition to another core while it is used: it departs here, and arrives there.
//!
//! All of it is brought to segments and flushed; then what this core knows of it goes to the other one as a value, so
//! that nobody has to read its folder. Appends and deletions wait meanwhile; whoever reads finds it gone in the end and
//! asks the other core.
//!
//! **One of two cores is believed, at any moment.** The log's end, its active segment and its start only move forward
//! in one life of the broker, whatever cores the log is on, and each offset is given out by one core only. So of all the
//! rows that checkpoints have of a log the furthest one counts, and of all journals' entries those that begin at its end
//! or later, in the order of their offsets: an older entry is in segments already, whichever stay it is from. What is
//! needed for that:
//!
//! - Nothing is taken by the new core before all that the old one took is flushed, in its journal and in segments.
//! - The old core's checkpoints keep the row with which the partition departed until the new core has flushed a
//!   checkpoint of its own: a row is given up only once one that is as far is on the disk. See [`Shard::is_kept`].
//! - The new core is told which segment the flushed checkpoints have as the active one: a start may write to that and
//!   to later ones, so neither removal nor compaction touches them before the new core's own checkpoint.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use base::{Instant, PartitionId};
use bytes::Bytes;
use rt::{DiskError, JoinHandle, TaskQueue};

use crate::checkpoint::PartitionRow;
use crate::damage::Damage;
use crate::journal::Durability;
use crate::limits;
use crate::log::PartitionSpec;
use crate::log::passing::PassedLog;
use crate::shard::Shard;
use crate::store::Store;
use crate::task_queues::{FOREGROUND, WRITE_BACK};

/// Why a partition stays where it is.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DepartureError {
    #[error("partition {0} is not on this core")]
    UnknownPartition(PartitionId),
    #[error("partition {0} is on its way to another core already")]
    Leaving(PartitionId),
    /// What is on the disk is for the next start to find out.
    #[error("storage has failed: {0}")]
    Poisoned(#[source] DiskError),
    #[error("the disk has no space left to bring the partition to its segments")]
    NoSpace,
    #[error("partition {id} did not come to rest within {limit:?}")]
    TooSlow { id: PartitionId, limit: Duration },
    #[error("the broker is shutting down")]
    Closing,
}

/// All that a core knew of a partition. Owned, so that it can go to another core.
#[derive(Debug)]
pub struct Departure {
    row: PartitionRow,
    log: PassedLog,
    damage: Vec<Damage>,
    number: DepartureNumber,
}

/// Tells the departures from one core apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepartureNumber(u64);

/// A partition has arrived; the core that it came from may forget it once this [is kept](Shard::is_kept).
#[derive(Clone, Copy, Debug)]
#[must_use = "the core that the partition came from keeps its row until it is told"]
pub struct Arrival {
    /// Number of the first checkpoint that has the partition for certain.
    checkpoint: u64,
}

/// Rows of partitions that have left, for the checkpoints of this core.
#[derive(Default)]
pub(crate) struct Departures {
    rows: RefCell<BTreeMap<PartitionId, (DepartureNumber, PartitionRow)>>,
    next: Cell<u64>,
    /// Somebody wanted a checkpoint while a partition was being brought to its segments.
    pub(crate) checkpoint_missed: Cell<bool>,
}

/// Keeps checkpoints away: two of those who bring a log to its segments would take each other's flushes for done.
struct CheckpointsPaused {
    shard: Rc<Shard>,
}

/// Nothing is appended to a partition and nothing deleted of it while this lives.
struct Leaving {
    store: Rc<Store>,
    slot: u32,
}

impl Departure {
    pub fn id(&self) -> PartitionId {
        self.row.id
    }

    /// What a checkpoint would remember.
    pub fn row(&self) -> &PartitionRow {
        &self.row
    }

    pub fn number(&self) -> DepartureNumber {
        self.number
    }
}

impl Departures {
    pub(crate) fn rows(&self) -> Vec<PartitionRow> {
        self.rows.borrow().values().map(|(_, row)| row.clone()).collect()
    }

    fn take_in(&self, row: &PartitionRow) -> DepartureNumber {
        let number = DepartureNumber(self.next.replace(self.next.get() + 1));
        self.rows.borrow_mut().insert(row.id, (number, row.clone()));
        number
    }
}

impl CheckpointsPaused {
    async fn begin(shard: &Rc<Shard>) -> Self {
        while shard.checkpointing.replace(true) {
            shard.store.progress.notified().await;
        }
        Self { shard: Rc::clone(shard) }
    }
}

impl Drop for CheckpointsPaused {
    fn drop(&mut self) {
        let shard = &self.shard;
        shard.checkpointing.set(false);
        if shard.departures.checkpoint_missed.replace(false) {
            shard.checkpoint_wanted.raise();
        }
        shard.store.progress.notify_all();
    }
}

impl Leaving {
    fn begin(store: &Rc<Store>, id: PartitionId) -> Result<Self, DepartureError> {
        let slot = store.slot_of(id).ok_or(DepartureError::UnknownPartition(id))?;
        match store.with_slot(slot, |log| std::mem::replace(&mut log.leaving, true)) {
            None => Err(DepartureError::UnknownPartition(id)),
            Some(true) => Err(DepartureError::Leaving(id)),
            Some(false) => Ok(Self { store: Rc::clone(store), slot }),
        }
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.store.with_slot(self.slot, |log| log.leaving = false);
        self.store.progress.notify_all();
    }
}

impl Shard {
    /// Brings a partition to its segments while it is used on, so that [`Shard::depart`] has little left to do.
    pub async fn prepare_departure(self: &Rc<Self>, id: PartitionId) -> Result<(), DepartureError> {
        self.may_depart()?;
        let slot = self.store.slot_of(id).ok_or(DepartureError::UnknownPartition(id))?;
        let paused = CheckpointsPaused::begin(self).await;
        self.bring_down(WRITE_BACK, slot, id, paused)?.await.map(drop)
    }

    /// Takes a partition out of this core, whole and flushed in its segments. From the first poll on it refuses appends
    /// and deletions; what was appended before is safe when this resolves. If that takes longer than `limit`, the
    /// partition goes on here. Where it resolves, the partition is gone in the same moment.
    pub async fn depart(self: &Rc<Self>, id: PartitionId, limit: Duration) -> Result<Departure, DepartureError> {
        self.may_depart()?;
        let deadline = rt::now().plus(limit);
        let leaving = Leaving::begin(&self.store, id)?;
        let slot = leaving.slot;
        let paused = within(deadline, CheckpointsPaused::begin(self)).await;
        let paused = paused.ok_or(DepartureError::TooSlow { id, limit })?;
        // A task of its own: writes that have begun come to their end, also when nobody waits any more.
        let brought = within(deadline, self.bring_down(FOREGROUND, slot, id, paused)?).await;
        let paused = brought.ok_or(DepartureError::TooSlow { id, limit })??;
        // Nothing is appended to it any more, so this is its last state.
        let attachment_of = Rc::clone(&*self.attachments.borrow());
        let attachment = match attachment_of(id) {
            Some(attachment) => attachment.await.into(),
            None => Bytes::new(),
        };
        let at_rest = within(deadline, self.at_rest(slot)).await;
        at_rest.ok_or(DepartureError::TooSlow { id, limit })?;
        self.may_depart()?;
        let departure = self.take_out(slot, id, attachment);
        drop(paused);
        departure
    }

    /// Takes in a partition that has departed from another core, to go on where it was.
    pub fn arrive(&self, spec: PartitionSpec, departure: Departure) -> Arrival {
        let Departure { row, log, damage, .. } = departure;
        // What is kept here of an earlier stay is behind what the other core keeps of its own.
        self.departures.rows.borrow_mut().remove(&row.id);
        self.store.add_passed(spec, &row, log);
        self.store.damage.take_over(damage);
        // A start finds less to join, and the other core may forget the partition.
        self.checkpoint_wanted.raise();
        Arrival { checkpoint: self.next_checkpoint.get() + u64::from(self.checkpointing.get()) }
    }

    /// Resolves once a checkpoint of this core has what has arrived, or a later state of it; false if none ever will.
    pub async fn is_kept(&self, arrival: Arrival) -> bool {
        while self.next_checkpoint.get() <= arrival.checkpoint {
            if self.failed().is_some() || self.gate.is_closing() {
                return false;
            }
            futures_lite::future::or(self.store.progress.notified(), self.gate.closing()).await;
        }
        true
    }

    /// The partition that left under this number [is kept](Shard::is_kept) elsewhere.
    pub fn forget_departed(&self, id: PartitionId, number: DepartureNumber) {
        let mut rows = self.departures.rows.borrow_mut();
        if rows.get(&id).is_some_and(|(known, _)| *known == number) {
            rows.remove(&id);
        }
    }

    fn may_depart(&self) -> Result<(), DepartureError> {
        match self.failed() {
            Some(cause) => Err(DepartureError::Poisoned(cause)),
            None if self.gate.is_closing() => Err(DepartureError::Closing),
            None => Ok(()),
        }
    }

    /// Flushes what the journal has of a partition, and then its segments up to there.
    fn bring_down(
        self: &Rc<Self>,
        queue: TaskQueue,
        slot: u32,
        id: PartitionId,
        paused: CheckpointsPaused,
    ) -> Result<JoinHandle<Result<CheckpointsPaused, DepartureError>>, DepartureError> {
        let shard = Rc::clone(self);
        let task = async move { shard.bring_down_alone(slot, id).await.map(|()| paused) };
        self.gate.spawn(queue, task).map_err(|_| DepartureError::Closing)
    }

    async fn bring_down_alone(&self, slot: u32, id: PartitionId) -> Result<(), DepartureError> {
        let journal = self.journal();
        let lsn = journal.position().lsn;
        let state = self.store.with_slot(slot, |log| (std::mem::take(&mut log.dirty), log.end_position()));
        let (was_dirty, target) = state.ok_or(DepartureError::UnknownPartition(id))?;
        journal.request_flush();
        let result = match journal.reached(lsn, Durability::Flushed).await {
            Ok(()) => self.store.settle_all(&[(slot, target)]).await,
            Err(cause) => return Err(DepartureError::Poisoned(cause)),
        };
        let Err(cause) = result else { return Ok(()) };
        self.store.with_slot(slot, |log| log.dirty |= was_dirty);
        match cause {
            DiskError::NoSpace { .. } => Err(DepartureError::NoSpace),
            cause => {
                self.store.poison("bringing a partition to its segments failed", cause.clone());
                Err(DepartureError::Poisoned(cause))
            }
        }
    }

    /// Resolves once nobody is at a partition's files and nothing of it is in memory only.
    async fn at_rest(&self, slot: u32) {
        loop {
            self.store.write_back.at_work.idle(slot).await;
            let is_locked = self.store.segment_locks.is_locked(slot);
            // One that was deleted is at rest, too.
            if !is_locked && self.store.with_slot(slot, |log| log.is_at_rest()).unwrap_or(true) {
                return;
            }
            rt::sleep(limits::DEPARTURE_LOOK).await;
        }
    }

    fn take_out(&self, slot: u32, id: PartitionId, attachment: Bytes) -> Result<Departure, DepartureError> {
        let passed = self.store.with_slot(slot, |log| (log.row(attachment), log.pass()));
        let (row, log) = passed.ok_or(DepartureError::UnknownPartition(id))?;
        let damage = self.store.damage.known_of(id);
        let removed = self.store.remove(id);
        assert_eq!(removed, Some(slot), "{id} is in one slot");
        let number = self.departures.take_in(&row);
        Ok(Departure { row, log, damage, number })
    }
}

/// What a future resolves to, if it does before the deadline.
async fn within<T>(deadline: Instant, future: impl Future<Output = T>) -> Option<T> {
    rt::timeout(deadline.since(rt::now()), future).await.ok()
}
