//! The producer's name and epoch, and how it gets another.

use base::{Instant, SeededRandom};

use super::event::{Idempotence, ProducerIdentity};
use crate::machine::backoff::{Backoff, BackoffOptions};
use crate::machine::refusal::Refusal;

/// What a run of sequences that broke needs to begin anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Renewal {
    /// The next epoch: what was sent under the one before is refused from its first batch on.
    Epoch,
    /// Another producer id: the broker has seen later epochs of this one.
    Id,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Identity {
    state: State,
    backoff: Backoff,
    /// What the broker said when it was asked last and gave none.
    last_refusal: Option<Refusal>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Batches have neither producer nor sequence.
    Unneeded,
    Unknown,
    Requested,
    Held {
        until: Instant,
    },
    Known(ProducerIdentity),
}

/// What a batch is numbered under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbering {
    None,
    Under(ProducerIdentity),
    /// Not known yet.
    Awaited,
}

impl Identity {
    pub(super) fn new(idempotence: Idempotence, retry: BackoffOptions) -> Self {
        let state = match idempotence {
            Idempotence::On => State::Unknown,
            Idempotence::Off => State::Unneeded,
        };
        Self { state, backoff: Backoff::new(retry), last_refusal: None }
    }

    pub(super) fn numbering(&self) -> Numbering {
        match self.state {
            State::Unneeded => Numbering::None,
            State::Known(identity) => Numbering::Under(identity),
            State::Unknown | State::Requested | State::Held { .. } => Numbering::Awaited,
        }
    }

    /// Somebody waits for an identity: true if it is to be asked for now.
    pub(super) fn want(&mut self) -> bool {
        let ask = self.state == State::Unknown;
        if ask {
            self.state = State::Requested;
        }
        ask
    }

    pub(super) fn given(&mut self, identity: ProducerIdentity) {
        if self.state == State::Requested {
            self.state = State::Known(identity);
            self.backoff.succeeded();
            self.last_refusal = None;
        }
    }

    /// The request has failed in a way that may pass; with no refusal, nobody has answered it.
    pub(super) fn failed(&mut self, now: Instant, random: &mut SeededRandom, refusal: Option<Refusal>) {
        if self.state == State::Requested {
            self.state = State::Held { until: self.backoff.failed(now, random) };
            self.last_refusal = refusal.or(self.last_refusal.take());
        }
    }

    /// The request has failed for good; the next who wants one asks again.
    pub(super) fn refused(&mut self) {
        if self.state == State::Requested {
            self.state = State::Unknown;
        }
    }

    /// A run of sequences under `broken` has come to its end. Whoever else notices finds that it was seen to.
    pub(super) fn renew(&mut self, broken: ProducerIdentity, renewal: Renewal) {
        if self.state != State::Known(broken) {
            return;
        }
        let next = match renewal {
            Renewal::Epoch => broken.epoch.next(),
            Renewal::Id => None,
        };
        self.state = next.map_or(State::Unknown, |epoch| State::Known(ProducerIdentity { epoch, ..broken }));
    }

    /// True if those who wait for an identity may ask again.
    pub(super) fn time_passed(&mut self, now: Instant) -> bool {
        let is_over = matches!(self.state, State::Held { until } if until <= now);
        if is_over {
            self.state = State::Unknown;
        }
        is_over
    }

    /// Why those who wait for an identity still do, as far as the broker has said.
    pub(super) fn last_refusal(&self) -> Option<&Refusal> {
        self.last_refusal.as_ref()
    }

    pub(super) fn next_wakeup(&self) -> Option<Instant> {
        match self.state {
            State::Held { until } => Some(until),
            State::Unneeded | State::Unknown | State::Requested | State::Known(_) => None,
        }
    }
}
