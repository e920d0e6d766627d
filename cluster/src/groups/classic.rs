//! The classic protocol: members join, one of them assigns, all sync.
//!
//! ```text
//!            first join            all joined or time is up             leader synced
//!   Empty ──────────────▶ Preparing ──────────────────▶ Completing ──────────────────▶ Stable
//!     ▲                   │  ▲   ▲                          │                             │
//!     └───────────────────┘  │   └────── join, leave ───────┘                             │
//!      nobody is left        └────────────────── join, leave, silence ────────────────────┘
//! ```
//! Memory has what the log has not: who waits, what members prefer, generations between two stable ones. After a
//! restart of the coordinator a group is what its last record says, Stable or Empty, and sessions start anew.

mod expire;
mod join;
mod leave;
mod member;
mod rebalance;
mod replace;
mod sync;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use base::Timestamp;

use super::embedded::{CONSUMER, Subscription};
use super::memory::PENDING_BYTES;
use super::proposal::millis;
use super::{
    Blob, ClassicMemberMetadata, ClassicMetadata, Epoch, GroupError, GroupId, GroupRecord, InstanceId, MemberId,
    OffsetCommitRequest, Protocol, Token,
};
use crate::metadata::TopicName;
pub(super) use member::ClassicMember;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ClassicState {
    Empty,
    Preparing,
    Completing,
    Stable,
}

/// A group of the classic protocol as it is in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClassicGroup {
    state: ClassicState,
    /// Preparing from Empty is the initial rebalance, which waits for more members than it knows.
    came_from: ClassicState,
    state_since: Option<Timestamp>,
    generation: Epoch,
    protocol_type: Option<Arc<str>>,
    protocol: Option<Arc<str>>,
    leader: Option<MemberId>,
    members: BTreeMap<MemberId, ClassicMember>,
    instances: BTreeMap<InstanceId, MemberId>,
    /// Were told to join with their id, and have not yet.
    pending_join: BTreeSet<MemberId>,
    pending_sync: BTreeSet<MemberId>,
    /// Of the initial rebalance: the last wait, what may be added to it, and whether somebody came meanwhile.
    initial: Option<InitialRebalance>,
    joining: usize,
    /// How many members know a protocol.
    protocols: BTreeMap<Arc<str>, usize>,
    /// `None` when they cannot be known.
    topics: Option<BTreeSet<TopicName>>,
    bytes: usize,
    /// What members and those who were told to join take.
    memory: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct InitialRebalance {
    delay: Duration,
    remaining: Duration,
    member_added: bool,
}

impl ClassicGroup {
    pub(super) fn new() -> Self {
        Self {
            state: ClassicState::Empty,
            came_from: ClassicState::Empty,
            state_since: None,
            generation: Epoch::ZERO,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            instances: BTreeMap::new(),
            pending_join: BTreeSet::new(),
            pending_sync: BTreeSet::new(),
            initial: None,
            joining: 0,
            protocols: BTreeMap::new(),
            topics: None,
            bytes: 0,
            memory: 0,
        }
    }

    /// The group that a record tells of.
    pub(super) fn from_record(record: &ClassicMetadata) -> Self {
        let mut group = Self::new();
        group.generation = record.generation;
        group.protocol_type = Some(record.protocol_type.clone()).filter(|kind| !kind.is_empty());
        group.protocol.clone_from(&record.protocol);
        group.state_since = record.state_since;
        for member in &record.members {
            group.add(ClassicMember::from_record(member, record));
        }
        if let Some(leader) = record.leader.as_ref().filter(|leader| group.members.contains_key(*leader)) {
            group.leader = Some(leader.clone());
        }
        group.state = if group.members.is_empty() { ClassicState::Empty } else { ClassicState::Stable };
        group.topics = group.subscribed_topics();
        group
    }

    /// A stable group of these members, as a consumer group becomes it. `None` when they have no protocol in common.
    pub(super) fn stable(generation: Epoch, members: Vec<ClassicMember>, now: Timestamp) -> Option<Self> {
        let mut group = Self::new();
        group.generation = generation;
        group.protocol_type = Some(CONSUMER.into());
        members.into_iter().for_each(|member| group.add(member));
        let everybody = group.members.len();
        group.protocols.values().find(|count| **count == everybody)?;
        group.protocol = Some(group.selected_protocol());
        group.topics = group.subscribed_topics();
        group.state = ClassicState::Stable;
        group.state_since = Some(now);
        Some(group)
    }

    pub(super) fn record(
        &self,
        group: &GroupId,
        assignment: impl Fn(&MemberId, &ClassicMember) -> Blob,
    ) -> GroupRecord {
        let member = |(id, member): (&MemberId, &ClassicMember)| ClassicMemberMetadata {
            member: id.clone(),
            instance: member.instance.clone(),
            client_id: member.client.id.clone(),
            client_host: member.client.host.clone(),
            rebalance_timeout_ms: member.rebalance_timeout_ms,
            session_timeout_ms: member.session_timeout_ms,
            subscription: member.metadata(self.protocol.as_ref()),
            assignment: assignment(id, member),
        };
        let value = ClassicMetadata {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            state_since: self.state_since,
            members: self.members.iter().map(member).collect(),
        };
        GroupRecord::Classic { group: group.clone(), value: Some(Arc::new(value)) }
    }

    fn transition(&mut self, state: ClassicState, now: Timestamp) {
        self.came_from = self.state;
        self.state = state;
        self.state_since = Some(now);
    }

    fn add(&mut self, member: ClassicMember) {
        if self.members.is_empty() {
            self.protocol_type = Some(member.protocol_type.clone());
        }
        if self.leader.is_none() {
            self.leader = Some(member.id.clone());
        }
        if let Some(instance) = &member.instance {
            let taken = self.instances.insert(instance.clone(), member.id.clone());
            assert!(taken.is_none(), "instance {instance} is already a member, {taken:?}");
        }
        self.forget_pending(&member.id);
        self.count(&member);
        let replaced = self.members.insert(member.id.clone(), member);
        assert!(replaced.is_none(), "a member is added twice");
    }

    /// Takes a member out, whether it has joined or not. What it waits for must have been answered.
    fn remove(&mut self, id: &MemberId) -> Option<ClassicMember> {
        self.forget_pending(id);
        self.pending_sync.remove(id);
        let member = self.members.remove(id)?;
        self.uncount(&member);
        if let Some(instance) = &member.instance {
            self.instances.remove(instance);
        }
        if self.leader.as_ref() == Some(id) {
            self.leader = self.members.keys().next().cloned();
        }
        Some(member)
    }

    fn count(&mut self, member: &ClassicMember) {
        for protocol in &member.protocols {
            *self.protocols.entry(protocol.name.clone()).or_default() += 1;
        }
        self.joining += usize::from(member.join.is_some());
        self.bytes += member.bytes();
        self.memory += member.memory();
    }

    fn uncount(&mut self, member: &ClassicMember) {
        for protocol in &member.protocols {
            let count = self.protocols.get_mut(&protocol.name).expect("protocols of members are counted");
            *count -= 1;
            if *count == 0 {
                self.protocols.remove(&protocol.name);
            }
        }
        self.joining -= usize::from(member.join.is_some());
        self.bytes -= member.bytes();
        self.memory -= member.memory();
    }

    /// Expects a client to join with this id.
    fn expect_join(&mut self, id: MemberId) {
        let bytes = PENDING_BYTES + id.as_str().len();
        if self.pending_join.insert(id) {
            self.memory += bytes;
        }
    }

    /// Whether a client was expected to join with this id; it is not any more.
    fn forget_pending(&mut self, id: &MemberId) -> bool {
        let was_expected = self.pending_join.remove(id);
        if was_expected {
            self.memory -= PENDING_BYTES + id.as_str().len();
        }
        was_expected
    }

    /// Bytes that the group takes, beside its entry and what the log says of it.
    pub(super) fn memory(&self) -> usize {
        self.memory
    }

    /// Whether a client has been told to join with this id and has not come yet.
    pub(super) fn expects(&self, id: &MemberId) -> bool {
        self.pending_join.contains(id)
    }

    /// A member by its id, or by its instance id.
    pub(super) fn known(&self, id: &MemberId, instance: Option<&InstanceId>) -> Option<&ClassicMember> {
        self.members.get(id).or_else(|| self.members.get(self.instances.get(instance?)?))
    }

    /// Changes a member, and what is counted of it.
    fn update<T>(&mut self, id: &MemberId, change: impl FnOnce(&mut ClassicMember) -> T) -> T {
        let mut member = self.members.remove(id).expect("only members are updated");
        self.uncount(&member);
        let result = change(&mut member);
        self.count(&member);
        self.members.insert(id.clone(), member);
        result
    }

    /// The protocol that all members know and most prefer; of equals the first by name.
    fn selected_protocol(&self) -> Arc<str> {
        let everybody = self.members.len();
        let mut votes: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
        for member in self.members.values() {
            let known = |name: &Arc<str>| self.protocols.get(name).is_some_and(|count| *count == everybody);
            let vote = member.protocols.iter().map(|protocol| &protocol.name).find(|name| known(name));
            *votes.entry(vote.expect("members have a protocol in common")).or_default() += 1;
        }
        let best = votes.into_iter().min_by_key(|(_, count)| std::cmp::Reverse(*count));
        best.expect("only a group with members selects a protocol").0.clone()
    }

    fn supports(&self, protocol_type: &Arc<str>, protocols: &[Protocol]) -> bool {
        if self.state == ClassicState::Empty {
            return !protocol_type.is_empty() && !protocols.is_empty();
        }
        let everybody = self.members.len();
        let known = |name: &Arc<str>| self.protocols.get(name).copied().unwrap_or(0) == everybody;
        self.protocol_type.as_ref() == Some(protocol_type) && protocols.iter().any(|protocol| known(&protocol.name))
    }

    /// Topics that members have subscribed to, when they say so in a way that is known.
    fn subscribed_topics(&self) -> Option<BTreeSet<TopicName>> {
        if !self.uses_consumer_protocol_type() {
            return None;
        }
        let mut topics = BTreeSet::new();
        if !self.members.is_empty() {
            self.protocol.as_ref()?;
        }
        for member in self.members.values() {
            topics.extend(Subscription::read(&member.metadata(self.protocol.as_ref()))?.topics);
        }
        Some(topics)
    }

    fn check_member(&self, id: &MemberId, instance: Option<&InstanceId>) -> Result<(), GroupError> {
        if let Some(instance) = instance {
            match self.instances.get(instance) {
                None => return Err(GroupError::UnknownMemberId),
                Some(known) if known != id => return Err(GroupError::FencedInstanceId),
                Some(_) => {}
            }
        }
        if self.members.contains_key(id) { Ok(()) } else { Err(GroupError::UnknownMemberId) }
    }

    fn check_generation(&self, got: Epoch) -> Result<(), GroupError> {
        let current = self.generation;
        if got == current { Ok(()) } else { Err(GroupError::IllegalGeneration { got, current }) }
    }

    /// Whether offsets may be committed. A group without members takes them from anybody who does not claim to be one.
    pub(super) fn check_commit(&self, request: &OffsetCommitRequest) -> Result<(), GroupError> {
        if request.generation < Epoch::ZERO && self.state == ClassicState::Empty {
            return Ok(());
        }
        if request.generation < Epoch::ZERO && request.member.is_empty() && request.instance.is_none() {
            return Err(GroupError::UnknownMemberId);
        }
        self.check_member(&request.member, request.instance.as_ref())?;
        self.check_generation(request.generation)?;
        if self.state == ClassicState::Completing { Err(GroupError::RebalanceInProgress) } else { Ok(()) }
    }

    fn has_all_joined(&self) -> bool {
        self.members.len() == self.joining && self.pending_join.is_empty()
    }

    fn rebalance_timeout(&self) -> Duration {
        millis(self.members.values().map(|member| member.rebalance_timeout_ms).max().unwrap_or(0))
    }

    fn is_leader(&self, id: &MemberId) -> bool {
        self.leader.as_ref() == Some(id)
    }

    pub(super) fn state(&self) -> ClassicState {
        self.state
    }

    pub(super) fn state_since(&self) -> Option<Timestamp> {
        self.state_since
    }

    pub(super) fn generation(&self) -> Epoch {
        self.generation
    }

    pub(super) fn protocol_type(&self) -> Option<&Arc<str>> {
        self.protocol_type.as_ref()
    }

    pub(super) fn protocol(&self) -> Option<&Arc<str>> {
        self.protocol.as_ref()
    }

    pub(super) fn members(&self) -> impl Iterator<Item = (&MemberId, &ClassicMember)> {
        self.members.iter()
    }

    pub(super) fn member_count(&self) -> usize {
        self.members.len()
    }

    pub(super) fn uses_consumer_protocol_type(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER)
    }

    /// Nobody is in it or was told to come.
    pub(super) fn is_deserted(&self) -> bool {
        self.state == ClassicState::Empty && self.pending_join.is_empty()
    }

    /// A group whose subscriptions cannot be read counts as subscribed to everything.
    pub(super) fn is_subscribed_to(&self, topic: &TopicName) -> bool {
        match &self.topics {
            Some(topics) => topics.contains(topic),
            None => self.uses_consumer_protocol_type(),
        }
    }

    pub(super) fn knows_its_topics(&self) -> bool {
        self.topics.is_some()
    }

    /// All who wait to join, and all who wait to sync.
    pub(super) fn parked(&self) -> (Vec<(MemberId, Token)>, Vec<Token>) {
        let joins = self.members.values().filter_map(|member| Some((member.id.clone(), member.join?)));
        (joins.collect(), self.members.values().filter_map(|member| member.sync).collect())
    }

    /// Counts and indexes agree with the members.
    pub(super) fn check(&self) {
        debug_assert_eq!(self.joining, self.members.values().filter(|member| member.join.is_some()).count());
        debug_assert_eq!(self.bytes, self.members.values().map(ClassicMember::bytes).sum::<usize>());
        let pending = || self.pending_join.iter().map(|id| PENDING_BYTES + id.as_str().len());
        debug_assert_eq!(self.memory, self.members.values().map(ClassicMember::memory).chain(pending()).sum::<usize>());
        let statics = || self.members.values().filter(|member| member.instance.is_some()).count();
        debug_assert_eq!(self.instances.len(), statics(), "instances and static members differ");
        let leads = self.leader.as_ref().is_none_or(|leader| self.members.contains_key(leader));
        assert!(leads, "the leader {:?} is not a member", self.leader);
        if self.state != ClassicState::Preparing {
            assert_eq!(self.joining, 0, "members wait to join a group in state {:?}", self.state);
        }
        if self.state == ClassicState::Empty {
            assert_eq!(self.members.len(), 0, "an empty group has members");
        }
    }
}
