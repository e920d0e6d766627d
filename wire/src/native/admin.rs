//! Topics made, grown and deleted.

use base::{BrokerId, TopicId};
use flatbuffers::{ForwardsUOffset, Vector, WIPOffset};

use super::message::{Builder, Incoming, Message, MessageError, Outgoing, optional_topic, root, uuid};
use super::{ApiKey, ErrorCode, Role};
use crate::generated::native as schema;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTopicsRequest<'a> {
    pub topics: Vec<NewTopic<'a>>,
    pub timeout_ms: u32,
    pub validate_only: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic<'a> {
    pub name: &'a str,
    /// As many as the peer asked for, possible or not; -1 is the broker's default.
    pub partitions: i32,
    /// As the peer asked for, possible or not; -1 is the broker's default.
    pub replication_factor: i16,
    /// Replicas by partition; empty lets the cluster choose.
    pub assignment: Vec<Vec<BrokerId>>,
    pub settings: Vec<SettingPair<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettingPair<'a> {
    pub name: &'a str,
    pub value: Option<&'a str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTopicsReply<'a> {
    /// In the order of the request.
    pub topics: Vec<CreatedTopic<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreatedTopic<'a> {
    pub name: &'a str,
    pub error: ErrorCode,
    pub message: Option<&'a str>,
    /// `None` where the topic was not created.
    pub id: Option<TopicId>,
    pub partitions: u32,
    pub replication_factor: u16,
}

/// A topic that a peer names in one way or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicReference<'a> {
    Name(&'a str),
    Id(TopicId),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteTopicsRequest<'a> {
    pub topics: Vec<TopicReference<'a>>,
    pub timeout_ms: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteTopicsReply<'a> {
    /// In the order of the request.
    pub topics: Vec<DeletedTopic<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeletedTopic<'a> {
    pub topic: TopicReference<'a>,
    pub error: ErrorCode,
    pub message: Option<&'a str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatePartitionsRequest<'a> {
    pub topics: Vec<GrownTopic<'a>>,
    pub timeout_ms: u32,
    pub validate_only: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrownTopic<'a> {
    pub name: &'a str,
    /// Partitions that the topic shall have in all, possible or not.
    pub total: i32,
    /// Replicas of the new partitions only; `None` lets the cluster choose.
    pub assignment: Option<Vec<Vec<BrokerId>>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatePartitionsReply<'a> {
    /// In the order of the request.
    pub topics: Vec<TopicOutcome<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicOutcome<'a> {
    pub name: &'a str,
    pub error: ErrorCode,
    pub message: Option<&'a str>,
}

type Written<'b, T> = WIPOffset<Vector<'b, ForwardsUOffset<T>>>;

/// Writes each item, then the list of them.
fn write_list<'b, T, I>(
    builder: &mut Builder<'b>,
    items: &[I],
    write: impl Fn(&mut Builder<'b>, &I) -> WIPOffset<T>,
) -> Written<'b, T> {
    let written: Vec<_> = items.iter().map(|item| write(builder, item)).collect();
    builder.create_vector(&written)
}

fn write_text<'b>(builder: &mut Builder<'b>, text: Option<&str>) -> Option<WIPOffset<&'b str>> {
    text.map(|text| builder.create_string(text))
}

fn write_replicas<'b>(builder: &mut Builder<'b>, assignment: &[Vec<BrokerId>]) -> Written<'b, schema::Replicas<'b>> {
    write_list(builder, assignment, |builder, replicas| {
        let brokers = Some(builder.create_vector_from_iter(replicas.iter().map(|broker| broker.0)));
        schema::Replicas::create(builder, &schema::ReplicasArgs { brokers })
    })
}

fn read_replicas(assignment: Vector<'_, ForwardsUOffset<schema::Replicas<'_>>>) -> Vec<Vec<BrokerId>> {
    assignment.iter().map(|replicas| replicas.brokers().iter().map(BrokerId).collect()).collect()
}

impl<'a> TopicReference<'a> {
    pub(super) fn write<'b>(&self, builder: &mut Builder<'b>) -> WIPOffset<schema::TopicReference<'b>> {
        let (name, id) = match self {
            Self::Name(name) => (Some(builder.create_string(name)), None),
            Self::Id(id) => (None, Some(uuid(*id))),
        };
        schema::TopicReference::create(builder, &schema::TopicReferenceArgs { name, id: id.as_ref() })
    }

    /// The id where both are given, because it is exact.
    pub(super) fn read(reference: schema::TopicReference<'a>) -> Result<Self, MessageError> {
        let id = optional_topic(reference.id()).map(Self::Id);
        id.or(reference.name().map(Self::Name)).ok_or(MessageError::Missing { field: "name or id of a topic" })
    }
}

impl Message for CreateTopicsRequest<'_> {
    const API: ApiKey = ApiKey::CreateTopics;
    const ROLE: Role = Role::Request;
}

fn write_new_topic<'b>(builder: &mut Builder<'b>, topic: &NewTopic<'_>) -> WIPOffset<schema::NewTopic<'b>> {
    let name = Some(builder.create_string(topic.name));
    let assignment = (!topic.assignment.is_empty()).then(|| write_replicas(builder, &topic.assignment));
    let settings = write_list(builder, &topic.settings, |builder, setting| {
        let name = Some(builder.create_string(setting.name));
        let value = write_text(builder, setting.value);
        schema::Setting::create(builder, &schema::SettingArgs { name, value })
    });
    let args = schema::NewTopicArgs {
        name,
        partitions: topic.partitions,
        replication_factor: topic.replication_factor,
        assignment,
        settings: Some(settings),
    };
    schema::NewTopic::create(builder, &args)
}

impl Outgoing for CreateTopicsRequest<'_> {
    fn encode(&self, builder: &mut Builder<'_>) {
        let topics = Some(write_list(builder, &self.topics, |builder, topic| write_new_topic(builder, topic)));
        let Self { timeout_ms, validate_only, .. } = *self;
        let args = schema::CreateTopicsRequestArgs { topics, timeout_ms, validate_only };
        let root = schema::CreateTopicsRequest::create(builder, &args);
        builder.finish_minimal(root);
    }
}

impl<'a> Incoming<'a> for CreateTopicsRequest<'a> {
    fn open(header: &'a [u8], _: u32) -> Result<Self, MessageError> {
        let request = root::<schema::CreateTopicsRequest<'a>>(header)?;
        let setting = |setting: schema::Setting<'a>| SettingPair { name: setting.name(), value: setting.value() };
        let topic = |topic: schema::NewTopic<'a>| NewTopic {
            name: topic.name(),
            partitions: topic.partitions(),
            replication_factor: topic.replication_factor(),
            assignment: topic.assignment().map(read_replicas).unwrap_or_default(),
            settings: topic.settings().iter().flatten().map(setting).collect(),
        };
        Ok(Self {
            topics: request.topics().iter().map(topic).collect(),
            timeout_ms: request.timeout_ms(),
            validate_only: request.validate_only(),
        })
    }
}

impl Message for CreateTopicsReply<'_> {
    const API: ApiKey = ApiKey::CreateTopics;
    const ROLE: Role = Role::Reply;
}

impl Outgoing for CreateTopicsReply<'_> {
    fn encode(&self, builder: &mut Builder<'_>) {
        let topics = write_list(builder, &self.topics, |builder, topic| {
            let id = topic.id.map(uuid);
            let args = schema::CreatedTopicArgs {
                name: Some(builder.create_string(topic.name)),
                error: topic.error.0,
                message: write_text(builder, topic.message),
                id: id.as_ref(),
                partitions: topic.partitions,
                replication_factor: topic.replication_factor,
            };
            schema::CreatedTopic::create(builder, &args)
        });
        let args = schema::CreateTopicsReplyArgs { topics: Some(topics) };
        let root = schema::CreateTopicsReply::create(builder, &args);
        builder.finish_minimal(root);
    }
}

impl<'a> Incoming<'a> for CreateTopicsReply<'a> {
    fn open(header: &'a [u8], _: u32) -> Result<Self, MessageError> {
        let reply = root::<schema::CreateTopicsReply<'a>>(header)?;
        let topic = |topic: schema::CreatedTopic<'a>| CreatedTopic {
            name: topic.name(),
            error: ErrorCode(topic.error()),
            message: topic.message(),
            id: optional_topic(topic.id()),
            partitions: topic.partitions(),
            replication_factor: topic.replication_factor(),
        };
        Ok(Self { topics: reply.topics().iter().map(topic).collect() })
    }
}

impl Message for DeleteTopicsRequest<'_> {
    const API: ApiKey = ApiKey::DeleteTopics;
    const ROLE: Role = Role::Request;
}

impl Outgoing for DeleteTopicsRequest<'_> {
    fn encode(&self, builder: &mut Builder<'_>) {
        let topics = Some(write_list(builder, &self.topics, |builder, topic| topic.write(builder)));
        let args = schema::DeleteTopicsRequestArgs { topics, timeout_ms: self.timeout_ms };
        let root = schema::DeleteTopicsRequest::create(builder, &args);
        builder.finish_minimal(root);
    }
}

impl<'a> Incoming<'a> for DeleteTopicsRequest<'a> {
    fn open(header: &'a [u8], _: u32) -> Result<Self, MessageError> {
        let request = root::<schema::DeleteTopicsRequest<'a>>(header)?;
        let topics = request.topics().iter().map(TopicReference::read).collect::<Result<_, _>>()?;
        Ok(Self { topics, timeout_ms: request.timeout_ms() })
    }
}

impl Message for DeleteTopicsReply<'_> {
    const API: ApiKey = ApiKey::DeleteTopics;
    const ROLE: Role = Role::Reply;
}

impl Outgoing for DeleteTopicsReply<'_> {
    fn encode(&self, builder: &mut Builder<'_>) {
        let topics = write_list(builder, &self.topics, |builder, deleted| {
            let topic = Some(deleted.topic.write(builder));
            let message = write_text(builder, deleted.message);
            let args = schema::DeletedTopicArgs { topic, error: deleted.error.0, message };
            schema::DeletedTopic::create(builder, &args)
        });
        let args = schema::DeleteTopicsReplyArgs { topics: Some(topics) };
        let root = schema::DeleteTopicsReply::create(builder, &args);
        builder.finish_minimal(root);
    }
}

impl<'a> Incoming<'a> for DeleteTopicsReply<'a> {
    fn open(header: &'a [u8], _: u32) -> Result<Self, MessageError> {
        let reply = root::<schema::DeleteTopicsReply<'a>>(header)?;
        let topic = |deleted: schema::DeletedTopic<'a>| {
            Ok(DeletedTopic {
                topic: TopicReference::read(deleted.topic())?,
                error: ErrorCode(deleted.error()),
                message: deleted.message(),
            })
        };
        Ok(Self { topics: reply.topics().iter().map(topic).collect::<Result<_, MessageError>>()? })
    }
}

impl Message for CreatePartitionsRequest<'_> {
    const API: ApiKey = ApiKey::CreatePartitions;
    const ROLE: Role = Role::Request;
}

impl Outgoing for CreatePartitionsRequest<'_> {
    fn encode(&self, builder: &mut Builder<'_>) {
        let topics = write_list(builder, &self.topics, |builder, topic| {
            let name = Some(builder.create_string(topic.name));
            let assignment = topic.assignment.as_ref().map(|assignment| write_replicas(builder, assignment));
            schema::GrownTopic::create(builder, &schema::GrownTopicArgs { name, total: topic.total, assignment })
        });
        let Self { timeout_ms, validate_only, .. } = *self;
        let args = schema::CreatePartitionsRequestArgs { topics: Some(topics), timeout_ms, validate_only };
        let root = schema::CreatePartitionsRequest::create(builder, &args);
        builder.finish_minimal(root);
    }
}

impl<'a> Incoming<'a> for CreatePartitionsRequest<'a> {
    fn open(header: &'a [u8], _: u32) -> Result<Self, MessageError> {
        let request = root::<schema::CreatePartitionsRequest<'a>>(header)?;
        let topic = |topic: schema::GrownTopic<'a>| GrownTopic {
            name: topic.name(),
            total: topic.total(),
            assignment: topic.assignment().map(read_replicas),
        };
        Ok(Self {
            topics: request.topics().iter().map(topic).collect(),
            timeout_ms: request.timeout_ms(),
            validate_only: request.validate_only(),
        })
    }
}

impl Message for CreatePartitionsReply<'_> {
    const API: ApiKey = ApiKey::CreatePartitions;
    const ROLE: Role = Role::Reply;
}

impl Outgoing for CreatePartitionsReply<'_> {
    fn encode(&self, builder: &mut Builder<'_>) {
        let topics = write_list(builder, &self.topics, |builder, topic| {
            let name = Some(builder.create_string(topic.name));
            let message = write_text(builder, topic.message);
            schema::TopicOutcome::create(builder, &schema::TopicOutcomeArgs { name, error: topic.error.0, message })
        });
        let args = schema::CreatePartitionsReplyArgs { topics: Some(topics) };
        let root = schema::CreatePartitionsReply::create(builder, &args);
        builder.finish_minimal(root);
    }
}

impl<'a> Incoming<'a> for CreatePartitionsReply<'a> {
    fn open(header: &'a [u8], _: u32) -> Result<Self, MessageError> {
        let reply = root::<schema::CreatePartitionsReply<'a>>(header)?;
        let topic = |topic: schema::TopicOutcome<'a>| TopicOutcome {
            name: topic.name(),
            error: ErrorCode(topic.error()),
            message: topic.message(),
        };
        Ok(Self { topics: reply.topics().iter().map(topic).collect() })
    }
}
