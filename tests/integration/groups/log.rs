//! What groups leave in their log: compacted, damaged, expired, and acknowledged in its order.

use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tests::broker::folder;
use tests::kafka::{Client, code, fetch_request};
use wire::ErrorCode;
use wire::kafka::fetch::FetchRequest;
use wire::kafka::group_records::partition_of_group;
use wire::kafka::leave_group::{LeaveGroupRequest, MemberIdentity};
use wire::kafka::offset_commit::OffsetCommitRequest;

use super::{COMMIT, Member, PATIENCE, commit_request, committed, find_coordinator, start};

const NO_MEMBER: (&str, i32) = ("", -1);
const OFFSETS: &str = "__consumer_offsets";

fn commit(client: &mut Client, group: &str, offset: i64) -> ErrorCode {
    let request = commit_request(group, NO_MEMBER, "flights", &[(0, offset)]);
    code(client.ask(COMMIT, &request).expect("it answers").topics[0].partitions[0].error_code)
}

fn records_in(client: &mut Client, partition: i32) -> usize {
    let log = client.fetch_all(OFFSETS, partition).expect("it can be read");
    let count = |batch: wire::batch::Batch<'_>| batch.header().record_count() as usize;
    wire::batch::batches(&log).map(|batch| count(batch.expect("whole"))).sum()
}

#[test]
fn the_log_of_the_groups_is_compacted_and_read_back() {
    let data = folder();
    let settings = [
        "groups.offsets_partitions=1",
        "compaction.check_interval=100 ms",
        "journal.checkpoint_interval=300 ms",
        "topics.defaults.max.compaction.lag.ms=500",
    ];
    let broker = start(data.path(), &settings);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    assert_eq!(client.create_topic("flights", 1, &[]).expect("it answers"), ErrorCode::None);
    for group in ["a", "b"] {
        find_coordinator(&mut client, group);
        for offset in 0..100 {
            assert_eq!(commit(&mut client, group, offset), ErrorCode::None);
        }
    }
    let mut member = Member::new(&broker, "a", Duration::from_mins(1));
    member.join_alone();
    assert_eq!(member.commit("flights", 100), ErrorCode::None);
    let begun = Instant::now();
    // Two offsets, one group, and what is in a segment that has not ended.
    while records_in(&mut client, 0) > 20 {
        assert!(begun.elapsed() < PATIENCE, "{} records are left", records_in(&mut client, 0));
        sleep(Duration::from_millis(100));
        // A segment ends when its first record is old, whatever comes later.
        assert_eq!(member.heartbeat(), ErrorCode::None);
    }
    broker.kill();
    let broker = start(data.path(), &settings);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    assert_eq!(committed(&mut client, "a", "flights", 0), 100);
    assert_eq!(committed(&mut client, "b", "flights", 0), 99);
    member.client = client;
    assert_eq!(member.commit("flights", 101), ErrorCode::None, "the member is still in its generation");
}

/// The first segment of a partition of the groups' topic, which alone has so many.
fn segment_of(data: &Path, partition: u32, partitions: u32) -> PathBuf {
    let topics = fs::read_dir(data.join("topics")).expect("there are topics");
    let mut folders = topics.map(|entry| entry.expect("it can be listed").path());
    let last = (partitions - 1).to_string();
    let topic = folders.find(|folder| folder.join(&last).exists()).expect("the groups' topic is there");
    topic.join(partition.to_string()).join("00000000000000000000.log")
}

#[test]
fn groups_whose_log_is_damaged_are_refused_and_others_live() {
    const PARTITIONS: u32 = 8;
    let data = folder();
    let settings = ["groups.offsets_partitions=8"];
    let broker = start(data.path(), &settings);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    assert_eq!(client.create_topic("flights", 1, &[]).expect("it answers"), ErrorCode::None);
    let place = |group: &str| partition_of_group(group, NonZeroU32::new(PARTITIONS).expect("some"));
    let hurt = "readers";
    let elsewhere = |name: &String| place(name.as_str()) != place(hurt);
    let well = (0..).map(|number| format!("readers {number}")).find(elsewhere).expect("there are other partitions");
    let well = well.as_str();
    for group in [hurt, well] {
        find_coordinator(&mut client, group);
        for offset in 0..40 {
            assert_eq!(commit(&mut client, group, offset), ErrorCode::None);
        }
    }
    assert!(broker.stop().1);
    let segment = segment_of(data.path(), place(hurt), PARTITIONS);
    let mut bytes = fs::read(&segment).expect("the segment is there");
    bytes[200] ^= 1;
    fs::write(&segment, &bytes).expect("it can be written");

    let broker = start(data.path(), &settings);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    assert_eq!(committed(&mut client, well, "flights", 0), 39);
    let begun = Instant::now();
    loop {
        match commit(&mut client, hurt, 50) {
            ErrorCode::CoordinatorNotAvailable => break,
            ErrorCode::CoordinatorLoadInProgress => {}
            other => panic!("{other:?}"),
        }
        assert!(begun.elapsed() < PATIENCE, "nobody says that the log cannot be read");
        sleep(Duration::from_millis(20));
    }
    assert_eq!(commit(&mut client, well, 41), ErrorCode::None);
    let log = broker.log();
    assert!(log.contains("groups cannot be coordinated: their log cannot be read"), "{log}");
    assert!(broker.stop().1, "it stops as it should");
}

#[test]
fn offsets_that_nobody_needs_expire() {
    let data = folder();
    let broker = start(data.path(), &["groups.offsets_retention=1 s", "groups.offsets_check_interval=200 ms"]);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    assert_eq!(client.create_topic("flights", 1, &[]).expect("it answers"), ErrorCode::None);
    let mut member = Member::new(&broker, "about", Duration::from_mins(1));
    member.join_alone();
    assert_eq!(member.commit("flights", 7), ErrorCode::None);
    find_coordinator(&mut client, "gone");
    let begun = Instant::now();
    assert_eq!(commit(&mut client, "gone", 5), ErrorCode::None);
    assert_eq!(committed(&mut client, "gone", "flights", 0), 5);
    while committed(&mut client, "gone", "flights", 0) != -1 {
        assert!(begun.elapsed() < PATIENCE, "it stays for ever");
        sleep(Duration::from_millis(50));
    }
    assert!(begun.elapsed() >= Duration::from_secs(1), "it went after {:?}", begun.elapsed());
    // Subscriptions of this member cannot be read, so it may need anything.
    assert_eq!(committed(&mut client, "about", "flights", 0), 7);
}

fn send(client: &mut Client, request: &OffsetCommitRequest) {
    client.send(COMMIT, request).expect("it can be sent");
}

fn answer(client: &mut Client) -> ErrorCode {
    let response = client.receive::<OffsetCommitRequest>(COMMIT).expect("it answers");
    code(response.topics[0].partitions[0].error_code)
}

#[test]
fn commits_on_one_connection_take_effect_in_their_order_however_many_are_sent_at_once() {
    let data = folder();
    let broker = start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    assert_eq!(client.create_topic("flights", 1, &[]).expect("it answers"), ErrorCode::None);
    let mut member = Member::new(&broker, "readers", Duration::from_mins(1));
    member.join_alone();
    let request = |member: &Member, offset| {
        commit_request("readers", (&member.member, member.generation), "flights", &[(0, offset)])
    };
    for offset in 0..500 {
        let request = request(&member, offset);
        send(&mut member.client, &request);
    }
    for _ in 0..500 {
        assert_eq!(answer(&mut member.client), ErrorCode::None);
    }
    assert_eq!(committed(&mut client, "readers", "flights", 0), 499);
    // What a request before them does to the group comes first.
    let leaver = MemberIdentity { member_id: member.member.clone(), ..MemberIdentity::default() };
    let leave = LeaveGroupRequest { group_id: "readers".to_owned(), members: vec![leaver], ..Default::default() };
    let late = request(&member, 1_000);
    let last = request(&member, 500);
    send(&mut member.client, &last);
    member.client.send(5, &leave).expect("it can be sent");
    send(&mut member.client, &late);
    assert_eq!(answer(&mut member.client), ErrorCode::None);
    let left = member.client.receive::<LeaveGroupRequest>(5).expect("it answers");
    assert_eq!(code(left.members[0].error_code), ErrorCode::None);
    assert_eq!(answer(&mut member.client), ErrorCode::UnknownMemberId);
    assert_eq!(committed(&mut client, "readers", "flights", 0), 500);
}

/// Commits that had to wait for another request were overtaken by those that were read when it had been answered.
#[test]
fn commits_that_waited_for_another_request_are_not_overtaken() {
    let data = folder();
    let broker = start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    assert_eq!(client.create_topic("flights", 1, &[]).expect("it answers"), ErrorCode::None);
    find_coordinator(&mut client, "readers");
    let request = |offset| commit_request("readers", NO_MEMBER, "flights", &[(0, offset)]);
    for round in 0..20 {
        let offset = |number: i64| round * 100 + number;
        client.send(12, &fetch_request("flights", 0, 0, 50)).expect("it can be sent");
        for number in 0..30 {
            send(&mut client, &request(offset(number)));
        }
        client.receive::<FetchRequest>(12).expect("it answers");
        for number in 30..60 {
            send(&mut client, &request(offset(number)));
        }
        for _ in 0..60 {
            assert_eq!(answer(&mut client), ErrorCode::None);
        }
        assert_eq!(committed(&mut client, "readers", "flights", 0), offset(59), "in round {round}");
    }
}
