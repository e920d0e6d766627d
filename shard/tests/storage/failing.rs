//! A disk whose writes and flushes fail.

use std::rc::Rc;
use std::time::Duration;

use base::Offset;
use rt::sim::DiskOperation;
use shard::AppendError;

use crate::bench::{Bench, append, partition, read_all};

#[test]
fn a_journal_that_fails_wakes_whoever_waits_for_a_repeated_append() {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        rt::sleep(Duration::from_secs(3)).await;
        bench.disk.slow_down(100);
        bench.disk.fail_all(DiskOperation::Sync);
        let appending = {
            let shard = Rc::clone(&shard);
            async move { append(&shard, id, 1_000).await }
        };
        let waiting = async {
            // The append is under way: its end is known, but not safe.
            while shard.offsets(id).expect("it is here").log_end == Offset::ZERO {
                rt::sleep(Duration::from_micros(50)).await;
            }
            let end = shard.offsets(id).expect("it is here").log_end;
            rt::timeout(Duration::from_secs(60), shard.safe_up_to(id, end)).await
        };
        let (appended, waited) = futures_lite::future::zip(appending, waiting).await;
        assert!(matches!(appended, Err(AppendError::Poisoned(_))), "{appended:?}");
        assert!(matches!(waited, Ok(Err(AppendError::Poisoned(_)))), "{waited:?}");
    });
}

/// Each write, flush, flush of a folder and read of a life fails once, and after it those of the start.
#[test]
fn a_disk_that_fails_at_any_call_loses_nothing_that_was_promised() {
    let ids = [partition(1, 0), partition(1, 1)];
    for operation in [DiskOperation::Write, DiskOperation::Sync, DiskOperation::SyncDir, DiskOperation::Read] {
        for nth in (1..40).chain((40..200).step_by(7)) {
            let bench = Bench::new(&ids);
            bench.segment_bytes.set(64 << 10);
            bench.checkpoint_interval.set(Duration::from_millis(40));
            bench.disk.fail_nth(operation, nth);
            let promised = bench.live(async move |bench| {
                let mut promised = [Offset::ZERO; 2];
                let Ok(shard) = bench.start().await else { return promised };
                for _ in 0..25 {
                    for (id, end) in ids.into_iter().zip(&mut promised) {
                        match append(&shard, id, 3_000).await {
                            Ok(acknowledged) => *end = acknowledged,
                            Err(AppendError::Poisoned(_)) => {}
                            Err(other) => panic!("{operation:?} {nth}: {other}"),
                        }
                        let safe = shard.offsets(id).expect("it is here").high_watermark;
                        assert!(safe >= *end, "{operation:?} {nth}: {end} is acknowledged, {safe} may be read");
                    }
                }
                promised
            });
            bench.disk.heal();
            bench.disk.crash();
            // Whatever a start that fails leaves behind, the next one makes good.
            bench.disk.fail_nth(operation, 1 + nth % 23);
            bench.live(async move |bench| drop(bench.start().await));
            bench.disk.heal();
            bench.disk.crash();
            bench.live(async move |bench| {
                let shard = bench.start().await.expect("the disk is a good one again");
                for (id, promised) in ids.into_iter().zip(promised) {
                    let end = read_all(&shard, id).await;
                    assert!(end >= promised, "{operation:?} {nth}: {id} ends at {end}, {promised} was promised");
                }
            });
        }
    }
}
