//! Damage in segments: found by the scrub and by readers, named, never served.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use base::{Offset, PartitionId};
use rt::BLOCK_BYTES;
use rt::sim::DiskOperation;
use shard::{Damage, ReadError, ScrubConfig, Shard, TrimTo};
use wire::batch::batches;

use crate::bench::{Bench, append, partition, read_all};

const MINUTE: Duration = Duration::from_secs(60);

/// A partition with 60 records of 10,000 bytes in three segments, the first two of which are finished. The third has two
/// spans in its index and one that is open.
fn bench() -> (Rc<Bench>, PartitionId) {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.scrub.set(ScrubConfig { interval: Some(MINUTE), bytes_per_second: 64 << 20 });
    bench.live_and_append(id, 60);
    (bench, id)
}

fn segments(bench: &Bench) -> Vec<PathBuf> {
    bench.files_below("topics").into_iter().filter(|path| path.ends_with(".log")).map(PathBuf::from).collect()
}

fn index_of(segment: &Path) -> PathBuf {
    segment.with_extension("index")
}

async fn pass(shard: &Rc<Shard>) {
    let before = shard.stats().scrub_passes;
    while shard.stats().scrub_passes == before {
        rt::sleep(Duration::from_secs(1)).await;
    }
}

/// Lives for one pass of the scrub; gives what it found.
fn found_by_a_pass(bench: &Rc<Bench>) -> Vec<Damage> {
    bench.live(async |bench| {
        let shard = bench.start().await.expect("the folder opens");
        pass(&shard).await;
        assert_eq!(shard.stats().damage_known, shard.damage().len());
        shard.damage()
    })
}

#[test]
fn segments_that_are_in_order_pass_and_all_of_their_bytes_are_read() {
    let (bench, id) = bench();
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("the folder opens");
        pass(&shard).await;
        let stats = shard.stats();
        let bytes = shard.offsets(id).expect("it is here").bytes;
        assert_eq!((stats.segments_scrubbed, stats.bytes_scrubbed), (3, bytes), "also of the one that is written to");
        assert_eq!((stats.damage_found, stats.files_open), (0, 0));
        assert_eq!(read_all(&shard, id).await.get(), 60);
    });
}

/// A flip anywhere in a segment: it is named; a read gives the bytes that were written or an error.
#[test]
fn a_flipped_bit_is_found_by_the_scrub_and_never_served() {
    a_flipped_bit_is_found(0, Offset::ZERO..Offset::new(24).unwrap());
}

#[test]
fn a_flipped_bit_in_the_segment_that_is_written_to_is_found_and_never_served() {
    a_flipped_bit_is_found(2, Offset::new(52).unwrap()..Offset::new(60).unwrap());
}

fn a_flipped_bit_is_found(which: usize, records: Range<Offset>) {
    let (bench, id) = bench();
    let segment = segments(&bench)[which].clone();
    let mut whole = bench.disk.dump(&segment).expect("it was listed");
    // Behind the last batch, the file of the segment that is written to is filled up to a block.
    let bytes = batches(&whole).map_while(Result::ok).map(|batch| batch.bytes().len()).sum();
    whole.truncate(bytes);
    for at in (0..whole.len()).step_by(whole.len() / 40).chain([whole.len() - 1]) {
        bench.disk.flip_bit(&segment, at as u64, 3);
        let found = found_by_a_pass(&bench);
        let [damage] = found.as_slice() else { panic!("one place is damaged, at byte {at}: {found:?}") };
        assert_eq!((damage.partition, damage.segment), (id, records.start));
        assert!(bench.disk.dump(&damage.file()).is_some(), "{damage:?} names a file");
        let position = damage.position as usize;
        assert!(position <= at && at < position + (64 << 10), "byte {at} is damaged, and {damage:?} was found");
        let (original, offset, records) = (whole.clone(), damage.offset, records.clone());
        bench.live(async move |bench| {
            let shard = bench.start().await.expect("the folder opens");
            let (mut served, mut refused) = (0, 0);
            let count = records.end.since(records.start);
            for next in (0..count).map(|next| records.start.plus(next)) {
                match shard.read(id, next, 1).await {
                    Ok(data) => {
                        let bytes = data.parts.concat();
                        assert!(
                            original.windows(bytes.len()).any(|window| window == bytes),
                            "byte {at}: damage is served"
                        );
                        served += 1;
                    }
                    Err(ReadError::Damaged { partition, segment, at, .. }) => {
                        assert_eq!((partition, segment), (id, records.start));
                        assert!(at as usize <= position, "{at} was refused for {position}");
                        refused += 1;
                    }
                    Err(other) => panic!("{other}"),
                }
            }
            assert!(refused > 0, "byte {at}: a reader notices nothing (found at {offset})");
            assert!(served + refused == count);
            assert!(shard.stats().damage_found > 0, "a reader's finding counts");
        });
        bench.disk.flip_bit(&segment, at as u64, 3);
    }
    assert_eq!(found_by_a_pass(&bench), []);
}

#[test]
fn a_damaged_index_is_made_again_and_is_no_damage_of_the_segment() {
    let (bench, id) = bench();
    let index = index_of(&segments(&bench)[0]);
    let whole = bench.disk.dump(&index).expect("it is there");
    for at in (0..whole.len()).step_by(7) {
        bench.disk.flip_bit(&index, at as u64, 0);
        assert_eq!(found_by_a_pass(&bench), [], "byte {at}");
        assert_eq!(bench.disk.dump(&index).expect("it is there")[..whole.len()], whole, "byte {at}");
    }
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("the folder opens");
        assert_eq!(read_all(&shard, id).await.get(), 60);
    });
}

#[test]
fn a_damaged_index_of_the_segment_that_is_written_to_hides_no_damage_and_is_none() {
    let (bench, id) = bench();
    let segment = segments(&bench)[2].clone();
    let index = index_of(&segment);
    for at in (0..96).step_by(7) {
        bench.disk.flip_bit(&index, at, 0);
        assert_eq!(found_by_a_pass(&bench), [], "byte {at}");
        bench.disk.flip_bit(&segment, 50_000, 0);
        let found = found_by_a_pass(&bench);
        assert!(found.len() == 1 && found[0].partition == id, "byte {at}: {found:?}");
        bench.disk.flip_bit(&segment, 50_000, 0);
        bench.disk.flip_bit(&index, at, 0);
    }
}

/// A write that went to a wrong place, or never got to its own: whole blocks of other bytes, with good batches in them.
#[test]
fn lost_and_misdirected_writes_to_a_segment_are_found() {
    let (bench, _) = bench();
    let paths = segments(&bench);
    let other = bench.disk.dump(&paths[1]).expect("it was listed");
    for (what, bytes) in [("lost", vec![0; BLOCK_BYTES]), ("misdirected", other[..BLOCK_BYTES].to_vec())] {
        let (path, kept) = (paths[0].clone(), bench.disk.dump(&paths[0]).expect("it was listed"));
        let at = 8 * BLOCK_BYTES;
        put(&bench, path.clone(), at, bytes);
        let found = found_by_a_pass(&bench);
        assert!(!found.is_empty() && found.len() <= 2, "a {what} write: {found:?}");
        put(&bench, path, at, kept[at..at + BLOCK_BYTES].to_vec());
        assert_eq!(found_by_a_pass(&bench), []);
    }
}

fn put(bench: &Rc<Bench>, path: PathBuf, at: usize, bytes: Vec<u8>) {
    bench.meddle(async move |disk| {
        let file = disk.open(&path, rt::OpenMode::Existing).await.expect("it is there");
        let buffer = rt::IoBuf::alloc(bytes.len());
        buffer.append(&bytes);
        file.write(buffer, at as u64).await.expect("it can be written");
        file.sync().await.expect("it can be flushed");
    });
}

#[test]
fn a_segment_that_is_gone_or_cannot_be_read_is_found() {
    let (bench, id) = bench();
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("the folder opens");
        pass(&shard).await;
        bench.disk.fail_all(DiskOperation::Read);
        pass(&shard).await;
        let found = shard.damage();
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found.iter().all(|damage| damage.what.contains("Input/output error")), "{found:?}");
        assert!(shard.stats().accepts_appends, "what cannot be read is no reason to refuse writes");
        bench.disk.heal();
        pass(&shard).await;
        assert_eq!(shard.damage(), [], "it can be read again");
        let lost = found[0].file();
        bench.disk.attach().remove_file(&lost).await.expect("it was there");
        pass(&shard).await;
        let found = shard.damage();
        assert!(found.len() == 1 && found[0].what.contains("does not exist"), "{found:?}");
        assert_eq!(found[0].partition, id);
    });
}

/// As one that is removed while it is checked: it is cut piece by piece.
#[test]
fn a_segment_that_becomes_shorter_is_found() {
    let (bench, id) = bench();
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("the folder opens");
        pass(&shard).await;
        for which in [0, 2] {
            let segment = segments(&bench)[which].clone();
            let whole = bench.disk.dump(&segment).expect("it was listed");
            let bytes: usize = batches(&whole).map_while(Result::ok).map(|batch| batch.bytes().len()).sum();
            let file = bench.disk.attach().open(&segment, rt::OpenMode::Existing).await.expect("it is there");
            file.set_len(bytes as u64 - 1).await.expect("it can be cut");
            pass(&shard).await;
            let found = shard.damage();
            let [.., last] = found.as_slice() else { panic!("nothing was found in {}", segment.display()) };
            assert!(last.what.contains("shorter") && last.partition == id && last.file() == segment, "{found:?}");
        }
    });
}

#[test]
fn what_is_trimmed_or_deleted_while_it_is_checked_is_no_finding() {
    for (millis, deletes) in (0..60).flat_map(|step| [(step * 5, true), (step * 5, false)]) {
        let (bench, id) = bench();
        // Slow enough that the removal comes in the middle.
        bench.scrub.set(ScrubConfig { interval: Some(Duration::from_secs(1)), bytes_per_second: 2 << 20 });
        bench.live(async move |bench| {
            let shard = bench.start().await.expect("the folder opens");
            rt::sleep(Duration::from_secs(1) + Duration::from_millis(millis)).await;
            if deletes {
                shard.remove_partition(id);
            } else {
                let trim = shard.begin_trim(id, TrimTo::Offset(Offset::new(59).unwrap())).await.expect("there is room");
                shard.finish_trim(trim).await.expect("it is safe");
            }
            rt::sleep(Duration::from_secs(5)).await;
            assert_eq!(shard.stats().damage_found, 0, "after {millis} ms: {:?}", shard.damage());
        });
    }
}

#[test]
fn a_pass_keeps_to_its_rate_and_goes_on_after_a_restart() {
    let (bench, _) = bench();
    // Each segment is one read, a second apart.
    let rate = 256 << 10;
    bench.scrub.set(ScrubConfig { interval: Some(Duration::from_secs(1_000)), bytes_per_second: rate });
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("the folder opens");
        rt::sleep(MINUTE + Duration::from_millis(500)).await;
        let stats = shard.stats();
        assert!(stats.bytes_scrubbed <= 2 * rate && stats.scrub_passes == 0, "{stats:?}");
        assert_eq!(stats.segments_scrubbed, 1, "{stats:?}");
        shard.close().await.expect("it closes");
    });
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("the folder opens");
        pass(&shard).await;
        assert_eq!(shard.stats().segments_scrubbed, 2, "the first segment is not checked again");
        rt::sleep(Duration::from_secs(500)).await;
        assert_eq!(shard.stats().scrub_passes, 1, "the next pass is not due");
        rt::sleep(Duration::from_secs(600)).await;
        assert_eq!((shard.stats().scrub_passes, shard.stats().segments_scrubbed), (2, 5));
    });
}

#[test]
fn of_a_segment_that_is_written_to_a_pass_reads_once_what_the_newest_checkpoint_has() {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.segment_bytes.set(16 << 20);
    bench.scrub.set(ScrubConfig { interval: Some(MINUTE), bytes_per_second: 64 << 20 });
    bench.checkpoint_interval.set(Duration::from_secs(70));
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        // There is a first checkpoint as soon as the journal has its files.
        rt::sleep(Duration::from_secs(5)).await;
        append(&shard, id, 10_000).await.expect("a good disk takes it");
        pass(&shard).await;
        let stats = shard.stats();
        assert_eq!((stats.segments_scrubbed, stats.bytes_scrubbed), (0, 0), "only the journal has it");
        rt::sleep(Duration::from_secs(30)).await;
        let at_checkpoint = shard.offsets(id).expect("it is here").bytes;
        append(&shard, id, 50_000).await.expect("a good disk takes it");
        for passes in [1, 2] {
            pass(&shard).await;
            let stats = shard.stats();
            let now = shard.offsets(id).expect("it is here").bytes;
            let expected = if passes == 1 { at_checkpoint } else { at_checkpoint + now };
            assert_eq!((stats.segments_scrubbed, stats.bytes_scrubbed), (passes, expected));
        }
    });
}

/// Appends of all sizes, checkpoints and passes at the same time, on a disk that takes its time.
#[test]
fn what_is_written_while_it_is_checked_is_no_finding() {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.segment_bytes.set(4 << 20);
    bench.ring_bytes.set(8 << 20);
    bench.checkpoint_interval.set(Duration::from_millis(150));
    bench.scrub.set(ScrubConfig { interval: Some(Duration::from_millis(1)), bytes_per_second: 1 << 30 });
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        let mut random = base::SeededRandom::new(5);
        for _ in 0..3_000 {
            let bytes = if random.one_in(50) { random.between(130_000, 400_000) } else { random.between(1, 3_000) };
            append(&shard, id, usize::try_from(bytes).expect("small")).await.expect("a good disk takes it");
            if random.one_in(3) {
                rt::sleep(Duration::from_micros(random.below(3_000))).await;
            }
        }
        let stats = shard.stats();
        assert!(stats.scrub_passes > 100 && stats.bytes_scrubbed > 100 << 20, "{stats:?}");
        assert!(stats.direct_bytes > 1 << 20 && stats.next_checkpoint > 5, "{stats:?}");
        assert_eq!(stats.damage_found, 0, "{:?}", shard.damage());
    });
}
