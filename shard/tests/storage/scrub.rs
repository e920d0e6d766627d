//! Damage in finished segments: found by the scrub and by readers, named, never served.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use base::{Offset, PartitionId};
use rt::BLOCK_BYTES;
use rt::sim::DiskOperation;
use shard::{Damage, ReadError, ScrubConfig, Shard, TrimTo};

use crate::bench::{Bench, partition, read_all};

const MINUTE: Duration = Duration::from_secs(60);

/// A partition with 60 records of 10,000 bytes in three segments, the first two of which are finished.
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
    let bytes: u64 = segments(&bench)[..2].iter().map(|path| bench.disk.dump(path).expect("listed").len() as u64).sum();
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("the folder opens");
        pass(&shard).await;
        let stats = shard.stats();
        assert_eq!((stats.segments_scrubbed, stats.bytes_scrubbed), (2, bytes));
        assert_eq!((stats.damage_found, stats.files_open), (0, 0));
        assert_eq!(read_all(&shard, id).await.get(), 60);
    });
}

/// A flip anywhere in a finished segment or its index: it is named, or, in the index, mended; a read gives the bytes that
/// were written or an error.
#[test]
fn a_flipped_bit_is_found_by_the_scrub_and_never_served() {
    let (bench, id) = bench();
    let segment = segments(&bench)[0].clone();
    let whole = bench.disk.dump(&segment).expect("it was listed");
    for at in (0..whole.len()).step_by(whole.len() / 40).chain([whole.len() - 1]) {
        bench.disk.flip_bit(&segment, at as u64, 3);
        let found = found_by_a_pass(&bench);
        let [damage] = found.as_slice() else { panic!("one place is damaged, at byte {at}: {found:?}") };
        assert_eq!((damage.partition, damage.segment), (id, Offset::ZERO));
        assert!(bench.disk.dump(&damage.file()).is_some(), "{damage:?} names a file");
        let position = damage.position as usize;
        assert!(position <= at && at < position + (64 << 10), "byte {at} is damaged, and {damage:?} was found");
        let (original, offset) = (whole.clone(), damage.offset);
        bench.live(async move |bench| {
            let shard = bench.start().await.expect("the folder opens");
            let (mut served, mut refused) = (0, 0);
            for next in (0..24).filter_map(Offset::new) {
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
                        assert_eq!((partition, segment), (id, Offset::ZERO));
                        assert!(at as usize <= position, "{at} was refused for {position}");
                        refused += 1;
                    }
                    Err(other) => panic!("{other}"),
                }
            }
            assert!(refused > 0, "byte {at}: a reader notices nothing (found at {offset})");
            assert!(served + refused == 24);
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
        assert_eq!(found.len(), 2, "{found:?}");
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
        assert_eq!(shard.stats().segments_scrubbed, 1, "the first segment is not checked again");
        rt::sleep(Duration::from_secs(500)).await;
        assert_eq!(shard.stats().scrub_passes, 1, "the next pass is not due");
        rt::sleep(Duration::from_secs(600)).await;
        assert_eq!((shard.stats().scrub_passes, shard.stats().segments_scrubbed), (2, 3));
    });
}
