//! Which brokers hold the partitions of a topic.

use base::{BrokerId, TopicId};

use super::MetadataError;
use crate::limits;

/// Chooses replicas for `count` partitions from `first` on. Leaders go round the brokers from a place that the topic's id
/// chooses; followers go round with another step on each lap, so that the partitions of one lost broker are spread over
/// all others. `brokers` ascend and are at least `replication_factor`.
pub(super) fn spread(
    topic: TopicId,
    first: u32,
    count: u32,
    replication_factor: usize,
    brokers: &[BrokerId],
) -> Vec<Vec<BrokerId>> {
    assert!(replication_factor >= 1, "a partition needs a replica");
    assert!(replication_factor <= brokers.len(), "{replication_factor} replicas on {} brokers", brokers.len());
    let start = usize::try_from(topic.as_u128() % brokers.len() as u128).expect("below the length of a list in memory");
    (first..first + count)
        .map(|partition| {
            let turn = start + usize::try_from(partition).expect("partitions are limited");
            let lap = turn / brokers.len();
            let follower = |rank: usize| 1 + (lap + rank - 1) % (brokers.len() - 1);
            let step = |rank: usize| if rank == 0 { 0 } else { follower(rank) };
            (0..replication_factor).map(|rank| brokers[(turn + step(rank)) % brokers.len()]).collect()
        })
        .collect()
}

/// Checks replicas that a client chose: none missing, twice or unknown, and as many for each partition.
pub(super) fn check_assignment(
    assignment: &[Vec<BrokerId>],
    replication_factor: usize,
    brokers: &[BrokerId],
) -> Result<(), MetadataError> {
    let refused = |reason| Err(MetadataError::InvalidAssignment { reason });
    for (index, replicas) in assignment.iter().enumerate() {
        if replicas.is_empty() {
            return refused(format!("the assignment gives no replica to its partition {index}"));
        }
        if replicas.len() > limits::REPLICAS_PER_PARTITION_MAX {
            let limit = limits::REPLICAS_PER_PARTITION_MAX;
            return refused(format!("{} replicas of one partition, above the limit of {limit}", replicas.len()));
        }
        if replicas.len() != replication_factor {
            let count = replicas.len();
            return refused(format!("{count} replicas where the other partitions have {replication_factor}"));
        }
        for (rank, broker) in replicas.iter().enumerate() {
            if brokers.binary_search(broker).is_err() {
                return refused(format!("the assignment names broker {broker}, which is not registered"));
            }
            if replicas[..rank].contains(broker) {
                return refused(format!("the assignment names broker {broker} twice for one partition"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn replicas_are_distinct_and_leaders_are_level(
            bits: u128, brokers in 1_usize..12, factor in 1_usize..12, first in 0_u32..50, count in 1_u32..100,
        ) {
            let brokers: Vec<_> = (0..).map(BrokerId).take(brokers).collect();
            let factor = factor.min(brokers.len());
            let chosen = spread(TopicId::from_random(bits), first, count, factor, &brokers);
            prop_assert_eq!(chosen.len(), usize::try_from(count).unwrap());
            prop_assert_eq!(check_assignment(&chosen, factor, &brokers), Ok(()));
            let mut leaders: BTreeMap<BrokerId, u32> = brokers.iter().map(|broker| (*broker, 0)).collect();
            for replicas in &chosen {
                *leaders.get_mut(&replicas[0]).unwrap() += 1;
            }
            let (least, most) = (leaders.values().min().unwrap(), leaders.values().max().unwrap());
            prop_assert!(most - least <= 1, "{leaders:?}");
        }
    }

    #[test]
    fn the_partitions_of_one_broker_have_followers_everywhere() {
        let brokers: Vec<_> = (0..4).map(BrokerId).collect();
        let chosen = spread(TopicId::METADATA, 0, 12, 2, &brokers);
        let mut followers: Vec<_> =
            chosen.iter().filter(|replicas| replicas[0] == BrokerId(0)).map(|replicas| replicas[1].0).collect();
        followers.sort_unstable();
        assert_eq!(followers, [1, 2, 3]);
    }
}
