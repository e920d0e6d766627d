//! The other host's part of a round trip: whatever is written into one topic is written again into another.
//!
//! A run with `consume.echo` makes both topics, produces into the first and reads the second, so that the latency of the
//! round trip is measured by one clock. Each batch goes to the partition that it came from and gets the same offset there.
//! So the second topic's ends say where an echo goes on that was stopped.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use wire::Codec;

use crate::door::admin::{Admin, ProducerIdentity};
use crate::door::{Route, Target};
use crate::engine::stats::{Second, Stats, without_service};
use crate::engine::worker::{Part, SecondsLink};
use crate::engine::{Clock, Pace, Plan, Shared, Worker, WorkerOutcome};
use crate::latency::Percentiles;
use crate::number;
use crate::record::{Checksum, KeyChoice, Payload, PayloadKind, RecordShape, SizeChoice};
use crate::run::RunError;

/// What the second topic's name has behind the first one's.
pub const SUFFIX: &str = "-echo";

/// The name of the topic in which a topic's records come back.
pub fn echo_of(topic: &str) -> String {
    format!("{topic}{SUFFIX}")
}

/// What to echo.
#[derive(Clone, Debug)]
pub struct EchoOptions {
    pub target: Target,
    /// The topic that is read.
    pub topic: String,
}

/// What an echo has done when its topic is gone.
#[derive(Clone, Copy, Debug, Default)]
pub struct EchoOutcome {
    pub records: u64,
    pub retried: u64,
    /// From when a batch was read to when its copy was acknowledged: the echo's share of the round trip.
    pub delay: Percentiles,
    pub outages: usize,
    pub without_service: Duration,
}

/// Looks for topics that are not there yet, or not any more.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A predecessor's requests are through when nothing has come for so long.
const SETTLED_AFTER: Duration = Duration::from_millis(300);
const GONE_EVERY: Duration = Duration::from_secs(1);
/// As many looks in a row must find a topic missing: a broker that starts may not know all of its topics yet.
const GONE_LOOKS: u32 = 3;
const IN_FLIGHT: usize = 5;
const REQUEST_BYTES: usize = 1 << 20;
/// Bytes that were read and not yet acknowledged again; reading waits above it.
const BUFFER_BYTES: usize = 64 << 20;
const CREDIT_BYTES_MAX: usize = 1 << 20;
const CREDIT_BYTES_MIN: usize = 64 << 10;
const FETCH_WAIT_MS: u32 = 500;

/// Waits for both topics, then echoes until the first is removed. `progress` gets the last second while it does.
pub fn run(options: &EchoOptions, progress: &mut dyn FnMut(&Second)) -> Result<EchoOutcome, RunError> {
    let (route, read_route) = wait_for_topics(options)?;
    let mut admin = Admin::connect(options.target)?;
    let partitions = number::short(route.by_partition.len());
    let read_from = settled_ends(&mut admin, &route, partitions)?;
    let identity = admin.identity()?;
    let clock = Clock::new();
    let topic_id = read_route.topic_id;
    let plan = Arc::new(plan(route, read_route, read_from, identity, clock));
    let shared = Arc::new(Shared::new(&plan));
    let (link, finished, empty) = SecondsLink::new();
    let (worker_plan, worker_shared) = (plan, shared.clone());
    let thread = std::thread::Builder::new().name("echo".to_owned());
    let handle: JoinHandle<io::Result<WorkerOutcome>> = thread.spawn(move || {
        let worker = Worker::new(worker_plan, worker_shared, clock, Part { index: 0, of: 1 }, Some(link))?;
        Ok(worker.run())
    })?;
    let mut looked = Instant::now();
    let mut missing = 0;
    while !handle.is_finished() && missing < GONE_LOOKS {
        std::thread::sleep(LOOK_EVERY);
        while let Ok(second) = finished.try_recv() {
            progress(&second);
            let _ = empty.try_send(second);
        }
        if looked.elapsed() >= GONE_EVERY {
            looked = Instant::now();
            // A broker that does not answer is being restarted.
            let found = Admin::connect(options.target).and_then(|mut admin| admin.find(&options.topic));
            match found {
                Ok(Ok(route)) if route.topic_id == topic_id => missing = 0,
                Ok(_) => missing += 1,
                Err(_) => {}
            }
        }
    }
    shared.stop.store(true, std::sync::atomic::Ordering::Release);
    let stats = handle.join().map_err(|_| RunError::Failed("a thread panicked".to_owned()))??.stats;
    match shared.failure.lock().expect("nobody panics with the lock").take() {
        // The topics are removed one after the other: the last requests find one of them gone.
        Some(reason) if missing == 0 => Err(RunError::Failed(reason)),
        _ => Ok(outcome(&stats)),
    }
}

/// Where the second topic ends. What an echo before this one still had under way may come yet.
fn settled_ends(admin: &mut Admin, route: &Route, partitions: u32) -> io::Result<Vec<u64>> {
    let mut ends = admin.ends(route, partitions)?;
    while ends.iter().any(|end| *end > 0) {
        std::thread::sleep(SETTLED_AFTER);
        let later = admin.ends(route, partitions)?;
        if later == ends {
            break;
        }
        ends = later;
    }
    Ok(ends)
}

fn outcome(stats: &Stats) -> EchoOutcome {
    EchoOutcome {
        records: stats.counts.acked,
        retried: stats.counts.retried,
        delay: stats.measured.due.percentiles(),
        outages: stats.outages.len(),
        without_service: Duration::from_nanos(without_service(&stats.outages)),
    }
}

/// The way to the second topic, and to the first.
fn wait_for_topics(options: &EchoOptions) -> Result<(Route, Route), RunError> {
    let echo = echo_of(&options.topic);
    // The first connection shows whether the target is right; later ones may meet a broker that is being restarted.
    let mut admin = Some(Admin::connect(options.target)?);
    loop {
        let found = admin.as_mut().map(|admin| Ok((admin.find(&options.topic)?, admin.find(&echo)?)));
        match found {
            Some(Ok((Ok(read), Ok(written)))) if read.by_partition.len() == written.by_partition.len() => {
                return Ok((written, read));
            }
            Some(Ok((Ok(read), Ok(written)))) => {
                let (read_has, echo_has) = (read.by_partition.len(), written.by_partition.len());
                return Err(RunError::Failed(format!(
                    "{} has {read_has} partitions, {echo} has {echo_has}: they must have the same number",
                    options.topic
                )));
            }
            Some(Ok(_)) => {}
            Some(Err::<_, io::Error>(_)) | None => admin = Admin::connect(options.target).ok(),
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn plan(route: Route, read_route: Route, read_from: Vec<u64>, identity: ProducerIdentity, clock: Clock) -> Plan {
    let partitions = number::short(route.by_partition.len());
    let credit = (BUFFER_BYTES / number::index(partitions.max(1))).clamp(CREDIT_BYTES_MIN, CREDIT_BYTES_MAX);
    let records = RecordShape {
        sizes: SizeChoice::Fixed(0),
        keys: KeyChoice::None,
        payload: Arc::new(Payload::generated(PayloadKind::Random, 0)),
        checksum: Checksum::Left,
    };
    Plan {
        route,
        read_route,
        read_from,
        partitions,
        producers: 1,
        producer_base: 0,
        producers_known: 1,
        pace: Pace::Echo,
        acks: -1,
        in_flight: IN_FLIGHT,
        batch_bytes: 0,
        batch_records: 1,
        request_bytes: REQUEST_BYTES,
        linger_ns: 0,
        codec: Codec::None,
        repeats_batches: false,
        reconnect_every: 0,
        buffer_bytes: BUFFER_BYTES,
        headers: 0,
        header_bytes: 0,
        identities: vec![identity],
        records,
        readers: 1,
        reader_connections: 1,
        fetch_bytes: number::short(credit),
        fetch_wait_ms: FETCH_WAIT_MS,
        run: 0,
        seed: 0,
        start: clock.now(),
        measure_from: 0,
        measure_to: u64::MAX,
        load_end: u64::MAX,
        readers_from: 0,
        deadline: u64::MAX,
        handicap_ns: 0,
    }
}
