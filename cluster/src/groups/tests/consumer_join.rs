//! `ConsumerGroupHeartbeat`: who gets in and who goes.

use super::desk::*;
use crate::groups::*;

fn desk() -> Desk {
    let mut desk = Desk::new();
    desk.topics(&[("t", 4), ("u", 2)]);
    desk
}

fn refusal(desk: &mut Desk, request: ConsumerHeartbeatRequest) -> GroupError {
    desk.beat(request).unwrap_err()
}

#[test]
fn the_first_member_gets_everything_with_its_first_answer() {
    let mut desk = desk();
    let reply = desk.beat(joins("a", &["t"])).unwrap();
    assert_eq!((reply.member.as_str(), reply.epoch, reply.heartbeat_interval_ms), ("a", Epoch(1), 5_000));
    assert_eq!(reply.assignment, Some(of_t(&[0, 1, 2, 3])));
    let kinds: Vec<_> = desk.log.iter().map(|record| std::mem::discriminant(&record.key())).collect();
    assert_eq!(kinds.len(), 5, "member, epoch, target, its epoch, current: {:?}", desk.log);
}

#[test]
fn a_group_may_have_times_of_its_own() {
    use crate::metadata::{Metadata, MetadataRecord, SettingsOwner};
    let mut desk = desk();
    let owned = |group: &str, changes: &[(&str, &str)]| MetadataRecord::OwnerSettingsAltered {
        owner: SettingsOwner::Group(group.to_owned()),
        changes: changes.iter().map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned()))).collect(),
    };
    let records = [
        owned("g", &[(GROUP_HEARTBEAT_INTERVAL, "700"), (GROUP_SESSION_TIMEOUT, "9000")]),
        owned("other", &[(GROUP_HEARTBEAT_INTERVAL, "1")]),
    ];
    let image = Metadata::from_records(&records).image().clone();
    let decision = desk.coordinator.topics_changed(image, &[], desk.now);
    desk.take(decision);
    assert_eq!(desk.beat(joins("a", &["t"])).unwrap().heartbeat_interval_ms, 700);
    desk.pass(8_900);
    assert!(desk.coordinator.state().group(&"g".into()).unwrap().consumer().member(&"a".into()).is_some());
    desk.pass(200);
    assert!(desk.coordinator.state().group(&"g".into()).is_none_or(|group| group.consumer().member_count() == 0));
}

#[test]
fn a_member_without_an_id_is_given_one() {
    let mut desk = desk();
    assert_eq!(desk.beat(joins("", &["t"])).unwrap().member.as_str(), "drawn");
}

#[test]
fn nothing_is_answered_before_it_is_in_the_log_and_nothing_has_changed_when_it_fails() {
    let mut desk = desk();
    desk.holds = true;
    let token = desk.ask(Request::ConsumerHeartbeat(joins("a", &["t"])));
    assert_eq!(desk.reply(token), None);
    desk.fail();
    let Some(Reply::ConsumerHeartbeat(Err(GroupError::CoordinatorNotAvailable { .. }))) = desk.reply(token) else {
        panic!()
    };
    assert!(desk.coordinator.state().is_empty());
    desk.holds = false;
    assert_eq!(desk.consume("a", &["t"]), (1, vec![0, 1, 2, 3]));
}

#[test]
fn a_heartbeat_with_nothing_new_writes_and_says_nothing() {
    let mut desk = desk();
    desk.consume("a", &["t"]);
    assert_eq!(desk.has("a", 1, &[0, 1, 2, 3]), (1, None));
    let written = desk.log.len();
    let reply = desk.lives("a", 1).unwrap();
    assert_eq!((reply.epoch, reply.assignment), (Epoch(1), None));
    assert_eq!(desk.log.len(), written);
}

#[test]
fn a_heartbeat_that_says_everything_is_told_everything() {
    let mut desk = desk();
    desk.consume("a", &["t"]);
    let full = ConsumerHeartbeatRequest { epoch: Epoch(1), owned: Some(of_t(&[0, 1, 2, 3])), ..joins("a", &["t"]) };
    assert_eq!(desk.beat(full).unwrap().assignment, Some(of_t(&[0, 1, 2, 3])));
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let mut desk = desk();
    let invalid = |desk: &mut Desk, request| {
        let error = refusal(desk, request);
        assert!(matches!(error, GroupError::InvalidRequest { .. }), "{error:?}");
    };
    invalid(&mut desk, ConsumerHeartbeatRequest { group: "".into(), ..joins("a", &["t"]) });
    invalid(&mut desk, ConsumerHeartbeatRequest { rebalance_timeout_ms: None, ..joins("a", &["t"]) });
    invalid(&mut desk, ConsumerHeartbeatRequest { owned: None, ..joins("a", &["t"]) });
    invalid(&mut desk, ConsumerHeartbeatRequest { owned: Some(of_t(&[0])), ..joins("a", &["t"]) });
    invalid(&mut desk, ConsumerHeartbeatRequest { topics: None, ..joins("a", &[]) });
    invalid(&mut desk, ConsumerHeartbeatRequest { instance: Some(" ".into()), ..joins("a", &["t"]) });
    invalid(&mut desk, ConsumerHeartbeatRequest { rack: Some("".into()), ..joins("a", &["t"]) });
    invalid(&mut desk, stays("", 1, None));
    invalid(&mut desk, stays("a", -2, None));
    invalid(&mut desk, stays("a", -3, None));
    let assignor = ConsumerHeartbeatRequest { assignor: Some("sticky".into()), ..joins("a", &["t"]) };
    assert_eq!(refusal(&mut desk, assignor), GroupError::UnsupportedAssignor);
    assert!(desk.log.is_empty());
}

#[test]
fn strangers_are_told_that_nobody_knows_them() {
    let mut desk = desk();
    assert_eq!(refusal(&mut desk, stays("a", 1, None)), GroupError::GroupIdNotFound);
    assert_eq!(refusal(&mut desk, stays("a", -1, None)), GroupError::GroupIdNotFound);
    desk.consume("a", &["t"]);
    assert_eq!(refusal(&mut desk, stays("b", 1, None)), GroupError::UnknownMemberId);
    assert_eq!(refusal(&mut desk, stays("b", -1, None)), GroupError::UnknownMemberId);
}

#[test]
fn the_group_does_not_grow_beyond_its_limit() {
    let mut desk = Desk::with(GroupSettings { consumer_members_max: 1, ..settings() });
    desk.topics(&[("t", 4)]);
    desk.consume("a", &["t"]);
    assert_eq!(refusal(&mut desk, joins("b", &["t"])), GroupError::GroupMaxSizeReached { limit: 1 });
    assert_eq!(desk.consume("a", &["t"]).0, 1, "who is in stays in");
}

#[test]
fn a_member_that_leaves_frees_its_partitions() {
    let mut desk = desk();
    desk.consume("a", &["t"]);
    assert_eq!(desk.consume("b", &["t"]), (2, vec![]));
    let left = desk.lives("a", -1).unwrap();
    assert_eq!((left.epoch, left.assignment), (Epoch(-1), None));
    assert_eq!(desk.lives("a", 1), Err(GroupError::UnknownMemberId));
    assert_eq!(desk.has("b", 2, &[]), (3, Some(vec![0, 1, 2, 3])));
}

#[test]
fn a_silent_member_is_out_after_its_session() {
    let mut desk = desk();
    desk.consume("a", &["t"]);
    desk.pass(44_999);
    desk.lives("a", 1).unwrap();
    desk.pass(44_999);
    assert_eq!(desk.stored().member_count(), 1);
    desk.pass(1);
    assert_eq!(desk.stored().member_count(), 0);
    assert_eq!(desk.lives("a", 1), Err(GroupError::UnknownMemberId));
    assert_eq!(desk.stored().epoch(), Epoch(2));
}

#[test]
fn a_silence_whose_record_failed_is_noticed_again() {
    let mut desk = desk();
    desk.consume("a", &["t"]);
    desk.holds = true;
    desk.pass(45_000);
    desk.fail();
    assert_eq!(desk.stored().member_count(), 1);
    desk.holds = false;
    desk.pass(1_000);
    assert_eq!(desk.stored().member_count(), 0);
}

#[test]
fn sessions_start_anew_after_a_restart() {
    let mut desk = desk();
    desk.consume("a", &["t"]);
    desk.pass(40_000);
    desk.restart();
    desk.pass(44_000);
    assert!(desk.lives("a", 1).is_ok());
    desk.pass(45_000);
    assert_eq!(desk.lives("a", 1), Err(GroupError::UnknownMemberId));
}

#[test]
fn members_commit_in_their_epoch_only_and_with_a_version_that_knows_it() {
    let mut desk = desk();
    desk.consume("a", &["t"]);
    assert_eq!(desk.commit(commit("a", 1, 0, 7)), Ok(vec![Ok(())]));
    let stale = |got| GroupError::StaleMemberEpoch { got: Epoch(got), current: Epoch(1) };
    assert_eq!(desk.commit(commit("a", 0, 0, 8)), Err(stale(0)));
    assert_eq!(desk.commit(commit("b", 1, 0, 8)), Err(GroupError::UnknownMemberId));
    assert_eq!(desk.commit(commit("", -1, 0, 8)), Err(GroupError::UnknownMemberId));
    let old = OffsetCommitRequest { knows_member_epoch: false, ..commit("a", 1, 0, 8) };
    assert!(matches!(desk.commit(old), Err(GroupError::UnsupportedVersion { .. })));
    let fetch = |member: &str, epoch| {
        let member = MemberId::new(member);
        desk.coordinator.fetch_offsets(&"g".into(), Some((&member, Epoch(epoch)))).map(|_| ())
    };
    assert_eq!(fetch("a", 1), Ok(()));
    assert_eq!(fetch("a", 2), Err(stale(2)));
    assert_eq!(fetch("b", 1), Err(GroupError::UnknownMemberId));
    assert_eq!(fetch("", -1), Ok(()), "an administrator asks");
}

#[test]
fn an_empty_group_is_deleted_and_one_with_members_is_not() {
    let mut desk = desk();
    desk.consume("a", &["t"]);
    desk.commit(commit("a", 1, 0, 7)).unwrap();
    assert_eq!(desk.delete_group(), Err(GroupError::NonEmptyGroup));
    desk.lives("a", -1).unwrap();
    assert_eq!(desk.delete_group(), Ok(()));
    assert!(desk.coordinator.state().is_empty());
}

#[test]
fn a_member_may_join_without_wanting_anything_yet() {
    let mut desk = desk();
    assert_eq!(desk.consume("a", &[]), (1, vec![]));
    let none = ConsumerHeartbeatRequest { topics: None, regex: Some("".into()), ..joins("b", &[]) };
    assert_eq!(desk.beat(none).unwrap().assignment, Some(Partitions::EMPTY));
}
