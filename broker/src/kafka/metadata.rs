//! Metadata, and with it the making of topics that a client names.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use base::{PartitionId, TopicId};
use cluster::metadata::{Command, CreateTopic, NewPartitions, Topic, TopicName};
use wire::ErrorCode;
use wire::kafka::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseBroker, MetadataResponsePartition,
    MetadataResponseTopic,
};

use super::nodes::Nodes;
use super::{Answered, RequestId, operations, wire_index};
use crate::core::Core;
use crate::internal_topics::is_internal;
use crate::lanes::Shown;
use crate::view::ClusterView;

/// An empty list of topics means "all" in this version only.
const EMPTY_MEANS_ALL: i16 = 0;

pub(super) async fn metadata(core: &Rc<Core>, shown: Shown, id: RequestId, request: MetadataRequest) -> Answered {
    let view = core.shown_view();
    let nodes = core.nodes(shown);
    let mut topics: Vec<_> = match request.topics {
        None => view.image.topics().map(|topic| describe(&nodes, &view, topic)).collect(),
        Some(topics) if topics.is_empty() && id.version == EMPTY_MEANS_ALL => {
            view.image.topics().map(|topic| describe(&nodes, &view, topic)).collect()
        }
        Some(mut topics) => {
            // Each topic once, as in Kafka: an answer may be large, and a request that repeats a name is short.
            let mut seen = BTreeSet::new();
            topics.retain(|topic| seen.insert((topic.name.clone(), topic.topic_id)));
            let may_create = request.allow_auto_topic_creation && core.live().auto_create_topics;
            let mut described = Vec::with_capacity(topics.len());
            for topic in topics {
                described.push(describe_one(core, &nodes, &view, topic, may_create).await);
            }
            described
        }
    };
    for topic in topics.iter_mut().filter(|topic| topic.name.is_some()) {
        topic.topic_authorized_operations = operations::on_topic(request.include_topic_authorized_operations);
    }
    let brokers = nodes.all().into_iter().map(|(node_id, endpoint)| MetadataResponseBroker {
        node_id,
        host: endpoint.host.clone(),
        port: i32::from(endpoint.port),
        rack: None,
    });
    id.answer(&MetadataResponse {
        brokers: brokers.collect(),
        cluster_id: Some(core.identity.cluster_id.clone()),
        controller_id: nodes.controller(),
        topics,
        cluster_authorized_operations: operations::on_cluster(request.include_cluster_authorized_operations),
        ..MetadataResponse::default()
    })
}

async fn describe_one(
    core: &Rc<Core>,
    nodes: &Nodes<'_>,
    view: &ClusterView,
    wanted: MetadataRequestTopic,
    may_create: bool,
) -> MetadataResponseTopic {
    // The id goes first, as in Kafka: Java's client sends an empty name beside it.
    if let Some(id) = TopicId::from_u128(wanted.topic_id) {
        let unknown = || MetadataResponseTopic { topic_id: wanted.topic_id, ..failed(None, ErrorCode::UnknownTopicId) };
        return view.image.topic(id).map_or_else(unknown, |topic| describe(nodes, view, topic));
    }
    let Some(name) = wanted.name else { return failed(None, ErrorCode::UnknownTopicId) };
    if let Some(topic) = view.topic_named(&name) {
        return describe(nodes, view, topic);
    }
    if TopicName::new(&name).is_err() {
        return failed(Some(name), ErrorCode::InvalidTopicException);
    }
    if is_internal(&name) && may_create {
        return describe_internal(core, nodes, name).await;
    }
    if !may_create {
        return failed(Some(name), ErrorCode::UnknownTopicOrPartition);
    }
    match core.control_for_client(Command::CreateTopic(auto_created(core, &name))).await {
        Ok(_) => {}
        // Somebody else was faster.
        Err(refusal) if refusal.code == ErrorCode::TopicAlreadyExists => {}
        Err(refusal) => return failed(Some(name), refusal.code),
    }
    let view = core.shown_view();
    match view.topic_named(&name) {
        Some(topic) => describe(nodes, &view, topic),
        None => failed(Some(name), ErrorCode::LeaderNotAvailable),
    }
}

/// It is made for groups; a client that asks for it is given it.
async fn describe_internal(core: &Rc<Core>, nodes: &Nodes<'_>, name: String) -> MetadataResponseTopic {
    if let Err(refusal) = core.ensure_offsets_topic().await {
        return failed(Some(name), refusal.code);
    }
    let view = core.shown_view();
    match view.topic_named(&name) {
        Some(topic) => describe(nodes, &view, topic),
        None => failed(Some(name), ErrorCode::LeaderNotAvailable),
    }
}

fn auto_created(core: &Core, name: &str) -> CreateTopic {
    CreateTopic {
        name: name.to_owned(),
        topic_id: core.new_topic_id(),
        partitions: NewPartitions::Count(None),
        replication_factor: None,
        settings: Vec::new(),
        validate_only: false,
        defaults: core.creation_defaults(),
    }
}

fn failed(name: Option<String>, code: ErrorCode) -> MetadataResponseTopic {
    MetadataResponseTopic { error_code: code.code(), name, ..MetadataResponseTopic::default() }
}

fn describe(nodes: &Nodes<'_>, view: &ClusterView, topic: &Arc<Topic>) -> MetadataResponseTopic {
    let partitions = topic.indexed_partitions().map(|(index, partition)| {
        let id = PartitionId { topic: topic.id, index };
        MetadataResponsePartition {
            partition_index: wire_index(index.0),
            leader_id: nodes.of_broker(view, id, partition.leader),
            leader_epoch: partition.leader_epoch.to_wire(),
            replica_nodes: nodes.of_brokers(view, id, &partition.replicas),
            isr_nodes: nodes.of_brokers(view, id, &partition.isr),
            ..MetadataResponsePartition::default()
        }
    });
    MetadataResponseTopic {
        name: Some(topic.name.as_str().to_owned()),
        topic_id: topic.id.as_u128(),
        is_internal: is_internal(topic.name.as_str()),
        partitions: partitions.collect(),
        ..MetadataResponseTopic::default()
    }
}
