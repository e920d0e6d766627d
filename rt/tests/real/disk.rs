//! Direct I/O on a real file system.

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use rt::{
    BLOCK_BYTES, CoresConfig, DirectDisk, Disk, DiskError, DiskFile, IoBuf, OpenMode, TaskQueue, run_one, sleep, spawn,
    timeout,
};

use crate::support::{MS, config, descriptors, folder, in_child, on_core, stderr};

const BLOCK: u64 = BLOCK_BYTES as u64;

/// Runs on a disk of its own, in a new folder.
fn on_disk<T: Send + 'static>(name: &str, act: impl AsyncFnOnce(Rc<dyn Disk>) -> T + Send + 'static) -> T {
    let root = folder(name);
    on_core(move || async move { act(DirectDisk::open(root).await.unwrap()).await })
}

fn path(text: &str) -> &Path {
    Path::new(text)
}

fn filled(len: usize, byte: u8) -> IoBuf {
    let buf = IoBuf::alloc(len.next_multiple_of(BLOCK_BYTES));
    buf.append(&vec![byte; len]);
    buf
}

#[test]
fn data_can_be_read_back_although_the_first_files_of_the_disk_were_empty() {
    on_disk("first-files", async |disk| {
        // glommio alone would take the device for one that can be polled, and fail every read from here on.
        let file = disk.open(path("empty"), OpenMode::CreateNew).await.unwrap();
        assert!(file.read(0, BLOCK_BYTES).await.unwrap().is_empty());
        file.write(filled(3 * BLOCK_BYTES, 7), 0).await.unwrap();
        file.sync().await.unwrap();
        let read = file.read(BLOCK, 4 * BLOCK_BYTES).await.unwrap();
        assert_eq!(read, vec![7; 2 * BLOCK_BYTES], "what there is up to the end");
        assert!(file.read(8 * BLOCK, BLOCK_BYTES).await.unwrap().is_empty());
        assert_eq!(disk.list(path("")).await.unwrap().len(), 1, "no probe is left");
    });
}

#[test]
fn padding_never_shows_what_was_in_memory_before() {
    on_disk("padding", async |disk| {
        let file = disk.open(path("log"), OpenMode::Create).await.unwrap();
        for round in 0..20 {
            // Leaves its bytes behind in the arena.
            file.write(filled(8 * BLOCK_BYTES, 0xee), 0).await.unwrap();
            let buf = IoBuf::alloc(8 * BLOCK_BYTES);
            buf.append(b"short");
            // Alone, with a clone, and with a shared slice: one is written in place, the others as a copy.
            let other = (round % 3 == 1).then(|| buf.clone());
            let slice = (round % 3 == 2).then(|| buf.share(0..5));
            file.write(buf, 8 * BLOCK).await.unwrap();
            let read = file.read(8 * BLOCK, 8 * BLOCK_BYTES).await.unwrap();
            assert_eq!(read.len(), BLOCK_BYTES);
            assert_eq!(&read[..5], b"short");
            assert!(read[5..].iter().all(|byte| *byte == 0), "round {round}");
            drop((other, slice));
        }
    });
}

#[test]
fn a_buffer_can_be_appended_to_while_its_first_part_is_written_and_shared() {
    on_disk("appending", async |disk| {
        let file = disk.open(path("log"), OpenMode::Create).await.unwrap();
        let buf = IoBuf::alloc(4 * BLOCK_BYTES);
        buf.append(&vec![1; BLOCK_BYTES]);
        let (also, first) = (file.clone(), buf.clone());
        let write = spawn(TaskQueue::DEFAULT, async move { also.write(first, 0).await });
        let shared = buf.share(0..BLOCK_BYTES);
        buf.append(&vec![2; 3 * BLOCK_BYTES]);
        write.await.unwrap();
        // Full: written as it is, shared or not.
        file.write(buf.clone(), 4 * BLOCK).await.unwrap();
        assert_eq!(shared, vec![1; BLOCK_BYTES]);
        assert_eq!(file.read(4 * BLOCK, 4 * BLOCK_BYTES).await.unwrap(), buf.as_slice());
        assert_eq!(file.read(0, BLOCK_BYTES).await.unwrap(), shared);
    });
}

#[test]
fn many_writes_at_once_land_where_they_should() {
    on_disk("many", async |disk| {
        let file = disk.open(path("log"), OpenMode::Create).await.unwrap();
        file.allocate(64 * BLOCK).await.unwrap();
        assert_eq!(file.len().await, Ok(64 * BLOCK));
        let writes: Vec<_> = (0..64_u8)
            .map(|block| {
                let file = file.clone();
                spawn(TaskQueue::DEFAULT, async move {
                    file.write(filled(BLOCK_BYTES, block), u64::from(block) * BLOCK).await
                })
            })
            .collect();
        for write in writes {
            write.await.unwrap();
        }
        file.sync().await.unwrap();
        let read = file.read(0, 64 * BLOCK_BYTES).await.unwrap();
        assert!(read.chunks(BLOCK_BYTES).zip(0..64).all(|(block, byte)| block.iter().all(|found| *found == byte)));
        file.set_len(BLOCK + 1).await.unwrap();
        assert_eq!(file.len().await, Ok(BLOCK + 1));
    });
}

#[test]
fn more_is_in_flight_than_the_io_memory_holds() {
    let root = folder("overflow");
    let config = CoresConfig { io_memory: base::ByteSize::kib(256), ..config() };
    let read = run_one(config, move || async move {
        let disk = DirectDisk::open(root).await.unwrap();
        let file = disk.open(path("log"), OpenMode::Create).await.unwrap();
        // 4 MiB, of which the arena has room for the sixteenth part; the heap gives the rest.
        let bufs: Vec<IoBuf> = (1..=16).map(|byte| filled(256 << 10, byte)).collect();
        for (index, buf) in bufs.into_iter().enumerate() {
            file.write(buf, index as u64 * (256 << 10)).await.unwrap();
        }
        let parts = [(0, 1), (15 << 18, 16)];
        let mut all = true;
        for (pos, byte) in parts {
            all &= file.read(pos, 256 << 10).await.unwrap() == vec![byte; 256 << 10];
        }
        all
    });
    assert_eq!(read, Ok(true));
}

#[test]
fn files_are_closed_when_asked_and_when_dropped() {
    on_disk("closing", async |disk| {
        let file = disk.open(path("closed-when-asked"), OpenMode::Create).await.unwrap();
        assert_eq!(descriptors("closed-when-asked"), 1);
        file.close().await.unwrap();
        assert_eq!(descriptors("closed-when-asked"), 0);
        let file = disk.open(path("closed-when-dropped"), OpenMode::Create).await.unwrap();
        file.clone().close().await.unwrap();
        file.write(filled(1, 1), 0).await.unwrap();
        drop(file);
        sleep(20 * MS).await;
        assert_eq!(descriptors("closed-when-dropped"), 0);
    });
}

#[test]
fn a_write_through_asks_the_kernel_for_the_flush_and_leaves_no_descriptor() {
    let root = folder("through");
    let log = root.join("log");
    on_core(move || async move {
        let disk = DirectDisk::open(root).await.unwrap();
        let file = disk.open(path("log"), OpenMode::Create).await.unwrap();
        file.allocate(4 * BLOCK).await.unwrap();
        assert_eq!(flags_of(&log).len(), 1);
        let (first, second) =
            (file.write_through(filled(5, 1), 0), file.write_through(filled(BLOCK_BYTES, 2), 2 * BLOCK));
        let both = futures_lite::future::zip(first, second).await;
        assert_eq!(both, (Ok(()), Ok(())));
        file.write(filled(BLOCK_BYTES, 3), BLOCK).await.unwrap();
        let read = file.read(0, 4 * BLOCK_BYTES).await.unwrap();
        let starts: Vec<u8> = read.iter().step_by(BLOCK_BYTES).copied().collect();
        assert_eq!((starts, read[5]), (vec![1, 3, 2, 0], 0));
        let through = flags_of(&log).into_iter().filter(|flags| flags & libc::O_DSYNC != 0).count();
        assert_eq!(through, 1, "one descriptor more, that writes through");
        file.close().await.unwrap();
        assert_eq!(flags_of(&log), [], "both are closed");
    });
}

/// The flags of this process's descriptors of a file.
fn flags_of(file: &Path) -> Vec<i32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd").unwrap().flatten() {
        if std::fs::read_link(entry.path()).is_ok_and(|target| target == file) {
            let number = entry.file_name().into_string().unwrap();
            let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}")).unwrap();
            let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
            found.push(i32::from_str_radix(flags.trim(), 8).unwrap());
        }
    }
    found
}

#[test]
fn an_open_file_is_still_itself_after_its_name_has_gone_to_another() {
    on_disk("names", async |disk| {
        let first = disk.open(path("log"), OpenMode::Create).await.unwrap();
        first.write(filled(2 * BLOCK_BYTES, 1), 0).await.unwrap();
        disk.rename(path("log"), path("old")).await.unwrap();
        let second = disk.open(path("log"), OpenMode::CreateNew).await.unwrap();
        second.write(filled(BLOCK_BYTES, 2), 0).await.unwrap();
        assert_eq!((first.len().await, second.len().await), (Ok(2 * BLOCK), Ok(BLOCK)));
        disk.remove_file(path("old")).await.unwrap();
        assert_eq!(first.len().await, Ok(2 * BLOCK));
        first.set_len(BLOCK).await.unwrap();
        assert_eq!((first.len().await, second.read(0, BLOCK_BYTES).await.unwrap()[0]), (Ok(BLOCK), 2));
    });
}

#[test]
fn opening_a_file_that_vanishes_meanwhile_is_no_panic() {
    on_disk("vanishing", async |disk| {
        for _ in 0..200 {
            let opener = disk.clone();
            drop(disk.open(path("x"), OpenMode::Create).await.unwrap());
            let opening = spawn(TaskQueue::DEFAULT, async move {
                match opener.open(path("x"), OpenMode::Existing).await {
                    Ok(file) => file.close().await.unwrap(),
                    Err(error) => assert!(matches!(error, DiskError::NotFound { .. }), "{error}"),
                }
            });
            disk.remove_file(path("x")).await.unwrap();
            opening.await;
        }
    });
}

#[test]
fn folders_are_made_listed_renamed_synced_and_removed() {
    on_disk("folders", async |disk| {
        disk.create_dir_all(path("t/1")).await.unwrap();
        disk.create_dir_all(path("t/1")).await.unwrap();
        let file = disk.open(path("t/b"), OpenMode::CreateNew).await.unwrap();
        file.write(filled(1, 1), 0).await.unwrap();
        disk.sync_dir(path("t")).await.unwrap();
        disk.sync_dir(path("")).await.unwrap();
        disk.sync_all().await.unwrap();
        let listed = disk.list(path("t")).await.unwrap();
        let listed: Vec<_> = listed.iter().map(|entry| (entry.name.as_str(), entry.is_dir, entry.len)).collect();
        assert_eq!(listed, [("1", true, 0), ("b", false, BLOCK)]);
        assert!(matches!(disk.list(path("x")).await, Err(DiskError::NotFound { operation: "list", .. })));
        let exists = disk.open(path("t/b"), OpenMode::CreateNew).await.map(drop);
        assert!(matches!(exists, Err(DiskError::AlreadyExists { .. })));
        let missing = disk.open(path("t/c"), OpenMode::Existing).await.map(drop).unwrap_err();
        assert_eq!(missing.to_string(), "cannot open \"t/c\": it does not exist");
        let outside = disk.open(path("../x"), OpenMode::Create).await.map(drop);
        assert!(matches!(outside, Err(DiskError::Io { errno: libc::EINVAL, .. })));
        disk.rename(path("t"), path("u")).await.unwrap();
        assert!(disk.remove_file(path("u/1")).await.is_err());
        let full = disk.remove_empty_dir(path("u")).await;
        assert!(matches!(full, Err(DiskError::Io { errno: libc::ENOTEMPTY, .. })), "{full:?}");
        disk.create_dir_all(path("v/1")).await.unwrap();
        disk.remove_empty_dir(path("v/1")).await.unwrap();
        disk.remove_empty_dir(path("v")).await.unwrap();
        assert!(matches!(disk.remove_empty_dir(path("v")).await, Err(DiskError::NotFound { .. })));
        disk.remove_dir_all(path("u")).await.unwrap();
        assert_eq!(disk.list(path("")).await, Ok(vec![]));
        assert!(disk.free_bytes().await.unwrap() > 1 << 20);
    });
}

#[test]
fn small_files_are_replaced_and_read_whole_within_a_limit() {
    on_disk("small", async |disk| {
        for content in [&b"old"[..], b"", b"newer and longer"] {
            disk.replace_small(path("meta"), content.to_vec()).await.unwrap();
            assert_eq!(disk.read_small(path("meta"), 16).await.unwrap(), content);
        }
        let refused = disk.read_small(path("meta"), 15).await.unwrap_err();
        assert_eq!(refused, DiskError::TooLarge { operation: "read", path: "meta".into(), len: 16, bytes_max: 15 });
        assert_eq!(disk.list(path("")).await.unwrap().len(), 1);
    });
}

#[test]
fn a_write_that_is_cut_short_is_an_error_and_not_a_hole() {
    let output = in_child("disk::a_write_that_is_cut_short_is_an_error_and_not_a_hole", || {
        // The signal that goes with it would end the process.
        // SAFETY: nothing else in this child handles signals.
        unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
        on_disk("cut-short", async |disk| {
            let file = disk.open(path("log"), OpenMode::Create).await.unwrap();
            let limit = |bytes| {
                let limit = rustix::process::Rlimit { current: bytes, maximum: None };
                rustix::process::setrlimit(rustix::process::Resource::Fsize, limit).unwrap();
            };
            // Of three blocks the kernel writes two, and says so without an error.
            limit(Some(2 * BLOCK));
            let error = file.write(filled(3 * BLOCK_BYTES, 7), 0).await.unwrap_err();
            assert_eq!(error, DiskError::Io { operation: "write", path: "log".into(), errno: libc::EFBIG });
            limit(None);
            assert_eq!(file.len().await, Ok(2 * BLOCK));
            file.write(filled(3 * BLOCK_BYTES, 8), 0).await.unwrap();
            assert_eq!(file.read(0, 4 * BLOCK_BYTES).await.unwrap(), vec![8; 3 * BLOCK_BYTES]);
        });
        eprintln!("all is well");
    });
    assert!(output.status.success() && stderr(&output).contains("all is well"), "{}", stderr(&output));
}

#[test]
fn a_write_that_nobody_waits_for_any_more_does_no_harm() {
    on_disk("given-up", async |disk| {
        let file: Rc<dyn DiskFile> = disk.open(path("log"), OpenMode::Create).await.unwrap();
        for round in 0..200_u8 {
            let buf = filled(64 * BLOCK_BYTES, round);
            let copy = buf.clone();
            drop(timeout(Duration::from_micros(u64::from(round)), file.write(buf, 0)).await);
            // Still used by the kernel, perhaps: the buffer must not be written in place now, nor be given to others.
            copy.share(0..10);
            drop(copy);
            let other = filled(64 * BLOCK_BYTES, 0xff);
            file.write(other, 64 * BLOCK).await.unwrap();
        }
        file.write(filled(64 * BLOCK_BYTES, 1), 0).await.unwrap();
        assert_eq!(file.read(0, 64 * BLOCK_BYTES).await.unwrap(), vec![1; 64 * BLOCK_BYTES]);
    });
}

#[test]
fn two_cores_share_a_folder() {
    let root = folder("shared");
    let seats = vec![root.clone(), root];
    let results = rt::run_cores(crate::support::two_cores(), seats, |root| async move {
        for round in 0..10 {
            let disk = DirectDisk::open(root.clone()).await.unwrap();
            let name = format!("core-{}-{round}", rt::core());
            let file = disk.open(path(&name), OpenMode::CreateNew).await.unwrap();
            file.write(filled(BLOCK_BYTES, 5), 0).await.unwrap();
            let read = file.read(0, BLOCK_BYTES).await.unwrap();
            assert_eq!(read[0], 5);
        }
        true
    });
    assert_eq!(results, Ok(vec![true, true]));
}
