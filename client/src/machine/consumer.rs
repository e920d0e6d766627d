//! Which streams are open, with how much credit, and where each partition's reader stands.
//!
//! Each assigned partition first finds out where to begin, then has one stream to the core that leads it. What the stream
//! brings is held until it is taken; the broker gets new credit as that happens, so that a consumer that does not keep up
//! holds no more than its share. A stream that ends is opened again where it stopped: nothing is skipped, nothing comes
//! twice, and the position only ever goes back when the log no longer has what was wanted.

mod chunk;
mod event;
mod partition;
mod records;
mod streams;
#[cfg(test)]
mod tests;
mod uncompressed;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use base::{Instant, Offset, PartitionId, SeededRandom};
use wire::native::StreamId;

pub use chunk::Chunk;
pub use event::{Checksums, ConsumeError, ConsumerAction, ConsumerEvent, ConsumerOptions, QueryId, ResetPolicy, Start};
pub use records::{FetchedRecord, FetchedRecords};

use crate::limits;
use crate::machine::route::{Destination, Route, Routes};
use partition::{Assigned, Flow, Phase, Stream};

/// See the module.
#[derive(Debug)]
pub struct ConsumerCore {
    options: ConsumerOptions,
    random: SeededRandom,
    partitions: BTreeMap<PartitionId, Assigned>,
    /// Streams that are wanted. Those of an earlier assignment or position are not here, and what they bring is dropped.
    streams: BTreeMap<StreamId, PartitionId>,
    queries: BTreeMap<QueryId, Vec<PartitionId>>,
    links: BTreeMap<Destination, Link>,
    next_stream: u32,
    next_query: u64,
    /// Partitions that have something to give, in turn.
    turn: VecDeque<PartitionId>,
    /// Partitions with an error to report.
    failing: BTreeSet<PartitionId>,
    /// When partitions that are held back may go on.
    timers: BTreeSet<(Instant, PartitionId)>,
    /// Partitions that wait for their offset to be asked for, by whom to ask.
    locating: BTreeMap<Destination, Vec<PartitionId>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Connecting,
    Connected,
}

impl ConsumerCore {
    pub fn new(options: ConsumerOptions, random: SeededRandom) -> Self {
        let (one, all) = (options.partition_buffer_bytes_max, options.buffer_bytes_max);
        assert!(one >= limits::PARTITION_BUFFER_BYTES_MIN, "{one} bytes are too few for a partition");
        assert!(one <= all, "a partition's {one} bytes are more than the {all} of all");
        Self {
            options,
            random,
            partitions: BTreeMap::new(),
            streams: BTreeMap::new(),
            queries: BTreeMap::new(),
            links: BTreeMap::new(),
            next_stream: 1,
            next_query: 1,
            turn: VecDeque::new(),
            failing: BTreeSet::new(),
            timers: BTreeSet::new(),
            locating: BTreeMap::new(),
        }
    }

    /// Reads these partitions and no others. One that was assigned before begins anew.
    pub fn assign(
        &mut self,
        now: Instant,
        routes: &dyn Routes,
        assignment: &[(PartitionId, Start)],
        actions: &mut Vec<ConsumerAction>,
    ) {
        let before: Vec<PartitionId> = self.partitions.keys().copied().collect();
        before.into_iter().for_each(|id| self.unassign(id, actions));
        for (id, start) in assignment {
            self.partitions.insert(*id, Assigned::new(routes.route(*id), *start, self.options.retry));
        }
        for (id, _) in assignment {
            self.arrange(now, *id, actions);
        }
        self.ask_for_offsets(actions);
    }

    /// Goes on elsewhere. What was fetched and not taken is dropped.
    pub fn seek(
        &mut self,
        now: Instant,
        id: PartitionId,
        start: Start,
        actions: &mut Vec<ConsumerAction>,
    ) -> Result<(), NotAssigned> {
        self.leave(id, start, actions)?;
        self.arrange(now, id, actions);
        self.ask_for_offsets(actions);
        Ok(())
    }

    /// Gives out no more of a partition, and lets the broker send no more than it may already.
    pub fn pause(&mut self, id: PartitionId) -> Result<(), NotAssigned> {
        let partition = self.partitions.get_mut(&id).ok_or(NotAssigned { partition: id })?;
        partition.flow = Flow::Paused;
        Ok(())
    }

    pub fn resume(
        &mut self,
        now: Instant,
        id: PartitionId,
        actions: &mut Vec<ConsumerAction>,
    ) -> Result<(), NotAssigned> {
        let partition = self.partitions.get_mut(&id).ok_or(NotAssigned { partition: id })?;
        partition.flow = Flow::Running;
        self.offer(id, actions);
        self.grant(id, actions);
        self.arrange(now, id, actions);
        self.ask_for_offsets(actions);
        Ok(())
    }

    /// Takes what the next partition in turn has. Partitions take turns, so that a busy one does not keep others waiting.
    pub fn take(&mut self, actions: &mut Vec<ConsumerAction>) -> Option<Chunk> {
        while let Some(id) = self.turn.pop_front() {
            let partition = self.partitions.get_mut(&id).expect("partitions in turn are assigned");
            partition.is_in_turn = false;
            if partition.flow == Flow::Paused {
                continue;
            }
            let Some(chunk) = partition.pop() else { continue };
            if !partition.buffered.is_empty() {
                partition.is_in_turn = true;
                self.turn.push_back(id);
            }
            self.grant(id, actions);
            return Some(chunk);
        }
        None
    }

    /// What was taken could not be decoded: the partition goes back to its beginning, and fetches it again.
    pub fn not_decoded(&mut self, now: Instant, chunk: &Chunk, error: ConsumeError, actions: &mut Vec<ConsumerAction>) {
        if self.leave(chunk.partition, Start::Offset(chunk.from), actions).is_ok() {
            self.fail(now, chunk.partition, error, actions);
        }
    }

    /// Takes the next error that there is to report.
    pub fn take_error(&mut self) -> Option<ConsumeError> {
        while let Some(id) = self.failing.pop_first() {
            if let Some(error) = self.partitions.get_mut(&id).and_then(|partition| partition.error.take()) {
                return Some(error);
            }
        }
        None
    }

    pub fn has_error(&self) -> bool {
        !self.failing.is_empty()
    }

    pub fn step(&mut self, now: Instant, event: ConsumerEvent<'_>, actions: &mut Vec<ConsumerAction>) {
        match event {
            ConsumerEvent::Connected { destination } => {
                self.links.insert(destination, Link::Connected);
                self.arrange_at(now, destination, actions);
            }
            ConsumerEvent::Disconnected { destination } | ConsumerEvent::ConnectFailed { destination } => {
                self.links.remove(&destination);
                self.arrange_at(now, destination, actions);
            }
            ConsumerEvent::Opened { stream, opened } => self.opened(stream, &opened),
            ConsumerEvent::OpenRefused { stream, refusal } => self.refused(now, stream, refusal, actions),
            ConsumerEvent::Data { stream, data, payload } => self.data(now, stream, &data, payload, actions),
            ConsumerEvent::Ended { stream, refusal: Some(refusal) } => self.refused(now, stream, refusal, actions),
            ConsumerEvent::Ended { stream, refusal: None } | ConsumerEvent::StreamLost { stream } => {
                self.stream_lost(now, stream, actions);
            }
            ConsumerEvent::OffsetsListed { query, answers } => self.located(now, query, answers, actions),
            ConsumerEvent::OffsetsRefused { query, refusal } => {
                self.not_located(now, query, Some(&refusal), actions);
            }
            ConsumerEvent::OffsetsLost { query } => self.not_located(now, query, None, actions),
            ConsumerEvent::RoutesChanged(routes) => self.routes_changed(now, routes, actions),
            ConsumerEvent::TimePassed => {
                while let Some((due, id)) = self.timers.first().copied()
                    && due <= now
                {
                    self.timers.pop_first();
                    self.partitions.get_mut(&id).expect("partitions with timers are assigned").due = None;
                    self.arrange(now, id, actions);
                }
            }
        }
        self.ask_for_offsets(actions);
    }

    /// When [`ConsumerEvent::TimePassed`] has something to do.
    pub fn next_wakeup(&self) -> Option<Instant> {
        self.timers.first().map(|(due, _)| *due)
    }

    pub fn assigned(&self) -> impl Iterator<Item = PartitionId> {
        self.partitions.keys().copied()
    }

    /// The next record that will be given out; `None` while it is not known, or for a partition that is not assigned.
    pub fn position(&self, id: PartitionId) -> Option<Offset> {
        self.partitions.get(&id)?.position()
    }

    /// As the broker last said it.
    pub fn high_watermark(&self, id: PartitionId) -> Option<Offset> {
        self.partitions.get(&id)?.high_watermark
    }

    /// As the broker last said it.
    pub fn log_start_offset(&self, id: PartitionId) -> Option<Offset> {
        self.partitions.get(&id)?.log_start_offset
    }

    /// Records that a partition has for the reader, as far as is known.
    pub fn lag(&self, id: PartitionId) -> Option<u64> {
        let partition = self.partitions.get(&id)?;
        let (position, end) = (partition.position()?, partition.high_watermark?);
        Some(end.get().saturating_sub(position.get()))
    }

    /// Bytes of batches that wait to be taken.
    pub fn buffered_bytes(&self) -> usize {
        self.partitions.values().map(|partition| partition.buffered_bytes).sum()
    }

    /// Forgets where a partition stands, and what it has.
    fn leave(&mut self, id: PartitionId, to: Start, actions: &mut Vec<ConsumerAction>) -> Result<(), NotAssigned> {
        let partition = self.partitions.get_mut(&id).ok_or(NotAssigned { partition: id })?;
        if let Some(stream) = partition.seek(to) {
            self.streams.remove(&stream.id);
            actions.push(ConsumerAction::Close { destination: stream.destination, stream: stream.id });
        }
        self.failing.remove(&id);
        Ok(())
    }

    fn unassign(&mut self, id: PartitionId, actions: &mut Vec<ConsumerAction>) {
        let Some(mut partition) = self.partitions.remove(&id) else { return };
        if let Some(stream) = partition.stream() {
            self.streams.remove(&stream.id);
            actions.push(ConsumerAction::Close { destination: stream.destination, stream: stream.id });
        }
        if let Some(due) = partition.due {
            self.timers.remove(&(due, id));
        }
        self.failing.remove(&id);
        self.turn.retain(|other| *other != id);
    }

    fn routes_changed(&mut self, now: Instant, routes: &dyn Routes, actions: &mut Vec<ConsumerAction>) {
        let assigned: Vec<PartitionId> = self.partitions.keys().copied().collect();
        for id in assigned {
            let partition = self.partitions.get_mut(&id).expect("listed a moment ago");
            let route = routes.route(id);
            partition.asked_for_route = false;
            let is_news = partition.route != route;
            partition.route = route;
            if is_news && route == Route::Gone {
                self.fail_for_good(id, ConsumeError::TopicGone { partition: id }, actions);
            } else if is_news {
                self.leave_core(id, actions);
                self.arrange(now, id, actions);
            }
        }
    }

    /// Ends a stream of a core that the partition has left, to go on where it is now. The broker would go on to serve it
    /// from there, with a hop.
    fn leave_core(&mut self, id: PartitionId, actions: &mut Vec<ConsumerAction>) {
        let partition = self.partitions.get_mut(&id).expect("routes are of assigned partitions");
        let Route::To(now) = partition.route else { return };
        let Phase::Streaming(Stream { id: stream, destination, .. }) = partition.phase else { return };
        if destination.broker == now.broker && destination.core != now.core {
            partition.stop_streaming();
            self.streams.remove(&stream);
            actions.push(ConsumerAction::Close { destination, stream });
        }
    }

    fn arrange_at(&mut self, now: Instant, destination: Destination, actions: &mut Vec<ConsumerAction>) {
        let there = |(_, partition): &(&PartitionId, &Assigned)| partition.route == Route::To(destination);
        let ids: Vec<PartitionId> = self.partitions.iter().filter(there).map(|(id, _)| *id).collect();
        ids.into_iter().for_each(|id| self.arrange(now, id, actions));
    }

    /// Puts a partition in line if it has something to give and is not there yet.
    fn offer(&mut self, id: PartitionId, actions: &mut Vec<ConsumerAction>) {
        let partition = self.partitions.get_mut(&id).expect("only assigned partitions have something");
        if partition.flow == Flow::Running && !partition.buffered.is_empty() && !partition.is_in_turn {
            partition.is_in_turn = true;
            self.turn.push_back(id);
            actions.push(ConsumerAction::Wake);
        }
    }

    /// Reports an error, and tries again after a while.
    fn fail(&mut self, now: Instant, id: PartitionId, error: ConsumeError, actions: &mut Vec<ConsumerAction>) {
        let partition = self.partitions.get_mut(&id).expect("the partition of a failure");
        partition.error = Some(error);
        partition.hold(now, &mut self.random);
        self.failing.insert(id);
        actions.push(ConsumerAction::Wake);
        self.arrange(now, id, actions);
    }

    /// Reports an error that only a seek can mend.
    fn fail_for_good(&mut self, id: PartitionId, error: ConsumeError, actions: &mut Vec<ConsumerAction>) {
        let partition = self.partitions.get_mut(&id).expect("the partition of a failure");
        if let Some(stream) = partition.stream().cloned() {
            self.streams.remove(&stream.id);
            actions.push(ConsumerAction::Close { destination: stream.destination, stream: stream.id });
        }
        partition.phase = Phase::Failed { position: partition.fetch_next() };
        partition.error = Some(error);
        self.failing.insert(id);
        actions.push(ConsumerAction::Wake);
    }
}

/// The partition is not one of the consumer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("partition {partition} is not assigned to this consumer")]
pub struct NotAssigned {
    pub partition: PartitionId,
}
