//! What happens to the whole process.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use rt::{StopSignal, TaskQueue, sleep, spawn};

use crate::support::{MS, in_child, on_core, stderr};

#[test]
fn a_panic_in_a_task_aborts_the_process_instead_of_stranding_the_core() {
    let output = in_child("process::a_panic_in_a_task_aborts_the_process_instead_of_stranding_the_core", || {
        on_core(|| async {
            drop(spawn(TaskQueue::DEFAULT, async { panic!("an invariant is broken") }));
            sleep(Duration::from_secs(20)).await;
        });
    });
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{}", stderr(&output));
    let told = "core 0: a task panicked; the process stops here: an invariant is broken";
    assert!(stderr(&output).contains(told), "{}", stderr(&output));
}

#[test]
fn a_panic_in_the_main_of_a_core_aborts_the_process_too() {
    let output = in_child("process::a_panic_in_the_main_of_a_core_aborts_the_process_too", || {
        on_core(|| async {
            sleep(MS).await;
            panic!("main is broken");
        })
    });
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{}", stderr(&output));
    assert!(stderr(&output).contains("main is broken"));
}

fn raise(signal: i32) {
    let this = rustix::process::getpid();
    let signal = rustix::process::Signal::from_named_raw(signal).expect("a signal that has a name");
    rustix::process::kill_process(this, signal).expect("a process may send itself a signal");
}

#[test]
fn one_signal_asks_to_stop_and_a_second_one_ends_the_process() {
    for first in [libc::SIGTERM, libc::SIGINT] {
        let output = in_child("process::one_signal_asks_to_stop_and_a_second_one_ends_the_process", || {
            let stop = StopSignal::on_terminate().expect("signals can be watched");
            on_core(move || async move {
                raise(first);
                stop.stopped().await;
                eprintln!("stopping");
                raise(libc::SIGTERM);
                sleep(Duration::from_secs(20)).await;
            });
        });
        assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
        assert!(stderr(&output).contains("stopping"));
    }
}
