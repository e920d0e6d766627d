//! Producers of a partition as a checkpoint holds them.
//!
//! ```text
//! version u8 | count u32 | { id u64 | epoch u16 | run records u64 | last appended ms u64 | open transaction u64 or all
//! ones | batches u8 | { base sequence u32 | records u32 | base offset u64 | max timestamp i64 }* }*
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use base::{Offset, PartitionId, ProducerEpoch, ProducerId, Sequence, Timestamp};
use cluster::producers::{
    AppendedBatch, BatchKind, BatchStamp, ProducerBatch, ProducerBudget, ProducerEntry, ProducerSnapshot, ProducerTable,
};
use shard::PartitionRow;
use shard::recovery::ReplayedProducerBatch;
use wire::batch::BatchHeader;

use crate::limits;
use crate::producer_memory::pause_after;

const VERSION: u8 = 1;
/// Version and count come first.
const ENTRIES_AT: usize = 5;
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

fn encode(table: &ProducerTable) -> Vec<u8> {
    if table.is_empty() {
        return Vec::new();
    }
    let mut out = begin(table.len());
    table.entries().for_each(|entry| encode_entry(&entry, &mut out));
    out
}

/// With pauses: a partition may have thousands.
pub(crate) async fn encode_in_pauses(producers: ProducerSnapshot) -> Vec<u8> {
    let mut out = begin(producers.len());
    for (index, entry) in producers.entries().enumerate() {
        encode_entry(&entry, &mut out);
        pause_after(index).await;
    }
    out
}

fn begin(count: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(ENTRIES_AT + count * limits::PRODUCER_ENCODED_BYTES_MAX);
    out.push(VERSION);
    out.extend_from_slice(&u32::try_from(count).expect("the table has a limit").to_le_bytes());
    out
}

fn encode_entry(entry: &ProducerEntry, out: &mut Vec<u8>) {
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

/// Forgets those who wrote longest ago until a core's partitions remember no more than `limit` producers. A start does so
/// before it writes what it has found: there may be more than before, or fewer cores.
pub(crate) fn bring_under(limit: usize, rows: &mut [PartitionRow]) {
    let count: usize = rows.iter().map(|row| count_in(&row.attachment)).sum();
    if count <= limit {
        return;
    }
    tracing::warn!(count, limit, "there are too many idempotent producers; those that wrote longest ago are forgotten");
    let mut budget = ProducerBudget::new(limit);
    let mut tables: BTreeMap<PartitionId, ProducerTable> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.attachment.is_empty()) {
        // What cannot be read is for whoever opens the partition to complain of.
        let Ok(table) = decode(&row.attachment) else { continue };
        budget.note(row.id, tables.entry(row.id).or_insert(table));
    }
    // Nobody expires by this.
    let (now, expiration) = (Timestamp::default(), Duration::MAX);
    while let Some(id) = budget.due(now, expiration) {
        budget.look_at(id, tables.get_mut(&id).expect("it is listed"), now, expiration);
    }
    for row in rows {
        if let Some(table) = tables.get(&row.id).filter(|table| table.len() < count_in(&row.attachment)) {
            row.attachment = encode(table).into();
        }
    }
}

/// Producers in the state of a checkpoint.
fn count_in(bytes: &[u8]) -> usize {
    let count = bytes.get(1..ENTRIES_AT).map_or(0, |count| u32::from_le_bytes(count.try_into().expect("four bytes")));
    count as usize
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
        for (id, sequence, offset) in [(7, 0, 0), (7, 1, 9), (8, 0, 14)] {
            append(&mut table, id, sequence, offset, 77);
        }
        table
    }

    /// The batch of this number, of five records.
    fn append(table: &mut ProducerTable, id: u64, number: i32, offset: u64, millis: u64) {
        let stamp = BatchStamp {
            producer: ProducerId::new(id).unwrap(),
            epoch: ProducerEpoch::ZERO,
            base_sequence: Sequence::from_wire(number * 5).unwrap(),
            record_count: 5,
            kind: BatchKind::Plain,
        };
        let base_offset = Offset::new(offset * 5).unwrap();
        let appended_at = Timestamp::from_millis(millis);
        table.apply(&AppendedBatch { stamp, base_offset, max_timestamp: None, appended_at });
    }

    #[test]
    fn producers_survive_a_checkpoint() {
        let bytes = encode(&table());
        let restored = decode(&bytes).unwrap();
        assert_eq!(restored.entries().collect::<Vec<_>>(), table().entries().collect::<Vec<_>>());
        assert!(encode(&ProducerTable::new(3)).is_empty());
    }

    #[test]
    fn state_is_the_same_with_pauses_and_without() {
        let table = table();
        let with_pauses = futures_lite::future::block_on(encode_in_pauses(table.snapshot()));
        assert_eq!(with_pauses, encode(&table));
        assert!(with_pauses.len() <= ENTRIES_AT + table.len() * limits::PRODUCER_ENCODED_BYTES_MAX);
        let mut full = ProducerTable::new(1);
        (0..6).for_each(|number| append(&mut full, 7, number, u64::try_from(number).unwrap(), 0));
        assert_eq!(encode(&full).len(), ENTRIES_AT + limits::PRODUCER_ENCODED_BYTES_MAX);
    }

    #[test]
    fn a_start_keeps_those_who_wrote_last_of_all_partitions() {
        let row = |index, producers: &[(u64, u64)]| {
            let mut table = ProducerTable::new(10);
            for (id, millis) in producers {
                append(&mut table, *id, 0, 0, *millis);
            }
            let id = PartitionId::new(base::TopicId::from_random(1), index);
            PartitionRow { attachment: encode(&table).into(), ..PartitionRow::new(id) }
        };
        let before =
            [row(0, &[(1, 10), (2, 50)]), row(1, &[(1, 20), (3, 40), (4, 30)]), row(2, &[]), row(3, &[(5, 15)])];
        let mut rows = before.clone();
        bring_under(6, &mut rows);
        assert_eq!(rows, before);
        bring_under(3, &mut rows);
        assert_eq!(rows, [row(0, &[(2, 50)]), row(1, &[(3, 40), (4, 30)]), row(2, &[]), row(3, &[])]);
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
