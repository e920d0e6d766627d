//! A sorted map whose copies share what they have in common.

use std::sync::Arc;

/// Entries in a chunk before it is split in two.
const CHUNK_ENTRIES_MAX: usize = 128;

/// A chunk has room for so many times the entries that are left in it: else a few of many would keep the memory of all.
const CHUNK_ROOM_MAX: usize = 4;

/// A sorted map in chunks of up to 128 entries, each behind an `Arc`.
///
/// A clone copies one pointer per chunk; a change after it copies the one chunk that is touched. Readers on other cores
/// therefore get a new image of 100,000 topics for the price of about a thousand pointers.
#[derive(Debug, Clone)]
pub(crate) struct SharedMap<K, V> {
    /// Sorted, none empty.
    chunks: Vec<Arc<Vec<(K, V)>>>,
    len: usize,
}

impl<K, V> Default for SharedMap<K, V> {
    fn default() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for SharedMap<K, V> {
    /// Equal content; where the chunks are cut does not matter.
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len
            && self.chunks.iter().flat_map(|c| c.iter()).eq(other.chunks.iter().flat_map(|c| c.iter()))
    }
}

impl<K: Eq, V: Eq> Eq for SharedMap<K, V> {}

impl<K: Ord + Clone, V: Clone> SharedMap<K, V> {
    /// Puts a value in, and gives back the one that it replaces.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let at = self.chunk_of(&key);
        let Some(chunk) = self.chunks.get_mut(at) else {
            self.chunks.push(Arc::new(vec![(key, value)]));
            self.len += 1;
            return None;
        };
        let chunk = Arc::make_mut(chunk);
        let index = match chunk.binary_search_by(|(known, _)| known.cmp(&key)) {
            Ok(index) => return Some(std::mem::replace(&mut chunk[index].1, value)),
            Err(index) => index,
        };
        self.len += 1;
        if chunk.len() < CHUNK_ENTRIES_MAX {
            insert_at(chunk, index, (key, value));
            return None;
        }
        // Before it grows: keys that ascend leave lower halves behind, which keep no room that they never need.
        let half = CHUNK_ENTRIES_MAX / 2;
        let mut upper = chunk.split_off(half);
        chunk.shrink_to_fit();
        match index.checked_sub(half) {
            Some(index) => insert_at(&mut upper, index, (key, value)),
            None => insert_at(chunk, index, (key, value)),
        }
        self.chunks.insert(at + 1, Arc::new(upper));
        None
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
    {
        let at = self.chunk_of(key);
        let chunk = self.chunks.get_mut(at)?;
        let index = chunk.binary_search_by(|(known, _)| known.borrow().cmp(key)).ok()?;
        let entries = Arc::make_mut(chunk);
        let (_, value) = entries.remove(index);
        if entries.is_empty() {
            self.chunks.remove(at);
        } else if entries.capacity() > entries.len() * CHUNK_ROOM_MAX {
            entries.shrink_to(entries.len() * 2);
        }
        self.len -= 1;
        Some(value)
    }

    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
    {
        let chunk = self.chunks.get(self.chunk_of(key))?;
        let index = chunk.binary_search_by(|(known, _)| known.borrow().cmp(key)).ok()?;
        Some(&chunk[index].1)
    }

    pub(crate) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: std::borrow::Borrow<Q>,
    {
        let at = self.chunk_of(key);
        let chunk = self.chunks.get_mut(at)?;
        let index = chunk.binary_search_by(|(known, _)| known.borrow().cmp(key)).ok()?;
        Some(&mut Arc::make_mut(chunk)[index].1)
    }

    /// All entries in the order of their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.chunks.iter().flat_map(|chunk| chunk.iter()).map(|(key, value)| (key, value))
    }

    /// Entries from `key` on, in order.
    pub(crate) fn iter_from<'a, Q: Ord + ?Sized>(
        &'a self,
        key: &Q,
    ) -> impl Iterator<Item = (&'a K, &'a V)> + use<'a, K, V, Q>
    where
        K: std::borrow::Borrow<Q>,
    {
        let first = self.chunk_of(key);
        let skipped =
            self.chunks.get(first).map_or(0, |chunk| chunk.partition_point(|(known, _)| known.borrow() < key));
        let chunks = &self.chunks[first.min(self.chunks.len())..];
        chunks.iter().flat_map(|chunk| chunk.iter()).skip(skipped).map(|(key, value)| (key, value))
    }

    /// Entries after `key`, in order.
    pub(crate) fn iter_after<Q: Ord + ?Sized>(&self, key: &Q) -> impl Iterator<Item = (&K, &V)>
    where
        K: std::borrow::Borrow<Q>,
    {
        let first = self.chunk_of(key);
        let skipped =
            self.chunks.get(first).map_or(0, |chunk| chunk.partition_point(|(known, _)| known.borrow() <= key));
        self.chunks[first.min(self.chunks.len())..]
            .iter()
            .flat_map(|chunk| chunk.iter())
            .skip(skipped)
            .map(|(key, value)| (key, value))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Chunks that a copy does not share with this one.
    #[cfg(test)]
    pub(crate) fn chunks_of_its_own(&self, other: &Self) -> usize {
        let is_shared = |chunk: &&Arc<Vec<(K, V)>>| other.chunks.iter().any(|known| Arc::ptr_eq(chunk, known));
        self.chunks.len() - self.chunks.iter().filter(is_shared).count()
    }

    /// The chunk that holds `key` or would hold it: the last one that does not start after it.
    fn chunk_of<Q: Ord + ?Sized>(&self, key: &Q) -> usize
    where
        K: std::borrow::Borrow<Q>,
    {
        self.chunks.partition_point(|chunk| chunk[0].0.borrow() <= key).saturating_sub(1)
    }
}

/// With room for no more than a chunk may have.
fn insert_at<T>(chunk: &mut Vec<T>, index: usize, entry: T) {
    if chunk.len() == chunk.capacity() {
        let room = (chunk.len() * 2).min(CHUNK_ENTRIES_MAX);
        chunk.reserve_exact(room - chunk.len());
    }
    chunk.insert(index, entry);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_change_after_a_clone_copies_one_chunk_only() {
        let mut map = SharedMap::default();
        for key in 0..10_000_u32 {
            map.insert(key, key);
        }
        let before = map.clone();
        *map.get_mut(&5_000).unwrap() = 0;
        let shared = map.chunks.iter().zip(&before.chunks).filter(|(a, b)| Arc::ptr_eq(a, b)).count();
        assert_eq!(shared, map.chunks.len() - 1);
        assert_eq!(before.get(&5_000), Some(&5_000));
    }

    proptest! {
        #[test]
        fn it_behaves_like_a_plain_sorted_map(steps in prop::collection::vec((0_u8..3, 0_u16..600), 0..2_000)) {
            let (mut map, mut model) = (SharedMap::default(), BTreeMap::new());
            for (step, (kind, key)) in steps.into_iter().enumerate() {
                match kind {
                    0 | 1 => prop_assert_eq!(map.insert(key, step), model.insert(key, step)),
                    _ => prop_assert_eq!(map.remove(&key), model.remove(&key)),
                }
                prop_assert_eq!(map.get(&key), model.get(&key));
                prop_assert_eq!(map.len(), model.len());
            }
            prop_assert!(map.iter().eq(model.iter()));
            for key in [0, 1, 299, 300, 599] {
                prop_assert!(map.iter_after(&key).eq(model.range(key + 1..)));
                prop_assert!(map.iter_from(&key).eq(model.range(key..)));
            }
            prop_assert!(map.chunks.iter().all(|chunk| !chunk.is_empty() && chunk.capacity() <= CHUNK_ENTRIES_MAX));
            prop_assert!(map.chunks.iter().all(|chunk| chunk.capacity() <= chunk.len() * CHUNK_ROOM_MAX));
        }
    }
}
