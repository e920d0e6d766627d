//! One topic in all detail.

use base::{BrokerId, CoreId, LeaderEpoch, Offset, PartitionIndex, TopicId};

use super::message::{Builder, Incoming, Message, MessageError, Outgoing, leader_epoch, offset, root, topic, uuid};
use super::{ApiKey, Role, TopicReference};
use crate::generated::native as schema;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DescribeTopicRequest<'a> {
    pub topic: TopicReference<'a>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribeTopicReply<'a> {
    pub name: &'a str,
    pub id: TopicId,
    pub settings: Vec<DescribedSetting<'a>>,
    pub partitions: Vec<DescribedPartition>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DescribedSetting<'a> {
    pub name: &'a str,
    pub value: &'a str,
    pub source: DescribedSettingSource,
}

/// Where a setting's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DescribedSettingSource {
    Default,
    BrokerDefault,
    Topic,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedPartition {
    pub index: PartitionIndex,
    pub core: CoreId,
    pub leader: BrokerId,
    pub leader_epoch: LeaderEpoch,
    pub replicas: Vec<BrokerId>,
    pub isr: Vec<BrokerId>,
    /// `None`, like the other offsets, where the broker that answers does not have the log.
    pub log_start_offset: Option<Offset>,
    pub high_watermark: Option<Offset>,
    pub log_end_offset: Option<Offset>,
    pub size_bytes: u64,
}

impl DescribedSettingSource {
    fn to_schema(self) -> schema::SettingSource {
        match self {
            Self::Default => schema::SettingSource::Default,
            Self::BrokerDefault => schema::SettingSource::BrokerDefault,
            Self::Topic => schema::SettingSource::Topic,
        }
    }

    fn from_schema(source: schema::SettingSource) -> Result<Self, MessageError> {
        match source {
            schema::SettingSource::Default => Ok(Self::Default),
            schema::SettingSource::BrokerDefault => Ok(Self::BrokerDefault),
            schema::SettingSource::Topic => Ok(Self::Topic),
            other => Err(MessageError::Field { field: "source of a setting", got: i64::from(other.0) }),
        }
    }
}

impl Message for DescribeTopicRequest<'_> {
    const API: ApiKey = ApiKey::DescribeTopic;
    const ROLE: Role = Role::Request;
}

impl Outgoing for DescribeTopicRequest<'_> {
    fn encode(&self, builder: &mut Builder<'_>) {
        let topic = Some(self.topic.write(builder));
        let root = schema::DescribeTopicRequest::create(builder, &schema::DescribeTopicRequestArgs { topic });
        builder.finish_minimal(root);
    }
}

impl<'a> Incoming<'a> for DescribeTopicRequest<'a> {
    fn open(header: &'a [u8], _: u32) -> Result<Self, MessageError> {
        let request = root::<schema::DescribeTopicRequest<'a>>(header)?;
        Ok(Self { topic: TopicReference::read(request.topic())? })
    }
}

impl Message for DescribeTopicReply<'_> {
    const API: ApiKey = ApiKey::DescribeTopic;
    const ROLE: Role = Role::Reply;
}

impl Outgoing for DescribeTopicReply<'_> {
    fn encode(&self, builder: &mut Builder<'_>) {
        let settings: Vec<_> = self
            .settings
            .iter()
            .map(|setting| {
                let name = Some(builder.create_string(setting.name));
                let value = Some(builder.create_string(setting.value));
                let args = schema::DescribedSettingArgs { name, value, source: setting.source.to_schema() };
                schema::DescribedSetting::create(builder, &args)
            })
            .collect();
        let partitions: Vec<_> = self
            .partitions
            .iter()
            .map(|partition| {
                let args = schema::DescribedPartitionArgs {
                    index: partition.index.0,
                    core: partition.core.0,
                    leader: partition.leader.0,
                    leader_epoch: partition.leader_epoch.get(),
                    replicas: Some(builder.create_vector_from_iter(partition.replicas.iter().map(|broker| broker.0))),
                    isr: Some(builder.create_vector_from_iter(partition.isr.iter().map(|broker| broker.0))),
                    log_start_offset: offset(partition.log_start_offset),
                    high_watermark: offset(partition.high_watermark),
                    log_end_offset: offset(partition.log_end_offset),
                    size_bytes: partition.size_bytes,
                };
                schema::DescribedPartition::create(builder, &args)
            })
            .collect();
        let args = schema::DescribeTopicReplyArgs {
            name: Some(builder.create_string(self.name)),
            id: Some(&uuid(self.id)),
            settings: Some(builder.create_vector(&settings)),
            partitions: Some(builder.create_vector(&partitions)),
        };
        let root = schema::DescribeTopicReply::create(builder, &args);
        builder.finish_minimal(root);
    }
}

impl<'a> Incoming<'a> for DescribeTopicReply<'a> {
    fn open(header: &'a [u8], _: u32) -> Result<Self, MessageError> {
        let reply = root::<schema::DescribeTopicReply<'a>>(header)?;
        let setting = |setting: schema::DescribedSetting<'a>| {
            let source = DescribedSettingSource::from_schema(setting.source())?;
            Ok(DescribedSetting { name: setting.name(), value: setting.value(), source })
        };
        Ok(Self {
            name: reply.name(),
            id: topic(reply.id())?,
            settings: reply.settings().iter().map(setting).collect::<Result<_, MessageError>>()?,
            partitions: reply.partitions().iter().map(read_partition).collect::<Result<_, MessageError>>()?,
        })
    }
}

fn read_partition(partition: schema::DescribedPartition<'_>) -> Result<DescribedPartition, MessageError> {
    Ok(DescribedPartition {
        index: PartitionIndex(partition.index()),
        core: CoreId(partition.core()),
        leader: BrokerId(partition.leader()),
        leader_epoch: leader_epoch(partition.leader_epoch())?,
        replicas: partition.replicas().iter().map(BrokerId).collect(),
        isr: partition.isr().iter().map(BrokerId).collect(),
        log_start_offset: Offset::from_wire(partition.log_start_offset()),
        high_watermark: Offset::from_wire(partition.high_watermark()),
        log_end_offset: Offset::from_wire(partition.log_end_offset()),
        size_bytes: partition.size_bytes(),
    })
}
