//! Finding records by time.

use base::{Offset, PartitionId, Timestamp};
use wire::batch::{Batch, BatchError, batches};
use wire::compress::Decompressor;

use super::index::Span;
use super::reader::{ReadError, TimestampedOffset};
use crate::limits;
use crate::log::Newest;
use crate::shard::Shard;

impl Shard {
    /// The first safe record, in the order of offsets, whose timestamp is not before `wanted`.
    pub async fn offset_for_timestamp(
        &self,
        id: PartitionId,
        wanted: Timestamp,
    ) -> Result<Option<TimestampedOffset>, ReadError> {
        let known = self.store.with(id, |log| (log.newest(), log.log_start()));
        let (newest, start) = known.ok_or(ReadError::UnknownPartition(id))?;
        if newest.timestamp < wanted.to_wire() {
            return Ok(None);
        }
        let mut from = start;
        let is_late = |span: &Span| span.max_timestamp >= wanted.to_wire();
        while let Some((next, bytes)) = self.store.find_span(id, from, is_late).await? {
            for batch in batches(&bytes) {
                let batch = batch.map_err(|error| damaged(id, &error))?;
                if batch.header().next_offset() > start
                    && batch.header().max_timestamp().is_some_and(|max| max >= wanted)
                    && let Some(found) = first_at_or_after(id, &batch, start, wanted)
                {
                    return Ok(Some(found));
                }
            }
            // What made the span look right lies before the start of the log.
            from = next;
        }
        Ok(None)
    }

    /// The record with the largest timestamp, the first of them if there are several; `None` when no record has one.
    pub async fn newest_record(&self, id: PartitionId) -> Result<Option<TimestampedOffset>, ReadError> {
        let known = self.store.with(id, |log| (log.newest(), log.log_start()));
        let (newest, start) = known.ok_or(ReadError::UnknownPartition(id))?;
        let Some(timestamp) = Timestamp::from_wire(newest.timestamp) else { return Ok(None) };
        if newest.batch_base < start {
            return self.newest_record_from(id, start, newest).await;
        }
        if self.safe_up_to(id, newest.batch_base.plus(1)).await.is_err() {
            return Ok(None);
        }
        let data = match self.read(id, newest.batch_base, 1).await {
            // Deleted in this moment; what is the newest then is for the next question.
            Err(ReadError::OutOfRange { .. }) => return Ok(None),
            data => data?,
        };
        let bytes = data.parts.concat();
        let batch = Batch::parse(&bytes).map_err(|error| damaged(id, &error))?.0;
        // Compaction may have dropped the record, or the batch.
        let is_there = batch.header().max_timestamp() == Some(timestamp);
        match first_at_or_after(id, &batch, start, timestamp).filter(|_| is_there) {
            Some(found) => Ok(Some(found)),
            None => self.newest_record_from(id, start, newest).await,
        }
    }

    /// The newest record is gone: looks for the one that is now.
    async fn newest_record_from(
        &self,
        id: PartitionId,
        start: Offset,
        deleted: Newest,
    ) -> Result<Option<TimestampedOffset>, ReadError> {
        let mut newest = Newest::default();
        let mut record = None;
        let mut from = start;
        loop {
            let is_later = |span: &Span| span.max_timestamp > newest.timestamp;
            let Some((next, bytes)) = self.store.find_span(id, from, is_later).await? else { break };
            for batch in batches(&bytes) {
                let batch = batch.map_err(|error| damaged(id, &error))?;
                let header = batch.header();
                let max = header.max_timestamp().map_or(-1, Timestamp::to_wire);
                if header.next_offset() <= start || max <= newest.timestamp {
                    continue;
                }
                if let Some(found) = newest_of(id, &batch, start).filter(|found| found.timestamp > newest.timestamp) {
                    newest = Newest { timestamp: found.timestamp, batch_base: header.base_offset() };
                    record = Some(found);
                }
            }
            from = next;
        }
        self.store.with(id, |log| log.found_newest(deleted, newest));
        Ok(record)
    }
}

/// The first record from `start` on whose timestamp is not before `wanted`.
fn first_at_or_after(
    id: PartitionId,
    batch: &Batch<'_>,
    start: Offset,
    wanted: Timestamp,
) -> Option<TimestampedOffset> {
    let found = find_record(id, batch, start, |timestamp, _| timestamp >= wanted.to_wire(), Stop::AtFirst);
    let header = batch.header();
    if header.record_count() == 0 {
        // All that compaction has left of it.
        return None;
    }
    // A header may promise a later timestamp than any record has.
    found.or_else(|| (header.base_offset() >= start).then(|| whole_batch(batch, start)))
}

/// The record with the largest timestamp from `start` on, the first of them if there are several.
fn newest_of(id: PartitionId, batch: &Batch<'_>, start: Offset) -> Option<TimestampedOffset> {
    find_record(id, batch, start, |timestamp, best| timestamp > best, Stop::AtEnd)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    AtFirst,
    AtEnd,
}

/// The record from `start` on that `is_better` (its timestamp, the best one so far) has chosen last.
fn find_record(
    id: PartitionId,
    batch: &Batch<'_>,
    start: Offset,
    is_better: impl Fn(i64, i64) -> bool,
    stop: Stop,
) -> Option<TimestampedOffset> {
    let mut decompressor = Decompressor::new();
    let records = match batch.decode(&mut decompressor, limits::TIMESTAMP_SEARCH_BYTES_MAX) {
        Ok(records) => records,
        // The payload is the producer's own; its header still gives a useful answer: no record before the batch.
        Err(error) => {
            tracing::debug!(%id, %error, "a batch cannot be looked into; its first offset is taken");
            return Some(whole_batch(batch, start));
        }
    };
    let mut best: Option<TimestampedOffset> = None;
    for record in records {
        let Ok(record) = record else { return Some(whole_batch(batch, start)) };
        let timestamp = record.timestamp.map_or(-1, Timestamp::to_wire);
        let so_far = best.map_or(-1, |best| best.timestamp);
        if record.offset >= start && timestamp >= 0 && is_better(timestamp, so_far) {
            best = Some(TimestampedOffset { timestamp, offset: record.offset });
            if stop == Stop::AtFirst {
                break;
            }
        }
    }
    best
}

fn whole_batch(batch: &Batch<'_>, start: Offset) -> TimestampedOffset {
    let header = batch.header();
    let timestamp = header.max_timestamp().map_or(-1, Timestamp::to_wire);
    TimestampedOffset { timestamp, offset: header.base_offset().max(start) }
}

fn damaged(partition: PartitionId, error: &BatchError) -> ReadError {
    ReadError::Damaged { partition, segment: Offset::ZERO, at: 0, what: error.to_string() }
}
