//! A topic's settings, resolved from its own, the broker's and the built-in values.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{DEFINITIONS, InvalidSetting, Ratio, SettingDefinition, TopicDefaults, definition, definition_of_default};

/// The settings of one topic, ready for use. Settings that accept one behaviour only have no field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSettings {
    pub max_message_bytes: u32,
    pub compression: CompressionType,
    pub timestamp_type: TimestampType,
    /// How far a record's timestamp may lie behind the clock.
    pub timestamp_before_max: Duration,
    /// How far a record's timestamp may be ahead of the clock.
    pub timestamp_after_max: Duration,
    pub segment_bytes: u32,
    /// A segment is closed after this time, and up to the jitter earlier.
    pub segment_time: Duration,
    pub segment_jitter: Duration,
    pub cleanup: CleanupPolicy,
    /// How long compaction keeps tombstones that it has come across.
    pub delete_retention: Duration,
    /// A log is compacted once more than this share of it is not.
    pub cleanable_dirty_ratio: Ratio,
    /// Records younger than this are not compacted.
    pub compaction_lag_min: Duration,
    /// Records older than this are compacted whatever the share; `None` is no limit.
    pub compaction_lag_max: Option<Duration>,
    /// How long segments are kept, by their newest record; `None` is for ever.
    pub retention_time: Option<Duration>,
    /// How much is kept at least; `None` is everything.
    pub retention_bytes: Option<u64>,
    pub min_insync_replicas: u32,
    pub durability: Durability,
}

/// How old records leave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CleanupPolicy {
    /// By retention, in whole segments.
    #[default]
    Delete,
    /// When a later record has the same key.
    Compact,
    CompactAndDelete,
}

impl CleanupPolicy {
    pub const fn compacts(self) -> bool {
        matches!(self, Self::Compact | Self::CompactAndDelete)
    }

    pub const fn deletes(self) -> bool {
        matches!(self, Self::Delete | Self::CompactAndDelete)
    }
}

/// How stored batches are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompressionType {
    /// As the producer sent them.
    Producer,
    Uncompressed,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

/// Whose clock stamps the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampType {
    Create,
    LogAppend,
}

/// What `acks=all` waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The records are on stable storage.
    Flushed,
    /// The records are written; a flush follows by interval.
    Relaxed,
}

/// The settings that a topic itself has, by name, each value in its one spelling.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettingOverrides(BTreeMap<String, String>);

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingSource {
    /// Kafka's `DYNAMIC_TOPIC_CONFIG`.
    Topic,
    /// Kafka's `DYNAMIC_BROKER_CONFIG`.
    Broker,
    /// Kafka's `DYNAMIC_DEFAULT_BROKER_CONFIG`.
    AllBrokers,
    /// The broker's configuration file and flags, Kafka's `STATIC_BROKER_CONFIG`.
    BrokerDefault,
    /// Kafka's `DEFAULT_CONFIG`.
    Default,
}

/// One setting of one topic, as `DescribeConfigs` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingView {
    pub definition: &'static SettingDefinition,
    pub value: String,
    pub source: SettingSource,
    /// Always false: topics have no secrets.
    pub is_sensitive: bool,
    /// All places that have a value, the one in force first.
    pub synonyms: Vec<SettingSynonym>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingSynonym {
    pub name: &'static str,
    pub value: String,
    pub source: SettingSource,
}

impl PartialEq for SettingDefinition {
    /// There is one definition of each name.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for SettingDefinition {}

impl SettingOverrides {
    /// Takes values as they stand in a record of the metadata log, where they were valid when written.
    pub fn from_record(values: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(values.into_iter().collect())
    }

    /// Checks what a client asks for. Names must be known, values accepted, and no name may come twice.
    pub fn from_request<'a>(
        values: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    ) -> Result<Self, InvalidSetting> {
        let mut overrides = Self::default();
        for (name, value) in values {
            let definition = definition(name)?;
            let value = value.ok_or_else(|| InvalidSetting::Null { name: name.to_owned() })?;
            if overrides.0.insert(name.to_owned(), definition.validate(value)?).is_some() {
                return Err(InvalidSetting::Twice { name: name.to_owned() });
            }
        }
        overrides.check_together()?;
        Ok(overrides)
    }

    /// What each value alone cannot show: relaxed topics have no bound on what is not flushed, and the bounds of
    /// compaction's lag must leave room between them.
    pub(crate) fn check_together(&self) -> Result<(), InvalidSetting> {
        self.check_compaction_lags()?;
        match self.flush_bound() {
            Some(name) if self.get("corelane.durability") == Some("relaxed") => {
                Err(InvalidSetting::RelaxedWithFlushBound { name })
            }
            _ => Ok(()),
        }
    }

    fn check_compaction_lags(&self) -> Result<(), InvalidSetting> {
        let lag = |name: &str| {
            let text = self.get(name).or_else(|| definition(name).ok().map(|known| known.default)).unwrap_or_default();
            (text.parse().unwrap_or(0_i64), text.to_owned())
        };
        let ((least, min), (most, max)) = (lag("min.compaction.lag.ms"), lag("max.compaction.lag.ms"));
        if least > most { Err(InvalidSetting::CompactionLags { min, max }) } else { Ok(()) }
    }

    /// The setting that bounds what is written but not flushed, if one does.
    fn flush_bound(&self) -> Option<&'static str> {
        ["flush.messages", "flush.ms"].into_iter().find(|name| {
            let value = self.get(name);
            value.is_some() && value != definition(name).ok().map(|known| known.default)
        })
    }

    pub(crate) fn set(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => drop(self.0.insert(name.to_owned(), value.to_owned())),
            None => drop(self.0.remove(name)),
        }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Names and values in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What has to be set and unset to come to other settings.
    pub(crate) fn changes_to(&self, other: &Self) -> BTreeMap<String, Option<String>> {
        let gone = self.0.keys().filter(|name| !other.0.contains_key(*name)).map(|name| (name.clone(), None));
        let different = other.0.iter().filter(|(name, value)| self.0.get(*name) != Some(value));
        gone.chain(different.map(|(name, value)| (name.clone(), Some(value.clone())))).collect()
    }

    /// A broker's settings that are defaults of topics, by the topics' names.
    pub(crate) fn as_topic_settings(&self) -> Self {
        let known = self.0.iter().filter_map(|(name, value)| {
            let definition = definition_of_default(name)?;
            Some((definition.name.to_owned(), value.clone()))
        });
        Self(known.collect())
    }
}

impl Default for TopicSettings {
    /// The built-in values.
    fn default() -> Self {
        Self::resolve(&SettingOverrides::default(), &TopicDefaults::default())
    }
}

impl TopicSettings {
    /// The topic's own values before the broker's, and those before the built-in ones.
    ///
    /// A topic that asks for a bound on what is not flushed is flushed, whatever the broker's default. A value that this
    /// version does not know (the log of a newer one) counts as not given.
    pub fn resolve(topic: &SettingOverrides, broker: &TopicDefaults) -> Self {
        let mut settings = Self {
            max_message_bytes: 0,
            compression: CompressionType::Producer,
            timestamp_type: TimestampType::Create,
            timestamp_before_max: Duration::ZERO,
            timestamp_after_max: Duration::ZERO,
            segment_bytes: 0,
            segment_time: Duration::ZERO,
            segment_jitter: Duration::ZERO,
            cleanup: CleanupPolicy::Delete,
            delete_retention: Duration::ZERO,
            cleanable_dirty_ratio: Ratio::default(),
            compaction_lag_min: Duration::ZERO,
            compaction_lag_max: None,
            retention_time: None,
            retention_bytes: None,
            min_insync_replicas: 0,
            durability: Durability::Flushed,
        };
        for definition in DEFINITIONS {
            let given = topic.get(definition.name).into_iter();
            let value = given
                .chain(broker.places(definition).map(|(_, value)| value))
                .find_map(|text| definition.parse(text).ok())
                .unwrap_or_else(|| definition.parse(definition.default).expect("a test parses every default"));
            (definition.store)(&mut settings, &value);
        }
        if topic.flush_bound().is_some() && topic.get("corelane.durability") != Some("relaxed") {
            settings.durability = Durability::Flushed;
        }
        settings
    }
}

/// All settings of a topic with their sources, in the order of names.
pub fn describe(topic: &SettingOverrides, defaults: &TopicDefaults) -> Vec<SettingView> {
    let view = |definition| view(definition, topic.get(definition.name), defaults);
    DEFINITIONS.iter().map(view).collect()
}

/// The default of a topic setting, as the broker's setting that it is.
pub fn describe_default(definition: &'static SettingDefinition, defaults: &TopicDefaults) -> SettingView {
    view(definition, None, defaults)
}

fn view(definition: &'static SettingDefinition, own: Option<&str>, defaults: &TopicDefaults) -> SettingView {
    let synonym = |name, value: &str, source| SettingSynonym { name, value: value.to_owned(), source };
    let own = own.map(|value| synonym(definition.name, value, SettingSource::Topic));
    let broker = defaults.places(definition).map(|(source, value)| synonym(definition.broker_name, value, source));
    let built_in = synonym(definition.broker_name, definition.default, SettingSource::Default);
    let synonyms: Vec<_> = own.into_iter().chain(broker).chain([built_in]).collect();
    let SettingSynonym { value, source, .. } = synonyms[0].clone();
    SettingView { definition, value, source, is_sensitive: false, synonyms }
}
