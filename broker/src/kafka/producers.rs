//! DescribeProducers: whom a partition remembers.

use std::rc::Rc;

use base::{Offset, Timestamp};
use cluster::metadata::TopicName;
use cluster::producers::ProducerEntry;
use wire::ErrorCode;
use wire::kafka::describe_producers::{
    DescribeProducersRequest, DescribeProducersResponse, PartitionResponse, ProducerState, TopicResponse,
};

use super::{Answered, RequestId, code_of, partition_id};
use crate::core::{Core, KnownTopic};
use crate::limits;
use crate::messages::{Reply, Request};
use crate::refusal::Refusal;

/// No coordinator of transactions has written to the partition.
const NO_COORDINATOR: i32 = -1;

pub(super) async fn describe(core: &Rc<Core>, id: RequestId, request: DescribeProducersRequest) -> Answered {
    let mut room = limits::DESCRIBE_PRODUCERS_MAX;
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let known = core.topic_named(&topic.name);
        let valid = TopicName::new(&topic.name).map(drop);
        let valid = valid.map_err(|error| Refusal::new(ErrorCode::InvalidTopicException, error.to_string()));
        let mut partitions = Vec::with_capacity(topic.partition_indexes.len());
        for partition_index in topic.partition_indexes {
            let found = match &valid {
                Err(refusal) => Err(refusal.clone()),
                Ok(()) if room == 0 => {
                    let text = format!("one answer has {} producers at most", limits::DESCRIBE_PRODUCERS_MAX);
                    Err(Refusal::new(ErrorCode::PolicyViolation, text))
                }
                Ok(()) => producers_of(core, known.as_ref(), partition_index).await,
            };
            room = room.saturating_sub(1 + found.as_ref().map_or(0, Vec::len));
            partitions.push(PartitionResponse {
                partition_index,
                error_code: code_of(&found),
                error_message: found.as_ref().err().map(|refusal| refusal.text().to_owned()),
                active_producers: found.unwrap_or_default(),
            });
            rt::yield_if_needed().await;
        }
        topics.push(TopicResponse { name: topic.name, partitions });
    }
    id.answer(&DescribeProducersResponse { topics, ..DescribeProducersResponse::default() })
}

async fn producers_of(
    core: &Rc<Core>,
    topic: Option<&KnownTopic>,
    partition: i32,
) -> Result<Vec<ProducerState>, Refusal> {
    let id = topic.and_then(|known| partition_id(known.topic.id, partition));
    let id = id.ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let owner = core.owner_of(id).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let entries = if owner == core.id {
        core.producers_here(id).await
    } else {
        match core.call(owner, Request::Producers(id)).await? {
            Reply::Producers(result) => result,
            _ => Err(ErrorCode::UnknownServerError.into()),
        }
    };
    Ok(entries?.iter().map(state_of).collect())
}

fn state_of(entry: &ProducerEntry) -> ProducerState {
    let last = entry.batches.last();
    ProducerState {
        producer_id: i64::try_from(entry.producer.get()).unwrap_or(i64::MAX),
        producer_epoch: i32::from(entry.epoch.to_wire()),
        last_sequence: last.map_or(-1, |batch| batch.base_sequence.plus(batch.record_count - 1).to_wire()),
        last_timestamp: last.and_then(|batch| batch.max_timestamp).map_or(-1, Timestamp::to_wire),
        coordinator_epoch: NO_COORDINATOR,
        current_txn_start_offset: entry.open_transaction.map_or(-1, Offset::to_wire),
    }
}
