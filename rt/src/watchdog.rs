//! A thread that wakes every core now and then, and notices when one doesn't wake.
//!
//! glommio 0.9 can put a core to sleep although tasks are ready: when its time slice ends, or the kernel takes the CPU
//! away, just before it would have run the first of them. A wake from another thread gets it out, so such a mishap costs
//! no more than a round of the watchdog. It can happen before the core has run anything at all, and left a waker to call;
//! then, and whenever wakes don't help, a signal interrupts its sleep. A core that doesn't move in spite of both is held
//! by a task that neither waits nor yields, or by the kernel.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use base::CoreId;

use crate::backend::{self, Backend};
use crate::buffer::home::Home;

/// Interrupts the sleep of a core. Linux sends it on its own for out-of-band data only, and only to who asked.
const INTERRUPT: libc::c_int = libc::SIGURG;

/// Wakes that a core has not answered. glommio counts them, and stops the process at 32,768.
const WAKES_MAX: u32 = 1_000;

#[derive(Clone, Copy, Debug)]
pub struct WatchdogConfig {
    /// How often each core is woken.
    pub interval: Duration,
    /// A core that has not moved for so long is logged.
    pub stall_warn: Duration,
    /// A task that neither waits nor yields for so long is counted and named; see [`crate::task_stalls`].
    pub task_warn: Duration,
}

impl Default for WatchdogConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_millis(50),
            stall_warn: Duration::from_secs(1),
            task_warn: Duration::from_micros(500),
        }
    }
}

/// How often a core stood still for longer than the watchdog's limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stalls {
    pub count: u64,
    pub longest: Duration,
}

/// The stalls of the calling core since its start. There are none in a simulation.
pub fn stalls() -> Stalls {
    backend::with("stalls", |backend| match backend {
        Backend::Real(core) => core.heartbeat().stalls(),
        Backend::Sim(_) => Stalls::default(),
    })
}

/// How many buffers of the calling core came back from other threads since its start.
pub fn buffers_returned() -> u64 {
    backend::with("buffers_returned", |backend| match backend {
        Backend::Real(core) => core.home().returned(),
        Backend::Sim(_) => 0,
    })
}

/// What the watchdog and one core share.
pub(crate) struct Heartbeat {
    core: CoreId,
    /// Set by the watchdog, taken by the core.
    tick: AtomicBool,
    beats: AtomicU64,
    /// Kept when it is called: the core may sleep once more before it gets to the task.
    waker: Mutex<Option<Waker>>,
    /// The kernel's number for the core's thread; zero before it runs.
    thread: AtomicI32,
    /// The task of the core shall end.
    ending: AtomicBool,
    /// The core sleeps no more. Until then it may need to be woken, also after its task has ended.
    ended: AtomicBool,
    stalls: AtomicU64,
    longest_stall_ms: AtomicU64,
}

impl Heartbeat {
    pub(crate) fn new(core: CoreId) -> Self {
        Self {
            core,
            tick: AtomicBool::new(false),
            beats: AtomicU64::new(0),
            waker: Mutex::new(None),
            thread: AtomicI32::new(0),
            ending: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            stalls: AtomicU64::new(0),
            longest_stall_ms: AtomicU64::new(0),
        }
    }

    /// Called on the core's thread before it runs.
    pub(crate) fn begin(&self) {
        self.thread.store(rustix::thread::gettid().as_raw_nonzero().get(), Ordering::Release);
    }

    /// The task of the core: a beat at each tick, until the end.
    pub(crate) async fn beat(self: Arc<Self>, home: Arc<Home>) {
        poll_fn(|cx| {
            *self.waker() = Some(cx.waker().clone());
            Poll::Ready(())
        })
        .await;
        while !self.ending.load(Ordering::Acquire) {
            poll_fn(|_| if self.tick.swap(false, Ordering::AcqRel) { Poll::Ready(()) } else { Poll::Pending }).await;
            self.beats.fetch_add(1, Ordering::Release);
            home.take_back();
        }
        let waker = self.waker().take();
        drop(waker);
    }

    /// Lets [`Heartbeat::beat`] end.
    pub(crate) fn wind_down(&self) {
        self.ending.store(true, Ordering::Release);
        self.wake();
    }

    /// Called on the core's thread when it runs no more.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    fn wake(&self) {
        self.tick.store(true, Ordering::Release);
        if let Some(waker) = &*self.waker() {
            waker.wake_by_ref();
        }
    }

    /// Interrupts the core's sleep by a signal.
    fn interrupt(&self) {
        let thread = self.thread.load(Ordering::Acquire);
        if thread != 0 {
            // SAFETY: the call takes numbers only. The signal has a handler, which does nothing; if the thread has just
            // ended, and its number is another thread's of this process by now, that one is interrupted for nothing.
            unsafe { libc::syscall(libc::SYS_tgkill, std::process::id(), thread, INTERRUPT) };
        }
    }

    fn waker(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stalls(&self) -> Stalls {
        Stalls {
            count: self.stalls.load(Ordering::Relaxed),
            longest: Duration::from_millis(self.longest_stall_ms.load(Ordering::Relaxed)),
        }
    }
}

/// The thread, while cores run.
pub(crate) struct Watchdog {
    stopped: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Watchdog {
    pub(crate) fn start(config: WatchdogConfig, heartbeats: Vec<Arc<Heartbeat>>) -> Self {
        handle_interrupts();
        let stopped = Arc::new((Mutex::new(false), Condvar::new()));
        let seen = stopped.clone();
        let thread =
            thread::Builder::new().name("watchdog".to_owned()).spawn(move || watch(config, &heartbeats, &seen));
        if let Err(error) = &thread {
            tracing::warn!(%error, "there is no thread for the watchdog: stalls of cores go unnoticed");
        }
        Self { stopped, thread: thread.ok() }
    }

    pub(crate) fn stop(self) {
        *self.stopped.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stopped.1.notify_all();
        if let Some(thread) = self.thread {
            thread.join().expect("the watchdog has nothing to panic about");
        }
    }
}

/// Makes [`INTERRUPT`] interrupt, which a signal that is ignored or ends the process doesn't.
fn handle_interrupts() {
    static HANDLED: Once = Once::new();
    HANDLED.call_once(|| {
        // SAFETY: a handler that does nothing may run at any time.
        let registered = unsafe { signal_hook::low_level::register(INTERRUPT, || {}) };
        registered.expect("this signal can be handled by any process");
    });
}

fn watch(config: WatchdogConfig, heartbeats: &[Arc<Heartbeat>], stopped: &(Mutex<bool>, Condvar)) {
    let mut watches: Vec<Watch<'_>> = heartbeats.iter().map(Watch::new).collect();
    let mut last_round = Instant::now();
    loop {
        {
            let guard = stopped.0.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = stopped.1.wait_timeout_while(guard, config.interval, |stopped| !*stopped);
            if *waited.unwrap_or_else(PoisonError::into_inner).0 {
                return;
            }
        }
        // When the whole machine stood still, so did this thread: that is not the fault of the cores.
        let elapsed = last_round.elapsed().min(2 * config.interval);
        last_round = Instant::now();
        for watch in &mut watches {
            watch.round(elapsed, config.stall_warn);
        }
    }
}

/// What the watchdog knows of one core.
struct Watch<'a> {
    heartbeat: &'a Heartbeat,
    beats: u64,
    still_for: Duration,
    still_rounds: u32,
    warned_at: Option<Duration>,
}

impl<'a> Watch<'a> {
    fn new(heartbeat: &'a Arc<Heartbeat>) -> Self {
        Self { heartbeat, beats: 0, still_for: Duration::ZERO, still_rounds: 0, warned_at: None }
    }

    fn round(&mut self, elapsed: Duration, stall_warn: Duration) {
        let heartbeat = self.heartbeat;
        if heartbeat.ended.load(Ordering::Acquire) {
            return;
        }
        let beats = heartbeat.beats.load(Ordering::Acquire);
        if beats == self.beats {
            self.still_for += elapsed;
            self.still_rounds = self.still_rounds.saturating_add(1);
        } else {
            if self.warned_at.take().is_some() {
                tracing::warn!(core = %heartbeat.core, still_for = ?self.still_for, "the core moves again");
            }
            (self.beats, self.still_for, self.still_rounds) = (beats, Duration::ZERO, 0);
        }
        // Once, and again each time it has lasted twice as long.
        let warn_at = self.warned_at.map_or(stall_warn, |warned_at| warned_at * 2);
        if self.still_for >= warn_at {
            if self.warned_at.is_none() {
                heartbeat.stalls.fetch_add(1, Ordering::Relaxed);
            }
            self.warned_at = Some(self.still_for);
            tracing::error!(core = %heartbeat.core, still_for = ?self.still_for, "the core does not move");
        }
        if self.warned_at.is_some() {
            let still_ms = u64::try_from(self.still_for.as_millis()).unwrap_or(u64::MAX);
            heartbeat.longest_stall_ms.fetch_max(still_ms, Ordering::Relaxed);
        }
        if self.still_rounds < WAKES_MAX {
            heartbeat.wake();
        }
        if self.still_rounds > 0 {
            heartbeat.interrupt();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUND: Duration = Duration::from_millis(50);
    const WARN: Duration = Duration::from_millis(100);

    #[test]
    fn a_core_that_stands_still_is_counted_once_with_its_longest_time() {
        let heartbeat = Arc::new(Heartbeat::new(CoreId(3)));
        let mut watch = Watch::new(&heartbeat);
        watch.round(ROUND, WARN);
        assert_eq!(heartbeat.stalls(), Stalls::default());
        for _ in 0..3 {
            watch.round(ROUND, WARN);
        }
        assert_eq!(heartbeat.stalls(), Stalls { count: 1, longest: 4 * ROUND });
        heartbeat.beats.fetch_add(1, Ordering::Release);
        for _ in 0..3 {
            watch.round(ROUND, WARN);
        }
        assert_eq!(heartbeat.stalls().count, 2);
    }

    #[test]
    fn a_core_that_beats_is_never_counted() {
        let heartbeat = Arc::new(Heartbeat::new(CoreId(0)));
        let mut watch = Watch::new(&heartbeat);
        for _ in 0..100 {
            watch.round(ROUND, WARN);
            heartbeat.beats.fetch_add(1, Ordering::Release);
        }
        assert_eq!(heartbeat.stalls(), Stalls::default());
    }
}
