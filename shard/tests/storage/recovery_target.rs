//! What a start has to do is bounded by the recovery target, whatever the ring could hold.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use base::Offset;
use shard::limits;

use crate::bench::{Bench, append, partition, read_all};

#[test]
fn under_load_the_journal_never_holds_more_than_the_target_allows() {
    let ids = [partition(1, 0), partition(1, 1), partition(2, 0)];
    let bench = Bench::new(&ids);
    bench.ring_bytes.set(64 << 20);
    bench.cache_bytes.set(64 << 20);
    bench.recovery_target.set(Duration::from_millis(1));
    let end = bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        let bound = shard.stats().unreplayed_bytes_max;
        assert_eq!(bound, limits::UNREPLAYED_BYTES_MIN, "the ring has more, the target allows less");
        let largest = Rc::new(Cell::new(0));
        let appenders = ids.map(|id| {
            let (shard, largest) = (Rc::clone(&shard), Rc::clone(&largest));
            rt::spawn(shard::task_queues::FOREGROUND, async move {
                let mut end = Offset::ZERO;
                for _ in 0..150 {
                    end = append(&shard, id, 100_000).await.expect("a good disk takes it");
                    largest.set(shard.stats().unreplayed_bytes.max(largest.get()));
                }
                end
            })
        });
        for appender in appenders {
            assert_eq!(appender.await.get(), 150);
        }
        assert!(largest.get() > bound / 2, "{} of {bound} bytes: hardly any load", largest.get());
        assert!(largest.get() <= bound, "{} bytes, and {bound} are allowed", largest.get());
        assert!(shard.stats().next_checkpoint > 5, "checkpoints came early: {:?}", shard.stats());
        150
    });
    bench.disk.crash();
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("the folder opens");
        for id in ids {
            assert_eq!(read_all(&shard, id).await.get(), end);
        }
    });
}

/// An entry that is a large part of the bound, or more, needs the ring only.
#[test]
fn a_batch_larger_than_the_bound_is_taken() {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.ring_bytes.set(64 << 20);
    bench.cache_bytes.set(64 << 20);
    bench.segment_bytes.set(32 << 20);
    bench.recovery_target.set(Duration::from_millis(1));
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        for _ in 0..8 {
            append(&shard, id, 9 << 20).await.expect("there is room in the ring");
        }
    });
}

#[test]
fn the_rate_of_a_recovery_decides_for_the_next_life() {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.ring_bytes.set(128 << 20);
    bench.cache_bytes.set(64 << 20);
    let start = async |bench: &Bench| bench.start().await.expect("the folder opens");
    bench.live(async move |bench| {
        let shard = start(&bench).await;
        // Nothing was measured: 64 MiB a second, 5 seconds, one core, and no more than the ring.
        assert!(shard.stats().unreplayed_bytes_max > 127 << 20, "{:?}", shard.stats());
        for _ in 0..300 {
            append(&shard, id, 100_000).await.expect("a good disk takes it");
        }
    });
    // On a disk that takes a thousand times as long the start misses its target.
    bench.disk.slow_down(1_000);
    let slow = bench.live(async move |bench| start(&bench).await.stats().unreplayed_bytes_max);
    bench.disk.slow_down(1);
    assert!(slow < 127 << 20, "{slow} bytes");
    // With nothing to replay, what was measured holds.
    bench.live(async move |bench| {
        let shard = start(&bench).await;
        assert_eq!(shard.stats().unreplayed_bytes_max, slow);
        shard.close().await.expect("it closes");
    });
}

/// Killed in the middle of the recovery, again and again, and at last let through.
#[test]
fn a_recovery_that_is_killed_at_any_moment_is_done_again() {
    let ids: Vec<_> = (0..300).map(|index| partition(1 + index / 100, index % 100)).collect();
    for round in 0..8_u64 {
        let bench = Bench::new(&ids);
        let appended = ids.clone();
        bench.live(async move |bench| {
            let shard = bench.start().await.expect("a new folder opens");
            for id in appended {
                append(&shard, id, 500).await.expect("a good disk takes it");
            }
        });
        bench.disk.crash();
        for kill in 0..3 {
            bench.live(async move |bench| {
                let life = Duration::from_millis(3 + round * 15 + kill * 7);
                let _ = rt::timeout(life, async { drop(bench.start().await) }).await;
            });
            bench.disk.crash();
        }
        let looked_at = ids.clone();
        bench.live(async move |bench| {
            let shard = bench.start().await.expect("the folder opens");
            for id in looked_at {
                assert_eq!(read_all(&shard, id).await.get(), 1, "round {round}: {id}");
            }
        });
    }
}
