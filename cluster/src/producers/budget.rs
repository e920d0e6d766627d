//! What all tables of a core hold together. Beyond that, whoever wrote longest ago is forgotten, in whichever table.

use std::collections::BTreeSet;
use std::time::Duration;

use base::{PartitionId, Timestamp};

use super::ProducerTable;

/// Counts the producers of many tables, and knows which of them is to be forgotten first.
///
/// The tables are their owners'. An owner tells of each change, and forgets one producer at a time while one is due:
///
/// ```text
/// table.apply(batch);  budget.note(id, table);
/// while let Some(id) = budget.due(now, ttl) { budget.look_at(id, table_of(id), now, ttl) }
/// ```
///
/// A table is listed under the time of its oldest producer, or under an earlier one: most batches are of a producer that is
/// the only one of its partition, and would move it each time. Where the list is wrong, a look puts it right. Each change
/// makes it wrong at most once, so looks cost O(log n) for each change, and none of them walks the tables.
#[derive(Debug)]
pub struct ProducerBudget {
    limit: usize,
    remembered: usize,
    listed: BTreeSet<(Timestamp, PartitionId)>,
}

/// What a budget knows of a table.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counted {
    producers: usize,
    listed: Option<Timestamp>,
}

impl ProducerBudget {
    /// For at most so many producers. Those with an open transaction are never forgotten, and may be more.
    pub fn new(limit: usize) -> Self {
        assert!(limit > 0, "a core without room for a producer");
        Self { limit, remembered: 0, listed: BTreeSet::new() }
    }

    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Takes what has changed in a table, which may be a new one.
    pub fn note(&mut self, id: PartitionId, table: &mut ProducerTable) {
        self.remembered = self.remembered - table.counted.producers + table.len();
        table.counted.producers = table.len();
        if let Some(oldest) = table.oldest()
            && table.counted.listed.is_none_or(|listed| oldest < listed)
        {
            self.list(id, table, Some(oldest));
        }
    }

    /// A table goes away, to another core or for good.
    pub fn release(&mut self, id: PartitionId, table: &mut ProducerTable) {
        self.list(id, table, None);
        self.remembered -= table.counted.producers;
        table.counted = Counted::default();
    }

    /// The table to look at next: there are too many producers, or one that has not written for `ttl`, as it seems.
    pub fn due(&self, now: Timestamp, ttl: Duration) -> Option<PartitionId> {
        let (listed, id) = *self.listed.first()?;
        (self.is_over() || now.since(listed) >= ttl).then_some(id)
    }

    /// Forgets the oldest producer of the table that was [due](Self::due), or finds that it has written since.
    pub fn look_at(&mut self, id: PartitionId, table: &mut ProducerTable, now: Timestamp, ttl: Duration) {
        assert_eq!(self.due(now, ttl), Some(id), "another table is due");
        if table.oldest() == table.counted.listed {
            table.forget_oldest();
        }
        self.list(id, table, None);
        self.note(id, table);
    }

    /// Whether there are more producers than there should be.
    pub fn is_over(&self) -> bool {
        self.remembered > self.limit
    }

    pub fn remembered(&self) -> usize {
        self.remembered
    }

    fn list(&mut self, id: PartitionId, table: &mut ProducerTable, oldest: Option<Timestamp>) {
        if let Some(listed) = std::mem::replace(&mut table.counted.listed, oldest) {
            let was_there = self.listed.remove(&(listed, id));
            assert!(was_there, "the table of {id} was not listed under {listed}");
        }
        if let Some(oldest) = oldest {
            let is_new = self.listed.insert((oldest, id));
            assert!(is_new, "the table of {id} is listed twice");
        }
    }
}

#[cfg(test)]
mod tests;
