//! A disk between the storage and the simulated one, with faults that the simulated one does not have.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use rt::{DirEntry, Disk, DiskError, DiskFile, DiskFuture, IoBuf, OpenMode};

thread_local! {
    /// Flushes of paths that contain this fail, so many times.
    pub(crate) static FAILING: Cell<(&'static str, u32)> = const { Cell::new(("", 0)) };
    /// So long takes the allocation of space.
    pub(crate) static ALLOCATION: Cell<Duration> = const { Cell::new(Duration::ZERO) };
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

pub(crate) struct Between(pub(crate) Rc<dyn Disk>);

struct BetweenFile {
    file: Rc<dyn DiskFile>,
    path: PathBuf,
}

impl Disk for Between {
    fn open(&self, path: &Path, mode: OpenMode) -> DiskFuture<'_, Rc<dyn DiskFile>> {
        let path = path.to_owned();
        Box::pin(async move {
            let file = self.0.open(&path, mode).await?;
            Ok(Rc::new(BetweenFile { file, path }) as Rc<dyn DiskFile>)
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

impl DiskFile for BetweenFile {
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
        Box::pin(async move {
            rt::sleep(ALLOCATION.get()).await;
            self.file.allocate(len).await
        })
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
