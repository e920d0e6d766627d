//! The consumer protocol (KIP-848): the broker assigns.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tests::broker::{Broker, folder};
use tests::kafka::{Client, code};
use wire::ErrorCode;
use wire::kafka::consumer_group_describe::ConsumerGroupDescribeRequest;
use wire::kafka::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, TopicPartitions,
};

use super::{commit_request, committed, find_coordinator, start};

/// A member that takes and gives back what it is told to.
struct Member {
    client: Client,
    id: String,
    epoch: i32,
    owned: BTreeSet<i32>,
    topic: u128,
}

impl Member {
    fn new(broker: &Broker, id: &str) -> Self {
        let mut client = Client::connect(broker.kafka).expect("the broker serves");
        find_coordinator(&mut client, "readers");
        Self { client, id: id.to_owned(), epoch: 0, owned: BTreeSet::new(), topic: 0 }
    }

    fn request(&self) -> ConsumerGroupHeartbeatRequest {
        ConsumerGroupHeartbeatRequest {
            group_id: "readers".to_owned(),
            member_id: self.id.clone(),
            member_epoch: self.epoch,
            ..ConsumerGroupHeartbeatRequest::default()
        }
    }

    fn ask(&mut self, request: &ConsumerGroupHeartbeatRequest) -> ConsumerGroupHeartbeatResponse {
        let (_, response) = super::patiently(|| {
            let response = self.client.ask(1, request).expect("it answers");
            (code(response.error_code), response)
        });
        response
    }

    fn join(&mut self) {
        let request = ConsumerGroupHeartbeatRequest {
            rebalance_timeout_ms: 10_000,
            subscribed_topic_names: Some(vec!["flights".to_owned()]),
            topic_partitions: Some(Vec::new()),
            ..self.request()
        };
        let response = self.ask(&request);
        self.take(response);
    }

    fn heartbeat(&mut self) {
        let mut request = self.request();
        if self.topic != 0 {
            let partitions = self.owned.iter().copied().collect();
            request.topic_partitions = Some(vec![TopicPartitions { topic_id: self.topic, partitions }]);
        }
        let response = self.ask(&request);
        self.take(response);
    }

    fn take(&mut self, response: ConsumerGroupHeartbeatResponse) {
        assert_eq!(code(response.error_code), ErrorCode::None, "{:?}", response.error_message);
        assert_eq!(response.heartbeat_interval_ms, 700);
        self.epoch = response.member_epoch;
        if let Some(assignment) = response.assignment {
            self.owned = assignment.topic_partitions.iter().flat_map(|topic| topic.partitions.clone()).collect();
            self.topic = assignment.topic_partitions.first().map_or(self.topic, |topic| topic.topic_id);
        }
    }
}

/// Heartbeats of all until each has so many partitions, and no two the same.
fn settle(members: &mut [&mut Member], each: usize) {
    let begun = Instant::now();
    while members.iter().any(|member| member.owned.len() != each) {
        assert!(begun.elapsed() < super::PATIENCE, "the members never come to rest");
        for member in members.iter_mut() {
            member.heartbeat();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let all: BTreeSet<i32> = members.iter().flat_map(|member| member.owned.iter().copied()).collect();
    assert_eq!(all.len(), members.len() * each, "no partition is anybody's twice");
}

#[test]
fn members_are_assigned_share_and_are_given_up() {
    let data = folder();
    let settings = ["groups.consumer.session_timeout=2 s", "groups.consumer.heartbeat_interval=700 ms"];
    let broker = start(data.path(), &settings);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    assert_eq!(client.create_topic("flights", 4, &[]).expect("it answers"), ErrorCode::None);
    let (mut one, mut other) = (Member::new(&broker, "member-one"), Member::new(&broker, "member-other"));
    one.join();
    settle(&mut [&mut one], 4);
    other.join();
    settle(&mut [&mut one, &mut other], 2);

    let commit = commit_request("readers", ("member-one", one.epoch), "flights", &[(0, 7)]);
    let committed_now = client.ask(9, &commit).expect("it answers");
    assert_eq!(code(committed_now.topics[0].partitions[0].error_code), ErrorCode::None);
    let stale = commit_request("readers", ("member-one", one.epoch - 1), "flights", &[(0, 9)]);
    let stale = client.ask(9, &stale).expect("it answers");
    assert_eq!(code(stale.topics[0].partitions[0].error_code), ErrorCode::StaleMemberEpoch);
    assert_eq!(committed(&mut client, "readers", "flights", 0), 7);

    let describe = ConsumerGroupDescribeRequest { group_ids: vec!["readers".to_owned()], ..Default::default() };
    let described = client.ask(1, &describe).expect("it answers").groups.remove(0);
    assert_eq!(code(described.error_code), ErrorCode::None);
    assert_eq!((described.group_state.as_str(), described.assignor_name.as_str()), ("Stable", "uniform"));
    assert_eq!(described.members.len(), 2);
    for member in &described.members {
        assert_eq!(member.assignment, member.target_assignment);
        assert_eq!(member.assignment.topic_partitions[0].topic_name, "flights");
        assert_eq!((member.member_type, member.client_host.as_str()), (1, "/127.0.0.1"));
    }

    // The other one is heard of no more.
    settle(&mut [&mut one], 4);
    other.owned.clear();
    let fenced = other.request();
    let fenced = other.ask(&fenced);
    assert_eq!(code(fenced.error_code), ErrorCode::UnknownMemberId);
    assert!(fenced.error_message.is_some());

    one.epoch = -1;
    let leave = one.request();
    assert_eq!(code(one.ask(&leave).error_code), ErrorCode::None);
    let described = client.ask(1, &describe).expect("it answers").groups.remove(0);
    assert_eq!((described.group_state.as_str(), described.members.len()), ("Empty", 0));
}

#[test]
fn a_member_without_an_id_of_its_own_is_refused_from_version_1_on() {
    let data = folder();
    let broker = start(data.path(), &["groups.consumer.heartbeat_interval=700 ms"]);
    let mut member = Member::new(&broker, "");
    let request = ConsumerGroupHeartbeatRequest {
        rebalance_timeout_ms: 10_000,
        subscribed_topic_names: Some(vec!["flights".to_owned()]),
        topic_partitions: Some(Vec::new()),
        ..member.request()
    };
    assert_eq!(code(member.ask(&request).error_code), ErrorCode::InvalidRequest);
    let joined = member.client.ask(0, &request).expect("it answers");
    assert_eq!(code(joined.error_code), ErrorCode::None, "{:?}", joined.error_message);
    assert!(joined.member_id.is_some_and(|id| id.starts_with("tests-")));
}
