//! Records that Kafka wrote: its coordinator, its consumers, and its generated classes in every version.

use bytes::Bytes;
use wire::kafka::group_records::consumer_group_current_member_assignment::{
    ConsumerGroupCurrentMemberAssignmentKey, ConsumerGroupCurrentMemberAssignmentValue, TopicPartitions,
};
use wire::kafka::group_records::consumer_group_member_metadata::{
    ClassicMemberMetadata, ClassicProtocol, ConsumerGroupMemberMetadataKey, ConsumerGroupMemberMetadataValue,
};
use wire::kafka::group_records::consumer_group_metadata::{ConsumerGroupMetadataKey, ConsumerGroupMetadataValue};
use wire::kafka::group_records::consumer_group_partition_metadata::ConsumerGroupPartitionMetadataKey;
use wire::kafka::group_records::consumer_group_regular_expression::{
    ConsumerGroupRegularExpressionKey, ConsumerGroupRegularExpressionValue,
};
use wire::kafka::group_records::consumer_group_target_assignment_member::{
    ConsumerGroupTargetAssignmentMemberKey, ConsumerGroupTargetAssignmentMemberValue, TopicPartition,
};
use wire::kafka::group_records::consumer_group_target_assignment_metadata::{
    ConsumerGroupTargetAssignmentMetadataKey, ConsumerGroupTargetAssignmentMetadataValue,
};
use wire::kafka::group_records::consumer_protocol_assignment::{self, ConsumerProtocolAssignment};
use wire::kafka::group_records::consumer_protocol_subscription::{self, ConsumerProtocolSubscription};
use wire::kafka::group_records::group_metadata::{GroupMetadataKey, GroupMetadataValue, MemberMetadata};
use wire::kafka::group_records::offset_commit::{OffsetCommitKey, OffsetCommitValue};
use wire::kafka::group_records::{GroupRecord, RecordError, Versioned, decode_consumer_protocol, encode_versioned};

use super::generated::each_part;
use super::{Visitor, decode, encode};
use crate::fixture::Sample;
use crate::golden::java::{from_hex, lines_of};

const PARTS: &str = include_str!("../../golden/group-record-parts-4.3.1.txt");
const RECORDS: &str = include_str!("../../golden/group-records-4.3.1.txt");

const TOPIC_ID: u128 = 1 << 64 | 2;
const TIME: i64 = 1_700_000_000_000;

#[derive(Default)]
struct Java {
    lines: usize,
}

impl Visitor for Java {
    fn visit<V: Versioned + Sample>(&mut self) {
        let lines = lines_of(PARTS, V::NAME);
        assert_eq!(lines.len(), V::VERSIONS.iter().count() * 2, "{}", V::NAME);
        for (version, full, bytes) in lines {
            let name = V::NAME;
            let read = decode::<V>(&bytes, version).unwrap_or_else(|error| panic!("{name} version {version}: {error}"));
            assert_eq!(read == V::default(), !full, "{name} version {version}: {read:?}");
            assert_eq!(encode(&read, version), bytes, "{name} version {version}: the bytes differ");
            self.lines += 1;
        }
    }
}

#[test]
fn what_kafkas_own_classes_write_is_read_and_written_to_the_byte() {
    let mut java = Java::default();
    each_part(&mut java);
    assert_eq!(java.lines, PARTS.lines().filter(|line| !line.starts_with('#')).count());
}

/// Every record that the coordinator writes, in the order of the file.
fn expected() -> Vec<GroupRecord> {
    [offsets(), classic_group(), consumer_group()].concat()
}

fn offsets() -> Vec<GroupRecord> {
    let key = OffsetCommitKey { group: "group".into(), topic: "topic".into(), partition: 3 };
    let noted = OffsetCommitValue {
        offset: 1000,
        leader_epoch: 7,
        metadata: "note".into(),
        commit_timestamp: TIME,
        expire_timestamp: -1,
        topic_id: TOPIC_ID,
    };
    let bare = OffsetCommitValue { leader_epoch: -1, metadata: String::new(), topic_id: 0, ..noted.clone() };
    // Version 1 has no place for the epoch and the topic's id.
    let expiring =
        OffsetCommitValue { leader_epoch: -1, topic_id: 0, expire_timestamp: TIME + 600_000, ..noted.clone() };
    let values = [Some(noted), Some(bare), Some(expiring), None];
    values.map(|value| GroupRecord::OffsetCommit(key.clone(), value)).to_vec()
}

fn assignment() -> ConsumerProtocolAssignment {
    let both = consumer_protocol_assignment::TopicPartition { topic: "topic".into(), partitions: vec![0, 1] };
    ConsumerProtocolAssignment { assigned_partitions: vec![both], user_data: None }
}

fn subscription() -> ConsumerProtocolSubscription {
    let owned = consumer_protocol_subscription::TopicPartition { topic: "topic".into(), partitions: vec![1] };
    ConsumerProtocolSubscription {
        // Kafka's consumers sort them.
        topics: vec!["other".into(), "topic".into()],
        user_data: Some(Bytes::from_static(&[1, 2])),
        owned_partitions: vec![owned],
        generation_id: 4,
        rack_id: Some("rack-1".into()),
    }
}

fn newest<V: Versioned>(data: &V) -> Bytes {
    encode_versioned(data, V::VERSIONS.max).expect("short")
}

fn classic_group() -> Vec<GroupRecord> {
    let member = MemberMetadata {
        member_id: "member-1".into(),
        group_instance_id: Some("static-1".into()),
        client_id: "client".into(),
        client_host: "/127.0.0.1".into(),
        rebalance_timeout: 300_000,
        session_timeout: 45_000,
        subscription: newest(&subscription()),
        assignment: newest(&assignment()),
    };
    let stable = GroupMetadataValue {
        protocol_type: "consumer".into(),
        generation: 1,
        protocol: Some("range".into()),
        leader: Some("member-1".into()),
        current_state_timestamp: TIME,
        members: vec![member],
    };
    let empty = GroupMetadataValue {
        protocol: None,
        leader: None,
        current_state_timestamp: TIME,
        ..GroupMetadataValue::default()
    };
    let values = [Some(stable), Some(empty), None];
    values.map(|value| GroupRecord::GroupMetadata(GroupMetadataKey { group: "group".into() }, value)).to_vec()
}

fn consumer_group() -> Vec<GroupRecord> {
    let group_id = || "group".to_owned();
    let first = || "member-1".to_owned();
    let with_regex = ConsumerGroupMemberMetadataValue {
        instance_id: Some("static-1".into()),
        rack_id: Some("rack-1".into()),
        client_id: "client".into(),
        client_host: "/127.0.0.1".into(),
        subscribed_topic_names: vec!["a".into(), "b".into()],
        subscribed_topic_regex: Some("t.*".into()),
        rebalance_timeout_ms: 300_000,
        server_assignor: Some("uniform".into()),
        classic_member_metadata: None,
    };
    let range = ClassicProtocol { name: "range".into(), metadata: newest(&subscription()) };
    let of_classic_protocol = ConsumerGroupMemberMetadataValue {
        instance_id: None,
        rack_id: None,
        subscribed_topic_names: vec!["topic".into()],
        subscribed_topic_regex: Some(String::new()),
        server_assignor: None,
        classic_member_metadata: Some(ClassicMemberMetadata {
            session_timeout_ms: 45_000,
            supported_protocols: vec![range],
        }),
        ..with_regex.clone()
    };
    let held = |partitions, epochs| TopicPartitions { topic_id: TOPIC_ID, partitions, assignment_epochs: Some(epochs) };
    let current = ConsumerGroupCurrentMemberAssignmentValue {
        member_epoch: 6,
        previous_member_epoch: 5,
        state: 1,
        assigned_partitions: vec![held(vec![0, 5], vec![4, 6])],
        partitions_pending_revocation: vec![held(vec![9], vec![3])],
    };
    let target = TopicPartition { topic_id: TOPIC_ID, partitions: vec![0, 5] };
    let member = |member_id: &str, value| {
        let key = ConsumerGroupMemberMetadataKey { group_id: group_id(), member_id: member_id.into() };
        GroupRecord::ConsumerGroupMemberMetadata(key, Some(value))
    };
    let epoch = ConsumerGroupMetadataValue { epoch: 6, metadata_hash: 0x0123_4567_89AB_CDEF };
    vec![
        GroupRecord::ConsumerGroupMetadata(ConsumerGroupMetadataKey { group_id: group_id() }, Some(epoch)),
        GroupRecord::ConsumerGroupMetadata(ConsumerGroupMetadataKey { group_id: group_id() }, None),
        GroupRecord::ConsumerGroupPartitionMetadata(ConsumerGroupPartitionMetadataKey { group_id: group_id() }, None),
        member("member-1", with_regex),
        member("member-2", of_classic_protocol),
        GroupRecord::ConsumerGroupTargetAssignmentMetadata(
            ConsumerGroupTargetAssignmentMetadataKey { group_id: group_id() },
            Some(ConsumerGroupTargetAssignmentMetadataValue { assignment_epoch: 6, assignment_timestamp: TIME }),
        ),
        GroupRecord::ConsumerGroupTargetAssignmentMember(
            ConsumerGroupTargetAssignmentMemberKey { group_id: group_id(), member_id: first() },
            Some(ConsumerGroupTargetAssignmentMemberValue { topic_partitions: vec![target] }),
        ),
        GroupRecord::ConsumerGroupCurrentMemberAssignment(
            ConsumerGroupCurrentMemberAssignmentKey { group_id: group_id(), member_id: first() },
            Some(current),
        ),
        GroupRecord::ConsumerGroupRegularExpression(
            ConsumerGroupRegularExpressionKey { group_id: group_id(), regular_expression: "t.*".into() },
            Some(ConsumerGroupRegularExpressionValue {
                topics: vec!["topic".into()],
                metadata_version: 12,
                timestamp: TIME,
            }),
        ),
    ]
}

/// Name, key and value.
type Line = (&'static str, Option<Vec<u8>>, Option<Vec<u8>>);

/// Each line of the file.
fn lines() -> Vec<Line> {
    let bytes = |word: &str| (word != "-").then(|| from_hex(word));
    let lines = RECORDS.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            (words[0], bytes(words[1]), bytes(words[2]))
        })
        .collect()
}

#[test]
fn the_coordinators_records_are_read_and_written_to_the_byte() {
    let lines = lines();
    let known = lines.iter().filter(|(name, key, _)| key.is_some() && !name.starts_with("Share"));
    let expected = expected();
    assert_eq!(known.clone().count(), expected.len());
    for ((name, key, value), record) in known.zip(expected) {
        let key = key.as_deref().expect("a record has a key");
        assert_eq!(GroupRecord::decode(key, value.as_deref()).as_ref(), Ok(&record), "{name}");
        assert_eq!(record.name(), *name);
        assert_eq!(record.encode_key().expect("short")[..], *key, "{name}");
        assert_eq!(record.encode_value().expect("short").as_deref(), value.as_deref(), "{name}");
    }
}

#[test]
fn a_share_groups_record_is_unknown_and_not_damaged() {
    let lines = lines();
    let (_, key, value) = lines.iter().find(|(name, ..)| *name == "ShareGroupMetadata").expect("there is one");
    let key = key.as_deref().expect("a record has a key");
    assert_eq!(GroupRecord::decode(key, value.as_deref()), Err(RecordError::UnknownType(11)));
}

#[test]
fn what_consumers_say_is_read_and_written_to_the_byte() {
    let lines = lines();
    let said = |wanted: &str| -> Vec<Vec<u8>> {
        lines.iter().filter(|(name, ..)| *name == wanted).map(|(_, _, value)| value.clone().expect("bytes")).collect()
    };
    let subscriptions = said("ConsumerProtocolSubscription");
    assert_eq!(subscriptions.len(), 4);
    for (version, bytes) in (0..).zip(&subscriptions) {
        let mut expected = subscription();
        if version < 1 {
            expected.owned_partitions.clear();
        }
        if version < 2 {
            expected.generation_id = -1;
        }
        if version < 3 {
            expected.rack_id = None;
        }
        assert_eq!(decode_consumer_protocol(bytes).as_ref(), Ok(&expected), "version {version}");
        assert_eq!(encode_versioned(&expected, version).expect("short"), bytes[..], "version {version}");
    }
    let [assigned] = &said("ConsumerProtocolAssignment")[..] else { panic!("one assignment") };
    assert_eq!(decode_consumer_protocol(assigned), Ok(assignment()));
    assert_eq!(newest(&assignment()), assigned[..]);
}
