//! What groups take of memory, and what is refused when there is no more.

use base::{Offset, PartitionIndex};

use super::desk::*;
use crate::groups::*;

/// A desk at which groups may take so many bytes.
fn small(memory_bytes_max: usize) -> Desk {
    let mut desk = Desk::with(GroupSettings { memory_bytes_max, ..settings() });
    desk.topics(&[("t", 4)]);
    desk
}

fn full(error: &GroupError) -> bool {
    matches!(error, GroupError::CoordinatorFull { what: "bytes of memory.groups", .. })
}

fn offsets(group: &str, metadata: usize, partitions: std::ops::Range<u32>) -> OffsetCommitRequest {
    let offset = |index| OffsetToCommit {
        topic: topic("t"),
        partition: PartitionIndex(index),
        offset: Offset::new(1),
        leader_epoch: None,
        metadata: "m".repeat(metadata).into(),
    };
    OffsetCommitRequest {
        group: group.into(),
        member: MemberId::new(""),
        instance: None,
        generation: Epoch::NONE,
        knows_member_epoch: true,
        expires_at: None,
        offsets: partitions.map(offset).collect(),
    }
}

#[test]
fn what_is_gone_takes_nothing() {
    let mut desk = small(1 << 20);
    desk.stable(&["a", "b"]);
    desk.commit(offsets("h", 100, 0..4)).unwrap();
    let with_all = desk.coordinator.memory();
    assert!(with_all > 4 * 1_024, "{with_all}");
    desk.leave(&[("a", None), ("b", None)]).unwrap();
    desk.delete_group().unwrap();
    assert!(matches!(desk.answer(Request::DeleteGroup("h".into())), Reply::DeleteGroup(Ok(()))));
    assert_eq!(desk.coordinator.memory(), 0);
}

#[test]
fn clients_that_never_come_back_with_their_ids_are_counted_until_their_sessions_end() {
    let mut desk = small(64 << 10);
    let ask = |desk: &mut Desk, number: u32| {
        let join = JoinRequest { knows_member_id_required: true, ..join(&format!("{number}-{}", "x".repeat(900))) };
        desk.join(join).unwrap_err().error
    };
    let count = (0..1_000).take_while(|number| ask(&mut desk, *number) == GroupError::MemberIdRequired).count();
    assert!((20..70).contains(&count), "{count}");
    assert!(full(&ask(&mut desk, 1_000)));
    desk.pass(10_000);
    assert_eq!(ask(&mut desk, 1_001), GroupError::MemberIdRequired);
}

#[test]
fn at_the_limit_no_offset_is_taken_that_is_new_or_longer() {
    let mut desk = small(64 << 10);
    let results = desk.commit(offsets("g", 1_000, 0..100)).unwrap();
    let taken = results.iter().take_while(|result| result.is_ok()).count();
    assert!((40..64).contains(&taken), "{taken}");
    assert!(results[taken..].iter().all(|result| result.as_ref().is_err_and(full)));
    assert!(desk.coordinator.memory() <= 64 << 10);
    let one = |desk: &mut Desk, group: &str, metadata, index| {
        desk.commit(offsets(group, metadata, index..index + 1)).unwrap().remove(0)
    };
    assert!(full(&one(&mut desk, "h", 1_000, 0).unwrap_err()), "a new group");
    assert!(full(&one(&mut desk, "g", 4_000, 0).unwrap_err()), "longer metadata");
    assert_eq!(one(&mut desk, "g", 1_000, 0), Ok(()), "as long as before");
    assert_eq!(one(&mut desk, "g", 10, 0), Ok(()), "shorter");
    assert_eq!(one(&mut desk, "g", 500, 0), Ok(()), "there is room again");
}

#[test]
fn at_the_limit_groups_go_on_and_take_no_more_members() {
    let mut desk = small(1 << 20);
    desk.stable(&["a", "b"]);
    desk.coordinator.share_memory((1 << 20) - desk.coordinator.memory());
    let refused = |desk: &mut Desk, request: JoinRequest| full(&desk.join(request).unwrap_err().error);
    assert!(refused(&mut desk, join("c")));
    assert!(refused(&mut desk, JoinRequest { group: "other".into(), ..join("d") }));
    assert_eq!(desk.heartbeat("a", 1), Ok(()));
    // The group begins anew, and comes to rest.
    let a = desk.ask(Request::Join(rejoin("a")));
    let b = desk.ask(Request::Join(rejoin("b")));
    assert_eq!(desk.joined(a).unwrap().generation, Epoch(2));
    desk.joined(b).unwrap();
    desk.sync_all(2, &["a", "b"]);
    // With very much more to say it does not.
    let protocols = vec![Protocol { name: "range".into(), metadata: vec![0; 200_000].into() }];
    assert!(refused(&mut desk, JoinRequest { protocols, ..rejoin("a") }));
    desk.leave(&[("b", None)]).unwrap();
    desk.coordinator.share_memory(0);
    let c = desk.ask(Request::Join(join("c")));
    desk.ask(Request::Join(rejoin("a")));
    desk.pass(0);
    desk.joined(c).unwrap();
}

#[test]
fn at_the_limit_consumer_groups_go_on_and_take_no_more_members() {
    let mut desk = small(1 << 20);
    desk.consume("a", &["t"]);
    desk.coordinator.share_memory((1 << 20) - desk.coordinator.memory());
    assert!(full(&desk.beat(joins("b", &["t"])).unwrap_err()));
    let elsewhere = ConsumerHeartbeatRequest { group: "other".into(), ..joins("b", &["t"]) };
    assert!(full(&desk.beat(elsewhere).unwrap_err()));
    assert_eq!(desk.lives("a", 1).unwrap().epoch, Epoch(1));
    desk.topics(&[("t", 8)]);
    assert_eq!(desk.has("a", 1, &[0, 1, 2, 3]), (2, Some((0..8).collect())), "it is given what there is");
    let topics = (0..5_000).map(|number| topic(&format!("topic-{number}"))).collect();
    let longer = ConsumerHeartbeatRequest { topics: Some(topics), ..stays("a", 2, None) };
    assert!(full(&desk.beat(longer).unwrap_err()));
    let left = ConsumerHeartbeatRequest { epoch: Epoch::NONE, ..stays("a", 2, None) };
    desk.beat(left).unwrap();
    desk.coordinator.share_memory(0);
    desk.consume("b", &["t"]);
}

#[test]
fn at_the_limit_who_is_not_known_is_told_so() {
    let mut desk = small(1 << 20);
    desk.stable(&["a", "b"]);
    desk.pass(20_000);
    desk.beat(ConsumerHeartbeatRequest { group: "c".into(), ..joins("m", &["t"]) }).unwrap();
    desk.coordinator.share_memory((1 << 20) - desk.coordinator.memory());
    // Their sessions have lapsed meanwhile.
    assert_eq!(desk.join(rejoin("a")).unwrap_err().error, GroupError::UnknownMemberId);
    let elsewhere = JoinRequest { group: "other".into(), ..rejoin("a") };
    assert_eq!(desk.join(elsewhere).unwrap_err().error, GroupError::UnknownMemberId);
    let sync = desk.ask(Request::Sync(sync("a", 1, &[("a", &"x".repeat(200_000))])));
    assert_eq!(desk.synced(sync), Err(GroupError::UnknownMemberId));
    let stranger = ConsumerHeartbeatRequest { group: "c".into(), ..stays("stranger", 1, None) };
    assert_eq!(desk.beat(stranger).unwrap_err(), GroupError::UnknownMemberId);
}

#[test]
fn at_the_limit_who_was_told_to_come_with_an_id_is_not_a_stranger() {
    let mut desk = small(1 << 20);
    let join = JoinRequest { knows_member_id_required: true, ..join("a") };
    let refused = desk.join(join.clone()).unwrap_err();
    assert_eq!(refused.error, GroupError::MemberIdRequired);
    desk.coordinator.share_memory((1 << 20) - desk.coordinator.memory());
    assert!(full(&desk.join(JoinRequest { member: refused.member, ..join }).unwrap_err().error));
}

#[test]
fn at_the_limit_a_static_member_of_a_consumer_group_comes_again() {
    let mut desk = small(1 << 20);
    let fixed = |member: &str| ConsumerHeartbeatRequest { instance: Some("i".into()), ..joins(member, &["t"]) };
    desk.beat(fixed("a")).unwrap();
    let rests = ConsumerHeartbeatRequest { instance: Some("i".into()), epoch: Epoch(-2), ..stays("a", 1, None) };
    desk.beat(rests).unwrap();
    desk.coordinator.share_memory((1 << 20) - desk.coordinator.memory());
    assert_eq!(desk.beat(fixed("b")).unwrap().member, MemberId::new("b"));
}

#[test]
fn commits_that_wait_for_their_flush_are_counted() {
    let mut desk = small(64 << 10);
    desk.holds = true;
    let results: Vec<_> =
        (0..100).map(|number| desk.ask(Request::OffsetCommit(offsets(&format!("g{number}"), 1_000, 0..1)))).collect();
    desk.flush();
    desk.holds = false;
    let taken = results
        .into_iter()
        .filter(|token| match desk.reply(*token) {
            Some(Reply::OffsetCommit(Ok(results))) => results[0].is_ok(),
            other => panic!("{other:?}"),
        })
        .count();
    assert!((20..64).contains(&taken), "{taken}");
    assert!(desk.coordinator.memory() <= 64 << 10);
    assert_eq!(desk.commit(offsets("g0", 1_000, 0..1)).unwrap(), [Ok(())], "nothing is under way any more");
}

/// Whatever is done, what is counted follows from the log alone.
#[test]
fn the_sum_after_any_history_is_that_of_its_log() {
    let mut state = 5_u64;
    let mut below = |end: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % end
    };
    let mut desk = small(1 << 20);
    for round in 0..600_u32 {
        let index = round % 4;
        match below(6) {
            0 => drop(desk.commit(offsets("h", usize::try_from(below(300)).unwrap(), index..4))),
            1 => drop(desk.answer(Request::DeleteGroup("h".into()))),
            2 => drop(desk.beat(ConsumerHeartbeatRequest { group: "c".into(), ..joins(&format!("m{index}"), &["t"]) })),
            3 => {
                let leaves = ConsumerHeartbeatRequest {
                    group: "c".into(),
                    epoch: Epoch::NONE,
                    ..stays(&format!("m{index}"), 1, None)
                };
                drop(desk.beat(leaves));
            }
            4 => {
                desk.ask(Request::Join(JoinRequest { group: "k".into(), ..join(&format!("k{round}")) }));
            }
            _ => desk.pass(below(20_000)),
        }
        let state = desk.coordinator.state();
        assert_eq!(state.memory(), GroupState::from_records(&desk.log).memory());
        let parts: usize = GroupState::from_records(&state.snapshot()).memory();
        assert_eq!(state.memory(), parts, "the sum of what there is");
    }
    let before = desk.coordinator.state().memory();
    desk.restart();
    assert_eq!(desk.coordinator.state().memory(), before);
}
