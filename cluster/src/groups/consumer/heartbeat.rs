//! `ConsumerGroupHeartbeat`.

use std::sync::Arc;

use super::fence::timers_of_successor;
use super::subscription::{KnownOnes, Subscriptions, compile};
use crate::groups::dispatch::Kind;
use crate::groups::proposal::{Proposal, Then, TimerChange, Work, millis};
use crate::groups::timers::Alarm;
use crate::groups::{
    Answer, AssignorName, ConsumerGroup, ConsumerHeartbeatReply, ConsumerHeartbeatRequest, ConsumerMetadata,
    Coordinator, CurrentAssignment, Epoch, GroupError, GroupId, GroupRecord, MemberId, MemberMetadata, MemberState,
    Now, Partitions, Reply, Request, Token,
};
use crate::limits::GROUPS_PER_COORDINATOR_MAX;

/// What a member has come to be with a heartbeat or a join.
pub(super) struct Advanced {
    pub(super) records: Vec<GroupRecord>,
    pub(super) current: CurrentAssignment,
}

impl Coordinator {
    pub(in crate::groups) fn consumer_heartbeat(
        &mut self,
        id: &GroupId,
        token: Token,
        request: ConsumerHeartbeatRequest,
        now: Now,
        answers: &mut Vec<Answer>,
    ) -> Option<Proposal> {
        let result = check(&request).and_then(|()| {
            if request.epoch < Epoch::ZERO {
                self.consumer_leave(id, token, &request, now)
            } else {
                self.consumer_stay(id, token, request, now, answers)
            }
        });
        result.unwrap_or_else(|error| {
            answers.push(Answer { token, reply: Reply::ConsumerHeartbeat(Err(error)) });
            None
        })
    }

    /// A member joins, or tells how far it is.
    fn consumer_stay(
        &mut self,
        id: &GroupId,
        token: Token,
        request: ConsumerHeartbeatRequest,
        now: Now,
        answers: &mut Vec<Answer>,
    ) -> Result<Option<Proposal>, GroupError> {
        let joins = request.epoch == Epoch::ZERO;
        match self.kind(id) {
            Kind::Consumer => {}
            Kind::Absent | Kind::OffsetsOnly if joins && self.is_full() => {
                return Err(GroupError::CoordinatorFull { what: "groups", limit: GROUPS_PER_COORDINATOR_MAX });
            }
            Kind::Absent | Kind::OffsetsOnly if joins => {}
            Kind::Absent | Kind::OffsetsOnly => return Err(GroupError::GroupIdNotFound),
            Kind::Classic if joins => {
                let work = Work::Request(token, Request::ConsumerHeartbeat(request));
                return self.upgrade(id, work).map(Some);
            }
            Kind::Classic => return Err(GroupError::GroupIdNotFound),
        }
        let absent = ConsumerGroup::default();
        let group = self.state.group(id).map_or(&absent, |group| group.consumer());
        let limit = self.settings.consumer_members_max;
        if group.member_count() >= limit && group.member(&request.member).is_none() {
            return Err(GroupError::GroupMaxSizeReached { limit });
        }
        let member = if request.member.is_empty() { request.new_member.clone() } else { request.member.clone() };
        if let Some(old) = check_member(group, &member, &request)? {
            let records = group.replace_member(id, old, &member);
            let timers = timers_of_successor(old, &member, self.consumer_session_timeout_of(id));
            let work = Work::Request(token, Request::ConsumerHeartbeat(request));
            return Ok(Some(Proposal::exclusive(records, Then::Again { timers, work })));
        }
        let metadata = updated_metadata(group.member(&member), &request)?;
        let is_known = group.member(&member).is_some();
        let before = group.current(&member).cloned();
        let owned = request.owned.as_ref();
        let Advanced { records, current } = self.advance(id, group, &member, &metadata, owned, now)?;
        let none = Partitions::EMPTY;
        let assigned_before = before.as_ref().map_or(&none, |before| &before.assigned);
        let standing = self.confirmation(id, &member);
        let (assignment, confirmation) = standing.told(&request, assigned_before, &current.assigned);
        let reply = Reply::ConsumerHeartbeat(Ok(ConsumerHeartbeatReply {
            member: member.clone(),
            epoch: current.epoch,
            heartbeat_interval_ms: self.consumer_heartbeat_interval_ms_of(id),
            assignment,
        }));
        let session = TimerChange::Set(Alarm::ConsumerSession(member.clone()), self.consumer_session_timeout_of(id));
        let mut timers = Vec::new();
        if is_known {
            self.change_timers(id, vec![session], now);
        } else {
            timers.push(session);
        }
        if before.as_deref() != Some(&current) {
            let alarm = Alarm::ConsumerRevocation(member.clone());
            timers.push(match current.state {
                MemberState::Unrevoked => TimerChange::Set(alarm, millis(metadata.rebalance_timeout_ms)),
                MemberState::Stable | MemberState::Unreleased => TimerChange::Cancel(alarm),
            });
        }
        let answer = Answer { token, reply };
        if records.is_empty() {
            self.checked.insert(id.clone(), self.topics_version);
            self.confirm(id, member, confirmation);
            answers.push(answer);
            return Ok(None);
        }
        let (answers, checked) = (vec![answer], Some(self.topics_version));
        let confirmation = Some((member, confirmation));
        let then = Then::Consumer { timers, answers, checked, confirmation };
        Ok(Some(Proposal::exclusive(records, then)))
    }

    /// Takes what a member says about itself, moves the group to its next epoch if that changes what it should have,
    /// and the member one step towards it.
    pub(super) fn advance(
        &self,
        id: &GroupId,
        group: &ConsumerGroup,
        member: &MemberId,
        metadata: &Arc<MemberMetadata>,
        owned: Option<&Partitions>,
        now: Now,
    ) -> Result<Advanced, GroupError> {
        let mut records = Vec::new();
        let known = group.member(member);
        if known != Some(metadata) {
            let (group, member, value) = (id.clone(), member.clone(), Some(metadata.clone()));
            records.push(GroupRecord::Member { group, member, value });
        }
        let mut moves_on = known.is_none_or(|known| known.topics != metadata.topics || known.regex != metadata.regex);
        let topics = self.topics();
        let mut subscriptions = Subscriptions::with(group, member, metadata);
        let mut epoch = group.epoch();
        let is_checked = self.checked.get(id) == Some(&topics.version);
        if moves_on || !is_checked {
            let known_ones = if is_checked { KnownOnes::AreFresh } else { KnownOnes::MayBeStale };
            subscriptions.resolve(id, topics, known_ones, now, &mut records)?;
            let metadata_hash = subscriptions.metadata_hash(topics.image);
            moves_on |= metadata_hash != group.metadata_hash();
            if moves_on {
                epoch = epoch.next();
                let value = Some(ConsumerMetadata { epoch, metadata_hash });
                records.push(GroupRecord::Consumer { group: id.clone(), value });
            }
        }
        let target = if epoch != group.target_epoch() {
            let default = self.settings.default_assignor;
            subscriptions.new_target(id, topics, epoch, default, &mut records)?
        } else {
            group.target(member).cloned().unwrap_or_default()
        };
        let before = group.current(member).cloned();
        let start = before.as_deref().cloned().unwrap_or_else(CurrentAssignment::joining);
        let current = start.reconciled(group, epoch, &target, owned);
        if before.as_deref() != Some(&current) {
            let (group, member, value) = (id.clone(), member.clone(), Some(Arc::new(current.clone())));
            records.push(GroupRecord::Current { group, member, value });
        }
        Ok(Advanced { records, current })
    }
}

/// What is wrong with a heartbeat whatever the group.
fn check(request: &ConsumerHeartbeatRequest) -> Result<(), GroupError> {
    let invalid = |reason| Err(GroupError::InvalidRequest { reason });
    let is_blank = |text: Option<&str>| text.is_some_and(|text| text.trim().is_empty());
    if request.group.as_str().trim().is_empty() {
        return invalid("the group has no name");
    }
    if is_blank(request.instance.as_ref().map(|instance| instance.as_str())) {
        return invalid("an instance id must not be empty");
    }
    if is_blank(request.rack.as_deref()) {
        return invalid("a rack must not be empty");
    }
    if request.epoch != Epoch::ZERO && request.member.as_str().trim().is_empty() {
        return invalid("a member that is in the group must give its id");
    }
    if request.epoch == Epoch::ZERO {
        if request.rebalance_timeout_ms.is_none() {
            return invalid("a member that joins must give its rebalance timeout");
        }
        if request.owned.as_ref().is_none_or(|owned| !owned.is_empty()) {
            return invalid("a member that joins must say that it has no partitions");
        }
        if request.topics.is_none() && request.regex.is_none() {
            return invalid("a member that joins must say what it subscribes to");
        }
    }
    if request.epoch == Epoch::AWAY && request.instance.is_none() {
        return invalid("only a static member leaves for a while");
    }
    if request.epoch < Epoch::AWAY {
        return invalid("there is no such member epoch");
    }
    match &request.assignor {
        Some(assignor) if AssignorName::parse(assignor).is_none() => Err(GroupError::UnsupportedAssignor),
        Some(_) | None => Ok(()),
    }
}

/// Whether a member is the one that it says. The one whose place it comes into, if it does.
fn check_member<'a>(
    group: &'a ConsumerGroup,
    member: &MemberId,
    request: &ConsumerHeartbeatRequest,
) -> Result<Option<&'a MemberId>, GroupError> {
    let joins = request.epoch == Epoch::ZERO;
    if let Some(instance) = &request.instance {
        match group.static_member(instance) {
            None if joins => {}
            None => return Err(GroupError::UnknownMemberId),
            Some(other) if joins => {
                let is_away = group.member_epoch(other) == Epoch::AWAY;
                let is_classic = group.member(other).is_some_and(|metadata| metadata.classic.is_some());
                if is_away || (is_classic && other != member) {
                    return Ok(Some(other));
                }
                if other != member {
                    return Err(GroupError::UnreleasedInstanceId);
                }
            }
            Some(other) if other != member => return Err(GroupError::FencedInstanceId),
            Some(_) => {}
        }
    }
    if group.member(member).is_none() && !joins {
        return Err(GroupError::UnknownMemberId);
    }
    match group.current(member) {
        Some(current) => current.check_epoch(request.epoch, request.owned.as_ref())?,
        None if !joins => return Err(GroupError::UnknownMemberId),
        None => {}
    }
    Ok(None)
}

fn updated_metadata(
    known: Option<&Arc<MemberMetadata>>,
    request: &ConsumerHeartbeatRequest,
) -> Result<Arc<MemberMetadata>, GroupError> {
    let mut metadata = known.map_or_else(|| MemberMetadata::unknown(&request.client), |known| (**known).clone());
    metadata.client_id = request.client.id.clone();
    metadata.client_host = request.client.host.clone();
    metadata.classic = None;
    if request.instance.is_some() {
        metadata.instance.clone_from(&request.instance);
    }
    if request.rack.is_some() {
        metadata.rack.clone_from(&request.rack);
    }
    if let Some(timeout) = request.rebalance_timeout_ms {
        metadata.rebalance_timeout_ms = timeout;
    }
    if let Some(assignor) = &request.assignor {
        metadata.assignor = AssignorName::parse(assignor);
    }
    if let Some(topics) = &request.topics {
        metadata.topics.clone_from(topics);
        metadata.topics.sort_unstable();
        metadata.topics.dedup();
    }
    if let Some(regex) = &request.regex {
        let regex = Some(regex.clone()).filter(|regex| !regex.is_empty());
        if regex != metadata.regex {
            if let Some(regex) = &regex {
                compile(regex)?;
            }
            metadata.regex = regex;
        }
    }
    Ok(Arc::new(metadata))
}
