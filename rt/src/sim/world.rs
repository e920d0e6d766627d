//! The simulated executor: ready tasks, virtual time, timers.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use base::{CoreId, Instant, SeededRandom, Timestamp};

use super::SimConfig;
use crate::task::TaskQueue;

/// 2026-01-01 00:00:00 UTC, when every simulation starts.
const WALL_CLOCK_START_MS: u64 = 1_767_225_600_000;

/// What one step of a task takes at most, so that a loop of ready tasks doesn't stop the clock.
const STEP_NANOS_MAX: u64 = 500;

/// A call of `yield_if_needed` yields in one of so many cases.
const YIELD_ONE_IN: u64 = 8;

/// A simulated process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The node that every simulation has.
    pub const FIRST: Self = Self(0);
}

/// Where a task runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) node: NodeId,
    pub(crate) core: CoreId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Ran,
    /// Nothing is ready, and no timer is set (or none before the given end).
    Idle,
}

pub(crate) type LocalFuture = Pin<Box<dyn Future<Output = ()>>>;

struct Task {
    id: u64,
    place: Place,
    future: RefCell<Option<LocalFuture>>,
    ticket: Arc<Ticket>,
    waker: Waker,
}

/// What the waker of a task holds.
struct Ticket {
    slot: usize,
    id: u64,
    scheduled: AtomicBool,
    ready: Arc<Mutex<Vec<(usize, u64)>>>,
}

impl Wake for Ticket {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.scheduled.swap(true, Ordering::Relaxed) {
            self.ready.lock().unwrap_or_else(PoisonError::into_inner).push((self.slot, self.id));
        }
    }
}

pub(crate) struct World {
    seed: u64,
    now: Cell<Instant>,
    random: RefCell<SeededRandom>,
    /// For what the program itself draws, so that its draws don't shift the schedule's.
    entropy: RefCell<SeededRandom>,
    fingerprint: Cell<u64>,
    steps: Cell<u64>,
    steps_max: u64,
    queues: usize,
    lane_delay: (Duration, Duration),
    /// Cores of each node.
    nodes: RefCell<Vec<u16>>,
    place: Cell<Place>,
    tasks: RefCell<Vec<Option<Rc<Task>>>>,
    free_slots: RefCell<Vec<usize>>,
    tasks_started: Cell<u64>,
    ready: Arc<Mutex<Vec<(usize, u64)>>>,
    timers: RefCell<BTreeMap<(Instant, u64), Waker>>,
    timers_started: Cell<u64>,
}

impl World {
    pub(crate) fn new(config: &SimConfig) -> Self {
        let mut random = SeededRandom::new(config.seed);
        let entropy = random.fork();
        Self {
            seed: config.seed,
            now: Cell::new(Instant::ZERO),
            random: RefCell::new(random),
            entropy: RefCell::new(entropy),
            fingerprint: Cell::new(config.seed),
            steps: Cell::new(0),
            steps_max: config.steps_max,
            queues: config.queues.len(),
            lane_delay: config.lane_delay,
            nodes: RefCell::new(vec![config.cores]),
            place: Cell::new(Place { node: NodeId::FIRST, core: CoreId(0) }),
            tasks: RefCell::default(),
            free_slots: RefCell::default(),
            tasks_started: Cell::new(0),
            ready: Arc::default(),
            timers: RefCell::default(),
            timers_started: Cell::new(0),
        }
    }

    pub(crate) fn add_node(&self, cores: u16) -> NodeId {
        assert!(cores > 0, "a node needs a core");
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(cores);
        NodeId(u32::try_from(nodes.len() - 1).expect("a simulation has few nodes"))
    }

    /// Calls `act` as if on the given core.
    pub(crate) fn at<R>(&self, place: Place, act: impl FnOnce() -> R) -> R {
        let cores = self.nodes.borrow().get(place.node.0 as usize).copied().unwrap_or(0);
        assert!(place.core.0 < cores, "there is no core {} on {:?}, which has {cores}", place.core, place.node);
        let before = self.place.replace(place);
        let result = act();
        self.place.set(before);
        result
    }

    pub(crate) fn spawn(&self, queue: TaskQueue, future: LocalFuture) {
        assert!(
            queue == TaskQueue::DEFAULT || self.queues == 0 || queue.index() < self.queues,
            "{queue:?} is not one of the {} queues of this simulation",
            self.queues
        );
        let id = self.tasks_started.get();
        self.tasks_started.set(id + 1);
        let mut tasks = self.tasks.borrow_mut();
        let slot = self.free_slots.borrow_mut().pop().unwrap_or(tasks.len());
        if slot == tasks.len() {
            tasks.push(None);
        }
        let ticket = Arc::new(Ticket { slot, id, scheduled: AtomicBool::new(false), ready: self.ready.clone() });
        let waker = Waker::from(ticket.clone());
        ticket.wake_by_ref();
        tasks[slot] =
            Some(Rc::new(Task { id, place: self.place.get(), future: RefCell::new(Some(future)), ticket, waker }));
    }

    /// Polls one ready task, or else lets time jump to the next timer, but not past `end`.
    pub(crate) fn step(&self, end: Option<Instant>) -> Step {
        if end.is_some_and(|end| self.now.get() >= end) {
            return Step::Idle;
        }
        let next = {
            let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
            let len = ready.len();
            (len > 0).then(|| ready.swap_remove(self.random.borrow_mut().index(len)))
        };
        match next {
            Some((slot, id)) => {
                let task = self.tasks.borrow()[slot].clone().filter(|task| task.id == id);
                if let Some(task) = task {
                    self.poll(slot, &task);
                }
                self.fire_timers();
                Step::Ran
            }
            None => {
                let Some(deadline) = self.timers.borrow().keys().next().map(|(deadline, _)| *deadline) else {
                    return Step::Idle;
                };
                if end.is_some_and(|end| deadline > end) {
                    return Step::Idle;
                }
                self.advance_to(deadline);
                self.fire_timers();
                Step::Ran
            }
        }
    }

    fn poll(&self, slot: usize, task: &Rc<Task>) {
        self.steps.set(self.steps.get() + 1);
        assert!(self.steps.get() <= self.steps_max, "more than {} steps: a loop that never waits?", self.steps_max);
        let took = Duration::from_nanos(1 + self.random.borrow_mut().below(STEP_NANOS_MAX));
        self.now.set(self.now.get().plus(took));
        task.ticket.scheduled.store(false, Ordering::Relaxed);
        let before = self.place.replace(task.place);
        let mut future = task.future.borrow_mut().take().expect("a ready task has a future");
        let polled = future.as_mut().poll(&mut Context::from_waker(&task.waker));
        self.mix(task.id);
        self.mix(self.now.get().0 ^ u64::from(polled.is_ready()));
        match polled {
            Poll::Pending => *task.future.borrow_mut() = Some(future),
            Poll::Ready(()) => {
                self.tasks.borrow_mut()[slot] = None;
                self.free_slots.borrow_mut().push(slot);
                drop(future);
            }
        }
        self.place.set(before);
    }

    fn fire_timers(&self) {
        loop {
            let due = {
                let mut timers = self.timers.borrow_mut();
                match timers.first_entry() {
                    Some(first) if first.key().0 <= self.now.get() => first.remove_entry(),
                    Some(_) | None => return,
                }
            };
            self.mix(due.0.1);
            due.1.wake();
        }
    }

    /// Drops the tasks of a node, or all.
    pub(crate) fn drop_tasks(&self, node: Option<NodeId>) {
        let chosen = |task: &Rc<Task>| node.is_none_or(|node| task.place.node == node);
        // A task may start others while it is dropped; they are dropped in the next round.
        for _ in 0..1_000 {
            let doomed: Vec<(usize, Rc<Task>)> = {
                let tasks = self.tasks.borrow();
                let live = tasks.iter().enumerate().filter_map(|(slot, task)| Some((slot, task.clone()?)));
                live.filter(|(_, task)| chosen(task)).collect()
            };
            if doomed.is_empty() {
                return;
            }
            for (slot, task) in doomed {
                self.tasks.borrow_mut()[slot] = None;
                self.free_slots.borrow_mut().push(slot);
                self.mix(!task.id);
                let before = self.place.replace(task.place);
                let future = task.future.borrow_mut().take();
                drop(future);
                self.place.set(before);
            }
        }
        panic!("tasks that are dropped go on starting new ones");
    }

    pub(crate) fn advance_to(&self, time: Instant) {
        self.now.set(self.now.get().max(time));
    }

    pub(crate) fn timer(self: &Rc<Self>, deadline: Instant) -> SimTimer {
        SimTimer { world: Rc::downgrade(self), deadline, id: None }
    }

    pub(crate) fn draws_yield(&self) -> bool {
        self.random.borrow_mut().one_in(YIELD_ONE_IN)
    }

    /// A duration drawn from a range; mostly near its start, as latencies are.
    pub(crate) fn draw_delay(&self, from: Duration, to: Duration) -> Duration {
        draw_delay(&mut self.random.borrow_mut(), from, to)
    }

    pub(crate) fn draw_lane_delay(&self) -> Duration {
        self.draw_delay(self.lane_delay.0, self.lane_delay.1)
    }

    pub(crate) fn entropy(&self) -> u64 {
        self.entropy.borrow_mut().next_u64()
    }

    pub(crate) fn mix(&self, value: u64) {
        let mixed = (self.fingerprint.get().rotate_left(23) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.fingerprint.set(mixed);
    }

    pub(crate) fn core(&self) -> CoreId {
        self.place.get().core
    }

    pub(crate) fn now(&self) -> Instant {
        self.now.get()
    }

    pub(crate) fn wall_clock(&self) -> Timestamp {
        Timestamp::from_millis(WALL_CLOCK_START_MS + self.now.get().0 / 1_000_000)
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    pub(crate) fn tasks(&self) -> usize {
        self.tasks.borrow().iter().flatten().count()
    }

    pub(crate) fn steps(&self) -> u64 {
        self.steps.get()
    }

    pub(crate) fn fingerprint(&self) -> u64 {
        self.fingerprint.get()
    }

    pub(crate) fn whereabouts(&self) -> String {
        let Place { node, core } = self.place.get();
        let since_start = self.now.get().since(Instant::ZERO);
        format!("seed {:#x}, virtual time {since_start:?}, node {}, core {core}", self.seed, node.0)
    }
}

/// A duration drawn from a range; mostly near its start, as latencies are.
pub(crate) fn draw_delay(random: &mut SeededRandom, from: Duration, to: Duration) -> Duration {
    let span = u64::try_from(to.saturating_sub(from).as_nanos()).expect("a delay is shorter than 584 years");
    let drawn = random.below(span + 1);
    let end = if random.one_in(8) { drawn } else { drawn / 8 };
    from + Duration::from_nanos(end)
}

/// A timer of the virtual clock.
pub(crate) struct SimTimer {
    world: Weak<World>,
    deadline: Instant,
    id: Option<u64>,
}

impl SimTimer {
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let world = self.world.upgrade().expect("a timer is polled inside its simulation");
        if world.now() >= self.deadline {
            self.disarm(&world);
            return Poll::Ready(());
        }
        let id = *self.id.get_or_insert_with(|| {
            let id = world.timers_started.get();
            world.timers_started.set(id + 1);
            id
        });
        world.timers.borrow_mut().insert((self.deadline, id), cx.waker().clone());
        Poll::Pending
    }

    fn disarm(&mut self, world: &World) {
        if let Some(id) = self.id.take() {
            let waker = world.timers.borrow_mut().remove(&(self.deadline, id));
            drop(waker);
        }
    }
}

impl Drop for SimTimer {
    fn drop(&mut self) {
        if let Some(world) = self.world.upgrade() {
            self.disarm(&world);
        }
    }
}

impl fmt::Debug for SimTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SimTimer").field(&self.deadline).finish()
    }
}
