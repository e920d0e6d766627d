//! Values of ListOffsets for the tests.
//!
//! Generated from `schemas/kafka/list_offsets.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopic,
    ListOffsetsTopicResponse,
};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for ListOffsetsPartition {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            partition_index: draw::i32(random),
            current_leader_epoch: if version >= 4 { draw::i32(random) } else { -1 },
            timestamp: draw::i64(random),
        }
    }
}

impl Sample for ListOffsetsTopic {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            name: draw::string(random),
            partitions: draw::array(random, |random| ListOffsetsPartition::sample(random, version)),
        }
    }
}

impl Sample for ListOffsetsRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            replica_id: draw::i32(random),
            isolation_level: if version >= 2 { draw::i8(random) } else { 0 },
            topics: draw::array(random, |random| ListOffsetsTopic::sample(random, version)),
            timeout_ms: if version >= 10 { draw::i32(random) } else { 0 },
        }
    }
}

impl Sample for ListOffsetsPartitionResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            partition_index: draw::i32(random),
            error_code: draw::i16(random),
            timestamp: draw::i64(random),
            offset: draw::i64(random),
            leader_epoch: if version >= 4 { draw::i32(random) } else { -1 },
        }
    }
}

impl Sample for ListOffsetsTopicResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            name: draw::string(random),
            partitions: draw::array(random, |random| ListOffsetsPartitionResponse::sample(random, version)),
        }
    }
}

impl Sample for ListOffsetsResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            throttle_time_ms: if version >= 2 { draw::i32(random) } else { 0 },
            topics: draw::array(random, |random| ListOffsetsTopicResponse::sample(random, version)),
        }
    }
}

impl Fixture for ListOffsetsRequest {
    type Theirs = theirs::ListOffsetsRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::list_offsets_request(self)
    }
}

impl Fixture for ListOffsetsResponse {
    type Theirs = theirs::ListOffsetsResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::list_offsets_response(self)
    }
}

mod request {
    use super::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn list_offsets_partition(
        ours: &ListOffsetsPartition,
    ) -> theirs::list_offsets_request::ListOffsetsPartition {
        let mut their = theirs::list_offsets_request::ListOffsetsPartition::default();
        their.partition_index = convert::number(ours.partition_index);
        their.current_leader_epoch = convert::number(ours.current_leader_epoch);
        their.timestamp = convert::number(ours.timestamp);
        their
    }

    pub(super) fn list_offsets_topic(ours: &ListOffsetsTopic) -> theirs::list_offsets_request::ListOffsetsTopic {
        let mut their = theirs::list_offsets_request::ListOffsetsTopic::default();
        their.name = convert::string(&ours.name);
        their.partitions = ours.partitions.iter().map(list_offsets_partition).collect();
        their
    }

    pub(super) fn list_offsets_request(ours: &ListOffsetsRequest) -> theirs::list_offsets_request::ListOffsetsRequest {
        let mut their = theirs::list_offsets_request::ListOffsetsRequest::default();
        their.replica_id = convert::number(ours.replica_id);
        their.isolation_level = convert::number(ours.isolation_level);
        their.topics = ours.topics.iter().map(list_offsets_topic).collect();
        their.timeout_ms = convert::number(ours.timeout_ms);
        their
    }
}

mod response {
    use super::{ListOffsetsPartitionResponse, ListOffsetsResponse, ListOffsetsTopicResponse};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn list_offsets_partition_response(
        ours: &ListOffsetsPartitionResponse,
    ) -> theirs::list_offsets_response::ListOffsetsPartitionResponse {
        let mut their = theirs::list_offsets_response::ListOffsetsPartitionResponse::default();
        their.partition_index = convert::number(ours.partition_index);
        their.error_code = convert::number(ours.error_code);
        their.timestamp = convert::number(ours.timestamp);
        their.offset = convert::number(ours.offset);
        their.leader_epoch = convert::number(ours.leader_epoch);
        their
    }

    pub(super) fn list_offsets_topic_response(
        ours: &ListOffsetsTopicResponse,
    ) -> theirs::list_offsets_response::ListOffsetsTopicResponse {
        let mut their = theirs::list_offsets_response::ListOffsetsTopicResponse::default();
        their.name = convert::string(&ours.name);
        their.partitions = ours.partitions.iter().map(list_offsets_partition_response).collect();
        their
    }

    pub(super) fn list_offsets_response(
        ours: &ListOffsetsResponse,
    ) -> theirs::list_offsets_response::ListOffsetsResponse {
        let mut their = theirs::list_offsets_response::ListOffsetsResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.topics = ours.topics.iter().map(list_offsets_topic_response).collect();
        their
    }
}
