//! Tests of fetch sessions.

use std::rc::Rc;

use proptest::prelude::*;

use super::*;

mod model;

const LIMITS: FetchSessionLimits = FetchSessionLimits { sessions: 2, bytes: 1 << 20 };

fn id(number: i32) -> FetchSessionId {
    FetchSessionId::from_wire(number).expect("above zero")
}

fn at(seconds: u64) -> Instant {
    Instant(seconds * 1_000_000_000)
}

fn named(name: &str) -> TopicRef {
    TopicRef::Name(Rc::from(name))
}

fn offset(number: u64) -> Option<Offset> {
    Offset::new(number)
}

fn nothing(high_watermark: u64) -> PartitionAnswer {
    PartitionAnswer { log_start: offset(0), high_watermark: offset(high_watermark), content: Content::Nothing }
}

fn records(high_watermark: u64) -> PartitionAnswer {
    PartitionAnswer { content: Content::Records, ..nothing(high_watermark) }
}

/// Bounds do not make a notice less of one.
fn notice() -> PartitionAnswer {
    PartitionAnswer { content: Content::Notice, ..nothing(0) }
}

/// A session of one topic with so many partitions, none of which has a record.
fn create(sessions: &mut FetchSessions<u64>, now: Instant, number: i32, partitions: i32) -> Option<FetchSessionId> {
    let wanted = vec![(named("t"), (0..partitions).map(|index| (index, 0)).collect())];
    let answers = vec![nothing(0); usize::try_from(partitions).expect("some")];
    sessions.create(now, id(number), Naming::Names, wanted, answers)
}

fn resumption(number: i32, epoch: i32) -> Resumption<u64> {
    Resumption { id: id(number), epoch, naming: Naming::Names, wanted: Vec::new(), forgotten: Vec::new() }
}

fn resume(sessions: &mut FetchSessions<u64>, now: Instant, number: i32, epoch: i32) -> SessionFetch {
    match sessions.resume(now, resumption(number, epoch)) {
        Ok(Resumed::Fetch(fetch)) => fetch,
        other => panic!("{other:?}"),
    }
}

fn order(sessions: &FetchSessions<u64>, number: i32) -> Vec<i32> {
    sessions.partitions(id(number)).map(|(_, index, _)| index).collect()
}

#[test]
fn only_what_is_new_is_told_and_a_notice_is_told_until_it_is_over_and_then_once_more() {
    let mut sessions = FetchSessions::new(LIMITS);
    create(&mut sessions, at(0), 5, 3).expect("there is room");
    let mut told = |epoch, answers: [PartitionAnswer; 3]| {
        let fetch = resume(&mut sessions, at(1), 5, epoch);
        sessions.news(fetch, answers).expect("it is the session's fetch")
    };
    assert_eq!(told(1, [nothing(0), nothing(0), nothing(0)]), [false, false, false]);
    assert_eq!(told(2, [nothing(1), nothing(0), notice()]), [true, false, true]);
    let moved = PartitionAnswer { log_start: offset(1), ..nothing(1) };
    assert_eq!(told(3, [moved, nothing(0), notice()]), [true, false, true]);
    assert_eq!(told(4, [moved, nothing(0), nothing(0)]), [false, false, true]);
    assert_eq!(told(5, [moved, nothing(0), nothing(0)]), [false, false, false]);
}

#[test]
fn partitions_that_brought_records_are_read_last_the_next_time() {
    let mut sessions = FetchSessions::new(LIMITS);
    create(&mut sessions, at(0), 5, 4).expect("there is room");
    let fetch = resume(&mut sessions, at(0), 5, 1);
    assert_eq!(sessions.news(fetch, [nothing(0), records(1), nothing(0), records(1)]).unwrap().len(), 4);
    assert_eq!(order(&sessions, 5), [0, 2, 1, 3]);
    let fetch = resume(&mut sessions, at(0), 5, 2);
    sessions.news(fetch, [records(1), nothing(0), records(2), nothing(1)]).expect("it is the session's fetch");
    assert_eq!(order(&sessions, 5), [2, 3, 0, 1]);
    // So it is after the fetch that made the session, in which a partition may stand twice.
    let wanted = vec![(named("t"), vec![(0, 0), (1, 0), (0, 0), (2, 0)])];
    let answers = [records(1), nothing(0), records(1), nothing(0)];
    sessions.create(at(0), id(6), Naming::Names, wanted, answers).expect("there is room");
    assert_eq!(order(&sessions, 6), [1, 2, 0]);
}

#[test]
fn a_fetch_that_is_not_the_next_one_of_its_session_is_refused_by_name() {
    let mut sessions = FetchSessions::new(LIMITS);
    create(&mut sessions, at(0), 5, 1).expect("there is room");
    assert_eq!(sessions.resume(at(0), resumption(6, 1)), Err(FetchSessionError::NotFound));
    for epoch in [2, 0, -2, i32::MAX] {
        assert_eq!(sessions.resume(at(0), resumption(5, epoch)), Err(FetchSessionError::WrongEpoch), "{epoch}");
    }
    let other_way = Resumption { naming: Naming::Ids, ..resumption(5, 1) };
    assert_eq!(sessions.resume(at(0), other_way), Err(FetchSessionError::WrongNaming));
    let first = resume(&mut sessions, at(0), 5, 1);
    let second = resume(&mut sessions, at(0), 5, 2);
    assert_eq!(sessions.news(first, [nothing(0)]), Err(FetchSessionError::WrongEpoch), "another was faster");
    assert_eq!(sessions.news(second, [nothing(0)]), Ok(vec![false]));
    sessions.remove(id(5));
    assert_eq!(sessions.news(second, [nothing(0)]), Err(FetchSessionError::NotFound));
    assert_eq!(sessions.bytes(), 0);
}

#[test]
fn epochs_go_round_from_the_largest_to_one() {
    assert_eq!([0, 1, i32::MAX - 1, i32::MAX].map(next_epoch), [1, 2, i32::MAX, 1]);
}

#[test]
fn partitions_come_and_go_and_a_session_without_any_ends() {
    let mut sessions = FetchSessions::new(LIMITS);
    create(&mut sessions, at(0), 5, 3).expect("there is room");
    let change = Resumption {
        wanted: vec![(named("t"), vec![(1, 7)]), (named("u"), vec![(0, 8)]), (named("v"), Vec::new())],
        forgotten: vec![(named("t"), vec![0, 9]), (named("unknown"), vec![0])],
        ..resumption(5, 1)
    };
    let Ok(Resumed::Fetch(fetch)) = sessions.resume(at(0), change) else { panic!("it goes on") };
    let topics: Vec<_> = sessions.topics(fetch.id).map(|topic| topic.cloned()).collect();
    assert_eq!(topics, [Some(named("t")), Some(named("u"))]);
    let partitions: Vec<_> =
        sessions.partitions(fetch.id).map(|(topic, index, asked)| (topic, index, *asked)).collect();
    assert_eq!(partitions, [(0, 1, 7), (0, 2, 0), (1, 0, 8)]);
    assert_eq!(sessions.news(fetch, [nothing(0), nothing(0), nothing(0)]), Ok(vec![false, false, true]), "one is new");
    let forgotten = vec![(named("t"), vec![1, 2]), (named("u"), vec![0])];
    assert_eq!(sessions.resume(at(0), Resumption { forgotten, ..resumption(5, 2) }), Ok(Resumed::Emptied));
    assert!(sessions.is_empty() && sessions.bytes() == 0 && !sessions.is_taken(id(5)));
}

#[test]
fn a_session_that_is_not_used_makes_way_and_an_old_one_does_for_a_larger_one_only() {
    let mut sessions = FetchSessions::new(LIMITS);
    assert!(create(&mut sessions, at(0), 1, 5).is_some() && create(&mut sessions, at(0), 2, 3).is_some());
    assert_eq!(create(&mut sessions, at(100), 3, 9), None, "both are young");
    // Both have been there for long, and are used.
    let first = resume(&mut sessions, at(130), 1, 1);
    resume(&mut sessions, at(130), 2, 1);
    assert_eq!(create(&mut sessions, at(131), 3, 3), None, "none is smaller");
    assert!(create(&mut sessions, at(131), 3, 4).is_some());
    assert!(!sessions.is_taken(id(2)) && sessions.is_taken(id(1)), "the smallest has made way");
    assert_eq!(sessions.news(first, vec![nothing(0); 5]).map(|told| told.len()), Ok(5));
    // The one that was made last is not used any more.
    resume(&mut sessions, at(250), 1, 2);
    assert!(create(&mut sessions, at(252), 4, 1).is_some());
    assert!(!sessions.is_taken(id(3)) && sessions.is_taken(id(1)));
}

#[test]
fn sessions_take_no_more_memory_than_they_may_whatever_clients_add_and_forget() {
    let limits = FetchSessionLimits { sessions: 100, bytes: 20_000 };
    let mut sessions = FetchSessions::new(limits);
    assert!(sessions.may_hold(50) && !sessions.may_hold(200) && !sessions.may_hold(0));
    assert_eq!(create(&mut sessions, at(0), 1, 200), None);
    assert!(create(&mut sessions, at(0), 2, 50).is_some());
    assert_eq!(create(&mut sessions, at(1), 3, 60), None, "together they are too large");
    let long = TopicRef::Name("x".repeat(20_000).into());
    let wanted = vec![(long, vec![(0, 0)])];
    assert_eq!(sessions.create(at(1), id(4), Naming::Names, wanted.clone(), [nothing(0)]), None, "names count");
    let outgrown = Resumption { wanted, ..resumption(2, 1) };
    assert_eq!(sessions.resume(at(1), outgrown), Err(FetchSessionError::NotFound));
    assert_eq!(sessions.bytes(), 0, "what has outgrown the limit has ended");
    // What has left takes no room: slots are used again or given back.
    assert!(create(&mut sessions, at(2), 5, 1).is_some());
    for round in 1..200 {
        let wanted = (0..60).map(|index| (index + round * 7, 1)).collect();
        let forgotten = (0..70).map(|index| index + (round - 1) * 7).collect();
        let change = Resumption {
            wanted: vec![(named("other"), wanted), (named("t"), vec![(0, 0)])],
            forgotten: vec![(named("other"), forgotten)],
            ..resumption(5, round)
        };
        assert!(matches!(sessions.resume(at(2), change), Ok(Resumed::Fetch(_))), "{round}");
        let (partitions, topics) = sessions.sessions[&id(5)].slots();
        assert!(partitions <= 160 && topics <= 20, "{partitions} and {topics} slots in round {round}");
    }
}

#[test]
fn without_room_for_sessions_there_are_none() {
    let mut sessions = FetchSessions::new(FetchSessionLimits { sessions: 0, bytes: 1 << 20 });
    assert!(!sessions.may_hold(1));
    assert_eq!(create(&mut sessions, at(0), 1, 1), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whoever merges the answers knows what full fetches would have told, whatever happens in between.
    #[test]
    fn merged_answers_are_what_a_full_fetch_would_have_told(steps in model::steps(120), sessions in 0_usize..4) {
        let mut world = model::World::new(FetchSessionLimits { sessions, bytes: 16_000 });
        for step in steps {
            world.take(step);
        }
    }

    /// With room for one batch in an answer, none of the partitions that have records waits longer than all others.
    #[test]
    fn every_partition_has_its_turn(partitions in 1_i32..20, busy in prop::collection::vec(any::<bool>(), 20), fetches in 1_usize..80) {
        let mut sessions = FetchSessions::new(LIMITS);
        create(&mut sessions, at(0), 1, partitions).expect("there is room");
        let mut served = [0_usize; 20];
        for epoch in 1..=i32::try_from(fetches).unwrap() {
            let fetch = resume(&mut sessions, at(0), 1, epoch);
            let mut room = true;
            let has = |index: i32| busy[usize::try_from(index).unwrap()];
            let answers: Vec<PartitionAnswer> = order(&sessions, 1)
                .into_iter()
                .map(|index| {
                    if has(index) && std::mem::take(&mut room) {
                        served[usize::try_from(index).unwrap()] += 1;
                        records(9)
                    } else {
                        nothing(9)
                    }
                })
                .collect();
            sessions.news(fetch, answers).expect("it is the session's fetch");
        }
        let counts: Vec<usize> = (0..partitions).filter(|index| busy[usize::try_from(*index).unwrap()])
            .map(|index| served[usize::try_from(index).unwrap()]).collect();
        if let (Some(most), Some(least)) = (counts.iter().max(), counts.iter().min()) {
            prop_assert!(most - least <= 1, "{counts:?}");
        }
    }
}
