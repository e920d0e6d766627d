//! Produce: the oldest version, the first compact one, and the one with topic ids.

use bytes::Bytes;
use wire::kafka::produce::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceData, PartitionProduceResponse,
    ProduceRequest, ProduceResponse, TopicProduceData, TopicProduceResponse,
};

use super::{RECORDS, TOPIC_ID, golden};

fn request(topic: TopicProduceData) -> ProduceRequest {
    let with_records = PartitionProduceData { index: 2, records: Some(Bytes::from_static(RECORDS).into()) };
    let topic = TopicProduceData { partition_data: vec![with_records], ..topic };
    ProduceRequest { transactional_id: None, acks: -1, timeout_ms: 30_000, topic_data: vec![topic] }
}

#[test]
fn a_request_of_version_3() {
    golden(
        3,
        &request(TopicProduceData { name: "t1".into(), ..Default::default() }),
        &[
            (&[0xFF, 0xFF], "null transactional id"),
            (&[0xFF, 0xFF], "acks of the whole ISR"),
            (&[0, 0, 0x75, 0x30], "timeout"),
            (&[0, 0, 0, 1], "number of topics"),
            (&[0, 2], "length of the name"),
            (b"t1", "name"),
            (&[0, 0, 0, 1], "number of partitions"),
            (&[0, 0, 0, 2], "partition"),
            (&[0, 0, 0, 3], "length of the records"),
            (RECORDS, "records"),
        ],
    );
}

#[test]
fn a_request_of_version_9() {
    let mut request = request(TopicProduceData { name: "t1".into(), ..Default::default() });
    request.transactional_id = Some("x".into());
    golden(
        9,
        &request,
        &[
            (&[2], "length of the transactional id plus one"),
            (b"x", "transactional id"),
            (&[0xFF, 0xFF], "acks of the whole ISR"),
            (&[0, 0, 0x75, 0x30], "timeout"),
            (&[2], "number of topics plus one"),
            (&[3], "length of the name plus one"),
            (b"t1", "name"),
            (&[2], "number of partitions plus one"),
            (&[0, 0, 0, 2], "partition"),
            (&[4], "length of the records plus one"),
            (RECORDS, "records"),
            (&[0], "no tagged fields in the partition"),
            (&[0], "no tagged fields in the topic"),
            (&[0], "no tagged fields"),
        ],
    );
}

#[test]
fn a_request_of_version_13() {
    golden(
        13,
        &request(TopicProduceData { topic_id: TOPIC_ID, ..Default::default() }),
        &[
            (&[0], "null transactional id"),
            (&[0xFF, 0xFF], "acks of the whole ISR"),
            (&[0, 0, 0x75, 0x30], "timeout"),
            (&[2], "number of topics plus one"),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], "topic id in place of the name"),
            (&[2], "number of partitions plus one"),
            (&[0, 0, 0, 2], "partition"),
            (&[4], "length of the records plus one"),
            (RECORDS, "records"),
            (&[0], "no tagged fields in the partition"),
            (&[0], "no tagged fields in the topic"),
            (&[0], "no tagged fields"),
        ],
    );
}

fn response(topic: TopicProduceResponse, partition: PartitionProduceResponse) -> ProduceResponse {
    let partition = PartitionProduceResponse { index: 2, base_offset: 0x0A0B, ..partition };
    let topic = TopicProduceResponse { partition_responses: vec![partition], ..topic };
    ProduceResponse { responses: vec![topic], throttle_time_ms: 1, ..Default::default() }
}

#[test]
fn a_response_of_version_3() {
    golden(
        3,
        &response(TopicProduceResponse { name: "t1".into(), ..Default::default() }, Default::default()),
        &[
            (&[0, 0, 0, 1], "number of topics"),
            (&[0, 2], "length of the name"),
            (b"t1", "name"),
            (&[0, 0, 0, 1], "number of partitions"),
            (&[0, 0, 0, 2], "partition"),
            (&[0, 0], "error code"),
            (&[0, 0, 0, 0, 0, 0, 0x0A, 0x0B], "base offset"),
            (&[0xFF; 8], "no append time"),
            (&[0, 0, 0, 1], "throttle time"),
        ],
    );
}

#[test]
fn a_response_of_version_9() {
    let error = BatchIndexAndErrorMessage { batch_index: 4, batch_index_error_message: Some("e".into()) };
    let partition = PartitionProduceResponse {
        error_code: 87,
        log_start_offset: 8,
        record_errors: vec![error],
        error_message: None,
        ..Default::default()
    };
    golden(
        9,
        &response(TopicProduceResponse { name: "t1".into(), ..Default::default() }, partition),
        &[
            (&[2], "number of topics plus one"),
            (&[3], "length of the name plus one"),
            (b"t1", "name"),
            (&[2], "number of partitions plus one"),
            (&[0, 0, 0, 2], "partition"),
            (&[0, 87], "INVALID_RECORD"),
            (&[0, 0, 0, 0, 0, 0, 0x0A, 0x0B], "base offset"),
            (&[0xFF; 8], "no append time"),
            (&[0, 0, 0, 0, 0, 0, 0, 8], "log start offset"),
            (&[2], "number of record errors plus one"),
            (&[0, 0, 0, 4], "index of the record in the batch"),
            (&[2], "length of its message plus one"),
            (b"e", "its message"),
            (&[0], "no tagged fields in the record error"),
            (&[0], "null error message"),
            (&[0], "no tagged fields in the partition"),
            (&[0], "no tagged fields in the topic"),
            (&[0, 0, 0, 1], "throttle time"),
            (&[0], "no tagged fields"),
        ],
    );
}

#[test]
fn a_response_of_version_13_that_names_the_new_leader() {
    let current_leader = LeaderIdAndEpoch { leader_id: 5, leader_epoch: 6 };
    let partition = PartitionProduceResponse { error_code: 6, current_leader, ..Default::default() };
    let mut response = response(TopicProduceResponse { topic_id: TOPIC_ID, ..Default::default() }, partition);
    response.node_endpoints = vec![NodeEndpoint { node_id: 5, host: "h".into(), port: 9092, rack: None }];
    golden(
        13,
        &response,
        &[
            (&[2], "number of topics plus one"),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], "topic id"),
            (&[2], "number of partitions plus one"),
            (&[0, 0, 0, 2], "partition"),
            (&[0, 6], "NOT_LEADER_OR_FOLLOWER"),
            (&[0, 0, 0, 0, 0, 0, 0x0A, 0x0B], "base offset"),
            (&[0xFF; 8], "no append time"),
            (&[0xFF; 8], "no log start offset"),
            (&[1], "no record errors"),
            (&[0], "null error message"),
            (&[1], "one tagged field in the partition"),
            (&[0, 9], "tag 0 of 9 bytes"),
            (&[0, 0, 0, 5], "leader"),
            (&[0, 0, 0, 6], "its epoch"),
            (&[0], "no tagged fields in the leader"),
            (&[0], "no tagged fields in the topic"),
            (&[0, 0, 0, 1], "throttle time"),
            (&[1], "one tagged field"),
            (&[0, 13], "tag 0 of 13 bytes"),
            (&[2], "number of endpoints plus one"),
            (&[0, 0, 0, 5], "node id"),
            (&[2], "length of the host plus one"),
            (b"h", "host"),
            (&[0, 0, 0x23, 0x84], "port"),
            (&[0], "null rack"),
            (&[0], "no tagged fields in the endpoint"),
        ],
    );
}
