//! The system's allocator, with counts for each thread: tests of one binary don't disturb each other.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

pub(crate) struct CountingAllocator;

#[derive(Clone, Copy, Default)]
struct Counts {
    allocations: usize,
    live: usize,
    peak: usize,
}

thread_local! {
    static COUNTS: Cell<Counts> = const { Cell::new(Counts { allocations: 0, live: 0, peak: 0 }) };
}

fn count(change: impl FnOnce(&mut Counts)) {
    let mut counts = COUNTS.get();
    change(&mut counts);
    COUNTS.set(counts);
}

fn allocated(bytes: usize) {
    count(|counts| {
        counts.allocations += 1;
        counts.live += bytes;
        counts.peak = counts.peak.max(counts.live);
    });
}

// SAFETY: every call goes to the system's allocator unchanged. Counting touches no memory of theirs, and allocates
// nothing itself: the counts are initialised at compile time and have no destructor.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        allocated(layout.size());
        // SAFETY: the caller's promises about the layout are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        allocated(layout.size());
        // SAFETY: the caller's promises about the layout are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // What one thread allocated another may free.
        count(|counts| counts.live = counts.live.saturating_sub(layout.size()));
        // SAFETY: the caller got this pointer from the system through the functions above, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// How many allocations `work` makes, and how many bytes it holds at its peak beyond those held before.
pub(crate) fn measure<R>(work: impl FnOnce() -> R) -> (R, usize, usize) {
    let before = COUNTS.get();
    count(|counts| counts.peak = counts.live);
    let result = work();
    let after = COUNTS.get();
    (result, after.allocations - before.allocations, after.peak - before.live)
}
