//! The frame: a prefix of 32 bytes, a FlatBuffer header, and the payload after it.
//!
//! ```text
//! |  0        |  4         |  8          | 12    | 14    | 16          | 20      | 22      | 24    | 28       | 32
//! | frame_len | header_len | payload_len | magic | flags | correlation | api_key | version | crc   | reserved | header, payload
//! | u32       | u32        | u32         | u16   | u16   | u32         | u16     | u16     | u32   | u32 = 0  |
//! ```
//!
//! All numbers are little endian. `frame_len` counts the bytes after itself, so it is 28 + `header_len` + `payload_len`;
//! `header_len` is a multiple of 8. `crc` is the CRC-32C of bytes 0 to 24 and the header. The payload is record batches,
//! which have checksums of their own, so it is neither read nor copied here.

use std::fmt;

use bytes::{BufMut as _, Bytes, BytesMut};
use flatbuffers::FlatBufferBuilder;

use crate::batch::crc;

use super::{ApiKey, CorrelationId, ErrorReply, Outgoing, Payload, Role, limits};

/// Bytes of the prefix.
pub const PREFIX_BYTES: usize = 32;

/// Where the part of the prefix ends that the checksum covers.
const CHECKED_BYTES: usize = 24;

/// `frame_len` of a frame with neither header nor payload.
const FRAME_LEN_MIN: u32 = 28;

/// Protocol 1, marked so that text and TLS are told apart from frames.
const MAGIC: u16 = 0xC101;

/// The version that we write.
const VERSION: u16 = 1;

/// What a connection accepts; headers have the limits of [`limits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    payload_bytes_max: u32,
}

impl Limits {
    /// Accepts payloads of up to so many bytes, and never more than [`limits::PAYLOAD_BYTES_MAX_CEILING`].
    pub fn new(payload_bytes_max: u32) -> Self {
        Self { payload_bytes_max: payload_bytes_max.min(limits::PAYLOAD_BYTES_MAX_CEILING) }
    }

    pub fn payload_bytes_max(&self) -> u32 {
        self.payload_bytes_max
    }

    /// Bytes of the largest frame, its length field included.
    pub fn frame_bytes_max(&self) -> u32 {
        4 + FRAME_LEN_MIN + limits::ADMIN_HEADER_BYTES_MAX + self.payload_bytes_max
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(limits::PAYLOAD_BYTES_MAX_DEFAULT)
    }
}

/// The first 32 bytes of a frame, within limits. The checksum is still to be checked, by [`FramePrefix::check_header`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FramePrefix {
    pub role: Role,
    pub correlation: CorrelationId,
    api_key: u16,
    version: u16,
    header_bytes: u32,
    payload_bytes: u32,
    checksum: u32,
}

/// The bytes are no frame that this connection accepts. Nothing after them can be understood: close the connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("a frame of length {length} is shorter than its prefix")]
    TooShort { length: u32 },
    #[error("a frame of length {length} is above the limit of {limit}")]
    TooLong { length: u32, limit: u32 },
    #[error("these bytes are not our protocol: {got:#06x} where {MAGIC:#06x} marks a frame")]
    Magic { got: u16 },
    #[error("flags {flags:#06x} have no meaning")]
    Flags { flags: u16 },
    #[error("the reserved bytes are {got:#010x}, not zero")]
    Reserved { got: u32 },
    #[error("a header of {bytes} bytes for API {api_key} is above the limit of {limit} or no multiple of 8")]
    Header { api_key: u16, bytes: u32, limit: u32 },
    #[error("a payload of {bytes} bytes for API {api_key} is above the limit of {limit}")]
    Payload { api_key: u16, bytes: u32, limit: u32 },
    #[error("the parts of a frame have {parts} bytes, its length says {length}")]
    Length { length: u32, parts: u64 },
    #[error("the header's checksum is {computed:#010x}, the prefix says {stored:#010x}")]
    Checksum { stored: u32, computed: u32 },
}

/// Looks at the beginning of what a peer has sent. `None` until the prefix is complete; what is wrong is said as soon as it
/// can be seen.
pub fn peek(bytes: &[u8], limits: &Limits) -> Result<Option<FramePrefix>, FrameError> {
    let Some(length) = bytes.first_chunk().copied().map(u32::from_le_bytes) else { return Ok(None) };
    if let Some(got) = bytes.get(12..14).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]))
        && got != MAGIC
    {
        return Err(FrameError::Magic { got });
    }
    if length < FRAME_LEN_MIN {
        return Err(FrameError::TooShort { length });
    }
    let limit = limits.frame_bytes_max() - 4;
    if length > limit {
        return Err(FrameError::TooLong { length, limit });
    }
    match bytes.first_chunk::<PREFIX_BYTES>() {
        Some(prefix) => FramePrefix::read(prefix, limits).map(Some),
        None => Ok(None),
    }
}

impl FramePrefix {
    fn read(bytes: &[u8; PREFIX_BYTES], limits: &Limits) -> Result<Self, FrameError> {
        let long = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let short = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let flags = short(14);
        let prefix = Self {
            role: Role::from_flags(flags).ok_or(FrameError::Flags { flags })?,
            correlation: CorrelationId(long(16)),
            api_key: short(20),
            version: short(22),
            header_bytes: long(4),
            payload_bytes: long(8),
            checksum: long(24),
        };
        if long(28) != 0 {
            return Err(FrameError::Reserved { got: long(28) });
        }
        prefix.check_lengths(long(0), limits)?;
        Ok(prefix)
    }

    fn check_lengths(&self, length: u32, limits: &Limits) -> Result<(), FrameError> {
        let Self { api_key, header_bytes, payload_bytes, .. } = *self;
        let limit = self.api_key().map_or(limits::DATA_HEADER_BYTES_MAX, ApiKey::header_bytes_max);
        if header_bytes > limit || !header_bytes.is_multiple_of(8) {
            return Err(FrameError::Header { api_key, bytes: header_bytes, limit });
        }
        // A newer API may carry a payload in ways unknown here; it is skipped within the limit.
        let carries = self.api_key().is_none_or(|key| key.may_carry_payload(self.role));
        let limit = if carries { limits.payload_bytes_max } else { 0 };
        if payload_bytes > limit {
            return Err(FrameError::Payload { api_key, bytes: payload_bytes, limit });
        }
        let parts = u64::from(FRAME_LEN_MIN) + u64::from(header_bytes) + u64::from(payload_bytes);
        if parts == u64::from(length) { Ok(()) } else { Err(FrameError::Length { length, parts }) }
    }

    /// `None` for an API of a newer version: answer with an error, skip the frame.
    pub fn api_key(&self) -> Option<ApiKey> {
        ApiKey::from_wire(self.api_key)
    }

    /// The number of the API, known or not.
    pub fn api_number(&self) -> u16 {
        self.api_key
    }

    /// The version of the message; [`ApiKey::versions`] says which ones are understood.
    pub fn version(&self) -> u16 {
        self.version
    }

    /// Bytes of the header, which follows the prefix.
    pub fn header_bytes(&self) -> usize {
        usize_of(self.header_bytes)
    }

    /// Bytes of the payload, which follows the header.
    pub fn payload_bytes(&self) -> usize {
        usize_of(self.payload_bytes)
    }

    /// As [`Self::payload_bytes`], as messages want it.
    pub fn payload_length(&self) -> u32 {
        self.payload_bytes
    }

    /// Bytes of the whole frame, prefix included.
    pub fn frame_bytes(&self) -> usize {
        PREFIX_BYTES + self.header_bytes() + self.payload_bytes()
    }

    /// Compares the checksum with the header that arrived.
    ///
    /// # Panics
    /// When the header does not have [`Self::header_bytes`].
    pub fn check_header(&self, header: &[u8]) -> Result<(), FrameError> {
        assert_eq!(header.len(), self.header_bytes(), "the header was cut off elsewhere");
        let computed = checksum(&self.to_bytes(), header);
        if computed == self.checksum { Ok(()) } else { Err(FrameError::Checksum { stored: self.checksum, computed }) }
    }

    fn to_bytes(self) -> [u8; PREFIX_BYTES] {
        let mut bytes = [0; PREFIX_BYTES];
        let mut rest = &mut bytes[..];
        rest.put_u32_le(FRAME_LEN_MIN + self.header_bytes + self.payload_bytes);
        rest.put_u32_le(self.header_bytes);
        rest.put_u32_le(self.payload_bytes);
        rest.put_u16_le(MAGIC);
        rest.put_u16_le(self.role.to_flags());
        rest.put_u32_le(self.correlation.0);
        rest.put_u16_le(self.api_key);
        rest.put_u16_le(self.version);
        rest.put_u32_le(self.checksum);
        bytes
    }
}

fn checksum(prefix: &[u8; PREFIX_BYTES], header: &[u8]) -> u32 {
    crc::append(crc::crc32c(&prefix[..CHECKED_BYTES]), header)
}

fn usize_of(bytes: u32) -> usize {
    usize::try_from(bytes).expect("addresses have at least 32 bits")
}

/// A frame to send: prefix and header in one piece, then the payload's pieces as they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameParts {
    pub head: Bytes,
    pub payload: Payload,
}

impl FrameParts {
    /// Bytes of the whole frame.
    pub fn frame_bytes(&self) -> usize {
        self.head.len() + usize_of(self.payload.length())
    }

    /// All pieces in the order in which they travel, for a vectored write.
    pub fn pieces(&self) -> impl Iterator<Item = &Bytes> {
        std::iter::once(&self.head).chain(self.payload.pieces())
    }
}

/// Makes frames, one after the other, out of memory that it uses again.
pub struct FrameBuilder {
    limits: Limits,
    builder: FlatBufferBuilder<'static>,
    /// Heads are cut off its front; memory returns once the last one of a block has been sent.
    heads: BytesMut,
}

impl fmt::Debug for FrameBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameBuilder").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Heads share blocks of memory of this size.
const HEADS_BLOCK_BYTES: usize = 16 << 10;

const BUILDER_BYTES_AT_FIRST: usize = 1 << 10;

/// After a header larger than this the builder gives its memory back, so that one page of metadata does not stay.
const BUILDER_BYTES_KEPT: usize = 64 << 10;

impl FrameBuilder {
    pub fn new(limits: Limits) -> Self {
        Self { limits, builder: FlatBufferBuilder::with_capacity(BUILDER_BYTES_AT_FIRST), heads: BytesMut::new() }
    }

    /// A frame without payload. Refused when the peer would refuse it: a list is too long and has to be cut.
    pub fn frame<M: Outgoing>(&mut self, correlation: CorrelationId, message: &M) -> Result<FrameParts, FrameError> {
        self.frame_with_payload(correlation, message, Payload::default())
    }

    /// A frame with a payload, which is not copied.
    pub fn frame_with_payload<M: Outgoing>(
        &mut self,
        correlation: CorrelationId,
        message: &M,
        payload: Payload,
    ) -> Result<FrameParts, FrameError> {
        self.build(correlation, M::API.to_wire(), M::ROLE, payload, |builder| message.encode(builder))
    }

    /// The answer that a request has failed as a whole. Its API may be one that is not known here.
    pub fn error(&mut self, request: &FramePrefix, error: &ErrorReply<'_>) -> Result<FrameParts, FrameError> {
        self.build(request.correlation, request.api_key, Role::Error, Payload::default(), |builder| {
            error.encode(builder)
        })
    }

    fn build(
        &mut self,
        correlation: CorrelationId,
        api_key: u16,
        role: Role,
        payload: Payload,
        encode: impl FnOnce(&mut FlatBufferBuilder<'static>),
    ) -> Result<FrameParts, FrameError> {
        self.builder.reset();
        encode(&mut self.builder);
        let header = self.builder.finished_data();
        let padded = header.len().next_multiple_of(8);
        let mut prefix = FramePrefix {
            role,
            correlation,
            api_key,
            version: VERSION,
            header_bytes: u32::try_from(padded).unwrap_or(u32::MAX),
            payload_bytes: payload.length(),
            checksum: 0,
        };
        let length = u64::from(FRAME_LEN_MIN) + u64::from(prefix.header_bytes) + u64::from(prefix.payload_bytes);
        prefix.check_lengths(u32::try_from(length).unwrap_or(u32::MAX), &self.limits)?;
        let frame_head = PREFIX_BYTES + padded;
        if self.heads.capacity() < frame_head {
            self.heads.reserve(frame_head.max(HEADS_BLOCK_BYTES));
        }
        self.heads.put_bytes(0, PREFIX_BYTES);
        self.heads.put_slice(header);
        self.heads.put_bytes(0, padded - header.len());
        prefix.checksum = checksum(&prefix.to_bytes(), &self.heads[PREFIX_BYTES..]);
        self.heads[..PREFIX_BYTES].copy_from_slice(&prefix.to_bytes());
        if padded > BUILDER_BYTES_KEPT {
            self.builder = FlatBufferBuilder::with_capacity(BUILDER_BYTES_AT_FIRST);
        }
        Ok(FrameParts { head: self.heads.split().freeze(), payload })
    }
}

#[cfg(test)]
mod tests;
