//! The content of a file: blocks of memory, where a missing one reads as zeroes.

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

const BLOCK: usize = crate::BLOCK_BYTES;

/// What a write reaches the medium in: all of a sector, or nothing.
pub(super) const SECTOR_BYTES: usize = 512;

/// Cheap to clone: blocks are shared until one of the owners changes them.
#[derive(Clone, Default)]
pub(super) struct Image {
    len: u64,
    blocks: BTreeMap<u64, Rc<[u8; BLOCK]>>,
}

impl Image {
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// How many blocks have content of their own.
    pub(super) fn blocks(&self) -> u64 {
        self.blocks.len() as u64
    }

    /// Writes bytes, without changing the length. What is beyond it shows only once the length says so.
    pub(super) fn put(&mut self, pos: u64, mut bytes: &[u8]) {
        let mut pos = pos;
        while !bytes.is_empty() {
            let (block, offset) = split(pos);
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - offset));
            let content = self.blocks.entry(block).or_insert_with(|| Rc::new([0; BLOCK]));
            Rc::make_mut(content)[offset..offset + now.len()].copy_from_slice(now);
            pos += now.len() as u64;
            bytes = later;
        }
    }

    /// Writes those sectors of `bytes` that `survives` chooses.
    pub(super) fn put_sectors(&mut self, pos: u64, bytes: &[u8], mut survives: impl FnMut() -> bool) {
        for (index, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
            if survives() {
                self.put(pos + (index * SECTOR_BYTES) as u64, sector);
            }
        }
    }

    pub(super) fn extend_to(&mut self, len: u64) {
        self.len = self.len.max(len);
    }

    /// Cuts or extends; what is cut off reads as zeroes when the file grows again.
    pub(super) fn set_len(&mut self, len: u64) {
        let (block, offset) = split(len);
        let kept = if offset == 0 { block } else { block + 1 };
        drop(self.blocks.split_off(&kept));
        if offset > 0
            && let Some(last) = self.blocks.get_mut(&block)
        {
            Rc::make_mut(last)[offset..].fill(0);
        }
        self.len = len;
    }

    /// What lies in the range, up to the length.
    pub(super) fn get(&self, range: Range<u64>) -> Vec<u8> {
        let end = range.end.min(self.len);
        let len = usize::try_from(end.saturating_sub(range.start)).expect("a file of a simulation fits in memory");
        let mut bytes = vec![0; len];
        let mut done = 0;
        while done < len {
            let (block, offset) = split(range.start + done as u64);
            let part = (BLOCK - offset).min(len - done);
            if let Some(content) = self.blocks.get(&block) {
                bytes[done..done + part].copy_from_slice(&content[offset..offset + part]);
            }
            done += part;
        }
        bytes
    }

    pub(super) fn flip(&mut self, pos: u64, bit: u8) {
        let (block, offset) = split(pos);
        let content = self.blocks.entry(block).or_insert_with(|| Rc::new([0; BLOCK]));
        Rc::make_mut(content)[offset] ^= 1 << bit;
    }
}

fn split(pos: u64) -> (u64, usize) {
    let offset = usize::try_from(pos % BLOCK as u64).expect("below the size of a block");
    (pos / BLOCK as u64, offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_off_reads_as_zeroes_later() {
        let mut image = Image::default();
        image.put(4_000, &[7; 1_000]);
        image.extend_to(5_000);
        assert_eq!(image.get(3_999..5_001), [&[0][..], &[7; 1_000]].concat());
        image.set_len(4_100);
        image.set_len(9_000);
        assert_eq!(image.get(4_000..9_000), [&[7; 100][..], &[0; 4_900]].concat());
        assert_eq!(image.blocks(), 2);
    }

    #[test]
    fn clones_do_not_see_each_others_writes() {
        let mut image = Image::default();
        image.put(0, b"old");
        image.extend_to(3);
        let before = image.clone();
        image.put(0, b"new");
        assert_eq!((before.get(0..3), image.get(0..3)), (b"old".to_vec(), b"new".to_vec()));
    }
}
