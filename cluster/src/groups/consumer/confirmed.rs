//! Whether members know what they are assigned.
//!
//! The answer that changes a member's assignment may be lost. A member that misses an answer should then say all that
//! there is to say about itself, and is told again. librdkafka (2.16) does so when a connection has ended, but not
//! when a request took too long: it sends the very same request once more. If that was the answer that takes
//! partitions away, the epoch is still the member's, nothing has changed since, and the group would wait for the
//! member until its rebalance timeout; if it was one that gives, nobody would read these partitions. So an assignment
//! is repeated until the member says that it has it. Kafka does not repeat it; to who has heard of it already it says
//! nothing new.

use crate::groups::{ConsumerHeartbeatRequest, Coordinator, Epoch, GroupId, MemberId, Partitions};

/// What is known about a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::groups) enum Confirmation {
    /// It has said that it has what it is assigned.
    Confirmed,
    /// It has been told, and has not said so yet.
    Unconfirmed,
    /// Since the log was read it has not said what it has: what it was told before may have been lost. So many answers
    /// are still to repeat it.
    Unheard(u8),
}

/// Answers that tell a member what it is assigned after the log was read. One alone may be lost, too; and a member that
/// knows it already will never say so.
const REPEATED_TO_UNHEARD: u8 = 5;

impl Confirmation {
    pub(super) const UNHEARD: Self = Self::Unheard(REPEATED_TO_UNHEARD);

    /// What a member is told after a heartbeat, if it has to be, and what is known about it then.
    pub(super) fn told(
        self,
        request: &ConsumerHeartbeatRequest,
        before: &Partitions,
        assigned: &Partitions,
    ) -> (Option<Partitions>, Self) {
        let joins = request.epoch == Epoch::ZERO;
        let says_all = request.rebalance_timeout_ms.is_some()
            && (request.topics.is_some() || request.regex.is_some())
            && request.owned.is_some();
        let after = self.after(request.owned.as_ref(), before, assigned);
        let repeats = after == Self::Unconfirmed || (matches!(self, Self::Unheard(_)) && request.owned.is_none());
        let tells = joins || says_all || before != assigned || repeats;
        (tells.then(|| assigned.clone()), after)
    }

    /// `owned` is what the member says that it has; `None` when it does not say.
    fn after(self, owned: Option<&Partitions>, before: &Partitions, assigned: &Partitions) -> Self {
        match owned {
            Some(owned) if owned == assigned => Self::Confirmed,
            Some(_) => Self::Unconfirmed,
            None if before != assigned || self == Self::Unconfirmed => Self::Unconfirmed,
            None => match self {
                Self::Unheard(left) if left > 1 => Self::Unheard(left - 1),
                // Members say what they have only when it changes, and most have heard.
                _ => Self::Confirmed,
            },
        }
    }
}

impl Coordinator {
    pub(super) fn confirmation(&self, id: &GroupId, member: &MemberId) -> Confirmation {
        self.unconfirmed.get(&(id.clone(), member.clone())).copied().unwrap_or(Confirmation::Confirmed)
    }

    pub(in crate::groups) fn confirm(&mut self, id: &GroupId, member: MemberId, confirmation: Confirmation) {
        match confirmation {
            Confirmation::Confirmed => self.unconfirmed.remove(&(id.clone(), member)),
            Confirmation::Unconfirmed | Confirmation::Unheard(_) => {
                self.unconfirmed.insert((id.clone(), member), confirmation)
            }
        };
    }
}
