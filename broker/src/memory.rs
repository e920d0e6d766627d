//! The memory of requests in progress on one core: a socket is read only as far as there is room.

use std::cell::Cell;
use std::rc::Rc;

use rt::Notify;

/// A number of bytes that requests share.
#[derive(Clone)]
pub(crate) struct RequestMemory(Rc<Inner>);

struct Inner {
    limit: usize,
    taken: Cell<usize>,
    freed: Notify,
}

/// Bytes that one request holds. Given back when dropped.
pub(crate) struct Held {
    memory: Rc<Inner>,
    bytes: usize,
}

impl RequestMemory {
    pub(crate) fn new(limit: usize) -> Self {
        Self(Rc::new(Inner { limit, taken: Cell::new(0), freed: Notify::new() }))
    }

    /// Waits for room. The limit is above the largest request, so that each fits in the end.
    pub(crate) async fn take(&self, bytes: usize) -> Held {
        while self.0.taken.get() + bytes > self.0.limit && self.0.taken.get() > 0 {
            self.0.freed.notified().await;
        }
        self.0.taken.set(self.0.taken.get() + bytes);
        Held { memory: Rc::clone(&self.0), bytes }
    }
}

impl Held {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.memory.taken.set(self.memory.taken.get() - self.bytes);
        self.memory.freed.notify_all();
    }
}
