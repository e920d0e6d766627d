//! snappy, in the two framings that Kafka's clients send.
//!
//! The Java client and most others write xerial's stream; librdkafka writes one raw block. Both are read; xerial's is
//! written, since every client reads it.
//!
//! ```text
//! xerial:  82 53 4e 41 50 50 59 00 | version u32 | compatible u32 | { length u32 | raw block }*      (big endian)
//! ```

use snap::raw;

use super::scratch::Scratch;
use super::{Fault, take, take_array};

const MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
const VERSION: u32 = 1;
/// What the Java client writes.
const BLOCK_BYTES: usize = 32 * 1024;
/// Snappy's strongest element is 64 bytes in 3; one more for the block's preamble.
pub(super) const RATIO_MAX: usize = 22;

pub(super) struct Encoder {
    raw: raw::Encoder,
}

impl Default for Encoder {
    fn default() -> Self {
        Self { raw: raw::Encoder::new() }
    }
}

impl Encoder {
    pub(super) fn compress(&mut self, input: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_be_bytes());
        out.extend_from_slice(&VERSION.to_be_bytes());
        for block in input.chunks(BLOCK_BYTES) {
            let length_at = out.len();
            let block_at = length_at + size_of::<u32>();
            out.resize(block_at + raw::max_compress_len(block.len()), 0);
            let length = self.raw.compress(block, &mut out[block_at..]).expect("there is room for the worst case");
            out.truncate(block_at + length);
            let length = u32::try_from(length).expect("a block is small");
            out[length_at..block_at].copy_from_slice(&length.to_be_bytes());
        }
    }
}

#[derive(Default)]
pub(super) struct Decoder {
    raw: raw::Decoder,
}

impl Decoder {
    pub(super) fn decompress(
        &mut self,
        mut input: &[u8],
        scratch: &mut Scratch,
        budget: usize,
    ) -> Result<usize, Fault> {
        if !input.starts_with(&MAGIC) {
            return self.decompress_block(input, scratch, 0, budget);
        }
        let mut filled = 0;
        while !input.is_empty() {
            // Streams may follow one another, each with a header of its own. The magic is no plausible length.
            if input.starts_with(&MAGIC) {
                take(&mut input, MAGIC.len())?;
                take_array::<4>(&mut input)?;
                if u32::from_be_bytes(take_array(&mut input)?) > VERSION {
                    return Err(Fault::Damaged("it needs a newer reader"));
                }
                continue;
            }
            let length = u32::from_be_bytes(take_array(&mut input)?);
            let block = take(&mut input, usize::try_from(length).unwrap_or(usize::MAX))?;
            filled = self.decompress_block(block, scratch, filled, budget)?;
        }
        Ok(filled)
    }

    fn decompress_block(
        &mut self,
        block: &[u8],
        scratch: &mut Scratch,
        filled: usize,
        budget: usize,
    ) -> Result<usize, Fault> {
        let claimed = raw::decompress_len(block).map_err(|_| Fault::Damaged("a block's length is malformed"))?;
        if block.is_empty() {
            return Err(Fault::Damaged("a block is empty"));
        }
        // Both bounds come before the allocation: a few bytes may claim 4 GiB.
        if claimed > block.len().saturating_mul(RATIO_MAX) {
            return Err(Fault::Damaged("a block claims more than it can hold"));
        }
        if claimed > budget - filled {
            return Err(Fault::OverBudget);
        }
        let end = filled + claimed;
        // Blocks come in dozens: doubling keeps the copies of what is there already few.
        let room = scratch.at_least(filled, end.max(filled.saturating_mul(2).min(budget)));
        let written = self
            .raw
            .decompress(block, &mut room[filled..end])
            .map_err(|_| Fault::Damaged("a block does not decode"))?;
        if written == claimed { Ok(end) } else { Err(Fault::Damaged("a block is shorter than it claims")) }
    }
}
