//! `corelane group describe`.

mod show;

use std::collections::BTreeSet;

use clap::Args;

use super::lag::{Position, positions};
use super::{Answer, no_such_group};
use crate::format::json_line;
use crate::kafka::{Cluster, GroupDescription};
use crate::say;
use show::Described;

/// Show a group's members, where it resumes in each partition, and how far behind it is.
///
/// The lag counts offsets from the committed one up to the end of the log. In seconds it is the age of the first record
/// that is not consumed: the batch at the committed offset is read for its timestamp, since brokers cannot be asked for
/// it. Where records have no timestamps, or nothing is committed, there is a dash.
#[derive(Args)]
pub(super) struct Describe {
    /// Groups.
    #[arg(required_unless_present = "all")]
    groups: Vec<String>,
    /// Every group that there is.
    #[arg(long, conflicts_with = "groups")]
    all: bool,
    /// The members only.
    #[arg(long, conflicts_with = "offsets")]
    members: bool,
    /// The offsets only.
    #[arg(long)]
    offsets: bool,
    /// One JSON object a line, one for each group.
    #[arg(long)]
    json: bool,
}

impl Describe {
    pub(super) fn run(self, cluster: &mut Cluster) -> Answer<()> {
        let groups = match self.all {
            true => cluster.groups()?.into_iter().map(|group| group.group).collect(),
            false => self.groups.clone(),
        };
        let mut descriptions = cluster.describe_groups(&groups)?;
        for (index, group) in groups.iter().enumerate() {
            let Some(description) = descriptions.remove(group) else {
                // It may have been listed and be gone since; or be of a kind that only newer tools can ask for.
                if self.all {
                    continue;
                }
                return Err(no_such_group(cluster, group).into());
            };
            if index > 0 && !self.json {
                say("\n")?;
            }
            let positions = if self.members { None } else { Some(positions_of(cluster, &description)?) };
            let members = !self.offsets;
            let described = Described::new(&description, positions.as_deref(), members);
            say(&if self.json { json_line(&described) } else { described.text() })?;
        }
        Ok(())
    }
}

fn positions_of(cluster: &mut Cluster, description: &GroupDescription) -> Answer<Vec<Position>> {
    let committed = cluster.committed_offsets(&description.group)?;
    let assignments = description.members.iter().filter_map(|member| member.assignment.as_ref()).flatten();
    let assigned = assignments.flat_map(|(topic, partitions)| partitions.iter().map(|index| (topic.clone(), *index)));
    let assigned: BTreeSet<_> = assigned.collect();
    Ok(positions(cluster, committed, assigned)?)
}
