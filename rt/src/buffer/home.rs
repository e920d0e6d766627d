//! The way back for memory that only its own core may release.
//!
//! glommio's buffers carry a plain, non-atomic reference to their arena. Dropping one elsewhere would race with the
//! core it came from. So a foreign thread that holds the last reference puts the buffer, untouched, into its home's
//! mailbox; the home empties it on its next allocation and at every beat of its heart. Once the home is gone there is
//! nobody to release to, and the memory is leaked: that happens only at the end of an executor.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use glommio::io::{DmaBuffer, ReadResult};

/// What may be dropped on its home thread alone.
pub(crate) enum HomeBound {
    #[expect(dead_code, reason = "held for its drop")]
    Buffer(Rc<DmaBuffer>),
    #[expect(dead_code, reason = "held for its drop")]
    Read(ReadResult),
}

/// On its way home.
struct Parcel(#[expect(dead_code, reason = "held for its drop")] HomeBound);

// SAFETY: what is inside is not touched between the thread that sends it and its home, which is where it came from;
// a parcel that can't get there is forgotten, not dropped.
unsafe impl Send for Parcel {}

/// The mailbox of one core.
pub(crate) struct Home {
    thread: u64,
    mailbox: Mutex<Mailbox>,
    /// How many parcels are in the mailbox, so that an empty one costs no lock.
    waiting: AtomicUsize,
    /// How many came back from other threads so far.
    returned: AtomicU64,
}

#[derive(Default)]
struct Mailbox {
    parcels: Vec<Parcel>,
    closed: bool,
}

/// A number for this thread that no other thread of the process ever has.
fn thread_token() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local! {
        static TOKEN: Cell<u64> = const { Cell::new(0) };
    }
    TOKEN.with(|token| {
        if token.get() == 0 {
            token.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        token.get()
    })
}

impl Home {
    /// Opens a mailbox for the calling thread.
    pub(crate) fn open() -> Arc<Self> {
        Arc::new(Self {
            thread: thread_token(),
            mailbox: Mutex::default(),
            waiting: AtomicUsize::new(0),
            returned: AtomicU64::new(0),
        })
    }

    /// Drops `item` here if this is its home, else sends it there.
    pub(crate) fn release(&self, item: HomeBound) {
        if thread_token() == self.thread {
            drop(item);
            return;
        }
        let mut mailbox = self.mailbox.lock().unwrap_or_else(PoisonError::into_inner);
        if mailbox.closed {
            std::mem::forget(item);
            return;
        }
        mailbox.parcels.push(Parcel(item));
        self.waiting.store(mailbox.parcels.len(), Ordering::Release);
    }

    /// Releases what other threads have sent. Only at home.
    pub(crate) fn take_back(&self) {
        if self.waiting.load(Ordering::Acquire) > 0 {
            self.empty(|_| {});
        }
    }

    /// Empties the mailbox for the last time. Only at home.
    pub(crate) fn close(&self) {
        self.empty(|mailbox| mailbox.closed = true);
    }

    pub(crate) fn returned(&self) -> u64 {
        self.returned.load(Ordering::Relaxed)
    }

    fn empty(&self, then: impl FnOnce(&mut Mailbox)) {
        assert_eq!(thread_token(), self.thread, "a mailbox is emptied on its own thread");
        let parcels = {
            let mut mailbox = self.mailbox.lock().unwrap_or_else(PoisonError::into_inner);
            self.waiting.store(0, Ordering::Release);
            then(&mut mailbox);
            std::mem::take(&mut mailbox.parcels)
        };
        self.returned.fetch_add(parcels.len() as u64, Ordering::Relaxed);
        drop(parcels);
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if thread_token() != self.thread {
            let mailbox = self.mailbox.get_mut().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut mailbox.parcels).into_iter().for_each(std::mem::forget);
        }
    }
}

/// The result of a read as bytes for any core.
pub(crate) fn bytes_of(read: ReadResult, home: Arc<Home>) -> Bytes {
    if read.is_empty() {
        return Bytes::new();
    }
    let (start, len) = (read.as_ptr(), read.len());
    Bytes::from_owner(ReadSlice { start, len, read: Some(read), home })
}

struct ReadSlice {
    start: *const u8,
    len: usize,
    read: Option<ReadResult>,
    home: Arc<Home>,
}

// SAFETY: elsewhere only the bytes are read, which don't change once the kernel has filled them; the result itself is
// touched in `Drop` alone, which sends it home.
unsafe impl Send for ReadSlice {}

impl AsRef<[u8]> for ReadSlice {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the kernel has filled these bytes, and `read` keeps their memory until this is dropped.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }
}

impl Drop for ReadSlice {
    fn drop(&mut self) {
        if let Some(read) = self.read.take() {
            self.home.release(HomeBound::Read(read));
        }
    }
}
