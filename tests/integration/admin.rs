//! Administration: settings of topics and brokers, topics and their partitions, what partitions hold.

mod altering;
mod brokers;
mod describing;
mod groups;
mod topics;

use tests::kafka::{Client, code};
use wire::ErrorCode;
use wire::kafka::alter_configs::{AlterConfigsRequest, AlterConfigsResource, AlterableConfig as Replaced};
use wire::kafka::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult, DescribeConfigsResult,
};
use wire::kafka::incremental_alter_configs::{
    AlterConfigsResource as IncrementalResource, AlterableConfig, IncrementalAlterConfigsRequest,
};

pub(crate) const TOPIC: i8 = 2;
const BROKER: i8 = 4;

pub(crate) const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

/// A code and what the broker says about it.
type Outcome = (ErrorCode, String);

fn outcome(error_code: i16, message: Option<String>) -> Outcome {
    (code(error_code), message.unwrap_or_default())
}

fn resource(resource_type: i8, name: &str, configs: &[(&str, i8, Option<&str>)]) -> IncrementalResource {
    let config = |(name, config_operation, value): &(&str, i8, Option<&str>)| AlterableConfig {
        name: (*name).to_owned(),
        config_operation: *config_operation,
        value: value.map(str::to_owned),
    };
    IncrementalResource { resource_type, resource_name: name.to_owned(), configs: configs.iter().map(config).collect() }
}

fn alter_all(client: &mut Client, resources: Vec<IncrementalResource>, validate_only: bool) -> Vec<Outcome> {
    let names: Vec<_> = resources.iter().map(|each| (each.resource_type, each.resource_name.clone())).collect();
    let answer = client.ask(1, &IncrementalAlterConfigsRequest { resources, validate_only }).unwrap();
    let answered: Vec<_> =
        answer.responses.iter().map(|each| (each.resource_type, each.resource_name.clone())).collect();
    assert_eq!(answered, names, "each resource has its answer");
    answer.responses.into_iter().map(|each| outcome(each.error_code, each.error_message)).collect()
}

/// Alters settings of one resource; a good end has no text.
fn alter(client: &mut Client, resource_type: i8, name: &str, configs: &[(&str, i8, Option<&str>)]) -> Outcome {
    let outcome = alter_all(client, vec![resource(resource_type, name, configs)], false).remove(0);
    assert_eq!(outcome.0 == ErrorCode::None, outcome.1.is_empty(), "{outcome:?}");
    outcome
}

#[track_caller]
pub(crate) fn alter_well(client: &mut Client, resource_type: i8, name: &str, configs: &[(&str, i8, Option<&str>)]) {
    assert_eq!(alter(client, resource_type, name, configs), (ErrorCode::None, String::new()));
}

/// Replaces all settings of a resource.
fn replace(client: &mut Client, resource_type: i8, name: &str, configs: &[(&str, Option<&str>)]) -> Outcome {
    let config =
        |(name, value): &(&str, Option<&str>)| Replaced { name: (*name).to_owned(), value: value.map(str::to_owned) };
    let configs = configs.iter().map(config).collect();
    let resources = vec![AlterConfigsResource { resource_type, resource_name: name.to_owned(), configs }];
    let answer = client.ask(2, &AlterConfigsRequest { resources, validate_only: false }).unwrap();
    let one = answer.responses[0].clone();
    outcome(one.error_code, one.error_message)
}

fn describe(client: &mut Client, resource_type: i8, name: &str, keys: Option<&[&str]>) -> DescribeConfigsResult {
    let resource = DescribeConfigsResource {
        resource_type,
        resource_name: name.to_owned(),
        configuration_keys: keys.map(|keys| keys.iter().map(|key| (*key).to_owned()).collect()),
    };
    let request =
        DescribeConfigsRequest { resources: vec![resource], include_synonyms: true, include_documentation: true };
    client.ask(4, &request).unwrap().results.remove(0)
}

/// One setting of a resource.
#[track_caller]
fn setting(client: &mut Client, resource_type: i8, name: &str, key: &str) -> DescribeConfigsResourceResult {
    let mut described = describe(client, resource_type, name, Some(&[key]));
    assert_eq!((code(described.error_code), described.configs.len()), (ErrorCode::None, 1), "{key}: {described:?}");
    described.configs.remove(0)
}

/// Value and source of one setting.
#[track_caller]
fn value(client: &mut Client, resource_type: i8, name: &str, key: &str) -> (String, i8) {
    let setting = setting(client, resource_type, name, key);
    (setting.value.expect("nothing is secret"), setting.config_source)
}

/// Values and sources of a setting, the one in force first.
#[track_caller]
fn places(client: &mut Client, resource_type: i8, name: &str, key: &str) -> Vec<(String, String, i8)> {
    let setting = setting(client, resource_type, name, key);
    setting.synonyms.into_iter().map(|each| (each.name, each.value.unwrap_or_default(), each.source)).collect()
}

fn place(name: &str, value: &str, source: i8) -> (String, String, i8) {
    (name.to_owned(), value.to_owned(), source)
}
