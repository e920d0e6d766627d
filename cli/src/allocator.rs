//! The allocator of the program.

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::{c_int, c_long};

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Buffers for the disk come from memory that was touched before, as far as there is some; all else, and that, from
/// mimalloc: frees on another core than the one that allocated are common here.
struct Allocator;

// SAFETY: What is allocated by one of the two is released by the same one: addresses tell. Both are allocators.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match rt::warm::allocate(layout) {
            Some(block) => block.as_ptr(),
            // SAFETY: the caller's promises are the same.
            None => unsafe { MiMalloc.alloc(layout) },
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller says that this is the layout, and that nobody uses the block.
        if !unsafe { rt::warm::release(block, layout) } {
            // SAFETY: whatever is not from there is from here.
            unsafe { MiMalloc.dealloc(block, layout) }
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // Nobody asks for whole pages of zeroes but rarely; others have them without writing.
        // SAFETY: the caller's promises are the same.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !rt::warm::is_here(block) {
            // SAFETY: the block is mimalloc's, and the caller's promises are the same.
            return unsafe { MiMalloc.realloc(block, layout, size) };
        }
        // SAFETY: the caller says that the new size is one that a layout can have.
        let new = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !new.is_null() {
            // SAFETY: both are as long as what is copied, and they are different blocks.
            unsafe { new.copy_from_nonoverlapping(block, layout.size().min(size)) };
            // SAFETY: the block is the caller's to give.
            unsafe { self.dealloc(block, layout) };
        }
        new
    }
}

/// `mi_option_purge_delay` in mimalloc's header; the crate names its neighbours 14 and 16.
const PURGE_DELAY: c_int = 15;
const PURGE_DELAY_MS: c_long = 10_000;

/// Keeps freed memory for ten seconds before the kernel gets it back. The default of 10 ms makes a busy broker pay for
/// page faults and cleared pages with each new buffer: a quarter of its processor time was measured.
/// `MIMALLOC_PURGE_DELAY` in the environment wins.
pub(crate) fn keep_freed_memory() {
    // SAFETY: sets a number in mimalloc's table of options, which may be done at any time; it checks the option's range.
    unsafe { libmimalloc_sys::mi_option_set_default(PURGE_DELAY, PURGE_DELAY_MS) };
}
