//! Damage that was found in segments: bytes on the disk that are not what was written there. They are never served.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;

use base::{Offset, PartitionId};

use crate::{layout, limits};

/// A place in a segment whose bytes are not what they should be, or cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    pub partition: PartitionId,
    /// Base offset of the segment.
    pub segment: Offset,
    /// Bytes from the start of the segment's file.
    pub position: u32,
    /// The first offset that is known to be concerned: of the span that holds it, or what a reader asked for.
    pub offset: Offset,
    pub what: String,
}

impl Damage {
    /// The segment's file, below the data folder.
    pub fn file(&self) -> PathBuf {
        layout::segment_file(self.partition, self.segment)
    }
}

/// What one core has found and still has.
#[derive(Default)]
pub(crate) struct DamageList {
    places: RefCell<BTreeMap<(PartitionId, Offset, u32), Damage>>,
    found: Cell<u64>,
}

impl DamageList {
    /// Takes a finding in, and says it in the log unless it is known.
    pub(crate) fn note(&self, damage: Damage) {
        let mut places = self.places.borrow_mut();
        let place = (damage.partition, damage.segment, damage.position);
        if places.contains_key(&place) {
            return;
        }
        self.found.set(self.found.get() + 1);
        let file = damage.file();
        let Damage { partition, position, offset, what, .. } = &damage;
        tracing::error!(%partition, %offset, file = %file.display(), position, what, "damage in a segment");
        if places.len() < limits::DAMAGE_KNOWN_MAX {
            places.insert(place, damage);
        }
    }

    /// The segment was removed, or turned out to be in order.
    pub(crate) fn forget_segment(&self, partition: PartitionId, segment: Offset) {
        self.places.borrow_mut().retain(|(of, base, _), _| (*of, *base) != (partition, segment));
    }

    /// The bytes of a segment before `end` turned out to be in order.
    pub(crate) fn forget_before(&self, partition: PartitionId, segment: Offset, end: u32) {
        self.places
            .borrow_mut()
            .retain(|(of, base, position), _| (*of, *base) != (partition, segment) || *position >= end);
    }

    pub(crate) fn forget_partition(&self, partition: PartitionId) {
        self.places.borrow_mut().retain(|(of, ..), _| *of != partition);
    }

    pub(crate) fn known_of(&self, partition: PartitionId) -> Vec<Damage> {
        self.places.borrow().values().filter(|damage| damage.partition == partition).cloned().collect()
    }

    /// Findings of another core, which has told them and counted them.
    pub(crate) fn take_over(&self, found: Vec<Damage>) {
        let mut places = self.places.borrow_mut();
        for damage in found {
            if places.len() < limits::DAMAGE_KNOWN_MAX {
                places.insert((damage.partition, damage.segment, damage.position), damage);
            }
        }
    }

    /// At most so many of them.
    pub(crate) fn known(&self, most: usize) -> Vec<Damage> {
        self.places.borrow().values().take(most).cloned().collect()
    }

    pub(crate) fn known_count(&self) -> usize {
        self.places.borrow().len()
    }

    /// Findings since the start.
    pub(crate) fn found(&self) -> u64 {
        self.found.get()
    }
}

#[cfg(test)]
mod tests {
    use base::TopicId;

    use super::*;

    fn damage(topic: u128, segment: u64, position: u32) -> Damage {
        let partition = PartitionId::new(TopicId::from_random(topic), 0);
        let (segment, offset) = (Offset::new(segment).unwrap(), Offset::new(segment + 3).unwrap());
        Damage { partition, segment, position, offset, what: "its checksum does not match".to_owned() }
    }

    #[test]
    fn a_place_is_counted_once_until_its_segment_is_forgotten() {
        let list = DamageList::default();
        for _ in 0..3 {
            list.note(damage(1, 0, 100));
        }
        list.note(damage(1, 0, 200));
        list.note(damage(1, 50, 100));
        list.note(damage(2, 0, 100));
        assert_eq!((list.found(), list.known_count()), (4, 4));
        list.forget_before(damage(1, 0, 0).partition, Offset::ZERO, 200);
        assert_eq!(list.known(9), [damage(1, 0, 200), damage(1, 50, 100), damage(2, 0, 100)]);
        list.forget_segment(damage(1, 0, 0).partition, Offset::ZERO);
        assert_eq!(list.known(9), [damage(1, 50, 100), damage(2, 0, 100)]);
        list.forget_partition(damage(1, 0, 0).partition);
        assert_eq!((list.found(), list.known(9)), (4, vec![damage(2, 0, 100)]));
    }

    #[test]
    fn more_damage_than_can_be_kept_is_still_counted() {
        let list = DamageList::default();
        let many = u32::try_from(limits::DAMAGE_KNOWN_MAX).unwrap() + 5;
        (0..many).for_each(|position| list.note(damage(1, 0, position)));
        assert_eq!((list.found(), list.known_count()), (u64::from(many), limits::DAMAGE_KNOWN_MAX));
    }
}
