//! Record batches: the one format of records, on the wire of both protocols, in the journal and in segments.
//!
//! A batch is a header of 61 bytes ([`BatchHeader`]) and its records, compressed as a whole or not. Batches lie back to
//! back. The first 16 bytes, and the magic behind them, are not covered by the CRC: appending a batch to a log changes
//! its place and its leader epoch ([`patch`]) and nothing else.
//!
//! | to | use |
//! |---|---|
//! | accept a batch from a client | [`validate::validate_produced`] |
//! | walk through a log or a fetch response | [`batches`], [`Batch::parse`] |
//! | look at records | [`Batch::decode`], [`Records`] |
//! | write records | [`BatchBuilder`] |

pub mod builder;
pub mod crc;
pub mod error;
pub mod header;
pub mod patch;
pub mod recompress;
pub mod record;
pub mod validate;

#[cfg(test)]
mod tests;

pub use builder::{BatchBuilder, BatchFull, BatchOptions, NewRecord};
pub use error::{BatchError, RecordError, RecordErrors};
pub use header::{Attributes, BatchHeader, HEADER_BYTES, ProducerStamp, TimestampType, peek_base_offset, peek_size};
pub use patch::{HeaderPatch, TimestampPatch};
pub use recompress::{Recompressed, Recompressor};
pub use record::{Header, Headers, Record, Records};

use crate::compress::{Codec, Decompressor};

/// All bytes of one batch, with a header that makes sense. The CRC is checked on request only.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    bytes: &'a [u8],
    header: BatchHeader,
}

impl<'a> Batch<'a> {
    /// Takes one whole batch off the front of `bytes`; gives back what follows it.
    pub fn parse(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), BatchError> {
        let header = BatchHeader::read(bytes)?;
        let (batch, rest) = bytes
            .split_at_checked(header.size())
            .ok_or(BatchError::Truncated { needed: header.size(), available: bytes.len() })?;
        Ok((Self { bytes: batch, header }, rest))
    }

    /// `bytes` are exactly the batch that `header` describes.
    fn new(bytes: &'a [u8], header: BatchHeader) -> Self {
        debug_assert_eq!(bytes.len(), header.size(), "a batch is as long as it says");
        Self { bytes, header }
    }

    /// Checks that everything from the attributes on is as it was written.
    pub fn verify_crc(&self) -> Result<(), BatchError> {
        let computed = crc::crc32c(&self.bytes[header::at::ATTRIBUTES..]);
        let stored = self.header.crc();
        if computed == stored { Ok(()) } else { Err(BatchError::Checksum { stored, computed }) }
    }

    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What follows the header: the records, compressed as the header says.
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[HEADER_BYTES..]
    }

    /// The records of a batch that is not compressed; `None` for one that is.
    pub fn records(&self) -> Option<Records<'a>> {
        (self.header.codec() == Codec::None).then(|| Records::new(self.header, self.payload()))
    }

    /// The records, decompressed to `budget` bytes at most. What is not compressed is read in place, whatever its size.
    pub fn decode<'s>(&self, decompressor: &'s mut Decompressor, budget: usize) -> Result<Records<'s>, BatchError>
    where
        'a: 's,
    {
        match self.records() {
            Some(records) => Ok(records),
            None => {
                let payload = decompressor.decompress(self.header.codec(), self.payload(), budget)?;
                Ok(Records::new(self.header, payload))
            }
        }
    }
}

/// The batches that lie back to back in `bytes`.
pub fn batches(bytes: &[u8]) -> Batches<'_> {
    Batches { rest: bytes, state: State::Reading }
}

/// See [`batches`]. Ends at a batch that is cut off, as the last one in a fetch response may be; bytes that cannot be a
/// batch are an error, after which it ends too.
#[derive(Clone, Debug)]
pub struct Batches<'a> {
    rest: &'a [u8],
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading,
    Damaged,
}

impl<'a> Batches<'a> {
    /// What has not been read: at the end, a part of the next batch, or what is damaged and everything after it.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn step(&mut self) -> Result<Option<Batch<'a>>, BatchError> {
        if next_size(self.rest)?.is_none() {
            return Ok(None);
        }
        let (batch, rest) = Batch::parse(self.rest)?;
        self.rest = rest;
        Ok(Some(batch))
    }
}

impl<'a> Iterator for Batches<'a> {
    type Item = Result<Batch<'a>, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.state == State::Damaged {
            return None;
        }
        let step = self.step().transpose();
        if let Some(Err(_)) = step {
            self.state = State::Damaged;
        }
        step
    }
}

impl std::iter::FusedIterator for Batches<'_> {}

/// Size of the next batch, if all of it is there; `None` if it is cut off.
///
/// Kafka's rule: a length below that of the oldest format, or a magic that is no format's, is damage even in a batch
/// that is cut off.
fn next_size(bytes: &[u8]) -> Result<Option<usize>, BatchError> {
    let Some(length) = header::peek_length(bytes) else { return Ok(None) };
    let size = header::size_of_length(length)
        .filter(|size| *size >= LEGACY_BYTES_MIN)
        .ok_or(BatchError::Size { claimed: header::claimed_size(length) })?;
    let Some(magic) = header::peek_magic(bytes) else { return Ok(None) };
    if let Err(unknown @ BatchError::UnknownMagic { .. }) = header::check_magic(magic) {
        return Err(unknown);
    }
    Ok(Some(size).filter(|size| *size <= bytes.len()))
}

/// The shortest entry of any format: offset, length, and a message of magic 0 with neither key nor value.
const LEGACY_BYTES_MIN: usize = header::LENGTH_END + 14;
