//! Any records come back from a batch as they went in, whether this crate or kafka-protocol writes or reads it.

use base::{Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};
use bytes::{Bytes, BytesMut};
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{
    Compression, Record as OtherRecord, RecordBatchDecoder, RecordBatchEncoder, RecordEncodeOptions,
    TimestampType as OtherTimestampType,
};
use proptest::collection::vec;
use proptest::prelude::*;
use wire::batch::validate::{Offsets, ProduceRules, validate_produced};
use wire::batch::{Batch, BatchBuilder, BatchOptions, Header, NewRecord, ProducerStamp, Record};
use wire::{Codec, Compressor, Decompressor};

const BUDGET: usize = 1 << 20;

#[derive(Clone, Debug, PartialEq)]
struct Owned {
    timestamp: Option<Timestamp>,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Owned {
    fn of(record: &Record<'_>) -> Self {
        let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
        let headers = record.headers.into_iter().map(|header| (header.key.to_vec(), owned(header.value)));
        Self {
            timestamp: record.timestamp,
            key: owned(record.key),
            value: owned(record.value),
            headers: headers.collect(),
        }
    }
}

/// Null, empty, short, and long enough for a length of several bytes.
fn nullable() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop_oneof![
        1 => Just(None),
        1 => Just(Some(Vec::new())),
        6 => vec(any::<u8>(), 1..40).prop_map(Some),
        1 => vec(any::<u8>(), 60..9_000).prop_map(Some),
    ]
}

fn timestamp() -> impl Strategy<Value = Option<Timestamp>> {
    prop_oneof![
        1 => Just(None),
        6 => (1_699_999_000_000_u64..1_700_001_000_000).prop_map(|millis| Some(Timestamp::from_millis(millis))),
        1 => (0..=i64::MAX.cast_unsigned()).prop_map(|millis| Some(Timestamp::from_millis(millis))),
    ]
}

/// Names out of few, so that duplicates are common.
fn headers() -> impl Strategy<Value = Vec<(Vec<u8>, Option<Vec<u8>>)>> {
    let name = prop::sample::select(vec!["", "a", "trace-id", "ü"]);
    vec((name.prop_map(|name| name.as_bytes().to_vec()), nullable()), 0..4)
}

fn record() -> impl Strategy<Value = Owned> {
    (timestamp(), nullable(), nullable(), headers()).prop_map(|(timestamp, key, value, headers)| Owned {
        timestamp,
        key,
        value,
        headers,
    })
}

fn build(options: BatchOptions, records: &[Owned]) -> Vec<u8> {
    let mut builder = BatchBuilder::new(options);
    for record in records {
        let headers: Vec<Header<'_>> =
            record.headers.iter().map(|(key, value)| Header { key, value: value.as_deref() }).collect();
        let (key, value) = (record.key.as_deref(), record.value.as_deref());
        builder.push(&NewRecord { timestamp: record.timestamp, key, value, headers: &headers }).unwrap();
    }
    builder.finish(&mut Compressor::new()).to_vec()
}

fn stamp() -> ProducerStamp {
    ProducerStamp {
        id: ProducerId::new(9).unwrap(),
        epoch: ProducerEpoch::from_wire(2).unwrap(),
        base_sequence: Sequence::from_wire(40),
    }
}

/// The other crate keeps one header of each name.
fn distinct_headers(mut records: Vec<Owned>) -> Vec<Owned> {
    for record in &mut records {
        let mut seen = Vec::new();
        record.headers.retain(|(name, _)| !seen.contains(name) && (seen.push(name.clone()), true).1);
    }
    records
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn records_come_back_from_every_codec(
        records in vec(record(), 1..30),
        codec in prop::sample::select(Codec::ALL.to_vec()),
        base_offset in 0_u64..1 << 50,
    ) {
        let base_offset = Offset::new(base_offset).unwrap();
        let bytes = build(BatchOptions { codec, base_offset, ..BatchOptions::default() }, &records);
        let (batch, rest) = Batch::parse(&bytes).unwrap();
        prop_assert!(rest.is_empty());
        prop_assert_eq!(batch.verify_crc(), Ok(()));
        prop_assert_eq!(batch.header().max_timestamp(), records.iter().filter_map(|record| record.timestamp).max());
        let mut decompressor = Decompressor::new();
        let read: Vec<Record<'_>> = batch.decode(&mut decompressor, BUDGET).unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(read.iter().map(Owned::of).collect::<Vec<_>>(), records);
        for (index, record) in (0..).zip(&read) {
            prop_assert_eq!(record.offset, base_offset.plus(index));
        }
    }

    #[test]
    fn what_the_builder_writes_is_accepted_from_a_producer(records in vec(record(), 1..30)) {
        let bytes = build(BatchOptions { producer: Some(stamp()), ..BatchOptions::default() }, &records);
        let rules = ProduceRules::kafka_defaults(Timestamp::from_millis(i64::MAX.cast_unsigned()));
        let produced = validate_produced(&bytes, &rules).unwrap();
        prop_assert_eq!(produced.offsets, Offsets::Dense);
        prop_assert_eq!(produced.timestamps, None);
    }

    #[test]
    fn another_implementation_reads_what_is_written_here(records in vec(record(), 1..20)) {
        let records = distinct_headers(records);
        let bytes = build(BatchOptions { producer: Some(stamp()), ..BatchOptions::default() }, &records);
        let sets = RecordBatchDecoder::decode_all(&mut Bytes::from(bytes)).unwrap();
        let read: Vec<&OtherRecord> = sets.iter().flat_map(|set| &set.records).collect();
        prop_assert_eq!(read.len(), records.len());
        for (index, (other, ours)) in (0..).zip(read.into_iter().zip(&records)) {
            let headers = other.headers.iter().map(|(name, value)| {
                (name.as_bytes().to_vec(), value.as_ref().map(|value| value.to_vec()))
            });
            let owned = Owned {
                timestamp: Timestamp::from_wire(other.timestamp),
                key: other.key.as_ref().map(|key| key.to_vec()),
                value: other.value.as_ref().map(|value| value.to_vec()),
                headers: headers.collect(),
            };
            prop_assert_eq!(&owned, ours);
            prop_assert_eq!((other.offset, other.sequence), (i64::from(index), 40 + index));
            prop_assert_eq!((other.producer_id, other.producer_epoch), (9, 2));
        }
    }

    #[test]
    fn what_another_implementation_writes_is_read_here(records in vec(record(), 1..20)) {
        let records = distinct_headers(records);
        let others: Vec<OtherRecord> = (0..).zip(&records).map(|(index, record)| OtherRecord {
            transactional: true,
            control: false,
            delete_horizon: false,
            partition_leader_epoch: 6,
            producer_id: 9,
            producer_epoch: 2,
            timestamp_type: OtherTimestampType::Creation,
            offset: i64::from(index),
            sequence: 40 + index,
            timestamp: record.timestamp.map_or(-1, Timestamp::to_wire),
            key: record.key.clone().map(Bytes::from),
            value: record.value.clone().map(Bytes::from),
            headers: record.headers.iter().map(|(name, value)| {
                let name = String::from_utf8(name.clone()).unwrap();
                (StrBytes::from_string(name), value.clone().map(Bytes::from))
            }).collect(),
        }).collect();
        let mut bytes = BytesMut::new();
        let options = RecordEncodeOptions { version: 2, compression: Compression::None };
        RecordBatchEncoder::encode(&mut bytes, &others, &options).unwrap();
        let (batch, rest) = Batch::parse(&bytes).unwrap();
        prop_assert!(rest.is_empty());
        prop_assert_eq!(batch.verify_crc(), Ok(()));
        prop_assert_eq!(batch.header().producer(), Some(stamp()));
        prop_assert!(batch.header().attributes().is_transactional());
        let read: Vec<Owned> = batch.records().unwrap().map(|record| Owned::of(&record.unwrap())).collect();
        prop_assert_eq!(read, records);
    }

    #[test]
    fn any_bytes_behind_a_header_are_records_or_refused(
        payload in vec(any::<u8>(), 0..200),
        count in 1_u32..6,
        codec in prop::sample::select(Codec::ALL.to_vec()),
    ) {
        let nothing = Owned { timestamp: None, key: None, value: None, headers: Vec::new() };
        let mut bytes = build(BatchOptions { codec, ..BatchOptions::default() }, &[nothing]);
        bytes.truncate(wire::batch::HEADER_BYTES);
        bytes.extend_from_slice(&payload);
        let length = u32::try_from(bytes.len() - 12).unwrap();
        bytes[8..12].copy_from_slice(&length.to_be_bytes());
        bytes[23..27].copy_from_slice(&(count - 1).to_be_bytes());
        bytes[57..61].copy_from_slice(&count.to_be_bytes());
        let crc = wire::batch::crc::crc32c(&bytes[21..]);
        bytes[17..21].copy_from_slice(&crc.to_be_bytes());
        let (batch, _) = Batch::parse(&bytes).unwrap();
        let mut decompressor = Decompressor::new();
        let read = batch.decode(&mut decompressor, 10_000).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let now = Timestamp::from_millis(0);
        let accepted = validate_produced(&bytes, &ProduceRules::kafka_defaults(now));
        if codec == Codec::None && accepted.is_ok() {
            prop_assert_eq!(read.map(|records| records.len()), Ok(usize::try_from(count).unwrap()));
        }
    }
}
