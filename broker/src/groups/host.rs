//! The host of one coordinator: it carries out what the coordinator decides.

use std::cell::{Cell, Ref, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::rc::Rc;

use base::{Bounded, Instant, PartitionId};
use cluster::groups::{Answer, Append, AppendFailure, BatchId, Coordinator, Decision, Now, Token};
use cluster::metadata::{MetadataImage, TopicName};
use shard::task_queues::FOREGROUND;
use wire::ErrorCode;

use super::ask::Place;
use super::gather::{Encoded, Gathered, Gathering};
use super::{Ask, AskResult, FetchOffsets, Listed, Told, load, now};
use crate::core::Core;
use crate::leader::{AppendResult, Progress};
use crate::limits;
use crate::messages::{Caller, Reply};
use crate::refusal::Refusal;

/// See the module.
pub(super) struct Host {
    pub(super) id: PartitionId,
    state: RefCell<State>,
    waiters: RefCell<BTreeMap<Token, Waiter>>,
    next_token: Cell<u64>,
    /// What was decided in this turn of the core.
    gathering: RefCell<Gathering>,
    /// A task will append it.
    is_gathering: Cell<bool>,
    /// Batches that are on their way into the log, in its order.
    appends: RefCell<Bounded<InLog>>,
    /// A task waits for them.
    is_settling: Cell<bool>,
    /// What its groups take of the memory of all groups of the core.
    memory: Cell<usize>,
}

enum State {
    /// The log is being read.
    Loading,
    /// The log could not be read; it is tried again.
    Unreadable,
    Serving(Box<Coordinator>),
    Unloaded,
}

struct InLog {
    /// Whose records are in the batch, in order.
    of: Vec<BatchId>,
    result: Pin<Box<dyn Future<Output = AppendResult>>>,
}

/// Who waits for an answer.
pub(super) enum Waiter {
    Here(Rc<Place>),
    /// On another core.
    There(Caller),
}

impl Waiter {
    pub(super) fn tell(self, core: &Core, result: AskResult) {
        match self {
            Self::Here(place) => place.fill(result),
            Self::There(caller) => core.mesh.answer(caller.core, caller.call, Reply::Group(Box::new(result))),
        }
    }
}

impl Host {
    pub(super) fn new(id: PartitionId) -> Rc<Self> {
        Rc::new(Self {
            id,
            state: RefCell::new(State::Loading),
            waiters: RefCell::default(),
            next_token: Cell::new(0),
            gathering: RefCell::new(Gathering::new(id)),
            is_gathering: Cell::new(false),
            appends: RefCell::new(Bounded::new("groups.appends", limits::GROUP_APPENDS_MAX)),
            is_settling: Cell::new(false),
            memory: Cell::new(0),
        })
    }

    /// Reads the log and serves from then on.
    pub(super) fn begin(self: &Rc<Self>, core: &Rc<Core>) {
        let is_empty = core.shard.offsets(self.id).is_some_and(|offsets| offsets.log_start == offsets.log_end);
        // Nor may an earlier host's records stand in line for it.
        let is_empty = is_empty && core.shard.room(0).is_some();
        if is_empty {
            // As of a topic that has just been made: its first client need not come again.
            return self.serve(core, cluster::groups::GroupState::default());
        }
        drop(rt::spawn(FOREGROUND, Rc::clone(self).load(Rc::clone(core))));
    }

    async fn load(self: Rc<Self>, core: Rc<Core>) {
        while !self.is_unloaded() {
            match load::read(&core, self.id, || self.is_unloaded()).await {
                Ok(Some(state)) if !self.is_unloaded() => return self.serve(&core, state),
                Ok(_) => return,
                Err(_) if self.is_unloaded() => return,
                Err(error) => {
                    let retry = limits::GROUP_LOAD_RETRY;
                    tracing::error!(id = %self.id, %error, ?retry, "groups cannot be coordinated: their log cannot be read");
                    self.replace_unless_unloaded(State::Unreadable);
                    futures_lite::future::or(rt::sleep(retry), core.connections.closing()).await;
                    if core.connections.is_closing() {
                        return;
                    }
                    self.replace_unless_unloaded(State::Loading);
                }
            }
        }
    }

    fn is_unloaded(&self) -> bool {
        matches!(*self.state.borrow(), State::Unloaded)
    }

    fn replace_unless_unloaded(&self, state: State) {
        if !self.is_unloaded() {
            *self.state.borrow_mut() = state;
        }
    }

    fn serve(self: &Rc<Self>, core: &Rc<Core>, state: cluster::groups::GroupState) {
        let image = core.view().image.clone();
        let gone = load::topics_that_are_gone(&state, &image);
        let (groups, offsets, now) = (state.len(), state.offset_count(), now());
        let (mut coordinator, first) = Coordinator::new(core.groups.settings.clone(), state, image.clone(), now);
        let second = if gone.is_empty() { Decision::default() } else { coordinator.topics_changed(image, &gone, now) };
        self.account(core, coordinator.memory());
        *self.state.borrow_mut() = State::Serving(Box::new(coordinator));
        if groups > 0 {
            let memory = self.memory.get();
            tracing::info!(id = %self.id, groups, offsets, memory, "groups are coordinated here");
        }
        self.carry_out(core, [first, second]);
    }

    /// Ends the host: whoever waits is told that this is not the place any more.
    pub(super) fn unload(&self, core: &Core) {
        let before = std::mem::replace(&mut *self.state.borrow_mut(), State::Unloaded);
        self.account(core, 0);
        if let State::Serving(coordinator) = before {
            for answer in coordinator.unload() {
                self.answer(core, answer);
            }
        }
        let left = std::mem::take(&mut *self.waiters.borrow_mut());
        core.groups.waiting.set(core.groups.waiting.get() - left.len());
        for waiter in left.into_values() {
            waiter.tell(core, Err(ErrorCode::NotCoordinator.into()));
        }
    }

    pub(super) fn ask(self: &Rc<Self>, core: &Rc<Core>, ask: Ask, waiter: Waiter) {
        let request = match ask {
            Ask::Change(request) => request,
            question => return waiter.tell(core, self.look_up(&question)),
        };
        if core.groups.waiting.get() >= limits::GROUP_REQUESTS_MAX {
            let text = format!("queue groups.requests is full at its limit of {}", limits::GROUP_REQUESTS_MAX);
            return waiter.tell(core, Err(Refusal::new(ErrorCode::CoordinatorNotAvailable, text)));
        }
        let token = Token(self.next_token.replace(self.next_token.get() + 1));
        let begun = rt::now();
        match self.with_coordinator(core, |coordinator| coordinator.decide(token, request, now())) {
            Ok(decision) => {
                self.waiters.borrow_mut().insert(token, waiter);
                core.groups.waiting.set(core.groups.waiting.get() + 1);
                self.carry_out(core, [decision]);
                core.worked_on(self.id, rt::now().since(begun));
            }
            Err(refusal) => waiter.tell(core, Err(refusal)),
        }
    }

    /// Lets the coordinator act, if there is one, and sees what that makes of the memory of groups.
    fn with_coordinator<R>(&self, core: &Core, act: impl FnOnce(&mut Coordinator) -> R) -> Result<R, Refusal> {
        let (result, memory) = match &mut *self.state.borrow_mut() {
            State::Serving(coordinator) => {
                coordinator.share_memory(core.groups.memory.get() - self.memory.get());
                (act(coordinator), coordinator.memory())
            }
            other => return Err(other.refusal()),
        };
        self.account(core, memory);
        Ok(result)
    }

    fn account(&self, core: &Core, memory: usize) {
        let before = self.memory.replace(memory);
        core.groups.memory.set(core.groups.memory.get() - before + memory);
    }

    fn serving(&self) -> Result<Ref<'_, Coordinator>, Refusal> {
        let state = self.state.borrow();
        if let State::Serving(_) = &*state {
            return Ok(Ref::map(state, |state| match state {
                State::Serving(coordinator) => &**coordinator,
                _ => unreachable!("it was looked at"),
            }));
        }
        Err(state.refusal())
    }

    fn look_up(&self, ask: &Ask) -> AskResult {
        let coordinator = self.serving()?;
        Ok(match ask {
            Ask::FetchOffsets(FetchOffsets { group, member, wanted }) => {
                let member = member.as_ref().map(|(member, epoch)| (member, *epoch));
                let found = coordinator.fetch_offsets(group, member)?;
                Told::Offsets(match wanted {
                    Some(wanted) => wanted
                        .iter()
                        .map(|(topic, index)| (topic.clone(), *index, found.get(topic.as_str(), *index).cloned()))
                        .collect(),
                    None => {
                        found.all().map(|(topic, index, value)| (topic.clone(), index, Some(value.clone()))).collect()
                    }
                })
            }
            Ask::DescribeClassic(group) => Told::Classic(coordinator.describe_classic(group)?),
            Ask::DescribeConsumer(group) => Told::Consumer(coordinator.describe_consumer(group)?),
            Ask::Change(_) => unreachable!("a change is decided on"),
        })
    }

    pub(super) fn list(&self, listed: &mut Listed) {
        match self.serving() {
            Ok(coordinator) => listed.groups.extend(coordinator.list()),
            Err(_) => listed.is_partial = true,
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.serving().ok().map(|coordinator| coordinator.next_deadline())
    }

    pub(super) fn tick(self: &Rc<Self>, core: &Rc<Core>, now: Now) {
        if self.next_deadline().is_some_and(|deadline| deadline <= now.instant)
            && let Ok(decision) = self.with_coordinator(core, |coordinator| coordinator.tick(now))
        {
            self.carry_out(core, [decision]);
        }
    }

    pub(super) fn topics_changed(self: &Rc<Self>, core: &Rc<Core>, image: &MetadataImage, deleted: &[TopicName]) {
        let change = |coordinator: &mut Coordinator| coordinator.topics_changed(image.clone(), deleted, now());
        // One that is not there yet takes the image that there is when its log is read.
        if let Ok(decision) = self.with_coordinator(core, change) {
            self.carry_out(core, [decision]);
        }
    }

    /// Sends answers and has records appended. What cannot be appended is decided on at once, after all that came before
    /// it.
    fn carry_out(self: &Rc<Self>, core: &Rc<Core>, decisions: impl Into<VecDeque<Decision>>) {
        let mut decisions = decisions.into();
        while let Some(Decision { appends, answers }) = decisions.pop_front() {
            for answer in answers {
                self.answer(core, answer);
            }
            for append in appends {
                if let Err(failure) = self.gather(core, &append, &mut decisions) {
                    self.fail(core, &[append.batch], failure, &mut decisions);
                }
            }
        }
        if let Some(deadline) = self.next_deadline() {
            core.groups.look_at(deadline);
        }
    }

    fn answer(&self, core: &Core, answer: Answer) {
        let waiter = self.waiters.borrow_mut().remove(&answer.token).expect("each request is answered once");
        core.groups.waiting.set(core.groups.waiting.get() - 1);
        waiter.tell(core, Ok(Told::Changed(answer.reply)));
    }

    fn fail(&self, core: &Core, batches: &[BatchId], failure: AppendFailure, decisions: &mut VecDeque<Decision>) {
        tracing::debug!(id = %self.id, ?failure, batches = batches.len(), "records of groups were not appended");
        for batch in batches {
            let fail = |coordinator: &mut Coordinator| coordinator.failed(*batch, failure, now());
            decisions.extend(self.with_coordinator(core, fail).ok());
        }
    }

    /// Has records appended at the end of this turn, or earlier if what came before them fills a batch.
    fn gather(
        self: &Rc<Self>,
        core: &Rc<Core>,
        append: &Append,
        decisions: &mut VecDeque<Decision>,
    ) -> Result<(), AppendFailure> {
        let encoded = Encoded::new(self.id, append)?;
        if !self.gathering.borrow().has_room_for(&encoded) {
            self.append_gathered(core, decisions);
        }
        self.gathering.borrow_mut().push(&encoded, rt::wall_clock())?;
        if !self.is_gathering.replace(true) {
            let (host, core) = (Rc::clone(self), Rc::clone(core));
            drop(rt::spawn(FOREGROUND, async move {
                host.is_gathering.set(false);
                let mut decisions = VecDeque::new();
                host.append_gathered(&core, &mut decisions);
                host.carry_out(&core, decisions);
            }));
        }
        Ok(())
    }

    fn append_gathered(self: &Rc<Self>, core: &Rc<Core>, decisions: &mut VecDeque<Decision>) {
        // An unloaded host has told everybody that their records were not appended.
        if self.is_unloaded() {
            return;
        }
        let Some(Gathered { of, request }) = self.gathering.borrow_mut().take() else { return };
        if self.appends.borrow().is_full() {
            return self.fail(core, &of, AppendFailure::Unavailable, decisions);
        }
        let result: Pin<Box<dyn Future<Output = AppendResult>>> = match core.append(request) {
            Progress::Done(Err(refusal)) => return self.fail(core, &of, failure_of(&refusal), decisions),
            Progress::Done(done) => Box::pin(std::future::ready(done)),
            Progress::Waiting(rest) => rest,
        };
        let pushed = self.appends.borrow_mut().try_push(InLog { of, result });
        assert!(pushed.is_ok(), "there was room");
        if !self.is_settling.replace(true) {
            drop(rt::spawn(FOREGROUND, Rc::clone(self).settle(Rc::clone(core))));
        }
    }

    /// Reports what became of the batches, in the order of the log.
    async fn settle(self: Rc<Self>, core: Rc<Core>) {
        loop {
            let next = self.appends.borrow_mut().pop();
            let Some(InLog { of, result }) = next else { break };
            let failure = result.await.err().map(|refusal| {
                tracing::warn!(id = %self.id, why = refusal.text(), "records of groups were not appended");
                failure_of(&refusal)
            });
            for batch in of {
                let decision = self.with_coordinator(&core, |coordinator| match failure {
                    None => coordinator.committed(batch, now()),
                    Some(failure) => coordinator.failed(batch, failure, now()),
                });
                let Ok(decision) = decision else { break };
                self.carry_out(&core, [decision]);
                rt::yield_if_needed().await;
            }
        }
        self.is_settling.set(false);
    }
}

impl State {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Loading => ErrorCode::CoordinatorLoadInProgress.into(),
            Self::Unreadable => Refusal::new(ErrorCode::CoordinatorNotAvailable, "the log of the group cannot be read"),
            Self::Unloaded => ErrorCode::NotCoordinator.into(),
            Self::Serving(_) => unreachable!("it serves"),
        }
    }
}

/// What a client of a group is told of an append that failed.
fn failure_of(refusal: &Refusal) -> AppendFailure {
    match refusal.code {
        ErrorCode::NotLeaderOrFollower | ErrorCode::UnknownTopicOrPartition => AppendFailure::NotCoordinator,
        ErrorCode::RecordListTooLarge | ErrorCode::MessageTooLarge => AppendFailure::TooLarge,
        _ => AppendFailure::Unavailable,
    }
}
