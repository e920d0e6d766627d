//! Offsets and groups that go: asked for, with their topic, or by age.

use base::{PartitionIndex, Timestamp};

use super::desk::*;
use crate::groups::*;
use crate::limits::OFFSETS_REMOVED_PER_BATCH_MAX;
use crate::metadata::MetadataImage;

const WEEK_MS: u64 = 7 * 24 * 3_600_000;
/// Offsets are looked through this often.
const ROUND_MS: u64 = 600_000;

fn delete(desk: &mut Desk, topics: &[&str]) -> Result<Vec<Result<(), GroupError>>, GroupError> {
    let partitions = topics.iter().map(|name| (topic(name), PartitionIndex(0))).collect();
    match desk.answer(Request::OffsetDelete(OffsetDeleteRequest { group: "g".into(), partitions })) {
        Reply::OffsetDelete(result) => result,
        other => panic!("{other:?}"),
    }
}

/// Time passes while a member of generation 1 keeps its session.
fn pass_with(desk: &mut Desk, member: &str, ms: u64) {
    let mut left = ms;
    while left > 0 {
        let step = left.min(9_000);
        desk.pass(step);
        desk.heartbeat(member, 1).unwrap();
        left -= step;
    }
}

#[test]
fn offsets_of_topics_that_nobody_consumes_can_be_deleted() {
    let mut desk = Desk::new();
    assert_eq!(delete(&mut desk, &["t"]), Err(GroupError::GroupIdNotFound));
    desk.commit(commit("", -1, 0, 42)).unwrap();
    assert_eq!(delete(&mut desk, &["t", "u"]), Ok(vec![Ok(()), Ok(())]));
    assert_eq!(desk.committed("t", 0), None);
    desk.stable(&["a"]);
    desk.commit(commit("a", 1, 0, 42)).unwrap();
    assert_eq!(delete(&mut desk, &["t", "u"]), Ok(vec![Err(GroupError::GroupSubscribedToTopic), Ok(())]));
    assert_eq!(desk.committed("t", 0), Some(42));
}

#[test]
fn offsets_of_a_group_of_another_kind_are_deleted_when_it_is_empty() {
    let mut desk = Desk::new();
    desk.ask(Request::Join(JoinRequest { protocol_type: "connect".into(), ..join("a") }));
    desk.pass(0);
    assert_eq!(delete(&mut desk, &["t"]), Err(GroupError::NonEmptyGroup));
    desk.leave(&[("a", None)]).unwrap();
    assert_eq!(delete(&mut desk, &["t"]), Ok(vec![Ok(())]));
}

#[test]
fn deleting_offsets_waits_for_commits_under_way() {
    let mut desk = Desk::new();
    desk.holds = true;
    desk.ask(Request::OffsetCommit(commit("", -1, 0, 42)));
    let partitions = vec![(topic("t"), PartitionIndex(0))];
    let token = desk.ask(Request::OffsetDelete(OffsetDeleteRequest { group: "g".into(), partitions }));
    assert_eq!(desk.under_way.len(), 1);
    let later = desk.ask(Request::OffsetCommit(OffsetCommitRequest { ..commit("", -1, 1, 1) }));
    assert_eq!(desk.under_way.len(), 1, "a later commit does not overtake");
    desk.flush();
    assert_eq!(desk.reply(token), Some(Reply::OffsetDelete(Ok(vec![Ok(())]))));
    assert!(desk.reply(later).is_some());
    assert_eq!((desk.committed("t", 0), desk.committed("t", 1)), (None, Some(1)));
}

#[test]
fn a_group_without_members_is_deleted_with_its_offsets() {
    let mut desk = Desk::new();
    assert_eq!(desk.delete_group(), Err(GroupError::GroupIdNotFound));
    desk.stable(&["a"]);
    desk.commit(commit("a", 1, 0, 42)).unwrap();
    assert_eq!(desk.delete_group(), Err(GroupError::NonEmptyGroup));
    desk.leave(&[("a", None)]).unwrap();
    assert_eq!(desk.delete_group(), Ok(()));
    assert!(desk.coordinator.state().is_empty());
    assert_eq!(desk.delete_group(), Err(GroupError::GroupIdNotFound));
}

#[test]
fn a_group_with_many_offsets_is_deleted_in_batches_that_fit_the_log() {
    let mut desk = Desk::new();
    let mut request = commit("", -1, 0, 7);
    let offset = request.offsets[0].clone();
    request.offsets =
        (0..2_500).map(|index| OffsetToCommit { partition: PartitionIndex(index), ..offset.clone() }).collect();
    desk.commit(request).unwrap();
    desk.holds = true;
    let token = desk.ask(Request::DeleteGroup("g".into()));
    assert_eq!(desk.under_way[0].records.len(), 1_000);
    desk.flush();
    assert_eq!(desk.reply(token), Some(Reply::DeleteGroup(Ok(()))));
    assert!(desk.coordinator.state().is_empty());
}

#[test]
fn a_deleted_topic_takes_its_offsets_with_it() {
    let mut desk = Desk::new();
    desk.commit(commit("", -1, 0, 42)).unwrap();
    desk.holds = true;
    let late = desk.ask(Request::OffsetCommit(OffsetCommitRequest { group: "late".into(), ..commit("", -1, 0, 1) }));
    let decision = desk.coordinator.topics_changed(MetadataImage::default(), &[topic("t")], desk.now);
    desk.take(decision);
    desk.flush();
    assert!(desk.reply(late).is_some());
    assert_eq!(desk.coordinator.state().offset_count(), 0, "a commit under way is forgotten, too");
}

#[test]
fn offsets_of_a_deleted_topic_that_could_not_be_removed_are_removed_later() {
    let mut desk = Desk::new();
    desk.commit(commit("", -1, 0, 42)).unwrap();
    desk.holds = true;
    let decision = desk.coordinator.topics_changed(MetadataImage::default(), &[topic("t")], desk.now);
    desk.take(decision);
    desk.fail();
    desk.holds = false;
    assert_eq!(desk.committed("t", 0), Some(42));
    desk.pass(ROUND_MS);
    assert_eq!(desk.committed("t", 0), None);
}

#[test]
fn offsets_that_nobody_joined_for_expire_by_the_time_of_their_commit() {
    let mut desk = Desk::new();
    desk.commit(commit("", -1, 0, 1)).unwrap();
    desk.pass(WEEK_MS / 2);
    desk.commit(commit("", -1, 1, 1)).unwrap();
    desk.pass(WEEK_MS / 2 + ROUND_MS);
    assert_eq!((desk.committed("t", 0), desk.committed("t", 1)), (None, Some(1)));
    desk.pass(WEEK_MS / 2 + ROUND_MS);
    assert!(desk.coordinator.state().is_empty());
}

#[test]
fn offsets_of_an_empty_group_expire_by_the_time_it_became_empty() {
    let mut desk = Desk::new();
    desk.stable(&["a"]);
    desk.commit(commit("a", 1, 0, 1)).unwrap();
    pass_with(&mut desk, "a", 2 * 3_600_000);
    desk.leave(&[("a", None)]).unwrap();
    desk.pass(WEEK_MS - 3_600_000);
    assert_eq!(desk.committed("t", 0), Some(1), "the commit is older than a week, the emptiness is not");
    desk.restart();
    desk.pass(3_600_000 + ROUND_MS);
    assert_eq!(desk.committed("t", 0), None);
    assert!(desk.coordinator.state().is_empty(), "the group went with its last offset");
}

#[test]
fn while_members_are_about_only_offsets_of_topics_they_left_expire() {
    let mut desk = Desk::with(GroupSettings { offsets_retention: std::time::Duration::from_secs(60), ..settings() });
    desk.stable(&["a"]);
    desk.commit(commit("a", 1, 0, 1)).unwrap();
    let mut other = commit("a", 1, 0, 2);
    other.offsets[0].topic = topic("u");
    desk.commit(other).unwrap();
    pass_with(&mut desk, "a", ROUND_MS);
    assert_eq!((desk.committed("t", 0), desk.committed("u", 0)), (Some(1), None));
}

#[test]
fn an_expiry_time_that_an_old_client_asked_for_counts_instead() {
    let mut desk = Desk::new();
    let soon = Timestamp::from_millis(desk.now.wall.as_millis() + 1_000);
    desk.commit(OffsetCommitRequest { expires_at: Some(soon), ..commit("", -1, 0, 1) }).unwrap();
    desk.pass(ROUND_MS);
    assert_eq!(desk.committed("t", 0), None);
}

#[test]
fn many_groups_are_looked_through_in_stretches() {
    let mut desk = Desk::new();
    for number in 0..600 {
        let group = GroupId::new(&format!("g{number}"));
        desk.commit(OffsetCommitRequest { group, ..commit("", -1, 0, 1) }).unwrap();
    }
    desk.pass(WEEK_MS - ROUND_MS);
    desk.now.wall = Timestamp::from_millis(desk.now.wall.as_millis() + 2 * ROUND_MS);
    desk.now.instant = desk.coordinator.next_deadline();
    let decision = desk.coordinator.tick(desk.now);
    assert_eq!(decision.appends.len(), GROUPS_EXPIRED_PER_TICK_MAX);
    desk.take(decision);
    desk.pass(0);
    assert!(desk.coordinator.state().is_empty());
}

#[test]
fn a_group_whose_offsets_fill_one_batch_is_deleted() {
    let mut desk = Desk::new();
    let mut request = commit("", -1, 0, 7);
    let offset = request.offsets[0].clone();
    let numbers = 0..u32::try_from(OFFSETS_REMOVED_PER_BATCH_MAX).unwrap();
    request.offsets =
        numbers.map(|index| OffsetToCommit { partition: PartitionIndex(index), ..offset.clone() }).collect();
    desk.commit(request).unwrap();
    assert_eq!(desk.delete_group(), Ok(()));
    assert!(desk.coordinator.state().is_empty());
}

#[test]
fn offsets_of_several_deleted_topics_that_could_not_be_removed_are_all_removed_later() {
    let mut desk = Desk::new();
    for name in ["t", "u"] {
        let mut request = commit("", -1, 0, 42);
        request.offsets[0].topic = topic(name);
        desk.commit(request).unwrap();
    }
    desk.holds = true;
    for name in ["t", "u"] {
        let decision = desk.coordinator.topics_changed(MetadataImage::default(), &[topic(name)], desk.now);
        desk.take(decision);
        desk.fail();
    }
    desk.holds = false;
    assert_eq!((desk.committed("t", 0), desk.committed("u", 0)), (Some(42), Some(42)));
    desk.pass(ROUND_MS);
    assert_eq!((desk.committed("t", 0), desk.committed("u", 0)), (None, None));
}
