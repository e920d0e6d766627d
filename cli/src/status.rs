//! `corelane status`: how each broker is doing, and where its requests spend their time.

use std::error::Error;
use std::time::Duration;

use clap::Args;
use client::{BrokerStatus, Client};
use serde::Serialize;
use wire::native::{CoreStatus, StageStatus};

use crate::door::NATIVE_DEFAULT;
use crate::format::{bytes_text, count_text, json_line};
use crate::native::{Failure, explain, run};
use crate::table::table;

/// Show how the brokers are doing: cores, connections, partitions, memory, what is to be looked after (storage that has
/// failed, a disk that hangs or is full, damage), and the time that produce requests spend in each stage.
#[derive(Args)]
#[command(after_help = "\
Stages, in order: parse (check the request), queue (wait for room), cross-core (to the owning core and back), append,
flush (until the records are safe), replicate, send. Direct are the appends and reads that came to the core that owns
the partition, crossed those that had to go on to another core. All of it is of this broker's life so far.

Examples:
  corelane status
  corelane status --json | jq '.cores[].stages[] | select(.stage == \"flush\").p99_us'")]
pub(crate) struct Status {
    /// The native address of a broker.
    #[arg(long, value_name = "HOST:PORT", default_value = NATIVE_DEFAULT, help_heading = "Broker")]
    broker: String,
    /// One JSON object a line, one for each broker.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Broker {
    broker: u32,
    software: String,
    version: String,
    cluster_id: String,
    uptime_ms: u64,
    cpu_ms: u64,
    resident_bytes: u64,
    connections: u32,
    partitions: u32,
    cores: Vec<Core>,
}

#[derive(Debug, Serialize)]
struct Core {
    core: u16,
    connections: u32,
    partitions: u32,
    direct: u64,
    crossed: u64,
    stages: Vec<Stage>,
    troubles: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Stage {
    stage: &'static str,
    count: u64,
    p50_us: u32,
    p90_us: u32,
    p99_us: u32,
    p999_us: u32,
    max_us: u32,
}

impl Status {
    pub(crate) fn run(self) -> Result<(), Box<dyn Error>> {
        let broker = self.broker.clone();
        let (shown, missing) = run(&self.broker, move |client: Client| async move {
            let statuses = client.admin().all_broker_statuses().await.map_err(|error| explain(&broker, error))?;
            let (mut shown, mut missing) = (Vec::new(), Vec::new());
            for (id, status) in statuses {
                match status {
                    Ok(status) => shown.push(Broker::from(&status)),
                    Err(error) => missing.push(format!("broker {id}: {}", explain(&broker, error))),
                }
            }
            Ok::<_, Failure>((shown, missing))
        })?;
        let texts: Vec<String> = shown.iter().map(|broker| broker.text(self.json)).collect();
        crate::say(&texts.join(if self.json { "" } else { "\n" }))?;
        if missing.is_empty() { Ok(()) } else { Err(missing.join("; "))? }
    }
}

impl From<&BrokerStatus> for Broker {
    fn from(of: &BrokerStatus) -> Self {
        let status = &of.status;
        Self {
            broker: of.broker.0,
            software: of.software.to_string(),
            version: of.version.to_string(),
            cluster_id: of.cluster_id.to_string(),
            uptime_ms: status.uptime_ms,
            cpu_ms: status.cpu_ms,
            resident_bytes: status.resident_bytes,
            connections: status.connections,
            partitions: status.partitions,
            cores: status.cores.iter().map(Core::from).collect(),
        }
    }
}

impl From<&CoreStatus> for Core {
    fn from(of: &CoreStatus) -> Self {
        let stages = of.stages.iter().map(Stage::from).collect();
        let CoreStatus { connections, partitions, direct, crossed, .. } = *of;
        let troubles = of.troubles.clone();
        Self { core: of.core.0, connections, partitions, direct, crossed, stages, troubles }
    }
}

impl From<&StageStatus> for Stage {
    fn from(of: &StageStatus) -> Self {
        let StageStatus { stage, count, p50_us, p90_us, p99_us, p999_us, max_us } = *of;
        Self { stage: stage.name(), count, p50_us, p90_us, p99_us, p999_us, max_us }
    }
}

impl Broker {
    fn text(&self, json: bool) -> String {
        if json {
            return json_line(self);
        }
        let up = Duration::from_secs(self.uptime_ms / 1_000);
        let mut text = format!(
            "broker {}: {} {}, cluster {}, up {}, {}.{} CPU s, {} of memory\n",
            self.broker,
            self.software,
            self.version,
            self.cluster_id,
            duration_text(up),
            count_text(self.cpu_ms / 1_000),
            self.cpu_ms % 1_000 / 100,
            bytes_text(self.resident_bytes),
        );
        let core = |core: &Core| {
            let numbers = [core.connections.into(), core.partitions.into(), core.direct, core.crossed];
            [core.core.to_string()].into_iter().chain(numbers.map(count_text)).collect()
        };
        let cores: Vec<_> = self.cores.iter().map(core).collect();
        text.push_str(&table(&["CORE", "CONNECTIONS", "PARTITIONS", "DIRECT", "CROSSED"], &cores));
        let trouble = |core: &Core| {
            let row = |trouble: &String| vec![core.core.to_string(), trouble.clone()];
            core.troubles.iter().map(row).collect::<Vec<_>>()
        };
        let troubles: Vec<_> = self.cores.iter().flat_map(trouble).collect();
        if !troubles.is_empty() {
            text.push_str("\nto look after\n");
            text.push_str(&table(&["CORE", "TROUBLE"], &troubles));
        }
        let stages: Vec<_> = self.cores.iter().flat_map(Core::stage_rows).collect();
        if !stages.is_empty() {
            text.push_str("\nproduce requests, microseconds\n");
            text.push_str(&table(&["CORE", "STAGE", "REQUESTS", "P50", "P90", "P99", "P99.9", "MAX"], &stages));
        }
        text
    }
}

impl Core {
    /// Of the stages that something has passed.
    fn stage_rows(&self) -> impl Iterator<Item = Vec<String>> {
        self.stages.iter().filter(|stage| stage.count > 0 && stage.max_us > 0).map(|stage| {
            let numbers = [stage.p50_us, stage.p90_us, stage.p99_us, stage.p999_us, stage.max_us];
            let front = [self.core.to_string(), stage.stage.to_owned(), count_text(stage.count)];
            front.into_iter().chain(numbers.map(|number| count_text(number.into()))).collect()
        })
    }
}

fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_in_the_two_largest_units() {
        let cases = [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (7_200, "2 h 0 min"), (200_000, "2 d 7 h")];
        for (seconds, text) in cases {
            assert_eq!(duration_text(Duration::from_secs(seconds)), text);
        }
    }
}
