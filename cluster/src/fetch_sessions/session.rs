//! One session: its partitions in the order in which they are read, and what the client knows of each.

use std::collections::BTreeMap;
use std::rc::Rc;

use base::{Instant, Offset};

use super::{Content, FIRST_EPOCH, Naming, PartitionAnswer, next_epoch};

/// About what a session takes for itself, for each topic beside its name, and for each partition.
pub(super) const SESSION_BYTES: usize = 512;
const TOPIC_BYTES: usize = 160;
pub(super) const PARTITION_BYTES: usize = 192;

/// A topic, as a session's client names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TopicRef {
    Name(Rc<str>),
    Id(u128),
}

impl TopicRef {
    fn bytes(&self) -> usize {
        match self {
            Self::Name(name) => TOPIC_BYTES + name.len(),
            Self::Id(_) => TOPIC_BYTES,
        }
    }
}

#[derive(Debug)]
pub(super) struct Session<A> {
    pub(super) naming: Naming,
    pub(super) epoch: i32,
    pub(super) created: Instant,
    pub(super) used: Instant,
    topics: Slab<Topic>,
    by_topic: BTreeMap<TopicRef, u32>,
    partitions: Slab<Partition<A>>,
    by_partition: BTreeMap<(u32, i32), u32>,
    order: Vec<u32>,
    bytes: usize,
}

#[derive(Debug)]
struct Topic {
    named: TopicRef,
    partitions: u32,
}

#[derive(Debug)]
struct Partition<A> {
    topic: u32,
    index: i32,
    asked: A,
    /// What the client was told last. Without, it is told at once.
    log_start: Option<Offset>,
    high_watermark: Option<Offset>,
    brought_records: bool,
}

impl<A> Session<A> {
    pub(super) fn new(naming: Naming, now: Instant) -> Self {
        Self {
            naming,
            epoch: next_epoch(FIRST_EPOCH),
            created: now,
            used: now,
            topics: Slab::default(),
            by_topic: BTreeMap::new(),
            partitions: Slab::default(),
            by_partition: BTreeMap::new(),
            order: Vec::new(),
            bytes: SESSION_BYTES,
        }
    }

    /// Adds partitions, or changes what is asked of them. `told` says what the client is told of each in the answer to the
    /// fetch that brings them, if that is known.
    pub(super) fn want(
        &mut self,
        named: &TopicRef,
        partitions: Vec<(i32, A)>,
        mut told: impl FnMut(i32) -> Option<PartitionAnswer>,
    ) {
        if partitions.is_empty() {
            return;
        }
        let topic = self.place_topic(named);
        for (index, asked) in partitions {
            let answer = told(index);
            let slot = match self.by_partition.get(&(topic, index)) {
                Some(known) => {
                    self.partitions.get_mut(*known).asked = asked;
                    *known
                }
                None => self.place(Partition {
                    topic,
                    index,
                    asked,
                    log_start: None,
                    high_watermark: None,
                    brought_records: false,
                }),
            };
            if let Some(answer) = answer {
                self.partitions.get_mut(slot).tell(answer);
            }
        }
    }

    pub(super) fn forget(&mut self, forgotten: &[(TopicRef, Vec<i32>)]) {
        let mut any = false;
        for (named, indexes) in forgotten {
            let Some(&topic) = self.by_topic.get(named) else { continue };
            for index in indexes {
                let Some(slot) = self.by_partition.remove(&(topic, *index)) else { continue };
                self.partitions.remove(slot);
                self.topics.get_mut(topic).partitions -= 1;
                self.bytes -= PARTITION_BYTES;
                any = true;
            }
            if self.topics.get_mut(topic).partitions == 0 {
                self.topics.remove(topic);
                self.by_topic.remove(named);
                self.bytes -= named.bytes();
            }
        }
        if any {
            let partitions = &self.partitions;
            self.order.retain(|slot| partitions.get(*slot).is_some());
            self.shrink();
        }
        assert_eq!(self.order.len(), self.by_partition.len(), "each partition has one place");
    }

    /// Is made anew when most of its memory is that of what has left: only what is there is counted.
    fn shrink(&mut self) {
        if !self.partitions.is_sparse() && !self.topics.is_sparse() {
            return;
        }
        let new = Self { epoch: self.epoch, used: self.used, ..Self::new(self.naming, self.created) };
        let mut old = std::mem::replace(self, new);
        for slot in old.order {
            let partition = old.partitions.remove(slot);
            let topic = self.place_topic(&old.topics.get_mut(partition.topic).named);
            self.place(Partition { topic, ..partition });
        }
    }

    fn place_topic(&mut self, named: &TopicRef) -> u32 {
        if let Some(topic) = self.by_topic.get(named) {
            return *topic;
        }
        let topic = self.topics.insert(Topic { named: named.clone(), partitions: 0 });
        self.by_topic.insert(named.clone(), topic);
        self.bytes += named.bytes();
        topic
    }

    fn place(&mut self, partition: Partition<A>) -> u32 {
        let (topic, index) = (partition.topic, partition.index);
        let slot = self.partitions.insert(partition);
        self.by_partition.insert((topic, index), slot);
        self.order.push(slot);
        self.topics.get_mut(topic).partitions += 1;
        self.bytes += PARTITION_BYTES;
        slot
    }

    /// Which of the answers, one for each partition in order, the client does not know.
    pub(super) fn news(&mut self, answers: impl IntoIterator<Item = PartitionAnswer>) -> Vec<bool> {
        let mut told = Vec::with_capacity(self.order.len());
        let mut answers = answers.into_iter();
        let mut any = false;
        for slot in &self.order {
            let answer = answers.next().expect("there is an answer for each partition");
            told.push(self.partitions.get_mut(*slot).tell(answer));
            any |= answer.content == Content::Records;
        }
        assert!(answers.next().is_none(), "there is a partition for each answer");
        if any {
            self.rotate();
        }
        told
    }

    /// What has just brought records is read last the next time.
    pub(super) fn rotate(&mut self) {
        let partitions = &self.partitions;
        self.order.sort_by_key(|slot| partitions.get(*slot).is_some_and(|partition| partition.brought_records));
    }

    pub(super) fn partitions(&self) -> impl Iterator<Item = (u32, i32, &A)> {
        self.order.iter().map(|slot| {
            let partition = self.partitions.get(*slot).expect("what has a place is there");
            (partition.topic, partition.index, &partition.asked)
        })
    }

    pub(super) fn topics(&self) -> impl Iterator<Item = Option<&TopicRef>> {
        self.topics.items.iter().map(|topic| topic.as_ref().map(|topic| &topic.named))
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Room for partitions and topics, whether or not it is used.
    #[cfg(test)]
    pub(super) fn slots(&self) -> (usize, usize) {
        (self.partitions.items.len(), self.topics.items.len())
    }
}

impl<A> Partition<A> {
    /// Whether the client has to be told; it then knows.
    fn tell(&mut self, answer: PartitionAnswer) -> bool {
        self.brought_records = answer.content == Content::Records;
        let known = (self.log_start, self.high_watermark) == (answer.log_start, answer.high_watermark);
        self.log_start = answer.log_start;
        // When a notice does not hold any more, that is news, too.
        self.high_watermark = answer.high_watermark.filter(|_| answer.content != Content::Notice);
        !known || answer.content != Content::Nothing
    }
}

/// Fewer free slots are not worth giving back.
const SPARSE_MIN: usize = 16;

/// Items with numbers that stay; those of what was removed are given again.
#[derive(Debug)]
struct Slab<T> {
    items: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { items: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    fn insert(&mut self, item: T) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.items[slot as usize] = Some(item);
            return slot;
        }
        self.items.push(Some(item));
        u32::try_from(self.items.len() - 1).expect("the memory of sessions is bounded")
    }

    fn remove(&mut self, slot: u32) -> T {
        self.free.push(slot);
        self.items[slot as usize].take().expect("an item is removed once")
    }

    fn is_sparse(&self) -> bool {
        self.free.len() > SPARSE_MIN && self.free.len() > self.items.len() / 2
    }

    fn get(&self, slot: u32) -> Option<&T> {
        self.items[slot as usize].as_ref()
    }

    fn get_mut(&mut self, slot: u32) -> &mut T {
        self.items[slot as usize].as_mut().expect("only items that are there are asked for")
    }
}
