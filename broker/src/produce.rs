//! Produce, as both doors share it: validation at the door, then to the owner of the partition.

use std::pin::Pin;
use std::rc::Rc;

use base::{Instant, PartitionId};
use bytes::Bytes;
use cluster::settings::TimestampType;
use wire::ErrorCode;
use wire::batch::validate::{Keys, Origin, ProduceRules, validate_compressed, validate_produced};
use wire::compress::Decompressor;
use wire::native::Stage;

use crate::core::{Core, KnownTopic};
use crate::handover::{Place, with_time_held};
use crate::internal_topics::check_not_internal;
use crate::leader::AppendResult;
use crate::limits;
use crate::mesh::Call;
use crate::messages::{Acks, AppendRequest, Reply};
use crate::producer_state::stamp_of;
use crate::refusal::Refusal;
use crate::stages::microseconds;

/// One partition of a produce request, on its way.
pub(crate) enum Part {
    Done(AppendResult),
    Waiting(Pin<Box<dyn Future<Output = AppendResult>>>),
    Elsewhere {
        call: Call,
        sent: Instant,
    },
    /// The partition is about to change its core.
    Held(Rc<Place>),
}

/// What a door knows of one partition's batch.
pub(crate) struct Produced<'a> {
    pub(crate) topic: &'a KnownTopic,
    pub(crate) id: PartitionId,
    /// The batch, a part of `frame`.
    pub(crate) records: &'a [u8],
    pub(crate) frame: &'a Bytes,
    pub(crate) acks: Acks,
    /// Version of Kafka's produce API whose rules apply.
    pub(crate) version: i16,
}

impl Core {
    /// Validates a batch and hands it to the owner of its partition. What one connection produces to one partition
    /// stays in the order of these calls.
    pub(crate) fn produce(self: &Rc<Self>, produced: &Produced<'_>) -> Part {
        if let Err(refusal) = check_not_internal(produced.topic.topic.name.as_str(), "clients may only read it") {
            return Part::Done(Err(refusal));
        }
        if self.owner_of(produced.id).is_none() {
            return Part::Done(Err(ErrorCode::UnknownTopicOrPartition.into()));
        }
        let request = match prepare(produced, &mut self.decompressor.borrow_mut()) {
            Ok(request) => request,
            Err(refusal) => return Part::Done(Err(refusal)),
        };
        self.route(request)
    }
}

impl Part {
    /// Waits for the owner's answer, with the time between the cores counted.
    pub(crate) async fn result(self) -> AppendResult {
        match self {
            Self::Held(place) => {
                let (part, held) = place.released().await;
                // It may be held again, by the next move.
                with_time_held(Box::pin(part.result()).await, held)
            }
            Self::Done(result) => result,
            Self::Waiting(rest) => rest.await,
            Self::Elsewhere { call, sent } => match call.await? {
                Reply::Append(result) => result.map(|mut reply| {
                    let there = [Stage::Queue, Stage::Append, Stage::Flush].map(|stage| reply.timings.get(stage));
                    let total = microseconds(rt::now().since(sent));
                    reply.timings.set(Stage::CrossCore, total.saturating_sub(there.iter().sum()));
                    reply
                }),
                _ => Err(ErrorCode::UnknownServerError.into()),
            },
        }
    }
}

/// Judges the batch by Kafka's rules and makes it ready for the log.
fn prepare(produced: &Produced<'_>, decompressor: &mut Decompressor) -> Result<AppendRequest, Refusal> {
    let settings = &produced.topic.settings;
    let now = rt::wall_clock();
    let log_append = settings.timestamp_type == TimestampType::LogAppend;
    let rules = ProduceRules {
        origin: Origin::Client,
        produce_version: produced.version,
        batch_bytes_max: settings.max_message_bytes as usize,
        segment_bytes: settings.segment_bytes as usize,
        timestamp_type: if log_append {
            wire::batch::TimestampType::LogAppendTime
        } else {
            wire::batch::TimestampType::CreateTime
        },
        now,
        timestamp_before_max: settings.timestamp_before_max,
        timestamp_after_max: settings.timestamp_after_max,
        keys: if settings.cleanup.compacts() { Keys::Required } else { Keys::Optional },
    };
    let mut valid = validate_produced(produced.records, &rules).map_err(|error| Refusal::from(&error))?;
    if rules.keys == Keys::Required {
        decompressor.trim(limits::DECOMPRESSOR_RETAINED_BYTES_MAX);
        valid = validate_compressed(valid, &rules, decompressor, shard::limits::COMPACTION_BATCH_BYTES_MAX)
            .map_err(|error| Refusal::from(&error))?;
    }
    let header = valid.batch.header();
    if header.attributes().is_transactional() {
        return Err(Refusal::new(ErrorCode::InvalidTxnState, "transactions are not available in this version"));
    }
    Ok(AppendRequest {
        id: produced.id,
        header: valid.header(base::Offset::ZERO, base::LeaderEpoch::ZERO),
        payload: produced.frame.slice_ref(valid.batch.payload()),
        offsets: header.last_offset_delta() + 1,
        max_timestamp: valid.max_timestamp,
        log_append_time: log_append.then_some(now),
        stamp: stamp_of(header),
        acks: produced.acks,
    })
}
