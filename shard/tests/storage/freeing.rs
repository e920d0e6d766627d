//! The blocks of removed files are given back piece by piece: a file system that frees a large file in one go keeps
//! flushes waiting.

use std::rc::Rc;
use std::time::Duration;

use base::PartitionId;
use shard::{Shard, TrimTo};

use crate::bench::{Bench, append, partition};

const SEGMENT_BYTES: u32 = 64 << 20;
const RECORD_BYTES: usize = 200_000;
const RECORDS: u64 = SEGMENT_BYTES as u64 / RECORD_BYTES as u64 + 2;
/// Pieces of the first segment, at least.
const PIECES: u64 = 6;

/// Works on a partition with a finished segment and a bit.
fn on_filled(work: impl AsyncFnOnce(Rc<Bench>, Rc<Shard>, PartitionId) + 'static) {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.segment_bytes.set(SEGMENT_BYTES);
    bench.cache_bytes.set(8 << 20);
    bench.checkpoint_interval.set(Duration::from_millis(200));
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        for _ in 0..RECORDS {
            append(&shard, id, RECORD_BYTES).await.expect("a good disk takes it");
        }
        rt::sleep(Duration::from_secs(2)).await;
        work(bench, shard, id).await;
    });
}

#[test]
fn a_segment_before_the_start_of_its_log_goes_in_pieces() {
    on_filled(async |bench, shard, id| {
        let (files, cut) = (bench.files_below("topics").len(), bench.disk.counters().lengths_set);
        let trim = shard.begin_trim(id, TrimTo::HighWatermark).await.expect("it is in range");
        let _ = shard.finish_trim(trim).await.expect("a good disk takes it");
        rt::sleep(Duration::from_secs(2)).await;
        assert!(bench.files_below("topics").len() < files, "the first segment has no name any more");
        assert!(bench.disk.counters().lengths_set >= cut + PIECES);
        let start = shard.offsets(id).expect("it is here").log_start;
        assert_eq!(start.get(), RECORDS);
    });
}

#[test]
fn a_removed_partition_goes_in_pieces() {
    on_filled(async |bench, shard, id| {
        let cut = bench.disk.counters().lengths_set;
        shard.remove_partition(id);
        rt::sleep(Duration::from_millis(100)).await;
        assert!(bench.files_below("topics").is_empty());
        rt::sleep(Duration::from_secs(2)).await;
        assert!(bench.disk.counters().lengths_set >= cut + PIECES);
    });
}

/// Also in the middle of it: what is left is given back in one go.
#[test]
fn a_stop_does_not_wait_for_files_that_are_given_back() {
    on_filled(async |bench, shard, id| {
        shard.remove_partition(id);
        rt::sleep(Duration::from_millis(20)).await;
        let begun = rt::now();
        shard.close().await.expect("it closes");
        assert!(rt::now().since(begun) < Duration::from_secs(1));
        assert!(bench.files_below("topics").is_empty());
    });
}
