//! Partitions that are removed from a shard that runs.

use std::time::Duration;

use crate::bench::{Bench, add, append, partition};

#[test]
fn files_of_removed_partitions_are_not_counted_as_open() {
    let bench = Bench::new(&[]);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        // The checkpoint that follows the making of the ring.
        rt::sleep(Duration::from_secs(3)).await;
        for topic in 0..20 {
            let id = partition(topic, 0);
            add(&shard, id, 256 << 10);
            // More than a chunk: write-back opens the file, and no checkpoint closes it.
            for _ in 0..4 {
                append(&shard, id, 10_000).await.expect("a good disk takes it");
            }
            rt::sleep(Duration::from_millis(100)).await;
            assert!(shard.stats().files_open > 0, "write-back has a file open");
            shard.remove_partition(id);
            rt::sleep(Duration::from_millis(100)).await;
            assert_eq!(shard.stats().files_open, 0, "nothing is left of topic {topic}");
        }
        assert!(bench.files_below("topics").is_empty());
    });
}
