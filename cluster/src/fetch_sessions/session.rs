//! One session: its partitions, the order in which they are read, which of them have to be looked at, and what the client
//! knows of each.
//!
//! A partition is quiet when it gave nothing at its end, and whoever owns it will say so when that changes. Every other
//! one is restless: it is looked at by each fetch, as long as it has something to give, something is wrong with it, or
//! nobody has looked since it moved.

use std::collections::BTreeMap;
use std::rc::Rc;

use base::{CoreId, Instant, Offset};

use super::{
    Asks, Content, FIRST_EPOCH, Naming, PartitionAnswer, PartitionKey, Place, ToLook, TopicNumber, next_epoch,
};

/// About what a session takes for itself, for each topic beside its name, and for each partition, here and with the core
/// that owns it.
pub(super) const SESSION_BYTES: usize = 512;
const TOPIC_BYTES: usize = 160;
pub(super) const PARTITION_BYTES: usize = 448;

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
    /// An answer is being put together.
    pub(super) telling: bool,
    topics: BTreeMap<TopicNumber, Topic>,
    by_topic: BTreeMap<TopicRef, TopicNumber>,
    partitions: BTreeMap<PartitionKey, Partition<A>>,
    by_partition: BTreeMap<(TopicNumber, i32), PartitionKey>,
    /// Those that are not quiet, in the order in which they are read.
    restless: BTreeMap<Place, PartitionKey>,
    /// How many of them have moved, or were asked for something else, since they were looked at.
    due: usize,
    /// What other cores, or this one, need not follow any more.
    unfollowed: BTreeMap<CoreId, Vec<PartitionKey>>,
    next_topic: u64,
    next_place: u64,
    bytes: usize,
    /// The sum of what is asked of each partition.
    asked_bytes: u64,
}

#[derive(Debug)]
struct Topic {
    named: TopicRef,
    partitions: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Quiet,
    /// Restless, and what the last look found may be old.
    Due,
    /// Restless, and as the last look found it.
    Looked,
}

#[derive(Debug)]
struct Partition<A> {
    topic: TopicNumber,
    index: i32,
    asked: A,
    place: Place,
    state: State,
    /// Who was asked to tell when it moves.
    followed_on: Option<CoreId>,
    /// What the client was told last. Without, it is told at once.
    log_start: Option<Offset>,
    high_watermark: Option<Offset>,
}

impl<A: Asks> Session<A> {
    pub(super) fn new(naming: Naming, now: Instant) -> Self {
        Self {
            naming,
            epoch: next_epoch(FIRST_EPOCH),
            created: now,
            used: now,
            telling: false,
            topics: BTreeMap::new(),
            by_topic: BTreeMap::new(),
            partitions: BTreeMap::new(),
            by_partition: BTreeMap::new(),
            restless: BTreeMap::new(),
            due: 0,
            unfollowed: BTreeMap::new(),
            next_topic: 0,
            next_place: 0,
            bytes: SESSION_BYTES,
            asked_bytes: 0,
        }
    }

    /// Adds a partition, or changes what is asked of it; it is to be looked at. `new_key` names it if it is new.
    pub(super) fn want(
        &mut self,
        named: &TopicRef,
        (index, asked): (i32, A),
        new_key: impl FnOnce() -> PartitionKey,
    ) -> PartitionKey {
        let topic = self.place_topic(named);
        self.asked_bytes += u64::from(asked.bytes_max());
        if let Some(&key) = self.by_partition.get(&(topic, index)) {
            let partition = self.partitions.get_mut(&key).expect("what has a number is there");
            self.asked_bytes -= u64::from(partition.asked.bytes_max());
            partition.asked = asked;
            self.stir(key);
            return key;
        }
        let (key, place) = (new_key(), self.next_place());
        let (log_start, high_watermark) = (None, None);
        let (state, followed_on) = (State::Due, None);
        let partition = Partition { topic, index, asked, place, state, followed_on, log_start, high_watermark };
        let before = self.partitions.insert(key, partition);
        assert!(before.is_none(), "{key:?} was given twice");
        self.by_partition.insert((topic, index), key);
        self.restless.insert(place, key);
        self.due += 1;
        self.topics.get_mut(&topic).expect("it was just placed").partitions += 1;
        self.bytes += PARTITION_BYTES;
        key
    }

    pub(super) fn forget(&mut self, named: &TopicRef, indexes: &[i32]) {
        let Some(&topic) = self.by_topic.get(named) else { return };
        for index in indexes {
            let Some(key) = self.by_partition.remove(&(topic, *index)) else { continue };
            let partition = self.partitions.remove(&key).expect("what has a number is there");
            self.restless.remove(&partition.place);
            self.due -= usize::from(partition.state == State::Due);
            if let Some(core) = partition.followed_on {
                self.unfollowed.entry(core).or_default().push(key);
            }
            self.topics.get_mut(&topic).expect("it has a partition").partitions -= 1;
            self.bytes -= PARTITION_BYTES;
            self.asked_bytes -= u64::from(partition.asked.bytes_max());
        }
        if self.topics[&topic].partitions == 0 {
            self.topics.remove(&topic);
            self.by_topic.remove(named);
            self.bytes -= named.bytes();
        }
        self.check();
    }

    fn place_topic(&mut self, named: &TopicRef) -> TopicNumber {
        if let Some(topic) = self.by_topic.get(named) {
            return *topic;
        }
        let topic = TopicNumber(self.next_topic);
        self.next_topic += 1;
        self.topics.insert(topic, Topic { named: named.clone(), partitions: 0 });
        self.by_topic.insert(named.clone(), topic);
        self.bytes += named.bytes();
        topic
    }

    fn next_place(&mut self) -> Place {
        self.next_place += 1;
        Place(self.next_place)
    }

    /// A partition has moved since it was looked at, or may have.
    pub(super) fn stir(&mut self, key: PartitionKey) {
        let Some(partition) = self.partitions.get_mut(&key) else { return };
        if partition.state != State::Due {
            partition.state = State::Due;
            self.restless.insert(partition.place, key);
            self.due += 1;
        }
    }

    pub(super) fn stir_all(&mut self) {
        let keys: Vec<PartitionKey> = self.partitions.keys().copied().collect();
        keys.into_iter().for_each(|key| self.stir(key));
    }

    /// Nobody follows the partitions any more that this core was asked to.
    pub(super) fn stir_core(&mut self, core: CoreId) {
        self.unfollowed.remove(&core);
        let of_core = self.partitions.iter_mut().filter(|(_, partition)| partition.followed_on == Some(core));
        let keys: Vec<PartitionKey> = of_core
            .map(|(key, partition)| {
                partition.followed_on = None;
                *key
            })
            .collect();
        keys.into_iter().for_each(|key| self.stir(key));
    }

    /// The next restless partitions behind a place: what moves from now on has to be looked at again.
    pub(super) fn look(&mut self, after: Option<Place>, most: usize) -> Vec<ToLook<A>> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = after.map_or(Unbounded, Excluded);
        let mut looks = Vec::with_capacity(most.min(self.restless.len()));
        for (place, key) in self.restless.range((from, Unbounded)).take(most) {
            let partition = self.partitions.get_mut(key).expect("what is restless is there");
            self.due -= usize::from(partition.state == State::Due);
            partition.state = State::Looked;
            let Partition { topic, index, .. } = *partition;
            looks.push(ToLook { key: *key, place: *place, topic, index, asked: partition.asked.clone() });
        }
        looks
    }

    /// A core is going to be asked to follow a partition.
    pub(super) fn follow(&mut self, key: PartitionKey, core: CoreId) {
        let Some(partition) = self.partitions.get_mut(&key) else { return };
        let before = partition.followed_on.replace(core);
        if let Some(before) = before.filter(|before| *before != core) {
            self.unfollowed.entry(before).or_default().push(key);
        }
    }

    pub(super) fn take_unfollowed(&mut self) -> BTreeMap<CoreId, Vec<PartitionKey>> {
        std::mem::take(&mut self.unfollowed)
    }

    /// A look has found this, and the client is not told yet: what it knows already, and will know of when it changes, is
    /// not looked at again.
    pub(super) fn settle(&mut self, key: PartitionKey, answer: PartitionAnswer) {
        let Some(partition) = self.partitions.get_mut(&key) else { return };
        if !partition.is_news(answer) {
            self.rest(key, answer.content);
        }
    }

    /// Whether the client has to be told; it then knows. What brings records is read last from now on.
    pub(super) fn tell(&mut self, key: PartitionKey, answer: PartitionAnswer) -> bool {
        let is_news = self.know(key, answer);
        if answer.content == Content::Records {
            self.move_last(key);
        }
        self.rest(key, answer.content);
        is_news
    }

    /// The client knows this of a partition from now on. Whether it is news.
    pub(super) fn know(&mut self, key: PartitionKey, answer: PartitionAnswer) -> bool {
        let Some(partition) = self.partitions.get_mut(&key) else { return false };
        let is_news = partition.is_news(answer);
        partition.log_start = answer.log_start;
        // When a notice does not hold any more, that is news, too.
        partition.high_watermark = answer.high_watermark.filter(|_| answer.content != Content::Notice);
        is_news
    }

    /// Reads a partition after all others from now on.
    pub(super) fn move_last(&mut self, key: PartitionKey) {
        let place = self.next_place();
        let Some(partition) = self.partitions.get_mut(&key) else { return };
        let before = std::mem::replace(&mut partition.place, place);
        if self.restless.remove(&before).is_some() {
            self.restless.insert(place, key);
        }
    }

    /// A partition is quiet if it had nothing, and has not moved since.
    fn rest(&mut self, key: PartitionKey, content: Content) {
        let Some(partition) = self.partitions.get_mut(&key) else { return };
        if content == Content::Nothing && partition.state == State::Looked && partition.followed_on.is_some() {
            partition.state = State::Quiet;
            self.restless.remove(&partition.place);
        }
    }

    pub(super) fn topic(&self, number: TopicNumber) -> Option<&TopicRef> {
        self.topics.get(&number).map(|topic| &topic.named)
    }

    pub(super) fn len(&self) -> usize {
        self.partitions.len()
    }

    pub(super) fn restless(&self) -> usize {
        self.restless.len()
    }

    pub(super) fn is_due(&self) -> bool {
        self.due > 0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn asked_bytes(&self) -> u64 {
        self.asked_bytes
    }

    pub(super) fn check(&self) {
        assert_eq!(self.partitions.len(), self.by_partition.len(), "each partition has one number");
        assert!(self.due <= self.restless.len(), "{} due of {}", self.due, self.restless.len());
        debug_assert!(self.partitions.iter().all(|(key, partition)| {
            (self.restless.get(&partition.place) == Some(key)) == (partition.state != State::Quiet)
        }));
        debug_assert_eq!(self.due, self.partitions.values().filter(|partition| partition.state == State::Due).count());
    }
}

impl<A> Partition<A> {
    fn is_news(&self, answer: PartitionAnswer) -> bool {
        let known = (self.log_start, self.high_watermark) == (answer.log_start, answer.high_watermark);
        !known || matches!(answer.content, Content::Records | Content::Notice)
    }
}
