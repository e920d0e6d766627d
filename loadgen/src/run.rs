//! One run from beginning to end: a topic, threads, progress, and what came of it.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Barrier};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::door::admin::Admin;
use crate::door::{Door, Target};
use crate::engine::stats::Second;
use crate::engine::worker::{Part, SecondsLink};
use crate::engine::{Clock, Plan, Shared, Worker, WorkerOutcome};
use crate::host::{self, ProcessUsage};
use crate::number;
use crate::result::RunResult;
use crate::scenario::Scenario;

mod outcome;
mod plan;
mod silence;

pub use plan::PlanError;

/// What to run, beside the scenario.
#[derive(Clone, Debug)]
pub struct RunOptions {
    pub target: Target,
    /// 0 takes half of the cores: the others are the broker's.
    pub threads: u32,
    /// The server's process on this host; looked for by its port when it is not given.
    pub server_pid: Option<u32>,
    /// Of the sources that are measured, for the result.
    pub commit: String,
    /// Slows each arrival down, to see that the generator notices.
    pub handicap: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("the run was ended: {0}")]
    Failed(String),
}

/// The last second, while the load runs.
#[derive(Debug)]
pub struct Progress<'a> {
    pub phase: &'static str,
    /// Seconds since the load began, and how many there are.
    pub second: u64,
    pub seconds: u64,
    pub last: &'a Second,
}

/// A second of all workers, and the server's use of the machine in it.
#[derive(Clone, Debug)]
pub(crate) struct MergedSecond {
    pub(crate) second: Second,
    pub(crate) usage: Option<ProcessUsage>,
}

/// What a load leaves.
#[derive(Debug)]
pub(crate) struct LoadOutcome {
    pub(crate) workers: Vec<WorkerOutcome>,
    pub(crate) seconds: Vec<MergedSecond>,
    pub(crate) connections: u32,
    /// Of the server's process, when the measured time began and ended.
    pub(crate) usage: Option<(ProcessUsage, ProcessUsage)>,
}

/// Runs a scenario against a target. `progress` is called about once a second.
pub fn run(
    scenario: &Scenario,
    options: &RunOptions,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<RunResult, RunError> {
    let mut admin = Admin::connect(options.target)?;
    let server_pid = options.server_pid.or_else(|| host::listener(options.target.address));
    let topic = plan::make_topic(scenario, options.target, &mut admin)?;
    let mut outcome = run_on(scenario, options, &mut admin, &topic, server_pid, progress);
    if !scenario.topic.keep {
        let removed = Admin::connect(options.target).and_then(|mut admin| {
            let echo = topic.echo.as_ref().map_or(Ok(()), |echo| admin.delete(&echo.topic));
            admin.delete(&topic.route.topic).and(echo)
        });
        // A run is reported as what it was, whether it failed or was measured, and not as a topic that stayed behind.
        if let (Ok(result), Err(cause)) = (&mut outcome, removed) {
            result.problems.push(format!("The topic {} could not be removed: {cause}", topic.route.topic));
            result.is_valid = false;
        }
    }
    outcome
}

fn run_on(
    scenario: &Scenario,
    options: &RunOptions,
    admin: &mut Admin,
    topic: &plan::MadeTopic,
    server_pid: Option<u32>,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<RunResult, RunError> {
    let clock = Clock::new();
    let threads = threads_of(options);
    let run = plan::run_number();
    let material = plan::Material::prepare(scenario)?;
    let mut backlog = None;
    if scenario.consume.backlog_records > 0 {
        let plan = plan::backlog(scenario, topic, &material, run, clock);
        let load = load(plan, threads, clock, None, options.target, &mut |second| {
            progress(&Progress { phase: "backlog", second: second.index + 1, seconds: 0, last: second });
        })?;
        backlog = Some(load);
    }
    let identities = if scenario.produce.idempotent {
        (0..scenario.produce.producers).map(|_| admin.identity()).collect::<io::Result<_>>()?
    } else {
        Vec::new()
    };
    let mut plan = plan::measured(scenario, topic, &material, run, clock, identities)?;
    plan.handicap_ns = u64::try_from(options.handicap.as_nanos()).unwrap_or(u64::MAX);
    let seconds = number::whole(scenario.time.seconds().ceil());
    let started_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let load = load(plan.clone(), threads, clock, server_pid, options.target, &mut |second| {
        progress(&Progress { phase: "load", second: second.index + 1, seconds, last: second });
    })?;
    let context = outcome::Context { scenario, options, topic, server_pid, threads, started_at, plan: &plan };
    let software = std::mem::take(&mut admin.software);
    Ok(outcome::judge(&context, load, backlog, software))
}

fn threads_of(options: &RunOptions) -> u32 {
    match options.threads {
        0 => {
            let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            number::short((cores / 2).max(1))
        }
        threads => threads,
    }
}

struct Running {
    handle: JoinHandle<io::Result<WorkerOutcome>>,
    finished: Receiver<Box<Second>>,
    empty: SyncSender<Box<Second>>,
}

/// Runs one load to its end.
fn load(
    plan: Plan,
    threads: u32,
    clock: Clock,
    server_pid: Option<u32>,
    target: Target,
    progress: &mut dyn FnMut(&Second),
) -> Result<LoadOutcome, RunError> {
    let plan = Arc::new(plan);
    let shared = Arc::new(Shared::new(&plan));
    // Each worker is made on its own thread; none begins before all are there.
    let barrier = Arc::new(Barrier::new(number::index(threads) + 1));
    let mut running = Vec::new();
    for index in 0..threads {
        let (link, finished, empty) = SecondsLink::new();
        let (plan, shared, barrier) = (plan.clone(), shared.clone(), barrier.clone());
        let thread = std::thread::Builder::new().name(format!("load-{index}"));
        let handle = thread.spawn(move || {
            let worker = Worker::new(plan, shared, clock, Part { index, of: threads }, Some(link));
            barrier.wait();
            worker.map(Worker::run)
        })?;
        running.push(Running { handle, finished, empty });
    }
    barrier.wait();
    let mut watch = Watch { clock, plan: plan.clone(), pid: server_pid, before: None, after: None, last: None };
    let mut seconds: Vec<MergedSecond> = Vec::new();
    loop {
        std::thread::sleep(Duration::from_millis(20));
        watch.look();
        collect(&running, &mut seconds, &mut watch, progress);
        announce_targets(&plan, &shared, target);
        if running.iter().all(|running| running.handle.is_finished()) {
            break;
        }
    }
    collect(&running, &mut seconds, &mut watch, progress);
    watch.finish();
    let workers: Vec<WorkerOutcome> = running
        .into_iter()
        .map(|running| {
            let joined = running.handle.join().map_err(|_| RunError::Failed("a thread panicked".to_owned()))?;
            Ok(joined?)
        })
        .collect::<Result<_, RunError>>()?;
    if let Some(reason) = shared.failure.lock().expect("nobody panics with the lock").take() {
        return Err(RunError::Failed(reason));
    }
    Ok(LoadOutcome {
        workers,
        seconds,
        connections: shared.connections.load(Ordering::Relaxed),
        usage: watch.before.zip(watch.after),
    })
}

/// Takes in the seconds that workers have finished; tells of the last one that is whole.
fn collect(running: &[Running], seconds: &mut Vec<MergedSecond>, watch: &mut Watch, progress: &mut dyn FnMut(&Second)) {
    let mut newest = None;
    for worker in running {
        while let Ok(second) = worker.finished.try_recv() {
            let at = usize::try_from(second.index).expect("seconds of a run are few");
            while seconds.len() <= at {
                let index = number::large(seconds.len());
                let second = Second { index, ..Second::default() };
                seconds.push(MergedSecond { second, usage: watch.last });
            }
            seconds[at].second.merge(&second);
            newest = Some(at);
            let _ = worker.empty.try_send(second);
        }
    }
    // The second before the newest is whole: workers are never a second apart.
    if let Some(at) = newest {
        progress(&seconds[at].second);
    }
}

/// Once all producers are done, readers may know where to end.
fn announce_targets(plan: &Plan, shared: &Shared, target: Target) {
    if shared.targets_known.load(Ordering::Acquire)
        || shared.producers_left.load(Ordering::Acquire) > 0
        || shared.consumers_left.load(Ordering::Acquire) == 0
    {
        return;
    }
    // What was acknowledged before this load, or without an offset, is known to the broker alone. The broker may have
    // been restarted since the last question: it is asked anew until the run is over.
    let Ok(ends) = Admin::connect(target).and_then(|mut admin| admin.ends(&plan.route, plan.partitions)) else {
        return;
    };
    // An echo has each record at the offset that it was read at.
    for (partition, end) in shared.targets.iter().enumerate() {
        let acked = shared.acked_end[partition].load(Ordering::Relaxed);
        end.store(ends[partition].max(acked), Ordering::Relaxed);
    }
    shared.targets_known.store(true, Ordering::Release);
}

/// Looks at the server's process when the measured time begins and ends, and between.
struct Watch {
    clock: Clock,
    plan: Arc<Plan>,
    pid: Option<u32>,
    before: Option<ProcessUsage>,
    after: Option<ProcessUsage>,
    last: Option<ProcessUsage>,
}

impl Watch {
    fn look(&mut self) {
        let now = self.clock.now();
        self.last = self.pid.and_then(host::usage);
        if self.before.is_none() && now >= self.plan.measure_from {
            self.before = self.last;
        }
        if self.after.is_none() && now >= self.plan.measure_to {
            self.after = self.last;
        }
    }

    fn finish(&mut self) {
        self.look();
        if self.before.is_some() && self.after.is_none() {
            self.after = self.last;
        }
    }
}

/// What an ack means, in words, with the settings that make it so.
fn durability_words(scenario: &Scenario, door: Door, is_corelane: bool) -> String {
    use crate::scenario::{Acks, Durability};
    match (scenario.produce.acks, scenario.topic.durability) {
        (Acks::None, _) => "acks=0: not acknowledged".to_owned(),
        (Acks::Leader, _) => "acks=1: in the leader's memory".to_owned(),
        (Acks::All, Durability::Durable) => match (door, is_corelane) {
            (Door::Kafka, false) => "durable: acks=all, flushed before the ack (flush.messages=1)".to_owned(),
            _ => "durable: acks=all, flushed before the ack".to_owned(),
        },
        (Acks::All, Durability::Relaxed) => match is_corelane {
            true => "relaxed: acks=all, flushed by interval (corelane.durability=relaxed)".to_owned(),
            false => "relaxed: acks=all, page cache (Kafka's default)".to_owned(),
        },
        (Acks::All, Durability::BrokerDefault) => "acks=all, the broker's default durability".to_owned(),
    }
}
