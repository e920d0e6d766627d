//! DeleteRecords.

use std::rc::Rc;

use base::Offset;
use shard::TrimTo;
use wire::ErrorCode;
use wire::kafka::delete_records::{
    DeleteRecordsPartition, DeleteRecordsPartitionResult, DeleteRecordsRequest, DeleteRecordsResponse,
    DeleteRecordsTopicResult,
};

use super::{Answered, RequestId, code_of, partition_id};
use crate::core::{Core, KnownTopic};
use crate::internal_topics::check_not_internal;
use crate::messages::TrimPart;
use crate::refusal::Refusal;

/// Stands for the high watermark.
const HIGH_WATERMARK: i64 = -1;

pub(super) async fn delete(core: &Rc<Core>, id: RequestId, request: DeleteRecordsRequest) -> Answered {
    let mut parts = Vec::new();
    let mut asked: Vec<Result<usize, Refusal>> = Vec::new();
    for topic in &request.topics {
        let known = core.topic_named(&topic.name);
        for partition in &topic.partitions {
            let part = part_of(known.as_ref(), partition);
            asked.push(part.map(|part| {
                parts.push(part);
                parts.len() - 1
            }));
        }
    }
    let starts = core.trim(&parts).await;
    let mut results = asked.into_iter().map(|asked| asked.and_then(|index| starts[index].clone()));
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let partitions = topic.partitions.iter().map(|partition| {
            let result = results.next().expect("each partition has a result");
            if let Err(refusal) = &result {
                tracing::debug!(topic = topic.name, partition = partition.partition_index, "{}", refusal.text());
            }
            DeleteRecordsPartitionResult {
                partition_index: partition.partition_index,
                error_code: code_of(&result),
                low_watermark: result.map_or(-1, Offset::to_wire),
            }
        });
        let partitions = partitions.collect();
        topics.push(DeleteRecordsTopicResult { name: topic.name, partitions });
    }
    id.answer(&DeleteRecordsResponse { topics, ..DeleteRecordsResponse::default() })
}

fn part_of(topic: Option<&KnownTopic>, partition: &DeleteRecordsPartition) -> Result<TrimPart, Refusal> {
    let unknown = || Refusal::from(ErrorCode::UnknownTopicOrPartition);
    let KnownTopic { topic, settings } = topic.ok_or_else(unknown)?;
    check_not_internal(topic.name.as_str(), "its records cannot be deleted")?;
    let id = partition_id(topic.id, partition.partition_index).ok_or_else(unknown)?;
    if topic.partitions.get(id.index.0 as usize).is_none() {
        return Err(unknown());
    }
    // As Kafka: what is deleted of a log that is only compacted may be the last value of a key.
    if !settings.cleanup.deletes() {
        let text = format!("{} has cleanup.policy=compact: its records are not deleted by offset", topic.name);
        return Err(Refusal::new(ErrorCode::PolicyViolation, text));
    }
    let to = match partition.offset {
        HIGH_WATERMARK => TrimTo::HighWatermark,
        offset => TrimTo::Offset(Offset::from_wire(offset).ok_or(ErrorCode::OffsetOutOfRange)?),
    };
    Ok(TrimPart { id, to })
}
