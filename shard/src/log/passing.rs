//! What a core tells another one of a log that goes there, beside the row that a checkpoint would have.

use std::collections::{BTreeMap, VecDeque};

use base::{Offset, Timestamp};

use super::start::ClosedSegment;
use super::{PartitionLog, PartitionSpec, TailSpan};
use crate::checkpoint::PartitionRow;
use crate::compaction::state::CompactionState;

/// What no row holds and would have to be found out again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PassedLog {
    /// The log's end as the flushed checkpoints have it.
    checkpointed: TailSpan,
    closed: Option<VecDeque<ClosedSegment>>,
    compaction: Option<CompactionState>,
    first_times: BTreeMap<Offset, i64>,
    /// Space in the active segment for batches that go straight to it.
    direct_end: u32,
    begun: Option<Timestamp>,
    written: Option<Timestamp>,
}

impl PartitionLog {
    /// Whether all of the log is safe and flushed in its segments, and nobody changes those.
    pub(crate) fn is_at_rest(&self) -> bool {
        let end = self.end_position();
        let is_safe = self.stable == self.end && self.log_start == self.promised_start;
        let is_written = self.chunks.written_up_to(end) && !self.chunks.in_flight();
        let is_indexed = self.spans_persisted == self.spans.len();
        let is_flushed = self.tail.len() == 1 && self.tail.iter().all(|s| !s.unsynced && !s.entry_unsynced);
        is_safe && is_written && is_indexed && is_flushed && !self.compaction.is_swapping
    }

    pub(crate) fn pass(&self) -> PassedLog {
        let (id, active) = (self.spec.id, self.active());
        assert!(self.is_at_rest(), "{id} goes to another core in the middle of something");
        PassedLog {
            checkpointed: self.checkpointed,
            closed: self.closed.clone(),
            compaction: self.compaction.state.clone(),
            first_times: self.compaction.first_times.clone(),
            direct_end: active.direct.end,
            begun: active.begun,
            written: active.written,
        }
    }

    /// The log goes on where it was.
    pub(crate) fn from_passed(spec: PartitionSpec, row: &PartitionRow, passed: PassedLog) -> Self {
        let mut log = Self::from_row(spec, row);
        log.checkpointed = passed.checkpointed;
        if passed.closed.is_some() {
            log.closed = passed.closed;
        }
        if passed.compaction.is_some() {
            log.compaction.state = passed.compaction;
        }
        log.compaction.first_times = passed.first_times;
        let active = log.active_mut();
        active.direct.end = passed.direct_end;
        (active.begun, active.written) = (passed.begun, passed.written);
        log.check();
        log
    }
}
