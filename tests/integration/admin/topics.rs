//! Topics are made, grown and deleted with everything that the requests can say.

use tests::broker::{Broker, folder};
use tests::kafka::{Client, code};
use wire::ErrorCode;
use wire::kafka::create_partitions::{CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsTopic};
use wire::kafka::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreatableTopicResult, CreateTopicsRequest,
};
use wire::kafka::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use wire::kafka::metadata::{MetadataRequest, MetadataRequestTopic};

use crate::client_with_topic;

fn topic(name: &str, partitions: i32, replicas: i16) -> CreatableTopic {
    let name = name.to_owned();
    CreatableTopic { name, num_partitions: partitions, replication_factor: replicas, ..CreatableTopic::default() }
}

fn create_all(client: &mut Client, topics: Vec<CreatableTopic>, validate_only: bool) -> Vec<CreatableTopicResult> {
    let request = CreateTopicsRequest { topics, timeout_ms: 5_000, validate_only };
    client.ask(7, &request).unwrap().topics
}

fn create(client: &mut Client, topic: CreatableTopic) -> CreatableTopicResult {
    create_all(client, vec![topic], false).remove(0)
}

/// The number of a topic's partitions, and its id.
fn look_up(client: &mut Client, name: &str) -> Result<(usize, u128), ErrorCode> {
    let wanted = MetadataRequestTopic { name: Some(name.to_owned()), ..MetadataRequestTopic::default() };
    let topics = Some(vec![wanted]);
    let request = MetadataRequest { topics, allow_auto_topic_creation: false, ..MetadataRequest::default() };
    let topic = client.ask(12, &request).unwrap().topics.remove(0);
    match code(topic.error_code) {
        ErrorCode::None => Ok((topic.partitions.len(), topic.topic_id)),
        error => Err(error),
    }
}

fn assigned(partitions: &[(i32, &[i32])]) -> Vec<CreatableReplicaAssignment> {
    let one = |(partition_index, brokers): &(i32, &[i32])| CreatableReplicaAssignment {
        partition_index: *partition_index,
        broker_ids: brokers.to_vec(),
    };
    partitions.iter().map(one).collect()
}

#[test]
fn a_topic_is_made_as_the_request_says_or_refused_with_kafkas_code() {
    let data = folder();
    let broker = Broker::start(data.path(), &["--set", "topics.partitions=3"]);
    let mut client = Client::connect(broker.kafka).unwrap();
    let by_default = create(&mut client, topic("default", -1, -1));
    assert_eq!(
        (code(by_default.error_code), by_default.num_partitions, by_default.replication_factor),
        (ErrorCode::None, 3, 1)
    );
    let placed = CreatableTopic { assignments: assigned(&[(1, &[1]), (0, &[1])]), ..topic("placed", -1, -1) };
    let placed = create(&mut client, placed);
    assert_eq!((code(placed.error_code), placed.num_partitions, placed.replication_factor), (ErrorCode::None, 2, 1));
    let setting = |name: &str, value: Option<&str>| CreatableTopicConfig {
        name: name.to_owned(),
        value: value.map(str::to_owned),
    };
    let with_settings = CreatableTopic { configs: vec![setting("segment.ms", Some("5000"))], ..topic("settled", 1, 1) };
    let settled = create(&mut client, with_settings);
    let configs = settled.configs.expect("they are told");
    let own: Vec<_> = configs.iter().filter(|config| config.config_source == 1).collect();
    assert_eq!((own.len(), own[0].name.as_str(), own[0].value.as_deref()), (1, "segment.ms", Some("5000")));
    assert!(configs.len() > 15 && configs.iter().all(|config| !config.read_only));

    for (wanted, error) in [
        (topic("default", 1, 1), ErrorCode::TopicAlreadyExists),
        (topic("set.tled", 1, 1), ErrorCode::None),
        (topic("set_tled", 1, 1), ErrorCode::InvalidTopicException),
        (topic("", 1, 1), ErrorCode::InvalidTopicException),
        (topic("..", 1, 1), ErrorCode::InvalidTopicException),
        (topic("a b", 1, 1), ErrorCode::InvalidTopicException),
        (topic(&"x".repeat(250), 1, 1), ErrorCode::InvalidTopicException),
        (topic("__consumer_offsets", 1, 1), ErrorCode::InvalidTopicException),
        (topic("__cluster_metadata", 1, 1), ErrorCode::InvalidRequest),
        (topic("zero", 0, 1), ErrorCode::InvalidPartitions),
        (topic("minus", -2, 1), ErrorCode::InvalidPartitions),
        (topic("many", 10_001, 1), ErrorCode::InvalidPartitions),
        (topic("copies", 1, 2), ErrorCode::InvalidReplicationFactor),
        (topic("copies", 1, 0), ErrorCode::InvalidReplicationFactor),
        (topic("copies", 1, -2), ErrorCode::InvalidReplicationFactor),
        (CreatableTopic { assignments: assigned(&[(0, &[1])]), ..topic("p", 1, -1) }, ErrorCode::InvalidRequest),
        (CreatableTopic { assignments: assigned(&[(0, &[1])]), ..topic("p", -1, 1) }, ErrorCode::InvalidRequest),
        (
            CreatableTopic { assignments: assigned(&[(1, &[1])]), ..topic("p", -1, -1) },
            ErrorCode::InvalidReplicaAssignment,
        ),
        (
            CreatableTopic { assignments: assigned(&[(0, &[1]), (0, &[1])]), ..topic("p", -1, -1) },
            ErrorCode::InvalidReplicaAssignment,
        ),
        (
            CreatableTopic { assignments: assigned(&[(0, &[2])]), ..topic("p", -1, -1) },
            ErrorCode::InvalidReplicaAssignment,
        ),
        (
            CreatableTopic { assignments: assigned(&[(0, &[1, 1])]), ..topic("p", -1, -1) },
            ErrorCode::InvalidReplicaAssignment,
        ),
        (
            CreatableTopic { assignments: assigned(&[(0, &[])]), ..topic("p", -1, -1) },
            ErrorCode::InvalidReplicaAssignment,
        ),
        (CreatableTopic { configs: vec![setting("no.such", Some("1"))], ..topic("p", 1, 1) }, ErrorCode::InvalidConfig),
        (CreatableTopic { configs: vec![setting("segment.ms", None)], ..topic("p", 1, 1) }, ErrorCode::InvalidConfig),
    ] {
        let result = create(&mut client, wanted.clone());
        assert_eq!(code(result.error_code), error, "{wanted:?}: {result:?}");
        assert_eq!(result.error_message.is_some(), error != ErrorCode::None);
    }
    assert_eq!(look_up(&mut client, "p"), Err(ErrorCode::UnknownTopicOrPartition));
    let name = Some("__cluster_metadata".to_owned());
    let wanted = MetadataRequestTopic { name, ..MetadataRequestTopic::default() };
    let request = MetadataRequest { topics: Some(vec![wanted]), ..MetadataRequest::default() };
    let asked = client.ask(12, &request).unwrap().topics.remove(0);
    assert_eq!(code(asked.error_code), ErrorCode::InvalidRequest, "nor is it made for who asks for it");
}

#[test]
fn validation_alone_makes_and_grows_nothing() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "there", 2);
    let results = create_all(&mut client, vec![topic("new", 4, 1), topic("there", 1, 1)], true);
    assert_eq!((code(results[0].error_code), results[0].num_partitions), (ErrorCode::None, 4));
    assert!(!results[0].configs.as_ref().expect("they are told").is_empty());
    assert_eq!(code(results[1].error_code), ErrorCode::TopicAlreadyExists);
    assert_eq!(look_up(&mut client, "new"), Err(ErrorCode::UnknownTopicOrPartition));
    let twice = create_all(&mut client, vec![topic("twice", 1, 1), topic("once", 1, 1), topic("twice", 1, 1)], false);
    let codes: Vec<_> = twice.iter().map(|result| code(result.error_code)).collect();
    assert_eq!(codes, [ErrorCode::InvalidRequest, ErrorCode::None, ErrorCode::InvalidRequest]);
    assert_eq!(grow_all(&mut client, vec![grown("there", 5, None)], true), [ErrorCode::None]);
    assert_eq!(grow_all(&mut client, vec![grown("there", 1, None)], true), [ErrorCode::InvalidPartitions]);
    assert_eq!(look_up(&mut client, "there").unwrap().0, 2);
}

fn grown(name: &str, count: i32, assignments: Option<&[&[i32]]>) -> CreatePartitionsTopic {
    let one = |brokers: &&[i32]| CreatePartitionsAssignment { broker_ids: brokers.to_vec() };
    let assignments = assignments.map(|lists| lists.iter().map(one).collect());
    CreatePartitionsTopic { name: name.to_owned(), count, assignments }
}

fn grow_all(client: &mut Client, topics: Vec<CreatePartitionsTopic>, validate_only: bool) -> Vec<ErrorCode> {
    let request = CreatePartitionsRequest { topics, timeout_ms: 5_000, validate_only };
    let results = client.ask(3, &request).unwrap().results;
    assert!(results.iter().all(|result| (result.error_code == 0) == result.error_message.is_none()), "{results:?}");
    results.iter().map(|result| code(result.error_code)).collect()
}

#[test]
fn a_topic_grows_as_the_request_says_or_is_refused_with_kafkas_code() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "small", 2);
    for (wanted, error) in [
        (grown("small", 2, None), ErrorCode::InvalidPartitions),
        (grown("small", 1, None), ErrorCode::InvalidPartitions),
        (grown("small", 0, None), ErrorCode::InvalidPartitions),
        (grown("small", -1, None), ErrorCode::InvalidPartitions),
        (grown("small", 10_001, None), ErrorCode::InvalidPartitions),
        (grown("missing", 2, None), ErrorCode::UnknownTopicOrPartition),
        (grown("small", 4, Some(&[&[1]])), ErrorCode::InvalidReplicaAssignment),
        (grown("small", 4, Some(&[])), ErrorCode::InvalidReplicaAssignment),
        (grown("small", 3, Some(&[&[7]])), ErrorCode::InvalidReplicaAssignment),
        (grown("small", 3, Some(&[&[-1]])), ErrorCode::InvalidReplicaAssignment),
        (grown("small", 3, Some(&[&[1, 1]])), ErrorCode::InvalidReplicaAssignment),
        (grown("small", 3, Some(&[&[]])), ErrorCode::InvalidReplicaAssignment),
    ] {
        assert_eq!(grow_all(&mut client, vec![wanted.clone()], false), [error], "{wanted:?}");
    }
    assert_eq!(look_up(&mut client, "small").unwrap().0, 2);
    let twice = vec![grown("small", 3, None), grown("small", 4, None)];
    assert_eq!(grow_all(&mut client, twice, false), [ErrorCode::InvalidRequest; 2]);
    assert_eq!(grow_all(&mut client, vec![grown("small", 4, Some(&[&[1], &[1]]))], false), [ErrorCode::None]);
    assert_eq!(grow_all(&mut client, vec![grown("small", 5, None)], false), [ErrorCode::None]);
    assert_eq!(look_up(&mut client, "small").unwrap().0, 5);
    for partition in 0..5 {
        let made = client.produce("small", partition, &crate::batch(1)).unwrap();
        assert_eq!(code(made.error_code), ErrorCode::None);
    }
}

#[test]
fn topics_are_deleted_by_name_and_by_id() {
    let data = folder();
    let broker = Broker::start(data.path(), &[]);
    let mut client = client_with_topic(&broker, "a", 1);
    for name in ["b", "c", "d", "e"] {
        assert_eq!(client.create_topic(name, 1, &[]).unwrap(), ErrorCode::None);
    }
    let id = |client: &mut Client, name: &str| look_up(client, name).unwrap().1;
    let (b, c, d) = (id(&mut client, "b"), id(&mut client, "c"), id(&mut client, "d"));
    let mut delete = |topics: &[(Option<&str>, u128)]| {
        let one = |(name, topic_id): &(Option<&str>, u128)| DeleteTopicState {
            name: name.map(str::to_owned),
            topic_id: *topic_id,
        };
        let topics = topics.iter().map(one).collect();
        let request = DeleteTopicsRequest { topics, timeout_ms: 5_000, ..DeleteTopicsRequest::default() };
        let responses = client.ask(6, &request).unwrap().responses;
        responses.into_iter().map(|each| (code(each.error_code), each.name, each.topic_id)).collect::<Vec<_>>()
    };
    let name = |name: &str| Some(name.to_owned());
    assert_eq!(delete(&[(None, b)]), [(ErrorCode::None, name("b"), b)]);
    assert_eq!(delete(&[(None, b)]), [(ErrorCode::UnknownTopicId, None, b)]);
    assert_eq!(delete(&[(None, 0)]), [(ErrorCode::InvalidRequest, None, 0)]);
    assert_eq!(delete(&[(Some("c"), c)])[0].0, ErrorCode::InvalidRequest);
    assert_eq!(delete(&[(Some("missing"), 0)])[0].0, ErrorCode::UnknownTopicOrPartition);
    let codes: Vec<_> = delete(&[(Some("d"), 0), (Some("e"), 0), (None, d)]).into_iter().map(|each| each.0).collect();
    assert_eq!(codes, [ErrorCode::InvalidRequest, ErrorCode::None, ErrorCode::InvalidRequest], "twice by two names");
    for version in [1, 5] {
        let gone = ["a", "c"][usize::from(version == 5)].to_owned();
        let request = DeleteTopicsRequest { topic_names: vec![gone.clone()], ..DeleteTopicsRequest::default() };
        let answer = client.ask(version, &request).unwrap();
        assert_eq!((code(answer.responses[0].error_code), &answer.responses[0].name), (ErrorCode::None, &Some(gone)));
    }
    for gone in ["a", "b", "c", "e"] {
        assert_eq!(look_up(&mut client, gone), Err(ErrorCode::UnknownTopicOrPartition));
    }
    assert!(look_up(&mut client, "d").is_ok());
}
