//! What classic members say to each other inside the protocol type "consumer": subscriptions and assignments.

use std::collections::BTreeSet;

use base::PartitionIndex;
use cluster::groups::{Blob, Epoch};
use cluster::metadata::TopicName;

use crate::client::Partition;

/// What a member says when it joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub(crate) topics: Vec<TopicName>,
    /// What it reads from and keeps while it joins.
    pub(crate) owned: BTreeSet<Partition>,
    /// Since when.
    pub(crate) generation: Epoch,
}

impl Subscription {
    /// Version 1 has no generation, version 3 a rack.
    pub(crate) fn write(&self, version: u8) -> Blob {
        let mut bytes = vec![0, version];
        write_len(&mut bytes, self.topics.len());
        self.topics.iter().for_each(|topic| write_name(&mut bytes, topic));
        bytes.extend([0xff; 4]);
        write_partitions(&mut bytes, &self.owned);
        if version >= 2 {
            bytes.extend(self.generation.0.to_be_bytes());
        }
        if version >= 3 {
            bytes.extend([0xff; 2]);
        }
        bytes.into()
    }

    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut reader = Reader(bytes);
        let version = reader.number(2);
        let topics = (0..reader.number(4)).map(|_| reader.name()).collect();
        assert_eq!(reader.number(4), u32::MAX, "simulated members have no user data");
        let owned = reader.partitions();
        let generation = if version >= 2 { Epoch(reader.number(4).cast_signed()) } else { Epoch::NONE };
        Self { topics, owned, generation }
    }
}

pub(crate) fn write_assignment(partitions: &BTreeSet<Partition>) -> Blob {
    let mut bytes = vec![0, 1];
    write_partitions(&mut bytes, partitions);
    bytes.extend([0xff; 4]);
    bytes.into()
}

pub(crate) fn read_assignment(bytes: &[u8]) -> BTreeSet<Partition> {
    // An empty one needs no bytes at all.
    bytes.get(2..).map_or_else(BTreeSet::new, |bytes| Reader(bytes).partitions())
}

/// Each partition by itself: a topic may be named more than once.
fn write_partitions(bytes: &mut Vec<u8>, partitions: &BTreeSet<Partition>) {
    write_len(bytes, partitions.len());
    for (topic, partition) in partitions {
        write_name(bytes, topic);
        write_len(bytes, 1);
        bytes.extend(partition.0.to_be_bytes());
    }
}

fn write_len(bytes: &mut Vec<u8>, len: usize) {
    bytes.extend(u32::try_from(len).expect("short").to_be_bytes());
}

fn write_name(bytes: &mut Vec<u8>, topic: &TopicName) {
    bytes.extend(u16::try_from(topic.as_str().len()).expect("short").to_be_bytes());
    bytes.extend(topic.as_str().as_bytes());
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, after) = self.0.split_at(len);
        self.0 = after;
        taken
    }

    fn number(&mut self, bytes: usize) -> u32 {
        self.take(bytes).iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
    }

    fn name(&mut self) -> TopicName {
        let len = self.number(2);
        let name = std::str::from_utf8(self.take(len as usize)).expect("a topic's name");
        TopicName::new(name).expect("a topic's name")
    }

    fn partitions(&mut self) -> BTreeSet<Partition> {
        let mut partitions = BTreeSet::new();
        for _ in 0..self.number(4) {
            let topic = self.name();
            for _ in 0..self.number(4) {
                partitions.insert((topic.clone(), PartitionIndex(self.number(4))));
            }
        }
        partitions
    }
}
