//! DescribeConfigs.

use std::collections::BTreeSet;
use std::rc::Rc;

use cluster::settings::{SettingSource, SettingType, SettingView, describe as describe_settings};
use wire::ErrorCode;
use wire::kafka::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult, DescribeConfigsResponse,
    DescribeConfigsResult, DescribeConfigsSynonym,
};

use super::{Answered, RequestId};
use crate::config::{Kind, SETTINGS, Value};
use crate::core::Core;
use crate::limits;
use crate::refusal::Refusal;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

const SOURCE_TOPIC: i8 = 1;
const SOURCE_DYNAMIC_BROKER: i8 = 2;
const SOURCE_DYNAMIC_ALL_BROKERS: i8 = 3;
const SOURCE_STATIC_BROKER: i8 = 4;
const SOURCE_DEFAULT: i8 = 5;

const TYPE_BOOLEAN: i8 = 1;
const TYPE_STRING: i8 = 2;
const TYPE_INT: i8 = 3;
const TYPE_LONG: i8 = 5;
const TYPE_DOUBLE: i8 = 6;
const TYPE_LIST: i8 = 7;

pub(super) fn source_code(source: SettingSource) -> i8 {
    match source {
        SettingSource::Topic => SOURCE_TOPIC,
        SettingSource::Broker => SOURCE_DYNAMIC_BROKER,
        SettingSource::AllBrokers => SOURCE_DYNAMIC_ALL_BROKERS,
        SettingSource::BrokerDefault => SOURCE_STATIC_BROKER,
        SettingSource::Default => SOURCE_DEFAULT,
    }
}

pub(super) fn describe(core: &Rc<Core>, id: RequestId, request: &DescribeConfigsRequest) -> Answered {
    // Each resource once: its settings take a thousand times the bytes that ask for them.
    let mut seen = BTreeSet::new();
    let resources = request.resources.iter().filter(|resource| {
        let key = (resource.resource_type, resource.resource_name.as_str(), &resource.configuration_keys);
        seen.insert(key)
    });
    let results = resources.enumerate().map(|(index, resource)| {
        let described = match resource.resource_type {
            _ if index >= limits::DESCRIBE_RESOURCES_MAX => {
                let text = format!("one answer describes {} resources at most", limits::DESCRIBE_RESOURCES_MAX);
                Err(Refusal::new(ErrorCode::PolicyViolation, text))
            }
            TOPIC => topic_settings(core, request, resource),
            BROKER => broker_settings(core, request, resource),
            other => {
                let text = format!("resources of type {other} have no settings here; topics (2) and brokers (4) do");
                Err(Refusal::new(ErrorCode::InvalidRequest, text))
            }
        };
        let (error_code, error_message) = match &described {
            Ok(_) => (0, None),
            Err(refusal) => (refusal.code.code(), Some(refusal.text().to_owned())),
        };
        DescribeConfigsResult {
            error_code,
            error_message,
            resource_type: resource.resource_type,
            resource_name: resource.resource_name.clone(),
            configs: described.unwrap_or_default(),
        }
    });
    id.answer(&DescribeConfigsResponse { results: results.collect(), ..DescribeConfigsResponse::default() })
}

fn is_wanted(resource: &DescribeConfigsResource, name: &str) -> bool {
    resource.configuration_keys.as_ref().is_none_or(|keys| keys.iter().any(|key| key == name))
}

fn topic_settings(
    core: &Core,
    request: &DescribeConfigsRequest,
    resource: &DescribeConfigsResource,
) -> Result<Vec<DescribeConfigsResourceResult>, Refusal> {
    let known = core.topic_named(&resource.resource_name).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let settings = describe_settings(&known.topic.settings, &core.topic_defaults());
    let wanted = settings.into_iter().filter(|setting| is_wanted(resource, setting.definition.name));
    Ok(wanted.map(|setting| topic_setting(request, setting)).collect())
}

fn topic_setting(request: &DescribeConfigsRequest, setting: SettingView) -> DescribeConfigsResourceResult {
    let synonyms = setting.synonyms.iter().filter(|_| request.include_synonyms);
    DescribeConfigsResourceResult {
        name: setting.definition.name.to_owned(),
        value: Some(setting.value.clone()),
        read_only: false,
        config_source: source_code(setting.source),
        is_sensitive: setting.is_sensitive,
        synonyms: synonyms
            .map(|synonym| DescribeConfigsSynonym {
                name: synonym.name.to_owned(),
                value: Some(synonym.value.clone()),
                source: source_code(synonym.source),
            })
            .collect(),
        config_type: match setting.definition.kind {
            SettingType::Boolean => TYPE_BOOLEAN,
            SettingType::Int => TYPE_INT,
            SettingType::Long => TYPE_LONG,
            SettingType::Double => TYPE_DOUBLE,
            SettingType::List => TYPE_LIST,
            SettingType::Enum => TYPE_STRING,
        },
        documentation: request.include_documentation.then(|| setting.definition.doc.to_owned()),
    }
}

fn broker_settings(
    core: &Core,
    request: &DescribeConfigsRequest,
    resource: &DescribeConfigsResource,
) -> Result<Vec<DescribeConfigsResourceResult>, Refusal> {
    let name = resource.resource_name.as_str();
    if !name.is_empty() && name.parse() != Ok(core.identity.broker.0) {
        let text = format!("{name:?} is not this broker: ask broker {} about itself", core.identity.broker);
        return Err(Refusal::new(ErrorCode::InvalidRequest, text));
    }
    let own = SETTINGS.iter().filter(|setting| is_wanted(resource, setting.name)).map(|setting| {
        let value = core.config.value_of(setting.name);
        let changed = value.is_some_and(|value| *value != setting.default_value());
        DescribeConfigsResourceResult {
            name: setting.name.to_owned(),
            value: value.map(Value::to_string),
            read_only: true,
            config_source: if changed { SOURCE_STATIC_BROKER } else { SOURCE_DEFAULT },
            config_type: type_of(setting.kind),
            documentation: request.include_documentation.then(|| setting.about.to_owned()),
            ..DescribeConfigsResourceResult::default()
        }
    });
    let theirs = kafka_names(core).into_iter().filter(|(name, ..)| is_wanted(resource, name));
    let theirs = theirs.map(|(name, value, config_type)| DescribeConfigsResourceResult {
        name: name.to_owned(),
        value: Some(value),
        read_only: true,
        config_source: SOURCE_STATIC_BROKER,
        config_type,
        ..DescribeConfigsResourceResult::default()
    });
    Ok(own.chain(theirs).collect())
}

/// Settings that Kafka has too, by the names that Kafka's tools look for.
fn kafka_names(core: &Core) -> Vec<(&'static str, String, i8)> {
    let config = &core.config;
    vec![
        ("broker.id", core.identity.broker.to_string(), TYPE_INT),
        ("node.id", core.identity.broker.to_string(), TYPE_INT),
        ("auto.create.topics.enable", config.auto_create_topics.to_string(), TYPE_BOOLEAN),
        ("num.partitions", config.partitions.to_string(), TYPE_INT),
        ("default.replication.factor", "1".to_owned(), TYPE_INT),
        ("socket.request.max.bytes", config.kafka_request_bytes_max.bytes().to_string(), TYPE_INT),
        ("connections.max.idle.ms", config.connection_idle.as_millis().to_string(), TYPE_LONG),
        ("log.retention.check.interval.ms", config.retention_check_interval.as_millis().to_string(), TYPE_LONG),
        ("log.cleaner.enable", "true".to_owned(), TYPE_BOOLEAN),
        ("log.cleaner.backoff.ms", config.compaction_check_interval.as_millis().to_string(), TYPE_LONG),
        ("log.cleaner.dedupe.buffer.size", config.compaction_keys_memory.bytes().to_string(), TYPE_LONG),
        ("producer.id.expiration.ms", config.producer_expiration.as_millis().to_string(), TYPE_INT),
        ("log.dirs", config.data.display().to_string(), TYPE_STRING),
    ]
}

fn type_of(kind: Kind) -> i8 {
    match kind {
        Kind::Flag => TYPE_BOOLEAN,
        Kind::Count { .. } => TYPE_INT,
        Kind::Text | Kind::Word(_) | Kind::Address | Kind::Bytes { .. } | Kind::Duration { .. } | Kind::Cores => {
            TYPE_STRING
        }
    }
}
