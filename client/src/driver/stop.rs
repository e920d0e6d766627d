//! The end of something that tasks wait for, beside what else they wait for.

use std::cell::Cell;
use std::future::Future;

use base::Instant;
use futures_lite::future::or;
use rt::{Flag, Notify, sleep_until};

/// Raised once. Any number of tasks wait for it.
#[derive(Debug, Default)]
pub(super) struct Stop {
    stopped: Cell<bool>,
    changed: Notify,
}

impl Stop {
    pub(super) fn stop(&self) {
        if !self.stopped.replace(true) {
            self.changed.notify_all();
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.get()
    }

    pub(super) async fn stopped(&self) {
        while !self.stopped.get() {
            self.changed.notified().await;
        }
    }

    /// `None` when the stop came first.
    pub(super) async fn or_stopped<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let stopped = async {
            self.stopped().await;
            None
        };
        // The stop is asked first, so that a future that is always ready cannot hide it.
        or(stopped, async { Some(future.await) }).await
    }
}

/// Wakes a task at a time that may move to an earlier one.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    /// When the task will wake; `None` if it waits to be told.
    armed: Cell<Option<Instant>>,
    moved: Flag,
    stop: Stop,
}

impl Alarm {
    /// Something is due at this time.
    pub(super) fn set(&self, due: Option<Instant>) {
        let Some(due) = due else { return };
        if self.armed.get().is_none_or(|armed| due < armed) {
            self.armed.set(Some(due));
            self.moved.raise();
        }
    }

    /// Resolves at the time, or earlier when it has moved; false once it was stopped.
    pub(super) async fn wait(&self, due: Option<Instant>) -> bool {
        self.armed.set(due);
        let timer = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        self.stop.or_stopped(or(self.moved.wait(), timer)).await.is_some()
    }

    pub(super) fn stop(&self) {
        self.stop.stop();
    }
}
