//! Tests of the producer table: Kafka's rules one by one, then a model that remembers everything.

use proptest::prelude::*;

use super::*;

const LIMIT: usize = 100;

fn id(number: u64) -> ProducerId {
    ProducerId::new(number).unwrap()
}

fn stamp(producer: u64, epoch: i16, sequence: i32, record_count: u32) -> BatchStamp {
    BatchStamp {
        producer: id(producer),
        epoch: ProducerEpoch::from_wire(epoch).unwrap(),
        base_sequence: Sequence::from_wire(sequence).unwrap(),
        record_count,
        kind: BatchKind::Plain,
    }
}

fn transactional(producer: u64, epoch: i16, sequence: i32) -> BatchStamp {
    BatchStamp { kind: BatchKind::Transactional, ..stamp(producer, epoch, sequence, 1) }
}

fn offset(number: u64) -> Offset {
    Offset::new(number).unwrap()
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn append(table: &mut ProducerTable, stamp: BatchStamp, base_offset: u64) {
    append_at(table, stamp, base_offset, 0);
}

fn append_at(table: &mut ProducerTable, stamp: BatchStamp, base_offset: u64, millis: u64) {
    assert_eq!(table.check(&stamp), ProducerVerdict::Append, "{stamp:?}");
    let max_timestamp = Some(at(base_offset));
    table.apply(&AppendedBatch { stamp, base_offset: offset(base_offset), max_timestamp, appended_at: at(millis) });
}

fn duplicate(base: u64, last: u64) -> ProducerVerdict {
    ProducerVerdict::Duplicate { base_offset: offset(base), last_offset: offset(last), max_timestamp: Some(at(base)) }
}

fn out_of_order(got: i32, expected: i32) -> ProducerVerdict {
    let (got, expected) = (Sequence::from_wire(got).unwrap(), Sequence::from_wire(expected).unwrap());
    ProducerVerdict::Refuse(ProducerError::OutOfOrder { producer: id(7), got, expected })
}

fn long_past(got: i32) -> ProducerVerdict {
    ProducerVerdict::Refuse(ProducerError::Duplicate { producer: id(7), got: Sequence::from_wire(got).unwrap() })
}

#[test]
fn the_last_five_batches_are_answered_with_their_first_offsets() {
    let mut table = ProducerTable::new(LIMIT);
    for number in 0..7_u32 {
        append(&mut table, stamp(7, 0, i32::try_from(number * 10).unwrap(), 10), u64::from(1_000 + number * 10));
    }
    for number in 2..7_u32 {
        let repeated = stamp(7, 0, i32::try_from(number * 10).unwrap(), 10);
        assert_eq!(table.check(&repeated), duplicate(u64::from(1_000 + number * 10), u64::from(1_009 + number * 10)));
    }
    assert_eq!(table.check(&stamp(7, 0, 0, 10)), long_past(0));
    assert_eq!(table.check(&stamp(7, 0, 10, 10)), long_past(10));
    assert_eq!(table.check(&stamp(7, 0, 5, 10)), long_past(5), "the sequences are in the log, in two batches");
}

#[test]
fn gaps_overlaps_and_other_cuts_are_out_of_order() {
    let mut table = ProducerTable::new(LIMIT);
    append(&mut table, stamp(7, 0, 0, 10), 0);
    append(&mut table, stamp(7, 0, 10, 10), 10);
    for (sequence, count) in [(21, 1), (19, 2), (0, 9), (0, 20), (10, 11), (11, 9), (i32::MAX, 1)] {
        assert_eq!(table.check(&stamp(7, 0, sequence, count)), out_of_order(sequence, 20), "{sequence} {count}");
    }
}

#[test]
fn sequences_before_the_first_one_seen_are_never_called_duplicates() {
    let mut table = ProducerTable::new(LIMIT);
    for number in 0..6 {
        append(&mut table, stamp(7, 0, 1_000 + number, 1), 0);
    }
    assert_eq!(table.check(&stamp(7, 0, 1_000, 1)), long_past(1_000));
    assert_eq!(table.check(&stamp(7, 0, 999, 1)), out_of_order(999, 1_006));
    assert_eq!(table.check(&stamp(7, 0, 999, 2)), out_of_order(999, 1_006));
}

#[test]
fn sequences_wrap_from_the_largest_to_zero() {
    let mut table = ProducerTable::new(LIMIT);
    append(&mut table, stamp(7, 0, i32::MAX - 1, 1), 0);
    append(&mut table, stamp(7, 0, i32::MAX, 3), 1);
    assert_eq!(table.check(&stamp(7, 0, i32::MAX, 3)), duplicate(1, 3));
    assert_eq!(table.check(&stamp(7, 0, 0, 1)), out_of_order(0, 2));
    for number in 2..8 {
        append(&mut table, stamp(7, 0, number, 1), u64::try_from(number).unwrap() + 2);
    }
    assert_eq!(table.check(&stamp(7, 0, i32::MAX, 3)), long_past(i32::MAX));
}

#[test]
fn epochs_fence_and_a_new_one_begins_at_zero() {
    let mut table = ProducerTable::new(LIMIT);
    append(&mut table, stamp(7, 3, 0, 5), 0);
    let fenced = ProducerVerdict::Refuse(ProducerError::OldEpoch {
        producer: id(7),
        got: ProducerEpoch::from_wire(2).unwrap(),
        current: ProducerEpoch::from_wire(3).unwrap(),
    });
    assert_eq!(table.check(&stamp(7, 2, 0, 5)), fenced);
    assert_eq!(table.check(&stamp(7, 4, 5, 5)), out_of_order(5, 0));
    append(&mut table, stamp(7, 4, 0, 5), 5);
    assert_eq!(table.check(&stamp(7, 4, 0, 5)), duplicate(5, 9), "not the batch of the old epoch");
}

#[test]
fn an_unknown_producer_may_begin_anywhere() {
    let mut table = ProducerTable::new(LIMIT);
    append(&mut table, stamp(7, 5, 123, 1), 0);
    append(&mut table, stamp(7, 5, 124, 1), 1);
}

#[test]
fn recovery_believes_the_log_even_where_a_forgotten_producer_began_again() {
    let mut table = ProducerTable::new(LIMIT);
    append(&mut table, stamp(7, 5, 0, 10), 0);
    let applied =
        |stamp, base| AppendedBatch { stamp, base_offset: offset(base), max_timestamp: None, appended_at: at(0) };
    table.apply(&applied(stamp(7, 5, 50, 10), 10));
    assert_eq!(table.check(&stamp(7, 5, 0, 10)), out_of_order(0, 60));
    table.apply(&applied(stamp(7, 1, 3, 1), 20));
    assert_eq!(table.check(&stamp(7, 1, 4, 1)), ProducerVerdict::Append);
}

#[test]
fn a_transaction_holds_back_the_last_stable_offset_until_its_marker() {
    let mut table = ProducerTable::new(LIMIT);
    append(&mut table, transactional(8, 0, 0), 10);
    append(&mut table, transactional(7, 0, 0), 11);
    append(&mut table, transactional(8, 0, 1), 12);
    assert_eq!(table.first_open_transaction(), Some(offset(10)));
    let open = ProducerVerdict::Refuse(ProducerError::TransactionOpen { producer: id(8) });
    assert_eq!(table.check(&stamp(8, 0, 2, 1)), open);
    assert_eq!(table.end_transaction(id(8), ProducerEpoch::ZERO, at(0)), Some(offset(10)));
    assert_eq!(table.first_open_transaction(), Some(offset(11)));
    append(&mut table, stamp(8, 0, 2, 1), 13);

    let next = ProducerEpoch::from_wire(1).unwrap();
    assert_eq!(table.end_transaction(id(7), next, at(0)), Some(offset(11)));
    assert_eq!(table.check(&stamp(7, 1, 1, 1)), out_of_order(1, 0));
    append(&mut table, transactional(7, 1, 0), 14);
    assert_eq!(table.end_transaction(id(9), next, at(0)), None);
}

#[test]
fn the_oldest_is_the_one_that_wrote_longest_ago_unless_a_transaction_is_open() {
    let mut table = ProducerTable::new(LIMIT);
    append_at(&mut table, stamp(7, 0, 0, 1), 0, 1_000);
    append_at(&mut table, stamp(8, 0, 0, 1), 1, 2_000);
    append_at(&mut table, transactional(9, 0, 0), 2, 0);
    assert_eq!(table.oldest(), Some(at(1_000)));
    table.forget_oldest();
    assert_eq!(table.check(&stamp(7, 0, 50, 1)), ProducerVerdict::Append);
    assert_eq!(table.check(&stamp(8, 0, 0, 1)), duplicate(1, 1));
    table.end_transaction(id(9), ProducerEpoch::ZERO, at(1_500));
    assert_eq!(table.oldest(), Some(at(1_500)));
    table.forget_oldest();
    assert_eq!(table.oldest(), Some(at(2_000)));
    table.forget_oldest();
    assert_eq!((table.oldest(), table.len()), (None, 0));
}

#[test]
fn a_snapshot_stays_as_it_was() {
    let mut table = ProducerTable::new(1_000);
    (0..1_000).for_each(|number| append(&mut table, stamp(number, 0, 0, 1), number));
    let (before, snapshot) = (table.entries().collect::<Vec<_>>(), table.snapshot());
    append(&mut table, stamp(7, 0, 1, 1), 1_000);
    append(&mut table, stamp(2_000, 0, 0, 1), 1_001);
    assert_ne!(table.entries().collect::<Vec<_>>(), before);
    assert_eq!(snapshot.entries().collect::<Vec<_>>(), before);
}

#[test]
fn beyond_the_limit_the_producer_that_wrote_longest_ago_is_forgotten() {
    let mut table = ProducerTable::new(2);
    append_at(&mut table, stamp(1, 0, 0, 1), 0, 10);
    append_at(&mut table, stamp(2, 0, 0, 1), 1, 20);
    append_at(&mut table, stamp(1, 0, 1, 1), 2, 30);
    append_at(&mut table, stamp(3, 0, 0, 1), 3, 40);
    assert_eq!(table.entries().map(|entry| entry.producer.get()).collect::<Vec<_>>(), [1, 3]);
}

#[test]
fn a_producer_with_an_open_transaction_is_never_forgotten_so_newcomers_wait() {
    let mut table = ProducerTable::new(2);
    append(&mut table, transactional(1, 0, 0), 0);
    append(&mut table, transactional(2, 0, 0), 1);
    let refused = ProducerVerdict::Refuse(ProducerError::TooManyTransactions { limit: 2 });
    assert_eq!(table.check(&stamp(3, 0, 0, 1)), refused);
    append(&mut table, transactional(1, 0, 1), 2);
    table.end_transaction(id(1), ProducerEpoch::ZERO, at(0));
    append(&mut table, stamp(3, 0, 0, 1), 3);
    assert_eq!(table.entries().map(|entry| entry.producer.get()).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn damaged_entries_are_refused_by_name() {
    let mut table = ProducerTable::new(LIMIT);
    (0..5).for_each(|number| append(&mut table, stamp(7, 0, number, 1), u64::try_from(number).unwrap()));
    let good = table.entries().next().unwrap();
    let refused = |change: fn(&mut ProducerEntry)| {
        let mut entry = good.clone();
        change(&mut entry);
        ProducerTable::restore(LIMIT, [entry]).unwrap_err().why
    };
    assert_eq!(refused(|entry| entry.batches.push(entry.batches[0])), "it has more batches than are remembered");
    assert_eq!(refused(|entry| entry.batches[1].record_count = 0), "a batch is out of bounds");
    assert_eq!(refused(|entry| entry.batches[1].record_count = 1 << 31), "a batch is out of bounds");
    assert_eq!(refused(|entry| entry.batches[4].base_offset = Offset::MAX), "a batch is out of bounds");
    assert_eq!(
        refused(|entry| entry.batches.retain(|batch| batch.base_sequence.to_wire() != 1)),
        "its batches leave a gap between sequences"
    );
    assert_eq!(refused(|entry| entry.batches[1].base_offset = Offset::ZERO), "its offsets do not ascend");
    assert_eq!(refused(|entry| entry.run_records = 4), "its run and its batches differ in length");
    assert_eq!(refused(|entry| entry.batches.clear()), "its run and its batches differ in length");
    assert_eq!(refused(|entry| entry.epoch = serde_json::from_str("32768").unwrap()), "a number is out of bounds");
    assert_eq!(
        refused(|entry| entry.last_appended_at = serde_json::from_str("-1").unwrap()),
        "a number is out of bounds"
    );
    let twice = ProducerTable::restore(LIMIT, [good.clone(), good.clone()]).unwrap_err();
    assert_eq!(twice.to_string(), "the entry of producer 7 is damaged: it comes twice");
    let json = serde_json::to_string(&good).unwrap();
    assert_eq!(serde_json::from_str::<ProducerEntry>(&json).unwrap(), good);
    let beyond = json.replace("\"base_sequence\":4", "\"base_sequence\":4294967295");
    let beyond: ProducerEntry = serde_json::from_str(&beyond).unwrap();
    assert_eq!(ProducerTable::restore(LIMIT, [beyond]).unwrap_err().why, "a batch is out of bounds");
}

/// Remembers every sequence ever appended, one by one.
#[derive(Default)]
struct Model {
    epoch: i16,
    /// (base sequence, count, base offset) of all batches of this epoch.
    batches: Vec<(i32, u32, u64)>,
}

fn sequences(base: i32, count: u32) -> impl Iterator<Item = i64> {
    (0..i64::from(count)).map(move |step| (i64::from(base) + step) % (1 << 31))
}

impl Model {
    fn verdict(&self, stamp: &BatchStamp) -> ProducerVerdict {
        let (epoch, base, count) = (stamp.epoch.to_wire(), stamp.base_sequence.to_wire(), stamp.record_count);
        let next = match self.batches.last() {
            None => return ProducerVerdict::Append,
            Some(_) if epoch > self.epoch => 0,
            Some((last, count, _)) => sequences(*last, count + 1).last().unwrap(),
        };
        if epoch < self.epoch {
            let current = ProducerEpoch::from_wire(self.epoch).unwrap();
            return ProducerVerdict::Refuse(ProducerError::OldEpoch { producer: id(7), got: stamp.epoch, current });
        }
        let (old, recent) = self.batches.split_at(self.batches.len().saturating_sub(5));
        if epoch == self.epoch {
            if let Some((_, count, offset)) = recent.iter().find(|known| (known.0, known.1) == (base, count)) {
                return duplicate(*offset, offset + u64::from(count - 1));
            }
            let known: BTreeSet<i64> = old.iter().flat_map(|(base, count, _)| sequences(*base, *count)).collect();
            if i64::from(base) != next && sequences(base, count).all(|sequence| known.contains(&sequence)) {
                return long_past(base);
            }
        }
        if i64::from(base) == next { ProducerVerdict::Append } else { out_of_order(base, i32::try_from(next).unwrap()) }
    }
}

#[derive(Debug, Clone)]
enum Attempt {
    Next(u32),
    Repeat { back: usize, count_change: u32 },
    Anywhere(i32, u32),
    NewEpoch(i32, u32),
    OldEpoch(u32),
    Restart,
}

fn attempt() -> impl Strategy<Value = Attempt> {
    prop_oneof![
        8 => (1_u32..5).prop_map(Attempt::Next),
        4 => (1_usize..10, 0_u32..2).prop_map(|(back, count_change)| Attempt::Repeat { back, count_change }),
        2 => (-12_i32..12, 1_u32..6).prop_map(|(from, count)| Attempt::Anywhere(from, count)),
        1 => (0_i32..2, 1_u32..5).prop_map(|(sequence, count)| Attempt::NewEpoch(sequence, count)),
        1 => (1_u32..5).prop_map(Attempt::OldEpoch),
        1 => Just(Attempt::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn it_agrees_with_a_model_that_remembers_everything(
        start in prop_oneof![0_i32..20, i32::MAX - 60..=i32::MAX], attempts in prop::collection::vec(attempt(), 1..80),
    ) {
        let mut table = ProducerTable::new(LIMIT);
        let mut model = Model { epoch: 5, ..Model::default() };
        let mut end_offset = 0;
        for attempt in attempts {
            let last = model.batches.last().copied();
            let next = last.map_or(start, |(base, count, _)| base.checked_add_unsigned(count).unwrap_or_else(|| {
                i32::try_from(sequences(base, count + 1).last().unwrap()).unwrap()
            }));
            let around = |step: i32| i32::try_from((i64::from(next) + i64::from(step)).rem_euclid(1 << 31)).unwrap();
            let tried = match attempt {
                Attempt::Next(count) => stamp(7, model.epoch, next, count),
                Attempt::Repeat { back, count_change } => {
                    let Some((base, count, _)) = model.batches.iter().rev().nth(back - 1) else { continue };
                    stamp(7, model.epoch, *base, count + count_change)
                }
                Attempt::Anywhere(step, count) => stamp(7, model.epoch, around(step), count),
                Attempt::NewEpoch(sequence, count) => stamp(7, model.epoch + 1, sequence, count),
                Attempt::OldEpoch(count) => stamp(7, model.epoch - 1, next, count),
                Attempt::Restart => {
                    table = ProducerTable::restore(LIMIT, table.entries().collect::<Vec<_>>()).unwrap();
                    continue;
                }
            };
            let verdict = table.check(&tried);
            prop_assert_eq!(&verdict, &model.verdict(&tried), "{:?}", tried);
            if verdict == ProducerVerdict::Append {
                append(&mut table, tried, end_offset);
                if tried.epoch.to_wire() != model.epoch {
                    model = Model { epoch: tried.epoch.to_wire(), batches: vec![] };
                }
                model.batches.push((tried.base_sequence.to_wire(), tried.record_count, end_offset));
                end_offset += u64::from(tried.record_count);
            }
        }
    }

    #[test]
    fn any_producers_within_any_limit_survive_a_snapshot(
        limit in 1_usize..6,
        batches in prop::collection::vec((0_u64..10, 0_i16..3, 0_i32..4, 1_u32..4, any::<bool>(), 0_u64..50), 0..100),
    ) {
        let mut table = ProducerTable::new(limit);
        for (end_offset, (producer, epoch, sequence, count, transactional, millis)) in (0_u64..).step_by(10).zip(batches) {
            let kind = if transactional { BatchKind::Transactional } else { BatchKind::Plain };
            let stamp = BatchStamp { kind, ..stamp(producer, epoch, sequence, count) };
            match table.check(&stamp) {
                ProducerVerdict::Append => append_at(&mut table, stamp, end_offset, millis),
                ProducerVerdict::Duplicate { .. } => drop(table.end_transaction(id(producer), stamp.epoch, at(millis))),
                ProducerVerdict::Refuse(_) => table.forget_oldest(),
            }
            prop_assert!(table.len() <= limit);
            let restored = ProducerTable::restore(limit, table.entries().collect::<Vec<_>>()).unwrap();
            prop_assert!(restored.entries().eq(table.entries()));
            prop_assert_eq!((&restored.idle, &restored.open), (&table.idle, &table.open));
        }
    }
}
