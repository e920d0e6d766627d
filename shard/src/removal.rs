//! Removing segments that lie before the start of their log, one after the other and far from the foreground.
//!
//! A segment may go once two things are on the disk for certain: that the log begins after it (the journal or a
//! checkpoint says so), and a checkpoint whose active segment is a later one: a start goes on writing in the active
//! segment of its checkpoint. So a removal that a crash interrupts, or takes back, leaves nothing but files before the
//! start, and the next start removes those.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use base::{Offset, PartitionId};
use rt::{DiskError, Flag};

use crate::log::start::ClosedSegment;
use crate::segment::reader::ReadError;
use crate::shard::Shard;
use crate::store::Store;
use crate::{flush, layout, limits};

/// Partitions that have segments before their start.
#[derive(Default)]
pub(crate) struct Removal {
    waiting: RefCell<BTreeSet<u32>>,
    /// Slots whose folder this process has looked through for what an earlier one left.
    looked_through: RefCell<BTreeSet<u32>>,
    wanted: Flag,
    pub(crate) segments: Cell<u64>,
    pub(crate) bytes: Cell<u64>,
}

impl Removal {
    pub(crate) fn enqueue(&self, slot: u32) {
        self.waiting.borrow_mut().insert(slot);
        self.wanted.raise();
    }

    /// A checkpoint is flushed: what waited for it may go now.
    pub(crate) fn look_again(&self) {
        if !self.waiting.borrow().is_empty() {
            self.wanted.raise();
        }
    }
}

impl Shard {
    pub(crate) async fn remove_segments(self: Rc<Self>) {
        let removal = &self.store.removal;
        while !self.gate.is_closing() {
            futures_lite::future::or(removal.wanted.wait(), self.gate.closing()).await;
            let slots: Vec<u32> = removal.waiting.borrow().iter().copied().collect();
            for slot in slots {
                if self.gate.is_closing() {
                    return;
                }
                match self.remove_before_start(slot).await {
                    Ok(true) => drop(removal.waiting.borrow_mut().remove(&slot)),
                    // The next checkpoint changes that.
                    Ok(false) => {}
                    Err(cause) => tracing::warn!(%cause, "cannot look for segments to remove; trying again later"),
                }
                rt::yield_if_needed().await;
            }
        }
    }

    /// Removes what can be removed of one partition; true if nothing is left to do.
    async fn remove_before_start(&self, slot: u32) -> Result<bool, ReadError> {
        let store = &self.store;
        loop {
            {
                let _room = store.freeing.room().await;
                // The folder stays while somebody is at its files, so this is not held during the pause.
                let _work = store.write_back.at_work.begin(slot);
                let Some(id) = store.with_slot(slot, |log| log.spec.id) else { return Ok(true) };
                store.look_through(slot, id).await?;
                let Some(segment) = store.with_slot(slot, |log| log.take_removable()).flatten() else { break };
                store.remove_segment(slot, id, segment).await;
            }
            let is_short = self.space.is_short();
            let pause = if is_short { limits::SEGMENT_REMOVAL_PAUSE_SHORT } else { limits::SEGMENT_REMOVAL_PAUSE };
            futures_lite::future::or(rt::sleep(pause), self.gate.closing()).await;
            if self.gate.is_closing() {
                return Ok(false);
            }
        }
        Ok(!store.with_slot(slot, |log| log.has_segments_before_start()).unwrap_or(false))
    }
}

impl Store {
    /// Finds out which segments there are, and clears away indexes whose segments are gone: a removal that was
    /// interrupted leaves them. Once in a life; later removals leave nothing behind.
    async fn look_through(&self, slot: u32, id: PartitionId) -> Result<(), ReadError> {
        self.load_closed_segments(slot, id).await?;
        if !self.removal.looked_through.borrow_mut().insert(slot) {
            return Ok(());
        }
        let entries = match self.disk.list(&layout::partition_folder(id)).await {
            Err(DiskError::NotFound { .. }) => return Ok(()),
            other => other?,
        };
        let segments: BTreeSet<Offset> = entries.iter().filter_map(|entry| layout::segment_base(&entry.name)).collect();
        for index in entries.iter().filter_map(|entry| layout::index_base(&entry.name)) {
            let is_old = self.with_slot(slot, |log| log.is_before_start(index)) == Some(true);
            if is_old && !segments.contains(&index) {
                warn_unless_gone(self.disk.remove_file(&layout::index_file(id, index)).await);
            }
        }
        Ok(())
    }

    async fn remove_segment(&self, slot: u32, id: PartitionId, segment: ClosedSegment) {
        let ClosedSegment { base, bytes, .. } = segment;
        // Whoever makes its index again has done so before, or sees that the segment is gone.
        let _lock = self.segment_locks.lock(slot).await;
        let file = layout::segment_file(id, base);
        let held = self.freeing.hold(&*self.disk, &file).await;
        let removed = self.disk.remove_file(&file).await;
        if let (Ok(()), Some(held)) = (&removed, held) {
            // A file that is cut may not come back.
            match flush::sync_dir(&*self.disk, &layout::partition_folder(id)).await {
                Ok(()) => self.freeing.give(Some(held)),
                Err(_) if self.is_gone(slot) => {}
                Err(cause) => self.poison("flushing the removal of a segment failed", cause),
            }
        }
        warn_unless_gone(removed);
        warn_unless_gone(self.disk.remove_file(&layout::index_file(id, base)).await);
        self.reader.forget_segment(slot, base);
        self.damage.forget_segment(id, base);
        self.removal.segments.set(self.removal.segments.get() + 1);
        self.removal.bytes.set(self.removal.bytes.get() + u64::from(bytes));
        tracing::debug!(%id, segment = %base, bytes, "removed a segment that lies before the start of its log");
    }
}

/// Failing is no harm: the next start removes what lies before the start of a log.
fn warn_unless_gone(removed: Result<(), DiskError>) {
    if let Err(cause) = unless_gone(removed) {
        tracing::warn!(%cause, "cannot remove a segment's file; the next start tries again");
    }
}

/// What is not there need not be removed.
pub(crate) fn unless_gone(removed: Result<(), DiskError>) -> Result<(), DiskError> {
    match removed {
        Err(DiskError::NotFound { .. }) => Ok(()),
        result => result,
    }
}
