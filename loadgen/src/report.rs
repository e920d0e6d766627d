//! Results for people: a table for the terminal, and one HTML file that needs nothing else.

use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use crate::latency::{Latency, LogEntry, Percentiles, write_hlog};
use crate::result::RunResult;

/// The page; the results are put in where the mark stands.
const PAGE: &str = include_str!("report/page.html");
const MARK: &str = "/*RESULTS*/[]";

/// One page with all runs side by side.
pub fn html(runs: &[(String, RunResult)]) -> String {
    let lean: Vec<serde_json::Value> = runs.iter().map(|(name, run)| lean(name, run)).collect();
    let json = serde_json::to_string(&lean).expect("results have only texts, numbers and lists");
    // Nothing inside of the data may end the script that it stands in.
    PAGE.replacen(MARK, &json.replace("</", "<\\/").replace("<!--", "<\\!--"), 1)
}

/// A result without its histograms, which the page has no use for.
fn lean(name: &str, run: &RunResult) -> serde_json::Value {
    let mut run = run.clone();
    for second in &mut run.series {
        second.due_hdr.clear();
        second.service_hdr.clear();
        second.end_to_end_hdr.clear();
    }
    if let Some(latency) = &mut run.latency {
        latency.due_hdr.clear();
    }
    serde_json::json!({ "name": name, "run": run })
}

/// All histograms of a run, second by second, in HdrHistogram's log format. Each kind of latency has a tag: `due`,
/// `service`, `end-to-end`. A comment says which seconds were measured.
pub fn hlog(run: &RunResult) -> Vec<u8> {
    let mut histograms = Vec::new();
    for second in &run.series {
        let kinds =
            [("due", &second.due_hdr), ("service", &second.service_hdr), ("end-to-end", &second.end_to_end_hdr)];
        for (tag, text) in kinds {
            if let Some(latency) = Latency::decode(text).filter(|latency| latency.count() > 0) {
                histograms.push((second.second, tag, latency));
            }
        }
    }
    let entries: Vec<LogEntry<'_>> = histograms
        .iter()
        .map(|(second, tag, latency)| LogEntry {
            start: Duration::from_secs(*second),
            length: Duration::from_secs(1),
            tag,
            latency,
        })
        .collect();
    let mut measured = run.series.iter().filter(|second| second.is_measured).map(|second| second.second);
    let seconds = match (measured.next(), measured.next_back()) {
        (Some(first), last) => format!("measured are the seconds that begin from {first} to {}", last.unwrap_or(first)),
        (None, _) => "no second was measured as a whole".to_owned(),
    };
    let comment = format!("corelane loadgen {} on {}; {seconds}", run.scenario.name, run.target);
    write_hlog(UNIX_EPOCH + Duration::from_secs(run.started_at), &comment, &entries)
}

fn row(text: &mut String, name: &str, p: &Percentiles) {
    let _ = writeln!(
        text,
        "{name:<22}{:>10} {:>9.3} {:>9.3} {:>9.3} {:>9.3} {:>9.3} {:>9.3}",
        p.count, p.p50, p.p90, p.p99, p.p99_9, p.p99_99, p.max
    );
}

/// What a run says, for the terminal.
pub fn table(run: &RunResult) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{} on {} ({})", run.scenario.name, run.target, run.server.software);
    let _ = writeln!(text, "durability  {}", run.durability);
    let _ = writeln!(text, "loop        {}", run.loop_label);
    if run.scenario.consume.echo {
        let _ = writeln!(text, "end to end  {}", run.end_to_end_label);
    }
    let rate = &run.throughput;
    let _ = writeln!(
        text,
        "acked       {:.0} records/s, {:.2} MB/s, {:.0} requests/s over {:.1} s",
        rate.acked_per_second, rate.acked_mb_per_second, rate.requests_per_second, rate.seconds
    );
    if run.scenario.consume.readers > 0 {
        let _ = writeln!(
            text,
            "consumed    {:.0} records/s, {:.2} MB/s by {} readers",
            rate.consumed_per_second, rate.consumed_mb_per_second, run.scenario.consume.readers
        );
    }
    if let (Some(cpu), Some(rss)) = (run.server.cpu_seconds, run.server.rss_mib_max) {
        let per = run.server.cpu_seconds_per_million_records.unwrap_or(0.0);
        let _ = writeln!(text, "server      {cpu:.2} CPU s, {per:.2} CPU s per million records, {rss:.0} MiB");
    }
    let _ = writeln!(
        text,
        "generator   lag p50 {:.3} p99 {:.3} p99.9 {:.3} ms; busiest thread {:.0} %{}",
        run.health.lag.p50,
        run.health.lag.p99,
        run.health.lag.p99_9,
        run.health.busy_share * 100.0,
        if run.generator.runs_first { "; runs before the broker" } else { "" }
    );
    match &run.latency {
        Some(latency) => {
            let _ = writeln!(
                text,
                "\n{:<22}{:>10} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
                "latency, ms", "count", "p50", "p90", "p99", "p99.9", "p99.99", "max"
            );
            let closed = run.loop_label.starts_with("CLOSED");
            row(&mut text, if closed { "ack, CLOSED LOOP" } else { "due to ack" }, &latency.due);
            row(&mut text, "service time", &latency.service);
            if let Some(end_to_end) = &latency.end_to_end {
                let is_echo = run.scenario.consume.echo;
                row(&mut text, if is_echo { "ROUND TRIP by echo" } else { "due to consumed" }, end_to_end);
            }
        }
        None => {
            text.push_str("\nNo latency is shown: the generator was the bottleneck, so it would not be the broker's.\n")
        }
    }
    for (reader, found) in run.verification.iter().enumerate() {
        let _ = writeln!(
            text,
            "reader {reader}    {} records: {} lost, {} doubled, {} out of order, {} corrupted",
            found.received, found.lost, found.duplicated, found.reordered, found.corrupted
        );
    }
    let service = &run.service;
    if service.outages > 0 {
        let _ = writeln!(
            text,
            "outages     {} of connections, {:.3} s without service, longest {:.3} s, {} records retried",
            service.outages, service.without_service_s, service.longest_s, service.records_retried
        );
    }
    for problem in &run.problems {
        let _ = writeln!(text, "PROBLEM     {problem}");
    }
    text
}
