//! Rows as a checkpoint's file has them.

use rt::IoBuf;

use super::{CRC_AT, Checkpoint, HEAD_BYTES, PREFIX_BYTES, PartitionRow};
use crate::limits;

/// Rows in the blocks that their file is written from.
///
/// There may be a hundred thousand of them. A list of rows, and their bytes in one piece, would be new memory for each checkpoint,
/// and its first touch stops a core for milliseconds where the host gives memory late; blocks of a buffer's kind are
/// touched ahead, see [`rt::warm`].
pub(crate) struct EncodedRows {
    /// All but the last are full. The first begins with room for what comes before the rows.
    blocks: Vec<IoBuf>,
    count: u32,
    bytes: usize,
    /// For one row.
    row: Vec<u8>,
}

impl EncodedRows {
    pub(crate) fn new() -> Self {
        let first = IoBuf::alloc(limits::CHECKPOINT_BLOCK_BYTES);
        first.advance(PREFIX_BYTES + HEAD_BYTES);
        Self { blocks: vec![first], count: 0, bytes: 0, row: Vec::new() }
    }

    /// With pauses.
    pub(crate) async fn of(rows: &[PartitionRow]) -> Self {
        let mut encoded = Self::new();
        for row in rows {
            encoded.push(row).await;
            rt::yield_if_needed().await;
        }
        encoded
    }

    /// With pauses where much is attached to it.
    pub(crate) async fn push(&mut self, row: &PartitionRow) {
        let mut bytes = std::mem::take(&mut self.row);
        row.encode_fields(&mut bytes);
        self.append(&bytes);
        self.bytes += bytes.len() + row.attachment.len();
        self.count += 1;
        bytes.clear();
        self.row = bytes;
        for piece in row.attachment.chunks(limits::CHECKPOINT_BLOCK_BYTES) {
            self.append(piece);
            if piece.len() == limits::CHECKPOINT_BLOCK_BYTES {
                rt::yield_if_needed().await;
            }
        }
    }

    fn append(&mut self, mut bytes: &[u8]) {
        loop {
            let taken = self.blocks.last().expect("there is a first one").append(bytes);
            bytes = &bytes[taken..];
            if bytes.is_empty() {
                return;
            }
            self.blocks.push(IoBuf::alloc(limits::CHECKPOINT_BLOCK_BYTES));
        }
    }
}

impl Checkpoint<EncodedRows> {
    /// Bytes of its file that are filled.
    pub(super) fn encoded_bytes(&self) -> u64 {
        (PREFIX_BYTES + HEAD_BYTES + self.rows.bytes + self.ring_bytes()) as u64
    }

    /// All of it, to be written one after the other. With pauses.
    pub(super) async fn into_blocks(mut self) -> Vec<IoBuf> {
        let head = self.head(self.rows.count, self.rows.bytes);
        if let Some(ring) = self.ring {
            let mut bytes = Vec::new();
            ring.encode(&mut bytes);
            self.rows.append(&bytes);
        }
        let mut blocks = self.rows.blocks;
        blocks[0].fill(0..head.len(), &head);
        let mut crc = wire::batch::crc::crc32c(&head[..CRC_AT]);
        for (index, block) in blocks.iter().enumerate() {
            let from = if index == 0 { PREFIX_BYTES } else { 0 };
            crc = wire::batch::crc::append(crc, &block.as_slice()[from..]);
            rt::yield_if_needed().await;
        }
        blocks[0].fill(CRC_AT..PREFIX_BYTES, &crc.to_le_bytes());
        blocks
    }
}
