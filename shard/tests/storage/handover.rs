//! Partitions that leave their core and come to another one, or to the same again.

use std::rc::Rc;
use std::time::Duration;

use base::{Offset, PartitionId, SeededRandom};
use rt::sim::DiskOperation;
use shard::{
    AppendError, Departure, DepartureError, Durability, LogOffsets, PartitionRow, PartitionSpec, Shard, TrimError,
    TrimTo,
};

use crate::bench::{Bench, append, partition, read_all};

const SEGMENT_BYTES: u32 = 32 << 10;
const LIMIT: Duration = Duration::from_secs(2);

fn bench() -> (Rc<Bench>, PartitionId, PartitionId) {
    let (id, other) = (partition(1, 0), partition(2, 0));
    let bench = Bench::new(&[id, other]);
    bench.segment_bytes.set(SEGMENT_BYTES);
    (bench, id, other)
}

fn spec(id: PartitionId) -> PartitionSpec {
    PartitionSpec::new(id, SEGMENT_BYTES, Durability::Flushed)
}

async fn trim(shard: &Rc<Shard>, id: PartitionId, to: Offset) {
    let begun = shard.begin_trim(id, TrimTo::Offset(to)).await.expect("it is within the log");
    shard.finish_trim(begun).await.expect("a good disk takes it");
}

/// Appends and deletes; some batches go straight to their segments.
async fn work(shard: &Rc<Shard>, id: PartitionId, random: &mut SeededRandom) {
    for _ in 0..random.between(1, 30) {
        let bytes = if random.one_in(4) { random.index(40_000) } else { random.index(500) };
        append(shard, id, bytes).await.expect("a good disk takes it");
        if random.one_in(12) {
            let offsets = shard.offsets(id).expect("it is here");
            let to = offsets.log_start.get() + random.below(1 + offsets.high_watermark.since(offsets.log_start));
            trim(shard, id, Offset::new(to).expect("small")).await;
        }
    }
}

fn arrive(shard: &Rc<Shard>, departure: Departure) {
    let (id, number) = (departure.id(), departure.number());
    let arrival = shard.arrive(spec(id), departure);
    let shard = Rc::clone(shard);
    drop(rt::spawn(shard::task_queues::CONTROL, async move {
        if shard.is_kept(arrival).await {
            shard.forget_departed(id, number);
        }
    }));
}

#[test]
fn a_partition_that_arrives_is_what_it_was_when_it_departed() {
    for seed in 0..60 {
        let (bench, id, _) = bench();
        for life in 0..3 {
            let end = bench.live(async move |bench| {
                let mut random = SeededRandom::new(seed * 10 + life);
                let shard = bench.start().await.expect("it starts");
                for _ in 0..random.between(1, 4) {
                    work(&shard, id, &mut random).await;
                    let before = shard.offsets(id).expect("it is here");
                    let departure = shard.depart(id, LIMIT).await.expect("it departs");
                    assert_eq!(shard.offsets(id), None);
                    let row = departure.row().clone();
                    assert_eq!((row.log_start, row.end), (before.log_start, before.high_watermark), "seed {seed}");
                    arrive(&shard, departure);
                    // Segments before the start may be removed at any time.
                    let bytes = row.closed_bytes + u64::from(row.position);
                    assert_eq!(shard.offsets(id), Some(LogOffsets { bytes, ..before }), "seed {seed}");
                    assert_eq!(read_all(&shard, id).await, before.high_watermark, "seed {seed}");
                    let again = shard.depart(id, LIMIT).await.expect("it departs again");
                    let closed_bytes = again.row().closed_bytes;
                    assert!(closed_bytes <= row.closed_bytes, "seed {seed}");
                    assert_eq!(*again.row(), PartitionRow { closed_bytes, ..row.clone() }, "seed {seed}");
                    if random.one_in(4) {
                        // Killed while it is on its way.
                        return row.end;
                    }
                    arrive(&shard, again);
                }
                work(&shard, id, &mut random).await;
                let end = read_all(&shard, id).await;
                assert_eq!(end, shard.offsets(id).expect("it is here").high_watermark);
                end
            });
            let found = bench.live(async move |bench| {
                let shard = bench.start().await.expect("it starts");
                read_all(&shard, id).await
            });
            assert_eq!(found, end, "seed {seed}, life {life}");
        }
    }
}

#[test]
fn what_departed_stays_in_the_checkpoints_of_its_core_until_it_is_kept_elsewhere() {
    let (bench, id, other) = bench();
    bench.checkpoint_interval.set(Duration::from_millis(100));
    let end = bench.live(async move |bench| {
        let shard = bench.start().await.expect("it starts");
        for _ in 0..20 {
            append(&shard, id, 5_000).await.expect("it fits");
        }
        let departure = shard.depart(id, LIMIT).await.expect("it departs");
        // The journal's part that had its records is written over meanwhile.
        let before = shard.stats().next_checkpoint;
        while shard.stats().next_checkpoint < before + 5 {
            append(&shard, other, 50_000).await.expect("it fits");
            rt::sleep(Duration::from_millis(20)).await;
        }
        departure.row().end
    });
    let found = bench.live(async move |bench| {
        let shard = bench.start().await.expect("it starts");
        read_all(&shard, id).await
    });
    assert_eq!(found, end);
}

#[test]
fn a_partition_that_does_not_come_to_rest_in_time_goes_on_where_it_is() {
    let (bench, id, _) = bench();
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("it starts");
        append(&shard, id, 5_000).await.expect("it fits");
        bench.disk.slow_down(1_000);
        let too_slow = shard.depart(id, Duration::from_millis(1)).await;
        assert!(matches!(too_slow, Err(DepartureError::TooSlow { .. })), "{too_slow:?}");
        append(&shard, id, 5_000).await.expect("it is taken again");
        trim(&shard, id, Offset::new(1).expect("small")).await;
        bench.disk.slow_down(1);
        let departure = shard.depart(id, Duration::from_secs(60)).await.expect("now it departs");
        assert_eq!(departure.row().end.get(), 2);
    });
}

#[test]
fn nothing_is_appended_or_deleted_while_a_partition_departs() {
    let (bench, id, _) = bench();
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("it starts");
        append(&shard, id, 5_000).await.expect("it fits");
        let departing = Rc::clone(&shard);
        let departing = rt::spawn(shard::task_queues::FOREGROUND, async move { departing.depart(id, LIMIT).await });
        let refused = loop {
            match append(&shard, id, 10).await {
                Ok(_) => {}
                Err(refused) => break refused,
            }
        };
        assert!(matches!(refused, AppendError::Leaving(_)), "{refused}");
        let refused = shard.begin_trim(id, TrimTo::HighWatermark).await;
        assert!(matches!(refused, Err(TrimError::Refused(AppendError::Leaving(_)))), "{refused:?}");
        let second = shard.depart(id, LIMIT).await;
        assert!(matches!(second, Err(DepartureError::Leaving(_))), "{second:?}");
        let departure = departing.await.expect("it departs");
        let gone = append(&shard, id, 10).await;
        assert!(matches!(gone, Err(AppendError::UnknownPartition(_))), "{gone:?}");
        arrive(&shard, departure);
        append(&shard, id, 10).await.expect("it is taken again");
    });
}

#[test]
fn a_core_whose_storage_has_failed_hands_nothing_over() {
    let (bench, id, _) = bench();
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("it starts");
        append(&shard, id, 5_000).await.expect("it fits");
        bench.disk.fail_all(DiskOperation::Sync);
        let failed = shard.depart(id, LIMIT).await;
        assert!(matches!(failed, Err(DepartureError::Poisoned(_))), "{failed:?}");
        bench.disk.heal();
        let failed = shard.depart(id, LIMIT).await;
        assert!(matches!(failed, Err(DepartureError::Poisoned(_))), "what failed once is not tried again: {failed:?}");
        assert!(shard.offsets(id).is_some(), "it can be read here");
    });
}
