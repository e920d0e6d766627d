//! The budget beside a model that looks at every producer.

use std::collections::BTreeMap;

use base::{Offset, ProducerEpoch, ProducerId, Sequence, TopicId};
use proptest::prelude::*;

use super::super::{AppendedBatch, BatchKind, BatchStamp};
use super::*;

const LONG: Duration = Duration::from_secs(86_400);

fn partition(number: u32) -> PartitionId {
    PartitionId::new(TopicId::from_random(7), number)
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// Tables, their budget, and what they should hold.
struct Core {
    tables: BTreeMap<PartitionId, ProducerTable>,
    budget: ProducerBudget,
    model: Vec<(Timestamp, PartitionId, ProducerId)>,
    limit: usize,
    looks: usize,
}

impl Core {
    fn new(limit: usize) -> Self {
        let (tables, model) = (BTreeMap::new(), Vec::new());
        Self { tables, budget: ProducerBudget::new(limit), model, limit, looks: 0 }
    }

    /// A batch of a producer, and what is due by that.
    fn append(&mut self, table_limit: usize, partition: PartitionId, producer: u64, now: Timestamp) {
        let producer = ProducerId::new(producer).unwrap();
        let (base_sequence, epoch) = (Sequence::ZERO, ProducerEpoch::ZERO);
        let stamp = BatchStamp { producer, epoch, base_sequence, record_count: 1, kind: BatchKind::Plain };
        let batch = AppendedBatch { stamp, base_offset: Offset::ZERO, max_timestamp: None, appended_at: now };
        let table = self.tables.entry(partition).or_insert_with(|| ProducerTable::new(table_limit));
        table.apply(&batch);
        self.budget.note(partition, table);

        self.model.retain(|known| (known.1, known.2) != (partition, producer));
        self.model.push((now, partition, producer));
        self.model.sort();
        if self.model.iter().filter(|known| known.1 == partition).count() > table_limit {
            let oldest = self.model.iter().position(|known| known.1 == partition).unwrap();
            self.model.remove(oldest);
        }
        self.forget(now, LONG);
    }

    fn forget(&mut self, now: Timestamp, ttl: Duration) {
        while let Some(id) = self.budget.due(now, ttl) {
            self.looks += 1;
            self.budget.look_at(id, self.tables.get_mut(&id).unwrap(), now, ttl);
        }
        let excess = self.model.len().saturating_sub(self.limit);
        self.model.drain(..excess);
        self.model.retain(|(last, ..)| now.since(*last) < ttl);
    }

    fn release(&mut self, partition: PartitionId) {
        let Some(mut table) = self.tables.remove(&partition) else { return };
        self.budget.release(partition, &mut table);
        self.model.retain(|known| known.1 != partition);
    }

    fn held(&self) -> Vec<(PartitionId, ProducerId)> {
        let of = |(id, table): (&PartitionId, &ProducerTable)| {
            let id = *id;
            table.entries().map(move |entry| (id, entry.producer)).collect::<Vec<_>>()
        };
        self.tables.iter().flat_map(of).collect()
    }
}

#[test]
fn the_producer_that_wrote_longest_ago_is_forgotten_wherever_it_wrote() {
    let mut core = Core::new(3);
    let writes = [(1, 10), (2, 20), (1, 30), (3, 40)];
    for (number, (index, millis)) in (1..).zip(writes) {
        core.append(10, partition(index), number, at(millis));
    }
    let producers: Vec<_> = core.held().iter().map(|(_, producer)| producer.get()).collect();
    assert_eq!((producers, core.budget.remembered()), (vec![3, 2, 4], 3));
}

#[test]
fn a_table_that_goes_away_makes_room_and_one_that_comes_is_counted() {
    let mut core = Core::new(2);
    (1..=2).for_each(|number| core.append(10, partition(1), number, at(number)));
    let mut table = core.tables.remove(&partition(1)).unwrap();
    core.budget.release(partition(1), &mut table);
    assert_eq!(core.budget.remembered(), 0);
    let mut other = Core::new(1);
    other.budget.note(partition(1), &mut table);
    assert!(other.budget.is_over());
    other.budget.look_at(partition(1), &mut table, at(9), LONG);
    assert_eq!((other.budget.is_over(), table.oldest()), (false, Some(at(2))));
}

#[test]
fn producers_expire_by_the_brokers_clock_in_all_tables() {
    let mut core = Core::new(10);
    for number in 1..=3_u32 {
        core.append(10, partition(number), number.into(), at(u64::from(number) * 1_000));
    }
    core.append(10, partition(1), 1, at(3_500));
    core.forget(at(86_401_999), LONG);
    assert_eq!(core.budget.remembered(), 3);
    core.forget(at(86_402_000), LONG);
    assert_eq!(core.held().iter().map(|(_, producer)| producer.get()).collect::<Vec<_>>(), [1, 3]);
}

#[test]
fn nobody_is_forgotten_in_an_open_transaction() {
    let mut core = Core::new(1);
    let ids = [partition(1), partition(2)];
    for id in ids {
        let table = core.tables.entry(id).or_insert_with(|| ProducerTable::new(10));
        let (producer, epoch, base_sequence) = (ProducerId::new(5).unwrap(), ProducerEpoch::ZERO, Sequence::ZERO);
        let stamp = BatchStamp { producer, epoch, base_sequence, record_count: 1, kind: BatchKind::Transactional };
        table.apply(&AppendedBatch { stamp, base_offset: Offset::ZERO, max_timestamp: None, appended_at: at(1) });
        core.budget.note(id, table);
    }
    assert!(core.budget.is_over());
    assert_eq!(core.budget.due(at(u64::MAX >> 1), LONG), None);
}

#[test]
fn looks_do_not_grow_with_the_tables() {
    let (tables, appends) = (1_000_u32, 20_000_u32);
    let mut core = Core::new(tables as usize);
    // One producer each, all at work: every table is listed under a time that is long past.
    for number in 0..tables {
        core.append(10, partition(number), 0, at(1));
    }
    for number in 0..appends {
        let now = at(2 + u64::from(number));
        core.append(10, partition(number % tables), 0, now);
        core.append(10, partition(number % tables), u64::from(number), now);
    }
    assert_eq!(core.budget.remembered(), core.limit);
    let changes = (tables + 2 * appends) as usize;
    assert!(core.looks <= 2 * changes, "{} looks for {changes} changes", core.looks);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn it_agrees_with_a_model_that_looks_at_all(
        limit in 1_usize..12, table_limit in 1_usize..6,
        steps in prop::collection::vec((0_u8..12, 0_u32..5, 0_u64..8, 0_u64..60), 0..200),
    ) {
        let mut core = Core::new(limit);
        for (kind, index, producer, millis) in steps {
            match kind {
                0 => core.release(partition(index)),
                1 => core.forget(at(millis + 30), Duration::from_millis(30)),
                // The clock may also be put back.
                _ => core.append(table_limit, partition(index), producer, at(millis)),
            }
            let mut expected: Vec<_> = core.model.iter().map(|known| (known.1, known.2)).collect();
            expected.sort();
            prop_assert_eq!(core.held(), expected);
            prop_assert_eq!(core.budget.remembered(), core.model.len());
        }
    }
}
