//! Clocks and timers.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base::{Instant, Timestamp};
use glommio::timer::Timer;

use crate::backend::{self, Backend};
use crate::sim::world::SimTimer;

/// Longer sleeps are cut to this, because the clocks below would overflow.
const SLEEP_MAX: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// The monotonic clock: nanoseconds since its first use in this process, or since the simulation's start.
pub fn now() -> Instant {
    if let Some(world) = backend::simulation() {
        return world.now();
    }
    static START: OnceLock<std::time::Instant> = OnceLock::new();
    let elapsed = START.get_or_init(std::time::Instant::now).elapsed();
    Instant(u64::try_from(elapsed.as_nanos()).expect("a process lives for less than 584 years"))
}

/// The time of day. It may jump; measure durations with [`now`].
pub fn wall_clock() -> Timestamp {
    if let Some(world) = backend::simulation() {
        return world.wall_clock();
    }
    // A clock before 1970 is shown as 1970.
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since_epoch.as_millis()).expect("milliseconds since 1970 fit in 64 bits"))
}

/// Resolves `duration` after this call (not after the first poll).
pub fn sleep(duration: Duration) -> Sleep {
    let duration = duration.min(SLEEP_MAX);
    backend::with("sleep", |backend| match backend {
        Backend::Real(_) => Sleep(Clock::Real(Timer::new(duration))),
        Backend::Sim(world) => Sleep(Clock::Sim(world.timer(world.now().plus(duration)))),
    })
}

/// Resolves when the monotonic clock has reached `deadline`; at once if it has.
pub fn sleep_until(deadline: Instant) -> Sleep {
    sleep(deadline.since(now()))
}

/// Made by [`sleep`] and [`sleep_until`]. Dropping it takes the timer back.
#[must_use = "a timer does nothing unless it is awaited"]
#[derive(Debug)]
pub struct Sleep(Clock);

#[derive(Debug)]
enum Clock {
    Real(Timer),
    Sim(SimTimer),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.get_mut().0 {
            Clock::Real(timer) => Pin::new(timer).poll(cx).map(drop),
            Clock::Sim(timer) => timer.poll(cx),
        }
    }
}

/// Waits for `future`, but no longer than `limit`. The future is dropped at the limit; tasks that it started go on.
pub async fn timeout<F: Future>(limit: Duration, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    let mut timer = sleep(limit);
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Ok(output));
        }
        Pin::new(&mut timer).poll(cx).map(|()| Err(Elapsed { limit }))
    })
    .await
}

/// The limit of a [`timeout`] passed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not done within {limit:?}")]
pub struct Elapsed {
    pub limit: Duration,
}
