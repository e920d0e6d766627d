//! Whether the ring has room for an entry, and making room.

use super::entry::{EntryHeader, Lsn};
use super::{Journal, Reserve, State};
use crate::bytes::block_ceil;
use crate::limits;

impl Journal {
    /// True when an entry with a batch of this size fits without overwriting what is not yet in segments.
    pub fn room_for(&self, batch_bytes: u32, reserve: Reserve) -> bool {
        let state = self.state.borrow();
        let end = end_of(&state, batch_bytes);
        let unflushed = end.since(state.flushed) + state.direct.all - state.direct.flushed;
        let limit = limits::JOURNAL_UNFLUSHED_BYTES_MAX.max(EntryHeader::total_bytes(batch_bytes));
        let quiet = state.flushed == state.next.lsn;
        (quiet || unflushed <= limit) && self.fits(&state, end, reserve)
    }

    /// True when what is missing for an entry is not a flush: that only write-back of what the ring holds makes room.
    pub fn is_full_for(&self, batch_bytes: u32, reserve: Reserve) -> bool {
        let state = self.state.borrow();
        !self.fits(&state, end_of(&state, batch_bytes), reserve)
    }

    /// Lets no more than so many bytes wait to be recycled.
    pub(crate) fn bound(&self, unreplayed_bytes_max: u64) {
        self.unreplayed_bytes_max.set(unreplayed_bytes_max);
    }

    /// Bytes that may wait to be recycled.
    pub fn bound_of_unreplayed(&self) -> u64 {
        self.unreplayed_bytes_max.get().min(self.start.layout.capacity())
    }

    /// The bound is for what comes many at a time: a large entry needs the ring only, as does what frees space.
    fn keeps_to_bound(&self, state: &State, end: Lsn, reserve: Reserve) -> bool {
        let bound = self.bound_of_unreplayed();
        let large = end.since(state.next.lsn) > bound / limits::JOURNAL_ENTRY_SHARE;
        large || reserve == Reserve::Use || state.waiting_up_to(end) <= bound
    }

    fn fits(&self, state: &State, end: Lsn, reserve: Reserve) -> bool {
        if !self.keeps_to_bound(state, end, reserve) {
            return false;
        }
        let end = match reserve {
            Reserve::Keep => end.plus(self.start.layout.capacity() / limits::JOURNAL_RESERVE_SHARE),
            Reserve::Use => end,
        };
        state.waiting_up_to(end) + rt::BLOCK_BYTES as u64 <= self.start.layout.capacity()
            && end <= self.prepared_end(state)
    }

    fn prepared_end(&self, state: &State) -> Lsn {
        if state.prepared >= self.start.layout.files {
            return Lsn(u64::MAX);
        }
        let first = self.start.layout.place(self.start.lsn);
        let whole = self.start.layout.capacity() / u64::from(self.start.layout.files);
        match state.prepared {
            0 => self.start.lsn,
            count => self.start.lsn.plus(first.room + whole * u64::from(count - 1)),
        }
    }

    /// Share, in percent, of what may wait to be recycled, together with what went straight to segments.
    pub fn used_percent(&self) -> u64 {
        self.unrecycled_bytes() * 100 / self.bound_of_unreplayed()
    }

    /// Bytes appended since everything was last recycled: what a replay would read.
    pub fn unrecycled_bytes(&self) -> u64 {
        let state = self.state.borrow();
        state.waiting_up_to(state.next.lsn)
    }

    /// Bytes that ever went straight to segments, for [`Journal::recycle`].
    pub fn direct_bytes(&self) -> u64 {
        self.state.borrow().direct.all
    }

    /// Everything before `lsn`, and the first `direct` of the bytes that went straight to segments, is flushed in
    /// segments, and a flushed checkpoint says so.
    pub fn recycle(&self, lsn: Lsn, direct: u64) {
        let mut state = self.state.borrow_mut();
        assert!(lsn >= state.recycled, "recycled up to {} already, not back to {lsn}", state.recycled);
        assert!(lsn <= state.next.lsn, "cannot recycle up to {lsn} what ends at {}", state.next.lsn);
        state.recycled = lsn;
        state.direct.recycled = direct;
        drop(state);
        self.room.notify_all();
    }

    /// Resolves when room may have appeared: after a flush, a recycling, a prepared file, or when there will be none any
    /// more because the journal is poisoned.
    pub async fn room_changed(&self) {
        self.room.notified().await;
    }
}

impl State {
    /// Bytes that wait to be recycled if the journal ends at `end`.
    fn waiting_up_to(&self, end: Lsn) -> u64 {
        end.since(self.recycled) + self.direct.all - self.direct.recycled
    }
}

/// Where the group ends if its last entry is one of such a batch.
fn end_of(state: &State, batch_bytes: u32) -> Lsn {
    Lsn(block_ceil(state.next.lsn.plus(EntryHeader::total_bytes(batch_bytes)).0))
}
