//! Values of Fetch for the tests.
//!
//! Generated from `schemas/kafka/fetch.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use kafka_protocol::messages as theirs;
use wire::kafka::fetch::{
    AbortedTransaction, EpochEndOffset, FetchPartition, FetchRequest, FetchResponse, FetchTopic,
    FetchableTopicResponse, ForgottenTopic, LeaderIdAndEpoch, NodeEndpoint, PartitionData, ReplicaState, SnapshotId,
};

use crate::fixture::{Fixture, Sample, draw};

impl Sample for ReplicaState {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { replica_id: draw::i32(random), replica_epoch: draw::i64(random) }
    }
}

impl Sample for FetchPartition {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            partition: draw::i32(random),
            current_leader_epoch: if version >= 9 { draw::i32(random) } else { -1 },
            fetch_offset: draw::i64(random),
            last_fetched_epoch: if version >= 12 { draw::i32(random) } else { -1 },
            log_start_offset: if version >= 5 { draw::i64(random) } else { -1 },
            partition_max_bytes: draw::i32(random),
            replica_directory_id: if version >= 17 && random.percent(60) { draw::u128(random) } else { 0 },
            high_watermark: if version >= 18 && random.percent(60) { draw::i64(random) } else { i64::MAX },
        }
    }
}

impl Sample for FetchTopic {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            topic: if version <= 12 { draw::string(random) } else { String::new() },
            topic_id: if version >= 13 { draw::u128(random) } else { 0 },
            partitions: draw::array(random, |random| FetchPartition::sample(random, version)),
        }
    }
}

impl Sample for ForgottenTopic {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            topic: if version <= 12 { draw::string(random) } else { String::new() },
            topic_id: if version >= 13 { draw::u128(random) } else { 0 },
            partitions: draw::array(random, draw::i32),
        }
    }
}

impl Sample for FetchRequest {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            cluster_id: if version >= 12 && random.percent(60) { draw::nullable(random, draw::string) } else { None },
            replica_id: if version <= 14 { draw::i32(random) } else { -1 },
            replica_state: if version >= 15 && random.percent(60) {
                ReplicaState::sample(random, version)
            } else {
                ReplicaState::default()
            },
            max_wait_ms: draw::i32(random),
            min_bytes: draw::i32(random),
            max_bytes: draw::i32(random),
            isolation_level: draw::i8(random),
            session_id: if version >= 7 { draw::i32(random) } else { 0 },
            session_epoch: if version >= 7 { draw::i32(random) } else { -1 },
            topics: draw::array(random, |random| FetchTopic::sample(random, version)),
            forgotten_topics_data: if version >= 7 {
                draw::array(random, |random| ForgottenTopic::sample(random, version))
            } else {
                Vec::new()
            },
            rack_id: if version >= 11 { draw::string(random) } else { String::new() },
        }
    }
}

impl Sample for EpochEndOffset {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { epoch: draw::i32(random), end_offset: draw::i64(random) }
    }
}

impl Sample for LeaderIdAndEpoch {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { leader_id: draw::i32(random), leader_epoch: draw::i32(random) }
    }
}

impl Sample for SnapshotId {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { end_offset: draw::i64(random), epoch: draw::i32(random) }
    }
}

impl Sample for AbortedTransaction {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { producer_id: draw::i64(random), first_offset: draw::i64(random) }
    }
}

impl Sample for PartitionData {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            partition_index: draw::i32(random),
            error_code: draw::i16(random),
            high_watermark: draw::i64(random),
            last_stable_offset: draw::i64(random),
            log_start_offset: if version >= 5 { draw::i64(random) } else { -1 },
            diverging_epoch: if version >= 12 && random.percent(60) {
                EpochEndOffset::sample(random, version)
            } else {
                EpochEndOffset::default()
            },
            current_leader: if version >= 12 && random.percent(60) {
                LeaderIdAndEpoch::sample(random, version)
            } else {
                LeaderIdAndEpoch::default()
            },
            snapshot_id: if version >= 12 && random.percent(60) {
                SnapshotId::sample(random, version)
            } else {
                SnapshotId::default()
            },
            aborted_transactions: draw::nullable(random, |random| {
                draw::array(random, |random| AbortedTransaction::sample(random, version))
            }),
            preferred_read_replica: if version >= 11 { draw::i32(random) } else { -1 },
            records: draw::nullable(random, draw::payload),
        }
    }
}

impl Sample for FetchableTopicResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            topic: if version <= 12 { draw::string(random) } else { String::new() },
            topic_id: if version >= 13 { draw::u128(random) } else { 0 },
            partitions: draw::array(random, |random| PartitionData::sample(random, version)),
        }
    }
}

impl Sample for NodeEndpoint {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self {
            node_id: draw::i32(random),
            host: draw::string(random),
            port: draw::i32(random),
            rack: draw::nullable(random, draw::string),
        }
    }
}

impl Sample for FetchResponse {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            throttle_time_ms: draw::i32(random),
            error_code: if version >= 7 { draw::i16(random) } else { 0 },
            session_id: if version >= 7 { draw::i32(random) } else { 0 },
            responses: draw::array(random, |random| FetchableTopicResponse::sample(random, version)),
            node_endpoints: if version >= 16 && random.percent(60) {
                draw::array(random, |random| NodeEndpoint::sample(random, version))
            } else {
                Vec::new()
            },
        }
    }
}

impl Fixture for FetchRequest {
    type Theirs = theirs::FetchRequest;

    fn to_theirs(&self) -> Self::Theirs {
        request::fetch_request(self)
    }
}

impl Fixture for FetchResponse {
    type Theirs = theirs::FetchResponse;

    fn to_theirs(&self) -> Self::Theirs {
        response::fetch_response(self)
    }
}

mod request {
    use super::{FetchPartition, FetchRequest, FetchTopic, ForgottenTopic, ReplicaState};
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn replica_state(ours: &ReplicaState) -> theirs::fetch_request::ReplicaState {
        let mut their = theirs::fetch_request::ReplicaState::default();
        their.replica_id = convert::number(ours.replica_id);
        their.replica_epoch = convert::number(ours.replica_epoch);
        their
    }

    pub(super) fn fetch_partition(ours: &FetchPartition) -> theirs::fetch_request::FetchPartition {
        let mut their = theirs::fetch_request::FetchPartition::default();
        their.partition = convert::number(ours.partition);
        their.current_leader_epoch = convert::number(ours.current_leader_epoch);
        their.fetch_offset = convert::number(ours.fetch_offset);
        their.last_fetched_epoch = convert::number(ours.last_fetched_epoch);
        their.log_start_offset = convert::number(ours.log_start_offset);
        their.partition_max_bytes = convert::number(ours.partition_max_bytes);
        their.replica_directory_id = convert::uuid(ours.replica_directory_id);
        their.high_watermark = convert::number(ours.high_watermark);
        their
    }

    pub(super) fn fetch_topic(ours: &FetchTopic) -> theirs::fetch_request::FetchTopic {
        let mut their = theirs::fetch_request::FetchTopic::default();
        their.topic = convert::string(&ours.topic);
        their.topic_id = convert::uuid(ours.topic_id);
        their.partitions = ours.partitions.iter().map(fetch_partition).collect();
        their
    }

    pub(super) fn forgotten_topic(ours: &ForgottenTopic) -> theirs::fetch_request::ForgottenTopic {
        let mut their = theirs::fetch_request::ForgottenTopic::default();
        their.topic = convert::string(&ours.topic);
        their.topic_id = convert::uuid(ours.topic_id);
        their.partitions = ours.partitions.iter().map(|&item| convert::number(item)).collect();
        their
    }

    pub(super) fn fetch_request(ours: &FetchRequest) -> theirs::fetch_request::FetchRequest {
        let mut their = theirs::fetch_request::FetchRequest::default();
        their.cluster_id = ours.cluster_id.as_ref().map(|value| convert::string(value));
        their.replica_id = convert::number(ours.replica_id);
        their.replica_state = replica_state(&ours.replica_state);
        their.max_wait_ms = convert::number(ours.max_wait_ms);
        their.min_bytes = convert::number(ours.min_bytes);
        their.max_bytes = convert::number(ours.max_bytes);
        their.isolation_level = convert::number(ours.isolation_level);
        their.session_id = convert::number(ours.session_id);
        their.session_epoch = convert::number(ours.session_epoch);
        their.topics = ours.topics.iter().map(fetch_topic).collect();
        their.forgotten_topics_data = ours.forgotten_topics_data.iter().map(forgotten_topic).collect();
        their.rack_id = convert::string(&ours.rack_id);
        their
    }
}

mod response {
    use super::{
        AbortedTransaction, EpochEndOffset, FetchResponse, FetchableTopicResponse, LeaderIdAndEpoch, NodeEndpoint,
        PartitionData, SnapshotId,
    };
    use crate::fixture::convert;
    use kafka_protocol::messages as theirs;

    pub(super) fn epoch_end_offset(ours: &EpochEndOffset) -> theirs::fetch_response::EpochEndOffset {
        let mut their = theirs::fetch_response::EpochEndOffset::default();
        their.epoch = convert::number(ours.epoch);
        their.end_offset = convert::number(ours.end_offset);
        their
    }

    pub(super) fn leader_id_and_epoch(ours: &LeaderIdAndEpoch) -> theirs::fetch_response::LeaderIdAndEpoch {
        let mut their = theirs::fetch_response::LeaderIdAndEpoch::default();
        their.leader_id = convert::number(ours.leader_id);
        their.leader_epoch = convert::number(ours.leader_epoch);
        their
    }

    pub(super) fn snapshot_id(ours: &SnapshotId) -> theirs::fetch_response::SnapshotId {
        let mut their = theirs::fetch_response::SnapshotId::default();
        their.end_offset = convert::number(ours.end_offset);
        their.epoch = convert::number(ours.epoch);
        their
    }

    pub(super) fn aborted_transaction(ours: &AbortedTransaction) -> theirs::fetch_response::AbortedTransaction {
        let mut their = theirs::fetch_response::AbortedTransaction::default();
        their.producer_id = convert::number(ours.producer_id);
        their.first_offset = convert::number(ours.first_offset);
        their
    }

    pub(super) fn partition_data(ours: &PartitionData) -> theirs::fetch_response::PartitionData {
        let mut their = theirs::fetch_response::PartitionData::default();
        their.partition_index = convert::number(ours.partition_index);
        their.error_code = convert::number(ours.error_code);
        their.high_watermark = convert::number(ours.high_watermark);
        their.last_stable_offset = convert::number(ours.last_stable_offset);
        their.log_start_offset = convert::number(ours.log_start_offset);
        their.diverging_epoch = epoch_end_offset(&ours.diverging_epoch);
        their.current_leader = leader_id_and_epoch(&ours.current_leader);
        their.snapshot_id = snapshot_id(&ours.snapshot_id);
        their.aborted_transactions =
            ours.aborted_transactions.as_ref().map(|value| value.iter().map(aborted_transaction).collect());
        their.preferred_read_replica = convert::number(ours.preferred_read_replica);
        their.records = ours.records.as_ref().map(convert::payload);
        their
    }

    pub(super) fn fetchable_topic_response(
        ours: &FetchableTopicResponse,
    ) -> theirs::fetch_response::FetchableTopicResponse {
        let mut their = theirs::fetch_response::FetchableTopicResponse::default();
        their.topic = convert::string(&ours.topic);
        their.topic_id = convert::uuid(ours.topic_id);
        their.partitions = ours.partitions.iter().map(partition_data).collect();
        their
    }

    pub(super) fn node_endpoint(ours: &NodeEndpoint) -> theirs::fetch_response::NodeEndpoint {
        let mut their = theirs::fetch_response::NodeEndpoint::default();
        their.node_id = convert::number(ours.node_id);
        their.host = convert::string(&ours.host);
        their.port = convert::number(ours.port);
        their.rack = ours.rack.as_ref().map(|value| convert::string(value));
        their
    }

    pub(super) fn fetch_response(ours: &FetchResponse) -> theirs::fetch_response::FetchResponse {
        let mut their = theirs::fetch_response::FetchResponse::default();
        their.throttle_time_ms = convert::number(ours.throttle_time_ms);
        their.error_code = convert::number(ours.error_code);
        their.session_id = convert::number(ours.session_id);
        their.responses = ours.responses.iter().map(fetchable_topic_response).collect();
        their.node_endpoints = ours.node_endpoints.iter().map(node_endpoint).collect();
        their
    }
}
