//! Appends that fail, groups that wait, and coordinators that move away.

use super::desk::*;
use crate::groups::*;

fn unavailable(error: &GroupError) -> bool {
    matches!(error, GroupError::CoordinatorNotAvailable { .. })
}

#[test]
fn a_group_whose_first_record_failed_is_not_there() {
    let mut desk = Desk::new();
    desk.holds = true;
    let token = desk.ask(Request::Join(join("a")));
    desk.fail();
    assert!(unavailable(&desk.joined(token).unwrap_err().error));
    assert_eq!(desk.heartbeat("a", 1), Err(GroupError::UnknownMemberId));
    assert_eq!(desk.delete_group(), Err(GroupError::GroupIdNotFound));
}

#[test]
fn an_assignment_that_could_not_be_written_is_given_to_nobody_and_the_group_begins_again() {
    let mut desk = Desk::new();
    desk.ask(Request::Join(join("a")));
    desk.ask(Request::Join(join("b")));
    desk.pass(0);
    desk.holds = true;
    let b = desk.ask(Request::Sync(sync("b", 1, &[])));
    let a = desk.ask(Request::Sync(sync("a", 1, &[("a", "x"), ("b", "y")])));
    desk.fail();
    assert!(unavailable(&desk.synced(a).unwrap_err()));
    assert!(unavailable(&desk.synced(b).unwrap_err()));
    assert_eq!(desk.heartbeat("a", 1), Err(GroupError::RebalanceInProgress));
    desk.holds = false;
    let a = desk.ask(Request::Join(rejoin("a")));
    desk.ask(Request::Join(rejoin("b")));
    assert_eq!(desk.joined(a).unwrap().generation, Epoch(2));
    desk.sync_all(2, &["a", "b"]);
}

#[test]
fn a_silence_whose_record_failed_is_noticed_again() {
    let mut desk = Desk::new();
    desk.stable(&["a"]);
    desk.holds = true;
    desk.pass(10_000);
    desk.fail();
    assert_eq!(desk.heartbeat("a", 1), Err(GroupError::UnknownMemberId));
    desk.holds = false;
    desk.restart();
    assert_eq!(desk.heartbeat("a", 1), Ok(()), "the log has not seen a go");
    desk.pass(10_000);
    assert_eq!(desk.heartbeat("a", 1), Err(GroupError::UnknownMemberId));
}

#[test]
fn a_heartbeat_that_waits_for_records_is_heard_before_the_session_it_saves_ends() {
    let mut desk = Desk::new();
    desk.ask(Request::Join(join("a")));
    desk.ask(Request::Join(join("b")));
    desk.pass(0);
    desk.holds = true;
    desk.ask(Request::Sync(sync("a", 1, &[])));
    desk.pass(9_000);
    let beat = HeartbeatRequest { group: "g".into(), member: "b".into(), instance: None, generation: Epoch(1) };
    let beat = desk.ask(Request::Heartbeat(beat));
    desk.pass(5_000);
    desk.flush();
    assert_eq!(desk.reply(beat), Some(Reply::Heartbeat(Ok(()))));
    assert_eq!(desk.heartbeat("b", 1), Ok(()));
}

#[test]
fn other_groups_do_not_wait() {
    let mut desk = Desk::new();
    desk.holds = true;
    desk.ask(Request::Join(join("a")));
    let other = desk.ask(Request::OffsetCommit(OffsetCommitRequest { group: "h".into(), ..commit("", -1, 0, 1) }));
    desk.fail();
    desk.flush();
    assert_eq!(desk.reply(other), Some(Reply::OffsetCommit(Ok(vec![Ok(())]))));
}

#[test]
fn too_many_requests_that_wait_are_told_to_come_again() {
    let mut desk = Desk::new();
    desk.stable(&["a", "b"]);
    desk.holds = true;
    let news = JoinRequest { protocols: vec![protocol("range", &["u"])], ..rejoin("a") };
    desk.ask(Request::Join(news));
    desk.leave(&[("b", None)]).unwrap();
    desk.ask(Request::Sync(sync("a", 2, &[])));
    let beat = || {
        Request::Heartbeat(HeartbeatRequest {
            group: "g".into(),
            member: "a".into(),
            instance: None,
            generation: Epoch(2),
        })
    };
    let waiting: Vec<_> = (0..crate::limits::GROUP_REQUESTS_WAITING_MAX).map(|_| desk.ask(beat())).collect();
    match desk.answer(beat()) {
        Reply::Heartbeat(Err(error)) => assert!(unavailable(&error)),
        other => panic!("{other:?}"),
    }
    desk.flush();
    assert!(waiting.into_iter().all(|token| desk.reply(token) == Some(Reply::Heartbeat(Ok(())))));
}

#[test]
fn whoever_waits_is_told_when_the_coordinator_moves_away() {
    let mut desk = Desk::new();
    desk.stable(&["a", "b"]);
    let parked = desk.ask(Request::Join(rejoin("a")));
    desk.holds = true;
    let created = desk.ask(Request::Join(JoinRequest { group: "h".into(), ..join("c") }));
    let queued = desk.ask(Request::Join(JoinRequest { group: "h".into(), ..join("d") }));
    let committed = desk.ask(Request::OffsetCommit(commit("b", 1, 0, 1)));
    let answers = desk.coordinator.unload();
    let mut told: Vec<_> = answers.iter().map(|answer| answer.token).collect();
    told.sort_unstable();
    assert_eq!(told, [parked, created, queued, committed]);
    for answer in answers {
        match answer.reply {
            Reply::Join(Err(refused)) => assert_eq!(refused.error, GroupError::NotCoordinator),
            Reply::OffsetCommit(Err(error)) => assert_eq!(error, GroupError::NotCoordinator),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
#[should_panic(expected = "another order")]
fn batches_must_be_reported_in_the_order_of_the_log() {
    let mut desk = Desk::new();
    desk.holds = true;
    desk.ask(Request::OffsetCommit(commit("", -1, 0, 1)));
    desk.ask(Request::OffsetCommit(commit("", -1, 0, 2)));
    let second = desk.under_way.pop_back().unwrap();
    desk.coordinator.committed(second.batch, desk.now);
}
