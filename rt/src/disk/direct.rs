//! A real disk: direct I/O through the ring, changes of folders on the blocking threads.

use std::cell::OnceCell;
use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use glommio::GlommioError;
use glommio::io::{DmaBuffer, DmaFile, OpenOptions};

use super::{DirEntry, Disk, DiskError, DiskFile, DiskFuture, OpenMode, components, replacing_path};
use crate::backend::{self, Backend};
use crate::blocking::blocking;
use crate::buffer::home::bytes_of;
use crate::buffer::{BLOCK_BYTES, IoBuf};
use crate::relay::Relay;

/// One read takes at most this; more is a mistake of the caller.
const READ_BYTES_MAX: usize = 1 << 30;

/// Files that [`DirectDisk::open`] makes and removes again. A crash may leave one; [`Disk::list`] doesn't show it.
const PROBE_PREFIX: &str = ".probe-";

/// Folders below the root in which a file is looked for when none can be made.
const PROBE_DEPTH_MAX: u32 = 3;

/// A folder of the file system this process runs on. Each core opens its own.
pub struct DirectDisk {
    root: PathBuf,
    /// A file on this device, for [`Disk::sync_all`].
    anchor: Arc<fs::File>,
}

impl DirectDisk {
    /// Makes the folder if it is not there.
    pub async fn open(root: PathBuf) -> Result<Rc<dyn Disk>, DiskError> {
        backend::with("DirectDisk::open", |backend| {
            assert!(matches!(backend, Backend::Real(_)), "a simulation has no real disk: use SimDisk");
        });
        let folder = root.clone();
        let made = change("open", Path::new(""), move || {
            let (probe, ours) = make_probe(&folder)?;
            let anchor = fs::File::open(&probe)?;
            Ok((probe, ours, anchor))
        });
        let (probe, ours, anchor) = made.await?;
        // glommio reads a block of the first file that it opens on a device to see whether the device can be polled. If
        // that file is empty the read can't fail, the device is taken for pollable, and every read of data fails later.
        let probed = async { DmaFile::open(&probe).await?.close().await }.await;
        if ours {
            change("open", Path::new(""), move || fs::remove_file(&probe)).await?;
        }
        probed.map_err(|error| DiskError::new("open", Path::new(""), &io_error(error)))?;
        Ok(Rc::new(Self { root, anchor: Arc::new(anchor) }))
    }

    fn resolve(&self, operation: &'static str, path: &Path) -> Result<PathBuf, DiskError> {
        match components(path) {
            Some(names) => Ok(names.into_iter().fold(self.root.clone(), |path, name| path.join(name))),
            None => Err(DiskError::from_errno(operation, path, libc::EINVAL)),
        }
    }

    /// As [`change`], for one path of this disk.
    fn at<T: Send + 'static>(
        &self,
        operation: &'static str,
        path: &Path,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> DiskFuture<'_, T> {
        let path = path.to_owned();
        Box::pin(async move {
            let full = self.resolve(operation, &path)?;
            change(operation, &path, move || work(&full)).await
        })
    }
}

/// Does something to the file system on a blocking thread.
async fn change<T: Send + 'static>(
    operation: &'static str,
    path: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, DiskError> {
    let result = blocking(work).await.unwrap_or_else(|panic| Err(io::Error::other(panic)));
    result.map_err(|error| DiskError::new(operation, path, &error))
}

/// A file with at least a block in it: one of our own making (then true), or on a full disk one that is there.
fn make_probe(root: &Path) -> io::Result<(PathBuf, bool)> {
    // The process id alone would do but for executors of one process that share a root.
    let path = root.join(format!("{PROBE_PREFIX}{}-{:016x}", std::process::id(), crate::entropy()));
    fs::create_dir_all(root)?;
    let written = fs::File::create_new(&path).and_then(|mut file| {
        file.write_all(&[1; BLOCK_BYTES])?;
        file.sync_all()
    });
    match written {
        Ok(()) => Ok((path, true)),
        Err(error) => {
            let _ = fs::remove_file(&path);
            let full = matches!(error.raw_os_error(), Some(libc::ENOSPC | libc::EDQUOT));
            let found = if full { find_whole_block(root, PROBE_DEPTH_MAX) } else { None };
            found.map(|path| (path, false)).ok_or(error)
        }
    }
}

fn find_whole_block(folder: &Path, depth: u32) -> Option<PathBuf> {
    fs::read_dir(folder).ok()?.flatten().find_map(|entry| {
        let metadata = entry.metadata().ok()?;
        if metadata.is_dir() && depth > 0 {
            return find_whole_block(&entry.path(), depth - 1);
        }
        (metadata.is_file() && metadata.len() >= BLOCK_BYTES as u64).then(|| entry.path())
    })
}

impl Disk for DirectDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> DiskFuture<'_, Rc<dyn DiskFile>> {
        let path = path.to_owned();
        Box::pin(async move {
            let full = self.resolve("open", &path)?;
            let opened = change("open", &path, move || {
                let mut options = fs::OpenOptions::new();
                options.read(true).write(true);
                match mode {
                    OpenMode::Existing => &mut options,
                    OpenMode::Create => options.create(true),
                    OpenMode::CreateNew => options.create_new(true),
                }
                .open(full)
            });
            let opened = opened.await?;
            let file = OpenOptions::new().read(true).write(true).dma_open(alias(opened.as_fd())).await;
            drop(opened);
            match file {
                Ok(file) => Ok(Rc::new(DirectFile { file, through: OnceCell::new(), path }) as Rc<dyn DiskFile>),
                Err(error) => Err(DiskError::new("open", &path, &io_error(error))),
            }
        })
    }

    fn create_dir_all(&self, path: &Path) -> DiskFuture<'_, ()> {
        self.at("create", path, |path| fs::create_dir_all(path))
    }

    fn list(&self, path: &Path) -> DiskFuture<'_, Vec<DirEntry>> {
        self.at("list", path, |path| {
            let mut entries = Vec::new();
            for entry in fs::read_dir(path)? {
                let entry = entry?;
                let Ok(name) = entry.file_name().into_string() else {
                    tracing::warn!(path = ?entry.path(), "this name is not UTF-8; the file is not looked at");
                    continue;
                };
                if name.starts_with(PROBE_PREFIX) {
                    continue;
                }
                let metadata = match entry.metadata() {
                    Ok(metadata) => metadata,
                    // Removed since it was listed.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(error),
                };
                let len = if metadata.is_dir() { 0 } else { metadata.len() };
                entries.push(DirEntry { name, is_dir: metadata.is_dir(), len });
            }
            entries.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(entries)
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> DiskFuture<'_, ()> {
        let (from, to) = (from.to_owned(), to.to_owned());
        Box::pin(async move {
            let source = self.resolve("rename", &from)?;
            let target = self.resolve("rename", &to)?;
            change("rename", &from, move || fs::rename(source, target)).await
        })
    }

    fn remove_file(&self, path: &Path) -> DiskFuture<'_, ()> {
        self.at("remove", path, |path| fs::remove_file(path))
    }

    fn remove_empty_dir(&self, path: &Path) -> DiskFuture<'_, ()> {
        self.at("remove", path, |path| fs::remove_dir(path))
    }

    fn remove_dir_all(&self, path: &Path) -> DiskFuture<'_, ()> {
        self.at("remove", path, |path| fs::remove_dir_all(path))
    }

    fn sync_dir(&self, path: &Path) -> DiskFuture<'_, ()> {
        self.at("sync", path, |path| fs::File::open(path)?.sync_all())
    }

    fn sync_all(&self) -> DiskFuture<'_, ()> {
        let anchor = Arc::clone(&self.anchor);
        Box::pin(change("sync", Path::new(""), move || {
            rustix::fs::syncfs(&*anchor)?;
            // Where no metadata was left to write, not every file system has told the device to empty its cache (XFS);
            // the flush of any file does.
            anchor.sync_data()
        }))
    }

    fn read_small(&self, path: &Path, bytes_max: usize) -> DiskFuture<'_, Vec<u8>> {
        let wanted = path.to_owned();
        Box::pin(async move {
            let (bytes, len) = self
                .at("read", &wanted, move |path| {
                    let file = fs::File::open(path)?;
                    let len = file.metadata()?.len();
                    let mut bytes = Vec::new();
                    if len <= bytes_max as u64 {
                        // The file may have grown since.
                        file.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
                    }
                    Ok((bytes, len))
                })
                .await?;
            let len = len.max(bytes.len() as u64);
            if len > bytes_max as u64 {
                return Err(DiskError::TooLarge { operation: "read", path: wanted, len, bytes_max });
            }
            Ok(bytes)
        })
    }

    fn replace_small(&self, path: &Path, bytes: Vec<u8>) -> DiskFuture<'_, ()> {
        self.at("replace", path, move |path| {
            let prepared = replacing_path(path);
            let mut file = fs::File::create(&prepared)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            drop(file);
            fs::rename(&prepared, path)?;
            let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
            fs::File::open(folder)?.sync_all()
        })
    }

    fn free_bytes(&self) -> DiskFuture<'_, u64> {
        self.at("look at the free space of", Path::new(""), |path| {
            let stat = rustix::fs::statvfs(path)?;
            Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
        })
    }
}

/// A path to an open file. glommio looks a file up by its path three times while it opens it, and panics if it has been
/// renamed or removed in between: under this path it can't be.
fn alias(file: BorrowedFd<'_>) -> String {
    format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd())
}

/// What glommio's error says, as `io::Error`.
fn io_error(error: GlommioError<()>) -> io::Error {
    match error {
        GlommioError::IoError(source) | GlommioError::EnhancedIoError { source, .. } => source,
        other => io::Error::other(other.to_string()),
    }
}

struct DirectFile {
    file: DmaFile,
    /// The same file, opened so that a write resolves once it is on stable storage; made when it is first needed.
    through: OnceCell<DmaFile>,
    /// As the caller named it, for errors.
    path: PathBuf,
}

impl DirectFile {
    fn fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the descriptor belongs to `file`, which is open as long as `self` is borrowed.
        unsafe { BorrowedFd::borrow_raw(self.file.as_raw_fd()) }
    }

    fn error(&self, operation: &'static str, error: GlommioError<()>) -> DiskError {
        DiskError::new(operation, &self.path, &io_error(error))
    }

    /// Writes all of the buffer through one of our descriptors.
    async fn write_by(&self, file: &DmaFile, buf: IoBuf, pos: u64) -> Result<(), DiskError> {
        if buf.is_empty() {
            return Ok(());
        }
        let buffer = buf.into_dma();
        let written = self.write_once(file, buffer.clone(), pos).await?;
        if written == buffer.len() {
            return Ok(());
        }
        // Less was written than asked: the disk is nearly full, or an interrupt came in between. Once more, from the
        // last whole block on.
        let done = written - written % BLOCK_BYTES;
        let rest = IoBuf::alloc(buffer.len() - done);
        rest.append(&buffer.as_bytes()[done..]);
        let (expected, rest) = (rest.len(), rest.into_dma());
        if self.write_once(file, rest, pos + done as u64).await? < expected {
            return Err(DiskError::NoSpace { operation: "write", path: self.path.clone() });
        }
        Ok(())
    }

    async fn write_once(&self, file: &DmaFile, buffer: Rc<DmaBuffer>, pos: u64) -> Result<usize, DiskError> {
        Relay::new(file.write_rc_at(buffer, pos)).await.map_err(|error| self.error("write", error))
    }

    async fn through(&self) -> Result<&DmaFile, DiskError> {
        if self.through.get().is_none() {
            let mut options = OpenOptions::new();
            options.read(true).write(true).custom_flags(libc::O_DSYNC);
            let opened = options.dma_open(alias(self.fd())).await.map_err(|error| self.error("open", error))?;
            // Another write may have been quicker.
            let _ = self.through.set(opened);
        }
        Ok(self.through.get().expect("it was just set"))
    }
}

impl DiskFile for DirectFile {
    fn write(&self, buf: IoBuf, pos: u64) -> DiskFuture<'_, ()> {
        check_aligned(pos);
        Box::pin(self.write_by(&self.file, buf, pos))
    }

    fn write_through(&self, buf: IoBuf, pos: u64) -> DiskFuture<'_, ()> {
        check_aligned(pos);
        Box::pin(async move { self.write_by(self.through().await?, buf, pos).await })
    }

    fn read(&self, pos: u64, len: usize) -> DiskFuture<'_, Bytes> {
        check_aligned(pos);
        check_aligned(len as u64);
        assert!(len <= READ_BYTES_MAX, "a read of {len} bytes");
        Box::pin(async move {
            if len == 0 {
                return Ok(Bytes::new());
            }
            let home = backend::with("read", |backend| match backend {
                Backend::Real(core) => core.home().clone(),
                Backend::Sim(_) => unreachable!("a real file was opened on an executor"),
            });
            home.take_back();
            let read = Relay::new(self.file.read_at_aligned(pos, len)).await;
            Ok(bytes_of(read.map_err(|error| self.error("read", error))?, home))
        })
    }

    fn sync(&self) -> DiskFuture<'_, ()> {
        Box::pin(async move { Relay::new(self.file.fdatasync()).await.map_err(|error| self.error("sync", error)) })
    }

    fn allocate(&self, len: u64) -> DiskFuture<'_, ()> {
        Box::pin(async move {
            let allocated = Relay::new(self.file.pre_allocate(len, false)).await;
            allocated.map_err(|error| self.error("allocate space for", error))
        })
    }

    fn set_len(&self, len: u64) -> DiskFuture<'_, ()> {
        Box::pin(async move {
            // A descriptor of its own: the blocking thread may get to it after this file is closed and its number used
            // for another.
            let own = self.fd().try_clone_to_owned();
            let work = move || rustix::fs::ftruncate(own?, len).map_err(io::Error::from);
            let result = blocking(work).await.unwrap_or_else(|panic| Err(io::Error::other(panic)));
            result.map_err(|error| DiskError::new("set the length of", &self.path, &error))
        })
    }

    fn len(&self) -> DiskFuture<'_, u64> {
        // By descriptor and at once; glommio would ask by path, which may be another file's by now.
        let len = rustix::fs::fstat(self.fd()).map(|stat| u64::try_from(stat.st_size).expect("a length is positive"));
        Box::pin(async move { len.map_err(|error| DiskError::new("look at", &self.path, &error.into())) })
    }

    fn close(self: Rc<Self>) -> DiskFuture<'static, ()> {
        Box::pin(async move {
            match Rc::try_unwrap(self) {
                Ok(Self { file, through, path }) => {
                    for file in through.into_inner().into_iter().chain([file]) {
                        file.close().await.map_err(|error| DiskError::new("close", &path, &io_error(error)))?;
                    }
                    Ok(())
                }
                Err(_others_use_it) => Ok(()),
            }
        })
    }
}

fn check_aligned(number: u64) {
    assert!(number.is_multiple_of(BLOCK_BYTES as u64), "{number} is not a multiple of {BLOCK_BYTES}");
}
