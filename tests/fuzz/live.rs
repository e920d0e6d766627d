//! A running broker whose groups have members, under mutated requests about groups: what still decodes reaches
//! coordinators with state. Whatever they say, the broker lives on, and a group that nobody names goes on as before.

use std::net::SocketAddr;
use std::time::Duration;

use base::SeededRandom;
use tests::broker::{Broker, folder, workspace};
use tests::groups::{Member, commit_request};
use tests::kafka::{Client, code, encode};
use wire::ErrorCode;
use wire::kafka::consumer_group_describe::ConsumerGroupDescribeRequest;
use wire::kafka::consumer_group_heartbeat::{ConsumerGroupHeartbeatRequest, TopicPartitions};
use wire::kafka::delete_groups::DeleteGroupsRequest;
use wire::kafka::describe_groups::DescribeGroupsRequest;
use wire::kafka::leave_group::{LeaveGroupRequest, MemberIdentity};
use wire::kafka::list_groups::ListGroupsRequest;
use wire::kafka::offset_delete::{OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use wire::kafka::offset_fetch::{OffsetFetchRequest, OffsetFetchRequestGroup};
use wire::kafka::{FrameHeader, Reader, Request};

use crate::mutate::mutate;

const TOPIC: &str = "topic";
const BYSTANDER: &str = "a group whose name no mutation comes upon";
/// Groups that are attacked, one after the other, and requests to each.
const VICTIMS: usize = 100;
const REQUESTS: usize = 48;
const BYTES_MAX: usize = 16 << 10;
/// Keys of the APIs of groups (Kafka's ApiKeys).
const APIS: [i16; 13] = [8, 9, 10, 11, 12, 13, 14, 15, 16, 42, 47, 68, 69];

/// The only member of a group of the classic protocol. It does not rest while others are attacked.
fn member(broker: &Broker, group: &str) -> Member {
    let mut member = Member::new(broker, group, Duration::from_secs(300));
    member.join_alone();
    member
}

/// What may be asked of a member's group.
fn classic_requests(member: &Member) -> Vec<Vec<u8>> {
    let (group, id) = (&member.group, &member.member);
    let commit = |offset| commit_request(group, (id, member.generation), TOPIC, &[(0, offset)]);
    let leaving = MemberIdentity { member_id: id.clone(), ..MemberIdentity::default() };
    let offsets = OffsetFetchRequestGroup { group_id: group.clone(), ..OffsetFetchRequestGroup::default() };
    let deleted =
        OffsetDeleteRequestTopic { name: TOPIC.to_owned(), partitions: vec![OffsetDeleteRequestPartition::default()] };
    let described = DescribeGroupsRequest { groups: vec![group.clone()], ..DescribeGroupsRequest::default() };
    vec![
        bytes(9, &member.join_request(b"all".to_vec())),
        bytes(5, &member.sync_request(&[(id, "all")])),
        bytes(4, &member.heartbeat_request()),
        bytes(9, &commit(7)),
        bytes(2, &commit(8)),
        bytes(5, &LeaveGroupRequest { group_id: group.clone(), members: vec![leaving], ..Default::default() }),
        bytes(9, &OffsetFetchRequest { groups: vec![offsets], ..OffsetFetchRequest::default() }),
        bytes(0, &OffsetDeleteRequest { group_id: group.clone(), topics: vec![deleted] }),
        bytes(5, &described),
        bytes(5, &ListGroupsRequest::default()),
        bytes(2, &DeleteGroupsRequest { groups_names: vec![group.clone()] }),
    ]
}

/// Joins a group of the consumer protocol; gives what may be asked of it.
fn consumer_requests(client: &mut Client, group: &str, topic_id: u128) -> Vec<Vec<u8>> {
    let mut heartbeat = ConsumerGroupHeartbeatRequest {
        group_id: group.to_owned(),
        member_id: "member".to_owned(),
        rebalance_timeout_ms: 60_000,
        subscribed_topic_names: Some(vec![TOPIC.to_owned()]),
        topic_partitions: Some(Vec::new()),
        ..ConsumerGroupHeartbeatRequest::default()
    };
    let joined = client.ask(1, &heartbeat).expect("it answers");
    assert_eq!(code(joined.error_code), ErrorCode::None, "{:?}", joined.error_message);
    let join = bytes(1, &heartbeat);
    heartbeat.member_epoch = joined.member_epoch;
    heartbeat.topic_partitions = Some(vec![TopicPartitions { topic_id, partitions: vec![0, 1] }]);
    let stay = bytes(1, &heartbeat);
    let matching = ConsumerGroupHeartbeatRequest {
        subscribed_topic_names: None,
        subscribed_topic_regex: Some("to.*".to_owned()),
        ..heartbeat.clone()
    };
    let leave = ConsumerGroupHeartbeatRequest { member_epoch: -1, ..heartbeat };
    let described = ConsumerGroupDescribeRequest { group_ids: vec![group.to_owned()], ..Default::default() };
    vec![join, stay, bytes(1, &matching), bytes(1, &leave), bytes(1, &described)]
}

/// A frame without its length.
fn bytes<R: Request>(version: i16, request: &R) -> Vec<u8> {
    encode(version, request).expect("it is small").split_off(4)
}

/// What real clients have sent to groups.
fn captured() -> Vec<Vec<u8>> {
    let entries =
        |folder| std::fs::read_dir(folder).expect("the frames are committed").map(|entry| entry.unwrap().path());
    let clients = entries(workspace().join("tests/conformance/frames")).filter(|path| path.is_dir());
    let mut files: Vec<_> = clients.flat_map(entries).collect();
    files.sort();
    let of_groups = |frame: &Vec<u8>| match FrameHeader::decode(&mut Reader::new(frame)) {
        Ok(FrameHeader::Request { api, .. }) => APIS.contains(&api.key()),
        _ => false,
    };
    files.iter().map(|file| std::fs::read(file).expect("it was listed")).filter(of_groups).collect()
}

/// Sends mutated requests and reads what comes back for a moment: some wait for others, some end the connection. Gives
/// the number of answers.
fn attack(address: SocketAddr, random: &mut SeededRandom, seeds: &[Vec<u8>]) -> usize {
    let (mut left, mut answers) = (REQUESTS, 0);
    while left > 0 {
        let mut client = Client::connect(address).expect("the broker serves");
        for _ in 0..2 {
            let mut frame = seeds[random.index(seeds.len())].clone();
            if random.percent(75) {
                let other = random.index(seeds.len());
                mutate(random, &mut frame, &seeds[other], BYTES_MAX);
            }
            left = left.saturating_sub(1);
            let length = u32::try_from(frame.len()).expect("it is small").to_be_bytes();
            if client.send_raw(&[&length[..], &frame].concat()).is_err() {
                break;
            }
        }
        client.stream().set_read_timeout(Some(Duration::from_millis(20))).expect("it is not zero");
        while client.receive_raw().is_ok() {
            answers += 1;
        }
    }
    answers
}

#[test]
fn groups_that_live() {
    let seed = std::env::var("CORELANE_SEED").map_or(1, |text| text.parse().expect("CORELANE_SEED is a number"));
    let mut random = SeededRandom::new(seed);
    let data = folder();
    let settings = [
        "groups.initial_rebalance_delay=0 ms",
        "groups.session_timeout_max=1 h",
        "groups.consumer.session_timeout=5 min",
    ];
    let settings: Vec<&str> = settings.iter().flat_map(|setting| ["--set", *setting]).collect();
    let mut broker = Broker::start(data.path(), &settings);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    assert_eq!(client.create_topic(TOPIC, 2, &[]).expect("it answers"), ErrorCode::None);
    let mut bystander = member(&broker, BYSTANDER);
    assert_eq!(bystander.commit(TOPIC, 42), ErrorCode::None);
    let captured = captured();
    assert!(captured.len() > 50, "{}", captured.len());
    let (topic_id, mut answers) = (random.next_u128(), 0);
    for number in 0..VICTIMS {
        let victim = member(&broker, &format!("victim-{number}"));
        let mut seeds = classic_requests(&victim);
        seeds.extend(consumer_requests(&mut client, &format!("modern-{number}"), topic_id));
        // As many of what clients have sent: their groups are not there, or come to be.
        (0..seeds.len()).for_each(|_| seeds.push(captured[random.index(captured.len())].clone()));
        answers += attack(broker.kafka, &mut random, &seeds);
        assert!(broker.is_running(), "seed {seed}, victim {number}: {}", broker.log());
        assert_eq!(bystander.heartbeat(), ErrorCode::None, "seed {seed}, victim {number}");
    }
    println!("{answers} of {} requests were answered, seed {seed}", VICTIMS * REQUESTS);
    assert!(answers > VICTIMS * REQUESTS / 10, "{answers} answers: most never came to a group");
    let group = OffsetFetchRequestGroup { group_id: BYSTANDER.to_owned(), topics: None, ..Default::default() };
    let request = OffsetFetchRequest { groups: vec![group], ..OffsetFetchRequest::default() };
    let fetched = bystander.client.ask(9, &request).expect("it answers").groups.remove(0);
    assert_eq!(fetched.topics[0].partitions[0].committed_offset, 42);
    let (_, well, log) = broker.stop_with_log();
    assert!(well && !log.contains("panicked"), "{log}");
}
