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

mod batches;
mod budget;
mod entry;

use std::collections::BTreeSet;

use base::{Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

pub use budget::ProducerBudget;
pub use entry::{InvalidProducerEntry, ProducerBatch, ProducerEntry};

use batches::LastBatches;
use budget::Counted;

use crate::shared_map::SharedMap;

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
#[derive(Debug)]
pub struct ProducerTable {
    limit: usize,
    producers: SharedMap<ProducerId, Producer>,
    /// Producers without an open transaction, the one that wrote longest ago first.
    idle: BTreeSet<(Timestamp, ProducerId)>,
    /// First offsets of open transactions.
    open: BTreeSet<(Offset, ProducerId)>,
    counted: Counted,
}

/// The producers of a table as they were at one moment, shared with it until it goes on.
#[derive(Debug, Clone)]
pub struct ProducerSnapshot(SharedMap<ProducerId, Producer>);

#[derive(Debug, Clone)]
struct Producer {
    epoch: ProducerEpoch,
    /// The sequence that follows the last one.
    next: Sequence,
    /// Records appended without a gap up to `next`.
    run_records: u64,
    /// The last batches of the run.
    batches: LastBatches,
    open_transaction: Option<Offset>,
    last_appended_at: Timestamp,
}

/// Where a table's indexes have a producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Idle(Timestamp),
    Open(Offset),
}

impl ProducerTable {
    /// An empty table of at most `limit` producers.
    pub fn new(limit: usize) -> Self {
        assert!(limit > 0, "a partition without room for a producer");
        let (producers, counted) = (SharedMap::default(), Counted::default());
        Self { limit, producers, idle: BTreeSet::new(), open: BTreeSet::new(), counted }
    }

    /// Takes a batch that was appended after [`Self::check`] allowed it, or that recovery found in the log.
    ///
    /// The log is believed: what it holds was allowed when it was written, perhaps after its producer had been forgotten.
    pub fn apply(&mut self, batch: &AppendedBatch) {
        let AppendedBatch { stamp, base_offset, max_timestamp, appended_at } = *batch;
        self.change(stamp.producer, stamp.epoch, |producer| {
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
        });
        self.evict();
    }

    /// Takes the marker that ends a producer's transaction, and says where the transaction began in this partition.
    pub fn end_transaction(&mut self, id: ProducerId, epoch: ProducerEpoch, ended_at: Timestamp) -> Option<Offset> {
        let begun = self.change(id, epoch, |producer| {
            if producer.epoch != epoch {
                producer.restart(epoch);
            }
            producer.last_appended_at = ended_at;
            producer.open_transaction.take()
        });
        self.evict();
        begun
    }

    /// Forgets the producer that wrote longest ago, of those without an open transaction.
    pub fn forget_oldest(&mut self) {
        if let Some((_, id)) = self.idle.pop_first() {
            let producer = self.producers.remove(&id);
            assert!(producer.is_some(), "producer {id} is in an index only");
        }
        self.check_counts();
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

    /// When the producer wrote that [`Self::forget_oldest`] would forget.
    pub fn oldest(&self) -> Option<Timestamp> {
        self.idle.first().map(|(last, _)| *last)
    }

    /// The table as plain entries, in the order of producer ids.
    pub fn entries(&self) -> impl Iterator<Item = ProducerEntry> {
        self.producers.iter().map(|(id, producer)| producer.entry(*id))
    }

    /// All producers as they are now. What changes in the table afterwards is copied, about a hundred producers at a time.
    pub fn snapshot(&self) -> ProducerSnapshot {
        ProducerSnapshot(self.producers.clone())
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
            if table.producers.get(&id).is_some() {
                return Err(InvalidProducerEntry { producer: id, why: "it comes twice" });
            }
            let producer = Producer::from_entry(&entry);
            table.index(id, producer.place());
            table.producers.insert(id, producer);
            table.evict();
        }
        Ok(table)
    }

    /// Changes what is known of a producer, which may be nothing yet.
    fn change<R>(&mut self, id: ProducerId, epoch: ProducerEpoch, act: impl FnOnce(&mut Producer) -> R) -> R {
        if let Some(producer) = self.producers.get_mut(&id) {
            let before = producer.place();
            let result = act(producer);
            let after = producer.place();
            if after != before {
                self.remove_from_index(id, before);
                self.index(id, after);
            }
            return result;
        }
        let mut producer = Producer::new(epoch);
        let result = act(&mut producer);
        self.index(id, producer.place());
        self.producers.insert(id, producer);
        result
    }

    fn index(&mut self, id: ProducerId, place: Place) {
        let is_new = match place {
            Place::Idle(last) => self.idle.insert((last, id)),
            Place::Open(offset) => self.open.insert((offset, id)),
        };
        assert!(is_new, "producer {id} was in its index already");
    }

    fn remove_from_index(&mut self, id: ProducerId, place: Place) {
        let was_there = match place {
            Place::Idle(last) => self.idle.remove(&(last, id)),
            Place::Open(offset) => self.open.remove(&(offset, id)),
        };
        assert!(was_there, "producer {id} was not in its index");
    }

    fn evict(&mut self) {
        while self.producers.len() > self.limit && !self.idle.is_empty() {
            self.forget_oldest();
        }
        self.check_counts();
    }

    /// Each producer is in one index.
    fn check_counts(&self) {
        let (producers, indexed) = (self.producers.len(), self.idle.len() + self.open.len());
        assert_eq!(producers, indexed, "producers and their indexes differ");
    }
}

impl ProducerSnapshot {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Entries in the order of producer ids, each at its turn: whoever has many of them to look at may pause in between.
    pub fn entries(&self) -> impl Iterator<Item = ProducerEntry> {
        self.0.iter().map(|(id, producer)| producer.entry(*id))
    }
}

impl Producer {
    fn new(epoch: ProducerEpoch) -> Self {
        Self {
            epoch,
            next: Sequence::ZERO,
            run_records: 0,
            batches: LastBatches::default(),
            open_transaction: None,
            last_appended_at: Timestamp::default(),
        }
    }

    fn place(&self) -> Place {
        self.open_transaction.map_or(Place::Idle(self.last_appended_at), Place::Open)
    }

    /// Begins a run of sequences; an open transaction stays open.
    fn restart(&mut self, epoch: ProducerEpoch) {
        self.epoch = epoch;
        self.next = Sequence::ZERO;
        self.run_records = 0;
        self.batches.clear();
    }

    fn push(&mut self, batch: ProducerBatch) {
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
            && let Some(original) = self.batches.as_slice().iter().find(|known| known.has(base_sequence, record_count))
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
        let Some(oldest) = self.batches.as_slice().first() else { return false };
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
