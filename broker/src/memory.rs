//! Memory that requests, or answers, of one core share: who wants more than there is waits in line.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use rt::Notify;

/// A number of bytes that the work of one kind shares.
#[derive(Clone)]
pub(crate) struct MemoryPool(Rc<Inner>);

struct Inner {
    limit: usize,
    taken: Cell<usize>,
    next_ticket: Cell<u64>,
    /// Those who wait, in the order in which they came; only the first is woken.
    line: RefCell<BTreeMap<u64, Waker>>,
    freed: Notify,
}

/// Bytes that one piece of work holds. Given back when dropped.
pub(crate) struct Held {
    pool: Rc<Inner>,
    bytes: usize,
}

/// A place in the line. Dropping it gives the place up.
#[must_use = "a future does nothing unless it is awaited"]
pub(crate) struct Take {
    pool: Rc<Inner>,
    least: usize,
    most: usize,
    ticket: Option<u64>,
}

impl MemoryPool {
    pub(crate) fn new(limit: usize) -> Self {
        let inner = Inner {
            limit,
            taken: Cell::new(0),
            next_ticket: Cell::new(0),
            line: RefCell::new(BTreeMap::new()),
            freed: Notify::new(),
        };
        Self(Rc::new(inner))
    }

    /// Waits for room, in line. What is larger than the limit gets it when little else is taken.
    pub(crate) fn take(&self, bytes: usize) -> Take {
        self.take_some(bytes, bytes)
    }

    /// Waits for room for `least` bytes and takes up to `most`, but leaves most of what is free to others.
    pub(crate) fn take_some(&self, least: usize, most: usize) -> Take {
        Take { pool: Rc::clone(&self.0), least: least.min(most), most, ticket: None }
    }

    /// Takes room if there is some and nobody waits for it.
    pub(crate) fn try_take(&self, bytes: usize) -> Option<Held> {
        (self.0.line.borrow().is_empty() && self.0.taken.get() + bytes <= self.0.limit).then(|| self.take_now(bytes))
    }

    /// Counts bytes that are there already, even beyond the limit: whoever comes next waits the longer.
    pub(crate) fn take_now(&self, bytes: usize) -> Held {
        self.0.taken.set(self.0.taken.get() + bytes);
        Held { pool: Rc::clone(&self.0), bytes }
    }

    pub(crate) fn taken(&self) -> usize {
        self.0.taken.get()
    }

    pub(crate) fn limit(&self) -> usize {
        self.0.limit
    }

    /// How many wait for room.
    pub(crate) fn waiting(&self) -> usize {
        self.0.line.borrow().len()
    }

    /// Whether somebody waits for room.
    pub(crate) fn is_contended(&self) -> bool {
        !self.0.line.borrow().is_empty() || self.0.freed.waiting() > 0
    }

    /// Waits until the pool is not far beyond its limit. Small work may go on past those who wait in line for much.
    pub(crate) async fn near_limit(&self) {
        while self.0.taken.get() > self.0.limit + self.0.limit / SLACK {
            self.0.freed.notified().await;
        }
    }
}

/// Small work may take this share of the limit beyond it.
const SLACK: usize = 8;

/// A large wish gets this share of what is free.
const SHARE: usize = 4;

impl Inner {
    /// Bytes that may be taken now for a wish of `least` to `most`.
    fn grant(&self, least: usize, most: usize) -> Option<usize> {
        let taken = self.taken.get();
        if !self.fits(least, taken) {
            return None;
        }
        let free = self.limit.saturating_sub(taken);
        Some((free / SHARE).clamp(least, most))
    }

    /// Whether there is room beside others. What is larger than the limit would wait for ever for none of them.
    fn fits(&self, bytes: usize, others: usize) -> bool {
        others + bytes <= self.limit || (bytes > self.limit && others <= self.limit / SLACK)
    }

    fn free(&self, bytes: usize) {
        self.taken.set(self.taken.get() - bytes);
        self.wake_first();
        if self.freed.waiting() > 0 {
            self.freed.notify_all();
        }
    }

    fn wake_first(&self) {
        if let Some(waker) = self.line.borrow().values().next() {
            waker.wake_by_ref();
        }
    }
}

impl Future for Take {
    type Output = Held;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Held> {
        let pool = Rc::clone(&self.pool);
        let first = pool.line.borrow().first_key_value().map(|(ticket, _)| *ticket);
        let is_turn = first.is_none() || first == self.ticket;
        if let Some(bytes) = pool.grant(self.least, self.most).filter(|_| is_turn) {
            pool.taken.set(pool.taken.get() + bytes);
            if let Some(ticket) = self.ticket.take() {
                pool.line.borrow_mut().remove(&ticket);
                pool.wake_first();
            }
            return Poll::Ready(Held { pool, bytes });
        }
        let ticket = self.ticket.unwrap_or_else(|| pool.next_ticket.replace(pool.next_ticket.get() + 1));
        self.ticket = Some(ticket);
        pool.line.borrow_mut().insert(ticket, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Take {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.pool.line.borrow_mut().remove(&ticket);
            self.pool.wake_first();
        }
    }
}

impl Held {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_of(&self, pool: &MemoryPool) -> bool {
        Rc::ptr_eq(&self.pool, &pool.0)
    }

    /// The work has become smaller, or larger, than it was thought to be.
    pub(crate) fn resize(&mut self, bytes: usize) {
        self.pool.taken.set(self.pool.taken.get() + bytes);
        self.pool.free(std::mem::replace(&mut self.bytes, bytes));
    }

    /// As above, if there is room for what is more; it is not waited for, since whoever holds and waits may wait for others
    /// that do the same.
    pub(crate) fn try_resize(&mut self, bytes: usize) -> bool {
        let others = self.pool.taken.get() - self.bytes;
        let fits = bytes <= self.bytes || self.pool.fits(bytes, others);
        if fits {
            self.resize(bytes);
        }
        fits
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.pool.free(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    fn poll(take: Pin<&mut Take>) -> Option<Held> {
        match take.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(held) => Some(held),
            Poll::Pending => None,
        }
    }

    #[test]
    fn a_large_wish_is_not_overtaken_by_small_ones() {
        let pool = MemoryPool::new(100);
        let held = pool.take_now(50);
        let (mut large, mut small) = (pin!(pool.take(80)), pin!(pool.take(1)));
        assert!(poll(large.as_mut()).is_none());
        assert!(poll(small.as_mut()).is_none(), "it came later");
        assert!(pool.try_take(1).is_none());
        drop(held);
        let large = poll(large.as_mut()).expect("there is room");
        assert_eq!(large.bytes(), 80);
        assert!(poll(small.as_mut()).is_some());
    }

    #[test]
    fn what_is_larger_than_the_limit_is_alone() {
        let pool = MemoryPool::new(100);
        let held = pool.take_now(13);
        let mut huge = pin!(pool.take(1_000));
        assert!(poll(huge.as_mut()).is_none());
        drop(held);
        let small = pool.take_now(12);
        let huge = poll(huge.as_mut()).expect("little else is taken");
        drop(small);
        assert!(poll(pin!(pool.take(1))).is_none());
        drop(huge);
        assert!(poll(pin!(pool.take(1))).is_some());
    }

    #[test]
    fn a_wish_that_is_given_up_makes_way() {
        let pool = MemoryPool::new(100);
        let _held = pool.take_now(50);
        {
            let mut large = pin!(pool.take(80));
            assert!(poll(large.as_mut()).is_none());
        }
        assert!(poll(pin!(pool.take(50))).is_some());
    }

    #[test]
    fn what_is_held_grows_only_into_free_room() {
        let pool = MemoryPool::new(100);
        let mut held = poll(pin!(pool.take(10))).expect("there is room");
        assert!(held.try_resize(1_000), "nothing else is taken");
        assert!(held.try_resize(20));
        let other = pool.take_now(90);
        assert!(!held.try_resize(21));
        assert_eq!((held.bytes(), pool.taken()), (20, 110));
        assert!(held.try_resize(20), "it is no more than there was");
        assert!(held.try_resize(10));
        drop(other);
        assert!(held.try_resize(100));
        assert_eq!(pool.taken(), 100);
    }

    #[test]
    fn a_flexible_wish_leaves_room_for_others() {
        let pool = MemoryPool::new(100);
        let mut first = poll(pin!(pool.take_some(5, 1_000))).expect("there is room");
        assert_eq!(first.bytes(), 25);
        assert_eq!(poll(pin!(pool.take_some(5, 10))).expect("there is room").bytes(), 10);
        first.resize(98);
        assert!(poll(pin!(pool.take_some(5, 1_000))).is_none());
        first.resize(0);
        assert_eq!(poll(pin!(pool.take_some(30, 1_000))).expect("there is room").bytes(), 30);
    }
}
