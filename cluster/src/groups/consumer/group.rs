//! What the log says of one group of the consumer protocol.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base::{PartitionIndex, TopicId};

use crate::groups::{
    ConsumerMetadata, CurrentAssignment, Epoch, GroupId, GroupRecord, InstanceId, MemberId, MemberMetadata, Partitions,
    ResolvedRegex, memory,
};
use crate::metadata::TopicName;

/// A group of the consumer protocol; absent while nothing is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConsumerGroup {
    metadata: Option<ConsumerMetadata>,
    members: BTreeMap<MemberId, Arc<MemberMetadata>>,
    currents: BTreeMap<MemberId, Arc<CurrentAssignment>>,
    target_epoch: Option<Epoch>,
    targets: BTreeMap<MemberId, Arc<Partitions>>,
    regexes: BTreeMap<Arc<str>, Arc<ResolvedRegex>>,
    /// By how many members a partition is held, given back or not. More than one is possible only in the midst of the
    /// replay of a compacted log.
    holders: BTreeMap<(TopicId, PartitionIndex), u32>,
    instances: BTreeMap<InstanceId, BTreeSet<MemberId>>,
    /// What all of that takes.
    memory: usize,
}

impl ConsumerGroup {
    pub(in crate::groups) fn set_metadata(&mut self, value: Option<ConsumerMetadata>) {
        self.metadata = value;
    }

    pub(in crate::groups) fn set_member(&mut self, member: &MemberId, value: Option<Arc<MemberMetadata>>) {
        let instance = value.as_ref().and_then(|value| value.instance.clone());
        self.memory += value.as_ref().map_or(0, |value| memory::of_member(member, value));
        let previous = match value {
            Some(value) => self.members.insert(member.clone(), value),
            None => self.members.remove(member),
        };
        self.memory -= previous.as_ref().map_or(0, |previous| memory::of_member(member, previous));
        if let Some(previous) = previous.and_then(|previous| previous.instance.clone())
            && let Some(members) = self.instances.get_mut(&previous)
        {
            members.remove(member);
            if members.is_empty() {
                self.instances.remove(&previous);
            }
        }
        if let Some(instance) = instance {
            self.instances.entry(instance).or_default().insert(member.clone());
        }
    }

    pub(in crate::groups) fn set_current(&mut self, member: &MemberId, value: Option<Arc<CurrentAssignment>>) {
        for held in value.iter().flat_map(|value| value.held()) {
            *self.holders.entry(held).or_default() += 1;
        }
        self.memory += value.as_ref().map_or(0, |value| memory::of_current(value));
        let previous = match value {
            Some(value) => self.currents.insert(member.clone(), value),
            None => self.currents.remove(member),
        };
        self.memory -= previous.as_ref().map_or(0, |previous| memory::of_current(previous));
        for held in previous.iter().flat_map(|previous| previous.held()) {
            let count = self.holders.get_mut(&held).expect("whoever holds a partition is counted");
            *count -= 1;
            if *count == 0 {
                self.holders.remove(&held);
            }
        }
    }

    pub(in crate::groups) fn set_target_epoch(&mut self, value: Option<Epoch>) {
        self.target_epoch = value;
    }

    pub(in crate::groups) fn set_target(&mut self, member: &MemberId, value: Option<Arc<Partitions>>) {
        self.memory += value.as_ref().map_or(0, |value| memory::of_partitions(value));
        let previous = match value {
            Some(value) => self.targets.insert(member.clone(), value),
            None => self.targets.remove(member),
        };
        self.memory -= previous.map_or(0, |previous| memory::of_partitions(&previous));
    }

    pub(in crate::groups) fn set_regex(&mut self, regex: &Arc<str>, value: Option<Arc<ResolvedRegex>>) {
        self.memory += value.as_ref().map_or(0, |value| memory::of_regex(regex, value));
        let previous = match value {
            Some(value) => self.regexes.insert(regex.clone(), value),
            None => self.regexes.remove(regex),
        };
        self.memory -= previous.map_or(0, |previous| memory::of_regex(regex, &previous));
    }

    pub(in crate::groups) fn is_absent(&self) -> bool {
        self.metadata.is_none()
            && self.members.is_empty()
            && self.currents.is_empty()
            && self.target_epoch.is_none()
            && self.targets.is_empty()
            && self.regexes.is_empty()
    }

    /// Bytes that the group takes.
    pub(in crate::groups) fn memory(&self) -> usize {
        self.memory
    }

    /// Whether the group exists.
    pub fn exists(&self) -> bool {
        self.metadata.is_some() || !self.members.is_empty()
    }

    pub fn epoch(&self) -> Epoch {
        self.metadata.map_or(Epoch::ZERO, |metadata| metadata.epoch)
    }

    pub(in crate::groups) fn metadata_hash(&self) -> u64 {
        self.metadata.map_or(0, |metadata| metadata.metadata_hash)
    }

    pub fn target_epoch(&self) -> Epoch {
        self.target_epoch.unwrap_or(Epoch::ZERO)
    }

    /// All members in the order of their ids.
    pub fn members(&self) -> impl Iterator<Item = (&MemberId, &Arc<MemberMetadata>)> {
        self.members.iter()
    }

    pub fn member_count(&self) -> usize {
        self.members.len()
    }

    pub fn member(&self, member: &MemberId) -> Option<&Arc<MemberMetadata>> {
        self.members.get(member)
    }

    pub fn current(&self, member: &MemberId) -> Option<&Arc<CurrentAssignment>> {
        self.currents.get(member)
    }

    /// 0 for a member that has not been given one yet.
    pub fn member_epoch(&self, member: &MemberId) -> Epoch {
        self.currents.get(member).map_or(Epoch::ZERO, |current| current.epoch)
    }

    /// By name, or by a regular expression that matches.
    pub(in crate::groups) fn is_subscribed_to(&self, topic: &TopicName) -> bool {
        let by_regex = |regex: &Arc<str>| {
            self.regexes.get(regex).is_some_and(|resolved| resolved.topics.binary_search(topic).is_ok())
        };
        let subscribed = |member: &Arc<MemberMetadata>| {
            member.topics.binary_search(topic).is_ok() || member.regex.as_ref().is_some_and(by_regex)
        };
        self.members.values().any(subscribed)
    }

    pub fn target(&self, member: &MemberId) -> Option<&Arc<Partitions>> {
        self.targets.get(member)
    }

    pub(in crate::groups) fn regexes(&self) -> &BTreeMap<Arc<str>, Arc<ResolvedRegex>> {
        &self.regexes
    }

    /// Whoever goes by an instance id.
    pub(in crate::groups) fn static_member(&self, instance: &InstanceId) -> Option<&MemberId> {
        self.instances.get(instance)?.last()
    }

    /// Whether nobody holds a partition, so that somebody may get it.
    pub(in crate::groups) fn is_free(&self, topic: TopicId, partition: PartitionIndex) -> bool {
        !self.holders.contains_key(&(topic, partition))
    }

    pub(in crate::groups) fn classic_member_count(&self) -> usize {
        self.members.values().filter(|member| member.classic.is_some()).count()
    }

    /// Tombstones of all that is set, in an order that never leaves a member without its group.
    pub(in crate::groups) fn tombstones(&self, id: &GroupId, records: &mut Vec<GroupRecord>) {
        let group = || id.clone();
        let members: BTreeSet<_> =
            self.members.keys().chain(self.currents.keys()).chain(self.targets.keys()).cloned().collect();
        for member in members {
            remove_member(id, &member, records);
        }
        let regexes = self.regexes.keys().cloned();
        records.extend(regexes.map(|regex| GroupRecord::Regex { group: group(), regex, value: None }));
        records.push(GroupRecord::TargetEpoch { group: group(), value: None });
        records.push(GroupRecord::Consumer { group: group(), value: None });
    }

    pub(in crate::groups) fn snapshot(&self, id: &GroupId, records: &mut Vec<GroupRecord>) {
        let group = || id.clone();
        if self.metadata.is_some() {
            records.push(GroupRecord::Consumer { group: group(), value: self.metadata });
        }
        for (member, value) in &self.members {
            let (member, value) = (member.clone(), Some(value.clone()));
            records.push(GroupRecord::Member { group: group(), member, value });
        }
        for (regex, value) in &self.regexes {
            records.push(GroupRecord::Regex { group: group(), regex: regex.clone(), value: Some(value.clone()) });
        }
        for (member, value) in &self.targets {
            let (member, value) = (member.clone(), Some(value.clone()));
            records.push(GroupRecord::Target { group: group(), member, value });
        }
        if self.target_epoch.is_some() {
            records.push(GroupRecord::TargetEpoch { group: group(), value: self.target_epoch });
        }
        for (member, value) in &self.currents {
            let (member, value) = (member.clone(), Some(value.clone()));
            records.push(GroupRecord::Current { group: group(), member, value });
        }
    }
}

/// Tombstones of a member.
pub(in crate::groups) fn remove_member(group: &GroupId, member: &MemberId, records: &mut Vec<GroupRecord>) {
    let (group, member) = (|| group.clone(), || member.clone());
    records.push(GroupRecord::Current { group: group(), member: member(), value: None });
    records.push(GroupRecord::Target { group: group(), member: member(), value: None });
    records.push(GroupRecord::Member { group: group(), member: member(), value: None });
}

impl CurrentAssignment {
    /// All that the member has and has not given back.
    fn held(&self) -> impl Iterator<Item = (TopicId, PartitionIndex)> {
        self.assigned.iter().chain(self.revoking.iter())
    }
}
