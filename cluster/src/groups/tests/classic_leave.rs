//! `LeaveGroup`.

use super::desk::*;
use crate::groups::*;

#[test]
fn a_member_that_leaves_starts_a_rebalance() {
    let mut desk = Desk::new();
    desk.stable(&["a", "b"]);
    assert_eq!(desk.leave(&[("b", None)]), Ok(vec![Ok(())]));
    assert_eq!(desk.heartbeat("a", 1), Err(GroupError::RebalanceInProgress));
    assert_eq!(desk.heartbeat("b", 1), Err(GroupError::UnknownMemberId));
    let a = desk.ask(Request::Join(rejoin("a")));
    assert_eq!(desk.joined(a).unwrap().generation, Epoch(2));
}

#[test]
fn the_last_member_leaves_an_empty_generation_in_the_log() {
    let mut desk = Desk::new();
    desk.stable(&["a"]);
    desk.leave(&[("a", None)]).unwrap();
    let Some(GroupRecord::Classic { value: Some(value), .. }) = desk.log.last() else { panic!() };
    assert_eq!((value.generation, value.members.len(), value.leader.clone()), (Epoch(2), 0, None));
    assert_eq!((&*value.protocol_type, value.protocol.clone()), ("consumer", None));
    desk.restart();
    desk.ask(Request::Join(join("b")));
    desk.pass(0);
    assert_eq!(desk.heartbeat("b", 3), Ok(()), "generations go on after a restart");
}

#[test]
fn several_leave_at_once_and_each_has_its_own_answer() {
    let mut desk = Desk::new();
    desk.ask(Request::Join(join_static("i", "a")));
    desk.ask(Request::Join(join_static("j", "b")));
    desk.ask(Request::Join(join("c")));
    desk.pass(0);
    desk.sync_all(1, &["a", "b", "c"]);
    let results =
        desk.leave(&[("", Some("i")), ("x", Some("j")), ("", Some("k")), ("c", None), ("d", None), ("", None)]);
    let unknown = || Err(GroupError::UnknownMemberId);
    assert_eq!(results, Ok(vec![Ok(()), Err(GroupError::FencedInstanceId), unknown(), Ok(()), unknown(), unknown()]));
    assert_eq!(desk.leave(&[("b", Some("j"))]), Ok(vec![Ok(())]));
}

#[test]
fn a_client_that_was_given_an_id_can_leave_with_it() {
    let mut desk = Desk::new();
    desk.stable(&["a"]);
    desk.join(JoinRequest { knows_member_id_required: true, ..join("b") }).unwrap_err();
    let a = desk.ask(Request::Join(rejoin("a")));
    assert_eq!(desk.reply(a), None);
    desk.leave(&[("b", None)]).unwrap();
    assert_eq!(desk.joined(a).unwrap().generation, Epoch(2), "nobody is missing any more");
}

#[test]
fn a_member_that_leaves_while_it_waits_is_answered() {
    let mut desk = Desk::new();
    desk.stable(&["a", "b"]);
    let a = desk.ask(Request::Join(rejoin("a")));
    desk.leave(&[("a", None)]).unwrap();
    assert_eq!(desk.joined(a).unwrap_err().error, GroupError::UnknownMemberId);
}

#[test]
fn nobody_can_leave_a_group_that_is_not_there() {
    let mut desk = Desk::new();
    assert_eq!(desk.leave(&[("a", None), ("b", None)]), Ok(vec![Err(GroupError::UnknownMemberId); 2]));
    assert_eq!(desk.leave(&[]), Ok(Vec::new()));
}

#[test]
fn the_last_answer_waits_for_the_record_and_says_when_it_failed() {
    let mut desk = Desk::new();
    desk.stable(&["a"]);
    desk.holds = true;
    let leaver = Leaver { member: "a".into(), instance: None };
    let token = desk.ask(Request::Leave(LeaveRequest { group: "g".into(), members: vec![leaver] }));
    assert_eq!(desk.reply(token), None);
    desk.fail();
    assert!(matches!(desk.reply(token), Some(Reply::Leave(Err(GroupError::CoordinatorNotAvailable { .. })))));
}
