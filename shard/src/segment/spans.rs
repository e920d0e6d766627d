//! The spans of a segment: from its index file, from memory, or, when the index is missing, computed again.

use std::collections::BTreeMap;
use std::rc::Rc;

use base::{Offset, PartitionId, Timestamp};
use rt::{BLOCK_BYTES, DiskError, DiskFile, OpenMode};

use super::index::{self, Span, find_offset};
use super::reader::ReadError;
use super::scan::{ScanError, rebuild_spans};
use super::sequences::Place;
use crate::bytes::{block_ceil, length};
use crate::log::{PartitionLog, TailSpan};
use crate::store::Store;
use crate::{layout, limits};

/// What is kept of an index file.
#[derive(Clone)]
struct CachedIndex {
    spans: Rc<[Span]>,
    /// The segment was finished when this was read: these are all its spans.
    whole: bool,
    used: u64,
}

/// Index files that were read, up to a number of bytes.
#[derive(Default)]
pub(super) struct IndexCache {
    indexes: BTreeMap<Place, CachedIndex>,
    bytes: usize,
}

impl IndexCache {
    fn get(&mut self, key: Place, tick: u64) -> Option<CachedIndex> {
        let index = self.indexes.get_mut(&key)?;
        index.used = tick;
        Some(index.clone())
    }

    pub(super) fn forget(&mut self, key: Place) {
        if let Some(index) = self.indexes.remove(&key) {
            self.bytes -= size_of_val(&*index.spans);
        }
    }

    fn put(&mut self, key: Place, index: CachedIndex) {
        self.bytes += size_of_val(&*index.spans);
        if let Some(before) = self.indexes.insert(key, index) {
            self.bytes -= size_of_val(&*before.spans);
        }
        while self.bytes > limits::INDEX_CACHE_BYTES && self.indexes.len() > 1 {
            let oldest = self.indexes.iter().min_by_key(|(_, index)| index.used).map(|(key, _)| *key);
            let dropped = oldest.and_then(|key| self.indexes.remove(&key)).expect("the cache is not empty");
            self.bytes -= size_of_val(&*dropped.spans);
        }
    }
}

/// Those of consecutive spans that begin within a window's bytes from the first one on.
pub(super) fn within(window: Option<(Offset, u32)>, spans: impl Iterator<Item = Span>) -> Vec<Span> {
    let Some((_, bytes)) = window else { return spans.collect() };
    let mut spans = spans.peekable();
    let limit = spans.peek().map_or(0, |first| first.position.saturating_add(bytes));
    spans.take_while(|span| span.position <= limit).collect()
}

impl Store {
    /// Spans of a segment: those in its index file, then those that only memory has. All of them, or those from an offset
    /// on that begin within so many bytes: an index has thousands.
    pub(super) async fn spans(
        &self,
        slot: u32,
        id: PartitionId,
        segment: Offset,
        window: Option<(Offset, u32)>,
    ) -> Result<Vec<Span>, ReadError> {
        let gone = || ReadError::UnknownPartition(id);
        let records_now = || self.with_slot(slot, |log| log.tail_segment(segment).map(|tail| tail.index_records));
        loop {
            let records = records_now().ok_or_else(gone)?;
            let indexed = self.indexed_spans(slot, id, segment, records).await?;
            // While the file was read, spans may have moved from memory to it.
            if records_now().ok_or_else(gone)? != records {
                continue;
            }
            let count = records.map_or(indexed.len(), |records| indexed.len().min(records as usize));
            let indexed = &indexed[..count];
            let first = window.map_or(0, |(offset, _)| find_offset(indexed, offset));
            let mut spans = within(window, indexed[first..].iter().copied());
            if records.is_some() && first + spans.len() == count {
                let (end, reached) = indexed.last().map_or((0, Offset::ZERO), |span| (span.end_position(), span.end));
                let from = window.map_or(reached, |(offset, _)| reached.max(offset));
                let kept = |log: &mut PartitionLog| {
                    let later = log.spans_from(segment, from).filter(|span| span.position >= end);
                    within(window, spans.iter().copied().chain(later))
                };
                spans = self.with_slot(slot, kept).ok_or_else(gone)?;
            }
            return Ok(spans);
        }
    }

    /// Spans of an index file: at least `records` of them, or, when that is `None`, all of a finished segment.
    async fn indexed_spans(
        &self,
        slot: u32,
        id: PartitionId,
        segment: Offset,
        records: Option<u32>,
    ) -> Result<Rc<[Span]>, ReadError> {
        if records == Some(0) {
            return Ok(Rc::from([]));
        }
        let enough = |spans: &[Span], whole: bool| records.map_or(whole, |records| spans.len() >= records as usize);
        let used = self.reader.next_tick();
        if let Some(kept) = self.reader.indexes.borrow_mut().get((slot, segment), used)
            && enough(&kept.spans, kept.whole)
        {
            return Ok(kept.spans);
        }
        let generation = self.settled_generation(slot).await.ok_or(ReadError::UnknownPartition(id))?;
        let mut from_file = self.read_index(id, segment).await?;
        if let Some(records) = records {
            // What follows is what an earlier life has left, or what is being written: not to be kept.
            from_file.truncate(records as usize);
        }
        let path = layout::segment_file(id, segment);
        let file = self.disk.open(&path, OpenMode::Existing).await?;
        let indexed = from_file.last().map_or(0, |span| u64::from(span.end_position()));
        let whole = indexed == file.len().await?;
        let spans: Rc<[Span]> = if enough(&from_file, whole) {
            from_file.into()
        } else {
            self.rebuild_index(&*file, (slot, generation), id, segment, records).await?.into()
        };
        if self.was_swapped(slot, generation) {
            return Ok(spans);
        }
        let index = CachedIndex { spans: Rc::clone(&spans), whole: records.is_none(), used };
        self.reader.indexes.borrow_mut().put((slot, segment), index);
        Ok(spans)
    }

    /// The largest timestamp of a finished segment; `None` if none of its records has one.
    pub(crate) async fn newest_timestamp_of(
        &self,
        slot: u32,
        id: PartitionId,
        segment: Offset,
    ) -> Result<Option<Timestamp>, ReadError> {
        let spans = self.finished_spans(slot, id, segment).await?;
        Ok(spans.iter().map(|span| span.max_timestamp).max().and_then(Timestamp::from_wire))
    }

    /// All spans of a finished segment, past the cache: for whoever looks at segments that readers don't. An index that does
    /// not describe the whole file is made again.
    pub(crate) async fn finished_spans(
        &self,
        slot: u32,
        id: PartitionId,
        segment: Offset,
    ) -> Result<Vec<Span>, ReadError> {
        let generation = self.settled_generation(slot).await.ok_or(ReadError::UnknownPartition(id))?;
        let bytes = self.with_slot(slot, |log| log.closed_bytes_of(segment)).flatten();
        let spans = self.read_index(id, segment).await?;
        if bytes == Some(spans.last().map_or(0, Span::end_position)) {
            return Ok(spans);
        }
        let file = self.disk.open(&layout::segment_file(id, segment), OpenMode::Existing).await?;
        self.rebuild_index(&*file, (slot, generation), id, segment, None).await
    }

    /// Spans of a segment that is not finished, up to where a checkpoint has ended it, past the cache. They follow each
    /// other from the segment's start; fewer when the segment was finished or removed meanwhile.
    pub(crate) async fn checkpointed_spans(
        &self,
        slot: u32,
        id: PartitionId,
        end: TailSpan,
    ) -> Result<Vec<Span>, ReadError> {
        let generation = self.settled_generation(slot).await.ok_or(ReadError::UnknownPartition(id))?;
        // Of one moment: records that the index gets later are of spans that are here now.
        let known = self.with_slot(slot, |log| {
            let in_memory = log.spans_of(end.segment).collect::<Vec<Span>>();
            log.tail_segment(end.segment).map(|tail| (tail.index_records, in_memory))
        });
        let Some(Some((records, in_memory))) = known else { return Ok(Vec::new()) };
        let mut spans = Vec::new();
        if records > 0 {
            spans = self.read_index(id, end.segment).await?;
            spans.truncate(records as usize);
            if spans.len() < records as usize {
                let file = self.disk.open(&layout::segment_file(id, end.segment), OpenMode::Existing).await?;
                spans = self.rebuild_index(&*file, (slot, generation), id, end.segment, Some(records)).await?;
            }
        }
        spans.retain(|span| span.end_position() <= end.span.position);
        // The last one is the span that was open: by now it may be longer.
        let later = in_memory.into_iter().filter(|span| span.end_position() <= end.span.position).chain([end.span]);
        for span in later {
            if span.position == spans.last().map_or(0, Span::end_position) && !span.is_empty() {
                spans.push(span);
            }
        }
        Ok(spans)
    }

    async fn read_index(&self, id: PartitionId, segment: Offset) -> Result<Vec<Span>, ReadError> {
        let file = match self.disk.open(&layout::index_file(id, segment), OpenMode::Existing).await {
            Err(DiskError::NotFound { .. }) => return Ok(Vec::new()),
            other => other?,
        };
        let bytes = file.len().await?.min(limits::INDEX_FILE_BYTES_MAX);
        let read = file.read(0, length(block_ceil(bytes)).max(BLOCK_BYTES)).await?;
        Ok(index::decode_file(&read[..read.len().min(length(bytes))], segment))
    }

    /// Computes an index from its segment's batches. That of a finished segment is written down.
    async fn rebuild_index(
        &self,
        file: &dyn DiskFile,
        (slot, generation): (u32, u64),
        id: PartitionId,
        segment: Offset,
        records: Option<u32>,
    ) -> Result<Vec<Span>, ReadError> {
        tracing::warn!(%id, %segment, "the index of a segment is missing or incomplete; it is made again");
        let path = layout::segment_file(id, segment);
        let damaged = |error: ScanError| match error {
            ScanError::Disk(cause) => ReadError::Disk(cause),
            ScanError::Damaged { at, what, .. } => ReadError::Damaged { partition: id, segment, at, what },
        };
        if records.is_some() {
            // Memory knows the rest: the segment's newest spans, the open one among them.
            let end = self.with_slot(slot, |log| {
                let all = log.tail_segment(segment).map_or(0, |tail| tail.bytes);
                log.spans_of(segment).next().map_or(all, |span| span.position)
            });
            return rebuild_spans(file, &path, segment, end).await.map_err(damaged);
        }
        let spans = rebuild_spans(file, &path, segment, None).await.map_err(damaged)?;
        let _lock = self.segment_locks.lock(slot).await;
        let _work = self.write_back.at_work.begin(slot);
        if self.was_swapped(slot, generation) || self.with_slot(slot, |log| log.is_before_start(segment)) == Some(true)
        {
            // Its file may have been cut while it was looked through. Whoever asked finds out why, and asks again.
            let what = "it was removed or compacted meanwhile".to_owned();
            return Err(ReadError::Damaged { partition: id, segment, at: 0, what });
        }
        let is_there = self.with_slot(slot, |log| log.closed_bytes_of(segment)).flatten().is_some();
        if !is_there {
            return Ok(spans);
        }
        let index_file = layout::index_file(id, segment);
        match index::write_file(&*self.disk, (&index_file, OpenMode::Create), segment, &spans).await {
            // What it was made for goes on without it.
            Err(cause @ DiskError::NoSpace { .. }) => tracing::warn!(%id, %segment, %cause, "the index is not written"),
            result => drop(result?),
        }
        Ok(spans)
    }
}
