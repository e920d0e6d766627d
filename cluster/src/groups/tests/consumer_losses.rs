//! Answers that do not arrive. A client whose request took too long may send the very same request again, which says
//! nothing of what the member has: librdkafka does.

use super::desk::*;
use crate::groups::*;

/// What a member hears that says only that it lives.
fn lives(desk: &mut Desk, member: &str, epoch: i32) -> (i32, Option<Vec<u32>>) {
    let reply = desk.lives(member, epoch).unwrap();
    (reply.epoch.0, reply.assignment.as_ref().map(numbers))
}

/// Members a and b of a group that reads t, which has 4 partitions; b has just come, and a has all of them.
fn two() -> Desk {
    let mut desk = Desk::new();
    desk.topics(&[("t", 4)]);
    assert_eq!(desk.consume("a", &["t"]), (1, vec![0, 1, 2, 3]));
    assert_eq!(desk.has("a", 1, &[0, 1, 2, 3]), (1, None));
    assert_eq!(desk.consume("b", &["t"]), (2, vec![]));
    desk
}

#[test]
fn what_a_member_has_to_give_back_is_said_until_it_has_been_heard() {
    let mut desk = two();
    let first = lives(&mut desk, "a", 1);
    assert_eq!(first, (1, Some(vec![0, 1])));
    assert_eq!(lives(&mut desk, "a", 1), first, "the answer was lost");
    assert_eq!(desk.has("a", 1, &[0, 1, 2, 3]), first, "what it says crossed the answer");
    assert_eq!(lives(&mut desk, "a", 1), first, "it may be at it");
    assert_eq!(desk.has("a", 1, &[0, 1]), (2, None), "it has heard");
    assert_eq!(lives(&mut desk, "a", 2), (2, None));
}

#[test]
fn what_a_member_gets_is_said_until_it_has_been_heard() {
    let mut desk = two();
    lives(&mut desk, "a", 1);
    desk.has("a", 1, &[0, 1]);
    let first = lives(&mut desk, "b", 2);
    assert_eq!(first, (2, Some(vec![2, 3])));
    assert_eq!(lives(&mut desk, "b", 2), first, "the answer was lost");
    assert_eq!(desk.has("b", 2, &[2, 3]), (2, None));
    assert_eq!(lives(&mut desk, "b", 2), (2, None));
}

#[test]
fn what_a_member_gets_when_it_joins_is_said_until_it_has_been_heard() {
    let mut desk = Desk::new();
    desk.topics(&[("t", 2)]);
    assert_eq!(desk.consume("a", &["t"]), (1, vec![0, 1]));
    assert_eq!(lives(&mut desk, "a", 1), (1, Some(vec![0, 1])), "it has heard its epoch, and may be at it");
    assert_eq!(desk.has("a", 1, &[0, 1]), (1, None));
    assert_eq!(desk.consume("b", &["u"]), (2, vec![]), "there is nothing to be had");
    assert_eq!(lives(&mut desk, "b", 2), (2, None), "and nothing to say");
}

#[test]
fn a_request_that_comes_twice_while_its_records_are_under_way_is_answered_twice() {
    let mut desk = two();
    desk.holds = true;
    let tokens = [(); 2].map(|()| desk.ask(Request::ConsumerHeartbeat(stays("a", 1, None))));
    desk.flush();
    for token in tokens {
        let Some(Reply::ConsumerHeartbeat(Ok(reply))) = desk.reply(token) else { panic!("it was refused") };
        assert_eq!(reply.assignment.as_ref().map(numbers), Some(vec![0, 1]));
    }
}

#[test]
fn what_could_not_be_written_was_not_told() {
    let mut desk = two();
    desk.holds = true;
    let token = desk.ask(Request::ConsumerHeartbeat(stays("a", 1, None)));
    desk.fail();
    assert!(matches!(desk.reply(token), Some(Reply::ConsumerHeartbeat(Err(_)))));
    desk.holds = false;
    assert_eq!(lives(&mut desk, "a", 1), (1, Some(vec![0, 1])));
}

#[test]
fn each_member_hears_its_assignment_after_a_restart_because_an_answer_may_have_been_lost_before() {
    let mut desk = two();
    lives(&mut desk, "a", 1);
    desk.restart();
    for _ in 0..2 {
        assert_eq!(lives(&mut desk, "a", 1), (1, Some(vec![0, 1])), "until it gives back");
    }
    // The answer that repeats it may be lost as well (seed 452 of the simulation: nobody read a partition).
    for _ in 0..5 {
        assert_eq!(lives(&mut desk, "b", 2), (2, Some(vec![])));
    }
    assert_eq!(lives(&mut desk, "b", 2), (2, None), "no more, as most have heard");
    assert_eq!(desk.has("a", 1, &[0, 1]), (2, None));
}

#[test]
fn a_member_under_the_id_of_one_that_is_gone_begins_anew() {
    let mut desk = two();
    lives(&mut desk, "a", 1);
    desk.lives("a", -1).unwrap();
    desk.lives("b", -1).unwrap();
    let (epoch, _) = desk.consume("a", &["u"]);
    assert_eq!(lives(&mut desk, "a", epoch), (epoch, None));
}
