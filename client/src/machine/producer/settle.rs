//! What an answer, or the lack of one, means for the batches of a request.

use base::{Instant, Offset, PartitionId, Timestamp};
use wire::native::{Acks, ProducedPartition, StageTimings};

use super::ProducerCore;
use super::event::{Delivered, DeliveryError, Idempotence, ProducerAction, RequestId, Sent};
use super::identity::Renewal;
use super::partition::Numbered;
use crate::machine::accumulator::BatchId;
use crate::machine::refusal::{Fate, Reaction, Refusal};

/// What became of one attempt to send one batch.
pub(super) enum Attempt<'a> {
    Judged(&'a ProducedPartition<'a>, Option<StageTimings>),
    Refused(Refusal),
    Lost(Sent),
    Written,
}

impl ProducerCore {
    pub(super) fn answered(
        &mut self,
        now: Instant,
        request: RequestId,
        answers: &[ProducedPartition<'_>],
        timings: Option<StageTimings>,
        actions: &mut Vec<ProducerAction>,
    ) {
        let mut unread = answers;
        for (partition, batch) in self.take_request(request) {
            let is_for = |answer: &&ProducedPartition<'_>| {
                (answer.topic, answer.partition) == (partition.topic, partition.index)
            };
            // Answers come in the order of the request; one that doesn't is found all the same.
            let answer = match unread.split_first() {
                Some((next, rest)) if is_for(&next) => {
                    unread = rest;
                    Some(next)
                }
                _ => answers.iter().find(is_for),
            };
            if let Some(core) = answer.and_then(|answer| answer.core) {
                actions.push(ProducerAction::FoundElsewhere(partition, core));
            }
            let attempt = match answer {
                Some(answer) if answer.error.is_none() => Attempt::Judged(answer, timings),
                Some(answer) => Attempt::Refused(Refusal::new(answer.error, answer.message)),
                None => Attempt::Lost(Sent::Perhaps),
            };
            self.settle(now, partition, batch, attempt, actions);
        }
    }

    pub(super) fn settle_all<'a>(
        &mut self,
        now: Instant,
        request: RequestId,
        attempt: impl Fn() -> Attempt<'a>,
        actions: &mut Vec<ProducerAction>,
    ) {
        for (partition, batch) in self.take_request(request) {
            self.settle(now, partition, batch, attempt(), actions);
        }
    }

    fn take_request(&mut self, request: RequestId) -> Vec<(PartitionId, BatchId)> {
        let Some((destination, batches)) = self.requests.take(request) else { return Vec::new() };
        self.destinations.answered(destination);
        batches
    }

    /// One attempt is over.
    fn settle(
        &mut self,
        now: Instant,
        id: PartitionId,
        batch: BatchId,
        attempt: Attempt<'_>,
        actions: &mut Vec<ProducerAction>,
    ) {
        let partition = self.partitions.get_mut(&id).expect("partitions stay while attempts are under way");
        partition.attempts -= 1;
        // A batch that ran out of time meanwhile is no longer there.
        if let Some(index) = partition.position(batch) {
            match attempt {
                Attempt::Judged(answer, timings) => {
                    let (base_offset, log_append_time) = (answer.base_offset, answer.log_append_time);
                    let numbered = partition.succeed(index);
                    self.delivered(now, id, &numbered, (base_offset, log_append_time, timings), actions);
                }
                Attempt::Written => {
                    let numbered = partition.succeed(index);
                    self.delivered(now, id, &numbered, (None, None, None), actions);
                }
                Attempt::Lost(sent) => self.lost(now, id, index, sent, actions),
                Attempt::Refused(refusal) => self.refused(now, id, index, refusal, actions),
            }
        }
        self.arrange(now, id, actions);
    }

    fn delivered(
        &mut self,
        now: Instant,
        partition: PartitionId,
        numbered: &Numbered,
        (base_offset, log_append_time, timings): (Option<Offset>, Option<Timestamp>, Option<StageTimings>),
        actions: &mut Vec<ProducerAction>,
    ) {
        let departed = numbered.first_sent_at.unwrap_or(numbered.last_sent_at);
        let delivered = Delivered {
            partition,
            base_offset,
            log_append_time,
            timings,
            queued: departed.since(numbered.batch.opened_at),
            answered: now.since(numbered.last_sent_at),
        };
        self.complete(numbered, Ok(delivered), actions);
    }

    fn lost(&mut self, now: Instant, id: PartitionId, index: usize, sent: Sent, actions: &mut Vec<ProducerAction>) {
        let partition = self.partitions.get_mut(&id).expect("the partition of an attempt");
        partition.lost(index, sent);
        if self.options.acks == Acks::None && sent == Sent::Perhaps {
            // Nobody would know whether a repetition is one.
            let numbered = partition.give_up(index);
            self.complete(&numbered, Err(DeliveryError::InDoubt { partition: id }), actions);
        } else {
            partition.hold(now, &mut self.random);
        }
    }

    fn refused(
        &mut self,
        now: Instant,
        id: PartitionId,
        index: usize,
        refusal: Refusal,
        actions: &mut Vec<ProducerAction>,
    ) {
        let is_idempotent = self.options.idempotence == Idempotence::On;
        let partition = self.partitions.get_mut(&id).expect("the partition of an attempt");
        let fate_before = partition.refused(index, &refusal);
        match refusal.reaction_of_producer() {
            Reaction::Retry => partition.hold(now, &mut self.random),
            Reaction::RefreshAndRetry => {
                partition.hold(now, &mut self.random);
                actions.push(ProducerAction::RefreshMetadata(id.topic));
            }
            Reaction::Duplicate if fate_before == Fate::Unknown || !is_idempotent => {
                let numbered = partition.succeed(index);
                self.delivered(now, id, &numbered, (None, None, None), actions);
            }
            // It claims to have what was never sent: it speaks of another producer of the same name.
            Reaction::Duplicate | Reaction::Fenced if is_idempotent => partition.lose_run(Renewal::Id),
            // The batches before it are still under way, or will be sent again before it.
            Reaction::OutOfSequence if is_idempotent && index > 0 => partition.hold(now, &mut self.random),
            Reaction::OutOfSequence if is_idempotent => partition.lose_run(Renewal::Epoch),
            Reaction::GiveUp | Reaction::Duplicate | Reaction::Fenced | Reaction::OutOfSequence => {
                let numbered = partition.give_up(index);
                let fate = numbered.fate();
                self.complete(&numbered, Err(DeliveryError::Refused { partition: id, refusal, fate }), actions);
            }
        }
    }

    pub(super) fn complete(
        &mut self,
        numbered: &Numbered,
        outcome: Result<Delivered, DeliveryError>,
        actions: &mut Vec<ProducerAction>,
    ) {
        self.accumulator.release(&numbered.batch);
        self.complete_id(numbered.batch.id, outcome, actions);
    }

    pub(super) fn complete_id(
        &mut self,
        batch: BatchId,
        outcome: Result<Delivered, DeliveryError>,
        actions: &mut Vec<ProducerAction>,
    ) {
        let was_incomplete = self.incomplete.remove(&batch);
        assert!(was_incomplete, "batch {batch:?} was done before");
        actions.push(ProducerAction::Complete { batch, outcome });
    }
}
