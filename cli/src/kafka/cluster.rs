//! Who leads which partition, and the connections to the leaders.

use std::collections::BTreeMap;

use wire::ErrorCode;
use wire::kafka::ApiKey;
use wire::kafka::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use wire::kafka::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseTopic};

use super::connection::Connection;
use super::error::KafkaError;

/// A broker by its id.
pub(crate) type Leader = i32;

/// A topic's name and a partition's index.
pub(crate) type TopicPartition = (String, u32);

#[derive(Clone, Debug)]
pub(crate) struct TopicMetadata {
    pub(crate) name: String,
    /// Zero from a broker that has no ids.
    pub(crate) id: u128,
    pub(crate) is_internal: bool,
    /// By index, without gaps.
    pub(crate) partitions: Vec<PartitionMetadata>,
}

#[derive(Clone, Debug)]
pub(crate) struct PartitionMetadata {
    pub(crate) leader: Option<Leader>,
    pub(crate) leader_epoch: Option<u32>,
    pub(crate) replicas: Vec<i32>,
    pub(crate) isr: Vec<i32>,
}

/// An offset to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OffsetQuery {
    Earliest,
    Latest,
    /// Of the first record with this timestamp or a later one.
    At(u64),
}

impl OffsetQuery {
    fn to_wire(self) -> i64 {
        match self {
            Self::Earliest => -2,
            Self::Latest => -1,
            Self::At(millis) => i64::try_from(millis).unwrap_or(i64::MAX),
        }
    }
}

pub(crate) struct Cluster {
    /// The broker that the user named.
    bootstrap: String,
    seed: Option<Connection>,
    brokers: BTreeMap<Leader, String>,
    connections: BTreeMap<Leader, Connection>,
    /// By group, as far as they are known.
    pub(super) coordinators: BTreeMap<String, Leader>,
}

impl Cluster {
    pub(crate) fn connect(bootstrap: &str) -> Result<Self, KafkaError> {
        let seed = Connection::open(bootstrap)?;
        Ok(Self {
            bootstrap: bootstrap.to_owned(),
            seed: Some(seed),
            brokers: BTreeMap::new(),
            connections: BTreeMap::new(),
            coordinators: BTreeMap::new(),
        })
    }

    pub(crate) fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// The connection for questions to any broker.
    pub(crate) fn seed(&mut self) -> Result<&mut Connection, KafkaError> {
        if self.seed.is_none() {
            self.seed = Some(Connection::open(&self.bootstrap)?);
        }
        Ok(self.seed.as_mut().expect("it has just been made"))
    }

    fn metadata(&mut self, names: Option<&[&str]>) -> Result<MetadataResponse, KafkaError> {
        let topic = |name: &&str| MetadataRequestTopic { name: Some((*name).to_owned()), ..Default::default() };
        let request = MetadataRequest {
            topics: names.map(|names| names.iter().map(topic).collect()),
            allow_auto_topic_creation: false,
            ..MetadataRequest::default()
        };
        let answered = self.seed()?.ask(&request);
        let response = match answered {
            Err(KafkaError::Lost { .. }) => {
                // The broker may have been restarted since.
                self.seed = None;
                self.seed()?.ask(&request)?
            }
            other => other?,
        };
        for broker in &response.brokers {
            self.brokers.insert(broker.node_id, format!("{}:{}", broker.host, broker.port));
        }
        Ok(response)
    }

    /// All brokers there are.
    pub(super) fn broker_ids(&mut self) -> Result<Vec<Leader>, KafkaError> {
        let response = self.metadata(Some(&[]))?;
        Ok(response.brokers.iter().map(|broker| broker.node_id).collect())
    }

    pub(super) fn learn_broker(&mut self, broker: Leader, address: String) {
        self.brokers.insert(broker, address);
    }

    /// All topics, by name.
    pub(crate) fn topics(&mut self) -> Result<Vec<TopicMetadata>, KafkaError> {
        let response = self.metadata(None)?;
        let topics = response.topics.into_iter().map(|topic| self.topic_of(topic));
        let mut topics = topics.collect::<Result<Vec<_>, _>>()?;
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(topics)
    }

    pub(crate) fn topic(&mut self, name: &str) -> Result<TopicMetadata, KafkaError> {
        let response = self.metadata(Some(&[name]))?;
        let Some(topic) = response.topics.into_iter().find(|topic| topic.name.as_deref() == Some(name)) else {
            let what = format!("topic {name:?} was asked for, and is not in it");
            return Err(KafkaError::Answer { broker: self.bootstrap.clone(), api: ApiKey::Metadata, what });
        };
        self.topic_of(topic)
    }

    /// Those of the topics that there are.
    pub(crate) fn topics_among(&mut self, names: &[&str]) -> Result<BTreeMap<String, TopicMetadata>, KafkaError> {
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        let response = self.metadata(Some(names))?;
        let missing = ErrorCode::UnknownTopicOrPartition.code();
        let there = response.topics.into_iter().filter(|topic| topic.error_code != missing);
        there.map(|topic| self.topic_of(topic).map(|topic| (topic.name.clone(), topic))).collect()
    }

    fn topic_of(&self, topic: MetadataResponseTopic) -> Result<TopicMetadata, KafkaError> {
        let name = topic.name.unwrap_or_default();
        if topic.error_code != 0 {
            return Err(self.refused(ApiKey::Metadata, Some(&name), None, topic.error_code));
        }
        let mut partitions = topic.partitions;
        partitions.sort_by_key(|partition| partition.partition_index);
        let dense = (0_i32..).zip(&partitions).all(|(index, partition)| partition.partition_index == index);
        if !dense || partitions.is_empty() {
            let what = format!("the partitions of topic {name:?} are not counted from 0");
            return Err(KafkaError::Answer { broker: self.bootstrap.clone(), api: ApiKey::Metadata, what });
        }
        let partition = |partition: wire::kafka::metadata::MetadataResponsePartition| PartitionMetadata {
            leader: Some(partition.leader_id).filter(|leader| *leader >= 0),
            leader_epoch: u32::try_from(partition.leader_epoch).ok(),
            replicas: partition.replica_nodes,
            isr: partition.isr_nodes,
        };
        Ok(TopicMetadata {
            name,
            id: topic.topic_id,
            is_internal: topic.is_internal,
            partitions: partitions.into_iter().map(partition).collect(),
        })
    }

    fn refused(&self, api: ApiKey, topic: Option<&str>, partition: Option<i32>, code: i16) -> KafkaError {
        let broker = self.bootstrap.clone();
        KafkaError::Refused { broker, api, topic: topic.map(str::to_owned), partition, code, message: None }
    }

    /// The connection to a broker, made when there is none.
    pub(crate) fn leader(&mut self, leader: Leader) -> Result<&mut Connection, KafkaError> {
        if !self.connections.contains_key(&leader) {
            let Some(address) = self.brokers.get(&leader) else {
                let what = format!("it names broker {leader} as a leader, and no address of it");
                return Err(KafkaError::Answer { broker: self.bootstrap.clone(), api: ApiKey::Metadata, what });
            };
            let connection = Connection::open(address)?;
            self.connections.insert(leader, connection);
        }
        Ok(self.connections.get_mut(&leader).expect("it has just been put there"))
    }

    /// The connections to leaders that there are.
    pub(crate) fn connections(&mut self) -> impl Iterator<Item = (Leader, &mut Connection)> {
        self.connections.iter_mut().map(|(leader, connection)| (*leader, connection))
    }

    /// Closes a connection: the next use makes a new one.
    pub(crate) fn drop_leader(&mut self, leader: Leader) {
        self.connections.remove(&leader);
    }

    /// Offsets of some partitions of a topic, each from its leader. `None` where no record is that late.
    pub(crate) fn offsets(
        &mut self,
        topic: &TopicMetadata,
        queries: &[(u32, OffsetQuery)],
    ) -> Result<Vec<Option<u64>>, KafkaError> {
        let mut named = Vec::with_capacity(queries.len());
        for (index, query) in queries {
            named.push(((topic.name.clone(), *index), leader_of(topic, *index)?, *query));
        }
        self.offsets_across(&named)?.into_iter().collect()
    }

    /// Offsets of partitions of several topics, each from its leader: what was asked for, in that order.
    pub(crate) fn offsets_across(
        &mut self,
        queries: &[(TopicPartition, Leader, OffsetQuery)],
    ) -> Result<Vec<Result<Option<u64>, KafkaError>>, KafkaError> {
        let mut by_leader: BTreeMap<Leader, BTreeMap<&str, Vec<ListOffsetsPartition>>> = BTreeMap::new();
        for ((topic, index), leader, query) in queries {
            by_leader.entry(*leader).or_default().entry(topic).or_default().push(ListOffsetsPartition {
                partition_index: index.cast_signed(),
                current_leader_epoch: -1,
                timestamp: query.to_wire(),
            });
        }
        let mut found: BTreeMap<TopicPartition, Result<Option<u64>, KafkaError>> = BTreeMap::new();
        for (leader, topics) in by_leader {
            let topic = |(name, partitions): (&str, _)| ListOffsetsTopic { name: name.to_owned(), partitions };
            let topics = topics.into_iter().map(topic).collect();
            let request = ListOffsetsRequest { replica_id: -1, topics, ..ListOffsetsRequest::default() };
            let connection = self.leader(leader)?;
            let response = connection.ask(&request)?;
            for topic in response.topics {
                for answer in topic.partitions {
                    let outcome = match answer.error_code {
                        0 => Ok(u64::try_from(answer.offset).ok()),
                        code => Err(KafkaError::Refused {
                            broker: connection.broker().to_owned(),
                            api: ApiKey::ListOffsets,
                            topic: Some(topic.name.clone()),
                            partition: Some(answer.partition_index),
                            code,
                            message: None,
                        }),
                    };
                    found.insert((topic.name.clone(), answer.partition_index.cast_unsigned()), outcome);
                }
            }
        }
        let answer_of = |(partition, ..): &(TopicPartition, Leader, OffsetQuery)| match found.remove(partition) {
            Some(outcome) => Ok(outcome),
            None => {
                let what = format!("partition {} of topic {:?} is not in it", partition.1, partition.0);
                Err(KafkaError::Answer { broker: self.bootstrap.clone(), api: ApiKey::ListOffsets, what })
            }
        };
        queries.iter().map(answer_of).collect()
    }
}

pub(crate) fn leader_of(topic: &TopicMetadata, index: u32) -> Result<Leader, KafkaError> {
    let partitions = topic.partitions.len();
    let Some(partition) = topic.partitions.get(index as usize) else {
        return Err(KafkaError::NoPartition { topic: topic.name.clone(), partition: index, partitions });
    };
    partition.leader.ok_or_else(|| KafkaError::NoLeader {
        topic: topic.name.clone(),
        partition: index.cast_signed(),
        why: ErrorCode::LeaderNotAvailable.message().to_owned(),
    })
}
