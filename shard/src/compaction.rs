//! Compaction: of each key, the last record is kept. By Kafka's rules, one partition at a time on each core.
//!
//! Every so often the log is chosen of which the largest share is dirty: was not compacted yet. The keys of the dirty
//! part go to a [map](key_map) of bounded size, as far as it holds them. Then every finished segment up to there is
//! [read](source), its batches are [judged](rewrite), and what stays is [written](output) beside it; small neighbours
//! become one. The new segment then takes [their place](swap). What was compacted when is kept in a
//! [file](state) of the partition.
//!
//! Only segments that a flushed checkpoint lies beyond are touched: a start of the broker may write to those after it,
//! or take them back. That a segment is finished is not enough: one that ends while a checkpoint is taken is finished by
//! it, and is its active one. [`PartitionLog::look_for_dirt`](crate::log::PartitionLog::look_for_dirt) stops before it.

mod clean;
mod key_map;
mod output;
pub(crate) mod rewrite;
mod source;
pub(crate) mod state;
pub(crate) mod swap;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use base::{Offset, PartitionId, Timestamp};
use rt::{BLOCK_BYTES, DiskError, OpenMode};
use wire::batch::BatchHeader;

use self::clean::{Cleaning, GivenUp};
use crate::log::dirty::{Dirty, DirtyLook};
use crate::segment::reader::ReadError;
use crate::shard::Shard;
use crate::stats::CompactionStats;
use crate::{layout, limits};

/// What compaction of one core has done, and what it leaves alone.
#[derive(Default)]
pub(crate) struct Cleaned {
    pub(crate) stats: Cell<CompactionStats>,
}

impl Cleaned {
    fn count(&self, add: impl FnOnce(&mut CompactionStats)) {
        let mut stats = self.stats.get();
        add(&mut stats);
        self.stats.set(stats);
    }
}

/// A log that is to be compacted next.
struct Chosen {
    slot: u32,
    id: PartitionId,
    dirty: Dirty,
}

/// Slots that are left alone.
#[derive(Default)]
struct LeftAlone {
    /// Until the next look.
    for_now: BTreeSet<u32>,
    /// As long as this process lives: something is wrong with their files.
    for_good: BTreeSet<u32>,
}

impl LeftAlone {
    fn contains(&self, slot: u32) -> bool {
        self.for_now.contains(&slot) || self.for_good.contains(&slot)
    }
}

impl Shard {
    pub(crate) async fn keep_compacted(self: Rc<Self>) {
        let mut left_alone = LeftAlone::default();
        let mut since = rt::now();
        let mut longest = limits::COMPACTION_FIRST_CHECK;
        loop {
            self.pause(since, |tuning| longest.min(tuning.compaction_check_interval)).await;
            if self.gate.is_closing() {
                return;
            }
            longest = Duration::MAX;
            left_alone.for_now.clear();
            while let Some(chosen) = self.choose_dirtiest(&mut left_alone).await {
                let begun = rt::now();
                let result = self.compact(&chosen).await;
                self.cleaned.count(|stats| stats.time += rt::now().since(begun));
                self.took(&chosen, result, &mut left_alone);
                if self.gate.is_closing() {
                    return;
                }
            }
            since = rt::now();
        }
    }

    fn took(&self, chosen: &Chosen, result: Result<(), GivenUp>, left_alone: &mut LeftAlone) {
        let Chosen { slot, id, .. } = *chosen;
        match result {
            Ok(()) => self.cleaned.count(|stats| stats.cleanings += 1),
            Err(GivenUp::Stopped) => drop(left_alone.for_now.insert(slot)),
            Err(GivenUp::NoRoom) => {
                tracing::debug!(%id, "there is no room to compact a partition; trying again at the next check");
                left_alone.for_now.insert(slot);
            }
            Err(GivenUp::Failed(cause)) => {
                tracing::error!(%id, %cause, "a partition cannot be compacted; it is left as it is until a restart");
                left_alone.for_good.insert(slot);
            }
        }
    }

    /// The log of which the largest share is to be compacted.
    async fn choose_dirtiest(&self, left_alone: &mut LeftAlone) -> Option<Chosen> {
        if self.space.is_short() || self.failed().is_some() {
            return None;
        }
        let mut dirtiest: Option<Chosen> = None;
        for slot in self.store.slots() {
            if !left_alone.contains(slot) {
                let found = match self.look_for_dirt(slot).await {
                    Ok(found) => found,
                    Err(cause) => {
                        tracing::warn!(%cause, "compaction cannot look at a partition; trying again at the next check");
                        left_alone.for_now.insert(slot);
                        None
                    }
                };
                let more = |found: &Chosen| {
                    dirtiest.as_ref().is_none_or(|dirtiest| found.dirty.millionths > dirtiest.dirty.millionths)
                };
                if let Some(found) = found.filter(more) {
                    dirtiest = Some(found);
                }
            }
            if self.gate.is_closing() {
                return None;
            }
            rt::yield_if_needed().await;
        }
        dirtiest
    }

    async fn look_for_dirt(&self, slot: u32) -> Result<Option<Chosen>, ReadError> {
        loop {
            let now = rt::wall_clock();
            let look = self.store.with_slot(slot, |log| {
                let settings = log.spec.compaction?;
                if log.is_active_overdue(&settings, now) {
                    log.roll_idle();
                    // Only what a checkpoint lies beyond is compacted.
                    self.checkpoint_wanted.raise();
                }
                Some((log.spec.id, log.look_for_dirt(&settings, now)))
            });
            let Some((id, look)) = look.flatten() else { return Ok(None) };
            match look {
                DirtyLook::Nothing => return Ok(None),
                DirtyLook::Dirty(dirty) => return Ok(Some(Chosen { slot, id, dirty })),
                DirtyLook::NeedsSegments => self.store.load_closed_segments(slot, id).await?,
                DirtyLook::NeedsTime(segment) => self.find_out_time(slot, id, segment).await?,
                DirtyLook::NeedsFirstTime(segment) => {
                    let time = self.first_time_of(slot, id, segment).await?;
                    self.store.with_slot(slot, |log| log.note_first_time(segment, time));
                }
            }
        }
    }

    /// The largest timestamp of a segment's first batch, as the wire has it.
    async fn first_time_of(&self, slot: u32, id: PartitionId, segment: Offset) -> Result<i64, ReadError> {
        let _work = self.store.write_back.at_work.begin(slot);
        let file = self.store.disk.open(&layout::segment_file(id, segment), OpenMode::Existing).await?;
        let block = file.read(0, BLOCK_BYTES).await?;
        file.close().await?;
        let header = BatchHeader::read(&block).map_err(|error| {
            let what = format!("its first batch makes no sense: {error}");
            ReadError::Damaged { partition: id, segment, at: 0, what }
        })?;
        Ok(header.max_timestamp().map_or(-1, Timestamp::to_wire))
    }

    /// Compacts a log as far as the map of its keys reaches.
    async fn compact(&self, chosen: &Chosen) -> Result<(), GivenUp> {
        let Chosen { slot, id, dirty } = *chosen;
        let began = rt::now();
        let mut cleaning = Cleaning::begin(self, slot, id, dirty).await?;
        let end = cleaning.note_keys(dirty).await?;
        let (mut before, mut after) = (0_u64, 0_u64);
        for group in cleaning.groups(end) {
            let (old, new) = cleaning.clean_group(&group).await?;
            (before, after) = (before + old, after + new);
        }
        cleaning.note_first_dirty(end).await?;
        let (took, dropped) = (rt::now().since(began), cleaning.records_dropped());
        tracing::info!(%id, from = %dirty.from, to = %end, before, after, dropped, ?took, "compacted a partition");
        Ok(())
    }
}

impl From<ReadError> for GivenUp {
    fn from(cause: ReadError) -> Self {
        match cause {
            ReadError::UnknownPartition(_) => Self::Stopped,
            ReadError::Disk(DiskError::NoSpace { .. }) => Self::NoRoom,
            cause => Self::Failed(cause),
        }
    }
}

impl From<DiskError> for GivenUp {
    fn from(cause: DiskError) -> Self {
        ReadError::Disk(cause).into()
    }
}
