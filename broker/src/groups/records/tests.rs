//! Every kind of record there and back, and records of others.

use std::sync::Arc;

use base::{LeaderEpoch, PartitionIndex, Timestamp, TopicId};
use cluster::groups::{
    AssignorName, ClassicMemberMetadata, ClassicMetadata, ClassicProtocols, CommittedOffset, ConsumerMetadata,
    CurrentAssignment, Epoch, GroupId, InstanceId, MemberId, MemberMetadata, MemberState, Partitions, Protocol,
    ResolvedRegex,
};
use cluster::metadata::TopicName;
use wire::batch::{BatchBuilder, BatchOptions, NewRecord};
use wire::compress::Compressor;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn group() -> GroupId {
    GroupId::new("readers")
}

fn topic(name: &str) -> TopicName {
    TopicName::new(name).unwrap()
}

fn partitions(index: u32) -> Partitions {
    [(TopicId::from_random(7), PartitionIndex(index)), (TopicId::from_random(9), PartitionIndex(0))]
        .into_iter()
        .collect()
}

fn committed(expires_at: Option<Timestamp>) -> CommittedOffset {
    CommittedOffset {
        offset: Offset::new(42).unwrap(),
        // The versions of OffsetCommit that may ask for a time know no leader epoch, and so does the record.
        leader_epoch: LeaderEpoch::new(3).filter(|_| expires_at.is_none()),
        metadata: "where I was: größer".into(),
        committed_at: NOW,
        expires_at,
    }
}

fn classic() -> ClassicMetadata {
    ClassicMetadata {
        protocol_type: "consumer".into(),
        generation: Epoch(5),
        protocol: Some("range".into()),
        leader: Some(MemberId::new("m-1")),
        state_since: Some(NOW),
        members: vec![ClassicMemberMetadata {
            member: MemberId::new("m-1"),
            instance: Some(InstanceId::new("first")),
            client_id: "c".into(),
            client_host: "/127.0.0.1".into(),
            rebalance_timeout_ms: 300_000,
            session_timeout_ms: 45_000,
            subscription: Arc::from([0, 1, 2]),
            assignment: Arc::from([9, 8]),
        }],
    }
}

fn member(classic: Option<ClassicProtocols>) -> MemberMetadata {
    MemberMetadata {
        instance: Some(InstanceId::new("second")),
        rack: Some("r".into()),
        client_id: "c".into(),
        client_host: "/127.0.0.1".into(),
        topics: vec![topic("a"), topic("b")],
        regex: Some("a.*".into()),
        rebalance_timeout_ms: 60_000,
        assignor: Some(AssignorName::Range),
        classic,
    }
}

fn current(state: MemberState) -> CurrentAssignment {
    CurrentAssignment {
        epoch: Epoch(4),
        previous_epoch: Epoch(3),
        state,
        assigned: partitions(1),
        revoking: partitions(2),
    }
}

/// One of each kind, with a value and as a tombstone.
fn all() -> Vec<GroupRecord> {
    let (group, member_id) = (group(), MemberId::new("m-1"));
    let offset = |value| GroupRecord::Offset {
        group: group.clone(),
        topic: topic("flights"),
        partition: PartitionIndex(6),
        value,
    };
    let speaks = ClassicProtocols {
        session_timeout_ms: 45_000,
        protocols: vec![Protocol { name: "range".into(), metadata: Arc::from([1, 2, 3]) }],
    };
    let regex = |value| GroupRecord::Regex { group: group.clone(), regex: "a.*".into(), value };
    let resolved = ResolvedRegex { topics: vec![topic("a"), topic("ab")], version: 17, resolved_at: NOW };
    let with_member = |value| GroupRecord::Member { group: group.clone(), member: member_id.clone(), value };
    let with_current = |value| GroupRecord::Current { group: group.clone(), member: member_id.clone(), value };
    let target = |value| GroupRecord::Target { group: group.clone(), member: member_id.clone(), value };
    vec![
        offset(Some(committed(None))),
        offset(Some(committed(Some(Timestamp::from_millis(1_800_000_000_000))))),
        offset(None),
        GroupRecord::Classic { group: group.clone(), value: Some(Arc::new(classic())) },
        GroupRecord::Classic { group: group.clone(), value: None },
        GroupRecord::Consumer {
            group: group.clone(),
            value: Some(ConsumerMetadata { epoch: Epoch(8), metadata_hash: u64::MAX - 3 }),
        },
        GroupRecord::Consumer { group: group.clone(), value: None },
        with_member(Some(Arc::new(member(None)))),
        with_member(Some(Arc::new(member(Some(speaks))))),
        with_member(None),
        GroupRecord::TargetEpoch { group: group.clone(), value: Some(Epoch(8)) },
        GroupRecord::TargetEpoch { group: group.clone(), value: None },
        target(Some(Arc::new(partitions(3)))),
        target(None),
        with_current(Some(Arc::new(current(MemberState::Stable)))),
        with_current(Some(Arc::new(current(MemberState::Unrevoked)))),
        with_current(Some(Arc::new(current(MemberState::Unreleased)))),
        with_current(None),
        regex(Some(Arc::new(resolved))),
        regex(None),
    ]
}

fn batch_of(records: &[GroupRecord]) -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for record in records {
        let plain = to_wire::record(record);
        let (key, value) = (plain.encode_key().unwrap(), plain.encode_value().unwrap());
        let new = NewRecord { timestamp: Some(NOW), key: Some(&key), value: value.as_deref(), ..NewRecord::default() };
        builder.push(&new).unwrap();
    }
    builder.finish(&mut Compressor::new()).to_vec()
}

fn read(bytes: &[u8]) -> Result<Vec<GroupRecord>, UnreadableRecord> {
    let mut found = Vec::new();
    let (batch, rest) = Batch::parse(bytes).unwrap();
    assert!(rest.is_empty());
    decode(&batch, &mut Decompressor::new(), |record| found.push(record.clone()))?;
    Ok(found)
}

#[test]
fn every_record_survives_the_log() {
    let records = all();
    assert_eq!(read(&batch_of(&records)).unwrap(), records);
}

/// A batch with one record of these bytes.
fn foreign(key: Option<&[u8]>, value: Option<&[u8]>) -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.push(&NewRecord { timestamp: Some(NOW), key, value, ..NewRecord::default() }).unwrap();
    builder.finish(&mut Compressor::new()).to_vec()
}

#[test]
fn records_of_features_that_we_lack_are_passed_over() {
    // Share groups begin with 11.
    assert_eq!(read(&foreign(Some(&[0, 11, 1, 2, 3]), Some(&[0, 0]))).unwrap(), []);
}

#[test]
fn what_is_damaged_is_said_and_not_passed_over() {
    let no_key = read(&foreign(None, Some(&[0, 0]))).unwrap_err();
    assert_eq!(no_key.to_string(), "the record at offset 0 cannot be read: it has no key");
    assert!(read(&foreign(Some(&[0, 2, 0, 9, b'g']), None)).is_err(), "the key is cut");
    let newer = GroupRecord::Classic { group: group(), value: None };
    let key = to_wire::record(&newer).encode_key().unwrap();
    assert!(read(&foreign(Some(&key), Some(&[0, 99]))).is_err(), "the value's version is not known");
}

#[test]
fn a_members_state_that_nobody_knows_is_an_error() {
    let record = GroupRecord::Current {
        group: group(),
        member: MemberId::new("m"),
        value: Some(Arc::new(current(MemberState::Stable))),
    };
    let WireRecord::ConsumerGroupCurrentMemberAssignment(key, Some(mut value)) = to_wire::record(&record) else {
        panic!("another record");
    };
    value.state = 127;
    let damaged = WireRecord::ConsumerGroupCurrentMemberAssignment(key, Some(value));
    let (key, value) = (damaged.encode_key().unwrap(), damaged.encode_value().unwrap());
    assert!(read(&foreign(Some(&key), value.as_deref())).unwrap_err().what.contains("127"));
}
