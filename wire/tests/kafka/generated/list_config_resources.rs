//! Values of ListConfigResources for the tests.
//!
//! Generated from `schemas/kafka/list_config_resources.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::list_config_resources::{ConfigResource, ListConfigResourcesRequest, ListConfigResourcesResponse};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for ListConfigResourcesRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self { resource_types: if version >= 1 { draw::array(random, draw::i8) } else { Vec::new() } }
    }
}

impl Sample for ConfigResource {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self { resource_name: draw::string(random), resource_type: if version >= 1 { draw::i8(random) } else { 16 } }
    }
}

impl Sample for ListConfigResourcesResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            throttle_time_ms: draw::i32(random),
            error_code: draw::i16(random),
            config_resources: draw::array(random, |random| ConfigResource::sample(random, version)),
        }
    }
}

impl Fixture for ListConfigResourcesRequest {
    type Theirs = theirs::ListConfigResourcesRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::list_config_resources_request(self)
    }
}

impl Fixture for ListConfigResourcesResponse {
    type Theirs = theirs::ListConfigResourcesResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::list_config_resources_response(self)
    }
}

mod request {
    use super::ListConfigResourcesRequest;
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn list_config_resources_request(
        ours: &ListConfigResourcesRequest,
    ) -> theirs::list_config_resources_request::ListConfigResourcesRequest {
        let mut their = theirs::list_config_resources_request::ListConfigResourcesRequest::default();
        their.resource_types = ours.resource_types.iter().map(|&item| convert::number(item)).collect();
        their
    }
}

mod response {
    use super::{ConfigResource, ListConfigResourcesResponse};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn config_resource(ours: &ConfigResource) -> theirs::list_config_resources_response::ConfigResource {
        let mut their = theirs::list_config_resources_response::ConfigResource::default();
        their.resource_name = convert::string(&ours.resource_name);
        their.resource_type = convert::number(ours.resource_type);
        their
    }

    pub(super) fn list_config_resources_response(
        ours: &ListConfigResourcesResponse,
    ) -> theirs::list_config_resources_response::ListConfigResourcesResponse {
        let mut their = theirs::list_config_resources_response::ListConfigResourcesResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.error_code = convert::number(ours.error_code);
        their.config_resources = ours.config_resources.iter().map(config_resource).collect();
        their
    }
}
