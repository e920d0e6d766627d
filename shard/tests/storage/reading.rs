//! Reading what is no longer in memory: each byte is read from disk once, whoever wants it, and ahead of who reads on.

use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use base::{Offset, PartitionId};
use rt::TaskQueue;
use shard::{ReadSource, Shard};

use crate::bench::{Bench, append, partition, read_all};

const RECORD_BYTES: usize = 60_000;
const RECORDS: u64 = 400;

/// A life in which most of a log's 24 MB are on disk only; `work` begins with that.
fn with_backlog(work: impl AsyncFnOnce(Rc<Bench>, Rc<Shard>, PartitionId) + 'static) {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.segment_bytes.set(16 << 20);
    bench.cache_bytes.set(2 << 20);
    bench.checkpoint_interval.set(Duration::from_millis(500));
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        for _ in 0..RECORDS {
            append(&shard, id, RECORD_BYTES).await.expect("a good disk takes it");
        }
        // Beside flushes readers get less of the disk.
        rt::sleep(Duration::from_secs(1)).await;
        work(bench, shard, id).await;
    });
}

fn disk_reads(bench: &Bench) -> (u64, u64) {
    let counters = bench.disk.counters();
    (counters.reads, counters.read_bytes)
}

const LOG_BYTES: u64 = RECORDS * RECORD_BYTES as u64;

#[test]
fn readers_at_the_same_place_share_what_is_read_from_disk() {
    with_backlog(async |bench, shard, id| {
        let (_, before) = disk_reads(&bench);
        let readers: Vec<_> = (0..5)
            .map(|_| {
                let shard = Rc::clone(&shard);
                rt::spawn(TaskQueue::DEFAULT, async move { read_all(&shard, id).await })
            })
            .collect();
        for reader in readers {
            assert_eq!(reader.await.get(), RECORDS);
        }
        let read = disk_reads(&bench).1 - before;
        assert!(read < LOG_BYTES + LOG_BYTES / 20, "{read} bytes were read for a log of {LOG_BYTES}");
        assert!(read > LOG_BYTES / 2, "{read}: the log was not on disk");
    });
}

#[test]
fn a_reader_that_reads_on_is_read_ahead_of_in_large_pieces() {
    with_backlog(async |bench, shard, id| {
        let (reads_before, bytes_before) = disk_reads(&bench);
        assert_eq!(read_all(&shard, id).await.get(), RECORDS);
        let (reads, bytes) = disk_reads(&bench);
        let (reads, bytes) = (reads - reads_before, bytes - bytes_before);
        assert!(reads < 45, "{reads} reads of {} bytes each", bytes / reads);
        assert!(bytes < LOG_BYTES + LOG_BYTES / 20, "{bytes} bytes were read for a log of {LOG_BYTES}");
    });
}

#[test]
fn beside_flushes_one_reads_in_small_pieces() {
    with_backlog(async |bench, shard, id| {
        let (reads_before, bytes_before) = disk_reads(&bench);
        let mut next = Offset::ZERO;
        while next.get() < RECORDS / 2 {
            // Each append is flushed.
            append(&shard, id, 1_000).await.expect("a good disk takes it");
            next = shard.read(id, next, 4 << 20).await.expect("it can be read").next_offset;
        }
        let (reads, bytes) = disk_reads(&bench);
        let each = (bytes - bytes_before) / (reads - reads_before);
        let largest = shard::limits::READ_AT_ONCE_BESIDE_FLUSHES_BYTES as u64;
        assert!(each <= largest, "{each} bytes at a time");
    });
}

#[test]
fn who_reads_an_unfinished_segment_opens_it_once() {
    with_backlog(async |bench, shard, id| {
        // The last checkpoint has closed the files of who is not written to.
        let before = bench.disk.counters();
        assert_eq!(read_all(&shard, id).await.get(), RECORDS);
        let after = bench.disk.counters();
        let (reads, opens) = (after.reads - before.reads, after.opens - before.opens);
        // Two segments and their indexes, and what several want at the same time.
        assert!(opens <= 8 && reads > 20, "{opens} opened for {reads} reads");
    });
}

#[test]
fn reads_here_and_there_bring_little_more_than_what_they_ask_for() {
    with_backlog(async |bench, shard, id| {
        let (_, before) = disk_reads(&bench);
        for record in [200, 30, 120, 70, 160] {
            let data = shard.read(id, Offset::new(record).expect("small"), 1_000).await.expect("it can be read");
            assert_eq!((data.source, data.next_offset.get()), (ReadSource::Disk, record + 1));
        }
        let read = disk_reads(&bench).1 - before;
        assert!(read < 5 * 300 * 1024, "{read} bytes were read for five records");
    });
}

#[test]
fn an_answer_is_filled_from_all_that_was_read() {
    with_backlog(async |_, shard, id| {
        let wanted = 500_000;
        let mut next = Offset::ZERO;
        while next.get() < RECORDS / 2 {
            let data = shard.read(id, next, wanted).await.expect("it can be read");
            assert_eq!(data.bytes as usize, data.parts.iter().map(bytes::Bytes::len).sum::<usize>());
            assert!(data.bytes <= wanted, "{} bytes", data.bytes);
            next = data.next_offset;
        }
        // By now all that follows is there before it is asked for: only a batch that does not fit is missing.
        let data = shard.read(id, next, wanted).await.expect("it can be read");
        assert!(data.bytes as usize + RECORD_BYTES + 1_000 > wanted as usize, "{} bytes", data.bytes);
    });
}

#[test]
fn reading_a_backlog_leaves_recent_data_in_memory() {
    with_backlog(async |_, shard, id| {
        let recent = Offset::new(RECORDS - 10).expect("small");
        let in_memory = |shard: &Shard| shard.read_memory(id, recent, 1_000_000).is_some();
        assert!(in_memory(&shard));
        for _ in 0..3 {
            read_all(&shard, id).await;
            assert!(in_memory(&shard), "it was driven out");
        }
    });
}

#[test]
fn a_read_that_is_given_up_does_not_hold_up_others() {
    with_backlog(async |_, shard, id| {
        {
            let mut given_up = pin!(shard.read(id, Offset::ZERO, 100_000));
            for _ in 0..20 {
                assert!(futures_lite::future::poll_once(given_up.as_mut()).await.is_none(), "it was too quick");
            }
        }
        let data = shard.read(id, Offset::ZERO, 100_000).await.expect("it can be read");
        assert_eq!(data.next_offset.get(), 1);
    });
}
