//! The allocator of the program.

use std::ffi::{c_int, c_long};

/// Frees on another core than the one that allocated are common here, and large buffers come and go.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
