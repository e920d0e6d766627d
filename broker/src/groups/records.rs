//! The records of groups between what `cluster` decides with and what the log holds, which is Kafka's format.

mod from_wire;
pub(super) mod to_wire;

use base::Offset;
use cluster::groups::GroupRecord;
use wire::batch::Batch;
use wire::compress::Decompressor;
use wire::kafka::group_records::{GroupRecord as WireRecord, RecordError};

#[derive(Debug, thiserror::Error)]
#[error("the record at offset {offset} cannot be read: {what}")]
pub(crate) struct UnreadableRecord {
    pub(crate) offset: Offset,
    pub(crate) what: String,
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
