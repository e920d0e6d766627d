//! Joining, syncing, dying and leaving in the classic protocol.

use std::time::Duration;

use bytes::Bytes;
use tests::broker::folder;
use tests::kafka::{Client, code};
use wire::ErrorCode;
use wire::kafka::join_group::JoinGroupRequest;
use wire::kafka::leave_group::{LeaveGroupRequest, MemberIdentity};
use wire::kafka::list_groups::ListGroupsRequest;

use super::{Member, describe, start};
use crate::groups::find_coordinator;

const SESSION: Duration = Duration::from_millis(1_500);

#[test]
fn two_members_share_and_the_one_that_dies_is_given_up() {
    let data = folder();
    let broker = start(data.path(), &[]);
    let mut one = Member::new(&broker, "readers", SESSION);
    let mut other = Member::new(&broker, "readers", SESSION);
    let joining = std::thread::spawn(move || {
        let joined = other.join();
        (other, joined)
    });
    let joined = one.join();
    let (mut other, joined_too) = joining.join().expect("the other one joins");
    assert_eq!((joined.generation_id, joined_too.generation_id), (1, 1));
    assert_eq!(joined.leader, joined_too.leader);
    assert_eq!(joined.protocol_name.as_deref(), Some("range"));
    let leads = joined.leader == joined.member_id;
    let members = if leads { &joined.members } else { &joined_too.members };
    assert_eq!(members.len(), 2, "the leader is told of all");
    assert!(members.iter().all(|member| member.metadata == Bytes::from_static(b"what I read")));
    assert_eq!(joined.members.len() + joined_too.members.len(), 2, "and nobody else is");
    let (leader, follower) = if leads { (&mut one, &mut other) } else { (&mut other, &mut one) };

    // The follower waits for what the leader has decided.
    let (first, second) = (leader.member.clone(), follower.member.clone());
    let (led, followed) = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| follower.sync(&[]));
        std::thread::sleep(Duration::from_millis(100));
        let led = leader.sync(&[(&first, "even"), (&second, "odd")]);
        (led, waiting.join().expect("the follower is answered"))
    });
    assert_eq!(led, (ErrorCode::None, Bytes::from_static(b"even")));
    assert_eq!(followed, (ErrorCode::None, Bytes::from_static(b"odd")));
    assert_eq!(leader.heartbeat(), ErrorCode::None);
    assert_eq!(follower.heartbeat(), ErrorCode::None);
    let mut watcher = Client::connect(broker.kafka).expect("the broker serves");
    let described = describe(&mut watcher, "readers");
    assert_eq!((described.group_state.as_str(), described.members.len()), ("Stable", 2));
    assert!(described.members.iter().all(|member| member.client_host == "/127.0.0.1" && member.client_id == "tests"));

    // The follower says nothing more.
    let begun = std::time::Instant::now();
    let told = loop {
        std::thread::sleep(Duration::from_millis(100));
        match leader.heartbeat() {
            ErrorCode::None => assert!(begun.elapsed() < SESSION * 4, "the dead member is never given up"),
            other => break other,
        }
    };
    assert_eq!(told, ErrorCode::RebalanceInProgress);
    assert!(begun.elapsed() > SESSION / 2, "given up after {:?}", begun.elapsed());
    let joined = leader.join();
    assert_eq!((joined.generation_id, joined.members.len()), (2, 1));
    assert_eq!(leader.sync(&[(&first, "all")]), (ErrorCode::None, Bytes::from_static(b"all")));
    assert_eq!(follower.heartbeat(), ErrorCode::UnknownMemberId);

    let identity = MemberIdentity { member_id: first, ..MemberIdentity::default() };
    let leave = LeaveGroupRequest { group_id: "readers".to_owned(), members: vec![identity], ..Default::default() };
    let left = leader.client.ask(5, &leave).expect("it answers");
    assert_eq!((code(left.error_code), code(left.members[0].error_code)), (ErrorCode::None, ErrorCode::None));
    assert_eq!(describe(&mut watcher, "readers").group_state, "Empty");
}

#[test]
fn a_member_that_leaves_lets_the_others_go_on_at_once() {
    let data = folder();
    let broker = start(data.path(), &[]);
    let mut one = Member::new(&broker, "readers", Duration::from_secs(30));
    one.join_alone();
    let mut other = Member::new(&broker, "readers", Duration::from_secs(30));
    let joining = std::thread::spawn(move || {
        other.join();
        other
    });
    while one.heartbeat() == ErrorCode::None {
        std::thread::sleep(Duration::from_millis(20));
    }
    one.join();
    let mut other = joining.join().expect("it joins");
    // One before the versions in which several leave at a time.
    let leave = LeaveGroupRequest {
        group_id: "readers".to_owned(),
        member_id: other.member.clone(),
        ..LeaveGroupRequest::default()
    };
    assert_eq!(code(other.client.ask(2, &leave).expect("it answers").error_code), ErrorCode::None);
    assert_eq!(code(other.client.ask(2, &leave).expect("it answers").error_code), ErrorCode::UnknownMemberId);
    assert_eq!(one.heartbeat(), ErrorCode::RebalanceInProgress);
    one.join_alone();
    assert_eq!(one.generation, 3);
}

#[test]
fn every_version_of_a_join_is_answered_in_its_own_shape() {
    let data = folder();
    let broker = start(data.path(), &["groups.initial_rebalance_delay=0 s"]);
    for version in 0..=9 {
        let group = format!("group-{version}");
        let mut member = Member::new(&broker, &group, SESSION);
        let mut request = member.join_request(vec![1, 2, 3]);
        let mut joined = member.client.ask(version, &request).expect("it answers");
        if version >= 4 {
            assert_eq!(code(joined.error_code), ErrorCode::MemberIdRequired, "version {version}");
            request = JoinGroupRequest { member_id: joined.member_id, ..request };
            joined = member.client.ask(version, &request).expect("it answers");
        }
        assert_eq!(code(joined.error_code), ErrorCode::None, "version {version}");
        assert!(joined.member_id.starts_with("tests-"), "{}", joined.member_id);
        assert_eq!(joined.members.len(), 1);
        assert_eq!(joined.protocol_type.as_deref(), (version >= 7).then_some("consumer"));
        // What is refused has its shape too.
        let refused = JoinGroupRequest { member_id: "nobody".to_owned(), ..request };
        let refused = member.client.ask(version, &refused).expect("it answers");
        assert_eq!(code(refused.error_code), ErrorCode::UnknownMemberId, "version {version}");
        assert_eq!(refused.protocol_name.is_none(), version >= 7);
    }
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    let listed = client.ask(5, &ListGroupsRequest::default()).expect("it answers");
    assert_eq!(code(listed.error_code), ErrorCode::None);
    let mut names: Vec<String> = listed.groups.iter().map(|group| group.group_id.clone()).collect();
    names.sort_unstable();
    assert_eq!(names, (0..=9).map(|version| format!("group-{version}")).collect::<Vec<_>>());
    let filter = ListGroupsRequest { types_filter: vec!["Consumer".to_owned()], ..ListGroupsRequest::default() };
    assert!(client.ask(5, &filter).expect("it answers").groups.is_empty());
}

#[test]
fn what_is_asked_before_there_is_a_coordinator_is_refused() {
    let data = folder();
    let broker = start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    let request = JoinGroupRequest { group_id: "g".to_owned(), ..JoinGroupRequest::default() };
    assert_eq!(code(client.ask(5, &request).expect("it answers").error_code), ErrorCode::NotCoordinator);
    find_coordinator(&mut client, "g");
    assert_eq!(code(client.ask(5, &request).expect("it answers").error_code), ErrorCode::InvalidSessionTimeout);
    let nameless = JoinGroupRequest { group_id: String::new(), ..request };
    assert_eq!(code(client.ask(5, &nameless).expect("it answers").error_code), ErrorCode::InvalidGroupId);
}
