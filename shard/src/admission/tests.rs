//! The line without a shard: who is first, and who is woken.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use super::*;

/// Somebody in the line, and how often that one was woken.
struct Waiting {
    ticket: u64,
    wakes: Arc<Wakes>,
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Waiting {
    fn join(turnstile: &Turnstile) -> Self {
        let ticket = turnstile.join().expect("the line is not full");
        Self { ticket, wakes: Arc::default() }
    }

    fn is_first(&self, turnstile: &Turnstile) -> bool {
        let waker = Waker::from(Arc::clone(&self.wakes));
        turnstile.poll_first(self.ticket, &Context::from_waker(&waker)).is_ready()
    }

    fn wakes(&self) -> usize {
        self.wakes.0.load(Ordering::Relaxed)
    }
}

fn line(length: usize) -> (Turnstile, Vec<Waiting>) {
    let turnstile = Turnstile::new("test", length);
    let waiting: Vec<_> = (0..length).map(|_| Waiting::join(&turnstile)).collect();
    for (index, one) in waiting.iter().enumerate() {
        assert_eq!(one.is_first(&turnstile), index == 0);
    }
    (turnstile, waiting)
}

#[test]
fn whoever_leaves_as_the_first_wakes_the_next_and_nobody_else() {
    let (turnstile, waiting) = line(1_000);
    assert!(matches!(turnstile.join(), Err(AppendError::Overloaded { limit: 1_000, .. })));
    for (index, one) in waiting.iter().enumerate() {
        assert!(one.is_first(&turnstile), "{index} is the first");
        turnstile.leave(one.ticket);
        let woken: usize = waiting.iter().map(Waiting::wakes).sum();
        assert_eq!(woken, (index + 1).min(waiting.len() - 1));
        assert!(waiting.get(index + 1).is_none_or(|next| next.wakes() == 1));
    }
    assert!(turnstile.is_empty());
}

#[test]
fn places_that_are_given_up_anywhere_in_the_line_hold_nobody_up() {
    let (turnstile, waiting) = line(5);
    // In the middle and at the end: nobody comes first by that.
    turnstile.leave(waiting[2].ticket);
    turnstile.leave(waiting[4].ticket);
    assert_eq!(waiting.iter().map(Waiting::wakes).sum::<usize>(), 0);
    turnstile.leave(waiting[0].ticket);
    // Woken, and gone before it ran.
    assert_eq!(waiting[1].wakes(), 1);
    turnstile.leave(waiting[1].ticket);
    assert_eq!(waiting[3].wakes(), 1);
    assert!(waiting[3].is_first(&turnstile));
    assert_eq!(turnstile.len(), 1);
}

#[test]
fn who_comes_first_before_waiting_needs_no_wake() {
    let turnstile = Turnstile::new("test", 2);
    let (first, second) = (Waiting::join(&turnstile), Waiting::join(&turnstile));
    turnstile.leave(first.ticket);
    assert!(second.is_first(&turnstile));
    assert_eq!(second.wakes(), 0);
}

#[test]
fn who_waits_for_the_line_to_move_hears_of_every_new_first() {
    let (turnstile, waiting) = line(3);
    let mut moved = pin!(turnstile.moved.notified());
    let mut is_moved = || moved.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
    assert!(!is_moved());
    turnstile.leave(waiting[1].ticket);
    assert!(!is_moved(), "the first is the same");
    turnstile.leave(waiting[0].ticket);
    assert!(is_moved());
}
