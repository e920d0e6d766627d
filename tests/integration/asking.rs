//! Questions about offsets, topics and coordinators.

use tests::broker::{Broker, folder};
use tests::kafka::{Client, code, encode};
use wire::ErrorCode;
use wire::kafka::consumer_group_describe::ConsumerGroupDescribeRequest;
use wire::kafka::describe_cluster::DescribeClusterRequest;
use wire::kafka::describe_groups::DescribeGroupsRequest;
use wire::kafka::describe_topic_partitions::{DescribeTopicPartitionsRequest, TopicRequest};
use wire::kafka::find_coordinator::FindCoordinatorRequest;
use wire::kafka::metadata::{MetadataRequest, MetadataRequestTopic};
use wire::kafka::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};

use crate::groups::{commit_request, find_coordinator, patiently};
use crate::{EPOCH, batch_at, client_with_topic};

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;

#[test]
fn offsets_are_found_by_time_in_memory_and_after_a_restart() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "times", 2);
    // Not in the order of time, within a batch and among batches.
    for milliseconds in [[500, 100, 300], [200, 900, 400], [1_000, 700, 1_000]] {
        let made = client.produce("times", 0, &batch_at(&milliseconds, 10, None)).unwrap();
        assert_eq!(code(made.error_code), ErrorCode::None);
    }
    let check = |client: &mut Client| {
        let mut ask = |time: i64| client.list_offset("times", 0, time).unwrap();
        assert_eq!(ask(EPOCH), (ErrorCode::None, 0, EPOCH + 500));
        assert_eq!(ask(EPOCH + 501), (ErrorCode::None, 4, EPOCH + 900));
        assert_eq!(ask(EPOCH + 901), (ErrorCode::None, 6, EPOCH + 1_000));
        assert_eq!(ask(EPOCH + 1_001), (ErrorCode::None, -1, -1));
        assert_eq!(ask(MAX_TIMESTAMP), (ErrorCode::None, 6, EPOCH + 1_000));
        assert_eq!(ask(EARLIEST), (ErrorCode::None, 0, -1));
        assert_eq!(ask(LATEST), (ErrorCode::None, 9, -1));
        assert_eq!(ask(EARLIEST_LOCAL), (ErrorCode::None, 0, -1), "all of the log is local");
        for in_another_tier in [-5, -6] {
            assert_eq!(ask(in_another_tier), (ErrorCode::None, -1, -1));
        }
        let mut empty = |time: i64| client.list_offset("times", 1, time).unwrap();
        assert_eq!(empty(EPOCH), (ErrorCode::None, -1, -1));
        assert_eq!(empty(MAX_TIMESTAMP), (ErrorCode::None, -1, -1));
        assert_eq!(empty(LATEST), (ErrorCode::None, 0, -1));
    };
    check(&mut client);
    broker.kill();
    let broker = Broker::start(data.path(), &[]);
    check(&mut Client::connect(broker.kafka).unwrap());
}

/// Epochs begin with each start of the broker; these rules are those of Kafka's leader epoch cache (KIP-320).
#[test]
fn epochs_end_where_kafka_says_also_those_without_records() {
    let data = folder();
    let ask = |client: &mut Client, epoch: i32| {
        let partition = OffsetForLeaderPartition { leader_epoch: epoch, ..OffsetForLeaderPartition::default() };
        let topic = OffsetForLeaderTopic { topic: "epochs".to_owned(), partitions: vec![partition] };
        let request = OffsetForLeaderEpochRequest { topics: vec![topic], ..OffsetForLeaderEpochRequest::default() };
        let answer = client.ask(4, &request).unwrap().topics.remove(0).partitions.remove(0);
        assert_eq!(code(answer.error_code), ErrorCode::None);
        (answer.leader_epoch, answer.end_offset)
    };
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "epochs", 1);
    let first = ask(&mut client, 0);
    assert_eq!(first, (0, 0), "the current epoch, without records");
    broker.kill();
    for (start, records) in [(1, 2), (2, 0), (3, 3)] {
        let broker = Broker::start(data.path(), &[]);
        let mut client = Client::connect(broker.kafka).unwrap();
        if records > 0 {
            client.produce("epochs", 0, &batch_at(&vec![0; records], 10, None)).unwrap();
        }
        assert_eq!(ask(&mut client, start + 1), (-1, -1), "an epoch that has not begun");
        assert_eq!(ask(&mut client, 0), (0, 0), "an epoch before all records");
        broker.kill();
    }
    let broker = Broker::start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).unwrap();
    let all: Vec<(i32, i64)> = (1..=4).map(|epoch| ask(&mut client, epoch)).collect();
    assert_eq!(all, [(1, 2), (1, 2), (3, 5), (4, 5)]);
}

#[test]
fn a_data_folder_without_its_name_is_refused() {
    let data = folder();
    Broker::start(data.path(), &[]).stop();
    std::fs::remove_file(data.path().join("broker.toml")).unwrap();
    let Err(log) = Broker::try_start(data.path(), &[]) else { panic!("the broker took the folder for a new one") };
    assert!(log.contains("not the file that says whose"), "{log}");
}

#[test]
fn bytes_after_a_request_are_ignored_as_kafka_does() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).unwrap();
    let mut frame = encode(12, &MetadataRequest::default()).unwrap();
    frame.extend_from_slice(&[0, 0, 0]);
    let length = u32::try_from(frame.len() - 4).unwrap();
    frame[..4].copy_from_slice(&length.to_be_bytes());
    client.send_raw(&frame).unwrap();
    let answer = client.receive::<MetadataRequest>(12).unwrap();
    assert_eq!(answer.brokers.len(), 1);
}

#[test]
fn an_empty_list_of_topics_is_all_of_them_in_version_0_only() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "some", 1);
    let mut names = |version, topics: Option<Vec<MetadataRequestTopic>>| {
        let request = MetadataRequest { topics, ..MetadataRequest::default() };
        let topics = client.ask(version, &request).unwrap().topics.into_iter();
        topics.map(|topic| topic.name.expect("it has one")).collect::<Vec<_>>()
    };
    assert_eq!(names(0, Some(Vec::new())), ["some"]);
    assert_eq!(names(1, Some(Vec::new())), [""; 0]);
    assert_eq!(names(12, Some(Vec::new())), [""; 0]);
    assert_eq!(names(1, None), ["some"]);
    assert_eq!(names(12, None), ["some"]);
}

/// KIP-430: without an authorizer a client may do all that there is. The numbers are Kafka's.
#[test]
fn who_asks_for_authorized_operations_is_told_all_and_who_does_not_is_told_none() {
    const NOT_TOLD: i32 = i32::MIN;
    const TOPIC: i32 = 3_576;
    const GROUP: i32 = 3_400;
    const CLUSTER: i32 = 8_096;
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "some", 1);
    find_coordinator(&mut client, "g");
    let commit = commit_request("g", ("", -1), "some", &[(0, 1)]);
    let (committed, ()) = patiently(|| {
        let answer = client.ask(9, &commit).unwrap();
        (code(answer.topics[0].partitions[0].error_code), ())
    });
    assert_eq!(committed, ErrorCode::None);
    for asked in [false, true] {
        let told = |operations| if asked { operations } else { NOT_TOLD };
        let request = MetadataRequest {
            topics: None,
            include_cluster_authorized_operations: asked,
            include_topic_authorized_operations: asked,
            ..MetadataRequest::default()
        };
        let metadata = client.ask(10, &request).unwrap();
        assert_eq!(metadata.cluster_authorized_operations, told(CLUSTER));
        assert!(metadata.topics.iter().all(|topic| topic.topic_authorized_operations == told(TOPIC)));
        let request = DescribeClusterRequest {
            include_cluster_authorized_operations: asked,
            ..DescribeClusterRequest::default()
        };
        assert_eq!(client.ask(1, &request).unwrap().cluster_authorized_operations, told(CLUSTER));
        let request = DescribeGroupsRequest { groups: vec!["g".to_owned()], include_authorized_operations: asked };
        let group = client.ask(5, &request).unwrap().groups.remove(0);
        assert_eq!((code(group.error_code), group.authorized_operations), (ErrorCode::None, told(GROUP)));
        let request = ConsumerGroupDescribeRequest {
            group_ids: vec!["missing".to_owned()],
            include_authorized_operations: asked,
        };
        let group = client.ask(1, &request).unwrap().groups.remove(0);
        assert_eq!(group.authorized_operations, NOT_TOLD, "it is not there");
    }
    let topics = vec![TopicRequest { name: "some".to_owned() }];
    let request = DescribeTopicPartitionsRequest { topics, ..DescribeTopicPartitionsRequest::default() };
    let topic = client.ask(0, &request).unwrap().topics.remove(0);
    assert_eq!(topic.topic_authorized_operations, TOPIC, "told without being asked, as by Kafka");
}

#[test]
fn a_topic_is_described_by_id_whatever_name_stands_beside_it() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "named", 1);
    let mut ask = |name: Option<&str>, topic_id: u128| {
        let wanted = MetadataRequestTopic { name: name.map(str::to_owned), topic_id };
        let request = MetadataRequest { topics: Some(vec![wanted]), ..MetadataRequest::default() };
        client.ask(12, &request).unwrap().topics.remove(0)
    };
    let id = ask(Some("named"), 0).topic_id;
    assert_ne!(id, 0);
    for beside in [None, Some("")] {
        let found = ask(beside, id);
        assert_eq!((code(found.error_code), found.name.as_deref()), (ErrorCode::None, Some("named")));
        let missing = ask(beside, id ^ 1);
        assert_eq!((code(missing.error_code), missing.topic_id), (ErrorCode::UnknownTopicId, id ^ 1));
    }
}

#[test]
fn this_broker_coordinates_all_groups_and_no_transactions() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).unwrap();
    let port = i32::from(broker.kafka.port());
    for version in [0, 1, 3] {
        let request = FindCoordinatorRequest { key: "readers".to_owned(), ..FindCoordinatorRequest::default() };
        let answer = client.ask(version, &request).unwrap();
        assert_eq!((code(answer.error_code), answer.port), (ErrorCode::None, port));
    }
    let mut ask = |key_type| {
        let keys = vec!["a".to_owned(), "b".to_owned()];
        let request = FindCoordinatorRequest { coordinator_keys: keys, key_type, ..FindCoordinatorRequest::default() };
        let answer = client.ask(6, &request).unwrap();
        let keys: Vec<&str> = answer.coordinators.iter().map(|each| each.key.as_str()).collect();
        assert_eq!(keys, ["a", "b"]);
        answer.coordinators[1].clone()
    };
    assert_eq!((code(ask(0).error_code), ask(0).port), (ErrorCode::None, port));
    assert_eq!(code(ask(1).error_code), ErrorCode::UnsupportedVersion);
    assert!(ask(1).error_message.unwrap().contains("transactions are not available"));
    assert_eq!(code(ask(7).error_code), ErrorCode::UnsupportedVersion);
}

#[test]
fn topics_are_described_by_pages_with_lists_that_java_can_bear() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "wide", 5);
    let names = vec![TopicRequest { name: "wide".to_owned() }, TopicRequest { name: "missing".to_owned() }];
    let mut request = DescribeTopicPartitionsRequest {
        topics: names,
        response_partition_limit: 2,
        ..DescribeTopicPartitionsRequest::default()
    };
    let mut partitions = Vec::new();
    loop {
        let answer = client.ask(0, &request).unwrap();
        for topic in &answer.topics {
            match topic.name.as_deref() {
                Some("wide") => partitions.extend(topic.partitions.iter().map(|partition| {
                    assert_eq!(partition.eligible_leader_replicas, Some(Vec::new()));
                    assert_eq!(partition.last_known_elr, Some(Vec::new()));
                    partition.partition_index
                })),
                other => {
                    assert_eq!((other, code(topic.error_code)), (Some("missing"), ErrorCode::UnknownTopicOrPartition))
                }
            }
        }
        let Some(cursor) = answer.next_cursor else { break };
        request.cursor =
            Some(wire::kafka::describe_topic_partitions::Cursor { topic_name: cursor.topic_name, ..cursor });
    }
    assert_eq!(partitions, [0, 1, 2, 3, 4]);
}

/// Clients learn of topics from one core and ask another in the next microsecond.
#[test]
fn a_topic_that_is_named_anywhere_is_served_everywhere() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let address = broker.kafka;
    // Connections go to the cores in turn.
    let mut watchers: Vec<Client> = (0..4).map(|_| Client::connect(address).unwrap()).collect();
    for number in 0..40 {
        let topic = format!("topic-{number}");
        let maker = std::thread::spawn({
            let topic = topic.clone();
            move || Client::connect(address).unwrap().create_topic(&topic, 2, &[]).unwrap()
        });
        let wanted = MetadataRequestTopic { name: Some(topic.clone()), ..MetadataRequestTopic::default() };
        let request = MetadataRequest {
            topics: Some(vec![wanted]),
            allow_auto_topic_creation: false,
            ..MetadataRequest::default()
        };
        let learns = number % 4;
        while watchers[learns].ask(9, &request).unwrap().topics[0].error_code != 0 {}
        for watcher in &mut watchers {
            for partition in 0..2 {
                let made = watcher.produce(&topic, partition, &batch_at(&[0], 5, None)).unwrap();
                assert_eq!(code(made.error_code), ErrorCode::None, "{topic} partition {partition}");
            }
        }
        assert_eq!(maker.join().unwrap(), ErrorCode::None);
    }
}
