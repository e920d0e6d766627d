//! Values of DeleteRecords for the tests.
//!
//! Generated from `schemas/kafka/delete_records.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::delete_records::{
    DeleteRecordsPartition, DeleteRecordsPartitionResult, DeleteRecordsRequest, DeleteRecordsResponse,
    DeleteRecordsTopic, DeleteRecordsTopicResult,
};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for DeleteRecordsPartition {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { partition_index: draw::i32(random), offset: draw::i64(random) }
    }
}

impl Sample for DeleteRecordsTopic {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            name: draw::string(random),
            partitions: draw::array(random, |random| DeleteRecordsPartition::sample(random, version)),
        }
    }
}

impl Sample for DeleteRecordsRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            topics: draw::array(random, |random| DeleteRecordsTopic::sample(random, version)),
            timeout_ms: draw::i32(random),
        }
    }
}

impl Sample for DeleteRecordsPartitionResult {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { partition_index: draw::i32(random), low_watermark: draw::i64(random), error_code: draw::i16(random) }
    }
}

impl Sample for DeleteRecordsTopicResult {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            name: draw::string(random),
            partitions: draw::array(random, |random| DeleteRecordsPartitionResult::sample(random, version)),
        }
    }
}

impl Sample for DeleteRecordsResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            throttle_time_ms: draw::i32(random),
            topics: draw::array(random, |random| DeleteRecordsTopicResult::sample(random, version)),
        }
    }
}

impl Fixture for DeleteRecordsRequest {
    type Theirs = theirs::DeleteRecordsRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::delete_records_request(self)
    }
}

impl Fixture for DeleteRecordsResponse {
    type Theirs = theirs::DeleteRecordsResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::delete_records_response(self)
    }
}

mod request {
    use super::{DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn delete_records_partition(
        ours: &DeleteRecordsPartition,
    ) -> theirs::delete_records_request::DeleteRecordsPartition {
        let mut their = theirs::delete_records_request::DeleteRecordsPartition::default();
        their.partition_index = convert::number(ours.partition_index);
        their.offset = convert::number(ours.offset);
        their
    }

    pub(super) fn delete_records_topic(
        ours: &DeleteRecordsTopic,
    ) -> theirs::delete_records_request::DeleteRecordsTopic {
        let mut their = theirs::delete_records_request::DeleteRecordsTopic::default();
        their.name = convert::string(&ours.name);
        their.partitions = ours.partitions.iter().map(delete_records_partition).collect();
        their
    }

    pub(super) fn delete_records_request(
        ours: &DeleteRecordsRequest,
    ) -> theirs::delete_records_request::DeleteRecordsRequest {
        let mut their = theirs::delete_records_request::DeleteRecordsRequest::default();
        their.topics = ours.topics.iter().map(delete_records_topic).collect();
        their.timeout_ms = convert::number(ours.timeout_ms);
        their
    }
}

mod response {
    use super::{DeleteRecordsPartitionResult, DeleteRecordsResponse, DeleteRecordsTopicResult};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn delete_records_partition_result(
        ours: &DeleteRecordsPartitionResult,
    ) -> theirs::delete_records_response::DeleteRecordsPartitionResult {
        let mut their = theirs::delete_records_response::DeleteRecordsPartitionResult::default();
        their.partition_index = convert::number(ours.partition_index);
        their.low_watermark = convert::number(ours.low_watermark);
        their.error_code = convert::number(ours.error_code);
        their
    }

    pub(super) fn delete_records_topic_result(
        ours: &DeleteRecordsTopicResult,
    ) -> theirs::delete_records_response::DeleteRecordsTopicResult {
        let mut their = theirs::delete_records_response::DeleteRecordsTopicResult::default();
        their.name = convert::string(&ours.name);
        their.partitions = ours.partitions.iter().map(delete_records_partition_result).collect();
        their
    }

    pub(super) fn delete_records_response(
        ours: &DeleteRecordsResponse,
    ) -> theirs::delete_records_response::DeleteRecordsResponse {
        let mut their = theirs::delete_records_response::DeleteRecordsResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.topics = ours.topics.iter().map(delete_records_topic_result).collect();
        their
    }
}
