//! Values of Metadata for the tests.
//!
//! Generated from `schemas/kafka/metadata.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseBroker, MetadataResponsePartition,
    MetadataResponseTopic,
};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for MetadataRequestTopic {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            topic_id: if version >= 10 { draw::u128(random) } else { 0 },
            name: if version >= 10 { draw::nullable(random, draw::string) } else { Some(draw::string(random)) },
        }
    }
}

impl Sample for MetadataRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            topics: if version >= 1 {
                draw::nullable(random, |random| {
                    draw::array(random, |random| MetadataRequestTopic::sample(random, version))
                })
            } else {
                Some(draw::array(random, |random| MetadataRequestTopic::sample(random, version)))
            },
            allow_auto_topic_creation: if version >= 4 { draw::bool(random) } else { true },
            include_cluster_authorized_operations: if (8..=10).contains(&version) { draw::bool(random) } else { false },
            include_topic_authorized_operations: if version >= 8 { draw::bool(random) } else { false },
        }
    }
}

impl Sample for MetadataResponseBroker {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            node_id: draw::i32(random),
            host: draw::string(random),
            port: draw::i32(random),
            rack: if version >= 1 { draw::nullable(random, draw::string) } else { None },
        }
    }
}

impl Sample for MetadataResponsePartition {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            error_code: draw::i16(random),
            partition_index: draw::i32(random),
            leader_id: draw::i32(random),
            leader_epoch: if version >= 7 { draw::i32(random) } else { -1 },
            replica_nodes: draw::array(random, draw::i32),
            isr_nodes: draw::array(random, draw::i32),
            offline_replicas: if version >= 5 { draw::array(random, draw::i32) } else { Vec::new() },
        }
    }
}

impl Sample for MetadataResponseTopic {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            error_code: draw::i16(random),
            name: if version >= 12 { draw::nullable(random, draw::string) } else { Some(draw::string(random)) },
            topic_id: if version >= 10 { draw::u128(random) } else { 0 },
            is_internal: if version >= 1 { draw::bool(random) } else { false },
            partitions: draw::array(random, |random| MetadataResponsePartition::sample(random, version)),
            topic_authorized_operations: if version >= 8 { draw::i32(random) } else { i32::MIN },
        }
    }
}

impl Sample for MetadataResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            throttle_time_ms: if version >= 3 { draw::i32(random) } else { 0 },
            brokers: draw::array(random, |random| MetadataResponseBroker::sample(random, version)),
            cluster_id: if version >= 2 { draw::nullable(random, draw::string) } else { None },
            controller_id: if version >= 1 { draw::i32(random) } else { -1 },
            topics: draw::array(random, |random| MetadataResponseTopic::sample(random, version)),
            cluster_authorized_operations: if (8..=10).contains(&version) { draw::i32(random) } else { i32::MIN },
            error_code: if version >= 13 { draw::i16(random) } else { 0 },
        }
    }
}

impl Fixture for MetadataRequest {
    type Theirs = theirs::MetadataRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::metadata_request(self)
    }
}

impl Fixture for MetadataResponse {
    type Theirs = theirs::MetadataResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::metadata_response(self)
    }
}

mod request {
    use super::{MetadataRequest, MetadataRequestTopic};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn metadata_request_topic(
        ours: &MetadataRequestTopic,
    ) -> theirs::metadata_request::MetadataRequestTopic {
        let mut their = theirs::metadata_request::MetadataRequestTopic::default();
        their.topic_id = convert::uuid(ours.topic_id);
        their.name = ours.name.as_ref().map(|value| convert::string(value));
        their
    }

    pub(super) fn metadata_request(ours: &MetadataRequest) -> theirs::metadata_request::MetadataRequest {
        let mut their = theirs::metadata_request::MetadataRequest::default();
        their.topics = ours.topics.as_ref().map(|value| value.iter().map(metadata_request_topic).collect());
        their.allow_auto_topic_creation = convert::number(ours.allow_auto_topic_creation);
        their.include_cluster_authorized_operations = convert::number(ours.include_cluster_authorized_operations);
        their.include_topic_authorized_operations = convert::number(ours.include_topic_authorized_operations);
        their
    }
}

mod response {
    use super::{MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn metadata_response_broker(
        ours: &MetadataResponseBroker,
    ) -> theirs::metadata_response::MetadataResponseBroker {
        let mut their = theirs::metadata_response::MetadataResponseBroker::default();
        their.node_id = convert::number(ours.node_id);
        their.host = convert::string(&ours.host);
        their.port = convert::number(ours.port);
        their.rack = ours.rack.as_ref().map(|value| convert::string(value));
        their
    }

    pub(super) fn metadata_response_partition(
        ours: &MetadataResponsePartition,
    ) -> theirs::metadata_response::MetadataResponsePartition {
        let mut their = theirs::metadata_response::MetadataResponsePartition::default();
        their.error_code = convert::number(ours.error_code);
        their.partition_index = convert::number(ours.partition_index);
        their.leader_id = convert::number(ours.leader_id);
        their.leader_epoch = convert::number(ours.leader_epoch);
        their.replica_nodes = ours.replica_nodes.iter().map(|&item| convert::number(item)).collect();
        their.isr_nodes = ours.isr_nodes.iter().map(|&item| convert::number(item)).collect();
        their.offline_replicas = ours.offline_replicas.iter().map(|&item| convert::number(item)).collect();
        their
    }

    pub(super) fn metadata_response_topic(
        ours: &MetadataResponseTopic,
    ) -> theirs::metadata_response::MetadataResponseTopic {
        let mut their = theirs::metadata_response::MetadataResponseTopic::default();
        their.error_code = convert::number(ours.error_code);
        their.name = ours.name.as_ref().map(|value| convert::string(value));
        their.topic_id = convert::uuid(ours.topic_id);
        their.is_internal = convert::number(ours.is_internal);
        their.partitions = ours.partitions.iter().map(metadata_response_partition).collect();
        their.topic_authorized_operations = convert::number(ours.topic_authorized_operations);
        their
    }

    pub(super) fn metadata_response(ours: &MetadataResponse) -> theirs::metadata_response::MetadataResponse {
        let mut their = theirs::metadata_response::MetadataResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.brokers = ours.brokers.iter().map(metadata_response_broker).collect();
        their.cluster_id = ours.cluster_id.as_ref().map(|value| convert::string(value));
        their.controller_id = convert::number(ours.controller_id);
        their.topics = ours.topics.iter().map(metadata_response_topic).collect();
        their.cluster_authorized_operations = convert::number(ours.cluster_authorized_operations);
        their.error_code = convert::number(ours.error_code);
        their
    }
}
