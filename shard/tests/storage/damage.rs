//! Damage that a start must find, and data that it must not destroy.

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use rt::{BLOCK_BYTES, IoBuf, OpenMode};
use shard::journal::replay::ReplayError;
use shard::journal::ring::{RingFileHeader, RingLayout};
use shard::recovery::{OnDamage, RecoveryError};

use crate::bench::{Bench, RING_BYTES, append, partition, read_all};

const RING_FILE_BYTES: u64 = RING_BYTES / 4;

/// A life that has so many records of 1,000 bytes acknowledged, and is then killed.
fn bench_with(records: u64) -> Rc<Bench> {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        for _ in 0..records {
            append(&shard, id, 1_000).await.expect("a good disk takes it");
        }
    });
    bench
}

fn refusal(bench: &Rc<Bench>) -> String {
    let result = bench.live(async |bench| bench.start().await.map(drop));
    match result {
        Err(error @ RecoveryError::Replay(ReplayError::Unreadable { .. } | ReplayError::Damaged { .. })) => {
            error.to_string()
        }
        Err(other) => panic!("refused for another reason: {other}"),
        Ok(()) => panic!("the start went on over the damage"),
    }
}

fn end_after_start(bench: &Rc<Bench>) -> u64 {
    let end = bench.live(async |bench| {
        let shard = bench.start().await.expect("the start succeeds");
        read_all(&shard, partition(1, 0)).await
    });
    end.get()
}

#[test]
fn a_ring_file_with_a_damaged_header_stops_the_start_and_loses_nothing() {
    for records in [1, 50] {
        let bench = bench_with(records);
        bench.disk.flip_bit(Path::new("journal/0/ring-0"), 16, 0);
        let text = refusal(&bench);
        assert!(text.contains("ring-0 has a damaged header"), "{text}");
        // Whoever says to go on gets everything: only the header is gone.
        bench.on_damage.set(OnDamage::AcceptLoss);
        assert_eq!(end_after_start(&bench), records);
        bench.on_damage.set(OnDamage::Refuse);
        assert_eq!(end_after_start(&bench), records);
    }
}

#[test]
fn a_ring_file_that_was_removed_stops_the_start() {
    // Records in all four files; the checkpoint after the ring was made knows of these.
    for removed in 0..4 {
        let bench = bench_with(120);
        bench.meddle(async move |disk| {
            disk.remove_file(Path::new(&format!("journal/0/ring-{removed}"))).await.expect("it was there");
        });
        let text = refusal(&bench);
        assert!(text.contains(&format!("ring-{removed} is missing")), "{text}");
    }
}

#[test]
fn a_ring_file_that_was_cut_stops_the_start() {
    let bench = bench_with(120);
    bench.meddle(async |disk| {
        let file = disk.open(Path::new("journal/0/ring-0"), OpenMode::Existing).await.expect("it is there");
        file.set_len(100_001).await.expect("it can be cut");
    });
    let text = refusal(&bench);
    assert!(text.contains(&format!("ring-0 has 100001 bytes instead of {RING_FILE_BYTES}")), "{text}");
}

#[test]
fn a_ring_file_of_another_journal_stops_the_start() {
    let bench = bench_with(120);
    let layout = RingLayout::of_total(RING_BYTES);
    let foreign = RingFileHeader { layout, index: 1, journal: 0xF0E }.encode();
    bench.meddle(async move |disk| {
        let file = disk.open(Path::new("journal/0/ring-1"), OpenMode::Existing).await.expect("it is there");
        let buffer = IoBuf::alloc(BLOCK_BYTES);
        buffer.append(&foreign);
        file.write(buffer, 0).await.expect("it can be written");
    });
    let text = refusal(&bench);
    assert!(text.contains("ring-1 belongs to journal 0000000000000f0e"), "{text}");
}

#[test]
fn an_empty_journal_that_was_closed_well_needs_no_ring() {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        append(&shard, id, 1_000).await.expect("a good disk takes it");
        shard.close().await.expect("it closes");
    });
    bench.meddle(async |disk| disk.remove_file(Path::new("journal/0/ring-0")).await.expect("it was there"));
    assert_eq!(end_after_start(&bench), 1);
}

#[test]
fn a_ring_that_was_not_finished_is_no_damage() {
    // Killed at any moment of the first start, with nothing acknowledged.
    for micros in (0..200_000).step_by(5_000) {
        let bench = Bench::new(&[partition(1, 0)]);
        bench.live(async move |bench| {
            let wait = Duration::from_micros(micros);
            let _ = rt::timeout(wait, async { drop(bench.start().await) }).await;
            rt::sleep(wait).await;
        });
        bench.disk.crash();
        assert_eq!(end_after_start(&bench), 0, "killed after {micros} us");
    }
}

#[test]
fn files_of_a_topic_that_nobody_knows_are_moved_aside() {
    let (known, unknown, deleted) = (partition(1, 0), partition(2, 0), partition(3, 0));
    let bench = Bench::new(&[known, unknown, deleted]);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        for id in [known, unknown, deleted] {
            append(&shard, id, 1_000).await.expect("a good disk takes it");
        }
        shard.close().await.expect("it closes");
    });
    let before = bench.files_below(&format!("topics/{}", unknown.topic));
    assert!(!before.is_empty(), "the topic has files");
    bench.partitions.borrow_mut().retain(|id| *id == known);
    bench.deleted.borrow_mut().insert(deleted.topic);
    assert_eq!(end_after_start(&bench), 1);
    bench.disk.crash();
    assert!(bench.files_below(&format!("topics/{}", unknown.topic)).is_empty());
    assert!(bench.files_below(&format!("topics/{}", deleted.topic)).is_empty());
    assert_eq!(bench.files_below(&format!("lost+found-1/{}", unknown.topic)).len(), before.len());
    assert!(bench.files_below(&format!("lost+found-1/{}", deleted.topic)).is_empty());
}

#[test]
fn what_a_lost_part_of_the_journal_had_brought_to_segments_goes_with_it() {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.segment_bytes.set(32 << 10);
    // Room for all of it: a full cache asks for a checkpoint.
    bench.cache_bytes.set(16 << 20);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        rt::sleep(Duration::from_secs(3)).await;
        for _ in 0..14 {
            append(&shard, id, 10_000).await.expect("a good disk takes it");
        }
        rt::sleep(Duration::from_millis(100)).await;
    });
    let segments = || bench.files_below("topics").into_iter().filter(|path| path.ends_with(".log")).collect::<Vec<_>>();
    assert!(segments().len() > 2, "write-back has made segments: {:?}", segments());
    // The first entry: nothing of the partition can be replayed.
    bench.disk.flip_bit(Path::new("journal/0/ring-0"), BLOCK_BYTES as u64 + 20, 0);
    refusal(&bench);
    bench.on_damage.set(OnDamage::AcceptLoss);
    assert_eq!(end_after_start(&bench), 0);
    bench.disk.crash();
    let left = segments();
    assert!(left.iter().all(|path| path.ends_with("/00000000000000000000.log")), "segments of lost records: {left:?}");
}

/// The life that makes a file of the ring may be killed between the writing of its header and the flush of it.
#[test]
fn files_of_the_ring_that_a_killed_life_made_are_relied_upon_only_when_they_are_flushed() {
    let id = partition(1, 0);
    for milliseconds in 0..60 {
        let bench = Bench::new(&[id]);
        bench.live(async move |bench| {
            let shard = bench.start().await.expect("a new folder opens");
            append(&shard, id, 100).await.expect("a good disk takes it");
            rt::sleep(Duration::from_millis(milliseconds)).await;
        });
        bench.live(async move |bench| {
            bench.start().await.expect("the folder opens");
        });
        bench.disk.crash();
        bench.live(async move |bench| {
            let shard = bench.start().await.expect("nothing is missing that was flushed");
            assert_eq!(read_all(&shard, id).await.get(), 1, "killed after {milliseconds} ms");
        });
    }
}

/// The journal says where the log begins; before its segments can be read again, it is damaged.
#[test]
fn a_log_whose_start_is_lost_with_an_accepted_loss_begins_with_the_segments_that_are_left() {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.live_and_append(id, 60);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("the folder opens");
        rt::sleep(Duration::from_secs(3)).await;
        append(&shard, id, 100).await.expect("a good disk takes it");
        let to = shard::TrimTo::Offset(base::Offset::new(30).unwrap());
        let trim = shard.begin_trim(id, to).await.expect("there is room");
        shard.finish_trim(trim).await.expect("it is safe");
        append(&shard, id, 100).await.expect("a good disk takes it");
        rt::sleep(Duration::from_secs(3)).await;
        assert_eq!(shard.stats().segments_removed, 1);
    });
    // The first entry after the checkpoint.
    let rings = bench.files_below("journal/0").into_iter().filter(|file| file.contains("ring-"));
    for ring in rings.collect::<Vec<_>>() {
        let bytes = bench.disk.dump(Path::new(&ring)).expect("it was listed");
        let entries = (4096..bytes.len()).step_by(4096).filter(|at| bytes[*at..].starts_with(b"CJE1"));
        for at in entries.collect::<Vec<_>>() {
            bench.disk.flip_bit(Path::new(&ring), at as u64 + 5, 0);
        }
    }
    assert!(refusal(&bench).contains("damaged"));
    bench.on_damage.set(OnDamage::AcceptLoss);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("the loss is accepted");
        assert_eq!(shard.offsets(id).expect("it is here").log_start.get(), 26);
        assert_eq!(read_all(&shard, id).await.get(), 60);
        append(&shard, id, 100).await.expect("the log goes on");
    });
}
