//! What an interrupted life wrote to a partition's folder beyond the checkpoint.
//!
//! Indexes go before the partition is written to again. Segments stay until everything is replayed: that brings back the
//! same ones with every batch at the place where it was, and some batches are nowhere else.

use std::collections::VecDeque;
use std::rc::Rc;

use base::{Offset, PartitionId};
use rt::{Disk, DiskError, OpenMode};

use super::{Recovery, RecoveryError};
use crate::bytes::block_ceil;
use crate::checkpoint::PartitionRow;
use crate::task_queues::WRITE_BACK;
use crate::{layout, limits};

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
        let mut running: VecDeque<rt::JoinHandle<Result<(), DiskError>>> = VecDeque::new();
        let mut result = Ok(());
        for leftovers in pending {
            if running.len() >= limits::CHECKPOINT_PARTITIONS_IN_FLIGHT_MAX
                && let Some(oldest) = running.pop_front()
            {
                result = result.and(oldest.await);
            }
            let disk = Rc::clone(&self.disk);
            running.push_back(rt::spawn(WRITE_BACK, async move { leftovers.clear(&*disk).await }));
        }
        for task in running {
            result = result.and(task.await);
        }
        Ok(result?)
    }
}
