//! Who may read what, as the log says, whichever protocol a group speaks at the moment.
//!
//! A member of the consumer protocol may read what it is assigned and what it has not given back yet. A classic one may
//! read what it is assigned, and what it said that it keeps when it joined: cooperative members do. What a member may
//! read nobody else may read, in whatever generation. A group that becomes classic takes all of that with it, since
//! nobody has given anything back for it.

use std::collections::{BTreeMap, BTreeSet};

use base::TopicId;
use cluster::groups::{ClassicMetadata, CurrentAssignment, Epoch, GroupId, GroupRecord, InstanceId, MemberId};
use cluster::metadata::TopicName;

use crate::client::{Client, Partition};
use crate::embedded::{Subscription, read_assignment};

type Holdings = BTreeMap<MemberId, BTreeSet<Partition>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Migration {
    /// With its members from the classic protocol to the other one.
    Upgrade,
    /// And back.
    Downgrade,
}

#[derive(Default)]
pub(crate) struct Ledger {
    topics: BTreeMap<TopicId, TopicName>,
    groups: BTreeMap<GroupId, Account>,
}

/// Of one group.
#[derive(Default)]
struct Account {
    /// While it is classic.
    generation: Option<Epoch>,
    may_read: Holdings,
    /// The generation that each classic member was in when it joined.
    came_from: BTreeMap<MemberId, Epoch>,
    /// A static member keeps its place in a generation that it has not joined (KIP-345). Until it hears of it, it reads,
    /// and keeps when it joins, what others may have by then; in Kafka, too.
    out_of_step: BTreeSet<MemberId>,
    instances: BTreeMap<MemberId, InstanceId>,
    /// To whom a partition was given in a generation or member epoch: an instance or a member.
    given: BTreeMap<(Epoch, Partition), String>,
}

impl Ledger {
    pub(crate) fn new(topics: BTreeMap<TopicId, TopicName>) -> Self {
        Self { topics, groups: BTreeMap::new() }
    }

    /// A batch of one group is in the log for good.
    pub(crate) fn flushed(&mut self, batch: &[GroupRecord]) -> Option<Migration> {
        let group = batch[0].group();
        let account = self.groups.entry(group.clone()).or_default();
        let migration = migration(batch);
        let before = account.may_read.clone();
        let mut ends = false;
        for record in batch {
            match record {
                GroupRecord::Classic { value: None, .. } | GroupRecord::Consumer { value: None, .. } => {
                    account.end();
                    ends = true;
                }
                GroupRecord::Classic { value: Some(value), .. } => {
                    account.classic(group, value);
                    if migration == Some(Migration::Downgrade) {
                        account.keep(before.clone());
                    }
                }
                GroupRecord::Member { member, value, .. } => {
                    match value.as_ref().and_then(|value| value.instance.clone()) {
                        Some(instance) => account.instances.insert(member.clone(), instance),
                        None => account.instances.remove(member),
                    };
                }
                GroupRecord::Current { member, value: Some(value), .. } => {
                    account.current(group, member, value, &self.topics);
                }
                GroupRecord::Current { member, value: None, .. } => drop(account.may_read.remove(member)),
                _ => {}
            }
        }
        if ends && migration.is_none() {
            // Nobody was in it: what comes under its name counts its generations anew.
            account.given.clear();
        }
        account.check(group);
        migration
    }

    /// An answer that gives partitions to a member leaves the coordinator.
    pub(crate) fn answered(&mut self, client: &Client, epoch: Epoch, assigned: &BTreeSet<Partition>) {
        let account = self.groups.entry(client.group.clone()).or_default();
        let who = client.instance.as_ref().map_or_else(|| client.member.to_string(), ToString::to_string);
        account.give(&client.group, epoch, &who, assigned);
    }

    /// A member that the group counts on reads nothing but what it may.
    pub(crate) fn check_reads(&mut self, client: &Client) {
        let Some(account) = self.groups.get_mut(&client.group) else { return };
        let Some(may_read) = account.may_read.get(&client.member) else { return };
        if account.out_of_step.contains(&client.member) {
            let is_up_to_date = account.generation.is_none_or(|generation| client.epoch >= generation);
            if is_up_to_date && client.owned.is_subset(may_read) {
                account.out_of_step.remove(&client.member);
            }
            return;
        }
        for partition in &client.owned {
            assert!(
                may_read.contains(partition),
                "{} ({:?} in epoch {}) reads {partition:?} of {} (classic in {:?}), and may read only {may_read:?}",
                client.member,
                client.phase,
                client.epoch,
                client.group,
                account.generation,
            );
        }
    }
}

impl Account {
    fn end(&mut self) {
        self.generation = None;
        self.may_read.clear();
        self.came_from.clear();
        self.instances.clear();
    }

    fn classic(&mut self, group: &GroupId, value: &ClassicMetadata) {
        let is_new = self.generation.is_some_and(|before| before < value.generation);
        let came_from = std::mem::take(&mut self.came_from);
        self.end();
        self.generation = Some(value.generation);
        for member in &value.members {
            let mut may_read = read_assignment(&member.assignment);
            let who = member.instance.as_ref().map_or_else(|| member.member.to_string(), ToString::to_string);
            self.give(group, value.generation, &who, &may_read);
            let said = Subscription::read(&member.subscription);
            let has_joined = !is_new || came_from.get(&member.member) != Some(&said.generation);
            if member.instance.is_some() && !has_joined {
                self.out_of_step.insert(member.member.clone());
            }
            if !self.out_of_step.contains(&member.member) {
                may_read.extend(said.owned);
            }
            self.came_from.insert(member.member.clone(), said.generation);
            self.may_read.insert(member.member.clone(), may_read);
        }
    }

    fn current(
        &mut self,
        group: &GroupId,
        member: &MemberId,
        value: &CurrentAssignment,
        topics: &BTreeMap<TopicId, TopicName>,
    ) {
        let assigned: BTreeSet<Partition> =
            value.assigned.iter().map(|(topic, index)| (topics[&topic].clone(), index)).collect();
        // A successor of a static member has its epoch still to come.
        if value.epoch > Epoch::ZERO {
            let who = self.instances.get(member).map_or_else(|| member.to_string(), ToString::to_string);
            self.give(group, value.epoch, &who, &assigned);
        }
        let revoking = value.revoking.iter().map(|(topic, index)| (topics[&topic].clone(), index));
        self.may_read.insert(member.clone(), assigned.into_iter().chain(revoking).collect());
    }

    /// Those who stay keep what they had.
    fn keep(&mut self, before: Holdings) {
        for (member, partitions) in before {
            if let Some(may_read) = self.may_read.get_mut(&member) {
                may_read.extend(partitions);
            }
        }
    }

    fn give(&mut self, group: &GroupId, epoch: Epoch, who: &str, partitions: &BTreeSet<Partition>) {
        for partition in partitions {
            let owner = self.given.entry((epoch, partition.clone())).or_insert_with(|| who.to_owned());
            assert_eq!(owner, who, "{partition:?} of {group} has two owners in generation {epoch}");
        }
    }

    fn check(&self, group: &GroupId) {
        let mut readers: BTreeMap<&Partition, &MemberId> = BTreeMap::new();
        for (member, partitions) in &self.may_read {
            for partition in partitions {
                let other = readers.insert(partition, member);
                assert_eq!(other, None, "{partition:?} of {group} is held by {member}, too");
            }
        }
    }
}

/// Whether a group takes its members along.
fn migration(batch: &[GroupRecord]) -> Option<Migration> {
    let has = |wanted: fn(&GroupRecord) -> bool| batch.iter().any(wanted);
    let has_members = |record: &GroupRecord| matches!(record, GroupRecord::Member { value: Some(_), .. });
    let is_staffed = |record: &GroupRecord| matches!(record, GroupRecord::Classic { value: Some(value), .. } if !value.members.is_empty());
    if has(|record| matches!(record, GroupRecord::Classic { value: None, .. })) && has(has_members) {
        Some(Migration::Upgrade)
    } else if has(|record| matches!(record, GroupRecord::Consumer { value: None, .. })) && has(is_staffed) {
        Some(Migration::Downgrade)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use base::PartitionIndex;
    use cluster::groups::{ClassicMemberMetadata, ConsumerMetadata, MemberMetadata, MemberState, Partitions};

    use super::*;
    use crate::client::{Knows, Speaks};
    use crate::embedded::write_assignment;

    const TOPIC: TopicId = TopicId::from_random(1 << 80);

    fn ledger() -> Ledger {
        Ledger::new(BTreeMap::from([(TOPIC, topic())]))
    }

    fn topic() -> TopicName {
        TopicName::new("t").expect("a valid name")
    }

    fn of_t(indexes: &[u32]) -> BTreeSet<Partition> {
        indexes.iter().map(|index| (topic(), PartitionIndex(*index))).collect()
    }

    fn group() -> GroupId {
        GroupId::new("g")
    }

    /// A generation of a classic group: members with what they said that they keep, and what they are assigned.
    fn classic(generation: i32, members: &[(&str, &[u32], &[u32])]) -> GroupRecord {
        let members = members.iter().map(|(member, owned, assigned)| ClassicMemberMetadata {
            member: MemberId::new(member),
            instance: None,
            client_id: "c".into(),
            client_host: "/10.0.0.1".into(),
            rebalance_timeout_ms: 1,
            session_timeout_ms: 1,
            subscription: Subscription { topics: vec![topic()], owned: of_t(owned), generation: Epoch(generation - 1) }
                .write(3),
            assignment: write_assignment(&of_t(assigned)),
        });
        let value = ClassicMetadata {
            protocol_type: "consumer".into(),
            generation: Epoch(generation),
            protocol: Some("cooperative-sticky".into()),
            leader: None,
            state_since: None,
            members: members.collect(),
        };
        GroupRecord::Classic { group: group(), value: Some(Arc::new(value)) }
    }

    fn no_classic() -> GroupRecord {
        GroupRecord::Classic { group: group(), value: None }
    }

    fn consumer(epoch: Option<i32>) -> GroupRecord {
        let value = epoch.map(|epoch| ConsumerMetadata { epoch: Epoch(epoch), metadata_hash: 0 });
        GroupRecord::Consumer { group: group(), value }
    }

    fn comes(member: &str) -> GroupRecord {
        let value = MemberMetadata {
            instance: None,
            rack: None,
            client_id: "c".into(),
            client_host: "/10.0.0.1".into(),
            topics: vec![topic()],
            regex: None,
            rebalance_timeout_ms: 1,
            assignor: None,
            classic: None,
        };
        GroupRecord::Member { group: group(), member: MemberId::new(member), value: Some(Arc::new(value)) }
    }

    fn current(member: &str, epoch: i32, assigned: &[u32], revoking: &[u32]) -> GroupRecord {
        let partitions =
            |all: &[u32]| -> Partitions { all.iter().map(|index| (TOPIC, PartitionIndex(*index))).collect() };
        let value = CurrentAssignment {
            epoch: Epoch(epoch),
            previous_epoch: Epoch(epoch - 1),
            state: MemberState::Stable,
            assigned: partitions(assigned),
            revoking: partitions(revoking),
        };
        GroupRecord::Current { group: group(), member: MemberId::new(member), value: Some(Arc::new(value)) }
    }

    fn reads(member: &str, epoch: i32, owned: &[u32]) -> Client {
        let knows = (Speaks::Classic, Knows::Cooperative);
        let mut client = Client::new(0, knows, group(), None, vec![topic()]);
        (client.member, client.epoch, client.owned) = (MemberId::new(member), Epoch(epoch), of_t(owned));
        client
    }

    fn upgrade() -> Vec<GroupRecord> {
        vec![
            no_classic(),
            consumer(Some(1)),
            comes("a"),
            current("a", 1, &[0], &[1]),
            comes("b"),
            current("b", 1, &[], &[]),
        ]
    }

    fn downgrade() -> Vec<GroupRecord> {
        vec![consumer(None), classic(1, &[("a", &[], &[0]), ("b", &[], &[])])]
    }

    /// The same with a as a static member that said in this generation what it keeps.
    fn with_static(said_in: i32, owned: &[u32], record: GroupRecord) -> GroupRecord {
        let GroupRecord::Classic { group, value: Some(value) } = record else { unreachable!("it is a classic group") };
        let mut value = (*value).clone();
        let said = Subscription { topics: vec![topic()], owned: of_t(owned), generation: Epoch(said_in) };
        (value.members[0].instance, value.members[0].subscription) = (Some("i".into()), said.write(3));
        GroupRecord::Classic { group, value: Some(Arc::new(value)) }
    }

    /// Generation 3 without a, which has had 0, and 4 with it, after it has said that it keeps that.
    fn skipped() -> (Ledger, Client) {
        let (mut ledger, mut client) = (ledger(), reads("a", 2, &[0]));
        client.instance = Some("i".into());
        ledger.flushed(&[with_static(1, &[], classic(2, &[("a", &[], &[0]), ("b", &[], &[])]))]);
        ledger.check_reads(&client);
        ledger.flushed(&[with_static(1, &[], classic(3, &[("a", &[], &[]), ("b", &[], &[0])]))]);
        ledger.check_reads(&client);
        ledger.flushed(&[with_static(2, &[0], classic(4, &[("a", &[], &[1]), ("b", &[0], &[0])]))]);
        ledger.check_reads(&client);
        (ledger, client)
    }

    #[test]
    fn a_static_member_that_skipped_a_generation_may_not_know_it_yet() {
        skipped();
    }

    #[test]
    #[should_panic(expected = "and may read only")]
    fn once_it_knows_it_reads_what_it_may() {
        let (mut ledger, mut client) = skipped();
        (client.epoch, client.owned) = (Epoch(4), of_t(&[1]));
        ledger.check_reads(&client);
        client.owned = of_t(&[0, 1]);
        ledger.check_reads(&client);
    }

    #[test]
    fn migrations_count_only_with_members() {
        let mut ledger = ledger();
        assert_eq!(ledger.flushed(&[classic(1, &[("a", &[], &[0, 1]), ("b", &[], &[])])]), None);
        assert_eq!(ledger.flushed(&upgrade()), Some(Migration::Upgrade));
        assert_eq!(ledger.flushed(&downgrade()), Some(Migration::Downgrade));
        assert_eq!(ledger.flushed(&[classic(2, &[])]), None);
        assert_eq!(ledger.flushed(&[no_classic()]), None);
        assert_eq!(ledger.flushed(&[consumer(Some(1)), comes("c"), current("c", 1, &[0], &[])]), None, "counts anew");
        assert_eq!(ledger.flushed(&[consumer(None), classic(0, &[])]), None);
    }

    #[test]
    fn a_classic_member_may_read_what_it_is_assigned_and_what_it_keeps() {
        let mut ledger = ledger();
        ledger.flushed(&[classic(2, &[("a", &[0, 1], &[0]), ("b", &[], &[])])]);
        ledger.check_reads(&reads("a", 1, &[0, 1]));
        ledger.flushed(&[classic(3, &[("a", &[0], &[0]), ("b", &[], &[1])])]);
        ledger.check_reads(&reads("b", 3, &[1]));
        ledger.check_reads(&reads("put out", 3, &[1]));
    }

    #[test]
    #[should_panic(expected = "and may read only")]
    fn a_classic_member_that_reads_on_is_found() {
        let mut ledger = ledger();
        ledger.flushed(&[classic(3, &[("a", &[0], &[0]), ("b", &[], &[1])])]);
        ledger.check_reads(&reads("a", 2, &[0, 1]));
    }

    #[test]
    #[should_panic(expected = "is held by b, too")]
    fn a_partition_that_was_not_given_back_is_found() {
        ledger().flushed(&[classic(2, &[("a", &[0, 1], &[0]), ("b", &[], &[1])])]);
    }

    #[test]
    #[should_panic(expected = "has two owners in generation 2")]
    fn two_owners_in_a_generation_are_found_one_after_the_other() {
        let mut ledger = ledger();
        ledger.flushed(&[classic(2, &[("a", &[], &[0])])]);
        ledger.flushed(&[classic(2, &[("b", &[], &[0])])]);
    }

    #[test]
    #[should_panic(expected = "has two owners in generation 2")]
    fn an_answer_that_gives_what_another_has_is_found() {
        let mut ledger = ledger();
        ledger.flushed(&[classic(2, &[("a", &[], &[0]), ("b", &[], &[1])])]);
        ledger.answered(&reads("b", 2, &[]), Epoch(2), &of_t(&[0, 1]));
    }

    #[test]
    #[should_panic(expected = "and may read only")]
    fn an_upgrade_that_forgets_what_a_member_keeps_is_found() {
        let mut ledger = ledger();
        ledger.flushed(&[classic(1, &[("a", &[0, 1, 2], &[0]), ("b", &[], &[])])]);
        ledger.check_reads(&reads("a", 1, &[0, 1, 2]));
        ledger.flushed(&upgrade());
        ledger.check_reads(&reads("a", 1, &[0, 1, 2]));
    }

    #[test]
    #[should_panic(expected = "is held by b, too")]
    fn a_downgrade_that_gives_away_what_a_member_reads_is_found() {
        let mut ledger = ledger();
        ledger.flushed(&upgrade());
        ledger.check_reads(&reads("a", 1, &[0, 1]));
        ledger.flushed(&[consumer(None), classic(1, &[("a", &[], &[0]), ("b", &[], &[1])])]);
    }

    #[test]
    fn after_a_downgrade_a_member_reads_on_until_the_next_generation() {
        let mut ledger = ledger();
        ledger.flushed(&upgrade());
        ledger.flushed(&downgrade());
        ledger.check_reads(&reads("a", 1, &[0, 1]));
        ledger.flushed(&[classic(2, &[("a", &[0], &[0]), ("b", &[], &[1])])]);
        ledger.check_reads(&reads("a", 2, &[0]));
    }

    #[test]
    #[should_panic(expected = "is held by b, too")]
    fn a_consumer_group_that_does_not_wait_is_found() {
        let mut ledger = ledger();
        ledger.flushed(&[consumer(Some(1)), comes("a"), current("a", 1, &[0], &[])]);
        ledger.flushed(&[consumer(Some(2)), comes("b"), current("a", 1, &[], &[0]), current("b", 2, &[0], &[])]);
    }
}
