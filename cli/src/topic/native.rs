//! Topics by the native door.

use client::{Client, ClientError, NewTopic};
use wire::ErrorCode;
use wire::native::{DescribedPartition, DescribedSettingSource};

use super::show::{Description, Listed, Partition};
use super::{Administrator, Answer};
use crate::native::{Failure, explain, run};

/// Each question has a connection of its own.
pub(super) struct Native {
    broker: String,
}

impl Native {
    pub(super) fn new(address: &str) -> Self {
        Self { broker: address.to_owned() }
    }
}

fn is_refused_as(error: &ClientError, code: ErrorCode) -> bool {
    matches!(error, ClientError::Refused { refusal, .. } if refusal.is(code))
}

impl Administrator for Native {
    fn create(&mut self, name: &str, partitions: Option<u32>, configs: &[(String, String)]) -> Answer<bool> {
        let broker = self.broker.clone();
        let topic = NewTopic { partitions, settings: configs.to_vec(), ..NewTopic::new(name, 1) };
        run(&self.broker, move |client: Client| async move {
            match client.admin().create_topic(topic).await {
                Ok(_) => Ok(true),
                Err(error) if is_refused_as(&error, ErrorCode::TopicAlreadyExists) => Ok(false),
                Err(error) => Err(explain(&broker, error)),
            }
        })
    }

    fn list(&mut self) -> Answer<Vec<Listed>> {
        let broker = self.broker.clone();
        run(&self.broker, move |client: Client| async move {
            let topics = client.admin().list_topics().await.map_err(|error| explain(&broker, error))?;
            let listed = |topic: &client::TopicListing| Listed {
                name: topic.name.to_string(),
                id: topic.id.to_string(),
                partitions: usize::try_from(topic.partitions).expect("32 bits fit"),
                internal: false,
            };
            Ok(topics.iter().map(listed).collect())
        })
    }

    fn describe(&mut self, name: &str) -> Answer<Description> {
        let (broker, name) = (self.broker.clone(), name.to_owned());
        run(&self.broker, move |client: Client| async move {
            let topic = client.admin().describe_topic(&name).await.map_err(|error| explain(&broker, error))?;
            let own = topic.settings.into_iter().filter(|(_, _, source)| *source == DescribedSettingSource::Topic);
            Ok::<_, Failure>(Description {
                name: topic.name.to_string(),
                id: topic.id.to_string(),
                internal: false,
                partitions: topic.partitions.iter().map(partition).collect(),
                configs: own.map(|(name, value, _)| (name, value)).collect(),
            })
        })
    }

    fn delete(&mut self, name: &str) -> Answer<bool> {
        let (broker, name) = (self.broker.clone(), name.to_owned());
        run(&self.broker, move |client: Client| async move {
            match client.admin().delete_topic(&name).await {
                Ok(()) => Ok(true),
                Err(error) if is_refused_as(&error, ErrorCode::UnknownTopicOrPartition) => Ok(false),
                Err(error) => Err(explain(&broker, error)),
            }
        })
    }
}

fn partition(partition: &DescribedPartition) -> Partition {
    Partition {
        partition: partition.index.0,
        leader: Some(partition.leader.0),
        core: Some(partition.core.0),
        leader_epoch: Some(partition.leader_epoch.get()),
        replicas: partition.replicas.iter().map(|broker| broker.0).collect(),
        isr: partition.isr.iter().map(|broker| broker.0).collect(),
        start_offset: partition.log_start_offset.map(base::Offset::get),
        end_offset: partition.high_watermark.map(base::Offset::get),
    }
}
