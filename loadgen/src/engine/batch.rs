//! Batches being filled, queued or under way, in memory that is used again.

use std::ops::Range;

use base::Sequence;
use wire::batch::{BatchBuilder, BatchOptions, NewRecord};
use wire::{Codec, Compressor};

/// Which batch of a producer.
pub(super) type SlotId = u32;

#[derive(Debug)]
pub(super) struct Slot {
    builder: BatchBuilder,
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
}

impl Slot {
    fn new(codec: Codec) -> Self {
        Self {
            builder: BatchBuilder::new(BatchOptions { codec, ..BatchOptions::default() }),
            partition: 0,
            first_sequence: 0,
            records: 0,
            value_bytes: 0,
            dues: Vec::with_capacity(64),
            is_queued: false,
            base_sequence: None,
            generation: 0,
        }
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

    /// Size before compression.
    pub(super) fn bytes(&self) -> usize {
        self.builder.uncompressed_size()
    }

    pub(super) fn sequences(&self) -> Range<u64> {
        self.first_sequence..self.first_sequence + u64::from(self.records)
    }

    pub(super) fn builder(&mut self) -> &mut BatchBuilder {
        &mut self.builder
    }

    pub(super) fn finish(&mut self, compressor: &mut Compressor) -> &[u8] {
        self.builder.finish(compressor)
    }
}

/// All batches of one producer.
#[derive(Debug)]
pub(super) struct Slots {
    codec: Codec,
    all: Vec<Slot>,
    free: Vec<SlotId>,
}

impl Slots {
    pub(super) fn new(codec: Codec) -> Self {
        Self { codec, all: Vec::new(), free: Vec::new() }
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

    pub(super) fn give_back(&mut self, id: SlotId) {
        let slot = self.get(id);
        slot.builder.clear();
        slot.builder.set_producer(None);
        slot.dues.clear();
        (slot.records, slot.value_bytes, slot.is_queued, slot.base_sequence) = (0, 0, false, None);
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(id);
    }
}
