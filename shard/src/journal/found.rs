//! The files of a ring as a start finds them, and which of them must be in order.
//!
//! A file that was never made ready holds nothing and may look like anything. One that was ready and is now missing,
//! short or has a damaged header may have held acknowledged records, so that the end of the journal cannot be believed.

use std::path::Path;
use std::rc::Rc;

use rt::{BLOCK_BYTES, Disk, DiskError, DiskFile, OpenMode};

use super::entry::Lsn;
use super::ring::{RingFileHeader, RingLayout, RingState, ring_file};
use crate::bytes::length;
use crate::flush;

/// What is wrong with a file of the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RingFault {
    Missing,
    Length { bytes: u64, expected: u64 },
    Header,
    OtherJournal(u64),
}

impl std::fmt::Display for RingFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing => write!(f, "is missing"),
            Self::Length { bytes, expected } => write!(f, "has {bytes} bytes instead of {expected}"),
            Self::Header => write!(f, "has a damaged header"),
            Self::OtherJournal(journal) => write!(f, "belongs to journal {journal:016x}, another one"),
        }
    }
}

/// A ring whose shape and journal are known.
pub(crate) struct FoundRing {
    pub(crate) layout: RingLayout,
    files: Vec<Option<Rc<dyn DiskFile>>>,
    faults: Vec<Option<RingFault>>,
    /// Files that were ready, as far as that is proven.
    prepared: u64,
    /// Files of which the checkpoint says so.
    known: u64,
}

impl FoundRing {
    /// Opens the files of a ring that a checkpoint knows.
    pub(crate) async fn open(
        disk: &dyn Disk,
        folder: &Path,
        journal: u64,
        ring: RingState,
        position: Lsn,
    ) -> Result<Self, DiskError> {
        let RingState { layout, prepared } = ring;
        let mut found = Self { layout, files: Vec::new(), faults: Vec::new(), prepared, known: prepared };
        for index in 0..ring.layout.files {
            let (file, fault) = look_at(disk, folder, RingFileHeader { layout: ring.layout, index, journal }).await?;
            found.files.push(file);
            found.faults.push(fault);
        }
        found.prove_by_order(position);
        Ok(found)
    }

    /// As [`FoundRing::open`] for a checkpoint that does not know the shape: any whole header of this journal tells it.
    pub(crate) async fn discover(disk: &dyn Disk, folder: &Path, journal: u64) -> Result<Option<Self>, DiskError> {
        for entry in disk.list(folder).await? {
            let Some(index) = entry.name.strip_prefix("ring-").and_then(|digits| digits.parse().ok()) else { continue };
            let file = disk.open(&ring_file(folder, index), OpenMode::Existing).await?;
            let block = file.read(0, BLOCK_BYTES).await?;
            let header = RingFileHeader::decode(&block);
            if let Some(header) = header.filter(|header| header.index == index && header.journal == journal) {
                let ring = RingState { layout: header.layout, prepared: u64::MAX };
                // Nothing is known of what was ready, and the order of preparation proves nothing without a beginning.
                let mut found = Self::open(disk, folder, journal, ring, Lsn::ZERO).await?;
                (found.prepared, found.known) = (0, 0);
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Files are made ready along the ring: of those that the checkpoint does not know yet, one that is in order proves
    /// that those between `position` and it were, too.
    fn prove_by_order(&mut self, position: Lsn) {
        let files = self.files.len();
        let first = self.layout.place(position).file;
        let unknown: Vec<usize> =
            (0..files).map(|n| (first + n) % files).filter(|index| self.prepared >> index & 1 == 0).collect();
        let last_ready = unknown.iter().rposition(|index| self.faults[*index].is_none());
        for index in last_ready.map_or(&[][..], |last| &unknown[..=last]) {
            self.prepared |= 1 << index;
        }
    }

    /// Something of this journal was read between two positions: those files were ready.
    pub(crate) fn prove_used(&mut self, from: Lsn, end: Lsn) {
        let mut at = from;
        while at < end {
            let place = self.layout.place(at);
            self.prepared |= 1 << place.file;
            at = at.plus(place.room);
        }
    }

    pub(crate) fn file(&self, index: usize) -> Option<&Rc<dyn DiskFile>> {
        self.files[index].as_ref()
    }

    /// A file that was ready and is not in order.
    pub(crate) fn damaged(&self) -> Option<(usize, RingFault)> {
        let mut faults = self.faults.iter().enumerate();
        faults.find_map(|(index, fault)| fault.filter(|_| self.prepared >> index & 1 == 1).map(|fault| (index, fault)))
    }

    /// Flushes files that are in order and that the checkpoint does not know yet: the process that made them may have
    /// been killed before it did. From the next checkpoint on they have to be there.
    pub(crate) async fn flush_new(&self, disk: &dyn Disk, folder: &Path) -> Result<(), DiskError> {
        let new = self.usable() & !self.known;
        let files = self.files.iter().enumerate().filter(|(index, _)| new >> index & 1 == 1);
        for file in files.filter_map(|(_, file)| file.as_ref()) {
            flush::sync(&**file).await?;
        }
        if new > 0 { flush::sync_dir(disk, folder).await } else { Ok(()) }
    }

    /// Files that are ready for writing as they are.
    pub(crate) fn usable(&self) -> u64 {
        let usable = self.faults.iter().enumerate().filter(|(_, fault)| fault.is_none());
        usable.fold(0, |bits, (index, _)| bits | 1 << index)
    }
}

/// A file whose header is damaged is given back as well: its entries speak for themselves.
async fn look_at(
    disk: &dyn Disk,
    folder: &Path,
    expected: RingFileHeader,
) -> Result<(Option<Rc<dyn DiskFile>>, Option<RingFault>), DiskError> {
    let file = match disk.open(&ring_file(folder, expected.index), OpenMode::Existing).await {
        Ok(file) => file,
        Err(DiskError::NotFound { .. }) => return Ok((None, Some(RingFault::Missing))),
        Err(other) => return Err(other),
    };
    let block = file.read(0, BLOCK_BYTES).await?;
    let (bytes, whole) = (file.len().await?, expected.layout.file_bytes);
    let fault = match RingFileHeader::decode(&block) {
        Some(header) if header.journal != expected.journal => Some(RingFault::OtherJournal(header.journal)),
        Some(header) if header != expected => Some(RingFault::Header),
        Some(_) if bytes != whole => Some(RingFault::Length { bytes, expected: whole }),
        Some(_) => None,
        None if bytes < whole => Some(RingFault::Length { bytes, expected: whole }),
        None => Some(RingFault::Header),
    };
    Ok((Some(file), fault))
}

impl std::fmt::Debug for FoundRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FoundRing").field("layout", &self.layout).field("faults", &self.faults).finish_non_exhaustive()
    }
}

/// Bytes of a read that are whole blocks: a file that was cut may end inside one.
pub(crate) fn whole_blocks(read: &[u8]) -> &[u8] {
    &read[..length(crate::bytes::block_floor(read.len() as u64))]
}
