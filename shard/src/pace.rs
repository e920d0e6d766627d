//! So many bytes a second.

use std::time::Duration;

/// How long a piece of work takes at a rate.
pub(crate) fn time_at_rate(bytes: u64, bytes_per_second: u64) -> Duration {
    let nanoseconds = u128::from(bytes) * NANOSECONDS / u128::from(bytes_per_second.max(1));
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

const NANOSECONDS: u128 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_as_many_bytes_as_the_rate() {
        assert_eq!(time_at_rate(64 << 20, 64 << 20), Duration::from_secs(1));
        assert_eq!(time_at_rate(1 << 20, 4 << 20), Duration::from_millis(250));
        assert_eq!(time_at_rate(u64::MAX, 0).as_nanos(), u128::from(u64::MAX));
    }
}
