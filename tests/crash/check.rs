//! What must hold after each restart.

use std::collections::{BTreeMap, BTreeSet};

use tests::kafka::{Client, code};
use wire::ErrorCode;
use wire::batch::{BatchBuilder, BatchOptions, NewRecord, batches};
use wire::compress::Compressor;

use crate::work::{BatchName, History, PARTITIONS, TOPIC, name_of};

/// Producer number of the batches that only show that the broker takes records again.
const PROBE: u64 = 1_000;

/// Produces one record.
pub(crate) fn first_ack(client: &mut Client, round: usize) {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    let mut value = PROBE.to_le_bytes().to_vec();
    value.extend_from_slice(&u32::try_from(round).unwrap().to_le_bytes());
    builder.push(&NewRecord { value: Some(&value), ..NewRecord::default() }).unwrap();
    let response = client.produce(TOPIC, 0, builder.finish(&mut Compressor::new())).expect("the broker answers");
    assert_eq!(code(response.error_code), ErrorCode::None);
}

/// The whole topic against the history.
pub(crate) fn check_topic(client: &mut Client, history: &History, round: usize) {
    let mut found: BTreeMap<(i32, i64), BatchName> = BTreeMap::new();
    for partition in 0..PARTITIONS {
        let log = client.fetch_all(TOPIC, partition).expect("the topic can be read");
        let mut names = BTreeSet::new();
        let mut last: BTreeMap<u64, u32> = BTreeMap::new();
        let mut next = 0;
        for batch in batches(&log) {
            let batch = batch.expect("the log is whole");
            batch.verify_crc().expect("the log is undamaged");
            let base = batch.header().base_offset().to_wire();
            assert_eq!(base, next, "round {round}: partition {partition} has a hole");
            next = batch.header().next_offset().to_wire();
            let name = name_of(&batch);
            assert!(names.insert(name), "round {round}: {name:?} is in partition {partition} twice");
            let before = last.insert(name.0, name.1);
            assert!(before.is_none_or(|before| before < name.1), "round {round}: {name:?} comes after {before:?}");
            found.insert((partition, base), name);
        }
    }
    let promised = history.acknowledged.lock().unwrap();
    for (place, name) in promised.iter().chain(history.seen.lock().unwrap().iter()) {
        assert_eq!(found.get(place), Some(name), "round {round}: what was promised at {place:?} is not there");
    }
}
