//! What a run is found to have been.

use std::collections::BTreeMap;

use super::plan::MadeTopic;
use super::{LoadOutcome, MergedSecond, RunOptions, durability_words, silence};
use crate::engine::Plan;
use crate::engine::stats::{Stats, without_service};
use crate::health::{self, Health, Observed, Verdict};
use crate::host::{self, Machine};
use crate::latency::Latency;
use crate::number;
use crate::result::{Generator, LatencyResult, RunResult, SCHEMA, SecondResult, Server, ServiceTime, Throughput};
use crate::scenario::{LoopKind, Scenario};
use crate::verify::{Findings, SentStream};

pub(super) struct Context<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) options: &'a RunOptions,
    pub(super) topic: &'a MadeTopic,
    pub(super) server_pid: Option<u32>,
    pub(super) threads: u32,
    pub(super) started_at: u64,
    pub(super) plan: &'a Plan,
}

type Sent = BTreeMap<u32, Vec<SentStream>>;

pub(super) fn judge(
    context: &Context<'_>,
    mut load: LoadOutcome,
    backlog: Option<LoadOutcome>,
    software: String,
) -> RunResult {
    let scenario = context.scenario;
    let mut stats = Stats::default();
    load.workers.iter().for_each(|worker| stats.merge(&worker.stats));
    let unwritten: u64 = backlog.iter().flat_map(|load| &load.workers).map(|worker| worker.stats.counts.failed).sum();
    let mut sent: Sent = backlog.into_iter().flat_map(|load| load.workers).flat_map(|worker| worker.sent).collect();
    sent.extend(load.workers.iter_mut().flat_map(|worker| std::mem::take(&mut worker.sent)));
    let unread = load.workers.iter().flat_map(|worker| &worker.finished).filter(|(_, at)| at.is_none()).count();
    let drained_after_s = drained(&load, context.plan);
    let verification = verify(&mut load, &sent, scenario.consume.readers);
    let elapsed = context.plan.measure_to - context.plan.measure_from;
    let is_open = scenario.load.kind == LoopKind::Open;
    let health = health::judge(&Observed {
        lag: &stats.lag,
        due: &stats.measured.due,
        busy_share: stats.busy_ns as f64 / elapsed as f64,
        waited_share: stats.waited_ns as f64 / elapsed as f64,
        // A closed loop schedules nothing, and may fail all the same.
        scheduled: stats.scheduled.saturating_sub(stats.scheduled_failed),
        recorded: stats.measured.due.count(),
        abandoned: stats.abandoned,
        is_open_loop: is_open,
    });
    let is_closed = scenario.load.kind == LoopKind::Closed;
    let mut problems = silence::problems(&stats.answers, is_closed, stats.window.acked);
    problems.extend(self::problems(&stats, &verification, &health, unread));
    if unwritten > 0 {
        problems.push(format!("{unwritten} records of the backlog were never acknowledged."));
    }
    if scenario.consume.echo && stats.counts.consumed == 0 && stats.counts.acked > 0 {
        let topic = &context.topic.route.topic;
        problems
            .push(format!("Nothing came back: is `corelane loadgen echo --topic {topic}` running on the other host?"));
    }
    let seconds = match drained_after_s.filter(|_| scenario.load.kind == LoopKind::None) {
        Some(seconds) => seconds,
        None => elapsed as f64 / 1e9,
    };
    let longest = stats.outages.iter().map(|outage| outage.to - outage.from).max().unwrap_or(0);
    RunResult {
        schema: SCHEMA.to_owned(),
        loop_label: match scenario.load.kind {
            LoopKind::Open => "open: latency from the due time".to_owned(),
            LoopKind::Closed => format!(
                "CLOSED with {} in flight by each producer: latency from sending; a stall of the broker holds the load back",
                scenario.produce.in_flight
            ),
            LoopKind::None => "reading only".to_owned(),
        },
        end_to_end_label: match &context.topic.echo {
            None => crate::result::ONE_PROCESS.to_owned(),
            Some(echo) => format!(
                "ROUND TRIP by echo on one clock: due, to {}, by another process to {}, consumed here",
                context.topic.route.topic, echo.topic
            ),
        },
        target: context.options.target.to_string(),
        topic: context.topic.route.topic.clone(),
        topic_settings: context.topic.settings.clone(),
        durability: durability_words(scenario, context.topic.route.door, context.topic.is_corelane),
        server: server(context, &load, &stats, software),
        machine: Machine::look(context.server_pid),
        generator: Generator {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: context.options.commit.clone(),
            threads: context.threads,
            connections: load.connections,
            runs_first: stats.runs_first,
        },
        started_at: context.started_at,
        is_valid: problems.is_empty(),
        problems,
        latency: (health.verdict == Verdict::Sound).then(|| latency(&stats)),
        throughput: throughput(&stats, seconds, drained_after_s),
        counts: stats.counts,
        verification,
        damaged_batches: stats.damaged_batches,
        service: ServiceTime {
            outages: number::large(stats.outages.len()),
            without_service_s: without_service(&stats.outages) as f64 / 1e9,
            longest_s: longest as f64 / 1e9,
            records_retried: stats.counts.retried,
            records_failed: stats.counts.failed,
        },
        series: series(context.plan, &load.seconds, health.verdict),
        scenario: scenario.clone(),
        health,
    }
}

/// Seconds from the readers' start until the last of them was done.
fn drained(load: &LoadOutcome, plan: &Plan) -> Option<f64> {
    let finished = load.workers.iter().flat_map(|worker| &worker.finished).map(|(_, at)| *at);
    let last = finished.collect::<Option<Vec<u64>>>()?.into_iter().max()?;
    let from = plan.readers_from.max(plan.start);
    Some(last.saturating_sub(from) as f64 / 1e9)
}

/// What each reader found.
fn verify(load: &mut LoadOutcome, sent: &Sent, readers: u32) -> Vec<Findings> {
    let mut all = vec![Findings::default(); number::index(readers)];
    for worker in &mut load.workers {
        for (reader, verifier) in worker.verifiers.iter_mut().enumerate() {
            verifier.settle(|producer, partition| sent.get(&producer)?.get(number::index(partition)));
            all[reader].add(verifier.findings());
        }
    }
    all
}

fn problems(stats: &Stats, verification: &[Findings], health: &Health, unread: usize) -> Vec<String> {
    let mut problems = health.reasons.clone();
    for (reader, findings) in verification.iter().enumerate().filter(|(_, findings)| !findings.is_clean()) {
        problems.push(format!(
            "Reader {reader}: {} records lost, {} doubled, {} out of order ({} within a key), {} corrupted.",
            findings.lost, findings.duplicated, findings.reordered, findings.reordered_in_key, findings.corrupted
        ));
    }
    let mut add = |count: u64, text: &str| {
        if count > 0 {
            problems.push(format!("{count} {text}"));
        }
    };
    add(stats.damaged_batches, "batches were damaged when they were read.");
    add(stats.counts.failed, "records were never acknowledged.");
    add(stats.abandoned, "arrivals were never sent: the broker did not keep up. Their age counts as their latency.");
    add(number::large(unread), "readers' connections did not reach the end of their partitions.");
    if !problems.is_empty() && !stats.last_error.is_empty() {
        problems.push(format!("The last error was: {}", stats.last_error));
    }
    problems
}

fn latency(stats: &Stats) -> LatencyResult {
    let measured = &stats.measured;
    LatencyResult {
        due: measured.due.percentiles(),
        service: measured.service.percentiles(),
        end_to_end: (measured.end_to_end.count() > 0).then(|| measured.end_to_end.percentiles()),
        connect: stats.connect.percentiles(),
        due_curve: measured.due.curve(),
        service_curve: measured.service.curve(),
        end_to_end_curve: measured.end_to_end.curve(),
        due_hdr: measured.due.encode(),
    }
}

fn throughput(stats: &Stats, seconds: f64, drained_after_s: Option<f64>) -> Throughput {
    let window = &stats.window;
    let rate = |count: u64| count as f64 / seconds;
    Throughput {
        seconds,
        acked_per_second: rate(window.acked),
        acked_mb_per_second: rate(window.acked_bytes) / 1e6,
        requests_per_second: rate(window.requests),
        consumed_per_second: rate(window.consumed),
        consumed_mb_per_second: rate(window.consumed_bytes) / 1e6,
        drained_after_s,
    }
}

fn server(context: &Context<'_>, load: &LoadOutcome, stats: &Stats, software: String) -> Server {
    let cpu = load.usage.map(|(before, after)| after.cpu_seconds - before.cpu_seconds);
    let records = stats.window.acked.max(stats.window.consumed);
    let rss = load.seconds.iter().filter_map(|second| second.usage).map(|usage| usage.rss_mib);
    Server {
        software: match (software.is_empty(), context.topic.is_corelane) {
            (false, _) => software,
            (true, true) => "Corelane".to_owned(),
            (true, false) => "speaks Kafka's protocol".to_owned(),
        },
        pid: context.server_pid,
        command_line: context.server_pid.and_then(host::command_line),
        cpu_seconds: cpu,
        cpu_seconds_per_million_records: cpu.filter(|_| records > 0).map(|cpu| cpu * 1e6 / records as f64),
        rss_mib_max: rss.max_by(f64::total_cmp),
    }
}

fn series(plan: &Plan, seconds: &[MergedSecond], verdict: Verdict) -> Vec<SecondResult> {
    let mut before: Option<host::ProcessUsage> = None;
    let one = |merged: &MergedSecond| {
        let second = &merged.second;
        let begins = plan.start + second.index * 1_000_000_000;
        let server_cores = match (before, merged.usage) {
            (Some(before), Some(now)) => Some((now.cpu_seconds - before.cpu_seconds).max(0.0)),
            _ => None,
        };
        before = merged.usage;
        // A generator that was the bottleneck prints no latency, nor hides it in the series.
        let shown = |latency: &Latency| match verdict {
            Verdict::Sound => (latency.percentiles(), latency.encode()),
            Verdict::GeneratorWasBottleneck => Default::default(),
        };
        let (due, due_hdr) = shown(&second.latencies.due);
        let (service, service_hdr) = shown(&second.latencies.service);
        let (end_to_end, end_to_end_hdr) = shown(&second.latencies.end_to_end);
        SecondResult {
            second: second.index,
            is_measured: begins >= plan.measure_from && begins + 1_000_000_000 <= plan.measure_to,
            counts: second.counts,
            lag_max_ms: second.lag_max as f64 / 1e6,
            due,
            service,
            end_to_end,
            due_hdr,
            service_hdr,
            end_to_end_hdr,
            server_cores,
            server_rss_mib: merged.usage.map(|usage| usage.rss_mib),
        }
    };
    seconds.iter().map(one).collect()
}
