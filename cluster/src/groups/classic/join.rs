//! `JoinGroup`.

use super::{ClassicGroup, ClassicMember, ClassicState};
use crate::groups::proposal::{Context, Proposal, millis};
use crate::groups::timers::Alarm;
use crate::groups::{GroupError, JoinRequest, Joined, JoinedMember, MemberId, Reply, Token};
use crate::limits::{GROUP_BYTES_MAX, GROUP_PENDING_MEMBERS_MAX};

impl ClassicGroup {
    pub(in crate::groups) fn join(
        &mut self,
        cx: &mut Context<'_>,
        token: Token,
        request: &JoinRequest,
    ) -> Option<Proposal> {
        let refused = |cx: &mut Context<'_>, error, member: &MemberId| {
            cx.answer(token, Reply::join_refused(error, member.clone()));
            None
        };
        let is_new = request.member.is_empty();
        if !self.accepts(&request.member, cx.settings.classic_members_max) {
            let limit = cx.settings.classic_members_max;
            self.dismiss(cx, &request.member);
            cx.answer(token, Reply::join_refused(GroupError::GroupMaxSizeReached { limit }, MemberId::new("")));
            return self.complete_join_if_ready(cx);
        }
        if !self.supports(&request.protocol_type, &request.protocols) {
            return refused(cx, GroupError::InconsistentGroupProtocol, &request.member);
        }
        if self.bytes + request.protocols.iter().map(|p| p.name.len() + p.metadata.len()).sum::<usize>()
            > GROUP_BYTES_MAX
        {
            let error = GroupError::LimitReached { what: "bytes of subscriptions in a group", limit: GROUP_BYTES_MAX };
            return refused(cx, error, &request.member);
        }
        if is_new {
            return self.join_new(cx, token, request);
        }
        if self.expects(&request.member) {
            if request.instance.is_some() {
                let reason = "a static member does not need to be given an id before it joins";
                return refused(cx, GroupError::UnknownServerError { reason }, &request.member);
            }
            return self.add_joining(cx, token, request.member.clone(), request);
        }
        match self.check_member(&request.member, request.instance.as_ref()) {
            Err(error) => refused(cx, error, &request.member),
            Ok(()) => self.join_known(cx, token, request),
        }
    }

    fn accepts(&self, member: &MemberId, limit: usize) -> bool {
        match self.state {
            ClassicState::Empty => true,
            ClassicState::Preparing => {
                self.members.get(member).is_some_and(|member| member.join.is_some()) || self.joining < limit
            }
            ClassicState::Completing | ClassicState::Stable => {
                self.members.contains_key(member) || self.members.len() < limit
            }
        }
    }

    fn join_new(&mut self, cx: &mut Context<'_>, token: Token, request: &JoinRequest) -> Option<Proposal> {
        if let Some(instance) = &request.instance {
            return match self.instances.get(instance).cloned() {
                Some(old) => self.replace_static(cx, token, &old, request),
                None => self.add_joining(cx, token, request.new_member.clone(), request),
            };
        }
        if !request.knows_member_id_required {
            return self.add_joining(cx, token, request.new_member.clone(), request);
        }
        if self.pending_join.len() >= GROUP_PENDING_MEMBERS_MAX {
            let error = GroupError::GroupMaxSizeReached { limit: GROUP_PENDING_MEMBERS_MAX };
            cx.answer(token, Reply::join_refused(error, MemberId::new("")));
            return None;
        }
        self.expect_join(request.new_member.clone());
        cx.schedule(Alarm::ClassicSession(request.new_member.clone()), millis(request.session_timeout_ms));
        cx.answer(token, Reply::join_refused(GroupError::MemberIdRequired, request.new_member.clone()));
        None
    }

    fn join_known(&mut self, cx: &mut Context<'_>, token: Token, request: &JoinRequest) -> Option<Proposal> {
        let id = &request.member;
        let same = self.members[id].protocols == request.protocols;
        let rejoins = match self.state {
            ClassicState::Preparing => true,
            ClassicState::Completing => !same,
            ClassicState::Stable => !same || self.is_leader(id),
            ClassicState::Empty => unreachable!("an empty group has no members"),
        };
        if rejoins {
            self.update_joining(cx, token, id, request);
            return self.rebalance_or_complete(cx);
        }
        // Its last answer was lost, and nothing has changed since.
        let members = if self.is_leader(id) && self.state == ClassicState::Completing {
            self.joined_members()
        } else {
            Vec::new()
        };
        let joined = self.joined(id, members);
        cx.answer(token, Reply::Join(Ok(joined)));
        None
    }

    fn add_joining(
        &mut self,
        cx: &mut Context<'_>,
        token: Token,
        id: MemberId,
        request: &JoinRequest,
    ) -> Option<Proposal> {
        let mut member = ClassicMember::from_request(id.clone(), request);
        member.join = Some(token);
        if let Some(initial) = &mut self.initial {
            initial.member_added = true;
        }
        self.add(member);
        cx.schedule(Alarm::ClassicSession(id), cx.settings.new_member_join_timeout);
        self.rebalance_or_complete(cx)
    }

    /// Takes a member's new preferences, and lets it wait for the group.
    pub(super) fn update_joining(&mut self, cx: &mut Context<'_>, token: Token, id: &MemberId, request: &JoinRequest) {
        let earlier = self.update(id, |member| {
            member.protocols.clone_from(&request.protocols);
            member.rebalance_timeout_ms = request.rebalance_timeout_ms;
            member.session_timeout_ms = request.session_timeout_ms;
            member.join.replace(token)
        });
        if let Some(earlier) = earlier {
            // The client asks again, so it does not wait for the first answer any more.
            cx.answer(earlier, Reply::join_refused(GroupError::RebalanceInProgress, id.clone()));
        }
    }

    pub(super) fn joined(&self, id: &MemberId, members: Vec<JoinedMember>) -> Joined {
        Joined {
            member: id.clone(),
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone().unwrap_or_else(|| MemberId::new("")),
            members,
            skip_assignment: false,
        }
    }

    pub(super) fn joined_members(&self) -> Vec<JoinedMember> {
        let members = self.members.values();
        let joined = members.map(|member| JoinedMember {
            member: member.id.clone(),
            instance: member.instance.clone(),
            metadata: member.metadata(self.protocol.as_ref()),
        });
        joined.collect()
    }
}
