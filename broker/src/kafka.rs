//! The Kafka door: Kafka's protocol, so that every Kafka client works unmodified.

mod api_versions;
mod cluster;
mod configs;
pub(crate) mod connection;
mod coordinator;
mod delete_records;
mod dispatch;
mod fetch;
mod groups;
mod log_dirs;
mod metadata;
mod nodes;
mod offsets;
mod operations;
mod produce;
mod producer_id;
mod producers;
mod quorum;
mod topics;

pub(crate) use self::fetch::Asked;

use base::PartitionId;
use bytes::Bytes;
use wire::gather::Gather;
use wire::kafka::{EncodeError, Message, frame};

use crate::refusal::Refusal;

/// What identifies a request to its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestId {
    pub(crate) version: i16,
    pub(crate) correlation: i32,
}

/// What a request comes to.
pub(crate) enum Answered {
    Parts(Vec<Bytes>),
    /// `acks=0`: the client expects no answer.
    Nothing,
    /// The connection must be closed, for this reason.
    Close(String),
}

impl RequestId {
    /// Writes an answer in the version of its request.
    pub(crate) fn answer<M: Message>(self, message: &M) -> Answered {
        let mut out = Gather::new();
        match frame::write_response(&mut out, self.version, self.correlation, message) {
            Ok(()) => Answered::Parts(out.finish()),
            Err(error) => unanswerable(M::NAME, &error),
        }
    }
}

fn unanswerable(name: &str, error: &EncodeError) -> Answered {
    tracing::error!(name, %error, "an answer cannot be written");
    Answered::Close(format!("the answer {name} cannot be written: {error}"))
}

/// A partition's number as the wire has it; `None` when it is none.
fn partition_id(topic: base::TopicId, index: i32) -> Option<PartitionId> {
    u32::try_from(index).ok().map(|index| PartitionId::new(topic, index))
}

/// A partition's number for the wire.
fn wire_index(index: u32) -> i32 {
    i32::try_from(index).expect("the number of a topic's partitions is limited")
}

fn code_of<T>(result: &Result<T, Refusal>) -> i16 {
    result.as_ref().map_or_else(|refusal| refusal.code.code(), |_| 0)
}
