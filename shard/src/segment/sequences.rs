//! Who reads segments one run after the other, and how far ahead of each to read.

use std::ops::Range;

use base::{Instant, Offset};

use crate::limits;

/// A segment: slot of its partition, base offset.
pub(super) type Place = (u32, Offset);

/// A reader that was seen, or several that are at the same place.
#[derive(Debug)]
struct Sequence {
    place: Place,
    /// Where it reads on if it does.
    next: u32,
    ahead: u32,
    used: Instant,
}

/// The readers of one core that read from disk. They are known by where they read, not by who they are.
#[derive(Debug, Default)]
pub(super) struct Sequences(Vec<Sequence>);

impl Sequences {
    /// Somebody reads these bytes of a segment. Gives how many behind them should be read ahead: twice as much each time
    /// that a reader goes on where it was, and nothing for one that has just come to the middle of a segment. All
    /// readers together get half of the cache, so that what was read for one is not driven out for another before it is
    /// used; too many get nothing.
    pub(super) fn read(&mut self, now: Instant, place: Place, range: Range<u32>) -> u32 {
        self.0.retain(|sequence| now.since(sequence.used) < limits::READ_SEQUENCE_IDLE);
        let ahead = match self.take(place, range.start) {
            Some(before) => {
                before.ahead.saturating_mul(2).clamp(limits::READ_AHEAD_BYTES_MIN, limits::READ_AHEAD_BYTES_MAX)
            }
            None if range.start == 0 => limits::READ_AHEAD_BYTES_MIN,
            None => 0,
        };
        // Readers that meet go on as one.
        let ahead = ahead.max(self.take(place, range.end).map_or(0, |other| other.ahead));
        if self.0.len() >= limits::READ_SEQUENCES_MAX {
            let oldest = self.0.iter().enumerate().min_by_key(|(_, sequence)| sequence.used).map(|(index, _)| index);
            self.0.swap_remove(oldest.expect("the list is full"));
        }
        self.0.push(Sequence { place, next: range.end, ahead, used: now });
        ahead.min(self.share())
    }

    fn take(&mut self, place: Place, next: u32) -> Option<Sequence> {
        let found = self.0.iter().position(|sequence| sequence.place == place && sequence.next == next)?;
        Some(self.0.swap_remove(found))
    }

    fn share(&self) -> u32 {
        let share = limits::READ_AHEAD_CACHE_BYTES / 2 / self.0.len().max(1);
        u32::try_from(share).map_or(u32::MAX, |share| if share < limits::READ_AHEAD_BYTES_MIN { 0 } else { share })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MIB: u32 = 1 << 20;
    const MIN: u32 = limits::READ_AHEAD_BYTES_MIN;
    const MAX: u32 = limits::READ_AHEAD_BYTES_MAX;
    const NOW: Instant = Instant::ZERO;

    fn place(slot: u32) -> Place {
        (slot, Offset::ZERO)
    }

    /// Reads `reads` MiB in sequence; what the last was told.
    fn reads(sequences: &mut Sequences, slot: u32, from_mib: u32, reads: u32) -> u32 {
        let runs = from_mib..from_mib + reads;
        let told = runs.map(|mib| sequences.read(NOW, place(slot), mib * MIB..(mib + 1) * MIB));
        told.last().expect("it reads")
    }

    #[test]
    fn whoever_reads_on_is_read_ahead_of_further_each_time_up_to_a_limit() {
        let mut sequences = Sequences::default();
        let told: Vec<u32> = (5..12).map(|mib| reads(&mut sequences, 1, mib, 1)).collect();
        assert_eq!(told, [0, MIN, 2 * MIN, 4 * MIN, 8 * MIN, MAX, MAX]);
    }

    #[test]
    fn a_reader_at_the_start_of_a_segment_is_expected_to_go_on() {
        assert_eq!(reads(&mut Sequences::default(), 1, 0, 1), MIN);
    }

    #[test]
    fn reads_here_and_there_are_not_read_ahead_of() {
        let mut sequences = Sequences::default();
        for mib in [9, 3, 7, 5, 1] {
            assert_eq!(reads(&mut sequences, 1, mib, 1), 0);
        }
    }

    #[test]
    fn readers_at_the_same_place_count_as_one() {
        let mut sequences = Sequences::default();
        for mib in 0..10 {
            for _reader in 0..5 {
                reads(&mut sequences, 1, mib, 1);
            }
        }
        assert_eq!(sequences.0.len(), 1);
        assert_eq!(reads(&mut sequences, 1, 10, 1), MAX);
    }

    #[test]
    fn many_readers_share_half_of_the_cache_and_too_many_get_nothing() {
        let mut sequences = Sequences::default();
        let half = u32::try_from(limits::READ_AHEAD_CACHE_BYTES / 2).expect("it is small");
        for readers in [8, 16, 64] {
            let told: Vec<u32> = (0..readers).map(|slot| reads(&mut sequences, slot, 1, 9)).collect();
            assert_eq!(told.last(), Some(&(half / readers)), "{readers} readers");
        }
        // Each is forgotten before it reads on.
        let too_many = u32::try_from(limits::READ_SEQUENCES_MAX).expect("it is small") + 1;
        for mib in 1..5 {
            for slot in 0..too_many {
                assert_eq!(reads(&mut sequences, 100 + slot, mib, 1), 0);
            }
        }
        assert_eq!(sequences.0.len(), limits::READ_SEQUENCES_MAX);
    }

    #[test]
    fn who_pauses_for_long_is_forgotten_and_makes_room() {
        let mut sequences = Sequences::default();
        for slot in 0..16 {
            reads(&mut sequences, slot, 1, 9);
        }
        let later = NOW.plus(limits::READ_SEQUENCE_IDLE + Duration::from_millis(1));
        assert_eq!(sequences.read(later, place(1), 10 * MIB..11 * MIB), 0);
        assert_eq!(sequences.0.len(), 1);
    }
}
