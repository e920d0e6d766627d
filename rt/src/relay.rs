//! Polls a future only when it has asked for it.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use pin_project_lite::pin_project;

/// Passes a wake on to whoever waits now, and remembers that there was one.
///
/// glommio keeps a waker for each time that some of its futures are polled, until the I/O is done. A loop that waits for
/// several things at once polls each of them whenever one is ready, so one slow disk or one quiet lane would gather
/// wakers for ever; at 32,768 of one task glommio stops the process.
#[derive(Default)]
pub(crate) struct Link {
    woken: AtomicBool,
    /// The last one only: whether two wakers are of one task can't be told for sure, so a list could grow without end.
    waiter: Mutex<Option<Waker>>,
}

impl Link {
    /// Notes who is to be woken next. Before [`Link::take_woken`], or a wake could fall in between.
    pub(crate) fn wait(&self, waker: &Waker) {
        let before = self.lock().replace(waker.clone());
        drop(before);
    }

    /// Whether there was a wake since the last call.
    pub(crate) fn take_woken(&self) -> bool {
        self.woken.swap(false, Ordering::AcqRel)
    }

    /// Forgets who waits.
    pub(crate) fn clear(&self) {
        let before = self.lock().take();
        drop(before);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waiter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Link {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        let waiter = self.lock().take();
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }
}

pin_project! {
    /// A future that is polled once, and then again only after it was woken.
    pub(crate) struct Relay<F> {
        #[pin]
        future: F,
        link: Arc<Link>,
        waker: Waker,
    }

    impl<F> PinnedDrop for Relay<F> {
        fn drop(this: Pin<&mut Self>) {
            this.link.clear();
        }
    }
}

impl<F: Future> Relay<F> {
    pub(crate) fn new(future: F) -> Self {
        let link = Arc::new(Link::default());
        // The first poll is free.
        link.woken.store(true, Ordering::Relaxed);
        Self { future, waker: Waker::from(link.clone()), link }
    }
}

impl<F: Future> Future for Relay<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.link.wait(cx.waker());
        if !this.link.take_woken() {
            return Poll::Pending;
        }
        this.future.poll(&mut Context::from_waker(this.waker))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::poll_fn;
    use std::pin::pin;

    use super::*;

    #[test]
    fn a_future_is_polled_again_only_after_it_was_woken() {
        let polls = Cell::new(0);
        let kept = Cell::new(None);
        let mut relay = pin!(Relay::new(poll_fn(|cx| {
            polls.set(polls.get() + 1);
            kept.set(Some(cx.waker().clone()));
            if polls.get() == 2 { Poll::Ready(()) } else { Poll::Pending }
        })));
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..100_000 {
            assert!(relay.as_mut().poll(&mut cx).is_pending());
        }
        assert_eq!(polls.get(), 1);
        kept.take().unwrap().wake();
        assert!(relay.as_mut().poll(&mut cx).is_ready());
    }
}
