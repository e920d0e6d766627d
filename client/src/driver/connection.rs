//! A connection on a socket: a task that reads, a task that writes, and one that watches the time.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_lite::future::or;
use rt::net::{ReadHalf, WriteHalf};
use rt::{Flag, Gate, Notify, TaskQueue, now, yield_if_needed};
use wire::native::{ApiKey, FetchData, FetchGrant, FetchOpen, FetchOpened, Outgoing, Payload, StreamId};

use super::stop::{Alarm, Stop};
use crate::machine::connection::{
    Answer, ConnectionCore, ConnectionError, ConnectionEvent, ConnectionOptions, Greeting, NotCalled, NotCalledReason,
};
use crate::machine::refusal::Refusal;

/// Hears what came of a call, once. It runs in the task that reads, and may call again.
pub(super) type CallHandler = Box<dyn FnOnce(Result<Answer, Arc<ConnectionError>>)>;

/// Takes what a stream brings. It runs in the task that reads, and may call again.
pub(super) trait StreamSink {
    fn opened(&self, opened: FetchOpened);
    fn refused(&self, refusal: Refusal);
    fn data(&self, data: FetchData, payload: Bytes);
    fn ended(&self, refusal: Option<Refusal>);
    fn lost(&self);
}

type Core = ConnectionCore<CallHandler, Rc<dyn StreamSink>>;

/// What connections are made with.
#[derive(Clone, Debug)]
pub(super) struct ConnectionSettings {
    pub(super) options: ConnectionOptions,
    pub(super) connect_timeout: Duration,
    pub(super) software: Arc<str>,
    pub(super) version: Arc<str>,
    pub(super) queue: TaskQueue,
}

/// See the module.
pub(super) struct Connection {
    addr: SocketAddr,
    core: RefCell<Core>,
    /// Why it is over.
    error: RefCell<Option<Arc<ConnectionError>>>,
    over: Stop,
    to_write: Flag,
    alarm: Alarm,
    greeted: Stop,
    /// An answer has come, so that another request may be sent.
    room: Notify,
}

impl Connection {
    /// Connects, and waits for the greeting, unless `given_up` resolves first. The tasks run under the gate until the
    /// connection is over.
    pub(super) async fn open(
        addr: SocketAddr,
        settings: &ConnectionSettings,
        gate: &Gate,
        mut given_up: impl Future<Output = ()> + Unpin,
    ) -> Result<Rc<Self>, Arc<ConnectionError>> {
        let connecting = async { Some(rt::net::connect(addr, settings.connect_timeout).await) };
        let abandoned = async {
            (&mut given_up).await;
            None
        };
        let connected = or(abandoned, connecting).await.ok_or(ConnectionError::ClientClosed)?;
        let (read, write) = connected.map_err(|error| ConnectionError::connect(&error))?;
        let core = Core::new(settings.options, now(), &settings.software, &settings.version);
        let connection = Rc::new(Self {
            addr,
            core: RefCell::new(core),
            error: RefCell::new(None),
            over: Stop::default(),
            to_write: Flag::new(),
            alarm: Alarm::default(),
            greeted: Stop::default(),
            room: Notify::new(),
        });
        let started = gate
            .spawn(settings.queue, connection.clone().write_all(write))
            .and_then(|_| gate.spawn(settings.queue, connection.clone().read_all(read)))
            .and_then(|_| gate.spawn(settings.queue, connection.clone().watch()));
        if started.is_err() {
            connection.fail(ConnectionError::ClientClosed);
        }
        or(given_up, connection.greeted.stopped()).await;
        if !connection.greeted.is_stopped() {
            connection.fail(ConnectionError::ClientClosed);
        }
        match connection.error() {
            None => Ok(connection),
            Some(error) => Err(error),
        }
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(super) fn greeting(&self) -> Arc<Greeting> {
        self.core.borrow().greeting().expect("an open connection has been greeted").clone()
    }

    pub(super) fn is_open(&self) -> bool {
        !self.over.is_stopped()
    }

    /// Why it is over; `None` while it is not.
    pub(super) fn error(&self) -> Option<Arc<ConnectionError>> {
        self.error.borrow().clone()
    }

    pub(super) async fn closed(&self) -> Arc<ConnectionError> {
        self.over.stopped().await;
        self.error().expect("a connection that is over has a reason")
    }

    pub(super) fn call<M: Outgoing>(
        &self,
        message: &M,
        payload: Payload,
        limit: Duration,
        handler: CallHandler,
    ) -> Result<(), NotCalled<CallHandler>> {
        self.core.borrow_mut().call(now(), message, payload, limit, handler)?;
        self.sent();
        Ok(())
    }

    /// Sends what is not answered. The handler hears when it was written.
    pub(super) fn tell<M: Outgoing>(
        &self,
        message: &M,
        payload: Payload,
        handler: CallHandler,
    ) -> Result<(), NotCalled<CallHandler>> {
        self.core.borrow_mut().tell(message, payload, handler)?;
        self.sent();
        Ok(())
    }

    pub(super) fn open_stream(
        &self,
        open: &FetchOpen,
        sink: Rc<dyn StreamSink>,
    ) -> Result<(), NotCalled<Rc<dyn StreamSink>>> {
        self.core.borrow_mut().open_stream(now(), open, sink)?;
        self.sent();
        Ok(())
    }

    pub(super) fn grant(&self, grant: &FetchGrant) -> Result<(), NotCalledReason> {
        self.core.borrow_mut().mention(grant)?;
        self.sent();
        Ok(())
    }

    pub(super) fn close_stream(&self, stream: StreamId) -> Result<(), NotCalledReason> {
        self.core.borrow_mut().close_stream(now(), stream)?;
        self.sent();
        Ok(())
    }

    /// Resolves when another request may fit the broker's limit, or the connection is over.
    pub(super) async fn room(&self) {
        let room = self.room.notified();
        self.over.or_stopped(room).await;
    }

    /// Ends the connection. Everybody who waits for something on it hears of it before this returns.
    pub(super) fn fail(&self, error: ConnectionError) {
        if self.over.is_stopped() {
            return;
        }
        let error = Arc::new(error);
        if error.is_misunderstanding() {
            tracing::warn!(addr = %self.addr, %error, "a connection is given up");
        } else {
            tracing::debug!(addr = %self.addr, %error, "a connection is over");
        }
        *self.error.borrow_mut() = Some(error.clone());
        let (calls, streams) = self.core.borrow_mut().close();
        self.over.stop();
        self.greeted.stop();
        self.alarm.stop();
        self.to_write.raise();
        calls.into_iter().for_each(|call| call(Err(error.clone())));
        streams.into_iter().for_each(|stream| stream.lost());
    }

    /// A message of the broker's made no sense to whoever waited for it.
    pub(super) fn fail_unreadable(&self, api: ApiKey, error: wire::native::MessageError) {
        self.fail(ConnectionError::Message { api, error });
    }

    /// Something is to be written, and perhaps answered in time.
    fn sent(&self) {
        self.to_write.raise();
        self.alarm.set(self.core.borrow().next_wakeup());
    }

    async fn write_all(self: Rc<Self>, mut write: WriteHalf) {
        let mut parts = VecDeque::new();
        while self.is_open() {
            let end = self.core.borrow_mut().take_outbound(&mut parts);
            if parts.is_empty() {
                self.to_write.wait().await;
                continue;
            }
            match self.over.or_stopped(write.write_parts(&mut parts)).await {
                Some(Ok(())) => self.written(end),
                Some(Err(error)) => self.fail(ConnectionError::io(&error)),
                None => {}
            }
            yield_if_needed().await;
        }
        // Wakes the task that reads.
        write.shutdown();
    }

    fn written(&self, end: u64) {
        loop {
            let Some(call) = self.core.borrow_mut().next_written(end) else { return };
            call(Ok(Answer::Written));
        }
    }

    async fn read_all(self: Rc<Self>, mut read: ReadHalf) {
        while self.is_open() {
            let mut buffer = self.core.borrow_mut().lend_buffer();
            let result = read.read(&mut buffer).await;
            self.core.borrow_mut().restore_buffer(buffer);
            match result {
                Ok(0) => {
                    let error = self.core.borrow().ended();
                    self.fail(error);
                }
                Ok(_) => self.receive().await,
                Err(error) => self.fail(ConnectionError::io(&error)),
            }
        }
    }

    async fn receive(&self) {
        loop {
            let event = self.core.borrow_mut().next_event(now());
            match event {
                Ok(Some(event)) => self.handle(event),
                Ok(None) => return,
                Err(error) => return self.fail(error),
            }
            yield_if_needed().await;
        }
    }

    fn handle(&self, event: ConnectionEvent<CallHandler, Rc<dyn StreamSink>>) {
        match event {
            ConnectionEvent::Greeted => self.greeted.stop(),
            ConnectionEvent::Answered { call, answer } => {
                call(Ok(answer));
                self.room.notify_all();
            }
            ConnectionEvent::StreamOpened { stream, opened } => {
                stream.opened(opened);
                self.room.notify_all();
            }
            ConnectionEvent::StreamRefused { stream, refusal } => {
                stream.refused(refusal);
                self.room.notify_all();
            }
            ConnectionEvent::StreamData { stream, data, payload } => return stream.data(data, payload),
            ConnectionEvent::StreamEnded { stream, refusal } => stream.ended(refusal),
        }
        // Once nothing is owed, it may be time to ask whether the broker is alive.
        self.alarm.set(self.core.borrow().next_wakeup());
    }

    async fn watch(self: Rc<Self>) {
        loop {
            let due = self.core.borrow().next_wakeup();
            if !self.alarm.wait(due).await {
                return;
            }
            let outcome = self.core.borrow_mut().time_passed(now());
            match outcome {
                Ok(()) if self.core.borrow().has_outbound() => self.to_write.raise(),
                Ok(()) => {}
                Err(error) => return self.fail(error),
            }
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (addr, error) = (&self.addr, &self.error);
        f.debug_struct("Connection").field("addr", addr).field("error", error).finish_non_exhaustive()
    }
}
