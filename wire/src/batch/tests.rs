//! Batches as bytes: golden ones, cut ones, flipped ones; and what the builder and patches make of them.

use std::panic::catch_unwind;

use base::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

use super::error::RecordDamage;
use super::*;
use crate::compress::Compressor;
use crate::error_code::ErrorCode;

/// One record, `key` = `value` with a header `h` = null, each field on a line of its own.
const GOLDEN: &[&[u8]] = &[
    &[0, 0, 0, 0, 0, 0, 0x30, 0x39],          // base offset 12345
    &[0, 0, 0, 67],                           // 67 bytes follow
    &[0, 0, 0, 5],                            // leader epoch 5
    &[2],                                     // magic
    &[0x1d, 0x5e, 0xf0, 0x93],                // CRC-32C of everything below
    &[0, 0b0001_0000],                        // attributes: no codec, create time, transactional
    &[0, 0, 0, 0],                            // last offset delta
    &[0, 0, 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0], // base timestamp 1700000000000
    &[0, 0, 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0], // max timestamp
    &[0, 0, 0, 0, 0, 0, 0x12, 0x67],          // producer id 4711
    &[0, 3],                                  // producer epoch
    &[0x7f, 0xff, 0xff, 0xff],                // base sequence: the last before 0
    &[0, 0, 0, 1],                            // record count
    &[34],                                    // a record of 17 bytes: lengths are zigzag
    &[0],                                     // its attributes
    &[0],                                     // timestamp delta
    &[0],                                     // offset delta
    &[6, b'k', b'e', b'y'],                   // key
    &[10, b'v', b'a', b'l', b'u', b'e'],      // value
    &[2],                                     // one header
    &[2, b'h', 1],                            // its key, and null
];

fn golden() -> Vec<u8> {
    GOLDEN.concat()
}

fn golden_options() -> BatchOptions {
    let (id, epoch) = (ProducerId::new(4711).unwrap(), ProducerEpoch::from_wire(3).unwrap());
    let base_sequence = Sequence::from_wire(i32::MAX);
    BatchOptions {
        producer: Some(ProducerStamp { id, epoch, base_sequence }),
        transactional: true,
        base_offset: Offset::new(12_345).unwrap(),
        leader_epoch: LeaderEpoch::new(5),
        ..BatchOptions::default()
    }
}

fn golden_time() -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000)
}

#[test]
fn a_batch_is_read_field_by_field() {
    let bytes = golden();
    assert_eq!((peek_size(&bytes), peek_base_offset(&bytes)), (Some(79), Offset::new(12_345)));
    let (batch, rest) = Batch::parse(&bytes).unwrap();
    assert!(rest.is_empty());
    batch.verify_crc().unwrap();
    let header = batch.header();
    assert_eq!(
        (header.base_offset().get(), header.last_offset().get(), header.next_offset().get()),
        (12_345, 12_345, 12_346)
    );
    assert_eq!((header.size(), header.leader_epoch(), header.codec()), (79, LeaderEpoch::new(5), Codec::None));
    assert_eq!(header.attributes().timestamp_type(), TimestampType::CreateTime);
    assert!(header.attributes().is_transactional());
    assert!(!header.attributes().is_control() && !header.attributes().has_delete_horizon());
    assert_eq!((header.base_timestamp(), header.max_timestamp()), (Some(golden_time()), Some(golden_time())));
    assert_eq!((header.producer(), header.last_sequence()), (golden_options().producer, Sequence::from_wire(i32::MAX)));
    assert_eq!((header.last_offset_delta(), header.record_count()), (0, 1));
    let records: Vec<_> = batch.records().unwrap().map(Result::unwrap).collect();
    assert_eq!(records.len(), 1);
    let record = records[0];
    assert_eq!((record.offset.get(), record.timestamp), (12_345, Some(golden_time())));
    assert_eq!((record.offset_delta, record.timestamp_delta), (0, 0));
    assert_eq!((record.key, record.value), (Some(&b"key"[..]), Some(&b"value"[..])));
    assert_eq!((record.headers.len(), record.headers.is_empty()), (1, false));
    assert_eq!(record.headers.last(b"h"), Some(Header { key: b"h", value: None }));
    assert_eq!(record.headers.last(b"i"), None);
}

#[test]
fn the_same_batch_is_written_byte_by_byte() {
    let mut builder = BatchBuilder::new(golden_options());
    let headers = [Header { key: b"h", value: None }];
    let record =
        NewRecord { timestamp: Some(golden_time()), key: Some(b"key"), value: Some(b"value"), headers: &headers };
    assert_eq!(builder.push(&record), Ok(79));
    assert_eq!(builder.finish(&mut Compressor::new()), golden());
}

/// A batch of each codec, with all that records can have.
fn samples() -> Vec<Vec<u8>> {
    let headers = [Header { key: b"a", value: Some(b"1") }, Header { key: b"a", value: None }];
    let sample = |codec| {
        let mut builder = BatchBuilder::new(BatchOptions { codec, ..golden_options() });
        for index in 0..4_u64 {
            let value = [b'v'; 40];
            builder
                .push(&NewRecord {
                    timestamp: Some(Timestamp::from_millis(1_700_000_000_000 - index * 1_000)),
                    key: index.is_multiple_of(2).then_some(b"key"),
                    value: (index != 3).then_some(&value[..]),
                    headers: &headers[..usize::try_from(index % 3).unwrap()],
                })
                .unwrap();
        }
        builder.finish(&mut Compressor::new()).to_vec()
    };
    Codec::ALL.map(sample).to_vec()
}

/// Uses everything that reads; gives back what the records were.
fn read_all(bytes: &[u8]) -> Result<usize, BatchError> {
    let mut decompressor = Decompressor::new();
    let mut count = 0;
    for batch in batches(bytes) {
        let batch = batch?;
        let header = batch.header();
        let _ = (header.next_offset(), header.last_sequence(), header.base_timestamp(), header.max_timestamp());
        for record in batch.decode(&mut decompressor, 4_096)? {
            count += record?.headers.into_iter().count();
        }
    }
    Ok(count)
}

#[test]
fn every_prefix_is_a_partial_batch_and_never_a_panic() {
    for bytes in samples() {
        for end in 0..bytes.len() {
            let prefix = &bytes[..end];
            let parsed = Batch::parse(prefix).unwrap_err();
            let needed = if end < HEADER_BYTES { HEADER_BYTES } else { bytes.len() };
            assert_eq!(parsed, BatchError::Truncated { needed, available: end });
            let mut iterator = batches(prefix);
            assert!(iterator.next().is_none(), "cut at {end}");
            assert_eq!(iterator.rest(), prefix);
            let after_a_whole_one = [&bytes[..], prefix].concat();
            let mut iterator = batches(&after_a_whole_one);
            assert_eq!(iterator.by_ref().map(Result::unwrap).count(), 1);
            assert_eq!(iterator.rest(), prefix);
        }
    }
}

#[test]
fn every_flipped_bit_under_the_crc_is_refused_and_none_panics() {
    for bytes in samples() {
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let sound = Batch::parse(&flipped).and_then(|(batch, _)| batch.verify_crc());
            let covered = (header::at::MAGIC..).contains(&(bit / 8));
            let length = (header::at::LENGTH..header::LENGTH_END).contains(&(bit / 8));
            if covered || length {
                assert!(sound.is_err(), "bit {bit} was flipped unseen");
            } else if flipped[0] < 0x80 {
                assert_eq!(sound, Ok(()), "bit {bit}: base offset and leader epoch are not covered");
            }
            let _ = read_all(&flipped);
            // The same damage with a CRC that was made to match.
            if flipped.len() == bytes.len() {
                let crc = crc::crc32c(&flipped[header::at::ATTRIBUTES..]);
                flipped[header::at::CRC..header::at::ATTRIBUTES].copy_from_slice(&crc.to_be_bytes());
                let _ = read_all(&flipped);
            }
        }
    }
}

#[test]
fn headers_whose_fields_cannot_be_together_are_refused() {
    let with = |at: usize, field: &[u8]| {
        let mut bytes = golden();
        bytes[at..at + field.len()].copy_from_slice(field);
        BatchHeader::read(&bytes).unwrap_err()
    };
    use header::at;
    assert_eq!(with(at::BASE_OFFSET, &[0xff; 8]), BatchError::BaseOffset { got: -1 });
    let last = i64::MAX.to_be_bytes();
    assert_eq!(with(at::BASE_OFFSET, &last), BatchError::BaseOffset { got: i64::MAX }, "there would be no next offset");
    let mut beyond = golden();
    beyond[at::BASE_OFFSET..at::LENGTH].copy_from_slice(&(i64::MAX - 1).to_be_bytes());
    assert_eq!(BatchHeader::read(&beyond).unwrap().next_offset(), Offset::MAX);
    beyond[at::LAST_OFFSET_DELTA + 3] = 1;
    assert_eq!(BatchHeader::read(&beyond).unwrap_err(), BatchError::BaseOffset { got: i64::MAX - 1 });
    assert_eq!(with(at::LENGTH, &48_i32.to_be_bytes()), BatchError::Size { claimed: 60 });
    assert_eq!(with(at::LENGTH, &i32::MIN.to_be_bytes()), BatchError::Size { claimed: 12 - (1 << 31) });
    assert_eq!(with(at::MAGIC, &[1]), BatchError::LegacyMagic { magic: 1 });
    assert_eq!(with(at::MAGIC, &[3]), BatchError::UnknownMagic { magic: 3 });
    assert_eq!(with(at::ATTRIBUTES, &[0, 6]), BatchError::UnknownCodec { bits: 6 });
    assert_eq!(with(at::LAST_OFFSET_DELTA, &[0xff; 4]), BatchError::LastOffsetDelta { last_offset_delta: -1 });
    assert_eq!(with(at::RECORD_COUNT, &[0, 0, 0, 2]), BatchError::RecordCount { count: 2, last_offset_delta: 0 });
    assert_eq!(with(at::RECORD_COUNT, &[0xff; 4]), BatchError::RecordCount { count: -1, last_offset_delta: 0 });
    assert_eq!(with(at::PRODUCER_EPOCH, &[0xff; 2]), BatchError::ProducerEpoch { producer_id: 4711, epoch: -1 });
}

#[test]
fn damage_between_batches_is_an_error_and_the_end() {
    let bytes = [golden(), vec![0xff; 100], golden()].concat();
    let mut iterator = batches(&bytes);
    assert!(iterator.next().unwrap().is_ok());
    assert_eq!(iterator.next().unwrap().unwrap_err(), BatchError::Size { claimed: 11 });
    assert!(iterator.next().is_none());
    assert_eq!(iterator.rest().len(), 100 + golden().len());
    // A length that makes no header, all there.
    let mut short = golden();
    short[8..12].copy_from_slice(&20_i32.to_be_bytes());
    assert_eq!(batches(&short).next().unwrap().unwrap_err(), BatchError::Size { claimed: 32 });
    // An old format, all there.
    let mut old = golden();
    old[16] = 0;
    assert_eq!(batches(&old).next().unwrap().unwrap_err().code(), ErrorCode::InvalidRecord);
}

#[test]
fn records_end_with_an_error_where_bytes_are_missing_or_left_over() {
    let header = *Batch::parse(&golden()).unwrap().0.header();
    let payload = &golden()[HEADER_BYTES..];
    let cut = Records::new(header, &payload[..17]).collect::<Vec<_>>();
    let damage = RecordDamage::Length { claimed: 17, available: 16 };
    assert_eq!(cut, [Err(BatchError::Record { index: 0, at: 0, damage })]);
    let longer = [payload, &[0, 0]].concat();
    let longer = Records::new(header, &longer).collect::<Vec<_>>();
    assert_eq!(longer.len(), 2);
    assert_eq!(longer[1], Err(BatchError::Leftover { bytes: 2 }));
}

#[test]
fn patches_leave_the_crc_valid_and_never_make_damage_look_sound() {
    let (offset, epoch) = (Offset::new(1 << 40).unwrap(), LeaderEpoch::new(77).unwrap());
    let time = Timestamp::from_millis(1_800_000_000_000);
    for bytes in samples() {
        let mut patched = bytes.clone();
        patch::assign(&mut patched, offset, epoch);
        assert_eq!(patched[header::at::MAGIC..], bytes[header::at::MAGIC..]);
        patch::set_log_append_time(&mut patched, time);
        let (batch, _) = Batch::parse(&patched).unwrap();
        batch.verify_crc().unwrap();
        assert_eq!((batch.header().base_offset(), batch.header().leader_epoch()), (offset, Some(epoch)));
        assert_eq!(batch.header().max_timestamp(), Some(time));
        assert_eq!(batch.header().attributes().timestamp_type(), TimestampType::LogAppendTime);
        patch::set_max_timestamp(&mut patched, None);
        let (batch, _) = Batch::parse(&patched).unwrap();
        batch.verify_crc().unwrap();
        assert_eq!(batch.header().max_timestamp(), None);
        assert_eq!(batch.header().attributes(), Batch::parse(&bytes).unwrap().0.header().attributes());

        let mut damaged = bytes.clone();
        *damaged.last_mut().unwrap() ^= 4;
        patch::set_log_append_time(&mut damaged, time);
        assert_eq!(Batch::parse(&damaged).unwrap().0.verify_crc().unwrap_err().code(), ErrorCode::CorruptMessage);
    }
}

#[test]
fn a_patch_of_less_or_more_than_one_batch_is_a_mistake_of_ours() {
    for bytes in [golden()[..78].to_vec(), [golden(), golden()].concat(), vec![]] {
        assert!(catch_unwind(|| patch::set_log_append_time(&mut bytes.clone(), Timestamp::default())).is_err());
    }
    assert!(catch_unwind(|| patch::assign(&mut [0; 60], Offset::ZERO, LeaderEpoch::ZERO)).is_err());
}

#[test]
fn compaction_leaves_gaps_and_empty_batches() {
    let mut builder = BatchBuilder::new(BatchOptions { delete_horizon: Some(golden_time()), ..golden_options() });
    let before = Timestamp::from_millis(1_699_999_999_000);
    let record = NewRecord { timestamp: Some(before), key: Some(b"k"), value: None, headers: &[] };
    builder.push_at(3, &record).unwrap();
    builder.push_at(7, &record).unwrap();
    builder.set_span(10);
    let bytes = builder.finish(&mut Compressor::new()).to_vec();
    let (batch, _) = Batch::parse(&bytes).unwrap();
    assert_eq!((batch.header().record_count(), batch.header().last_offset_delta()), (2, 9));
    assert_eq!((batch.header().base_timestamp(), batch.header().max_timestamp()), (Some(golden_time()), Some(before)));
    assert!(batch.header().attributes().has_delete_horizon());
    let records: Vec<_> = batch.records().unwrap().map(Result::unwrap).collect();
    assert_eq!(records.iter().map(|record| record.offset.get()).collect::<Vec<_>>(), [12_348, 12_352]);
    assert!(records.iter().all(|record| record.timestamp == Some(before) && record.timestamp_delta == -1_000));

    builder.clear();
    builder.set_span(10);
    let bytes = builder.finish(&mut Compressor::new()).to_vec();
    assert_eq!(bytes.len(), HEADER_BYTES);
    let (batch, _) = Batch::parse(&bytes).unwrap();
    assert_eq!((batch.header().record_count(), batch.header().next_offset().get()), (0, 12_355));
    assert_eq!(batch.records().unwrap().count(), 0);
}

#[test]
fn a_builder_refuses_what_it_has_no_room_for() {
    let mut builder = BatchBuilder::new(BatchOptions { size_max: 100, ..BatchOptions::default() });
    let record = |length: usize| NewRecord { value: Some(&[b'x'; 64][..length]), ..NewRecord::default() };
    assert_eq!(builder.push(&record(20)), Ok(61 + 27));
    assert_eq!(builder.push(&record(6)), Err(BatchFull { record_bytes: 13, size: 88, size_max: 100 }));
    assert_eq!(builder.push(&record(5)), Ok(100));
    assert_eq!((builder.record_count(), builder.uncompressed_size(), builder.is_empty()), (2, 100, false));
    let bytes = builder.finish(&mut Compressor::new());
    assert_eq!(Batch::parse(bytes).unwrap().0.records().unwrap().map(Result::unwrap).count(), 2);
    builder.reset(BatchOptions { size_max: usize::MAX, ..BatchOptions::default() });
    assert!(builder.is_empty());
    builder.set_span(1 << 31);
    let beyond = builder.push(&record(1)).unwrap_err();
    assert_eq!(beyond.size_max, builder::SIZE_MAX, "no offset delta is left");
}

#[test]
fn finished_batches_are_the_same_wherever_they_are_written() {
    let mut compressor = Compressor::new();
    for codec in Codec::ALL {
        let mut builder = BatchBuilder::new(BatchOptions { codec, ..BatchOptions::default() });
        for _ in 0..2 {
            builder.clear();
            for _ in 0..50 {
                builder.push(&NewRecord { value: Some(b"the same again"), ..NewRecord::default() }).unwrap();
            }
            let finished = builder.finish(&mut compressor).to_vec();
            let mut out = b"before".to_vec();
            builder.finish_into(&mut compressor, &mut out);
            assert_eq!(out, [b"before", &finished[..]].concat());
            builder.set_producer(golden_options().producer);
            assert_eq!(
                Batch::parse(builder.finish(&mut compressor)).unwrap().0.header().producer(),
                golden_options().producer
            );
            builder.set_producer(None);
        }
    }
}

#[test]
fn the_estimated_size_learns_from_finished_batches() {
    let mut compressor = Compressor::new();
    let mut builder = BatchBuilder::new(BatchOptions { codec: Codec::Zstd, ..BatchOptions::default() });
    let push_all = |builder: &mut BatchBuilder| {
        for _ in 0..1_000 {
            builder.push(&NewRecord { value: Some(&[b'x'; 100]), ..NewRecord::default() }).unwrap();
        }
    };
    push_all(&mut builder);
    assert_eq!(builder.estimated_size(), builder.uncompressed_size(), "nothing is known yet");
    for _ in 0..50 {
        builder.finish(&mut compressor);
    }
    assert!(builder.estimated_size() < builder.uncompressed_size() / 10, "{}", builder.estimated_size());
    builder.clear();
    assert_eq!(builder.estimated_size(), HEADER_BYTES);
    let noise: Vec<u8> = (0..4_000_u32).flat_map(|index| crc::crc32c(&index.to_be_bytes()).to_be_bytes()).collect();
    builder.push(&NewRecord { value: Some(&noise), ..NewRecord::default() }).unwrap();
    builder.finish(&mut compressor);
    assert!(builder.estimated_size() > builder.uncompressed_size() * 9 / 10, "it grows at once");
}
