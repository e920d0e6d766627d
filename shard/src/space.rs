//! Whether the disk has space for new records, by two signs: what it says is free, and writes that it has refused.
//!
//! A refused write is tried again and again; as long as there is one, there is no space, whatever the disk says (it may
//! have none for us: a quota) and however low the floor is.

use std::cell::Cell;
use std::rc::Rc;

use base::CoreId;

pub(crate) struct Space {
    core: CoreId,
    below_floor: Cell<bool>,
    /// As the disk last said.
    free: Cell<Option<u64>>,
    /// Tasks whose last write was refused.
    refused: Cell<usize>,
}

/// A write was refused and has not succeeded since.
pub(crate) struct Refused {
    space: Rc<Space>,
}

impl Space {
    pub(crate) fn new(core: CoreId) -> Rc<Self> {
        Rc::new(Self { core, below_floor: Cell::new(false), free: Cell::new(None), refused: Cell::new(0) })
    }

    /// New records have to be refused.
    pub(crate) fn is_short(&self) -> bool {
        self.below_floor.get() || self.is_full()
    }

    /// Writes of what has been accepted already are refused.
    pub(crate) fn is_full(&self) -> bool {
        self.refused.get() > 0
    }

    pub(crate) fn free(&self) -> Option<u64> {
        self.free.get()
    }

    pub(crate) fn refuse(self: &Rc<Self>) -> Refused {
        let before = self.refused.replace(self.refused.get() + 1);
        if before == 0 {
            tracing::warn!(core = %self.core, "the disk is full: appends are refused until space returns");
        }
        Refused { space: Rc::clone(self) }
    }

    /// Takes in what the disk says; true when that changes anything.
    pub(crate) fn look(&self, free: u64, floor: u64) -> bool {
        self.free.set(Some(free));
        let low = free < floor;
        if low == self.below_floor.replace(low) {
            return false;
        }
        match low {
            true => {
                tracing::warn!(core = %self.core, free, floor, "free space is below its floor: appends are refused")
            }
            false => tracing::info!(core = %self.core, free, floor, "free space is above its floor again"),
        }
        true
    }
}

impl Refused {
    /// The write was done, or nobody needs it any more.
    pub(crate) fn end(self) {
        let space = Rc::clone(&self.space);
        drop(self);
        if !space.is_full() {
            tracing::info!(core = %space.core, "writes find space again");
        }
    }
}

impl Drop for Refused {
    fn drop(&mut self) {
        self.space.refused.set(self.space.refused.get() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_returns_when_every_refused_write_has_succeeded() {
        let space = Space::new(CoreId(0));
        let (first, second) = (space.refuse(), space.refuse());
        // What the disk says is no answer to a refused write.
        space.look(0, 0);
        space.look(1 << 40, 0);
        assert!(space.is_short() && space.is_full());
        first.end();
        assert!(space.is_short());
        second.end();
        assert!(!space.is_short());
    }

    #[test]
    fn below_the_floor_there_is_no_space_for_new_records_though_writes_succeed() {
        let space = Space::new(CoreId(0));
        assert!(space.look(9, 10));
        assert!(!space.look(8, 10));
        assert!(space.is_short() && !space.is_full());
        assert!(space.look(10, 10));
        assert!(!space.is_short());
    }
}
