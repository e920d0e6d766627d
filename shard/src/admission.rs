//! Who may append now: back-pressure in the order of arrival.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use base::PartitionId;
use rt::Notify;

use crate::journal::Reserve;
use crate::journal::entry::EntryHeader;
use crate::limits;
use crate::log::AppendBatch;
use crate::shard::{AppendError, Appended, Shard};

/// The line of appends that wait for room.
///
/// Only the first looks for room, and whoever leaves as the first wakes the next, refused or not. So the work that an
/// append makes does not grow with the line, and a wake-up is never lost with the one that it was for.
pub(crate) struct Turnstile {
    name: &'static str,
    limit: usize,
    next: Cell<u64>,
    /// By ticket, that is in the order of arrival; with a waker where somebody waits to come first.
    line: RefCell<BTreeMap<u64, Option<Waker>>>,
    /// Another one has come first, or nobody is left.
    moved: Notify,
    closed: Cell<bool>,
}

impl Turnstile {
    pub(crate) fn new(name: &'static str, limit: usize) -> Self {
        let (line, moved) = (RefCell::default(), Notify::new());
        Self { name, limit, next: Cell::new(0), line, moved, closed: Cell::new(false) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.line.borrow().is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.line.borrow().len()
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    pub(crate) fn close(&self) {
        self.closed.set(true);
    }

    /// Takes a place at the end of the line.
    fn join(&self) -> Result<u64, AppendError> {
        let mut line = self.line.borrow_mut();
        if line.len() >= self.limit {
            return Err(AppendError::Overloaded { queue: self.name, limit: self.limit });
        }
        let ticket = self.next.replace(self.next.get() + 1);
        line.insert(ticket, None);
        Ok(ticket)
    }

    fn first(&self) -> Option<u64> {
        self.line.borrow().first_key_value().map(|(ticket, _)| *ticket)
    }

    /// Ready once this ticket is the first; it stays that until it leaves.
    fn poll_first(&self, ticket: u64, context: &Context<'_>) -> Poll<()> {
        if self.first() == Some(ticket) {
            return Poll::Ready(());
        }
        let waker = Some(context.waker().clone());
        let before = self.line.borrow_mut().insert(ticket, waker);
        assert!(before.is_some(), "ticket {ticket} waits though it has left the line");
        Poll::Pending
    }

    /// Gives a place up, wherever in the line it is.
    fn leave(&self, ticket: u64) {
        let was_first = self.first() == Some(ticket);
        // Whatever a waker does when it is dropped, it finds the line free.
        let left = self.line.borrow_mut().remove(&ticket);
        drop(left);
        if !was_first {
            return;
        }
        let next = self.line.borrow_mut().first_entry().and_then(|mut next| next.get_mut().take());
        if let Some(waker) = next {
            waker.wake();
        }
        if self.moved.waiting() > 0 {
            self.moved.notify_all();
        }
    }
}

/// A place in the line. Appends happen in the order in which turns were taken; dropping one gives the place up.
pub struct Turn {
    shard: Rc<Shard>,
    ticket: u64,
}

impl Shard {
    /// Takes a place in the line, at once and in order; the waiting happens in [`Turn::append`].
    pub fn turn(self: &Rc<Self>) -> Result<Turn, AppendError> {
        let ticket = self.turnstile.join().inspect_err(|refused| self.traffic.refused(refused))?;
        Ok(Turn { shard: Rc::clone(self), ticket })
    }

    /// Resolves once everybody who stands in line now has had a turn or has given it up.
    pub async fn line_passed(&self) {
        let next = self.turnstile.next.get();
        while self.turnstile.first().is_some_and(|first| first < next) {
            self.turnstile.moved.notified().await;
        }
    }

    /// Whether a batch of this size may be appended without waiting; `None` says to take a [`Shard::turn`].
    pub fn room(&self, batch_bytes: u32) -> Option<Result<(), AppendError>> {
        if !self.turnstile.is_empty() {
            return None;
        }
        match self.room_for(batch_bytes) {
            Ok(true) => Some(Ok(())),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// Whether a batch of this size can be appended now: `Ok(false)` says to wait.
    pub(crate) fn room_for(&self, batch_bytes: u32) -> Result<bool, AppendError> {
        self.look_for_room(batch_bytes).inspect_err(|refused| self.traffic.refused(refused))
    }

    fn look_for_room(&self, batch_bytes: u32) -> Result<bool, AppendError> {
        self.may_ever_append(batch_bytes)?;
        if self.space.is_short() {
            return Err(AppendError::NoSpace);
        }
        if !self.journal().room_for(batch_bytes, Reserve::Keep) {
            self.journal().request_flush();
            self.checkpoint_wanted_if_due();
            return Ok(false);
        }
        let bytes = u64::from(batch_bytes);
        if self.store.pool.excess_with(bytes) > 0 {
            self.store.evict_for(bytes);
        }
        let fits = self.store.pool.may_dirty(bytes)
            && (self.store.pool.excess_with(bytes) == 0 || self.store.pool.dirty() == 0);
        if !fits {
            // Complete chunks are on their way already; the rest becomes writable by a checkpoint.
            self.checkpoint_wanted.raise();
        }
        Ok(fits)
    }

    /// Waits for room for a batch of the owner's own log, past the line and below the floor: what it holds are decisions,
    /// small and few, and some of them free space. It goes around the cache's limit too, which the journal bounds here.
    /// The append itself must follow without a pause. `NoSpace` when the journal, which cannot be recycled on a full
    /// disk, is full as well.
    pub async fn room_for_own(&self, batch_bytes: u32, reserve: Reserve) -> Result<(), AppendError> {
        let journal = self.journal();
        loop {
            self.may_ever_append(batch_bytes)?;
            if journal.room_for(batch_bytes, reserve) {
                return Ok(());
            }
            if self.space.is_full() && journal.is_full_for(batch_bytes, reserve) {
                return Err(AppendError::NoSpace);
            }
            journal.request_flush();
            self.checkpoint_wanted_if_due();
            futures_lite::future::or(journal.room_changed(), self.store.progress.notified()).await;
        }
    }

    fn may_ever_append(&self, batch_bytes: u32) -> Result<(), AppendError> {
        if self.turnstile.closed.get() {
            return Err(AppendError::Closing);
        }
        if let Some(cause) = self.failed() {
            return Err(AppendError::Poisoned(cause));
        }
        let limit = self.journal().start().layout.capacity() / limits::JOURNAL_ENTRY_SHARE;
        if EntryHeader::total_bytes(batch_bytes) > limit {
            let limit = u32::try_from(limit).unwrap_or(u32::MAX);
            return Err(AppendError::TooLarge { bytes: batch_bytes, limit });
        }
        Ok(())
    }
}

impl Turn {
    /// Waits for its turn and for room for a batch of this size. The append itself must follow without a pause.
    pub async fn wait(&self, batch_bytes: u32) -> Result<(), AppendError> {
        let shard = &self.shard;
        std::future::poll_fn(|context| shard.turnstile.poll_first(self.ticket, context)).await;
        while !shard.room_for(batch_bytes)? {
            futures_lite::future::or(shard.journal().room_changed(), shard.store.progress.notified()).await;
        }
        Ok(())
    }

    /// Appends and gives the place up to the next in line.
    pub fn append(self, id: PartitionId, batch: AppendBatch<'_>) -> Result<Appended, AppendError> {
        self.shard.append_now(id, batch)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.shard.turnstile.leave(self.ticket);
    }
}

#[cfg(test)]
mod tests;
