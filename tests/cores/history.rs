//! What was produced, and what must be there.

use std::collections::BTreeMap;

use base::{ProducerEpoch, ProducerId, Sequence, Timestamp};
use tests::broker::Broker;
use tests::kafka::{Client, code, produce_request};
use tests::native;
use wire::ErrorCode;
use wire::batch::{BatchBuilder, BatchOptions, NewRecord, ProducerStamp, batches};
use wire::compress::{Codec, Compressor, Decompressor};

const TOPICS: [(&str, i32); 3] = [("one", 1), ("few", 5), ("many", 40)];

/// Names a batch by the first value in it.
type Name = u64;

struct Producer {
    id: i64,
    next_sequence: u32,
    /// The last batch, its number of records, and where it went, if that is known.
    last: Option<(Vec<u8>, u32, Option<i64>)>,
}

pub(crate) struct History {
    next_name: Name,
    /// Of each partition: base offset and name of every acknowledged batch.
    acknowledged: BTreeMap<(&'static str, i32), Vec<(i64, Name)>>,
    producers: BTreeMap<(&'static str, i32), Producer>,
    /// Sent, without an answer.
    open: Vec<(&'static str, i32)>,
}

/// A batch of records with keys, the first of which has `name` as its value.
pub(crate) fn batch(producer: Option<ProducerStamp>, name: Name, records: u32) -> Vec<u8> {
    let codec = Codec::ALL[usize::try_from(name).expect("small") % Codec::ALL.len()];
    let mut builder = BatchBuilder::new(BatchOptions { codec, producer, ..BatchOptions::default() });
    for number in 0..records {
        let key = number.to_le_bytes();
        let mut value = vec![u8::try_from(name % 251).expect("small"); 3_000];
        value[..8].copy_from_slice(&name.to_le_bytes());
        value[8..12].copy_from_slice(&number.to_le_bytes());
        let timestamp = Some(Timestamp::from_millis(1_700_000_000_000 + name));
        let record = NewRecord { timestamp, key: Some(&key), value: Some(&value), ..NewRecord::default() };
        builder.push(&record).expect("there is room");
    }
    builder.finish(&mut Compressor::new()).to_vec()
}

impl History {
    pub(crate) fn new() -> Self {
        Self { next_name: 1, acknowledged: BTreeMap::new(), producers: BTreeMap::new(), open: Vec::new() }
    }

    pub(crate) fn batches(&self) -> usize {
        self.acknowledged.values().map(Vec::len).sum()
    }

    pub(crate) fn make_topics(&mut self, client: &mut Client) {
        for (topic, partitions) in TOPICS {
            assert_eq!(
                client.create_topic(topic, partitions, &[("retention.ms", "-1")]).expect("it answers"),
                ErrorCode::None
            );
            for partition in 0..partitions {
                let id = client.producer_id().expect("the broker gives ids");
                self.producers.insert((topic, partition), Producer { id, next_sequence: 0, last: None });
                self.acknowledged.insert((topic, partition), Vec::new());
            }
        }
    }

    fn next_batch(&mut self, place: (&'static str, i32)) -> (Vec<u8>, u32) {
        let name = self.next_name;
        self.next_name += 1;
        let producer = self.producers.get_mut(&place).expect("each partition has a producer");
        let records = 1 + u32::try_from(name % 7).expect("small");
        let stamp = ProducerStamp {
            id: ProducerId::from_wire(producer.id).expect("an id"),
            epoch: ProducerEpoch::ZERO,
            base_sequence: Some(Sequence::ZERO.plus(producer.next_sequence)),
        };
        producer.next_sequence += records;
        (batch(Some(stamp), name, records), records)
    }

    /// So many batches, over all partitions in turn.
    pub(crate) fn produce(&mut self, client: &mut Client, count: usize) {
        let places: Vec<_> = self.producers.keys().copied().collect();
        for turn in 0..count {
            let place = places[turn % places.len()];
            let name = self.next_name;
            let (batch, records) = self.next_batch(place);
            let response = client.produce(place.0, place.1, &batch).expect("the broker answers");
            assert_eq!(code(response.error_code), ErrorCode::None, "{place:?}");
            self.acknowledged.get_mut(&place).expect("known").push((response.base_offset, name));
            self.producers.get_mut(&place).expect("known").last = Some((batch, records, Some(response.base_offset)));
        }
    }

    /// Sends a batch to some partitions and takes no answer.
    pub(crate) fn send_without_waiting(&mut self, client: &mut Client) {
        for place in [("one", 0), ("few", 2), ("many", 7), ("many", 8)] {
            let (batch, records) = self.next_batch(place);
            client.send(9, &produce_request(place.0, place.1, &batch, -1)).expect("it can be sent");
            self.producers.get_mut(&place).expect("known").last = Some((batch, records, None));
            self.open.push(place);
        }
    }

    pub(crate) fn forget_connection(&mut self) {
        assert!(!self.open.is_empty(), "nothing was left open");
    }

    /// Sends each producer's last batch again: what is known is recognised, what was open is settled.
    pub(crate) fn repeat_last_batches(&mut self, client: &mut Client) {
        let mut recognised = 0;
        for (place, producer) in &mut self.producers {
            let Some((batch, records, at)) = &mut producer.last else { continue };
            let response = client.produce(place.0, place.1, batch).expect("the broker answers");
            assert_eq!(code(response.error_code), ErrorCode::None, "{place:?}: {records} records are sent again");
            match at {
                Some(before) => {
                    assert_eq!(response.base_offset, *before, "{place:?}: a repeated batch was appended again");
                    recognised += 1;
                }
                None => {
                    *at = Some(response.base_offset);
                    let name = name_of(batch);
                    self.acknowledged.get_mut(place).expect("known").push((response.base_offset, name));
                }
            }
        }
        assert!(recognised > 0 || self.batches() == 0, "no batch was repeated");
        self.open.clear();
    }

    /// Every partition holds every acknowledged batch, in order, once, whole; nothing else but what is open.
    pub(crate) fn check(&self, client: &mut Client) {
        for (place, acknowledged) in &self.acknowledged {
            let log = client.fetch_all(place.0, place.1).unwrap_or_else(|error| panic!("{place:?}: {error}"));
            let mut found = Vec::new();
            let mut next = 0;
            for batch in batches(&log) {
                let batch = batch.expect("the log is whole");
                batch.verify_crc().expect("the log is undamaged");
                let base = batch.header().base_offset().to_wire();
                assert_eq!(base, next, "{place:?} has a hole");
                next = batch.header().next_offset().to_wire();
                found.push((base, name_of(batch.bytes())));
            }
            if self.open.contains(place) && found.len() == acknowledged.len() + 1 {
                found.pop();
            }
            assert_eq!(found, *acknowledged, "{place:?}");
        }
    }

    /// The native door leads to the same topics, and names a core of each partition that there is.
    pub(crate) fn check_native(&self, broker: &Broker, cores: u16) {
        let mut client = native::Client::greeted(broker.native).expect("the broker greets");
        let mut used = std::collections::BTreeSet::new();
        for (topic, partitions) in TOPICS {
            let (_, owners) = client.topic(topic).expect("the topic is there");
            assert_eq!(i32::try_from(owners.len()), Ok(partitions));
            used.extend(owners.iter().map(|core| core.0));
        }
        assert_eq!(used.into_iter().collect::<Vec<_>>(), (0..cores).collect::<Vec<_>>(), "partitions lie on all cores");
    }
}

fn name_of(bytes: &[u8]) -> Name {
    let (batch, _) = wire::batch::Batch::parse(bytes).expect("a whole batch");
    let mut decompressor = Decompressor::new();
    let mut records = batch.decode(&mut decompressor, 1 << 20).expect("it can be decoded");
    let first = records.next().expect("not empty").expect("whole");
    let value = first.value.expect("records of this test have values");
    u64::from_le_bytes(value[..8].try_into().expect("eight bytes"))
}
