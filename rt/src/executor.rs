//! Starting executors, one to a core, and the context that their tasks run in.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use base::{ByteSize, CoreId};
use glommio::{Latency, LocalExecutor, LocalExecutorBuilder, Placement, PoolPlacement, Shares, TaskQueueHandle};
use pin_project_lite::pin_project;

use crate::backend::{self, Backend};
use crate::blocking::Jobs;
use crate::buffer::home::Home;
use crate::preflight::{PreflightError, preflight};
use crate::task::{TaskQueue, TaskQueueSpec, spawn};
use crate::task_stalls::TaskStalls;
use crate::watchdog::{Heartbeat, Watchdog, WatchdogConfig};

/// Below this glommio 0.9 can go to sleep for good with tasks ready to run.
pub const PREEMPT_TIMER_MIN: Duration = Duration::from_micros(500);

/// Threads of each core for calls that block. One would let a slow call hold up all others.
const BLOCKING_THREADS: usize = 4;

/// Where an executor's thread runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CpuPlacement {
    /// On this CPU only, by the kernel's number: see [`online_cpus`].
    Pinned(usize),
    /// Wherever the kernel likes.
    Unpinned,
}

/// How executors are made.
#[derive(Clone, Debug)]
pub struct CoresConfig {
    /// One core for each.
    pub cpus: Vec<CpuPlacement>,
    /// The queues of each core. The first describes the default queue, whose shares are always 1000.
    pub queues: &'static [TaskQueueSpec],
    /// Memory of each core that is registered for I/O. Three times as much is locked, where the system allows it.
    pub io_memory: ByteSize,
    /// Entries of each ring: how much I/O a core hands to the kernel at once.
    pub ring_depth: usize,
    /// How long tasks run before I/O is looked at again. At least [`PREEMPT_TIMER_MIN`].
    pub preempt_timer: Duration,
    /// How long a pinned core looks for work before it sleeps. More CPU, faster wake-ups.
    pub spin_before_park: Duration,
    pub watchdog: WatchdogConfig,
}

impl Default for CoresConfig {
    fn default() -> Self {
        Self {
            cpus: vec![CpuPlacement::Unpinned],
            queues: &[],
            io_memory: ByteSize::mib(16),
            ring_depth: 128,
            preempt_timer: Duration::from_millis(1),
            spin_before_park: Duration::ZERO,
            watchdog: WatchdogConfig::default(),
        }
    }
}

impl CoresConfig {
    fn check(&self) {
        assert!(!self.cpus.is_empty(), "there must be a core to run on");
        assert!(u16::try_from(self.cpus.len()).is_ok(), "{} cores are more than can be counted", self.cpus.len());
        assert!(self.ring_depth > 0, "the ring depth must be above zero");
        assert!(
            self.preempt_timer >= PREEMPT_TIMER_MIN,
            "a preempt timer of {:?} is below {PREEMPT_TIMER_MIN:?}, where cores can sleep for ever",
            self.preempt_timer
        );
        assert!(self.queues.len() <= usize::from(u8::MAX) + 1, "a task queue's number has 8 bits");
        for queue in self.queues {
            // A queue's latency takes the place of the preempt timer while the queue has work.
            let latency = queue.latency.unwrap_or(PREEMPT_TIMER_MIN);
            assert!(
                latency >= PREEMPT_TIMER_MIN,
                "the latency {latency:?} of queue {} is below {PREEMPT_TIMER_MIN:?}, where cores can sleep for ever",
                queue.name
            );
            assert!(queue.shares > 0, "queue {} has no shares", queue.name);
        }
    }
}

/// Why no executor could be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Host(#[from] PreflightError),
    #[error("cannot start core {core} ({cpu:?}): {reason}")]
    Start { core: CoreId, cpu: CpuPlacement, reason: String },
}

/// Runs `main` with one of the seats on each core of the config, and returns what they returned once all have ended.
///
/// Tasks that are still there when the main of their core ends are dropped or, if they wait for something, forgotten.
pub fn run_cores<S, T, M, F>(config: CoresConfig, seats: Vec<S>, main: M) -> Result<Vec<T>, RunError>
where
    S: Send + 'static,
    T: Send + 'static,
    M: Fn(S) -> F + Clone + Send + 'static,
    F: Future<Output = T> + 'static,
{
    config.check();
    preflight()?;
    run_unchecked(config, seats, main)
}

/// Runs `main` on one executor, on a thread of its own: for clients and tools. It is core 0, and not pinned unless the
/// config says so.
pub fn run_one<T, F>(config: CoresConfig, main: impl FnOnce() -> F + Send + 'static) -> Result<T, RunError>
where
    T: Send + 'static,
    F: Future<Output = T> + 'static,
{
    assert_eq!(config.cpus.len(), 1, "run_one runs on one core");
    // `run_cores` calls its main once for each seat, and wants to clone it: so the main travels as the seat.
    let results = run_cores(config, vec![main], |main| main())?;
    Ok(results.into_iter().next().expect("one seat gives one result"))
}

/// The CPUs that this process may run on.
pub fn online_cpus() -> Vec<usize> {
    let allowed = rustix::thread::sched_getaffinity(None).expect("a thread may ask for its own affinity");
    (0..rustix::thread::CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu)).collect()
}

fn run_unchecked<S, T, M, F>(config: CoresConfig, seats: Vec<S>, main: M) -> Result<Vec<T>, RunError>
where
    S: Send + 'static,
    T: Send + 'static,
    M: Fn(S) -> F + Clone + Send + 'static,
    F: Future<Output = T> + 'static,
{
    assert_eq!(seats.len(), config.cpus.len(), "each core needs a seat");
    let (report, reports) = mpsc::sync_channel(seats.len().max(1));
    let mut cores = Vec::with_capacity(seats.len());
    let mut failure = None;
    for (index, seat) in seats.into_iter().enumerate() {
        let id = CoreId(u16::try_from(index).expect("checked with the config"));
        let start = Start { core: id, cpu: config.cpus[index], config: config.clone() };
        match start.thread(report.clone(), main.clone(), seat) {
            Ok(core) => cores.push(core),
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    drop(report);
    for outcome in reports.iter().take(cores.len()) {
        if let Err(error) = outcome {
            failure.get_or_insert(error);
        }
    }
    if let Some(error) = failure {
        for Starting { thread, go, .. } in cores {
            drop(go);
            drop(thread.join());
        }
        return Err(error);
    }
    let watchdog = Watchdog::start(config.watchdog, cores.iter().map(|core| core.heartbeat.clone()).collect());
    for core in &cores {
        core.go.send(()).expect("a core that reported waits for its start");
    }
    let results = cores.into_iter().map(|core| {
        let result = core.thread.join().expect("a panic on a core ends the process");
        result.expect("a core that was started has a result")
    });
    let results = results.collect();
    watchdog.stop();
    Ok(results)
}

/// A core that has a thread and waits for the others.
struct Starting<T> {
    thread: thread::JoinHandle<Option<T>>,
    /// Dropped, it tells the core that it shall not start.
    go: mpsc::SyncSender<()>,
    heartbeat: Arc<Heartbeat>,
}

/// What a core is started with.
struct Start {
    core: CoreId,
    cpu: CpuPlacement,
    config: CoresConfig,
}

impl Start {
    /// Makes a thread that makes an executor, reports, and runs if told so.
    fn thread<S, T, M, F>(
        self,
        report: mpsc::SyncSender<Result<(), RunError>>,
        main: M,
        seat: S,
    ) -> Result<Starting<T>, RunError>
    where
        S: Send + 'static,
        T: Send + 'static,
        M: Fn(S) -> F + Send + 'static,
        F: Future<Output = T> + 'static,
    {
        let (core, cpu) = (self.core, self.cpu);
        let (go, told) = mpsc::sync_channel(1);
        let heartbeat = Arc::new(Heartbeat::new(core));
        let beating = heartbeat.clone();
        let body = move || {
            let executor = match self.make_executor() {
                Ok(executor) => executor,
                Err(error) => {
                    drop(report.send(Err(error)));
                    return None;
                }
            };
            drop(report.send(Ok(())));
            // Nobody starts unless all can.
            told.recv().ok()?;
            Some(self.run(executor, beating, || main(seat)))
        };
        match thread::Builder::new().name(format!("core-{core}")).spawn(body) {
            Ok(thread) => Ok(Starting { thread, go, heartbeat }),
            Err(error) => Err(RunError::Start { core, cpu, reason: format!("there is no thread for it: {error}") }),
        }
    }

    fn make_executor(&self) -> Result<LocalExecutor, RunError> {
        let Self { core, cpu, config } = self;
        let make = || {
            let placement = match cpu {
                CpuPlacement::Pinned(cpu) => Placement::Fixed(*cpu),
                CpuPlacement::Unpinned => Placement::Unbound,
            };
            LocalExecutorBuilder::new(placement)
                .io_memory(config.io_memory.as_usize())
                .ring_depth(config.ring_depth)
                .preempt_timer(config.preempt_timer)
                .spin_before_park(config.spin_before_park)
                .blocking_thread_pool_placement(PoolPlacement::Unbound(BLOCKING_THREADS))
                .make()
        };
        // glommio panics where the kernel refuses what it takes for granted.
        let reason = match catch_unwind(AssertUnwindSafe(make)) {
            Ok(Ok(executor)) => return Ok(executor),
            Ok(Err(error)) => error.to_string(),
            Err(panic) => panic_text(&*panic).to_owned(),
        };
        Err(RunError::Start { core: *core, cpu: *cpu, reason })
    }

    fn run<T: 'static, F: Future<Output = T> + 'static>(
        &self,
        executor: LocalExecutor,
        heartbeat: Arc<Heartbeat>,
        main: impl FnOnce() -> F,
    ) -> T {
        let (id, specs, task_warn) = (self.core, self.config.queues, self.config.watchdog.task_warn);
        let home = Home::open();
        crate::warm::enter(id);
        heartbeat.begin();
        let entered = RefCell::new(None);
        let context = Rc::new(RefCell::new(None));
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            executor.run(async {
                let queues = create_queues(specs);
                let queue_times = RefCell::new(vec![Duration::ZERO; queues.len()]);
                let core = Rc::new(Core {
                    id,
                    queues,
                    queue_times,
                    home: home.clone(),
                    heartbeat: heartbeat.clone(),
                    jobs: Jobs::default(),
                    task_stalls: TaskStalls::new(id, specs),
                    task_warn,
                    ended: Cell::new(false),
                });
                *context.borrow_mut() = Some(core.clone());
                *entered.borrow_mut() = Some(backend::enter(Backend::Real(core.clone())));
                let beating = spawn(TaskQueue::DEFAULT, heartbeat.clone().beat(home.clone()));
                let main = main();
                let name = std::any::type_name_of_val(&main);
                let output = Guarded { task: main, core: id, queue: TaskQueue::DEFAULT, name, task_warn }.await;
                core.jobs.drain(id).await;
                heartbeat.wind_down();
                beating.await;
                output
            })
        }));
        let output = outcome.unwrap_or_else(|panic| die(id, &*panic));
        heartbeat.end();
        if let Some(core) = &*context.borrow() {
            core.ended.set(true);
        }
        // Tasks that are dropped with the executor may still ask for their core.
        drop(executor);
        home.close();
        drop(entered);
        output
    }
}

fn create_queues(specs: &[TaskQueueSpec]) -> Vec<TaskQueueHandle> {
    let mut queues = vec![TaskQueueHandle::default()];
    for spec in specs.iter().skip(1) {
        let latency = spec.latency.map_or(Latency::NotImportant, Latency::Matters);
        queues.push(glommio::executor().create_task_queue(Shares::Static(spec.shares), latency, spec.name));
    }
    queues
}

/// What the tasks of one core have in common.
pub(crate) struct Core {
    id: CoreId,
    queues: Vec<TaskQueueHandle>,
    /// What each queue has had, as far as it was looked at.
    queue_times: RefCell<Vec<Duration>>,
    home: Arc<Home>,
    heartbeat: Arc<Heartbeat>,
    jobs: Jobs,
    task_stalls: TaskStalls,
    task_warn: Duration,
    ended: Cell<bool>,
}

impl Core {
    /// Starts a task that is called `name` when it keeps its core for too long.
    pub(crate) fn spawn(&self, queue: TaskQueue, name: &'static str, task: impl Future<Output = ()> + 'static) {
        if self.ended.get() {
            // Started by a task that is being dropped with its executor: there is nobody to run it.
            return;
        }
        let Some(handle) = self.queues.get(queue.index()) else {
            panic!("{queue:?} is not one of the {} queues of core {}", self.queues.len(), self.id);
        };
        // Into a named queue, so that it is scheduled and not polled here and now; detached, so that nothing can cancel
        // it: glommio leaks what is cancelled.
        let task = Guarded { task, core: self.id, queue, name, task_warn: self.task_warn };
        let task = glommio::spawn_local_into(task, *handle);
        drop(task.expect("queues live as long as their core").detach());
    }

    pub(crate) fn queue_time(&self, queue: TaskQueue) -> Duration {
        let Some(handle) = self.queues.get(queue.index()) else { return Duration::ZERO };
        // glommio forgets what it has told.
        let since = glommio::executor().task_queue_stats(*handle).map(|stats| stats.runtime()).unwrap_or_default();
        let time = &mut self.queue_times.borrow_mut()[queue.index()];
        *time += since;
        *time
    }

    pub(crate) fn id(&self) -> CoreId {
        self.id
    }

    pub(crate) fn home(&self) -> &Arc<Home> {
        &self.home
    }

    pub(crate) fn heartbeat(&self) -> &Arc<Heartbeat> {
        &self.heartbeat
    }

    pub(crate) fn task_stalls(&self) -> &TaskStalls {
        &self.task_stalls
    }

    pub(crate) fn jobs(&self) -> &Jobs {
        &self.jobs
    }
}

pin_project! {
    /// A task whose panic ends the process, and that is named when it keeps its core for too long.
    struct Guarded<F> {
        #[pin]
        task: F,
        core: CoreId,
        queue: TaskQueue,
        name: &'static str,
        task_warn: Duration,
    }
}

impl<F: Future> Future for Guarded<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let begun = Instant::now();
        let polled = catch_unwind(AssertUnwindSafe(|| this.task.poll(cx)));
        let ended = Instant::now();
        let took = ended.saturating_duration_since(begun);
        if took > *this.task_warn {
            backend::with("poll", |backend| match backend {
                Backend::Real(core) => core.task_stalls().note(*this.queue, this.name, took, ended),
                Backend::Sim(_) => unreachable!("a simulation has no executor"),
            });
        }
        match polled {
            Ok(polled) => polled,
            Err(panic) => die(*this.core, &*panic),
        }
    }
}

/// Ends the process: a core that has lost a task looks alive and serves nobody.
fn die(core: CoreId, panic: &(dyn Any + Send)) -> ! {
    let text = panic_text(panic);
    if tracing::dispatcher::has_been_set() {
        tracing::error!(%core, panic = text, "a task panicked; the process stops here");
    } else {
        // Not by a macro, whose output a test harness would keep to itself. If it can't be written, so be it.
        writeln!(io::stderr(), "core {core}: a task panicked; the process stops here: {text}").ok();
    }
    std::process::abort();
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "a panic without text",
    }
}

#[cfg(test)]
mod tests;
