//! One thread's part of the load.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{SystemTime, UNIX_EPOCH};

use base::TopicId;
use rustix::time::{ClockId, clock_gettime};
use wire::batch::Header;
use wire::native::Acks;
use wire::{Compressor, Decompressor};

use super::consumer::{Consumer, Taker};
use super::poll::Poll;
use super::producer::{Context, Producer, Requests};
use super::stats::{Second, Stats};
use super::{Clock, Pace, Plan, Shared};
use crate::door::Door;
use crate::door::kafka::ProduceTemplate;
use crate::door::native::ProduceLayout;
use crate::number;
use crate::verify::{SentStream, Verifier};

const SECOND_NS: u64 = 1_000_000_000;
/// Longest time between two looks at what others have set.
const LOOK_AFTER_NS: u64 = 20_000_000;
const TIMEOUT_MS: u32 = 30_000;
/// A thread runs before all others only while it uses less than one in so many parts of a core.
const FIRST_SHARE: u64 = 4;

/// Which worker of how many.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub index: u32,
    pub of: u32,
}

/// The way of finished seconds to whoever shows them, and of their memory back.
#[derive(Debug)]
pub struct SecondsLink {
    finished: SyncSender<Box<Second>>,
    empty: Receiver<Box<Second>>,
}

/// Seconds of one worker that may wait to be shown.
const SECONDS_IN_FLIGHT: usize = 4;

impl SecondsLink {
    /// The worker's end, and the other one: finished seconds come out of it, and go back into it to be used again.
    pub fn new() -> (Self, Receiver<Box<Second>>, SyncSender<Box<Second>>) {
        let (finished, finished_out) = sync_channel(SECONDS_IN_FLIGHT);
        let (empty_in, empty) = sync_channel(SECONDS_IN_FLIGHT);
        for _ in 0..SECONDS_IN_FLIGHT {
            empty_in.try_send(Box::default()).expect("the channel has room for them");
        }
        (Self { finished, empty }, finished_out, empty_in)
    }
}

#[derive(Clone, Copy, Debug)]
enum Owner {
    Producer(usize, usize),
    Consumer(usize),
}

/// What is left when a worker is done.
#[derive(Debug)]
pub struct WorkerOutcome {
    pub stats: Stats,
    /// By reader.
    pub verifiers: Vec<Verifier>,
    /// Producer number, and by partition what it sent.
    pub sent: Vec<(u32, Vec<SentStream>)>,
    /// By reader, when its last connection here had read everything.
    pub finished: Vec<(u32, Option<u64>)>,
}

/// What a worker lends to its producers and readers while they work.
#[derive(Debug)]
struct Tools {
    plan: Arc<Plan>,
    shared: Arc<Shared>,
    clock: Clock,
    poll: Poll,
    stats: Stats,
    compressor: Compressor,
    marks: Vec<u64>,
    request_number: u64,
    epoch_ms: u64,
    headers: &'static [Header<'static>],
}

impl Tools {
    fn lend(&mut self, has_room: bool) -> Context<'_> {
        Context {
            plan: &self.plan,
            shared: &self.shared,
            clock: self.clock,
            poll: &self.poll,
            stats: &mut self.stats,
            compressor: &mut self.compressor,
            marks: &mut self.marks,
            request_number: &mut self.request_number,
            epoch_ms: self.epoch_ms,
            headers: self.headers,
            has_room,
        }
    }
}

/// One thread's producers and readers' connections.
#[derive(Debug)]
pub struct Worker {
    tools: Tools,
    producers: Vec<Producer>,
    numbers: Vec<u32>,
    ended: Vec<bool>,
    consumers: Vec<Consumer>,
    verifiers: Vec<Verifier>,
    owners: Vec<Owner>,
    /// When each is to be looked at next; entries that are out of date are skipped.
    timers: BinaryHeap<Reverse<(u64, usize)>>,
    /// Producers first, then consumers.
    wakes: Vec<u64>,
    ready: Vec<u64>,
    decompressor: Decompressor,
    link: Option<SecondsLink>,
    /// Processor time and waiting time when the measured time began.
    usage_before: Option<(u64, u64)>,
    is_measuring_done: bool,
    /// Processor time used, and when that was.
    used: (u64, u64),
}

/// The requests for a plan's topic; made once and shared.
fn requests_of(plan: &Plan) -> Requests {
    match plan.route.door {
        Door::Kafka => Requests::Kafka(ProduceTemplate::new(&plan.route.topic, plan.acks, TIMEOUT_MS.cast_signed())),
        Door::Native => {
            let acks = match plan.acks {
                0 => Acks::None,
                1 => Acks::Leader,
                _ => Acks::All,
            };
            let topic: TopicId = plan.route.topic_id.expect("the native door's topics have ids");
            Requests::Native(ProduceLayout::new(topic, acks, TIMEOUT_MS))
        }
    }
}

/// The same headers for all records. They live as long as the process: there is one list a run.
fn headers_of(plan: &Plan) -> &'static [Header<'static>] {
    let header = |index: u32| Header {
        key: format!("header-{index}").into_bytes().leak(),
        value: Some(vec![b'h'; plan.header_bytes].leak()),
    };
    (0..plan.headers).map(header).collect::<Vec<_>>().leak()
}

impl Worker {
    pub fn new(
        plan: Arc<Plan>,
        shared: Arc<Shared>,
        clock: Clock,
        part: Part,
        link: Option<SecondsLink>,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut owners = Vec::new();
        let (mut producers, mut numbers) = (Vec::new(), Vec::new());
        let requests = requests_of(&plan);
        for index in (part.index..plan.producers).step_by(number::index(part.of)) {
            let producer = Producer::new(&plan, requests.clone(), index, number::large(owners.len()));
            owners.extend((0..producer.lanes.len()).map(|lane| Owner::Producer(producers.len(), lane)));
            producers.push(producer);
            numbers.push(plan.producer_base + index);
        }
        let consumers = consumers_of(&plan, part, &mut owners);
        let keys = plan.records.keys.count();
        let verifier = |_| Verifier::new(plan.run, plan.producers_known, plan.partitions, keys, plan.records.checksum);
        let mut verifiers: Vec<Verifier> = (0..plan.readers).map(verifier).collect();
        for consumer in &consumers {
            let verifier = &mut verifiers[number::index(consumer.reader)];
            consumer.partitions().for_each(|partition| verifier.read_partition(partition));
        }
        shared.producers_left.fetch_add(number::short(producers.len()), Ordering::AcqRel);
        shared.consumers_left.fetch_add(number::short(consumers.len()), Ordering::AcqRel);
        shared.connections.fetch_add(number::short(owners.len()), Ordering::Relaxed);
        let all = producers.len() + consumers.len();
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let epoch_ms = u64::try_from(since_epoch.as_millis()).unwrap_or(0).saturating_sub(clock.now() / 1_000_000);
        let tools = Tools {
            poll,
            stats: Stats::default(),
            compressor: Compressor::new(),
            marks: vec![0; number::index(plan.partitions)],
            request_number: 0,
            epoch_ms,
            headers: headers_of(&plan),
            plan,
            shared,
            clock,
        };
        let mut worker = Self {
            tools,
            ended: vec![false; producers.len()],
            producers,
            numbers,
            consumers,
            verifiers,
            owners,
            timers: BinaryHeap::with_capacity(4 * all + 1_024),
            wakes: vec![u64::MAX; all],
            ready: Vec::with_capacity(256),
            decompressor: Decompressor::new(),
            link,
            usage_before: None,
            is_measuring_done: false,
            used: (0, clock.now()),
        };
        (0..all).for_each(|index| worker.set_wake(index, 0));
        Ok(worker)
    }

    /// Works until everything is done, given up, or stopped.
    pub fn run(mut self) -> WorkerOutcome {
        // Sleeps would otherwise end up to 50 µs late.
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
        // A closed loop has no schedule to keep, and would take the processor from the broker.
        if matches!(self.tools.plan.pace, Pace::Open { .. }) {
            self.tools.stats.runs_first = crate::host::run_first(true);
        }
        while !self.is_done() {
            if let Err(error) = self.step() {
                self.tools.shared.fail(|| format!("waiting for connections: {error}"));
            }
        }
        self.finish()
    }

    /// Works until a time on the clock.
    pub fn run_until(&mut self, time: u64) -> io::Result<()> {
        while self.tools.clock.now() < time && !self.is_done() {
            self.step()?;
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        let is_idle = self.tools.shared.producers_left.load(Ordering::Acquire) == 0
            && self.tools.shared.consumers_left.load(Ordering::Acquire) == 0;
        is_idle || self.tools.shared.is_stopped() || self.tools.clock.now() >= self.tools.plan.deadline
    }

    /// Does what is due, then waits for events until the next thing is.
    fn step(&mut self) -> io::Result<()> {
        let now = self.tools.clock.now();
        self.tick(now);
        while let Some(Reverse((at, index))) = self.timers.peek().copied() {
            if at > now {
                break;
            }
            self.timers.pop();
            if self.wakes[index] == at {
                self.wakes[index] = u64::MAX;
                self.visit(index, None);
            }
        }
        let next = self.timers.peek().map_or(u64::MAX, |Reverse((at, _))| *at);
        let wait = next.saturating_sub(self.tools.clock.now()).min(LOOK_AFTER_NS);
        let mut ready = std::mem::take(&mut self.ready);
        let outcome = self.tools.poll.wait(wait, &mut ready);
        for token in &ready {
            let Some(owner) = usize::try_from(*token).ok().and_then(|token| self.owners.get(token)) else { continue };
            match *owner {
                Owner::Producer(index, lane) => self.visit(index, Some(lane)),
                Owner::Consumer(index) => self.visit(self.producers.len() + index, Some(0)),
            }
        }
        self.ready = ready;
        outcome
    }

    /// The producer that passes on what is read.
    fn echo(&self) -> Option<&Producer> {
        self.producers.first().filter(|_| self.tools.plan.is_echo())
    }

    /// Lets a producer or consumer work: on an event of one of its connections, or on time.
    fn visit(&mut self, index: usize, event: Option<usize>) {
        let has_room = self.echo().is_none_or(|echo| echo.has_room(&self.tools.plan));
        let mut context = self.tools.lend(has_room);
        let wake = if let Some(producer) = self.producers.get_mut(index) {
            match event {
                Some(lane) => producer.on_event(lane, &mut context),
                None => producer.advance(&mut context),
            }
            if producer.is_finished() && !std::mem::replace(&mut self.ended[index], true) {
                self.tools.shared.producers_left.fetch_sub(1, Ordering::AcqRel);
            }
            producer.wake_at()
        } else {
            let consumer = &mut self.consumers[index - self.producers.len()];
            let verifier = &mut self.verifiers[number::index(consumer.reader)];
            let mut taker = match self.producers.first_mut() {
                Some(echo) if context.plan.is_echo() => Taker::Echo(echo),
                _ => Taker::Judge { verifier, decompressor: &mut self.decompressor },
            };
            match event {
                Some(_) => consumer.on_event(&mut taker, &mut context),
                None => consumer.advance(&mut context),
            }
            let wake = consumer.wake_at(context.plan);
            // What was read leaves at once.
            if let Taker::Echo(echo) = taker {
                echo.advance(&mut context);
                let echo_wake = echo.wake_at();
                self.set_wake(0, echo_wake.max(self.tools.clock.now() + 1));
            }
            wake
        };
        // Never now: the connections must have their turn between two visits.
        self.set_wake(index, wake.max(self.tools.clock.now() + 1));
    }

    fn set_wake(&mut self, index: usize, at: u64) {
        if at < self.wakes[index] || (at != u64::MAX && self.wakes[index] == u64::MAX) {
            self.wakes[index] = at;
            self.timers.push(Reverse((at, index)));
        } else if at > self.wakes[index] {
            // The earlier entry stays: an early look does no harm.
        }
    }

    /// What happens by time alone: seconds end, readers learn that they may.
    fn tick(&mut self, now: u64) {
        let index = now.saturating_sub(self.tools.plan.start) / SECOND_NS;
        if index > self.tools.stats.second.index {
            self.yield_if_heavy(now);
            self.end_second(index);
            self.check_overdue();
        }
        if self.usage_before.is_none() && now >= self.tools.plan.measure_from {
            self.usage_before = Some(usage());
        }
        if !self.is_measuring_done && now >= self.tools.plan.measure_to {
            self.end_measuring();
        }
        if self.tools.shared.targets_known.load(Ordering::Relaxed) {
            for index in 0..self.consumers.len() {
                if self.consumers[index].finished_at.is_none() {
                    self.consumers[index].check_finished(now, &self.tools.lend(true));
                }
            }
        }
    }

    /// A generator that runs first and takes much of a core would starve the broker's thread that is bound to it.
    fn yield_if_heavy(&mut self, now: u64) {
        let used = processor_time();
        let (used_before, then) = std::mem::replace(&mut self.used, (used, now));
        let elapsed = now.saturating_sub(then);
        if self.tools.stats.runs_first && (used - used_before) * FIRST_SHARE > elapsed {
            self.tools.stats.runs_first = !crate::host::run_first(false);
        }
    }

    fn check_overdue(&mut self) {
        for producer in &mut self.producers {
            producer.check_overdue(&mut self.tools.lend(true));
        }
    }

    fn end_measuring(&mut self) {
        self.is_measuring_done = true;
        let (busy, waited) = usage();
        let (busy_before, waited_before) = self.usage_before.unwrap_or((busy, waited));
        self.tools.stats.busy_ns = busy.saturating_sub(busy_before);
        self.tools.stats.waited_ns = waited.saturating_sub(waited_before);
    }

    /// Hands a finished second over; where nobody takes it, it goes on into the next.
    fn end_second(&mut self, next_index: u64) {
        if let Some(link) = &self.link
            && let Ok(mut empty) = link.empty.try_recv()
        {
            empty.clear();
            std::mem::swap(&mut *empty, &mut self.tools.stats.second);
            // The channel has room for as many as there are.
            let _ = link.finished.try_send(empty);
        } else if self.link.is_none() {
            self.tools.stats.second.clear();
        }
        self.tools.stats.second.index = next_index;
    }

    fn finish(mut self) -> WorkerOutcome {
        if !self.is_measuring_done {
            self.end_measuring();
        }
        let mut context = self.tools.lend(true);
        self.producers.iter_mut().for_each(|producer| producer.abandon(&mut context));
        let index = self.tools.stats.second.index;
        self.end_second(index + 1);
        let finished = self.consumers.iter().map(|consumer| (consumer.reader, consumer.finished_at)).collect();
        let sent = self.numbers.iter().copied().zip(self.producers.into_iter().map(|producer| producer.sent)).collect();
        WorkerOutcome { stats: self.tools.stats, verifiers: self.verifiers, sent, finished }
    }
}

/// Each reader's connections: the partitions of an address are dealt out among them.
fn consumers_of(plan: &Plan, part: Part, owners: &mut Vec<Owner>) -> Vec<Consumer> {
    let mut consumers = Vec::new();
    let mut count = 0;
    for reader in 0..plan.readers {
        let route = &plan.read_route;
        for address in 0..number::short(route.addresses.len()) {
            let here: Vec<u32> =
                (0..plan.partitions).filter(|partition| route.address_of(*partition) == address).collect();
            for connection in 0..plan.reader_connections {
                let step = number::index(plan.reader_connections);
                let mine: Vec<u32> = here.iter().copied().skip(number::index(connection)).step_by(step).collect();
                if mine.is_empty() {
                    continue;
                }
                count += 1;
                // Dealt out from the other end than producers, so that few of both share a thread.
                if count % part.of == (part.of - 1 - part.index) % part.of {
                    let token = number::large(owners.len());
                    owners.push(Owner::Consumer(consumers.len()));
                    consumers.push(Consumer::new(plan, reader, address, mine, token));
                }
            }
        }
    }
    consumers
}

/// What this thread has used so far, in nanoseconds.
fn processor_time() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec).unwrap_or(0) * SECOND_NS + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// This thread's processor time, and the time that it waited for a processor, in nanoseconds.
fn usage() -> (u64, u64) {
    let busy = processor_time();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let waited = text.split_whitespace().nth(1).and_then(|field| field.parse().ok()).unwrap_or(0);
    (busy, waited)
}
