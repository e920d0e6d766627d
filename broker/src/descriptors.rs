//! How many files and sockets the process may have open, and who gets them.
//!
//! Whatever connections do, a core must be able to open its segments: what cannot be written stops the log. So files get
//! their part of the limit first, and connections what is left, at most `connections.max`.

use crate::limits;

/// The parts of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Descriptors {
    /// Of the process.
    pub(crate) limit: u64,
    /// Segments that a core keeps open.
    pub(crate) open_files_max: usize,
    /// Connections over all doors.
    pub(crate) connections_max: usize,
}

/// The limit is too low for a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the limit on open files is {limit}, and {cores} cores need at least {least}: raise it (ulimit -n, LimitNOFILE), or set \
     cores to fewer"
)]
pub struct TooFewDescriptors {
    limit: u64,
    cores: u16,
    least: u64,
}

/// A segment that is also written through has two.
const DESCRIPTORS_PER_FILE: usize = 2;

impl Descriptors {
    /// Divides a limit between so many cores and their connections.
    pub(crate) fn divide(limit: u64, cores: u16) -> Result<Self, TooFewDescriptors> {
        let count = usize::from(cores);
        let fixed = limits::DESCRIPTORS_OF_PROCESS + count * limits::DESCRIPTORS_OF_CORE;
        let least = fixed + count * limits::OPEN_FILES_MIN * DESCRIPTORS_PER_FILE + limits::CONNECTIONS_LEAST;
        let whole = usize::try_from(limit).unwrap_or(usize::MAX);
        if whole < least {
            return Err(TooFewDescriptors { limit, cores, least: least as u64 });
        }
        let left = whole - fixed;
        let per_core = left / 2 / DESCRIPTORS_PER_FILE / count;
        let open_files_max = per_core.clamp(limits::OPEN_FILES_MIN, shard::limits::OPEN_FILES_MAX);
        let connections_max = left - open_files_max * DESCRIPTORS_PER_FILE * count;
        Ok(Self { limit, open_files_max, connections_max })
    }

    /// Says so if the limit, and not the setting, is what bounds connections.
    pub(crate) fn compare(&self, connections_max: usize) {
        if self.connections_max < connections_max {
            tracing::warn!(
                connections.max = connections_max,
                limit = self.limit,
                possible = self.connections_max,
                "the limit on open files allows fewer connections than connections.max: raise it (ulimit -n, \
                 LimitNOFILE), or set connections.max to what is possible"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_high_limit_leaves_all_but_what_files_need_to_connections() {
        let divided = Descriptors::divide(100_000, 2).expect("it is high");
        assert_eq!(divided.open_files_max, shard::limits::OPEN_FILES_MAX);
        let files = 2 * (2 * shard::limits::OPEN_FILES_MAX + limits::DESCRIPTORS_OF_CORE);
        assert_eq!(divided.connections_max, 100_000 - files - limits::DESCRIPTORS_OF_PROCESS);
        assert!(Descriptors::divide(u64::MAX, 64).is_ok());
    }

    #[test]
    fn a_low_limit_is_shared_by_files_and_connections() {
        for limit in 600..4_096 {
            for cores in 1..=2 {
                let divided = Descriptors::divide(limit, cores).expect("it is enough");
                let files = usize::from(cores) * (2 * divided.open_files_max + limits::DESCRIPTORS_OF_CORE);
                let all = files + divided.connections_max + limits::DESCRIPTORS_OF_PROCESS;
                assert_eq!(all as u64, limit, "{cores} cores");
                assert!(divided.connections_max >= limits::CONNECTIONS_LEAST);
                assert!(divided.open_files_max >= limits::OPEN_FILES_MIN);
            }
        }
    }

    #[test]
    fn a_limit_that_is_too_low_is_refused_with_what_to_do() {
        let refused = Descriptors::divide(1_024, 16).expect_err("it is too low");
        let text = refused.to_string();
        for word in ["1024", "16 cores", "ulimit -n", "LimitNOFILE", &refused.least.to_string()] {
            assert!(text.contains(word), "{word:?} is not in: {text}");
        }
        assert!(Descriptors::divide(refused.least, 16).is_ok());
        assert!(Descriptors::divide(refused.least - 1, 16).is_err());
    }
}
