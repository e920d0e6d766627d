//! Retention: what is too old or too much leaves, and nothing else does.

use std::rc::Rc;
use std::time::Duration;

use base::{Offset, PartitionId, Timestamp};
use shard::{Retention, Shard, ShardTuning};

use crate::bench::{Bench, append, append_at, fill_disk, partition, read_all, used};

const MINUTE: u64 = 60_000;

fn for_time(time: Duration) -> Retention {
    Retention { time: Some(time), bytes: None }
}

fn start_of(shard: &Shard, id: PartitionId) -> u64 {
    shard.offsets(id).expect("it is here").log_start.get()
}

fn segment_files(bench: &Bench, id: PartitionId) -> usize {
    bench.files_below(&format!("topics/{}/{}", id.topic, id.index)).iter().filter(|file| file.ends_with(".log")).count()
}

/// Appends a minute of records with the present time: 20 of 10,000 bytes.
async fn a_minute(shard: &Rc<Shard>, id: PartitionId) {
    for _ in 0..20 {
        append_at(shard, id, 10_000, rt::wall_clock()).await;
        rt::sleep(Duration::from_secs(3)).await;
    }
}

#[test]
fn old_segments_leave_memory_of_them_and_the_disk_while_the_log_goes_on() {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.checkpoint_interval.set(Duration::from_secs(20));
    bench.retention.set(for_time(Duration::from_secs(300)));
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        for minute in 0..30 {
            a_minute(&shard, id).await;
            let offsets = shard.offsets(id).expect("it is here");
            let kept = offsets.log_end.get() - offsets.log_start.get();
            // Five minutes are 100 records; a segment holds 26, and it goes with its last one.
            assert!(kept >= 100.min((minute + 1) * 20), "{kept} records in minute {minute}");
            assert!(kept <= 130, "{kept} records in minute {minute}");
            assert!(offsets.bytes < 2_000_000, "{} bytes in minute {minute}", offsets.bytes);
        }
        assert_eq!(read_all(&shard, id).await, Offset::new(600).unwrap());
        assert!(segment_files(&bench, id) <= 6);
        assert!(shard.stats().segments_removed >= 17);
        let oldest = shard.offset_for_timestamp(id, Timestamp::from_millis(0)).await.expect("it can be read");
        let age = rt::wall_clock().since(Timestamp::from_wire(oldest.expect("there are records").timestamp).unwrap());
        assert!(age.as_millis() >= u128::from(5 * MINUTE - 5_000), "{age:?}");
    });
}

#[test]
fn a_log_that_nobody_writes_to_becomes_empty_and_keeps_its_offsets_through_power_cuts() {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.checkpoint_interval.set(Duration::from_secs(20));
    bench.retention.set(for_time(Duration::from_secs(300)));
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        a_minute(&shard, id).await;
        rt::sleep(Duration::from_secs(290)).await;
        assert_eq!(start_of(&shard, id), 0);
        rt::sleep(Duration::from_secs(60)).await;
        assert_eq!(start_of(&shard, id), 20);
        assert_eq!(segment_files(&bench, id), 0, "the active segment went with them");
        assert_eq!(shard.offsets(id).expect("it is here").bytes, 0);
        assert_eq!(shard.newest_record(id).await.expect("it can be read"), None);
    });
    bench.disk.crash();
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("the folder opens");
        assert_eq!(start_of(&shard, id), 20);
        assert_eq!(append(&shard, id, 100).await.expect("the log goes on").get(), 21);
        assert_eq!(read_all(&shard, id).await.get(), 21);
    });
    bench.disk.crash();
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("the folder opens");
        assert_eq!(read_all(&shard, id).await.get(), 21);
        assert_eq!(start_of(&shard, id), 20);
    });
}

#[test]
fn segments_of_earlier_lives_are_judged_by_their_indexes() {
    let (id, untimed) = (partition(1, 0), partition(2, 0));
    let bench = Bench::new(&[id, untimed]);
    bench.checkpoint_interval.set(Duration::from_secs(20));
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        // The clock of the next life begins where this one's did.
        let now = rt::wall_clock().as_millis();
        for record in 0..100 {
            append_at(&shard, id, 10_000, Timestamp::from_millis(now - 10 * MINUTE + record * 6_000)).await;
            append(&shard, untimed, 10_000).await.expect("a good disk takes it");
        }
        rt::sleep(Duration::from_secs(30)).await;
        shard.close().await.expect("it closes");
    });
    bench.retention.set(for_time(Duration::from_secs(300)));
    let removed = format!("topics/{}/0/00000000000000000026.index", id.topic);
    bench.meddle(async move |disk| disk.remove_file(std::path::Path::new(&removed)).await.expect("it is there"));
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("the folder opens");
        // Record 50 is five minutes old.
        rt::sleep(Duration::from_secs(5)).await;
        assert_eq!(start_of(&shard, id), 26);
        rt::sleep(Duration::from_secs(25)).await;
        assert_eq!(start_of(&shard, id), 52);
        // Those of which nothing is known are as old as this life.
        assert_eq!(start_of(&shard, untimed), 0);
        rt::sleep(Duration::from_secs(240)).await;
        assert_eq!(start_of(&shard, untimed), 0);
        rt::sleep(Duration::from_secs(60)).await;
        assert_eq!((start_of(&shard, untimed), start_of(&shard, id)), (100, 100));
    });
}

#[test]
fn a_shorter_interval_is_in_force_at_once() {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.checkpoint_interval.set(Duration::from_secs(20));
    bench.retention.set(for_time(Duration::from_secs(300)));
    bench.retention_check_interval.set(Duration::from_secs(86_400));
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        rt::sleep(Duration::from_secs(60)).await;
        a_minute(&shard, id).await;
        rt::sleep(Duration::from_secs(600)).await;
        assert_eq!(start_of(&shard, id), 0, "the next look is a day away");
        shard.tune(ShardTuning {
            free_space_floor: 0,
            retention_check_interval: Duration::from_secs(1),
            compaction_check_interval: Duration::from_secs(1),
            compaction_bytes_per_second: 1 << 20,
        });
        rt::sleep(Duration::from_secs(2)).await;
        assert_eq!(start_of(&shard, id), 20);
    });
}

#[test]
fn a_log_is_kept_to_its_size() {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.checkpoint_interval.set(Duration::from_secs(5));
    bench.retention.set(Retention { time: None, bytes: Some(1_000_000) });
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        for round in 0..100 {
            for _ in 0..10 {
                append(&shard, id, 10_000).await.expect("a good disk takes it");
            }
            rt::sleep(Duration::from_millis(1_500)).await;
            let bytes = shard.offsets(id).expect("it is here").bytes;
            // One segment too much, and what waits for a checkpoint.
            assert!(bytes < 2_000_000, "{bytes} bytes in round {round}");
            assert!(round < 10 || bytes >= 1_000_000, "{bytes} bytes in round {round}");
        }
        rt::sleep(Duration::from_secs(10)).await;
        let files: u64 =
            bench.disk.files().iter().filter(|(path, _)| path.contains("topics")).map(|(_, bytes)| bytes).sum();
        assert!((1_000_000..1_400_000).contains(&files), "{files} bytes on the disk");
        assert_eq!(read_all(&shard, id).await.get(), 1_000);
    });
}

#[test]
fn many_partitions_share_flushes_and_their_records_go() {
    let ids: Vec<PartitionId> = (0..300).map(|index| partition(1, index)).collect();
    let bench = Bench::new(&ids);
    bench.checkpoint_interval.set(Duration::from_secs(5));
    bench.retention.set(for_time(Duration::from_secs(60)));
    bench.retention_check_interval.set(Duration::from_secs(90));
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        for id in &ids {
            append_at(&shard, *id, 100, rt::wall_clock()).await;
        }
        // Right before the check that finds all of them too old.
        rt::sleep(Duration::from_secs(80)).await;
        let before = bench.disk.counters();
        let started = ids.iter().filter(|id| start_of(&shard, **id) == 0).count();
        assert_eq!(started, ids.len());
        while ids.iter().any(|id| start_of(&shard, *id) == 0) {
            rt::sleep(Duration::from_millis(5)).await;
            assert!(rt::now().0 < 200_000_000_000, "they stay");
        }
        let flushes = bench.disk.counters().syncs - before.syncs;
        assert!(flushes < 50, "{flushes} flushes for {} partitions", ids.len());
    });
}

#[test]
fn a_full_disk_is_freed_by_retention() {
    let (large, other) = (partition(1, 0), partition(2, 0));
    let bench = Bench::new(&[large, other]);
    bench.retention.set(for_time(Duration::from_secs(120)));
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        rt::sleep(Duration::from_secs(3)).await;
        bench.disk.set_capacity(Some(used(&bench.disk) + (2 << 20)));
        fill_disk(&shard, large).await;
        rt::sleep(Duration::from_secs(60)).await;
        assert!(append(&shard, other, 10_000).await.is_err(), "nothing is old enough yet");
        rt::sleep(Duration::from_secs(90)).await;
        append(&shard, other, 10_000).await.expect("retention has freed the disk");
    });
}
