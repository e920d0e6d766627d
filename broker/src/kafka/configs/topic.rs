//! Settings of a topic.

use cluster::settings::{SettingSource, SettingType, SettingView, describe as describe_settings};
use wire::ErrorCode;

use super::{
    Described, SOURCE_ALL_BROKERS, SOURCE_BROKER, SOURCE_DEFAULT, SOURCE_FILE, SOURCE_TOPIC, TYPE_BOOLEAN, TYPE_DOUBLE,
    TYPE_INT, TYPE_LIST, TYPE_LONG, TYPE_STRING,
};
use crate::core::Core;
use crate::refusal::Refusal;

pub(in crate::kafka) fn source_code(source: SettingSource) -> i8 {
    match source {
        SettingSource::Topic => SOURCE_TOPIC,
        SettingSource::Broker => SOURCE_BROKER,
        SettingSource::AllBrokers => SOURCE_ALL_BROKERS,
        SettingSource::BrokerDefault => SOURCE_FILE,
        SettingSource::Default => SOURCE_DEFAULT,
    }
}

pub(super) fn describe(core: &Core, name: &str) -> Result<Vec<Described>, Refusal> {
    let known = core.topic_named(name).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let settings = describe_settings(&known.topic.settings, &core.topic_defaults());
    Ok(settings.into_iter().map(|setting| described(setting.definition.name, setting)).collect())
}

/// A topic's setting, or the broker's that is its default.
pub(super) fn described(name: &'static str, setting: SettingView) -> Described {
    let definition = setting.definition;
    Described {
        name,
        is_read_only: false,
        config_type: match definition.kind {
            SettingType::Boolean => TYPE_BOOLEAN,
            SettingType::Int => TYPE_INT,
            SettingType::Long => TYPE_LONG,
            SettingType::Double => TYPE_DOUBLE,
            SettingType::List => TYPE_LIST,
            SettingType::Enum => TYPE_STRING,
        },
        about: definition.doc,
        places: setting.synonyms.into_iter().map(|each| (each.name, each.value, source_code(each.source))).collect(),
    }
}
