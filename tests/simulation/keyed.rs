//! What must hold of a log that is compacted: of each key the last value that was promised is there, at its offset.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use base::{Offset, Timestamp};
use wire::batch::{Batch, batches};
use wire::compress::Decompressor;

use crate::oracle::BatchName;

/// Which record of which batch.
type Identity = (BatchName, u8);

type Key = Vec<u8>;

#[derive(Clone, Debug, PartialEq, Eq)]
struct KeyedRecord {
    key: Key,
    value: Option<Vec<u8>>,
    timestamp: Option<Timestamp>,
}

/// What is known of the records of one partition over all lives.
#[derive(Default)]
pub(crate) struct KeyedHistory {
    submitted: BTreeMap<Identity, KeyedRecord>,
    /// Records that were acknowledged or that a reader was given, by offset.
    promised: BTreeMap<Offset, Identity>,
    acknowledged: BTreeSet<BatchName>,
}

thread_local! {
    static DECOMPRESSOR: RefCell<Decompressor> = RefCell::new(Decompressor::new());
}

/// The records of a batch with their offsets and what they call themselves; none of a batch without keys.
fn records_of(batch: &Batch<'_>) -> Vec<(Offset, Identity, KeyedRecord)> {
    DECOMPRESSOR.with_borrow_mut(|decompressor| {
        let records = batch.decode(decompressor, 64 << 20).expect("a batch in the log can be decoded");
        let mut found = Vec::new();
        for record in records {
            let record = record.expect("a record is whole");
            let Some(key) = record.key else { continue };
            let identity = record.headers.last(b"i").and_then(|header| header.value).expect("it says what it is");
            let identity = (BatchName::decode(identity), identity[8]);
            let (key, value) = (key.to_vec(), record.value.map(<[u8]>::to_vec));
            found.push((record.offset, identity, KeyedRecord { key, value, timestamp: record.timestamp }));
        }
        found
    })
}

impl KeyedHistory {
    /// Notes the records of a batch; false if they have no keys.
    pub(crate) fn submit(&mut self, name: BatchName, bytes: &[u8]) -> bool {
        let (batch, _) = Batch::parse(bytes).expect("whole");
        let records = records_of(&batch);
        let has_keys = !records.is_empty();
        for (_, (told, index), record) in records {
            assert_eq!(told, name);
            self.submitted.insert((name, index), record);
        }
        has_keys
    }

    pub(crate) fn withdraw(&mut self, name: BatchName) {
        for index in 0..=u8::MAX {
            if self.submitted.remove(&(name, index)).is_none() {
                return;
            }
        }
    }

    pub(crate) fn acknowledge(&mut self, base: Offset, name: BatchName) {
        self.acknowledged.insert(name);
        let records: Vec<Identity> = self.submitted.range((name, 0)..=(name, u8::MAX)).map(|(it, _)| *it).collect();
        for identity in records {
            self.promise(base.plus(u64::from(identity.1)), identity);
        }
    }

    fn promise(&mut self, offset: Offset, identity: Identity) {
        let before = self.promised.insert(offset, identity);
        assert!(before.is_none_or(|before| before == identity), "offset {offset} is {before:?} and {identity:?}");
    }

    /// Checks batches and gives their records: each is one that was handed in, and their offsets ascend.
    fn check(&self, from: Offset, bytes: &[u8]) -> BTreeMap<Offset, Identity> {
        let (mut found, mut reached, mut is_first) = (BTreeMap::new(), Offset::ZERO, true);
        for batch in batches(bytes) {
            let batch = batch.unwrap_or_else(|error| panic!("a read at {from} gave damaged bytes: {error}"));
            batch.verify_crc().expect("a batch in the log has its CRC");
            let header = batch.header();
            assert!(
                header.next_offset() > from || !is_first,
                "a read at {from} gave what ends at {}",
                header.next_offset()
            );
            assert!(header.base_offset() >= reached, "{} comes after {reached}", header.base_offset());
            (reached, is_first) = (header.next_offset(), false);
            for (offset, identity, record) in records_of(&batch) {
                let submitted = self.submitted.get(&identity);
                assert_eq!(submitted, Some(&record), "{identity:?} at {offset} is not as it was handed in");
                let before = found.insert(offset, identity);
                assert_eq!(before, None, "offset {offset} is there twice");
            }
        }
        found
    }

    /// A reader got these bytes from `offset` on.
    pub(crate) fn read(&mut self, offset: Offset, bytes: &[u8]) {
        for (offset, identity) in self.check(offset, bytes) {
            self.promise(offset, identity);
        }
    }

    /// The whole log after a start, from the batch that holds the log's first offset on.
    pub(crate) fn check_log(&self, log: &[u8], (start, end): (Offset, Offset)) {
        let found = self.check(start, log);
        if let Some(last) = batches(log).last() {
            let next = last.expect("the log is whole").header().next_offset();
            assert_eq!(next, end, "the log's batches end elsewhere than the log");
        }
        let mut last: BTreeMap<&Key, (Offset, Identity)> = BTreeMap::new();
        for (offset, identity) in self.promised.range(start..).chain(found.range(start..)) {
            let known = self.promised.get(offset).is_none_or(|promised| promised == identity);
            assert!(known, "{identity:?} is at offset {offset}, where {:?} was promised", self.promised.get(offset));
            let last = last.entry(&self.submitted[identity].key).or_insert((*offset, *identity));
            *last = (*offset, *identity).max(*last);
        }
        let in_doubt = self.tombstones_in_doubt();
        for (key, (offset, identity)) in last {
            if found.contains_key(&offset) {
                continue;
            }
            let is_tombstone = self.submitted[&identity].value.is_none();
            let text = String::from_utf8_lossy(key);
            assert!(
                is_tombstone || in_doubt.contains(key),
                "the last value of key {text}, {identity:?} at {offset}, is gone"
            );
            let older = found.range(start..offset).find(|(_, older)| &self.submitted[older].key == key);
            assert!(
                older.is_none() || in_doubt.contains(key),
                "key {text} is back, its tombstone at {offset} gone: {older:?}"
            );
        }
    }

    /// Keys with a tombstone that may be in the log or not: nobody was told.
    fn tombstones_in_doubt(&self) -> BTreeSet<Key> {
        let in_doubt = self
            .submitted
            .iter()
            .filter(|((name, _), record)| record.value.is_none() && !self.acknowledged.contains(name));
        in_doubt.map(|(_, record)| record.key.clone()).collect()
    }
}
