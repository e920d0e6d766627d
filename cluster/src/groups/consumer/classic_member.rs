//! Members of a consumer group that speak the classic protocol: to them each epoch looks like a generation.

use std::collections::BTreeSet;
use std::sync::Arc;

use base::PartitionIndex;

use super::fence::timers_of_successor;
use super::heartbeat::Advanced;
use crate::groups::embedded::{CONSUMER, Subscription, write_assignment};
use crate::groups::proposal::{Proposal, Then, TimerChange, Work, millis};
use crate::groups::timers::Alarm;
use crate::groups::{
    Answer, Blob, ClassicProtocols, ConsumerGroup, Coordinator, CurrentAssignment, Epoch, GroupError, GroupId,
    HeartbeatRequest, InstanceId, JoinRequest, Joined, LeaveRequest, Left, MemberId, MemberMetadata, MemberState, Now,
    Partitions, Protocol, Reply, Request, SyncRequest, Synced, Token,
};
use crate::metadata::{MetadataImage, TopicName};

/// A classic member of a consumer group, and how far it is.
struct Known<'a> {
    id: MemberId,
    metadata: &'a Arc<MemberMetadata>,
    classic: &'a ClassicProtocols,
    current: CurrentAssignment,
}

impl Coordinator {
    pub(in crate::groups) fn join_consumer(
        &mut self,
        id: &GroupId,
        token: Token,
        request: JoinRequest,
        now: Now,
        answers: &mut Vec<Answer>,
    ) -> Option<Proposal> {
        let member = if request.member.is_empty() { request.new_member.clone() } else { request.member.clone() };
        match self.try_join_consumer(id, token, &member, request, now) {
            Ok(Proposal { records, then: Then::Consumer { timers, answers: replies, .. }, .. })
                if records.is_empty() =>
            {
                self.checked.insert(id.clone(), self.topics_version);
                self.change_timers(id, timers, now);
                answers.extend(replies);
                None
            }
            Ok(proposal) => Some(proposal),
            Err(error) => {
                let told = if error == GroupError::MemberIdRequired { member } else { MemberId::new("") };
                answers.push(Answer { token, reply: Reply::join_refused(error, told) });
                None
            }
        }
    }

    fn try_join_consumer(
        &self,
        id: &GroupId,
        token: Token,
        member: &MemberId,
        request: JoinRequest,
        now: Now,
    ) -> Result<Proposal, GroupError> {
        let group = self.state.group(id).expect("a consumer group is stored").consumer();
        let limit = self.settings.consumer_members_max;
        if group.member_count() >= limit && group.member(member).is_none() {
            return Err(GroupError::GroupMaxSizeReached { limit });
        }
        if !group.supports(&request.protocol_type, &request.protocols) {
            return Err(GroupError::InconsistentGroupProtocol);
        }
        let is_new = request.member.is_empty();
        if is_new && request.instance.is_none() && request.knows_member_id_required {
            return Err(GroupError::MemberIdRequired);
        }
        let malformed = GroupError::UnknownServerError { reason: "the member's subscription is malformed" };
        let subscription = Subscription::read(&request.protocols[0].metadata).ok_or(malformed)?;
        let goes_on = !subscription.owned.is_empty() && subscription.generation >= Epoch::ZERO;
        if !is_new && group.member(member).is_none() && goes_on {
            // It was put out, and reads on what others have by now. Kafka takes it in again under its old id. One that
            // has heard of it names no generation any more, whatever else it says.
            return Err(GroupError::UnknownMemberId);
        }
        if let Some(instance) = &request.instance {
            match group.static_member(instance) {
                None if is_new => {}
                None => return Err(GroupError::UnknownMemberId),
                Some(old) if is_new && old != member => {
                    if let Some(downgraded) = self.downgrade_replacing(id, group, old, token, &request, now) {
                        return Ok(downgraded);
                    }
                    let records = group.replace_member(id, old, member);
                    let timers = timers_of_successor(old, member, millis(request.session_timeout_ms));
                    // The client has an id from now on, and it is the instance's.
                    let request = JoinRequest { member: member.clone(), ..request };
                    let work = Work::Request(token, Request::Join(request));
                    return Ok(Proposal::exclusive(records, Then::Again { timers, work }));
                }
                Some(known) if known != member => return Err(GroupError::FencedInstanceId),
                Some(_) => {}
            }
        }
        let metadata = Arc::new(joined_metadata(group.member(member), &request, &subscription));
        let owned = owned_partitions(&subscription, self.topics().image);
        let Advanced { records, current } = self.advance(id, group, member, &metadata, Some(&owned), now)?;
        let reply = Reply::Join(Ok(Joined {
            member: member.clone(),
            generation: current.epoch,
            protocol_type: Some(CONSUMER.into()),
            protocol: Some(request.protocols[0].name.clone()),
            leader: MemberId::new(""),
            members: Vec::new(),
            skip_assignment: false,
        }));
        let timers = vec![
            TimerChange::Cancel(Alarm::ConsumerJoin(member.clone())),
            TimerChange::Cancel(Alarm::ConsumerRevocation(member.clone())),
            TimerChange::Set(Alarm::ConsumerSession(member.clone()), millis(request.session_timeout_ms)),
            TimerChange::Set(Alarm::ConsumerSync(member.clone()), millis(request.rebalance_timeout_ms)),
        ];
        let (answers, checked) = (vec![Answer { token, reply }], Some(self.topics_version));
        Ok(Proposal::exclusive(records, Then::Consumer { timers, answers, checked, confirmation: None }))
    }

    pub(in crate::groups) fn sync_consumer(
        &mut self,
        id: &GroupId,
        request: &SyncRequest,
        now: Now,
    ) -> Result<Synced, GroupError> {
        let group = self.consumer(id)?;
        let known = known_classic(group, &request.member, request.instance.as_ref())?;
        check_generation(&known, request.generation)?;
        let protocol = known.classic.protocols.first().ok_or(GroupError::InconsistentGroupProtocol)?;
        let type_differs = request.protocol_type.as_deref().is_some_and(|kind| kind != CONSUMER);
        if type_differs || request.protocol.as_ref().is_some_and(|name| *name != protocol.name) {
            return Err(GroupError::InconsistentGroupProtocol);
        }
        let member = known.id.clone();
        if group.epoch() != known.current.epoch && known.current.state != MemberState::Unrevoked {
            let timeout = millis(known.metadata.rebalance_timeout_ms);
            self.expect_join(id, member, timeout, now);
            return Err(GroupError::RebalanceInProgress);
        }
        let version = Subscription::read(&protocol.metadata).map_or(0, |subscription| subscription.version);
        let synced = Synced {
            protocol_type: request.protocol_type.clone(),
            protocol: request.protocol.clone(),
            assignment: classic_assignment(version, &known.current.assigned, &self.image),
        };
        let session = millis(known.classic.session_timeout_ms);
        let timers = vec![
            TimerChange::Cancel(Alarm::ConsumerSync(member.clone())),
            TimerChange::Set(Alarm::ConsumerSession(member), session),
        ];
        self.change_timers(id, timers, now);
        Ok(synced)
    }

    pub(in crate::groups) fn heartbeat_consumer(
        &mut self,
        id: &GroupId,
        request: &HeartbeatRequest,
        now: Now,
    ) -> Result<(), GroupError> {
        let group = self.consumer(id)?;
        let known = known_classic(group, &request.member, request.instance.as_ref())?;
        check_generation(&known, request.generation)?;
        let current = &known.current;
        let is_called = current.epoch != group.epoch()
            || match current.state {
                MemberState::Unrevoked => true,
                MemberState::Unreleased => {
                    let target = group.target(&known.id).cloned().unwrap_or_default();
                    !group.waits_for_others(current, &target)
                }
                MemberState::Stable => false,
            };
        let (member, rebalance) = (known.id.clone(), millis(known.metadata.rebalance_timeout_ms));
        let session = millis(known.classic.session_timeout_ms);
        self.change_timers(id, vec![TimerChange::Set(Alarm::ConsumerSession(member.clone()), session)], now);
        if is_called {
            self.expect_join(id, member, rebalance, now);
            return Err(GroupError::RebalanceInProgress);
        }
        Ok(())
    }

    /// Classic members leave, and administrators take out members of either protocol.
    pub(in crate::groups) fn leave_consumer(
        &self,
        id: &GroupId,
        token: Token,
        request: &LeaveRequest,
        now: Now,
        answers: &mut Vec<Answer>,
    ) -> Option<Proposal> {
        let group = self.state.group(id).expect("a consumer group is stored").consumer();
        let (mut lefts, mut leavers) = (Vec::with_capacity(request.members.len()), BTreeSet::new());
        for leaver in &request.members {
            let by_instance = leaver.instance.as_ref().filter(|_| leaver.member.is_empty());
            let member = by_instance.and_then(|instance| group.static_member(instance)).unwrap_or(&leaver.member);
            let known = known_member(group, member, leaver.instance.as_ref()).map(|_| ());
            let result = known.and_then(|()| match leavers.insert(member.clone()) {
                true => Ok(()),
                false => Err(GroupError::UnknownMemberId),
            });
            lefts.push(Left { result, ..Left::unknown(leaver) });
        }
        let leavers: Vec<_> = leavers.into_iter().collect();
        let answer = Answer { token, reply: Reply::Leave(Ok(lefts)) };
        if leavers.is_empty() {
            answers.push(answer);
            return None;
        }
        Some(self.fence(id, &leavers, vec![answer], now))
    }

    fn consumer(&self, id: &GroupId) -> Result<&ConsumerGroup, GroupError> {
        self.state.group(id).map(|group| group.consumer()).ok_or(GroupError::UnknownMemberId)
    }

    /// A classic member has been called to join again, and has so long.
    fn expect_join(&mut self, id: &GroupId, member: MemberId, timeout: std::time::Duration, now: Now) {
        self.change_timers(id, vec![TimerChange::SetIfAbsent(Alarm::ConsumerJoin(member), timeout)], now);
    }
}

fn known_member<'a>(
    group: &'a ConsumerGroup,
    member: &MemberId,
    instance: Option<&InstanceId>,
) -> Result<&'a Arc<MemberMetadata>, GroupError> {
    if let Some(instance) = instance {
        let known = group.static_member(instance).ok_or(GroupError::UnknownMemberId)?;
        if known != member {
            return Err(GroupError::FencedInstanceId);
        }
    }
    group.member(member).ok_or(GroupError::UnknownMemberId)
}

fn known_classic<'a>(
    group: &'a ConsumerGroup,
    member: &MemberId,
    instance: Option<&InstanceId>,
) -> Result<Known<'a>, GroupError> {
    let metadata = known_member(group, member, instance)?;
    let classic = metadata.classic.as_ref().ok_or(GroupError::UnknownMemberId)?;
    let current = group.current(member).map_or_else(CurrentAssignment::joining, |current| (**current).clone());
    Ok(Known { id: member.clone(), metadata, classic, current })
}

fn check_generation(known: &Known<'_>, got: Epoch) -> Result<(), GroupError> {
    let current = known.current.epoch;
    if got == current { Ok(()) } else { Err(GroupError::IllegalGeneration { got, current }) }
}

pub(super) fn joined_metadata(
    known: Option<&Arc<MemberMetadata>>,
    request: &JoinRequest,
    subscription: &Subscription,
) -> MemberMetadata {
    let known = known.map_or_else(|| MemberMetadata::unknown(&request.client), |known| (**known).clone());
    MemberMetadata {
        instance: request.instance.clone().or(known.instance),
        rack: subscription.rack.clone().or(known.rack),
        client_id: request.client.id.clone(),
        client_host: request.client.host.clone(),
        topics: subscription.topics.clone(),
        regex: None,
        rebalance_timeout_ms: request.rebalance_timeout_ms,
        assignor: known.assignor,
        classic: Some(ClassicProtocols {
            session_timeout_ms: request.session_timeout_ms,
            protocols: request.protocols.clone(),
        }),
    }
}

fn owned_partitions(subscription: &Subscription, image: &MetadataImage) -> Partitions {
    let owned = subscription.owned.iter();
    owned.filter_map(|(topic, index)| Some((image.topic_id(topic.as_str())?, *index))).collect()
}

/// An assignment in the bytes that a classic consumer understands.
pub(in crate::groups) fn classic_assignment(version: i16, assigned: &Partitions, image: &MetadataImage) -> Blob {
    let named = assigned.topics().filter_map(|(id, partitions)| {
        let topic = image.topic(id)?;
        Some((&topic.name, partitions.iter().copied().collect::<Vec<PartitionIndex>>()))
    });
    let named: Vec<(&TopicName, Vec<PartitionIndex>)> = named.collect();
    write_assignment(version, named.into_iter())
}

impl ConsumerGroup {
    /// Whether a classic member with these protocols can be understood by the other classic members.
    fn supports(&self, protocol_type: &Arc<str>, protocols: &[Protocol]) -> bool {
        let classic = || self.members().filter_map(|(_, metadata)| metadata.classic.as_ref());
        let all_know = |name: &Arc<str>| classic().all(|known| known.protocols.iter().any(|known| known.name == *name));
        **protocol_type == *CONSUMER && protocols.iter().any(|protocol| all_know(&protocol.name))
    }
}
