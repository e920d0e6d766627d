//! Why a connection is over.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use wire::native::ApiKey;
use wire::native::MessageError;
use wire::native::frame::FrameError;

use crate::machine::refusal::Refusal;

/// Why a connection could not be made, or had to be given up. Whatever was unanswered on it may or may not have been done.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConnectionError {
    #[error("cannot connect: {reason}")]
    Connect { kind: io::ErrorKind, reason: Arc<str> },
    #[error("cannot find the address of {host}: {reason}")]
    Resolve { host: Arc<str>, reason: Arc<str> },
    #[error("the connection broke: {reason}")]
    Io { kind: io::ErrorKind, reason: Arc<str> },
    #[error("the broker closed the connection")]
    Closed,
    #[error("the broker closed the connection in the middle of a frame")]
    Torn,
    #[error("the broker did not answer a request of API {api:?} within {limit:?}")]
    Timeout { api: ApiKey, limit: Duration },
    #[error("the broker refused the connection: {0}")]
    Refused(Refusal),
    #[error("this is no Corelane broker, or the connection is damaged: {0}")]
    Frame(#[from] FrameError),
    #[error("the broker broke the protocol: {what}")]
    Protocol { what: &'static str },
    #[error("the broker sent a message of API {api:?} that cannot be read: {error}")]
    Message { api: ApiKey, error: MessageError },
    /// We ended it ourselves.
    #[error("the client was closed")]
    ClientClosed,
}

impl ConnectionError {
    /// One of both sides does not speak the protocol: another connection will hardly be better.
    pub fn is_misunderstanding(&self) -> bool {
        match self {
            Self::Refused(_) | Self::Frame(_) | Self::Protocol { .. } | Self::Message { .. } => true,
            Self::Connect { .. }
            | Self::Resolve { .. }
            | Self::Io { .. }
            | Self::Closed
            | Self::Torn
            | Self::Timeout { .. }
            | Self::ClientClosed => false,
        }
    }

    pub fn io(error: &io::Error) -> Self {
        Self::Io { kind: error.kind(), reason: error.to_string().into() }
    }

    pub fn connect(error: &io::Error) -> Self {
        Self::Connect { kind: error.kind(), reason: error.to_string().into() }
    }
}
