//! Whose records share a batch, and in which order.

use std::sync::Arc;

use base::{Offset, PartitionIndex, TopicId};
use cluster::groups::{CommittedOffset, GroupId, GroupRecord};
use cluster::metadata::TopicName;
use wire::batch::Batch;
use wire::compress::Decompressor;

use super::super::records;
use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn id() -> PartitionId {
    PartitionId::new(TopicId::from_random(1), 0)
}

/// A commit with so many bytes of metadata.
fn commit(offset: u64, metadata_bytes: usize) -> GroupRecord {
    GroupRecord::Offset {
        group: GroupId::new("readers"),
        topic: TopicName::new("flights").unwrap(),
        partition: PartitionIndex(6),
        value: Some(CommittedOffset {
            offset: Offset::new(offset).unwrap(),
            leader_epoch: None,
            metadata: "m".repeat(metadata_bytes).into(),
            committed_at: NOW,
            expires_at: None,
        }),
    }
}

fn append(batch: u64, records: Vec<GroupRecord>) -> Append {
    Append { batch: BatchId(batch), records: Arc::new(records) }
}

fn encoded(append: &Append) -> Encoded {
    Encoded::new(id(), append).unwrap()
}

fn records_of(gathered: &Gathered) -> Vec<GroupRecord> {
    let bytes = [&gathered.request.header[..], &gathered.request.payload[..]].concat();
    let (batch, rest) = Batch::parse(&bytes).unwrap();
    assert!(rest.is_empty());
    let mut found = Vec::new();
    records::decode(&batch, &mut Decompressor::new(), |record| found.push(record.clone())).unwrap();
    assert_eq!(gathered.request.offsets as usize, found.len());
    found
}

#[test]
fn what_comes_together_is_one_batch_in_its_order() {
    let mut gathering = Gathering::new(id());
    assert!(gathering.take().is_none(), "nothing came");
    for first in [1, 10] {
        let appends = [append(first, vec![commit(1, 0), commit(2, 5)]), append(first + 1, vec![commit(3, 0)])];
        for append in &appends {
            let encoded = encoded(append);
            assert!(gathering.has_room_for(&encoded));
            gathering.push(&encoded, NOW).unwrap();
        }
        let gathered = gathering.take().unwrap();
        assert_eq!(gathered.of, [BatchId(first), BatchId(first + 1)]);
        assert_eq!(records_of(&gathered), [commit(1, 0), commit(2, 5), commit(3, 0)]);
        assert!(gathering.take().is_none(), "it was taken");
    }
}

#[test]
fn a_batch_that_is_shared_stays_below_its_limit() {
    let mut gathering = Gathering::new(id());
    let mut count = 0;
    loop {
        let encoded = encoded(&append(count, vec![commit(count, 1_000)]));
        if !gathering.has_room_for(&encoded) {
            break;
        }
        gathering.push(&encoded, NOW).unwrap();
        count += 1;
    }
    let gathered = gathering.take().unwrap();
    let bytes = HEADER_BYTES + gathered.request.payload.len();
    assert!(bytes <= limits::GROUP_BATCH_BYTES && bytes > limits::GROUP_BATCH_BYTES - 2_000, "{bytes} bytes");
    assert_eq!(gathered.of.len() as u64, count);
}

#[test]
fn what_is_larger_than_a_shared_batch_has_one_for_itself() {
    let mut gathering = Gathering::new(id());
    let many: Vec<_> = (0..100).map(|offset| commit(offset, 1_000)).collect();
    let large = encoded(&append(1, many.clone()));
    let small = encoded(&append(2, vec![commit(7, 0)]));
    assert!(gathering.has_room_for(&large), "it is the first");
    gathering.push(&large, NOW).unwrap();
    assert!(!gathering.has_room_for(&small), "nothing joins it");
    assert_eq!(records_of(&gathering.take().unwrap()), many);
    gathering.push(&small, NOW).unwrap();
    assert!(!gathering.has_room_for(&large), "it joins nothing");
    assert_eq!(gathering.take().unwrap().of, [BatchId(2)]);
}
