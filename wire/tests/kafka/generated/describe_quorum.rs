//! Values of DescribeQuorum for the tests.
//!
//! Generated from `schemas/kafka/describe_quorum.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::describe_quorum::{
    DescribeQuorumRequest, DescribeQuorumResponse, Listener, Node, PartitionData, ReplicaState, RequestedPartition,
    RequestedTopic, TopicData,
};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for ReplicaState {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            replica_id: draw::i32(random),
            replica_directory_id: if version >= 2 { draw::u128(random) } else { 0 },
            log_end_offset: draw::i64(random),
            last_fetch_timestamp: if version >= 1 { draw::i64(random) } else { -1 },
            last_caught_up_timestamp: if version >= 1 { draw::i64(random) } else { -1 },
        }
    }
}

impl Sample for RequestedPartition {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { partition_index: draw::i32(random) }
    }
}

impl Sample for RequestedTopic {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            topic_name: draw::string(random),
            partitions: draw::array(random, |random| RequestedPartition::sample(random, version)),
        }
    }
}

impl Sample for DescribeQuorumRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self { topics: draw::array(random, |random| RequestedTopic::sample(random, version)) }
    }
}

impl Sample for PartitionData {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            partition_index: draw::i32(random),
            error_code: draw::i16(random),
            error_message: if version >= 2 { draw::nullable(random, draw::string) } else { Some(String::new()) },
            leader_id: draw::i32(random),
            leader_epoch: draw::i32(random),
            high_watermark: draw::i64(random),
            current_voters: draw::array(random, |random| ReplicaState::sample(random, version)),
            observers: draw::array(random, |random| ReplicaState::sample(random, version)),
        }
    }
}

impl Sample for TopicData {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            topic_name: draw::string(random),
            partitions: draw::array(random, |random| PartitionData::sample(random, version)),
        }
    }
}

impl Sample for Listener {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { name: draw::string(random), host: draw::string(random), port: draw::u16(random) }
    }
}

impl Sample for Node {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self { node_id: draw::i32(random), listeners: draw::array(random, |random| Listener::sample(random, version)) }
    }
}

impl Sample for DescribeQuorumResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            error_code: draw::i16(random),
            error_message: if version >= 2 { draw::nullable(random, draw::string) } else { Some(String::new()) },
            topics: draw::array(random, |random| TopicData::sample(random, version)),
            nodes: if version >= 2 { draw::array(random, |random| Node::sample(random, version)) } else { Vec::new() },
        }
    }
}

impl Fixture for DescribeQuorumRequest {
    type Theirs = theirs::DescribeQuorumRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::describe_quorum_request(self)
    }
}

impl Fixture for DescribeQuorumResponse {
    type Theirs = theirs::DescribeQuorumResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::describe_quorum_response(self)
    }
}

mod request {
    use super::{DescribeQuorumRequest, RequestedPartition, RequestedTopic};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn requested_partition(ours: &RequestedPartition) -> theirs::describe_quorum_request::PartitionData {
        let mut their = theirs::describe_quorum_request::PartitionData::default();
        their.partition_index = convert::number(ours.partition_index);
        their
    }

    pub(super) fn requested_topic(ours: &RequestedTopic) -> theirs::describe_quorum_request::TopicData {
        let mut their = theirs::describe_quorum_request::TopicData::default();
        their.topic_name = convert::string(&ours.topic_name);
        their.partitions = ours.partitions.iter().map(requested_partition).collect();
        their
    }

    pub(super) fn describe_quorum_request(
        ours: &DescribeQuorumRequest,
    ) -> theirs::describe_quorum_request::DescribeQuorumRequest {
        let mut their = theirs::describe_quorum_request::DescribeQuorumRequest::default();
        their.topics = ours.topics.iter().map(requested_topic).collect();
        their
    }
}

mod response {
    use super::{DescribeQuorumResponse, Listener, Node, PartitionData, ReplicaState, TopicData};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn replica_state(ours: &ReplicaState) -> theirs::describe_quorum_response::ReplicaState {
        let mut their = theirs::describe_quorum_response::ReplicaState::default();
        their.replica_id = convert::number(ours.replica_id);
        their.replica_directory_id = convert::uuid(ours.replica_directory_id);
        their.log_end_offset = convert::number(ours.log_end_offset);
        their.last_fetch_timestamp = convert::number(ours.last_fetch_timestamp);
        their.last_caught_up_timestamp = convert::number(ours.last_caught_up_timestamp);
        their
    }

    pub(super) fn partition_data(ours: &PartitionData) -> theirs::describe_quorum_response::PartitionData {
        let mut their = theirs::describe_quorum_response::PartitionData::default();
        their.partition_index = convert::number(ours.partition_index);
        their.error_code = convert::number(ours.error_code);
        their.error_message = ours.error_message.as_ref().map(|value| convert::string(value));
        their.leader_id = convert::number(ours.leader_id);
        their.leader_epoch = convert::number(ours.leader_epoch);
        their.high_watermark = convert::number(ours.high_watermark);
        their.current_voters = ours.current_voters.iter().map(replica_state).collect();
        their.observers = ours.observers.iter().map(replica_state).collect();
        their
    }

    pub(super) fn topic_data(ours: &TopicData) -> theirs::describe_quorum_response::TopicData {
        let mut their = theirs::describe_quorum_response::TopicData::default();
        their.topic_name = convert::string(&ours.topic_name);
        their.partitions = ours.partitions.iter().map(partition_data).collect();
        their
    }

    pub(super) fn listener(ours: &Listener) -> theirs::describe_quorum_response::Listener {
        let mut their = theirs::describe_quorum_response::Listener::default();
        their.name = convert::string(&ours.name);
        their.host = convert::string(&ours.host);
        their.port = convert::number(ours.port);
        their
    }

    pub(super) fn node(ours: &Node) -> theirs::describe_quorum_response::Node {
        let mut their = theirs::describe_quorum_response::Node::default();
        their.node_id = convert::number(ours.node_id);
        their.listeners = ours.listeners.iter().map(listener).collect();
        their
    }

    pub(super) fn describe_quorum_response(
        ours: &DescribeQuorumResponse,
    ) -> theirs::describe_quorum_response::DescribeQuorumResponse {
        let mut their = theirs::describe_quorum_response::DescribeQuorumResponse::default();
        their.error_code = convert::number(ours.error_code);
        their.error_message = ours.error_message.as_ref().map(|value| convert::string(value));
        their.topics = ours.topics.iter().map(topic_data).collect();
        their.nodes = ours.nodes.iter().map(node).collect();
        their
    }
}
