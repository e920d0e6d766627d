//! A simulated disk and its files as programs see them. Every operation takes virtual time.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use bytes::Bytes;

use super::file::Change;
use super::folder::InodeId;
use super::state::{Created, Errno, State};
use super::{DiskCounters, DiskOperation, Shared, stale};
use crate::backend;
use crate::buffer::{BLOCK_BYTES, IoBuf};
use crate::disk::{DirEntry, Disk, DiskError, DiskFile, DiskFuture, OpenMode, replacing_path};
use crate::task::{TaskQueue, spawn};
use crate::time::sleep;

/// The disk since one boot.
#[derive(Clone)]
pub(super) struct Attached {
    shared: Rc<Shared>,
    epoch: u64,
}

impl Attached {
    pub(super) fn new(shared: Rc<Shared>) -> Self {
        let epoch = shared.epoch.get();
        Self { shared, epoch }
    }

    /// Starts an operation in a task of its own, so that it goes on if its future is dropped, as I/O does.
    fn start<T: 'static>(
        &self,
        operation: impl AsyncFnOnce(Self) -> Result<T, DiskError> + 'static,
    ) -> DiskFuture<'_, T> {
        let this = self.clone();
        Box::pin(async move { spawn(TaskQueue::DEFAULT, async move { operation(this).await }).await })
    }

    fn check_alive(&self, operation: &'static str, path: &Path) -> Result<(), DiskError> {
        if self.epoch == self.shared.epoch.get() { Ok(()) } else { Err(stale(operation, path)) }
    }

    /// Does something to the tree of folders, at some moment of the time that it takes.
    async fn in_folders<T>(
        &self,
        operation: &'static str,
        path: &Path,
        act: impl FnOnce(&mut State) -> Result<T, Errno>,
    ) -> Result<T, DiskError> {
        self.check_alive(operation, path)?;
        let fails = self.shared.fails(DiskOperation::Folders);
        let delay = self.shared.delay(self.shared.config.folder_delay);
        let before = delay / 4 * u32::try_from(self.draw_below(5)).expect("below five");
        sleep(before).await;
        self.check_alive(operation, path)?;
        let result = if fails { Err(libc::EIO) } else { act(&mut self.shared.state.borrow_mut()) };
        mix(&[u64::from(result.is_ok()), operation.len() as u64, path.as_os_str().len() as u64]);
        sleep(delay - before).await;
        result.map_err(|errno| DiskError::from_errno(operation, path, errno))
    }

    /// Changes a file, at the end of the time that it takes; whoever is dropped meanwhile leaves it to chance.
    async fn change(
        &self,
        operation: &'static str,
        path: &Path,
        inode: InodeId,
        change: Change,
    ) -> Result<(), DiskError> {
        self.check_alive(operation, path)?;
        let fails = match &change {
            Change::Write { bytes, .. } => {
                let len = bytes.len() as u64;
                self.count(|counters| {
                    (counters.writes, counters.write_bytes) = (counters.writes + 1, counters.write_bytes + len)
                });
                self.shared.fails(DiskOperation::Write)
            }
            Change::SetLen(_) => {
                self.count(|counters| counters.lengths_set += 1);
                self.shared.fails(DiskOperation::SetLen)
            }
            Change::Allocate(_) => self.shared.fails(DiskOperation::Allocate),
        };
        let begun = Begun { shared: &self.shared, id: self.shared.state.borrow_mut().begin(inode, change) };
        sleep(self.shared.delay(self.shared.config.write_delay)).await;
        self.check_alive(operation, path)?;
        let mut state = self.shared.state.borrow_mut();
        let change = state.end(begun.id).expect("it is taken out here, or by a crash");
        let result = if fails {
            if let Change::Write { pos, bytes } = change {
                state.tear(inode, pos, &bytes, || self.draw_below(2) == 0);
            }
            Err(libc::EIO)
        } else {
            if let Change::Write { pos, bytes } = &change {
                mix(&[*pos, hash(bytes)]);
            }
            state.complete(inode, change)
        };
        drop(state);
        result.map_err(|errno| DiskError::from_errno(operation, path, errno))
    }

    async fn read_at(&self, path: &Path, inode: InodeId, pos: u64, len: usize) -> Result<Vec<u8>, DiskError> {
        self.check_alive("read", path)?;
        let fails = self.shared.fails(DiskOperation::Read);
        sleep(self.shared.delay(self.shared.config.read_delay)).await;
        self.check_alive("read", path)?;
        if fails {
            return Err(DiskError::from_errno("read", path, libc::EIO));
        }
        let bytes = self.shared.state.borrow().read(inode, pos, len);
        let len = bytes.len() as u64;
        self.count(|counters| (counters.reads, counters.read_bytes) = (counters.reads + 1, counters.read_bytes + len));
        mix(&[pos, hash(&bytes)]);
        Ok(bytes)
    }

    async fn sync_file(&self, path: &Path, inode: InodeId) -> Result<(), DiskError> {
        self.check_alive("sync", path)?;
        self.count(|counters| counters.syncs += 1);
        let fails = self.shared.fails(DiskOperation::Sync);
        let mark = self.shared.state.borrow_mut().file(inode).begin_sync();
        sleep(self.shared.delay(self.shared.config.sync_delay)).await;
        self.check_alive("sync", path)?;
        mix(&[mark, u64::from(fails)]);
        let mut state = self.shared.state.borrow_mut();
        if fails {
            state.file(inode).fail_sync(mark);
            return Err(DiskError::from_errno("sync", path, libc::EIO));
        }
        state.file(inode).sync(mark);
        Ok(())
    }

    async fn sync_folder(&self, path: &Path) -> Result<(), DiskError> {
        self.check_alive("sync", path)?;
        self.count(|counters| counters.dir_syncs += 1);
        let fails = self.shared.fails(DiskOperation::SyncDir);
        let (folder, mark) = {
            let state = self.shared.state.borrow();
            let folder = state.folder(path).map_err(|errno| DiskError::from_errno("sync", path, errno))?;
            (folder, state.folders.sync_mark())
        };
        sleep(self.shared.delay(self.shared.config.sync_delay)).await;
        self.check_alive("sync", path)?;
        mix(&[mark, u64::from(fails)]);
        let folders = &mut self.shared.state.borrow_mut().folders;
        if fails {
            folders.fail_sync(folder, mark);
            return Err(DiskError::from_errno("sync", path, libc::EIO));
        }
        folders.sync(folder, mark);
        Ok(())
    }

    async fn sync_everything(&self) -> Result<(), DiskError> {
        let root = Path::new("");
        self.check_alive("sync", root)?;
        self.count(|counters| counters.syncs += 1);
        let fails = self.shared.fails(DiskOperation::Sync);
        let marks = self.shared.state.borrow_mut().begin_sync_all();
        sleep(self.shared.delay(self.shared.config.sync_delay)).await;
        self.check_alive("sync", root)?;
        mix(&[marks.folders, u64::from(fails)]);
        let mut state = self.shared.state.borrow_mut();
        if fails {
            state.fail_sync_all(&marks);
            return Err(DiskError::from_errno("sync", root, libc::EIO));
        }
        state.sync_all(&marks);
        Ok(())
    }

    async fn open_file(&self, operation: &'static str, path: &Path, mode: OpenMode) -> Result<InodeId, DiskError> {
        let (inode, created) = self.in_folders(operation, path, |state| state.open(path, mode)).await?;
        if created == Created::Yes {
            self.count(|counters| counters.folder_changes += 1);
        }
        Ok(inode)
    }

    /// The steps of a real one, so that a crash can come between any two of them.
    async fn replace(&self, path: &Path, bytes: Vec<u8>) -> Result<(), DiskError> {
        let prepared = replacing_path(path);
        let inode = self.open_file("replace", &prepared, OpenMode::Create).await?;
        self.change("replace", &prepared, inode, Change::SetLen(0)).await?;
        self.change("replace", &prepared, inode, Change::Write { pos: 0, bytes: bytes.into() }).await?;
        self.sync_file(&prepared, inode).await?;
        self.in_folders("replace", path, |state| state.rename(&prepared, path)).await?;
        self.count(|counters| counters.folder_changes += 1);
        self.sync_folder(path.parent().unwrap_or(Path::new(""))).await
    }

    fn count(&self, add: impl FnOnce(&mut DiskCounters)) {
        self.shared.count(add);
    }

    fn draw_below(&self, end: u64) -> u64 {
        self.shared.random.borrow_mut().below(end)
    }
}

/// A change that is under way.
struct Begun<'a> {
    shared: &'a Shared,
    id: u64,
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.shared.state.borrow_mut().abandon(self.id, &mut self.shared.random.borrow_mut());
    }
}

impl Disk for Attached {
    fn open(&self, path: &Path, mode: OpenMode) -> DiskFuture<'_, Rc<dyn DiskFile>> {
        let path = path.to_owned();
        self.start(async move |disk| {
            let inode = disk.open_file("open", &path, mode).await?;
            disk.count(|counters| counters.opens += 1);
            Ok(Rc::new(AttachedFile { disk, inode, path }) as Rc<dyn DiskFile>)
        })
    }

    fn create_dir_all(&self, path: &Path) -> DiskFuture<'_, ()> {
        let path = path.to_owned();
        self.start(async move |disk| {
            let made = disk.in_folders("create", &path, |state| state.create_dir_all(&path)).await?;
            disk.count(|counters| counters.folder_changes += made);
            Ok(())
        })
    }

    fn list(&self, path: &Path) -> DiskFuture<'_, Vec<DirEntry>> {
        let path = path.to_owned();
        self.start(async move |disk| disk.in_folders("list", &path, |state| state.list(&path)).await)
    }

    fn rename(&self, from: &Path, to: &Path) -> DiskFuture<'_, ()> {
        let (from, to) = (from.to_owned(), to.to_owned());
        self.start(async move |disk| {
            disk.count(|counters| counters.folder_changes += 1);
            disk.in_folders("rename", &from, |state| state.rename(&from, &to)).await
        })
    }

    fn remove_file(&self, path: &Path) -> DiskFuture<'_, ()> {
        let path = path.to_owned();
        self.start(async move |disk| {
            disk.count(|counters| counters.folder_changes += 1);
            disk.in_folders("remove", &path, |state| state.remove_file(&path)).await
        })
    }

    fn remove_empty_dir(&self, path: &Path) -> DiskFuture<'_, ()> {
        let path = path.to_owned();
        self.start(async move |disk| {
            disk.count(|counters| counters.folder_changes += 1);
            disk.in_folders("remove", &path, |state| state.remove_empty_dir(&path)).await
        })
    }

    fn remove_dir_all(&self, path: &Path) -> DiskFuture<'_, ()> {
        let path = path.to_owned();
        self.start(async move |disk| {
            let removed = disk.in_folders("remove", &path, |state| state.remove_dir_all(&path)).await?;
            disk.count(|counters| counters.folder_changes += removed);
            Ok(())
        })
    }

    fn sync_dir(&self, path: &Path) -> DiskFuture<'_, ()> {
        let path = path.to_owned();
        self.start(async move |disk| disk.sync_folder(&path).await)
    }

    fn sync_all(&self) -> DiskFuture<'_, ()> {
        self.start(async move |disk| disk.sync_everything().await)
    }

    fn read_small(&self, path: &Path, bytes_max: usize) -> DiskFuture<'_, Vec<u8>> {
        let path = path.to_owned();
        self.start(async move |disk| {
            let inode = disk.in_folders("read", &path, |state| state.file_at(&path)).await?;
            let len = disk.shared.state.borrow().len(inode);
            if len > bytes_max as u64 {
                return Err(DiskError::TooLarge { operation: "read", path, len, bytes_max });
            }
            disk.read_at(&path, inode, 0, bytes_max).await
        })
    }

    fn replace_small(&self, path: &Path, bytes: Vec<u8>) -> DiskFuture<'_, ()> {
        let path = path.to_owned();
        self.start(async move |disk| disk.replace(&path, bytes).await)
    }

    fn free_bytes(&self) -> DiskFuture<'_, u64> {
        self.start(async move |disk| {
            let root = Path::new("");
            disk.in_folders("look at the free space of", root, |state| Ok(state.free_bytes())).await
        })
    }
}

struct AttachedFile {
    disk: Attached,
    inode: InodeId,
    path: PathBuf,
}

impl AttachedFile {
    fn change(&self, operation: &'static str, change: Change) -> DiskFuture<'_, ()> {
        let (inode, path) = (self.inode, self.path.clone());
        self.disk.start(async move |disk| disk.change(operation, &path, inode, change).await)
    }
}

impl DiskFile for AttachedFile {
    fn write(&self, buf: IoBuf, pos: u64) -> DiskFuture<'_, ()> {
        check_aligned(pos);
        let mut bytes = buf.as_slice().to_vec();
        bytes.resize(bytes.len().next_multiple_of(BLOCK_BYTES), 0);
        if bytes.is_empty() {
            return Box::pin(async { Ok(()) });
        }
        self.change("write", Change::Write { pos, bytes: bytes.into() })
    }

    fn read(&self, pos: u64, len: usize) -> DiskFuture<'_, Bytes> {
        check_aligned(pos);
        check_aligned(len as u64);
        let (inode, path) = (self.inode, self.path.clone());
        self.disk.start(async move |disk| Ok(Bytes::from(disk.read_at(&path, inode, pos, len).await?)))
    }

    fn sync(&self) -> DiskFuture<'_, ()> {
        let (inode, path) = (self.inode, self.path.clone());
        self.disk.start(async move |disk| disk.sync_file(&path, inode).await)
    }

    fn allocate(&self, len: u64) -> DiskFuture<'_, ()> {
        self.change("allocate space for", Change::Allocate(len))
    }

    fn set_len(&self, len: u64) -> DiskFuture<'_, ()> {
        self.change("set the length of", Change::SetLen(len))
    }

    fn len(&self) -> DiskFuture<'_, u64> {
        Box::pin(async {
            self.disk.check_alive("look at", &self.path)?;
            Ok(self.disk.shared.state.borrow().len(self.inode))
        })
    }

    fn close(self: Rc<Self>) -> DiskFuture<'static, ()> {
        Box::pin(async move { self.disk.check_alive("close", &self.path) })
    }
}

fn check_aligned(number: u64) {
    assert!(number.is_multiple_of(BLOCK_BYTES as u64), "{number} is not a multiple of {BLOCK_BYTES}");
}

/// Mixes what has happened into the fingerprint of the simulation.
fn mix(values: &[u64]) {
    if let Some(world) = backend::simulation() {
        values.iter().for_each(|value| world.mix(*value));
    }
}

/// In four lanes: simulations read and write a lot, and one multiplication would wait for the other.
fn hash(bytes: &[u8]) -> u64 {
    let step = |hash: u64, word: u64| (hash.rotate_left(11) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let (words, rest) = bytes.as_chunks::<8>();
    let (fours, words) = words.as_chunks::<4>();
    let mut lanes = [bytes.len() as u64; 4];
    for four in fours {
        for (lane, word) in lanes.iter_mut().zip(four) {
            *lane = step(*lane, u64::from_le_bytes(*word));
        }
    }
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let last = lanes.into_iter().chain(words).chain(rest.iter().map(|byte| u64::from(*byte)));
    last.fold(0, step)
}
