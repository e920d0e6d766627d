//! One producer: takes arrivals on when they are due, gathers them into batches, and follows each to its ack.

use std::collections::VecDeque;

use base::{ProducerEpoch, ProducerId, Sequence, Timestamp};
use wire::Compressor;
use wire::batch::{Header, NewRecord, ProducerStamp};

use super::batch::{SlotId, Slots};
use super::lane::Lane;
use super::poll::{Conn, ConnState, Poll};
use super::stats::Stats;
use super::{Clock, Pace, Plan, Shared};
use crate::door::Produced;
use crate::door::kafka::ProduceTemplate;
use crate::door::native::ProduceLayout;
use crate::number;
use crate::record::{RecordMaker, Stamp};
use crate::schedule::{Arrivals, Share};
use crate::verify::SentStream;

mod sending;

/// What a worker lends to its producers and readers.
pub(super) struct Context<'a> {
    pub(super) plan: &'a Plan,
    pub(super) shared: &'a Shared,
    pub(super) clock: Clock,
    pub(super) poll: &'a Poll,
    pub(super) stats: &'a mut Stats,
    pub(super) compressor: &'a mut Compressor,
    /// By partition, the last request that took a batch of it.
    pub(super) marks: &'a mut [u64],
    pub(super) request_number: &'a mut u64,
    /// Wall clock at the clock's zero, in milliseconds.
    pub(super) epoch_ms: u64,
    pub(super) headers: &'static [Header<'static>],
    /// Whether what is read can be taken on.
    pub(super) has_room: bool,
}

impl Context<'_> {
    pub(super) fn is_measured(&self, time: u64) -> bool {
        (self.plan.measure_from..self.plan.measure_to).contains(&time)
    }
}

/// Requests for the topic, by door.
#[derive(Clone, Debug)]
pub(super) enum Requests {
    Kafka(ProduceTemplate),
    Native(ProduceLayout),
}

const NONE: SlotId = SlotId::MAX;
/// Never due.
const NEVER: u64 = u64::MAX;

#[derive(Debug)]
pub(super) struct Producer {
    number: u32,
    arrivals: Option<Arrivals>,
    burst: u32,
    records_left: u64,
    maker: RecordMaker,
    requests: Requests,
    pub(super) lanes: Vec<Lane>,
    /// By partition.
    lane_of: Vec<u32>,
    open: Vec<SlotId>,
    next_sequence: Vec<u64>,
    base_sequence: Vec<Sequence>,
    pub(super) sent: Vec<SentStream>,
    slots: Slots,
    sticky: u32,
    pending_bytes: usize,
    /// Since when there has been room for the next arrival; `None` while there is none.
    room_since: Option<u64>,
    lingering: VecDeque<(u64, SlotId, u32)>,
    identity: Option<ProducerStamp>,
    is_ended: bool,
    /// Of a closed loop: its start has come, and from then on answers drive it. An echo is driven by what is read.
    has_begun: bool,
    start: u64,
    /// Answers in the measured time, and the longest wait for one.
    answers_measured: u64,
    wait_longest: u64,
    /// Memory for the parts of an answer.
    results: Vec<Produced>,
    /// Memory for the parts of a request: partition and length.
    parts: Vec<(u32, u32)>,
}

impl Producer {
    /// `index` counts the producers of this load; `token` is that of its first connection.
    pub(super) fn new(plan: &Plan, requests: Requests, index: u32, token: u64) -> Self {
        let share = Share { index, of: plan.producers };
        let seed = plan.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ u64::from(plan.producer_base + index);
        let (arrivals, burst, records_left) = match &plan.pace {
            Pace::Open { curve, placement, burst } => {
                (Some(Arrivals::new(curve.clone(), placement.clone(), share, seed)), *burst, 0)
            }
            Pace::Closed { records_max } => (None, 1, records_max.unwrap_or(u64::MAX)),
            Pace::Echo => (None, 1, 0),
        };
        let partitions = number::index(plan.partitions);
        let mut used: Vec<u32> = (0..plan.partitions).map(|partition| plan.route.address_of(partition)).collect();
        used.sort_unstable();
        used.dedup();
        let lane = |(lane, address): (usize, &u32)| {
            let address = plan.route.addresses[number::index(*address)];
            Lane::new(Conn::new(plan.route.door, address, token + number::large(lane)), plan.in_flight)
        };
        let lane_of = |partition| {
            let address = plan.route.address_of(partition);
            number::short(used.iter().position(|known| *known == address).expect("all used addresses are listed"))
        };
        let identity = plan.identities.get(number::index(index)).and_then(|identity| {
            let (id, epoch) = (ProducerId::from_wire(identity.id)?, ProducerEpoch::from_wire(identity.epoch)?);
            Some(ProducerStamp { id, epoch, base_sequence: None })
        });
        Self {
            number: plan.producer_base + index,
            arrivals,
            burst,
            records_left,
            maker: RecordMaker::new(plan.records.clone(), plan.producer_base + index, seed ^ 0x5EED),
            requests,
            lanes: used.iter().enumerate().map(lane).collect(),
            lane_of: (0..plan.partitions).map(lane_of).collect(),
            open: vec![NONE; partitions],
            next_sequence: if plan.is_echo() { plan.read_from.clone() } else { vec![0; partitions] },
            base_sequence: vec![Sequence::from_wire(0).expect("zero is a sequence"); partitions],
            sent: vec![SentStream::default(); partitions],
            slots: Slots::new(plan.codec, plan.repeats_batches),
            sticky: index % plan.partitions,
            pending_bytes: 0,
            room_since: Some(0),
            lingering: VecDeque::with_capacity(64),
            identity,
            is_ended: false,
            has_begun: plan.is_echo(),
            start: plan.start,
            answers_measured: 0,
            wait_longest: 0,
            results: Vec::with_capacity(16),
            parts: Vec::with_capacity(16),
        }
    }

    /// Nothing is due, waiting or under way any more.
    pub(super) fn is_finished(&self) -> bool {
        self.is_ended && self.lanes.iter().all(Lane::is_idle)
    }

    /// When something is to be done next that no event announces.
    pub(super) fn wake_at(&self) -> u64 {
        let due = match (&self.arrivals, self.room_since) {
            (Some(arrivals), Some(_)) => arrivals.peek().map_or(NEVER, |due| due + self.start),
            (None, _) if !self.has_begun => self.start,
            _ => NEVER,
        };
        let linger = self.lingering.front().map_or(NEVER, |(deadline, ..)| *deadline);
        let lanes = self.lanes.iter().map(|lane| match lane.conn.state {
            ConnState::Closed => lane.conn.retry_at,
            _ if !lane.retry.is_empty() && lane.in_flight.is_empty() => lane.resume_at,
            _ => NEVER,
        });
        due.min(linger).min(lanes.min().unwrap_or(NEVER))
    }

    /// Does what is due by now.
    pub(super) fn advance(&mut self, context: &mut Context<'_>) {
        for lane in 0..self.lanes.len() {
            let now = context.clock.now();
            let conn = &mut self.lanes[lane].conn;
            if conn.state == ConnState::Closed
                && conn.retry_at <= now
                && let Err(error) = conn.open(context.poll, now)
            {
                self.lose(lane, &error, context);
            }
        }
        if !self.is_ended {
            match self.arrivals {
                Some(_) => self.take_arrivals(context),
                None if context.plan.is_echo() => {}
                None => self.fill(context),
            }
        }
        self.expire_lingering(context);
        for lane in 0..self.lanes.len() {
            self.pump(lane, context);
        }
    }

    fn take_arrivals(&mut self, context: &mut Context<'_>) {
        let start = context.plan.start;
        loop {
            let Some(due) = self.arrivals.as_ref().and_then(Arrivals::peek).map(|due| due + start) else {
                return self.end_load(context);
            };
            let now = context.clock.now();
            if due > now {
                return;
            }
            if self.pending_bytes >= context.plan.buffer_bytes {
                self.room_since = None;
                return;
            }
            let room_since = self.room_since.unwrap_or(now);
            self.arrivals.as_mut().expect("an open loop has arrivals").pop();
            context.stats.count(context.is_measured(now), |counts| counts.due += u64::from(self.burst));
            if context.is_measured(due) {
                context.stats.scheduled += u64::from(self.burst);
            }
            if context.plan.handicap_ns > 0 {
                let until = now + context.plan.handicap_ns;
                while context.clock.now() < until {
                    std::hint::spin_loop();
                }
            }
            let lag = context.clock.now().saturating_sub(due.max(room_since));
            context.stats.second.lag_max = context.stats.second.lag_max.max(lag);
            if context.is_measured(due) {
                context.stats.lag.record(lag, 1);
            }
            self.arrive(due, context);
        }
    }

    /// Puts one arrival's records into batches.
    fn arrive(&mut self, due: u64, context: &mut Context<'_>) {
        let mut sticky = None;
        for _ in 0..self.burst {
            let partition = match self.maker.choose_key() {
                Some(_) => self.partition_of_key(context.plan),
                None => *sticky.get_or_insert_with(|| self.choose_partition(context.plan)),
            };
            self.push(partition, due, context);
        }
    }

    fn partition_of_key(&self, plan: &Plan) -> u32 {
        let key = self.maker.key().expect("a key was chosen");
        client::machine::partitioner::by_key(key, plan.partitions).0
    }

    /// Records without keys stay with a partition until its batch is gone.
    fn choose_partition(&mut self, plan: &Plan) -> u32 {
        if self.open[number::index(self.sticky)] == NONE {
            self.sticky = (self.sticky + 1) % plan.partitions;
        }
        self.sticky
    }

    /// Whether what readers read can be taken on.
    pub(super) fn has_room(&self, plan: &Plan) -> bool {
        self.pending_bytes < plan.buffer_bytes
    }

    /// Takes a batch on that was read at a time. Sequences are the offsets at which it was read.
    pub(super) fn pass_on(&mut self, partition: u32, at: u64, batch: &[u8], records: u32) {
        let stream = number::index(partition);
        let id = self.slots.take(partition, self.next_sequence[stream]);
        self.slots.get(id).pass_on(at, batch, records);
        self.next_sequence[stream] += u64::from(records);
        self.sent[stream].end = self.next_sequence[stream];
        self.pending_bytes += batch.len();
        self.enqueue(id);
    }

    /// A closed loop: keeps the producer's batches under way.
    fn fill(&mut self, context: &mut Context<'_>) {
        let plan = context.plan;
        let now = context.clock.now();
        if now < plan.start {
            return;
        }
        self.has_begun = true;
        let mut due = now;
        loop {
            if self.records_left == 0 || now >= plan.load_end {
                return self.end_load(context);
            }
            // Over all connections: through a door with a connection to each core no more is under way than through one
            // with a connection to the broker.
            let outstanding: usize = self.lanes.iter().map(|lane| lane.outstanding).sum();
            if outstanding >= plan.in_flight {
                return;
            }
            let sequence = self.next_sequence[number::index(self.sticky)];
            if let Some(id) = self.slots.repeat(self.sticky, sequence, context.clock.now()) {
                self.send_again(id, plan);
                continue;
            }
            let partition = match self.maker.choose_key() {
                // Batches of many partitions fill side by side.
                Some(_) if self.pending_bytes >= plan.buffer_bytes => {
                    if outstanding > 0 {
                        return;
                    }
                    self.close_longest(context);
                    continue;
                }
                Some(_) => self.partition_of_key(plan),
                None => self.sticky,
            };
            if self.open[number::index(partition)] == NONE {
                due = context.clock.now();
            }
            self.push(partition, due, context);
            self.records_left -= 1;
        }
    }

    fn send_again(&mut self, id: SlotId, plan: &Plan) {
        let slot = self.slots.get(id);
        let (at, records) = (number::index(slot.partition), u64::from(slot.records));
        self.pending_bytes += slot.bytes();
        self.next_sequence[at] += records;
        self.sent[at].end = self.next_sequence[at];
        self.records_left = self.records_left.saturating_sub(records);
        self.sticky = (self.sticky + 1) % plan.partitions;
        self.enqueue(id);
    }

    fn push(&mut self, partition: u32, due: u64, context: &mut Context<'_>) {
        let plan = context.plan;
        let at = number::index(partition);
        let sequence = self.next_sequence[at];
        self.maker.make(Stamp { run: plan.run, producer: self.number, sequence, due });
        let headers = context.headers;
        let added = self.maker.value().len() + 40 + headers.len() * (plan.header_bytes + 8);
        if self.open[at] != NONE && self.slots.get(self.open[at]).bytes() + added > plan.batch_bytes {
            self.close(partition, context);
        }
        if self.open[at] == NONE {
            let slot = self.slots.take(partition, sequence);
            self.open[at] = slot;
            self.pending_bytes += self.slots.get(slot).bytes();
            if self.arrivals.is_some() {
                self.linger(slot, due, context);
            }
        }
        let id = self.open[at];
        let slot = self.slots.get(id);
        let before = slot.bytes();
        let timestamp = Timestamp::from_millis(context.epoch_ms + due / 1_000_000);
        let record =
            NewRecord { timestamp: Some(timestamp), key: self.maker.key(), value: Some(self.maker.value()), headers };
        slot.push(due, &record);
        self.pending_bytes += slot.bytes() - before;
        // In a closed loop a batch leaves when another record like this one would not fit.
        let room = if self.arrivals.is_none() { added } else { 0 };
        let is_full = slot.bytes() + room >= plan.batch_bytes || slot.records >= plan.batch_records;
        self.next_sequence[at] = sequence + 1;
        self.sent[at].end = sequence + 1;
        if is_full {
            self.close(partition, context);
        }
    }

    fn linger(&mut self, slot: SlotId, due: u64, context: &Context<'_>) {
        if context.plan.linger_ns == 0 {
            self.enqueue(slot);
        } else {
            let generation = self.slots.get(slot).generation;
            self.lingering.push_back((due.max(context.clock.now()) + context.plan.linger_ns, slot, generation));
        }
    }

    fn enqueue(&mut self, slot: SlotId) {
        let state = self.slots.get(slot);
        if !state.is_queued {
            state.is_queued = true;
            let lane = number::index(self.lane_of[number::index(state.partition)]);
            self.lanes[lane].queue.push_back(slot);
            self.lanes[lane].outstanding += 1;
        }
    }

    /// Nothing more goes into the partition's batch.
    fn close(&mut self, partition: u32, context: &Context<'_>) {
        let at = number::index(partition);
        let slot = std::mem::replace(&mut self.open[at], NONE);
        if self.arrivals.is_none() {
            // In a closed loop time begins when the batch is ready to be sent.
            let now = context.clock.now();
            let state = self.slots.get(slot);
            state.dues.clear();
            let records = state.records;
            state.dues.push((now, records));
            if self.sticky == partition {
                self.sticky = (partition + 1) % context.plan.partitions;
            }
        }
        self.enqueue(slot);
    }

    /// No batch is full, and there is no room for more: the fullest one leaves.
    fn close_longest(&mut self, context: &Context<'_>) {
        let (open, slots) = (&self.open, &mut self.slots);
        let fullest = (0..open.len()).filter(|at| open[*at] != NONE).max_by_key(|at| slots.get(open[*at]).bytes());
        self.close(number::short(fullest.expect("bytes are pending and none is under way")), context);
    }

    fn expire_lingering(&mut self, context: &Context<'_>) {
        let now = context.clock.now();
        while let Some((deadline, slot, generation)) = self.lingering.front().copied() {
            if deadline > now && !self.is_ended {
                return;
            }
            self.lingering.pop_front();
            if self.slots.get(slot).generation == generation {
                self.enqueue(slot);
            }
        }
    }

    /// No arrival is left: what is open leaves now.
    fn end_load(&mut self, context: &Context<'_>) {
        self.is_ended = true;
        self.room_since = None;
        for partition in 0..number::short(self.open.len()) {
            if self.open[number::index(partition)] != NONE {
                self.close(partition, context);
            }
        }
    }
}
