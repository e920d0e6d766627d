//! Decisions of one turn share a batch of the log.
//!
//! Members commit in bursts, and a coordinator has many groups. A batch for each commit would cost a header of 61 bytes, a
//! checksum, an append and a wait each. So records are gathered until whatever else the core has to do in this turn is done,
//! and what came together is one batch: an idle broker waits for nobody, a busy one has many commits in each.

use base::{PartitionId, Timestamp};
use bytes::Bytes;
use cluster::groups::{Append, AppendFailure, BatchId, GroupRecord};
use wire::batch::{BatchBuilder, BatchHeader, BatchOptions, HEADER_BYTES, NewRecord};
use wire::compress::Compressor;

use super::records::to_wire;
use crate::limits;
use crate::messages::{Acks, AppendRequest};

/// The records of one batch, as far as they have come. It is not compressed: its records are few, and whoever looks into
/// the log finds them as they are.
pub(super) struct Gathering {
    id: PartitionId,
    builder: BatchBuilder,
    /// Whose records they are, in order.
    of: Vec<BatchId>,
}

/// A batch, and whose records are in it.
pub(super) struct Gathered {
    pub(super) of: Vec<BatchId>,
    pub(super) request: AppendRequest,
}

/// The records of one decision as bytes: all of them go into the same batch.
pub(super) struct Encoded {
    of: BatchId,
    records: Vec<(Bytes, Option<Bytes>)>,
    bytes: usize,
}

/// More than the varints, the attributes and the length of one record take.
const RECORD_FRAME_BYTES: usize = 32;

impl Encoded {
    pub(super) fn new(id: PartitionId, append: &Append) -> Result<Self, AppendFailure> {
        let (mut records, mut bytes) = (Vec::with_capacity(append.records.len()), 0);
        for record in append.records.iter() {
            let (key, value) = encode(record).map_err(|error| {
                tracing::error!(%id, %error, "a record of a group cannot be written");
                AppendFailure::TooLarge
            })?;
            bytes += RECORD_FRAME_BYTES + key.len() + value.as_ref().map_or(0, Bytes::len);
            records.push((key, value));
        }
        Ok(Self { of: append.batch, records, bytes })
    }
}

fn encode(record: &GroupRecord) -> Result<(Bytes, Option<Bytes>), wire::kafka::EncodeError> {
    let plain = to_wire::record(record);
    Ok((plain.encode_key()?, plain.encode_value()?))
}

impl Gathering {
    pub(super) fn new(id: PartitionId) -> Self {
        Self { id, builder: BatchBuilder::new(BatchOptions::default()), of: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// Whether these records may join what is there. What is too large to share has a batch for itself.
    pub(super) fn has_room_for(&self, encoded: &Encoded) -> bool {
        self.is_empty() || self.builder.uncompressed_size() + encoded.bytes <= limits::GROUP_BATCH_BYTES
    }

    /// Adds records for which there is room.
    pub(super) fn push(&mut self, encoded: &Encoded, now: Timestamp) -> Result<(), AppendFailure> {
        for (key, value) in &encoded.records {
            let new =
                NewRecord { timestamp: Some(now), key: Some(key), value: value.as_deref(), ..NewRecord::default() };
            if let Err(error) = self.builder.push(&new) {
                // Only one that is alone can be that large.
                tracing::error!(id = %self.id, %error, "records of a group do not fit into a batch");
                self.clear();
                return Err(AppendFailure::TooLarge);
            }
        }
        self.of.push(encoded.of);
        Ok(())
    }

    /// Takes the batch; `None` if there are no records.
    pub(super) fn take(&mut self) -> Option<Gathered> {
        if self.is_empty() {
            return None;
        }
        let bytes = Bytes::copy_from_slice(self.builder.finish(&mut Compressor::new()));
        let header = BatchHeader::read(&bytes).expect("a batch of our own is whole");
        let head = bytes.first_chunk::<HEADER_BYTES>().expect("a batch of our own is whole");
        let request = AppendRequest {
            id: self.id,
            header: *head,
            payload: bytes.slice(HEADER_BYTES..),
            offsets: header.last_offset_delta() + 1,
            max_timestamp: header.max_timestamp(),
            log_append_time: None,
            stamp: None,
            acks: Acks::All,
        };
        let of = std::mem::take(&mut self.of);
        self.clear();
        Some(Gathered { of, request })
    }

    fn clear(&mut self) {
        self.of.clear();
        if self.builder.uncompressed_size() > limits::GROUP_BATCH_BYTES {
            // One that was larger than they are together; its memory is not kept.
            self.builder = BatchBuilder::new(BatchOptions::default());
        } else {
            self.builder.clear();
        }
    }
}

#[cfg(test)]
mod tests;
