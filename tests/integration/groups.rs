//! Consumer groups through the Kafka door, as clients use them.

mod classic;
mod consumer;
mod lives;
mod log;
mod memory;
mod offsets;
mod refusals;
mod waiting;

use std::thread::sleep;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tests::broker::Broker;
use tests::kafka::{Client, code};
use wire::ErrorCode;
use wire::kafka::describe_groups::{DescribeGroupsRequest, DescribedGroup};
use wire::kafka::find_coordinator::FindCoordinatorRequest;
use wire::kafka::heartbeat::HeartbeatRequest;
use wire::kafka::join_group::{JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse};
use wire::kafka::offset_commit::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use wire::kafka::offset_fetch::{OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use wire::kafka::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};

/// Nothing here takes as long.
const PATIENCE: Duration = Duration::from_secs(30);
const JOIN: i16 = 9;
const SYNC: i16 = 5;
const HEARTBEAT: i16 = 4;
const COMMIT: i16 = 9;
const FETCH: i16 = 9;

/// A broker whose groups do not wait long for members.
fn start(data: &std::path::Path, settings: &[&str]) -> Broker {
    let quick =
        ["groups.initial_rebalance_delay=300 ms", "groups.session_timeout_min=100 ms", "balancer.enabled=false"];
    let all: Vec<&str> = quick.iter().chain(settings).flat_map(|setting| ["--set", setting]).collect();
    Broker::start(data, &all)
}

/// Asks until the answer is another than "come again".
pub(crate) fn patiently<T>(mut ask: impl FnMut() -> (ErrorCode, T)) -> (ErrorCode, T) {
    let begun = Instant::now();
    loop {
        let (code, answer) = ask();
        let come_again =
            [ErrorCode::CoordinatorLoadInProgress, ErrorCode::CoordinatorNotAvailable, ErrorCode::NotCoordinator];
        if !come_again.contains(&code) || begun.elapsed() > PATIENCE {
            return (code, answer);
        }
        sleep(Duration::from_millis(10));
    }
}

/// Looks for a group's coordinator, which makes the topic of the groups.
pub(crate) fn find_coordinator(client: &mut Client, group: &str) -> (i32, i32) {
    let request =
        FindCoordinatorRequest { coordinator_keys: vec![group.to_owned()], ..FindCoordinatorRequest::default() };
    let found = client.ask(4, &request).expect("it answers").coordinators.remove(0);
    assert_eq!(code(found.error_code), ErrorCode::None, "{:?}", found.error_message);
    (found.node_id, found.port)
}

/// A member of a group of the classic protocol, on a connection of its own.
struct Member {
    client: Client,
    group: String,
    member: String,
    generation: i32,
    session: Duration,
}

impl Member {
    fn new(broker: &Broker, group: &str, session: Duration) -> Self {
        let mut client = Client::connect(broker.kafka).expect("the broker serves");
        let (_, port) = find_coordinator(&mut client, group);
        assert_eq!(port, i32::from(broker.kafka.port()));
        Self { client, group: group.to_owned(), member: String::new(), generation: -1, session }
    }

    fn join_request(&self, metadata: Vec<u8>) -> JoinGroupRequest {
        JoinGroupRequest {
            group_id: self.group.clone(),
            session_timeout_ms: i32::try_from(self.session.as_millis()).expect("short"),
            rebalance_timeout_ms: 20_000,
            member_id: self.member.clone(),
            protocol_type: "consumer".to_owned(),
            protocols: vec![JoinGroupRequestProtocol { name: "range".to_owned(), metadata: metadata.into() }],
            ..JoinGroupRequest::default()
        }
    }

    /// Asks for an id if there is none yet, and joins.
    fn join(&mut self) -> JoinGroupResponse {
        let (code, joined) = patiently(|| {
            let mut joined = self.join_once();
            if code(joined.error_code) == ErrorCode::MemberIdRequired {
                self.member = joined.member_id;
                joined = self.join_once();
            }
            if code(joined.error_code) == ErrorCode::UnknownMemberId && self.generation == -1 {
                // An id that nobody has joined with yet is forgotten when the coordinator changes its core.
                self.member.clear();
                return (ErrorCode::CoordinatorNotAvailable, joined);
            }
            (code(joined.error_code), joined)
        });
        assert_eq!(code, ErrorCode::None, "{joined:?}");
        self.member.clone_from(&joined.member_id);
        self.generation = joined.generation_id;
        joined
    }

    fn join_once(&mut self) -> JoinGroupResponse {
        let request = self.join_request(b"what I read".to_vec());
        self.client.ask(JOIN, &request).expect("it answers")
    }

    /// Gives or takes an assignment.
    fn sync(&mut self, assignments: &[(&str, &str)]) -> (ErrorCode, Bytes) {
        let assignments = assignments.iter().map(|(member, assignment)| SyncGroupRequestAssignment {
            member_id: (*member).to_owned(),
            assignment: Bytes::copy_from_slice(assignment.as_bytes()),
        });
        let request = SyncGroupRequest {
            group_id: self.group.clone(),
            generation_id: self.generation,
            member_id: self.member.clone(),
            protocol_type: Some("consumer".to_owned()),
            protocol_name: Some("range".to_owned()),
            assignments: assignments.collect(),
            ..SyncGroupRequest::default()
        };
        let synced = self.client.ask(SYNC, &request).expect("it answers");
        (code(synced.error_code), synced.assignment)
    }

    /// Joins as the only member and is assigned everything.
    fn join_alone(&mut self) {
        let joined = self.join();
        assert_eq!(joined.leader, joined.member_id);
        assert_eq!(joined.members.len(), 1);
        let me = self.member.clone();
        assert_eq!(self.sync(&[(&me, "all")]), (ErrorCode::None, Bytes::from_static(b"all")));
    }

    fn heartbeat(&mut self) -> ErrorCode {
        let request = HeartbeatRequest {
            group_id: self.group.clone(),
            generation_id: self.generation,
            member_id: self.member.clone(),
            ..HeartbeatRequest::default()
        };
        code(self.client.ask(HEARTBEAT, &request).expect("it answers").error_code)
    }

    /// Commits an offset of partition 0 of a topic.
    fn commit(&mut self, topic: &str, offset: i64) -> ErrorCode {
        let request = commit_request(&self.group, (&self.member, self.generation), topic, &[(0, offset)]);
        let response = self.client.ask(COMMIT, &request).expect("it answers");
        code(response.topics[0].partitions[0].error_code)
    }
}

pub(crate) fn commit_request(
    group: &str,
    (member, generation): (&str, i32),
    topic: &str,
    offsets: &[(i32, i64)],
) -> OffsetCommitRequest {
    let partitions = offsets.iter().map(|(index, offset)| OffsetCommitRequestPartition {
        partition_index: *index,
        committed_offset: *offset,
        committed_leader_epoch: 0,
        committed_metadata: Some(format!("at {offset}")),
    });
    let partitions = partitions.collect();
    OffsetCommitRequest {
        group_id: group.to_owned(),
        generation_id_or_member_epoch: generation,
        member_id: member.to_owned(),
        topics: vec![OffsetCommitRequestTopic {
            name: topic.to_owned(),
            partitions,
            ..OffsetCommitRequestTopic::default()
        }],
        ..OffsetCommitRequest::default()
    }
}

/// The committed offset of a partition of a topic, -1 for none.
fn committed(client: &mut Client, group: &str, topic: &str, partition: i32) -> i64 {
    let topic =
        OffsetFetchRequestTopics { name: topic.to_owned(), partition_indexes: vec![partition], ..Default::default() };
    let group = OffsetFetchRequestGroup {
        group_id: group.to_owned(),
        topics: Some(vec![topic]),
        ..OffsetFetchRequestGroup::default()
    };
    let request = OffsetFetchRequest { groups: vec![group], ..OffsetFetchRequest::default() };
    let (error, group) = patiently(|| {
        let group = client.ask(FETCH, &request).expect("it answers").groups.remove(0);
        (code(group.error_code), group)
    });
    assert_eq!(error, ErrorCode::None);
    let partition = &group.topics[0].partitions[0];
    assert_eq!(code(partition.error_code), ErrorCode::None);
    if partition.committed_offset >= 0 {
        assert_eq!(partition.metadata, Some(format!("at {}", partition.committed_offset)));
    }
    partition.committed_offset
}

fn describe(client: &mut Client, group: &str) -> DescribedGroup {
    let request = DescribeGroupsRequest { groups: vec![group.to_owned()], ..DescribeGroupsRequest::default() };
    let (_, described) = patiently(|| {
        let described = client.ask(5, &request).expect("it answers").groups.remove(0);
        (code(described.error_code), described)
    });
    described
}
