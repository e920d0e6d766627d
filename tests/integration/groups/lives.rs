//! Groups outlive their broker, and the core that coordinates them.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base::{CoreId, PartitionIndex};
use tests::broker::{Broker, folder};
use tests::kafka::Client;
use tests::native;
use wire::ErrorCode;
use wire::kafka::group_records::partition_of_group;
use wire::native::{MovePartitionReply, MovePartitionRequest};

use super::{Member, committed, describe, start};

const SESSION: Duration = Duration::from_secs(20);
const OFFSETS: &str = "__consumer_offsets";

#[test]
fn a_group_resumes_where_its_commits_were_acknowledged_after_kill_9() {
    let data = folder();
    let mut acknowledged = -1;
    let mut next = 0;
    for life in 0..4 {
        let broker = start(data.path(), &[]);
        let mut client = Client::connect(broker.kafka).expect("the broker serves");
        if life == 0 {
            assert_eq!(client.create_topic("flights", 1, &[]).expect("it answers"), ErrorCode::None);
        } else {
            let found = committed(&mut client, "readers", "flights", 0);
            assert!(found >= acknowledged, "life {life}: {acknowledged} was acknowledged, {found} is there");
            assert!(found < next, "life {life}: {found} was never committed");
        }
        // A member of an earlier life is remembered until its session is over, and the next one waits for that.
        let mut member = Member::new(&broker, "readers", Duration::from_secs(2));
        member.join();
        let me = member.member.clone();
        assert_eq!(member.sync(&[(&me, "all")]).0, ErrorCode::None);
        for _ in 0..50 {
            assert_eq!(member.commit("flights", next), ErrorCode::None);
            acknowledged = next;
            next += 1;
        }
        // This one may or may not be in the log.
        let request = super::commit_request("readers", (&me, member.generation), "flights", &[(0, next)]);
        member.client.send(super::COMMIT, &request).expect("it can be sent");
        next += 1;
        broker.kill();
    }
}

#[test]
fn members_go_on_in_their_generation_after_kill_9() {
    let data = folder();
    let broker = start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    assert_eq!(client.create_topic("flights", 1, &[]).expect("it answers"), ErrorCode::None);
    let mut member = Member::new(&broker, "readers", SESSION);
    member.join_alone();
    assert_eq!(member.commit("flights", 17), ErrorCode::None);
    broker.kill();
    let broker = start(data.path(), &[]);
    member.client = Client::connect(broker.kafka).expect("the broker serves");
    let (code, ()) = super::patiently(|| (member.commit("flights", 18), ()));
    assert_eq!(code, ErrorCode::None);
    assert_eq!(member.heartbeat(), ErrorCode::None);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    let described = describe(&mut client, "readers");
    assert_eq!((described.group_state.as_str(), described.members.len()), ("Stable", 1));
    assert_eq!(described.members[0].member_assignment, b"all"[..]);
    assert_eq!(committed(&mut client, "readers", "flights", 0), 18);
}

#[test]
fn a_broker_that_stops_does_not_wait_for_members_that_wait() {
    let data = folder();
    let broker = start(data.path(), &["groups.initial_rebalance_delay=1 min", "runtime.stop_time_max=20 s"]);
    let mut member = Member::new(&broker, "readers", SESSION);
    let first = member.join_once();
    member.member = first.member_id;
    let request = member.join_request(Vec::new());
    member.client.send(super::JOIN, &request).expect("it can be sent");
    std::thread::sleep(Duration::from_millis(200));
    let (took, well) = broker.stop();
    assert!(well);
    assert!(took < Duration::from_secs(5), "the stop took {took:?}");
    let answer = member.client.receive::<wire::kafka::join_group::JoinGroupRequest>(super::JOIN);
    assert_eq!(answer.expect("the member is told").error_code, ErrorCode::NotCoordinator.code());
}

/// Moves the partition of a group to the core where it is not.
fn move_group(broker: &Broker, group: &str) {
    let mut admin = native::Client::greeted(broker.native).expect("the broker serves");
    let (_, cores) = admin.topic(OFFSETS).expect("the topic is there");
    let partitions = u32::try_from(cores.len()).ok().and_then(NonZeroU32::new).expect("it has partitions");
    let index = partition_of_group(group, partitions);
    let core = CoreId(1 - cores[index as usize].0);
    let request = MovePartitionRequest { topic: OFFSETS, partition: PartitionIndex(index), core };
    admin.send(&request).expect("it can be sent");
    let frame = admin.receive().expect("it answers");
    let reply: MovePartitionReply<'_> = frame.open().expect("it can be read");
    assert_eq!(reply.error, wire::native::ErrorCode::NONE, "{:?}", reply.message);
}

#[test]
fn a_groups_partition_changes_its_core_and_its_members_go_on() {
    if std::thread::available_parallelism().expect("the system knows").get() < 2 {
        return println!("this needs two cores");
    }
    let data = folder();
    // A group that came together before its move would be one that has not synced.
    let broker = start(data.path(), &["cores=2", "groups.initial_rebalance_delay=2 s"]);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    assert_eq!(client.create_topic("flights", 1, &[]).expect("it answers"), ErrorCode::None);
    let mut member = Member::new(&broker, "readers", SESSION);
    member.join_alone();
    let over = AtomicBool::new(false);
    let (last, commits) = std::thread::scope(|scope| {
        let committing = scope.spawn(|| {
            let (mut last, mut commits) = (-1, 0);
            while !over.load(Ordering::Relaxed) {
                let (code, ()) = super::patiently(|| (member.commit("flights", last + 1), ()));
                assert_eq!(code, ErrorCode::None);
                assert_eq!(member.heartbeat(), ErrorCode::None);
                (last, commits) = (last + 1, commits + 1);
            }
            (last, commits)
        });
        for _ in 0..12 {
            move_group(&broker, "readers");
            std::thread::sleep(Duration::from_millis(30));
        }
        over.store(true, Ordering::Relaxed);
        committing.join().expect("every commit comes to be acknowledged")
    });
    println!("{commits} commits over 12 moves");
    assert_eq!(committed(&mut client, "readers", "flights", 0), last);
    assert_eq!(describe(&mut client, "readers").group_state, "Stable");

    // Whoever waits to join is told to come again, and comes in.
    let mut other = Member::new(&broker, "waiting", SESSION);
    let first = other.join_once();
    other.member = first.member_id;
    std::thread::scope(|scope| {
        let joining = scope.spawn(|| other.join());
        std::thread::sleep(Duration::from_millis(100));
        move_group(&broker, "waiting");
        let joined = joining.join().expect("it joins");
        assert_eq!(joined.members.len(), 1);
    });
    let me = other.member.clone();
    assert_eq!(other.sync(&[(&me, "all")]).0, ErrorCode::None);
    assert_eq!(other.heartbeat(), ErrorCode::None);
    broker.kill();
    let broker = start(data.path(), &["cores=1"]);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    assert_eq!(committed(&mut client, "readers", "flights", 0), last);
}
