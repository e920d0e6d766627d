//! Groups that change their protocol while they work.

use base::PartitionIndex;

use super::desk::*;
use crate::groups::embedded::{read_assignment, write_assignment};
use crate::groups::*;

fn assigned(partitions: &[u32]) -> Blob {
    let partitions = partitions.iter().map(|index| PartitionIndex(*index)).collect();
    write_assignment(0, [(&topic("t"), partitions)].into_iter())
}

fn read(bytes: &Blob) -> Vec<u32> {
    read_assignment(bytes).unwrap().into_iter().map(|(_, index)| index.0).collect()
}

/// Classic members a (2 of 4 partitions of t) and b (the others) at generation 1.
fn classic(settings: GroupSettings) -> Desk {
    let mut desk = Desk::with(settings);
    desk.topics(&[("t", 4)]);
    desk.ask(Request::Join(join("a")));
    desk.ask(Request::Join(join("b")));
    desk.pass(0);
    let mut request = sync("a", 1, &[]);
    request.assignments = vec![("a".into(), assigned(&[0, 1])), ("b".into(), assigned(&[2, 3]))];
    desk.ask(Request::Sync(sync("b", 1, &[])));
    desk.ask(Request::Sync(request));
    assert_eq!(desk.heartbeat("a", 1), Ok(()));
    desk
}

/// The group above after member c of the consumer protocol has come.
fn upgraded() -> Desk {
    let mut desk = classic(settings());
    let (epoch, mine) = desk.consume("c", &["t"]);
    assert_eq!((epoch, mine), (2, vec![]));
    desk
}

/// The classic member gives up what it had, joins again and syncs.
fn rejoins(desk: &mut Desk, member: &str) -> (i32, Vec<u32>) {
    let joined = desk.join(rejoin(member)).unwrap();
    let generation = joined.generation.0;
    let token = desk.ask(Request::Sync(sync(member, generation, &[])));
    (generation, read(&desk.synced(token).unwrap()))
}

#[test]
fn a_member_of_the_consumer_protocol_changes_a_classic_group_with_all_that_it_has() {
    let mut desk = upgraded();
    let group = desk.stored();
    assert_eq!((group.member_count(), group.epoch()), (3, Epoch(2)));
    let a = group.current(&"a".into()).unwrap();
    assert_eq!((a.epoch, a.assigned.clone()), (Epoch(1), of_t(&[0, 1])));
    assert!(desk.coordinator.state().group(&"g".into()).unwrap().classic().is_none());
    assert_eq!(desk.commit(commit("a", 1, 0, 7)), Ok(vec![Ok(())]), "classic members commit as before");
    assert_eq!(desk.heartbeat("a", 1), Err(GroupError::RebalanceInProgress));
}

#[test]
fn classic_members_follow_by_joining_again() {
    let mut desk = upgraded();
    let (generation, a) = rejoins(&mut desk, "a");
    let (_, b) = rejoins(&mut desk, "b");
    assert_eq!(generation, 2);
    let (epoch, c) = desk.has("c", 2, &[]);
    assert_eq!(epoch, 2);
    let mut all = [a.clone(), b, c.unwrap()].concat();
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 3]);
    assert!(a.len() <= 2);
    assert_eq!(desk.heartbeat("a", 2), Ok(()));
    assert_eq!(desk.heartbeat("a", 1), Err(GroupError::IllegalGeneration { got: Epoch(1), current: Epoch(2) }));
}

#[test]
fn a_classic_member_that_does_not_join_again_in_time_is_out() {
    let mut desk = upgraded();
    for _ in 0..7 {
        let _ = desk.heartbeat("a", 1);
        let _ = desk.lives("c", 2);
        desk.pass(5_000);
    }
    assert_eq!(desk.heartbeat("a", 1), Err(GroupError::UnknownMemberId));
}

#[test]
fn a_classic_member_that_joins_and_does_not_sync_in_time_is_out() {
    let mut desk = upgraded();
    desk.join(rejoin("a")).unwrap();
    for _ in 0..7 {
        let _ = desk.heartbeat("a", 2);
        desk.pass(5_000);
    }
    assert_eq!(desk.heartbeat("a", 2), Err(GroupError::UnknownMemberId));
}

#[test]
fn a_silent_classic_member_is_out_after_its_own_session() {
    let mut desk = upgraded();
    desk.pass(9_999);
    assert_eq!(desk.stored().member_count(), 3);
    desk.pass(1);
    assert_eq!(desk.stored().member_count(), 1);
}

#[test]
fn whoever_waits_in_a_group_that_changes_joins_again() {
    let mut desk = classic(settings());
    let waits = desk.ask(Request::Join(rejoin("a")));
    desk.consume("c", &["t"]);
    assert_eq!(desk.joined(waits).unwrap_err().error, GroupError::RebalanceInProgress);
}

#[test]
fn a_change_that_could_not_be_written_leaves_the_group_as_it_was() {
    let mut desk = classic(settings());
    desk.holds = true;
    let token = desk.ask(Request::ConsumerHeartbeat(joins("c", &["t"])));
    desk.fail();
    assert!(matches!(desk.reply(token), Some(Reply::ConsumerHeartbeat(Err(_)))));
    assert_eq!(desk.heartbeat("a", 1), Ok(()));
}

#[test]
fn groups_that_cannot_or_may_not_change_refuse_the_member() {
    let mut desk = classic(GroupSettings { migration: MigrationPolicy::Downgrade, ..settings() });
    assert_eq!(desk.beat(joins("c", &["t"])), Err(GroupError::GroupIdNotFound));
    let mut desk = Desk::new();
    desk.ask(Request::Join(JoinRequest { protocol_type: "connect".into(), ..join("a") }));
    desk.pass(0);
    assert_eq!(desk.beat(joins("c", &["t"])), Err(GroupError::GroupIdNotFound));
    let mut desk = Desk::new();
    let odd = Protocol { name: "range".into(), metadata: blob("odd") };
    desk.ask(Request::Join(JoinRequest { protocols: vec![odd], ..join("a") }));
    desk.pass(0);
    assert_eq!(desk.beat(joins("c", &["t"])), Err(GroupError::GroupIdNotFound));
}

#[test]
fn an_empty_group_changes_its_protocol_whatever_the_policy() {
    let mut desk = Desk::with(GroupSettings { migration: MigrationPolicy::Disabled, ..settings() });
    desk.topics(&[("t", 2)]);
    desk.stable(&["a"]);
    desk.commit(commit("a", 1, 0, 7)).unwrap();
    desk.leave(&[("a", None)]).unwrap();
    assert_eq!(desk.consume("c", &["t"]), (1, vec![0, 1]));
    assert_eq!(desk.committed("t", 0), Some(7), "offsets stay");
    desk.lives("c", -1).unwrap();
    let token = desk.ask(Request::Join(join("d")));
    desk.pass(0);
    assert_eq!(desk.joined(token).unwrap().generation, Epoch(1));
    assert!(!desk.stored().exists());
}

#[test]
fn the_group_becomes_classic_again_when_its_last_consumer_member_leaves() {
    let mut desk = upgraded();
    rejoins(&mut desk, "a");
    rejoins(&mut desk, "b");
    desk.lives("c", -1).unwrap();
    assert!(!desk.stored().exists());
    assert_eq!(desk.heartbeat("a", 2), Err(GroupError::RebalanceInProgress));
    let a = desk.ask(Request::Join(rejoin("a")));
    desk.ask(Request::Join(rejoin("b")));
    assert_eq!(desk.joined(a).unwrap().generation, Epoch(3));
    desk.sync_all(3, &["a", "b"]);
}

#[test]
fn a_group_that_became_classic_assigns_anew_even_if_the_coordinator_restarts_before() {
    let mut desk = upgraded();
    rejoins(&mut desk, "a");
    rejoins(&mut desk, "b");
    desk.lives("c", -1).unwrap();
    desk.restart();
    assert_eq!(desk.heartbeat("a", 2), Err(GroupError::RebalanceInProgress), "nobody has what c had");
}

#[test]
fn a_consumer_member_whose_session_ends_makes_the_group_classic_too() {
    let mut desk = upgraded();
    for _ in 0..8 {
        desk.pass(5_000);
        for member in ["a", "b"] {
            let current = desk.stored().member_epoch(&member.into()).0;
            if desk.heartbeat(member, current).is_err() {
                rejoins(&mut desk, member);
            }
        }
    }
    desk.pass(5_000);
    assert!(!desk.stored().exists());
    assert!(desk.heartbeat("a", 2).is_err_and(|error| error == GroupError::RebalanceInProgress));
}

#[test]
fn where_the_policy_forbids_it_a_consumer_group_stays_one() {
    let mut desk = classic(GroupSettings { migration: MigrationPolicy::Upgrade, ..settings() });
    desk.consume("c", &["t"]);
    desk.lives("c", -1).unwrap();
    assert!(desk.stored().exists());
    assert_eq!(rejoins(&mut desk, "a").0, 3);
}

#[test]
fn a_new_classic_member_is_given_an_id_first_in_a_consumer_group_too() {
    let mut desk = upgraded();
    let refused = desk.join(JoinRequest { knows_member_id_required: true, ..join("d") }).unwrap_err();
    assert_eq!((refused.error, refused.member.as_str()), (GroupError::MemberIdRequired, "d"));
    assert_eq!(desk.join(rejoin("d")).unwrap().generation, Epoch(3));
    let other = JoinRequest { protocols: vec![protocol("sticky", &["t"])], ..join("e") };
    assert_eq!(desk.join(other).unwrap_err().error, GroupError::InconsistentGroupProtocol);
}

#[test]
fn classic_members_leave_a_consumer_group() {
    let mut desk = upgraded();
    let results = desk.leave(&[("a", None), ("a", None), ("x", None)]).unwrap();
    let unknown = || Err(GroupError::UnknownMemberId);
    assert_eq!(results, [Ok(()), unknown(), unknown()]);
    assert_eq!(desk.stored().member_count(), 2);
}

#[test]
fn members_of_the_consumer_protocol_are_removed_as_administrators_do() {
    let mut desk = upgraded();
    assert_eq!(desk.leave(&[("a", None), ("c", None)]), Ok(vec![Ok(()), Ok(())]));
    assert!(!desk.stored().exists(), "the one that stays is classic, and so is the group");
    assert_eq!(desk.heartbeat("b", 2), Err(GroupError::RebalanceInProgress));
    desk.ask(Request::Join(rejoin("b")));
    desk.leave(&[("b", None)]).unwrap();
    let mut request = joins("s", &["t"]);
    request.instance = Some("i".into());
    desk.beat(request).unwrap();
    let unknown = || Err(GroupError::UnknownMemberId);
    assert_eq!(
        desk.leave(&[("", Some("j")), ("s", Some("j")), ("", Some("i"))]),
        Ok(vec![unknown(), unknown(), Ok(())])
    );
    assert_eq!(desk.stored().member_count(), 0);
}

#[test]
fn a_static_member_changes_its_protocol_up_and_down() {
    let mut desk = Desk::new();
    desk.topics(&[("t", 4)]);
    for (instance, member) in [("i", "a"), ("j", "b")] {
        desk.ask(Request::Join(join_static(instance, member)));
    }
    desk.pass(0);
    let mut request = sync("a", 1, &[]);
    request.assignments = vec![("a".into(), assigned(&[0, 1])), ("b".into(), assigned(&[2, 3]))];
    desk.ask(Request::Sync(request));
    let up = desk.beat(ConsumerHeartbeatRequest { instance: Some("i".into()), ..joins("a2", &["t"]) }).unwrap();
    assert_eq!(up.assignment, Some(of_t(&[0, 1])), "it has what its process had");
    assert_eq!(desk.stored().member_count(), 2);
    let down = desk.join(join_static("i", "a3")).unwrap();
    assert!(!desk.stored().exists(), "all members are classic again");
    let token = desk.ask(Request::Sync(sync("a3", down.generation.0, &[])));
    match desk.reply(token) {
        Some(Reply::Sync(Ok(synced))) => assert_eq!(read(&synced.assignment), [0, 1]),
        Some(Reply::Sync(Err(GroupError::RebalanceInProgress))) => {}
        other => panic!("{other:?}"),
    }
}

/// Seed 48 of the simulation.
#[test]
fn a_classic_successor_that_is_silent_after_half_of_its_join_is_out_after_its_session() {
    let mut desk = upgraded();
    let named = |id: &str| JoinRequest { instance: Some("i".into()), ..join(id) };
    let first = desk.join(named("d")).unwrap();
    desk.ask(Request::Sync(sync("d", first.generation.0, &[])));
    desk.holds = true;
    let token = desk.ask(Request::Join(named("e")));
    desk.flush_first();
    desk.fail();
    assert!(matches!(desk.joined(token).unwrap_err().error, GroupError::CoordinatorNotAvailable { .. }));
    desk.holds = false;
    assert!(desk.stored().member(&"e".into()).is_some(), "it has the place already");
    desk.pass(9_999);
    assert!(desk.stored().member(&"e".into()).is_some());
    desk.pass(1);
    assert!(desk.stored().member(&"e".into()).is_none());
}
