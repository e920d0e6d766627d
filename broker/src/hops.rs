//! How many requests of clients came straight to the core that owns the partition.

use std::cell::Cell;

use base::CoreId;

use crate::core::Core;

/// What a core's connections asked for: appends and reads of partitions here, and of other cores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hops {
    pub(crate) direct: u64,
    pub(crate) crossed: u64,
}

#[derive(Debug, Default)]
pub(crate) struct HopCounts(Cell<Hops>);

impl HopCounts {
    pub(crate) fn get(&self) -> Hops {
        self.0.get()
    }
}

impl Core {
    /// Counts an append or a read for a client of this core.
    pub(crate) fn count_hop(&self, owner: CoreId) {
        let mut hops = self.hops.get();
        *(if owner == self.id { &mut hops.direct } else { &mut hops.crossed }) += 1;
        self.hops.0.set(hops);
    }
}
