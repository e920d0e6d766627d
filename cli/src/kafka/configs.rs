//! Settings of topics, described and changed one by one; and topics that grow.

use wire::kafka::ApiKey;
use wire::kafka::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use wire::kafka::describe_configs::{DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult};
use wire::kafka::incremental_alter_configs::{AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest};

use super::admin::{RESOURCE_TOPIC, TIMEOUT_MS};
use super::cluster::Cluster;
use super::error::KafkaError;

const SOURCE_TOPIC: i8 = 1;
const OPERATION_SET: i8 = 0;
const OPERATION_DELETE: i8 = 1;

/// Whether a change is made, or only checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Execution {
    Do,
    ValidateOnly,
}

/// One setting of a topic, and what it becomes: `None` is what holds if the topic does not set it.
pub(crate) type ConfigChange = (String, Option<String>);

#[derive(Clone, Debug)]
pub(crate) struct TopicSetting {
    pub(crate) name: String,
    /// `None` where the broker keeps it to itself.
    pub(crate) value: Option<String>,
    /// What would hold if the topic did not set it, as far as the broker tells.
    pub(crate) default: Option<String>,
    /// Where the value comes from.
    pub(crate) source: &'static str,
    /// The topic itself sets it.
    pub(crate) is_own: bool,
    pub(crate) documentation: Option<String>,
}

impl Cluster {
    /// All settings of a topic, by name.
    pub(crate) fn topic_settings(&mut self, name: &str) -> Result<Vec<TopicSetting>, KafkaError> {
        let resource = DescribeConfigsResource {
            resource_type: RESOURCE_TOPIC,
            resource_name: name.to_owned(),
            configuration_keys: None,
        };
        let seed = self.seed()?;
        // Only from version 3 on there are documentations to be asked for.
        let include_documentation = seed.version_of(ApiKey::DescribeConfigs)? >= 3;
        let request =
            DescribeConfigsRequest { resources: vec![resource], include_synonyms: true, include_documentation };
        let response = seed.ask(&request)?;
        let mut settings = Vec::new();
        for result in response.results {
            if result.error_code != 0 {
                return Err(self.topic_refused(ApiKey::DescribeConfigs, name, result.error_code, result.error_message));
            }
            settings.extend(result.configs.into_iter().map(setting));
        }
        settings.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(settings)
    }

    pub(crate) fn alter_topic(
        &mut self,
        name: &str,
        changes: &[ConfigChange],
        execution: Execution,
    ) -> Result<(), KafkaError> {
        let change = |(name, value): &ConfigChange| AlterableConfig {
            name: name.clone(),
            config_operation: if value.is_some() { OPERATION_SET } else { OPERATION_DELETE },
            value: value.clone(),
        };
        let resource = AlterConfigsResource {
            resource_type: RESOURCE_TOPIC,
            resource_name: name.to_owned(),
            configs: changes.iter().map(change).collect(),
        };
        let validate_only = execution == Execution::ValidateOnly;
        let response =
            self.seed()?.ask(&IncrementalAlterConfigsRequest { resources: vec![resource], validate_only })?;
        let result = response.responses.into_iter().find(|response| response.resource_name == name);
        let (code, message) = result.map_or((-1, None), |result| (result.error_code, result.error_message));
        match code {
            0 => Ok(()),
            code => Err(self.topic_refused(ApiKey::IncrementalAlterConfigs, name, code, message)),
        }
    }

    /// Makes it so many partitions.
    pub(crate) fn grow_topic(&mut self, name: &str, partitions: u32, execution: Execution) -> Result<(), KafkaError> {
        let topic = CreatePartitionsTopic { name: name.to_owned(), count: partitions.cast_signed(), assignments: None };
        let validate_only = execution == Execution::ValidateOnly;
        let request = CreatePartitionsRequest { topics: vec![topic], timeout_ms: TIMEOUT_MS, validate_only };
        let response = self.seed()?.ask(&request)?;
        let result = response.results.into_iter().find(|result| result.name == name);
        let (code, message) = result.map_or((-1, None), |result| (result.error_code, result.error_message));
        match code {
            0 => Ok(()),
            code => Err(self.topic_refused(ApiKey::CreatePartitions, name, code, message)),
        }
    }
}

fn setting(config: DescribeConfigsResourceResult) -> TopicSetting {
    let is_own = config.config_source == SOURCE_TOPIC;
    // What holds comes first, and then what would hold without it.
    let default = match is_own {
        true => config.synonyms.into_iter().find(|synonym| synonym.source != SOURCE_TOPIC).and_then(|next| next.value),
        false => config.value.clone(),
    };
    TopicSetting {
        name: config.name,
        value: config.value.filter(|_| !config.is_sensitive),
        default: default.filter(|_| !config.is_sensitive),
        source: source(config.config_source),
        is_own,
        documentation: config.documentation,
    }
}

fn source(code: i8) -> &'static str {
    match code {
        SOURCE_TOPIC => "topic",
        2 => "broker, dynamic",
        3 => "cluster, dynamic",
        4 => "broker",
        5 => "default",
        _ => "unknown",
    }
}
