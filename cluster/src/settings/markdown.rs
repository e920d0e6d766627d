//! The manual's table of topic settings.

use std::fmt::Write as _;

use super::{Accepted, DEFINITIONS, Effect, SettingDefinition, SettingType};

/// All topic settings as a Markdown table.
pub fn settings_markdown() -> String {
    let mut text =
        String::from("| setting | type | unit | default | accepted | what it does |\n|---|---|---|---|---|---|\n");
    for definition in DEFINITIONS {
        let SettingDefinition { name, kind, unit, default, doc, .. } = definition;
        let note = match definition.effect {
            Effect::Served => String::new(),
            Effect::Limited(why) => format!(" In this version: {why}."),
        };
        writeln!(text, "| `{name}` | {kind} | {unit} | `{default}` | {} | {doc}{note} |", accepted(definition))
            .expect("a string takes all that is written");
    }
    text
}

fn accepted(definition: &SettingDefinition) -> String {
    match (definition.kind, definition.accepted) {
        (SettingType::Boolean, _) => "`true`, `false`".to_owned(),
        (_, Accepted::Range { min, max }) if min == max => format!("`{min}`"),
        (_, Accepted::Range { min, max: i64::MAX }) => format!("from `{min}`"),
        (_, Accepted::Range { min, max }) => format!("`{min}` to `{max}`"),
        (_, Accepted::Ratio) => "`0.0` to `1.0`".to_owned(),
        (_, Accepted::Words(words)) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
    }
}
