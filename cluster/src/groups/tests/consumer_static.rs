//! Static members of the consumer protocol.

use super::desk::*;
use crate::groups::*;

fn named(member: &str) -> ConsumerHeartbeatRequest {
    ConsumerHeartbeatRequest { instance: Some("i".into()), ..joins(member, &["t"]) }
}

fn says(member: &str, epoch: i32) -> ConsumerHeartbeatRequest {
    ConsumerHeartbeatRequest { instance: Some("i".into()), ..stays(member, epoch, None) }
}

/// Members a (instance i) and b, each with half of t.
fn two() -> Desk {
    let mut desk = Desk::new();
    desk.topics(&[("t", 4)]);
    desk.beat(named("a")).unwrap();
    desk.consume("b", &["t"]);
    let says_what = |owned: &[u32]| ConsumerHeartbeatRequest { owned: Some(of_t(owned)), ..says("a", 1) };
    desk.beat(says_what(&[0, 1, 2, 3])).unwrap();
    desk.beat(says_what(&[0, 1])).unwrap();
    assert_eq!(desk.has("b", 2, &[]), (2, Some(vec![2, 3])));
    desk
}

#[test]
fn a_static_member_that_is_away_keeps_its_partitions_and_gets_them_back() {
    let mut desk = two();
    let left = desk.beat(says("a", -2)).unwrap();
    assert_eq!((left.epoch, left.assignment), (Epoch(-2), None));
    assert_eq!(desk.has("b", 2, &[2, 3]), (2, None), "nothing happens to the others");
    let back = desk.beat(named("a2")).unwrap();
    assert_eq!((back.epoch, back.assignment), (Epoch(2), Some(of_t(&[0, 1]))));
    assert_eq!(desk.has("b", 2, &[2, 3]), (2, None));
    assert_eq!(desk.beat(says("a", 2)), Err(GroupError::FencedInstanceId));
    assert_eq!(desk.stored().member_count(), 2);
}

#[test]
fn a_static_member_comes_back_under_its_own_id_too() {
    let mut desk = two();
    desk.beat(says("a", -2)).unwrap();
    let back = desk.beat(named("a")).unwrap();
    assert_eq!((back.epoch, back.assignment), (Epoch(2), Some(of_t(&[0, 1]))));
}

#[test]
fn a_static_member_that_stays_away_is_out_after_its_session() {
    let mut desk = two();
    desk.beat(says("a", -2)).unwrap();
    desk.pass(44_999);
    desk.lives("b", 2).unwrap();
    desk.pass(1);
    assert_eq!(desk.has("b", 2, &[2, 3]), (3, Some(vec![0, 1, 2, 3])));
}

#[test]
fn an_instance_that_has_not_left_is_not_given_away() {
    let mut desk = two();
    assert_eq!(desk.beat(named("a2")), Err(GroupError::UnreleasedInstanceId));
    assert_eq!(desk.beat(says("a2", 2)), Err(GroupError::FencedInstanceId));
    assert_eq!(desk.beat(says("a2", -1)), Err(GroupError::FencedInstanceId));
    let other = ConsumerHeartbeatRequest { instance: Some("j".into()), ..stays("a", 2, None) };
    assert_eq!(desk.beat(other), Err(GroupError::UnknownMemberId));
}

#[test]
fn a_static_member_that_leaves_for_good_frees_its_partitions() {
    let mut desk = two();
    assert_eq!(desk.beat(says("a", -1)).unwrap().epoch, Epoch(-1));
    assert_eq!(desk.has("b", 2, &[2, 3]), (3, Some(vec![0, 1, 2, 3])));
}

#[test]
fn a_replacement_that_could_not_be_written_can_be_tried_again() {
    let mut desk = two();
    desk.beat(says("a", -2)).unwrap();
    desk.holds = true;
    let token = desk.ask(Request::ConsumerHeartbeat(named("a2")));
    desk.fail();
    assert!(matches!(desk.reply(token), Some(Reply::ConsumerHeartbeat(Err(_)))));
    desk.holds = false;
    assert_eq!(desk.beat(named("a2")).unwrap().assignment, Some(of_t(&[0, 1])));
}

/// Its predecessor's place is its own before what it says of itself is looked at.
#[test]
fn a_successor_that_is_refused_and_then_silent_is_out_after_its_session() {
    let mut desk = two();
    desk.beat(says("a", -2)).unwrap();
    let refused = desk.beat(ConsumerHeartbeatRequest { regex: Some("(".into()), ..named("a2") });
    assert!(matches!(refused, Err(GroupError::InvalidRegularExpression { .. })));
    assert!(desk.stored().member(&"a2".into()).is_some());
    desk.pass(44_999);
    desk.lives("b", 2).unwrap();
    desk.pass(1);
    assert_eq!(desk.has("b", 2, &[2, 3]), (3, Some(vec![0, 1, 2, 3])));
}
