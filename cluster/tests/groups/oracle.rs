//! What must hold at any time.

use std::collections::{BTreeMap, BTreeSet};

use base::{PartitionIndex, TopicId};
use cluster::groups::{Epoch, GroupId, GroupRecord, GroupState, Reply};
use cluster::metadata::TopicName;

use crate::client::{Client, Partition, Phase};
use crate::embedded::read_assignment;
use crate::ledger::{Ledger, Migration};
use crate::summary::Summary;

#[derive(Default)]
pub(crate) struct Oracle {
    ledger: Ledger,
    topics: BTreeMap<TopicId, TopicName>,
    /// The last generation of each group that was in the log.
    generations: BTreeMap<GroupId, Epoch>,
    /// What the log's last commit of each partition said.
    committed: BTreeMap<(GroupId, TopicName, PartitionIndex), u64>,
    /// All commits that ever were in the log.
    flushed: BTreeSet<(GroupId, Partition, u64)>,
    pub(crate) summary: Summary,
}

impl Oracle {
    pub(crate) fn new(topics: BTreeMap<TopicId, TopicName>) -> Self {
        Self { ledger: Ledger::new(topics.clone()), topics, ..Self::default() }
    }

    /// A batch is in the log for good.
    pub(crate) fn flushed(&mut self, batch: &[GroupRecord], clients: &[Client]) {
        batch.iter().for_each(|record| self.record(record));
        if batch.iter().all(|record| matches!(record, GroupRecord::Offset { .. })) {
            return;
        }
        match self.ledger.flushed(batch) {
            Some(Migration::Upgrade) => self.summary.upgrades += 1,
            Some(Migration::Downgrade) => self.summary.downgrades += 1,
            None => {}
        }
        for client in clients.iter().filter(|client| client.group == *batch[0].group()) {
            self.check_reads(client);
        }
    }

    /// Where a group resumes never goes back.
    fn record(&mut self, record: &GroupRecord) {
        let epoch = match record {
            GroupRecord::Consumer { value, .. } => value.as_ref().map(|value| value.epoch),
            GroupRecord::Classic { value, .. } => value.as_ref().map(|value| value.generation),
            _ => None,
        };
        if let Some(epoch) = epoch
            && self.generations.insert(record.group().clone(), epoch) != Some(epoch)
        {
            self.summary.rebalances += 1;
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

    /// The coordinator answers a call of a client. One that has given the call up does not hear it.
    pub(crate) fn answered(&mut self, client: &Client, call: u64, reply: &Reply) {
        if client.call != Some(call) {
            return;
        }
        match reply {
            Reply::Sync(Ok(synced)) => {
                self.ledger.answered(client, client.epoch, &read_assignment(&synced.assignment));
            }
            Reply::ConsumerHeartbeat(Ok(reply)) => {
                let assigned = reply.assignment.iter().flat_map(|assigned| assigned.iter());
                let assigned = assigned.map(|(topic, index)| (self.topics[&topic].clone(), index)).collect();
                self.ledger.answered(client, reply.epoch, &assigned);
            }
            _ => {}
        }
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

    /// What a member reads nobody else may read. A member whose messages overtake each other may be counted as one that
    /// has joined, and so has given up what it has, when it has not: of those only what they are given is looked at.
    pub(crate) fn check_reads(&mut self, client: &Client) {
        if client.is_running() && client.in_order {
            self.ledger.check_reads(client);
        }
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
}
