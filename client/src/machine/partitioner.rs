//! Which partition a record goes to, where its sender doesn't say.

mod murmur2;

use std::collections::BTreeMap;

use base::{PartitionId, PartitionIndex, SeededRandom, TopicId};

pub use murmur2::murmur2;

/// A record that needs a partition, and the partitions that there are.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    pub topic_name: &'a str,
    pub topic: TopicId,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    /// Partitions of the topic; at least 1.
    pub partitions: u32,
    /// Those that have a leader at present, ascending. May be empty.
    pub available: &'a [PartitionIndex],
}

/// Chooses partitions. A closure `FnMut(&Choice) -> PartitionIndex` is one, too.
pub trait Partitioner {
    /// An index below [`Choice::partitions`]; the record is refused otherwise.
    fn choose(&mut self, choice: &Choice<'_>) -> PartitionIndex;

    /// A batch for the partition takes no more records.
    fn batch_closed(&mut self, partition: PartitionId) {
        let _ = partition;
    }
}

impl<F: FnMut(&Choice<'_>) -> PartitionIndex> Partitioner for F {
    fn choose(&mut self, choice: &Choice<'_>) -> PartitionIndex {
        self(choice)
    }
}

/// Kafka's default: records of one key always go to one partition, as long as their number stays; records without a key
/// go to one partition until its batch is closed, and then to another (KIP-480), so that batches are full.
#[derive(Debug)]
pub struct KeyPartitioner {
    random: SeededRandom,
    /// Where the records without a key go at present.
    sticky: BTreeMap<TopicId, Sticky>,
}

#[derive(Clone, Copy, Debug)]
struct Sticky {
    index: PartitionIndex,
    /// The batch is closed: the next record goes elsewhere.
    is_spent: bool,
}

impl KeyPartitioner {
    pub fn new(seed: u64) -> Self {
        let random = SeededRandom::new(seed);
        Self { random, sticky: BTreeMap::new() }
    }

    fn draw(&mut self, choice: &Choice<'_>, not: Option<PartitionIndex>) -> PartitionIndex {
        let candidates = choice.available;
        let others = || candidates.iter().copied().filter(|index| Some(*index) != not);
        match others().count() {
            0 => candidates.first().copied().unwrap_or_else(|| {
                // Nobody leads any partition: one is as good as another, and may have a leader soon.
                PartitionIndex(u32::try_from(self.random.below(u64::from(choice.partitions))).expect("below a u32"))
            }),
            count => others().nth(self.random.index(count)).expect("an index below their number"),
        }
    }
}

impl Partitioner for KeyPartitioner {
    fn choose(&mut self, choice: &Choice<'_>) -> PartitionIndex {
        if let Some(key) = choice.key {
            return by_key(key, choice.partitions);
        }
        let current = self.sticky.get(&choice.topic).copied();
        if let Some(Sticky { index, is_spent: false }) = current
            && choice.available.binary_search(&index).is_ok()
        {
            return index;
        }
        let index = self.draw(choice, current.map(|sticky| sticky.index));
        self.sticky.insert(choice.topic, Sticky { index, is_spent: false });
        index
    }

    fn batch_closed(&mut self, partition: PartitionId) {
        if let Some(sticky) = self.sticky.get_mut(&partition.topic)
            && sticky.index == partition.index
        {
            sticky.is_spent = true;
        }
    }
}

/// Where every Kafka client with default settings puts a key: `toPositive(murmur2(key)) % partitions`.
pub fn by_key(key: &[u8], partitions: u32) -> PartitionIndex {
    assert!(partitions > 0, "a topic without partitions");
    let positive = murmur2(key) & 0x7fff_ffff;
    PartitionIndex(positive % partitions)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: TopicId = TopicId::METADATA;

    fn choice<'a>(key: Option<&'a [u8]>, partitions: u32, available: &'a [PartitionIndex]) -> Choice<'a> {
        Choice { topic_name: "t", topic: TOPIC, key, value: None, partitions, available }
    }

    fn all(count: u32) -> Vec<PartitionIndex> {
        (0..count).map(PartitionIndex).collect()
    }

    #[test]
    fn a_key_goes_where_kafkas_clients_send_it_also_without_a_leader() {
        // murmur2("21") = -973932308, so positive is 1173551340.
        assert_eq!(by_key(b"21", 1_000), PartitionIndex(340));
        assert_eq!(by_key(b"foobar", 1_000), PartitionIndex(166));
        let mut partitioner = KeyPartitioner::new(1);
        assert_eq!(partitioner.choose(&choice(Some(b"21"), 1_000, &[])), PartitionIndex(340));
    }

    #[test]
    fn records_without_a_key_stay_in_one_partition_until_its_batch_is_closed() {
        let available = all(5);
        let mut partitioner = KeyPartitioner::new(7);
        let mut before = None;
        for _ in 0..50 {
            let index = partitioner.choose(&choice(None, 5, &available));
            assert_ne!(Some(index), before, "a closed batch sends the next records elsewhere");
            assert!((0..10).all(|_| partitioner.choose(&choice(None, 5, &available)) == index));
            let other = PartitionIndex((index.0 + 1) % 5);
            partitioner.batch_closed(PartitionId { topic: TOPIC, index: other });
            assert_eq!(partitioner.choose(&choice(None, 5, &available)), index, "another partition's batch");
            partitioner.batch_closed(PartitionId { topic: TOPIC, index });
            before = Some(index);
        }
    }

    #[test]
    fn all_partitions_get_their_share_of_the_batches() {
        let available = all(4);
        let mut partitioner = KeyPartitioner::new(11);
        let mut counts = [0_u32; 4];
        for _ in 0..4_000 {
            let index = partitioner.choose(&choice(None, 4, &available));
            counts[usize::try_from(index.0).unwrap()] += 1;
            partitioner.batch_closed(PartitionId { topic: TOPIC, index });
        }
        assert!(counts.iter().all(|count| (900..1_100).contains(count)), "{counts:?}");
    }

    #[test]
    fn partitions_without_a_leader_get_no_records_that_could_go_elsewhere() {
        let mut partitioner = KeyPartitioner::new(13);
        for _ in 0..20 {
            let index = partitioner.choose(&choice(None, 8, &[PartitionIndex(3), PartitionIndex(6)]));
            assert!([3, 6].contains(&index.0));
            let only = [PartitionIndex(9 - index.0)];
            assert_eq!(partitioner.choose(&choice(None, 8, &only)), only[0], "the leader of the other one is gone");
            partitioner.batch_closed(PartitionId { topic: TOPIC, index: only[0] });
            assert_eq!(partitioner.choose(&choice(None, 8, &only)), only[0], "there is no other one");
        }
        assert!((0..20).all(|_| partitioner.choose(&choice(None, 8, &[])).0 < 8));
    }

    #[test]
    fn a_closure_is_a_partitioner() {
        let mut last = |choice: &Choice<'_>| PartitionIndex(choice.partitions - 1);
        let partitioner: &mut dyn Partitioner = &mut last;
        assert_eq!(partitioner.choose(&choice(None, 12, &[])), PartitionIndex(11));
    }
}
