//! Moving the start of a log forward: what is before it is deleted. On stable storage before it is seen.

use base::{Offset, PartitionId};
use rt::DiskError;

use crate::journal::entry::{LOG_START_BYTES, Lsn};
use crate::journal::{Durability, Reserve};
use crate::shard::{AppendError, LogOffsets, Shard};

/// Where a log shall begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrimTo {
    /// At its high watermark: every record that can be read now is deleted.
    HighWatermark,
    Offset(Offset),
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum TrimError {
    #[error("offset {wanted} is above the high watermark {}", .offsets.high_watermark)]
    OutOfRange { wanted: Offset, offsets: LogOffsets },
    #[error(transparent)]
    Refused(#[from] AppendError),
}

/// A new start of a log on its way to the disk. It goes on also if nobody [waits](Shard::finish_trim).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the log begins there only once it is flushed"]
pub struct Trim {
    id: PartitionId,
    /// End of the journal's entry; `None` when the log begins there already.
    lsn: Option<Lsn>,
}

impl Shard {
    /// Begins to move the start of a log forward; several of these share a flush. A log that begins later than asked for
    /// stays as it is.
    ///
    /// Deleting frees space, so it has the last room of the journal as well.
    pub async fn begin_trim(&self, id: PartitionId, to: TrimTo) -> Result<Trim, TrimError> {
        self.room_for_own(LOG_START_BYTES, Reserve::Use).await?;
        let slot = self.store.slot_of(id).ok_or(AppendError::UnknownPartition(id))?;
        let promise = self.store.with_slot(slot, |log| {
            if log.leaving {
                return Err(AppendError::Leaving(id).into());
            }
            let start = match to {
                TrimTo::HighWatermark => log.stable(),
                TrimTo::Offset(offset) => offset,
            };
            if start > log.stable() {
                return Err(TrimError::OutOfRange { wanted: start, offsets: log.offsets() });
            }
            if start <= log.log_start() {
                return Ok(None);
            }
            log.promise_start(start);
            Ok(Some(log.touched(slot)))
        });
        let Some(touched) = promise.ok_or(AppendError::UnknownPartition(id))?? else {
            return Ok(Trim { id, lsn: None });
        };
        let lsn = self.journal().append_log_start(id, touched).map_err(AppendError::Poisoned)?;
        Ok(Trim { id, lsn: Some(lsn) })
    }

    /// Resolves once it is on stable storage that the log begins there, and readers see it.
    pub async fn finish_trim(&self, trim: Trim) -> Result<LogOffsets, TrimError> {
        if let Some(lsn) = trim.lsn {
            let reached: Result<(), DiskError> = self.journal().reached(lsn, Durability::Flushed).await;
            reached.map_err(AppendError::Poisoned)?;
        }
        Ok(self.offsets(trim.id).ok_or(AppendError::UnknownPartition(trim.id))?)
    }
}
