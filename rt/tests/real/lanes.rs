//! Lanes between two executors.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base::CoreId;
use rt::{LaneRefused, MeshEnd, TaskQueue, mesh, run_cores, sleep, spawn, timeout, yield_if_needed};

use crate::support::{MS, two_cores};

fn on_two_cores<T: Send + 'static, R: Send + 'static, F: Future<Output = R> + 'static>(
    capacity: usize,
    main: impl Fn(MeshEnd<T>) -> F + Clone + Send + 'static,
) -> Vec<R> {
    run_cores(two_cores(), mesh("test", 2, capacity), main).expect("this machine can run two executors")
}

#[test]
fn a_million_messages_in_each_direction_arrive_in_order() {
    const COUNT: u64 = 1_000_000;
    let sums = on_two_cores(1024, |end: MeshEnd<u64>| async move {
        let mut mesh = end.connect().await;
        let other = CoreId(1 - mesh.core().0);
        let sender = mesh.sender(other);
        let sending = spawn(TaskQueue::DEFAULT, async move {
            for number in 0..COUNT {
                sender.send(number).await.unwrap();
                yield_if_needed().await;
            }
        });
        let (from, mut lane) = mesh.take_receivers().pop().unwrap();
        assert_eq!(from, other);
        // Closed when the other's task is done with its sender.
        drop(mesh);
        let mut next = 0;
        while let Some(number) = lane.recv().await {
            assert_eq!(number, next);
            next += 1;
            yield_if_needed().await;
        }
        sending.await;
        next
    });
    assert_eq!(sums, [COUNT, COUNT]);
}

#[test]
fn a_full_lane_refuses_then_waits_and_loses_nothing() {
    let tried = Arc::new(AtomicBool::new(false));
    let results = on_two_cores(1024, move |end: MeshEnd<u32>| {
        let tried = tried.clone();
        async move {
            let mut mesh = end.connect().await;
            if mesh.core() == CoreId(0) {
                let lane = mesh.sender(CoreId(1));
                let mut sent = 0;
                let refused = loop {
                    match lane.try_send(sent) {
                        Ok(()) => sent += 1,
                        Err(refused) => break refused,
                    }
                };
                assert_eq!(refused, LaneRefused::Full(1024));
                // Waiting in vain, again and again: each wait must leave the lane as it was.
                for _ in 0..40_000 {
                    assert!(timeout(Duration::ZERO, lane.send(u32::MAX)).await.is_err());
                }
                tried.store(true, Ordering::SeqCst);
                for number in sent..3_000 {
                    lane.send(number).await.unwrap();
                }
                3_000
            } else {
                while !tried.load(Ordering::SeqCst) {
                    sleep(MS).await;
                }
                // The sender waits for room by now.
                sleep(20 * MS).await;
                let (_, mut lane) = mesh.take_receivers().pop().unwrap();
                drop(mesh);
                let mut next = 0;
                while let Some(number) = lane.recv().await {
                    assert_eq!(number, next);
                    next += 1;
                }
                next
            }
        }
    });
    assert_eq!(results, [3_000, 3_000]);
}

#[test]
fn waiting_with_a_time_limit_again_and_again_does_not_wear_a_lane_out() {
    let received = on_two_cores(1024, |end: MeshEnd<u32>| async move {
        let mut mesh = end.connect().await;
        if mesh.core() == CoreId(0) {
            let lane = mesh.sender(CoreId(1));
            sleep(100 * MS).await;
            lane.send(5).await.unwrap();
            // Not closed before it is received.
            sleep(200 * MS).await;
            None
        } else {
            let (_, mut lane) = mesh.take_receivers().pop().unwrap();
            // glommio would keep a waker for each, and stop the process at 32,768.
            for _ in 0..100_000 {
                if let Ok(received) = timeout(Duration::ZERO, lane.recv()).await {
                    return received;
                }
            }
            lane.recv().await
        }
    });
    assert_eq!(received, [None, Some(5)]);
}

#[test]
fn a_core_that_never_connects_closes_its_lanes_instead_of_hanging_the_others() {
    let results = on_two_cores(1024, |end: MeshEnd<u32>| async move {
        if end.core() == CoreId(1) {
            return true;
        }
        let mut mesh = timeout(Duration::from_secs(10), end.connect()).await.expect("the other core is gone");
        assert_eq!(mesh.sender(CoreId(1)).try_send(1), Err(LaneRefused::Closed(1)));
        mesh.take_receivers().pop().unwrap().1.recv().await.is_none()
    });
    assert_eq!(results, [true, true]);
}
