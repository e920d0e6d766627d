//! What appends to one partition, batch after batch, and notes what was promised.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use base::{LeaderEpoch, PartitionId, ProducerEpoch, ProducerId, SeededRandom, Sequence, Timestamp};
use shard::task_queues::FOREGROUND;
use shard::{AppendBatch, AppendError, Shard};
use wire::batch::{BatchBuilder, BatchHeader, BatchOptions, HEADER_BYTES, Header, NewRecord, ProducerStamp};
use wire::compress::{Codec, Compressor};

use crate::mover::Moves;
use crate::oracle::BatchName;
use crate::storage::{Fault, World};

/// The owner's state of a partition in this test: how many batches it has appended with a producer's stamp.
pub(crate) type Counts = Rc<RefCell<BTreeMap<PartitionId, u64>>>;

/// Some records are of the year 2049: retention by time never deletes them.
pub(crate) const FAR_AHEAD: Timestamp = Timestamp::from_millis(2_500_000_000_000);

/// Between two attempts of an appender that is refused.
const REFUSED_PAUSE: Duration = Duration::from_micros(100);

pub(crate) struct Appender {
    world: Rc<World>,
    moves: Rc<Moves>,
    counts: Counts,
    /// Place of the partition in the histories.
    index: usize,
    appender: u32,
    epoch: LeaderEpoch,
    /// Pauses are of up to so many microseconds.
    pause: u64,
    random: SeededRandom,
    /// Number of the next batch.
    number: u32,
    /// A batch that the partition could not take because it was leaving its core.
    refused: Option<(BatchName, Vec<u8>)>,
}

impl Appender {
    #[expect(clippy::too_many_arguments, reason = "each is another thing")]
    pub(crate) fn new(
        world: Rc<World>,
        moves: Rc<Moves>,
        counts: Counts,
        index: usize,
        appender: u32,
        epoch: LeaderEpoch,
        pause: u64,
        random: SeededRandom,
    ) -> Self {
        Self { world, moves, counts, index, appender, epoch, pause, random, number: 0, refused: None }
    }

    pub(crate) fn begin(self, shard: Rc<Shard>) {
        drop(rt::spawn(FOREGROUND, self.run(shard)));
    }

    fn next_batch(&mut self) -> (BatchName, Vec<u8>) {
        if let Some(refused) = self.refused.take() {
            return refused;
        }
        let name = BatchName { appender: self.appender, number: self.number };
        self.number += 1;
        let world = &self.world;
        let keys = if world.specs.borrow()[self.index].compaction.is_some() { Keys::Some } else { Keys::None };
        let bytes = make_batch(name, &mut self.random, world.large_batches(), keys);
        let header = BatchHeader::read(&bytes).expect("whole");
        world.histories.borrow_mut()[self.index].submit(name, &bytes, header.max_timestamp());
        (name, bytes)
    }

    /// Appends until the shard or the partition is gone; follows one that changes its core.
    async fn run(mut self, shard: Rc<Shard>) {
        let (index, id) = (self.index, self.world.specs.borrow()[self.index].id);
        loop {
            let (name, bytes) = self.next_batch();
            let header = BatchHeader::read(&bytes).expect("whole");
            let (head, payload) = bytes.split_first_chunk::<HEADER_BYTES>().expect("whole");
            let batch = AppendBatch {
                header: head,
                payload,
                offsets: header.last_offset_delta() + 1,
                max_timestamp: header.max_timestamp().map_or(-1, Timestamp::to_wire),
                leader_epoch: self.epoch,
            };
            let result = match (shard.room(batch.bytes()), shard.turn()) {
                (Some(Ok(())), _) => shard.append_now(id, batch),
                (Some(Err(error)), _) | (None, Err(error)) => Err(error),
                (None, Ok(turn)) => match turn.wait(batch.bytes()).await {
                    Ok(()) => turn.append(id, batch),
                    Err(error) => Err(error),
                },
            };
            let world = &self.world;
            match result {
                Ok(appended) => {
                    if header.producer().is_some() {
                        *self.counts.borrow_mut().entry(id).or_default() += 1;
                    }
                    if shard.safe(appended).await.is_ok() {
                        world.histories.borrow_mut()[index].acknowledge(appended.base_offset, name);
                    }
                }
                Err(AppendError::NoSpace | AppendError::TooLarge { .. }) => {
                    world.histories.borrow_mut()[index].withdraw(name);
                    // Without a pause an appender that is refused would never give the others a turn.
                    rt::sleep(REFUSED_PAUSE).await;
                }
                Err(AppendError::Closing) => return,
                Err(AppendError::Poisoned(cause)) => {
                    assert!(world.plan.fault != Fault::None, "a good disk is said to have failed: {cause}");
                    return;
                }
                Err(AppendError::UnknownPartition(_)) if world.spec_of(id).is_none() => return,
                Err(AppendError::Leaving(_) | AppendError::UnknownPartition(_)) => {
                    self.refused = Some((name, bytes));
                    let moves = Rc::clone(&self.moves);
                    return moves.follow(id, |shard| self.begin(shard));
                }
                Err(error @ AppendError::Overloaded { .. }) => panic!("an append failed: {error}"),
            }
            if self.pause > 0 {
                rt::sleep(Duration::from_micros(self.random.below(self.pause + 1))).await;
            }
        }
    }
}

thread_local! {
    static COMPRESSOR: RefCell<Compressor> = RefCell::new(Compressor::new());
}

/// Whether records have keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keys {
    None,
    Some,
}

/// So many keys there are, and one in so many of their records is a tombstone.
const KEYS: u64 = 30;
const TOMBSTONE_ONE_IN: u64 = 12;

fn make_batch(name: BatchName, random: &mut SeededRandom, large: bool, keys: Keys) -> Vec<u8> {
    let stamp = ProducerStamp {
        id: ProducerId::new(u64::from(name.appender)).expect("small"),
        epoch: ProducerEpoch::ZERO,
        base_sequence: Some(Sequence::ZERO),
    };
    let codec = [Codec::None, Codec::None, Codec::Lz4, Codec::Zstd][random.index(4)];
    let producer = random.percent(50).then_some(stamp);
    let mut builder = BatchBuilder::new(BatchOptions { codec, producer, ..BatchOptions::default() });
    let records = 1 + random.index(8);
    let bytes = match (large, random.below(20)) {
        (true, 0) => random.index(120_000),
        (_, 1) => random.index(9_000),
        _ => random.index(400),
    };
    for index in 0..records {
        let mut value = name.encode().to_vec();
        value.resize(8 + bytes, 0);
        random.fill(&mut value[8..]);
        let now = rt::wall_clock().as_millis();
        let timestamp = match random.below(200) {
            0 => Some(FAR_AHEAD),
            1..20 => None,
            _ => Some(Timestamp::from_millis(now - random.below(200))),
        };
        if keys == Keys::None {
            builder.push(&NewRecord { timestamp, value: Some(&value), ..NewRecord::default() }).expect("it fits");
            continue;
        }
        let key = random.below(KEYS).to_string();
        // A tombstone has no value to say what it is.
        let identity = [&name.encode()[..], &[u8::try_from(index).expect("few")]].concat();
        let record = NewRecord {
            timestamp,
            key: Some(key.as_bytes()),
            value: (!random.one_in(TOMBSTONE_ONE_IN)).then_some(&value),
            headers: &[Header { key: b"i", value: Some(&identity) }],
        };
        builder.push(&record).expect("it fits");
    }
    COMPRESSOR.with_borrow_mut(|compressor| builder.finish(compressor).to_vec())
}
