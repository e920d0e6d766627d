//! Which topics there are, and which core owns each partition.

use base::{BrokerId, CoreId, LeaderEpoch, PartitionIndex, TopicId};

use super::hello::{read_endpoints, write_endpoints};
use super::message::{Builder, Incoming, Message, MessageError, Outgoing, leader_epoch, optional_topic, root, uuid};
use super::{ApiKey, Endpoint, ErrorCode, Role};
use crate::generated::native as schema;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataRequest<'a> {
    pub selection: TopicSelection<'a>,
    /// At most so many partitions in the reply, but always one whole topic. `None` leaves it to the broker.
    pub page_partitions_max: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicSelection<'a> {
    Named(Vec<&'a str>),
    /// All topics in the order of names, from the first one after this name on.
    All {
        after: Option<&'a str>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataReply<'a> {
    pub topics: Vec<TopicMetadata<'a>>,
    /// By core: where to reach it directly.
    pub core_endpoints: Vec<Endpoint<'a>>,
    /// There are topics after the last one.
    pub has_more: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicMetadata<'a> {
    pub error: ErrorCode,
    pub name: &'a str,
    /// `None` for a topic that does not exist.
    pub id: Option<TopicId>,
    pub partitions: Vec<PartitionRoute>,
}

/// The way to one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionRoute {
    pub index: PartitionIndex,
    pub leader: BrokerId,
    pub leader_epoch: LeaderEpoch,
    /// The core of the leader that owns the partition.
    pub core: CoreId,
    pub error: ErrorCode,
}

impl Message for MetadataRequest<'_> {
    const API: ApiKey = ApiKey::Metadata;
    const ROLE: Role = Role::Request;
}

impl Outgoing for MetadataRequest<'_> {
    fn encode(&self, builder: &mut Builder<'_>) {
        let mut args = schema::MetadataRequestArgs {
            page_partitions_max: self.page_partitions_max.unwrap_or(0),
            ..Default::default()
        };
        match &self.selection {
            TopicSelection::Named(names) => {
                let names: Vec<_> = names.iter().map(|name| builder.create_string(name)).collect();
                args.topics = Some(builder.create_vector(&names));
            }
            TopicSelection::All { after } => args.after = after.map(|name| builder.create_string(name)),
        }
        let root = schema::MetadataRequest::create(builder, &args);
        builder.finish_minimal(root);
    }
}

impl<'a> Incoming<'a> for MetadataRequest<'a> {
    fn open(header: &'a [u8], _: u32) -> Result<Self, MessageError> {
        let request = root::<schema::MetadataRequest<'a>>(header)?;
        let selection = match request.topics() {
            Some(names) => TopicSelection::Named(names.iter().collect()),
            None => TopicSelection::All { after: request.after() },
        };
        Ok(Self { selection, page_partitions_max: Some(request.page_partitions_max()).filter(|most| *most > 0) })
    }
}

impl Message for MetadataReply<'_> {
    const API: ApiKey = ApiKey::Metadata;
    const ROLE: Role = Role::Reply;
}

impl Outgoing for MetadataReply<'_> {
    fn encode(&self, builder: &mut Builder<'_>) {
        let topics: Vec<_> = self
            .topics
            .iter()
            .map(|topic| {
                let routes = topic.partitions.iter().map(|route| {
                    let PartitionRoute { index, leader, leader_epoch, core, error } = *route;
                    schema::PartitionRoute::new(index.0, leader.0, leader_epoch.get(), core.0, error.0)
                });
                let partitions = Some(builder.create_vector_from_iter(routes));
                let name = Some(builder.create_string(topic.name));
                let id = topic.id.map(uuid);
                let args = schema::TopicMetadataArgs { error: topic.error.0, name, id: id.as_ref(), partitions };
                schema::TopicMetadata::create(builder, &args)
            })
            .collect();
        let topics = Some(builder.create_vector(&topics));
        let core_endpoints = Some(write_endpoints(builder, &self.core_endpoints));
        let args = schema::MetadataReplyArgs { topics, core_endpoints, has_more: self.has_more };
        let root = schema::MetadataReply::create(builder, &args);
        builder.finish_minimal(root);
    }
}

impl<'a> Incoming<'a> for MetadataReply<'a> {
    fn open(header: &'a [u8], _: u32) -> Result<Self, MessageError> {
        let reply = root::<schema::MetadataReply<'a>>(header)?;
        Ok(Self {
            topics: reply.topics().iter().map(read_topic).collect::<Result<_, _>>()?,
            core_endpoints: read_endpoints(reply.core_endpoints()),
            has_more: reply.has_more(),
        })
    }
}

fn read_topic(topic: schema::TopicMetadata<'_>) -> Result<TopicMetadata<'_>, MessageError> {
    let route = |route: &schema::PartitionRoute| {
        Ok(PartitionRoute {
            index: PartitionIndex(route.index()),
            leader: BrokerId(route.leader()),
            leader_epoch: leader_epoch(route.leader_epoch())?,
            core: CoreId(route.core()),
            error: ErrorCode(route.error()),
        })
    };
    Ok(TopicMetadata {
        error: ErrorCode(topic.error()),
        name: topic.name(),
        id: optional_topic(topic.id()),
        partitions: topic.partitions().iter().map(route).collect::<Result<_, MessageError>>()?,
    })
}
