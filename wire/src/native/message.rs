//! What all messages have in common.

use base::{CoreId, LeaderEpoch, Offset, TopicId};
use flatbuffers::{FlatBufferBuilder, Follow, InvalidFlatbuffer, Verifiable};

use super::{ApiKey, Role, SegmentError};
use crate::generated::native as schema;
use crate::verification;

/// The builder that messages are written with.
pub type Builder<'a> = FlatBufferBuilder<'a>;

/// One kind of frame.
pub trait Message {
    const API: ApiKey;
    const ROLE: Role;
}

/// A message that can be sent.
pub trait Outgoing: Message {
    #[doc(hidden)]
    fn encode(&self, builder: &mut Builder<'_>);
}

/// A message that can be read out of a frame's header, borrowing from it.
pub trait Incoming<'a>: Message + Sized {
    /// Verifies the whole header, and every segment against the payload's length.
    fn open(header: &'a [u8], payload_length: u32) -> Result<Self, MessageError>;
}

/// The header is damaged or contradicts itself. The frame's borders are sound: answer with `INVALID_REQUEST` (42) where no
/// other code is named, and go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    #[error("the header is damaged")]
    Damaged(#[from] InvalidFlatbuffer),
    #[error("{field} is {got}, which is not possible")]
    Field { field: &'static str, got: i64 },
    #[error("{field} is missing")]
    Missing { field: &'static str },
    /// `INVALID_REQUIRED_ACKS` (21).
    #[error("acks is {got}; -1, 0 and 1 are possible")]
    Acks { got: i8 },
    #[error(transparent)]
    Segment(#[from] SegmentError),
}

pub(super) fn root<'a, T>(header: &'a [u8]) -> Result<T::Inner, MessageError>
where
    T: Follow<'a> + Verifiable + 'a,
{
    Ok(verification::root::<T>(header)?)
}

pub(super) fn uuid(id: TopicId) -> schema::Uuid {
    let (high, low) = verification::halves(id);
    schema::Uuid::new(high, low)
}

pub(super) fn optional_topic(id: Option<&schema::Uuid>) -> Option<TopicId> {
    id.and_then(|id| verification::topic_id(id.high(), id.low()))
}

pub(super) fn topic(id: &schema::Uuid) -> Result<TopicId, MessageError> {
    optional_topic(Some(id)).ok_or(MessageError::Missing { field: "topic id" })
}

pub(super) fn leader_epoch(value: u32) -> Result<LeaderEpoch, MessageError> {
    LeaderEpoch::new(value).ok_or(MessageError::Field { field: "leader epoch", got: i64::from(value) })
}

/// The core as the wire has it; -1 is none.
pub(super) fn core(value: Option<CoreId>) -> i32 {
    value.map_or(-1, |core| core.0.into())
}

pub(super) fn optional_core(value: i32) -> Option<CoreId> {
    u16::try_from(value).ok().map(CoreId)
}

/// The offset as the wire has it; -1 is none.
pub(super) fn offset(value: Option<Offset>) -> i64 {
    value.map_or(-1, Offset::to_wire)
}
