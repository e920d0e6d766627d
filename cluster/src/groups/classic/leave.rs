//! `LeaveGroup`.

use super::{ClassicGroup, ClassicState};
use crate::groups::proposal::{Context, Proposal};
use crate::groups::timers::Alarm;
use crate::groups::{GroupError, LeaveRequest, Leaver, Left, MemberId, Reply};

impl ClassicGroup {
    /// Members leave; what they are told may be said once the proposal, if there is one, is in the log.
    pub(in crate::groups) fn leave(
        &mut self,
        cx: &mut Context<'_>,
        request: &LeaveRequest,
    ) -> (Vec<Left>, Option<Proposal>) {
        let mut lefts = Vec::with_capacity(request.members.len());
        for leaver in &request.members {
            let result = self.leave_one(cx, leaver);
            lefts.push(Left { member: leaver.member.clone(), instance: leaver.instance.clone(), result });
        }
        let anybody_left = lefts.iter().any(|left| left.result.is_ok());
        let proposal = match self.state {
            ClassicState::Stable | ClassicState::Completing if anybody_left => self.prepare_rebalance(cx),
            ClassicState::Preparing if anybody_left => self.complete_join_if_ready(cx),
            _ => None,
        };
        (lefts, proposal)
    }

    fn leave_one(&mut self, cx: &mut Context<'_>, leaver: &Leaver) -> Result<(), GroupError> {
        let id = if leaver.member.is_empty() {
            let by_instance = leaver.instance.as_ref().and_then(|instance| self.instances.get(instance));
            by_instance.cloned().ok_or(GroupError::UnknownMemberId)?
        } else {
            if !self.pending_join.contains(&leaver.member) {
                self.check_member(&leaver.member, leaver.instance.as_ref())?;
            }
            leaver.member.clone()
        };
        self.dismiss(cx, &id);
        Ok(())
    }

    /// Takes a member out and answers what it waits for.
    pub(super) fn dismiss(&mut self, cx: &mut Context<'_>, id: &MemberId) {
        cx.cancel(Alarm::ClassicSession(id.clone()));
        let Some(member) = self.remove(id) else { return };
        if let Some(token) = member.join {
            cx.answer(token, Reply::join_refused(GroupError::UnknownMemberId, MemberId::new("")));
        }
        if let Some(token) = member.sync {
            cx.answer(token, Reply::Sync(Err(GroupError::UnknownMemberId)));
        }
    }
}
