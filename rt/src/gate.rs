//! A door that counts who is inside, so that shutdown can wait for them.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::rc::Rc;

use crate::notify::Notify;
use crate::task::{JoinHandle, TaskQueue, spawn};

/// Counts the work that is under way on this core; once closing, it lets nobody in.
#[derive(Clone)]
pub struct Gate {
    inner: Rc<Inner>,
}

struct Inner {
    name: &'static str,
    passes: Cell<usize>,
    closing: Cell<bool>,
    changed: Notify,
}

impl Gate {
    pub fn new(name: &'static str) -> Self {
        let inner = Inner { name, passes: Cell::new(0), closing: Cell::new(false), changed: Notify::new() };
        Self { inner: Rc::new(inner) }
    }

    /// Goes in. Whoever holds the pass holds up [`Gate::close`].
    pub fn enter(&self) -> Result<Pass, GateClosed> {
        if self.inner.closing.get() {
            return Err(GateClosed { gate: self.inner.name });
        }
        self.inner.passes.set(self.inner.passes.get() + 1);
        Ok(Pass { inner: self.inner.clone() })
    }

    /// Starts a task that is inside until it ends.
    pub fn spawn<T: 'static>(
        &self,
        queue: TaskQueue,
        task: impl Future<Output = T> + 'static,
    ) -> Result<JoinHandle<T>, GateClosed> {
        let pass = self.enter()?;
        Ok(spawn(queue, async move {
            let output = task.await;
            drop(pass);
            output
        }))
    }

    /// Lets nobody in from now on, and resolves when all are out. May be called more than once.
    pub async fn close(&self) {
        if !self.inner.closing.replace(true) {
            self.inner.changed.notify_all();
        }
        while self.inner.passes.get() > 0 {
            self.inner.changed.notified().await;
        }
    }

    pub fn is_closing(&self) -> bool {
        self.inner.closing.get()
    }

    /// Resolves when [`Gate::close`] begins: the sign for those inside to come out.
    pub async fn closing(&self) {
        while !self.inner.closing.get() {
            self.inner.changed.notified().await;
        }
    }

    /// How many are inside.
    pub fn inside(&self) -> usize {
        self.inner.passes.get()
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { name, passes, closing, .. } = &*self.inner;
        f.debug_struct("Gate").field("name", name).field("passes", passes).field("closing", closing).finish()
    }
}

/// Being inside a [`Gate`]. Dropping it is leaving.
#[must_use = "dropping the pass leaves the gate at once"]
pub struct Pass {
    inner: Rc<Inner>,
}

impl Drop for Pass {
    fn drop(&mut self) {
        let left = self.inner.passes.get() - 1;
        self.inner.passes.set(left);
        if left == 0 && self.inner.closing.get() {
            self.inner.changed.notify_all();
        }
    }
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pass").field(&self.inner.name).finish()
    }
}

/// The gate is closing: no new work is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{gate} is shutting down")]
pub struct GateClosed {
    pub gate: &'static str,
}
