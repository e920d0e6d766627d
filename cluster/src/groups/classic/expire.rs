//! Members that are silent for too long.

use super::{ClassicGroup, ClassicState};
use crate::groups::MemberId;
use crate::groups::proposal::{Context, Proposal, millis};
use crate::groups::timers::Alarm;

impl ClassicGroup {
    /// A member's session is over, or that of one that was told to join with its id.
    pub(in crate::groups) fn session_is_over(&mut self, cx: &mut Context<'_>, id: &MemberId) -> Option<Proposal> {
        if self.forget_pending(id) {
            return self.complete_join_if_ready(cx);
        }
        if self.members.get(id)?.is_excused() {
            return None;
        }
        self.dismiss(cx, id);
        match self.state {
            ClassicState::Stable | ClassicState::Completing => self.prepare_rebalance(cx),
            ClassicState::Preparing => self.complete_join_if_ready(cx),
            ClassicState::Empty => None,
        }
    }

    /// The time to sync is up: whoever has not is out.
    pub(in crate::groups) fn sync_time_is_up(&mut self, cx: &mut Context<'_>) -> Option<Proposal> {
        if self.pending_sync.is_empty() || matches!(self.state, ClassicState::Empty | ClassicState::Preparing) {
            return None;
        }
        for id in std::mem::take(&mut self.pending_sync) {
            self.dismiss(cx, &id);
        }
        self.prepare_rebalance(cx)
    }

    /// Starts the sessions of all members, after the group was read from the log or made out of another.
    pub(in crate::groups) fn start_sessions(&self, cx: &mut Context<'_>) {
        for member in self.members.values() {
            cx.schedule(Alarm::ClassicSession(member.id.clone()), millis(member.session_timeout_ms));
        }
    }
}
