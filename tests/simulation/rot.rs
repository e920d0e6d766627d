//! Damage that comes to the medium while nobody runs: bits that turn around, writes that never reached it or reached
//! another place. A start refuses, or a reader is told, or nothing is lost; what is wrong is never served.
//!
//! Not of the ring: the entries that were flushed last have none after them to prove it, so there damage and a torn
//! write are the same. What can be proven there is tested with the storage, as exactly as it can be told.

use std::path::Path;

use base::{PartitionId, SeededRandom};
use rt::BLOCK_BYTES;
use rt::sim::SimDisk;
use shard::recovery::{OnDamage, RecoveryError};
use shard::{ReadError, layout};

use crate::life::Life;

/// How damage came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Found {
    /// What was damaged is needed by nobody, or made again.
    Harmless,
    /// The start named it.
    AtStart,
    /// A reader was told.
    AtRead,
}

#[derive(Debug)]
struct Rot {
    file: String,
    /// Of which the file is a segment, an index or the like.
    partition: Option<PartitionId>,
}

impl Rot {
    /// Damages a file that counts, anywhere up to its last byte that is not zero.
    fn strike(disk: &SimDisk, random: &mut SeededRandom) -> Option<Self> {
        let all: Vec<String> = disk.files().into_iter().map(|(path, _)| path).collect();
        let of_a_checkpoint = random.one_in(2);
        let counts = |path: &&String| match of_a_checkpoint {
            true => path.contains("/checkpoint-"),
            false => partition_of(path).is_some(),
        };
        let eligible: Vec<&String> = all.iter().filter(counts).collect();
        if eligible.is_empty() {
            return None;
        }
        let file = eligible[random.index(eligible.len())];
        let bytes = disk.dump(Path::new(file)).expect("it was listed");
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if used == 0 {
            return None;
        }
        let at = random.index(used);
        if random.one_in(2) {
            disk.flip_bit(Path::new(file), at as u64, u8::try_from(random.below(8)).expect("below eight"));
        } else {
            let start = at - at % BLOCK_BYTES;
            let old = &bytes[start..(start + BLOCK_BYTES).min(bytes.len())];
            let other = &eligible[random.index(eligible.len())];
            let other = disk.dump(Path::new(other)).expect("it was listed");
            let from = random.index(other.len().max(1)) / BLOCK_BYTES * BLOCK_BYTES;
            // A write that went elsewhere, or nowhere.
            let found = if random.one_in(2) { &other[from.min(other.len())..] } else { &[] };
            let new = found.iter().copied().chain(std::iter::repeat(0));
            for (place, (old, new)) in (start as u64..).zip(old.iter().zip(new)) {
                (0..8)
                    .filter(|bit| (old ^ new) >> bit & 1 == 1)
                    .for_each(|bit| disk.flip_bit(Path::new(file), place, bit));
            }
        }
        Some(Self { file: file.clone(), partition: partition_of(file) })
    }

    fn check_refusal(&self, error: &RecoveryError) {
        let text = error.to_string();
        let names = match (error, self.partition) {
            (RecoveryError::DamagedCheckpoint { .. } | RecoveryError::NoCheckpoint { .. }, None) => true,
            (_, Some(partition)) => text.contains(&layout::partition_folder(partition).display().to_string()),
            _ => false,
        };
        assert!(names, "{} is damaged, and the start was refused for something else: {text}", self.file);
    }
}

fn partition_of(file: &str) -> Option<PartitionId> {
    let mut parts = file.strip_prefix(layout::TOPICS)?.split('/').skip(1);
    let topic = parts.next()?.parse().ok()?;
    Some(PartitionId::new(topic, parts.next()?.parse().ok()?))
}

impl Life {
    /// The last life, on a disk with damage. Says how that was found out, if there was any.
    pub(crate) fn check_rot(&self, random: &mut SeededRandom) -> Option<Found> {
        let rot = Rot::strike(&self.world().disk, random)?;
        let counts = match self.begin(OnDamage::Refuse) {
            Ok(counts) => counts,
            Err(error) => {
                rot.check_refusal(&error);
                self.check_accepted_loss(&rot);
                return Some(Found::AtStart);
            }
        };
        let mut found = Found::Harmless;
        // Again once compaction has read it all.
        for _ in 0..2 {
            for (index, spec) in self.world().existing() {
                match self.read_log(spec.id) {
                    Ok(read) => self.check_log(index, &spec, read, &counts),
                    Err(ReadError::Damaged { partition, .. }) if Some(partition) == rot.partition => {
                        assert_ne!(self.shard_of(partition).damage(), [], "{rot:?}: damage is kept in mind");
                        found = Found::AtRead;
                    }
                    Err(error) => panic!("{rot:?}: {error}"),
                }
            }
            self.settle_down();
        }
        Some(found)
    }

    /// Whoever has nothing better gets what is left: less, but nothing that was never written.
    fn check_accepted_loss(&self, rot: &Rot) {
        match self.begin(OnDamage::AcceptLoss) {
            Ok(_) => {}
            // There is nothing left to go back to.
            Err(RecoveryError::NoCheckpoint { .. }) => return,
            Err(error) => panic!("{rot:?}: the loss was accepted, and still: {error}"),
        }
        for (index, spec) in self.world().existing() {
            match self.read_log(spec.id) {
                Ok(read) => self.world().histories.borrow_mut()[index].read(read.start, &read.bytes, &spec),
                Err(ReadError::Damaged { .. }) => {}
                Err(error) => panic!("{rot:?}: {error}"),
            }
        }
    }
}
