//! From the first sign of a change to the next generation.

use super::{ClassicGroup, ClassicState, InitialRebalance};
use crate::groups::proposal::{Context, Proposal, Then, millis};
use crate::groups::timers::Alarm;
use crate::groups::{GroupError, MemberId, Reply};
use crate::limits::GROUP_JOIN_WAIT_MIN;

use super::member::no_bytes;

impl ClassicGroup {
    /// The members have changed: begin a rebalance, or end the one that goes on if nobody is missing any more.
    pub(super) fn rebalance_or_complete(&mut self, cx: &mut Context<'_>) -> Option<Proposal> {
        match self.state {
            ClassicState::Preparing => self.complete_join_if_ready(cx),
            ClassicState::Empty | ClassicState::Completing | ClassicState::Stable => self.prepare_rebalance(cx),
        }
    }

    /// Calls all members to join again.
    pub(in crate::groups) fn prepare_rebalance(&mut self, cx: &mut Context<'_>) -> Option<Proposal> {
        if self.state == ClassicState::Completing {
            self.drop_assignments(cx, &GroupError::RebalanceInProgress);
        }
        self.stop_waiting_for_syncs(cx);
        let initial = self.state == ClassicState::Empty;
        self.transition(ClassicState::Preparing, cx.now.wall);
        if initial {
            let delay = cx.settings.initial_rebalance_delay;
            let remaining = self.rebalance_timeout().saturating_sub(delay);
            self.initial = Some(InitialRebalance { delay, remaining, member_added: false });
            cx.schedule(Alarm::ClassicJoin, delay);
            return None;
        }
        if self.has_all_joined() {
            return self.complete_join(cx);
        }
        cx.schedule(Alarm::ClassicJoin, self.rebalance_timeout());
        None
    }

    pub(super) fn complete_join_if_ready(&mut self, cx: &mut Context<'_>) -> Option<Proposal> {
        let may_complete = self.state == ClassicState::Preparing && self.came_from != ClassicState::Empty;
        if may_complete && self.has_all_joined() { self.complete_join(cx) } else { None }
    }

    /// The time to join is up.
    pub(in crate::groups) fn join_time_is_up(&mut self, cx: &mut Context<'_>) -> Option<Proposal> {
        if self.state != ClassicState::Preparing {
            return None;
        }
        let Some(initial) = &mut self.initial else { return self.complete_join(cx) };
        if !initial.member_added || initial.remaining.is_zero() {
            return self.complete_join(cx);
        }
        initial.member_added = false;
        let waited = initial.delay;
        initial.delay = cx.settings.initial_rebalance_delay.min(initial.remaining);
        initial.remaining = initial.remaining.saturating_sub(waited);
        cx.schedule(Alarm::ClassicJoin, initial.delay);
        None
    }

    /// Makes the next generation of those who have joined. Static members that have not keep their place.
    pub(super) fn complete_join(&mut self, cx: &mut Context<'_>) -> Option<Proposal> {
        cx.cancel(Alarm::ClassicJoin);
        self.initial = None;
        let absent = |member: &&super::ClassicMember| member.join.is_none() && member.instance.is_none();
        let absent: Vec<_> = self.members.values().filter(absent).map(|member| member.id.clone()).collect();
        for id in absent {
            self.remove(&id);
            cx.cancel(Alarm::ClassicSession(id));
        }
        if self.members.is_empty() {
            return Some(self.become_empty(cx));
        }
        if !self.elect_joined_leader() {
            // Only static members are left, and none of them has come yet.
            cx.schedule(Alarm::ClassicJoin, self.rebalance_timeout().max(GROUP_JOIN_WAIT_MIN));
            return None;
        }
        self.generation = self.generation.next();
        self.protocol = Some(self.selected_protocol());
        self.topics = self.subscribed_topics();
        self.transition(ClassicState::Completing, cx.now.wall);
        self.answer_joined(cx);
        cx.schedule(Alarm::ClassicSync, self.rebalance_timeout());
        None
    }

    fn become_empty(&mut self, cx: &mut Context<'_>) -> Proposal {
        self.generation = self.generation.next();
        self.protocol = None;
        self.leader = None;
        self.topics = self.subscribed_topics();
        self.transition(ClassicState::Empty, cx.now.wall);
        self.stop_waiting_for_syncs(cx);
        let records = vec![self.record(cx.group, |_, _| no_bytes())];
        Proposal::exclusive(records, Then::Answer(Vec::new()))
    }

    fn elect_joined_leader(&mut self) -> bool {
        let joined = |id: &MemberId| self.members.get(id).is_some_and(|member| member.join.is_some());
        if self.leader.as_ref().is_some_and(joined) {
            return true;
        }
        let next = self.members.values().find(|member| member.join.is_some()).map(|member| member.id.clone());
        let found = next.is_some();
        if found {
            self.leader = next;
        }
        found
    }

    fn answer_joined(&mut self, cx: &mut Context<'_>) {
        self.pending_sync.clear();
        let ids: Vec<_> = self.members.keys().cloned().collect();
        for id in ids {
            let (token, session) = self.update(&id, |member| {
                member.is_new = false;
                (member.join.take(), member.session_timeout_ms)
            });
            if let Some(token) = token {
                let members = if self.is_leader(&id) { self.joined_members() } else { Vec::new() };
                cx.answer(token, Reply::Join(Ok(self.joined(&id, members))));
            }
            cx.schedule(Alarm::ClassicSession(id.clone()), millis(session));
            self.pending_sync.insert(id);
        }
    }

    pub(super) fn stop_waiting_for_syncs(&mut self, cx: &mut Context<'_>) {
        self.pending_sync.clear();
        cx.cancel(Alarm::ClassicSync);
    }

    /// The assignment that was awaited does not come; whoever waits for it is told why.
    pub(super) fn drop_assignments(&mut self, cx: &mut Context<'_>, error: &GroupError) {
        let ids: Vec<_> = self.members.keys().cloned().collect();
        for id in ids {
            let (token, session) = self.update(&id, |member| {
                member.assignment = no_bytes();
                (member.sync.take(), member.session_timeout_ms)
            });
            if let Some(token) = token {
                cx.answer(token, Reply::Sync(Err(error.clone())));
                cx.schedule(Alarm::ClassicSession(id), millis(session));
            }
        }
    }
}
