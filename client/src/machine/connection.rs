//! One connection to one core of a broker: which answer belongs to which question, and when the peer is taken for dead.
//!
//! The first frame is a greeting. After it, calls are answered in any order, each within its time limit; streams are
//! opened by a call and then fed by the broker until they end. A call that is not answered in time ends the connection,
//! because a broker that can't answer one request is not known to be alive; what else was under way is then in doubt.
//! A connection that only listens asks a small question when it has heard nothing for a while.

mod deadlines;
mod error;
mod event;
mod frame;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use base::Instant;
use bytes::{Bytes, BytesMut};
use wire::native::frame::{FrameBuilder, FrameParts, Limits, PREFIX_BYTES};
use wire::native::limits as wire_limits;
use wire::native::{
    ApiKey, CorrelationId, ErrorReply, Features, FetchClose, FetchData, FetchEnded, FetchOpen, FetchOpened, Hello,
    HelloReply, Incoming, MetadataRequest, Outgoing, Payload, Role, StreamId, TopicSelection,
};

use deadlines::Deadlines;
pub use error::ConnectionError;
pub use event::{Answer, ConnectionEvent, ConnectionOptions, Greeting, NotCalled, NotCalledReason};
pub use frame::{Frame, FrameReader};

use crate::limits;
use crate::machine::refusal::Refusal;

/// What the correlation id of a frame from the broker can belong to.
#[derive(Debug)]
enum Pending<C, S> {
    Greeting,
    Call {
        call: C,
        api: ApiKey,
    },
    /// Asked only to hear whether the broker is alive.
    Keepalive,
    Opening {
        stream: S,
        id: StreamId,
    },
}

#[derive(Debug)]
struct Stream<S> {
    sink: S,
    id: StreamId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Greeting,
    Open,
    Closed,
}

/// See the module.
#[derive(Debug)]
pub struct ConnectionCore<C, S> {
    options: ConnectionOptions,
    state: State,
    greeting: Option<Arc<Greeting>>,
    reader: FrameReader,
    builder: FrameBuilder,
    next_correlation: u32,
    pending: BTreeMap<CorrelationId, Pending<C, S>>,
    /// Open streams, by the correlation id that opened them.
    streams: BTreeMap<CorrelationId, Stream<S>>,
    /// When a call, or the end of a stream, is overdue.
    deadlines: Deadlines,
    last_heard: Instant,
    outbound: VecDeque<Bytes>,
    /// Bytes that were ever put into `outbound`.
    outbound_end: u64,
    /// Requests without an answer, by where they end in the outbound bytes.
    unanswered: VecDeque<(u64, C)>,
}

impl<C, S: Clone> ConnectionCore<C, S> {
    /// A connection that was just made. The greeting is the first thing to be written.
    pub fn new(options: ConnectionOptions, now: Instant, software: &str, version: &str) -> Self {
        let mut connection = Self {
            options,
            state: State::Greeting,
            greeting: None,
            reader: FrameReader::new(Limits::new(limits::FRAME_PAYLOAD_BYTES_MAX)),
            builder: FrameBuilder::new(Limits::default()),
            next_correlation: 1,
            pending: BTreeMap::new(),
            streams: BTreeMap::new(),
            deadlines: Deadlines::default(),
            last_heard: now,
            outbound: VecDeque::new(),
            outbound_end: 0,
            unanswered: VecDeque::new(),
        };
        let hello = Hello { software, version, wanted_features: Features::NONE };
        let correlation = connection.correlation();
        let parts = connection.builder.frame(correlation, &hello).expect("a greeting fits a frame");
        connection.put(parts);
        connection.pending.insert(correlation, Pending::Greeting);
        connection.deadlines.set(now, correlation, ApiKey::Hello, options.request_timeout);
        connection
    }

    /// Asks something. The answer comes as an event, or the waiter with [`Self::close`].
    pub fn call<M: Outgoing>(
        &mut self,
        now: Instant,
        message: &M,
        payload: Payload,
        limit: Duration,
        call: C,
    ) -> Result<(), NotCalled<C>> {
        match self.ask(message, payload) {
            Ok(correlation) => {
                self.pending.insert(correlation, Pending::Call { call, api: M::API });
                self.deadlines.set(now, correlation, M::API, limit);
                Ok(())
            }
            Err(reason) => Err(NotCalled { waiter: call, reason }),
        }
    }

    /// Sends a request that is never answered; the waiter hears when it has been written.
    pub fn tell<M: Outgoing>(&mut self, message: &M, payload: Payload, call: C) -> Result<(), NotCalled<C>> {
        match self.send(message, payload) {
            Ok(_) => {
                self.unanswered.push_back((self.outbound_end, call));
                Ok(())
            }
            Err(reason) => Err(NotCalled { waiter: call, reason }),
        }
    }

    /// Sends a request that is never answered and that nobody waits for.
    pub fn mention<M: Outgoing>(&mut self, message: &M) -> Result<(), NotCalledReason> {
        self.send(message, Payload::default()).map(drop)
    }

    pub fn open_stream(&mut self, now: Instant, open: &FetchOpen, stream: S) -> Result<(), NotCalled<S>> {
        match self.ask(open, Payload::default()) {
            Ok(correlation) => {
                self.pending.insert(correlation, Pending::Opening { stream, id: open.stream });
                self.deadlines.set(now, correlation, ApiKey::FetchOpen, self.options.request_timeout);
                Ok(())
            }
            Err(reason) => Err(NotCalled { waiter: stream, reason }),
        }
    }

    /// Asks for the end of a stream. What is on its way still comes; nothing happens if the stream has ended meanwhile.
    pub fn close_stream(&mut self, now: Instant, id: StreamId) -> Result<(), NotCalledReason> {
        self.send(&FetchClose { stream: id }, Payload::default())?;
        let open = self.streams.iter().find(|(_, stream)| stream.id == id).map(|(correlation, _)| *correlation);
        if let Some(correlation) = open {
            self.deadlines.set(now, correlation, ApiKey::FetchClose, self.options.request_timeout);
        }
        Ok(())
    }

    /// Where to append what is read next.
    pub fn room(&mut self) -> &mut BytesMut {
        self.reader.room()
    }

    /// The same buffer, given away for a read that waits; there are no events until it is back.
    pub fn lend_buffer(&mut self) -> BytesMut {
        self.reader.lend()
    }

    pub fn restore_buffer(&mut self, buffer: BytesMut) {
        self.reader.restore(buffer);
    }

    /// Takes the next event out of what was read. After an error the connection is to be closed.
    pub fn next_event(&mut self, now: Instant) -> Result<Option<ConnectionEvent<C, S>>, ConnectionError> {
        while self.state != State::Closed
            && let Some(frame) = self.reader.take()?
        {
            self.last_heard = now;
            if let Some(event) = self.receive(&frame)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// What the end of the stream of bytes means.
    pub fn ended(&self) -> ConnectionError {
        if self.reader.is_between_frames() { ConnectionError::Closed } else { ConnectionError::Torn }
    }

    /// Moves what is to be written to the end of `parts`, and says how many bytes there will have been in all.
    pub fn take_outbound(&mut self, parts: &mut VecDeque<Bytes>) -> u64 {
        parts.append(&mut self.outbound);
        self.outbound_end
    }

    pub fn has_outbound(&self) -> bool {
        !self.outbound.is_empty()
    }

    /// The first so many bytes have been handed to the kernel. Call it until it gives nothing.
    pub fn next_written(&mut self, bytes: u64) -> Option<C> {
        if self.unanswered.front().is_some_and(|(end, _)| *end <= bytes) {
            return self.unanswered.pop_front().map(|(_, call)| call);
        }
        None
    }

    /// Looks whether an answer is overdue, and asks a listening connection's broker whether it is alive.
    pub fn time_passed(&mut self, now: Instant) -> Result<(), ConnectionError> {
        if let Some((api, limit)) = self.deadlines.overdue(now) {
            return Err(ConnectionError::Timeout { api, limit });
        }
        if self.keepalive_due().is_some_and(|due| due <= now) {
            let question = MetadataRequest { selection: TopicSelection::Named(Vec::new()), page_partitions_max: None };
            // When the broker's limit is reached there are calls that it owes an answer to, which do as well.
            if let Ok(correlation) = self.ask(&question, Payload::default()) {
                self.pending.insert(correlation, Pending::Keepalive);
                self.deadlines.set(now, correlation, ApiKey::Metadata, self.options.request_timeout);
            }
        }
        Ok(())
    }

    /// When [`Self::time_passed`] has something to do.
    pub fn next_wakeup(&self) -> Option<Instant> {
        self.deadlines.next().into_iter().chain(self.keepalive_due()).min()
    }

    /// Ends the connection, and gives back all who wait for something.
    pub fn close(&mut self) -> (Vec<C>, Vec<S>) {
        self.state = State::Closed;
        self.deadlines = Deadlines::default();
        let mut calls: Vec<C> = self.unanswered.drain(..).map(|(_, call)| call).collect();
        let mut streams: Vec<S> = std::mem::take(&mut self.streams).into_values().map(|stream| stream.sink).collect();
        for pending in std::mem::take(&mut self.pending).into_values() {
            match pending {
                Pending::Call { call, .. } => calls.push(call),
                Pending::Opening { stream, .. } => streams.push(stream),
                Pending::Greeting | Pending::Keepalive => {}
            }
        }
        (calls, streams)
    }

    pub fn greeting(&self) -> Option<&Arc<Greeting>> {
        self.greeting.as_ref()
    }

    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Requests that the broker owes an answer to.
    pub fn in_flight(&self) -> usize {
        self.pending.len()
    }

    pub fn open_streams(&self) -> usize {
        self.streams.len()
    }

    fn correlation(&mut self) -> CorrelationId {
        // After 2^32 requests numbers come again, but not those that are still in use.
        loop {
            let correlation = CorrelationId(self.next_correlation);
            self.next_correlation = self.next_correlation.wrapping_add(1);
            if !self.pending.contains_key(&correlation) && !self.streams.contains_key(&correlation) {
                return correlation;
            }
        }
    }

    /// Sends a request that will be answered.
    fn ask<M: Outgoing>(&mut self, message: &M, payload: Payload) -> Result<CorrelationId, NotCalledReason> {
        let limit = self.greeting.as_ref().map_or(1, |greeting| greeting.requests_in_flight_max);
        if self.state == State::Open && self.pending.len() >= limit {
            return Err(NotCalledReason::Busy { limit });
        }
        self.send(message, payload)
    }

    fn send<M: Outgoing>(&mut self, message: &M, payload: Payload) -> Result<CorrelationId, NotCalledReason> {
        if self.state != State::Open {
            return Err(NotCalledReason::Closed);
        }
        let correlation = self.correlation();
        let parts = self.builder.frame_with_payload(correlation, message, payload);
        self.put(parts.map_err(NotCalledReason::TooLarge)?);
        Ok(correlation)
    }

    fn put(&mut self, parts: FrameParts) {
        self.outbound_end += parts.frame_bytes() as u64;
        self.outbound.push_back(parts.head);
        self.outbound.extend(parts.payload.into_pieces());
    }

    fn keepalive_due(&self) -> Option<Instant> {
        // Whoever waits for an answer has a deadline for it already.
        let listens = self.state == State::Open && !self.streams.is_empty() && self.deadlines.is_empty();
        listens.then(|| self.last_heard.plus(self.options.keepalive))
    }

    fn receive(&mut self, frame: &Frame) -> Result<Option<ConnectionEvent<C, S>>, ConnectionError> {
        let prefix = frame.prefix();
        if let Some(api) = prefix.api_key()
            && prefix.role != Role::Error
            && !api.versions().contains(&prefix.version())
        {
            return Err(ConnectionError::Protocol { what: "it answered in a version that was not asked for" });
        }
        match prefix.role {
            Role::Request => Err(ConnectionError::Protocol { what: "it sent a request" }),
            Role::Reply => self.receive_reply(frame),
            Role::Error => self.receive_error(frame),
            Role::Push => self.receive_push(frame),
        }
    }

    fn receive_reply(&mut self, frame: &Frame) -> Result<Option<ConnectionEvent<C, S>>, ConnectionError> {
        let correlation = frame.prefix().correlation;
        let Some(pending) = self.pending.remove(&correlation) else {
            return Err(ConnectionError::Protocol { what: "it answered what was not asked" });
        };
        self.deadlines.remove(correlation);
        let expected = match &pending {
            Pending::Greeting => ApiKey::Hello,
            Pending::Call { api, .. } => *api,
            Pending::Keepalive => ApiKey::Metadata,
            Pending::Opening { .. } => ApiKey::FetchOpen,
        };
        if frame.api_key() != Some(expected) {
            // Back again, so that whoever waits is told with the others.
            self.pending.insert(correlation, pending);
            return Err(ConnectionError::Protocol { what: "its answer is of another API than the request" });
        }
        match pending {
            Pending::Greeting => self.greeted(frame).map(Some),
            Pending::Call { call, .. } => {
                Ok(Some(ConnectionEvent::Answered { call, answer: Answer::Reply(frame.clone()) }))
            }
            Pending::Keepalive => Ok(None),
            Pending::Opening { stream, id } => {
                let opened: FetchOpened = match open(frame) {
                    Ok(opened) => opened,
                    Err(error) => {
                        self.pending.insert(correlation, Pending::Opening { stream, id });
                        return Err(error);
                    }
                };
                self.streams.insert(correlation, Stream { sink: stream.clone(), id });
                Ok(Some(ConnectionEvent::StreamOpened { stream, opened }))
            }
        }
    }

    fn receive_error(&mut self, frame: &Frame) -> Result<Option<ConnectionEvent<C, S>>, ConnectionError> {
        let error = ErrorReply::open(frame.header())
            .map_err(|error| ConnectionError::Message { api: frame.api_key().unwrap_or(ApiKey::Hello), error })?;
        let refusal = Refusal::new(error.code, Some(error.message));
        let correlation = frame.prefix().correlation;
        // Nobody waits for an answer to a grant, or to a request that is never acknowledged.
        let Some(pending) = self.pending.remove(&correlation) else { return Ok(None) };
        self.deadlines.remove(correlation);
        match pending {
            Pending::Greeting => Err(ConnectionError::Refused(refusal)),
            Pending::Call { call, .. } => {
                Ok(Some(ConnectionEvent::Answered { call, answer: Answer::Refused(refusal) }))
            }
            Pending::Keepalive => Ok(None),
            Pending::Opening { stream, .. } => Ok(Some(ConnectionEvent::StreamRefused { stream, refusal })),
        }
    }

    fn receive_push(&mut self, frame: &Frame) -> Result<Option<ConnectionEvent<C, S>>, ConnectionError> {
        let correlation = frame.prefix().correlation;
        let Some(stream) = self.streams.get(&correlation) else {
            return Err(ConnectionError::Protocol { what: "it pushed to a stream that is not open" });
        };
        let check = |named: StreamId| {
            let what = "it pushed to one stream in the name of another";
            if named == stream.id { Ok(()) } else { Err(ConnectionError::Protocol { what }) }
        };
        match frame.api_key() {
            Some(ApiKey::FetchData) => {
                let data: FetchData = open(frame)?;
                check(data.stream)?;
                let payload = frame.payload().clone();
                Ok(Some(ConnectionEvent::StreamData { stream: stream.sink.clone(), data, payload }))
            }
            Some(ApiKey::FetchEnded) => {
                let ended: FetchEnded<'_> = open(frame)?;
                check(ended.stream)?;
                let refusal = (!ended.error.is_none()).then(|| Refusal::new(ended.error, ended.message));
                let stream = stream.sink.clone();
                self.streams.remove(&correlation);
                self.deadlines.remove(correlation);
                Ok(Some(ConnectionEvent::StreamEnded { stream, refusal }))
            }
            // Something newer, which we did not ask for and can do without.
            _ => Ok(None),
        }
    }

    fn greeted(&mut self, frame: &Frame) -> Result<ConnectionEvent<C, S>, ConnectionError> {
        let reply: HelloReply<'_> = open(frame)?;
        let payload_bytes_max = payload_bytes_max(reply.frame_bytes_max);
        if reply.requests_in_flight_max == 0 || payload_bytes_max == 0 {
            return Err(ConnectionError::Protocol { what: "its limits leave no room for a request" });
        }
        self.builder = FrameBuilder::new(Limits::new(payload_bytes_max));
        self.greeting = Some(Arc::new(Greeting {
            software: reply.software.into(),
            version: reply.version.into(),
            cluster_id: reply.cluster_id.into(),
            broker: reply.broker,
            core: reply.core,
            core_count: reply.core_count,
            requests_in_flight_max: usize::try_from(reply.requests_in_flight_max).unwrap_or(usize::MAX),
            payload_bytes_max,
            core_endpoints: reply.core_endpoints.iter().map(|endpoint| (endpoint.host.into(), endpoint.port)).collect(),
        }));
        self.state = State::Open;
        Ok(ConnectionEvent::Greeted)
    }
}

/// Reads a message whose kind has been compared.
fn open<'a, M: Incoming<'a>>(frame: &'a Frame) -> Result<M, ConnectionError> {
    frame.open().map_err(|error| ConnectionError::Message { api: M::API, error })
}

/// What a payload may have so that its frame is accepted, whatever its header has.
fn payload_bytes_max(frame_bytes_max: u32) -> u32 {
    let prefix = u32::try_from(PREFIX_BYTES).expect("the prefix is short");
    let after = |header: u32| frame_bytes_max.checked_sub(prefix + header);
    after(wire_limits::ADMIN_HEADER_BYTES_MAX).or_else(|| after(wire_limits::DATA_HEADER_BYTES_MAX)).unwrap_or(0)
}
