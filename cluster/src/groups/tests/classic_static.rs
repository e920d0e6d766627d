//! Static members: they come back under new ids.

use super::desk::*;
use crate::groups::*;

/// Static members a (instance i, the leader) and b (instance j) at generation 1.
fn stable() -> Desk {
    let mut desk = Desk::new();
    desk.ask(Request::Join(join_static("i", "a")));
    desk.ask(Request::Join(join_static("j", "b")));
    desk.pass(0);
    desk.sync_all(1, &["a", "b"]);
    desk
}

#[test]
fn a_static_member_that_comes_back_gets_its_assignment_without_a_rebalance() {
    let mut desk = stable();
    let joined = desk.join(join_static("j", "b2")).unwrap();
    assert_eq!((joined.generation, joined.member.as_str(), joined.leader.as_str()), (Epoch(1), "b2", "a"));
    let token = desk.ask(Request::Sync(sync("b2", 1, &[])));
    assert_eq!(desk.synced(token).unwrap(), blob("b"));
    assert_eq!(desk.heartbeat("a", 1), Ok(()));
    let Some(GroupRecord::Classic { value: Some(value), .. }) = desk.log.last() else { panic!() };
    assert_eq!(value.members[1].member.as_str(), "b2");
    assert_eq!(value.members[1].assignment, blob("b"));
}

#[test]
fn a_static_leader_that_comes_back_is_told_to_skip_the_assignment_if_it_knows_how() {
    let mut desk = stable();
    let joined = desk.join(JoinRequest { knows_skip_assignment: true, ..join_static("i", "a2") }).unwrap();
    assert!(joined.skip_assignment);
    assert_eq!((joined.leader.as_str(), joined.members.len()), ("a2", 2));
    let mut desk = stable();
    let joined = desk.join(join_static("i", "a2")).unwrap();
    assert!(!joined.skip_assignment);
    assert_eq!((joined.leader.as_str(), joined.members.len()), ("a", 0), "it must not believe that it leads");
}

#[test]
fn the_process_that_was_replaced_is_fenced() {
    let mut desk = stable();
    desk.join(join_static("j", "b2")).unwrap();
    let beat = |member: &str| {
        let (member, instance) = (member.into(), Some("j".into()));
        Request::Heartbeat(HeartbeatRequest { group: "g".into(), member, instance, generation: Epoch(1) })
    };
    assert_eq!(desk.answer(beat("b")), Reply::Heartbeat(Err(GroupError::FencedInstanceId)));
    assert_eq!(desk.answer(beat("b2")), Reply::Heartbeat(Ok(())));
    let rejoin = JoinRequest { instance: Some("j".into()), ..rejoin("b") };
    assert_eq!(desk.join(rejoin).unwrap_err().error, GroupError::FencedInstanceId);
    let sync = SyncRequest { instance: Some("j".into()), ..sync("b", 1, &[]) };
    assert_eq!(desk.answer(Request::Sync(sync)), Reply::Sync(Err(GroupError::FencedInstanceId)));
    let commit = OffsetCommitRequest { instance: Some("j".into()), ..commit("b", 1, 0, 5) };
    assert_eq!(desk.commit(commit), Err(GroupError::FencedInstanceId));
}

#[test]
fn a_process_that_waits_hears_that_it_was_replaced() {
    let mut desk = stable();
    let news = JoinRequest { protocols: vec![protocol("range", &["u"])], ..join_static("j", "b2") };
    let first = desk.ask(Request::Join(JoinRequest { member: "b".into(), ..news.clone() }));
    assert_eq!(desk.reply(first), None, "a rebalance has begun");
    let second = desk.ask(Request::Join(news));
    assert_eq!(desk.joined(first).unwrap_err().error, GroupError::FencedInstanceId);
    desk.ask(Request::Join(JoinRequest { instance: Some("i".into()), ..rejoin("a") }));
    assert_eq!(desk.joined(second).unwrap().generation, Epoch(2));
}

#[test]
fn a_change_of_protocol_starts_a_rebalance_and_a_mere_change_of_topics_does_not() {
    let mut desk = Desk::new();
    let knows = |names: &[&str], instance, id| JoinRequest {
        protocols: names.iter().map(|name| protocol(name, &["t"])).collect(),
        ..join_static(instance, id)
    };
    desk.ask(Request::Join(knows(&["range", "sticky"], "i", "a")));
    desk.pass(0);
    desk.sync_all(1, &["a"]);
    desk.join(JoinRequest { protocols: vec![protocol("range", &["u"])], ..join_static("i", "a2") }).unwrap();
    assert_eq!(desk.heartbeat("a2", 1), Ok(()));
    let joined = desk.join(knows(&["sticky", "range"], "i", "a3")).unwrap();
    assert_eq!((joined.generation, joined.protocol.as_deref()), (Epoch(2), Some("sticky")));
}

#[test]
fn a_replacement_while_the_group_completes_starts_it_anew() {
    let mut desk = Desk::new();
    desk.ask(Request::Join(join_static("i", "a")));
    desk.ask(Request::Join(join_static("j", "b")));
    desk.pass(0);
    let waiting = desk.ask(Request::Sync(sync("b", 1, &[])));
    desk.ask(Request::Join(join_static("j", "b2")));
    assert_eq!(desk.synced(waiting).unwrap_err(), GroupError::FencedInstanceId);
    assert_eq!(desk.heartbeat("a", 1), Err(GroupError::RebalanceInProgress));
}

#[test]
fn a_static_member_that_is_late_keeps_its_place_until_its_session_ends() {
    let mut desk = stable();
    let a = desk.ask(Request::Join(JoinRequest { instance: Some("i".into()), ..rejoin("a") }));
    for _ in 0..6 {
        desk.pass(4_999);
        let _ = desk.heartbeat("b", 1);
    }
    desk.pass(6);
    assert_eq!(desk.joined(a).unwrap().members.len(), 2, "b is late, and a member");
}

#[test]
fn static_members_alone_cannot_go_on_until_one_of_them_joins() {
    let mut desk = Desk::new();
    let slow = |request: JoinRequest| JoinRequest { session_timeout_ms: 600_000, ..request };
    desk.ask(Request::Join(slow(join_static("i", "a"))));
    desk.ask(Request::Join(slow(join("b"))));
    desk.pass(0);
    desk.sync_all(1, &["a", "b"]);
    desk.leave(&[("b", None)]).unwrap();
    desk.pass(100_000);
    assert_eq!(desk.heartbeat("a", 1), Err(GroupError::RebalanceInProgress), "the group still waits for a");
    let again = desk.ask(Request::Join(slow(JoinRequest { instance: Some("i".into()), ..rejoin("a") })));
    assert_eq!(desk.joined(again).unwrap().generation, Epoch(2));
}

#[test]
fn a_failed_append_leaves_the_old_process_in_its_place() {
    let mut desk = stable();
    desk.holds = true;
    let token = desk.ask(Request::Join(join_static("j", "b2")));
    desk.fail();
    let error = desk.joined(token).unwrap_err().error;
    assert!(matches!(error, GroupError::CoordinatorNotAvailable { .. }), "{error:?}");
    assert_eq!(desk.heartbeat("b", 1), Ok(()));
    assert_eq!(desk.heartbeat("b2", 1), Err(GroupError::UnknownMemberId));
}

/// Found by requests that keep to no protocol: the group's core did nothing else any more.
#[test]
fn a_group_of_static_members_that_are_not_to_be_waited_for_does_not_keep_its_core_busy() {
    let mut desk = stable();
    let hasty = JoinRequest { rebalance_timeout_ms: 0, session_timeout_ms: 60_000, ..join_static("j", "b2") };
    desk.join(hasty).unwrap();
    // The other one goes, and the group waits for this one to join again.
    assert_eq!(desk.leave(&[("", Some("i"))]).unwrap(), [Ok(())]);
    for _ in 0..3 {
        let decision = desk.coordinator.tick(desk.now);
        desk.take(decision);
    }
    assert!(desk.coordinator.next_deadline() > desk.now.instant, "it is due again and again");
    let stored = |desk: &Desk| desk.coordinator.state().group(&"g".into()).unwrap().classic().unwrap().members.len();
    desk.pass(59_999);
    assert_eq!(stored(&desk), 2, "the log has the last generation");
    desk.pass(1_001);
    assert_eq!(stored(&desk), 0, "its session is over");
}
