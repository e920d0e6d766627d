//! Values of IncrementalAlterConfigs for the tests.
//!
//! Generated from `schemas/kafka/incremental_alter_configs.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::incremental_alter_configs::{
    AlterConfigsResource, AlterConfigsResourceResponse, AlterableConfig, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for AlterableConfig {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self {
            name: draw::string(random),
            config_operation: draw::i8(random),
            value: draw::nullable(random, draw::string),
        }
    }
}

impl Sample for AlterConfigsResource {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            resource_type: draw::i8(random),
            resource_name: draw::string(random),
            configs: draw::array(random, |random| AlterableConfig::sample(random, version)),
        }
    }
}

impl Sample for IncrementalAlterConfigsRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            resources: draw::array(random, |random| AlterConfigsResource::sample(random, version)),
            validate_only: draw::bool(random),
        }
    }
}

impl Sample for AlterConfigsResourceResponse {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self {
            error_code: draw::i16(random),
            error_message: draw::nullable(random, draw::string),
            resource_type: draw::i8(random),
            resource_name: draw::string(random),
        }
    }
}

impl Sample for IncrementalAlterConfigsResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            throttle_time_ms: draw::i32(random),
            responses: draw::array(random, |random| AlterConfigsResourceResponse::sample(random, version)),
        }
    }
}

impl Fixture for IncrementalAlterConfigsRequest {
    type Theirs = theirs::IncrementalAlterConfigsRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::incremental_alter_configs_request(self)
    }
}

impl Fixture for IncrementalAlterConfigsResponse {
    type Theirs = theirs::IncrementalAlterConfigsResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::incremental_alter_configs_response(self)
    }
}

mod request {
    use super::{AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn alterable_config(
        ours: &AlterableConfig,
    ) -> theirs::incremental_alter_configs_request::AlterableConfig {
        let mut their = theirs::incremental_alter_configs_request::AlterableConfig::default();
        their.name = convert::string(&ours.name);
        their.config_operation = convert::number(ours.config_operation);
        their.value = ours.value.as_ref().map(|value| convert::string(value));
        their
    }

    pub(super) fn alter_configs_resource(
        ours: &AlterConfigsResource,
    ) -> theirs::incremental_alter_configs_request::AlterConfigsResource {
        let mut their = theirs::incremental_alter_configs_request::AlterConfigsResource::default();
        their.resource_type = convert::number(ours.resource_type);
        their.resource_name = convert::string(&ours.resource_name);
        their.configs = ours.configs.iter().map(alterable_config).collect();
        their
    }

    pub(super) fn incremental_alter_configs_request(
        ours: &IncrementalAlterConfigsRequest,
    ) -> theirs::incremental_alter_configs_request::IncrementalAlterConfigsRequest {
        let mut their = theirs::incremental_alter_configs_request::IncrementalAlterConfigsRequest::default();
        their.resources = ours.resources.iter().map(alter_configs_resource).collect();
        their.validate_only = convert::number(ours.validate_only);
        their
    }
}

mod response {
    use super::{AlterConfigsResourceResponse, IncrementalAlterConfigsResponse};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn alter_configs_resource_response(
        ours: &AlterConfigsResourceResponse,
    ) -> theirs::incremental_alter_configs_response::AlterConfigsResourceResponse {
        let mut their = theirs::incremental_alter_configs_response::AlterConfigsResourceResponse::default();
        their.error_code = convert::number(ours.error_code);
        their.error_message = ours.error_message.as_ref().map(|value| convert::string(value));
        their.resource_type = convert::number(ours.resource_type);
        their.resource_name = convert::string(&ours.resource_name);
        their
    }

    pub(super) fn incremental_alter_configs_response(
        ours: &IncrementalAlterConfigsResponse,
    ) -> theirs::incremental_alter_configs_response::IncrementalAlterConfigsResponse {
        let mut their = theirs::incremental_alter_configs_response::IncrementalAlterConfigsResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.responses = ours.responses.iter().map(alter_configs_resource_response).collect();
        their
    }
}
