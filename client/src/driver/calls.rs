//! Questions that somebody waits for.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use wire::native::{ApiKey, Outgoing, Payload};

use super::connection::Connection;
use crate::error::ClientError;
use crate::machine::connection::{Answer, ConnectionError, Frame, NotCalledReason};
use crate::machine::metadata::Address;
use crate::machine::refusal::Refusal;

/// Why a question was not answered.
#[derive(Clone, Debug)]
pub(super) enum CallError {
    Refused(Refusal),
    /// It may have been done all the same, unless it was never sent.
    Lost(Arc<ConnectionError>),
}

impl CallError {
    /// Asking again, perhaps on another connection, may help.
    pub(super) fn is_retriable(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.is_retriable(),
            Self::Lost(_) => true,
        }
    }

    pub(super) fn about(self, connection: &Connection, api: ApiKey, topic: Option<&Arc<str>>) -> ClientError {
        let broker = Address::Socket(connection.addr());
        match self {
            Self::Refused(refusal) => ClientError::Refused { broker, api, topic: topic.cloned(), refusal },
            Self::Lost(error) => ClientError::Connection { broker, api, error },
        }
    }
}

/// Asks, and waits for the answer; first for room, if the broker has all the requests that it takes at once.
pub(super) async fn ask<M: Outgoing>(
    connection: &Connection,
    message: &M,
    limit: Duration,
) -> Result<Frame, CallError> {
    let slot = Rc::new(Slot::default());
    loop {
        let filled = slot.clone();
        let handler = Box::new(move |result| filled.fill(result));
        let Err(not_called) = connection.call(message, Payload::default(), limit, handler) else { break };
        match not_called.reason {
            NotCalledReason::Busy { .. } => connection.room().await,
            NotCalledReason::Closed => {
                let error = connection.error().unwrap_or_else(|| Arc::new(ConnectionError::Closed));
                return Err(CallError::Lost(error));
            }
            NotCalledReason::TooLarge(_) => {
                return Err(CallError::Refused(Refusal::from(wire::ErrorCode::MessageTooLarge)));
            }
        }
    }
    match slot.filled().await {
        Ok(Answer::Reply(frame)) => Ok(frame),
        Ok(Answer::Refused(refusal)) => Err(CallError::Refused(refusal)),
        Ok(Answer::Written) => unreachable!("a call is answered"),
        Err(error) => Err(CallError::Lost(error)),
    }
}

type CallResult = Result<Answer, Arc<ConnectionError>>;

/// Where the answer is left for the one who waits.
#[derive(Default)]
struct Slot {
    result: Cell<Option<CallResult>>,
    waiter: RefCell<Option<Waker>>,
}

impl Slot {
    fn fill(&self, result: CallResult) {
        self.result.set(Some(result));
        let waiter = self.waiter.borrow_mut().take();
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }

    fn filled(&self) -> impl Future<Output = CallResult> {
        poll_fn(|cx| match self.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                *self.waiter.borrow_mut() = Some(cx.waker().clone());
                Poll::Pending
            }
        })
    }
}
