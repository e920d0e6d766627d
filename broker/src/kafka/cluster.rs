//! DescribeCluster and DescribeTopicPartitions.

use std::rc::Rc;

use cluster::metadata::Topic;
use wire::ErrorCode;
use wire::kafka::describe_cluster::{DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse};
use wire::kafka::describe_topic_partitions::{
    Cursor, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic,
};

use super::{Answered, RequestId, wire_index};
use crate::core::Core;
use crate::limits;

const NOT_ASKED: i32 = i32::MIN;
const BROKERS: i8 = 1;

pub(super) fn describe(core: &Rc<Core>, id: RequestId, request: &DescribeClusterRequest) -> Answered {
    let broker = wire_index(core.identity.broker.0);
    let known = DescribeClusterResponse {
        endpoint_type: BROKERS,
        cluster_id: core.identity.cluster_id.clone(),
        controller_id: broker,
        brokers: vec![DescribeClusterBroker {
            broker_id: broker,
            host: core.identity.kafka.host.clone(),
            port: i32::from(core.identity.kafka.port),
            ..DescribeClusterBroker::default()
        }],
        cluster_authorized_operations: NOT_ASKED,
        ..DescribeClusterResponse::default()
    };
    if request.endpoint_type != BROKERS {
        return id.answer(&DescribeClusterResponse {
            error_code: ErrorCode::MismatchedEndpointType.code(),
            error_message: Some("this is a broker's port: ask for endpoint type 1".to_owned()),
            brokers: Vec::new(),
            ..known
        });
    }
    id.answer(&known)
}

/// Partitions of topics in the order of names, as many as a page holds, from the cursor on (KIP-966).
pub(super) fn describe_topic_partitions(
    core: &Rc<Core>,
    id: RequestId,
    request: &DescribeTopicPartitionsRequest,
) -> Answered {
    let view = core.shown_view();
    let mut names: Vec<String> = match request.topics.as_slice() {
        [] => view.image.topics().map(|topic| topic.name.as_str().to_owned()).collect(),
        topics => topics.iter().map(|topic| topic.name.clone()).collect(),
    };
    names.sort_unstable();
    names.dedup();
    let cursor = request.cursor.as_ref();
    names.retain(|name| cursor.is_none_or(|cursor| *name >= cursor.topic_name));
    let asked = usize::try_from(request.response_partition_limit).unwrap_or(0).max(1);
    let mut left = asked.min(limits::DESCRIBE_PARTITIONS_MAX);
    let mut topics = Vec::new();
    let mut next_cursor = None;
    for name in names {
        let first = cursor.filter(|cursor| cursor.topic_name == name).map_or(0, |cursor| cursor.partition_index);
        let Some(topic) = view.topic_named(&name) else {
            topics.push(unknown(name));
            continue;
        };
        if left == 0 {
            next_cursor = Some(Cursor { topic_name: name, partition_index: first });
            break;
        }
        let first = usize::try_from(first).unwrap_or(0);
        let described = describe_topic(topic, first, left);
        left -= described.partitions.len();
        let reached = first + described.partitions.len();
        topics.push(described);
        if reached < topic.partitions.len() {
            let partition_index = i32::try_from(reached).expect("the number of partitions is limited");
            next_cursor = Some(Cursor { topic_name: name, partition_index });
            break;
        }
    }
    id.answer(&DescribeTopicPartitionsResponse { topics, next_cursor, ..DescribeTopicPartitionsResponse::default() })
}

fn unknown(name: String) -> DescribeTopicPartitionsResponseTopic {
    DescribeTopicPartitionsResponseTopic {
        error_code: ErrorCode::UnknownTopicOrPartition.code(),
        name: Some(name),
        topic_authorized_operations: NOT_ASKED,
        ..DescribeTopicPartitionsResponseTopic::default()
    }
}

fn describe_topic(topic: &Topic, first: usize, count: usize) -> DescribeTopicPartitionsResponseTopic {
    let brokers = |list: &[base::BrokerId]| list.iter().map(|broker| wire_index(broker.0)).collect();
    let partitions = topic.indexed_partitions().skip(first).take(count);
    let partitions = partitions.map(|(index, partition)| DescribeTopicPartitionsResponsePartition {
        partition_index: wire_index(index.0),
        leader_id: wire_index(partition.leader.0),
        leader_epoch: partition.leader_epoch.to_wire(),
        replica_nodes: brokers(&partition.replicas),
        isr_nodes: brokers(&partition.isr),
        // None are eligible beyond the in-sync ones; Java's client does not bear null here.
        eligible_leader_replicas: Some(Vec::new()),
        last_known_elr: Some(Vec::new()),
        ..DescribeTopicPartitionsResponsePartition::default()
    });
    DescribeTopicPartitionsResponseTopic {
        name: Some(topic.name.as_str().to_owned()),
        topic_id: topic.id.as_u128(),
        is_internal: crate::internal_topics::is_internal(topic.name.as_str()),
        partitions: partitions.collect(),
        topic_authorized_operations: NOT_ASKED,
        ..DescribeTopicPartitionsResponseTopic::default()
    }
}
