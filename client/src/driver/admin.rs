//! Topics and brokers, looked at and changed.

mod offsets;
mod partitions;
mod topics;

use std::rc::Rc;
use std::sync::Arc;

use base::{BrokerId, LeaderEpoch, Offset, PartitionIndex, Timestamp, TopicId};
use wire::native::{
    ApiKey, BrokerStatusReply, BrokerStatusRequest, DescribeTopicReply, DescribeTopicRequest, DescribedPartition,
    DescribedSettingSource, MetadataReply, MetadataRequest, OffsetAt, TopicReference, TopicSelection,
};

pub use self::partitions::MovedPartition;
use super::calls::{CallError, ask};
use super::client::Shared;
use super::control::Repetition;
use super::pool::Purpose;
use crate::error::ClientError;
use crate::machine::refusal::Refusal;

/// Administers a cluster. Clones are the same administrator.
#[derive(Clone)]
pub struct Admin {
    shared: Rc<Shared>,
}

/// A topic to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    pub name: String,
    /// `None` takes the broker's default.
    pub partitions: Option<u32>,
    /// `None` takes the broker's default.
    pub replication_factor: Option<u16>,
    /// Replicas by partition, instead of the two above; empty lets the cluster choose.
    pub assignment: Vec<Vec<BrokerId>>,
    /// By Kafka's names.
    pub settings: Vec<(String, String)>,
}

impl NewTopic {
    pub fn new(name: impl Into<String>, partitions: u32) -> Self {
        Self {
            name: name.into(),
            partitions: Some(partitions),
            replication_factor: None,
            assignment: Vec::new(),
            settings: Vec::new(),
        }
    }

    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    pub fn replication_factor(self, replicas: u16) -> Self {
        Self { replication_factor: Some(replicas), ..self }
    }
}

/// How many partitions a topic shall have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionTotal {
    pub topic: String,
    pub total: u32,
    /// Replicas of the new partitions only; `None` lets the cluster choose.
    pub assignment: Option<Vec<Vec<BrokerId>>>,
}

/// What became of one topic of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicResult {
    pub topic: Arc<str>,
    /// The id of a topic that was made.
    pub result: Result<Option<TopicId>, Refusal>,
}

/// A topic in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicListing {
    pub name: Arc<str>,
    pub id: TopicId,
    pub partitions: u32,
    /// Partitions that nobody leads at present.
    pub without_leader: u32,
}

/// A topic in all detail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedTopic {
    pub name: Arc<str>,
    pub id: TopicId,
    /// Name, value, and where the value comes from.
    pub settings: Vec<(String, String, DescribedSettingSource)>,
    pub partitions: Vec<DescribedPartition>,
}

/// Where a partition was at some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedOffset {
    pub topic: Arc<str>,
    pub partition: PartitionIndex,
    /// `None` when no record is as asked for.
    pub offset: Option<Offset>,
    pub timestamp: Option<Timestamp>,
    pub leader_epoch: Option<LeaderEpoch>,
}

/// How one broker is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerStatus {
    pub broker: BrokerId,
    pub software: Arc<str>,
    pub version: Arc<str>,
    pub cluster_id: Arc<str>,
    pub status: BrokerStatusReply,
}

impl Admin {
    pub(super) fn new(shared: Rc<Shared>) -> Self {
        Self { shared }
    }

    /// All topics, in the order of their names.
    pub async fn list_topics(&self) -> Result<Vec<TopicListing>, ClientError> {
        let mut listed: Vec<TopicListing> = Vec::new();
        loop {
            let after = listed.last().map(|topic| topic.name.clone());
            let selection = TopicSelection::All { after: after.as_deref() };
            let request = MetadataRequest { selection, page_partitions_max: None };
            let answered = self.shared.operate(&request, None, Repetition::Harmless).await?;
            let reply: MetadataReply<'_> =
                answered.frame.open().map_err(|error| answered.unreadable(ApiKey::Metadata, error))?;
            for topic in &reply.topics {
                let Some(id) = topic.id.filter(|_| topic.error.is_none()) else { continue };
                let count = |partitions: usize| u32::try_from(partitions).expect("a frame holds fewer partitions");
                listed.push(TopicListing {
                    name: topic.name.into(),
                    id,
                    partitions: count(topic.partitions.len()),
                    without_leader: count(topic.partitions.iter().filter(|route| !route.error.is_none()).count()),
                });
            }
            // A page that brings nothing new would be asked for again without end.
            let is_further = listed.last().map(|topic| &topic.name) > after.as_ref();
            if !reply.has_more || !is_further {
                return Ok(listed);
            }
        }
    }

    pub async fn describe_topic(&self, name: &str) -> Result<DescribedTopic, ClientError> {
        let topic: Arc<str> = name.into();
        let request = DescribeTopicRequest { topic: TopicReference::Name(name) };
        let described = self.shared.operate(&request, Some(&topic), Repetition::Harmless).await;
        let answered = described.map_err(|error| match error {
            ClientError::Refused { refusal, .. } if refusal.is_unknown_topic() => {
                ClientError::UnknownTopic { topic: topic.clone() }
            }
            other => other,
        })?;
        let reply: DescribeTopicReply<'_> =
            answered.frame.open().map_err(|error| answered.unreadable(ApiKey::DescribeTopic, error))?;
        let setting = |setting: &wire::native::DescribedSetting<'_>| {
            (setting.name.to_owned(), setting.value.to_owned(), setting.source)
        };
        Ok(DescribedTopic {
            name: reply.name.into(),
            id: reply.id,
            settings: reply.settings.iter().map(setting).collect(),
            partitions: reply.partitions,
        })
    }

    /// How the broker that answers first is doing.
    pub async fn broker_status(&self) -> Result<BrokerStatus, ClientError> {
        let answered = self.shared.operate(&BrokerStatusRequest, None, Repetition::Harmless).await?;
        let status: BrokerStatusReply =
            answered.frame.open().map_err(|error| answered.unreadable(ApiKey::BrokerStatus, error))?;
        Ok(BrokerStatus::new(&answered.connection.greeting(), status))
    }

    /// How every broker that the client has met is doing, in the order of their ids.
    pub async fn all_broker_statuses(&self) -> Result<Vec<(BrokerId, Result<BrokerStatus, ClientError>)>, ClientError> {
        self.shared.control().await?;
        let mut statuses = Vec::new();
        for broker in self.shared.known_brokers() {
            statuses.push((broker, self.status_of(broker).await));
        }
        Ok(statuses)
    }

    async fn status_of(&self, broker: BrokerId) -> Result<BrokerStatus, ClientError> {
        let destination = Shared::core_zero(broker);
        let address = self.shared.metadata.borrow().address(destination).expect("brokers that were met have addresses");
        let api = ApiKey::BrokerStatus;
        let reached = self.shared.reach(&address, Purpose::Control).await;
        let connection = reached.map_err(|error| ClientError::Connection { broker: address.clone(), api, error })?;
        let frame = ask(&connection, &BrokerStatusRequest, self.shared.config.request_timeout).await;
        let frame = frame.map_err(|error| error.about(&connection, api, None))?;
        let status: BrokerStatusReply = frame.open().map_err(|error| {
            connection.fail_unreadable(api, error);
            CallError::Lost(connection.error().expect("it has just failed")).about(&connection, api, None)
        })?;
        Ok(BrokerStatus::new(&connection.greeting(), status))
    }

    /// Where partitions begin or end, or were at some time; in the order of the queries.
    pub async fn list_offsets(
        &self,
        queries: &[(&str, PartitionIndex, OffsetAt)],
    ) -> Result<Vec<ListedOffset>, ClientError> {
        let mut resolved = Vec::with_capacity(queries.len());
        let mut names = Vec::with_capacity(queries.len());
        for (name, index, at) in queries {
            let topic = self.shared.topic(name).await?;
            let id = topic.partition(*index).ok_or_else(|| ClientError::NoSuchPartition {
                topic: topic.name().clone(),
                partition: *index,
                partitions: topic.partition_count(),
            })?;
            names.push(topic.name().clone());
            resolved.push((id, *at));
        }
        let answers = self.shared.list_offsets(&resolved).await?;
        let listed = names.into_iter().zip(answers).map(|(topic, answer)| ListedOffset {
            topic,
            partition: answer.partition,
            offset: answer.offset,
            timestamp: answer.timestamp,
            leader_epoch: answer.leader_epoch,
        });
        Ok(listed.collect())
    }
}

impl BrokerStatus {
    fn new(greeting: &crate::machine::connection::Greeting, status: BrokerStatusReply) -> Self {
        Self {
            broker: greeting.broker,
            software: greeting.software.clone(),
            version: greeting.version.clone(),
            cluster_id: greeting.cluster_id.clone(),
            status,
        }
    }
}
