//! Topics made, grown and deleted.

use wire::native::{
    self, ApiKey, CreatePartitionsReply, CreatePartitionsRequest, CreateTopicsReply, CreateTopicsRequest,
    DeleteTopicsReply, DeleteTopicsRequest, GrownTopic, SettingPair, TopicReference,
};

use super::{Admin, NewTopic, PartitionTotal, TopicResult};
use crate::driver::control::Repetition;
use crate::error::ClientError;
use crate::machine::metadata::Address;
use crate::machine::refusal::Refusal;

impl Admin {
    /// Makes one topic.
    pub async fn create_topic(&self, topic: NewTopic) -> Result<base::TopicId, ClientError> {
        let result = self.create_topics(std::slice::from_ref(&topic)).await?;
        let id = self.single(result, ApiKey::CreateTopics)?;
        // A broker that made a topic says which.
        id.ok_or_else(|| ClientError::UnknownTopic { topic: topic.name.as_str().into() })
    }

    /// Makes topics, each for itself: some may fail.
    pub async fn create_topics(&self, topics: &[NewTopic]) -> Result<Vec<TopicResult>, ClientError> {
        let request = CreateTopicsRequest {
            topics: topics.iter().map(new_topic).collect(),
            timeout_ms: self.timeout_ms(),
            validate_only: false,
        };
        let answered = self.shared.operate(&request, None, Repetition::Harmful).await?;
        let reply: CreateTopicsReply<'_> =
            answered.frame.open().map_err(|error| answered.unreadable(ApiKey::CreateTopics, error))?;
        let results = reply.topics.iter().map(|created| {
            self.forget_what_is_known(created.name);
            TopicResult { topic: created.name.into(), result: outcome(created.error, created.message, created.id) }
        });
        Ok(results.collect())
    }

    /// Deletes one topic, with all its records.
    pub async fn delete_topic(&self, name: &str) -> Result<(), ClientError> {
        let result = self.delete_topics(&[name]).await?;
        self.single(result, ApiKey::DeleteTopics).map(drop)
    }

    /// Deletes topics, each for itself: some may fail.
    pub async fn delete_topics(&self, names: &[&str]) -> Result<Vec<TopicResult>, ClientError> {
        let topics = names.iter().map(|name| TopicReference::Name(name)).collect();
        let request = DeleteTopicsRequest { topics, timeout_ms: self.timeout_ms() };
        let answered = self.shared.operate(&request, None, Repetition::Harmful).await?;
        let reply: DeleteTopicsReply<'_> =
            answered.frame.open().map_err(|error| answered.unreadable(ApiKey::DeleteTopics, error))?;
        // In the order of the request, whatever reference the broker uses.
        let results = names.iter().zip(&reply.topics).map(|(name, deleted)| {
            self.forget_what_is_known(name);
            TopicResult { topic: (*name).into(), result: outcome(deleted.error, deleted.message, None) }
        });
        Ok(results.collect())
    }

    /// Gives topics more partitions, each for itself: some may fail.
    pub async fn create_partitions(&self, totals: &[PartitionTotal]) -> Result<Vec<TopicResult>, ClientError> {
        let topics = totals.iter().map(|total| GrownTopic {
            name: &total.topic,
            total: i32::try_from(total.total).unwrap_or(i32::MAX),
            assignment: total.assignment.clone(),
        });
        let topics = topics.collect();
        let request = CreatePartitionsRequest { topics, timeout_ms: self.timeout_ms(), validate_only: false };
        let answered = self.shared.operate(&request, None, Repetition::Harmful).await?;
        let reply: CreatePartitionsReply<'_> =
            answered.frame.open().map_err(|error| answered.unreadable(ApiKey::CreatePartitions, error))?;
        let results = reply.topics.iter().map(|grown| {
            self.forget_what_is_known(grown.name);
            TopicResult { topic: grown.name.into(), result: outcome(grown.error, grown.message, None) }
        });
        Ok(results.collect())
    }

    /// The one result of a request about one topic.
    fn single(&self, results: Vec<TopicResult>, api: ApiKey) -> Result<Option<base::TopicId>, ClientError> {
        let only = results.into_iter().next();
        let (topic, result) = match only {
            Some(TopicResult { topic, result }) => (Some(topic), result),
            None => (None, Err(Refusal::from(wire::ErrorCode::UnknownServerError))),
        };
        let broker = Address::Socket(self.shared.current_broker());
        result.map_err(|refusal| ClientError::Refused { broker, api, topic, refusal })
    }

    fn forget_what_is_known(&self, name: &str) {
        self.shared.metadata.borrow_mut().doubt_name(rt::now(), name);
        self.shared.refresh_metadata();
    }

    /// The broker gives up first, so that it can say so.
    fn timeout_ms(&self) -> u32 {
        let limit = self.shared.config.request_timeout.min(self.shared.config.operation_timeout);
        u32::try_from(limit.as_millis() * 3 / 4).unwrap_or(u32::MAX)
    }
}

fn new_topic(topic: &NewTopic) -> native::NewTopic<'_> {
    native::NewTopic {
        name: &topic.name,
        partitions: topic.partitions.map_or(-1, |partitions| i32::try_from(partitions).unwrap_or(i32::MAX)),
        replication_factor: topic.replication_factor.map_or(-1, |count| i16::try_from(count).unwrap_or(i16::MAX)),
        assignment: topic.assignment.clone(),
        settings: topic.settings.iter().map(|(name, value)| SettingPair { name, value: Some(value) }).collect(),
    }
}

fn outcome<T>(error: native::ErrorCode, message: Option<&str>, done: Option<T>) -> Result<Option<T>, Refusal> {
    if error.is_none() { Ok(done) } else { Err(Refusal::new(error, message)) }
}
