//! Reading spans of a segment file, each compared with its checksum.

use bytes::Bytes;
use rt::{DiskError, DiskFile};

use super::index::Span;
use crate::bytes::{block_ceil, block_floor, length};

/// Why spans could not be had.
#[derive(Debug)]
pub(crate) enum NotRead {
    Disk(DiskError),
    Damaged { span: Span, what: &'static str },
}

/// The bytes of neighbouring spans, at least one.
pub(crate) async fn read_spans(file: &dyn DiskFile, spans: &[Span]) -> Result<Bytes, NotRead> {
    let (from, to) = (spans[0].position, spans[spans.len() - 1].end_position());
    let start = block_floor(u64::from(from));
    let read = file.read(start, length(block_ceil(u64::from(to)) - start)).await.map_err(NotRead::Disk)?;
    let skip = length(u64::from(from) - start);
    if read.len() < skip + (to - from) as usize {
        return Err(NotRead::Damaged { span: spans[0], what: "the file is shorter than its index says" });
    }
    let bytes = read.slice(skip..skip + (to - from) as usize);
    for span in spans {
        let at = (span.position - from) as usize;
        if wire::batch::crc::crc32c(&bytes[at..at + span.length as usize]) != span.crc {
            return Err(NotRead::Damaged { span: *span, what: "its checksum does not match" });
        }
    }
    Ok(bytes)
}
