//! `corelane group list`.

use clap::Args;
use serde::Serialize;

use super::Answer;
use crate::format::{json_line, printable};
use crate::kafka::{Cluster, GroupDescription, ListedGroup};
use crate::say;
use crate::table::table;

/// List the groups with their states and how many members each has.
#[derive(Args)]
pub(super) struct List {
    /// Only groups in this state, such as Stable, Empty or PreparingRebalance; several with commas.
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    state: Vec<String>,
    /// Only groups of this type: classic or consumer; several with commas.
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',')]
    kind: Vec<String>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Listed {
    group: String,
    /// `None` if the broker does not say it.
    #[serde(rename = "type")]
    kind: Option<String>,
    protocol: String,
    state: Option<String>,
    members: Option<usize>,
}

impl List {
    pub(super) fn run(self, cluster: &mut Cluster) -> Answer<()> {
        let groups = cluster.groups()?;
        let names: Vec<String> = groups.iter().map(|group| group.group.clone()).collect();
        let mut descriptions = cluster.describe_groups(&names)?;
        let listed = groups.into_iter().map(|group| {
            let description = descriptions.remove(&group.group);
            Listed::new(group, description.as_ref())
        });
        let is_asked = |asked: &[String], is: Option<&str>| {
            asked.is_empty() || is.is_some_and(|is| asked.iter().any(|one| one.trim().eq_ignore_ascii_case(is)))
        };
        let listed: Vec<Listed> = listed
            .filter(|one| is_asked(&self.state, one.state.as_deref()) && is_asked(&self.kind, one.kind.as_deref()))
            .collect();
        say(&self.text(&listed))
    }

    fn text(&self, listed: &[Listed]) -> String {
        if self.json {
            return listed.iter().map(json_line).collect();
        }
        match (listed.is_empty(), self.state.is_empty() && self.kind.is_empty()) {
            (true, true) => "there are no groups\n".to_owned(),
            (true, false) => "there are no such groups\n".to_owned(),
            (false, _) => {
                let rows: Vec<Vec<String>> = listed.iter().map(Listed::row).collect();
                table(&["GROUP", "TYPE", "PROTOCOL", "STATE", "MEMBERS"], &rows)
            }
        }
    }
}

impl Listed {
    fn new(group: ListedGroup, description: Option<&GroupDescription>) -> Self {
        Self {
            group: group.group,
            kind: group.kind.or_else(|| description.map(|description| description.kind.to_owned())),
            protocol: group.protocol_type,
            state: group.state.or_else(|| description.map(|description| description.state.clone())),
            members: description.map(|description| description.members.len()),
        }
    }

    fn row(&self) -> Vec<String> {
        let or_dash = |text: Option<&str>| text.filter(|text| !text.is_empty()).map_or("-".to_owned(), printable);
        vec![
            printable(&self.group),
            or_dash(self.kind.as_deref()),
            or_dash(Some(&self.protocol)),
            or_dash(self.state.as_deref()),
            or_dash(self.members.map(|members| members.to_string()).as_deref()),
        ]
    }
}
