//! `corelane topic`: make, list, describe, trim and delete topics.

mod kafka;
mod native;
mod show;

use std::error::Error;

use clap::{ArgGroup, Args, Subcommand};

use crate::door::{BrokerArguments, Door};
use crate::say;
use show::{Description, Listed, Trimmed};

/// Make, list, describe, trim and delete topics.
#[derive(Args)]
#[command(after_help = "\
Examples:
  corelane topic create clicks --partitions 8 --config segment.bytes=67108864
  corelane topic list
  corelane topic describe clicks --json | jq '.partitions[].end_offset'
  corelane topic trim clicks --partition 3 --offset 1000000
  corelane topic delete clicks --if-exists --broker 10.0.0.5:9092")]
pub(crate) struct Topic {
    #[command(flatten)]
    broker: BrokerArguments,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Create(Create),
    List(List),
    Describe(Describe),
    Trim(Trim),
    Delete(Delete),
}

/// Make a topic.
#[derive(Args)]
struct Create {
    /// Letters, digits, dots, dashes and underscores.
    name: String,
    /// Partitions; the broker's topics.partitions if it is not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    partitions: Option<u32>,
    /// A setting of the topic by Kafka's name, such as segment.bytes=67108864; may be given several times.
    #[arg(long, value_name = "NAME=VALUE")]
    config: Vec<String>,
    /// Fine if the topic is there, however it was made.
    #[arg(long)]
    if_not_exists: bool,
}

/// List the topics.
#[derive(Args)]
struct List {
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Show partitions, leaders, offsets, and the settings that are not defaults.
#[derive(Args)]
struct Describe {
    /// Topics.
    #[arg(required = true)]
    names: Vec<String>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Delete records: those before an offset of a partition, or all.
///
/// Their space returns once the segments that hold nothing else are removed.
#[derive(Args)]
#[command(group = ArgGroup::new("to").required(true))]
struct Trim {
    name: String,
    /// The partition; every partition if it is not given.
    #[arg(long, value_name = "N")]
    partition: Option<u32>,
    /// The first offset that is kept.
    #[arg(long, value_name = "K", group = "to", requires = "partition", value_parser = clap::value_parser!(u64).range(..1 << 63))]
    offset: Option<u64>,
    /// Every record that can be read now.
    #[arg(long, group = "to")]
    all: bool,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Delete topics and all their records.
#[derive(Args)]
struct Delete {
    /// Topics.
    #[arg(required = true)]
    names: Vec<String>,
    /// Fine if a topic is not there.
    #[arg(long)]
    if_exists: bool,
}

/// What a door does for these commands.
trait Administrator {
    /// `false` if the topic was there already.
    fn create(&mut self, name: &str, partitions: Option<u32>, configs: &[(String, String)]) -> Answer<bool>;
    fn list(&mut self) -> Answer<Vec<Listed>>;
    fn describe(&mut self, name: &str) -> Answer<Description>;
    /// Deletes the records before an offset, or all, of one partition or of all; gives each one's new start.
    fn trim(&mut self, name: &str, partition: Option<u32>, offset: Option<u64>) -> Answer<Vec<Trimmed>>;
    /// `false` if there is no such topic.
    fn delete(&mut self, name: &str) -> Answer<bool>;
}

type Answer<T> = Result<T, Box<dyn Error>>;

impl Topic {
    pub(crate) fn run(self) -> Result<(), Box<dyn Error>> {
        let address = self.broker.address();
        let mut administrator: Box<dyn Administrator> = match self.broker.door {
            Door::Kafka => Box::new(kafka::Kafka::connect(&address)?),
            Door::Native => Box::new(native::Native::new(&address)),
        };
        match self.command {
            Command::Create(create) => create.run(&address, &mut *administrator),
            Command::List(list) => list.run(&mut *administrator),
            Command::Describe(describe) => describe.run(&mut *administrator),
            Command::Trim(trim) => trim.run(&mut *administrator),
            Command::Delete(delete) => delete.run(&address, &mut *administrator),
        }
    }
}

impl Create {
    fn run(self, address: &str, administrator: &mut dyn Administrator) -> Answer<()> {
        let pair = |pair: &String| match pair.split_once('=') {
            Some((name, value)) => Ok((name.trim().to_owned(), value.to_owned())),
            None => Err(format!("--config {pair}: write NAME=VALUE")),
        };
        let configs = self.config.iter().map(pair).collect::<Result<Vec<_>, _>>()?;
        let name = &self.name;
        match administrator.create(name, self.partitions, &configs)? {
            true => say(&format!("topic {name} is made\n")),
            false if self.if_not_exists => say(&format!("topic {name} was there already\n")),
            false => Err(format!(
                "broker {address} has a topic {name:?} already: choose another name, delete it first, or give --if-not-exists"
            ))?,
        }
    }
}

impl List {
    fn run(self, administrator: &mut dyn Administrator) -> Answer<()> {
        say(&show::list(&administrator.list()?, self.json))
    }
}

impl Describe {
    fn run(self, administrator: &mut dyn Administrator) -> Answer<()> {
        for (index, name) in self.names.iter().enumerate() {
            if index > 0 && !self.json {
                say("\n")?;
            }
            let description = administrator.describe(name)?;
            say(&show::description(&description, self.json))?;
        }
        Ok(())
    }
}

impl Trim {
    fn run(self, administrator: &mut dyn Administrator) -> Answer<()> {
        let trimmed = administrator.trim(&self.name, self.partition, self.offset)?;
        say(&show::trimmed(&self.name, &trimmed, self.json))
    }
}

impl Delete {
    fn run(self, address: &str, administrator: &mut dyn Administrator) -> Answer<()> {
        for name in &self.names {
            match administrator.delete(name)? {
                true => say(&format!("topic {name} is deleted\n"))?,
                false if self.if_exists => say(&format!("there was no topic {name}\n"))?,
                false => Err(format!(
                    "broker {address} has no topic {name:?}: `corelane topic list` shows what there is, --if-exists passes over it"
                ))?,
            }
        }
        Ok(())
    }
}
