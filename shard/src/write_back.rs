//! Write-back: chunks go to segment files as soon as nothing more will be added to them.
//!
//! Nothing here is flushed; a checkpoint does that. Until then the journal holds the same batches.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use base::{Offset, PartitionId, TopicId};
use rt::{BLOCK_BYTES, DiskError, DiskFile, IoBuf, Notify, OpenMode};

use crate::bytes::{block_floor, length};
use crate::flush::{self, Through};
use crate::log::chunks::{SegmentWrite, WriteWhat};
use crate::open_files::OpenFiles;
use crate::removal::unless_gone;
use crate::shard::Shard;
use crate::space::Refused;
use crate::store::Store;
use crate::task_queues::{BACKGROUND, COMPACTION, CONTROL, RETENTION, WRITE_BACK};
use crate::{layout, limits};

/// What the kernel says when a disk gives back less than it took.
const EIO: i32 = 5;

/// Partitions that have chunks to write, in order of arrival.
pub(crate) struct WriteBack {
    queue: RefCell<VecDeque<u32>>,
    queued: RefCell<BTreeSet<u32>>,
    arrived: Notify,
    pub(crate) at_work: Rc<SlotsAtWork>,
    /// Topics whose folder's entry is flushed.
    pub(crate) synced_topics: RefCell<BTreeSet<TopicId>>,
    /// Segment files that are kept open between writes.
    pub(crate) open_files: OpenFiles,
}

/// Slots whose files somebody is at. The files of a removed partition stay until that has ended: nothing is pulled away
/// from under a write or a checkpoint, and nothing is made anew behind the removal's back.
#[derive(Default)]
pub(crate) struct SlotsAtWork {
    counts: RefCell<BTreeMap<u32, usize>>,
    ended: Notify,
}

/// Holds a slot's files in place.
pub(crate) struct SlotWork {
    slots: Rc<SlotsAtWork>,
    slot: u32,
}

impl SlotsAtWork {
    pub(crate) fn begin(self: &Rc<Self>, slot: u32) -> SlotWork {
        *self.counts.borrow_mut().entry(slot).or_default() += 1;
        SlotWork { slots: Rc::clone(self), slot }
    }

    /// Resolves once nobody is at a slot's files. Of a slot that was taken out, nobody begins again.
    pub(crate) async fn idle(&self, slot: u32) {
        while self.counts.borrow().contains_key(&slot) {
            self.ended.notified().await;
        }
    }
}

impl Drop for SlotWork {
    fn drop(&mut self) {
        let mut counts = self.slots.counts.borrow_mut();
        let count = counts.get_mut(&self.slot).expect("work that ends has begun");
        *count -= 1;
        if *count == 0 {
            counts.remove(&self.slot);
            self.slots.ended.notify_all();
        }
    }
}

impl WriteBack {
    pub(crate) fn new(open_files_max: usize) -> Self {
        Self {
            queue: RefCell::default(),
            queued: RefCell::default(),
            arrived: Notify::new(),
            at_work: Rc::default(),
            synced_topics: RefCell::default(),
            open_files: OpenFiles::new(open_files_max),
        }
    }

    pub(crate) fn enqueue(&self, slot: u32) {
        if self.queued.borrow_mut().insert(slot) {
            self.queue.borrow_mut().push_back(slot);
            self.arrived.notify_all();
        }
    }

    pub(crate) fn pop(&self) -> Option<u32> {
        let slot = self.queue.borrow_mut().pop_front()?;
        self.queued.borrow_mut().remove(&slot);
        Some(slot)
    }
}

impl Store {
    /// Writes one chunk of a partition; false when none is due. A failed write leaves the chunk as it was. A full disk is
    /// no news of a partition that was removed meanwhile; a disk that fails is.
    pub(crate) async fn write_one(&self, slot: u32, what: WriteWhat) -> Result<bool, DiskError> {
        let _work = self.write_back.at_work.begin(slot);
        let next = self.with_slot(slot, |log| (log.spec.id, log.next_write(what)));
        let Some((id, Some(write))) = next else { return Ok(false) };
        let result = self.write_chunk(slot, id, write, Through::No).await;
        match result {
            Err(DiskError::NotFound { .. } | DiskError::NoSpace { .. }) if self.is_gone(slot) => Ok(false),
            result => result.map(|()| true),
        }
    }

    /// Carries out a write that a partition's chunks have begun.
    pub(crate) async fn write_chunk(
        &self,
        slot: u32,
        id: PartitionId,
        write: SegmentWrite,
        through: Through,
    ) -> Result<(), DiskError> {
        let (chunk, written) = (write.chunk, write.written);
        let result = self.perform(slot, id, write, through).await;
        if let (Through::Yes, Err(cause)) = (through, &result) {
            // Before anybody else can try: what was refused once is not to be believed later.
            self.poison("writing a large batch to its segment failed", cause.clone());
        }
        self.with_slot(slot, |log| {
            log.chunks.end_write(chunk, result.is_ok().then_some(written), &self.pool);
            // Only now: a flush covers writes that were complete when it began.
            if let Some(segment) = log.tail_segment(chunk.segment) {
                segment.unsynced |= through == Through::No && result.is_ok();
            }
        });
        self.note_oldest_chunk(slot);
        self.evict_for(0);
        self.progress.notify_all();
        result
    }

    async fn perform(
        &self,
        slot: u32,
        id: PartitionId,
        write: SegmentWrite,
        through: Through,
    ) -> Result<(), DiskError> {
        let file = self.segment_for_write(slot, id, write.at.segment).await?;
        let at = u64::from(write.at.position);
        let mut buffer = write.buffer;
        if write.head > 0 {
            let block = file.read(at, BLOCK_BYTES).await?;
            let kept = block.get(..write.head).ok_or_else(|| {
                let (operation, path) = ("find the checkpointed end of", layout::segment_file(id, write.at.segment));
                DiskError::Io { operation, path, errno: EIO }
            })?;
            buffer.fill(0..write.head, kept);
        }
        flush::write(&*file, buffer, at, through).await
    }

    /// The file of an unfinished segment, opened or made if need be.
    pub(crate) async fn segment_for_write(
        &self,
        slot: u32,
        id: PartitionId,
        base: Offset,
    ) -> Result<Rc<dyn DiskFile>, DiskError> {
        if let Some(Some(file)) = self.with_slot(slot, |log| log.kept_file(base)) {
            return Ok(file);
        }
        let file = self.make_segment_file(slot, id, base).await?;
        self.with_slot(slot, |log| {
            if let Some(segment) = log.tail_segment(base) {
                segment.entry_unsynced = true;
                // Another task may have been quicker.
                if segment.file.is_none() {
                    segment.file = self.write_back.open_files.keep(&file);
                }
            }
        });
        Ok(file)
    }

    /// Opens the file of a segment, or makes it together with its folder. Never for a partition that was removed.
    async fn make_segment_file(&self, slot: u32, id: PartitionId, base: Offset) -> Result<Rc<dyn DiskFile>, DiskError> {
        let (path, folder) = (layout::segment_file(id, base), layout::partition_folder(id));
        let mut tries = 1;
        loop {
            match self.disk.open(&path, OpenMode::Create).await {
                Err(DiskError::NotFound { .. }) if tries < limits::SEGMENT_FILE_TRIES && !self.is_gone(slot) => {}
                result => return result,
            }
            match self.disk.create_dir_all(&folder).await {
                // Another core has removed the topic's folder, which was empty so far, in this moment.
                Err(DiskError::NotFound { .. }) => {}
                result => result?,
            }
            tries += 1;
        }
    }

    /// Removes a deleted partition's files, and its topic's folder with the last of them. Failing is no harm: the next
    /// start removes what no topic owns.
    async fn remove_partition_files(&self, id: PartitionId) {
        let (disk, folder) = (&*self.disk, layout::partition_folder(id));
        let result = match self.freeing.remove_large_files(disk, &folder).await {
            Ok(()) => disk.remove_dir_all(&folder).await,
            cause => cause,
        };
        if let Err(cause) = unless_gone(result) {
            tracing::warn!(%id, %cause, "cannot remove the files of a deleted partition; the next start tries again");
        }
        // Refused while partitions of other cores are in it; the last one gets it.
        let _ = disk.remove_empty_dir(&layout::topic_folder(id.topic)).await;
    }
}

impl Shard {
    /// Starts everything that runs beside appends and reads.
    pub(crate) fn start_tasks(self: &Rc<Self>) {
        for _ in 0..limits::WRITE_BACK_IN_FLIGHT_MAX {
            self.spawn_task(WRITE_BACK, Rc::clone(self).write_chunks());
        }
        self.spawn_task(WRITE_BACK, Rc::clone(self).take_checkpoints());
        self.spawn_task(WRITE_BACK, Rc::clone(self).make_space_for_large_batches());
        self.spawn_task(RETENTION, Rc::clone(self).keep_retention());
        self.spawn_task(RETENTION, Rc::clone(self).remove_segments());
        self.spawn_task(RETENTION, Rc::clone(self).give_back_files());
        self.spawn_task(COMPACTION, Rc::clone(self).keep_compacted());
        self.spawn_task(CONTROL, Rc::clone(self).keep_time());
        self.spawn_task(CONTROL, Rc::clone(self).watch_disk());
        self.spawn_task(BACKGROUND, Rc::clone(self).scrub_segments());
    }

    fn spawn_task(&self, queue: rt::TaskQueue, task: impl Future<Output = ()> + 'static) {
        // The tasks look at the gate themselves, so that they end when it closes.
        drop(self.gate.spawn(queue, task).expect("the shard is opening"));
    }

    async fn write_chunks(self: Rc<Self>) {
        while !self.gate.is_closing() {
            let Some(slot) = self.store.write_back.pop() else {
                futures_lite::future::or(self.store.write_back.arrived.notified(), self.gate.closing()).await;
                continue;
            };
            match self.write_when_there_is_space(slot).await {
                Ok(true) => self.store.write_back.enqueue(slot),
                Ok(false) => {}
                Err(cause) => self.store.poison("writing a chunk to its segment failed", cause),
            }
        }
    }

    /// Stays with the chunk that was refused: whether another one finds space says nothing about this one.
    async fn write_when_there_is_space(&self, slot: u32) -> Result<bool, DiskError> {
        let mut refused: Option<Refused> = None;
        loop {
            match self.store.write_one(slot, WriteWhat::Complete).await {
                Err(DiskError::NoSpace { .. }) if !self.gate.is_closing() => self.wait_for_space(&mut refused).await,
                Err(DiskError::NoSpace { .. }) => return Ok(false),
                result => {
                    if let Some(refused) = refused {
                        refused.end();
                    }
                    return result;
                }
            }
        }
    }

    /// Refuses appends until the disk takes this write; called by whoever has met a full disk, before trying again.
    pub(crate) async fn wait_for_space(&self, refused: &mut Option<Refused>) {
        if refused.is_none() {
            *refused = Some(self.space.refuse());
            self.store.progress.notify_all();
        }
        futures_lite::future::or(rt::sleep(limits::NO_SPACE_RETRY), self.gate.closing()).await;
    }

    /// Looks at the clock for the rest of the shard: checkpoints, flushes of relaxed partitions, free space.
    async fn keep_time(self: Rc<Self>) {
        let mut next_checkpoint = rt::now().plus(self.config.checkpoint_interval);
        let mut next_space = rt::now();
        while !self.gate.is_closing() {
            let now = rt::now();
            self.journal().request_flush();
            if let Some(cause) = self.store.shared_flushes.failed() {
                self.store.poison("a flush of what cores share has failed", cause);
            }
            if now >= next_space {
                next_space = now.plus(limits::FREE_SPACE_CHECK);
                self.look_at_free_space().await;
            }
            // A start must know soon which files of the ring have to be there.
            let ring = self.journal().ring();
            let new_ring = ring.is_complete() && self.ring_in_checkpoint.get() != Some(ring);
            if now >= next_checkpoint || new_ring {
                next_checkpoint = now.plus(self.config.checkpoint_interval);
                if self.journal().unrecycled_bytes() > 0 || new_ring {
                    self.checkpoint_wanted.raise();
                }
            }
            let pause = self.config.flush_interval.min(limits::FREE_SPACE_CHECK);
            futures_lite::future::or(rt::sleep(pause), self.gate.closing()).await;
        }
    }

    async fn look_at_free_space(&self) {
        let free = match self.store.disk.free_bytes().await {
            Ok(free) => free,
            Err(cause) => {
                tracing::warn!(%cause, "cannot tell how much space the disk has left");
                return;
            }
        };
        if self.space.look(free, self.tuning.get().free_space_floor) {
            self.store.progress.notify_all();
        }
    }

    pub(crate) fn remove_files_later(self: &Rc<Self>, id: PartitionId, slot: u32) {
        let shard = Rc::clone(self);
        let removal = async move {
            shard.store.write_back.at_work.idle(slot).await;
            shard.store.remove_partition_files(id).await;
        };
        if self.gate.spawn(BACKGROUND, removal).is_err() {
            tracing::info!(%id, "the files of a deleted partition are removed at the next start");
        }
    }
}

/// Writes bytes at any position of a file: the block that they begin in is read first and kept.
pub(crate) async fn write_bytes_at(file: &dyn DiskFile, at: u64, bytes: &[u8]) -> Result<(), DiskError> {
    let start = block_floor(at);
    let head = length(at - start);
    let buffer = IoBuf::alloc((head + bytes.len()).next_multiple_of(BLOCK_BYTES));
    if head > 0 {
        let block = file.read(start, BLOCK_BYTES).await?;
        let kept = &block[..head.min(block.len())];
        buffer.append(kept);
        buffer.advance(head - kept.len());
    }
    buffer.append(bytes);
    file.write(buffer, start).await
}
