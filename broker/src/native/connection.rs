//! One native connection.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use rt::net::Accepted;
use shard::task_queues::FOREGROUND;
use wire::ErrorCode;
use wire::native::frame::{FrameBuilder, FrameParts, FramePrefix, Limits, PREFIX_BYTES, peek};
use wire::native::{ApiKey, CorrelationId, Incoming, Outgoing, Payload, Role, Stage, StreamId};

use super::error_reply;
use super::outbox::Outbox;
use super::streams::Stream;
use crate::core::Core;
use crate::ending::Ending;
use crate::inbound::{FrameSize, Inbound};
use crate::limits;
use crate::memory::Held;
use crate::refusal::Refusal;
use crate::stages::microseconds;

pub(super) struct Connection {
    pub(super) core: Rc<Core>,
    pub(super) outbox: Outbox,
    pub(super) limits: Limits,
    frames: RefCell<FrameBuilder>,
    in_progress: Cell<usize>,
    pub(super) greeted: Cell<bool>,
    pub(super) streams: RefCell<BTreeMap<StreamId, Rc<Stream>>>,
}

/// A request that has arrived whole.
pub(super) struct Arrived {
    pub(super) prefix: FramePrefix,
    pub(super) frame: Bytes,
    held: Cell<Option<Held>>,
}

impl Arrived {
    fn header(&self) -> &[u8] {
        &self.frame[PREFIX_BYTES..PREFIX_BYTES + self.prefix.header_bytes()]
    }

    /// Where the payload begins in the frame.
    pub(super) fn payload_at(&self) -> usize {
        PREFIX_BYTES + self.prefix.header_bytes()
    }

    /// The request's memory, for whoever works on it longer than this lives.
    pub(super) fn take_held(&self) -> Option<Held> {
        self.held.take()
    }

    /// Reads the request's header; what is wrong with it is said to the client.
    pub(super) fn open<'a, M: Incoming<'a>>(&'a self) -> Result<M, Refusal> {
        M::open(self.header(), self.prefix.payload_length())
            .map_err(|error| Refusal::new(ErrorCode::InvalidRequest, error.to_string()))
    }
}

/// Serves a connection to its end.
pub(crate) async fn serve(core: &Rc<Core>, accepted: Accepted) -> Ending {
    let (read, write) = match accepted.attach() {
        Ok(halves) => halves,
        Err(error) => return Ending::Io(error),
    };
    let payload_max = u32::try_from(core.config.native_payload_bytes_max.bytes()).expect("the setting's bound");
    let limits = Limits::new(payload_max);
    let connection = Rc::new(Connection {
        core: Rc::clone(core),
        outbox: Outbox::new(),
        limits,
        frames: RefCell::new(FrameBuilder::new(limits)),
        in_progress: Cell::new(0),
        greeted: Cell::new(false),
        streams: RefCell::default(),
    });
    let sending = Rc::clone(&connection);
    let writer = rt::spawn(FOREGROUND, async move { sending.outbox.send_all(&sending.core, write).await });
    let mut inbound = Inbound::new(core, read);
    let ending = connection.read_requests(&mut inbound).await;
    for stream in connection.streams.take().into_values() {
        stream.close();
    }
    connection.finish_requests().await;
    connection.outbox.end();
    let written = writer.await;
    written.err().unwrap_or(ending)
}

impl Connection {
    async fn read_requests(self: &Rc<Self>, inbound: &mut Inbound) -> Ending {
        let frame_size = |bytes: &[u8]| match peek(bytes, &self.limits) {
            Ok(prefix) => Ok(prefix.map(|prefix| FrameSize {
                bytes: prefix.frame_bytes(),
                memory: prefix.frame_bytes() + prefix.header_bytes() * limits::NATIVE_HEADER_EXPANSION,
            })),
            Err(error) => Err(error.to_string()),
        };
        loop {
            while self.in_progress.get() >= self.core.config.connection_requests_max && !self.outbox.is_broken() {
                self.outbox.progress().await;
            }
            if !self.may_answer().await {
                return Ending::Stopping;
            }
            let next = futures_lite::future::or(async { Some(inbound.next(frame_size).await) }, async {
                self.broken().await;
                None
            });
            let (frame, held) = match next.await {
                Some(Ok(next)) => next,
                Some(Err(ending)) => return ending,
                None => return Ending::Closed,
            };
            self.turn(&frame).await;
            let begun = rt::now();
            if let Err(why) = self.take(frame, held) {
                return Ending::Refused(why);
            }
            self.core.stages.record(Stage::Parse, microseconds(rt::now().since(begun)));
            rt::yield_if_needed().await;
        }
    }

    /// Waits until answers to further requests have room; false when the broker stops.
    async fn may_answer(&self) -> bool {
        let room = async {
            self.outbox.room().await;
            self.core.answer_memory.near_limit().await;
            true
        };
        let stopping = async {
            self.core.connections.closing().await;
            false
        };
        futures_lite::future::or(room, stopping).await
    }

    /// Waits until a request may be taken, or its answer could not be sent any more.
    async fn turn(&self, frame: &[u8]) {
        let prefix = peek(frame, &self.limits).ok().flatten();
        if prefix.and_then(|prefix| prefix.api_key()) == Some(ApiKey::Produce) {
            let given_up = futures_lite::future::or(self.broken(), self.core.connections.closing());
            futures_lite::future::or(self.core.room_among_held(), given_up).await;
        }
    }

    async fn broken(&self) {
        while !self.outbox.is_broken() {
            self.outbox.progress().await;
        }
    }

    /// Lets requests in progress come to their answers.
    async fn finish_requests(&self) {
        while self.in_progress.get() > 0 && !self.outbox.is_broken() {
            self.outbox.progress().await;
        }
    }

    /// Starts the work of a frame; an error is one after which nothing can be understood.
    fn take(self: &Rc<Self>, frame: Bytes, held: Held) -> Result<(), String> {
        let prefix = peek(&frame, &self.limits).map_err(|error| error.to_string())?.ok_or("a frame lost its prefix")?;
        let arrived = Arrived { prefix, frame, held: Cell::new(Some(held)) };
        prefix.check_header(arrived.header()).map_err(|error| error.to_string())?;
        if prefix.role != Role::Request && prefix.role != Role::Push {
            return Err(format!("a client does not send frames of role {:?}", prefix.role));
        }
        super::requests::take(self, arrived)
    }

    /// Answers a request now.
    pub(super) fn reply<M: Outgoing>(&self, correlation: CorrelationId, message: &M) {
        let built = self.frames.borrow_mut().frame(correlation, message);
        self.push(built, None);
    }

    pub(super) fn refuse(&self, prefix: &FramePrefix, refusal: &Refusal) {
        let built = self.frames.borrow_mut().error(prefix, &error_reply(refusal));
        self.push(built, None);
    }

    /// Pushes what belongs to the stream that the request with this correlation id opened, with the memory that was
    /// taken for it.
    pub(super) fn push_with_payload<M: Outgoing>(
        &self,
        correlation: CorrelationId,
        message: &M,
        payload: Payload,
        held: Option<Held>,
    ) {
        let built = self.frames.borrow_mut().frame_with_payload(correlation, message, payload);
        self.push(built, held);
    }

    fn push(&self, built: Result<FrameParts, wire::native::frame::FrameError>, held: Option<Held>) {
        match built {
            Ok(frame) => {
                let bytes = frame.frame_bytes();
                let held = match held {
                    Some(mut held) => {
                        held.resize(bytes);
                        held
                    }
                    None => self.core.answer_memory.take_now(bytes),
                };
                self.outbox.push(frame, held);
            }
            Err(error) => tracing::error!(%error, "an answer cannot be written"),
        }
    }

    /// Answers a request once its work is done. The request counts as in progress, and holds its memory, until then.
    pub(super) fn later(self: &Rc<Self>, arrived: &Arrived, work: impl Future<Output = ()> + 'static) {
        let held = arrived.take_held();
        self.in_progress.set(self.in_progress.get() + 1);
        let connection = Rc::clone(self);
        drop(rt::spawn(FOREGROUND, async move {
            work.await;
            drop(held);
            connection.in_progress.set(connection.in_progress.get() - 1);
            connection.outbox.wake();
        }));
    }
}
