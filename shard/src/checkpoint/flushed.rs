//! Which checkpoint was flushed last, in a file of its own.
//!
//! A checkpoint that cannot be read was being written when the life before ended, and then the one before it counts; or
//! it was flushed and is damaged, and then the one before it must not be believed: the journal that it starts from is
//! overwritten, segments that it names are replaced. Only what is written after the flush tells the two apart.
//!
//! Two blocks, written in turn as the checkpoints are, so that a mark that is torn leaves the one before it:
//!
//! ```text
//! magic "CLFLUSH2" | number u64 | core u16 | crc u32
//! ```

use std::path::{Path, PathBuf};
use std::rc::Rc;

use base::CoreId;
use rt::{BLOCK_BYTES, Disk, DiskError, DiskFile, IoBuf, OpenMode};

use super::slot_of;
use crate::bytes::{u16_at, u32_at, u64_at};
use crate::{flush, layout};

const FLUSHED_FILE: &str = "checkpoint-flushed";
const MAGIC: &[u8; 8] = b"CLFLUSH2";
const CORE_AT: usize = 16;
const CRC_AT: usize = 18;
const MARK_BYTES: usize = CRC_AT + 4;
const MARKS: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    number: u64,
    core: CoreId,
}

/// Where the marks of one core are written.
pub(super) struct FlushedFile {
    file: Rc<dyn DiskFile>,
    core: CoreId,
}

impl FlushedFile {
    /// The folder is not flushed here.
    pub(super) async fn open(disk: &dyn Disk, core: CoreId) -> Result<Self, DiskError> {
        let file = disk.open(&flushed_file(core), OpenMode::Create).await?;
        // Space for both before anything depends on a mark.
        if file.len().await? < (MARKS * BLOCK_BYTES) as u64 {
            file.allocate((MARKS * BLOCK_BYTES) as u64).await?;
        }
        Ok(Self { file, core })
    }

    /// Puts down, for certain, that a checkpoint is flushed.
    pub(super) async fn mark(&self, number: u64) -> Result<(), DiskError> {
        let block = IoBuf::alloc(BLOCK_BYTES);
        block.append(&encode(Mark { number, core: self.core }));
        block.advance(block.capacity() - MARK_BYTES);
        self.file.write(block, (slot_of(number) * BLOCK_BYTES) as u64).await?;
        flush::sync(&*self.file).await
    }
}

/// What a file of marks holds.
pub(crate) struct Marks {
    pub(crate) newest: Option<u64>,
    /// Places of blocks that have something besides a whole mark.
    pub(crate) damaged: Vec<u64>,
}

/// The marks in a file, of this core if one is given; `None` in folders of earlier builds.
pub(crate) async fn read_marks(disk: &dyn Disk, path: &Path, core: Option<CoreId>) -> Result<Option<Marks>, DiskError> {
    let file = match disk.open(path, OpenMode::Existing).await {
        Ok(file) => file,
        Err(DiskError::NotFound { .. }) => return Ok(None),
        Err(other) => return Err(other),
    };
    let mut marks = Marks { newest: None, damaged: Vec::new() };
    for turn in 0..MARKS {
        let at = (turn * BLOCK_BYTES) as u64;
        let block = file.read(at, BLOCK_BYTES).await?;
        let is_here = |mark: &Mark| slot_of(mark.number) == turn && core.is_none_or(|core| core == mark.core);
        let found = decode(&block).filter(is_here);
        marks.newest = marks.newest.max(found.map(|mark| mark.number));
        let rest = if found.is_some() { MARK_BYTES } else { 0 };
        if block.iter().skip(rest).any(|byte| *byte != 0) {
            marks.damaged.push(at);
        }
    }
    Ok(Some(marks))
}

/// The number of the last checkpoint that is known to have been flushed.
pub(crate) async fn last_flushed(disk: &dyn Disk, core: CoreId) -> Result<Option<u64>, DiskError> {
    Ok(read_marks(disk, &flushed_file(core), Some(core)).await?.and_then(|marks| marks.newest))
}

pub(crate) fn flushed_file(core: CoreId) -> PathBuf {
    layout::journal_folder(core).join(FLUSHED_FILE)
}

fn encode(mark: Mark) -> [u8; MARK_BYTES] {
    let mut bytes = [0; MARK_BYTES];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..CORE_AT].copy_from_slice(&mark.number.to_le_bytes());
    bytes[CORE_AT..CRC_AT].copy_from_slice(&mark.core.0.to_le_bytes());
    let crc = wire::batch::crc::crc32c(&bytes[..CRC_AT]);
    bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

fn decode(block: &[u8]) -> Option<Mark> {
    let bytes = block.get(..MARK_BYTES)?;
    let is_whole = bytes[..8] == *MAGIC && wire::batch::crc::crc32c(&bytes[..CRC_AT]) == u32_at(bytes, CRC_AT);
    is_whole.then(|| Mark { number: u64_at(bytes, 8), core: CoreId(u16_at(bytes, CORE_AT)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_has_its_bytes_and_is_not_believed_with_any_bit_changed() {
        let mark = Mark { number: 0x0102_0304_0506_0708, core: CoreId(0x0a0b) };
        let bytes = encode(mark);
        assert_eq!(bytes[..CRC_AT], *b"CLFLUSH2\x08\x07\x06\x05\x04\x03\x02\x01\x0b\x0a");
        assert_eq!(decode(&bytes), Some(mark));
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&damaged), None, "bit {bit}");
        }
        assert_eq!(decode(&bytes[..MARK_BYTES - 1]), None);
        assert_eq!(decode(&[0; BLOCK_BYTES]), None);
    }
}
