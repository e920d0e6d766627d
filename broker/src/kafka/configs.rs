//! Settings of topics, brokers and groups: DescribeConfigs here, and what changes them in [`alter`].

pub(super) mod alter;
mod broker;
mod group;
mod list;
mod topic;

use std::collections::BTreeSet;
use std::rc::Rc;

use wire::ErrorCode;
use wire::kafka::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult, DescribeConfigsResponse,
    DescribeConfigsResult, DescribeConfigsSynonym,
};

pub(super) use list::list;
pub(super) use topic::source_code;

use super::{Answered, RequestId};
use crate::core::Core;
use crate::limits;
use crate::refusal::Refusal;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const BROKER_LOGGER: i8 = 8;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;

const SOURCE_TOPIC: i8 = 1;
const SOURCE_BROKER: i8 = 2;
const SOURCE_ALL_BROKERS: i8 = 3;
const SOURCE_FILE: i8 = 4;
const SOURCE_DEFAULT: i8 = 5;
const SOURCE_GROUP: i8 = 8;

const TYPE_BOOLEAN: i8 = 1;
const TYPE_STRING: i8 = 2;
const TYPE_INT: i8 = 3;
const TYPE_LONG: i8 = 5;
const TYPE_DOUBLE: i8 = 6;
const TYPE_LIST: i8 = 7;

/// One setting with all that can be said about it; what was not asked for is left out at the end.
struct Described {
    name: &'static str,
    is_read_only: bool,
    config_type: i8,
    about: &'static str,
    /// Name, value and source of each place that has a value, the one in force first.
    places: Vec<(&'static str, String, i8)>,
}

pub(super) fn describe(core: &Rc<Core>, id: RequestId, request: &DescribeConfigsRequest) -> Answered {
    // Each resource once: its settings take a thousand times the bytes that ask for them.
    let mut seen = BTreeSet::new();
    let resources = request.resources.iter().filter(|resource| {
        let key = (resource.resource_type, resource.resource_name.as_str(), &resource.configuration_keys);
        seen.insert(key)
    });
    let results = resources.enumerate().map(|(index, resource)| {
        let described = if index < limits::DESCRIBE_RESOURCES_MAX {
            describe_one(core, resource)
        } else {
            let text = format!("one answer describes {} resources at most", limits::DESCRIBE_RESOURCES_MAX);
            Err(Refusal::new(ErrorCode::PolicyViolation, text))
        };
        let (error_code, error_message) = match &described {
            Ok(_) => (0, None),
            Err(refusal) => (refusal.code.code(), Some(refusal.text().to_owned())),
        };
        let wanted = described.unwrap_or_default().into_iter().filter(|setting| is_wanted(resource, setting.name));
        DescribeConfigsResult {
            error_code,
            error_message,
            resource_type: resource.resource_type,
            resource_name: resource.resource_name.clone(),
            configs: wanted.map(|setting| setting.into_wire(request)).collect(),
        }
    });
    id.answer(&DescribeConfigsResponse { results: results.collect(), ..DescribeConfigsResponse::default() })
}

fn describe_one(core: &Core, resource: &DescribeConfigsResource) -> Result<Vec<Described>, Refusal> {
    match resource.resource_type {
        TOPIC => topic::describe(core, &resource.resource_name),
        BROKER => broker::describe(core, &resource.resource_name),
        GROUP => group::describe(core, &resource.resource_name),
        other => Err(no_settings(other)),
    }
}

/// Of resources that Kafka has settings of and we do not.
fn no_settings(resource_type: i8) -> Refusal {
    let text = match resource_type {
        BROKER_LOGGER => "levels of the log are set with --log when the broker starts".to_owned(),
        CLIENT_METRICS => "clients' metrics are not collected here".to_owned(),
        other => format!("resources of type {other} have no settings; topics (2), brokers (4) and groups (32) do"),
    };
    Refusal::new(ErrorCode::InvalidRequest, text)
}

/// An empty list asks for all, as in Kafka.
fn is_wanted(resource: &DescribeConfigsResource, name: &str) -> bool {
    let keys = resource.configuration_keys.as_ref().filter(|keys| !keys.is_empty());
    keys.is_none_or(|keys| keys.iter().any(|key| key == name))
}

impl Described {
    fn into_wire(self, request: &DescribeConfigsRequest) -> DescribeConfigsResourceResult {
        let (value, config_source) = match self.places.first() {
            Some((_, value, source)) => (Some(value.clone()), *source),
            None => (None, SOURCE_DEFAULT),
        };
        let places = self.places.into_iter().filter(|_| request.include_synonyms);
        DescribeConfigsResourceResult {
            name: self.name.to_owned(),
            value,
            read_only: self.is_read_only,
            config_source,
            is_sensitive: false,
            synonyms: places
                .map(|(name, value, source)| DescribeConfigsSynonym {
                    name: name.to_owned(),
                    value: Some(value),
                    source,
                })
                .collect(),
            config_type: self.config_type,
            documentation: request.include_documentation.then(|| self.about.to_owned()),
        }
    }
}
