//! Which batch is sent where and when, and what became of it.
//!
//! Records are gathered by the [`accumulator`](super::accumulator). A batch that is ready is numbered, sealed and sent to
//! the core that leads its partition, together with those of other partitions there; one batch of a partition in a
//! request, a few requests of a partition at a time. A batch stays until it is acknowledged, refused for good, or out of
//! time. With idempotence a batch is repeated under its first number, so that the broker can tell it from a new one;
//! its `partition` module has the rules that keep the order and keep a record from being appended twice.
//!
//! Each event may make partitions sendable. Those stand in line for their destination, once each, so that one with many
//! batches holds up none of the others.

mod dispatch;
mod event;
mod identity;
mod partition;
mod requests;
mod restamp;
mod settle;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use base::{Instant, PartitionId, SeededRandom};
use wire::batch::NewRecord;
use wire::native::Acks;

pub use event::{
    Delivered, DeliveryError, Idempotence, ProduceCall, ProducerAction, ProducerEvent, ProducerIdentity,
    ProducerOptions, RequestId, Sent,
};

use crate::machine::accumulator::{Accumulator, BatchId, RecordRefused, Taken};
use crate::machine::refusal::{Fate, Refusal};
use crate::machine::route::{Route, Routes};
use identity::Identity;
use partition::Partition;
use requests::{Destinations, Requests};
use settle::Attempt;

/// See the module.
#[derive(Debug)]
pub struct ProducerCore {
    options: ProducerOptions,
    random: SeededRandom,
    accumulator: Accumulator,
    identity: Identity,
    partitions: BTreeMap<PartitionId, Partition>,
    /// When partitions have to be looked at again.
    timers: BTreeSet<(Instant, PartitionId)>,
    destinations: Destinations,
    requests: Requests,
    /// Batches that are not done.
    incomplete: BTreeSet<BatchId>,
}

impl ProducerCore {
    /// # Panics
    /// When more batches would be numbered than brokers remember, or batches would not fit a request.
    pub fn new(options: ProducerOptions, random: SeededRandom) -> Self {
        let in_flight = options.batches_in_flight_max;
        let most = crate::limits::PARTITION_BATCHES_IN_FLIGHT_MAX;
        assert!((1..=most).contains(&in_flight), "{in_flight} batches in flight are not within 1 to {most}");
        if options.idempotence == Idempotence::Off && options.acks != Acks::None {
            assert_eq!(in_flight, 1, "without idempotence repetitions would overtake later batches");
        }
        assert!(options.requests_in_flight_max > 0, "a producer that may send no request");
        let (batch, request) = (options.accumulator.batch_bytes_max, options.request_bytes_max);
        assert!(batch <= request, "batches of {batch} bytes do not fit requests of {request}");
        Self {
            options,
            random,
            accumulator: Accumulator::new(options.accumulator),
            identity: Identity::new(options.idempotence, options.retry),
            partitions: BTreeMap::new(),
            timers: BTreeSet::new(),
            destinations: Destinations::default(),
            requests: Requests::default(),
            incomplete: BTreeSet::new(),
        }
    }

    /// Takes a record. `routes` is asked for the way to a partition that is new to this producer.
    pub fn append(
        &mut self,
        now: Instant,
        routes: &dyn Routes,
        partition: PartitionId,
        record: &NewRecord<'_>,
        actions: &mut Vec<ProducerAction>,
    ) -> Result<Taken, RecordRefused> {
        let taken = match self.accumulator.append(now, partition, record) {
            Ok(taken) => taken,
            Err(refused) => {
                if matches!(refused, RecordRefused::BufferFull { .. }) {
                    // Whoever waits for memory should not wait for batches to fill.
                    self.step(now, ProducerEvent::FlushRequested, actions);
                }
                return Err(refused);
            }
        };
        let opened = taken.ticket.index == 0;
        if opened {
            self.incomplete.insert(taken.ticket.batch);
            let retry = self.options.retry;
            let route = || routes.route(partition);
            let known = self.partitions.entry(partition).or_insert_with(|| Partition::new(route(), retry));
            if !matches!(known.route, Route::To(_)) {
                known.route = route();
            }
        }
        if taken.closed || taken.closed_before {
            actions.push(ProducerAction::BatchClosed(partition));
        }
        if opened || taken.closed || taken.closed_before {
            self.arrange(now, partition, actions);
            self.dispatch(now, actions);
        }
        Ok(taken)
    }

    pub fn step(&mut self, now: Instant, event: ProducerEvent<'_>, actions: &mut Vec<ProducerAction>) {
        match event {
            ProducerEvent::Connected { destination, requests_in_flight_max, payload_bytes_max } => {
                let requests = requests_in_flight_max.min(self.options.requests_in_flight_max);
                let bytes = payload_bytes_max.min(self.options.request_bytes_max);
                self.destinations.connected(destination, requests, bytes);
            }
            ProducerEvent::Disconnected { destination } | ProducerEvent::ConnectFailed { destination } => {
                self.destinations.disconnected(destination);
            }
            ProducerEvent::Answered { request, partitions, timings } => {
                self.answered(now, request, partitions, timings, actions);
            }
            ProducerEvent::Refused { request, refusal } => {
                self.settle_all(now, request, || Attempt::Refused(refusal.clone()), actions);
            }
            ProducerEvent::Lost { request, sent } => self.settle_all(now, request, || Attempt::Lost(sent), actions),
            ProducerEvent::Written { request } => self.settle_all(now, request, || Attempt::Written, actions),
            ProducerEvent::RoutesChanged(routes) => self.routes_changed(now, routes, actions),
            ProducerEvent::IdentityGiven(identity) => {
                self.identity.given(identity);
                self.arrange_all(now, actions);
            }
            ProducerEvent::IdentityRefused(refusal) if refusal.is_retriable() => {
                self.identity.failed(now, &mut self.random, Some(refusal));
            }
            ProducerEvent::IdentityRefused(refusal) => self.identity_refused(now, &refusal, actions),
            ProducerEvent::IdentityLost => self.identity.failed(now, &mut self.random, None),
            ProducerEvent::FlushRequested => {
                self.accumulator.flush();
                self.arrange_all(now, actions);
            }
            ProducerEvent::TimePassed => self.time_passed(now, actions),
            ProducerEvent::Aborted => self.give_up_all(now, actions),
        }
        self.dispatch(now, actions);
    }

    /// When [`ProducerEvent::TimePassed`] has something to do.
    pub fn next_wakeup(&self) -> Option<Instant> {
        let partitions = self.timers.first().map(|(due, _)| *due);
        partitions.into_iter().chain(self.identity.next_wakeup()).min()
    }

    /// The oldest batch that is not done.
    pub fn first_incomplete(&self) -> Option<BatchId> {
        self.incomplete.first().copied()
    }

    /// The id that the next batch to be opened will have: all before it are those appended so far.
    pub fn next_batch(&self) -> BatchId {
        self.accumulator.next_id()
    }

    /// Bytes of records that are not done.
    pub fn buffered_bytes(&self) -> usize {
        self.accumulator.used_bytes()
    }

    /// The partitions that there are records for, and requests that are unanswered.
    pub fn in_flight(&self) -> usize {
        self.requests.len()
    }

    fn routes_changed(&mut self, now: Instant, routes: &dyn Routes, actions: &mut Vec<ProducerAction>) {
        let known: Vec<PartitionId> = self.partitions.keys().copied().collect();
        for id in known {
            let partition = self.partitions.get_mut(&id).expect("listed a moment ago");
            let route = routes.route(id);
            partition.asked_for_route = false;
            if partition.route == route && route != Route::Gone {
                continue;
            }
            partition.route = route;
            self.arrange(now, id, actions);
            if route == Route::Gone && self.partitions[&id].attempts == 0 {
                self.forget(id);
            }
        }
    }

    /// Drops a partition that nothing is left of. One that stands in line for a destination is skipped there.
    fn forget(&mut self, id: PartitionId) {
        if let Some(due) = self.partitions.remove(&id).and_then(|partition| partition.due) {
            self.timers.remove(&(due, id));
        }
    }

    fn identity_refused(&mut self, now: Instant, refusal: &Refusal, actions: &mut Vec<ProducerAction>) {
        self.identity.refused();
        let known: Vec<PartitionId> = self.partitions.keys().copied().collect();
        for id in known {
            let error = |fate| match fate {
                Fate::NotAppended => DeliveryError::NoIdentity { partition: id, refusal: refusal.clone() },
                Fate::Unknown => DeliveryError::InDoubt { partition: id },
            };
            // What is under way in an unbroken run has its identity.
            if self.partitions[&id].is_broken() {
                self.give_up(id, error, actions);
            } else {
                self.give_up_gathered(id, error, actions);
            }
            self.arrange(now, id, actions);
        }
    }

    fn give_up_all(&mut self, now: Instant, actions: &mut Vec<ProducerAction>) {
        let known: Vec<PartitionId> = self.partitions.keys().copied().collect();
        for id in known {
            self.give_up(id, |fate| DeliveryError::Closed { partition: id, fate }, actions);
            self.arrange(now, id, actions);
        }
    }

    /// Gives up whatever a partition has.
    fn give_up(&mut self, id: PartitionId, error: impl Fn(Fate) -> DeliveryError, actions: &mut Vec<ProducerAction>) {
        while let Some(last) = self.partitions.get(&id).and_then(|partition| partition.window.len().checked_sub(1)) {
            let numbered = self.partitions.get_mut(&id).expect("looked at a moment ago").give_up(last);
            self.complete(&numbered, Err(error(numbered.fate())), actions);
        }
        self.give_up_gathered(id, error, actions);
    }

    /// Gives up what a partition has not numbered yet.
    fn give_up_gathered(
        &mut self,
        id: PartitionId,
        error: impl Fn(Fate) -> DeliveryError,
        actions: &mut Vec<ProducerAction>,
    ) {
        while let Some(batch) = self.accumulator.discard(id) {
            self.complete_id(batch, Err(error(Fate::NotAppended)), actions);
        }
    }

    fn time_passed(&mut self, now: Instant, actions: &mut Vec<ProducerAction>) {
        while let Some((due, id)) = self.timers.first().copied()
            && due <= now
        {
            self.timers.pop_first();
            self.partitions.get_mut(&id).expect("partitions with timers are known").due = None;
            self.expire(now, id, actions);
            self.arrange(now, id, actions);
        }
        if self.identity.time_passed(now) {
            self.arrange_all(now, actions);
        }
    }

    /// Gives up what has run out of time.
    fn expire(&mut self, now: Instant, id: PartitionId, actions: &mut Vec<ProducerAction>) {
        let limit = self.options.delivery_timeout;
        let partition = self.partitions.get_mut(&id).expect("partitions with timers are known");
        let mut expired = Vec::new();
        // From the last to the first, so that the numbers of those that were never sent become free again.
        for index in (0..partition.window.len()).rev() {
            if partition.window[index].batch.opened_at.plus(limit) <= now {
                expired.push(partition.give_up(index));
            }
        }
        for numbered in expired.iter().rev() {
            let (fate, last) = (numbered.fate(), numbered.last_refusal.clone());
            self.complete(numbered, Err(DeliveryError::TimedOut { partition: id, limit, fate, last }), actions);
        }
        while let Some((_, opened_at, _)) = self.accumulator.next_batch(id)
            && opened_at.plus(limit) <= now
        {
            let batch = self.accumulator.discard(id).expect("looked at a moment ago");
            // What was never sent may have waited for an identity.
            let last = self.identity.last_refusal().cloned();
            let error = DeliveryError::TimedOut { partition: id, limit, fate: Fate::NotAppended, last };
            self.complete_id(batch, Err(error), actions);
        }
    }
}
