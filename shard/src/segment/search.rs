//! Finding a span by what its index says of it.

use std::rc::Rc;

use base::{Offset, PartitionId};
use bytes::Bytes;

use super::index::Span;
use super::reader::ReadError;
use crate::store::Store;

impl Store {
    /// The first span that ends after `from` and is wanted: the offset after it, and its batches.
    pub(crate) async fn find_span(
        self: &Rc<Self>,
        id: PartitionId,
        from: Offset,
        wanted: impl Fn(&Span) -> bool,
    ) -> Result<Option<(Offset, Bytes)>, ReadError> {
        let slot = self.slot_of(id).ok_or(ReadError::UnknownPartition(id))?;
        'again: loop {
            let generation = self.settled_generation(slot).await.ok_or(ReadError::UnknownPartition(id))?;
            for segment in self.segments_from(slot, id, from).await? {
                let found = self.find_span_in(slot, id, (segment, from), &wanted).await;
                match found {
                    Ok(None) => {}
                    // It was removed while we looked.
                    Err(_) if self.with_slot(slot, |log| log.is_before_start(segment)) == Some(true) => {}
                    // Compaction has put another one in its place.
                    Err(_) if self.was_swapped(slot, generation) => continue 'again,
                    found => return found,
                }
            }
            return Ok(None);
        }
    }

    /// Base offsets of the segments that hold `from` and what follows.
    async fn segments_from(&self, slot: u32, id: PartitionId, from: Offset) -> Result<Vec<Offset>, ReadError> {
        self.load_closed_segments(slot, id).await?;
        self.with_slot(slot, |log| {
            let closed = log.closed_segments().into_iter().flatten().map(|segment| segment.base);
            let mut segments: Vec<Offset> = closed.chain(log.tail.iter().map(|segment| segment.base)).collect();
            let after = segments.partition_point(|base| *base <= from);
            segments.drain(..after.saturating_sub(1));
            segments
        })
        .ok_or(ReadError::UnknownPartition(id))
    }

    async fn find_span_in(
        self: &Rc<Self>,
        slot: u32,
        id: PartitionId,
        (segment, from): (Offset, Offset),
        wanted: &impl Fn(&Span) -> bool,
    ) -> Result<Option<(Offset, Bytes)>, ReadError> {
        let target = self.target(slot, id, segment, None).await?;
        let found =
            target.spans.iter().position(|span| span.position < target.safe_end && span.end > from && wanted(span));
        let Some(index) = found else { return Ok(None) };
        let span = target.spans[index];
        let run = self.span_bytes(&target, span, index).await?;
        let end = span.end_position().min(target.safe_end);
        Ok(Some((span.end, run.slice(..(end - span.position) as usize))))
    }
}
