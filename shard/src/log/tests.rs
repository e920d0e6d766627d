//! A partition's log against a list of batches.

use base::SeededRandom;
use proptest::prelude::*;
use rt::Flag;
use wire::batch::{BatchBuilder, BatchOptions, NewRecord};
use wire::compress::Compressor;

use super::chunks::WriteWhat;
use super::find::Found;
use super::*;
use crate::pool::ChunkPool;

const ID: PartitionId = PartitionId::new(base::TopicId::METADATA, 0);

fn batch_of(records: usize, bytes: usize, random: &mut SeededRandom) -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    let mut value = vec![0; bytes];
    for _ in 0..records {
        random.fill(&mut value);
        builder.push(&NewRecord { value: Some(&value), ..NewRecord::default() }).unwrap();
    }
    builder.finish(&mut Compressor::new()).to_vec()
}

/// A log beside the plain list that it has to equal.
struct Twin {
    log: PartitionLog,
    pool: ChunkPool,
    /// Base offset, offset after the last record, bytes as the log stores them.
    batches: Vec<(Offset, Offset, Vec<u8>)>,
}

impl Twin {
    fn new(segment_bytes: u32) -> Self {
        let spec = PartitionSpec::new(ID, segment_bytes, Durability::Flushed);
        let log = PartitionLog::from_row(spec, &PartitionRow::new(ID));
        Self { log, pool: ChunkPool::new(1 << 30), batches: Vec::new() }
    }

    fn append(&mut self, bytes: &[u8]) {
        let header = wire::batch::BatchHeader::read(bytes).unwrap();
        let (head, payload) = bytes.split_first_chunk::<HEADER_BYTES>().unwrap();
        let offsets = header.last_offset_delta() + 1;
        let append = AppendBatch { header: head, payload, offsets, max_timestamp: -1, leader_epoch: LeaderEpoch::ZERO };
        let AppendedBatch { base, header: patched, .. } =
            self.log.append(append, BY_RULE, &self.pool, || Timestamp::from_millis(0));
        assert_eq!(base, self.batches.last().map_or(Offset::ZERO, |(_, next, _)| *next));
        let stored = [&patched[..], payload].concat();
        self.batches.push((base, base.plus(u64::from(offsets)), stored));
    }

    fn make_safe(&mut self) {
        let (end, position) = (self.log.end(), self.log.end_position());
        self.log.advance_stable(end, position);
        self.log.flushed_position = position;
    }

    /// Performs writes that are due, and lets go of some chunks.
    fn write_and_evict(&mut self, what: WriteWhat, evict: usize) {
        while let Some(write) = self.log.next_write(what) {
            self.log.chunks.end_write(write.chunk, Some(write.written), &self.pool);
        }
        for _ in 0..evict {
            self.log.chunks.evict_oldest(&self.pool);
        }
        self.log.forget_old_spans();
    }

    /// What a read from memory gave must be the whole batches from the wanted offset on, as many as fit.
    fn check_read(&self, offset: Offset, bytes_max: u32) {
        let safe = self.log.stable();
        match self.log.find(offset, bytes_max) {
            Found::OutOfRange => assert!(offset > safe, "offset {offset} is safe below {safe}"),
            Found::AtEnd => assert_eq!(offset, safe),
            Found::Disk => assert!(self.log.chunks.start().is_none_or(|start| start > SegmentPosition::default())),
            Found::Memory(run) => {
                let first = self.batches.iter().position(|(_, next, _)| *next > offset).unwrap();
                let got = run.parts.concat();
                assert_eq!(got.len(), run.bytes as usize);
                let mut expected = Vec::new();
                for (base, next, bytes) in &self.batches[first..] {
                    let fits = expected.is_empty() || expected.len() + bytes.len() <= bytes_max as usize;
                    if *next > safe || !fits || self.starts_segment(*base) && !expected.is_empty() {
                        break;
                    }
                    expected.extend_from_slice(bytes);
                }
                assert_eq!(got, expected, "read of {bytes_max} bytes at {offset}");
                let last = wire::batch::batches(&got).last().unwrap().unwrap();
                assert_eq!(run.next, last.header().next_offset());
            }
        }
    }

    fn starts_segment(&self, base: Offset) -> bool {
        self.log.tail.iter().any(|segment| segment.base == base)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn what_is_read_from_memory_is_what_was_appended(seed: u64, segment_kib in 8_u32..400) {
        let mut random = SeededRandom::new(seed);
        let mut twin = Twin::new(segment_kib << 10);
        for _ in 0..120 {
            match random.below(10) {
                0..6 => {
                    let records = 1 + random.index(20);
                    let largest = if random.one_in(20) { 40_000 } else { 300 };
                    let bytes = random.index(largest);
                    twin.append(&batch_of(records, bytes, &mut random));
                }
                6 => twin.make_safe(),
                7 => twin.write_and_evict(WriteWhat::Complete, random.index(3)),
                8 => twin.write_and_evict(WriteWhat::Everything, random.index(3)),
                _ => {
                    let end = twin.log.end().get() + 2;
                    let offset = Offset::new(random.below(end)).unwrap();
                    twin.check_read(offset, u32::try_from(random.below(200_000)).unwrap());
                }
            }
        }
        twin.make_safe();
        for (base, _, _) in &twin.batches {
            twin.check_read(*base, 1);
            twin.check_read(*base, 50_000);
            twin.check_read(*base, u32::MAX);
        }
    }
}

#[test]
fn nothing_beyond_the_stable_end_is_read() {
    let mut random = SeededRandom::new(1);
    let mut twin = Twin::new(1 << 20);
    twin.append(&batch_of(3, 10, &mut random));
    assert!(matches!(twin.log.find(Offset::ZERO, 1_000), Found::AtEnd));
    twin.make_safe();
    twin.append(&batch_of(3, 10, &mut random));
    let Found::Memory(run) = twin.log.find(Offset::ZERO, u32::MAX) else { panic!("the first batch is in memory") };
    assert_eq!(run.parts.concat(), twin.batches[0].2);
    assert!(matches!(twin.log.find(Offset::new(4).unwrap(), 1_000), Found::OutOfRange));
}

#[test]
fn a_span_is_indexed_once_its_records_are_in_their_file() {
    let mut random = SeededRandom::new(3);
    let mut twin = Twin::new(64 << 10);
    // Batches of half a segment: each closes the span before it.
    (0..3).for_each(|_| twin.append(&batch_of(4, 8_000, &mut random)));
    assert!(!twin.log.spans.is_empty());
    assert!(twin.log.spans_to_persist().is_none(), "not even the folder need be there");
    twin.make_safe();
    let write = twin.log.next_write(WriteWhat::Complete).expect("a chunk is complete");
    twin.log.chunks.end_write(write.chunk, None, &twin.pool);
    assert!(twin.log.spans_to_persist().is_none(), "the write has failed");
    twin.write_and_evict(WriteWhat::Everything, 0);
    let batch = twin.log.spans_to_persist().expect("all is written");
    assert_eq!((batch.segment, batch.already), (Offset::ZERO, 0));
    twin.log.spans_were_persisted(&batch);
}

#[test]
fn a_watcher_is_woken_by_records_beyond_its_offset_only() {
    let mut random = SeededRandom::new(2);
    let mut twin = Twin::new(1 << 20);
    let (early, late) = (Rc::new(Flag::new()), Rc::new(Flag::new()));
    twin.log.watch(Offset::ZERO, &early);
    twin.log.watch(Offset::new(5).unwrap(), &late);
    twin.append(&batch_of(3, 10, &mut random));
    assert!(!early.is_raised(), "not safe yet");
    twin.make_safe();
    assert!(early.is_raised() && !late.is_raised());
    twin.log.unwatch(&late);
    twin.append(&batch_of(9, 10, &mut random));
    twin.make_safe();
    assert!(!late.is_raised(), "it was taken off the list");
}

#[test]
fn an_epoch_ends_where_the_next_one_begins() {
    let mut random = SeededRandom::new(3);
    let mut twin = Twin::new(1 << 20);
    let bytes = batch_of(2, 5, &mut random);
    let (head, payload) = bytes.split_first_chunk::<HEADER_BYTES>().unwrap();
    for epoch in [1, 1, 3, 7] {
        let leader_epoch = LeaderEpoch::new(epoch).unwrap();
        let append = AppendBatch { header: head, payload, offsets: 2, max_timestamp: -1, leader_epoch };
        twin.log.append(append, BY_RULE, &twin.pool, || Timestamp::from_millis(0));
    }
    let ends: Vec<_> = (0..9)
        .map(|epoch| twin.log.end_of_epoch(LeaderEpoch::new(epoch).unwrap()))
        .map(|(epoch, end)| (epoch.get(), end.get()))
        .collect();
    let (zero, one, three, seven) = ((0, 0), (1, 4), (3, 6), (7, 8));
    assert_eq!(ends, [zero, one, one, three, three, three, three, seven, seven]);
}
