//! Metadata, before and after compact lengths.

use wire::kafka::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseBroker, MetadataResponsePartition,
    MetadataResponseTopic,
};

use super::{TOPIC_ID, golden};

#[test]
fn requests_of_version_1() {
    let topic = MetadataRequestTopic { name: Some("t1".into()), ..Default::default() };
    golden(
        1,
        &MetadataRequest { topics: Some(vec![topic]), ..Default::default() },
        &[(&[0, 0, 0, 1], "number of topics"), (&[0, 2], "length of the name"), (b"t1", "name")],
    );
    let all = MetadataRequest { topics: None, ..Default::default() };
    golden(1, &all, &[(&[0xFF, 0xFF, 0xFF, 0xFF], "null: every topic")]);
    golden(1, &MetadataRequest::default(), &[(&[0, 0, 0, 0], "no topic")]);
}

#[test]
fn requests_of_version_12() {
    let by_name = MetadataRequestTopic { name: Some("t1".into()), topic_id: 0 };
    let by_id = MetadataRequestTopic { name: None, topic_id: TOPIC_ID };
    golden(
        12,
        &MetadataRequest {
            topics: Some(vec![by_name, by_id]),
            allow_auto_topic_creation: false,
            include_topic_authorized_operations: true,
            ..Default::default()
        },
        &[
            (&[3], "number of topics plus one"),
            (&[0; 16], "no id"),
            (&[3], "length of the name plus one"),
            (b"t1", "name"),
            (&[0], "no tagged fields in the topic"),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], "topic id"),
            (&[0], "null name"),
            (&[0], "no tagged fields in the topic"),
            (&[0], "no automatic creation"),
            (&[1], "include authorized operations of topics"),
            (&[0], "no tagged fields"),
        ],
    );
}

fn response() -> MetadataResponse {
    let partition = MetadataResponsePartition {
        error_code: 0,
        partition_index: 5,
        leader_id: 1,
        replica_nodes: vec![1, 2],
        isr_nodes: vec![1],
        ..Default::default()
    };
    let topic = MetadataResponseTopic {
        name: Some("t1".into()),
        is_internal: true,
        partitions: vec![partition],
        ..Default::default()
    };
    let broker = MetadataResponseBroker { node_id: 1, host: "h".into(), port: 9092, rack: None };
    MetadataResponse { brokers: vec![broker], controller_id: 1, topics: vec![topic], ..Default::default() }
}

#[test]
fn a_response_of_version_1() {
    golden(
        1,
        &response(),
        &[
            (&[0, 0, 0, 1], "number of brokers"),
            (&[0, 0, 0, 1], "node id"),
            (&[0, 1], "length of the host"),
            (b"h", "host"),
            (&[0, 0, 0x23, 0x84], "port"),
            (&[0xFF, 0xFF], "null rack"),
            (&[0, 0, 0, 1], "controller id"),
            (&[0, 0, 0, 1], "number of topics"),
            (&[0, 0], "error code"),
            (&[0, 2], "length of the name"),
            (b"t1", "name"),
            (&[1], "internal"),
            (&[0, 0, 0, 1], "number of partitions"),
            (&[0, 0], "error code"),
            (&[0, 0, 0, 5], "partition index"),
            (&[0, 0, 0, 1], "leader"),
            (&[0, 0, 0, 2], "number of replicas"),
            (&[0, 0, 0, 1, 0, 0, 0, 2], "replicas"),
            (&[0, 0, 0, 1], "number in the ISR"),
            (&[0, 0, 0, 1], "ISR"),
        ],
    );
}

#[test]
fn a_response_of_version_12() {
    let mut response = response();
    response.throttle_time_ms = 3;
    response.cluster_id = Some("c".into());
    response.brokers[0].rack = Some("r".into());
    response.topics[0].topic_id = TOPIC_ID;
    response.topics[0].topic_authorized_operations = 6;
    response.topics[0].partitions[0].leader_epoch = 4;
    response.topics[0].partitions[0].offline_replicas = vec![2];
    golden(
        12,
        &response,
        &[
            (&[0, 0, 0, 3], "throttle time"),
            (&[2], "number of brokers plus one"),
            (&[0, 0, 0, 1], "node id"),
            (&[2], "length of the host plus one"),
            (b"h", "host"),
            (&[0, 0, 0x23, 0x84], "port"),
            (&[2], "length of the rack plus one"),
            (b"r", "rack"),
            (&[0], "no tagged fields in the broker"),
            (&[2], "length of the cluster id plus one"),
            (b"c", "cluster id"),
            (&[0, 0, 0, 1], "controller id"),
            (&[2], "number of topics plus one"),
            (&[0, 0], "error code"),
            (&[3], "length of the name plus one"),
            (b"t1", "name"),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], "topic id"),
            (&[1], "internal"),
            (&[2], "number of partitions plus one"),
            (&[0, 0], "error code"),
            (&[0, 0, 0, 5], "partition index"),
            (&[0, 0, 0, 1], "leader"),
            (&[0, 0, 0, 4], "leader epoch"),
            (&[3], "number of replicas plus one"),
            (&[0, 0, 0, 1, 0, 0, 0, 2], "replicas"),
            (&[2], "number in the ISR plus one"),
            (&[0, 0, 0, 1], "ISR"),
            (&[2], "number of replicas offline plus one"),
            (&[0, 0, 0, 2], "replicas offline"),
            (&[0], "no tagged fields in the partition"),
            (&[0, 0, 0, 6], "authorized operations of the topic"),
            (&[0], "no tagged fields in the topic"),
            (&[0], "no tagged fields: those of the cluster ended with version 10"),
        ],
    );
}
