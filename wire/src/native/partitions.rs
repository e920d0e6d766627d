//! On which core of the broker partitions are, what they take of its time, and moving them.

use base::{CoreId, PartitionIndex};

use super::message::{Builder, Incoming, Message, MessageError, Outgoing, root};
use super::{ApiKey, ErrorCode, Role};
use crate::generated::native as schema;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListPartitionsRequest<'a> {
    /// Of one topic; `None` for all that come after a name.
    pub topic: Option<&'a str>,
    pub after: Option<&'a str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPartitionsReply<'a> {
    pub topics: Vec<TopicPartitions<'a>>,
    /// Ask again, for what comes after the last of these topics.
    pub has_more: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicPartitions<'a> {
    pub name: &'a str,
    pub partitions: Vec<PartitionLoad>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionLoad {
    pub index: PartitionIndex,
    pub core: CoreId,
    /// In the last interval, microseconds of its core's time in a second.
    pub busy_us: u32,
    pub log_bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MovePartitionRequest<'a> {
    pub topic: &'a str,
    pub partition: PartitionIndex,
    pub core: CoreId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MovePartitionReply<'a> {
    pub error: ErrorCode,
    pub message: Option<&'a str>,
    pub from: CoreId,
    /// How long appends waited.
    pub pause_us: u64,
}

impl Message for ListPartitionsRequest<'_> {
    const API: ApiKey = ApiKey::ListPartitions;
    const ROLE: Role = Role::Request;
}

impl Outgoing for ListPartitionsRequest<'_> {
    fn encode(&self, builder: &mut Builder<'_>) {
        let topic = self.topic.map(|topic| builder.create_string(topic));
        let after = self.after.map(|after| builder.create_string(after));
        let root = schema::ListPartitionsRequest::create(builder, &schema::ListPartitionsRequestArgs { topic, after });
        builder.finish_minimal(root);
    }
}

impl<'a> Incoming<'a> for ListPartitionsRequest<'a> {
    fn open(header: &'a [u8], _: u32) -> Result<Self, MessageError> {
        let request = root::<schema::ListPartitionsRequest<'a>>(header)?;
        Ok(Self { topic: request.topic(), after: request.after() })
    }
}

impl Message for ListPartitionsReply<'_> {
    const API: ApiKey = ApiKey::ListPartitions;
    const ROLE: Role = Role::Reply;
}

impl Outgoing for ListPartitionsReply<'_> {
    fn encode(&self, builder: &mut Builder<'_>) {
        let topics: Vec<_> = self
            .topics
            .iter()
            .map(|topic| {
                let name = Some(builder.create_string(topic.name));
                let loads = topic.partitions.iter().map(|load| {
                    let PartitionLoad { index, core, busy_us, log_bytes } = *load;
                    schema::PartitionLoad::new(log_bytes, index.0, busy_us, core.0)
                });
                let partitions = Some(builder.create_vector_from_iter(loads));
                schema::TopicPartitions::create(builder, &schema::TopicPartitionsArgs { name, partitions })
            })
            .collect();
        let topics = Some(builder.create_vector(&topics));
        let args = schema::ListPartitionsReplyArgs { topics, has_more: self.has_more };
        let root = schema::ListPartitionsReply::create(builder, &args);
        builder.finish_minimal(root);
    }
}

impl<'a> Incoming<'a> for ListPartitionsReply<'a> {
    fn open(header: &'a [u8], _: u32) -> Result<Self, MessageError> {
        let reply = root::<schema::ListPartitionsReply<'a>>(header)?;
        let load = |load: &schema::PartitionLoad| PartitionLoad {
            index: PartitionIndex(load.index()),
            core: CoreId(load.core()),
            busy_us: load.busy_us(),
            log_bytes: load.log_bytes(),
        };
        let topic = |topic: schema::TopicPartitions<'a>| TopicPartitions {
            name: topic.name(),
            partitions: topic.partitions().iter().map(load).collect(),
        };
        Ok(Self { topics: reply.topics().iter().map(topic).collect(), has_more: reply.has_more() })
    }
}

impl Message for MovePartitionRequest<'_> {
    const API: ApiKey = ApiKey::MovePartition;
    const ROLE: Role = Role::Request;
}

impl Outgoing for MovePartitionRequest<'_> {
    fn encode(&self, builder: &mut Builder<'_>) {
        let topic = Some(builder.create_string(self.topic));
        let args = schema::MovePartitionRequestArgs { topic, partition: self.partition.0, core: self.core.0 };
        let root = schema::MovePartitionRequest::create(builder, &args);
        builder.finish_minimal(root);
    }
}

impl<'a> Incoming<'a> for MovePartitionRequest<'a> {
    fn open(header: &'a [u8], _: u32) -> Result<Self, MessageError> {
        let request = root::<schema::MovePartitionRequest<'a>>(header)?;
        let partition = PartitionIndex(request.partition());
        Ok(Self { topic: request.topic(), partition, core: CoreId(request.core()) })
    }
}

impl Message for MovePartitionReply<'_> {
    const API: ApiKey = ApiKey::MovePartition;
    const ROLE: Role = Role::Reply;
}

impl Outgoing for MovePartitionReply<'_> {
    fn encode(&self, builder: &mut Builder<'_>) {
        let message = self.message.map(|message| builder.create_string(message));
        let args =
            schema::MovePartitionReplyArgs { error: self.error.0, message, from: self.from.0, pause_us: self.pause_us };
        let root = schema::MovePartitionReply::create(builder, &args);
        builder.finish_minimal(root);
    }
}

impl<'a> Incoming<'a> for MovePartitionReply<'a> {
    fn open(header: &'a [u8], _: u32) -> Result<Self, MessageError> {
        let reply = root::<schema::MovePartitionReply<'a>>(header)?;
        let (error, from) = (ErrorCode(reply.error()), CoreId(reply.from()));
        Ok(Self { error, message: reply.message(), from, pause_us: reply.pause_us() })
    }
}
