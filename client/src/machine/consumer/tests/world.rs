//! A model of the brokers and the network around a consumer, and of its user.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use base::{BrokerId, CoreId, Instant, Offset, PartitionId, SeededRandom, TopicId};
use bytes::Bytes;
use wire::native::{
    ErrorCode as WireCode, FetchData, FetchOpen, FetchOpened, OffsetAnswer, OffsetAt, OffsetQuery, StreamId,
};
use wire::{Decompressor, ErrorCode};

use super::super::*;
use super::log::Log;
use crate::machine::backoff::BackoffOptions;
use crate::machine::refusal::Refusal;
use crate::machine::route::Destination;

const PARTITIONS: u32 = 3;

pub(super) const MS: Duration = Duration::from_millis(1);

pub(super) fn options() -> ConsumerOptions {
    ConsumerOptions {
        buffer_bytes_max: 60 << 10,
        partition_buffer_bytes_max: 16 << 10,
        frame_bytes_max: 2_000,
        reset: ResetPolicy::Earliest,
        checksums: Checksums::Verify,
        retry: BackoffOptions { first: 10 * MS, max: 100 * MS },
    }
}

pub(super) fn partition(index: u32) -> PartitionId {
    PartitionId::new(TopicId::METADATA, index)
}

pub(super) fn core_of(core: u16) -> Destination {
    Destination { broker: BrokerId(1), core: CoreId(core) }
}

type Leaders = BTreeMap<PartitionId, Destination>;

pub(super) struct Led(pub(super) Leaders);

impl Routes for Led {
    fn route(&self, partition: PartitionId) -> Route {
        self.0.get(&partition).map_or(Route::Unknown, |destination| Route::To(*destination))
    }
}

struct OpenStream {
    partition: PartitionId,
    next: Offset,
    credit: i64,
    frame_bytes_max: usize,
}

#[derive(Default)]
struct Link {
    is_up: bool,
    streams: BTreeMap<StreamId, OpenStream>,
    /// On its way to the client, in order.
    inbound: VecDeque<Inbound>,
}

enum Inbound {
    Opened(StreamId, FetchOpened),
    Refused(StreamId, ErrorCode),
    Data(StreamId, FetchData, Bytes),
    Ended(StreamId, ErrorCode),
    Offsets(QueryId, Vec<OffsetQuery>),
}

/// What the user of a partition expects.
#[derive(Default)]
struct Reader {
    /// Where the next records begin; `None` until the first have come.
    position: Option<Offset>,
    /// Where they may go on instead, since the log no longer had what was wanted.
    resets: Vec<(Offset, Offset)>,
    is_paused: bool,
}

pub(super) struct World {
    core: ConsumerCore,
    now: Instant,
    random: SeededRandom,
    leaders: Leaders,
    logs: BTreeMap<PartitionId, Log>,
    links: BTreeMap<Destination, Link>,
    connecting: Vec<Destination>,
    is_refresh_wanted: bool,
    readers: BTreeMap<PartitionId, Reader>,
    decompressor: Decompressor,
    is_user_restless: bool,
    is_log_shortened: bool,
    is_calm: bool,
    pub(super) records_read: usize,
}

impl World {
    pub(super) fn new(seed: u64, options: ConsumerOptions) -> Self {
        let mut random = SeededRandom::new(seed);
        let leaders: Leaders =
            [0, 1, 0].into_iter().zip(0..).map(|(core, index)| (partition(index), core_of(core))).collect();
        let mut core = ConsumerCore::new(options, random.fork());
        let assignment: Vec<_> = leaders.keys().map(|id| (*id, Start::Earliest)).collect();
        let mut actions = Vec::new();
        core.assign(Instant(1), &Led(leaders.clone()), &assignment, &mut actions);
        let mut world = Self {
            core,
            now: Instant(1),
            random,
            logs: leaders.keys().map(|id| (*id, Log::default())).collect(),
            readers: leaders.keys().map(|id| (*id, Reader::default())).collect(),
            links: (0..2).map(|core| (core_of(core), Link::default())).collect(),
            leaders,
            connecting: Vec::new(),
            is_refresh_wanted: false,
            decompressor: Decompressor::new(),
            is_user_restless: false,
            is_log_shortened: false,
            is_calm: false,
            records_read: 0,
        };
        world.perform(actions);
        world
    }

    pub(super) fn user_is_restless(&mut self) {
        self.is_user_restless = true;
    }

    pub(super) fn log_is_shortened(&mut self) {
        self.is_log_shortened = true;
    }

    pub(super) fn run(&mut self, steps: usize) {
        for _ in 0..steps {
            let dice = self.random.below(1_000);
            match dice {
                0..15 => self.break_link(),
                15..25 => {
                    let id = self.any_partition();
                    let core = core_of(u16::try_from(self.random.below(2)).unwrap());
                    self.leaders.insert(id, core);
                }
                25..75 => {
                    let id = self.any_partition();
                    self.logs.get_mut(&id).unwrap().append(&mut self.random);
                }
                75..80 if self.is_log_shortened => {
                    let id = self.any_partition();
                    self.logs.get_mut(&id).unwrap().shorten(&mut self.random);
                }
                80..95 if self.is_user_restless => self.seek_or_pause(),
                _ => self.go_on(),
            }
        }
    }

    /// No more faults: the user reads what there is.
    pub(super) fn read_to_the_end(&mut self) {
        self.is_calm = true;
        let ids: Vec<PartitionId> = self.readers.keys().copied().collect();
        for id in ids {
            let mut actions = Vec::new();
            self.core.resume(self.now, id, &mut actions).unwrap();
            self.perform(actions);
            self.readers.get_mut(&id).unwrap().is_paused = false;
        }
        for _ in 0..100_000 {
            let is_at_end = |(id, reader): (&PartitionId, &Reader)| reader.position == Some(self.logs[id].end);
            if self.readers.iter().all(is_at_end) {
                return;
            }
            self.go_on();
        }
        panic!("the end was not reached: {:#?}", self.core);
    }

    fn go_on(&mut self) {
        match self.random.below(10) {
            0..6 => self.network_step(),
            6..9 => self.take(),
            _ => self.time_step(),
        }
    }

    fn any_partition(&mut self) -> PartitionId {
        partition(u32::try_from(self.random.below(u64::from(PARTITIONS))).unwrap())
    }

    fn tell(&mut self, event: ConsumerEvent<'_>) {
        let mut actions = Vec::new();
        self.core.step(self.now, event, &mut actions);
        self.perform(actions);
        // One frame beyond the share of each partition.
        let most = usize::try_from(PARTITIONS).unwrap() * ((16 << 10) + 4_000);
        assert!(self.core.buffered_bytes() <= most, "{} bytes are held", self.core.buffered_bytes());
    }

    fn perform(&mut self, actions: Vec<ConsumerAction>) {
        for action in actions {
            match action {
                ConsumerAction::Connect(destination) => {
                    assert!(!self.connecting.contains(&destination), "asked to connect twice to {destination}");
                    self.connecting.push(destination);
                }
                ConsumerAction::RefreshMetadata(_) | ConsumerAction::FoundElsewhere(..) => {
                    self.is_refresh_wanted = true
                }
                ConsumerAction::ListOffsets { query, destination, queries } => {
                    self.links.get_mut(&destination).unwrap().inbound.push_back(Inbound::Offsets(query, queries));
                }
                ConsumerAction::OpenStream { destination, open } => self.open(destination, &open),
                ConsumerAction::Grant { destination, grant } => {
                    let link = self.links.get_mut(&destination).unwrap();
                    // It may have ended by itself.
                    if let Some(stream) = link.streams.get_mut(&grant.stream) {
                        stream.credit += i64::from(grant.bytes);
                    }
                }
                ConsumerAction::Close { destination, stream } => {
                    let link = self.links.get_mut(&destination).unwrap();
                    if link.streams.remove(&stream).is_some() {
                        link.inbound.push_back(Inbound::Ended(stream, ErrorCode::None));
                    }
                }
                ConsumerAction::Reset { partition, wanted, offset } => {
                    self.readers.get_mut(&partition).unwrap().resets.push((wanted, offset));
                }
                ConsumerAction::Wake => {}
            }
        }
    }

    fn open(&mut self, destination: Destination, open: &FetchOpen) {
        let id = PartitionId { topic: open.topic, index: open.partition };
        let log = &self.logs[&id];
        let link = self.links.get_mut(&destination).unwrap();
        assert!(link.is_up, "opened a stream without a connection to {destination}");
        let refused = if self.leaders[&id] != destination {
            ErrorCode::NotLeaderOrFollower
        } else if !(log.start..=log.end).contains(&open.offset) {
            ErrorCode::OffsetOutOfRange
        } else {
            let stream = OpenStream {
                partition: id,
                next: open.offset,
                credit: i64::from(open.credit_bytes),
                frame_bytes_max: usize::try_from(open.frame_bytes_max).unwrap(),
            };
            let before = link.streams.insert(open.stream, stream);
            assert!(before.is_none(), "stream {:?} is open already", open.stream);
            let opened =
                FetchOpened { stream: open.stream, high_watermark: Some(log.end), log_start_offset: Some(log.start) };
            return link.inbound.push_back(Inbound::Opened(open.stream, opened));
        };
        link.inbound.push_back(Inbound::Refused(open.stream, refused));
    }

    fn network_step(&mut self) {
        let core = core_of(u16::try_from(self.random.below(2)).unwrap());
        match self.random.below(10) {
            0..4 => self.push(core),
            4..8 => self.deliver(core),
            8 => {
                let Some(position) = self.connecting.iter().position(|destination| *destination == core) else {
                    return;
                };
                self.connecting.swap_remove(position);
                if !self.is_calm && self.random.one_in(5) {
                    return self.tell(ConsumerEvent::ConnectFailed { destination: core });
                }
                self.links.insert(core, Link { is_up: true, ..Link::default() });
                self.tell(ConsumerEvent::Connected { destination: core });
            }
            _ if self.is_refresh_wanted => {
                self.is_refresh_wanted = false;
                let routes = Led(self.leaders.clone());
                self.tell(ConsumerEvent::RoutesChanged(&routes));
            }
            _ => {}
        }
    }

    /// The broker feeds a stream.
    fn push(&mut self, core: Destination) {
        let link = self.links.get_mut(&core).unwrap();
        if link.streams.is_empty() {
            return;
        }
        let index = self.random.index(link.streams.len());
        let (id, stream) = link.streams.iter_mut().nth(index).unwrap();
        let id = *id;
        let log = &self.logs[&stream.partition];
        let ended = if self.leaders[&stream.partition] != core {
            Some(ErrorCode::NotLeaderOrFollower)
        } else if stream.next < log.start {
            Some(ErrorCode::OffsetOutOfRange)
        } else if !self.is_calm && self.random.one_in(100) {
            Some(ErrorCode::KafkaStorageError)
        } else {
            None
        };
        if let Some(code) = ended {
            link.streams.remove(&id);
            return link.inbound.push_back(Inbound::Ended(id, code));
        }
        if stream.credit <= 0 {
            return;
        }
        let Some((payload, base, next)) = log.read(stream.next, stream.frame_bytes_max) else { return };
        stream.credit -= i64::try_from(payload.len()).unwrap();
        stream.next = next;
        let data = FetchData {
            stream: id,
            base_offset: Some(base),
            next_offset: Some(next),
            high_watermark: Some(log.end),
            log_start_offset: Some(log.start),
            timings: None,
            core: None,
        };
        link.inbound.push_back(Inbound::Data(id, data, payload));
    }

    fn deliver(&mut self, core: Destination) {
        let Some(inbound) = self.links.get_mut(&core).unwrap().inbound.pop_front() else { return };
        match inbound {
            Inbound::Opened(stream, opened) => self.tell(ConsumerEvent::Opened { stream, opened }),
            Inbound::Refused(stream, code) => {
                self.tell(ConsumerEvent::OpenRefused { stream, refusal: Refusal::from(code) });
            }
            Inbound::Data(stream, data, payload) => self.tell(ConsumerEvent::Data { stream, data, payload }),
            Inbound::Ended(stream, code) => {
                let refusal = (code != ErrorCode::None).then(|| Refusal::from(code));
                self.tell(ConsumerEvent::Ended { stream, refusal });
            }
            Inbound::Offsets(query, queries) => self.answer(core, query, &queries),
        }
    }

    fn answer(&mut self, core: Destination, query: QueryId, queries: &[OffsetQuery]) {
        if !self.is_calm && self.random.one_in(10) {
            let refusal = Refusal::from(ErrorCode::ThrottlingQuotaExceeded);
            return self.tell(ConsumerEvent::OffsetsRefused { query, refusal });
        }
        let answer = |asked: &OffsetQuery| {
            let id = PartitionId { topic: asked.topic, index: asked.partition };
            let log = &self.logs[&id];
            let is_leader = self.leaders[&id] == core;
            let code = if is_leader { ErrorCode::None } else { ErrorCode::NotLeaderOrFollower };
            let offset = match asked.at {
                OffsetAt::Earliest => Some(log.start),
                OffsetAt::Latest => Some(log.end),
                OffsetAt::Timestamp(_) | OffsetAt::MaxTimestamp => None,
            };
            OffsetAnswer {
                topic: asked.topic,
                partition: asked.partition,
                error: WireCode(code.code()),
                offset: offset.filter(|_| is_leader),
                timestamp: None,
                leader_epoch: None,
            }
        };
        let answers: Vec<_> = queries.iter().map(answer).collect();
        self.tell(ConsumerEvent::OffsetsListed { query, answers: &answers });
    }

    fn break_link(&mut self) {
        let core = core_of(u16::try_from(self.random.below(2)).unwrap());
        let link = std::mem::take(self.links.get_mut(&core).unwrap());
        if !link.is_up {
            return;
        }
        self.tell(ConsumerEvent::Disconnected { destination: core });
        let mut lost: Vec<StreamId> = link.streams.keys().copied().collect();
        for inbound in &link.inbound {
            match inbound {
                Inbound::Refused(stream, _) | Inbound::Ended(stream, _) => lost.push(*stream),
                Inbound::Offsets(query, _) => self.tell(ConsumerEvent::OffsetsLost { query: *query }),
                Inbound::Opened(..) | Inbound::Data(..) => {}
            }
        }
        lost.into_iter().for_each(|stream| self.tell(ConsumerEvent::StreamLost { stream }));
    }

    /// The user takes what there is, and compares it with the log.
    fn take(&mut self) {
        let mut actions = Vec::new();
        assert_eq!(self.core.take_error(), None);
        let Some(chunk) = self.core.take(&mut actions) else { return self.perform(actions) };
        let id = chunk.partition();
        let records = chunk.decode(&mut self.decompressor, 1 << 20).unwrap();
        let reader = self.readers.get_mut(&id).unwrap();
        assert!(!reader.is_paused, "{id} is paused");
        if let Some(mut position) = reader.position {
            while position != records.from() {
                let reset = reader.resets.iter().find(|(wanted, _)| *wanted == position);
                let (_, offset) = reset.unwrap_or_else(|| panic!("{id} went from {position} to {}", records.from()));
                position = *offset;
            }
        }
        reader.resets.retain(|(wanted, _)| *wanted > records.from());
        let expected = self.logs[&id].records_in(records.from(), records.next());
        let read: Vec<Offset> = records.iter().map(|record| record.offset()).collect();
        assert_eq!(read, expected, "{id} from {} to {}", records.from(), records.next());
        for record in records.iter() {
            assert_eq!(record.value().unwrap()[..8], record.offset().get().to_be_bytes());
            assert_eq!(record.value_bytes().unwrap(), record.value().unwrap());
        }
        assert_eq!(records.len(), read.len());
        assert_eq!(records.offsets_without_record(), records.next().since(records.from()) - read.len() as u64);
        reader.position = Some(records.next());
        self.records_read += read.len();
        self.perform(actions);
    }

    fn seek_or_pause(&mut self) {
        let id = self.any_partition();
        let reader = self.readers.get_mut(&id).unwrap();
        let mut actions = Vec::new();
        if self.random.one_in(2) {
            let log = &self.logs[&id];
            let target = log.start.plus(self.random.below(log.end.since(log.start) + 1));
            self.core.seek(self.now, id, Start::Offset(target), &mut actions).unwrap();
            reader.position = Some(target);
            reader.resets.clear();
        } else if reader.is_paused {
            reader.is_paused = false;
            self.core.resume(self.now, id, &mut actions).unwrap();
        } else {
            reader.is_paused = true;
            self.core.pause(id).unwrap();
        }
        self.perform(actions);
    }

    fn time_step(&mut self) {
        let wakeup = self.core.next_wakeup();
        self.now = match wakeup {
            Some(due) if due > self.now && self.random.one_in(2) => due,
            _ => self.now.plus(Duration::from_millis(self.random.below(4))),
        };
        if wakeup.is_some_and(|due| due <= self.now) {
            self.tell(ConsumerEvent::TimePassed);
            let next = self.core.next_wakeup();
            assert!(next.is_none_or(|due| due > self.now), "woken up at {:?} for {next:?} again", self.now);
        }
    }
}
