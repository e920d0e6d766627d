//! Producers as plain values, to be written to a snapshot and read back.

use base::{Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};
use serde::{Deserialize, Serialize};

use super::batches::LastBatches;
use super::{Producer, ProducerVerdict};
use crate::limits::PRODUCER_BATCHES_REMEMBERED;

/// All that is remembered of one producer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProducerEntry {
    pub producer: ProducerId,
    pub epoch: ProducerEpoch,
    /// Records appended without a gap up to the last batch; what lies before is not known.
    pub run_records: u64,
    pub last_appended_at: Timestamp,
    /// Where the open transaction began.
    pub open_transaction: Option<Offset>,
    /// At most 5, the newest last. None when only the end of a transaction was seen.
    pub batches: Vec<ProducerBatch>,
}

/// One batch that a producer sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProducerBatch {
    pub base_sequence: Sequence,
    pub record_count: u32,
    pub base_offset: Offset,
    pub max_timestamp: Option<Timestamp>,
}

/// A snapshot's entry contradicts itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the entry of producer {producer} is damaged: {why}")]
pub struct InvalidProducerEntry {
    pub producer: ProducerId,
    pub why: &'static str,
}

impl ProducerEntry {
    pub(super) fn validate(&self) -> Result<(), InvalidProducerEntry> {
        let damaged = |why| Err(InvalidProducerEntry { producer: self.producer, why });
        if self.batches.len() > PRODUCER_BATCHES_REMEMBERED {
            return damaged("it has more batches than are remembered");
        }
        if !self.is_in_bounds() {
            return damaged("a number is out of bounds");
        }
        if self.batches.iter().any(|batch| !batch.is_in_bounds()) {
            return damaged("a batch is out of bounds");
        }
        if self.batches.windows(2).any(|pair| pair[0].next_sequence() != pair[1].base_sequence) {
            return damaged("its batches leave a gap between sequences");
        }
        if self.batches.windows(2).any(|pair| pair[0].last_offset() >= pair[1].base_offset) {
            return damaged("its offsets do not ascend");
        }
        let remembered: u64 = self.batches.iter().map(|batch| u64::from(batch.record_count)).sum();
        if self.run_records < remembered || (self.batches.is_empty() && self.run_records > 0) {
            return damaged("its run and its batches differ in length");
        }
        Ok(())
    }

    /// Serialised, the numbers are plain, so their bounds are checked here again.
    fn is_in_bounds(&self) -> bool {
        ProducerId::from_wire(self.producer.to_wire()).is_some()
            && ProducerEpoch::from_wire(self.epoch.to_wire()).is_some()
            && Timestamp::from_wire(self.last_appended_at.to_wire()).is_some()
            && self.open_transaction.is_none_or(|offset| Offset::from_wire(offset.to_wire()).is_some())
    }
}

impl ProducerBatch {
    fn is_in_bounds(&self) -> bool {
        let count_fits = (1..=i32::MAX.cast_unsigned()).contains(&self.record_count);
        let end = self.base_offset.get().checked_add(u64::from(self.record_count));
        count_fits
            && Sequence::from_wire(self.base_sequence.to_wire()).is_some()
            && end.is_some_and(|end| Offset::new(end).is_some())
            && self.max_timestamp.is_none_or(|timestamp| Timestamp::from_wire(timestamp.to_wire()).is_some())
    }

    pub(super) fn has(&self, base_sequence: Sequence, record_count: u32) -> bool {
        self.base_sequence == base_sequence && self.record_count == record_count
    }

    fn next_sequence(&self) -> Sequence {
        self.base_sequence.plus(self.record_count)
    }

    /// A batch appended as sent has dense offsets.
    pub fn last_offset(&self) -> Offset {
        self.base_offset.plus(u64::from(self.record_count - 1))
    }

    pub(super) fn as_duplicate(&self) -> ProducerVerdict {
        ProducerVerdict::Duplicate {
            base_offset: self.base_offset,
            last_offset: self.last_offset(),
            max_timestamp: self.max_timestamp,
        }
    }
}

impl Producer {
    pub(super) fn entry(&self, producer: ProducerId) -> ProducerEntry {
        ProducerEntry {
            producer,
            epoch: self.epoch,
            run_records: self.run_records,
            last_appended_at: self.last_appended_at,
            open_transaction: self.open_transaction,
            batches: self.batches.as_slice().to_vec(),
        }
    }

    /// The entry has been validated.
    pub(super) fn from_entry(entry: &ProducerEntry) -> Self {
        Self {
            epoch: entry.epoch,
            next: entry.batches.last().map_or(Sequence::ZERO, ProducerBatch::next_sequence),
            run_records: entry.run_records,
            batches: LastBatches::of(&entry.batches),
            open_transaction: entry.open_transaction,
            last_appended_at: entry.last_appended_at,
        }
    }
}
