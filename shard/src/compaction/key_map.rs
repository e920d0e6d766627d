//! The last offset of each key in the part of a log that is to be compacted.
//!
//! A key is known by 16 bytes of its hash, as in Kafka: two keys of one hash would be taken for one. The hash is keyed
//! anew for each cleaning, so that nobody can choose keys that collide.

use base::Offset;
use siphasher::sip128::{Hasher128, SipHasher24};
use std::hash::Hasher;

/// Two words of the hash, and the offset plus one: zero is a slot that is free.
type Slot = [u64; 3];

pub(crate) const SLOT_BYTES: u64 = size_of::<Slot>() as u64;
const SLOTS_MIN: u64 = 16;
/// So much of the slots is used, in percent: beyond it looking takes long.
const LOAD_PERCENT: u64 = 90;

/// Key to last offset, in one allocation of a fixed size.
pub(crate) struct KeyMap {
    hasher: SipHasher24,
    /// Of one allocation from the start on; see [`KeyMap::grow`].
    slots: Vec<Slot>,
    used: u64,
    limit: u64,
}

/// Slots that are made ready at once: the kernel clears the memory when it is first touched, which takes its time.
const SLOTS_AT_ONCE: usize = (256 << 10) / size_of::<Slot>();

/// Not one key more fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyMapFull;

impl KeyMap {
    /// Takes at most so many bytes, and no more than as many keys need. To be [grown](KeyMap::grow) before it is used.
    pub(crate) fn new(bytes_max: u64, keys_max: u64, hash_key: (u64, u64)) -> Self {
        let wanted = keys_max.saturating_mul(100) / LOAD_PERCENT + 1;
        let slots = wanted.min(bytes_max / SLOT_BYTES).max(SLOTS_MIN);
        let limit = slots * LOAD_PERCENT / 100;
        let slots = usize::try_from(slots).expect("it is within the memory that was granted");
        let hasher = SipHasher24::new_with_keys(hash_key.0, hash_key.1);
        Self { hasher, slots: Vec::with_capacity(slots), used: 0, limit }
    }

    /// Makes a part of the map ready; false when all of it is.
    pub(crate) fn grow(&mut self) -> bool {
        let ready = self.slots.len().saturating_add(SLOTS_AT_ONCE).min(self.slots.capacity());
        let grows = ready > self.slots.len();
        self.slots.resize(ready, [0; 3]);
        grows
    }

    #[cfg(test)]
    pub(crate) fn ready(mut self) -> Self {
        while self.grow() {}
        self
    }

    /// Notes that a key is at this offset, unless a later one is known.
    pub(crate) fn note(&mut self, key: &[u8], offset: Offset) -> Result<(), KeyMapFull> {
        let hash = self.hash(key);
        let next = offset.get() + 1;
        let at = self.place_of(hash);
        let slot = &mut self.slots[at];
        if slot[2] == 0 {
            if self.used == self.limit {
                return Err(KeyMapFull);
            }
            self.used += 1;
            *slot = [hash.0, hash.1, 0];
        }
        slot[2] = slot[2].max(next);
        Ok(())
    }

    /// The last offset that was noted for a key.
    pub(crate) fn last(&self, key: &[u8]) -> Option<Offset> {
        let [.., next] = self.slots[self.place_of(self.hash(key))];
        next.checked_sub(1).and_then(Offset::new)
    }

    fn hash(&self, key: &[u8]) -> (u64, u64) {
        let mut hasher = self.hasher;
        hasher.write(key);
        hasher.finish128().as_u64()
    }

    /// The slot that has this hash, or the free one where it would go. There always is a free one.
    fn place_of(&self, hash: (u64, u64)) -> usize {
        let slots = self.slots.len();
        let share = u128::from(hash.0) * slots as u128;
        let mut at = usize::try_from(share >> 64).expect("below the number of slots");
        loop {
            let slot = &self.slots[at];
            if slot[2] == 0 || (slot[0], slot[1]) == hash {
                return at;
            }
            at = if at + 1 == slots { 0 } else { at + 1 };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use base::SeededRandom;

    use super::*;

    fn offset(value: u64) -> Offset {
        Offset::new(value).unwrap()
    }

    #[test]
    fn each_key_has_its_last_offset_whatever_the_order() {
        let mut random = SeededRandom::new(5);
        let mut map = KeyMap::new(1 << 20, 4_000, (1, 2)).ready();
        let mut model: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
        for _ in 0..20_000 {
            let key = random.below(4_000).to_string().into_bytes();
            let at = random.below(1 << 40);
            map.note(&key, offset(at)).unwrap();
            let last = model.entry(key).or_default();
            *last = at.max(*last);
        }
        for (key, at) in &model {
            assert_eq!(map.last(key), Some(offset(*at)));
        }
        assert_eq!(map.last(b"never"), None);
        assert_eq!(map.last(b""), None);
    }

    #[test]
    fn a_full_map_takes_no_new_key_and_goes_on_with_those_it_has() {
        let mut map = KeyMap::new(100 * SLOT_BYTES, u64::MAX, (1, 2)).ready();
        for key in 0..90_u64 {
            map.note(&key.to_le_bytes(), offset(key)).unwrap();
        }
        assert_eq!(map.note(&90_u64.to_le_bytes(), offset(90)), Err(KeyMapFull));
        assert_eq!(map.last(&90_u64.to_le_bytes()), None);
        map.note(&3_u64.to_le_bytes(), offset(91)).unwrap();
        assert_eq!(map.last(&3_u64.to_le_bytes()), Some(offset(91)));
    }

    #[test]
    fn a_map_is_no_larger_than_its_keys_need_and_never_without_room_for_some() {
        assert!(KeyMap::new(1 << 40, 900, (1, 2)).ready().slots.len() < 1_100);
        let mut least = KeyMap::new(0, 0, (1, 2)).ready();
        for key in 0..10_u64 {
            least.note(&key.to_le_bytes(), Offset::ZERO).unwrap();
        }
    }
}
