//! Reading runs of segments, once for all who want them, and ahead of whoever reads on.

use std::ops::Range;
use std::rc::Rc;

use bytes::Bytes;
use rt::{DiskFile, OpenMode};

use super::checked::{NotRead, read_spans};
use super::extents::Extent;
use super::index::Span;
use super::reader::{ReadError, Target};
use super::sequences::Place;
use crate::store::Store;
use crate::task_queues::FOREGROUND;
use crate::{layout, limits};

/// Bytes of a segment, from a span's start on.
pub(super) struct Run {
    /// Position in the segment of the first byte.
    pub(super) start: u32,
    pub(super) bytes: Bytes,
}

/// A run is being read from disk. However that ends, those who wait for it look again.
struct Loading {
    store: Rc<Store>,
    place: Place,
    range: Range<u32>,
}

impl Drop for Loading {
    fn drop(&mut self) {
        self.store.reader.extents.borrow_mut().end_loading(self.place, &self.range);
        self.store.reader.loaded.notify_all();
    }
}

impl Store {
    /// Bytes of whole spans from `target.spans[first]` on, checked. A run that somebody reads already is waited for.
    pub(super) async fn checked_run(
        self: &Rc<Self>,
        target: &Target,
        first: usize,
        bytes_max: u32,
    ) -> Result<Run, ReadError> {
        let span = target.spans[first];
        let place = target.place();
        let is_loading = || self.reader.extents.borrow().is_loading(place, span.position);
        while is_loading() {
            self.reader.loaded.notified().await;
        }
        if self.was_swapped(target.slot, target.generation) {
            return Err(target.damaged(span.position, "compaction replaces it"));
        }
        if let Some(run) = self.kept_run(target, span) {
            return Ok(run);
        }
        let on_disk = self.end_on_disk(target.slot, target.segment);
        if span.end_position() > on_disk {
            let bytes = self.read_span_in_part_from_memory(target, span).await?;
            return Ok(Run { start: span.position, bytes });
        }
        let wanted = bytes_max.clamp(limits::READ_AHEAD_BYTES_MIN, self.reader.pace.bytes_max(rt::now()));
        let until = on_disk.min(self.reader.extents.borrow().next_after(place, span.position));
        let spans = spans_within(&target.spans[first..], span.position.saturating_add(wanted), until);
        let loading = self.begin_loading(place, spans);
        let bytes = self.load_and_keep(target, spans).await?;
        drop(loading);
        Ok(Run { start: span.position, bytes })
    }

    /// The run that holds a span, if it is in memory.
    pub(super) fn kept_run(&self, target: &Target, span: Span) -> Option<Run> {
        let extent = self.reader.extents.borrow_mut().find(target.place(), &span)?;
        Some(Run { start: extent.range.start, bytes: extent.bytes })
    }

    /// Starts reading what follows the bytes that a reader has just got, if it is one that reads on.
    pub(super) fn read_ahead(self: &Rc<Self>, target: &Target, taken: Range<u32>) {
        let place = target.place();
        let ahead = self.reader.sequences.borrow_mut().read(rt::now(), place, taken.clone());
        if ahead == 0 {
            return;
        }
        let goal = taken.end.saturating_add(ahead);
        // In halves: one is there, or comes, while the other is used.
        let step = (ahead / 2).clamp(limits::READ_AHEAD_BYTES_MIN, self.reader.pace.bytes_max(rt::now()));
        let on_disk = self.end_on_disk(target.slot, target.segment);
        let mut at = self.reader.extents.borrow().covered_until(place, taken.end);
        while at < goal {
            let next = target.spans.partition_point(|span| span.end_position() <= at);
            let Some(span) = target.spans.get(next).filter(|span| span.end_position() <= on_disk) else { return };
            let until = on_disk.min(self.reader.extents.borrow().next_after(place, span.position));
            let spans = spans_within(&target.spans[next..], span.position.saturating_add(step), until);
            let end = spans[spans.len() - 1].end_position();
            let has_room = self.reader.extents.borrow_mut().has_room(end - span.position);
            if !has_room || !self.is_settled(target.slot, target.segment, end) {
                return;
            }
            let loading = self.begin_loading(place, spans);
            let ahead = Target { spans: spans.to_vec(), ..*target };
            let store = Rc::clone(self);
            drop(rt::spawn(FOREGROUND, async move {
                // Whoever reads on meets the same error and reports it.
                if let Err(cause) = store.load_and_keep(&ahead, &ahead.spans).await {
                    tracing::debug!(%cause, "reading ahead failed");
                }
                drop(loading);
            }));
            at = self.reader.extents.borrow().covered_until(place, end);
        }
    }

    fn begin_loading(self: &Rc<Self>, place: Place, spans: &[Span]) -> Loading {
        let range = spans[0].position..spans[spans.len() - 1].end_position();
        self.reader.extents.borrow_mut().begin_loading(place, range.clone());
        Loading { store: Rc::clone(self), place, range }
    }

    async fn load_and_keep(&self, target: &Target, spans: &[Span]) -> Result<Bytes, ReadError> {
        let bytes = self.load(target, spans).await?;
        let range = spans[0].position..spans[spans.len() - 1].end_position();
        // Spans that still grow are not kept: the next reader finds more in them.
        let may_stay = self.is_settled(target.slot, target.segment, range.end)
            && !self.was_swapped(target.slot, target.generation);
        let extent = Extent::new(target.place(), range, bytes);
        let bytes = extent.bytes.clone();
        let mut extents = self.reader.extents.borrow_mut();
        if may_stay {
            extents.keep(extent)
        } else {
            extents.retire(extent)
        }
        Ok(bytes)
    }

    /// Reads spans of a segment file and checks each.
    pub(super) async fn load(&self, target: &Target, spans: &[Span]) -> Result<Bytes, ReadError> {
        let file = self.segment_for_read(target).await?;
        if self.was_swapped(target.slot, target.generation) {
            return Err(target.damaged(spans[0].position, "compaction replaces it"));
        }
        let _reading = self.reader.pace.begin(spans[spans.len() - 1].end_position() - spans[0].position).await;
        let at_once = self.reader.pace.at_once_max(rt::now());
        read_spans(&*file, spans, at_once).await.map_err(|not_read| match not_read {
            NotRead::Disk(cause) => cause.into(),
            NotRead::Damaged { span, what } => target.damaged(span.position, what),
        })
    }

    pub(super) async fn segment_for_read(&self, target: &Target) -> Result<Rc<dyn DiskFile>, ReadError> {
        let kept = self.with_slot(target.slot, |log| log.kept_file(target.segment));
        if let Some(Some(file)) = kept {
            return Ok(file);
        }
        let kept = self.reader.files.borrow_mut().find(target.place(), target.generation);
        if let Some(file) = kept {
            return Ok(file);
        }
        let file = self.disk.open(&layout::segment_file(target.id, target.segment), OpenMode::Existing).await?;
        let is_there = self.with_slot(target.slot, |log| log.has_segment(target.segment));
        if is_there == Some(true) && !self.was_swapped(target.slot, target.generation) {
            self.reader.files.borrow_mut().keep(target.place(), target.generation, &file);
        }
        Ok(file)
    }
}

/// The spans from the first on that end before both limits; at least one.
fn spans_within(spans: &[Span], wanted_end: u32, until: u32) -> &[Span] {
    let count = spans.iter().take_while(|span| span.end_position() <= wanted_end.min(until)).count().max(1);
    &spans[..count]
}
