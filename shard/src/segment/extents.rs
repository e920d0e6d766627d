//! Runs of segments in memory for whoever reads from disk, within a budget of their own: they drive out each other, and
//! never recent data.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::index::Span;
use super::sequences::Place;
use crate::limits;

/// A run of a segment that was read and checked.
#[derive(Clone)]
pub(super) struct Extent {
    pub(super) place: Place,
    pub(super) range: Range<u32>,
    pub(super) bytes: Bytes,
    /// A reader has taken it to its end.
    is_spent: bool,
    alive: Arc<()>,
}

impl Extent {
    pub(super) fn new(place: Place, range: Range<u32>, bytes: Bytes) -> Self {
        let alive = Arc::new(());
        let bytes = Bytes::from_owner(Tracked { bytes, _alive: Arc::clone(&alive) });
        Self { place, range, bytes, is_spent: false, alive }
    }
}

/// Memory of which one can tell whether it is still there: [`Bytes`] of a disk don't say.
struct Tracked {
    bytes: Bytes,
    _alive: Arc<()>,
}

impl AsRef<[u8]> for Tracked {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A run that is not kept any more.
struct Retired {
    bytes: usize,
    alive: Arc<()>,
}

impl Retired {
    fn is_held(&self) -> bool {
        Arc::strong_count(&self.alive) > 1
    }
}

/// A small part of a run is copied once readers hold so much (a share of the budget) of runs that are no longer kept.
const RETIRED_SHARE: usize = 2;
/// Parts of a run that are at least this fraction of it are always shared.
const SHARED_PART_MIN: usize = 4;

#[derive(Default)]
pub(super) struct Extents {
    /// The one that was used last is at the end.
    kept: Vec<Extent>,
    /// What is being read from disk.
    loading: Vec<(Place, Range<u32>)>,
    /// Readers still hold parts of these.
    retired: Vec<Retired>,
}

impl Extents {
    /// The run that holds a whole span. It counts as used.
    pub(super) fn find(&mut self, place: Place, span: &Span) -> Option<Extent> {
        let holds = |extent: &Extent| {
            extent.place == place && extent.range.start <= span.position && span.end_position() <= extent.range.end
        };
        let found = self.kept.iter().position(holds)?;
        let extent = self.kept.remove(found);
        self.kept.push(extent.clone());
        Some(extent)
    }

    pub(super) fn is_loading(&self, place: Place, at: u32) -> bool {
        self.loading.iter().any(|(other, range)| *other == place && range.contains(&at))
    }

    /// Where that ends which is here, or on its way, from `at` on.
    pub(super) fn covered_until(&self, place: Place, mut at: u32) -> u32 {
        while let Some(range) = self.ranges(place).find(|range| range.contains(&at)) {
            at = range.end;
        }
        at
    }

    /// Where the next run begins that is here or on its way, beyond `at`.
    pub(super) fn next_after(&self, place: Place, at: u32) -> u32 {
        self.ranges(place).map(|range| range.start).filter(|start| *start > at).min().unwrap_or(u32::MAX)
    }

    fn ranges(&self, place: Place) -> impl Iterator<Item = &Range<u32>> {
        let kept = self.kept.iter().map(|extent| (&extent.place, &extent.range));
        let loading = self.loading.iter().map(|(place, range)| (place, range));
        kept.chain(loading).filter(move |(other, _)| **other == place).map(|(_, range)| range)
    }

    pub(super) fn begin_loading(&mut self, place: Place, range: Range<u32>) {
        self.loading.push((place, range));
        self.make_room();
    }

    pub(super) fn end_loading(&mut self, place: Place, range: &Range<u32>) {
        let found = self.loading.iter().position(|(other, loading)| *other == place && loading == range);
        self.loading.swap_remove(found.expect("what ends has begun"));
    }

    /// Whether so much more may be read that nobody has asked for yet. It must fit beside what is on its way, what readers
    /// hold, and what was read before and not yet used: to drive that out would be to read it twice.
    pub(super) fn has_room(&mut self, bytes: u32) -> bool {
        let unused: usize = self.kept.iter().filter(|extent| !extent.is_spent).map(|extent| extent.bytes.len()).sum();
        unused + self.loading_bytes() + self.retired_bytes() + bytes as usize <= limits::READ_AHEAD_CACHE_BYTES
    }

    /// A reader has taken the run that ends here to its end. Others may follow, as long as nothing else needs the room.
    pub(super) fn spend(&mut self, place: Place, end: u32) {
        let ends_here = |extent: &&mut Extent| extent.place == place && extent.range.end == end;
        if let Some(extent) = self.kept.iter_mut().find(ends_here) {
            extent.is_spent = true;
        }
    }

    pub(super) fn keep(&mut self, extent: Extent) {
        self.kept.push(extent);
        self.make_room();
    }

    fn make_room(&mut self) {
        let budget = limits::READ_AHEAD_CACHE_BYTES;
        while self.kept.len() > 1 && self.kept_bytes() + self.loading_bytes() + self.retired_bytes() > budget {
            let oldest = self.kept.iter().position(|extent| extent.is_spent).unwrap_or(0);
            let oldest = self.kept.remove(oldest);
            self.retire(oldest);
        }
    }

    fn loading_bytes(&self) -> usize {
        self.loading.iter().map(|(_, range)| range.len()).sum()
    }

    /// Does not keep a run, but counts it as long as readers hold it.
    pub(super) fn retire(&mut self, extent: Extent) {
        let retired = Retired { bytes: extent.bytes.len(), alive: extent.alive };
        drop(extent.bytes);
        if retired.is_held() {
            self.retired.push(retired);
        }
    }

    /// Part of a run for a reader. It would keep all of the run in memory until its reader has received it: a small
    /// one is copied when much is held that way.
    pub(super) fn take_out(&mut self, run: &Bytes, range: Range<usize>) -> Bytes {
        let is_small = range.len() < run.len() / SHARED_PART_MIN;
        if is_small && self.retired_bytes() > limits::READ_AHEAD_CACHE_BYTES / RETIRED_SHARE {
            return Bytes::copy_from_slice(&run[range]);
        }
        run.slice(range)
    }

    fn kept_bytes(&self) -> usize {
        self.kept.iter().map(|extent| extent.bytes.len()).sum()
    }

    fn retired_bytes(&mut self) -> usize {
        self.retired.retain(Retired::is_held);
        self.retired.iter().map(|retired| retired.bytes).sum()
    }

    /// Forgets the runs of segments of which this is true.
    pub(super) fn forget(&mut self, is_gone: impl Fn(Place) -> bool) {
        let (gone, kept) = std::mem::take(&mut self.kept).into_iter().partition(|extent| is_gone(extent.place));
        self.kept = kept;
        let gone: Vec<Extent> = gone;
        gone.into_iter().for_each(|extent| self.retire(extent));
    }
}

#[cfg(test)]
mod tests {
    use base::Offset;

    use super::*;

    const MIB: u32 = 1 << 20;
    const PLACE: Place = (1, Offset::ZERO);

    fn extent(mib: Range<u32>) -> Extent {
        let range = mib.start * MIB..mib.end * MIB;
        let bytes = vec![0; range.len()].into();
        Extent::new(PLACE, range, bytes)
    }

    fn span(mib: u32) -> Span {
        Span { length: MIB, ..Span::empty(Offset::ZERO, mib * MIB) }
    }

    fn budget_mib() -> u32 {
        u32::try_from(limits::READ_AHEAD_CACHE_BYTES).expect("it is small") / MIB
    }

    #[test]
    fn the_run_that_was_not_used_for_longest_makes_way() {
        let mut extents = Extents::default();
        let half = budget_mib() / 2;
        extents.keep(extent(0..half));
        extents.keep(extent(half..2 * half));
        assert!(extents.find(PLACE, &span(0)).is_some());
        extents.keep(extent(2 * half..2 * half + 1));
        assert!(extents.find(PLACE, &span(half)).is_none(), "it was not used since it came");
        assert!(extents.find(PLACE, &span(0)).is_some());
        assert!(extents.find(PLACE, &span(2 * half)).is_some());
    }

    #[test]
    fn what_was_read_to_its_end_makes_way_for_what_is_read_ahead_and_nothing_else_does() {
        let mut extents = Extents::default();
        let half = budget_mib() / 2;
        extents.keep(extent(0..half));
        extents.keep(extent(half..2 * half));
        assert!(!extents.has_room(1));
        extents.spend(PLACE, 2 * half * MIB);
        assert!(extents.has_room(half * MIB) && !extents.has_room(half * MIB + 1));
        assert!(extents.find(PLACE, &span(half)).is_some(), "whoever follows finds it");
        extents.keep(extent(2 * half..2 * half + 1));
        assert!(extents.find(PLACE, &span(half)).is_none());
        assert!(extents.find(PLACE, &span(0)).is_some());
    }

    #[test]
    fn what_readers_hold_counts_until_they_let_go() {
        let mut extents = Extents::default();
        let all = budget_mib();
        extents.keep(extent(0..all));
        let held = extents.find(PLACE, &span(0)).expect("it was kept");
        let part = extents.take_out(&held.bytes, 0..1000);
        drop(held);
        extents.keep(extent(all..all + 1));
        assert!(extents.find(PLACE, &span(0)).is_none(), "it made way");
        assert!(!extents.has_room(1), "a reader holds all of it");
        let run = Bytes::from(vec![0; 1 << 20]);
        let small = extents.take_out(&run, 0..1000);
        assert!(run.is_unique(), "{} bytes were copied", small.len());
        assert!(!extents.has_room(1));
        drop(part);
        assert!(extents.has_room(1), "the reader has let go");
        let shared = extents.take_out(&run, 0..1000);
        assert!(!run.is_unique(), "{} bytes are shared", shared.len());
    }

    #[test]
    fn what_is_here_and_what_is_on_its_way_are_one_run() {
        let mut extents = Extents::default();
        extents.keep(extent(0..2));
        extents.begin_loading(PLACE, 2 * MIB..5 * MIB);
        assert_eq!(extents.covered_until(PLACE, MIB), 5 * MIB);
        assert_eq!(extents.covered_until(PLACE, 5 * MIB), 5 * MIB);
        assert_eq!(extents.next_after(PLACE, 0), 2 * MIB);
        assert!(extents.is_loading(PLACE, 2 * MIB) && !extents.is_loading(PLACE, MIB));
        extents.end_loading(PLACE, &(2 * MIB..5 * MIB));
        assert_eq!(extents.covered_until(PLACE, MIB), 2 * MIB);
        extents.forget(|place| place == PLACE);
        assert_eq!(extents.covered_until(PLACE, MIB), MIB);
    }
}
