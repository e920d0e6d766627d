//! Where a pass stands, and the file that remembers it.
//!
//! ```text
//!  0          8         16      17           33        37            45       53    57
//! +----------+---------+-------+------------+---------+-------------+--------+-----+
//! | CLSCRUB1 | begun   | state | topic      | index   | segment     | zero   | crc |
//! +----------+---------+-------+------------+---------+-------------+--------+-----+
//! ```
//!
//! `begun` is the wall clock's time in milliseconds. State 0: the pass has ended. 1: it has everything before this
//! partition. 2: also the partition's segments up to this one. 3: it stands at the beginning. A file that makes no sense
//! means a new pass.

use std::path::PathBuf;
use std::time::Duration;

use base::{Offset, PartitionId, PartitionIndex, Timestamp, TopicId};
use rt::DiskError;

use crate::bytes::{FieldReader, u32_at};
use crate::layout;
use crate::shard::Shard;

const MAGIC: &[u8; 8] = b"CLSCRUB1";
const BYTES: usize = 57;
const CRC_AT: usize = 53;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Ended,
    Beginning,
    /// Everything before the partition was checked, and of it the segments up to this one.
    At(PartitionId, Option<Offset>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// When the pass, or the last one, began.
    begun: Timestamp,
    place: Place,
}

impl Standing {
    /// What an earlier life has left, or a pass that is to begin.
    pub(super) async fn read(shard: &Shard) -> Self {
        let fresh = Self { begun: rt::wall_clock(), place: Place::Beginning };
        match shard.store.disk.read_small(&path(shard), BYTES).await {
            Ok(bytes) => Self::decode(&bytes).unwrap_or(fresh),
            Err(DiskError::NotFound { .. }) => fresh,
            Err(cause) => {
                tracing::warn!(%cause, "where the check of the segments stands cannot be read; it begins anew");
                fresh
            }
        }
    }

    /// Failing is no harm: what was checked will be checked again.
    pub(super) async fn write(&self, shard: &Shard) {
        if let Err(cause) = shard.store.disk.replace_small(&path(shard), self.encode()).await {
            tracing::warn!(%cause, "where the check of the segments stands could not be written down");
        }
    }

    /// How long to wait before the pass goes on or the next one begins.
    pub(super) fn until_next(&self, interval: Duration, now: Timestamp) -> Duration {
        match self.place {
            // A clock that was set back doesn't put the next pass off for longer than it should be.
            Place::Ended => interval.saturating_sub(now.since(self.begun)),
            Place::Beginning | Place::At(..) => Duration::ZERO,
        }
    }

    /// Begins a pass, unless there is one to go on with.
    pub(super) fn begin(&mut self, now: Timestamp) {
        if !matches!(self.place, Place::At(..)) {
            *self = Self { begun: now, place: Place::Beginning };
        }
    }

    pub(super) fn end(&mut self) {
        self.place = Place::Ended;
    }

    /// Where to look for the next partition; `None` for the first one.
    pub(super) fn partition(&self) -> Option<PartitionId> {
        match self.place {
            Place::At(id, _) => Some(id),
            Place::Ended | Place::Beginning => None,
        }
    }

    /// The last segment of the partition that was checked.
    pub(super) fn segment(&self) -> Option<Offset> {
        match self.place {
            Place::At(_, segment) => segment,
            Place::Ended | Place::Beginning => None,
        }
    }

    /// The pass is at this partition.
    pub(super) fn enter(&mut self, id: PartitionId) {
        if self.partition() != Some(id) {
            self.place = Place::At(id, None);
        }
    }

    pub(super) fn passed(&mut self, segment: Offset) {
        if let Place::At(id, _) = self.place {
            self.place = Place::At(id, Some(segment));
        }
    }

    /// All of the partition was checked.
    pub(super) fn passed_partition(&mut self) {
        if let Place::At(id, _) = self.place {
            self.place = Place::At(after(id), None);
        }
    }

    fn encode(&self) -> Vec<u8> {
        let (state, id, segment) = match self.place {
            Place::Ended => (0, None, None),
            Place::At(id, None) => (1, Some(id), None),
            Place::At(id, Some(segment)) => (2, Some(id), Some(segment)),
            Place::Beginning => (3, None, None),
        };
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&self.begun.as_millis().to_le_bytes());
        out.push(state);
        out.extend_from_slice(&id.map_or([0; 16], |id| id.topic.to_bytes()));
        out.extend_from_slice(&id.map_or(0, |id| id.index.0).to_le_bytes());
        out.extend_from_slice(&segment.map_or(0, Offset::get).to_le_bytes());
        out.resize(CRC_AT, 0);
        out.extend_from_slice(&wire::batch::crc::crc32c(&out).to_le_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != BYTES || wire::batch::crc::crc32c(&bytes[..CRC_AT]) != u32_at(bytes, CRC_AT) {
            return None;
        }
        let mut fields = FieldReader::new(bytes);
        if fields.take(MAGIC.len())? != MAGIC {
            return None;
        }
        let begun = Timestamp::from_wire(fields.i64()?)?;
        let [state] = fields.array::<1>()?;
        let topic = fields.array()?;
        let index = PartitionIndex(fields.u32()?);
        let segment = Offset::new(fields.u64()?)?;
        let id = || Some(PartitionId { topic: TopicId::from_bytes(topic)?, index });
        let place = match state {
            0 => Place::Ended,
            1 => Place::At(id()?, None),
            2 => Place::At(id()?, Some(segment)),
            3 => Place::Beginning,
            _ => return None,
        };
        Some(Self { begun, place })
    }
}

/// The smallest id after this one, short of an index that no partition has.
fn after(id: PartitionId) -> PartitionId {
    PartitionId { index: PartitionIndex(id.index.0.saturating_add(1)), ..id }
}

fn path(shard: &Shard) -> PathBuf {
    layout::journal_folder(shard.core()).join("scrub")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(topic: u128, index: u32) -> PartitionId {
        PartitionId::new(TopicId::from_random(topic), index)
    }

    fn all() -> Vec<Standing> {
        let begun = Timestamp::from_millis(1_700_000_000_000);
        let places = [
            Place::Ended,
            Place::Beginning,
            Place::At(partition(7, 3), None),
            Place::At(partition(7, 3), Offset::new(1 << 40)),
        ];
        places.into_iter().map(|place| Standing { begun, place }).collect()
    }

    #[test]
    fn where_a_pass_stands_is_read_back_and_nothing_else_is_believed() {
        for standing in all() {
            let bytes = standing.encode();
            assert_eq!(bytes.len(), BYTES);
            assert_eq!(Standing::decode(&bytes), Some(standing));
            for at in 0..bytes.len() {
                let mut damaged = bytes.clone();
                damaged[at] ^= 4;
                assert_eq!(Standing::decode(&damaged), None, "byte {at}");
                assert_eq!(Standing::decode(&bytes[..at]), None, "cut at {at}");
            }
        }
    }

    #[test]
    fn a_pass_begins_an_interval_after_the_one_before_began_and_an_interrupted_one_goes_on_at_once() {
        let [ended, _, at, _] = all().try_into().expect("four");
        let hour = Duration::from_secs(3_600);
        let later = |minutes: u64| Timestamp::from_millis(ended.begun.as_millis() + minutes * 60_000);
        assert_eq!(ended.until_next(hour, later(20)), Duration::from_secs(2_400));
        assert_eq!(ended.until_next(hour, later(90)), Duration::ZERO);
        assert_eq!(ended.until_next(hour, Timestamp::from_millis(0)), hour, "the clock was set back");
        assert_eq!(at.until_next(hour, later(0)), Duration::ZERO);
    }

    #[test]
    fn a_partition_that_was_passed_is_not_entered_again() {
        let mut standing = Standing { begun: Timestamp::from_millis(0), place: Place::Beginning };
        standing.enter(partition(7, 3));
        standing.passed(Offset::new(100).unwrap());
        standing.enter(partition(7, 3));
        assert_eq!(standing.segment(), Offset::new(100));
        standing.passed_partition();
        assert_eq!((standing.partition(), standing.segment()), (Some(partition(7, 4)), None));
    }
}
