//! How much of a core's time each partition takes: what is spent in its appends and reads, gathered by the interval.
//!
//! Only partitions that something was done for in an interval are looked at when it ends.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use base::{CoreId, Instant, PartitionId};
use shard::task_queues::{BACKGROUND, COMPACTION, HTTP, RETENTION};

use crate::core::Core;
use crate::leader::Leader;
use crate::limits;

/// What of a core's activity somebody wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// The last interval's.
    Last,
    /// Ends an interval.
    EndInterval,
}

/// What a core was busy with in an interval, in microseconds per second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CoreActivity {
    /// With what clients wait for.
    pub(crate) busy: u32,
    /// Partitions that are here and something was done for.
    pub(crate) partitions: BTreeMap<PartitionId, u32>,
}

#[derive(Default)]
pub(crate) struct Activity {
    /// Partitions that something was done for since the interval began.
    active: RefCell<Vec<PartitionId>>,
    last: RefCell<CoreActivity>,
    begun: Cell<Option<(Instant, Duration)>>,
}

impl Activity {
    pub(crate) fn note(&self, id: PartitionId, leader: &Leader, took: Duration) {
        let before = leader.work.get();
        if before.is_zero() && !took.is_zero() {
            self.active.borrow_mut().push(id);
        }
        leader.work.set(before + took);
    }
}

impl Core {
    /// Counts what is done for a partition, unless it comes to nothing.
    pub(crate) fn working_on<T>(&self, id: PartitionId, work: impl FnOnce() -> T) -> T {
        let begun = rt::now();
        let result = work();
        self.worked_on(id, rt::now().since(begun));
        result
    }

    /// As [`Core::working_on`], without the time that passes in between.
    pub(crate) async fn awaiting<T>(&self, id: PartitionId, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let mut took = Duration::ZERO;
        let result = std::future::poll_fn(|context| {
            let begun = rt::now();
            let polled = work.as_mut().poll(context);
            took += rt::now().since(begun);
            polled
        })
        .await;
        self.worked_on(id, took);
        result
    }

    pub(crate) fn worked_on(&self, id: PartitionId, took: Duration) {
        // A look at a partition that has nothing new takes less, and there may be thousands in each fetch.
        if took < limits::WORK_COUNTED_MIN {
            return;
        }
        if let Some(leader) = self.leaders.borrow().get(&id) {
            self.activity.note(id, leader, took);
        }
    }

    pub(crate) fn activity(&self, look: Look) -> CoreActivity {
        if look == Look::EndInterval {
            self.end_interval();
        }
        self.activity.last.borrow().clone()
    }

    fn end_interval(&self) {
        let (now, busy) = (rt::now(), foreground_time());
        let begun = self.activity.begun.replace(Some((now, busy)));
        let leaders = self.leaders.borrow();
        let active = std::mem::take(&mut *self.activity.active.borrow_mut());
        let worked = active.into_iter().filter_map(|id| Some((id, leaders.get(&id)?.work.take())));
        let worked: Vec<(PartitionId, Duration)> = worked.collect();
        // The first call begins an interval.
        let Some((then, busy_then)) = begun else { return };
        let of_interval = |took: Duration| rate(took, now.since(then));
        *self.activity.last.borrow_mut() = CoreActivity {
            busy: of_interval(busy.saturating_sub(busy_then)),
            partitions: worked.into_iter().map(|(id, took)| (id, of_interval(took))).collect(),
        };
    }

    /// What all cores were busy with, in the order of their numbers; a core that has stopped with nothing.
    pub(crate) async fn all_activity(self: &std::rc::Rc<Self>, look: Look) -> Vec<(CoreId, CoreActivity)> {
        use crate::messages::{Reply, Request};
        let mut all = Vec::new();
        for core in CoreId::all(self.cores()) {
            let activity = if core == self.id {
                self.activity(look)
            } else {
                match self.call(core, Request::Activity(look)).await {
                    Ok(Reply::Activity(activity)) => *activity,
                    Ok(_) | Err(_) => CoreActivity::default(),
                }
            };
            all.push((core, activity));
        }
        all
    }
}

/// Microseconds in each second of an interval.
fn rate(took: Duration, interval: Duration) -> u32 {
    let per_second = u128::from(microseconds_of(took)) * 1_000_000 / u128::from(microseconds_of(interval).max(1));
    u32::try_from(per_second).unwrap_or(u32::MAX)
}

fn microseconds_of(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// What this core has worked for its clients: most of it is the kernel's, for sockets and files. What runs beside them
/// stays where it is when a partition moves, or comes along.
fn foreground_time() -> Duration {
    let beside = [BACKGROUND, RETENTION, COMPACTION, HTTP].map(rt::queue_time);
    rt::processor_time().saturating_sub(beside.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_of_each_second() {
        assert_eq!(rate(Duration::from_millis(30), Duration::from_secs(10)), 3_000);
        assert_eq!(rate(Duration::from_micros(1), Duration::from_millis(100)), 10);
        assert_eq!(rate(Duration::ZERO, Duration::ZERO), 0);
    }
}
