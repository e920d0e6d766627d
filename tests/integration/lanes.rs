//! Lanes: groups of cores as nodes for Kafka clients.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use tests::broker::{Broker, folder};
use tests::kafka::{Client, code};
use wire::ErrorCode;
use wire::kafka::create_topics::{CreatableReplicaAssignment, CreatableTopic, CreateTopicsRequest};
use wire::kafka::describe_cluster::DescribeClusterRequest;
use wire::kafka::describe_topic_partitions::{DescribeTopicPartitionsRequest, TopicRequest};
use wire::kafka::find_coordinator::FindCoordinatorRequest;
use wire::kafka::metadata::{MetadataRequest, MetadataResponse};

use crate::batch;

const LANES: [&str; 6] = ["--set", "cores=2", "--set", "kafka.lanes=2", "--set", "kafka.lanes_listen=127.0.0.1:0"];

fn metadata(client: &mut Client) -> MetadataResponse {
    client.ask(12, &MetadataRequest { topics: None, ..MetadataRequest::default() }).unwrap()
}

/// Addresses by node id.
fn nodes(metadata: &MetadataResponse) -> BTreeMap<i32, SocketAddr> {
    let address = |host: &str, port: i32| format!("{host}:{port}").parse().unwrap();
    metadata.brokers.iter().map(|broker| (broker.node_id, address(&broker.host, broker.port))).collect()
}

/// Node ids by partition.
fn leaders(metadata: &MetadataResponse, topic: &str) -> Vec<i32> {
    let topic = metadata.topics.iter().find(|described| described.name.as_deref() == Some(topic)).unwrap();
    let mut partitions: Vec<_> = topic.partitions.iter().collect();
    partitions.sort_by_key(|partition| partition.partition_index);
    for partition in &partitions {
        assert_eq!(partition.replica_nodes, [partition.leader_id]);
        assert_eq!(partition.isr_nodes, [partition.leader_id]);
    }
    partitions.iter().map(|partition| partition.leader_id).collect()
}

#[test]
fn each_lane_is_a_node_with_a_port_and_the_plain_listener_shows_one_node() {
    let data = folder();
    let broker = Broker::start(data.path(), &LANES);
    let mut plain = Client::connect(broker.kafka).unwrap();
    assert_eq!(plain.create_topic("t", 6, &[]).unwrap(), ErrorCode::None);

    let seen = metadata(&mut plain);
    assert_eq!(nodes(&seen), BTreeMap::from([(1, broker.kafka)]));
    assert_eq!((seen.controller_id, leaders(&seen, "t")), (1, vec![1; 6]));

    let first = broker.lanes.expect("there are lanes");
    let mut lane = Client::connect(first).unwrap();
    let seen = metadata(&mut lane);
    let nodes = nodes(&seen);
    assert_eq!(nodes.keys().copied().collect::<Vec<_>>(), [1_000, 1_001]);
    assert_eq!(nodes[&1_000], first);
    assert_eq!(nodes.values().collect::<BTreeSet<_>>().len(), 2, "no two nodes share a port");
    assert_eq!(seen.controller_id, 1_000);
    let leaders = leaders(&seen, "t");
    assert_eq!(leaders.iter().collect::<BTreeSet<_>>().len(), 2, "both cores have partitions: {leaders:?}");

    let cluster = lane.ask(2, &DescribeClusterRequest { endpoint_type: 1, ..DescribeClusterRequest::default() });
    let ids: Vec<i32> = cluster.unwrap().brokers.iter().map(|broker| broker.broker_id).collect();
    assert_eq!(ids, [1_000, 1_001]);
    let request = DescribeTopicPartitionsRequest {
        topics: vec![TopicRequest { name: "t".to_owned() }],
        response_partition_limit: 10,
        ..DescribeTopicPartitionsRequest::default()
    };
    let described = lane.ask(0, &request).unwrap();
    let described: Vec<i32> = described.topics[0].partitions.iter().map(|partition| partition.leader_id).collect();
    assert_eq!(described, leaders);
}

/// What `corelane status` has counted: direct and crossed.
fn hops(broker: &Broker) -> (u64, u64) {
    let address = broker.native.to_string();
    let output = std::process::Command::new(tests::broker::binary())
        .args(["status", "--json", "--broker", &address])
        .output()
        .unwrap();
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let sum = |field: &str| status["cores"].as_array().unwrap().iter().map(|core| core[field].as_u64().unwrap()).sum();
    (sum("direct"), sum("crossed"))
}

#[test]
fn a_lane_serves_its_own_partitions_without_a_hop_and_all_others_with_one() {
    let data = folder();
    let broker = Broker::start(data.path(), &LANES);
    let mut first = Client::connect(broker.lanes.unwrap()).unwrap();
    first.create_topic("t", 4, &[]).unwrap();
    let seen = metadata(&mut first);
    let (nodes, leaders) = (nodes(&seen), leaders(&seen, "t"));
    assert_eq!(hops(&broker), (0, 0));

    for (partition, leader) in (0..).zip(&leaders) {
        // Several connections: each of them lands in the lane.
        for _ in 0..3 {
            let mut client = Client::connect(nodes[leader]).unwrap();
            let produced = client.produce("t", partition, &batch(1)).unwrap();
            assert_eq!(code(produced.error_code), ErrorCode::None);
        }
    }
    assert_eq!(hops(&broker), (12, 0), "appends at the owner");

    for (partition, leader) in (0..).zip(&leaders) {
        let other = nodes.iter().find(|(id, _)| *id != leader).unwrap().1;
        let mut client = Client::connect(*other).unwrap();
        let produced = client.produce("t", partition, &batch(1)).unwrap();
        assert_eq!((code(produced.error_code), produced.base_offset), (ErrorCode::None, 3));
        let all = client.fetch_all("t", partition).unwrap();
        assert_eq!(wire::batch::batches(&all).count(), 4);
    }
    let (direct, crossed) = hops(&broker);
    assert_eq!(direct, 12);
    assert!(crossed >= 8, "{crossed} requests went to the other core");
}

#[test]
fn groups_are_coordinated_where_their_partition_is() {
    let data = folder();
    let broker = Broker::start(data.path(), &LANES);
    let mut client = Client::connect(broker.lanes.unwrap()).unwrap();
    let keys: Vec<String> = (0..20).map(|number| format!("group-{number}")).collect();
    let request = FindCoordinatorRequest { coordinator_keys: keys, ..FindCoordinatorRequest::default() };
    let found = client.ask(4, &request).unwrap().coordinators;
    let seen = metadata(&mut client);
    let (nodes, leaders) = (nodes(&seen), leaders(&seen, "__consumer_offsets"));
    let partitions = u32::try_from(leaders.len()).unwrap().try_into().unwrap();
    for one in &found {
        let partition = wire::kafka::group_records::partition_of_group(&one.key, partitions);
        assert_eq!(one.node_id, leaders[partition as usize], "{}", one.key);
        assert_eq!(format!("{}:{}", one.host, one.port).parse(), Ok(nodes[&one.node_id]));
    }
    assert_eq!(found.iter().map(|one| one.node_id).collect::<BTreeSet<_>>().len(), 2, "both lanes coordinate");
}

#[test]
fn lanes_in_an_assignment_stand_for_their_host() {
    let data = folder();
    let broker = Broker::start(data.path(), &LANES);
    let mut client = Client::connect(broker.lanes.unwrap()).unwrap();
    let mut create = |name: &str, nodes: &[i32]| {
        let assignment = CreatableReplicaAssignment { partition_index: 0, broker_ids: nodes.to_vec() };
        let topic = CreatableTopic {
            name: name.to_owned(),
            num_partitions: -1,
            replication_factor: -1,
            assignments: vec![assignment],
            ..CreatableTopic::default()
        };
        let request = CreateTopicsRequest { topics: vec![topic], timeout_ms: 10_000, ..CreateTopicsRequest::default() };
        code(client.ask(7, &request).unwrap().topics[0].error_code)
    };
    assert_eq!(create("a", &[1_001]), ErrorCode::None);
    assert_eq!(create("b", &[1]), ErrorCode::None);
    assert_eq!(create("c", &[1_000, 1_001]), ErrorCode::InvalidReplicaAssignment, "one host twice");
    assert_eq!(create("d", &[1_002]), ErrorCode::InvalidReplicaAssignment);
}

#[test]
fn more_lanes_than_cores_are_refused() {
    let data = folder();
    let Err(log) = Broker::try_start(data.path(), &["--set", "cores=1", "--set", "kafka.lanes=2"]) else {
        panic!("it starts");
    };
    assert!(log.contains("kafka.lanes is 2, but there are 1 cores"), "{log}");
}
