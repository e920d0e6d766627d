//! A disk that is full, or nearly.

use std::rc::Rc;
use std::time::Duration;

use base::PartitionId;
use rt::sim::SimDisk;
use shard::{AppendError, Shard};

use crate::bench::{Bench, append, partition};

/// Bytes that are taken on the disk.
fn used(disk: &SimDisk) -> u64 {
    disk.files().iter().map(|(_, bytes)| bytes.next_multiple_of(4096)).sum()
}

/// Appends until the disk is said to be full.
async fn fill(shard: &Rc<Shard>, id: PartitionId) {
    for _ in 0..10_000 {
        match append(shard, id, 10_000).await {
            Ok(_) => {}
            Err(AppendError::NoSpace) => return,
            Err(other) => panic!("{other}"),
        }
    }
    panic!("the disk takes everything");
}

#[test]
fn a_disk_without_a_free_byte_takes_no_records_at_any_moment() {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        append(&shard, id, 1_000).await.expect("there is space");
        rt::sleep(Duration::from_secs(1)).await;
        bench.disk.set_capacity(Some(used(&bench.disk) + (300 << 10)));
        fill(&shard, id).await;
        for _ in 0..2_000 {
            rt::sleep(Duration::from_millis(7)).await;
            assert!(!shard.stats().accepts_appends, "nothing was freed");
        }
        bench.disk.set_capacity(None);
        rt::sleep(Duration::from_secs(2)).await;
        append(&shard, id, 1_000).await.expect("space has returned");
    });
}
