//! What groups have committed: fetched, set and forgotten.

use std::collections::BTreeMap;

use wire::ErrorCode;
use wire::kafka::ApiKey;
use wire::kafka::offset_commit::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use wire::kafka::offset_delete::{OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use wire::kafka::offset_fetch::{OffsetFetchRequest, OffsetFetchRequestGroup};

use super::cluster::{Cluster, TopicPartition};
use super::error::KafkaError;

/// From this version on a request names several groups.
const FETCH_BY_GROUPS: i16 = 8;
/// Partitions in one request.
const COMMITTED_AT_ONCE: usize = 5_000;

/// Where a group resumes in one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Committed {
    pub(crate) offset: u64,
    pub(crate) leader_epoch: Option<u32>,
    pub(crate) metadata: String,
}

/// A partition for which a coordinator has not done what was asked.
#[derive(Clone, Debug)]
pub(crate) struct RefusedPartition {
    pub(crate) partition: TopicPartition,
    pub(crate) error: String,
}

impl Cluster {
    /// All that a group has committed. Nothing for a group that is not there.
    pub(crate) fn committed_offsets(&mut self, group: &str) -> Result<BTreeMap<TopicPartition, Committed>, KafkaError> {
        self.ask_coordinator(group, |cluster, leader| {
            let connection = cluster.leader(leader)?;
            let broker = connection.broker().to_owned();
            let refused = |partition: Option<(&str, i32)>, code| match partition {
                None => KafkaError::Group {
                    broker: broker.clone(),
                    api: ApiKey::OffsetFetch,
                    group: Some(group.to_owned()),
                    code,
                    message: None,
                },
                Some((topic, partition)) => KafkaError::Refused {
                    broker: broker.clone(),
                    api: ApiKey::OffsetFetch,
                    topic: Some(topic.to_owned()),
                    partition: Some(partition),
                    code,
                    message: None,
                },
            };
            let mut request = OffsetFetchRequest::default();
            match connection.version_of(ApiKey::OffsetFetch)? >= FETCH_BY_GROUPS {
                true => request.groups.push(OffsetFetchRequestGroup {
                    group_id: group.to_owned(),
                    topics: None,
                    ..OffsetFetchRequestGroup::default()
                }),
                false => (request.group_id, request.topics) = (group.to_owned(), None),
            }
            let response = connection.ask(&request)?;
            let mut found = BTreeMap::new();
            let mut take = |topic: &str, index: i32, offset: i64, epoch: i32, metadata: Option<String>, code: i16| {
                if code != 0 {
                    return Err(refused(Some((topic, index)), code));
                }
                if let (Ok(index), Ok(offset)) = (u32::try_from(index), u64::try_from(offset)) {
                    let (leader_epoch, metadata) = (u32::try_from(epoch).ok(), metadata.unwrap_or_default());
                    found.insert((topic.to_owned(), index), Committed { offset, leader_epoch, metadata });
                }
                Ok(())
            };
            if response.error_code != 0 {
                return Err(refused(None, response.error_code));
            }
            for topic in response.topics {
                for one in topic.partitions {
                    let (offset, epoch) = (one.committed_offset, one.committed_leader_epoch);
                    take(&topic.name, one.partition_index, offset, epoch, one.metadata, one.error_code)?;
                }
            }
            for answered in response.groups {
                if answered.error_code != 0 {
                    return Err(refused(None, answered.error_code));
                }
                for topic in answered.topics {
                    for one in topic.partitions {
                        let (offset, epoch) = (one.committed_offset, one.committed_leader_epoch);
                        take(&topic.name, one.partition_index, offset, epoch, one.metadata, one.error_code)?;
                    }
                }
            }
            Ok(found)
        })
    }

    /// Sets where a group without members resumes. What is given back was refused; the rest is done.
    pub(crate) fn commit_offsets(
        &mut self,
        group: &str,
        offsets: &[(TopicPartition, u64)],
    ) -> Result<Vec<RefusedPartition>, KafkaError> {
        let mut refused = Vec::new();
        for some in offsets.chunks(COMMITTED_AT_ONCE) {
            let mut by_topic: BTreeMap<&str, Vec<OffsetCommitRequestPartition>> = BTreeMap::new();
            for ((topic, index), offset) in some {
                by_topic.entry(topic).or_default().push(OffsetCommitRequestPartition {
                    partition_index: index.cast_signed(),
                    committed_offset: offset.cast_signed(),
                    committed_leader_epoch: -1,
                    committed_metadata: Some(String::new()),
                });
            }
            let topic = |(name, partitions): (&str, Vec<_>)| OffsetCommitRequestTopic {
                name: name.to_owned(),
                partitions,
                ..OffsetCommitRequestTopic::default()
            };
            let request = OffsetCommitRequest {
                group_id: group.to_owned(),
                topics: by_topic.into_iter().map(topic).collect(),
                ..OffsetCommitRequest::default()
            };
            let response = self.ask_coordinator(group, |cluster, leader| {
                let connection = cluster.leader(leader)?;
                let response = connection.ask(&request)?;
                let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
                let codes: Vec<i16> = partitions.map(|partition| partition.error_code).collect();
                // What concerns the group is said of each of its partitions.
                match codes.first().copied() {
                    Some(code) if code != 0 && codes.iter().all(|other| *other == code) => {
                        let (broker, group) = (connection.broker().to_owned(), Some(group.to_owned()));
                        Err(KafkaError::Group { broker, api: ApiKey::OffsetCommit, group, code, message: None })
                    }
                    _ => Ok(response),
                }
            })?;
            for topic in response.topics {
                let wrong = topic.partitions.iter().filter(|partition| partition.error_code != 0);
                refused.extend(wrong.map(|wrong| refusal(&topic.name, wrong.partition_index, wrong.error_code)));
            }
        }
        Ok(refused)
    }

    /// Forgets where a group resumes in some partitions. What is given back was refused; the rest is done.
    pub(crate) fn delete_offsets(
        &mut self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<Vec<RefusedPartition>, KafkaError> {
        let mut by_topic: BTreeMap<&str, Vec<OffsetDeleteRequestPartition>> = BTreeMap::new();
        for (topic, index) in partitions {
            let partition = OffsetDeleteRequestPartition { partition_index: index.cast_signed() };
            by_topic.entry(topic).or_default().push(partition);
        }
        let topic = |(name, partitions): (&str, Vec<_>)| OffsetDeleteRequestTopic { name: name.to_owned(), partitions };
        let topics = by_topic.into_iter().map(topic).collect();
        let request = OffsetDeleteRequest { group_id: group.to_owned(), topics };
        let response = self.ask_coordinator(group, |cluster, leader| {
            let connection = cluster.leader(leader)?;
            let response = connection.ask(&request)?;
            match response.error_code {
                0 => Ok(response),
                code => {
                    let (broker, group) = (connection.broker().to_owned(), Some(group.to_owned()));
                    Err(KafkaError::Group { broker, api: ApiKey::OffsetDelete, group, code, message: None })
                }
            }
        })?;
        let mut refused = Vec::new();
        for topic in response.topics {
            let wrong = topic.partitions.iter().filter(|partition| partition.error_code != 0);
            refused.extend(wrong.map(|wrong| refusal(&topic.name, wrong.partition_index, wrong.error_code)));
        }
        Ok(refused)
    }
}

fn refusal(topic: &str, index: i32, code: i16) -> RefusedPartition {
    let error = match ErrorCode::from_code(code) {
        Some(known) => format!("{known}: {}", known.message()),
        None => format!("error {code}"),
    };
    RefusedPartition { partition: (topic.to_owned(), index.cast_unsigned()), error }
}
