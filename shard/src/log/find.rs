//! Finding offsets among the bytes in memory, and taking runs of whole batches from there.

use base::Offset;
use bytes::Bytes;

use super::{PartitionLog, SegmentPosition};
use crate::segment::index::Span;
use crate::segment::scan::walk;

/// What a walk needs of a batch's header.
const WALK_BYTES: usize = 27;

/// Where a wanted offset is.
#[derive(Debug)]
pub(crate) enum Found {
    /// Nothing safe at this offset yet: it is the next one.
    AtEnd,
    /// Whole batches, the first of which holds the offset.
    Memory(MemoryRun),
    /// In a segment file that is not (wholly) in memory.
    Disk,
    /// Before the log start or beyond what is safe.
    OutOfRange,
}

#[derive(Debug)]
pub(crate) struct MemoryRun {
    pub(crate) parts: Vec<Bytes>,
    pub(crate) bytes: u32,
    /// Offset after the last record.
    pub(crate) next: Offset,
}

/// A place between two batches.
#[derive(Clone, Copy)]
struct Boundary {
    position: u32,
    /// Base offset of the batch that begins here.
    next: Offset,
}

struct Walked {
    /// Offset after the batch's last.
    next: Offset,
    bytes: u32,
}

impl PartitionLog {
    /// Looks for `offset` and takes at most `bytes_max` of whole safe batches from there; the first one always (KIP-74).
    pub(crate) fn find(&self, offset: Offset, bytes_max: u32) -> Found {
        if offset < self.log_start() || offset > self.stable() {
            return Found::OutOfRange;
        }
        if offset == self.stable() {
            return Found::AtEnd;
        }
        self.find_in_memory(offset, bytes_max).map_or(Found::Disk, Found::Memory)
    }

    fn find_in_memory(&self, offset: Offset, bytes_max: u32) -> Option<MemoryRun> {
        let (segment, span) = self.tail_span_of(offset)?;
        let limit = self.safe_end(segment)?;
        let mut at = SegmentPosition { segment, position: span.position };
        let first = loop {
            let walked = self.walk(at)?;
            if walked.next > offset {
                break walked;
            }
            at.position += walked.bytes;
        };
        let wanted = at.position.saturating_add(bytes_max.max(first.bytes));
        let after_first = Boundary { position: at.position + first.bytes, next: first.next };
        let end = if wanted >= limit.position { limit } else { self.last_boundary(segment, after_first, wanted)? };
        let mut parts = Vec::new();
        self.chunks.share(at, end.position, &mut parts)?;
        Some(MemoryRun { parts, bytes: end.position - at.position, next: end.next })
    }

    /// The last boundary at or before `wanted`, but not before the end of the first batch.
    fn last_boundary(&self, segment: Offset, after_first: Boundary, wanted: u32) -> Option<Boundary> {
        let mut at = after_first;
        // From the nearest span on, batches are walked one by one.
        let nearest = self.last_span_until(segment, wanted);
        if let Some(span) = nearest.filter(|span| span.position > at.position) {
            at = Boundary { position: span.position, next: span.base };
        }
        // A boundary at the very end of what is in memory is fine: there is no batch to walk there.
        while at.position < wanted {
            let walked = self.walk(SegmentPosition { segment, position: at.position })?;
            if at.position + walked.bytes > wanted {
                break;
            }
            at = Boundary { position: at.position + walked.bytes, next: walked.next };
        }
        Some(at)
    }

    fn walk(&self, at: SegmentPosition) -> Option<Walked> {
        let mut header = [0; WALK_BYTES];
        if !self.chunks.copy_out(at, &mut header) {
            return None;
        }
        let (_, next, bytes) = walk(&header).expect("batches in memory were checked at the door");
        Some(Walked { next, bytes })
    }

    /// Where readers have to stop in this segment.
    fn safe_end(&self, segment: Offset) -> Option<Boundary> {
        let stable = self.stable_position();
        if segment == stable.segment {
            return Some(Boundary { position: stable.position, next: self.stable() });
        }
        assert!(segment < stable.segment, "segment {segment} lies beyond the stable one {}", stable.segment);
        let last = self.last_span_until(segment, u32::MAX)?;
        Some(Boundary { position: last.end_position(), next: last.end })
    }

    /// The span of the tail that holds `offset`; `None` when it is older than what the tail remembers.
    pub(crate) fn tail_span_of(&self, offset: Offset) -> Option<(Offset, Span)> {
        let open = self.open_span();
        if !open.is_empty() && offset >= open.base {
            return Some((self.active().base, open));
        }
        let index = self.spans.partition_point(|tail| tail.span.end <= offset);
        let tail = self.spans.get(index)?;
        (tail.span.base <= offset || index > 0).then_some((tail.segment, tail.span))
    }

    /// Spans of one segment that the tail remembers, the open one last.
    pub(crate) fn spans_of(&self, segment: Offset) -> impl Iterator<Item = Span> {
        self.spans_from(segment, Offset::ZERO)
    }

    /// The same from the one on that holds an offset. There can be thousands: those before it are not walked.
    pub(crate) fn spans_from(&self, segment: Offset, offset: Offset) -> impl Iterator<Item = Span> {
        let open = self.open_span_of(segment).filter(|open| open.end > offset);
        let first = self.spans.partition_point(|tail| (tail.segment, tail.span.end) <= (segment, offset));
        self.spans.range(first..).take_while(move |tail| tail.segment == segment).map(|tail| tail.span).chain(open)
    }

    /// The last span of a segment that the tail remembers and that begins at `position` or before.
    fn last_span_until(&self, segment: Offset, position: u32) -> Option<Span> {
        if let Some(open) = self.open_span_of(segment).filter(|open| open.position <= position) {
            return Some(open);
        }
        let after = self.spans.partition_point(|tail| (tail.segment, tail.span.position) <= (segment, position));
        let last = self.spans.get(after.checked_sub(1)?)?;
        (last.segment == segment).then_some(last.span)
    }

    fn open_span_of(&self, segment: Offset) -> Option<Span> {
        (segment == self.active().base && !self.open_span().is_empty()).then(|| self.open_span())
    }

    /// Forgets spans that an index file holds and no chunk needs.
    pub(crate) fn forget_old_spans(&mut self) {
        let start = self.chunks.start();
        while self.spans_persisted > 0 {
            let Some(front) = self.spans.front() else { break };
            let end = SegmentPosition { segment: front.segment, position: front.span.end_position() };
            if start.is_some_and(|start| end > start) {
                break;
            }
            self.spans.pop_front();
            self.spans_persisted -= 1;
        }
    }
}
