//! Partitions that change their core while they are used.
//!
//! 1. The old core asks every core to hold: from then on appends to the partition wait at the door where they came in.
//!    The answers come along the same lanes as appends, so that with the last of them nothing is on its way any more, and
//!    one connection's batches stay in their order.
//! 2. The old core's line of appends passes, and the [shard](shard::Shard::depart) brings the partition to rest.
//! 3. What both knew of it goes to the new core by way of the controller, which then gives all cores the new view. With
//!    that each of them sends on what it held.
//!
//! Reads and other questions are not held. Who asks a core that the partition has left asks again, once it is known where
//! the partition is; readers that wait are woken when it leaves.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use base::{Bounded, CoreId, Instant, LeaderEpoch, PartitionId};
use cluster::producers::ProducerTable;
use rt::{Flag, Notify};
use shard::task_queues::CONTROL;
use shard::{Departure, DepartureNumber};
use wire::ErrorCode;

use crate::core::Core;
use crate::leader::{AppendResult, Leader, Progress};
use crate::messages::{AppendRequest, ReadPart, Reply, Request};
use crate::produce::Part;
use crate::reads::ReadResult;
use crate::refusal::Refusal;
use crate::standing::StandingWaits;
use crate::view::ClusterView;
use crate::{limits, memory, start};

/// A partition on its way from one core to another.
#[derive(Debug)]
pub(crate) struct HandedOver {
    pub(crate) from: CoreId,
    pub(crate) departure: Departure,
    pub(crate) epoch: LeaderEpoch,
    pub(crate) producers: ProducerTable,
}

impl HandedOver {
    pub(crate) fn id(&self) -> PartitionId {
        self.departure.id()
    }
}

/// Appends of the partition that changes its core; there is one such partition at a time.
#[derive(Default)]
pub(crate) struct Holds {
    held: RefCell<Option<Held>>,
    released: Notify,
}

/// Partitions that have changed their core, as one core saw it.
#[derive(Default)]
pub(crate) struct MoveCounts {
    pub(crate) arrived: Cell<u64>,
    pub(crate) departed: Cell<u64>,
    /// What the balancer has asked for; on core 0 only.
    pub(crate) balanced: Cell<u64>,
}

struct Held {
    id: PartitionId,
    appends: Bounded<(AppendRequest, Rc<Place>)>,
}

/// Where an append that was held finds out what has become of it.
pub(crate) struct Place {
    part: RefCell<Option<Part>>,
    released: Flag,
    since: Instant,
    /// Of what the append has become meanwhile.
    memory: RefCell<Option<memory::Held>>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { part: RefCell::new(None), released: Flag::new(), since: rt::now(), memory: RefCell::new(None) }
    }

    /// Memory that counts until the append is answered.
    pub(crate) fn keep(&self, memory: memory::Held) {
        *self.memory.borrow_mut() = Some(memory);
    }

    pub(crate) fn release(&self, part: Part) {
        *self.part.borrow_mut() = Some(part);
        self.released.raise();
    }

    /// What became of the append, and how long it was held.
    pub(crate) async fn released(&self) -> (Part, Duration) {
        self.released.wait().await;
        let part = self.part.borrow_mut().take().expect("an append is released once");
        (part, rt::now().since(self.since))
    }
}

impl Core {
    /// Keeps appends to a partition here from now on.
    pub(crate) fn hold(self: &Rc<Self>, id: PartitionId) {
        let before = self.holds.held.borrow().as_ref().map(|held| held.id);
        if let Some(before) = before {
            // Another core has stopped before all were told of the end of that move.
            self.release(before);
        }
        let appends = Bounded::new("core.held", limits::HELD_APPENDS_MAX);
        *self.holds.held.borrow_mut() = Some(Held { id, appends });
    }

    pub(crate) fn is_held(&self, id: PartitionId) -> bool {
        self.holds.held.borrow().as_ref().is_some_and(|held| held.id == id)
    }

    /// Sends what was held to whoever has the partition now, in the order in which it came.
    pub(crate) fn release(self: &Rc<Self>, id: PartitionId) {
        let held = self.holds.held.borrow_mut().take_if(|held| held.id == id);
        let Some(mut held) = held else { return };
        while let Some((request, place)) = held.appends.pop() {
            place.release(self.route(request));
        }
        self.holds.released.notify_all();
    }

    /// Waits while so many appends are held that further ones might be refused.
    pub(crate) async fn room_among_held(&self) {
        while self.is_crowded_with_held() {
            self.holds.released.notified().await;
        }
    }

    pub(crate) fn is_crowded_with_held(&self) -> bool {
        self.holds.held.borrow().as_ref().is_some_and(|held| held.appends.len() >= limits::HELD_APPENDS_CROWDED)
    }

    /// Hands an append to the owner of its partition; what one connection appends to one partition stays in the order
    /// of these calls.
    pub(crate) fn route(self: &Rc<Self>, request: AppendRequest) -> Part {
        if let Some(held) = self.holds.held.borrow_mut().as_mut().filter(|held| held.id == request.id) {
            let place = Rc::new(Place::new());
            return match held.appends.try_push((request, Rc::clone(&place))) {
                Ok(()) => Part::Held(place),
                Err(full) => {
                    let text = format!("queue {} is full at its limit of {}", full.queue, full.limit);
                    Part::Done(Err(Refusal::new(ErrorCode::RequestTimedOut, text)))
                }
            };
        }
        let owner = self.owner_of(request.id);
        owner.inspect(|owner| self.count_hop(*owner));
        match owner {
            None => Part::Done(Err(ErrorCode::UnknownTopicOrPartition.into())),
            Some(owner) if owner == self.id => match self.append(request) {
                Progress::Done(result) => Part::Done(result),
                Progress::Waiting(rest) => Part::Waiting(rest),
            },
            Some(owner) => {
                Part::Elsewhere { sent: rt::now(), call: self.call(owner, Request::Append(Box::new(request))) }
            }
        }
    }

    /// Brings a partition of this core to its segments, so that handing it over takes little time.
    pub(crate) async fn prepare_hand_over(&self, id: PartitionId) -> Result<(), Refusal> {
        Ok(self.shard.prepare_departure(id).await?)
    }

    /// Takes a partition out of this core once nobody is at it; all cores hold its appends from here on.
    pub(crate) async fn hand_over(self: &Rc<Self>, id: PartitionId) -> Result<Box<HandedOver>, Refusal> {
        let others = CoreId::all(self.cores()).filter(|other| *other != self.id);
        let holding: Vec<_> = others.map(|other| self.call(other, Request::Hold(id))).collect();
        self.hold(id);
        // Without a limit: whoever was asked to hold must have done so before it is released.
        for call in holding {
            call.await?;
        }
        // Groups that are coordinated here append beside that line.
        self.release_groups(id);
        let handed = self.depart(id).await;
        if handed.is_err() {
            self.host_partition(id);
        }
        handed
    }

    async fn depart(&self, id: PartitionId) -> Result<Box<HandedOver>, Refusal> {
        let begun = rt::now();
        let limit = limits::HAND_OVER_TIME_MAX;
        if rt::timeout(limit, self.shard.line_passed()).await.is_err() {
            let text = format!("appends have been waiting for {limit:?}; the partition stays where it is");
            return Err(Refusal::new(ErrorCode::RequestTimedOut, text));
        }
        let left = limit.saturating_sub(rt::now().since(begun));
        let departure = self.shard.depart(id, left).await?;
        let leader = self.remove_leader(id).expect("a partition that is here has a leader");
        self.moves.departed.set(self.moves.departed.get() + 1);
        Ok(Box::new(HandedOver { from: self.id, departure, epoch: leader.epoch, producers: leader.producers }))
    }

    /// Takes a partition in, to go on with it where it was; gives it back if this core's storage has failed.
    pub(crate) fn take_over(self: &Rc<Self>, handed: Box<HandedOver>) -> Result<(), Box<HandedOver>> {
        let Some(topic) = self.topic(handed.id().topic).filter(|_| self.shard.failed().is_none()) else {
            return Err(handed);
        };
        let HandedOver { from, departure, epoch, producers } = *handed;
        let (id, number) = (departure.id(), departure.number());
        let arrival = self.shard.arrive(start::spec_of(id, &topic.settings), departure);
        let before = self.leaders.borrow_mut().insert(id, Leader::new(epoch, Rc::clone(&topic.settings)));
        assert!(before.is_none(), "{id} was led by two cores");
        self.moves.arrived.set(self.moves.arrived.get() + 1);
        self.take_in_producers(id, producers);
        drop(rt::spawn(CONTROL, Rc::clone(self).forget_due_producers()));
        self.host_partition(id);
        let core = Rc::clone(self);
        drop(rt::spawn(CONTROL, async move {
            if core.shard.is_kept(arrival).await {
                core.have_forgotten(from, id, number).await;
            }
        }));
        Ok(())
    }

    async fn have_forgotten(self: &Rc<Self>, from: CoreId, id: PartitionId, number: DepartureNumber) {
        if from == self.id {
            self.shard.forget_departed(id, number);
        } else if let Err(refusal) = self.call(from, Request::Forget(id, number)).await {
            // It keeps a row too many until the next start.
            tracing::debug!(%id, core = %from, why = refusal.text(), "the core that a partition has left was not told");
        }
    }

    /// Whether a partition is elsewhere than when `view` was looked at, or may be in a moment.
    fn has_moved_since(&self, view: &ClusterView, id: PartitionId) -> bool {
        let now = self.owner_of(id);
        self.is_held(id) || (now.is_some() && now != view.core_of(id))
    }

    /// Resolves once none of these partitions is on its way.
    async fn settled(&self, ids: impl Iterator<Item = PartitionId> + Clone) {
        while ids.clone().any(|id| self.is_held(id)) {
            self.holds.released.notified().await;
        }
    }

    /// Reads parts wherever they lie; results are in the order of the parts. Other cores of which `waits` knows what they
    /// have are not asked.
    pub(crate) async fn read(
        self: &Rc<Self>,
        parts: &[ReadPart],
        bytes_max: u32,
        waits: Option<&StandingWaits>,
    ) -> Vec<ReadResult> {
        let view = self.view();
        let results = self.read_once(parts, bytes_max, waits).await;
        let again = async |parts: &[ReadPart], so_far: &[ReadResult]| {
            let taken: u32 = so_far.iter().flatten().map(|reply| reply.bytes).fold(0, u32::saturating_add);
            self.read_once(parts, bytes_max.saturating_sub(taken), None).await
        };
        self.ask_again(parts, |part| part.id, (view, results), again).await
    }

    /// Has items worked on by the cores that own their partitions; what came of it is in the order of the items. `here`
    /// works on this core's own, `ask` and `unpack` go to the others and come back.
    pub(crate) async fn gather<T: Copy, R: Clone>(
        self: &Rc<Self>,
        items: &[T],
        id_of: impl Fn(&T) -> PartitionId,
        ask: impl Fn(Vec<T>) -> Request,
        here: impl AsyncFn(Vec<T>) -> Vec<Result<R, Refusal>>,
        unpack: impl Fn(Reply) -> Option<Vec<Result<R, Refusal>>>,
    ) -> Vec<Result<R, Refusal>> {
        let view = self.view();
        let results = self.gather_once(items, &id_of, &ask, &here, &unpack).await;
        let again =
            async |items: &[T], _: &[Result<R, Refusal>]| self.gather_once(items, &id_of, &ask, &here, &unpack).await;
        self.ask_again(items, &id_of, (view, results), again).await
    }

    /// Asks again for what was refused because its partition has moved since `view`, until nothing was. `again` hears what
    /// all have given so far.
    pub(crate) async fn ask_again<T: Copy, R, E>(
        &self,
        items: &[T],
        id_of: impl Fn(&T) -> PartitionId,
        (mut view, mut results): (Arc<ClusterView>, Vec<Result<R, E>>),
        again: impl AsyncFn(&[T], &[Result<R, E>]) -> Vec<Result<R, E>>,
    ) -> Vec<Result<R, E>> {
        loop {
            let lost = |index: &usize| results[*index].is_err() && self.has_moved_since(&view, id_of(&items[*index]));
            let lost: Vec<usize> = (0..items.len()).filter(lost).collect();
            if lost.is_empty() {
                return results;
            }
            self.settled(lost.iter().map(|index| id_of(&items[*index]))).await;
            view = self.view();
            let wanted: Vec<T> = lost.iter().map(|index| items[*index]).collect();
            let replies = again(&wanted, &results).await;
            for (index, reply) in lost.into_iter().zip(replies) {
                results[index] = reply;
            }
        }
    }

    /// Whether a partition that is not here has gone to another core, and was not deleted.
    pub(crate) fn is_elsewhere(&self, id: PartitionId) -> bool {
        self.view().core_of(id).is_some()
    }
}

/// The time that an append was held counts as waiting in a queue.
pub(crate) fn with_time_held(result: AppendResult, held: Duration) -> AppendResult {
    use wire::native::Stage;
    result.map(|mut reply| {
        let queued = reply.timings.get(Stage::Queue).saturating_add(crate::stages::microseconds(held));
        reply.timings.set(Stage::Queue, queued);
        reply
    })
}
