//! What classic members say inside the protocol type `consumer`: their subscriptions and assignments.
//!
//! ```text
//! subscription  version int16 | topics [string] | user data bytes
//!               from version 1: owned [topic string, partitions [int32]]
//!               from version 2: generation int32;  from version 3: rack nullable string
//! assignment    version int16 | assigned [topic string, partitions [int32]] | user data bytes
//! ```
//! Big endian; lengths are int32 for lists and bytes, int16 for strings; -1 stands for nothing. A version that is not
//! known yet is read as the last one that is: fields are only ever added.

use std::sync::Arc;

use base::PartitionIndex;

use super::{Blob, Epoch};
use crate::metadata::TopicName;

/// The protocol type that says so.
pub(super) const CONSUMER: &str = "consumer";

const VERSION_MAX: i16 = 3;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subscription {
    pub(super) version: i16,
    /// Sorted, none twice. Names that no topic can have are left out.
    pub(super) topics: Vec<TopicName>,
    pub(super) owned: Vec<(TopicName, PartitionIndex)>,
    /// In which it was given what it has; none before version 2.
    pub(super) generation: Epoch,
    pub(super) rack: Option<Arc<str>>,
}

impl Subscription {
    /// `None` when the bytes are malformed.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let version = reader.version()?;
        let mut topics = Vec::new();
        for _ in 0..reader.count(2)? {
            topics.extend(TopicName::new(reader.string()??).ok());
        }
        topics.sort_unstable();
        topics.dedup();
        reader.bytes()?;
        let owned = if version >= 1 { reader.partitions()? } else { Vec::new() };
        let generation = if version >= 2 { Epoch(reader.int32()?) } else { Epoch::NONE };
        let rack = if version >= 3 { reader.string()?.map(Arc::from) } else { None };
        Some(Self { version, topics, owned, generation, rack })
    }
}

/// The partitions of an assignment; an empty one needs no bytes at all. `None` when the bytes are malformed.
pub(super) fn read_assignment(bytes: &[u8]) -> Option<Vec<(TopicName, PartitionIndex)>> {
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let mut reader = Reader(bytes);
    reader.version()?;
    reader.partitions()
}

/// An assignment as a member understands it whose subscription had this version.
pub(super) fn write_assignment<'a>(
    version: i16,
    topics: impl ExactSizeIterator<Item = (&'a TopicName, Vec<PartitionIndex>)>,
) -> Blob {
    let mut bytes = version.clamp(0, VERSION_MAX).to_be_bytes().to_vec();
    write_len(&mut bytes, topics.len());
    for (topic, partitions) in topics {
        let name = topic.as_str().as_bytes();
        let len = i16::try_from(name.len()).expect("a topic's name is short");
        bytes.extend(len.to_be_bytes());
        bytes.extend(name);
        write_len(&mut bytes, partitions.len());
        partitions.iter().for_each(|partition| bytes.extend(partition.0.to_be_bytes()));
    }
    bytes.extend((-1_i32).to_be_bytes());
    bytes.into()
}

fn write_len(bytes: &mut Vec<u8>, len: usize) {
    bytes.extend(i32::try_from(len).expect("partitions of a group are few").to_be_bytes());
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn int16(&mut self) -> Option<i16> {
        Some(i16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn int32(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn version(&mut self) -> Option<i16> {
        self.int16().filter(|version| *version >= 0)
    }

    /// The length of a list of items of at least so many bytes, which the bytes that remain can hold.
    fn count(&mut self, item_bytes_min: usize) -> Option<usize> {
        let count = self.int32()?;
        let count = if count == -1 { 0 } else { usize::try_from(count).ok()? };
        (count.checked_mul(item_bytes_min)? <= self.0.len()).then_some(count)
    }

    fn string(&mut self) -> Option<Option<&'a str>> {
        let len = self.int16()?;
        if len == -1 {
            return Some(None);
        }
        let text = self.take(usize::try_from(len).ok()?)?;
        Some(Some(str::from_utf8(text).ok()?))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        match self.int32()? {
            -1 => Some(&[]),
            len => self.take(usize::try_from(len).ok()?),
        }
    }

    fn partitions(&mut self) -> Option<Vec<(TopicName, PartitionIndex)>> {
        let mut partitions = Vec::new();
        for _ in 0..self.count(6)? {
            let topic = TopicName::new(self.string()??).ok();
            for _ in 0..self.count(4)? {
                let index = self.int32()?;
                let index = u32::try_from(index).ok()?;
                partitions.extend(topic.clone().map(|topic| (topic, PartitionIndex(index))));
            }
        }
        Some(partitions)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> TopicName {
        TopicName::new(text).unwrap()
    }

    /// Version 3, topics b and a, no user data, owned b/1, generation 7, rack "r".
    const GOLDEN: &[u8] =
        b"\0\x03\0\0\0\x02\0\x01b\0\x01a\xff\xff\xff\xff\0\0\0\x01\0\x01b\0\0\0\x01\0\0\0\x01\0\0\0\x07\0\x01r";

    #[test]
    fn a_subscription_is_read_field_by_field() {
        let subscription = Subscription::read(GOLDEN).unwrap();
        assert_eq!(subscription.topics, [name("a"), name("b")]);
        assert_eq!(subscription.owned, [(name("b"), PartitionIndex(1))]);
        assert_eq!((subscription.generation, subscription.rack.as_deref()), (Epoch(7), Some("r")));
        let version_0 = Subscription::read(b"\0\0\0\0\0\x01\0\x01a\0\0\0\0").unwrap();
        assert_eq!((version_0.version, version_0.generation, version_0.topics), (0, Epoch::NONE, vec![name("a")]));
    }

    #[test]
    fn no_prefix_of_a_subscription_is_one() {
        for len in 0..GOLDEN.len() {
            assert_eq!(Subscription::read(&GOLDEN[..len]), None, "{len} bytes");
        }
    }

    #[test]
    fn an_assignment_survives_being_written_and_read() {
        let topics = [(&name("a"), vec![PartitionIndex(0), PartitionIndex(2)])];
        let bytes = write_assignment(9, topics.into_iter());
        assert_eq!(*bytes, *b"\0\x03\0\0\0\x01\0\x01a\0\0\0\x02\0\0\0\0\0\0\0\x02\xff\xff\xff\xff");
        let read = read_assignment(&bytes).unwrap();
        assert_eq!(read, [(name("a"), PartitionIndex(0)), (name("a"), PartitionIndex(2))]);
        assert_eq!(read_assignment(b""), Some(Vec::new()));
        assert_eq!(read_assignment(&bytes[..9]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Subscription::read(&bytes);
            let _ = read_assignment(&bytes);
        }
    }
}
