//! Whether what comes out of the broker is what went in: nothing lost, doubled, out of order or changed.
//!
//! One producer's records to one partition are a stream with dense sequences. A verifier follows all streams of the
//! partitions that it reads. What was never acknowledged may be missing; everything else must come once, in order.

use std::ops::Range;

use crate::number;
use crate::record::{Checksum, Stamp, StampError};

/// Gaps remembered of one stream. Beyond it the order of late records is not followed any more.
pub const GAPS_MAX: usize = 1 << 16;
/// Keys whose order is followed, over all producers; with more, only the order within the partition is.
pub const ORDERED_KEYS_MAX: u64 = 1 << 22;

/// What a reader has found so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Findings {
    /// Records of this run.
    pub received: u64,
    /// Acknowledged and never seen.
    pub lost: u64,
    /// Seen before.
    pub duplicated: u64,
    /// Behind a later one of the same producer in the same partition.
    pub reordered: u64,
    /// Of these, behind a later one of the same key.
    pub reordered_in_key: u64,
    /// Changed on the way.
    pub corrupted: u64,
    /// Of another run, or of no load generator. Not an error.
    pub foreign: u64,
}

impl Findings {
    pub fn is_clean(&self) -> bool {
        self.lost + self.duplicated + self.reordered + self.corrupted == 0
    }

    pub fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.reordered_in_key += other.reordered_in_key;
        self.corrupted += other.corrupted;
        self.foreign += other.foreign;
    }
}

/// What one producer has sent to one partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SentStream {
    /// Sequence after the last one sent.
    pub end: u64,
    /// Sent, and perhaps written, but never acknowledged.
    pub unacknowledged: Vec<Range<u64>>,
}

/// Follows the streams in the partitions of one reader.
#[derive(Debug)]
pub struct Verifier {
    run: u32,
    producers: u32,
    checksum: Checksum,
    /// By partition; empty for those that others read. Inside by producer.
    partitions: Vec<Vec<Stream>>,
    /// Sequence after the last one, by producer and key; empty where order within a key is not followed.
    keys: Vec<u64>,
    keys_each: u64,
    findings: Findings,
}

#[derive(Clone, Debug, Default)]
struct Stream {
    next: u64,
    /// Below `next` and not seen, in order.
    missing: Vec<Range<u64>>,
}

impl Verifier {
    /// `keys` is how many keys each producer draws from, where that has an end.
    pub fn new(run: u32, producers: u32, partitions: u32, keys: Option<u64>, checksum: Checksum) -> Self {
        let keys_each = keys.filter(|keys| keys.saturating_mul(u64::from(producers)) <= ORDERED_KEYS_MAX).unwrap_or(0);
        let slots = usize::try_from(keys_each * u64::from(producers)).expect("bounded above");
        Self {
            run,
            producers,
            checksum,
            partitions: vec![Vec::new(); number::index(partitions)],
            keys: vec![0; slots],
            keys_each,
            findings: Findings::default(),
        }
    }

    /// Takes the streams of a partition on.
    pub fn read_partition(&mut self, partition: u32) {
        self.partitions[number::index(partition)] = vec![Stream::default(); number::index(self.producers)];
    }

    /// Judges the next record of a partition. Gives its stamp back if it is one of this run.
    pub fn record(&mut self, partition: u32, key: Option<&[u8]>, value: &[u8]) -> Option<Stamp> {
        let stamp = match Stamp::read(key, value, self.checksum) {
            Ok(stamp) if stamp.run == self.run && stamp.producer < self.producers => stamp,
            Ok(_) | Err(StampError::Missing) if self.checksum == Checksum::Left => {
                self.findings.foreign += 1;
                return None;
            }
            Ok(stamp) if stamp.run != self.run => {
                self.findings.foreign += 1;
                return None;
            }
            // The topic is this run's own: bytes without a stamp were once a record of ours.
            Ok(_) | Err(StampError::Missing | StampError::Checksum { .. }) => {
                self.findings.corrupted += 1;
                return None;
            }
        };
        self.findings.received += 1;
        self.follow(partition, key, stamp);
        Some(stamp)
    }

    fn follow(&mut self, partition: u32, key: Option<&[u8]>, stamp: Stamp) {
        let sequence = stamp.sequence;
        let stream = &mut self.partitions[number::index(partition)][number::index(stamp.producer)];
        if sequence >= stream.next {
            if sequence > stream.next && stream.missing.len() < GAPS_MAX {
                stream.missing.push(stream.next..sequence);
            }
            stream.next = sequence + 1;
        } else if take(&mut stream.missing, sequence) {
            self.findings.reordered += 1;
        } else {
            self.findings.duplicated += 1;
            return;
        }
        let Some(number) = key.and_then(key_number).filter(|number| *number < self.keys_each) else { return };
        let slot = u64::from(stamp.producer) * self.keys_each + number;
        let next = &mut self.keys[usize::try_from(slot).expect("below the number of slots")];
        if sequence < *next {
            self.findings.reordered_in_key += 1;
        }
        *next = (*next).max(sequence + 1);
    }

    pub fn findings(&self) -> &Findings {
        &self.findings
    }

    /// Counts what is missing at the end of a run. `sent` answers for a producer and a partition.
    pub fn settle<'s>(&mut self, sent: impl Fn(u32, u32) -> Option<&'s SentStream>) {
        for (partition, streams) in self.partitions.iter().enumerate() {
            for (producer, stream) in streams.iter().enumerate() {
                let Some(sent) = sent(number::short(producer), number::short(partition)) else { continue };
                let tail = stream.next..sent.end.max(stream.next);
                let missing = stream.missing.iter().chain(std::iter::once(&tail));
                self.findings.lost += missing.map(|range| outside(range, &sent.unacknowledged)).sum::<u64>();
            }
        }
    }
}

/// Takes a number out of ranges that are in order; false if it is in none.
fn take(ranges: &mut Vec<Range<u64>>, number: u64) -> bool {
    let at = ranges.partition_point(|range| range.end <= number);
    let Some(range) = ranges.get_mut(at).filter(|range| range.start <= number) else { return false };
    let after = number + 1..range.end;
    range.end = number;
    let before_is_empty = range.is_empty();
    match (before_is_empty, after.is_empty()) {
        (true, true) => drop(ranges.remove(at)),
        (true, false) => ranges[at] = after,
        (false, true) => {}
        (false, false) => ranges.insert(at + 1, after),
    }
    true
}

/// How much of a range lies in none of the others, which do not overlap each other.
fn outside(range: &Range<u64>, others: &[Range<u64>]) -> u64 {
    let common = |other: &Range<u64>| range.end.min(other.end).saturating_sub(range.start.max(other.start));
    (range.end - range.start) - others.iter().map(common).sum::<u64>()
}

fn key_number(key: &[u8]) -> Option<u64> {
    let digits: &[u8; 16] = key.try_into().ok()?;
    digits.iter().try_fold(0, |number, digit| {
        let value = char::from(*digit).to_digit(16)?;
        Some(number << 4 | u64::from(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{KeyChoice, Payload, PayloadKind, RecordMaker, RecordShape, SizeChoice};
    use std::sync::Arc;

    const RUN: u32 = 9;

    struct World {
        makers: Vec<RecordMaker>,
        verifier: Verifier,
    }

    fn world(keys: KeyChoice) -> World {
        let payload = Arc::new(Payload::generated(PayloadKind::Random, 1));
        let count = keys.count();
        let shape = RecordShape { sizes: SizeChoice::Fixed(64), keys, payload, checksum: Checksum::Written };
        let mut verifier = Verifier::new(RUN, 2, 3, count, Checksum::Written);
        verifier.read_partition(1);
        World { makers: (0..2).map(|producer| RecordMaker::new(shape.clone(), producer, 4)).collect(), verifier }
    }

    impl World {
        fn arrive(&mut self, producer: u32, sequence: u64) {
            self.arrive_changed(producer, sequence, |_| {});
        }

        fn arrive_changed(&mut self, producer: u32, sequence: u64, change: impl Fn(&mut Vec<u8>)) {
            let maker = &mut self.makers[producer as usize];
            maker.choose_key();
            maker.make(Stamp { run: RUN, producer, sequence, due: 1 });
            let mut value = maker.value().to_vec();
            change(&mut value);
            self.verifier.record(1, maker.key(), &value);
        }

        fn settle(&mut self, end: u64, unacknowledged: Vec<Range<u64>>) -> Findings {
            let sent = SentStream { end, unacknowledged };
            self.verifier.settle(|producer, partition| ((producer, partition) == (0, 1)).then_some(&sent));
            *self.verifier.findings()
        }
    }

    #[test]
    fn what_arrives_once_and_in_order_is_clean() {
        let mut world = world(KeyChoice::None);
        (0..100).for_each(|sequence| world.arrive(0, sequence));
        (0..50).for_each(|sequence| world.arrive(1, sequence));
        let findings = world.settle(100, vec![]);
        assert_eq!(findings, Findings { received: 150, ..Findings::default() });
        assert!(findings.is_clean());
    }

    #[test]
    fn a_gap_is_a_loss_inside_of_the_stream_and_at_its_end() {
        let mut world = world(KeyChoice::None);
        [0, 1, 4, 5].into_iter().for_each(|sequence| world.arrive(0, sequence));
        assert_eq!(world.settle(8, vec![]).lost, 4);
    }

    #[test]
    fn what_was_never_acknowledged_may_be_missing() {
        let mut world = world(KeyChoice::None);
        [0, 1, 4, 5].into_iter().for_each(|sequence| world.arrive(0, sequence));
        assert_eq!(world.settle(8, vec![3..4, 6..7]).lost, 2);
    }

    #[test]
    fn a_late_record_is_reordered_and_neither_lost_nor_doubled() {
        let mut world = world(KeyChoice::Uniform { count: 1 });
        [0, 3, 1, 2, 4].into_iter().for_each(|sequence| world.arrive(0, sequence));
        let expected = Findings { received: 5, reordered: 2, reordered_in_key: 2, ..Findings::default() };
        assert_eq!(world.settle(5, vec![]), expected);
    }

    #[test]
    fn reordering_between_keys_is_told_from_that_within_one() {
        let mut world = world(KeyChoice::Uniform { count: 1 << 20 });
        [0, 3, 1, 2, 4].into_iter().for_each(|sequence| world.arrive(0, sequence));
        let findings = world.settle(5, vec![]);
        assert_eq!((findings.reordered, findings.reordered_in_key), (2, 0));
    }

    #[test]
    fn a_record_seen_twice_is_a_duplicate_wherever_it_comes() {
        let mut world = world(KeyChoice::None);
        [0, 1, 1, 2, 0, 4, 3, 3].into_iter().for_each(|sequence| world.arrive(0, sequence));
        let findings = world.settle(5, vec![]);
        assert_eq!((findings.duplicated, findings.reordered, findings.lost), (3, 1, 0));
    }

    #[test]
    fn a_changed_record_is_corrupted_and_its_place_is_lost() {
        let mut world = world(KeyChoice::None);
        world.arrive(0, 0);
        world.arrive_changed(0, 1, |value| value[50] ^= 1);
        world.arrive_changed(0, 2, |value| value[0] ^= 1);
        world.arrive(0, 3);
        let findings = world.settle(4, vec![]);
        assert_eq!((findings.corrupted, findings.lost, findings.received), (2, 2, 2));
    }

    #[test]
    fn records_of_another_run_are_foreign() {
        let mut world = world(KeyChoice::None);
        let maker = &mut world.makers[0];
        maker.make(Stamp { run: RUN + 1, producer: 0, sequence: 0, due: 0 });
        assert_eq!(world.verifier.record(1, None, maker.value()), None);
        assert_eq!(world.verifier.findings().foreign, 1);
    }

    #[test]
    fn ranges_lose_single_numbers_anywhere() {
        let mut ranges = vec![0..3, 5..6];
        assert!(take(&mut ranges, 1));
        assert_eq!(ranges, [0..1, 2..3, 5..6]);
        assert!(take(&mut ranges, 5) && take(&mut ranges, 0) && !take(&mut ranges, 0) && !take(&mut ranges, 4));
        assert_eq!((ranges.len(), ranges[0].clone()), (1, 2..3));
    }
}
