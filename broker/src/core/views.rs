//! How a core takes what the controller has decided: topics, their settings, and which partitions are here.

use std::rc::Rc;
use std::sync::Arc;

use base::{LeaderEpoch, PartitionId, PartitionIndex, TopicId};
use cluster::metadata::{Partition, Topic, TopicName};
use cluster::settings::TopicSettings;
use shard::PartitionRow;

use super::{Core, KnownTopic};
use crate::leader::Leader;
use crate::start;
use crate::view::ViewChange;

impl Core {
    /// Takes the first view, or one in which a partition has moved.
    pub(crate) fn apply_view(self: &Rc<Self>, change: &ViewChange) {
        let image = &change.view.image;
        if change.topics.is_none() {
            self.take_broker_settings(image);
            for topic in image.topics() {
                let settings = self.settings_of(topic);
                topic
                    .indexed_partitions()
                    .for_each(|partition| self.take_partition(change, topic.id, partition, &settings));
                self.know(topic, settings);
            }
        }
        self.begin_to_serve(change);
    }

    /// Takes a new view: partitions that this core now has are opened, others let go of. In slices: a topic may have many
    /// thousands. What is new is open before anybody is sent here for it; what is gone goes when nobody is any more.
    pub(crate) async fn take_view(self: &Rc<Self>, change: &ViewChange) {
        let image = &change.view.image;
        let changed: Vec<TopicId> = match &change.topics {
            Some(topics) => topics.clone(),
            None => image.topics().map(|topic| topic.id).collect(),
        };
        if change.topics.is_none() {
            self.take_broker_settings(image);
        }
        let mut opened = Vec::with_capacity(changed.len());
        for topic in changed.iter().filter_map(|id| image.topic(*id)) {
            let settings = self.settings_of(topic);
            for partition in topic.indexed_partitions() {
                self.take_partition(change, topic.id, partition, &settings);
                rt::yield_if_needed().await;
            }
            opened.push((topic, settings));
        }
        for (topic, settings) in opened {
            self.know(topic, settings);
        }
        let gone: Vec<TopicId> = changed.iter().copied().filter(|id| image.topic(*id).is_none()).collect();
        let deleted: Vec<TopicName> = gone.iter().filter_map(|id| Some(self.topic(*id)?.topic.name.clone())).collect();
        self.begin_to_serve(change);
        for topic in changed.into_iter().filter_map(|id| self.topic(id)) {
            self.host_partitions(&topic);
        }
        self.tell_groups_of_topics(image, &deleted);
        for id in gone {
            self.drop_topic(id).await;
        }
    }

    fn begin_to_serve(self: &Rc<Self>, change: &ViewChange) {
        *self.view.borrow_mut() = Arc::clone(&change.view);
        if let Some(moved) = change.moved {
            self.release(moved);
        }
    }

    fn settings_of(&self, topic: &Topic) -> Rc<TopicSettings> {
        Rc::new(TopicSettings::resolve(&topic.settings, &self.topic_defaults()))
    }

    fn know(&self, topic: &Arc<Topic>, settings: Rc<TopicSettings>) {
        self.topics.borrow_mut().insert(topic.id, KnownTopic { topic: Arc::clone(topic), settings });
    }

    fn take_partition(
        &self,
        change: &ViewChange,
        topic: TopicId,
        (index, partition): (PartitionIndex, &Partition),
        settings: &Rc<TopicSettings>,
    ) {
        let id = PartitionId { topic, index };
        if change.view.core_of(id) != Some(self.id) {
            return;
        }
        let spec = start::spec_of(id, settings);
        if self.shard.offsets(id).is_none() {
            self.shard.add_partition(spec, &PartitionRow::new(id));
        } else {
            self.shard.update_partition(spec);
        }
        self.lead(id, partition.leader_epoch, settings);
    }

    fn lead(&self, id: PartitionId, epoch: LeaderEpoch, settings: &Rc<TopicSettings>) {
        let mut leaders = self.leaders.borrow_mut();
        let leader = leaders.entry(id).or_insert_with(|| Leader::new(epoch, Rc::clone(settings)));
        assert!(leader.epoch <= epoch, "{id}: leader epoch {epoch} comes after {}", leader.epoch);
        if leader.epoch != epoch {
            leader.epoch = epoch;
            // Readers that believe in the one before have to be told.
            self.shard.tell_followers(id);
        }
        leader.settings = Rc::clone(settings);
    }

    async fn drop_topic(self: &Rc<Self>, topic: TopicId) {
        self.topics.borrow_mut().remove(&topic);
        self.release_groups_of(topic);
        let last = PartitionId::new(topic, u32::MAX);
        let mut next = Some(PartitionId::new(topic, 0));
        while let Some(from) = next {
            next = self.leaders.borrow().range(from..=last).next().map(|(id, _)| *id);
            if let Some(id) = next {
                drop(self.remove_leader(id));
                self.shard.remove_partition(id);
                rt::yield_if_needed().await;
            }
        }
    }
}
