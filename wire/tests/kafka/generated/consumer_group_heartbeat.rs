//! Values of ConsumerGroupHeartbeat for the tests.
//!
//! Generated from `schemas/kafka/consumer_group_heartbeat.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::consumer_group_heartbeat::{
    Assignment, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, TopicPartitions,
};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for TopicPartitions {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { topic_id: draw::u128(random), partitions: draw::array(random, draw::i32) }
    }
}

impl Sample for ConsumerGroupHeartbeatRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            group_id: draw::string(random),
            member_id: draw::string(random),
            member_epoch: draw::i32(random),
            instance_id: draw::nullable(random, draw::string),
            rack_id: draw::nullable(random, draw::string),
            rebalance_timeout_ms: draw::i32(random),
            subscribed_topic_names: draw::nullable(random, |random| draw::array(random, draw::string)),
            subscribed_topic_regex: if version >= 1 { draw::nullable(random, draw::string) } else { None },
            server_assignor: draw::nullable(random, draw::string),
            topic_partitions: draw::nullable(random, |random| {
                draw::array(random, |random| TopicPartitions::sample(random, version))
            }),
        }
    }
}

impl Sample for Assignment {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self { topic_partitions: draw::array(random, |random| TopicPartitions::sample(random, version)) }
    }
}

impl Sample for ConsumerGroupHeartbeatResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            throttle_time_ms: draw::i32(random),
            error_code: draw::i16(random),
            error_message: draw::nullable(random, draw::string),
            member_id: draw::nullable(random, draw::string),
            member_epoch: draw::i32(random),
            heartbeat_interval_ms: draw::i32(random),
            assignment: draw::nullable(random, |random| Assignment::sample(random, version)),
        }
    }
}

impl Fixture for ConsumerGroupHeartbeatRequest {
    type Theirs = theirs::ConsumerGroupHeartbeatRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::consumer_group_heartbeat_request(self)
    }
}

impl Fixture for ConsumerGroupHeartbeatResponse {
    type Theirs = theirs::ConsumerGroupHeartbeatResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::consumer_group_heartbeat_response(self)
    }
}

mod request {
    use super::{ConsumerGroupHeartbeatRequest, TopicPartitions};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn topic_partitions(
        ours: &TopicPartitions,
    ) -> theirs::consumer_group_heartbeat_request::TopicPartitions {
        let mut their = theirs::consumer_group_heartbeat_request::TopicPartitions::default();
        their.topic_id = convert::uuid(ours.topic_id);
        their.partitions = ours.partitions.iter().map(|&item| convert::number(item)).collect();
        their
    }

    pub(super) fn consumer_group_heartbeat_request(
        ours: &ConsumerGroupHeartbeatRequest,
    ) -> theirs::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest {
        let mut their = theirs::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest::default();
        their.group_id = convert::string(&ours.group_id);
        their.member_id = convert::string(&ours.member_id);
        their.member_epoch = convert::number(ours.member_epoch);
        their.instance_id = ours.instance_id.as_ref().map(|value| convert::string(value));
        their.rack_id = ours.rack_id.as_ref().map(|value| convert::string(value));
        their.rebalance_timeout_ms = convert::number(ours.rebalance_timeout_ms);
        their.subscribed_topic_names =
            ours.subscribed_topic_names.as_ref().map(|value| value.iter().map(|item| convert::string(item)).collect());
        their.subscribed_topic_regex = ours.subscribed_topic_regex.as_ref().map(|value| convert::string(value));
        their.server_assignor = ours.server_assignor.as_ref().map(|value| convert::string(value));
        their.topic_partitions =
            ours.topic_partitions.as_ref().map(|value| value.iter().map(topic_partitions).collect());
        their
    }
}

mod response {
    use super::{Assignment, ConsumerGroupHeartbeatResponse, TopicPartitions};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn topic_partitions(
        ours: &TopicPartitions,
    ) -> theirs::consumer_group_heartbeat_response::TopicPartitions {
        let mut their = theirs::consumer_group_heartbeat_response::TopicPartitions::default();
        their.topic_id = convert::uuid(ours.topic_id);
        their.partitions = ours.partitions.iter().map(|&item| convert::number(item)).collect();
        their
    }

    pub(super) fn assignment(ours: &Assignment) -> theirs::consumer_group_heartbeat_response::Assignment {
        let mut their = theirs::consumer_group_heartbeat_response::Assignment::default();
        their.topic_partitions = ours.topic_partitions.iter().map(topic_partitions).collect();
        their
    }

    pub(super) fn consumer_group_heartbeat_response(
        ours: &ConsumerGroupHeartbeatResponse,
    ) -> theirs::consumer_group_heartbeat_response::ConsumerGroupHeartbeatResponse {
        let mut their = theirs::consumer_group_heartbeat_response::ConsumerGroupHeartbeatResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.error_code = convert::number(ours.error_code);
        their.error_message = ours.error_message.as_ref().map(|value| convert::string(value));
        their.member_id = ours.member_id.as_ref().map(|value| convert::string(value));
        their.member_epoch = convert::number(ours.member_epoch);
        their.heartbeat_interval_ms = convert::number(ours.heartbeat_interval_ms);
        their.assignment = ours.assignment.as_ref().map(assignment);
        their
    }
}
