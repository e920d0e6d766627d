//! Offsets that are looked for, streams that are opened, and what they bring.

use base::{Instant, Offset, PartitionId};
use bytes::Bytes;
use wire::ErrorCode;
use wire::native::{FetchData, FetchGrant, FetchOpen, FetchOpened, OffsetAnswer, OffsetAt, OffsetQuery, StreamId};

use super::chunk::{Chunk, Fault, Place, check};
use super::event::{ConsumeError, ConsumerAction, QueryId, ResetPolicy};
use super::partition::{Flow, Phase, Stream, Why};
use super::{ConsumerCore, Link};
use crate::limits;
use crate::machine::refusal::Refusal;
use crate::machine::route::{Destination, Route};

impl ConsumerCore {
    /// Does what a partition needs next, and sets its timer.
    pub(super) fn arrange(&mut self, now: Instant, id: PartitionId, actions: &mut Vec<ConsumerAction>) {
        let Some(partition) = self.partitions.get_mut(&id) else { return };
        if partition.hold_until.is_some_and(|until| until <= now) {
            partition.hold_until = None;
        }
        let due = partition.hold_until;
        if partition.due != due {
            if let Some(before) = partition.due {
                self.timers.remove(&(before, id));
            }
            self.timers.extend(due.map(|due| (due, id)));
            partition.due = due;
        }
        if due.is_some() {
            return;
        }
        let lacks_something = match &partition.phase {
            Phase::Locating { query, .. } => query.is_none(),
            Phase::Located { .. } => partition.flow == Flow::Running,
            Phase::Streaming(_) | Phase::Failed { .. } => false,
        };
        if !lacks_something {
            return;
        }
        match partition.route {
            Route::To(destination) => self.go_on(id, destination, actions),
            Route::Unknown if !partition.asked_for_route => {
                partition.asked_for_route = true;
                actions.push(ConsumerAction::RefreshMetadata(id.topic));
            }
            Route::Unknown => {}
            Route::Gone => self.fail_for_good(id, ConsumeError::TopicGone { partition: id }, actions),
        }
    }

    fn go_on(&mut self, id: PartitionId, destination: Destination, actions: &mut Vec<ConsumerAction>) {
        match self.links.get(&destination) {
            None => {
                self.links.insert(destination, Link::Connecting);
                actions.push(ConsumerAction::Connect(destination));
                return;
            }
            Some(Link::Connecting) => return,
            Some(Link::Connected) => {}
        }
        let partition = &self.partitions[&id];
        match partition.phase {
            Phase::Locating { .. } => {
                let line = self.locating.entry(destination).or_default();
                if !line.contains(&id) {
                    line.push(id);
                }
            }
            Phase::Located { next } => self.open_stream(id, destination, next, actions),
            Phase::Streaming(_) | Phase::Failed { .. } => unreachable!("these lack nothing"),
        }
    }

    fn open_stream(
        &mut self,
        id: PartitionId,
        destination: Destination,
        next: Offset,
        actions: &mut Vec<ConsumerAction>,
    ) {
        let stream = StreamId(self.next_stream);
        self.next_stream = self.next_stream.wrapping_add(1);
        let target = self.partition_buffer_bytes();
        let partition = self.partitions.get_mut(&id).expect("arranged partitions are assigned");
        let credit = u32::try_from(target.saturating_sub(partition.buffered_bytes)).unwrap_or(u32::MAX);
        let place = Place::First;
        partition.phase = Phase::Streaming(Stream { id: stream, destination, next, place, credit: i64::from(credit) });
        self.streams.insert(stream, id);
        let open = FetchOpen {
            stream,
            topic: id.topic,
            partition: id.index,
            offset: next,
            credit_bytes: credit,
            frame_bytes_max: u32::try_from(self.options.frame_bytes_max).unwrap_or(u32::MAX),
        };
        actions.push(ConsumerAction::OpenStream { destination, open });
    }

    /// Makes requests of the partitions that look for their offset.
    pub(super) fn ask_for_offsets(&mut self, actions: &mut Vec<ConsumerAction>) {
        for (destination, ids) in std::mem::take(&mut self.locating) {
            for ids in ids.chunks(limits::OFFSET_QUERIES_PER_REQUEST_MAX) {
                let id_of_query = QueryId(self.next_query);
                let mut queries = Vec::with_capacity(ids.len());
                let mut asked = Vec::with_capacity(ids.len());
                for id in ids {
                    let Some(partition) = self.partitions.get_mut(id) else { continue };
                    let Phase::Locating { at, query: query @ None, .. } = &mut partition.phase else { continue };
                    *query = Some(id_of_query);
                    queries.push(OffsetQuery { topic: id.topic, partition: id.index, at: *at });
                    asked.push(*id);
                }
                if !asked.is_empty() {
                    self.next_query += 1;
                    self.queries.insert(id_of_query, asked);
                    actions.push(ConsumerAction::ListOffsets { query: id_of_query, destination, queries });
                }
            }
        }
    }

    pub(super) fn located(
        &mut self,
        now: Instant,
        query: QueryId,
        answers: &[OffsetAnswer],
        actions: &mut Vec<ConsumerAction>,
    ) {
        for id in self.take_query(query) {
            let is_for = |answer: &&OffsetAnswer| (answer.topic, answer.partition) == (id.topic, id.index);
            match answers.iter().find(is_for) {
                Some(answer) if !answer.error.is_none() => {
                    self.trouble(now, id, Refusal::new(answer.error, None), actions);
                }
                Some(answer) => self.locate(now, id, answer.offset, actions),
                None => self.try_later(now, id, actions),
            }
        }
    }

    /// The broker has said where a partition's wish lies; `None` if no record is as wished.
    fn locate(&mut self, now: Instant, id: PartitionId, offset: Option<Offset>, actions: &mut Vec<ConsumerAction>) {
        let partition = self.partitions.get_mut(&id).expect("queries name assigned partitions");
        let Phase::Locating { at, why, .. } = partition.phase else { unreachable!("queries name those that look") };
        match offset {
            Some(offset) => {
                partition.phase = Phase::Located { next: offset };
                if let Why::Reset { wanted } = why {
                    // What was fetched and not taken lies before; where the log was cut off it is no longer true.
                    if partition.buffered.back().is_some_and(|chunk| chunk.next > offset) {
                        partition.clear();
                    }
                    actions.push(ConsumerAction::Reset { partition: id, wanted, offset });
                }
                self.arrange(now, id, actions);
            }
            None if matches!(at, OffsetAt::Timestamp(_)) => {
                partition.phase = Phase::Locating { at: OffsetAt::Latest, why, query: None };
                self.arrange(now, id, actions);
            }
            None => self.try_later(now, id, actions),
        }
    }

    pub(super) fn not_located(
        &mut self,
        now: Instant,
        query: QueryId,
        refusal: Option<&Refusal>,
        actions: &mut Vec<ConsumerAction>,
    ) {
        for id in self.take_query(query) {
            match refusal {
                Some(refusal) => self.trouble(now, id, refusal.clone(), actions),
                None => self.try_later(now, id, actions),
            }
        }
    }

    /// The partitions that still wait for the answer to a query. They are free to ask again.
    fn take_query(&mut self, query: QueryId) -> Vec<PartitionId> {
        let mut ids = self.queries.remove(&query).unwrap_or_default();
        ids.retain(|id| match self.partitions.get_mut(id).map(|partition| &mut partition.phase) {
            Some(Phase::Locating { query: asked, .. }) if *asked == Some(query) => {
                *asked = None;
                true
            }
            _ => false,
        });
        ids
    }

    pub(super) fn opened(&mut self, stream: StreamId, opened: &FetchOpened) {
        let Some(partition) = self.streams.get(&stream).and_then(|id| self.partitions.get_mut(id)) else { return };
        partition.high_watermark = opened.high_watermark.or(partition.high_watermark);
        partition.log_start_offset = opened.log_start_offset.or(partition.log_start_offset);
    }

    pub(super) fn data(
        &mut self,
        now: Instant,
        stream: StreamId,
        data: &FetchData,
        payload: Bytes,
        actions: &mut Vec<ConsumerAction>,
    ) {
        let Some(id) = self.streams.get(&stream).copied() else { return };
        if let Some(core) = data.core {
            actions.push(ConsumerAction::FoundElsewhere(id, core));
        }
        let checksums = self.options.checksums;
        let partition = self.partitions.get_mut(&id).expect("streams are of assigned partitions");
        partition.high_watermark = data.high_watermark.or(partition.high_watermark);
        partition.log_start_offset = data.log_start_offset.or(partition.log_start_offset);
        let Phase::Streaming(open) = &mut partition.phase else { unreachable!("the stream is known") };
        let from = open.next;
        let checked = if open.credit <= 0 && !payload.is_empty() {
            Err(Fault::Protocol("it sent more than it was granted"))
        } else {
            check(data, &payload, from, open.place, checksums)
        };
        match checked {
            Ok(next) => {
                if !payload.is_empty() {
                    open.place = Place::Later;
                }
                open.next = next;
                open.credit -= i64::try_from(payload.len()).expect("a frame has fewer than 2^32 bytes");
                if next > from {
                    partition.push(Chunk { partition: id, payload, from, next, timings: data.timings });
                    partition.thrive();
                    self.offer(id, actions);
                }
            }
            Err(fault) => {
                let destination = open.destination;
                partition.stop_streaming();
                self.streams.remove(&stream);
                actions.push(ConsumerAction::Close { destination, stream });
                let error = match fault {
                    Fault::Damaged(error) => {
                        ConsumeError::Damaged { partition: id, offset: from, what: error.to_string() }
                    }
                    Fault::Protocol(what) => ConsumeError::Protocol { partition: id, offset: from, what },
                };
                self.fail(now, id, error, actions);
            }
        }
    }

    /// The broker has ended a stream, or not opened it.
    pub(super) fn refused(
        &mut self,
        now: Instant,
        stream: StreamId,
        refusal: Refusal,
        actions: &mut Vec<ConsumerAction>,
    ) {
        let Some(id) = self.streams.remove(&stream) else { return };
        let partition = self.partitions.get_mut(&id).expect("streams are of assigned partitions");
        partition.stop_streaming();
        if !refusal.is(ErrorCode::OffsetOutOfRange) {
            return self.trouble(now, id, refusal, actions);
        }
        let wanted = partition.fetch_next().expect("a stream has a position");
        let at = match self.options.reset {
            ResetPolicy::Earliest => OffsetAt::Earliest,
            ResetPolicy::Latest => OffsetAt::Latest,
            ResetPolicy::Fail => {
                let error = ConsumeError::OutOfRange { partition: id, offset: wanted };
                return self.fail_for_good(id, error, actions);
            }
        };
        partition.phase = Phase::Locating { at, why: Why::Reset { wanted }, query: None };
        // Held back, lest a broker that finds every offset out of range be asked without end.
        self.try_later(now, id, actions);
    }

    pub(super) fn stream_lost(&mut self, now: Instant, stream: StreamId, actions: &mut Vec<ConsumerAction>) {
        if let Some(id) = self.streams.remove(&stream) {
            self.partitions.get_mut(&id).expect("streams are of assigned partitions").stop_streaming();
            self.try_later(now, id, actions);
        }
    }

    fn trouble(&mut self, now: Instant, id: PartitionId, refusal: Refusal, actions: &mut Vec<ConsumerAction>) {
        if refusal.is_about_routes() {
            actions.push(ConsumerAction::RefreshMetadata(id.topic));
        }
        if refusal.is_retriable() {
            self.try_later(now, id, actions);
        } else {
            self.fail(now, id, ConsumeError::Refused { partition: id, refusal }, actions);
        }
    }

    fn try_later(&mut self, now: Instant, id: PartitionId, actions: &mut Vec<ConsumerAction>) {
        let partition = self.partitions.get_mut(&id).expect("what is tried again is assigned");
        partition.hold(now, &mut self.random);
        self.arrange(now, id, actions);
    }

    /// Gives the broker credit for what was taken.
    pub(super) fn grant(&mut self, id: PartitionId, actions: &mut Vec<ConsumerAction>) {
        let target = self.partition_buffer_bytes();
        let Some(partition) = self.partitions.get_mut(&id) else { return };
        if let Some((destination, stream, bytes)) = partition.grant(target) {
            actions.push(ConsumerAction::Grant { destination, grant: FetchGrant { stream, bytes } });
        }
    }

    /// What one partition may hold, so that all together keep their limit.
    fn partition_buffer_bytes(&self) -> usize {
        let share = self.options.buffer_bytes_max / self.partitions.len().max(1);
        share.clamp(limits::PARTITION_BUFFER_BYTES_MIN, self.options.partition_buffer_bytes_max)
    }
}
