//! Batches that other implementations wrote are read, and batches written here are what they read.

use base::{Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};
use wire::batch::validate::{ProduceRules, validate_produced};
use wire::batch::{
    Batch, BatchBuilder, BatchOptions, Header, NewRecord, ProducerStamp, Record, TimestampType, batches,
};
use wire::{Codec, Compressor, Decompressor};

const JAVA: &str = include_str!("golden/kafka-clients-4.3.1.txt");
const PYTHON: &str = include_str!("golden/kafka-python-3.0.12.txt");
const VALIDATOR: &str = include_str!("golden/log-validator-4.3.1.txt");
const SNAPPY_RAW: &str = include_str!("golden/snappy-raw.txt");

const BUDGET: usize = 1 << 20;

fn golden(file: &str, name: &str) -> Vec<u8> {
    let line = file.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).expect("a line of that name");
    from_hex(line)
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

fn millis(value: u64) -> Option<Timestamp> {
    Some(Timestamp::from_millis(value))
}

type Fields<'a> = (Option<Timestamp>, Option<&'a [u8]>, Option<&'a [u8]>, Vec<(&'a [u8], Option<&'a [u8]>)>);

fn fields<'a>(record: &Record<'a>) -> Fields<'a> {
    let headers = record.headers.into_iter().map(|header| (header.key, header.value)).collect();
    (record.timestamp, record.key, record.value, headers)
}

/// The three records of the goldens: duplicate headers, a null value of a header, a null key, a null value, empty
/// ones, and a timestamp before the first.
fn three() -> [Fields<'static>; 3] {
    [
        (
            millis(1_700_000_000_000),
            Some(b"k1"),
            Some(b"value one"),
            vec![(b"h", Some(b"1")), (b"h", None), (b"i", Some(b"2"))],
        ),
        (millis(1_700_000_000_005), None, Some(b""), vec![]),
        (millis(1_699_999_999_998), Some(b""), None, vec![(b"", Some(b""))]),
    ]
}

fn assert_three(name: &str, bytes: &[u8], expected: &[Fields<'_>]) {
    let (batch, rest) = Batch::parse(bytes).unwrap();
    assert!(rest.is_empty());
    batch.verify_crc().unwrap();
    let mut decompressor = Decompressor::new();
    let records: Vec<_> = batch.decode(&mut decompressor, BUDGET).unwrap().map(Result::unwrap).collect();
    assert_eq!(records.iter().map(fields).collect::<Vec<_>>(), expected, "{name}");
    let offsets: Vec<u64> = records.iter().map(|record| record.offset.get()).collect();
    let base = batch.header().base_offset().get();
    assert_eq!(offsets, (base..base + records.len() as u64).collect::<Vec<_>>(), "{name}");
}

#[test]
fn batches_of_the_java_client_are_read_in_every_codec_and_level() {
    let codecs = [
        ("three-none", Codec::None),
        ("three-gzip", Codec::Gzip),
        ("three-gzip-1", Codec::Gzip),
        ("three-snappy", Codec::Snappy),
        ("three-lz4", Codec::Lz4),
        ("three-lz4-17", Codec::Lz4),
        ("three-zstd", Codec::Zstd),
        ("three-zstd-22", Codec::Zstd),
    ];
    for (name, codec) in codecs {
        let bytes = golden(JAVA, name);
        let header = *Batch::parse(&bytes).unwrap().0.header();
        assert_eq!(header.codec(), codec);
        assert_eq!((header.record_count(), header.last_offset_delta()), (3, 2));
        assert_eq!(header.base_timestamp(), millis(1_700_000_000_000));
        assert_eq!(header.max_timestamp(), millis(1_700_000_000_005));
        assert_eq!((header.producer(), header.leader_epoch(), header.base_offset()), (None, None, Offset::ZERO));
        assert_three(name, &bytes, &three());
    }
}

#[test]
fn a_raw_snappy_block_is_read() {
    let bytes = golden(SNAPPY_RAW, "three-snappy-raw");
    assert_eq!(Batch::parse(&bytes).unwrap().0.header().codec(), Codec::Snappy);
    assert_three("three-snappy-raw", &bytes, &three());
}

#[test]
fn streams_of_several_blocks_are_read() {
    for file in [JAVA, PYTHON] {
        for name in ["many-gzip", "many-snappy", "many-lz4", "many-zstd"] {
            let bytes = golden(file, name);
            let mut decompressor = Decompressor::new();
            let (batch, _) = Batch::parse(&bytes).unwrap();
            batch.verify_crc().unwrap();
            let mut count = 0;
            for record in batch.decode(&mut decompressor, BUDGET).unwrap() {
                let record = record.unwrap();
                let value = format!("{}{count}", "x".repeat(400));
                assert_eq!(record.key, Some(format!("key-{}", count % 7).as_bytes()));
                assert_eq!(record.value, Some(value.as_bytes()));
                assert_eq!(record.timestamp, millis(1_700_000_000_000 + count));
                count += 1;
            }
            assert_eq!(count, 120, "{name}");
        }
    }
}

#[test]
fn a_transactional_batch_names_its_producer() {
    let bytes = golden(JAVA, "transactional");
    let header = *Batch::parse(&bytes).unwrap().0.header();
    let base_sequence = Sequence::from_wire(2_147_483_646);
    let (id, epoch) = (ProducerId::new(4711).unwrap(), ProducerEpoch::from_wire(3).unwrap());
    assert_eq!(header.producer(), Some(ProducerStamp { id, epoch, base_sequence }));
    assert_eq!(header.last_sequence(), Some(Sequence::ZERO), "sequences wrap");
    assert!(header.attributes().is_transactional() && !header.attributes().is_control());
    assert_three("transactional", &bytes, &three());

    let header = *Batch::parse(&golden(PYTHON, "three-none")).unwrap().0.header();
    assert_eq!(header.producer(), Some(ProducerStamp { id, epoch, base_sequence: Sequence::from_wire(9) }));
}

#[test]
fn records_of_a_log_append_time_batch_have_its_time() {
    let bytes = golden(JAVA, "log-append-time");
    let header = *Batch::parse(&bytes).unwrap().0.header();
    assert_eq!(header.attributes().timestamp_type(), TimestampType::LogAppendTime);
    let appended = three().map(|(_, key, value, headers)| (millis(1_700_000_000_123), key, value, headers));
    assert_three("log-append-time", &bytes, &appended);
}

#[test]
fn the_end_of_a_transaction_has_a_producer_without_a_sequence() {
    let bytes = golden(JAVA, "commit-marker");
    let (batch, _) = Batch::parse(&bytes).unwrap();
    batch.verify_crc().unwrap();
    let header = batch.header();
    assert!(header.attributes().is_control() && header.attributes().is_transactional());
    assert_eq!(header.producer().map(|producer| producer.base_sequence), Some(None));
    assert_eq!(header.last_sequence(), None);
    assert_eq!((header.base_offset().get(), header.next_offset().get()), (1234, 1235));
    assert_eq!(header.leader_epoch(), base::LeaderEpoch::new(7));
    let record = batch.records().unwrap().next().unwrap().unwrap();
    // Version 0, type 1: commit; version 0, coordinator epoch 5.
    assert_eq!(record.key, Some(&[0, 0, 0, 1][..]));
    assert_eq!(record.value, Some(&[0, 0, 0, 0, 0, 5][..]));
}

#[test]
fn the_builder_writes_the_bytes_that_the_java_client_writes() {
    let headers = [
        Header { key: b"h", value: Some(b"1") },
        Header { key: b"h", value: None },
        Header { key: b"i", value: Some(b"2") },
    ];
    let empty = [Header { key: b"", value: Some(b"") }];
    let records = [
        NewRecord {
            timestamp: millis(1_700_000_000_000),
            key: Some(b"k1"),
            value: Some(b"value one"),
            headers: &headers,
        },
        NewRecord { timestamp: millis(1_700_000_000_005), key: None, value: Some(b""), headers: &[] },
        NewRecord { timestamp: millis(1_699_999_999_998), key: Some(b""), value: None, headers: &empty },
    ];
    let stamp = ProducerStamp {
        id: ProducerId::new(4711).unwrap(),
        epoch: ProducerEpoch::from_wire(3).unwrap(),
        base_sequence: Sequence::from_wire(2_147_483_646),
    };
    let plain = BatchOptions::default();
    let transactional = BatchOptions { producer: Some(stamp), transactional: true, ..plain };
    for (name, options) in [("three-none", plain), ("transactional", transactional)] {
        let mut builder = BatchBuilder::new(options);
        for record in &records {
            builder.push(record).unwrap();
        }
        assert_eq!(builder.finish(&mut Compressor::new()), golden(JAVA, name), "{name}");
    }
}

#[test]
fn all_goldens_lie_back_to_back_as_in_a_segment() {
    let names = ["three-none", "three-gzip", "many-lz4", "commit-marker", "three-zstd"];
    let bytes: Vec<u8> = names.iter().flat_map(|name| golden(JAVA, name)).collect();
    let counts: Vec<u32> = batches(&bytes).map(|batch| batch.unwrap().header().record_count()).collect();
    assert_eq!(counts, [3, 3, 120, 1, 3]);
}

/// Wrong largest timestamps, claims of the broker's time, irregular offsets, no timestamps, in every codec.
#[test]
fn accepted_batches_are_changed_just_as_kafkas_validator_changes_them() {
    let mut cases = 0;
    for line in VALIDATOR.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split(' ');
        let timestamp_type = match fields.next() {
            Some("LogAppendTime") => TimestampType::LogAppendTime,
            Some("CreateTime") => TimestampType::CreateTime,
            other => panic!("no timestamp type: {other:?}"),
        };
        let (sent, appended) = (from_hex(fields.next().unwrap()), from_hex(fields.next().unwrap()));
        let now = Timestamp::from_millis(1_700_000_000_000);
        let rules = ProduceRules { timestamp_type, ..ProduceRules::kafka_defaults(now) };
        let produced = validate_produced(&sent, &rules).unwrap();
        let header = produced.header(Offset::new(1_000).unwrap(), base::LeaderEpoch::ZERO);
        assert_eq!([&header[..], produced.batch.payload()].concat(), appended, "{line}");
        cases += 1;
    }
    assert_eq!(cases, 24);
}
