//! The disk's stalls: an operation that takes seconds is named while it does, even if nothing else moves.

use std::rc::Rc;

use rt::StalledOperation;

use crate::limits;
use crate::shard::Shard;

impl Shard {
    /// A task of its own: whoever waits for the disk can't look after it.
    pub(crate) async fn watch_disk(self: Rc<Self>) {
        while !self.gate.is_closing() {
            futures_lite::future::or(rt::sleep(limits::DISK_STALL_LOOK), self.gate.closing()).await;
            self.disk.look();
        }
    }

    /// Operations of this core's disk that take too long at this moment.
    pub fn stalled_operations(&self) -> Vec<StalledOperation> {
        self.disk.stalled()
    }
}
