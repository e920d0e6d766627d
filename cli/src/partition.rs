//! `corelane partition`: where partitions are in a broker, what they take of its cores' time, and moving them.

use std::error::Error;

use base::{CoreId, PartitionIndex};
use clap::{Args, Subcommand};
use client::{Client, MovedPartition};
use serde::Serialize;
use wire::native::PartitionLoad;

use crate::door::NATIVE_DEFAULT;
use crate::format::json_line;
use crate::native::{Failure, explain, run};
use crate::say;
use crate::table::table;

/// Show which core has which partition, and move partitions between the cores of a broker.
#[derive(Args)]
#[command(after_help = "\
Examples:
  corelane partition list
  corelane partition list clicks --json | jq 'select(.busy_us_per_s > 1000)'
  corelane partition move clicks 3 --to-core 1

The broker moves partitions by itself where its cores are unevenly busy; see balancer.enabled.")]
pub(crate) struct Partition {
    /// The broker's native address [default: 127.0.0.1:9292].
    #[arg(long, global = true, value_name = "HOST:PORT", help_heading = "Broker")]
    broker: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(List),
    Move(Move),
}

/// List partitions with their cores, what they took of them in the last interval, and the size of their logs.
#[derive(Args)]
struct List {
    /// Of this topic only.
    topic: Option<String>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Move a partition to another core. Producers and consumers see a pause of some milliseconds, and no error.
#[derive(Args)]
struct Move {
    topic: String,
    partition: u32,
    /// Where it goes.
    #[arg(long, value_name = "N")]
    to_core: u16,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// A partition as it is shown.
#[derive(Debug, Serialize)]
struct Listed {
    topic: String,
    partition: u32,
    core: u16,
    busy_us_per_s: u32,
    log_bytes: u64,
}

/// A partition that is on another core now.
#[derive(Debug, Serialize)]
struct Moved {
    topic: String,
    partition: u32,
    from_core: u16,
    to_core: u16,
    pause_us: u128,
}

impl Partition {
    pub(crate) fn run(self) -> Result<(), Box<dyn Error>> {
        let address = self.broker.unwrap_or_else(|| NATIVE_DEFAULT.to_owned());
        match self.command {
            Command::List(list) => list.run(&address),
            Command::Move(one) => one.run(&address),
        }
    }
}

impl List {
    fn run(self, address: &str) -> Result<(), Box<dyn Error>> {
        let (broker, topic) = (address.to_owned(), self.topic);
        let listed = run(address, move |client: Client| async move {
            let listed = client.admin().list_partitions(topic.as_deref()).await;
            let listed = listed.map_err(|error| explain(&broker, error))?;
            let shown = listed.into_iter().map(|(topic, load)| Listed::new(&topic, load));
            Ok(shown.collect::<Vec<Listed>>())
        })?;
        say(&if self.json { listed.iter().map(json_line).collect() } else { rows(&listed) })
    }
}

impl Move {
    fn run(self, address: &str) -> Result<(), Box<dyn Error>> {
        let Self { topic, partition, to_core, json } = self;
        let (broker, name) = (address.to_owned(), topic.clone());
        let moved = run(address, move |client: Client| async move {
            let moved = client.admin().move_partition(&name, PartitionIndex(partition), CoreId(to_core)).await;
            let moved = moved.map_err(|error| explain(&broker, error))?;
            moved.map_err(|refusal| {
                let why = refusal.message().map_or_else(|| refusal.to_string(), str::to_owned);
                Failure::from(format!("partition {partition} of topic {name:?} was not moved: {why}"))
            })
        })?;
        let MovedPartition { from, pause } = moved;
        let moved = Moved { topic, partition, from_core: from.0, to_core, pause_us: pause.as_micros() };
        say(&if json { json_line(&moved) } else { moved.text() })
    }
}

impl Moved {
    fn text(&self) -> String {
        let Self { topic, partition, to_core, pause_us, .. } = self;
        format!("partition {partition} of topic {topic} is on core {to_core} now; producers waited {pause_us} us\n")
    }
}

impl Listed {
    fn new(topic: &str, load: PartitionLoad) -> Self {
        let PartitionLoad { index, core, busy_us, log_bytes } = load;
        Self { topic: topic.to_owned(), partition: index.0, core: core.0, busy_us_per_s: busy_us, log_bytes }
    }
}

fn rows(listed: &[Listed]) -> String {
    let row = |one: &Listed| {
        let numbers = [u64::from(one.partition), one.core.into(), one.busy_us_per_s.into(), one.log_bytes];
        std::iter::once(one.topic.clone()).chain(numbers.map(|number| number.to_string())).collect()
    };
    let rows: Vec<Vec<String>> = listed.iter().map(row).collect();
    table(&["TOPIC", "PARTITION", "CORE", "US/S", "BYTES"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_shown_as_a_table_and_as_json() {
        let load = PartitionLoad { index: PartitionIndex(3), core: CoreId(1), busy_us: 250, log_bytes: 4096 };
        let listed = [Listed::new("clicks", load)];
        assert_eq!(rows(&listed), "TOPIC   PARTITION  CORE  US/S  BYTES\nclicks          3     1   250   4096\n");
        let line: serde_json::Value = serde_json::from_str(&json_line(&listed[0])).unwrap();
        assert_eq!((line["topic"].as_str(), line["busy_us_per_s"].as_u64()), (Some("clicks"), Some(250)));
    }
}
