//! Journals: what a start would replay, and what lies in a ring's files.

use std::path::{Path, PathBuf};

use base::CoreId;
use rt::{BLOCK_BYTES, Disk, DiskError, OpenMode};
use wire::batch::{Batch, HEADER_BYTES};

use super::Damage;
use crate::bytes::{block_ceil, block_floor, length};
use crate::checkpoint::Checkpoint;
use crate::journal::direct::Placed;
use crate::journal::entry::{ENTRY_HEADER_BYTES, EntryBody, EntryHeader, Lsn, Parsed, parse};
use crate::journal::replay::{Replay, ReplayError, ReplayFrom, ReplayedEntry};
use crate::journal::ring::{RingFileHeader, RingLayout, ring_file as ring_path};
use crate::{layout, limits};

/// Why a journal ends where it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalEnd {
    /// The checkpoint says that nothing comes after it.
    Clean,
    /// Bytes that were never written.
    Unwritten,
    /// What an earlier lap of the ring, or an earlier life, left there.
    Earlier,
    /// An entry that was being written when the broker ended. It was never acknowledged.
    Torn,
}

/// What a journal holds from its checkpoint on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalReport {
    pub layout: RingLayout,
    pub from: Lsn,
    pub end: Lsn,
    /// Runs of entries that were written and flushed together.
    pub groups: u64,
    pub entries: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
    pub ends: JournalEnd,
    /// Where the end lies.
    pub end_file: PathBuf,
    pub end_position: u64,
    /// Acknowledged records that cannot be read.
    pub damage: Option<Damage>,
}

/// Reads a journal as a start would; `visit` sees each entry and the number of its group. `None` when there is none.
pub async fn journal(
    disk: &dyn Disk,
    core: CoreId,
    checkpoint: &Checkpoint,
    mut visit: impl FnMut(&ReplayedEntry<'_>, u64),
) -> Result<Option<JournalReport>, ReplayError> {
    let from = ReplayFrom::checkpoint(checkpoint);
    let folder = layout::journal_folder(core);
    let Some(mut replay) = Replay::open(disk, &folder, from).await? else { return Ok(None) };
    let start = checkpoint.replay.lsn;
    let place = replay.layout().place(start);
    let mut report = JournalReport {
        layout: replay.layout(),
        from: start,
        end: start,
        groups: 0,
        entries: 0,
        bytes: 0,
        ends: JournalEnd::Clean,
        end_file: PathBuf::new(),
        end_position: place.position,
        damage: None,
    };
    read_entries(&mut replay, &mut report, &mut visit).await?;
    report.end = replay.position().lsn;
    if !checkpoint.clean || report.end != start {
        report.ends = why_it_ends(disk, &folder, checkpoint, &report).await?;
    }
    let place = report.layout.place(report.end);
    report.end_file = ring_path(&folder, u32::try_from(place.file).expect("a ring has few files"));
    report.end_position = place.position;
    Ok(Some(report))
}

async fn read_entries(
    replay: &mut Replay,
    report: &mut JournalReport,
    visit: &mut impl FnMut(&ReplayedEntry<'_>, u64),
) -> Result<(), ReplayError> {
    let mut end_of_last = None;
    loop {
        match replay.next().await {
            Ok(Some(entry)) => {
                // A group begins at a block; one that ends at a block's end is not told from the next.
                if end_of_last != Some(entry.header.lsn) {
                    report.groups += 1;
                }
                end_of_last = Some(entry.header.lsn.plus(EntryHeader::total_bytes(entry.header.body_bytes)));
                report.entries += 1;
                report.bytes += u64::from(entry.header.body_bytes);
                visit(&entry, report.groups);
            }
            Ok(None) => return Ok(()),
            Err(ReplayError::Damaged { folder, at, file, byte, proof }) => {
                let what = format!("the entry at position {at} of the journal is damaged, and {proof}");
                report.damage = Some(Damage { file: folder.join(file), at: byte, what });
                return Ok(());
            }
            Err(ReplayError::DamagedSegment { segment, at, byte, proof, .. }) => {
                let what = format!("the batch of the entry at position {at} of the journal is damaged, and {proof}");
                report.damage = Some(Damage { file: segment, at: byte, what });
                return Ok(());
            }
            Err(ReplayError::Unreadable { folder, what }) => {
                report.damage = Some(Damage { file: folder, at: 0, what });
                return Ok(());
            }
            Err(other) => return Err(other),
        }
    }
}

/// Looks at what stands where the entries end.
async fn why_it_ends(
    disk: &dyn Disk,
    folder: &Path,
    checkpoint: &Checkpoint,
    report: &JournalReport,
) -> Result<JournalEnd, DiskError> {
    let place = report.layout.place(report.end);
    let path = ring_path(folder, u32::try_from(place.file).expect("a ring has few files"));
    let file = match disk.open(&path, OpenMode::Existing).await {
        Err(DiskError::NotFound { .. }) => return Ok(JournalEnd::Unwritten),
        other => other?,
    };
    let block = block_floor(place.position);
    let bytes = file.read(block, 2 * BLOCK_BYTES).await?;
    let here = bytes.get(length(place.position - block)..).unwrap_or_default();
    let inside_a_group = !report.end.0.is_multiple_of(BLOCK_BYTES as u64);
    Ok(match parse(here) {
        Parsed::Entry { header, .. } if header.identity == checkpoint.identity && header.lsn == report.end => {
            JournalEnd::Torn
        }
        Parsed::Entry { .. } => JournalEnd::Earlier,
        Parsed::Padding => JournalEnd::Unwritten,
        Parsed::Damaged if inside_a_group => JournalEnd::Torn,
        // Nothing tells the middle of an old entry from the front of a new one that was torn.
        Parsed::Damaged => JournalEnd::Earlier,
    })
}

/// An entry found in a file of a ring, of whatever lap and life.
#[derive(Debug)]
pub struct RingEntry<'a> {
    pub header: EntryHeader,
    pub body: EntryBody,
    /// Position in the file.
    pub at: u64,
    /// What of the body lies in this file: an entry may go on in the next one.
    pub bytes: &'a [u8],
    pub payload: PayloadState,
}

/// How much of an entry's body is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadState {
    Whole,
    /// It goes on in the next file of the ring.
    Continues,
    /// Its CRC does not hold. Where a new lap overwrites an old one, that is as it should be.
    Damaged,
}

/// Goes through a file of a ring and shows every entry whose envelope is whole. `None` when its header is not.
pub async fn ring_file(
    disk: &dyn Disk,
    path: &Path,
    mut visit: impl FnMut(RingEntry<'_>),
) -> Result<Option<RingFileHeader>, DiskError> {
    let file = disk.open(path, OpenMode::Existing).await?;
    let Some(header) = RingFileHeader::decode(&file.read(0, BLOCK_BYTES).await?) else { return Ok(None) };
    let end = file.len().await?.min(header.layout.file_bytes);
    let mut at = BLOCK_BYTES as u64;
    let entry_bytes_max = limits::BATCH_BYTES_MAX as u64 + ENTRY_HEADER_BYTES as u64;
    let mut window: (u64, bytes::Bytes) = (0, bytes::Bytes::new());
    while at < end {
        if window.0 + (window.1.len() as u64) < (at + entry_bytes_max).min(end) || at < window.0 {
            let from = block_floor(at);
            let wanted = block_ceil(entry_bytes_max * 2).min(block_ceil(end) - from);
            window = (from, file.read(from, length(wanted)).await?);
        }
        let Some(rest) = window.1.get(length(at - window.0)..).filter(|rest| !rest.is_empty()) else { break };
        let Parsed::Entry { header: entry, body, .. } = parse(rest) else {
            at = block_floor(at) + BLOCK_BYTES as u64;
            rt::yield_if_needed().await;
            continue;
        };
        let whole = ENTRY_HEADER_BYTES + entry.body_bytes as usize;
        let bytes = &rest[ENTRY_HEADER_BYTES..whole.min(rest.len())];
        let is_whole = match &body {
            _ if bytes.len() < entry.body_bytes as usize => None,
            EntryBody::LogStart(_) => Some(true),
            EntryBody::Direct(batch) => Some(Placed::read(bytes, batch).is_some()),
            EntryBody::Batch(_) => Some(Batch::parse(bytes).is_ok_and(|(batch, _)| batch.verify_crc().is_ok())),
        };
        let payload = match is_whole {
            None => PayloadState::Continues,
            Some(true) => PayloadState::Whole,
            Some(false) => PayloadState::Damaged,
        };
        debug_assert!(bytes.len() >= HEADER_BYTES, "the parser has seen the front of the body");
        visit(RingEntry { header: entry, body, at, bytes, payload });
        at += match payload {
            PayloadState::Whole | PayloadState::Continues => EntryHeader::total_bytes(entry.body_bytes),
            PayloadState::Damaged => ENTRY_HEADER_BYTES as u64,
        };
    }
    Ok(Some(header))
}
