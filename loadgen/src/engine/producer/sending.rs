//! The way of a batch: into a request, onto a connection, to its ack or to another try.

use std::io;

use wire::batch::ProducerStamp;

use super::{Context, NONE, Producer, Requests};
use crate::door::kafka::{self, ProduceTemplate};
use crate::door::native::{self, ProduceLayout};
use crate::door::{Garbled, Produced, error_name, is_retriable};
use crate::engine::batch::SlotId;
use crate::engine::lane::InFlight;
use crate::engine::poll::ConnState;
use crate::engine::stats::Answers;
use crate::number;

/// The broker already has the batch.
const DUPLICATE_SEQUENCE_NUMBER: i16 = 46;
/// A batch before this one of an idempotent producer has failed and comes again.
const OUT_OF_ORDER_SEQUENCE_NUMBER: i16 = 45;
const RESUME_AFTER_NS: u64 = 20_000_000;
/// Without an answer for so long a connection counts as lost.
const ANSWER_TIME_MAX_NS: u64 = 30_000_000_000;

/// Larger batches are not copied into the connection's buffer.
const UNCOPIED_BYTES_MIN: usize = 32 << 10;

/// Where a request begins, as its door needs to know.
enum Begun {
    Kafka(usize),
    Native(native::Begun),
}

impl Producer {
    /// Sends what may be sent.
    pub(super) fn pump(&mut self, lane_index: usize, context: &mut Context<'_>) {
        let now = context.clock.now();
        if self.lanes[lane_index].conn.state != ConnState::Ready || !self.resume(lane_index, now) {
            return;
        }
        let (in_flight, every) = (context.plan.in_flight, context.plan.reconnect_every);
        loop {
            let mut sent = 0;
            loop {
                let lane = &mut self.lanes[lane_index];
                let is_worn = every > 0 && lane.requests_since_open >= every;
                if lane.in_flight.len() >= in_flight || lane.queue.is_empty() || is_worn {
                    break;
                }
                lane.requests_since_open += 1;
                if let Err(error) = self.send_one(lane_index, context) {
                    return self.lose(lane_index, &error, context);
                }
                sent += 1;
            }
            if sent == 0 {
                break;
            }
            if let Err(error) = self.lanes[lane_index].conn.flush() {
                return self.lose(lane_index, &error, context);
            }
            if context.plan.acks != 0 {
                break;
            }
            self.settle_unanswered(lane_index, context);
        }
        let lane = &mut self.lanes[lane_index];
        if every > 0 && lane.requests_since_open >= every && lane.in_flight.is_empty() && lane.conn.is_flushed() {
            lane.requests_since_open = 0;
            lane.conn.close(now);
            if let Err(error) = lane.conn.open(context.poll, now) {
                self.lose(lane_index, &error, context);
            }
        }
    }

    /// Puts failed batches back in front, in their order, once nothing is under way. False while that is awaited.
    fn resume(&mut self, lane_index: usize, now: u64) -> bool {
        let lane = &mut self.lanes[lane_index];
        if lane.retry.is_empty() {
            return true;
        }
        if !lane.in_flight.is_empty() || now < lane.resume_at {
            return false;
        }
        let slots = &mut self.slots;
        lane.retry.sort_by_key(|slot| {
            let slot = slots.get(*slot);
            (slot.partition, slot.first_sequence)
        });
        lane.retry.drain(..).rev().for_each(|slot| lane.queue.push_front(slot));
        true
    }

    /// Makes one request out of the batches at the front of the queue.
    fn send_one(&mut self, lane_index: usize, context: &mut Context<'_>) -> io::Result<()> {
        let plan = context.plan;
        let lane = &mut self.lanes[lane_index];
        *context.request_number += 1;
        let correlation = lane.next_correlation;
        lane.next_correlation = lane.next_correlation.wrapping_add(1);
        let mut taken = lane.spare_list();
        self.parts.clear();
        let mut batch_bytes = 0;
        while let Some(id) = lane.queue.front().copied() {
            let slot = self.slots.get(id);
            let at = number::index(slot.partition);
            let is_repeated = context.marks[at] == *context.request_number;
            let is_long = batch_bytes + slot.bytes() > plan.request_bytes || taken.len() >= native::PARTITIONS_MAX;
            if !taken.is_empty() && (is_repeated || is_long) {
                break;
            }
            context.marks[at] = *context.request_number;
            lane.queue.pop_front();
            if self.open[at] == id {
                self.open[at] = NONE;
            }
            if let Some(identity) = self.identity {
                let base = *slot.base_sequence.get_or_insert_with(|| {
                    let base = self.base_sequence[at];
                    self.base_sequence[at] = base.plus(slot.records);
                    base
                });
                slot.set_producer(ProducerStamp { base_sequence: Some(base), ..identity });
            }
            let partition = slot.partition;
            let bytes = slot.finish(context.compressor).len();
            batch_bytes += bytes;
            self.parts.push((partition, number::short(bytes)));
            taken.push(id);
        }
        let is_first = lane.conn.is_flushed();
        let output = &mut lane.conn.output;
        let begun = match &self.requests {
            Requests::Kafka(template) => Begun::Kafka(template.begin(output, correlation)),
            Requests::Native(_) => Begun::Native(ProduceLayout::begin(output, taken.len())),
        };
        // A large batch goes to the kernel without a copy in between.
        let mut last: &[u8] = &[];
        for (id, (partition, bytes)) in taken.iter().zip(&self.parts) {
            if let Requests::Kafka(_) = &self.requests {
                ProduceTemplate::add(output, *partition, *bytes);
            }
            let batch = self.slots.get_ref(*id).finished();
            match is_first && taken.len() == 1 && batch.len() >= UNCOPIED_BYTES_MIN {
                true => last = batch,
                false => output.extend_from_slice(batch),
            }
        }
        match (&self.requests, begun) {
            (Requests::Kafka(template), Begun::Kafka(start)) => {
                template.end(output, start, number::short(taken.len()), last.len());
            }
            (Requests::Native(layout), Begun::Native(begun)) => layout.end(output, begun, correlation, &self.parts),
            _ => unreachable!("a request ends at the door at which it began"),
        }
        let sent = if last.is_empty() { Ok(()) } else { lane.conn.flush_with(last) };
        let sent_at = context.clock.now();
        context.stats.count(context.is_measured(sent_at), |counts| counts.requests += 1);
        self.lanes[lane_index].in_flight.push_back(InFlight { correlation, sent_at, slots: taken });
        sent
    }

    /// acks=0: what the kernel has taken counts as done.
    fn settle_unanswered(&mut self, lane_index: usize, context: &mut Context<'_>) {
        let now = context.clock.now();
        while self.lanes[lane_index].conn.is_flushed() {
            let Some(mut request) = self.lanes[lane_index].in_flight.pop_front() else { return };
            self.note_answer(now.saturating_sub(request.sent_at), now, context);
            while let Some(slot) = request.slots.pop() {
                self.succeed(lane_index, slot, -1, now, context);
            }
            self.lanes[lane_index].give_list(request.slots);
        }
    }

    fn note_answer(&mut self, waited: u64, now: u64, context: &Context<'_>) {
        self.answers_measured += u64::from(context.is_measured(now));
        self.wait_longest = self.wait_longest.max(waited);
    }

    /// How the requests were answered, while those that were not are still here.
    fn answers(&self, now: u64) -> Answers {
        let waiting = self.lanes.iter().filter(|lane| lane.outstanding > 0);
        let unanswered = waiting.clone().map(|lane| number::large(lane.outstanding)).sum();
        let since = waiting.filter_map(|lane| {
            let sent = lane.in_flight.front().map(|request| request.sent_at);
            // A connection that never was ready has sent nothing.
            let opened = (lane.conn.state != ConnState::Ready).then_some(lane.conn.opened_at);
            [sent, lane.outage_since, opened].into_iter().flatten().min()
        });
        let waited = since.min().map_or(0, |since| now.saturating_sub(since));
        let (producer, measured) = (self.number, self.answers_measured);
        Answers { producer, unanswered, waited, measured, longest: self.wait_longest.max(waited) }
    }

    /// Handles an event of one of the connections.
    pub(in crate::engine) fn on_event(&mut self, lane_index: usize, context: &mut Context<'_>) {
        if let Err(error) = self.receive(lane_index, context) {
            self.lose(lane_index, &error, context);
        }
        self.advance(context);
    }

    fn receive(&mut self, lane_index: usize, context: &mut Context<'_>) -> io::Result<()> {
        let conn = &mut self.lanes[lane_index].conn;
        if conn.state == ConnState::Closed {
            return Ok(());
        }
        conn.advance()?;
        if conn.state == ConnState::Connecting {
            return Ok(());
        }
        conn.flush()?;
        if context.plan.acks == 0 {
            self.settle_unanswered(lane_index, context);
        }
        while self.lanes[lane_index].conn.fill()? {
            let now = context.clock.now();
            while let Some(range) = self.lanes[lane_index].conn.frame().map_err(io::Error::other)? {
                let conn = &mut self.lanes[lane_index].conn;
                if conn.state == ConnState::Greeting {
                    conn.state = ConnState::Ready;
                    context.stats.connect.record(now.saturating_sub(conn.opened_at), 1);
                    continue;
                }
                let input = conn.take_input();
                let outcome = self.answered(lane_index, &input[range], now, context);
                self.lanes[lane_index].conn.give_input(input);
                outcome.map_err(io::Error::other)?;
            }
        }
        Ok(())
    }

    fn answered(
        &mut self,
        lane_index: usize,
        frame: &[u8],
        now: u64,
        context: &mut Context<'_>,
    ) -> Result<(), Garbled> {
        let correlation = match &self.requests {
            Requests::Kafka(_) => kafka::correlation(frame)?,
            Requests::Native(_) => native::split(frame)?.0.correlation.0,
        };
        let unknown = || Garbled(format!("an answer to request {correlation}, which is not under way"));
        let mut request = self.lanes[lane_index].answered(correlation).ok_or_else(unknown)?;
        let service = now.saturating_sub(request.sent_at);
        self.note_answer(service, now, context);
        if context.is_measured(request.sent_at) {
            context.stats.measured.service.record(service, 1);
        }
        context.stats.second.latencies.service.record(service, 1);
        let mut results = std::mem::take(&mut self.results);
        results.clear();
        let outcome = match &self.requests {
            Requests::Kafka(_) => kafka::read_produced(frame, |produced| results.push(produced)),
            Requests::Native(_) => {
                let slots = &mut self.slots;
                let partitions = request.slots.iter().map(|slot| slots.get(*slot).partition);
                native::read_produced(frame, partitions, |produced| results.push(produced))
            }
        };
        for produced in &results {
            let slots = &mut self.slots;
            let at = request.slots.iter().position(|slot| slots.get(*slot).partition == produced.partition);
            if let Some(at) = at {
                // Answers come in the order of the request, so that this is the first one.
                let slot = request.slots.remove(at);
                self.settle(lane_index, slot, *produced, now, context);
            }
        }
        self.results = results;
        // An answer must speak of each batch; those it does not are sent again.
        let is_complete = request.slots.is_empty();
        self.lanes[lane_index].retry.append(&mut request.slots);
        self.lanes[lane_index].give_list(request.slots);
        outcome?;
        if is_complete { Ok(()) } else { Err(Garbled("a produce answer without all of its partitions".to_owned())) }
    }

    fn settle(&mut self, lane_index: usize, slot: SlotId, produced: Produced, now: u64, context: &mut Context<'_>) {
        let code = produced.error;
        if code == 0 || (code == DUPLICATE_SEQUENCE_NUMBER && self.identity.is_some()) {
            return self.succeed(lane_index, slot, produced.base_offset, now, context);
        }
        let is_measured = context.is_measured(now);
        let partition = produced.partition;
        context.stats.error(is_measured, || format!("partition {partition}: {} ({code})", error_name(code)));
        let records = u64::from(self.slots.get(slot).records);
        let comes_again = is_retriable(code) || (code == OUT_OF_ORDER_SEQUENCE_NUMBER && self.identity.is_some());
        if comes_again && now < context.plan.deadline {
            context.stats.count(is_measured, |counts| counts.retried += records);
            let lane = &mut self.lanes[lane_index];
            lane.retry.push(slot);
            lane.resume_at = now + RESUME_AFTER_NS;
            lane.outage_since.get_or_insert(now);
        } else {
            if context.plan.is_echo() {
                let text = || format!("partition {partition} of the echo: {} ({code})", error_name(code));
                context.shared.fail(text);
            }
            self.give_up(lane_index, slot, context);
        }
    }

    fn succeed(&mut self, lane_index: usize, id: SlotId, base_offset: i64, now: u64, context: &mut Context<'_>) {
        let slot = self.slots.get(id);
        let partition = number::index(slot.partition);
        let (records, bytes) = (u64::from(slot.records), slot.value_bytes);
        for (due, count) in &slot.dues {
            let (took, count) = (now.saturating_sub(*due), u64::from(*count));
            context.stats.second.latencies.due.record(took, count);
            if context.is_measured(*due) {
                context.stats.measured.due.record(took, count);
            }
        }
        context.stats.count(context.is_measured(now), |counts| {
            counts.acked += records;
            counts.acked_bytes += bytes;
        });
        if let Ok(base) = u64::try_from(base_offset) {
            if context.plan.is_echo() && base != slot.first_sequence {
                let read = slot.first_sequence;
                context.shared.fail(|| format!("what was at {read} of partition {partition} came to {base} in its echo: somebody else writes there"));
            }
            let end = &context.shared.acked_end[partition];
            end.fetch_max(base + records, std::sync::atomic::Ordering::Relaxed);
        }
        let lane = &mut self.lanes[lane_index];
        lane.conn.proved();
        if let Some(since) = lane.outage_since.take() {
            context.stats.outage(since, now);
        }
        self.release(lane_index, id, now);
    }

    fn release(&mut self, lane_index: usize, id: SlotId, now: u64) {
        self.pending_bytes -= self.slots.get(id).bytes();
        self.slots.give_back(id);
        self.lanes[lane_index].outstanding -= 1;
        self.room_since.get_or_insert(now);
    }

    /// A batch that will not be sent again: it may be in the log or not.
    fn give_up(&mut self, lane_index: usize, id: SlotId, context: &mut Context<'_>) {
        let now = context.clock.now();
        let slot = self.slots.get(id);
        let (partition, sequences, records) = (number::index(slot.partition), slot.sequences(), slot.records);
        let measured = slot.dues.iter().filter(|(due, _)| context.is_measured(*due));
        let due: u64 = measured.map(|(_, count)| u64::from(*count)).sum();
        context.stats.scheduled_failed += due;
        context.stats.count(context.is_measured(now), |counts| counts.failed += u64::from(records));
        self.sent[partition].unacknowledged.push(sequences);
        self.release(lane_index, id, now);
    }

    /// The connection is gone: everything under way is sent again on the next one.
    pub(super) fn lose(&mut self, lane_index: usize, error: &io::Error, context: &mut Context<'_>) {
        let now = context.clock.now();
        let lane = &mut self.lanes[lane_index];
        if lane.conn.state == ConnState::Ready || lane.outage_since.is_none() {
            context.stats.error(context.is_measured(now), || error.to_string());
        }
        lane.outage_since.get_or_insert(now);
        lane.conn.close(now);
        lane.requests_since_open = 0;
        while let Some(mut request) = lane.in_flight.pop_front() {
            for slot in &request.slots {
                let records = u64::from(self.slots.get(*slot).records);
                context.stats.count(context.is_measured(now), |counts| counts.retried += records);
            }
            lane.retry.append(&mut request.slots);
            lane.give_list(request.slots);
        }
    }

    /// Looks for answers that are overdue.
    pub(in crate::engine) fn check_overdue(&mut self, context: &mut Context<'_>) {
        let now = context.clock.now();
        for lane in 0..self.lanes.len() {
            let oldest = self.lanes[lane].in_flight.front().map(|request| request.sent_at);
            if oldest.is_some_and(|sent_at| now.saturating_sub(sent_at) > ANSWER_TIME_MAX_NS) {
                let error = io::Error::new(io::ErrorKind::TimedOut, "no answer to a produce request for 30 s");
                self.lose(lane, &error, context);
            }
        }
    }

    /// The run is over: counts what was not done. Its latency is at least its age, which is what is recorded.
    pub(in crate::engine) fn abandon(&mut self, context: &mut Context<'_>) {
        let now = context.clock.now();
        let start = self.start;
        let burst = u64::from(self.burst);
        while let Some(due) = self.arrivals.as_mut().and_then(crate::schedule::Arrivals::pop).map(|due| due + start) {
            if context.is_measured(due) && due <= now {
                context.stats.scheduled += burst;
                context.stats.abandoned += burst;
                context.stats.measured.due.record(now.saturating_sub(due), burst);
            }
        }
        self.is_ended = true;
        context.stats.answers.push(self.answers(now));
        for partition in 0..self.open.len() {
            let slot = std::mem::replace(&mut self.open[partition], NONE);
            if slot != NONE {
                self.enqueue(slot);
            }
        }
        for lane_index in 0..self.lanes.len() {
            let lane = &mut self.lanes[lane_index];
            let mut left: Vec<SlotId> = lane.in_flight.drain(..).flat_map(|request| request.slots).collect();
            left.extend(lane.queue.drain(..));
            left.append(&mut lane.retry);
            if let Some(since) = lane.outage_since.take() {
                context.stats.outage(since, now);
            }
            lane.conn.close(now);
            left.into_iter().for_each(|slot| self.give_up(lane_index, slot, context));
        }
    }
}
