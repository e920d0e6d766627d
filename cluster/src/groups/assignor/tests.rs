//! Properties of all assignors, and exact assignments.

use proptest::prelude::*;

use super::*;
use base::PartitionIndex;

fn topic(number: u32) -> TopicId {
    TopicId::from_random(u128::from(number + 1) << 80)
}

fn member(name: &str, topics: &[u32], target: Partitions) -> AssignedMember {
    let topics = topics.iter().map(|number| topic(*number)).collect();
    AssignedMember { id: name.into(), instance: None, topics, target: Arc::new(target) }
}

fn input(counts: &[u32], members: Vec<AssignedMember>) -> AssignmentInput {
    let subscribed: BTreeSet<_> = members.iter().flat_map(|member| member.topics.iter().copied()).collect();
    let counts = (0_u32..).zip(counts).map(|(number, count)| (topic(number), *count));
    AssignmentInput { members, partitions: counts.filter(|(topic, _)| subscribed.contains(topic)).collect() }
}

fn some(number: u32, partitions: std::ops::Range<u32>) -> Partitions {
    partitions.map(|index| (topic(number), PartitionIndex(index))).collect()
}

#[test]
fn ranges_of_topics_of_one_size_meet_in_one_member() {
    let members = ["a", "b", "c"].map(|name| member(name, &[0, 1], Partitions::EMPTY));
    let assigned = assign(AssignorName::Range, &input(&[7, 7], members.into()));
    for (name, range) in [("a", 0..3), ("b", 3..5), ("c", 5..7)] {
        let mut both = some(0, range.clone());
        both.extend(some(1, range).iter());
        assert_eq!(assigned[name], both);
    }
}

#[test]
fn a_static_member_keeps_its_range_under_another_id() {
    let named = |id: &str, instance: &str| AssignedMember {
        instance: Some(instance.into()),
        ..member(id, &[0], Partitions::EMPTY)
    };
    let dynamic = || member("0", &[0], Partitions::EMPTY);
    let before = assign(AssignorName::Range, &input(&[6], vec![dynamic(), named("x", "1"), named("y", "2")]));
    let after = assign(AssignorName::Range, &input(&[6], vec![dynamic(), named("z", "1"), named("y", "2")]));
    assert_eq!(before["x"], some(0, 0..2));
    assert_eq!((&after["z"], &after["y"], &after["0"]), (&before["x"], &before["y"], &before["0"]));
}

#[test]
fn with_more_members_than_partitions_some_get_nothing() {
    for assignor in AssignorName::ALL {
        let members = ["a", "b", "c"].map(|name| member(name, &[0], Partitions::EMPTY));
        let assigned = assign(assignor, &input(&[2], members.into()));
        assert_eq!(assigned.values().filter(|mine| mine.len() == 1).count(), 2, "{assignor:?}");
    }
}

#[test]
fn a_newcomer_gets_its_part_and_the_others_keep_theirs() {
    let members =
        vec![member("a", &[0], some(0, 0..5)), member("b", &[0], some(0, 5..10)), member("c", &[0], Partitions::EMPTY)];
    let assigned = assign(AssignorName::Uniform, &input(&[10], members));
    assert_eq!(assigned["a"], some(0, 0..4));
    assert_eq!(assigned["b"], some(0, 5..8));
    assert_eq!(assigned["c"].len(), 3);
}

#[test]
fn who_can_read_little_else_gets_what_only_few_read() {
    let members = vec![member("a", &[0, 1], Partitions::EMPTY), member("b", &[0], Partitions::EMPTY)];
    let assigned = assign(AssignorName::Uniform, &input(&[4, 4], members));
    assert_eq!(assigned["a"], some(1, 0..4));
    assert_eq!(assigned["b"], some(0, 0..4));
}

fn any_input() -> impl Strategy<Value = AssignmentInput> {
    let counts = prop::collection::vec(1_u32..12, 1..5);
    let subscriptions = prop::collection::vec(prop::collection::btree_set(0_u32..5, 1..5), 1..9);
    (counts, subscriptions, any::<bool>()).prop_map(|(counts, subscriptions, same)| {
        let known = u32::try_from(counts.len()).unwrap();
        let members = subscriptions.iter().enumerate().map(|(position, topics)| {
            let topics = if same { &subscriptions[0] } else { topics };
            let topics: Vec<_> = topics.iter().copied().filter(|number| *number < known).collect();
            member(&format!("m{position}"), &topics, Partitions::EMPTY)
        });
        input(&counts, members.collect())
    })
}

fn with_targets(input: AssignmentInput, targets: &BTreeMap<MemberId, Partitions>) -> AssignmentInput {
    let members = input.members.into_iter().map(|member| {
        let target = Arc::new(targets.get(&member.id).cloned().unwrap_or_default());
        AssignedMember { target, ..member }
    });
    AssignmentInput { members: members.collect(), ..input }
}

proptest! {
    #[test]
    fn every_partition_goes_to_one_of_its_subscribers_and_is_balanced_and_stays(input in any_input()) {
        for assignor in AssignorName::ALL {
            let assigned = assign(assignor, &input);
            let mut owners: BTreeMap<_, &MemberId> = BTreeMap::new();
            for member in &input.members {
                for partition in assigned.get(&member.id).into_iter().flat_map(Partitions::iter) {
                    prop_assert!(member.topics.contains(&partition.0));
                    prop_assert_eq!(owners.insert(partition, &member.id), None);
                }
            }
            prop_assert_eq!(owners.len(), input.partition_count());
            if assignor == AssignorName::Uniform {
                check_balance(&input, &assigned)?;
            }
        }
        let assigned = assign(AssignorName::Uniform, &input);
        let again = assign(AssignorName::Uniform, &with_targets(input, &assigned));
        prop_assert_eq!(again.iter().filter(|(_, mine)| !mine.is_empty()).collect::<Vec<_>>(),
            assigned.iter().filter(|(_, mine)| !mine.is_empty()).collect::<Vec<_>>(), "nothing moves without a reason");
    }

    #[test]
    fn a_change_of_members_moves_no_more_than_it_must_when_all_subscribe_to_the_same(
        counts in prop::collection::vec(1_u32..12, 1..4), before in 1_usize..8, leaves in any::<bool>(),
    ) {
        let topics: Vec<u32> = (0..u32::try_from(counts.len()).unwrap()).collect();
        let members = |count: usize| (0..count).map(|n| member(&format!("m{n}"), &topics, Partitions::EMPTY)).collect();
        let old = assign(AssignorName::Uniform, &input(&counts, members(before)));
        let after = if leaves { before.max(2) - 1 } else { before + 1 };
        let new_input = with_targets(input(&counts, members(after)), &old);
        let new = assign(AssignorName::Uniform, &new_input);
        let total = new_input.partition_count();
        let moved: usize = new.iter().map(|(id, mine)| {
            let had = old.get(id).cloned().unwrap_or_default();
            mine.iter().filter(|(topic, index)| !had.contains(*topic, *index)).count()
        }).sum();
        let most = total.div_ceil(after.min(before));
        prop_assert!(moved <= most, "{moved} of {total} moved, from {before} to {after} members");
    }
}

/// Nobody has two more than somebody who could take one of them.
fn check_balance(input: &AssignmentInput, assigned: &BTreeMap<MemberId, Partitions>) -> Result<(), TestCaseError> {
    let load = |id: &MemberId| assigned.get(id).map_or(0, Partitions::len);
    for from in &input.members {
        for (topic, _) in assigned.get(&from.id).into_iter().flat_map(Partitions::topics) {
            for to in input.members.iter().filter(|member| member.topics.contains(&topic)) {
                prop_assert!(
                    load(&from.id) <= load(&to.id) + 1,
                    "{} has {} and {} has {}",
                    from.id,
                    load(&from.id),
                    to.id,
                    load(&to.id)
                );
            }
        }
    }
    Ok(())
}
