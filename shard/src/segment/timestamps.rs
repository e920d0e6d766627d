//! Finding records by time.

use base::{Offset, PartitionId, Timestamp};
use wire::batch::{Batch, BatchError, batches};
use wire::compress::Decompressor;

use super::reader::{ReadError, TimestampedOffset};
use crate::limits;
use crate::shard::Shard;

impl Shard {
    /// The first safe record, in the order of offsets, whose timestamp is not before `wanted`.
    pub async fn offset_for_timestamp(
        &self,
        id: PartitionId,
        wanted: Timestamp,
    ) -> Result<Option<TimestampedOffset>, ReadError> {
        let newest = self.store.with(id, |log| log.newest()).ok_or(ReadError::UnknownPartition(id))?;
        if newest.timestamp < wanted.to_wire() {
            return Ok(None);
        }
        let Some(bytes) = self.store.find_span(id, |span| span.max_timestamp >= wanted.to_wire()).await? else {
            return Ok(None);
        };
        for batch in batches(&bytes) {
            let batch = batch.map_err(|error| damaged(id, &error))?;
            if batch.header().max_timestamp().is_some_and(|max| max >= wanted) {
                return first_at_or_after(id, &batch, wanted);
            }
        }
        Ok(None)
    }

    /// The record with the largest timestamp, the first of them if there are several; `None` when no record has one.
    pub async fn newest_record(&self, id: PartitionId) -> Result<Option<TimestampedOffset>, ReadError> {
        let newest = self.store.with(id, |log| log.newest()).ok_or(ReadError::UnknownPartition(id))?;
        let Some(timestamp) = Timestamp::from_wire(newest.timestamp) else { return Ok(None) };
        if self.safe_up_to(id, newest.batch_base.plus(1)).await.is_err() {
            return Ok(None);
        }
        let data = self.read(id, newest.batch_base, 1).await?;
        let bytes = data.parts.concat();
        match Batch::parse(&bytes) {
            Ok((batch, _)) => first_at_or_after(id, &batch, timestamp),
            Err(error) => Err(damaged(id, &error)),
        }
    }
}

fn first_at_or_after(
    id: PartitionId,
    batch: &Batch<'_>,
    wanted: Timestamp,
) -> Result<Option<TimestampedOffset>, ReadError> {
    let mut decompressor = Decompressor::new();
    let records = match batch.decode(&mut decompressor, limits::TIMESTAMP_SEARCH_BYTES_MAX) {
        Ok(records) => records,
        // The payload is the producer's own; its header still gives a useful answer: no record before the batch.
        Err(error) => {
            tracing::debug!(%id, %error, "a batch cannot be looked into; its first offset is taken");
            return Ok(Some(whole_batch(batch)));
        }
    };
    for record in records {
        match record {
            Ok(record) => {
                if let Some(timestamp) = record.timestamp.filter(|timestamp| *timestamp >= wanted) {
                    return Ok(Some(TimestampedOffset { timestamp: timestamp.to_wire(), offset: record.offset }));
                }
            }
            Err(_) => return Ok(Some(whole_batch(batch))),
        }
    }
    // The header promises a later timestamp than any record has.
    Ok(Some(whole_batch(batch)))
}

fn whole_batch(batch: &Batch<'_>) -> TimestampedOffset {
    let header = batch.header();
    TimestampedOffset { timestamp: header.max_timestamp().map_or(-1, Timestamp::to_wire), offset: header.base_offset() }
}

fn damaged(partition: PartitionId, error: &BatchError) -> ReadError {
    ReadError::Damaged { partition, segment: Offset::ZERO, at: 0, what: error.to_string() }
}
