//! A group as tables and as JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::super::lag::Position;
use crate::format::{count_text, cut, plural, printable, ranges_text};
use crate::kafka::{Assignment, GroupDescription, GroupMember};
use crate::table::table;

/// Characters of an assignment in a table that shows the offsets, too.
const ASSIGNMENT_WIDTH_MAX: usize = 40;
/// Characters of a commit's metadata in a table.
const METADATA_WIDTH_MAX: usize = 30;

#[derive(Debug, Serialize)]
pub(super) struct Described {
    group: String,
    #[serde(rename = "type")]
    kind: &'static str,
    protocol: String,
    state: String,
    coordinator: i32,
    assignor: String,
    epoch: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<Vec<Member>>,
    #[serde(flatten)]
    offsets: Option<Offsets>,
}

#[derive(Debug, Serialize)]
struct Member {
    member_id: String,
    instance_id: Option<String>,
    client_id: String,
    host: String,
    epoch: Option<i32>,
    assignment: Option<Assignment>,
}

#[derive(Debug, Serialize)]
struct Offsets {
    partitions: Vec<Partition>,
    /// Of all partitions where it is known.
    lag: u64,
    /// The longest of any partition.
    lag_seconds: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Partition {
    topic: String,
    partition: u32,
    committed_offset: Option<u64>,
    leader_epoch: Option<u32>,
    metadata: Option<String>,
    start_offset: Option<u64>,
    end_offset: Option<u64>,
    lag: Option<u64>,
    lag_seconds: Option<f64>,
    member_id: Option<String>,
    client_id: Option<String>,
}

impl Described {
    pub(super) fn new(group: &GroupDescription, positions: Option<&[Position]>, with_members: bool) -> Self {
        let mut owners: BTreeMap<(&str, u32), &GroupMember> = BTreeMap::new();
        for member in &group.members {
            for (topic, partitions) in member.assignment.iter().flatten() {
                owners.extend(partitions.iter().map(|index| ((topic.as_str(), *index), member)));
            }
        }
        let partition = |position: &Position| {
            let owner = owners.get(&(position.partition.0.as_str(), position.partition.1)).copied();
            Partition::new(position, owner)
        };
        let offsets = positions.map(|positions| Offsets {
            partitions: positions.iter().map(partition).collect(),
            lag: positions.iter().filter_map(|position| position.lag).fold(0, u64::saturating_add),
            lag_seconds: positions.iter().filter_map(|position| position.waiting).max().map(seconds),
        });
        Self {
            group: group.group.clone(),
            kind: group.kind,
            protocol: group.protocol_type.clone(),
            state: group.state.clone(),
            coordinator: group.coordinator,
            assignor: group.assignor.clone(),
            epoch: group.epoch,
            members: with_members.then(|| group.members.iter().map(Member::new).collect()),
            offsets,
        }
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!("group {}: {}, {} protocol", printable(&self.group), printable(&self.state), self.kind);
        if !["", "consumer"].contains(&self.protocol.as_str()) {
            text.push_str(&format!(" of type {}", printable(&self.protocol)));
        }
        if let Some(epoch) = self.epoch {
            text.push_str(&format!(", epoch {epoch}"));
        }
        if !self.assignor.is_empty() {
            text.push_str(&format!(", assignor {}", printable(&self.assignor)));
        }
        text.push_str(&format!(", coordinator {}\n", self.coordinator));
        if let Some(members) = &self.members {
            text.push_str(&members_text(members, self.offsets.is_some()));
        }
        if let Some(offsets) = &self.offsets {
            if self.members.as_ref().is_some_and(|members| !members.is_empty()) {
                text.push('\n');
            }
            text.push_str(&offsets.text());
        }
        text
    }
}

fn members_text(members: &[Member], is_cut: bool) -> String {
    if members.is_empty() {
        return "it has no members\n".to_owned();
    }
    let headings = ["CLIENT", "INSTANCE", "HOST", "EPOCH", "ASSIGNMENT", "MEMBER"];
    let rows: Vec<Vec<String>> = members.iter().map(|member| member.row(is_cut)).collect();
    without_empty_columns(&headings, rows, &["INSTANCE", "EPOCH"])
}

impl Offsets {
    fn text(&self) -> String {
        if self.partitions.is_empty() {
            return "it has committed no offsets\n".to_owned();
        }
        let headings = ["TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "SECONDS", "EPOCH", "CLIENT", "METADATA"];
        let rows: Vec<Vec<String>> = self.partitions.iter().map(Partition::row).collect();
        let mut text = without_empty_columns(&headings, rows, &["EPOCH", "CLIENT", "METADATA"]);
        let behind = self.partitions.iter().filter(|partition| partition.lag.is_some_and(|lag| lag > 0)).count();
        let total = self.partitions.len();
        text.push_str(&format!("lag: {} in {behind} of {}", count_text(self.lag), plural(total, "partition")));
        if let Some(seconds) = self.lag_seconds.filter(|_| behind > 0) {
            text.push_str(&format!(", the oldest for {} s", seconds_text(seconds)));
        }
        let without = self.partitions.iter().filter(|partition| partition.committed_offset.is_none()).count();
        if without > 0 {
            text.push_str(&format!("; nothing is committed for {}", plural(without, "partition")));
        }
        text.push('\n');
        text.extend(self.partitions.iter().filter_map(Partition::remark));
        text
    }
}

impl Member {
    fn new(member: &GroupMember) -> Self {
        Self {
            member_id: member.member_id.clone(),
            instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            host: member.host.clone(),
            epoch: member.epoch,
            assignment: member.assignment.clone(),
        }
    }

    fn row(&self, is_cut: bool) -> Vec<String> {
        let assignment = match &self.assignment {
            None => "?".to_owned(),
            Some(none) if none.is_empty() => "-".to_owned(),
            Some(some) => {
                let topics = some.iter().map(|(topic, partitions)| format!("{topic}:{}", ranges_text(partitions)));
                printable(&topics.collect::<Vec<_>>().join(" "))
            }
        };
        vec![
            printable(&self.client_id),
            self.instance_id.as_deref().map_or("-".to_owned(), printable),
            printable(&self.host),
            or_dash(self.epoch),
            if is_cut { cut(&assignment, ASSIGNMENT_WIDTH_MAX) } else { assignment },
            printable(&self.member_id),
        ]
    }
}

impl Partition {
    fn new(position: &Position, owner: Option<&GroupMember>) -> Self {
        let committed = position.committed.as_ref();
        Self {
            topic: position.partition.0.clone(),
            partition: position.partition.1,
            committed_offset: committed.map(|committed| committed.offset),
            leader_epoch: committed.and_then(|committed| committed.leader_epoch),
            metadata: committed.map(|committed| committed.metadata.clone()),
            start_offset: position.start,
            end_offset: position.end,
            lag: position.lag,
            lag_seconds: position.waiting.map(seconds),
            member_id: owner.map(|owner| owner.member_id.clone()),
            client_id: owner.map(|owner| owner.client_id.clone()),
        }
    }

    fn row(&self) -> Vec<String> {
        let metadata = self.metadata.as_deref().filter(|metadata| !metadata.is_empty());
        vec![
            printable(&self.topic),
            self.partition.to_string(),
            or_dash(self.committed_offset),
            or_dash(self.end_offset),
            or_dash(self.lag),
            self.lag_seconds.map_or("-".to_owned(), seconds_text),
            or_dash(self.leader_epoch),
            self.client_id.as_deref().map_or("-".to_owned(), printable),
            metadata.map_or("-".to_owned(), |metadata| cut(&printable(metadata), METADATA_WIDTH_MAX)),
        ]
    }

    /// Commits that do not lie in the log.
    fn remark(&self) -> Option<String> {
        let (committed, start, end) = (self.committed_offset?, self.start_offset, self.end_offset);
        let what = match (start, end) {
            (None, _) | (_, None) => return None,
            (Some(start), _) if committed < start => {
                format!("what was committed is deleted: the log begins at {start}")
            }
            (_, Some(end)) if committed > end => format!("what was committed lies behind the end of the log, {end}"),
            _ => return None,
        };
        Some(format!("partition {} of topic {}: {what}\n", self.partition, printable(&self.topic)))
    }
}

/// Leaves out those of the columns in which no row has anything.
fn without_empty_columns(headings: &[&str], mut rows: Vec<Vec<String>>, optional: &[&str]) -> String {
    let is_kept = |column: usize| !optional.contains(&headings[column]) || rows.iter().any(|row| row[column] != "-");
    let kept: Vec<usize> = (0..headings.len()).filter(|column| is_kept(*column)).collect();
    let headings: Vec<&str> = kept.iter().map(|column| headings[*column]).collect();
    for row in &mut rows {
        *row = kept.iter().map(|column| std::mem::take(&mut row[*column])).collect();
    }
    table(&headings, &rows)
}

fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

fn seconds(duration: Duration) -> f64 {
    // To the millisecond, as timestamps are.
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)).as_secs_f64()
}

fn seconds_text(seconds: f64) -> String {
    format!("{seconds:.1}")
}
