//! What the life before has left of a core.

use base::CoreId;
use rt::Disk;

use super::RecoveryError;
use crate::checkpoint::flushed::last_flushed;
use crate::checkpoint::{Checkpoint, read_slots};
use crate::journal::entry::Lsn;
use crate::journal::ring::RingState;
use crate::layout;

pub(super) struct FoundCore {
    pub(super) core: CoreId,
    pub(super) checkpoint: Option<Checkpoint>,
    /// A newer checkpoint was flushed and is damaged.
    pub(super) lost: Option<u64>,
    /// Known after the first replay.
    pub(super) end: Option<JournalEnd>,
}

/// Where a journal ends and what its ring looks like.
#[derive(Clone, Copy)]
pub(super) struct JournalEnd {
    pub(super) lsn: Lsn,
    pub(super) journal: u64,
    pub(super) ring: RingState,
}

impl FoundCore {
    pub(super) async fn find(disk: &dyn Disk, core: CoreId) -> Result<Self, RecoveryError> {
        let folder = layout::journal_folder(core);
        let checkpoint = read_slots(disk, core).await?.into_iter().next();
        if checkpoint.is_none() {
            let entries = disk.list(&folder).await?;
            // A checkpoint is flushed before the first file of a ring is made.
            if entries.iter().any(|entry| entry.name.starts_with("ring-")) {
                return Err(RecoveryError::NoCheckpoint { core });
            }
        }
        let known = checkpoint.as_ref().map(|checkpoint| checkpoint.number);
        let lost = last_flushed(disk, core).await?.filter(|flushed| Some(*flushed) > known);
        Ok(Self { core, checkpoint, lost, end: None })
    }
}
