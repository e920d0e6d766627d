//! What waits for one partition: a batch that is being filled, and batches on their way, in order.

use std::collections::VecDeque;
use std::time::Instant;

use base::{ProducerEpoch, ProducerId, Sequence};
use bytes::Bytes;
use wire::Compressor;
use wire::batch::{BatchBuilder, BatchFull, BatchOptions, NewRecord, ProducerStamp};

/// A batch that takes no more records.
pub(super) struct Sealed {
    pub(super) bytes: Bytes,
    pub(super) records: u64,
    /// Bytes of keys and values.
    pub(super) payload_bytes: u64,
}

/// An idempotent producer as the broker knows it.
#[derive(Clone, Copy)]
pub(super) struct Identity {
    pub(super) id: ProducerId,
    pub(super) epoch: ProducerEpoch,
}

pub(super) struct Partition {
    builder: BatchBuilder,
    payload_bytes: u64,
    /// When the first record of the open batch came.
    opened: Option<Instant>,
    /// Batches that are not acknowledged, oldest first.
    pub(super) queue: VecDeque<Sealed>,
    /// So many of them, from the front, have been sent.
    pub(super) sent: usize,
    /// Requests with a batch of this partition that are not answered.
    pub(super) outstanding: usize,
    /// A batch has failed: once nothing is outstanding all are sent again, in order.
    pub(super) failed: bool,
    /// Since when no batch has been acknowledged for failures.
    pub(super) failing_since: Option<Instant>,
    next_sequence: Sequence,
}

impl Partition {
    pub(super) fn new(options: BatchOptions) -> Self {
        Self {
            builder: BatchBuilder::new(options),
            payload_bytes: 0,
            opened: None,
            queue: VecDeque::new(),
            sent: 0,
            outstanding: 0,
            failed: false,
            failing_since: None,
            next_sequence: Sequence::default(),
        }
    }

    /// Adds a record to the open batch; gives back the size of the batch.
    pub(super) fn push(&mut self, record: &NewRecord<'_>, now: Instant) -> Result<usize, BatchFull> {
        let size = self.builder.push(record)?;
        self.opened.get_or_insert(now);
        self.payload_bytes += (record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len)) as u64;
        Ok(size)
    }

    /// Bytes of the open batch before compression.
    pub(super) fn size(&self) -> usize {
        self.builder.uncompressed_size()
    }

    pub(super) fn opened(&self) -> Option<Instant> {
        self.opened
    }

    /// Closes the open batch, if it has any records; gives back its size.
    pub(super) fn seal(&mut self, identity: Option<Identity>, compressor: &mut Compressor) -> usize {
        if self.builder.is_empty() {
            return 0;
        }
        let records = self.builder.record_count();
        let stamp = |identity: Identity| ProducerStamp {
            id: identity.id,
            epoch: identity.epoch,
            base_sequence: Some(self.next_sequence),
        };
        self.builder.set_producer(identity.map(stamp));
        self.next_sequence = self.next_sequence.plus(records);
        let mut bytes = Vec::with_capacity(self.builder.estimated_size());
        self.builder.finish_into(compressor, &mut bytes);
        self.builder.clear();
        self.opened = None;
        let size = bytes.len();
        let payload_bytes = std::mem::take(&mut self.payload_bytes);
        self.queue.push_back(Sealed { bytes: bytes.into(), records: u64::from(records), payload_bytes });
        size
    }

    /// The oldest batch was written.
    pub(super) fn acknowledged(&mut self) -> Option<Sealed> {
        self.failing_since = None;
        self.sent = self.sent.saturating_sub(1);
        self.queue.pop_front()
    }

    /// The oldest batch under way was not written, or nobody knows.
    pub(super) fn fail(&mut self) {
        self.failed = true;
        self.failing_since.get_or_insert_with(Instant::now);
    }

    /// Once all answers are there after a failure: everything is to be sent again. Says whether that is so.
    pub(super) fn rewind(&mut self) -> bool {
        let due = self.failed && self.outstanding == 0;
        if due {
            self.failed = false;
            self.sent = 0;
        }
        due
    }
}
