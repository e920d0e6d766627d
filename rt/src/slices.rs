//! Long work in slices that nobody feels.

use std::time::Duration;

use base::Instant;

use crate::task::{yield_if_needed, yield_now};
use crate::time::now;

/// A slice; far below the time after which a task is said to keep its core.
const SLICE: Duration = Duration::from_micros(100);

/// For work that nobody waits for: the core has its turn after each slice of 100 us, not only when glommio's timer for all
/// tasks says so, which is milliseconds.
#[derive(Debug)]
pub struct Slices {
    begun: Instant,
}

impl Slices {
    pub fn begin() -> Self {
        Self { begun: now() }
    }

    /// Lets others run if the slice is over. Costs a look at the clock otherwise.
    pub async fn pause(&mut self) {
        if now().since(self.begun) < SLICE {
            return yield_if_needed().await;
        }
        yield_now().await;
        self.begun = now();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;
    use crate::{CoresConfig, TaskQueue, run_one, spawn};

    #[test]
    fn others_run_after_each_slice_and_not_before() {
        let ran = run_one(CoresConfig::default(), || async {
            let others = Rc::new(Cell::new(0));
            let (counting, stop) = (Rc::clone(&others), Rc::new(Cell::new(false)));
            let stopped = Rc::clone(&stop);
            let other = spawn(TaskQueue::DEFAULT, async move {
                while !stopped.get() {
                    counting.set(counting.get() + 1);
                    yield_now().await;
                }
            });
            for _ in 0..10 {
                let mut slices = Slices::begin();
                let (before, begun) = (others.get(), now());
                while now().since(begun) < SLICE {}
                slices.pause().await;
                assert!(others.get() > before, "the slice was over");
            }
            stop.set(true);
            other.await;
        });
        ran.expect("the core runs");
    }
}
