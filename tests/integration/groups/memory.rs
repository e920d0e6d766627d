//! `memory.groups` bounds what groups take.

use std::thread::sleep;
use std::time::{Duration, Instant};

use tests::broker::{Broker, folder};
use tests::kafka::{Client, code};
use wire::ErrorCode;
use wire::kafka::consumer_group_heartbeat::ConsumerGroupHeartbeatRequest;
use wire::kafka::delete_groups::DeleteGroupsRequest;
use wire::kafka::join_group::{JoinGroupRequest, JoinGroupRequestProtocol};

use super::{PATIENCE, commit_request, committed, find_coordinator};

const SMALL: [&str; 4] = ["--cores", "1", "--set", "memory.groups=1 MiB"];

/// Commits for a group that nobody has joined, with 4,000 bytes beside the offset.
fn commit(client: &mut Client, group: &str, offset: i64) -> ErrorCode {
    let mut request = commit_request(group, ("", -1), "t", &[(0, offset)]);
    request.topics[0].partitions[0].committed_metadata = Some("m".repeat(4_000));
    let begun = Instant::now();
    loop {
        let response = client.ask(9, &request).expect("it answers");
        let code = code(response.topics[0].partitions[0].error_code);
        // A coordinator that has no room says that it is not available; one that is loading says so.
        if code != ErrorCode::CoordinatorLoadInProgress || begun.elapsed() > PATIENCE {
            return code;
        }
        sleep(Duration::from_millis(10));
    }
}

fn group(number: usize) -> String {
    format!("g{number}")
}

/// Commits for one group after the other until one is refused.
fn fill(client: &mut Client) -> usize {
    find_coordinator(client, "g");
    let taken = (0..1_000).take_while(|number| match commit(client, &group(*number), 1) {
        ErrorCode::None => true,
        ErrorCode::CoordinatorNotAvailable => false,
        other => panic!("{other:?}"),
    });
    taken.count()
}

fn delete(client: &mut Client, group: &str) -> ErrorCode {
    let request = DeleteGroupsRequest { groups_names: vec![group.to_owned()] };
    code(client.ask(2, &request).expect("it answers").results[0].error_code)
}

#[test]
fn groups_over_all_coordinators_of_a_core_take_no_more_than_that_also_after_kill_9() {
    let data = folder();
    let broker = Broker::start(data.path(), &SMALL);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    assert_eq!(client.create_topic("t", 1, &[]).expect("it answers"), ErrorCode::None);
    let count = fill(&mut client);
    assert!((150..250).contains(&count), "{count} groups of about 5 KiB");
    // Members of either protocol do not come in either.
    let protocol = JoinGroupRequestProtocol { name: "range".to_owned(), metadata: vec![0; 5_000].into() };
    let join = JoinGroupRequest {
        group_id: "new".to_owned(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 10_000,
        protocol_type: "consumer".to_owned(),
        protocols: vec![protocol],
        ..JoinGroupRequest::default()
    };
    assert_eq!(code(client.ask(9, &join).expect("it answers").error_code), ErrorCode::CoordinatorNotAvailable);
    let heartbeat = ConsumerGroupHeartbeatRequest {
        group_id: "newer".to_owned(),
        member_id: "m".to_owned(),
        rebalance_timeout_ms: 10_000,
        subscribed_topic_names: Some((0..100).map(|number| format!("topic-{number}")).collect()),
        topic_partitions: Some(Vec::new()),
        ..ConsumerGroupHeartbeatRequest::default()
    };
    let refused = client.ask(1, &heartbeat).expect("it answers");
    assert_eq!(code(refused.error_code), ErrorCode::CoordinatorNotAvailable);
    assert!(refused.error_message.expect("it says why").contains("memory.groups"));
    // Who is there goes on.
    assert_eq!(commit(&mut client, "g0", 2), ErrorCode::None);
    let shorter = commit_request("g0", ("", -1), "t", &[(0, 3)]);
    let response = client.ask(9, &shorter).expect("it answers");
    assert_eq!(code(response.topics[0].partitions[0].error_code), ErrorCode::None);
    assert_eq!(committed(&mut client, "g0", "t", 0), 3);
    assert_eq!(commit(&mut client, "g0", 4), ErrorCode::None, "there is room for what was there before");

    broker.kill();
    let broker = Broker::start(data.path(), &SMALL);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    assert_eq!(fill(&mut client), count, "those that are there, and no other");
    assert_eq!(delete(&mut client, "g7"), ErrorCode::None);
    assert_eq!(commit(&mut client, &group(count), 1), ErrorCode::None, "there is room for one");
    assert_eq!(commit(&mut client, &group(count + 1), 1), ErrorCode::CoordinatorNotAvailable);
}
