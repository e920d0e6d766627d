//! Segments that are still written to, and which appends may go straight to them.

use base::{Offset, Timestamp, TopicId};

use super::{PartitionLog, SegmentPosition, SegmentTimes};
use crate::bytes::block_ceil;
use crate::journal::Durability;
use crate::limits;
use crate::open_files::OpenFile;

/// A segment whose file is not finished: the active one, and older ones until a checkpoint has closed them.
pub(crate) struct TailSegment {
    pub(crate) base: Offset,
    pub(crate) bytes: u32,
    /// Spans that its index file holds.
    pub(crate) index_records: u32,
    pub(crate) file: Option<OpenFile>,
    /// Written to since it was last flushed.
    pub(crate) unsynced: bool,
    /// The file was made by this process and its folder not yet flushed.
    pub(crate) entry_unsynced: bool,
    pub(crate) direct: DirectSpace,
    pub(crate) times: SegmentTimes,
    /// When this process first had to know how old the segment is by the clock.
    pub(super) begun: Option<Timestamp>,
    /// When a batch without a timestamp was last added; or when the shard was opened, if none has one.
    pub(super) written: Option<Timestamp>,
}

impl TailSegment {
    pub(super) fn new(base: Offset) -> Self {
        Self {
            base,
            bytes: 0,
            index_records: 0,
            file: None,
            unsynced: false,
            entry_unsynced: false,
            direct: DirectSpace::default(),
            times: SegmentTimes::default(),
            begun: None,
            written: None,
        }
    }

    /// Space for large batches that is made at a time.
    fn direct_step(&self) -> u32 {
        self.bytes.clamp(limits::DIRECT_SPACE_BYTES_MIN, limits::DIRECT_SPACE_BYTES_MAX)
    }

    /// How new the segment is to retention: as its newest record, or as its last write if its records have no timestamps.
    pub(super) fn newest(&self) -> Option<Timestamp> {
        Timestamp::from_wire(self.times.max).or(self.written)
    }
}

/// Space of a segment that batches may be written to before the journal has flushed a word of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DirectSpace {
    /// The file and its name are flushed, and it has blocks up to here.
    pub(crate) end: u32,
    /// A large batch found too little of it.
    wanted: bool,
    /// Somebody makes more, or has failed to.
    is_prepared: bool,
    /// It is being made at this moment.
    is_made: bool,
}

impl PartitionLog {
    /// Whether a batch that goes to `at` is better written once, and can be.
    pub(super) fn goes_direct(&mut self, at: SegmentPosition, bytes: u32, bytes_min: u32) -> bool {
        // The owner's own log is needed whole before anything else is looked at.
        let is_own = self.spec.id.topic == TopicId::METADATA;
        if bytes < bytes_min || self.spec.durability != Durability::Flushed || is_own {
            return false;
        }
        let active = self.active_mut();
        let fits = at.position + bytes <= active.direct.end;
        // Making more takes a flush, or several that wait for each other, and meanwhile this partition goes on.
        let soon = (4 * bytes).max(active.direct_step() / 2);
        active.direct.wanted |= at.position + soon > active.direct.end;
        fits
    }

    /// The segment that should get space for large batches, and how much of it there should be then. Only one of which
    /// the journal has flushed a batch: a start that does not bring a segment back must not find its file.
    pub(crate) fn direct_space_due(&mut self) -> Option<(Offset, u32)> {
        let flushed = self.flushed_position;
        let segment_bytes = self.spec.segment_bytes.min(limits::SEGMENT_BYTES_MAX);
        let active = self.active_mut();
        let due = active.direct.wanted && !active.direct.is_prepared && flushed.segment == active.base;
        if !due || flushed.position == 0 {
            return None;
        }
        let end = block_ceil(u64::from(active.bytes + active.direct_step()).min(u64::from(segment_bytes)));
        let end = u32::try_from(end).expect("segments are below 2 GiB");
        if end <= active.direct.end {
            return None;
        }
        active.direct.is_prepared = true;
        Some((active.base, end))
    }

    /// Somebody is about to make space in a segment; false if it has ended meanwhile and needs none. It keeps its length
    /// until [`PartitionLog::direct_space_ends`].
    pub(crate) fn direct_space_begins(&mut self, segment: Offset) -> bool {
        let is_active = self.active().base == segment;
        self.active_mut().direct.is_made |= is_active;
        is_active
    }

    /// There is space up to `end` in a segment, and its name is flushed; or none could be made.
    pub(crate) fn direct_space_ends(&mut self, segment: Offset, end: Option<u32>) {
        if let Some(segment) = self.tail_segment(segment) {
            segment.direct.is_made = false;
            if let Some(end) = end {
                segment.entry_unsynced = false;
                segment.direct = DirectSpace { end, ..DirectSpace::default() };
            }
        }
    }

    /// Whether the file of the next segment to finish may get longer at any moment.
    pub(crate) fn makes_direct_space_behind(&self) -> bool {
        self.tail.len() > 1 && self.tail.front().is_some_and(|oldest| oldest.direct.is_made)
    }

    /// Where the active segment's file may end if it has space that is not used.
    pub(crate) fn spare_direct_space(&self) -> Option<u64> {
        let active = self.active();
        let end = block_ceil(active.bytes.into());
        (u64::from(active.direct.end) > end).then_some(end)
    }
}
