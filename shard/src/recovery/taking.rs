//! Taking replayed batches into their logs, in the order of their offsets.

use base::{Offset, PartitionId, Timestamp};
use rt::{DiskError, OpenMode};
use wire::batch::{BatchHeader, HEADER_BYTES};

use super::leftovers::Leftovers;
use super::{CACHE_BYTES, Recovery, RecoveryError, Replayed, ReplayedProducerBatch};
use crate::journal::Durability;
use crate::journal::direct::Placed;
use crate::layout;
use crate::log::{AppendBatch, HowToAppend, PartitionSpec};

impl Recovery {
    /// Whether segments or what was replayed so far have a batch that begins there.
    pub(super) fn has(&self, id: PartitionId, base: Offset) -> bool {
        base < self.end_of(id)
    }

    fn end_of(&self, id: PartitionId) -> Offset {
        let checkpointed = || self.rows.get(&id).map_or(Offset::ZERO, |row| row.end);
        self.store.with(id, |log| log.end()).unwrap_or_else(checkpointed)
    }

    /// The batch of a marker, from its segment; `None` if that has something else there.
    pub(super) async fn read_direct(
        &self,
        id: PartitionId,
        placed: &Placed<'_>,
    ) -> Result<Option<Vec<u8>>, RecoveryError> {
        let file = match self.disk.open(&layout::segment_file(id, placed.at.segment), OpenMode::Existing).await {
            Err(DiskError::NotFound { .. }) => return Ok(None),
            other => other?,
        };
        let (from, bytes) = placed.blocks();
        let blocks = file.read(from.into(), bytes).await?;
        Ok(placed.join(&blocks))
    }

    /// Appends a replayed batch if it is the next one; keeps it if it is early; drops it if segments have it.
    pub(super) async fn take(&mut self, spec: PartitionSpec, batch: Replayed) -> Result<(), RecoveryError> {
        let header = BatchHeader::read(&batch.bytes).expect("the replay has checked it");
        let (id, base) = (spec.id, header.base_offset());
        let end = self.end_of(id);
        if base < end {
            return Ok(());
        }
        if base > end && self.full.is_none() {
            self.early.entry(id).or_default().insert(base, batch);
            return Ok(());
        }
        *self.gained.entry(id).or_default() += batch.bytes.len() as u64;
        if self.full.is_some() {
            return Ok(());
        }
        if self.touched.insert(id) {
            let row = self.row_of(id);
            self.uncleared.borrow_mut().push(Leftovers::indexes(&row));
            self.store.add(spec, &row);
        }
        match self.append(id, &header, batch).await {
            Err(RecoveryError::Disk(cause @ DiskError::NoSpace { .. })) => {
                self.full = Some(cause);
                Ok(())
            }
            result => result,
        }
    }

    pub(super) async fn take_early_ones(&mut self, spec: PartitionSpec) -> Result<(), RecoveryError> {
        while let Some(waiting) = self.early.get_mut(&spec.id) {
            let end = self.store.with(spec.id, |log| log.end()).unwrap_or_default();
            let next = waiting.first_entry().filter(|first| *first.key() <= end).map(|first| first.remove());
            if waiting.is_empty() {
                self.early.remove(&spec.id);
            }
            let Some(batch) = next else { return Ok(()) };
            self.take(spec, batch).await?;
        }
        Ok(())
    }

    async fn append(&mut self, id: PartitionId, header: &BatchHeader, batch: Replayed) -> Result<(), RecoveryError> {
        let (head, payload) = batch.bytes.split_first_chunk::<HEADER_BYTES>().expect("the replay has checked it");
        let append = AppendBatch {
            header: head,
            payload,
            offsets: header.last_offset_delta() + 1,
            max_timestamp: header.max_timestamp().map_or(-1, Timestamp::to_wire),
            leader_epoch: header.leader_epoch().unwrap_or_default(),
        };
        let how = HowToAppend::again(batch.is_first);
        let taken = self.store.append(id, append, how).expect("the partition was added");
        if let Some(expected) = batch.direct.filter(|direct| *direct != taken.at) {
            return Err(RecoveryError::Misplaced { id, expected, found: taken.at });
        }
        if let Some(producer) = header.producer() {
            let replayed = ReplayedProducerBatch { producer, base_offset: taken.base_offset, header: *header };
            self.replayed.entry(id).or_default().push(replayed);
        }
        // What the journal gave back is flushed there by definition.
        self.store.became_safe(&[taken.touched], Durability::Flushed);
        while self.store.pool.dirty() > CACHE_BYTES / 2 {
            self.write_some(taken.touched.slot).await?;
        }
        Ok(())
    }
}
