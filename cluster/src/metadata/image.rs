//! The metadata as readers on every core see it: immutable, and replaced whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{BrokerId, PartitionId, TopicId};

use super::{Incarnation, Partition, SettingsOwner, Topic, TopicName};
use crate::settings::SettingOverrides;
use crate::shared_map::SharedMap;

/// One state of the metadata. A clone is one pointer, and the next state shares with this one all that did not change,
/// so it can be published to every core after every change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetadataImage(Arc<Content>);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) brokers: BTreeMap<BrokerId, Broker>,
    pub(super) topics: SharedMap<TopicId, Arc<Topic>>,
    pub(super) names: SharedMap<TopicName, TopicId>,
    /// Of all topics together.
    pub(super) partitions: usize,
    /// Of who has any.
    pub(super) owner_settings: SharedMap<SettingsOwner, SettingOverrides>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broker {
    pub incarnation: Incarnation,
}

const _: () = {
    const fn crosses_cores<T: Send + Sync>() {}
    crosses_cores::<MetadataImage>();
};

impl MetadataImage {
    pub fn topic(&self, id: TopicId) -> Option<&Arc<Topic>> {
        self.0.topics.get(&id)
    }

    pub fn topic_named(&self, name: &str) -> Option<&Arc<Topic>> {
        self.topic(self.topic_id(name)?)
    }

    pub fn topic_id(&self, name: &str) -> Option<TopicId> {
        self.0.names.get(name).copied()
    }

    pub fn partition(&self, id: PartitionId) -> Option<&Partition> {
        self.topic(id.topic)?.partition(id.index)
    }

    /// All topics in the order of their names.
    pub fn topics(&self) -> impl Iterator<Item = &Arc<Topic>> {
        self.resolve(self.0.names.iter())
    }

    /// Topics whose names come after `name`, in order: the next page of a long list.
    pub fn topics_after(&self, name: &str) -> impl Iterator<Item = &Arc<Topic>> {
        self.resolve(self.0.names.iter_after(name))
    }

    fn resolve<'a>(
        &'a self,
        names: impl Iterator<Item = (&'a TopicName, &'a TopicId)>,
    ) -> impl Iterator<Item = &'a Arc<Topic>> {
        names.map(|(name, id)| self.topic(*id).unwrap_or_else(|| panic!("the name {name} leads to no topic")))
    }

    pub fn topic_count(&self) -> usize {
        self.0.names.len()
    }

    /// Partitions of all topics together.
    pub fn partition_count(&self) -> usize {
        self.0.partitions
    }

    pub fn broker(&self, id: BrokerId) -> Option<&Broker> {
        self.0.brokers.get(&id)
    }

    /// All brokers in the order of their ids.
    pub fn brokers(&self) -> impl Iterator<Item = (BrokerId, &Broker)> {
        self.0.brokers.iter().map(|(id, broker)| (*id, broker))
    }

    pub fn broker_count(&self) -> usize {
        self.0.brokers.len()
    }

    /// Who beside topics has settings.
    pub fn owner_count(&self) -> usize {
        self.0.owner_settings.len()
    }

    /// What was altered for somebody beside topics, if anything is.
    pub fn settings_of(&self, owner: &SettingsOwner) -> Option<&SettingOverrides> {
        self.0.owner_settings.get(owner)
    }

    /// What was altered for a group, if anything is.
    pub fn settings_of_group(&self, group: &str) -> Option<&SettingOverrides> {
        // Groups ask for it with each heartbeat, and most clusters have none.
        if self.0.owner_settings.is_empty() {
            return None;
        }
        self.settings_of(&SettingsOwner::Group(group.to_owned()))
    }

    /// All who have such settings: all brokers, then the brokers by number, then the groups by name.
    pub fn owner_settings(&self) -> impl Iterator<Item = (&SettingsOwner, &SettingOverrides)> {
        self.0.owner_settings.iter()
    }

    pub(super) fn content(&self) -> &Content {
        &self.0
    }

    /// For the one owner of the state; clones that were given out keep what they have.
    pub(super) fn content_mut(&mut self) -> &mut Content {
        Arc::make_mut(&mut self.0)
    }
}
