//! Committing and fetching offsets.

use std::sync::Arc;

use base::PartitionIndex;

use super::desk::*;
use crate::groups::*;

#[test]
fn anybody_commits_to_a_group_without_members_and_gets_back_what_was_committed() {
    let mut desk = Desk::new();
    assert_eq!(desk.commit(commit("", -1, 0, 42)), Ok(vec![Ok(())]));
    let offsets = desk.coordinator.fetch_offsets(&"g".into(), None).unwrap();
    let committed = offsets.get("t", PartitionIndex(0)).unwrap();
    assert_eq!((committed.offset.get(), &*committed.metadata, committed.leader_epoch), (42, "note", None));
    assert_eq!(committed.committed_at, desk.now.wall);
    assert!(offsets.get("t", PartitionIndex(1)).is_none());
    assert_eq!(offsets.all().count(), 1);
    assert_eq!(desk.coordinator.fetch_offsets(&"other".into(), None).unwrap().all().count(), 0);
}

#[test]
fn a_commit_counts_when_it_is_in_the_log() {
    let mut desk = Desk::new();
    desk.holds = true;
    let first = desk.ask(Request::OffsetCommit(commit("", -1, 0, 1)));
    let second = desk.ask(Request::OffsetCommit(commit("", -1, 0, 2)));
    assert_eq!((desk.reply(first), desk.reply(second), desk.committed("t", 0)), (None, None, None));
    assert_eq!(desk.under_way.len(), 2, "commits do not wait for each other");
    desk.fail();
    assert!(matches!(desk.reply(first), Some(Reply::OffsetCommit(Err(GroupError::CoordinatorNotAvailable { .. })))));
    desk.flush();
    assert_eq!(desk.reply(second), Some(Reply::OffsetCommit(Ok(vec![Ok(())]))));
    assert_eq!(desk.committed("t", 0), Some(2));
}

#[test]
fn a_member_commits_in_its_generation_only() {
    let mut desk = Desk::new();
    desk.stable(&["a"]);
    assert_eq!(desk.commit(commit("a", 1, 0, 7)), Ok(vec![Ok(())]));
    let illegal = GroupError::IllegalGeneration { got: Epoch(2), current: Epoch(1) };
    assert_eq!(desk.commit(commit("a", 2, 0, 8)), Err(illegal));
    assert_eq!(desk.commit(commit("b", 1, 0, 8)), Err(GroupError::UnknownMemberId));
    assert_eq!(desk.commit(commit("", -1, 0, 8)), Err(GroupError::UnknownMemberId), "the group has members");
    assert_eq!(desk.committed("t", 0), Some(7));
}

#[test]
fn members_may_commit_while_the_group_calls_them_but_not_while_it_completes() {
    let mut desk = Desk::new();
    desk.stable(&["a", "b"]);
    desk.ask(Request::Join(rejoin("a")));
    assert_eq!(desk.commit(commit("b", 1, 0, 7)), Ok(vec![Ok(())]));
    desk.ask(Request::Join(rejoin("b")));
    assert_eq!(desk.commit(commit("b", 2, 0, 8)), Err(GroupError::RebalanceInProgress));
}

#[test]
fn a_commit_keeps_the_session() {
    let mut desk = Desk::new();
    desk.stable(&["a"]);
    desk.pass(9_000);
    desk.commit(commit("a", 1, 0, 7)).unwrap();
    desk.pass(9_000);
    assert_eq!(desk.heartbeat("a", 1), Ok(()));
}

#[test]
fn a_commit_with_a_generation_to_no_group_is_refused() {
    let mut desk = Desk::new();
    assert_eq!(desk.commit(commit("a", 1, 0, 7)), Err(GroupError::GroupIdNotFound));
    let old = OffsetCommitRequest { knows_member_epoch: false, ..commit("a", 1, 0, 7) };
    assert!(matches!(desk.commit(old), Err(GroupError::IllegalGeneration { .. })));
    desk.commit(commit("", -1, 0, 7)).unwrap();
    assert_eq!(desk.commit(commit("a", 1, 0, 7)), Err(GroupError::UnknownMemberId));
}

#[test]
fn metadata_that_is_too_large_is_refused_for_its_partition_alone() {
    let mut desk = Desk::new();
    let mut request = commit("", -1, 0, 7);
    let mut large = request.offsets[0].clone();
    (large.partition, large.metadata) = (PartitionIndex(1), Arc::from("x".repeat(4_097)));
    request.offsets.push(large);
    let error = GroupError::OffsetMetadataTooLarge { bytes: 4_097, limit: 4_096 };
    assert_eq!(desk.commit(request), Ok(vec![Ok(()), Err(error)]));
    assert_eq!((desk.committed("t", 0), desk.committed("t", 1)), (Some(7), None));
}

#[test]
fn a_group_has_a_limit_of_offsets_and_known_ones_can_still_be_committed() {
    let mut desk = Desk::new();
    let limit = u32::try_from(crate::limits::GROUP_OFFSETS_MAX).unwrap();
    let mut request = commit("", -1, 0, 7);
    let offset = request.offsets[0].clone();
    request.offsets =
        (0..=limit).map(|index| OffsetToCommit { partition: PartitionIndex(index), ..offset.clone() }).collect();
    let results = desk.commit(request).unwrap();
    let (refused, rest) = results.split_last().unwrap();
    assert!(rest.iter().all(Result::is_ok));
    assert!(matches!(refused, Err(GroupError::LimitReached { .. })), "{refused:?}");
    assert_eq!(desk.commit(commit("", -1, 3, 8)), Ok(vec![Ok(())]));
    assert!(matches!(desk.commit(commit("", -1, limit, 8)).unwrap()[0], Err(GroupError::LimitReached { .. })));
}

#[test]
fn committed_offsets_survive_a_restart() {
    let mut desk = Desk::new();
    desk.commit(commit("", -1, 0, 42)).unwrap();
    desk.restart();
    assert_eq!(desk.committed("t", 0), Some(42));
    assert_eq!(desk.commit(commit("", -1, 0, 43)), Ok(vec![Ok(())]));
}

#[test]
fn an_offset_below_zero_takes_away_what_was_committed_before_it() {
    let mut desk = Desk::new();
    desk.commit(commit("", -1, 1, 5)).unwrap();
    desk.holds = true;
    let none = |partition| {
        let mut request = commit("", -1, partition, 0);
        request.offsets[0].offset = None;
        Request::OffsetCommit(request)
    };
    desk.ask(Request::OffsetCommit(commit("", -1, 0, 7)));
    let tokens = [desk.ask(none(0)), desk.ask(none(1)), desk.ask(none(2))];
    desk.flush();
    for token in tokens {
        assert_eq!(desk.reply(token), Some(Reply::OffsetCommit(Ok(vec![Ok(())]))));
    }
    assert!(desk.coordinator.state().is_empty());
}
