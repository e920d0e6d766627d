//! Which checkpoint was flushed last, in a file of its own.
//!
//! A checkpoint that cannot be read was being written when the life before ended, and then the one before it counts; or
//! it was flushed and is damaged, and then the one before it must not be believed: the journal that it starts from is
//! overwritten, segments that it names are replaced. Only what is written after the flush tells the two apart.
//!
//! Two blocks, written in turn as the checkpoints are, so that a mark that is torn leaves the one before it:
//!
//! ```text
//! magic "CLFLUSH1" | number u64 | crc u32
//! ```

use std::path::Path;
use std::rc::Rc;

use rt::{BLOCK_BYTES, Disk, DiskError, DiskFile, IoBuf, OpenMode};

use super::slot_of;
use crate::bytes::{u32_at, u64_at};
use crate::flush;

pub(crate) const FLUSHED_FILE: &str = "checkpoint-flushed";
const MAGIC: &[u8; 8] = b"CLFLUSH1";
const CRC_AT: usize = 16;
const MARK_BYTES: usize = CRC_AT + 4;
const MARKS: usize = 2;

/// Where the marks of one core are written.
pub(super) struct FlushedFile(Rc<dyn DiskFile>);

impl FlushedFile {
    /// The folder is not flushed here.
    pub(super) async fn open(disk: &dyn Disk, folder: &Path) -> Result<Self, DiskError> {
        let file = disk.open(&folder.join(FLUSHED_FILE), OpenMode::Create).await?;
        // Space for both before anything depends on a mark.
        if file.len().await? < (MARKS * BLOCK_BYTES) as u64 {
            file.allocate((MARKS * BLOCK_BYTES) as u64).await?;
        }
        Ok(Self(file))
    }

    /// Puts down, for certain, that a checkpoint is flushed.
    pub(super) async fn mark(&self, number: u64) -> Result<(), DiskError> {
        let block = IoBuf::alloc(BLOCK_BYTES);
        block.append(&encode(number));
        block.advance(block.capacity() - MARK_BYTES);
        self.0.write(block, (slot_of(number) * BLOCK_BYTES) as u64).await?;
        flush::sync(&*self.0).await
    }
}

/// What a file of marks holds.
pub(crate) struct Marks {
    pub(crate) newest: Option<u64>,
    /// Places of blocks that have something besides a whole mark.
    pub(crate) damaged: Vec<u64>,
}

/// The marks of one core; `None` in folders of earlier builds.
pub(crate) async fn read_marks(disk: &dyn Disk, path: &Path) -> Result<Option<Marks>, DiskError> {
    let file = match disk.open(path, OpenMode::Existing).await {
        Ok(file) => file,
        Err(DiskError::NotFound { .. }) => return Ok(None),
        Err(other) => return Err(other),
    };
    let mut marks = Marks { newest: None, damaged: Vec::new() };
    for turn in 0..MARKS {
        let at = (turn * BLOCK_BYTES) as u64;
        let block = file.read(at, BLOCK_BYTES).await?;
        let found = decode(&block).filter(|number| slot_of(*number) == turn);
        marks.newest = marks.newest.max(found);
        let rest = if found.is_some() { MARK_BYTES } else { 0 };
        if block.iter().skip(rest).any(|byte| *byte != 0) {
            marks.damaged.push(at);
        }
    }
    Ok(Some(marks))
}

/// The number of the last checkpoint that is known to have been flushed.
pub(crate) async fn last_flushed(disk: &dyn Disk, folder: &Path) -> Result<Option<u64>, DiskError> {
    Ok(read_marks(disk, &folder.join(FLUSHED_FILE)).await?.and_then(|marks| marks.newest))
}

fn encode(number: u64) -> [u8; MARK_BYTES] {
    let mut mark = [0; MARK_BYTES];
    mark[..8].copy_from_slice(MAGIC);
    mark[8..CRC_AT].copy_from_slice(&number.to_le_bytes());
    let crc = wire::batch::crc::crc32c(&mark[..CRC_AT]);
    mark[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
    mark
}

fn decode(block: &[u8]) -> Option<u64> {
    let mark = block.get(..MARK_BYTES)?;
    let is_whole = mark[..8] == *MAGIC && wire::batch::crc::crc32c(&mark[..CRC_AT]) == u32_at(mark, CRC_AT);
    is_whole.then(|| u64_at(mark, 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_has_its_bytes_and_is_not_believed_with_any_bit_changed() {
        let mark = encode(0x0102_0304_0506_0708);
        assert_eq!(mark[..16], *b"CLFLUSH1\x08\x07\x06\x05\x04\x03\x02\x01");
        assert_eq!(decode(&mark), Some(0x0102_0304_0506_0708));
        for bit in 0..mark.len() * 8 {
            let mut damaged = mark;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&damaged), None, "bit {bit}");
        }
        assert_eq!(decode(&mark[..MARK_BYTES - 1]), None);
        assert_eq!(decode(&[0; BLOCK_BYTES]), None);
    }
}
