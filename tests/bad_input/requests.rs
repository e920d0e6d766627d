//! Requests that can be read and ask for what cannot be: the Kafka door.

use std::io;

use tests::kafka::{Client, code, fetch_request, produce_request};
use wire::ErrorCode;
use wire::batch::BatchOptions;
use wire::kafka::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use wire::kafka::create_topics::{CreatableTopic, CreateTopicsRequest};
use wire::kafka::delete_records::{DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic};
use wire::kafka::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use wire::kafka::describe_configs::{DescribeConfigsRequest, DescribeConfigsResource};
use wire::kafka::fetch::FetchRequest;
use wire::kafka::init_producer_id::InitProducerIdRequest;
use wire::kafka::metadata::{MetadataRequest, MetadataRequestTopic};
use wire::kafka::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};

use crate::batches::good;
use crate::case::{Answer, Case, Door, Seen, Setup, case};
use crate::{TOPIC, WIDE};

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = produce();
    cases.extend(create_topics());
    cases.extend(fetch());
    cases.extend(others());
    cases.extend(repetitions());
    cases
}

/// A case that ends with a code.
pub(crate) fn coded(
    name: &'static str,
    sent: &'static str,
    expected: ErrorCode,
    ask: impl Fn(&Setup, &mut Client) -> io::Result<i16> + 'static,
) -> Case {
    case(name, Door::Kafka, sent, Answer::Error(expected), move |setup| {
        Ok(Seen::Error(code(ask(setup, &mut setup.kafka()?)?)))
    })
}

fn produce() -> Vec<Case> {
    let to = |topic: &'static str, partition: i32, acks: i16| {
        move |_: &Setup, client: &mut Client| {
            let request = produce_request(topic, partition, &good(1, BatchOptions::default()), acks);
            Ok(client.ask(9, &request)?.responses[0].partition_responses[0].error_code)
        }
    };
    let unknown = ErrorCode::UnknownTopicOrPartition;
    vec![
        coded("produce to an unknown topic", "topic \"nowhere\"", unknown, to("nowhere", 0, -1)),
        coded("produce to an unknown partition", "partition 99", unknown, to(TOPIC, 99, -1)),
        coded("produce to partition -1", "partition -1", unknown, to(TOPIC, -1, -1)),
        coded("produce with acks 7", "acks 7", ErrorCode::InvalidRequiredAcks, to(TOPIC, 0, 7)),
        coded("produce by an unknown topic id", "Produce version 13", ErrorCode::UnknownTopicId, |_, client| {
            let mut request = produce_request("", 0, &good(1, BatchOptions::default()), -1);
            request.topic_data[0].topic_id = 0xDEAD;
            Ok(client.ask(13, &request)?.responses[0].partition_responses[0].error_code)
        }),
        case(
            "refused batch with acks 0",
            Door::Kafka,
            "acks 0, topic \"nowhere\"",
            Answer::Closed("a batch sent with acks=0 is refused"),
            |setup| {
                let mut client = setup.kafka()?;
                client.send(9, &produce_request("nowhere", 0, &good(1, BatchOptions::default()), 0))?;
                crate::case::end_of(client.stream())
            },
        ),
    ]
}

fn create_topics() -> Vec<Case> {
    use ErrorCode::{
        InvalidConfig, InvalidPartitions, InvalidReplicationFactor, InvalidTopicException, TopicAlreadyExists,
    };
    let named = |name: String| move |_: &Setup, client: &mut Client| Ok(client.create_topic(&name, 1, &[])?.code());
    let sized = |partitions: i32, factor: i16| {
        move |_: &Setup, client: &mut Client| {
            let topic = CreatableTopic {
                name: "sized".to_owned(),
                num_partitions: partitions,
                replication_factor: factor,
                ..CreatableTopic::default()
            };
            let request = CreateTopicsRequest { topics: vec![topic], ..CreateTopicsRequest::default() };
            Ok(client.ask(7, &request)?.topics[0].error_code)
        }
    };
    let set = |name: &'static str, value: &'static str| {
        move |_: &Setup, client: &mut Client| Ok(client.create_topic("set", 1, &[(name, value)])?.code())
    };
    vec![
        coded("topic without a name", "CreateTopics \"\"", InvalidTopicException, named(String::new())),
        coded("topic named after a folder", "CreateTopics \"..\"", InvalidTopicException, named("..".to_owned())),
        coded("topic name too long", "a name of 250 letters", InvalidTopicException, named("x".repeat(250))),
        coded("topic name with a slash", "CreateTopics \"a/b\"", InvalidTopicException, named("a/b".to_owned())),
        coded("topic name with a zero byte", "CreateTopics \"a\\0\"", InvalidTopicException, named("a\0".to_owned())),
        coded("topic that exists", "CreateTopics of a known name", TopicAlreadyExists, named(TOPIC.to_owned())),
        coded("0 partitions", "CreateTopics with 0", InvalidPartitions, sized(0, 1)),
        coded("-5 partitions", "CreateTopics with -5", InvalidPartitions, sized(-5, 1)),
        coded("1,000,000 partitions", "CreateTopics with 1000000", InvalidPartitions, sized(1_000_000, 1)),
        coded("replication factor 3", "on one broker", InvalidReplicationFactor, sized(1, 3)),
        coded("replication factor 0", "on one broker", InvalidReplicationFactor, sized(1, 0)),
        coded("unknown setting", "`retention.hours`", InvalidConfig, set("retention.hours", "1")),
        coded("bad value", "`retention.ms` = \"long\"", InvalidConfig, set("retention.ms", "long")),
        coded("value out of bounds", "`segment.bytes` = 1", InvalidConfig, set("segment.bytes", "1")),
        coded("one topic twice in a request", "CreateTopics \"a\", \"a\"", ErrorCode::InvalidRequest, |_, client| {
            let topic = CreatableTopic { name: "twice".to_owned(), num_partitions: 1, ..CreatableTopic::default() };
            let request = CreateTopicsRequest { topics: vec![topic.clone(), topic], ..CreateTopicsRequest::default() };
            Ok(client.ask(7, &request)?.topics[1].error_code)
        }),
    ]
}

fn fetch() -> Vec<Case> {
    use ErrorCode::{FencedLeaderEpoch, OffsetOutOfRange, UnknownLeaderEpoch, UnknownTopicOrPartition};
    let fetched = |version: i16, change: fn(&mut FetchRequest, &Setup)| {
        move |setup: &Setup, client: &mut Client| {
            let mut request = fetch_request(TOPIC, 0, 0, 0);
            change(&mut request, setup);
            let response = client.ask(version, &request)?;
            let inside = response.responses.first().map_or(0, |topic| topic.partitions[0].error_code);
            Ok(if response.error_code == 0 { inside } else { response.error_code })
        }
    };
    fn part(request: &mut FetchRequest) -> &mut wire::kafka::fetch::FetchPartition {
        &mut request.topics[0].partitions[0]
    }
    vec![
        coded(
            "fetch beyond the end",
            "offset 2^62",
            OffsetOutOfRange,
            fetched(12, |request, _| {
                part(request).fetch_offset = 1 << 62;
            }),
        ),
        coded(
            "fetch at offset -1",
            "offset -1",
            OffsetOutOfRange,
            fetched(12, |request, _| {
                part(request).fetch_offset = -1;
            }),
        ),
        coded(
            "fetch of an unknown topic",
            "topic \"nowhere\"",
            UnknownTopicOrPartition,
            fetched(12, |request, _| {
                request.topics[0].topic = "nowhere".to_owned();
            }),
        ),
        coded(
            "fetch of partition -1",
            "partition -1",
            UnknownTopicOrPartition,
            fetched(12, |request, _| {
                part(request).partition = -1;
            }),
        ),
        coded(
            "fetch by an unknown topic id",
            "Fetch version 13",
            ErrorCode::UnknownTopicId,
            fetched(13, |request, _| {
                request.topics[0].topic_id = 0xDEAD;
            }),
        ),
        coded(
            "fetch with an epoch ahead",
            "current leader epoch 1000",
            UnknownLeaderEpoch,
            fetched(12, |request, _| {
                part(request).current_leader_epoch = 1_000;
            }),
        ),
        coded("fetch with an epoch behind", "current leader epoch 0 after a restart", FencedLeaderEpoch, |setup, _| {
            let mut client = Client::connect(setup.impatient.kafka)?;
            let mut request = fetch_request(TOPIC, 0, 0, 0);
            part(&mut request).current_leader_epoch = 0;
            Ok(client.ask(12, &request)?.responses[0].partitions[0].error_code)
        }),
        coded(
            "fetch with negative sizes",
            "max bytes -5",
            ErrorCode::None,
            fetched(12, |request, _| {
                request.max_bytes = -5;
                part(request).partition_max_bytes = -5;
            }),
        ),
        coded(
            "fetch of a session that is none",
            "session id 42, epoch 1",
            ErrorCode::FetchSessionIdNotFound,
            fetched(12, |request, _| (request.session_id, request.session_epoch) = (42, 1)),
        ),
        coded(
            "fetch as a follower",
            "replica id 7",
            ErrorCode::ClusterAuthorizationFailed,
            fetched(12, |request, _| request.replica_id = 7),
        ),
    ]
}

fn others() -> Vec<Case> {
    use ErrorCode::{InvalidPartitions, InvalidRequest, UnknownTopicId, UnknownTopicOrPartition};
    let grown = |count: i32| {
        move |_: &Setup, client: &mut Client| {
            let topic = CreatePartitionsTopic { name: TOPIC.to_owned(), count, assignments: None };
            let request = CreatePartitionsRequest { topics: vec![topic], ..CreatePartitionsRequest::default() };
            Ok(client.ask(3, &request)?.results[0].error_code)
        }
    };
    let deleted = |name: Option<&'static str>, topic_id: u128| {
        move |_: &Setup, client: &mut Client| {
            let topic = DeleteTopicState { name: name.map(str::to_owned), topic_id };
            let request = DeleteTopicsRequest { topics: vec![topic], ..DeleteTopicsRequest::default() };
            Ok(client.ask(6, &request)?.responses[0].error_code)
        }
    };
    let trimmed = |topic: &'static str, partition_index: i32, offset: i64| {
        move |_: &Setup, client: &mut Client| {
            let partitions = vec![DeleteRecordsPartition { partition_index, offset }];
            let topics = vec![DeleteRecordsTopic { name: topic.to_owned(), partitions }];
            let answer = client.ask(2, &DeleteRecordsRequest { topics, timeout_ms: 1_000 })?;
            assert_eq!(answer.topics[0].partitions[0].low_watermark, -1);
            Ok(answer.topics[0].partitions[0].error_code)
        }
    };
    let described = |resource_type: i8, name: &'static str| {
        move |_: &Setup, client: &mut Client| {
            let resource =
                DescribeConfigsResource { resource_type, resource_name: name.to_owned(), configuration_keys: None };
            let request = DescribeConfigsRequest { resources: vec![resource], ..DescribeConfigsRequest::default() };
            Ok(client.ask(4, &request)?.results[0].error_code)
        }
    };
    let listed = |topic: &'static str, timestamp: i64| {
        move |_: &Setup, client: &mut Client| Ok(client.list_offset(topic, 0, timestamp)?.0.code())
    };
    vec![
        coded("ListOffsets at time -9", "timestamp -9", InvalidRequest, listed(TOPIC, -9)),
        coded("ListOffsets of an unknown topic", "topic \"nowhere\"", UnknownTopicOrPartition, listed("nowhere", -1)),
        coded("ListOffsets at the end of time", "timestamp 2^63 - 1", ErrorCode::None, listed(TOPIC, i64::MAX)),
        coded("OffsetForLeaderEpoch of epoch -5", "leader epoch -5", InvalidRequest, |_, client| {
            let partition = OffsetForLeaderPartition { partition: 0, current_leader_epoch: -1, leader_epoch: -5 };
            let topic = OffsetForLeaderTopic { topic: TOPIC.to_owned(), partitions: vec![partition] };
            let request = OffsetForLeaderEpochRequest { replica_id: -1, topics: vec![topic] };
            Ok(client.ask(4, &request)?.topics[0].partitions[0].error_code)
        }),
        coded("fewer partitions", "CreatePartitions to 1", InvalidPartitions, grown(1)),
        coded("too many partitions", "CreatePartitions to 2147483647", InvalidPartitions, grown(i32::MAX)),
        coded(
            "deletion by an unknown name",
            "DeleteTopics \"nowhere\"",
            UnknownTopicOrPartition,
            deleted(Some("nowhere"), 0),
        ),
        coded("deletion by an unknown id", "DeleteTopics version 6", UnknownTopicId, deleted(None, 0xDEAD)),
        coded("deletion by name and id", "DeleteTopics version 6", InvalidRequest, deleted(Some(TOPIC), 0xDEAD)),
        coded(
            "deletion of records of an unknown topic",
            "DeleteRecords \"nowhere\"",
            UnknownTopicOrPartition,
            trimmed("nowhere", 0, 0),
        ),
        coded("deletion of records of partition -1", "DeleteRecords", UnknownTopicOrPartition, trimmed(TOPIC, -1, 0)),
        coded(
            "deletion of records that are not there yet",
            "DeleteRecords to 2^63 - 1",
            ErrorCode::OffsetOutOfRange,
            trimmed(TOPIC, 0, i64::MAX),
        ),
        coded(
            "deletion of records before offset -2",
            "DeleteRecords to -2",
            ErrorCode::OffsetOutOfRange,
            trimmed(TOPIC, 0, -2),
        ),
        coded("settings of an unknown topic", "DescribeConfigs", UnknownTopicOrPartition, described(2, "nowhere")),
        coded("settings of an unknown kind", "DescribeConfigs, type 99", InvalidRequest, described(99, "x")),
        coded("settings of another broker", "DescribeConfigs, broker 77", InvalidRequest, described(4, "77")),
        coded("transactional producer", "InitProducerId with a transactional id", InvalidRequest, |_, client| {
            let request = InitProducerIdRequest {
                transactional_id: Some("t".to_owned()),
                producer_id: -1,
                producer_epoch: -1,
                ..InitProducerIdRequest::default()
            };
            Ok(client.ask(4, &request)?.error_code)
        }),
        coded(
            "metadata of a name that cannot be",
            "Metadata \"a b\"",
            ErrorCode::InvalidTopicException,
            |_, client| {
                let topic = MetadataRequestTopic { name: Some("a b".to_owned()), ..MetadataRequestTopic::default() };
                let request = MetadataRequest { topics: Some(vec![topic]), ..MetadataRequest::default() };
                Ok(client.ask(12, &request)?.topics[0].error_code)
            },
        ),
    ]
}

/// Requests whose answer would be much larger than they are.
fn repetitions() -> Vec<Case> {
    let once = "answered once";
    vec![
        case(
            "metadata of one topic, many times",
            Door::Kafka,
            "the name of a topic of 1000 partitions, 50000 times",
            Answer::Told(once),
            move |setup| {
                let topic = MetadataRequestTopic { name: Some(WIDE.to_owned()), ..MetadataRequestTopic::default() };
                let request = MetadataRequest { topics: Some(vec![topic; 50_000]), ..MetadataRequest::default() };
                let response = setup.kafka()?.ask(12, &request)?;
                assert_eq!(response.topics.len(), 1);
                assert_eq!(response.topics[0].partitions.len(), 1_000);
                Ok(Seen::Told(once))
            },
        ),
        case(
            "settings of one topic, many times",
            Door::Kafka,
            "DescribeConfigs of one topic, 50000 times",
            Answer::Told(once),
            move |setup| {
                let resource = DescribeConfigsResource {
                    resource_type: 2,
                    resource_name: TOPIC.to_owned(),
                    configuration_keys: None,
                };
                let request =
                    DescribeConfigsRequest { resources: vec![resource; 50_000], ..DescribeConfigsRequest::default() };
                let response = setup.kafka()?.ask(4, &request)?;
                assert_eq!(response.results.len(), 1);
                Ok(Seen::Told(once))
            },
        ),
        coded(
            "many topics to validate",
            "CreateTopics of 20000 topics, `validate_only`",
            ErrorCode::PolicyViolation,
            |_, client| {
                let topics = (0..20_000).map(|number| CreatableTopic {
                    name: format!("v{number}"),
                    num_partitions: 1,
                    replication_factor: 1,
                    ..CreatableTopic::default()
                });
                let request = CreateTopicsRequest {
                    topics: topics.collect(),
                    validate_only: true,
                    ..CreateTopicsRequest::default()
                };
                let response = client.ask(7, &request)?;
                assert_eq!(response.topics.len(), 20_000);
                Ok(response.topics[19_999].error_code)
            },
        ),
        case(
            "large request without records",
            Door::Kafka,
            "Metadata of 3 MiB",
            Answer::Closed("is above the limit of 2097152"),
            |setup| {
                let inside = [&[0, 3, 0, 4][..], &vec![0; 3 << 20]].concat();
                crate::case::closes(setup.broker.kafka, &crate::frames::with_length(&inside))
            },
        ),
        case(
            "produce of many empty partitions",
            Door::Kafka,
            "Produce of 400000 partitions without records",
            Answer::Closed("a core works on 65536 at a time"),
            |setup| {
                let partition = wire::kafka::produce::PartitionProduceData { index: 0, records: None };
                let mut request = produce_request(TOPIC, 0, &[], -1);
                request.topic_data[0].partition_data = vec![partition; 400_000];
                crate::case::closes(setup.broker.kafka, &tests::kafka::encode(7, &request)?)
            },
        ),
    ]
}
