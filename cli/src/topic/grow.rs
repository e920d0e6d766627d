//! `corelane topic add-partitions`.

use clap::{ArgGroup, Args};
use serde::Serialize;

use super::Answer;
use crate::format::{json_line, plural};
use crate::kafka::{Cluster, Execution};
use crate::say;

/// Give a topic more partitions. They begin empty, and none can be taken away.
///
/// Records that are there stay where they are; new ones of a key may go to another partition than before.
#[derive(Args)]
#[command(group = ArgGroup::new("many").required(true))]
#[command(after_help = "\
Examples:
  corelane topic add-partitions clicks 4
  corelane topic add-partitions clicks --total 12 --dry-run")]
pub(super) struct AddPartitions {
    /// The topic.
    name: String,
    /// How many more.
    #[arg(group = "many", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: Option<u32>,
    /// How many there shall be.
    #[arg(long, value_name = "N", group = "many", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    total: Option<u32>,
    /// Only ask the broker whether it would do it.
    #[arg(long)]
    dry_run: bool,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Grown {
    topic: String,
    old_partitions: usize,
    partitions: u32,
    executed: bool,
}

impl AddPartitions {
    pub(super) fn run(self, cluster: &mut Cluster) -> Answer<()> {
        let old_partitions = cluster.topic(&self.name)?.partitions.len();
        let old = u32::try_from(old_partitions).expect("a broker counts partitions in 31 bits");
        let partitions = self.total.unwrap_or_else(|| old.saturating_add(self.count.unwrap_or_default()));
        let execution = if self.dry_run { Execution::ValidateOnly } else { Execution::Do };
        cluster.grow_topic(&self.name, partitions, execution)?;
        let executed = !self.dry_run;
        let grown = Grown { topic: self.name, old_partitions, partitions, executed };
        say(&if self.json { json_line(&grown) } else { grown.text() })?;
        if !executed {
            eprintln!("corelane: nothing is changed yet: the broker would do it without --dry-run");
        }
        Ok(())
    }
}

impl Grown {
    fn text(&self) -> String {
        let Self { topic, old_partitions, partitions, executed } = self;
        let partitions = plural(usize::try_from(*partitions).expect("32 bits fit"), "partition");
        match executed {
            true => format!("topic {topic} has {partitions} now, after {old_partitions}\n"),
            false => format!("topic {topic} would have {partitions}, after {old_partitions}\n"),
        }
    }
}
