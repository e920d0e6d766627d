//! Followers of many partitions: each move is told once, until the partition is followed again.

use std::time::Duration;

use base::{Offset, PartitionId};
use shard::TrimTo;

use crate::bench::{Bench, append, partition};

const ALL: usize = usize::MAX;

#[test]
fn a_follower_is_told_of_each_partition_that_has_moved_and_of_no_other() {
    let ids: Vec<PartitionId> = (0..50).map(|index| partition(1, index)).collect();
    let bench = Bench::new(&ids);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        let (follower, other) = (shard.follower(), shard.follower());
        for (key, id) in (0..).zip(&ids) {
            follower.follow(key, *id);
            follower.follow(key, *id);
            other.follow(key + 100, *id);
        }
        assert!(!follower.has_moved() && follower.followed() == 50);
        for index in [7, 3, 7] {
            append(&shard, ids[index], 100).await.expect("a good disk takes it");
        }
        assert_eq!(follower.take_moved(ALL), [3, 7]);
        append(&shard, ids[7], 100).await.expect("a good disk takes it");
        assert_eq!((follower.take_moved(ALL), follower.followed()), (vec![], 48), "it is not followed any more");
        follower.follow(7, ids[7]);
        let trim = shard.begin_trim(ids[7], TrimTo::Offset(Offset::new(1).unwrap())).await.expect("it is safe");
        shard.finish_trim(trim).await.expect("a good disk takes it");
        assert_eq!(follower.take_moved(ALL), [7], "the start of the log");
        shard.tell_followers(ids[9]);
        shard.remove_partition(ids[8]);
        assert_eq!((follower.take_moved(1), follower.take_moved(ALL)), (vec![8], vec![9]));
        follower.follow(8, ids[8]);
        assert_eq!(follower.take_moved(ALL), [8], "it is not here");
        assert_eq!(other.take_moved(ALL), [103, 107, 108, 109]);
        follower.follow(3, ids[3]);
        follower.follow(4, ids[5]);
        for index in [3, 4, 5] {
            append(&shard, ids[index], 100).await.expect("a good disk takes it");
        }
        follower.unfollow(3);
        assert_eq!(follower.take_moved(ALL), [4, 5], "the key has come to another partition");
    });
}

#[test]
fn a_follower_that_waits_is_woken_and_one_that_has_ended_is_told_nothing() {
    let (id, idle) = (partition(1, 0), partition(1, 1));
    let bench = Bench::new(&[id, idle]);
    bench.live(async move |bench| {
        let shard = bench.start().await.expect("a new folder opens");
        let (follower, ended, dropped) = (shard.follower(), shard.follower(), shard.follower());
        for follower in [&follower, &ended, &dropped] {
            follower.follow(1, id);
            follower.follow(2, idle);
        }
        ended.end().await;
        drop(dropped);
        let moves = follower.moves();
        append(&shard, id, 100).await.expect("a good disk takes it");
        rt::timeout(Duration::from_secs(1), moves).await.expect("it has moved");
        assert_eq!(follower.take_moved(ALL), [1]);
        assert!(rt::timeout(Duration::from_secs(1), follower.moves()).await.is_err(), "nothing has moved since");
        assert!(!ended.has_moved() && ended.followed() == 0);
    });
}
