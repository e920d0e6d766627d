//! Cooperative classic members, which keep what they have while they join, in groups that change their protocol.

use base::PartitionIndex;

use super::desk::*;
use crate::groups::embedded::{read_assignment, write_assignment};
use crate::groups::*;

/// A member that has been here before joins, and keeps these partitions of t meanwhile.
fn keeps(member: &str, owned: &[u32]) -> JoinRequest {
    keeps_of(1, member, owned)
}

/// The same, given in this generation.
fn keeps_of(generation: i32, member: &str, owned: &[u32]) -> JoinRequest {
    let mut bytes = b"\0\x02\0\0\0\x01\0\x01t\xff\xff\xff\xff\0\0\0\x01\0\x01t\0\0\0".to_vec();
    bytes.push(u8::try_from(owned.len()).unwrap());
    owned.iter().for_each(|index| bytes.extend(index.to_be_bytes()));
    bytes.extend(generation.to_be_bytes());
    let protocols = vec![Protocol { name: "cooperative-sticky".into(), metadata: bytes.into() }];
    JoinRequest { protocols, ..rejoin(member) }
}

fn assigned(partitions: &[u32]) -> Blob {
    let partitions = partitions.iter().map(|index| PartitionIndex(*index)).collect();
    write_assignment(0, [(&topic("t"), partitions)].into_iter())
}

/// Joined already, a member syncs.
fn given(desk: &mut Desk, member: &str, generation: i32) -> Vec<u32> {
    let token = desk.ask(Request::Sync(SyncRequest { protocol: None, ..sync(member, generation, &[]) }));
    read_assignment(&desk.synced(token).unwrap()).unwrap().into_iter().map(|(_, index)| index.0).collect()
}

/// Generation 2: a has had all four partitions, and is to give back two of them for b. It has not heard of it.
fn rebalanced() -> Desk {
    let mut desk = Desk::new();
    desk.topics(&[("t", 4)]);
    desk.ask(Request::Join(JoinRequest { member: "".into(), new_member: "a".into(), ..keeps("a", &[]) }));
    desk.pass(0);
    let leads = |generation, all: &[u32]| SyncRequest {
        protocol: None,
        assignments: vec![("a".into(), assigned(all))],
        ..sync("a", generation, &[])
    };
    desk.ask(Request::Sync(leads(1, &[0, 1, 2, 3])));
    desk.ask(Request::Join(JoinRequest { member: "".into(), new_member: "b".into(), ..keeps("b", &[]) }));
    desk.ask(Request::Join(keeps("a", &[0, 1, 2, 3])));
    desk.ask(Request::Sync(leads(2, &[0, 1])));
    desk
}

#[test]
fn what_a_member_has_not_given_back_goes_with_it_into_a_consumer_group() {
    let mut desk = rebalanced();
    assert_eq!(desk.consume("c", &["t"]), (3, vec![]), "a may still read all of it");
    let current = desk.stored().current(&"a".into()).unwrap();
    assert_eq!((&current.assigned, &current.revoking), (&of_t(&[0, 1]), &of_t(&[2, 3])));
    assert_eq!(desk.heartbeat("a", 2), Err(GroupError::RebalanceInProgress));
    assert_eq!(given(&mut desk, "a", 2), [0, 1], "the answer that it waits for tells it what to give back");
    assert_eq!(desk.has("c", 3, &[]).1, None, "and it has not said that it did");
    assert_eq!(desk.join(keeps("a", &[0, 1])).unwrap().generation, Epoch(3));
    let mut all = given(&mut desk, "a", 3);
    all.extend(desk.has("c", 3, &[]).1.unwrap());
    assert_eq!(desk.join(keeps("b", &[])).unwrap().generation, Epoch(3));
    all.extend(given(&mut desk, "b", 3));
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 3]);
}

#[test]
fn a_member_that_does_not_give_back_in_time_is_out_of_the_consumer_group() {
    let mut desk = rebalanced();
    desk.consume("c", &["t"]);
    for _ in 0..7 {
        let _ = desk.heartbeat("a", 2);
        let _ = desk.lives("c", 3);
        desk.pass(5_000);
    }
    assert_eq!(desk.heartbeat("a", 2), Err(GroupError::UnknownMemberId));
}

/// As in the simulation: its commits were accepted for what others had by then, and so offsets went back.
#[test]
fn a_member_that_was_put_out_of_a_consumer_group_learns_of_it_when_it_joins() {
    let mut desk = Desk::new();
    desk.topics(&[("t", 4)]);
    desk.consume("c", &["t"]);
    assert_eq!(desk.join(keeps("a", &[0])).unwrap_err().error, GroupError::UnknownMemberId);
    assert_eq!(desk.join(keeps("a", &[])).unwrap().generation, Epoch(2), "a new one comes with the id it was given");
    // A client that does not drop what it had when it is told so would join in vain for ever.
    assert_eq!(desk.join(keeps_of(-1, "b", &[0])).unwrap().generation, Epoch(3), "it has heard of it");
}
