//! Values of DescribeProducers for the tests.
//!
//! Generated from `schemas/kafka/describe_producers.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::describe_producers::{
    DescribeProducersRequest, DescribeProducersResponse, PartitionResponse, ProducerState, TopicRequest, TopicResponse,
};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for TopicRequest {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { name: draw::string(random), partition_indexes: draw::array(random, draw::i32) }
    }
}

impl Sample for DescribeProducersRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self { topics: draw::array(random, |random| TopicRequest::sample(random, version)) }
    }
}

impl Sample for ProducerState {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self {
            producer_id: draw::i64(random),
            producer_epoch: draw::i32(random),
            last_sequence: draw::i32(random),
            last_timestamp: draw::i64(random),
            coordinator_epoch: draw::i32(random),
            current_txn_start_offset: draw::i64(random),
        }
    }
}

impl Sample for PartitionResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            partition_index: draw::i32(random),
            error_code: draw::i16(random),
            error_message: draw::nullable(random, draw::string),
            active_producers: draw::array(random, |random| ProducerState::sample(random, version)),
        }
    }
}

impl Sample for TopicResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            name: draw::string(random),
            partitions: draw::array(random, |random| PartitionResponse::sample(random, version)),
        }
    }
}

impl Sample for DescribeProducersResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            throttle_time_ms: draw::i32(random),
            topics: draw::array(random, |random| TopicResponse::sample(random, version)),
        }
    }
}

impl Fixture for DescribeProducersRequest {
    type Theirs = theirs::DescribeProducersRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::describe_producers_request(self)
    }
}

impl Fixture for DescribeProducersResponse {
    type Theirs = theirs::DescribeProducersResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::describe_producers_response(self)
    }
}

mod request {
    use super::{DescribeProducersRequest, TopicRequest};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn topic_request(ours: &TopicRequest) -> theirs::describe_producers_request::TopicRequest {
        let mut their = theirs::describe_producers_request::TopicRequest::default();
        their.name = convert::string(&ours.name);
        their.partition_indexes = ours.partition_indexes.iter().map(|&item| convert::number(item)).collect();
        their
    }

    pub(super) fn describe_producers_request(
        ours: &DescribeProducersRequest,
    ) -> theirs::describe_producers_request::DescribeProducersRequest {
        let mut their = theirs::describe_producers_request::DescribeProducersRequest::default();
        their.topics = ours.topics.iter().map(topic_request).collect();
        their
    }
}

mod response {
    use super::{DescribeProducersResponse, PartitionResponse, ProducerState, TopicResponse};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn producer_state(ours: &ProducerState) -> theirs::describe_producers_response::ProducerState {
        let mut their = theirs::describe_producers_response::ProducerState::default();
        their.producer_id = convert::number(ours.producer_id);
        their.producer_epoch = convert::number(ours.producer_epoch);
        their.last_sequence = convert::number(ours.last_sequence);
        their.last_timestamp = convert::number(ours.last_timestamp);
        their.coordinator_epoch = convert::number(ours.coordinator_epoch);
        their.current_txn_start_offset = convert::number(ours.current_txn_start_offset);
        their
    }

    pub(super) fn partition_response(
        ours: &PartitionResponse,
    ) -> theirs::describe_producers_response::PartitionResponse {
        let mut their = theirs::describe_producers_response::PartitionResponse::default();
        their.partition_index = convert::number(ours.partition_index);
        their.error_code = convert::number(ours.error_code);
        their.error_message = ours.error_message.as_ref().map(|value| convert::string(value));
        their.active_producers = ours.active_producers.iter().map(producer_state).collect();
        their
    }

    pub(super) fn topic_response(ours: &TopicResponse) -> theirs::describe_producers_response::TopicResponse {
        let mut their = theirs::describe_producers_response::TopicResponse::default();
        their.name = convert::string(&ours.name);
        their.partitions = ours.partitions.iter().map(partition_response).collect();
        their
    }

    pub(super) fn describe_producers_response(
        ours: &DescribeProducersResponse,
    ) -> theirs::describe_producers_response::DescribeProducersResponse {
        let mut their = theirs::describe_producers_response::DescribeProducersResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.topics = ours.topics.iter().map(topic_response).collect();
        their
    }
}
