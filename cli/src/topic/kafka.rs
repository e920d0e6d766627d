//! Topics by the Kafka door.

use base::TopicId;

use super::show::{Description, Listed, Partition};
use super::{Administrator, Answer};
use crate::kafka::{Cluster, CreateOutcome, DeleteOutcome, OffsetQuery, PartitionMetadata};

pub(super) struct Kafka {
    cluster: Cluster,
}

impl Kafka {
    pub(super) fn connect(address: &str) -> Answer<Self> {
        Ok(Self { cluster: Cluster::connect(address)? })
    }
}

fn id_text(id: u128) -> String {
    TopicId::from_u128(id).map_or_else(|| "-".to_owned(), |id| id.to_string())
}

fn node(id: &i32) -> u32 {
    id.cast_unsigned()
}

impl Administrator for Kafka {
    fn create(&mut self, name: &str, partitions: Option<u32>, configs: &[(String, String)]) -> Answer<bool> {
        Ok(self.cluster.create_topic(name, partitions, configs)? == CreateOutcome::Created)
    }

    fn list(&mut self) -> Answer<Vec<Listed>> {
        let topics = self.cluster.topics()?.into_iter().map(|topic| Listed {
            id: id_text(topic.id),
            partitions: topic.partitions.len(),
            internal: topic.is_internal,
            name: topic.name,
        });
        Ok(topics.collect())
    }

    fn describe(&mut self, name: &str) -> Answer<Description> {
        let topic = self.cluster.topic(name)?;
        // Only leaders know offsets.
        let led = (0_u32..).zip(&topic.partitions).filter(|(_, partition)| partition.leader.is_some());
        let led: Vec<u32> = led.map(|(index, _)| index).collect();
        let all = |query| led.iter().map(|index| (*index, query)).collect::<Vec<_>>();
        let starts = self.cluster.offsets(&topic, &all(OffsetQuery::Earliest))?;
        let ends = self.cluster.offsets(&topic, &all(OffsetQuery::Latest))?;
        let configs = self.cluster.topic_configs(name)?;
        let place = |index: u32| led.binary_search(&index).ok();
        let partition = |(index, partition): (u32, &PartitionMetadata)| Partition {
            partition: index,
            leader: partition.leader.as_ref().map(node),
            core: None,
            leader_epoch: partition.leader_epoch,
            replicas: partition.replicas.iter().map(node).collect(),
            isr: partition.isr.iter().map(node).collect(),
            start_offset: place(index).and_then(|at| starts[at]),
            end_offset: place(index).and_then(|at| ends[at]),
        };
        Ok(Description {
            id: id_text(topic.id),
            internal: topic.is_internal,
            partitions: (0_u32..).zip(&topic.partitions).map(partition).collect(),
            configs: configs.into_iter().collect(),
            name: topic.name,
        })
    }

    fn delete(&mut self, name: &str) -> Answer<bool> {
        Ok(self.cluster.delete_topic(name)? == DeleteOutcome::Deleted)
    }
}
