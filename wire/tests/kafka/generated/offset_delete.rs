//! Values of OffsetDelete for the tests.
//!
//! Generated from `schemas/kafka/offset_delete.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic, OffsetDeleteResponse,
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for OffsetDeleteRequestPartition {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { partition_index: draw::i32(random) }
    }
}

impl Sample for OffsetDeleteRequestTopic {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            name: draw::string(random),
            partitions: draw::array(random, |random| OffsetDeleteRequestPartition::sample(random, version)),
        }
    }
}

impl Sample for OffsetDeleteRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            group_id: draw::string(random),
            topics: draw::array(random, |random| OffsetDeleteRequestTopic::sample(random, version)),
        }
    }
}

impl Sample for OffsetDeleteResponsePartition {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { partition_index: draw::i32(random), error_code: draw::i16(random) }
    }
}

impl Sample for OffsetDeleteResponseTopic {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            name: draw::string(random),
            partitions: draw::array(random, |random| OffsetDeleteResponsePartition::sample(random, version)),
        }
    }
}

impl Sample for OffsetDeleteResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            error_code: draw::i16(random),
            throttle_time_ms: draw::i32(random),
            topics: draw::array(random, |random| OffsetDeleteResponseTopic::sample(random, version)),
        }
    }
}

impl Fixture for OffsetDeleteRequest {
    type Theirs = theirs::OffsetDeleteRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::offset_delete_request(self)
    }
}

impl Fixture for OffsetDeleteResponse {
    type Theirs = theirs::OffsetDeleteResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::offset_delete_response(self)
    }
}

mod request {
    use super::{OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn offset_delete_request_partition(
        ours: &OffsetDeleteRequestPartition,
    ) -> theirs::offset_delete_request::OffsetDeleteRequestPartition {
        let mut their = theirs::offset_delete_request::OffsetDeleteRequestPartition::default();
        their.partition_index = convert::number(ours.partition_index);
        their
    }

    pub(super) fn offset_delete_request_topic(
        ours: &OffsetDeleteRequestTopic,
    ) -> theirs::offset_delete_request::OffsetDeleteRequestTopic {
        let mut their = theirs::offset_delete_request::OffsetDeleteRequestTopic::default();
        their.name = convert::string(&ours.name);
        their.partitions = ours.partitions.iter().map(offset_delete_request_partition).collect();
        their
    }

    pub(super) fn offset_delete_request(
        ours: &OffsetDeleteRequest,
    ) -> theirs::offset_delete_request::OffsetDeleteRequest {
        let mut their = theirs::offset_delete_request::OffsetDeleteRequest::default();
        their.group_id = convert::string(&ours.group_id);
        their.topics = ours.topics.iter().map(offset_delete_request_topic).collect();
        their
    }
}

mod response {
    use super::{OffsetDeleteResponse, OffsetDeleteResponsePartition, OffsetDeleteResponseTopic};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn offset_delete_response_partition(
        ours: &OffsetDeleteResponsePartition,
    ) -> theirs::offset_delete_response::OffsetDeleteResponsePartition {
        let mut their = theirs::offset_delete_response::OffsetDeleteResponsePartition::default();
        their.partition_index = convert::number(ours.partition_index);
        their.error_code = convert::number(ours.error_code);
        their
    }

    pub(super) fn offset_delete_response_topic(
        ours: &OffsetDeleteResponseTopic,
    ) -> theirs::offset_delete_response::OffsetDeleteResponseTopic {
        let mut their = theirs::offset_delete_response::OffsetDeleteResponseTopic::default();
        their.name = convert::string(&ours.name);
        their.partitions = ours.partitions.iter().map(offset_delete_response_partition).collect();
        their
    }

    pub(super) fn offset_delete_response(
        ours: &OffsetDeleteResponse,
    ) -> theirs::offset_delete_response::OffsetDeleteResponse {
        let mut their = theirs::offset_delete_response::OffsetDeleteResponse::default();
        their.error_code = convert::number(ours.error_code);
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.topics = ours.topics.iter().map(offset_delete_response_topic).collect();
        their
    }
}
