//! Who is who: topics, partitions, brokers, cores.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// Identity of a topic, new for each creation, so that a topic made again under an old name is another topic.
///
/// Written as Kafka writes its UUIDs: 22 characters of URL-safe base64 without padding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicId(u128);

impl TopicId {
    /// The cluster's metadata log, by Kafka's convention (KIP-516).
    pub const METADATA: Self = Self(1);

    /// Makes a version 4 UUID out of 128 random bits.
    pub const fn from_random(bits: u128) -> Self {
        let version = (bits & !(0xf << 76)) | (0x4 << 76);
        Self((version & !(0x3 << 62)) | (0x2 << 62))
    }

    /// The id as the wire carries it. Zero means "no id" there and is `None` here.
    pub const fn from_u128(value: u128) -> Option<Self> {
        if value == 0 { None } else { Some(Self(value)) }
    }

    pub const fn as_u128(self) -> u128 {
        self.0
    }

    /// Big endian, as UUIDs travel.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    pub const fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        Self::from_u128(u128::from_be_bytes(bytes))
    }
}

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&URL_SAFE_NO_PAD.encode(self.to_bytes()))
    }
}

impl fmt::Debug for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TopicId {
    type Err = ParseTopicIdError;

    fn from_str(text: &str) -> Result<Self, ParseTopicIdError> {
        let refused = || ParseTopicIdError { text: text.chars().take(64).collect() };
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| refused())?;
        let bytes: [u8; 16] = bytes.try_into().map_err(|_| refused())?;
        Self::from_bytes(bytes).ok_or_else(refused)
    }
}

/// The text is not a topic id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a topic id: 22 characters of URL-safe base64 are expected, and not all zero")]
pub struct ParseTopicIdError {
    text: String,
}

/// Number of a partition within its topic, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PartitionIndex(pub u32);

impl fmt::Display for PartitionIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One partition of one topic.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionId {
    pub topic: TopicId,
    pub index: PartitionIndex,
}

impl PartitionId {
    pub const fn new(topic: TopicId, index: u32) -> Self {
        Self { topic, index: PartitionIndex(index) }
    }
}

impl fmt::Display for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.index)
    }
}

impl fmt::Debug for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A broker of the cluster (`node.id` in Kafka's words).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BrokerId(pub u32);

impl fmt::Display for BrokerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One of the cores that a broker runs on, counted from 0 in the order of its `cores` setting.
///
/// A core owns one shard of the partitions, so this is also the number of the shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CoreId(pub u16);

impl CoreId {
    pub fn as_usize(self) -> usize {
        usize::from(self.0)
    }

    /// All cores of a broker that runs on `count`.
    pub fn all(count: u16) -> impl Iterator<Item = Self> {
        (0..count).map(Self)
    }
}

impl fmt::Display for CoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_metadata_topic_id_is_spelled_as_in_kafka() {
        assert_eq!(TopicId::METADATA.to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
    }

    #[test]
    fn text_that_is_no_topic_id_is_refused_by_name() {
        for text in ["", "abc", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAQ==", "////////////////////AQ"] {
            let error = text.parse::<TopicId>().unwrap_err();
            assert!(error.to_string().starts_with(&format!("{text:?} is not a topic id")), "{error}");
        }
    }

    proptest! {
        #[test]
        fn a_random_id_is_a_version_4_uuid_and_survives_text_and_bytes(bits: u128) {
            let id = TopicId::from_random(bits);
            prop_assert_eq!(id.to_bytes()[6] >> 4, 4);
            prop_assert_eq!(id.to_bytes()[8] >> 6, 2);
            prop_assert_eq!(id.to_string().parse::<TopicId>().unwrap(), id);
            prop_assert_eq!(TopicId::from_bytes(id.to_bytes()), Some(id));
        }
    }
}
