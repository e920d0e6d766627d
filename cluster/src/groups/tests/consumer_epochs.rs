//! How members move towards their targets.

use super::desk::*;
use crate::groups::*;

/// Members a and b of a group that reads t, which has 4 partitions; b has just come.
fn two() -> Desk {
    let mut desk = Desk::new();
    desk.topics(&[("t", 4)]);
    assert_eq!(desk.consume("a", &["t"]), (1, vec![0, 1, 2, 3]));
    assert_eq!(desk.consume("b", &["t"]), (2, vec![]), "b waits for what a has");
    desk
}

fn fenced(got: i32, current: i32) -> GroupError {
    GroupError::FencedMemberEpoch { got: Epoch(got), current: Epoch(current) }
}

#[test]
fn nobody_gets_a_partition_before_its_owner_has_given_it_back() {
    let mut desk = two();
    assert_eq!(desk.has("b", 2, &[]), (2, None));
    assert_eq!(desk.has("a", 1, &[0, 1, 2, 3]), (1, Some(vec![0, 1])), "a keeps its epoch until it has given back");
    assert_eq!(desk.has("b", 2, &[]), (2, None));
    assert_eq!(desk.has("a", 1, &[0, 1, 2]), (1, Some(vec![0, 1])), "one of two is given back");
    assert_eq!(desk.has("b", 2, &[]), (2, None));
    assert_eq!(desk.has("a", 1, &[0, 1]), (2, None));
    assert_eq!(desk.has("b", 2, &[]), (2, Some(vec![2, 3])));
    assert_eq!(desk.has("b", 2, &[2, 3]), (2, None));
}

#[test]
fn a_member_that_does_not_say_what_it_has_gives_nothing_back() {
    let mut desk = two();
    desk.has("a", 1, &[0, 1, 2, 3]);
    assert_eq!(desk.lives("a", 1).unwrap().epoch, Epoch(1));
    assert_eq!(desk.has("b", 2, &[]), (2, None));
}

#[test]
fn a_member_that_does_not_give_back_in_time_is_out() {
    let mut desk = two();
    desk.has("a", 1, &[0, 1, 2, 3]);
    for _ in 0..2 {
        desk.pass(29_999);
        desk.lives("a", 1).unwrap();
        desk.lives("b", 2).unwrap();
    }
    desk.pass(2);
    assert_eq!(desk.lives("a", 1), Err(GroupError::UnknownMemberId));
    assert_eq!(desk.has("b", 2, &[]), (3, Some(vec![0, 1, 2, 3])));
}

#[test]
fn a_member_that_gave_back_in_time_is_not_held_to_it() {
    let mut desk = two();
    desk.has("a", 1, &[0, 1, 2, 3]);
    desk.pass(30_000);
    desk.has("a", 1, &[0, 1]);
    desk.lives("b", 2).unwrap();
    desk.pass(30_001);
    assert!(desk.lives("a", 2).is_ok());
}

#[test]
fn the_time_to_give_back_starts_anew_after_a_restart() {
    let mut desk = two();
    desk.has("a", 1, &[0, 1, 2, 3]);
    desk.restart();
    for _ in 0..2 {
        desk.pass(29_999);
        desk.lives("a", 1).unwrap();
    }
    desk.pass(2);
    assert_eq!(desk.lives("a", 1), Err(GroupError::UnknownMemberId));
}

#[test]
fn an_epoch_that_is_not_the_members_is_fenced() {
    let mut desk = two();
    assert_eq!(desk.lives("a", 2), Err(fenced(2, 1)));
    desk.has("a", 1, &[0, 1, 2, 3]);
    desk.has("a", 1, &[0, 1]);
    assert_eq!(desk.beat(stays("a", 1, Some(&[0, 1, 2]))), Err(fenced(1, 2)), "it has what it gave back");
    assert_eq!(desk.lives("a", 1), Err(fenced(1, 2)), "it does not say what it has");
}

#[test]
fn a_member_whose_answer_was_lost_comes_with_its_previous_epoch() {
    let mut desk = two();
    desk.has("a", 1, &[0, 1, 2, 3]);
    desk.has("a", 1, &[0, 1]);
    assert_eq!(desk.has("a", 1, &[0, 1]), (2, None));
    assert_eq!(desk.beat(joins("b", &["t"])).unwrap().epoch, Epoch(2), "a first answer may be lost, too");
}

#[test]
fn a_member_that_was_fenced_gives_up_everything_and_joins_again_under_its_id() {
    let mut desk = two();
    desk.has("a", 1, &[0, 1, 2, 3]);
    assert_eq!(desk.lives("a", 9), Err(fenced(9, 1)));
    assert_eq!(desk.consume("a", &["t"]), (2, vec![0, 1]));
    assert_eq!(desk.has("b", 2, &[]), (2, Some(vec![2, 3])), "what a gave up is free");
}

#[test]
fn a_target_that_changes_again_while_partitions_are_given_back_is_followed() {
    let mut desk = two();
    desk.has("a", 1, &[0, 1, 2, 3]);
    desk.lives("b", -1).unwrap();
    assert_eq!(desk.has("a", 1, &[0, 1]), (3, None), "what it has given back is still held by it");
    assert_eq!(desk.has("a", 3, &[0, 1]), (3, Some(vec![0, 1, 2, 3])));
}

#[test]
fn a_change_of_subscription_moves_the_group_on() {
    let mut desk = Desk::new();
    desk.topics(&[("t", 2), ("u", 2)]);
    desk.consume("a", &["t"]);
    let more = ConsumerHeartbeatRequest {
        topics: Some(vec![topic("u"), topic("t"), topic("u")]),
        ..stays("a", 1, Some(&[0, 1]))
    };
    let reply = desk.beat(more).unwrap();
    assert_eq!((reply.epoch, reply.assignment.unwrap().len()), (Epoch(2), 4));
    let same = ConsumerHeartbeatRequest { topics: Some(vec![topic("t"), topic("u")]), ..stays("a", 2, None) };
    assert_eq!(desk.beat(same).unwrap().epoch, Epoch(2));
}

#[test]
fn another_rack_is_noted_and_moves_nothing() {
    let mut desk = Desk::new();
    desk.topics(&[("t", 2)]);
    desk.consume("a", &["t"]);
    let moved = ConsumerHeartbeatRequest { rack: Some("r2".into()), ..stays("a", 1, None) };
    assert_eq!(desk.beat(moved).unwrap().epoch, Epoch(1));
    assert_eq!(desk.stored().member(&"a".into()).unwrap().rack.as_deref(), Some("r2"));
}

#[test]
fn the_assignor_that_most_ask_for_is_used() {
    let mut desk = Desk::new();
    desk.topics(&[("t", 2), ("u", 2)]);
    let asks = |member| ConsumerHeartbeatRequest { assignor: Some("range".into()), ..joins(member, &["t", "u"]) };
    let reply = desk.beat(asks("a")).unwrap();
    assert_eq!(reply.assignment.unwrap().len(), 4);
    desk.beat(asks("b")).unwrap();
    let target = desk.stored().target(&"b".into()).unwrap();
    assert_eq!(target.topics().count(), 2, "ranges meet: {target:?}");
    assert_eq!(numbers(target), [1, 1]);
}

#[test]
fn members_wait_while_records_of_their_group_are_under_way() {
    let mut desk = two();
    desk.holds = true;
    let first = desk.ask(Request::ConsumerHeartbeat(stays("a", 1, Some(&[0, 1, 2, 3]))));
    let second = desk.ask(Request::ConsumerHeartbeat(stays("b", 2, Some(&[]))));
    assert_eq!((desk.reply(first), desk.reply(second)), (None, None));
    assert_eq!(desk.under_way.len(), 1);
    desk.flush();
    assert!(desk.reply(first).is_some() && desk.reply(second).is_some());
}
