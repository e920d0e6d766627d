//! One cleaning of one log.

use std::collections::BTreeMap;

use base::{Offset, PartitionId, Timestamp};
use bytes::Bytes;
use rt::DiskError;
use wire::batch::{Batch, batches};

use super::key_map::KeyMap;
use super::output::{self, Output};
use super::rewrite::{Noted, Place, Rewriter, Verdict};
use super::source::Source;
use super::state::{CompactionState, Swap};
use super::swap::SwapError;
use crate::limits;
use crate::log::PartitionLog;
use crate::log::dirty::{Dirty, Reach};
use crate::log::start::ClosedSegment;
use crate::pace::time_at_rate;
use crate::segment::reader::ReadError;
use crate::shard::Shard;
use crate::write_back::SlotWork;

/// Why a cleaning was not brought to its end. The log is as it was, or in parts compacted already.
#[derive(Debug)]
pub(super) enum GivenUp {
    /// The partition is gone or has changed, the broker stops, or the disk is nearly full.
    Stopped,
    NoRoom,
    /// The partition's files are damaged, or the disk fails.
    Failed(ReadError),
}

pub(super) struct Cleaning<'a> {
    shard: &'a Shard,
    slot: u32,
    id: PartitionId,
    rewriter: Rewriter,
    /// What was read and written since somebody looked whether there is room.
    since_room_check: u64,
    rewritten: Vec<u8>,
}

/// Neighbouring segments that become one.
#[derive(Debug)]
pub(super) struct Group {
    segments: Vec<ClosedSegment>,
}

impl Group {
    fn bases(&self) -> Vec<Offset> {
        self.segments.iter().map(|segment| segment.base).collect()
    }

    fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| u64::from(segment.bytes)).sum()
    }
}

/// The segments of a group are nobody else's, and the partition's folder stays.
struct Held<'a> {
    shard: &'a Shard,
    slot: u32,
    _work: SlotWork,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.shard.store.with_slot(self.slot, |log| log.let_go_of_segments());
        // Segments may have come to lie before the start of their log meanwhile.
        self.shard.store.removal.look_again();
    }
}

impl<'a> Cleaning<'a> {
    pub(super) async fn begin(shard: &'a Shard, slot: u32, id: PartitionId, dirty: Dirty) -> Result<Self, GivenUp> {
        let settings = shard.store.with_slot(slot, |log| log.spec.compaction).flatten().ok_or(GivenUp::Stopped)?;
        let hash_key = (rt::entropy(), rt::entropy());
        // There are no more keys than offsets.
        let mut map = KeyMap::new(shard.config.compaction_key_bytes, dirty.end.since(dirty.from), hash_key);
        while map.grow() {
            rt::yield_if_needed().await;
        }
        let rewriter = Rewriter::new(map, rt::wall_clock(), settings.delete_retention);
        Ok(Self { shard, slot, id, rewriter, since_room_check: 0, rewritten: Vec::new() })
    }

    pub(super) fn records_dropped(&self) -> u64 {
        self.rewriter.records_dropped
    }

    /// Notes the last offsets of the keys in the dirty part; gives the end of what the map knows.
    pub(super) async fn note_keys(&mut self, dirty: Dirty) -> Result<Offset, GivenUp> {
        let mut end = dirty.from;
        for Reach { segment, end: segment_end } in self.reaches()? {
            if segment_end <= dirty.from || segment.base >= dirty.end {
                continue;
            }
            match self.note_keys_of(segment.base, dirty.from).await? {
                Noted::Whole => end = segment_end,
                Noted::UpTo(offset) => {
                    // At least one offset further, whatever offsets a producer has made up for its records: a key that is
                    // not noted only stays longer.
                    end = offset.max(dirty.from.plus(1));
                    break;
                }
            }
        }
        if end == dirty.from {
            // The segments have been deleted meanwhile.
            return Err(GivenUp::Stopped);
        }
        let producers_of = self.shard.producers.borrow().clone();
        let producers = match producers_of(self.id) {
            Some(producers) => producers.await,
            None => BTreeMap::new(),
        };
        self.rewriter.judge_up_to(end, producers);
        Ok(end)
    }

    async fn note_keys_of(&mut self, segment: Offset, from: Offset) -> Result<Noted, GivenUp> {
        let _work = self.shard.store.write_back.at_work.begin(self.slot);
        let opened = Source::open(&self.shard.store, self.slot, self.id, segment).await;
        let mut source = self.or_stopped(segment, opened)?;
        source.skip_to(from);
        let mut noted = Noted::Whole;
        'segment: loop {
            // Nobody holds the segment: the log may begin after it by now, and its file is cut.
            let next = source.next_run().await;
            let Some(run) = self.or_stopped(segment, next)? else { break };
            for batch in batches(&run) {
                let batch = batch.map_err(|error| source.undecodable(&error))?;
                noted = self.rewriter.note(&batch, from);
                if noted != Noted::Whole {
                    break 'segment;
                }
                rt::yield_if_needed().await;
            }
            self.after_reading(run.len() as u64).await?;
        }
        source.close().await;
        Ok(noted)
    }

    /// A segment that was removed meanwhile, or replaced, is no failure.
    fn or_stopped<T>(&self, segment: Offset, result: Result<T, ReadError>) -> Result<T, GivenUp> {
        let is_there = self.shard.store.with_slot(self.slot, |log| log.closed_bytes_of(segment)).flatten().is_some();
        result.map_err(|cause| if is_there { cause.into() } else { GivenUp::Stopped })
    }

    fn reaches(&self) -> Result<Vec<Reach>, GivenUp> {
        self.shard.store.with_slot(self.slot, |log| log.reaches().collect()).ok_or(GivenUp::Stopped)
    }

    /// Runs of neighbouring segments before `end` that fit into one segment.
    pub(super) fn groups(&self, end: Offset) -> Vec<Group> {
        let known = self.shard.store.with_slot(self.slot, |log| {
            let segment_bytes = u64::from(log.spec.segment_bytes.min(limits::SEGMENT_BYTES_MAX));
            let start = log.log_start();
            (log.reaches().filter(|reach| reach.end > start).collect::<Vec<Reach>>(), segment_bytes)
        });
        let Some((reaches, segment_bytes)) = known else { return Vec::new() };
        group_up(reaches.into_iter().filter(|reach| reach.segment.base < end), segment_bytes)
    }

    /// Rewrites a group as one segment, if that changes anything; gives the bytes before and after.
    pub(super) async fn clean_group(&mut self, group: &Group) -> Result<(u64, u64), GivenUp> {
        let (shard, slot) = (self.shard, self.slot);
        let held = shard.store.with_slot(slot, |log| log.hold_segments(&group.bases())).ok_or(GivenUp::Stopped)?;
        if !held {
            // Some were deleted meanwhile; the others are for the next time.
            return Err(GivenUp::Stopped);
        }
        let _held = Held { shard, slot, _work: shard.store.write_back.at_work.begin(slot) };
        let before = group.bytes();
        if group.segments.len() == 1 && !self.changes_anything(&group.segments[0]).await? {
            return Ok((before, before));
        }
        self.check_room(before).await?;
        self.clear_old_swap().await?;
        match self.rewrite(group).await {
            Ok(after) => Ok((before, after)),
            Err(Unfinished::Begun(cause)) => {
                shard.store.poison_unless_gone(slot, cause.clone());
                Err(GivenUp::Failed(cause.into()))
            }
            Err(Unfinished::Before(given_up)) => {
                if let Err(cause) = output::remove(&*shard.store.disk, self.id, group.segments[0].base).await {
                    tracing::debug!(%cause, "what compaction has begun is removed at the next start");
                }
                Err(given_up)
            }
        }
    }

    async fn changes_anything(&mut self, segment: &ClosedSegment) -> Result<bool, GivenUp> {
        let mut source = Source::open(&self.shard.store, self.slot, self.id, segment.base).await?;
        while let Some(run) = source.next_run().await? {
            let mut rest = batches(&run);
            while let Some(batch) = rest.next() {
                let batch = batch.map_err(|error| source.undecodable(&error))?;
                let place = place_of(source.is_at_end() && rest.rest().is_empty());
                if self.rewriter.judge(&batch, place) != Verdict::Stays {
                    source.close().await;
                    return Ok(true);
                }
                rt::yield_if_needed().await;
            }
            self.after_reading(run.len() as u64).await?;
        }
        source.close().await;
        Ok(false)
    }

    async fn rewrite(&mut self, group: &Group) -> Result<u64, Unfinished> {
        let (shard, slot, id) = (self.shard, self.slot, self.id);
        let base = group.segments[0].base;
        let disk = &*shard.store.disk;
        let mut output = Output::create(disk, id, base).await.map_err(GivenUp::from)?;
        for (index, segment) in group.segments.iter().enumerate() {
            let is_last = index + 1 == group.segments.len();
            let mut source = Source::open(&shard.store, slot, id, segment.base).await.map_err(GivenUp::from)?;
            while let Some(run) = source.next_run().await.map_err(GivenUp::from)? {
                let ends = is_last && source.is_at_end();
                let written = self.rewrite_run(&source, &run, ends, &mut output).await?;
                shard.cleaned.count(|stats| stats.bytes_written += written);
                self.pace(written).await?;
                self.after_reading(run.len() as u64).await?;
            }
            source.close().await;
        }
        let finished = output.finish(disk).await.map_err(GivenUp::from)?;
        shard.cleaned.count(|stats| stats.bytes_written += finished.written);
        let newest = group.segments.iter().filter_map(|segment| segment.time).max();
        let time = Timestamp::from_wire(finished.max_timestamp).or(newest);
        let replaced = ClosedSegment { base, bytes: finished.bytes, time };
        let swap = Swap { segments: group.bases(), bytes: finished.bytes };
        let replace = |log: &mut PartitionLog| log.replace_segments(&swap.segments, replaced, &shard.store.pool);
        let swapped = shard.store.swap(slot, id, &swap, replace).await;
        match swapped {
            Ok(()) => Ok(u64::from(finished.bytes)),
            Err(SwapError::Before(cause)) => Err(GivenUp::from(cause).into()),
            Err(SwapError::Begun(cause)) => Err(Unfinished::Begun(cause)),
        }
    }

    /// Gives the bytes that went to the disk.
    async fn rewrite_run(
        &mut self,
        source: &Source,
        run: &Bytes,
        ends_group: bool,
        output: &mut Output,
    ) -> Result<u64, GivenUp> {
        let mut written = 0;
        let mut rest = batches(run);
        while let Some(batch) = rest.next() {
            let batch = batch.map_err(|error| source.undecodable(&error))?;
            let place = place_of(ends_group && rest.rest().is_empty());
            let verdict = self.rewriter.judge(&batch, place);
            let dropped = self.rewriter.records_dropped;
            match verdict {
                Verdict::Stays => written += self.append(output, source, &batch).await?,
                Verdict::Goes => self.rewriter.count_dropped(),
                Verdict::Emptied | Verdict::Rewritten => {
                    let mut bytes = std::mem::take(&mut self.rewritten);
                    bytes.clear();
                    self.rewriter.write(&batch, verdict, &mut bytes);
                    self.rewriter.count_dropped();
                    let (batch, _) = Batch::parse(&bytes).expect("it was built just now");
                    written += self.append(output, source, &batch).await?;
                    self.rewritten = bytes;
                }
            }
            let dropped = self.rewriter.records_dropped - dropped;
            self.shard.cleaned.count(|stats| stats.records_dropped += dropped);
            rt::yield_if_needed().await;
        }
        Ok(written)
    }

    async fn append(&self, output: &mut Output, source: &Source, batch: &Batch<'_>) -> Result<u64, GivenUp> {
        if !output.has_room_for(batch.bytes().len()) {
            return Err(source.undecodable(&"written anew, the segment would be too large").into());
        }
        Ok(output.append(batch.header(), batch.bytes()).await?)
    }

    /// On stable storage: before this, each key is there at most once.
    pub(super) async fn note_first_dirty(&mut self, end: Offset) -> Result<(), GivenUp> {
        let _work = self.shard.store.write_back.at_work.begin(self.slot);
        self.write_state(|state| CompactionState { first_dirty: end, ..state }).await
    }

    /// The names that a swap has used are used again only once nothing on the disk speaks of it.
    async fn clear_old_swap(&self) -> Result<(), GivenUp> {
        let is_noted = self
            .shard
            .store
            .with_slot(self.slot, |log| log.compaction.state.as_ref().is_some_and(|state| state.swap.is_some()));
        match is_noted {
            Some(true) => self.write_state(|state| state).await,
            Some(false) => Ok(()),
            None => Err(GivenUp::Stopped),
        }
    }

    async fn write_state(&self, change: impl FnOnce(CompactionState) -> CompactionState) -> Result<(), GivenUp> {
        let store = &self.shard.store;
        let state = store.with_slot(self.slot, |log| log.compaction.state.clone()).flatten().ok_or(GivenUp::Stopped)?;
        let state = change(CompactionState { swap: None, ..state });
        if let Err(cause) = state.write(&*store.disk, self.id).await {
            // Nobody knows whether the flush of its folder has failed, and the next one would say that all is well.
            if !matches!(cause, DiskError::NoSpace { .. } | DiskError::NotFound { .. }) {
                store.poison_unless_gone(self.slot, cause.clone());
            }
            return Err(cause.into());
        }
        store.with_slot(self.slot, |log| log.compaction.state = Some(state));
        Ok(())
    }

    async fn after_reading(&mut self, bytes: u64) -> Result<(), GivenUp> {
        self.shard.cleaned.count(|stats| stats.bytes_read += bytes);
        self.pace(bytes).await
    }

    /// Called after each piece: leaves the disk to others for a while, and looks whether to go on.
    async fn pace(&mut self, bytes: u64) -> Result<(), GivenUp> {
        let shard = self.shard;
        if bytes > 0 {
            let pause = time_at_rate(bytes, shard.tuning.get().compaction_bytes_per_second);
            futures_lite::future::or(rt::sleep(pause), shard.gate.closing()).await;
        }
        if shard.gate.is_closing() || shard.store.is_leaving(self.slot) || shard.space.is_short() {
            return Err(GivenUp::Stopped);
        }
        if shard.failed().is_some() {
            return Err(GivenUp::Stopped);
        }
        self.since_room_check += bytes;
        if self.since_room_check >= limits::COMPACTION_ROOM_CHECK_BYTES {
            self.check_room(limits::COMPACTION_ROOM_CHECK_BYTES).await?;
        }
        Ok(())
    }

    /// So much is about to be written. What waits in memory needs its space first, the floor is nobody's, and others
    /// write meanwhile.
    async fn check_room(&mut self, bytes: u64) -> Result<(), GivenUp> {
        self.since_room_check = 0;
        let store = &self.shard.store;
        let spare = bytes.min(limits::COMPACTION_ROOM_CHECK_BYTES) + limits::PARTITION_OVERHEAD_BYTES;
        let needed = self.shard.tuning.get().free_space_floor + store.pool.dirty() + bytes + spare;
        let free = store.disk.free_bytes().await?;
        if free < needed { Err(GivenUp::NoRoom) } else { Ok(()) }
    }
}

/// Why a group was not rewritten.
enum Unfinished {
    Before(GivenUp),
    /// A swap has begun.
    Begun(DiskError),
}

impl From<GivenUp> for Unfinished {
    fn from(given_up: GivenUp) -> Self {
        Self::Before(given_up)
    }
}

fn place_of(is_last: bool) -> Place {
    if is_last { Place::LastOfSegment } else { Place::Inside }
}

fn group_up(reaches: impl Iterator<Item = Reach>, segment_bytes: u64) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for Reach { segment, end } in reaches {
        let fits = groups.last().is_some_and(|group| {
            group.bytes() + u64::from(segment.bytes) <= segment_bytes
                && end.since(group.segments[0].base) <= limits::SEGMENT_OFFSETS_MAX
                && group.segments.len() < limits::COMPACTION_SEGMENTS_AT_ONCE_MAX
        });
        match groups.last_mut() {
            Some(group) if fits => group.segments.push(segment),
            _ => groups.push(Group { segments: vec![segment] }),
        }
    }
    groups
}
