//! Topics that come, go and grow, and regular expressions that match them.

use super::desk::*;
use crate::groups::*;

fn matching(member: &str, regex: &str) -> ConsumerHeartbeatRequest {
    ConsumerHeartbeatRequest { topics: None, regex: Some(regex.into()), ..joins(member, &[]) }
}

#[test]
fn a_topic_that_grows_moves_its_groups_on() {
    let mut desk = Desk::new();
    desk.topics(&[("t", 2), ("u", 2)]);
    desk.consume("a", &["t"]);
    desk.topics(&[("t", 3), ("u", 2)]);
    assert_eq!(desk.has("a", 1, &[0, 1]), (2, Some(vec![0, 1, 2])));
}

#[test]
fn topics_that_nobody_reads_move_nothing() {
    let mut desk = Desk::new();
    desk.topics(&[("t", 2)]);
    desk.consume("a", &["t"]);
    let written = desk.log.len();
    desk.topics(&[("t", 2), ("u", 5)]);
    assert_eq!(desk.has("a", 1, &[0, 1]), (1, None));
    assert_eq!(desk.log.len(), written);
    desk.restart();
    assert_eq!(desk.has("a", 1, &[0, 1]), (1, None), "nor does a restart");
}

#[test]
fn a_topic_that_comes_later_is_assigned_when_it_comes() {
    let mut desk = Desk::new();
    assert_eq!(desk.consume("a", &["t"]), (1, vec![]));
    desk.topics(&[("t", 2)]);
    assert_eq!(desk.has("a", 1, &[]), (2, Some(vec![0, 1])));
}

#[test]
fn a_topic_that_goes_is_taken_away() {
    let mut desk = Desk::new();
    desk.topics(&[("t", 2)]);
    desk.consume("a", &["t"]);
    desk.topics(&[]);
    assert_eq!(desk.has("a", 1, &[0, 1]), (1, Some(vec![])));
    assert_eq!(desk.has("a", 1, &[]), (2, None));
}

#[test]
fn a_regular_expression_subscribes_to_the_topics_whose_whole_name_it_matches() {
    let mut desk = Desk::new();
    desk.topics(&[("ta", 1), ("tb", 1), ("tab", 1), ("u", 1)]);
    let reply = desk.beat(matching("a", "t[ab]")).unwrap();
    assert_eq!(reply.assignment.unwrap().len(), 2);
    desk.topics(&[("ta", 1), ("tb", 1), ("tab", 1), ("u", 1), ("xt", 1)]);
    assert_eq!(desk.lives("a", 1).unwrap().epoch, Epoch(1));
    desk.topics(&[("ta", 1), ("tb", 2), ("tab", 1)]);
    let reply = desk.beat(stays("a", 1, Some(&[]))).unwrap();
    assert_eq!((reply.epoch, reply.assignment.unwrap().len()), (Epoch(2), 3));
}

#[test]
fn names_and_a_regular_expression_add_up_and_either_can_be_dropped() {
    let mut desk = Desk::new();
    desk.topics(&[("t", 1), ("u", 1)]);
    let both = ConsumerHeartbeatRequest { regex: Some("u|v".into()), ..joins("a", &["t"]) };
    assert_eq!(desk.beat(both).unwrap().assignment.unwrap().len(), 2);
    let dropped = ConsumerHeartbeatRequest { regex: Some("".into()), ..stays("a", 1, Some(&[0])) };
    assert_eq!(desk.beat(dropped).unwrap().epoch, Epoch(2));
    assert!(desk.stored().regexes().is_empty(), "its topics are forgotten");
    assert_eq!(numbers(desk.stored().target(&"a".into()).unwrap()).len(), 1);
}

#[test]
fn a_regular_expression_goes_with_its_last_member() {
    let mut desk = Desk::new();
    desk.topics(&[("t", 2)]);
    desk.beat(matching("a", "t.*")).unwrap();
    desk.beat(matching("b", "t.*")).unwrap();
    desk.lives("a", -1).unwrap();
    assert_eq!(desk.stored().regexes().len(), 1);
    desk.lives("b", -1).unwrap();
    assert_eq!(desk.stored().regexes().len(), 0);
}

#[test]
fn a_regular_expression_that_is_none_is_refused() {
    let mut desk = Desk::new();
    let long = "x".repeat(1_025);
    for regex in ["(", "a)|(b", "(?=a)", "(a{1000}){1000}", &long] {
        let error = desk.beat(matching("a", regex)).unwrap_err();
        assert!(matches!(error, GroupError::InvalidRegularExpression { .. }), "{regex}: {error:?}");
    }
    assert!(desk.log.is_empty());
}

#[test]
fn offsets_of_topics_that_a_consumer_group_reads_are_kept() {
    let mut desk = Desk::new();
    desk.topics(&[("t", 1), ("u", 1)]);
    desk.beat(matching("a", "t")).unwrap();
    desk.commit(commit("a", 1, 0, 7)).unwrap();
    let partitions = vec![(topic("t"), base::PartitionIndex(0)), (topic("u"), base::PartitionIndex(0))];
    let reply = desk.answer(Request::OffsetDelete(OffsetDeleteRequest { group: "g".into(), partitions }));
    assert_eq!(reply, Reply::OffsetDelete(Ok(vec![Err(GroupError::GroupSubscribedToTopic), Ok(())])));
}
