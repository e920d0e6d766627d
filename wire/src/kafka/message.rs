//! What every request and response has in common.

use std::fmt::Debug;

use super::{ApiKey, DecodeError, EncodeError, Reader};
use crate::gather::Gather;

/// A request or a response, without its frame and header.
pub trait Message: Clone + Debug + Default + PartialEq + Sized {
    const API: ApiKey;
    const NAME: &'static str;

    /// Reads the message in a version handled. Fields that the version lacks have their defaults.
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError>;

    /// Writes the message in a version handled. A field that the version lacks is left out if the table calls it
    /// ignorable or if it has its default; else the message would say something else than meant, and it is refused.
    /// After an error, what was written must be dropped; [`frame`](super::frame) does so.
    fn encode(&self, out: &mut Gather, version: i16) -> Result<(), EncodeError>;
}

/// A request, and what answers it.
pub trait Request: Message {
    type Response: Message;
}

/// How lengths are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Two bytes before text, four before arrays and bytes; -1 is null.
    Classic,
    /// A varint of the length plus one; zero is null. Tagged fields end each struct.
    Flexible,
}

/// Refuses to write a version that is not handled.
pub(super) fn admit<M: Message>(version: i16) -> Result<(), EncodeError> {
    if M::API.versions_handled().contains(version) {
        return Ok(());
    }
    Err(EncodeError::Version { message: M::NAME, version })
}
