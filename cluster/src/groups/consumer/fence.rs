//! Members of a consumer group that go: they say so, or are silent for too long.

use std::sync::Arc;
use std::time::Duration;

use super::confirmed::Confirmation;
use super::remove_member;
use super::subscription::Subscriptions;
use crate::groups::dispatch::Kind;
use crate::groups::proposal::{Context, Proposal, Then, TimerChange, millis};
use crate::groups::timers::Alarm;
use crate::groups::{
    Answer, Client, ConsumerGroup, ConsumerHeartbeatReply, ConsumerHeartbeatRequest, ConsumerMetadata, Coordinator,
    CurrentAssignment, Epoch, GroupError, GroupId, GroupRecord, MemberId, MemberMetadata, MemberState, Now, Partitions,
    Reply, Token,
};

impl Coordinator {
    pub(super) fn consumer_leave(
        &mut self,
        id: &GroupId,
        token: Token,
        request: &ConsumerHeartbeatRequest,
        now: Now,
    ) -> Result<Option<Proposal>, GroupError> {
        if self.kind(id) != Kind::Consumer {
            return Err(GroupError::GroupIdNotFound);
        }
        let group = self.state.group(id).expect("a consumer group is stored").consumer();
        let member = &request.member;
        if let Some(instance) = &request.instance {
            let known = group.static_member(instance).ok_or(GroupError::UnknownMemberId)?;
            if known != member {
                return Err(GroupError::FencedInstanceId);
            }
        }
        if group.member(member).is_none() {
            return Err(GroupError::UnknownMemberId);
        }
        let reply = Reply::ConsumerHeartbeat(Ok(ConsumerHeartbeatReply {
            member: member.clone(),
            epoch: request.epoch,
            heartbeat_interval_ms: 0,
            assignment: None,
        }));
        let answers = vec![Answer { token, reply }];
        if request.epoch == Epoch::AWAY {
            // It keeps what it has until it comes back or its session ends.
            let current = group.current(member).map_or_else(CurrentAssignment::joining, |current| (**current).clone());
            let away = CurrentAssignment { epoch: Epoch::AWAY, revoking: Partitions::EMPTY, ..current };
            let (group, member, value) = (id.clone(), member.clone(), Some(Arc::new(away)));
            let records = vec![GroupRecord::Current { group, member: member.clone(), value }];
            let timers = vec![TimerChange::Cancel(Alarm::ConsumerRevocation(member))];
            return Ok(Some(Proposal::exclusive(
                records,
                Then::Consumer { timers, answers, checked: None, confirmation: None },
            )));
        }
        Ok(Some(self.fence(id, std::slice::from_ref(member), answers, now)))
    }

    /// Takes members, in their order, out of a group. Those who stay are assigned anew with their next heartbeats.
    pub(super) fn fence(&self, id: &GroupId, members: &[MemberId], answers: Vec<Answer>, now: Now) -> Proposal {
        let group = self.state.group(id).expect("a consumer group is stored").consumer();
        if let Some(mut installation) = self.downgrade_without(id, group, members, now) {
            installation.1.answers = answers;
            return Proposal::exclusive(installation.0, Then::ClassicInstalled(Box::new(installation.1)));
        }
        let (mut records, mut timers) = (Vec::new(), Vec::new());
        for member in members {
            remove_member(id, member, &mut records);
            timers.extend(all_timers(member));
        }
        let subscriptions = Subscriptions::without(group, members);
        subscriptions.drop_unused(id, &mut records);
        let metadata_hash = subscriptions.metadata_hash(self.topics().image);
        let value = Some(ConsumerMetadata { epoch: group.epoch().next(), metadata_hash });
        records.push(GroupRecord::Consumer { group: id.clone(), value });
        Proposal::exclusive(records, Then::Consumer { timers, answers, checked: None, confirmation: None })
    }

    pub(in crate::groups) fn consumer_alarm(&self, id: &GroupId, alarm: &Alarm, now: Now) -> Option<Proposal> {
        let group = self.state.group(id)?.consumer();
        let member = match alarm {
            Alarm::ConsumerRevocation(member) => {
                let is_late = group.current(member)?.state == MemberState::Unrevoked;
                is_late.then_some(member)?
            }
            Alarm::ConsumerSession(member) | Alarm::ConsumerJoin(member) | Alarm::ConsumerSync(member) => member,
            Alarm::ClassicJoin | Alarm::ClassicSync | Alarm::ClassicSession(_) => return None,
        };
        group.member(member)?;
        Some(self.fence(id, std::slice::from_ref(member), Vec::new(), now))
    }

    /// Sessions of all members start, after the group was read from the log.
    pub(in crate::groups) fn start_consumer_sessions(&mut self, id: &GroupId, now: Now) {
        let Some(group) = self.state.group(id).map(|group| group.consumer()) else { return };
        let own = self.consumer_session_timeout_of(id);
        let (mut timers, mut unconfirmed) = (Vec::new(), Vec::new());
        for (member, metadata) in group.members() {
            let classic = metadata.classic.as_ref().map(|classic| millis(classic.session_timeout_ms));
            let session = classic.unwrap_or(own);
            timers.push(TimerChange::Set(Alarm::ConsumerSession(member.clone()), session));
            let gives_back = group.current(member).is_some_and(|current| current.state == MemberState::Unrevoked);
            let confirmation = if gives_back { Confirmation::Unconfirmed } else { Confirmation::UNHEARD };
            unconfirmed.push(((id.clone(), member.clone()), confirmation));
            if gives_back {
                let revocation = millis(metadata.rebalance_timeout_ms);
                timers.push(TimerChange::Set(Alarm::ConsumerRevocation(member.clone()), revocation));
            }
        }
        self.change_timers(id, timers, now);
        self.unconfirmed.extend(unconfirmed);
    }

    pub(in crate::groups) fn change_timers(&mut self, id: &GroupId, changes: Vec<TimerChange>, now: Now) {
        let mut answers = Vec::new();
        let (settings, timers) = (&self.settings, &mut self.timers);
        Context { group: id, settings, now, timers, answers: &mut answers }.change(changes);
    }
}

pub(super) fn all_timers(member: &MemberId) -> [TimerChange; 4] {
    [
        TimerChange::Cancel(Alarm::ConsumerSession(member.clone())),
        TimerChange::Cancel(Alarm::ConsumerRevocation(member.clone())),
        TimerChange::Cancel(Alarm::ConsumerJoin(member.clone())),
        TimerChange::Cancel(Alarm::ConsumerSync(member.clone())),
    ]
}

/// The successor has a session from when it has the place, whatever becomes of the rest of what it asks for.
pub(super) fn timers_of_successor(old: &MemberId, new: &MemberId, session: Duration) -> Vec<TimerChange> {
    let mut timers = all_timers(old).to_vec();
    timers.push(TimerChange::Set(Alarm::ConsumerSession(new.clone()), session));
    timers
}

impl ConsumerGroup {
    /// One process takes the place of another under the same instance id, with all that it had.
    pub(super) fn replace_member(&self, id: &GroupId, old: &MemberId, new: &MemberId) -> Vec<GroupRecord> {
        let mut records = Vec::new();
        remove_member(id, old, &mut records);
        let group = || id.clone();
        let metadata = self.member(old).cloned();
        records.push(GroupRecord::Member { group: group(), member: new.clone(), value: metadata });
        let target = self.target(old).cloned().unwrap_or_default();
        records.push(GroupRecord::Target { group: group(), member: new.clone(), value: Some(target) });
        let held = self.current(old).map_or_else(CurrentAssignment::joining, |current| (**current).clone());
        let current = CurrentAssignment { epoch: Epoch::ZERO, previous_epoch: Epoch::ZERO, ..held };
        records.push(GroupRecord::Current { group: group(), member: new.clone(), value: Some(Arc::new(current)) });
        records
    }
}

impl MemberMetadata {
    /// Of a client that has said nothing yet.
    pub(super) fn unknown(client: &Client) -> Self {
        Self {
            instance: None,
            rack: None,
            client_id: client.id.clone(),
            client_host: client.host.clone(),
            topics: Vec::new(),
            regex: None,
            rebalance_timeout_ms: 0,
            assignor: None,
            classic: None,
        }
    }
}
