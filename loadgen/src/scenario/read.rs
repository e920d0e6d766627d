//! From text to a scenario, with errors that name the key and the line.

use super::{Scenario, check};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// The text is no TOML, has an unknown key, or a value of the wrong kind. The message shows the line.
    #[error("{file}: {message}")]
    Syntax { file: String, message: String },
    #[error("{place}: {key}: {message}")]
    Value { place: String, key: String, message: String },
    #[error("--set {text}: {message}")]
    Override { text: String, message: String },
}

/// Reads and checks a scenario. `overrides` are KEY=VALUE, such as `load.rate=5000`; what is no TOML value is a text.
pub fn read(file: &str, text: &str, overrides: &[String]) -> Result<Scenario, ScenarioError> {
    let syntax = |error: toml::de::Error| ScenarioError::Syntax {
        file: file.to_owned(),
        message: error.to_string().trim_end().to_owned(),
    };
    // Once without the overrides, so that mistakes in the file are shown where they are.
    let mut scenario: Scenario = toml::from_str(text).map_err(syntax)?;
    let mut keys = Vec::new();
    if !overrides.is_empty() {
        let mut table: toml::Table = toml::from_str(text).map_err(syntax)?;
        for text in overrides {
            let wrong = |message: String| ScenarioError::Override { text: text.clone(), message };
            keys.push(apply(&mut table, text).map_err(wrong)?);
            scenario = table
                .clone()
                .try_into()
                .map_err(|error: toml::de::Error| wrong(error.to_string().trim_end().to_owned()))?;
        }
    }
    check::check(&scenario).map_err(|wrong| {
        let place = match overrides.iter().zip(&keys).rev().find(|(_, key)| **key == wrong.key) {
            Some((text, _)) => format!("--set {text}"),
            None => line_of(text, wrong.key).map_or_else(|| file.to_owned(), |line| format!("{file}:{line}")),
        };
        ScenarioError::Value { place, key: wrong.key.to_owned(), message: wrong.message }
    })?;
    Ok(scenario)
}

/// Sets one key; gives it back.
fn apply(table: &mut toml::Table, text: &str) -> Result<String, String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    let (key, value) = (key.trim(), value.trim());
    let value = format!("value = {value}")
        .parse::<toml::Table>()
        .ok()
        .and_then(|mut parsed| parsed.remove("value"))
        .unwrap_or_else(|| toml::Value::String(value.to_owned()));
    let mut path: Vec<&str> = key.split('.').collect();
    // Topic settings have dots in their names.
    if let ["topic", "settings", rest @ ..] = &path[..] {
        let name = rest.join(".");
        let topic = table.entry("topic").or_insert_with(|| toml::Value::Table(toml::Table::new()));
        let topic = topic.as_table_mut().ok_or("topic is no table")?;
        let settings = topic.entry("settings").or_insert_with(|| toml::Value::Table(toml::Table::new()));
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        settings.as_table_mut().ok_or("topic.settings is no table")?.insert(name, toml::Value::String(text));
        return Ok(key.to_owned());
    }
    let last = path.pop().expect("splitting gives one part at least");
    let mut inside = table;
    for part in path {
        let next = inside.entry(part).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        inside = next.as_table_mut().ok_or_else(|| format!("{part} is no table"))?;
    }
    // 5000 is meant as a number with a fraction where one is wanted.
    let value = match (inside.get(last), value) {
        (Some(toml::Value::Float(_)), toml::Value::Integer(whole)) => toml::Value::Float(whole as f64),
        (_, value) => value,
    };
    inside.insert(last.to_owned(), value);
    Ok(key.to_owned())
}

/// The line, from 1, on which a key such as `load.rate` is set.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let (table, name) = key.rsplit_once('.').unwrap_or(("", key));
    let mut inside = "";
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[').and_then(|line| line.split(']').next()) {
            inside = header.trim();
        } else if inside == table && line.split('=').next().is_some_and(|left| left.trim() == name) {
            return Some(index + 1);
        }
    }
    None
}
