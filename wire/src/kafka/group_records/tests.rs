//! What records refuse, and which versions they are written in. Real bytes are in `tests/kafka/group_records`.

use super::consumer_protocol_assignment::ConsumerProtocolAssignment;
use super::consumer_protocol_subscription::{ConsumerProtocolSubscription, TopicPartition};
use super::group_metadata::GroupMetadataKey;
use super::offset_commit::OffsetCommitKey;
use super::*;
use crate::kafka::Fault;

fn committed(value: OffsetCommitValue) -> GroupRecord {
    let key = OffsetCommitKey { group: "g".into(), topic: "t".into(), partition: 3 };
    GroupRecord::OffsetCommit(key, Some(value))
}

/// The key of `committed`.
const KEY: [u8; 12] = [0, 1, 0, 1, b'g', 0, 1, b't', 0, 0, 0, 3];

#[test]
fn a_record_has_its_type_and_its_version_in_front() {
    let record = committed(OffsetCommitValue { offset: 9, commit_timestamp: 5, ..Default::default() });
    assert_eq!(record.encode_key().expect("short")[..], KEY);
    let expected = [
        &[0, 4][..],               // version
        &[0, 0, 0, 0, 0, 0, 0, 9], // offset
        &[0xFF, 0xFF, 0xFF, 0xFF], // leader epoch
        &[1],                      // length of the metadata plus one
        &[0, 0, 0, 0, 0, 0, 0, 5], // time of the commit
        &[0],                      // no tagged fields
    ]
    .concat();
    let value = record.encode_value().expect("short").expect("no tombstone");
    assert_eq!(value[..], expected);
    assert_eq!(GroupRecord::decode(&KEY, Some(&value)), Ok(record));
}

#[test]
fn an_offset_with_a_time_to_expire_at_is_written_in_the_one_version_that_has_it() {
    let value = OffsetCommitValue { expire_timestamp: 77, leader_epoch: 4, topic_id: 1, ..Default::default() };
    let bytes = committed(value.clone()).encode_value().expect("short").expect("no tombstone");
    assert_eq!(bytes[..2], [0, 1]);
    // What that version lacks is left out.
    let kept = OffsetCommitValue { leader_epoch: -1, topic_id: 0, ..value };
    assert_eq!(GroupRecord::decode(&KEY, Some(&bytes)), Ok(committed(kept)));
}

#[test]
fn groups_of_the_classic_protocol_are_written_for_older_brokers_too() {
    let record =
        GroupRecord::GroupMetadata(GroupMetadataKey { group: "g".into() }, Some(GroupMetadataValue::default()));
    assert_eq!(record.encode_value().expect("short").expect("no tombstone")[..2], [0, 3]);
}

#[test]
fn a_tombstone_has_a_key_and_no_value() {
    let key = OffsetCommitKey { group: "g".into(), topic: "t".into(), partition: 3 };
    let record = GroupRecord::OffsetCommit(key, None);
    assert_eq!(GroupRecord::decode(&KEY, None).as_ref(), Ok(&record));
    assert_eq!(record.encode_value(), Ok(None));
}

#[test]
fn the_first_type_of_committed_offsets_is_read_and_never_written() {
    let mut old = KEY;
    old[1] = 0;
    let record = GroupRecord::decode(&old, None).expect("the older type");
    assert_eq!(record.encode_key().expect("short")[..], KEY);
}

#[test]
fn what_is_unknown_is_told_apart_from_what_is_damaged() {
    // Share groups, streams groups, and numbers that nobody has given out.
    for number in [9, 10, 11, 12, 13, 14, 15, 17, 24, 999, -1, i16::MIN] {
        let key = [&i16::to_be_bytes(number)[..], &[0, 1, b'g']].concat();
        assert_eq!(GroupRecord::decode(&key, Some(&[])), Err(RecordError::UnknownType(number)));
    }
    for version in [-1, 5, i16::MAX] {
        let expected = RecordError::UnknownVersion { name: "OffsetCommitValue", version };
        assert_eq!(GroupRecord::decode(&KEY, Some(&version.to_be_bytes())), Err(expected));
    }
    let damaged = |key: &[u8], value: Option<&[u8]>| match GroupRecord::decode(key, value) {
        Err(RecordError::Damaged(error)) => error.fault,
        other => panic!("{other:?}"),
    };
    assert_eq!(damaged(&[], None), Fault::Short { needed: 2, left: 0 });
    assert_eq!(damaged(&KEY[..11], None), Fault::Short { needed: 4, left: 3 });
    assert_eq!(damaged(&[&KEY[..], &[0]].concat(), None), Fault::Trailing(1));
    assert_eq!(damaged(&KEY, Some(&[])), Fault::Short { needed: 2, left: 0 });
    assert_eq!(damaged(&KEY, Some(&[0, 0, 1])), Fault::Short { needed: 8, left: 1 });
    let whole = committed(OffsetCommitValue::default()).encode_value().expect("short").expect("no tombstone");
    assert_eq!(damaged(&KEY, Some(&[&whole[..], &[7]].concat())), Fault::Trailing(1));
}

#[test]
fn a_subscription_of_a_newer_version_is_read_as_the_newest() {
    let owned = TopicPartition { topic: "t".into(), partitions: vec![1, 2] };
    let said = ConsumerProtocolSubscription {
        topics: vec!["t".into()],
        owned_partitions: vec![owned],
        generation_id: 6,
        rack_id: Some("r".into()),
        ..Default::default()
    };
    let mut bytes = encode_versioned(&said, 3).expect("short").to_vec();
    bytes[1] = 9;
    bytes.extend([1, 2, 3]);
    assert_eq!(decode_consumer_protocol(&bytes), Ok(said));
}

#[test]
fn a_subscription_that_is_none_is_refused() {
    let refused = |bytes: &[u8]| decode_consumer_protocol::<ConsumerProtocolSubscription>(bytes).expect_err("refused");
    assert_eq!(
        refused(&[0xFF, 0xFE, 0, 0]),
        RecordError::UnknownVersion { name: "ConsumerProtocolSubscription", version: -2 }
    );
    assert!(matches!(refused(&[]), RecordError::Damaged(_)));
    // Two billion topics in ten bytes.
    assert!(matches!(refused(&[0, 1, 0x7F, 0xFF, 0xFF, 0xFF, 0, 1, b't', 0]), RecordError::Damaged(_)));
}

#[test]
fn an_assignment_of_each_version_is_the_same_but_for_the_number_in_front() {
    let owned = consumer_protocol_assignment::TopicPartition { topic: "t".into(), partitions: vec![4] };
    let given =
        ConsumerProtocolAssignment { assigned_partitions: vec![owned], user_data: Some(Bytes::from_static(b"u")) };
    let oldest = encode_versioned(&given, 0).expect("short");
    for version in 0..=3 {
        let bytes = encode_versioned(&given, version).expect("short");
        assert_eq!(bytes[..2], version.to_be_bytes());
        assert_eq!(bytes[2..], oldest[2..]);
        assert_eq!(decode_consumer_protocol(&bytes).as_ref(), Ok(&given));
    }
    let refused = EncodeError::Version { message: "ConsumerProtocolAssignment", version: 4 };
    assert_eq!(encode_versioned(&given, 4), Err(refused));
}
