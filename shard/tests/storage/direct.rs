//! Large batches that are written straight to their segments: a start finds them there, and sees what is wrong with them.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use base::PartitionId;
use rt::sim::{Between, Interference};
use shard::Shard;
use shard::journal::replay::ReplayError;
use shard::recovery::{OnDamage, RecoveryError};
use shard::task_queues::FOREGROUND;
use wire::batch::batches;

use crate::bench::{Bench, RING_BYTES, append, partition, read_all};

/// Bytes of a batch that goes straight, and of one that does not.
const LARGE: usize = 30_000;
const SMALL: usize = 700;

fn bench() -> (Rc<Bench>, PartitionId) {
    let id = partition(1, 0);
    (Bench::new(&[id]), id)
}

/// Appends large batches and small ones between them; the first of a segment goes through the journal.
async fn append_mixed(shard: &Rc<Shard>, id: PartitionId, count: usize) {
    for number in 0..count {
        append(shard, id, if number % 3 == 1 { SMALL } else { LARGE }).await.expect("a good disk takes it");
        rt::sleep(Duration::from_millis(2)).await;
    }
}

fn segments(bench: &Bench) -> Vec<String> {
    bench.files_below("topics").into_iter().filter(|path| path.ends_with(".log")).collect()
}

#[test]
fn large_batches_are_written_once_and_survive_a_kill() {
    let (bench, id) = bench();
    for life in 1..=5 {
        let (end, before) = bench.live(async move |bench| {
            let shard = bench.start().await.expect("the start succeeds");
            let before = shard.offsets(id).expect("it is here").high_watermark.get();
            append_mixed(&shard, id, 21).await;
            assert!(shard.stats().direct_bytes > 4 * LARGE as u64, "{:?}", shard.stats());
            (read_all(&shard, id).await.get(), before)
        });
        assert_eq!((before, end), ((life - 1) * 21, life * 21));
    }
}

/// The groups of four appenders share blocks; each writes what the ones before it leave over.
#[test]
fn large_batches_of_groups_that_follow_each_other_are_all_written() {
    let (bench, id) = bench();
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        append_mixed(&shard, id, 3).await;
        let appenders: Vec<_> = (0..4)
            .map(|number| {
                let shard = Rc::clone(&shard);
                rt::spawn(FOREGROUND, async move {
                    for count in 0..50 {
                        append(&shard, id, LARGE + 1_000 * (count % 7) + number).await.expect("a good disk takes it");
                    }
                })
            })
            .collect();
        for appender in appenders {
            rt::timeout(Duration::from_secs(60), appender).await.expect("nobody waits for ever");
        }
        assert_eq!(read_all(&shard, id).await.get(), 203);
    });
}

#[test]
fn what_went_straight_counts_for_the_length_of_a_replay() {
    let (bench, id) = bench();
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        let first = shard.stats().next_checkpoint;
        append_mixed(&shard, id, 300).await;
        let stats = shard.stats();
        assert!(stats.direct_bytes > 4 * RING_BYTES, "{stats:?}");
        assert!(stats.journal_used_percent <= 100, "{stats:?}");
        assert!(stats.next_checkpoint >= first + 4, "{stats:?}");
    });
}

struct SlowToAllocate;

impl Interference for SlowToAllocate {
    fn allocation(&self) -> Duration {
        Duration::from_millis(3)
    }
}

/// Space for large batches that comes late: its segment has ended meanwhile, and has got its exact length.
#[test]
fn finished_segments_are_as_long_as_their_batches() {
    let ids: Vec<_> = (0..12).map(|index| partition(1, index)).collect();
    let bench = Bench::new(&ids);
    bench.segment_bytes.set(100 << 10);
    bench.checkpoint_interval.set(Duration::from_millis(5));
    bench.view.set(|disk| Rc::new(Between::new(disk, SlowToAllocate)));
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        let appenders: Vec<_> = ids
            .into_iter()
            .map(|id| {
                let shard = Rc::clone(&shard);
                rt::spawn(FOREGROUND, async move { append_mixed(&shard, id, 60).await })
            })
            .collect();
        for appender in appenders {
            appender.await;
        }
        rt::sleep(Duration::from_secs(1)).await;
        assert!(shard.stats().direct_bytes > 0, "{:?}", shard.stats());
    });
    let mut segments = segments(&bench);
    segments.sort_unstable();
    let finished = segments.windows(2).filter(|pair| Path::new(&pair[0]).parent() == Path::new(&pair[1]).parent());
    let mut count = 0;
    for [segment, _] in finished.map(|pair| pair.as_array().expect("two")) {
        let bytes = bench.disk.dump(Path::new(segment.trim_start_matches('/'))).expect("it is there");
        let whole: usize = batches(&bytes).map_while(Result::ok).map(|batch| batch.bytes().len()).sum();
        assert_eq!(bytes.len(), whole, "{segment}");
        count += 1;
    }
    assert!(count > 100, "{segments:?}");
}

#[test]
fn a_start_makes_the_same_segments_again_whatever_the_settings_say_now() {
    let (bench, id) = bench();
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        append_mixed(&shard, id, 30).await;
    });
    let before = segments(&bench);
    assert!(before.len() > 2, "{before:?}");
    for segment_bytes in [64 << 10, 8 << 20] {
        bench.segment_bytes.set(segment_bytes);
        let end = bench.live(async move |bench| {
            let shard = bench.start().await.expect("the start succeeds");
            read_all(&shard, id).await.get()
        });
        assert_eq!(end, 30);
        assert_eq!(segments(&bench), before);
    }
}

#[test]
fn a_damaged_batch_in_a_segment_stops_the_start_which_names_it() {
    let (bench, id) = bench();
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        append_mixed(&shard, id, 7).await;
        assert!(shard.stats().direct_bytes > 2 * LARGE as u64, "{:?}", shard.stats());
    });
    let segment = PathBuf::from(segments(&bench)[0].trim_start_matches('/'));
    // In the third record, which is large and went straight.
    bench.disk.flip_bit(&segment, LARGE as u64 + SMALL as u64 + 15_000, 3);
    let refused = bench.live(async |bench| bench.start().await.map(drop)).expect_err("it is damaged");
    assert!(matches!(&refused, RecoveryError::Replay(ReplayError::DamagedSegment { .. })), "{refused}");
    let text = refused.to_string();
    assert!(text.contains(&segment.display().to_string()) && text.contains("after a flush of it"), "{text}");
    // Who says to go on loses that batch and what came after it.
    bench.on_damage.set(OnDamage::AcceptLoss);
    for _ in 0..2 {
        let end = bench.live(async move |bench| {
            let shard = bench.start().await.expect("as asked");
            read_all(&shard, id).await.get()
        });
        assert_eq!(end, 2);
        bench.on_damage.set(OnDamage::Refuse);
    }
}

#[test]
fn the_last_batch_was_never_acknowledged_if_its_segment_has_not_got_it() {
    let (bench, id) = bench();
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        append_mixed(&shard, id, 6).await;
    });
    let segment = PathBuf::from(segments(&bench)[0].trim_start_matches('/'));
    // Nothing in the journal proves that the last one was ever whole.
    bench.disk.flip_bit(&segment, 3 * LARGE as u64 + 2 * SMALL as u64 + 15_000, 3);
    let end = bench.live(async move |bench| {
        let shard = bench.start().await.expect("a torn end is cut");
        let end = read_all(&shard, id).await.get();
        append_mixed(&shard, id, 20).await;
        assert_eq!(read_all(&shard, id).await.get(), end + 20);
        end
    });
    assert_eq!(end, 5);
}

#[test]
fn batches_below_the_limit_go_through_the_journal() {
    let (bench, id) = bench();
    bench.direct_bytes_min.set(31_000);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        append_mixed(&shard, id, 20).await;
        assert_eq!(shard.stats().direct_bytes, 0);
        append(&shard, id, LARGE + 1_000).await.expect("a good disk takes it");
        rt::sleep(Duration::from_millis(2)).await;
        append(&shard, id, LARGE + 1_000).await.expect("a good disk takes it");
        assert!(shard.stats().direct_bytes >= LARGE as u64 - 4_096);
    });
}
