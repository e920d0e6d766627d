//! How long to wait before trying again: longer after each failure, and never the same for all clients.

use std::time::Duration;

use base::{Instant, SeededRandom};

/// The first wait, and the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackoffOptions {
    pub first: Duration,
    pub max: Duration,
}

/// Failures in a row, and when the next attempt is due.
#[derive(Clone, Debug)]
pub struct Backoff {
    options: BackoffOptions,
    failures: u32,
}

/// Waits differ by up to so many percent up and down, so that clients that failed together don't return together.
const JITTER_PERCENT: u64 = 20;

/// Doubling the first wait more often than this makes no difference: the longest wait holds.
const DOUBLINGS_MAX: u32 = 30;

impl Backoff {
    pub fn new(options: BackoffOptions) -> Self {
        Self { options, failures: 0 }
    }

    /// Counts a failure, and says when to try again.
    pub fn failed(&mut self, now: Instant, random: &mut SeededRandom) -> Instant {
        let doublings = self.failures.min(DOUBLINGS_MAX);
        self.failures = self.failures.saturating_add(1);
        let wait = self.options.first.saturating_mul(1 << doublings).min(self.options.max);
        let percent = random.between(100 - JITTER_PERCENT, 100 + JITTER_PERCENT + 1);
        let percent = u32::try_from(percent).expect("a hundred and some");
        now.plus(wait.saturating_mul(percent) / 100)
    }

    /// Forgets the failures.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: BackoffOptions = BackoffOptions { first: Duration::from_millis(100), max: Duration::from_secs(1) };

    #[test]
    fn waits_double_up_to_the_longest_and_start_again_after_a_success() {
        let mut random = SeededRandom::new(3);
        let mut backoff = Backoff::new(OPTIONS);
        let mut check = |backoff: &mut Backoff, millis: u64| {
            let now = Instant(1_000_000_000);
            let wait = backoff.failed(now, &mut random).since(now).as_millis();
            let wait = u64::try_from(wait).unwrap();
            assert!((millis * 80 / 100..=millis * 120 / 100).contains(&wait), "{wait} is not about {millis}");
        };
        for millis in [100, 200, 400, 800, 1_000, 1_000] {
            check(&mut backoff, millis);
        }
        (0..100).for_each(|_| check(&mut backoff, 1_000));
        backoff.succeeded();
        check(&mut backoff, 100);
    }

    #[test]
    fn two_clients_do_not_wait_equally_long() {
        let wait = |seed| Backoff::new(OPTIONS).failed(Instant::ZERO, &mut SeededRandom::new(seed));
        let waits: std::collections::BTreeSet<_> = (0..20).map(wait).collect();
        assert!(waits.len() > 10, "{waits:?}");
    }
}
