//! What must hold at any time.

use std::collections::{BTreeMap, BTreeSet};

use base::{PartitionIndex, TopicId};
use cluster::groups::{Epoch, GroupId, GroupRecord, GroupState, MemberId};
use cluster::metadata::{MetadataImage, TopicName};

use crate::client::{Client, Partition, Phase};
use crate::world::Summary;

#[derive(Default)]
pub(crate) struct Oracle {
    /// Who was given a partition of a classic group in a generation: an instance or a member.
    owners: BTreeMap<(GroupId, Epoch, Partition), String>,
    generations: BTreeMap<GroupId, Epoch>,
    /// What the log's last commit of each partition said.
    committed: BTreeMap<(GroupId, TopicName, PartitionIndex), u64>,
    /// All commits that ever were in the log.
    flushed: BTreeSet<(GroupId, Partition, u64)>,
    pub(crate) summary: Summary,
}

impl Oracle {
    /// A member of a classic group begins to read from its partitions.
    pub(crate) fn owns(&mut self, client: &Client) {
        let generation = self.generations.entry(client.group.clone()).or_insert(Epoch::ZERO);
        if client.epoch > *generation {
            *generation = client.epoch;
            self.summary.rebalances += 1;
        }
        let who = client.instance.as_ref().map_or_else(|| client.member.to_string(), ToString::to_string);
        for partition in &client.owned {
            let key = (client.group.clone(), client.epoch, partition.clone());
            let owner = self.owners.entry(key).or_insert_with(|| who.clone());
            assert_eq!(*owner, who, "{partition:?} of {} has two owners in generation {}", client.group, client.epoch);
        }
    }

    /// A record is in the log for good. Where a group resumes never goes back.
    pub(crate) fn flushed(&mut self, record: &GroupRecord) {
        if matches!(record, GroupRecord::Consumer { value: Some(_), .. }) {
            self.summary.rebalances += 1;
        }
        if matches!(record, GroupRecord::Classic { value: None, .. }) {
            self.summary.upgrades += 1;
        }
        let GroupRecord::Offset { group, topic, partition, value } = record else { return };
        let key = (group.clone(), topic.clone(), *partition);
        if let Some(value) = value {
            let (before, offset) = (self.committed.get(&key).copied().unwrap_or_default(), value.offset.get());
            assert!(before <= offset, "{topic}/{partition} of {group} goes back from {before} to {offset}");
            self.flushed.insert((group.clone(), (topic.clone(), *partition), offset));
        }
        match value {
            Some(value) => self.committed.insert(key, value.offset.get()),
            None => self.committed.remove(&key),
        };
        self.summary.commits += 1;
    }

    /// A commit that was acknowledged is in the log.
    pub(crate) fn check_acknowledged(&self, client: &Client, committed: &BTreeMap<Partition, u64>) {
        for (partition, offset) in committed {
            let commit = (client.group.clone(), partition.clone(), *offset);
            assert!(self.flushed.contains(&commit), "{commit:?} was acknowledged and is not in the log");
        }
    }

    /// The coordinator's offsets are those of the last commits in the log: none is lost, none comes back.
    pub(crate) fn check_offsets(&self, state: &GroupState) {
        let offsets = state.groups().flat_map(|(group, stored)| {
            let offset = move |(topic, partition, value): (&TopicName, PartitionIndex, &_)| {
                let value: &cluster::groups::CommittedOffset = value;
                ((group.clone(), topic.clone(), partition), value.offset.get())
            };
            stored.offsets().iter().map(offset)
        });
        let known: BTreeMap<_, _> = offsets.collect();
        assert!(known == self.committed, "the coordinator's offsets are not those of the log");
    }

    /// When all is quiet: members of one generation own each partition of their topics once.
    pub(crate) fn check_settled(&self, clients: &[Client], partitions: &BTreeMap<TopicName, u32>) {
        let mut groups: BTreeMap<&GroupId, Vec<&Client>> = BTreeMap::new();
        for client in clients.iter().filter(|client| client.is_running()) {
            groups.entry(&client.group).or_default().push(client);
        }
        for (group, members) in groups {
            let mut owned: BTreeMap<&Partition, usize> = BTreeMap::new();
            for member in &members {
                assert_eq!(member.phase, Phase::Member, "client {} of {group} waits", member.number);
                assert_eq!(member.epoch, members[0].epoch, "client {} of {group} is in another epoch", member.number);
                for partition in &member.owned {
                    assert!(
                        member.topics.contains(&partition.0),
                        "{partition:?} is not subscribed to by client {} of {group} ({:?}), which reads {:?}",
                        member.number,
                        member.instance,
                        member.topics
                    );
                    assert_eq!(owned.insert(partition, member.number), None, "{partition:?} has two owners");
                }
            }
            for (topic, count) in partitions {
                let is_wanted = members.iter().any(|member| member.topics.contains(topic));
                for index in (0..*count).filter(|_| is_wanted) {
                    let partition = (topic.clone(), PartitionIndex(index));
                    assert!(owned.contains_key(&partition), "{partition:?} of {group} has no owner");
                }
            }
        }
    }

    /// A member that the coordinator counts on reads only from what the coordinator counts as its own.
    pub(crate) fn check_reads(client: &Client, state: &GroupState, image: &MetadataImage) {
        let Some(group) = state.group(&client.group).map(|stored| stored.consumer()) else { return };
        let Some(current) = group.current(&client.member) else { return };
        for (topic, index) in &client.owned {
            let Some(id) = image.topic_id(topic.as_str()) else { continue };
            let is_held = current.assigned.contains(id, *index) || current.revoking.contains(id, *index);
            assert!(is_held, "{} reads {topic}/{index} of {}, but holds {current:?}", client.member, client.group);
        }
    }

    /// No partition is held by two members of a consumer group, given back or not.
    pub(crate) fn check_holders(group: &GroupId, state: &GroupState) {
        let Some(stored) = state.group(group) else { return };
        let mut holders: BTreeMap<(TopicId, PartitionIndex), &MemberId> = BTreeMap::new();
        for (member, _) in stored.consumer().members() {
            let Some(current) = stored.consumer().current(member) else { continue };
            for held in current.assigned.iter().chain(current.revoking.iter()) {
                let other = holders.insert(held, member);
                assert_eq!(other, None, "{held:?} of {group} is held by {member}, too");
            }
        }
    }
}
