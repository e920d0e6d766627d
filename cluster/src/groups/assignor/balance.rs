//! Members are subscribed to different topics: partitions stay where they are, the rest goes to whoever has least, and
//! then whoever has two more than another subscriber of a topic gives one of it.

use std::collections::{BTreeMap, BTreeSet};

use base::{PartitionIndex, TopicId};

use super::AssignmentInput;
use super::uniform::all_partitions;
use crate::groups::{MemberId, Partitions};

/// Each round through the topics brings loads nearer to each other; where subscriptions hardly overlap it may take
/// several, and more than this many are not worth their time.
const ROUNDS_MAX: usize = 16;

pub(super) fn assign(input: &AssignmentInput) -> BTreeMap<MemberId, Partitions> {
    let mut balance = Balance::new(input);
    balance.keep(input);
    balance.give_out(input);
    for _ in 0..ROUNDS_MAX {
        if !balance.even_out() {
            break;
        }
    }
    input.members.iter().map(|member| member.id.clone()).zip(balance.assigned).collect()
}

struct Balance {
    /// By the member's position.
    assigned: Vec<Partitions>,
    loads: Vec<usize>,
    /// Positions of each topic's subscribers.
    subscribers: BTreeMap<TopicId, Vec<usize>>,
}

impl Balance {
    fn new(input: &AssignmentInput) -> Self {
        let mut subscribers: BTreeMap<TopicId, Vec<usize>> = BTreeMap::new();
        for (position, member) in input.members.iter().enumerate() {
            for topic in member.topics.iter().filter(|topic| input.partitions.contains_key(topic)) {
                subscribers.entry(*topic).or_default().push(position);
            }
        }
        let count = input.members.len();
        Self { assigned: vec![Partitions::EMPTY; count], loads: vec![0; count], subscribers }
    }

    fn keep(&mut self, input: &AssignmentInput) {
        let mut taken = BTreeSet::new();
        for (position, member) in input.members.iter().enumerate() {
            for (topic, partition) in member.target.iter() {
                let exists = input.partitions.get(&topic).is_some_and(|count| partition.0 < *count);
                if exists && member.topics.contains(&topic) && taken.insert((topic, partition)) {
                    self.give(position, topic, partition);
                }
            }
        }
    }

    /// Topics with few subscribers first: the others can still make up for them.
    fn give_out(&mut self, input: &AssignmentInput) {
        let kept: BTreeSet<_> = self.assigned.iter().flat_map(Partitions::iter).collect();
        let mut free: Vec<_> = all_partitions(input).filter(|partition| !kept.contains(partition)).collect();
        free.sort_by_key(|(topic, partition)| (self.subscribers[topic].len(), *topic, *partition));
        let mut heap: BTreeSet<(usize, usize)> = BTreeSet::new();
        let mut of_topic = None;
        for (topic, partition) in free {
            if of_topic != Some(topic) {
                of_topic = Some(topic);
                heap = self.subscribers[&topic].iter().map(|position| (self.loads[*position], *position)).collect();
            }
            let (load, position) = heap.pop_first().expect("a subscribed topic has subscribers");
            self.give(position, topic, partition);
            heap.insert((load + 1, position));
        }
    }

    /// Moves partitions of each topic from those who have most to those who have least. Says whether any was moved.
    fn even_out(&mut self) -> bool {
        let mut moved = false;
        let topics = std::mem::take(&mut self.subscribers);
        for (topic, subscribers) in &topics {
            let topic = *topic;
            let mut order: BTreeSet<(usize, usize)> =
                subscribers.iter().map(|position| (self.loads[*position], *position)).collect();
            let mut owners: BTreeSet<(usize, usize)> =
                order.iter().copied().filter(|(_, position)| self.has_any(*position, topic)).collect();
            while let (Some(&(least, to)), Some(&(most, from))) = (order.first(), owners.last()) {
                if most <= least + 1 {
                    break;
                }
                let partition = self.last_of(from, topic).expect("an owner has one");
                self.take(from, topic, partition);
                self.give(to, topic, partition);
                moved = true;
                order.remove(&(least, to));
                order.remove(&(most, from));
                owners.remove(&(least, to));
                owners.remove(&(most, from));
                order.extend([(least + 1, to), (most - 1, from)]);
                owners.insert((least + 1, to));
                if self.has_any(from, topic) {
                    owners.insert((most - 1, from));
                }
            }
        }
        self.subscribers = topics;
        moved
    }

    fn has_any(&self, position: usize, topic: TopicId) -> bool {
        self.last_of(position, topic).is_some()
    }

    fn last_of(&self, position: usize, topic: TopicId) -> Option<PartitionIndex> {
        self.assigned[position].of_topic(topic)?.last().copied()
    }

    fn give(&mut self, position: usize, topic: TopicId, partition: PartitionIndex) {
        self.assigned[position].insert(topic, partition);
        self.loads[position] += 1;
    }

    fn take(&mut self, position: usize, topic: TopicId, partition: PartitionIndex) {
        self.assigned[position].remove(topic, partition);
        self.loads[position] -= 1;
    }
}
