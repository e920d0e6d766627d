//! Every limit of this crate, and why it has its size.

/// Topics of one cluster. A topic costs about 300 bytes on each core that holds an image of the metadata.
pub const TOPICS_MAX: usize = 100_000;

/// Partitions of one topic. A client that asks for a topic gets all of them in one answer.
pub const PARTITIONS_PER_TOPIC_MAX: u32 = 10_000;

/// Partitions of one cluster. A start of a broker walks all that it leads.
pub const PARTITIONS_MAX: usize = 1_000_000;

/// Brokers of one cluster.
pub const BROKERS_MAX: usize = 1_000;

/// Replicas of one partition: each one more is a copy of every record, and no use has been seen for this many.
pub const REPLICAS_PER_PARTITION_MAX: usize = 32;

/// Bytes of a topic's name, as in Kafka: with a partition's number behind it, it still fits the name of a folder.
pub const TOPIC_NAME_BYTES_MAX: usize = 249;

/// Bytes of one setting's value. The longest value that can be valid today has 19 digits.
pub const SETTING_VALUE_BYTES_MAX: usize = 1_024;

/// Changes of settings in one command.
pub const SETTING_CHANGES_MAX: usize = 256;

/// Bytes of a peer's text that an error message repeats.
pub const QUOTED_BYTES_MAX: usize = 64;

/// Producer ids are handed to brokers in blocks of this many, so that the metadata log grows by one record per block.
pub const PRODUCER_ID_BLOCK: u64 = 1_000;

/// Producer ids travel as signed 64-bit numbers. At a reservation of a
/// million ids each second they last for 292,000 years.
pub const PRODUCER_IDS_END: u64 = i64::MAX.cast_unsigned();

/// Producer ids in one reservation.
pub const PRODUCER_IDS_PER_RESERVATION_MAX: u64 = 1_000_000;

/// Batches remembered for each producer, as in Kafka: a producer may have five requests in flight.
pub const PRODUCER_BATCHES_REMEMBERED: usize = 5;

/// Producers remembered for each partition, about 300 bytes each. Beyond it the one that wrote longest ago is forgotten:
/// its next batch is accepted with any sequence.
pub const PRODUCERS_PER_PARTITION_MAX: usize = 10_000;

/// Cores that one broker runs on.
pub const CORES_MAX: u16 = 1_024;

const _: () = assert!(PARTITIONS_PER_TOPIC_MAX as usize <= PARTITIONS_MAX);
const _: () = assert!(TOPICS_MAX <= PARTITIONS_MAX);
const _: () = assert!(PRODUCER_IDS_PER_RESERVATION_MAX.is_multiple_of(PRODUCER_ID_BLOCK));
const _: () = assert!(REPLICAS_PER_PARTITION_MAX <= BROKERS_MAX);
