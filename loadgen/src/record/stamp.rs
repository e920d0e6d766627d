//! What stands at the front of each value, so that its way can be followed.
//!
//! ```text
//! 0        4      8           12         16         24        32
//! ┌────────┬──────┬───────────┬──────────┬──────────┬─────────┬─────────┐
//! │ "CLG1" │ run  │ producer  │ checksum │ sequence │ due, ns │ payload │
//! └────────┴──────┴───────────┴──────────┴──────────┴─────────┴─────────┘
//! ```
//!
//! Numbers are little endian. The checksum is the CRC-32C of all of the value but itself, then the key; zero when the
//! run goes without. `sequence` counts what one producer sent to one partition. `due` is on the clock of the process
//! that runs the load, which is also the one that reads it back.

use wire::batch::crc;

use super::Checksum;

/// Bytes of the stamp.
pub const STAMP_BYTES: usize = 32;

const MAGIC: [u8; 4] = *b"CLG1";
const CHECKSUM: std::ops::Range<usize> = 12..16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Tells the records of one run from those of another.
    pub run: u32,
    pub producer: u32,
    pub sequence: u64,
    /// Nanoseconds on the run's clock.
    pub due: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StampError {
    /// Not a record of a load generator, or one whose first bytes are damaged.
    #[error("the record has no stamp")]
    Missing,
    #[error("the record's checksum is {computed:#010x}, its stamp says {stored:#010x}")]
    Checksum { stored: u32, computed: u32 },
}

impl Stamp {
    pub(super) fn write(self, value: &mut [u8], key: &[u8], checksum: Checksum) {
        value[..4].copy_from_slice(&MAGIC);
        value[4..8].copy_from_slice(&self.run.to_le_bytes());
        value[8..12].copy_from_slice(&self.producer.to_le_bytes());
        value[16..24].copy_from_slice(&self.sequence.to_le_bytes());
        value[24..32].copy_from_slice(&self.due.to_le_bytes());
        let sum = match checksum {
            Checksum::Written => compute(value, key),
            Checksum::Left => 0,
        };
        value[CHECKSUM].copy_from_slice(&sum.to_le_bytes());
    }

    /// Reads the stamp of a record, and checks the record against it.
    pub fn read(key: Option<&[u8]>, value: &[u8], checksum: Checksum) -> Result<Self, StampError> {
        let (stamp, _) = value.split_at_checked(STAMP_BYTES).ok_or(StampError::Missing)?;
        if stamp[..4] != MAGIC {
            return Err(StampError::Missing);
        }
        let long = |at: usize| u64::from_le_bytes(*stamp[at..].first_chunk().expect("inside of the stamp"));
        let short = |at: usize| u32::from_le_bytes(*stamp[at..].first_chunk().expect("inside of the stamp"));
        if checksum == Checksum::Written {
            let (stored, computed) = (short(CHECKSUM.start), compute(value, key.unwrap_or_default()));
            if stored != computed {
                return Err(StampError::Checksum { stored, computed });
            }
        }
        Ok(Self { run: short(4), producer: short(8), sequence: long(16), due: long(24) })
    }
}

fn compute(value: &[u8], key: &[u8]) -> u32 {
    let sum = crc::append(crc::crc32c(&value[..CHECKSUM.start]), &value[CHECKSUM.end..]);
    if key.is_empty() { sum } else { crc::append(sum, key) }
}
