//! Idempotent producers of one partition: is a batch new, a repetition, or out of order?
//!
//! Kafka's rules, in this order, for a batch of producer `p`, epoch `e`, sequences `base..base + count`:
//!
//! | what the table knows of `p` | batch | verdict |
//! |---|---|---|
//! | nothing | any sequence | append |
//! | a later epoch | any | refuse, `INVALID_PRODUCER_EPOCH` |
//! | an earlier epoch | `base` is 0 | append |
//! | an earlier epoch | `base` is not 0 | refuse, `OUT_OF_ORDER_SEQUENCE_NUMBER` |
//! | epoch `e` | exactly one of the last 5 batches | duplicate of it |
//! | epoch `e` | `base` follows the last sequence (0 after 2^31 - 1) | append |
//! | epoch `e` | all sequences were appended before those 5 | refuse, `DUPLICATE_SEQUENCE_NUMBER` |
//! | epoch `e` | anything else | refuse, `OUT_OF_ORDER_SEQUENCE_NUMBER` |
//!
//! A client takes `DUPLICATE_SEQUENCE_NUMBER` for success, so it is said only of sequences that this log is known to
//! hold: the table counts the records of each producer's unbroken run.
//!
//! A batch enters the table when it is appended, before it is flushed, because the next one may arrive meanwhile. A
//! duplicate's verdict carries its last offset: whoever answers waits until the log is flushed past it.

mod entry;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base::{Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

pub use entry::{InvalidProducerEntry, ProducerBatch, ProducerEntry};

use crate::limits::PRODUCER_BATCHES_REMEMBERED;

/// What the header of an idempotent batch says about its producer. The header has been validated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchStamp {
    pub producer: ProducerId,
    pub epoch: ProducerEpoch,
    pub base_sequence: Sequence,
    /// From 1 to 2^31 - 1.
    pub record_count: u32,
    pub kind: BatchKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchKind {
    Plain,
    /// Part of a transaction, which it opens if none is open.
    Transactional,
}

/// A batch that is now in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppendedBatch {
    pub stamp: BatchStamp,
    pub base_offset: Offset,
    /// As the batch's header has it; given back with the verdict on a duplicate.
    pub max_timestamp: Option<Timestamp>,
    /// By the broker's clock, so that old data does not expire its producer. In recovery: the time of the recovery.
    pub appended_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProducerVerdict {
    /// The batch is new. Append it, then [`ProducerTable::apply`] it.
    Append,
    /// The batch is in the log already. Answer with the first answer, once the log is flushed past `last_offset`.
    Duplicate {
        base_offset: Offset,
        last_offset: Offset,
        max_timestamp: Option<Timestamp>,
    },
    Refuse(ProducerError),
}

/// Why a batch is refused; each variant names Kafka's error code, and the producer must act.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProducerError {
    /// `OUT_OF_ORDER_SEQUENCE_NUMBER` (45).
    #[error("producer {producer} sent sequence {got} where {expected} follows")]
    OutOfOrder { producer: ProducerId, got: Sequence, expected: Sequence },
    /// `DUPLICATE_SEQUENCE_NUMBER` (46): the batch is in the log, but where is forgotten.
    #[error("producer {producer} repeated sequence {got}, which lies before the batches remembered")]
    Duplicate { producer: ProducerId, got: Sequence },
    /// `INVALID_PRODUCER_EPOCH` (47).
    #[error("producer {producer} is fenced: its epoch {got} is older than {current}")]
    OldEpoch { producer: ProducerId, got: ProducerEpoch, current: ProducerEpoch },
    /// `INVALID_TXN_STATE` (48).
    #[error("producer {producer} sent a plain batch into its open transaction")]
    TransactionOpen { producer: ProducerId },
    /// `THROTTLING_QUOTA_EXCEEDED` (89): retry once transactions have ended.
    #[error("{limit} producers have open transactions on this partition")]
    TooManyTransactions { limit: usize },
}

/// All producers that one partition remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProducerTable {
    limit: usize,
    producers: BTreeMap<ProducerId, Producer>,
    /// Producers without an open transaction, the one that wrote longest ago first.
    idle: BTreeSet<(Timestamp, ProducerId)>,
    /// First offsets of open transactions.
    open: BTreeSet<(Offset, ProducerId)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Producer {
    epoch: ProducerEpoch,
    /// The sequence that follows the last one.
    next: Sequence,
    /// Records appended without a gap up to `next`.
    run_records: u64,
    /// The last batches of the run, the newest last.
    batches: Vec<ProducerBatch>,
    open_transaction: Option<Offset>,
    last_appended_at: Timestamp,
}

impl ProducerTable {
    /// An empty table of at most `limit` producers.
    pub fn new(limit: usize) -> Self {
        assert!(limit > 0, "a partition without room for a producer");
        Self { limit, producers: BTreeMap::new(), idle: BTreeSet::new(), open: BTreeSet::new() }
    }

    /// Takes a batch that was appended after [`Self::check`] allowed it, or that recovery found in the log.
    ///
    /// The log is believed: what it holds was allowed when it was written, perhaps after its producer had been forgotten.
    pub fn apply(&mut self, batch: &AppendedBatch) {
        let AppendedBatch { stamp, base_offset, max_timestamp, appended_at } = *batch;
        let mut producer = self.take(stamp.producer).unwrap_or_else(|| Producer::new(stamp.epoch));
        if producer.epoch != stamp.epoch || producer.next != stamp.base_sequence {
            producer.restart(stamp.epoch);
        }
        producer.push(ProducerBatch {
            base_sequence: stamp.base_sequence,
            record_count: stamp.record_count,
            base_offset,
            max_timestamp,
        });
        producer.last_appended_at = appended_at;
        if stamp.kind == BatchKind::Transactional {
            producer.open_transaction.get_or_insert(base_offset);
        }
        self.put(stamp.producer, producer);
        self.evict();
    }

    /// Takes the marker that ends a producer's transaction, and says where the transaction began in this partition.
    pub fn end_transaction(&mut self, id: ProducerId, epoch: ProducerEpoch, ended_at: Timestamp) -> Option<Offset> {
        let mut producer = self.take(id).unwrap_or_else(|| Producer::new(epoch));
        if producer.epoch != epoch {
            producer.restart(epoch);
        }
        let begun = producer.open_transaction.take();
        producer.last_appended_at = ended_at;
        self.put(id, producer);
        self.evict();
        begun
    }

    /// Forgets producers that have not written for `ttl` and have no open transaction, and says how many.
    pub fn expire(&mut self, now: Timestamp, ttl: Duration) -> usize {
        let before = self.producers.len();
        while let Some(&(last, id)) = self.idle.first()
            && now.since(last) >= ttl
        {
            self.take(id);
        }
        self.check_counts();
        before - self.producers.len()
    }

    /// Judges a batch that has not been appended.
    pub fn check(&self, batch: &BatchStamp) -> ProducerVerdict {
        assert!(batch.record_count > 0, "a batch without records has no sequences");
        let Some(producer) = self.producers.get(&batch.producer) else {
            return if self.open.len() >= self.limit {
                ProducerVerdict::Refuse(ProducerError::TooManyTransactions { limit: self.limit })
            } else {
                ProducerVerdict::Append
            };
        };
        producer.check(batch)
    }

    /// Where the earliest open transaction began: the last stable offset does not pass it.
    pub fn first_open_transaction(&self) -> Option<Offset> {
        self.open.first().map(|(offset, _)| *offset)
    }

    pub fn len(&self) -> usize {
        self.producers.len()
    }

    pub fn is_empty(&self) -> bool {
        self.producers.is_empty()
    }

    /// The table as plain entries, in the order of producer ids.
    pub fn entries(&self) -> impl Iterator<Item = ProducerEntry> {
        self.producers.iter().map(|(id, producer)| producer.entry(*id))
    }

    /// The table that gave these entries. When they are more than `limit`, those that wrote longest ago are left out.
    pub fn restore(
        limit: usize,
        entries: impl IntoIterator<Item = ProducerEntry>,
    ) -> Result<Self, InvalidProducerEntry> {
        let mut table = Self::new(limit);
        for entry in entries {
            entry.validate()?;
            let id = entry.producer;
            if table.producers.contains_key(&id) {
                return Err(InvalidProducerEntry { producer: id, why: "it comes twice" });
            }
            table.put(id, Producer::from_entry(entry));
            table.evict();
        }
        Ok(table)
    }

    fn take(&mut self, id: ProducerId) -> Option<Producer> {
        let producer = self.producers.remove(&id)?;
        let indexed = match producer.open_transaction {
            Some(offset) => self.open.remove(&(offset, id)),
            None => self.idle.remove(&(producer.last_appended_at, id)),
        };
        assert!(indexed, "producer {id} was not in its index");
        Some(producer)
    }

    fn put(&mut self, id: ProducerId, producer: Producer) {
        match producer.open_transaction {
            Some(offset) => self.open.insert((offset, id)),
            None => self.idle.insert((producer.last_appended_at, id)),
        };
        let replaced = self.producers.insert(id, producer);
        assert!(replaced.is_none(), "producer {id} was not taken before it was put back");
    }

    fn evict(&mut self) {
        while self.producers.len() > self.limit
            && let Some(&(_, id)) = self.idle.first()
        {
            self.take(id);
        }
        self.check_counts();
    }

    /// Each producer is in one index.
    fn check_counts(&self) {
        let (producers, indexed) = (self.producers.len(), self.idle.len() + self.open.len());
        assert_eq!(producers, indexed, "producers and their indexes differ");
    }
}

impl Producer {
    fn new(epoch: ProducerEpoch) -> Self {
        Self {
            epoch,
            next: Sequence::ZERO,
            run_records: 0,
            batches: Vec::with_capacity(PRODUCER_BATCHES_REMEMBERED),
            open_transaction: None,
            last_appended_at: Timestamp::default(),
        }
    }

    /// Begins a run of sequences; an open transaction stays open.
    fn restart(&mut self, epoch: ProducerEpoch) {
        self.epoch = epoch;
        self.next = Sequence::ZERO;
        self.run_records = 0;
        self.batches.clear();
    }

    fn push(&mut self, batch: ProducerBatch) {
        if self.batches.len() == PRODUCER_BATCHES_REMEMBERED {
            self.batches.remove(0);
        }
        self.next = batch.base_sequence.plus(batch.record_count);
        self.run_records = self.run_records.saturating_add(u64::from(batch.record_count));
        self.batches.push(batch);
    }

    fn check(&self, batch: &BatchStamp) -> ProducerVerdict {
        let BatchStamp { producer, epoch, base_sequence, record_count, kind } = *batch;
        if epoch < self.epoch {
            let current = self.epoch;
            return ProducerVerdict::Refuse(ProducerError::OldEpoch { producer, got: epoch, current });
        }
        let expected = if epoch == self.epoch { self.next } else { Sequence::ZERO };
        if epoch == self.epoch
            && let Some(original) = self.batches.iter().find(|known| known.has(base_sequence, record_count))
        {
            return original.as_duplicate();
        }
        if base_sequence != expected {
            let got = base_sequence;
            return ProducerVerdict::Refuse(if epoch == self.epoch && self.is_long_past(base_sequence, record_count) {
                ProducerError::Duplicate { producer, got }
            } else {
                ProducerError::OutOfOrder { producer, got, expected }
            });
        }
        if self.open_transaction.is_some() && kind == BatchKind::Plain {
            return ProducerVerdict::Refuse(ProducerError::TransactionOpen { producer });
        }
        ProducerVerdict::Append
    }

    /// All these sequences were appended in this run, before the batches that are remembered.
    fn is_long_past(&self, base: Sequence, count: u32) -> bool {
        let Some(oldest) = self.batches.first() else { return false };
        let (begun, remembered) = (distance(base, self.next), distance(oldest.base_sequence, self.next));
        u64::from(begun) <= self.run_records.min(PAST_RECORDS_MAX)
            && begun.checked_sub(remembered).is_some_and(|before| before >= count)
    }
}

/// Sequences wrap, so what lies further back than half of them counts as ahead.
const PAST_RECORDS_MAX: u64 = 1 << 30;

/// Steps from one sequence forward to another, around the wrap.
fn distance(from: Sequence, to: Sequence) -> u32 {
    let steps = (i64::from(to.to_wire()) - i64::from(from.to_wire())).rem_euclid(1 << 31);
    u32::try_from(steps).expect("below 2^31")
}

#[cfg(test)]
mod tests;
