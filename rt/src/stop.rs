//! The wish that the process should stop, visible on every core and thread.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// What a shell shows for a program that was interrupted.
const EXIT_CODE_INTERRUPTED: i32 = 130;

/// Raised once, never taken back. Clones share it; any thread and any executor may wait for it.
#[derive(Clone, Default)]
pub struct StopSignal {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    stopped: AtomicBool,
    waiters: Mutex<Waiters>,
}

#[derive(Default)]
struct Waiters {
    wakers: Vec<Option<Waker>>,
    free: Vec<usize>,
}

impl StopSignal {
    pub fn new() -> Self {
        Self::default()
    }

    /// A signal that SIGTERM or SIGINT raises. A second one of either ends the process at once with code 130.
    pub fn on_terminate() -> io::Result<Self> {
        let stop = Self::new();
        let mut signals = Signals::new([SIGTERM, SIGINT])?;
        let raised = stop.clone();
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for signal in signals.forever() {
                if raised.is_stopped() {
                    signal_hook::low_level::exit(EXIT_CODE_INTERRUPTED);
                }
                tracing::info!(signal, "asked to stop; once more stops at once");
                raised.stop();
            }
        })?;
        Ok(stop)
    }

    /// Raises the signal and wakes all who wait.
    pub fn stop(&self) {
        // Stored before the list is emptied and read again under its lock, so that nobody joins the list unwoken.
        self.shared.stopped.store(true, Ordering::SeqCst);
        let waiters = {
            let mut waiters = self.shared.waiters.lock().unwrap_or_else(PoisonError::into_inner);
            waiters.free.clear();
            std::mem::take(&mut waiters.wakers)
        };
        for waker in waiters.into_iter().flatten() {
            waker.wake();
        }
    }

    pub fn is_stopped(&self) -> bool {
        self.shared.stopped.load(Ordering::SeqCst)
    }

    /// Resolves when the signal is raised; at once if it was.
    pub fn stopped(&self) -> Stopped {
        Stopped { shared: self.shared.clone(), slot: None }
    }
}

impl fmt::Debug for StopSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StopSignal").field(&self.is_stopped()).finish()
    }
}

/// Made by [`StopSignal::stopped`].
#[must_use = "a future does nothing unless it is awaited"]
pub struct Stopped {
    shared: Arc<Shared>,
    slot: Option<usize>,
}

impl Future for Stopped {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut waiters = this.shared.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        if this.shared.stopped.load(Ordering::SeqCst) {
            return Poll::Ready(());
        }
        let slot = match this.slot {
            Some(slot) => slot,
            None => waiters.free.pop().unwrap_or_else(|| {
                waiters.wakers.push(None);
                waiters.wakers.len() - 1
            }),
        };
        this.slot = Some(slot);
        let waker = &mut waiters.wakers[slot];
        if !waker.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let Some(slot) = self.slot else { return };
        let mut waiters = self.shared.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        if self.shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        let left = waiters.wakers[slot].take();
        waiters.free.push(slot);
        // A waker may run code of its executor when dropped: not under the lock.
        drop(waiters);
        drop(left);
    }
}
