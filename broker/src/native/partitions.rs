//! On which core partitions are and what they take of its time, told and changed over the native door.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use base::{CoreId, PartitionId};
use cluster::metadata::Topic;
use wire::ErrorCode;
use wire::native::limits::METADATA_PAGE_PARTITIONS_MAX;
use wire::native::{
    ErrorCode as NativeCode, ListPartitionsReply, ListPartitionsRequest, MovePartitionReply, MovePartitionRequest,
    PartitionLoad, TopicPartitions,
};

use super::connection::{Arrived, Connection};
use super::metadata::Page;
use super::native_code;
use crate::activity::Look;
use crate::core::Core;
use crate::messages::{Query, QueryKind};
use crate::refusal::Refusal;

pub(super) fn list(
    connection: &Rc<Connection>,
    arrived: &Arrived,
    request: &ListPartitionsRequest<'_>,
) -> Result<(), Refusal> {
    let (topics, has_more) = page(&connection.core, request)?;
    let (worker, correlation) = (Rc::clone(connection), arrived.prefix.correlation);
    connection.later(arrived, async move {
        let busy: BTreeMap<PartitionId, u32> = worker
            .core
            .all_activity(Look::Last)
            .await
            .into_iter()
            .flat_map(|(_, activity)| activity.partitions)
            .collect();
        let loads = loads_of(&worker.core, &topics, &busy).await;
        worker.reply(correlation, &ListPartitionsReply { topics: loads, has_more });
    });
    Ok(())
}

/// The topics of one answer, and whether there are more.
fn page(core: &Core, request: &ListPartitionsRequest<'_>) -> Result<(Vec<Arc<Topic>>, bool), Refusal> {
    let view = core.view();
    if let Some(name) = request.topic {
        let topic = view.topic_named(name).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        return Ok((vec![Arc::clone(topic)], false));
    }
    let (mut topics, mut page) = (Vec::new(), Page::new(METADATA_PAGE_PARTITIONS_MAX));
    for topic in view.topics_after(request.after) {
        if !page.takes(topic.partitions.len()) {
            return Ok((topics, true));
        }
        topics.push(Arc::clone(topic));
    }
    Ok((topics, false))
}

async fn loads_of<'a>(
    core: &Rc<Core>,
    topics: &'a [Arc<Topic>],
    busy: &BTreeMap<PartitionId, u32>,
) -> Vec<TopicPartitions<'a>> {
    let ids_of = |topic: &'a Topic| topic.indexed_partitions().map(|(index, _)| PartitionId { topic: topic.id, index });
    let query = |id| Query { id, current_epoch: None, kind: QueryKind::Latest };
    let queries: Vec<Query> = topics.iter().flat_map(|topic| ids_of(topic)).map(query).collect();
    let mut answers = core.query(&queries).await.into_iter();
    let view = core.view();
    let mut load = |id: PartitionId| PartitionLoad {
        index: id.index,
        core: view.core_of(id).unwrap_or(CoreId(0)),
        busy_us: busy.get(&id).copied().unwrap_or_default(),
        log_bytes: answers.next().and_then(Result::ok).map_or(0, |answer| answer.bytes),
    };
    let loads = topics
        .iter()
        .map(|topic| TopicPartitions { name: topic.name.as_str(), partitions: ids_of(topic).map(&mut load).collect() });
    loads.collect()
}

pub(super) fn move_one(connection: &Rc<Connection>, arrived: &Arrived, request: &MovePartitionRequest<'_>) {
    let (worker, correlation) = (Rc::clone(connection), arrived.prefix.correlation);
    let (partition, to) = (request.partition, request.core);
    let unknown = || {
        let text = format!("there is no topic {:?}", request.topic);
        Refusal::new(ErrorCode::UnknownTopicOrPartition, text)
    };
    let topic = connection.core.topic_named(request.topic).map(|known| known.topic.id).ok_or_else(unknown);
    connection.later(arrived, async move {
        let moved = match topic {
            Ok(topic) => worker.core.move_partition(PartitionId { topic, index: partition }, to).await,
            Err(refusal) => Err(refusal),
        };
        let reply = match &moved {
            Ok(moved) => MovePartitionReply {
                error: NativeCode::NONE,
                message: None,
                from: moved.from,
                pause_us: u64::try_from(moved.pause.as_micros()).unwrap_or(u64::MAX),
            },
            Err(refusal) => MovePartitionReply {
                error: native_code(refusal),
                message: Some(refusal.text()),
                from: CoreId(0),
                pause_us: 0,
            },
        };
        worker.reply(correlation, &reply);
    });
}
