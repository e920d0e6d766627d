//! About how much there is to replay, found with a few reads.

use super::{READ_BYTES, Replay, ReplayError};
use crate::bytes::{block_floor, length};
use crate::journal::entry::{Lsn, Parsed, parse};
use rt::BLOCK_BYTES;

impl Replay {
    /// Bytes from the position where the reading begins to about where the entries end. It says what progress is
    /// measured against and nothing else: an entry larger than a step may hide what follows it.
    pub(crate) async fn estimated_bytes(&mut self) -> Result<u64, ReplayError> {
        if self.from.clean {
            return Ok(0);
        }
        let start = Lsn(block_floor(self.from.position.lsn.0));
        // The step that the first entry is in counts as used, and the last step of the lap is where the search ends.
        let (mut used, mut free) = (0, self.lap_end().since(start) / READ_BYTES);
        while used + 1 < free {
            let middle = u64::midpoint(used, free);
            if self.has_entries_at(start.plus(middle * READ_BYTES)).await? {
                used = middle;
            } else {
                free = middle;
            }
        }
        Ok((used + 1) * READ_BYTES)
    }

    /// Whether an entry of this journal's life begins within a step from `at` on.
    async fn has_entries_at(&self, at: Lsn) -> Result<bool, ReplayError> {
        let place = self.ring.layout.place(at);
        let Some(file) = self.ring.file(place.file) else { return Ok(false) };
        let bytes = file.read(place.position, length(READ_BYTES.min(place.room))).await?;
        Ok(bytes.chunks_exact(BLOCK_BYTES).zip(0_u64..).any(|(block, index)| {
            let lsn = at.plus(index * BLOCK_BYTES as u64);
            matches!(parse(block), Parsed::Entry { header, .. }
                if header.lsn == lsn && header.identity == self.from.identity)
        }))
    }
}
