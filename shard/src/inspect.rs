//! Looking at a data folder offline: what `corelane inspect` shows. Changes nothing.

use std::path::PathBuf;

use base::{CoreId, Offset, PartitionId};
use rt::{BLOCK_BYTES, Disk, DiskError, OpenMode};
use wire::batch::BatchHeader;

use crate::bytes::{block_ceil, length};
use crate::checkpoint::{Checkpoint, read_slots};
use crate::journal::entry::Lsn;
use crate::journal::replay::{Replay, ReplayError, ReplayFrom, ReplayedEntry};
use crate::segment::index::{self, Span};
use crate::segment::scan::{Scan, ScanError};
use crate::{layout, limits};

/// The checkpoints of one core, newest first.
pub async fn checkpoints(disk: &dyn Disk, core: CoreId) -> Result<Vec<Checkpoint>, DiskError> {
    read_slots(disk, &layout::journal_folder(core)).await
}

/// Cores that have run in this folder.
pub async fn cores(disk: &dyn Disk) -> Result<Vec<CoreId>, DiskError> {
    let entries = disk.list(std::path::Path::new(layout::JOURNALS)).await?;
    let mut cores: Vec<CoreId> = entries.iter().filter_map(|entry| entry.name.parse().ok()).map(CoreId).collect();
    cores.sort_unstable();
    Ok(cores)
}

/// What a journal holds from its checkpoint on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalReport {
    pub from: Lsn,
    pub end: Lsn,
    pub entries: u64,
    pub bytes: u64,
}

/// Reads a journal as a start would; `visit` sees each entry. Fails where a start would refuse.
pub async fn journal(
    disk: &dyn Disk,
    core: CoreId,
    checkpoint: &Checkpoint,
    mut visit: impl FnMut(&ReplayedEntry<'_>),
) -> Result<Option<JournalReport>, ReplayError> {
    let from = ReplayFrom::checkpoint(checkpoint);
    let Some(mut replay) = Replay::open(disk, &layout::journal_folder(core), from).await? else { return Ok(None) };
    let start = checkpoint.replay.lsn;
    let mut report = JournalReport { from: start, end: start, entries: 0, bytes: 0 };
    while let Some(entry) = replay.next().await? {
        report.entries += 1;
        report.bytes += u64::from(entry.header.batch_bytes);
        visit(&entry);
    }
    report.end = replay.position().lsn;
    Ok(Some(report))
}

/// Segments of a partition by the names of its files, oldest first.
pub async fn segments(disk: &dyn Disk, id: PartitionId) -> Result<Vec<Offset>, DiskError> {
    let entries = disk.list(&layout::partition_folder(id)).await?;
    Ok(entries.iter().filter_map(|entry| layout::segment_base(&entry.name)).collect())
}

/// What a segment holds, and whether its index agrees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentReport {
    pub base: Offset,
    pub end: Offset,
    pub batches: u64,
    pub records: u64,
    pub bytes: u32,
    pub spans: usize,
    /// Spans whose checksum does not match the segment's bytes, or that do not fit them.
    pub bad_spans: Vec<String>,
}

/// Reads a segment batch by batch, checking every CRC, and compares it with its index.
pub async fn segment(
    disk: &dyn Disk,
    id: PartitionId,
    base: Offset,
    end: Option<u32>,
    mut visit: impl FnMut(&BatchHeader, u32, &[u8]),
) -> Result<SegmentReport, ScanError> {
    let path: PathBuf = layout::segment_file(id, base);
    let file = disk.open(&path, OpenMode::Existing).await?;
    let mut report =
        SegmentReport { base, end: base, batches: 0, records: 0, bytes: 0, spans: 0, bad_spans: Vec::new() };
    let spans = read_index(disk, id, base).await?;
    let mut check = SpanCheck { spans: &spans, next: 0, crc: 0, bad: Vec::new() };
    let mut scan = Scan::new(&*file, &path, base, end).await?;
    loop {
        let at = scan.position();
        let Some((header, bytes)) = scan.next().await? else { break };
        visit(&header, at, bytes);
        report.batches += 1;
        report.records += u64::from(header.record_count());
        report.end = header.next_offset();
        check.batch(at, bytes);
    }
    report.bytes = scan.position();
    report.spans = spans.len();
    report.bad_spans = check.bad;
    Ok(report)
}

async fn read_index(disk: &dyn Disk, id: PartitionId, base: Offset) -> Result<Vec<Span>, DiskError> {
    let file = match disk.open(&layout::index_file(id, base), OpenMode::Existing).await {
        Err(DiskError::NotFound { .. }) => return Ok(Vec::new()),
        other => other?,
    };
    let bytes = file.len().await?.min(limits::INDEX_FILE_BYTES_MAX);
    let read = file.read(0, length(block_ceil(bytes)).max(BLOCK_BYTES)).await?;
    Ok(index::decode_file(&read[..read.len().min(length(bytes))], base))
}

/// Follows the spans of an index along the batches.
struct SpanCheck<'a> {
    spans: &'a [Span],
    next: usize,
    crc: u32,
    bad: Vec<String>,
}

impl SpanCheck<'_> {
    fn batch(&mut self, at: u32, bytes: &[u8]) {
        let Some(span) = self.spans.get(self.next) else { return };
        self.crc = wire::batch::crc::append(self.crc, bytes);
        let end = u64::from(at) + bytes.len() as u64;
        if end < u64::from(span.end_position()) {
            return;
        }
        if end > u64::from(span.end_position()) {
            self.bad.push(format!("span {} ends inside the batch at byte {at}", self.next));
        } else if self.crc != span.crc {
            self.bad.push(format!("span {} at byte {}: its checksum does not match", self.next, span.position));
        }
        self.next += 1;
        self.crc = 0;
    }
}
