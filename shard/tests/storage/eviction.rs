//! What of the cache is let go of: the coldest that is in segments, however much else is colder and is not.

use std::rc::Rc;
use std::time::Duration;

use base::{Offset, PartitionId};
use shard::Shard;
use shard::task_queues::FOREGROUND;

use crate::bench::{Bench, append, partition};

const CACHE_BYTES: u64 = 8 << 20;

/// Slow partitions before a busy one, with a journal that by itself asks for no checkpoint here.
fn bench(slow: u32) -> (Rc<Bench>, Vec<PartitionId>, PartitionId) {
    let busy = partition(2, 0);
    let slow: Vec<_> = (0..slow).map(|index| partition(1, index)).collect();
    let bench = Bench::new(&[&slow[..], &[busy]].concat());
    bench.cache_bytes.set(CACHE_BYTES);
    bench.ring_bytes.set(128 << 20);
    bench.segment_bytes.set(64 << 20);
    (bench, slow, busy)
}

/// Appends a megabyte and a half.
async fn append_much(shard: &Rc<Shard>, id: PartitionId) {
    let begin = |_| {
        let shard = Rc::clone(shard);
        rt::spawn(FOREGROUND, async move { append(&shard, id, 100_000).await })
    };
    let appends: Vec<_> = (0..15).map(begin).collect();
    for append in appends {
        append.await.expect("a good disk takes it");
    }
}

fn is_in_memory(shard: &Shard, id: PartitionId) -> bool {
    shard.read_memory(id, Offset::ZERO, 1_000).is_some_and(|read| read.is_ok_and(|data| data.bytes > 0))
}

#[test]
fn slow_partitions_with_unfinished_chunks_make_a_busy_one_wait_for_no_checkpoint() {
    let (bench, slow, busy) = bench(300);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        rt::sleep(Duration::from_secs(3)).await;
        for id in &slow {
            append(&shard, *id, 100).await.expect("a good disk takes it");
        }
        let before = shard.stats().next_checkpoint;
        for _ in 0..16 {
            append_much(&shard, busy).await;
            // Its complete chunks go to their segment meanwhile.
            rt::sleep(Duration::from_millis(100)).await;
            assert!(shard.stats().cache_bytes <= CACHE_BYTES, "{:?}", shard.stats());
        }
        assert_eq!(shard.stats().next_checkpoint, before, "there was always something to let go of");
        assert!(slow.iter().all(|id| is_in_memory(&shard, *id)), "what is in no segment stays");
        assert!(!is_in_memory(&shard, busy), "it has been let go of");
    });
}

#[test]
fn what_is_used_stays_longer_than_what_is_not() {
    let (bench, slow, busy) = bench(600);
    bench.checkpoint_interval.set(Duration::from_secs(1));
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        for id in &slow {
            append(&shard, *id, 100).await.expect("a good disk takes it");
        }
        // A checkpoint makes them clean.
        rt::sleep(Duration::from_secs(3)).await;
        let (unused, used) = slow.split_at(590);
        for _ in 0..5 {
            append_much(&shard, busy).await;
            assert!(used.iter().all(|id| is_in_memory(&shard, *id)), "it was used just now");
        }
        let left = unused.iter().filter(|id| is_in_memory(&shard, **id)).count();
        assert!((1..400).contains(&left), "{left} are left of those that nobody has used");
    });
}
