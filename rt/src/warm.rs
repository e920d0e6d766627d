//! Memory for buffers that was touched before it is needed.
//!
//! The first touch of a page is a fault, in which the kernel clears the page: 2 MiB of it where it uses huge pages. On a
//! host that gives memory to its virtual machines late such a fault takes milliseconds, in which a core does nothing
//! else; and a broker whose cache grows has one for every 2 MiB that it takes in. So a thread of its own touches memory
//! ahead of what the cores take, the more the more they use, and what was touched stays: see [`headroom`].
//!
//! Each core has a part of the address space to itself, [`start`]ed with the program. The program's allocator asks here
//! for blocks of whole pages ([`allocate`]) and goes elsewhere when there is nothing warm.

use std::alloc::Layout;
use std::cell::Cell;
use std::ffi::c_void;
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use base::{ByteSize, CoreId};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous};

use self::runs::Runs;

mod runs;

const PAGE_BYTES: usize = crate::BLOCK_BYTES;
/// Touched at a time: a huge page.
const STEP_BYTES: usize = 2 << 20;
/// Bounds of what is kept ready of each core.
const HEADROOM_BYTES_MIN: usize = 4 << 20;
const HEADROOM_BYTES_MAX: usize = 128 << 20;
/// How much the touching gives way to the cores, where there is too little processor for both.
const NICENESS: i32 = 10;

/// A call can be missed; this long, then.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

static WARM: OnceLock<Warm> = OnceLock::new();
/// Of all memory that is handed out here; 0 before the start.
static BEGIN: AtomicUsize = AtomicUsize::new(0);
static END: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The part that this thread takes from.
    static PART: Cell<Option<u16>> = const { Cell::new(None) };
}

struct Warm {
    parts: Box<[Part]>,
    /// Somebody found too little.
    wanted: AtomicBool,
    asked: Mutex<()>,
    heard: Condvar,
}

/// One core's memory.
struct Part {
    start: usize,
    pages: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    free: Runs,
    /// Pages from the start that are touched.
    touched: usize,
    /// Somebody wanted so many pages in one piece, in vain.
    missed: usize,
}

/// Free bytes to be kept ready by a core that uses so many.
fn headroom(used: usize) -> usize {
    (used / 4).clamp(HEADROOM_BYTES_MIN, HEADROOM_BYTES_MAX)
}

/// Reserves address space for each core, and keeps touching ahead of them. Once a process; later calls do nothing.
pub fn start(cores: u16, bytes_per_core: ByteSize) -> io::Result<()> {
    let bytes = bytes_per_core.as_usize().next_multiple_of(STEP_BYTES);
    let all = bytes * usize::from(cores) + STEP_BYTES;
    if WARM.get().is_some() {
        return Ok(());
    }
    let (protection, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::NORESERVE);
    // SAFETY: new memory at a place that the kernel chooses; nobody knows of it yet.
    let mapped = unsafe { mmap_anonymous(std::ptr::null_mut(), all, protection, flags) }?;
    let begin = mapped.addr().next_multiple_of(STEP_BYTES);
    // SAFETY: all of it was just mapped. Without huge pages it works as well, only with more faults.
    let _ = unsafe { madvise(mapped, all, Advice::LinuxHugepage) };
    let part = |core: u16| {
        let start = begin + usize::from(core) * bytes;
        Part { start, pages: bytes / PAGE_BYTES, state: Mutex::default() }
    };
    let warm = Warm {
        parts: (0..cores).map(part).collect(),
        wanted: AtomicBool::new(true),
        asked: Mutex::default(),
        heard: Condvar::new(),
    };
    // The mapping is never undone: as with an allocator, its memory is for the rest of the process.
    let mapped = mapped.expose_provenance();
    if WARM.set(warm).is_ok() {
        BEGIN.store(begin, Ordering::Relaxed);
        END.store(mapped + all, Ordering::Relaxed);
        thread::Builder::new().name("warm-memory".to_owned()).spawn(touch_for_ever)?;
    }
    Ok(())
}

/// This thread is a core: it takes from that core's part from now on.
pub(crate) fn enter(core: CoreId) {
    PART.set(Some(core.0));
}

/// A block of warm memory, if the calling thread is a core and there is some. Only for layouts of whole pages.
pub fn allocate(layout: Layout) -> Option<NonNull<u8>> {
    if layout.align() != PAGE_BYTES || layout.size() == 0 {
        return None;
    }
    let part = PART.try_with(Cell::get).ok().flatten()?;
    WARM.get()?.allocate(usize::from(part), layout.size().div_ceil(PAGE_BYTES))
}

/// Whether a block is one that [`allocate`] has given.
pub fn is_here(block: *mut u8) -> bool {
    (BEGIN.load(Ordering::Relaxed)..END.load(Ordering::Relaxed)).contains(&block.addr())
}

/// Takes back what [`allocate`] has given; false if that was not here.
///
/// # Safety
/// The layout is the one that the block was allocated with, and nobody uses the block any more.
pub unsafe fn release(block: *mut u8, layout: Layout) -> bool {
    if !is_here(block) {
        return false;
    }
    let address = block.addr();
    let warm = WARM.get().expect("there is no such address before the start");
    let part = warm.parts.iter().find(|part| part.has(address)).expect("a block lies in a part");
    let at = (address - part.start) / PAGE_BYTES;
    part.state().free.give(at, layout.size().div_ceil(PAGE_BYTES));
    true
}

impl Part {
    fn has(&self, address: usize) -> bool {
        (self.start..self.start + self.pages * PAGE_BYTES).contains(&address)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether more should be touched.
    fn is_short(&self, state: &State) -> bool {
        let free = state.free.pages();
        let wanted = headroom((state.touched - free) * PAGE_BYTES) / PAGE_BYTES;
        state.touched < self.pages && (free < wanted || state.missed > state.free.longest())
    }

    /// Touches a step more; false when there is enough, or no more to be had.
    fn touch(&self) -> bool {
        let touched = {
            let mut state = self.state();
            if !self.is_short(&state) {
                state.missed = 0;
                return false;
            }
            state.touched
        };
        let start = std::ptr::with_exposed_provenance_mut::<c_void>(self.start + touched * PAGE_BYTES);
        // SAFETY: these pages belong to this part and to nobody yet; only this thread goes beyond what was touched.
        if let Err(error) = unsafe { madvise(start, STEP_BYTES, Advice::LinuxPopulateWrite) } {
            // A kernel before 5.14, or a host without memory: buffers come from the heap, then.
            tracing::debug!(%error, "memory cannot be touched ahead");
            return false;
        }
        let mut state = self.state();
        state.touched += STEP_BYTES / PAGE_BYTES;
        state.free.give(touched, STEP_BYTES / PAGE_BYTES);
        true
    }
}

impl Warm {
    fn allocate(&self, part: usize, pages: usize) -> Option<NonNull<u8>> {
        let part = self.parts.get(part)?;
        let mut state = part.state();
        let at = state.free.take(pages);
        if at.is_none() {
            state.missed = state.missed.max(pages);
        }
        let is_short = part.is_short(&state);
        drop(state);
        if is_short && !self.wanted.swap(true, Ordering::Relaxed) {
            // Without the lock a thread that is about to sleep can miss this: it looks again by itself.
            self.heard.notify_one();
        }
        NonNull::new(std::ptr::with_exposed_provenance_mut(part.start + at? * PAGE_BYTES))
    }
}

fn touch_for_ever() {
    let warm = WARM.get().expect("it was started");
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS) {
        tracing::debug!(%error, "the thread that touches memory keeps its priority");
    }
    loop {
        {
            let mut asked = warm.asked.lock().unwrap_or_else(PoisonError::into_inner);
            while !warm.wanted.swap(false, Ordering::Relaxed) {
                let waited = warm.heard.wait_timeout(asked, LOOK_AGAIN);
                asked = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
        // In turn, so that no core waits for all that another one wants.
        while warm.parts.iter().filter(|part| part.touch()).count() > 0 {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One test for all of it: there is one such memory in a process.
    #[test]
    fn a_core_gets_touched_memory_and_others_do_not() {
        let layout = |bytes| Layout::from_size_align(bytes, PAGE_BYTES).unwrap();
        assert_eq!(allocate(layout(PAGE_BYTES)), None, "nothing is there before the start");
        start(2, ByteSize::mib(16)).unwrap();
        assert_eq!(allocate(layout(PAGE_BYTES)), None, "this thread is no core");
        enter(CoreId(1));
        let wait_for = |bytes| loop {
            match allocate(layout(bytes)) {
                Some(block) => break block,
                None => thread::sleep(Duration::from_millis(1)),
            }
        };
        let mut blocks = Vec::new();
        for index in 0..12_u8 {
            let block = wait_for(1 << 20);
            // SAFETY: the block is of this size, and new.
            unsafe { block.write_bytes(index, 1 << 20) };
            blocks.push((index, block));
        }
        let longer = Layout::from_size_align(PAGE_BYTES, 2 * PAGE_BYTES).unwrap();
        assert_eq!(allocate(longer), None, "blocks are aligned to pages, not more");
        for (index, block) in &blocks {
            // SAFETY: written above, and not released.
            let bytes = unsafe { std::slice::from_raw_parts(block.as_ptr(), 1 << 20) };
            assert!(bytes.iter().all(|byte| byte == index), "block {index} is shared with another one");
        }
        let mut other = 0_u8;
        // SAFETY: that block is not from here, and is not touched.
        assert!(!unsafe { release(&raw mut other, layout(PAGE_BYTES)) });
        for (_, block) in blocks {
            // SAFETY: allocated with this layout, and not used any more.
            assert!(unsafe { release(block.as_ptr(), layout(1 << 20)) });
        }
        // All of it in one piece again, and no more than there is.
        let all = wait_for(12 << 20);
        assert_eq!(allocate(layout(16 << 20)), None);
        // SAFETY: as above.
        assert!(unsafe { release(all.as_ptr(), layout(12 << 20)) });
    }

    #[test]
    fn what_is_kept_ready_grows_with_what_is_used() {
        assert_eq!(headroom(0), HEADROOM_BYTES_MIN);
        assert_eq!(headroom(100 << 20), 25 << 20);
        assert_eq!(headroom(1 << 40), HEADROOM_BYTES_MAX);
    }
}
