//! Values of DescribeTopicPartitions for the tests.
//!
//! Generated from `schemas/kafka/describe_topic_partitions.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::describe_topic_partitions::{
    Cursor, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic, TopicRequest,
};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for Cursor {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { topic_name: draw::string(random), partition_index: draw::i32(random) }
    }
}

impl Sample for TopicRequest {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { name: draw::string(random) }
    }
}

impl Sample for DescribeTopicPartitionsRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            topics: draw::array(random, |random| TopicRequest::sample(random, version)),
            response_partition_limit: draw::i32(random),
            cursor: draw::nullable(random, |random| Cursor::sample(random, version)),
        }
    }
}

impl Sample for DescribeTopicPartitionsResponsePartition {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self {
            error_code: draw::i16(random),
            partition_index: draw::i32(random),
            leader_id: draw::i32(random),
            leader_epoch: draw::i32(random),
            replica_nodes: draw::array(random, draw::i32),
            isr_nodes: draw::array(random, draw::i32),
            eligible_leader_replicas: draw::nullable(random, |random| draw::array(random, draw::i32)),
            last_known_elr: draw::nullable(random, |random| draw::array(random, draw::i32)),
            offline_replicas: draw::array(random, draw::i32),
        }
    }
}

impl Sample for DescribeTopicPartitionsResponseTopic {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            error_code: draw::i16(random),
            name: draw::nullable(random, draw::string),
            topic_id: draw::u128(random),
            is_internal: draw::bool(random),
            partitions: draw::array(random, |random| DescribeTopicPartitionsResponsePartition::sample(random, version)),
            topic_authorized_operations: draw::i32(random),
        }
    }
}

impl Sample for DescribeTopicPartitionsResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            throttle_time_ms: draw::i32(random),
            topics: draw::array(random, |random| DescribeTopicPartitionsResponseTopic::sample(random, version)),
            next_cursor: draw::nullable(random, |random| Cursor::sample(random, version)),
        }
    }
}

impl Fixture for DescribeTopicPartitionsRequest {
    type Theirs = theirs::DescribeTopicPartitionsRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::describe_topic_partitions_request(self)
    }
}

impl Fixture for DescribeTopicPartitionsResponse {
    type Theirs = theirs::DescribeTopicPartitionsResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::describe_topic_partitions_response(self)
    }
}

mod request {
    use super::{Cursor, DescribeTopicPartitionsRequest, TopicRequest};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn cursor(ours: &Cursor) -> theirs::describe_topic_partitions_request::Cursor {
        let mut their = theirs::describe_topic_partitions_request::Cursor::default();
        their.topic_name = convert::string(&ours.topic_name);
        their.partition_index = convert::number(ours.partition_index);
        their
    }

    pub(super) fn topic_request(ours: &TopicRequest) -> theirs::describe_topic_partitions_request::TopicRequest {
        let mut their = theirs::describe_topic_partitions_request::TopicRequest::default();
        their.name = convert::string(&ours.name);
        their
    }

    pub(super) fn describe_topic_partitions_request(
        ours: &DescribeTopicPartitionsRequest,
    ) -> theirs::describe_topic_partitions_request::DescribeTopicPartitionsRequest {
        let mut their = theirs::describe_topic_partitions_request::DescribeTopicPartitionsRequest::default();
        their.topics = ours.topics.iter().map(topic_request).collect();
        their.response_partition_limit = convert::number(ours.response_partition_limit);
        their.cursor = ours.cursor.as_ref().map(cursor);
        their
    }
}

mod response {
    use super::{
        Cursor, DescribeTopicPartitionsResponse, DescribeTopicPartitionsResponsePartition,
        DescribeTopicPartitionsResponseTopic,
    };
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn cursor(ours: &Cursor) -> theirs::describe_topic_partitions_response::Cursor {
        let mut their = theirs::describe_topic_partitions_response::Cursor::default();
        their.topic_name = convert::string(&ours.topic_name);
        their.partition_index = convert::number(ours.partition_index);
        their
    }

    pub(super) fn describe_topic_partitions_response_partition(
        ours: &DescribeTopicPartitionsResponsePartition,
    ) -> theirs::describe_topic_partitions_response::DescribeTopicPartitionsResponsePartition {
        let mut their = theirs::describe_topic_partitions_response::DescribeTopicPartitionsResponsePartition::default();
        their.error_code = convert::number(ours.error_code);
        their.partition_index = convert::number(ours.partition_index);
        their.leader_id = convert::number(ours.leader_id);
        their.leader_epoch = convert::number(ours.leader_epoch);
        their.replica_nodes = ours.replica_nodes.iter().map(|&item| convert::number(item)).collect();
        their.isr_nodes = ours.isr_nodes.iter().map(|&item| convert::number(item)).collect();
        their.eligible_leader_replicas = ours
            .eligible_leader_replicas
            .as_ref()
            .map(|value| value.iter().map(|&item| convert::number(item)).collect());
        their.last_known_elr =
            ours.last_known_elr.as_ref().map(|value| value.iter().map(|&item| convert::number(item)).collect());
        their.offline_replicas = ours.offline_replicas.iter().map(|&item| convert::number(item)).collect();
        their
    }

    pub(super) fn describe_topic_partitions_response_topic(
        ours: &DescribeTopicPartitionsResponseTopic,
    ) -> theirs::describe_topic_partitions_response::DescribeTopicPartitionsResponseTopic {
        let mut their = theirs::describe_topic_partitions_response::DescribeTopicPartitionsResponseTopic::default();
        their.error_code = convert::number(ours.error_code);
        their.name = ours.name.as_ref().map(|value| convert::string(value));
        their.topic_id = convert::uuid(ours.topic_id);
        their.is_internal = convert::number(ours.is_internal);
        their.partitions = ours.partitions.iter().map(describe_topic_partitions_response_partition).collect();
        their.topic_authorized_operations = convert::number(ours.topic_authorized_operations);
        their
    }

    pub(super) fn describe_topic_partitions_response(
        ours: &DescribeTopicPartitionsResponse,
    ) -> theirs::describe_topic_partitions_response::DescribeTopicPartitionsResponse {
        let mut their = theirs::describe_topic_partitions_response::DescribeTopicPartitionsResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.topics = ours.topics.iter().map(describe_topic_partitions_response_topic).collect();
        their.next_cursor = ours.next_cursor.as_ref().map(cursor);
        their
    }
}
