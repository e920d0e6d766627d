//! Values of OffsetForLeaderEpoch for the tests.
//!
//! Generated from `schemas/kafka/offset_for_leader_epoch.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, OffsetForLeaderPartition,
    OffsetForLeaderTopic, OffsetForLeaderTopicResult,
};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for OffsetForLeaderPartition {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { partition: draw::i32(random), current_leader_epoch: draw::i32(random), leader_epoch: draw::i32(random) }
    }
}

impl Sample for OffsetForLeaderTopic {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            topic: draw::string(random),
            partitions: draw::array(random, |random| OffsetForLeaderPartition::sample(random, version)),
        }
    }
}

impl Sample for OffsetForLeaderEpochRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            replica_id: if version >= 3 { draw::i32(random) } else { -2 },
            topics: draw::array(random, |random| OffsetForLeaderTopic::sample(random, version)),
        }
    }
}

impl Sample for EpochEndOffset {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self {
            error_code: draw::i16(random),
            partition: draw::i32(random),
            leader_epoch: draw::i32(random),
            end_offset: draw::i64(random),
        }
    }
}

impl Sample for OffsetForLeaderTopicResult {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            topic: draw::string(random),
            partitions: draw::array(random, |random| EpochEndOffset::sample(random, version)),
        }
    }
}

impl Sample for OffsetForLeaderEpochResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            throttle_time_ms: draw::i32(random),
            topics: draw::array(random, |random| OffsetForLeaderTopicResult::sample(random, version)),
        }
    }
}

impl Fixture for OffsetForLeaderEpochRequest {
    type Theirs = theirs::OffsetForLeaderEpochRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::offset_for_leader_epoch_request(self)
    }
}

impl Fixture for OffsetForLeaderEpochResponse {
    type Theirs = theirs::OffsetForLeaderEpochResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::offset_for_leader_epoch_response(self)
    }
}

mod request {
    use super::{OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn offset_for_leader_partition(
        ours: &OffsetForLeaderPartition,
    ) -> theirs::offset_for_leader_epoch_request::OffsetForLeaderPartition {
        let mut their = theirs::offset_for_leader_epoch_request::OffsetForLeaderPartition::default();
        their.partition = convert::number(ours.partition);
        their.current_leader_epoch = convert::number(ours.current_leader_epoch);
        their.leader_epoch = convert::number(ours.leader_epoch);
        their
    }

    pub(super) fn offset_for_leader_topic(
        ours: &OffsetForLeaderTopic,
    ) -> theirs::offset_for_leader_epoch_request::OffsetForLeaderTopic {
        let mut their = theirs::offset_for_leader_epoch_request::OffsetForLeaderTopic::default();
        their.topic = convert::string(&ours.topic);
        their.partitions = ours.partitions.iter().map(offset_for_leader_partition).collect();
        their
    }

    pub(super) fn offset_for_leader_epoch_request(
        ours: &OffsetForLeaderEpochRequest,
    ) -> theirs::offset_for_leader_epoch_request::OffsetForLeaderEpochRequest {
        let mut their = theirs::offset_for_leader_epoch_request::OffsetForLeaderEpochRequest::default();
        their.replica_id = convert::number(ours.replica_id);
        their.topics = ours.topics.iter().map(offset_for_leader_topic).collect();
        their
    }
}

mod response {
    use super::{EpochEndOffset, OffsetForLeaderEpochResponse, OffsetForLeaderTopicResult};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn epoch_end_offset(ours: &EpochEndOffset) -> theirs::offset_for_leader_epoch_response::EpochEndOffset {
        let mut their = theirs::offset_for_leader_epoch_response::EpochEndOffset::default();
        their.error_code = convert::number(ours.error_code);
        their.partition = convert::number(ours.partition);
        their.leader_epoch = convert::number(ours.leader_epoch);
        their.end_offset = convert::number(ours.end_offset);
        their
    }

    pub(super) fn offset_for_leader_topic_result(
        ours: &OffsetForLeaderTopicResult,
    ) -> theirs::offset_for_leader_epoch_response::OffsetForLeaderTopicResult {
        let mut their = theirs::offset_for_leader_epoch_response::OffsetForLeaderTopicResult::default();
        their.topic = convert::string(&ours.topic);
        their.partitions = ours.partitions.iter().map(epoch_end_offset).collect();
        their
    }

    pub(super) fn offset_for_leader_epoch_response(
        ours: &OffsetForLeaderEpochResponse,
    ) -> theirs::offset_for_leader_epoch_response::OffsetForLeaderEpochResponse {
        let mut their = theirs::offset_for_leader_epoch_response::OffsetForLeaderEpochResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.topics = ours.topics.iter().map(offset_for_leader_topic_result).collect();
        their
    }
}
