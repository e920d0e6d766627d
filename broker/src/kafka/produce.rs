//! Produce.

use std::rc::Rc;

use base::TopicId;
use bytes::Bytes;
use wire::ErrorCode;
use wire::kafka::Reader;
use wire::kafka::produce::{
    BatchIndexAndErrorMessage, PartitionProduceResponse, ProduceRequestView, ProduceResponse, TopicProduceResponse,
};

use super::connection::Answer;
use super::dispatch::damaged;
use super::{Answered, RequestId, partition_id};
use crate::core::{Core, KnownTopic};
use crate::leader::AppendResult;
use crate::limits::PRODUCE_PARTS_MAX;
use crate::messages::Acks;
use crate::produce::{Part, Produced};
use crate::refusal::Refusal;

/// Topics are named by id from this version on.
const FIRST_WITH_IDS: i16 = 13;

struct TopicParts {
    name: String,
    id: u128,
    parts: Vec<(i32, Part)>,
}

/// Waits until this core may begin with another produce request.
pub(super) async fn turn(core: &Core) {
    loop {
        // Only the first in line is woken. It goes beyond the limit by its own partitions.
        drop(core.produce_parts.take(1).await);
        if !core.is_crowded_with_held() {
            return;
        }
        core.room_among_held().await;
    }
}

/// Appends, or puts in line, what a request brings; the answer waits for what its acks ask for.
pub(super) fn produce(core: &Rc<Core>, id: RequestId, frame: &Bytes, mut reader: Reader<'_>) -> Result<Answer, String> {
    let request =
        ProduceRequestView::parse(&mut reader, id.version).map_err(|error| damaged("ProduceRequest", &error))?;
    let count: usize = request.topic_data.iter().map(|topic| 1 + topic.partition_data.len()).sum();
    if count > PRODUCE_PARTS_MAX {
        return Err(format!("a produce request of {count} partitions: a core works on {PRODUCE_PARTS_MAX} at a time"));
    }
    let parts_held = core.produce_parts.take_now(count);
    let acks = match request.acks {
        0 => Ok(Acks::None),
        1 => Ok(Acks::Leader),
        -1 => Ok(Acks::All),
        other => {
            Err(Refusal::new(ErrorCode::InvalidRequiredAcks, format!("acks is {other}; 0, 1 and -1 are possible")))
        }
    };
    let silent = matches!(acks, Ok(Acks::None));
    let mut topics = Vec::with_capacity(request.topic_data.len());
    for data in request.topic_data.iter() {
        let known = if id.version >= FIRST_WITH_IDS {
            let topic = TopicId::from_u128(data.topic_id).and_then(|topic| core.topic(topic));
            topic.ok_or(ErrorCode::UnknownTopicId)
        } else {
            core.topic_named(data.name).ok_or(ErrorCode::UnknownTopicOrPartition)
        };
        let mut parts = Vec::with_capacity(data.partition_data.len());
        for partition in data.partition_data.iter() {
            let part = match (&known, &acks) {
                (_, Err(refusal)) => Part::Done(Err(refusal.clone())),
                (Err(code), _) => Part::Done(Err((*code).into())),
                (Ok(topic), Ok(acks)) => {
                    let records = partition.records.unwrap_or_default();
                    produce_one(core, topic, partition.index, records, frame, *acks, id.version)
                }
            };
            parts.push((partition.index, part));
        }
        topics.push(TopicParts { name: data.name.to_owned(), id: data.topic_id, parts });
    }
    let core = Rc::clone(core);
    Ok(Answer::Produced(Box::pin(async move {
        let answered = answer(&core, id, topics, silent).await;
        drop(parts_held);
        answered
    })))
}

fn produce_one(
    core: &Rc<Core>,
    topic: &KnownTopic,
    index: i32,
    records: &[u8],
    frame: &Bytes,
    acks: Acks,
    version: i16,
) -> Part {
    let Some(id) = partition_id(topic.topic.id, index) else {
        return Part::Done(Err(ErrorCode::UnknownTopicOrPartition.into()));
    };
    core.produce(&Produced { topic, id, records, frame, acks, version })
}

async fn answer(core: &Core, id: RequestId, topics: Vec<TopicParts>, silent: bool) -> Answered {
    let mut responses = Vec::with_capacity(topics.len());
    for topic in topics {
        let mut partition_responses = Vec::with_capacity(topic.parts.len());
        for (index, part) in topic.parts {
            let result = part.result().await;
            if let Ok(reply) = &result {
                core.stages.record_all(&reply.timings);
            }
            if let (true, Err(refusal)) = (silent, &result) {
                // With acks=0 a closed connection is the only way to tell the client.
                return Answered::Close(format!("a batch sent with acks=0 is refused: {}", refusal.text()));
            }
            partition_responses.push(partition_response(index, result));
        }
        responses.push(TopicProduceResponse { name: topic.name, topic_id: topic.id, partition_responses });
    }
    if silent {
        return Answered::Nothing;
    }
    id.answer(&ProduceResponse { responses, ..ProduceResponse::default() })
}

fn partition_response(index: i32, result: AppendResult) -> PartitionProduceResponse {
    match result {
        Ok(reply) => PartitionProduceResponse {
            index,
            base_offset: reply.base_offset.to_wire(),
            log_append_time_ms: reply.log_append_time.map_or(-1, base::Timestamp::to_wire),
            log_start_offset: reply.log_start.to_wire(),
            ..PartitionProduceResponse::default()
        },
        Err(refusal) => PartitionProduceResponse {
            index,
            error_code: refusal.code.code(),
            base_offset: -1,
            log_append_time_ms: -1,
            log_start_offset: -1,
            record_errors: refusal
                .records
                .iter()
                .map(|(batch_index, message)| BatchIndexAndErrorMessage {
                    batch_index: i32::try_from(*batch_index).unwrap_or(i32::MAX),
                    batch_index_error_message: Some(message.clone()),
                })
                .collect(),
            error_message: refusal.message,
            ..PartitionProduceResponse::default()
        },
    }
}
