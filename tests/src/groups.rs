//! Members of consumer groups of the classic protocol, as plain clients.

use std::thread::sleep;
use std::time::{Duration, Instant};

use bytes::Bytes;
use wire::ErrorCode;
use wire::kafka::find_coordinator::FindCoordinatorRequest;
use wire::kafka::heartbeat::HeartbeatRequest;
use wire::kafka::join_group::{JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse};
use wire::kafka::offset_commit::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use wire::kafka::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};

use crate::broker::Broker;
use crate::kafka::{Client, code};

/// Nothing here takes as long.
pub const PATIENCE: Duration = Duration::from_secs(30);
pub const JOIN: i16 = 9;
pub const SYNC: i16 = 5;
pub const HEARTBEAT: i16 = 4;
pub const COMMIT: i16 = 9;

/// Asks until the answer is another than "come again".
pub fn patiently<T>(mut ask: impl FnMut() -> (ErrorCode, T)) -> (ErrorCode, T) {
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
pub fn find_coordinator(client: &mut Client, group: &str) -> (i32, i32) {
    let request =
        FindCoordinatorRequest { coordinator_keys: vec![group.to_owned()], ..FindCoordinatorRequest::default() };
    let found = client.ask(4, &request).expect("it answers").coordinators.remove(0);
    assert_eq!(code(found.error_code), ErrorCode::None, "{:?}", found.error_message);
    (found.node_id, found.port)
}

/// A member of a group of the classic protocol, on a connection of its own.
pub struct Member {
    pub client: Client,
    pub group: String,
    pub member: String,
    pub generation: i32,
    pub session: Duration,
}

impl Member {
    pub fn new(broker: &Broker, group: &str, session: Duration) -> Self {
        let mut client = Client::connect(broker.kafka).expect("the broker serves");
        let (_, port) = find_coordinator(&mut client, group);
        assert_eq!(port, i32::from(broker.kafka.port()));
        Self { client, group: group.to_owned(), member: String::new(), generation: -1, session }
    }

    pub fn join_request(&self, metadata: Vec<u8>) -> JoinGroupRequest {
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
    pub fn join(&mut self) -> JoinGroupResponse {
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

    pub fn join_once(&mut self) -> JoinGroupResponse {
        let request = self.join_request(b"what I read".to_vec());
        self.client.ask(JOIN, &request).expect("it answers")
    }

    pub fn sync_request(&self, assignments: &[(&str, &str)]) -> SyncGroupRequest {
        let assignments = assignments.iter().map(|(member, assignment)| SyncGroupRequestAssignment {
            member_id: (*member).to_owned(),
            assignment: Bytes::copy_from_slice(assignment.as_bytes()),
        });
        SyncGroupRequest {
            group_id: self.group.clone(),
            generation_id: self.generation,
            member_id: self.member.clone(),
            protocol_type: Some("consumer".to_owned()),
            protocol_name: Some("range".to_owned()),
            assignments: assignments.collect(),
            ..SyncGroupRequest::default()
        }
    }

    /// Gives or takes an assignment.
    pub fn sync(&mut self, assignments: &[(&str, &str)]) -> (ErrorCode, Bytes) {
        let request = self.sync_request(assignments);
        let synced = self.client.ask(SYNC, &request).expect("it answers");
        (code(synced.error_code), synced.assignment)
    }

    /// Joins as the only member and is assigned everything.
    pub fn join_alone(&mut self) {
        let joined = self.join();
        assert_eq!(joined.leader, joined.member_id);
        assert_eq!(joined.members.len(), 1);
        let me = self.member.clone();
        assert_eq!(self.sync(&[(&me, "all")]), (ErrorCode::None, Bytes::from_static(b"all")));
    }

    pub fn heartbeat_request(&self) -> HeartbeatRequest {
        HeartbeatRequest {
            group_id: self.group.clone(),
            generation_id: self.generation,
            member_id: self.member.clone(),
            ..HeartbeatRequest::default()
        }
    }

    pub fn heartbeat(&mut self) -> ErrorCode {
        let request = self.heartbeat_request();
        code(self.client.ask(HEARTBEAT, &request).expect("it answers").error_code)
    }

    /// Commits an offset of partition 0 of a topic.
    pub fn commit(&mut self, topic: &str, offset: i64) -> ErrorCode {
        let request = commit_request(&self.group, (&self.member, self.generation), topic, &[(0, offset)]);
        let response = self.client.ask(COMMIT, &request).expect("it answers");
        code(response.topics[0].partitions[0].error_code)
    }
}

pub fn commit_request(
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
