//! Checkpoints: up to where each partition's segments are flushed, and from where the journal must be replayed.
//!
//! Two files are written in turn; a reader takes the newest whole one. A checkpoint may trail the log but never lead
//! it: recovery trusts it without reading segments.
//!
//! ```text
//! magic "CLCKPT03" | number u64 | length u32 | crc of what follows u32 | body
//! body: core u16, journal id u64, incarnation u32, clean u8, replay lsn u64, previous crc u32, flushed lsn u64,
//!       partitions u32, then the rows, then the ring: files u32, file bytes u64, prepared files u64
//! ```
//!
//! The core is in it because a disk may write the block of another core's checkpoint here.
//!
//! A third file says which of them was flushed last; see [`flushed`].
//!
//! `CLCKPT02`, of earlier builds, does not say of which core it is. Rows of `CLCKPT01`, of the first builds, lack the times
//! of the active segment as well.

pub(crate) mod flushed;
mod rows;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::rc::Rc;

use base::{CoreId, LeaderEpoch, Offset, PartitionId, PartitionIndex, TopicId};
use bytes::Bytes;
use rt::{BLOCK_BYTES, Disk, DiskError, DiskFile, OpenMode};

use self::flushed::FlushedFile;
use crate::bytes::{FieldReader, length, u32_at, u64_at};
use crate::journal::JournalPosition;
use crate::journal::entry::{JournalIdentity, Lsn};
use crate::journal::ring::RingState;
use crate::log::start::trim_epochs;
use crate::log::{EpochStart, Newest, SegmentTimes};
use crate::segment::index::Span;
use crate::{flush, layout, limits};

pub(crate) use rows::EncodedRows;

const MAGIC: &[u8; 8] = b"CLCKPT03";
const MAGIC_WITHOUT_CORE: &[u8; 8] = b"CLCKPT02";
const MAGIC_WITHOUT_TIMES: &[u8; 8] = b"CLCKPT01";
const PREFIX_BYTES: usize = 24;
pub(crate) const SLOTS: [&str; 2] = ["checkpoint-a", "checkpoint-b"];

/// Which of the slots a checkpoint is written to.
pub(crate) fn slot_of(number: u64) -> usize {
    length(number % SLOTS.len() as u64)
}

/// Where the CRC stands in the prefix.
const CRC_AT: usize = 20;
/// From the core to the number of partitions.
const HEAD_BYTES: usize = 39;
/// In place of a core that is not known.
const NO_CORE: u16 = u16::MAX;
const EPOCH_BYTES: usize = 12;

/// What is remembered of one partition. All its bytes before `end` are flushed in segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionRow {
    pub id: PartitionId,
    pub log_start: Offset,
    pub end: Offset,
    pub epochs: Vec<EpochStart>,
    pub newest: Newest,
    pub active_segment: Offset,
    /// End of the active segment in bytes.
    pub position: u32,
    pub closed_bytes: u64,
    pub open_span: Span,
    /// Of the active segment.
    pub times: SegmentTimes,
    /// Spans that the active segment's index file holds for certain.
    pub index_records: u32,
    /// State of the partition's owner as of `end`; opaque here.
    pub attachment: Bytes,
}

impl PartitionRow {
    /// A partition that has never been written to.
    pub fn new(id: PartitionId) -> Self {
        Self {
            id,
            log_start: Offset::ZERO,
            end: Offset::ZERO,
            epochs: Vec::new(),
            newest: Newest::default(),
            active_segment: Offset::ZERO,
            position: 0,
            closed_bytes: 0,
            open_span: Span::empty(Offset::ZERO, 0),
            times: SegmentTimes::default(),
            index_records: 0,
            attachment: Bytes::new(),
        }
    }

    /// Of two rows of one partition in one life, that with the larger progress is the later one.
    pub fn progress(&self) -> impl Ord + use<> {
        (self.end, self.active_segment, self.log_start)
    }

    /// The log begins here from now on.
    pub(crate) fn begin_at(&mut self, start: Offset) {
        self.log_start = start;
        trim_epochs(&mut self.epochs, start);
    }

    /// The log is empty and begins here from now on.
    pub(crate) fn begin_anew(&mut self, start: Offset) {
        self.begin_at(start);
        *self = Self {
            log_start: start,
            end: start,
            active_segment: start,
            open_span: Span::empty(start, 0),
            epochs: std::mem::take(&mut self.epochs),
            attachment: std::mem::take(&mut self.attachment),
            ..Self::new(self.id)
        };
    }

    fn encode(&self, out: &mut Vec<u8>) {
        self.encode_fields(out);
        out.extend_from_slice(&self.attachment);
    }

    /// All but the attachment, which comes last.
    fn encode_fields(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id.topic.to_bytes());
        out.extend_from_slice(&self.id.index.0.to_le_bytes());
        for offset in [self.log_start, self.end, self.active_segment, self.newest.batch_base, self.open_span.base] {
            out.extend_from_slice(&offset.get().to_le_bytes());
        }
        out.extend_from_slice(&self.closed_bytes.to_le_bytes());
        out.extend_from_slice(&self.newest.timestamp.to_le_bytes());
        out.extend_from_slice(&self.open_span.max_timestamp.to_le_bytes());
        out.extend_from_slice(&self.times.first.to_le_bytes());
        out.extend_from_slice(&self.times.max.to_le_bytes());
        for field in
            [self.position, self.index_records, self.open_span.position, self.open_span.length, self.open_span.crc]
        {
            out.extend_from_slice(&field.to_le_bytes());
        }
        out.extend_from_slice(&count(self.epochs.len()).to_le_bytes());
        for epoch in &self.epochs {
            out.extend_from_slice(&epoch.epoch.get().to_le_bytes());
            out.extend_from_slice(&epoch.start.get().to_le_bytes());
        }
        out.extend_from_slice(&count(self.attachment.len()).to_le_bytes());
    }

    fn decode(fields: &mut FieldReader<'_>, layout: Layout) -> Option<Self> {
        let topic = TopicId::from_bytes(fields.array()?)?;
        let id = PartitionId { topic, index: PartitionIndex(fields.u32()?) };
        let mut offsets = [Offset::ZERO; 5];
        for offset in &mut offsets {
            *offset = Offset::new(fields.u64()?)?;
        }
        let [log_start, end, active_segment, newest_base, span_base] = offsets;
        let closed_bytes = fields.u64()?;
        let newest = Newest { timestamp: fields.i64()?, batch_base: newest_base };
        let span_max_timestamp = fields.i64()?;
        let times = match layout.times {
            true => Some(SegmentTimes { first: fields.i64()?, max: fields.i64()? }),
            false => None,
        };
        let (position, index_records) = (fields.u32()?, fields.u32()?);
        let (span_position, span_length, span_crc) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let open_span = Span {
            base: span_base,
            end,
            position: span_position,
            length: span_length,
            crc: span_crc,
            max_timestamp: span_max_timestamp,
        };
        let epoch_count = fields.u32()? as usize;
        if epoch_count > fields.remaining() / EPOCH_BYTES {
            return None;
        }
        let mut epochs = Vec::with_capacity(epoch_count);
        for _ in 0..epoch_count {
            let epoch = LeaderEpoch::new(fields.u32()?)?;
            epochs.push(EpochStart { epoch, start: Offset::new(fields.u64()?)? });
        }
        let attachment_bytes = fields.u32()? as usize;
        let attachment = Bytes::copy_from_slice(fields.take(attachment_bytes)?);
        // No record of a segment is newer than the newest of the log.
        let times = times.unwrap_or(SegmentTimes { max: newest.timestamp, ..SegmentTimes::default() });
        let consistent = log_start <= end
            && active_segment <= end
            && span_base <= end
            && span_position.checked_add(span_length)? == position;
        consistent.then_some(Self {
            id,
            log_start,
            end,
            epochs,
            newest,
            active_segment,
            position,
            closed_bytes,
            open_span,
            times,
            index_records,
            attachment,
        })
    }
}

/// What a checkpoint holds besides what all do.
#[derive(Clone, Copy)]
struct Layout {
    core: bool,
    times: bool,
}

impl Layout {
    fn of_magic(magic: &[u8]) -> Option<Self> {
        match magic {
            magic if magic == MAGIC => Some(Self { core: true, times: true }),
            magic if magic == MAGIC_WITHOUT_CORE => Some(Self { core: false, times: true }),
            magic if magic == MAGIC_WITHOUT_TIMES => Some(Self { core: false, times: false }),
            _ => None,
        }
    }
}

fn count(items: usize) -> u32 {
    u32::try_from(items).expect("lists in a checkpoint are limited far below 2^32")
}

/// The state of one core's partitions at one moment; one that is written has its rows encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint<Rows = Vec<PartitionRow>> {
    pub number: u64,
    /// Of which core it is; `None` in checkpoints of earlier builds, which did not say.
    pub core: Option<CoreId>,
    pub identity: JournalIdentity,
    /// The journal holds nothing after this checkpoint: the broker was stopped in good order.
    pub clean: bool,
    pub replay: JournalPosition,
    pub flushed: Lsn,
    /// `None` in checkpoints of the first builds, which did not say.
    pub ring: Option<RingState>,
    pub rows: Rows,
}

impl<Rows> Checkpoint<Rows> {
    fn ring_bytes(&self) -> usize {
        self.ring.map_or(0, |_| RingState::ENCODED_BYTES)
    }

    /// The prefix, with zeroes for the CRC, and what comes before the rows.
    fn head(&self, rows: u32, rows_bytes: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(PREFIX_BYTES + HEAD_BYTES);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&self.number.to_le_bytes());
        out.extend_from_slice(&count(HEAD_BYTES + rows_bytes + self.ring_bytes()).to_le_bytes());
        out.extend_from_slice(&[0; PREFIX_BYTES - CRC_AT]);
        out.extend_from_slice(&self.core.map_or(NO_CORE, |core| core.0).to_le_bytes());
        out.extend_from_slice(&self.identity.journal.to_le_bytes());
        out.extend_from_slice(&self.identity.incarnation.to_le_bytes());
        out.push(u8::from(self.clean));
        out.extend_from_slice(&self.replay.lsn.0.to_le_bytes());
        out.extend_from_slice(&self.replay.previous_crc.to_le_bytes());
        out.extend_from_slice(&self.flushed.0.to_le_bytes());
        out.extend_from_slice(&rows.to_le_bytes());
        out
    }
}

impl Checkpoint {
    pub fn encode(&self) -> Vec<u8> {
        let mut rows = Vec::new();
        self.rows.iter().for_each(|row| row.encode(&mut rows));
        let mut out = self.head(count(self.rows.len()), rows.len());
        out.extend_from_slice(&rows);
        if let Some(ring) = self.ring {
            ring.encode(&mut out);
        }
        let crc = wire::batch::crc::append(wire::batch::crc::crc32c(&out[..CRC_AT]), &out[PREFIX_BYTES..]);
        out[CRC_AT..PREFIX_BYTES].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// `None` for anything but a whole checkpoint.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (prefix, rest) = bytes.split_at_checked(PREFIX_BYTES)?;
        let layout = Layout::of_magic(&prefix[..8])?;
        let body = rest.get(..u32_at(prefix, 16) as usize)?;
        if wire::batch::crc::append(wire::batch::crc::crc32c(&prefix[..20]), body) != u32_at(prefix, 20) {
            return None;
        }
        let mut fields = FieldReader::new(body);
        let core = match layout.core {
            true => Some(fields.u16()?).filter(|core| *core != NO_CORE).map(CoreId),
            false => None,
        };
        let journal = fields.u64()?;
        let identity = JournalIdentity { journal, incarnation: fields.u32()? };
        let clean = fields.take(1)?[0] == 1;
        let replay = JournalPosition { lsn: Lsn(fields.u64()?), previous_crc: fields.u32()? };
        let flushed = Lsn(fields.u64()?);
        let row_count = fields.u32()?;
        let mut rows = Vec::new();
        for _ in 0..row_count {
            rows.push(PartitionRow::decode(&mut fields, layout)?);
        }
        let ring = match fields.remaining() {
            0 => None,
            RingState::ENCODED_BYTES => Some(RingState::decode(&mut fields)?),
            _ => return None,
        };
        Some(Self { number: u64_at(prefix, 8), core, identity, clean, replay, flushed, ring, rows })
    }
}

/// The two slots of one core.
pub(crate) struct CheckpointFiles {
    files: [Rc<dyn DiskFile>; 2],
    paths: [PathBuf; 2],
    flushed: FlushedFile,
    bytes_max: usize,
}

impl CheckpointFiles {
    pub(crate) async fn open(disk: &dyn Disk, core: CoreId) -> Result<Self, DiskError> {
        let folder = &layout::journal_folder(core);
        disk.create_dir_all(folder).await?;
        let paths = SLOTS.map(|slot| folder.join(slot));
        let a = disk.open(&paths[0], OpenMode::Create).await?;
        let b = disk.open(&paths[1], OpenMode::Create).await?;
        let flushed = FlushedFile::open(disk, core).await?;
        flush::sync_dir(disk, folder).await?;
        Ok(Self { files: [a, b], paths, flushed, bytes_max: limits::CHECKPOINT_BYTES_MAX })
    }

    /// Writes a checkpoint into the slot of its number, so that the one before it stays whole, flushes it, and marks it as
    /// flushed: only then may anything be given up that the one before it needs. Both slots keep space for more than they
    /// hold, so that a start can write its checkpoint on a full disk.
    pub(crate) async fn write(&self, checkpoint: Checkpoint<EncodedRows>) -> Result<(), DiskError> {
        let (number, slot) = (checkpoint.number, slot_of(checkpoint.number));
        // One that no start would believe must not replace one that it does.
        let len = checkpoint.encoded_bytes();
        if len > self.bytes_max as u64 {
            let path = self.paths[slot].clone();
            return Err(DiskError::TooLarge { operation: "write", path, len, bytes_max: self.bytes_max });
        }
        let blocks = checkpoint.into_blocks().await;
        let file = &self.files[slot];
        let other = &self.files[1 - slot];
        let room = (len + limits::CHECKPOINT_SPARE_BYTES).next_multiple_of(BLOCK_BYTES as u64);
        let room = room.max(other.len().await?);
        if file.len().await? < room {
            match file.allocate(room).await {
                // What matters is whether the checkpoint itself fits.
                Ok(()) | Err(DiskError::NoSpace { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        let mut at = 0_u64;
        for block in blocks {
            let end = at + block.len() as u64;
            file.write(block, at).await?;
            at = end;
        }
        flush::sync(&**file).await?;
        self.flushed.mark(number).await
    }
}

/// Both slots as they are found, newest first; slots that hold no whole checkpoint of this core are left out.
pub async fn read_slots(disk: &dyn Disk, core: CoreId) -> Result<Vec<Checkpoint>, DiskError> {
    let folder = layout::journal_folder(core);
    let mut found = Vec::new();
    for slot in SLOTS {
        let file = match disk.open(&folder.join(slot), OpenMode::Existing).await {
            Ok(file) => file,
            Err(DiskError::NotFound { .. }) => continue,
            Err(other) => return Err(other),
        };
        found.extend(read_slot(&*file, Some(core)).await?);
    }
    found.sort_by_key(|checkpoint| std::cmp::Reverse(checkpoint.number));
    Ok(found)
}

/// The checkpoint that a slot holds, if it is whole and, where a core is given, not of another one. Those of earlier builds
/// may be of any.
pub(crate) async fn read_slot(file: &dyn DiskFile, core: Option<CoreId>) -> Result<Option<Checkpoint>, DiskError> {
    let first = file.read(0, BLOCK_BYTES).await?;
    if first.len() < PREFIX_BYTES || Layout::of_magic(&first[..8]).is_none() {
        return Ok(None);
    }
    let total = PREFIX_BYTES + u32_at(&first, 16) as usize;
    if total > limits::CHECKPOINT_BYTES_MAX {
        return Ok(None);
    }
    let mut bytes = first.to_vec();
    while bytes.len() < total {
        let missing = (total - bytes.len()).min(limits::JOURNAL_BUFFER_BYTES).next_multiple_of(BLOCK_BYTES);
        let more = file.read(bytes.len() as u64, missing).await?;
        if more.is_empty() {
            return Ok(None);
        }
        bytes.extend_from_slice(&more);
    }
    let is_of_another = |found: CoreId| core.is_some_and(|core| core != found);
    Ok(Checkpoint::decode(&bytes).filter(|checkpoint| !checkpoint.core.is_some_and(is_of_another)))
}
