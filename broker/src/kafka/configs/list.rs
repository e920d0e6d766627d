//! ListConfigResources.

use std::rc::Rc;

use cluster::metadata::SettingsOwner;
use wire::ErrorCode;
use wire::kafka::list_config_resources::{ConfigResource, ListConfigResourcesRequest, ListConfigResourcesResponse};

use super::{BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC};
use crate::core::Core;
use crate::kafka::{Answered, RequestId};

/// Before this version clients' metrics were all that was asked for, and there are none.
const FIRST_WITH_TYPES: i16 = 1;
const TYPES: [i8; 5] = [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP];

fn group_name(owner: &SettingsOwner) -> Option<String> {
    match owner {
        SettingsOwner::Group(name) => Some(name.clone()),
        SettingsOwner::AllBrokers | SettingsOwner::Broker(_) => None,
    }
}

pub(in crate::kafka) fn list(core: &Rc<Core>, id: RequestId, request: &ListConfigResourcesRequest) -> Answered {
    let mut answer = ListConfigResourcesResponse::default();
    if id.version < FIRST_WITH_TYPES {
        return id.answer(&answer);
    }
    if request.resource_types.iter().any(|asked| !TYPES.contains(asked)) {
        answer.error_code = ErrorCode::UnsupportedVersion.code();
        return id.answer(&answer);
    }
    let is_wanted = |kind: &i8| request.resource_types.is_empty() || request.resource_types.contains(kind);
    for resource_type in TYPES.into_iter().filter(is_wanted) {
        let names: Vec<String> = match resource_type {
            TOPIC => core.shown_view().image.topics().map(|topic| topic.name.as_str().to_owned()).collect(),
            BROKER => vec![core.identity.broker.to_string()],
            GROUP => core.shown_view().image.owner_settings().filter_map(|(owner, _)| group_name(owner)).collect(),
            _ => Vec::new(),
        };
        let resources = names.into_iter().map(|resource_name| ConfigResource { resource_name, resource_type });
        answer.config_resources.extend(resources);
    }
    id.answer(&answer)
}
