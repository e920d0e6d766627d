//! Compaction that is interrupted, meets damage, or finds no room.

use base::CoreId;
use rt::sim::DiskOperation;
use shard::inspect;

use super::*;

/// Waits until compaction has begun.
async fn until_it_reads(shard: &Shard) {
    while shard.stats().compaction.bytes_read == 0 {
        rt::sleep(Duration::from_micros(50)).await;
    }
}

/// Lets compaction of small segments run until the disk was asked for `steps` things; whether it came to its end before.
fn until_step(bench: &Rc<Bench>, steps: u64) -> bool {
    let asked = |bench: &Bench| {
        let counters = bench.disk.counters();
        counters.writes + counters.syncs + counters.dir_syncs + counters.folder_changes
    };
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("the folder opens");
        until_it_reads(&shard).await;
        let begun = asked(&bench);
        while asked(&bench) < begun + steps {
            if shard.stats().compaction.cleanings > 0 {
                return true;
            }
            rt::sleep(Duration::from_micros(5)).await;
        }
        false
    })
}

/// Segments of small size, closed, none of them compacted.
fn small_segments(bench: &Rc<Bench>, id: PartitionId) -> Written {
    bench.segment_bytes.set(24 << 10);
    bench.compaction_check_interval.set(Duration::from_secs(3600));
    let written = bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        let mut written = Written::default();
        append_many(&shard, id, &mut written, 11, 120).await;
        shard.close().await.expect("it closes");
        written
    });
    bench.segment_bytes.set(128 << 10);
    bench.compaction_check_interval.set(Duration::from_secs(1));
    written
}

/// No segment holds offsets of the next one.
fn check_overlaps(bench: &Bench, id: PartitionId) {
    let mut reached = Offset::ZERO;
    for (base, _) in files_of(bench, id).0 {
        assert!(base >= reached, "segment {base} begins before {reached}, where the one before it ends");
        let bytes = bench.disk.dump(&layout::segment_file(id, base)).expect("it is there");
        // The active one ends in zeroes.
        for batch in batches(&bytes).map_while(Result::ok) {
            reached = batch.header().next_offset();
        }
    }
}

#[test]
fn a_crash_at_any_step_leaves_the_old_segments_or_the_new_one() {
    let id = partition(1, 0);
    let mut ended = 0;
    for steps in 0.. {
        let bench = compacting_bench(&[id]);
        let written = small_segments(&bench, id);
        let is_over = until_step(&bench, steps);
        bench.disk.crash();
        let twice = steps % 3 == 0;
        if twice {
            // And one in the middle of what the next life does about it.
            let mut random = SeededRandom::new(steps);
            let time = Duration::from_micros(random.below(20_000));
            bench.live(async move |bench| {
                let shard = bench.start().await.expect("the folder opens");
                let _ = rt::timeout(time, shard.read(id, Offset::ZERO, 1)).await;
            });
            bench.disk.crash();
        }
        bench.live(async move |bench| {
            let shard = bench.start().await.expect("the folder opens");
            written.check(&read_all(&shard, id).await, Offset::ZERO);
            let others = files_of(&bench, id).1;
            assert!(others.iter().all(|name| name == "compaction"), "step {steps} has left {others:?}");
            check_overlaps(&bench, id);
            let (segments, log) = (files_of(&bench, id).0, offsets(&shard, id));
            let bytes: u64 = segments.iter().map(|(_, bytes)| bytes).sum();
            assert!(bytes.abs_diff(log.bytes) < 4096, "step {steps}: {log:?} and {segments:?}");
            rt::sleep(Duration::from_secs(20)).await;
            let all = read_all(&shard, id).await;
            written.check(&all, Offset::ZERO);
            check_overlaps(&bench, id);
            assert!(all.len() < 150, "step {steps}: {} records are left", all.len());
        });
        ended += u32::from(is_over);
        if ended > 3 {
            assert!(steps > 20, "only {steps} steps");
            return;
        }
    }
}

/// A name that cannot be given leaves the old segments where they are. They are read on, and nothing is called damaged.
#[test]
fn a_folder_that_cannot_be_changed_at_any_step_leaves_segments_that_can_be_read() {
    let id = partition(1, 0);
    let mut poisoned = 0;
    for nth in 1..90 {
        let bench = compacting_bench(&[id]);
        let written = small_segments(&bench, id);
        let was_poisoned = bench.live(async move |bench| {
            let shard = bench.start().await.expect("the folder opens");
            until_it_reads(&shard).await;
            bench.disk.fail_nth(DiskOperation::Folders, nth);
            let mut looks = 0;
            while shard.stats().compaction.cleanings == 0 && shard.stats().accepts_appends && looks < 1_000 {
                looks += 1;
                rt::sleep(Duration::from_millis(10)).await;
            }
            bench.disk.heal();
            written.check(&read_all(&shard, id).await, Offset::ZERO);
            !shard.stats().accepts_appends
        });
        poisoned += u32::from(was_poisoned);
    }
    assert!(poisoned > 10, "only {poisoned} of the calls were made after a swap had begun");
}

#[test]
fn a_damaged_segment_is_left_as_it_is_and_others_are_compacted() {
    let (rotten, sound) = (partition(1, 0), partition(2, 0));
    let bench = compacting_bench(&[rotten, sound]);
    bench.compaction_check_interval.set(Duration::from_secs(3600));
    let (mut of_rotten, mut of_sound) = (Written::default(), Written::default());
    let bench_of_first = Rc::clone(&bench);
    let (of_rotten, of_sound) = bench_of_first.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        append_many(&shard, rotten, &mut of_rotten, 1, 200).await;
        append_many(&shard, sound, &mut of_sound, 2, 200).await;
        shard.close().await.expect("it closes");
        (of_rotten, of_sound)
    });
    let path: PathBuf = layout::segment_file(rotten, files_of(&bench, rotten).0[1].0);
    bench.disk.flip_bit(&path, 5_000, 3);
    let before = files_of(&bench, rotten).0;
    bench.compaction_check_interval.set(Duration::from_secs(1));
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("the folder opens");
        settle(&shard).await;
        assert!(shard.stats().compaction.cleanings > 0 && shard.stats().accepts_appends);
        let (after, others) = files_of(&bench, rotten);
        assert_eq!((&after[..], &others[..]), (&before[..], &[][..]));
        assert!(files_of(&bench, sound).0.iter().map(|(_, bytes)| bytes).sum::<u64>() < 200_000);
        of_sound.check(&read_all(&shard, sound).await, Offset::ZERO);
        assert!(matches!(shard.read(rotten, before[1].0, 1 << 20).await, Err(ReadError::Damaged { .. })));
        let rest = read_from(&shard, rotten, before[2].0).await;
        assert_eq!(rest.len(), of_rotten.records.iter().filter(|record| record.0 >= before[2].0).count());
    });
}

#[test]
fn without_room_above_the_floor_nothing_is_compacted() {
    let id = partition(1, 0);
    let bench = compacting_bench(&[id]);
    bench.compaction_check_interval.set(Duration::from_secs(60));
    bench.free_space_floor.set(4 << 20);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        let mut written = Written::default();
        append_many(&shard, id, &mut written, 1, 300).await;
        let used: u64 = bench.disk.files().iter().map(|(_, bytes)| bytes.next_multiple_of(4096)).sum();
        bench.disk.set_capacity(Some(used + (4 << 20) + 150_000));
        rt::sleep(Duration::from_secs(130)).await;
        assert_eq!((shard.stats().compaction.cleanings, files_of(&bench, id).1.len()), (0, 0));
        append_many(&shard, id, &mut written, 2, 5).await;
        bench.disk.set_capacity(Some(used + (6 << 20)));
        rt::sleep(Duration::from_secs(70)).await;
        assert!(shard.stats().compaction.cleanings > 0);
        written.check(&read_all(&shard, id).await, Offset::ZERO);
    });
}

#[test]
fn a_disk_that_fills_up_meanwhile_ends_a_cleaning_and_nothing_else() {
    let id = partition(1, 0);
    let bench = compacting_bench(&[id]);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        let mut written = Written::default();
        append_many(&shard, id, &mut written, 1, 300).await;
        while !files_of(&bench, id).1.iter().any(|name| name.ends_with(".cleaned")) {
            rt::sleep(Duration::from_micros(50)).await;
        }
        let used: u64 = bench.disk.files().iter().map(|(_, bytes)| bytes.next_multiple_of(4096)).sum();
        bench.disk.set_capacity(Some(used));
        rt::sleep(Duration::from_secs(10)).await;
        assert_eq!(shard.stats().compaction.cleanings, 0);
        assert!(files_of(&bench, id).1.iter().all(|name| name == "compaction"), "{:?}", files_of(&bench, id).1);
        assert!(shard.stats().accepts_appends);
        bench.disk.set_capacity(None);
        settle(&shard).await;
        assert!(shard.stats().compaction.cleanings > 0);
        written.check(&read_all(&shard, id).await, Offset::ZERO);
    });
}

/// The active segment of the newest checkpoint that is on the disk.
async fn checkpointed_segment(bench: &Bench, id: PartitionId) -> Offset {
    let slots = inspect::checkpoints(&*bench.disk.attach(), CoreId(0)).await.expect("they can be read");
    let newest = slots.into_iter().filter_map(|slot| slot.checkpoint).max_by_key(|checkpoint| checkpoint.number);
    let rows = newest.map(|checkpoint| checkpoint.rows).unwrap_or_default();
    rows.iter().find(|row| row.id == id).map_or(Offset::ZERO, |row| row.active_segment)
}

/// Whether a segment has its exact size: those that are written to end with a block.
fn is_finished(bench: &Bench, id: PartitionId, segment: Offset) -> bool {
    let length = files_of(bench, id).0.iter().find(|(base, _)| *base == segment).map(|(_, bytes)| *bytes);
    length.is_some_and(|bytes| !bytes.is_multiple_of(4096))
}

/// A segment that ends while a checkpoint is being taken is finished by it, and yet is what the checkpoint has as the
/// active one. After a crash a start would go on in it, at the byte where it then was.
#[test]
fn a_finished_segment_that_a_start_would_write_to_is_not_compacted() {
    let id = partition(1, 0);
    let bench = compacting_bench(&[id]);
    bench.segment_bytes.set(24 << 10);
    bench.checkpoint_interval.set(Duration::from_secs(30));
    let written = bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        let (mut written, mut random) = (Written::default(), SeededRandom::new(17));
        rt::sleep(Duration::from_secs(1)).await;
        loop {
            let checkpoint = shard.stats().next_checkpoint;
            while shard.stats().next_checkpoint == checkpoint {
                append(&shard, id, &mut written, &mut random, 40).await;
            }
            let segment = checkpointed_segment(&bench, id).await;
            if !is_finished(&bench, id, segment) {
                continue;
            }
            let (cleanings, path) = (shard.stats().compaction.cleanings, layout::segment_file(id, segment));
            let whole = bench.disk.dump(&path);
            rt::sleep(Duration::from_secs(10)).await;
            if checkpointed_segment(&bench, id).await == segment {
                assert!(shard.stats().compaction.cleanings > cleanings, "what is before it is compacted");
                assert!(bench.disk.dump(&path) == whole, "{} was changed: a start may write to it", path.display());
                break;
            }
        }
        written
    });
    bench.disk.crash();
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("the folder opens");
        written.check(&read_all(&shard, id).await, Offset::ZERO);
        settle(&shard).await;
        let all = read_all(&shard, id).await;
        written.check(&all, Offset::ZERO);
        assert!(all.len() < 150, "{} records are left", all.len());
    });
}
