//! The consumer's machine, its connections and its clock.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use base::{PartitionId, PartitionIndex, TopicId};
use bytes::Bytes;
use rt::{Notify, now, sleep};
use wire::Decompressor;
use wire::native::{
    ApiKey, FetchData, FetchOpen, FetchOpened, ListOffsetsReply, ListOffsetsRequest, OffsetQuery, Payload, StreamId,
};

use super::{ConsumedRecords, PartitionLag};
use crate::config::ConsumerConfig;
use crate::driver::client::{RoutesObserver, Shared};
use crate::driver::connection::{CallHandler, Connection, StreamSink};
use crate::driver::pool::Purpose;
use crate::driver::stop::{Alarm, Stop};
use crate::error::ClientError;
use crate::limits;
use crate::machine::connection::Answer;
use crate::machine::consumer::{ConsumerAction, ConsumerCore, ConsumerEvent, QueryId, Start};
use crate::machine::refusal::Refusal;
use crate::machine::route::Destination;

/// What a consumer and its tasks share.
pub(crate) struct ConsumerInner {
    pub(super) shared: Rc<Shared>,
    config: ConsumerConfig,
    purpose: Purpose,
    core: RefCell<ConsumerCore>,
    decompressor: RefCell<Decompressor>,
    /// The connections that the machine knows of.
    links: RefCell<BTreeMap<Destination, Rc<Connection>>>,
    /// Names of the assigned topics.
    topics: RefCell<BTreeMap<TopicId, Arc<str>>>,
    /// There are records, or an error.
    pub(super) available: Notify,
    alarm: Alarm,
    is_closed: Cell<bool>,
    ended: Stop,
}

impl ConsumerInner {
    pub(super) fn start(shared: Rc<Shared>, config: ConsumerConfig) -> Result<Rc<Self>, ClientError> {
        let options = config.options(shared.config.retry_backoff)?;
        let inner = Rc::new(Self {
            purpose: Purpose::Fetch(shared.next_owner()),
            core: RefCell::new(ConsumerCore::new(options, shared.fork_random())),
            shared,
            config,
            decompressor: RefCell::new(Decompressor::new()),
            links: RefCell::default(),
            topics: RefCell::default(),
            available: Notify::new(),
            alarm: Alarm::default(),
            is_closed: Cell::new(false),
            ended: Stop::default(),
        });
        let queue = inner.shared.config.queues.network;
        let started = inner.shared.gate.spawn(queue, inner.clone().watch());
        drop(started.map_err(|_| ClientError::Closed { what: "client" })?);
        Ok(inner)
    }

    pub(super) fn check_open(&self) -> Result<(), ClientError> {
        if self.is_closed.get() { Err(ClientError::Closed { what: "consumer" }) } else { Ok(()) }
    }

    /// Looks up a partition by its topic's name.
    pub(super) async fn partition(
        &self,
        name: &str,
        index: PartitionIndex,
    ) -> Result<(Arc<str>, PartitionId), ClientError> {
        let topic = self.shared.topic(name).await?;
        let missing = || ClientError::NoSuchPartition {
            topic: topic.name().clone(),
            partition: index,
            partitions: topic.partition_count(),
        };
        Ok((topic.name().clone(), topic.partition(index).ok_or_else(missing)?))
    }

    pub(super) fn assign(self: &Rc<Self>, assignment: &[(Arc<str>, PartitionId, Start)]) -> Result<(), ClientError> {
        self.check_open()?;
        self.unpin();
        let mut actions = Vec::new();
        {
            let mut metadata = self.shared.metadata.borrow_mut();
            let mut topics = self.topics.borrow_mut();
            for (name, id, _) in assignment {
                if topics.insert(id.topic, name.clone()).is_none() {
                    metadata.pin(name);
                }
            }
            let starts: Vec<_> = assignment.iter().map(|(_, id, start)| (*id, *start)).collect();
            self.core.borrow_mut().assign(now(), &*metadata, &starts, &mut actions);
        }
        self.perform(actions);
        Ok(())
    }

    pub(super) fn seek(self: &Rc<Self>, id: PartitionId, start: Start) {
        let mut actions = Vec::new();
        let sought = self.core.borrow_mut().seek(now(), id, start, &mut actions);
        sought.expect("the partition was found among the assigned");
        self.perform(actions);
    }

    pub(super) fn pause(&self, id: PartitionId) {
        self.core.borrow_mut().pause(id).expect("the partition was found among the assigned");
    }

    pub(super) fn resume(self: &Rc<Self>, id: PartitionId) {
        let mut actions = Vec::new();
        let resumed = self.core.borrow_mut().resume(now(), id, &mut actions);
        resumed.expect("the partition was found among the assigned");
        self.perform(actions);
    }

    pub(super) fn take_error(&self) -> Option<ClientError> {
        let error = self.core.borrow_mut().take_error()?;
        let id = error.partition();
        Some(ClientError::Consume { topic: self.name(id.topic), partition: id.index, error })
    }

    pub(super) fn has_error(&self) -> bool {
        self.core.borrow().has_error()
    }

    /// Takes and decodes what there is; batches without a record for the user are passed over.
    pub(super) fn take(self: &Rc<Self>) -> Option<ConsumedRecords> {
        loop {
            let mut actions = Vec::new();
            let chunk = self.core.borrow_mut().take(&mut actions);
            self.perform(actions);
            let chunk = chunk?;
            let budget = self.config.decompressed_batch_bytes_max;
            let decoded = {
                let mut decompressor = self.decompressor.borrow_mut();
                let decoded = chunk.decode(&mut decompressor, budget);
                decompressor.trim(limits::DECOMPRESSOR_BYTES_KEPT);
                decoded
            };
            match decoded {
                Ok(records) if records.is_empty() => {}
                Ok(records) => return Some(ConsumedRecords { topic: self.name(chunk.partition().topic), records }),
                Err(error) => {
                    let mut actions = Vec::new();
                    self.core.borrow_mut().not_decoded(now(), &chunk, error, &mut actions);
                    self.perform(actions);
                    return None;
                }
            }
        }
    }

    pub(super) fn with_core<T>(&self, look: impl FnOnce(&ConsumerCore) -> T) -> T {
        look(&self.core.borrow())
    }

    /// The assigned partitions, by name.
    pub(super) fn assigned(&self) -> Vec<(Arc<str>, PartitionId)> {
        let core = self.core.borrow();
        core.assigned().map(|id| (self.name(id.topic), id)).collect()
    }

    pub(super) fn find(&self, topic: &str, partition: PartitionIndex) -> Option<PartitionId> {
        let assigned = self.assigned();
        assigned.into_iter().find(|(name, id)| **name == *topic && id.index == partition).map(|(_, id)| id)
    }

    pub(super) fn lag(&self) -> Vec<PartitionLag> {
        let core = self.core.borrow();
        let lag = |(topic, id): (Arc<str>, PartitionId)| PartitionLag {
            topic,
            partition: id.index,
            position: core.position(id),
            high_watermark: core.high_watermark(id),
            log_start_offset: core.log_start_offset(id),
            records: core.lag(id),
        };
        self.assigned().into_iter().map(lag).collect()
    }

    /// Closes all streams.
    pub(crate) fn close(self: &Rc<Self>) {
        if self.is_closed.replace(true) {
            return;
        }
        let mut actions = Vec::new();
        let nowhere = self.shared.metadata.borrow();
        self.core.borrow_mut().assign(now(), &*nowhere, &[], &mut actions);
        drop(nowhere);
        self.unpin();
        self.ended.stop();
        self.alarm.stop();
        // With the connections end the streams.
        self.shared.pool.release(self.purpose);
        self.available.notify_all();
    }

    fn name(&self, topic: TopicId) -> Arc<str> {
        let known = self.topics.borrow().get(&topic).cloned();
        known.expect("the topics of assigned partitions are known by name")
    }

    fn unpin(&self) {
        let topics = std::mem::take(&mut *self.topics.borrow_mut());
        let mut metadata = self.shared.metadata.borrow_mut();
        topics.values().for_each(|name| metadata.unpin(now(), name));
    }

    fn step(self: &Rc<Self>, event: ConsumerEvent<'_>) {
        let mut actions = Vec::new();
        self.core.borrow_mut().step(now(), event, &mut actions);
        self.perform(actions);
    }

    fn perform(self: &Rc<Self>, actions: Vec<ConsumerAction>) {
        for action in actions {
            match action {
                ConsumerAction::Connect(destination) => {
                    let queue = self.shared.config.queues.upkeep;
                    drop(self.shared.gate.spawn(queue, self.clone().connect(destination)));
                }
                ConsumerAction::RefreshMetadata(topic) => {
                    self.shared.metadata.borrow_mut().doubt(now(), topic);
                    self.shared.refresh_metadata();
                }
                ConsumerAction::FoundElsewhere(partition, core) => {
                    let is_news = self.shared.metadata.borrow_mut().found_elsewhere(now(), partition, core);
                    if is_news {
                        self.shared.refresh_metadata();
                    }
                }
                ConsumerAction::ListOffsets { query, destination, queries } => {
                    self.list_offsets(query, destination, queries);
                }
                ConsumerAction::OpenStream { destination, open } => self.open_stream(destination, &open),
                // Where these cannot be sent, the connection is over, and with it the stream.
                ConsumerAction::Grant { destination, grant } => {
                    self.link(destination).and_then(|connection| connection.grant(&grant).ok());
                }
                ConsumerAction::Close { destination, stream } => {
                    self.link(destination).and_then(|connection| connection.close_stream(stream).ok());
                }
                ConsumerAction::Reset { partition, wanted, offset } => {
                    let (topic, partition) = (self.name(partition.topic), partition.index);
                    tracing::warn!(%topic, %partition, %wanted, %offset, "the log does not have the wanted offset");
                }
                ConsumerAction::Wake => self.available.notify_all(),
            }
        }
        self.alarm.set(self.core.borrow().next_wakeup());
    }

    async fn watch(self: Rc<Self>) {
        loop {
            let due = self.core.borrow().next_wakeup();
            if !self.alarm.wait(due).await {
                return;
            }
            if due.is_some_and(|due| due <= now()) {
                self.step(ConsumerEvent::TimePassed);
            }
        }
    }

    async fn connect(self: Rc<Self>, destination: Destination) {
        let reached = self.ended.or_stopped(self.shared.reach_destination(destination, self.purpose)).await;
        let connection = match reached {
            None => return,
            Some(Some(Ok(connection))) => connection,
            Some(Some(Err(error))) => {
                tracing::debug!(%destination, %error, "a consumer cannot connect");
                self.shared.doubt_broker(destination.broker);
                return self.step(ConsumerEvent::ConnectFailed { destination });
            }
            Some(None) => {
                self.shared.doubt_broker(destination.broker);
                // The pool, which knows how long to pause, was not asked.
                self.ended.or_stopped(sleep(self.shared.config.retry_backoff.first)).await;
                return self.step(ConsumerEvent::ConnectFailed { destination });
            }
        };
        self.links.borrow_mut().insert(destination, connection.clone());
        self.step(ConsumerEvent::Connected { destination });
        connection.closed().await;
        self.links.borrow_mut().remove(&destination);
        if !self.ended.is_stopped() {
            self.step(ConsumerEvent::Disconnected { destination });
        }
    }

    fn link(&self, destination: Destination) -> Option<Rc<Connection>> {
        self.links.borrow().get(&destination).cloned()
    }

    fn list_offsets(self: &Rc<Self>, query: QueryId, destination: Destination, queries: Vec<OffsetQuery>) {
        let called = self.link(destination).is_some_and(|connection| {
            let request = ListOffsetsRequest { partitions: queries };
            let limit = self.shared.config.request_timeout;
            let handler = self.offsets_handler(query, Rc::downgrade(&connection));
            connection.call(&request, Payload::default(), limit, handler).is_ok()
        });
        if !called {
            self.step(ConsumerEvent::OffsetsLost { query });
        }
    }

    fn offsets_handler(self: &Rc<Self>, query: QueryId, connection: Weak<Connection>) -> CallHandler {
        let weak = Rc::downgrade(self);
        Box::new(move |result| {
            let Some(inner) = weak.upgrade() else { return };
            match result {
                Ok(Answer::Reply(frame)) => match frame.open::<ListOffsetsReply>() {
                    Ok(reply) => {
                        inner.step(ConsumerEvent::OffsetsListed { query, answers: &reply.partitions });
                        // Who reads to an end may stand there now.
                        inner.available.notify_all();
                    }
                    Err(error) => {
                        inner.step(ConsumerEvent::OffsetsLost { query });
                        if let Some(connection) = connection.upgrade() {
                            connection.fail_unreadable(ApiKey::ListOffsets, error);
                        }
                    }
                },
                Ok(Answer::Refused(refusal)) => inner.step(ConsumerEvent::OffsetsRefused { query, refusal }),
                Ok(Answer::Written) | Err(_) => inner.step(ConsumerEvent::OffsetsLost { query }),
            }
        })
    }

    fn open_stream(self: &Rc<Self>, destination: Destination, open: &FetchOpen) {
        let sink = Rc::new(Sink { consumer: Rc::downgrade(self), stream: open.stream });
        let opened = self.link(destination).is_some_and(|connection| connection.open_stream(open, sink).is_ok());
        if !opened {
            self.step(ConsumerEvent::StreamLost { stream: open.stream });
        }
    }
}

/// Brings one stream's frames to the machine.
struct Sink {
    consumer: Weak<ConsumerInner>,
    stream: StreamId,
}

impl Sink {
    fn step(&self, event: ConsumerEvent<'_>) {
        if let Some(consumer) = self.consumer.upgrade() {
            consumer.step(event);
        }
    }
}

impl StreamSink for Sink {
    fn opened(&self, opened: FetchOpened) {
        self.step(ConsumerEvent::Opened { stream: self.stream, opened });
    }

    fn refused(&self, refusal: Refusal) {
        self.step(ConsumerEvent::OpenRefused { stream: self.stream, refusal });
    }

    fn data(&self, data: FetchData, payload: Bytes) {
        self.step(ConsumerEvent::Data { stream: self.stream, data, payload });
    }

    fn ended(&self, refusal: Option<Refusal>) {
        self.step(ConsumerEvent::Ended { stream: self.stream, refusal });
    }

    fn lost(&self) {
        self.step(ConsumerEvent::StreamLost { stream: self.stream });
    }
}

impl RoutesObserver for ConsumerInner {
    fn routes_changed(self: Rc<Self>) {
        let mut actions = Vec::new();
        {
            let metadata = self.shared.metadata.borrow();
            self.core.borrow_mut().step(now(), ConsumerEvent::RoutesChanged(&*metadata), &mut actions);
        }
        self.perform(actions);
    }
}
