//! The native protocol: pipelined requests, streams of fetched batches with credits, batches outside the header.
//!
//! A [`frame`] is a prefix, a FlatBuffer header and a payload. [`frame::peek`] reads the prefix within limits; once the
//! header has arrived, [`FramePrefix::check_header`](frame::FramePrefix::check_header) compares the checksum, and
//! [`Incoming::open`] of the message that the prefix names verifies the header and borrows from it. To send, give an
//! [`Outgoing`] message to a [`FrameBuilder`](frame::FrameBuilder).
//!
//! | API | request | answer |
//! |---|---|---|
//! | Hello | [`Hello`] | [`HelloReply`] |
//! | Metadata | [`MetadataRequest`] | [`MetadataReply`] |
//! | Produce | [`ProduceRequest`], read as [`ProduceView`] | [`ProduceReply`], read as [`ProduceReplyView`]; none for acks 0 |
//! | FetchOpen | [`FetchOpen`] | [`FetchOpened`], then [`FetchData`] pushed until [`FetchEnded`] |
//! | FetchGrant | [`FetchGrant`] | none |
//! | FetchClose | [`FetchClose`] | none but the stream's [`FetchEnded`] |
//! | ListOffsets | [`ListOffsetsRequest`] | [`ListOffsetsReply`] |
//! | CreateTopics | [`CreateTopicsRequest`] | [`CreateTopicsReply`] |
//! | DeleteTopics | [`DeleteTopicsRequest`] | [`DeleteTopicsReply`] |
//! | CreatePartitions | [`CreatePartitionsRequest`] | [`CreatePartitionsReply`] |
//! | DescribeTopic | [`DescribeTopicRequest`] | [`DescribeTopicReply`] |
//! | InitProducer | [`InitProducerRequest`] | [`InitProducerReply`] |
//! | BrokerStatus | [`BrokerStatusRequest`] | [`BrokerStatusReply`] |
//! | ListPartitions | [`ListPartitionsRequest`] | [`ListPartitionsReply`] |
//! | MovePartition | [`MovePartitionRequest`] | [`MovePartitionReply`] |
//!
//! Any request may be answered by an [`ErrorReply`] in a frame of [`Role::Error`].

mod admin;
mod api;
mod describe;
mod fetch;
pub mod frame;
mod hello;
pub mod limits;
mod list_offsets;
mod message;
mod metadata;
mod partitions;
mod payload;
mod produce;
mod producer;
mod status;
mod timings;

pub use admin::{
    CreatePartitionsReply, CreatePartitionsRequest, CreateTopicsReply, CreateTopicsRequest, CreatedTopic,
    DeleteTopicsReply, DeleteTopicsRequest, DeletedTopic, GrownTopic, NewTopic, SettingPair, TopicOutcome,
    TopicReference,
};
pub use api::{ApiKey, CorrelationId, ErrorCode, Role, StreamId};
pub use describe::{
    DescribeTopicReply, DescribeTopicRequest, DescribedPartition, DescribedSetting, DescribedSettingSource,
};
pub use fetch::{FetchClose, FetchData, FetchEnded, FetchGrant, FetchOpen, FetchOpened};
pub use hello::{Endpoint, ErrorReply, Features, Hello, HelloReply};
pub use list_offsets::{ListOffsetsReply, ListOffsetsRequest, OffsetAnswer, OffsetAt, OffsetQuery};
pub use message::{Builder, Incoming, Message, MessageError, Outgoing};
pub use metadata::{MetadataReply, MetadataRequest, PartitionRoute, TopicMetadata, TopicSelection};
pub use partitions::{
    ListPartitionsReply, ListPartitionsRequest, MovePartitionReply, MovePartitionRequest, PartitionLoad,
    TopicPartitions,
};
pub use payload::{Payload, PayloadTooLarge, Segment, SegmentError};
pub use produce::{
    Acks, ProducePartition, ProduceReply, ProduceReplyView, ProduceRequest, ProduceView, ProducedPartition,
};
pub use producer::{InitProducerReply, InitProducerRequest};
pub use status::{BrokerStatusReply, BrokerStatusRequest, CoreStatus, StageStatus};
pub use timings::{Stage, StageTimings};

#[cfg(test)]
mod tests;
