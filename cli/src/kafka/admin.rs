//! Topics made, described and deleted, and their records.

use std::collections::BTreeMap;

use wire::ErrorCode;
use wire::kafka::ApiKey;
use wire::kafka::create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
use wire::kafka::delete_records::{DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic};
use wire::kafka::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use wire::kafka::describe_configs::{DescribeConfigsRequest, DescribeConfigsResource};

use super::cluster::{Cluster, Leader, TopicMetadata, leader_of};
use super::error::KafkaError;

pub(super) const TIMEOUT_MS: i32 = 30_000;
pub(super) const RESOURCE_TOPIC: i8 = 2;
/// Set for this topic, in contrast to a default.
const SOURCE_TOPIC: i8 = 1;
/// From this version on topics are deleted by name or id; before, by a list of names.
const DELETE_BY_STATE: i16 = 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CreateOutcome {
    Created,
    Existed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeleteOutcome {
    Deleted,
    Missing,
}

/// A setting of a topic that is not the default.
pub(crate) type ConfigEntry = (String, String);

impl Cluster {
    /// `partitions` of `None` leaves it to the broker.
    pub(crate) fn create_topic(
        &mut self,
        name: &str,
        partitions: Option<u32>,
        configs: &[ConfigEntry],
    ) -> Result<CreateOutcome, KafkaError> {
        let config =
            |(name, value): &ConfigEntry| CreatableTopicConfig { name: name.clone(), value: Some(value.clone()) };
        let topic = CreatableTopic {
            name: name.to_owned(),
            num_partitions: partitions.map_or(-1, u32::cast_signed),
            replication_factor: -1,
            configs: configs.iter().map(config).collect(),
            ..CreatableTopic::default()
        };
        let request = CreateTopicsRequest { topics: vec![topic], timeout_ms: TIMEOUT_MS, validate_only: false };
        let response = self.seed()?.ask(&request)?;
        let result = response.topics.into_iter().find(|topic| topic.name == name);
        let (code, message) = result.map_or((-1, None), |result| (result.error_code, result.error_message));
        match ErrorCode::from_code(code) {
            Some(ErrorCode::None) => Ok(CreateOutcome::Created),
            Some(ErrorCode::TopicAlreadyExists) => Ok(CreateOutcome::Existed),
            _ => Err(self.topic_refused(ApiKey::CreateTopics, name, code, message)),
        }
    }

    pub(crate) fn delete_topic(&mut self, name: &str) -> Result<DeleteOutcome, KafkaError> {
        let seed = self.seed()?;
        let by_state = seed.version_of(ApiKey::DeleteTopics)? >= DELETE_BY_STATE;
        let mut request = DeleteTopicsRequest { timeout_ms: TIMEOUT_MS, ..DeleteTopicsRequest::default() };
        match by_state {
            true => request.topics.push(DeleteTopicState { name: Some(name.to_owned()), topic_id: 0 }),
            false => request.topic_names.push(name.to_owned()),
        }
        let response = seed.ask(&request)?;
        let result = response.responses.into_iter().find(|topic| topic.name.as_deref() == Some(name));
        let (code, message) = result.map_or((-1, None), |result| (result.error_code, result.error_message));
        match ErrorCode::from_code(code) {
            Some(ErrorCode::None) => Ok(DeleteOutcome::Deleted),
            Some(ErrorCode::UnknownTopicOrPartition) => Ok(DeleteOutcome::Missing),
            _ => Err(self.topic_refused(ApiKey::DeleteTopics, name, code, message)),
        }
    }

    /// Deletes the records of partitions before an offset of each; gives the start of each.
    pub(crate) fn delete_records(
        &mut self,
        topic: &TopicMetadata,
        partitions: &[(u32, u64)],
    ) -> Result<Vec<(u32, u64)>, KafkaError> {
        let mut by_leader: BTreeMap<Leader, Vec<DeleteRecordsPartition>> = BTreeMap::new();
        for (index, before) in partitions {
            let offset = i64::try_from(*before).unwrap_or(i64::MAX);
            let partition = DeleteRecordsPartition { partition_index: index.cast_signed(), offset };
            by_leader.entry(leader_of(topic, *index)?).or_default().push(partition);
        }
        let mut starts = Vec::new();
        for (leader, partitions) in by_leader {
            let topics = vec![DeleteRecordsTopic { name: topic.name.clone(), partitions }];
            let connection = self.leader(leader)?;
            let broker = connection.broker().to_owned();
            let response = connection.ask(&DeleteRecordsRequest { topics, timeout_ms: TIMEOUT_MS })?;
            for answer in response.topics.iter().flat_map(|topic| &topic.partitions) {
                let partition = Some(answer.partition_index);
                let (Ok(index), Ok(start), 0) =
                    (u32::try_from(answer.partition_index), u64::try_from(answer.low_watermark), answer.error_code)
                else {
                    let (api, topic) = (ApiKey::DeleteRecords, Some(topic.name.clone()));
                    let (code, message) = (answer.error_code, None);
                    return Err(KafkaError::Refused { broker, api, topic, partition, code, message });
                };
                starts.push((index, start));
            }
        }
        starts.sort_unstable();
        Ok(starts)
    }

    /// What is set for the topic itself, by name.
    pub(crate) fn topic_configs(&mut self, name: &str) -> Result<Vec<ConfigEntry>, KafkaError> {
        let resource = DescribeConfigsResource {
            resource_type: RESOURCE_TOPIC,
            resource_name: name.to_owned(),
            configuration_keys: None,
        };
        let request = DescribeConfigsRequest { resources: vec![resource], ..DescribeConfigsRequest::default() };
        let response = self.seed()?.ask(&request)?;
        let mut configs = Vec::new();
        for result in response.results {
            if result.error_code != 0 {
                return Err(self.topic_refused(ApiKey::DescribeConfigs, name, result.error_code, result.error_message));
            }
            let own = result.configs.into_iter().filter(|config| config.config_source == SOURCE_TOPIC);
            configs.extend(own.map(|config| (config.name, config.value.unwrap_or_default())));
        }
        configs.sort();
        Ok(configs)
    }

    pub(super) fn topic_refused(&self, api: ApiKey, topic: &str, code: i16, message: Option<String>) -> KafkaError {
        let broker = self.bootstrap().to_owned();
        KafkaError::Refused { broker, api, topic: Some(topic.to_owned()), partition: None, code, message }
    }
}
