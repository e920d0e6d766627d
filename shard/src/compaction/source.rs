//! Reading a finished segment from its beginning to its end, checked, in pieces that are paced.

use std::rc::Rc;

use base::{Offset, PartitionId};
use bytes::Bytes;
use rt::{DiskFile, OpenMode};

use crate::segment::checked::{NotRead, read_spans};
use crate::segment::index::Span;
use crate::segment::reader::ReadError;
use crate::store::Store;
use crate::{layout, limits};

pub(super) struct Source {
    id: PartitionId,
    segment: Offset,
    file: Rc<dyn DiskFile>,
    spans: Vec<Span>,
    next: usize,
}

impl Source {
    pub(super) async fn open(store: &Store, slot: u32, id: PartitionId, segment: Offset) -> Result<Self, ReadError> {
        let spans = store.finished_spans(slot, id, segment).await?;
        let file = store.disk.open(&layout::segment_file(id, segment), OpenMode::Existing).await?;
        Ok(Self { id, segment, file, spans, next: 0 })
    }

    /// Whether all of it was read.
    pub(super) fn is_at_end(&self) -> bool {
        self.next == self.spans.len()
    }

    /// Leaves out what ends before `offset`.
    pub(super) fn skip_to(&mut self, offset: Offset) {
        self.next = self.spans.partition_point(|span| span.end <= offset);
    }

    /// The next whole batches; `None` at the end.
    pub(super) async fn next_run(&mut self) -> Result<Option<Bytes>, ReadError> {
        let Some(first) = self.spans.get(self.next).copied() else { return Ok(None) };
        let from = first.position;
        let rest = &self.spans[self.next..];
        let fitting = rest.iter().take_while(|span| span.end_position() - from <= limits::COMPACTION_READ_BYTES);
        let spans = &rest[..fitting.count().max(1)];
        let bytes =
            read_spans(&*self.file, spans, limits::READ_AT_ONCE_BESIDE_FLUSHES_BYTES).await.map_err(|not_read| {
                match not_read {
                    NotRead::Disk(cause) => cause.into(),
                    NotRead::Damaged { span, what } => self.damaged(&span, what),
                }
            })?;
        self.next += spans.len();
        Ok(Some(bytes))
    }

    pub(super) async fn close(self) {
        if let Err(cause) = self.file.close().await {
            tracing::debug!(%cause, "closing a segment that was read failed");
        }
    }

    pub(super) fn damaged(&self, span: &Span, what: &str) -> ReadError {
        let what = format!("{what} (offsets {} to {})", span.base, span.end);
        ReadError::Damaged { partition: self.id, segment: self.segment, at: span.position, what }
    }

    /// The span that was read last begins with something that is no batch, although it has its checksum.
    pub(super) fn undecodable(&self, what: &dyn std::fmt::Display) -> ReadError {
        let span = self.spans[self.next.saturating_sub(1)];
        self.damaged(&span, &format!("a batch makes no sense: {what}"))
    }
}
