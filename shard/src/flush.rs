//! Flushes, and what their failure means.
//!
//! After a failed flush nobody knows what of the writes before it is on the disk: the kernel may have let go of them and
//! marked them clean, and the next flush says that all is well. That holds whatever the cause was. "No space" is no
//! exception, although a *write* that finds no space has simply not happened and may be tried again: a file system
//! that gives out blocks late, a thin volume or a quota may refuse at the flush what it had accepted at the write. So
//! a flush never fails with [`DiskError::NoSpace`], which everybody here takes for "try again later": it fails for good,
//! the core is poisoned, and the next start decides from what can be read back, with the journal and the checkpoint of
//! before still in place.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use rt::{Disk, DiskError, DiskFile, IoBuf};

use crate::limits;

/// What the kernel says of a full disk.
const ENOSPC: i32 = 28;

pub(crate) async fn sync(file: &dyn DiskFile) -> Result<(), DiskError> {
    file.sync().await.map_err(for_good)
}

/// Whether a write is to be flushed by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Through {
    #[default]
    No,
    /// In one step. Covers no other write.
    Yes,
}

pub(crate) async fn write(
    file: &dyn DiskFile,
    buffer: IoBuf,
    position: u64,
    through: Through,
) -> Result<(), DiskError> {
    match through {
        Through::No => file.write(buffer, position).await,
        Through::Yes => file.write_through(buffer, position).await.map_err(for_good),
    }
}

pub(crate) async fn sync_dir(disk: &dyn Disk, folder: &Path) -> Result<(), DiskError> {
    disk.sync_dir(folder).await.map_err(for_good)
}

/// All that has completed on the disk.
pub(crate) async fn sync_all(disk: &dyn Disk) -> Result<(), DiskError> {
    disk.sync_all().await.map_err(for_good)
}

/// Flushes that cover what several cores have written: of folders in which each has entries, and of the whole disk. When
/// one of them fails no core may believe its own next one, which would say that all is well.
#[derive(Clone, Debug, Default)]
pub struct SharedFlushes(Arc<OnceLock<DiskError>>);

impl SharedFlushes {
    /// The first failure, on any core.
    pub(crate) fn failed(&self) -> Option<DiskError> {
        self.0.get().cloned()
    }

    /// What a flush is worth that has ended like this here.
    pub(crate) fn note(&self, result: Result<(), DiskError>) -> Result<(), DiskError> {
        if let Err(cause) = &result {
            // A later one changes nothing.
            let _ = self.0.set(cause.clone());
        }
        self.failed().map_or(Ok(()), Err)
    }
}

/// How the files of many partitions are flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flushing {
    /// Each file and folder by itself.
    Each,
    /// By one [`sync_all`] when everything is written; until then nothing is.
    Together,
}

impl Flushing {
    /// What is cheaper for so many partitions.
    pub(crate) fn of(partitions: usize) -> Self {
        if partitions >= limits::FLUSH_TOGETHER_PARTITIONS { Self::Together } else { Self::Each }
    }

    pub(crate) async fn sync(self, file: &dyn DiskFile) -> Result<(), DiskError> {
        match self {
            Self::Each => sync(file).await,
            Self::Together => Ok(()),
        }
    }

    pub(crate) async fn sync_dir(self, disk: &dyn Disk, folder: &Path) -> Result<(), DiskError> {
        match self {
            Self::Each => sync_dir(disk, folder).await,
            Self::Together => Ok(()),
        }
    }
}

pub(crate) fn for_good(error: DiskError) -> DiskError {
    match error {
        DiskError::NoSpace { operation, path } => DiskError::Io { operation, path, errno: ENOSPC },
        other => other,
    }
}
