//! Consumer groups: the driver of their coordinators.
//!
//! Each core has a [`Host`] for each partition of `__consumer_offsets` that it leads. The host reads the partition's log,
//! then answers what is asked of the groups that belong to it. A question comes from a door on any core; it is asked at
//! the core that has the group's partition, and the answer goes back the same way. Members wait for each other, so an
//! answer may take minutes; the calls between cores that carry such waits are counted on their own (see
//! [`crate::limits::GROUP_CALLS_MAX`]), so that they take no place from others.
//!
//! When a partition goes to another core, its host here is unloaded: who waits is told to look for the coordinator again,
//! and the host there reads the log. One task a core looks after the deadlines of all its hosts.

mod ask;
mod gather;
mod host;
mod load;
mod records;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::rc::Rc;

use base::{Instant, PartitionId, PartitionIndex, TopicId};
use cluster::groups::{GroupSettings, MemberId, Now};
use cluster::metadata::{MetadataImage, TopicName};
use rt::{Flag, Notify};
use shard::task_queues::FOREGROUND;
use wire::ErrorCode;
use wire::kafka::group_records::partition_of_group;

use ask::Place;
pub(crate) use ask::{Ask, AskResult, Asked, FetchOffsets, Listed, Told};
use host::{Host, Waiter};

use crate::core::{Core, KnownTopic};
use crate::internal_topics::OFFSETS_TOPIC;
use crate::messages::{Caller, Reply, Request};
use crate::refusal::Refusal;

/// The coordinators of one core.
pub(crate) struct Groups {
    settings: GroupSettings,
    hosts: RefCell<BTreeMap<PartitionIndex, Rc<Host>>>,
    /// Not before the broker serves, nor once it stops: the epoch of the leader must be this start's.
    open: Cell<bool>,
    /// Until when the keeper of deadlines sleeps; `None` for ever.
    sleeps_until: Cell<Option<Instant>>,
    /// There is a deadline before that.
    sooner: Flag,
    /// Hosts that read their logs.
    loading: Cell<usize>,
    loaded: Notify,
    /// Requests that wait for their answers.
    waiting: Cell<usize>,
    /// What the groups of all hosts take of `memory.groups`.
    memory: Cell<usize>,
}

impl Groups {
    pub(crate) fn new(settings: GroupSettings) -> Self {
        Self {
            settings,
            hosts: RefCell::default(),
            open: Cell::new(false),
            sleeps_until: Cell::new(None),
            sooner: Flag::new(),
            loading: Cell::new(0),
            loaded: Notify::new(),
            waiting: Cell::new(0),
            memory: Cell::new(0),
        }
    }

    /// What the groups of this core take of `memory.groups`, and how much that is.
    pub(crate) fn memory_and_limit(&self) -> (usize, usize) {
        (self.memory.get(), self.settings.memory_bytes_max)
    }

    pub(crate) fn requests_waiting(&self) -> usize {
        self.waiting.get()
    }

    fn host(&self, index: PartitionIndex) -> Option<Rc<Host>> {
        self.hosts.borrow().get(&index).cloned()
    }

    fn all_hosts(&self) -> Vec<Rc<Host>> {
        self.hosts.borrow().values().cloned().collect()
    }

    /// A host has something to do at this time.
    fn look_at(&self, deadline: Instant) {
        if self.sleeps_until.get().is_none_or(|until| deadline < until) {
            self.sleeps_until.set(Some(deadline));
            self.sooner.raise();
        }
    }
}

fn now() -> Now {
    Now { instant: rt::now(), wall: rt::wall_clock() }
}

impl Core {
    /// Coordinates groups from now on: of all partitions that are here, and of those that will come.
    pub(crate) fn open_groups(self: &Rc<Self>) {
        self.groups.open.set(true);
        drop(rt::spawn(FOREGROUND, Rc::clone(self).keep_deadlines()));
        let Some(topic) = self.topic_named(OFFSETS_TOPIC) else { return };
        self.host_partitions(&topic);
    }

    /// Whoever waits for a group is told to look for it elsewhere.
    pub(crate) fn close_groups(self: &Rc<Self>) {
        self.groups.open.set(false);
        let hosts = std::mem::take(&mut *self.groups.hosts.borrow_mut());
        for host in hosts.into_values() {
            host.unload(self);
        }
    }

    /// Has hosts for all partitions of the groups' topic that this core leads.
    pub(crate) fn host_partitions(self: &Rc<Self>, topic: &KnownTopic) {
        if topic.topic.name.as_str() != OFFSETS_TOPIC {
            return;
        }
        for (index, _) in topic.topic.indexed_partitions() {
            self.host_partition(PartitionId { topic: topic.topic.id, index });
        }
    }

    /// Has a host for a partition of the groups' topic, if it is one and is led here.
    pub(crate) fn host_partition(self: &Rc<Self>, id: PartitionId) {
        let is_ours = self.topic(id.topic).is_some_and(|known| known.topic.name.as_str() == OFFSETS_TOPIC);
        if !self.groups.open.get() || !is_ours || !self.leaders.borrow().contains_key(&id) {
            return;
        }
        if self.groups.hosts.borrow().contains_key(&id.index) {
            return;
        }
        let host = Host::new(id);
        self.groups.hosts.borrow_mut().insert(id.index, Rc::clone(&host));
        host.begin(self);
    }

    /// Lets go of a partition of the groups' topic, if it is one.
    pub(crate) fn release_groups(self: &Rc<Self>, id: PartitionId) {
        let host = match self.groups.hosts.borrow_mut().entry(id.index) {
            std::collections::btree_map::Entry::Occupied(entry) if entry.get().id == id => entry.remove(),
            _ => return,
        };
        host.unload(self);
    }

    /// Lets go of all partitions of a topic that is deleted.
    pub(crate) fn release_groups_of(self: &Rc<Self>, topic: TopicId) {
        let gone: Vec<PartitionId> =
            self.groups.all_hosts().iter().map(|host| host.id).filter(|id| id.topic == topic).collect();
        for id in gone {
            self.release_groups(id);
        }
    }

    /// Topics have come, changed or gone.
    pub(crate) fn tell_groups_of_topics(self: &Rc<Self>, image: &MetadataImage, deleted: &[TopicName]) {
        for host in self.groups.all_hosts() {
            host.topics_changed(self, image, deleted);
        }
    }

    /// Asks a group's coordinator. Questions that one task asks about one group arrive in the order of these calls.
    pub(crate) fn ask_group(self: &Rc<Self>, ask: Ask) -> Asked {
        let Some(id) = self.partition_of_group(ask.group().as_str()) else {
            return Asked::Told(Err(ErrorCode::NotCoordinator.into()));
        };
        match self.owner_of(id) {
            Some(owner) if owner == self.id => {
                let place = Rc::new(Place::default());
                self.ask_host(id.index, ask, Waiter::Here(Rc::clone(&place)));
                Asked::Here(place)
            }
            Some(owner) => Asked::Elsewhere(self.call(owner, Request::Group(id.index, Box::new(ask)))),
            None => Asked::Told(Err(ErrorCode::CoordinatorNotAvailable.into())),
        }
    }

    /// The partition of the groups' topic that a group belongs to, once there is that topic.
    pub(crate) fn partition_of_group(&self, group: &str) -> Option<PartitionId> {
        let topic = self.topic_named(OFFSETS_TOPIC)?.topic;
        let partitions = u32::try_from(topic.partitions.len()).ok().and_then(NonZeroU32::new)?;
        Some(PartitionId::new(topic.id, partition_of_group(group, partitions)))
    }

    /// Serves what another core asks.
    pub(crate) fn serve_group(self: &Rc<Self>, caller: Caller, index: PartitionIndex, ask: Ask) {
        self.ask_host(index, ask, Waiter::There(caller));
    }

    fn ask_host(self: &Rc<Self>, index: PartitionIndex, ask: Ask, waiter: Waiter) {
        match self.groups.host(index) {
            Some(host) => host.ask(self, ask, waiter),
            // It is on its way to another core, or there is none yet.
            None => waiter.tell(self, Err(ErrorCode::CoordinatorLoadInProgress.into())),
        }
    }

    pub(crate) fn groups_here(&self) -> Listed {
        let mut listed = Listed::default();
        for host in self.groups.all_hosts() {
            host.list(&mut listed);
        }
        listed
    }

    /// All groups of all cores.
    pub(crate) async fn all_groups(self: &Rc<Self>) -> Result<Listed, Refusal> {
        let others = base::CoreId::all(self.cores()).filter(|other| *other != self.id);
        let calls: Vec<_> = others.map(|other| self.call(other, Request::ListGroups)).collect();
        let mut all = self.groups_here();
        for call in calls {
            match call.await? {
                Reply::Groups(listed) => {
                    all.groups.extend(listed.groups);
                    all.is_partial |= listed.is_partial;
                }
                _ => return Err(ErrorCode::UnknownServerError.into()),
            }
        }
        Ok(all)
    }

    /// An id that no member ever had, which begins with this.
    pub(crate) fn new_member_id(&self, front: &str) -> MemberId {
        let bits = (u128::from(rt::entropy()) << 64) | u128::from(rt::entropy());
        MemberId::new(&member_id(front, bits))
    }

    /// Does what becomes due in all hosts of this core.
    async fn keep_deadlines(self: Rc<Self>) {
        while !self.connections.is_closing() {
            let now = now();
            for host in self.groups.all_hosts() {
                host.tick(&self, now);
            }
            let hosts = self.groups.all_hosts();
            let next = hosts.iter().filter_map(|host| host.next_deadline()).min();
            self.groups.sleeps_until.set(next);
            let due = async {
                match next {
                    Some(deadline) => rt::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            let sooner = futures_lite::future::or(due, self.groups.sooner.wait());
            futures_lite::future::or(sooner, self.connections.closing()).await;
            // A round that has more to do is due at once.
            rt::yield_now().await;
        }
    }
}

/// A name and a random UUID (version 4), as Kafka gives them.
fn member_id(front: &str, bits: u128) -> String {
    let bits = (bits & !(0xF << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    format!("{front}-{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_members_id_is_its_name_and_a_uuid() {
        assert_eq!(member_id("rdkafka", 0), "rdkafka-00000000-0000-4000-8000-000000000000");
        assert_eq!(member_id("", u128::MAX), "-ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
