//! A disk that hangs for seconds, and says nothing.

use std::rc::Rc;
use std::time::Duration;

use crate::bench::{Bench, append, partition};

#[test]
fn a_disk_that_hangs_is_named_while_it_does_and_counted_after() {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        rt::sleep(Duration::from_secs(3)).await;
        append(&shard, id, 1_000).await.expect("a good disk takes it");
        assert_eq!((shard.stats().disk_stalls, shard.stalled_operations()), (0, Vec::new()));
        bench.disk.slow_down(20_000);
        let appending = Rc::clone(&shard);
        let appended = rt::spawn(shard::task_queues::FOREGROUND, async move { append(&appending, id, 1_000).await });
        let mut named = Vec::new();
        while named.is_empty() {
            rt::sleep(Duration::from_millis(100)).await;
            named = shard.stalled_operations();
            assert!(!appended.is_finished(), "the disk is too quick for this test");
        }
        let journal = named.iter().find(|stalled| stalled.path.starts_with("journal/0/"));
        let journal = journal.unwrap_or_else(|| panic!("the journal's write hangs: {named:?}"));
        assert!(["write", "write_through", "sync"].contains(&journal.operation), "{named:?}");
        rt::sleep(Duration::from_secs(1)).await;
        assert!(shard.stats().disk_stalls_under_way > 0, "{:?}", shard.stats());
        bench.disk.slow_down(1);
        appended.await.expect("a slow disk is a good one").get();
        rt::sleep(Duration::from_secs(120)).await;
        let stats = shard.stats();
        assert!(stats.disk_stalls > 0 && stats.disk_stalls_under_way == 0, "{stats:?}");
        assert!(stats.disk_stall_longest > Duration::from_secs(1), "{stats:?}");
        append(&shard, id, 1_000).await.expect("all is well again");
    });
}
