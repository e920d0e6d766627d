//! Reading a journal back: every whole entry in order, and a verdict on where it ends.
//!
//! The first position without a whole entry is either the *torn tail* (nothing that was written after it had been
//! flushed: it was never acknowledged and is cut) or *damage* (a later entry, or the checkpoint, proves that this
//! position was once flushed: cutting here would lose acknowledged records, so it is reported instead).
//!
//! What is needed to read the ring comes from the checkpoint, not from the files' own headers. A file that had been ready
//! and is missing, short or has a damaged header is damage, too: what it held may be what is missing at the end. All that
//! can be read is given out before that is said.

mod estimate;

use std::path::{Path, PathBuf};

use rt::{BLOCK_BYTES, Disk, DiskError, OpenMode};
use wire::batch::{Batch, HEADER_BYTES};

use super::JournalPosition;
use super::direct::Placed;
use super::entry::{ENTRY_HEADER_BYTES, EntryBody, EntryHeader, JournalIdentity, Lsn, Parsed, parse};
use super::found::{FoundRing, RingFault, whole_blocks};
use super::ring::{RingFileHeader, RingLayout, RingState};
use crate::bytes::{block_ceil, block_floor, length};
use crate::checkpoint::Checkpoint;
use crate::limits;

const READ_BYTES: u64 = 1 << 20;
const ENTRY_START_BYTES: usize = ENTRY_HEADER_BYTES + HEADER_BYTES;

/// One entry that the journal holds.
#[derive(Debug)]
pub struct ReplayedEntry<'a> {
    pub header: EntryHeader,
    pub body: EntryBody,
    /// The whole body; the CRC of a batch or of a marker has been checked.
    pub bytes: &'a [u8],
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum ReplayError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Acknowledged records are damaged on disk.
    #[error(
        "journal {folder}: the entry at position {at} ({file}, byte {byte}) is damaged, and {proof}; \
         it held acknowledged records, so it is not cut off"
    )]
    Damaged { folder: PathBuf, at: Lsn, file: String, byte: u64, proof: Proof },
    /// Acknowledged records that were written straight to their segment are damaged there.
    #[error(
        "journal {folder}: the entry at position {at} says that segment {segment} holds a batch at byte {byte}, which is \
         damaged, and {proof}; it held acknowledged records, so it is not cut off"
    )]
    DamagedSegment { folder: PathBuf, at: Lsn, segment: PathBuf, byte: u64, proof: Proof },
    /// A file that held a part of the journal cannot be used.
    #[error("journal {folder}: {what}")]
    Unreadable { folder: PathBuf, what: String },
}

/// Why a damaged position must once have been whole on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// An entry written later, at this position, knew of a flush beyond the damaged one.
    LaterEntry(Lsn),
    /// The checkpoint knew of a flush up to here.
    Checkpoint(Lsn),
}

impl std::fmt::Display for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::LaterEntry(lsn) => write!(f, "the entry at {lsn} was written after a flush of it"),
            Self::Checkpoint(lsn) => write!(f, "the checkpoint knows of a flush up to {lsn}"),
        }
    }
}

/// Where to begin, and what is known of the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayFrom {
    pub identity: JournalIdentity,
    /// Shape of the ring and which of its files were ready; `None` when the checkpoint does not say.
    pub ring: Option<RingState>,
    pub position: JournalPosition,
    /// The journal's end that was flushed for certain.
    pub flushed: Lsn,
    /// The journal was closed in good order: nothing comes after `position`.
    pub clean: bool,
}

impl ReplayFrom {
    pub fn checkpoint(checkpoint: &Checkpoint) -> Self {
        Self {
            identity: checkpoint.identity,
            ring: checkpoint.ring,
            position: checkpoint.replay,
            flushed: checkpoint.flushed,
            clean: checkpoint.clean,
        }
    }
}

/// Reads one core's journal from a checkpoint on.
pub struct Replay {
    folder: PathBuf,
    ring: FoundRing,
    from: ReplayFrom,
    next: JournalPosition,
    window: Window,
    ended: bool,
}

impl Replay {
    /// Opens the ring in `folder`; `None` when there is none, which only a core that never ran may have.
    pub async fn open(disk: &dyn Disk, folder: &Path, from: ReplayFrom) -> Result<Option<Self>, ReplayError> {
        let journal = from.identity.journal;
        let found = match from.ring {
            Some(ring) => Some(FoundRing::open(disk, folder, journal, ring, from.position.lsn).await?),
            None => discover(disk, folder, journal).await?,
        };
        Ok(found.map(|ring| Self {
            folder: folder.to_owned(),
            ring,
            from,
            next: from.position,
            window: Window::default(),
            ended: false,
        }))
    }

    /// Which journal this is.
    pub(crate) fn journal(&self) -> u64 {
        self.from.identity.journal
    }

    pub fn layout(&self) -> RingLayout {
        self.ring.layout
    }

    /// Files that are ready for writing as they are, as in [`RingState::prepared`].
    pub fn usable_files(&self) -> u64 {
        self.ring.usable()
    }

    /// Makes it certain that files found ready stay so; a checkpoint may count on them then.
    pub(crate) async fn flush_new_files(&self, disk: &dyn Disk) -> Result<(), DiskError> {
        self.ring.flush_new(disk, &self.folder).await
    }

    /// Where the next entry is expected; after the last one, where the journal ends.
    pub fn position(&self) -> JournalPosition {
        self.next
    }

    /// The next whole entry; `None` at the end of the journal; `Damaged` when the end cannot be an honest one.
    pub async fn next(&mut self) -> Result<Option<ReplayedEntry<'_>>, ReplayError> {
        if self.ended {
            return Ok(None);
        }
        let Some((header, crc, body)) = self.next_header().await? else {
            self.ended = true;
            self.prove_the_end_honest().await?;
            return Ok(None);
        };
        let at = self.next.lsn;
        self.next = JournalPosition { lsn: at.plus(EntryHeader::total_bytes(header.body_bytes)), previous_crc: crc };
        let bytes = self.window.get(at.plus(ENTRY_HEADER_BYTES as u64), header.body_bytes as usize);
        Ok(Some(ReplayedEntry { header, body, bytes }))
    }

    /// Ends the journal before an entry that was given out: the segment that it names has not got its batch at `byte`.
    /// `DamagedSegment` when that cannot be an honest end.
    pub(crate) async fn end_before(
        &mut self,
        header: &EntryHeader,
        segment: PathBuf,
        byte: u32,
    ) -> Result<(), ReplayError> {
        self.next = JournalPosition { lsn: header.lsn, previous_crc: header.previous_crc };
        self.ended = true;
        match self.prove_the_end_honest().await {
            Err(ReplayError::Damaged { folder, at, proof, .. }) => {
                Err(ReplayError::DamagedSegment { folder, at, segment, byte: byte.into(), proof })
            }
            other => other,
        }
    }

    /// Finds the next entry that continues the chain, skipping padding; leaves the whole entry in the window.
    async fn next_header(&mut self) -> Result<Option<(EntryHeader, u32, EntryBody)>, ReplayError> {
        loop {
            let at = self.next.lsn;
            self.fetch(at, ENTRY_START_BYTES).await?;
            let (header, crc, body) = match parse(self.window.available(at)) {
                Parsed::Padding if !at.0.is_multiple_of(BLOCK_BYTES as u64) => {
                    self.next.lsn = Lsn(block_ceil(at.0));
                    continue;
                }
                Parsed::Padding | Parsed::Damaged => return Ok(None),
                Parsed::Entry { header, crc, body } => (header, crc, body),
            };
            let continues = header.lsn == at
                && header.identity == self.from.identity
                && header.previous_crc == self.next.previous_crc
                && header.body_bytes <= limits::BATCH_BYTES_MAX;
            if !continues {
                return Ok(None);
            }
            let whole = ENTRY_HEADER_BYTES + header.body_bytes as usize;
            self.fetch(at, whole).await?;
            let available = self.window.available(at);
            if available.len() < whole {
                return Ok(None);
            }
            let is_whole = match body {
                EntryBody::Batch(_) => Batch::parse(&available[ENTRY_HEADER_BYTES..whole])
                    .is_ok_and(|(batch, _)| batch.verify_crc().is_ok()),
                EntryBody::Direct(batch) => Placed::read(&available[ENTRY_HEADER_BYTES..whole], &batch).is_some(),
                // The envelope's CRC covers all of it.
                EntryBody::LogStart(_) => true,
            };
            return Ok(is_whole.then_some((header, crc, body)));
        }
    }

    /// Looks for proof that the position where the entries end was once flushed.
    async fn prove_the_end_honest(&mut self) -> Result<(), ReplayError> {
        let end = self.next.lsn;
        if self.from.clean && end == self.from.position.lsn {
            return Ok(());
        }
        self.ring.prove_used(self.from.position.lsn, end);
        let later = self.find_later_entry().await?;
        if let Some((index, fault)) = self.ring.damaged() {
            let what = format!(
                "ring-{index} {fault}, although it was in use; the entries that can be read end at position {end}, and \
                 acknowledged records may have come after it, so they are not given up"
            );
            return Err(ReplayError::Unreadable { folder: self.folder.clone(), what });
        }
        if end < self.from.flushed {
            return Err(self.damaged(end, Proof::Checkpoint(self.from.flushed)));
        }
        match later {
            Some(lsn) => Err(self.damaged(end, Proof::LaterEntry(lsn))),
            None => Ok(()),
        }
    }

    /// Looks through the rest of the lap, past blocks and files that cannot be read, for an entry that knew of a flush
    /// beyond the end.
    async fn find_later_entry(&mut self) -> Result<Option<Lsn>, ReplayError> {
        let end = self.next.lsn;
        let lap_end = self.lap_end();
        let mut found = None;
        let mut at = Lsn(block_floor(end.0) + BLOCK_BYTES as u64);
        while at < lap_end {
            self.window = Window::default();
            self.fetch(at, length(READ_BYTES.min(lap_end.since(at)))).await?;
            let bytes = self.window.available(at);
            if bytes.is_empty() {
                at = at.plus(self.ring.layout.place(at).room);
                continue;
            }
            for (index, block) in bytes.chunks(BLOCK_BYTES).enumerate() {
                let lsn = at.plus((index * BLOCK_BYTES) as u64);
                if let Parsed::Entry { header, .. } = parse(block)
                    && header.identity == self.from.identity
                    && header.lsn == lsn
                {
                    self.ring.prove_used(lsn, lsn.plus(1));
                    if header.flushed > end {
                        found = found.or(Some(lsn));
                    }
                }
            }
            at = at.plus(block_ceil(bytes.len() as u64));
            rt::yield_if_needed().await;
        }
        Ok(found)
    }

    /// One lap after where the reading began: what lies beyond is older.
    fn lap_end(&self) -> Lsn {
        Lsn(block_floor(self.from.position.lsn.0)).plus(self.ring.layout.capacity())
    }

    fn damaged(&self, at: Lsn, proof: Proof) -> ReplayError {
        let place = self.ring.layout.place(at);
        ReplayError::Damaged {
            folder: self.folder.clone(),
            at,
            file: format!("ring-{}", place.file),
            byte: place.position,
            proof,
        }
    }

    /// Brings `count` bytes from `at` on into the window, fewer where the lap or the files end.
    async fn fetch(&mut self, at: Lsn, count: usize) -> Result<(), ReplayError> {
        let lap_end = self.lap_end();
        let wanted = at.plus(count as u64).min(lap_end);
        self.window.forget_before(Lsn(block_floor(at.0)));
        while self.window.end() < wanted {
            let from = self.window.end();
            let place = self.ring.layout.place(from);
            let Some(file) = self.ring.file(place.file) else { return Ok(()) };
            let bytes = READ_BYTES.min(place.room).min(lap_end.since(from));
            let read = file.read(place.position, length(bytes)).await?;
            let blocks = whole_blocks(&read);
            if blocks.is_empty() {
                return Ok(());
            }
            self.window.extend(blocks);
        }
        Ok(())
    }
}

/// A ring that a checkpoint of the first builds does not describe, if there is one. None of its files has a whole header:
/// either the first of them was being made, or they are damaged.
async fn discover(disk: &dyn Disk, folder: &Path, journal: u64) -> Result<Option<FoundRing>, ReplayError> {
    if let Some(found) = FoundRing::discover(disk, folder, journal).await? {
        return Ok(Some(found));
    }
    for entry in disk.list(folder).await?.iter().filter(|entry| entry.name.starts_with("ring-")) {
        let file = disk.open(&folder.join(&entry.name), OpenMode::Existing).await?;
        let block = file.read(0, BLOCK_BYTES).await?;
        if RingFileHeader::decode(&block).is_none() && block.iter().any(|byte| *byte != 0) {
            let what = format!("{} {}, and no other file tells what it held", entry.name, RingFault::Header);
            return Err(ReplayError::Unreadable { folder: folder.to_owned(), what });
        }
    }
    Ok(None)
}

/// A run of the journal's bytes in memory, beginning at a block.
#[derive(Default)]
struct Window {
    start: Lsn,
    bytes: Vec<u8>,
}

impl Window {
    fn end(&self) -> Lsn {
        self.start.plus(self.bytes.len() as u64)
    }

    fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Drops what lies before `at` once it is worth the move.
    fn forget_before(&mut self, at: Lsn) {
        if at < self.start || at > self.end() || self.bytes.is_empty() {
            self.bytes.clear();
            self.start = at;
            return;
        }
        let passed = length(at.since(self.start));
        if passed > self.bytes.len() / 2 {
            self.bytes.drain(..passed);
            self.start = at;
        }
    }

    fn available(&self, at: Lsn) -> &[u8] {
        if at < self.start {
            return &[];
        }
        self.bytes.get(length(at.since(self.start))..).unwrap_or(&[])
    }

    fn get(&self, at: Lsn, count: usize) -> &[u8] {
        &self.available(at)[..count]
    }
}
