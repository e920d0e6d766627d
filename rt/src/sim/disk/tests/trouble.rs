//! A disk that fails, fills up, or rots.

use super::*;

#[test]
fn a_failed_sync_leaves_a_hole_although_the_next_one_says_ok() {
    let disk = SimDisk::new(3, SimDiskConfig { keep_percent: 100, tear_percent: 0, ..Default::default() });
    let switches = disk.clone();
    on_disk(&disk, 3, async move |disk| {
        let file = create(&disk, "log").await;
        file.write(filled(1, 1), 0).await.unwrap();
        file.sync().await.unwrap();
        file.write(filled(1, 2), 0).await.unwrap();
        switches.fail_nth(DiskOperation::Sync, 1);
        let error = file.sync().await.unwrap_err();
        assert_eq!(error, DiskError::Io { operation: "sync", path: "log".into(), errno: libc::EIO });
        file.sync().await.unwrap();
        assert_eq!(file.read(0, BLOCK_BYTES).await.unwrap()[0], 2, "reads don't tell");
    });
    disk.crash();
    assert_eq!(disk.dump(path("log")).unwrap()[0], 1);
}

#[test]
fn the_nth_operation_fails_and_the_next_one_works() {
    let disk = SimDisk::new(3, SimDiskConfig::default());
    let switches = disk.clone();
    on_disk(&disk, 3, async move |disk| {
        let file = create(&disk, "log").await;
        switches.fail_nth(DiskOperation::Write, 2);
        switches.fail_nth(DiskOperation::Read, 1);
        for (write, works) in [(0, true), (1, false), (2, true)] {
            assert_eq!(file.write(filled(1, 1), write * BLOCK).await.is_ok(), works);
        }
        assert!(file.read(0, BLOCK_BYTES).await.is_err());
        assert!(file.read(0, BLOCK_BYTES).await.is_ok());
        switches.fail_all(DiskOperation::SyncDir);
        assert!(disk.sync_dir(path("")).await.is_err());
        assert!(disk.sync_dir(path("")).await.is_err());
        switches.heal();
        assert!(disk.sync_dir(path("")).await.is_ok());
    });
    let counters = disk.counters();
    assert_eq!((counters.writes, counters.write_bytes), (3, 3 * BLOCK));
    assert_eq!((counters.reads, counters.read_bytes, counters.dir_syncs), (1, BLOCK, 4));
}

#[test]
fn a_full_disk_refuses_and_takes_writes_again_when_there_is_space() {
    let disk = SimDisk::new(3, SimDiskConfig { capacity: Some(4 * BLOCK), ..Default::default() });
    let switches = disk.clone();
    on_disk(&disk, 3, async move |disk| {
        let file = create(&disk, "log").await;
        file.allocate(2 * BLOCK).await.unwrap();
        assert_eq!(disk.free_bytes().await, Ok(2 * BLOCK));
        file.write(filled(2, 1), 0).await.unwrap();
        let error = file.write(filled(3, 2), 2 * BLOCK).await.unwrap_err();
        assert_eq!(error, DiskError::NoSpace { operation: "write", path: "log".into() });
        assert_eq!(file.len().await, Ok(4 * BLOCK), "what fits is written");
        file.write(filled(1, 3), 0).await.unwrap();
        assert!(matches!(file.allocate(5 * BLOCK).await, Err(DiskError::NoSpace { .. })));
        switches.set_capacity(Some(5 * BLOCK));
        file.allocate(5 * BLOCK).await.unwrap();
    });
}

#[test]
fn a_thin_disk_allocates_what_it_has_not() {
    let config = SimDiskConfig { capacity: Some(2 * BLOCK), allocation: Allocation::Thin, ..Default::default() };
    let disk = SimDisk::new(3, config);
    on_disk(&disk, 3, async |disk| {
        let file = create(&disk, "log").await;
        file.allocate(100 * BLOCK).await.unwrap();
        file.write(filled(2, 1), 50 * BLOCK).await.unwrap();
        file.write(filled(2, 2), 50 * BLOCK).await.unwrap();
        assert!(matches!(file.write(filled(1, 1), 0).await, Err(DiskError::NoSpace { .. })));
    });
}

#[test]
fn a_bit_flips_on_the_medium() {
    let disk = SimDisk::new(3, SimDiskConfig::default());
    let switches = disk.clone();
    on_disk(&disk, 3, async move |disk| {
        let file = create(&disk, "log").await;
        file.write(filled(1, 0), 0).await.unwrap();
        file.sync().await.unwrap();
        switches.flip_bit(path("log"), 100, 3);
        assert_eq!(file.read(0, BLOCK_BYTES).await.unwrap()[100], 8);
    });
    disk.crash();
    assert_eq!(disk.dump(path("log")).unwrap()[100], 8);
}

#[test]
fn a_sync_that_succeeds_has_kept_what_it_covers_though_one_beside_it_failed() {
    for seed in 0..50 {
        let disk = SimDisk::new(seed, SimDiskConfig::default());
        disk.fail_nth(DiskOperation::Sync, 2);
        on_disk(&disk, seed, async |disk| {
            let file = disk.open(path("a"), OpenMode::CreateNew).await.unwrap();
            disk.sync_dir(path("")).await.unwrap();
            file.write(filled(1, 1), 0).await.unwrap();
            let (first, second) = (Rc::clone(&file), Rc::clone(&file));
            let first = spawn(TaskQueue::DEFAULT, async move { first.sync().await });
            crate::sleep(Duration::from_micros(1)).await;
            let second = spawn(TaskQueue::DEFAULT, async move { second.sync().await });
            assert!(first.await.is_ok() && second.await.is_err());
        });
        disk.crash();
        assert_eq!(disk.dump(path("a")), Some(vec![1; BLOCK_BYTES]), "seed {seed}");
    }
}
