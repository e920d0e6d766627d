//! The shard's own files: journal, checkpoint, index.

use std::path::Path;

use base::{CoreId, Offset};
use rt::sim::{Sim, SimConfig, SimDisk, SimDiskConfig};
use rt::{BLOCK_BYTES, IoBuf, OpenMode};
use shard::checkpoint::Checkpoint;
use shard::journal::JournalPosition;
use shard::journal::entry::{
    ENTRY_ALIGNMENT, ENTRY_HEADER_BYTES, JournalIdentity, LOG_START_BYTES, Lsn, Parsed, parse,
};
use shard::journal::replay::{Replay, ReplayError, ReplayFrom};
use shard::journal::ring::{RingFileHeader, RingLayout, ring_file};
use shard::segment::index::{self, RECORD_BYTES, Span};
use wire::batch::{HEADER_BYTES, crc};

use crate::target::{Target, Verdict, bounded};

pub(crate) const ENTRY: Target = Target { run: entry, seal: seal_entry, input_bytes_max: 4 << 10, inputs: 60_000 };
/// What the first file of a ring holds behind its header.
pub(crate) const REPLAY: Target = Target { run: replay, seal: seal_journal, input_bytes_max: 32 << 10, inputs: 2_000 };
pub(crate) const RING: Target = Target { run: ring, seal: seal_ring, input_bytes_max: 128, inputs: 40_000 };
pub(crate) const CHECKPOINT: Target =
    Target { run: checkpoint, seal: seal_checkpoint, input_bytes_max: 64 << 10, inputs: 40_000 };
/// Base offset of the segment in 8 bytes, then the file.
pub(crate) const INDEX: Target =
    Target { run: segment_index, seal: seal_index, input_bytes_max: 8 << 10, inputs: 40_000 };

pub(crate) const IDENTITY: JournalIdentity = JournalIdentity { journal: 0xC0DE, incarnation: 3 };

fn entry(input: &[u8]) -> Verdict {
    let Parsed::Entry { header, crc, .. } = bounded(input.len(), 0, 0, || parse(input)) else {
        return Verdict::Refused;
    };
    let batch: &[u8; HEADER_BYTES] =
        input[ENTRY_HEADER_BYTES..].first_chunk().expect("an entry has the front of its body");
    let (envelope, sum) = header.encode(batch);
    assert_eq!((&envelope[..], sum), (&input[..ENTRY_HEADER_BYTES], crc));
    Verdict::Accepted
}

fn seal_entry(input: &mut [u8]) {
    seal_entry_at(input, 0, None);
}

/// Makes the entry at a position whole; gives the position after it and its checksum.
fn seal_entry_at(input: &mut [u8], at: usize, chain: Option<u32>) -> Option<(usize, u32)> {
    let whole = input.get_mut(at..)?;
    let front = ENTRY_HEADER_BYTES + HEADER_BYTES;
    if whole.len() < front {
        return None;
    }
    let batch = ENTRY_HEADER_BYTES;
    let size = if &whole[0..4] == b"CJS1" {
        LOG_START_BYTES
    } else {
        whole[0..4].copy_from_slice(b"CJE1");
        let length = u32::from_be_bytes(whole[batch + 8..batch + 12].try_into().expect("four bytes"));
        length.checked_add(12)?
    };
    whole[44..48].copy_from_slice(&size.to_le_bytes());
    if let Some(previous) = chain {
        whole[8..16].copy_from_slice(&(at as u64).to_le_bytes());
        whole[48..52].copy_from_slice(&previous.to_le_bytes());
        whole[52..56].copy_from_slice(&IDENTITY.incarnation.to_le_bytes());
        whole[56..64].copy_from_slice(&IDENTITY.journal.to_le_bytes());
    }
    let end = batch + size as usize;
    if &whole[0..4] == b"CJE1"
        && let Some(inside) = whole.get_mut(batch + 21..end)
    {
        let sum = crc::crc32c(inside);
        whole[batch + 17..batch + 21].copy_from_slice(&sum.to_be_bytes());
    }
    let sum = crc::append(crc::crc32c(&whole[8..ENTRY_HEADER_BYTES]), &whole[batch..front]);
    whole[4..8].copy_from_slice(&sum.to_le_bytes());
    Some((at + end.next_multiple_of(ENTRY_ALIGNMENT), sum))
}

fn seal_journal(input: &mut [u8]) {
    let (mut at, mut previous) = (0, 0);
    while let Some((next, sum)) = seal_entry_at(input, at, Some(previous)) {
        (at, previous) = (next, sum);
    }
}

fn replay(input: &[u8]) -> Verdict {
    let disk = SimDisk::new(1, SimDiskConfig::default());
    let attached = disk.attach();
    let layout = RingLayout::of_total(0);
    let bytes = input.to_vec();
    let sim = Sim::new(SimConfig::new(1));
    let outcome = sim.block_on(CoreId(0), async move {
        let folder = Path::new("journal");
        attached.create_dir_all(folder).await?;
        let file = attached.open(&ring_file(folder, 0), OpenMode::Create).await?;
        let header = RingFileHeader { layout, index: 0, journal: IDENTITY.journal }.encode();
        for (position, piece) in [(0, header), (BLOCK_BYTES as u64, bytes)] {
            if !piece.is_empty() {
                let buffer = IoBuf::alloc(piece.len().next_multiple_of(BLOCK_BYTES));
                buffer.append(&piece);
                file.write(buffer, position).await?;
            }
        }
        // A file that is shorter than the ring says is damage whatever it holds.
        file.set_len(layout.file_bytes).await?;
        let position = JournalPosition { lsn: Lsn::ZERO, previous_crc: 0 };
        let from = ReplayFrom { identity: IDENTITY, ring: None, position, flushed: Lsn::ZERO, clean: false };
        let mut replay = Replay::open(&*attached, folder, from).await?.expect("the ring is there");
        let mut entries = 0;
        while let Some(entry) = replay.next().await? {
            assert_eq!(entry.bytes.len(), entry.header.body_bytes as usize);
            entries += 1;
        }
        Ok::<usize, ReplayError>(entries)
    });
    match outcome {
        Ok(entries) if entries > 0 => Verdict::Accepted,
        Ok(_) | Err(ReplayError::Damaged { .. } | ReplayError::Unreadable { .. }) => Verdict::Refused,
        Err(error @ ReplayError::DamagedSegment { .. }) => panic!("no segment was looked at: {error}"),
        Err(ReplayError::Disk(error)) => panic!("the simulated disk has no faults: {error}"),
    }
}

fn ring(input: &[u8]) -> Verdict {
    let Some(header) = bounded(input.len(), 0, 0, || RingFileHeader::decode(input)) else { return Verdict::Refused };
    assert_eq!(RingFileHeader::decode(&header.encode()), Some(header));
    let place = header.layout.place(Lsn(header.journal));
    assert!(place.file < header.layout.files as usize && place.position + place.room == header.layout.file_bytes);
    Verdict::Accepted
}

fn seal_ring(input: &mut [u8]) {
    if input.len() >= 44 {
        let sum = crc::crc32c(&input[..40]);
        input[40..44].copy_from_slice(&sum.to_le_bytes());
    }
}

fn checkpoint(input: &[u8]) -> Verdict {
    let read = bounded(input.len(), 4 << 10, 8, || Checkpoint::decode(input));
    let Some(checkpoint) = read else { return Verdict::Refused };
    assert_eq!(Checkpoint::decode(&checkpoint.encode()), Some(checkpoint));
    Verdict::Accepted
}

fn seal_checkpoint(input: &mut [u8]) {
    if input.len() < 24 {
        return;
    }
    if !matches!(&input[..8], b"CLCKPT01" | b"CLCKPT02") {
        input[..8].copy_from_slice(b"CLCKPT03");
    }
    let length = u32::try_from(input.len() - 24).expect("inputs are small");
    input[16..20].copy_from_slice(&length.to_le_bytes());
    let sum = crc::append(crc::crc32c(&input[..20]), &input[24..]);
    input[20..24].copy_from_slice(&sum.to_le_bytes());
}

fn segment_index(input: &[u8]) -> Verdict {
    let Some((segment, file)) = input.split_first_chunk::<8>() else { return Verdict::Refused };
    let Some(segment) = Offset::new(u64::from_le_bytes(*segment) >> 1) else { return Verdict::Refused };
    let spans = bounded(input.len(), 1 << 10, 6, || index::decode_file(file, segment));
    if spans.is_empty() {
        return Verdict::Refused;
    }
    let mut expected = (segment, 0);
    let mut again = index::encode_header(segment).to_vec();
    for span in &spans {
        assert!(span.base >= expected.0 && span.end > span.base && span.position == expected.1);
        expected = (span.end, span.end_position());
        assert_eq!(Span::decode(&span.encode(segment), segment), Some(*span));
        again.extend_from_slice(&span.encode(segment));
    }
    assert_eq!(index::decode_file(&again, segment), spans);
    let found = index::find_offset(&spans, spans[0].base);
    assert_eq!(found, 0);
    Verdict::Accepted
}

fn seal_index(input: &mut [u8]) {
    let Some((segment, file)) = input.split_first_chunk_mut::<8>() else { return };
    let Some(segment) = Offset::new(u64::from_le_bytes(*segment) >> 1) else { return };
    let mut position = 0;
    for (number, record) in file.chunks_exact_mut(RECORD_BYTES).enumerate() {
        if number == 0 {
            record.copy_from_slice(&index::encode_header(segment));
            continue;
        }
        record[4..8].copy_from_slice(&u32::to_le_bytes(position));
        position = position.wrapping_add(u32::from_le_bytes(record[8..12].try_into().expect("four bytes")));
        let sum = crc::crc32c(&record[..28]);
        record[28..32].copy_from_slice(&sum.to_le_bytes());
    }
}
