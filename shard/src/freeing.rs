//! Giving the blocks of removed files back piece by piece.
//!
//! A file system gives back those of a large file in one go, and tells the device so (`mount -o discard`); whoever
//! flushes meanwhile waits: 600 ms for 3 GB, measured. So a large file loses its name while it is held open, and is then
//! cut shorter step by step. After a crash, or when the broker stops, the kernel frees the rest.
//!
//! Whoever still reads such a file finds it too short, and then that its log begins later, was removed, or has another
//! segment in this one's place: see `Store::read_from_disk`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use rt::{Disk, DiskError, DiskFile, Notify, OpenMode};

use crate::limits;
use crate::shard::Shard;

/// A file without a name, and its length.
pub(crate) struct Nameless {
    file: Rc<dyn DiskFile>,
    bytes: u64,
}

/// Files that are given back, in order of arrival. Queue `freed-files`, with a limit because each holds a descriptor.
#[derive(Default)]
pub(crate) struct Freeing {
    queue: RefCell<VecDeque<Nameless>>,
    /// Somebody takes files from the queue: not while the broker starts or stops.
    is_served: Cell<bool>,
    reserved: Cell<usize>,
    arrived: Notify,
    taken: Notify,
}

/// A place in the queue for somebody who is about to remove a file.
pub(crate) struct Room<'a>(&'a Freeing);

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.0.reserved.set(self.0.reserved.get() - 1);
        self.0.taken.notify_all();
    }
}

impl Freeing {
    /// Takes hold of a file that is about to lose its name, if it is large. To be [given](Freeing::give) once it has.
    pub(crate) async fn hold(disk: &dyn Disk, path: &Path) -> Result<Option<Nameless>, DiskError> {
        let file = match disk.open(path, OpenMode::Existing).await {
            Err(DiskError::NotFound { .. }) => return Ok(None),
            other => other?,
        };
        let bytes = file.len().await?;
        Ok((bytes > limits::FREED_AT_ONCE_BYTES_MAX).then_some(Nameless { file, bytes }))
    }

    /// Resolves when there is room for another file, and keeps that.
    pub(crate) async fn room(&self) -> Room<'_> {
        while self.is_served.get() && self.queue.borrow().len() + self.reserved.get() >= limits::FREED_FILES_MAX {
            self.taken.notified().await;
        }
        self.reserved.set(self.reserved.get() + 1);
        Room(self)
    }

    /// The file has no name any more. Where there is no [room](Freeing::room) for it, it is freed in one go.
    pub(crate) fn give(&self, held: Option<Nameless>) {
        let has_room = self.is_served.get() && self.queue.borrow().len() < limits::FREED_FILES_MAX;
        let Some(held) = held.filter(|_| has_room) else { return };
        self.queue.borrow_mut().push_back(held);
        self.arrived.notify_all();
    }

    /// Removes a file's name, and later its blocks. A disk that cannot do that slowly does it at once.
    pub(crate) async fn remove_file(&self, disk: &dyn Disk, path: &Path) -> Result<(), DiskError> {
        let held = Self::hold(disk, path).await.unwrap_or_else(|cause| {
            tracing::debug!(%cause, "a file is given back in one go");
            None
        });
        disk.remove_file(path).await?;
        self.give(held);
        Ok(())
    }

    /// Removes the large files of a folder.
    pub(crate) async fn remove_large_files(&self, disk: &dyn Disk, folder: &Path) -> Result<(), DiskError> {
        for entry in disk.list(folder).await? {
            if !entry.is_dir && entry.len > limits::FREED_AT_ONCE_BYTES_MAX {
                let _room = self.room().await;
                self.remove_file(disk, &folder.join(entry.name)).await?;
            }
        }
        Ok(())
    }
}

impl Shard {
    pub(crate) async fn give_back_files(self: Rc<Self>) {
        let freeing = &self.store.freeing;
        freeing.is_served.set(true);
        while !self.gate.is_closing() {
            let Some(Nameless { file, mut bytes }) = freeing.queue.borrow_mut().pop_front() else {
                futures_lite::future::or(freeing.arrived.notified(), self.gate.closing()).await;
                continue;
            };
            freeing.taken.notify_all();
            while bytes > 0 && !self.gate.is_closing() {
                bytes = bytes.saturating_sub(limits::FREED_AT_ONCE_BYTES_MAX);
                if let Err(cause) = file.set_len(bytes).await {
                    tracing::warn!(%cause, "a removed file is given back in one go");
                    break;
                }
                futures_lite::future::or(rt::sleep(self.freeing_pause()), self.gate.closing()).await;
            }
            if let Err(cause) = file.close().await {
                tracing::warn!(%cause, "cannot close a removed file");
            }
        }
        // Whoever waits to give one more goes on.
        freeing.is_served.set(false);
        freeing.queue.borrow_mut().clear();
        freeing.taken.notify_all();
    }

    fn freeing_pause(&self) -> Duration {
        if self.space.is_short() { limits::FREEING_PAUSE_SHORT } else { limits::FREEING_PAUSE }
    }
}
