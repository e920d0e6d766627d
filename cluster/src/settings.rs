//! Settings of topics: each declared once, with its Kafka name, type, unit, default, bounds and one sentence.
//!
//! Validation, `DescribeConfigs`, the resolved [`TopicSettings`] and the manual's table ([`settings_markdown`]) all
//! derive from [`DEFINITIONS`].

mod defaults;
mod markdown;
mod ratio;
mod table;
mod topic;

use std::borrow::Cow;
use std::fmt;

pub use defaults::TopicDefaults;
pub use markdown::settings_markdown;
pub use ratio::Ratio;
pub use table::DEFINITIONS;
pub use topic::{
    CleanupPolicy, CompressionType, Durability, SettingOverrides, SettingSource, SettingSynonym, SettingView,
    TimestampType, TopicSettings, describe, describe_default,
};

use crate::limits;

/// A setting of topics. There is one for each name, in [`DEFINITIONS`].
#[derive(Debug)]
pub struct SettingDefinition {
    /// The name in a topic's settings, which is Kafka's where Kafka has the setting.
    pub name: &'static str,
    /// The name of the broker's setting that supplies the default, as Kafka's `DescribeConfigs` lists it in synonyms.
    pub broker_name: &'static str,
    pub kind: SettingType,
    pub unit: Unit,
    /// The value where neither topic nor broker says anything, as text.
    pub default: &'static str,
    pub accepted: Accepted,
    pub effect: Effect,
    /// One sentence for help and manual.
    pub doc: &'static str,
    /// Writes a valid value into the resolved settings.
    store: fn(&mut TopicSettings, &SettingValue),
}

/// Types as Kafka's `DescribeConfigs` tells them apart. An enum is a string there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingType {
    Boolean,
    Int,
    Long,
    Double,
    /// Several of the accepted words, separated by commas.
    List,
    /// One of the accepted words.
    Enum,
}

impl fmt::Display for SettingType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Long => "long",
            Self::Double => "double",
            Self::List => "list",
            Self::Enum => "enum",
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    None,
    Bytes,
    Milliseconds,
    Messages,
    Replicas,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "",
            Self::Bytes => "bytes",
            Self::Milliseconds => "milliseconds",
            Self::Messages => "messages",
            Self::Replicas => "replicas",
        })
    }
}

/// The values that a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// Whole numbers from `min` to `max`, both inclusive.
    Range { min: i64, max: i64 },
    /// Numbers from 0 to 1, both inclusive.
    Ratio,
    /// One of these words, or a list of them for [`SettingType::List`].
    Words(&'static [&'static str]),
}

/// What a value changes in this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Served,
    /// Every accepted value behaves alike; the sentence says why.
    Limited(&'static str),
}

/// A value that its definition accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SettingValue {
    Boolean(bool),
    Number(i64),
    Ratio(Ratio),
    Word(&'static str),
    List(Vec<&'static str>),
}

impl SettingValue {
    fn number(&self) -> i64 {
        match self {
            Self::Number(number) => *number,
            _ => panic!("{self:?} is stored as a number"),
        }
    }

    fn ratio(&self) -> Ratio {
        match self {
            Self::Ratio(ratio) => *ratio,
            _ => panic!("{self:?} is stored as a ratio"),
        }
    }

    fn words(&self) -> &[&'static str] {
        match self {
            Self::List(words) => words,
            _ => panic!("{self:?} is stored as a list"),
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Word(word) => word,
            _ => panic!("{self:?} is stored as a word"),
        }
    }
}

/// The value as `DescribeConfigs` writes it.
impl fmt::Display for SettingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::Ratio(value) => value.fmt(f),
            Self::Word(value) => f.pad(value),
            Self::List(values) => f.pad(&values.join(",")),
        }
    }
}

/// A setting was refused (Kafka's `INVALID_CONFIG`, 40). The sender should correct the named setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSetting {
    #[error("there is no topic setting {name:?}")]
    Unknown { name: String },
    #[error("{name} needs a value")]
    Null { name: String },
    #[error("the value of {name} has {bytes} bytes, above the limit of {}", limits::SETTING_VALUE_BYTES_MAX)]
    TooLong { name: &'static str, bytes: usize },
    #[error("{name}={value:?} is not accepted: {expected}")]
    Refused { name: &'static str, value: String, expected: Cow<'static, str> },
    #[error("{name} is given twice")]
    Twice { name: String },
    #[error("{name} is not a list, so nothing can be added to it or taken from it")]
    NotAList { name: &'static str },
    #[error("a relaxed topic is flushed by interval only: set corelane.durability=flushed or leave out {name}")]
    RelaxedWithFlushBound { name: &'static str },
    #[error("min.compaction.lag.ms={min} is above max.compaction.lag.ms={max}")]
    CompactionLags { min: String, max: String },
}

/// The definition of a setting by its topic name.
pub fn definition(name: &str) -> Result<&'static SettingDefinition, InvalidSetting> {
    DEFINITIONS
        .iter()
        .find(|definition| definition.name == name)
        .ok_or_else(|| InvalidSetting::Unknown { name: quoted(name) })
}

/// The definition of a topic setting by the name of the broker's setting that is its default.
pub fn definition_of_default(broker_name: &str) -> Option<&'static SettingDefinition> {
    DEFINITIONS.iter().find(|definition| definition.broker_name == broker_name)
}

impl SettingDefinition {
    /// Reads a value and gives it back in its one spelling.
    pub fn validate(&self, text: &str) -> Result<String, InvalidSetting> {
        self.parse(text).map(|value| value.to_string())
    }

    pub(crate) fn parse(&self, text: &str) -> Result<SettingValue, InvalidSetting> {
        if text.len() > limits::SETTING_VALUE_BYTES_MAX {
            return Err(InvalidSetting::TooLong { name: self.name, bytes: text.len() });
        }
        let text = text.trim();
        let value = match (self.kind, self.accepted) {
            (SettingType::Boolean, _) => match text.to_ascii_lowercase().as_str() {
                "true" => Some(SettingValue::Boolean(true)),
                "false" => Some(SettingValue::Boolean(false)),
                _ => None,
            },
            (_, Accepted::Range { min, max }) => {
                text.parse().ok().filter(|number| (min..=max).contains(number)).map(SettingValue::Number)
            }
            (_, Accepted::Ratio) => Ratio::parse(text).map(SettingValue::Ratio),
            (SettingType::List, Accepted::Words(words)) => words_of(text, words).map(SettingValue::List),
            (_, Accepted::Words(words)) => word_of(text, words).map(SettingValue::Word),
        };
        value.ok_or_else(|| InvalidSetting::Refused {
            name: self.name,
            value: quoted(text),
            expected: self.expectation(),
        })
    }

    /// What a value must be, as the end of a sentence.
    pub(crate) fn expectation(&self) -> Cow<'static, str> {
        let bounds = match (self.kind, self.accepted) {
            (SettingType::Boolean, _) => "expected true or false".to_owned(),
            (_, Accepted::Range { min, max }) if min == max => format!("expected {min}"),
            (_, Accepted::Range { min, max }) => format!("expected a whole number from {min} to {max}"),
            (_, Accepted::Ratio) => "expected a number from 0 to 1".to_owned(),
            (SettingType::List, Accepted::Words(words)) if words.len() > 1 => {
                format!("expected a list of {}", words.join(", "))
            }
            (_, Accepted::Words(words)) => format!("expected {}", words.join(" or ")),
        };
        match self.effect {
            Effect::Served => bounds.into(),
            Effect::Limited(why) => format!("{bounds}; {why}").into(),
        }
    }
}

fn word_of(text: &str, words: &'static [&'static str]) -> Option<&'static str> {
    words.iter().find(|word| **word == text).copied()
}

/// The words of a list in the order given; `None` when it is empty, repeats one, or has another one.
fn words_of(text: &str, words: &'static [&'static str]) -> Option<Vec<&'static str>> {
    let mut found = Vec::new();
    for item in text.split(',') {
        let word = word_of(item.trim(), words)?;
        if found.contains(&word) {
            return None;
        }
        found.push(word);
    }
    Some(found)
}

/// The beginning of a peer's text, short enough for a message.
pub(crate) fn quoted(text: &str) -> String {
    let mut end = text.len().min(limits::QUOTED_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod tests;
