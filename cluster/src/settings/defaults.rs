//! What brokers say about topics that say nothing themselves.

use super::{InvalidSetting, SettingDefinition, SettingOverrides, SettingSource};

/// Defaults of topic settings: what was altered while brokers ran comes before a broker's file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicDefaults {
    /// By the names of brokers' settings.
    this_broker: SettingOverrides,
    all_brokers: SettingOverrides,
    /// By the names of topic settings.
    file: SettingOverrides,
}

impl TopicDefaults {
    /// Checks the `topic` section of a broker's configuration; names are those of topic settings.
    pub fn new<'a>(values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, InvalidSetting> {
        let file = SettingOverrides::from_request(values.into_iter().map(|(name, value)| (name, Some(value))))?;
        Ok(Self { file, ..Self::default() })
    }

    /// These, with what was altered since: of all brokers, and of this one. Other settings of brokers may be among them.
    pub fn altered(&self, all_brokers: Option<&SettingOverrides>, this_broker: Option<&SettingOverrides>) -> Self {
        let taken = |from: Option<&SettingOverrides>| from.cloned().unwrap_or_default();
        Self { this_broker: taken(this_broker), all_brokers: taken(all_brokers), file: self.file.clone() }
    }

    /// What is in force for a topic that has no value of its own.
    pub(crate) fn in_force(&self, definition: &'static SettingDefinition) -> &str {
        self.places(definition).next().map_or(definition.default, |(_, value)| value)
    }

    /// The places that have a value, the one in force first.
    pub(super) fn places(&self, definition: &'static SettingDefinition) -> impl Iterator<Item = (SettingSource, &str)> {
        let places = [
            (SettingSource::Broker, self.this_broker.get(definition.broker_name)),
            (SettingSource::AllBrokers, self.all_brokers.get(definition.broker_name)),
            (SettingSource::BrokerDefault, self.file.get(definition.name)),
        ];
        places.into_iter().filter_map(|(source, value)| Some((source, value?)))
    }
}
