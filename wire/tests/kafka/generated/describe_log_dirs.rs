//! Values of DescribeLogDirs for the tests.
//!
//! Generated from `schemas/kafka/describe_log_dirs.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::describe_log_dirs::{
    DescribableLogDirTopic, DescribeLogDirsPartition, DescribeLogDirsRequest, DescribeLogDirsResponse,
    DescribeLogDirsResult, DescribeLogDirsTopic,
};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for DescribableLogDirTopic {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { topic: draw::string(random), partitions: draw::array(random, draw::i32) }
    }
}

impl Sample for DescribeLogDirsRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            topics: draw::nullable(random, |random| {
                draw::array(random, |random| DescribableLogDirTopic::sample(random, version))
            }),
        }
    }
}

impl Sample for DescribeLogDirsPartition {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self {
            partition_index: draw::i32(random),
            partition_size: draw::i64(random),
            offset_lag: draw::i64(random),
            is_future_key: draw::bool(random),
        }
    }
}

impl Sample for DescribeLogDirsTopic {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            name: draw::string(random),
            partitions: draw::array(random, |random| DescribeLogDirsPartition::sample(random, version)),
        }
    }
}

impl Sample for DescribeLogDirsResult {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            error_code: draw::i16(random),
            log_dir: draw::string(random),
            topics: draw::array(random, |random| DescribeLogDirsTopic::sample(random, version)),
            total_bytes: if version >= 4 { draw::i64(random) } else { -1 },
            usable_bytes: if version >= 4 { draw::i64(random) } else { -1 },
            is_cordoned: if version >= 5 { draw::bool(random) } else { false },
        }
    }
}

impl Sample for DescribeLogDirsResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            throttle_time_ms: draw::i32(random),
            error_code: if version >= 3 { draw::i16(random) } else { 0 },
            results: draw::array(random, |random| DescribeLogDirsResult::sample(random, version)),
        }
    }
}

impl Fixture for DescribeLogDirsRequest {
    type Theirs = theirs::DescribeLogDirsRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::describe_log_dirs_request(self)
    }
}

impl Fixture for DescribeLogDirsResponse {
    type Theirs = theirs::DescribeLogDirsResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::describe_log_dirs_response(self)
    }
}

mod request {
    use super::{DescribableLogDirTopic, DescribeLogDirsRequest};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn describable_log_dir_topic(
        ours: &DescribableLogDirTopic,
    ) -> theirs::describe_log_dirs_request::DescribableLogDirTopic {
        let mut their = theirs::describe_log_dirs_request::DescribableLogDirTopic::default();
        their.topic = convert::string(&ours.topic);
        their.partitions = ours.partitions.iter().map(|&item| convert::number(item)).collect();
        their
    }

    pub(super) fn describe_log_dirs_request(
        ours: &DescribeLogDirsRequest,
    ) -> theirs::describe_log_dirs_request::DescribeLogDirsRequest {
        let mut their = theirs::describe_log_dirs_request::DescribeLogDirsRequest::default();
        their.topics = ours.topics.as_ref().map(|value| value.iter().map(describable_log_dir_topic).collect());
        their
    }
}

mod response {
    use super::{DescribeLogDirsPartition, DescribeLogDirsResponse, DescribeLogDirsResult, DescribeLogDirsTopic};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn describe_log_dirs_partition(
        ours: &DescribeLogDirsPartition,
    ) -> theirs::describe_log_dirs_response::DescribeLogDirsPartition {
        let mut their = theirs::describe_log_dirs_response::DescribeLogDirsPartition::default();
        their.partition_index = convert::number(ours.partition_index);
        their.partition_size = convert::number(ours.partition_size);
        their.offset_lag = convert::number(ours.offset_lag);
        their.is_future_key = convert::number(ours.is_future_key);
        their
    }

    pub(super) fn describe_log_dirs_topic(
        ours: &DescribeLogDirsTopic,
    ) -> theirs::describe_log_dirs_response::DescribeLogDirsTopic {
        let mut their = theirs::describe_log_dirs_response::DescribeLogDirsTopic::default();
        their.name = convert::string(&ours.name);
        their.partitions = ours.partitions.iter().map(describe_log_dirs_partition).collect();
        their
    }

    pub(super) fn describe_log_dirs_result(
        ours: &DescribeLogDirsResult,
    ) -> theirs::describe_log_dirs_response::DescribeLogDirsResult {
        let mut their = theirs::describe_log_dirs_response::DescribeLogDirsResult::default();
        their.error_code = convert::number(ours.error_code);
        their.log_dir = convert::string(&ours.log_dir);
        their.topics = ours.topics.iter().map(describe_log_dirs_topic).collect();
        their.total_bytes = convert::number(ours.total_bytes);
        their.usable_bytes = convert::number(ours.usable_bytes);
        their
    }

    pub(super) fn describe_log_dirs_response(
        ours: &DescribeLogDirsResponse,
    ) -> theirs::describe_log_dirs_response::DescribeLogDirsResponse {
        let mut their = theirs::describe_log_dirs_response::DescribeLogDirsResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.error_code = convert::number(ours.error_code);
        their.results = ours.results.iter().map(describe_log_dirs_result).collect();
        their
    }
}
