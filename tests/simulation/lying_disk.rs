//! A disk that says it has flushed and has not.

use std::path::Path;
use std::rc::Rc;

use bytes::Bytes;
use rt::{DirEntry, Disk, DiskFile, DiskFuture, IoBuf, OpenMode};

pub(crate) struct LyingDisk(pub(crate) Rc<dyn Disk>);

struct LyingFile(Rc<dyn DiskFile>);

impl Disk for LyingDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> DiskFuture<'_, Rc<dyn DiskFile>> {
        let opened = self.0.open(path, mode);
        Box::pin(async move { Ok(Rc::new(LyingFile(opened.await?)) as Rc<dyn DiskFile>) })
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
        self.0.sync_dir(path)
    }

    fn sync_all(&self) -> DiskFuture<'_, ()> {
        Box::pin(async { Ok(()) })
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

impl DiskFile for LyingFile {
    fn write(&self, buf: IoBuf, pos: u64) -> DiskFuture<'_, ()> {
        self.0.write(buf, pos)
    }

    fn read(&self, pos: u64, len: usize) -> DiskFuture<'_, Bytes> {
        self.0.read(pos, len)
    }

    fn sync(&self) -> DiskFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn allocate(&self, len: u64) -> DiskFuture<'_, ()> {
        self.0.allocate(len)
    }

    fn set_len(&self, len: u64) -> DiskFuture<'_, ()> {
        self.0.set_len(len)
    }

    fn len(&self) -> DiskFuture<'_, u64> {
        self.0.len()
    }

    fn close(self: Rc<Self>) -> DiskFuture<'static, ()> {
        Rc::clone(&self.0).close()
    }
}
