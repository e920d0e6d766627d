//! What a start clears away: unfinished work of the life before, journals of cores that are no more, deleted topics.

use std::path::Path;

use base::{PartitionId, TopicId};
use rt::{DirEntry, Disk, DiskError, OpenMode};

use super::leftovers::Leftovers;
use super::{Recovery, RecoveryError, RecoveryPlan};
use crate::checkpoint::PartitionRow;
use crate::{flush, layout};

/// Ends the name of a journal's folder that is being removed.
const RETIRED_SUFFIX: &str = ".retired";

impl Recovery {
    /// Removes the files of topics that were deleted. Done before anything is replayed, it makes room on a full disk.
    pub async fn remove_deleted(&self, was_deleted: impl Fn(TopicId) -> bool) -> Result<(), RecoveryError> {
        for entry in self.disk.list(Path::new(layout::TOPICS)).await? {
            let Ok(topic) = entry.name.parse::<TopicId>() else { continue };
            if was_deleted(topic) {
                tracing::info!(%topic, "removing the files of a deleted topic");
                self.disk.remove_dir_all(&layout::topic_folder(topic)).await?;
            }
        }
        Ok(())
    }

    /// Where a journal was cut, what it had brought to segments before is still there, also of partitions of which nothing
    /// was replayed: segments that a log which goes on elsewhere would later take for its own.
    pub(super) async fn clear_lost(&self, plan: &dyn RecoveryPlan) -> Result<(), RecoveryError> {
        for topic in self.disk.list(Path::new(layout::TOPICS)).await? {
            let Ok(id) = topic.name.parse::<TopicId>() else { continue };
            for partition in self.disk.list(&layout::topic_folder(id)).await? {
                let Ok(index) = partition.name.parse() else { continue };
                let id = PartitionId::new(id, index);
                if plan.core_of(id).is_some() && !self.touched.contains(&id) {
                    let row = self.rows.get(&id).cloned().unwrap_or_else(|| PartitionRow::new(id));
                    Leftovers::all(&row).clear(&*self.disk).await?;
                    flush::sync_dir(&*self.disk, &layout::partition_folder(id)).await?;
                }
            }
        }
        Ok(())
    }

    /// An older checkpoint may have a log go on in a segment that was removed or cut since, or that a compacted one has
    /// replaced: such a log is empty, and goes on at the end that the checkpoint knew.
    pub(super) async fn begin_anew_where_the_end_is_gone(&mut self) -> Result<(), DiskError> {
        for row in self.rows.values_mut().filter(|row| row.position > 0) {
            let left = match self.disk.open(&layout::segment_file(row.id, row.active_segment), OpenMode::Existing).await
            {
                Ok(file) => file.len().await?,
                Err(DiskError::NotFound { .. }) => 0,
                Err(cause) => return Err(cause),
            };
            if left < u64::from(row.position) {
                let (id, at) = (row.id, row.end);
                tracing::error!(%id, %at, "the end of the log's last segment is missing; it goes on empty");
                row.begin_anew(row.end);
            }
        }
        Ok(())
    }

    /// A journal that was cut may have held the only word of a log's start, and the segments before that are gone.
    pub(super) async fn with_segments_that_are_left(
        &self,
        mut row: PartitionRow,
    ) -> Result<PartitionRow, RecoveryError> {
        let entries = match self.disk.list(&layout::partition_folder(row.id)).await {
            Err(DiskError::NotFound { .. }) => Vec::new(),
            other => other?,
        };
        let first = entries.iter().filter_map(|entry| layout::segment_base(&entry.name)).min();
        let first = first.map_or(row.active_segment, |first| first.min(row.active_segment));
        if first > row.log_start {
            tracing::error!(id = %row.id, from = %row.log_start, to = %first, "the log begins later: segments are missing");
            row.begin_at(first);
        }
        Ok(row)
    }

    pub(super) async fn remove_old_cores(&self, cores: u16) -> Result<(), RecoveryError> {
        let folder = Path::new(layout::JOURNALS);
        // Renamed first, for certain: a removal that a crash interrupts must not look like a journal.
        for found in self.cores.iter().filter(|found| found.core.0 >= cores) {
            let retired = folder.join(format!("{}{RETIRED_SUFFIX}", found.core));
            self.disk.rename(&layout::journal_folder(found.core), &retired).await?;
        }
        flush::sync_dir(&*self.disk, folder).await?;
        Ok(remove_retired(&*self.disk, &self.disk.list(folder).await?).await?)
    }

    /// Clears away the folders of topics that nobody owns. Only a deletion that is on record is a reason to destroy
    /// data: a topic that the owner does not know may be one whose record was lost.
    pub(super) async fn clear_orphans(&self, plan: &dyn RecoveryPlan) -> Result<(), RecoveryError> {
        self.remove_deleted(|topic| plan.was_deleted(topic)).await?;
        let mut moved = false;
        for entry in self.disk.list(Path::new(layout::TOPICS)).await? {
            let Ok(topic) = entry.name.parse::<TopicId>() else { continue };
            if plan.core_of(PartitionId::new(topic, 0)).is_some() {
                continue;
            }
            let folder = layout::topic_folder(topic);
            let lost = layout::lost_and_found(self.incarnation);
            let to = lost.join(&entry.name);
            tracing::warn!(%topic, to = %to.display(), "nothing is known of this topic; its files are moved aside");
            self.disk.create_dir_all(&lost).await?;
            self.disk.rename(&folder, &to).await?;
            moved = true;
        }
        if moved {
            for folder in [&layout::lost_and_found(self.incarnation), Path::new(""), Path::new(layout::TOPICS)] {
                flush::sync_dir(&*self.disk, folder).await?;
            }
        }
        Ok(())
    }
}

/// Finishes a removal that was interrupted.
pub(super) async fn remove_retired(disk: &dyn Disk, folders: &[DirEntry]) -> Result<(), DiskError> {
    for folder in folders.iter().filter(|folder| folder.name.ends_with(RETIRED_SUFFIX)) {
        disk.remove_dir_all(&Path::new(layout::JOURNALS).join(&folder.name)).await?;
    }
    Ok(())
}
