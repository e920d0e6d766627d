//! Reading segments: what is no longer in memory, checked against the index, and read ahead for who reads on.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use base::{Offset, PartitionId};
use bytes::Bytes;
use rt::{DiskError, DiskFile, Notify, OpenMode};

use super::checked::{NotRead, read_spans};
use super::index::{Span, find_offset};
use super::scan::walk;
use super::spans::IndexCache;
use crate::bytes::{block_ceil, block_floor, length, position};
use crate::damage::Damage;
use crate::layout;
use crate::limits;
use crate::log::SegmentPosition;
use crate::log::start::ClosedSegment;
use crate::shard::LogOffsets;
use crate::store::Store;
use crate::task_queues::FOREGROUND;

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

/// A run of a segment that was read and checked.
#[derive(Clone)]
struct Extent {
    slot: u32,
    segment: Offset,
    range: Range<u32>,
    bytes: Bytes,
    used: u64,
}

/// What readers of one core share.
#[derive(Default)]
pub(crate) struct Reader {
    pub(super) indexes: RefCell<IndexCache>,
    extents: RefCell<Vec<Extent>>,
    /// Runs that are being read ahead.
    loading: RefCell<Vec<(u32, Offset, Range<u32>)>>,
    loaded: Notify,
    tick: std::cell::Cell<u64>,
}

impl Reader {
    pub(super) fn next_tick(&self) -> u64 {
        self.tick.set(self.tick.get() + 1);
        self.tick.get()
    }

    fn extent(&self, slot: u32, segment: Offset, at: u32, end: u32) -> Option<Extent> {
        let tick = self.next_tick();
        let mut extents = self.extents.borrow_mut();
        let found = extents.iter_mut().find(|extent| {
            extent.slot == slot && extent.segment == segment && extent.range.start <= at && end <= extent.range.end
        })?;
        found.used = tick;
        Some(found.clone())
    }

    fn is_loading(&self, slot: u32, segment: Offset, at: u32) -> bool {
        self.loading.borrow().iter().any(|(s, seg, range)| *s == slot && *seg == segment && range.contains(&at))
    }

    fn keep(&self, extent: Extent) {
        let mut extents = self.extents.borrow_mut();
        extents.push(extent);
        while extents.iter().map(|extent| extent.bytes.len()).sum::<usize>() > limits::READ_AHEAD_CACHE_BYTES {
            let oldest = extents.iter().enumerate().min_by_key(|(_, extent)| extent.used).map(|(index, _)| index);
            extents.swap_remove(oldest.expect("the cache is not empty"));
        }
    }

    /// Forgets the extents of a partition that was removed.
    pub(crate) fn forget(&self, slot: u32) {
        self.extents.borrow_mut().retain(|extent| extent.slot != slot);
    }

    /// Forgets what is kept of a segment that was removed.
    pub(crate) fn forget_segment(&self, slot: u32, segment: Offset) {
        self.extents.borrow_mut().retain(|extent| (extent.slot, extent.segment) != (slot, segment));
        self.indexes.borrow_mut().forget((slot, segment));
    }
}

/// What is known of the segment that holds an offset.
pub(super) struct Target {
    slot: u32,
    id: PartitionId,
    segment: Offset,
    pub(super) spans: Vec<Span>,
    /// That of the log to which the spans belong.
    generation: u64,
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
        let target = self.target(slot, id, segment, Some(offset)).await?;
        let first = find_offset(&target.spans, offset);
        let Some(span) = target.spans.get(first).copied() else {
            return Err(target.damaged(target.safe_end, "no span of its index holds an offset that it should"));
        };
        let run = self.checked_run(&target, first, bytes_max).await?;
        let from = (span.position - run.start) as usize;
        let (range, next_offset) = whole_batches(&target, &run, from, offset, bytes_max)?;
        let data = take_out(&run.bytes, range);
        let offsets = self.with_slot(slot, |log| log.offsets()).ok_or(ReadError::UnknownPartition(id))?;
        Ok(ReadData { bytes: position(data.len()), parts: vec![data], next_offset, offsets, source: ReadSource::Disk })
    }

    /// Bytes of whole spans from `target.spans[first]` on, checked; read ahead of what was asked for when they can be kept.
    async fn checked_run(self: &Rc<Self>, target: &Target, first: usize, bytes_max: u32) -> Result<Run, ReadError> {
        let span = target.spans[first];
        let (slot, segment) = (target.slot, target.segment);
        while self.reader.is_loading(slot, segment, span.position) {
            self.reader.loaded.notified().await;
        }
        if self.was_swapped(slot, target.generation) {
            return Err(target.damaged(span.position, "compaction replaces it"));
        }
        if let Some(extent) = self.reader.extent(slot, segment, span.position, span.end_position()) {
            self.read_ahead(target, &extent);
            return Ok(Run { start: extent.range.start, bytes: extent.bytes });
        }
        let on_disk = self.end_on_disk(slot, segment);
        if span.end_position() > on_disk {
            let bytes = self.read_span_in_part_from_memory(target, span).await?;
            return Ok(Run { start: span.position, bytes });
        }
        let wanted = bytes_max.clamp(limits::READ_AHEAD_BYTES_MIN, limits::READ_AHEAD_BYTES_MAX);
        let count = spans_within(&target.spans[first..], span.position.saturating_add(wanted), on_disk);
        let extent = self.load(target, first..first + count).await?;
        // Spans that still grow are not kept: the next reader finds more in them.
        if self.is_settled(slot, segment, extent.range.end) && !self.was_swapped(slot, target.generation) {
            self.reader.keep(extent.clone());
        }
        Ok(Run { start: extent.range.start, bytes: extent.bytes })
    }

    /// Starts reading what follows an extent that is being read, twice as much each time.
    fn read_ahead(self: &Rc<Self>, target: &Target, extent: &Extent) {
        let (slot, segment, from) = (target.slot, target.segment, extent.range.end);
        let next = target.spans.partition_point(|span| span.position < from);
        let on_disk = self.end_on_disk(slot, segment);
        let Some(span) = target.spans.get(next).filter(|span| span.end_position() <= on_disk) else { return };
        if self.reader.is_loading(slot, segment, from)
            || self.reader.extent(slot, segment, from, span.end_position()).is_some()
        {
            return;
        }
        let bytes = (extent.range.end - extent.range.start).saturating_mul(2);
        let bytes = bytes.clamp(limits::READ_AHEAD_BYTES_MIN, limits::READ_AHEAD_BYTES_MAX);
        let count = spans_within(&target.spans[next..], from.saturating_add(bytes), on_disk);
        let spans = target.spans[next..next + count].to_vec();
        let end = spans.last().map_or(from, Span::end_position);
        if !self.is_settled(slot, segment, end) {
            return;
        }
        let Target { safe_end, id, generation, .. } = *target;
        let ahead = Target { spans, safe_end, slot, id, segment, generation };
        self.reader.loading.borrow_mut().push((slot, segment, from..end));
        let store = Rc::clone(self);
        let load = async move {
            let loaded = store.load(&ahead, 0..ahead.spans.len()).await;
            store
                .reader
                .loading
                .borrow_mut()
                .retain(|(s, seg, range)| (*s, *seg, range.start) != (slot, segment, from));
            match loaded {
                Ok(extent) if !store.was_swapped(slot, generation) => store.reader.keep(extent),
                Ok(_) => {}
                // Whoever reads on meets the same error and reports it.
                Err(cause) => tracing::debug!(%cause, "reading ahead failed"),
            }
            store.reader.loaded.notify_all();
        };
        drop(rt::spawn(FOREGROUND, load));
    }

    /// Reads spans of a segment file and checks each.
    async fn load(&self, target: &Target, spans: Range<usize>) -> Result<Extent, ReadError> {
        let spans = &target.spans[spans];
        let (from, to) = (spans[0].position, spans[spans.len() - 1].end_position());
        let file = self.segment_for_read(target).await?;
        if self.was_swapped(target.slot, target.generation) {
            return Err(target.damaged(from, "compaction replaces it"));
        }
        let bytes = read_spans(&*file, spans).await.map_err(|not_read| match not_read {
            NotRead::Disk(cause) => cause.into(),
            NotRead::Damaged { span, what } => target.damaged(span.position, what),
        })?;
        let used = self.reader.next_tick();
        Ok(Extent { slot: target.slot, segment: target.segment, range: from..to, bytes, used })
    }

    /// A span whose end is in memory only; its beginning may be on disk only.
    async fn read_span_in_part_from_memory(&self, target: &Target, span: Span) -> Result<Bytes, ReadError> {
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
    fn end_on_disk(&self, slot: u32, segment: Offset) -> u32 {
        let memory = self.with_slot(slot, |log| log.chunks.start()).flatten();
        match memory {
            Some(start) if start.segment == segment => start.position,
            Some(start) if start.segment < segment => 0,
            Some(_) | None => u32::MAX,
        }
    }

    /// Whether nothing before `end` in a segment will be added to a span any more.
    fn is_settled(&self, slot: u32, segment: Offset, end: u32) -> bool {
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

    async fn segment_for_read(&self, target: &Target) -> Result<Rc<dyn DiskFile>, ReadError> {
        let kept = self.with_slot(target.slot, |log| log.kept_file(target.segment));
        if let Some(Some(file)) = kept {
            return Ok(file);
        }
        Ok(self.disk.open(&layout::segment_file(target.id, target.segment), OpenMode::Existing).await?)
    }

    /// Spans of a segment and how far readers may go in it. With an offset, memory is enough if it knows that offset.
    pub(super) async fn target(
        &self,
        slot: u32,
        id: PartitionId,
        segment: Offset,
        offset: Option<Offset>,
    ) -> Result<Target, ReadError> {
        let gone = || ReadError::UnknownPartition(id);
        let generation = self.settled_generation(slot).await.ok_or_else(gone)?;
        let from_memory = self
            .with_slot(slot, |log| {
                let known = offset.and_then(|offset| log.tail_span_of(offset))?;
                (known.0 == segment).then(|| log.spans_of(segment).collect::<Vec<Span>>())
            })
            .ok_or_else(gone)?;
        let spans = match from_memory {
            Some(spans) => spans,
            None => self.all_spans(slot, id, segment).await?,
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
        Ok(self.load(target, index..index + 1).await?.bytes)
    }
}

struct Run {
    /// Position in the segment of the first byte.
    start: u32,
    bytes: Bytes,
}

impl Target {
    fn damaged(&self, at: u32, what: &str) -> ReadError {
        ReadError::Damaged { partition: self.id, segment: self.segment, at, what: what.to_owned() }
    }
}

/// A small part of a run is copied: it would keep all of the run in memory until its reader has received it.
fn take_out(run: &Bytes, range: Range<usize>) -> Bytes {
    if range.len() < run.len() / SHARED_PART_MIN { Bytes::copy_from_slice(&run[range]) } else { run.slice(range) }
}

/// Parts of a run that are at least this fraction of it are shared.
const SHARED_PART_MIN: usize = 4;

/// How many spans end before both limits; at least one.
fn spans_within(spans: &[Span], wanted_end: u32, on_disk: u32) -> usize {
    spans.iter().take_while(|span| span.end_position() <= wanted_end.min(on_disk)).count().max(1)
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
