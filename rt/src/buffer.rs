//! Memory that a disk reads and writes directly.
//!
//! # Why this is sound
//!
//! The memory of an [`IoBuf`] has two parts. Below its length nothing ever changes again (but for [`IoBuf::fill`], which
//! needs the only reference there is); from the length on nobody looks. An `IoBuf` is bound to its core, so one thread
//! alone writes, and only to the second part. What leaves the core is [`Bytes`] over a piece of the first part: it can
//! be read from anywhere while the owner appends, because the two never touch the same byte. All access goes through raw
//! pointers; no reference ever covers the second part, which may be uninitialised.
//!
//! A reference count that is safe between threads keeps the block alive. Under it lies memory that only its home core
//! may release, because glommio counts it without atomics: see [`home`].

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use glommio::io::DmaBuffer;

use crate::backend::{self, Backend};

pub(crate) mod home;

use home::{Home, HomeBound};

/// Disks are read and written in blocks of this size, at multiples of it.
pub const BLOCK_BYTES: usize = 4096;

/// A block of memory that is filled once, from its start to its end, on one core.
///
/// Clones are further references to the same block. What has been filled can be read, written to a file, and
/// [shared](IoBuf::share) with other cores without copying.
#[derive(Clone)]
pub struct IoBuf {
    block: Arc<Block>,
    /// One core's own: neither sent nor shared.
    _core: PhantomData<Rc<()>>,
}

struct Block {
    start: NonNull<u8>,
    capacity: usize,
    /// Touched only through an `IoBuf`, that is on one thread. Bytes below it are initialised.
    len: Cell<usize>,
    memory: Memory,
}

enum Memory {
    /// glommio's: registered with the kernel, or from the heap when that is used up.
    Dma { buffer: Rc<DmaBuffer>, home: Arc<Home> },
    /// Of a simulation, or of a thread that is no core.
    Heap(Layout),
    /// Given to a write, which releases it.
    Taken,
}

// SAFETY: Other threads get a block only inside a `SharedSlice`, which reads bytes that never change and never touches
// `len`. `memory` is touched in `Drop` alone, where the last reference has exclusive access: `Dma` is then handed to its
// home, which drops it on the thread it came from or never, so its inner reference count stays on one thread; `Heap` may
// be freed anywhere.
unsafe impl Send for Block {}
// SAFETY: As for `Send`: through a shared reference other threads only read `start`.
unsafe impl Sync for Block {}

impl IoBuf {
    /// Takes an empty block of `capacity` bytes, a multiple of [`BLOCK_BYTES`], from the core's I/O memory, or from the
    /// heap when that is used up.
    pub fn alloc(capacity: usize) -> Self {
        assert!(
            capacity > 0 && capacity.is_multiple_of(BLOCK_BYTES),
            "a buffer of {capacity} bytes: a multiple of {BLOCK_BYTES} is needed"
        );
        let home = backend::peek(|backend| match backend {
            Some(Backend::Real(core)) => Some(core.home().clone()),
            Some(Backend::Sim(_)) | None => None,
        });
        let (start, memory) = match home {
            Some(home) => {
                home.take_back();
                let mut buffer = glommio::allocate_dma_buffer(capacity);
                let start = NonNull::new(buffer.as_mut_ptr()).expect("memory is never at zero");
                assert!(start.addr().get().is_multiple_of(BLOCK_BYTES), "the allocator gave unaligned memory");
                (start, Memory::Dma { buffer: Rc::new(buffer), home })
            }
            None => {
                let layout = Layout::from_size_align(capacity, BLOCK_BYTES).expect("a size that memory can have");
                // SAFETY: the layout's size is not zero, as asserted above.
                let start = unsafe { alloc(layout) };
                (NonNull::new(start).unwrap_or_else(|| handle_alloc_error(layout)), Memory::Heap(layout))
            }
        };
        Self { block: Arc::new(Block { start, capacity, len: Cell::new(0), memory }), _core: PhantomData }
    }

    pub fn capacity(&self) -> usize {
        self.block.capacity
    }

    pub fn len(&self) -> usize {
        self.block.len.get()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes still fit.
    pub fn remaining(&self) -> usize {
        self.capacity() - self.len()
    }

    /// Copies as many bytes to the end as fit, and says how many.
    pub fn append(&self, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(self.remaining());
        // SAFETY: `len..len + taken` lies within the block; nobody else writes there, because there is one thread, nor
        // reads there, because every slice ends at the length or before. So `bytes` can't overlap it either.
        unsafe { self.end_ptr().copy_from_nonoverlapping(bytes.as_ptr(), taken) };
        self.block.len.set(self.len() + taken);
        taken
    }

    /// Appends `count` zeroes, which must fit.
    pub fn advance(&self, count: usize) {
        assert!(count <= self.remaining(), "{count} bytes don't fit in the {} that remain", self.remaining());
        // SAFETY: as in `append`.
        unsafe { self.end_ptr().write_bytes(0, count) };
        self.block.len.set(self.len() + count);
    }

    /// Overwrites bytes below the length. Panics if there is a clone, or a shared slice is still alive.
    pub fn fill(&mut self, range: Range<usize>, bytes: &[u8]) {
        assert!(range.end <= self.len(), "{range:?} is not below the length of {}", self.len());
        assert_eq!(range.len(), bytes.len(), "the range and the bytes differ in length");
        let block = Arc::get_mut(&mut self.block).expect("a buffer is filled before it is shared");
        // SAFETY: the range lies within the block, and `get_mut` has shown that nobody else can be reading it.
        unsafe { block.start.add(range.start).copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len()) };
    }

    /// What has been filled.
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: these bytes are initialised and stay as they are while `self` is borrowed: `append` and `advance`
        // write behind them, and `fill` needs the only reference, borrowed mutably.
        unsafe { std::slice::from_raw_parts(self.block.start.as_ptr(), self.len()) }
    }

    /// A piece of what has been filled, for any core, without copying. It keeps the whole block alive.
    pub fn share(&self, range: Range<usize>) -> Bytes {
        assert!(range.start <= range.end && range.end <= self.len(), "{range:?} is not below {}", self.len());
        if range.is_empty() {
            return Bytes::new();
        }
        Bytes::from_owner(SharedSlice { block: self.block.clone(), range })
    }

    /// Whether a clone or a shared slice is alive.
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.block) > 1
    }

    /// The bytes as a write needs them: all of glommio's buffer, with zeroes up to the end of the last block.
    ///
    /// Copies only if the block is in part empty and used by others, or not glommio's.
    pub(crate) fn into_dma(mut self) -> Rc<DmaBuffer> {
        let used = self.len().next_multiple_of(BLOCK_BYTES);
        if self.remaining() == 0
            && let Memory::Dma { buffer, .. } = &self.block.memory
        {
            return buffer.clone();
        }
        let padding = used - self.len();
        if let Some(block) = Arc::get_mut(&mut self.block)
            && let Memory::Dma { buffer, .. } = &mut block.memory
            && let Some(buffer) = Rc::get_mut(buffer)
        {
            buffer.trim_to_size(used);
            self.advance(padding);
            let Some(Block { memory, .. }) = Arc::get_mut(&mut self.block) else { unreachable!("it was alone above") };
            let Memory::Dma { buffer, .. } = std::mem::replace(memory, Memory::Taken) else {
                unreachable!("it was glommio's above")
            };
            return buffer;
        }
        let mut copy = glommio::allocate_dma_buffer(used);
        let to = copy.as_mut_ptr();
        // SAFETY: the copy has `used` bytes, which are `len` and the padding, and nobody else knows of it.
        unsafe {
            to.copy_from_nonoverlapping(self.block.start.as_ptr(), self.len());
            to.add(self.len()).write_bytes(0, padding);
        }
        Rc::new(copy)
    }

    fn end_ptr(&self) -> *mut u8 {
        // SAFETY: the length never passes the capacity.
        unsafe { self.block.start.add(self.len()).as_ptr() }
    }
}

impl fmt::Debug for IoBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IoBuf").field("len", &self.len()).field("capacity", &self.capacity()).finish_non_exhaustive()
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.memory, Memory::Taken) {
            Memory::Dma { buffer, home } => home.release(HomeBound::Buffer(buffer)),
            // SAFETY: allocated with this layout, and this was the last reference.
            Memory::Heap(layout) => unsafe { dealloc(self.start.as_ptr(), layout) },
            Memory::Taken => {}
        }
    }
}

/// What [`IoBuf::share`] puts into the bytes it gives out.
struct SharedSlice {
    block: Arc<Block>,
    range: Range<usize>,
}

impl AsRef<[u8]> for SharedSlice {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the range was below the length when the slice was made, so its bytes are initialised and, as long as
        // this reference lives, never change.
        unsafe { std::slice::from_raw_parts(self.block.start.add(self.range.start).as_ptr(), self.range.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_appended_until_the_buffer_is_full() {
        let buf = IoBuf::alloc(BLOCK_BYTES);
        assert_eq!(buf.append(b"abc"), 3);
        buf.advance(2);
        assert_eq!(buf.as_slice(), b"abc\0\0");
        assert_eq!(buf.append(&[7; 2 * BLOCK_BYTES]), BLOCK_BYTES - 5);
        assert_eq!((buf.remaining(), buf.append(b"x")), (0, 0));
    }

    #[test]
    fn a_shared_slice_stays_as_it_was_while_more_is_appended() {
        let buf = IoBuf::alloc(BLOCK_BYTES);
        buf.append(b"first");
        let shared = buf.share(1..4);
        let reader = std::thread::spawn(move || shared.to_vec());
        buf.append(&[0xff; 1_000]);
        assert_eq!(reader.join().unwrap(), b"irs");
        assert!(!buf.is_shared());
        assert!(buf.share(2..2).is_empty());
    }

    #[test]
    fn a_buffer_is_filled_in_place_while_nobody_else_has_it() {
        let mut buf = IoBuf::alloc(BLOCK_BYTES);
        buf.advance(8);
        buf.fill(2..5, b"abc");
        drop(buf.share(0..8));
        buf.fill(0..1, b"z");
        assert_eq!(buf.as_slice(), b"z\0abc\0\0\0");
    }

    #[test]
    #[should_panic(expected = "before it is shared")]
    fn a_buffer_that_is_shared_cannot_be_filled() {
        let mut buf = IoBuf::alloc(BLOCK_BYTES);
        buf.advance(8);
        let _shared = buf.share(0..1);
        buf.fill(2..5, b"abc");
    }

    #[test]
    #[should_panic(expected = "is not below")]
    fn what_is_not_yet_filled_cannot_be_shared() {
        let buf = IoBuf::alloc(BLOCK_BYTES);
        buf.append(b"abc");
        let _ = buf.share(0..4);
    }
}
