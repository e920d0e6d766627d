//! Committing, fetching and deleting offsets, and the topic that they are in.

use tests::broker::{Broker, folder};
use tests::kafka::{Client, code};
use wire::ErrorCode;
use wire::kafka::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use wire::kafka::delete_groups::DeleteGroupsRequest;
use wire::kafka::delete_records::{DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic};
use wire::kafka::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use wire::kafka::metadata::{MetadataRequest, MetadataRequestTopic};
use wire::kafka::offset_commit::OffsetCommitRequest;
use wire::kafka::offset_delete::{OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use wire::kafka::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};

use super::{commit_request, committed, find_coordinator, start};

const NO_MEMBER: (&str, i32) = ("", -1);
const OFFSETS: &str = "__consumer_offsets";

fn client_with(broker: &Broker, topic: &str) -> Client {
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    assert_eq!(client.create_topic(topic, 3, &[]).expect("it answers"), ErrorCode::None);
    find_coordinator(&mut client, "g");
    client
}

fn id_of(client: &mut Client, topic: &str) -> u128 {
    let topic = MetadataRequestTopic { name: Some(topic.to_owned()), ..MetadataRequestTopic::default() };
    let request = MetadataRequest { topics: Some(vec![topic]), ..MetadataRequest::default() };
    client.ask(12, &request).expect("it answers").topics[0].topic_id
}

#[test]
fn every_version_commits_and_every_version_fetches_it() {
    let data = folder();
    let broker = start(data.path(), &[]);
    let mut client = client_with(&broker, "flights");
    let id = id_of(&mut client, "flights");
    for version in 2..=10 {
        let offset = i64::from(version) * 100;
        let mut commit = commit_request("g", NO_MEMBER, "flights", &[(0, offset), (2, offset + 1), (7, 1)]);
        commit.topics[0].topic_id = id;
        let response = client.ask(version, &commit).expect("it answers");
        let codes: Vec<ErrorCode> =
            response.topics[0].partitions.iter().map(|partition| code(partition.error_code)).collect();
        let expected = [ErrorCode::None, ErrorCode::None, ErrorCode::UnknownTopicOrPartition];
        assert_eq!(codes, expected, "version {version}");
        for fetch in 1..=10 {
            let found = fetch_all_ways(&mut client, fetch, id);
            assert_eq!(found, [(0, offset), (1, -1), (2, offset + 1)], "committed {version}, fetched {fetch}");
        }
    }
}

/// What a version finds for partitions 0 to 2 of the topic, and by asking for all.
fn fetch_all_ways(client: &mut Client, version: i16, id: u128) -> Vec<(i32, i64)> {
    let named = fetch_once(client, version, Some(vec![0, 1, 2]), id);
    if version >= 2 {
        let all = fetch_once(client, version, None, id);
        let there: Vec<_> = named.iter().copied().filter(|(_, offset)| *offset >= 0).collect();
        assert_eq!(all, there, "version {version}");
    }
    named
}

fn fetch_once(client: &mut Client, version: i16, partitions: Option<Vec<i32>>, id: u128) -> Vec<(i32, i64)> {
    let name = "flights".to_owned();
    if version < 8 {
        let topic = partitions.map(|partition_indexes| vec![OffsetFetchRequestTopic { name, partition_indexes }]);
        let request = OffsetFetchRequest { group_id: "g".to_owned(), topics: topic, ..OffsetFetchRequest::default() };
        let response = client.ask(version, &request).expect("it answers");
        assert_eq!(code(response.error_code), ErrorCode::None);
        assert_eq!(response.topics[0].name, "flights");
        let found = response.topics[0].partitions.iter();
        return found.map(|partition| (partition.partition_index, partition.committed_offset)).collect();
    }
    let topic =
        partitions.map(|partition_indexes| vec![OffsetFetchRequestTopics { name, topic_id: id, partition_indexes }]);
    let group = OffsetFetchRequestGroup { group_id: "g".to_owned(), topics: topic, ..Default::default() };
    // Another group beside it.
    let groups = vec![group, OffsetFetchRequestGroup { group_id: "other".to_owned(), ..Default::default() }];
    let response = client.ask(version, &OffsetFetchRequest { groups, ..Default::default() }).expect("it answers");
    let [group, other] = &response.groups[..] else { panic!("two groups were asked for") };
    assert_eq!((other.group_id.as_str(), code(other.error_code), other.topics.len()), ("other", ErrorCode::None, 0));
    assert_eq!(code(group.error_code), ErrorCode::None);
    let topic = &group.topics[0];
    if version >= 10 {
        assert_eq!(topic.topic_id, id);
    } else {
        assert_eq!(topic.name, "flights");
    }
    topic.partitions.iter().map(|partition| (partition.partition_index, partition.committed_offset)).collect()
}

#[test]
fn a_commit_that_cannot_be_is_refused_where_it_is_wrong() {
    let data = folder();
    let broker = start(data.path(), &[]);
    let mut client = client_with(&broker, "flights");
    let mut refused = |version: i16, request: &OffsetCommitRequest| {
        let response = client.ask(version, request).expect("it answers");
        code(response.topics[0].partitions[0].error_code)
    };
    let there = commit_request("g", NO_MEMBER, "flights", &[(0, 5)]);
    assert_eq!(refused(8, &commit_request("g", NO_MEMBER, "trains", &[(0, 5)])), ErrorCode::UnknownTopicOrPartition);
    assert_eq!(refused(10, &there), ErrorCode::UnknownTopicId);
    assert_eq!(refused(8, &commit_request("g", ("m", 3), "flights", &[(0, 5)])), ErrorCode::IllegalGeneration);
    assert_eq!(refused(9, &commit_request("g", ("m", 3), "flights", &[(0, 5)])), ErrorCode::GroupIdNotFound);
    let mut long = there.clone();
    long.topics[0].partitions[0].committed_metadata = Some("m".repeat(5_000));
    assert_eq!(refused(8, &long), ErrorCode::OffsetMetadataTooLarge);
    assert_eq!(refused(8, &there), ErrorCode::None);
    assert_eq!(committed(&mut client, "g", "flights", 0), 5);
    // Ids that nobody has, when they are fetched.
    let unknown = OffsetFetchRequestTopics { topic_id: 77 << 64, partition_indexes: vec![0], ..Default::default() };
    let group = OffsetFetchRequestGroup { group_id: "g".to_owned(), topics: Some(vec![unknown]), ..Default::default() };
    let fetch = OffsetFetchRequest { groups: vec![group], ..OffsetFetchRequest::default() };
    let response = client.ask(10, &fetch).expect("it answers");
    assert_eq!(code(response.groups[0].topics[0].partitions[0].error_code), ErrorCode::UnknownTopicId);
}

#[test]
fn offsets_and_groups_are_deleted_and_go_with_their_topics() {
    let data = folder();
    let broker = start(data.path(), &[]);
    let mut client = client_with(&broker, "flights");
    assert_eq!(client.create_topic("trains", 1, &[]).expect("it answers"), ErrorCode::None);
    for (topic, offsets) in [("flights", &[(0, 1), (1, 2)][..]), ("trains", &[(0, 3)])] {
        for group in ["g", "h"] {
            client.ask(8, &commit_request(group, NO_MEMBER, topic, offsets)).expect("it answers");
        }
    }
    let partitions = [0, 9].map(|partition_index| OffsetDeleteRequestPartition { partition_index }).to_vec();
    let topics = vec![
        OffsetDeleteRequestTopic { name: "flights".to_owned(), partitions: partitions.clone() },
        OffsetDeleteRequestTopic { name: "ships".to_owned(), partitions },
    ];
    let request = OffsetDeleteRequest { group_id: "g".to_owned(), topics };
    let deleted = client.ask(0, &request).expect("it answers");
    assert_eq!(code(deleted.error_code), ErrorCode::None);
    assert_eq!(code(deleted.topics[0].partitions[0].error_code), ErrorCode::None);
    assert_eq!(code(deleted.topics[1].partitions[0].error_code), ErrorCode::UnknownTopicOrPartition);
    assert_eq!(committed(&mut client, "g", "flights", 0), -1);
    assert_eq!(committed(&mut client, "g", "flights", 1), 2);

    let groups_names = vec!["h".to_owned(), "nobody".to_owned()];
    let deleted = client.ask(2, &DeleteGroupsRequest { groups_names }).expect("it answers");
    let codes: Vec<_> = deleted.results.iter().map(|one| (one.group_id.as_str(), code(one.error_code))).collect();
    assert_eq!(codes, [("h", ErrorCode::None), ("nobody", ErrorCode::GroupIdNotFound)]);
    assert_eq!(committed(&mut client, "h", "flights", 1), -1);

    let topic = DeleteTopicState { name: Some("trains".to_owned()), ..DeleteTopicState::default() };
    let request = DeleteTopicsRequest { topics: vec![topic], ..DeleteTopicsRequest::default() };
    assert_eq!(code(client.ask(6, &request).expect("it answers").responses[0].error_code), ErrorCode::None);
    assert_eq!(client.create_topic("trains", 1, &[]).expect("it answers"), ErrorCode::None);
    let begun = std::time::Instant::now();
    while committed(&mut client, "g", "trains", 0) != -1 {
        assert!(begun.elapsed() < super::PATIENCE, "the offset outlives its topic");
    }
    assert_eq!(committed(&mut client, "g", "flights", 1), 2);
}

#[test]
fn clients_may_read_the_topic_of_the_groups_and_nothing_else() {
    let data = folder();
    let broker = start(data.path(), &["groups.offsets_partitions=7"]);
    let mut client = Client::connect(broker.kafka).expect("the broker serves");
    assert_eq!(client.create_topic(OFFSETS, 1, &[]).expect("it answers"), ErrorCode::InvalidTopicException);
    assert_eq!(client.create_topic("flights", 1, &[]).expect("it answers"), ErrorCode::None);
    find_coordinator(&mut client, "g");
    client.ask(8, &commit_request("g", NO_MEMBER, "flights", &[(0, 1)])).expect("it answers");
    let described = client.ask(9, &MetadataRequest { topics: None, ..Default::default() }).expect("it answers");
    let seen: Vec<_> = described
        .topics
        .iter()
        .map(|topic| (topic.name.as_deref(), topic.is_internal, topic.partitions.len()))
        .collect();
    assert_eq!(seen, [(Some(OFFSETS), true, 7), (Some("flights"), false, 1)]);
    let refused = client.produce(OFFSETS, 0, &crate::batch(1)).expect("it answers");
    assert_eq!(code(refused.error_code), ErrorCode::InvalidTopicException);
    let topic = DeleteTopicState { name: Some(OFFSETS.to_owned()), ..DeleteTopicState::default() };
    let request = DeleteTopicsRequest { topics: vec![topic], ..DeleteTopicsRequest::default() };
    let refused = client.ask(6, &request).expect("it answers");
    assert_eq!(code(refused.responses[0].error_code), ErrorCode::InvalidTopicException);
    let id = id_of(&mut client, OFFSETS);
    let topic = DeleteTopicState { name: None, topic_id: id };
    let request = DeleteTopicsRequest { topics: vec![topic], ..DeleteTopicsRequest::default() };
    let refused = client.ask(6, &request).expect("it answers");
    assert_eq!(code(refused.responses[0].error_code), ErrorCode::InvalidTopicException);
    let topic = CreatePartitionsTopic { name: OFFSETS.to_owned(), count: 60, assignments: None };
    let request = CreatePartitionsRequest { topics: vec![topic], ..CreatePartitionsRequest::default() };
    let refused = client.ask(3, &request).expect("it answers");
    assert_eq!(code(refused.results[0].error_code), ErrorCode::InvalidTopicException);
    let partitions = vec![DeleteRecordsPartition { partition_index: 0, offset: -1 }];
    let topics = vec![DeleteRecordsTopic { name: OFFSETS.to_owned(), partitions }];
    let refused = client.ask(2, &DeleteRecordsRequest { topics, ..Default::default() }).expect("it answers");
    assert_eq!(code(refused.topics[0].partitions[0].error_code), ErrorCode::InvalidTopicException);
    let read: usize = (0..7).map(|index| client.fetch_all(OFFSETS, index).expect("it can be read").len()).sum();
    assert!(read > 0, "the commit is there");
}
