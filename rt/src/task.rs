//! Tasks: small programs that share a core by waiting.

use std::cell::Cell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use base::CoreId;
use pin_project_lite::pin_project;

use crate::backend::{self, Backend};

/// One of the queues of a core, by its place in the list that the executor was started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskQueue(u8);

impl TaskQueue {
    /// The queue that every executor has, and that its main runs in.
    pub const DEFAULT: Self = Self(0);

    pub const fn new(index: u8) -> Self {
        Self(index)
    }

    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a queue is called and how much of its core it gets.
#[derive(Clone, Copy, Debug)]
pub struct TaskQueueSpec {
    pub name: &'static str,
    /// Relative to the other queues that have work; the default queue has 1000.
    pub shares: usize,
    /// While the queue has work, others are preempted this often. At least [`crate::PREEMPT_TIMER_MIN`].
    pub latency: Option<Duration>,
}

/// Starts a task on this core. It is never polled before `spawn` returns, so a borrow held by the caller is safe.
///
/// A panic in the task stops the process (in a simulation: the run), because a core without one of its tasks would
/// look alive and serve nobody.
pub fn spawn<T, F>(queue: TaskQueue, task: F) -> JoinHandle<T>
where
    T: 'static,
    F: Future<Output = T> + 'static,
{
    let name = std::any::type_name::<F>();
    let slot = Rc::new(Slot { output: Cell::new(None), waiter: Cell::new(None), state: Cell::new(State::Running) });
    let body = Body { task, slot: slot.clone() };
    backend::with("spawn", |backend| match backend {
        Backend::Real(core) => core.spawn(queue, name, body),
        Backend::Sim(world) => world.spawn(queue, Box::pin(body)),
    });
    JoinHandle { slot }
}

/// Lets others run if this task has used up its slice. Nearly free otherwise; long loops call it in every round.
pub async fn yield_if_needed() {
    match backend::simulation() {
        None => glommio::yield_if_needed().await,
        Some(world) => {
            if world.draws_yield() {
                wake_and_wait().await;
            }
        }
    }
}

/// Lets the other tasks and queues run once. Not a way to wait: a loop of yields starves the core's I/O.
pub async fn yield_now() {
    match backend::simulation() {
        None => glommio::executor().yield_task_queue_now().await,
        Some(_) => wake_and_wait().await,
    }
}

async fn wake_and_wait() {
    let mut polled = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut polled, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The core that the calling task runs on. Panics on any other thread.
pub fn core() -> CoreId {
    backend::with("core", |backend| match backend {
        Backend::Real(core) => core.id(),
        Backend::Sim(world) => world.core(),
    })
}

/// 64 random bits: the operating system's, or in a simulation those that its seed gives.
pub fn entropy() -> u64 {
    if let Some(world) = backend::simulation() {
        return world.entropy();
    }
    let mut bytes = [0_u8; 8];
    let filled = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    assert_eq!(filled, Ok(bytes.len()), "eight bytes of entropy are given at once or the kernel is broken");
    u64::from_ne_bytes(bytes)
}

/// Resolves to what the task returned. Dropping it leaves the task running; nothing is ever cancelled.
///
/// It stays unresolved when the task's executor ends before the task does.
#[must_use = "a handle that is not needed is dropped with `drop(..)`; the task goes on"]
pub struct JoinHandle<T> {
    slot: Rc<Slot<T>>,
}

impl<T> JoinHandle<T> {
    /// True once the task has returned, also after the result has been taken.
    pub fn is_finished(&self) -> bool {
        self.slot.state.get() != State::Running
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let slot = &self.slot;
        match slot.state.get() {
            State::Running => {
                slot.waiter.set(Some(cx.waker().clone()));
                Poll::Pending
            }
            State::Finished => {
                slot.state.set(State::Taken);
                Poll::Ready(slot.output.take().expect("a finished task has left its output"))
            }
            State::Taken => panic!("the result of this task was taken before"),
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("state", &self.slot.state.get()).finish_non_exhaustive()
    }
}

/// Where a task leaves its output for the handle. Our own, and not glommio's handle, so that dropping one can neither
/// cancel nor leak the task.
struct Slot<T> {
    output: Cell<Option<T>>,
    waiter: Cell<Option<Waker>>,
    state: Cell<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    Finished,
    Taken,
}

pin_project! {
    struct Body<F, T> {
        #[pin]
        task: F,
        slot: Rc<Slot<T>>,
    }
}

impl<T, F: Future<Output = T>> Future for Body<F, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        this.task.poll(cx).map(|output| {
            this.slot.output.set(Some(output));
            this.slot.state.set(State::Finished);
            if let Some(waiter) = this.slot.waiter.take() {
                waiter.wake();
            }
        })
    }
}
