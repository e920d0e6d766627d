//! What values make sense, alone and together.

use wire::Codec;

use super::{KeyKind, LoopKind, PayloadSource, Scenario, ScheduleKind, SizeKind};
use crate::record::STAMP_BYTES;
use crate::record::keys::ZIPF_KEYS_MAX;

/// A value that cannot be.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) key: &'static str,
    pub(super) message: String,
}

/// Streams that one process follows: producers times partitions times readers.
const STREAMS_MAX: u64 = 16_000_000;
/// Kafka's limit for names, without what the echo's topic has at its end.
const ECHO_NAME_BYTES_MAX: usize = 249 - crate::echo::SUFFIX.len();
const RECORD_BYTES_MAX: usize = 64 << 20;

type Checked = Result<(), Wrong>;

fn ensure(holds: bool, key: &'static str, message: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(Wrong { key, message: message() }) }
}

fn within(value: f64, bounds: std::ops::RangeInclusive<f64>, key: &'static str) -> Checked {
    ensure(bounds.contains(&value), key, || format!("{value} is not between {} and {}", bounds.start(), bounds.end()))
}

pub(super) fn check(scenario: &Scenario) -> Checked {
    let name_is_plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    ensure(!scenario.name.is_empty() && name_is_plain(&scenario.name), "name", || {
        "letters, digits, '-', '_' and '.' are possible".to_owned()
    })?;
    ensure(name_is_plain(&scenario.topic.name) && scenario.topic.name.len() < 250, "topic.name", || {
        "letters, digits, '-', '_' and '.' are possible, 249 at most".to_owned()
    })?;
    check_topic(scenario)?;
    check_load(scenario)?;
    check_produce(scenario)?;
    check_records(scenario)?;
    check_consume(scenario)?;
    let time = &scenario.time;
    within(time.warm_up_s, 0.0..=86_400.0, "time.warm_up_s")?;
    within(time.measured_s, 0.1..=604_800.0, "time.measured_s")?;
    within(time.cool_down_s, 0.0..=86_400.0, "time.cool_down_s")?;
    within(time.drain_s, 0.0..=86_400.0, "time.drain_s")
}

fn check_topic(scenario: &Scenario) -> Checked {
    let topic = &scenario.topic;
    within(f64::from(topic.partitions), 1.0..=100_000.0, "topic.partitions")?;
    ensure(topic.active_partitions <= topic.partitions, "topic.active_partitions", || {
        format!("{} of {} partitions", topic.active_partitions, topic.partitions)
    })?;
    ensure(topic.replication == -1 || topic.replication > 0, "topic.replication", || {
        format!("{} is neither -1 nor above zero", topic.replication)
    })
}

fn check_load(scenario: &Scenario) -> Checked {
    let load = &scenario.load;
    within(f64::from(load.burst), 1.0..=1e6, "load.burst")?;
    if load.kind != LoopKind::Open {
        return Ok(());
    }
    let rate = 1e-3..=1e9;
    match load.schedule {
        ScheduleKind::Constant | ScheduleKind::Poisson => within(load.rate, rate, "load.rate"),
        ScheduleKind::OnOff => {
            within(load.rate, rate, "load.rate")?;
            within(load.low_rate, 0.0..=1e9, "load.low_rate")?;
            within(load.on_s, 1e-3..=86_400.0, "load.on_s")?;
            within(load.off_s, 1e-3..=86_400.0, "load.off_s")
        }
        ScheduleKind::Ramp => {
            within(load.rate, 0.0..=1e9, "load.rate")?;
            within(load.to_rate, rate, "load.to_rate")
        }
        ScheduleKind::Step => {
            ensure(!load.steps.is_empty(), "load.steps", || "a step schedule needs [[rate, seconds], …]".to_owned())?;
            load.steps.iter().try_for_each(|(rate, seconds)| {
                within(*rate, 0.0..=1e9, "load.steps")?;
                within(*seconds, 1e-3..=604_800.0, "load.steps")
            })
        }
        ScheduleKind::Recorded => {
            ensure(!load.file.is_empty(), "load.file", || "a recorded schedule needs a file".to_owned())
        }
    }
}

fn check_produce(scenario: &Scenario) -> Checked {
    let produce = &scenario.produce;
    within(f64::from(produce.producers), 1.0..=100_000.0, "produce.producers")?;
    within(f64::from(produce.in_flight), 1.0..=10_000.0, "produce.in_flight")?;
    ensure(produce.batch_bytes <= 1 << 30, "produce.batch_bytes", || {
        format!("{} is above 1 GiB", produce.batch_bytes)
    })?;
    ensure(produce.batch_records > 0, "produce.batch_records", || "a batch has a record at least".to_owned())?;
    ensure((1_024..=1 << 30).contains(&produce.request_bytes), "produce.request_bytes", || {
        format!("{} is not between 1 KiB and 1 GiB", produce.request_bytes)
    })?;
    ensure(produce.buffer_bytes >= produce.batch_bytes.max(1), "produce.buffer_bytes", || {
        format!("{} is less than one batch of {}", produce.buffer_bytes, produce.batch_bytes)
    })?;
    within(produce.linger_ms, 0.0..=60_000.0, "produce.linger_ms")?;
    ensure(Codec::from_name(&produce.codec).is_some(), "produce.codec", || {
        format!("{:?} is none of none, gzip, snappy, lz4, zstd", produce.codec)
    })?;
    ensure(!produce.idempotent || produce.in_flight <= 5, "produce.in_flight", || {
        "brokers keep the order of an idempotent producer for 5 requests in flight at most".to_owned()
    })?;
    ensure(!produce.idempotent || produce.acks == super::Acks::All, "produce.acks", || {
        "an idempotent producer needs \"all\"".to_owned()
    })?;
    if produce.repeat_batches {
        let key = "produce.repeat_batches";
        ensure(scenario.load.kind == LoopKind::Closed, key, || "batches repeat in a closed loop only".to_owned())?;
        ensure(scenario.consume.readers == 0, key, || "a reader would take them for doubled records".to_owned())?;
        ensure(!produce.idempotent, key, || "a batch of an idempotent producer is sent once".to_owned())?;
        ensure(scenario.records.keys == KeyKind::None, key, || "a key's partition is not another batch's".to_owned())?;
    }
    Ok(())
}

fn check_records(scenario: &Scenario) -> Checked {
    let records = &scenario.records;
    let (smallest, largest, key) = match records.size {
        SizeKind::Fixed => (records.bytes, records.bytes, "records.bytes"),
        SizeKind::Uniform | SizeKind::LogNormal => (records.bytes_min, records.bytes_max, "records.bytes_max"),
        SizeKind::Weighted => {
            let sum: u64 = records.weights.iter().map(|(_, weight)| u64::from(*weight)).sum();
            ensure(sum > 0, "records.weights", || "weighted sizes need [[bytes, weight], …]".to_owned())?;
            let sizes = || records.weights.iter().map(|(size, _)| *size);
            (sizes().min().unwrap_or(0), sizes().max().unwrap_or(0), "records.weights")
        }
    };
    ensure(smallest <= largest && largest <= RECORD_BYTES_MAX, key, || {
        format!("sizes from {smallest} to {largest} B are not possible; the limit is {RECORD_BYTES_MAX} B")
    })?;
    within(records.sigma, 0.0..=10.0, "records.sigma")?;
    let lines = records.payload == PayloadSource::Lines;
    ensure(!lines || !records.file.is_empty(), "records.file", || "payload \"lines\" needs a file".to_owned())?;
    let stamped = records.checksum || scenario.consume.readers > 0;
    ensure(lines || !stamped || smallest >= STAMP_BYTES, key, || {
        format!(
            "{smallest} B leave no room for the {STAMP_BYTES} B by which a record is followed; set records.checksum = false and no readers, or larger records"
        )
    })?;
    if matches!(records.keys, KeyKind::Uniform | KeyKind::Zipf) {
        ensure(records.key_count > 0, "records.key_count", || "there must be a key".to_owned())?;
    }
    if records.keys == KeyKind::Zipf {
        ensure(records.key_count <= ZIPF_KEYS_MAX, "records.key_count", || {
            format!("a Zipf choice has {ZIPF_KEYS_MAX} keys at most")
        })?;
        within(records.zipf_exponent, 0.01..=10.0, "records.zipf_exponent")?;
    }
    within(f64::from(records.headers), 0.0..=100.0, "records.headers")?;
    ensure(records.header_bytes <= 65_536, "records.header_bytes", || "65536 at most".to_owned())
}

fn check_consume(scenario: &Scenario) -> Checked {
    let consume = &scenario.consume;
    within(f64::from(consume.readers), 0.0..=1_000.0, "consume.readers")?;
    within(f64::from(consume.connections), 1.0..=10_000.0, "consume.connections")?;
    within(consume.delay_s, 0.0..=86_400.0, "consume.delay_s")?;
    within(f64::from(consume.fetch_bytes), 1_024.0..=1e9, "consume.fetch_bytes")?;
    within(f64::from(consume.fetch_wait_ms), 0.0..=60_000.0, "consume.fetch_wait_ms")?;
    let streams = u64::from(scenario.produce.producers)
        * 2
        * u64::from(scenario.topic.active())
        * u64::from(consume.readers.max(1));
    ensure(streams <= STREAMS_MAX, "produce.producers", || {
        format!("producers x partitions x readers is {streams}; {STREAMS_MAX} can be followed")
    })?;
    ensure(!consume.echo || consume.readers > 0, "consume.echo", || {
        "what comes back needs consume.readers".to_owned()
    })?;
    ensure(!consume.echo || !scenario.topic.name.is_empty(), "consume.echo", || {
        "set topic.name: `corelane loadgen echo` must be told the same one".to_owned()
    })?;
    ensure(!consume.echo || scenario.topic.name.len() <= ECHO_NAME_BYTES_MAX, "topic.name", || {
        format!("{ECHO_NAME_BYTES_MAX} letters at most: the echo's topic has a longer name")
    })?;
    let idle = scenario.load.kind == LoopKind::None;
    ensure(!idle || (consume.backlog_records > 0 && consume.readers > 0), "load.loop", || {
        "\"none\" needs consume.backlog_records and consume.readers".to_owned()
    })
}
