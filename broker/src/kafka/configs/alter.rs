//! AlterConfigs and IncrementalAlterConfigs.

use std::collections::BTreeSet;
use std::rc::Rc;

use cluster::metadata::{
    AlterOwnerSettings, AlterSettings, Command, OtherSettings, Reply, SettingChange, SettingOperation, SettingsOwner,
    TopicName, TopicReference,
};
use wire::ErrorCode;
use wire::kafka::alter_configs::{AlterConfigsRequest, AlterConfigsResourceResponse, AlterConfigsResponse};
use wire::kafka::incremental_alter_configs::{
    AlterConfigsResourceResponse as IncrementalResourceResponse, AlterableConfig, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
};

use super::{BROKER, GROUP, TOPIC, broker, group, no_settings};
use crate::core::Core;
use crate::kafka::{Answered, RequestId, code_of};
use crate::limits;
use crate::refusal::Refusal;

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

/// What is asked for one resource.
struct Wanted {
    resource_type: i8,
    resource_name: String,
    changes: Result<Vec<SettingChange>, Refusal>,
}

/// Replaces all settings of the resources.
pub(in crate::kafka) async fn replace(core: &Rc<Core>, id: RequestId, request: AlterConfigsRequest) -> Answered {
    let wanted = request.resources.into_iter().map(|resource| Wanted {
        resource_type: resource.resource_type,
        resource_name: resource.resource_name,
        changes: gather(resource.configs.into_iter().map(|config| (config.name, SET, config.value))),
    });
    let outcomes = alter(core, wanted.collect(), OtherSettings::Reset, request.validate_only).await;
    let responses = outcomes.into_iter().map(|(resource_type, resource_name, outcome)| AlterConfigsResourceResponse {
        error_code: code_of(&outcome),
        error_message: outcome.err().map(|refusal| refusal.text().to_owned()),
        resource_type,
        resource_name,
    });
    id.answer(&AlterConfigsResponse { responses: responses.collect(), ..AlterConfigsResponse::default() })
}

/// Changes single settings of the resources.
pub(in crate::kafka) async fn change(
    core: &Rc<Core>,
    id: RequestId,
    request: IncrementalAlterConfigsRequest,
) -> Answered {
    let of = |config: AlterableConfig| (config.name, config.config_operation, config.value);
    let wanted = request.resources.into_iter().map(|resource| Wanted {
        resource_type: resource.resource_type,
        resource_name: resource.resource_name,
        changes: gather(resource.configs.into_iter().map(of)),
    });
    let outcomes = alter(core, wanted.collect(), OtherSettings::Stay, request.validate_only).await;
    let responses = outcomes.into_iter().map(|(resource_type, resource_name, outcome)| IncrementalResourceResponse {
        error_code: code_of(&outcome),
        error_message: outcome.err().map(|refusal| refusal.text().to_owned()),
        resource_type,
        resource_name,
    });
    let responses = responses.collect();
    id.answer(&IncrementalAlterConfigsResponse { responses, ..IncrementalAlterConfigsResponse::default() })
}

fn invalid_request(text: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, text)
}

/// Reads operations; each name may come once, and only a deletion goes without a value.
fn gather(configs: impl Iterator<Item = (String, i8, Option<String>)>) -> Result<Vec<SettingChange>, Refusal> {
    let mut changes: Vec<SettingChange> = Vec::new();
    let mut seen = BTreeSet::new();
    for (name, operation, value) in configs {
        if !seen.insert(name.clone()) {
            return Err(invalid_request(format!("{name:?} is named twice")));
        }
        let operation = match (operation, value) {
            (DELETE, _) => SettingOperation::Unset,
            (SET | APPEND | SUBTRACT, None) => return Err(invalid_request(format!("{name:?} has no value"))),
            (SET, Some(value)) => SettingOperation::Set(value),
            (APPEND, Some(value)) => SettingOperation::Append(value),
            (SUBTRACT, Some(value)) => SettingOperation::Subtract(value),
            (other, _) => {
                let text = format!("operation {other} on {name:?}: there are 0 set, 1 delete, 2 append, 3 subtract");
                return Err(invalid_request(text));
            }
        };
        changes.push(SettingChange { name, operation });
    }
    Ok(changes)
}

type Outcome = (i8, String, Result<(), Refusal>);

async fn alter(core: &Rc<Core>, wanted: Vec<Wanted>, others: OtherSettings, validate_only: bool) -> Vec<Outcome> {
    let mut seen = BTreeSet::new();
    let all = wanted.iter().map(|one| (one.resource_type, one.resource_name.clone()));
    let repeated: BTreeSet<_> = all.filter(|key| !seen.insert(key.clone())).collect();
    let too_many = wanted.len() > limits::ALTER_RESOURCES_MAX;
    let mut outcomes = Vec::with_capacity(wanted.len());
    for Wanted { resource_type, resource_name, changes } in wanted {
        let key = (resource_type, resource_name);
        let outcome = match changes {
            _ if too_many => {
                let text = format!("one request alters {} resources at most", limits::ALTER_RESOURCES_MAX);
                Err(Refusal::new(ErrorCode::PolicyViolation, text))
            }
            _ if repeated.contains(&key) => Err(invalid_request("each resource may be named once")),
            Ok(changes) => alter_one(core, (key.0, &key.1), changes, others, validate_only).await,
            Err(refusal) => Err(refusal),
        };
        outcomes.push((key.0, key.1, outcome));
    }
    outcomes
}

async fn alter_one(
    core: &Rc<Core>,
    (resource_type, name): (i8, &str),
    changes: Vec<SettingChange>,
    others: OtherSettings,
    validate_only: bool,
) -> Result<(), Refusal> {
    let defaults = (*core.topic_defaults()).clone();
    let command = match resource_type {
        TOPIC if name.is_empty() => return Err(invalid_request("a topic is named; defaults are settings of brokers")),
        TOPIC => {
            let valid = TopicName::new(name);
            valid.map_err(|error| Refusal::new(ErrorCode::InvalidTopicException, error.to_string()))?;
            let topic = TopicReference::Name(name.to_owned());
            Command::AlterSettings(AlterSettings { topic, changes, others, validate_only, defaults })
        }
        BROKER => {
            let owner = broker::owner_of(core, name)?;
            let changes = changes.into_iter().map(broker::check).collect::<Result<_, _>>()?;
            Command::AlterOwnerSettings(AlterOwnerSettings { owner, changes, others, validate_only, defaults })
        }
        GROUP => {
            let changes = group::check(core, name, changes, others)?;
            let owner = SettingsOwner::Group(name.to_owned());
            Command::AlterOwnerSettings(AlterOwnerSettings { owner, changes, others, validate_only, defaults })
        }
        other => return Err(no_settings(other)),
    };
    match core.control_for_client(command).await? {
        Reply::SettingsAltered => Ok(()),
        other => {
            tracing::error!(?other, "the controller gave an answer to another question");
            Err(ErrorCode::UnknownServerError.into())
        }
    }
}
