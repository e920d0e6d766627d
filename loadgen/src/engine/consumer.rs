//! One reader's connection: follows its partitions from the beginning, and judges every record.

use std::io;
use std::sync::atomic::Ordering;

use wire::Decompressor;
use wire::batch::batches;

use super::Plan;
use super::poll::{Conn, ConnState};
use super::producer::{Context, Producer};
use crate::door::kafka::{self, FetchTemplate};
use crate::door::native::{self, GrantTemplates, Pushed};
use crate::door::{Door, error_name, is_retriable};
use crate::number;
use crate::verify::Verifier;

#[derive(Debug)]
enum Requests {
    Kafka(FetchTemplate),
    Native(GrantTemplates),
}

/// What becomes of the records that are read.
pub(super) enum Taker<'a> {
    Judge { verifier: &'a mut Verifier, decompressor: &'a mut Decompressor },
    Echo(&'a mut Producer),
}

impl Taker<'_> {
    fn has_room(&self, plan: &Plan) -> bool {
        match self {
            Self::Judge { .. } => true,
            Self::Echo(echo) => echo.has_room(plan),
        }
    }
}

/// How long to wait until room is looked for again.
const ROOM_AFTER_NS: u64 = 1_000_000;
/// Longest time between a failed fetch and the next.
const RETRY_AFTER_NS: u64 = 50_000_000;
/// What a batch may decompress to.
const BATCH_BYTES_MAX: usize = 1 << 30;

/// A partition and the offset that is read next.
#[derive(Clone, Copy, Debug)]
struct Place {
    partition: u32,
    next: u64,
    /// Bytes that were read and not granted again.
    owed: u32,
}

#[derive(Debug)]
pub(super) struct Consumer {
    pub(super) reader: u32,
    pub(super) conn: Conn,
    places: Vec<Place>,
    /// By partition: index into `places`.
    index_of: Vec<u32>,
    requests: Requests,
    next_correlation: u32,
    /// Kafka: no fetch is under way, and none before this time. Native: grants are owed, and held back until then.
    fetch_at: Option<u64>,
    /// When everything was read.
    pub(super) finished_at: Option<u64>,
    outage_since: Option<u64>,
    wants_reopen: bool,
}

impl Consumer {
    pub(super) fn new(plan: &Plan, reader: u32, address: u32, partitions: Vec<u32>, token: u64) -> Self {
        let route = &plan.read_route;
        let requests = match route.door {
            Door::Kafka => {
                Requests::Kafka(FetchTemplate::new(&route.topic, &partitions, plan.fetch_bytes, plan.fetch_wait_ms))
            }
            Door::Native => Requests::Native(GrantTemplates::new(number::short(partitions.len()))),
        };
        let place = |partition| {
            let next = plan.read_from.get(number::index(partition)).copied().unwrap_or(0);
            Place { partition, next, owed: 0 }
        };
        let mut index_of = vec![u32::MAX; number::index(plan.partitions)];
        for (index, partition) in partitions.iter().enumerate() {
            index_of[number::index(*partition)] = number::short(index);
        }
        Self {
            reader,
            conn: Conn::new(route.door, route.addresses[number::index(address)], token),
            places: partitions.into_iter().map(place).collect(),
            index_of,
            requests,
            next_correlation: 1,
            fetch_at: None,
            finished_at: None,
            outage_since: None,
            wants_reopen: false,
        }
    }

    pub(super) fn partitions(&self) -> impl Iterator<Item = u32> + '_ {
        self.places.iter().map(|place| place.partition)
    }

    pub(super) fn wake_at(&self, plan: &Plan) -> u64 {
        match self.conn.state {
            _ if self.finished_at.is_some() => u64::MAX,
            ConnState::Closed => self.conn.retry_at.max(plan.readers_from),
            _ => self.fetch_at.unwrap_or(u64::MAX),
        }
    }

    pub(super) fn advance(&mut self, context: &mut Context<'_>) {
        let now = context.clock.now();
        if self.finished_at.is_some() {
            return;
        }
        if self.conn.state == ConnState::Closed && self.wake_at(context.plan) <= now {
            if let Err(error) = self.conn.open(context.poll, now) {
                self.lose(&error, context);
            }
        } else if self.conn.state == ConnState::Ready && self.fetch_at.is_some_and(|at| at <= now) {
            if !context.has_room {
                self.fetch_at = Some(now + ROOM_AFTER_NS);
                return;
            }
            self.fetch_at = None;
            let asked = if self.conn_is_kafka() { self.ask(context.plan) } else { self.grant_owed() };
            if let Err(error) = asked {
                self.lose(&error, context);
            }
        }
    }

    /// Native: allows the broker to send as much again as was taken on.
    fn grant_owed(&mut self) -> io::Result<()> {
        let Requests::Native(grants) = &self.requests else { return Ok(()) };
        for (stream, place) in (1..).zip(&mut self.places).filter(|(_, place)| place.owed > 0) {
            grants.write(&mut self.conn.output, stream, std::mem::take(&mut place.owed));
        }
        self.conn.flush()
    }

    /// Kafka: the next fetch. Native: opens all streams.
    fn ask(&mut self, plan: &Plan) -> io::Result<()> {
        match &self.requests {
            Requests::Kafka(template) => {
                template.write(
                    &mut self.conn.output,
                    self.next_correlation,
                    self.places.iter().map(|place| place.next),
                );
                self.next_correlation = self.next_correlation.wrapping_add(1);
            }
            Requests::Native(_) => {
                let topic = plan.read_route.topic_id.expect("the native door's topics have ids");
                for (stream, place) in (1..).zip(&mut self.places) {
                    place.owed = 0;
                    let open = native::open_stream(stream, topic, place.partition, place.next, plan.fetch_bytes);
                    self.conn.output.extend_from_slice(&open);
                }
            }
        }
        self.conn.flush()
    }

    pub(super) fn on_event(&mut self, taker: &mut Taker<'_>, context: &mut Context<'_>) {
        if self.conn.state == ConnState::Closed {
            return;
        }
        if let Err(error) = self.receive(taker, context) {
            self.lose(&error, context);
        }
        self.advance(context);
    }

    fn receive(&mut self, taker: &mut Taker<'_>, context: &mut Context<'_>) -> io::Result<()> {
        self.conn.advance()?;
        if self.conn.state == ConnState::Connecting {
            return Ok(());
        }
        self.conn.flush()?;
        while self.conn.fill()? {
            while let Some(range) = self.conn.frame().map_err(io::Error::other)? {
                if self.conn.state == ConnState::Greeting {
                    self.conn.state = ConnState::Ready;
                    self.ask(context.plan)?;
                    continue;
                }
                let input = self.conn.take_input();
                let outcome = self.take(&input[range], taker, context);
                self.conn.give_input(input);
                outcome?;
            }
        }
        if self.wants_reopen {
            self.wants_reopen = false;
            return Err(io::Error::other("the broker ended a stream"));
        }
        Ok(())
    }

    fn take(&mut self, frame: &[u8], taker: &mut Taker<'_>, context: &mut Context<'_>) -> io::Result<()> {
        let now = context.clock.now();
        if self.conn_is_kafka() {
            let mut retry = false;
            let (places, index_of) = (&mut self.places, &self.index_of);
            kafka::read_fetched(frame, |partition, error, records| {
                let index = index_of.get(number::index(partition)).copied().unwrap_or(u32::MAX);
                let Some(place) = places.get_mut(number::index(index)) else { return };
                if error == 0 {
                    take_records(place, records, now, taker, context);
                } else {
                    retry = true;
                    report(error, partition, context);
                }
            })
            .map_err(io::Error::other)?;
            self.serves(now, context);
            if self.check_finished(now, context) {
                return Ok(());
            }
            if retry {
                self.fetch_at = Some(now + RETRY_AFTER_NS);
                return Ok(());
            }
            if !taker.has_room(context.plan) {
                self.fetch_at = Some(now + ROOM_AFTER_NS);
                return Ok(());
            }
            return self.ask(context.plan);
        }
        match native::read_pushed(frame).map_err(io::Error::other)? {
            Pushed::Data { stream, records } => {
                let index = number::index(stream.wrapping_sub(1));
                let Some(place) = self.places.get_mut(index) else {
                    return Err(io::Error::other("data of a stream that was never opened"));
                };
                take_records(place, records, now, taker, context);
                place.owed += number::short(records.len());
                if !taker.has_room(context.plan) {
                    self.fetch_at = Some(now + ROOM_AFTER_NS);
                } else if let (Requests::Native(grants), 1..) = (&self.requests, place.owed) {
                    grants.write(&mut self.conn.output, stream, std::mem::take(&mut place.owed));
                    self.conn.flush()?;
                }
                self.serves(now, context);
            }
            Pushed::Ended { stream, error } => {
                report(error, stream, context);
                // The streams of a connection are opened together: it begins anew.
                self.wants_reopen = true;
            }
            Pushed::Other => {}
        }
        self.check_finished(now, context);
        Ok(())
    }

    fn conn_is_kafka(&self) -> bool {
        matches!(self.requests, Requests::Kafka(_))
    }

    fn serves(&mut self, now: u64, context: &mut Context<'_>) {
        self.conn.proved();
        if let Some(since) = self.outage_since.take() {
            context.stats.outage(since, now);
        }
    }

    /// Whether everything has been read; known only once the producers are done.
    pub(super) fn check_finished(&mut self, now: u64, context: &Context<'_>) -> bool {
        if self.finished_at.is_some() {
            return true;
        }
        if !context.shared.targets_known.load(Ordering::Acquire) {
            return false;
        }
        let target = |place: &Place| context.shared.targets[number::index(place.partition)].load(Ordering::Relaxed);
        if self.places.iter().all(|place| place.next >= target(place)) {
            self.finished_at = Some(now);
            context.shared.consumers_left.fetch_sub(1, Ordering::AcqRel);
            self.conn.close(now);
        }
        self.finished_at.is_some()
    }

    fn lose(&mut self, error: &io::Error, context: &mut Context<'_>) {
        let now = context.clock.now();
        if self.outage_since.is_none() {
            context.stats.error(context.is_measured(now), || error.to_string());
        }
        self.outage_since.get_or_insert(now);
        self.fetch_at = None;
        self.conn.close(now);
    }
}

fn report(error: i16, partition: u32, context: &mut Context<'_>) {
    let now = context.clock.now();
    let text = || format!("reading partition {partition}: {} ({error})", error_name(error));
    context.stats.error(context.is_measured(now), text);
    if !is_retriable(error) {
        context.shared.fail(text);
    }
}

fn take_records(place: &mut Place, bytes: &[u8], now: u64, taker: &mut Taker<'_>, context: &mut Context<'_>) {
    match taker {
        Taker::Judge { verifier, decompressor } => read_records(place, bytes, now, verifier, decompressor, context),
        Taker::Echo(echo) => pass_on(place, bytes, now, echo, context),
    }
}

/// Hands whole batches on, from the place's next offset on. Each record keeps its offset, so that nothing may be left out.
fn pass_on(place: &mut Place, bytes: &[u8], now: u64, echo: &mut Producer, context: &mut Context<'_>) {
    let (mut count, mut value_bytes) = (0, 0);
    for batch in batches(bytes) {
        let Ok(batch) = batch.and_then(|batch| batch.verify_crc().map(|()| batch)) else {
            context.stats.damaged_batches += 1;
            return;
        };
        let header = batch.header();
        let (base, next, records) = (header.base_offset().get(), header.next_offset().get(), header.record_count());
        if next <= place.next {
            continue;
        }
        let attributes = header.attributes();
        let is_dense = base == place.next && next - base == u64::from(records);
        if !is_dense || attributes.is_control() || attributes.is_transactional() {
            let (partition, wanted) = (place.partition, place.next);
            context.shared.fail(|| {
                format!("partition {partition} has a batch of {records} records at {base} where {wanted} comes next: only a topic of plain records without gaps has an echo")
            });
            return;
        }
        echo.pass_on(place.partition, now, batch.bytes(), records);
        place.next = next;
        count += u64::from(records);
        value_bytes += number::large(batch.bytes().len());
    }
    context.stats.count(context.is_measured(now), |counts| {
        counts.consumed += count;
        counts.consumed_bytes += value_bytes;
    });
}

/// Judges the records of some batches, from the place's next offset on.
fn read_records(
    place: &mut Place,
    bytes: &[u8],
    now: u64,
    verifier: &mut Verifier,
    decompressor: &mut Decompressor,
    context: &mut Context<'_>,
) {
    let (mut count, mut value_bytes) = (0, 0);
    for batch in batches(bytes) {
        let Ok(batch) = batch.and_then(|batch| batch.verify_crc().map(|()| batch)) else {
            context.stats.damaged_batches += 1;
            return;
        };
        let next = batch.header().next_offset().get();
        if next <= place.next || batch.header().attributes().is_control() {
            place.next = place.next.max(next);
            continue;
        }
        let Ok(records) = batch.decode(decompressor, BATCH_BYTES_MAX) else {
            context.stats.damaged_batches += 1;
            return;
        };
        for record in records {
            let Ok(record) = record else {
                context.stats.damaged_batches += 1;
                return;
            };
            if record.offset.get() < place.next {
                continue;
            }
            let value = record.value.unwrap_or_default();
            count += 1;
            value_bytes += number::large(value.len());
            let Some(stamp) = verifier.record(place.partition, record.key, value) else { continue };
            let took = now.saturating_sub(stamp.due);
            if stamp.producer >= context.plan.producer_base {
                context.stats.second.latencies.end_to_end.record(took, 1);
                if context.is_measured(stamp.due) {
                    context.stats.measured.end_to_end.record(took, 1);
                }
            }
        }
        place.next = next;
    }
    context.stats.count(context.is_measured(now), |counts| {
        counts.consumed += count;
        counts.consumed_bytes += value_bytes;
    });
}
