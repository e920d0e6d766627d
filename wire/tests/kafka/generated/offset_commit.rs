//! Values of OffsetCommit for the tests.
//!
//! Generated from `schemas/kafka/offset_commit.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic, OffsetCommitResponse,
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for OffsetCommitRequestPartition {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            partition_index: draw::i32(random),
            committed_offset: draw::i64(random),
            committed_leader_epoch: if version >= 6 { draw::i32(random) } else { -1 },
            committed_metadata: draw::nullable(random, draw::string),
        }
    }
}

impl Sample for OffsetCommitRequestTopic {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            name: if version <= 9 { draw::string(random) } else { String::new() },
            topic_id: if version >= 10 { draw::u128(random) } else { 0 },
            partitions: draw::array(random, |random| OffsetCommitRequestPartition::sample(random, version)),
        }
    }
}

impl Sample for OffsetCommitRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            group_id: draw::string(random),
            generation_id_or_member_epoch: draw::i32(random),
            member_id: draw::string(random),
            group_instance_id: if version >= 7 { draw::nullable(random, draw::string) } else { None },
            retention_time_ms: if version <= 4 { draw::i64(random) } else { -1 },
            topics: draw::array(random, |random| OffsetCommitRequestTopic::sample(random, version)),
        }
    }
}

impl Sample for OffsetCommitResponsePartition {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { partition_index: draw::i32(random), error_code: draw::i16(random) }
    }
}

impl Sample for OffsetCommitResponseTopic {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            name: if version <= 9 { draw::string(random) } else { String::new() },
            topic_id: if version >= 10 { draw::u128(random) } else { 0 },
            partitions: draw::array(random, |random| OffsetCommitResponsePartition::sample(random, version)),
        }
    }
}

impl Sample for OffsetCommitResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            throttle_time_ms: if version >= 3 { draw::i32(random) } else { 0 },
            topics: draw::array(random, |random| OffsetCommitResponseTopic::sample(random, version)),
        }
    }
}

impl Fixture for OffsetCommitRequest {
    type Theirs = theirs::OffsetCommitRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::offset_commit_request(self)
    }
}

impl Fixture for OffsetCommitResponse {
    type Theirs = theirs::OffsetCommitResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::offset_commit_response(self)
    }
}

mod request {
    use super::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn offset_commit_request_partition(
        ours: &OffsetCommitRequestPartition,
    ) -> theirs::offset_commit_request::OffsetCommitRequestPartition {
        let mut their = theirs::offset_commit_request::OffsetCommitRequestPartition::default();
        their.partition_index = convert::number(ours.partition_index);
        their.committed_offset = convert::number(ours.committed_offset);
        their.committed_leader_epoch = convert::number(ours.committed_leader_epoch);
        their.committed_metadata = ours.committed_metadata.as_ref().map(|value| convert::string(value));
        their
    }

    pub(super) fn offset_commit_request_topic(
        ours: &OffsetCommitRequestTopic,
    ) -> theirs::offset_commit_request::OffsetCommitRequestTopic {
        let mut their = theirs::offset_commit_request::OffsetCommitRequestTopic::default();
        their.name = convert::string(&ours.name);
        their.topic_id = convert::uuid(ours.topic_id);
        their.partitions = ours.partitions.iter().map(offset_commit_request_partition).collect();
        their
    }

    pub(super) fn offset_commit_request(
        ours: &OffsetCommitRequest,
    ) -> theirs::offset_commit_request::OffsetCommitRequest {
        let mut their = theirs::offset_commit_request::OffsetCommitRequest::default();
        their.group_id = convert::string(&ours.group_id);
        their.generation_id_or_member_epoch = convert::number(ours.generation_id_or_member_epoch);
        their.member_id = convert::string(&ours.member_id);
        their.group_instance_id = ours.group_instance_id.as_ref().map(|value| convert::string(value));
        their.retention_time_ms = convert::number(ours.retention_time_ms);
        their.topics = ours.topics.iter().map(offset_commit_request_topic).collect();
        their
    }
}

mod response {
    use super::{OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn offset_commit_response_partition(
        ours: &OffsetCommitResponsePartition,
    ) -> theirs::offset_commit_response::OffsetCommitResponsePartition {
        let mut their = theirs::offset_commit_response::OffsetCommitResponsePartition::default();
        their.partition_index = convert::number(ours.partition_index);
        their.error_code = convert::number(ours.error_code);
        their
    }

    pub(super) fn offset_commit_response_topic(
        ours: &OffsetCommitResponseTopic,
    ) -> theirs::offset_commit_response::OffsetCommitResponseTopic {
        let mut their = theirs::offset_commit_response::OffsetCommitResponseTopic::default();
        their.name = convert::string(&ours.name);
        their.topic_id = convert::uuid(ours.topic_id);
        their.partitions = ours.partitions.iter().map(offset_commit_response_partition).collect();
        their
    }

    pub(super) fn offset_commit_response(
        ours: &OffsetCommitResponse,
    ) -> theirs::offset_commit_response::OffsetCommitResponse {
        let mut their = theirs::offset_commit_response::OffsetCommitResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.topics = ours.topics.iter().map(offset_commit_response_topic).collect();
        their
    }
}
