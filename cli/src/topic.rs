//! `corelane topic`: make, list, describe, change, trim and delete topics.

mod grow;
mod kafka;
mod native;
mod settings;
mod show;
mod trim;

use std::error::Error;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::confirm::Confirm;
use crate::door::{BrokerArguments, Door};
use crate::format::{json_line, named};
use crate::kafka::Cluster;
use crate::say;
use show::{Description, Listed};

/// Make, list, describe, change, trim and delete topics.
#[derive(Args)]
#[command(after_help = "\
Examples:
  corelane topic create clicks --partitions 8 --config segment.bytes=67108864
  corelane topic list
  corelane topic describe clicks --json | jq '.partitions[].end_offset'
  corelane topic configs clicks --all
  corelane topic alter clicks --set retention.ms=3600000 --unset segment.bytes
  corelane topic add-partitions clicks 4
  corelane topic trim clicks --partition 3 --before 1000000
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
    Configs(settings::Configs),
    Alter(settings::Alter),
    AddPartitions(grow::AddPartitions),
    Trim(trim::Trim),
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
    /// One JSON object.
    #[arg(long)]
    json: bool,
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

/// Delete topics and all their records.
#[derive(Args)]
struct Delete {
    /// Topics.
    #[arg(required = true)]
    names: Vec<String>,
    /// Fine if a topic is not there.
    #[arg(long)]
    if_exists: bool,
    #[command(flatten)]
    confirm: Confirm,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Created<'a> {
    topic: &'a str,
    created: bool,
}

#[derive(Debug, Serialize)]
struct Deleted<'a> {
    topic: &'a str,
    deleted: bool,
}

/// What a door does for these commands.
trait Administrator {
    /// `false` if the topic was there already.
    fn create(&mut self, name: &str, partitions: Option<u32>, configs: &[(String, String)]) -> Answer<bool>;
    fn list(&mut self) -> Answer<Vec<Listed>>;
    fn describe(&mut self, name: &str) -> Answer<Description>;
    /// `false` if there is no such topic.
    fn delete(&mut self, name: &str) -> Answer<bool>;
}

type Answer<T> = Result<T, Box<dyn Error>>;

impl Topic {
    pub(crate) fn run(self) -> Result<(), Box<dyn Error>> {
        let address = self.broker.address();
        let door = self.broker.door;
        let administrator = || -> Answer<Box<dyn Administrator>> {
            Ok(match door {
                Door::Kafka => Box::new(kafka::Kafka::connect(&address)?),
                Door::Native => Box::new(native::Native::new(&address)),
            })
        };
        let cluster = || -> Answer<Cluster> {
            match door {
                Door::Kafka => Ok(Cluster::connect(&address)?),
                Door::Native => Err("the native door has no request for this yet: give --door kafka")?,
            }
        };
        match self.command {
            Command::Create(create) => create.run(&address, &mut *administrator()?),
            Command::List(list) => list.run(&mut *administrator()?),
            Command::Describe(describe) => describe.run(&mut *administrator()?),
            Command::Configs(configs) => configs.run(&mut cluster()?),
            Command::Alter(alter) => alter.run(&mut cluster()?),
            Command::AddPartitions(add) => add.run(&mut cluster()?),
            Command::Trim(trim) => trim.run(&mut cluster()?),
            Command::Delete(delete) => delete.run(&address, &mut *administrator()?),
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
        let created = administrator.create(name, self.partitions, &configs)?;
        match created {
            _ if self.json && (created || self.if_not_exists) => say(&json_line(&Created { topic: name, created })),
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

impl Delete {
    fn run(self, address: &str, administrator: &mut dyn Administrator) -> Answer<()> {
        self.confirm.ask(&format!("delete {} with all records", named("topic", &self.names)))?;
        for name in &self.names {
            let deleted = administrator.delete(name)?;
            match deleted {
                _ if self.json && (deleted || self.if_exists) => say(&json_line(&Deleted { topic: name, deleted }))?,
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
