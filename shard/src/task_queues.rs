//! All task queues of a core, their shares of its time, and their latency goals.

use std::time::Duration;

use rt::{TaskQueue, TaskQueueSpec};

/// Accepting connections, control, timers.
pub const CONTROL: TaskQueue = TaskQueue::DEFAULT;
/// Connections, appends, fetches, messages from other cores, group commit: what a client waits for.
pub const FOREGROUND: TaskQueue = TaskQueue::new(1);
/// Chunks to segments, checkpoints: what keeps memory and restart time bounded. It must keep pace with appends.
pub const WRITE_BACK: TaskQueue = TaskQueue::new(2);
/// Deleting, scrubbing, rebuilding: what nobody waits for.
pub const BACKGROUND: TaskQueue = TaskQueue::new(3);
/// Finding out what retention deletes, and removing segments.
pub const RETENTION: TaskQueue = TaskQueue::new(4);
/// Compacting logs by key.
pub const COMPACTION: TaskQueue = TaskQueue::new(5);

/// Metrics and the broker's health, for who watches it: seldom, little, and not to be felt by clients.
pub const HTTP: TaskQueue = TaskQueue::new(6);

/// In the order of the queues' numbers.
pub const TASK_QUEUES: &[TaskQueueSpec] = &[
    TaskQueueSpec { name: "control", shares: 1_000, latency: None },
    TaskQueueSpec { name: "foreground", shares: 1_000, latency: Some(Duration::from_millis(2)) },
    TaskQueueSpec { name: "write-back", shares: 500, latency: None },
    TaskQueueSpec { name: "background", shares: 20, latency: None },
    TaskQueueSpec { name: "retention", shares: 20, latency: None },
    TaskQueueSpec { name: "compaction", shares: 20, latency: None },
    TaskQueueSpec { name: "http", shares: 100, latency: None },
];
