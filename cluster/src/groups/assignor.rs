//! The assignors of the broker: which member of a consumer group should have which partitions.

mod balance;
mod range;
mod uniform;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base::TopicId;

use super::{AssignorName, InstanceId, MemberId, Partitions};

/// What an assignment is made of.
#[derive(Debug)]
pub(super) struct AssignmentInput {
    pub(super) members: Vec<AssignedMember>,
    /// Of every topic that a member is subscribed to.
    pub(super) partitions: BTreeMap<TopicId, u32>,
}

#[derive(Debug)]
pub(super) struct AssignedMember {
    pub(super) id: MemberId,
    pub(super) instance: Option<InstanceId>,
    pub(super) topics: BTreeSet<TopicId>,
    /// What it should have had until now.
    pub(super) target: Arc<Partitions>,
}

impl AssignmentInput {
    pub(super) fn partition_count(&self) -> usize {
        self.partitions.values().map(|count| *count as usize).sum()
    }

    fn is_homogeneous(&self) -> bool {
        self.members.windows(2).all(|pair| pair[0].topics == pair[1].topics)
    }
}

/// Gives every partition of a subscribed topic to one of its subscribers.
pub(super) fn assign(assignor: AssignorName, input: &AssignmentInput) -> BTreeMap<MemberId, Partitions> {
    let assigned = match assignor {
        AssignorName::Range => range::assign(input),
        AssignorName::Uniform if input.is_homogeneous() => uniform::assign(input),
        AssignorName::Uniform => balance::assign(input),
    };
    debug_assert_eq!(assigned.values().map(Partitions::len).sum::<usize>(), input.partition_count());
    assigned
}

#[cfg(test)]
mod tests;
