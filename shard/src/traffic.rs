//! What a shard's users brought, took, and were refused. Counted on the hot path, so each count is one addition.

use std::cell::Cell;

use crate::segment::reader::{ReadData, ReadSource};
use crate::shard::AppendError;

/// Counted since the shard was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    pub append_batches: u64,
    pub append_records: u64,
    /// Of batches, headers included.
    pub append_bytes: u64,
    /// Reads that gave something.
    pub memory: ReadTraffic,
    pub disk: ReadTraffic,
    pub refused: Refused,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadTraffic {
    pub reads: u64,
    pub bytes: u64,
}

/// Appends that were refused, by why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    pub no_space: u64,
    pub overloaded: u64,
    pub poisoned: u64,
    pub too_large: u64,
}

#[derive(Default)]
pub(crate) struct TrafficCounts {
    append_batches: Cell<u64>,
    append_records: Cell<u64>,
    append_bytes: Cell<u64>,
    memory: Cell<ReadTraffic>,
    disk: Cell<ReadTraffic>,
    refused: Cell<Refused>,
}

impl TrafficCounts {
    pub(crate) fn get(&self) -> Traffic {
        Traffic {
            append_batches: self.append_batches.get(),
            append_records: self.append_records.get(),
            append_bytes: self.append_bytes.get(),
            memory: self.memory.get(),
            disk: self.disk.get(),
            refused: self.refused.get(),
        }
    }

    pub(crate) fn appended(&self, bytes: u32, records: u32) {
        self.append_batches.set(self.append_batches.get() + 1);
        self.append_records.set(self.append_records.get() + u64::from(records));
        self.append_bytes.set(self.append_bytes.get() + u64::from(bytes));
    }

    pub(crate) fn read(&self, data: &ReadData) {
        if data.bytes == 0 {
            return;
        }
        let cell = match data.source {
            ReadSource::Memory => &self.memory,
            ReadSource::Disk => &self.disk,
        };
        let ReadTraffic { reads, bytes } = cell.get();
        cell.set(ReadTraffic { reads: reads + 1, bytes: bytes + u64::from(data.bytes) });
    }

    pub(crate) fn refused(&self, why: &AppendError) {
        let mut refused = self.refused.get();
        match why {
            AppendError::NoSpace => refused.no_space += 1,
            AppendError::Overloaded { .. } => refused.overloaded += 1,
            AppendError::Poisoned(_) => refused.poisoned += 1,
            AppendError::TooLarge { .. } => refused.too_large += 1,
            // Who asked looks for the partition elsewhere, or is told that the broker stops.
            AppendError::UnknownPartition(_) | AppendError::Leaving(_) | AppendError::Closing => {}
        }
        self.refused.set(refused);
    }
}
