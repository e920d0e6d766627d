//! Looking at a data folder offline: what `corelane inspect` shows. Changes nothing.
//!
//! Recovery stops at the first thing that it cannot believe; this goes on as far as anything can be made out, and says
//! of each damage in which file and at which byte it lies.

mod journal;
mod segment;

use std::path::{Path, PathBuf};

use base::{CoreId, Offset, PartitionId, PartitionIndex, TopicId};
use rt::{Disk, DiskError, OpenMode};

pub use self::journal::{JournalEnd, JournalReport, PayloadState, RingEntry, journal, ring_file};
pub use self::segment::{IndexReport, SegmentReport, index, segment};
use crate::checkpoint::flushed::{self, read_marks};
use crate::checkpoint::{Checkpoint, SLOTS, read_slot, slot_of};
use crate::{layout, limits};

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    pub file: PathBuf,
    /// Position in the file, in bytes.
    pub at: u64,
    pub what: String,
}

/// One of the two checkpoint files of a core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointSlot {
    pub file: PathBuf,
    /// Without a whole checkpoint: up to the last byte that is not zero.
    pub bytes: u64,
    /// `None` when the file holds no whole checkpoint of this core: a crash during its writing leaves that, and so does damage.
    pub checkpoint: Option<Checkpoint>,
}

/// What says which checkpoint of a core was flushed last.
#[derive(Debug)]
pub struct FlushedMarks {
    pub file: PathBuf,
    /// The number of that checkpoint, and the file that it is in.
    pub newest: Option<(u64, PathBuf)>,
    /// Blocks of the file that have something besides a whole mark.
    pub damaged: Vec<u64>,
}

/// Cores that have run in this folder.
pub async fn cores(disk: &dyn Disk) -> Result<Vec<CoreId>, DiskError> {
    let mut cores: Vec<CoreId> = list(disk, Path::new(layout::JOURNALS))
        .await?
        .iter()
        .filter_map(|name| name.parse().ok())
        .map(CoreId)
        .collect();
    cores.sort_unstable();
    Ok(cores)
}

/// The checkpoint files of one core, as far as they are there.
pub async fn checkpoints(disk: &dyn Disk, core: CoreId) -> Result<Vec<CheckpointSlot>, DiskError> {
    let mut found = Vec::new();
    for slot in SLOTS {
        match read_checkpoint(disk, &layout::journal_folder(core).join(slot), Some(core)).await {
            Err(DiskError::NotFound { .. }) => {}
            slot => found.push(slot?),
        }
    }
    Ok(found)
}

/// A checkpoint of whatever core.
pub async fn checkpoint_file(disk: &dyn Disk, path: &Path) -> Result<CheckpointSlot, DiskError> {
    read_checkpoint(disk, path, None).await
}

async fn read_checkpoint(disk: &dyn Disk, path: &Path, core: Option<CoreId>) -> Result<CheckpointSlot, DiskError> {
    let file = disk.open(path, OpenMode::Existing).await?;
    let checkpoint = read_slot(&*file, core).await?;
    let bytes = match &checkpoint {
        Some(_) => file.len().await?,
        // The rest is room for larger ones.
        None => {
            let all = disk.read_small(path, limits::CHECKPOINT_BYTES_MAX).await?;
            all.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1)
        }
    };
    Ok(CheckpointSlot { file: path.to_owned(), bytes, checkpoint })
}

/// The marks of one core; `None` in a folder of an earlier build.
pub async fn flushed_marks(disk: &dyn Disk, core: CoreId) -> Result<Option<FlushedMarks>, DiskError> {
    marks(disk, &flushed::flushed_file(core), Some(core)).await
}

/// The marks of whatever core.
pub async fn flushed_file(disk: &dyn Disk, path: &Path) -> Result<Option<FlushedMarks>, DiskError> {
    marks(disk, path, None).await
}

async fn marks(disk: &dyn Disk, path: &Path, core: Option<CoreId>) -> Result<Option<FlushedMarks>, DiskError> {
    let Some(marks) = read_marks(disk, path, core).await? else { return Ok(None) };
    let newest = marks.newest.map(|number| (number, path.with_file_name(SLOTS[slot_of(number)])));
    Ok(Some(FlushedMarks { file: path.to_owned(), newest, damaged: marks.damaged }))
}

/// Files of the ring of one core, by their numbers.
pub async fn ring_files(disk: &dyn Disk, core: CoreId) -> Result<Vec<PathBuf>, DiskError> {
    let folder = layout::journal_folder(core);
    let names = list(disk, &folder).await?;
    let mut numbers: Vec<u32> = names.iter().filter_map(|name| name.strip_prefix("ring-")?.parse().ok()).collect();
    numbers.sort_unstable();
    Ok(numbers.into_iter().map(|number| crate::journal::ring::ring_file(&folder, number)).collect())
}

/// Partitions that have a folder.
pub async fn partitions(disk: &dyn Disk) -> Result<Vec<PartitionId>, DiskError> {
    let mut found = Vec::new();
    for name in list(disk, Path::new(layout::TOPICS)).await? {
        let Ok(topic) = name.parse::<TopicId>() else { continue };
        let indexes = list(disk, &layout::topic_folder(topic)).await?;
        let indexes = indexes.iter().filter_map(|name| name.parse().ok());
        found.extend(indexes.map(|index| PartitionId { topic, index: PartitionIndex(index) }));
    }
    found.sort_unstable();
    Ok(found)
}

/// Segments of a partition by the names of its files, oldest first.
pub async fn segments(disk: &dyn Disk, id: PartitionId) -> Result<Vec<Offset>, DiskError> {
    let names = list(disk, &layout::partition_folder(id)).await?;
    let mut bases: Vec<Offset> = names.iter().filter_map(|name| layout::segment_base(name)).collect();
    bases.sort_unstable();
    Ok(bases)
}

/// Names in a folder; none in one that is missing.
async fn list(disk: &dyn Disk, folder: &Path) -> Result<Vec<String>, DiskError> {
    match disk.list(folder).await {
        Err(DiskError::NotFound { .. }) => Ok(Vec::new()),
        entries => Ok(entries?.into_iter().map(|entry| entry.name).collect()),
    }
}
