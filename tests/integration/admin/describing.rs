//! What can be asked of topics, partitions and the broker.

use tests::broker::{Broker, folder};
use tests::kafka::{Client, code};
use wire::ErrorCode;
use wire::batch::ProducerStamp;
use wire::kafka::describe_log_dirs::{
    DescribableLogDirTopic, DescribeLogDirsRequest, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use wire::kafka::describe_producers::{DescribeProducersRequest, PartitionResponse, TopicRequest};
use wire::kafka::describe_quorum::{DescribeQuorumRequest, RequestedPartition, RequestedTopic};
use wire::kafka::list_config_resources::ListConfigResourcesRequest;

use super::{BROKER, SET, TOPIC, alter_well, describe};
use crate::{EPOCH, batch_at, client_with_topic};

/// Kafka's, without those of tiered storage and of throttled replicas (docs/kafka.md), and ours.
const TOPIC_SETTINGS: [&str; 27] = [
    "cleanup.policy",
    "compression.gzip.level",
    "compression.lz4.level",
    "compression.type",
    "compression.zstd.level",
    "corelane.durability",
    "delete.retention.ms",
    "file.delete.delay.ms",
    "flush.messages",
    "flush.ms",
    "index.interval.bytes",
    "max.compaction.lag.ms",
    "max.message.bytes",
    "message.timestamp.after.max.ms",
    "message.timestamp.before.max.ms",
    "message.timestamp.type",
    "min.cleanable.dirty.ratio",
    "min.compaction.lag.ms",
    "min.insync.replicas",
    "preallocate",
    "retention.bytes",
    "retention.ms",
    "segment.bytes",
    "segment.index.bytes",
    "segment.jitter.ms",
    "segment.ms",
    "unclean.leader.election.enable",
];

/// Some that Kafka's tools and operators look for.
const BROKER_SETTINGS: [&str; 14] = [
    "auto.create.topics.enable",
    "broker.id",
    "default.replication.factor",
    "group.max.size",
    "log.cleaner.dedupe.buffer.size",
    "log.dirs",
    "log.index.interval.bytes",
    "log.retention.bytes",
    "log.retention.ms",
    "log.segment.bytes",
    "max.incremental.fetch.session.cache.slots",
    "message.max.bytes",
    "num.partitions",
    "offsets.retention.minutes",
];

#[test]
fn only_the_settings_asked_for_are_described() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "some", 1);
    for (resource_type, name, expected) in [(TOPIC, "some", &TOPIC_SETTINGS[..]), (BROKER, "1", &BROKER_SETTINGS)] {
        let mut names = |keys: Option<&[&str]>| {
            let described = describe(&mut client, resource_type, name, keys);
            described.configs.into_iter().map(|setting| setting.name).collect::<Vec<_>>()
        };
        let all = names(None);
        for setting in expected {
            assert!(all.iter().any(|name| name == setting), "{setting} is not in {all:?}");
        }
        assert_eq!(names(Some(&[])), all, "an empty list asks for all");
        assert_eq!(names(Some(&["compression.type", "nothing"])), ["compression.type"]);
        let mut unique = all.clone();
        unique.dedup();
        assert_eq!(unique, all, "each name once, in order");
    }
    let unknown = describe(&mut client, TOPIC, "missing", None);
    assert_eq!(code(unknown.error_code), ErrorCode::UnknownTopicOrPartition);
}

#[test]
fn resources_with_settings_are_listed_by_type() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "listed", 1);
    assert_eq!(client.create_topic("also", 1, &[]).unwrap(), ErrorCode::None);
    let mut list = |version, types: &[i8]| {
        let request = ListConfigResourcesRequest { resource_types: types.to_vec() };
        let answer = client.ask(version, &request).unwrap();
        let resources = answer.config_resources.into_iter();
        let resources = resources.map(|each| (each.resource_type, each.resource_name)).collect::<Vec<_>>();
        (code(answer.error_code), resources)
    };
    let named = |resource_type: i8, name: &str| (resource_type, name.to_owned());
    let topics = vec![named(TOPIC, "also"), named(TOPIC, "listed")];
    assert_eq!(list(0, &[]), (ErrorCode::None, vec![]), "version 0 asks for clients' metrics");
    assert_eq!(list(1, &[TOPIC]), (ErrorCode::None, topics.clone()));
    assert_eq!(list(1, &[16, 32]), (ErrorCode::None, vec![]));
    assert_eq!(list(1, &[TOPIC, 3]), (ErrorCode::UnsupportedVersion, vec![]));
    let (error, all) = list(1, &[]);
    assert_eq!((error, &all[..2]), (ErrorCode::None, &topics[..]));
    assert!(all.contains(&named(BROKER, "1")), "{all:?}");
}

fn log_dirs(client: &mut Client, version: i16, topics: Option<&[(&str, &[i32])]>) -> DescribeLogDirsResult {
    let topic = |(topic, partitions): &(&str, &[i32])| DescribableLogDirTopic {
        topic: (*topic).to_owned(),
        partitions: partitions.to_vec(),
    };
    let topics = topics.map(|topics| topics.iter().map(topic).collect());
    let mut answer = client.ask(version, &DescribeLogDirsRequest { topics }).unwrap();
    assert_eq!((answer.error_code, answer.results.len()), (0, 1));
    answer.results.remove(0)
}

/// Sizes by topic and partition.
fn sizes(result: &DescribeLogDirsResult) -> Vec<(&str, i32, i64)> {
    let mut sizes = Vec::new();
    for DescribeLogDirsTopic { name, partitions } in &result.topics {
        for each in partitions {
            assert_eq!((each.offset_lag, each.is_future_key), (0, false));
            sizes.push((name.as_str(), each.partition_index, each.partition_size));
        }
    }
    sizes
}

#[test]
fn the_data_folder_is_described_with_what_each_partition_takes() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "large", 2);
    assert_eq!(client.create_topic("none", 1, &[]).unwrap(), ErrorCode::None);
    let record = batch_at(&[0], 50_000, None);
    for _ in 0..4 {
        client.produce("large", 1, &record).unwrap();
    }
    let bytes = 4 * i64::try_from(record.len()).unwrap();
    let everything = [("large", 0, 0), ("large", 1, bytes), ("none", 0, 0)];
    for version in 1..=5 {
        let result = log_dirs(&mut client, version, None);
        assert_eq!(code(result.error_code), ErrorCode::None);
        assert_eq!(sizes(&result), everything);
        assert_eq!(std::path::Path::new(&result.log_dir), data.path());
        assert!(!result.is_cordoned);
        if version >= 4 {
            assert!(result.usable_bytes > 0 && result.total_bytes > result.usable_bytes, "{result:?}");
        } else {
            assert_eq!((result.usable_bytes, result.total_bytes), (-1, -1));
        }
    }
    let some = log_dirs(&mut client, 4, Some(&[("large", &[1, 1, 9, -1]), ("missing", &[0])]));
    assert_eq!(sizes(&some), [("large", 1, bytes)], "what is not there takes no space");
    assert_eq!(sizes(&log_dirs(&mut client, 4, Some(&[]))), []);
    broker.stop();
    let broker = Broker::start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).unwrap();
    assert_eq!(sizes(&log_dirs(&mut client, 4, None)), everything);
}

fn producers(client: &mut Client, topic: &str, partitions: &[i32]) -> Vec<PartitionResponse> {
    let asked = TopicRequest { name: topic.to_owned(), partition_indexes: partitions.to_vec() };
    let mut answer = client.ask(0, &DescribeProducersRequest { topics: vec![asked] }).unwrap();
    assert_eq!((answer.topics.len(), answer.topics[0].name.as_str()), (1, topic));
    answer.topics.remove(0).partitions
}

#[test]
fn a_partition_tells_of_its_producers_also_after_kill_9() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "known", 4);
    let first = client.producer_id().unwrap();
    let second = client.producer_id().unwrap();
    let mut send = |producer: i64, epoch: u16, sequence: u32, times: &[i64]| {
        let stamp = ProducerStamp {
            id: base::ProducerId::from_wire(producer).unwrap(),
            epoch: base::ProducerEpoch::from_wire(i16::try_from(epoch).unwrap()).unwrap(),
            base_sequence: base::Sequence::from_wire(i32::try_from(sequence).unwrap()),
        };
        let made = client.produce("known", 2, &batch_at(times, 10, Some(stamp))).unwrap();
        assert_eq!(code(made.error_code), ErrorCode::None);
    };
    send(first, 0, 0, &[10, 20, 15]);
    send(first, 0, 3, &[30]);
    send(second, 3, 0, &[7, 5]);
    let check = |client: &mut Client| {
        let answers = producers(client, "known", &[2, 0, 9]);
        let known: Vec<_> = answers[0]
            .active_producers
            .iter()
            .map(|each| {
                assert_eq!((each.coordinator_epoch, each.current_txn_start_offset), (-1, -1));
                (each.producer_id, each.producer_epoch, each.last_sequence, each.last_timestamp)
            })
            .collect();
        assert_eq!(known, [(first, 0, 3, EPOCH + 30), (second, 3, 1, EPOCH + 7)]);
        assert_eq!((code(answers[1].error_code), answers[1].active_producers.len()), (ErrorCode::None, 0));
        assert_eq!(code(answers[2].error_code), ErrorCode::UnknownTopicOrPartition);
        assert!(answers[2].error_message.is_some());
    };
    check(&mut client);
    let unknown = producers(&mut client, "missing", &[0]);
    assert_eq!(code(unknown[0].error_code), ErrorCode::UnknownTopicOrPartition);
    let impossible = producers(&mut client, "no/name", &[0]);
    assert_eq!(code(impossible[0].error_code), ErrorCode::InvalidTopicException);
    broker.kill();
    let broker = Broker::start(data.path(), &[]);
    let mut client = Client::connect(broker.kafka).unwrap();
    check(&mut client);
    // The bound is in force as soon as it is set.
    alter_well(&mut client, BROKER, "", &[("producer.id.expiration.ms", SET, Some("1000"))]);
    std::thread::sleep(std::time::Duration::from_millis(1_200));
    assert_eq!(producers(&mut client, "known", &[2])[0].active_producers, []);
}

#[test]
fn one_node_is_the_quorum_of_the_metadata() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut clients: Vec<Client> = (0..2).map(|_| Client::connect(broker.kafka).unwrap()).collect();
    let request = |topic: &str, partitions: &[i32]| {
        let partition = |partition_index: &i32| RequestedPartition { partition_index: *partition_index };
        let partitions = partitions.iter().map(partition).collect();
        DescribeQuorumRequest { topics: vec![RequestedTopic { topic_name: topic.to_owned(), partitions }] }
    };
    let mut last = -1;
    for version in 0..=2 {
        for client in &mut clients {
            let mut answer = client.ask(version, &request("__cluster_metadata", &[0])).unwrap();
            assert_eq!((answer.error_code, answer.topics.len()), (0, 1));
            let partition = answer.topics[0].partitions.remove(0);
            assert_eq!((partition.error_code, partition.leader_id, partition.leader_epoch), (0, 1, 0));
            assert_eq!((partition.current_voters.len(), partition.observers.len()), (1, 0));
            let voter = &partition.current_voters[0];
            assert_eq!((voter.replica_id, voter.log_end_offset), (1, partition.high_watermark));
            assert!(partition.high_watermark > last, "it grows with each topic");
            last = partition.high_watermark;
            assert_eq!(client.create_topic(&format!("t{last}"), 1, &[]).unwrap(), ErrorCode::None);
            if version >= 1 {
                assert!(voter.last_fetch_timestamp > EPOCH && voter.last_caught_up_timestamp > EPOCH);
            }
            if version >= 2 {
                let listener = &answer.nodes[0].listeners[0];
                assert_eq!((answer.nodes[0].node_id, listener.port), (1, broker.kafka.port()));
            }
        }
    }
    for (topic, partitions) in [("orders", &[0][..]), ("__cluster_metadata", &[1]), ("__cluster_metadata", &[0, 1])] {
        let answer = clients[0].ask(2, &request(topic, partitions)).unwrap();
        assert_eq!(answer.topics[0].partitions.len(), partitions.len());
        for partition in &answer.topics[0].partitions {
            assert_eq!(code(partition.error_code), ErrorCode::UnknownTopicOrPartition);
        }
    }
    let nothing = clients[0].ask(2, &DescribeQuorumRequest::default()).unwrap();
    assert_eq!((nothing.error_code, nothing.topics.len()), (0, 0));
}
