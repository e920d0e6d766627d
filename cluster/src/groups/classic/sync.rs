//! `SyncGroup` and `Heartbeat`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::member::no_bytes;
use super::{ClassicGroup, ClassicState};
use crate::groups::proposal::{Context, Proposal, Then, millis};
use crate::groups::timers::Alarm;
use crate::groups::{AppendFailure, Blob, GroupError, HeartbeatRequest, MemberId, Reply, SyncRequest, Synced, Token};
use crate::limits::GROUP_BYTES_MAX;

impl ClassicGroup {
    pub(in crate::groups) fn sync(
        &mut self,
        cx: &mut Context<'_>,
        token: Token,
        request: &SyncRequest,
    ) -> Option<Proposal> {
        if let Err(error) = self.check_sync(request) {
            cx.answer(token, Reply::Sync(Err(error)));
            return None;
        }
        match self.state {
            ClassicState::Empty => cx.answer(token, Reply::Sync(Err(GroupError::UnknownMemberId))),
            ClassicState::Preparing => cx.answer(token, Reply::Sync(Err(GroupError::RebalanceInProgress))),
            ClassicState::Completing => return self.park_sync(cx, token, request),
            ClassicState::Stable => {
                self.has_synced(cx, &request.member);
                let assignment = self.members[&request.member].assignment.clone();
                cx.answer(token, Reply::Sync(Ok(self.synced(assignment))));
            }
        }
        None
    }

    fn check_sync(&self, request: &SyncRequest) -> Result<(), GroupError> {
        self.check_member(&request.member, request.instance.as_ref())?;
        self.check_generation(request.generation)?;
        let differs = |said: &Option<Arc<str>>, is: &Option<Arc<str>>| said.is_some() && is.is_some() && said != is;
        if differs(&request.protocol_type, &self.protocol_type) || differs(&request.protocol, &self.protocol) {
            return Err(GroupError::InconsistentGroupProtocol);
        }
        Ok(())
    }

    fn park_sync(&mut self, cx: &mut Context<'_>, token: Token, request: &SyncRequest) -> Option<Proposal> {
        let id = &request.member;
        if let Some(earlier) = self.update(id, |member| member.sync.replace(token)) {
            // The client asks again, so it does not wait for the first answer any more.
            cx.answer(earlier, Reply::Sync(Err(GroupError::RebalanceInProgress)));
        }
        self.has_synced(cx, id);
        if !self.is_leader(id) {
            return None;
        }
        let assignments = self.assignments_of_members(request);
        let bytes: usize = assignments.values().map(|assignment| assignment.len()).sum();
        if self.bytes + bytes > GROUP_BYTES_MAX {
            return self.sync_failed(cx, AppendFailure::TooLarge.into());
        }
        let none = no_bytes();
        let record = self.record(cx.group, |id, _| assignments.get(id).unwrap_or(&none).clone());
        Some(Proposal::exclusive(vec![record], Then::ClassicSynced(assignments)))
    }

    fn assignments_of_members(&self, request: &SyncRequest) -> BTreeMap<MemberId, Blob> {
        let assignments = request.assignments.iter().filter(|(id, _)| self.members.contains_key(id));
        assignments.cloned().collect()
    }

    /// The leader's assignment is in the log.
    pub(in crate::groups) fn synced_by_leader(
        &mut self,
        cx: &mut Context<'_>,
        mut assignments: BTreeMap<MemberId, Blob>,
    ) {
        let ids: Vec<_> = self.members.keys().cloned().collect();
        for id in ids {
            let assignment = assignments.remove(&id).unwrap_or_else(no_bytes);
            let (token, session) = self.update(&id, |member| {
                member.assignment = assignment.clone();
                (member.sync.take(), member.session_timeout_ms)
            });
            if let Some(token) = token {
                cx.answer(token, Reply::Sync(Ok(self.synced(assignment))));
                cx.schedule(Alarm::ClassicSession(id), millis(session));
            }
        }
        self.transition(ClassicState::Stable, cx.now.wall);
    }

    /// The leader's assignment could not be written: whoever waits is told, and the group begins again.
    pub(in crate::groups) fn sync_failed(&mut self, cx: &mut Context<'_>, error: GroupError) -> Option<Proposal> {
        self.drop_assignments(cx, &error);
        self.prepare_rebalance(cx)
    }

    fn synced(&self, assignment: Blob) -> Synced {
        Synced { protocol_type: self.protocol_type.clone(), protocol: self.protocol.clone(), assignment }
    }

    fn has_synced(&mut self, cx: &mut Context<'_>, id: &MemberId) {
        self.pending_sync.remove(id);
        if self.pending_sync.is_empty() {
            cx.cancel(Alarm::ClassicSync);
        }
    }

    pub(in crate::groups) fn heartbeat(
        &self,
        cx: &mut Context<'_>,
        request: &HeartbeatRequest,
    ) -> Result<(), GroupError> {
        self.check_member(&request.member, request.instance.as_ref())?;
        self.check_generation(request.generation)?;
        self.hear_from(cx, &request.member);
        if self.state == ClassicState::Preparing { Err(GroupError::RebalanceInProgress) } else { Ok(()) }
    }

    /// Starts a member's session anew.
    pub(in crate::groups) fn hear_from(&self, cx: &mut Context<'_>, id: &MemberId) {
        if let Some(member) = self.members.get(id) {
            cx.schedule(Alarm::ClassicSession(id.clone()), millis(member.session_timeout_ms));
        }
    }
}
