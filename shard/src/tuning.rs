//! What of a shard's configuration can be changed while it runs.

use std::time::Duration;

use base::Instant;

use crate::shard::{Shard, ShardConfig};

/// Begins as [`ShardConfig`] has it; the fields are described there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardTuning {
    pub free_space_floor: u64,
    pub retention_check_interval: Duration,
    pub compaction_check_interval: Duration,
    pub compaction_bytes_per_second: u64,
}

impl ShardTuning {
    pub(crate) fn of(config: &ShardConfig) -> Self {
        Self {
            free_space_floor: config.free_space_floor,
            retention_check_interval: config.retention_check_interval,
            compaction_check_interval: config.compaction_check_interval,
            compaction_bytes_per_second: config.compaction_bytes_per_second,
        }
    }
}

impl Shard {
    /// In force at once: who waits for a longer time than is left now goes on.
    pub fn tune(&self, tuning: ShardTuning) {
        if self.tuning.replace(tuning) != tuning {
            self.tuned.notify_all();
        }
    }

    /// Waits until so much time has passed, as the tuning has it then, or the shard closes.
    pub(crate) async fn pause(&self, since: Instant, interval: impl Fn(&ShardTuning) -> Duration) {
        loop {
            let tuned = self.tuned.notified();
            let left = interval(&self.tuning.get()).saturating_sub(rt::now().since(since));
            if left.is_zero() || self.gate.is_closing() {
                return;
            }
            let closing_or_tuned = futures_lite::future::or(self.gate.closing(), tuned);
            futures_lite::future::or(rt::sleep(left), closing_or_tuned).await;
        }
    }
}
