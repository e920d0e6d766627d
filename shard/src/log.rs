//! One partition's log as its core holds it: offsets, the chunks in memory, and what has to be written where.
//!
//! Nothing here does I/O or waits. Appends copy into chunks; the shard's tasks ask for writes and report them done.

mod batch;
pub(crate) mod chunks;
pub(crate) mod dirty;
pub(crate) mod find;
pub(crate) mod judge;
pub(crate) mod passing;
mod roll;
pub(crate) mod start;
mod tail;
#[cfg(test)]
mod tests;
mod watches;

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use base::{LeaderEpoch, Offset, PartitionId, Timestamp};
use bytes::Bytes;
use rt::DiskFile;
use wire::batch::HEADER_BYTES;

pub use self::batch::AppendBatch;
#[cfg(test)]
use self::batch::BY_RULE;
pub(crate) use self::batch::{AppendedBatch, HowToAppend};
use self::chunks::{Chunks, SegmentWrite, WriteWhat};
pub use self::dirty::Compaction;
use self::dirty::Progress;
pub(crate) use self::roll::Roll;
pub use self::roll::SegmentTimes;
use self::start::ClosedSegment;
pub(crate) use self::tail::TailSegment;
use self::watches::Watches;
use crate::bytes::position;
use crate::checkpoint::PartitionRow;
use crate::journal::{Durability, Touched};
use crate::limits;
use crate::pool::ChunkPool;
use crate::segment::index::Span;
use crate::shard::LogOffsets;

/// A place in a partition's segments. Ordered as the bytes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SegmentPosition {
    /// Base offset of the segment.
    pub segment: Offset,
    /// Bytes from the segment's start.
    pub position: u32,
}

/// The first offset that a leader epoch wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochStart {
    pub epoch: LeaderEpoch,
    pub start: Offset,
}

/// The largest timestamp of a log and the batch that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newest {
    /// As the wire has it: -1 when no record has a timestamp.
    pub timestamp: i64,
    pub batch_base: Offset,
}

impl Default for Newest {
    fn default() -> Self {
        Self { timestamp: -1, batch_base: Offset::ZERO }
    }
}

/// What a shard needs to know of a partition's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionSpec {
    pub id: PartitionId,
    /// `segment.bytes`: a segment is closed before it would grow beyond this.
    pub segment_bytes: u32,
    /// `segment.ms`: a segment is closed before it would hold records of a longer time.
    pub segment_time: Duration,
    /// `segment.jitter.ms`: and up to so much earlier.
    pub segment_jitter: Duration,
    pub retention: Retention,
    /// `None` for a log that is not compacted.
    pub compaction: Option<Compaction>,
    pub durability: Durability,
}

impl PartitionSpec {
    /// A partition whose segments are closed by their size only, and kept for ever.
    pub const fn new(id: PartitionId, segment_bytes: u32, durability: Durability) -> Self {
        let (segment_time, segment_jitter) = (Duration::MAX, Duration::ZERO);
        let retention = Retention { time: None, bytes: None };
        Self { id, segment_bytes, segment_time, segment_jitter, retention, compaction: None, durability }
    }
}

/// What of a partition is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// `retention.ms`: a segment is deleted when its newest record is older; `None` keeps it for ever.
    pub time: Option<Duration>,
    /// `retention.bytes`: the oldest segments are deleted as long as this much is left; `None` keeps everything.
    pub bytes: Option<u64>,
}

/// Closed spans of one segment on their way to its index file.
pub(crate) struct SpansToPersist {
    pub(crate) segment: Offset,
    /// Records that the file holds already.
    pub(crate) already: u32,
    pub(crate) spans: Vec<Span>,
}

/// A span of the tail, with the segment that it lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TailSpan {
    pub(crate) segment: Offset,
    pub(crate) span: Span,
}

impl TailSpan {
    fn end(&self) -> SegmentPosition {
        SegmentPosition { segment: self.segment, position: self.span.position + self.span.length }
    }
}

pub(crate) struct PartitionLog {
    pub(crate) spec: PartitionSpec,
    log_start: Offset,
    /// Where the log will begin once the journal has flushed what says so.
    promised_start: Offset,
    /// The end of the log as the newest flushed checkpoint has it: the active segment, where a start may go on writing, and
    /// the span that was open. The segments hold everything before that, flushed.
    checkpointed: TailSpan,
    end: Offset,
    stable: Offset,
    stable_position: SegmentPosition,
    /// Bytes before this are flushed in the journal. Segments get nothing else, so that a segment never holds what a
    /// replay would not bring back.
    pub(crate) flushed_position: SegmentPosition,
    epochs: Vec<EpochStart>,
    newest: Newest,
    /// From the oldest unfinished segment to the active one; never empty.
    pub(crate) tail: VecDeque<TailSegment>,
    /// Bytes of finished segments.
    closed_bytes: u64,
    /// Finished segments, oldest first, once somebody had to know.
    closed: Option<VecDeque<ClosedSegment>>,
    pub(crate) compaction: Progress,
    pub(crate) chunks: Chunks,
    /// Closed spans that chunks still cover or that no index file holds yet.
    pub(crate) spans: VecDeque<TailSpan>,
    /// How many of `spans`, from the front, are in index files.
    pub(crate) spans_persisted: usize,
    open_span: Span,
    watches: Watches,
    /// Something was appended since the last checkpoint took this partition's state.
    pub(crate) dirty: bool,
    /// The log is on its way to another core: it takes nothing and nothing is deleted of it.
    pub(crate) leaving: bool,
    /// Tick of the last append or read, for finding the coldest partition.
    pub(crate) used: u64,
    /// The tick under which the store has it among the logs that have something to let go of, if it has.
    pub(crate) listed: Option<u64>,
}

impl PartitionLog {
    /// A log that continues where a checkpoint and a replay have left it. Everything in it is flushed.
    pub(crate) fn from_row(spec: PartitionSpec, row: &PartitionRow) -> Self {
        let (bytes, index_records, times) = (row.position, row.index_records, row.times);
        let active = TailSegment { bytes, index_records, times, ..TailSegment::new(row.active_segment) };
        // Without a closed byte and at its first start, the log has only the one segment, and was never compacted.
        let has_one_segment = row.closed_bytes == 0 && row.log_start == Offset::ZERO;
        let log = Self {
            spec,
            log_start: row.log_start,
            promised_start: row.log_start,
            checkpointed: TailSpan { segment: row.active_segment, span: row.open_span },
            end: row.end,
            stable: row.end,
            stable_position: SegmentPosition { segment: row.active_segment, position: row.position },
            flushed_position: SegmentPosition { segment: row.active_segment, position: row.position },
            epochs: row.epochs.clone(),
            newest: row.newest,
            tail: VecDeque::from([active]),
            closed_bytes: row.closed_bytes,
            closed: has_one_segment.then(VecDeque::new),
            compaction: if has_one_segment { Progress::of_new_log() } else { Progress::default() },
            chunks: Chunks::default(),
            spans: VecDeque::new(),
            spans_persisted: 0,
            open_span: row.open_span,
            watches: Watches::default(),
            dirty: false,
            leaving: false,
            used: 0,
            listed: None,
        };
        log.check();
        log
    }

    /// Copies a batch to the end of the log and gives it its offsets. The clock is asked where timestamps say too little.
    pub(crate) fn append(
        &mut self,
        batch: AppendBatch<'_>,
        how: HowToAppend,
        pool: &ChunkPool,
        clock: impl Fn() -> Timestamp,
    ) -> AppendedBatch {
        assert!(batch.offsets > 0, "a batch takes at least one offset");
        let base = self.end;
        let mut header = *batch.header;
        wire::batch::patch::assign(&mut header, base, batch.leader_epoch);
        let bytes = batch.bytes();
        assert!(bytes <= limits::BATCH_BYTES_MAX, "batch sizes are checked at the door");
        self.roll_for(bytes, batch.max_timestamp, how.roll, &clock);
        self.note_epoch(batch.leader_epoch, base);
        let at = self.end_position();
        let direct = self.goes_direct(at, bytes, how.direct_bytes_min);
        let direct = if direct {
            Some(self.chunks.append_direct(at, [&header, batch.payload], pool))
        } else {
            self.chunks.append(at, &header, pool);
            let body = SegmentPosition { position: at.position + position(HEADER_BYTES), ..at };
            self.chunks.append(body, batch.payload, pool);
            None
        };
        self.active_mut().bytes += bytes;
        self.note_times(at.position == 0, batch.max_timestamp, &clock);
        self.end = base.plus(u64::from(batch.offsets));
        self.extend_span(&header, batch);
        if batch.max_timestamp > self.newest.timestamp {
            self.newest = Newest { timestamp: batch.max_timestamp, batch_base: base };
        }
        self.dirty = true;
        self.check();
        AppendedBatch { base, header, at, direct }
    }

    fn extend_span(&mut self, header: &[u8], batch: AppendBatch<'_>) {
        if self.open_span.add(&[header, batch.payload], self.end, batch.max_timestamp) {
            self.close_span();
        }
    }

    fn close_span(&mut self) {
        let (segment, bytes) = (self.active().base, self.active().bytes);
        let next = Span::empty(self.end, bytes);
        let span = std::mem::replace(&mut self.open_span, next);
        self.spans.push_back(TailSpan { segment, span });
    }

    fn note_epoch(&mut self, epoch: LeaderEpoch, start: Offset) {
        match self.epochs.last() {
            Some(last) if last.epoch == epoch => {}
            Some(last) => {
                assert!(last.epoch < epoch, "leader epoch {epoch} comes after {}", last.epoch);
                self.epochs.push(EpochStart { epoch, start });
            }
            None => self.epochs.push(EpochStart { epoch, start }),
        }
    }

    /// Records up to here have become safe; readers may have them. Never goes back.
    pub(crate) fn advance_stable(&mut self, end: Offset, position: SegmentPosition) {
        if end <= self.stable {
            return;
        }
        self.stable = end;
        self.stable_position = position;
        self.check();
        self.watches.end_moved(end);
    }

    /// What a checkpoint remembers of this log as it is now. Valid once all its bytes are flushed in segments and the
    /// spans that are closed by now are in index files.
    pub(crate) fn row(&self, attachment: Bytes) -> PartitionRow {
        let active = self.active();
        let unpersisted =
            self.spans.iter().skip(self.spans_persisted).filter(|tail| tail.segment == active.base).count();
        let sealed: u64 = self.tail.iter().rev().skip(1).map(|segment| u64::from(segment.bytes)).sum();
        PartitionRow {
            id: self.spec.id,
            log_start: self.promised_start,
            end: self.end,
            epochs: self.epochs.clone(),
            newest: self.newest,
            active_segment: active.base,
            position: active.bytes,
            closed_bytes: self.closed_bytes + sealed,
            open_span: self.open_span,
            times: active.times,
            index_records: active.index_records
                + u32::try_from(unpersisted).expect("a segment holds fewer than 2^32 spans"),
            attachment,
        }
    }

    /// The oldest unfinished segment is whole and flushed under its final name and size.
    pub(crate) fn finish_oldest_segment(&mut self) -> TailSegment {
        assert!(self.tail.len() > 1, "the active segment is not finished");
        let finished = self.tail.pop_front().expect("a log has an active segment");
        self.closed_bytes += u64::from(finished.bytes);
        if let Some(closed) = &mut self.closed {
            let (base, bytes, time) = (finished.base, finished.bytes, finished.newest());
            closed.push_back(ClosedSegment { base, bytes, time });
        }
        finished
    }

    /// The next run of closed spans that their segment's index file does not hold yet.
    pub(crate) fn spans_to_persist(&mut self) -> Option<SpansToPersist> {
        // Before it is written a segment has no file, and perhaps no folder.
        let unwritten = self.chunks.first_unwritten();
        let is_written = |tail: &TailSpan| unwritten.is_none_or(|unwritten| tail.end() <= unwritten);
        let first = self.spans.get(self.spans_persisted).filter(|tail| is_written(tail))?;
        let segment = first.segment;
        let run = self.spans.iter().skip(self.spans_persisted);
        let run = run.take_while(|tail| tail.segment == segment && is_written(tail));
        let spans = run.map(|tail| tail.span).collect();
        let already = self.tail_segment(segment).expect("spans of finished segments are persisted").index_records;
        Some(SpansToPersist { segment, already, spans })
    }

    pub(crate) fn spans_were_persisted(&mut self, batch: &SpansToPersist) {
        self.spans_persisted += batch.spans.len();
        let segment = self.tail_segment(batch.segment).expect("a segment with unpersisted spans is unfinished");
        segment.index_records += u32::try_from(batch.spans.len()).expect("a segment holds fewer than 2^32 spans");
        // The index file was made with its first spans.
        segment.entry_unsynced |= batch.already == 0;
        self.forget_old_spans();
    }

    /// The oldest unfinished segment, if it is not the active one and all of it is in its files.
    pub(crate) fn finishable(&self) -> Option<(Offset, u32)> {
        let oldest = self.tail.front().filter(|_| self.tail.len() > 1)?;
        let end = SegmentPosition { segment: oldest.base, position: oldest.bytes };
        let indexed = self.spans.get(self.spans_persisted).is_none_or(|tail| tail.segment > oldest.base);
        (indexed && self.chunks.written_up_to(end)).then_some((oldest.base, oldest.bytes))
    }

    pub(crate) fn active(&self) -> &TailSegment {
        self.tail.back().expect("a log has an active segment")
    }

    fn active_mut(&mut self) -> &mut TailSegment {
        self.tail.back_mut().expect("a log has an active segment")
    }

    pub(crate) fn tail_segment(&mut self, base: Offset) -> Option<&mut TailSegment> {
        self.tail.iter_mut().find(|segment| segment.base == base)
    }

    /// Whether there is such a segment, finished or not.
    pub(crate) fn has_segment(&self, base: Offset) -> bool {
        self.closed_bytes_of(base).is_some() || self.tail.iter().any(|segment| segment.base == base)
    }

    /// The file of an unfinished segment, if it is kept open.
    pub(crate) fn kept_file(&mut self, base: Offset) -> Option<Rc<dyn DiskFile>> {
        self.tail_segment(base)?.file.as_ref().map(|kept| Rc::clone(kept.file()))
    }

    /// How far the log has come, for the journal to say once it is flushed.
    pub(crate) fn touched(&self, slot: u32) -> Touched {
        Touched {
            slot,
            end: self.end,
            position: self.end_position(),
            log_start: self.promised_start,
            durability: self.spec.durability,
        }
    }

    pub(crate) fn offsets(&self) -> LogOffsets {
        LogOffsets { log_start: self.log_start, high_watermark: self.stable, log_end: self.end, bytes: self.bytes() }
    }

    /// The next write that is due and allowed.
    pub(crate) fn next_write(&mut self, what: WriteWhat) -> Option<SegmentWrite> {
        self.chunks.next_write(what, self.flushed_position)
    }

    pub(crate) fn has_writes(&self, what: WriteWhat) -> bool {
        self.chunks.has_writes(what, self.flushed_position)
    }

    pub(crate) fn log_start(&self) -> Offset {
        self.log_start
    }

    /// End of what is safe: the high watermark of a log without followers.
    pub(crate) fn stable(&self) -> Offset {
        self.stable
    }

    pub(crate) fn stable_position(&self) -> SegmentPosition {
        self.stable_position
    }

    pub(crate) fn end(&self) -> Offset {
        self.end
    }

    /// Where the next batch's bytes will go.
    pub(crate) fn end_position(&self) -> SegmentPosition {
        SegmentPosition { segment: self.active().base, position: self.active().bytes }
    }

    pub(crate) fn open_span(&self) -> Span {
        self.open_span
    }

    pub(crate) fn newest(&self) -> Newest {
        self.newest
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.closed_bytes + self.tail.iter().map(|segment| u64::from(segment.bytes)).sum::<u64>()
    }

    /// The largest epoch not above `wanted` that wrote here, and the offset after its last record (KIP-320). An epoch
    /// before all of these has written nothing, and ends where the first begins.
    pub(crate) fn end_of_epoch(&self, wanted: LeaderEpoch) -> (LeaderEpoch, Offset) {
        let after = self.epochs.partition_point(|start| start.epoch <= wanted);
        let epoch = self.epochs[..after].last().map_or(wanted, |start| start.epoch);
        let end = self.epochs.get(after).map_or(self.end, |next| next.start);
        (epoch, end)
    }

    /// log start ≤ promised start ≤ stable ≤ end; the open span ends where the log ends.
    fn check(&self) {
        let (start, promised) = (self.log_start, self.promised_start);
        assert!(start <= promised, "log start {start} above the promised one {promised}");
        assert!(promised <= self.stable, "log start {promised} above the stable end {}", self.stable);
        assert!(self.stable <= self.end, "stable end {} above the log end {}", self.stable, self.end);
        let (span_end, active) = (self.open_span.end_position(), self.active().bytes);
        assert!(span_end == active, "the open span ends at byte {span_end}, its segment at {active}");
        assert!(
            self.open_span.end == self.end,
            "the open span ends at {}, the log at {}",
            self.open_span.end,
            self.end
        );
    }
}
