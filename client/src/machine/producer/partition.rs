//! One partition's batches that have left the accumulator: their order, their numbers, and what is known of each.
//!
//! Sequences are counted in runs: a run has one identity, starts at 0, and goes on as long as the broker and we agree on
//! what it holds. A run is broken when a batch of it will never be appended although later ones were numbered, or when the
//! broker no longer knows it. Then nothing more is sent until every attempt has been answered or lost; batches that are
//! known not to be in the log are numbered again in a new run; a batch whose fate is unknown is not, because it could be
//! appended twice.

use std::collections::VecDeque;

use base::{Instant, SeededRandom, Sequence};
use wire::batch::ProducerStamp;

use super::event::{ProducerIdentity, RequestId, Sent};
use super::identity::Renewal;
use super::restamp::restamp;
use crate::machine::accumulator::{BatchId, SealedBatch};
use crate::machine::backoff::{Backoff, BackoffOptions};
use crate::machine::refusal::{Fate, Refusal};
use crate::machine::route::{Destination, Route};

/// A batch that has its place in the order.
#[derive(Debug)]
pub(super) struct Numbered {
    pub(super) batch: SealedBatch,
    /// `None` without idempotence.
    base_sequence: Option<Sequence>,
    /// The attempt that is under way.
    pub(super) attempt: Option<RequestId>,
    /// Whether an attempt can have appended it.
    fate: Fate,
    /// A batch before it in the run is known to be missing for good, so that no attempt can append this one.
    follows_hole: bool,
    pub(super) first_sent_at: Option<Instant>,
    pub(super) last_sent_at: Instant,
    pub(super) last_refusal: Option<Refusal>,
}

impl Numbered {
    /// What is known if no more attempts are made.
    pub(super) fn fate(&self) -> Fate {
        match self.attempt {
            Some(_) if !self.follows_hole => Fate::Unknown,
            _ if self.follows_hole => Fate::NotAppended,
            _ => self.fate,
        }
    }
}

/// Sequences that follow one another under one identity.
#[derive(Clone, Copy, Debug)]
struct Run {
    identity: Option<ProducerIdentity>,
    next: Sequence,
    standing: Standing,
    broken: Option<Break>,
}

/// Whether the broker can tell a gap. One that knows nothing of a producer takes any sequence for the first, so that a
/// second batch could be appended although the first was not. So the first batch of a run travels alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    New,
    Known,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Break {
    /// A batch is missing for good. Those before it may still be appended.
    Hole,
    /// The broker will take nothing more of this run.
    Lost(Renewal),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Partition {
    pub(super) route: Route,
    /// A refresh of the metadata was asked for because there is no route.
    pub(super) asked_for_route: bool,
    run: Run,
    /// In the order in which they were opened.
    pub(super) window: VecDeque<Numbered>,
    /// Attempts without an answer, also those of batches that were given up since.
    pub(super) attempts: usize,
    /// Where the last attempt went.
    pub(super) sent_to: Option<Destination>,
    backoff: Backoff,
    /// Nothing is sent before.
    pub(super) hold_until: Option<Instant>,
    /// It stands in line for its destination.
    pub(super) is_listed: bool,
    /// Its entry in the producer's timers.
    pub(super) due: Option<Instant>,
}

impl Partition {
    pub(super) fn new(route: Route, retry: BackoffOptions) -> Self {
        Self {
            route,
            asked_for_route: false,
            run: Run::new(None),
            window: VecDeque::new(),
            attempts: 0,
            sent_to: None,
            backoff: Backoff::new(retry),
            hold_until: None,
            is_listed: false,
            due: None,
        }
    }

    pub(super) fn position(&self, batch: BatchId) -> Option<usize> {
        self.window.iter().position(|numbered| numbered.batch.id == batch)
    }

    /// The batch to send next, of those that have their number.
    pub(super) fn next_to_send(&self) -> Option<usize> {
        if !self.may_pipeline() {
            return None;
        }
        let index = self.window.iter().position(|numbered| numbered.attempt.is_none())?;
        let allowed = match self.run.broken {
            None => true,
            Some(Break::Hole) => !self.window[index].follows_hole,
            Some(Break::Lost(_)) => false,
        };
        allowed.then_some(index)
    }

    /// Whether another batch may be numbered.
    pub(super) fn has_room(&self, batches_in_flight_max: usize) -> bool {
        let (numbered, most) = (self.window.len(), batches_in_flight_max);
        let begins = self.run.standing == Standing::New && numbered > 0;
        numbered < most && self.attempts < most && !self.is_broken() && self.may_pipeline() && !begins
    }

    pub(super) fn is_broken(&self) -> bool {
        self.run.broken.is_some()
    }

    fn may_pipeline(&self) -> bool {
        self.run.standing == Standing::Known || self.attempts == 0
    }

    /// Whether batches are under way to a core that the partition has left: what goes to the new one would come before
    /// what the old one passes on. They are answered soon: the old one is there.
    pub(super) fn would_overtake(&self) -> bool {
        let (Route::To(now), Some(sent_to)) = (self.route, self.sent_to) else { return false };
        self.attempts > 0 && sent_to.broker == now.broker && sent_to.core != now.core
    }

    /// The identity whose run is broken and over, and what a new one takes; `None` while attempts of it may still succeed.
    pub(super) fn wants_new_run(&self) -> Option<(ProducerIdentity, Renewal)> {
        let renewal = match self.run.broken? {
            Break::Lost(renewal) => renewal,
            Break::Hole if self.window.iter().all(|numbered| numbered.follows_hole) => Renewal::Epoch,
            Break::Hole => return None,
        };
        let identity = self.run.identity.expect("only runs with an identity break");
        (self.attempts == 0).then_some((identity, renewal))
    }

    /// The number of the next batch. A run goes on under its own identity until nothing of it is under way.
    pub(super) fn stamp(&mut self, identity: Option<ProducerIdentity>, record_count: u32) -> Option<ProducerStamp> {
        if self.window.is_empty() && self.attempts == 0 && self.run.identity != identity {
            self.run = Run::new(identity);
        }
        self.run.stamp(record_count)
    }

    pub(super) fn push(&mut self, batch: SealedBatch, stamp: Option<ProducerStamp>) {
        self.window.push_back(Numbered {
            last_sent_at: batch.opened_at,
            batch,
            base_sequence: stamp.and_then(|stamp| stamp.base_sequence),
            attempt: None,
            fate: Fate::NotAppended,
            follows_hole: false,
            first_sent_at: None,
            last_refusal: None,
        });
    }

    /// The batch leaves.
    pub(super) fn sent(&mut self, now: Instant, index: usize, request: RequestId) {
        let numbered = &mut self.window[index];
        assert_eq!(numbered.attempt, None, "one attempt at a time");
        numbered.attempt = Some(request);
        numbered.first_sent_at.get_or_insert(now);
        numbered.last_sent_at = now;
        self.attempts += 1;
    }

    /// The attempt went unanswered.
    pub(super) fn lost(&mut self, index: usize, sent: Sent) {
        let numbered = &mut self.window[index];
        numbered.attempt = None;
        if sent == Sent::Perhaps {
            numbered.fate = Fate::Unknown;
        }
    }

    /// The attempt was refused. Gives what was known of the batch before.
    pub(super) fn refused(&mut self, index: usize, refusal: &Refusal) -> Fate {
        let numbered = &mut self.window[index];
        numbered.attempt = None;
        numbered.last_refusal = Some(refusal.clone());
        let before = numbered.fate;
        if refusal.fate_of_batch() == Fate::Unknown {
            numbered.fate = Fate::Unknown;
        }
        before
    }

    /// The broker takes nothing more of this run.
    pub(super) fn lose_run(&mut self, renewal: Renewal) {
        let renewal = match self.run.broken {
            Some(Break::Lost(Renewal::Id)) => Renewal::Id,
            Some(Break::Lost(Renewal::Epoch) | Break::Hole) | None => renewal,
        };
        self.run.broken = Some(Break::Lost(renewal));
    }

    /// The batch is done: it is in the log.
    pub(super) fn succeed(&mut self, index: usize) -> Numbered {
        self.backoff.succeeded();
        self.hold_until = None;
        self.run.standing = Standing::Known;
        self.window.remove(index).expect("an index of the window")
    }

    /// The batch is given up. If it is known not to be in the log, its sequences are missing there.
    pub(super) fn give_up(&mut self, index: usize) -> Numbered {
        let numbered = self.window.remove(index).expect("an index of the window");
        if let (Some(base), Fate::NotAppended, false) = (numbered.base_sequence, numbered.fate(), numbered.follows_hole)
        {
            // Only the last number of all can be given out again: one that was given up in doubt may have come after it.
            if base.plus(numbered.batch.record_count) == self.run.next {
                self.run.next = base;
            } else {
                self.window.iter_mut().skip(index).for_each(|later| later.follows_hole = true);
                self.run.broken.get_or_insert(Break::Hole);
            }
        }
        numbered
    }

    /// Begins a new run with what is left. Gives back what cannot be sent again.
    pub(super) fn renumber(&mut self, identity: ProducerIdentity) -> Vec<Numbered> {
        assert_eq!(self.attempts, 0, "attempts of the old run are under way");
        let left = std::mem::take(&mut self.window).into_iter();
        let (certain, in_doubt): (Vec<_>, Vec<_>) = left.partition(|numbered| numbered.fate() == Fate::NotAppended);
        self.window = certain.into();
        self.run = Run::new(Some(identity));
        for numbered in &mut self.window {
            let stamp = self.run.stamp(numbered.batch.record_count);
            numbered.batch.bytes = restamp(&numbered.batch.bytes, stamp);
            numbered.base_sequence = stamp.and_then(|stamp| stamp.base_sequence);
            numbered.follows_hole = false;
            numbered.fate = Fate::NotAppended;
        }
        self.hold_until = None;
        in_doubt
    }

    /// Nothing is sent for a while. What fails meanwhile is part of the same failure.
    pub(super) fn hold(&mut self, now: Instant, random: &mut SeededRandom) {
        if self.hold_until.is_none_or(|until| until <= now) {
            self.hold_until = Some(self.backoff.failed(now, random));
        }
    }

    /// Batches are in the order in which they were opened, and so are their numbers.
    pub(super) fn check(&self, batches_in_flight_max: usize) {
        let length = self.window.len();
        assert!(length <= batches_in_flight_max, "{length} batches are numbered, {batches_in_flight_max} may be");
        let under_way = self.window.iter().filter(|numbered| numbered.attempt.is_some()).count();
        assert!(under_way <= self.attempts, "{under_way} batches are under way in {} attempts", self.attempts);
        for (earlier, later) in self.window.iter().zip(self.window.iter().skip(1)) {
            let (earlier, later) = (earlier.batch.id, later.batch.id);
            assert!(earlier < later, "batch {earlier:?} stands before {later:?}");
        }
    }
}

impl Run {
    fn new(identity: Option<ProducerIdentity>) -> Self {
        let standing = if identity.is_some() { Standing::New } else { Standing::Known };
        Self { identity, next: Sequence::ZERO, standing, broken: None }
    }

    fn stamp(&mut self, record_count: u32) -> Option<ProducerStamp> {
        let ProducerIdentity { id, epoch } = self.identity?;
        let base_sequence = Some(self.next);
        self.next = self.next.plus(record_count);
        Some(ProducerStamp { id, epoch, base_sequence })
    }
}
