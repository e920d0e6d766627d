//! Records gathered into batches, partition by partition, within one limit of memory.
//!
//! The open batch of a partition takes records until it is full; then the next one is opened. A batch is ready to be sent
//! when it is closed, when it has waited for the linger time, or when there is a reason not to wait: a flush, or records
//! that are refused for want of memory. The caller seals a ready batch, which is when it is compressed and stamped with
//! its producer, and gives its memory back once it is done with it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use base::{Instant, PartitionId};
use bytes::Bytes;
use wire::batch::{BatchBuilder, BatchFull, BatchOptions, HEADER_BYTES, NewRecord, ProducerStamp};
use wire::{Codec, Compressor};

use crate::limits;

/// How records are gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccumulatorOptions {
    pub codec: Codec,
    /// The codec's own scale; `None` is its default.
    pub level: Option<i32>,
    /// Bytes of a batch before compression at which it is closed.
    pub batch_bytes: usize,
    /// How long an open batch waits for more records.
    pub linger: Duration,
    /// Bytes of the largest batch: that of a single large record.
    pub batch_bytes_max: usize,
    /// Bytes of all batches that are gathered, or sealed and not yet released.
    pub buffer_bytes_max: usize,
}

/// A batch, in the order in which batches were opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId(pub u64);

/// Where a record is, until its batch is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub batch: BatchId,
    /// Position in the batch, from 0.
    pub index: u32,
}

/// What came of a record that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    pub ticket: Ticket,
    /// The batch before this record's was closed for it.
    pub closed_before: bool,
    /// The record's own batch is full.
    pub closed: bool,
}

/// A record that was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordRefused {
    /// Wait until batches are done.
    #[error("a record of {needed} bytes does not fit: {used} of {limit} bytes of the producer's buffer are in use")]
    BufferFull { needed: usize, used: usize, limit: usize },
    /// It will never fit.
    #[error("a record of {bytes} bytes is larger than a request may be, which is {max} bytes")]
    TooLarge { bytes: usize, max: usize },
}

/// A batch as it will travel.
#[derive(Clone, Debug)]
pub struct SealedBatch {
    pub id: BatchId,
    pub bytes: Bytes,
    pub record_count: u32,
    pub opened_at: Instant,
    /// It could have taken more records.
    pub was_open: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Accumulator {
    options: AccumulatorOptions,
    partitions: BTreeMap<PartitionId, VecDeque<Gathered>>,
    /// Bytes of gathered records, and of sealed batches that were not released.
    used: usize,
    next_batch: u64,
    /// Batches opened before this one are ready.
    flushed_below: BatchId,
    compressor: Compressor,
    spare: Vec<BatchBuilder>,
}

#[derive(Debug)]
struct Gathered {
    id: BatchId,
    builder: BatchBuilder,
    opened_at: Instant,
    is_closed: bool,
}

/// What a record takes at most, beside its key, value and headers: length, attributes, two deltas, two lengths, a count.
const RECORD_OVERHEAD_MAX: usize = 5 + 1 + 10 + 5 + 5 + 5 + 5;
const HEADER_OVERHEAD_MAX: usize = 5 + 5;

impl Accumulator {
    pub fn new(options: AccumulatorOptions) -> Self {
        Self {
            options,
            partitions: BTreeMap::new(),
            used: 0,
            next_batch: 0,
            flushed_below: BatchId(0),
            compressor: Compressor::new(),
            spare: Vec::new(),
        }
    }

    /// Adds a record to its partition's open batch.
    pub fn append(
        &mut self,
        now: Instant,
        partition: PartitionId,
        record: &NewRecord<'_>,
    ) -> Result<Taken, RecordRefused> {
        self.check_size(record)?;
        let queue = self.partitions.entry(partition).or_default();
        let mut closed_before = false;
        if let Some(open) = queue.back_mut().filter(|open| !open.is_closed) {
            let before = open.builder.uncompressed_size();
            match open.builder.push(record) {
                Ok(after) => {
                    self.used += after - before;
                    return Ok(open.taken(false, &self.options));
                }
                Err(BatchFull { .. }) => {
                    open.is_closed = true;
                    closed_before = true;
                }
            }
        }
        let id = BatchId(self.next_batch);
        self.next_batch += 1;
        let mut builder = self.spare.pop().unwrap_or_else(|| BatchBuilder::new(BatchOptions::default()));
        let options = BatchOptions {
            codec: self.options.codec,
            level: self.options.level,
            size_max: self.options.batch_bytes,
            ..BatchOptions::default()
        };
        builder.reset(options);
        if let Err(BatchFull { record_bytes, .. }) = builder.push(record) {
            // A record that is larger than batches usually are has one for itself.
            builder.reset(BatchOptions { size_max: HEADER_BYTES + record_bytes, ..options });
            builder.push(record).expect("the batch was made for this record");
        }
        self.used += builder.uncompressed_size();
        let mut gathered = Gathered { id, builder, opened_at: now, is_closed: false };
        let taken = gathered.taken(closed_before, &self.options);
        queue.push_back(gathered);
        Ok(taken)
    }

    /// All batches that were opened so far are ready, however long they have waited.
    pub fn flush(&mut self) {
        self.flushed_below = BatchId(self.next_batch);
    }

    /// When the partition's next batch is ready to be sent; `None` when it has no records.
    pub fn ready_at(&self, partition: PartitionId) -> Option<Instant> {
        let next = self.partitions.get(&partition)?.front()?;
        let is_ready = next.is_closed || next.id < self.flushed_below;
        Some(if is_ready { next.opened_at } else { next.opened_at.plus(self.options.linger) })
    }

    /// When the partition's next batch was opened, and how many records it has.
    pub fn next_batch(&self, partition: PartitionId) -> Option<(BatchId, Instant, u32)> {
        let next = self.partitions.get(&partition)?.front()?;
        Some((next.id, next.opened_at, next.builder.record_count()))
    }

    /// Bytes of the partition's next batch before compression.
    pub fn next_bytes(&self, partition: PartitionId) -> usize {
        let next = self.partitions.get(&partition).and_then(VecDeque::front);
        next.map_or(0, |next| next.builder.uncompressed_size())
    }

    /// Takes the partition's next batch, whether or not it is ready. Its memory counts until it is released.
    pub fn seal(&mut self, partition: PartitionId, stamp: Option<ProducerStamp>) -> Option<SealedBatch> {
        let Gathered { id, mut builder, opened_at, is_closed } = self.take(partition)?;
        self.used -= builder.uncompressed_size();
        builder.set_producer(stamp);
        let mut bytes = Vec::with_capacity(builder.estimated_size());
        builder.finish_into(&mut self.compressor, &mut bytes);
        let record_count = builder.record_count();
        self.used += bytes.len();
        self.spare(builder);
        Some(SealedBatch { id, bytes: bytes.into(), record_count, opened_at, was_open: !is_closed })
    }

    /// Throws the partition's next batch away.
    pub fn discard(&mut self, partition: PartitionId) -> Option<BatchId> {
        let Gathered { id, builder, .. } = self.take(partition)?;
        self.used -= builder.uncompressed_size();
        self.spare(builder);
        Some(id)
    }

    /// Gives back the memory of a sealed batch.
    pub fn release(&mut self, batch: &SealedBatch) {
        let bytes = batch.bytes.len();
        assert!(bytes <= self.used, "{bytes} bytes are given back and {} in use", self.used);
        self.used -= bytes;
    }

    /// Partitions with records.
    pub fn partitions(&self) -> impl Iterator<Item = PartitionId> {
        self.partitions.iter().filter(|(_, queue)| !queue.is_empty()).map(|(partition, _)| *partition)
    }

    pub fn used_bytes(&self) -> usize {
        self.used
    }

    /// The id that the next batch to be opened will have.
    pub fn next_id(&self) -> BatchId {
        BatchId(self.next_batch)
    }

    fn check_size(&self, record: &NewRecord<'_>) -> Result<(), RecordRefused> {
        let length = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len);
        let header = |header: &wire::batch::Header<'_>| HEADER_OVERHEAD_MAX + header.key.len() + length(header.value);
        let headers: usize = record.headers.iter().map(header).sum();
        let bytes = HEADER_BYTES + RECORD_OVERHEAD_MAX + length(record.key) + length(record.value) + headers;
        let AccumulatorOptions { batch_bytes_max, buffer_bytes_max, .. } = self.options;
        let max = batch_bytes_max.min(buffer_bytes_max);
        if bytes > max {
            return Err(RecordRefused::TooLarge { bytes, max });
        }
        if bytes > buffer_bytes_max.saturating_sub(self.used) {
            return Err(RecordRefused::BufferFull { needed: bytes, used: self.used, limit: buffer_bytes_max });
        }
        Ok(())
    }

    fn take(&mut self, partition: PartitionId) -> Option<Gathered> {
        let queue = self.partitions.get_mut(&partition)?;
        let next = queue.pop_front();
        if queue.is_empty() {
            self.partitions.remove(&partition);
        }
        next
    }

    fn spare(&mut self, builder: BatchBuilder) {
        // One that held a large record would keep its memory.
        if self.spare.len() < limits::SPARE_BUILDERS_MAX && builder.uncompressed_size() <= self.options.batch_bytes {
            self.spare.push(builder);
        }
    }
}

impl Gathered {
    /// The record that was just pushed.
    fn taken(&mut self, closed_before: bool, options: &AccumulatorOptions) -> Taken {
        let index = self.builder.record_count() - 1;
        // The smallest record that could follow would not fit.
        self.is_closed = self.builder.uncompressed_size() + RECORD_BYTES_MIN > options.batch_bytes;
        Taken { ticket: Ticket { batch: self.id, index }, closed_before, closed: self.is_closed }
    }
}

/// A record with neither key nor value.
const RECORD_BYTES_MIN: usize = 7;

#[cfg(test)]
mod tests {
    use base::TopicId;
    use proptest::prelude::*;
    use wire::batch::{Batch, Header};

    use super::*;

    const OPTIONS: AccumulatorOptions = AccumulatorOptions {
        codec: Codec::None,
        level: None,
        batch_bytes: 1_000,
        linger: Duration::from_millis(5),
        batch_bytes_max: 4_000,
        buffer_bytes_max: 10_000,
    };

    fn partition(index: u32) -> PartitionId {
        PartitionId::new(TopicId::METADATA, index)
    }

    fn value(bytes: &[u8]) -> NewRecord<'_> {
        NewRecord { value: Some(bytes), ..NewRecord::default() }
    }

    fn at(millis: u64) -> Instant {
        Instant::ZERO.plus(Duration::from_millis(millis))
    }

    #[test]
    fn a_batch_is_ready_when_it_is_full_or_has_lingered() {
        let mut accumulator = Accumulator::new(OPTIONS);
        assert_eq!(accumulator.ready_at(partition(0)), None);
        let first = accumulator.append(at(1), partition(0), &value(&[1; 400])).unwrap();
        assert_eq!((first.ticket.index, first.closed, accumulator.ready_at(partition(0))), (0, false, Some(at(6))));
        let second = accumulator.append(at(2), partition(0), &value(&[2; 400])).unwrap();
        assert_eq!((second.ticket.batch, second.ticket.index), (first.ticket.batch, 1));
        assert_eq!(accumulator.ready_at(partition(0)), Some(at(6)), "the first record's time counts");
        let third = accumulator.append(at(3), partition(0), &value(&[3; 400])).unwrap();
        assert!(third.closed_before && third.ticket.batch > first.ticket.batch);
        assert_eq!(accumulator.ready_at(partition(0)), Some(at(1)), "full");
        let sealed = accumulator.seal(partition(0), None).unwrap();
        assert_eq!((sealed.record_count, sealed.opened_at), (2, at(1)));
        assert_eq!(accumulator.ready_at(partition(0)), Some(at(8)));
        accumulator.flush();
        assert_eq!(accumulator.ready_at(partition(0)), Some(at(3)), "a flush does not wait");
        let (batch, rest) = Batch::parse(&sealed.bytes).unwrap();
        assert_eq!((batch.verify_crc(), rest.len(), batch.header().record_count()), (Ok(()), 0, 2));
    }

    #[test]
    fn a_large_record_has_a_batch_for_itself_and_one_that_is_too_large_is_refused() {
        let mut accumulator = Accumulator::new(OPTIONS);
        let small = accumulator.append(at(0), partition(0), &value(&[1; 10])).unwrap();
        let large = accumulator.append(at(0), partition(0), &value(&[1; 3_000])).unwrap();
        assert!(large.closed && large.closed_before && large.ticket.batch != small.ticket.batch);
        let after = accumulator.append(at(0), partition(0), &value(&[1; 10])).unwrap();
        assert!(after.ticket.batch != large.ticket.batch && !after.closed_before);
        let refused = accumulator.append(at(0), partition(0), &value(&[1; 4_000])).unwrap_err();
        assert_eq!(refused, RecordRefused::TooLarge { bytes: 4_097, max: 4_000 });
        let headers = [Header { key: &[0; 2_000], value: Some(&[0; 2_000]) }];
        let record = NewRecord { headers: &headers, ..NewRecord::default() };
        assert!(matches!(accumulator.append(at(0), partition(0), &record), Err(RecordRefused::TooLarge { .. })));
    }

    #[test]
    fn memory_is_taken_until_the_batch_is_released_or_discarded() {
        let mut accumulator = Accumulator::new(OPTIONS);
        let mut count = 0;
        let refused = loop {
            match accumulator.append(at(0), partition(count % 3), &value(&[7; 700])) {
                Ok(_) => count += 1,
                Err(refused) => break refused,
            }
        };
        assert!((10..15).contains(&count), "{count}");
        assert!(matches!(refused, RecordRefused::BufferFull { limit: 10_000, .. }), "{refused}");
        let sealed = accumulator.seal(partition(1), None).unwrap();
        assert!(accumulator.append(at(0), partition(0), &value(&[7; 700])).is_err(), "sealed is not done");
        accumulator.release(&sealed);
        accumulator.append(at(0), partition(0), &value(&[7; 700])).unwrap();
        assert!(accumulator.append(at(0), partition(0), &value(&[7; 700])).is_err());
        accumulator.discard(partition(2)).unwrap();
        accumulator.append(at(0), partition(0), &value(&[7; 700])).unwrap();
    }

    #[test]
    fn compressed_batches_take_the_memory_of_what_is_left_of_them() {
        let mut accumulator = Accumulator::new(AccumulatorOptions { codec: Codec::Lz4, ..OPTIONS });
        accumulator.append(at(0), partition(0), &value(&[7; 900])).unwrap();
        assert!(accumulator.used_bytes() > 900);
        let sealed = accumulator.seal(partition(0), None).unwrap();
        assert!(sealed.bytes.len() < 200);
        assert_eq!(accumulator.used_bytes(), sealed.bytes.len());
        accumulator.release(&sealed);
        assert_eq!(accumulator.used_bytes(), 0);
    }

    proptest! {
        #[test]
        fn no_record_is_lost_or_moved_and_all_memory_comes_back(
            sizes in prop::collection::vec((0_u32..3, 0_usize..1_500), 1..60),
        ) {
            let mut accumulator = Accumulator::new(AccumulatorOptions { buffer_bytes_max: 1 << 20, ..OPTIONS });
            let mut expected = vec![Vec::new(); 3];
            for (number, (index, size)) in sizes.iter().enumerate() {
                let bytes = vec![u8::try_from(number).unwrap(); *size];
                let taken = accumulator.append(at(0), partition(*index), &value(&bytes)).unwrap();
                expected[usize::try_from(*index).unwrap()].push((taken.ticket, bytes));
            }
            for (index, expected) in (0..).zip(expected) {
                let mut found = Vec::new();
                let mut before = None;
                while let Some(sealed) = accumulator.seal(partition(index), None) {
                    prop_assert!(Some(sealed.id) > before);
                    before = Some(sealed.id);
                    let (batch, _) = Batch::parse(&sealed.bytes).unwrap();
                    prop_assert!(batch.header().size() <= 1_000 || sealed.record_count == 1);
                    for record in batch.records().unwrap() {
                        let record = record.unwrap();
                        let ticket = Ticket { batch: sealed.id, index: record.offset_delta };
                        found.push((ticket, record.value.unwrap().to_vec()));
                    }
                    accumulator.release(&sealed);
                }
                prop_assert_eq!(found, expected);
            }
            prop_assert_eq!(accumulator.used_bytes(), 0);
        }
    }
}
