//! What must hold of the logs, whatever happened: the history of all lives, and its check.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use base::{Offset, Timestamp};
use shard::{Durability, PartitionSpec, Retention};
use wire::batch::{Batch, batches};
use wire::compress::Decompressor;

use crate::appender::FAR_AHEAD;
use crate::keyed::KeyedHistory;

/// Names one batch: which appender of which partition sent it, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BatchName {
    pub(crate) appender: u32,
    pub(crate) number: u32,
}

impl BatchName {
    /// The value of every record begins with these bytes.
    pub(crate) fn encode(self) -> [u8; 8] {
        let mut out = [0; 8];
        out[..4].copy_from_slice(&self.appender.to_le_bytes());
        out[4..].copy_from_slice(&self.number.to_le_bytes());
        out
    }

    pub(crate) fn decode(value: &[u8]) -> Self {
        let word = |at: usize| u32::from_le_bytes(value[at..at + 4].try_into().expect("four bytes"));
        Self { appender: word(0), number: word(4) }
    }
}

/// What is known of one partition over all lives.
#[derive(Default)]
pub(crate) struct History {
    /// Every batch ever handed in: its bytes after base offset, length and leader epoch.
    submitted: BTreeMap<BatchName, Vec<u8>>,
    /// Batches that retention by time never deletes.
    far_ahead: BTreeSet<BatchName>,
    /// Batches that were acknowledged as flushed, by base offset.
    acknowledged: BTreeMap<Offset, BatchName>,
    /// Batches that a reader was given, by base offset.
    seen: BTreeMap<Offset, BatchName>,
    /// The latest start of the log that anybody has been told of.
    start: Offset,
    /// The latest start that anybody has asked for.
    asked: Offset,
    /// Of a log that is compacted: what is known of its records.
    keyed: KeyedHistory,
}

/// Where a batch's bytes begin that an append does not change.
const UNCHANGED: usize = 16;

thread_local! {
    static DECOMPRESSOR: RefCell<Decompressor> = RefCell::new(Decompressor::new());
}

fn name_of(batch: &Batch<'_>) -> BatchName {
    DECOMPRESSOR.with_borrow_mut(|decompressor| {
        let mut records = batch.decode(decompressor, 64 << 20).expect("a batch in the log can be decoded");
        let first = records.next().expect("a batch has records").expect("a record is whole");
        BatchName::decode(first.value.expect("records of this test have values"))
    })
}

impl History {
    pub(crate) fn submit(&mut self, name: BatchName, bytes: &[u8], newest: Option<Timestamp>) {
        let before = self.submitted.insert(name, bytes[UNCHANGED..].to_vec());
        assert!(before.is_none(), "{name:?} was handed in twice");
        let has_keys = self.keyed.submit(name, bytes);
        // Compaction may drop the record that keeps its segment.
        if newest == Some(FAR_AHEAD) && !has_keys {
            self.far_ahead.insert(name);
        }
    }

    /// The log has refused the batch, and must never be found to have it. On a full disk most are refused.
    pub(crate) fn withdraw(&mut self, name: BatchName) {
        let before = self.submitted.remove(&name);
        assert!(before.is_some(), "{name:?} was refused and never handed in");
        self.far_ahead.remove(&name);
        self.keyed.withdraw(name);
    }

    pub(crate) fn acknowledge(&mut self, base: Offset, name: BatchName) {
        self.keyed.acknowledge(base, name);
        let before = self.acknowledged.insert(base, name);
        assert!(
            before.is_none_or(|before| before == name),
            "offset {base} was acknowledged for {before:?} and {name:?}"
        );
    }

    /// Somebody asks for the log to begin here.
    pub(crate) fn ask_for_start(&mut self, start: Offset) {
        self.asked = self.asked.max(start);
    }

    /// The log says that it begins here: never earlier than before, and no later than it was asked to or retention has it.
    pub(crate) fn begins_at(&mut self, start: Offset, retention: Retention) {
        assert!(start >= self.start, "the start of the log went back from {} to {start}", self.start);
        let by_retention = self.acknowledged.range(self.start.max(self.asked)..start.max(self.start).max(self.asked));
        for (base, name) in by_retention {
            let may_go = retention.bytes.is_some() || (retention.time.is_some() && !self.far_ahead.contains(name));
            assert!(may_go, "{name:?} at offset {base} is before the start at {start}, and nobody asked for that");
        }
        self.start = start;
    }

    /// A reader got these bytes from `offset` on.
    pub(crate) fn read(&mut self, offset: Offset, bytes: &[u8], spec: &PartitionSpec) {
        if spec.compaction.is_some() {
            return self.keyed.read(offset, bytes);
        }
        let mut expected = None;
        for batch in batches(bytes) {
            let batch = batch.unwrap_or_else(|error| panic!("a read at {offset} gave damaged bytes: {error}"));
            let name = self.check_batch(&batch);
            let base = batch.header().base_offset();
            match expected {
                None => {
                    assert!(base <= offset && offset < batch.header().next_offset(), "a read at {offset} gave {base}")
                }
                Some(expected) => assert_eq!(base, expected, "a read at {offset} has a hole"),
            }
            expected = Some(batch.header().next_offset());
            let before = self.seen.insert(base, name);
            assert!(before.is_none_or(|before| before == name), "offset {base} was read as {before:?} and as {name:?}");
        }
    }

    /// The batch must be one that was handed in, byte for byte.
    fn check_batch(&self, batch: &Batch<'_>) -> BatchName {
        batch.verify_crc().expect("a batch in the log has its CRC");
        let name = name_of(batch);
        let submitted = self.submitted.get(&name).unwrap_or_else(|| panic!("{name:?} was never handed in"));
        assert!(submitted == &batch.bytes()[UNCHANGED..], "{name:?} has changed in the log");
        name
    }

    /// The whole log after a start, from the batch that holds the log's first offset on. Without flushes nothing but order
    /// and wholeness is promised.
    pub(crate) fn check_log(&mut self, log: &[u8], (start, end): (Offset, Offset), spec: &PartitionSpec) {
        self.begins_at(start, spec.retention);
        if spec.compaction.is_some() {
            return self.keyed.check_log(log, (start, end));
        }
        let first = batches(log).next().map(|batch| *batch.expect("the log is whole").header());
        let mut next = first.map_or(start, |header| header.base_offset());
        let reach = first.map_or(start, |header| header.next_offset());
        assert!(
            next <= start && (start < reach || start == end),
            "a log from {start} to {end} begins with {next}..{reach}"
        );
        let kept_from = next;
        if let (Retention { time: None, bytes: Some(bytes) }, true) = (spec.retention, start > self.asked) {
            assert!(log.len() as u64 >= bytes, "{} bytes are left of at least {bytes}", log.len());
        }
        let mut found = BTreeMap::new();
        let mut names = BTreeSet::new();
        let mut last_number: BTreeMap<u32, u32> = BTreeMap::new();
        for batch in batches(log) {
            let batch = batch.expect("the log is whole");
            let name = self.check_batch(&batch);
            let base = batch.header().base_offset();
            assert_eq!(base, next, "the log has a hole");
            next = batch.header().next_offset();
            assert!(names.insert(name), "{name:?} is in the log twice");
            let before = last_number.insert(name.appender, name.number);
            assert!(before.is_none_or(|before| before < name.number), "{name:?} comes after number {before:?}");
            found.insert(base, name);
        }
        assert_eq!(next, end, "the log's batches end elsewhere than the log");
        if spec.durability == Durability::Flushed {
            for (base, name) in self.acknowledged.range(kept_from..).chain(self.seen.range(kept_from..)) {
                assert_eq!(found.get(base), Some(name), "what was promised at offset {base} is not there");
            }
        } else {
            // What a power cut took may be written anew under the same offsets.
            self.acknowledged.retain(|base, name| found.get(base) == Some(name));
            self.seen.retain(|base, name| found.get(base) == Some(name));
        }
    }

    /// Whether records were deleted because somebody asked for it, and because of retention.
    pub(crate) fn deleted(&self) -> (bool, bool) {
        (self.asked > Offset::ZERO && self.start > Offset::ZERO, self.start > self.asked)
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }
}
