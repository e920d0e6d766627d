//! `corelane topic configs` and `corelane topic alter`.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use serde::Serialize;

use super::Answer;
use crate::format::{cut, json_line, plural, printable};
use crate::kafka::{Cluster, ConfigChange, Execution, TopicSetting};
use crate::say;
use crate::table::table;

/// Characters of a value in a table.
const VALUE_WIDTH_MAX: usize = 40;
/// Characters of a line of text.
const TEXT_WIDTH: usize = 76;

/// Show the settings of a topic: their values, what would hold without them, and where they come from.
#[derive(Args)]
pub(super) struct Configs {
    /// The topic.
    name: String,
    /// Also what the topic does not set itself.
    #[arg(long)]
    all: bool,
    /// With what each means.
    #[arg(long)]
    docs: bool,
    /// One JSON object a line, one for each setting.
    #[arg(long)]
    json: bool,
}

/// Change settings of a topic; the others stay as they are.
#[derive(Args)]
pub(super) struct Alter {
    /// The topic.
    name: String,
    /// A setting by Kafka's name, such as retention.ms=3600000; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", required_unless_present = "unset", value_parser = parse_pair)]
    set: Vec<(String, String)>,
    /// A setting that goes back to the broker's default; may be given several times.
    #[arg(long, value_name = "NAME")]
    unset: Vec<String>,
    /// Only ask the broker whether it would do it.
    #[arg(long)]
    dry_run: bool,
    /// One JSON object a line, one for each setting.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Shown<'a> {
    topic: &'a str,
    name: &'a str,
    value: Option<&'a str>,
    default: Option<&'a str>,
    source: &'a str,
    documentation: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Changed<'a> {
    topic: &'a str,
    name: &'a str,
    old_value: Option<&'a str>,
    new_value: Option<&'a str>,
    source: &'a str,
    executed: bool,
}

fn parse_pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

fn or_dash(value: Option<&str>) -> String {
    match value {
        None => "-".to_owned(),
        Some("") => "\"\"".to_owned(),
        Some(value) => cut(&printable(value), VALUE_WIDTH_MAX),
    }
}

impl Configs {
    pub(super) fn run(self, cluster: &mut Cluster) -> Answer<()> {
        let settings = cluster.topic_settings(&self.name)?;
        let count = settings.len();
        let shown: Vec<TopicSetting> = settings.into_iter().filter(|setting| self.all || setting.is_own).collect();
        if self.json {
            return say(&shown.iter().map(|setting| json_line(&Shown::new(&self.name, setting))).collect::<String>());
        }
        if shown.is_empty() {
            let settings = plural(count, "setting");
            return say(&format!("topic {} sets none of its {settings} itself; --all shows them\n", self.name));
        }
        say(&if self.docs { with_docs(&shown) } else { rows(&shown) })
    }
}

impl<'a> Shown<'a> {
    fn new(topic: &'a str, setting: &'a TopicSetting) -> Self {
        Self {
            topic,
            name: &setting.name,
            value: setting.value.as_deref(),
            default: setting.default.as_deref(),
            source: setting.source,
            documentation: setting.documentation.as_deref(),
        }
    }
}

fn rows(settings: &[TopicSetting]) -> String {
    let row = |setting: &TopicSetting| {
        let (value, default) = (or_dash(setting.value.as_deref()), or_dash(setting.default.as_deref()));
        vec![printable(&setting.name), value, default, setting.source.to_owned()]
    };
    table(&["SETTING", "VALUE", "DEFAULT", "SOURCE"], &settings.iter().map(row).collect::<Vec<_>>())
}

fn with_docs(settings: &[TopicSetting]) -> String {
    let mut text = String::new();
    for setting in settings {
        let (value, default) = (or_dash(setting.value.as_deref()), or_dash(setting.default.as_deref()));
        let from = match setting.is_own {
            true => format!("set by the topic; without that {default}"),
            false if setting.source == "default" => "the default".to_owned(),
            false => format!("from: {}", setting.source),
        };
        text.push_str(&format!("{} = {value} ({from})\n", printable(&setting.name)));
        for line in wrapped(setting.documentation.as_deref().unwrap_or_default()) {
            text.push_str(&format!("    {line}\n"));
        }
    }
    text
}

/// A text in lines of some width, broken between its words.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= TEXT_WIDTH => {
                line.push(' ');
                line.push_str(&printable(word));
            }
            _ => lines.push(printable(word)),
        }
    }
    lines
}

impl Alter {
    pub(super) fn run(self, cluster: &mut Cluster) -> Answer<()> {
        let changes = self.changes()?;
        let name = &self.name;
        let before = by_name(cluster.topic_settings(name)?);
        let execution = if self.dry_run { Execution::ValidateOnly } else { Execution::Do };
        cluster.alter_topic(name, &changes, execution)?;
        let after = if self.dry_run { BTreeMap::new() } else { by_name(cluster.topic_settings(name)?) };
        let changed: Vec<Changed<'_>> = changes
            .iter()
            .map(|(setting, value)| {
                let (old, new) = (before.get(setting), after.get(setting));
                // A trial has no outcome to look at; it is known all the same.
                let expected = value.as_deref().or_else(|| old.and_then(|old| old.default.as_deref()));
                let own = if value.is_some() { "topic" } else { "default" };
                Changed {
                    topic: name,
                    name: setting,
                    old_value: old.and_then(|old| old.value.as_deref()),
                    new_value: new.map_or(expected, |new| new.value.as_deref()),
                    source: new.map_or(own, |new| new.source),
                    executed: !self.dry_run,
                }
            })
            .collect();
        let row = |one: &Changed<'_>| {
            vec![printable(one.name), or_dash(one.old_value), or_dash(one.new_value), one.source.to_owned()]
        };
        say(&match self.json {
            true => changed.iter().map(json_line).collect::<String>(),
            false => table(&["SETTING", "OLD", "NEW", "SOURCE"], &changed.iter().map(row).collect::<Vec<_>>()),
        })?;
        if self.dry_run {
            eprintln!("corelane: nothing is changed yet: the broker would do it without --dry-run");
        }
        Ok(())
    }

    fn changes(&self) -> Answer<Vec<ConfigChange>> {
        let set = self.set.iter().map(|(name, value)| (name.clone(), Some(value.clone())));
        let changes: Vec<ConfigChange> = set.chain(self.unset.iter().map(|name| (name.clone(), None))).collect();
        let mut names = BTreeSet::new();
        match changes.iter().find(|(name, _)| !names.insert(name.as_str())) {
            Some((name, _)) => Err(format!("{name} is to be changed twice: name it once, in --set or in --unset"))?,
            None => Ok(changes),
        }
    }
}

fn by_name(settings: Vec<TopicSetting>) -> BTreeMap<String, TopicSetting> {
    settings.into_iter().map(|setting| (setting.name.clone(), setting)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_broken_between_words() {
        let text = "word ".repeat(40);
        let lines = wrapped(&text);
        assert_eq!(lines.join(" "), text.trim());
        assert!(lines.iter().all(|line| (70..=TEXT_WIDTH).contains(&line.len()) || line == lines.last().unwrap()));
        assert_eq!(wrapped(&"x".repeat(100)), ["x".repeat(100)]);
        assert!(wrapped(" ").is_empty());
    }

    #[test]
    fn a_pair_has_a_name_and_perhaps_an_empty_value() {
        assert_eq!(parse_pair("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(parse_pair(" a ="), Ok(("a".to_owned(), String::new())));
        assert!(parse_pair("a").is_err() && parse_pair("=b").is_err());
    }
}
