//! Taking checkpoints: everything up to a moment is brought to segments and flushed, then the journal is recycled.

use std::path::Path;
use std::rc::Rc;

use base::{Offset, PartitionId};
use bytes::Bytes;
use rt::{DiskError, OpenMode};

use crate::checkpoint::{Checkpoint, EncodedRows};
use crate::flush::{self, Flushing};
use crate::journal::Durability;
use crate::journal::measured::microseconds;
use crate::log::chunks::WriteWhat;
use crate::log::{PartitionLog, SegmentPosition, TailSegment, TailSpan};
use crate::segment::index;
use crate::several::several;
use crate::shard::Shard;
use crate::space::Refused;
use crate::store::Store;
use crate::write_back::write_bytes_at;
use crate::{layout, limits};

impl Shard {
    pub(crate) fn checkpoint_wanted_if_due(&self) {
        if !self.checkpointing.get() && self.journal().used_percent() >= limits::JOURNAL_CHECKPOINT_PERCENT {
            self.checkpoint_wanted.raise();
        }
    }

    pub(crate) async fn take_checkpoints(self: Rc<Self>) {
        let mut refused: Option<Refused> = None;
        while !self.gate.is_closing() {
            futures_lite::future::or(self.checkpoint_wanted.wait(), self.gate.closing()).await;
            if self.gate.is_closing() || self.checkpointing.get() || self.failed().is_some() {
                self.departures.checkpoint_missed.set(true);
                continue;
            }
            match self.checkpoint(false).await {
                Ok(()) => {
                    if let Some(refused) = refused.take() {
                        refused.end();
                    }
                }
                Err(DiskError::NoSpace { .. }) => {
                    self.wait_for_space(&mut refused).await;
                    self.checkpoint_wanted.raise();
                }
                Err(cause) => self.store.poison("a checkpoint failed", cause),
            }
        }
    }

    /// The checkpoint of a stop in good order: after it the journal holds nothing that the next start needs.
    pub(crate) async fn last_checkpoint(self: &Rc<Self>) -> Result<(), DiskError> {
        while self.checkpointing.get() {
            self.store.progress.notified().await;
        }
        match self.failed() {
            Some(cause) => Err(cause),
            None => self.checkpoint(true).await,
        }
    }

    async fn checkpoint(self: &Rc<Self>, clean: bool) -> Result<(), DiskError> {
        self.checkpointing.set(true);
        let begun = rt::now();
        let result = self.checkpoint_inner(clean).await;
        if result.is_ok() {
            self.checkpoint_times.record(microseconds(rt::now().since(begun)));
        }
        self.checkpointing.set(false);
        self.store.progress.notify_all();
        result
    }

    async fn checkpoint_inner(self: &Rc<Self>, clean: bool) -> Result<(), DiskError> {
        let journal = Rc::clone(self.journal());
        let (replay, direct) = (journal.position(), journal.direct_bytes());
        let Taken { rows, ends, dirty } = self.rows_and_targets().await;
        let rows_end = journal.position().lsn;
        // Segments get only what is flushed in the journal; see `PartitionLog::flushed_position`.
        journal.request_flush();
        let flushed_to_here = journal.reached(rows_end, Durability::Flushed).await;
        let settled = match flushed_to_here {
            Err(cause) => Err(cause),
            Ok(()) => self.store.settle_all(&dirty).await,
        };
        if settled.is_err() {
            for (slot, _) in dirty {
                self.store.with_slot(slot, |log| log.dirty = true);
            }
        }
        settled?;
        // A write or flush that failed meanwhile may have taken along what these flushes have covered.
        if let Some(cause) = self.failed() {
            return Err(cause);
        }
        let number = self.next_checkpoint.get();
        let identity = journal.start().identity;
        let (flushed, ring) = (journal.flushed(), journal.ring());
        let core = Some(self.config.core);
        let checkpoint = Checkpoint { number, core, identity, clean, replay, flushed, ring: Some(ring), rows };
        self.checkpoints.write(checkpoint).await?;
        self.ring_in_checkpoint.set(Some(ring));
        journal.recycle(replay.lsn, direct);
        for (id, end) in ends {
            self.store.with(id, |log| log.was_checkpointed(end));
            rt::yield_if_needed().await;
        }
        // Last: what arrives before this is told to wait for the next one, and that there is to be a next one.
        self.next_checkpoint.set(number + 1);
        self.store.removal.look_again();
        Ok(())
    }

    /// Takes the row of each partition, and up to where those that were written to have to be brought to segments.
    ///
    /// In slices: a core may have many thousands. So rows are of different moments, all after the place that the journal
    /// will be replayed from, and a start drops what a row has already.
    async fn rows_and_targets(&self) -> Taken {
        let attachment_of = Rc::clone(&*self.attachments.borrow());
        let mut taken = Taken { rows: EncodedRows::new(), ends: Vec::new(), dirty: Vec::new() };
        let mut slot = 0;
        while slot < self.store.slots().end {
            let row = self.store.with_slot(slot, |log| {
                let row = log.row(Bytes::new());
                let end = TailSpan { segment: row.active_segment, span: row.open_span };
                if log.is_behind(end) {
                    taken.ends.push((row.id, end));
                }
                if std::mem::take(&mut log.dirty) {
                    taken.dirty.push((slot, log.end_position()));
                }
                let attachment = attachment_of(row.id);
                (row, attachment)
            });
            if let Some((mut row, attachment)) = row {
                if let Some(attachment) = attachment {
                    row.attachment = attachment.await.into();
                }
                taken.rows.push(&row).await;
            }
            slot += 1;
            if slot < self.store.slots().end {
                rt::yield_if_needed().await;
            }
        }
        // See `crate::departure`: another core goes on from these, and has them in no checkpoint yet. In the same moment as
        // the end of the slots, which is where a partition that comes back is found.
        for row in self.departures.rows() {
            taken.rows.push(&row).await;
        }
        taken
    }
}

/// What a checkpoint takes of the partitions.
struct Taken {
    rows: EncodedRows,
    /// Where those end that have gone on since the checkpoint before.
    ends: Vec<(PartitionId, TailSpan)>,
    /// Up to where slots have to be brought to segments.
    dirty: Vec<(u32, SegmentPosition)>,
}

impl Store {
    pub(crate) async fn settle_all(self: &Rc<Self>, dirty: &[(u32, SegmentPosition)]) -> Result<(), DiskError> {
        let flushing = Flushing::of(dirty.len());
        let settle = |(slot, target): &(u32, SegmentPosition)| Rc::clone(self).settle(*slot, *target, flushing);
        let result = several(dirty.iter().map(settle)).await;
        match flushing {
            Flushing::Each => result,
            // Also when a partition found no space: the others are down as flushed by now.
            Flushing::Together => self.shared_flushes.note(flush::sync_all(&*self.disk).await).and(result),
        }
    }

    /// Brings one partition's bytes before `target` to disk for certain: written, indexed, flushed. A partition that was
    /// removed before or meanwhile needs nothing of that.
    async fn settle(self: Rc<Self>, slot: u32, target: SegmentPosition, flushing: Flushing) -> Result<(), DiskError> {
        let _work = self.write_back.at_work.begin(slot);
        let result = self.settle_files(slot, target, flushing).await;
        self.settled.set(self.settled.get() + 1);
        match result {
            // Its folder is there until this ends, but may not have been made yet.
            Err(DiskError::NotFound { .. } | DiskError::NoSpace { .. }) if self.is_gone(slot) => Ok(()),
            result => result,
        }
    }

    async fn settle_files(&self, slot: u32, target: SegmentPosition, flushing: Flushing) -> Result<(), DiskError> {
        loop {
            let progress = self.progress.notified();
            match self.with_slot(slot, |log| log.chunks.written_up_to(target)) {
                None => return Ok(()),
                Some(true) => break,
                Some(false) => {}
            }
            if !self.write_one(slot, WriteWhat::Everything).await? {
                if let Some(cause) = self.poisoned() {
                    return Err(cause);
                }
                progress.await;
            }
        }
        let Some(id) = self.with_slot(slot, |log| log.spec.id) else { return Ok(()) };
        self.persist_spans(slot, id, flushing).await?;
        self.sync_segments(slot, target, flushing).await?;
        self.finish_segments(slot, id, flushing).await?;
        self.sync_new_entries(slot, id, flushing).await?;
        self.close_if_quiet(slot).await;
        Ok(())
    }

    /// Appends closed spans to their segments' index files and flushes those.
    async fn persist_spans(&self, slot: u32, id: PartitionId, flushing: Flushing) -> Result<(), DiskError> {
        while let Some(batch) = self.with_slot(slot, PartitionLog::spans_to_persist).flatten() {
            let mut records = index::encode_records(batch.segment, &batch.spans);
            let mut at = index::record_position(batch.already);
            if batch.already == 0 {
                records.splice(..0, index::encode_header(batch.segment));
                at = 0;
            }
            let file = self.disk.open(&layout::index_file(id, batch.segment), OpenMode::Create).await?;
            write_bytes_at(&*file, at, &records).await?;
            flushing.sync(&*file).await?;
            file.close().await?;
            self.with_slot(slot, |log| log.spans_were_persisted(&batch));
        }
        Ok(())
    }

    /// Flushes the segment that the target lies in, and unfinished ones before it.
    async fn sync_segments(&self, slot: u32, target: SegmentPosition, flushing: Flushing) -> Result<(), DiskError> {
        loop {
            let next = self.with_slot(slot, |log| {
                let mut due = log.tail.iter().filter(|segment| segment.base <= target.segment && segment.unsynced);
                due.next().map(|segment| (log.spec.id, segment.base))
            });
            let Some(Some((id, base))) = next else { return Ok(()) };
            let file = self.segment_for_write(slot, id, base).await?;
            // Right before the flush: what is written while it runs is for the next one. If it fails nobody asks again.
            self.with_slot(slot, |log| {
                if let Some(segment) = log.tail_segment(base) {
                    segment.unsynced = false;
                }
            });
            flushing.sync(&*file).await?;
        }
    }

    /// Gives segments that are written whole their exact size, and closes them.
    async fn finish_segments(&self, slot: u32, id: PartitionId, flushing: Flushing) -> Result<(), DiskError> {
        loop {
            // Longer again after it was cut, it would count for more than it has as soon as only its file is known.
            while self.with_slot(slot, |log| log.makes_direct_space_behind()) == Some(true) {
                self.direct.ended.notified().await;
            }
            let Some(Some((base, bytes))) = self.with_slot(slot, |log| log.finishable()) else { return Ok(()) };
            let file = self.segment_for_write(slot, id, base).await?;
            file.set_len(u64::from(bytes)).await?;
            flushing.sync(&*file).await?;
            self.cut_index(slot, id, base, flushing).await?;
            let finished = self.with_slot(slot, PartitionLog::finish_oldest_segment);
            drop(file);
            let Some(TailSegment { file, entry_unsynced, .. }) = finished else { return Ok(()) };
            if let Some(file) = file {
                file.close().await;
            }
            if entry_unsynced {
                self.sync_entries(id, flushing).await?;
            }
        }
    }

    /// A finished index ends with its last record: records of an earlier life may lie beyond it.
    async fn cut_index(&self, slot: u32, id: PartitionId, base: Offset, flushing: Flushing) -> Result<(), DiskError> {
        let records = self.with_slot(slot, |log| log.tail_segment(base).map(|segment| segment.index_records));
        let Some(Some(records)) = records else { return Ok(()) };
        let file = self.disk.open(&layout::index_file(id, base), OpenMode::Create).await?;
        file.set_len(index::record_position(records)).await?;
        flushing.sync(&*file).await?;
        file.close().await
    }

    async fn sync_new_entries(&self, slot: u32, id: PartitionId, flushing: Flushing) -> Result<(), DiskError> {
        let unsynced = self.with_slot(slot, |log| {
            log.tail.iter_mut().fold(false, |any, segment| std::mem::take(&mut segment.entry_unsynced) | any)
        });
        if unsynced == Some(true) {
            self.sync_entries(id, flushing).await?;
        }
        Ok(())
    }

    pub(crate) async fn sync_entries(&self, id: PartitionId, flushing: Flushing) -> Result<(), DiskError> {
        flushing.sync_dir(&*self.disk, &layout::partition_folder(id)).await?;
        self.sync_shared_folder(&layout::topic_folder(id.topic), flushing).await?;
        if !self.write_back.synced_topics.borrow().contains(&id.topic) {
            self.sync_shared_folder(Path::new(layout::TOPICS), flushing).await?;
            self.write_back.synced_topics.borrow_mut().insert(id.topic);
        }
        Ok(())
    }

    async fn sync_shared_folder(&self, folder: &Path, flushing: Flushing) -> Result<(), DiskError> {
        self.shared_flushes.note(flushing.sync_dir(&*self.disk, folder).await)
    }

    /// An idle partition keeps no file open.
    async fn close_if_quiet(&self, slot: u32) {
        let file = self.with_slot(slot, |log| {
            let quiet = !log.dirty && !log.chunks.in_flight() && log.tail.len() == 1;
            quiet.then(|| log.tail.back_mut()?.file.take()).flatten()
        });
        if let Some(Some(file)) = file {
            file.close().await;
        }
    }
}
