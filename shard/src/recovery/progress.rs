//! How far a start has come, for its log: one line a second once it takes longer than that.

use std::cell::Cell;
use std::rc::{Rc, Weak};
use std::time::Duration;

use base::Instant;
use rt::WatchedDisk;

use crate::limits;
use crate::store::Store;
use crate::task_queues::CONTROL;

/// What a start is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Finding out what there is.
    Looking,
    /// So many bytes of the journals are to be read, as far as that can be told beforehand.
    Replaying { bytes: u64 },
    /// So many partitions are to be brought to segments, after so many that were.
    Settling { partitions: u64, before: u64 },
}

pub(super) struct Progress {
    stage: Cell<(Stage, Instant)>,
    pub(super) replayed: Cell<u64>,
}

impl Progress {
    /// Tells of the start until it is dropped.
    pub(super) fn begin(disk: WatchedDisk, store: &Rc<Store>) -> Rc<Self> {
        let progress = Rc::new(Self { stage: Cell::new((Stage::Looking, rt::now())), replayed: Cell::new(0) });
        let (told, store) = (Rc::downgrade(&progress), Rc::clone(store));
        drop(rt::spawn(CONTROL, tell(told, disk, store)));
        progress
    }

    pub(super) fn enter(&self, stage: Stage) {
        self.replayed.set(0);
        self.stage.set((stage, rt::now()));
    }

    fn log(&self, store: &Store) {
        let (stage, since) = self.stage.get();
        let elapsed = rt::now().since(since);
        match stage {
            Stage::Looking => tracing::info!(?elapsed, "starting: looking at the data folder"),
            Stage::Replaying { bytes } => {
                let done = self.replayed.get();
                let remaining = remaining(elapsed, done, bytes);
                let (done_mib, of_mib) = (done >> 20, bytes.max(done) >> 20);
                tracing::info!(done_mib, of_mib, ?remaining, "starting: replaying the journals");
            }
            Stage::Settling { partitions, before } => {
                let done = store.settled.get() - before;
                let remaining = remaining(elapsed, done, partitions);
                tracing::info!(done, of = partitions, ?remaining, "starting: bringing partitions to segments");
            }
        }
    }
}

async fn tell(progress: Weak<Progress>, disk: WatchedDisk, store: Rc<Store>) {
    loop {
        rt::sleep(limits::RECOVERY_PROGRESS_INTERVAL).await;
        let Some(progress) = progress.upgrade() else { return };
        disk.look();
        progress.log(&store);
    }
}

/// The time that the rest takes if it goes on as it did; `None` before anything was done.
fn remaining(elapsed: Duration, done: u64, all: u64) -> Option<Duration> {
    let rest = all.saturating_sub(done);
    let micros = u128::from(rest) * elapsed.as_micros() / u128::from(done).max(1);
    (done > 0).then(|| Duration::from_millis(u64::try_from(micros / 1_000).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_expected_to_go_as_what_is_done_did() {
        let second = Duration::from_secs(1);
        assert_eq!(remaining(second, 0, 100), None);
        assert_eq!(remaining(second, 25, 100), Some(3 * second));
        assert_eq!(remaining(second, 100, 100), Some(Duration::ZERO));
        assert_eq!(remaining(second, 150, 100), Some(Duration::ZERO));
    }
}
