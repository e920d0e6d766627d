//! Batches on their way in, and what became of them.

use base::{CoreId, Offset, PartitionIndex, Timestamp, TopicId};

use super::message::{
    Builder, Incoming, Message, MessageError, Outgoing, core, offset, optional_core, root, topic, uuid,
};
use super::payload::Segment;
use super::{ApiKey, ErrorCode, Role, StageTimings};
use crate::generated::native as schema;

/// When a produce request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// Never.
    None,
    /// Once the leader has the batches.
    Leader,
    /// Once all in-sync replicas have them as durably as the topic asks.
    All,
}

impl Acks {
    const fn to_wire(self) -> i8 {
        match self {
            Self::None => 0,
            Self::Leader => 1,
            Self::All => -1,
        }
    }

    const fn from_wire(value: i8) -> Result<Self, MessageError> {
        match value {
            0 => Ok(Self::None),
            1 => Ok(Self::Leader),
            -1 => Ok(Self::All),
            got => Err(MessageError::Acks { got }),
        }
    }
}

/// Batches for several partitions. Their bytes are the frame's payload: push each to a [`Payload`](super::Payload), which
/// gives its segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProduceRequest<'a> {
    pub acks: Acks,
    pub timeout_ms: u32,
    /// In the order of their segments.
    pub partitions: &'a [ProducePartition],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducePartition {
    pub topic: TopicId,
    pub partition: PartitionIndex,
    pub segment: Segment,
}

/// A produce request as it arrived. Reading it takes no memory.
#[derive(Clone, Copy, Debug)]
pub struct ProduceView<'a> {
    request: schema::ProduceRequest<'a>,
    acks: Acks,
    payload_length: u32,
}

impl<'a> ProduceView<'a> {
    pub fn acks(&self) -> Acks {
        self.acks
    }

    pub fn timeout_ms(&self) -> u32 {
        self.request.timeout_ms()
    }

    pub fn len(&self) -> usize {
        self.request.partitions().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn partitions(&self) -> impl Iterator<Item = ProducePartition> + use<'a> {
        self.checked_partitions().map(|partition| partition.expect("all partitions were checked when it was opened"))
    }

    fn checked_partitions(&self) -> impl Iterator<Item = Result<ProducePartition, MessageError>> + use<'a> {
        let payload_length = self.payload_length;
        let mut previous_end = 0;
        self.request.partitions().iter().map(move |partition| {
            let (offset, length) = (partition.payload_offset(), partition.payload_length());
            let (segment, end) = Segment::check(offset, length, previous_end, payload_length)?;
            previous_end = end;
            let topic = topic(partition.topic())?;
            Ok(ProducePartition { topic, partition: PartitionIndex(partition.partition()), segment })
        })
    }
}

impl Message for ProduceRequest<'_> {
    const API: ApiKey = ApiKey::Produce;
    const ROLE: Role = Role::Request;
}

impl Outgoing for ProduceRequest<'_> {
    fn encode(&self, builder: &mut Builder<'_>) {
        let partitions: Vec<_> = self
            .partitions
            .iter()
            .map(|partition| {
                let args = schema::ProducePartitionArgs {
                    topic: Some(&uuid(partition.topic)),
                    partition: partition.partition.0,
                    payload_offset: partition.segment.offset(),
                    payload_length: partition.segment.length(),
                };
                schema::ProducePartition::create(builder, &args)
            })
            .collect();
        let partitions = Some(builder.create_vector(&partitions));
        let args = schema::ProduceRequestArgs { acks: self.acks.to_wire(), timeout_ms: self.timeout_ms, partitions };
        let root = schema::ProduceRequest::create(builder, &args);
        builder.finish_minimal(root);
    }
}

impl Message for ProduceView<'_> {
    const API: ApiKey = ApiKey::Produce;
    const ROLE: Role = Role::Request;
}

impl<'a> Incoming<'a> for ProduceView<'a> {
    fn open(header: &'a [u8], payload_length: u32) -> Result<Self, MessageError> {
        let request = root::<schema::ProduceRequest<'a>>(header)?;
        let view = Self { request, acks: Acks::from_wire(request.acks())?, payload_length };
        view.checked_partitions().try_for_each(|partition| partition.map(drop))?;
        Ok(view)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProduceReply<'a> {
    /// In the order of the request.
    pub partitions: &'a [ProducedPartition<'a>],
    pub timings: Option<StageTimings>,
}

/// What became of one partition's batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducedPartition<'a> {
    pub topic: TopicId,
    pub partition: PartitionIndex,
    pub error: ErrorCode,
    pub base_offset: Option<Offset>,
    /// Where the topic's records are stamped by the broker.
    pub log_append_time: Option<Timestamp>,
    pub log_start_offset: Option<Offset>,
    /// What was wrong, for people.
    pub message: Option<&'a str>,
    /// Where the partition is, if that is not the core that serves the connection.
    pub core: Option<CoreId>,
}

/// A reply to a produce request as it arrived. Reading it takes no memory.
#[derive(Clone, Copy, Debug)]
pub struct ProduceReplyView<'a>(schema::ProduceReply<'a>);

impl<'a> ProduceReplyView<'a> {
    pub fn timings(&self) -> Option<StageTimings> {
        self.0.timings().map(StageTimings::from_schema)
    }

    pub fn len(&self) -> usize {
        self.0.partitions().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn partitions(&self) -> impl Iterator<Item = ProducedPartition<'a>> + use<'a> {
        self.checked_partitions().map(|partition| partition.expect("all partitions were checked when it was opened"))
    }

    fn checked_partitions(&self) -> impl Iterator<Item = Result<ProducedPartition<'a>, MessageError>> + use<'a> {
        self.0.partitions().iter().map(|partition| {
            Ok(ProducedPartition {
                topic: topic(partition.topic())?,
                partition: PartitionIndex(partition.partition()),
                error: ErrorCode(partition.error()),
                base_offset: Offset::from_wire(partition.base_offset()),
                log_append_time: Timestamp::from_wire(partition.log_append_time_ms()),
                log_start_offset: Offset::from_wire(partition.log_start_offset()),
                message: partition.message(),
                core: optional_core(partition.core()),
            })
        })
    }
}

impl Message for ProduceReply<'_> {
    const API: ApiKey = ApiKey::Produce;
    const ROLE: Role = Role::Reply;
}

impl Outgoing for ProduceReply<'_> {
    fn encode(&self, builder: &mut Builder<'_>) {
        let partitions: Vec<_> = self
            .partitions
            .iter()
            .map(|partition| {
                let args = schema::ProducedPartitionArgs {
                    topic: Some(&uuid(partition.topic)),
                    partition: partition.partition.0,
                    error: partition.error.0,
                    base_offset: offset(partition.base_offset),
                    log_append_time_ms: partition.log_append_time.map_or(-1, Timestamp::to_wire),
                    log_start_offset: offset(partition.log_start_offset),
                    message: partition.message.map(|message| builder.create_string(message)),
                    core: core(partition.core),
                };
                schema::ProducedPartition::create(builder, &args)
            })
            .collect();
        let partitions = Some(builder.create_vector(&partitions));
        let timings = self.timings.map(StageTimings::to_schema);
        let args = schema::ProduceReplyArgs { partitions, timings: timings.as_ref() };
        let root = schema::ProduceReply::create(builder, &args);
        builder.finish_minimal(root);
    }
}

impl Message for ProduceReplyView<'_> {
    const API: ApiKey = ApiKey::Produce;
    const ROLE: Role = Role::Reply;
}

impl<'a> Incoming<'a> for ProduceReplyView<'a> {
    fn open(header: &'a [u8], _: u32) -> Result<Self, MessageError> {
        let view = Self(root::<schema::ProduceReply<'a>>(header)?);
        view.checked_partitions().try_for_each(|partition| partition.map(drop))?;
        Ok(view)
    }
}
