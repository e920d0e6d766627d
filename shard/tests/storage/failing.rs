//! A disk whose writes and flushes fail.

use std::rc::Rc;
use std::time::Duration;

use base::Offset;
use rt::sim::DiskOperation;
use shard::AppendError;

use crate::bench::{Bench, append, partition};

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
