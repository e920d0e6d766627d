//! OffsetCommit.

use base::{LeaderEpoch, Offset, Timestamp, TopicId};
use cluster::groups::{Epoch, GroupId, InstanceId, MemberId, OffsetCommitRequest, OffsetToCommit, Reply, Request};
use cluster::metadata::TopicName;
use wire::ErrorCode;
use wire::kafka::offset_commit::{
    OffsetCommitRequest as WireRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic, OffsetCommitResponse,
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};

use super::{Asker, partition_index};
use crate::core::{Core, KnownTopic};
use crate::kafka::connection::Answer;
use crate::kafka::{Answered, code_of};
use crate::refusal::Refusal;

/// Members of the consumer protocol may commit from here on (KIP-848).
const FIRST_WITH_MEMBER_EPOCH: i16 = 9;
/// Topics are named by id from here on.
const FIRST_WITH_IDS: i16 = 10;

/// A partition of the request, and where its result will be: among those that the coordinator is asked for, or here.
struct Part {
    index: i32,
    result: Result<usize, ErrorCode>,
}

struct TopicParts {
    name: String,
    id: u128,
    parts: Vec<Part>,
}

pub(in crate::kafka) fn commit_offsets(asker: Asker, request: WireRequest) -> Answer {
    Answer::Committed(Box::pin(async move { commit(&asker, &request).await }))
}

async fn commit(asker: &Asker, request: &WireRequest) -> Answered {
    let mut offsets = Vec::new();
    let topics: Vec<TopicParts> = request.topics.iter().map(|topic| parts_of(asker, topic, &mut offsets)).collect();
    let expires_at = u64::try_from(request.retention_time_ms).ok().map(|retention| {
        let at = rt::wall_clock().as_millis().saturating_add(retention).min(i64::MAX.cast_unsigned());
        Timestamp::from_millis(at)
    });
    let count = offsets.len();
    let commit = OffsetCommitRequest {
        group: GroupId::new(&request.group_id),
        member: MemberId::new(&request.member_id),
        instance: request.group_instance_id.as_deref().map(InstanceId::new),
        generation: Epoch(request.generation_id_or_member_epoch),
        knows_member_epoch: asker.id.version >= FIRST_WITH_MEMBER_EPOCH,
        expires_at,
        offsets,
    };
    let pick = |reply| if let Reply::OffsetCommit(result) = reply { Some(result) } else { None };
    let result = asker.change(Request::OffsetCommit(commit), pick).await.and_then(|result| Ok(result?));
    let codes: Vec<i16> = match result {
        Ok(results) => results.into_iter().map(|result| code_of(&result.map_err(Refusal::from))).collect(),
        Err(refusal) => vec![refusal.code.code(); count],
    };
    let topics = topics.into_iter().map(|topic| OffsetCommitResponseTopic {
        name: topic.name,
        topic_id: topic.id,
        partitions: topic
            .parts
            .into_iter()
            .map(|part| OffsetCommitResponsePartition {
                partition_index: part.index,
                error_code: match part.result {
                    Ok(at) => codes.get(at).copied().unwrap_or(ErrorCode::UnknownServerError.code()),
                    Err(code) => code.code(),
                },
            })
            .collect(),
    });
    asker.id.answer(&OffsetCommitResponse { topics: topics.collect(), ..OffsetCommitResponse::default() })
}

fn known_topic(core: &Core, version: i16, name: &str, id: u128) -> Result<KnownTopic, ErrorCode> {
    if version >= FIRST_WITH_IDS {
        let known = TopicId::from_u128(id).and_then(|id| core.topic(id));
        return known.ok_or(ErrorCode::UnknownTopicId);
    }
    core.topic_named(name).ok_or(ErrorCode::UnknownTopicOrPartition)
}

fn parts_of(asker: &Asker, topic: &OffsetCommitRequestTopic, offsets: &mut Vec<OffsetToCommit>) -> TopicParts {
    let known = known_topic(&asker.core, asker.id.version, &topic.name, topic.topic_id);
    let parts = topic.partitions.iter().map(|partition| {
        let offset = known.as_ref().map_err(|code| *code).and_then(|known| offset_of(known, partition));
        Part {
            index: partition.partition_index,
            result: offset.map(|offset| {
                offsets.push(offset);
                offsets.len() - 1
            }),
        }
    });
    TopicParts { name: topic.name.clone(), id: topic.topic_id, parts: parts.collect() }
}

fn offset_of(known: &KnownTopic, partition: &OffsetCommitRequestPartition) -> Result<OffsetToCommit, ErrorCode> {
    let topic: &TopicName = &known.topic.name;
    let index = partition_index(partition.partition_index).filter(|index| known.topic.partition(*index).is_some());
    Ok(OffsetToCommit {
        topic: topic.clone(),
        partition: index.ok_or(ErrorCode::UnknownTopicOrPartition)?,
        offset: Offset::from_wire(partition.committed_offset),
        leader_epoch: LeaderEpoch::from_wire(partition.committed_leader_epoch),
        metadata: partition.committed_metadata.as_deref().unwrap_or_default().into(),
    })
}
