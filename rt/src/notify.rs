//! Events between the tasks of one core.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// An event that any number of tasks wait for.
///
/// There is no memory: whoever asks for [`Notify::notified`] after a [`Notify::notify_all`] waits for the next one. To
/// wait for a condition, take the future first, check the condition, then await.
#[derive(Debug, Default)]
pub struct Notify {
    /// Counts the notifications; a waiter is done when it differs from what it saw at its start.
    generation: Cell<u64>,
    waiters: RefCell<Vec<Option<Waker>>>,
    free: RefCell<Vec<usize>>,
    _one_core: PhantomData<Rc<()>>,
}

impl Notify {
    pub fn new() -> Self {
        Self::default()
    }

    /// Resolves at the first [`Notify::notify_all`] after this call.
    pub fn notified(&self) -> Notified<'_> {
        Notified { notify: self, seen: self.generation.get(), slot: None }
    }

    /// Wakes all who wait now.
    pub fn notify_all(&self) {
        self.generation.set(self.generation.get().wrapping_add(1));
        self.free.borrow_mut().clear();
        let waiters = std::mem::take(&mut *self.waiters.borrow_mut());
        for waker in waiters.into_iter().flatten() {
            waker.wake();
        }
    }

    /// How many tasks wait now.
    pub fn waiting(&self) -> usize {
        self.waiters.borrow().len() - self.free.borrow().len()
    }
}

/// Made by [`Notify::notified`].
#[must_use = "a future does nothing unless it is awaited"]
#[derive(Debug)]
pub struct Notified<'a> {
    notify: &'a Notify,
    seen: u64,
    /// Valid only while the generation is `seen`: a notification empties the list.
    slot: Option<usize>,
}

impl Future for Notified<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.notify.generation.get() != self.seen {
            return Poll::Ready(());
        }
        let mut waiters = self.notify.waiters.borrow_mut();
        match self.slot {
            Some(slot) => match &mut waiters[slot] {
                Some(waker) => waker.clone_from(cx.waker()),
                None => unreachable!("the slot of a live waiter holds its waker"),
            },
            None => {
                let free = self.notify.free.borrow_mut().pop();
                let slot = free.unwrap_or(waiters.len());
                if slot == waiters.len() {
                    waiters.push(None);
                }
                waiters[slot] = Some(cx.waker().clone());
                drop(waiters);
                self.slot = Some(slot);
            }
        }
        Poll::Pending
    }
}

impl Drop for Notified<'_> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot
            && self.notify.generation.get() == self.seen
        {
            let left = self.notify.waiters.borrow_mut()[slot].take();
            self.notify.free.borrow_mut().push(slot);
            drop(left);
        }
    }
}

/// A sticky event for one waiter: raised before anyone waits, it is there when someone does.
#[derive(Debug, Default)]
pub struct Flag {
    raised: Cell<bool>,
    waiter: RefCell<Option<Waker>>,
    waiting: Cell<bool>,
    _one_core: PhantomData<Rc<()>>,
}

impl Flag {
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises the flag. Raising it again before it was consumed changes nothing.
    pub fn raise(&self) {
        self.raised.set(true);
        let waiter = self.waiter.borrow_mut().take();
        if let Some(waker) = waiter {
            waker.wake();
        }
    }

    pub fn is_raised(&self) -> bool {
        self.raised.get()
    }

    /// Resolves when the flag is up, and takes it down. A wait that is dropped leaves the flag as it was.
    pub fn wait(&self) -> FlagWait<'_> {
        FlagWait { flag: self, registered: false }
    }
}

/// Made by [`Flag::wait`].
#[must_use = "a future does nothing unless it is awaited"]
#[derive(Debug)]
pub struct FlagWait<'a> {
    flag: &'a Flag,
    registered: bool,
}

impl Future for FlagWait<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.registered {
            assert!(!self.flag.waiting.get(), "a Flag has one waiter; use Notify for many");
            self.flag.waiting.set(true);
            self.registered = true;
        }
        if self.flag.raised.take() {
            return Poll::Ready(());
        }
        *self.flag.waiter.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for FlagWait<'_> {
    fn drop(&mut self) {
        if self.registered {
            self.flag.waiting.set(false);
            let left = self.flag.waiter.borrow_mut().take();
            drop(left);
        }
    }
}
