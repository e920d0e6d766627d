//! Settings of a broker, or of all brokers: its own, by our names and by Kafka's, and the defaults of topics.

use base::BrokerId;
use cluster::metadata::{OwnerChange, SettingChange, SettingOperation, SettingsOwner};
use cluster::settings::{DEFINITIONS, definition_of_default, describe_default};
use wire::ErrorCode;

use super::{
    Described, SOURCE_ALL_BROKERS, SOURCE_BROKER, SOURCE_DEFAULT, SOURCE_FILE, TYPE_BOOLEAN, TYPE_INT, TYPE_LONG,
    TYPE_STRING, topic,
};
use crate::config::{Changes, InForce, KAFKA_NAMES, Kind, Named, SETTINGS, Setting, Source, Spelling, Value};
use crate::core::Core;
use crate::refusal::Refusal;
use crate::start;

/// What Kafka's tools look for and is no setting here.
const FIXED: [(&str, &str, i8, &str); 2] = [
    ("default.replication.factor", "1", TYPE_INT, "Replicas of a new topic that does not say how many."),
    ("log.cleaner.enable", "true", TYPE_BOOLEAN, "Compaction is always at work."),
];

/// Whose settings a resource's name stands for: an empty one for those of all brokers.
pub(super) fn owner_of(core: &Core, name: &str) -> Result<SettingsOwner, Refusal> {
    let this = core.identity.broker;
    match name.parse() {
        _ if name.is_empty() => Ok(SettingsOwner::AllBrokers),
        Ok(id) if core.identity.is_here(BrokerId(id)) => Ok(SettingsOwner::Broker(this)),
        Ok(id) => {
            let text = format!("this is broker {this} and not broker {id}: ask that one, or none by an empty name");
            Err(Refusal::new(ErrorCode::InvalidRequest, text))
        }
        Err(_) => {
            let text = format!("{name:?} is no broker: give its number, or nothing for all brokers");
            Err(Refusal::new(ErrorCode::InvalidRequest, text))
        }
    }
}

/// Of one broker everything; of all brokers what was altered for them, as in Kafka.
pub(super) fn describe(core: &Core, name: &str) -> Result<Vec<Described>, Refusal> {
    let owner = owner_of(core, name)?;
    let view = core.shown_view();
    let altered = start::altered_of(&core.config, &view.image);
    let mut all = Vec::new();
    for setting in SETTINGS {
        let places = core.config.values_of(setting, altered);
        let described = |name, config_type, spell: &dyn Fn(&Value) -> String| Described {
            name,
            is_read_only: setting.changes == Changes::AtStart,
            config_type,
            about: setting.about,
            places: places.iter().map(|InForce { value, source }| (name, spell(value), code(*source))).collect(),
        };
        all.push(described(setting.name, type_of(setting.kind), &Value::to_string));
        for known in KAFKA_NAMES.iter().filter(|known| known.setting().name == setting.name) {
            let config_type = if known.spelling == Spelling::Same { type_of(setting.kind) } else { TYPE_LONG };
            all.push(described(known.name, config_type, &|value| known.spell(value)));
        }
    }
    all.extend(FIXED.map(|(name, value, config_type, about)| Described {
        name,
        is_read_only: true,
        config_type,
        about,
        places: vec![(name, value.to_owned(), SOURCE_DEFAULT)],
    }));
    let defaults = core.topic_defaults();
    all.extend(
        DEFINITIONS
            .iter()
            .map(|definition| topic::described(definition.broker_name, describe_default(definition, &defaults))),
    );
    if owner == SettingsOwner::AllBrokers {
        all.iter_mut().for_each(|setting| setting.places.retain(|(.., source)| *source == SOURCE_ALL_BROKERS));
        all.retain(|setting| !setting.places.is_empty());
    }
    all.sort_by_key(|setting| setting.name);
    Ok(all)
}

pub(super) const fn code(source: Source) -> i8 {
    match source {
        Source::Broker => SOURCE_BROKER,
        Source::AllBrokers => SOURCE_ALL_BROKERS,
        Source::File => SOURCE_FILE,
        Source::Default => SOURCE_DEFAULT,
    }
}

fn type_of(kind: Kind) -> i8 {
    match kind {
        Kind::Flag => TYPE_BOOLEAN,
        Kind::Count { .. } => TYPE_INT,
        Kind::Text
        | Kind::Word(_)
        | Kind::Address
        | Kind::AddressOrOff
        | Kind::Bytes { .. }
        | Kind::Duration { .. }
        | Kind::Cores => TYPE_STRING,
    }
}

/// Checks a change. Kafka's code for a value that cannot be is another one here than for topics.
pub(super) fn check(change: SettingChange) -> Result<OwnerChange, Refusal> {
    if let Some(definition) = definition_of_default(&change.name) {
        if let SettingOperation::Set(text) = &change.operation {
            let valid = definition.validate(text);
            valid.map_err(|error| Refusal::new(ErrorCode::InvalidRequest, error.to_string()))?;
        }
        return Ok(OwnerChange::TopicDefault(change));
    }
    let SettingChange { name, operation } = change;
    let invalid = |why| Refusal::new(ErrorCode::InvalidRequest, format!("{name}: {why}"));
    if FIXED.iter().any(|(fixed, ..)| *fixed == name) {
        let text = format!("{name} is read only: nothing else is to be had here");
        return Err(Refusal::new(ErrorCode::InvalidRequest, text));
    }
    let Some(named) = Named::find(&name) else {
        // What is not there can be taken away.
        if operation == SettingOperation::Unset {
            return Ok(OwnerChange::Checked { name, value: None });
        }
        return Err(Refusal::new(ErrorCode::InvalidConfig, format!("there is no broker setting {name:?}")));
    };
    let Setting { name: ours, changes, .. } = *named.setting();
    if changes == Changes::AtStart {
        let text = format!("{name} is read only: set {ours} in the broker's file and restart it");
        return Err(Refusal::new(ErrorCode::InvalidRequest, text));
    }
    let value = match operation {
        SettingOperation::Unset => None,
        SettingOperation::Set(text) => Some(named.parse(&text).map_err(invalid)?.to_string()),
        SettingOperation::Append(_) | SettingOperation::Subtract(_) => {
            let text = format!("{name} is not a list, so nothing can be added to it or taken from it");
            return Err(Refusal::new(ErrorCode::InvalidConfig, text));
        }
    };
    Ok(OwnerChange::Checked { name: ours.to_owned(), value })
}
