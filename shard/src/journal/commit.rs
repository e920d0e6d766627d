//! Group commit: what has gathered is sealed, written, flushed, and made known in order.

use std::rc::Rc;

use rt::DiskError;

use super::entry::Lsn;
use super::group::{Group, Groups};
use super::{Durability, Journal, Waiter};
use crate::bytes::block_ceil;
use crate::flush::{self, Through};
use crate::limits;
use crate::task_queues::FOREGROUND;

impl Journal {
    pub(super) async fn commit_groups(self: Rc<Self>) {
        loop {
            self.work.wait().await;
            if self.closing.get() {
                return;
            }
            loop {
                while self.has_enough_in_flight() {
                    self.changed.notified().await;
                }
                if !self.seal() {
                    break;
                }
            }
        }
    }

    fn has_enough_in_flight(&self) -> bool {
        let state = self.state.borrow();
        let most = match state.gathering.direct.is_empty() {
            true => limits::JOURNAL_GROUPS_IN_FLIGHT_MAX,
            false => limits::JOURNAL_DIRECT_GROUPS_IN_FLIGHT_MAX,
        };
        state.groups.in_flight() >= most
    }

    /// Closes the gathered group and sends it on its way; false when there is nothing to do.
    fn seal(self: &Rc<Self>) -> bool {
        let mut state = self.state.borrow_mut();
        let forced = self.flush_wanted.replace(false);
        if state.poisoned.is_some() || (state.gathering.is_empty() && !(forced && state.flushed < state.next.lsn)) {
            return false;
        }
        state.gathering.flush_if(forced);
        // A group of a single write needs no flush of its own: one step to the disk instead of two.
        let is_alone = state.gathering.writes.is_empty() && state.open.is_some() && !state.groups.has_unflushed_debt();
        let through = if is_alone && state.gathering.flush { Through::Yes } else { Through::No };
        self.send_buffer(&mut state, through);
        // The next group begins at a block of its own: a flushed block is never written again.
        state.next.lsn = Lsn(block_ceil(state.next.lsn.0));
        let mut group = std::mem::take(&mut state.gathering);
        group.through = through;
        let end = state.next.lsn;
        let direct = state.direct.all;
        let number = state.groups.begin(end, direct, &mut group);
        self.measured.sealed(end, group.entries);
        drop(state);
        let direct = group.direct.drain(..).map(|(slot, blocks)| (self.owner.write_direct)(slot, blocks));
        group.writes.extend(direct);
        drop(rt::spawn(FOREGROUND, Rc::clone(self).finish(number, group)));
        true
    }

    async fn finish(self: Rc<Self>, number: u64, group: Group) {
        let begun = rt::now();
        match self.write_and_flush(number, group).await {
            Ok(()) => self.measured.done(rt::now().since(begun)),
            Err(cause) => self.poison(cause),
        }
        self.changed.notify_all();
    }

    async fn write_and_flush(&self, number: u64, group: Group) -> Result<(), DiskError> {
        let Group { writes, flush, through, .. } = group;
        for write in writes {
            write.await?;
        }
        self.advance(|groups| {
            groups.written(number);
            if through == Through::Yes {
                groups.flushed(number);
            }
        });
        self.changed.notify_all();
        if !flush || through == Through::Yes {
            return Ok(());
        }
        // A flush covers writes that were complete when it began; earlier groups without a flush of their own count on it.
        while self.state.borrow().groups.earlier_still_writing(number) {
            self.changed.notified().await;
            if let Some(cause) = self.poisoned() {
                return Err(cause);
            }
        }
        let files = self.state.borrow_mut().groups.files_to_flush(number);
        for index in files {
            let file = Rc::clone(self.files.borrow()[index].as_ref().expect("a written file is prepared"));
            flush::sync(&*file).await?;
        }
        self.advance(|groups| groups.flushed(number));
        Ok(())
    }

    /// Takes a step of one group, and passes on what became safe in order because of it.
    fn advance(&self, step: impl FnOnce(&mut Groups)) {
        let mut state = self.state.borrow_mut();
        if state.poisoned.is_some() {
            return;
        }
        step(&mut state.groups);
        let written = state.groups.take_written();
        let flushed = state.groups.take_flushed();
        state.written = written.as_ref().map_or(state.written, |reached| reached.end);
        state.flushed = flushed.as_ref().map_or(state.flushed, |reached| reached.end);
        state.direct.flushed = flushed.as_ref().map_or(state.direct.flushed, |reached| reached.direct);
        let (written_lsn, flushed_lsn) = (state.written, state.flushed);
        assert!(flushed_lsn <= written_lsn, "flushed up to {flushed_lsn} but written only up to {written_lsn}");
        drop(state);
        if let Some(reached) = written {
            (self.owner.listener)(&reached.touched, Durability::Relaxed);
            self.wake(Durability::Relaxed, written_lsn);
        }
        if let Some(reached) = flushed {
            (self.owner.listener)(&reached.touched, Durability::Flushed);
            self.wake(Durability::Flushed, flushed_lsn);
            self.room.notify_all();
        }
    }

    fn wake(&self, durability: Durability, reached: Lsn) {
        let ready: Vec<Waiter> =
            self.waiters[durability as usize].borrow_mut().extract_if(.., |waiter| waiter.lsn <= reached).collect();
        for waiter in ready {
            waiter.waker.wake();
        }
    }

    pub(super) fn poison(&self, cause: DiskError) {
        let mut state = self.state.borrow_mut();
        if state.poisoned.is_none() {
            tracing::error!(%cause, "journal: a write or flush failed; this core acknowledges nothing until a restart has recovered it");
            state.poisoned = Some(cause);
        }
        drop(state);
        self.wake(Durability::Relaxed, Lsn(u64::MAX));
        self.wake(Durability::Flushed, Lsn(u64::MAX));
        self.room.notify_all();
    }
}
