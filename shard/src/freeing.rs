//! Giving the blocks of removed files back piece by piece.
//!
//! A file system gives back those of a large file in one go, and tells the device so (`mount -o discard`); whoever
//! flushes meanwhile waits: 600 ms for 3 GB, measured. So a large file loses its name while it is held open, and is then
//! cut shorter step by step. After a crash the kernel frees the rest; a stop does so in one go.
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
use crate::task_queues::RETENTION;

/// A file without a name, and its length.
pub(crate) struct Nameless {
    file: Rc<dyn DiskFile>,
    bytes: u64,
}

impl Nameless {
    /// Gives back what is left. Not by closing: that would keep the core waiting, and this is done by another thread.
    async fn free(self) {
        let freed = match self.file.set_len(0).await {
            Ok(()) => self.file.close().await,
            cause => cause,
        };
        if let Err(cause) = freed {
            tracing::warn!(%cause, "cannot give back a removed file");
        }
    }
}

/// Files that are given back, in order of arrival. Queue `freed-files`, with limits: each holds a descriptor, and a stop
/// waits for all of them.
pub(crate) struct Freeing {
    queue: RefCell<VecDeque<Nameless>>,
    /// Somebody takes files from the queue: not while the broker starts or stops.
    is_served: Cell<bool>,
    reserved: Cell<usize>,
    /// Smaller files, and pieces of larger ones, are freed in one go.
    pub(crate) at_once_bytes_max: Cell<u64>,
    arrived: Notify,
    taken: Notify,
}

impl Default for Freeing {
    fn default() -> Self {
        Self {
            queue: RefCell::default(),
            is_served: Cell::new(false),
            reserved: Cell::new(0),
            at_once_bytes_max: Cell::new(limits::FREED_AT_ONCE_BYTES_MAX),
            arrived: Notify::default(),
            taken: Notify::default(),
        }
    }
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
    /// Where the disk cannot do that, the file is freed in one go.
    pub(crate) async fn hold(&self, disk: &dyn Disk, path: &Path) -> Option<Nameless> {
        let held = async {
            let file = disk.open(path, OpenMode::Existing).await?;
            let bytes = file.len().await?;
            Ok(Nameless { file, bytes })
        };
        match held.await {
            Ok(held) => Some(held).filter(|held| held.bytes > self.at_once_bytes_max.get()),
            Err(DiskError::NotFound { .. }) => None,
            Err(cause) => {
                tracing::debug!(%cause, "a file is given back in one go");
                None
            }
        }
    }

    /// Resolves when there is room for another file, and keeps that.
    pub(crate) async fn room(&self) -> Room<'_> {
        while self.is_served.get() && !self.has_room_for(self.reserved.get()) {
            self.taken.notified().await;
        }
        self.reserved.set(self.reserved.get() + 1);
        Room(self)
    }

    /// The file has no name any more. Where there is no [room](Freeing::room) for it, it is freed in one go.
    pub(crate) fn give(&self, held: Option<Nameless>) {
        let Some(held) = held else { return };
        if self.is_served.get() && self.has_room_for(0) {
            self.queue.borrow_mut().push_back(held);
            self.arrived.notify_all();
        } else {
            drop(rt::spawn(RETENTION, held.free()));
        }
    }

    fn has_room_for(&self, others: usize) -> bool {
        let queue = self.queue.borrow();
        let bytes: u64 = queue.iter().map(|held| held.bytes).sum();
        queue.len() + others < limits::FREED_FILES_MAX && bytes < limits::FREED_BYTES_MAX
    }

    /// Removes a file's name, and later its blocks: of a file that means nothing any more, also if it comes back.
    pub(crate) async fn remove_file(&self, disk: &dyn Disk, path: &Path) -> Result<(), DiskError> {
        let held = self.hold(disk, path).await;
        disk.remove_file(path).await?;
        self.give(held);
        Ok(())
    }

    /// Removes the large files of a folder.
    pub(crate) async fn remove_large_files(&self, disk: &dyn Disk, folder: &Path) -> Result<(), DiskError> {
        for entry in disk.list(folder).await? {
            if !entry.is_dir && entry.len > self.at_once_bytes_max.get() {
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
            let Some(mut held) = freeing.queue.borrow_mut().pop_front() else {
                futures_lite::future::or(freeing.arrived.notified(), self.gate.closing()).await;
                continue;
            };
            freeing.taken.notify_all();
            let step = freeing.at_once_bytes_max.get();
            while held.bytes > step && !self.gate.is_closing() {
                // Whole steps: a file system would write the rest of a block anew.
                held.bytes = (held.bytes - 1) / step * step;
                if let Err(cause) = held.file.set_len(held.bytes).await {
                    tracing::warn!(%cause, "a removed file is given back in one go");
                    break;
                }
                futures_lite::future::or(rt::sleep(self.freeing_pause()), self.gate.closing()).await;
            }
            held.free().await;
        }
        // Whoever waits to give one more goes on.
        freeing.is_served.set(false);
        freeing.taken.notify_all();
        let rest = std::mem::take(&mut *freeing.queue.borrow_mut());
        for held in rest {
            held.free().await;
        }
    }

    fn freeing_pause(&self) -> Duration {
        if self.space.is_short() { limits::FREEING_PAUSE_SHORT } else { limits::FREEING_PAUSE }
    }
}
