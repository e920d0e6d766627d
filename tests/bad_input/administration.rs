//! Requests about settings, folders and producers that ask for what cannot be: the Kafka door.

use tests::kafka::Client;
use wire::ErrorCode;
use wire::kafka::alter_configs::{AlterConfigsRequest, AlterConfigsResource};
use wire::kafka::describe_log_dirs::{DescribableLogDirTopic, DescribeLogDirsRequest};
use wire::kafka::describe_producers::{DescribeProducersRequest, TopicRequest};
use wire::kafka::describe_quorum::{DescribeQuorumRequest, RequestedPartition, RequestedTopic};
use wire::kafka::incremental_alter_configs::{
    AlterConfigsResource as IncrementalResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use wire::kafka::list_config_resources::ListConfigResourcesRequest;

use crate::case::{Answer, Case, Door, Seen, Setup, case};
use crate::requests::coded;
use crate::{TOPIC, WIDE};

const SET: i8 = 0;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = altering();
    cases.extend(asking());
    cases
}

fn altering() -> Vec<Case> {
    use ErrorCode::{InvalidConfig, InvalidRequest, UnknownTopicOrPartition};
    let altered = |resource_type: i8, of: &'static str, name: &'static str, operation: i8, value: &'static str| {
        move |_: &Setup, client: &mut Client| {
            let config =
                AlterableConfig { name: name.to_owned(), config_operation: operation, value: Some(value.to_owned()) };
            let resource = IncrementalResource { resource_type, resource_name: of.to_owned(), configs: vec![config] };
            let request = IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false };
            Ok(client.ask(1, &request)?.responses[0].error_code)
        }
    };
    vec![
        coded(
            "a setting of an unknown topic",
            "IncrementalAlterConfigs",
            UnknownTopicOrPartition,
            altered(2, "nowhere", "retention.ms", SET, "5"),
        ),
        coded("an unknown setting", "retention.sm=5", InvalidConfig, altered(2, TOPIC, "retention.sm", SET, "5")),
        coded("a setting that cannot be", "retention.ms=x", InvalidConfig, altered(2, TOPIC, "retention.ms", SET, "x")),
        coded("an unknown operation", "operation -7", InvalidRequest, altered(2, TOPIC, "retention.ms", -7, "5")),
        coded("a setting that is read at start", "node.id=5", InvalidRequest, altered(4, "1", "node.id", SET, "5")),
        coded(
            "a setting of another broker",
            "broker 77",
            InvalidRequest,
            altered(4, "77", "compaction.rate", SET, "1"),
        ),
        coded("a setting of an unknown kind", "type 99", InvalidRequest, altered(99, "x", "retention.ms", SET, "5")),
        coded(
            "many resources to alter",
            "AlterConfigs of 20000 topics, `validate_only`",
            ErrorCode::PolicyViolation,
            |_, client| {
                let resource = |number| AlterConfigsResource {
                    resource_type: 2,
                    resource_name: format!("v{number}"),
                    configs: Vec::new(),
                };
                let resources = (0..20_000).map(resource).collect();
                let response = client.ask(2, &AlterConfigsRequest { resources, validate_only: true })?;
                assert_eq!(response.responses.len(), 20_000);
                Ok(response.responses[19_999].error_code)
            },
        ),
    ]
}

fn asking() -> Vec<Case> {
    let producers = |topic: &'static str, partition: i32| {
        move |_: &Setup, client: &mut Client| {
            let topics = vec![TopicRequest { name: topic.to_owned(), partition_indexes: vec![partition] }];
            Ok(client.ask(0, &DescribeProducersRequest { topics })?.topics[0].partitions[0].error_code)
        }
    };
    let unknown = ErrorCode::UnknownTopicOrPartition;
    let once = "answered once";
    vec![
        coded("producers of an unknown topic", "DescribeProducers", unknown, producers("nowhere", 0)),
        coded("producers of partition -1", "DescribeProducers", unknown, producers(TOPIC, -1)),
        coded("the quorum of a topic", "DescribeQuorum of a topic's partition", unknown, |_, client| {
            let partitions = vec![RequestedPartition { partition_index: 0 }];
            let topics = vec![RequestedTopic { topic_name: TOPIC.to_owned(), partitions }];
            Ok(client.ask(2, &DescribeQuorumRequest { topics })?.topics[0].partitions[0].error_code)
        }),
        coded("resources of an unknown kind", "type 99", ErrorCode::UnsupportedVersion, |_, client| {
            let request = ListConfigResourcesRequest { resource_types: vec![99] };
            Ok(client.ask(1, &request)?.error_code)
        }),
        case(
            "the size of one topic, many times",
            Door::Kafka,
            "DescribeLogDirs of 100 partitions of one topic, 2000 times",
            Answer::Told(once),
            move |setup| {
                let topic = DescribableLogDirTopic { topic: WIDE.to_owned(), partitions: (0..100).collect() };
                let request = DescribeLogDirsRequest { topics: Some(vec![topic; 2_000]) };
                let response = setup.kafka()?.ask(4, &request)?;
                assert_eq!(response.results[0].topics.len(), 1);
                assert_eq!(response.results[0].topics[0].partitions.len(), 100);
                Ok(Seen::Told(once))
            },
        ),
    ]
}
