//! A folder that can only be read, by plain system calls: no probe is written, no direct I/O and no io_uring is needed,
//! so that a copied folder can be looked at anywhere.

use std::fs::{self, File};
use std::future::ready;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use bytes::Bytes;
use rt::{DirEntry, Disk, DiskError, DiskFile, DiskFuture, IoBuf, OpenMode};

/// Read-only file system
const EROFS: i32 = 30;
const EIO: i32 = 5;

pub(crate) struct ReadOnlyFolder {
    root: PathBuf,
}

impl ReadOnlyFolder {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }
}

fn error_of(operation: &'static str, path: &Path, error: &io::Error) -> DiskError {
    match error.kind() {
        io::ErrorKind::NotFound => DiskError::NotFound { operation, path: path.to_owned() },
        _ => DiskError::Io { operation, path: path.to_owned(), errno: error.raw_os_error().unwrap_or(EIO) },
    }
}

fn done<'a, T: 'a>(operation: &'static str, path: &Path, result: io::Result<T>) -> DiskFuture<'a, T> {
    Box::pin(ready(result.map_err(|error| error_of(operation, path, &error))))
}

fn refused<'a, T: 'a>(operation: &'static str, path: &Path) -> DiskFuture<'a, T> {
    done(operation, path, Err(io::Error::from_raw_os_error(EROFS)))
}

impl Disk for ReadOnlyFolder {
    fn open(&self, path: &Path, mode: OpenMode) -> DiskFuture<'_, Rc<dyn DiskFile>> {
        match mode {
            OpenMode::Existing => {
                let opened = File::open(self.root.join(path));
                let file = opened.map(|file| Rc::new(ReadOnlyFile { file, path: path.to_owned() }) as Rc<dyn DiskFile>);
                done("open", path, file)
            }
            OpenMode::Create | OpenMode::CreateNew => refused("create", path),
        }
    }

    fn create_dir_all(&self, path: &Path) -> DiskFuture<'_, ()> {
        refused("create", path)
    }

    fn list(&self, path: &Path) -> DiskFuture<'_, Vec<DirEntry>> {
        done("list", path, list(&self.root.join(path)))
    }

    fn rename(&self, from: &Path, _: &Path) -> DiskFuture<'_, ()> {
        refused("rename", from)
    }

    fn remove_file(&self, path: &Path) -> DiskFuture<'_, ()> {
        refused("remove", path)
    }

    fn remove_empty_dir(&self, path: &Path) -> DiskFuture<'_, ()> {
        refused("remove", path)
    }

    fn remove_dir_all(&self, path: &Path) -> DiskFuture<'_, ()> {
        refused("remove", path)
    }

    fn sync_dir(&self, path: &Path) -> DiskFuture<'_, ()> {
        refused("sync", path)
    }

    fn sync_all(&self) -> DiskFuture<'_, ()> {
        refused("sync", Path::new(""))
    }

    fn read_small(&self, path: &Path, bytes_max: usize) -> DiskFuture<'_, Vec<u8>> {
        let full = self.root.join(path);
        let len = fs::metadata(&full).map_or(0, |metadata| metadata.len());
        if usize::try_from(len).is_ok_and(|len| len <= bytes_max) {
            return done("read", path, fs::read(full));
        }
        let error = DiskError::TooLarge { operation: "read", path: path.to_owned(), len, bytes_max };
        Box::pin(ready(Err(error)))
    }

    fn replace_small(&self, path: &Path, _: Vec<u8>) -> DiskFuture<'_, ()> {
        refused("replace", path)
    }

    fn free_bytes(&self) -> DiskFuture<'_, u64> {
        Box::pin(ready(Ok(0)))
    }
}

fn list(folder: &Path) -> io::Result<Vec<DirEntry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        // What a running broker removes meanwhile is left out.
        let Ok(metadata) = entry.metadata() else { continue };
        let is_dir = metadata.is_dir();
        entries.push(DirEntry { name, is_dir, len: if is_dir { 0 } else { metadata.len() } });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

struct ReadOnlyFile {
    file: File,
    path: PathBuf,
}

impl DiskFile for ReadOnlyFile {
    fn write(&self, _: IoBuf, _: u64) -> DiskFuture<'_, ()> {
        refused("write", &self.path)
    }

    fn read(&self, pos: u64, len: usize) -> DiskFuture<'_, Bytes> {
        done("read", &self.path, read(&self.file, pos, len))
    }

    fn sync(&self) -> DiskFuture<'_, ()> {
        refused("sync", &self.path)
    }

    fn allocate(&self, _: u64) -> DiskFuture<'_, ()> {
        refused("extend", &self.path)
    }

    fn set_len(&self, _: u64) -> DiskFuture<'_, ()> {
        refused("cut", &self.path)
    }

    fn len(&self) -> DiskFuture<'_, u64> {
        done("measure", &self.path, self.file.metadata().map(|metadata| metadata.len()))
    }

    fn close(self: Rc<Self>) -> DiskFuture<'static, ()> {
        Box::pin(ready(Ok(())))
    }
}

fn read(file: &File, pos: u64, len: usize) -> io::Result<Bytes> {
    let left = file.metadata()?.len().saturating_sub(pos);
    let mut bytes = vec![0; len.min(usize::try_from(left).unwrap_or(usize::MAX))];
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], pos + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes.into())
}
