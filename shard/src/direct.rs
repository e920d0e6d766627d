//! Large batches go straight to their segment: written once, and flushed with the group of the journal that holds their
//! markers; see [`crate::journal::direct`].
//!
//! That needs a file whose name is flushed and which has its blocks already, so that such a write can neither get lost
//! nor meet a full disk. The first batches of a segment go through the journal; meanwhile such space is made, and it is
//! made again before it is used up.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use base::Offset;
use rt::{DiskError, Notify};

use crate::flush::{self, Flushing, Through};
use crate::log::chunks::{DirectBlocks, WriteWhat};
use crate::shard::Shard;
use crate::store::Store;
use crate::task_queues::FOREGROUND;

/// A segment that is to have space up to a byte.
struct Wish {
    slot: u32,
    segment: Offset,
    end: u32,
}

/// Segments that want space. At most one wish of a partition is under way.
#[derive(Default)]
pub(crate) struct Direct {
    queue: RefCell<VecDeque<Wish>>,
    arrived: Notify,
    /// Space was made, or could not be.
    pub(crate) ended: Notify,
}

impl Direct {
    pub(crate) fn enqueue(&self, slot: u32, segment: Offset, end: u32) {
        self.queue.borrow_mut().push_back(Wish { slot, segment, end });
        self.arrived.notify_all();
    }
}

impl Store {
    /// Writes and flushes blocks of a partition's segment. A partition that is removed meanwhile needs nothing of that.
    pub(crate) async fn write_direct(self: Rc<Self>, slot: u32, blocks: DirectBlocks) -> Result<(), DiskError> {
        let _work = self.write_back.at_work.begin(slot);
        loop {
            let progress = self.progress.notified();
            let what = WriteWhat::Direct(blocks);
            let next = || self.with_slot(slot, |log| (log.spec.id, log.chunks.next_write(what, blocks.end())));
            let mut running = Vec::new();
            while let Some((id, Some(write))) = next() {
                let store = Rc::clone(&self);
                let write = async move { store.write_chunk(slot, id, write, Through::Yes).await };
                running.push(rt::spawn(FOREGROUND, write));
            }
            if let Some(cause) = self.poisoned() {
                return Err(cause);
            }
            if !self.with_slot(slot, |log| log.chunks.has_writes(what, blocks.end())).unwrap_or(false) {
                return Ok(());
            }
            // A checkpoint is writing the end of the batch before, in the first of these blocks.
            if running.is_empty() {
                progress.await;
            }
            let mut result = Ok(());
            for write in running {
                result = result.and(write.await);
            }
            result?;
        }
    }

    /// Gives a segment space for large batches.
    async fn make_direct_space(&self, wish: &Wish) -> Result<(), DiskError> {
        let Wish { slot, segment, end } = *wish;
        let _work = self.write_back.at_work.begin(slot);
        let begun = self.with_slot(slot, |log| log.direct_space_begins(segment).then_some(log.spec.id));
        let Some(Some(id)) = begun else { return Ok(()) };
        let making = async {
            let file = self.segment_for_write(slot, id, segment).await?;
            file.allocate(u64::from(end)).await?;
            flush::sync(&*file).await?;
            self.sync_entries(id, Flushing::Each).await
        };
        let made = making.await;
        self.with_slot(slot, |log| log.direct_space_ends(segment, made.is_ok().then_some(end)));
        self.direct.ended.notify_all();
        made
    }

    /// Gives back the space behind the ends of segments; nothing is appended any more. Failing is no harm.
    pub(crate) async fn give_back_direct_space(&self) {
        for slot in self.slots() {
            let spare = self.with_slot(slot, |log| (log.spec.id, log.active().base, log.spare_direct_space()));
            let Some((id, segment, Some(end))) = spare else { continue };
            let cut = async { self.segment_for_write(slot, id, segment).await?.set_len(end).await };
            if let Err(cause) = cut.await {
                tracing::warn!(%id, %cause, "cannot give back the space behind the end of a segment");
            }
        }
    }
}

impl Shard {
    pub(crate) async fn make_space_for_large_batches(self: Rc<Self>) {
        let store = &self.store;
        while !self.gate.is_closing() {
            let Some(wish) = store.direct.queue.borrow_mut().pop_front() else {
                futures_lite::future::or(store.direct.arrived.notified(), self.gate.closing()).await;
                continue;
            };
            match store.make_direct_space(&wish).await {
                Ok(()) => {}
                // Its large batches go through the journal, then, which knows what to do about a full disk.
                Err(DiskError::NoSpace { .. } | DiskError::NotFound { .. }) => {
                    tracing::debug!(segment = %wish.segment, bytes = wish.end, "no space can be set aside for large batches");
                }
                Err(cause) => store.poison("setting space aside for large batches failed", cause),
            }
        }
    }
}
