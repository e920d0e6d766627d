//! The task queues of a program that is a client and nothing else.

use rt::{TaskQueue, TaskQueueSpec};

/// Given to [`rt::CoresConfig`], they go with [`ClientQueues::OWN`].
pub const TASK_QUEUES: &[TaskQueueSpec] = &[
    TaskQueueSpec { name: "client", shares: 1_000, latency: None },
    TaskQueueSpec { name: "client-network", shares: 1_000, latency: None },
    TaskQueueSpec { name: "client-upkeep", shares: 200, latency: None },
];

/// Which queues a client's tasks run in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientQueues {
    /// Reading and writing, and what answers lead to.
    pub network: TaskQueue,
    /// Metadata, and connections that are made.
    pub upkeep: TaskQueue,
}

impl ClientQueues {
    /// Of an executor that was started with [`TASK_QUEUES`].
    pub const OWN: Self = Self { network: TaskQueue::new(1), upkeep: TaskQueue::new(2) };

    /// The queue that every executor has.
    pub const DEFAULT: Self = Self { network: TaskQueue::DEFAULT, upkeep: TaskQueue::DEFAULT };
}

impl Default for ClientQueues {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_have_the_names_that_they_are_used_for() {
        assert_eq!(TASK_QUEUES[ClientQueues::OWN.network.index()].name, "client-network");
        assert_eq!(TASK_QUEUES[ClientQueues::OWN.upkeep.index()].name, "client-upkeep");
    }
}
