//! Record batches that are not as they should be. Both doors judge them by one function, so the Kafka door is asked.

use base::{ProducerEpoch, ProducerId, Sequence, Timestamp};
use tests::kafka::{code, produce_request};
use wire::ErrorCode;
use wire::batch::{BatchBuilder, BatchOptions, NewRecord, ProducerStamp, crc};
use wire::compress::{Codec, Compressor};

use crate::TOPIC;
use crate::case::{Answer, Case, Door, Seen, case};

const LENGTH: usize = 8;
const MAGIC: usize = 16;
const CRC: usize = 17;
const ATTRIBUTES: usize = 21;
const LAST_OFFSET_DELTA: usize = 23;
const MAX_TIMESTAMP: usize = 35;
const RECORD_COUNT: usize = 57;
const HEADER: usize = 61;

pub(crate) fn good(records: u32, options: BatchOptions) -> Vec<u8> {
    let mut builder = BatchBuilder::new(options);
    for _ in 0..records {
        let timestamp = Some(Timestamp::from_millis(1_700_000_000_000));
        builder.push(&NewRecord { timestamp, value: Some(b"value"), ..NewRecord::default() }).expect("there is room");
    }
    builder.finish(&mut Compressor::new()).to_vec()
}

fn seal(mut batch: Vec<u8>) -> Vec<u8> {
    let sum = crc::crc32c(&batch[ATTRIBUTES..]);
    batch[CRC..ATTRIBUTES].copy_from_slice(&sum.to_be_bytes());
    batch
}

/// A good batch of two records with bytes changed, and the CRC made right again.
fn changed(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut batch = good(2, BatchOptions::default());
    batch[at..at + bytes.len()].copy_from_slice(bytes);
    seal(batch)
}

/// A batch with these bytes for records.
fn with_payload(payload: &[u8], records: i32, codec: Codec) -> Vec<u8> {
    let mut batch = good(1, BatchOptions::default());
    batch.truncate(HEADER);
    batch.extend_from_slice(payload);
    let length = i32::try_from(batch.len() - 12).expect("small");
    batch[LENGTH..LENGTH + 4].copy_from_slice(&length.to_be_bytes());
    batch[ATTRIBUTES + 1] = codec.bits();
    batch[LAST_OFFSET_DELTA..LAST_OFFSET_DELTA + 4].copy_from_slice(&(records - 1).to_be_bytes());
    batch[RECORD_COUNT..RECORD_COUNT + 4].copy_from_slice(&records.to_be_bytes());
    seal(batch)
}

fn zigzag(value: i64, out: &mut Vec<u8>) {
    let mut bits = (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned();
    while bits >= 0x80 {
        out.push(u8::try_from(bits & 0x7F).expect("seven bits") | 0x80);
        bits >>= 7;
    }
    out.push(u8::try_from(bits).expect("seven bits"));
}

/// One record without key, value and headers.
fn record(timestamp_delta: i64, offset_delta: i64) -> Vec<u8> {
    let mut inside = vec![0];
    zigzag(timestamp_delta, &mut inside);
    zigzag(offset_delta, &mut inside);
    for absent in [-1, -1, 0] {
        zigzag(absent, &mut inside);
    }
    let mut out = Vec::new();
    zigzag(i64::try_from(inside.len()).expect("small"), &mut out);
    out.extend_from_slice(&inside);
    out
}

/// Produces to partition 0 and says the partition's code.
fn produced(name: &'static str, sent: &'static str, expected: ErrorCode, batch: Vec<u8>) -> Case {
    produced_as(name, sent, expected, 9, batch)
}

fn produced_as(name: &'static str, sent: &'static str, expected: ErrorCode, version: i16, batch: Vec<u8>) -> Case {
    case(name, Door::Kafka, sent, Answer::Error(expected), move |setup| {
        let response = setup.kafka()?.ask(version, &produce_request(TOPIC, 0, &batch, -1))?;
        Ok(Seen::Error(code(response.responses[0].partition_responses[0].error_code)))
    })
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = headers();
    cases.extend(records());
    cases.extend(attributes());
    cases.extend(compressed());
    cases.extend(producers());
    cases
}

fn headers() -> Vec<Case> {
    use ErrorCode::{CorruptMessage, InvalidRecord, MessageTooLarge};
    let mut wrong_crc = good(2, BatchOptions::default());
    *wrong_crc.last_mut().expect("not empty") ^= 1;
    let mut short = good(2, BatchOptions::default());
    short.truncate(short.len() - 1);
    let two = [good(1, BatchOptions::default()), good(1, BatchOptions::default())].concat();
    let based = {
        let mut batch = good(1, BatchOptions::default());
        batch[7] = 9;
        batch
    };
    let unsealed = |at: usize, bytes: &[u8]| {
        let mut batch = good(2, BatchOptions::default());
        batch[at..at + bytes.len()].copy_from_slice(bytes);
        batch
    };
    let large = with_payload(&vec![0; 1_100_000], 1, Codec::None);
    vec![
        produced("no records at all", "0 bytes", InvalidRecord, Vec::new()),
        produced("CRC wrong", "a batch with one bit changed", CorruptMessage, wrong_crc),
        produced("batch cut off", "a batch without its last byte", InvalidRecord, short),
        produced("batch of 16 bytes", "16 zero bytes", CorruptMessage, vec![0; 16]),
        produced("batch length negative", "length -1", CorruptMessage, unsealed(LENGTH, &[0xFF; 4])),
        produced("batch length 0", "length 0", CorruptMessage, unsealed(LENGTH, &[0; 4])),
        produced(
            "batch length of 2 GiB",
            "length 2147483647",
            InvalidRecord,
            unsealed(LENGTH, &i32::MAX.to_be_bytes()),
        ),
        produced("batch length one short", "a length one below the true one", CorruptMessage, {
            let batch = good(2, BatchOptions::default());
            let length = i32::try_from(batch.len() - 13).expect("small");
            unsealed(LENGTH, &length.to_be_bytes())
        }),
        produced("magic 0", "a batch marked as of magic 0", InvalidRecord, unsealed(MAGIC, &[0])),
        produced("magic 1", "a batch marked as of magic 1", InvalidRecord, unsealed(MAGIC, &[1])),
        produced("magic 3", "a batch marked as of magic 3", CorruptMessage, unsealed(MAGIC, &[3])),
        produced("two batches", "two batches for one partition", InvalidRecord, two),
        produced("base offset not 0", "base offset 9", InvalidRecord, based),
        produced("batch above `max.message.bytes`", "1.1 MB", MessageTooLarge, large),
    ]
}

fn records() -> Vec<Case> {
    use ErrorCode::{InvalidRecord, InvalidTimestamp};
    let lying_length = {
        let mut bytes = record(0, 0);
        bytes[0] = 0x7E;
        bytes
    };
    let huge_key = {
        // length, attributes, deltas, then a key of 2^31 - 1 bytes
        let mut inside = vec![0, 0, 0];
        zigzag(i64::from(i32::MAX), &mut inside);
        inside.extend_from_slice(&[1, 0]);
        let mut bytes = Vec::new();
        zigzag(i64::try_from(inside.len()).expect("small"), &mut bytes);
        [bytes, inside].concat()
    };
    let many_headers = {
        let mut inside = vec![0, 0, 0, 1, 1];
        zigzag(i64::from(i32::MAX), &mut inside);
        let mut bytes = Vec::new();
        zigzag(i64::try_from(inside.len()).expect("small"), &mut bytes);
        [bytes, inside].concat()
    };
    let plain = |payload: Vec<u8>, count| with_payload(&payload, count, Codec::None);
    vec![
        produced("record count too low", "2 records, count 1", InvalidRecord, changed(RECORD_COUNT, &[0, 0, 0, 1])),
        produced("record count too high", "2 records, count 3", InvalidRecord, changed(RECORD_COUNT, &[0, 0, 0, 3])),
        produced("record count negative", "count -1", InvalidRecord, changed(RECORD_COUNT, &[0xFF; 4])),
        produced("record count of 2^31 - 1", "count and last offset delta 2147483647", InvalidRecord, {
            let mut batch = good(2, BatchOptions::default());
            batch[RECORD_COUNT..RECORD_COUNT + 4].copy_from_slice(&i32::MAX.to_be_bytes());
            batch[LAST_OFFSET_DELTA..LAST_OFFSET_DELTA + 4].copy_from_slice(&(i32::MAX - 1).to_be_bytes());
            seal(batch)
        }),
        produced(
            "last offset delta wrong",
            "2 records, delta 5",
            InvalidRecord,
            changed(LAST_OFFSET_DELTA, &[0, 0, 0, 5]),
        ),
        produced("last offset delta negative", "delta -1", InvalidRecord, changed(LAST_OFFSET_DELTA, &[0xFF; 4])),
        produced("offset delta outside of the batch", "1 record, delta 7", InvalidRecord, plain(record(0, 7), 1)),
        produced("offset delta negative", "1 record, delta -1", InvalidRecord, plain(record(0, -1), 1)),
        produced(
            "timestamp delta that overflows",
            "base 1.7e12, delta 2^63 - 1",
            InvalidTimestamp,
            plain(record(i64::MAX, 0), 1),
        ),
        produced("record longer than the batch", "length 63 for 7 bytes", InvalidRecord, plain(lying_length, 1)),
        produced("key of 2^31 - 1 bytes", "in a record of 9 bytes", InvalidRecord, plain(huge_key, 1)),
        produced("2^31 - 1 headers", "in a record of 10 bytes", InvalidRecord, plain(many_headers, 1)),
        produced("bytes behind the last record", "1 record and 3 bytes", InvalidRecord, {
            plain([record(0, 0), vec![1, 2, 3]].concat(), 1)
        }),
        produced("time in the far future", "a record of the year 2286", InvalidTimestamp, {
            let mut builder = BatchBuilder::new(BatchOptions::default());
            let timestamp = Some(Timestamp::from_millis(9_999_999_999_999));
            builder.push(&NewRecord { timestamp, ..NewRecord::default() }).expect("there is room");
            builder.finish(&mut Compressor::new()).to_vec()
        }),
    ]
}

fn attributes() -> Vec<Case> {
    use ErrorCode::{InvalidRecord, InvalidTxnState, UnsupportedCompressionType};
    let codec = |bits| changed(ATTRIBUTES, &[0, bits]);
    let stamp = ProducerStamp {
        id: ProducerId::from_wire(1).expect("an id"),
        epoch: ProducerEpoch::ZERO,
        base_sequence: Some(Sequence::ZERO),
    };
    let zstd = good(1, BatchOptions { codec: Codec::Zstd, ..BatchOptions::default() });
    vec![
        produced("unknown codec 5", "codec bits 5", UnsupportedCompressionType, codec(5)),
        produced("unknown codec 6", "codec bits 6", UnsupportedCompressionType, codec(6)),
        produced("unknown codec 7", "codec bits 7", UnsupportedCompressionType, codec(7)),
        produced_as("zstd before its time", "zstd in Produce version 5", UnsupportedCompressionType, 5, zstd),
        produced(
            "control batch from a client",
            "the control flag",
            InvalidRecord,
            good(
                1,
                BatchOptions { control: true, producer: Some(stamp), transactional: true, ..BatchOptions::default() },
            ),
        ),
        produced(
            "transactional batch",
            "the transactional flag, of no open transaction",
            InvalidTxnState,
            good(1, BatchOptions { producer: Some(stamp), transactional: true, ..BatchOptions::default() }),
        ),
    ]
}

fn compressed() -> Vec<Case> {
    let mut cases = vec![produced(
        "compressed batch, timestamp in the far future",
        "gzip, max timestamp 2286",
        ErrorCode::InvalidTimestamp,
        {
            let mut batch = good(1, BatchOptions { codec: Codec::Gzip, ..BatchOptions::default() });
            batch[MAX_TIMESTAMP..MAX_TIMESTAMP + 8].copy_from_slice(&9_999_999_999_999_i64.to_be_bytes());
            seal(batch)
        },
    )];
    let garbage = "accepted: compressed records are judged by their header; a reader finds the damage";
    cases.push(case(
        "garbage for each codec",
        Door::Kafka,
        "64 bytes 5A as gzip, snappy, lz4 and zstd data",
        Answer::Told(garbage),
        move |setup| {
            for codec in Codec::ALL.into_iter().filter(|codec| *codec != Codec::None) {
                let base = accept(setup, &with_payload(&[0x5A; 64], 1, codec))?;
                let error = read_back(setup, base, 1 << 20)?;
                assert!(error.is_some_and(|error| error.contains("damaged")), "{codec}");
            }
            Ok(Seen::Told(garbage))
        },
    ));
    let bombs = "accepted: the broker does not decompress; a reader stops at its budget";
    cases.push(case(
        "decompression bombs",
        Door::Kafka,
        "256 MiB of zeroes as gzip and zstd, 16 MiB as snappy and lz4",
        Answer::Told(bombs),
        move |setup| {
            for codec in Codec::ALL.into_iter().filter(|codec| *codec != Codec::None) {
                let base = accept(setup, &with_payload(&bomb(codec), 1, codec))?;
                let error = read_back(setup, base, 1 << 20)?;
                assert!(error.is_some_and(|error| error.contains("more than the 1048576 bytes")), "{codec}");
            }
            Ok(Seen::Told(bombs))
        },
    ));
    cases
}

fn bomb(codec: Codec) -> Vec<u8> {
    let bytes = match codec {
        Codec::Gzip | Codec::Zstd => 256 << 20,
        _ => 16 << 20,
    };
    let mut out = Vec::new();
    Compressor::new().compress(codec, None, &vec![0; bytes], &mut out);
    assert!(out.len() < 1_000_000, "{codec}: {}", out.len());
    out
}

fn accept(setup: &crate::case::Setup, batch: &[u8]) -> std::io::Result<i64> {
    let response = setup.kafka()?.produce(TOPIC, 0, batch)?;
    assert_eq!(code(response.error_code), ErrorCode::None);
    Ok(response.base_offset)
}

/// Reads a batch as a consumer with a budget does; the error of its decompression.
fn read_back(setup: &crate::case::Setup, base: i64, budget: usize) -> std::io::Result<Option<String>> {
    let fetched = setup.kafka()?.fetch(TOPIC, 0, base, 0)?;
    let (batch, _) = wire::batch::Batch::parse(&fetched.records).map_err(std::io::Error::other)?;
    let mut decompressor = wire::compress::Decompressor::new();
    Ok(batch.decode(&mut decompressor, budget).err().map(|error| error.to_string()))
}

fn producers() -> Vec<Case> {
    let stamped = |id: i64, epoch: i16, sequence: u32| {
        let producer = ProducerStamp {
            id: ProducerId::from_wire(id).expect("an id"),
            epoch: ProducerEpoch::from_wire(epoch).expect("an epoch"),
            base_sequence: Some(Sequence::ZERO.plus(sequence)),
        };
        good(1, BatchOptions { producer: Some(producer), ..BatchOptions::default() })
    };
    let second = |name, sent, expected, then: fn(i64) -> (i64, i16, u32)| {
        case(name, Door::Kafka, sent, Answer::Error(expected), move |setup| {
            let mut client = setup.kafka()?;
            let id = client.producer_id()?;
            for sequence in 0..8 {
                assert_eq!(client.produce(TOPIC, 1, &stamped(id, 3, sequence))?.error_code, 0);
            }
            let (id, epoch, sequence) = then(id);
            Ok(Seen::Error(code(client.produce(TOPIC, 1, &stamped(id, epoch, sequence))?.error_code)))
        })
    };
    vec![
        second("sequence gap", "sequence 9 after 7", ErrorCode::OutOfOrderSequenceNumber, |id| (id, 3, 9)),
        second("sequence seen long ago", "sequence 0 after 7", ErrorCode::DuplicateSequenceNumber, |id| (id, 3, 0)),
        second("repeated batch", "sequence 7 twice", ErrorCode::None, |id| (id, 3, 7)),
        second("old producer epoch", "epoch 2 after 3", ErrorCode::InvalidProducerEpoch, |id| (id, 2, 8)),
        second(
            "new epoch that does not begin at 0",
            "epoch 4, sequence 8",
            ErrorCode::OutOfOrderSequenceNumber,
            |id| (id, 4, 8),
        ),
        produced("producer without an epoch", "producer id 5, epoch -1", ErrorCode::InvalidRecord, {
            changed(43, &[0, 0, 0, 0, 0, 0, 0, 5, 0xFF, 0xFF, 0, 0, 0, 0])
        }),
        produced("producer without a sequence", "producer id 5, sequence -1", ErrorCode::InvalidRecord, {
            changed(43, &[0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF])
        }),
    ]
}
