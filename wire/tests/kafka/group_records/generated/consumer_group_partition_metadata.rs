//! Values of ConsumerGroupPartitionMetadata for the tests.
//!
//! Generated from `schemas/kafka/group_records/consumer_group_partition_metadata.txt` by `cargo run -p schemas -- generate`; edit the table.

use base::SeededRandom;
use wire::kafka::group_records::consumer_group_partition_metadata::{
    ConsumerGroupPartitionMetadataKey, ConsumerGroupPartitionMetadataValue, PartitionMetadata, TopicMetadata,
};

use crate::fixture::{Sample, draw};

impl Sample for ConsumerGroupPartitionMetadataKey {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { group_id: draw::string(random) }
    }
}

impl Sample for PartitionMetadata {
    fn sample(random: &mut SeededRandom, _version: i16) -> Self {
        Self { partition: draw::i32(random), racks: draw::array(random, draw::string) }
    }
}

impl Sample for TopicMetadata {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self {
            topic_id: draw::u128(random),
            topic_name: draw::string(random),
            num_partitions: draw::i32(random),
            partition_metadata: draw::array(random, |random| PartitionMetadata::sample(random, version)),
        }
    }
}

impl Sample for ConsumerGroupPartitionMetadataValue {
    fn sample(random: &mut SeededRandom, version: i16) -> Self {
        Self { topics: draw::array(random, |random| TopicMetadata::sample(random, version)) }
    }
}
