//! Values of CreatePartitions for the tests.
//!
//! Generated from `schemas/kafka/create_partitions.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::create_partitions::{
    CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopic,
    CreatePartitionsTopicResult,
};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for CreatePartitionsAssignment {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { broker_ids: draw::array(random, draw::i32) }
    }
}

impl Sample for CreatePartitionsTopic {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            name: draw::string(random),
            count: draw::i32(random),
            assignments: draw::nullable(random, |random| {
                draw::array(random, |random| CreatePartitionsAssignment::sample(random, version))
            }),
        }
    }
}

impl Sample for CreatePartitionsRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            topics: draw::array(random, |random| CreatePartitionsTopic::sample(random, version)),
            timeout_ms: draw::i32(random),
            validate_only: draw::bool(random),
        }
    }
}

impl Sample for CreatePartitionsTopicResult {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self {
            name: draw::string(random),
            error_code: draw::i16(random),
            error_message: draw::nullable(random, draw::string),
        }
    }
}

impl Sample for CreatePartitionsResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            throttle_time_ms: draw::i32(random),
            results: draw::array(random, |random| CreatePartitionsTopicResult::sample(random, version)),
        }
    }
}

impl Fixture for CreatePartitionsRequest {
    type Theirs = theirs::CreatePartitionsRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::create_partitions_request(self)
    }
}

impl Fixture for CreatePartitionsResponse {
    type Theirs = theirs::CreatePartitionsResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::create_partitions_response(self)
    }
}

mod request {
    use super::{CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsTopic};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn create_partitions_assignment(
        ours: &CreatePartitionsAssignment,
    ) -> theirs::create_partitions_request::CreatePartitionsAssignment {
        let mut their = theirs::create_partitions_request::CreatePartitionsAssignment::default();
        their.broker_ids = ours.broker_ids.iter().map(|&item| convert::number(item)).collect();
        their
    }

    pub(super) fn create_partitions_topic(
        ours: &CreatePartitionsTopic,
    ) -> theirs::create_partitions_request::CreatePartitionsTopic {
        let mut their = theirs::create_partitions_request::CreatePartitionsTopic::default();
        their.name = convert::string(&ours.name);
        their.count = convert::number(ours.count);
        their.assignments =
            ours.assignments.as_ref().map(|value| value.iter().map(create_partitions_assignment).collect());
        their
    }

    pub(super) fn create_partitions_request(
        ours: &CreatePartitionsRequest,
    ) -> theirs::create_partitions_request::CreatePartitionsRequest {
        let mut their = theirs::create_partitions_request::CreatePartitionsRequest::default();
        their.topics = ours.topics.iter().map(create_partitions_topic).collect();
        their.timeout_ms = convert::number(ours.timeout_ms);
        their.validate_only = convert::number(ours.validate_only);
        their
    }
}

mod response {
    use super::{CreatePartitionsResponse, CreatePartitionsTopicResult};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn create_partitions_topic_result(
        ours: &CreatePartitionsTopicResult,
    ) -> theirs::create_partitions_response::CreatePartitionsTopicResult {
        let mut their = theirs::create_partitions_response::CreatePartitionsTopicResult::default();
        their.name = convert::string(&ours.name);
        their.error_code = convert::number(ours.error_code);
        their.error_message = ours.error_message.as_ref().map(|value| convert::string(value));
        their
    }

    pub(super) fn create_partitions_response(
        ours: &CreatePartitionsResponse,
    ) -> theirs::create_partitions_response::CreatePartitionsResponse {
        let mut their = theirs::create_partitions_response::CreatePartitionsResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.results = ours.results.iter().map(create_partitions_topic_result).collect();
        their
    }
}
