//! Topics as tables and as JSON.

use serde::Serialize;

use crate::format::{count_text, json_line};
use crate::table::table;

/// A line of the list.
#[derive(Debug, Serialize)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) partitions: usize,
    pub(super) internal: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Description {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) internal: bool,
    pub(super) partitions: Vec<Partition>,
    /// Settings that are not defaults.
    pub(super) configs: std::collections::BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Partition {
    pub(super) partition: u32,
    pub(super) leader: Option<u32>,
    /// The core of the leader that owns the partition, where the door says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) core: Option<u16>,
    pub(super) leader_epoch: Option<u32>,
    pub(super) replicas: Vec<u32>,
    pub(super) isr: Vec<u32>,
    pub(super) start_offset: Option<u64>,
    pub(super) end_offset: Option<u64>,
}

pub(super) fn list(topics: &[Listed], json: bool) -> String {
    if json {
        return topics.iter().map(json_line).collect();
    }
    if topics.is_empty() {
        return "there are no topics; `corelane topic create NAME` makes one\n".to_owned();
    }
    let row = |topic: &Listed| vec![topic.name.clone(), topic.partitions.to_string(), topic.id.clone()];
    table(&["TOPIC", "PARTITIONS", "ID"], &topics.iter().map(row).collect::<Vec<_>>())
}

pub(super) fn description(topic: &Description, json: bool) -> String {
    if json {
        return json_line(topic);
    }
    let held = |partition: &Partition| Some(partition.end_offset? - partition.start_offset?);
    let records: u64 = topic.partitions.iter().filter_map(held).sum();
    let count = topic.partitions.len();
    let internal = if topic.internal { ", internal" } else { "" };
    let s = if count == 1 { "" } else { "s" };
    let mut text = format!(
        "topic {}: {count} partition{s}, {} offsets, id {}{internal}\n",
        topic.name,
        count_text(records),
        topic.id
    );
    match topic.configs.is_empty() {
        true => text.push_str("settings: all defaults\n"),
        false => {
            let settings: Vec<String> = topic.configs.iter().map(|(name, value)| format!("{name}={value}")).collect();
            text.push_str(&format!("settings: {}\n", settings.join(" ")));
        }
    }
    let with_core = topic.partitions.iter().any(|partition| partition.core.is_some());
    let mut headings = vec!["PARTITION", "LEADER", "CORE", "EPOCH", "START", "END", "REPLICAS", "IN SYNC"];
    let mut rows: Vec<Vec<String>> = topic.partitions.iter().map(row).collect();
    if !with_core {
        headings.remove(2);
        rows.iter_mut().for_each(|row| drop(row.remove(2)));
    }
    text.push_str(&table(&headings, &rows));
    text
}

fn row(partition: &Partition) -> Vec<String> {
    fn or_dash<T: ToString>(value: Option<T>) -> String {
        value.map_or_else(|| "-".to_owned(), |value| value.to_string())
    }
    let list = |ids: &[u32]| ids.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    vec![
        partition.partition.to_string(),
        or_dash(partition.leader),
        or_dash(partition.core),
        or_dash(partition.leader_epoch),
        or_dash(partition.start_offset),
        or_dash(partition.end_offset),
        list(&partition.replicas),
        list(&partition.isr),
    ]
}
