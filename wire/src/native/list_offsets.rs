//! Where a partition's log begins and ends, and where it was at some time.

use base::{LeaderEpoch, Offset, PartitionIndex, Timestamp, TopicId};

use super::message::{Builder, Incoming, Message, MessageError, Outgoing, offset, root, topic, uuid};
use super::{ApiKey, ErrorCode, Role};
use crate::generated::native as schema;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListOffsetsRequest {
    pub partitions: Vec<OffsetQuery>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetQuery {
    pub topic: TopicId,
    pub partition: PartitionIndex,
    pub at: OffsetAt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetAt {
    /// The log start offset.
    Earliest,
    /// The high watermark.
    Latest,
    /// The record with the largest timestamp.
    MaxTimestamp,
    /// The first record that is not older.
    Timestamp(Timestamp),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListOffsetsReply {
    /// In the order of the request.
    pub partitions: Vec<OffsetAnswer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetAnswer {
    pub topic: TopicId,
    pub partition: PartitionIndex,
    pub error: ErrorCode,
    /// `None` when no record is as asked for.
    pub offset: Option<Offset>,
    pub timestamp: Option<Timestamp>,
    pub leader_epoch: Option<LeaderEpoch>,
}

impl OffsetAt {
    fn to_schema(self) -> (schema::OffsetAt, i64) {
        match self {
            Self::Earliest => (schema::OffsetAt::Earliest, -1),
            Self::Latest => (schema::OffsetAt::Latest, -1),
            Self::MaxTimestamp => (schema::OffsetAt::MaxTimestamp, -1),
            Self::Timestamp(timestamp) => (schema::OffsetAt::Timestamp, timestamp.to_wire()),
        }
    }

    fn from_schema(at: schema::OffsetAt, timestamp_ms: i64) -> Result<Self, MessageError> {
        match at {
            schema::OffsetAt::Earliest => Ok(Self::Earliest),
            schema::OffsetAt::Latest => Ok(Self::Latest),
            schema::OffsetAt::MaxTimestamp => Ok(Self::MaxTimestamp),
            schema::OffsetAt::Timestamp => Timestamp::from_wire(timestamp_ms)
                .map(Self::Timestamp)
                .ok_or(MessageError::Field { field: "timestamp", got: timestamp_ms }),
            other => Err(MessageError::Field { field: "place of the offset", got: i64::from(other.0) }),
        }
    }
}

impl Message for ListOffsetsRequest {
    const API: ApiKey = ApiKey::ListOffsets;
    const ROLE: Role = Role::Request;
}

impl Outgoing for ListOffsetsRequest {
    fn encode(&self, builder: &mut Builder<'_>) {
        let partitions: Vec<_> = self
            .partitions
            .iter()
            .map(|query| {
                let (at, timestamp_ms) = query.at.to_schema();
                let topic = Some(&uuid(query.topic));
                let args = schema::OffsetQueryArgs { topic, partition: query.partition.0, at, timestamp_ms };
                schema::OffsetQuery::create(builder, &args)
            })
            .collect();
        let partitions = Some(builder.create_vector(&partitions));
        let root = schema::ListOffsetsRequest::create(builder, &schema::ListOffsetsRequestArgs { partitions });
        builder.finish_minimal(root);
    }
}

impl Incoming<'_> for ListOffsetsRequest {
    fn open(header: &[u8], _: u32) -> Result<Self, MessageError> {
        let request = root::<schema::ListOffsetsRequest<'_>>(header)?;
        let read = |query: schema::OffsetQuery<'_>| {
            Ok(OffsetQuery {
                topic: topic(query.topic())?,
                partition: PartitionIndex(query.partition()),
                at: OffsetAt::from_schema(query.at(), query.timestamp_ms())?,
            })
        };
        Ok(Self { partitions: request.partitions().iter().map(read).collect::<Result<_, MessageError>>()? })
    }
}

impl Message for ListOffsetsReply {
    const API: ApiKey = ApiKey::ListOffsets;
    const ROLE: Role = Role::Reply;
}

impl Outgoing for ListOffsetsReply {
    fn encode(&self, builder: &mut Builder<'_>) {
        let partitions: Vec<_> = self
            .partitions
            .iter()
            .map(|answer| {
                let args = schema::OffsetAnswerArgs {
                    topic: Some(&uuid(answer.topic)),
                    partition: answer.partition.0,
                    error: answer.error.0,
                    offset: offset(answer.offset),
                    timestamp_ms: answer.timestamp.map_or(-1, Timestamp::to_wire),
                    leader_epoch: answer.leader_epoch.map_or(-1, LeaderEpoch::to_wire),
                };
                schema::OffsetAnswer::create(builder, &args)
            })
            .collect();
        let partitions = Some(builder.create_vector(&partitions));
        let root = schema::ListOffsetsReply::create(builder, &schema::ListOffsetsReplyArgs { partitions });
        builder.finish_minimal(root);
    }
}

impl Incoming<'_> for ListOffsetsReply {
    fn open(header: &[u8], _: u32) -> Result<Self, MessageError> {
        let reply = root::<schema::ListOffsetsReply<'_>>(header)?;
        let read = |answer: schema::OffsetAnswer<'_>| {
            Ok(OffsetAnswer {
                topic: topic(answer.topic())?,
                partition: PartitionIndex(answer.partition()),
                error: ErrorCode(answer.error()),
                offset: Offset::from_wire(answer.offset()),
                timestamp: Timestamp::from_wire(answer.timestamp_ms()),
                leader_epoch: LeaderEpoch::from_wire(answer.leader_epoch()),
            })
        };
        Ok(Self { partitions: reply.partitions().iter().map(read).collect::<Result<_, MessageError>>()? })
    }
}
