//! Values of OffsetFetch for the tests.
//!
//! Generated from `schemas/kafka/offset_fetch.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
    OffsetFetchResponse, OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for OffsetFetchRequestTopic {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { name: draw::string(random), partition_indexes: draw::array(random, draw::i32) }
    }
}

impl Sample for OffsetFetchRequestTopics {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            name: if version <= 9 { draw::string(random) } else { String::new() },
            topic_id: if version >= 10 { draw::u128(random) } else { 0 },
            partition_indexes: draw::array(random, draw::i32),
        }
    }
}

impl Sample for OffsetFetchRequestGroup {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            group_id: draw::string(random),
            member_id: if version >= 9 { draw::nullable(random, draw::string) } else { None },
            member_epoch: if version >= 9 { draw::i32(random) } else { -1 },
            topics: draw::nullable(random, |random| {
                draw::array(random, |random| OffsetFetchRequestTopics::sample(random, version))
            }),
        }
    }
}

impl Sample for OffsetFetchRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            group_id: if version <= 7 { draw::string(random) } else { String::new() },
            topics: if version <= 7 {
                if version >= 2 {
                    draw::nullable(random, |random| {
                        draw::array(random, |random| OffsetFetchRequestTopic::sample(random, version))
                    })
                } else {
                    Some(draw::array(random, |random| OffsetFetchRequestTopic::sample(random, version)))
                }
            } else {
                Some(Vec::new())
            },
            groups: if version >= 8 {
                draw::array(random, |random| OffsetFetchRequestGroup::sample(random, version))
            } else {
                Vec::new()
            },
            require_stable: if version >= 7 { draw::bool(random) } else { false },
        }
    }
}

impl Sample for OffsetFetchResponsePartition {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            partition_index: draw::i32(random),
            committed_offset: draw::i64(random),
            committed_leader_epoch: if version >= 5 { draw::i32(random) } else { -1 },
            metadata: draw::nullable(random, draw::string),
            error_code: draw::i16(random),
        }
    }
}

impl Sample for OffsetFetchResponseTopic {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            name: draw::string(random),
            partitions: draw::array(random, |random| OffsetFetchResponsePartition::sample(random, version)),
        }
    }
}

impl Sample for OffsetFetchResponsePartitions {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self {
            partition_index: draw::i32(random),
            committed_offset: draw::i64(random),
            committed_leader_epoch: draw::i32(random),
            metadata: draw::nullable(random, draw::string),
            error_code: draw::i16(random),
        }
    }
}

impl Sample for OffsetFetchResponseTopics {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            name: if version <= 9 { draw::string(random) } else { String::new() },
            topic_id: if version >= 10 { draw::u128(random) } else { 0 },
            partitions: draw::array(random, |random| OffsetFetchResponsePartitions::sample(random, version)),
        }
    }
}

impl Sample for OffsetFetchResponseGroup {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            group_id: draw::string(random),
            topics: draw::array(random, |random| OffsetFetchResponseTopics::sample(random, version)),
            error_code: draw::i16(random),
        }
    }
}

impl Sample for OffsetFetchResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            throttle_time_ms: if version >= 3 { draw::i32(random) } else { 0 },
            topics: if version <= 7 {
                draw::array(random, |random| OffsetFetchResponseTopic::sample(random, version))
            } else {
                Vec::new()
            },
            error_code: if (2..=7).contains(&version) { draw::i16(random) } else { 0 },
            groups: if version >= 8 {
                draw::array(random, |random| OffsetFetchResponseGroup::sample(random, version))
            } else {
                Vec::new()
            },
        }
    }
}

impl Fixture for OffsetFetchRequest {
    type Theirs = theirs::OffsetFetchRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::offset_fetch_request(self)
    }
}

impl Fixture for OffsetFetchResponse {
    type Theirs = theirs::OffsetFetchResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::offset_fetch_response(self)
    }
}

mod request {
    use super::{OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn offset_fetch_request_topic(
        ours: &OffsetFetchRequestTopic,
    ) -> theirs::offset_fetch_request::OffsetFetchRequestTopic {
        let mut their = theirs::offset_fetch_request::OffsetFetchRequestTopic::default();
        their.name = convert::string(&ours.name);
        their.partition_indexes = ours.partition_indexes.iter().map(|&item| convert::number(item)).collect();
        their
    }

    pub(super) fn offset_fetch_request_topics(
        ours: &OffsetFetchRequestTopics,
    ) -> theirs::offset_fetch_request::OffsetFetchRequestTopics {
        let mut their = theirs::offset_fetch_request::OffsetFetchRequestTopics::default();
        their.name = convert::string(&ours.name);
        their.topic_id = convert::uuid(ours.topic_id);
        their.partition_indexes = ours.partition_indexes.iter().map(|&item| convert::number(item)).collect();
        their
    }

    pub(super) fn offset_fetch_request_group(
        ours: &OffsetFetchRequestGroup,
    ) -> theirs::offset_fetch_request::OffsetFetchRequestGroup {
        let mut their = theirs::offset_fetch_request::OffsetFetchRequestGroup::default();
        their.group_id = convert::string(&ours.group_id);
        their.member_id = ours.member_id.as_ref().map(|value| convert::string(value));
        their.member_epoch = convert::number(ours.member_epoch);
        their.topics = ours.topics.as_ref().map(|value| value.iter().map(offset_fetch_request_topics).collect());
        their
    }

    pub(super) fn offset_fetch_request(ours: &OffsetFetchRequest) -> theirs::offset_fetch_request::OffsetFetchRequest {
        let mut their = theirs::offset_fetch_request::OffsetFetchRequest::default();
        their.group_id = convert::string(&ours.group_id);
        their.topics = ours.topics.as_ref().map(|value| value.iter().map(offset_fetch_request_topic).collect());
        their.groups = ours.groups.iter().map(offset_fetch_request_group).collect();
        their.require_stable = convert::number(ours.require_stable);
        their
    }
}

mod response {
    use super::{
        OffsetFetchResponse, OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
        OffsetFetchResponseTopic, OffsetFetchResponseTopics,
    };
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn offset_fetch_response_partition(
        ours: &OffsetFetchResponsePartition,
    ) -> theirs::offset_fetch_response::OffsetFetchResponsePartition {
        let mut their = theirs::offset_fetch_response::OffsetFetchResponsePartition::default();
        their.partition_index = convert::number(ours.partition_index);
        their.committed_offset = convert::number(ours.committed_offset);
        their.committed_leader_epoch = convert::number(ours.committed_leader_epoch);
        their.metadata = ours.metadata.as_ref().map(|value| convert::string(value));
        their.error_code = convert::number(ours.error_code);
        their
    }

    pub(super) fn offset_fetch_response_topic(
        ours: &OffsetFetchResponseTopic,
    ) -> theirs::offset_fetch_response::OffsetFetchResponseTopic {
        let mut their = theirs::offset_fetch_response::OffsetFetchResponseTopic::default();
        their.name = convert::string(&ours.name);
        their.partitions = ours.partitions.iter().map(offset_fetch_response_partition).collect();
        their
    }

    pub(super) fn offset_fetch_response_partitions(
        ours: &OffsetFetchResponsePartitions,
    ) -> theirs::offset_fetch_response::OffsetFetchResponsePartitions {
        let mut their = theirs::offset_fetch_response::OffsetFetchResponsePartitions::default();
        their.partition_index = convert::number(ours.partition_index);
        their.committed_offset = convert::number(ours.committed_offset);
        their.committed_leader_epoch = convert::number(ours.committed_leader_epoch);
        their.metadata = ours.metadata.as_ref().map(|value| convert::string(value));
        their.error_code = convert::number(ours.error_code);
        their
    }

    pub(super) fn offset_fetch_response_topics(
        ours: &OffsetFetchResponseTopics,
    ) -> theirs::offset_fetch_response::OffsetFetchResponseTopics {
        let mut their = theirs::offset_fetch_response::OffsetFetchResponseTopics::default();
        their.name = convert::string(&ours.name);
        their.topic_id = convert::uuid(ours.topic_id);
        their.partitions = ours.partitions.iter().map(offset_fetch_response_partitions).collect();
        their
    }

    pub(super) fn offset_fetch_response_group(
        ours: &OffsetFetchResponseGroup,
    ) -> theirs::offset_fetch_response::OffsetFetchResponseGroup {
        let mut their = theirs::offset_fetch_response::OffsetFetchResponseGroup::default();
        their.group_id = convert::string(&ours.group_id);
        their.topics = ours.topics.iter().map(offset_fetch_response_topics).collect();
        their.error_code = convert::number(ours.error_code);
        their
    }

    pub(super) fn offset_fetch_response(
        ours: &OffsetFetchResponse,
    ) -> theirs::offset_fetch_response::OffsetFetchResponse {
        let mut their = theirs::offset_fetch_response::OffsetFetchResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.topics = ours.topics.iter().map(offset_fetch_response_topic).collect();
        their.error_code = convert::number(ours.error_code);
        their.groups = ours.groups.iter().map(offset_fetch_response_group).collect();
        their
    }
}
