//! What can be wrong with bytes from outside, and with a message of our own.

/// Bytes from outside that are not what they claim to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} at byte {at}: {fault}")]
pub struct DecodeError {
    /// The struct and field that was being read, in the table's spelling.
    pub field: &'static str,
    /// Bytes between the reader's start and the fault.
    pub at: usize,
    pub fault: Fault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The frame ends inside of the field, or a length leads past its end.
    #[error("{needed} bytes or items claimed, {left} bytes left")]
    Short { needed: usize, left: usize },
    /// A length below zero that does not stand for null.
    #[error("length {0}")]
    NegativeLength(i32),
    #[error("null where it is not allowed")]
    Null,
    #[error("a varint of more than 32 bits")]
    Varint,
    #[error("text that is not UTF-8")]
    Utf8,
    /// Kafka's limit for text, in every version.
    #[error("text of {0} bytes, more than 32767")]
    LongText(usize),
    /// A tagged field's content does not have the size that was claimed for it.
    #[error("tagged field {tag} leaves {left} bytes over")]
    TagSize { tag: u32, left: usize },
    #[error("{0} bytes after the end of the message")]
    Trailing(usize),
    /// The items would take far more memory than the bytes that describe them.
    #[error("{0} bytes of memory wanted, beyond what a frame of this size may take")]
    Memory(usize),
    #[error("version {0} is not handled")]
    Version(i16),
}

/// A message of ours that the version asked for cannot express. Nothing of it may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    #[error("{message} has no version {version}")]
    Version { message: &'static str, version: i16 },
    /// A field that may not be left out silently is set, and the version has no place for it.
    #[error("{field} is set and does not exist in version {version}")]
    NotInVersion { field: &'static str, version: i16 },
    #[error("{field} is null and cannot be in version {version}")]
    Null { field: &'static str, version: i16 },
    #[error("{field} has length {len}, more than its length field can say")]
    TooLong { field: &'static str, len: usize },
    #[error("a frame of {0} bytes, more than its length field can say")]
    FrameTooLong(usize),
}
