//! What is counted of a shard's work is what was done.

use std::time::Duration;

use base::Offset;
use shard::{AppendError, ReadTraffic, Refused};

use crate::bench::{Bench, append, partition};

#[test]
fn appends_reads_group_commits_and_checkpoints_are_counted() {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.checkpoint_interval.set(Duration::from_secs(5));
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        // The first checkpoint knows the ring's files.
        rt::sleep(Duration::from_secs(30)).await;
        let (traffic, groups) = (shard.stats().traffic, shard.group_commits());
        assert_eq!((traffic, groups.entries.total()), Default::default());
        let taken = shard.checkpoint_times().total();
        for _ in 0..10 {
            append(&shard, id, 1_000).await.expect("a good disk takes it");
        }
        let (traffic, groups) = (shard.stats().traffic, shard.group_commits());
        assert_eq!((traffic.append_batches, traffic.append_records), (10, 10));
        let bytes = shard.offsets(id).expect("it is here").bytes;
        assert_eq!(traffic.append_bytes, bytes);
        assert_eq!(shard.segment_bytes().await, bytes);
        // Each was waited for.
        assert_eq!((groups.entries.total(), groups.entries.sum), (10, 10));
        assert_eq!((groups.microseconds.total(), groups.bytes.total()), (10, 10));
        // Each begins at a block.
        assert_eq!(groups.bytes.sum, 10 * rt::BLOCK_BYTES as u64);
        assert!(groups.microseconds.sum > 0);
        assert_eq!(traffic.memory, ReadTraffic::default());
        let read = shard.read(id, Offset::ZERO, 1 << 20).await.expect("it is there");
        shard.read(id, read.next_offset, 1 << 20).await.expect("there is no more");
        let expected = ReadTraffic { reads: 1, bytes: u64::from(read.bytes) };
        assert_eq!((shard.stats().traffic.memory, shard.stats().traffic.disk), (expected, ReadTraffic::default()));
        rt::sleep(Duration::from_secs(10)).await;
        assert_eq!(shard.checkpoint_times().total(), taken + 1);
    });
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("it opens again");
        let read = shard.read(id, Offset::ZERO, 1 << 20).await.expect("it is there");
        assert_eq!(shard.stats().traffic.disk, ReadTraffic { reads: 1, bytes: u64::from(read.bytes) });
    });
}

#[test]
fn refusals_are_counted_by_reason() {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.free_space_floor.set(u64::MAX);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        while !shard.stats().is_short_of_space {
            rt::sleep(Duration::from_millis(10)).await;
        }
        let refused = append(&shard, id, 1_000).await.expect_err("there is less than that");
        assert!(matches!(refused, AppendError::NoSpace), "{refused}");
        let refused = append(&shard, id, 1 << 20).await.expect_err("the journal is smaller");
        assert!(matches!(refused, AppendError::TooLarge { .. }), "{refused}");
        let stats = shard.stats();
        assert_eq!(stats.traffic.refused, Refused { no_space: 1, too_large: 1, ..Refused::default() });
        assert_eq!((stats.free_bytes_floor, stats.traffic.append_batches), (u64::MAX, 0));
        assert!(stats.free_bytes.is_some_and(|free| free > 0));
    });
}
