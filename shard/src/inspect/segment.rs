//! Segments and their indexes.

use std::path::Path;

use base::Offset;
use rt::{BLOCK_BYTES, Disk, DiskError, DiskFile, OpenMode};
use wire::batch::BatchHeader;

use super::Damage;
use crate::bytes::{block_ceil, block_floor, length};
use crate::limits;
use crate::segment::index::{RECORD_BYTES, Span, decode_file, record_position};
use crate::segment::scan::{Scan, ScanError};

const READ_BYTES: u64 = 4 << 20;

/// What an index file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexReport {
    pub spans: Vec<Span>,
    pub damages: Vec<Damage>,
}

/// What a segment holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentReport {
    pub base: Offset,
    pub end: Offset,
    pub batches: u64,
    pub records: u64,
    /// End of the last batch; zeroes may follow up to the end of a block.
    pub bytes: u32,
    pub damages: Vec<Damage>,
}

/// Reads a segment batch by batch up to byte `end`, or to zeroes or the end of the file, and checks every CRC and the
/// order of the offsets. `visit` sees each whole batch and its position. Then compares the bytes with the `spans`.
pub async fn segment(
    disk: &dyn Disk,
    path: &Path,
    base: Offset,
    end: Option<u32>,
    spans: &[Span],
    mut visit: impl FnMut(&BatchHeader, u32, &[u8]),
) -> Result<SegmentReport, DiskError> {
    let file = disk.open(path, OpenMode::Existing).await?;
    let mut report = SegmentReport { base, end: base, batches: 0, records: 0, bytes: 0, damages: Vec::new() };
    let mut scan = new_scan(&*file, path, base, end).await?;
    loop {
        let at = scan.position();
        match scan.next().await {
            Ok(Some((header, bytes))) => {
                visit(&header, at, bytes);
                report.batches += 1;
                report.records += u64::from(header.record_count());
                report.end = header.next_offset();
            }
            Ok(None) => break,
            Err(ScanError::Disk(error)) => return Err(error),
            Err(ScanError::Damaged { at, what, .. }) => {
                report.damages.push(Damage { file: path.to_owned(), at: u64::from(at), what });
                match scan.skip_damaged().await {
                    Ok(true) => {}
                    Ok(false) | Err(ScanError::Damaged { .. }) => break,
                    Err(ScanError::Disk(error)) => return Err(error),
                }
            }
        }
    }
    report.bytes = scan.position();
    for span in spans.iter().filter(|span| end.is_none_or(|end| span.position + span.length <= end)) {
        report.damages.extend(check_span(&*file, path, span).await?);
    }
    Ok(report)
}

async fn new_scan<'a>(
    file: &'a dyn DiskFile,
    path: &'a Path,
    base: Offset,
    end: Option<u32>,
) -> Result<Scan<'a>, DiskError> {
    Scan::new(file, path, base, end).await.map_err(|error| match error {
        ScanError::Disk(error) => error,
        ScanError::Damaged { .. } => unreachable!("nothing of the segment has been read yet"),
    })
}

async fn check_span(file: &dyn DiskFile, path: &Path, span: &Span) -> Result<Option<Damage>, DiskError> {
    let damage = |what: String| Damage { file: path.to_owned(), at: u64::from(span.position), what };
    let (start, end) = (u64::from(span.position), u64::from(span.position) + u64::from(span.length));
    let mut at = start;
    let mut crc = 0;
    while at < end {
        let from = block_floor(at);
        let wanted = READ_BYTES.min(block_ceil(end) - from);
        let read = file.read(from, length(wanted)).await?;
        let upto = (end - from).min(read.len() as u64);
        if from + upto <= at {
            let offsets = format!("offsets {} to {}", span.base, span.end);
            return Ok(Some(damage(format!(
                "the file ends at byte {at}, but its index has {offsets} up to byte {end}"
            ))));
        }
        crc = wire::batch::crc::append(crc, &read[length(at - from)..length(upto)]);
        at = from + upto;
        rt::yield_if_needed().await;
    }
    let matches = crc == span.crc;
    Ok((!matches).then(|| {
        let bytes = span.length;
        damage(format!(
            "the {bytes} bytes from here on do not match their checksum in the index (offset {})",
            span.base
        ))
    }))
}

/// Reads an index file; `records_min` of its records must be whole. `None` when there is no such file.
pub async fn index(
    disk: &dyn Disk,
    path: &Path,
    segment: Offset,
    records_min: u32,
) -> Result<Option<IndexReport>, DiskError> {
    let file = match disk.open(path, OpenMode::Existing).await {
        Err(DiskError::NotFound { .. }) => return Ok(None),
        other => other?,
    };
    let bytes = file.len().await?.min(limits::INDEX_FILE_BYTES_MAX);
    let read = file.read(0, length(block_ceil(bytes)).max(BLOCK_BYTES)).await?;
    let spans = decode_file(&read[..read.len().min(length(bytes))], segment);
    let whole = u32::try_from(spans.len()).expect("a limited file has fewer records");
    let mut damages = Vec::new();
    let at = record_position(whole);
    let next = read.get(length(at)..).unwrap_or_default();
    let next = &next[..next.len().min(RECORD_BYTES)];
    if !read.is_empty() && !crate::segment::index::is_header(read.get(..RECORD_BYTES).unwrap_or_default(), segment) {
        let what = format!("the header of the index of segment {segment} is damaged");
        damages.push(Damage { file: path.to_owned(), at: 0, what });
    } else if whole < records_min {
        let what = format!("record {whole} of the index is damaged or missing, and {records_min} were flushed");
        damages.push(Damage { file: path.to_owned(), at, what });
    } else if records_min > 0 && next.iter().any(|byte| *byte != 0) {
        let what = format!("record {whole} of the index is damaged");
        damages.push(Damage { file: path.to_owned(), at, what });
    }
    Ok(Some(IndexReport { spans, damages }))
}
