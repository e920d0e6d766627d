//! Writes Rust from the tables. The text is formatted afterwards, so nothing here cares for indentation.

mod api_key;
mod fixtures;
mod owned;
mod read;
mod record;
mod shape;
mod view;

use super::table::{Kind, Table};
pub(super) use api_key::api_key;
pub(super) use fixtures::{fixtures, fixtures_index, record_fixtures_index};
pub(super) use record::record_index;

/// The codec of one table.
pub(super) fn codec(table: &Table) -> String {
    let mut body = String::new();
    for one in &table.structs {
        body += &owned::definition(table, one);
    }
    for &side in table.sides() {
        body += &owned::message(table, side);
        if table.has_view(side) {
            body += &view::views(table, side);
        }
    }
    body += &layout_function(table, &body);

    let what = if table.about.is_empty() { String::new() } else { format!(": {}", table.about) };
    let number = match &table.kind {
        Kind::Api(api) => format!(" (key {})", api.key),
        Kind::Record(record) => format!(" (type {})", record.types),
        Kind::Data => String::new(),
    };
    let (name, versions) = (&table.name, table.handled);
    let mut text = format!("//! {name}{number}{what}. Versions {versions}.\n//!\n{}", generated_from(&table.file()));
    text += &imports(&body);
    text + &body
}

/// The list of the codec's modules.
pub(super) fn codec_index(tables: &[Table]) -> String {
    let mut text = String::from("//! One module an API, and the table of the APIs.\n//!\n");
    text += &generated_from("*");
    text += "\npub(super) mod api_key;\n";
    for table in tables {
        text += &format!("pub mod {};\n", table.module);
    }
    text
}

fn generated_from(table: &str) -> String {
    format!("//! Generated from `schemas/kafka/{table}.txt` by `cargo run -p schemas -- generate`; edit the table.\n\n")
}

fn layout_function(table: &Table, body: &str) -> String {
    match table.flexible {
        Some(first) if body.contains("layout(version)") => format!(
            "\nconst fn layout(version: i16) -> Layout {{\n\
             if version >= {first} {{ Layout::Flexible }} else {{ Layout::Classic }}\n}}\n"
        ),
        _ => String::new(),
    }
}

/// Imports what the body names, and no more.
fn imports(body: &str) -> String {
    let mut text = String::new();
    if uses(body, "Bytes") {
        text += "use bytes::Bytes;\n\n";
    }
    text += "use crate::gather::Gather;\n";
    for (module, names) in [
        ("api_key", &["VersionRange"][..]),
        ("group_records", &["RecordKey", "Versioned", "admit_versioned"]),
        ("message", &["Layout", "admit"]),
        ("reader", &["Tag"]),
        ("write", &["write_len", "write_null", "write_null_string", "write_payload", "write_string"]),
        ("", &["ApiKey", "ArrayView", "DecodeError", "EncodeError", "Message", "Reader", "Request", "View"]),
    ] {
        let used: Vec<&str> = names.iter().copied().filter(|name| uses(body, name)).collect();
        let module = if module.is_empty() { String::new() } else { format!("{module}::") };
        if !used.is_empty() {
            text += &format!("use crate::kafka::{module}{{{}}};\n", used.join(", "));
        }
    }
    if uses(body, "Payload") {
        text += "use crate::payload::Payload;\n";
    }
    text + "\n"
}

/// True when `word` stands in the text as a whole word.
fn uses(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|found| found == word)
}

/// The name of a parameter, with the underscore that an unused one needs.
fn parameter(body: &str, name: &str) -> String {
    if uses(body, name) { name.to_owned() } else { format!("_{name}") }
}

#[cfg(test)]
mod tests;
