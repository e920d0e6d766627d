//! `JoinGroup`: who gets in, and when the group goes on.

use std::time::Duration;

use super::desk::*;
use crate::groups::*;

fn refusal(desk: &mut Desk, request: JoinRequest) -> GroupError {
    desk.join(request).unwrap_err().error
}

#[test]
fn the_first_member_leads_and_is_told_of_all() {
    let mut desk = Desk::new();
    let a = desk.ask(Request::Join(join("a")));
    let b = desk.ask(Request::Join(join("b")));
    desk.pass(0);
    let a = desk.joined(a).unwrap();
    assert_eq!((a.generation, a.leader.as_str(), a.protocol.as_deref()), (Epoch(1), "a", Some("range")));
    assert_eq!(a.members.iter().map(|m| m.member.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(a.members[0].metadata, subscription(&["t"]));
    let b = desk.joined(b).unwrap();
    assert_eq!((b.leader.as_str(), b.members.len()), ("a", 0));
}

#[test]
fn a_new_group_is_in_the_log_before_its_first_member_is_answered() {
    let mut desk = Desk::new();
    desk.holds = true;
    let token = desk.ask(Request::Join(JoinRequest { knows_member_id_required: true, ..join("a") }));
    assert_eq!(desk.reply(token), None);
    let GroupRecord::Classic { value: Some(value), .. } = &desk.under_way[0].records[0] else { panic!() };
    assert_eq!((&*value.protocol_type, value.generation, value.members.len()), ("", Epoch(0), 0));
    desk.flush();
    assert_eq!(desk.joined(token).unwrap_err().error, GroupError::MemberIdRequired);
}

#[test]
fn a_new_dynamic_member_must_come_back_with_its_id() {
    let mut desk = Desk::new();
    let refused = desk.join(JoinRequest { knows_member_id_required: true, ..join("a") }).unwrap_err();
    assert_eq!((refused.error, refused.member.as_str()), (GroupError::MemberIdRequired, "a"));
    let token = desk.ask(Request::Join(rejoin("a")));
    desk.pass(0);
    assert_eq!(desk.joined(token).unwrap().member.as_str(), "a");
}

#[test]
fn an_id_that_was_given_is_forgotten_with_its_session() {
    let mut desk = Desk::new();
    desk.join(JoinRequest { knows_member_id_required: true, ..join("a") }).unwrap_err();
    desk.pass(10_000);
    assert_eq!(refusal(&mut desk, rejoin("a")), GroupError::UnknownMemberId);
}

#[test]
fn a_rebalance_waits_for_ids_that_were_given() {
    let mut desk = Desk::new();
    desk.stable(&["a"]);
    desk.join(JoinRequest { knows_member_id_required: true, ..join("b") }).unwrap_err();
    let a = desk.ask(Request::Join(rejoin("a")));
    assert_eq!(desk.reply(a), None, "b is on its way");
    let b = desk.ask(Request::Join(rejoin("b")));
    assert_eq!(desk.joined(a).unwrap().generation, Epoch(2));
    assert_eq!(desk.joined(b).unwrap().generation, Epoch(2));
}

#[test]
fn a_static_member_needs_no_id_first() {
    let mut desk = Desk::new();
    let token = desk.ask(Request::Join(JoinRequest { knows_member_id_required: true, ..join_static("i", "a") }));
    desk.pass(0);
    assert_eq!(desk.joined(token).unwrap().member.as_str(), "a");
}

#[test]
fn members_that_nobody_knows_are_told_so() {
    let mut desk = Desk::new();
    assert_eq!(refusal(&mut desk, rejoin("ghost")), GroupError::UnknownMemberId);
    assert!(desk.log.is_empty(), "a ghost makes no group");
    desk.stable(&["a"]);
    assert_eq!(refusal(&mut desk, rejoin("ghost")), GroupError::UnknownMemberId);
    let with_instance = JoinRequest { instance: Some("i".into()), ..rejoin("a") };
    assert_eq!(refusal(&mut desk, with_instance), GroupError::UnknownMemberId);
}

#[test]
fn timeouts_names_and_sizes_are_bounded() {
    let mut desk = Desk::new();
    for got in [5_999, 1_800_001] {
        let error = GroupError::InvalidSessionTimeout { got, min: 6_000, max: 1_800_000 };
        assert_eq!(refusal(&mut desk, JoinRequest { session_timeout_ms: got, ..join("a") }), error);
    }
    assert_eq!(refusal(&mut desk, JoinRequest { group: "".into(), ..join("a") }), GroupError::InvalidGroupId);
    let large = Protocol { name: "range".into(), metadata: vec![0; (1 << 20) + 1].into() };
    let error = refusal(&mut desk, JoinRequest { protocols: vec![large], ..join("a") });
    assert!(matches!(error, GroupError::InvalidRequest { .. }), "{error:?}");
    let error = refusal(&mut desk, JoinRequest { group: "g".repeat(1_025).as_str().into(), ..join("a") });
    assert!(matches!(error, GroupError::InvalidRequest { .. }), "{error:?}");
}

#[test]
fn members_without_a_protocol_in_common_do_not_meet() {
    let mut desk = Desk::new();
    let none = JoinRequest { protocols: Vec::new(), ..join("a") };
    assert_eq!(refusal(&mut desk, none), GroupError::InconsistentGroupProtocol);
    desk.stable(&["a"]);
    let other_type = JoinRequest { protocol_type: "connect".into(), ..join("b") };
    assert_eq!(refusal(&mut desk, other_type), GroupError::InconsistentGroupProtocol);
    let other_name = JoinRequest { protocols: vec![protocol("sticky", &["t"])], ..join("b") };
    assert_eq!(refusal(&mut desk, other_name), GroupError::InconsistentGroupProtocol);
    assert_eq!(desk.heartbeat("a", 1), Ok(()), "nothing has happened to those who are in");
}

#[test]
fn the_protocol_that_most_prefer_is_chosen_among_those_that_all_know() {
    let mut desk = Desk::new();
    let knows = |names: &[&str], id| JoinRequest {
        protocols: names.iter().map(|name| protocol(name, &["t"])).collect(),
        ..join(id)
    };
    let a = desk.ask(Request::Join(knows(&["sticky", "range"], "a")));
    desk.ask(Request::Join(knows(&["range", "sticky"], "b")));
    desk.ask(Request::Join(knows(&["own", "range", "sticky"], "c")));
    desk.pass(0);
    assert_eq!(desk.joined(a).unwrap().protocol.as_deref(), Some("range"));
}

#[test]
fn the_initial_rebalance_waits_for_more_members_up_to_the_rebalance_timeout() {
    let mut desk = Desk::with(GroupSettings::default());
    let a = desk.ask(Request::Join(join("a")));
    desk.pass(2_999);
    assert_eq!(desk.reply(a), None);
    desk.ask(Request::Join(join("b")));
    desk.pass(2_999);
    assert_eq!(desk.reply(a), None, "b came, so there is another wait");
    desk.pass(2);
    assert_eq!(desk.joined(a).unwrap().members.len(), 2);

    let mut desk = Desk::with(GroupSettings::default());
    let first = desk.ask(Request::Join(JoinRequest { rebalance_timeout_ms: 8_000, ..join("m0") }));
    for number in 1..10 {
        desk.pass(1_000);
        desk.ask(Request::Join(JoinRequest { rebalance_timeout_ms: 8_000, ..join(&format!("m{number}")) }));
    }
    assert_eq!(desk.joined(first).unwrap().members.len(), 8, "8 seconds are the longest wait");
}

#[test]
fn the_group_does_not_grow_beyond_its_limit() {
    let mut desk = Desk::with(GroupSettings { classic_members_max: 2, ..settings() });
    desk.stable(&["a", "b"]);
    assert_eq!(refusal(&mut desk, join("c")), GroupError::GroupMaxSizeReached { limit: 2 });
    let a = desk.ask(Request::Join(rejoin("a")));
    let c = desk.ask(Request::Join(join("c")));
    assert_eq!(refusal(&mut desk, rejoin("b")), GroupError::GroupMaxSizeReached { limit: 2 }, "c was faster");
    assert_eq!(desk.joined(a).unwrap().members.len(), 2);
    assert_eq!(desk.joined(c).unwrap().generation, Epoch(2));
}

#[test]
fn a_follower_that_asks_again_with_nothing_new_is_told_what_is() {
    let mut desk = Desk::new();
    desk.stable(&["a", "b"]);
    let joined = desk.join(rejoin("b")).unwrap();
    assert_eq!((joined.generation, joined.members.len()), (Epoch(1), 0));
    assert_eq!(desk.heartbeat("a", 1), Ok(()));
}

#[test]
fn a_leader_that_joins_again_or_a_member_with_something_new_starts_a_rebalance() {
    let mut desk = Desk::new();
    desk.stable(&["a", "b"]);
    let a = desk.ask(Request::Join(rejoin("a")));
    assert_eq!(desk.heartbeat("b", 1), Err(GroupError::RebalanceInProgress));
    let b = desk.ask(Request::Join(rejoin("b")));
    assert_eq!(desk.joined(a).unwrap().generation, Epoch(2));
    desk.joined(b).unwrap();
    desk.sync_all(2, &["a", "b"]);
    let news = JoinRequest { protocols: vec![protocol("range", &["t", "u"])], ..rejoin("b") };
    desk.ask(Request::Join(news));
    assert_eq!(desk.heartbeat("a", 2), Err(GroupError::RebalanceInProgress));
}

#[test]
fn a_member_whose_answer_was_lost_gets_it_again_while_the_group_completes() {
    let mut desk = Desk::new();
    desk.ask(Request::Join(join("a")));
    desk.pass(0);
    let again = desk.join(rejoin("a")).unwrap();
    assert_eq!((again.generation, again.members.len()), (Epoch(1), 1));
}

#[test]
fn a_request_that_is_asked_again_replaces_the_one_that_waits() {
    let mut desk = Desk::new();
    desk.stable(&["a", "b"]);
    let first = desk.ask(Request::Join(rejoin("a")));
    let second = desk.ask(Request::Join(rejoin("a")));
    assert_eq!(desk.joined(first).unwrap_err().error, GroupError::RebalanceInProgress);
    desk.ask(Request::Join(rejoin("b")));
    assert_eq!(desk.joined(second).unwrap().generation, Epoch(2));
}

#[test]
fn dynamic_members_that_do_not_join_in_time_fall_out() {
    let mut desk = Desk::new();
    desk.stable(&["a", "b"]);
    let a = desk.ask(Request::Join(rejoin("a")));
    for _ in 0..6 {
        desk.pass(4_999);
        let _ = desk.heartbeat("b", 1);
    }
    assert_eq!(desk.reply(a), None);
    desk.pass(6);
    assert_eq!(desk.joined(a).unwrap().members.len(), 1);
    assert_eq!(desk.heartbeat("b", 1), Err(GroupError::UnknownMemberId));
}

#[test]
fn a_leader_that_does_not_come_back_is_replaced_by_one_that_did() {
    let mut desk = Desk::new();
    desk.stable(&["a", "b"]);
    let news = JoinRequest { protocols: vec![protocol("range", &["u"])], ..rejoin("b") };
    let b = desk.ask(Request::Join(news));
    desk.pass(30_000);
    let b = desk.joined(b).unwrap();
    assert_eq!((b.leader.as_str(), b.members.len()), ("b", 1));
}

#[test]
fn a_new_member_that_hangs_up_does_not_hold_the_group_for_ever() {
    let mut desk = Desk::with(GroupSettings { new_member_join_timeout: Duration::from_secs(20), ..settings() });
    desk.stable(&["a"]);
    desk.ask(Request::Join(JoinRequest { rebalance_timeout_ms: 100_000, ..join("b") }));
    desk.pass(9_000);
    let _ = desk.heartbeat("a", 1);
    desk.pass(9_000);
    let _ = desk.heartbeat("a", 1);
    desk.pass(2_000);
    let a = desk.ask(Request::Join(rejoin("a")));
    assert_eq!(desk.joined(a).unwrap().members.len(), 1, "b is given up after 20 seconds");
}

#[test]
fn after_a_restart_members_go_on_and_sessions_start_anew() {
    let mut desk = Desk::new();
    desk.stable(&["a", "b"]);
    desk.pass(9_000);
    desk.restart();
    desk.pass(9_000);
    assert_eq!(desk.heartbeat("a", 1), Ok(()));
    desk.pass(1_001);
    assert_eq!(desk.heartbeat("a", 1), Err(GroupError::RebalanceInProgress), "b was not heard of");
    assert_eq!(desk.heartbeat("b", 1), Err(GroupError::UnknownMemberId));
}

#[test]
fn a_group_that_is_too_large_when_it_is_read_is_called_together() {
    let mut desk = Desk::new();
    desk.stable(&["a", "b"]);
    desk.coordinator.settings.classic_members_max = 1;
    desk.restart();
    assert_eq!(desk.heartbeat("a", 1), Err(GroupError::RebalanceInProgress));
}

#[test]
fn a_member_that_names_a_protocol_twice_is_refused() {
    let mut desk = Desk::new();
    let twice = JoinRequest { protocols: vec![protocol("range", &["t"]), protocol("range", &["t"])], ..join("a") };
    assert_eq!(refusal(&mut desk, twice.clone()), GroupError::InconsistentGroupProtocol);
    desk.stable(&["b"]);
    assert_eq!(refusal(&mut desk, twice), GroupError::InconsistentGroupProtocol);
}

#[test]
fn a_member_without_protocols_is_told_so_whatever_its_id() {
    let mut desk = Desk::new();
    let request = JoinRequest { protocols: Vec::new(), ..rejoin("a") };
    assert_eq!(refusal(&mut desk, request), GroupError::InconsistentGroupProtocol);
    assert_eq!(refusal(&mut desk, rejoin("a")), GroupError::UnknownMemberId);
}
