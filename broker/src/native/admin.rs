//! Topics made, grown and deleted over the native door.

use std::rc::Rc;

use cluster::metadata::{
    Command, CreatePartitions, CreateTopic, NewPartitions, Reply, Topic, TopicReference as CommandReference,
};
use wire::ErrorCode;
use wire::native::{
    CreatePartitionsReply, CreatePartitionsRequest, CreateTopicsReply, CreateTopicsRequest, CreatedTopic,
    DeleteTopicsReply, DeleteTopicsRequest, DeletedTopic, ErrorCode as NativeCode, NewTopic, TopicOutcome,
    TopicReference,
};

use super::connection::{Arrived, Connection};
use super::native_code;
use crate::refusal::Refusal;

fn outcome<T>(result: &Result<T, Refusal>) -> (NativeCode, Option<&str>) {
    match result {
        Ok(_) => (NativeCode::NONE, None),
        Err(refusal) => (native_code(refusal), Some(refusal.text())),
    }
}

pub(super) fn create_topics(connection: &Rc<Connection>, arrived: &Arrived, request: &CreateTopicsRequest<'_>) {
    let wanted: Vec<(String, Result<CreateTopic, Refusal>)> = request
        .topics
        .iter()
        .map(|topic| (topic.name.to_owned(), command_of(connection, topic, request.validate_only)))
        .collect();
    let (worker, correlation) = (Rc::clone(connection), arrived.prefix.correlation);
    connection.later(arrived, async move {
        let mut results: Vec<(String, Result<Topic, Refusal>)> = Vec::with_capacity(wanted.len());
        for (name, command) in wanted {
            let result = match command {
                Ok(command) => create(&worker, command).await,
                Err(refusal) => Err(refusal),
            };
            results.push((name, result));
        }
        let topics = results.iter().map(|(name, result)| {
            let (error, message) = outcome(result);
            let topic = result.as_ref().ok();
            CreatedTopic {
                name,
                error,
                message,
                id: topic.map(|topic| topic.id),
                partitions: topic.map_or(0, |topic| u32::try_from(topic.partitions.len()).unwrap_or(u32::MAX)),
                replication_factor: topic
                    .map_or(0, |topic| u16::try_from(topic.replication_factor()).unwrap_or(u16::MAX)),
            }
        });
        worker.reply(correlation, &CreateTopicsReply { topics: topics.collect() });
    });
}

fn command_of(connection: &Connection, topic: &NewTopic<'_>, validate_only: bool) -> Result<CreateTopic, Refusal> {
    let partitions = if topic.assignment.is_empty() {
        NewPartitions::from_wire(topic.partitions, Vec::new())?
    } else {
        NewPartitions::Assignment(topic.assignment.clone())
    };
    Ok(CreateTopic {
        name: topic.name.to_owned(),
        topic_id: connection.core.new_topic_id(),
        partitions,
        replication_factor: Some(topic.replication_factor).filter(|factor| *factor != -1),
        settings: topic.settings.iter().map(|pair| (pair.name.to_owned(), pair.value.map(str::to_owned))).collect(),
        validate_only,
        defaults: connection.core.creation_defaults(),
    })
}

async fn create(connection: &Connection, command: CreateTopic) -> Result<Topic, Refusal> {
    match connection.core.control_for_client(Command::CreateTopic(command)).await? {
        Reply::TopicCreated(topic) => Ok(topic),
        _ => Err(ErrorCode::UnknownServerError.into()),
    }
}

pub(super) fn delete_topics(connection: &Rc<Connection>, arrived: &Arrived, request: &DeleteTopicsRequest<'_>) {
    let wanted: Vec<CommandReference> = request
        .topics
        .iter()
        .map(|topic| match topic {
            TopicReference::Name(name) => CommandReference::Name((*name).to_owned()),
            TopicReference::Id(id) => CommandReference::Id(*id),
        })
        .collect();
    let (worker, correlation) = (Rc::clone(connection), arrived.prefix.correlation);
    connection.later(arrived, async move {
        let mut results = Vec::with_capacity(wanted.len());
        for topic in wanted {
            let result = worker.core.control_for_client(Command::DeleteTopic { topic: topic.clone() }).await;
            results.push((topic, result));
        }
        let topics = results.iter().map(|(topic, result)| {
            let (error, message) = outcome(result);
            let topic = match topic {
                CommandReference::Name(name) => TopicReference::Name(name),
                CommandReference::Id(id) => TopicReference::Id(*id),
            };
            DeletedTopic { topic, error, message }
        });
        worker.reply(correlation, &DeleteTopicsReply { topics: topics.collect() });
    });
}

pub(super) fn create_partitions(connection: &Rc<Connection>, arrived: &Arrived, request: &CreatePartitionsRequest<'_>) {
    let wanted: Vec<CreatePartitions> = request
        .topics
        .iter()
        .map(|topic| CreatePartitions {
            name: topic.name.to_owned(),
            total: topic.total,
            assignments: topic.assignment.clone(),
            validate_only: request.validate_only,
        })
        .collect();
    let (worker, correlation) = (Rc::clone(connection), arrived.prefix.correlation);
    connection.later(arrived, async move {
        let mut results = Vec::with_capacity(wanted.len());
        for command in wanted {
            let name = command.name.clone();
            results.push((name, worker.core.control_for_client(Command::CreatePartitions(command)).await));
        }
        let topics = results.iter().map(|(name, result)| {
            let (error, message) = outcome(result);
            TopicOutcome { name, error, message }
        });
        worker.reply(correlation, &CreatePartitionsReply { topics: topics.collect() });
    });
}
