//! Reading segments: what is no longer in memory, checked against the index, and read ahead for who reads on.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use base::{Offset, PartitionId};
use bytes::Bytes;
use rt::{DiskError, Notify};

use super::extents::Extents;
use super::index::{Span, find_offset};
use super::read_ahead::Run;
use super::read_files::ReadFiles;
use super::read_pace::ReadPace;
use super::scan::walk;
use super::sequences::{Place, Sequences};
use super::spans::{IndexCache, within};
use crate::bytes::{block_ceil, block_floor, length, position};
use crate::damage::Damage;
use crate::layout;
use crate::limits;
use crate::log::SegmentPosition;
use crate::log::start::ClosedSegment;
use crate::shard::LogOffsets;
use crate::store::Store;

/// Whole batches as they travel, in one or more pieces.
#[derive(Debug, Clone)]
pub struct ReadData {
    pub parts: Vec<Bytes>,
    pub bytes: u32,
    /// Where to read on.
    pub next_offset: Offset,
    pub offsets: LogOffsets,
    pub source: ReadSource,
}

/// Where the bytes came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadSource {
    Memory,
    Disk,
}

/// A record found by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimestampedOffset {
    /// As the wire has it.
    pub timestamp: i64,
    pub offset: Offset,
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadError {
    #[error("partition {0} is not on this core")]
    UnknownPartition(PartitionId),
    #[error("offset {wanted} is outside of {}..{}", .offsets.log_start, .offsets.high_watermark)]
    OutOfRange { wanted: Offset, offsets: LogOffsets },
    /// What is on disk is not what was written there. Never served.
    #[error("segment {segment} of partition {partition} is damaged at byte {at}: {what}")]
    Damaged { partition: PartitionId, segment: Offset, at: u32, what: String },
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// What readers of one core share.
#[derive(Default)]
pub(crate) struct Reader {
    pub(super) indexes: RefCell<IndexCache>,
    pub(super) extents: RefCell<Extents>,
    pub(super) sequences: RefCell<Sequences>,
    pub(super) files: RefCell<ReadFiles>,
    pub(super) pace: ReadPace,
    /// A run has come, or could not be read.
    pub(super) loaded: Notify,
    tick: std::cell::Cell<u64>,
}

impl Reader {
    pub(super) fn next_tick(&self) -> u64 {
        self.tick.set(self.tick.get() + 1);
        self.tick.get()
    }

    /// The journal has flushed a group.
    pub(crate) fn note_flush(&self) {
        self.pace.flushed(rt::now());
    }

    /// Forgets what is kept of a partition that was removed.
    pub(crate) fn forget(&self, slot: u32) {
        self.extents.borrow_mut().forget(|place| place.0 == slot);
        self.files.borrow_mut().forget(|place| place.0 == slot);
    }

    /// Forgets what is kept of a segment that was removed.
    pub(crate) fn forget_segment(&self, slot: u32, segment: Offset) {
        self.extents.borrow_mut().forget(|place| place == (slot, segment));
        self.files.borrow_mut().forget(|place| place == (slot, segment));
        self.indexes.borrow_mut().forget((slot, segment));
    }
}

/// What is known of the segment that holds an offset.
pub(super) struct Target {
    pub(super) slot: u32,
    pub(super) id: PartitionId,
    pub(super) segment: Offset,
    pub(super) spans: Vec<Span>,
    /// That of the log to which the spans belong.
    pub(super) generation: u64,
    /// Bytes of the segment that readers may have.
    pub(super) safe_end: u32,
}

impl Store {
    /// A log whose start moves past `offset` meanwhile gives the bytes or says so.
    pub(crate) async fn read_from_disk(
        self: &Rc<Self>,
        id: PartitionId,
        offset: Offset,
        bytes_max: u32,
    ) -> Result<ReadData, ReadError> {
        let slot = self.slot_of(id).ok_or(ReadError::UnknownPartition(id))?;
        loop {
            let generation = self.settled_generation(slot).await.ok_or(ReadError::UnknownPartition(id))?;
            let result = self.read_segment(slot, id, offset, bytes_max).await;
            let offsets = self.with_slot(slot, |log| log.offsets());
            match (result, offsets) {
                (Err(_), Some(offsets)) if offset < offsets.log_start => {
                    return Err(ReadError::OutOfRange { wanted: offset, offsets });
                }
                // Whoever has it now may have changed its files.
                (Err(_), None) => return Err(ReadError::UnknownPartition(id)),
                // Compaction has put another segment in the place of the one that was being read.
                (Err(_), _) if self.was_swapped(slot, generation) => {}
                (Err(ReadError::Damaged { partition, segment, at, what }), Some(_)) => {
                    self.damage.note(Damage { partition, segment, position: at, offset, what: what.clone() });
                    return Err(ReadError::Damaged { partition, segment, at, what });
                }
                (result, _) => return result,
            }
        }
    }

    async fn read_segment(
        self: &Rc<Self>,
        slot: u32,
        id: PartitionId,
        offset: Offset,
        bytes_max: u32,
    ) -> Result<ReadData, ReadError> {
        let segment = self.segment_of(slot, id, offset).await?;
        let horizon = bytes_max.saturating_add(2 * limits::READ_AHEAD_BYTES_MAX);
        let target = self.target(slot, id, segment, Some((offset, horizon))).await?;
        let first = find_offset(&target.spans, offset);
        let Some(mut span) = target.spans.get(first).copied() else {
            return Err(target.damaged(target.safe_end, "no span of its index holds an offset that it should"));
        };
        let mut run = self.checked_run(&target, first, bytes_max).await?;
        let mut parts = Vec::new();
        let mut taken = 0..0;
        let mut next_offset = offset;
        loop {
            let left = bytes_max.saturating_sub(taken.end - taken.start);
            let from = (span.position - run.start) as usize;
            let (range, next) = whole_batches(&target, &run, from, next_offset, left)?;
            if !parts.is_empty() && range.len() > left as usize {
                break;
            }
            let (start, end) = (run.start + position(range.start), run.start + position(range.end));
            taken = if parts.is_empty() { start..end } else { taken.start..end };
            next_offset = next;
            let mut extents = self.reader.extents.borrow_mut();
            if range.end == run.bytes.len() {
                extents.spend(target.place(), end);
            }
            parts.push(extents.take_out(&run.bytes, range));
            drop(extents);
            // What follows and is in memory already belongs to the same answer.
            let index = target.spans.partition_point(|span| span.position < end);
            let follows =
                |span: &&Span| span.position == end && end < target.safe_end && taken.len() < bytes_max as usize;
            let Some(next_span) = target.spans.get(index).filter(follows) else { break };
            let Some(next_run) = self.kept_run(&target, *next_span) else { break };
            (span, run) = (*next_span, next_run);
        }
        self.read_ahead(&target, taken.clone());
        let offsets = self.with_slot(slot, |log| log.offsets()).ok_or(ReadError::UnknownPartition(id))?;
        Ok(ReadData { parts, bytes: taken.end - taken.start, next_offset, offsets, source: ReadSource::Disk })
    }

    /// A span whose end is in memory only; its beginning may be on disk only.
    pub(super) async fn read_span_in_part_from_memory(&self, target: &Target, span: Span) -> Result<Bytes, ReadError> {
        let mut bytes = vec![0; span.length as usize];
        let memory = self.end_on_disk(target.slot, target.segment).max(span.position);
        let on_disk = length(u64::from(memory - span.position));
        let copied = self.with_slot(target.slot, |log| {
            let at = SegmentPosition { segment: target.segment, position: memory };
            log.chunks.copy_out(at, &mut bytes[on_disk..])
        });
        match copied {
            None => return Err(ReadError::UnknownPartition(target.id)),
            Some(false) => return Err(target.damaged(memory, "its last bytes are neither in memory nor on disk")),
            Some(true) => {}
        }
        // A segment that was never written back has no file yet.
        if on_disk > 0 {
            let file = self.segment_for_read(target).await?;
            let start = block_floor(u64::from(span.position));
            let read = file.read(start, length(block_ceil(u64::from(memory)) - start)).await?;
            let skip = length(u64::from(span.position) - start);
            let front =
                read.get(skip..skip + on_disk).ok_or_else(|| target.damaged(span.position, "the file is too short"))?;
            bytes[..on_disk].copy_from_slice(front);
        }
        if wire::batch::crc::crc32c(&bytes) != span.crc {
            return Err(target.damaged(span.position, "its checksum does not match"));
        }
        Ok(bytes.into())
    }

    /// Bytes of a segment before this are in its file for certain.
    pub(super) fn end_on_disk(&self, slot: u32, segment: Offset) -> u32 {
        let memory = self.with_slot(slot, |log| log.chunks.start()).flatten();
        match memory {
            Some(start) if start.segment == segment => start.position,
            Some(start) if start.segment < segment => 0,
            Some(_) | None => u32::MAX,
        }
    }

    /// Whether nothing before `end` in a segment will be added to a span any more.
    pub(super) fn is_settled(&self, slot: u32, segment: Offset, end: u32) -> bool {
        self.with_slot(slot, |log| log.active().base != segment || end <= log.open_span().position).unwrap_or(false)
    }

    /// Base offset of the segment that holds `offset`.
    pub(crate) async fn segment_of(&self, slot: u32, id: PartitionId, offset: Offset) -> Result<Offset, ReadError> {
        let gone = || ReadError::UnknownPartition(id);
        let in_tail =
            self.with_slot(slot, |log| log.tail.iter().rev().find(|segment| segment.base <= offset).map(|s| s.base));
        if let Some(segment) = in_tail.ok_or_else(gone)? {
            return Ok(segment);
        }
        self.load_closed_segments(slot, id).await?;
        let closed = self.with_slot(slot, |log| {
            let closed = log.closed_segments()?;
            let after = closed.partition_point(|segment| segment.base <= offset);
            after.checked_sub(1).map(|index| closed[index].base)
        });
        closed.ok_or_else(gone)?.ok_or_else(|| ReadError::Damaged {
            partition: id,
            segment: offset,
            at: 0,
            what: "no segment file holds this offset".to_owned(),
        })
    }

    /// Finds out which finished segments there are, once no compaction is in between: the folder is listed once.
    pub(crate) async fn load_closed_segments(&self, slot: u32, id: PartitionId) -> Result<(), ReadError> {
        let look = || {
            let look = self.with_slot(slot, |log| (log.closed_segments().is_some(), log.oldest_unfinished()));
            look.ok_or(ReadError::UnknownPartition(id))
        };
        loop {
            let (known, unfinished) = look()?;
            if known {
                return Ok(());
            }
            let entries = match self.disk.list(&layout::partition_folder(id)).await {
                Err(DiskError::NotFound { .. }) => Vec::new(),
                other => other?,
            };
            // Another task may have been quicker; and a segment that was finished meanwhile has another length now.
            if look()? != (false, unfinished) {
                continue;
            }
            let has_traces = entries.iter().any(|entry| layout::is_of_compaction(&entry.name));
            if has_traces && self.with_slot(slot, |log| log.compaction.state.is_none()) == Some(true) {
                self.settle_compaction(slot, id).await?;
                continue;
            }
            let found = entries.iter().filter_map(|entry| {
                let bytes = u32::try_from(entry.len).unwrap_or(u32::MAX);
                layout::segment_base(&entry.name).map(|base| ClosedSegment { base, bytes, time: None })
            });
            self.with_slot(slot, |log| {
                // What a compacted segment has replaced may still be there.
                let replaced = log.compaction.state.get_or_insert_default().replaced();
                log.closed_segments_are(found.filter(|segment| !replaced.contains(&segment.base)));
            });
        }
    }

    /// Spans of a segment and how far readers may go in it. With a window (see [`Store::spans`]), memory is enough if it
    /// knows the offset.
    pub(super) async fn target(
        &self,
        slot: u32,
        id: PartitionId,
        segment: Offset,
        window: Option<(Offset, u32)>,
    ) -> Result<Target, ReadError> {
        let gone = || ReadError::UnknownPartition(id);
        let generation = self.settled_generation(slot).await.ok_or_else(gone)?;
        let from_memory = self
            .with_slot(slot, |log| {
                let (offset, _) = window?;
                let (in_segment, _) = log.tail_span_of(offset)?;
                (in_segment == segment).then(|| within(window, log.spans_from(segment, offset)))
            })
            .ok_or_else(gone)?;
        let spans = match from_memory {
            Some(spans) => spans,
            None => self.spans(slot, id, segment, window).await?,
        };
        let stable = self.with_slot(slot, |log| log.stable_position()).ok_or_else(gone)?;
        let whole = spans.last().map_or(0, Span::end_position);
        let safe_end = if stable.segment == segment { stable.position } else { whole };
        Ok(Target { slot, id, segment, spans, generation, safe_end })
    }

    pub(super) async fn span_bytes(
        self: &Rc<Self>,
        target: &Target,
        span: Span,
        index: usize,
    ) -> Result<Bytes, ReadError> {
        if span.end_position() > self.end_on_disk(target.slot, target.segment) {
            return self.read_span_in_part_from_memory(target, span).await;
        }
        self.load(target, &target.spans[index..=index]).await
    }
}

impl Target {
    pub(super) fn place(&self) -> Place {
        (self.slot, self.segment)
    }

    pub(super) fn damaged(&self, at: u32, what: &str) -> ReadError {
        ReadError::Damaged { partition: self.id, segment: self.segment, at, what: what.to_owned() }
    }
}

/// The batches from the one that holds `offset` on that fit, as a range of the run's bytes, and the offset after them.
fn whole_batches(
    target: &Target,
    run: &Run,
    from: usize,
    offset: Offset,
    bytes_max: u32,
) -> Result<(Range<usize>, Offset), ReadError> {
    let safe = run.bytes.len().min((target.safe_end - run.start) as usize);
    let mut at = from;
    let mut start = None;
    let mut reached = offset;
    while at < safe {
        let place = run.start + position(at);
        let Some((_, next, bytes)) = walk(&run.bytes[at..]) else {
            return Err(target.damaged(place, "a batch's header makes no sense"));
        };
        let end = at + bytes as usize;
        if next <= offset {
            at = end;
            continue;
        }
        let first = *start.get_or_insert(at);
        if end > safe || (at > first && end - first > bytes_max as usize) {
            break;
        }
        at = end;
        reached = next;
    }
    match start {
        Some(start) if at > start => Ok((start..at, reached)),
        _ => Err(target.damaged(run.start, "the batches of a span do not hold an offset that they should")),
    }
}
