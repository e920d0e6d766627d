//! Values of DescribeConfigs for the tests.
//!
//! Generated from `schemas/kafka/describe_configs.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult, DescribeConfigsResponse,
    DescribeConfigsResult, DescribeConfigsSynonym,
};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for DescribeConfigsResource {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self {
            resource_type: draw::i8(random),
            resource_name: draw::string(random),
            configuration_keys: draw::nullable(random, |random| draw::array(random, draw::string)),
        }
    }
}

impl Sample for DescribeConfigsRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            resources: draw::array(random, |random| DescribeConfigsResource::sample(random, version)),
            include_synonyms: draw::bool(random),
            include_documentation: if version >= 3 { draw::bool(random) } else { false },
        }
    }
}

impl Sample for DescribeConfigsSynonym {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { name: draw::string(random), value: draw::nullable(random, draw::string), source: draw::i8(random) }
    }
}

impl Sample for DescribeConfigsResourceResult {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            name: draw::string(random),
            value: draw::nullable(random, draw::string),
            read_only: draw::bool(random),
            config_source: draw::i8(random),
            is_sensitive: draw::bool(random),
            synonyms: draw::array(random, |random| DescribeConfigsSynonym::sample(random, version)),
            config_type: if version >= 3 { draw::i8(random) } else { 0 },
            documentation: if version >= 3 { draw::nullable(random, draw::string) } else { Some(String::new()) },
        }
    }
}

impl Sample for DescribeConfigsResult {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            error_code: draw::i16(random),
            error_message: draw::nullable(random, draw::string),
            resource_type: draw::i8(random),
            resource_name: draw::string(random),
            configs: draw::array(random, |random| DescribeConfigsResourceResult::sample(random, version)),
        }
    }
}

impl Sample for DescribeConfigsResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            throttle_time_ms: draw::i32(random),
            results: draw::array(random, |random| DescribeConfigsResult::sample(random, version)),
        }
    }
}

impl Fixture for DescribeConfigsRequest {
    type Theirs = theirs::DescribeConfigsRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::describe_configs_request(self)
    }
}

impl Fixture for DescribeConfigsResponse {
    type Theirs = theirs::DescribeConfigsResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::describe_configs_response(self)
    }
}

mod request {
    use super::{DescribeConfigsRequest, DescribeConfigsResource};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn describe_configs_resource(
        ours: &DescribeConfigsResource,
    ) -> theirs::describe_configs_request::DescribeConfigsResource {
        let mut their = theirs::describe_configs_request::DescribeConfigsResource::default();
        their.resource_type = convert::number(ours.resource_type);
        their.resource_name = convert::string(&ours.resource_name);
        their.configuration_keys =
            ours.configuration_keys.as_ref().map(|value| value.iter().map(|item| convert::string(item)).collect());
        their
    }

    pub(super) fn describe_configs_request(
        ours: &DescribeConfigsRequest,
    ) -> theirs::describe_configs_request::DescribeConfigsRequest {
        let mut their = theirs::describe_configs_request::DescribeConfigsRequest::default();
        their.resources = ours.resources.iter().map(describe_configs_resource).collect();
        their.include_synonyms = convert::number(ours.include_synonyms);
        their.include_documentation = convert::number(ours.include_documentation);
        their
    }
}

mod response {
    use super::{
        DescribeConfigsResourceResult, DescribeConfigsResponse, DescribeConfigsResult, DescribeConfigsSynonym,
    };
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn describe_configs_synonym(
        ours: &DescribeConfigsSynonym,
    ) -> theirs::describe_configs_response::DescribeConfigsSynonym {
        let mut their = theirs::describe_configs_response::DescribeConfigsSynonym::default();
        their.name = convert::string(&ours.name);
        their.value = ours.value.as_ref().map(|value| convert::string(value));
        their.source = convert::number(ours.source);
        their
    }

    pub(super) fn describe_configs_resource_result(
        ours: &DescribeConfigsResourceResult,
    ) -> theirs::describe_configs_response::DescribeConfigsResourceResult {
        let mut their = theirs::describe_configs_response::DescribeConfigsResourceResult::default();
        their.name = convert::string(&ours.name);
        their.value = ours.value.as_ref().map(|value| convert::string(value));
        their.read_only = convert::number(ours.read_only);
        their.config_source = convert::number(ours.config_source);
        their.is_sensitive = convert::number(ours.is_sensitive);
        their.synonyms = ours.synonyms.iter().map(describe_configs_synonym).collect();
        their.config_type = convert::number(ours.config_type);
        their.documentation = ours.documentation.as_ref().map(|value| convert::string(value));
        their
    }

    pub(super) fn describe_configs_result(
        ours: &DescribeConfigsResult,
    ) -> theirs::describe_configs_response::DescribeConfigsResult {
        let mut their = theirs::describe_configs_response::DescribeConfigsResult::default();
        their.error_code = convert::number(ours.error_code);
        their.error_message = ours.error_message.as_ref().map(|value| convert::string(value));
        their.resource_type = convert::number(ours.resource_type);
        their.resource_name = convert::string(&ours.resource_name);
        their.configs = ours.configs.iter().map(describe_configs_resource_result).collect();
        their
    }

    pub(super) fn describe_configs_response(
        ours: &DescribeConfigsResponse,
    ) -> theirs::describe_configs_response::DescribeConfigsResponse {
        let mut their = theirs::describe_configs_response::DescribeConfigsResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.results = ours.results.iter().map(describe_configs_result).collect();
        their
    }
}
