//! Which messages there are.

use std::fmt;
use std::ops::RangeInclusive;

use super::limits;

/// What a frame is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum ApiKey {
    Hello = 1,
    Metadata = 2,
    Produce = 3,
    FetchOpen = 4,
    FetchData = 5,
    FetchGrant = 6,
    FetchClose = 7,
    FetchEnded = 8,
    ListOffsets = 9,
    CreateTopics = 10,
    DeleteTopics = 11,
    CreatePartitions = 12,
    DescribeTopic = 13,
    InitProducer = 14,
    BrokerStatus = 15,
    ListPartitions = 16,
    MovePartition = 17,
}

impl ApiKey {
    /// All of them, by number.
    pub const ALL: [Self; 17] = [
        Self::Hello,
        Self::Metadata,
        Self::Produce,
        Self::FetchOpen,
        Self::FetchData,
        Self::FetchGrant,
        Self::FetchClose,
        Self::FetchEnded,
        Self::ListOffsets,
        Self::CreateTopics,
        Self::DeleteTopics,
        Self::CreatePartitions,
        Self::DescribeTopic,
        Self::InitProducer,
        Self::BrokerStatus,
        Self::ListPartitions,
        Self::MovePartition,
    ];

    /// `None` for a key of a newer version: the frame can be skipped and answered, but not read.
    pub fn from_wire(number: u16) -> Option<Self> {
        Self::ALL.get(usize::from(number).checked_sub(1)?).copied()
    }

    pub const fn to_wire(self) -> u16 {
        self as u16
    }

    /// Versions of the message that are understood.
    pub const fn versions(self) -> RangeInclusive<u16> {
        1..=1
    }

    pub(crate) const fn header_bytes_max(self) -> u32 {
        match self {
            Self::Metadata
            | Self::ListOffsets
            | Self::CreateTopics
            | Self::DeleteTopics
            | Self::CreatePartitions
            | Self::DescribeTopic
            | Self::BrokerStatus
            | Self::ListPartitions
            | Self::MovePartition => limits::ADMIN_HEADER_BYTES_MAX,
            Self::Hello
            | Self::Produce
            | Self::FetchOpen
            | Self::FetchData
            | Self::FetchGrant
            | Self::FetchClose
            | Self::FetchEnded
            | Self::InitProducer => limits::DATA_HEADER_BYTES_MAX,
        }
    }

    /// Only batches travel outside the header.
    pub(crate) fn may_carry_payload(self, role: Role) -> bool {
        matches!((self, role), (Self::Produce, Role::Request) | (Self::FetchData, Role::Push))
    }
}

/// Who speaks, and whether an answer is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// From the client. All but grants and closes are answered by a reply or an error.
    Request,
    /// The answer to the request with the same correlation id.
    Reply,
    /// The answer that the request failed as a whole: an [`ErrorReply`](super::ErrorReply).
    Error,
    /// From the broker, on a stream that the request with the same correlation id opened.
    Push,
}

impl Role {
    const RESPONSE: u16 = 1;
    const ERROR: u16 = 2;
    const STREAM: u16 = 4;

    pub(crate) const fn to_flags(self) -> u16 {
        match self {
            Self::Request => 0,
            Self::Reply => Self::RESPONSE,
            Self::Error => Self::RESPONSE | Self::ERROR,
            Self::Push => Self::STREAM,
        }
    }

    /// `None` for combinations that have no meaning.
    pub(crate) fn from_flags(flags: u16) -> Option<Self> {
        [Self::Request, Self::Reply, Self::Error, Self::Push].into_iter().find(|role| role.to_flags() == flags)
    }
}

/// Pairs a reply with its request. The client chooses it; it is unique among its requests in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CorrelationId(pub u32);

/// A stream of fetched batches. The client chooses it; it is unique among the connection's open streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u32);

/// One of Kafka's error codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErrorCode(pub i16);

impl ErrorCode {
    /// Success.
    pub const NONE: Self = Self(0);

    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_roles_survive_the_wire() {
        for key in ApiKey::ALL {
            assert_eq!(ApiKey::from_wire(key.to_wire()), Some(key));
        }
        assert_eq!(ApiKey::from_wire(0), None);
        assert_eq!(ApiKey::from_wire(18), None);
        assert_eq!(ApiKey::from_wire(u16::MAX), None);
        for role in [Role::Request, Role::Reply, Role::Error, Role::Push] {
            assert_eq!(Role::from_flags(role.to_flags()), Some(role));
        }
        assert_eq!(Role::from_flags(2), None);
        assert_eq!(Role::from_flags(8), None);
    }
}
