//! Where one partition's reader stands.

use std::collections::VecDeque;

use base::{Instant, Offset, SeededRandom};
use wire::native::{OffsetAt, StreamId};

use super::chunk::{Chunk, Place};
use super::event::{ConsumeError, QueryId, Start};
use crate::machine::backoff::{Backoff, BackoffOptions};
use crate::machine::route::{Destination, Route};

/// How a partition gets its records, or what it lacks.
#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// It is not known yet where to read.
    Locating {
        at: OffsetAt,
        why: Why,
        query: Option<QueryId>,
    },
    /// It is known, and there is no stream.
    Located {
        next: Offset,
    },
    Streaming(Stream),
    /// Only a seek helps.
    Failed {
        position: Option<Offset>,
    },
}

/// Why an offset is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Start,
    /// The log did not have this one.
    Reset {
        wanted: Offset,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Stream {
    pub(super) id: StreamId,
    pub(super) destination: Destination,
    /// What the next frame goes on with.
    pub(super) next: Offset,
    pub(super) place: Place,
    /// Bytes that the broker may still send. Below zero by what the last frame had too much.
    pub(super) credit: i64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Assigned {
    pub(super) route: Route,
    pub(super) asked_for_route: bool,
    pub(super) phase: Phase,
    pub(super) buffered: VecDeque<Chunk>,
    pub(super) buffered_bytes: usize,
    pub(super) flow: Flow,
    pub(super) high_watermark: Option<Offset>,
    pub(super) log_start_offset: Option<Offset>,
    /// To be told to the user.
    pub(super) error: Option<ConsumeError>,
    backoff: Backoff,
    pub(super) hold_until: Option<Instant>,
    /// Its entry in the consumer's timers.
    pub(super) due: Option<Instant>,
    /// It stands in line to give what it has.
    pub(super) is_in_turn: bool,
}

/// Whether records are given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Running,
    Paused,
}

impl Assigned {
    pub(super) fn new(route: Route, start: Start, retry: BackoffOptions) -> Self {
        Self {
            route,
            asked_for_route: false,
            phase: Phase::starting(start),
            buffered: VecDeque::new(),
            buffered_bytes: 0,
            flow: Flow::Running,
            high_watermark: None,
            log_start_offset: None,
            error: None,
            backoff: Backoff::new(retry),
            hold_until: None,
            due: None,
            is_in_turn: false,
        }
    }

    /// The next record that will be given out; `None` while it is not known.
    pub(super) fn position(&self) -> Option<Offset> {
        self.buffered.front().map(|chunk| chunk.from).or_else(|| self.fetch_next())
    }

    /// The next record that will be fetched.
    pub(super) fn fetch_next(&self) -> Option<Offset> {
        match &self.phase {
            Phase::Locating { .. } => None,
            Phase::Located { next } | Phase::Streaming(Stream { next, .. }) => Some(*next),
            Phase::Failed { position } => *position,
        }
    }

    /// Forgets what was fetched and begins elsewhere. Gives the stream that is to be closed.
    pub(super) fn seek(&mut self, start: Start) -> Option<Stream> {
        self.clear();
        self.error = None;
        self.hold_until = None;
        self.backoff.succeeded();
        match std::mem::replace(&mut self.phase, Phase::starting(start)) {
            Phase::Streaming(stream) => Some(stream),
            Phase::Locating { .. } | Phase::Located { .. } | Phase::Failed { .. } => None,
        }
    }

    pub(super) fn clear(&mut self) {
        self.buffered.clear();
        self.buffered_bytes = 0;
    }

    /// The stream is over; the next one goes on where it stopped.
    pub(super) fn stop_streaming(&mut self) {
        if let Phase::Streaming(stream) = &self.phase {
            self.phase = Phase::Located { next: stream.next };
        }
    }

    pub(super) fn stream(&mut self) -> Option<&mut Stream> {
        match &mut self.phase {
            Phase::Streaming(stream) => Some(stream),
            Phase::Locating { .. } | Phase::Located { .. } | Phase::Failed { .. } => None,
        }
    }

    /// Nothing is tried for a while.
    pub(super) fn hold(&mut self, now: Instant, random: &mut SeededRandom) {
        if self.hold_until.is_none_or(|until| until <= now) {
            self.hold_until = Some(self.backoff.failed(now, random));
        }
    }

    /// Data has come.
    pub(super) fn thrive(&mut self) {
        self.backoff.succeeded();
    }

    pub(super) fn push(&mut self, chunk: Chunk) {
        if let Some(last) = self.buffered.back() {
            assert!(last.next <= chunk.from, "a chunk from {} follows one to {}", chunk.from, last.next);
        }
        self.buffered_bytes += chunk.bytes();
        self.buffered.push_back(chunk);
    }

    pub(super) fn pop(&mut self) -> Option<Chunk> {
        let before = self.position();
        let chunk = self.buffered.pop_front()?;
        self.buffered_bytes -= chunk.bytes();
        let after = self.position();
        assert!(before <= after || after.is_none(), "the position went back from {before:?} to {after:?}");
        Some(chunk)
    }

    /// Bytes to grant so that the broker may fill the buffer, once that is worth a message.
    pub(super) fn grant(&mut self, target: usize) -> Option<(Destination, StreamId, u32)> {
        if self.flow == Flow::Paused {
            return None;
        }
        let target = i64::try_from(target).expect("buffers have fewer than 2^63 bytes");
        let held = i64::try_from(self.buffered_bytes).expect("buffers have fewer than 2^63 bytes");
        let stream = self.stream()?;
        let missing = target - held - stream.credit;
        if missing < target / 2 || missing <= 0 {
            return None;
        }
        let bytes = u32::try_from(missing).unwrap_or(u32::MAX);
        stream.credit += i64::from(bytes);
        Some((stream.destination, stream.id, bytes))
    }
}

impl Phase {
    fn starting(start: Start) -> Self {
        let at = match start {
            Start::Offset(next) => return Self::Located { next },
            Start::Earliest => OffsetAt::Earliest,
            Start::Latest => OffsetAt::Latest,
            Start::Timestamp(timestamp) => OffsetAt::Timestamp(timestamp),
        };
        Self::Locating { at, why: Why::Start, query: None }
    }
}
