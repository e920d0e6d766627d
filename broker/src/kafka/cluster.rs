//! DescribeCluster and DescribeTopicPartitions.

use std::rc::Rc;

use base::PartitionId;
use cluster::metadata::Topic;
use wire::ErrorCode;
use wire::kafka::describe_cluster::{DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse};
use wire::kafka::describe_topic_partitions::{
    Cursor, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic,
};

use super::nodes::Nodes;
use super::{Answered, RequestId, operations, wire_index};
use crate::core::Core;
use crate::lanes::Shown;
use crate::limits;
use crate::view::ClusterView;

const BROKERS: i8 = 1;

pub(super) fn describe(core: &Rc<Core>, shown: Shown, id: RequestId, request: &DescribeClusterRequest) -> Answered {
    let nodes = core.nodes(shown);
    let brokers = nodes.all().into_iter().map(|(broker_id, endpoint)| DescribeClusterBroker {
        broker_id,
        host: endpoint.host.clone(),
        port: i32::from(endpoint.port),
        ..DescribeClusterBroker::default()
    });
    let known = DescribeClusterResponse {
        endpoint_type: BROKERS,
        cluster_id: core.identity.cluster_id.clone(),
        controller_id: nodes.controller(),
        brokers: brokers.collect(),
        cluster_authorized_operations: operations::on_cluster(request.include_cluster_authorized_operations),
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
    shown: Shown,
    id: RequestId,
    request: &DescribeTopicPartitionsRequest,
) -> Answered {
    let view = core.shown_view();
    let nodes = core.nodes(shown);
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
        let described = describe_topic((&nodes, &view), topic, first, left);
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
        topic_authorized_operations: operations::on_topic(true),
        ..DescribeTopicPartitionsResponseTopic::default()
    }
}

fn describe_topic(
    (nodes, view): (&Nodes<'_>, &ClusterView),
    topic: &Topic,
    first: usize,
    count: usize,
) -> DescribeTopicPartitionsResponseTopic {
    let place = |index| PartitionId { topic: topic.id, index };
    let partitions = topic.indexed_partitions().skip(first).take(count);
    let partitions = partitions.map(|(index, partition)| DescribeTopicPartitionsResponsePartition {
        partition_index: wire_index(index.0),
        leader_id: nodes.of_broker(view, place(index), partition.leader),
        leader_epoch: partition.leader_epoch.to_wire(),
        replica_nodes: nodes.of_brokers(view, place(index), &partition.replicas),
        isr_nodes: nodes.of_brokers(view, place(index), &partition.isr),
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
        topic_authorized_operations: operations::on_topic(true),
        ..DescribeTopicPartitionsResponseTopic::default()
    }
}
