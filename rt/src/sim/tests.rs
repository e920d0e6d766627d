//! The simulated executor keeps its word: order by seed, virtual time, one run for one seed.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::*;
use crate::{
    Elapsed, Gate, IoBuf, LaneRefused, Notify, OpenMode, StopSignal, blocking, entropy, mesh, now, sleep, timeout,
    wall_clock, yield_if_needed, yield_now,
};

fn sim(seed: u64, cores: u16) -> Sim {
    Sim::new(SimConfig { cores, ..SimConfig::new(seed) })
}

const MS: Duration = Duration::from_millis(1);

/// Something of everything: tasks, timers, lanes, a disk, randomness. Returns the order in which things came to pass.
fn busy_world(seed: u64) -> (u64, Vec<u64>) {
    let sim = sim(seed, 3);
    let disk = SimDisk::new(seed, SimDiskConfig::default());
    let seen = Rc::new(RefCell::new(Vec::new()));
    for end in mesh::<u64>("test", 3, 8) {
        let (seen, disk) = (seen.clone(), disk.clone());
        drop(sim.spawn_on(end.core(), async move {
            let core = end.core();
            let mut mesh = end.connect().await;
            for (from, mut lane) in mesh.take_receivers() {
                let seen = seen.clone();
                drop(spawn(TaskQueue::DEFAULT, async move {
                    while let Some(number) = lane.recv().await {
                        seen.borrow_mut().push(u64::from(from.0) << 32 | number);
                    }
                }));
            }
            let disk = disk.attach();
            let file = disk.open(Path::new(&format!("file-{core}")), OpenMode::Create).await.unwrap();
            for number in 0..20 {
                for to in CoreId::all(3).filter(|to| *to != core) {
                    mesh.sender(to).send(number).await.unwrap();
                }
                let buf = IoBuf::alloc(4096);
                buf.append(&entropy().to_le_bytes());
                file.write(buf, number * 4096).await.unwrap();
                sleep(Duration::from_micros(entropy() % 300)).await;
                yield_if_needed().await;
            }
            file.sync().await.unwrap();
        }));
    }
    sim.run_until_idle();
    let order = seen.take();
    assert_eq!(order.len(), 3 * 2 * 20, "all messages arrive");
    (sim.fingerprint(), order)
}

#[test]
fn a_seed_repeats_its_run_to_the_last_event_and_another_seed_does_not() {
    let mut fingerprints = BTreeSet::new();
    for seed in 0..20 {
        let (first, second) = (busy_world(seed), busy_world(seed));
        assert_eq!(first, second, "seed {seed}");
        fingerprints.insert(first.0);
    }
    assert_eq!(fingerprints.len(), 20);
}

#[test]
fn ready_tasks_run_in_an_order_that_the_seed_draws() {
    let mut orders = BTreeSet::new();
    for seed in 0..50 {
        let sim = sim(seed, 1);
        let order = Rc::new(RefCell::new(Vec::new()));
        for task in 0..4 {
            let order = order.clone();
            drop(sim.spawn_on(CoreId(0), async move { order.borrow_mut().push(task) }));
        }
        sim.run_until_idle();
        orders.insert(order.take());
    }
    assert!(orders.len() > 12, "of 24 orders {} occurred", orders.len());
}

#[test]
fn hours_pass_in_no_time_and_timers_fire_in_order() {
    let sim = sim(7, 1);
    let started = std::time::Instant::now();
    let woken = sim.block_on(CoreId(0), async {
        let woken = Rc::new(RefCell::new(Vec::new()));
        let sleepers: Vec<_> = [3, 1, 2]
            .map(|hours| {
                let woken = woken.clone();
                spawn(TaskQueue::DEFAULT, async move {
                    sleep(Duration::from_secs(hours * 3_600)).await;
                    woken.borrow_mut().push((hours, now().0 / 3_600_000_000_000));
                })
            })
            .into_iter()
            .collect();
        for sleeper in sleepers {
            sleeper.await;
        }
        woken.take()
    });
    assert_eq!(woken, [(1, 1), (2, 2), (3, 3)]);
    assert_eq!(sim.block_on(CoreId(0), async { wall_clock().as_millis() / 3_600_000 }), 1_767_225_600 / 3_600 + 3);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_spawned_task_does_not_start_inside_its_spawner() {
    sim(1, 1).block_on(CoreId(0), async {
        let cell = Rc::new(RefCell::new(0));
        let borrowed = cell.borrow_mut();
        let other = cell.clone();
        let handle = spawn(TaskQueue::DEFAULT, async move { *other.borrow_mut() += 1 });
        drop(borrowed);
        handle.await;
        assert_eq!(*cell.borrow(), 1);
    });
}

#[test]
fn a_dropped_handle_leaves_its_task_running() {
    let sim = sim(3, 1);
    let done = Rc::new(Cell::new(false));
    let seen = done.clone();
    drop(sim.spawn_on(CoreId(0), async move {
        sleep(MS).await;
        seen.set(true);
    }));
    sim.run_for(2 * MS);
    assert!(done.get());
    assert_eq!(sim.now(), Instant::ZERO.plus(2 * MS));
    assert_eq!(sim.tasks(), 0);
}

#[test]
fn a_panic_comes_out_of_the_run() {
    let sim = sim(5, 1);
    drop(sim.spawn_on(CoreId(0), async {
        sleep(MS).await;
        panic!("the invariant is broken");
    }));
    let panic = catch_unwind(AssertUnwindSafe(|| sim.run_until_idle())).unwrap_err();
    assert_eq!(crate::executor::panic_text(&*panic), "the invariant is broken");
}

#[test]
#[should_panic(expected = "waits for ever")]
fn a_deadlock_is_said_so() {
    sim(1, 1).block_on(CoreId(0), pending::<()>());
}

#[test]
#[should_panic(expected = "more than 1000 steps")]
fn a_loop_that_never_waits_is_ended() {
    let sim = Sim::new(SimConfig { steps_max: 1_000, ..SimConfig::new(1) });
    sim.block_on(CoreId(0), async {
        loop {
            yield_now().await;
        }
    });
}

#[test]
fn a_time_limit_drops_what_it_limits_and_nothing_else() {
    let outcome = sim(1, 1).block_on(CoreId(0), async {
        let finished = Rc::new(Cell::new(false));
        let seen = finished.clone();
        let inner = async move {
            let task = spawn(TaskQueue::DEFAULT, async move {
                sleep(3 * MS).await;
                seen.set(true);
            });
            task.await;
        };
        let outcome = timeout(MS, inner).await;
        assert!(!finished.get());
        sleep(5 * MS).await;
        assert!(finished.get());
        assert_eq!(timeout(MS, async { 5 }).await, Ok(5));
        outcome
    });
    assert_eq!(outcome, Err(Elapsed { limit: MS }));
}

/// Counts its drops.
struct Counted(Rc<Cell<usize>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn the_end_of_a_simulation_drops_every_task_where_it_stands() {
    let drops = Rc::new(Cell::new(0));
    let sim = sim(9, 2);
    for task in 0..10 {
        let counted = Counted(drops.clone());
        drop(sim.spawn_on(CoreId(task % 2), async move {
            let _counted = counted;
            sleep(Duration::from_secs(u64::from(task))).await;
            // As a `Drop` may, when it asks for its core.
            let _late = Counted(Rc::default());
            pending::<()>().await;
        }));
    }
    sim.run_for(Duration::from_secs(5));
    assert_eq!(drops.get(), 0);
    drop(sim);
    assert_eq!(drops.get(), 10);
}

#[test]
fn a_killed_node_is_gone_and_the_others_live_on() {
    let sim = sim(11, 1);
    let node = sim.add_node(2);
    let ticks = Rc::new(RefCell::new([0; 2]));
    for (index, place) in [NodeId::FIRST, node].into_iter().enumerate() {
        let ticks = ticks.clone();
        drop(sim.spawn_on_node(place, CoreId(0), async move {
            loop {
                assert_eq!(crate::core(), CoreId(0));
                ticks.borrow_mut()[index] += 1;
                sleep(MS).await;
            }
        }));
    }
    sim.run_for(10 * MS);
    sim.kill(node);
    let before = *ticks.borrow();
    sim.run_for(10 * MS);
    let after = *ticks.borrow();
    assert!(before[1] >= 9 && after[1] == before[1], "{before:?} {after:?}");
    assert!(after[0] >= before[0] + 9);
    assert_eq!(sim.block_on_node(node, CoreId(1), async { crate::core() }), CoreId(1));
}

#[test]
fn blocking_work_takes_time_and_its_panic_comes_back() {
    sim(1, 1).block_on(CoreId(0), async {
        let before = now();
        assert_eq!(blocking(|| 5).await, Ok(5));
        assert!(now() > before);
        let panicked: Result<(), _> = blocking(|| panic!("no such luck")).await;
        assert_eq!(panicked.unwrap_err().to_string(), "blocking work panicked: no such luck");
    });
}

#[test]
fn a_full_lane_refuses_and_then_waits_for_room() {
    let sim = sim(2, 2);
    let mut ends = mesh::<u32>("test", 2, 4).into_iter();
    let (sending, receiving) = (ends.next().unwrap(), ends.next().unwrap());
    let sender = sim.spawn_on(CoreId(0), async move {
        let mesh = sending.connect().await;
        let lane = mesh.sender(CoreId(1));
        for number in 0..4 {
            lane.try_send(number).unwrap();
        }
        assert_eq!(lane.try_send(4), Err(LaneRefused::Full(4)));
        let before = now();
        lane.send(4).await.unwrap();
        assert!(now().since(before) >= 9 * MS);
    });
    let received = sim.block_on(CoreId(1), async move {
        let mut mesh = receiving.connect().await;
        sleep(10 * MS).await;
        let (from, mut lane) = mesh.take_receivers().pop().unwrap();
        assert_eq!(from, CoreId(0));
        let mut received = Vec::new();
        while let Some(number) = lane.recv().await {
            received.push(number);
        }
        received
    });
    assert!(sender.is_finished());
    assert_eq!(received, [0, 1, 2, 3, 4]);
}

#[test]
fn a_lane_whose_receiver_is_gone_gives_the_message_back() {
    let sim = sim(2, 2);
    let mut ends = mesh::<u32>("test", 2, 4).into_iter();
    let sending = ends.next().unwrap();
    // The other core never comes up.
    drop(ends);
    sim.block_on(CoreId(0), async move {
        let mut mesh = sending.connect().await;
        assert_eq!(mesh.sender(CoreId(1)).try_send(1), Err(LaneRefused::Closed(1)));
        assert_eq!(mesh.sender(CoreId(1)).send(1).await.unwrap_err().0, 1);
        assert_eq!(mesh.take_receivers().pop().unwrap().1.recv().await, None);
    });
}

#[test]
fn a_gate_waits_for_all_who_are_inside() {
    sim(4, 1).block_on(CoreId(0), async {
        let gate = Gate::new("test gate");
        let done = Rc::new(Cell::new(0));
        for task in 1..=3 {
            let done = done.clone();
            let inside = gate.clone();
            drop(gate.spawn(TaskQueue::DEFAULT, async move {
                inside.closing().await;
                sleep(task * MS).await;
                done.set(done.get() + 1);
            }));
        }
        sleep(MS).await;
        assert_eq!((done.get(), gate.inside(), gate.is_closing()), (0, 3, false));
        gate.close().await;
        assert_eq!((done.get(), gate.inside(), gate.is_closing()), (3, 0, true));
        assert_eq!(gate.enter().unwrap_err().to_string(), "test gate is shutting down");
        gate.close().await;
    });
}

#[test]
fn a_notification_reaches_all_who_wait_and_nobody_else() {
    sim(4, 1).block_on(CoreId(0), async {
        let notify = Rc::new(Notify::new());
        let woken = Rc::new(Cell::new(0));
        for _ in 0..5 {
            let (notify, woken) = (notify.clone(), woken.clone());
            drop(spawn(TaskQueue::DEFAULT, async move {
                notify.notified().await;
                woken.set(woken.get() + 1);
            }));
        }
        sleep(MS).await;
        // One that gives up leaves nothing behind, and takes nobody else's place.
        for _ in 0..100 {
            assert!(timeout(Duration::from_micros(1), notify.notified()).await.is_err());
        }
        assert_eq!((notify.waiting(), woken.get()), (5, 0));
        let early = notify.notified();
        notify.notify_all();
        early.await;
        sleep(MS).await;
        assert_eq!((notify.waiting(), woken.get()), (0, 5));
        assert!(timeout(MS, notify.notified()).await.is_err());
    });
}

#[test]
fn a_flag_stays_up_until_its_waiter_takes_it_down() {
    sim(4, 1).block_on(CoreId(0), async {
        let flag = Rc::new(crate::Flag::new());
        flag.raise();
        flag.raise();
        drop(flag.wait());
        flag.wait().await;
        assert!(timeout(MS, flag.wait()).await.is_err());
        let raiser = flag.clone();
        drop(spawn(TaskQueue::DEFAULT, async move {
            sleep(MS).await;
            raiser.raise();
        }));
        flag.wait().await;
        assert!(!flag.is_raised());
    });
}

#[test]
fn a_stop_signal_wakes_all_cores_and_stays() {
    let sim = sim(4, 3);
    let stop = StopSignal::new();
    let waiting: Vec<_> = CoreId::all(3).map(|core| sim.spawn_on(core, stop.stopped())).collect();
    sim.run_for(MS);
    assert!(waiting.iter().all(|task| !task.is_finished()));
    drop(stop.stopped());
    stop.stop();
    sim.run_for(MS);
    assert!(waiting.iter().all(JoinHandle::is_finished));
    assert!(stop.is_stopped());
    sim.block_on(CoreId(0), stop.stopped());
}

#[test]
fn a_call_outside_of_any_core_says_so() {
    let panic = catch_unwind(|| sleep(MS)).unwrap_err();
    assert!(crate::executor::panic_text(&*panic).starts_with("rt::sleep was called on a thread that is no core"));
}
