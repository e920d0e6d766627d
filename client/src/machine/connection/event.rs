//! What goes into a connection and what comes out of it.

use std::sync::Arc;
use std::time::Duration;

use base::{BrokerId, CoreId};
use bytes::Bytes;
use wire::native::frame::FrameError;
use wire::native::{FetchData, FetchOpened};

use super::Frame;
use crate::machine::refusal::Refusal;

/// What a connection is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionOptions {
    /// A greeting, the opening of a stream and its end are answered within this.
    pub request_timeout: Duration,
    /// A connection with open streams that has heard nothing for so long asks whether the broker is alive.
    pub keepalive: Duration,
}

/// Who answers, and how it wants to be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    pub software: Arc<str>,
    pub version: Arc<str>,
    pub cluster_id: Arc<str>,
    pub broker: BrokerId,
    /// The core that serves this connection.
    pub core: CoreId,
    pub core_count: u16,
    pub requests_in_flight_max: usize,
    pub payload_bytes_max: u32,
    /// Host and port of each core, in their order. Empty when cores have none of their own.
    pub core_endpoints: Vec<(Arc<str>, u16)>,
}

/// What came of a call.
#[derive(Clone, Debug)]
pub enum Answer {
    Reply(Frame),
    Refused(Refusal),
    /// A request that is never answered has been handed to the kernel.
    Written,
}

/// What the broker's bytes meant. `C` is whatever waits for a call's answer, `S` whatever takes what a stream brings.
#[derive(Clone, Debug)]
pub enum ConnectionEvent<C, S> {
    /// Calls may be made now.
    Greeted,
    Answered {
        call: C,
        answer: Answer,
    },
    StreamOpened {
        stream: S,
        opened: FetchOpened,
    },
    /// The stream was never open.
    StreamRefused {
        stream: S,
        refusal: Refusal,
    },
    StreamData {
        stream: S,
        data: FetchData,
        payload: Bytes,
    },
    /// `None` when the stream was closed as we wished.
    StreamEnded {
        stream: S,
        refusal: Option<Refusal>,
    },
}

/// A call that was not made; its waiter comes back.
#[derive(Debug)]
pub struct NotCalled<T> {
    pub waiter: T,
    pub reason: NotCalledReason,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCalledReason {
    #[error("the connection is closed")]
    Closed,
    #[error("{limit} requests are unanswered, which is the broker's limit")]
    Busy { limit: usize },
    #[error("the request is larger than the broker accepts: {0}")]
    TooLarge(FrameError),
}
