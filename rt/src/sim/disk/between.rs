//! Something between storage and its simulated disk, for faults that are not the disk's own.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;

use crate::{DirEntry, Disk, DiskError, DiskFile, DiskFuture, IoBuf, OpenMode};

/// What is to be flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush<'a> {
    File(&'a Path),
    Folder(&'a Path),
    /// All that has completed on the disk.
    All,
}

/// What happens on the way to the disk.
pub trait Interference {
    /// The answer to a flush that does not get there; `None` lets it through.
    fn flush(&self, _what: Flush<'_>) -> Option<Result<(), DiskError>> {
        None
    }

    /// Time that goes by before space is allocated.
    fn allocation(&self) -> Duration {
        Duration::ZERO
    }
}

/// A disk that is reached through an [`Interference`].
pub struct Between<I> {
    disk: Rc<dyn Disk>,
    interference: Rc<I>,
}

impl<I> Between<I> {
    pub fn new(disk: Rc<dyn Disk>, interference: I) -> Self {
        Self { disk, interference: Rc::new(interference) }
    }
}

struct BetweenFile<I> {
    file: Rc<dyn DiskFile>,
    path: PathBuf,
    interference: Rc<I>,
}

/// The answer that an interference has, or else the disk's.
fn or_else<'a>(
    answer: Option<Result<(), DiskError>>,
    flush: impl FnOnce() -> DiskFuture<'a, ()>,
) -> DiskFuture<'a, ()> {
    match answer {
        Some(answer) => Box::pin(async move { answer }),
        None => flush(),
    }
}

impl<I: Interference + 'static> Disk for Between<I> {
    fn open(&self, path: &Path, mode: OpenMode) -> DiskFuture<'_, Rc<dyn DiskFile>> {
        let path = path.to_owned();
        Box::pin(async move {
            let file = self.disk.open(&path, mode).await?;
            let interference = Rc::clone(&self.interference);
            Ok(Rc::new(BetweenFile { file, path, interference }) as Rc<dyn DiskFile>)
        })
    }

    fn create_dir_all(&self, path: &Path) -> DiskFuture<'_, ()> {
        self.disk.create_dir_all(path)
    }

    fn list(&self, path: &Path) -> DiskFuture<'_, Vec<DirEntry>> {
        self.disk.list(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> DiskFuture<'_, ()> {
        self.disk.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> DiskFuture<'_, ()> {
        self.disk.remove_file(path)
    }

    fn remove_empty_dir(&self, path: &Path) -> DiskFuture<'_, ()> {
        self.disk.remove_empty_dir(path)
    }

    fn remove_dir_all(&self, path: &Path) -> DiskFuture<'_, ()> {
        self.disk.remove_dir_all(path)
    }

    fn sync_dir(&self, path: &Path) -> DiskFuture<'_, ()> {
        or_else(self.interference.flush(Flush::Folder(path)), || self.disk.sync_dir(path))
    }

    fn sync_all(&self) -> DiskFuture<'_, ()> {
        or_else(self.interference.flush(Flush::All), || self.disk.sync_all())
    }

    fn read_small(&self, path: &Path, bytes_max: usize) -> DiskFuture<'_, Vec<u8>> {
        self.disk.read_small(path, bytes_max)
    }

    fn replace_small(&self, path: &Path, bytes: Vec<u8>) -> DiskFuture<'_, ()> {
        self.disk.replace_small(path, bytes)
    }

    fn free_bytes(&self) -> DiskFuture<'_, u64> {
        self.disk.free_bytes()
    }
}

impl<I: Interference + 'static> DiskFile for BetweenFile<I> {
    fn write(&self, buf: IoBuf, pos: u64) -> DiskFuture<'_, ()> {
        self.file.write(buf, pos)
    }

    fn read(&self, pos: u64, len: usize) -> DiskFuture<'_, Bytes> {
        self.file.read(pos, len)
    }

    fn sync(&self) -> DiskFuture<'_, ()> {
        or_else(self.interference.flush(Flush::File(&self.path)), || self.file.sync())
    }

    fn allocate(&self, len: u64) -> DiskFuture<'_, ()> {
        Box::pin(async move {
            let taking = self.interference.allocation();
            if taking > Duration::ZERO {
                crate::sleep(taking).await;
            }
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
