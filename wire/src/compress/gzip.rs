//! gzip (RFC 1952) around deflate: the members' headers and trailers are read and written here, so that one deflate
//! context serves every batch.

use std::ops::RangeInclusive;

use flate2::{Compress, Compression, Crc, Decompress, FlushCompress, FlushDecompress, Status};

use super::scratch::Scratch;
use super::{Fault, take, take_array};

pub(super) const LEVELS: RangeInclusive<i32> = 1..=9;
const LEVEL_DEFAULT: i32 = 6;

const MAGIC: [u8; 2] = [0x1f, 0x8b];
const METHOD_DEFLATE: u8 = 8;
const OPERATING_SYSTEM_UNKNOWN: u8 = 255;
/// Deflate's strongest: 258 bytes in 2 bits.
pub(super) const RATIO_MAX: usize = 1032;

/// Flags of a member's header: which optional fields follow.
mod flag {
    pub(super) const HEADER_CRC: u8 = 1 << 1;
    pub(super) const EXTRA: u8 = 1 << 2;
    pub(super) const NAME: u8 = 1 << 3;
    pub(super) const COMMENT: u8 = 1 << 4;
    pub(super) const RESERVED: u8 = 0b1110_0000;
}

pub(super) struct Encoder {
    deflate: Compress,
    level: i32,
}

impl Default for Encoder {
    fn default() -> Self {
        Self { deflate: new_deflate(LEVEL_DEFAULT), level: LEVEL_DEFAULT }
    }
}

impl Encoder {
    pub(super) fn compress(&mut self, level: Option<i32>, input: &[u8], out: &mut Vec<u8>) {
        let level = level.unwrap_or(LEVEL_DEFAULT).clamp(*LEVELS.start(), *LEVELS.end());
        if level == self.level {
            self.deflate.reset();
        } else {
            *self = Self { deflate: new_deflate(level), level };
        }
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[METHOD_DEFLATE, 0, 0, 0, 0, 0, 0, OPERATING_SYSTEM_UNKNOWN]);
        // Stored blocks are the worst case: 5 bytes for each 16 KiB, and a few for the end of the stream.
        let mut room = input.len() + input.len() / 1_024 + 64;
        loop {
            out.reserve(room);
            let consumed = usize::try_from(self.deflate.total_in()).expect("no more was consumed than is in memory");
            let status = self.deflate.compress_vec(&input[consumed..], out, FlushCompress::Finish);
            match status.expect("deflate has no reason to refuse bytes") {
                Status::StreamEnd => break,
                Status::Ok | Status::BufError => room = room.max(4_096) / 2,
            }
        }
        let mut crc = Crc::new();
        crc.update(input);
        out.extend_from_slice(&crc.sum().to_le_bytes());
        // Modulo 2^32 by the format's definition, as `amount` is.
        out.extend_from_slice(&crc.amount().to_le_bytes());
    }
}

fn new_deflate(level: i32) -> Compress {
    Compress::new(Compression::new(u32::try_from(level).expect("gzip's levels are positive")), false)
}

pub(super) struct Decoder {
    inflate: Decompress,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { inflate: Decompress::new(false) }
    }
}

impl Decoder {
    pub(super) fn decompress(
        &mut self,
        mut input: &[u8],
        scratch: &mut Scratch,
        budget: usize,
    ) -> Result<usize, Fault> {
        let mut filled = 0;
        scratch.at_least(0, claimed_length(input).min(budget));
        loop {
            read_member_header(&mut input)?;
            let start = filled;
            filled = self.inflate_member(&mut input, scratch, filled, budget)?;
            let mut crc = Crc::new();
            crc.update(&scratch.filled(filled)[start..]);
            if u32::from_le_bytes(take_array(&mut input)?) != crc.sum() {
                return Err(Fault::Damaged("the checksum does not match"));
            }
            if u32::from_le_bytes(take_array(&mut input)?) != crc.amount() {
                return Err(Fault::Damaged("the length does not match"));
            }
            if input.is_empty() {
                return Ok(filled);
            }
        }
    }

    /// Inflates one deflate stream behind the first `filled` bytes; gives back where it ends.
    fn inflate_member(
        &mut self,
        input: &mut &[u8],
        scratch: &mut Scratch,
        mut filled: usize,
        budget: usize,
    ) -> Result<usize, Fault> {
        self.inflate.reset(false);
        // One byte of room beyond the budget tells "exactly the budget" from "more".
        let mut probe = [0];
        loop {
            let room = scratch.at_least(0, 0);
            let end = room.len().min(budget);
            let over = filled == budget;
            let output = if over { &mut probe[..] } else { &mut room[filled..end] };
            let (in_before, out_before) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self
                .inflate
                .decompress(input, output, FlushDecompress::None)
                .map_err(|_| Fault::Damaged("deflate refuses it"))?;
            let consumed = length(self.inflate.total_in() - in_before);
            let produced = length(self.inflate.total_out() - out_before);
            *input = &input[consumed..];
            if over && produced > 0 {
                return Err(Fault::OverBudget);
            }
            filled += produced;
            if status == Status::StreamEnd {
                return Ok(filled);
            }
            if consumed == 0 && produced == 0 {
                let full = !over && filled == end;
                if !full || scratch.grow(filled, budget).is_none() {
                    return Err(Fault::Damaged("it ends too early"));
                }
            } else if !over && filled == end {
                scratch.grow(filled, budget);
            }
        }
    }
}

fn length(count: u64) -> usize {
    usize::try_from(count).expect("what was just read or written is in memory")
}

/// The length in the last member's trailer: right for a stream of one member, and no more than deflate could pack into
/// this many bytes.
fn claimed_length(input: &[u8]) -> usize {
    let claimed = input.last_chunk().map_or(0, |trailer| u32::from_le_bytes(*trailer));
    usize::try_from(claimed).unwrap_or(usize::MAX).min(input.len().saturating_mul(RATIO_MAX))
}

fn read_member_header(input: &mut &[u8]) -> Result<(), Fault> {
    let [magic_1, magic_2, method, flags, ..] = take_array::<10>(input)?;
    if [magic_1, magic_2] != MAGIC {
        return Err(Fault::Damaged("it does not begin as gzip does"));
    }
    if method != METHOD_DEFLATE || flags & flag::RESERVED != 0 {
        return Err(Fault::Damaged("its header names a method that does not exist"));
    }
    if flags & flag::EXTRA != 0 {
        let length = u16::from_le_bytes(take_array(input)?);
        take(input, usize::from(length))?;
    }
    for text in [flag::NAME, flag::COMMENT] {
        if flags & text != 0 {
            let end = input.iter().position(|byte| *byte == 0).ok_or(Fault::Damaged("it ends too early"))?;
            take(input, end + 1)?;
        }
    }
    if flags & flag::HEADER_CRC != 0 {
        take(input, 2)?;
    }
    Ok(())
}
