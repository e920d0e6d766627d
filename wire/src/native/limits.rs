//! Limits of the native protocol, and why each has its size.

/// Header bytes of a request or push that moves data. A produce request to 1,000 partitions has about 50 KiB.
pub const DATA_HEADER_BYTES_MAX: u32 = 256 << 10;

/// Header bytes of metadata and administration. Verifying this many takes about 8 ms, so replies come in pages.
pub const ADMIN_HEADER_BYTES_MAX: u32 = 4 << 20;

/// Payload bytes of one frame, unless the broker's configuration says otherwise.
pub const PAYLOAD_BYTES_MAX_DEFAULT: u32 = 64 << 20;

/// Payload bytes that a configuration can allow at most, so that the frame's length fits its field with room to spare.
pub const PAYLOAD_BYTES_MAX_CEILING: u32 = 1 << 30;

/// Partitions in one page of metadata: 16 bytes each, and a page's topics up to one kilobyte each, fit an admin header.
pub const METADATA_PAGE_PARTITIONS_MAX: u32 = 50_000;

/// Topics in one page of metadata, names of full length included.
pub const METADATA_PAGE_TOPICS_MAX: usize = 4_000;

// 24 bytes for a partition's load.
const _: () = assert!(
    METADATA_PAGE_PARTITIONS_MAX as usize * 24 + METADATA_PAGE_TOPICS_MAX * 340 < ADMIN_HEADER_BYTES_MAX as usize
);
const _: () = assert!(DATA_HEADER_BYTES_MAX < ADMIN_HEADER_BYTES_MAX);
const _: () = assert!(PAYLOAD_BYTES_MAX_DEFAULT <= PAYLOAD_BYTES_MAX_CEILING);
// 16 bytes for a partition's route; 340 for a topic's name, id, error and offsets.
const _: () = assert!(
    METADATA_PAGE_PARTITIONS_MAX as usize * 16 + METADATA_PAGE_TOPICS_MAX * 340 < ADMIN_HEADER_BYTES_MAX as usize
);
