//! A disk that accepts writes and says at the flush that it is full; and that says at the next flush that all is well.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use rt::{DirEntry, Disk, DiskError, DiskFile, DiskFuture, IoBuf, OpenMode};

use crate::bench::{Bench, append, partition};

thread_local! {
    /// Flushes of paths that contain this fail, so many times.
    static FAILING: Cell<(&'static str, u32)> = const { Cell::new(("", 0)) };
}

/// Whether this flush is one that fails.
fn fails(path: &Path) -> Option<DiskError> {
    let (part, count) = FAILING.get();
    if count == 0 || !path.to_string_lossy().contains(part) {
        return None;
    }
    FAILING.set((part, count - 1));
    Some(DiskError::NoSpace { operation: "sync", path: path.to_owned() })
}

struct FullAtFlush(Rc<dyn Disk>);

struct FullAtFlushFile {
    file: Rc<dyn DiskFile>,
    path: PathBuf,
}

impl Disk for FullAtFlush {
    fn open(&self, path: &Path, mode: OpenMode) -> DiskFuture<'_, Rc<dyn DiskFile>> {
        let path = path.to_owned();
        Box::pin(async move {
            let file = self.0.open(&path, mode).await?;
            Ok(Rc::new(FullAtFlushFile { file, path }) as Rc<dyn DiskFile>)
        })
    }

    fn create_dir_all(&self, path: &Path) -> DiskFuture<'_, ()> {
        self.0.create_dir_all(path)
    }

    fn list(&self, path: &Path) -> DiskFuture<'_, Vec<DirEntry>> {
        self.0.list(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> DiskFuture<'_, ()> {
        self.0.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> DiskFuture<'_, ()> {
        self.0.remove_file(path)
    }

    fn remove_empty_dir(&self, path: &Path) -> DiskFuture<'_, ()> {
        self.0.remove_empty_dir(path)
    }

    fn remove_dir_all(&self, path: &Path) -> DiskFuture<'_, ()> {
        self.0.remove_dir_all(path)
    }

    fn sync_dir(&self, path: &Path) -> DiskFuture<'_, ()> {
        match fails(path) {
            Some(error) => Box::pin(async move { Err(error) }),
            None => self.0.sync_dir(path),
        }
    }

    fn sync_all(&self) -> DiskFuture<'_, ()> {
        match fails(Path::new("")) {
            Some(error) => Box::pin(async move { Err(error) }),
            None => self.0.sync_all(),
        }
    }

    fn read_small(&self, path: &Path, bytes_max: usize) -> DiskFuture<'_, Vec<u8>> {
        self.0.read_small(path, bytes_max)
    }

    fn replace_small(&self, path: &Path, bytes: Vec<u8>) -> DiskFuture<'_, ()> {
        self.0.replace_small(path, bytes)
    }

    fn free_bytes(&self) -> DiskFuture<'_, u64> {
        self.0.free_bytes()
    }
}

impl DiskFile for FullAtFlushFile {
    fn write(&self, buf: IoBuf, pos: u64) -> DiskFuture<'_, ()> {
        self.file.write(buf, pos)
    }

    fn read(&self, pos: u64, len: usize) -> DiskFuture<'_, Bytes> {
        self.file.read(pos, len)
    }

    fn sync(&self) -> DiskFuture<'_, ()> {
        match fails(&self.path) {
            Some(error) => Box::pin(async move { Err(error) }),
            None => self.file.sync(),
        }
    }

    fn allocate(&self, len: u64) -> DiskFuture<'_, ()> {
        self.file.allocate(len)
    }

    fn set_len(&self, len: u64) -> DiskFuture<'_, ()> {
        self.file.set_len(len)
    }

    fn len(&self) -> DiskFuture<'_, u64> {
        self.file.len()
    }

    fn close(self: Rc<Self>) -> DiskFuture<'static, ()> {
        Rc::clone(&self.file).close()
    }
}

#[test]
fn a_flush_that_finds_no_space_is_never_tried_again_and_believed() {
    let id = partition(1, 0);
    let topic = format!("topics/{}", id.topic).leak();
    for place in [".log", ".index", topic, "checkpoint-", "ring-"] {
        let bench = Bench::new(&[id]);
        bench.view.set(|disk| Rc::new(FullAtFlush(disk)));
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
