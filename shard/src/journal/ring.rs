//! The ring of files under a journal.
//!
//! Each file begins with a header block; the rest holds the journal's bytes. A position in the journal ([`Lsn`]) maps
//! to a file and a place in it, lap after lap, so that blocks are written again where they lie and a flush changes no
//! metadata of the file system.
//!
//! ```text
//!  0            8         12       16       20        24           32           40    44
//! +------------+---------+--------+--------+---------+------------+------------+-----+
//! | CLJRING1   | version | index  | files  | zero    | file bytes | journal id | crc |
//! +------------+---------+--------+--------+---------+------------+------------+-----+
//! ```

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rt::{BLOCK_BYTES, Disk, DiskError, DiskFile, IoBuf, OpenMode};

use super::entry::Lsn;
use crate::bytes::{FieldReader, length, u32_at};
use crate::{flush, limits};

const MAGIC: &[u8; 8] = b"CLJRING1";
const VERSION: u32 = 1;
const HEADER_FIELDS_BYTES: usize = 44;
const FILL_BYTES: usize = 1 << 20;

/// Shape of a ring: so many files of so many bytes each, header blocks included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingLayout {
    pub files: u32,
    pub file_bytes: u64,
}

/// A run of bytes in one file of the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub file: usize,
    pub position: u64,
    /// Bytes from here to the end of this file.
    pub room: u64,
}

impl RingLayout {
    /// A ring of about `total` bytes. The size is rounded so that every file is a whole number of blocks.
    pub fn of_total(total: u64) -> Self {
        let file_bytes = (total / u64::from(limits::JOURNAL_FILES))
            .clamp(limits::JOURNAL_FILE_BYTES_MIN, limits::JOURNAL_FILE_BYTES_MAX)
            .next_multiple_of(BLOCK_BYTES as u64);
        Self { files: limits::JOURNAL_FILES, file_bytes }
    }

    fn data_bytes(self) -> u64 {
        self.file_bytes - BLOCK_BYTES as u64
    }

    /// Bytes of one lap.
    pub fn capacity(self) -> u64 {
        self.data_bytes() * u64::from(self.files)
    }

    pub fn place(self, lsn: Lsn) -> Place {
        let within = lsn.0 % self.data_bytes();
        let file = length(lsn.0 / self.data_bytes() % u64::from(self.files));
        Place { file, position: BLOCK_BYTES as u64 + within, room: self.data_bytes() - within }
    }

    fn is_sane(self) -> bool {
        (1..=limits::JOURNAL_FILES_MAX).contains(&self.files)
            && (limits::JOURNAL_FILE_BYTES_MIN..=limits::JOURNAL_FILE_BYTES_MAX).contains(&self.file_bytes)
            && self.file_bytes.is_multiple_of(BLOCK_BYTES as u64)
    }
}

/// What a checkpoint knows of the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingState {
    pub layout: RingLayout,
    /// Bit `n` says that file `n` was ready for writing: from then on it has to be there.
    pub prepared: u64,
}

impl RingState {
    /// Whether every file of the ring was ready.
    pub fn is_complete(self) -> bool {
        self.prepared.count_ones() >= self.layout.files
    }

    /// As a checkpoint keeps it: files, bytes of a file, prepared files.
    pub const ENCODED_BYTES: usize = 20;

    pub fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.layout.files.to_le_bytes());
        out.extend_from_slice(&self.layout.file_bytes.to_le_bytes());
        out.extend_from_slice(&self.prepared.to_le_bytes());
    }

    pub(crate) fn decode(fields: &mut FieldReader<'_>) -> Option<Self> {
        let layout = RingLayout { files: fields.u32()?, file_bytes: fields.u64()? };
        let state = Self { layout, prepared: fields.u64()? };
        (layout.is_sane() && state.prepared >> (layout.files - 1) <= 1).then_some(state)
    }
}

/// What a ring file says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingFileHeader {
    pub layout: RingLayout,
    pub index: u32,
    pub journal: u64,
}

impl RingFileHeader {
    pub fn encode(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_FIELDS_BYTES);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&self.index.to_le_bytes());
        out.extend_from_slice(&self.layout.files.to_le_bytes());
        out.extend_from_slice(&0_u32.to_le_bytes());
        out.extend_from_slice(&self.layout.file_bytes.to_le_bytes());
        out.extend_from_slice(&self.journal.to_le_bytes());
        let crc = wire::batch::crc::crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    /// `None` for anything but a whole header of this version.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let fields = bytes.get(..HEADER_FIELDS_BYTES)?;
        if wire::batch::crc::crc32c(&fields[..40]) != u32_at(fields, 40) {
            return None;
        }
        let mut reader = FieldReader::new(fields);
        if reader.take(8)? != MAGIC || reader.u32()? != VERSION {
            return None;
        }
        let index = reader.u32()?;
        let files = reader.u32()?;
        reader.u32()?;
        let layout = RingLayout { files, file_bytes: reader.u64()? };
        let journal = reader.u64()?;
        (layout.is_sane() && index < layout.files).then_some(Self { layout, index, journal })
    }
}

pub fn ring_file(folder: &Path, index: u32) -> PathBuf {
    folder.join(format!("ring-{index}"))
}

/// Opens one file of the ring, or makes it: space taken, zeroes written once and flushed, header last. Gives up, with
/// `None`, once `stop` is set: a file without a header is made again by the next start.
pub(crate) async fn prepare(
    disk: &dyn Disk,
    folder: &Path,
    header: RingFileHeader,
    stop: &Cell<bool>,
) -> Result<Option<Rc<dyn DiskFile>>, DiskError> {
    let path = ring_file(folder, header.index);
    let file = disk.open(&path, OpenMode::Create).await?;
    if file.len().await? == header.layout.file_bytes {
        let block = file.read(0, BLOCK_BYTES).await?;
        if RingFileHeader::decode(&block) == Some(header) {
            return Ok(Some(file));
        }
    }
    file.set_len(0).await?;
    file.allocate(header.layout.file_bytes).await?;
    fill_with_zeroes(&*file, header.layout.file_bytes, stop).await?;
    if stop.get() {
        return Ok(None);
    }
    flush::sync(&*file).await?;
    let block = IoBuf::alloc(BLOCK_BYTES);
    block.append(&header.encode());
    file.write(block, 0).await?;
    flush::sync(&*file).await?;
    flush::sync_dir(disk, folder).await?;
    Ok(Some(file))
}

/// Writes every block once, so that later writes find extents that are already written.
async fn fill_with_zeroes(file: &dyn DiskFile, bytes: u64, stop: &Cell<bool>) -> Result<(), DiskError> {
    let mut position = 0;
    while position < bytes && !stop.get() {
        let zeroes = IoBuf::alloc(FILL_BYTES.min(length(bytes - position)));
        zeroes.advance(zeroes.capacity());
        file.write(zeroes, position).await?;
        position += FILL_BYTES as u64;
        rt::yield_if_needed().await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: RingLayout = RingLayout { files: 4, file_bytes: 1 << 20 };

    #[test]
    fn positions_go_round_the_ring_and_skip_the_header_blocks() {
        let data = (1 << 20) - 4096;
        assert_eq!(LAYOUT.place(Lsn(0)), Place { file: 0, position: 4096, room: data });
        assert_eq!(LAYOUT.place(Lsn(data - 1)), Place { file: 0, position: (1 << 20) - 1, room: 1 });
        assert_eq!(LAYOUT.place(Lsn(data)), Place { file: 1, position: 4096, room: data });
        assert_eq!(LAYOUT.place(Lsn(4 * data)), LAYOUT.place(Lsn(0)));
        assert_eq!(LAYOUT.capacity(), 4 * data);
    }

    #[test]
    fn a_damaged_header_is_not_believed() {
        let header = RingFileHeader { layout: LAYOUT, index: 2, journal: 77 };
        let bytes = header.encode();
        assert_eq!(RingFileHeader::decode(&bytes), Some(header));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert_eq!(RingFileHeader::decode(&damaged), None, "byte {at}");
            assert_eq!(RingFileHeader::decode(&bytes[..at]), None, "cut at {at}");
        }
    }

    #[test]
    fn a_ring_of_a_total_stays_within_the_limits() {
        assert_eq!(RingLayout::of_total(256 << 20).file_bytes, 64 << 20);
        assert_eq!(RingLayout::of_total(0).file_bytes, limits::JOURNAL_FILE_BYTES_MIN);
        assert_eq!(RingLayout::of_total(u64::MAX).file_bytes, limits::JOURNAL_FILE_BYTES_MAX);
        assert!(RingLayout::of_total(5_000_001).is_sane());
    }
}
