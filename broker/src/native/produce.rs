//! Produce over the native door.

use std::rc::Rc;

use base::{PartitionId, PartitionIndex, TopicId};
use wire::ErrorCode;
use wire::native::{
    Acks as NativeAcks, ErrorCode as NativeCode, ProduceReply, ProduceView, ProducedPartition, Stage, StageTimings,
};

use super::connection::{Arrived, Connection};
use super::native_code;
use crate::leader::AppendResult;
use crate::messages::Acks;
use crate::produce::{Part, Produced};
use crate::stages::microseconds;

/// Rules of the newest version of Kafka's produce API apply.
const RULES_VERSION: i16 = 13;

struct PartitionPart {
    topic: TopicId,
    partition: PartitionIndex,
    part: Part,
}

/// Appends, or puts in line, what a request brings; the answer waits for what its acks ask for.
pub(super) fn produce(connection: &Rc<Connection>, arrived: Arrived) -> Result<(), String> {
    let begun = rt::now();
    let request: ProduceView<'_> = match arrived.open() {
        Ok(request) => request,
        Err(refusal) => {
            connection.refuse(&arrived.prefix, &refusal);
            return Ok(());
        }
    };
    let acks = match request.acks() {
        NativeAcks::None => Acks::None,
        NativeAcks::Leader => Acks::Leader,
        NativeAcks::All => Acks::All,
    };
    let payload_at = arrived.payload_at();
    let mut parts = Vec::with_capacity(request.len());
    for partition in request.partitions() {
        let range = partition.segment.range();
        let records = &arrived.frame[payload_at + range.start..payload_at + range.end];
        let part = match connection.core.topic(partition.topic) {
            None => Part::Done(Err(ErrorCode::UnknownTopicId.into())),
            Some(topic) => connection.core.produce(&Produced {
                topic: &topic,
                id: PartitionId { topic: partition.topic, index: partition.partition },
                records,
                frame: &arrived.frame,
                acks,
                version: RULES_VERSION,
            }),
        };
        parts.push(PartitionPart { topic: partition.topic, partition: partition.partition, part });
    }
    let parsed = microseconds(rt::now().since(begun));
    let worker = Rc::clone(connection);
    let correlation = arrived.prefix.correlation;
    connection.later(&arrived, async move {
        let mut timings = StageTimings::default();
        let mut results = Vec::with_capacity(parts.len());
        for PartitionPart { topic, partition, part } in parts {
            let result = part.result().await;
            if let Ok(reply) = &result {
                worker.core.stages.record_all(&reply.timings);
                for stage in Stage::ALL {
                    timings.set(stage, timings.get(stage).max(reply.timings.get(stage)));
                }
            }
            results.push((topic, partition, result));
        }
        timings.set(Stage::Parse, parsed);
        if acks == Acks::None {
            if results.iter().any(|(.., result)| result.is_err()) {
                // Nobody listens for an answer: a closed connection is the only way to tell.
                worker.outbox.end();
            }
            return;
        }
        let partitions: Vec<ProducedPartition<'_>> = results
            .iter()
            .map(|(topic, index, result)| {
                let core = worker.core.elsewhere(PartitionId { topic: *topic, index: *index });
                ProducedPartition { core, ..produced(*topic, *index, result) }
            })
            .collect();
        worker.reply(correlation, &ProduceReply { partitions: &partitions, timings: Some(timings) });
    });
    Ok(())
}

fn produced(topic: TopicId, partition: PartitionIndex, result: &AppendResult) -> ProducedPartition<'_> {
    match result {
        Ok(reply) => ProducedPartition {
            topic,
            partition,
            error: NativeCode::NONE,
            base_offset: Some(reply.base_offset),
            log_append_time: reply.log_append_time,
            log_start_offset: Some(reply.log_start),
            message: None,
            core: None,
        },
        Err(refusal) => ProducedPartition {
            topic,
            partition,
            error: native_code(refusal),
            base_offset: None,
            log_append_time: None,
            log_start_offset: None,
            message: Some(refusal.text()),
            core: None,
        },
    }
}
