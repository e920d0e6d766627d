//! Groups with members that change their protocol: up when the first member of the consumer protocol joins, down when
//! the last one goes.

use std::collections::BTreeSet;
use std::sync::Arc;

use base::{PartitionIndex, TopicId};

use super::classic::{ClassicGroup, ClassicMember, ClassicState};
use super::consumer::classic_assignment;
use super::embedded::{CONSUMER, Subscription, read_assignment};
use super::proposal::{Installation, Proposal, Rebalance, Then, TimerChange, Work, millis};
use super::timers::Alarm;
use super::{
    Answer, ClassicProtocols, Client, ConsumerGroup, ConsumerMetadata, Coordinator, CurrentAssignment, GroupError,
    GroupId, GroupRecord, JoinRequest, Joined, MemberId, MemberMetadata, MemberState, Now, Partitions, Protocol, Reply,
    Token,
};
use crate::metadata::TopicName;

impl Coordinator {
    /// A member of the consumer protocol comes to a classic group: the group changes, and then the member joins.
    pub(super) fn upgrade(&self, id: &GroupId, work: Work) -> Result<Proposal, GroupError> {
        let classic = &self.classic[id];
        let tombstone = GroupRecord::Classic { group: id.clone(), value: None };
        if classic.state() == ClassicState::Empty {
            return Ok(Proposal::again(vec![tombstone], work));
        }
        let may = self.settings.migration.allows_upgrade()
            && classic.uses_consumer_protocol_type()
            && classic.member_count() <= self.settings.consumer_members_max;
        if !may {
            return Err(GroupError::GroupIdNotFound);
        }
        let members = self.upgraded_members(classic).ok_or(GroupError::GroupIdNotFound)?;
        let mut records = vec![tombstone];
        let mut timers = Vec::new();
        let (group, epoch) = (|| id.clone(), classic.generation());
        // No topic is looked at yet, so the first heartbeat finds the topics changed.
        let value = Some(ConsumerMetadata { epoch, metadata_hash: 0 });
        records.push(GroupRecord::Consumer { group: group(), value });
        for Upgraded { member, metadata, assigned, revoking, session_timeout_ms } in members {
            timers.push(TimerChange::Set(Alarm::ConsumerSession(member.clone()), millis(session_timeout_ms)));
            let mut state = MemberState::Stable;
            if !revoking.is_empty() {
                state = MemberState::Unrevoked;
                let alarm = Alarm::ConsumerRevocation(member.clone());
                timers.push(TimerChange::Set(alarm, millis(metadata.rebalance_timeout_ms)));
            }
            let assigned = Arc::new(assigned);
            let current =
                CurrentAssignment { epoch, previous_epoch: epoch, state, assigned: (*assigned).clone(), revoking };
            let (target, current) = (Some(assigned), Some(Arc::new(current)));
            let metadata = Some(Arc::new(metadata));
            records.push(GroupRecord::Member { group: group(), member: member.clone(), value: metadata });
            records.push(GroupRecord::Target { group: group(), member: member.clone(), value: target });
            records.push(GroupRecord::Current { group: group(), member, value: current });
        }
        records.push(GroupRecord::TargetEpoch { group: group(), value: Some(epoch) });
        Ok(Proposal::exclusive(records, Then::Again { timers, work }))
    }

    /// `None` when what the members say cannot be read.
    fn upgraded_members(&self, classic: &ClassicGroup) -> Option<Vec<Upgraded>> {
        let mut taken: BTreeSet<(TopicId, PartitionIndex)> = BTreeSet::new();
        let mut upgraded = Vec::with_capacity(classic.member_count());
        for (id, member) in classic.members() {
            let chosen = member.protocols.iter().find(|protocol| Some(&protocol.name) == classic.protocol());
            let protocol = chosen.or(member.protocols.first())?;
            let Subscription { owned, topics, rack, .. } = Subscription::read(&protocol.metadata)?;
            let named = read_assignment(&member.assignment)?;
            // A leader may have given a partition to two of them; here it has one owner.
            let assigned = self.known(&named).filter(|partition| taken.insert(*partition)).collect();
            let metadata = MemberMetadata {
                instance: member.instance.clone(),
                rack,
                client_id: member.client.id.clone(),
                client_host: member.client.host.clone(),
                topics,
                regex: None,
                rebalance_timeout_ms: member.rebalance_timeout_ms,
                assignor: None,
                classic: Some(ClassicProtocols {
                    session_timeout_ms: member.session_timeout_ms,
                    protocols: member.protocols.clone(),
                }),
            };
            let session_timeout_ms = member.session_timeout_ms;
            let revoking = self.known(&owned).collect();
            upgraded.push(Upgraded { member: id.clone(), metadata, assigned, revoking, session_timeout_ms });
        }
        // A cooperative member keeps what it has until it hears that it is assigned something else, and it may not have
        // heard yet. Kafka forgets that and gives such partitions away at once.
        for member in &mut upgraded {
            member.revoking = member.revoking.filtered(|topic, index| taken.insert((topic, index)));
        }
        Some(upgraded)
    }

    /// Partitions of topics that exist.
    fn known(&self, named: &[(TopicName, PartitionIndex)]) -> impl Iterator<Item = (TopicId, PartitionIndex)> {
        named.iter().filter_map(|(topic, index)| {
            let topic = self.image.topic_named(topic.as_str())?;
            topic.partition(*index).map(|_| (topic.id, *index))
        })
    }

    /// What becomes of a consumer group when its last members of the consumer protocol go and classic ones stay. Whoever
    /// goes is given in order.
    pub(super) fn downgrade_without(
        &self,
        id: &GroupId,
        group: &ConsumerGroup,
        leavers: &[MemberId],
        now: Now,
    ) -> Option<(Vec<GroupRecord>, Installation)> {
        let staying = group.member_count() - leavers.len();
        if staying == 0 || !self.may_downgrade(group, leavers) || staying > self.settings.classic_members_max {
            return None;
        }
        self.downgraded(id, group, leavers, None, now)
    }

    /// A classic process takes the place of the last member of the consumer protocol, which has its instance id.
    pub(super) fn downgrade_replacing(
        &self,
        id: &GroupId,
        group: &ConsumerGroup,
        old: &MemberId,
        token: Token,
        request: &JoinRequest,
        now: Now,
    ) -> Option<Proposal> {
        let leavers = std::slice::from_ref(old);
        if !self.may_downgrade(group, leavers) || group.member_count() > self.settings.classic_members_max {
            return None;
        }
        let version = Subscription::read(&request.protocols[0].metadata)?.version;
        let assigned = group.current(old).map_or(Partitions::EMPTY, |current| current.assigned.clone());
        let joining = ClassicMember::stable(
            request.new_member.clone(),
            request.instance.clone(),
            request.client.clone(),
            (request.rebalance_timeout_ms, request.session_timeout_ms),
            (CONSUMER.into(), request.protocols.clone()),
            classic_assignment(version, &assigned, &self.image),
        );
        let (records, mut installation) = self.downgraded(id, group, leavers, Some(joining), now)?;
        let joined = Joined {
            member: request.new_member.clone(),
            generation: group.epoch(),
            protocol_type: Some(CONSUMER.into()),
            protocol: installation.group.protocol().cloned(),
            leader: MemberId::new(""),
            members: Vec::new(),
            skip_assignment: false,
        };
        installation.answers.push(Answer { token, reply: Reply::Join(Ok(joined)) });
        Some(Proposal::exclusive(records, Then::ClassicInstalled(Box::new(installation))))
    }

    fn may_downgrade(&self, group: &ConsumerGroup, leavers: &[MemberId]) -> bool {
        let is_consumer = |member: &&MemberId| group.member(member).is_some_and(|metadata| metadata.classic.is_none());
        let leaving = leavers.iter().filter(is_consumer).count();
        let are_last = leaving > 0 && leaving + group.classic_member_count() == group.member_count();
        are_last && self.settings.migration.allows_downgrade()
    }

    fn downgraded(
        &self,
        id: &GroupId,
        group: &ConsumerGroup,
        leavers: &[MemberId],
        joining: Option<ClassicMember>,
        now: Now,
    ) -> Option<(Vec<GroupRecord>, Installation)> {
        let is_settled = group.members().all(|(member, _)| {
            let current = group.current(member);
            current.is_some_and(|current| current.state == MemberState::Stable && current.epoch == group.epoch())
        });
        let rebalance = if joining.is_some() && is_settled { Rebalance::NotNeeded } else { Rebalance::Needed };
        let mut members: Vec<_> = Vec::with_capacity(group.member_count());
        for (member, metadata) in group.members().filter(|(member, _)| leavers.binary_search(member).is_err()) {
            members.push(self.downgraded_member(group, member, metadata)?);
        }
        members.extend(joining);
        let timers = members.iter().map(|member| {
            TimerChange::Set(Alarm::ClassicSession(member.id.clone()), millis(member.session_timeout_ms))
        });
        let timers = timers.collect();
        let classic = ClassicGroup::stable(group.epoch(), members, now.wall)?;
        let mut records = Vec::new();
        group.tombstones(id, &mut records);
        let record = classic.record(id, |_, member| member.assignment.clone());
        records.push(if rebalance == Rebalance::Needed { record.without_leader() } else { record });
        Some((records, Installation { group: classic, answers: Vec::new(), timers, rebalance }))
    }

    fn downgraded_member(
        &self,
        group: &ConsumerGroup,
        member: &MemberId,
        metadata: &MemberMetadata,
    ) -> Option<ClassicMember> {
        let classic = metadata.classic.as_ref()?;
        let protocols: Vec<Protocol> = classic.protocols.clone();
        let version = Subscription::read(&protocols.first()?.metadata)?.version;
        // What it has, not what it should have: somebody else may hold the rest.
        let assigned = group.current(member).map_or(Partitions::EMPTY, |current| current.assigned.clone());
        Some(ClassicMember::stable(
            member.clone(),
            metadata.instance.clone(),
            Client { id: metadata.client_id.clone(), host: metadata.client_host.clone() },
            (metadata.rebalance_timeout_ms, classic.session_timeout_ms),
            (CONSUMER.into(), protocols),
            classic_assignment(version, &assigned, &self.image),
        ))
    }
}

struct Upgraded {
    member: MemberId,
    metadata: MemberMetadata,
    assigned: Partitions,
    /// What it keeps, although it is not assigned it any more.
    revoking: Partitions,
    session_timeout_ms: u32,
}
