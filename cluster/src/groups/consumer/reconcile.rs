//! One step of a member towards its target.

use crate::groups::{ConsumerGroup, CurrentAssignment, Epoch, GroupError, MemberState, Partitions};

impl CurrentAssignment {
    /// Of a member that has just come.
    pub(super) fn joining() -> Self {
        Self {
            epoch: Epoch::ZERO,
            previous_epoch: Epoch::ZERO,
            state: MemberState::Stable,
            assigned: Partitions::EMPTY,
            revoking: Partitions::EMPTY,
        }
    }

    /// Whether a member that comes with this epoch is the one that is meant. One whose last answer was lost comes with
    /// the epoch before, and has nothing that it should not have. One that was fenced has given up all that it had, and
    /// joins again.
    pub(super) fn check_epoch(&self, got: Epoch, owned: Option<&Partitions>) -> Result<(), GroupError> {
        let lost_its_answer = got == self.previous_epoch
            && got < self.epoch
            && owned.is_some_and(|owned| owned.is_subset(&self.assigned));
        let joins_again = got == Epoch::ZERO && owned.is_some_and(Partitions::is_empty);
        if got == self.epoch || lost_its_answer || joins_again {
            return Ok(());
        }
        Err(GroupError::FencedMemberEpoch { got, current: self.epoch })
    }

    /// What follows for the member. `owned` is what it says that it has; `None` when it does not say.
    pub(super) fn reconciled(
        &self,
        group: &ConsumerGroup,
        target_epoch: Epoch,
        target: &Partitions,
        owned: Option<&Partitions>,
    ) -> Self {
        match self.state {
            MemberState::Stable if self.epoch == target_epoch => self.clone(),
            MemberState::Unrevoked if still_has(owned, &self.revoking) => self.clone(),
            // It has given back what it was told to, so it counts as one of the epoch that asked for it.
            MemberState::Unrevoked => self.towards(group, self.epoch.next(), target_epoch, target, owned),
            MemberState::Stable | MemberState::Unreleased => {
                self.towards(group, self.epoch, target_epoch, target, owned)
            }
        }
    }

    fn towards(
        &self,
        group: &ConsumerGroup,
        epoch: Epoch,
        target_epoch: Epoch,
        target: &Partitions,
        owned: Option<&Partitions>,
    ) -> Self {
        let kept = self.assigned.filtered(|topic, partition| target.contains(topic, partition));
        let revoking = self.assigned.filtered(|topic, partition| !target.contains(topic, partition));
        if !revoking.is_empty() && still_has(owned, &revoking) {
            let state = MemberState::Unrevoked;
            return Self { epoch, previous_epoch: self.epoch, state, assigned: kept, revoking };
        }
        let missing = target.filtered(|topic, partition| !kept.contains(topic, partition));
        let free = missing.filtered(|topic, partition| group.is_free(topic, partition));
        let state = if free.len() < missing.len() { MemberState::Unreleased } else { MemberState::Stable };
        let mut assigned = kept;
        assigned.extend(free.iter());
        Self { epoch: target_epoch, previous_epoch: self.epoch, state, assigned, revoking: Partitions::EMPTY }
    }
}

/// A member that does not say what it has may have all of it.
fn still_has(owned: Option<&Partitions>, revoking: &Partitions) -> bool {
    owned.is_none_or(|owned| !owned.is_disjoint(revoking))
}

impl ConsumerGroup {
    /// Whether a member waits for partitions that others have not given back.
    pub(super) fn waits_for_others(&self, current: &CurrentAssignment, target: &Partitions) -> bool {
        current.state == MemberState::Unreleased
            && target.iter().any(|(topic, partition)| {
                !current.assigned.contains(topic, partition) && !self.is_free(topic, partition)
            })
    }
}
