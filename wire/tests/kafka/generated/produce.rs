//! Values of Produce for the tests.
//!
//! Generated from `schemas/kafka/produce.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::produce::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceData, PartitionProduceResponse,
    ProduceRequest, ProduceResponse, TopicProduceData, TopicProduceResponse,
};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for PartitionProduceData {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { index: draw::i32(random), records: draw::nullable(random, draw::payload) }
    }
}

impl Sample for TopicProduceData {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            name: if version <= 12 { draw::string(random) } else { String::new() },
            topic_id: if version >= 13 { draw::u128(random) } else { 0 },
            partition_data: draw::array(random, |random| PartitionProduceData::sample(random, version)),
        }
    }
}

impl Sample for ProduceRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            transactional_id: draw::nullable(random, draw::string),
            acks: draw::i16(random),
            timeout_ms: draw::i32(random),
            topic_data: draw::array(random, |random| TopicProduceData::sample(random, version)),
        }
    }
}

impl Sample for BatchIndexAndErrorMessage {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { batch_index: draw::i32(random), batch_index_error_message: draw::nullable(random, draw::string) }
    }
}

impl Sample for LeaderIdAndEpoch {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { leader_id: draw::i32(random), leader_epoch: draw::i32(random) }
    }
}

impl Sample for PartitionProduceResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            index: draw::i32(random),
            error_code: draw::i16(random),
            base_offset: draw::i64(random),
            log_append_time_ms: draw::i64(random),
            log_start_offset: if version >= 5 { draw::i64(random) } else { -1 },
            record_errors: if version >= 8 {
                draw::array(random, |random| BatchIndexAndErrorMessage::sample(random, version))
            } else {
                Vec::new()
            },
            error_message: if version >= 8 { draw::nullable(random, draw::string) } else { None },
            current_leader: if version >= 10 && random.percent(60) {
                LeaderIdAndEpoch::sample(random, version)
            } else {
                LeaderIdAndEpoch::default()
            },
        }
    }
}

impl Sample for TopicProduceResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            name: if version <= 12 { draw::string(random) } else { String::new() },
            topic_id: if version >= 13 { draw::u128(random) } else { 0 },
            partition_responses: draw::array(random, |random| PartitionProduceResponse::sample(random, version)),
        }
    }
}

impl Sample for NodeEndpoint {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self {
            node_id: draw::i32(random),
            host: draw::string(random),
            port: draw::i32(random),
            rack: draw::nullable(random, draw::string),
        }
    }
}

impl Sample for ProduceResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            responses: draw::array(random, |random| TopicProduceResponse::sample(random, version)),
            throttle_time_ms: draw::i32(random),
            node_endpoints: if version >= 10 && random.percent(60) {
                draw::array(random, |random| NodeEndpoint::sample(random, version))
            } else {
                Vec::new()
            },
        }
    }
}

impl Fixture for ProduceRequest {
    type Theirs = theirs::ProduceRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::produce_request(self)
    }
}

impl Fixture for ProduceResponse {
    type Theirs = theirs::ProduceResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::produce_response(self)
    }
}

mod request {
    use super::{PartitionProduceData, ProduceRequest, TopicProduceData};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn partition_produce_data(ours: &PartitionProduceData) -> theirs::produce_request::PartitionProduceData {
        let mut their = theirs::produce_request::PartitionProduceData::default();
        their.index = convert::number(ours.index);
        their.records = ours.records.as_ref().map(convert::payload);
        their
    }

    pub(super) fn topic_produce_data(ours: &TopicProduceData) -> theirs::produce_request::TopicProduceData {
        let mut their = theirs::produce_request::TopicProduceData::default();
        their.name = convert::string(&ours.name);
        their.topic_id = convert::uuid(ours.topic_id);
        their.partition_data = ours.partition_data.iter().map(partition_produce_data).collect();
        their
    }

    pub(super) fn produce_request(ours: &ProduceRequest) -> theirs::produce_request::ProduceRequest {
        let mut their = theirs::produce_request::ProduceRequest::default();
        their.transactional_id = ours.transactional_id.as_ref().map(|value| convert::string(value));
        their.acks = convert::number(ours.acks);
        their.timeout_ms = convert::number(ours.timeout_ms);
        their.topic_data = ours.topic_data.iter().map(topic_produce_data).collect();
        their
    }
}

mod response {
    use super::{
        BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse, ProduceResponse,
        TopicProduceResponse,
    };
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn batch_index_and_error_message(
        ours: &BatchIndexAndErrorMessage,
    ) -> theirs::produce_response::BatchIndexAndErrorMessage {
        let mut their = theirs::produce_response::BatchIndexAndErrorMessage::default();
        their.batch_index = convert::number(ours.batch_index);
        their.batch_index_error_message = ours.batch_index_error_message.as_ref().map(|value| convert::string(value));
        their
    }

    pub(super) fn leader_id_and_epoch(ours: &LeaderIdAndEpoch) -> theirs::produce_response::LeaderIdAndEpoch {
        let mut their = theirs::produce_response::LeaderIdAndEpoch::default();
        their.leader_id = convert::number(ours.leader_id);
        their.leader_epoch = convert::number(ours.leader_epoch);
        their
    }

    pub(super) fn partition_produce_response(
        ours: &PartitionProduceResponse,
    ) -> theirs::produce_response::PartitionProduceResponse {
        let mut their = theirs::produce_response::PartitionProduceResponse::default();
        their.index = convert::number(ours.index);
        their.error_code = convert::number(ours.error_code);
        their.base_offset = convert::number(ours.base_offset);
        their.log_append_time_ms = convert::number(ours.log_append_time_ms);
        their.log_start_offset = convert::number(ours.log_start_offset);
        their.record_errors = ours.record_errors.iter().map(batch_index_and_error_message).collect();
        their.error_message = ours.error_message.as_ref().map(|value| convert::string(value));
        their.current_leader = leader_id_and_epoch(&ours.current_leader);
        their
    }

    pub(super) fn topic_produce_response(
        ours: &TopicProduceResponse,
    ) -> theirs::produce_response::TopicProduceResponse {
        let mut their = theirs::produce_response::TopicProduceResponse::default();
        their.name = convert::string(&ours.name);
        their.topic_id = convert::uuid(ours.topic_id);
        their.partition_responses = ours.partition_responses.iter().map(partition_produce_response).collect();
        their
    }

    pub(super) fn node_endpoint(ours: &NodeEndpoint) -> theirs::produce_response::NodeEndpoint {
        let mut their = theirs::produce_response::NodeEndpoint::default();
        their.node_id = convert::number(ours.node_id);
        their.host = convert::string(&ours.host);
        their.port = convert::number(ours.port);
        their.rack = ours.rack.as_ref().map(|value| convert::string(value));
        their
    }

    pub(super) fn produce_response(ours: &ProduceResponse) -> theirs::produce_response::ProduceResponse {
        let mut their = theirs::produce_response::ProduceResponse::default();
        their.responses = ours.responses.iter().map(topic_produce_response).collect();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.node_endpoints = ours.node_endpoints.iter().map(node_endpoint).collect();
        their
    }
}
