//! Fetch: the oldest version, the first compact one, and the newest that is advertised.

use bytes::Bytes;
use wire::kafka::fetch::{
    AbortedTransaction, EpochEndOffset, FetchPartition, FetchRequest, FetchResponse, FetchTopic,
    FetchableTopicResponse, ForgottenTopic, PartitionData, ReplicaState,
};

use super::{RECORDS, TOPIC_ID, golden};

fn request(topic: FetchTopic, partition: FetchPartition) -> FetchRequest {
    let partition = FetchPartition { partition: 2, fetch_offset: 0x0A0B, partition_max_bytes: 1 << 20, ..partition };
    let topic = FetchTopic { partitions: vec![partition], ..topic };
    FetchRequest {
        max_wait_ms: 500,
        min_bytes: 1,
        max_bytes: 50 << 20,
        isolation_level: 1,
        topics: vec![topic],
        ..Default::default()
    }
}

#[test]
fn a_request_of_version_4() {
    golden(
        4,
        &request(FetchTopic { topic: "t1".into(), ..Default::default() }, FetchPartition::default()),
        &[
            (&[0xFF, 0xFF, 0xFF, 0xFF], "no replica: a consumer"),
            (&[0, 0, 1, 0xF4], "longest wait"),
            (&[0, 0, 0, 1], "fewest bytes"),
            (&[0x03, 0x20, 0, 0], "most bytes"),
            (&[1], "read committed"),
            (&[0, 0, 0, 1], "number of topics"),
            (&[0, 2], "length of the name"),
            (b"t1", "name"),
            (&[0, 0, 0, 1], "number of partitions"),
            (&[0, 0, 0, 2], "partition"),
            (&[0, 0, 0, 0, 0, 0, 0x0A, 0x0B], "fetch offset"),
            (&[0, 0x10, 0, 0], "most bytes of the partition"),
        ],
    );
}

#[test]
fn a_request_of_version_12() {
    let partition = FetchPartition { current_leader_epoch: 4, last_fetched_epoch: 3, ..Default::default() };
    let mut request = request(FetchTopic { topic: "t1".into(), ..Default::default() }, partition);
    request.cluster_id = Some("c".into());
    request.session_id = 9;
    request.session_epoch = 8;
    request.rack_id = "r".into();
    request.forgotten_topics_data = vec![ForgottenTopic { topic: "t2".into(), topic_id: 0, partitions: vec![7] }];
    golden(
        12,
        &request,
        &[
            (&[0xFF, 0xFF, 0xFF, 0xFF], "no replica: a consumer"),
            (&[0, 0, 1, 0xF4], "longest wait"),
            (&[0, 0, 0, 1], "fewest bytes"),
            (&[0x03, 0x20, 0, 0], "most bytes"),
            (&[1], "read committed"),
            (&[0, 0, 0, 9], "session id"),
            (&[0, 0, 0, 8], "session epoch"),
            (&[2], "number of topics plus one"),
            (&[3], "length of the name plus one"),
            (b"t1", "name"),
            (&[2], "number of partitions plus one"),
            (&[0, 0, 0, 2], "partition"),
            (&[0, 0, 0, 4], "current leader epoch"),
            (&[0, 0, 0, 0, 0, 0, 0x0A, 0x0B], "fetch offset"),
            (&[0, 0, 0, 3], "last fetched epoch"),
            (&[0xFF; 8], "no log start offset"),
            (&[0, 0x10, 0, 0], "most bytes of the partition"),
            (&[0], "no tagged fields in the partition"),
            (&[0], "no tagged fields in the topic"),
            (&[2], "number of topics to forget plus one"),
            (&[3], "length of the name plus one"),
            (b"t2", "name"),
            (&[2], "number of partitions plus one"),
            (&[0, 0, 0, 7], "partition"),
            (&[0], "no tagged fields in the topic to forget"),
            (&[2], "length of the rack plus one"),
            (b"r", "rack"),
            (&[1], "one tagged field"),
            (&[0, 2], "tag 0 of 2 bytes"),
            (&[2], "length of the cluster id plus one"),
            (b"c", "cluster id"),
        ],
    );
}

#[test]
fn a_request_of_version_17_from_a_follower() {
    let partition = FetchPartition { log_start_offset: 1, replica_directory_id: TOPIC_ID, ..Default::default() };
    let mut request = request(FetchTopic { topic_id: TOPIC_ID, ..Default::default() }, partition);
    request.replica_state = ReplicaState { replica_id: 3, replica_epoch: 6 };
    golden(
        17,
        &request,
        &[
            (&[0, 0, 1, 0xF4], "longest wait: the replica id has moved to a tagged field"),
            (&[0, 0, 0, 1], "fewest bytes"),
            (&[0x03, 0x20, 0, 0], "most bytes"),
            (&[1], "read committed"),
            (&[0, 0, 0, 0], "no session id"),
            (&[0xFF, 0xFF, 0xFF, 0xFF], "no session"),
            (&[2], "number of topics plus one"),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], "topic id"),
            (&[2], "number of partitions plus one"),
            (&[0, 0, 0, 2], "partition"),
            (&[0xFF, 0xFF, 0xFF, 0xFF], "no current leader epoch"),
            (&[0, 0, 0, 0, 0, 0, 0x0A, 0x0B], "fetch offset"),
            (&[0xFF, 0xFF, 0xFF, 0xFF], "no last fetched epoch"),
            (&[0, 0, 0, 0, 0, 0, 0, 1], "log start offset"),
            (&[0, 0x10, 0, 0], "most bytes of the partition"),
            (&[1], "one tagged field in the partition"),
            (&[0, 16], "tag 0 of 16 bytes"),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], "directory of the replica"),
            (&[0], "no tagged fields in the topic"),
            (&[1], "nothing to forget"),
            (&[1], "empty rack"),
            (&[1], "one tagged field"),
            (&[1, 13], "tag 1 of 13 bytes"),
            (&[0, 0, 0, 3], "replica id"),
            (&[0, 0, 0, 0, 0, 0, 0, 6], "replica epoch"),
            (&[0], "no tagged fields in the replica state"),
        ],
    );
}

fn response(topic: FetchableTopicResponse, partition: PartitionData) -> FetchResponse {
    let partition = PartitionData {
        partition_index: 2,
        high_watermark: 20,
        last_stable_offset: 19,
        records: Some(Bytes::from_static(RECORDS).into()),
        ..partition
    };
    let topic = FetchableTopicResponse { partitions: vec![partition], ..topic };
    FetchResponse { throttle_time_ms: 1, responses: vec![topic], ..Default::default() }
}

#[test]
fn a_response_of_version_4() {
    let aborted = AbortedTransaction { producer_id: 5, first_offset: 17 };
    let partition = PartitionData { aborted_transactions: Some(vec![aborted]), ..Default::default() };
    golden(
        4,
        &response(FetchableTopicResponse { topic: "t1".into(), ..Default::default() }, partition),
        &[
            (&[0, 0, 0, 1], "throttle time"),
            (&[0, 0, 0, 1], "number of topics"),
            (&[0, 2], "length of the name"),
            (b"t1", "name"),
            (&[0, 0, 0, 1], "number of partitions"),
            (&[0, 0, 0, 2], "partition"),
            (&[0, 0], "error code"),
            (&[0, 0, 0, 0, 0, 0, 0, 20], "high watermark"),
            (&[0, 0, 0, 0, 0, 0, 0, 19], "last stable offset"),
            (&[0, 0, 0, 1], "number of aborted transactions"),
            (&[0, 0, 0, 0, 0, 0, 0, 5], "producer id"),
            (&[0, 0, 0, 0, 0, 0, 0, 17], "first offset"),
            (&[0, 0, 0, 3], "length of the records"),
            (RECORDS, "records"),
        ],
    );
}

#[test]
fn a_response_of_version_12_to_a_follower_that_diverges() {
    let diverging_epoch = EpochEndOffset { epoch: 3, end_offset: 15 };
    let partition =
        PartitionData { log_start_offset: 1, aborted_transactions: None, diverging_epoch, ..Default::default() };
    let mut response = response(FetchableTopicResponse { topic: "t1".into(), ..Default::default() }, partition);
    response.session_id = 9;
    golden(
        12,
        &response,
        &[
            (&[0, 0, 0, 1], "throttle time"),
            (&[0, 0], "error code"),
            (&[0, 0, 0, 9], "session id"),
            (&[2], "number of topics plus one"),
            (&[3], "length of the name plus one"),
            (b"t1", "name"),
            (&[2], "number of partitions plus one"),
            (&[0, 0, 0, 2], "partition"),
            (&[0, 0], "error code"),
            (&[0, 0, 0, 0, 0, 0, 0, 20], "high watermark"),
            (&[0, 0, 0, 0, 0, 0, 0, 19], "last stable offset"),
            (&[0, 0, 0, 0, 0, 0, 0, 1], "log start offset"),
            (&[0], "null aborted transactions"),
            (&[0xFF, 0xFF, 0xFF, 0xFF], "no preferred read replica"),
            (&[4], "length of the records plus one"),
            (RECORDS, "records"),
            (&[1], "one tagged field in the partition"),
            (&[0, 13], "tag 0 of 13 bytes"),
            (&[0, 0, 0, 3], "epoch"),
            (&[0, 0, 0, 0, 0, 0, 0, 15], "end offset"),
            (&[0], "no tagged fields in the diverging epoch"),
            (&[0], "no tagged fields in the topic"),
            (&[0], "no tagged fields"),
        ],
    );
}

#[test]
fn a_response_of_version_17() {
    let partition = PartitionData { aborted_transactions: Some(Vec::new()), ..Default::default() };
    golden(
        17,
        &response(FetchableTopicResponse { topic_id: TOPIC_ID, ..Default::default() }, partition),
        &[
            (&[0, 0, 0, 1], "throttle time"),
            (&[0, 0], "error code"),
            (&[0, 0, 0, 0], "no session"),
            (&[2], "number of topics plus one"),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], "topic id"),
            (&[2], "number of partitions plus one"),
            (&[0, 0, 0, 2], "partition"),
            (&[0, 0], "error code"),
            (&[0, 0, 0, 0, 0, 0, 0, 20], "high watermark"),
            (&[0, 0, 0, 0, 0, 0, 0, 19], "last stable offset"),
            (&[0xFF; 8], "no log start offset"),
            (&[1], "no aborted transactions"),
            (&[0xFF, 0xFF, 0xFF, 0xFF], "no preferred read replica"),
            (&[4], "length of the records plus one"),
            (RECORDS, "records"),
            (&[0], "no tagged fields in the partition"),
            (&[0], "no tagged fields in the topic"),
            (&[0], "no tagged fields"),
        ],
    );
}
