//! What an interrupted life wrote to a partition's folder beyond the checkpoint.
//!
//! Indexes go before the partition is written to again. Segments stay until everything is replayed: that brings back the
//! same ones with every batch at the place where it was, and some batches are nowhere else.

use std::rc::Rc;

use base::{Offset, PartitionId};
use rt::{Disk, DiskError, OpenMode};

use super::{Recovery, RecoveryError};
use crate::bytes::block_ceil;
use crate::checkpoint::PartitionRow;
use crate::layout;
use crate::several::several;

/// What of a partition's folder goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leftovers {
    id: PartitionId,
    active_segment: Offset,
    /// Length that the active segment may keep; `None` leaves all segments as they are.
    keep: Option<u64>,
}

impl Leftovers {
    /// Indexes of segments after the active one.
    pub(super) fn indexes(row: &PartitionRow) -> Self {
        Self { id: row.id, active_segment: row.active_segment, keep: None }
    }

    /// All after a checkpoint's end.
    pub(super) fn all(row: &PartitionRow) -> Self {
        Self { keep: Some(row.position.into()), ..Self::indexes(row) }
    }

    /// All after the end of a log that is replayed; its last block stays whole.
    pub(super) fn beyond_the_end(row: &PartitionRow) -> Self {
        Self { keep: Some(block_ceil(row.position.into())), ..Self::indexes(row) }
    }

    pub(super) async fn clear(self, disk: &dyn Disk) -> Result<(), DiskError> {
        let folder = layout::partition_folder(self.id);
        let entries = match disk.list(&folder).await {
            Err(DiskError::NotFound { .. }) => return Ok(()),
            other => other?,
        };
        for entry in entries {
            let path = folder.join(&entry.name);
            let (segment, index) = (layout::segment_base(&entry.name), layout::index_base(&entry.name));
            match (segment, index, self.keep) {
                (_, Some(base), _) | (Some(base), _, Some(_)) if base > self.active_segment => {
                    disk.remove_file(&path).await?;
                }
                (Some(base), _, Some(keep)) if base == self.active_segment && entry.len > keep => {
                    disk.open(&path, OpenMode::Existing).await?.set_len(keep).await?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Recovery {
    /// Clears what was put down as uncleared, several partitions at a time.
    pub(super) async fn clear_pending(&self) -> Result<(), RecoveryError> {
        let pending = std::mem::take(&mut *self.uncleared.borrow_mut());
        let clear = |leftovers: Leftovers| {
            let disk = Rc::clone(&self.disk);
            async move { leftovers.clear(&*disk).await }
        };
        Ok(several(pending.into_iter().map(clear)).await?)
    }
}
