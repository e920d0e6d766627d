//! One entry of the journal: an envelope, and a batch, the place of one, or the new start of a log.
//!
//! A batch's own CRC covers neither its base offset nor its leader epoch, nor does it catch a lost or misdirected
//! write. The envelope does: it names the journal, its own position and the entry before it.
//!
//! ```text
//!  0        4        8                16                24
//! +--------+--------+----------------+-----------------+-------------------------------------+
//! | magic  | crc    | lsn            | flushed lsn     | topic id (16)                       |
//! +--------+--------+--------+-------+--------+--------+--------+----------------------------+
//! | partition (40)  | body bytes     | previous crc    | incarnation     | journal id (8)   |
//! +-----------------+----------------+-----------------+-----------------+------------------+
//! | the body (64 ..), then zeroes up to a multiple of 8                                      |
//! +-----------------------------------------------------------------------------------------+
//! ```
//!
//! All numbers are little endian. The magic says what the body is: a batch (`CJE1`; `CJF1` if it begins a segment), a
//! marker of a batch whose blocks are in its segment (`CJD1`, see [`super::direct`]), or 61 bytes that begin with an
//! offset (`CJS1`): the partition's log begins there from now on. `crc` is CRC-32C over bytes 8..64 and the first 61 of
//! the body; a batch's own CRC covers the rest. `flushed lsn` is the end of what was known to be flushed when the entry
//! was written: an entry that claims more than a damaged one's position proves that the damaged one was once whole on
//! disk.

use base::{Offset, PartitionId, PartitionIndex, TopicId};
use wire::batch::{BatchHeader, HEADER_BYTES};

use crate::bytes::{u32_at, u64_at};

pub const ENTRY_HEADER_BYTES: usize = 64;
pub const ENTRY_ALIGNMENT: usize = 8;
const BATCH_MAGIC: u32 = u32::from_le_bytes(*b"CJE1");
const FIRST_BATCH_MAGIC: u32 = u32::from_le_bytes(*b"CJF1");
const DIRECT_MAGIC: u32 = u32::from_le_bytes(*b"CJD1");
const LOG_START_MAGIC: u32 = u32::from_le_bytes(*b"CJS1");
/// An entry about a log's start is as long as one of the smallest batches.
#[expect(clippy::cast_possible_truncation, reason = "it is 61")]
pub const LOG_START_BYTES: u32 = HEADER_BYTES as u32;

/// Position in a journal: bytes ever written to it, over all laps of the ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(pub u64);

impl Lsn {
    pub const ZERO: Self = Self(0);

    pub const fn plus(self, bytes: u64) -> Self {
        Self(self.0 + bytes)
    }

    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl std::fmt::Display for Lsn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Which life of which journal an entry belongs to. Entries of any other are not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalIdentity {
    /// Random, made with the ring's files.
    pub journal: u64,
    /// Counts the starts of the broker.
    pub incarnation: u32,
}

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    Batch,
    /// A batch that is the first of its segment: a replay begins the same segments.
    FirstBatch,
    /// A batch that was written straight to its segment.
    Direct,
    LogStart,
}

impl EntryKind {
    const fn magic(self) -> u32 {
        match self {
            Self::Batch => BATCH_MAGIC,
            Self::FirstBatch => FIRST_BATCH_MAGIC,
            Self::Direct => DIRECT_MAGIC,
            Self::LogStart => LOG_START_MAGIC,
        }
    }

    fn of_magic(magic: u32) -> Option<Self> {
        [Self::Batch, Self::FirstBatch, Self::Direct, Self::LogStart].into_iter().find(|kind| kind.magic() == magic)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryHeader {
    pub kind: EntryKind,
    pub lsn: Lsn,
    pub flushed: Lsn,
    pub partition: PartitionId,
    pub body_bytes: u32,
    pub previous_crc: u32,
    pub identity: JournalIdentity,
}

impl EntryHeader {
    /// The envelope's bytes, and its CRC for the entry that follows. `front` are the first bytes of the body.
    pub fn encode(&self, front: &[u8; HEADER_BYTES]) -> ([u8; ENTRY_HEADER_BYTES], u32) {
        let mut out = [0; ENTRY_HEADER_BYTES];
        out[0..4].copy_from_slice(&self.kind.magic().to_le_bytes());
        out[8..16].copy_from_slice(&self.lsn.0.to_le_bytes());
        out[16..24].copy_from_slice(&self.flushed.0.to_le_bytes());
        out[24..40].copy_from_slice(&self.partition.topic.to_bytes());
        out[40..44].copy_from_slice(&self.partition.index.0.to_le_bytes());
        out[44..48].copy_from_slice(&self.body_bytes.to_le_bytes());
        out[48..52].copy_from_slice(&self.previous_crc.to_le_bytes());
        out[52..56].copy_from_slice(&self.identity.incarnation.to_le_bytes());
        out[56..64].copy_from_slice(&self.identity.journal.to_le_bytes());
        let crc = crc_of(&out, front);
        out[4..8].copy_from_slice(&crc.to_le_bytes());
        (out, crc)
    }

    /// Bytes that an entry with such a body takes in the journal.
    pub fn total_bytes(body_bytes: u32) -> u64 {
        (ENTRY_HEADER_BYTES as u64 + u64::from(body_bytes)).next_multiple_of(ENTRY_ALIGNMENT as u64)
    }
}

/// The body of an entry that moves the start of a log.
pub fn log_start_body(start: Offset) -> [u8; HEADER_BYTES] {
    let mut body = [0; HEADER_BYTES];
    body[..8].copy_from_slice(&start.get().to_le_bytes());
    body
}

fn crc_of(envelope: &[u8], front: &[u8]) -> u32 {
    wire::batch::crc::append(wire::batch::crc::crc32c(&envelope[8..ENTRY_HEADER_BYTES]), front)
}

/// What an entry says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryBody {
    Batch(BatchHeader),
    /// The header of a batch that is in its segment. Where, is in the rest of the body: see [`super::direct`].
    Direct(BatchHeader),
    /// The log begins here from now on.
    LogStart(Offset),
}

/// What stands at a position where an entry may begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// An envelope whose CRC holds, and with it the front of the body. A batch's payload is not yet looked at.
    Entry { header: EntryHeader, crc: u32, body: EntryBody },
    /// Zeroes: the group ended here.
    Padding,
    /// Neither.
    Damaged,
}

/// Looks at the first 125 bytes (envelope and front of the body) at a position. Fewer bytes are `Damaged`, except zeroes.
pub fn parse(bytes: &[u8]) -> Parsed {
    if bytes.len() >= 4 && u32_at(bytes, 0) == 0 {
        return Parsed::Padding;
    }
    if bytes.len() < ENTRY_HEADER_BYTES + HEADER_BYTES {
        return Parsed::Damaged;
    }
    let Some(kind) = EntryKind::of_magic(u32_at(bytes, 0)) else { return Parsed::Damaged };
    let (envelope, rest) = bytes.split_at(ENTRY_HEADER_BYTES);
    let front = &rest[..HEADER_BYTES];
    let crc = u32_at(envelope, 4);
    if crc_of(envelope, front) != crc {
        return Parsed::Damaged;
    }
    let topic: [u8; 16] = envelope[24..40].try_into().expect("sixteen bytes were sliced");
    let Some(topic) = TopicId::from_bytes(topic) else { return Parsed::Damaged };
    let header = EntryHeader {
        kind,
        lsn: Lsn(u64_at(envelope, 8)),
        flushed: Lsn(u64_at(envelope, 16)),
        partition: PartitionId { topic, index: PartitionIndex(u32_at(envelope, 40)) },
        body_bytes: u32_at(envelope, 44),
        previous_crc: u32_at(envelope, 48),
        identity: JournalIdentity { incarnation: u32_at(envelope, 52), journal: u64_at(envelope, 56) },
    };
    match body_of(&header, front) {
        Some(body) => Parsed::Entry { header, crc, body },
        None => Parsed::Damaged,
    }
}

fn body_of(header: &EntryHeader, front: &[u8]) -> Option<EntryBody> {
    match header.kind {
        EntryKind::Batch | EntryKind::FirstBatch => {
            let batch = BatchHeader::read(front).ok()?;
            (batch.size() == header.body_bytes as usize).then_some(EntryBody::Batch(batch))
        }
        EntryKind::Direct => BatchHeader::read(front).ok().map(EntryBody::Direct),
        EntryKind::LogStart => {
            let whole = header.body_bytes == LOG_START_BYTES && front[8..].iter().all(|byte| *byte == 0);
            let start = Offset::new(u64_at(front, 0))?;
            whole.then_some(EntryBody::LogStart(start))
        }
    }
}
