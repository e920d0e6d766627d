//! Tests of what becomes of batches.

use std::collections::BTreeMap;

use base::{LeaderEpoch, ProducerEpoch, SeededRandom, Sequence};
use proptest::prelude::*;
use wire::batch::{BatchHeader, ProducerStamp, batches};

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);
const DAY: Duration = Duration::from_secs(86_400);

fn offset(value: u64) -> Offset {
    Offset::new(value).unwrap()
}

/// A record as a reader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Plain {
    offset: Offset,
    timestamp: Option<Timestamp>,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

fn records_of(log: &[u8]) -> Vec<Plain> {
    let mut decompressor = Decompressor::new();
    let mut records = Vec::new();
    for batch in batches(log) {
        let batch = batch.unwrap();
        batch.verify_crc().unwrap();
        for record in batch.decode(&mut decompressor, 1 << 30).unwrap() {
            let Record { offset, timestamp, key, value, headers, .. } = record.unwrap();
            let headers = headers.into_iter().map(|header| (header.key.to_vec(), header.value.map(<[u8]>::to_vec)));
            let (key, value) = (key.map(<[u8]>::to_vec), value.map(<[u8]>::to_vec));
            records.push(Plain { offset, timestamp, key, value, headers: headers.collect() });
        }
    }
    records
}

fn headers_of(log: &[u8]) -> Vec<BatchHeader> {
    batches(log).map(|batch| *batch.unwrap().header()).collect()
}

/// One cleaning of all of a log's batches, with a map for so many keys; gives the log after it and the end of the map.
fn clean(log: &[u8], from: Offset, slots: u64, now: Timestamp, retention: Duration) -> (Vec<u8>, Offset) {
    let mut rewriter = Rewriter::new(KeyMap::new(slots * 24, u64::MAX, (3, 4)).ready(), now, retention);
    let mut end = from;
    for batch in batches(log) {
        let batch = batch.unwrap();
        match rewriter.note(&batch, from) {
            Noted::Whole => end = end.max(batch.header().next_offset()),
            Noted::UpTo(full) => {
                end = full;
                break;
            }
        }
    }
    rewriter.judge_up_to(end, BTreeMap::new());
    (write_all(&mut rewriter, log), end)
}

fn write_all(rewriter: &mut Rewriter, log: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = batches(log);
    while let Some(batch) = rest.next() {
        let batch = batch.unwrap();
        let place = if rest.rest().is_empty() { Place::LastOfSegment } else { Place::Inside };
        match rewriter.judge(&batch, place) {
            Verdict::Stays => out.extend_from_slice(batch.bytes()),
            Verdict::Goes => rewriter.count_dropped(),
            verdict => {
                rewriter.write(&batch, verdict, &mut out);
                rewriter.count_dropped();
            }
        }
    }
    out
}

/// A key, and a value that may be none: a tombstone.
type KeyAndValue<'a> = (&'a str, Option<&'a str>);

fn batch_at(base: u64, options: BatchOptions, records: &[KeyAndValue<'_>]) -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions {
        base_offset: offset(base),
        leader_epoch: Some(LeaderEpoch::new(7).unwrap()),
        ..options
    });
    for (index, (key, value)) in records.iter().enumerate() {
        let timestamp = Some(Timestamp::from_millis(500 + base * 10 + index as u64));
        let (key, value) = (Some(key.as_bytes()), value.map(str::as_bytes));
        builder.push(&NewRecord { timestamp, key, value, ..NewRecord::default() }).unwrap();
    }
    builder.finish(&mut Compressor::new()).to_vec()
}

fn keys_at(log: &[u8]) -> Vec<(u64, String)> {
    records_of(log).into_iter().map(|r| (r.offset.get(), String::from_utf8(r.key.unwrap()).unwrap())).collect()
}

#[test]
fn of_each_key_the_last_record_stays_at_its_offset_and_untouched_batches_stay_byte_for_byte() {
    let old = batch_at(0, BatchOptions::default(), &[("a", Some("1")), ("b", Some("1")), ("a", Some("2"))]);
    let gone = batch_at(3, BatchOptions::default(), &[("a", Some("3"))]);
    let new = batch_at(4, BatchOptions { codec: Codec::Zstd, ..BatchOptions::default() }, &[("a", Some("4"))]);
    let log = [old.clone(), gone, new.clone()].concat();
    let (cleaned, end) = clean(&log, Offset::ZERO, 100, NOW, DAY);
    assert_eq!(end, offset(5));
    assert_eq!(keys_at(&cleaned), [(1, "b".to_owned()), (4, "a".to_owned())]);
    let headers = headers_of(&cleaned);
    let first = BatchHeader::read(&old).unwrap();
    assert_eq!((headers[0].base_offset(), headers[0].last_offset()), (first.base_offset(), first.last_offset()));
    assert_eq!(headers[0].leader_epoch(), first.leader_epoch());
    assert!(cleaned.ends_with(&new));
    assert_eq!(clean(&cleaned, Offset::ZERO, 100, NOW, DAY).0, cleaned, "once is enough");
}

#[test]
fn a_tombstone_stays_for_its_retention_after_it_was_first_come_across() {
    let log = [
        batch_at(0, BatchOptions::default(), &[("a", Some("1")), ("b", Some("1"))]),
        batch_at(2, BatchOptions::default(), &[("a", None)]),
        batch_at(3, BatchOptions::default(), &[("c", Some("1"))]),
    ]
    .concat();
    let (first, _) = clean(&log, Offset::ZERO, 100, NOW, DAY);
    assert_eq!(keys_at(&first), [(1, "b".to_owned()), (2, "a".to_owned()), (3, "c".to_owned())]);
    let tombstone = headers_of(&first)[1];
    assert!(tombstone.attributes().has_delete_horizon());
    assert_eq!(tombstone.base_timestamp().unwrap().since(NOW), DAY);
    assert_eq!(records_of(&first)[1], records_of(&log)[2], "the record is the same");
    let just_before = Timestamp::from_millis(NOW.as_millis() + 86_399_999);
    assert_eq!(clean(&first, Offset::ZERO, 100, just_before, DAY).0, first, "the horizon does not move");
    let at = Timestamp::from_millis(NOW.as_millis() + 86_400_000);
    assert_eq!(keys_at(&clean(&first, Offset::ZERO, 100, at, DAY).0), [(1, "b".to_owned()), (3, "c".to_owned())]);
}

#[test]
fn the_last_batch_of_a_producer_and_of_a_segment_stays_without_records() {
    let stamp = |sequence| ProducerStamp {
        id: ProducerId::new(9).unwrap(),
        epoch: ProducerEpoch::ZERO,
        base_sequence: Sequence::from_wire(sequence),
    };
    let of = |sequence| BatchOptions { producer: Some(stamp(sequence)), codec: Codec::Gzip, ..BatchOptions::default() };
    let log = [
        batch_at(0, of(0), &[("a", Some("1")), ("b", Some("1"))]),
        batch_at(2, of(2), &[("a", Some("2")), ("b", Some("2"))]),
        batch_at(4, BatchOptions::default(), &[("a", Some("3")), ("b", Some("3"))]),
        batch_at(6, BatchOptions::default(), &[("b", None)]),
    ]
    .concat();
    let mut rewriter = Rewriter::new(KeyMap::new(1 << 10, 100, (1, 2)).ready(), NOW, Duration::ZERO);
    for batch in batches(&log) {
        assert_eq!(rewriter.note(&batch.unwrap(), Offset::ZERO), Noted::Whole);
    }
    rewriter.judge_up_to(offset(7), BTreeMap::from([(ProducerId::new(9).unwrap(), offset(3))]));
    let cleaned = write_all(&mut rewriter, &log);
    assert_eq!(rewriter.records_dropped, 5);
    let headers = headers_of(&cleaned);
    let (kept, of_producer) = (&headers[0], headers_of(&log)[1]);
    assert_eq!((kept.base_offset(), kept.last_offset(), kept.record_count()), (offset(2), offset(3), 0));
    assert_eq!((kept.producer(), kept.max_timestamp()), (of_producer.producer(), of_producer.max_timestamp()));
    assert_eq!(kept.last_sequence(), of_producer.last_sequence());
    // Once the horizon has passed, the tombstone at the end goes, and its batch stays for the offsets.
    let (cleaned, _) = clean(&cleaned, Offset::ZERO, 100, NOW, Duration::ZERO);
    assert_eq!(keys_at(&cleaned), [(4, "a".to_owned())]);
    let last = headers_of(&cleaned).pop().unwrap();
    assert_eq!((last.base_offset(), last.next_offset(), last.record_count()), (offset(6), offset(7), 0));
    assert_eq!(headers_of(&cleaned).len(), 2, "nobody remembers the producer any more");
}

#[test]
fn a_records_time_is_kept_where_the_log_gave_it() {
    let of = BatchOptions { timestamp_type: TimestampType::LogAppendTime, ..BatchOptions::default() };
    let mut first = batch_at(0, of, &[("a", Some("1")), ("b", Some("1")), ("c", Some("1"))]);
    set_log_append_time(&mut first, Timestamp::from_millis(777_777));
    let log = [first, batch_at(3, of, &[("a", Some("2"))])].concat();
    let (cleaned, _) = clean(&log, Offset::ZERO, 100, NOW, DAY);
    assert_eq!(records_of(&cleaned), records_of(&log)[1..].to_vec());
}

#[test]
fn records_without_a_key_go_and_what_cannot_be_read_stays() {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.push(&NewRecord { value: Some(b"no key"), ..NewRecord::default() }).unwrap();
    builder.push(&NewRecord { key: Some(b"k"), value: Some(b"v"), ..NewRecord::default() }).unwrap();
    let keyless = builder.finish(&mut Compressor::new()).to_vec();
    let mut garbage = batch_at(2, BatchOptions { codec: Codec::Lz4, ..BatchOptions::default() }, &[("k", Some("w"))]);
    let end = garbage.len();
    garbage[end - 9..].fill(0x55);
    let log = [keyless, garbage.clone(), batch_at(3, BatchOptions::default(), &[("z", Some("z"))])].concat();
    let mut rewriter = Rewriter::new(KeyMap::new(1 << 10, 100, (1, 2)).ready(), NOW, DAY);
    for batch in batches(&log) {
        rewriter.note(&batch.unwrap(), Offset::ZERO);
    }
    rewriter.judge_up_to(offset(4), BTreeMap::new());
    let cleaned = write_all(&mut rewriter, &log);
    assert_eq!((rewriter.records_dropped, rewriter.batches_unreadable), (1, 1));
    assert!(batches(&cleaned).any(|batch| batch.unwrap().bytes() == garbage));
    assert_eq!(headers_of(&cleaned)[0].record_count(), 1);
}

/// Batches of random records, one after the other.
fn random_log(random: &mut SeededRandom, batch_count: usize, keys: u64) -> Vec<u8> {
    let (mut log, mut base) = (Vec::new(), random.below(1_000));
    for _ in 0..batch_count {
        let timestamp_type = if random.one_in(8) { TimestampType::LogAppendTime } else { TimestampType::CreateTime };
        let options = BatchOptions {
            codec: Codec::ALL[random.index(5)],
            timestamp_type,
            base_offset: offset(base),
            leader_epoch: Some(LeaderEpoch::ZERO),
            ..BatchOptions::default()
        };
        let mut builder = BatchBuilder::new(options);
        let records = random.between(1, 12);
        let header = [Header { key: b"h", value: None }, Header { key: b"i", value: Some(b"j") }];
        for index in 0..records {
            let key = random.below(keys).to_string();
            let value = vec![b'v'; random.index(200)];
            let millis = if timestamp_type == TimestampType::LogAppendTime { base } else { base + random.below(50) };
            let record = NewRecord {
                timestamp: (timestamp_type == TimestampType::LogAppendTime || !random.one_in(9))
                    .then(|| Timestamp::from_millis(millis)),
                key: Some(key.as_bytes()),
                value: (!random.one_in(5)).then_some(&value),
                headers: &header[..random.index(3)],
            };
            builder.push_at(u32::try_from(index).unwrap(), &record).unwrap();
        }
        log.extend_from_slice(builder.finish(&mut Compressor::new()));
        base += records;
    }
    log
}

/// What must be left of records: of each key the last one before `end`, all from there on, tombstones as long as asked.
fn model(records: &[Plain], end: Offset, keeps_tombstones: bool) -> Vec<Plain> {
    let before = |record: &&Plain| record.offset < end;
    let last: BTreeMap<_, _> = records.iter().filter(before).map(|record| (&record.key, record.offset)).collect();
    let stays = |record: &&Plain| {
        record.offset >= end || (last[&record.key] == record.offset && (record.value.is_some() || keeps_tombstones))
    };
    records.iter().filter(stays).cloned().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    #[test]
    fn what_is_left_is_what_the_model_keeps_however_small_the_map(seed: u64, slots in 18_u64..200, keys in 1_u64..120) {
        let mut random = SeededRandom::new(seed);
        let batch_count = 1 + random.index(40);
        let log = random_log(&mut random, batch_count, keys);
        let all = records_of(&log);
        let log_end = headers_of(&log).last().unwrap().next_offset();
        let mut cleaned = log.clone();
        let mut from = Offset::ZERO;
        let mut rounds = 0;
        while from < log_end {
            let (next, end) = clean(&cleaned, from, slots, NOW, DAY);
            prop_assert!(end > from, "a round gets further");
            prop_assert_eq!(records_of(&next), model(&records_of(&cleaned), end, true));
            (cleaned, from) = (next, end);
            rounds += 1;
        }
        prop_assert!(keys * 10 < slots * 9 || rounds > 0);
        prop_assert_eq!(records_of(&cleaned), model(&all, log_end, true));
        prop_assert_eq!(headers_of(&cleaned).last().unwrap().next_offset(), log_end);
        prop_assert!(headers_of(&cleaned).is_sorted_by_key(BatchHeader::base_offset));
        let (again, _) = clean(&cleaned, Offset::ZERO, 10_000, NOW, DAY);
        prop_assert_eq!(&again, &cleaned, "once more changes nothing");
        let later = Timestamp::from_millis(NOW.as_millis() + 86_400_000);
        let (without, _) = clean(&cleaned, Offset::ZERO, 10_000, later, DAY);
        prop_assert_eq!(records_of(&without), model(&all, log_end, false));
    }
}
