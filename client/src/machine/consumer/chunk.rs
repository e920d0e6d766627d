//! What one frame of a stream brought: checked when it arrives, decoded when it is wanted.

use base::{Offset, PartitionId};
use bytes::Bytes;
use wire::Decompressor;
use wire::batch::{Batch, BatchError, batches};
use wire::native::{FetchData, StageTimings};

use super::event::{Checksums, ConsumeError};
use super::records::FetchedRecords;
use super::uncompressed::uncompressed;

/// Whole batches of one partition, in order.
#[derive(Clone, Debug)]
pub struct Chunk {
    pub(super) partition: PartitionId,
    pub(super) payload: Bytes,
    /// Records below were not asked for, although the first batch may hold some.
    pub(super) from: Offset,
    /// Where the next chunk goes on.
    pub(super) next: Offset,
    pub(super) timings: Option<StageTimings>,
}

/// What is wrong with a frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Damaged(BatchError),
    Protocol(&'static str),
}

/// Whether the frame is the first of its stream, whose first batch may begin before the wanted offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    First,
    Later,
}

/// Checks a frame's batches against where the stream stands, and says where it stands after them.
pub(super) fn check(
    data: &FetchData,
    payload: &[u8],
    from: Offset,
    place: Place,
    checksums: Checksums,
) -> Result<Offset, Fault> {
    let mut next = from;
    let mut is_first = place == Place::First;
    let mut walk = batches(payload);
    for batch in walk.by_ref() {
        let batch = batch.map_err(Fault::Damaged)?;
        if checksums == Checksums::Verify {
            batch.verify_crc().map_err(Fault::Damaged)?;
        }
        let header = batch.header();
        if is_first && header.next_offset() <= from {
            return Err(Fault::Protocol("the first batch of a stream ends before the wanted offset"));
        }
        if !is_first && header.base_offset() < next {
            return Err(Fault::Protocol("a batch goes back behind the one before it"));
        }
        next = header.next_offset();
        is_first = false;
    }
    if !walk.rest().is_empty() {
        return Err(Fault::Protocol("a batch is cut off at the end of its frame"));
    }
    match data.next_offset {
        Some(claimed) if claimed < next => Err(Fault::Protocol("a frame ends before its last batch does")),
        Some(claimed) => Ok(claimed),
        None => Ok(next),
    }
}

impl Chunk {
    pub fn partition(&self) -> PartitionId {
        self.partition
    }

    pub fn bytes(&self) -> usize {
        self.payload.len()
    }

    /// Decompresses and reads the records. A batch may decompress to `budget` bytes. The broker's own batches, such as the
    /// ends of transactions, are left out.
    pub fn decode(&self, decompressor: &mut Decompressor, budget: usize) -> Result<FetchedRecords, ConsumeError> {
        let mut plain = Vec::new();
        let mut count = 0;
        for batch in batches(&self.payload) {
            let batch = batch.map_err(|error| self.damaged(self.from, &error))?;
            if batch.header().attributes().is_control() {
                continue;
            }
            let base_offset = batch.header().base_offset();
            let bytes = uncompressed(&self.payload, &batch, decompressor, budget)
                .and_then(|bytes| Ok((count_records(&bytes, self.from)?, bytes)));
            let (wanted, bytes) = bytes.map_err(|error| self.damaged(base_offset, &error))?;
            if wanted > 0 {
                count += wanted;
                plain.push(bytes);
            }
        }
        Ok(FetchedRecords::new(self, plain, count))
    }

    fn damaged(&self, offset: Offset, error: &BatchError) -> ConsumeError {
        ConsumeError::Damaged { partition: self.partition, offset, what: error.to_string() }
    }
}

/// Walks a batch's records, so that reading them later cannot fail, and counts those that are wanted.
fn count_records(batch: &Bytes, from: Offset) -> Result<usize, BatchError> {
    let (batch, _) = Batch::parse(batch)?;
    let mut count = 0;
    let mut next = batch.header().base_offset();
    for record in batch.records().expect("the batch was decompressed") {
        let record = record?;
        if record.offset < next {
            let last_offset_delta = record.offset_delta.cast_signed();
            return Err(BatchError::LastOffsetDelta { last_offset_delta });
        }
        next = record.offset.plus(1);
        count += usize::from(record.offset >= from);
    }
    Ok(count)
}
