//! Which partitions may send, in which order, and the requests that are made of their batches.

use std::collections::VecDeque;

use base::{Instant, PartitionId};

use super::ProducerCore;
use super::event::{DeliveryError, ProduceCall, ProducerAction};
use super::identity::Numbering;
use crate::limits;
use crate::machine::route::{Destination, Route};

impl ProducerCore {
    pub(super) fn arrange_all(&mut self, now: Instant, actions: &mut Vec<ProducerAction>) {
        let known: Vec<PartitionId> = self.partitions.keys().copied().collect();
        known.into_iter().for_each(|id| self.arrange(now, id, actions));
    }

    /// Brings a partition's run, its place in line and its timer up to date.
    pub(super) fn arrange(&mut self, now: Instant, id: PartitionId, actions: &mut Vec<ProducerAction>) {
        if self.partitions[&id].route == Route::Gone {
            self.give_up(id, |fate| DeliveryError::TopicGone { partition: id, fate }, actions);
        }
        self.begin_new_run(id, actions);
        let is_sendable = self.is_sendable(now, id, actions);
        let due = self.next_look(now, id);
        let partition = self.partitions.get_mut(&id).expect("arranged partitions are known");
        partition.check(self.options.batches_in_flight_max);
        if partition.due != due {
            if let Some(before) = partition.due {
                self.timers.remove(&(before, id));
            }
            self.timers.extend(due.map(|due| (due, id)));
            partition.due = due;
        }
        match partition.route {
            Route::To(destination) if is_sendable && !partition.is_listed => {
                partition.is_listed = true;
                self.destinations.list(destination, id);
            }
            Route::Unknown if is_sendable && !partition.asked_for_route => {
                partition.asked_for_route = true;
                actions.push(ProducerAction::RefreshMetadata(id.topic));
            }
            Route::To(_) | Route::Unknown | Route::Gone => {}
        }
    }

    /// Where a broken run is over, what is left of it begins a new one.
    fn begin_new_run(&mut self, id: PartitionId, actions: &mut Vec<ProducerAction>) {
        let partition = self.partitions.get_mut(&id).expect("arranged partitions are known");
        let Some((broken, renewal)) = partition.wants_new_run() else { return };
        self.identity.renew(broken, renewal);
        match self.identity.numbering() {
            Numbering::Under(identity) => {
                for numbered in partition.renumber(identity) {
                    self.complete(&numbered, Err(DeliveryError::InDoubt { partition: id }), actions);
                }
            }
            Numbering::Awaited => {
                if self.identity.want() {
                    actions.push(ProducerAction::RequestIdentity);
                }
            }
            Numbering::None => unreachable!("runs without an identity do not break"),
        }
    }

    /// Whether a partition has a batch that may leave now; asks for what it lacks.
    fn is_sendable(&mut self, now: Instant, id: PartitionId, actions: &mut Vec<ProducerAction>) -> bool {
        let partition = &self.partitions[&id];
        if partition.hold_until.is_some_and(|until| until > now) {
            return false;
        }
        if partition.would_overtake() {
            return false;
        }
        if partition.next_to_send().is_some() {
            return true;
        }
        let has_room = partition.has_room(self.options.batches_in_flight_max);
        if !has_room || self.accumulator.ready_at(id).is_none_or(|ready| ready > now) {
            return false;
        }
        if self.identity.numbering() == Numbering::Awaited {
            if self.identity.want() {
                actions.push(ProducerAction::RequestIdentity);
            }
            return false;
        }
        true
    }

    /// When a partition has to be looked at again if nothing else happens to it.
    fn next_look(&self, now: Instant, id: PartitionId) -> Option<Instant> {
        let partition = &self.partitions[&id];
        let gathered = self.accumulator.next_batch(id).map(|(_, opened_at, _)| opened_at);
        let oldest = partition.window.iter().map(|numbered| numbered.batch.opened_at).chain(gathered).min()?;
        let expiry = oldest.plus(self.options.delivery_timeout);
        let later = |time: Option<Instant>| time.filter(|time| *time > now);
        let ready = later(self.accumulator.ready_at(id));
        [later(partition.hold_until), ready].into_iter().flatten().chain([expiry]).min()
    }

    /// Makes requests of what stands in line.
    pub(super) fn dispatch(&mut self, now: Instant, actions: &mut Vec<ProducerAction>) {
        while let Some(destination) = self.destinations.next_with_room() {
            let Some(bytes_max) = self.destinations.request_bytes_max(destination) else {
                self.destinations.connecting(destination);
                actions.push(ProducerAction::Connect(destination));
                continue;
            };
            let batches = self.gather(now, destination, bytes_max, actions);
            if batches.is_empty() {
                continue;
            }
            let request = self.requests.next_id();
            let mut sent = Vec::with_capacity(batches.len());
            let mut call = Vec::with_capacity(batches.len());
            for id in batches {
                let partition = self.partitions.get_mut(&id).expect("gathered partitions are known");
                let index = partition.next_to_send().expect("gathered partitions have a batch to send");
                partition.sent(now, index, request);
                partition.sent_to = Some(destination);
                let batch = &partition.window[index].batch;
                sent.push((id, batch.id));
                call.push((id, batch.bytes.clone()));
                self.arrange(now, id, actions);
            }
            self.requests.sent(request, destination, sent);
            self.destinations.sent(destination);
            let acks = self.options.acks;
            actions.push(ProducerAction::Send(ProduceCall { request, destination, acks, batches: call }));
        }
    }

    /// Takes partitions off the line until a request is full. Each has a numbered batch that may leave.
    fn gather(
        &mut self,
        now: Instant,
        destination: Destination,
        bytes_max: usize,
        actions: &mut Vec<ProducerAction>,
    ) -> Vec<PartitionId> {
        let mut gathered = Vec::new();
        let mut bytes = 0;
        let mut line: VecDeque<PartitionId> = self.destinations.take_line(destination);
        while let Some(id) = line.pop_front() {
            // A partition that is gone may still stand in line.
            let Some(partition) = self.partitions.get_mut(&id) else { continue };
            if partition.route != Route::To(destination) {
                partition.is_listed = false;
                self.arrange(now, id, actions);
                continue;
            }
            if !self.is_sendable(now, id, actions) {
                self.partitions.get_mut(&id).expect("looked at a moment ago").is_listed = false;
                continue;
            }
            let size = self.next_size(id);
            let is_full = gathered.len() >= limits::REQUEST_PARTITIONS_MAX;
            if is_full || (!gathered.is_empty() && bytes + size > bytes_max) {
                line.push_front(id);
                break;
            }
            self.number_next(id, actions);
            self.partitions.get_mut(&id).expect("looked at a moment ago").is_listed = false;
            bytes += size;
            gathered.push(id);
        }
        self.destinations.return_line(destination, line);
        gathered
    }

    /// Bytes of the batch that a sendable partition sends next, at most.
    fn next_size(&self, id: PartitionId) -> usize {
        let partition = &self.partitions[&id];
        match partition.next_to_send() {
            Some(index) => partition.window[index].batch.bytes.len(),
            None => self.accumulator.next_bytes(id),
        }
    }

    /// Makes sure that a sendable partition has a numbered batch to send.
    fn number_next(&mut self, id: PartitionId, actions: &mut Vec<ProducerAction>) {
        let partition = self.partitions.get_mut(&id).expect("sendable partitions are known");
        if partition.next_to_send().is_some() {
            return;
        }
        let identity = match self.identity.numbering() {
            Numbering::None => None,
            Numbering::Under(identity) => Some(identity),
            Numbering::Awaited => unreachable!("a partition that needs an identity is not sendable without"),
        };
        let (_, _, record_count) = self.accumulator.next_batch(id).expect("a sendable partition has records");
        let stamp = partition.stamp(identity, record_count);
        let batch = self.accumulator.seal(id, stamp).expect("a sendable partition has records");
        if batch.was_open {
            actions.push(ProducerAction::BatchClosed(id));
        }
        partition.push(batch, stamp);
    }
}
