//! What is remembered of a partition's compaction: up to where it is compacted, and a swap of segments that is under
//! way. One small file, replaced whole, in the partition's folder.
//!
//! A file of its own, and not the checkpoint's row: the word that a swap has begun must be on the disk before its first
//! rename and be taken back after its last removal, many times between two checkpoints; and it has to be found by
//! whoever first looks at the partition's segments, which a start does not do.
//!
//! ```text
//! magic "CLCPCT01" | crc of what follows u32 | first dirty offset u64 | swap u8
//! a swap: bytes of the new segment u32 | number of segments u32 | their base offsets u64, ascending
//! ```

use base::{Offset, PartitionId};
use rt::{Disk, DiskError};

use crate::bytes::FieldReader;
use crate::{layout, limits};

const MAGIC: &[u8; 8] = b"CLCPCT01";
const BODY_AT: usize = 12;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CompactionState {
    /// Before this, each key is there at most once.
    pub(crate) first_dirty: Offset,
    pub(crate) swap: Option<Swap>,
}

/// One new segment takes the place of one or more neighbours. It is whole and flushed, under another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Swap {
    /// The base offsets of those that it replaces; the first one is its own.
    pub(crate) segments: Vec<Offset>,
    pub(crate) bytes: u32,
}

impl Swap {
    pub(crate) fn base(&self) -> Offset {
        self.segments[0]
    }
}

impl CompactionState {
    /// Segments that are no part of the log any more, although their files may be there.
    pub(crate) fn replaced(&self) -> Vec<Offset> {
        self.swap.iter().flat_map(|swap| &swap.segments[1..]).copied().collect()
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut body = self.first_dirty.get().to_le_bytes().to_vec();
        body.push(u8::from(self.swap.is_some()));
        if let Some(swap) = &self.swap {
            let count = u32::try_from(swap.segments.len()).expect("a swap is of few segments");
            body.extend_from_slice(&swap.bytes.to_le_bytes());
            body.extend_from_slice(&count.to_le_bytes());
            swap.segments.iter().for_each(|base| body.extend_from_slice(&base.get().to_le_bytes()));
        }
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&wire::batch::crc::crc32c(&body).to_le_bytes());
        out.extend_from_slice(&body);
        out
    }

    /// `None` for anything but a whole state.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let body = bytes.get(BODY_AT..)?;
        let mut fields = FieldReader::new(bytes);
        if fields.take(MAGIC.len())? != MAGIC || fields.u32()? != wire::batch::crc::crc32c(body) {
            return None;
        }
        let first_dirty = Offset::new(fields.u64()?)?;
        let swap = match fields.take(1)?[0] {
            0 => None,
            1 => Some(decode_swap(&mut fields)?),
            _ => return None,
        };
        (fields.remaining() == 0).then_some(Self { first_dirty, swap })
    }

    /// `None` if the partition was never compacted.
    pub(crate) async fn read(disk: &dyn Disk, id: PartitionId) -> Result<Option<Result<Self, Damaged>>, DiskError> {
        match disk.read_small(&layout::compaction_file(id), limits::COMPACTION_STATE_BYTES_MAX).await {
            Err(DiskError::NotFound { .. }) => Ok(None),
            Err(DiskError::TooLarge { .. }) => Ok(Some(Err(Damaged))),
            bytes => Ok(Some(Self::decode(&bytes?).ok_or(Damaged))),
        }
    }

    /// On stable storage once this has resolved.
    pub(crate) async fn write(&self, disk: &dyn Disk, id: PartitionId) -> Result<(), DiskError> {
        disk.replace_small(&layout::compaction_file(id), self.encode()).await
    }
}

/// The file is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damaged;

fn decode_swap(fields: &mut FieldReader<'_>) -> Option<Swap> {
    let (bytes, count) = (fields.u32()?, fields.u32()? as usize);
    if count == 0 || count > fields.remaining() / size_of::<u64>() {
        return None;
    }
    let segments: Vec<Offset> = (0..count).map(|_| fields.u64().and_then(Offset::new)).collect::<Option<_>>()?;
    segments.is_sorted_by(|a, b| a < b).then_some(Swap { segments, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(value: u64) -> Offset {
        Offset::new(value).unwrap()
    }

    #[test]
    fn a_state_is_read_back_and_nothing_else_is_taken_for_one() {
        let swap = Swap { segments: vec![offset(10), offset(20), offset(70)], bytes: 999 };
        for state in [
            CompactionState::default(),
            CompactionState { first_dirty: offset(77), swap: None },
            CompactionState { first_dirty: offset(77), swap: Some(swap) },
        ] {
            let bytes = state.encode();
            assert_eq!(CompactionState::decode(&bytes), Some(state));
            for at in 0..bytes.len() {
                assert_eq!(CompactionState::decode(&bytes[..at]), None, "cut at {at}");
                let mut damaged = bytes.clone();
                damaged[at] ^= 4;
                assert_eq!(CompactionState::decode(&damaged), None, "byte {at}");
            }
        }
        let disordered = Swap { segments: vec![offset(10), offset(10)], bytes: 1 };
        let state = CompactionState { first_dirty: offset(1), swap: Some(disordered) };
        assert_eq!(CompactionState::decode(&state.encode()), None);
    }
}
