//! A batch on its way into a log, and what became of it.

use base::{LeaderEpoch, Offset};
use wire::batch::HEADER_BYTES;

use super::chunks::DirectBlocks;
use super::{Roll, SegmentPosition};

/// A batch to append, as it came through a door, validated there.
#[derive(Clone, Copy, Debug)]
pub struct AppendBatch<'a> {
    /// The first 61 bytes; base offset and leader epoch are assigned by the append.
    pub header: &'a [u8; HEADER_BYTES],
    pub payload: &'a [u8],
    /// Offsets that the batch takes, at least 1.
    pub offsets: u32,
    /// As the wire has it.
    pub max_timestamp: i64,
    pub leader_epoch: LeaderEpoch,
}

/// What an append may decide by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HowToAppend {
    pub(crate) roll: Roll,
    /// Batches of this size are written straight to their segment where that is possible.
    pub(crate) direct_bytes_min: u32,
}

#[cfg(test)]
pub(super) const BY_RULE: HowToAppend = HowToAppend { roll: Roll::ByRule, direct_bytes_min: u32::MAX };

impl HowToAppend {
    /// For a replay: as it was the first time, by way of memory.
    pub(crate) const fn again(is_first: bool) -> Self {
        let roll = if is_first { Roll::Yes } else { Roll::No };
        Self { roll, direct_bytes_min: u32::MAX }
    }
}

/// A batch that the log has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AppendedBatch {
    pub(crate) base: Offset,
    /// With base offset and leader epoch.
    pub(crate) header: [u8; HEADER_BYTES],
    pub(crate) at: SegmentPosition,
    /// It is to be written straight to its segment, here.
    pub(crate) direct: Option<DirectBlocks>,
}

impl AppendBatch<'_> {
    pub fn bytes(&self) -> u32 {
        u32::try_from(HEADER_BYTES + self.payload.len()).expect("batches are below 4 GiB")
    }
}
