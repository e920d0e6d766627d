//! `corelane group delete` and `delete-offsets`.

use clap::Args;
use serde::Serialize;

use super::scope::{Scope, parse_scope};
use super::{Answer, no_such_group};
use crate::confirm::Confirm;
use crate::format::{json_line, named, plural};
use crate::kafka::{Cluster, DeleteOutcome, TopicPartition};
use crate::say;

/// Delete groups with all that they have committed. They must have no members.
#[derive(Args)]
pub(super) struct Delete {
    /// Groups.
    #[arg(required = true)]
    groups: Vec<String>,
    /// Fine if a group is not there.
    #[arg(long)]
    if_exists: bool,
    #[command(flatten)]
    confirm: Confirm,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Forget where a group resumes in some partitions. None of its members may read the topic.
#[derive(Args)]
pub(super) struct DeleteOffsets {
    /// The group.
    group: String,
    /// A topic, or some of its partitions, such as clicks or clicks:0,3-5; may be given several times.
    #[arg(long, required = true, value_name = "NAME[:N,…]", value_parser = parse_scope)]
    topic: Vec<Scope>,
    #[command(flatten)]
    confirm: Confirm,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct DeletedGroup<'a> {
    group: &'a str,
    deleted: bool,
}

#[derive(Debug, Serialize)]
struct DeletedOffset<'a> {
    group: &'a str,
    topic: &'a str,
    partition: u32,
    /// What had been committed.
    offset: u64,
}

impl Delete {
    pub(super) fn run(self, cluster: &mut Cluster) -> Answer<()> {
        self.confirm.ask(&format!("delete {} with all offsets", named("group", &self.groups)))?;
        for group in &self.groups {
            let deleted = cluster.delete_group(group)? == DeleteOutcome::Deleted;
            if !deleted && !self.if_exists {
                let hint = "--if-exists passes over it";
                return Err(format!("{}, {hint}", no_such_group(cluster, group)).into());
            }
            say(&match (self.json, deleted) {
                (true, deleted) => json_line(&DeletedGroup { group, deleted }),
                (false, true) => format!("group {group} is deleted\n"),
                (false, false) => format!("there was no group {group}\n"),
            })?;
        }
        Ok(())
    }
}

impl DeleteOffsets {
    pub(super) fn run(self, cluster: &mut Cluster) -> Answer<()> {
        let group = &self.group;
        let committed = cluster.committed_offsets(group)?;
        let mut partitions: Vec<TopicPartition> = Vec::new();
        for scope in &self.topic {
            let of_topic = committed.keys().filter(|(topic, _)| *topic == scope.topic);
            let named: Vec<TopicPartition> = match &scope.partitions {
                None => of_topic.cloned().collect(),
                Some(some) => some.iter().map(|index| (scope.topic.clone(), *index)).collect(),
            };
            if let Some((topic, index)) = named.iter().find(|partition| !committed.contains_key(partition)) {
                return Err(format!("group {group:?} has no offset for partition {index} of topic {topic:?}").into());
            }
            if named.is_empty() {
                let topic = &scope.topic;
                let hint = format!("`corelane group describe {group} --offsets` shows what it has");
                return Err(format!("group {group:?} has no offsets for topic {topic:?}: {hint}").into());
            }
            partitions.extend(named);
        }
        partitions.sort_unstable();
        partitions.dedup();
        self.confirm.ask(&format!("delete {} of group {group}", plural(partitions.len(), "offset")))?;
        let refused = cluster.delete_offsets(group, &partitions)?;
        for partition in &partitions {
            if refused.iter().any(|refused| refused.partition == *partition) {
                continue;
            }
            let (topic, index) = partition;
            let offset = committed[partition].offset;
            say(&match self.json {
                true => json_line(&DeletedOffset { group, topic, partition: *index, offset }),
                false => format!("offset {offset} of partition {index} of topic {topic} is deleted\n"),
            })?;
        }
        match refused.first() {
            None => Ok(()),
            Some(first) => {
                let (topic, index) = &first.partition;
                let (count, of, error) = (refused.len(), partitions.len(), &first.error);
                let hint = "members that read a topic are to be stopped first";
                Err(format!(
                    "{count} of {of} offsets of group {group:?} are not deleted; partition {index} of topic {topic:?}: {error} ({hint})"
                ))?
            }
        }
    }
}
