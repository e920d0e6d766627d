//! Groups whose members commit while the broker is killed: they resume where their commits were acknowledged.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use base::SeededRandom;
use tests::broker::{Broker, folder};
use tests::kafka::{Client, code};
use wire::ErrorCode;
use wire::kafka::find_coordinator::FindCoordinatorRequest;
use wire::kafka::offset_commit::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use wire::kafka::offset_fetch::{OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics};

const TOPIC: &str = "flights";
const GROUPS: usize = 12;
const ROUNDS: usize = 12;
const SEED: u64 = 0xc0_ffee;
const COMMIT: i16 = 9;
const FETCH: i16 = 9;
/// Commits that one connection has sent and not heard of.
const AHEAD: i64 = 50;
const PATIENCE: Duration = Duration::from_secs(30);

/// What one group has been told, over all rounds.
#[derive(Default)]
struct Group {
    sent: AtomicI64,
    acknowledged: AtomicI64,
}

fn name_of(group: usize) -> String {
    format!("readers {group}")
}

#[test]
fn groups_resume_where_their_commits_were_acknowledged_when_the_broker_is_killed_under_load() {
    let data = folder();
    let groups: Vec<Group> = (0..GROUPS).map(|_| Group::default()).collect();
    let mut random = SeededRandom::new(SEED);
    for round in 0..=ROUNDS {
        let cores = if random.one_in(3) { "1" } else { "all" };
        let broker = Broker::start(data.path(), &["--cores", cores]);
        let mut client = Client::connect(broker.kafka).expect("the broker serves");
        if round == 0 {
            assert_eq!(client.create_topic(TOPIC, 1, &[]).expect("it answers"), ErrorCode::None);
        }
        for (number, group) in groups.iter().enumerate() {
            let found = resumes_at(&mut client, &name_of(number));
            let (acknowledged, sent) = (group.acknowledged.load(Ordering::Relaxed), group.sent.load(Ordering::Relaxed));
            let expected = acknowledged..=sent;
            assert!(expected.contains(&found), "round {round}, group {number}: {found} is not in {expected:?}");
        }
        std::thread::scope(|scope| {
            for (number, group) in groups.iter().enumerate() {
                scope.spawn(move || drop(commit_until_it_is_gone(broker.kafka, &name_of(number), group)));
            }
            sleep(Duration::from_millis(random.between(20, 400)));
            broker.kill();
        });
    }
    let all: i64 = groups.iter().map(|group| group.acknowledged.load(Ordering::Relaxed)).sum();
    println!("{ROUNDS} kills under {GROUPS} groups that commit: {all} acknowledged commits");
    assert!(all > 1_000, "only {all} commits were acknowledged");
}

/// Commits one offset after the other, many at a time. Offset 0 stands for none.
fn commit_until_it_is_gone(address: SocketAddr, name: &str, group: &Group) -> std::io::Result<()> {
    let mut client = Client::connect(address)?;
    let mut next = group.sent.load(Ordering::Relaxed) + 1;
    let mut oldest = next;
    loop {
        while next < oldest + AHEAD {
            group.sent.store(next, Ordering::Relaxed);
            client.send(COMMIT, &commit_of(name, next))?;
            next += 1;
        }
        let response = client.receive::<OffsetCommitRequest>(COMMIT)?;
        match code(response.topics[0].partitions[0].error_code) {
            ErrorCode::None => {
                group.acknowledged.store(oldest, Ordering::Relaxed);
            }
            ErrorCode::CoordinatorLoadInProgress | ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable => {}
            other => panic!("{other:?}"),
        }
        oldest += 1;
    }
}

fn commit_of(group: &str, offset: i64) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition { committed_offset: offset, ..Default::default() };
    let topic = OffsetCommitRequestTopic { name: TOPIC.to_owned(), partitions: vec![partition], ..Default::default() };
    OffsetCommitRequest {
        group_id: group.to_owned(),
        generation_id_or_member_epoch: -1,
        topics: vec![topic],
        ..OffsetCommitRequest::default()
    }
}

fn resumes_at(client: &mut Client, group: &str) -> i64 {
    let find = FindCoordinatorRequest { coordinator_keys: vec![group.to_owned()], ..Default::default() };
    assert_eq!(code(client.ask(4, &find).expect("it answers").coordinators[0].error_code), ErrorCode::None);
    let topic = OffsetFetchRequestTopics { name: TOPIC.to_owned(), partition_indexes: vec![0], ..Default::default() };
    let wanted =
        OffsetFetchRequestGroup { group_id: group.to_owned(), topics: Some(vec![topic]), ..Default::default() };
    let request = OffsetFetchRequest { groups: vec![wanted], ..OffsetFetchRequest::default() };
    let begun = Instant::now();
    loop {
        let found = client.ask(FETCH, &request).expect("it answers").groups.remove(0);
        if code(found.error_code) == ErrorCode::None {
            return found.topics[0].partitions[0].committed_offset.max(0);
        }
        assert!(begun.elapsed() < PATIENCE, "{:?}", code(found.error_code));
        sleep(Duration::from_millis(5));
    }
}
