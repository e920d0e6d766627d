//! Putting one new segment in the place of one or more old ones, so that a crash at any step leaves the old ones or the
//! new one.
//!
//! 1. The new segment and its index lie beside the old ones under names of their own, whole and flushed.
//! 2. The partition's [state](super::state) says which segments they replace: from here on the new one counts.
//! 3. Both are renamed over the first old segment and its index. Flushed.
//! 4. The other old segments are removed. Flushed.
//! 5. The state says that nothing is under way. Only then may the names of step 1 be used again.
//!
//! After a crash, whoever first looks at the partition's segments does steps 3 to 5 again, or removes what step 1 has
//! left. Files of step 1 are never removed once step 2 has begun: whether the state is on the disk may be unknown.
//!
//! Readers that are in the middle of an old segment keep its file, until it is cut: see [`crate::freeing`]. Those, and
//! those that had its index but not its file, see that the generation of the log has changed and begin anew.

use std::cell::RefCell;
use std::collections::BTreeSet;

use base::{Offset, PartitionId};
use rt::{Disk, DiskError, Notify};

use super::state::{CompactionState, Damaged, Swap};
use crate::log::PartitionLog;
use crate::removal::unless_gone;
use crate::segment::reader::ReadError;
use crate::store::Store;
use crate::{flush, layout};

/// Slots whose segment files somebody is exchanging, or whose indexes somebody is writing anew.
#[derive(Default)]
pub(crate) struct SegmentLocks {
    held: RefCell<BTreeSet<u32>>,
    released: Notify,
}

pub(crate) struct SegmentLock<'a> {
    locks: &'a SegmentLocks,
    slot: u32,
}

impl SegmentLocks {
    pub(crate) async fn lock(&self, slot: u32) -> SegmentLock<'_> {
        while !self.held.borrow_mut().insert(slot) {
            self.released.notified().await;
        }
        SegmentLock { locks: self, slot }
    }

    pub(crate) fn is_locked(&self, slot: u32) -> bool {
        self.held.borrow().contains(&slot)
    }
}

/// Why a new segment was not put in place.
#[derive(Debug)]
pub(super) enum SwapError {
    /// Everything is as it was.
    Before(DiskError),
    /// What is on the disk is for the next start to find out.
    Begun(DiskError),
}

impl Drop for SegmentLock<'_> {
    fn drop(&mut self) {
        self.locks.held.borrow_mut().remove(&self.slot);
        self.locks.released.notify_all();
    }
}

impl Store {
    /// Reads how far a partition is compacted and ends a swap that was interrupted. Once in a life, before anybody uses
    /// its finished segments.
    pub(crate) async fn settle_compaction(&self, slot: u32, id: PartitionId) -> Result<(), ReadError> {
        let _lock = self.segment_locks.lock(slot).await;
        let is_known = self.with_slot(slot, |log| log.compaction.state.is_some());
        if is_known.ok_or(ReadError::UnknownPartition(id))? {
            return Ok(());
        }
        let _work = self.write_back.at_work.begin(slot);
        let names = match self.disk.list(&layout::partition_folder(id)).await {
            Err(DiskError::NotFound { .. }) => Vec::new(),
            entries => entries?.into_iter().map(|entry| entry.name).collect(),
        };
        let mut state = match names.iter().any(|name| name == layout::COMPACTION) {
            false => CompactionState::default(),
            true => match CompactionState::read(&*self.disk, id).await? {
                None => CompactionState::default(),
                Some(Ok(state)) => state,
                Some(Err(Damaged)) => return Err(damaged(id)),
            },
        };
        if let Some(swap) = &state.swap {
            tracing::info!(%id, segment = %swap.base(), "an interrupted compaction is brought to its end");
            rename_files(&*self.disk, id, swap).await?;
            // With the new segment in place it can be read. On a disk that fails the rest is for the next start: nothing is
            // removed for what a flush does not vouch for.
            if self.poisoned().is_none() {
                match self.end_interrupted(id, &state, swap).await {
                    Ok(ended) => state = ended,
                    Err(cause) => self.poison_unless_gone(slot, cause),
                }
            }
        }
        // Of a swap that never began. Those of one that did are in their places.
        for name in names.iter().filter(|name| layout::is_unfinished(name)) {
            unless_gone(self.disk.remove_file(&layout::partition_folder(id).join(name)).await)?;
        }
        self.with_slot(slot, |log| log.compaction.state = Some(state));
        Ok(())
    }

    /// Step 3, from its flush on, to step 5.
    async fn end_interrupted(
        &self,
        id: PartitionId,
        state: &CompactionState,
        swap: &Swap,
    ) -> Result<CompactionState, DiskError> {
        flush::sync_dir(&*self.disk, &layout::partition_folder(id)).await?;
        self.remove_replaced(id, swap).await?;
        self.clear_swap(id, state.clone()).await
    }

    /// Steps 2 to 5. The new segment is whole and flushed, and the state on the disk says that nothing is under way.
    pub(super) async fn swap(
        &self,
        slot: u32,
        id: PartitionId,
        swap: &Swap,
        replace: impl FnOnce(&mut PartitionLog),
    ) -> Result<(), SwapError> {
        let _lock = self.segment_locks.lock(slot).await;
        let folder = layout::partition_folder(id);
        // The log's own new segments are in this folder, too: nobody may believe its next flush if this one fails.
        flush::sync_dir(&*self.disk, &folder).await.map_err(SwapError::Begun)?;
        let Some(state) = self.with_slot(slot, |log| log.compaction.state.clone()).flatten() else { return Ok(()) };
        assert!(state.swap.is_none(), "{id}: a swap begins while another one is noted");
        let begun = CompactionState { swap: Some(swap.clone()), ..state };
        // Before readers have to wait.
        let held = self.freeing.hold(&*self.disk, &layout::segment_file(id, swap.base())).await;
        self.note_begun(id, &begun).await?;
        self.with_slot(slot, PartitionLog::begin_swap);
        let renamed = rename_files(&*self.disk, id, swap).await;
        for segment in &swap.segments {
            self.reader.forget_segment(slot, *segment);
        }
        self.with_slot(slot, |log| {
            log.end_swap();
            // Otherwise the old ones are where they were, or the first of them is the new one: either way all can be read.
            if renamed.is_ok() {
                replace(log);
            }
        });
        self.note_oldest_chunk(slot);
        self.progress.notify_all();
        let renamed = renamed.map_err(SwapError::Begun)?;
        flush::sync_dir(&*self.disk, &folder).await.map_err(SwapError::Begun)?;
        self.freeing.give(held.filter(|_| renamed == Renamed::Now));
        self.remove_replaced(id, swap).await.map_err(SwapError::Begun)?;
        let state = self.clear_swap(id, begun).await.map_err(SwapError::Begun)?;
        self.with_slot(slot, |log| log.compaction.state = Some(state));
        Ok(())
    }

    /// Step 2. A full disk says no before it has begun or after: what can be read says which.
    async fn note_begun(&self, id: PartitionId, begun: &CompactionState) -> Result<(), SwapError> {
        let cause = match begun.write(&*self.disk, id).await {
            Ok(()) => return Ok(()),
            Err(cause) => cause,
        };
        let found = CompactionState::read(&*self.disk, id).await;
        let has_begun = !matches!(&found, Ok(None)) && !matches!(&found, Ok(Some(Ok(state))) if state.swap.is_none());
        match cause {
            DiskError::NoSpace { .. } if !has_begun => Err(SwapError::Before(cause)),
            cause => Err(SwapError::Begun(cause)),
        }
    }

    /// Step 5. Gives the state as it then is on the disk: on a full one it may go on saying what is done already, which
    /// does no harm until the next swap.
    pub(super) async fn clear_swap(
        &self,
        id: PartitionId,
        state: CompactionState,
    ) -> Result<CompactionState, DiskError> {
        let cleared = CompactionState { swap: None, ..state.clone() };
        match cleared.write(&*self.disk, id).await {
            Ok(()) => Ok(cleared),
            Err(DiskError::NoSpace { .. }) => Ok(state),
            Err(cause) => Err(cause),
        }
    }

    /// Step 4.
    async fn remove_replaced(&self, id: PartitionId, swap: &Swap) -> Result<(), DiskError> {
        for segment in &swap.segments[1..] {
            unless_gone(self.freeing.remove_file(&*self.disk, &layout::segment_file(id, *segment)).await)?;
            unless_gone(self.disk.remove_file(&layout::index_file(id, *segment)).await)?;
        }
        flush::sync_dir(&*self.disk, &layout::partition_folder(id)).await
    }

    /// A swap that has begun and cannot be ended: what is on the disk is for a start to find out.
    pub(super) fn poison_unless_gone(&self, slot: u32, cause: DiskError) {
        if !self.is_gone(slot) {
            self.poison("putting a compacted segment in place failed", cause);
        }
    }

    /// Waits until no segments of a log are being exchanged; gives the log's generation.
    pub(crate) async fn settled_generation(&self, slot: u32) -> Option<u64> {
        loop {
            match self.with_slot(slot, |log| (log.compaction.is_swapping, log.compaction.generation))? {
                (true, _) => self.progress.notified().await,
                (false, generation) => return Some(generation),
            }
        }
    }

    /// Whether segments of a log were exchanged, or are being, since it had this generation.
    pub(crate) fn was_swapped(&self, slot: u32, generation: u64) -> bool {
        self.with_slot(slot, |log| log.compaction.generation != generation).unwrap_or(false)
    }
}

/// When a new segment got its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Renamed {
    Now,
    /// By a life that was interrupted.
    Before,
}

/// Step 3, without the flush. What is not there was renamed already.
async fn rename_files(disk: &dyn Disk, id: PartitionId, swap: &Swap) -> Result<Renamed, DiskError> {
    let mut renamed = Renamed::Before;
    // The segment comes last: it is what is said of.
    for path in [layout::index_file(id, swap.base()), layout::segment_file(id, swap.base())] {
        renamed = match disk.rename(&layout::cleaned(&path), &path).await {
            Ok(()) => Renamed::Now,
            Err(DiskError::NotFound { .. }) => Renamed::Before,
            Err(cause) => return Err(cause),
        };
    }
    Ok(renamed)
}

fn damaged(id: PartitionId) -> ReadError {
    let what = format!("{} is not what was written", layout::compaction_file(id).display());
    ReadError::Damaged { partition: id, segment: Offset::ZERO, at: 0, what }
}
