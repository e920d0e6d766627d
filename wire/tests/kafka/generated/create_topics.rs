//! Values of CreateTopics for the tests.
//!
//! Generated from `schemas/kafka/create_topics.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreatableTopicConfigs, CreatableTopicResult,
    CreateTopicsRequest, CreateTopicsResponse,
};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for CreatableReplicaAssignment {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { partition_index: draw::i32(random), broker_ids: draw::array(random, draw::i32) }
    }
}

impl Sample for CreatableTopicConfig {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { name: draw::string(random), value: draw::nullable(random, draw::string) }
    }
}

impl Sample for CreatableTopic {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            name: draw::string(random),
            num_partitions: draw::i32(random),
            replication_factor: draw::i16(random),
            assignments: draw::array(random, |random| CreatableReplicaAssignment::sample(random, version)),
            configs: draw::array(random, |random| CreatableTopicConfig::sample(random, version)),
        }
    }
}

impl Sample for CreateTopicsRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            topics: draw::array(random, |random| CreatableTopic::sample(random, version)),
            timeout_ms: draw::i32(random),
            validate_only: draw::bool(random),
        }
    }
}

impl Sample for CreatableTopicConfigs {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self {
            name: draw::string(random),
            value: draw::nullable(random, draw::string),
            read_only: draw::bool(random),
            config_source: draw::i8(random),
            is_sensitive: draw::bool(random),
        }
    }
}

impl Sample for CreatableTopicResult {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            name: draw::string(random),
            topic_id: if version >= 7 { draw::u128(random) } else { 0 },
            error_code: draw::i16(random),
            error_message: draw::nullable(random, draw::string),
            topic_config_error_code: if version >= 5 && random.percent(60) { draw::i16(random) } else { 0 },
            num_partitions: if version >= 5 { draw::i32(random) } else { -1 },
            replication_factor: if version >= 5 { draw::i16(random) } else { -1 },
            configs: if version >= 5 {
                draw::nullable(random, |random| {
                    draw::array(random, |random| CreatableTopicConfigs::sample(random, version))
                })
            } else {
                Some(Vec::new())
            },
        }
    }
}

impl Sample for CreateTopicsResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            throttle_time_ms: draw::i32(random),
            topics: draw::array(random, |random| CreatableTopicResult::sample(random, version)),
        }
    }
}

impl Fixture for CreateTopicsRequest {
    type Theirs = theirs::CreateTopicsRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::create_topics_request(self)
    }
}

impl Fixture for CreateTopicsResponse {
    type Theirs = theirs::CreateTopicsResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::create_topics_response(self)
    }
}

mod request {
    use super::{CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn creatable_replica_assignment(
        ours: &CreatableReplicaAssignment,
    ) -> theirs::create_topics_request::CreatableReplicaAssignment {
        let mut their = theirs::create_topics_request::CreatableReplicaAssignment::default();
        their.partition_index = convert::number(ours.partition_index);
        their.broker_ids = ours.broker_ids.iter().map(|&item| convert::number(item)).collect();
        their
    }

    pub(super) fn creatable_topic_config(
        ours: &CreatableTopicConfig,
    ) -> theirs::create_topics_request::CreatableTopicConfig {
        let mut their = theirs::create_topics_request::CreatableTopicConfig::default();
        their.name = convert::string(&ours.name);
        their.value = ours.value.as_ref().map(|value| convert::string(value));
        their
    }

    pub(super) fn creatable_topic(ours: &CreatableTopic) -> theirs::create_topics_request::CreatableTopic {
        let mut their = theirs::create_topics_request::CreatableTopic::default();
        their.name = convert::string(&ours.name);
        their.num_partitions = convert::number(ours.num_partitions);
        their.replication_factor = convert::number(ours.replication_factor);
        their.assignments = ours.assignments.iter().map(creatable_replica_assignment).collect();
        their.configs = ours.configs.iter().map(creatable_topic_config).collect();
        their
    }

    pub(super) fn create_topics_request(
        ours: &CreateTopicsRequest,
    ) -> theirs::create_topics_request::CreateTopicsRequest {
        let mut their = theirs::create_topics_request::CreateTopicsRequest::default();
        their.topics = ours.topics.iter().map(creatable_topic).collect();
        their.timeout_ms = convert::number(ours.timeout_ms);
        their.validate_only = convert::number(ours.validate_only);
        their
    }
}

mod response {
    use super::{CreatableTopicConfigs, CreatableTopicResult, CreateTopicsResponse};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn creatable_topic_configs(
        ours: &CreatableTopicConfigs,
    ) -> theirs::create_topics_response::CreatableTopicConfigs {
        let mut their = theirs::create_topics_response::CreatableTopicConfigs::default();
        their.name = convert::string(&ours.name);
        their.value = ours.value.as_ref().map(|value| convert::string(value));
        their.read_only = convert::number(ours.read_only);
        their.config_source = convert::number(ours.config_source);
        their.is_sensitive = convert::number(ours.is_sensitive);
        their
    }

    pub(super) fn creatable_topic_result(
        ours: &CreatableTopicResult,
    ) -> theirs::create_topics_response::CreatableTopicResult {
        let mut their = theirs::create_topics_response::CreatableTopicResult::default();
        their.name = convert::string(&ours.name);
        their.topic_id = convert::uuid(ours.topic_id);
        their.error_code = convert::number(ours.error_code);
        their.error_message = ours.error_message.as_ref().map(|value| convert::string(value));
        their.topic_config_error_code = convert::number(ours.topic_config_error_code);
        their.num_partitions = convert::number(ours.num_partitions);
        their.replication_factor = convert::number(ours.replication_factor);
        their.configs = ours.configs.as_ref().map(|value| value.iter().map(creatable_topic_configs).collect());
        their
    }

    pub(super) fn create_topics_response(
        ours: &CreateTopicsResponse,
    ) -> theirs::create_topics_response::CreateTopicsResponse {
        let mut their = theirs::create_topics_response::CreateTopicsResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.topics = ours.topics.iter().map(creatable_topic_result).collect();
        their
    }
}
