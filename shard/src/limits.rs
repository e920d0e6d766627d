//! Every limit of the shard: its value, its reason, and how the limits relate.

use std::time::Duration;

/// Size of one journal write. Larger writes gain nothing on the disks measured (1 MiB x 4 in flight saturates them).
pub const JOURNAL_BUFFER_BYTES: usize = 1 << 20;
/// Bytes appended but not yet flushed on one core. More would only add latency: the disk is saturated long before.
pub const JOURNAL_UNFLUSHED_BYTES_MAX: u64 = 32 << 20;
/// Group commits in flight: the next group's writes overlap this group's flush, and no more.
pub const JOURNAL_GROUPS_IN_FLIGHT_MAX: usize = 2;
/// The same while large batches that go straight to segments are waiting: their writes do not gain from being gathered,
/// and a batch that waits for two groups before it leaves the disk idle.
pub const JOURNAL_DIRECT_GROUPS_IN_FLIGHT_MAX: usize = 8;
/// Files in a journal's ring, and the bounds of one file's size.
pub const JOURNAL_FILES: u32 = 4;
/// Most files of a ring that is found on disk: a checkpoint has one bit for each.
pub const JOURNAL_FILES_MAX: u32 = 64;
pub const JOURNAL_FILE_BYTES_MIN: u64 = 256 << 10;
pub const JOURNAL_FILE_BYTES_MAX: u64 = 1 << 30;
/// A checkpoint starts when this share of the ring (in percent) is waiting to be recycled.
pub const JOURNAL_CHECKPOINT_PERCENT: u64 = 50;
/// A journal entry may take at most this share of the ring, so that several fit and a checkpoint can always pass.
pub const JOURNAL_ENTRY_SHARE: u64 = 4;

/// Batches of this size are written straight to their segment. Measured: bench-results/2026-11-21-append-ways.
pub const DIRECT_BYTES_MIN: u32 = 128 << 10;
/// Bytes of one such write; a larger batch is several, at the same time.
pub const DIRECT_WRITE_BYTES_MAX: usize = 4 << 20;
/// Space that a segment gets at a time for large batches: as much as it has already, within these.
pub const DIRECT_SPACE_BYTES_MIN: u32 = 16 << 20;
pub const DIRECT_SPACE_BYTES_MAX: u32 = 128 << 20;

/// A span (the unit of the index and of its checksum) is closed at the first batch that ends beyond this size.
pub const SPAN_BYTES_MIN: u32 = 32 << 10;
/// Sizes of a partition's chunks: small at first, so that ten thousand quiet partitions stay cheap.
pub const CHUNK_BYTES_MIN: usize = 8 << 10;
pub const CHUNK_BYTES_MAX: usize = 1 << 20;
/// Each chunk of a busy partition is this much larger than the one before.
pub const CHUNK_GROWTH: usize = 4;
/// Part of the cache (in percent) that may be waiting to be written to segments before appends have to wait.
pub const CACHE_DIRTY_PERCENT: u64 = 75;

/// Largest segment: positions inside it are 32 bits wide with room for one more batch.
pub const SEGMENT_BYTES_MAX: u32 = 1 << 30;
/// Largest batch that a log takes, whatever a topic's settings say.
pub const BATCH_BYTES_MAX: u32 = 64 << 20;

/// Writes of chunks to segments in flight on one core.
pub const WRITE_BACK_IN_FLIGHT_MAX: usize = 8;
/// Partitions that one checkpoint flushes at the same time. Flushes are serial in the kernel; a few hide the latency.
pub const CHECKPOINT_PARTITIONS_IN_FLIGHT_MAX: usize = 16;
/// From so many partitions on, a checkpoint flushes the whole disk at once instead of their files and folders.
pub const FLUSH_TOGETHER_PARTITIONS: usize = 256;
/// Between two looks whether a partition that goes to another core has come to rest.
pub const DEPARTURE_LOOK: Duration = Duration::from_micros(200);
/// Space that a partition's files take beside their bytes, for saying how much a start needs.
pub const PARTITION_OVERHEAD_BYTES: u64 = 64 << 10;
/// Part of a journal's ring (one in so many bytes) that only what frees space may use.
pub const JOURNAL_RESERVE_SHARE: u64 = 16;
/// Between two segment files that are removed on one core.
pub const SEGMENT_REMOVAL_PAUSE: Duration = Duration::from_millis(5);
/// The same while the disk has too little space for new records.
pub const SEGMENT_REMOVAL_PAUSE_SHORT: Duration = Duration::from_millis(1);
/// Blocks of a removed file that are given back in one go, and the pause after that: 1 GiB/s at most on one core.
pub const FREED_AT_ONCE_BYTES_MAX: u64 = 8 << 20;
pub const FREEING_PAUSE: Duration = Duration::from_millis(8);
/// The same while the disk has too little space for new records.
pub const FREEING_PAUSE_SHORT: Duration = Duration::from_millis(1);
/// Limits of the queue `freed-files` of a core.
pub const FREED_FILES_MAX: usize = 64;
pub const FREED_BYTES_MAX: u64 = 4 << 30;
/// Retention is first looked after this long after a start, or earlier if its interval is shorter (Kafka: 30 s).
pub const RETENTION_FIRST_CHECK: Duration = Duration::from_secs(30);
/// Partitions whose new starts share a flush.
pub const RETENTION_PARTITIONS_AT_ONCE: usize = 64;
/// Bytes that compaction reads at once; a larger span is read whole. Reads of 1 MiB tripled the median of the acks beside
/// them.
pub const COMPACTION_READ_BYTES: u32 = 256 << 10;
/// Memory for looking into one batch; the door accepts none that takes more on a topic that is compacted.
pub const COMPACTION_BATCH_BYTES_MAX: usize = 64 << 20;
/// Largest file about a partition's compaction that is believed: a swap is of a few thousand segments at most.
pub const COMPACTION_STATE_BYTES_MAX: usize = 1 << 20;
/// Segments that compaction makes one of.
pub const COMPACTION_SEGMENTS_AT_ONCE_MAX: usize = 10_000;
/// Offsets that a segment may span: the index counts them with 32 bits.
pub const SEGMENT_OFFSETS_MAX: u64 = i32::MAX as u64;
/// Bytes that compaction reads or writes before it looks again whether the disk has room.
pub const COMPACTION_ROOM_CHECK_BYTES: u64 = 16 << 20;
/// Compaction is first looked after this long after a start, or earlier if its interval is shorter.
pub const COMPACTION_FIRST_CHECK: Duration = Duration::from_secs(15);
/// Tries to make a segment's file while other cores remove the folder of the topic around it.
pub const SEGMENT_FILE_TRIES: usize = 3;
/// Segment files kept open on one core, for appends and for reads; fewer where the system allows few descriptors.
pub const OPEN_FILES_MAX: usize = 512;
/// Indexes of segments kept in memory on one core.
pub const INDEX_CACHE_BYTES: usize = 16 << 20;
/// Largest index file that is believed: a segment of the largest size has far fewer spans.
pub const INDEX_FILE_BYTES_MAX: u64 = 64 << 20;
/// Memory for looking into one batch in search of a time.
pub const TIMESTAMP_SEARCH_BYTES_MAX: usize = 64 << 20;
/// Data read ahead of consumers that read from disk, on one core.
pub const READ_AHEAD_CACHE_BYTES: usize = 32 << 20;
pub const READ_AHEAD_BYTES_MIN: u32 = 256 << 10;
pub const READ_AHEAD_BYTES_MAX: u32 = 4 << 20;
/// The same, and all reads of segments for readers on one core, while the journal flushes: a flush waits for what the
/// disk has before it.
pub const READ_BESIDE_FLUSHES_BYTES: u32 = 512 << 10;
/// What such a read asks the disk for at a time. A flushed write of 4 KiB that took 0.13 ms alone took 0.55 ms beside one
/// reader of 512 KiB at a time, and 0.27 ms beside one of 128 KiB.
pub const READ_AT_ONCE_BESIDE_FLUSHES_BYTES: usize = 128 << 10;
/// Readers that are read ahead of on one core; with more, each reads what it asks for.
pub const READ_SEQUENCES_MAX: usize = 64;
/// Who has not read on for so long is not read ahead of.
pub const READ_SEQUENCE_IDLE: Duration = Duration::from_secs(2);
/// Files of segments that are kept open for readers on one core.
pub const READ_FILES_MAX: usize = 32;

/// Appends that wait for room on one core. Each holds its request's memory, which connections limit.
pub const APPENDS_WAITING_MAX: usize = 16_384;
/// Distinct partitions that one core may own.
pub const PARTITIONS_PER_CORE_MAX: usize = 100_000;
/// Space that a checkpoint's file has beyond its content, for a start on a full disk.
pub const CHECKPOINT_SPARE_BYTES: u64 = 64 << 10;
/// Largest checkpoint of a core: a larger one is neither written nor believed. It bounds what the owners of partitions
/// attach to their rows, all together.
pub const CHECKPOINT_BYTES_MAX: usize = 1 << 30;
/// One write of a checkpoint.
pub const CHECKPOINT_BLOCK_BYTES: usize = 128 << 10;

/// A start that takes longer than this tells how far it is, this often.
pub const RECOVERY_PROGRESS_INTERVAL: Duration = Duration::from_secs(1);
/// Journal that a start is expected to replay in a second before there was one to measure. Careful: disks that hold
/// brokers do several times as much.
pub const RECOVERY_RATE_UNKNOWN: u64 = 64 << 20;
/// A start that replayed less, in time, does not say how fast it goes.
pub const RECOVERY_RATE_BYTES_MIN: u64 = 64 << 20;
/// Measured rates outside of this are taken for these.
pub const RECOVERY_RATE_MIN: u64 = 4 << 20;
pub const RECOVERY_RATE_MAX: u64 = 4 << 30;
/// What a journal may hold whatever the recovery target says: with less, checkpoints would never end.
pub const UNREPLAYED_BYTES_MIN: u64 = 8 << 20;
/// A disk operation that takes longer is named in the log and counted, and looked for this often.
pub const DISK_STALL: Duration = Duration::from_secs(1);
pub const DISK_STALL_LOOK: Duration = Duration::from_millis(500);

/// Places of damage that one core remembers; more are counted and logged.
pub const DAMAGE_KNOWN_MAX: usize = 256;
/// Places of damage that one look through a segment gives.
pub const SCRUB_FINDINGS_MAX: usize = 64;
/// Read at a time when segments are checked. Its CRC takes some 50 us of the core.
pub const SCRUB_READ_BYTES: u64 = 256 << 10;
/// Segments are first checked this long after a start, or earlier if the interval is shorter.
pub const SCRUB_FIRST: Duration = Duration::from_secs(60);
/// How often it is written down where the check of the segments stands.
pub const SCRUB_WRITE_INTERVAL: Duration = Duration::from_secs(60);

/// How long a full disk is left alone before the write is tried again.
pub const NO_SPACE_RETRY: Duration = Duration::from_millis(500);
/// How often the free space of the disk is looked at.
pub const FREE_SPACE_CHECK: Duration = Duration::from_secs(1);

const _: () =
    assert!(CHUNK_BYTES_MIN.is_multiple_of(rt::BLOCK_BYTES) && CHUNK_BYTES_MAX.is_multiple_of(rt::BLOCK_BYTES));
const _: () = assert!(READ_AHEAD_BYTES_MIN <= READ_BESIDE_FLUSHES_BYTES);
const _: () = assert!(READ_AHEAD_BYTES_MAX as usize * 2 <= READ_AHEAD_CACHE_BYTES);
const _: () = assert!(DIRECT_BYTES_MIN >= crate::journal::direct::DIRECT_BYTES_MIN);
// With the reserve taken off, entries of the largest size still go round.
const _: () = assert!(JOURNAL_RESERVE_SHARE > JOURNAL_ENTRY_SHARE);
const _: () = assert!(JOURNAL_FILES <= JOURNAL_FILES_MAX && JOURNAL_FILES_MAX <= u64::BITS);
const _: () = assert!(SCRUB_READ_BYTES.is_multiple_of(rt::BLOCK_BYTES as u64));
const _: () = assert!(JOURNAL_BUFFER_BYTES.is_multiple_of(rt::BLOCK_BYTES));
const _: () = assert!(CHECKPOINT_BLOCK_BYTES.is_multiple_of(rt::BLOCK_BYTES));
const _: () = assert!(READ_AT_ONCE_BESIDE_FLUSHES_BYTES.is_multiple_of(rt::BLOCK_BYTES));
const _: () = assert!(COMPACTION_SEGMENTS_AT_ONCE_MAX * 8 + 64 <= COMPACTION_STATE_BYTES_MAX);
const _: () = assert!(SEGMENT_BYTES_MAX as u64 + BATCH_BYTES_MAX as u64 <= i32::MAX as u64);
const _: () = assert!(JOURNAL_FILE_BYTES_MAX * JOURNAL_FILES as u64 / JOURNAL_ENTRY_SHARE > BATCH_BYTES_MAX as u64);
