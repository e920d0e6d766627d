//! What is refused, with which code; and what is accepted, with which changes.

use base::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence};

use super::*;
use crate::batch::header::{LENGTH_END, at};
use crate::batch::{BatchBuilder, BatchOptions, NewRecord, ProducerStamp, crc, patch};
use crate::compress::Compressor;
use crate::error_code::ErrorCode;
use crate::varint;

const NOW: u64 = 1_700_000_000_000;
const HOUR: u64 = 3_600_000;

fn rules() -> ProduceRules {
    ProduceRules::kafka_defaults(Timestamp::from_millis(NOW))
}

fn compacted() -> ProduceRules {
    ProduceRules { keys: Keys::Required, ..rules() }
}

fn log_append_time() -> ProduceRules {
    ProduceRules { timestamp_type: TimestampType::LogAppendTime, ..rules() }
}

/// Three records of keys `k0` to `k2` and values `v`, a millisecond apart.
fn batch_of(options: BatchOptions) -> Vec<u8> {
    let mut builder = BatchBuilder::new(options);
    for (index, key) in (0..).zip([b"k0", b"k1", b"k2"]) {
        let timestamp = Some(Timestamp::from_millis(NOW + index));
        builder.push(&NewRecord { timestamp, key: Some(key), value: Some(b"v"), headers: &[] }).unwrap();
    }
    builder.finish(&mut Compressor::new()).to_vec()
}

fn plain() -> Vec<u8> {
    batch_of(BatchOptions::default())
}

fn compressed(codec: Codec) -> Vec<u8> {
    batch_of(BatchOptions { codec, ..BatchOptions::default() })
}

/// A batch whose field at `at` says something else, under a CRC that is right.
fn with_field<const N: usize>(mut batch: Vec<u8>, at: usize, field: [u8; N]) -> Vec<u8> {
    batch[at..at + N].copy_from_slice(&field);
    with_crc(batch)
}

fn with_crc(mut batch: Vec<u8>) -> Vec<u8> {
    let crc = crc::crc32c(&batch[at::ATTRIBUTES..]);
    batch[at::CRC..at::ATTRIBUTES].copy_from_slice(&crc.to_be_bytes());
    batch
}

fn with_attributes(batch: Vec<u8>, set: u8) -> Vec<u8> {
    let bits = batch[at::ATTRIBUTES + 1] | set;
    with_field(batch, at::ATTRIBUTES + 1, [bits])
}

const LOG_APPEND_TIME: u8 = 1 << 3;
const CONTROL: u8 = 1 << 5;

/// A batch whose header counts `count` records and whose records are these bytes, under a length and a CRC that are
/// right. Its timestamps are `NOW`.
fn with_payload(count: u8, payload: &[u8]) -> Vec<u8> {
    let mut batch = plain();
    batch.truncate(HEADER_BYTES);
    batch.extend_from_slice(payload);
    let length = i32::try_from(batch.len() - LENGTH_END).unwrap();
    batch[at::LENGTH..LENGTH_END].copy_from_slice(&length.to_be_bytes());
    batch[at::RECORD_COUNT + 3] = count;
    batch[at::LAST_OFFSET_DELTA + 3] = count - 1;
    batch[at::MAX_TIMESTAMP..at::PRODUCER_ID].copy_from_slice(&NOW.to_be_bytes());
    with_crc(batch)
}

/// A record's body behind its length.
fn record(body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 5];
    let length = varint::write_i32(&mut bytes, i32::try_from(body.len()).unwrap());
    bytes.truncate(length);
    bytes.extend_from_slice(body);
    bytes
}

/// The record's fields before its key: attributes, timestamp delta, offset delta.
fn deltas(timestamp_delta: i64, offset_delta: i32) -> Vec<u8> {
    let mut body = vec![0; 20];
    let mut at = 1;
    at += varint::write_i64(&mut body[at..], timestamp_delta);
    at += varint::write_i32(&mut body[at..], offset_delta);
    body.truncate(at);
    body
}

/// A whole record of key `k` (or null), value `v` and no headers.
fn small_record(timestamp_delta: i64, offset_delta: i32, key: Option<&[u8]>) -> Vec<u8> {
    let mut body = deltas(timestamp_delta, offset_delta);
    match key {
        Some(key) => body.extend_from_slice(&[&[2], key].concat()),
        None => body.push(1),
    }
    body.extend_from_slice(&[2, b'v', 0]);
    record(&body)
}

struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    rules: ProduceRules,
    code: ErrorCode,
    says: &'static str,
    record_errors: &'static [u32],
}

/// A case without single records to blame.
fn case(name: &'static str, bytes: Vec<u8>, rules: ProduceRules, code: ErrorCode, says: &'static str) -> Case {
    Case { name, bytes, rules, code, says, record_errors: &[] }
}

fn framing_cases() -> Vec<Case> {
    use ErrorCode::{CorruptMessage, InvalidRecord, UnsupportedCompressionType};
    let whole = plain();
    let short = {
        let mut batch = plain()[..60].to_vec();
        batch[at::LENGTH..LENGTH_END].copy_from_slice(&48_i32.to_be_bytes());
        batch
    };
    let old = ProduceRules { produce_version: 6, ..rules() };
    let next = |field_at: usize, field: &[u8]| {
        let mut bytes = [plain(), plain()].concat();
        let at = plain().len() + field_at;
        bytes[at..at + field.len()].copy_from_slice(field);
        bytes
    };
    let with_magic = |magic: i8| with_field(plain(), at::MAGIC, magic.to_be_bytes());
    let with_length = |length: i32| with_field(plain(), at::LENGTH, length.to_be_bytes());
    vec![
        case("nothing", vec![], rules(), InvalidRecord, "no whole batch"),
        case("less than a length", whole[..11].to_vec(), rules(), InvalidRecord, "no whole batch"),
        case("less than a magic", whole[..16].to_vec(), rules(), InvalidRecord, "no whole batch"),
        case("cut by one byte", whole[..whole.len() - 1].to_vec(), rules(), InvalidRecord, "no whole batch"),
        case("a length beyond the bytes", with_length(i32::MAX), rules(), InvalidRecord, "no whole batch"),
        case("a length below any format's", with_length(13), rules(), CorruptMessage, "25 bytes long"),
        case("a negative length", with_length(-1), rules(), CorruptMessage, "11 bytes long"),
        case("the most negative length", with_length(i32::MIN), rules(), CorruptMessage, "bytes long"),
        case("a length below a header's", short, rules(), CorruptMessage, "60 bytes long"),
        case("magic 3", with_magic(3), rules(), CorruptMessage, "magic 3"),
        case("magic -1", with_magic(-1), rules(), CorruptMessage, "magic -1"),
        case("magic 1", with_magic(1), rules(), InvalidRecord, "too old"),
        case("magic 0", with_magic(0), rules(), InvalidRecord, "too old"),
        case("two batches", next(0, &[]), rules(), InvalidRecord, "more than one"),
        case("a second of no magic", next(at::MAGIC, &[9]), rules(), CorruptMessage, "magic 9"),
        case("a second of no length", next(at::LENGTH, &[0; 4]), rules(), CorruptMessage, "12 bytes long"),
        case("zstd of an old client", compressed(Codec::Zstd), old, UnsupportedCompressionType, "version 7"),
    ]
}

fn header_cases() -> Vec<Case> {
    use ErrorCode::{CorruptMessage, InvalidRecord, MessageTooLarge, RecordListTooLarge, UnsupportedCompressionType};
    let size = plain().len();
    let narrow = ProduceRules { batch_bytes_max: size - 1, ..rules() };
    let short_segments = ProduceRules { segment_bytes: size - 1, ..rules() };
    let flipped = {
        let mut batch = plain();
        *batch.last_mut().unwrap() ^= 1;
        batch
    };
    let stamped = || {
        let (id, epoch) = (ProducerId::new(7).unwrap(), ProducerEpoch::ZERO);
        let producer = Some(ProducerStamp { id, epoch, base_sequence: Some(Sequence::ZERO) });
        batch_of(BatchOptions { producer, ..BatchOptions::default() })
    };
    let with_base_offset = |batch, offset: i64| with_field(batch, at::BASE_OFFSET, offset.to_be_bytes());
    let with_count = |count: i32| with_field(plain(), at::RECORD_COUNT, count.to_be_bytes());
    let with_last = |last: i32| with_field(plain(), at::LAST_OFFSET_DELTA, last.to_be_bytes());
    let many = |codec: Codec| {
        let batch = with_field(compressed(codec), at::RECORD_COUNT, i32::MAX.to_be_bytes());
        with_field(batch, at::LAST_OFFSET_DELTA, (i32::MAX - 1).to_be_bytes())
    };
    let no_sequence = with_field(stamped(), at::BASE_SEQUENCE, (-1_i32).to_be_bytes());
    let no_epoch = with_field(stamped(), at::PRODUCER_EPOCH, (-1_i16).to_be_bytes());
    vec![
        case("base offset 5", with_base_offset(plain(), 5), rules(), InvalidRecord, "base offset 5"),
        case("a negative base offset", with_base_offset(plain(), i64::MIN), rules(), InvalidRecord, "base offset"),
        case("a base offset before a CRC", with_base_offset(flipped.clone(), 1), rules(), InvalidRecord, "base offset"),
        case("one byte too many", plain(), narrow, MessageTooLarge, "topic allows"),
        case("a size before a CRC", flipped.clone(), narrow, MessageTooLarge, "topic allows"),
        case("a flipped bit", flipped, rules(), CorruptMessage, "checksum"),
        case("codec 5", with_attributes(plain(), 5), rules(), UnsupportedCompressionType, "codec 5"),
        case("codec 7", with_attributes(plain(), 7), rules(), UnsupportedCompressionType, "codec 7"),
        case("no offsets", with_last(-1), rules(), InvalidRecord, "last offset delta -1"),
        case("offsets backwards", with_last(i32::MIN), rules(), InvalidRecord, "last offset delta"),
        case("more offsets than records", with_last(3), rules(), InvalidRecord, "3 records"),
        case("as many offsets as there can be", with_last(i32::MAX), rules(), InvalidRecord, "3 records"),
        case("no records", with_count(0), rules(), InvalidRecord, "0 records"),
        case("a negative count", with_count(-1), rules(), InvalidRecord, "-1 records"),
        case("a control batch", with_attributes(plain(), CONTROL), rules(), InvalidRecord, "control"),
        case("a producer without a sequence", no_sequence, rules(), InvalidRecord, "sequence -1"),
        case("a producer without an epoch", no_epoch, rules(), InvalidRecord, "epoch -1"),
        case("larger than a segment", plain(), short_segments, RecordListTooLarge, "a segment holds"),
        case("2^31 records in a little gzip", many(Codec::Gzip), rules(), InvalidRecord, "do not fit"),
        case("2^31 records in a little zstd", many(Codec::Zstd), rules(), InvalidRecord, "do not fit"),
    ]
}

fn record_cases() -> Vec<Case> {
    use ErrorCode::InvalidRecord;
    let good = small_record(0, 0, Some(b"k"));
    let one = |body: &[&[u8]]| with_payload(1, &record(&body.concat()));
    let head = deltas(0, 0);
    let deep = |name, bytes, says| case(name, bytes, rules(), InvalidRecord, says);
    let damaged_and_keyless = {
        let keyless = small_record(0, 0, None);
        with_payload(2, &[&keyless[..], &good[..3]].concat())
    };
    vec![
        deep("a record longer than the batch", with_payload(1, &[0x7e, 0, 0, 0, 1, 1, 0]), "beyond the 6 bytes"),
        deep("a record of negative length", with_payload(1, &[1, 0, 0, 0, 1, 1, 0]), "length"),
        deep("a record of no length", with_payload(1, &[0, 0, 0, 0, 1, 1, 0]), "cut off"),
        deep("a record's length cut off", with_payload(1, &[0x80]), "cut off"),
        deep("a record cut off in its key's length", one(&[&head]), "cut off"),
        deep("a key beyond its record", one(&[&head, &[0x7e, b'k', 1, 0]]), "beyond"),
        deep("a value beyond its record", one(&[&head, &[2, b'k', 6, b'v', 0]]), "beyond"),
        deep("no header count", one(&[&head, &[2, b'k', 2, b'v']]), "cut off"),
        deep("-1 headers", one(&[&head, &[1, 1, 1]]), "-1 headers"),
        deep("more headers than bytes", one(&[&head, &[1, 1, 8, 0, 1]]), "4 headers in 2"),
        deep("2^31 headers", one(&[&head, &[1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f]]), "headers in 0"),
        deep("a header without a key", one(&[&head, &[1, 1, 2, 1, 1]]), "key has length -1"),
        deep("a header's key beyond its record", one(&[&head, &[1, 1, 2, 4, b'h']]), "beyond"),
        deep("bytes behind the last header", one(&[&head, &[1, 1, 0, 0]]), "1 bytes follow its last header"),
        deep("bytes behind the last record", with_payload(1, &[&good[..], &[0]].concat()), "1 bytes follow the last"),
        deep("a record too many", with_payload(1, &[&good[..], &good[..]].concat()), "bytes follow the last record"),
        deep("a record too few", with_payload(2, &good), "record 1 is malformed at byte 9"),
        deep("a number of 33 bits", one(&[&[0, 0], &[0x80, 0x80, 0x80, 0x80, 0x10], &[1, 1, 0]]), "too many bits"),
        deep("a delta of 65 bits", one(&[&[0], &[0x80; 9], &[2], &[0, 1, 1, 0]]), "too many bits"),
        deep("an offset before the batch", with_payload(1, &small_record(0, -1, None)), "offset delta -1"),
        deep("an offset behind the batch", with_payload(1, &small_record(0, 1, None)), "offset delta 1"),
        case("damage behind a missing key", damaged_and_keyless, compacted(), InvalidRecord, "record 1 is malformed"),
    ]
}

fn topic_cases() -> Vec<Case> {
    use ErrorCode::{InvalidRecord, InvalidTimestamp};
    let hour = i64::try_from(HOUR).unwrap();
    let records = |records: [(i64, Option<&[u8]>); 3]| {
        let payload = (0..).zip(records).flat_map(|(index, (delta, key))| small_record(delta, index, key));
        with_payload(3, &payload.collect::<Vec<_>>())
    };
    let key = Some(&b"k"[..]);
    let keyless = records([(0, key), (0, None), (0, None)]);
    let late = records([(hour, key), (hour + 1, key), (0, key)]);
    let early = records([(0, key), (0, key), (-1_001, key)]);
    let mixed = records([(0, None), (0, key), (hour + 1, key)]);
    let short_memory = ProduceRules { timestamp_before_max: Duration::from_secs(1), ..rules() };
    let with_times = |codec, base: i64, max: i64| {
        let batch = with_field(compressed(codec), at::BASE_TIMESTAMP, base.to_be_bytes());
        with_field(batch, at::MAX_TIMESTAMP, max.to_be_bytes())
    };
    let now = i64::try_from(NOW).unwrap();
    let blame = |name, bytes, rules, code, says, record_errors| Case { name, bytes, rules, code, says, record_errors };
    let claims_append = with_attributes(plain(), LOG_APPEND_TIME);
    let gzip_claims_append = with_attributes(compressed(Codec::Gzip), LOG_APPEND_TIME);
    let gzip_late = with_times(Codec::Gzip, now, now + hour + 1);
    let gzip_early = with_times(Codec::Gzip, now - 1_001, now);
    vec![
        blame("null keys", keyless, compacted(), InvalidRecord, "2 of the records", &[1, 2]),
        blame("the future", late, rules(), InvalidTimestamp, "1 of the records", &[1]),
        blame("the past", early, short_memory, InvalidTimestamp, "record 2: timestamp 1699999998999", &[2]),
        blame("a null key and the future", mixed, compacted(), InvalidTimestamp, "needs a key", &[0, 2]),
        blame("the broker's time", claims_append, log_append_time(), InvalidTimestamp, "time of append", &[0, 1, 2]),
        blame("gzip of its time", gzip_claims_append, log_append_time(), InvalidTimestamp, "append", &[0, 1, 2]),
        blame("gzip from the future", gzip_late, rules(), InvalidTimestamp, "the batch's timestamp", &[]),
        blame("gzip from the past", gzip_early, short_memory, InvalidTimestamp, "the batch's timestamp", &[]),
    ]
}

fn cases() -> Vec<Case> {
    [framing_cases(), header_cases(), record_cases(), topic_cases()].into_iter().flatten().collect()
}

#[test]
fn hostile_batches_are_refused_with_kafkas_codes() {
    for case in cases() {
        let error = validate_produced(&case.bytes, &case.rules).expect_err(case.name);
        assert_eq!(error.code(), case.code, "{}: {error}", case.name);
        assert!(error.to_string().contains(case.says), "{}: {error}", case.name);
        let blamed: Vec<u32> = error.record_errors().iter().map(|error| error.batch_index).collect();
        assert_eq!(blamed, case.record_errors, "{}: {error}", case.name);
    }
}

fn accepted<'a>(bytes: &'a [u8], rules: &ProduceRules) -> ProducedBatch<'a> {
    validate_produced(bytes, rules).unwrap()
}

#[test]
fn an_ordinary_batch_is_accepted_as_it_is() {
    for codec in Codec::ALL {
        let bytes = compressed(codec);
        let produced = accepted(&bytes, &rules());
        assert_eq!(produced.batch.bytes(), bytes);
        assert_eq!(produced.timestamps, None);
        assert_eq!(produced.max_timestamp, Some(Timestamp::from_millis(NOW + 2)));
        assert_eq!(produced.offsets, if codec == Codec::None { Offsets::Dense } else { Offsets::Unknown });
        assert_eq!(produced.trimmed_bytes, 0);
        let exact = ProduceRules { batch_bytes_max: bytes.len(), segment_bytes: bytes.len(), ..rules() };
        accepted(&bytes, &exact);
    }
}

#[test]
fn part_of_a_second_batch_is_trimmed() {
    let whole = plain();
    for partial in 0..whole.len() {
        let bytes = [&whole[..], &whole[..partial]].concat();
        let produced = accepted(&bytes, &rules());
        assert_eq!((produced.batch.bytes(), produced.trimmed_bytes), (&whole[..], partial));
    }
}

#[test]
fn timestamps_at_the_limits_are_accepted() {
    let late = with_payload(1, &small_record(i64::try_from(HOUR).unwrap(), 0, None));
    assert_eq!(accepted(&late, &rules()).max_timestamp, Some(Timestamp::from_millis(NOW + HOUR)));
    let day = 86_400_000_u64;
    let early = with_payload(1, &small_record(-86_400_000, 0, None));
    let short_memory = ProduceRules { timestamp_before_max: Duration::from_millis(day), ..rules() };
    assert_eq!(accepted(&early, &short_memory).max_timestamp, Some(Timestamp::from_millis(NOW - day)));
}

#[test]
fn records_without_timestamps_are_accepted() {
    let no_timestamp = -1 - i64::try_from(NOW).unwrap();
    let produced_bytes = with_payload(1, &small_record(no_timestamp, 0, None));
    let produced = accepted(&produced_bytes, &rules());
    assert_eq!(produced.max_timestamp, None);
    let patch = TimestampPatch { timestamp_type: TimestampType::CreateTime, max_timestamp: None };
    assert_eq!(produced.timestamps, Some(patch), "the header claims one");
}

/// What the log would hold: the patched header and the payload.
fn appended(produced: &ProducedBatch<'_>) -> Vec<u8> {
    let header = produced.header(Offset::new(1_000).unwrap(), LeaderEpoch::new(9).unwrap());
    [&header[..], produced.batch.payload()].concat()
}

#[test]
fn a_wrong_max_timestamp_is_corrected_upwards_and_downwards() {
    for claimed in [-1, 0, i64::try_from(NOW + 1).unwrap(), i64::try_from(NOW + 3).unwrap(), i64::MAX] {
        let bytes = with_field(plain(), at::MAX_TIMESTAMP, claimed.to_be_bytes());
        let produced = accepted(&bytes, &rules());
        assert_eq!(produced.max_timestamp, Some(Timestamp::from_millis(NOW + 2)));
        let appended = appended(&produced);
        let (batch, _) = Batch::parse(&appended).unwrap();
        batch.verify_crc().unwrap();
        assert_eq!(batch.header().max_timestamp(), Some(Timestamp::from_millis(NOW + 2)));
        assert_eq!(batch.header().base_offset(), Offset::new(1_000).unwrap());
        assert_eq!(batch.header().leader_epoch(), LeaderEpoch::new(9));
    }
}

#[test]
fn an_unset_max_timestamp_of_a_compressed_batch_becomes_that_of_its_first_record() {
    let bytes = with_field(compressed(Codec::Lz4), at::MAX_TIMESTAMP, (-1_i64).to_be_bytes());
    let produced = accepted(&bytes, &rules());
    assert_eq!(produced.max_timestamp, Some(Timestamp::from_millis(NOW)));
    Batch::parse(&appended(&produced)).unwrap().0.verify_crc().unwrap();
    // A look inside finds the real one.
    let inside = validate_compressed(produced, &rules(), &mut Decompressor::new(), 1 << 20).unwrap();
    assert_eq!(inside.max_timestamp, Some(Timestamp::from_millis(NOW + 2)));
    assert_eq!(inside.offsets, Offsets::Dense);
}

#[test]
fn on_a_log_append_time_topic_the_broker_sets_the_time() {
    for codec in Codec::ALL {
        let bytes = compressed(codec);
        let produced = accepted(&bytes, &log_append_time());
        let now = Some(Timestamp::from_millis(NOW));
        let patch = TimestampPatch { timestamp_type: TimestampType::LogAppendTime, max_timestamp: now };
        assert_eq!((produced.timestamps, produced.max_timestamp), (Some(patch), now));
        let appended = appended(&produced);
        let (batch, _) = Batch::parse(&appended).unwrap();
        batch.verify_crc().unwrap();
        let mut in_place = bytes.clone();
        patch::set_log_append_time(&mut in_place, Timestamp::from_millis(NOW));
        patch::assign(&mut in_place, Offset::new(1_000).unwrap(), LeaderEpoch::new(9).unwrap());
        assert_eq!(appended, in_place);
        let mut decompressor = Decompressor::new();
        for record in batch.decode(&mut decompressor, 1 << 20).unwrap() {
            assert_eq!(record.unwrap().timestamp, now);
        }
    }
}

#[test]
fn on_a_create_time_topic_a_claim_of_the_brokers_time_is_taken_back() {
    for codec in [Codec::None, Codec::Gzip] {
        let bytes = with_attributes(compressed(codec), LOG_APPEND_TIME);
        let produced = accepted(&bytes, &rules());
        let max_timestamp = Some(Timestamp::from_millis(NOW + 2));
        let patch = TimestampPatch { timestamp_type: TimestampType::CreateTime, max_timestamp };
        assert_eq!(produced.timestamps, Some(patch));
    }
}

#[test]
fn irregular_offsets_inside_the_batch_are_accepted_and_told() {
    for deltas in [[0, 2, 1], [0, 0, 0], [2, 2, 2]] {
        let payload = deltas.into_iter().flat_map(|delta| small_record(0, delta, None)).collect::<Vec<_>>();
        assert_eq!(accepted(&with_payload(3, &payload), &rules()).offsets, Offsets::Irregular);
    }
}

#[test]
fn the_broker_itself_may_write_control_batches_anywhere() {
    let (id, epoch) = (ProducerId::new(7).unwrap(), ProducerEpoch::ZERO);
    let mut builder = BatchBuilder::new(BatchOptions {
        producer: Some(ProducerStamp { id, epoch, base_sequence: None }),
        transactional: true,
        control: true,
        base_offset: Offset::new(55).unwrap(),
        ..BatchOptions::default()
    });
    builder.push(&NewRecord { key: Some(&[0, 0, 0, 1]), ..NewRecord::default() }).unwrap();
    let bytes = builder.finish(&mut Compressor::new());
    accepted(bytes, &ProduceRules { origin: Origin::Broker, ..rules() });
    assert!(validate_produced(bytes, &rules()).is_err());
}

#[test]
fn a_look_inside_a_compressed_batch_finds_what_its_header_hides() {
    let mut decompressor = Decompressor::new();
    let payload = [small_record(0, 0, Some(b"k")), small_record(0, 1, None)].concat();
    let zeros = record(&[&deltas(0, 0)[..], &[1, 0x80, 0x80, 0x80, 0x01], &[0; 1 << 20], &[0]].concat());
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let wrap = |count: u8, payload: &[u8]| {
            let mut stream = Vec::new();
            Compressor::new().compress(codec, None, payload, &mut stream);
            with_attributes(with_payload(count, &stream), codec.bits())
        };
        let mut inside = |bytes: &[u8], budget: usize| {
            let produced = accepted(bytes, &compacted());
            validate_compressed(produced, &compacted(), &mut decompressor, budget).map(|produced| produced.offsets)
        };
        let keyless = inside(&wrap(2, &payload), 1 << 20).unwrap_err();
        assert_eq!(keyless.code(), ErrorCode::InvalidRecord);
        assert_eq!(keyless.record_errors().len(), 1);
        assert_eq!(inside(&wrap(1, &payload), 1 << 20).unwrap_err().code(), ErrorCode::InvalidRecord, "two records");
        assert_eq!(inside(&wrap(1, &zeros), 1 << 20).unwrap_err().code(), ErrorCode::MessageTooLarge, "over budget");
        assert_eq!(inside(&wrap(1, &small_record(0, 0, Some(b"k"))), 100), Ok(Offsets::Dense));
        let noise = with_attributes(with_payload(1, b"no stream of any codec"), codec.bits());
        assert_eq!(inside(&noise, 1_000).unwrap_err().code(), ErrorCode::InvalidRecord, "noise");
    }
}

#[test]
fn so_many_bad_records_are_listed_and_the_rest_counted() {
    let payload: Vec<u8> = (0..2_000).flat_map(|index| small_record(0, index, None)).collect();
    let batch = with_payload(1, &payload);
    let batch = with_field(batch, at::RECORD_COUNT, 2_000_i32.to_be_bytes());
    let batch = with_field(batch, at::LAST_OFFSET_DELTA, 1_999_i32.to_be_bytes());
    let error = validate_produced(&batch, &compacted()).unwrap_err();
    assert_eq!(error.record_errors().len(), RecordErrors::LISTED_MAX);
    assert!(error.to_string().starts_with("2000 of the records"), "{error}");
}
