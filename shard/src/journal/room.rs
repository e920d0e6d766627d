//! Whether the ring has room for an entry.

use super::entry::{EntryHeader, Lsn};
use super::{Journal, Reserve, State};
use crate::bytes::block_ceil;
use crate::limits;

impl Journal {
    /// True when an entry with a batch of this size fits without overwriting what is not yet in segments.
    pub fn room_for(&self, batch_bytes: u32, reserve: Reserve) -> bool {
        let state = self.state.borrow();
        let end = end_of(&state, batch_bytes);
        let unflushed = end.since(state.flushed);
        let limit = limits::JOURNAL_UNFLUSHED_BYTES_MAX.max(EntryHeader::total_bytes(batch_bytes));
        let quiet = state.flushed == state.next.lsn;
        (quiet || unflushed <= limit) && self.fits(&state, end, reserve)
    }

    /// True when what is missing for an entry is not a flush: that only write-back of what the ring holds makes room.
    pub fn is_full_for(&self, batch_bytes: u32, reserve: Reserve) -> bool {
        let state = self.state.borrow();
        !self.fits(&state, end_of(&state, batch_bytes), reserve)
    }

    fn fits(&self, state: &State, end: Lsn, reserve: Reserve) -> bool {
        let end = match reserve {
            Reserve::Keep => end.plus(self.start.layout.capacity() / limits::JOURNAL_RESERVE_SHARE),
            Reserve::Use => end,
        };
        end.since(state.recycled) + rt::BLOCK_BYTES as u64 <= self.start.layout.capacity()
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

    /// Resolves when room may have appeared: after a flush, a recycling, a prepared file, or when there will be none any
    /// more because the journal is poisoned.
    pub async fn room_changed(&self) {
        self.room.notified().await;
    }
}

/// Where the group ends if its last entry is one of such a batch.
fn end_of(state: &State, batch_bytes: u32) -> Lsn {
    Lsn(block_ceil(state.next.lsn.plus(EntryHeader::total_bytes(batch_bytes)).0))
}
