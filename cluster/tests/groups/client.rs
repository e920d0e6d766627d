//! What all simulated members have in common.

use std::collections::{BTreeMap, BTreeSet};

use base::{PartitionIndex, SeededRandom};
use cluster::groups::{
    Client as GroupClient, ConsumerHeartbeatRequest, Coordinator, Epoch, GroupId, InstanceId, MemberId,
    OffsetCommitRequest, OffsetToCommit, Partitions, Reply, Request,
};
use cluster::metadata::TopicName;

use crate::oracle::Oracle;

pub(crate) type Partition = (TopicName, PartitionIndex);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not running.
    Down,
    /// Another process has its instance id: it is not meant to run.
    Fenced,
    Joining,
    Syncing,
    Member,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    Classic,
    Consumer,
}

/// Which assignors a member knows while it speaks the classic protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Knows {
    Eager,
    /// On its way from one to the other: as long as it knows an eager one, it is eager.
    Both,
    Cooperative,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    Join,
    Heartbeat,
    Commit,
    /// A request has waited long enough for its answer.
    Timeout(u64),
}

/// One process, which may come back after it went.
pub(crate) struct Client {
    pub(crate) number: usize,
    pub(crate) speaks: Speaks,
    pub(crate) knows: Knows,
    /// Its messages do not overtake each other, and a repeated one comes right behind the first.
    pub(crate) in_order: bool,
    pub(crate) group: GroupId,
    pub(crate) instance: Option<InstanceId>,
    pub(crate) topics: Vec<TopicName>,
    pub(crate) life: u64,
    pub(crate) phase: Phase,
    pub(crate) member: MemberId,
    pub(crate) epoch: Epoch,
    /// What it reads from.
    pub(crate) owned: BTreeSet<Partition>,
    /// What it was told to read from, and has not come to yet.
    pub(crate) assigned: Option<BTreeSet<Partition>>,
    /// Its next heartbeat repeats everything.
    pub(crate) says_all: bool,
    /// A heartbeat that was not answered: one that is terse sends it again as it was.
    pub(crate) unanswered: Option<ConsumerHeartbeatRequest>,
    /// What it said last that it owns: one that is terse says so only when that changes.
    pub(crate) said_to_own: Option<Partitions>,
    /// When its last message arrives, for who sends in order.
    pub(crate) last_arrival_ms: u64,
    /// The same of its commits: a consumer sends them over one connection, too.
    pub(crate) last_commit_arrival_ms: u64,
    /// How far it has read in what it owns, from where the group resumed; of others it is still to ask.
    positions: BTreeMap<Partition, u64>,
    /// The call with which it asked last. A commit from before that has arrived by then, or is lost.
    pub(crate) resumed_with: u64,
    /// The request that the next step waits for.
    pub(crate) call: Option<u64>,
    pub(crate) commit_call: Option<u64>,
    /// What that commit says.
    committing: BTreeMap<Partition, u64>,
    ids: u64,
}

/// How a client reaches the world.
pub(crate) struct Io<'a> {
    pub(crate) random: &'a mut SeededRandom,
    pub(crate) oracle: &'a mut Oracle,
    pub(crate) calls: &'a mut u64,
    pub(crate) sent: Vec<(u64, Request)>,
    pub(crate) timers: Vec<(u64, Tag)>,
}

impl Io<'_> {
    /// Sends a request that is given up after some time.
    pub(crate) fn call(&mut self, request: Request, timeout_ms: u64) -> u64 {
        let call = *self.calls;
        *self.calls += 1;
        self.sent.push((call, request));
        self.timers.push((timeout_ms, Tag::Timeout(call)));
        call
    }

    /// Wakes the client at a random time in a span.
    pub(crate) fn wake_within(&mut self, from_ms: u64, span_ms: u64, tag: Tag) {
        let after = from_ms + self.random.below(span_ms);
        self.wake(after, tag);
    }

    pub(crate) fn wake(&mut self, after_ms: u64, tag: Tag) {
        self.timers.push((after_ms, tag));
    }
}

impl Client {
    pub(crate) fn new(
        number: usize,
        (speaks, knows): (Speaks, Knows),
        group: GroupId,
        instance: Option<InstanceId>,
        topics: Vec<TopicName>,
    ) -> Self {
        Self {
            number,
            speaks,
            knows,
            in_order: true,
            group,
            instance,
            topics,
            life: 0,
            phase: Phase::Down,
            member: MemberId::new(""),
            epoch: Epoch::ZERO,
            owned: BTreeSet::new(),
            assigned: None,
            says_all: false,
            unanswered: None,
            said_to_own: None,
            last_arrival_ms: 0,
            last_commit_arrival_ms: 0,
            positions: BTreeMap::new(),
            resumed_with: 0,
            call: None,
            commit_call: None,
            committing: BTreeMap::new(),
            ids: 0,
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        !matches!(self.phase, Phase::Down | Phase::Fenced)
    }

    /// The process is gone without a word.
    pub(crate) fn crash(&mut self) {
        self.phase = Phase::Down;
        self.life += 1;
        self.owned.clear();
        self.assigned = None;
        self.says_all = false;
        self.forget_heartbeats();
        self.member = MemberId::new("");
        self.epoch = Epoch::ZERO;
        (self.call, self.commit_call) = (None, None);
    }

    pub(crate) fn new_id(&mut self) -> MemberId {
        self.ids += 1;
        MemberId::new(&format!("c{}-{}-{}", self.number, self.life, self.ids))
    }

    pub(crate) fn identity(&self) -> GroupClient {
        GroupClient { id: format!("c{}", self.number).into(), host: "/10.0.0.1".into() }
    }

    /// Asks where to resume in what it has come to own, with a call of this number.
    pub(crate) fn resume(&mut self, coordinator: Option<&Coordinator>, call: u64) {
        self.positions.retain(|partition, _| self.owned.contains(partition));
        let Some(coordinator) = coordinator.filter(|_| self.positions.len() < self.owned.len()) else { return };
        let member = (self.speaks == Speaks::Consumer).then_some((&self.member, self.epoch));
        let Ok(offsets) = coordinator.fetch_offsets(&self.group, member) else { return };
        self.resumed_with = call;
        for (topic, index) in &self.owned {
            let committed = || offsets.get(topic.as_str(), *index).map_or(0, |value| value.offset.get());
            self.positions.entry((topic.clone(), *index)).or_insert_with(committed);
        }
    }

    /// Reads on, and commits where it is in all that it reads.
    pub(crate) fn commit(&mut self, io: &mut Io<'_>) {
        io.wake_within(500, 3_000, Tag::Commit);
        if self.phase != Phase::Member || self.positions.is_empty() || self.commit_call.is_some() {
            return;
        }
        if self.instance.is_some() && self.assigned.is_some() && self.speaks == Speaks::Classic {
            // What it is giving back it may have lost long ago, if the group went on without it for a generation (KIP-345).
            return;
        }
        self.positions.values_mut().for_each(|position| *position += io.random.below(10));
        self.committing.clone_from(&self.positions);
        let offsets = self.positions.iter().map(|((topic, partition), position)| OffsetToCommit {
            topic: topic.clone(),
            partition: *partition,
            offset: Some(base::Offset::new(*position).expect("a small number")),
            leader_epoch: None,
            metadata: "".into(),
        });
        let request = OffsetCommitRequest {
            group: self.group.clone(),
            member: self.member.clone(),
            instance: self.instance.clone(),
            generation: self.epoch,
            knows_member_epoch: true,
            expires_at: None,
            offsets: offsets.collect(),
        };
        self.commit_call = Some(io.call(Request::OffsetCommit(request), 5_000));
    }

    /// Takes the answer to a commit, and says whether it was one.
    pub(crate) fn committed(&mut self, call: u64, reply: &Reply, oracle: &Oracle) -> bool {
        if self.commit_call != Some(call) {
            return false;
        }
        self.commit_call = None;
        if let Reply::OffsetCommit(Ok(results)) = reply {
            assert!(results.iter().all(Result::is_ok), "{results:?}");
            oracle.check_acknowledged(self, &self.committing);
        }
        true
    }
}
