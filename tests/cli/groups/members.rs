//! Members of groups, as plain as they can be.

use std::time::{Duration, Instant};

use tests::broker::Broker;
use tests::kafka::{Client, code};
use wire::ErrorCode;
use wire::gather::Gather;
use wire::kafka::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, TopicPartitions,
};
use wire::kafka::find_coordinator::FindCoordinatorRequest;
use wire::kafka::join_group::{JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse};
use wire::kafka::offset_commit::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use wire::kafka::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};
use wire::kafka::{Reader, Request, ResponseHeader, frame};

const PATIENCE: Duration = Duration::from_secs(60);
/// Nobody here sends heartbeats.
const SESSION_MS: i32 = 300_000;

/// Asks until the answer is another than "come again".
fn patiently<T>(mut ask: impl FnMut() -> (i16, T)) -> T {
    let begun = Instant::now();
    loop {
        let (error, answer) = ask();
        let error = code(error);
        let come_again =
            [ErrorCode::CoordinatorLoadInProgress, ErrorCode::CoordinatorNotAvailable, ErrorCode::NotCoordinator];
        if !come_again.contains(&error) {
            assert_eq!(error, ErrorCode::None);
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "it never answers otherwise than {error}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn connect(broker: &Broker, group: &str) -> Client {
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    let request =
        FindCoordinatorRequest { coordinator_keys: vec![group.to_owned()], ..FindCoordinatorRequest::default() };
    patiently(|| {
        let found = client.ask(4, &request).expect("it answers").coordinators.remove(0);
        (found.error_code, ())
    });
    client
}

/// Asks under a name of the client's own.
fn ask_as<R: Request>(client: &mut Client, name: &str, version: i16, request: &R) -> R::Response {
    let mut out = Gather::new();
    frame::write_request(&mut out, version, 7, Some(name), request).expect("it can be written");
    client.send_raw(&out.finish().concat()).expect("the broker reads");
    let answer = client.receive_raw().expect("it answers");
    let mut reader = Reader::shared(&answer);
    ResponseHeader::decode(&mut reader, R::API, version).expect("a header");
    wire::kafka::Message::decode(&mut reader, version).expect("an answer")
}

/// Commits for a group without members.
pub(crate) fn commit(broker: &Broker, group: &str, topic: &str, offsets: &[(i32, i64)]) {
    let offsets: Vec<(i32, i64, &str)> = offsets.iter().map(|(index, offset)| (*index, *offset, "")).collect();
    send_commit(&mut connect(broker, group), group, ("", -1), topic, &offsets);
}

fn send_commit(
    client: &mut Client,
    group: &str,
    (member, generation): (&str, i32),
    topic: &str,
    offsets: &[(i32, i64, &str)],
) {
    let partitions = offsets.iter().map(|(index, offset, metadata)| OffsetCommitRequestPartition {
        partition_index: *index,
        committed_offset: *offset,
        committed_leader_epoch: 0,
        committed_metadata: Some((*metadata).to_owned()),
    });
    let partitions = partitions.collect();
    let topic = OffsetCommitRequestTopic { name: topic.to_owned(), partitions, ..OffsetCommitRequestTopic::default() };
    let request = OffsetCommitRequest {
        group_id: group.to_owned(),
        generation_id_or_member_epoch: generation,
        member_id: member.to_owned(),
        topics: vec![topic],
        ..OffsetCommitRequest::default()
    };
    patiently(|| {
        let response = client.ask(9, &request).expect("it answers");
        let codes: Vec<i16> = response.topics[0].partitions.iter().map(|partition| partition.error_code).collect();
        (codes.into_iter().find(|code| *code != 0).unwrap_or_default(), ())
    });
}

/// The only member of a group of the classic protocol; it leaves no sooner than its session ends.
pub(super) struct ClassicMember {
    broker: std::net::SocketAddr,
    group: String,
    pub(super) id: String,
    generation: i32,
}

impl ClassicMember {
    /// Joins, and assigns itself these partitions.
    pub(super) fn join(broker: &Broker, group: &str, name: &str, assignment: &[(&str, &[i32])]) -> Self {
        let mut client = connect(broker, group);
        let mut request = JoinGroupRequest {
            group_id: group.to_owned(),
            session_timeout_ms: SESSION_MS,
            rebalance_timeout_ms: 20_000,
            group_instance_id: Some(format!("{name}-instance")),
            protocol_type: "consumer".to_owned(),
            protocols: vec![JoinGroupRequestProtocol { name: "range".to_owned(), metadata: subscription().into() }],
            ..JoinGroupRequest::default()
        };
        let joined: JoinGroupResponse = patiently(|| {
            let mut joined = ask_as(&mut client, name, 9, &request);
            if code(joined.error_code) == ErrorCode::MemberIdRequired {
                request.member_id = joined.member_id;
                joined = ask_as(&mut client, name, 9, &request);
            }
            (joined.error_code, joined)
        });
        let all =
            SyncGroupRequestAssignment { member_id: joined.member_id.clone(), assignment: plan(assignment).into() };
        let sync = SyncGroupRequest {
            group_id: group.to_owned(),
            generation_id: joined.generation_id,
            member_id: joined.member_id.clone(),
            group_instance_id: request.group_instance_id.clone(),
            protocol_type: Some("consumer".to_owned()),
            protocol_name: Some("range".to_owned()),
            assignments: vec![all],
        };
        patiently(|| (ask_as(&mut client, name, 5, &sync).error_code, ()));
        let (group, generation) = (group.to_owned(), joined.generation_id);
        Self { broker: broker.kafka, group, id: joined.member_id, generation }
    }

    pub(super) fn commit(&self, topic: &str, offsets: &[(i32, i64, &str)]) {
        let mut client = Client::connect(self.broker).expect("the broker serves");
        send_commit(&mut client, &self.group, (&self.id, self.generation), topic, offsets);
    }
}

/// Version 0, no topics, no user data.
fn subscription() -> Vec<u8> {
    [&[0, 0][..], &[0; 4], &[0xff; 4]].concat()
}

/// An assignment as Kafka's clients write it.
fn plan(topics: &[(&str, &[i32])]) -> Vec<u8> {
    let mut bytes = vec![0, 3];
    let count = |count: usize| i32::try_from(count).expect("a few").to_be_bytes();
    bytes.extend(count(topics.len()));
    for (topic, partitions) in topics {
        bytes.extend(i16::try_from(topic.len()).expect("short").to_be_bytes());
        bytes.extend(topic.as_bytes());
        bytes.extend(count(partitions.len()));
        bytes.extend(partitions.iter().flat_map(|index| index.to_be_bytes()));
    }
    bytes.extend((-1_i32).to_be_bytes());
    bytes
}

/// The only member of a group of the consumer protocol.
pub(super) struct ConsumerMember {
    pub(super) epoch: i32,
}

impl ConsumerMember {
    /// Joins, and waits until it has all partitions of a topic.
    pub(super) fn join(broker: &Broker, group: &str, topic: &str, partitions: usize) -> Self {
        let mut client = connect(broker, group);
        let mut request = ConsumerGroupHeartbeatRequest {
            group_id: group.to_owned(),
            member_id: format!("member-{group}"),
            rebalance_timeout_ms: 20_000,
            subscribed_topic_names: Some(vec![topic.to_owned()]),
            topic_partitions: Some(Vec::new()),
            ..ConsumerGroupHeartbeatRequest::default()
        };
        let begun = Instant::now();
        let mut owned: Vec<TopicPartitions> = Vec::new();
        loop {
            let response: ConsumerGroupHeartbeatResponse = patiently(|| {
                let response = client.ask(1, &request).expect("it answers");
                (response.error_code, response)
            });
            request.member_epoch = response.member_epoch;
            if let Some(assignment) = response.assignment {
                owned = assignment.topic_partitions;
            }
            request.topic_partitions = Some(owned.clone());
            if owned.iter().map(|topic| topic.partitions.len()).sum::<usize>() == partitions {
                // Once more: the broker hears that it has them.
                patiently(|| (client.ask(1, &request).expect("it answers").error_code, ()));
                return Self { epoch: request.member_epoch };
            }
            assert!(begun.elapsed() < PATIENCE, "it is never assigned {partitions} partitions");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
