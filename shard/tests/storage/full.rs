//! A disk that is full, or nearly.

use std::rc::Rc;
use std::time::Duration;

use shard::recovery::RecoveryError;
use shard::{AppendError, Reserve};

use crate::bench::{Bench, append, append_own, fill_disk, partition, read_all, used};

#[test]
fn a_disk_without_a_free_byte_takes_no_records_at_any_moment() {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        append(&shard, id, 1_000).await.expect("there is space");
        rt::sleep(Duration::from_secs(1)).await;
        bench.disk.set_capacity(Some(used(&bench.disk) + (300 << 10)));
        fill_disk(&shard, id).await;
        for _ in 0..2_000 {
            rt::sleep(Duration::from_millis(7)).await;
            assert!(!shard.stats().accepts_appends, "nothing was freed");
        }
        bench.disk.set_capacity(None);
        rt::sleep(Duration::from_secs(2)).await;
        append(&shard, id, 1_000).await.expect("space has returned");
    });
}

#[test]
fn a_full_disk_still_takes_deletions_and_is_freed_by_them() {
    let (own, large, other) = (partition(0, 0), partition(1, 0), partition(2, 0));
    let bench = Bench::new(&[own, large, other]);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        rt::sleep(Duration::from_secs(3)).await;
        bench.disk.set_capacity(Some(used(&bench.disk) + (700 << 10)));
        fill_disk(&shard, large).await;
        // Decisions that take space have their end ...
        let mut taken = 0;
        while append_own(&shard, own, 100, Reserve::Keep).await.is_ok() {
            taken += 1;
            assert!(taken < 1_000, "the journal's reserve is given away");
        }
        // ... those that free it have not.
        for _ in 0..4 {
            append_own(&shard, own, 100, Reserve::Use).await.expect("the reserve is for this");
        }
        assert!(matches!(append(&shard, other, 1_000).await, Err(AppendError::NoSpace)));
        shard.remove_partition(large);
        rt::sleep(Duration::from_secs(2)).await;
        append(&shard, other, 1_000).await.expect("the deletion has freed the disk");
    });
}

#[test]
fn below_the_floor_the_owner_writes_its_decisions() {
    let (own, other) = (partition(0, 0), partition(2, 0));
    let bench = Bench::new(&[own, other]);
    bench.free_space_floor.set(1 << 20);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        rt::sleep(Duration::from_secs(3)).await;
        bench.disk.set_capacity(Some(used(&bench.disk) + (512 << 10)));
        rt::sleep(Duration::from_secs(2)).await;
        assert!(matches!(append(&shard, other, 1_000).await, Err(AppendError::NoSpace)));
        for _ in 0..100 {
            append_own(&shard, own, 100, Reserve::Keep).await.expect("it goes around the floor");
        }
    });
}

/// A disk that is full to the last byte, its journal full of records that no segment has.
fn full_bench() -> Rc<Bench> {
    let (large, other) = (partition(1, 0), partition(2, 0));
    let bench = Bench::new(&[large, other]);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        rt::sleep(Duration::from_secs(3)).await;
        append(&shard, other, 1_000).await.expect("there is space");
        bench.disk.set_capacity(Some(used(&bench.disk) + (700 << 10)));
        fill_disk(&shard, large).await;
    });
    bench.disk.set_capacity(Some(used(&bench.disk)));
    bench
}

#[test]
fn a_start_on_a_full_disk_first_removes_what_was_deleted() {
    let (large, other) = (partition(1, 0), partition(2, 0));
    let bench = full_bench();
    bench.partitions.borrow_mut().retain(|id| *id != large);
    bench.deleted.borrow_mut().insert(large.topic);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("the deletion makes room");
        assert_eq!(read_all(&shard, other).await.get(), 1);
        append(&shard, other, 1_000).await.expect("there is space");
    });
}

#[test]
fn a_start_on_a_full_disk_says_how_much_space_it_needs_and_that_is_enough() {
    let (large, other) = (partition(1, 0), partition(2, 0));
    let bench = full_bench();
    let before = used(&bench.disk);
    let refused = bench.live(async |bench| bench.start().await.map(drop));
    let Err(RecoveryError::NoSpace { needed, free, .. }) = refused else { panic!("{refused:?}") };
    assert!(needed > free, "{needed} bytes needed, {free} free");
    assert!(needed < 2 << 20, "the journal has 1 MiB, and {needed} bytes are asked for");
    assert!(used(&bench.disk) <= before, "a start that fails leaves the disk as full as it was");
    bench.disk.set_capacity(Some(used(&bench.disk) + needed));
    let ends = bench.live(async move |bench| {
        let shard = bench.start().await.expect("what was asked for is enough");
        (read_all(&shard, large).await, read_all(&shard, other).await)
    });
    assert!(ends.0.get() > 50 && ends.1.get() == 1, "{ends:?}");
}

#[test]
fn a_start_on_a_full_disk_with_an_empty_journal_succeeds() {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        append(&shard, id, 1_000).await.expect("there is space");
        rt::sleep(Duration::from_secs(3)).await;
        shard.close().await.expect("it closes");
    });
    bench.disk.set_capacity(Some(used(&bench.disk)));
    for _ in 0..3 {
        let end = bench.live(async move |bench| {
            let shard = bench.start().await.expect("nothing needs space");
            read_all(&shard, id).await
        });
        assert_eq!(end.get(), 1);
    }
}
