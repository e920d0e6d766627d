//! Producers and readers that go on until the broker is gone, and what they saw.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use base::{ProducerEpoch, ProducerId, SeededRandom, Sequence, Timestamp};
use tests::kafka::{Client, code};
use wire::ErrorCode;
use wire::batch::{BatchBuilder, BatchOptions, NewRecord, ProducerStamp, batches};
use wire::compress::{Codec, Compressor};

pub(crate) const TOPIC: &str = "crash";
pub(crate) const PARTITIONS: i32 = 3;
pub(crate) const PRODUCERS: usize = 4;
const READERS: usize = 2;

/// Names a batch: its producer over all rounds, and its number there.
pub(crate) type BatchName = (u64, u32);

/// An idempotent producer as it goes on over the rounds.
#[derive(Default)]
pub(crate) struct Identity {
    id: Option<i64>,
    /// First sequence of the batch to send next, for each partition.
    sequences: BTreeMap<i32, u32>,
    /// A batch without an answer: it must be sent again as it was.
    open: Option<(i32, BatchName, Vec<u8>, u32)>,
    next_number: u32,
}

/// What was promised and seen, over all rounds.
pub(crate) struct History {
    /// By partition and base offset.
    pub(crate) acknowledged: Mutex<BTreeMap<(i32, i64), BatchName>>,
    pub(crate) seen: Mutex<BTreeMap<(i32, i64), BatchName>>,
    pub(crate) identities: Vec<Mutex<Identity>>,
}

impl History {
    pub(crate) fn new() -> Self {
        Self {
            acknowledged: Mutex::default(),
            seen: Mutex::default(),
            identities: (0..PRODUCERS).map(|_| Mutex::default()).collect(),
        }
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    pub(crate) fn seen(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    fn acknowledge(&self, partition: i32, base: i64, name: BatchName) {
        let before = self.acknowledged.lock().unwrap().insert((partition, base), name);
        assert!(before.is_none_or(|before| before == name), "offset {base} was given to {before:?} and to {name:?}");
    }
}

pub(crate) struct Work {
    threads: Vec<JoinHandle<()>>,
}

impl Work {
    pub(crate) fn start(address: SocketAddr, history: Arc<History>, mut random: SeededRandom) -> Self {
        let mut threads = Vec::new();
        for number in 0..PRODUCERS {
            let (history, random) = (Arc::clone(&history), random.fork());
            threads.push(std::thread::spawn(move || produce(address, &history, number, random)));
        }
        for _ in 0..READERS {
            let (history, random) = (Arc::clone(&history), random.fork());
            threads.push(std::thread::spawn(move || read(address, &history, random)));
        }
        Self { threads }
    }

    pub(crate) fn join(self) {
        for thread in self.threads {
            thread.join().expect("a worker found something wrong");
        }
    }
}

/// The first half of the producers are idempotent and repeat what has no answer; the others go on with something new.
fn is_idempotent(number: usize) -> bool {
    number < PRODUCERS / 2
}

/// Ends when the broker does.
fn produce(address: SocketAddr, history: &History, number: usize, mut random: SeededRandom) {
    let mut identity = history.identities[number].lock().unwrap();
    let Ok(mut client) = Client::connect(address) else { return };
    if is_idempotent(number) && identity.id.is_none() {
        match client.producer_id() {
            Ok(id) => identity.id = Some(id),
            // The broker was killed; a refusal would be another kind of error.
            Err(error) if error.kind() != std::io::ErrorKind::Other => return,
            Err(error) => panic!("producer {number} gets no id: {error}"),
        }
    }
    loop {
        let (partition, name, batch, records) = match identity.open.take() {
            Some(open) if is_idempotent(number) => open,
            _ => next_batch(&mut identity, number, &mut random),
        };
        identity.open = Some((partition, name, batch.clone(), records));
        let Ok(response) = client.produce(TOPIC, partition, &batch) else { return };
        match code(response.error_code) {
            ErrorCode::None => {}
            // The broker is on its way down; nothing was promised.
            ErrorCode::NotLeaderOrFollower | ErrorCode::KafkaStorageError => return,
            other => panic!("producer {number} is refused: {}", other.name()),
        }
        history.acknowledge(partition, response.base_offset, name);
        identity.open = None;
        if is_idempotent(number) {
            *identity.sequences.entry(partition).or_default() += records;
        }
    }
}

fn next_batch(identity: &mut Identity, number: usize, random: &mut SeededRandom) -> (i32, BatchName, Vec<u8>, u32) {
    let partition = i32::try_from(random.below(PARTITIONS.unsigned_abs().into())).unwrap();
    let name = (number as u64, identity.next_number);
    identity.next_number += 1;
    let records = u32::try_from(random.between(1, 20)).unwrap();
    let producer = identity.id.map(|id| ProducerStamp {
        id: ProducerId::from_wire(id).unwrap(),
        epoch: ProducerEpoch::ZERO,
        base_sequence: Some(Sequence::ZERO.plus(identity.sequences.get(&partition).copied().unwrap_or_default())),
    });
    let codec = Codec::ALL[random.index(Codec::ALL.len())];
    let mut builder = BatchBuilder::new(BatchOptions { codec, producer, ..BatchOptions::default() });
    let largest = if random.one_in(10) { 20_000 } else { 500 };
    let mut value = vec![0; 12 + random.index(largest)];
    for _ in 0..records {
        random.fill(&mut value[12..]);
        value[..8].copy_from_slice(&name.0.to_le_bytes());
        value[8..12].copy_from_slice(&name.1.to_le_bytes());
        let timestamp = Some(Timestamp::from_millis(1_700_000_000_000));
        builder.push(&NewRecord { timestamp, value: Some(&value), ..NewRecord::default() }).unwrap();
    }
    (partition, name, builder.finish(&mut Compressor::new()).to_vec(), records)
}

/// The name in the first record of a batch.
pub(crate) fn name_of(batch: &wire::batch::Batch<'_>) -> BatchName {
    let mut decompressor = wire::compress::Decompressor::new();
    let mut records = batch.decode(&mut decompressor, 64 << 20).expect("a stored batch can be decoded");
    let first = records.next().expect("a batch has records").expect("a record is whole");
    let value = first.value.expect("records of this test have values");
    let number = u64::from_le_bytes(value[..8].try_into().unwrap());
    (number, u32::from_le_bytes(value[8..12].try_into().unwrap()))
}

fn read(address: SocketAddr, history: &History, mut random: SeededRandom) {
    let Ok(mut client) = Client::connect(address) else { return };
    let mut next = vec![0_i64; PARTITIONS.unsigned_abs() as usize];
    loop {
        let partition = random.index(next.len());
        let number = i32::try_from(partition).unwrap();
        let Ok(fetched) = client.fetch(TOPIC, number, next[partition], 50) else { return };
        match fetched.error {
            ErrorCode::None => {}
            ErrorCode::NotLeaderOrFollower => return,
            other => panic!("a reader is refused at {}: {}", next[partition], other.name()),
        }
        for batch in batches(&fetched.records) {
            let batch = batch.expect("a reader gets whole batches");
            batch.verify_crc().expect("a reader gets what was sent");
            let base = batch.header().base_offset().to_wire();
            let name = name_of(&batch);
            let before = history.seen.lock().unwrap().insert((number, base), name);
            assert!(before.is_none_or(|before| before == name), "offset {base} was read as {before:?} and as {name:?}");
            next[partition] = batch.header().next_offset().to_wire();
        }
    }
}
