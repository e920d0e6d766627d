//! Tests of fetch sessions.

use std::rc::Rc;

use proptest::prelude::*;

use super::*;

mod model;
mod walker;

const CORE: CoreId = CoreId(3);
const OTHER: CoreId = CoreId(4);
const ALL: usize = usize::MAX;

impl Asks for u64 {
    fn bytes_max(&self) -> u32 {
        1_000
    }
}

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

fn make(
    sessions: &mut FetchSessions<u64>,
    now: Instant,
    number: i32,
    partitions: Vec<(TopicRef, i32, u64)>,
    answers: impl IntoIterator<Item = PartitionAnswer>,
) -> Option<FetchSessionId> {
    let naming = if let Some((TopicRef::Id(_), ..)) = partitions.first() { Naming::Ids } else { Naming::Names };
    let mut new = sessions.begin(now, naming);
    for ((topic, index, asked), answer) in partitions.into_iter().zip(answers) {
        sessions.add(&mut new, &topic, (index, asked), answer);
    }
    sessions.create(now, id(number), new)
}

/// A session of one topic with so many partitions, none of which has a record.
fn create(sessions: &mut FetchSessions<u64>, now: Instant, number: i32, partitions: i32) -> Option<FetchSessionId> {
    let wanted = (0..partitions).map(|index| (named("t"), index, 0)).collect();
    make(sessions, now, number, wanted, std::iter::repeat(nothing(0)))
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

/// Looks at all that is restless, which is followed here.
fn look(sessions: &mut FetchSessions<u64>, fetch: SessionFetch) -> Vec<ToLook<u64>> {
    let looks = sessions.look(fetch, None, ALL).expect("it is the session's fetch");
    for look in &looks {
        sessions.follow(fetch, look.key, CORE).expect("it is the session's fetch");
    }
    looks
}

fn indexes(looks: &[ToLook<u64>]) -> Vec<i32> {
    looks.iter().map(|look| look.index).collect()
}

/// A fetch that finds this in the partitions that are named, and nothing new in the others that it looks at. Gives what it
/// has looked at, and what is told.
fn fetch_finds(
    sessions: &mut FetchSessions<u64>,
    number: i32,
    epoch: i32,
    found: &[(i32, PartitionAnswer)],
) -> (Vec<i32>, Vec<i32>) {
    let fetch = resume(sessions, at(1), number, epoch);
    let looks = look(sessions, fetch);
    let mut told = Vec::new();
    for look in &looks {
        let answer = found.iter().find(|(index, _)| *index == look.index).map_or(nothing(0), |(_, answer)| *answer);
        if sessions.tell(fetch, look.key, answer).expect("it is the session's fetch") {
            told.push(look.index);
        }
    }
    sessions.told(fetch).expect("it is the session's fetch");
    (indexes(&looks), told)
}

/// The key of a partition of a session of one topic that was just made, the first one on this core.
fn key(index: u64) -> PartitionKey {
    PartitionKey::from_number(index + 1)
}

#[test]
fn only_what_is_new_is_told_and_a_notice_is_told_until_it_is_over_and_then_once_more() {
    let mut sessions = FetchSessions::new(LIMITS);
    let session = create(&mut sessions, at(0), 5, 3).expect("there is room");
    assert_eq!(fetch_finds(&mut sessions, 5, 1, &[]), (vec![0, 1, 2], vec![]));
    sessions.stir(session, [key(0), key(2)]);
    assert_eq!(fetch_finds(&mut sessions, 5, 2, &[(0, nothing(1)), (2, notice())]), (vec![0, 2], vec![0, 2]));
    let moved = PartitionAnswer { log_start: offset(1), ..nothing(1) };
    sessions.stir(session, [key(0)]);
    assert_eq!(fetch_finds(&mut sessions, 5, 3, &[(0, moved), (2, notice())]), (vec![0, 2], vec![0, 2]));
    assert_eq!(fetch_finds(&mut sessions, 5, 4, &[]), (vec![2], vec![2]));
    assert_eq!(fetch_finds(&mut sessions, 5, 5, &[]), (vec![], vec![]));
}

#[test]
fn what_has_records_left_or_moves_while_it_is_looked_at_is_looked_at_again() {
    let mut sessions = FetchSessions::new(LIMITS);
    let session = create(&mut sessions, at(0), 5, 4).expect("there is room");
    let withheld = PartitionAnswer { content: Content::Withheld, ..nothing(7) };
    let found = [(0, records(7)), (1, withheld)];
    assert_eq!(fetch_finds(&mut sessions, 5, 1, &found), (vec![0, 1, 2, 3], vec![0, 1]));
    // Nothing has moved; one brought records that the client has not gone beyond, and one had no room for them.
    assert_eq!(fetch_finds(&mut sessions, 5, 2, &found), (vec![1, 0], vec![0]));
    let fetch = resume(&mut sessions, at(1), 5, 3);
    assert_eq!(indexes(&look(&mut sessions, fetch)), [1, 0]);
    sessions.stir(session, [key(1), key(3)]);
    assert_eq!(sessions.is_due(fetch), Ok(true));
    // What the look has found of that one may be older than its move.
    for index in [0, 1] {
        sessions.settle(fetch, [(key(index), nothing(7))]).expect("it is the session's fetch");
    }
    assert_eq!(indexes(&look(&mut sessions, fetch)), [1, 3]);
    assert_eq!(sessions.is_due(fetch), Ok(false));
    sessions.settle(fetch, [(key(1), nothing(7)), (key(3), nothing(1))]).expect("it is the session's fetch");
    assert_eq!(indexes(&look(&mut sessions, fetch)), [3], "the client has to be told of its high watermark");
    assert_eq!(sessions.tell(fetch, key(3), nothing(1)), Ok(true));
    assert!(look(&mut sessions, fetch).is_empty());
    assert_eq!(sessions.size(fetch), Ok(SessionSize { partitions: 4, restless: 0, asked_bytes: 4_000 }));
}

#[test]
fn what_nobody_follows_is_not_quiet_and_those_who_need_not_follow_are_told() {
    let mut sessions = FetchSessions::new(LIMITS);
    let session = create(&mut sessions, at(0), 5, 4).expect("there is room");
    let fetch = resume(&mut sessions, at(1), 5, 1);
    let looks = sessions.look(fetch, None, 2).expect("it is the session's fetch");
    let rest = sessions.look(fetch, Some(looks[1].place), 9).expect("it is the session's fetch");
    assert_eq!([indexes(&looks), indexes(&rest)], [[0, 1], [2, 3]]);
    for (index, core) in [(0, CORE), (1, OTHER), (2, CORE)] {
        sessions.follow(fetch, key(index), core).expect("it is the session's fetch");
    }
    sessions.settle(fetch, (0..4).map(|index| (key(index), nothing(0)))).expect("it is the session's fetch");
    assert_eq!(indexes(&look(&mut sessions, fetch)), [3]);
    sessions.settle(fetch, [(key(3), nothing(0))]).expect("it is the session's fetch");
    // A core that forgets is asked about its own partitions again; one that a partition has left, to forget it.
    sessions.stir_core(session, OTHER);
    assert_eq!(indexes(&look(&mut sessions, fetch)), [1]);
    assert_eq!(sessions.take_unfollowed(fetch), Ok(BTreeMap::new()));
    sessions.follow(fetch, key(0), OTHER).expect("it is the session's fetch");
    let forgotten = vec![(named("t"), vec![0, 2])];
    let Ok(Resumed::Fetch(fetch)) = sessions.resume(at(1), Resumption { forgotten, ..resumption(5, 2) }) else {
        panic!("two are left")
    };
    let unfollowed = BTreeMap::from([(CORE, vec![key(0), key(2)]), (OTHER, vec![key(0)])]);
    assert_eq!(sessions.take_unfollowed(fetch), Ok(unfollowed));
    sessions.stir_all(session);
    assert_eq!(indexes(&look(&mut sessions, fetch)), [1, 3]);
}

#[test]
fn a_fetch_looks_at_what_has_moved_however_large_the_session() {
    let mut sessions = FetchSessions::new(FetchSessionLimits { bytes: 1 << 30, ..LIMITS });
    let session = create(&mut sessions, at(0), 5, 5_000).expect("there is room");
    assert_eq!(fetch_finds(&mut sessions, 5, 1, &[]).0.len(), 5_000, "nobody has looked yet");
    for epoch in 2..50 {
        let moved = u64::try_from(epoch * 97).expect("positive");
        sessions.stir(session, [key(moved)]);
        let at_end = nothing(moved);
        let index = i32::try_from(moved).expect("small");
        assert_eq!(fetch_finds(&mut sessions, 5, epoch, &[(index, at_end)]), (vec![index], vec![index]));
        assert_eq!(sessions.sessions[&id(5)].restless(), 0);
    }
}

#[test]
fn partitions_that_brought_records_are_read_last_the_next_time() {
    let mut sessions = FetchSessions::new(LIMITS);
    let session = create(&mut sessions, at(0), 5, 4).expect("there is room");
    fetch_finds(&mut sessions, 5, 1, &[(1, records(1)), (3, records(1))]);
    sessions.stir_all(session);
    let (order, _) = fetch_finds(&mut sessions, 5, 2, &[(0, records(1)), (1, records(2))]);
    assert_eq!(order, [0, 2, 1, 3]);
    sessions.stir_all(session);
    assert_eq!(fetch_finds(&mut sessions, 5, 3, &[]).0, [2, 3, 0, 1]);
    // So it is after the fetch that made the session, in which a partition may stand twice.
    let wanted = [0, 1, 0, 2].map(|index| (named("t"), index, 0));
    let answers = [records(1), nothing(0), records(1), nothing(0)];
    make(&mut sessions, at(0), 6, wanted.to_vec(), answers).expect("there is room");
    assert_eq!(fetch_finds(&mut sessions, 6, 1, &[]).0, [1, 2, 0]);
}

#[test]
fn a_session_whose_answer_was_not_finished_is_not_gone_on_with() {
    let mut sessions = FetchSessions::new(LIMITS);
    create(&mut sessions, at(0), 5, 2).expect("there is room");
    let fetch = resume(&mut sessions, at(1), 5, 1);
    look(&mut sessions, fetch);
    assert_eq!(sessions.tell(fetch, key(0), nothing(1)), Ok(true));
    assert_eq!(sessions.resume(at(1), resumption(5, 2)), Err(FetchSessionError::NotFound));
    assert_eq!(sessions.tell(fetch, key(1), nothing(1)), Err(FetchSessionError::NotFound));
    assert_eq!(sessions.take_ended(), [id(5)]);
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
    assert_eq!(sessions.tell(first, key(0), nothing(0)), Err(FetchSessionError::WrongEpoch), "another was faster");
    assert_eq!(sessions.look(first, None, ALL), Err(FetchSessionError::WrongEpoch));
    assert_eq!(sessions.tell(second, key(0), nothing(0)), Ok(false));
    sessions.remove(id(5));
    assert_eq!(sessions.tell(second, key(0), nothing(0)), Err(FetchSessionError::NotFound));
    assert_eq!(sessions.bytes(), 0);
    assert_eq!((sessions.take_ended(), sessions.take_ended()), (vec![id(5)], vec![]));
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
    let looks = look(&mut sessions, fetch);
    let partitions: Vec<_> = looks
        .iter()
        .map(|look| (sessions.topic(fetch.id, look.topic).cloned().expect("it is there"), look.index, look.asked))
        .collect();
    assert_eq!(partitions, [(named("t"), 1, 7), (named("t"), 2, 0), (named("u"), 0, 8)]);
    let told: Vec<_> = looks.iter().map(|look| sessions.tell(fetch, look.key, nothing(0))).collect();
    assert_eq!(told, [Ok(false), Ok(false), Ok(true)], "one is new");
    sessions.told(fetch).expect("it is the session's fetch");
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
    assert_eq!(sessions.size(first).map(|size| size.partitions), Ok(5));
    assert_eq!(sessions.take_ended(), [id(2)]);
    // The one that was made last is not used any more.
    resume(&mut sessions, at(250), 1, 2);
    assert!(create(&mut sessions, at(252), 4, 1).is_some());
    assert!(!sessions.is_taken(id(3)) && sessions.is_taken(id(1)));
}

#[test]
fn sessions_take_no_more_memory_than_they_may_whatever_clients_add_and_forget() {
    let limits = FetchSessionLimits { sessions: 100, bytes: 45_000 };
    let mut sessions = FetchSessions::new(limits);
    assert!(sessions.may_hold(50) && !sessions.may_hold(200) && !sessions.may_hold(0));
    assert_eq!(create(&mut sessions, at(0), 1, 200), None);
    assert!(create(&mut sessions, at(0), 2, 50).is_some());
    assert_eq!(create(&mut sessions, at(1), 3, 60), None, "together they are too large");
    let long = TopicRef::Name("x".repeat(45_000).into());
    assert_eq!(make(&mut sessions, at(1), 4, vec![(long.clone(), 0, 0)], [nothing(0)]), None, "names count");
    let outgrown = Resumption { wanted: vec![(long, vec![(0, 0)])], ..resumption(2, 1) };
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
        let (kept, partitions) = (sessions.bytes(), sessions.sessions[&id(5)].len());
        assert!(partitions <= 61 && kept < 30_000, "{partitions} partitions in {kept} bytes in round {round}");
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
        let mut world = model::World::new(FetchSessionLimits { sessions, bytes: 30_000 });
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
            for look in look(&mut sessions, fetch) {
                let answer = if has(look.index) && std::mem::take(&mut room) {
                    served[usize::try_from(look.index).unwrap()] += 1;
                    records(9)
                } else if has(look.index) {
                    PartitionAnswer { content: Content::Withheld, ..nothing(9) }
                } else {
                    nothing(9)
                };
                sessions.tell(fetch, look.key, answer).expect("it is the session's fetch");
            }
            sessions.told(fetch).expect("it is the session's fetch");
        }
        let counts: Vec<usize> = (0..partitions).filter(|index| busy[usize::try_from(*index).unwrap()])
            .map(|index| served[usize::try_from(index).unwrap()]).collect();
        if let (Some(most), Some(least)) = (counts.iter().max(), counts.iter().min()) {
            prop_assert!(most - least <= 1, "{counts:?}");
        }
    }
}
