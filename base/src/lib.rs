//! The names that every other crate uses: ids, units, bounded queues, seeded randomness, and time as plain numbers.
//!
//! Nothing here does I/O, reads a clock or draws from the operating system's entropy, so that everything built on it
//! can be replayed under a seed.

pub mod bounded;
pub mod histogram;
pub mod id;
pub mod offset;
pub mod producer;
pub mod random;
pub mod size;
pub mod time;

pub use bounded::{Bounded, QueueFull};
pub use histogram::{Histogram, HistogramCounts};
pub use id::{BrokerId, CoreId, ParseTopicIdError, PartitionId, PartitionIndex, TopicId};
pub use offset::{LeaderEpoch, Offset};
pub use producer::{ProducerEpoch, ProducerId, Sequence};
pub use random::SeededRandom;
pub use size::{ByteSize, ParseByteSizeError};
pub use time::{Instant, Timestamp};
