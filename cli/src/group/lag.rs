//! How far behind a group is, in records and in time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::kafka::{Cluster, Committed, KafkaError, OffsetQuery, TopicPartition, Unread, leader_of};

/// A partition that a group reads, or has read.
#[derive(Clone, Debug)]
pub(super) struct Position {
    pub(super) partition: TopicPartition,
    pub(super) committed: Option<Committed>,
    pub(super) start: Option<u64>,
    pub(super) end: Option<u64>,
    /// Offsets from the committed one up to the end; `None` if one of the two is unknown, or the end comes first.
    pub(super) lag: Option<u64>,
    /// Since when the first of these records is there; zero if there are none.
    pub(super) waiting: Option<Duration>,
}

/// The positions in what is committed and in other partitions, ordered by topic and partition.
pub(super) fn positions(
    cluster: &mut Cluster,
    mut committed: BTreeMap<TopicPartition, Committed>,
    others: BTreeSet<TopicPartition>,
) -> Result<Vec<Position>, KafkaError> {
    let partitions: BTreeSet<TopicPartition> = committed.keys().cloned().chain(others).collect();
    let mut names: Vec<&str> = partitions.iter().map(|(topic, _)| topic.as_str()).collect();
    names.dedup();
    let topics = cluster.topics_among(&names)?;
    // Only leaders know offsets.
    let mut led = Vec::new();
    for partition in &partitions {
        let leader = topics.get(&partition.0).and_then(|topic| leader_of(topic, partition.1).ok());
        led.extend(leader.map(|leader| (partition.clone(), leader)));
    }
    let ask = |cluster: &mut Cluster, query| {
        let queries: Vec<_> = led.iter().map(|(partition, leader)| (partition.clone(), *leader, query)).collect();
        let found = cluster.offsets_across(&queries)?;
        let offsets =
            led.iter().zip(found).filter_map(|((partition, _), found)| Some((partition.clone(), found.ok()??)));
        Ok::<BTreeMap<TopicPartition, u64>, KafkaError>(offsets.collect())
    };
    let starts = ask(cluster, OffsetQuery::Earliest)?;
    let ends = ask(cluster, OffsetQuery::Latest)?;
    let mut unread = Vec::new();
    for (partition, leader) in &led {
        if let (Some(committed), Some(start), Some(end)) =
            (committed.get(partition), starts.get(partition), ends.get(partition))
            && committed.offset < *end
        {
            let from = committed.offset.max(*start);
            unread.push((partition.clone(), *leader, Unread { from, end: *end }));
        }
    }
    let since = cluster.waiting_since(&unread)?;
    let since: BTreeMap<TopicPartition, Option<u64>> =
        unread.into_iter().map(|(partition, ..)| partition).zip(since).collect();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let position = |partition: TopicPartition| {
        let (committed, end) = (committed.remove(&partition), ends.get(&partition).copied());
        let lag = committed.as_ref().zip(end).and_then(|(committed, end)| end.checked_sub(committed.offset));
        let age = |millis: &u64| now.saturating_sub(Duration::from_millis(*millis));
        let waiting = match lag {
            Some(0) => Some(Duration::ZERO),
            _ => since.get(&partition).and_then(Option::as_ref).map(age),
        };
        Position { committed, start: starts.get(&partition).copied(), end, lag, waiting, partition }
    };
    Ok(partitions.into_iter().map(position).collect())
}
