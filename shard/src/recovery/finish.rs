//! The end of a recovery: new checkpoints, and what each core begins with.

use std::path::Path;
use std::time::Duration;

use base::CoreId;
use rt::DiskError;

use super::leftovers::Leftovers;
use super::pace::RecoveryRate;
use super::{RecoveredCore, Recovery, RecoveryError, RecoveryPlan};
use crate::checkpoint::{Checkpoint, CheckpointFiles, EncodedRows, PartitionRow};
use crate::journal::entry::{JournalIdentity, Lsn};
use crate::journal::ring::RingState;
use crate::journal::{JournalPosition, JournalStart};
use crate::shard::ShardStart;
use crate::{flush, layout};

impl Recovery {
    /// Writes the new checkpoints and says what each core begins with. Partitions that the plan places nowhere are
    /// forgotten; their files are removed if their topic was deleted, else moved to a folder for lost ones.
    pub async fn finish(self, plan: &dyn RecoveryPlan) -> Result<Vec<RecoveredCore>, RecoveryError> {
        match self.settle().await {
            Err(RecoveryError::Disk(cause @ DiskError::NoSpace { .. })) => return Err(self.no_space(cause).await),
            settled => settled?,
        }
        if self.lossy {
            self.clear_lost(plan).await?;
        }
        let (cores, layout) = (plan.cores(), plan.layout());
        let unreplayed_bytes_max = self.keep_rate(plan.target()).await?.unreplayed_bytes_max(plan.target(), cores);
        let mut recovered = Vec::new();
        for core in CoreId::all(cores) {
            let found = self.cores.iter().find(|found| found.core == core);
            let kept = found.and_then(|found| found.end).filter(|end| end.ring.layout == layout);
            let (lsn, journal, prepared) = match kept {
                Some(end) => (Lsn(crate::bytes::block_ceil(end.lsn.0)), end.journal, end.ring.prepared),
                None => (Lsn::ZERO, rt::entropy(), 0),
            };
            let number = found.and_then(|found| found.checkpoint.as_ref()).map_or(0, |known| known.number + 1);
            let identity = JournalIdentity { journal, incarnation: self.incarnation };
            recovered.push(RecoveredCore {
                start: ShardStart {
                    journal: JournalStart { identity, layout, lsn, prepared },
                    next_checkpoint: number,
                    unreplayed_bytes_max,
                    shared_flushes: self.store.shared_flushes.clone(),
                },
                rows: Vec::new(),
            });
        }
        for id in self.known() {
            let Some(core) = plan.core_of(id) else { continue };
            let old = self.rows.get(&id).map(|row| row.attachment.clone()).unwrap_or_default();
            let attachment = match self.replayed.get(&id) {
                Some(replayed) => plan.attachment(id, &old, replayed).into(),
                None => old,
            };
            let row = match (self.store.slot_of(id), self.rows.get(&id)) {
                (Some(slot), _) => {
                    self.store.with_slot(slot, |log| log.row(attachment)).expect("the partition is here")
                }
                (None, Some(row)) => PartitionRow { attachment, ..row.clone() },
                (None, None) => PartitionRow::new(id),
            };
            if self.touched.contains(&id) {
                self.uncleared.borrow_mut().push(Leftovers::beyond_the_end(&row));
            }
            let row = self.with_log_start(row)?;
            let row = if self.lossy { self.with_segments_that_are_left(row).await? } else { row };
            recovered[core.as_usize()].rows.push(row);
        }
        recovered.iter_mut().for_each(|core| plan.bound_attachments(&mut core.rows));
        self.clear_pending().await?;
        self.write_checkpoints(&mut recovered).await?;
        self.remove_old_cores(cores).await?;
        self.clear_orphans(plan).await?;
        Ok(recovered)
    }

    /// What this start says about the rate of recoveries, or else what an earlier one did.
    async fn keep_rate(&self, target: Duration) -> Result<RecoveryRate, RecoveryError> {
        let took = rt::now().since(self.begun);
        let Some(rate) = RecoveryRate::measured(self.replayed_bytes, took, target) else {
            return Ok(RecoveryRate::read(&*self.disk).await?);
        };
        let (mib, mib_per_second) = (self.replayed_bytes >> 20, rate.bytes_per_second() >> 20);
        tracing::info!(mib, ?took, mib_per_second, "the journals are replayed");
        rate.write(&*self.disk).await;
        Ok(rate)
    }

    /// A row with the start that the journals know of. Batches before it may be missing only where a loss was accepted:
    /// the log then goes on, empty, where it was said to begin.
    fn with_log_start(&self, mut row: PartitionRow) -> Result<PartitionRow, RecoveryError> {
        let id = row.id;
        let Some(start) = self.log_starts.get(&id).copied().filter(|start| *start > row.log_start) else {
            return Ok(row);
        };
        if start <= row.end {
            row.begin_at(start);
        } else if self.lossy {
            tracing::error!(%id, %start, end = %row.end, "records before the start of the log are lost; it is empty now");
            row.begin_anew(start);
        } else {
            return Err(RecoveryError::StartBeyondEnd { id, start, end: row.end });
        }
        Ok(row)
    }

    /// Each core's checkpoint holds the rows of all: whichever of them a crash leaves behind, none is missing. The
    /// checkpoints that the shards take later hold their own rows, and of two in one incarnation the further one counts.
    async fn write_checkpoints(&self, recovered: &mut [RecoveredCore]) -> Result<(), RecoveryError> {
        let rows: Vec<PartitionRow> = recovered.iter().flat_map(|core| core.rows.iter().cloned()).collect();
        for (core, target) in CoreId::all(u16::MAX).zip(recovered) {
            let files = CheckpointFiles::open(&*self.disk, core).await?;
            let JournalStart { layout, lsn, prepared, .. } = target.start.journal;
            let checkpoint = Checkpoint {
                number: target.start.next_checkpoint,
                core: Some(core),
                identity: target.start.journal.identity,
                clean: false,
                replay: JournalPosition { lsn, previous_crc: 0 },
                flushed: lsn,
                ring: Some(RingState { layout, prepared }),
                rows: EncodedRows::of(&rows).await,
            };
            files.write(checkpoint).await?;
            target.start.next_checkpoint += 1;
        }
        flush::sync_dir(&*self.disk, Path::new(layout::JOURNALS)).await?;
        Ok(())
    }
}
