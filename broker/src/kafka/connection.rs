//! One Kafka connection: requests are read ahead, answers leave in the order of the requests.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;

use base::Bounded;
use bytes::Bytes;
use rt::net::{Accepted, WriteHalf};
use rt::{Flag, Notify};
use shard::task_queues::FOREGROUND;
use wire::kafka::frame::{LENGTH_BYTES, peek_length};
use wire::native::Stage;

use super::Answered;
use super::dispatch::{self, Peer};
use crate::core::Core;
use crate::ending::Ending;
use crate::inbound::{FrameSize, Inbound};
use crate::lanes::Shown;
use crate::limits;
use crate::memory::Held;
use crate::outbound;
use crate::stages::microseconds;

/// Answers that are sent with one call to the kernel, if they are ready together.
const ANSWERS_AT_ONCE: usize = 64;

/// What becomes of one request.
pub(crate) enum Answer {
    /// Short, and waits for nothing but the log: may be asked for before its turn.
    Produced(Answering),
    /// Short as well, and asked for with the first poll. May be asked for before its turn if all before it are of these
    /// two kinds: what another kind does to a group comes first.
    Committed(Answering),
    Other(Answering),
    /// May wait for minutes, with so many bytes of the request.
    Parked(Answering, usize),
}

pub(crate) type Answering = Pin<Box<dyn Future<Output = Answered>>>;

struct Pending {
    answer: Answer,
    held: Held,
    /// Commits behind it are not asked for before it is answered, or, if it is one itself, asked for.
    in_the_way: bool,
}

struct Connection {
    core: Rc<Core>,
    client: Peer,
    pending: RefCell<Bounded<Pending>>,
    pending_bytes: Cell<usize>,
    /// Requests in progress that commits wait for.
    in_the_way: Cell<usize>,
    arrived: Flag,
    room: Notify,
    /// No further requests come.
    ended: Cell<bool>,
    /// The writer is gone.
    broken: Cell<bool>,
    /// The peer is gone.
    gone: Flag,
}

/// Serves a connection to its end.
pub(crate) async fn serve(core: &Rc<Core>, accepted: Accepted, shown: Shown) -> Ending {
    let peer = accepted.peer();
    let (read, write) = match accepted.attach() {
        Ok(halves) => halves,
        Err(error) => return Ending::Io(error),
    };
    let connection = Rc::new(Connection {
        core: Rc::clone(core),
        client: Peer { host: format!("/{}", peer.ip()).into(), shown, waits: Rc::default() },
        pending: RefCell::new(Bounded::new("kafka.connection.requests", core.config.connection_requests_max)),
        pending_bytes: Cell::new(0),
        in_the_way: Cell::new(0),
        arrived: Flag::new(),
        room: Notify::new(),
        ended: Cell::new(false),
        broken: Cell::new(false),
        gone: Flag::new(),
    });
    let writer = rt::spawn(FOREGROUND, Rc::clone(&connection).write_answers(write));
    let mut inbound = Inbound::new(core, read);
    let ending = connection.read_requests(&mut inbound).await;
    connection.ended.set(true);
    connection.arrived.raise();
    if matches!(ending, Ending::Closed | Ending::Cut | Ending::Io(_)) {
        connection.gone.raise();
    }
    let written = writer.await;
    connection.let_appends_end().await;
    written.err().unwrap_or(ending)
}

impl Connection {
    async fn read_requests(self: &Rc<Self>, inbound: &mut Inbound) -> Ending {
        let largest = self.core.config.kafka_request_bytes_max.as_usize();
        let frame_size = |bytes: &[u8]| match peek_length(bytes, largest) {
            Ok(Some(length)) => dispatch::memory_of(&bytes[LENGTH_BYTES..], length).map(|memory| {
                let bytes = length + LENGTH_BYTES;
                memory.map(|memory| FrameSize { bytes, memory: bytes.max(memory) })
            }),
            Ok(None) => Ok(None),
            Err(error) => Err(error.to_string()),
        };
        loop {
            let next = futures_lite::future::or(async { Some(inbound.next(frame_size).await) }, async {
                self.broken().await;
                None
            });
            let (frame, mut held) = match next.await {
                Some(Ok(next)) => next,
                Some(Err(ending)) => return ending,
                None => return Ending::Closed,
            };
            self.turn(&frame[LENGTH_BYTES..]).await;
            if self.broken.get() {
                return Ending::Closed;
            }
            let begun = rt::now();
            let answer = match dispatch::handle(&self.core, &self.client, &frame.slice(LENGTH_BYTES..)) {
                Ok(answer) => answer,
                Err(why) => return Ending::Refused(why),
            };
            self.core.stages.record(Stage::Parse, microseconds(rt::now().since(begun)));
            if let Answer::Parked(_, bytes) = &answer {
                held.resize(held.bytes().min(*bytes));
            }
            drop(frame);
            if self.enqueue(Pending { answer, held, in_the_way: false }).await.is_err() {
                return Ending::Closed;
            }
            rt::yield_if_needed().await;
        }
    }

    /// Waits until a request may be handled, or its answer could not be sent any more.
    async fn turn(&self, frame: &[u8]) {
        let given_up = futures_lite::future::or(self.broken(), self.core.connections.closing());
        futures_lite::future::or(dispatch::turn(&self.core, frame), given_up).await;
    }

    /// Waits for room among the requests in progress.
    async fn enqueue(&self, mut pending: Pending) -> Result<(), ()> {
        let bytes = pending.held.bytes();
        let full = || {
            let crowded = self.pending_bytes.get() + bytes > limits::CONNECTION_REQUEST_BYTES_MAX;
            self.pending.borrow().is_full() || (crowded && self.pending_bytes.get() > 0)
        };
        while full() && !self.broken.get() {
            self.room.notified().await;
        }
        if self.broken.get() {
            if let Answer::Produced(answer) = pending.answer {
                // It is on its way to its log, and its memory counts until it is there.
                drop(answer.await);
            }
            return Err(());
        }
        match &mut pending.answer {
            Answer::Committed(answer) if self.in_the_way.get() == 0 => ask(answer),
            // What it holds must not wait for a fetch before it to have its records.
            Answer::Produced(answer) if self.in_the_way.get() > 0 => {
                let answering = std::mem::replace(answer, Box::pin(std::future::pending()));
                *answer = Box::pin(rt::spawn(FOREGROUND, answering));
            }
            Answer::Produced(_) => {}
            Answer::Committed(_) | Answer::Other(_) | Answer::Parked(..) => {
                pending.in_the_way = true;
                self.in_the_way.set(self.in_the_way.get() + 1);
            }
        }
        self.pending_bytes.set(self.pending_bytes.get() + bytes);
        let pushed = self.pending.borrow_mut().try_push(pending);
        assert!(pushed.is_ok(), "there was room");
        self.arrived.raise();
        Ok(())
    }

    async fn broken(&self) {
        while !self.broken.get() {
            self.room.notified().await;
        }
    }

    async fn write_answers(self: Rc<Self>, mut write: WriteHalf) -> Result<(), Ending> {
        let result = self.write_all(&mut write).await;
        write.shutdown();
        self.broken.set(true);
        self.room.notify_all();
        result
    }

    async fn write_all(&self, write: &mut WriteHalf) -> Result<(), Ending> {
        let mut parts = VecDeque::new();
        loop {
            let next = self.pending.borrow_mut().pop();
            let Some(pending) = next else {
                if self.ended.get() {
                    return Ok(());
                }
                self.arrived.wait().await;
                continue;
            };
            let mut answered = match pending.answer {
                Answer::Produced(answer) => answer.await,
                Answer::Committed(answer) | Answer::Other(answer) | Answer::Parked(answer, _) => {
                    match self.unless_gone(answer).await {
                        Some(answered) => answered,
                        None => return Ok(()),
                    }
                }
            };
            if pending.in_the_way {
                self.in_the_way.set(self.in_the_way.get() - 1);
                self.ask_for_commits();
            }
            let ready = rt::now();
            let mut held = vec![pending.held];
            let mut end = None;
            loop {
                match answered {
                    Answered::Parts(more) => parts.extend(more),
                    Answered::Nothing => {}
                    Answered::Close(why) => {
                        end = Some(Ending::Refused(why));
                        break;
                    }
                }
                match self.next_that_is_ready(held.len()) {
                    Some((next, its)) => {
                        answered = next;
                        held.push(its);
                    }
                    None => break,
                }
            }
            self.send(write, &mut parts).await?;
            self.core.stages.record(Stage::Send, microseconds(rt::now().since(ready)));
            let freed: usize = held.iter().map(Held::bytes).sum();
            self.pending_bytes.set(self.pending_bytes.get() - freed);
            drop(held);
            self.room.notify_all();
            if let Some(ending) = end {
                return Err(ending);
            }
        }
    }

    /// Asks for the commits that nothing is in the way of any more, in their order: one that is read from now on is asked
    /// for at once.
    fn ask_for_commits(&self) {
        for next in self.pending.borrow_mut().iter_mut().filter(|next| next.in_the_way) {
            let Answer::Committed(answer) = &mut next.answer else { return };
            ask(answer);
            next.in_the_way = false;
            self.in_the_way.set(self.in_the_way.get() - 1);
        }
    }

    /// An answer that nobody waits for any more is given up: a fetch might be parked for a minute.
    async fn unless_gone(&self, answer: Answering) -> Option<Answered> {
        let answered = async {
            self.core.answer_memory.near_limit().await;
            Some(answer.await)
        };
        let gone = async {
            self.gone.wait().await;
            None
        };
        futures_lite::future::or(answered, gone).await
    }

    /// What was handed to logs is on its way, and its memory counts until it is there.
    async fn let_appends_end(&self) {
        loop {
            let next = self.pending.borrow_mut().pop();
            match next {
                Some(Pending { answer: Answer::Produced(answer), held, .. }) => {
                    drop(answer.await);
                    drop(held);
                }
                Some(_) => {}
                None => return,
            }
        }
    }

    /// The next answer, if it is there already: what one flush has settled leaves with one call to the kernel.
    fn next_that_is_ready(&self, so_far: usize) -> Option<(Answered, Held)> {
        if so_far >= ANSWERS_AT_ONCE {
            return None;
        }
        let mut pending = self.pending.borrow_mut();
        let (Answer::Produced(front) | Answer::Committed(front)) = &mut pending.front_mut()?.answer else {
            return None;
        };
        let answered = poll_once(front)?;
        pending.pop().map(|front| (answered, front.held))
    }

    async fn send(&self, write: &mut WriteHalf, parts: &mut VecDeque<Bytes>) -> Result<(), Ending> {
        if parts.is_empty() {
            return Ok(());
        }
        let bytes = parts.iter().map(Bytes::len).sum();
        let _sending = self.core.answer_memory.take_now(bytes);
        outbound::send(&self.core, write, parts).await
    }
}

/// Asks without waiting, and keeps what it comes to if that is known at once.
fn ask(answer: &mut Answering) {
    if let Some(answered) = poll_once(answer) {
        *answer = Box::pin(std::future::ready(answered));
    }
}

/// Asks without waiting; when its turn comes it is polled again, with a waker of its own.
fn poll_once(answer: &mut Answering) -> Option<Answered> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match answer.as_mut().poll(&mut context) {
        std::task::Poll::Ready(answered) => Some(answered),
        std::task::Poll::Pending => None,
    }
}
