//! Records as a consumer gives them out: read in place, and shared rather than copied.

use base::{Offset, PartitionId, Timestamp};
use bytes::Bytes;
use wire::batch::{Batch, Headers, Record};
use wire::native::StageTimings;

use super::chunk::Chunk;

/// Some records of one partition, in order.
///
/// It holds the memory of the frame that brought them, up to a frame's size, and so does every [`Bytes`] taken from it.
#[derive(Clone, Debug)]
pub struct FetchedRecords {
    partition: PartitionId,
    /// Whole batches that are not compressed, and were walked once.
    batches: Vec<Bytes>,
    from: Offset,
    next: Offset,
    count: usize,
    timings: Option<StageTimings>,
}

impl FetchedRecords {
    pub(super) fn new(chunk: &Chunk, batches: Vec<Bytes>, count: usize) -> Self {
        let Chunk { partition, from, next, timings, .. } = *chunk;
        Self { partition, batches, from, next, count, timings }
    }

    pub fn partition(&self) -> PartitionId {
        self.partition
    }

    pub fn iter(&self) -> impl Iterator<Item = FetchedRecord<'_>> {
        self.batches.iter().flat_map(|holder| {
            let (batch, _) = Batch::parse(holder).expect("the batch was walked when it was decoded");
            let records = batch.records().expect("the batch was decompressed");
            let records = records.map(|record| record.expect("the batch was walked when it was decoded"));
            let wanted = records.filter(|record| record.offset >= self.from);
            wanted.map(|record| FetchedRecord { record, holder })
        })
    }

    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Where the consumer stood before these records.
    pub fn from(&self) -> Offset {
        self.from
    }

    /// Where it stands after them.
    pub fn next(&self) -> Offset {
        self.next
    }

    /// Offsets between [`Self::from`] and [`Self::next`] that have no record: of compacted records, of the broker's own, or
    /// of records that are lost.
    pub fn offsets_without_record(&self) -> u64 {
        self.next.since(self.from) - self.count as u64
    }

    /// Where the broker spent its time on the frame that brought these.
    pub fn timings(&self) -> Option<StageTimings> {
        self.timings
    }
}

/// One record, in place.
#[derive(Clone, Copy, Debug)]
pub struct FetchedRecord<'a> {
    record: Record<'a>,
    holder: &'a Bytes,
}

impl<'a> FetchedRecord<'a> {
    pub fn offset(&self) -> Offset {
        self.record.offset
    }

    pub fn timestamp(&self) -> Option<Timestamp> {
        self.record.timestamp
    }

    pub fn key(&self) -> Option<&'a [u8]> {
        self.record.key
    }

    pub fn value(&self) -> Option<&'a [u8]> {
        self.record.value
    }

    pub fn headers(&self) -> Headers<'a> {
        self.record.headers
    }

    /// The key, to be kept. It is not copied.
    pub fn key_bytes(&self) -> Option<Bytes> {
        self.record.key.map(|key| self.holder.slice_ref(key))
    }

    /// The value, to be kept. It is not copied.
    pub fn value_bytes(&self) -> Option<Bytes> {
        self.record.value.map(|value| self.holder.slice_ref(value))
    }
}
