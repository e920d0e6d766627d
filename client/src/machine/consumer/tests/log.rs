//! A partition's log as a broker would hold it: batches of all codecs, compacted ones, and some of the broker's own.

use base::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, SeededRandom, Timestamp};
use bytes::Bytes;
use wire::batch::{BatchBuilder, BatchOptions, NewRecord, ProducerStamp, patch};
use wire::{Codec, Compressor};

pub(super) fn offset(value: u64) -> Offset {
    Offset::new(value).unwrap()
}

pub(super) struct LogBatch {
    pub(super) base: Offset,
    pub(super) next: Offset,
    pub(super) bytes: Bytes,
}

#[derive(Default)]
pub(super) struct Log {
    pub(super) batches: Vec<LogBatch>,
    /// The offsets that have a record for readers; its value is its offset.
    pub(super) records: Vec<Offset>,
    pub(super) start: Offset,
    pub(super) end: Offset,
}

impl Log {
    /// Appends a batch of some kind.
    pub(super) fn append(&mut self, random: &mut SeededRandom) {
        let is_control = random.one_in(10);
        let is_compacted = random.one_in(5);
        // A batch may have been compacted away altogether.
        let base = self.end.plus(if is_compacted { random.below(4) } else { 0 });
        let codec = if is_control { Codec::None } else { Codec::ALL[random.index(Codec::ALL.len())] };
        let producer = is_control.then(|| ProducerStamp {
            id: ProducerId::new(1).unwrap(),
            epoch: ProducerEpoch::ZERO,
            base_sequence: None,
        });
        let options =
            BatchOptions { codec, control: is_control, transactional: is_control, producer, ..BatchOptions::default() };
        let mut builder = BatchBuilder::new(options);
        let mut span = 0;
        for _ in 0..=random.below(6) {
            span += if is_compacted { u32::try_from(random.below(3)).unwrap() } else { 0 };
            let record = base.plus(u64::from(span));
            let mut value = record.get().to_be_bytes().to_vec();
            value.resize(8 + random.index(300), 7);
            let record_of =
                NewRecord { value: Some(&value), timestamp: Timestamp::from_wire(1), ..NewRecord::default() };
            builder.push_at(span, &record_of).unwrap();
            span += 1;
            if !is_control {
                self.records.push(record);
            }
        }
        if is_compacted {
            span += u32::try_from(random.below(3)).unwrap();
            builder.set_span(span);
        }
        let mut bytes = builder.finish(&mut Compressor::new()).to_vec();
        patch::assign(&mut bytes, base, LeaderEpoch::ZERO);
        self.end = base.plus(u64::from(span));
        self.batches.push(LogBatch { base, next: self.end, bytes: bytes.into() });
    }

    /// Deletes from the beginning, whole batches.
    pub(super) fn shorten(&mut self, random: &mut SeededRandom) {
        let count = random.index(self.batches.len().div_ceil(3) + 1);
        if let Some(last) = self.batches.drain(..count).next_back() {
            self.start = last.next;
        }
    }

    /// The batches from the one that holds `from`, or follows it, up to some bytes but at least one.
    pub(super) fn read(&self, from: Offset, bytes_max: usize) -> Option<(Bytes, Offset, Offset)> {
        let first = self.batches.iter().position(|batch| batch.next > from)?;
        let mut bytes = Vec::new();
        let mut next = from;
        for batch in &self.batches[first..] {
            if !bytes.is_empty() && bytes.len() + batch.bytes.len() > bytes_max {
                break;
            }
            bytes.extend_from_slice(&batch.bytes);
            next = batch.next;
        }
        Some((bytes.into(), self.batches[first].base, next))
    }

    pub(super) fn records_in(&self, from: Offset, next: Offset) -> Vec<Offset> {
        self.records.iter().filter(|record| (from..next).contains(record)).copied().collect()
    }
}
