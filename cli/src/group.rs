//! `corelane group`: consumer groups, what they have committed, how far behind they are, and where they resume.

mod delete;
mod describe;
mod duration;
mod lag;
mod list;
mod offsets_file;
mod reset;
mod scope;
mod target;

use std::error::Error;

use clap::{Args, Subcommand};

use crate::door::KafkaArguments;
use crate::kafka::Cluster;

/// List, describe and delete consumer groups, and set where they resume.
#[derive(Args)]
#[command(after_help = "\
Examples:
  corelane group list --state Stable
  corelane group describe readers
  corelane group describe readers --json | jq .lag
  corelane group reset-offsets readers --topic clicks --to-datetime 2024-05-01T12:00:00Z
  corelane group reset-offsets readers --all-topics --to-earliest --execute
  corelane group delete-offsets readers --topic clicks
  corelane group delete readers --if-exists

They also work with Apache Kafka.")]
pub(crate) struct Group {
    #[command(flatten)]
    broker: KafkaArguments,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(list::List),
    Describe(describe::Describe),
    ResetOffsets(reset::ResetOffsets),
    DeleteOffsets(delete::DeleteOffsets),
    Delete(delete::Delete),
}

type Answer<T> = Result<T, Box<dyn Error>>;

impl Group {
    pub(crate) fn run(self) -> Answer<()> {
        let address = self.broker.address();
        let mut cluster = Cluster::connect(&address)?;
        match self.command {
            Command::List(list) => list.run(&mut cluster),
            Command::Describe(describe) => describe.run(&mut cluster),
            Command::ResetOffsets(reset) => reset.run(&mut cluster),
            Command::DeleteOffsets(delete) => delete.run(&mut cluster),
            Command::Delete(delete) => delete.run(&mut cluster),
        }
    }
}

fn no_such_group(cluster: &Cluster, group: &str) -> String {
    let broker = cluster.bootstrap();
    format!("broker {broker} has no group {group:?}: `corelane group list` shows the groups that there are")
}
