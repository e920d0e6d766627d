//! Metadata, offsets and descriptions over the native door.

use std::rc::Rc;

use base::{CoreId, PartitionId};
use cluster::metadata::Topic;
use cluster::settings::{SettingSource, describe};
use wire::ErrorCode;
use wire::native::limits::{METADATA_PAGE_PARTITIONS_MAX, METADATA_PAGE_TOPICS_MAX};
use wire::native::{
    CorrelationId, DescribeTopicReply, DescribeTopicRequest, DescribedPartition, DescribedSetting,
    DescribedSettingSource, ErrorCode as NativeCode, ListOffsetsReply, ListOffsetsRequest, MetadataReply,
    MetadataRequest, OffsetAnswer, OffsetAt, PartitionRoute, TopicMetadata, TopicReference, TopicSelection,
};

use super::connection::{Arrived, Connection};
use super::native_code;
use crate::messages::{Query, QueryKind};
use crate::refusal::Refusal;
use crate::view::ClusterView;

/// Named while a partition is being placed; it knows where it went.
const FIRST_CORE: CoreId = CoreId(0);

/// What still fits into an answer about many topics.
pub(super) struct Page {
    topics: usize,
    partitions_left: usize,
}

impl Page {
    /// Of about so many partitions.
    pub(super) fn new(partitions: u32) -> Self {
        Self { topics: 0, partitions_left: partitions as usize }
    }

    /// Whether a topic of so many partitions is in it. One topic is given whole, however large.
    pub(super) fn takes(&mut self, partitions: usize) -> bool {
        let partitions = partitions.max(1);
        if self.topics >= METADATA_PAGE_TOPICS_MAX || (partitions > self.partitions_left && self.topics > 0) {
            return false;
        }
        self.topics += 1;
        self.partitions_left = self.partitions_left.saturating_sub(partitions);
        true
    }
}

/// Answers with a page of topics.
pub(super) fn metadata(connection: &Rc<Connection>, correlation: CorrelationId, request: &MetadataRequest<'_>) {
    let view = connection.core.shown_view();
    let page =
        request.page_partitions_max.unwrap_or(METADATA_PAGE_PARTITIONS_MAX).clamp(1, METADATA_PAGE_PARTITIONS_MAX);
    let mut page = Page::new(page);
    let mut topics = Vec::new();
    let mut has_more = false;
    match &request.selection {
        TopicSelection::Named(names) => {
            for name in names {
                let metadata = match view.topic_named(name) {
                    Some(topic) => topic_metadata(&view, topic),
                    None => unknown(name),
                };
                if !page.takes(metadata.partitions.len()) {
                    has_more = true;
                    break;
                }
                topics.push(metadata);
            }
        }
        TopicSelection::All { after } => {
            for topic in view.topics_after(*after) {
                if !page.takes(topic.partitions.len()) {
                    has_more = true;
                    break;
                }
                topics.push(topic_metadata(&view, topic));
            }
        }
    }
    let core_endpoints = connection.core.identity.native.iter().map(|endpoint| endpoint.to_wire()).collect();
    connection.reply(correlation, &MetadataReply { topics, core_endpoints, has_more });
}

fn unknown(name: &str) -> TopicMetadata<'_> {
    let error = NativeCode(ErrorCode::UnknownTopicOrPartition.code());
    TopicMetadata { error, name, id: None, partitions: Vec::new() }
}

fn topic_metadata<'a>(view: &ClusterView, topic: &'a Topic) -> TopicMetadata<'a> {
    let partitions = topic.indexed_partitions().map(|(index, partition)| {
        let core = view.core_of(PartitionId { topic: topic.id, index });
        PartitionRoute {
            index,
            leader: partition.leader,
            leader_epoch: partition.leader_epoch,
            core: core.unwrap_or(FIRST_CORE),
            error: NativeCode(core.map_or(ErrorCode::LeaderNotAvailable.code(), |_| 0)),
        }
    });
    TopicMetadata {
        error: NativeCode::NONE,
        name: topic.name.as_str(),
        id: Some(topic.id),
        partitions: partitions.collect(),
    }
}

pub(super) fn list_offsets(connection: &Rc<Connection>, arrived: &Arrived, request: ListOffsetsRequest) {
    let (worker, correlation) = (Rc::clone(connection), arrived.prefix.correlation);
    connection.later(arrived, async move {
        let queries: Vec<Query> = request
            .partitions
            .iter()
            .map(|query| Query {
                id: PartitionId { topic: query.topic, index: query.partition },
                current_epoch: None,
                kind: match query.at {
                    OffsetAt::Earliest => QueryKind::Earliest,
                    OffsetAt::Latest => QueryKind::Latest,
                    OffsetAt::MaxTimestamp => QueryKind::MaxTimestamp,
                    OffsetAt::Timestamp(time) => QueryKind::AtTime(time),
                },
            })
            .collect();
        let answers = worker.core.query(&queries).await;
        let partitions = request.partitions.iter().zip(answers).map(|(query, answer)| {
            let error = answer.as_ref().err().map_or(NativeCode::NONE, native_code);
            let answer = answer.ok();
            OffsetAnswer {
                topic: query.topic,
                partition: query.partition,
                error,
                offset: answer.and_then(|answer| answer.offset),
                timestamp: answer.and_then(|answer| answer.timestamp),
                leader_epoch: answer.and_then(|answer| answer.epoch),
            }
        });
        let reply = ListOffsetsReply { partitions: partitions.collect() };
        worker.reply(correlation, &reply);
    });
}

pub(super) fn describe_topic(
    connection: &Rc<Connection>,
    arrived: &Arrived,
    request: &DescribeTopicRequest<'_>,
) -> Result<(), Refusal> {
    let core = &connection.core;
    let known = match request.topic {
        TopicReference::Name(name) => core.topic_named(name).ok_or(ErrorCode::UnknownTopicOrPartition)?,
        TopicReference::Id(id) => core.topic(id).ok_or(ErrorCode::UnknownTopicId)?,
    };
    let (worker, correlation) = (Rc::clone(connection), arrived.prefix.correlation);
    connection.later(arrived, async move {
        let topic = &known.topic;
        let described = describe_partitions(&worker, topic).await;
        let settings = describe(&topic.settings, &worker.core.topic_defaults());
        let settings = settings.iter().map(|setting| DescribedSetting {
            name: setting.definition.name,
            value: &setting.value,
            source: match setting.source {
                SettingSource::Topic => DescribedSettingSource::Topic,
                SettingSource::Broker | SettingSource::AllBrokers | SettingSource::BrokerDefault => {
                    DescribedSettingSource::BrokerDefault
                }
                SettingSource::Default => DescribedSettingSource::Default,
            },
        });
        let reply = DescribeTopicReply {
            name: topic.name.as_str(),
            id: topic.id,
            settings: settings.collect(),
            partitions: described,
        };
        worker.reply(correlation, &reply);
    });
    Ok(())
}

async fn describe_partitions(connection: &Rc<Connection>, topic: &Topic) -> Vec<DescribedPartition> {
    let view = connection.core.view();
    let id_of = |index| PartitionId { topic: topic.id, index };
    let queries: Vec<Query> = topic
        .indexed_partitions()
        .map(|(index, _)| Query { id: id_of(index), current_epoch: None, kind: QueryKind::Latest })
        .collect();
    let answers = connection.core.query(&queries).await;
    let described = topic.indexed_partitions().zip(answers).map(|((index, partition), answer)| {
        let answer = answer.ok();
        DescribedPartition {
            index,
            core: view.core_of(id_of(index)).unwrap_or(FIRST_CORE),
            leader: partition.leader,
            leader_epoch: partition.leader_epoch,
            replicas: partition.replicas.clone(),
            isr: partition.isr.clone(),
            log_start_offset: answer.map(|answer| answer.log_start),
            high_watermark: answer.map(|answer| answer.high_watermark),
            log_end_offset: answer.map(|answer| answer.log_end),
            size_bytes: answer.map_or(0, |answer| answer.bytes),
        }
    });
    described.collect()
}
