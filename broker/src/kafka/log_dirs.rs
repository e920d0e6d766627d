//! DescribeLogDirs: the data folder, and how much each partition takes in it.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use cluster::metadata::Topic;
use wire::ErrorCode;
use wire::kafka::describe_log_dirs::{
    DescribableLogDirTopic, DescribeLogDirsPartition, DescribeLogDirsRequest, DescribeLogDirsResponse,
    DescribeLogDirsResult, DescribeLogDirsTopic,
};

use super::{Answered, RequestId, wire_index};
use crate::core::Core;
use crate::limits;
use crate::messages::{Query, QueryKind};

pub(super) async fn describe(core: &Rc<Core>, id: RequestId, request: DescribeLogDirsRequest) -> Answered {
    let view = core.shown_view();
    // Each partition once, however often it is asked for.
    let mut asked: BTreeMap<String, Option<BTreeSet<i32>>> = BTreeMap::new();
    match request.topics {
        None => asked.extend(view.image.topics().map(|topic| (topic.name.as_str().to_owned(), None))),
        Some(topics) => {
            for DescribableLogDirTopic { topic, partitions } in topics {
                asked.entry(topic).or_default().get_or_insert_default().extend(partitions);
            }
        }
    }
    let mut topics = Vec::new();
    // What does not exist is in no folder.
    for (name, partitions) in asked {
        let Some(topic) = view.topic_named(&name) else { continue };
        let queries = queries(topic, partitions.as_ref());
        let described = sizes(core, &queries).await;
        if !described.is_empty() {
            topics.push(DescribeLogDirsTopic { name, partitions: described });
        }
        rt::yield_if_needed().await;
    }
    let folder = std::path::absolute(&core.config.data).unwrap_or_else(|_| core.config.data.clone());
    let volume = rt::volume_of(folder.clone()).await;
    let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let error_code = if core.shard.failed().is_some() { ErrorCode::KafkaStorageError } else { ErrorCode::None };
    let result = DescribeLogDirsResult {
        error_code: error_code.code(),
        log_dir: folder.display().to_string(),
        topics,
        total_bytes: volume.as_ref().map_or(-1, |volume| bytes(volume.total_bytes)),
        usable_bytes: volume.as_ref().map_or(-1, |volume| bytes(volume.usable_bytes)),
        is_cordoned: false,
    };
    id.answer(&DescribeLogDirsResponse { results: vec![result], ..DescribeLogDirsResponse::default() })
}

/// Questions about those partitions that exist, all or the ones named.
fn queries(topic: &Topic, partitions: Option<&BTreeSet<i32>>) -> Vec<Query> {
    let wanted = topic
        .indexed_partitions()
        .filter(|(index, _)| partitions.is_none_or(|partitions| partitions.contains(&wire_index(index.0))));
    let query = |index| Query {
        id: base::PartitionId { topic: topic.id, index },
        current_epoch: None,
        kind: QueryKind::Latest,
    };
    wanted.map(|(index, _)| query(index)).collect()
}

async fn sizes(core: &Rc<Core>, queries: &[Query]) -> Vec<DescribeLogDirsPartition> {
    let mut described = Vec::with_capacity(queries.len());
    for some in queries.chunks(limits::PARTITIONS_AT_ONCE_MAX) {
        for (query, answer) in some.iter().zip(core.query(some).await) {
            // One that was deleted meanwhile takes no space.
            let Ok(answer) = answer else { continue };
            described.push(DescribeLogDirsPartition {
                partition_index: wire_index(query.id.index.0),
                partition_size: i64::try_from(answer.bytes).unwrap_or(i64::MAX),
                offset_lag: 0,
                is_future_key: false,
            });
        }
    }
    described
}
