//! The two protocols that a load may speak, as bytes: requests are written into memory that is used again, answers are
//! read in place.

use std::net::SocketAddr;
use std::str::FromStr;

use base::TopicId;

pub mod admin;
pub(crate) mod kafka;
pub(crate) mod native;

use crate::number;

/// Which protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Kafka,
    Native,
}

/// A broker and the door to use, as `kafka://HOST:PORT` or `native://HOST:PORT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    pub door: Door,
    pub address: SocketAddr,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("target {0:?}: write kafka://HOST:PORT or native://HOST:PORT")]
    Form(String),
    #[error("target {text:?}: {reason}")]
    Address { text: String, reason: String },
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        use std::net::ToSocketAddrs as _;
        let (door, host) = match text.split_once("://") {
            Some(("kafka", host)) => (Door::Kafka, host),
            Some(("native" | "corelane", host)) => (Door::Native, host),
            _ => return Err(TargetError::Form(text.to_owned())),
        };
        let wrong = |reason: String| TargetError::Address { text: text.to_owned(), reason };
        let mut found = host.to_socket_addrs().map_err(|error| wrong(error.to_string()))?;
        let address = found.next().ok_or_else(|| wrong("the name has no address".to_owned()))?;
        Ok(Self { door, address })
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let door = match self.door {
            Door::Kafka => "kafka",
            Door::Native => "native",
        };
        write!(f, "{door}://{}", self.address)
    }
}

/// A topic and the way to each of its partitions.
#[derive(Clone, Debug)]
pub struct Route {
    pub door: Door,
    pub topic: String,
    pub topic_id: Option<TopicId>,
    /// Brokers, or the cores of one.
    pub addresses: Vec<SocketAddr>,
    /// By partition, which address.
    pub by_partition: Vec<u32>,
}

impl Route {
    pub(crate) fn address_of(&self, partition: u32) -> u32 {
        self.by_partition[number::index(partition)]
    }
}

/// What became of one partition's batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Produced {
    pub(crate) partition: u32,
    /// Kafka's number; zero is success.
    pub(crate) error: i16,
    /// Negative where the broker did not say.
    pub(crate) base_offset: i64,
}

/// Bytes from a broker that are no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the broker sent something that is no answer: {0}")]
pub(crate) struct Garbled(pub(crate) String);

impl Garbled {
    pub(crate) fn of(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// Frames above this are not believed.
pub(crate) const FRAME_BYTES_MAX: usize = 512 << 20;

/// Whether a failed request may be sent again.
pub(crate) fn is_retriable(code: i16) -> bool {
    wire::ErrorCode::from_code(code).is_some_and(wire::ErrorCode::is_retriable)
}

/// Kafka's name for a code.
pub fn error_name(code: i16) -> &'static str {
    wire::ErrorCode::from_code(code).map_or("an unknown code", wire::ErrorCode::name)
}
