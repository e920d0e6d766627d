//! Every limit of this crate, and why it has its size.

use std::time::Duration;

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

/// Groups with settings of their own, and brokers: readers get an image of all with each change.
pub const SETTING_OWNERS_MAX: usize = 10_000;

/// Records of the metadata's log that are not worth a snapshot: a start reads them in milliseconds.
pub const METADATA_LOG_RECORDS_MIN: u64 = 1_000;

/// How many times as long as its snapshot the metadata's log may get.
pub const METADATA_LOG_GROWTH: u64 = 4;

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

/// Cores that one broker runs on.
pub const CORES_MAX: u16 = 1_024;

/// Groups of one coordinator, that is of one partition of `__consumer_offsets`, which has 50 of them by default.
pub const GROUPS_PER_COORDINATOR_MAX: usize = 100_000;

/// Members of one group. Each change of a classic group writes all of them into one record.
pub const GROUP_MEMBERS_MAX: usize = 10_000;

/// Clients of one group that were told to join with an id and have not yet. They are forgotten with their session.
pub const GROUP_PENDING_MEMBERS_MAX: usize = 10_000;

/// Bytes of what the members of one classic group say and are told: it is one record when the group has synced.
pub const GROUP_BYTES_MAX: usize = 8 << 20;

/// Ways to assign that one member may know; clients ship with four at most.
pub const GROUP_PROTOCOLS_MAX: usize = 64;

/// Bytes of what one member says for all of its protocols together.
pub const GROUP_SUBSCRIPTION_BYTES_MAX: usize = 1 << 20;

/// Topics that one member of a consumer group may name.
pub const GROUP_TOPICS_PER_MEMBER_MAX: usize = 10_000;

/// Bytes of a regular expression that topics are subscribed to with, and bytes that its compiled form may take.
pub const GROUP_REGEX_BYTES_MAX: usize = 1_024;
pub const GROUP_REGEX_COMPILED_BYTES_MAX: usize = 1 << 20;

/// Different regular expressions in one group: each is matched against all topics when topics come or go.
pub const GROUP_REGEXES_MAX: usize = 100;

/// Bytes of the ids and texts that a client gives about itself, each.
pub const GROUP_TEXT_BYTES_MAX: usize = 1_024;

/// Partitions that all members of a consumer group may be assigned together.
pub const GROUP_PARTITIONS_MAX: usize = 100_000;

/// Requests of one coordinator that wait for records of their group. More are told to come again.
pub const GROUP_REQUESTS_WAITING_MAX: usize = 10_000;

/// Offsets that one group may have committed.
pub const GROUP_OFFSETS_MAX: usize = 100_000;

/// Offsets of all groups of one coordinator, about 200 bytes each.
pub const COORDINATOR_OFFSETS_MAX: usize = 1_000_000;

/// Offsets removed by one batch of records, so that it fits the log.
pub const OFFSETS_REMOVED_PER_BATCH_MAX: usize = 1_000;

/// Deadlines of groups that are kept before others get a turn: those that are left are due at once.
pub const GROUP_ALARMS_PER_TICK_MAX: usize = 1_024;

/// A classic group whose static members have all failed to join again waits at least this long, whatever rebalance timeout
/// they have named: it would do nothing else.
pub const GROUP_JOIN_WAIT_MIN: Duration = Duration::from_secs(1);

/// Groups looked at for expired offsets before others get a turn.
pub const GROUPS_EXPIRED_PER_TICK_MAX: usize = 256;

const _: () = assert!(GROUP_OFFSETS_MAX <= COORDINATOR_OFFSETS_MAX);
const _: () = assert!(GROUP_SUBSCRIPTION_BYTES_MAX <= GROUP_BYTES_MAX);
const _: () = assert!(PARTITIONS_PER_TOPIC_MAX as usize <= GROUP_PARTITIONS_MAX);
const _: () = assert!(PARTITIONS_PER_TOPIC_MAX as usize <= PARTITIONS_MAX);
const _: () = assert!(TOPICS_MAX <= PARTITIONS_MAX);
const _: () = assert!(PRODUCER_IDS_PER_RESERVATION_MAX.is_multiple_of(PRODUCER_ID_BLOCK));
const _: () = assert!(REPLICAS_PER_PARTITION_MAX <= BROKERS_MAX);
