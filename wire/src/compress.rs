//! The codecs of record batches: gzip, snappy, lz4 and zstd, as Kafka's clients frame them.
//!
//! Compressed bytes come from outside, so that every decompression has a budget: it stops at the byte that would
//! exceed it, and its memory is the budget and a constant, whatever the input claims.

use std::fmt;
use std::ops::RangeInclusive;

mod gzip;
mod lz4;
mod scratch;
mod snappy;
mod zstd;

#[cfg(test)]
mod tests;

use scratch::Scratch;

/// How a batch's records are compressed: bits 0 to 2 of the batch's attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Codec {
    #[default]
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

impl Codec {
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// `None` for the three numbers that mean no codec yet.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0 => Some(Self::None),
            1 => Some(Self::Gzip),
            2 => Some(Self::Snappy),
            3 => Some(Self::Lz4),
            4 => Some(Self::Zstd),
            _ => None,
        }
    }

    pub const fn bits(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::Snappy => 2,
            Self::Lz4 => 3,
            Self::Zstd => 4,
        }
    }

    /// The name in the clients' `compression.type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.name() == name)
    }

    /// No stream of this codec holds more than this many times its own length.
    pub(crate) const fn ratio_max(self) -> u64 {
        match self {
            Self::None => 1,
            Self::Gzip => gzip::RATIO_MAX as u64,
            Self::Snappy => snappy::RATIO_MAX as u64,
            Self::Lz4 => lz4::RATIO_MAX as u64,
            Self::Zstd => zstd::RATIO_MAX as u64,
        }
    }

    /// The levels that make a difference, weakest first; `None` for a codec without levels.
    pub fn levels(self) -> Option<RangeInclusive<i32>> {
        match self {
            Self::None | Self::Snappy | Self::Lz4 => None,
            Self::Gzip => Some(gzip::LEVELS),
            Self::Zstd => Some(zstd::levels()),
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Compresses, with contexts that are made at first use and kept for the next batch.
#[derive(Default)]
pub struct Compressor {
    gzip: Option<gzip::Encoder>,
    snappy: snappy::Encoder,
    lz4: lz4::Encoder,
    zstd: Option<zstd::Encoder>,
}

impl Compressor {
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends `input`, compressed, to `out`. `level` is the codec's own; without one the codec's default holds, and
    /// one outside [`Codec::levels`] counts as the nearest inside.
    pub fn compress(&mut self, codec: Codec, level: Option<i32>, input: &[u8], out: &mut Vec<u8>) {
        match codec {
            Codec::None => out.extend_from_slice(input),
            Codec::Gzip => self.gzip.get_or_insert_default().compress(level, input, out),
            Codec::Snappy => self.snappy.compress(input, out),
            Codec::Lz4 => self.lz4.compress(input, out),
            Codec::Zstd => self.zstd.get_or_insert_default().compress(level, input, out),
        }
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor").finish_non_exhaustive()
    }
}

/// Decompresses into a buffer of its own, which the next decompression uses again.
#[derive(Default)]
pub struct Decompressor {
    scratch: Scratch,
    gzip: Option<gzip::Decoder>,
    snappy: snappy::Decoder,
    zstd: Option<zstd::Decoder>,
}

impl Decompressor {
    pub fn new() -> Self {
        Self::default()
    }

    /// The decompressed bytes, `budget` of them at most.
    ///
    /// What is not compressed is given back as it is. Every codec refuses bytes after the end of its stream; gzip and
    /// zstd, as Kafka reads them, may be several streams one after another.
    pub fn decompress<'s>(
        &'s mut self,
        codec: Codec,
        input: &'s [u8],
        budget: usize,
    ) -> Result<&'s [u8], DecompressError> {
        let scratch = &mut self.scratch;
        let length = match codec {
            Codec::None if input.len() > budget => Err(Fault::OverBudget),
            Codec::None => return Ok(input),
            Codec::Gzip => self.gzip.get_or_insert_default().decompress(input, scratch, budget),
            Codec::Snappy => self.snappy.decompress(input, scratch, budget),
            Codec::Lz4 => lz4::decompress(input, scratch, budget),
            Codec::Zstd => self.zstd.get_or_insert_default().decompress(input, scratch, budget),
        };
        match length {
            Ok(length) => Ok(self.scratch.filled(length)),
            Err(Fault::OverBudget) => Err(DecompressError::OverBudget { codec, budget }),
            Err(Fault::Damaged(what)) => Err(DecompressError::Damaged { codec, what }),
        }
    }

    /// How many bytes are kept for the next decompression.
    pub fn retained_bytes(&self) -> usize {
        self.scratch.capacity()
    }

    /// Gives back the memory of an unusually large batch when more than `bytes_max` is kept.
    pub fn trim(&mut self, bytes_max: usize) {
        if self.scratch.capacity() > bytes_max {
            self.scratch = Scratch::default();
        }
    }
}

impl fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decompressor").field("retained_bytes", &self.retained_bytes()).finish_non_exhaustive()
    }
}

/// Why bytes were not decompressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecompressError {
    /// There is more in it than the caller allows.
    #[error("{codec} data holds more than the {budget} bytes allowed")]
    OverBudget { codec: Codec, budget: usize },
    /// The bytes are not what this codec's compressor writes.
    #[error("{codec} data is damaged: {what}")]
    Damaged { codec: Codec, what: &'static str },
}

/// A codec's view of a failure; [`Decompressor::decompress`] adds the rest.
#[derive(Debug)]
enum Fault {
    OverBudget,
    Damaged(&'static str),
}

/// Takes `count` bytes off the front of `input`.
fn take<'a>(input: &mut &'a [u8], count: usize) -> Result<&'a [u8], Fault> {
    input.split_off(..count).ok_or(Fault::Damaged("it ends too early"))
}

/// Takes a number of fixed size off the front of `input`.
fn take_array<const N: usize>(input: &mut &[u8]) -> Result<[u8; N], Fault> {
    let (array, rest) = input.split_first_chunk().ok_or(Fault::Damaged("it ends too early"))?;
    *input = rest;
    Ok(*array)
}
