//! Runs of free pages.

use std::collections::{BTreeMap, BTreeSet};

/// Free pages by where they are and by how many lie together; neighbours are joined.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// Start and length.
    by_place: BTreeMap<usize, usize>,
    /// Length and start.
    by_length: BTreeSet<(usize, usize)>,
    pages: usize,
}

impl Runs {
    pub(super) fn pages(&self) -> usize {
        self.pages
    }

    pub(super) fn longest(&self) -> usize {
        self.by_length.last().map_or(0, |(length, _)| *length)
    }

    /// Takes pages out of the shortest run that has them; gives where they begin.
    pub(super) fn take(&mut self, pages: usize) -> Option<usize> {
        let (length, start) = *self.by_length.range((pages, 0)..).next()?;
        self.remove(start, length);
        if length > pages {
            self.insert(start + pages, length - pages);
        }
        Some(start)
    }

    /// Adds pages that are free.
    pub(super) fn give(&mut self, mut start: usize, mut pages: usize) {
        if let Some((before, length)) = self.by_place.range(..start).next_back().map(|(at, length)| (*at, *length)) {
            assert!(before + length <= start, "page {start} is free already");
            if before + length == start {
                self.remove(before, length);
                (start, pages) = (before, length + pages);
            }
        }
        if let Some((after, length)) = self.by_place.range(start..).next().map(|(at, length)| (*at, *length)) {
            assert!(start + pages <= after, "page {after} is free already");
            if start + pages == after {
                self.remove(after, length);
                pages += length;
            }
        }
        self.insert(start, pages);
    }

    fn insert(&mut self, start: usize, length: usize) {
        self.by_place.insert(start, length);
        self.by_length.insert((length, start));
        self.pages += length;
    }

    fn remove(&mut self, start: usize, length: usize) {
        self.by_place.remove(&start);
        self.by_length.remove(&(length, start));
        self.pages -= length;
    }
}

#[cfg(test)]
mod tests {
    use base::SeededRandom;

    use super::*;

    #[test]
    fn no_page_is_given_twice_and_all_come_together_again() {
        for seed in 0..200 {
            let mut random = SeededRandom::new(seed);
            let (mut runs, mut taken, mut owner) = (Runs::default(), Vec::new(), vec![false; 512]);
            runs.give(256, 256);
            runs.give(0, 256);
            for _ in 0..2_000 {
                if random.one_in(2) {
                    let most = if random.one_in(8) { 200 } else { 20 };
                    let pages = 1 + random.index(most);
                    let longest = runs.longest();
                    let Some(at) = runs.take(pages) else {
                        assert!(longest < pages, "seed {seed}: {pages} pages were there");
                        continue;
                    };
                    assert!(owner[at..at + pages].iter().all(|is_taken| !is_taken), "seed {seed}: page {at}");
                    owner[at..at + pages].fill(true);
                    taken.push((at, pages));
                } else if !taken.is_empty() {
                    let (at, pages) = taken.swap_remove(random.index(taken.len()));
                    owner[at..at + pages].fill(false);
                    runs.give(at, pages);
                }
                assert_eq!(runs.pages(), owner.iter().filter(|is_taken| !**is_taken).count());
            }
            taken.drain(..).for_each(|(at, pages)| runs.give(at, pages));
            assert_eq!((runs.longest(), runs.take(512)), (512, Some(0)), "seed {seed}");
        }
    }
}
