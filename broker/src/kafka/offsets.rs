//! ListOffsets and OffsetForLeaderEpoch.

use std::rc::Rc;

use base::{LeaderEpoch, Offset, Timestamp, TopicId};
use wire::ErrorCode;
use wire::kafka::list_offsets::{
    ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopicResponse,
};
use wire::kafka::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, OffsetForLeaderTopicResult,
};

use super::{Answered, RequestId, code_of, partition_id};
use crate::core::Core;
use crate::messages::{Query, QueryAnswer, QueryKind};
use crate::refusal::Refusal;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
/// Of data that is on this broker's disk: with no other tier, all of it.
const EARLIEST_LOCAL: i64 = -4;
/// Of data in another tier: there is none.
const LATEST_TIERED: i64 = -5;
/// The first that is to go to another tier: none is.
const EARLIEST_PENDING_UPLOAD: i64 = -6;
/// Versions below do not carry the leader's epoch.
const FIRST_WITH_EPOCH: i16 = 4;

/// Questions to ask, or what to answer without asking, in the order of a request's partitions.
type Asked = Result<Query, ErrorCode>;

pub(super) async fn list_offsets(core: &Rc<Core>, id: RequestId, request: &ListOffsetsRequest) -> Answered {
    let mut asked: Vec<Asked> = Vec::new();
    for topic in &request.topics {
        let known = topic_id(core, &topic.name);
        for partition in &topic.partitions {
            asked.push(known.and_then(|topic| {
                let id = partition_id(topic, partition.partition_index).ok_or(ErrorCode::UnknownTopicOrPartition)?;
                let current_epoch = LeaderEpoch::from_wire(partition.current_leader_epoch);
                let kind = match partition.timestamp {
                    LATEST => QueryKind::Latest,
                    EARLIEST | EARLIEST_LOCAL => QueryKind::Earliest,
                    MAX_TIMESTAMP => QueryKind::MaxTimestamp,
                    LATEST_TIERED | EARLIEST_PENDING_UPLOAD => QueryKind::EndOfEpoch(LeaderEpoch::ZERO),
                    time => QueryKind::AtTime(Timestamp::from_wire(time).ok_or(ErrorCode::InvalidRequest)?),
                };
                Ok(Query { id, current_epoch, kind })
            }));
        }
    }
    let mut answers = ask(core, &asked).await.into_iter();
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in &request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in &topic.partitions {
            let answer = answers.next().expect("each question has an answer");
            let tiered = matches!(partition.timestamp, LATEST_TIERED | EARLIEST_PENDING_UPLOAD);
            let found = answer.as_ref().ok().filter(|answer| answer.offset.is_some() && !tiered);
            let epoch = found.and_then(|answer| answer.epoch).filter(|_| id.version >= FIRST_WITH_EPOCH);
            partitions.push(ListOffsetsPartitionResponse {
                partition_index: partition.partition_index,
                error_code: code_of(&answer),
                timestamp: found.and_then(|answer| answer.timestamp).map_or(-1, Timestamp::to_wire),
                offset: found.and_then(|answer| answer.offset).map_or(-1, Offset::to_wire),
                leader_epoch: epoch.map_or(-1, LeaderEpoch::to_wire),
            });
        }
        topics.push(ListOffsetsTopicResponse { name: topic.name.clone(), partitions });
    }
    id.answer(&ListOffsetsResponse { topics, ..ListOffsetsResponse::default() })
}

pub(super) async fn end_of_epochs(core: &Rc<Core>, id: RequestId, request: &OffsetForLeaderEpochRequest) -> Answered {
    let mut asked: Vec<Asked> = Vec::new();
    for topic in &request.topics {
        let known = topic_id(core, &topic.topic);
        for partition in &topic.partitions {
            asked.push(known.and_then(|topic| {
                let id = partition_id(topic, partition.partition).ok_or(ErrorCode::UnknownTopicOrPartition)?;
                let current_epoch = LeaderEpoch::from_wire(partition.current_leader_epoch);
                let epoch = LeaderEpoch::from_wire(partition.leader_epoch).ok_or(ErrorCode::InvalidRequest)?;
                Ok(Query { id, current_epoch, kind: QueryKind::EndOfEpoch(epoch) })
            }));
        }
    }
    let mut answers = ask(core, &asked).await.into_iter();
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in &request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in &topic.partitions {
            let answer = answers.next().expect("each question has an answer");
            let found = answer.as_ref().ok().filter(|answer| answer.offset.is_some());
            partitions.push(EpochEndOffset {
                error_code: code_of(&answer),
                partition: partition.partition,
                leader_epoch: found.and_then(|answer| answer.epoch).map_or(-1, LeaderEpoch::to_wire),
                end_offset: found.and_then(|answer| answer.offset).map_or(-1, Offset::to_wire),
            });
        }
        topics.push(OffsetForLeaderTopicResult { topic: topic.topic.clone(), partitions });
    }
    id.answer(&OffsetForLeaderEpochResponse { topics, ..OffsetForLeaderEpochResponse::default() })
}

fn topic_id(core: &Core, name: &str) -> Result<TopicId, ErrorCode> {
    core.topic_named(name).map(|known| known.topic.id).ok_or(ErrorCode::UnknownTopicOrPartition)
}

/// Asks the questions that are to be asked; answers are in the order of all.
async fn ask(core: &Rc<Core>, asked: &[Asked]) -> Vec<Result<QueryAnswer, Refusal>> {
    let queries: Vec<Query> = asked.iter().filter_map(|asked| asked.ok()).collect();
    let mut answers = core.query(&queries).await.into_iter();
    let next = |asked: &Asked| match asked {
        Ok(_) => answers.next().expect("each question has an answer"),
        Err(code) => Err((*code).into()),
    };
    asked.iter().map(next).collect()
}
