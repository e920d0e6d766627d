//! Which topics there are and where their partitions are, as the brokers last said it.
//!
//! The cache says what to ask and when: at once for a topic that is wanted and not known, soon after something has shown
//! that an answer is out of date, and after a while in any case. One request is under way at a time. Readers get
//! [`Topic`]s, which are replaced whole and never changed.

mod brokers;
#[cfg(test)]
mod tests;
mod topic;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use base::{BrokerId, CoreId, Instant, PartitionId, SeededRandom, TopicId};
use wire::ErrorCode;
use wire::native::{MetadataReply, TopicMetadata};

pub use brokers::{Address, Brokers};
pub use topic::Topic;

use crate::limits;
use crate::machine::backoff::{Backoff, BackoffOptions};
use crate::machine::refusal::Refusal;
use crate::machine::route::{Destination, Route, Routes};

/// How a cache is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetadataOptions {
    /// What is older is asked again.
    pub age_max: Duration,
    /// After a request that failed.
    pub backoff: BackoffOptions,
}

/// What is known of a name.
#[derive(Clone, Debug)]
pub enum Lookup {
    Known(Rc<Topic>),
    /// The broker has no such topic.
    Missing,
    /// The broker won't tell.
    Refused(Refusal),
    /// An answer is awaited.
    Awaited,
}

/// See the module.
#[derive(Debug)]
pub struct MetadataCache {
    options: MetadataOptions,
    random: SeededRandom,
    topics: BTreeMap<Arc<str>, Entry>,
    /// The topics that exist, as far as they are known.
    names: BTreeMap<TopicId, Arc<str>>,
    /// Topics that did exist and were seen to have ended.
    gone: BTreeSet<TopicId>,
    brokers: Brokers,
    /// Failures of requests as such, and not of single topics.
    backoff: Backoff,
    under_way: Option<Vec<Arc<str>>>,
    /// Not to be asked before.
    hold_until: Instant,
    /// When what was found elsewhere is asked for, or was.
    hops_asked_at: Option<Instant>,
}

#[derive(Debug)]
struct Entry {
    lookup: Lookup,
    /// When it is to be asked again.
    due: Instant,
    asked_at: Option<Instant>,
    used_at: Instant,
    /// How many want it kept, however long it is not looked up.
    pins: usize,
}

impl MetadataCache {
    pub fn new(options: MetadataOptions, random: SeededRandom) -> Self {
        Self {
            options,
            random,
            topics: BTreeMap::new(),
            names: BTreeMap::new(),
            gone: BTreeSet::new(),
            brokers: Brokers::default(),
            backoff: Backoff::new(options.backoff),
            under_way: None,
            hold_until: Instant::ZERO,
            hops_asked_at: None,
        }
    }

    /// What is known of a topic. A name that was never asked for will be.
    pub fn look_up(&mut self, now: Instant, name: &str) -> Lookup {
        if let Some(entry) = self.topics.get_mut(name) {
            entry.used_at = now;
            return entry.lookup.clone();
        }
        if self.topics.len() >= limits::TOPICS_KEPT_MAX {
            self.forget_one();
        }
        let entry = Entry { lookup: Lookup::Awaited, due: now, asked_at: None, used_at: now, pins: 0 };
        self.topics.insert(name.into(), entry);
        Lookup::Awaited
    }

    /// Keeps a topic that has been looked up until [`Self::unpin`].
    pub fn pin(&mut self, name: &str) {
        if let Some(entry) = self.topics.get_mut(name) {
            entry.pins += 1;
        }
    }

    pub fn unpin(&mut self, now: Instant, name: &str) {
        if let Some(entry) = self.topics.get_mut(name) {
            entry.pins = entry.pins.saturating_sub(1);
            entry.used_at = now;
        }
    }

    /// Something has shown that what is known of a topic is no longer true.
    pub fn doubt(&mut self, now: Instant, topic: TopicId) {
        if let Some(name) = self.names.get(&topic).cloned() {
            self.doubt_name(now, &name);
        }
    }

    /// The same, by name. Does nothing for a name that nobody has looked up.
    pub fn doubt_name(&mut self, now: Instant, name: &str) {
        if let Some(entry) = self.topics.get_mut(name) {
            let earliest = entry.asked_at.map_or(now, |asked| asked.plus(limits::METADATA_INTERVAL_MIN));
            entry.due = entry.due.min(earliest.max(now));
        }
    }

    /// A broker has served a partition from another core than it was asked at. If it is the one that we know, what was asked
    /// before we knew is still being answered. Otherwise the topic is asked for, all such together once in a while: what is
    /// asked at the old core is answered all the same. Whether that is news.
    pub fn found_elsewhere(&mut self, now: Instant, partition: PartitionId, core: CoreId) -> bool {
        let Route::To(known) = self.route(partition) else { return false };
        if known.core == core {
            return false;
        }
        let due = match self.hops_asked_at {
            Some(at) if at > now => at,
            Some(at) => now.max(at.plus(limits::METADATA_HOP_INTERVAL_MIN)),
            None => now,
        };
        let name = self.names.get(&partition.topic);
        let Some(entry) = name.and_then(|name| self.topics.get_mut(name)) else { return false };
        if entry.due <= due {
            return false;
        }
        // Under way: it is asked again after that, if need be.
        if entry.due == Instant(u64::MAX) {
            return false;
        }
        entry.due = due;
        self.hops_asked_at = Some(due);
        true
    }

    /// A broker cannot be reached: its partitions may have moved.
    pub fn doubt_broker(&mut self, now: Instant, broker: BrokerId) {
        let led = |topic: &Topic| topic.routes().iter().flatten().any(|route| route.leader == broker);
        let doubtful: Vec<Arc<str>> = self
            .topics
            .iter()
            .filter(|(_, entry)| matches!(&entry.lookup, Lookup::Known(topic) if led(topic)))
            .map(|(name, _)| name.clone())
            .collect();
        doubtful.iter().for_each(|name| self.doubt_name(now, name));
    }

    /// The names to ask for now; [`Self::apply`] or [`Self::failed`] must follow. `None` when nothing is due, or a request
    /// is under way.
    pub fn take_request(&mut self, now: Instant) -> Option<Vec<Arc<str>>> {
        if self.under_way.is_some() || now < self.hold_until {
            return None;
        }
        self.forget_unused(now);
        let due = self.topics.iter_mut().filter(|(_, entry)| entry.due <= now);
        let mut names = Vec::new();
        for (name, entry) in due.take(limits::METADATA_TOPICS_PER_REQUEST_MAX) {
            entry.asked_at = Some(now);
            // Asked again only once this request has been answered.
            entry.due = Instant(u64::MAX);
            names.push(name.clone());
        }
        if names.is_empty() {
            return None;
        }
        self.under_way = Some(names.clone());
        Some(names)
    }

    /// The answer to the request that is under way.
    pub fn apply(&mut self, now: Instant, broker: BrokerId, reply: &MetadataReply<'_>) {
        let asked = self.under_way.take().unwrap_or_default();
        self.backoff.succeeded();
        self.brokers.learn(broker, reply.core_endpoints.iter().map(|endpoint| (endpoint.host, endpoint.port)));
        for topic in &reply.topics {
            self.apply_topic(now, topic);
        }
        for name in asked {
            let Some(entry) = self.topics.get_mut(&name) else { continue };
            let answered = reply.topics.iter().any(|topic| topic.name == &*name);
            if !answered && reply.has_more {
                // Its page comes next.
                entry.due = now;
            } else if !answered {
                self.set(now, &name, Lookup::Missing);
            }
        }
    }

    /// The request that is under way was not answered.
    pub fn failed(&mut self, now: Instant) {
        let asked = self.under_way.take().unwrap_or_default();
        self.hold_until = self.backoff.failed(now, &mut self.random);
        for name in asked {
            if let Some(entry) = self.topics.get_mut(&name) {
                entry.due = now;
            }
        }
    }

    /// When [`Self::take_request`] has something; `None` while a request is under way.
    pub fn next_wakeup(&self) -> Option<Instant> {
        if self.under_way.is_some() {
            return None;
        }
        let due = self.topics.values().map(|entry| entry.due).min()?;
        Some(due.max(self.hold_until))
    }

    pub fn brokers(&self) -> &Brokers {
        &self.brokers
    }

    pub fn brokers_mut(&mut self) -> &mut Brokers {
        &mut self.brokers
    }

    /// Where to reach a destination.
    pub fn address(&self, destination: Destination) -> Option<Address> {
        self.brokers.address(destination)
    }

    /// Leaders of known partitions whose addresses nobody has told.
    pub fn has_unknown_leaders(&self) -> bool {
        let topics = self.topics.values().filter_map(|entry| match &entry.lookup {
            Lookup::Known(topic) => Some(topic),
            Lookup::Missing | Lookup::Refused(_) | Lookup::Awaited => None,
        });
        topics.flat_map(|topic| topic.routes().iter().flatten()).any(|route| !self.brokers.knows(route.leader))
    }

    pub fn name_of(&self, topic: TopicId) -> Option<&Arc<str>> {
        self.names.get(&topic)
    }

    pub fn topic(&self, id: TopicId) -> Option<&Rc<Topic>> {
        match &self.topics.get(self.names.get(&id)?)?.lookup {
            Lookup::Known(topic) => Some(topic),
            Lookup::Missing | Lookup::Refused(_) | Lookup::Awaited => None,
        }
    }

    fn apply_topic(&mut self, now: Instant, metadata: &TopicMetadata<'_>) {
        let Some((name, _)) = self.topics.get_key_value(metadata.name) else { return };
        let name = name.clone();
        let error = Refusal::new(metadata.error, None);
        let lookup = match (metadata.error.is_none(), metadata.id) {
            (true, Some(id)) => Lookup::Known(Rc::new(Topic::new(name.clone(), id, &metadata.partitions))),
            (true, None) => Lookup::Missing,
            (false, _) if error.is(ErrorCode::UnknownTopicOrPartition) || error.is(ErrorCode::UnknownTopicId) => {
                Lookup::Missing
            }
            (false, _) if error.is_retriable() => {
                // What was known before may still be true.
                if let Some(entry) = self.topics.get_mut(&name) {
                    entry.due = now.plus(limits::METADATA_INTERVAL_MIN);
                }
                return;
            }
            (false, _) => Lookup::Refused(error),
        };
        self.set(now, &name, lookup);
    }

    fn set(&mut self, now: Instant, name: &Arc<str>, lookup: Lookup) {
        let Some(entry) = self.topics.get_mut(name) else { return };
        if let Lookup::Known(before) = &entry.lookup {
            self.names.remove(&before.id());
            let has_ended = match &lookup {
                Lookup::Known(now) => now.id() != before.id(),
                Lookup::Missing => true,
                Lookup::Refused(_) | Lookup::Awaited => false,
            };
            if has_ended {
                if self.gone.len() >= limits::TOPICS_KEPT_MAX {
                    self.gone.pop_first();
                }
                self.gone.insert(before.id());
            }
        }
        let wait = match &lookup {
            Lookup::Known(topic) => {
                self.names.insert(topic.id(), name.clone());
                // A partition without a leader gets one soon.
                if topic.is_complete() { self.options.age_max } else { limits::METADATA_INTERVAL_MIN }
            }
            Lookup::Missing | Lookup::Refused(_) | Lookup::Awaited => self.options.age_max,
        };
        entry.lookup = lookup;
        entry.due = now.plus(wait);
    }

    fn forget_unused(&mut self, now: Instant) {
        // Whoever uses a topic looks it up more often than its metadata ages.
        let unused = 2 * self.options.age_max;
        let names = &mut self.names;
        self.topics.retain(|_, entry| {
            let keep = entry.pins > 0 || now.since(entry.used_at) < unused;
            if let (false, Lookup::Known(topic)) = (keep, &entry.lookup) {
                names.remove(&topic.id());
            }
            keep
        });
    }

    fn forget_one(&mut self) {
        let unpinned = self.topics.iter().filter(|(_, entry)| entry.pins == 0);
        let longest_unused = unpinned.min_by_key(|(_, entry)| entry.used_at).map(|(name, _)| name.clone());
        let Some(entry) = longest_unused.and_then(|name| self.topics.remove(&name)) else { return };
        if let Lookup::Known(topic) = entry.lookup {
            self.names.remove(&topic.id());
        }
    }
}

impl Routes for MetadataCache {
    fn route(&self, partition: PartitionId) -> Route {
        match self.topic(partition.topic) {
            Some(topic) => topic.route(partition.index),
            None if self.gone.contains(&partition.topic) => Route::Gone,
            None => Route::Unknown,
        }
    }
}
