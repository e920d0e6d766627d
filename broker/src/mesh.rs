//! Messages between cores: calls with answers, in order along each lane.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use base::{Bounded, CoreId};
use rt::{Flag, LaneReceiver, LaneRefused, LaneSender, Mesh as Lanes};
use shard::task_queues::FOREGROUND;
use wire::ErrorCode;

use crate::limits;
use crate::messages::{Reply, Request};
use crate::refusal::Refusal;

/// What one lane may hold back: calls, and for each call of either side an answer or a cancellation.
const OVERFLOW_MAX: usize = limits::LANE_OVERFLOW_MAX + 2 * (limits::CALLS_MAX + limits::GROUP_CALLS_MAX + 4);

/// Names a call on the core that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CallId(u64);

/// What a lane carries.
pub(crate) enum Message {
    Call {
        id: CallId,
        request: Request,
    },
    Answer {
        id: CallId,
        reply: Reply,
    },
    /// Nobody waits for this call any more; it may be answered early.
    Cancel {
        id: CallId,
    },
}

/// What a call counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    /// A wait that is given up when nobody waits for it any more.
    Wait,
    /// It may stay open for minutes.
    Group,
    /// It stays open as long as a fetch session, and is given up with it.
    Follow,
    /// A core that missed it would go without its topics for ever; the controller sends them one at a time.
    Must,
}

#[derive(Default)]
struct Calls {
    open: BTreeMap<CallId, (Kind, Waiting)>,
    /// Those of them that are about groups.
    groups: usize,
    /// Those that stay open for fetch sessions.
    follows: usize,
}

enum Waiting {
    Open(Option<Waker>),
    Answered(Reply),
    /// Nobody waits; it counts until its answer has come.
    Abandoned,
}

struct Outbound {
    sender: LaneSender<Message>,
    overflow: RefCell<Bounded<Message>>,
    overflowed: Flag,
    /// What overflowed is being brought; nothing may overtake it.
    draining: Cell<bool>,
}

/// One core's end of the mesh.
pub(crate) struct Mesh {
    core: CoreId,
    outbound: BTreeMap<CoreId, Rc<Outbound>>,
    calls: RefCell<Calls>,
    next: Cell<u64>,
}

/// An answer that is on its way. Dropping it forgets the answer; of requests, only a wait is given up.
pub(crate) struct Call {
    mesh: Rc<Mesh>,
    to: CoreId,
    id: Result<CallId, Option<Refusal>>,
    kind: Kind,
}

impl Mesh {
    /// Takes the connected lanes; the receivers are given to [`serve`](Self::serve)'s caller.
    pub(crate) fn new(core: CoreId, lanes: &mut Lanes<Message>) -> (Rc<Self>, Vec<(CoreId, LaneReceiver<Message>)>) {
        let others = CoreId::all(lanes.cores()).filter(|other| *other != core);
        let outbound = others.map(|other| {
            let overflow = Bounded::new("mesh.overflow", OVERFLOW_MAX);
            let sender = lanes.sender(other);
            (
                other,
                Rc::new(Outbound {
                    sender,
                    overflow: RefCell::new(overflow),
                    overflowed: Flag::new(),
                    draining: Cell::new(false),
                }),
            )
        });
        let mesh = Rc::new(Self { core, outbound: outbound.collect(), calls: RefCell::default(), next: Cell::new(0) });
        for outbound in mesh.outbound.values() {
            drop(rt::spawn(FOREGROUND, Rc::clone(outbound).drain()));
        }
        (mesh, lanes.take_receivers())
    }

    /// Sends a request to another core. The place in the lane is taken at once, so that calls arrive in order.
    pub(crate) fn call(self: &Rc<Self>, to: CoreId, request: Request) -> Call {
        let kind = Kind::of(&request);
        let id = self.start(to, kind, request);
        Call { mesh: Rc::clone(self), to, id: id.map_err(Some), kind }
    }

    fn start(&self, to: CoreId, kind: Kind, request: Request) -> Result<CallId, Refusal> {
        self.calls.borrow().admit(kind)?;
        if self.lane(to).overflow.borrow().len() >= limits::LANE_OVERFLOW_MAX && kind != Kind::Must {
            return Err(overloaded("mesh.overflow", limits::LANE_OVERFLOW_MAX));
        }
        let id = CallId(self.next.replace(self.next.get() + 1));
        self.send(to, Message::Call { id, request })?;
        self.calls.borrow_mut().insert(id, kind);
        Ok(id)
    }

    /// Calls that are not answered yet.
    pub(crate) fn open_calls(&self) -> usize {
        self.calls.borrow().open.len()
    }

    pub(crate) fn answer(&self, to: CoreId, id: CallId, reply: Reply) {
        if self.send(to, Message::Answer { id, reply }).is_err() {
            tracing::debug!(from = %self.core, %to, "the asking core has stopped");
        }
    }

    /// Takes an answer that a lane has brought.
    pub(crate) fn take_answer(&self, id: CallId, reply: Reply) {
        let mut calls = self.calls.borrow_mut();
        let (_, waiting) = calls.open.get_mut(&id).expect("a call counts until its answer has come");
        match std::mem::replace(waiting, Waiting::Answered(reply)) {
            Waiting::Open(Some(waker)) => waker.wake(),
            Waiting::Open(None) => {}
            Waiting::Abandoned => drop(calls.remove(id)),
            Waiting::Answered(_) => panic!("a call was answered twice"),
        }
    }

    fn lane(&self, to: CoreId) -> &Rc<Outbound> {
        self.outbound.get(&to).unwrap_or_else(|| panic!("there is no lane from core {} to {to}", self.core))
    }

    fn send(&self, to: CoreId, message: Message) -> Result<(), Refusal> {
        let outbound = self.lane(to);
        let refused = if outbound.overflow.borrow().is_empty() && !outbound.draining.get() {
            match outbound.sender.try_send(message) {
                Ok(()) => return Ok(()),
                Err(LaneRefused::Full(message)) => message,
                Err(LaneRefused::Closed(_)) => {
                    return Err(Refusal::new(ErrorCode::BrokerNotAvailable, format!("core {to} has stopped")));
                }
            }
        } else {
            message
        };
        let pushed = outbound.overflow.borrow_mut().try_push(refused);
        assert!(pushed.is_ok(), "calls were counted before, and answers and cancellations belong to calls");
        outbound.overflowed.raise();
        Ok(())
    }
}

impl Kind {
    fn of(request: &Request) -> Self {
        match request {
            Request::Wait(..) | Request::Await(..) => Self::Wait,
            Request::Follow | Request::Moves { .. } => Self::Follow,
            Request::Group(..) => Self::Group,
            Request::View(_) | Request::ShowView | Request::Hold(_) | Request::HandOver(_) | Request::TakeOver(_) => {
                Self::Must
            }
            _ => Self::Plain,
        }
    }
}

impl Calls {
    /// Calls about groups have a limit of their own, those for fetch sessions another, and the others a third.
    fn admit(&self, kind: Kind) -> Result<(), Refusal> {
        match kind {
            Kind::Must => Ok(()),
            Kind::Group if self.groups >= limits::GROUP_CALLS_MAX => {
                Err(overloaded("mesh.group_calls", limits::GROUP_CALLS_MAX))
            }
            Kind::Follow if self.follows >= limits::FOLLOW_CALLS_MAX => {
                Err(overloaded("mesh.follow_calls", limits::FOLLOW_CALLS_MAX))
            }
            Kind::Plain | Kind::Wait if self.open.len() - self.groups - self.follows >= limits::CALLS_MAX => {
                Err(overloaded("mesh.calls", limits::CALLS_MAX))
            }
            Kind::Group | Kind::Follow | Kind::Plain | Kind::Wait => Ok(()),
        }
    }

    fn insert(&mut self, id: CallId, kind: Kind) {
        self.groups += usize::from(kind == Kind::Group);
        self.follows += usize::from(kind == Kind::Follow);
        self.open.insert(id, (kind, Waiting::Open(None)));
    }

    fn remove(&mut self, id: CallId) -> Option<Waiting> {
        let (kind, waiting) = self.open.remove(&id)?;
        self.groups -= usize::from(kind == Kind::Group);
        self.follows -= usize::from(kind == Kind::Follow);
        Some(waiting)
    }
}

fn overloaded(queue: &str, limit: usize) -> Refusal {
    Refusal::new(ErrorCode::RequestTimedOut, format!("queue {queue} is full at its limit of {limit}"))
}

impl Outbound {
    /// Brings what did not fit into the lane, in order.
    async fn drain(self: Rc<Self>) {
        loop {
            self.overflowed.wait().await;
            self.draining.set(true);
            loop {
                let next = self.overflow.borrow_mut().pop();
                let Some(message) = next else { break };
                if self.sender.send(message).await.is_err() {
                    return;
                }
            }
            self.draining.set(false);
        }
    }
}

impl Call {
    /// A call that was refused before it was made.
    pub(crate) fn refused(mesh: &Rc<Mesh>, to: CoreId, refusal: Refusal) -> Self {
        Self { mesh: Rc::clone(mesh), to, id: Err(Some(refusal)), kind: Kind::Plain }
    }

    /// How the other core names the call; `None` when it was refused.
    pub(crate) fn id(&self) -> Option<CallId> {
        self.id.as_ref().ok().copied()
    }
}

impl Future for Call {
    type Output = Result<Reply, Refusal>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let id = match &mut self.id {
            Ok(id) => *id,
            Err(refusal) => return Poll::Ready(Err(refusal.take().expect("a call is awaited once"))),
        };
        let mut calls = self.mesh.calls.borrow_mut();
        let (_, waiting) = calls.open.get_mut(&id).expect("a call is awaited once");
        match waiting {
            Waiting::Open(waker) => {
                *waker = Some(context.waker().clone());
                Poll::Pending
            }
            Waiting::Answered(_) => match calls.remove(id) {
                Some(Waiting::Answered(reply)) => Poll::Ready(Ok(reply)),
                _ => unreachable!("it was looked at"),
            },
            Waiting::Abandoned => unreachable!("only a call that is dropped is abandoned"),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let Ok(id) = self.id else { return };
        let mut calls = self.mesh.calls.borrow_mut();
        match calls.open.get_mut(&id) {
            Some((_, waiting @ Waiting::Open(_))) => *waiting = Waiting::Abandoned,
            Some(_) => return drop(calls.remove(id)),
            None => return,
        }
        drop(calls);
        if matches!(self.kind, Kind::Wait | Kind::Follow) {
            // If the other core has stopped, nothing waits there.
            let _ = self.mesh.send(self.to, Message::Cancel { id });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(kind: Kind, count: usize) -> Calls {
        let mut calls = Calls::default();
        for id in 0..count {
            calls.insert(CallId(id as u64), kind);
        }
        calls
    }

    #[test]
    fn members_that_wait_for_their_group_take_no_place_from_appends() {
        let mut calls = with(Kind::Group, limits::GROUP_CALLS_MAX);
        assert_eq!(calls.admit(Kind::Plain), Ok(()));
        assert_eq!(calls.admit(Kind::Group), Err(overloaded("mesh.group_calls", limits::GROUP_CALLS_MAX)));
        assert!(calls.remove(CallId(0)).is_some());
        assert_eq!(calls.admit(Kind::Group), Ok(()));
    }

    #[test]
    fn fetch_sessions_take_no_place_from_appends() {
        let mut calls = with(Kind::Follow, limits::FOLLOW_CALLS_MAX);
        assert_eq!(calls.admit(Kind::Follow), Err(overloaded("mesh.follow_calls", limits::FOLLOW_CALLS_MAX)));
        assert_eq!(calls.admit(Kind::Plain), Ok(()));
        calls.remove(CallId(0));
        assert_eq!(calls.admit(Kind::Follow), Ok(()));
    }

    #[test]
    fn appends_take_no_place_from_groups_and_none_from_the_controller() {
        let calls = with(Kind::Plain, limits::CALLS_MAX);
        assert_eq!(calls.admit(Kind::Plain), Err(overloaded("mesh.calls", limits::CALLS_MAX)));
        assert_eq!(calls.admit(Kind::Group), Ok(()));
        assert_eq!(calls.admit(Kind::Follow), Ok(()));
        assert_eq!(calls.admit(Kind::Must), Ok(()));
    }
}
