//! A disk that accepts writes and says at the flush that it is full; and that says at the next flush that all is well.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use rt::DiskError;
use rt::sim::{Between, Flush, Interference};

use crate::bench::{Bench, append, partition};

thread_local! {
    /// Flushes of paths that contain this fail, so many times.
    static FAILING: Cell<(&'static str, u32)> = const { Cell::new(("", 0)) };
}

struct FullAtFlush;

impl Interference for FullAtFlush {
    fn flush(&self, what: Flush<'_>) -> Option<Result<(), DiskError>> {
        let path = match what {
            Flush::File(path) | Flush::Folder(path) => path,
            Flush::All => Path::new(""),
        };
        let (part, count) = FAILING.get();
        if count == 0 || !path.to_string_lossy().contains(part) {
            return None;
        }
        FAILING.set((part, count - 1));
        Some(Err(DiskError::NoSpace { operation: "sync", path: path.to_owned() }))
    }
}

#[test]
fn a_flush_that_finds_no_space_is_never_tried_again_and_believed() {
    let id = partition(1, 0);
    let topic = format!("topics/{}", id.topic).leak();
    for place in [".log", ".index", topic, "checkpoint-", "ring-"] {
        let bench = Bench::new(&[id]);
        bench.view.set(|disk| Rc::new(Between::new(disk, FullAtFlush)));
        bench.checkpoint_interval.set(Duration::from_millis(200));
        bench.live(async move |bench| {
            let shard = bench.start().await.expect("a new folder opens");
            rt::sleep(Duration::from_secs(3)).await;
            FAILING.set((place, 1));
            let mut accepted = 0;
            for _ in 0..400 {
                accepted += u32::from(append(&shard, id, 10_000).await.is_ok());
                rt::sleep(Duration::from_millis(20)).await;
            }
            FAILING.set(("", 0));
            assert!(shard.failed().is_some(), "a failed flush of {place} was tried again and believed");
            assert!(accepted < 400, "records were accepted after a flush of {place} had failed");
        });
    }
}
