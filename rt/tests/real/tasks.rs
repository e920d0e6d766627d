//! Tasks, timers and events on a real executor.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base::CoreId;
use rt::{
    CoresConfig, CpuPlacement, Gate, Notify, RunError, StopSignal, TaskQueue, TaskQueueSpec, WatchdogConfig, blocking,
    now, run_cores, run_one, sleep, sleep_until, spawn, stalls, task_stalls, timeout, wall_clock, yield_if_needed,
    yield_now,
};

use crate::support::{MS, config, on_core, resident_bytes, two_cores};

#[test]
fn a_spawned_task_does_not_start_inside_its_spawner_and_break_its_borrow() {
    on_core(|| async {
        let cell = Rc::new(RefCell::new(0));
        let borrowed = cell.borrow_mut();
        let other = cell.clone();
        let handle = spawn(TaskQueue::DEFAULT, async move { *other.borrow_mut() += 1 });
        drop(borrowed);
        handle.await;
        assert_eq!(*cell.borrow(), 1);
    });
}

/// Counts its drops.
struct Counted(Rc<Cell<usize>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn handles_and_time_limits_that_are_dropped_do_not_leak_their_tasks() {
    const ROUNDS: usize = 100_000;
    on_core(|| async {
        let drops = Rc::new(Cell::new(0));
        let mut before = 0;
        for round in 0..2 {
            for _ in 0..ROUNDS {
                let counted = Counted(drops.clone());
                // Half a KiB in each task: a leak of all would be 50 MB.
                drop(spawn(TaskQueue::DEFAULT, async move {
                    let room = [1_u8; 512];
                    yield_now().await;
                    std::hint::black_box(&room);
                    drop(counted);
                }));
                assert!(timeout(Duration::ZERO, pending::<()>()).await.is_err());
            }
            let all = async {
                while drops.get() < (round + 1) * ROUNDS {
                    sleep(MS).await;
                }
            };
            timeout(Duration::from_secs(30), all).await.expect("each task ends, and drops what it holds");
            if round == 0 {
                before = resident_bytes();
            }
        }
        let grown = resident_bytes().saturating_sub(before);
        assert!(grown < 20 << 20, "{grown} bytes more after {ROUNDS} more tasks");
    });
}

#[test]
fn timers_and_limits_keep_their_time() {
    on_core(|| async {
        let (start, wall) = (now(), wall_clock());
        sleep(20 * MS).await;
        let slept = now().since(start);
        assert!(slept >= 20 * MS && slept < 5_000 * MS, "{slept:?}");
        sleep_until(start.plus(30 * MS)).await;
        assert!(now().since(start) >= 30 * MS);
        sleep_until(start).await;
        assert!(wall_clock().since(wall) >= 25 * MS && wall.as_millis() > 1_700_000_000_000);
        assert!(timeout(10 * MS, sleep(Duration::MAX)).await.is_err());
        assert_eq!(timeout(Duration::MAX, async { 7 }).await, Ok(7));
    });
}

#[test]
fn a_gate_waits_for_the_tasks_inside() {
    on_core(|| async {
        let gate = Gate::new("test");
        let done = Rc::new(Cell::new(false));
        let (inside, seen) = (gate.clone(), done.clone());
        drop(gate.spawn(TaskQueue::DEFAULT, async move {
            inside.closing().await;
            sleep(5 * MS).await;
            seen.set(true);
        }));
        gate.close().await;
        assert!(done.get() && gate.enter().is_err());
    });
}

#[test]
fn a_notification_wakes_ten_thousand_tasks() {
    on_core(|| async {
        let (notify, woken) = (Rc::new(Notify::new()), Rc::new(Cell::new(0)));
        for _ in 0..10_000 {
            let (notify, woken) = (notify.clone(), woken.clone());
            drop(spawn(TaskQueue::DEFAULT, async move {
                notify.notified().await;
                woken.set(woken.get() + 1);
            }));
        }
        while notify.waiting() < 10_000 {
            yield_now().await;
        }
        notify.notify_all();
        sleep(5 * MS).await;
        assert_eq!(woken.get(), 10_000);
    });
}

static QUEUES: [TaskQueueSpec; 3] = [
    TaskQueueSpec { name: "default", shares: 1000, latency: None },
    TaskQueueSpec { name: "foreground", shares: 900, latency: None },
    TaskQueueSpec { name: "background", shares: 100, latency: None },
];

#[test]
fn queues_get_their_shares_of_a_busy_core() {
    let config = CoresConfig { queues: &QUEUES, ..config() };
    let times = run_one(config, || async {
        let times = Rc::new(RefCell::new([Duration::ZERO; 2]));
        let end = now().plus(500 * MS);
        let hogs = [1, 2].map(|queue| {
            let times = times.clone();
            spawn(TaskQueue::new(queue), async move {
                while now() < end {
                    // Time, and not rounds: the kernel may take the CPU away in the middle of one, at this queue's cost.
                    let start = now();
                    while now().since(start) < Duration::from_micros(20) {}
                    times.borrow_mut()[usize::from(queue) - 1] += now().since(start);
                    yield_if_needed().await;
                }
            })
        });
        for hog in hogs {
            hog.await;
        }
        times.take()
    });
    let [foreground, background] = times.unwrap();
    assert!(foreground > 4 * background && background > Duration::ZERO, "{foreground:?} {background:?}");
}

#[test]
fn blocking_work_that_panics_comes_back_and_neither_the_caller_nor_the_pool_is_lost() {
    on_core(|| async {
        // More than there are threads.
        for round in 0..10 {
            let failed: Result<(), _> = blocking(move || panic!("round {round}")).await;
            assert_eq!(failed.unwrap_err().message, format!("round {round}"));
        }
        assert_eq!(blocking(|| 5).await, Ok(5));
    });
}

#[test]
fn a_slow_blocking_call_does_not_hold_up_the_others() {
    on_core(|| async {
        let start = now();
        let calls = [(); 4].map(|()| spawn(TaskQueue::DEFAULT, blocking(|| std::thread::sleep(100 * MS))));
        for call in calls {
            call.await.unwrap();
        }
        let took = now().since(start);
        assert!(took < 1_000 * MS, "four calls of 300 ms took {took:?}");
    });
}

#[test]
fn an_executor_waits_for_its_blocking_calls_before_it_ends() {
    let done = Arc::new(AtomicBool::new(false));
    let seen = done.clone();
    on_core(move || async move {
        let work = blocking(move || {
            std::thread::sleep(100 * MS);
            seen.store(true, Ordering::SeqCst);
        });
        // Nobody waits for it any more.
        assert!(timeout(MS, work).await.is_err());
    });
    assert!(done.load(Ordering::SeqCst));
}

#[test]
fn each_core_runs_on_its_cpu_and_knows_its_number() {
    let seats = run_cores(two_cores(), vec![10, 20], |seat: u32| async move {
        sleep(MS).await;
        (seat, rt::core(), rt::online_cpus())
    });
    let cpus = rt::online_cpus();
    assert_eq!(seats.unwrap(), [(10, CoreId(0), vec![cpus[0]]), (20, CoreId(1), vec![cpus[1]])]);
}

#[test]
fn a_core_that_cannot_start_is_an_error_and_no_other_core_runs() {
    let started = Arc::new(AtomicBool::new(false));
    let seen = started.clone();
    let config = CoresConfig { cpus: vec![CpuPlacement::Unpinned, CpuPlacement::Pinned(100_000)], ..config() };
    let error = run_cores(config, vec![(), ()], move |()| {
        let seen = seen.clone();
        async move { seen.store(true, Ordering::SeqCst) }
    });
    match error.unwrap_err() {
        RunError::Start { core, cpu, .. } => assert_eq!((core, cpu), (CoreId(1), CpuPlacement::Pinned(100_000))),
        other => panic!("{other}"),
    }
    assert!(!started.load(Ordering::SeqCst));
}

#[test]
#[should_panic(expected = "cores can sleep for ever")]
fn a_preempt_timer_that_lets_cores_sleep_for_ever_is_refused() {
    let config = CoresConfig { preempt_timer: Duration::from_micros(499), ..config() };
    drop(run_one(config, || async {}));
}

static HASTY: [TaskQueueSpec; 2] = [
    TaskQueueSpec { name: "default", shares: 1000, latency: None },
    TaskQueueSpec { name: "hasty", shares: 1000, latency: Some(Duration::from_micros(100)) },
];

#[test]
#[should_panic(expected = "latency 100µs of queue hasty")]
fn a_queue_latency_that_lets_cores_sleep_for_ever_is_refused() {
    drop(run_one(CoresConfig { queues: &HASTY, ..config() }, || async {}));
}

#[test]
fn a_core_that_is_held_by_one_task_is_noticed() {
    let watchdog = WatchdogConfig { interval: 10 * MS, stall_warn: 500 * MS, ..WatchdogConfig::default() };
    let counted = run_one(CoresConfig { watchdog, ..config() }, || async {
        sleep(200 * MS).await;
        let idle = stalls();
        std::thread::sleep(1_200 * MS);
        sleep(50 * MS).await;
        (idle, stalls())
    });
    let (idle, held) = counted.unwrap();
    assert_eq!((idle.count, held.count), (0, 1), "{held:?}");
    assert!(held.longest >= 500 * MS && held.longest < 2_000 * MS, "{held:?}");
}

#[test]
fn a_stop_from_another_thread_wakes_cores_that_sleep() {
    let stop = StopSignal::new();
    let ready = Arc::new(AtomicUsize::new(0));
    let (raiser, waiting) = (stop.clone(), ready.clone());
    let thread = std::thread::spawn(move || {
        while waiting.load(Ordering::SeqCst) < 2 {
            std::thread::sleep(MS);
        }
        std::thread::sleep(30 * MS);
        raiser.stop();
        Instant::now()
    });
    let woken = run_cores(two_cores(), vec![stop.clone(), stop], move |stop| {
        let ready = ready.clone();
        async move {
            // Given up and taken again many times: a wait that is dropped leaves nothing behind.
            for _ in 0..40_000 {
                assert!(timeout(Duration::ZERO, stop.stopped()).await.is_err());
            }
            ready.fetch_add(1, Ordering::SeqCst);
            stop.stopped().await;
            Instant::now()
        }
    });
    let raised = thread.join().unwrap();
    for woken in woken.unwrap() {
        let late = woken.saturating_duration_since(raised);
        assert!(late < 2_000 * MS, "{late:?}");
    }
}

#[test]
fn what_a_task_of_an_ended_core_does_in_its_drop_does_no_harm() {
    struct Late;
    impl Drop for Late {
        fn drop(&mut self) {
            assert_eq!(rt::core(), CoreId(0));
            drop(spawn(TaskQueue::DEFAULT, async {}));
        }
    }
    on_core(|| async {
        drop(spawn(TaskQueue::DEFAULT, async {
            let _late = Late;
            loop {
                yield_now().await;
            }
        }));
        sleep(MS).await;
    });
}

#[test]
fn a_task_that_keeps_its_core_for_too_long_is_counted_by_its_name() {
    const QUEUES: &[TaskQueueSpec] = &[
        TaskQueueSpec { name: "control", shares: 1_000, latency: None },
        TaskQueueSpec { name: "work", shares: 1_000, latency: None },
    ];
    async fn hog(time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            std::hint::spin_loop();
        }
    }
    // So high that a busy machine doesn't reach it by itself.
    let watchdog = WatchdogConfig { task_warn: 200 * MS, ..WatchdogConfig::default() };
    let found = run_one(CoresConfig { watchdog, queues: QUEUES, ..config() }, || async {
        spawn(TaskQueue::new(1), hog(300 * MS)).await;
        spawn(TaskQueue::new(1), hog(400 * MS)).await;
        let yielding = async {
            let until = Instant::now() + 500 * MS;
            while Instant::now() < until {
                yield_now().await;
            }
        };
        spawn(TaskQueue::DEFAULT, yielding).await;
        task_stalls()
    });
    let found = found.expect("an executor");
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].queue, found[0].count), ("control", 0), "{found:?}");
    assert_eq!((found[1].queue, found[1].count), ("work", 2), "{found:?}");
    assert!(found[1].longest >= 400 * MS, "{found:?}");
    assert!(found[1].task.contains("hog"), "{found:?}");
}
