//! CreateTopics, DeleteTopics, CreatePartitions.

use std::collections::BTreeSet;
use std::rc::Rc;

use base::TopicId;
use cluster::metadata::{
    Command, CreatePartitions, CreateTopic, MetadataError, NewPartitions, Reply, Topic, TopicReference,
    replicas_from_wire,
};
use cluster::settings::describe;
use wire::ErrorCode;
use wire::kafka::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopic, CreatePartitionsTopicResult,
};
use wire::kafka::create_topics::{
    CreatableTopic, CreatableTopicConfigs, CreatableTopicResult, CreateTopicsRequest, CreateTopicsResponse,
};
use wire::kafka::delete_topics::{DeletableTopicResult, DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse};

use super::configs::source_code;
use super::{Answered, RequestId};
use crate::core::Core;
use crate::limits;
use crate::refusal::Refusal;

/// Deletion names topics in a list of structs from this version on.
const FIRST_WITH_IDS: i16 = 6;

pub(super) async fn create(core: &Rc<Core>, id: RequestId, request: CreateTopicsRequest) -> Answered {
    let repeated = repeated(request.topics.iter().map(|topic| topic.name.as_str()));
    let too_many = request.topics.len() > limits::CREATE_TOPICS_MAX;
    let mut results = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let name = topic.name.clone();
        let outcome = match repeated.contains(&name) {
            _ if too_many => Err(Refusal::new(
                ErrorCode::PolicyViolation,
                format!("one request makes {} topics at most", limits::CREATE_TOPICS_MAX),
            )),
            true => Err(twice(&name)),
            false => create_one(core, topic, request.validate_only).await,
        };
        results.push(match outcome {
            Ok(topic) => created(core, &topic),
            Err(refusal) => CreatableTopicResult {
                name,
                error_code: refusal.code.code(),
                error_message: Some(refusal.text().to_owned()),
                num_partitions: -1,
                replication_factor: -1,
                configs: Some(Vec::new()),
                ..CreatableTopicResult::default()
            },
        });
    }
    id.answer(&CreateTopicsResponse { topics: results, ..CreateTopicsResponse::default() })
}

async fn create_one(core: &Rc<Core>, topic: CreatableTopic, validate_only: bool) -> Result<Topic, Refusal> {
    let assignments = topic.assignments.into_iter().map(|one| (one.partition_index, one.broker_ids)).collect();
    let partitions = NewPartitions::from_wire(topic.num_partitions, assignments)?;
    let command = CreateTopic {
        name: topic.name,
        topic_id: core.new_topic_id(),
        partitions,
        replication_factor: Some(topic.replication_factor).filter(|factor| *factor != -1),
        settings: topic.configs.into_iter().map(|config| (config.name, config.value)).collect(),
        validate_only,
        defaults: core.creation_defaults(),
    };
    match core.control_for_client(Command::CreateTopic(command)).await? {
        Reply::TopicCreated(topic) => Ok(topic),
        other => Err(unexpected(&other)),
    }
}

fn created(core: &Core, topic: &Topic) -> CreatableTopicResult {
    let settings = describe(&topic.settings, &core.topic_defaults()).into_iter();
    CreatableTopicResult {
        name: topic.name.as_str().to_owned(),
        topic_id: topic.id.as_u128(),
        error_message: None,
        num_partitions: i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX),
        replication_factor: i16::try_from(topic.replication_factor()).unwrap_or(i16::MAX),
        configs: Some(
            settings
                .map(|setting| CreatableTopicConfigs {
                    name: setting.definition.name.to_owned(),
                    value: Some(setting.value),
                    read_only: false,
                    config_source: source_code(setting.source),
                    is_sensitive: setting.is_sensitive,
                })
                .collect(),
        ),
        ..CreatableTopicResult::default()
    }
}

pub(super) async fn delete(core: &Rc<Core>, id: RequestId, request: DeleteTopicsRequest) -> Answered {
    let wanted: Vec<DeleteTopicState> = if id.version >= FIRST_WITH_IDS {
        request.topics
    } else {
        let named = request.topic_names.into_iter();
        named.map(|name| DeleteTopicState { name: Some(name), ..DeleteTopicState::default() }).collect()
    };
    let repeated = named_twice(core, &wanted);
    let mut responses = Vec::with_capacity(wanted.len());
    for DeleteTopicState { name, topic_id } in wanted {
        let outcome = match id_of(core, name.as_deref(), topic_id).filter(|id| repeated.contains(id)) {
            Some(_) => Err(Refusal::new(ErrorCode::InvalidRequest, "the request names the topic twice")),
            None => delete_one(core, name.as_deref(), topic_id).await,
        };
        responses.push(match outcome {
            Ok((name, id)) => {
                let (name, topic_id) = (Some(name), id.as_u128());
                DeletableTopicResult { name, topic_id, error_message: None, ..DeletableTopicResult::default() }
            }
            Err(refusal) => DeletableTopicResult {
                name,
                topic_id,
                error_code: refusal.code.code(),
                error_message: Some(refusal.text().to_owned()),
            },
        });
    }
    id.answer(&DeleteTopicsResponse { responses, ..DeleteTopicsResponse::default() })
}

/// The topic that a name or an id stands for.
fn id_of(core: &Core, name: Option<&str>, id: u128) -> Option<TopicId> {
    match (name, TopicId::from_u128(id)) {
        (Some(name), None) => Some(core.topic_named(name)?.topic.id),
        (None, id) => id,
        (Some(_), Some(_)) => None,
    }
}

/// Topics that a request names more than once, be it once by name and once by id.
fn named_twice(core: &Core, wanted: &[DeleteTopicState]) -> BTreeSet<TopicId> {
    let mut seen = BTreeSet::new();
    let ids = wanted.iter().filter_map(|topic| id_of(core, topic.name.as_deref(), topic.topic_id));
    ids.filter(|id| !seen.insert(*id)).collect()
}

async fn delete_one(core: &Rc<Core>, name: Option<&str>, id: u128) -> Result<(String, TopicId), Refusal> {
    let (reference, name) = match (name, TopicId::from_u128(id)) {
        (Some(_), Some(_)) => {
            return Err(Refusal::new(ErrorCode::InvalidRequest, "a topic is named either by name or by id"));
        }
        (Some(name), None) => (TopicReference::Name(name.to_owned()), name.to_owned()),
        (None, Some(id)) => {
            let known = core.topic(id).ok_or(ErrorCode::UnknownTopicId)?;
            (TopicReference::Id(id), known.topic.name.as_str().to_owned())
        }
        (None, None) => {
            return Err(Refusal::new(ErrorCode::InvalidRequest, "a topic is named by its name or by its id"));
        }
    };
    match core.control_for_client(Command::DeleteTopic { topic: reference }).await? {
        Reply::TopicDeleted { id } => Ok((name, id)),
        other => Err(unexpected(&other)),
    }
}

pub(super) async fn create_partitions(core: &Rc<Core>, id: RequestId, request: CreatePartitionsRequest) -> Answered {
    let repeated = repeated(request.topics.iter().map(|topic| topic.name.as_str()));
    let mut results = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let name = topic.name.clone();
        let outcome = match repeated.contains(&name) {
            true => Err(twice(&name)),
            false => create_partitions_of(core, topic, request.validate_only).await,
        };
        results.push(CreatePartitionsTopicResult {
            name,
            error_code: super::code_of(&outcome),
            error_message: outcome.err().map(|refusal| refusal.text().to_owned()),
        });
    }
    id.answer(&CreatePartitionsResponse { results, ..CreatePartitionsResponse::default() })
}

async fn create_partitions_of(
    core: &Rc<Core>,
    topic: CreatePartitionsTopic,
    validate_only: bool,
) -> Result<(), Refusal> {
    let assignments = topic.assignments.map(|lists| {
        let lists = lists.into_iter().map(|list| replicas_from_wire(list.broker_ids));
        lists.collect::<Result<Vec<_>, MetadataError>>()
    });
    let command =
        CreatePartitions { name: topic.name, total: topic.count, assignments: assignments.transpose()?, validate_only };
    core.control_for_client(Command::CreatePartitions(command)).await.map(drop)
}

/// Names that a request has more than once.
fn repeated<'a>(names: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    names.filter(|name| !seen.insert(*name)).map(str::to_owned).collect()
}

fn twice(name: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, format!("the request names topic {name:?} twice"))
}

fn unexpected(reply: &Reply) -> Refusal {
    tracing::error!(?reply, "the controller gave an answer to another question");
    ErrorCode::UnknownServerError.into()
}
