//! The memory of one core's chunk cache: one budget for data on its way to segments and recent data.

use std::cell::{Cell, RefCell};

use rt::IoBuf;

use crate::limits;

/// Counts the bytes of all chunks of a core. A chunk that was let go of while a reader still holds a part of it counts
/// until the reader is done.
#[derive(Debug)]
pub(crate) struct ChunkPool {
    limit: u64,
    in_use: Cell<u64>,
    /// Bytes that are in no segment file yet and so cannot be let go of.
    dirty: Cell<u64>,
    retired: RefCell<Vec<IoBuf>>,
}

impl ChunkPool {
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, in_use: Cell::new(0), dirty: Cell::new(0), retired: RefCell::new(Vec::new()) }
    }

    pub(crate) fn allocate(&self, bytes: usize) -> IoBuf {
        self.in_use.set(self.in_use.get() + bytes as u64);
        IoBuf::alloc(bytes)
    }

    /// Lets go of a chunk's memory, at once or as soon as its last reader has.
    pub(crate) fn release(&self, buffer: IoBuf) {
        if buffer.is_shared() {
            self.retired.borrow_mut().push(buffer);
        } else {
            self.forget(&buffer);
        }
    }

    /// Looks whether readers have let go of retired chunks.
    pub(crate) fn reap(&self) {
        self.retired.borrow_mut().retain(|buffer| {
            let held = buffer.is_shared();
            if !held {
                self.forget(buffer);
            }
            held
        });
    }

    fn forget(&self, buffer: &IoBuf) {
        let bytes = buffer.capacity() as u64;
        let in_use = self.in_use.get();
        assert!(bytes <= in_use, "the pool gets back {bytes} of {in_use} bytes");
        self.in_use.set(in_use - bytes);
    }

    pub(crate) fn add_dirty(&self, bytes: u64) {
        self.dirty.set(self.dirty.get() + bytes);
    }

    pub(crate) fn remove_dirty(&self, bytes: u64) {
        let dirty = self.dirty.get();
        assert!(bytes <= dirty, "{bytes} bytes became clean of {dirty} dirty ones");
        self.dirty.set(dirty - bytes);
    }

    pub(crate) fn in_use(&self) -> u64 {
        self.in_use.get()
    }

    pub(crate) fn dirty(&self) -> u64 {
        self.dirty.get()
    }

    /// Bytes by which the pool would be over its limit with `more`.
    pub(crate) fn excess_with(&self, more: u64) -> u64 {
        (self.in_use.get() + more).saturating_sub(self.limit)
    }

    /// Whether `more` dirty bytes are acceptable. A single large batch is let through when nothing else is dirty.
    pub(crate) fn may_dirty(&self, more: u64) -> bool {
        self.dirty.get() == 0 || self.dirty.get() + more <= self.limit / 100 * limits::CACHE_DIRTY_PERCENT
    }
}
