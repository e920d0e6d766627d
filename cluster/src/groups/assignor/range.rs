//! Ranges: each topic's partitions in order to its subscribers in order, so that partitions of the same number in topics
//! of the same size meet in one member.

use std::collections::BTreeMap;

use base::PartitionIndex;

use super::{AssignedMember, AssignmentInput};
use crate::groups::{MemberId, Partitions};

pub(super) fn assign(input: &AssignmentInput) -> BTreeMap<MemberId, Partitions> {
    let mut members: Vec<&AssignedMember> = input.members.iter().collect();
    // Static members first and by their instance: they keep their ranges when they come back under another id.
    members.sort_by_key(|member| (member.instance.is_none(), &member.instance, &member.id));
    let mut assigned: BTreeMap<MemberId, Partitions> = BTreeMap::new();
    for (topic, count) in &input.partitions {
        let subscribers: Vec<_> = members.iter().filter(|member| member.topics.contains(topic)).collect();
        let among = u32::try_from(subscribers.len()).expect("members of a group are limited");
        let mut next = 0;
        for (position, member) in (0..among).zip(subscribers) {
            let quota = count / among + u32::from(position < count % among);
            let range = (next..next + quota).map(|index| (*topic, PartitionIndex(index)));
            assigned.entry(member.id.clone()).or_default().extend(range);
            next += quota;
        }
    }
    assigned
}
