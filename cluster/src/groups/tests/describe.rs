//! Listing and describing groups.

use super::desk::*;
use crate::groups::*;

fn listed(desk: &Desk) -> Vec<(String, String, GroupPhase, GroupType)> {
    let listed = desk.coordinator.list();
    listed.map(|g| (g.group.to_string(), g.protocol_type.to_string(), g.phase, g.group_type)).collect()
}

#[test]
fn groups_are_listed_with_their_protocol_and_how_far_they_are() {
    let mut desk = Desk::new();
    desk.topics(&[("t", 4)]);
    desk.commit(OffsetCommitRequest { group: "a".into(), ..commit("", -1, 0, 7) }).unwrap();
    desk.beat(ConsumerHeartbeatRequest { group: "b".into(), ..joins("m", &["t"]) }).unwrap();
    desk.stable(&["m"]);
    let row = |name: &str, kind: &str, phase, group_type| (name.to_owned(), kind.to_owned(), phase, group_type);
    assert_eq!(
        listed(&desk),
        [
            row("a", "", GroupPhase::Empty, GroupType::Classic),
            row("b", "consumer", GroupPhase::Stable, GroupType::Consumer),
            row("g", "consumer", GroupPhase::Stable, GroupType::Classic),
        ]
    );
    desk.ask(Request::Join(join("n")));
    assert_eq!(listed(&desk)[2].2, GroupPhase::PreparingRebalance);
}

#[test]
fn a_stable_classic_group_is_described_with_what_its_members_say_and_have() {
    let mut desk = Desk::new();
    assert_eq!(desk.coordinator.describe_classic(&"g".into()), Err(GroupError::GroupIdNotFound));
    desk.stable(&["a", "b"]);
    let group = desk.coordinator.describe_classic(&"g".into()).unwrap();
    assert_eq!((&*group.protocol_type, &*group.protocol, group.phase), ("consumer", "range", GroupPhase::Stable));
    assert_eq!((&group.members[1].metadata, &group.members[1].assignment), (&subscription(&["t"]), &blob("b")));
    assert_eq!((&*group.members[1].client_id, &*group.members[1].client_host), ("client", "/127.0.0.1"));
    desk.ask(Request::Join(rejoin("a")));
    let group = desk.coordinator.describe_classic(&"g".into()).unwrap();
    assert_eq!((&*group.protocol, group.phase), ("", GroupPhase::PreparingRebalance));
    assert_eq!((group.members.len(), group.members[0].metadata.len()), (2, 0));
    assert_eq!(group.members[1].assignment, blob("b"), "it has what it had");
}

#[test]
fn offsets_without_members_are_described_as_an_empty_group() {
    let mut desk = Desk::new();
    desk.commit(commit("", -1, 0, 7)).unwrap();
    let group = desk.coordinator.describe_classic(&"g".into()).unwrap();
    assert_eq!((group.phase, &*group.protocol_type, group.members.len()), (GroupPhase::Empty, "", 0));
}

#[test]
fn a_consumer_group_is_described_with_what_members_have_and_should_have() {
    let mut desk = Desk::new();
    desk.topics(&[("t", 4)]);
    assert_eq!(desk.coordinator.describe_consumer(&"g".into()), Err(GroupError::GroupIdNotFound));
    desk.consume("a", &["t"]);
    desk.consume("b", &["t"]);
    let group = desk.coordinator.describe_consumer(&"g".into()).unwrap();
    assert_eq!((group.epoch, group.target_epoch, group.phase), (Epoch(2), Epoch(2), GroupPhase::Reconciling));
    assert_eq!(group.assignor, AssignorName::Uniform);
    let [a, b] = &group.members[..] else { panic!("{group:?}") };
    assert_eq!((a.epoch, a.assigned.len(), a.target.len()), (Epoch(1), 4, 2));
    assert_eq!((b.epoch, b.assigned.len(), b.target.len()), (Epoch(2), 0, 2));
    assert_eq!((a.topics.clone(), a.speaks), (vec![topic("t")], GroupType::Consumer));
    assert_eq!(desk.coordinator.describe_classic(&"g".into()), Err(GroupError::GroupIdNotFound));
    desk.lives("a", -1).unwrap();
    let group = desk.coordinator.describe_consumer(&"g".into()).unwrap();
    assert_eq!((group.epoch, group.target_epoch, group.phase), (Epoch(3), Epoch(2), GroupPhase::Assigning));
    desk.lives("b", -1).unwrap();
    assert_eq!(desk.coordinator.describe_consumer(&"g".into()).unwrap().phase, GroupPhase::Empty);
}

#[test]
fn filters_are_read_in_any_case() {
    assert_eq!(GroupPhase::parse("preparingREBALANCE"), Some(GroupPhase::PreparingRebalance));
    assert_eq!(GroupPhase::parse("asleep"), None);
    assert_eq!(GroupType::parse("Consumer"), Some(GroupType::Consumer));
    assert_eq!(GroupType::parse("share"), None);
}
