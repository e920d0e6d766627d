//! Files and folders, as a trait, so that everything above runs on a real disk and on a simulated one.
//!
//! Operations begin when their future is first polled. Dropping a future before it is done leaves open whether the
//! operation happened.

use std::future::Future;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::pin::Pin;
use std::rc::Rc;

use bytes::Bytes;

use crate::buffer::IoBuf;

mod direct;
mod operations;
mod watched;

pub use direct::DirectDisk;
pub use operations::DiskOperations;
pub use watched::{DiskStalls, StalledOperation, WatchedDisk};

pub type DiskFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, DiskError>> + 'a>>;

/// A folder of a file system and what is in it. All paths are relative to it, and may not leave it.
///
/// What changes a folder (creating, renaming, removing an entry) is on stable storage only after [`Disk::sync_dir`] of
/// that folder, and of the folders that lead to it where those are new.
pub trait Disk {
    fn open(&self, path: &Path, mode: OpenMode) -> DiskFuture<'_, Rc<dyn DiskFile>>;

    /// Makes the folder and those that lead to it. Fine if they are there.
    fn create_dir_all(&self, path: &Path) -> DiskFuture<'_, ()>;

    /// What is in the folder, by name. Names that are not UTF-8 are left out.
    fn list(&self, path: &Path) -> DiskFuture<'_, Vec<DirEntry>>;

    /// Moves a file or folder; a file at `to` is replaced.
    fn rename(&self, from: &Path, to: &Path) -> DiskFuture<'_, ()>;

    fn remove_file(&self, path: &Path) -> DiskFuture<'_, ()>;

    /// Removes the folder if nothing is in it; an error if something is, or if it is not there.
    fn remove_empty_dir(&self, path: &Path) -> DiskFuture<'_, ()>;

    /// Removes the folder and everything in it.
    fn remove_dir_all(&self, path: &Path) -> DiskFuture<'_, ()>;

    /// Flushes the entries of the folder itself to stable storage.
    fn sync_dir(&self, path: &Path) -> DiskFuture<'_, ()>;

    /// Puts everything on stable storage that had completed on this disk when this was called: writes, lengths, entries
    /// of folders. One such call is cheaper than flushes of hundreds of files, but it waits for whatever else is to be
    /// written to the same file system. After an error holds what is said of [`DiskFile::sync`].
    fn sync_all(&self) -> DiskFuture<'_, ()>;

    /// Reads a whole file of at most `bytes_max` bytes; a longer one is refused as [`DiskError::TooLarge`].
    fn read_small(&self, path: &Path, bytes_max: usize) -> DiskFuture<'_, Vec<u8>>;

    /// Replaces a whole file so that a crash leaves either the old or the new content, and the new one once this has
    /// resolved. A crash may leave a file behind whose name has [`REPLACING_SUFFIX`] at its end; it means nothing.
    fn replace_small(&self, path: &Path, bytes: Vec<u8>) -> DiskFuture<'_, ()>;

    /// Bytes that an ordinary user may still write.
    fn free_bytes(&self) -> DiskFuture<'_, u64>;
}

/// What [`Disk::replace_small`] adds to the name of the file it prepares.
pub const REPLACING_SUFFIX: &str = ".replacing";

/// An open file, read and written past the page cache in blocks of [`crate::BLOCK_BYTES`].
#[expect(clippy::len_without_is_empty, reason = "the length is asked from the disk; nobody asks twice")]
pub trait DiskFile {
    /// Writes the buffer's bytes at `pos`, a multiple of the block size, and zeroes up to the end of the last block.
    ///
    /// The bytes are not copied if the buffer is full, or if the caller handed in its only reference.
    fn write(&self, buf: IoBuf, pos: u64) -> DiskFuture<'_, ()>;

    /// Reads `len` bytes at `pos`, both multiples of the block size; fewer at the end of the file.
    ///
    /// The bytes may go to other cores.
    fn read(&self, pos: u64, len: usize) -> DiskFuture<'_, Bytes>;

    /// Puts all writes on stable storage that had completed when this was called.
    ///
    /// After an error what was written since the last good sync may be gone, and the next sync may still say that all
    /// is well: never try again.
    fn sync(&self) -> DiskFuture<'_, ()>;

    /// As [`DiskFile::write`], and what it wrote is on stable storage when it resolves. After an error holds what is said
    /// of [`DiskFile::sync`]. For a single write this is cheaper than the two calls; it covers no other write.
    fn write_through(&self, buf: IoBuf, pos: u64) -> DiskFuture<'_, ()> {
        Box::pin(async move {
            self.write(buf, pos).await?;
            self.sync().await
        })
    }

    /// Makes the file at least `len` bytes long; what is new reads as zeroes and has space set aside.
    fn allocate(&self, len: u64) -> DiskFuture<'_, ()>;

    /// Cuts the file to `len` bytes, or extends it with zeroes.
    fn set_len(&self, len: u64) -> DiskFuture<'_, ()>;

    fn len(&self) -> DiskFuture<'_, u64>;

    /// Closes the file if this is the last reference to it; otherwise the last one to be dropped does.
    fn close(self: Rc<Self>) -> DiskFuture<'static, ()>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// The file must be there.
    Existing,
    /// The file is made if it isn't there.
    Create,
    /// The file must not be there.
    CreateNew,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirEntry {
    pub name: String,
    pub is_dir: bool,
    /// Zero for a folder.
    pub len: u64,
}

/// What a disk said no to, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiskError {
    #[error("cannot {operation} {path:?}: it does not exist")]
    NotFound { operation: &'static str, path: PathBuf },
    #[error("cannot {operation} {path:?}: it exists already")]
    AlreadyExists { operation: &'static str, path: PathBuf },
    /// Worth another try once space is freed.
    #[error("cannot {operation} {path:?}: the disk is full")]
    NoSpace { operation: &'static str, path: PathBuf },
    #[error("cannot {operation} {path:?}: it has {len} bytes, and at most {bytes_max} are expected")]
    TooLarge { operation: &'static str, path: PathBuf, len: u64, bytes_max: usize },
    #[error("cannot {operation} {path:?}: {}", io::Error::from_raw_os_error(*errno))]
    Io { operation: &'static str, path: PathBuf, errno: i32 },
}

impl DiskError {
    pub(crate) fn new(operation: &'static str, path: &Path, cause: &io::Error) -> Self {
        // The few errors that std or glommio make themselves have no number.
        Self::from_errno(operation, path, cause.raw_os_error().unwrap_or(libc::EIO))
    }

    pub(crate) fn from_errno(operation: &'static str, path: &Path, errno: i32) -> Self {
        let path = path.to_owned();
        match errno {
            libc::ENOENT => Self::NotFound { operation, path },
            libc::EEXIST => Self::AlreadyExists { operation, path },
            libc::ENOSPC | libc::EDQUOT => Self::NoSpace { operation, path },
            errno => Self::Io { operation, path, errno },
        }
    }
}

/// The names that lead from the root to `path`; `None` if it is absolute, leads out of the root or is not UTF-8.
pub(crate) fn components(path: &Path) -> Option<Vec<&str>> {
    path.components()
        .filter(|component| *component != Component::CurDir)
        .map(|component| match component {
            Component::Normal(name) => name.to_str(),
            Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => None,
        })
        .collect()
}

/// The path under which a file is prepared that shall replace `path`.
pub(crate) fn replacing_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(REPLACING_SUFFIX);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leaves_the_root_has_no_components() {
        for path in ["/etc", "../x", "a/../../b", "a/.."] {
            assert_eq!(components(Path::new(path)), None, "{path}");
        }
        assert_eq!(components(Path::new("a/./b")), Some(vec!["a", "b"]));
        assert_eq!(components(Path::new("")), Some(vec![]));
        assert_eq!(components(Path::new(".")), Some(vec![]));
    }

    #[test]
    fn an_error_names_the_operation_the_path_and_the_cause() {
        let error = DiskError::from_errno("sync", Path::new("t/0/log"), libc::EIO);
        assert_eq!(error.to_string(), "cannot sync \"t/0/log\": Input/output error (os error 5)");
        let full = DiskError::from_errno("write", Path::new("a"), libc::ENOSPC);
        assert_eq!(full, DiskError::NoSpace { operation: "write", path: "a".into() });
    }
}
