//! Retention: every so often all partitions are looked at, and what is too old or too much is deleted.
//!
//! Deleting moves the start of a log; see [`crate::trim`]. Many partitions share a flush of the journal for that, and
//! [`crate::removal`] takes the segments away.

use std::rc::Rc;
use std::time::Duration;

use base::{Offset, PartitionId};

use crate::limits;
use crate::log::judge::Judged;
use crate::segment::reader::ReadError;
use crate::shard::{AppendError, Shard};
use crate::trim::{Trim, TrimError, TrimTo};

impl Shard {
    pub(crate) async fn keep_retention(self: Rc<Self>) {
        let mut since = rt::now();
        let mut longest = limits::RETENTION_FIRST_CHECK;
        loop {
            self.pause(since, |tuning| longest.min(tuning.retention_check_interval)).await;
            if self.gate.is_closing() {
                return;
            }
            longest = Duration::MAX;
            let begun = rt::now();
            let deleted = self.look_at_all().await;
            let took: Duration = rt::now().since(begun);
            tracing::debug!(core = %self.config.core, partitions = deleted, ?took, "retention was looked after");
            since = rt::now();
        }
    }

    /// Gives the number of partitions of which something was deleted.
    async fn look_at_all(&self) -> usize {
        let mut begun = Vec::new();
        let mut deleted = 0;
        for slot in self.store.slots() {
            match self.look_at(slot).await {
                Ok(Some(trim)) => begun.push(trim),
                Ok(None) => {}
                Err(TrimError::Refused(AppendError::Closing | AppendError::Poisoned(_))) => return deleted,
                Err(cause) => tracing::warn!(%cause, "retention cannot delete; trying again at the next check"),
            }
            if begun.len() >= limits::RETENTION_PARTITIONS_AT_ONCE {
                deleted += self.finish_all(&mut begun).await;
            }
            if self.gate.is_closing() {
                break;
            }
            rt::yield_if_needed().await;
        }
        deleted + self.finish_all(&mut begun).await
    }

    async fn finish_all(&self, begun: &mut Vec<Trim>) -> usize {
        let count = begun.len();
        for trim in begun.drain(..) {
            if let Err(cause) = self.finish_trim(trim).await {
                tracing::debug!(%cause, "retention could not finish");
            }
        }
        count
    }

    /// Begins to delete what is too old or too much of one partition.
    async fn look_at(&self, slot: u32) -> Result<Option<Trim>, TrimError> {
        loop {
            let now = rt::wall_clock();
            let judged = self.store.with_slot(slot, |log| (log.spec.id, log.judge(now), log.end()));
            let Some((id, judged, end)) = judged else { return Ok(None) };
            let found_out = match judged {
                Judged::Keep => return Ok(None),
                Judged::BeginAt(start) => return self.delete_before(id, start).await,
                Judged::BeginAtEnd => {
                    self.store.with_slot(slot, |log| log.roll_idle());
                    return self.delete_before(id, end).await;
                }
                Judged::NeedsSegments => self.store.load_closed_segments(slot, id).await,
                Judged::NeedsTime(segment) => self.find_out_time(slot, id, segment).await,
            };
            if let Err(cause) = found_out {
                tracing::warn!(%id, %cause, "retention cannot look at a partition; trying again at the next check");
                return Ok(None);
            }
        }
    }

    async fn delete_before(&self, id: PartitionId, start: Offset) -> Result<Option<Trim>, TrimError> {
        tracing::debug!(%id, %start, "retention deletes what is before this offset");
        self.begin_trim(id, TrimTo::Offset(start)).await.map(Some)
    }

    /// The time of a segment of which this process only knows the file.
    pub(crate) async fn find_out_time(&self, slot: u32, id: PartitionId, segment: Offset) -> Result<(), ReadError> {
        let is_finished = self.store.with_slot(slot, |log| log.tail_segment(segment).is_none());
        let newest = match is_finished {
            Some(true) => self.store.newest_timestamp_of(slot, id, segment).await?,
            // The checkpoint had no timestamp of its records.
            Some(false) | None => None,
        };
        self.store.with_slot(slot, |log| log.note_segment_time(segment, newest.unwrap_or(self.opened)));
        Ok(())
    }
}
