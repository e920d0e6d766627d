//! The fold of the records, however the log was compacted.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{Offset, PartitionIndex, Timestamp, TopicId};
use proptest::prelude::*;

use super::desk::{client, topic};
use crate::groups::*;

fn partitions() -> impl Strategy<Value = Partitions> {
    prop::collection::vec((0_u128..3, 0_u32..4), 0..5).prop_map(|all| {
        all.into_iter().map(|(id, index)| (TopicId::from_random(id << 80), PartitionIndex(index))).collect()
    })
}

fn current() -> impl Strategy<Value = CurrentAssignment> {
    (0..9_i32, partitions(), partitions()).prop_map(|(epoch, assigned, revoking)| CurrentAssignment {
        epoch: Epoch(epoch),
        previous_epoch: Epoch(epoch - 1),
        state: MemberState::Stable,
        revoking: revoking.filtered(|topic, index| !assigned.contains(topic, index)),
        assigned,
    })
}

fn member(instance: Option<u8>) -> MemberMetadata {
    let Client { id, host } = client();
    MemberMetadata {
        instance: instance.map(|number| format!("i{number}").as_str().into()),
        rack: None,
        client_id: id,
        client_host: host,
        topics: vec![topic("t")],
        regex: None,
        rebalance_timeout_ms: 1,
        assignor: None,
        classic: None,
    }
}

fn record() -> impl Strategy<Value = GroupRecord> {
    let group = || (0_u8..2).prop_map(|number| GroupId::new(&format!("g{number}")));
    let member_id = || (0_u8..3).prop_map(|number| MemberId::new(&format!("m{number}")));
    let maybe = |strategy| prop::option::weighted(0.6, strategy);
    let offset = (0_u64..9).prop_map(|offset| CommittedOffset {
        offset: Offset::new(offset).unwrap(),
        leader_epoch: None,
        metadata: Arc::from(""),
        committed_at: Timestamp::from_millis(offset),
        expires_at: None,
    });
    let classic = (0..9_i32).prop_map(|generation| {
        Arc::new(ClassicMetadata {
            protocol_type: Arc::from("consumer"),
            generation: Epoch(generation),
            protocol: None,
            leader: None,
            state_since: None,
            members: Vec::new(),
        })
    });
    let regex = prop::option::weighted(0.6, 0_u64..9);
    prop_oneof![
        (group(), 0_u8..2, 0_u32..2, prop::option::weighted(0.6, offset)).prop_map(|(group, name, index, value)| {
            let topic = topic(&format!("t{name}"));
            GroupRecord::Offset { group, topic, partition: PartitionIndex(index), value }
        }),
        (group(), prop::option::weighted(0.6, classic))
            .prop_map(|(group, value)| GroupRecord::Classic { group, value }),
        (group(), prop::option::weighted(0.6, (0..9_i32, any::<u64>()))).prop_map(|(group, value)| {
            let value = value.map(|(epoch, metadata_hash)| ConsumerMetadata { epoch: Epoch(epoch), metadata_hash });
            GroupRecord::Consumer { group, value }
        }),
        (group(), member_id(), prop::option::weighted(0.6, prop::option::of(0_u8..3))).prop_map(
            |(group, id, value)| {
                let value = value.map(|instance| Arc::new(member(instance)));
                GroupRecord::Member { group, member: id, value }
            }
        ),
        (group(), prop::option::weighted(0.6, 0..9_i32))
            .prop_map(|(group, value)| GroupRecord::TargetEpoch { group, value: value.map(Epoch) }),
        (group(), member_id(), maybe(partitions().boxed()))
            .prop_map(|(group, member, value)| { GroupRecord::Target { group, member, value: value.map(Arc::new) } }),
        (group(), member_id(), prop::option::weighted(0.6, current()))
            .prop_map(|(group, member, value)| { GroupRecord::Current { group, member, value: value.map(Arc::new) } }),
        (group(), 0_u8..2, regex).prop_map(|(group, number, version)| {
            let value = version.map(|version| {
                Arc::new(ResolvedRegex { topics: Vec::new(), version, resolved_at: Timestamp::from_millis(version) })
            });
            GroupRecord::Regex { group, regex: format!("r{number}").into(), value }
        }),
    ]
}

/// What compaction leaves of the records before `end`, with the rest behind it.
fn compacted(log: &[GroupRecord], end: usize, keeps_tombstones: bool) -> Vec<GroupRecord> {
    let last: BTreeMap<_, _> = log[..end].iter().enumerate().map(|(at, record)| (record.key(), at)).collect();
    let head = log[..end]
        .iter()
        .enumerate()
        .filter(|(at, record)| last[&record.key()] == *at && (keeps_tombstones || !record.is_tombstone()));
    head.map(|(_, record)| record.clone()).chain(log[end..].iter().cloned()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_compacted_log_has_the_same_fold(
        log in prop::collection::vec(record(), 0..60), ends in prop::collection::vec(0.0..=1.0, 1..4),
        keeps_tombstones: bool,
    ) {
        let state = GroupState::from_records(&log);
        let mut once_more = log.clone();
        for end in ends {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a fraction of a length")]
            let end = (once_more.len() as f64 * end) as usize;
            once_more = compacted(&once_more, end, keeps_tombstones);
            prop_assert_eq!(&GroupState::from_records(&once_more), &state);
        }
        prop_assert_eq!(&GroupState::from_records(&state.snapshot()), &state);
        let all_gone: Vec<_> = state.snapshot().into_iter().map(tombstone_of).collect();
        prop_assert_eq!(GroupState::from_records(log.iter().chain(&all_gone)), GroupState::default());
    }
}

fn tombstone_of(record: GroupRecord) -> GroupRecord {
    match record {
        GroupRecord::Offset { group, topic, partition, .. } => {
            GroupRecord::Offset { group, topic, partition, value: None }
        }
        GroupRecord::Classic { group, .. } => GroupRecord::Classic { group, value: None },
        GroupRecord::Consumer { group, .. } => GroupRecord::Consumer { group, value: None },
        GroupRecord::Member { group, member, .. } => GroupRecord::Member { group, member, value: None },
        GroupRecord::TargetEpoch { group, .. } => GroupRecord::TargetEpoch { group, value: None },
        GroupRecord::Target { group, member, .. } => GroupRecord::Target { group, member, value: None },
        GroupRecord::Current { group, member, .. } => GroupRecord::Current { group, member, value: None },
        GroupRecord::Regex { group, regex, .. } => GroupRecord::Regex { group, regex, value: None },
    }
}
