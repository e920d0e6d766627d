//! OffsetFetch.

use base::{LeaderEpoch, PartitionIndex, TopicId};
use cluster::groups::{CommittedOffset, Epoch, GroupId, MemberId};
use cluster::metadata::TopicName;
use wire::ErrorCode;
use wire::kafka::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics, OffsetFetchResponse,
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions, OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
};

use super::{Asker, partition_index, too_many_groups};
use crate::groups::{Ask, FetchOffsets, Told};
use crate::kafka::connection::Answer;
use crate::kafka::dispatch::later;
use crate::kafka::{Answered, wire_index};
use crate::limits;
use crate::refusal::Refusal;

/// An error of the group has a place of its own from here on.
const FIRST_WITH_GROUP_ERROR: i16 = 2;
/// Several groups with one request from here on.
const FIRST_WITH_GROUPS: i16 = 8;
/// Topics are named by id from here on.
const FIRST_WITH_IDS: i16 = 10;
const NOTHING: i64 = -1;

pub(in crate::kafka) fn fetch_offsets(asker: Asker, request: OffsetFetchRequest) -> Answer {
    later(async move {
        if asker.id.version >= FIRST_WITH_GROUPS {
            fetch_of_groups(&asker, request.groups).await
        } else {
            fetch_of_one(&asker, request).await
        }
    })
}

async fn fetch_of_groups(asker: &Asker, wanted: Vec<OffsetFetchRequestGroup>) -> Answered {
    let too_many = wanted.len() > limits::GROUPS_PER_REQUEST_MAX;
    let mut groups = Vec::with_capacity(wanted.len());
    for group in wanted {
        let result = match too_many {
            true => Err(too_many_groups()),
            false => topics_of(asker, &group).await,
        };
        let error_code = crate::kafka::code_of(&result);
        let topics = result.unwrap_or_default();
        groups.push(OffsetFetchResponseGroup { group_id: group.group_id, topics, error_code });
    }
    asker.id.answer(&OffsetFetchResponse { groups, ..OffsetFetchResponse::default() })
}

/// The one group of older versions, as the newer ones have it.
async fn fetch_of_one(asker: &Asker, request: OffsetFetchRequest) -> Answered {
    let topics = request.topics.map(|topics| {
        let topics = topics.into_iter().map(|topic| OffsetFetchRequestTopics {
            name: topic.name,
            partition_indexes: topic.partition_indexes,
            ..OffsetFetchRequestTopics::default()
        });
        topics.collect::<Vec<_>>()
    });
    let group = OffsetFetchRequestGroup {
        group_id: request.group_id,
        member_id: None,
        member_epoch: Epoch::NONE.0,
        topics: topics.clone(),
    };
    let (topics, error_code) = match topics_of(asker, &group).await {
        Ok(topics) => (topics, ErrorCode::None),
        // There is no other place for it.
        Err(refusal) if asker.id.version < FIRST_WITH_GROUP_ERROR => {
            let failed = topics.unwrap_or_default().into_iter().map(|topic| failed_topic(topic, refusal.code));
            (failed.collect(), ErrorCode::None)
        }
        Err(refusal) => (Vec::new(), refusal.code),
    };
    let topics = topics.into_iter().map(|topic| OffsetFetchResponseTopic {
        name: topic.name,
        partitions: topic
            .partitions
            .into_iter()
            .map(|partition| OffsetFetchResponsePartition {
                partition_index: partition.partition_index,
                committed_offset: partition.committed_offset,
                committed_leader_epoch: partition.committed_leader_epoch,
                metadata: partition.metadata,
                error_code: partition.error_code,
            })
            .collect(),
    });
    let (topics, error_code) = (topics.collect(), error_code.code());
    asker.id.answer(&OffsetFetchResponse { topics, error_code, ..OffsetFetchResponse::default() })
}

async fn topics_of(asker: &Asker, group: &OffsetFetchRequestGroup) -> Result<Vec<OffsetFetchResponseTopics>, Refusal> {
    let member = group.member_id.as_deref().map(MemberId::new);
    let fetch = |wanted| FetchOffsets {
        group: GroupId::new(&group.group_id),
        member: member.map(|member| (member, Epoch(group.member_epoch))),
        wanted,
    };
    let Some(topics) = &group.topics else {
        return Ok(all_topics(asker, ask(asker, fetch(None)).await?));
    };
    let mut wanted = Vec::new();
    let places: Vec<Option<TopicName>> = topics.iter().map(|topic| named(asker, topic)).collect();
    for (topic, name) in topics.iter().zip(&places) {
        let Some(name) = name else { continue };
        wanted
            .extend(topic.partition_indexes.iter().filter_map(|index| Some((name.clone(), partition_index(*index)?))));
    }
    let mut found = ask(asker, fetch(Some(wanted))).await?.into_iter();
    let mut answered = Vec::with_capacity(topics.len());
    for (topic, name) in topics.iter().zip(places) {
        if name.is_none() && asker.id.version >= FIRST_WITH_IDS {
            answered.push(failed_topic(topic.clone(), ErrorCode::UnknownTopicId));
            continue;
        }
        let partitions = topic.partition_indexes.iter().map(|index| {
            let asked = name.is_some() && partition_index(*index).is_some();
            let value = if asked { found.next().and_then(|(_, _, value)| value) } else { None };
            partition(*index, value.as_ref())
        });
        let partitions = partitions.collect();
        answered.push(OffsetFetchResponseTopics { name: topic.name.clone(), topic_id: topic.topic_id, partitions });
    }
    Ok(answered)
}

/// `None` where nothing can have been committed.
fn named(asker: &Asker, topic: &OffsetFetchRequestTopics) -> Option<TopicName> {
    if asker.id.version >= FIRST_WITH_IDS {
        return Some(asker.core.topic(TopicId::from_u128(topic.topic_id)?)?.topic.name.clone());
    }
    TopicName::new(&topic.name).ok()
}

type Found = Vec<(TopicName, PartitionIndex, Option<CommittedOffset>)>;

async fn ask(asker: &Asker, fetch: FetchOffsets) -> Result<Found, Refusal> {
    match asker.core.ask_group(Ask::FetchOffsets(fetch)).result().await? {
        Told::Offsets(found) => Ok(found),
        Told::Changed(_) | Told::Classic(_) | Told::Consumer(_) => Err(ErrorCode::UnknownServerError.into()),
    }
}

/// They come in the order of topics.
fn all_topics(asker: &Asker, found: Found) -> Vec<OffsetFetchResponseTopics> {
    let mut topics: Vec<OffsetFetchResponseTopics> = Vec::new();
    for (name, index, value) in found {
        if topics.last().is_none_or(|last| last.name != name.as_str()) {
            let id = asker.core.topic_named(name.as_str()).map_or(0, |known| known.topic.id.as_u128());
            let partitions = Vec::new();
            topics.push(OffsetFetchResponseTopics { name: name.as_str().to_owned(), topic_id: id, partitions });
        }
        let topic = topics.last_mut().expect("it was just made");
        topic.partitions.push(partition(wire_index(index.0), value.as_ref()));
    }
    if asker.id.version >= FIRST_WITH_IDS {
        // One that has just been deleted has no id to be named by.
        topics.retain(|topic| topic.topic_id != 0);
    }
    topics
}

fn partition(index: i32, value: Option<&CommittedOffset>) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions {
        partition_index: index,
        committed_offset: value.map_or(NOTHING, |value| value.offset.to_wire()),
        committed_leader_epoch: value.and_then(|value| value.leader_epoch).map_or(-1, LeaderEpoch::to_wire),
        metadata: Some(value.map(|value| value.metadata.as_ref().to_owned()).unwrap_or_default()),
        error_code: ErrorCode::None.code(),
    }
}

fn failed_topic(topic: OffsetFetchRequestTopics, code: ErrorCode) -> OffsetFetchResponseTopics {
    let partitions = topic
        .partition_indexes
        .iter()
        .map(|index| OffsetFetchResponsePartitions { error_code: code.code(), ..partition(*index, None) });
    let partitions = partitions.collect();
    OffsetFetchResponseTopics { name: topic.name, topic_id: topic.topic_id, partitions }
}
