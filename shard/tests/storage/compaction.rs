//! Compaction: of each key the last record stays, at its offset, whatever happens meanwhile.

mod trouble;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use base::{Offset, PartitionId, SeededRandom, Timestamp};
use shard::{Compaction, LogOffsets, ReadError, Shard, TrimTo, layout};
use wire::batch::{BatchBuilder, BatchOptions, NewRecord, batches};
use wire::compress::{Codec, Compressor, Decompressor};

use crate::bench::{Bench, append_batch_of, partition};

const MILLION: u32 = 1_000_000;
const DAY: Duration = Duration::from_secs(86_400);

/// Everything that may be compacted is, at once.
pub(crate) const EAGER: Compaction =
    Compaction { dirty_millionths: 0, delete_retention: DAY, lag_min: Duration::ZERO, lag_max: None };

/// A record, or what of it is compared.
type Value = Option<Vec<u8>>;

/// What was written to a partition, in order.
#[derive(Clone, Default)]
struct Written {
    records: Vec<(Offset, String, Value)>,
}

impl Written {
    /// The last record of each key before `end`.
    fn last_before(&self, end: Offset) -> BTreeMap<&str, Offset> {
        let before = self.records.iter().filter(|(offset, ..)| *offset < end);
        before.map(|(offset, key, _)| (key.as_str(), *offset)).collect()
    }

    /// Checks what was read of a log: only what was written, in order, and the last record of each key.
    fn check(&self, read: &[(Offset, String, Value)], start: Offset) {
        assert!(read.is_sorted_by(|a, b| a.0 < b.0), "offsets go back");
        let written: BTreeMap<Offset, _> = self.records.iter().map(|record| (record.0, record)).collect();
        for record in read {
            assert_eq!(written.get(&record.0), Some(&record), "what is read was written");
        }
        let there: BTreeSet<Offset> = read.iter().map(|record| record.0).collect();
        for (key, offset) in self.last_before(Offset::new(u64::MAX >> 1).unwrap()) {
            assert!(offset < start || there.contains(&offset), "the last record of {key} at {offset} is missing");
        }
    }
}

/// Appends a batch of these keys and values.
async fn append(shard: &Rc<Shard>, id: PartitionId, written: &mut Written, random: &mut SeededRandom, keys: u64) {
    let codec = Codec::ALL[random.index(5)];
    let mut builder = BatchBuilder::new(BatchOptions { codec, ..BatchOptions::default() });
    let mut records = Vec::new();
    for _ in 0..random.between(1, 9) {
        let key = format!("key {}", random.below(keys));
        let mut value = vec![0; random.index(900)];
        random.fill(&mut value);
        let value = (!random.one_in(10)).then_some(value);
        let timestamp = Some(rt::wall_clock());
        let record =
            NewRecord { timestamp, key: Some(key.as_bytes()), value: value.as_deref(), ..NewRecord::default() };
        builder.push(&record).expect("it fits");
        records.push((key, value));
    }
    let bytes = builder.finish(&mut Compressor::new()).to_vec();
    let count = records.len() as u64;
    let end = append_batch_of(shard, id, bytes).await.expect("a good disk takes it");
    let base = Offset::new(end.get() - count).unwrap();
    written
        .records
        .extend(records.into_iter().enumerate().map(|(index, (key, value))| (base.plus(index as u64), key, value)));
}

async fn append_many(shard: &Rc<Shard>, id: PartitionId, written: &mut Written, seed: u64, batch_count: u64) {
    let mut random = SeededRandom::new(seed);
    for _ in 0..batch_count {
        append(shard, id, written, &mut random, 40).await;
    }
}

fn offsets(shard: &Shard, id: PartitionId) -> LogOffsets {
    shard.offsets(id).expect("it is here")
}

/// Reads from `from` to the high watermark; a record before `from` in the first batch does not count.
async fn read_from(shard: &Rc<Shard>, id: PartitionId, from: Offset) -> Vec<(Offset, String, Value)> {
    let mut decompressor = Decompressor::new();
    let (mut next, end) = (from, offsets(shard, id).high_watermark);
    let mut records = Vec::new();
    while next < end {
        let data = shard
            .read(id, next, 20_000)
            .await
            .unwrap_or_else(|error| panic!("a read at {next}: {error} {:?}", shard.offsets(id)));
        assert!(data.next_offset > next, "a read at {next} leads nowhere");
        let mut reached = None;
        for batch in batches(&data.parts.concat()) {
            let batch = batch.expect("whole");
            batch.verify_crc().expect("a batch in the log has its CRC");
            assert!(batch.header().next_offset() > next, "a read at {next} gave what is before it");
            assert!(reached <= Some(batch.header().base_offset()), "batches overlap");
            reached = Some(batch.header().next_offset());
            for record in batch.decode(&mut decompressor, 1 << 30).expect("it can be read") {
                let record = record.expect("whole");
                let key = String::from_utf8(record.key.expect("records have keys").to_vec()).expect("a text");
                if record.offset >= from {
                    records.push((record.offset, key, record.value.map(<[u8]>::to_vec)));
                }
            }
        }
        assert_eq!(reached, Some(data.next_offset));
        next = data.next_offset;
    }
    records
}

async fn read_all(shard: &Rc<Shard>, id: PartitionId) -> Vec<(Offset, String, Value)> {
    read_from(shard, id, offsets(shard, id).log_start).await
}

/// Segment files of a partition with their lengths, and everything else in its folder.
fn files_of(bench: &Bench, id: PartitionId) -> (Vec<(Offset, u64)>, Vec<String>) {
    let folder = format!("{}/{}/", id.topic, id.index);
    let (mut segments, mut others) = (Vec::new(), Vec::new());
    for (path, length) in bench.disk.files() {
        let Some((_, name)) = path.split_once(&folder) else { continue };
        match layout::segment_base(name) {
            Some(base) => segments.push((base, length)),
            None if layout::index_base(name).is_some() => {}
            None => others.push(name.to_owned()),
        }
    }
    segments.sort();
    (segments, others)
}

fn compacting_bench(ids: &[PartitionId]) -> Rc<Bench> {
    let bench = Bench::new(ids);
    bench.compaction.set(Some(EAGER));
    bench.segment_bytes.set(64 << 10);
    bench.checkpoint_interval.set(Duration::from_millis(500));
    bench
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = rt::now();
    while !is_so() {
        rt::sleep(Duration::from_millis(20)).await;
        assert!(rt::now().since(begun) < Duration::from_secs(300), "it never comes to this: {what}");
    }
}

/// Waits until compaction has done what it can.
async fn settle(shard: &Rc<Shard>) {
    let mut before = None;
    until("compaction has nothing to do", || {
        let now = shard.stats().compaction.bytes_read;
        before.replace((now, rt::now())).is_some_and(|(then, _)| then == now && now > 0)
    })
    .await;
    for _ in 0..3 {
        let before = shard.stats().compaction.bytes_read;
        rt::sleep(Duration::from_secs(3)).await;
        if shard.stats().compaction.bytes_read == before {
            return;
        }
    }
}

#[test]
fn of_each_key_the_last_record_stays_and_every_offset_can_be_read() {
    let id = partition(1, 0);
    let bench = compacting_bench(&[id]);
    let written = bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        let mut written = Written::default();
        append_many(&shard, id, &mut written, 1, 600).await;
        settle(&shard).await;
        let stats = shard.stats().compaction;
        assert!(stats.cleanings > 0 && stats.records_dropped > 1_000 && stats.bytes_written > 0, "{stats:?}");
        assert!(stats.bytes_read >= stats.bytes_written && stats.time > Duration::ZERO, "{stats:?}");
        let log = offsets(&shard, id);
        assert!(log.bytes < 300_000, "{} bytes are left", log.bytes);
        assert_eq!(files_of(&bench, id).1, ["compaction"]);
        let all = read_all(&shard, id).await;
        written.check(&all, Offset::ZERO);
        assert!(all.len() < 600, "{} records are left of {}", all.len(), written.records.len());
        assert_eq!(stats.records_dropped, (written.records.len() - all.len()) as u64);
        for from in (0..log.high_watermark.get()).step_by(7) {
            let from = Offset::new(from).unwrap();
            let first = shard.read(id, from, 1).await.expect("an offset that is gone gives the next batch");
            let expected = all.iter().map(|record| record.0).find(|offset| *offset >= from);
            let header = *batches(&first.parts.concat()).next().unwrap().unwrap().header();
            assert!(header.next_offset() > from);
            assert!(expected.is_none_or(|offset| header.base_offset() <= offset), "{from} gave {header:?}");
        }
        written
    });
    bench.disk.crash();
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("the folder opens");
        let before = shard.stats().compaction;
        let mut written = written;
        written.check(&read_all(&shard, id).await, Offset::ZERO);
        rt::sleep(Duration::from_secs(30)).await;
        assert_eq!(shard.stats().compaction, before, "what is compacted stays so in the next life");
        append_many(&shard, id, &mut written, 2, 300).await;
        settle(&shard).await;
        written.check(&read_all(&shard, id).await, Offset::ZERO);
        let segments = files_of(&bench, id).0;
        assert!(segments.len() <= 16, "small neighbours become one: {segments:?}");
        assert!(offsets(&shard, id).bytes.abs_diff(segments.iter().map(|(_, bytes)| bytes).sum::<u64>()) < 4096);
    });
}

#[test]
fn a_map_that_holds_few_keys_takes_more_rounds_and_comes_to_the_same() {
    let id = partition(1, 0);
    let bench = compacting_bench(&[id]);
    bench.compaction_key_bytes.set(0);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        let mut written = Written::default();
        append_many(&shard, id, &mut written, 3, 300).await;
        settle(&shard).await;
        assert!(shard.stats().compaction.cleanings > 10);
        let all = read_all(&shard, id).await;
        written.check(&all, Offset::ZERO);
        assert!(all.len() < 300, "{} records are left", all.len());
    });
}

#[test]
fn the_lags_and_the_ratio_say_when() {
    let ids = [partition(1, 0), partition(2, 0)];
    let bench = compacting_bench(&ids);
    let lag_min = Duration::from_secs(600);
    bench.compaction.set(Some(Compaction { lag_min, lag_max: None, ..EAGER }));
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        let mut written = Written::default();
        append_many(&shard, ids[0], &mut written, 1, 300).await;
        rt::sleep(Duration::from_secs(590)).await;
        assert_eq!(shard.stats().compaction.cleanings, 0, "too young");
        rt::sleep(Duration::from_secs(30)).await;
        assert_eq!(shard.stats().compaction.cleanings, 1);
    });
    // Never by its ratio, but a record may wait for ten minutes only, also in the active segment.
    let lag_max = Some(Duration::from_secs(600));
    bench.compaction.set(Some(Compaction { dirty_millionths: MILLION, lag_max, ..EAGER }));
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("the folder opens");
        let mut written = Written::default();
        append_many(&shard, ids[1], &mut written, 5, 30).await;
        append_many(&shard, ids[1], &mut written, 5, 30).await;
        rt::sleep(Duration::from_secs(580)).await;
        let all = read_all(&shard, ids[1]).await;
        assert_eq!(all.len(), written.records.len(), "not yet");
        rt::sleep(Duration::from_secs(60)).await;
        let all = read_all(&shard, ids[1]).await;
        written.check(&all, Offset::ZERO);
        assert!(all.len() <= 40, "{} records are left", all.len());
    });
}

/// Tombstones are stamped with the time when they may go, and times are told as differences from that.
#[test]
fn the_last_segment_that_became_longer_is_read_to_its_end() {
    let id = partition(1, 0);
    let bench = compacting_bench(&[id]);
    bench.compaction.set(Some(Compaction { lag_max: Some(Duration::from_secs(600)), ..EAGER }));
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        let mut builder = BatchBuilder::new(BatchOptions::default());
        let keys = ["a", "b", "c"];
        for key in keys {
            let timestamp = Some(rt::wall_clock());
            let record = NewRecord { timestamp, key: Some(key.as_bytes()), ..NewRecord::default() };
            builder.push(&record).expect("it fits");
        }
        let bytes = builder.finish(&mut Compressor::new()).to_vec();
        append_batch_of(&shard, id, bytes).await.expect("a good disk takes it");
        let before = offsets(&shard, id).bytes;
        rt::sleep(Duration::from_secs(700)).await;
        assert!(offsets(&shard, id).bytes > before, "it is as long as it was");
        let read = read_all(&shard, id).await;
        assert_eq!(read.iter().map(|(_, key, _)| key.as_str()).collect::<Vec<_>>(), keys);
    });
}

#[test]
fn a_log_may_begin_in_a_gap_and_times_are_found_across_gaps() {
    let id = partition(1, 0);
    let bench = compacting_bench(&[id]);
    let written = bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        let mut written = Written::default();
        append_many(&shard, id, &mut written, 1, 100).await;
        let middle = rt::wall_clock();
        rt::sleep(Duration::from_millis(10)).await;
        let at_middle = offsets(&shard, id).log_end;
        append_many(&shard, id, &mut written, 2, 500).await;
        settle(&shard).await;
        let all = read_all(&shard, id).await;
        let found =
            shard.offset_for_timestamp(id, middle).await.expect("it can be read").expect("there are later ones");
        let expected = all.iter().map(|record| record.0).find(|offset| *offset >= at_middle);
        assert!(found.timestamp >= middle.to_wire() && Some(found.offset) <= expected, "{found:?} {expected:?}");
        assert!(all.iter().any(|record| record.0 == found.offset), "{found:?} is a record");
        let newest = shard.newest_record(id).await.expect("it can be read").expect("there is one");
        assert!(all.iter().any(|record| record.0 == newest.offset), "{newest:?} is a record");
        assert_eq!(shard.offset_for_timestamp(id, Timestamp::from_millis(1 << 42)).await.expect("read"), None);
        // A gap: an offset that no batch has.
        let gaps: Vec<Offset> =
            written.records.iter().map(|record| record.0).filter(|o| !all.iter().any(|r| r.0 == *o)).collect();
        let gap = gaps[gaps.len() / 2];
        let trim = shard.begin_trim(id, TrimTo::Offset(gap)).await.expect("it is in range");
        assert_eq!(shard.finish_trim(trim).await.expect("a good disk").log_start, gap);
        let rest = read_all(&shard, id).await;
        written.check(&rest, gap);
        assert_eq!(rest, all.into_iter().filter(|record| record.0 >= gap).collect::<Vec<_>>());
        append_many(&shard, id, &mut written, 3, 300).await;
        settle(&shard).await;
        written.check(&read_all(&shard, id).await, gap);
        written
    });
    bench.disk.crash();
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("the folder opens");
        let start = offsets(&shard, id).log_start;
        written.check(&read_all(&shard, id).await, start);
    });
}

#[test]
fn readers_go_on_while_segments_are_exchanged() {
    let id = partition(1, 0);
    let bench = compacting_bench(&[id]);
    bench.cache_bytes.set(256 << 10);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        let mut written = Written::default();
        let mut tasks = Vec::new();
        for reader in 0..6 {
            let (shard, mut random) = (Rc::clone(&shard), SeededRandom::new(reader));
            tasks.push(rt::spawn(rt::TaskQueue::DEFAULT, async move {
                let mut next = Offset::ZERO;
                while offsets(&shard, id).high_watermark.get() < 9_000 {
                    if next >= offsets(&shard, id).high_watermark || random.one_in(30) {
                        next = Offset::new(random.below(next.get() + 1)).unwrap();
                    }
                    let bytes = u32::try_from(random.below(100_000)).unwrap();
                    let data = shard.read(id, next, bytes).await.expect("readers go on");
                    for batch in batches(&data.parts.concat()) {
                        batch.expect("whole").verify_crc().expect("as it was written");
                    }
                    assert!(data.next_offset >= next, "offsets never go back");
                    next = data.next_offset;
                    rt::sleep(Duration::from_micros(random.below(2_000))).await;
                }
            }));
        }
        for round in 0..20 {
            append_many(&shard, id, &mut written, round, 100).await;
            rt::sleep(Duration::from_secs(2)).await;
        }
        for task in tasks {
            task.await;
        }
        assert!(shard.stats().compaction.cleanings >= 10);
        settle(&shard).await;
        written.check(&read_all(&shard, id).await, Offset::ZERO);
    });
}
