//! Work that blocks its thread, done elsewhere.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use base::CoreId;

use crate::backend::{self, Backend};
use crate::executor::panic_text;
use crate::notify::Notify;
use crate::task::{JoinHandle, TaskQueue, spawn};
use crate::time::{sleep, timeout};

/// Blocking calls of a simulation take from the first up to the second.
const SIMULATED: (Duration, Duration) = (Duration::from_micros(10), Duration::from_millis(1));

/// A core that ends waits so long for its blocking calls, and says so every time this has passed ...
const DRAIN_NOTICE: Duration = Duration::from_secs(5);
/// ... but no longer than so many times.
const DRAIN_NOTICES_MAX: u32 = 6;

/// Does work on another thread and waits for it. Once begun, the work is done to its end, also if nobody waits.
///
/// Not for long computations: a core has few of these threads, and file operations need them too.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, BlockingPanicked> {
    // A panic would kill the pool's thread and leave the caller waiting for ever.
    let guarded = move || {
        catch_unwind(AssertUnwindSafe(work))
            .map_err(|panic| BlockingPanicked { message: panic_text(&*panic).to_owned() })
    };
    let job: JoinHandle<Result<T, BlockingPanicked>> = backend::with("blocking", |backend| match backend {
        // A task of its own waits for the pool, so that the core can count what is under way.
        Backend::Real(core) => {
            let core = core.clone();
            core.jobs().begin();
            spawn(TaskQueue::DEFAULT, async move {
                let result = glommio::executor().spawn_blocking(guarded).await;
                core.jobs().end();
                result
            })
        }
        Backend::Sim(world) => {
            let delay = world.draw_delay(SIMULATED.0, SIMULATED.1);
            spawn(TaskQueue::DEFAULT, async move {
                sleep(delay).await;
                guarded()
            })
        }
    });
    job.await
}

/// Blocking work panicked. The thread that did it goes on with other work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("blocking work panicked: {message}")]
pub struct BlockingPanicked {
    pub message: String,
}

/// How many blocking calls a core has under way.
#[derive(Default)]
pub(crate) struct Jobs {
    running: Cell<usize>,
    ended: Notify,
}

impl Jobs {
    fn begin(&self) {
        self.running.set(self.running.get() + 1);
    }

    fn end(&self) {
        self.running.set(self.running.get() - 1);
        self.ended.notify_all();
    }

    /// Waits until none is left: a job that outlives its executor panics in the pool.
    pub(crate) async fn drain(&self, core: CoreId) {
        for _ in 0..DRAIN_NOTICES_MAX {
            let none_left = async {
                while self.running.get() > 0 {
                    self.ended.notified().await;
                }
            };
            if timeout(DRAIN_NOTICE, none_left).await.is_ok() {
                return;
            }
            tracing::warn!(%core, running = self.running.get(), "the core ends, but blocking calls are not done");
        }
        tracing::error!(%core, running = self.running.get(), "the core ends without waiting for its blocking calls");
    }
}
