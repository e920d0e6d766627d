//! What one core owns: its journal, the logs of its partitions, their segments and indexes, and the recent data in
//! memory.
//!
//! A record's way: [`Shard::append`] gives a batch its offsets and copies it twice, into the open buffer of the
//! [`journal`] and into the partition's chunk. The journal's group commit makes it safe and moves the partition's
//! stable end; readers may have it from then on, from the chunk. Write-back brings full chunks to segment files; a
//! checkpoint flushes those and lets the journal's blocks be used again. After a crash, [`recovery`] replays the
//! journals over the checkpoints.
//!
//! Everything here runs on one core's executor and is driven through `rt`, so that it runs as well on the simulated
//! disk and clock.

mod admission;
mod bytes;
pub mod checkpoint;
mod checkpointer;
mod compaction;
mod damage;
mod departure;
mod direct;
mod flush;
mod follower;
mod freeing;
pub mod inspect;
pub mod journal;
pub mod layout;
pub mod limits;
mod log;
mod open_files;
mod pace;
mod pool;
pub mod recovery;
mod removal;
mod retention;
mod scrub;
pub mod segment;
mod several;
mod shard;
mod space;
mod stats;
mod store;
pub mod task_queues;
mod traffic;
mod trim;
mod tuning;
mod watch_disk;
mod write_back;

pub use admission::Turn;
pub use checkpoint::PartitionRow;
pub use damage::Damage;
pub use departure::{Arrival, Departure, DepartureError, DepartureNumber};
pub use follower::Follower;
pub use journal::measured::GroupCommits;
pub use journal::{Durability, Reserve};
pub use log::{AppendBatch, Compaction, EpochStart, Newest, PartitionSpec, Retention, SegmentPosition, SegmentTimes};
pub use scrub::ScrubConfig;
pub use segment::reader::{ReadData, ReadError, ReadSource, TimestampedOffset};
pub use shard::{
    AppendError, Appended, Attachments, LastOfProducers, LogOffsets, Shard, ShardConfig, ShardStart, Watch,
};
pub use stats::{CompactionStats, ShardStats};
pub use traffic::{ReadTraffic, Refused, Traffic};
pub use trim::{Trim, TrimError, TrimTo};
pub use tuning::ShardTuning;
