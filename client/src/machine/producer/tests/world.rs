//! A model of everything around a producer: brokers that deduplicate by the real broker's rules, connections that break,
//! requests that arrive after their connection has ended, and a seed that decides what happens next.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use base::{
    BrokerId, CoreId, Instant, Offset, PartitionId, ProducerEpoch, ProducerId, SeededRandom, Timestamp, TopicId,
};
use cluster::producers::{AppendedBatch, BatchKind, BatchStamp, ProducerError, ProducerTable, ProducerVerdict};
use wire::batch::{Batch, NewRecord};
use wire::native::{ErrorCode as WireCode, ProducedPartition};
use wire::{Codec, ErrorCode};

use super::super::*;
use crate::machine::accumulator::{AccumulatorOptions, Ticket};
use crate::machine::backoff::BackoffOptions;
use crate::machine::route::Destination;

pub(super) const MS: Duration = Duration::from_millis(1);

pub(super) fn options() -> ProducerOptions {
    ProducerOptions {
        accumulator: AccumulatorOptions {
            codec: Codec::None,
            level: None,
            batch_bytes: 200,
            linger: 5 * MS,
            batch_bytes_max: 1_000,
            buffer_bytes_max: 20_000,
        },
        acks: Acks::All,
        idempotence: Idempotence::On,
        request_bytes_max: 1_000,
        requests_in_flight_max: 3,
        batches_in_flight_max: 5,
        delivery_timeout: Duration::from_secs(120),
        retry: BackoffOptions { first: 10 * MS, max: 100 * MS },
    }
}

pub(super) fn partition(index: u32) -> PartitionId {
    PartitionId::new(TopicId::METADATA, index)
}

pub(super) fn core_of(core: u16) -> Destination {
    Destination { broker: BrokerId(1), core: CoreId(core) }
}

/// How likely it is, in thousandths of the requests, that something goes wrong with one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Faults {
    /// Refused, and may be sent again.
    pub(super) passing: u64,
    /// Appended, and answered as if it might not have been.
    pub(super) ambiguous: u64,
    /// Refused for good.
    pub(super) fatal: u64,
    /// The broker says that something unexpected has happened, before or after it appended.
    pub(super) unexpected: u64,
    /// In thousandths of all steps: connections that break, leaders that move, time that jumps.
    pub(super) breaks: u64,
    pub(super) moves: u64,
    pub(super) jumps: u64,
}

impl Routes for BTreeMap<PartitionId, Destination> {
    fn route(&self, partition: PartitionId) -> Route {
        self.get(&partition).map_or(Route::Unknown, |destination| Route::To(*destination))
    }
}

struct Log {
    producers: ProducerTable,
    /// One for each offset.
    values: Vec<u64>,
}

/// What became of each batch of a request.
type Answers = Vec<(PartitionId, WireCode, Option<Offset>)>;

#[derive(Default)]
struct Link {
    is_up: bool,
    requests: VecDeque<ProduceCall>,
    answers: VecDeque<(RequestId, Answers)>,
}

pub(super) struct World {
    pub(super) core: ProducerCore,
    pub(super) now: Instant,
    random: SeededRandom,
    faults: Faults,
    leaders: BTreeMap<PartitionId, Destination>,
    logs: BTreeMap<PartitionId, Log>,
    links: BTreeMap<Destination, Link>,
    /// What was written to connections that have ended since, and that the broker may still read.
    zombies: Vec<(Destination, VecDeque<ProduceCall>)>,
    zombies_max: usize,
    connecting: BTreeSet<Destination>,
    identities_wanted: usize,
    next_producer: u64,
    /// The epoch that a new producer id begins with.
    pub(super) first_epoch: i16,
    is_refresh_wanted: bool,
    /// Every record that was taken: its partition, its number there, its place.
    pub(super) taken: Vec<(PartitionId, u64, Ticket)>,
    next_value: BTreeMap<PartitionId, u64>,
    pub(super) outcomes: BTreeMap<BatchId, Result<Delivered, DeliveryError>>,
}

impl World {
    pub(super) fn new(seed: u64, options: ProducerOptions, faults: Faults) -> Self {
        let mut random = SeededRandom::new(seed);
        let leaders: BTreeMap<_, _> =
            [0, 1, 0].into_iter().zip(0..).map(|(core, index)| (partition(index), core_of(core))).collect();
        let log = || Log { producers: ProducerTable::new(100), values: Vec::new() };
        Self {
            core: ProducerCore::new(options, random.fork()),
            now: Instant(1),
            random,
            faults,
            logs: leaders.keys().map(|partition| (*partition, log())).collect(),
            leaders,
            links: (0..2).map(|core| (core_of(core), Link::default())).collect(),
            zombies: Vec::new(),
            zombies_max: usize::MAX,
            connecting: BTreeSet::new(),
            identities_wanted: 0,
            next_producer: 0,
            first_epoch: 0,
            is_refresh_wanted: false,
            taken: Vec::new(),
            next_value: BTreeMap::new(),
            outcomes: BTreeMap::new(),
        }
    }

    /// What is written to a connection that ends is read before it ends, or never.
    pub(super) fn without_zombies(&mut self) {
        self.zombies_max = 0;
    }

    pub(super) fn abort(&mut self) {
        self.tell(ProducerEvent::Aborted);
    }

    /// Lets a number of things happen.
    pub(super) fn run(&mut self, steps: usize) {
        (0..steps).for_each(|_| self.step());
    }

    /// No more faults and no more records: everything must come to its end.
    pub(super) fn settle(&mut self) {
        self.faults = Faults::default();
        for _ in 0..200_000 {
            if self.core.first_incomplete().is_none() && self.zombies.is_empty() {
                return;
            }
            self.network_step();
            self.zombie_step();
            if self.random.one_in(3) {
                self.time_step();
            }
        }
        panic!("batches are stuck at {:?}: {:#?}", self.now, self.core);
    }

    fn step(&mut self) {
        let faults = self.faults;
        let dice = self.random.below(1_000);
        if dice < faults.breaks {
            self.break_link();
        } else if dice < faults.breaks + faults.moves {
            let moved = partition(u32::try_from(self.random.below(3)).unwrap());
            self.leaders.insert(moved, core_of(u16::try_from(self.random.below(2)).unwrap()));
        } else if dice < faults.breaks + faults.moves + faults.jumps {
            self.now = self.now.plus(Duration::from_secs(self.random.between(1, 70)));
        } else {
            match self.random.below(10) {
                0..3 => self.append(),
                3..8 => self.network_step(),
                8 => self.zombie_step(),
                _ => self.time_step(),
            }
        }
    }

    fn append(&mut self) {
        let id = partition(u32::try_from(self.random.below(3)).unwrap());
        let value = *self.next_value.entry(id).or_default();
        let mut bytes = vec![0; 8 + self.random.index(60)];
        bytes[..8].copy_from_slice(&value.to_be_bytes());
        let record = NewRecord { value: Some(&bytes), timestamp: Timestamp::from_wire(1), ..NewRecord::default() };
        let mut actions = Vec::new();
        let taken = self.core.append(self.now, &self.leaders, id, &record, &mut actions);
        if let Ok(taken) = taken {
            self.taken.push((id, value, taken.ticket));
            self.next_value.insert(id, value + 1);
        }
        self.perform(actions);
    }

    fn tell(&mut self, event: ProducerEvent<'_>) {
        let mut actions = Vec::new();
        self.core.step(self.now, event, &mut actions);
        self.perform(actions);
    }

    fn perform(&mut self, actions: Vec<ProducerAction>) {
        for action in actions {
            match action {
                ProducerAction::Connect(destination) => {
                    assert!(self.connecting.insert(destination), "asked to connect twice to {destination}");
                }
                ProducerAction::RequestIdentity => self.identities_wanted += 1,
                ProducerAction::RefreshMetadata(_) | ProducerAction::FoundElsewhere(..) => {
                    self.is_refresh_wanted = true
                }
                ProducerAction::BatchClosed(_) => {}
                ProducerAction::Send(call) => {
                    let link = self.links.get_mut(&call.destination).unwrap();
                    assert!(link.is_up, "sent to {} without a connection", call.destination);
                    link.requests.push_back(call);
                }
                ProducerAction::Complete { batch, outcome } => {
                    assert!(self.outcomes.insert(batch, outcome).is_none(), "{batch:?} was done twice");
                }
            }
        }
    }

    /// Something that is under way goes on.
    fn network_step(&mut self) {
        let core = core_of(u16::try_from(self.random.below(2)).unwrap());
        match self.random.below(6) {
            0..2 => {
                if let Some(call) = self.links.get_mut(&core).unwrap().requests.pop_front() {
                    let answers = self.serve(core, &call);
                    self.links.get_mut(&core).unwrap().answers.push_back((call.request, answers));
                }
            }
            2..4 => self.answer(core),
            4 if self.connecting.remove(&core) => {
                let event = if self.random.below(1_000) < self.faults.breaks * 10 {
                    ProducerEvent::ConnectFailed { destination: core }
                } else {
                    self.links.insert(core, Link { is_up: true, ..Link::default() });
                    ProducerEvent::Connected {
                        destination: core,
                        requests_in_flight_max: 10,
                        payload_bytes_max: 10_000,
                    }
                };
                self.tell(event);
            }
            _ if self.identities_wanted > 0 => {
                self.identities_wanted -= 1;
                if self.random.below(1_000) < self.faults.passing {
                    let event = match self.random.below(2) {
                        0 => ProducerEvent::IdentityLost,
                        _ => ProducerEvent::IdentityRefused(Refusal::from(ErrorCode::CoordinatorLoadInProgress)),
                    };
                    return self.tell(event);
                }
                self.next_producer += 1;
                let id = ProducerId::new(self.next_producer).unwrap();
                let epoch = ProducerEpoch::from_wire(self.first_epoch).unwrap();
                self.tell(ProducerEvent::IdentityGiven(ProducerIdentity { id, epoch }));
            }
            _ if self.is_refresh_wanted => {
                self.is_refresh_wanted = false;
                let leaders = self.leaders.clone();
                self.tell(ProducerEvent::RoutesChanged(&leaders));
            }
            _ => {}
        }
    }

    fn answer(&mut self, core: Destination) {
        let Some((request, answers)) = self.links.get_mut(&core).unwrap().answers.pop_front() else { return };
        let partitions: Vec<ProducedPartition<'_>> = answers
            .iter()
            .map(|(partition, error, base_offset)| ProducedPartition {
                topic: partition.topic,
                partition: partition.index,
                error: *error,
                base_offset: *base_offset,
                log_append_time: None,
                log_start_offset: None,
                message: None,
                core: None,
            })
            .collect();
        self.tell(ProducerEvent::Answered { request, partitions: &partitions, timings: None });
    }

    fn break_link(&mut self) {
        let core = core_of(u16::try_from(self.random.below(2)).unwrap());
        let link = std::mem::take(self.links.get_mut(&core).unwrap());
        if !link.is_up {
            return;
        }
        self.tell(ProducerEvent::Disconnected { destination: core });
        for (request, _) in &link.answers {
            self.tell(ProducerEvent::Lost { request: *request, sent: Sent::Perhaps });
        }
        let mut unread = link.requests;
        for call in &unread {
            self.tell(ProducerEvent::Lost { request: call.request, sent: Sent::Perhaps });
        }
        // Of what was written, some of the first requests may have reached the broker's buffers.
        unread.truncate(self.random.index(unread.len() + 1));
        if !unread.is_empty() && self.zombies.len() < self.zombies_max {
            self.zombies.push((core, unread));
        }
    }

    fn zombie_step(&mut self) {
        if self.zombies.is_empty() {
            return;
        }
        let index = self.random.index(self.zombies.len());
        let (core, requests) = &mut self.zombies[index];
        let core = *core;
        match requests.pop_front() {
            Some(call) => drop(self.serve(core, &call)),
            None => drop(self.zombies.swap_remove(index)),
        }
    }

    fn time_step(&mut self) {
        let wakeup = self.core.next_wakeup();
        self.now = match wakeup {
            // Waiting for the end of a batch's time is a fault of its own.
            Some(due) if due > self.now && due.since(self.now) < 200 * MS && self.random.one_in(2) => due,
            _ => self.now.plus(Duration::from_millis(self.random.below(4))),
        };
        if wakeup.is_some_and(|due| due <= self.now) {
            self.tell(ProducerEvent::TimePassed);
            let next = self.core.next_wakeup();
            assert!(next.is_none_or(|due| due > self.now), "woken up at {:?} for {next:?} again", self.now);
        }
    }

    /// What the broker does with a request.
    fn serve(&mut self, core: Destination, call: &ProduceCall) -> Answers {
        let answers = call.batches.iter().map(|(partition, bytes)| {
            let (code, offset) = self.serve_batch(core, *partition, bytes);
            (*partition, WireCode(code.code()), offset)
        });
        answers.collect()
    }

    fn serve_batch(&mut self, core: Destination, partition: PartitionId, bytes: &[u8]) -> (ErrorCode, Option<Offset>) {
        let faults = self.faults;
        let dice = self.random.below(1_000);
        if self.leaders[&partition] != core {
            return (ErrorCode::NotLeaderOrFollower, None);
        }
        if dice < faults.passing {
            let codes = [ErrorCode::NotEnoughReplicas, ErrorCode::ThrottlingQuotaExceeded, ErrorCode::CorruptMessage];
            return (codes[self.random.index(codes.len())], None);
        }
        let dice = dice - faults.passing;
        if dice < faults.fatal {
            return (ErrorCode::MessageTooLarge, None);
        }
        let dice = dice - faults.fatal;
        if dice < faults.unexpected && self.random.one_in(2) {
            return (ErrorCode::UnknownServerError, None);
        }
        let appended = self.append_batch(partition, bytes);
        if dice < faults.unexpected {
            return (ErrorCode::UnknownServerError, None);
        }
        if dice - faults.unexpected.min(dice) < faults.ambiguous {
            let codes =
                [ErrorCode::RequestTimedOut, ErrorCode::NotEnoughReplicasAfterAppend, ErrorCode::KafkaStorageError];
            return (codes[self.random.index(codes.len())], None);
        }
        appended
    }

    fn append_batch(&mut self, partition: PartitionId, bytes: &[u8]) -> (ErrorCode, Option<Offset>) {
        let log = self.logs.get_mut(&partition).unwrap();
        let (batch, rest) = Batch::parse(bytes).unwrap();
        assert!(rest.is_empty());
        batch.verify_crc().unwrap();
        let header = batch.header();
        let base_offset = Offset::new(log.values.len() as u64).unwrap();
        if let Some(producer) = header.producer() {
            let stamp = BatchStamp {
                producer: producer.id,
                epoch: producer.epoch,
                base_sequence: producer.base_sequence.unwrap(),
                record_count: header.record_count(),
                kind: BatchKind::Plain,
            };
            match log.producers.check(&stamp) {
                ProducerVerdict::Append => log.producers.apply(&AppendedBatch {
                    stamp,
                    base_offset,
                    max_timestamp: None,
                    appended_at: Timestamp::from_millis(1),
                }),
                ProducerVerdict::Duplicate { base_offset, .. } => return (ErrorCode::None, Some(base_offset)),
                ProducerVerdict::Refuse(error) => {
                    let code = match error {
                        ProducerError::OutOfOrder { .. } => ErrorCode::OutOfOrderSequenceNumber,
                        ProducerError::Duplicate { .. } => ErrorCode::DuplicateSequenceNumber,
                        ProducerError::OldEpoch { .. } => ErrorCode::InvalidProducerEpoch,
                        ProducerError::TransactionOpen { .. } | ProducerError::TooManyTransactions { .. } => {
                            unreachable!("there are no transactions here")
                        }
                    };
                    return (code, None);
                }
            }
        }
        for record in batch.records().unwrap() {
            let value = record.unwrap().value.unwrap();
            log.values.push(u64::from_be_bytes(*value.first_chunk().unwrap()));
        }
        (ErrorCode::None, Some(base_offset))
    }

    /// The values in a partition's log.
    pub(super) fn log(&self, partition: PartitionId) -> &[u64] {
        &self.logs[&partition].values
    }

    /// Records are in the log once, in order; where and if at all as the producer was told.
    pub(super) fn check(&self) {
        self.check_outcomes();
        for (partition, log) in &self.logs {
            let sorted = log.values.windows(2).all(|pair| pair[0] < pair[1]);
            assert!(sorted, "records of {partition} are repeated or out of order: {:?}", log.values);
        }
    }

    /// The same, but a record that was given up in doubt may turn up late.
    pub(super) fn check_but_for_doubts(&self) {
        self.check_outcomes();
        for (partition, log) in &self.logs {
            let all: BTreeSet<u64> = log.values.iter().copied().collect();
            assert_eq!(all.len(), log.values.len(), "records of {partition} are repeated: {:?}", log.values);
            let in_doubt = self.taken.iter().filter(|(id, _, ticket)| {
                id == partition && self.outcomes[&ticket.batch].as_ref().is_err_and(|e| e.fate() == Fate::Unknown)
            });
            let in_doubt: BTreeSet<u64> = in_doubt.map(|(_, value, _)| *value).collect();
            let certain: Vec<u64> = log.values.iter().filter(|value| !in_doubt.contains(value)).copied().collect();
            assert!(certain.is_sorted(), "records of {partition} are out of order: {certain:?}");
        }
    }

    fn check_outcomes(&self) {
        for (partition, value, ticket) in &self.taken {
            let log = self.log(*partition);
            let place = log.iter().position(|found| found == value);
            match &self.outcomes[&ticket.batch] {
                Ok(Delivered { base_offset: Some(base), .. }) => {
                    let told = usize::try_from(base.get()).unwrap() + usize::try_from(ticket.index).unwrap();
                    assert_eq!(place, Some(told), "record {value} of {partition}");
                }
                Ok(Delivered { base_offset: None, .. }) => assert!(place.is_some(), "{value} of {partition} is lost"),
                Err(error) if error.fate() == Fate::NotAppended => {
                    assert_eq!(place, None, "record {value} of {partition} failed with {error}");
                }
                Err(_) => {}
            }
        }
    }
}
