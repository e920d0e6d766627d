//! LZ4 frames: the frame is read and written here, so that blocks land in the output at once and tables are kept.
//!
//! Java's client reads independent blocks only; those are written. Dependent ones, which other encoders choose by
//! default, are read too.
//!
//! ```text
//! 04 22 4d 18 | FLG | BD | [content size u64] | [dictionary u32] | HC | { size u32 | data | [xxh32] }* | 0 u32 | [xxh32]
//! ```

use std::hash::Hasher;

use lz4_flex::block::{self, CompressTable, DecompressError};
use twox_hash::XxHash32;

use super::scratch::Scratch;
use super::{Fault, take, take_array};

const MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];
/// Version 1, independent blocks, no checksums but the header's, no content size.
const FLG_WRITTEN: u8 = VERSION | flag::INDEPENDENT_BLOCKS;
/// Blocks of 64 KiB at most.
const BD_WRITTEN: u8 = 4 << 4;
const BLOCK_BYTES: usize = 64 * 1024;
/// LZ4's strongest: a byte of a match's length is up to 255 bytes of content.
pub(super) const RATIO_MAX: usize = 255;
/// How far a dependent block may reach back.
const WINDOW_BYTES: usize = 64 * 1024;
/// In a block's size: the block is stored, not compressed.
const STORED: u32 = 1 << 31;
const END_MARK: u32 = 0;
const VERSION: u8 = 0b0100_0000;
const VERSION_MASK: u8 = 0b1100_0000;
/// In the BD byte, everything but the block size.
const BD_RESERVED: u8 = 0b1000_1111;

mod flag {
    pub(super) const INDEPENDENT_BLOCKS: u8 = 1 << 5;
    pub(super) const BLOCK_CHECKSUMS: u8 = 1 << 4;
    pub(super) const CONTENT_SIZE: u8 = 1 << 3;
    pub(super) const CONTENT_CHECKSUM: u8 = 1 << 2;
    pub(super) const RESERVED: u8 = 1 << 1;
    pub(super) const DICTIONARY: u8 = 1;
}

pub(super) struct Encoder {
    /// For blocks below 64 KiB: half the size, hence half the clearing.
    small: CompressTable,
    large: CompressTable,
}

impl Default for Encoder {
    fn default() -> Self {
        Self { small: CompressTable::small(), large: CompressTable::large() }
    }
}

impl Encoder {
    pub(super) fn compress(&mut self, input: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[FLG_WRITTEN, BD_WRITTEN, header_checksum(&[FLG_WRITTEN, BD_WRITTEN])]);
        for data in input.chunks(BLOCK_BYTES) {
            let size_at = out.len();
            let data_at = size_at + size_of::<u32>();
            out.resize(data_at + block::get_maximum_output_size(data.len()), 0);
            let table = if data.len() < usize::from(u16::MAX) { &mut self.small } else { &mut self.large };
            let length = block::compress_into_with_table(data, &mut out[data_at..], table)
                .expect("there is room for the worst case");
            let mut size = u32::try_from(length).expect("a block is small");
            out.truncate(data_at + length);
            if length >= data.len() {
                out.truncate(data_at);
                out.extend_from_slice(data);
                size = STORED | u32::try_from(data.len()).expect("a block is small");
            }
            out[size_at..data_at].copy_from_slice(&size.to_le_bytes());
        }
        out.extend_from_slice(&END_MARK.to_le_bytes());
    }
}

/// The second byte of the descriptor's hash.
fn header_checksum(descriptor: &[u8]) -> u8 {
    XxHash32::oneshot(0, descriptor).to_le_bytes()[1]
}

pub(super) fn decompress(mut input: &[u8], scratch: &mut Scratch, budget: usize) -> Result<usize, Fault> {
    let header = FrameHeader::read(&mut input)?;
    if header.content_size.is_some_and(|size| size > budget as u64) {
        return Err(Fault::OverBudget);
    }
    let mut filled = 0;
    loop {
        let size = u32::from_le_bytes(take_array(&mut input)?);
        if size == END_MARK {
            break;
        }
        let length = usize::try_from(size & !STORED).unwrap_or(usize::MAX);
        if length > header.block_bytes_max {
            return Err(Fault::Damaged("a block is larger than the frame's header allows"));
        }
        let data = take(&mut input, length)?;
        if header.has(flag::BLOCK_CHECKSUMS)
            && u32::from_le_bytes(take_array(&mut input)?) != XxHash32::oneshot(0, data)
        {
            return Err(Fault::Damaged("a block's checksum does not match"));
        }
        filled = if size & STORED == 0 {
            decompress_block(&header, data, scratch, filled, budget)?
        } else {
            store_block(data, scratch, filled, budget)?
        };
    }
    if header.content_size.is_some_and(|size| size != filled as u64) {
        return Err(Fault::Damaged("the content is not of the size that the header gives"));
    }
    if header.has(flag::CONTENT_CHECKSUM) {
        let mut hasher = XxHash32::with_seed(0);
        hasher.write(scratch.filled(filled));
        if u64::from(u32::from_le_bytes(take_array(&mut input)?)) != hasher.finish() {
            return Err(Fault::Damaged("the content's checksum does not match"));
        }
    }
    if input.is_empty() { Ok(filled) } else { Err(Fault::Damaged("bytes follow its end")) }
}

fn store_block(data: &[u8], scratch: &mut Scratch, filled: usize, budget: usize) -> Result<usize, Fault> {
    if data.len() > budget - filled {
        return Err(Fault::OverBudget);
    }
    let end = filled + data.len();
    scratch.at_least(filled, end.max(filled.saturating_mul(2).min(budget)))[filled..end].copy_from_slice(data);
    Ok(end)
}

fn decompress_block(
    header: &FrameHeader,
    data: &[u8],
    scratch: &mut Scratch,
    filled: usize,
    budget: usize,
) -> Result<usize, Fault> {
    let length_max = header.block_bytes_max.min(data.len().saturating_mul(RATIO_MAX));
    let room_bytes = length_max.min(budget - filled);
    let room = scratch.at_least(filled, (filled + room_bytes).max(filled.saturating_mul(2).min(budget)));
    let (before, after) = room.split_at_mut(filled);
    let output = &mut after[..room_bytes];
    let written = if header.has(flag::INDEPENDENT_BLOCKS) {
        block::decompress_into(data, output)
    } else {
        block::decompress_into_with_dict(data, output, &before[filled.saturating_sub(WINDOW_BYTES)..])
    };
    match written {
        Ok(written) => Ok(filled + written),
        Err(DecompressError::OutputTooSmall { .. }) if room_bytes < length_max => Err(Fault::OverBudget),
        Err(_) => Err(Fault::Damaged("a block does not decode")),
    }
}

/// What a frame says about itself before its blocks.
struct FrameHeader {
    flags: u8,
    block_bytes_max: usize,
    content_size: Option<u64>,
}

impl FrameHeader {
    fn read(input: &mut &[u8]) -> Result<Self, Fault> {
        if take_array(input)? != MAGIC {
            return Err(Fault::Damaged("it does not begin as an LZ4 frame does"));
        }
        let descriptor = *input;
        let [flags, bd] = take_array(input)?;
        if flags & VERSION_MASK != VERSION || flags & flag::RESERVED != 0 || bd & BD_RESERVED != 0 {
            return Err(Fault::Damaged("its header is of an unknown version"));
        }
        if flags & flag::DICTIONARY != 0 {
            return Err(Fault::Damaged("it needs a dictionary"));
        }
        let block_bytes_max = match bd >> 4 {
            4 => 64 * 1024,
            5 => 256 * 1024,
            6 => 1024 * 1024,
            7 => 4 * 1024 * 1024,
            _ => return Err(Fault::Damaged("its block size does not exist")),
        };
        let content_size = match flags & flag::CONTENT_SIZE {
            0 => None,
            _ => Some(u64::from_le_bytes(take_array(input)?)),
        };
        let descriptor = &descriptor[..descriptor.len() - input.len()];
        let [checksum] = take_array(input)?;
        if checksum != header_checksum(descriptor) {
            return Err(Fault::Damaged("its header's checksum does not match"));
        }
        Ok(Self { flags, block_bytes_max, content_size })
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}
