//! How much the journals may hold so that a start keeps to its target.
//!
//! The last start that had something to do says how fast this machine recovers; until there was one, a careful number
//! stands in. What it measured is kept beside the journals, and lost at no harm.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rt::{Disk, DiskError};

use crate::{layout, limits};

const FILE: &str = "recovery-rate";
const FILE_BYTES_MAX: usize = 64;
const FIELD: &str = "bytes_per_second ";

/// Bytes of journals that a start gets done in a second, all cores together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecoveryRate(u64);

impl RecoveryRate {
    const UNKNOWN: Self = Self(limits::RECOVERY_RATE_UNKNOWN);

    /// `None` when too little was done to tell: most of the time of a short journal is not its own. A start that missed
    /// its target has always something to say.
    pub(super) fn measured(bytes: u64, took: Duration, target: Duration) -> Option<Self> {
        if bytes < limits::RECOVERY_RATE_BYTES_MIN && took <= target {
            return None;
        }
        let rate = u128::from(bytes) * 1_000_000 / took.as_micros().max(1);
        let rate = u64::try_from(rate).unwrap_or(u64::MAX);
        Some(Self(rate.clamp(limits::RECOVERY_RATE_MIN, limits::RECOVERY_RATE_MAX)))
    }

    pub(super) async fn read(disk: &dyn Disk) -> Result<Self, DiskError> {
        match disk.read_small(&path(), FILE_BYTES_MAX).await {
            Ok(bytes) => Ok(Self::decode(&bytes).unwrap_or(Self::UNKNOWN)),
            Err(DiskError::NotFound { .. } | DiskError::TooLarge { .. }) => Ok(Self::UNKNOWN),
            Err(other) => Err(other),
        }
    }

    /// Failing is no harm: the next start knows less.
    pub(super) async fn write(self, disk: &dyn Disk) {
        if let Err(cause) = disk.replace_small(&path(), format!("{FIELD}{}\n", self.0).into_bytes()).await {
            tracing::warn!(%cause, "the rate of this recovery could not be kept");
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let number = std::str::from_utf8(bytes).ok()?.strip_prefix(FIELD)?.trim_end().parse().ok()?;
        (limits::RECOVERY_RATE_MIN..=limits::RECOVERY_RATE_MAX).contains(&number).then_some(Self(number))
    }

    pub(super) fn bytes_per_second(self) -> u64 {
        self.0
    }

    /// What each of so many journals may hold unreplayed.
    pub(super) fn unreplayed_bytes_max(self, target: Duration, cores: u16) -> u64 {
        let all = u128::from(self.0) * target.as_millis() / 1_000;
        let one = u64::try_from(all / u128::from(cores.max(1))).unwrap_or(u64::MAX);
        one.max(limits::UNREPLAYED_BYTES_MIN)
    }
}

fn path() -> PathBuf {
    Path::new(layout::JOURNALS).join(FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cores_share_what_the_target_allows() {
        let target = Duration::from_secs(5);
        let rate = RecoveryRate::measured(400 << 20, Duration::from_secs(4), target).expect("that is enough");
        assert_eq!(rate.bytes_per_second(), 100 << 20);
        assert_eq!(rate.unreplayed_bytes_max(target, 2), 250 << 20);
        assert_eq!(rate.unreplayed_bytes_max(Duration::from_millis(1), 2), limits::UNREPLAYED_BYTES_MIN);
        assert_eq!(RecoveryRate::measured(1 << 20, Duration::from_secs(4), target), None, "too little to tell");
        let late = RecoveryRate::measured(60 << 20, Duration::from_secs(6), target).expect("it missed its target");
        assert_eq!(late.bytes_per_second(), 10 << 20);
        let slow = RecoveryRate::measured(400 << 20, Duration::from_secs(4_000), target).expect("that is enough");
        assert_eq!(slow.bytes_per_second(), limits::RECOVERY_RATE_MIN);
    }

    #[test]
    fn what_is_no_rate_is_not_believed() {
        assert_eq!(RecoveryRate::decode(b"bytes_per_second 104857600\n"), Some(RecoveryRate(100 << 20)));
        for text in ["", "bytes_per_second", "bytes_per_second x\n", "bytes_per_second 0\n", "bytes 104857600\n"] {
            assert_eq!(RecoveryRate::decode(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(RecoveryRate::decode(&[0xff; 20]), None);
    }
}
