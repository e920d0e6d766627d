//! Values of ApiVersions for the tests.
//!
//! Generated from `schemas/kafka/api_versions.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::api_versions::{
    ApiVersion, ApiVersionsRequest, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey,
};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for ApiVersionsRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            client_software_name: if version >= 3 { draw::string(random) } else { String::new() },
            client_software_version: if version >= 3 { draw::string(random) } else { String::new() },
        }
    }
}

impl Sample for ApiVersion {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { api_key: draw::i16(random), min_version: draw::i16(random), max_version: draw::i16(random) }
    }
}

impl Sample for SupportedFeatureKey {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { name: draw::string(random), min_version: draw::i16(random), max_version: draw::i16(random) }
    }
}

impl Sample for FinalizedFeatureKey {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { name: draw::string(random), max_version_level: draw::i16(random), min_version_level: draw::i16(random) }
    }
}

impl Sample for ApiVersionsResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            error_code: draw::i16(random),
            api_keys: draw::array(random, |random| ApiVersion::sample(random, version)),
            throttle_time_ms: if version >= 1 { draw::i32(random) } else { 0 },
            supported_features: if version >= 3 && random.percent(60) {
                draw::array(random, |random| SupportedFeatureKey::sample(random, version))
            } else {
                Vec::new()
            },
            finalized_features_epoch: if version >= 3 && random.percent(60) { draw::i64(random) } else { -1 },
            finalized_features: if version >= 3 && random.percent(60) {
                draw::array(random, |random| FinalizedFeatureKey::sample(random, version))
            } else {
                Vec::new()
            },
            zk_migration_ready: if version >= 3 && random.percent(60) { draw::bool(random) } else { false },
        }
    }
}

impl Fixture for ApiVersionsRequest {
    type Theirs = theirs::ApiVersionsRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::api_versions_request(self)
    }
}

impl Fixture for ApiVersionsResponse {
    type Theirs = theirs::ApiVersionsResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::api_versions_response(self)
    }
}

mod request {
    use super::ApiVersionsRequest;
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn api_versions_request(ours: &ApiVersionsRequest) -> theirs::api_versions_request::ApiVersionsRequest {
        let mut their = theirs::api_versions_request::ApiVersionsRequest::default();
        their.client_software_name = convert::string(&ours.client_software_name);
        their.client_software_version = convert::string(&ours.client_software_version);
        their
    }
}

mod response {
    use super::{ApiVersion, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn api_version(ours: &ApiVersion) -> theirs::api_versions_response::ApiVersion {
        let mut their = theirs::api_versions_response::ApiVersion::default();
        their.api_key = convert::number(ours.api_key);
        their.min_version = convert::number(ours.min_version);
        their.max_version = convert::number(ours.max_version);
        their
    }

    pub(super) fn supported_feature_key(
        ours: &SupportedFeatureKey,
    ) -> theirs::api_versions_response::SupportedFeatureKey {
        let mut their = theirs::api_versions_response::SupportedFeatureKey::default();
        their.name = convert::string(&ours.name);
        their.min_version = convert::number(ours.min_version);
        their.max_version = convert::number(ours.max_version);
        their
    }

    pub(super) fn finalized_feature_key(
        ours: &FinalizedFeatureKey,
    ) -> theirs::api_versions_response::FinalizedFeatureKey {
        let mut their = theirs::api_versions_response::FinalizedFeatureKey::default();
        their.name = convert::string(&ours.name);
        their.max_version_level = convert::number(ours.max_version_level);
        their.min_version_level = convert::number(ours.min_version_level);
        their
    }

    pub(super) fn api_versions_response(
        ours: &ApiVersionsResponse,
    ) -> theirs::api_versions_response::ApiVersionsResponse {
        let mut their = theirs::api_versions_response::ApiVersionsResponse::default();
        their.error_code = convert::number(ours.error_code);
        their.api_keys = ours.api_keys.iter().map(api_version).collect();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.supported_features = ours.supported_features.iter().map(supported_feature_key).collect();
        their.finalized_features_epoch = convert::number(ours.finalized_features_epoch);
        their.finalized_features = ours.finalized_features.iter().map(finalized_feature_key).collect();
        their.zk_migration_ready = convert::number(ours.zk_migration_ready);
        their
    }
}
