//! A group's life in the classic protocol and a heartbeat of the new one, in versions that differ.

use bytes::Bytes;
use wire::kafka::consumer_group_heartbeat::{
    Assignment, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, TopicPartitions,
};
use wire::kafka::join_group::{JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse, JoinGroupResponseMember};
use wire::kafka::offset_commit::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use wire::kafka::offset_fetch::{
    OffsetFetchRequest, OffsetFetchResponse, OffsetFetchResponseGroup, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopics,
};
use wire::kafka::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};

use super::{TOPIC_ID, golden};

fn join() -> JoinGroupRequest {
    let range = JoinGroupRequestProtocol { name: "range".into(), metadata: Bytes::from_static(&[0xB0, 0xB1]) };
    JoinGroupRequest {
        group_id: "g1".into(),
        session_timeout_ms: 45_000,
        rebalance_timeout_ms: 300_000,
        protocol_type: "consumer".into(),
        protocols: vec![range],
        ..Default::default()
    }
}

#[test]
fn joining_in_version_2() {
    golden(
        2,
        &join(),
        &[
            (&[0, 2], "length of the group's name"),
            (b"g1", "group"),
            (&[0, 0, 0xAF, 0xC8], "session timeout"),
            (&[0, 4, 0x93, 0xE0], "rebalance timeout"),
            (&[0, 0], "no member id yet"),
            (&[0, 8], "length of the protocol type"),
            (b"consumer", "protocol type"),
            (&[0, 0, 0, 1], "number of protocols"),
            (&[0, 5], "length of the protocol's name"),
            (b"range", "protocol"),
            (&[0, 0, 0, 2], "length of the metadata: four bytes, where text has two"),
            (&[0xB0, 0xB1], "metadata"),
        ],
    );
}

#[test]
fn joining_in_version_9() {
    golden(
        9,
        &JoinGroupRequest { group_instance_id: Some("i".into()), reason: Some("r".into()), ..join() },
        &[
            (&[3], "length of the group's name plus one"),
            (b"g1", "group"),
            (&[0, 0, 0xAF, 0xC8], "session timeout"),
            (&[0, 4, 0x93, 0xE0], "rebalance timeout"),
            (&[1], "no member id yet"),
            (&[2], "length of the instance id plus one"),
            (b"i", "instance id"),
            (&[9], "length of the protocol type plus one"),
            (b"consumer", "protocol type"),
            (&[2], "number of protocols plus one"),
            (&[6], "length of the protocol's name plus one"),
            (b"range", "protocol"),
            (&[3], "length of the metadata plus one"),
            (&[0xB0, 0xB1], "metadata"),
            (&[0], "no tagged fields in the protocol"),
            (&[2], "length of the reason plus one"),
            (b"r", "reason"),
            (&[0], "no tagged fields"),
        ],
    );
}

#[test]
fn a_leader_that_has_joined_in_version_5() {
    let member =
        JoinGroupResponseMember { member_id: "m".into(), metadata: Bytes::from_static(&[0xB0]), ..Default::default() };
    golden(
        5,
        &JoinGroupResponse {
            generation_id: 3,
            protocol_name: Some("range".into()),
            leader: "m".into(),
            member_id: "m".into(),
            members: vec![member],
            ..Default::default()
        },
        &[
            (&[0, 0, 0, 0], "throttle time"),
            (&[0, 0], "error"),
            (&[0, 0, 0, 3], "generation"),
            (&[0, 5], "length of the protocol's name"),
            (b"range", "protocol"),
            (&[0, 1], "length of the leader's id"),
            (b"m", "leader"),
            (&[0, 1], "length of the member id"),
            (b"m", "member id"),
            (&[0, 0, 0, 1], "number of members"),
            (&[0, 1], "length of the member id"),
            (b"m", "member id"),
            (&[0xFF, 0xFF], "no instance id"),
            (&[0, 0, 0, 1], "length of the metadata"),
            (&[0xB0], "metadata"),
        ],
    );
}

#[test]
fn assigning_in_version_5() {
    let given = SyncGroupRequestAssignment { member_id: "m".into(), assignment: Bytes::from_static(&[0xB1]) };
    golden(
        5,
        &SyncGroupRequest {
            group_id: "g1".into(),
            generation_id: 3,
            member_id: "m".into(),
            protocol_type: Some("consumer".into()),
            protocol_name: Some("range".into()),
            assignments: vec![given],
            ..Default::default()
        },
        &[
            (&[3], "length of the group's name plus one"),
            (b"g1", "group"),
            (&[0, 0, 0, 3], "generation"),
            (&[2], "length of the member id plus one"),
            (b"m", "member id"),
            (&[0], "no instance id"),
            (&[9], "length of the protocol type plus one"),
            (b"consumer", "protocol type"),
            (&[6], "length of the protocol's name plus one"),
            (b"range", "protocol"),
            (&[2], "number of assignments plus one"),
            (&[2], "length of the member id plus one"),
            (b"m", "member id"),
            (&[2], "length of the assignment plus one"),
            (&[0xB1], "assignment"),
            (&[0], "no tagged fields in the assignment"),
            (&[0], "no tagged fields"),
        ],
    );
}

fn commit(topic: OffsetCommitRequestTopic) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition {
        partition_index: 2,
        committed_offset: 9,
        committed_metadata: None,
        ..Default::default()
    };
    let topic = OffsetCommitRequestTopic { partitions: vec![partition], ..topic };
    OffsetCommitRequest {
        group_id: "g1".into(),
        generation_id_or_member_epoch: 3,
        member_id: "m".into(),
        topics: vec![topic],
        ..Default::default()
    }
}

#[test]
fn committing_in_version_2() {
    golden(
        2,
        &commit(OffsetCommitRequestTopic { name: "t1".into(), ..Default::default() }),
        &[
            (&[0, 2], "length of the group's name"),
            (b"g1", "group"),
            (&[0, 0, 0, 3], "generation"),
            (&[0, 1], "length of the member id"),
            (b"m", "member id"),
            (&[0xFF; 8], "as long as the broker keeps it"),
            (&[0, 0, 0, 1], "number of topics"),
            (&[0, 2], "length of the topic's name"),
            (b"t1", "topic"),
            (&[0, 0, 0, 1], "number of partitions"),
            (&[0, 0, 0, 2], "partition"),
            (&[0, 0, 0, 0, 0, 0, 0, 9], "offset"),
            (&[0xFF, 0xFF], "no metadata"),
        ],
    );
}

/// The version with topic ids, which `kafka-protocol` does not know yet.
#[test]
fn committing_in_version_10() {
    golden(
        10,
        &commit(OffsetCommitRequestTopic { topic_id: TOPIC_ID, ..Default::default() }),
        &[
            (&[3], "length of the group's name plus one"),
            (b"g1", "group"),
            (&[0, 0, 0, 3], "member epoch"),
            (&[2], "length of the member id plus one"),
            (b"m", "member id"),
            (&[0], "no instance id"),
            (&[2], "number of topics plus one"),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], "topic id"),
            (&[2], "number of partitions plus one"),
            (&[0, 0, 0, 2], "partition"),
            (&[0, 0, 0, 0, 0, 0, 0, 9], "offset"),
            (&[0xFF; 4], "no leader epoch"),
            (&[0], "no metadata"),
            (&[0], "no tagged fields in the partition"),
            (&[0], "no tagged fields in the topic"),
            (&[0], "no tagged fields"),
        ],
    );
}

#[test]
fn asking_for_all_offsets_in_version_2() {
    golden(
        2,
        &OffsetFetchRequest { group_id: "g1".into(), topics: None, ..Default::default() },
        &[(&[0, 2], "length of the group's name"), (b"g1", "group"), (&[0xFF; 4], "every topic")],
    );
}

#[test]
fn offsets_of_a_group_in_version_10() {
    let partition = OffsetFetchResponsePartitions {
        partition_index: 2,
        committed_offset: -1,
        metadata: Some(String::new()),
        ..Default::default()
    };
    let topic = OffsetFetchResponseTopics { topic_id: TOPIC_ID, partitions: vec![partition], ..Default::default() };
    let group = OffsetFetchResponseGroup { group_id: "g1".into(), topics: vec![topic], error_code: 0 };
    golden(
        10,
        &OffsetFetchResponse { groups: vec![group], ..Default::default() },
        &[
            (&[0, 0, 0, 0], "throttle time"),
            (&[2], "number of groups plus one"),
            (&[3], "length of the group's name plus one"),
            (b"g1", "group"),
            (&[2], "number of topics plus one"),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], "topic id"),
            (&[2], "number of partitions plus one"),
            (&[0, 0, 0, 2], "partition"),
            (&[0xFF; 8], "nothing is committed"),
            (&[0xFF; 4], "no leader epoch"),
            (&[1], "empty metadata"),
            (&[0, 0], "the partition's error"),
            (&[0], "no tagged fields in the partition"),
            (&[0], "no tagged fields in the topic"),
            (&[0, 0], "the group's error"),
            (&[0], "no tagged fields in the group"),
            (&[0], "no tagged fields"),
        ],
    );
}

#[test]
fn a_heartbeat_that_changes_nothing_and_its_answer_with_an_assignment() {
    golden(
        1,
        &ConsumerGroupHeartbeatRequest {
            group_id: "g1".into(),
            member_id: "m".into(),
            member_epoch: 7,
            ..Default::default()
        },
        &[
            (&[3], "length of the group's name plus one"),
            (b"g1", "group"),
            (&[2], "length of the member id plus one"),
            (b"m", "member id"),
            (&[0, 0, 0, 7], "member epoch"),
            (&[0], "no instance id"),
            (&[0], "no rack"),
            (&[0xFF; 4], "the rebalance timeout is as before"),
            (&[0], "the topics are as before"),
            (&[0], "the regular expression is as before"),
            (&[0], "the assignor is as before"),
            (&[0], "what the member holds is as before"),
            (&[0], "no tagged fields"),
        ],
    );
    let held = TopicPartitions { topic_id: TOPIC_ID, partitions: vec![2] };
    golden(
        1,
        &ConsumerGroupHeartbeatResponse {
            member_id: Some("m".into()),
            member_epoch: 8,
            heartbeat_interval_ms: 5_000,
            assignment: Some(Assignment { topic_partitions: vec![held] }),
            ..Default::default()
        },
        &[
            (&[0, 0, 0, 0], "throttle time"),
            (&[0, 0], "error"),
            (&[0], "no message"),
            (&[2], "length of the member id plus one"),
            (b"m", "member id"),
            (&[0, 0, 0, 8], "member epoch"),
            (&[0, 0, 0x13, 0x88], "interval of heartbeats"),
            (&[1], "there is an assignment"),
            (&[2], "number of topics plus one"),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], "topic id"),
            (&[2], "number of partitions plus one"),
            (&[0, 0, 0, 2], "partition"),
            (&[0], "no tagged fields in the topic"),
            (&[0], "no tagged fields in the assignment"),
            (&[0], "no tagged fields"),
        ],
    );
}
