//! The start of a log: it moves forward, stays there, and what is before it leaves the disk.

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use base::{Offset, PartitionId, Timestamp};
use rt::{BLOCK_BYTES, IoBuf, OpenMode};
use shard::{AppendError, ReadError, Shard, TimestampedOffset, TrimError, TrimTo};

use crate::bench::{Bench, append, append_at, fill_disk, partition, read_all, used};

fn offset(value: u64) -> Offset {
    Offset::new(value).unwrap()
}

async fn trim(shard: &Shard, id: PartitionId, to: u64) -> Result<u64, TrimError> {
    let trim = shard.begin_trim(id, TrimTo::Offset(offset(to))).await?;
    shard.finish_trim(trim).await.map(|offsets| offsets.log_start.get())
}

/// Appends so many records of 10,000 bytes; a segment of 256 KiB holds 26.
async fn fill(shard: &Rc<Shard>, id: PartitionId, records: usize) {
    for _ in 0..records {
        append(shard, id, 10_000).await.expect("a good disk takes it");
    }
}

/// Base offsets of the segments on the disk; each has its index, or is the active one.
fn segments(bench: &Bench, id: PartitionId) -> Vec<u64> {
    let folder = format!("topics/{}/{}", id.topic, id.index);
    let mut bases = [Vec::new(), Vec::new()];
    for file in bench.files_below(&folder) {
        let (base, kind) = file.rsplit_once('/').unwrap().1.split_once('.').unwrap();
        bases[usize::from(kind == "index")].push(base.parse::<u64>().unwrap());
    }
    let [segments, indexes] = bases;
    assert!(indexes.iter().all(|base| segments.contains(base)), "{segments:?} have indexes {indexes:?}");
    segments
}

fn out_of_range(result: Result<shard::ReadData, ReadError>, start: u64) -> bool {
    matches!(result, Err(ReadError::OutOfRange { offsets, .. }) if offsets.log_start.get() == start)
}

#[test]
fn records_before_the_start_are_out_of_range_and_their_segments_are_removed() {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.checkpoint_interval.set(Duration::from_secs(1));
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        fill(&shard, id, 100).await;
        rt::sleep(Duration::from_secs(3)).await;
        assert_eq!(segments(&bench, id), [0, 26, 52, 78]);
        let before = shard.offsets(id).expect("it is here");

        assert_eq!(trim(&shard, id, 60).await.expect("it is safe"), 60);
        assert!(out_of_range(shard.read(id, offset(59), 1).await, 60));
        assert!(out_of_range(shard.read(id, Offset::ZERO, 1).await, 60));
        shard.read(id, offset(60), 1).await.expect("the log begins here");
        rt::sleep(Duration::from_secs(1)).await;
        assert_eq!(segments(&bench, id), [52, 78]);
        let after = shard.offsets(id).expect("it is here");
        assert_eq!((after.log_start, after.log_end), (offset(60), before.log_end));
        let (stats, removed) = (shard.stats(), before.bytes - after.bytes);
        assert_eq!((stats.segments_removed, stats.segment_bytes_removed, removed > 500_000), (2, removed, true));
        assert_eq!(read_all(&shard, id).await, offset(100));
        append(&shard, id, 1_000).await.expect("the log goes on");
        assert_eq!(read_all(&shard, id).await, offset(101));
    });
}

#[test]
fn the_start_stays_in_the_log_and_never_goes_back() {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        fill(&shard, id, 5).await;
        let beyond = trim(&shard, id, 6).await;
        assert!(matches!(beyond, Err(TrimError::OutOfRange { wanted, .. }) if wanted == offset(6)), "{beyond:?}");
        assert_eq!(trim(&shard, id, 3).await.expect("it is safe"), 3);
        assert_eq!(trim(&shard, id, 2).await.expect("nothing to do"), 3);
        let both = [
            shard.begin_trim(id, TrimTo::Offset(offset(4))).await,
            shard.begin_trim(id, TrimTo::Offset(offset(3))).await,
        ];
        for trim in both.into_iter().rev() {
            assert!(shard.finish_trim(trim.expect("it is safe")).await.is_ok());
        }
        assert_eq!(shard.offsets(id).expect("it is here").log_start, offset(4));
        let all = shard.begin_trim(id, TrimTo::HighWatermark).await.expect("there is room");
        assert_eq!(shard.finish_trim(all).await.expect("it is safe").log_start, offset(5));
        assert_eq!(read_all(&shard, id).await, offset(5));
        let unknown = trim(&shard, partition(9, 9), 0).await;
        assert!(matches!(unknown, Err(TrimError::Refused(AppendError::UnknownPartition(_)))), "{unknown:?}");
    });
}

#[test]
fn the_start_survives_a_power_cut_with_and_without_a_checkpoint_and_without_new_records() {
    let (id, other) = (partition(1, 0), partition(2, 0));
    let bench = Bench::new(&[id, other]);
    for (life, (to, interval)) in [(7, 3_600), (40, 3_600), (41, 1), (88, 1)].into_iter().enumerate() {
        bench.checkpoint_interval.set(Duration::from_secs(interval));
        bench.live(async move |bench| {
            let shard = bench.start().await.expect("the folder opens");
            if life == 0 {
                fill(&shard, id, 90).await;
            }
            assert_eq!(trim(&shard, id, to).await.expect("it is safe"), to);
            append(&shard, other, 100).await.expect("a good disk takes it");
            rt::sleep(Duration::from_secs(3)).await;
        });
        bench.disk.crash();
        bench.live(async move |bench| {
            let shard = bench.start().await.expect("the folder opens");
            assert_eq!(shard.offsets(id).expect("it is here").log_start, offset(to));
            assert!(out_of_range(shard.read(id, offset(to - 1), 1).await, to));
            assert_eq!(read_all(&shard, id).await, offset(90));
            rt::sleep(Duration::from_secs(3)).await;
            assert_eq!(
                segments(&bench, id),
                [0, 26, 52, 78].into_iter().filter(|base| base + 26 > to).collect::<Vec<_>>()
            );
        });
    }
}

#[test]
fn files_that_a_crash_brings_back_are_removed_by_the_next_start() {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.checkpoint_interval.set(Duration::from_secs(1));
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        fill(&shard, id, 100).await;
        rt::sleep(Duration::from_secs(3)).await;
        trim(&shard, id, 60).await.expect("it is safe");
        rt::sleep(Duration::from_secs(3)).await;
        assert_eq!(segments(&bench, id), [52, 78]);
    });
    // A segment with its index, and an index without its segment.
    bench.meddle(async move |disk| {
        for name in ["00000000000000000000.log", "00000000000000000000.index", "00000000000000000026.index"] {
            let path = format!("topics/{}/{}/{name}", id.topic, id.index);
            let file = disk.open(Path::new(&path), OpenMode::CreateNew).await.expect("it was removed");
            let buffer = IoBuf::alloc(BLOCK_BYTES);
            buffer.append(&[7; BLOCK_BYTES]);
            file.write(buffer, 0).await.expect("there is space");
        }
    });
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("the folder opens");
        rt::sleep(Duration::from_secs(1)).await;
        assert_eq!(segments(&bench, id), [52, 78]);
        let bytes = shard.offsets(id).expect("it is here").bytes;
        assert!((400_000..600_000).contains(&bytes), "{bytes} bytes in two segments");
        assert_eq!(read_all(&shard, id).await, offset(100));
    });
}

#[test]
fn the_segment_that_a_start_would_write_to_is_kept_until_a_checkpoint() {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        fill(&shard, id, 10).await;
        shard.close().await.expect("it closes");
    });
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("the folder opens");
        // The ring is complete, so no checkpoint follows for an hour.
        rt::sleep(Duration::from_secs(3)).await;
        fill(&shard, id, 30).await;
        trim(&shard, id, 39).await.expect("it is safe");
        rt::sleep(Duration::from_secs(3)).await;
        assert!(segments(&bench, id).contains(&0), "the checkpoint's active segment was removed");
    });
    bench.disk.crash();
    bench.checkpoint_interval.set(Duration::from_secs(1));
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("what the checkpoint needs is there");
        assert_eq!(shard.offsets(id).expect("it is here").log_start, offset(39));
        assert_eq!(read_all(&shard, id).await, offset(40));
        rt::sleep(Duration::from_secs(3)).await;
        assert!(!segments(&bench, id).contains(&0), "it stayed");
    });
}

#[test]
fn a_full_disk_is_freed_by_deleting_records() {
    let (large, other) = (partition(1, 0), partition(2, 0));
    let bench = Bench::new(&[large, other]);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        rt::sleep(Duration::from_secs(3)).await;
        bench.disk.set_capacity(Some(used(&bench.disk) + (2 << 20)));
        fill_disk(&shard, large).await;
        let end = shard.offsets(large).expect("it is here").high_watermark;
        trim(&shard, large, end.get()).await.expect("the journal has room for this");
        rt::sleep(Duration::from_secs(3)).await;
        append(&shard, other, 10_000).await.expect("the deletion has freed the disk");
    });
}

#[test]
fn records_are_found_by_time_among_those_that_are_left() {
    let (id, other) = (partition(1, 0), partition(2, 0));
    let bench = Bench::new(&[id, other]);
    bench.checkpoint_interval.set(Duration::from_secs(1));
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        // The newest is the fourth; among the others time goes on.
        for number in 0..60 {
            let time = if number == 3 { 9_000 } else { 1_000 + number };
            append_at(&shard, id, 10_000, Timestamp::from_millis(time)).await;
        }
        for pass in 0..2 {
            let at = async |time: u64| {
                let found = shard.offset_for_timestamp(id, Timestamp::from_millis(time)).await.expect("it can be read");
                found.map(|found| found.offset.get())
            };
            let newest = shard.newest_record(id).await.expect("it can be read");
            if pass == 0 {
                assert_eq!((at(1_000).await, at(1_010).await, at(5_000).await), (Some(0), Some(3), Some(3)));
                assert_eq!(newest, Some(TimestampedOffset { timestamp: 9_000, offset: offset(3) }));
                trim(&shard, id, 30).await.expect("it is safe");
                continue;
            }
            assert_eq!((at(1_000).await, at(1_040).await, at(5_000).await), (Some(30), Some(40), None));
            assert_eq!(newest, Some(TimestampedOffset { timestamp: 1_059, offset: offset(59) }));
        }
        // And when none of it is in memory.
        rt::sleep(Duration::from_secs(3)).await;
        fill(&shard, other, 150).await;
        let newest = shard.newest_record(id).await.expect("it can be read");
        assert_eq!(newest, Some(TimestampedOffset { timestamp: 1_059, offset: offset(59) }));
        trim(&shard, id, 60).await.expect("it is safe");
        assert_eq!(shard.newest_record(id).await.expect("it can be read"), None);
    });
}

#[test]
fn a_reader_in_the_way_of_a_removal_gets_its_bytes_or_is_told_where_the_log_begins() {
    let (id, other) = (partition(1, 0), partition(2, 0));
    let bench = Bench::new(&[id, other]);
    bench.checkpoint_interval.set(Duration::from_millis(200));
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        fill(&shard, id, 200).await;
        fill(&shard, other, 150).await;
        let reading = {
            let shard = Rc::clone(&shard);
            rt::spawn(rt::TaskQueue::DEFAULT, async move {
                let (mut given, mut told) = (0, 0);
                for round in 0_u64..3_000 {
                    match shard.read(id, offset(round * 7 % 200), 50_000).await {
                        Ok(_) => given += 1,
                        Err(ReadError::OutOfRange { wanted, offsets }) => {
                            assert!(wanted < offsets.log_start);
                            told += 1;
                        }
                        Err(other) => panic!("{other}"),
                    }
                }
                (given, told)
            })
        };
        for to in (0..190).step_by(5) {
            trim(&shard, id, to).await.expect("it is safe");
            rt::sleep(Duration::from_millis(20)).await;
        }
        let (given, told) = reading.await;
        assert!(given > 100 && told > 100, "{given} reads gave bytes, {told} were out of range");
        assert!(shard.stats().segments_removed > 4);
    });
}
