//! From a scenario to what the engine does.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use wire::Codec;

use crate::door::admin::{Admin, ProducerIdentity, TopicWish};
use crate::door::{Door, Route, Target};
use crate::echo::echo_of;
use crate::engine::{Clock, Pace, Plan};
use crate::number;
use crate::record::keys::ZipfTable;
use crate::record::{Checksum, KeyChoice, Payload, PayloadKind, RecordShape, SizeChoice};
use crate::scenario::{Acks, Durability, KeyKind, LoopKind, PayloadSource, Scenario, ScheduleKind, SizeKind};
use crate::schedule::{CurveError, Placement, RateCurve, RecordedError, parse_recorded};

#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error("load: {0}")]
    Curve(#[from] CurveError),
    #[error("{file}: {error}")]
    File { file: String, error: io::Error },
    #[error("{file}: {error}")]
    Recorded { file: String, error: RecordedError },
    #[error("{file} has no lines, or more than a gigabyte")]
    NoLines { file: String },
}

/// Time for all connections to be made before the first arrival is due.
const LEAD_NS: u64 = 300_000_000;
/// Kafka's code for a topic setting that it does not know.
const INVALID_CONFIG: &str = "INVALID_CONFIG";

/// A topic that stands, and how it came to.
#[derive(Debug)]
pub(super) struct MadeTopic {
    pub(super) route: Route,
    /// Of the topic in which the records come back, if they do.
    pub(super) echo: Option<Route>,
    pub(super) settings: BTreeMap<String, String>,
    /// The broker knows Corelane's settings.
    pub(super) is_corelane: bool,
}

/// A number that tells this run's records from others.
pub(super) fn run_number() -> u32 {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().subsec_nanos();
    nanos ^ std::process::id().rotate_left(16)
}

pub(super) fn make_topic(scenario: &Scenario, target: Target, admin: &mut Admin) -> io::Result<MadeTopic> {
    let name = if scenario.topic.name.is_empty() {
        format!("loadgen-{}-{:08x}", scenario.name, run_number())
    } else {
        scenario.topic.name.clone()
    };
    let (partitions, replication) = (scenario.topic.partitions, scenario.topic.replication);
    let create = |admin: &mut Admin, settings: &BTreeMap<String, String>| {
        admin.create(&TopicWish { name: &name, partitions, replication, settings })
    };
    // Whether the broker knows Corelane's setting tells how to ask for either durability.
    let corelane = match scenario.topic.durability {
        Durability::Durable => Some("flushed"),
        Durability::Relaxed => Some("relaxed"),
        Durability::BrokerDefault => None,
    };
    let mut settings = scenario.topic.settings.clone();
    let mut is_corelane = target.door == Door::Native;
    if let Some(value) = corelane {
        settings.insert("corelane.durability".to_owned(), value.to_owned());
        is_corelane = true;
        match create(admin, &settings) {
            Ok(()) => {}
            Err(error) if target.door == Door::Kafka && error.to_string().contains(INVALID_CONFIG) => {
                is_corelane = false;
                settings.remove("corelane.durability");
                if scenario.topic.durability == Durability::Durable {
                    settings.insert("flush.messages".to_owned(), "1".to_owned());
                }
                create(admin, &settings)?;
            }
            Err(error) => return Err(error),
        }
    } else {
        create(admin, &settings)?;
    }
    let route = admin.route(&name, partitions)?;
    let mut echo = None;
    if scenario.consume.echo {
        let name = echo_of(&name);
        admin.create(&TopicWish { name: &name, partitions, replication, settings: &settings })?;
        echo = Some(admin.route(&name, partitions)?);
    }
    Ok(MadeTopic { route, echo, settings, is_corelane })
}

/// What takes time to make and is needed more than once.
#[derive(Debug)]
pub(super) struct Material {
    records: RecordShape,
}

impl Material {
    pub(super) fn prepare(scenario: &Scenario) -> Result<Self, PlanError> {
        let records = &scenario.records;
        let payload = match records.payload {
            PayloadSource::Random => Payload::generated(PayloadKind::Random, scenario.load.seed),
            PayloadSource::Compressible => Payload::generated(PayloadKind::Compressible, scenario.load.seed),
            PayloadSource::Lines => {
                let file = records.file.clone();
                let text = std::fs::read(&file).map_err(|error| PlanError::File { file: file.clone(), error })?;
                Payload::lines(text).ok_or(PlanError::NoLines { file })?
            }
        };
        let keys = match records.keys {
            KeyKind::None => KeyChoice::None,
            KeyKind::Uniform => KeyChoice::Uniform { count: records.key_count },
            KeyKind::Zipf => KeyChoice::Zipf(Arc::new(ZipfTable::new(records.key_count, records.zipf_exponent))),
            KeyKind::Unique => KeyChoice::Unique,
        };
        let sizes = match records.size {
            SizeKind::Fixed => SizeChoice::Fixed(records.bytes),
            SizeKind::Uniform => SizeChoice::Uniform { min: records.bytes_min, max: records.bytes_max },
            SizeKind::LogNormal => SizeChoice::LogNormal {
                median: number::large(records.bytes) as f64,
                sigma: records.sigma,
                min: records.bytes_min,
                max: records.bytes_max,
            },
            SizeKind::Weighted => SizeChoice::Weighted(records.weights.clone()),
        };
        let checksum = if records.checksum { Checksum::Written } else { Checksum::Left };
        Ok(Self { records: RecordShape { sizes, keys, payload: Arc::new(payload), checksum } })
    }
}

fn pace(scenario: &Scenario) -> Result<Pace, PlanError> {
    let load = &scenario.load;
    if load.kind != LoopKind::Open {
        return Ok(Pace::Closed { records_max: None });
    }
    let seconds = scenario.time.seconds();
    let burst = f64::from(load.burst);
    let arrivals = |rate: f64| rate / burst;
    let curve = match load.schedule {
        ScheduleKind::Constant | ScheduleKind::Poisson | ScheduleKind::Recorded => {
            RateCurve::constant(arrivals(load.rate), seconds)?
        }
        ScheduleKind::OnOff => {
            RateCurve::on_off(arrivals(load.rate), arrivals(load.low_rate), load.on_s, load.off_s, seconds)?
        }
        ScheduleKind::Ramp => RateCurve::ramp(arrivals(load.rate), arrivals(load.to_rate), seconds)?,
        ScheduleKind::Step => {
            let mut steps: Vec<(f64, f64)> =
                load.steps.iter().map(|(rate, seconds)| (arrivals(*rate), *seconds)).collect();
            let sum: f64 = steps.iter().map(|(_, seconds)| seconds).sum();
            if let Some(last) = steps.last_mut().filter(|_| sum < seconds) {
                last.1 += seconds - sum;
            }
            RateCurve::steps(&steps)?
        }
    };
    let placement = match load.schedule {
        ScheduleKind::Poisson => Placement::Poisson,
        ScheduleKind::Recorded => {
            let file = load.file.clone();
            let text = std::fs::read_to_string(&file).map_err(|error| PlanError::File { file: file.clone(), error })?;
            let end = number::nanos(seconds);
            let mut times = parse_recorded(&text).map_err(|error| PlanError::Recorded { file, error })?;
            times.retain(|time| *time < end);
            Placement::Recorded(times.into())
        }
        ScheduleKind::Constant | ScheduleKind::OnOff | ScheduleKind::Step | ScheduleKind::Ramp => Placement::Even,
    };
    Ok(Pace::Open { curve: Arc::new(curve), placement, burst: load.burst })
}

fn basis(scenario: &Scenario, topic: &MadeTopic, material: &Material, run: u32, clock: Clock) -> Plan {
    let produce = &scenario.produce;
    let start = clock.now() + LEAD_NS;
    let has_backlog = scenario.consume.backlog_records > 0;
    let load_end = start + number::nanos(scenario.time.seconds());
    // What is read before the measured time would not be counted, and nothing comes after it.
    let warm_up_s = if scenario.load.kind == LoopKind::None { 0.0 } else { scenario.time.warm_up_s };
    Plan {
        route: topic.route.clone(),
        read_route: topic.echo.as_ref().unwrap_or(&topic.route).clone(),
        read_from: Vec::new(),
        partitions: scenario.topic.active(),
        producers: produce.producers,
        producer_base: 0,
        producers_known: produce.producers * if has_backlog { 2 } else { 1 },
        pace: Pace::Closed { records_max: None },
        acks: match produce.acks {
            Acks::None => 0,
            Acks::Leader => 1,
            Acks::All => -1,
        },
        in_flight: number::index(produce.in_flight),
        batch_bytes: produce.batch_bytes,
        batch_records: produce.batch_records,
        request_bytes: produce.request_bytes,
        linger_ns: number::nanos(produce.linger_ms / 1e3),
        codec: Codec::from_name(&produce.codec).expect("the scenario was checked"),
        repeats_batches: produce.repeat_batches,
        reconnect_every: produce.reconnect_every,
        buffer_bytes: produce.buffer_bytes,
        headers: scenario.records.headers,
        header_bytes: scenario.records.header_bytes,
        identities: Vec::new(),
        records: material.records.clone(),
        readers: scenario.consume.readers,
        reader_connections: scenario.consume.connections,
        fetch_bytes: scenario.consume.fetch_bytes,
        fetch_wait_ms: scenario.consume.fetch_wait_ms,
        run,
        seed: scenario.load.seed,
        start,
        measure_from: start + number::nanos(warm_up_s),
        measure_to: start + number::nanos(warm_up_s + scenario.time.measured_s),
        load_end,
        readers_from: if scenario.consume.delay_s > 0.0 {
            start + number::nanos(scenario.consume.delay_s)
        } else if has_backlog && scenario.load.kind == LoopKind::None {
            start
        } else {
            0
        },
        deadline: load_end + number::nanos(scenario.time.drain_s),
        handicap_ns: 0,
    }
}

/// How long a backlog may take to be written.
const BACKLOG_TIME_MAX_NS: u64 = 3_600_000_000_000;
/// A backlog is written in batches of this size at least.
const BACKLOG_BATCH_BYTES: usize = 128 << 10;

/// Writes what readers are to find, as fast as possible.
pub(super) fn backlog(scenario: &Scenario, topic: &MadeTopic, material: &Material, run: u32, clock: Clock) -> Plan {
    let plan = basis(scenario, topic, material, run, clock);
    let each = scenario.consume.backlog_records.div_ceil(u64::from(plan.producers));
    let load_end = plan.start + BACKLOG_TIME_MAX_NS;
    let batch_bytes = plan.batch_bytes.max(BACKLOG_BATCH_BYTES);
    Plan {
        pace: Pace::Closed { records_max: Some(each) },
        readers: 0,
        batch_bytes,
        request_bytes: plan.request_bytes.max(batch_bytes),
        buffer_bytes: plan.buffer_bytes.max(8 * batch_bytes),
        repeats_batches: false,
        reconnect_every: 0,
        load_end,
        measure_from: load_end,
        measure_to: load_end,
        deadline: load_end,
        ..plan
    }
}

/// The load that is measured.
pub(super) fn measured(
    scenario: &Scenario,
    topic: &MadeTopic,
    material: &Material,
    run: u32,
    clock: Clock,
    identities: Vec<ProducerIdentity>,
) -> Result<Plan, PlanError> {
    let plan = basis(scenario, topic, material, run, clock);
    let producers = if scenario.load.kind == LoopKind::None { 0 } else { plan.producers };
    let producer_base = plan.producers_known - plan.producers;
    Ok(Plan { pace: pace(scenario)?, producers, producer_base, identities, ..plan })
}
