//! Limits of the client, and why each has its size. What a user may change is a setting in [`crate::config`], with one of
//! these as its default or its bound.

use std::time::Duration;

/// Batches of one partition that may be on their way, numbered and unanswered. Brokers remember as many of each producer
/// to tell a repetition from a gap, so that more could not be sent again safely.
pub const PARTITION_BATCHES_IN_FLIGHT_MAX: usize = 5;

/// Bytes of a batch before compression. Kafka's clients begin at 16 KiB; our broker writes 64 KiB blocks 2.5 times as
/// fast, and a batch never waits longer than the linger time to become full.
pub const BATCH_BYTES_DEFAULT: usize = 64 << 10;

/// Kafka's default since 4.0.
pub const LINGER_DEFAULT: Duration = Duration::from_millis(5);

/// Bytes of batches in one produce request, and so of the largest record. Kafka's default for both sides.
pub const REQUEST_BYTES_DEFAULT: usize = 1 << 20;

/// Larger requests would not fit a frame with the limits that brokers have by default.
pub const REQUEST_BYTES_MAX: usize = 32 << 20;

/// Partitions in one produce request: their part of the header takes about 50 bytes each.
pub const REQUEST_PARTITIONS_MAX: usize = 1_000;

/// Produce requests of one producer that one core may have unanswered. More would only make batches smaller.
pub const PRODUCE_REQUESTS_IN_FLIGHT_DEFAULT: usize = 16;

/// Bytes of records that wait or are on their way. Kafka's default.
pub const PRODUCER_BUFFER_BYTES_DEFAULT: usize = 32 << 20;

/// Builders of batches that are kept for later ones; beside the buffered bytes, so few.
pub const SPARE_BUILDERS_MAX: usize = 16;

/// From the record's first attempt to its success or failure. Kafka's default.
pub const DELIVERY_TIMEOUT_DEFAULT: Duration = Duration::from_secs(120);

/// Bytes of batches that a consumer holds or has asked for, of all its partitions.
pub const CONSUMER_BUFFER_BYTES_DEFAULT: usize = 64 << 20;

/// Of one partition. Each gets less when there are so many that they would not fit the whole.
pub const PARTITION_BUFFER_BYTES_DEFAULT: usize = 4 << 20;

/// A partition gets at least so much credit, however many there are.
pub const PARTITION_BUFFER_BYTES_MIN: usize = 16 << 10;

/// Bytes of batches in one frame of a fetch stream.
pub const FETCH_FRAME_BYTES_DEFAULT: usize = 1 << 20;

/// Payload of a frame that a client accepts: a batch may be larger than what a frame was asked to hold.
pub const FRAME_PAYLOAD_BYTES_MAX: u32 = 64 << 20;

/// Bytes that one batch may decompress to.
pub const DECOMPRESSED_BATCH_BYTES_DEFAULT: usize = 64 << 20;

/// Memory of a decompressor that is kept for the next batch.
pub const DECOMPRESSOR_BYTES_KEPT: usize = 4 << 20;

/// Topics in one metadata request: 250 bytes for the longest name, and the header's limit is 4 MiB.
pub const METADATA_TOPICS_PER_REQUEST_MAX: usize = 1_000;

/// Topics that a client remembers. One that sends to more at once has to wait for its metadata each time.
pub const TOPICS_KEPT_MAX: usize = 10_000;

/// The same topic is not asked for more often, whatever goes wrong with it.
pub const METADATA_INTERVAL_MIN: Duration = Duration::from_millis(100);

/// Topics whose partitions were found on other cores than they were asked at are asked for together, and not more often.
pub const METADATA_HOP_INTERVAL_MIN: Duration = Duration::from_secs(1);

/// How long a name that the broker doesn't know is asked for again: a topic that was just made may not be known everywhere.
pub const UNKNOWN_TOPIC_PATIENCE: Duration = Duration::from_secs(1);

/// Room that is made for the next read of a connection.
pub const READ_BYTES: usize = 128 << 10;

/// More room is made when less than this is left.
pub const READ_BYTES_MIN: usize = 16 << 10;

/// Memory for a frame that has begun is taken at once up to here, and doubled as bytes arrive beyond it.
pub const FRAME_BYTES_RESERVED: usize = 1 << 20;

/// Partitions in one request for offsets: their part of the header takes about 60 bytes each.
pub const OFFSET_QUERIES_PER_REQUEST_MAX: usize = 1_000;

const _: () = assert!(BATCH_BYTES_DEFAULT <= REQUEST_BYTES_DEFAULT);
const _: () = assert!(REQUEST_BYTES_DEFAULT <= REQUEST_BYTES_MAX);
const _: () = assert!(REQUEST_BYTES_DEFAULT <= PRODUCER_BUFFER_BYTES_DEFAULT);
const _: () = assert!(REQUEST_BYTES_MAX < wire::native::limits::PAYLOAD_BYTES_MAX_DEFAULT as usize);
const _: () = assert!(PARTITION_BUFFER_BYTES_MIN <= PARTITION_BUFFER_BYTES_DEFAULT);
const _: () = assert!(PARTITION_BUFFER_BYTES_DEFAULT <= CONSUMER_BUFFER_BYTES_DEFAULT);
const _: () = assert!(FETCH_FRAME_BYTES_DEFAULT <= PARTITION_BUFFER_BYTES_DEFAULT);
const _: () = assert!(FETCH_FRAME_BYTES_DEFAULT <= FRAME_PAYLOAD_BYTES_MAX as usize);
const _: () = assert!(FRAME_PAYLOAD_BYTES_MAX <= wire::native::limits::PAYLOAD_BYTES_MAX_CEILING);
const _: () = assert!(READ_BYTES_MIN <= READ_BYTES && READ_BYTES <= FRAME_BYTES_RESERVED);
const _: () = assert!(REQUEST_PARTITIONS_MAX * 64 < wire::native::limits::DATA_HEADER_BYTES_MAX as usize);
const _: () = assert!(METADATA_TOPICS_PER_REQUEST_MAX * 340 < wire::native::limits::ADMIN_HEADER_BYTES_MAX as usize);
