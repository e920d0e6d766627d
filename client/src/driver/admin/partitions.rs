//! Partitions and the cores of the broker that leads them.

use std::sync::Arc;
use std::time::Duration;

use base::{CoreId, PartitionIndex};
use wire::native::{
    ApiKey, ListPartitionsReply, ListPartitionsRequest, MovePartitionReply, MovePartitionRequest, PartitionLoad,
};

use super::Admin;
use crate::driver::control::Repetition;
use crate::error::ClientError;
use crate::machine::refusal::Refusal;

/// What became of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MovedPartition {
    pub from: CoreId,
    /// How long producers waited.
    pub pause: Duration,
}

impl Admin {
    /// Partitions with their cores and what they take of their time, of one topic or of all, in the order of names.
    pub async fn list_partitions(&self, topic: Option<&str>) -> Result<Vec<(Arc<str>, PartitionLoad)>, ClientError> {
        let named: Option<Arc<str>> = topic.map(Into::into);
        let mut listed: Vec<(Arc<str>, PartitionLoad)> = Vec::new();
        let mut after: Option<Arc<str>> = None;
        loop {
            let request = ListPartitionsRequest { topic, after: after.as_deref() };
            let answered = self.shared.operate(&request, named.as_ref(), Repetition::Harmless).await;
            let answered = answered.map_err(|error| match (error, &named) {
                (ClientError::Refused { refusal, .. }, Some(topic)) if refusal.is_unknown_topic() => {
                    ClientError::UnknownTopic { topic: topic.clone() }
                }
                (other, _) => other,
            })?;
            let reply: ListPartitionsReply<'_> =
                answered.frame.open().map_err(|error| answered.unreadable(ApiKey::ListPartitions, error))?;
            let before = after.take();
            for topic in &reply.topics {
                let name: Arc<str> = topic.name.into();
                listed.extend(topic.partitions.iter().map(|load| (name.clone(), *load)));
                after = Some(name);
            }
            // A page that brings nothing new would be asked for again without end.
            if !reply.has_more || after <= before {
                return Ok(listed);
            }
        }
    }

    /// Moves a partition to another core of its broker; producers and consumers see a pause.
    pub async fn move_partition(
        &self,
        topic: &str,
        partition: PartitionIndex,
        core: CoreId,
    ) -> Result<Result<MovedPartition, Refusal>, ClientError> {
        let request = MovePartitionRequest { topic, partition, core };
        let answered = self.shared.operate(&request, None, Repetition::Harmful).await?;
        let reply: MovePartitionReply<'_> =
            answered.frame.open().map_err(|error| answered.unreadable(ApiKey::MovePartition, error))?;
        if !reply.error.is_none() {
            return Ok(Err(Refusal::new(reply.error, reply.message)));
        }
        Ok(Ok(MovedPartition { from: reply.from, pause: Duration::from_micros(reply.pause_us) }))
    }
}
