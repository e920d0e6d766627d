//! How long the tasks of a queue have run.

use std::time::Duration;

use crate::backend::{self, Backend};
use crate::task::TaskQueue;

/// Time that tasks of a queue have had this core since its start. A simulation's tasks take none.
pub fn queue_time(queue: TaskQueue) -> Duration {
    backend::with("queue_time", |backend| match backend {
        Backend::Real(core) => core.queue_time(queue),
        Backend::Sim(_) => Duration::ZERO,
    })
}
