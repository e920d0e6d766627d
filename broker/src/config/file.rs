//! Reading the settings' file, with the line of whatever is wrong.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::table::{SETTINGS, find, nearest};
use super::value::Kind;
use super::{Gathered, TOPIC_DEFAULTS};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("{file}, line {line}: {what}")]
    Syntax { file: String, line: usize, what: String },
    #[error("{file}, line {line}: there is no setting `{name}`{}", suggestion(name))]
    Unknown { file: String, line: usize, name: String },
    #[error("{file}, line {line}: `{name}`: {why}")]
    Invalid { file: String, line: usize, name: String, why: String },
    #[error("{variable}: {why}")]
    Environment { variable: String, why: String },
    #[error("there is no setting `{name}`{}", suggestion(name))]
    UnknownFlag { name: String },
    #[error("`{name}`: {why}")]
    Flag { name: String, why: String },
    #[error("`topics.defaults`: {why}")]
    TopicDefault { why: String },
    /// Settings that are fine alone, as far as their kind goes, and not together or not here.
    #[error("{why}")]
    Together { why: String },
}

fn suggestion(name: &str) -> String {
    nearest(name).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

struct Reading<'a> {
    file: &'a str,
    text: &'a str,
}

pub(super) fn read(gathered: &mut Gathered, file: &str, text: &str) -> Result<(), ConfigError> {
    let reading = Reading { file, text };
    let table = DeTable::parse(text).map_err(|error| ConfigError::Syntax {
        file: file.to_owned(),
        line: error.span().map_or(1, |span| reading.line_of(span.start)),
        what: error.message().to_owned(),
    })?;
    reading.table(gathered, "", table.get_ref())
}

impl Reading<'_> {
    fn line_of(&self, position: usize) -> usize {
        1 + self.text.as_bytes()[..position.min(self.text.len())].iter().filter(|byte| **byte == b'\n').count()
    }

    fn table(&self, gathered: &mut Gathered, prefix: &str, table: &DeTable<'_>) -> Result<(), ConfigError> {
        for (key, value) in table {
            let name =
                if prefix.is_empty() { key.get_ref().to_string() } else { format!("{prefix}.{}", key.get_ref()) };
            let line = self.line_of(key.span().start);
            if prefix == TOPIC_DEFAULTS {
                gathered.put_topic_default(key.get_ref().to_string(), self.written(&name, line, value)?);
            } else if let Some(setting) = find(&name) {
                let text = match (setting.kind, value.get_ref()) {
                    (Kind::Cores, DeValue::Array(list)) => self.list(&name, line, list)?,
                    _ => self.written(&name, line, value)?,
                };
                let parsed = setting.kind.parse(&text).map_err(|why| self.invalid(&name, line, why))?;
                gathered.put(setting, parsed);
            } else if let DeValue::Table(inner) = value.get_ref()
                && (name == TOPIC_DEFAULTS || SETTINGS.iter().any(|setting| is_below(setting.name, &name)))
            {
                self.table(gathered, &name, inner)?;
            } else {
                return Err(ConfigError::Unknown { file: self.file.to_owned(), line, name });
            }
        }
        Ok(())
    }

    /// A list of cores as text.
    fn list(&self, name: &str, line: usize, list: &[Spanned<DeValue<'_>>]) -> Result<String, ConfigError> {
        let parts: Result<Vec<String>, ConfigError> = list.iter().map(|item| self.written(name, line, item)).collect();
        // One core in a list is a list of one, not a number of cores.
        parts.map(|parts| parts.iter().map(|core| format!("{core}-{core}")).collect::<Vec<_>>().join(","))
    }

    /// A value as it would be written on the command line.
    fn written(&self, name: &str, line: usize, value: &Spanned<DeValue<'_>>) -> Result<String, ConfigError> {
        match value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            DeValue::Integer(number) => Ok(number.to_string()),
            DeValue::Boolean(flag) => Ok(flag.to_string()),
            _ => Err(self.invalid(name, line, "a text, a whole number, true or false is expected".to_owned())),
        }
    }

    fn invalid(&self, name: &str, line: usize, why: String) -> ConfigError {
        ConfigError::Invalid { file: self.file.to_owned(), line, name: name.to_owned(), why }
    }
}

fn is_below(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'))
}
