//! A running broker whose groups have members, under mutated requests about groups: what still decodes reaches
//! coordinators with state. Whatever they say, the broker lives on, and a group that nobody names goes on as before.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use base::SeededRandom;
use bytes::Bytes;
use tests::broker::{Broker, folder, workspace};
use tests::kafka::{Client, code, encode};
use wire::ErrorCode;
use wire::kafka::consumer_group_describe::ConsumerGroupDescribeRequest;
use wire::kafka::consumer_group_heartbeat::{ConsumerGroupHeartbeatRequest, TopicPartitions};
use wire::kafka::delete_groups::DeleteGroupsRequest;
use wire::kafka::describe_groups::DescribeGroupsRequest;
use wire::kafka::find_coordinator::FindCoordinatorRequest;
use wire::kafka::heartbeat::HeartbeatRequest;
use wire::kafka::join_group::{JoinGroupRequest, JoinGroupRequestProtocol};
use wire::kafka::leave_group::{LeaveGroupRequest, MemberIdentity};
use wire::kafka::list_groups::ListGroupsRequest;
use wire::kafka::offset_commit::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use wire::kafka::offset_delete::{OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use wire::kafka::offset_fetch::{OffsetFetchRequest, OffsetFetchRequestGroup};
use wire::kafka::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};
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

/// The only member of a group of the classic protocol.
struct Member {
    client: Client,
    group: String,
    member: String,
    generation: i32,
}

impl Member {
    fn new(address: SocketAddr, group: &str) -> Self {
        let mut client = Client::connect(address).expect("the broker serves");
        let request =
            FindCoordinatorRequest { coordinator_keys: vec![group.to_owned()], ..FindCoordinatorRequest::default() };
        client.ask(4, &request).expect("it answers");
        let mut member = Self { client, group: group.to_owned(), member: String::new(), generation: -1 };
        let begun = Instant::now();
        loop {
            let joined = member.client.ask(9, &member.join()).expect("it answers");
            member.member.clone_from(&joined.member_id);
            if code(joined.error_code) == ErrorCode::None {
                member.generation = joined.generation_id;
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{group}: {joined:?}");
        }
        let synced = member.client.ask(5, &member.sync()).expect("it answers");
        assert_eq!(code(synced.error_code), ErrorCode::None, "{group}");
        member
    }

    fn join(&self) -> JoinGroupRequest {
        let protocol = JoinGroupRequestProtocol { name: "range".to_owned(), metadata: Bytes::from_static(b"all") };
        JoinGroupRequest {
            group_id: self.group.clone(),
            session_timeout_ms: 300_000,
            rebalance_timeout_ms: 60_000,
            member_id: self.member.clone(),
            protocol_type: "consumer".to_owned(),
            protocols: vec![protocol],
            ..JoinGroupRequest::default()
        }
    }

    fn sync(&self) -> SyncGroupRequest {
        let assignment =
            SyncGroupRequestAssignment { member_id: self.member.clone(), assignment: Bytes::from_static(b"all") };
        SyncGroupRequest {
            group_id: self.group.clone(),
            generation_id: self.generation,
            member_id: self.member.clone(),
            protocol_type: Some("consumer".to_owned()),
            protocol_name: Some("range".to_owned()),
            assignments: vec![assignment],
            ..SyncGroupRequest::default()
        }
    }

    fn heartbeat(&self) -> HeartbeatRequest {
        HeartbeatRequest {
            group_id: self.group.clone(),
            generation_id: self.generation,
            member_id: self.member.clone(),
            ..HeartbeatRequest::default()
        }
    }

    fn commit(&self, offset: i64) -> OffsetCommitRequest {
        let partition = OffsetCommitRequestPartition {
            committed_offset: offset,
            committed_metadata: Some("m".to_owned()),
            ..OffsetCommitRequestPartition::default()
        };
        let topic = OffsetCommitRequestTopic {
            name: TOPIC.to_owned(),
            partitions: vec![partition],
            ..OffsetCommitRequestTopic::default()
        };
        OffsetCommitRequest {
            group_id: self.group.clone(),
            generation_id_or_member_epoch: self.generation,
            member_id: self.member.clone(),
            topics: vec![topic],
            ..OffsetCommitRequest::default()
        }
    }

    /// What may be asked of the group.
    fn requests(&self) -> Vec<Vec<u8>> {
        let groups = vec![self.group.clone()];
        let leaving = MemberIdentity { member_id: self.member.clone(), ..MemberIdentity::default() };
        let offsets = OffsetFetchRequestGroup { group_id: self.group.clone(), ..OffsetFetchRequestGroup::default() };
        let deleted = OffsetDeleteRequestTopic {
            name: TOPIC.to_owned(),
            partitions: vec![OffsetDeleteRequestPartition::default()],
        };
        let described = DescribeGroupsRequest { groups: groups.clone(), ..DescribeGroupsRequest::default() };
        vec![
            bytes(9, &self.join()),
            bytes(5, &self.sync()),
            bytes(4, &self.heartbeat()),
            bytes(9, &self.commit(7)),
            bytes(2, &self.commit(8)),
            bytes(5, &LeaveGroupRequest { group_id: self.group.clone(), members: vec![leaving], ..Default::default() }),
            bytes(9, &OffsetFetchRequest { groups: vec![offsets], ..OffsetFetchRequest::default() }),
            bytes(0, &OffsetDeleteRequest { group_id: self.group.clone(), topics: vec![deleted] }),
            bytes(5, &described),
            bytes(5, &ListGroupsRequest::default()),
            bytes(2, &DeleteGroupsRequest { groups_names: groups }),
        ]
    }
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
    let mut bystander = Member::new(broker.kafka, BYSTANDER);
    let committed = bystander.client.ask(9, &bystander.commit(42)).expect("it answers");
    assert_eq!(code(committed.topics[0].partitions[0].error_code), ErrorCode::None);
    let captured = captured();
    assert!(captured.len() > 50, "{}", captured.len());
    let (topic_id, mut answers) = (random.next_u128(), 0);
    for number in 0..VICTIMS {
        let victim = Member::new(broker.kafka, &format!("victim-{number}"));
        let mut seeds = victim.requests();
        seeds.extend(consumer_requests(&mut client, &format!("modern-{number}"), topic_id));
        // As many of what clients have sent: their groups are not there, or come to be.
        (0..seeds.len()).for_each(|_| seeds.push(captured[random.index(captured.len())].clone()));
        answers += attack(broker.kafka, &mut random, &seeds);
        assert!(broker.is_running(), "seed {seed}, victim {number}: {}", broker.log());
        let beat = bystander.client.ask(4, &bystander.heartbeat()).expect("it answers");
        assert_eq!(code(beat.error_code), ErrorCode::None, "seed {seed}, victim {number}");
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
