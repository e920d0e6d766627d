//! A member of the classic protocol. An eager one gives up all it has before it joins again; a cooperative one keeps it,
//! gives back what it is not assigned any more, and joins once more to say so.

use std::collections::BTreeMap;

use cluster::groups::{
    Epoch, GroupError, HeartbeatRequest, JoinRequest, Joined, LeaveRequest, Leaver, MemberId, Protocol, Reply, Request,
    SyncRequest, Synced,
};
use cluster::metadata::TopicName;

use crate::assignor::{Members, cooperative_sticky, range};
use crate::client::{Client, Io, Knows, Phase, Tag};
use crate::embedded::{Subscription, read_assignment, write_assignment};

const SESSION_MS: u32 = 10_000;
const REBALANCE_MS: u32 = 20_000;

const COOPERATIVE: &str = "cooperative-sticky";

/// What a leader knows.
pub(crate) struct Topics<'a> {
    pub(crate) partitions: &'a BTreeMap<TopicName, u32>,
    /// The leader is broken: it gives away at once what others have still to give back.
    pub(crate) hasty: bool,
}

impl Client {
    pub(crate) fn classic_start(&mut self, io: &mut Io<'_>) {
        self.phase = Phase::Joining;
        io.wake(3_000, Tag::Heartbeat);
        io.wake(1_000, Tag::Commit);
        self.classic_join(io);
    }

    fn classic_join(&mut self, io: &mut Io<'_>) {
        self.phase = Phase::Joining;
        if self.knows != Knows::Cooperative {
            self.owned.clear();
        } else if let Some(assigned) = self.assigned.take() {
            self.owned = assigned;
        }
        let new_member = self.new_id();
        let request = JoinRequest {
            group: self.group.clone(),
            member: self.member.clone(),
            new_member,
            instance: self.instance.clone(),
            client: self.identity(),
            session_timeout_ms: SESSION_MS,
            rebalance_timeout_ms: REBALANCE_MS,
            protocol_type: "consumer".into(),
            protocols: self.protocols(),
            knows_member_id_required: !self.number.is_multiple_of(3),
            knows_skip_assignment: self.number.is_multiple_of(2),
        };
        self.call = Some(io.call(Request::Join(request), u64::from(REBALANCE_MS) + 5_000));
    }

    fn protocols(&self) -> Vec<Protocol> {
        let (topics, generation) = (self.topics.clone(), self.epoch);
        let said = Subscription { topics, owned: self.owned.clone(), generation };
        let version = match self.knows {
            Knows::Eager => 1,
            Knows::Both | Knows::Cooperative => 2 + u8::from(self.number.is_multiple_of(2)),
        };
        let names: &[&str] = match self.knows {
            Knows::Eager => &["range"],
            Knows::Both => &[COOPERATIVE, "range"],
            Knows::Cooperative => &[COOPERATIVE],
        };
        names.iter().map(|name| Protocol { name: (*name).into(), metadata: said.write(version) }).collect()
    }

    pub(crate) fn classic_timer(&mut self, tag: Tag, io: &mut Io<'_>) {
        match tag {
            Tag::Join => {
                let has_given_back = self.phase == Phase::Member && self.assigned.is_some();
                if has_given_back || (self.phase == Phase::Joining && self.call.is_none()) {
                    self.classic_join(io);
                }
            }
            Tag::Heartbeat => {
                io.wake(3_000, Tag::Heartbeat);
                if self.phase == Phase::Member && self.call.is_none() {
                    let request = HeartbeatRequest {
                        group: self.group.clone(),
                        member: self.member.clone(),
                        instance: self.instance.clone(),
                        generation: self.epoch,
                    };
                    self.call = Some(io.call(Request::Heartbeat(request), 5_000));
                }
            }
            Tag::Commit => self.commit(io),
            Tag::Timeout(call) => {
                if self.commit_call == Some(call) {
                    self.commit_call = None;
                }
                if self.call == Some(call) {
                    self.call = None;
                    if self.phase != Phase::Member {
                        self.classic_rejoin(io);
                    }
                }
            }
        }
    }

    pub(crate) fn classic_leave(&mut self, io: &mut Io<'_>) {
        if self.instance.is_none() && !self.member.is_empty() {
            let leaver = Leaver { member: self.member.clone(), instance: None };
            io.call(Request::Leave(LeaveRequest { group: self.group.clone(), members: vec![leaver] }), 5_000);
        }
        self.crash();
    }

    fn classic_rejoin(&mut self, io: &mut Io<'_>) {
        self.phase = Phase::Joining;
        if self.knows != Knows::Cooperative {
            self.owned.clear();
        }
        self.call = None;
        io.wake_within(50, 200, Tag::Join);
    }

    pub(crate) fn classic_reply(&mut self, call: u64, reply: Reply, topics: &Topics<'_>, io: &mut Io<'_>) {
        if self.committed(call, &reply, io.oracle) || self.call != Some(call) {
            return;
        }
        self.call = None;
        match reply {
            Reply::Join(Ok(joined)) => self.classic_sync(joined, topics, io),
            Reply::Join(Err(refused)) => {
                if refused.error == GroupError::MemberIdRequired {
                    self.member = refused.member;
                }
                self.classic_refused(&refused.error, io);
            }
            Reply::Sync(Ok(synced)) => self.classic_synced(&synced, io),
            Reply::Sync(Err(error)) | Reply::Heartbeat(Err(error)) => self.classic_refused(&error, io),
            Reply::Heartbeat(Ok(())) => {}
            other => panic!("client {} got {other:?}", self.number),
        }
    }

    fn classic_sync(&mut self, joined: Joined, topics: &Topics<'_>, io: &mut Io<'_>) {
        self.member = joined.member.clone();
        self.epoch = joined.generation;
        self.phase = Phase::Syncing;
        let leads = joined.leader == joined.member && !joined.skip_assignment;
        let assignments = if leads { assign(&joined, topics) } else { Vec::new() };
        let request = SyncRequest {
            group: self.group.clone(),
            member: self.member.clone(),
            instance: self.instance.clone(),
            generation: joined.generation,
            protocol_type: joined.protocol_type,
            protocol: joined.protocol,
            assignments,
        };
        self.call = Some(io.call(Request::Sync(request), u64::from(REBALANCE_MS) + 5_000));
    }

    /// One that has to give something back takes its time at times, and reads on meanwhile.
    fn classic_synced(&mut self, synced: &Synced, io: &mut Io<'_>) {
        self.phase = Phase::Member;
        let assigned = read_assignment(&synced.assignment);
        if self.owned.is_subset(&assigned) {
            self.owned = assigned;
            return;
        }
        self.assigned = Some(assigned);
        io.oracle.summary.given_back += 1;
        let takes_its_time = io.random.percent(30);
        io.wake_within(0, if takes_its_time { 6_000 } else { 100 }, Tag::Join);
    }

    fn classic_refused(&mut self, error: &GroupError, io: &mut Io<'_>) {
        match error {
            GroupError::FencedInstanceId => {
                self.crash();
                self.phase = Phase::Fenced;
                return;
            }
            GroupError::UnknownMemberId => {
                self.member = MemberId::new("");
                self.lose_all();
            }
            GroupError::IllegalGeneration { .. } => self.lose_all(),
            GroupError::CoordinatorNotAvailable { .. } if self.phase == Phase::Member => return,
            GroupError::MemberIdRequired
            | GroupError::RebalanceInProgress
            | GroupError::CoordinatorNotAvailable { .. } => {}
            other => panic!("client {} of {}: {other}", self.number, self.group),
        }
        self.classic_rejoin(io);
    }

    /// The group has gone on without it.
    fn lose_all(&mut self) {
        self.epoch = Epoch::NONE;
        self.owned.clear();
        self.assigned = None;
    }
}

fn assign(joined: &Joined, topics: &Topics<'_>) -> Vec<(MemberId, cluster::groups::Blob)> {
    let said = joined.members.iter().map(|member| (member.member.clone(), Subscription::read(&member.metadata)));
    let members: Members = said.collect();
    let is_cooperative = joined.protocol.as_deref() == Some(COOPERATIVE) && !topics.hasty;
    let assigned = if is_cooperative {
        cooperative_sticky(&members, topics.partitions)
    } else {
        range(&members, topics.partitions)
    };
    assigned.into_iter().map(|(member, partitions)| (member, write_assignment(&partitions))).collect()
}
