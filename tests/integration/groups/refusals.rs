//! Requests that Kafka answers in a way of its own; each answer was compared with Kafka's.

use std::time::Duration;

use bytes::Bytes;
use tests::broker::folder;
use tests::kafka::{Client, code};
use wire::ErrorCode;
use wire::kafka::consumer_group_heartbeat::ConsumerGroupHeartbeatRequest;
use wire::kafka::join_group::{JoinGroupRequest, JoinGroupRequestProtocol};
use wire::kafka::leave_group::{LeaveGroupRequest, MemberIdentity};
use wire::kafka::offset_delete::{OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use wire::kafka::sync_group::SyncGroupRequest;

use super::{COMMIT, JOIN, Member, SYNC, commit_request, committed, find_coordinator, start};

const SESSION: Duration = Duration::from_secs(20);

#[test]
fn a_member_that_names_a_protocol_twice_is_refused_and_nobody_else_notices() {
    let data = folder();
    let broker = start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    find_coordinator(&mut client, "g");
    let protocol = || JoinGroupRequestProtocol { name: "range".to_owned(), metadata: Bytes::from_static(b"what") };
    let request = JoinGroupRequest {
        group_id: "g".to_owned(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 1_000,
        protocol_type: "consumer".to_owned(),
        protocols: vec![protocol(), protocol()],
        ..JoinGroupRequest::default()
    };
    for version in [2, JOIN] {
        let joined = client.ask(version, &request).expect("it answers");
        assert_eq!(code(joined.error_code), ErrorCode::InconsistentGroupProtocol, "version {version}");
    }
    Member::new(&broker, "g", SESSION).join_alone();
}

#[test]
fn whoever_leaves_a_group_that_is_not_there_is_unknown() {
    let data = folder();
    let broker = start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    find_coordinator(&mut client, "nobody");
    let members = ["a", "b"].map(|id| MemberIdentity { member_id: id.to_owned(), ..MemberIdentity::default() });
    let group_id = "nobody".to_owned();
    let request = LeaveGroupRequest { group_id, member_id: "a".to_owned(), ..LeaveGroupRequest::default() };
    assert_eq!(code(client.ask(2, &request).expect("it answers").error_code), ErrorCode::UnknownMemberId);
    let request = LeaveGroupRequest { member_id: String::new(), members: members.to_vec(), ..request };
    let left = client.ask(5, &request).expect("it answers");
    assert_eq!(code(left.error_code), ErrorCode::None);
    let each: Vec<_> = left.members.iter().map(|one| (one.member_id.as_str(), code(one.error_code))).collect();
    assert_eq!(each, [("a", ErrorCode::UnknownMemberId), ("b", ErrorCode::UnknownMemberId)]);
}

#[test]
fn a_sync_of_today_says_which_protocol_it_means() {
    let data = folder();
    let broker = start(data.path(), &[]);
    let mut member = Member::new(&broker, "readers", SESSION);
    member.join_alone();
    let request = SyncGroupRequest {
        group_id: "readers".to_owned(),
        generation_id: member.generation,
        member_id: member.member.clone(),
        ..SyncGroupRequest::default()
    };
    let refused = member.client.ask(SYNC, &request).expect("it answers");
    assert_eq!(code(refused.error_code), ErrorCode::InconsistentGroupProtocol);
    let synced = member.client.ask(SYNC - 1, &request).expect("it answers");
    assert_eq!((code(synced.error_code), &synced.assignment[..]), (ErrorCode::None, &b"all"[..]));
}

#[test]
fn an_offset_below_zero_is_taken_and_means_none() {
    let data = folder();
    let broker = start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    assert_eq!(client.create_topic("flights", 1, &[]).expect("it answers"), ErrorCode::None);
    find_coordinator(&mut client, "g");
    for (offset, found) in [(7, 7), (-1, -1), (8, 8), (-2, -1)] {
        let request = commit_request("g", ("", -1), "flights", &[(0, offset)]);
        let response = client.ask(COMMIT, &request).expect("it answers");
        assert_eq!(code(response.topics[0].partitions[0].error_code), ErrorCode::None);
        assert_eq!(committed(&mut client, "g", "flights", 0), found, "{offset} was committed");
    }
}

#[test]
fn offsets_are_deleted_where_there_is_a_partition_and_in_a_group_with_a_name() {
    let data = folder();
    let broker = start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    assert_eq!(client.create_topic("flights", 1, &[]).expect("it answers"), ErrorCode::None);
    for group in ["g", ""] {
        find_coordinator(&mut client, group);
        client.ask(COMMIT, &commit_request(group, ("", -1), "flights", &[(0, 1)])).expect("it answers");
    }
    let partitions = [0, 9].map(|partition_index| OffsetDeleteRequestPartition { partition_index }).to_vec();
    let topics = vec![OffsetDeleteRequestTopic { name: "flights".to_owned(), partitions }];
    let mut delete = |group: &str| {
        let request = OffsetDeleteRequest { group_id: group.to_owned(), topics: topics.clone() };
        client.ask(0, &request).expect("it answers")
    };
    assert_eq!(code(delete("").error_code), ErrorCode::InvalidGroupId);
    let deleted = delete("g");
    let codes: Vec<_> = deleted.topics[0].partitions.iter().map(|one| code(one.error_code)).collect();
    assert_eq!(codes, [ErrorCode::None, ErrorCode::UnknownTopicOrPartition]);
}

#[test]
fn a_member_of_the_consumer_protocol_may_name_what_can_be_no_topic_and_is_removed_by_an_administrator() {
    let data = folder();
    let broker = start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    find_coordinator(&mut client, "g");
    let join = |names: &[&str]| ConsumerGroupHeartbeatRequest {
        group_id: "g".to_owned(),
        member_id: "m".to_owned(),
        rebalance_timeout_ms: 5_000,
        subscribed_topic_names: Some(names.iter().map(|name| (*name).to_owned()).collect()),
        topic_partitions: Some(Vec::new()),
        ..ConsumerGroupHeartbeatRequest::default()
    };
    for names in [&["no topic", "none"][..], &[]] {
        let joined = client.ask(1, &join(names)).expect("it answers");
        assert_eq!(code(joined.error_code), ErrorCode::None, "{:?}", joined.error_message);
    }
    let members = vec![MemberIdentity { member_id: "m".to_owned(), ..MemberIdentity::default() }];
    let request = LeaveGroupRequest { group_id: "g".to_owned(), members, ..LeaveGroupRequest::default() };
    assert_eq!(code(client.ask(5, &request).expect("it answers").members[0].error_code), ErrorCode::None);
    let gone = ConsumerGroupHeartbeatRequest { member_epoch: 1, ..join(&[]) };
    assert_eq!(code(client.ask(1, &gone).expect("it answers").error_code), ErrorCode::UnknownMemberId);
}
