//! A deterministic world: the same surface on one thread, with virtual time, under a seed.
//!
//! Tasks that are ready run in an order that the seed draws; time stands still while they run, but for a few hundred
//! nanoseconds a step, and jumps to the next timer when none is ready. Nothing here reads a clock, starts a thread or
//! looks at an address, so the same seed gives the same run: [`Sim::fingerprint`] is the proof of it.

use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::time::Duration;

use base::{CoreId, Instant};

use crate::backend::{self, Backend};
use crate::task::{JoinHandle, TaskQueue, TaskQueueSpec, spawn};

pub(crate) mod disk;
pub(crate) mod world;

pub use disk::{Between, DiskCounters, DiskOperation, Flush, Interference, SimDisk, SimDiskConfig};
pub use world::NodeId;
use world::{Place, Step, World};

/// What a simulated world is like.
#[derive(Clone, Debug)]
pub struct SimConfig {
    pub seed: u64,
    /// Cores of node 0.
    pub cores: u16,
    /// As given to [`crate::run_cores`]; only the number of queues matters here.
    pub queues: &'static [TaskQueueSpec],
    /// A run that takes more steps has lost itself in a loop, and panics.
    pub steps_max: u64,
    /// A message on a lane takes from the first up to the second of these.
    pub lane_delay: (Duration, Duration),
}

impl SimConfig {
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            cores: 1,
            queues: &[],
            steps_max: 100_000_000,
            lane_delay: (Duration::from_micros(1), Duration::from_micros(60)),
        }
    }
}

impl Default for SimConfig {
    fn default() -> Self {
        Self::new(0)
    }
}

/// A simulated world. Dropping it drops all tasks where they stand: the crash of every process in it.
pub struct Sim {
    world: Rc<World>,
}

impl Sim {
    pub fn new(config: SimConfig) -> Self {
        assert!(config.cores > 0, "a simulation needs a core");
        Self { world: Rc::new(World::new(&config)) }
    }

    /// Adds a process with cores of its own. [`crate::core`] counts them from 0 again.
    pub fn add_node(&self, cores: u16) -> NodeId {
        self.world.add_node(cores)
    }

    /// Starts a task on a core of node 0.
    pub fn spawn_on<T: 'static>(&self, core: CoreId, task: impl Future<Output = T> + 'static) -> JoinHandle<T> {
        self.spawn_on_node(NodeId::FIRST, core, task)
    }

    pub fn spawn_on_node<T: 'static>(
        &self,
        node: NodeId,
        core: CoreId,
        task: impl Future<Output = T> + 'static,
    ) -> JoinHandle<T> {
        self.inside(|world| world.at(Place { node, core }, || spawn(TaskQueue::DEFAULT, task)))
    }

    /// Starts a task on a core of node 0 and runs the world until it has ended. Panics when it can never end.
    pub fn block_on<T: 'static>(&self, core: CoreId, task: impl Future<Output = T> + 'static) -> T {
        self.block_on_node(NodeId::FIRST, core, task)
    }

    pub fn block_on_node<T: 'static>(&self, node: NodeId, core: CoreId, task: impl Future<Output = T> + 'static) -> T {
        let result = Rc::new(RefCell::new(None));
        let slot = result.clone();
        let handle = self.spawn_on_node(node, core, async move {
            let output = task.await;
            *slot.borrow_mut() = Some(output);
        });
        self.run(|world| {
            if handle.is_finished() {
                return true;
            }
            if world.step(None) == Step::Idle {
                panic!("the task waits for ever: no other task is ready and no timer is set");
            }
            false
        });
        result.take().expect("the task has ended and left its output")
    }

    /// Runs until no task is ready and no timer is set. A world with a periodic task never is: see [`Sim::run_for`].
    pub fn run_until_idle(&self) {
        self.run(|world| world.step(None) == Step::Idle);
    }

    /// Runs for a span of virtual time, which then has passed, whether or not anything happened.
    pub fn run_for(&self, span: Duration) {
        let end = self.world.now().plus(span);
        self.run(|world| world.step(Some(end)) == Step::Idle);
        self.world.advance_to(end);
    }

    /// Drops all tasks of one node where they stand, as `kill -9` would.
    pub fn kill(&self, node: NodeId) {
        self.inside(|world| world.drop_tasks(Some(node)));
    }

    pub fn seed(&self) -> u64 {
        self.world.seed()
    }

    pub fn now(&self) -> Instant {
        self.world.now()
    }

    /// How many tasks have not ended.
    pub fn tasks(&self) -> usize {
        self.world.tasks()
    }

    /// How many times a task was polled.
    pub fn steps(&self) -> u64 {
        self.world.steps()
    }

    /// A hash of everything that has happened, in order. Two runs of one seed have the same.
    pub fn fingerprint(&self) -> u64 {
        self.world.fingerprint()
    }

    /// Mixes something of the caller's into the fingerprint.
    pub fn mark(&self, value: u64) {
        self.world.mix(value);
    }

    fn inside<R>(&self, act: impl FnOnce(&Rc<World>) -> R) -> R {
        let _entered = backend::enter(Backend::Sim(self.world.clone()));
        act(&self.world)
    }

    /// Calls `round` until it says that the run is over; a panic in a task comes out here, after a word on where.
    fn run(&self, mut round: impl FnMut(&Rc<World>) -> bool) {
        let outcome = self.inside(|world| catch_unwind(AssertUnwindSafe(|| while !round(world) {})));
        if let Err(panic) = outcome {
            eprintln!("simulation panicked: {}", self.world.whereabouts());
            resume_unwind(panic);
        }
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.inside(|world| world.drop_tasks(None));
    }
}

#[cfg(test)]
mod tests;
