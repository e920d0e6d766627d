//! Producers of a partition as a checkpoint holds them.
//!
//! ```text
//! version u8 | count u32 | { id u64 | epoch u16 | run records u64 | last appended ms u64 | open transaction u64 or all
//! ones | batches u8 | { base sequence u32 | records u32 | base offset u64 | max timestamp i64 }* }*
//! ```

use base::{Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};
use cluster::producers::{AppendedBatch, BatchKind, BatchStamp, ProducerBatch, ProducerEntry, ProducerTable};
use shard::recovery::ReplayedProducerBatch;
use wire::batch::BatchHeader;

use crate::limits;

const VERSION: u8 = 1;
const NO_TRANSACTION: u64 = u64::MAX;

#[derive(Debug, thiserror::Error)]
#[error("the state of producers in a checkpoint makes no sense: {0}")]
pub(crate) struct InvalidState(String);

/// What the producer table has to know of a batch; `None` for batches without a producer, and for control batches.
pub(crate) fn stamp_of(header: &BatchHeader) -> Option<BatchStamp> {
    let producer = header.producer()?;
    let kind = if header.attributes().is_transactional() { BatchKind::Transactional } else { BatchKind::Plain };
    Some(BatchStamp {
        producer: producer.id,
        epoch: producer.epoch,
        base_sequence: producer.base_sequence?,
        record_count: header.last_offset_delta() + 1,
        kind,
    })
}

pub(crate) fn encode(table: &ProducerTable) -> Vec<u8> {
    if table.is_empty() {
        return Vec::new();
    }
    let mut out = vec![VERSION];
    out.extend_from_slice(&u32::try_from(table.len()).expect("the table has a limit").to_le_bytes());
    for entry in table.entries() {
        out.extend_from_slice(&entry.producer.get().to_le_bytes());
        out.extend_from_slice(&entry.epoch.to_wire().to_le_bytes());
        out.extend_from_slice(&entry.run_records.to_le_bytes());
        out.extend_from_slice(&entry.last_appended_at.as_millis().to_le_bytes());
        let open = entry.open_transaction.map_or(NO_TRANSACTION, Offset::get);
        out.extend_from_slice(&open.to_le_bytes());
        out.push(u8::try_from(entry.batches.len()).expect("few batches are remembered"));
        for batch in &entry.batches {
            out.extend_from_slice(&batch.base_sequence.to_wire().to_le_bytes());
            out.extend_from_slice(&batch.record_count.to_le_bytes());
            out.extend_from_slice(&batch.base_offset.get().to_le_bytes());
            out.extend_from_slice(&batch.max_timestamp.map_or(-1, Timestamp::to_wire).to_le_bytes());
        }
    }
    out
}

pub(crate) fn decode(bytes: &[u8]) -> Result<ProducerTable, InvalidState> {
    let limit = limits::PRODUCERS_PER_PARTITION_MAX;
    if bytes.is_empty() {
        return Ok(ProducerTable::new(limit));
    }
    let mut reader = Fields(bytes);
    let entries = reader.entries().ok_or_else(|| InvalidState(format!("{} bytes cannot be read", bytes.len())))?;
    ProducerTable::restore(limit, entries).map_err(|error| InvalidState(error.to_string()))
}

/// The state of a checkpoint, and the batches that came after it.
pub(crate) fn replay(old: &[u8], replayed: &[ReplayedProducerBatch], now: Timestamp) -> Vec<u8> {
    let mut table = decode(old).unwrap_or_else(|error| {
        // A checkpoint has a checksum, so this is a fault of ours: producers are asked to start over.
        tracing::error!(%error, "producers are forgotten");
        ProducerTable::new(limits::PRODUCERS_PER_PARTITION_MAX)
    });
    for batch in replayed {
        let Some(stamp) = stamp_of(&batch.header) else { continue };
        let max_timestamp = batch.header.max_timestamp();
        table.apply(&AppendedBatch { stamp, base_offset: batch.base_offset, max_timestamp, appended_at: now });
    }
    encode(&table)
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn entries(&mut self) -> Option<Vec<ProducerEntry>> {
        if self.array::<1>()? != [VERSION] {
            return None;
        }
        let count = u32::from_le_bytes(self.array()?);
        let entries: Option<Vec<ProducerEntry>> = (0..count).map(|_| self.entry()).collect();
        entries.filter(|_| self.0.is_empty())
    }

    fn entry(&mut self) -> Option<ProducerEntry> {
        let producer = ProducerId::new(self.u64()?)?;
        let epoch = ProducerEpoch::from_wire(i16::from_le_bytes(self.array()?))?;
        let run_records = self.u64()?;
        let last_appended_at = i64::try_from(self.u64()?).ok().and_then(Timestamp::from_wire)?;
        let open_transaction = match self.u64()? {
            NO_TRANSACTION => None,
            offset => Some(Offset::new(offset)?),
        };
        let [count] = self.array::<1>()?;
        let batches: Option<Vec<ProducerBatch>> = (0..count).map(|_| self.batch()).collect();
        let batches = batches?;
        Some(ProducerEntry { producer, epoch, run_records, last_appended_at, open_transaction, batches })
    }

    fn batch(&mut self) -> Option<ProducerBatch> {
        Some(ProducerBatch {
            base_sequence: Sequence::from_wire(i32::from_le_bytes(self.array()?))?,
            record_count: u32::from_le_bytes(self.array()?),
            base_offset: Offset::new(self.u64()?)?,
            max_timestamp: Timestamp::from_wire(i64::from_le_bytes(self.array()?)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> ProducerTable {
        let mut table = ProducerTable::new(10);
        for (id, sequence, offset) in [(7, 0, 0), (7, 5, 9), (8, 0, 14)] {
            let stamp = BatchStamp {
                producer: ProducerId::new(id).unwrap(),
                epoch: ProducerEpoch::ZERO,
                base_sequence: Sequence::from_wire(sequence).unwrap(),
                record_count: 5,
                kind: BatchKind::Plain,
            };
            let base_offset = Offset::new(offset).unwrap();
            let appended_at = Timestamp::from_millis(77);
            table.apply(&AppendedBatch { stamp, base_offset, max_timestamp: None, appended_at });
        }
        table
    }

    #[test]
    fn producers_survive_a_checkpoint() {
        let bytes = encode(&table());
        let restored = decode(&bytes).unwrap();
        assert_eq!(restored.entries().collect::<Vec<_>>(), table().entries().collect::<Vec<_>>());
        assert!(encode(&ProducerTable::new(3)).is_empty());
    }

    #[test]
    fn state_that_is_cut_is_refused() {
        let bytes = encode(&table());
        for at in 1..bytes.len() {
            assert!(decode(&bytes[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn no_damage_to_the_state_panics_and_what_is_read_is_written_back() {
        let whole = encode(&table());
        let mut random = base::SeededRandom::new(4);
        let mut read = 0;
        for _ in 0..50_000 {
            let mut bytes = whole.clone();
            for _ in 0..=random.below(3) {
                let at = random.index(bytes.len());
                bytes[at] ^= 1 << random.below(8);
            }
            if let Ok(table) = decode(&bytes) {
                let again = decode(&encode(&table)).unwrap();
                assert_eq!(again.entries().collect::<Vec<_>>(), table.entries().collect::<Vec<_>>());
                read += 1;
            }
        }
        assert!(read > 0, "the damage never reaches what lies inside");
    }
}
