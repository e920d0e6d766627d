//! What the leader of a classic group computes.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use base::PartitionIndex;
use cluster::groups::MemberId;
use cluster::metadata::TopicName;

use crate::client::Partition;
use crate::embedded::Subscription;

/// Members with what they say.
pub(crate) type Members = BTreeMap<MemberId, Subscription>;
pub(crate) type Assignments = BTreeMap<MemberId, BTreeSet<Partition>>;

/// Of eager members: each topic's partitions in turn among those who subscribe to it.
pub(crate) fn range(members: &Members, partitions: &BTreeMap<TopicName, u32>) -> Assignments {
    let mut assigned = Assignments::new();
    for (topic, count) in partitions {
        for (index, member) in (0..*count).zip(subscribers(members, topic).iter().cycle()) {
            let partition = (topic.clone(), PartitionIndex(index));
            assigned.entry((*member).clone()).or_default().insert(partition);
        }
    }
    assigned
}

/// Of cooperative members, who keep what they have while they join: a partition whose owner is to lose it goes to nobody
/// in this generation. The owner gives it back and joins again; in that generation somebody else gets it.
pub(crate) fn cooperative_sticky(members: &Members, partitions: &BTreeMap<TopicName, u32>) -> Assignments {
    let mut claims: BTreeMap<&Partition, Vec<&MemberId>> = BTreeMap::new();
    for (member, subscription) in members {
        subscription.owned.iter().for_each(|partition| claims.entry(partition).or_default().push(member));
    }
    let mut assigned = Assignments::new();
    for (topic, count) in partitions {
        let all = (0..*count).map(|index| (topic.clone(), PartitionIndex(index)));
        let (claimed, free): (Vec<_>, Vec<_>) = all.partition(|partition| claims.contains_key(partition));
        let mut kept: BTreeMap<&MemberId, Vec<Partition>> = BTreeMap::new();
        for partition in claimed {
            // What two claim at once, as they should not, nobody gets before it is settled.
            if let [owner] = claims[&partition][..] {
                kept.entry(owner).or_default().push(partition);
            }
        }
        let mut subscribers = subscribers(members, topic);
        // Whoever has most may have one more than others.
        subscribers.sort_by_key(|member| Reverse(kept.get(member).map_or(0, Vec::len)));
        let mut free = free.into_iter();
        for (rank, member) in subscribers.iter().enumerate() {
            let more = usize::from(rank < *count as usize % subscribers.len());
            let quota = *count as usize / subscribers.len() + more;
            let mut own: BTreeSet<_> = kept.remove(member).into_iter().flatten().take(quota).collect();
            own.extend(free.by_ref().take(quota - own.len()));
            assigned.entry((*member).clone()).or_default().extend(own);
        }
    }
    assigned
}

fn subscribers<'a>(members: &'a Members, topic: &TopicName) -> Vec<&'a MemberId> {
    let subscribe = members.iter().filter(|(_, subscription)| subscription.topics.contains(topic));
    subscribe.map(|(member, _)| member).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cluster::groups::Epoch;

    fn topic() -> TopicName {
        TopicName::new("t").expect("a valid name")
    }

    fn of_t(indexes: impl IntoIterator<Item = u32>) -> BTreeSet<Partition> {
        indexes.into_iter().map(|index| (topic(), PartitionIndex(index))).collect()
    }

    fn members(owned: &[(&str, &[u32])]) -> Members {
        let said = |owned: &[u32]| Subscription {
            topics: vec![topic()],
            owned: of_t(owned.iter().copied()),
            generation: Epoch(1),
        };
        owned.iter().map(|(member, owned)| (MemberId::new(member), said(owned))).collect()
    }

    #[test]
    fn a_cooperative_partition_moves_in_two_generations() {
        let partitions = BTreeMap::from([(topic(), 4)]);
        let first = cooperative_sticky(&members(&[("a", &[0, 1, 2, 3]), ("b", &[])]), &partitions);
        assert_eq!(first[&MemberId::new("a")], of_t([0, 1]));
        assert_eq!(first[&MemberId::new("b")], of_t([]));
        let second = cooperative_sticky(&members(&[("a", &[0, 1]), ("b", &[])]), &partitions);
        assert_eq!(second[&MemberId::new("a")], of_t([0, 1]));
        assert_eq!(second[&MemberId::new("b")], of_t([2, 3]));
        let third = cooperative_sticky(&members(&[("a", &[0, 1]), ("b", &[2, 3])]), &partitions);
        assert_eq!(third, second, "and then all is quiet");
    }

    #[test]
    fn a_subscription_survives_being_written_and_read() {
        let said = Subscription { topics: vec![topic()], owned: of_t([1, 3]), generation: Epoch(7) };
        assert_eq!(Subscription::read(&said.write(3)), said);
        assert_eq!(Subscription::read(&said.write(2)), said);
        assert_eq!(Subscription::read(&said.write(1)), Subscription { generation: Epoch::NONE, ..said });
    }
}
