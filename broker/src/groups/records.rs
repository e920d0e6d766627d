//! The records of groups between what `cluster` decides with and what the log holds, which is Kafka's format.

mod from_wire;
mod to_wire;

use base::{Offset, PartitionId, Timestamp};
use bytes::Bytes;
use cluster::groups::{AppendFailure, GroupRecord};
use wire::batch::{Batch, BatchBuilder, BatchHeader, BatchOptions, HEADER_BYTES, NewRecord};
use wire::compress::{Compressor, Decompressor};
use wire::kafka::group_records::{GroupRecord as WireRecord, RecordError};

use crate::messages::{Acks, AppendRequest};

#[derive(Debug, thiserror::Error)]
#[error("the record at offset {offset} cannot be read: {what}")]
pub(crate) struct UnreadableRecord {
    pub(crate) offset: Offset,
    pub(crate) what: String,
}

/// Records as one batch for a partition of `__consumer_offsets`. It is not compressed: its records are few, and whoever
/// looks into the log finds them as they are.
pub(super) fn encode(id: PartitionId, records: &[GroupRecord], now: Timestamp) -> Result<AppendRequest, AppendFailure> {
    let too_large = |error: &dyn std::fmt::Display| {
        tracing::error!(%id, %error, "records of a group do not fit into a batch");
        AppendFailure::TooLarge
    };
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for record in records {
        let plain = to_wire::record(record);
        let key = plain.encode_key().map_err(|error| too_large(&error))?;
        let value = plain.encode_value().map_err(|error| too_large(&error))?;
        let new = NewRecord { timestamp: Some(now), key: Some(&key), value: value.as_deref(), ..NewRecord::default() };
        builder.push(&new).map_err(|error| too_large(&error))?;
    }
    let bytes = Bytes::copy_from_slice(builder.finish(&mut Compressor::new()));
    let header = BatchHeader::read(&bytes).expect("a batch of our own is whole");
    let head = bytes.first_chunk::<HEADER_BYTES>().expect("a batch of our own is whole");
    Ok(AppendRequest {
        id,
        header: *head,
        payload: bytes.slice(HEADER_BYTES..),
        offsets: header.last_offset_delta() + 1,
        max_timestamp: header.max_timestamp(),
        log_append_time: None,
        stamp: None,
        acks: Acks::All,
    })
}

/// Gives the records of a batch of the log to `apply`. Records of features that we do not have are passed over.
pub(super) fn decode(
    batch: &Batch<'_>,
    decompressor: &mut Decompressor,
    mut apply: impl FnMut(&GroupRecord),
) -> Result<(), UnreadableRecord> {
    let header = batch.header();
    if header.attributes().is_control() {
        return Ok(());
    }
    let unreadable = |offset: Offset, what: String| UnreadableRecord { offset, what };
    let base = header.base_offset();
    let budget = shard::limits::COMPACTION_BATCH_BYTES_MAX;
    let records = batch.decode(decompressor, budget).map_err(|error| unreadable(base, error.to_string()))?;
    for record in records {
        let record = record.map_err(|error| unreadable(base, error.to_string()))?;
        let Some(key) = record.key else {
            return Err(unreadable(record.offset, "it has no key".to_owned()));
        };
        let plain = match WireRecord::decode(key, record.value) {
            Ok(plain) => plain,
            Err(RecordError::UnknownType(kind)) => {
                tracing::debug!(offset = %record.offset, kind, "a record of groups of another kind is passed over");
                continue;
            }
            Err(error) => return Err(unreadable(record.offset, error.to_string())),
        };
        let known = from_wire::record(plain).map_err(|what| unreadable(record.offset, what))?;
        if let Some(known) = known {
            apply(&known);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
