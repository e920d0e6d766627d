//! The buffer that decompressed bytes land in: initialised once, then used again.

/// Bytes that are always initialised, so that codecs can be handed plain slices.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    bytes: Vec<u8>,
}

impl Scratch {
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    pub(super) fn filled(&self, length: usize) -> &[u8] {
        &self.bytes[..length]
    }

    /// At least `length` bytes, of which the first `keep` are as they were.
    pub(super) fn at_least(&mut self, keep: usize, length: usize) -> &mut [u8] {
        if self.bytes.len() < length {
            let mut larger = Vec::new();
            if keep == 0 {
                // Freed first, so that the old and the new one never exist together.
                self.bytes = Vec::new();
                // Zeroed pages come from the kernel on first touch: a length that was only claimed costs nothing.
                larger = vec![0; length];
            } else {
                larger.reserve_exact(length);
                larger.extend_from_slice(&self.bytes[..keep]);
                larger.resize(length, 0);
            }
            self.bytes = larger;
        }
        &mut self.bytes
    }

    /// More room than `filled`: twice as much, but `length_max` at most. `None` when that is filled already.
    pub(super) fn grow(&mut self, filled: usize, length_max: usize) -> Option<&mut [u8]> {
        if filled >= length_max {
            return None;
        }
        let length = filled.saturating_mul(2).clamp(GROWTH_BYTES_MIN, length_max.max(GROWTH_BYTES_MIN)).min(length_max);
        Some(self.at_least(filled, length))
    }
}

const GROWTH_BYTES_MIN: usize = 4 * 1024;
