//! Everybody is subscribed to the same: members get as many partitions as each other, give or take one, and keep what
//! they have as far as that allows.

use std::collections::{BTreeMap, BTreeSet};

use base::{PartitionIndex, TopicId};

use super::AssignmentInput;
use crate::groups::{MemberId, Partitions};

pub(super) fn assign(input: &AssignmentInput) -> BTreeMap<MemberId, Partitions> {
    let total = input.partition_count();
    let members = input.members.len();
    if members == 0 || total == 0 {
        return BTreeMap::new();
    }
    let mut unassigned: BTreeSet<(TopicId, PartitionIndex)> = all_partitions(input).collect();
    let (quota, mut with_one_more) = (total / members, total % members);
    let mut kept: Vec<Vec<(TopicId, PartitionIndex)>> = Vec::with_capacity(members);
    for member in &input.members {
        let mine = member.target.iter().filter(|partition| unassigned.contains(partition));
        let mut mine: Vec<_> = mine.take(quota + usize::from(with_one_more > 0)).collect();
        if mine.len() > quota {
            with_one_more -= 1;
        }
        mine.iter().for_each(|partition| {
            unassigned.remove(partition);
        });
        mine.shrink_to_fit();
        kept.push(mine);
    }
    let mut free = unassigned.into_iter();
    let fill = |(member, mut mine): (&super::AssignedMember, Vec<_>)| {
        let mut wanted = quota;
        if mine.len() <= quota && with_one_more > 0 {
            with_one_more -= 1;
            wanted += 1;
        }
        let missing = wanted.saturating_sub(mine.len());
        mine.extend(free.by_ref().take(missing));
        (member.id.clone(), mine.into_iter().collect::<Partitions>())
    };
    input.members.iter().zip(kept).map(fill).collect()
}

pub(super) fn all_partitions(input: &AssignmentInput) -> impl Iterator<Item = (TopicId, PartitionIndex)> {
    input.partitions.iter().flat_map(|(topic, count)| (0..*count).map(|index| (*topic, PartitionIndex(index))))
}
