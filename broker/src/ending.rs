//! Why connections end: what the log and the metrics tell of it.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;

use base::Instant;

use crate::limits;

/// Why a connection ends.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The peer has closed it, between two requests.
    Closed,
    /// The peer has closed it in the middle of a frame.
    Cut,
    Idle,
    /// A frame began to arrive and did not become whole in time.
    TooSlow,
    /// The peer does not take its answers.
    NotReading,
    /// What arrived is no frame of this protocol, or a request that cannot be answered.
    Refused(String),
    Io(io::Error),
    /// The broker stops.
    Stopping,
}

/// Reasons for which the broker closes connections, as metrics name them.
const REASONS: [&str; 4] = ["idle", "slow_request", "answers_not_taken", "invalid_request"];

impl Ending {
    /// Its place among the reasons of the broker's own.
    fn reason(&self) -> Option<usize> {
        match self {
            Self::Closed | Self::Cut | Self::Io(_) | Self::Stopping => None,
            Self::Idle => Some(0),
            Self::TooSlow => Some(1),
            Self::NotReading => Some(2),
            Self::Refused(_) => Some(3),
        }
    }

    /// Whether an operator wants to know.
    fn is_notable(&self) -> bool {
        matches!(self, Self::TooSlow | Self::NotReading | Self::Refused(_))
    }

    fn warn(&self, door: &'static str, peer: SocketAddr) {
        match self {
            Self::TooSlow => tracing::warn!(door, %peer, "closed: a request did not arrive whole in time"),
            Self::NotReading => tracing::warn!(door, %peer, "closed: the peer does not take its answers"),
            Self::Refused(why) => tracing::warn!(door, %peer, "closed: {why}"),
            Self::Closed | Self::Cut | Self::Idle | Self::Io(_) | Self::Stopping => self.mention(door, peer),
        }
    }

    fn mention(&self, door: &'static str, peer: SocketAddr) {
        match self {
            Self::Idle => tracing::debug!(door, %peer, "idle connection closed"),
            Self::Cut => tracing::debug!(door, %peer, "the peer went away in the middle of a request"),
            Self::Io(error) => tracing::debug!(door, %peer, %error, "connection lost"),
            other => tracing::debug!(door, %peer, ending = ?other, "connection closed"),
        }
    }
}

/// How connections of one core have ended.
#[derive(Default)]
pub(crate) struct Endings {
    counts: [Cell<u64>; REASONS.len()],
    lines: Cell<Lines>,
}

/// A line for each connection would give whoever sends garbage a way to fill the disk.
#[derive(Clone, Copy, Debug, Default)]
struct Lines {
    since: Option<Instant>,
    told: u32,
    untold: u64,
}

impl Endings {
    /// Counts an ending, and tells the log of it.
    pub(crate) fn add(&self, ending: &Ending, door: &'static str, peer: SocketAddr) {
        if let Some(reason) = ending.reason() {
            self.counts[reason].set(self.counts[reason].get() + 1);
        }
        if !ending.is_notable() {
            return ending.mention(door, peer);
        }
        let mut lines = self.lines.get();
        let (may_tell, untold) = lines.add(rt::now());
        self.lines.set(lines);
        if untold > 0 {
            tracing::warn!(times = untold, "further connections were closed, without a line for each");
        }
        if may_tell { ending.warn(door, peer) } else { ending.mention(door, peer) }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
        REASONS.into_iter().zip(&self.counts).map(|(reason, count)| (reason, count.get()))
    }
}

impl Lines {
    /// Whether one more may be told, and how many of the time before were not.
    fn add(&mut self, now: Instant) -> (bool, u64) {
        let mut untold = 0;
        if self.since.is_none_or(|since| now.since(since) >= limits::COMPLAINTS_INTERVAL) {
            untold = self.untold;
            *self = Self { since: Some(now), ..Self::default() };
        }
        let may_tell = self.told < limits::COMPLAINTS_AT_ONCE_MAX;
        if may_tell {
            self.told += 1;
        } else {
            self.untold += 1;
        }
        (may_tell, untold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_has_some_lines_and_their_number() {
        let at = |millis: u64| Instant(5_000_000_000 + millis * 1_000_000);
        let mut lines = Lines::default();
        let told = (0..1_000).filter(|millis| lines.add(at(*millis)) == (true, 0)).count();
        assert_eq!(told, limits::COMPLAINTS_AT_ONCE_MAX as usize);
        assert_eq!(lines.add(at(9_999)), (false, 0));
        assert_eq!(lines.add(at(10_000)), (true, 1_001 - told as u64));
        assert_eq!(lines.add(at(10_001)), (true, 0));
    }
}
