//! Keeping the metadata's log short: a start reads all of it.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;

use base::TopicId;
use rt::DiskError;
use shard::{Reserve, TrimTo, layout};
use wire::ErrorCode;

use super::Controller;
use crate::core::Core;
use crate::records;
use crate::refusal::Refusal;
use crate::start::METADATA_PARTITION;

/// How many records the metadata's log has, and from how many on the next snapshot is thought of.
pub(super) struct LogLength {
    records: Cell<u64>,
    looked_at: Cell<u64>,
}

impl LogLength {
    pub(super) fn new(records: u64) -> Self {
        Self { records: Cell::new(records), looked_at: Cell::new(0) }
    }

    pub(super) fn grows(&self, records: u64) {
        self.records.set(self.records.get() + records);
    }
}

impl Controller {
    /// Puts a snapshot in the place of a log that has become several times as long. By whoever has the lock. If none can be
    /// written the log says the same without it, and the next attempt is made when it is twice as long.
    pub(super) async fn shorten_log(&self, core: &Rc<Core>) {
        let records = self.log.records.get();
        if records < self.log.looked_at.get() || !self.metadata.borrow().is_snapshot_due(records) {
            return;
        }
        self.log.looked_at.set(records.saturating_mul(2));
        match self.take_snapshot(core).await {
            Ok(left) => {
                tracing::info!(before = records, records = left, "a snapshot has replaced the metadata's log");
                self.log.records.set(left);
                self.log.looked_at.set(0);
            }
            Err(refusal) => {
                tracing::warn!(records, cause = refusal.text(), "the metadata's log stays as long as it is")
            }
        }
    }

    /// Gives the records of the log as it is then. One batch, so that a crash leaves all or nothing of it; the log begins
    /// there once it is flushed.
    async fn take_snapshot(&self, core: &Rc<Core>) -> Result<u64, Refusal> {
        let deleted = self.deleted_with_files().await;
        let deleted = deleted.map_err(|error| Refusal::new(ErrorCode::KafkaStorageError, error.to_string()))?;
        let snapshot = self.metadata.borrow().snapshot(deleted);
        let bytes = records::encode_snapshot(&snapshot, rt::wall_clock()).await;
        let bytes = bytes.map_err(|full| Refusal::new(ErrorCode::RecordListTooLarge, full.to_string()))?;
        let base = self.append(core, &bytes, Reserve::Keep).await?;
        let trim = core.shard.begin_trim(METADATA_PARTITION, TrimTo::Offset(base)).await?;
        let offsets = core.shard.finish_trim(trim).await?;
        Ok(offsets.log_end.get() - offsets.log_start.get())
    }

    /// Topics that have a folder and are no more. What nobody knew of was moved aside as the broker started.
    async fn deleted_with_files(&self) -> Result<Vec<TopicId>, DiskError> {
        let folders = self.disk.list(Path::new(layout::TOPICS)).await?;
        let metadata = self.metadata.borrow();
        let ids = folders.iter().filter_map(|entry| entry.name.parse().ok());
        Ok(ids.filter(|id| *id != TopicId::METADATA && metadata.image().topic(*id).is_none()).collect())
    }
}
