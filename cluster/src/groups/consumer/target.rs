//! Who should have what.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::subscription::{Subscriptions, Topics};
use crate::groups::assignor::{self, AssignedMember, AssignmentInput};
use crate::groups::{AssignorName, Epoch, GroupError, GroupId, GroupRecord, Partitions};
use crate::limits::GROUP_PARTITIONS_MAX;

impl Subscriptions<'_> {
    /// Makes the target of an epoch, writes down what has changed, and gives back that of the changed member.
    pub(super) fn new_target(
        &self,
        id: &GroupId,
        topics: Topics<'_>,
        epoch: Epoch,
        default: AssignorName,
        records: &mut Vec<GroupRecord>,
    ) -> Result<Arc<Partitions>, GroupError> {
        let input = self.input(topics);
        if input.partition_count() > GROUP_PARTITIONS_MAX {
            return Err(GroupError::LimitReached { what: "partitions in a group", limit: GROUP_PARTITIONS_MAX });
        }
        let mut targets = assignor::assign(self.preferred_assignor(default), &input);
        let mut own = Arc::new(Partitions::EMPTY);
        for (member, _) in self.members() {
            let target = targets.remove(member).unwrap_or_default();
            let known = self.group.target(member);
            let target = match known {
                Some(known) if **known == target => known.clone(),
                Some(_) | None => {
                    let target = Arc::new(target);
                    let (group, member, value) = (id.clone(), member.clone(), Some(target.clone()));
                    records.push(GroupRecord::Target { group, member, value });
                    target
                }
            };
            if self.changed.is_some_and(|(changed, _)| changed == member) {
                own = target;
            }
        }
        records.push(GroupRecord::TargetEpoch { group: id.clone(), value: Some(epoch) });
        Ok(own)
    }

    fn input(&self, topics: Topics<'_>) -> AssignmentInput {
        let mut partitions = BTreeMap::new();
        let members = self.members().map(|(member, metadata)| {
            let subscribed = self.topics_of(metadata, topics.image);
            for topic in subscribed.iter().filter_map(|topic| topics.image.topic(*topic)) {
                let count = u32::try_from(topic.partitions.len()).expect("partitions of a topic are limited");
                partitions.insert(topic.id, count);
            }
            AssignedMember {
                id: member.clone(),
                instance: metadata.instance.clone(),
                topics: subscribed,
                target: self.group.target(member).cloned().unwrap_or_default(),
            }
        });
        let members = members.collect();
        AssignmentInput { members, partitions }
    }

    /// The one that most members ask for.
    fn preferred_assignor(&self, default: AssignorName) -> AssignorName {
        let mut votes: BTreeMap<AssignorName, usize> = BTreeMap::new();
        for assignor in self.members().filter_map(|(_, metadata)| metadata.assignor) {
            *votes.entry(assignor).or_default() += 1;
        }
        let best = votes.into_iter().min_by_key(|(_, count)| std::cmp::Reverse(*count));
        best.map_or(default, |(assignor, _)| assignor)
    }
}

impl crate::groups::ConsumerGroup {
    pub(in crate::groups) fn preferred_assignor(&self, default: AssignorName) -> AssignorName {
        Subscriptions::without(self, &[]).preferred_assignor(default)
    }
}
