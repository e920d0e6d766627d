//! Index files and what an earlier life has left in them.

use std::path::Path;

use rt::{BLOCK_BYTES, IoBuf, OpenMode};
use shard::segment::index::{RECORD_BYTES, Span, decode_file};

use crate::bench::{Bench, append, partition, read_all, used};

/// A life that ends before its checkpoint may leave records in an index file for spans that the next one closes
/// elsewhere or with other batches.
#[test]
fn a_record_that_an_earlier_life_left_in_an_index_is_not_believed_later() {
    let (id, other) = (partition(1, 0), partition(2, 0));
    let bench = Bench::new(&[id, other]);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        // A span, and the beginning of the next.
        for _ in 0..4 {
            append(&shard, id, 10_000).await.expect("a good disk takes it");
        }
        shard.close().await.expect("it closes");
    });
    let path = format!("topics/{}/0/00000000000000000000.index", id.topic);
    let mut index = bench.disk.dump(Path::new(&path)).expect("a closed span is in it");
    let spans = decode_file(&index, base::Offset::ZERO);
    let last = spans.last().expect("a closed span is in it");
    let wrong =
        Span { base: last.end, end: last.end.plus(1), position: last.end_position(), length: 33_333, crc: 1, ..*last };
    index.truncate((1 + spans.len()) * RECORD_BYTES);
    index.extend_from_slice(&wrong.encode(base::Offset::ZERO));
    bench.meddle(async move |disk| {
        let file = disk.open(Path::new(&path), OpenMode::Existing).await.expect("it is there");
        let buffer = IoBuf::alloc(index.len().next_multiple_of(BLOCK_BYTES));
        buffer.append(&index);
        file.write(buffer, 0).await.expect("it can be written");
    });
    bench.checkpoint_interval.set(std::time::Duration::from_millis(100));
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("the folder opens");
        // Looks into the index while it has one record of this log.
        read_all(&shard, id).await;
        for _ in 0..4 {
            append(&shard, id, 10_000).await.expect("a good disk takes it");
        }
        rt::sleep(std::time::Duration::from_secs(1)).await;
        // Everything of the partition leaves memory.
        for _ in 0..150 {
            append(&shard, other, 10_000).await.expect("a good disk takes it");
        }
        assert_eq!(read_all(&shard, id).await.get(), 8);
    });
}

#[test]
fn a_log_whose_index_is_gone_is_read_although_the_disk_is_full() {
    let id = partition(1, 0);
    let bench = Bench::new(&[id]);
    bench.live_and_append(id, 60);
    let path = format!("topics/{}/0/00000000000000000000.index", id.topic);
    let gone = path.clone();
    bench.meddle(async move |disk| disk.remove_file(Path::new(&gone)).await.expect("the first segment is finished"));
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("the folder opens");
        bench.disk.set_capacity(Some(used(&bench.disk)));
        assert_eq!(read_all(&shard, id).await.get(), 60);
        bench.disk.set_capacity(None);
    });
    // Made anew once there is room.
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("the folder opens");
        assert_eq!(read_all(&shard, id).await.get(), 60);
    });
    let index = bench.disk.dump(Path::new(&path)).expect("it was made again");
    assert!(!decode_file(&index, base::Offset::ZERO).is_empty());
}
