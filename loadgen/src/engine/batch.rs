//! Batches being filled, queued or under way, in memory that is used again.

use std::ops::Range;

use base::{ProducerEpoch, ProducerId, Sequence};
use wire::batch::{BatchBuilder, BatchOptions, NewRecord, ProducerStamp, crc};
use wire::{Codec, Compressor};

/// Which batch of a producer.
pub(super) type SlotId = u32;

#[derive(Debug)]
pub(super) struct Slot {
    builder: BatchBuilder,
    /// A batch that was made elsewhere and is passed on; empty otherwise.
    foreign: Vec<u8>,
    pub(super) partition: u32,
    pub(super) first_sequence: u64,
    pub(super) records: u32,
    pub(super) value_bytes: u64,
    /// When records of the batch were due, and how many; in order.
    pub(super) dues: Vec<(u64, u32)>,
    /// The batch stands in its connection's queue, or is under way.
    pub(super) is_queued: bool,
    /// Of an idempotent producer, once the batch was sent.
    pub(super) base_sequence: Option<Sequence>,
    /// Counts the uses of this memory.
    pub(super) generation: u32,
    /// The batch was sent before, and is sent as it is.
    is_made: bool,
}

impl Slot {
    fn new(codec: Codec) -> Self {
        Self {
            builder: BatchBuilder::new(BatchOptions { codec, ..BatchOptions::default() }),
            foreign: Vec::new(),
            partition: 0,
            first_sequence: 0,
            records: 0,
            value_bytes: 0,
            dues: Vec::with_capacity(64),
            is_queued: false,
            base_sequence: None,
            generation: 0,
            is_made: false,
        }
    }

    /// A batch that was sent leaves once more.
    fn repeat(&mut self, partition: u32, first_sequence: u64, at: u64) {
        (self.partition, self.first_sequence) = (partition, first_sequence);
        self.dues.clear();
        self.dues.push((at, self.records));
        self.is_queued = false;
        self.generation = self.generation.wrapping_add(1);
    }

    pub(super) fn push(&mut self, due: u64, record: &NewRecord<'_>) {
        self.builder.push(record).expect("batches are bounded far below what a batch can hold");
        self.records += 1;
        self.value_bytes += record.value.map_or(0, |value| crate::number::large(value.len()));
        match self.dues.last_mut() {
            Some((last, count)) if *last == due => *count += 1,
            _ => self.dues.push((due, 1)),
        }
    }

    /// Takes over a whole batch that arrived at a time.
    pub(super) fn pass_on(&mut self, at: u64, batch: &[u8], records: u32) {
        self.foreign.extend_from_slice(batch);
        self.records = records;
        self.value_bytes = crate::number::large(batch.len());
        self.dues.push((at, records));
    }

    /// Size before compression, or of a batch that is passed on.
    pub(super) fn bytes(&self) -> usize {
        if self.foreign.is_empty() { self.builder.uncompressed_size() } else { self.foreign.len() }
    }

    pub(super) fn sequences(&self) -> Range<u64> {
        self.first_sequence..self.first_sequence + u64::from(self.records)
    }

    pub(super) fn set_producer(&mut self, producer: ProducerStamp) {
        if self.foreign.is_empty() {
            self.builder.set_producer(Some(producer));
        } else {
            restamp(&mut self.foreign, producer);
        }
    }

    /// The batch, after [`finish`](Self::finish).
    pub(super) fn finished(&self) -> &[u8] {
        if self.foreign.is_empty() { self.builder.finished() } else { &self.foreign }
    }

    pub(super) fn finish(&mut self, compressor: &mut Compressor) -> &[u8] {
        if self.foreign.is_empty() && !self.is_made {
            self.builder.finish(compressor);
        }
        self.finished()
    }
}

/// Makes a batch that was read one that this producer sends: its records stay as they are.
fn restamp(batch: &mut [u8], producer: ProducerStamp) {
    // Places of Kafka's record batch, version 2.
    const CRC: usize = 17;
    const ATTRIBUTES: usize = 21;
    let base_sequence = producer.base_sequence.map_or(-1, Sequence::to_wire);
    batch[..8].fill(0);
    batch[12..16].copy_from_slice(&(-1_i32).to_be_bytes());
    batch[43..51].copy_from_slice(&ProducerId::to_wire(producer.id).to_be_bytes());
    batch[51..53].copy_from_slice(&ProducerEpoch::to_wire(producer.epoch).to_be_bytes());
    batch[53..57].copy_from_slice(&base_sequence.to_be_bytes());
    let sum = crc::crc32c(&batch[ATTRIBUTES..]);
    batch[CRC..ATTRIBUTES].copy_from_slice(&sum.to_be_bytes());
}

/// All batches of one producer.
#[derive(Debug)]
pub(super) struct Slots {
    codec: Codec,
    all: Vec<Slot>,
    free: Vec<SlotId>,
    /// Batches that were sent and can be sent again; `None` if no batch is sent twice.
    made: Option<Vec<SlotId>>,
}

impl Slots {
    pub(super) fn new(codec: Codec, repeats: bool) -> Self {
        Self { codec, all: Vec::new(), free: Vec::new(), made: repeats.then(Vec::new) }
    }

    /// A batch that was sent before, to be sent again.
    pub(super) fn repeat(&mut self, partition: u32, first_sequence: u64, at: u64) -> Option<SlotId> {
        let id = self.made.as_mut()?.pop()?;
        self.get(id).repeat(partition, first_sequence, at);
        Some(id)
    }

    pub(super) fn take(&mut self, partition: u32, first_sequence: u64) -> SlotId {
        let id = self.free.pop().unwrap_or_else(|| {
            self.all.push(Slot::new(self.codec));
            crate::number::short(self.all.len() - 1)
        });
        let slot = self.get(id);
        (slot.partition, slot.first_sequence) = (partition, first_sequence);
        id
    }

    pub(super) fn get(&mut self, id: SlotId) -> &mut Slot {
        &mut self.all[crate::number::index(id)]
    }

    pub(super) fn get_ref(&self, id: SlotId) -> &Slot {
        &self.all[crate::number::index(id)]
    }

    pub(super) fn give_back(&mut self, id: SlotId) {
        if let Some(made) = &mut self.made {
            made.push(id);
            self.get(id).is_made = true;
            return;
        }
        let slot = self.get(id);
        slot.builder.clear();
        slot.builder.set_producer(None);
        slot.foreign.clear();
        slot.dues.clear();
        (slot.records, slot.value_bytes, slot.is_queued, slot.base_sequence) = (0, 0, false, None);
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Offset;
    use wire::Decompressor;
    use wire::batch::Batch;

    #[test]
    fn a_batch_that_is_passed_on_keeps_its_records_and_changes_its_sender() {
        let stamp = |id, sequence| ProducerStamp {
            id: ProducerId::from_wire(id).expect("an id"),
            epoch: ProducerEpoch::ZERO,
            base_sequence: Sequence::from_wire(sequence),
        };
        for codec in [Codec::None, Codec::Lz4] {
            let base_offset = Offset::new(77).expect("an offset");
            let options = BatchOptions { codec, base_offset, producer: Some(stamp(5, 3)), ..BatchOptions::default() };
            let mut builder = BatchBuilder::new(options);
            for value in [&b"one"[..], &[b'x'; 500]] {
                builder.push(&NewRecord { key: Some(b"k"), value: Some(value), ..NewRecord::default() }).expect("room");
            }
            let read = builder.finish(&mut Compressor::new()).to_vec();
            let mut slots = Slots::new(Codec::None, false);
            let id = slots.take(4, 77);
            slots.get(id).pass_on(9, &read, 2);
            slots.get(id).set_producer(stamp(8, 1_000));
            let sent = slots.get(id).finish(&mut Compressor::new()).to_vec();
            let (before, after) = (Batch::parse(&read).expect("whole").0, Batch::parse(&sent).expect("whole").0);
            after.verify_crc().expect("the checksum is right");
            assert_eq!(after.header().producer(), Some(stamp(8, 1_000)));
            assert_eq!((after.header().base_offset(), after.header().leader_epoch()), (Offset::ZERO, None));
            assert_eq!(after.payload(), before.payload());
            assert_eq!(after.header().attributes(), before.header().attributes());
            let mut decompressor = Decompressor::new();
            assert_eq!(after.decode(&mut decompressor, 1 << 20).expect("records").count(), 2);
            slots.give_back(id);
            assert!(slots.get(id).foreign.is_empty(), "the memory is for any batch again");
        }
    }
}
