//! Produce, as both doors share it: validation at the door, then to the owner of the partition.

use std::pin::Pin;
use std::rc::Rc;

use base::{Instant, PartitionId};
use bytes::Bytes;
use cluster::settings::{CompressionType, TimestampType};
use wire::ErrorCode;
use wire::batch::validate::{Keys, Origin, ProduceRules, validate_compressed, validate_produced};
use wire::compress::Codec;
use wire::native::Stage;

use crate::core::{Core, KnownTopic};
use crate::handover::{Place, with_time_held};
use crate::internal_topics::check_not_internal;
use crate::leader::AppendResult;
use crate::limits;
use crate::mesh::Call;
use crate::messages::{Acks, AppendRequest, Reply};
use crate::producer_state::stamp_of;
use crate::recompress::Recompression;
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
        match self.prepare(produced) {
            Ok((request, None)) if self.recompressions.may_pass(request.id) => self.route(request),
            Ok((request, work)) => self.recompress_in_line(request, work),
            Err(refusal) => Part::Done(Err(refusal)),
        }
    }

    /// Judges the batch by Kafka's rules and makes it ready for the log, or for what has to be done before that.
    fn prepare(&self, produced: &Produced<'_>) -> Result<(AppendRequest, Option<Recompression>), Refusal> {
        let settings = &produced.topic.settings;
        let rules = rules_of(produced);
        let mut valid = validate_produced(produced.records, &rules).map_err(|error| Refusal::from(&error))?;
        let header = *valid.batch.header();
        if header.attributes().is_transactional() {
            return Err(Refusal::new(ErrorCode::InvalidTxnState, "transactions are not available in this version"));
        }
        let codec = codec_of(settings.compression).filter(|codec| *codec != header.codec());
        if codec.is_none() && rules.keys == Keys::Required {
            let mut decompressor = self.decompressor.borrow_mut();
            decompressor.trim(limits::DECOMPRESSOR_RETAINED_BYTES_MAX);
            valid = validate_compressed(valid, &rules, &mut decompressor, shard::limits::COMPACTION_BATCH_BYTES_MAX)
                .map_err(|error| Refusal::from(&error))?;
        }
        let work =
            codec.map(|codec| Recompression { batch: produced.frame.slice_ref(valid.batch.bytes()), rules, codec });
        let request = AppendRequest {
            id: produced.id,
            header: valid.header(base::Offset::ZERO, base::LeaderEpoch::ZERO),
            payload: produced.frame.slice_ref(valid.batch.payload()),
            offsets: header.last_offset_delta() + 1,
            max_timestamp: valid.max_timestamp,
            log_append_time: (settings.timestamp_type == TimestampType::LogAppend).then_some(rules.now),
            stamp: stamp_of(&header),
            acks: produced.acks,
        };
        Ok((request, work))
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

fn rules_of(produced: &Produced<'_>) -> ProduceRules {
    let settings = &produced.topic.settings;
    ProduceRules {
        origin: Origin::Client,
        produce_version: produced.version,
        batch_bytes_max: settings.max_message_bytes as usize,
        segment_bytes: settings.segment_bytes as usize,
        timestamp_type: match settings.timestamp_type {
            TimestampType::LogAppend => wire::batch::TimestampType::LogAppendTime,
            TimestampType::Create => wire::batch::TimestampType::CreateTime,
        },
        now: rt::wall_clock(),
        timestamp_before_max: settings.timestamp_before_max,
        timestamp_after_max: settings.timestamp_after_max,
        keys: if settings.cleanup.compacts() { Keys::Required } else { Keys::Optional },
    }
}

/// What batches of a topic are compressed with; `None` for what their producers chose.
fn codec_of(compression: CompressionType) -> Option<Codec> {
    match compression {
        CompressionType::Producer => None,
        CompressionType::Uncompressed => Some(Codec::None),
        CompressionType::Gzip => Some(Codec::Gzip),
        CompressionType::Snappy => Some(Codec::Snappy),
        CompressionType::Lz4 => Some(Codec::Lz4),
        CompressionType::Zstd => Some(Codec::Zstd),
    }
}
