//! `SyncGroup` and `Heartbeat`.

use super::desk::*;
use crate::groups::*;

/// Members a and b have joined generation 1 and nobody has synced.
fn completing() -> Desk {
    let mut desk = Desk::new();
    desk.ask(Request::Join(join("a")));
    desk.ask(Request::Join(join("b")));
    desk.pass(0);
    desk
}

fn refusal(desk: &mut Desk, request: SyncRequest) -> GroupError {
    match desk.answer(Request::Sync(request)) {
        Reply::Sync(result) => result.unwrap_err(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn followers_wait_for_the_leader_and_each_gets_its_part() {
    let mut desk = completing();
    let b = desk.ask(Request::Sync(sync("b", 1, &[])));
    assert_eq!(desk.reply(b), None);
    desk.sync_all(1, &["a", "b"]);
    assert_eq!(desk.synced(b).unwrap_err(), GroupError::RebalanceInProgress, "b asked again meanwhile");
    let late = desk.ask(Request::Sync(sync("b", 1, &[])));
    assert_eq!(desk.synced(late).unwrap(), blob("b"));
}

#[test]
fn an_assignment_is_in_the_log_before_anybody_hears_of_it() {
    let mut desk = completing();
    desk.holds = true;
    let b = desk.ask(Request::Sync(sync("b", 1, &[])));
    let a = desk.ask(Request::Sync(sync("a", 1, &[("a", "x"), ("b", "y")])));
    let beat = HeartbeatRequest { group: "g".into(), member: "a".into(), instance: None, generation: Epoch(1) };
    let beat = desk.ask(Request::Heartbeat(beat));
    assert_eq!((desk.reply(a), desk.reply(b), desk.reply(beat)), (None, None, None));
    let GroupRecord::Classic { value: Some(value), .. } = &desk.under_way[0].records[0] else { panic!() };
    assert_eq!((value.generation, value.leader.as_ref().unwrap().as_str()), (Epoch(1), "a"));
    assert_eq!(value.members.iter().map(|m| &*m.assignment).collect::<Vec<_>>(), [b"x", b"y"]);
    desk.flush();
    assert_eq!((desk.synced(a).unwrap(), desk.synced(b).unwrap()), (blob("x"), blob("y")));
    assert_eq!(desk.reply(beat), Some(Reply::Heartbeat(Ok(()))));
}

#[test]
fn a_member_that_the_leader_forgot_gets_nothing_and_strangers_are_left_out() {
    let mut desk = completing();
    let b = desk.ask(Request::Sync(sync("b", 1, &[])));
    desk.ask(Request::Sync(sync("a", 1, &[("a", "x"), ("stranger", "z")])));
    assert_eq!(desk.synced(b).unwrap(), blob(""));
    let Some(GroupRecord::Classic { value: Some(value), .. }) = desk.log.last() else { panic!() };
    assert_eq!(value.members.len(), 2);
}

#[test]
fn a_sync_of_another_generation_or_protocol_is_refused() {
    let mut desk = completing();
    let illegal = |got| GroupError::IllegalGeneration { got: Epoch(got), current: Epoch(1) };
    assert_eq!(refusal(&mut desk, sync("a", 0, &[])), illegal(0));
    assert_eq!(refusal(&mut desk, sync("a", 2, &[])), illegal(2));
    assert_eq!(refusal(&mut desk, sync("ghost", 1, &[])), GroupError::UnknownMemberId);
    let other_type = SyncRequest { protocol_type: Some("connect".into()), ..sync("a", 1, &[]) };
    assert_eq!(refusal(&mut desk, other_type), GroupError::InconsistentGroupProtocol);
    let other_name = SyncRequest { protocol: Some("sticky".into()), ..sync("a", 1, &[]) };
    assert_eq!(refusal(&mut desk, other_name), GroupError::InconsistentGroupProtocol);
    let silent = SyncRequest { protocol_type: None, protocol: None, ..sync("b", 1, &[]) };
    let silent = desk.ask(Request::Sync(silent));
    assert_eq!(desk.reply(silent), None, "an old client does not say");
}

#[test]
fn a_sync_during_a_rebalance_and_one_to_no_group_are_refused() {
    let mut desk = Desk::new();
    assert_eq!(refusal(&mut desk, sync("a", 1, &[])), GroupError::UnknownMemberId);
    desk.stable(&["a", "b"]);
    desk.ask(Request::Join(rejoin("a")));
    assert_eq!(refusal(&mut desk, sync("b", 1, &[])), GroupError::RebalanceInProgress);
}

#[test]
fn whoever_waits_for_an_assignment_is_told_when_somebody_joins_meanwhile() {
    let mut desk = completing();
    let b = desk.ask(Request::Sync(sync("b", 1, &[])));
    desk.ask(Request::Join(join("c")));
    assert_eq!(desk.synced(b).unwrap_err(), GroupError::RebalanceInProgress);
}

#[test]
fn members_that_do_not_sync_in_time_fall_out() {
    let mut desk = completing();
    let b = desk.ask(Request::Sync(sync("b", 1, &[])));
    for _ in 0..6 {
        desk.pass(4_999);
        let _ = desk.heartbeat("a", 1);
    }
    assert_eq!(desk.reply(b), None);
    desk.pass(6);
    assert_eq!(desk.synced(b).unwrap_err(), GroupError::RebalanceInProgress);
    assert_eq!(desk.heartbeat("a", 1), Err(GroupError::UnknownMemberId));
    assert_eq!(desk.heartbeat("b", 1), Err(GroupError::RebalanceInProgress));
}

#[test]
fn a_stable_member_that_never_synced_falls_out_too() {
    let mut desk = completing();
    desk.ask(Request::Sync(sync("a", 1, &[("a", "x")])));
    for _ in 0..7 {
        desk.pass(4_999);
        let _ = desk.heartbeat("a", 1);
        let _ = desk.heartbeat("b", 1);
    }
    assert_eq!(desk.heartbeat("b", 1), Err(GroupError::UnknownMemberId));
    assert_eq!(desk.heartbeat("a", 1), Err(GroupError::RebalanceInProgress));
}

#[test]
fn heartbeats_keep_a_session_and_silence_ends_it() {
    let mut desk = Desk::new();
    desk.stable(&["a", "b"]);
    for _ in 0..3 {
        desk.pass(9_000);
        assert_eq!(desk.heartbeat("a", 1), Ok(()));
        assert_eq!(desk.heartbeat("b", 1), Ok(()));
    }
    desk.pass(9_000);
    desk.heartbeat("a", 1).unwrap();
    desk.pass(1_000);
    assert_eq!(desk.heartbeat("b", 1), Err(GroupError::UnknownMemberId));
    assert_eq!(desk.heartbeat("a", 1), Err(GroupError::RebalanceInProgress));
}

#[test]
fn a_member_that_waits_is_not_expected_to_speak() {
    let mut desk = completing();
    let b = desk.ask(Request::Sync(sync("b", 1, &[])));
    desk.pass(9_999);
    desk.heartbeat("a", 1).unwrap();
    desk.pass(9_000);
    assert_eq!(desk.heartbeat("a", 1), Ok(()), "b waits, and is still in");
    assert_eq!(desk.reply(b), None);
}

#[test]
fn a_heartbeat_of_another_generation_or_of_a_stranger_is_refused() {
    let mut desk = Desk::new();
    assert_eq!(desk.heartbeat("a", 1), Err(GroupError::UnknownMemberId));
    desk.stable(&["a"]);
    let illegal = GroupError::IllegalGeneration { got: Epoch(2), current: Epoch(1) };
    assert_eq!(desk.heartbeat("a", 2), Err(illegal));
    assert_eq!(desk.heartbeat("b", 1), Err(GroupError::UnknownMemberId));
}

#[test]
fn an_assignment_that_is_too_large_is_refused_and_the_group_begins_again() {
    let mut desk = completing();
    let huge = "x".repeat(5 << 20);
    let request = sync("a", 1, &[("a", &huge), ("b", &huge)]);
    let error = refusal(&mut desk, request);
    assert!(matches!(error, GroupError::UnknownServerError { .. }), "{error:?}");
    assert_eq!(desk.heartbeat("b", 1), Err(GroupError::RebalanceInProgress));
}

#[test]
fn a_record_whose_leader_is_no_member_is_read() {
    let mut desk = Desk::new();
    desk.stable(&["a", "b"]);
    let Some(GroupRecord::Classic { value: Some(value), .. }) = desk.log.last_mut() else { panic!() };
    Arc::make_mut(value).leader = Some("gone".into());
    desk.restart();
    assert_eq!(desk.heartbeat("a", 1), Ok(()));
}
