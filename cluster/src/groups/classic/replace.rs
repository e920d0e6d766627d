//! A static member comes back under a new id.

use super::{ClassicGroup, ClassicState};
use crate::groups::proposal::{Context, Installation, Proposal, Rebalance, Then, TimerChange, millis};
use crate::groups::timers::Alarm;
use crate::groups::{Answer, GroupError, JoinRequest, MemberId, Reply, Token};

impl ClassicGroup {
    /// A new process has come under an instance id that is taken: it takes its predecessor's place.
    pub(super) fn replace_static(
        &mut self,
        cx: &mut Context<'_>,
        token: Token,
        old: &MemberId,
        request: &JoinRequest,
    ) -> Option<Proposal> {
        if self.state == ClassicState::Stable {
            let mut next = self.clone();
            next.put_in_place(old, request);
            if self.protocol.as_ref() == Some(&next.selected_protocol()) {
                return Some(self.keep_assignment(cx, token, old, request, next));
            }
        }
        self.fence(cx, old);
        self.put_in_place(old, request);
        let id = &request.new_member;
        self.update(id, |member| member.join = Some(token));
        cx.cancel(Alarm::ClassicSession(old.clone()));
        cx.schedule(Alarm::ClassicSession(id.clone()), millis(request.session_timeout_ms));
        match self.state {
            ClassicState::Stable => self.rebalance_or_complete(cx),
            ClassicState::Completing => self.prepare_rebalance(cx),
            ClassicState::Preparing => self.complete_join_if_ready(cx),
            ClassicState::Empty => unreachable!("an empty group has no static members"),
        }
    }

    /// The group goes on as it is: the successor gets its predecessor's assignment, once the log knows of it.
    fn keep_assignment(
        &self,
        cx: &Context<'_>,
        token: Token,
        old: &MemberId,
        request: &JoinRequest,
        mut next: Self,
    ) -> Proposal {
        let id = &request.new_member;
        next.topics = next.subscribed_topics();
        let is_leader = next.is_leader(id);
        let members = if is_leader { next.joined_members() } else { Vec::new() };
        let mut joined = next.joined(id, members);
        if request.knows_skip_assignment {
            joined.skip_assignment = is_leader;
        } else {
            // It must not believe that it leads, or it would assign anew.
            joined.members.clear();
            joined.leader = self.leader.clone().unwrap_or_else(|| MemberId::new(""));
        }
        let records = vec![next.record(cx.group, |_, member| member.assignment.clone())];
        let session = millis(request.session_timeout_ms);
        let timers = vec![
            TimerChange::Cancel(Alarm::ClassicSession(old.clone())),
            TimerChange::Set(Alarm::ClassicSession(id.clone()), session),
        ];
        let answers = vec![Answer { token, reply: Reply::Join(Ok(joined)) }];
        let installation = Installation { group: next, answers, timers, rebalance: Rebalance::NotNeeded };
        Proposal::exclusive(records, Then::ClassicInstalled(Box::new(installation)))
    }

    /// Tells a process that another one has its place.
    fn fence(&mut self, cx: &mut Context<'_>, id: &MemberId) {
        let (join, sync) = self.update(id, |member| (member.join.take(), member.sync.take()));
        if let Some(token) = join {
            cx.answer(token, Reply::join_refused(GroupError::FencedInstanceId, id.clone()));
        }
        if let Some(token) = sync {
            cx.answer(token, Reply::Sync(Err(GroupError::FencedInstanceId)));
        }
    }

    fn put_in_place(&mut self, old: &MemberId, request: &JoinRequest) {
        let leads = self.is_leader(old);
        let waited = self.pending_sync.contains(old);
        let mut member = self.remove(old).expect("the instance's member exists");
        member.id = request.new_member.clone();
        member.client = request.client.clone();
        member.protocols.clone_from(&request.protocols);
        member.rebalance_timeout_ms = request.rebalance_timeout_ms;
        member.session_timeout_ms = request.session_timeout_ms;
        let id = member.id.clone();
        self.add(member);
        if leads {
            self.leader = Some(id.clone());
        }
        if waited {
            self.pending_sync.insert(id);
        }
    }
}
