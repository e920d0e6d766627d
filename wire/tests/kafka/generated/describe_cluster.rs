//! Values of DescribeCluster for the tests.
//!
//! Generated from `schemas/kafka/describe_cluster.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::describe_cluster::{DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for DescribeClusterRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            include_cluster_authorized_operations: draw::bool(random),
            endpoint_type: if version >= 1 { draw::i8(random) } else { 1 },
            include_fenced_brokers: if version >= 2 { draw::bool(random) } else { false },
        }
    }
}

impl Sample for DescribeClusterBroker {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            broker_id: draw::i32(random),
            host: draw::string(random),
            port: draw::i32(random),
            rack: draw::nullable(random, draw::string),
            is_fenced: if version >= 2 { draw::bool(random) } else { false },
        }
    }
}

impl Sample for DescribeClusterResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            throttle_time_ms: draw::i32(random),
            error_code: draw::i16(random),
            error_message: draw::nullable(random, draw::string),
            endpoint_type: if version >= 1 { draw::i8(random) } else { 1 },
            cluster_id: draw::string(random),
            controller_id: draw::i32(random),
            brokers: draw::array(random, |random| DescribeClusterBroker::sample(random, version)),
            cluster_authorized_operations: draw::i32(random),
        }
    }
}

impl Fixture for DescribeClusterRequest {
    type Theirs = theirs::DescribeClusterRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::describe_cluster_request(self)
    }
}

impl Fixture for DescribeClusterResponse {
    type Theirs = theirs::DescribeClusterResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::describe_cluster_response(self)
    }
}

mod request {
    use super::DescribeClusterRequest;
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn describe_cluster_request(
        ours: &DescribeClusterRequest,
    ) -> theirs::describe_cluster_request::DescribeClusterRequest {
        let mut their = theirs::describe_cluster_request::DescribeClusterRequest::default();
        their.include_cluster_authorized_operations = convert::number(ours.include_cluster_authorized_operations);
        their.endpoint_type = convert::number(ours.endpoint_type);
        their.include_fenced_brokers = convert::number(ours.include_fenced_brokers);
        their
    }
}

mod response {
    use super::{DescribeClusterBroker, DescribeClusterResponse};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn describe_cluster_broker(
        ours: &DescribeClusterBroker,
    ) -> theirs::describe_cluster_response::DescribeClusterBroker {
        let mut their = theirs::describe_cluster_response::DescribeClusterBroker::default();
        their.broker_id = convert::number(ours.broker_id);
        their.host = convert::string(&ours.host);
        their.port = convert::number(ours.port);
        their.rack = ours.rack.as_ref().map(|value| convert::string(value));
        their.is_fenced = convert::number(ours.is_fenced);
        their
    }

    pub(super) fn describe_cluster_response(
        ours: &DescribeClusterResponse,
    ) -> theirs::describe_cluster_response::DescribeClusterResponse {
        let mut their = theirs::describe_cluster_response::DescribeClusterResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.error_code = convert::number(ours.error_code);
        their.error_message = ours.error_message.as_ref().map(|value| convert::string(value));
        their.endpoint_type = convert::number(ours.endpoint_type);
        their.cluster_id = convert::string(&ours.cluster_id);
        their.controller_id = convert::number(ours.controller_id);
        their.brokers = ours.brokers.iter().map(describe_cluster_broker).collect();
        their.cluster_authorized_operations = convert::number(ours.cluster_authorized_operations);
        their
    }
}
