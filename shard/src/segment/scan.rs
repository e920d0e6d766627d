//! Reading a segment batch by batch: for an index that is missing, and for inspection.

use std::path::{Path, PathBuf};

use base::Offset;
use rt::{BLOCK_BYTES, DiskError, DiskFile};
use wire::batch::{Batch, BatchHeader, HEADER_BYTES};

use crate::bytes::{block_floor, length, position};
use crate::limits;
use crate::segment::index::{Span, SpanBuilder};

const READ_BYTES: usize = 1 << 20;

/// Base offset, offset after the last record, and size of the batch whose header begins here; `None` when it cannot be
/// one of a log's batches. Reads the first 27 bytes only.
pub(crate) fn walk(header: &[u8]) -> Option<(Offset, Offset, u32)> {
    let base = Offset::from_wire(i64::from_be_bytes(header.get(0..8)?.try_into().ok()?))?;
    let length = u32::try_from(i32::from_be_bytes(header.get(8..12)?.try_into().ok()?)).ok()?;
    let delta = u32::try_from(i32::from_be_bytes(header.get(23..27)?.try_into().ok()?)).ok()?;
    let next = Offset::new(base.get().checked_add(u64::from(delta) + 1)?)?;
    let bytes = length.checked_add(12)?;
    (bytes as usize >= HEADER_BYTES).then_some((base, next, bytes))
}

#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum ScanError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("segment {}: the batch at byte {at} is damaged: {what}", .path.display())]
    Damaged { path: PathBuf, at: u32, what: String },
}

/// Reads whole batches of a segment in order.
pub(crate) struct Scan<'a> {
    file: &'a dyn DiskFile,
    path: &'a Path,
    end: u32,
    at: u32,
    next_offset: Offset,
    window_start: u32,
    window: Vec<u8>,
}

impl<'a> Scan<'a> {
    /// Reads from the segment's start up to byte `end`, or up to zeroes or the end of the file if that is `None`.
    pub(crate) async fn new(
        file: &'a dyn DiskFile,
        path: &'a Path,
        base: Offset,
        end: Option<u32>,
    ) -> Result<Self, ScanError> {
        let bytes = u32::try_from(file.len().await?).unwrap_or(u32::MAX);
        let end = end.unwrap_or(bytes).min(bytes);
        Ok(Self { file, path, end, at: 0, next_offset: base, window_start: 0, window: Vec::new() })
    }

    pub(crate) fn position(&self) -> u32 {
        self.at
    }

    /// The next batch, its CRC and the order of its offsets checked; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<(BatchHeader, &[u8])>, ScanError> {
        if self.at >= self.end {
            return Ok(None);
        }
        self.fetch(HEADER_BYTES).await?;
        let available = self.available();
        if available.iter().take(HEADER_BYTES).all(|byte| *byte == 0) {
            return Ok(None);
        }
        let header = BatchHeader::read(available).map_err(|error| self.damaged(error.to_string()))?;
        let size = header.size();
        if size > limits::BATCH_BYTES_MAX as usize || size > (self.end - self.at) as usize {
            return Err(self.damaged(format!("it claims {size} bytes, {} are left", self.end - self.at)));
        }
        self.fetch(size).await?;
        let start = (self.at - self.window_start) as usize;
        let Some(bytes) = self.window.get(start..start + size) else {
            return Err(self.damaged("the file ends inside it".to_owned()));
        };
        let checked = Batch::parse(bytes).and_then(|(batch, _)| batch.verify_crc());
        if let Err(error) = checked {
            return Err(self.damaged(error.to_string()));
        }
        let Some((base, next, _)) = walk(bytes) else {
            return Err(self.damaged("its header makes no sense".to_owned()));
        };
        if base < self.next_offset {
            return Err(self.damaged(format!("it begins at offset {base}, {} was expected", self.next_offset)));
        }
        self.next_offset = next;
        self.at += position(size);
        Ok(Some((header, &self.window[start..start + size])))
    }

    /// Goes on behind a damaged batch if its header leads to another batch, or to the end. `false` is the end of what
    /// can be made out.
    pub(crate) async fn skip_damaged(&mut self) -> Result<bool, ScanError> {
        let Some((_, next, bytes)) = walk(self.available()) else { return Ok(false) };
        let Some(after) = self.at.checked_add(bytes).filter(|after| *after <= self.end) else { return Ok(false) };
        self.at = after;
        self.next_offset = next;
        if after == self.end {
            return Ok(true);
        }
        self.fetch(HEADER_BYTES).await?;
        let header = self.available().get(..HEADER_BYTES);
        let is_zero = |header: &[u8]| header.iter().all(|byte| *byte == 0);
        Ok(header.is_some_and(|header| is_zero(header) || BatchHeader::read(header).is_ok()))
    }

    fn available(&self) -> &[u8] {
        self.window.get((self.at - self.window_start) as usize..).unwrap_or(&[])
    }

    async fn fetch(&mut self, bytes: usize) -> Result<(), ScanError> {
        if self.available().len() >= bytes {
            return Ok(());
        }
        let keep_from = position(length(block_floor(u64::from(self.at))));
        let drop = ((keep_from - self.window_start) as usize).min(self.window.len());
        self.window.drain(..drop);
        self.window_start = keep_from;
        // What was read last may have ended inside a block at the file's end; blocks are read whole.
        self.window.truncate(self.window.len() - self.window.len() % BLOCK_BYTES);
        while self.available().len() < bytes {
            let from = u64::from(self.window_start) + self.window.len() as u64;
            let wanted = READ_BYTES.max(bytes.next_multiple_of(BLOCK_BYTES));
            let read = self.file.read(from, wanted).await?;
            self.window.extend_from_slice(&read);
            if read.len() < wanted {
                break;
            }
        }
        rt::yield_if_needed().await;
        Ok(())
    }

    fn damaged(&self, what: String) -> ScanError {
        ScanError::Damaged { path: self.path.to_owned(), at: self.at, what }
    }
}

/// Spans of a whole segment, computed from its batches.
pub(crate) async fn rebuild_spans(
    file: &dyn DiskFile,
    path: &Path,
    base: Offset,
    end: Option<u32>,
) -> Result<Vec<Span>, ScanError> {
    let mut scan = Scan::new(file, path, base, end).await?;
    let mut spans = SpanBuilder::default();
    loop {
        let at = scan.position();
        let Some((header, bytes)) = scan.next().await? else { break };
        spans.add(&header, bytes, at);
    }
    Ok(spans.finish())
}
