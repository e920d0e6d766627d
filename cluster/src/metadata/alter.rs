//! What follows from a command that alters settings.

use std::collections::BTreeSet;

use super::decide::{too_many_settings, unless};
use super::{
    AlterOwnerSettings, AlterSettings, Decision, Metadata, MetadataError, MetadataRecord, OtherSettings, OwnerChange,
    Reply, SettingChange, SettingOperation, SettingsOwner,
};
use crate::limits;
use crate::settings::{
    InvalidSetting, SettingDefinition, SettingOverrides, SettingType, TopicDefaults, definition, definition_of_default,
    quoted,
};

/// Settings while a command is gone through.
struct Alteration<'a> {
    current: &'a SettingOverrides,
    defaults: &'a TopicDefaults,
    altered: SettingOverrides,
    seen: BTreeSet<String>,
}

impl Metadata {
    pub(super) fn alter_settings(&self, command: AlterSettings) -> Result<Decision, MetadataError> {
        let topic = self.find(&command.topic)?;
        let mut alteration =
            Alteration::new(&topic.settings, &command.defaults, command.others, command.changes.len())?;
        for change in command.changes {
            match definition(&change.name) {
                Ok(definition) => alteration.change(definition, definition.name, &change)?,
                // What is not there can be taken away, as in Kafka: clients tidy up settings that only Kafka has.
                Err(_) if change.operation == SettingOperation::Unset => {}
                Err(unknown) => return Err(unknown.into()),
            }
        }
        alteration.altered.check_together()?;
        let changes = topic.settings.changes_to(&alteration.altered);
        let nothing_to_do = command.validate_only || changes.is_empty();
        let records = unless(nothing_to_do, || MetadataRecord::SettingsAltered { topic: topic.id, changes });
        Ok(Decision { records, reply: Reply::SettingsAltered })
    }

    pub(super) fn alter_owner_settings(&self, command: AlterOwnerSettings) -> Result<Decision, MetadataError> {
        let AlterOwnerSettings { owner, changes, others, validate_only, defaults } = command;
        self.check_owner(&owner)?;
        let none = SettingOverrides::default();
        let current = self.image().settings_of(&owner).unwrap_or(&none);
        let mut alteration = Alteration::new(current, &defaults, others, changes.len())?;
        for change in changes {
            match change {
                OwnerChange::Checked { name, value } => alteration.put(name, value)?,
                OwnerChange::TopicDefault(change) => {
                    let definition = definition_of_default(&change.name)
                        .ok_or_else(|| InvalidSetting::Unknown { name: quoted(&change.name) })?;
                    alteration.change(definition, definition.broker_name, &change)?;
                }
            }
        }
        alteration.altered.as_topic_settings().check_together()?;
        let changes = current.changes_to(&alteration.altered);
        let nothing_to_do = validate_only || changes.is_empty();
        let records = unless(nothing_to_do, || MetadataRecord::OwnerSettingsAltered { owner, changes });
        Ok(Decision { records, reply: Reply::SettingsAltered })
    }

    fn check_owner(&self, owner: &SettingsOwner) -> Result<(), MetadataError> {
        match owner {
            SettingsOwner::Broker(broker) if self.image().broker(*broker).is_none() => {
                Err(MetadataError::UnknownBroker { broker: *broker })
            }
            SettingsOwner::Group(_)
                if self.image().settings_of(owner).is_none()
                    && self.image().owner_settings().count() >= limits::SETTING_OWNERS_MAX =>
            {
                let (what, limit) = ("groups with settings of their own", limits::SETTING_OWNERS_MAX);
                Err(MetadataError::LimitReached { what, limit })
            }
            SettingsOwner::Group(_) | SettingsOwner::Broker(_) | SettingsOwner::AllBrokers => Ok(()),
        }
    }
}

impl<'a> Alteration<'a> {
    fn new(
        current: &'a SettingOverrides,
        defaults: &'a TopicDefaults,
        others: OtherSettings,
        changes: usize,
    ) -> Result<Self, MetadataError> {
        if changes > limits::SETTING_CHANGES_MAX {
            return Err(too_many_settings(changes));
        }
        let altered = match others {
            OtherSettings::Stay => current.clone(),
            OtherSettings::Reset => SettingOverrides::default(),
        };
        Ok(Self { current, defaults, altered, seen: BTreeSet::new() })
    }

    /// `name` is what the owner of the settings calls the setting.
    fn change(
        &mut self,
        definition: &'static SettingDefinition,
        name: &str,
        change: &SettingChange,
    ) -> Result<(), InvalidSetting> {
        let current = self.current.get(name).unwrap_or_else(|| self.defaults.in_force(definition));
        let value = changed_value(definition, current, &change.operation)?;
        self.put(name.to_owned(), value)
    }

    fn put(&mut self, name: String, value: Option<String>) -> Result<(), InvalidSetting> {
        self.altered.set(&name, value.as_deref());
        match self.seen.insert(name.clone()) {
            true => Ok(()),
            false => Err(InvalidSetting::Twice { name }),
        }
    }
}

/// The value after an operation; `None` when there is none any more.
fn changed_value(
    definition: &SettingDefinition,
    current: &str,
    operation: &SettingOperation,
) -> Result<Option<String>, InvalidSetting> {
    let combined = match operation {
        SettingOperation::Set(value) => return definition.validate(value).map(Some),
        SettingOperation::Unset => return Ok(None),
        SettingOperation::Append(_) | SettingOperation::Subtract(_) if definition.kind != SettingType::List => {
            return Err(InvalidSetting::NotAList { name: definition.name });
        }
        SettingOperation::Append(value) => {
            let mut items: Vec<_> = current.split(',').collect();
            let added = bounded(definition, value)?.split(',').map(str::trim);
            added.for_each(|item| {
                if !items.contains(&item) {
                    items.push(item)
                }
            });
            items.join(",")
        }
        SettingOperation::Subtract(value) => {
            let removed: Vec<_> = bounded(definition, value)?.split(',').map(str::trim).collect();
            current.split(',').filter(|item| !removed.contains(item)).collect::<Vec<_>>().join(",")
        }
    };
    definition.validate(&combined).map(Some)
}

/// A list's items are compared with each other, so its length is checked before.
fn bounded<'a>(definition: &SettingDefinition, value: &'a str) -> Result<&'a str, InvalidSetting> {
    if value.len() > limits::SETTING_VALUE_BYTES_MAX {
        return Err(InvalidSetting::TooLong { name: definition.name, bytes: value.len() });
    }
    Ok(value)
}
