//! Cooperative classic members, which keep what they have while they join, in groups that change their protocol.

use super::desk::*;
use crate::groups::*;

/// A member that has been here before joins, and keeps these partitions of t meanwhile.
fn keeps(member: &str, owned: &[u32]) -> JoinRequest {
    let mut bytes = b"\0\x01\0\0\0\x01\0\x01t\xff\xff\xff\xff\0\0\0\x01\0\x01t\0\0\0".to_vec();
    bytes.push(u8::try_from(owned.len()).unwrap());
    owned.iter().for_each(|index| bytes.extend(index.to_be_bytes()));
    let protocols = vec![Protocol { name: "cooperative-sticky".into(), metadata: bytes.into() }];
    JoinRequest { protocols, ..rejoin(member) }
}

/// As in the simulation: its commits were accepted for what others had by then, and so offsets went back.
#[test]
fn a_member_that_was_put_out_of_a_consumer_group_learns_of_it_when_it_joins() {
    let mut desk = Desk::new();
    desk.topics(&[("t", 4)]);
    desk.consume("c", &["t"]);
    assert_eq!(desk.join(keeps("a", &[0])).unwrap_err().error, GroupError::UnknownMemberId);
    assert_eq!(desk.join(keeps("a", &[])).unwrap().generation, Epoch(2), "a new one comes with the id it was given");
}
