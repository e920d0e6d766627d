//! A core that glommio lets sleep with work to do is woken.

use std::sync::mpsc;
use std::time::Duration;

use super::*;
use crate::{sleep, yield_if_needed, yield_now};

/// Goes to sleep and wakes often, with several tasks at it.
async fn restless(rounds: u32) -> u32 {
    let tasks = [(); 3].map(|()| {
        spawn(TaskQueue::DEFAULT, async move {
            for _ in 0..rounds {
                sleep(Duration::from_micros(100)).await;
                yield_now().await;
                yield_if_needed().await;
            }
        })
    });
    for task in tasks {
        task.await;
    }
    rounds
}

#[test]
fn a_core_that_fell_asleep_with_tasks_ready_is_woken_by_the_watchdog() {
    let config = CoresConfig {
        // With such a slice it happens within milliseconds, so that a core on its own would hardly ever get through.
        preempt_timer: Duration::from_micros(10),
        watchdog: WatchdogConfig { interval: Duration::from_millis(1), ..WatchdogConfig::default() },
        ..CoresConfig::default()
    };
    let (done, finished) = mpsc::channel();
    thread::spawn(move || {
        // From its start on, again and again: before the first task has run there is nobody to wake.
        for _ in 0..10 {
            let rounds = run_unchecked(config.clone(), vec![20], restless);
            done.send(rounds).expect("the test waits");
        }
    });
    for _ in 0..10 {
        let rounds = finished.recv_timeout(Duration::from_secs(60)).expect("the core is woken, and gets through");
        assert_eq!(rounds, Ok(vec![20]));
    }
}
