//! The simulated disk keeps what was synced, and nothing else for sure.

mod trouble;

use std::collections::BTreeSet;

use base::CoreId;

use super::*;
use crate::sim::{Sim, SimConfig};
use crate::{BLOCK_BYTES, DiskFile, IoBuf, JoinHandle, OpenMode, TaskQueue, now, spawn, timeout};

const BLOCK: u64 = BLOCK_BYTES as u64;

fn on_disk<T: 'static>(disk: &SimDisk, seed: u64, act: impl AsyncFnOnce(Rc<dyn Disk>) -> T + 'static) -> T {
    let attached = disk.clone();
    Sim::new(SimConfig::new(seed)).block_on(CoreId(0), async move { act(attached.attach()).await })
}

fn path(text: &str) -> &Path {
    Path::new(text)
}

/// A buffer of so many blocks, all bytes alike.
fn filled(blocks: usize, byte: u8) -> IoBuf {
    let buf = IoBuf::alloc(blocks * BLOCK_BYTES);
    buf.append(&vec![byte; blocks * BLOCK_BYTES]);
    buf
}

async fn create(disk: &Rc<dyn Disk>, name: &str) -> Rc<dyn DiskFile> {
    let file = disk.open(path(name), OpenMode::CreateNew).await.unwrap();
    disk.sync_dir(path("")).await.unwrap();
    file
}

/// Runs `act` for many seeds, with a crash after each run, and shows what is left.
fn after_crashes<R>(act: impl AsyncFn(Rc<dyn Disk>) + Copy + 'static, look: impl Fn(&SimDisk) -> R) -> Vec<R> {
    let crashed = (0..200).map(|seed| {
        let disk = SimDisk::new(seed, SimDiskConfig::default());
        on_disk(&disk, seed, async move |attached| act(attached).await);
        disk.crash();
        look(&disk)
    });
    crashed.collect()
}

#[test]
fn what_was_written_through_survives_without_a_sync() {
    let kept = after_crashes(
        async |disk| {
            let file = create(&disk, "log").await;
            file.write_through(filled(2, 1), 0).await.unwrap();
        },
        |disk| disk.dump(path("log")).unwrap(),
    );
    assert!(kept.iter().all(|bytes| *bytes == vec![1; 2 * BLOCK_BYTES]));
}

#[test]
fn what_was_synced_survives_and_what_was_not_may_be_kept_lost_or_torn() {
    let fates = after_crashes(
        async |disk| {
            let file = create(&disk, "log").await;
            file.write(filled(2, 1), 0).await.unwrap();
            file.sync().await.unwrap();
            file.write(filled(1, 2), BLOCK).await.unwrap();
        },
        |disk| {
            let bytes = disk.dump(path("log")).unwrap();
            assert_eq!(bytes.len() as u64, 2 * BLOCK);
            assert!(bytes[..BLOCK_BYTES].iter().all(|byte| *byte == 1), "a synced block is never touched");
            let mut sectors = bytes[BLOCK_BYTES..].chunks(512).map(|sector| {
                assert!(sector.iter().all(|byte| *byte == sector[0]), "a sector is never torn");
                sector[0]
            });
            let sectors: BTreeSet<u8> = sectors.by_ref().collect();
            sectors.into_iter().collect::<Vec<u8>>()
        },
    );
    for fate in [vec![1], vec![2], vec![1, 2]] {
        let count = fates.iter().filter(|found| **found == fate).count();
        assert!(count > 20, "{fate:?} occurred {count} times of 200");
    }
}

#[test]
fn a_sync_covers_what_had_completed_before_it_and_nothing_that_was_under_way() {
    let fates = after_crashes(
        async |disk| {
            let file = create(&disk, "log").await;
            file.allocate(2 * BLOCK).await.unwrap();
            file.write(filled(1, 1), 0).await.unwrap();
            let also = file.clone();
            // Begun before the sync, completed after it was issued.
            let write: JoinHandle<()> =
                spawn(TaskQueue::DEFAULT, async move { also.write(filled(1, 2), BLOCK).await.unwrap() });
            crate::yield_now().await;
            file.sync().await.unwrap();
            write.await;
        },
        |disk| {
            let bytes = disk.dump(path("log")).unwrap();
            assert_eq!((bytes.len() as u64, bytes[0], bytes[BLOCK_BYTES - 1]), (2 * BLOCK, 1, 1));
            bytes[BLOCK_BYTES..].iter().all(|byte| *byte == 2)
        },
    );
    let kept = fates.iter().filter(|kept| **kept).count();
    assert!((20..180).contains(&kept), "the later write was kept {kept} times of 200");
}

#[test]
fn writes_in_flight_when_the_process_dies_may_be_there_or_not() {
    let fates: Vec<bool> = (0..100)
        .map(|seed| {
            let disk = SimDisk::new(seed, SimDiskConfig::default());
            let sim = Sim::new(SimConfig::new(seed));
            let attached = disk.clone();
            let file = sim.block_on(CoreId(0), async move { create(&attached.attach(), "log").await });
            let write = sim.spawn_on(CoreId(0), async move { file.write(filled(1, 7), 0).await });
            sim.run_for(Duration::from_micros(5));
            assert!(!write.is_finished());
            drop(sim);
            disk.dump(path("log")).unwrap().len() as u64 == BLOCK
        })
        .collect();
    let there = fates.iter().filter(|there| **there).count();
    assert!((20..80).contains(&there), "{there} of 100");
}

#[test]
fn a_write_goes_on_when_nobody_waits_for_it() {
    let disk = SimDisk::new(1, SimDiskConfig::default());
    on_disk(&disk, 1, async |disk| {
        let file = create(&disk, "log").await;
        assert!(timeout(Duration::from_micros(1), file.write(filled(1, 7), 0)).await.is_err());
        assert_eq!(file.len().await, Ok(0));
        crate::sleep(Duration::from_millis(10)).await;
        assert_eq!(file.len().await, Ok(BLOCK));
    });
}

#[test]
fn the_entry_of_a_synced_file_may_be_lost_without_a_sync_of_its_folder() {
    let fates = after_crashes(
        async |disk| {
            let file = disk.open(path("log"), OpenMode::CreateNew).await.unwrap();
            file.write(filled(1, 1), 0).await.unwrap();
            file.sync().await.unwrap();
        },
        |disk| {
            let content = disk.dump(path("log"));
            assert!(content.as_ref().is_none_or(|bytes| *bytes == vec![1; BLOCK_BYTES]));
            content.is_some()
        },
    );
    assert!(fates.contains(&true) && fates.contains(&false));
}

#[test]
fn a_rename_leaves_the_old_name_or_the_new_one_and_always_the_file() {
    let fates = after_crashes(
        async |disk| {
            disk.create_dir_all(path("a")).await.unwrap();
            disk.create_dir_all(path("b")).await.unwrap();
            let file = create(&disk, "a/x").await;
            file.write(filled(1, 1), 0).await.unwrap();
            file.sync().await.unwrap();
            disk.sync_dir(path("a")).await.unwrap();
            disk.rename(path("a/x"), path("b/y")).await.unwrap();
        },
        |disk| (disk.dump(path("a/x")).is_some(), disk.dump(path("b/y")).is_some()),
    );
    assert_eq!(BTreeSet::from_iter(fates), BTreeSet::from([(true, false), (false, true)]));
}

#[test]
fn a_rename_is_durable_once_its_folder_is_synced_even_if_the_source_folder_never_was() {
    let fates = after_crashes(
        async |disk| {
            disk.create_dir_all(path("a")).await.unwrap();
            disk.create_dir_all(path("b")).await.unwrap();
            disk.sync_dir(path("")).await.unwrap();
            let file = disk.open(path("a/x"), OpenMode::CreateNew).await.unwrap();
            file.write(filled(1, 1), 0).await.unwrap();
            file.sync().await.unwrap();
            disk.rename(path("a/x"), path("b/y")).await.unwrap();
            disk.sync_dir(path("b")).await.unwrap();
        },
        |disk| (disk.dump(path("a/x")).is_some(), disk.dump(path("b/y")).map(|bytes| bytes[0])),
    );
    assert!(fates.iter().all(|fate| *fate == (false, Some(1))), "{fates:?}");
}

#[test]
fn a_small_file_is_replaced_whole_or_not_at_all_whenever_the_power_goes() {
    let mut seen = BTreeSet::new();
    for seed in 0..300 {
        let disk = SimDisk::new(seed, SimDiskConfig::default());
        on_disk(&disk, seed, async |disk| disk.replace_small(path("meta"), b"old".to_vec()).await.unwrap());
        let sim = Sim::new(SimConfig::new(seed));
        let attached = disk.clone();
        let replaced =
            sim.spawn_on(CoreId(0), async move { attached.attach().replace_small(path("meta"), vec![7; 5_000]).await });
        sim.run_for(Duration::from_micros(seed * 10));
        let finished = replaced.is_finished();
        drop(sim);
        disk.crash();
        let found = on_disk(&disk, seed, async |disk| disk.read_small(path("meta"), 10_000).await.unwrap());
        assert!(found == b"old" || (found == vec![7; 5_000]), "{} bytes", found.len());
        assert!(!finished || found.len() == 5_000, "what has resolved is durable");
        seen.insert((finished, found.len()));
    }
    assert_eq!(seen, BTreeSet::from([(false, 3), (false, 5_000), (true, 5_000)]));
}

#[test]
fn allocated_space_reads_as_zeroes_before_and_after_a_crash() {
    let fates = after_crashes(
        async |disk| {
            let file = create(&disk, "log").await;
            file.allocate(4 * BLOCK).await.unwrap();
            file.write(filled(1, 1), BLOCK).await.unwrap();
            assert!(file.read(2 * BLOCK, BLOCK_BYTES).await.unwrap().iter().all(|byte| *byte == 0));
            // A second allocation does not shrink the file.
            file.allocate(BLOCK).await.unwrap();
            assert_eq!(file.len().await, Ok(4 * BLOCK));
        },
        |disk| {
            let bytes = disk.dump(path("log")).unwrap();
            assert!(bytes.iter().enumerate().all(|(pos, byte)| *byte == 0 || pos / BLOCK_BYTES == 1));
            bytes.len() as u64 / BLOCK
        },
    );
    assert_eq!(BTreeSet::from_iter(fates), BTreeSet::from([0, 1, 2, 4]));
}

#[test]
fn a_cut_that_was_not_synced_may_come_undone() {
    let fates = after_crashes(
        async |disk| {
            let file = create(&disk, "log").await;
            file.write(filled(2, 1), 0).await.unwrap();
            file.sync().await.unwrap();
            file.set_len(100).await.unwrap();
            assert_eq!(file.read(0, 2 * BLOCK_BYTES).await.unwrap().len(), 100);
        },
        |disk| disk.dump(path("log")).unwrap().len(),
    );
    assert_eq!(BTreeSet::from_iter(fates), BTreeSet::from([100, 2 * BLOCK_BYTES]));
}

#[test]
fn a_removed_file_may_be_back_until_its_folder_is_synced() {
    let remove = async |disk: &Rc<dyn Disk>| {
        let file = create(disk, "log").await;
        file.write(filled(1, 1), 0).await.unwrap();
        file.sync().await.unwrap();
        disk.remove_file(path("log")).await.unwrap();
        assert!(matches!(disk.open(path("log"), OpenMode::Existing).await.map(drop), Err(DiskError::NotFound { .. })));
        // Who has it open still reads it.
        assert_eq!(file.read(0, BLOCK_BYTES).await.unwrap()[0], 1);
    };
    let unsynced = after_crashes(async move |disk| remove(&disk).await, |disk| disk.dump(path("log")).is_some());
    assert!(unsynced.contains(&true) && unsynced.contains(&false));
    let synced = after_crashes(
        async move |disk| {
            remove(&disk).await;
            disk.sync_dir(path("")).await.unwrap();
        },
        |disk| disk.dump(path("log")).is_some(),
    );
    assert!(!synced.contains(&true));
}

#[test]
fn concurrent_writes_complete_in_any_order_and_a_slow_disk_takes_its_time() {
    let disk = SimDisk::new(3, SimDiskConfig::default());
    let switches = disk.clone();
    let (order, quick, slow) = on_disk(&disk, 3, async move |disk| {
        let file = create(&disk, "log").await;
        let order = Rc::new(RefCell::new(Vec::new()));
        let started = now();
        let writes: Vec<_> = (0..20)
            .map(|block| {
                let (file, order) = (file.clone(), order.clone());
                spawn(TaskQueue::DEFAULT, async move {
                    file.write(filled(1, 1), block * BLOCK).await.unwrap();
                    order.borrow_mut().push(block);
                })
            })
            .collect();
        for write in writes {
            write.await;
        }
        let quick = now().since(started);
        switches.slow_down(1_000);
        let started = now();
        file.write(filled(1, 1), 0).await.unwrap();
        (order.take(), quick, now().since(started))
    });
    assert!(!order.is_sorted(), "{order:?}");
    assert!(quick < Duration::from_millis(5) && slow >= Duration::from_millis(20), "{quick:?} {slow:?}");
}

#[test]
fn what_was_open_before_a_crash_is_dead() {
    let disk = SimDisk::new(3, SimDiskConfig::default());
    let sim = Sim::new(SimConfig::new(3));
    let attached = disk.clone();
    let file = sim.block_on(CoreId(0), async move { create(&attached.attach(), "log").await });
    disk.crash();
    let error = sim.block_on(CoreId(0), async move { file.sync().await.unwrap_err() });
    assert_eq!(error, DiskError::Io { operation: "sync", path: "log".into(), errno: libc::ESTALE });
}

#[test]
fn folders_are_made_listed_and_removed_as_on_a_real_disk() {
    let disk = SimDisk::new(3, SimDiskConfig::default());
    on_disk(&disk, 3, async |disk| {
        disk.create_dir_all(path("t/1")).await.unwrap();
        disk.create_dir_all(path("t/1")).await.unwrap();
        let file = disk.open(path("t/b"), OpenMode::Create).await.unwrap();
        file.write(filled(1, 1), 0).await.unwrap();
        drop(disk.open(path("t/1/a"), OpenMode::CreateNew).await.unwrap());
        let listed = disk.list(path("t")).await.unwrap();
        let listed: Vec<_> = listed.iter().map(|entry| (entry.name.as_str(), entry.is_dir, entry.len)).collect();
        assert_eq!(listed, [("1", true, 0), ("b", false, BLOCK)]);
        assert!(matches!(disk.list(path("x")).await, Err(DiskError::NotFound { .. })));
        let exists = disk.open(path("t/b"), OpenMode::CreateNew).await.map(drop);
        assert!(matches!(exists, Err(DiskError::AlreadyExists { .. })));
        assert!(matches!(disk.read_small(path("t/b"), 100).await, Err(DiskError::TooLarge { len: 4096, .. })));
        let outside = disk.open(path("../x"), OpenMode::Create).await.map(drop);
        assert!(matches!(outside, Err(DiskError::Io { errno: libc::EINVAL, .. })));
        disk.rename(path("t"), path("u")).await.unwrap();
        let full = disk.remove_empty_dir(path("u")).await;
        assert!(matches!(full, Err(DiskError::Io { errno: libc::ENOTEMPTY, .. })), "{full:?}");
        disk.create_dir_all(path("v/1")).await.unwrap();
        disk.remove_empty_dir(path("v/1")).await.unwrap();
        disk.remove_empty_dir(path("v")).await.unwrap();
        assert!(matches!(disk.remove_empty_dir(path("v")).await, Err(DiskError::NotFound { .. })));
        disk.remove_dir_all(path("u")).await.unwrap();
        assert_eq!(disk.list(path("")).await, Ok(vec![]));
    });
    assert!(disk.files().is_empty());
}

/// What a block may hold after a crash: what was durable, or any write since.
#[derive(Clone, Debug)]
struct Possible(BTreeSet<u8>);

/// Writes, syncs and crashes at random, and checks each sector after each crash.
fn random_life(seed: u64) {
    const BLOCKS: u64 = 8;
    let disk = SimDisk::new(seed, SimDiskConfig::default());
    let mut random = SeededRandom::new(!seed);
    let mut possible = vec![Possible(BTreeSet::from([0])); usize::try_from(BLOCKS).unwrap()];
    on_disk(&disk, seed, async |disk| {
        let file = create(&disk, "log").await;
        file.allocate(BLOCKS * BLOCK).await.unwrap();
        file.sync().await.unwrap();
    });
    for life in 0..5 {
        let (before, mut draws) = (possible.clone(), random.fork());
        possible = on_disk(&disk, seed + life, async move |disk| {
            let mut possible = before;
            let file = disk.open(path("log"), OpenMode::Existing).await.unwrap();
            for byte in 1..=30 {
                if draws.one_in(5) {
                    file.sync().await.unwrap();
                    // The last one written is now the only one.
                    let content = file.read(0, possible.len() * BLOCK_BYTES).await.unwrap();
                    for (block, possible) in content.chunks(BLOCK_BYTES).zip(&mut possible) {
                        possible.0 = block.iter().copied().collect();
                    }
                }
                let block = draws.index(possible.len());
                file.write(filled(1, byte), block as u64 * BLOCK).await.unwrap();
                possible[block].0.insert(byte);
            }
            possible
        });
        disk.crash();
        let content = disk.dump(path("log")).unwrap();
        assert_eq!(content.len() as u64, BLOCKS * BLOCK, "seed {seed}");
        for (block, possible) in content.chunks(BLOCK_BYTES).zip(&mut possible) {
            for sector in block.chunks(512) {
                assert!(sector.iter().all(|byte| *byte == sector[0]), "seed {seed}: a sector is torn");
                assert!(possible.0.contains(&sector[0]), "seed {seed}: {} is none of {possible:?}", sector[0]);
            }
            // What is there now has survived, and is durable.
            possible.0 = block.iter().copied().collect();
        }
    }
}

#[test]
fn a_sync_of_the_whole_disk_keeps_what_had_completed_in_all_files_and_folders() {
    let ends = after_crashes(
        async |disk| {
            disk.create_dir_all(path("t/0")).await.unwrap();
            for name in ["t/0/a", "t/0/b", "c"] {
                let file = disk.open(path(name), OpenMode::CreateNew).await.unwrap();
                file.write(filled(2, 7), 0).await.unwrap();
            }
            disk.sync_all().await.unwrap();
        },
        |disk| ["t/0/a", "t/0/b", "c"].map(|name| disk.dump(path(name))),
    );
    assert!(ends.iter().flatten().all(|content| content.as_deref() == Some(&[7; 2 * BLOCK_BYTES][..])));
    // What one that fails should have kept is lost, though the next one says that all is well.
    for seed in 0..20 {
        let disk = SimDisk::new(seed, SimDiskConfig::default());
        disk.fail_nth(DiskOperation::Sync, 2);
        on_disk(&disk, seed, async |disk| {
            let file = disk.open(path("a"), OpenMode::CreateNew).await.unwrap();
            disk.sync_all().await.unwrap();
            file.write(filled(1, 7), 0).await.unwrap();
            assert!(disk.sync_all().await.is_err());
            disk.sync_all().await.unwrap();
        });
        disk.crash();
        assert_eq!(disk.dump(path("a")).as_deref(), Some(&[][..]));
    }
}

#[test]
fn whatever_is_written_synced_and_crashed_each_sector_holds_what_it_may() {
    (0..40).for_each(random_life);
}
