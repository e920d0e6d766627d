//! The last batches of one producer, in place: tables have thousands of producers, and copy them by the hundred.

use base::{Offset, Sequence};

use super::ProducerBatch;
use crate::limits::PRODUCER_BATCHES_REMEMBERED;

/// The newest last.
#[derive(Debug, Clone)]
pub(super) struct LastBatches {
    /// Beyond the length, anything.
    list: [ProducerBatch; PRODUCER_BATCHES_REMEMBERED],
    length: u8,
}

impl Default for LastBatches {
    fn default() -> Self {
        let none = ProducerBatch {
            base_sequence: Sequence::ZERO,
            record_count: 0,
            base_offset: Offset::ZERO,
            max_timestamp: None,
        };
        Self { list: [none; PRODUCER_BATCHES_REMEMBERED], length: 0 }
    }
}

impl LastBatches {
    /// The last of these.
    pub(super) fn of(batches: &[ProducerBatch]) -> Self {
        let mut last = Self::default();
        batches.iter().for_each(|batch| last.push(*batch));
        last
    }

    /// Adds one, and forgets the oldest where there is no room.
    pub(super) fn push(&mut self, batch: ProducerBatch) {
        if usize::from(self.length) == PRODUCER_BATCHES_REMEMBERED {
            self.list.rotate_left(1);
            self.length -= 1;
        }
        self.list[usize::from(self.length)] = batch;
        self.length += 1;
    }

    pub(super) fn clear(&mut self) {
        self.length = 0;
    }

    pub(super) fn as_slice(&self) -> &[ProducerBatch] {
        &self.list[..usize::from(self.length)]
    }
}
