//! The line of appends that wait for room.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use base::{Offset, PartitionId};
use rt::JoinHandle;
use shard::task_queues::FOREGROUND;
use shard::{AppendError, Shard};

use crate::bench::{Bench, append, append_after, partition};

/// More than the cache takes at once: a line of a hundred waits for checkpoints and flushes.
const RECORD_BYTES: usize = 10_000;

type Ended = Rc<RefCell<Vec<(usize, Result<Offset, AppendError>)>>>;

/// Takes so many places in the line and goes on to append; the end of each is put down.
fn begin(shard: &Rc<Shard>, id: PartitionId, appends: Range<usize>, ended: &Ended) -> Vec<JoinHandle<()>> {
    let begin_one = |index| {
        let (shard, ended) = (Rc::clone(shard), Rc::clone(ended));
        let turn = shard.turn().expect("the line is not full");
        rt::spawn(FOREGROUND, async move {
            let result = append_after(&shard, turn, id, RECORD_BYTES).await;
            ended.borrow_mut().push((index, result));
        })
    };
    appends.map(begin_one).collect()
}

/// A thousand appends, of which the first are done and many wait.
async fn begin_a_long_line(shard: &Rc<Shard>, id: PartitionId) -> (Vec<JoinHandle<()>>, Ended) {
    let ended = Ended::default();
    let appends = begin(shard, id, 0..1_000, &ended);
    rt::sleep(Duration::from_millis(5)).await;
    assert!(shard.stats().appends_waiting > 100, "{:?}", shard.stats());
    (appends, ended)
}

/// How often so many appends were polled that were begun at once.
fn polls_of(appends: usize) -> u64 {
    let id = partition(1, 0);
    Bench::new(&[id]).live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        let polls = Rc::new(Cell::new(0));
        let all: Vec<_> = (0..appends)
            .map(|_| {
                let (shard, polls) = (Rc::clone(&shard), Rc::clone(&polls));
                rt::spawn(FOREGROUND, async move {
                    let mut append = pin!(append(&shard, id, RECORD_BYTES));
                    std::future::poll_fn(|context| {
                        polls.set(polls.get() + 1);
                        append.as_mut().poll(context)
                    })
                    .await
                })
            })
            .collect();
        for append in all {
            append.await.expect("a good disk takes it");
        }
        polls.get()
    })
}

#[test]
fn the_work_of_an_append_does_not_grow_with_the_line() {
    let (short, long) = (100, 1_000);
    let (of_short, of_long) = (polls_of(short), polls_of(long));
    let each = |polls: u64, appends: usize| polls.div_ceil(appends as u64);
    assert!(each(of_long, long) <= each(of_short, short) + 1, "{of_short} polls of {short}, {of_long} of {long}");
    assert!(each(of_long, long) < 10, "{of_long} polls of {long} appends");
}

#[test]
fn appends_keep_the_order_of_the_line_and_those_who_leave_it_hold_nobody_up() {
    let id = partition(1, 0);
    Bench::new(&[id]).live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        // Does not go on: whoever comes after waits.
        let first = shard.turn().expect("the line is not full");
        let ended = Ended::default();
        let (mut appends, mut others) = (Vec::new(), Vec::new());
        for begun in [0, 100, 200] {
            appends.extend(begin(&shard, id, begun..begun + 100, &ended));
            others.push(shard.turn().expect("the line is not full"));
        }
        rt::sleep(Duration::from_secs(1)).await;
        assert_eq!((shard.stats().appends_waiting, ended.borrow().len()), (304, 0));
        // One leaves from the middle, then the first; the others leave when they have come first.
        drop(others.remove(1));
        drop(first);
        for turn in others {
            turn.wait(1_000).await.expect("a good disk has room");
            drop(turn);
        }
        for append in appends {
            append.await;
        }
        assert_eq!((shard.stats().appends_waiting, ended.borrow().len()), (0, 300));
        for (index, result) in &*ended.borrow() {
            let end = result.as_ref().expect("a good disk takes it").get();
            assert_eq!(end, *index as u64 + 1, "offsets are given out in the order of the line");
        }
    });
}

#[test]
fn all_who_wait_hear_that_the_shard_closes() {
    let id = partition(1, 0);
    Bench::new(&[id]).live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        let (appends, ended) = begin_a_long_line(&shard, id).await;
        let passed = {
            let shard = Rc::clone(&shard);
            rt::spawn(FOREGROUND, async move { shard.line_passed().await })
        };
        shard.close().await.expect("it closes");
        for append in appends {
            append.await;
        }
        passed.await;
        let refused = ended.borrow().iter().filter(|(_, result)| matches!(result, Err(AppendError::Closing))).count();
        assert!(refused > 100, "{refused} were refused");
    });
}

#[test]
fn all_who_wait_hear_that_the_disk_has_failed_or_is_full() {
    for fails in [true, false] {
        let id = partition(1, 0);
        Bench::new(&[id]).live(async move |bench| {
            let shard = bench.start().await.expect("a new folder opens");
            let (appends, ended) = begin_a_long_line(&shard, id).await;
            match fails {
                true => bench.disk.fail_nth(rt::sim::DiskOperation::Sync, 1),
                false => bench.disk.set_capacity(Some(0)),
            }
            for append in appends {
                append.await;
            }
            let as_wanted = |result: &Result<Offset, AppendError>| match fails {
                true => matches!(result, Err(AppendError::Poisoned(_))),
                false => matches!(result, Err(AppendError::NoSpace)),
            };
            let refused = ended.borrow().iter().filter(|(_, result)| as_wanted(result)).count();
            assert!(refused > 100, "{refused} were refused, fails: {fails}");
        });
    }
}
