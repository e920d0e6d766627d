//! The producer's machine, its connections and its clock.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use base::{PartitionId, PartitionIndex, Timestamp};
use rt::{Notify, now, sleep};
use wire::batch::NewRecord;
use wire::native::{
    Acks, ApiKey, InitProducerReply, InitProducerRequest, Payload, ProducePartition, ProduceReplyView, ProduceRequest,
};

use super::delivery::{DeliveryFuture, Outcome};
use crate::config::ProducerConfig;
use crate::driver::calls::{CallError, ask};
use crate::driver::client::{RoutesObserver, Shared};
use crate::driver::connection::{CallHandler, Connection};
use crate::driver::pool::Purpose;
use crate::driver::stop::{Alarm, Stop};
use crate::error::ClientError;
use crate::machine::accumulator::BatchId;
use crate::machine::connection::{Answer, ConnectionError, NotCalled, NotCalledReason};
use crate::machine::partitioner::{Choice, Partitioner};
use crate::machine::producer::{
    ProduceCall, ProducerAction, ProducerCore, ProducerEvent, ProducerIdentity, RequestId, Sent,
};
use crate::machine::refusal::Refusal;
use crate::machine::route::Destination;

/// What the clones of a producer share.
pub(crate) struct ProducerInner {
    pub(super) shared: Rc<Shared>,
    pub(super) config: ProducerConfig,
    purpose: Purpose,
    core: RefCell<ProducerCore>,
    partitioner: RefCell<Box<dyn Partitioner>>,
    /// The connections that the machine knows of.
    links: RefCell<BTreeMap<Destination, Rc<Connection>>>,
    outcomes: RefCell<BTreeMap<BatchId, Rc<Outcome>>>,
    /// Batches are done, so that there is room for others.
    pub(super) room: Notify,
    alarm: Alarm,
    is_closed: Cell<bool>,
    ended: Stop,
}

impl ProducerInner {
    pub(super) fn start(
        shared: Rc<Shared>,
        config: ProducerConfig,
        partitioner: Box<dyn Partitioner>,
    ) -> Result<Rc<Self>, ClientError> {
        let options = config.options(shared.config.retry_backoff)?;
        let inner = Rc::new(Self {
            purpose: Purpose::Produce(shared.next_owner()),
            core: RefCell::new(ProducerCore::new(options, shared.fork_random())),
            shared,
            config,
            partitioner: RefCell::new(partitioner),
            links: RefCell::default(),
            outcomes: RefCell::default(),
            room: Notify::new(),
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
        if self.is_closed.get() { Err(ClientError::Closed { what: "producer" }) } else { Ok(()) }
    }

    pub(super) fn choose(&self, choice: &Choice<'_>) -> PartitionIndex {
        self.partitioner.borrow_mut().choose(choice)
    }

    pub(super) fn append(
        self: &Rc<Self>,
        topic: &Arc<str>,
        partition: PartitionId,
        record: &NewRecord<'_>,
        timestamp: Timestamp,
    ) -> Result<DeliveryFuture, ClientError> {
        let mut actions = Vec::new();
        let taken = {
            let metadata = self.shared.metadata.borrow();
            self.core.borrow_mut().append(now(), &*metadata, partition, record, &mut actions)
        };
        let delivery = taken.map(|taken| {
            let mut outcomes = self.outcomes.borrow_mut();
            let outcome = outcomes.entry(taken.ticket.batch).or_insert_with(|| Rc::new(Outcome::new(topic.clone())));
            DeliveryFuture::new(outcome.clone(), taken.ticket.index, timestamp)
        });
        self.perform(actions);
        delivery.map_err(|refused| ClientError::Record { topic: topic.clone(), refused })
    }

    pub(super) async fn flush(self: &Rc<Self>) {
        self.step(ProducerEvent::FlushRequested);
        let end = self.core.borrow().next_batch();
        loop {
            let progress = self.room.notified();
            if self.core.borrow().first_incomplete().is_none_or(|batch| batch >= end) {
                return;
            }
            progress.await;
        }
    }

    pub(crate) async fn close(self: &Rc<Self>) {
        self.is_closed.set(true);
        self.flush().await;
        self.end();
    }

    /// Gives up what has not been delivered.
    pub(crate) fn abort(self: &Rc<Self>) {
        self.is_closed.set(true);
        if !self.ended.is_stopped() {
            self.step(ProducerEvent::Aborted);
            self.end();
        }
    }

    pub(super) fn buffered_bytes(&self) -> usize {
        self.core.borrow().buffered_bytes()
    }

    fn end(&self) {
        self.ended.stop();
        self.alarm.stop();
        self.shared.pool.release(self.purpose);
        self.room.notify_all();
    }

    fn step(self: &Rc<Self>, event: ProducerEvent<'_>) {
        let mut actions = Vec::new();
        self.core.borrow_mut().step(now(), event, &mut actions);
        self.perform(actions);
    }

    fn perform(self: &Rc<Self>, actions: Vec<ProducerAction>) {
        let mut is_room_made = false;
        for action in actions {
            match action {
                ProducerAction::Connect(destination) => self.spawn(self.clone().connect(destination)),
                ProducerAction::RequestIdentity => self.spawn(self.clone().request_identity()),
                ProducerAction::RefreshMetadata(topic) => {
                    self.shared.metadata.borrow_mut().doubt(now(), topic);
                    self.shared.refresh_metadata();
                }
                ProducerAction::FoundElsewhere(partition, core) => {
                    let is_news = self.shared.metadata.borrow_mut().found_elsewhere(now(), partition, core);
                    if is_news {
                        self.shared.refresh_metadata();
                    }
                }
                ProducerAction::Send(call) => self.send(&call),
                ProducerAction::BatchClosed(partition) => self.partitioner.borrow_mut().batch_closed(partition),
                ProducerAction::Complete { batch, outcome } => {
                    is_room_made = true;
                    let waiting = self.outcomes.borrow_mut().remove(&batch);
                    waiting.expect("every batch has an outcome until it is done").settle(outcome);
                }
            }
        }
        if is_room_made {
            self.room.notify_all();
        }
        self.alarm.set(self.core.borrow().next_wakeup());
    }

    /// Tasks that cannot be started any more belong to a client that is closing: nobody waits for what they would do.
    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        drop(self.shared.gate.spawn(self.shared.config.queues.upkeep, task));
    }

    async fn watch(self: Rc<Self>) {
        loop {
            let due = self.core.borrow().next_wakeup();
            if !self.alarm.wait(due).await {
                return;
            }
            if due.is_some_and(|due| due <= now()) {
                self.step(ProducerEvent::TimePassed);
            }
        }
    }

    async fn connect(self: Rc<Self>, destination: Destination) {
        let reached = self.ended.or_stopped(self.shared.reach_destination(destination, self.purpose)).await;
        let connection = match reached {
            None => return,
            Some(Some(Ok(connection))) => connection,
            Some(Some(Err(error))) => {
                tracing::debug!(%destination, %error, "a producer cannot connect");
                self.shared.doubt_broker(destination.broker);
                return self.step(ProducerEvent::ConnectFailed { destination });
            }
            Some(None) => {
                self.shared.doubt_broker(destination.broker);
                // The pool, which knows how long to pause, was not asked.
                self.ended.or_stopped(sleep(self.shared.config.retry_backoff.first)).await;
                return self.step(ProducerEvent::ConnectFailed { destination });
            }
        };
        let greeting = connection.greeting();
        self.links.borrow_mut().insert(destination, connection.clone());
        self.step(ProducerEvent::Connected {
            destination,
            requests_in_flight_max: greeting.requests_in_flight_max,
            payload_bytes_max: usize::try_from(greeting.payload_bytes_max).unwrap_or(usize::MAX),
        });
        connection.closed().await;
        self.links.borrow_mut().remove(&destination);
        if !self.ended.is_stopped() {
            self.step(ProducerEvent::Disconnected { destination });
        }
    }

    async fn request_identity(self: Rc<Self>) {
        let event = match self.ended.or_stopped(self.ask_for_identity()).await {
            None => return,
            Some(Ok(identity)) => ProducerEvent::IdentityGiven(identity),
            Some(Err(CallError::Refused(refusal))) => ProducerEvent::IdentityRefused(refusal),
            Some(Err(CallError::Lost(error))) => {
                tracing::debug!(%error, "a producer was given no identity");
                ProducerEvent::IdentityLost
            }
        };
        self.step(event);
    }

    async fn ask_for_identity(&self) -> Result<ProducerIdentity, CallError> {
        let connection = self.shared.control().await.map_err(|error| {
            tracing::debug!(%error, "a producer finds nobody to ask for an identity");
            CallError::Lost(Arc::new(ConnectionError::Closed))
        })?;
        let timeout_ms = u32::try_from(self.shared.config.request_timeout.as_millis()).unwrap_or(u32::MAX);
        let request = InitProducerRequest { transactional_id: None, timeout_ms, previous: None };
        let frame = ask(&connection, &request, self.shared.config.request_timeout).await?;
        let reply: InitProducerReply = frame.open().map_err(|error| {
            connection.fail_unreadable(ApiKey::InitProducer, error);
            CallError::Lost(connection.error().expect("it has just failed"))
        })?;
        Ok(ProducerIdentity { id: reply.producer, epoch: reply.epoch })
    }

    fn send(self: &Rc<Self>, call: &ProduceCall) {
        let (request, destination) = (call.request, call.destination);
        let connection = self.links.borrow().get(&destination).cloned();
        let outcome = match &connection {
            Some(connection) => self.call(connection, call),
            None => Err(NotCalledReason::Closed),
        };
        match outcome {
            Ok(()) => {}
            Err(NotCalledReason::TooLarge(error)) => {
                let code = wire::native::ErrorCode(wire::ErrorCode::MessageTooLarge.code());
                let refusal = Refusal::new(code, Some(&error.to_string()));
                self.step(ProducerEvent::Refused { request, refusal });
            }
            Err(NotCalledReason::Closed | NotCalledReason::Busy { .. }) => {
                self.step(ProducerEvent::Lost { request, sent: Sent::Never });
            }
        }
    }

    fn call(self: &Rc<Self>, connection: &Rc<Connection>, call: &ProduceCall) -> Result<(), NotCalledReason> {
        let mut payload = Payload::default();
        let mut partitions = Vec::with_capacity(call.batches.len());
        for (partition, bytes) in &call.batches {
            let segment =
                payload.push(bytes.clone()).expect("requests are limited to far less than a payload can have");
            partitions.push(ProducePartition { topic: partition.topic, partition: partition.index, segment });
        }
        let limit = self.shared.config.request_timeout;
        // The broker gives up first, so that it can say so, and the connection lives.
        let timeout_ms = u32::try_from(limit.as_millis() * 3 / 4).unwrap_or(u32::MAX);
        let message = ProduceRequest { acks: call.acks, timeout_ms, partitions: &partitions };
        let handler = self.handler(call.request, Rc::downgrade(connection));
        let called = match call.acks {
            Acks::None => connection.tell(&message, payload, handler),
            Acks::Leader | Acks::All => connection.call(&message, payload, limit, handler),
        };
        called.map_err(|NotCalled { reason, .. }| reason)
    }

    fn handler(self: &Rc<Self>, request: RequestId, connection: Weak<Connection>) -> CallHandler {
        let weak = Rc::downgrade(self);
        Box::new(move |result| {
            let Some(inner) = weak.upgrade() else { return };
            match result {
                Ok(Answer::Reply(frame)) => match frame.open::<ProduceReplyView<'_>>() {
                    Ok(reply) => {
                        let partitions: Vec<_> = reply.partitions().collect();
                        let timings = reply.timings();
                        inner.step(ProducerEvent::Answered { request, partitions: &partitions, timings });
                    }
                    Err(error) => {
                        inner.step(ProducerEvent::Lost { request, sent: Sent::Perhaps });
                        if let Some(connection) = connection.upgrade() {
                            connection.fail_unreadable(ApiKey::Produce, error);
                        }
                    }
                },
                Ok(Answer::Refused(refusal)) => inner.step(ProducerEvent::Refused { request, refusal }),
                Ok(Answer::Written) => inner.step(ProducerEvent::Written { request }),
                Err(_) => inner.step(ProducerEvent::Lost { request, sent: Sent::Perhaps }),
            }
        })
    }
}

impl RoutesObserver for ProducerInner {
    fn routes_changed(self: Rc<Self>) {
        let mut actions = Vec::new();
        {
            let metadata = self.shared.metadata.borrow();
            self.core.borrow_mut().step(now(), ProducerEvent::RoutesChanged(&*metadata), &mut actions);
        }
        self.perform(actions);
    }
}
