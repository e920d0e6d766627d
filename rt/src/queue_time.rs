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

/// Processor time of this core's thread, the kernel's work for it included. A simulation's cores take none.
pub fn processor_time() -> Duration {
    backend::with("processor_time", |backend| match backend {
        Backend::Real(_) => thread_time(),
        Backend::Sim(_) => Duration::ZERO,
    })
}

fn thread_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes the time into memory that is ours.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(result, 0, "every thread has a clock");
    let nanoseconds = u32::try_from(time.tv_nsec).expect("less than a second");
    Duration::new(time.tv_sec.cast_unsigned(), nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CoresConfig, now, run_one, sleep};

    #[test]
    fn what_a_queue_has_had_is_not_forgotten_by_who_looks() {
        let ran = run_one(CoresConfig::default(), || async {
            let busy = Duration::from_millis(5);
            let begun = now();
            while now().since(begun) < busy {}
            // What it had is counted when it waits.
            sleep(Duration::from_millis(1)).await;
            let first = queue_time(TaskQueue::DEFAULT);
            assert!(first >= busy, "{first:?}");
            sleep(Duration::from_millis(1)).await;
            let second = queue_time(TaskQueue::DEFAULT);
            assert!(second >= first, "{second:?} after {first:?}");
        });
        ran.expect("the core runs");
    }
}
