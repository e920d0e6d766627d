//! Tasks that keep their core to themselves for too long between two waits: named, counted, and logged now and then.
//!
//! The time is that of the clock: a core whose CPU the kernel gave to somebody else meanwhile shows here, too.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use base::CoreId;

use crate::backend::{self, Backend};
use crate::task::{TaskQueue, TaskQueueSpec};

/// At most one line of each level in the log in this time, on each core.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// From this time on a stall is worth a warning; shorter ones are for who looks for them.
const WARNING_FROM: Duration = Duration::from_millis(10);

/// Tasks that are counted by their names; there are about as many in a broker. The others share a place in their queue.
const TASKS_NAMED_MAX: usize = 64;
const OTHER_TASKS: &str = "others";

/// The tasks of one queue that kept their core for longer than [`crate::WatchdogConfig::task_warn`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueStalls {
    pub queue: &'static str,
    /// How often one did.
    pub count: u64,
    pub longest: Duration,
    /// The task that did so for longest, by the path of the function that it runs; empty if none did.
    pub task: &'static str,
}

/// A task that kept its core for longer than that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskStall {
    /// By the path of the function that it runs; [`OTHER_TASKS`] for all those beyond the limit.
    pub task: &'static str,
    pub queue: &'static str,
    pub count: u64,
    pub longest: Duration,
}

/// Those of the calling core since its start, task by task, at most a few dozen. There are none in a simulation.
pub fn stalled_tasks() -> Vec<TaskStall> {
    backend::peek(|backend| match backend {
        Some(Backend::Real(core)) => core.task_stalls().tasks(),
        Some(Backend::Sim(_)) | None => Vec::new(),
    })
}

/// Those of the calling core since its start, queue by queue. There are none in a simulation, where tasks take no time,
/// and on a thread that is no core.
pub fn task_stalls() -> Vec<QueueStalls> {
    backend::peek(|backend| match backend {
        Some(Backend::Real(core)) => core.task_stalls().queues(),
        Some(Backend::Sim(_)) | None => Vec::new(),
    })
}

/// What one core knows of its tasks.
pub(crate) struct TaskStalls {
    core: CoreId,
    state: RefCell<State>,
}

struct State {
    queues: Vec<QueueStalls>,
    tasks: Vec<TaskStall>,
    /// Short ones and those to warn of.
    unlogged: [Unlogged; 2],
}

/// What has happened since the last line in the log.
#[derive(Clone, Copy, Default)]
struct Unlogged {
    logged: Option<Instant>,
    count: u64,
    longest: Duration,
    task: &'static str,
    queue: &'static str,
}

impl TaskStalls {
    pub(crate) fn new(core: CoreId, specs: &[TaskQueueSpec]) -> Self {
        let names = specs.iter().map(|spec| spec.name);
        let names = names.chain(specs.is_empty().then_some("default"));
        let queues =
            names.map(|queue| QueueStalls { queue, count: 0, longest: Duration::ZERO, task: "" }).collect::<Vec<_>>();
        Self { core, state: RefCell::new(State { queues, tasks: Vec::new(), unlogged: Default::default() }) }
    }

    pub(crate) fn queues(&self) -> Vec<QueueStalls> {
        self.state.borrow().queues.clone()
    }

    pub(crate) fn tasks(&self) -> Vec<TaskStall> {
        self.state.borrow().tasks.clone()
    }

    /// A task has had its core for so long.
    pub(crate) fn note(&self, queue: TaskQueue, task: &'static str, took: Duration, now: Instant) {
        let mut state = self.state.borrow_mut();
        let State { queues, tasks, unlogged } = &mut *state;
        let stalls = &mut queues[queue.index()];
        stalls.count += 1;
        if took > stalls.longest {
            (stalls.longest, stalls.task) = (took, task);
        }
        note_task(tasks, stalls.queue, task, took);
        let is_warning = took >= WARNING_FROM;
        let unlogged = &mut unlogged[usize::from(is_warning)];
        unlogged.count += 1;
        if took > unlogged.longest {
            (unlogged.longest, unlogged.task, unlogged.queue) = (took, task, stalls.queue);
        }
        if unlogged.logged.is_some_and(|logged| now.saturating_duration_since(logged) < LOG_INTERVAL) {
            return;
        }
        let Unlogged { count, longest, task, queue, .. } =
            std::mem::replace(unlogged, Unlogged { logged: Some(now), ..Unlogged::default() });
        if is_warning {
            tracing::warn!(core = %self.core, queue, task, ?longest, count, "tasks kept their core for too long");
        } else {
            tracing::debug!(core = %self.core, queue, task, ?longest, count, "tasks kept their core for too long");
        }
    }
}

fn note_task(tasks: &mut Vec<TaskStall>, queue: &'static str, task: &'static str, took: Duration) {
    let place_of =
        |tasks: &[TaskStall], task| tasks.iter().position(|known| (known.queue, known.task) == (queue, task));
    let known = place_of(tasks, task).map(|place| (place, task));
    let (place, task) = match known {
        Some(known) => known,
        None if tasks.len() < TASKS_NAMED_MAX => (tasks.len(), task),
        None => (place_of(tasks, OTHER_TASKS).unwrap_or(tasks.len()), OTHER_TASKS),
    };
    if place == tasks.len() {
        tasks.push(TaskStall { task, queue, count: 0, longest: Duration::ZERO });
    }
    tasks[place].count += 1;
    tasks[place].longest = tasks[place].longest.max(took);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPECS: &[TaskQueueSpec] = &[
        TaskQueueSpec { name: "control", shares: 1_000, latency: None },
        TaskQueueSpec { name: "foreground", shares: 1_000, latency: None },
    ];

    #[test]
    fn each_queue_counts_its_own_and_remembers_the_longest() {
        let stalls = TaskStalls::new(CoreId(0), SPECS);
        let now = Instant::now();
        let millis = Duration::from_millis;
        stalls.note(TaskQueue::new(1), "append", millis(2), now);
        stalls.note(TaskQueue::new(1), "fetch", millis(7), now);
        stalls.note(TaskQueue::new(1), "append", millis(3), now);
        stalls.note(TaskQueue::DEFAULT, "accept", millis(1), now);
        let expected = [
            QueueStalls { queue: "control", count: 1, longest: millis(1), task: "accept" },
            QueueStalls { queue: "foreground", count: 3, longest: millis(7), task: "fetch" },
        ];
        assert_eq!(stalls.queues(), expected);
    }

    #[test]
    fn each_task_is_counted_by_name_and_queue_and_those_beyond_the_limit_together() {
        let stalls = TaskStalls::new(CoreId(0), SPECS);
        let now = Instant::now();
        let millis = Duration::from_millis;
        stalls.note(TaskQueue::new(1), "append", millis(2), now);
        stalls.note(TaskQueue::DEFAULT, "append", millis(1), now);
        stalls.note(TaskQueue::new(1), "append", millis(7), now);
        let append = |queue, count, longest| TaskStall { task: "append", queue, count, longest: millis(longest) };
        assert_eq!(stalls.tasks(), [append("foreground", 2, 7), append("control", 1, 1)]);
        let names: Vec<&'static str> = (0..100).map(|number| &*format!("task {number}").leak()).collect();
        names.iter().for_each(|name| stalls.note(TaskQueue::new(1), name, millis(3), now));
        let tasks = stalls.tasks();
        // One place for the others in each queue that has some.
        assert_eq!(tasks.len(), TASKS_NAMED_MAX + 1);
        let others = tasks.last().expect("there are some");
        assert_eq!((others.task, others.queue, others.count), (OTHER_TASKS, "foreground", 100 + 2 - 64));
        assert_eq!(tasks.iter().map(|task| task.count).sum::<u64>(), 103);
    }

    #[test]
    fn the_log_takes_one_line_of_a_level_in_its_interval_and_the_next_one_tells_the_rest() {
        let stalls = TaskStalls::new(CoreId(0), SPECS);
        let begun = Instant::now();
        let unlogged = || {
            let state = stalls.state.borrow();
            state.unlogged.map(|Unlogged { count, longest, .. }| (count, longest.as_millis()))
        };
        let note = |millis, after| {
            stalls.note(TaskQueue::DEFAULT, "task", Duration::from_millis(millis), begun + after);
        };
        note(1, Duration::ZERO);
        assert_eq!(unlogged(), [(0, 0), (0, 0)]);
        note(9, LOG_INTERVAL / 2);
        note(2, LOG_INTERVAL / 2);
        assert_eq!(unlogged(), [(2, 9), (0, 0)]);
        // A warning does not wait for what came before it.
        note(10, LOG_INTERVAL / 2);
        assert_eq!(unlogged(), [(2, 9), (0, 0)]);
        note(30, LOG_INTERVAL);
        assert_eq!(unlogged(), [(2, 9), (1, 30)]);
        note(3, LOG_INTERVAL);
        assert_eq!(unlogged(), [(0, 0), (1, 30)]);
    }
}
