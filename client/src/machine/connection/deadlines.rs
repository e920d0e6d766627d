//! When the broker owes what, the earliest first.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base::Instant;
use wire::native::{ApiKey, CorrelationId};

#[derive(Debug, Default)]
pub(super) struct Deadlines {
    by_time: BTreeSet<(Instant, CorrelationId)>,
    by_correlation: BTreeMap<CorrelationId, Deadline>,
}

#[derive(Clone, Copy, Debug)]
struct Deadline {
    due: Instant,
    api: ApiKey,
    limit: Duration,
}

impl Deadlines {
    /// One deadline for each correlation id: a later one takes its place.
    pub(super) fn set(&mut self, now: Instant, correlation: CorrelationId, api: ApiKey, limit: Duration) {
        self.remove(correlation);
        let due = now.plus(limit);
        self.by_correlation.insert(correlation, Deadline { due, api, limit });
        self.by_time.insert((due, correlation));
    }

    pub(super) fn remove(&mut self, correlation: CorrelationId) {
        if let Some(deadline) = self.by_correlation.remove(&correlation) {
            self.by_time.remove(&(deadline.due, correlation));
        }
    }

    /// What should have been there by now, and how long it had.
    pub(super) fn overdue(&self, now: Instant) -> Option<(ApiKey, Duration)> {
        let (due, correlation) = self.by_time.first()?;
        let deadline = self.by_correlation[correlation];
        (*due <= now).then_some((deadline.api, deadline.limit))
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.by_time.first().map(|(due, _)| *due)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_time.is_empty()
    }
}
