//! Batches are built, validated, patched and read without an allocation, once the buffers have their size.

use base::{LeaderEpoch, Offset, Timestamp};
use wire::batch::validate::{ProduceRules, validate_produced};
use wire::batch::{Batch, BatchBuilder, BatchOptions, Header, NewRecord};
use wire::{Codec, Compressor, Decompressor};

#[path = "support/counting_allocator.rs"]
mod counting_allocator;

#[global_allocator]
static ALLOCATOR: counting_allocator::CountingAllocator = counting_allocator::CountingAllocator;

const RECORDS: usize = 1_000;

fn push_all(builder: &mut BatchBuilder) {
    builder.clear();
    let headers = [Header { key: b"trace", value: Some(b"1") }];
    let timestamp = Some(Timestamp::from_millis(1_700_000_000_000));
    for _ in 0..RECORDS {
        builder
            .push(&NewRecord { timestamp, key: Some(b"key"), value: Some(&[b'v'; 100]), headers: &headers })
            .unwrap();
    }
}

/// A batch's way from a producer to a consumer.
fn life(builder: &mut BatchBuilder, compressor: &mut Compressor, decompressor: &mut Decompressor) {
    push_all(builder);
    let bytes = builder.finish(compressor);
    let rules = ProduceRules::kafka_defaults(Timestamp::from_millis(1_700_000_000_000));
    let produced = validate_produced(bytes, &rules).unwrap();
    let header = produced.header(Offset::ZERO, LeaderEpoch::ZERO);
    assert_eq!(wire::batch::peek_size(&header), Some(bytes.len()));
    let (batch, _) = Batch::parse(bytes).unwrap();
    let records = batch.decode(decompressor, 1 << 20).unwrap();
    let headers = records.map(|record| record.unwrap().headers.into_iter().count());
    assert_eq!(headers.sum::<usize>(), RECORDS);
}

#[test]
fn the_second_batch_allocates_nothing() {
    let (mut compressor, mut decompressor) = (Compressor::new(), Decompressor::new());
    for codec in Codec::ALL {
        let mut builder = BatchBuilder::new(BatchOptions { codec, ..BatchOptions::default() });
        let mut run = || counting_allocator::measure(|| life(&mut builder, &mut compressor, &mut decompressor)).1;
        assert!(run() > 0, "{codec}: the first makes buffers");
        assert_eq!(run(), 0, "{codec}");
    }
}
